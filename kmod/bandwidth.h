/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * CPU bandwidth: quota per period, with debt and credit.
 *
 * Pure arithmetic: no lock, no clock, no scheduler. The kernel module and the
 * unit tests in user space compile the same bandwidth.c.
 */
#ifndef _KVMGOV_BANDWIDTH_H
#define _KVMGOV_BANDWIDTH_H

#include <linux/types.h>

/* The ranges that user space may set, in microseconds. */
#define KVMGOV_QUOTA_MIN_US	100ULL
#define KVMGOV_QUOTA_MAX_US	4096000000ULL	/* 4096 vCPUs for one second */
#define KVMGOV_PERIOD_MIN_US	1000U
#define KVMGOV_PERIOD_MAX_US	1000000U
#define KVMGOV_CREDIT_MAX_US	(4096ULL * 7 * 86400 * 1000000) /* a week of them */

/* In struct kvmgov_bandwidth and struct kvmgov_cpu_limit: no limit. */
#define KVMGOV_BW_UNLIMITED	(~0ULL)

/**
 * struct kvmgov_cpu_limit - a CPU limit as administrators give it
 * @quota_us: CPU time per period in microseconds, or %KVMGOV_BW_UNLIMITED
 * @period_us: length of the period in microseconds
 * @credit_max_us: how much unused quota is kept, in microseconds; 0: none
 */
struct kvmgov_cpu_limit {
	u64 quota_us;
	u32 period_us;
	u64 credit_max_us;
};

/**
 * struct kvmgov_bandwidth - a budget of CPU time that is refilled every period
 * @quota: CPU time per period in ns, or %KVMGOV_BW_UNLIMITED
 * @period: length of a period in ns
 * @start: when the running period began, ns on the caller's clock
 * @used: CPU time charged and not yet paid for by a period or by credit; more
 *	than @quota is debt, which the following periods pay
 * @nr_periods: periods that have begun while there was a limit
 * @credit: CPU time that periods have left unused and that is kept, in ns;
 *	0 as long as there is debt
 * @credit_max: the most that is kept, in ns
 *
 * Over n periods no more than n + 1 quotas and the credit that there was are
 * granted, and an overrun is paid back in full, so that the long-run average
 * is the quota: a token bucket that is a quota and @credit_max deep and may go
 * below zero. Of a period the quota is used first, then the credit.
 */
struct kvmgov_bandwidth {
	u64 quota;
	u64 period;
	u64 start;
	u64 used;
	u64 nr_periods;
	u64 credit;
	u64 credit_max;
};

int kvmgov_cpu_limit_check(const struct kvmgov_cpu_limit *limit);
void kvmgov_bw_init(struct kvmgov_bandwidth *bw,
		    const struct kvmgov_cpu_limit *limit, u64 now);
void kvmgov_bw_set(struct kvmgov_bandwidth *bw,
		   const struct kvmgov_cpu_limit *limit, u64 now);
void kvmgov_bw_get(const struct kvmgov_bandwidth *bw,
		   struct kvmgov_cpu_limit *limit);
int kvmgov_bw_set_credit(struct kvmgov_bandwidth *bw, u64 credit_us, u64 now);
u64 kvmgov_bw_credit(const struct kvmgov_bandwidth *bw, u64 now);
bool kvmgov_bw_binds(const struct kvmgov_bandwidth *bw, u32 width);
void kvmgov_bw_charge(struct kvmgov_bandwidth *bw, u64 ns);
void kvmgov_bw_roll(struct kvmgov_bandwidth *bw, u64 now);
u64 kvmgov_bw_left(const struct kvmgov_bandwidth *bw);
u64 kvmgov_bw_nr_periods(const struct kvmgov_bandwidth *bw, u64 now);
u64 kvmgov_bw_resume_at(const struct kvmgov_bandwidth *bw);

#endif /* _KVMGOV_BANDWIDTH_H */
