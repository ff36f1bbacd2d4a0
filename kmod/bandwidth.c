// SPDX-License-Identifier: GPL-2.0-only
/*
 * CPU bandwidth: quota per period, with debt and credit.
 */
#include <linux/compiler.h>
#include <linux/errno.h>
#include <linux/math64.h>
#include <linux/minmax.h>
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
	    limit->period_us > KVMGOV_PERIOD_MAX_US ||
	    limit->credit_max_us > KVMGOV_CREDIT_MAX_US)
		return -EINVAL;
	if (limit->quota_us == KVMGOV_BW_UNLIMITED)
		return 0;
	if (limit->quota_us < KVMGOV_QUOTA_MIN_US ||
	    limit->quota_us > KVMGOV_QUOTA_MAX_US)
		return -EINVAL;
	return 0;
}

/* What was used above the quota is paid out of the credit, as far as it goes. */
static void bw_drain(struct kvmgov_bandwidth *bw)
{
	u64 paid;

	if (bw->used <= bw->quota)
		return;
	paid = min(bw->used - bw->quota, bw->credit);
	bw->used -= paid;
	bw->credit -= paid;
}

static void bw_assign(struct kvmgov_bandwidth *bw,
		      const struct kvmgov_cpu_limit *limit)
{
	/* Who reads without a lock divides by it before he knows whether it counts. */
	WRITE_ONCE(bw->period, (u64)limit->period_us * NSEC_PER_USEC);
	bw->quota = limit->quota_us == KVMGOV_BW_UNLIMITED ?
		    KVMGOV_BW_UNLIMITED : limit->quota_us * NSEC_PER_USEC;
	bw->credit_max = limit->credit_max_us * NSEC_PER_USEC;
	bw->credit = min(bw->credit, bw->credit_max);
}

/* Everything is as it was at the beginning of a period, but for the credit. */
static void bw_restart(struct kvmgov_bandwidth *bw,
		       const struct kvmgov_cpu_limit *limit, u64 now)
{
	bw_assign(bw, limit);
	bw->start = now;
	bw->used = 0;
	if (bw->quota != KVMGOV_BW_UNLIMITED)
		bw->nr_periods++;
}

/**
 * kvmgov_bw_init() - begin with a full budget and without credit
 * @bw: the budget
 * @limit: a limit that kvmgov_cpu_limit_check() accepts
 * @now: the time, in ns
 */
void kvmgov_bw_init(struct kvmgov_bandwidth *bw,
		    const struct kvmgov_cpu_limit *limit, u64 now)
{
	bw->credit = 0;
	bw->nr_periods = 0;
	bw_restart(bw, limit, now);
}

/**
 * kvmgov_bw_set() - change the limit of a running budget
 * @bw: the budget, charged up to @now
 * @limit: a limit that kvmgov_cpu_limit_check() accepts
 * @now: the time, in ns
 *
 * What was used stays used, so that setting a limit again and again grants
 * nothing; what was used without a limit is not counted against a new one.
 * The credit stays, too, up to its new maximum; without a limit it neither
 * grows nor shrinks.
 */
void kvmgov_bw_set(struct kvmgov_bandwidth *bw,
		   const struct kvmgov_cpu_limit *limit, u64 now)
{
	kvmgov_bw_roll(bw, now);
	if (bw->quota == KVMGOV_BW_UNLIMITED ||
	    limit->quota_us == KVMGOV_BW_UNLIMITED) {
		bw_restart(bw, limit, now);
		return;
	}
	bw_assign(bw, limit);
	bw_drain(bw);
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
	limit->credit_max_us = div64_u64(bw->credit_max, NSEC_PER_USEC);
}

/**
 * kvmgov_bw_set_credit() - give another balance
 * @bw: the budget, charged up to @now
 * @credit_us: the balance, in microseconds
 * @now: the time, in ns
 *
 * Debt is paid out of it at once.
 *
 * Return: 0, or -ERANGE when it is more than may be kept.
 */
int kvmgov_bw_set_credit(struct kvmgov_bandwidth *bw, u64 credit_us, u64 now)
{
	if (credit_us > div64_u64(bw->credit_max, NSEC_PER_USEC))
		return -ERANGE;
	kvmgov_bw_roll(bw, now);
	bw->credit = credit_us * NSEC_PER_USEC;
	bw_drain(bw);
	return 0;
}

/**
 * kvmgov_bw_credit() - the balance
 * @bw: the budget, or a copy that a reader has
 * @now: the time, in ns
 *
 * Return: credit in ns, with that of the periods that have ended by @now.
 */
u64 kvmgov_bw_credit(const struct kvmgov_bandwidth *bw, u64 now)
{
	struct kvmgov_bandwidth copy = *bw;

	kvmgov_bw_roll(&copy, now);
	return copy.credit;
}

/**
 * kvmgov_bw_binds() - can the limit ever hold this many vCPUs?
 * @bw: the budget
 * @width: number of vCPUs, each of which can use one CPU at most
 *
 * As long as it cannot, nothing needs to be charged. Where credit is kept it
 * does: what was not would be taken for unused.
 *
 * Return: false when there is no limit, or when @width CPUs cannot reach it and
 * no credit is kept.
 */
bool kvmgov_bw_binds(const struct kvmgov_bandwidth *bw, u32 width)
{
	return bw->quota != KVMGOV_BW_UNLIMITED &&
	       (bw->credit_max || bw->quota < bw->period * width);
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
	bw_drain(bw);
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

/*
 * What @nr periods have left beyond what was used, which comes to @whole quotas and
 * a part of one: at least nothing.
 */
static u64 bw_unused(const struct kvmgov_bandwidth *bw, u64 nr, u64 whole)
{
	u64 unused;

	if (check_mul_overflow(nr - whole, bw->quota, &unused))
		unused = ~0ULL;
	return unused - (bw->used - whole * bw->quota);
}

/**
 * kvmgov_bw_roll() - begin the period that the time lies in
 * @bw: the budget, charged up to @now
 * @now: the time, in ns
 *
 * Every period that has begun since the last call pays for one quota of what
 * was used; what is not used by then is credit, up to the maximum. Charge
 * first, then roll: CPU time that is charged late would otherwise fall into
 * the new period, and what the old one had left would be lost as well. Where
 * the credit is full, time that is charged late makes room for periods that
 * were idle before it: no more than that time is kept too much.
 */
void kvmgov_bw_roll(struct kvmgov_bandwidth *bw, u64 now)
{
	u64 nr = bw_due(bw, now), whole;

	if (!nr)
		return;
	bw->start += nr * bw->period;
	bw->nr_periods += nr;

	/* The product fits: it is taken only where it is at most used. */
	whole = div64_u64(bw->used, bw->quota);
	if (whole >= nr) {
		bw->used -= nr * bw->quota;
		return;
	}
	bw->credit += min(bw_unused(bw, nr, whole), bw->credit_max - bw->credit);
	bw->used = 0;
}

/**
 * kvmgov_bw_left() - what may be used before a hold is due
 * @bw: the budget, charged and rolled
 *
 * Credit may make it many periods long. Whoever hands it out a period at a
 * time keeps the balance, and what is said of charging late, to a period.
 *
 * Return: CPU time in ns; %KVMGOV_BW_UNLIMITED where there is no limit.
 */
u64 kvmgov_bw_left(const struct kvmgov_bandwidth *bw)
{
	if (bw->quota == KVMGOV_BW_UNLIMITED)
		return KVMGOV_BW_UNLIMITED;
	return bw->credit + (bw->used < bw->quota ? bw->quota - bw->used : 0);
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
