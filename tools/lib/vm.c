// SPDX-License-Identifier: MIT
/* VMs: reading, finding and resetting them. */
#include <errno.h>
#include <inttypes.h>
#include <netlink/attr.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"

struct kvmgov_vm_list {
	struct kvmgov_record_list list;
};

static int vm_reply(struct nlmsghdr *nlh, void *arg, struct kvmgov_error *err)
{
	struct kvmgov_record **rec = arg;

	free(*rec);
	*rec = kvmgov_record_from_msg(&kvmgov_set_vm, nlh, err);
	return *rec ? 0 : -1;
}

/* A request that names nothing but a VM. */
static int vm_request(struct kvmgov *kg, uint8_t cmd, const char *verb, uint64_t id,
		      struct kvmgov_record **rec, struct kvmgov_error *err)
{
	char what[64];
	struct kvmgov_request req = {
		.set = &kvmgov_set_vm,
		.what = what,
		.reply = rec ? vm_reply : NULL,
		.arg = rec,
	};
	int ret;

	snprintf(what, sizeof(what), "%s VM %" PRIu64, verb, id);
	req.msg = kvmgov_msg_new(kg, cmd, 0, err);
	if (!req.msg)
		return -1;
	if (nla_put_u64(req.msg, KVMGOV_A_VM_ID, id))
		ret = kvmgov_error_set(err, ENOMEM, "out of memory");
	else
		ret = kvmgov_request_run(kg, &req, err);
	nlmsg_free(req.msg);
	return ret;
}

struct kvmgov_vm *kvmgov_vm_get(struct kvmgov *kg, uint64_t id, struct kvmgov_error *err)
{
	struct kvmgov_record *rec = NULL;

	if (vm_request(kg, KVMGOV_CMD_VM_GET, "read", id, &rec, err)) {
		free(rec);
		return NULL;
	}
	if (!rec)
		kvmgov_error_set(err, EPROTO, "the kvmgov module sent no answer");
	return (struct kvmgov_vm *)rec;
}

void kvmgov_vm_free(struct kvmgov_vm *vm)
{
	free(vm);
}

int kvmgov_vm_reset(struct kvmgov *kg, uint64_t id, struct kvmgov_error *err)
{
	return vm_request(kg, KVMGOV_CMD_VM_RESET, "reset", id, NULL, err);
}

/* --- accessors --- */

bool kvmgov_vm_has(const struct kvmgov_vm *vm, unsigned int attr)
{
	return kvmgov_record_has(&vm->rec, attr);
}

#define VM_NUMBER(bits, name, NAME)                                         \
	uint##bits##_t kvmgov_vm_##name(const struct kvmgov_vm *vm)         \
	{                                                                   \
		return kvmgov_record_u##bits(&vm->rec, KVMGOV_A_VM_##NAME); \
	}

VM_NUMBER(64, id, ID)
VM_NUMBER(32, pid, PID)
VM_NUMBER(32, state, STATE)
VM_NUMBER(32, nr_vcpus, NR_VCPUS)
VM_NUMBER(64, cpu_quota_us, CPU_QUOTA_US)
VM_NUMBER(32, cpu_period_us, CPU_PERIOD_US)
VM_NUMBER(64, cpu_credit_max_us, CPU_CREDIT_MAX_US)
VM_NUMBER(64, cpu_credit_us, CPU_CREDIT_US)
VM_NUMBER(32, cpu_steal, CPU_STEAL)
VM_NUMBER(64, age_ns, AGE_NS)
VM_NUMBER(64, usage_ns, USAGE_NS)
VM_NUMBER(64, guest_ns, GUEST_NS)
VM_NUMBER(64, held_cpu_ns, HELD_CPU_NS)
VM_NUMBER(64, paused_ns, PAUSED_NS)
VM_NUMBER(64, nr_held, NR_HELD)
VM_NUMBER(64, nr_periods, NR_PERIODS)
VM_NUMBER(64, nr_exits, NR_EXITS)
VM_NUMBER(64, exit_ns, EXIT_NS)
VM_NUMBER(64, vmm_ns, VMM_NS)
VM_NUMBER(64, halt_ns, HALT_NS)
VM_NUMBER(64, poll_ns, POLL_NS)
VM_NUMBER(64, ready_ns, READY_NS)
VM_NUMBER(64, held_mem_ns, HELD_MEM_NS)
VM_NUMBER(64, ended_ns, ENDED_NS)

const char *kvmgov_vm_name(const struct kvmgov_vm *vm)
{
	return kvmgov_record_string(&vm->rec, KVMGOV_A_VM_NAME);
}

const char *kvmgov_vm_comm(const struct kvmgov_vm *vm)
{
	return kvmgov_record_string(&vm->rec, KVMGOV_A_VM_COMM);
}

const uint8_t *kvmgov_vm_uuid(const struct kvmgov_vm *vm)
{
	static const uint8_t none[KVMGOV_UUID_LEN];
	const struct nlattr *attr = vm->rec.tb[KVMGOV_A_VM_UUID];

	if (!attr || !memcmp(nla_data(attr), none, sizeof(none)))
		return NULL;
	return nla_data(attr);
}

/* --- lists --- */

static int compare_ids(const void *a, const void *b)
{
	uint64_t x = kvmgov_vm_id(*(const struct kvmgov_vm *const *)a);
	uint64_t y = kvmgov_vm_id(*(const struct kvmgov_vm *const *)b);

	return (x > y) - (x < y);
}

static struct kvmgov_vm_list *list_get(struct kvmgov *kg, uint8_t cmd, const char *what,
				       struct kvmgov_error *err)
{
	struct kvmgov_vm_list *list;

	list = calloc(1, sizeof(*list));
	if (!list) {
		kvmgov_error_set(err, ENOMEM, "out of memory");
		return NULL;
	}
	if (kvmgov_dump(kg, cmd, &kvmgov_set_vm, 0, 0, what, &list->list, err)) {
		free(list);
		return NULL;
	}
	return list;
}

struct kvmgov_vm_list *kvmgov_vm_list_get(struct kvmgov *kg, struct kvmgov_error *err)
{
	struct kvmgov_vm_list *list = list_get(kg, KVMGOV_CMD_VM_GET, "list the VMs", err);

	if (list && list->list.nr)
		qsort(list->list.records, list->list.nr, sizeof(*list->list.records), compare_ids);
	return list;
}

struct kvmgov_vm_list *kvmgov_history_get(struct kvmgov *kg, struct kvmgov_error *err)
{
	return list_get(kg, KVMGOV_CMD_HISTORY_GET, "read the final records", err);
}

void kvmgov_vm_list_free(struct kvmgov_vm_list *list)
{
	if (!list)
		return;
	kvmgov_record_list_clear(&list->list);
	free(list);
}

size_t kvmgov_vm_list_size(const struct kvmgov_vm_list *list)
{
	return list->list.nr;
}

const struct kvmgov_vm *kvmgov_vm_list_at(const struct kvmgov_vm_list *list, size_t i)
{
	return (const struct kvmgov_vm *)kvmgov_record_list_at(&list->list, i);
}

/* --- finding --- */

/* The number that the whole of @text is; false for anything else. */
static bool number_parse(const char *text, uint64_t *number)
{
	*number = 0;
	if (!*text)
		return false;
	for (; *text; text++) {
		if (*text < '0' || *text > '9' || __builtin_mul_overflow(*number, 10, number) ||
		    __builtin_add_overflow(*number, *text - '0', number))
			return false;
	}
	return true;
}

static bool id_fits(const struct kvmgov_vm *vm, const char *word)
{
	uint64_t number;

	return number_parse(word, &number) && number == kvmgov_vm_id(vm);
}

static bool pid_fits(const struct kvmgov_vm *vm, const char *word)
{
	uint64_t number;

	return number_parse(word, &number) && number && number == kvmgov_vm_pid(vm);
}

static bool name_fits(const struct kvmgov_vm *vm, const char *word)
{
	return *word && !strcmp(word, kvmgov_vm_name(vm));
}

static bool uuid_fits(const struct kvmgov_vm *vm, const char *word)
{
	const uint8_t *uuid = kvmgov_vm_uuid(vm);
	uint8_t wanted[KVMGOV_UUID_LEN];

	return uuid && *word && !kvmgov_uuid_parse(word, wanted, NULL) &&
	       !memcmp(uuid, wanted, sizeof(wanted));
}

static const struct {
	const char *prefix;
	bool (*fits)(const struct kvmgov_vm *vm, const char *word);
} kinds[] = {
	{ "id:", id_fits },
	{ "name:", name_fits },
	{ "uuid:", uuid_fits },
	{ "pid:", pid_fits },
};

static bool vm_fits(const struct kvmgov_vm *vm, const char *word)
{
	size_t i, len;

	for (i = 0; i < ARRAY_SIZE(kinds); i++) {
		len = strlen(kinds[i].prefix);
		if (kinds[i].fits(vm, word))
			return true;
		if (!strncmp(word, kinds[i].prefix, len) && kinds[i].fits(vm, word + len))
			return true;
	}
	return false;
}

/* Name the VMs that fit @word, all of them for NULL, in as much text as there is room. */
static void vms_describe(const struct kvmgov_vm_list *list, const char *word, char *buf,
			 size_t size)
{
	size_t i, len = 0, left = 0;

	buf[0] = '\0';
	for (i = 0; i < list->list.nr; i++)
		left += !word || vm_fits(kvmgov_vm_list_at(list, i), word);
	for (i = 0; i < list->list.nr; i++) {
		const struct kvmgov_vm *vm = kvmgov_vm_list_at(list, i);
		const char *name = kvmgov_vm_name(vm);
		char item[KVMGOV_NAME_MAX + 64];

		if (word && !vm_fits(vm, word))
			continue;
		if (*name)
			snprintf(item, sizeof(item), "%s%" PRIu64 " (%s)", len ? ", " : "",
				 kvmgov_vm_id(vm), name);
		else
			snprintf(item, sizeof(item), "%s%" PRIu64 " (pid %" PRIu32 ", %s)",
				 len ? ", " : "", kvmgov_vm_id(vm), kvmgov_vm_pid(vm),
				 kvmgov_vm_comm(vm));
		/* Leave room to say how many are not named. */
		if (len + strlen(item) + 32 > size) {
			snprintf(buf + len, size - len, " and %zu more", left);
			return;
		}
		len += snprintf(buf + len, size - len, "%s", item);
		left--;
	}
}

const struct kvmgov_vm *kvmgov_vm_list_find(const struct kvmgov_vm_list *list, const char *word,
					    struct kvmgov_error *err)
{
	const struct kvmgov_vm *found = NULL;
	size_t i, nr = 0;
	char vms[720];

	for (i = 0; i < list->list.nr; i++) {
		const struct kvmgov_vm *vm = kvmgov_vm_list_at(list, i);

		if (!vm_fits(vm, word))
			continue;
		found = vm;
		nr++;
	}
	if (nr == 1)
		return found;
	vms_describe(list, nr ? word : NULL, vms, sizeof(vms));
	if (nr)
		kvmgov_error_set(err, ENOTUNIQ,
				 "'%.80s' fits several VMs: %s; say which with id:, name:, uuid: "
				 "or pid: in front",
				 word, vms);
	else if (list->list.nr)
		kvmgov_error_set(err, ENOENT, "there is no VM '%.80s'; there are: %s", word, vms);
	else
		kvmgov_error_set(err, ENOENT, "there is no VM '%.80s'; there is none", word);
	return NULL;
}

struct kvmgov_vm *kvmgov_vm_find(struct kvmgov *kg, const char *word, struct kvmgov_error *err)
{
	struct kvmgov_record *copy = NULL;
	const struct kvmgov_vm *vm;
	struct kvmgov_vm_list *list;

	list = kvmgov_vm_list_get(kg, err);
	if (!list)
		return NULL;
	vm = kvmgov_vm_list_find(list, word, err);
	if (vm)
		copy = kvmgov_record_new(&kvmgov_set_vm, vm->rec.attrs, vm->rec.len, err);
	kvmgov_vm_list_free(list);
	return (struct kvmgov_vm *)copy;
}
