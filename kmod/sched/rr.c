// SPDX-License-Identifier: GPL-2.0-only
/*
 * Round robin: first come, first served, and after a quantum to the end of the
 * queue.
 *
 * Kleinrock, Analysis of a time-shared processor, Naval Research Logistics
 * Quarterly 11 (1964); Silberschatz, Galvin and Gagne, Operating System Concepts,
 * chapter on CPU scheduling.
 *
 * Starvation: with n jobs a job waits for at most n - 1 quanta at a time: all
 * others run once before it does.
 */
#include <linux/types.h>

#include "sched.h"

static bool rr_before(const struct kvmgov_sched *sched,
		      const struct kvmgov_sched_job *a,
		      const struct kvmgov_sched_job *b)
{
	return a->turn < b->turn;
}

const struct kvmgov_sched_ops kvmgov_sched_rr = {
	.name = "rr",
	.sliced = true,
	.before = rr_before,
};
