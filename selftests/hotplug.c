// SPDX-License-Identifier: GPL-2.0-only
/*
 * hotplug: a CPU goes and comes back while vCPUs run on it, are held, are
 * frozen and have their timers there. All go on and keep to their limits.
 */
#define _GNU_SOURCE
#include <inttypes.h>
#include <unistd.h>

#include "cgroup.h"
#include "gov.h"
#include "test.h"

#define CPU	 1
#define ONLINE	 "/sys/devices/system/cpu/cpu1/online"
#define PATIENCE (60 * NS_PER_S)

static long rounds = 3;
static long storm_rounds = 20;

static const struct test_option options[] = {
	{ "rounds", &rounds, "how often the CPU goes, in each case" },
	{ "storm-rounds", &storm_rounds, "the same where nothing is measured" },
	{}
};

/**
 * struct setting - a VM and what it is under
 * @opts:	the VM
 * @pinned:	its threads are bound to the CPU that goes
 * @quota_us:	its limit
 * @period_us:	the limit's period
 */
static const struct setting {
	struct vmm_opts opts;
	bool pinned;
	uint64_t quota_us;
	uint64_t period_us;
} settings[] = {
	{ { .nr_vcpus = 1, .mode = VMM_SPIN }, true, 10000, 100000 },
	{ { .nr_vcpus = 2, .mode = VMM_SPIN }, false, 20000, 100000 },
	/* Slices so long that the CPU goes in the midst of one. */
	{ { .nr_vcpus = 1, .mode = VMM_SPIN }, true, 300000, 1000000 },
	{ { .nr_vcpus = 1, .mode = VMM_CPUID }, true, 5000, 50000 },
};

#define NR_VMS ARRAY_SIZE(settings)

static struct vmm *vmms[NR_VMS];
static uint64_t ids[NR_VMS];

static bool switch_cpu(bool on)
{
	return POLL(PATIENCE, cgroup_put(ONLINE, "%d", on));
}

static void cpu_on(void)
{
	NEED(switch_cpu(true), "CPU %d does not come back: %s", CPU, strerror(errno));
}

static void cpu_off(void)
{
	NEED(switch_cpu(false), "CPU %d does not go: %s", CPU, strerror(errno));
}

static void need_cpu(void)
{
	if (access(ONLINE, W_OK))
		test_skip("CPU %d cannot be switched off", CPU);
	cpu_on();
}

static void start(size_t i)
{
	unsigned int v;

	vmms[i] = gov_create(&settings[i].opts);
	for (v = 0; settings[i].pinned && v < settings[i].opts.nr_vcpus; v++)
		vmms[i]->vcpu[v].cpu = CPU;
	vmm_start(vmms[i]);
	ids[i] = gov_find(vmms[i]);
}

static void start_all(void)
{
	size_t i;

	gov_need();
	for (i = 0; i < NR_VMS; i++) {
		start(i);
		gov_set(ids[i], settings[i].quota_us, settings[i].period_us);
	}
}

static void end_all(void)
{
	size_t i;

	for (i = 0; i < NR_VMS; i++) {
		gov_check_vmm(vmms[i]);
		gov_end(vmms[i]);
	}
	gov_no_leak();
}

/* CPU time that a VM has used beyond what it may, in ns. */
static int64_t owed(size_t i)
{
	return gov_u64("vms/%" PRIu64 "/cpu/usage_ns", ids[i]) -
	       gov_u64("vms/%" PRIu64 "/cpu/nr_periods", ids[i]) * settings[i].quota_us * NS_PER_US;
}

/*
 * A machine that emulates another on a busy one charges threads with time that
 * nobody has used, and VMs stand still until that debt is paid: wait for that.
 */
static bool goes_on(size_t i, unsigned int v, uint64_t work)
{
	int64_t end = test_now() + PATIENCE;

	while (vmm_work(vmms[i], v) == work && test_now() < end) {
		if (gov_loaded() && owed(i) > 0)
			end = test_now() + PATIENCE;
		test_nap();
	}
	return vmm_work(vmms[i], v) != work;
}

static void all_run(const char *when)
{
	uint64_t work[NR_VMS][2];
	unsigned int v;
	size_t i;

	for (i = 0; i < NR_VMS; i++)
		for (v = 0; v < settings[i].opts.nr_vcpus; v++)
			work[i][v] = vmm_work(vmms[i], v);
	for (i = 0; i < NR_VMS; i++)
		for (v = 0; v < settings[i].opts.nr_vcpus; v++)
			CHECK(goes_on(i, v, work[i][v]), "%s: vCPU %u of VM %zu stands still", when,
			      v, i);
}

/* Over some periods everybody gets what he may, and no more. */
static bool within_limits(const char *when)
{
	uint64_t cpu[NR_VMS] = {};
	int64_t begin = test_now();
	bool within = true;
	double got, may;
	size_t i;

	for (i = 0; i < NR_VMS; i++)
		cpu[i] = vmm_cpu_ns(vmms[i]);
	test_sleep(3 * NS_PER_S);
	for (i = 0; i < NR_VMS; i++) {
		got = 100.0 * (vmm_cpu_ns(vmms[i]) - cpu[i]) / (test_now() - begin);
		may = 100.0 * settings[i].quota_us / settings[i].period_us;
		test_diag("%s: VM %zu may use %.0f %%, used %.1f %%", when, i, may, got);
		/* One period's worth may be at either edge. */
		if (got > may * (1 + settings[i].period_us / 3e6) + 3 || got < may / 4)
			within = false;
	}
	return within;
}

/* A busy machine makes it look worse than it is, now and then; never better. */
static void all_within_limits(const char *when)
{
	int tries = 5;

	while (!within_limits(when))
		NEED(--tries, "%s: the limits do not hold", when);
}

static void limits_hold(const void *arg)
{
	long n;

	(void)arg;
	need_cpu();
	start_all();
	all_run("before");
	for (n = 0; n < rounds; n++) {
		cpu_off();
		all_run("CPU gone");
		all_within_limits("CPU gone");
		cpu_on();
		all_run("CPU back");
	}
	all_within_limits("CPU back");
	end_all();
}

static bool in_a_hold(void)
{
	return gov_u64("stats/callbacks_pending") > 0;
}

/* Sleepers of a hold without an end, and of one of nearly a second. */
static void held_meanwhile(const void *arg)
{
	uint64_t work;
	size_t i;
	long n;

	(void)arg;
	need_cpu();
	start_all();
	gov_set(ids[0], 10000, 1000000);
	for (n = 0; n < rounds; n++) {
		NEED(!gov_write("frozen", "vms/%" PRIu64 "/state", ids[1]), "cannot freeze");
		gov_wait_still(vmms[1]);
		CHECK(POLL(PATIENCE, in_a_hold()), "nobody is held");
		work = vmm_total_work(vmms[1]);
		cpu_off();
		test_sleep(200 * NS_PER_MS);
		CHECK(vmm_total_work(vmms[1]) == work, "a frozen VM runs");
		if (n % 2)
			cpu_on();
		NEED(!gov_write("running", "vms/%" PRIu64 "/state", ids[1]), "cannot thaw");
		all_run(n % 2 ? "CPU back" : "CPU gone");
		cpu_on();
	}
	for (i = 0; i < NR_VMS; i++)
		CHECK(gov_u64("vms/%" PRIu64 "/cpu/nr_held", ids[i]), "VM %zu was never held", i);
	end_all();
}

/* What is queued is counted for each CPU, also for one that is gone. */
static void unloaded_meanwhile(const void *arg)
{
	long n;
	int err;

	(void)arg;
	need_cpu();
	start_all();
	for (n = 0; n < rounds; n++) {
		gov_set(gov_find(vmms[0]), 10000, 1000000);
		CHECK(POLL(PATIENCE, in_a_hold()), "nobody is held");
		cpu_off();
		if (n % 2)
			cpu_on();
		err = gov_unload();
		NEED(!err, "cannot unload: %s", strerror(-err));
		all_run("without the module");
		if (!(n % 2))
			cpu_on();
		else
			cpu_off();
		gov_need();
		gov_find(vmms[0]);
		cpu_on();
	}
	end_all();
}

/* As fast as it goes, while VMs come and go, too. */
static void storm(const void *arg)
{
	const struct vmm_opts opts = { .nr_vcpus = 2, .mode = VMM_MIX };
	int64_t begin = test_now();
	struct vmm *vmm;
	long n;

	(void)arg;
	need_cpu();
	start_all();
	for (n = 0; n < storm_rounds; n++) {
		cpu_off();
		vmm = gov_launch(&opts);
		cpu_on();
		gov_end(vmm);
	}
	test_diag("%ld times off and on in %.1f s", n, (test_now() - begin) / 1e9);
	all_run("after the storm");
	all_within_limits("after the storm");
	end_all();
}

static const struct test_case cases[] = {
	{ "limits hold when a CPU goes and when it comes back", limits_hold, NULL },
	{ "who is held while a CPU goes is let go in time", held_meanwhile, NULL },
	{ "the module is unloaded and loaded with a CPU gone", unloaded_meanwhile, NULL },
	{ "a CPU goes and comes again and again", storm, NULL },
};

int main(int argc, char **argv)
{
	test_init(argc, argv, options);
	test_main(cases, ARRAY_SIZE(cases));
}
