// SPDX-License-Identifier: GPL-2.0-only
/*
 * Shortest remaining time first: the job that is expected to be done after the
 * least CPU time; who needs less takes the place of who runs.
 *
 * Schrage, A proof of the optimality of the shortest remaining processing time
 * discipline, Operations Research 16 (1968).
 *
 * A job that needs more than was expected is thought to need as much again as it
 * is over: the longer that is, the more it is one of the long ones. That is looked
 * at when a slice ends.
 *
 * Starvation: a job that has waited for max_wait goes before all that have not, in
 * turn with the others that have, until it has run for a quantum. So with n jobs it
 * waits for at most max_wait and n - 1 quanta before it has run for a quantum.
 * Without max_wait it may wait for ever.
 */
#include <linux/types.h>

#include "sched.h"

static u64 remaining(const struct kvmgov_sched *sched,
		     const struct kvmgov_sched_job *job)
{
	u64 expected = kvmgov_sched_expected(sched, job);

	return job->used < expected ? expected - job->used :
				      job->used - expected;
}

static bool srtf_before(const struct kvmgov_sched *sched,
			const struct kvmgov_sched_job *a,
			const struct kvmgov_sched_job *b)
{
	bool overdue = kvmgov_sched_overdue(sched, a);
	u64 left[2];

	if (overdue != kvmgov_sched_overdue(sched, b))
		return overdue;
	if (overdue)
		return a->turn < b->turn;
	left[0] = remaining(sched, a);
	left[1] = remaining(sched, b);
	if (left[0] != left[1])
		return left[0] < left[1];
	return a->seq < b->seq;
}

static u64 srtf_overtakes_at(const struct kvmgov_sched *sched,
			     const struct kvmgov_sched_job *waits,
			     const struct kvmgov_sched_job *runs, u64 now)
{
	if (!sched->params.max_wait || kvmgov_sched_overdue(sched, waits))
		return KVMGOV_SCHED_NEVER;
	return now + (sched->params.max_wait - waits->waited);
}

const struct kvmgov_sched_ops kvmgov_sched_srtf = {
	.name = "srtf",
	.preempts = true,
	.sliced = true,
	.before = srtf_before,
	.overtakes_at = srtf_overtakes_at,
};
