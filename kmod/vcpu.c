// SPDX-License-Identifier: GPL-2.0-only
/*
 * vCPUs as kvmgov knows them: lookup from a probe, reference, end.
 */
#include <linux/atomic.h>
#include <linux/hash.h>
#include <linux/ktime.h>
#include <linux/pid.h>
#include <linux/rculist.h>
#include <linux/ratelimit.h>
#include <linux/slab.h>

#include "compat/compat.h"
#include "hold.h"
#include "hooks.h"
#include "netlink.h"
#include "runner.h"
#include "slice.h"
#include "sysfs.h"
#include "vcpu.h"
#include "vm.h"

#define HASH_BITS	12

/* A ledger that changes while it is read is read again this often at most. */
#define READ_RETRIES	3

/* Stands for no vCPU: no key is equal to its. */
static struct kvmgov_vcpu nobody = { .key = &nobody };

/* Set in kvmgov_vcpu_init(): a module's per-CPU section is not relocated. */
DEFINE_PER_CPU(struct kvmgov_vcpu *, kvmgov_last_vcpu);

/*
 * vCPUs by the address of KVM's object. Not a resizable table: entries are
 * removed in a kprobe, where on PREEMPT_RT no ordinary lock may be taken.
 */
static struct hlist_head vcpu_hash[1 << HASH_BITS];

/*
 * Protects vcpu_hash and the keys of what is in it, and so keeps KVM's objects
 * for those who read their figures. Innermost.
 */
static DEFINE_RAW_SPINLOCK(hash_lock);

static atomic64_t created, destroyed;
static atomic64_t ungoverned;

static struct hlist_head *hash_bucket(const void *key)
{
	return &vcpu_hash[hash_ptr(key, HASH_BITS)];
}

/**
 * kvmgov_vcpu_lookup() - find a vCPU
 * @key: address of KVM's object
 *
 * Context: RCU or preemption disabled, which keeps what is found in memory.
 *
 * Return: the vCPU, or NULL.
 */
struct kvmgov_vcpu *kvmgov_vcpu_lookup(const void *key)
{
	struct kvmgov_vcpu *vcpu;

	hlist_for_each_entry_rcu(vcpu, hash_bucket(key), hash,
				 rcu_read_lock_any_held())
		if (READ_ONCE(vcpu->key) == key)
			return vcpu;
	return NULL;
}

static void vcpu_forget(struct kvmgov_vcpu *vcpu, int cpu)
{
	cmpxchg(per_cpu_ptr(&kvmgov_last_vcpu, cpu), vcpu, &nobody);
}

/**
 * kvmgov_vcpu_arrive() - a vCPU is seen on a CPU where it was not last
 * @vcpu: the vCPU
 *
 * It may have moved: its slice, with the timer on the other CPU, ends here.
 *
 * Context: a probe, in the vCPU's thread, preemption disabled.
 */
void kvmgov_vcpu_arrive(struct kvmgov_vcpu *vcpu)
{
	int cpu = smp_processor_id();

	if (vcpu->cpu != cpu) {
		if (vcpu->cpu >= 0)
			vcpu_forget(vcpu, vcpu->cpu);
		vcpu->cpu = cpu;
		WRITE_ONCE(vcpu->deadline, 0);
	}
	__this_cpu_write(kvmgov_last_vcpu, vcpu);
}

/* What is known of @vcpu in its own thread, which is inside KVM_RUN. */
static void vcpu_facts_here(struct kvmgov_vcpu *vcpu,
			    struct kvmgov_facts *facts)
{
	const void *key = READ_ONCE(vcpu->key);

	facts->task = current;
	kvmgov_thread_times(current, &facts->times);
	/* Forgotten when the module goes, but alive. */
	if (key)
		kvmgov_hooks_vcpu_halts(key, &facts->halts);
	else
		facts->halts = vcpu->halts;
}

/* What is known of @vcpu anywhere. Context: RCU. Return: its usage, in ns. */
static u64 vcpu_facts(struct kvmgov_vcpu *vcpu, struct kvmgov_facts *facts)
{
	unsigned long flags;
	u64 usage;

	usage = kvmgov_runner_read(vcpu, &facts->task, &facts->times);
	raw_spin_lock_irqsave(&hash_lock, flags);
	if (vcpu->key)
		kvmgov_hooks_vcpu_halts(vcpu->key, &facts->halts);
	else
		facts->halts = vcpu->halts;
	raw_spin_unlock_irqrestore(&hash_lock, flags);
	return usage;
}

/**
 * kvmgov_vcpu_switch() - a vCPU changes its state
 * @vcpu: the vCPU
 * @state: the state that begins now
 *
 * Context: the vCPU's thread, inside KVM_RUN.
 */
void kvmgov_vcpu_switch(struct kvmgov_vcpu *vcpu, enum kvmgov_state state)
{
	struct kvmgov_facts facts;

	preempt_disable();
	if (kvmgov_ledger_undisturbed(&vcpu->ledger)) {
		kvmgov_ledger_switch(&vcpu->ledger, &vcpu->exits, state, NULL);
	} else {
		vcpu_facts_here(vcpu, &facts);
		kvmgov_ledger_switch(&vcpu->ledger, &vcpu->exits, state,
				     &facts);
	}
	/* One that is new to the vCPU is looked at in each entry. */
	if (vcpu->task != current)
		kvmgov_ledger_look(&vcpu->ledger);
	preempt_enable();
}

/**
 * kvmgov_vcpu_released() - a vCPU has come out of a hold
 * @vcpu: the vCPU
 * @steal: tell its guest that the time was stolen
 *
 * The wait for a CPU at its end the scheduler has counted already, and a frozen
 * VM's time is not stolen: it stood still. Context: the vCPU's thread, inside
 * KVM_RUN.
 */
void kvmgov_vcpu_released(struct kvmgov_vcpu *vcpu, bool steal)
{
	u64 held;

	preempt_disable();
	kvmgov_vcpu_switch(vcpu, KVMGOV_STATE_EXIT);
	held = kvmgov_ledger_held(&vcpu->ledger);
	if (steal && held != vcpu->told) {
		u64 ns = kvmgov_cycles_to_ns(held - vcpu->told);

		kvmgov_thread_add_ready(ns);
		kvmgov_ledger_rebase(&vcpu->ledger, ns);
	}
	vcpu->told = held;
	preempt_enable();
}

static void vcpu_release(struct kref *ref)
{
	struct kvmgov_vcpu *vcpu = container_of(ref, struct kvmgov_vcpu, ref);

	atomic64_inc(&destroyed);
	kvmgov_vm_put(vcpu->vm);
	kfree_rcu(vcpu, rcu);
}

/**
 * kvmgov_vcpu_put() - drop a reference
 * @vcpu: the vCPU
 *
 * Context: any.
 */
void kvmgov_vcpu_put(struct kvmgov_vcpu *vcpu)
{
	kref_put(&vcpu->ref, vcpu_release);
}

static void vcpu_publish(struct work_struct *work)
{
	struct kvmgov_vcpu *vcpu = container_of(work, struct kvmgov_vcpu,
						publish);

	kvmgov_sysfs_vcpu_add(vcpu);
	kvmgov_vcpu_put(vcpu);
}

/**
 * kvmgov_vcpu_new() - make a vCPU
 * @vm: its VM
 * @key: address of KVM's object
 * @index: KVM's vcpu_id
 *
 * Context: the vCPU's thread; may sleep.
 *
 * Return: the vCPU, or NULL for lack of memory.
 */
struct kvmgov_vcpu *kvmgov_vcpu_new(struct kvmgov_vm *vm, const void *key,
				    u32 index)
{
	struct kvmgov_runner *runner;
	struct kvmgov_facts facts;
	struct kvmgov_vcpu *vcpu;

	vcpu = kzalloc(sizeof(*vcpu), GFP_KERNEL);
	if (!vcpu)
		return NULL;
	runner = kvmgov_runner_new(vcpu);
	if (!runner) {
		kfree(vcpu);
		return NULL;
	}
	vcpu->key = key;
	vcpu->cpu = -1;
	vcpu->index = index;
	vcpu->vm = vm;
	kref_get(&vm->ref);
	kref_init(&vcpu->ref);
	kvmgov_runner_set(vcpu, runner);
	vcpu_facts_here(vcpu, &facts);
	kvmgov_ledger_init(&vcpu->ledger, &facts);
	kvmgov_exits_init(&vcpu->exits);
	kvmgov_slice_init(vcpu);
	kvmgov_hold_init(vcpu);
	INIT_WORK(&vcpu->publish, vcpu_publish);
	vcpu->born_ns = ktime_get_ns();
	atomic64_inc(&created);
	return vcpu;
}

/**
 * kvmgov_vcpu_add() - put a vCPU on its VM's list and make it known to probes
 * @vm: the VM
 * @vcpu: the vCPU
 *
 * The new vCPU may make a limit bind that did not with fewer of them: settle
 * first, look again after.
 *
 * Context: process; the caller holds the registry's lock.
 */
void kvmgov_vcpu_add(struct kvmgov_vm *vm, struct kvmgov_vcpu *vcpu)
{
	raw_spin_lock_irq(&vm->lock);
	kvmgov_slice_settle(vm);
	list_add_tail_rcu(&vcpu->siblings, &vm->vcpus);
	WRITE_ONCE(vm->nr_vcpus, vm->nr_vcpus + 1);
	kvmgov_slice_recall(vm);
	raw_spin_unlock_irq(&vm->lock);

	raw_spin_lock_irq(&hash_lock);
	hlist_add_head_rcu(&vcpu->hash, hash_bucket(vcpu->key));
	raw_spin_unlock_irq(&hash_lock);
}

/* Make @vcpu unknown to the probes. KVM may use its address again at once. */
static void vcpu_unhash(struct kvmgov_vcpu *vcpu)
{
	lockdep_assert_held(&hash_lock);
	if (vcpu->key)
		kvmgov_hooks_vcpu_halts(vcpu->key, &vcpu->halts);
	WRITE_ONCE(vcpu->key, NULL);
	hlist_del_init_rcu(&vcpu->hash);
}

/**
 * kvmgov_vcpu_gone() - KVM destroys a vCPU
 * @key: address of KVM's object
 *
 * Context: any; KVM's object is still there, and nobody runs it.
 */
void kvmgov_vcpu_gone(const void *key)
{
	struct kvmgov_vcpu *vcpu;
	unsigned long flags;

	raw_spin_lock_irqsave(&hash_lock, flags);
	vcpu = kvmgov_vcpu_lookup(key);
	if (vcpu)
		vcpu_unhash(vcpu);
	raw_spin_unlock_irqrestore(&hash_lock, flags);
}

/**
 * kvmgov_vcpu_forget_all() - no KVM object may be followed from now on
 *
 * Context: no probe runs that knows a vCPU, and none will.
 */
void kvmgov_vcpu_forget_all(void)
{
	struct kvmgov_vcpu *vcpu;
	struct hlist_node *next;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(vcpu_hash); i++) {
		raw_spin_lock_irq(&hash_lock);
		hlist_for_each_entry_safe(vcpu, next, &vcpu_hash[i], hash)
			vcpu_unhash(vcpu);
		raw_spin_unlock_irq(&hash_lock);
	}
}

/**
 * kvmgov_vcpu_end() - take down a vCPU that nobody runs, or lets go of
 * @vcpu: the vCPU
 *
 * Context: may sleep.
 */
void kvmgov_vcpu_end(struct kvmgov_vcpu *vcpu)
{
	unsigned long flags;
	int cpu;

	raw_spin_lock_irqsave(&hash_lock, flags);
	vcpu_unhash(vcpu);
	raw_spin_unlock_irqrestore(&hash_lock, flags);
	/* No probe finds it any more; those that have it end before the RCU. */
	for_each_possible_cpu(cpu)
		vcpu_forget(vcpu, cpu);

	kvmgov_sysfs_vcpu_del(vcpu);
	hrtimer_cancel(&vcpu->timer);
}

/**
 * kvmgov_vcpu_drop() - drop the VM's reference to a vCPU that was taken down
 * @vcpu: the vCPU, off the VM's list
 *
 * Context: process.
 */
void kvmgov_vcpu_drop(struct kvmgov_vcpu *vcpu)
{
	struct kvmgov_vm *vm = vcpu->vm;

	raw_spin_lock_irq(&vm->lock);
	list_del_init(&vcpu->armed);
	kvmgov_runner_set(vcpu, NULL);
	raw_spin_unlock_irq(&vm->lock);
	kvmgov_vcpu_put(vcpu);
}

/**
 * kvmgov_ungoverned_inc() - count and report a failure for lack of memory
 *
 * Context: process context of a vCPU's thread; may sleep.
 */
void kvmgov_ungoverned_inc(void)
{
	static DEFINE_RATELIMIT_STATE(limit, DEFAULT_RATELIMIT_INTERVAL,
				      DEFAULT_RATELIMIT_BURST);

	atomic64_inc(&ungoverned);
	if (!__ratelimit(&limit))
		return;
	pr_warn("no memory to govern a vCPU of %s[%d]; trying again\n",
		current->comm, task_tgid_nr(current));
	kvmgov_netlink_ungoverned();
}

/**
 * kvmgov_vcpu_figures() - add a vCPU's figures to a sum
 * @vcpu: the vCPU
 * @sum: where to add them
 *
 * Context: RCU.
 */
void kvmgov_vcpu_figures(struct kvmgov_vcpu *vcpu, struct kvmgov_figures *sum)
{
	struct kvmgov_ledger copy __uninitialized;
	struct kvmgov_facts facts __uninitialized;
	unsigned int version;
	u64 usage = 0;
	int retry;

	/* One that changes all the time is divided by what was just before. */
	for (retry = 0; retry < READ_RETRIES; retry++) {
		version = kvmgov_ledger_copy(&vcpu->ledger, &copy);
		usage = vcpu_facts(vcpu, &facts);
		if (!kvmgov_ledger_changed(&vcpu->ledger, version))
			break;
	}
	sum->usage_ns += usage;
	kvmgov_ledger_add(&copy, &facts, sum);
}

/**
 * kvmgov_vcpu_tid() - the thread that runs a vCPU
 * @vcpu: the vCPU
 *
 * Context: any.
 *
 * Return: its id in the initial PID namespace, or 0 when it or the vCPU has
 * ended.
 */
pid_t kvmgov_vcpu_tid(struct kvmgov_vcpu *vcpu)
{
	struct kvmgov_runner *runner;
	pid_t tid = 0;

	rcu_read_lock();
	runner = rcu_dereference(vcpu->runner);
	/* Its number may be another's once it has ended. */
	if (runner && pid_alive(runner->task))
		tid = task_pid_nr(runner->task);
	rcu_read_unlock();
	return tid;
}

/**
 * kvmgov_vcpu_counters() - what has been seen since the module was loaded
 * @counters: where to put what is about vCPUs
 *
 * Context: any.
 */
void kvmgov_vcpu_counters(struct kvmgov_counters *counters)
{
	counters->vcpus_created = atomic64_read(&created);
	counters->vcpus_destroyed = atomic64_read(&destroyed);
	counters->ungoverned = atomic64_read(&ungoverned);
}

/**
 * kvmgov_vcpu_init() - get ready for probes
 */
void kvmgov_vcpu_init(void)
{
	int cpu;

	for_each_possible_cpu(cpu)
		per_cpu(kvmgov_last_vcpu, cpu) = &nobody;
}
