// SPDX-License-Identifier: GPL-2.0-only
/*
 * gang: the vCPUs of a VM are held and released together. Both note in the
 * guest, by the TSC, when they did not run.
 *
 * "Together" is meant on idle CPUs, and the CPUs below this machine may be busy,
 * which moves anything apart. So two plain threads that sleep until the same
 * moment are measured as well: what lies between them is not the module's.
 */
#define _GNU_SOURCE
#include <inttypes.h>
#include <pthread.h>
#include <sched.h>

#include "gov.h"
#include "test.h"

#define PERIOD_US 20000
#define QUOTA_US  10000
/* Two vCPUs use the quota in 5 ms and are then held for 15. */
#define THRESHOLD_NS (8 * NS_PER_MS)
#define MAX_HOLDS    GUEST_RING_LEN

/* Wakes of the plain threads in a measurement. */
#define NR_WAKES 50

static long seconds = 3;
static long skew_us = 1000;
static long tries = 20;

static const struct test_option options[] = {
	{ "seconds", &seconds, "length of the measurement" },
	{ "skew-us", &skew_us, "allowed skew on idle CPUs, of the undisturbed quarter" },
	{ "tries", &tries, "how often to measure until the skew is allowed" },
	{}
};

struct skews {
	size_t nr;
	size_t unmatched;
	int64_t start[MAX_HOLDS];
	int64_t end[MAX_HOLDS];
};

static int64_t distance(int64_t a, int64_t b)
{
	return a > b ? a - b : b - a;
}

/* A hold of one vCPU belongs to the hold of the other that overlaps it. */
static void match(struct skews *s, const struct vmm *vmm, int64_t shift, const uint64_t first[2],
		  const uint64_t last[2])
{
	uint64_t i, j = first[1];

	for (i = first[0]; i < last[0]; i++) {
		struct guest_gap a = vmm_gaps(vmm, 0)[i % GUEST_RING_LEN], b;

		while (j < last[1] && vmm_gaps(vmm, 1)[j % GUEST_RING_LEN].end + shift <= a.start)
			j++;
		if (j == last[1])
			break;
		b = vmm_gaps(vmm, 1)[j % GUEST_RING_LEN];
		b.start += shift;
		b.end += shift;
		if (b.start >= a.end) {
			s->unmatched++;
			continue;
		}
		s->start[s->nr] = distance(a.start, b.start);
		s->end[s->nr] = distance(a.end, b.end);
		s->nr++;
	}
}

/* A plain thread on one CPU, and when it woke. */
struct sleeper {
	pthread_t thread;
	int cpu;
	int64_t start;
	int64_t woke[NR_WAKES];
};

static void *sleep_on_time(void *arg)
{
	struct sleeper *s = arg;
	cpu_set_t set;
	int i;

	CPU_ZERO(&set);
	CPU_SET(s->cpu, &set);
	sched_setaffinity(0, sizeof(set), &set);
	for (i = 0; i < NR_WAKES; i++) {
		test_sleep_until(s->start + i * PERIOD_US * NS_PER_US);
		s->woke[i] = test_now();
	}
	return NULL;
}

/* How far two threads wake apart that mean to wake at once, in us. */
static double control(void)
{
	static struct sleeper sleepers[2];
	int64_t start = test_now() + PERIOD_US * NS_PER_US, apart[NR_WAKES];
	double quarter;
	int i;

	for (i = 0; i < 2; i++) {
		sleepers[i].cpu = i;
		sleepers[i].start = start;
		NEED(!pthread_create(&sleepers[i].thread, NULL, sleep_on_time, &sleepers[i]),
		     "no thread");
	}
	for (i = 0; i < 2; i++)
		pthread_join(sleepers[i].thread, NULL);
	for (i = 0; i < NR_WAKES; i++)
		apart[i] = distance(sleepers[0].woke[i], sleepers[1].woke[i]);
	test_sort(apart, NR_WAKES);
	quarter = test_percentile(apart, NR_WAKES, 25) / (double)NS_PER_US;
	test_diag("two plain threads wake apart by: 25%% %.0f us, median %.0f us", quarter,
		  test_percentile(apart, NR_WAKES, 50) / (double)NS_PER_US);
	return quarter;
}

static double report(const char *what, int64_t *v, size_t nr, double ticks)
{
	double quarter, median, p99;

	test_sort(v, nr);
	quarter = test_percentile(v, nr, 25) / ticks / NS_PER_US;
	median = test_percentile(v, nr, 50) / ticks / NS_PER_US;
	p99 = test_percentile(v, nr, 99) / ticks / NS_PER_US;
	test_diag("%ss of %zu holds apart by: 25%% %.0f us, median %.0f us, 99%% %.0f us", what, nr,
		  quarter, median, p99);
	return quarter;
}

/* The larger of the two skews, in us. */
static double measure(const struct vmm *vmm, int64_t shift, double ticks)
{
	static struct skews skews;
	uint64_t first[2], last[2];
	double start, end;
	int i;

	memset(&skews, 0, sizeof(skews));
	for (i = 0; i < 2; i++)
		first[i] = vmm_area(vmm, i)->nr_gaps;
	test_sleep(seconds * NS_PER_S);
	for (i = 0; i < 2; i++)
		last[i] = vmm_area(vmm, i)->nr_gaps;
	match(&skews, vmm, shift, first, last);
	NEED(skews.nr >= 10, "only %zu holds in common", skews.nr);
	CHECK(skews.unmatched <= skews.nr / 10, "%zu of %zu not in common", skews.unmatched,
	      skews.nr + skews.unmatched);
	start = report("start", skews.start, skews.nr, ticks);
	end = report("end", skews.end, skews.nr, ticks);
	return start > end ? start : end;
}

/*
 * What else this machine does can only move the vCPUs apart: the best of
 * several measurements is the nearest to the truth.
 */
static void together(const void *arg)
{
	struct vmm_opts opts = { .nr_vcpus = 2, .mode = VMM_GAP };
	double ticks, worse, allowed;
	struct vmm *vmm;
	int64_t shift;
	uint64_t id;
	long i;

	(void)arg;
	if (gov_cpus() < 2)
		test_skip("one CPU cannot run two vCPUs at once");
	gov_need();
	ticks = vmm_ticks_per_ns();
	opts.param = THRESHOLD_NS * ticks;
	vmm = gov_create(&opts);
	for (i = 0; i < 2; i++)
		vmm->vcpu[i].cpu = i;
	/* A vCPU that runs cannot be asked. */
	shift = vmm_tsc_offset(&vmm->vcpu[1]) - vmm_tsc_offset(&vmm->vcpu[0]);
	vmm_start(vmm);
	id = gov_find(vmm);
	gov_set(id, QUOTA_US, PERIOD_US);
	test_sleep(3LL * PERIOD_US * NS_PER_US);

	for (i = 1;; i++) {
		allowed = skew_us + control();
		worse = measure(vmm, shift, ticks);
		if (worse <= allowed || i == tries)
			break;
	}
	test_diag("measured %ld times (at most %ld)", i, tries);
	CHECK(worse <= allowed, "%.0f us, %.0f allowed", worse, allowed);
	gov_end(vmm);
}

static const struct test_case cases[] = {
	{ "two vCPUs on two CPUs are held and released together", together, NULL },
};

int main(int argc, char **argv)
{
	test_init(argc, argv, options);
	test_main(cases, ARRAY_SIZE(cases));
}
