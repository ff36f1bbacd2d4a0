// SPDX-License-Identifier: GPL-2.0-only
/*
 * CPU bandwidth: quota per period, with debt.
 */
#include <linux/compiler.h>
#include <linux/errno.h>
#include <linux/math64.h>
#include <linux/overflow.h>
#include <linux/time64.h>
#include <linux/types.h>

#include "bandwidth.h"

/**
 * kvmgov_cpu_limit_check() - is a limit within what can be enforced?
 * @limit: the limit
 *
 * Return: 0, or -EINVAL.
 */
int kvmgov_cpu_limit_check(const struct kvmgov_cpu_limit *limit)
{
	if (limit->period_us < KVMGOV_PERIOD_MIN_US ||
	    limit->period_us > KVMGOV_PERIOD_MAX_US)
		return -EINVAL;
	if (limit->quota_us == KVMGOV_BW_UNLIMITED)
		return 0;
	if (limit->quota_us < KVMGOV_QUOTA_MIN_US ||
	    limit->quota_us > KVMGOV_QUOTA_MAX_US)
		return -EINVAL;
	return 0;
}

static void bw_assign(struct kvmgov_bandwidth *bw,
		      const struct kvmgov_cpu_limit *limit)
{
	/* Who reads without a lock divides by it before he knows whether it counts. */
	WRITE_ONCE(bw->period, (u64)limit->period_us * NSEC_PER_USEC);
	bw->quota = limit->quota_us == KVMGOV_BW_UNLIMITED ?
		    KVMGOV_BW_UNLIMITED : limit->quota_us * NSEC_PER_USEC;
}

/**
 * kvmgov_bw_init() - begin with a full budget
 * @bw: the budget
 * @limit: a limit that kvmgov_cpu_limit_check() accepts
 * @now: the time, in ns
 */
void kvmgov_bw_init(struct kvmgov_bandwidth *bw,
		    const struct kvmgov_cpu_limit *limit, u64 now)
{
	bw_assign(bw, limit);
	bw->start = now;
	bw->used = 0;
	bw->nr_periods = bw->quota == KVMGOV_BW_UNLIMITED ? 0 : 1;
}

/**
 * kvmgov_bw_set() - change the limit of a running budget
 * @bw: the budget, charged up to @now
 * @limit: a limit that kvmgov_cpu_limit_check() accepts
 * @now: the time, in ns
 *
 * What was used stays used, so that setting a limit again and again grants
 * nothing; what was used without a limit is not counted against a new one.
 */
void kvmgov_bw_set(struct kvmgov_bandwidth *bw,
		   const struct kvmgov_cpu_limit *limit, u64 now)
{
	if (bw->quota == KVMGOV_BW_UNLIMITED ||
	    limit->quota_us == KVMGOV_BW_UNLIMITED) {
		u64 nr_periods = bw->nr_periods;

		kvmgov_bw_init(bw, limit, now);
		bw->nr_periods += nr_periods;
		return;
	}
	kvmgov_bw_roll(bw, now);
	bw_assign(bw, limit);
	kvmgov_bw_roll(bw, now);
}

/**
 * kvmgov_bw_get() - the limit in the administrator's units
 * @bw: the budget
 * @limit: where to put it
 */
void kvmgov_bw_get(const struct kvmgov_bandwidth *bw,
		   struct kvmgov_cpu_limit *limit)
{
	limit->period_us = div64_u64(bw->period, NSEC_PER_USEC);
	limit->quota_us = bw->quota == KVMGOV_BW_UNLIMITED ?
			  KVMGOV_BW_UNLIMITED :
			  div64_u64(bw->quota, NSEC_PER_USEC);
}

/**
 * kvmgov_bw_binds() - can the limit ever hold this many vCPUs?
 * @bw: the budget
 * @width: number of vCPUs, each of which can use one CPU at most
 *
 * Return: false when there is no limit or one that @width CPUs cannot reach.
 */
bool kvmgov_bw_binds(const struct kvmgov_bandwidth *bw, u32 width)
{
	return bw->quota != KVMGOV_BW_UNLIMITED &&
	       bw->quota < bw->period * width;
}

/**
 * kvmgov_bw_charge() - account for CPU time
 * @bw: the budget
 * @ns: CPU time that has been used and not been charged yet
 */
void kvmgov_bw_charge(struct kvmgov_bandwidth *bw, u64 ns)
{
	if (check_add_overflow(bw->used, ns, &bw->used))
		bw->used = ~0ULL;
}

/* Periods that have begun since the last roll. */
static u64 bw_due(const struct kvmgov_bandwidth *bw, u64 now)
{
	if (bw->quota == KVMGOV_BW_UNLIMITED ||
	    (s64)(now - bw->start) < (s64)bw->period)
		return 0;
	return div64_u64(now - bw->start, bw->period);
}

/**
 * kvmgov_bw_nr_periods() - periods that have begun under a limit
 * @bw: the budget
 * @now: the time, in ns
 */
u64 kvmgov_bw_nr_periods(const struct kvmgov_bandwidth *bw, u64 now)
{
	return bw->nr_periods + bw_due(bw, now);
}

/**
 * kvmgov_bw_roll() - begin the period that the time lies in
 * @bw: the budget, charged up to @now
 * @now: the time, in ns
 *
 * Every period that has begun since the last call pays for one quota of what
 * was used; what is not used by then is lost. Charge first, then roll: CPU
 * time that is charged late would otherwise fall into the new period, and
 * what the old one had left would be lost as well.
 */
void kvmgov_bw_roll(struct kvmgov_bandwidth *bw, u64 now)
{
	u64 nr = bw_due(bw, now);

	if (!nr)
		return;
	bw->start += nr * bw->period;
	bw->nr_periods += nr;

	/* The product fits: it is taken only where it is at most used. */
	if (div64_u64(bw->used, bw->quota) < nr)
		bw->used = 0;
	else
		bw->used -= nr * bw->quota;
}

/**
 * kvmgov_bw_left() - what may be used before a hold is due
 * @bw: the budget, charged and rolled
 *
 * Return: CPU time in ns; %KVMGOV_BW_UNLIMITED where there is no limit.
 */
u64 kvmgov_bw_left(const struct kvmgov_bandwidth *bw)
{
	if (bw->quota == KVMGOV_BW_UNLIMITED)
		return KVMGOV_BW_UNLIMITED;
	return bw->used < bw->quota ? bw->quota - bw->used : 0;
}

/**
 * kvmgov_bw_resume_at() - when the debt will have been paid
 * @bw: the budget, charged and rolled
 *
 * Return: the beginning of the first period that has something left, given
 * that nothing more is used; 0 when the running one has; at most S64_MAX.
 */
u64 kvmgov_bw_resume_at(const struct kvmgov_bandwidth *bw)
{
	u64 nr, wait, at;

	if (kvmgov_bw_left(bw))
		return 0;

	nr = div64_u64(bw->used, bw->quota);
	if (check_mul_overflow(nr, bw->period, &wait) ||
	    check_add_overflow(bw->start, wait, &at) || at > S64_MAX)
		return S64_MAX;
	return at;
}
