// SPDX-License-Identifier: GPL-2.0-only
/*
 * steal: the time that vCPUs are held reaches the guest as steal time, and while
 * a vCPU is held the guest is told that it does not run. Both are in an area of
 * guest memory that KVM writes (Documentation/virt/kvm/x86/msr.rst).
 */
#define _GNU_SOURCE
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>

#include "books.h"
#include "gov.h"
#include "test.h"

#define MSR_STEAL     0x4b564d03
#define STEAL_ENABLED 1

static long seconds = 4;
static long error = 5000;
static long within = 2;
static long exact = 1;

static const struct test_option options[] = {
	{ "seconds", &seconds, "how long to measure" },
	{ "within", &within, "points by which the steal time may miss what is asked" },
	{ "exact", &exact, "0: only what holds however slow the machine is" },
	{ "error", &error, "ppm of the time by which figures may differ" },
	{}
};

/**
 * struct area - what KVM writes for the guest
 * @steal:	steal time in ns
 * @version:	odd while it is written
 * @flags:	none
 * @preempted:	the vCPU does not run, and would
 */
struct area {
	volatile uint64_t steal;
	volatile uint32_t version;
	volatile uint32_t flags;
	volatile uint8_t preempted;
	uint8_t pad[47];
};

static struct link netlink;

/**
 * struct subject - a VM with one vCPU that has steal time
 * @vmm:	the VM
 * @keeper:	its books
 * @area:	what KVM tells it
 * @start:	the books at the beginning
 * @diff:	what has been added to them
 * @stolen:	what has been added to the steal time
 */
struct subject {
	struct vmm *vmm;
	struct keeper keeper;
	struct area *area;
	struct books start, diff;
	uint64_t stolen;
};

/* In the last page, which the guest does not use. */
static void enable_steal(struct subject *s)
{
	struct {
		struct kvm_msrs head;
		struct kvm_msr_entry entry;
	} msrs = { .head.nmsrs = 1, .entry.index = MSR_STEAL };
	size_t gpa = s->vmm->mem_size - 4096;

	msrs.entry.data = gpa | STEAL_ENABLED;
	NEED(ioctl(s->vmm->vcpu[0].fd, KVM_SET_MSRS, &msrs) == 1, "no steal time here");
	s->area = (struct area *)(s->vmm->mem + gpa);
}

static void subject_start(struct subject *s, enum vmm_mode mode)
{
	const struct vmm_opts opts = { .nr_vcpus = 1, .mode = mode };

	gov_need();
	if (!netlink.sock)
		need_link(&netlink);
	s->vmm = gov_create(&opts);
	enable_steal(s);
	vmm_start(s->vmm);
	s->keeper = (struct keeper){
		.link = &netlink, .vmm = s->vmm, .id = gov_find(s->vmm), .stats = -1
	};
}

/* On a slow machine the vCPU is held in each look, and figures differ anyway. */
static void look_up(struct books *books, const struct subject *s)
{
	if (exact)
		books_read_running(books, &s->keeper);
	else
		books_read(books, &s->keeper);
}

static void begin(struct subject *s)
{
	look_up(&s->start, s);
	s->stolen = s->area->steal;
}

static void finish(struct subject *s, const char *what)
{
	struct books end;
	double percent;

	look_up(&end, s);
	s->stolen = s->area->steal - s->stolen;
	books_subtract(&s->diff, &end, &s->start);
	percent = 100.0 / s->diff.wall;
	test_diag("%s: steal %.3f %%, held %.3f, ready %.3f, paused %.3f; run_delay %.3f", what,
		  s->stolen * percent, s->diff.state[BOOKS_HELD_CPU] * percent,
		  s->diff.state[BOOKS_READY] * percent, s->diff.state[BOOKS_PAUSED] * percent,
		  s->diff.delay * percent);
}

static void check_stolen(const struct subject *s, int64_t expected)
{
	CHECK(llabs((int64_t)s->stolen - expected) <= s->diff.wall / 1000000.0 * error,
	      "steal %.3f ms, expected %.3f", s->stolen / 1e6, expected / 1e6);
}

/*
 * How many of the looks find the vCPU not running, by what the guest sees. On one
 * CPU all should: who looks has taken it from the vCPU, if it was not held.
 */
static double look(struct subject *s, unsigned long *looks)
{
	int64_t end = test_now() + seconds * NS_PER_S;
	unsigned long nr = 0, yes = 0;

	while (test_now() < end) {
		test_nap();
		nr++;
		yes += s->area->preempted & 1;
	}
	*looks = nr;
	return 100.0 * yes / nr;
}

/* A guest at a quarter of a CPU sees three quarters stolen. */
static void held_is_stolen(const void *arg)
{
	const unsigned int *percent = arg;
	unsigned long looks;
	struct subject s;
	double away;

	subject_start(&s, VMM_SPIN);
	gov_set(s.keeper.id, *percent * 1000, 100000);
	test_sleep(200 * NS_PER_MS);
	begin(&s);
	away = look(&s, &looks);
	finish(&s, "held");
	test_diag("not running at %.1f %% of %lu looks", away, looks);
	check_stolen(&s, s.diff.state[BOOKS_HELD_CPU] + s.diff.state[BOOKS_READY]);
	CHECK(s.stolen > s.diff.wall / 100.0 * (100 - within - *percent) &&
		      s.stolen < s.diff.wall / 100.0 * (100 + within - *percent),
	      "steal is %.3f %% of the time", 100.0 * s.stolen / s.diff.wall);
	CHECK(!exact || away > 98,
	      "the guest is told at %.1f %% of the looks only that its vCPU does not run", away);
	gov_end(s.vmm);
}

/*
 * However a hold begins: KVM by itself tells of a vCPU only whose last exit was an
 * interrupt's. Looks at the vCPU while it is held, and has been since the look
 * before.
 */
static void held_is_told(const void *arg)
{
	const enum vmm_mode *mode = arg;
	unsigned long looks = 0, yes = 0;
	struct books last, now;
	struct subject s;
	int64_t end;

	subject_start(&s, *mode);
	gov_set(s.keeper.id, 25000, 100000);
	test_sleep(200 * NS_PER_MS);
	books_read(&last, &s.keeper);
	for (end = test_now() + seconds * NS_PER_S; test_now() < end; last = now) {
		test_nap();
		books_read(&now, &s.keeper);
		if (now.cpu != last.cpu || now.state[BOOKS_HELD_CPU] == last.state[BOOKS_HELD_CPU])
			continue;
		looks++;
		yes += s.area->preempted & 1;
	}
	test_diag("told of at %lu of %lu looks", yes, looks);
	CHECK(!exact || looks > 50, "looked %lu times only", looks);
	CHECK(!exact || yes > looks / 100.0 * 98,
	      "the guest is told at %lu of %lu looks only that its vCPU is held", yes, looks);
	gov_end(s.vmm);
}

/* Unless it is not to be told. */
static void switched_off(const void *arg)
{
	uint64_t before;
	struct subject s;

	(void)arg;
	subject_start(&s, VMM_SPIN);
	gov_set(s.keeper.id, 25000, 100000);
	gov_write("0", "vms/%" PRIu64 "/cpu/steal", s.keeper.id);
	test_sleep(200 * NS_PER_MS);
	begin(&s);
	test_sleep(seconds * NS_PER_S);
	finish(&s, "switched off");
	CHECK(s.diff.state[BOOKS_HELD_CPU] > s.diff.wall / 2, "not held");
	check_stolen(&s, s.diff.state[BOOKS_READY]);
	/* What was not told then is not told later. */
	before = s.area->steal;
	gov_set(s.keeper.id, GOV_NONE, 100000);
	gov_write("1", "vms/%" PRIu64 "/cpu/steal", s.keeper.id);
	test_sleep(500 * NS_PER_MS);
	CHECK(s.area->steal - before < 250 * NS_PER_MS, "%.3f ms stolen without a limit",
	      (s.area->steal - before) / 1e6);
	gov_end(s.vmm);
}

/* A frozen VM stands still: nothing is stolen from it. */
static void frozen(const void *arg)
{
	struct subject s;

	(void)arg;
	subject_start(&s, VMM_SPIN);
	begin(&s);
	gov_write("frozen", "vms/%" PRIu64 "/state", s.keeper.id);
	test_sleep(seconds * NS_PER_S);
	gov_write("running", "vms/%" PRIu64 "/state", s.keeper.id);
	test_sleep(100 * NS_PER_MS);
	finish(&s, "frozen");
	CHECK(s.diff.state[BOOKS_PAUSED] > s.diff.wall / 2, "not frozen");
	check_stolen(&s, s.diff.state[BOOKS_READY]);
	gov_end(s.vmm);
}

/* Two that want a CPU, each held at 40 %: the guest sees a sum, the host two. */
static void both(const void *arg)
{
	struct subject s[2];
	int i;

	(void)arg;
	for (i = 0; i < 2; i++)
		subject_start(&s[i], VMM_SPIN);
	/* At once, so that their periods begin together. */
	for (i = 0; i < 2; i++)
		gov_set(s[i].keeper.id, 40000, 100000);
	test_sleep(200 * NS_PER_MS);
	for (i = 0; i < 2; i++)
		begin(&s[i]);
	test_sleep(seconds * NS_PER_S);
	for (i = 0; i < 2; i++) {
		int64_t held, ready;

		finish(&s[i], "held and contended");
		held = s[i].diff.state[BOOKS_HELD_CPU];
		ready = s[i].diff.state[BOOKS_READY];
		check_stolen(&s[i], held + ready);
		/* run_delay has the holds in it, for the guest's sake. */
		CHECK(llabs(s[i].diff.delay - held - ready) <= s[i].diff.wall / 1000000.0 * error,
		      "run_delay %.3f ms, held %.3f, ready %.3f", s[i].diff.delay / 1e6, held / 1e6,
		      ready / 1e6);
	}
	CHECK(!exact || s[0].diff.state[BOOKS_READY] + s[1].diff.state[BOOKS_READY] >
				s[0].diff.wall / 20,
	      "not contended");
	for (i = 0; i < 2; i++)
		gov_end(s[i].vmm);
}

int main(int argc, char **argv)
{
	static const enum vmm_mode spins = VMM_SPIN, exits = VMM_CPUID, leaves = VMM_OUT,
				   mixed = VMM_MIX;
	static const unsigned int quarter = 25, most = 90;
	static const struct test_case cases[] = {
		{ "a guest held at 25 % sees 75 % steal", held_is_stolen, &quarter },
		{ "a guest held at 90 % sees 10 % steal", held_is_stolen, &most },
		{ "a guest that spins is told of its holds", held_is_told, &spins },
		{ "a guest that exits all the time is told of its holds", held_is_told, &exits },
		{ "a guest that goes to its VMM is told of its holds", held_is_told, &leaves },
		{ "a guest that does all of that is told of its holds", held_is_told, &mixed },
		{ "steal time switched off", switched_off, NULL },
		{ "a frozen VM has no steal time", frozen, NULL },
		{ "held and contended are told apart on the host", both, NULL },
	};

	test_init(argc, argv, options);
	test_main(cases, ARRAY_SIZE(cases));
}
