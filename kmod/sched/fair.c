// SPDX-License-Identifier: GPL-2.0-only
/*
 * Fair: CPU time in proportion to weights.
 *
 * Start-time fair queueing: Goyal, Vin and Cheng, Start-time fair queuing, SIGCOMM
 * 1996; for CPUs Goyal, Guo and Vin, A hierarchical CPU scheduler for multimedia
 * operating systems, OSDI 1996. Each job has a virtual time, which CPU time moves on
 * the faster the less weight it has. The lowest runs next, for a quantum. The
 * virtual clock of the pool is the lowest of those that are there; who comes back
 * begins at that clock, or where he was if that is later, so that nothing is saved
 * up by being idle and nothing won by going away.
 *
 * A job can't use more CPUs than it has vCPUs. If it were counted with a weight that
 * is worth more, it would fall behind without end, and then keep the others out when
 * something changes. So weights are cut to what can be used, as in Chandra, Adler,
 * Goyal and Shenoy, Surplus fair scheduling, OSDI 2000: with n jobs by at most n
 * walks over them, and in practice by one or two, whenever jobs come or go.
 *
 * Starvation: who comes back and is not ahead of the clock waits for at most n - 1
 * quanta, n being the number of jobs: each other one is ahead of him after having
 * run once. Who runs all the time waits, between two quanta, for at most
 * ceil(w / w') + 1 quanta of each other one, w being its weight and w' his own.
 */
#include <linux/list.h>
#include <linux/math64.h>
#include <linux/minmax.h>
#include <linux/types.h>

#include "sched.h"

/* Fractions of a weight and of a virtual time that are counted with, in bits. */
#define SHARE_SHIFT	4
#define VTIME_SHIFT	8

static bool later(u64 a, u64 b)
{
	return (s64)(a - b) > 0;
}

static bool fair_before(const struct kvmgov_sched *sched,
			const struct kvmgov_sched_job *a,
			const struct kvmgov_sched_job *b)
{
	if (a->vtime != b->vtime)
		return later(b->vtime, a->vtime);
	return a->turn < b->turn;
}

/* The clock goes to the lowest virtual time; it never goes back. */
static void advance(struct kvmgov_sched *sched)
{
	const struct kvmgov_sched_job *job, *lowest = NULL;

	list_for_each_entry(job, &sched->jobs, node)
		if (!lowest || later(lowest->vtime, job->vtime))
			lowest = job;
	if (lowest && later(lowest->vtime, sched->vtime))
		sched->vtime = lowest->vtime;
}

static void fair_enter(struct kvmgov_sched *sched, struct kvmgov_sched_job *job)
{
	advance(sched);
	if (job->home != sched || later(sched->vtime, job->vtime)) {
		job->vtime = sched->vtime;
		job->rest = 0;
	}
}

static void fair_leave(struct kvmgov_sched *sched, struct kvmgov_sched_job *job)
{
	advance(sched);
}

/*
 * A virtual time of 16 is 1 ns of CPU time at a weight of 1, and 10 us at one of
 * 10000. It wraps around after 36 years at a weight of 1.
 */
static void fair_charge(struct kvmgov_sched *sched,
			struct kvmgov_sched_job *job, u64 ns)
{
	/* Charged late, by a caller that has not entered it since there are shares. */
	if (!job->share)
		return;
	ns = min(ns, KVMGOV_SCHED_TIME_MAX);
	job->vtime += div64_u64_rem((ns << VTIME_SHIFT) + job->rest, job->share,
				    &job->rest);
}

/*
 * Is the weight of a job worth more CPUs than it has vCPUs, when @weights share
 * @cpus?
 */
static bool too_heavy(const struct kvmgov_sched_job *job, u64 weights, u64 cpus)
{
	return job->weight * cpus > job->width * weights;
}

/*
 * Cut weights to what can be used. A job that is cut gets all the CPUs that it can
 * use, and the others share the rest: which may make another one's weight worth too
 * much, but never one that has been cut worth less. A CPU is left at any time: who
 * is cut was due more than he takes.
 */
static void fair_changed(struct kvmgov_sched *sched)
{
	u64 weights = 0, cpus = sched->cpus;
	struct kvmgov_sched_job *job;
	bool cut;

	list_for_each_entry(job, &sched->jobs, node) {
		weights += job->weight;
		job->share = (u64)job->weight << SHARE_SHIFT;
	}
	do {
		cut = false;
		list_for_each_entry(job, &sched->jobs, node) {
			if (!job->share || !too_heavy(job, weights, cpus))
				continue;
			job->share = 0;
			weights -= job->weight;
			cpus -= job->width;
			cut = true;
		}
	} while (cut);

	/* When all can have what they can use, each CPU is worth the same. */
	if (!weights) {
		weights = 1;
		cpus = 1;
	}
	list_for_each_entry(job, &sched->jobs, node)
		if (!job->share)
			job->share = max(div64_u64((job->width * weights) <<
						   SHARE_SHIFT, cpus), 1ULL);
}

const struct kvmgov_sched_ops kvmgov_sched_fair = {
	.name = "fair",
	.sliced = true,
	.before = fair_before,
	.enter = fair_enter,
	.leave = fair_leave,
	.charge = fair_charge,
	.changed = fair_changed,
};
