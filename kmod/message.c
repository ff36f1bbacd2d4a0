// SPDX-License-Identifier: GPL-2.0-only
/*
 * What is told over netlink, as attributes; their contract is in
 * uapi/linux/kvmgov.h.
 */
#include <linux/ktime.h>
#include <linux/preempt.h>
#include <linux/time64.h>
#include <linux/timekeeping.h>
#include <net/netlink.h>

#include <asm/word-at-a-time.h>

#include <uapi/linux/kvmgov.h>

#include "arch.h"
#include "boundary.h"
#include "compat/compat.h"
#include "history.h"
#include "hooks.h"
#include "message.h"
#include "thread.h"
#include "vcpu.h"
#include "version.h"
#include "vm.h"

/*
 * Room for the attributes that are put in one go, behind one look whether it is
 * there: a dump tells of all VMs, and at one call of nla_put() for each it took
 * more than twice as long. No function here puts more.
 */
#define ROOM	512

/* Where attributes go, or NULL where there is no room. */
static void *room(struct sk_buff *skb)
{
	return skb_tailroom(skb) < ROOM ? NULL : skb_tail_pointer(skb);
}

/* They have been put, up to @end, and there was room. */
static void put(struct sk_buff *skb, void *end)
{
	__skb_put(skb, end - (void *)skb_tail_pointer(skb));
}

/* Where a CPU reads from any address, numbers need no padding before them. */
static __always_inline void *add(void *at, u16 type, const void *value, u16 size)
{
	struct nlattr *attr = at;

	static_assert(IS_ENABLED(CONFIG_HAVE_EFFICIENT_UNALIGNED_ACCESS));
	attr->nla_len = nla_attr_size(size);
	attr->nla_type = type;
	memcpy(nla_data(attr), value, size);
	return at + attr->nla_len;
}

static __always_inline void *add_u32(void *at, u16 type, u32 value)
{
	return add(at, type, &value, sizeof(value));
}

static __always_inline void *add_u64(void *at, u16 type, u64 value)
{
	return add(at, type, &value, sizeof(value));
}

/* @text lies in an array of whole words. */
static void *add_string(void *at, u16 type, const char *text)
{
	const struct word_at_a_time constants = WORD_AT_A_TIME_CONSTANTS;
	unsigned long word, bits;
	struct nlattr *attr = at;
	void *to = nla_data(attr);

	for (;;) {
		memcpy(&word, text, sizeof(word));
		if (has_zero(word, &bits, &constants))
			break;
		memcpy(to, &word, sizeof(word));
		to += sizeof(word);
		text += sizeof(word);
	}
	bits = create_zero_mask(prep_zero_mask(word, bits, &constants));
	/* What pads the attribute is zero, too. */
	word &= zero_bytemask(bits);
	memcpy(to, &word, sizeof(word));
	to += find_zero(bits) + 1;
	attr->nla_len = to - at;
	attr->nla_type = type;
	return at + NLA_ALIGN(attr->nla_len);
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
	void *at = room(skb);

	if (!at)
		return -EMSGSIZE;
	kvmgov_counters_get(&nr);
	kvmgov_history_counters(&records);
	at = add_u32(at, KVMGOV_A_INFO_NR_VMS, nr.vms_created - nr.vms_destroyed);
	at = add_u32(at, KVMGOV_A_INFO_NR_VCPUS, nr.vcpus_created - nr.vcpus_destroyed);
	at = add_u64(at, KVMGOV_A_INFO_VMS_CREATED, nr.vms_created);
	at = add_u64(at, KVMGOV_A_INFO_VMS_DESTROYED, nr.vms_destroyed);
	at = add_u64(at, KVMGOV_A_INFO_VCPUS_CREATED, nr.vcpus_created);
	at = add_u64(at, KVMGOV_A_INFO_VCPUS_DESTROYED, nr.vcpus_destroyed);
	at = add_u64(at, KVMGOV_A_INFO_UNGOVERNED, nr.ungoverned);
	at = add_u32(at, KVMGOV_A_INFO_CALLBACKS_PENDING, kvmgov_boundary_pending());
	at = add_u32(at, KVMGOV_A_INFO_RECORDS_MAX, records.max);
	at = add_u32(at, KVMGOV_A_INFO_RECORDS, records.nr);
	at = add_u64(at, KVMGOV_A_INFO_RECORDS_OVERWRITTEN, records.overwritten);
	at = add_u64(at, KVMGOV_A_INFO_RECORDS_LOST, records.lost);
	put(skb, at);
	return 0;
}

static int put_host(struct sk_buff *skb)
{
	struct kvmgov_cpu_limit limit;
	void *at = room(skb);

	if (!at)
		return -EMSGSIZE;
	kvmgov_defaults_get(&limit);
	at = add_u64(at, KVMGOV_A_INFO_QUOTA_MIN_US, KVMGOV_QUOTA_MIN_US);
	at = add_u64(at, KVMGOV_A_INFO_QUOTA_MAX_US, KVMGOV_QUOTA_MAX_US);
	at = add_u32(at, KVMGOV_A_INFO_PERIOD_MIN_US, KVMGOV_PERIOD_MIN_US);
	at = add_u32(at, KVMGOV_A_INFO_PERIOD_MAX_US, KVMGOV_PERIOD_MAX_US);
	at = add_u64(at, KVMGOV_A_INFO_DEFAULT_QUOTA_US, limit.quota_us);
	at = add_u32(at, KVMGOV_A_INFO_DEFAULT_PERIOD_US, limit.period_us);
	at = add_u64(at, KVMGOV_A_INFO_CREDIT_MAX_US, KVMGOV_CREDIT_MAX_US);
	at = add_u64(at, KVMGOV_A_INFO_DEFAULT_CREDIT_MAX_US, limit.credit_max_us);
	at = add_u32(at, KVMGOV_A_INFO_CLOCK_STABLE, kvmgov_arch_clock_stable());
	at = add_u32(at, KVMGOV_A_INFO_EXACT_CHARGE, kvmgov_thread_exact());
	put(skb, at);
	return 0;
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

/**
 * kvmgov_message_process() - tell of the current process, which is no VM's
 * @skb: the message
 *
 * Context: any.
 */
int kvmgov_message_process(struct sk_buff *skb)
{
	void *at = room(skb);

	if (!at)
		return -EMSGSIZE;
	at = add_u32(at, KVMGOV_A_VM_PID, task_tgid_nr(current));
	at = add_string(at, KVMGOV_A_VM_COMM, current->group_leader->comm);
	put(skb, at);
	return 0;
}

/*
 * Add what is set of a VM at the time @now. It may change meanwhile, and counts
 * only if it has not; the last byte of the name is 0 all the time.
 */
static void *add_settings(void *at, const struct kvmgov_vm *vm, u64 now)
{
	struct kvmgov_cpu_limit limit;

	kvmgov_bw_get(&vm->bw, &limit);
	at = add_string(at, KVMGOV_A_VM_NAME, vm->name);
	if (vm->has_uuid)
		at = add(at, KVMGOV_A_VM_UUID, &vm->uuid, KVMGOV_UUID_LEN);
	at = add_u32(at, KVMGOV_A_VM_STATE, vm->frozen ?
		     KVMGOV_VM_STATE_FROZEN : KVMGOV_VM_STATE_RUNNING);
	at = add_u64(at, KVMGOV_A_VM_CPU_QUOTA_US, limit.quota_us);
	at = add_u32(at, KVMGOV_A_VM_CPU_PERIOD_US, limit.period_us);
	at = add_u32(at, KVMGOV_A_VM_CPU_STEAL, vm->steal ?
		     KVMGOV_STEAL_ON : KVMGOV_STEAL_OFF);
	if (limit.credit_max_us) {
		at = add_u64(at, KVMGOV_A_VM_CPU_CREDIT_MAX_US, limit.credit_max_us);
		at = add_u64(at, KVMGOV_A_VM_CPU_CREDIT_US,
			     kvmgov_bw_credit(&vm->bw, now) / NSEC_PER_USEC);
	}
	return add_u64(at, KVMGOV_A_VM_NR_PERIODS,
		       kvmgov_bw_nr_periods(&vm->bw, now));
}

/*
 * The same together, as kvmgov_vm_view(), which would copy it once more. No lock
 * is taken that a vCPU could wait for.
 */
static void *add_view(void *begin, const struct kvmgov_vm *vm, u64 now)
{
	unsigned int seq;
	void *at;

	do {
		seq = read_seqcount_begin(&vm->seq);
		at = add_settings(begin, vm, now);
	} while (read_seqcount_retry(&vm->seq, seq));
	return at;
}

/**
 * kvmgov_message_vm() - tell of a VM
 * @skb: the message
 * @vm: the VM
 *
 * Context: RCU.
 */
int kvmgov_message_vm(struct sk_buff *skb, struct kvmgov_vm *vm)
{
	struct kvmgov_figures sum __uninitialized;
	u64 now = ktime_get_ns();
	void *at = room(skb);

	if (!at)
		return -EMSGSIZE;
	kvmgov_vm_figures(vm, &sum);
	at = add_u64(at, KVMGOV_A_VM_ID, vm->id);
	at = add_u32(at, KVMGOV_A_VM_PID, kvmgov_vm_pid(vm));
	at = add_string(at, KVMGOV_A_VM_COMM, vm->comm);
	at = add_view(at, vm, now);
	at = add_u32(at, KVMGOV_A_VM_NR_VCPUS, READ_ONCE(vm->nr_vcpus));
	at = add_u64(at, KVMGOV_A_VM_AGE_NS, now - vm->born_ns);
	at = add_u64(at, KVMGOV_A_VM_USAGE_NS, sum.usage_ns);
	at = add_u64(at, KVMGOV_A_VM_GUEST_NS, sum.state_ns[KVMGOV_STATE_GUEST]);
	at = add_u64(at, KVMGOV_A_VM_EXIT_NS, sum.state_ns[KVMGOV_STATE_EXIT]);
	at = add_u64(at, KVMGOV_A_VM_VMM_NS, sum.state_ns[KVMGOV_STATE_VMM]);
	at = add_u64(at, KVMGOV_A_VM_HALT_NS, sum.state_ns[KVMGOV_STATE_HALT]);
	at = add_u64(at, KVMGOV_A_VM_POLL_NS, sum.state_ns[KVMGOV_STATE_POLL]);
	at = add_u64(at, KVMGOV_A_VM_READY_NS, sum.state_ns[KVMGOV_STATE_READY]);
	at = add_u64(at, KVMGOV_A_VM_HELD_CPU_NS, sum.state_ns[KVMGOV_STATE_HELD_CPU]);
	at = add_u64(at, KVMGOV_A_VM_HELD_MEM_NS, sum.state_ns[KVMGOV_STATE_HELD_MEM]);
	at = add_u64(at, KVMGOV_A_VM_PAUSED_NS, sum.state_ns[KVMGOV_STATE_PAUSED]);
	at = add_u64(at, KVMGOV_A_VM_NR_HELD, sum.nr_held);
	at = add_u64(at, KVMGOV_A_VM_NR_EXITS, sum.nr_exits);
	put(skb, at);
	return 0;
}

/**
 * kvmgov_message_kept() - tell of a VM that the caller keeps
 * @skb: the message
 * @vm: the VM
 *
 * Context: any.
 */
int kvmgov_message_kept(struct sk_buff *skb, struct kvmgov_vm *vm)
{
	int err;

	rcu_read_lock();
	err = kvmgov_message_vm(skb, vm);
	rcu_read_unlock();
	return err;
}

/**
 * kvmgov_message_vcpu() - tell of a vCPU
 * @skb: the message
 * @vcpu: the vCPU
 *
 * Context: RCU.
 */
int kvmgov_message_vcpu(struct sk_buff *skb, struct kvmgov_vcpu *vcpu)
{
	struct kvmgov_figures sum = {};
	void *at = room(skb);
	u64 age;

	if (!at)
		return -EMSGSIZE;
	/* Nobody comes in between: the states add up to the age. */
	preempt_disable();
	age = ktime_get_ns() - vcpu->born_ns;
	kvmgov_vcpu_figures(vcpu, &sum);
	preempt_enable();
	at = add_u64(at, KVMGOV_A_VCPU_VM_ID, vcpu->vm->id);
	at = add_u32(at, KVMGOV_A_VCPU_INDEX, vcpu->index);
	at = add_u32(at, KVMGOV_A_VCPU_TID, kvmgov_vcpu_tid(vcpu));
	at = add_u64(at, KVMGOV_A_VCPU_AGE_NS, age);
	at = add_u64(at, KVMGOV_A_VCPU_USAGE_NS, sum.usage_ns);
	at = add_u64(at, KVMGOV_A_VCPU_GUEST_NS, sum.state_ns[KVMGOV_STATE_GUEST]);
	at = add_u64(at, KVMGOV_A_VCPU_EXIT_NS, sum.state_ns[KVMGOV_STATE_EXIT]);
	at = add_u64(at, KVMGOV_A_VCPU_VMM_NS, sum.state_ns[KVMGOV_STATE_VMM]);
	at = add_u64(at, KVMGOV_A_VCPU_HALT_NS, sum.state_ns[KVMGOV_STATE_HALT]);
	at = add_u64(at, KVMGOV_A_VCPU_POLL_NS, sum.state_ns[KVMGOV_STATE_POLL]);
	at = add_u64(at, KVMGOV_A_VCPU_READY_NS, sum.state_ns[KVMGOV_STATE_READY]);
	at = add_u64(at, KVMGOV_A_VCPU_HELD_CPU_NS, sum.state_ns[KVMGOV_STATE_HELD_CPU]);
	at = add_u64(at, KVMGOV_A_VCPU_HELD_MEM_NS, sum.state_ns[KVMGOV_STATE_HELD_MEM]);
	at = add_u64(at, KVMGOV_A_VCPU_PAUSED_NS, sum.state_ns[KVMGOV_STATE_PAUSED]);
	at = add_u64(at, KVMGOV_A_VCPU_NR_HELD, sum.nr_held);
	at = add_u64(at, KVMGOV_A_VCPU_NR_EXITS, sum.nr_exits);
	put(skb, at);
	return 0;
}

static void *add_exit(void *at, const struct kvmgov_exit_figures *exits)
{
	char reason[KVMGOV_REASON_LEN];

	static_assert(sizeof(exits->histogram) == KVMGOV_EXIT_HISTOGRAM_LEN);
	kvmgov_arch_reason_name(exits->reason, reason);
	at = add_string(at, KVMGOV_A_EXIT_REASON, reason);
	at = add_u64(at, KVMGOV_A_EXIT_NR, exits->nr);
	at = add_u64(at, KVMGOV_A_EXIT_TOTAL_NS, exits->total_ns);
	at = add_u64(at, KVMGOV_A_EXIT_MAX_NS, exits->max_ns);
	return add(at, KVMGOV_A_EXIT_HISTOGRAM, exits->histogram,
		   sizeof(exits->histogram));
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
	void *at = room(skb);

	if (!at)
		return -EMSGSIZE;
	at = add_u64(at, KVMGOV_A_EXIT_VM_ID, vcpu->vm->id);
	at = add_u32(at, KVMGOV_A_EXIT_INDEX, vcpu->index);
	put(skb, add_exit(at, exits));
	return 0;
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
	size_t size = 3 * ROOM;
	u32 reason;

	for (reason = 0; reason < KVMGOV_NR_REASONS; reason++)
		if (kvmgov_vm_exits(vm, reason, &exits))
			size += reason_size;
	return size;
}

static int put_ended(struct sk_buff *skb)
{
	void *at = room(skb);

	if (!at)
		return -EMSGSIZE;
	put(skb, add_u64(at, KVMGOV_A_VM_ENDED_NS, ktime_get_real_ns()));
	return 0;
}

static int put_nested_exit(struct sk_buff *skb,
			   const struct kvmgov_exit_figures *exits)
{
	struct nlattr *nest = nla_nest_start(skb, KVMGOV_A_VM_EXIT);
	void *at = room(skb);

	if (!nest || !at)
		return -EMSGSIZE;
	put(skb, add_exit(at, exits));
	nla_nest_end(skb, nest);
	return 0;
}

/**
 * kvmgov_message_final() - tell all there is to tell of a VM
 * @skb: the message
 * @vm: the VM, whose vCPUs nobody runs any more
 *
 * Context: any.
 */
int kvmgov_message_final(struct sk_buff *skb, struct kvmgov_vm *vm)
{
	struct kvmgov_exit_figures exits;
	u32 reason;

	if (kvmgov_message_kept(skb, vm) || put_ended(skb))
		return -EMSGSIZE;
	for (reason = 0; reason < KVMGOV_NR_REASONS; reason++)
		if (kvmgov_vm_exits(vm, reason, &exits) &&
		    put_nested_exit(skb, &exits))
			return -EMSGSIZE;
	return 0;
}
