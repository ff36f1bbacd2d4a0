// SPDX-License-Identifier: GPL-2.0-only
/*
 * unload: the module comes and goes while guests spin, exit, halt, are held and
 * are frozen, and while VMs are made and ended beside it. The guests notice
 * nothing.
 */
#define _GNU_SOURCE
#include <inttypes.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "gov.h"
#include "test.h"

static long cycles = 200;
static long unload_ms = 30000;

static const struct test_option options[] = {
	{ "cycles", &cycles, "how often the module is loaded and unloaded" },
	{ "unload-ms", &unload_ms, "how long unloading may take" },
	{}
};

enum treatment {
	LEAVE,
	HOLD,
	FREEZE,
	CAP,
};

static const struct guest {
	const char *what;
	struct vmm_opts opts;
	enum treatment treatment;
} guests[] = {
	{ "free", { .nr_vcpus = 1, .mode = VMM_SPIN }, LEAVE },
	{ "held", { .nr_vcpus = 2, .mode = VMM_SPIN }, HOLD },
	{ "frozen", { .nr_vcpus = 1, .mode = VMM_SPIN }, FREEZE },
	{ "capped", { .nr_vcpus = 2, .mode = VMM_MIX }, CAP },
	{ "held between exits to user space", { .nr_vcpus = 1, .mode = VMM_OUT }, HOLD },
	{ "frozen between exits", { .nr_vcpus = 1, .mode = VMM_CPUID }, FREEZE },
	{ "exiting", { .nr_vcpus = 1, .mode = VMM_CPUID }, CAP },
	{ "halted", { .nr_vcpus = 1, .mode = VMM_HLT, .irqchip = true }, LEAVE },
	{ "halted and frozen", { .nr_vcpus = 1, .mode = VMM_HLT, .irqchip = true }, FREEZE },
	{ "halted and capped", { .nr_vcpus = 1, .mode = VMM_HLT, .irqchip = true }, HOLD },
};

#define NR_GUESTS ARRAY_SIZE(guests)

static struct vmm *vmms[NR_GUESTS];

static void treat(size_t i, uint64_t id)
{
	switch (guests[i].treatment) {
	case LEAVE:
		break;
	case HOLD:
		gov_set(id, 10000, 1000000);
		break;
	case FREEZE:
		CHECK(!gov_write("frozen", "vms/%" PRIu64 "/state", id), "cannot freeze");
		break;
	case CAP:
		gov_set(id, 2000, 10000);
		break;
	}
}

static void interrupt_halted(void)
{
	size_t i;

	for (i = 0; i < NR_GUESTS; i++)
		if (guests[i].opts.irqchip)
			vmm_interrupt(&vmms[i]->vcpu[0]);
}

/* A halted guest shows itself when it takes an interrupt. */
static void treat_all(void)
{
	size_t i;

	interrupt_halted();
	for (i = 0; i < NR_GUESTS; i++)
		treat(i, gov_find(vmms[i]));
}

static bool held_stands_still(void)
{
	uint64_t id = gov_find(vmms[1]);

	return gov_u64("vms/%" PRIu64 "/cpu/nr_held", id) && gov_u64("stats/callbacks_pending");
}

static void all_go_on(long cycle)
{
	uint64_t before[NR_GUESTS][2];
	size_t i;
	unsigned int v;

	for (i = 0; i < NR_GUESTS; i++)
		for (v = 0; v < guests[i].opts.nr_vcpus; v++)
			before[i][v] = vmm_work(vmms[i], v);
	interrupt_halted();
	for (i = 0; i < NR_GUESTS; i++) {
		for (v = 0; v < guests[i].opts.nr_vcpus; v++)
			CHECK(POLL(30 * NS_PER_S, vmm_work(vmms[i], v) > before[i][v]),
			      "cycle %ld: the %s guest has stopped", cycle, guests[i].what);
		gov_check_vmm(vmms[i]);
	}
}

static void one_cycle(long cycle, int64_t *took)
{
	int64_t start;
	int err = gov_load();

	NEED(!err, "cycle %ld: cannot load: %s", cycle, strerror(-err));
	/* Each fourth time the module goes before it has seen anything. */
	if (cycle % 4)
		treat_all();
	/* Each other time it is certain that somebody sleeps in a hold. */
	if (cycle % 4 == 1 || cycle % 4 == 3)
		CHECK(POLL(30 * NS_PER_S, held_stands_still()), "cycle %ld: nobody is held", cycle);
	if (cycle % 4 == 3)
		interrupt_halted();
	start = test_now();
	err = gov_unload();
	*took = test_now() - start;
	NEED(!err, "cycle %ld: cannot unload: %s", cycle, strerror(-err));
	CHECK(*took <= unload_ms * NS_PER_MS, "cycle %ld: unloading took %.1f ms", cycle,
	      *took / 1e6);
	all_go_on(cycle);
}

/* Whoever loads and looks must not queue behind all who spin. */
static void be_nice(const struct vmm *vmm)
{
	unsigned int i;

	for (i = 0; i < vmm->opts.nr_vcpus; i++) {
		NEED(POLL(10 * NS_PER_S, vmm->vcpu[i].tid), "no thread");
		setpriority(PRIO_PROCESS, vmm->vcpu[i].tid, 10);
	}
}

/* VMs come and go beside it. */
static void make_and_end_vms(void *arg)
{
	static const enum vmm_mode modes[] = { VMM_SPIN, VMM_CPUID, VMM_OUT, VMM_PARK, VMM_MIX };
	struct vmm_opts opts = {};
	unsigned int i;

	(void)arg;
	setpriority(PRIO_PROCESS, 0, 10);
	for (i = 0;; i++) {
		struct vmm *vmm;

		opts.nr_vcpus = 1 + i % 3;
		opts.mode = modes[i % ARRAY_SIZE(modes)];
		opts.irqchip = i % 2;
		vmm = vmm_launch(&opts);
		if (!vmm)
			_exit(1);
		test_sleep(5 * NS_PER_MS);
		if (vmm_error(vmm))
			_exit(2);
		vmm_destroy(vmm);
	}
}

static void storm(const void *arg)
{
	int64_t took[cycles], start = test_now();
	pid_t maker;
	int status;
	size_t i;
	long n;

	(void)arg;
	if (gov_loaded())
		NEED(!gov_unload(), "cannot unload");
	for (i = 0; i < NR_GUESTS; i++) {
		vmms[i] = gov_launch(&guests[i].opts);
		be_nice(vmms[i]);
	}
	maker = test_fork(make_and_end_vms, NULL);
	for (n = 0; n < cycles && !test_failed(); n++) {
		one_cycle(n, &took[n]);
		if (n % 20 == 19)
			test_diag("%ld cycles in %.0f s", n + 1, (test_now() - start) / 1e9);
	}
	CHECK(!waitpid(maker, &status, WNOHANG), "the process that makes VMs beside it has ended");
	kill(maker, SIGKILL);
	waitpid(maker, &status, 0);
	for (i = 0; i < NR_GUESTS; i++)
		gov_end(vmms[i]);
	if (n) {
		test_sort(took, n);
		test_diag("unloading: median %.1f ms, longest %.1f ms",
			  test_percentile(took, n, 50) / 1e6, took[n - 1] / 1e6);
	}
}

/* Whoever was held or frozen runs again at once. */
static void releases(const void *arg)
{
	const char *state = arg;
	const struct vmm_opts opts = { .nr_vcpus = 1, .mode = VMM_SPIN };
	struct vmm *vmm;
	uint64_t id, work;
	int64_t start;

	vmm = gov_start(&opts, &id);
	gov_set(id, 1000, 1000000);
	if (state)
		NEED(!gov_write(state, "vms/%" PRIu64 "/state", id), "cannot freeze");
	gov_wait_still(vmm);
	work = vmm_total_work(vmm);
	start = test_now();
	NEED(!gov_unload(), "cannot unload");
	CHECK(POLL(10 * NS_PER_S, vmm_total_work(vmm) > work), "still not running");
	test_diag("unloaded and running in %.1f ms", (test_now() - start) / 1e6);
	gov_check_vmm(vmm);
	gov_end(vmm);
}

static const struct test_case cases[] = {
	{ "unloading releases who is held", releases, NULL },
	{ "unloading releases who is frozen", releases, "frozen" },
	{ "loading and unloading again and again", storm, NULL },
};

int main(int argc, char **argv)
{
	test_init(argc, argv, options);
	test_main(cases, ARRAY_SIZE(cases));
}
