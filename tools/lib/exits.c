// SPDX-License-Identifier: MIT
/* Exits by reason. */
#include <errno.h>
#include <inttypes.h>
#include <netlink/attr.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"

/* Upper end of the first bucket. */
#define FIRST_BUCKET_NS 512

/*
 * Of one vCPU or the sum of several: a copy of the attributes, since sums have
 * none.
 */
struct kvmgov_exit {
	uint64_t vm_id;
	uint32_t index;
	char reason[32];
	uint64_t nr;
	uint64_t total_ns;
	uint64_t max_ns;
	uint64_t histogram[KVMGOV_EXIT_BUCKETS];
};

struct kvmgov_exit_list {
	size_t nr;
	struct kvmgov_exit exits[];
};

uint64_t kvmgov_exit_vm_id(const struct kvmgov_exit *exit)
{
	return exit->vm_id;
}

uint32_t kvmgov_exit_index(const struct kvmgov_exit *exit)
{
	return exit->index;
}

const char *kvmgov_exit_reason(const struct kvmgov_exit *exit)
{
	return exit->reason;
}

uint64_t kvmgov_exit_nr(const struct kvmgov_exit *exit)
{
	return exit->nr;
}

uint64_t kvmgov_exit_total_ns(const struct kvmgov_exit *exit)
{
	return exit->total_ns;
}

uint64_t kvmgov_exit_max_ns(const struct kvmgov_exit *exit)
{
	return exit->max_ns;
}

uint64_t kvmgov_exit_histogram(const struct kvmgov_exit *exit, unsigned int bucket)
{
	return bucket < KVMGOV_EXIT_BUCKETS ? exit->histogram[bucket] : 0;
}

uint64_t kvmgov_exit_bucket_ns(unsigned int bucket)
{
	return bucket < KVMGOV_EXIT_BUCKETS - 1 ? (uint64_t)FIRST_BUCKET_NS << bucket : UINT64_MAX;
}

static void exit_from_record(struct kvmgov_exit *exit, const struct kvmgov_record *rec)
{
	const struct nlattr *histogram = rec->tb[KVMGOV_A_EXIT_HISTOGRAM];

	memset(exit, 0, sizeof(*exit));
	exit->vm_id = kvmgov_record_u64(rec, KVMGOV_A_EXIT_VM_ID);
	exit->index = kvmgov_record_u32(rec, KVMGOV_A_EXIT_INDEX);
	snprintf(exit->reason, sizeof(exit->reason), "%s",
		 kvmgov_record_string(rec, KVMGOV_A_EXIT_REASON));
	exit->nr = kvmgov_record_u64(rec, KVMGOV_A_EXIT_NR);
	exit->total_ns = kvmgov_record_u64(rec, KVMGOV_A_EXIT_TOTAL_NS);
	exit->max_ns = kvmgov_record_u64(rec, KVMGOV_A_EXIT_MAX_NS);
	/* Its length has been checked. */
	if (histogram)
		memcpy(exit->histogram, nla_data(histogram), sizeof(exit->histogram));
}

static int compare_places(const struct kvmgov_exit *x, const struct kvmgov_exit *y)
{
	if (x->vm_id != y->vm_id)
		return x->vm_id > y->vm_id ? 1 : -1;
	return (x->index > y->index) - (x->index < y->index);
}

static int compare_reasons(const void *a, const void *b)
{
	int order = compare_places(a, b);

	return order ? order
		     : strcmp(((const struct kvmgov_exit *)a)->reason,
			      ((const struct kvmgov_exit *)b)->reason);
}

/* Equal times would come in any order: names decide. */
static int compare_times(const void *a, const void *b)
{
	const struct kvmgov_exit *x = a, *y = b;
	int order = compare_places(x, y);

	if (order)
		return order;
	if (x->total_ns != y->total_ns)
		return x->total_ns < y->total_ns ? 1 : -1;
	return compare_reasons(a, b);
}

static void exit_add(struct kvmgov_exit *sum, const struct kvmgov_exit *exit)
{
	unsigned int i;

	sum->nr += exit->nr;
	sum->total_ns += exit->total_ns;
	if (exit->max_ns > sum->max_ns)
		sum->max_ns = exit->max_ns;
	for (i = 0; i < KVMGOV_EXIT_BUCKETS; i++)
		sum->histogram[i] += exit->histogram[i];
}

/* Make one of those that differ in the vCPU only. */
static void list_sum(struct kvmgov_exit_list *list)
{
	size_t i, nr = 0;

	for (i = 0; i < list->nr; i++)
		list->exits[i].index = KVMGOV_EXIT_ALL_VCPUS;
	qsort(list->exits, list->nr, sizeof(*list->exits), compare_reasons);
	for (i = 0; i < list->nr; i++) {
		if (nr && !compare_reasons(&list->exits[nr - 1], &list->exits[i]))
			exit_add(&list->exits[nr - 1], &list->exits[i]);
		else
			list->exits[nr++] = list->exits[i];
	}
	list->nr = nr;
}

static struct kvmgov_exit_list *list_new(const struct kvmgov_record_list *records, bool sum,
					 struct kvmgov_error *err)
{
	struct kvmgov_exit_list *list;
	size_t i;

	list = malloc(sizeof(*list) + records->nr * sizeof(*list->exits));
	if (!list) {
		kvmgov_error_set(err, ENOMEM, "out of memory");
		return NULL;
	}
	list->nr = records->nr;
	for (i = 0; i < records->nr; i++)
		exit_from_record(&list->exits[i], records->records[i]);
	if (sum)
		list_sum(list);
	qsort(list->exits, list->nr, sizeof(*list->exits), compare_times);
	return list;
}

struct kvmgov_exit_list *kvmgov_exit_list_get(struct kvmgov *kg, uint64_t vm_id, bool sum,
					      struct kvmgov_error *err)
{
	struct kvmgov_record_list records = { 0 };
	struct kvmgov_exit_list *list;
	char what[64] = "read the exits";

	if (vm_id)
		snprintf(what, sizeof(what), "read the exits of VM %" PRIu64, vm_id);
	if (kvmgov_dump(kg, KVMGOV_CMD_EXIT_GET, &kvmgov_set_exit, KVMGOV_A_EXIT_VM_ID, vm_id, what,
			&records, err))
		return NULL;
	list = list_new(&records, sum, err);
	kvmgov_record_list_clear(&records);
	return list;
}

/* What is nested in @vm, as records. */
static int exit_records(const struct kvmgov_vm *vm, struct kvmgov_record_list *records,
			struct kvmgov_error *err)
{
	struct kvmgov_record *rec;
	struct nlattr *pos;
	int rem;

	nla_for_each_attr (pos, vm->rec.attrs, vm->rec.len, rem) {
		if (nla_type(pos) != KVMGOV_A_VM_EXIT)
			continue;
		rec = kvmgov_record_new(&kvmgov_set_exit, nla_data(pos), nla_len(pos), err);
		if (!rec)
			return -1;
		if (kvmgov_record_list_add(records, rec, err)) {
			free(rec);
			return -1;
		}
	}
	return 0;
}

struct kvmgov_exit_list *kvmgov_vm_exits(const struct kvmgov_vm *vm, struct kvmgov_error *err)
{
	struct kvmgov_record_list records = { 0 };
	struct kvmgov_exit_list *list = NULL;
	size_t i;

	if (!exit_records(vm, &records, err))
		list = list_new(&records, true, err);
	for (i = 0; list && i < list->nr; i++)
		list->exits[i].vm_id = kvmgov_vm_id(vm);
	kvmgov_record_list_clear(&records);
	return list;
}

void kvmgov_exit_list_free(struct kvmgov_exit_list *list)
{
	free(list);
}

size_t kvmgov_exit_list_size(const struct kvmgov_exit_list *list)
{
	return list->nr;
}

const struct kvmgov_exit *kvmgov_exit_list_at(const struct kvmgov_exit_list *list, size_t i)
{
	return i < list->nr ? &list->exits[i] : NULL;
}
