// SPDX-License-Identifier: GPL-2.0-only
/*
 * What is told over netlink, as attributes; their contract is in
 * uapi/linux/kvmgov.h.
 */
#include <linux/ktime.h>
#include <linux/timekeeping.h>
#include <net/netlink.h>

#include <uapi/linux/kvmgov.h>

#include "arch.h"
#include "boundary.h"
#include "history.h"
#include "hooks.h"
#include "message.h"
#include "thread.h"
#include "vcpu.h"
#include "version.h"
#include "vm.h"

/**
 * struct number - an attribute that is a number
 * @type: the attribute
 * @size: its size in bytes: that of an u32 or u64
 * @value: the number
 */
struct number {
	u16 type;
	u16 size;
	u64 value;
};

#define N32(attr, value) { KVMGOV_A_##attr, sizeof(u32), (value) }
#define N64(attr, value) { KVMGOV_A_##attr, sizeof(u64), (value) }
#define PUT_NUMBERS(skb, ...)						\
	put_numbers(skb, (const struct number[]){ __VA_ARGS__ },	\
		    sizeof((const struct number[]){ __VA_ARGS__ }) /	\
		    sizeof(struct number))

/*
 * Put numbers, all or none. Most of what is told are numbers, and a dump tells
 * of all VMs: at one call of nla_put() for each this took twice as long. Where
 * a CPU can read from any address no padding is needed.
 */
static int put_numbers(struct sk_buff *skb, const struct number *numbers,
		       unsigned int nr)
{
	unsigned int i, size = 0;
	struct nlattr *attr;
	u32 value32;

	static_assert(IS_ENABLED(CONFIG_HAVE_EFFICIENT_UNALIGNED_ACCESS));
	for (i = 0; i < nr; i++)
		size += nla_attr_size(numbers[i].size);
	if (skb_tailroom(skb) < size)
		return -EMSGSIZE;
	attr = skb_put(skb, size);
	for (i = 0; i < nr; i++) {
		attr->nla_type = numbers[i].type;
		attr->nla_len = nla_attr_size(numbers[i].size);
		value32 = numbers[i].value;
		if (numbers[i].size == sizeof(value32))
			memcpy(nla_data(attr), &value32, sizeof(value32));
		else
			memcpy(nla_data(attr), &numbers[i].value, sizeof(u64));
		attr = (void *)attr + attr->nla_len;
	}
	return 0;
}

static int put_hook(struct sk_buff *skb, const struct kvmgov_hook_info *hook)
{
	struct nlattr *nest = nla_nest_start(skb, KVMGOV_A_INFO_HOOK);

	if (!nest)
		return -EMSGSIZE;
	if (nla_put_string(skb, KVMGOV_A_HOOK_NAME, hook->name) ||
	    nla_put_u32(skb, KVMGOV_A_HOOK_KIND, hook->kind) ||
	    nla_put_u32(skb, KVMGOV_A_HOOK_STATE, hook->state) ||
	    (hook->nargs &&
	     nla_put_u32(skb, KVMGOV_A_HOOK_NARGS, hook->nargs)) ||
	    (hook->error &&
	     nla_put_u32(skb, KVMGOV_A_HOOK_ERROR, hook->error)))
		return -EMSGSIZE;
	nla_nest_end(skb, nest);
	return 0;
}

static int put_counters(struct sk_buff *skb)
{
	struct kvmgov_history_counters records;
	struct kvmgov_counters nr;

	kvmgov_counters_get(&nr);
	kvmgov_history_counters(&records);
	return PUT_NUMBERS(skb,
			   N32(INFO_NR_VMS, nr.vms_created - nr.vms_destroyed),
			   N32(INFO_NR_VCPUS, nr.vcpus_created - nr.vcpus_destroyed),
			   N64(INFO_VMS_CREATED, nr.vms_created),
			   N64(INFO_VMS_DESTROYED, nr.vms_destroyed),
			   N64(INFO_VCPUS_CREATED, nr.vcpus_created),
			   N64(INFO_VCPUS_DESTROYED, nr.vcpus_destroyed),
			   N64(INFO_UNGOVERNED, nr.ungoverned),
			   N32(INFO_CALLBACKS_PENDING, kvmgov_boundary_pending()),
			   N32(INFO_RECORDS_MAX, records.max),
			   N32(INFO_RECORDS, records.nr),
			   N64(INFO_RECORDS_OVERWRITTEN, records.overwritten),
			   N64(INFO_RECORDS_LOST, records.lost));
}

static int put_host(struct sk_buff *skb)
{
	struct kvmgov_cpu_limit limit;

	kvmgov_defaults_get(&limit);
	return PUT_NUMBERS(skb,
			   N64(INFO_QUOTA_MIN_US, KVMGOV_QUOTA_MIN_US),
			   N64(INFO_QUOTA_MAX_US, KVMGOV_QUOTA_MAX_US),
			   N32(INFO_PERIOD_MIN_US, KVMGOV_PERIOD_MIN_US),
			   N32(INFO_PERIOD_MAX_US, KVMGOV_PERIOD_MAX_US),
			   N64(INFO_DEFAULT_QUOTA_US, limit.quota_us),
			   N32(INFO_DEFAULT_PERIOD_US, limit.period_us),
			   N32(INFO_CLOCK_STABLE, kvmgov_arch_clock_stable()),
			   N32(INFO_EXACT_CHARGE, kvmgov_thread_exact()));
}

/**
 * kvmgov_message_info() - tell of the module and its host
 * @skb: the message
 *
 * Context: may sleep.
 *
 * Return: 0, or -EMSGSIZE where there is no room, as all functions here.
 */
int kvmgov_message_info(struct sk_buff *skb)
{
	struct kvmgov_hook_info hook;
	unsigned int i;

	for (i = 0; kvmgov_hooks_info(i, &hook); i++)
		if (put_hook(skb, &hook))
			return -EMSGSIZE;
	if (nla_put_string(skb, KVMGOV_A_INFO_VERSION, KVMGOV_VERSION) ||
	    put_counters(skb) || put_host(skb))
		return -EMSGSIZE;
	return 0;
}

/* Where a process is no VM's, this is all that is known of it. */
static int put_process(struct sk_buff *skb, pid_t pid, const char *comm)
{
	if (nla_put_u32(skb, KVMGOV_A_VM_PID, pid) ||
	    nla_put_string(skb, KVMGOV_A_VM_COMM, comm))
		return -EMSGSIZE;
	return 0;
}

/**
 * kvmgov_message_process() - tell of the current process
 * @skb: the message
 *
 * Context: any.
 */
int kvmgov_message_process(struct sk_buff *skb)
{
	return put_process(skb, task_tgid_nr(current),
			   current->group_leader->comm);
}

static int put_identity(struct sk_buff *skb, struct kvmgov_vm *vm)
{
	char name[KVMGOV_NAME_MAX + 1];
	uuid_t uuid;

	kvmgov_vm_identity(vm, name, &uuid);
	if (nla_put_string(skb, KVMGOV_A_VM_NAME, name) ||
	    (!uuid_is_null(&uuid) &&
	     nla_put(skb, KVMGOV_A_VM_UUID, KVMGOV_UUID_LEN, &uuid)) ||
	    put_process(skb, kvmgov_vm_pid(vm), vm->comm))
		return -EMSGSIZE;
	return 0;
}

/**
 * kvmgov_message_vm() - tell of a VM
 * @skb: the message
 * @vm: the VM
 *
 * Context: may sleep.
 */
int kvmgov_message_vm(struct sk_buff *skb, struct kvmgov_vm *vm)
{
	struct kvmgov_cpu_limit limit;
	struct kvmgov_figures sum;
	u64 nr_periods;
	bool frozen;

	kvmgov_vm_limit(vm, &limit, &nr_periods, &frozen);
	kvmgov_vm_figures(vm, &sum);
	if (PUT_NUMBERS(skb,
			N64(VM_ID, vm->id),
			N32(VM_STATE, frozen ? KVMGOV_VM_STATE_FROZEN :
			    KVMGOV_VM_STATE_RUNNING),
			N32(VM_NR_VCPUS, READ_ONCE(vm->nr_vcpus)),
			N64(VM_CPU_QUOTA_US, limit.quota_us),
			N32(VM_CPU_PERIOD_US, limit.period_us),
			N32(VM_CPU_STEAL, READ_ONCE(vm->steal) ? KVMGOV_STEAL_ON :
			    KVMGOV_STEAL_OFF),
			N64(VM_AGE_NS, ktime_get_ns() - vm->born_ns),
			N64(VM_USAGE_NS, sum.usage_ns),
			N64(VM_GUEST_NS, sum.state_ns[KVMGOV_STATE_GUEST]),
			N64(VM_EXIT_NS, sum.state_ns[KVMGOV_STATE_EXIT]),
			N64(VM_VMM_NS, sum.state_ns[KVMGOV_STATE_VMM]),
			N64(VM_HALT_NS, sum.state_ns[KVMGOV_STATE_HALT]),
			N64(VM_POLL_NS, sum.state_ns[KVMGOV_STATE_POLL]),
			N64(VM_READY_NS, sum.state_ns[KVMGOV_STATE_READY]),
			N64(VM_HELD_CPU_NS, sum.state_ns[KVMGOV_STATE_HELD_CPU]),
			N64(VM_HELD_MEM_NS, sum.state_ns[KVMGOV_STATE_HELD_MEM]),
			N64(VM_PAUSED_NS, sum.state_ns[KVMGOV_STATE_PAUSED]),
			N64(VM_NR_HELD, sum.nr_held),
			N64(VM_NR_PERIODS, nr_periods),
			N64(VM_NR_EXITS, sum.nr_exits)))
		return -EMSGSIZE;
	return put_identity(skb, vm);
}

/**
 * kvmgov_message_vcpu() - tell of a vCPU
 * @skb: the message
 * @vcpu: the vCPU
 *
 * Context: any.
 */
int kvmgov_message_vcpu(struct sk_buff *skb, struct kvmgov_vcpu *vcpu)
{
	struct kvmgov_figures sum = {};

	kvmgov_vcpu_figures(vcpu, &sum);

	return PUT_NUMBERS(skb,
			   N64(VCPU_VM_ID, vcpu->vm->id),
			   N32(VCPU_INDEX, vcpu->index),
			   N32(VCPU_TID, kvmgov_vcpu_tid(vcpu)),
			   N64(VCPU_AGE_NS, ktime_get_ns() - vcpu->born_ns),
			   N64(VCPU_USAGE_NS, sum.usage_ns),
			   N64(VCPU_GUEST_NS, sum.state_ns[KVMGOV_STATE_GUEST]),
			   N64(VCPU_EXIT_NS, sum.state_ns[KVMGOV_STATE_EXIT]),
			   N64(VCPU_VMM_NS, sum.state_ns[KVMGOV_STATE_VMM]),
			   N64(VCPU_HALT_NS, sum.state_ns[KVMGOV_STATE_HALT]),
			   N64(VCPU_POLL_NS, sum.state_ns[KVMGOV_STATE_POLL]),
			   N64(VCPU_READY_NS, sum.state_ns[KVMGOV_STATE_READY]),
			   N64(VCPU_HELD_CPU_NS, sum.state_ns[KVMGOV_STATE_HELD_CPU]),
			   N64(VCPU_HELD_MEM_NS, sum.state_ns[KVMGOV_STATE_HELD_MEM]),
			   N64(VCPU_PAUSED_NS, sum.state_ns[KVMGOV_STATE_PAUSED]),
			   N64(VCPU_NR_HELD, sum.nr_held),
			   N64(VCPU_NR_EXITS, sum.nr_exits));
}

static int put_exit(struct sk_buff *skb, const struct kvmgov_exit_figures *exits)
{
	const struct number numbers[] = {
		N64(EXIT_NR, exits->nr),
		N64(EXIT_TOTAL_NS, exits->total_ns),
		N64(EXIT_MAX_NS, exits->max_ns),
	};
	char reason[KVMGOV_REASON_LEN];

	static_assert(sizeof(exits->histogram) == KVMGOV_EXIT_HISTOGRAM_LEN);
	kvmgov_arch_reason_name(exits->reason, reason);
	if (nla_put_string(skb, KVMGOV_A_EXIT_REASON, reason) ||
	    put_numbers(skb, numbers, ARRAY_SIZE(numbers)) ||
	    nla_put(skb, KVMGOV_A_EXIT_HISTOGRAM, sizeof(exits->histogram),
		    exits->histogram))
		return -EMSGSIZE;
	return 0;
}

/**
 * kvmgov_message_exit() - tell of a vCPU's exits for one reason
 * @skb: the message
 * @vcpu: the vCPU
 * @exits: its exits
 *
 * Context: any.
 */
int kvmgov_message_exit(struct sk_buff *skb, const struct kvmgov_vcpu *vcpu,
			const struct kvmgov_exit_figures *exits)
{
	const struct number numbers[] = {
		N64(EXIT_VM_ID, vcpu->vm->id),
		N32(EXIT_INDEX, vcpu->index),
	};

	if (put_numbers(skb, numbers, ARRAY_SIZE(numbers)))
		return -EMSGSIZE;
	return put_exit(skb, exits);
}

/**
 * kvmgov_message_final_size() - room for all there is to tell of a VM
 * @vm: the VM, whose vCPUs nobody runs any more
 *
 * Context: any.
 *
 * Return: in bytes; what is put may need less.
 */
size_t kvmgov_message_final_size(struct kvmgov_vm *vm)
{
	const size_t reason_size = 2 * nla_total_size(KVMGOV_REASON_LEN) +
				   3 * nla_total_size(sizeof(u64)) +
				   nla_total_size(KVMGOV_EXIT_HISTOGRAM_LEN);
	struct kvmgov_exit_figures exits;
	size_t size = 1024;
	u32 reason;

	for (reason = 0; reason < KVMGOV_NR_REASONS; reason++)
		if (kvmgov_vm_exits(vm, reason, &exits))
			size += reason_size;
	return size;
}

/**
 * kvmgov_message_final() - tell all there is to tell of a VM
 * @skb: the message
 * @vm: the VM, whose vCPUs nobody runs any more
 *
 * Context: may sleep.
 */
int kvmgov_message_final(struct sk_buff *skb, struct kvmgov_vm *vm)
{
	const struct number ended = N64(VM_ENDED_NS, ktime_get_real_ns());
	struct kvmgov_exit_figures exits;
	struct nlattr *nest;
	u32 reason;

	if (kvmgov_message_vm(skb, vm) || put_numbers(skb, &ended, 1))
		return -EMSGSIZE;
	for (reason = 0; reason < KVMGOV_NR_REASONS; reason++) {
		if (!kvmgov_vm_exits(vm, reason, &exits))
			continue;
		nest = nla_nest_start(skb, KVMGOV_A_VM_EXIT);
		if (!nest || put_exit(skb, &exits))
			return -EMSGSIZE;
		nla_nest_end(skb, nest);
	}
	return 0;
}
