// SPDX-License-Identifier: GPL-2.0-only
/*
 * The runner: the thread that runs a vCPU, and its CPU time.
 *
 * A thread that is new to a vCPU takes it over in the hold, which it may never
 * come to: threads that change at each KVM_RUN can be back in user space
 * before. What such a newcomer uses is counted from each entry to its exit.
 */
#include <linux/lockdep.h>
#include <linux/sched.h>
#include <linux/sched/task.h>
#include <linux/slab.h>

#include "runner.h"
#include "thread.h"
#include "vcpu.h"
#include "vm.h"

/*
 * CPU time of @runner and those before it, in ns; @times are what the scheduler
 * says of it. Context: any.
 */
static u64 runner_time(const struct kvmgov_runner *runner,
		       struct kvmgov_thread_times *times)
{
	kvmgov_thread_times(runner->task, times);
	return times->cpu - runner->base_ns;
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
	struct kvmgov_thread_times times;

	if (!runner)
		return NULL;
	runner->task = get_task_struct(current);
	rcu_read_lock();
	preempt_disable();
	last = rcu_dereference(vcpu->runner);
	runner->base_ns = kvmgov_thread_cpu(current);
	if (last)
		runner->base_ns -= runner_time(last, &times);
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
	vcpu->newcomer_entered_ns = kvmgov_thread_cpu(current);
}

/**
 * kvmgov_runner_newcomer_exit() - it has left the guest: count what it used
 * @vcpu: the vCPU
 *
 * Context: the vCPU's thread; holds @vcpu->vm->lock.
 */
void kvmgov_runner_newcomer_exit(struct kvmgov_vcpu *vcpu)
{
	u64 now = kvmgov_thread_cpu(current);
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
 * kvmgov_runner_read() - what is known of a vCPU's thread
 * @vcpu: the vCPU
 * @task: where to put the thread, to be compared only; NULL where it has none
 * @times: where to put what the scheduler says of it
 *
 * Context: RCU.
 *
 * Return: CPU time that the vCPU has used since it was attached, in ns, up to
 * now.
 */
u64 kvmgov_runner_read(struct kvmgov_vcpu *vcpu,
		       const struct task_struct **task,
		       struct kvmgov_thread_times *times)
{
	const struct kvmgov_runner *runner = rcu_dereference(vcpu->runner);

	if (!runner) {
		*task = NULL;
		memset(times, 0, sizeof(*times));
		return READ_ONCE(vcpu->charged_ns);
	}
	*task = runner->task;
	return runner_time(runner, times) + READ_ONCE(vcpu->newcomers_ns);
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
	const struct task_struct *task;
	struct kvmgov_thread_times times;
	u64 usage;

	rcu_read_lock();
	usage = kvmgov_runner_read(vcpu, &task, &times);
	rcu_read_unlock();
	return usage;
}
