// SPDX-License-Identifier: GPL-2.0-only
/* kvmgov history */
#include <inttypes.h>
#include <stdlib.h>

#include "cli.h"

/* The exits in the record of @vm. */
static struct kvmgov_exit_list *exits_of(const struct kvmgov_vm *vm)
{
	struct kvmgov_exit_list *exits;
	struct kvmgov_error err;

	exits = kvmgov_vm_exits(vm, &err);
	if (!exits) {
		cli_warn("%s", err.text);
		exit(CLI_FAILED);
	}
	return exits;
}

struct json_object *final_json(const struct kvmgov_vm *vm)
{
	struct kvmgov_exit_list *exits = exits_of(vm);
	struct json_object *item = fields_json(vm_fields, vm);
	char ended[48];

	time_format(kvmgov_vm_ended_ns(vm), ended, sizeof(ended));
	js_add(item, "ended", js_text(ended));
	js_add(item, "exits", exits_json(exits));
	kvmgov_exit_list_free(exits);
	return item;
}

/* All of one record. */
static void record_print(const struct kvmgov_vm *vm)
{
	struct kvmgov_exit_list *exits = exits_of(vm);

	fputs("VM ", stdout);
	vm_print_label(vm);
	putchar('\n');
	fields_print(ended_fields, vm, "  ");
	fields_print(vm_fields, vm, "  ");
	exits_print(exits);
	kvmgov_exit_list_free(exits);
}

static void records_print(const struct kvmgov_vm_list *list, const struct kvmgov_info *info)
{
	size_t i, nr = kvmgov_vm_list_size(list);
	const void **vms;

	vms = calloc(nr + 1, sizeof(*vms));
	if (!vms) {
		cli_warn("out of memory");
		exit(CLI_FAILED);
	}
	for (i = 0; i < nr; i++)
		vms[i] = kvmgov_vm_list_at(list, i);
	fields_table(ended_fields, vms, nr, "");
	free(vms);
	if (kvmgov_info_records_overwritten(info))
		printf("%" PRIu64 " earlier ones are gone: the module keeps %" PRIu32 "\n",
		       kvmgov_info_records_overwritten(info), kvmgov_info_records_max(info));
	if (kvmgov_info_records_lost(info))
		printf("%" PRIu64 " were lost for lack of memory\n",
		       kvmgov_info_records_lost(info));
}

static void print_json(const struct kvmgov_vm_list *list, const struct kvmgov_vm *only,
		       const struct kvmgov_info *info)
{
	struct json_object *doc = js_document(), *records = js_array();
	size_t i;

	for (i = 0; i < kvmgov_vm_list_size(list); i++)
		if (!only || kvmgov_vm_list_at(list, i) == only)
			js_append(records, final_json(kvmgov_vm_list_at(list, i)));
	js_add(doc, "records", records);
	js_add(doc, "records_max", js_number(kvmgov_info_records_max(info)));
	js_add(doc, "overwritten", js_number(kvmgov_info_records_overwritten(info)));
	js_add(doc, "lost", js_number(kvmgov_info_records_lost(info)));
	js_print(doc);
}

static int show(struct cli *cli, const struct kvmgov_vm_list *list, const char *word,
		const struct kvmgov_info *info, struct kvmgov_error *err)
{
	const struct kvmgov_vm *only = NULL;

	if (word) {
		only = kvmgov_vm_list_find(list, word, err);
		if (!only)
			return -1;
	}
	if (cli->json)
		print_json(list, only, info);
	else if (only)
		record_print(only);
	else
		records_print(list, info);
	return 0;
}

static int history(struct cli *cli, const char *word)
{
	struct kvmgov_vm_list *list = NULL;
	struct kvmgov_info *info = NULL;
	struct kvmgov_error err;
	struct kvmgov *kg;
	int ret = -1;

	kg = kvmgov_open(&err);
	if (kg)
		list = kvmgov_history_get(kg, &err);
	/* After it, so that none is missing without being counted. */
	if (list)
		info = kvmgov_info_get(kg, &err);
	if (info)
		ret = show(cli, list, word, info, &err);
	kvmgov_info_free(info);
	kvmgov_vm_list_free(list);
	kvmgov_close(kg);
	return ret ? cli_fail(cli, &err) : CLI_OK;
}

static int run(struct cli *cli, int argc, char **argv)
{
	static const struct option longs[] = {
		CLI_OPTIONS,
		{ "ended", no_argument, NULL, 'e' },
		{ 0 },
	};
	bool ended = false;

	while (cli_getopt(cli, argc, argv, "e", longs) != -1)
		ended = true;
	if (!ended)
		return cli_usage(cli, "which history? that of VMs that have ended: --ended");
	if (optind + 1 < argc)
		return cli_usage(cli, "one VM at a time");
	return history(cli, argv[optind]);
}

const struct command cmd_history = {
	.name = "history",
	.operands = "--ended [VM]",
	.summary = "Show what VMs that have ended used",
	.help = "Lists the final records of VMs, oldest first, or shows all of one. The module\n"
		"keeps as many of the latest as its parameter records says (1024), until it is\n"
		"unloaded.\n",
	.options = "  -e, --ended  of VMs that have ended\n",
	.run = run,
};
