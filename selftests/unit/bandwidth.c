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
	struct kvmgov_cpu_limit new = { quota_us, period_us };

	return new;
}

static struct kvmgov_bandwidth make(u64 quota_us, u32 period_us, u64 now)
{
	struct kvmgov_cpu_limit new = limit(quota_us, period_us);
	struct kvmgov_bandwidth bw;

	kvmgov_bw_init(&bw, &new, now);
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
	report(ok, "a change of limits neither refills nor forgets");
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

int main(void)
{
	puts("TAP version 13\n1..9");
	test_ranges();
	test_debt();
	test_no_banking();
	test_clock();
	test_set();
	test_binds();
	test_extremes();
	test_greedy();
	test_model();
	return nr_failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
