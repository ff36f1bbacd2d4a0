// SPDX-License-Identifier: GPL-2.0-only
/*
 * The boundary: run a function in a vCPU's own thread, where it may sleep,
 * before that thread enters its guest again.
 *
 * A task work with TIF_NOTIFY_RESUME makes KVM leave its run loop's fast path
 * and call xfer_to_guest_mode_handle_work() before the next entry, with SRCU
 * dropped and no lock held but vcpu->mutex. The same work may also be run on
 * the way to user space, where it must not keep the thread.
 */
#include <linux/percpu.h>
#include <linux/resume_user_mode.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>

#include "boundary.h"

/*
 * Works that are queued or running: incremented on the CPU that queues,
 * decremented on the one that finishes, so that only the sum means something.
 */
static DEFINE_PER_CPU(int, nr_pending);

/* Set once, when the module goes: no hold begins, the sleeping ones end. */
static bool stopping;

static void boundary_run(struct callback_head *cb)
{
	struct kvmgov_boundary_work *work =
		container_of(cb, struct kvmgov_boundary_work, cb);

	/* From here on it may be queued again, even by what @fn does. */
	smp_store_release(&work->task, NULL);
	work->fn(work);

	/*
	 * The last access to the module's data. The few instructions that
	 * follow are waited for by synchronize_rcu_tasks() before unload.
	 */
	this_cpu_dec(nr_pending);
}

/**
 * kvmgov_boundary_queue() - have a work run before the next guest entry
 * @work: the work
 *
 * Pushes onto the thread's own list as task_work_add() does, which not every
 * distribution exports; that is safe for current alone, interrupts included.
 *
 * Context: in the vCPU's thread inside KVM_RUN, or an interrupt above it.
 *
 * Return: true if @work was queued; false if it already is, or if the thread
 * is exiting or the module goes.
 */
bool kvmgov_boundary_queue(struct kvmgov_boundary_work *work)
{
	struct callback_head *head;

	if ((current->flags & PF_EXITING) || READ_ONCE(stopping))
		return false;
	if (cmpxchg(&work->task, NULL, current))
		return false;

	this_cpu_inc(nr_pending);
	work->cb.func = boundary_run;
	head = READ_ONCE(current->task_works);
	do {
		work->cb.next = head;
	} while (!try_cmpxchg(&current->task_works, &head, &work->cb));
	set_notify_resume(current);
	return true;
}

/**
 * kvmgov_boundary_interrupted() - must the current thread go on at once?
 *
 * Context: a boundary work; any task state.
 *
 * Return: true on a pending signal, an exiting thread, or unload.
 */
bool kvmgov_boundary_interrupted(void)
{
	return signal_pending(current) || (current->flags & PF_EXITING) ||
	       READ_ONCE(stopping);
}

/**
 * kvmgov_boundary_pending() - number of works that are queued or running
 *
 * Exact only once nothing is queued any more. Context: any.
 */
unsigned int kvmgov_boundary_pending(void)
{
	int cpu, sum = 0;

	for_each_possible_cpu(cpu)
		sum += READ_ONCE(*per_cpu_ptr(&nr_pending, cpu));
	return max(sum, 0);
}

/**
 * kvmgov_boundary_nudge() - get a queued work run soon
 * @work: the work
 *
 * A thread that blocks in HLT with a work queued runs it only when its guest
 * is woken. TIF_NOTIFY_SIGNAL takes it out of there; its VMM sees KVM_RUN end
 * with EINTR once, as on any signal.
 *
 * Context: any.
 */
void kvmgov_boundary_nudge(struct kvmgov_boundary_work *work)
{
	struct task_struct *task;

	/*
	 * A thread cannot exit with a work queued, and its task_struct
	 * outlives it by a grace period: it is good until the unlock.
	 */
	rcu_read_lock();
	task = READ_ONCE(work->task);
	if (task) {
		set_tsk_thread_flag(task, TIF_NOTIFY_SIGNAL);
		if (READ_ONCE(task->__state) & TASK_INTERRUPTIBLE)
			wake_up_process(task);
		else
			kick_process(task);
	}
	rcu_read_unlock();
}

/**
 * kvmgov_boundary_stop() - no work is queued from now on
 *
 * The owners of sleeping works still have to wake them.
 */
void kvmgov_boundary_stop(void)
{
	WRITE_ONCE(stopping, true);
}
