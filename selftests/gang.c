// SPDX-License-Identifier: GPL-2.0-only
/*
 * gang: the vCPUs of a VM are held and released together. Both note in the
 * guest, by the TSC, when they did not run. Meant for a machine in which time is
 * exact, so that the skew is the module's.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "gov.h"
#include "test.h"

#define PERIOD_US 20000
#define QUOTA_US  10000
/* Two vCPUs use the quota in 5 ms and are then held for 15. */
#define THRESHOLD_NS (8 * NS_PER_MS)
#define MAX_HOLDS    GUEST_RING_LEN

static long seconds = 3;
static long skew_us = 100;

static const struct test_option options[] = { { "seconds", &seconds, "length of the measurement" },
					      { "skew-us", &skew_us,
						"skew that 99 % of the holds are to be within" },
					      {} };

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

/*
 * A hold of one vCPU belongs to the hold of the other that overlaps it, and which
 * may be one that ended before the measurement began.
 */
static void match(struct skews *s, const struct vmm *vmm, int64_t shift, const uint64_t first[2],
		  const uint64_t last[2])
{
	uint64_t i, j = first[1] ? first[1] - 1 : 0;

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

/* @v are TSC ticks. Returns what 99 % are within, in us. */
static double report(const char *what, int64_t *v, size_t nr, double ticks)
{
	double median, p99;

	test_sort(v, nr);
	median = test_percentile(v, nr, 50) / ticks / NS_PER_US;
	p99 = test_percentile(v, nr, 99) / ticks / NS_PER_US;
	test_diag("%ss of %zu holds apart by: median %.0f us, 99%% %.0f us", what, nr, median, p99);
	return p99;
}

/*
 * In such a machine the kernel, as it waits for a CPU to come up, would starve it.
 * It lets others run, and a guest that spins with PAUSE lets that CPU run.
 */
static void second_cpu(void)
{
	struct vmm_opts opts = { .nr_vcpus = 1, .mode = VMM_GAP };
	struct vmm *vmm = gov_create(&opts);
	int fd = open("/sys/devices/system/cpu/cpu1/online", O_WRONLY | O_CLOEXEC);

	vmm_start(vmm);
	NEED(POLL(NS_PER_S, vmm->vcpu[0].tid), "no vCPU runs");
	NEED(fd >= 0 && write(fd, "1", 1) == 1, "no second CPU: %s", strerror(errno));
	close(fd);
	gov_end(vmm);
}

static void together(const void *arg)
{
	static struct skews skews;
	struct vmm_opts opts = { .nr_vcpus = 2, .mode = VMM_GAP };
	uint64_t first[2], last[2];
	double ticks, start, end;
	struct vmm *vmm;
	int64_t shift;
	uint64_t id;
	int i;

	(void)arg;
	gov_need();
	second_cpu();
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

	for (i = 0; i < 2; i++)
		first[i] = vmm_area(vmm, i)->nr_gaps;
	test_sleep(seconds * NS_PER_S);
	for (i = 0; i < 2; i++)
		last[i] = vmm_area(vmm, i)->nr_gaps;
	match(&skews, vmm, shift, first, last);
	NEED(skews.nr >= 10, "only %zu holds in common", skews.nr);
	CHECK(!skews.unmatched, "%zu of %zu not in common", skews.unmatched,
	      skews.nr + skews.unmatched);
	start = report("start", skews.start, skews.nr, ticks);
	end = report("end", skews.end, skews.nr, ticks);
	CHECK(start <= skew_us && end <= skew_us, "%.0f and %.0f us apart, %ld allowed", start, end,
	      skew_us);
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
