// SPDX-License-Identifier: GPL-2.0-only
/*
 * The hold: keep a vCPU out of its guest, asleep, at the boundary.
 *
 * The thread sleeps interruptibly with no lock but KVM's own vcpu->mutex. Any
 * signal ends the hold at once; the debt stays, and the next entry is cut short
 * for it. The thread is never kept on its way to user space: only inside
 * KVM_RUN.
 *
 * The kernel's freezer (suspend) ends it like a signal, as it does KVM's own
 * sleep in HLT. It must not freeze the thread where it sleeps: whoever waits
 * for vcpu->mutex could not be frozen then.
 */
#include <linux/hrtimer.h>
#include <linux/ktime.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/wait.h>

#include "hold.h"
#include "hooks.h"
#include "runner.h"
#include "slice.h"
#include "trace.h"
#include "vcpu.h"
#include "vm.h"

/* A thread runs the vCPU for the first time: charge it from here on. */
static void hold_take_over(struct kvmgov_vcpu *vcpu)
{
	struct kvmgov_vm *vm = vcpu->vm;
	struct kvmgov_runner *runner;
	unsigned long flags;

	runner = kvmgov_runner_new(vcpu);
	if (!runner) {
		kvmgov_ungoverned_inc();
		return;
	}
	raw_spin_lock_irqsave(&vm->lock, flags);
	kvmgov_runner_set(vcpu, runner);
	raw_spin_unlock_irqrestore(&vm->lock, flags);
}

static void hold_sleep(struct kvmgov_vcpu *vcpu)
{
	enum kvmgov_state why;
	DEFINE_WAIT(wait);
	ktime_t expires;
	u64 since = 0;

	for (;;) {
		prepare_to_wait(&vcpu->vm->waitq, &wait, TASK_INTERRUPTIBLE);
		if (kvmgov_boundary_interrupted())
			break;
		expires = ns_to_ktime(kvmgov_slice_hold_until(vcpu, &why));
		if (!expires)
			break;
		kvmgov_vcpu_switch(vcpu, why);
		trace_kvmgov_hold(vcpu, why, ktime_to_ns(expires));
		if (!since)
			since = ktime_get_ns();
		/* Its siblings must not wait for it as if it ran. */
		kvmgov_hooks_vcpu_preempted(vcpu->key);
		schedule_hrtimeout_range(expires == KTIME_MAX ? NULL : &expires,
					 0, HRTIMER_MODE_ABS);
	}
	finish_wait(&vcpu->vm->waitq, &wait);
	if (!since)
		return;
	kvmgov_vcpu_released(vcpu, READ_ONCE(vcpu->vm->steal));
	trace_kvmgov_release(vcpu, ktime_get_ns() - since);
}

static void hold_run(struct kvmgov_boundary_work *work)
{
	struct kvmgov_vcpu *vcpu = container_of(work, struct kvmgov_vcpu, work);

	if (kvmgov_hooks_vcpu_loaded(READ_ONCE(vcpu->key))) {
		if (vcpu->task != current)
			hold_take_over(vcpu);
		hold_sleep(vcpu);
	}
	kvmgov_vcpu_put(vcpu);
}

/**
 * kvmgov_hold_init() - prepare a new vCPU
 * @vcpu: the vCPU, not yet known to the probes
 */
void kvmgov_hold_init(struct kvmgov_vcpu *vcpu)
{
	vcpu->work.fn = hold_run;
}

/**
 * kvmgov_hold_request() - hold a vCPU before it enters its guest again
 * @vcpu: the vCPU; must be alive
 *
 * Whether it is really held is decided at the boundary, by what holds then.
 * Context: the vCPU's thread inside KVM_RUN, or an interrupt above it.
 */
void kvmgov_hold_request(struct kvmgov_vcpu *vcpu)
{
	kref_get(&vcpu->ref);
	if (!kvmgov_boundary_queue(&vcpu->work))
		kvmgov_vcpu_put(vcpu);
}
