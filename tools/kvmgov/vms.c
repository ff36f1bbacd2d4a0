// SPDX-License-Identifier: GPL-2.0-only
/* Doing the same to several VMs. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

void vm_print_label(const struct kvmgov_vm *vm)
{
	const char *name = kvmgov_vm_name(vm);

	printf("%" PRIu64, kvmgov_vm_id(vm));
	if (*name) {
		fputs(" (", stdout);
		out_text(stdout, name);
		putchar(')');
	}
}

/* Say what has become of a VM, or collect it for the JSON. */
static void report(struct cli *cli, struct kvmgov *kg, const struct kvmgov_vm *old,
		   struct json_object *list)
{
	struct json_object *changes, *item;
	struct kvmgov_error err;
	struct kvmgov_vm *new;

	new = kvmgov_vm_get(kg, kvmgov_vm_id(old), &err);
	if (!new) {
		/* The change was made, and so this is no failure. */
		cli_warn("changed, but gone since: %s", err.text);
		return;
	}
	changes = fields_changes(vm_fields, old, new);
	if (cli->json) {
		item = js_object();
		js_add(item, "vm", fields_json(vm_fields, new));
		js_add(item, "changes", changes);
		js_append(list, item);
	} else {
		vm_print_label(new);
		fputs(": ", stdout);
		changes_print(changes, "unchanged");
		putchar('\n');
		json_object_put(changes);
	}
	kvmgov_vm_free(new);
}

/* In front of an error in the middle of the work goes what has been done. */
static void error_add_done(struct kvmgov_error *err, const struct kvmgov_vm **vms, size_t nr)
{
	size_t i, len = strlen(err->text);

	for (i = 0; i < nr && len + 64 < sizeof(err->text); i++)
		len += snprintf(err->text + len, sizeof(err->text) - len, "%s%" PRIu64,
				i ? ", " : "; done before: VM ", kvmgov_vm_id(vms[i]));
}

static int apply_all(struct cli *cli, struct kvmgov *kg, const struct kvmgov_vm **vms, size_t nr,
		     const struct vms_operation *op, bool verbose)
{
	struct json_object *doc = js_document(), *list = js_array();
	struct kvmgov_error err;
	size_t i;

	js_add(doc, "changed", list);
	for (i = 0; i < nr; i++) {
		if (op->apply(kg, vms[i], op->arg, &err)) {
			error_add_done(&err, vms, i);
			return cli_fail_with(cli, &err, doc);
		}
		if (cli->json || verbose)
			report(cli, kg, vms[i], list);
	}
	if (cli->json)
		js_print(doc);
	else
		json_object_put(doc);
	return CLI_OK;
}

/**
 * vms_apply() - Do something to the VMs that @words name
 *
 * A word that names no VM, or a VM that op->check() refuses, means that none is
 * touched.
 */
int vms_apply(struct cli *cli, struct kvmgov *kg, char **words, size_t nr,
	      const struct vms_operation *op, bool verbose)
{
	const struct kvmgov_vm **vms;
	struct kvmgov_vm_list *list;
	struct kvmgov_error err;
	int status = CLI_FAILED;
	size_t i;

	vms = calloc(nr, sizeof(*vms));
	list = vms ? kvmgov_vm_list_get(kg, &err) : NULL;
	if (!list) {
		if (!vms)
			cli_warn("out of memory");
		else
			cli_fail(cli, &err);
		free(vms);
		return CLI_FAILED;
	}
	for (i = 0; i < nr; i++) {
		vms[i] = kvmgov_vm_list_find(list, words[i], &err);
		if (!vms[i] || (op->check && op->check(vms[i], op->arg, &err))) {
			cli_fail(cli, &err);
			goto out;
		}
	}
	status = apply_all(cli, kg, vms, nr, op, verbose);
out:
	kvmgov_vm_list_free(list);
	free(vms);
	return status;
}

/**
 * vms_run() - A command that takes nothing but VMs and --verbose
 */
int vms_run(struct cli *cli, int argc, char **argv, const struct vms_operation *op)
{
	static const struct option longs[] = {
		CLI_OPTIONS,
		{ "verbose", no_argument, NULL, 'v' },
		{ 0 },
	};
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
	status = vms_apply(cli, kg, argv + optind, argc - optind, op, verbose);
	kvmgov_close(kg);
	return status;
}

static int state_apply(struct kvmgov *kg, const struct kvmgov_vm *vm, void *arg,
		       struct kvmgov_error *err)
{
	const enum kvmgov_vm_state *state = arg;
	struct kvmgov_change *change;
	int ret;

	change = kvmgov_change_new(vm, NULL, err);
	if (!change)
		return -1;
	kvmgov_change_state(change, *state);
	ret = kvmgov_change_commit(kg, change, err);
	kvmgov_change_free(change);
	return ret;
}

int vms_set_state(struct cli *cli, int argc, char **argv, enum kvmgov_vm_state state)
{
	const struct vms_operation op = { .apply = state_apply, .arg = &state };

	return vms_run(cli, argc, argv, &op);
}
