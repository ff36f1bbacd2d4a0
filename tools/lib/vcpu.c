// SPDX-License-Identifier: MIT
/* vCPUs. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "internal.h"

struct kvmgov_vcpu {
	struct kvmgov_record rec;
};

struct kvmgov_vcpu_list {
	struct kvmgov_record_list list;
};

bool kvmgov_vcpu_has(const struct kvmgov_vcpu *vcpu, unsigned int attr)
{
	return kvmgov_record_has(&vcpu->rec, attr);
}

#define VCPU_NUMBER(bits, name, NAME)                                           \
	uint##bits##_t kvmgov_vcpu_##name(const struct kvmgov_vcpu *vcpu)       \
	{                                                                       \
		return kvmgov_record_u##bits(&vcpu->rec, KVMGOV_A_VCPU_##NAME); \
	}

VCPU_NUMBER(64, vm_id, VM_ID)
VCPU_NUMBER(32, index, INDEX)
VCPU_NUMBER(32, tid, TID)
VCPU_NUMBER(64, age_ns, AGE_NS)
VCPU_NUMBER(64, usage_ns, USAGE_NS)
VCPU_NUMBER(64, guest_ns, GUEST_NS)
VCPU_NUMBER(64, held_cpu_ns, HELD_CPU_NS)
VCPU_NUMBER(64, paused_ns, PAUSED_NS)
VCPU_NUMBER(64, nr_held, NR_HELD)
VCPU_NUMBER(64, nr_exits, NR_EXITS)
VCPU_NUMBER(64, exit_ns, EXIT_NS)
VCPU_NUMBER(64, vmm_ns, VMM_NS)
VCPU_NUMBER(64, halt_ns, HALT_NS)
VCPU_NUMBER(64, poll_ns, POLL_NS)
VCPU_NUMBER(64, ready_ns, READY_NS)
VCPU_NUMBER(64, held_mem_ns, HELD_MEM_NS)

static int compare_vcpus(const void *a, const void *b)
{
	const struct kvmgov_vcpu *x = *(const struct kvmgov_vcpu *const *)a;
	const struct kvmgov_vcpu *y = *(const struct kvmgov_vcpu *const *)b;
	uint64_t p = kvmgov_vcpu_vm_id(x), q = kvmgov_vcpu_vm_id(y);

	if (p == q) {
		p = kvmgov_vcpu_index(x);
		q = kvmgov_vcpu_index(y);
	}
	return (p > q) - (p < q);
}

struct kvmgov_vcpu_list *kvmgov_vcpu_list_get(struct kvmgov *kg, uint64_t vm_id,
					      struct kvmgov_error *err)
{
	struct kvmgov_vcpu_list *list;
	char what[64] = "list the vCPUs";

	list = calloc(1, sizeof(*list));
	if (!list) {
		kvmgov_error_set(err, ENOMEM, "out of memory");
		return NULL;
	}
	if (vm_id)
		snprintf(what, sizeof(what), "list the vCPUs of VM %" PRIu64, vm_id);
	if (kvmgov_dump(kg, KVMGOV_CMD_VCPU_GET, &kvmgov_set_vcpu, KVMGOV_A_VCPU_VM_ID, vm_id, what,
			&list->list, err)) {
		free(list);
		return NULL;
	}
	if (list->list.nr)
		qsort(list->list.records, list->list.nr, sizeof(*list->list.records),
		      compare_vcpus);
	return list;
}

void kvmgov_vcpu_list_free(struct kvmgov_vcpu_list *list)
{
	if (!list)
		return;
	kvmgov_record_list_clear(&list->list);
	free(list);
}

size_t kvmgov_vcpu_list_size(const struct kvmgov_vcpu_list *list)
{
	return list->list.nr;
}

const struct kvmgov_vcpu *kvmgov_vcpu_list_at(const struct kvmgov_vcpu_list *list, size_t i)
{
	return (const struct kvmgov_vcpu *)kvmgov_record_list_at(&list->list, i);
}
