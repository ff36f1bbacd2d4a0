// SPDX-License-Identifier: GPL-2.0-only
/*
 * The budget arithmetic, compiled from the kernel module's own source: fixed
 * cases, and random ones against a model in 128-bit arithmetic.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../kmod/bandwidth.h"
#include "rnd.h"
#include "unit.h"

#define MS   1000000ULL
#define SEC  1000000000ULL
#define NONE KVMGOV_BW_UNLIMITED

static struct kvmgov_cpu_limit limit(u64 quota_us, u32 period_us)
{
	struct kvmgov_cpu_limit new = { quota_us, period_us, 0 };

	return new;
}

static struct kvmgov_bandwidth make(u64 quota_us, u32 period_us, u64 now)
{
	struct kvmgov_cpu_limit new = limit(quota_us, period_us);
	struct kvmgov_bandwidth bw;

	kvmgov_bw_init(&bw, &new, now);
	return bw;
}

/* 10 % of a CPU in periods of 100 ms, from the time 0. */
static struct kvmgov_bandwidth make_credit(u64 credit_max_us, u64 credit_us)
{
	struct kvmgov_cpu_limit new = { 10000, 100000, credit_max_us };
	struct kvmgov_bandwidth bw;

	kvmgov_bw_init(&bw, &new, 0);
	EXPECT(kvmgov_bw_set_credit(&bw, credit_us, 0) == 0);
	return bw;
}

static bool accepts(u64 quota_us, u32 period_us)
{
	struct kvmgov_cpu_limit new = limit(quota_us, period_us);
	int err = kvmgov_cpu_limit_check(&new);

	return err == 0 || !EXPECT(err == -EINVAL);
}

static void test_ranges(void)
{
	struct kvmgov_cpu_limit new = limit(50000, 100000);
	bool ok = true;

	ok &= EXPECT(accepts(100, 1000));
	ok &= EXPECT(accepts(4096000000ULL, 1000000));
	ok &= EXPECT(accepts(NONE, 100000));
	ok &= EXPECT(!accepts(0, 100000));
	ok &= EXPECT(!accepts(99, 100000));
	ok &= EXPECT(!accepts(4096000001ULL, 100000));
	ok &= EXPECT(!accepts(NONE - 1, 100000));
	ok &= EXPECT(!accepts(50000, 999));
	ok &= EXPECT(!accepts(50000, 1000001));
	ok &= EXPECT(!accepts(50000, 0));
	ok &= EXPECT(!accepts(NONE, 999));
	new.credit_max_us = KVMGOV_CREDIT_MAX_US;
	ok &= EXPECT(kvmgov_cpu_limit_check(&new) == 0);
	new.credit_max_us++;
	ok &= EXPECT(kvmgov_cpu_limit_check(&new) == -EINVAL);
	report(ok, "limits are accepted within their ranges only");
}

static void test_debt(void)
{
	struct kvmgov_bandwidth bw = make(10000, 100000, 5 * SEC);
	bool ok = true;

	ok &= EXPECT(kvmgov_bw_left(&bw) == 10 * MS);
	ok &= EXPECT(kvmgov_bw_resume_at(&bw) == 0);

	kvmgov_bw_charge(&bw, 10 * MS);
	ok &= EXPECT(kvmgov_bw_left(&bw) == 0);
	ok &= EXPECT(kvmgov_bw_resume_at(&bw) == 5 * SEC + 100 * MS);

	/* 15 ms more is one and a half periods of debt. */
	kvmgov_bw_charge(&bw, 15 * MS);
	ok &= EXPECT(kvmgov_bw_resume_at(&bw) == 5 * SEC + 200 * MS);
	kvmgov_bw_roll(&bw, 5 * SEC + 100 * MS);
	ok &= EXPECT(kvmgov_bw_left(&bw) == 0);
	ok &= EXPECT(kvmgov_bw_resume_at(&bw) == 5 * SEC + 200 * MS);
	kvmgov_bw_roll(&bw, 5 * SEC + 200 * MS);
	ok &= EXPECT(kvmgov_bw_left(&bw) == 5 * MS);
	ok &= EXPECT(bw.nr_periods == 3);
	report(ok, "an overrun is paid for by the periods that follow");
}

static void test_no_banking(void)
{
	struct kvmgov_bandwidth bw = make(10000, 100000, 0);
	bool ok = true;

	kvmgov_bw_charge(&bw, 4 * MS);
	kvmgov_bw_roll(&bw, 3600 * SEC + 30 * MS);
	ok &= EXPECT(kvmgov_bw_left(&bw) == 10 * MS);
	/* The phase stays: periods begin at multiples of their length. */
	ok &= EXPECT(bw.start == 3600 * SEC);
	ok &= EXPECT(bw.nr_periods == 36001);
	ok &= EXPECT(kvmgov_bw_nr_periods(&bw, 3600 * SEC + 250 * MS) == 36003);
	report(ok, "what an idle VM does not use is not saved up");
}

static void test_clock(void)
{
	struct kvmgov_bandwidth bw = make(10000, 100000, SEC);
	bool ok = true;

	kvmgov_bw_charge(&bw, 10 * MS);
	kvmgov_bw_roll(&bw, SEC - 1);
	kvmgov_bw_roll(&bw, 0);
	ok &= EXPECT(bw.start == SEC && bw.used == 10 * MS);
	kvmgov_bw_roll(&bw, SEC + 100 * MS - 1);
	ok &= EXPECT(bw.used == 10 * MS);
	kvmgov_bw_roll(&bw, SEC + 100 * MS);
	ok &= EXPECT(bw.used == 0);
	report(ok, "a clock that runs backwards refills nothing");
}

static void test_set(void)
{
	struct kvmgov_bandwidth bw = make(10000, 100000, 0);
	struct kvmgov_cpu_limit new;
	bool ok = true;

	kvmgov_bw_charge(&bw, 10 * MS);
	new = limit(10000, 100000);
	kvmgov_bw_set(&bw, &new, 50 * MS);
	ok &= EXPECT(kvmgov_bw_left(&bw) == 0);

	new = limit(30000, 100000);
	kvmgov_bw_set(&bw, &new, 50 * MS);
	ok &= EXPECT(kvmgov_bw_left(&bw) == 20 * MS);

	new = limit(5000, 100000);
	kvmgov_bw_set(&bw, &new, 50 * MS);
	ok &= EXPECT(kvmgov_bw_resume_at(&bw) == 200 * MS);

	new = limit(NONE, 100000);
	kvmgov_bw_set(&bw, &new, 60 * MS);
	ok &= EXPECT(kvmgov_bw_left(&bw) == NONE);
	ok &= EXPECT(kvmgov_bw_resume_at(&bw) == 0);

	/* What was used without a limit does not count against a new one. */
	kvmgov_bw_charge(&bw, 3600 * SEC);
	new = limit(5000, 100000);
	kvmgov_bw_set(&bw, &new, 70 * MS);
	ok &= EXPECT(kvmgov_bw_left(&bw) == 5 * MS);
	ok &= EXPECT(bw.nr_periods >= 1);

	kvmgov_bw_get(&bw, &new);
	ok &= EXPECT(new.quota_us == 5000 && new.period_us == 100000);

	/* Periods that have begun by then are paid for at the old quota, and count. */
	bw = make(10000, 100000, 0);
	kvmgov_bw_charge(&bw, 25 * MS);
	kvmgov_bw_set(&bw, &new, 100 * MS);
	ok &= EXPECT(bw.used == 15 * MS && bw.nr_periods == 2);
	new = limit(NONE, 100000);
	kvmgov_bw_set(&bw, &new, 450 * MS);
	ok &= EXPECT(kvmgov_bw_nr_periods(&bw, SEC) == 5);
	report(ok, "a change of limits neither refills nor forgets");
}

static void test_credit(void)
{
	struct kvmgov_bandwidth bw = make_credit(25000, 0);
	bool ok = true;

	ok &= EXPECT(kvmgov_bw_credit(&bw, 0) == 0 && kvmgov_bw_left(&bw) == 10 * MS);
	kvmgov_bw_charge(&bw, 4 * MS);
	ok &= EXPECT(kvmgov_bw_credit(&bw, 100 * MS - 1) == 0);
	/* What a reader sees needs no roll, and is none. */
	ok &= EXPECT(kvmgov_bw_credit(&bw, 100 * MS) == 6 * MS);
	ok &= EXPECT(bw.credit == 0 && bw.nr_periods == 1);
	kvmgov_bw_roll(&bw, 100 * MS);
	ok &= EXPECT(kvmgov_bw_credit(&bw, 100 * MS) == 6 * MS);
	ok &= EXPECT(kvmgov_bw_left(&bw) == 16 * MS);

	/* The quota first, then the credit, then debt. */
	kvmgov_bw_charge(&bw, 9 * MS);
	ok &= EXPECT(bw.credit == 6 * MS && kvmgov_bw_left(&bw) == 7 * MS);
	kvmgov_bw_charge(&bw, 3 * MS);
	ok &= EXPECT(bw.credit == 4 * MS && kvmgov_bw_left(&bw) == 4 * MS);
	ok &= EXPECT(kvmgov_bw_resume_at(&bw) == 0);
	kvmgov_bw_charge(&bw, 5 * MS);
	ok &= EXPECT(bw.credit == 0 && kvmgov_bw_left(&bw) == 0);
	ok &= EXPECT(kvmgov_bw_resume_at(&bw) == 200 * MS);
	kvmgov_bw_roll(&bw, 200 * MS);
	ok &= EXPECT(bw.credit == 0 && kvmgov_bw_left(&bw) == 9 * MS);

	kvmgov_bw_roll(&bw, 3600 * SEC);
	ok &= EXPECT(bw.credit == 25 * MS && kvmgov_bw_left(&bw) == 35 * MS);
	report(ok, "unused quota is kept up to the maximum and used after the quota");
}

static void test_set_credit(void)
{
	struct kvmgov_bandwidth bw = make_credit(25000, 20000);
	struct kvmgov_cpu_limit new;
	bool ok = true;

	ok &= EXPECT(bw.credit == 20 * MS);
	ok &= EXPECT(kvmgov_bw_set_credit(&bw, 25001, 0) == -ERANGE);
	ok &= EXPECT(kvmgov_bw_set_credit(&bw, ~0ULL, 0) == -ERANGE);
	ok &= EXPECT(bw.credit == 20 * MS);

	/* 32 ms are 2 ms of debt; what is given pays them. */
	kvmgov_bw_charge(&bw, 32 * MS);
	ok &= EXPECT(kvmgov_bw_left(&bw) == 0);
	ok &= EXPECT(kvmgov_bw_set_credit(&bw, 5000, 0) == 0);
	ok &= EXPECT(bw.credit == 3 * MS && kvmgov_bw_left(&bw) == 3 * MS);
	/* What is due is in before the balance is set, not on top of it. */
	ok &= EXPECT(kvmgov_bw_set_credit(&bw, 7000, 900 * MS) == 0);
	ok &= EXPECT(kvmgov_bw_credit(&bw, 900 * MS) == 7 * MS);

	/* Without a limit it waits; less of a maximum cuts it; less quota uses it. */
	new = limit(NONE, 100000);
	new.credit_max_us = 6000;
	kvmgov_bw_set(&bw, &new, SEC);
	kvmgov_bw_charge(&bw, SEC);
	ok &= EXPECT(kvmgov_bw_credit(&bw, 9 * SEC) == 6 * MS);
	new.quota_us = 10000;
	kvmgov_bw_set(&bw, &new, 9 * SEC);
	ok &= EXPECT(bw.credit == 6 * MS && kvmgov_bw_left(&bw) == 16 * MS);
	kvmgov_bw_charge(&bw, 8 * MS);
	new.quota_us = 5000;
	kvmgov_bw_set(&bw, &new, 9 * SEC);
	ok &= EXPECT(bw.credit == 3 * MS && kvmgov_bw_left(&bw) == 3 * MS);
	new.quota_us = 10000;
	kvmgov_bw_set(&bw, &new, 9 * SEC);
	ok &= EXPECT(kvmgov_bw_left(&bw) == 8 * MS);

	kvmgov_bw_get(&bw, &new);
	ok &= EXPECT(new.credit_max_us == 6000);
	new.credit_max_us = 0;
	kvmgov_bw_set(&bw, &new, 9 * SEC);
	ok &= EXPECT(bw.credit == 0 && kvmgov_bw_credit(&bw, 99 * SEC) == 0);
	report(ok, "a balance that is set is what there is, and grants nothing twice");
}

/* The time at which a vCPU that spins is held first, charged every 10 ms. */
static u64 first_hold(struct kvmgov_bandwidth *bw)
{
	u64 now = 0;

	while (kvmgov_bw_left(bw) && now < 60 * SEC) {
		now += 10 * MS;
		kvmgov_bw_charge(bw, 10 * MS);
		kvmgov_bw_roll(bw, now);
	}
	return now;
}

static void test_burst(void)
{
	struct kvmgov_bandwidth bw = make_credit(KVMGOV_CREDIT_MAX_US, 4500000);
	bool ok = true;
	u64 now;

	/* A quota at once and 0.1 s for each second: 5.01 s, the 51st period's. */
	now = first_hold(&bw);
	ok &= EXPECT(now == 5010 * MS);
	ok &= EXPECT(kvmgov_bw_resume_at(&bw) == 5100 * MS);

	/* A day at rest. */
	kvmgov_bw_roll(&bw, 86405100 * MS);
	ok &= EXPECT(bw.credit == 86400000 * MS / 10 && bw.used == 0);
	report(ok, "a burst lasts as long as its credit, and rest fills it up again");
}

static void test_binds(void)
{
	struct kvmgov_bandwidth bw = make(200000, 100000, 0);
	bool ok = true;

	ok &= EXPECT(!kvmgov_bw_binds(&bw, 1));
	ok &= EXPECT(!kvmgov_bw_binds(&bw, 2));
	ok &= EXPECT(kvmgov_bw_binds(&bw, 3));
	bw = make(NONE, 100000, 0);
	ok &= EXPECT(!kvmgov_bw_binds(&bw, ~0U));
	bw = make(4096000000ULL, 1000000, 0);
	ok &= EXPECT(!kvmgov_bw_binds(&bw, 4096));
	ok &= EXPECT(kvmgov_bw_binds(&bw, ~0U));
	report(ok, "a quota that the vCPUs cannot reach does not bind");
}

static void test_extremes(void)
{
	struct kvmgov_bandwidth bw = make(100, 1000000, 0);
	struct kvmgov_cpu_limit new;
	bool ok = true;

	kvmgov_bw_charge(&bw, ~0ULL - 5);
	kvmgov_bw_charge(&bw, 100);
	ok &= EXPECT(bw.used == ~0ULL);
	ok &= EXPECT(kvmgov_bw_resume_at(&bw) == (u64)S64_MAX);
	kvmgov_bw_roll(&bw, S64_MAX);
	ok &= EXPECT(kvmgov_bw_left(&bw) == 0);
	ok &= EXPECT(bw.start <= (u64)S64_MAX);

	bw = make(4096000000ULL, 1000, 0);
	kvmgov_bw_charge(&bw, 1);
	kvmgov_bw_roll(&bw, S64_MAX);
	ok &= EXPECT(bw.used == 0);

	new.quota_us = KVMGOV_QUOTA_MAX_US;
	new.period_us = KVMGOV_PERIOD_MIN_US;
	new.credit_max_us = KVMGOV_CREDIT_MAX_US;
	kvmgov_bw_init(&bw, &new, 0);
	kvmgov_bw_charge(&bw, 1);
	kvmgov_bw_roll(&bw, S64_MAX);
	ok &= EXPECT(bw.credit == KVMGOV_CREDIT_MAX_US * 1000);
	ok &= EXPECT(kvmgov_bw_left(&bw) == bw.credit + bw.quota);
	kvmgov_bw_charge(&bw, ~0ULL);
	ok &= EXPECT(bw.credit == 0 && kvmgov_bw_left(&bw) == 0);
	report(ok, "extreme values saturate instead of wrapping around");
}

/*
 * A vCPU that runs whenever it may, with an overrun each time: what it gets
 * over n whole periods must be n quotas, give or take one and the last
 * overrun.
 */
static bool run_greedy(u64 *state)
{
	u64 period_us = rnd_between(state, 1000, 1000000);
	u64 quota_us = rnd_between(state, 100, period_us);
	struct kvmgov_bandwidth bw = make(quota_us, period_us, 0);
	u64 now = 0, got = 0, overrun = 0, at;
	unsigned int i;
	bool ok = true;

	for (i = 0; i < 200; i++) {
		kvmgov_bw_roll(&bw, now);
		at = kvmgov_bw_resume_at(&bw);
		if (at) {
			ok &= EXPECT(at > now && at - bw.start >= bw.period);
			now = at;
			continue;
		}
		overrun = rnd_between(state, 0, bw.period);
		got += kvmgov_bw_left(&bw) + overrun;
		now += kvmgov_bw_left(&bw) + overrun;
		kvmgov_bw_charge(&bw, kvmgov_bw_left(&bw) + overrun);
	}
	kvmgov_bw_roll(&bw, now);
	ok &= EXPECT(got <= (now / bw.period + 1) * bw.quota + overrun + bw.period);
	/* It is refused nothing that it is owed: all but a quota is used. */
	ok &= EXPECT(got + bw.quota + overrun >= now / bw.period * bw.quota);
	return ok;
}

static void test_greedy(void)
{
	u64 state = 0x9E3779B97F4A7C15ULL;
	unsigned int i;
	bool ok = true;

	for (i = 0; ok && i < 20000; i++)
		ok = run_greedy(&state);
	report(ok, "the long-run average of a greedy vCPU is the quota");
}

typedef unsigned __int128 u128;

/* One step of the model: the same rules, with room for every product. */
static u64 model_roll(u64 used, u64 quota, u64 period, u64 *start, u64 now)
{
	u128 paid;

	if ((s64)(now - *start) < (s64)period)
		return used;
	paid = (u128)((now - *start) / period) * quota;
	*start += (now - *start) / period * period;
	return paid > used ? 0 : used - (u64)paid;
}

static bool run_model(u64 *state)
{
	u64 now = rnd(state) >> 1;
	struct kvmgov_bandwidth bw = make(rnd_between(state, 100, 4096000000ULL),
					  rnd_between(state, 1000, 1000000), now);
	u64 used = 0, start = now, step, resume;
	unsigned int i;
	bool ok = true;
	u128 at;

	for (i = 0; ok && i < 20; i++) {
		step = rnd_between(state, 0, ~0ULL >> 2);
		kvmgov_bw_charge(&bw, step);
		used = used + step < used ? ~0ULL : used + step;
		now += rnd_between(state, 0, ((u64)S64_MAX - now) >> 1);
		kvmgov_bw_roll(&bw, now);
		used = model_roll(used, bw.quota, bw.period, &start, now);
		ok &= EXPECT(bw.used == used);
		ok &= EXPECT(bw.start == start);

		at = used < bw.quota ? 0 : (u128)start + (u128)(used / bw.quota) * bw.period;
		resume = at > (u128)S64_MAX ? (u64)S64_MAX : (u64)at;
		ok &= EXPECT(kvmgov_bw_resume_at(&bw) == resume);
	}
	return ok;
}

static void test_model(void)
{
	u64 state = 88172645463325252ULL;
	unsigned int i;
	bool ok = true;

	for (i = 0; ok && i < 200000; i++)
		ok = run_model(&state);
	report(ok, "random histories agree with the model");
}

/*
 * With credit it is one token bucket, which the model has as one number: what may
 * be used, less than 0 where there is debt.
 */
static bool run_bucket(u64 *state)
{
	struct kvmgov_cpu_limit new = { rnd_between(state, 100, 4096000000ULL),
					rnd_between(state, 1000, 1000000),
					rnd_between(state, 0, KVMGOV_CREDIT_MAX_US) };
	__int128 tokens, depth;
	struct kvmgov_bandwidth bw;
	u64 now = rnd(state) >> 2, start = now, step;
	unsigned int i;
	bool ok = true;

	kvmgov_bw_init(&bw, &new, now);
	tokens = bw.quota;
	depth = (__int128)bw.quota + new.credit_max_us * 1000;
	for (i = 0; ok && i < 20; i++) {
		step = rnd_between(state, 0, ~0ULL >> 6);
		kvmgov_bw_charge(&bw, step);
		tokens -= step;
		now += rnd_between(state, 0, ((u64)S64_MAX - now) >> 1);
		kvmgov_bw_roll(&bw, now);
		tokens += (__int128)((now - start) / bw.period) * bw.quota;
		start += (now - start) / bw.period * bw.period;
		if (tokens > depth)
			tokens = depth;
		ok &= EXPECT(kvmgov_bw_left(&bw) == (tokens > 0 ? (u64)tokens : 0));
		ok &= EXPECT((__int128)bw.quota + bw.credit - bw.used == tokens);
		ok &= EXPECT(bw.credit <= bw.credit_max && (!bw.credit || bw.used <= bw.quota));
		/* A reader who comes later sees what a roll would make. */
		step = rnd_between(state, 0, bw.period * 3);
		tokens += (__int128)((now + step - start) / bw.period) * bw.quota;
		start += (now + step - start) / bw.period * bw.period;
		if (tokens > depth)
			tokens = depth;
		now += step;
		step = kvmgov_bw_credit(&bw, now);
		kvmgov_bw_roll(&bw, now);
		ok &= EXPECT(step == bw.credit);
	}
	return ok;
}

static void test_bucket(void)
{
	u64 state = 0xD1B54A32D192ED03ULL;
	unsigned int i;
	bool ok = true;

	for (i = 0; ok && i < 200000; i++)
		ok = run_bucket(&state);
	report(ok, "quota, debt and credit are one bucket of tokens");
}

int main(void)
{
	puts("TAP version 13\n1..13");
	test_ranges();
	test_debt();
	test_no_banking();
	test_clock();
	test_set();
	test_credit();
	test_set_credit();
	test_burst();
	test_binds();
	test_extremes();
	test_greedy();
	test_model();
	test_bucket();
	return nr_failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
