// SPDX-License-Identifier: GPL-2.0-only
/* kvmgov list */
#include <stdlib.h>

#include "cli.h"

static void print_json(const struct kvmgov_vm_list *list)
{
	struct json_object *doc = js_document(), *vms = js_array();
	size_t i;

	for (i = 0; i < kvmgov_vm_list_size(list); i++)
		js_append(vms, fields_json(vm_fields, kvmgov_vm_list_at(list, i)));
	js_add(doc, "vms", vms);
	js_print(doc);
}

static int print_text(const struct kvmgov_vm_list *list)
{
	size_t i, nr = kvmgov_vm_list_size(list);
	const void **vms;

	vms = calloc(nr + 1, sizeof(*vms));
	if (!vms) {
		cli_warn("out of memory");
		return CLI_FAILED;
	}
	for (i = 0; i < nr; i++)
		vms[i] = kvmgov_vm_list_at(list, i);
	fields_table(vm_fields, vms, nr, "");
	free(vms);
	return CLI_OK;
}

static int run(struct cli *cli, int argc, char **argv)
{
	static const struct option longs[] = { CLI_OPTIONS, { 0 } };
	struct kvmgov_vm_list *list;
	struct kvmgov_error err;
	struct kvmgov *kg;
	int status = CLI_OK;

	cli_getopt(cli, argc, argv, "", longs);
	if (optind < argc)
		return cli_usage(cli, "list takes no VM; to see one: kvmgov show %s", argv[optind]);
	kg = kvmgov_open(&err);
	if (!kg)
		return cli_fail(cli, &err);
	list = kvmgov_vm_list_get(kg, &err);
	kvmgov_close(kg);
	if (!list)
		return cli_fail(cli, &err);
	if (cli->json)
		print_json(list);
	else
		status = print_text(list);
	kvmgov_vm_list_free(list);
	return status;
}

const struct command cmd_list = {
	.name = "list",
	.operands = "",
	.summary = "List the VMs, their limits and what they use",
	.help = "CPU is the limit (100% is one CPU, max is none) and PERIOD what it holds for.\n"
		"AVG% is the CPU time used, as a percentage of one CPU, on average since kvmgov\n"
		"first saw the VM. HELD is how long its vCPUs have been held for the limit, added\n"
		"up.\n",
	.run = run,
};
