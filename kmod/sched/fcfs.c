// SPDX-License-Identifier: GPL-2.0-only
/*
 * First come, first served: each job runs to its end.
 *
 * The oldest discipline there is; Silberschatz, Galvin and Gagne, Operating System
 * Concepts, chapter on CPU scheduling.
 *
 * Starvation: a job waits for those that came before it and for nothing else, so
 * for at most the sum of their bursts. What never becomes idle is waited for
 * without end.
 */
#include <linux/types.h>

#include "sched.h"

static bool fcfs_before(const struct kvmgov_sched *sched,
			const struct kvmgov_sched_job *a,
			const struct kvmgov_sched_job *b)
{
	return a->seq < b->seq;
}

const struct kvmgov_sched_ops kvmgov_sched_fcfs = {
	.name = "fcfs",
	.before = fcfs_before,
};
