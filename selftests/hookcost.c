// SPDX-License-Identifier: GPL-2.0-only
/*
 * hookcost: instructions that the module adds to a round trip of an exit,
 * beside what two empty probes add in the same boot.
 *
 * To be run where an instruction is a ns and a tick of the TSC (QEMU's
 * instruction counting, 2^0 ns each). A guest measures batches of CPUID exits.
 */
#define _GNU_SOURCE
#include <inttypes.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "gov.h"
#include "roundtrip.h"
#include "test.h"

static long batches = 15;
static long exits = 2000;
static long allowed = 100;
static long left_over = 1;

static const struct test_option options[] = {
	{ "batches", &batches, "batches to take the minimum of" },
	{ "exits", &exits, "exits in a batch" },
	{ "allowed", &allowed, "allowed cost in instructions" },
	{ "left-over", &left_over, "allowed cost after unloading" },
	{}
};

enum state {
	NOTHING,
	PROBES,
	NO_LIMIT,
	LIMIT,
	UNLOADED,
	NR_STATES
};

static const char *const state_names[NR_STATES] = {
	"nothing loaded",	   "two empty probes", "kvmgov, no limit",
	"kvmgov, a limit of 50 %", "kvmgov unloaded",
};

static double cost[NR_STATES];

static double instructions(struct vmm *vmm)
{
	return roundtrip_measure(vmm, batches).least;
}

static uint64_t the_vm(void)
{
	uint64_t id = 0;

	NEED(POLL(30 * NS_PER_S, (id = gov_find_pid(getpid())) != 0), "the VM is not published");
	return id;
}

static void measure_limit(struct vmm *vmm)
{
	uint64_t id = the_vm(), held;

	/* A period has the budget for a hundred batches without a hold. */
	gov_set(id, 500000, 1000000);
	held = gov_u64("vms/%" PRIu64 "/cpu/nr_held", id);
	cost[LIMIT] = instructions(vmm);
	test_diag("%" PRIu64 " holds while the limit was measured",
		  gov_u64("vms/%" PRIu64 "/cpu/nr_held", id) - held);
}

static void measure_all(struct vmm *vmm)
{
	int err;

	cost[NOTHING] = instructions(vmm);
	gov_kmod_load("kvmgov_probe0");
	cost[PROBES] = instructions(vmm);
	gov_kmod_unload("kvmgov_probe0");
	err = gov_load();
	NEED(!err, "cannot load the module: %s", strerror(-err));
	cost[NO_LIMIT] = instructions(vmm);
	measure_limit(vmm);
	err = gov_unload();
	NEED(!err, "cannot unload the module: %s", strerror(-err));
	cost[UNLOADED] = instructions(vmm);
}

static void measure(const void *arg)
{
	struct vmm_opts opts = { .nr_vcpus = 1, .mode = VMM_BATCH };
	double base, probes;
	struct vmm *vmm;
	int i;

	(void)arg;
	if (gov_loaded())
		NEED(!gov_unload(), "cannot unload the module");
	opts.param = exits;
	vmm = gov_create(&opts);
	measure_all(vmm);
	gov_end(vmm);

	base = cost[NOTHING];
	probes = cost[PROBES] - base;
	test_diag("instructions per CPUID round trip, minimum of %ld batches of %ld", batches,
		  exits);
	test_diag("%-26s %10s %8s %8s", "", "in all", "added", "ratio");
	for (i = 0; i < NR_STATES; i++)
		test_diag("%-26s %10.2f %8.2f %8.2f", state_names[i], cost[i], cost[i] - base,
			  (cost[i] - base) / probes);
}

static void against_probes(const void *arg)
{
	enum state state = *(const enum state *)arg;
	double added = cost[state] - cost[NOTHING];
	double probes = cost[PROBES] - cost[NOTHING];

	NEED(cost[UNLOADED], "not measured");
	CHECK(probes >= 1, "the empty probes add %.2f", probes);
	/* A batch also has the hundredths of whatever else has come to pass in it. */
	CHECK((long)(added + 0.5) <= allowed, "%.2f instructions, the empty probes %.2f", added,
	      probes);
}

static void nothing_left(const void *arg)
{
	double added = cost[UNLOADED] - cost[NOTHING];

	(void)arg;
	NEED(cost[UNLOADED], "not measured");
	CHECK(added <= left_over && added >= -left_over, "%.2f instructions", added);
}

static const enum state no_limit = NO_LIMIT, limit = LIMIT;

static const struct test_case cases[] = {
	{ "the cost of a round trip can be measured", measure, NULL },
	{ "the hooks without a limit beside two empty probes", against_probes, &no_limit },
	{ "the hooks with a limit beside two empty probes", against_probes, &limit },
	{ "nothing is left after unloading", nothing_left, NULL },
};

int main(int argc, char **argv)
{
	test_init(argc, argv, options);
	test_main(cases, ARRAY_SIZE(cases));
}
