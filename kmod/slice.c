// SPDX-License-Identifier: GPL-2.0-only
/*
 * The slice: the part of its VM's budget that a vCPU may use before anybody
 * looks at the budget again.
 *
 * A vCPU that enters its guest arms a timer for its share of what is left.
 * Until then its entries and exits compare two numbers and take no lock. A
 * slice ends with the timer, or when somebody recalls it by setting the
 * deadline to 0. Whoever finds that the budget is used up stops the siblings
 * too, so that no vCPU spins on a lock whose holder is held.
 */
#include <linux/hrtimer.h>
#include <linux/ktime.h>
#include <linux/lockdep.h>
#include <linux/sched.h>

#include "arch.h"
#include "compat/compat.h"
#include "hold.h"
#include "runner.h"
#include "slice.h"
#include "vcpu.h"
#include "vm.h"

/*
 * The shortest slice. Less is not worth an interrupt: what it overruns is
 * debt, and so does not change the average.
 */
#define SLICE_MIN_NS	5000ULL

/*
 * An exit caused by the timer must find its deadline passed, although the
 * timer runs on another clock: allow 2 us and 1/4096 for their difference.
 */
#define EARLY_NS	2000ULL
#define EARLY_SHIFT	12

#define NEVER		(~0ULL)

/*
 * Charge what @vcpu has used since it was charged last. Context: writes what is
 * read under the VM's seq.
 */
static void slice_charge(struct kvmgov_vcpu *vcpu)
{
	u64 usage = kvmgov_runner_usage(vcpu);

	lockdep_assert_held(&vcpu->vm->lock);
	if ((s64)(usage - vcpu->charged_ns) <= 0)
		return;
	kvmgov_bw_charge(&vcpu->vm->bw, usage - vcpu->charged_ns);
	WRITE_ONCE(vcpu->charged_ns, usage);
}

/*
 * What the VM may still use, after charging @vcpu and everybody who runs.
 * The siblings are charged first, because a new period begins here: their
 * time must be paid for by the period it was used in.
 */
static u64 slice_budget(struct kvmgov_vcpu *vcpu)
{
	struct kvmgov_vm *vm = vcpu->vm;
	struct kvmgov_vcpu *sibling;

	lockdep_assert_held(&vm->lock);
	if (!kvmgov_bw_binds(&vm->bw, READ_ONCE(vm->nr_vcpus)))
		return KVMGOV_BW_UNLIMITED;

	write_seqcount_begin(&vm->seq);
	if (list_empty(&vcpu->armed))
		slice_charge(vcpu);
	list_for_each_entry(sibling, &vm->armed, armed)
		slice_charge(sibling);
	kvmgov_bw_roll(&vm->bw, ktime_get_ns());
	write_seqcount_end(&vm->seq);
	return kvmgov_bw_left(&vm->bw);
}

static void slice_disarm(struct kvmgov_vcpu *vcpu)
{
	lockdep_assert_held(&vcpu->vm->lock);
	WRITE_ONCE(vcpu->deadline, 0);
	if (list_empty(&vcpu->armed))
		return;
	list_del_init(&vcpu->armed);
	vcpu->vm->nr_armed--;
}

/*
 * Give the current thread's @vcpu its share of what is @left, a period's worth at
 * most: credit may be hours deep, and is to be seen to go.
 */
static void slice_arm(struct kvmgov_vcpu *vcpu, u64 left)
{
	struct kvmgov_vm *vm = vcpu->vm;
	u64 slice, early;

	lockdep_assert_held(&vm->lock);
	if (list_empty(&vcpu->armed)) {
		list_add_tail(&vcpu->armed, &vm->armed);
		vm->nr_armed++;
	}
	slice = clamp_t(u64, div_u64(left, vm->nr_armed), SLICE_MIN_NS,
			vm->bw.period);
	early = min(slice, EARLY_NS + (slice >> EARLY_SHIFT));
	WRITE_ONCE(vcpu->deadline,
		   kvmgov_cycles() + kvmgov_ns_to_cycles(slice - early));
	hrtimer_start(&vcpu->timer, ns_to_ktime(slice),
		      HRTIMER_MODE_REL_PINNED_HARD);
}

/* Nothing limits @vcpu: look again only when it is recalled. */
static void slice_unlimited(struct kvmgov_vcpu *vcpu)
{
	slice_disarm(vcpu);
	WRITE_ONCE(vcpu->deadline, NEVER);
}

/* Have @vcpu leave its guest, if it is there, to look at its deadline. */
static void slice_kick(struct kvmgov_vcpu *vcpu)
{
	lockdep_assert_held(&vcpu->vm->lock);
	if (vcpu->task && kvmgov_ledger_in_guest(&vcpu->ledger))
		kick_process(vcpu->task);
}

/* The budget is used up: take everybody who runs on it out of the guest. */
static void slice_stop(struct kvmgov_vm *vm)
{
	struct kvmgov_vcpu *vcpu;

	lockdep_assert_held(&vm->lock);
	list_for_each_entry(vcpu, &vm->armed, armed) {
		WRITE_ONCE(vcpu->deadline, 0);
		if (vcpu->task != current)
			slice_kick(vcpu);
	}
}

/*
 * The timer. It queues the hold itself only while the vCPU counts as in the
 * guest: queued later it might be left behind by a vCPU that blocks in HLT.
 * Otherwise the exit or the next entry does it.
 */
static enum hrtimer_restart slice_timer(struct hrtimer *timer)
{
	struct kvmgov_vcpu *vcpu = container_of(timer, struct kvmgov_vcpu,
						timer);
	struct kvmgov_vm *vm = vcpu->vm;
	unsigned long flags;
	bool hold = false;
	u64 left;

	raw_spin_lock_irqsave(&vm->lock, flags);
	left = slice_budget(vcpu);
	if (vcpu->task != current) {
		/* Not here: it arms again when it enters its guest. */
		slice_disarm(vcpu);
		slice_kick(vcpu);
	} else if (vm->frozen || !left) {
		slice_stop(vm);
		WRITE_ONCE(vcpu->deadline, 0);
		hold = kvmgov_ledger_in_guest(&vcpu->ledger);
	} else if (left == KVMGOV_BW_UNLIMITED) {
		slice_unlimited(vcpu);
	} else {
		slice_arm(vcpu, left);
	}
	raw_spin_unlock_irqrestore(&vm->lock, flags);

	if (hold)
		kvmgov_hold_request(vcpu);
	return HRTIMER_NORESTART;
}

/**
 * kvmgov_slice_init() - prepare a new vCPU
 * @vcpu: the vCPU, not yet known to the probes
 */
void kvmgov_slice_init(struct kvmgov_vcpu *vcpu)
{
	INIT_LIST_HEAD(&vcpu->armed);
	hrtimer_setup(&vcpu->timer, slice_timer, CLOCK_MONOTONIC,
		      HRTIMER_MODE_REL_PINNED_HARD);
}

/**
 * kvmgov_slice_entry() - a vCPU enters its guest without a slice
 * @vcpu: the vCPU
 *
 * A hold cannot begin here: KVM has looked for work already. It is queued,
 * and a timer that is due at once cuts the stay in the guest short.
 *
 * Context: the vCPU's thread, interrupts off.
 */
void kvmgov_slice_entry(struct kvmgov_vcpu *vcpu)
{
	struct kvmgov_vm *vm = vcpu->vm;
	bool hold = true;
	u64 left;

	raw_spin_lock(&vm->lock);
	/* A thread that is new to this vCPU introduces itself in the hold. */
	if (vcpu->task == current) {
		left = slice_budget(vcpu);
		hold = vm->frozen || !left;
		if (!hold && left == KVMGOV_BW_UNLIMITED)
			slice_unlimited(vcpu);
		else if (!hold)
			slice_arm(vcpu, left);
	} else {
		slice_disarm(vcpu);
		kvmgov_runner_newcomer_entry(vcpu);
	}
	if (hold)
		hrtimer_start(&vcpu->timer, 0, HRTIMER_MODE_REL_PINNED_HARD);
	raw_spin_unlock(&vm->lock);

	if (hold)
		kvmgov_hold_request(vcpu);
}

/**
 * kvmgov_slice_exit() - a vCPU has left its guest at the end of its slice
 * @vcpu: the vCPU
 *
 * Context: the vCPU's thread, preemption off.
 */
void kvmgov_slice_exit(struct kvmgov_vcpu *vcpu)
{
	struct kvmgov_vm *vm = vcpu->vm;
	unsigned long flags;
	bool hold;

	raw_spin_lock_irqsave(&vm->lock, flags);
	if (vcpu->task != current)
		kvmgov_runner_newcomer_exit(vcpu);
	hold = !slice_budget(vcpu) || vm->frozen;
	if (hold)
		slice_stop(vm);
	raw_spin_unlock_irqrestore(&vm->lock, flags);

	if (hold)
		kvmgov_hold_request(vcpu);
}

/**
 * kvmgov_slice_hold_until() - how long must a vCPU stay out of its guest?
 * @vcpu: the vCPU
 * @why: where to put the reason, if it must
 *
 * Takes its slice away: it needs a new one to enter. Context: the vCPU's
 * thread; any task state.
 *
 * Return: the time at which to ask again, in ns of CLOCK_MONOTONIC, KTIME_MAX
 * for when the limits have changed; 0 if it may go on now.
 */
u64 kvmgov_slice_hold_until(struct kvmgov_vcpu *vcpu, enum kvmgov_state *why)
{
	struct kvmgov_vm *vm = vcpu->vm;
	unsigned long flags;
	u64 until = 0;

	hrtimer_try_to_cancel(&vcpu->timer);
	raw_spin_lock_irqsave(&vm->lock, flags);
	slice_disarm(vcpu);
	if (vm->frozen) {
		*why = KVMGOV_STATE_PAUSED;
		until = KTIME_MAX;
	} else if (!slice_budget(vcpu)) {
		*why = KVMGOV_STATE_HELD_CPU;
		until = kvmgov_bw_resume_at(&vm->bw);
	}
	raw_spin_unlock_irqrestore(&vm->lock, flags);
	return until;
}

/**
 * kvmgov_slice_settle() - charge all vCPUs, before the rules change
 * @vm: the VM
 *
 * What is used while no limit binds is never charged: a limit that comes
 * later must not find it. Context: holds @vm->lock and writes what is read under
 * its seq; holds the registry's lock or RCU for the list of vCPUs.
 */
void kvmgov_slice_settle(struct kvmgov_vm *vm)
{
	bool binds = kvmgov_bw_binds(&vm->bw, vm->nr_vcpus);
	struct kvmgov_vcpu *vcpu;

	lockdep_assert_held(&vm->lock);
	list_for_each_entry_rcu(vcpu, &vm->vcpus, siblings, true) {
		if (binds)
			slice_charge(vcpu);
		else
			WRITE_ONCE(vcpu->charged_ns,
				   kvmgov_runner_usage(vcpu));
	}
}

/**
 * kvmgov_slice_recall() - have all vCPUs look at the rules again, now
 * @vm: the VM
 *
 * Those in the guest are kicked out; those asleep in a hold have to be woken
 * by the caller after it has dropped the lock. Context: holds @vm->lock, and the
 * registry's lock or RCU for the list of vCPUs.
 */
void kvmgov_slice_recall(struct kvmgov_vm *vm)
{
	struct kvmgov_vcpu *vcpu;

	lockdep_assert_held(&vm->lock);
	list_for_each_entry_rcu(vcpu, &vm->vcpus, siblings, true) {
		WRITE_ONCE(vcpu->deadline, 0);
		slice_kick(vcpu);
	}
}
