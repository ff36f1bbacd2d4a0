// SPDX-License-Identifier: GPL-2.0-only
/*
 * Threads as the scheduler accounts for them.
 *
 * The scheduler keeps a thread's CPU time in se.sum_exec_runtime, which is
 * exact but brought up to date only at ticks and switches; what has been used
 * since is the scheduler's clock less se.exec_start. Their sum is absolute:
 * what one reading gets wrong by a little the next one puts right. In the same
 * way sched_info.run_delay is up to date but for a wait that lasts, which began
 * at sched_info.last_queued.
 */
#include <linux/lockdep.h>
#include <linux/sched.h>
#include <linux/sched/clock.h>

#include "compat/compat.h"
#include "thread.h"

/* Readings that race with the scheduler are repeated this often at most. */
#define READ_RETRIES	3

/**
 * kvmgov_thread_exact() - is CPU time known exactly at once?
 *
 * With interrupt or steal time accounting exec_start is on a clock that no
 * module can read; CPU time is then known as of the last tick, and an overrun
 * of up to a tick is paid for by the following periods.
 */
bool kvmgov_thread_exact(void)
{
	return KVMGOV_EXEC_CLOCK_READABLE;
}

static bool thread_runs(struct task_struct *task)
{
	return task == current || kvmgov_task_on_cpu(task);
}

/**
 * kvmgov_thread_times() - read what the scheduler knows of a thread
 * @task: the thread; the caller keeps it
 * @times: where to put it
 *
 * Context: any; interrupts or preemption need not be off.
 */
void kvmgov_thread_times(struct task_struct *task,
			 struct kvmgov_thread_times *times)
{
	u64 start, queued;
	int retry;

	for (retry = 0; retry < READ_RETRIES; retry++) {
		start = READ_ONCE(task->se.exec_start);
		/*
		 * The scheduler writes all of these, in any order, and has no
		 * barrier to pair with: the second look at exec_start tells.
		 */
		smp_rmb();
		times->cpu = READ_ONCE(task->se.sum_exec_runtime);
		times->ready = READ_ONCE(task->sched_info.run_delay);
		queued = READ_ONCE(task->sched_info.last_queued);
		times->runs = thread_runs(task);
		times->clock = sched_clock_cpu(task_cpu(task));
		/* The second look comes last. */
		smp_rmb();
		if (READ_ONCE(task->se.exec_start) == start)
			break;
	}
	if (times->runs && kvmgov_thread_exact())
		times->cpu += kvmgov_elapsed(start, times->clock);
	else if (!times->runs && queued)
		times->ready += kvmgov_elapsed(queued, times->clock);
}

/**
 * kvmgov_thread_cpu() - CPU time of a thread
 * @task: the thread; the caller keeps it
 *
 * Context: any.
 *
 * Return: in ns, up to now.
 */
u64 kvmgov_thread_cpu(struct task_struct *task)
{
	struct kvmgov_thread_times times;

	kvmgov_thread_times(task, &times);
	return times.cpu;
}

/**
 * kvmgov_thread_add_ready() - have the current thread look as if it had waited
 * @ns: how much longer for a CPU
 *
 * KVM tells a guest as its steal time how long the vCPU's thread has waited. The
 * scheduler changes the figure only when the thread gets or leaves a CPU.
 * Context: preemption disabled.
 */
void kvmgov_thread_add_ready(u64 ns)
{
	lockdep_assert_preemption_disabled();
	current->sched_info.run_delay += ns;
}
