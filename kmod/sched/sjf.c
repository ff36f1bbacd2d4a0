// SPDX-License-Identifier: GPL-2.0-only
/*
 * Shortest job first: of those that wait, the one that is expected to need the
 * least CPU time; it runs to its end.
 *
 * Phipps, Machine repair as a priority waiting-line problem, Operations Research 4
 * (1956); Silberschatz, Galvin and Gagne, Operating System Concepts, chapter on CPU
 * scheduling.
 *
 * Starvation: a job that has waited for max_wait goes before all that have not, and
 * among those that have the first to come goes first. So it waits for at most
 * max_wait, the bursts that run then, and those of the jobs that came before it.
 * Without max_wait it may wait for ever.
 */
#include <linux/types.h>

#include "sched.h"

static bool sjf_before(const struct kvmgov_sched *sched,
		       const struct kvmgov_sched_job *a,
		       const struct kvmgov_sched_job *b)
{
	bool overdue = kvmgov_sched_overdue(sched, a);
	u64 length[2];

	if (overdue != kvmgov_sched_overdue(sched, b))
		return overdue;
	length[0] = kvmgov_sched_expected(sched, a);
	length[1] = kvmgov_sched_expected(sched, b);
	if (!overdue && length[0] != length[1])
		return length[0] < length[1];
	return a->seq < b->seq;
}

const struct kvmgov_sched_ops kvmgov_sched_sjf = {
	.name = "sjf",
	.before = sjf_before,
};
