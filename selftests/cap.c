// SPDX-License-Identifier: GPL-2.0-only
/*
 * cap: a limit is kept to 0.3 points of a CPU, whatever quota, period and
 * number of vCPUs. The CPU time is read from the threads' own clocks; beside it
 * stand the module's figure, what the guest has got done, and what cgroup v2
 * makes of the same limit on the same guest.
 */
#define _GNU_SOURCE
#include <inttypes.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cgroup.h"
#include "gov.h"
#include "test.h"

#define CGROUP	     CGROUP_MOUNT "/kvmgov-cap"
#define CGROUP_VCPUS CGROUP "/vcpus"

static long seconds = 10;
static long cgroup_seconds = 10;
static long error_limit = 300;
static long usage_limit = 100;
static long max_vcpus = 4;

static const struct test_option options[] = {
	{ "seconds", &seconds, "length of a measurement" },
	{ "cgroup-seconds", &cgroup_seconds, "the same for cpu.max; 0: not at all" },
	{ "error", &error_limit, "allowed error in thousandths of a point" },
	{ "usage-error", &usage_limit, "allowed difference of usage_ns in thousandths of a point" },
	{ "max-vcpus", &max_vcpus, "largest number of vCPUs" },
	{}
};

struct point {
	unsigned int percent;
	unsigned int period_us;
	unsigned int nr_vcpus;
};

struct sample {
	int64_t wall;
	uint64_t cpu;
	uint64_t usage;
	uint64_t work;
};

static uint64_t quota_us(const struct point *p)
{
	return (uint64_t)p->period_us * p->percent / 100;
}

static void take(struct sample *s, const struct vmm *vmm, uint64_t id)
{
	s->wall = test_now();
	s->cpu = vmm_cpu_ns(vmm);
	s->usage = gov_u64("vms/%" PRIu64 "/cpu/usage_ns", id);
	s->work = vmm_total_work(vmm);
}

static void measure(struct sample *diff, const struct vmm *vmm, uint64_t id, long secs)
{
	struct sample start, end;

	take(&start, vmm, id);
	test_sleep_until(start.wall + secs * NS_PER_S);
	take(&end, vmm, id);
	diff->wall = end.wall - start.wall;
	diff->cpu = end.cpu - start.cpu;
	diff->usage = end.usage - start.usage;
	diff->work = end.work - start.work;
}

static double percent(const struct sample *s, double ns)
{
	return 100 * ns / s->wall;
}

/*
 * A threaded cgroup: the vCPU threads are limited, and this one, which
 * measures, is not. Made once, left for the end.
 */
static bool cgroup_open(void)
{
	if (!cgroup_cpu())
		return false;
	mkdir(CGROUP, 0755);
	mkdir(CGROUP_VCPUS, 0755);
	cgroup_put(CGROUP_VCPUS "/cgroup.type", "threaded");
	cgroup_put(CGROUP "/cgroup.subtree_control", "+cpu");
	return cgroup_put(CGROUP "/cgroup.procs", "%d", getpid()) &&
	       !access(CGROUP_VCPUS "/cpu.max", F_OK);
}

static void cgroup_close(void)
{
	cgroup_put(CGROUP_MOUNT "/cgroup.procs", "%d", getpid());
	rmdir(CGROUP_VCPUS);
	rmdir(CGROUP);
}

static bool cgroup_measure(struct sample *diff, const struct vmm *vmm, uint64_t id,
			   const struct point *p)
{
	unsigned int i;

	if (!cgroup_seconds || !cgroup_open())
		return false;
	for (i = 0; i < p->nr_vcpus; i++)
		if (!cgroup_put(CGROUP_VCPUS "/cgroup.threads", "%d", vmm->vcpu[i].tid))
			return false;
	if (!cgroup_put(CGROUP_VCPUS "/cpu.max", "%" PRIu64 " %u", quota_us(p), p->period_us))
		return false;
	test_sleep(2LL * p->period_us * NS_PER_US);
	measure(diff, vmm, id, cgroup_seconds);
	return true;
}

static void report(const struct point *p, const struct sample *ours, double rate, bool have_cgroup,
		   const struct sample *cgroup)
{
	char other[32] = "not measured";

	if (have_cgroup)
		snprintf(other, sizeof(other), "%7.3f", percent(cgroup, cgroup->cpu));
	test_diag("asked %%  period ms  vCPUs  got %%    usage_ns %%  guest %%  cpu.max %%");
	test_diag("%7u  %9u  %5u  %7.3f  %10.3f  %7.3f  %s", p->percent, p->period_us / 1000,
		  p->nr_vcpus, percent(ours, ours->cpu), percent(ours, ours->usage),
		  percent(ours, ours->work * 1e9 / rate), other);
}

static void cap(const void *arg)
{
	const struct point *p = arg;
	const struct vmm_opts opts = {
		.nr_vcpus = p->nr_vcpus,
		.mode = VMM_SPIN,
	};
	struct sample ours, cgroup;
	struct vmm *vmm;
	bool have_cgroup;
	double rate, got;
	uint64_t id;

	vmm = gov_start(&opts, &id);
	rate = gov_work_rate(vmm);
	gov_set(id, quota_us(p), p->period_us);
	test_sleep(2LL * p->period_us * NS_PER_US);
	measure(&ours, vmm, id, seconds);
	gov_set(id, GOV_NONE, p->period_us);
	have_cgroup = cgroup_measure(&cgroup, vmm, id, p);
	gov_end(vmm);
	report(p, &ours, rate, have_cgroup, &cgroup);

	got = percent(&ours, ours.cpu);
	CHECK(got >= p->percent - error_limit / 1e3 && got <= p->percent + error_limit / 1e3,
	      "asked %u %%, got %.3f %%", p->percent, got);
	CHECK(percent(&ours, ours.usage) >= got - usage_limit / 1e3 &&
		      percent(&ours, ours.usage) <= got + usage_limit / 1e3,
	      "usage_ns says %.3f %%, the threads %.3f %%", percent(&ours, ours.usage), got);
}

int main(int argc, char **argv)
{
	static const unsigned int percents[] = { 10, 25, 50, 75 };
	static const unsigned int periods[] = { 10000, 100000 };
	static const unsigned int vcpus[] = { 1, 2, 4 };
	struct point points[24];
	struct test_case cases[24];
	char names[24][64];
	size_t i, nr = 0;

	test_init(argc, argv, options);
	for (i = 0; i < ARRAY_SIZE(points); i++) {
		struct point *p = &points[nr];

		p->percent = percents[i % 4];
		p->period_us = periods[i / 4 % 2];
		p->nr_vcpus = vcpus[i / 8];
		if (p->nr_vcpus > max_vcpus)
			continue;
		snprintf(names[nr], sizeof(names[nr]),
			 "%u %% of a CPU in periods of %u ms, %u vCPUs", p->percent,
			 p->period_us / 1000, p->nr_vcpus);
		cases[nr] = (struct test_case){ names[nr], cap, p };
		nr++;
	}
	atexit(cgroup_close);
	test_main(cases, nr);
}
