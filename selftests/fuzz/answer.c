// SPDX-License-Identifier: GPL-2.0-only
/*
 * answer: libkvmgov reads whatever a kernel answers or tells. The first byte says
 * what is asked.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../../tools/lib/internal.h"
#include "kernel.h"

static volatile uint64_t sink;

/* All that users can learn from a record. */
static void read_record(const struct kvmgov_record *rec)
{
	int i;

	for (i = 1; i <= rec->set->max; i++) {
		sink += kvmgov_record_has(rec, i);
		switch (rec->set->policy[i].type) {
		case NLA_U32:
			sink += kvmgov_record_u32(rec, i);
			break;
		case NLA_U64:
			sink += kvmgov_record_u64(rec, i);
			break;
		case NLA_STRING:
			sink += strlen(kvmgov_record_string(rec, i));
			break;
		}
	}
}

static void read_vm(const struct kvmgov_vm *vm)
{
	char text[KVMGOV_VALUE_LEN];
	const uint8_t *uuid = kvmgov_vm_uuid(vm);

	read_record(&vm->rec);
	if (uuid)
		kvmgov_uuid_format(uuid, text, sizeof(text));
	kvmgov_cpu_format(
		kvmgov_cpu_from_quota(kvmgov_vm_cpu_quota_us(vm), kvmgov_vm_cpu_period_us(vm)),
		text, sizeof(text));
	kvmgov_period_format(kvmgov_vm_cpu_period_us(vm), text, sizeof(text));
}

/* A failure has an errno and a text. */
static void check_error(const struct kvmgov_error *err)
{
	FUZZ_CHECK(err->code > 0, err->text);
	FUZZ_CHECK(memchr(err->text, 0, sizeof(err->text)) && err->text[0], NULL);
	FUZZ_CHECK(memchr(err->attribute, 0, sizeof(err->attribute)), NULL);
}

static bool get_info(struct kvmgov *kg, struct kvmgov_error *err)
{
	struct kvmgov_info *info = kvmgov_info_get(kg, err);
	struct kvmgov_limits limits;
	uint64_t quota;
	size_t i;

	if (!info)
		return false;
	sink += strlen(kvmgov_info_version(info)) + kvmgov_info_clock_stable(info);
	for (i = 0; i < kvmgov_info_nr_hooks(info); i++)
		read_record((const struct kvmgov_record *)kvmgov_info_hook(info, i));
	kvmgov_info_limits(info, &limits);
	kvmgov_cpu_to_quota(1, limits.period_max_us, &limits, &quota, NULL);
	kvmgov_info_free(info);
	return true;
}

static bool get_vm(struct kvmgov *kg, struct kvmgov_error *err)
{
	struct kvmgov_vm *vm = kvmgov_vm_get(kg, 7, err);

	if (!vm)
		return false;
	read_vm(vm);
	kvmgov_vm_free(vm);
	return true;
}

static bool list_vms(struct kvmgov *kg, struct kvmgov_error *err)
{
	struct kvmgov_vm_list *list = kvmgov_vm_list_get(kg, err);
	static const char *const words[] = { "1", "web", "name:web", "pid:4711", "uuid:", "" };
	struct kvmgov_error why;
	size_t i;

	if (!list)
		return false;
	for (i = 0; i < kvmgov_vm_list_size(list); i++)
		read_vm(kvmgov_vm_list_at(list, i));
	for (i = 0; i < ARRAY_SIZE(words); i++)
		if (!kvmgov_vm_list_find(list, words[i], &why))
			check_error(&why);
	kvmgov_vm_list_free(list);
	return true;
}

static bool find_vm(struct kvmgov *kg, struct kvmgov_error *err)
{
	struct kvmgov_vm *vm = kvmgov_vm_find(kg, "web", err);

	if (!vm)
		return false;
	read_vm(vm);
	kvmgov_vm_free(vm);
	return true;
}

static bool list_vcpus(struct kvmgov *kg, struct kvmgov_error *err)
{
	struct kvmgov_vcpu_list *list = kvmgov_vcpu_list_get(kg, 7, err);
	size_t i;

	if (!list)
		return false;
	for (i = 0; i < kvmgov_vcpu_list_size(list); i++)
		read_record((const struct kvmgov_record *)kvmgov_vcpu_list_at(list, i));
	kvmgov_vcpu_list_free(list);
	return true;
}

static bool list_exits(struct kvmgov *kg, struct kvmgov_error *err)
{
	struct kvmgov_exit_list *list = kvmgov_exit_list_get(kg, 7, true, err);
	const struct kvmgov_exit *exit;
	size_t i;

	if (!list)
		return false;
	for (i = 0; (exit = kvmgov_exit_list_at(list, i)); i++)
		sink += kvmgov_exit_nr(exit) + kvmgov_exit_total_ns(exit) +
			strlen(kvmgov_exit_reason(exit)) + kvmgov_exit_histogram(exit, i);
	kvmgov_exit_list_free(list);
	return true;
}

/* A change of a VM that the answer has described. */
static bool change_vm(struct kvmgov *kg, struct kvmgov_error *err)
{
	static const struct kvmgov_limits limits = { 100, 4096000000, 1000, 1000000, 60000000 };
	struct kvmgov_vm *vm = kvmgov_vm_get(kg, 7, err);
	struct kvmgov_change *change = vm ? kvmgov_change_new(vm, &limits, err) : NULL;
	bool ok;

	ok = change && !kvmgov_change_set(change, "period", "10ms", err) &&
	     !kvmgov_change_set(change, "credit.balance", "0", err) &&
	     !kvmgov_change_set(change, "name", "web", err) &&
	     !kvmgov_change_commit(kg, change, err);
	kvmgov_change_free(change);
	kvmgov_vm_free(vm);
	return ok;
}

static bool reset_vm(struct kvmgov *kg, struct kvmgov_error *err)
{
	return !kvmgov_vm_reset(kg, 7, err);
}

static bool listen_to(struct kvmgov *kg, struct kvmgov_error *err)
{
	struct kvmgov_monitor *mon = kvmgov_monitor_open(err);
	struct kvmgov_event *event;
	int ret, nr = 0;

	(void)kg;
	if (!mon)
		return false;
	while ((ret = kvmgov_monitor_next(mon, &event, err)) > 0 && nr++ < 1000) {
		sink += kvmgov_event_type(event);
		if (kvmgov_event_vm(event))
			read_vm(kvmgov_event_vm(event));
		kvmgov_event_free(event);
	}
	kvmgov_monitor_close(mon);
	return !ret || nr >= 1000;
}

static bool (*const questions[])(struct kvmgov *kg, struct kvmgov_error *err) = {
	get_info, get_vm, list_vms, find_vm, list_vcpus, change_vm, reset_vm, listen_to, list_exits,
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct kvmgov_error err;
	struct kvmgov *kg;
	bool ok;

	if (!size)
		return 0;
	/* With the high bit, the fuzzer says what families there are, too. */
	fuzz_kernel(data + 1, size - 1, !(data[0] & 0x80));
	memset(&err, 0, sizeof(err));
	kg = kvmgov_open(&err);
	if (!kg) {
		check_error(&err);
		return 0;
	}
	ok = questions[(data[0] & 0x7f) % ARRAY_SIZE(questions)](kg, &err);
	if (!ok)
		check_error(&err);
	kvmgov_close(kg);
	return 0;
}
