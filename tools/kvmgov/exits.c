// SPDX-License-Identifier: GPL-2.0-only
/* kvmgov exits */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

/* Columns of the longest bar. */
#define BAR_WIDTH 40

/**
 * struct exits_options - What is wanted
 * @vcpus: Each vCPU for itself.
 * @histogram: How many took how long.
 */
struct exits_options {
	bool vcpus;
	bool histogram;
};

static void range_print(unsigned int bucket)
{
	uint64_t from = bucket ? kvmgov_exit_bucket_ns(bucket - 1) : 0;
	uint64_t to = kvmgov_exit_bucket_ns(bucket);
	char text[2][48];

	ns_format(from, text[0], sizeof(text[0]));
	ns_format(to, text[1], sizeof(text[1]));
	printf("    %8s %s %-8s", text[0], to == UINT64_MAX ? "and" : "to ",
	       to == UINT64_MAX ? "more" : text[1]);
}

static void histogram_print(const struct kvmgov_exit *exit)
{
	unsigned int bucket, first = KVMGOV_EXIT_BUCKETS, last = 0;
	uint64_t nr, most = 1;
	int width;

	for (bucket = 0; bucket < KVMGOV_EXIT_BUCKETS; bucket++) {
		nr = kvmgov_exit_histogram(exit, bucket);
		if (!nr)
			continue;
		if (first == KVMGOV_EXIT_BUCKETS)
			first = bucket;
		last = bucket;
		if (nr > most)
			most = nr;
	}
	for (bucket = first; bucket <= last; bucket++) {
		nr = kvmgov_exit_histogram(exit, bucket);
		/* What there is can be seen, however little. */
		width = (int)((double)nr / most * BAR_WIDTH + 0.5);
		if (nr && !width)
			width = 1;
		range_print(bucket);
		printf("%12" PRIu64 " |%.*s\n", nr, width,
		       "****************************************");
	}
}

static struct json_object *histogram_json(const struct kvmgov_exit *exit)
{
	struct json_object *buckets = js_array(), *item;
	unsigned int bucket;

	for (bucket = 0; bucket < KVMGOV_EXIT_BUCKETS; bucket++) {
		item = js_object();
		/* The last has no end. */
		js_add(item, "below_ns",
		       bucket + 1 < KVMGOV_EXIT_BUCKETS ? js_number(kvmgov_exit_bucket_ns(bucket))
							: NULL);
		js_add(item, "nr", js_number(kvmgov_exit_histogram(exit, bucket)));
		js_append(buckets, item);
	}
	return buckets;
}

/* Rows from @rows on that are of one vCPU, or of one VM. */
static size_t group(struct exit_row *rows, size_t nr)
{
	size_t i, n;
	uint64_t all_nr = 0, all_ns = 0;

	for (n = 0; n < nr; n++) {
		if (kvmgov_exit_index(rows[n].exit) != kvmgov_exit_index(rows[0].exit))
			break;
		all_nr += kvmgov_exit_nr(rows[n].exit);
		all_ns += kvmgov_exit_total_ns(rows[n].exit);
	}
	for (i = 0; i < n; i++) {
		rows[i].all_nr = all_nr;
		rows[i].all_ns = all_ns;
	}
	return n;
}

static void rows_print(struct exit_row *rows, size_t nr, const void **pointers,
		       const struct exits_options *options)
{
	size_t i;

	if (options->vcpus)
		printf("  vCPU %" PRIu32 "\n", kvmgov_exit_index(rows[0].exit));
	for (i = 0; i < nr; i++)
		pointers[i] = &rows[i];
	fields_table(exit_fields, pointers, nr, "  ");
	for (i = 0; options->histogram && i < nr; i++) {
		printf("\n  %s\n", kvmgov_exit_reason(rows[i].exit));
		histogram_print(rows[i].exit);
	}
}

static void rows_json(const struct exit_row *rows, size_t nr, struct json_object *exits)
{
	struct json_object *item;
	size_t i;

	for (i = 0; i < nr; i++) {
		item = fields_json(exit_fields, &rows[i]);
		js_add(item, "histogram", histogram_json(rows[i].exit));
		js_append(exits, item);
	}
}

/* Print exits, or add them to @exits. */
static void exits_show(const struct kvmgov_exit_list *list, const struct exits_options *options,
		       struct json_object *exits)
{
	size_t i, n, nr = kvmgov_exit_list_size(list);
	struct exit_row *rows = calloc(nr + 1, sizeof(*rows));
	const void **pointers = calloc(nr + 1, sizeof(*pointers));

	if (!rows || !pointers) {
		cli_warn("out of memory");
		exit(CLI_FAILED);
	}
	for (i = 0; i < nr; i++)
		rows[i].exit = kvmgov_exit_list_at(list, i);
	for (i = 0; i < nr; i += n) {
		n = group(rows + i, nr - i);
		if (exits)
			rows_json(rows + i, n, exits);
		else
			rows_print(rows + i, n, pointers, options);
	}
	free(pointers);
	free(rows);
}

void exits_print(const struct kvmgov_exit_list *list)
{
	static const struct exits_options options;

	exits_show(list, &options, NULL);
}

struct json_object *exits_json(const struct kvmgov_exit_list *list)
{
	static const struct exits_options options;
	struct json_object *exits = js_array();

	exits_show(list, &options, exits);
	return exits;
}

static int vm_exits(struct cli *cli, struct kvmgov *kg, const struct kvmgov_vm *vm,
		    const struct exits_options *options, struct kvmgov_error *err)
{
	struct kvmgov_exit_list *list;
	struct json_object *doc;

	list = kvmgov_exit_list_get(kg, kvmgov_vm_id(vm), !options->vcpus, err);
	if (!list)
		return -1;
	if (cli->json) {
		doc = js_document();
		js_add(doc, "id", js_number(kvmgov_vm_id(vm)));
		js_add(doc, "name", *kvmgov_vm_name(vm) ? js_text(kvmgov_vm_name(vm)) : NULL);
		js_add(doc, "exits", exits_json(list));
		js_print(doc);
	} else {
		fputs("VM ", stdout);
		vm_print_label(vm);
		putchar('\n');
		exits_show(list, options, NULL);
	}
	kvmgov_exit_list_free(list);
	return 0;
}

static int run(struct cli *cli, int argc, char **argv)
{
	static const struct option longs[] = {
		CLI_OPTIONS,
		{ "histogram", no_argument, NULL, 'H' },
		{ "vcpus", no_argument, NULL, 'v' },
		{ 0 },
	};
	struct exits_options options = { 0 };
	struct kvmgov_error err;
	struct kvmgov_vm *vm;
	struct kvmgov *kg;
	int c, ret = -1;

	while ((c = cli_getopt(cli, argc, argv, "Hv", longs)) != -1) {
		if (c == 'H')
			options.histogram = true;
		else
			options.vcpus = true;
	}
	if (optind + 1 != argc)
		return cli_usage(cli, optind == argc ? "which VM?" : "one VM at a time");
	kg = kvmgov_open(&err);
	if (!kg)
		return cli_fail(cli, &err);
	vm = kvmgov_vm_find(kg, argv[optind], &err);
	if (vm)
		ret = vm_exits(cli, kg, vm, &options, &err);
	kvmgov_vm_free(vm);
	kvmgov_close(kg);
	return ret ? cli_fail(cli, &err) : CLI_OK;
}

const struct command cmd_exits = {
	.name = "exits",
	.operands = "VM",
	.summary = "Show why a VM's vCPUs leave their guest, and how long they stay away",
	.help = "The time of an exit lasts until the vCPU is back in its guest, sleep included, "
		"but\n"
		"without the time that it is held. What takes most time comes first.\n",
	.options = "  -H, --histogram  show how many took how long\n"
		   "  -v, --vcpus      each vCPU for itself\n",
	.run = run,
};
