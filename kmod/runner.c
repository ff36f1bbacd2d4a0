// SPDX-License-Identifier: GPL-2.0-only
/*
 * The runner: the thread that runs a vCPU, and its CPU time.
 *
 * The scheduler keeps a thread's CPU time in se.sum_exec_runtime, which is
 * exact but brought up to date only at ticks and switches; what has been used
 * since is the scheduler's clock less se.exec_start. Their sum is absolute:
 * what one reading gets wrong by a little the next one puts right.
 *
 * A thread that is new to a vCPU takes it over in the hold, which it may never
 * come to: threads that change at each KVM_RUN can be back in user space
 * before. What such a newcomer uses is counted from each entry to its exit.
 */
#include <linux/lockdep.h>
#include <linux/sched.h>
#include <linux/sched/clock.h>
#include <linux/sched/task.h>
#include <linux/slab.h>

#include "compat/compat.h"
#include "runner.h"
#include "vcpu.h"
#include "vm.h"

/* Readings that race with the scheduler are repeated this often at most. */
#define READ_RETRIES	3

/**
 * kvmgov_runner_exact() - is CPU time known exactly at once?
 *
 * With interrupt or steal time accounting exec_start is on a clock that no
 * module can read; CPU time is then known as of the last tick, and an overrun
 * of up to a tick is paid for by the following periods.
 */
bool kvmgov_runner_exact(void)
{
	return KVMGOV_EXEC_CLOCK_READABLE;
}

/* CPU time of @task so far, in ns. Context: any. */
static u64 task_cpu_time(struct task_struct *task)
{
	u64 start, sum, now;
	bool running;
	int retry;

	if (!kvmgov_runner_exact())
		return READ_ONCE(task->se.sum_exec_runtime);

	for (retry = 0; retry < READ_RETRIES; retry++) {
		start = READ_ONCE(task->se.exec_start);
		/*
		 * The scheduler writes both, in either order, and has no
		 * barrier to pair with: the second look at exec_start tells.
		 */
		smp_rmb();
		sum = READ_ONCE(task->se.sum_exec_runtime);
		running = task == current || kvmgov_task_on_cpu(task);
		now = running ? sched_clock_cpu(task_cpu(task)) : start;
		/* The second look comes last. */
		smp_rmb();
		if (READ_ONCE(task->se.exec_start) == start)
			break;
	}
	return (s64)(now - start) > 0 ? sum + (now - start) : sum;
}

/* CPU time of @runner and those before it, in ns. Context: any. */
static u64 runner_time(const struct kvmgov_runner *runner)
{
	return task_cpu_time(runner->task) - runner->base_ns;
}

/**
 * kvmgov_runner_new() - the current thread takes a vCPU over
 * @vcpu: the vCPU; its earlier thread no longer runs it
 *
 * Context: may sleep.
 *
 * Return: the runner, or NULL for lack of memory.
 */
struct kvmgov_runner *kvmgov_runner_new(const struct kvmgov_vcpu *vcpu)
{
	struct kvmgov_runner *runner = kmalloc(sizeof(*runner), GFP_KERNEL);
	const struct kvmgov_runner *last;

	if (!runner)
		return NULL;
	runner->task = get_task_struct(current);
	rcu_read_lock();
	preempt_disable();
	last = rcu_dereference(vcpu->runner);
	runner->base_ns = task_cpu_time(current);
	if (last)
		runner->base_ns -= runner_time(last);
	preempt_enable();
	rcu_read_unlock();
	return runner;
}

/**
 * kvmgov_runner_newcomer_entry() - a thread that is not the runner enters
 * @vcpu: the vCPU
 *
 * Context: the vCPU's thread, interrupts off; holds @vcpu->vm->lock.
 */
void kvmgov_runner_newcomer_entry(struct kvmgov_vcpu *vcpu)
{
	lockdep_assert_held(&vcpu->vm->lock);
	vcpu->newcomer_entered_ns = task_cpu_time(current);
}

/**
 * kvmgov_runner_newcomer_exit() - it has left the guest: count what it used
 * @vcpu: the vCPU
 *
 * Context: the vCPU's thread; holds @vcpu->vm->lock.
 */
void kvmgov_runner_newcomer_exit(struct kvmgov_vcpu *vcpu)
{
	u64 now = task_cpu_time(current);
	s64 used = now - vcpu->newcomer_entered_ns;

	lockdep_assert_held(&vcpu->vm->lock);
	if (used <= 0)
		return;
	WRITE_ONCE(vcpu->newcomers_ns, vcpu->newcomers_ns + used);
	vcpu->newcomer_entered_ns = now;
}

static void runner_free_rcu(struct rcu_head *rcu)
{
	kvmgov_runner_free(container_of(rcu, struct kvmgov_runner, rcu));
}

/**
 * kvmgov_runner_free() - give a runner's thread and memory back
 * @runner: a runner that nobody can see any more, or NULL
 */
void kvmgov_runner_free(struct kvmgov_runner *runner)
{
	if (!runner)
		return;
	put_task_struct(runner->task);
	kfree(runner);
}

/**
 * kvmgov_runner_set() - replace a vCPU's runner
 * @vcpu: the vCPU
 * @runner: the new one; NULL when the vCPU goes
 *
 * Context: holds @vcpu->vm->lock, or is the only user of @vcpu.
 */
void kvmgov_runner_set(struct kvmgov_vcpu *vcpu, struct kvmgov_runner *runner)
{
	struct kvmgov_runner *old = rcu_dereference_protected(vcpu->runner, 1);

	rcu_assign_pointer(vcpu->runner, runner);
	WRITE_ONCE(vcpu->task, runner ? runner->task : NULL);
	if (old)
		call_rcu(&old->rcu, runner_free_rcu);
}

/**
 * kvmgov_runner_usage() - CPU time that a vCPU has used since it was attached
 * @vcpu: the vCPU
 *
 * Context: any.
 *
 * Return: in ns, up to now.
 */
u64 kvmgov_runner_usage(struct kvmgov_vcpu *vcpu)
{
	struct kvmgov_runner *runner;
	u64 usage = READ_ONCE(vcpu->charged_ns);

	rcu_read_lock();
	runner = rcu_dereference(vcpu->runner);
	if (runner)
		usage = runner_time(runner) + READ_ONCE(vcpu->newcomers_ns);
	rcu_read_unlock();
	return usage;
}
