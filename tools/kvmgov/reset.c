// SPDX-License-Identifier: GPL-2.0-only
/* kvmgov reset */
#include "cli.h"

static int reset_apply(struct kvmgov *kg, const struct kvmgov_vm *vm, void *arg,
		       struct kvmgov_error *err)
{
	(void)arg;
	return kvmgov_vm_reset(kg, kvmgov_vm_id(vm), err);
}

static int run(struct cli *cli, int argc, char **argv)
{
	static const struct option longs[] = {
		CLI_OPTIONS,
		{ "verbose", no_argument, NULL, 'v' },
		{ 0 },
	};
	struct vms_operation op = { .apply = reset_apply };
	struct kvmgov_error err;
	bool verbose = false;
	struct kvmgov *kg;
	int c, status;

	while ((c = cli_getopt(cli, argc, argv, "v", longs)) != -1)
		verbose |= c == 'v';
	if (optind == argc)
		return cli_usage(cli, "which VM?");
	kg = kvmgov_open(&err);
	if (!kg)
		return cli_fail(cli, &err);
	status = vms_apply(cli, kg, argv + optind, argc - optind, &op, verbose);
	kvmgov_close(kg);
	return status;
}

const struct command cmd_reset = {
	.name = "reset",
	.operands = "VM...",
	.summary = "Put the limits of VMs back to the defaults and forgive their debt",
	.help = "Names, UUIDs, states and figures stay.\n",
	.options = "  -v, --verbose  say what has changed\n",
	.run = run,
};
