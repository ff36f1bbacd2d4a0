// SPDX-License-Identifier: GPL-2.0-only
/*
 * life: VMs and vCPUs are found when they appear and forgotten when they end,
 * whichever way they do either.
 */
#define _GNU_SOURCE
#include <inttypes.h>
#include <unistd.h>

#include "gov.h"
#include "test.h"

#define MANY_VMS 50
#define FEW_RUNS 10

static long load = 1;

/* What a VM with a quota of 10 ms may use at first: timers may be late. */
static long first_ms = 20;

static const struct test_option options[] = {
	{ "first-ms", &first_ms, "how long a VM born with 10 ms in 1 s may run at first" },
	{ "load", &load, "0: never load or unload the module" },
	{}
};

static const struct vmm_opts spin = { .nr_vcpus = 1, .mode = VMM_SPIN };
static const struct vmm_opts halted = { .nr_vcpus = 1, .mode = VMM_PARK };

static void run_times(struct vmm *vmm, int times)
{
	while (times--)
		NEED(vmm_run_once(&vmm->vcpu[0]), "KVM_RUN: %s", strerror(vmm_error(vmm)));
}

static void need_unloaded(void)
{
	int err;

	if (!load)
		test_skip("--load=0");
	if (gov_loaded()) {
		err = gov_unload();
		NEED(!err, "cannot unload: %s", strerror(-err));
	}
}

static void found_at_load(const void *arg)
{
	const struct vmm_opts opts = { .nr_vcpus = 2, .mode = VMM_SPIN };
	uint64_t id, cpu;
	struct vmm *vmm;
	int64_t start;
	double got;
	int err;

	(void)arg;
	need_unloaded();
	vmm = gov_launch(&opts);
	NEED(POLL(10 * NS_PER_S, vmm_work(vmm, 0) && vmm_work(vmm, 1)), "does not run");
	start = test_now();
	err = gov_load();
	NEED(!err, "cannot load: %s", strerror(-err));
	id = gov_find(vmm);
	test_diag("found within %.1f ms", (test_now() - start) / 1e6);
	CHECK(POLL(10 * NS_PER_S, gov_u64("vms/%" PRIu64 "/nr_vcpus", id) == 2),
	      "%" PRIu64 " vCPUs", gov_u64("vms/%" PRIu64 "/nr_vcpus", id));
	gov_set(id, 20000, 100000);
	gov_wait_still(vmm);
	start = test_now();
	cpu = vmm_cpu_ns(vmm);
	test_sleep(2 * NS_PER_S);
	got = 100.0 * (vmm_cpu_ns(vmm) - cpu) / (test_now() - start);
	CHECK(got > 17 && got < 23, "asked 20 %%, got %.2f %%", got);
	gov_check_vmm(vmm);
	gov_end(vmm);
	gov_no_leak();
}

/*
 * Each KVM_RUN is one entry and one exit, which the VMM handles: between the
 * two ends of KVM_RUN nobody looks for work. Only the first exit tells that
 * there is a vCPU, and is not counted. All memory is there before, so that KVM
 * has none to handle. In real time the host's interrupts would help, now and
 * then: hence the lane in which the few KVM_RUNs take no time.
 */
static void found_between_runs(const void *arg)
{
	const struct vmm_opts out = { .nr_vcpus = 1, .mode = VMM_OUT };
	uint64_t id = 0, counted;
	struct vmm *vmm;
	int err;

	(void)arg;
	need_unloaded();
	vmm = gov_create(&out);
	vmm_adopt(&vmm->vcpu[0]);
	run_times(vmm, 100);
	err = gov_load();
	NEED(!err, "cannot load: %s", strerror(-err));
	run_times(vmm, FEW_RUNS);
	NEED(POLL(10 * NS_PER_S, (id = gov_find_pid(getpid()))), "not found by %d KVM_RUNs",
	     FEW_RUNS);
	counted = gov_u64("vms/%" PRIu64 "/vcpus/0/nr_exits", id);
	test_diag("%" PRIu64 " exits counted", counted);
	CHECK(counted >= FEW_RUNS - 1, "%" PRIu64 " exits of %d", counted, FEW_RUNS);
	gov_end(vmm);
	gov_no_leak();
}

/*
 * The first exit of a guest that never exits is the host's timer interrupt, at
 * most 4 ms away; from then on it is governed.
 */
static void born_governed(const void *arg)
{
	uint64_t id, work;
	struct vmm *vmm;
	double rate;

	(void)arg;
	gov_need();
	vmm = gov_launch(&spin);
	rate = gov_work_rate(vmm);
	gov_end(vmm);

	gov_set_defaults(10000, 1000000);
	vmm = gov_launch(&spin);
	id = gov_find(vmm);
	test_sleep(700 * NS_PER_MS);
	work = vmm_total_work(vmm);
	test_diag("worked for %.2f ms in its first 0.7 s", work / rate * 1e3);
	CHECK(work / rate * 1e3 <= first_ms, "worked for %.2f ms", work / rate * 1e3);
	CHECK(gov_u64("vms/%" PRIu64 "/cpu/quota_us", id) == 10000 &&
		      gov_u64("vms/%" PRIu64 "/cpu/period_us", id) == 1000000,
	      "quota %" PRIu64 ", period %" PRIu64, gov_u64("vms/%" PRIu64 "/cpu/quota_us", id),
	      gov_u64("vms/%" PRIu64 "/cpu/period_us", id));
	gov_end(vmm);
	gov_set_defaults(GOV_NONE, 100000);
}

/* Other VMs keep the limits they have. */
static void defaults_touch_no_one(const void *arg)
{
	struct vmm *vmm;
	uint64_t id;

	(void)arg;
	vmm = gov_start(&spin, &id);
	gov_set(id, 30000, 60000);
	gov_set_defaults(10000, 1000000);
	CHECK(gov_u64("vms/%" PRIu64 "/cpu/quota_us", id) == 30000, "quota");
	CHECK(gov_u64("vms/%" PRIu64 "/cpu/period_us", id) == 60000, "period");
	gov_set_defaults(GOV_NONE, 100000);
	gov_end(vmm);
}

static void end_by_close(const void *arg)
{
	struct vmm *vmm;
	uint64_t id;

	(void)arg;
	vmm = gov_start(&spin, &id);
	gov_end(vmm);
	gov_must_vanish(id, "close");
	gov_no_leak();
}

static void end_by_exit(const void *arg)
{
	struct vmm *vmm;
	uint64_t id;

	(void)arg;
	gov_need();
	vmm = gov_fork(&spin);
	id = gov_find(vmm);
	gov_end(vmm);
	gov_must_vanish(id, "exit");
	gov_no_leak();
}

static void end_by_kill(const void *arg)
{
	struct vmm *vmm;
	uint64_t id;

	(void)arg;
	gov_need();
	vmm = gov_fork(&spin);
	id = gov_find(vmm);
	gov_kill(vmm);
	gov_must_vanish(id, "SIGKILL");
	gov_no_leak();
}

/* Threads gone, the VM still open: nothing runs, everything is still there. */
static void threads_end_first(const void *arg)
{
	struct vmm *vmm;
	uint64_t id;

	(void)arg;
	vmm = gov_start(&spin, &id);
	gov_set(id, 1000, 100000);
	vmm_stop(vmm);
	test_sleep(100 * NS_PER_MS);
	CHECK(!gov_gone(id), "the VM has vanished with its threads");
	CHECK(!gov_u64("stats/callbacks_pending"), "a hold without a thread");
	/* New threads run the same vCPU under the same limit. */
	vmm_start(vmm);
	CHECK(gov_u64("vms/%" PRIu64 "/cpu/quota_us", id) == 1000, "quota");
	gov_end(vmm);
	gov_must_vanish(id, "close");
	gov_no_leak();
}

/* Never run, hence never seen. */
static void never_run(const void *arg)
{
	struct vmm *vmm;
	int i;

	(void)arg;
	gov_need();
	for (i = 0; i < 20; i++) {
		vmm = gov_create(&halted);
		gov_end(vmm);
	}
	gov_no_leak();
}

static bool all_published(uint64_t id, unsigned int nr)
{
	unsigned int i;

	for (i = 0; i < nr; i++)
		if (!gov_exists("vms/%" PRIu64 "/vcpus/%u/tid", id, i))
			return false;
	return gov_u64("vms/%" PRIu64 "/nr_vcpus", id) == nr;
}

static void many_vcpus(const void *arg)
{
	const struct vmm_opts opts = { .nr_vcpus = 64, .mode = VMM_SPIN };
	struct vmm *vmm;
	unsigned int i;
	uint64_t id, cpu;
	int64_t start;
	double got;

	(void)arg;
	vmm = gov_start(&opts, &id);
	NEED(POLL(60 * NS_PER_S, all_published(id, 64)), "%" PRIu64 " vCPUs",
	     gov_u64("vms/%" PRIu64 "/nr_vcpus", id));
	for (i = 0; i < 64; i++)
		CHECK(gov_u64("vms/%" PRIu64 "/vcpus/%u/tid", id, i) == (uint64_t)vmm->vcpu[i].tid,
		      "thread of vCPU %u", i);
	gov_set(id, 50000, 100000);
	test_sleep(500 * NS_PER_MS);
	start = test_now();
	cpu = vmm_cpu_ns(vmm);
	test_sleep(2 * NS_PER_S);
	got = 100.0 * (vmm_cpu_ns(vmm) - cpu) / (test_now() - start);
	test_diag("64 vCPUs, asked 50 %%, got %.2f %%", got);
	CHECK(got < 55 && got > 40, "got %.2f %%", got);
	gov_check_vmm(vmm);
	gov_end(vmm);
	gov_must_vanish(id, "close");
	gov_no_leak();
}

static void many_vms(const void *arg)
{
	struct vmm *vmms[MANY_VMS];
	uint64_t ids[MANY_VMS], last = 0, created, id;
	int i, j;

	(void)arg;
	gov_need();
	created = gov_u64("stats/vms_created");
	for (i = 0; i < MANY_VMS; i++)
		vmms[i] = gov_launch(&halted);
	for (i = 0; i < MANY_VMS; i++) {
		ids[i] = gov_find(vmms[i]);
		for (j = 0; j < i; j++)
			CHECK(ids[i] != ids[j], "id %" PRIu64 " twice", ids[i]);
		if (ids[i] > last)
			last = ids[i];
	}
	CHECK(gov_u64("stats/vms_created") == created + MANY_VMS, "%" PRIu64 " created",
	      gov_u64("stats/vms_created") - created);
	for (i = 0; i < MANY_VMS; i++)
		gov_end(vmms[i]);
	gov_no_leak();
	for (i = 0; i < 5; i++) {
		vmms[0] = gov_launch(&halted);
		id = gov_find(vmms[0]);
		CHECK(id > last, "id %" PRIu64 " again", id);
		last = id;
		gov_end(vmms[0]);
	}
	gov_no_leak();
}

/* More than the vCPUs can use is no limit. */
static void quota_without_effect(const void *arg)
{
	const uint64_t *quota = arg;
	struct vmm *vmm;
	int64_t start;
	uint64_t id, cpu;
	double got;

	vmm = gov_start(&spin, &id);
	gov_set(id, *quota, 20000);
	start = test_now();
	cpu = vmm_cpu_ns(vmm);
	test_sleep(NS_PER_S);
	got = 100.0 * (vmm_cpu_ns(vmm) - cpu) / (test_now() - start);
	test_diag("got %.2f %%", got);
	CHECK(got >= 95, "got %.2f %%", got);
	CHECK(!gov_u64("vms/%" PRIu64 "/cpu/nr_held", id), "held %" PRIu64,
	      gov_u64("vms/%" PRIu64 "/cpu/nr_held", id));
	gov_end(vmm);
}

static void identity(const void *arg)
{
	char comm[64], mine[64] = "";
	struct vmm *vmm;
	uint64_t id;
	FILE *f;

	(void)arg;
	gov_need();
	vmm = gov_fork(&spin);
	id = gov_find(vmm);
	CHECK(id, "id is 0");
	CHECK(gov_u64("vms/%" PRIu64 "/pid", id) == (uint64_t)vmm->pid, "pid");
	f = fopen("/proc/self/comm", "r");
	if (f) {
		fscanf(f, "%63s", mine);
		fclose(f);
	}
	gov_read(comm, sizeof(comm), "vms/%" PRIu64 "/comm", id);
	CHECK(!strcmp(comm, mine), "comm is '%s', not '%s'", comm, mine);
	gov_end(vmm);
}

static const uint64_t exactly_all = 20000, more = 50000, huge = 4096000000;

static const struct test_case cases[] = {
	{ "a VM that runs when the module is loaded is found and capped", found_at_load, NULL },
	{ "a VM that leaves for user space at each exit is found", found_between_runs, NULL },
	{ "a VM shows its process", identity, NULL },
	{ "a VM is born under the defaults", born_governed, NULL },
	{ "new defaults change no VM", defaults_touch_no_one, NULL },
	{ "a VM ends when its descriptors are closed", end_by_close, NULL },
	{ "a VM ends when its process exits", end_by_exit, NULL },
	{ "a VM ends when its process is killed", end_by_kill, NULL },
	{ "vCPU threads may end before the VM and be replaced", threads_end_first, NULL },
	{ "VMs that never run leave nothing", never_run, NULL },
	{ "64 vCPUs are found and capped together", many_vcpus, NULL },
	{ "50 VMs at once, and no id is used again", many_vms, NULL },
	{ "a quota of all that one vCPU can use holds nobody", quota_without_effect, &exactly_all },
	{ "a quota above the number of vCPUs holds nobody", quota_without_effect, &more },
	{ "the largest quota holds nobody", quota_without_effect, &huge },
};

int main(int argc, char **argv)
{
	test_init(argc, argv, options);
	test_main(cases, ARRAY_SIZE(cases));
}
