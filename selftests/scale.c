// SPDX-License-Identifier: GPL-2.0-only
/*
 * scale: what the module adds to an exit does not depend on how many VMs there
 * are, for one that runs alone, nor where each exit is of another VM.
 *
 * To be run where an instruction is a ns and a tick of the TSC. All VMs are of
 * this process and run by one thread.
 */
#define _GNU_SOURCE
#include <inttypes.h>
#include <sys/resource.h>
#include <x86intrin.h>

#include "figures.h"
#include "gov.h"
#include "roundtrip.h"
#include "test.h"

#define EXITS	  500
#define MAX_STEPS 8
#define NR_MANY	  8
#define PATIENCE  (60 * NS_PER_S)

static long most = 1000;
static long batches = 9;
static long rounds = 4;
static long grows = 2;
static long grows_in_turn = 10;
static long most_kib = 20;

static const struct test_option options[] = {
	{ "vms", &most, "VMs in the end" },
	{ "batches", &batches, "batches to take the minimum of" },
	{ "rounds", &rounds, "rounds through all VMs to take the minimum of" },
	{ "grows", &grows, "instructions that more VMs may cost the one that runs" },
	{ "grows-in-turn", &grows_in_turn, "the same where they run in turn" },
	{ "kib", &most_kib, "memory that each vCPU of a large VM may take" },
	{}
};

/**
 * struct step - what was measured with some VMs
 * @nr:		how many
 * @one:	added to a round trip of one of them that runs alone
 * @turn:	added to a KVM_RUN with a CPUID and an OUT to user space, each of another
 *		VM; 0 for one VM
 */
struct step {
	long nr;
	double one;
	double turn;
};

static struct step steps[MAX_STEPS];
static size_t nr_steps;

/* The first measures; each of the others makes one exit that KVM handles and one
 * to this process, in turn.
 */
static struct vmm *vmms[GOV_MAX_VMS];
static long nr_vmms;

static void grow(long nr)
{
	struct vmm_opts opts = { .nr_vcpus = 1, .mode = VMM_BATCH, .touch = 4096 };

	for (; nr_vmms < nr; nr_vmms++) {
		opts.param = nr_vmms ? 1 : EXITS;
		vmms[nr_vmms] = gov_create(&opts);
	}
}

static void run_once(struct vmm_vcpu *vcpu)
{
	vmm_adopt(vcpu);
	NEED(vmm_run_once(vcpu), "%s", strerror(vmm_error(vcpu->vmm)));
}

static void run_all(void)
{
	long i;

	for (i = 1; i < nr_vmms; i++)
		run_once(&vmms[i]->vcpu[0]);
}

/* Ticks of a KVM_RUN when each is of another VM. */
static double in_turn(void)
{
	uint64_t start, ticks, least = UINT64_MAX;
	long i;

	if (nr_vmms < 2)
		return 0;
	run_all();
	for (i = 0; i < rounds; i++) {
		start = __rdtsc();
		run_all();
		ticks = __rdtsc() - start;
		if (ticks < least)
			least = ticks;
	}
	return (double)least / (nr_vmms - 1);
}

static uint64_t governed(void)
{
	static uint64_t ids[GOV_MAX_VMS];

	return gov_vms(ids, GOV_MAX_VMS);
}

/* All VMs are found, and nothing is done for them any more. */
static void attach_all(void)
{
	int err = gov_load();

	NEED(!err, "cannot load the module: %s", strerror(-err));
	roundtrip_measure(vmms[0], 1);
	run_all();
	run_all();
	NEED(POLL(PATIENCE, governed() == (uint64_t)nr_vmms), "%" PRIu64 " of %ld VMs", governed(),
	     nr_vmms);
}

/* All that the kernel has given to whoever asked for memory by the byte. */
static uint64_t slab_kib(void)
{
	FILE *refresh = fopen("/proc/sys/vm/stat_refresh", "we");
	FILE *file = fopen("/proc/meminfo", "re");
	uint64_t kib = 0;
	char line[128];

	/* What each CPU has counted is summed up when somebody asks for that. */
	NEED(refresh && fputs("1", refresh) > 0 && !fclose(refresh), "vm.stat_refresh: %s",
	     strerror(errno));
	NEED(file, "/proc/meminfo: %s", strerror(errno));
	while (fgets(line, sizeof(line), file))
		if (sscanf(line, "Slab: %" SCNu64, &kib) == 1)
			break;
	fclose(file);
	return kib;
}

/* Each vCPU of these VMs leaves its guest, and is known if the module is there. */
static void run_many(struct vmm *const *many)
{
	long i, j;

	for (i = 0; i < NR_MANY; i++)
		for (j = 0; j < VMM_MAX_VCPUS; j++)
			run_once(&many[i]->vcpu[j]);
}

static bool all_published(void)
{
	uint64_t ids[NR_MANY], sum = 0;
	size_t i, nr = gov_vms(ids, NR_MANY);

	for (i = 0; i < nr; i++)
		if (gov_exists("vms/%" PRIu64 "/vcpus/%d/tid", ids[i], VMM_MAX_VCPUS - 1))
			sum++;
	return sum == NR_MANY;
}

/* Memory that the module takes for each vCPU, where VMs have many. */
static void memory(const void *arg)
{
	struct vmm_opts opts = {
		.nr_vcpus = VMM_MAX_VCPUS,
		.mode = VMM_BATCH,
		.param = 1,
		.touch = 4096,
	};
	struct vmm *many[NR_MANY];
	uint64_t before;
	double kib;
	int err, i;

	(void)arg;
	for (i = 0; i < NR_MANY; i++)
		many[i] = gov_create(&opts);
	run_many(many);
	before = slab_kib();
	err = gov_load();
	NEED(!err, "cannot load the module: %s", strerror(-err));
	run_many(many);
	run_many(many);
	NEED(POLL(PATIENCE, all_published()), "not all VMs are published");
	kib = (double)(slab_kib() - before) / (NR_MANY * VMM_MAX_VCPUS);
	err = gov_unload();
	NEED(!err, "cannot unload the module: %s", strerror(-err));
	for (i = 0; i < NR_MANY; i++)
		gov_end(many[i]);
	test_diag("%.1f KiB of slab for each of %d vCPUs", kib, NR_MANY * VMM_MAX_VCPUS);
	figures_put("memory", "vcpu", "slab_kib", kib);
	CHECK(kib <= most_kib, "%.1f KiB", kib);
}

static void note(const struct step *step, double kib)
{
	char item[32];

	test_diag("%4ld VMs: added to an exit %.2f, in turn %.2f; %.1f KiB of slab for each",
		  step->nr, step->one, step->turn, kib);
	snprintf(item, sizeof(item), "%ld", step->nr);
	figures_put("scale", item, "one", step->one);
	figures_put("scale", item, "turn", step->turn);
	figures_put("scale", item, "slab_kib", kib);
}

static void measure_step(struct step *step)
{
	double one, turn;
	uint64_t slab;
	int err;

	grow(step->nr);
	one = roundtrip_measure(vmms[0], batches).least;
	turn = in_turn();
	slab = slab_kib();
	attach_all();
	slab = slab_kib() - slab;
	step->one = roundtrip_measure(vmms[0], batches).least - one;
	step->turn = in_turn() - turn;
	err = gov_unload();
	NEED(!err, "cannot unload the module: %s", strerror(-err));
	note(step, (double)slab / step->nr);
}

static void measure(const void *arg)
{
	struct rlimit files = { 8 * GOV_MAX_VMS, 8 * GOV_MAX_VMS };
	long nr;

	(void)arg;
	NEED(most > 0 && most < GOV_MAX_VMS, "--vms");
	NEED(!setrlimit(RLIMIT_NOFILE, &files), "%s", strerror(errno));
	if (gov_loaded())
		NEED(!gov_unload(), "cannot unload the module");
	for (nr = 1; nr <= most && nr_steps < MAX_STEPS; nr *= 10) {
		steps[nr_steps].nr = nr;
		measure_step(&steps[nr_steps]);
		nr_steps++;
	}
	while (nr_vmms)
		gov_end(vmms[--nr_vmms]);
}

static void one_alone(const void *arg)
{
	const struct step *first = &steps[0], *last;

	(void)arg;
	NEED(nr_steps >= 2, "not measured");
	last = &steps[nr_steps - 1];
	CHECK(first->one >= 1, "it adds %.2f", first->one);
	CHECK(last->one - first->one <= grows, "%.2f with %ld VMs, %.2f with one", last->one,
	      last->nr, first->one);
}

static void each_in_turn(const void *arg)
{
	const struct step *first = &steps[1], *last;

	(void)arg;
	NEED(nr_steps >= 3, "not measured");
	last = &steps[nr_steps - 1];
	CHECK(first->turn >= 1, "it adds %.2f", first->turn);
	CHECK(last->turn - first->turn <= grows_in_turn, "%.2f with %ld VMs, %.2f with %ld",
	      last->turn, last->nr, first->turn, first->nr);
}

static const struct test_case cases[] = {
	{ "the cost can be measured with as many VMs", measure, NULL },
	{ "more VMs cost the one that runs nothing", one_alone, NULL },
	{ "more VMs cost those that run in turn nothing", each_in_turn, NULL },
	{ "a vCPU takes no more memory than it may", memory, NULL },
};

int main(int argc, char **argv)
{
	test_init(argc, argv, options);
	test_main(cases, ARRAY_SIZE(cases));
}
