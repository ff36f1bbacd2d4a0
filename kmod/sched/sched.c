// SPDX-License-Identifier: GPL-2.0-only
/*
 * Scheduling disciplines: what all of them have in common.
 *
 * The jobs of a pool are in one list, in the order in which the discipline wants
 * them to run. A decision puts the list in order and deals out the CPUs from its
 * head on. The sort is by insertion: with n jobs it compares n times and once
 * more for each pair that has changed its order. As a rule that is the one job
 * that has come or whose slice is over; at worst, when another discipline is
 * chosen, it is n * n / 2. Everything else is a walk over the list.
 */
#include <linux/errno.h>
#include <linux/list.h>
#include <linux/math64.h>
#include <linux/minmax.h>
#include <linux/overflow.h>
#include <linux/string.h>
#include <linux/types.h>

#include "sched.h"

/* In the order in which they are listed; the first is the default. */
static const struct kvmgov_sched_ops *const disciplines[] = {
	&kvmgov_sched_fair,
	&kvmgov_sched_fcfs,
	&kvmgov_sched_rr,
	&kvmgov_sched_sjf,
	&kvmgov_sched_srtf,
	&kvmgov_sched_priority,
	NULL,
};

/* What a pool begins with. */
const struct kvmgov_sched_params kvmgov_sched_defaults = {
	.quantum = 10000000,
	.alpha = KVMGOV_SCHED_ALPHA_ONE / 2,
	.guess = 10000000,
	.max_wait = 10000000000ULL,
	.ageing = 1000000000,
	.boost = 0,
	.boost_sleep = 10000000,
};

/**
 * kvmgov_sched_at() - the disciplines, one by one
 * @i: from 0 on
 *
 * Return: the discipline, or NULL beyond the last.
 */
const struct kvmgov_sched_ops *kvmgov_sched_at(unsigned int i)
{
	const struct kvmgov_sched_ops *const *ops = disciplines;

	while (*ops && i--)
		ops++;
	return *ops;
}

/**
 * kvmgov_sched_find() - a discipline by its name
 * @name: the name
 *
 * Return: the discipline, or NULL when there is none of that name.
 */
const struct kvmgov_sched_ops *kvmgov_sched_find(const char *name)
{
	const struct kvmgov_sched_ops *const *ops;

	for (ops = disciplines; *ops; ops++)
		if (!strcmp((*ops)->name, name))
			return *ops;
	return NULL;
}

/**
 * kvmgov_sched_params_check() - can this be set?
 * @params: what is to be set
 *
 * Return: 0, or -EINVAL.
 */
int kvmgov_sched_params_check(const struct kvmgov_sched_params *params)
{
	if (!params->quantum || params->quantum > KVMGOV_SCHED_TIME_MAX ||
	    params->guess > KVMGOV_SCHED_TIME_MAX ||
	    params->max_wait > KVMGOV_SCHED_TIME_MAX ||
	    params->ageing > KVMGOV_SCHED_TIME_MAX ||
	    params->boost_sleep > KVMGOV_SCHED_TIME_MAX)
		return -EINVAL;
	if (params->alpha > KVMGOV_SCHED_ALPHA_ONE ||
	    params->boost > KVMGOV_SCHED_PRIORITY_MAX)
		return -EINVAL;
	return 0;
}

/**
 * kvmgov_sched_average() - exponential average
 * @average: the average so far
 * @last: what comes to it
 * @alpha: weight of the last, of %KVMGOV_SCHED_ALPHA_ONE
 *
 * As for the lengths of CPU bursts in Silberschatz, Galvin and Gagne, Operating
 * System Concepts, on shortest job first. What is cut off is less than 1 ns and
 * always on the side of the old average, so that it never leaves the range of
 * the two, and does not drift when nothing changes.
 *
 * Return: the new average.
 */
u64 kvmgov_sched_average(u64 average, u64 last, u32 alpha)
{
	if (last > average)
		return average + mul_u64_u32_shr(last - average, alpha, 16);
	return average - mul_u64_u32_shr(average - last, alpha, 16);
}

/**
 * kvmgov_sched_expected() - how much CPU time a burst is expected to need
 * @sched: the pool's scheduling
 * @job: the VM
 *
 * Return: what the administrator says, or else the average, or else a guess.
 */
u64 kvmgov_sched_expected(const struct kvmgov_sched *sched,
			  const struct kvmgov_sched_job *job)
{
	if (job->hint)
		return job->hint;
	return job->nr_bursts ? job->average : sched->params.guess;
}

/**
 * kvmgov_sched_overdue() - has a job waited for as long as a job may?
 * @sched: the pool's scheduling
 * @job: the job
 */
bool kvmgov_sched_overdue(const struct kvmgov_sched *sched,
			  const struct kvmgov_sched_job *job)
{
	return sched->params.max_wait && job->waited >= sched->params.max_wait;
}

/**
 * kvmgov_sched_job_init() - a VM that has done nothing yet
 * @job: the VM
 */
void kvmgov_sched_job_init(struct kvmgov_sched_job *job)
{
	memset(job, 0, sizeof(*job));
	INIT_LIST_HEAD(&job->node);
	job->width = 1;
	job->weight = KVMGOV_SCHED_WEIGHT_DEFAULT;
	job->priority = KVMGOV_SCHED_PRIORITY_DEFAULT;
}

/**
 * kvmgov_sched_init() - a pool without jobs
 * @sched: the pool's scheduling
 * @ops: the discipline
 * @params: what kvmgov_sched_params_check() accepts
 * @cpus: how many CPUs there are
 */
void kvmgov_sched_init(struct kvmgov_sched *sched,
		       const struct kvmgov_sched_ops *ops,
		       const struct kvmgov_sched_params *params, u32 cpus)
{
	memset(sched, 0, sizeof(*sched));
	INIT_LIST_HEAD(&sched->jobs);
	sched->ops = ops;
	sched->params = *params;
	sched->cpus = cpus;
}

/**
 * kvmgov_sched_changed() - something that the caller sets is another than before
 * @sched: the pool's scheduling; the caller may have set @cpus and @params
 *
 * Decide anew afterwards.
 */
void kvmgov_sched_changed(struct kvmgov_sched *sched)
{
	if (sched->ops->changed)
		sched->ops->changed(sched);
}

/**
 * kvmgov_sched_switch() - go on under another discipline
 * @sched: the pool's scheduling, charged
 * @ops: the new discipline
 *
 * Jobs stay where they are, with what they have used and how long they have
 * waited; slices begin anew. Decide afterwards.
 */
void kvmgov_sched_switch(struct kvmgov_sched *sched,
			 const struct kvmgov_sched_ops *ops)
{
	struct kvmgov_sched_job *job;

	sched->ops = ops;
	list_for_each_entry(job, &sched->jobs, node) {
		job->keeps = false;
		job->slice_end = 0;
		job->slice_left = 0;
		if (ops->enter)
			ops->enter(sched, job);
	}
	kvmgov_sched_changed(sched);
}

/**
 * kvmgov_sched_enter() - a VM has become runnable
 * @sched: its pool's scheduling
 * @job: the VM, which is in no queue
 * @now: the time
 *
 * Decide afterwards. Who comes at the very time at which a slice ends comes
 * before the job whose slice that is.
 */
void kvmgov_sched_enter(struct kvmgov_sched *sched,
			struct kvmgov_sched_job *job, u64 now)
{
	job->slept = job->nr_bursts ? now - job->left : 0;
	job->seq = ++sched->seqs;
	job->turn = ++sched->turns;
	job->used = 0;
	job->cpus = 0;
	job->keeps = false;
	job->since = now;
	job->waited = 0;
	job->slice_end = 0;
	job->slice_left = 0;
	if (sched->ops->enter)
		sched->ops->enter(sched, job);
	job->home = sched;
	list_add_tail(&job->node, &sched->jobs);
	sched->nr_jobs++;
	kvmgov_sched_changed(sched);
}

/**
 * kvmgov_sched_remove() - a VM goes away in the middle of a burst
 * @sched: its pool's scheduling
 * @job: the VM, charged
 * @now: the time
 *
 * Decide afterwards.
 */
void kvmgov_sched_remove(struct kvmgov_sched *sched,
			 struct kvmgov_sched_job *job, u64 now)
{
	if (sched->ops->leave)
		sched->ops->leave(sched, job);
	list_del_init(&job->node);
	sched->nr_jobs--;
	job->cpus = 0;
	job->left = now;
	kvmgov_sched_changed(sched);
}

/**
 * kvmgov_sched_done() - a burst is over: all vCPUs of the VM are idle
 * @sched: its pool's scheduling
 * @job: the VM, charged
 * @now: the time
 *
 * Decide afterwards.
 */
void kvmgov_sched_done(struct kvmgov_sched *sched,
		       struct kvmgov_sched_job *job, u64 now)
{
	u64 before = job->nr_bursts ? job->average : sched->params.guess;

	kvmgov_sched_remove(sched, job, now);
	job->average = kvmgov_sched_average(before, job->used,
					    sched->params.alpha);
	job->nr_bursts = 1;
}

/**
 * kvmgov_sched_charge() - a job has used CPU time
 * @sched: its pool's scheduling
 * @job: the job
 * @ns: how much, of all its vCPUs together; up to %KVMGOV_SCHED_TIME_MAX
 */
void kvmgov_sched_charge(struct kvmgov_sched *sched,
			 struct kvmgov_sched_job *job, u64 ns)
{
	if (check_add_overflow(job->used, ns, &job->used))
		job->used = KVMGOV_SCHED_NEVER;
	if (sched->ops->charge)
		sched->ops->charge(sched, job, ns);
}

/*
 * The slice of a job that runs is over. While nobody wanted its place, nobody
 * asked at the end of each slice, and it may be in the middle of a later one.
 */
static void expire(struct kvmgov_sched *sched, struct kvmgov_sched_job *job,
		   u64 now)
{
	u64 into;

	job->keeps = false;
	job->waited = 0;
	job->boosted = 0;
	job->turn = ++sched->turns;
	if (sched->contended)
		return;
	div64_u64_rem(now - job->slice_end, sched->params.quantum, &into);
	if (into) {
		job->keeps = true;
		job->slice_end = now - into + sched->params.quantum;
	}
}

/* Bring the jobs up to date; their order comes after that. */
static void settle(struct kvmgov_sched *sched, u64 now)
{
	struct kvmgov_sched_job *job;

	list_for_each_entry(job, &sched->jobs, node) {
		if (!job->cpus) {
			job->waited += now - job->since;
		} else if (sched->ops->sliced && job->slice_end <= now) {
			/* A slice that was never begun is that of another discipline. */
			if (job->slice_end)
				expire(sched, job, now);
		} else {
			job->keeps = true;
		}
		job->since = now;
	}
}

/* Whether @a is to be in front of @b. */
static bool in_front(const struct kvmgov_sched *sched,
		     const struct kvmgov_sched_job *a,
		     const struct kvmgov_sched_job *b)
{
	if (!sched->ops->preempts) {
		if (a->keeps != b->keeps)
			return a->keeps;
		if (a->keeps)
			return false;
	}
	return sched->ops->before(sched, a, b);
}

static void put_in_order(struct kvmgov_sched *sched)
{
	struct kvmgov_sched_job *job, *next, *prev;

	list_for_each_entry_safe(job, next, &sched->jobs, node) {
		prev = list_prev_entry(job, node);
		while (!list_entry_is_head(prev, &sched->jobs, node) &&
		       in_front(sched, job, prev))
			prev = list_prev_entry(prev, node);
		list_move(&job->node, &prev->node);
	}
}

/* A job is to run from now on: what is left of its slice, or a new one. */
static void begin(const struct kvmgov_sched *sched,
		  struct kvmgov_sched_job *job, u64 now)
{
	job->keeps = true;
	job->slice_end = now + (job->slice_left ?: sched->params.quantum);
	job->slice_left = 0;
}

static void stop(struct kvmgov_sched_job *job, u64 now)
{
	if (job->keeps && job->slice_end > now)
		job->slice_left = job->slice_end - now;
	job->keeps = false;
	job->slice_end = 0;
}

/* Deal out the CPUs. Return: the last job that has got any. */
static const struct kvmgov_sched_job *deal_out(struct kvmgov_sched *sched,
					       u64 now)
{
	const struct kvmgov_sched_job *last = NULL;
	struct kvmgov_sched_job *job;
	u32 left = sched->cpus;

	sched->contended = false;
	list_for_each_entry(job, &sched->jobs, node) {
		u32 cpus = min(job->width, left);

		if (!cpus && job->cpus)
			stop(job, now);
		else if (cpus && !(job->keeps && job->slice_end))
			begin(sched, job, now);
		if (cpus)
			last = job;
		if (cpus < job->width)
			sched->contended = true;
		job->cpus = cpus;
		left -= cpus;
	}
	return last;
}

/* When the decision will have to be made anew, @last being the last that runs. */
static u64 valid_until(const struct kvmgov_sched *sched,
		       const struct kvmgov_sched_job *last, u64 now)
{
	const struct kvmgov_sched_job *job;
	u64 next = KVMGOV_SCHED_NEVER;

	if (!sched->contended || !last)
		return next;
	list_for_each_entry(job, &sched->jobs, node) {
		if (!job->cpus && sched->ops->overtakes_at)
			next = min(next, sched->ops->overtakes_at(sched, job,
								  last, now));
		else if (job->cpus && sched->ops->sliced)
			next = min(next, job->slice_end);
	}
	return max(next, now + 1);
}

/**
 * kvmgov_sched_decide() - decide who runs
 * @sched: the pool's scheduling, all of its jobs charged
 * @now: the time
 *
 * Sets the @cpus of each job. All CPUs are in use while there are jobs for them:
 * the last job to get any may get fewer than it has vCPUs, and is to run with
 * that many.
 *
 * Return: when to decide anew, if nothing happens before.
 */
u64 kvmgov_sched_decide(struct kvmgov_sched *sched, u64 now)
{
	settle(sched, now);
	put_in_order(sched);
	return valid_until(sched, deal_out(sched, now), now);
}
