// SPDX-License-Identifier: GPL-2.0-only
/* kvmgov set */
#include <errno.h>
#include <string.h>

#include "cli.h"

/**
 * struct request - What the command line asks for
 * @limits: What the module accepts.
 * @words: KEY=VALUE, as given.
 * @nr: How many of them.
 */
struct request {
	struct kvmgov_limits limits;
	char **words;
	int nr;
};

static struct kvmgov_change *make_change(const struct kvmgov_vm *vm, const struct request *req,
					 struct kvmgov_error *err)
{
	struct kvmgov_change *change;
	int i;

	change = kvmgov_change_new(vm, &req->limits, err);
	for (i = 0; change && i < req->nr; i++) {
		const char *value = strchr(req->words[i], '=') + 1;
		char key[64];

		snprintf(key, sizeof(key), "%.*s", (int)(value - 1 - req->words[i]), req->words[i]);
		if (kvmgov_change_set(change, key, value, err)) {
			kvmgov_change_free(change);
			return NULL;
		}
	}
	return change;
}

static int set_apply(struct kvmgov *kg, const struct kvmgov_vm *vm, void *arg,
		     struct kvmgov_error *err)
{
	struct kvmgov_change *change;
	int ret;

	change = make_change(vm, arg, err);
	ret = change ? kvmgov_change_commit(kg, change, err) : -1;
	kvmgov_change_free(change);
	return ret;
}

static int set(struct cli *cli, struct kvmgov *kg, char **words, int nr, bool verbose)
{
	struct request req = { .words = words + 1, .nr = nr - 1 };
	struct vms_operation op = { .apply = set_apply, .arg = &req };
	struct kvmgov_error err;
	struct kvmgov_info *info;

	info = kvmgov_info_get(kg, &err);
	if (!info)
		return cli_fail(cli, &err);
	kvmgov_info_limits(info, &req.limits);
	kvmgov_info_free(info);
	return vms_apply(cli, kg, words, 1, &op, verbose);
}

static int run(struct cli *cli, int argc, char **argv)
{
	static const struct option longs[] = {
		CLI_OPTIONS,
		{ "verbose", no_argument, NULL, 'v' },
		{ 0 },
	};
	struct kvmgov_error err;
	bool verbose = false;
	struct kvmgov *kg;
	int c, i, status;

	while ((c = cli_getopt(cli, argc, argv, "v", longs)) != -1)
		verbose |= c == 'v';
	if (optind == argc)
		return cli_usage(cli, "which VM?");
	if (optind + 1 == argc)
		return cli_usage(cli, "what of VM '%s' shall be set? KEY=VALUE", argv[optind]);
	for (i = optind + 1; i < argc; i++)
		if (!strchr(argv[i], '='))
			return cli_usage(cli, "'%s' is not of the form KEY=VALUE", argv[i]);
	kg = kvmgov_open(&err);
	if (!kg)
		return cli_fail(cli, &err);
	status = set(cli, kg, argv + optind, argc - optind, verbose);
	kvmgov_close(kg);
	return status;
}

static void print_keys(void)
{
	const char *key, *help;
	size_t i;

	printf("Keys:\n");
	for (i = 0; (key = kvmgov_change_key(i, &help)); i++)
		printf("  %-8s %s\n", key, help);
}

const struct command cmd_set = {
	.name = "set",
	.operands = "VM KEY=VALUE...",
	.summary = "Change limits, name or UUID of a VM",
	.help = "Several keys are one transaction: all of it is done, or nothing.\n"
		"\n",
	.more_help = print_keys,
	.options = "  -v, --verbose  say what has changed\n",
	.run = run,
};
