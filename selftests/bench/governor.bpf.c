// SPDX-License-Identifier: GPL-2.0-only
/*
 * What kvmgov's probes do on every exit, as BPF programs: to measure them beside
 * it. Written to be cheap: one lookup for each probe, exits by reason in the same
 * element, and nothing that kvmgov leaves to its slow way is done on the fast one.
 *
 * Readers see torn figures, and nobody is held: what BPF cannot do is left out.
 */
#include <linux/bpf.h>
#include <stdbool.h>

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "governor.h"

typedef __u32 u32;
typedef __u64 u64;

#define RELOCATED __attribute__((preserve_access_index))

/* Of the kernel's types, what is used; libbpf finds where it is. */
struct sched_info {
	unsigned long long run_delay;
	unsigned long long last_arrival;
} RELOCATED;

struct sched_entity {
	u64 sum_exec_runtime;
} RELOCATED;

struct task_struct {
	struct sched_entity se;
	struct sched_info sched_info;
} RELOCATED;

struct kvm_vcpu {
	int cpu;
} RELOCATED;

struct vmcb_control_area {
	u32 exit_code;
} RELOCATED;

struct vmcb {
	struct vmcb_control_area control;
} RELOCATED;

struct vcpu_svm {
	struct kvm_vcpu vcpu;
	struct vmcb *vmcb;
} RELOCATED;

char LICENSE[] SEC("license") = "GPL";

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, GOVERNOR_VCPUS);
	__type(key, u64);
	__type(value, struct governor_vcpu);
} vcpus SEC(".maps");

/* An element that nothing has happened to; too large for the stack. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct governor_vcpu);
} blank SEC(".maps");

/* What vCPU a thread runs. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, GOVERNOR_VCPUS);
	__type(key, u64);
	__type(value, u64);
} threads SEC(".maps");

/* CPU time that a vCPU may use in a period, in ns. */
const volatile __u64 quota = 500000000, period = 1000000000;

/* The logarithm: BPF has no instruction for it. */
static __always_inline u32 bucket_of(u64 ns)
{
	u32 v, r, s;

	if (ns >> 32)
		return GOVERNOR_BUCKETS - 1;
	v = (u32)ns;
	r = (v > 0xffff) << 4;
	v >>= r;
	s = (v > 0xff) << 3;
	v >>= s;
	r |= s;
	s = (v > 0xf) << 2;
	v >>= s;
	r |= s;
	s = (v > 0x3) << 1;
	v >>= s;
	r |= s;
	r |= v >> 1;
	/* The verifier believes a mask only, and the compiler knows better. */
	asm volatile("" : "+r"(r));
	return r & (GOVERNOR_BUCKETS - 1);
}

static __noinline int vcpu_new(u64 key)
{
	struct governor_vcpu *from;
	u32 zero = 0;

	from = bpf_map_lookup_elem(&blank, &zero);
	if (from)
		bpf_map_update_elem(&vcpus, &key, from, BPF_NOEXIST);
	return 0;
}

/*
 * The thread has left its CPU or KVM_RUN: the scheduler knows how long it waited
 * for a CPU, and what was before adds to the time of the exit.
 */
static __always_inline u64 divide(struct governor_vcpu *v, struct task_struct *task, u64 delta)
{
	u64 ready = task->sched_info.run_delay;

	v->ns[GOVERNOR_READY] += ready - v->ready;
	v->ready = ready;
	v->arrival = task->sched_info.last_arrival;
	delta += v->handled;
	v->handled = 0;
	return delta;
}

static __noinline int thread_new(u64 task, u64 key)
{
	bpf_map_update_elem(&threads, &task, &key, BPF_ANY);
	return 0;
}

/* The deadline has passed: charge what was used, and say when to look again. */
static __always_inline void charge(struct governor_vcpu *v, struct task_struct *task, u64 now)
{
	u64 used = task->se.sum_exec_runtime;

	v->used += used - v->charged;
	v->charged = used;
	if (now - v->period_start >= period) {
		v->used = v->used > quota ? v->used - quota : 0;
		v->period_start = now;
	}
	if (v->used >= quota) {
		v->nr_over++;
		v->deadline = v->period_start + period;
	} else {
		v->deadline = now + quota - v->used;
	}
}

SEC("tp_btf/kvm_entry")
int BPF_PROG(on_entry, struct kvm_vcpu *vcpu)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct governor_slot *slot;
	struct governor_vcpu *v;
	u64 key = (u64)vcpu;
	u64 now, delta;
	u32 reason;

	v = bpf_map_lookup_elem(&vcpus, &key);
	if (!v)
		return vcpu_new(key);
	now = bpf_ktime_get_ns();
	delta = now - v->since;
	v->ns[GOVERNOR_EXIT] += delta;
	v->since = now;
	if (v->arrival != task->sched_info.last_arrival)
		delta = divide(v, task, delta);
	reason = v->reason;
	if (reason >= GOVERNOR_REASONS)
		reason = GOVERNOR_REASONS - 1;
	slot = &v->slot[reason];
	slot->total += delta;
	if (delta > slot->longest)
		slot->longest = delta;
	slot->histogram[bucket_of(delta)]++;
	if (v->task != (u64)task) {
		v->task = (u64)task;
		thread_new((u64)task, key);
	}
	if (now >= v->deadline)
		charge(v, task, now);
	return 0;
}

SEC("tp_btf/kvm_exit")
int BPF_PROG(on_exit, struct kvm_vcpu *vcpu)
{
	struct governor_vcpu *v;
	u64 key = (u64)vcpu;
	u64 now;

	/* It never is; newer verifiers want to be told. */
	if (!vcpu)
		return 0;
	v = bpf_map_lookup_elem(&vcpus, &key);
	if (!v)
		return 0;
	now = bpf_ktime_get_ns();
	v->ns[GOVERNOR_GUEST] += now - v->since;
	v->since = now;
	v->reason = BPF_CORE_READ((struct vcpu_svm *)vcpu, vmcb, control.exit_code);
	v->nr_exits++;
	if (now >= v->deadline)
		charge(v, bpf_get_current_task_btf(), now);
	return 0;
}

/* KVM_RUN begins, or is about to end. */
SEC("tp_btf/kvm_fpu")
int BPF_PROG(on_fpu, int load)
{
	u64 key = (u64)bpf_get_current_task_btf();
	struct governor_vcpu *v;
	u64 now, delta, *vcpu;

	vcpu = bpf_map_lookup_elem(&threads, &key);
	if (!vcpu)
		return 0;
	v = bpf_map_lookup_elem(&vcpus, vcpu);
	if (!v)
		return 0;
	now = bpf_ktime_get_ns();
	delta = now - v->since;
	v->ns[load ? GOVERNOR_VMM : GOVERNOR_EXIT] += delta;
	v->handled += delta;
	v->since = now;
	v->arrival = 0;
	return 0;
}

SEC("fentry/kvm_arch_vcpu_destroy")
int BPF_PROG(on_destroy, struct kvm_vcpu *vcpu)
{
	u64 key = (u64)vcpu;

	bpf_map_delete_elem(&vcpus, &key);
	return 0;
}
