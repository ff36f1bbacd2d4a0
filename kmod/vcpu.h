/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * vCPUs as kvmgov knows them.
 */
#ifndef _KVMGOV_VCPU_H
#define _KVMGOV_VCPU_H

#include <linux/build_bug.h>
#include <linux/hrtimer.h>
#include <linux/kobject.h>
#include <linux/kref.h>
#include <linux/list.h>
#include <linux/percpu.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/workqueue.h>

#include "boundary.h"
#include "ledger.h"

struct kvmgov_counters;
struct kvmgov_vm;

/**
 * struct kvmgov_runner - the thread that runs a vCPU
 * @task: the thread, with a reference
 * @base_ns: its CPU time less the vCPU's usage when it took over
 * @rcu: frees it after readers are done
 *
 * Never changed, only replaced: readers see a thread and its base together.
 */
struct kvmgov_runner {
	struct task_struct *task;
	u64 base_ns;
	struct rcu_head rcu;
};

/**
 * struct kvmgov_vcpu - one virtual CPU
 * @key: address of KVM's object; NULL once that has ended. Never followed
 *	here. Cleared under the hash's lock.
 * @deadline: entries and exits at or after this time (in cycles) have to look
 *	at the budget; 0 for the next one. Written under @vm->lock, and set to
 *	0 by the vCPU's thread when it moves to another CPU.
 * @cpu: CPU that it was seen on last, whose kvmgov_last_vcpu may point here;
 *	-1 until it was seen. Written by the vCPU's thread.
 * @task: runner->task, to be compared with current only
 * @ledger: where the time went
 * @halts: KVM's figures of its halts when KVM's object ended
 * @vm: the VM, with a reference
 * @work: runs the hold
 * @timer: ends a slice of the budget; callback in hard interrupt context
 * @armed: on @vm->armed while @timer is set; under @vm->lock
 * @charged_ns: usage charged to the VM's budget so far; written under
 *	@vm->lock
 * @runner: the thread that runs it; replaced by itself under @vm->lock
 * @told: time held, in cycles, that its guest was told of or is not to be;
 *	only touched by the vCPU's thread
 * @newcomer_entered_ns: CPU time of a thread other than @runner when it
 *	entered the guest; under @vm->lock
 * @newcomers_ns: CPU time that such threads have used in the guest; written
 *	under @vm->lock
 * @born_ns: when it was attached (CLOCK_MONOTONIC)
 * @index: KVM's vcpu_id
 * @ref: held by the VM's list, by a queued @work, by @kobj
 * @hash: in the hash, under its lock and RCU
 * @siblings: in @vm->vcpus
 * @publish: makes it visible in sysfs
 * @kobj: its directory in sysfs
 * @rcu: frees it after probes and readers are done
 * @exits: exits by reason; under the sequence count of @ledger
 *
 * The first cache line is all that a probe touches beside the ledger.
 */
struct kvmgov_vcpu {
	const void *key;
	u64 deadline;
	int cpu;
	struct task_struct *task;
	struct kvmgov_ledger ledger;

	struct kvmgov_halts halts;
	struct kvmgov_vm *vm;
	struct kvmgov_boundary_work work;
	struct hrtimer timer;
	struct list_head armed;
	u64 charged_ns;
	struct kvmgov_runner __rcu *runner;
	u64 told;
	u64 newcomer_entered_ns;
	u64 newcomers_ns;
	u64 born_ns;
	u32 index;
	struct kref ref;
	struct hlist_node hash;
	struct list_head siblings;
	struct work_struct publish;
	struct kobject kobj;
	struct rcu_head rcu;
	struct kvmgov_exits exits;
} ____cacheline_aligned;

/*
 * What kmalloc() gives for it; a byte more, and it gives twice as much. The
 * files in sysfs come on top of that.
 */
static_assert(sizeof(struct kvmgov_vcpu) <= 8192);

/*
 * The vCPU that was seen last on each CPU; never NULL. A vCPU is so on one CPU
 * at most: whoever finds it here knows that it has not moved.
 */
DECLARE_PER_CPU(struct kvmgov_vcpu *, kvmgov_last_vcpu);

void kvmgov_vcpu_init(void);
struct kvmgov_vcpu *kvmgov_vcpu_lookup(const void *key);
void kvmgov_vcpu_arrive(struct kvmgov_vcpu *vcpu);
struct kvmgov_vcpu *kvmgov_vcpu_new(struct kvmgov_vm *vm, const void *key,
				    u32 index);
void kvmgov_vcpu_add(struct kvmgov_vm *vm, struct kvmgov_vcpu *vcpu);
void kvmgov_vcpu_gone(const void *key);
void kvmgov_vcpu_forget_all(void);
void kvmgov_vcpu_switch(struct kvmgov_vcpu *vcpu, enum kvmgov_state state);
void kvmgov_vcpu_released(struct kvmgov_vcpu *vcpu, bool steal);
void kvmgov_vcpu_end(struct kvmgov_vcpu *vcpu);
void kvmgov_vcpu_drop(struct kvmgov_vcpu *vcpu);
void kvmgov_vcpu_put(struct kvmgov_vcpu *vcpu);
void kvmgov_vcpu_figures(struct kvmgov_vcpu *vcpu, struct kvmgov_figures *sum);
pid_t kvmgov_vcpu_tid(struct kvmgov_vcpu *vcpu);
void kvmgov_vcpu_counters(struct kvmgov_counters *counters);
void kvmgov_ungoverned_inc(void);

#endif /* _KVMGOV_VCPU_H */
