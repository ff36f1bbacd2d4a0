// SPDX-License-Identifier: GPL-2.0-only
/*
 * Dynamic priorities: the highest level first, at once; those of one level take
 * turns by the quantum.
 *
 * The level of a job is its VM's priority, one more for each ageing interval that
 * it has waited since it came or used up a quantum, and, after a sleep, the boost
 * until it has used up one. Ageing is that of Silberschatz, Galvin and Gagne,
 * Operating System Concepts, chapter on CPU scheduling; the boost favours those
 * that wait for something else than the CPU, as the feedback queues of Corbato,
 * Merwin-Daggett and Daley, An experimental time-sharing system (1962), do.
 *
 * Starvation: let P be the highest priority in the pool with its boost, p that of
 * the job, A the ageing interval and n the number of jobs. Once it has waited for
 * (P - p + 1) * A, a job that comes or uses up a quantum is below it, and stays
 * there as both age alike. All others can run for a quantum before that happens to
 * them. So it waits for at most (P - p + 1) * A and n - 1 quanta before it has run
 * for a quantum. Without ageing it may wait for ever.
 */
#include <linux/math64.h>
#include <linux/overflow.h>
#include <linux/types.h>

#include "sched.h"

static u64 level(const struct kvmgov_sched *sched,
		 const struct kvmgov_sched_job *job)
{
	u64 aged = 0;

	if (sched->params.ageing && job->waited >= sched->params.ageing)
		aged = div64_u64(job->waited, sched->params.ageing);
	return job->priority + job->boosted + aged;
}

static bool priority_before(const struct kvmgov_sched *sched,
			    const struct kvmgov_sched_job *a,
			    const struct kvmgov_sched_job *b)
{
	u64 levels[2] = { level(sched, a), level(sched, b) };

	if (levels[0] != levels[1])
		return levels[0] > levels[1];
	if (a->keeps != b->keeps)
		return a->keeps;
	return a->turn < b->turn;
}

static void priority_enter(struct kvmgov_sched *sched,
			   struct kvmgov_sched_job *job)
{
	bool slept = job->slept && job->slept >= sched->params.boost_sleep;

	job->boosted = slept ? sched->params.boost : 0;
}

static u64 priority_overtakes_at(const struct kvmgov_sched *sched,
				 const struct kvmgov_sched_job *waits,
				 const struct kvmgov_sched_job *runs, u64 now)
{
	u64 above = level(sched, runs) + 1;
	u64 own = (u64)waits->priority + waits->boosted;
	u64 wait;

	if (!sched->params.ageing || own >= above ||
	    check_mul_overflow(above - own, sched->params.ageing, &wait) ||
	    wait <= waits->waited ||
	    check_add_overflow(wait - waits->waited, now, &wait))
		return KVMGOV_SCHED_NEVER;
	return wait;
}

const struct kvmgov_sched_ops kvmgov_sched_priority = {
	.name = "priority",
	.preempts = true,
	.sliced = true,
	.before = priority_before,
	.enter = priority_enter,
	.overtakes_at = priority_overtakes_at,
};
