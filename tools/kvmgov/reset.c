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
	static const struct vms_operation op = { .apply = reset_apply };

	return vms_run(cli, argc, argv, &op);
}

const struct command cmd_reset = {
	.name = "reset",
	.operands = "VM...",
	.summary = "Put the limits of VMs back to the defaults and forgive their debt",
	.help = "Names, UUIDs, states and figures stay.\n",
	.options = "  -v, --verbose  say what has changed\n",
	.run = run,
};
