// SPDX-License-Identifier: GPL-2.0-only
/* kvmgov show */
#include <stdlib.h>

#include "cli.h"

static struct json_object *vcpus_json(const struct kvmgov_vcpu_list *list)
{
	struct json_object *vcpus = js_array();
	size_t i;

	for (i = 0; i < kvmgov_vcpu_list_size(list); i++)
		js_append(vcpus, fields_json(vcpu_fields, kvmgov_vcpu_list_at(list, i)));
	return vcpus;
}

static void vcpus_print(const struct kvmgov_vcpu_list *list)
{
	size_t i, nr = kvmgov_vcpu_list_size(list);
	const void **vcpus;

	vcpus = calloc(nr + 1, sizeof(*vcpus));
	if (!vcpus) {
		cli_warn("out of memory");
		exit(CLI_FAILED);
	}
	for (i = 0; i < nr; i++)
		vcpus[i] = kvmgov_vcpu_list_at(list, i);
	if (nr)
		fields_table(vcpu_fields, vcpus, nr, "  ");
	free(vcpus);
}

/* Print one VM, or add it to @vms. */
static int show_vm(struct cli *cli, struct kvmgov *kg, const struct kvmgov_vm *vm,
		   struct json_object *vms, struct kvmgov_error *err)
{
	struct kvmgov_vcpu_list *vcpus;
	struct json_object *item;

	vcpus = kvmgov_vcpu_list_get(kg, kvmgov_vm_id(vm), err);
	if (!vcpus)
		return -1;
	if (cli->json) {
		item = fields_json(vm_fields, vm);
		js_add(item, "vcpus", vcpus_json(vcpus));
		js_append(vms, item);
	} else {
		fputs("VM ", stdout);
		vm_print_label(vm);
		putchar('\n');
		fields_print(vm_fields, vm, "  ");
		vcpus_print(vcpus);
	}
	kvmgov_vcpu_list_free(vcpus);
	return 0;
}

static int show(struct cli *cli, struct kvmgov *kg, char **words, int nr)
{
	struct json_object *doc = js_document(), *vms = js_array();
	struct kvmgov_vm_list *list;
	struct kvmgov_error err;
	int i, ret = 0;

	js_add(doc, "vms", vms);
	list = kvmgov_vm_list_get(kg, &err);
	if (!list)
		ret = -1;
	/* A word that names no VM is found before anything is printed. */
	for (i = 0; !ret && i < nr; i++)
		ret = kvmgov_vm_list_find(list, words[i], &err) ? 0 : -1;
	for (i = 0; !ret && i < nr; i++) {
		if (i && !cli->json)
			putchar('\n');
		ret = show_vm(cli, kg, kvmgov_vm_list_find(list, words[i], &err), vms, &err);
	}
	kvmgov_vm_list_free(list);
	if (ret) {
		json_object_put(doc);
		return cli_fail(cli, &err);
	}
	if (cli->json)
		js_print(doc);
	else
		json_object_put(doc);
	return CLI_OK;
}

static int run(struct cli *cli, int argc, char **argv)
{
	static const struct option longs[] = { CLI_OPTIONS, { 0 } };
	struct kvmgov_error err;
	struct kvmgov *kg;
	int status;

	cli_getopt(cli, argc, argv, "", longs);
	if (optind == argc)
		return cli_usage(cli, "which VM?");
	kg = kvmgov_open(&err);
	if (!kg)
		return cli_fail(cli, &err);
	status = show(cli, kg, argv + optind, argc - optind);
	kvmgov_close(kg);
	return status;
}

const struct command cmd_show = {
	.name = "show",
	.operands = "VM...",
	.summary = "Show all there is to know about VMs and their vCPUs",
	.run = run,
};
