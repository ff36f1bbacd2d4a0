// SPDX-License-Identifier: GPL-2.0-only
/*
 * exits: a guest that makes a known number of exits of each kind; kvmgov counts
 * them one by one, under the names that the kernel gives them.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/ioctl.h>

#include "counts.h"
#include "gov.h"
#include "test.h"

static long each = 1000;
static long delay_us = 300;

static const struct test_option options[] = { { "each", &each, "exits of each kind" },
					      { "delay-us", &delay_us,
						"how long the VMM takes for those of one kind" },
					      {} };

/* One stay in KVM_RUN; why it ended. */
static uint32_t run(struct vmm_vcpu *vcpu)
{
	int err;

	do {
		err = ioctl(vcpu->fd, KVM_RUN, 0) ? errno : 0;
	} while (err == EINTR);
	NEED(!err, "KVM_RUN: %s", strerror(err));
	return vcpu->run->exit_reason;
}

static void program(struct vmm *vmm)
{
	struct vmm_vcpu *vcpu = &vmm->vcpu[0];
	int64_t until;
	long halts = 0, outs = 0;

	vmm_area(vmm, 0)->result = 1;
	while (halts < each) {
		if (run(vcpu) == KVM_EXIT_HLT) {
			halts++;
			continue;
		}
		outs++;
		until = test_now() + delay_us * NS_PER_US;
		while (test_now() < until)
			;
	}
	CHECK(outs == each, "%ld of %ld", outs, each);
}

/* Exits that the guest makes are counted exactly; and nothing that never was. */
static void check_counts(const struct counts *before, const struct counts *after, uint64_t nr_exits)
{
	static const char *const svm[] = { "cpuid", "msr", "io", "npf", "hlt" };
	static const char *const vmx[] = { "cpuid", "msr_read", "io_instruction", "ept_violation",
					   "hlt" };
	const char *const *names = counts_find(after, "io")->nr ? svm : vmx;
	size_t i;

	for (i = 0; i < after->nr; i++)
		test_diag("%-20s %8" PRIu64 "  %10.3f ms  longest %8.1f us", after->reasons[i].name,
			  after->reasons[i].nr, after->reasons[i].total_ns / 1e6,
			  after->reasons[i].max_ns / 1e3);
	for (i = 0; i < ARRAY_SIZE(svm); i++) {
		uint64_t nr = counts_find(after, names[i])->nr - counts_find(before, names[i])->nr;

		CHECK(nr == (uint64_t)each, "%s: %" PRIu64, names[i], nr);
	}
	CHECK(!counts_find(after, "unknown")->nr, "%" PRIu64 " are unknown",
	      counts_find(after, "unknown")->nr);
	CHECK(after->sum == nr_exits, "%" PRIu64 " by reason, %" PRIu64 " in all", after->sum,
	      nr_exits);
}

/* Figures of one reason agree with one another. */
static void check_figures(const struct reason *reason, bool lasts)
{
	uint64_t nr = 0, least = 0, most = 0;
	int i;

	for (i = 0; i < KVMGOV_EXIT_BUCKETS; i++) {
		nr += reason->histogram[i];
		least += reason->histogram[i] * (i ? 256ULL << i : 0);
		most += reason->histogram[i] * (512ULL << i);
	}
	CHECK(nr + lasts == reason->nr, "%s: %" PRIu64 " in the histogram of %" PRIu64,
	      reason->name, nr, reason->nr);
	CHECK(reason->total_ns >= least && (lasts || reason->total_ns <= most),
	      "%s: %" PRIu64 " ns, by the histogram %" PRIu64 " to %" PRIu64, reason->name,
	      reason->total_ns, least, most);
	CHECK(reason->max_ns <= reason->total_ns && reason->max_ns * reason->nr >= reason->total_ns,
	      "%s: the longest %" PRIu64 " ns of %" PRIu64, reason->name, reason->max_ns,
	      reason->total_ns);
}

static struct vmm *warm_up(uint64_t *id)
{
	const struct vmm_opts opts = {
		.nr_vcpus = 1,
		.mode = VMM_COUNT,
		.param = each,
		.touch = each * 4096,
	};
	struct vmm *vmm;
	int i;

	gov_need();
	vmm = gov_create(&opts);
	vmm_adopt(&vmm->vcpu[0]);
	for (i = 0; i < 100; i++)
		run(&vmm->vcpu[0]);
	*id = gov_find(vmm);
	return vmm;
}

static void counted(const void *arg)
{
	static struct counts before, after;
	struct vmm *vmm;
	struct link link;
	uint64_t id, io;
	size_t i;

	(void)arg;
	need_link(&link);
	vmm = warm_up(&id);
	counts_read(&before, &link, id);
	program(vmm);
	counts_read(&after, &link, id);
	check_counts(&before, &after, gov_u64("vms/%" PRIu64 "/vcpus/0/nr_exits", id));
	for (i = 0; i < after.nr; i++)
		check_figures(&after.reasons[i], !strcmp(after.reasons[i].name, "hlt"));
	io = counts_find(&after, "io")->total_ns + counts_find(&after, "io_instruction")->total_ns;
	CHECK(io >= (uint64_t)(each * delay_us * NS_PER_US),
	      "%.3f ms of I/O, the VMM has taken %.3f", io / 1e6, each * delay_us / 1e3);
	gov_end(vmm);
	gov_no_leak();
	link_close(&link);
}

/* A hold is not the time of an exit; a sleep in user space is, while it lasts. */
static void held_apart(const void *arg)
{
	const struct vmm_opts opts = { .nr_vcpus = 1, .mode = VMM_CPUID };
	static struct counts exits;
	struct vmm_vcpu *vcpu;
	uint64_t id, held, cpuid = 0;
	int64_t start;
	struct vmm *vmm;
	struct link link;
	size_t i;

	(void)arg;
	need_link(&link);
	vmm = gov_start(&opts, &id);
	start = test_now();
	gov_set(id, 10000, 100000);
	test_sleep(2 * NS_PER_S);
	held = gov_u64("vms/%" PRIu64 "/cpu/held_ns", id);
	counts_read(&exits, &link, id);
	for (i = 0; i < exits.nr; i++)
		cpuid += exits.reasons[i].total_ns;
	CHECK(held > 3 * NS_PER_S / 2, "held for %.3f s", held / 1e9);
	/* Those before the limit are among them. */
	CHECK(cpuid < test_now() - start - held + NS_PER_S, "exits of %.3f s, held %.3f in %.3f",
	      cpuid / 1e9, held / 1e9, (test_now() - start) / 1e9);
	gov_set(id, GOV_NONE, 100000);
	vcpu = &vmm->vcpu[0];
	vmm_pause(vmm);
	NEED(POLL(10 * NS_PER_S, vcpu->nr_eintr), "it does not leave");
	counts_read(&exits, &link, id);
	for (i = 0, cpuid = 0; i < exits.nr; i++)
		cpuid += exits.reasons[i].total_ns;
	test_sleep(NS_PER_S);
	counts_read(&exits, &link, id);
	for (i = 0; i < exits.nr; i++)
		cpuid -= exits.reasons[i].total_ns;
	CHECK(-(int64_t)cpuid > 9 * NS_PER_S / 10, "%.3f s in a second", -(int64_t)cpuid / 1e9);
	vmm_resume(vmm);
	gov_end(vmm);
	link_close(&link);
}

static const struct test_case cases[] = {
	{ "each exit is counted under its name", counted, NULL },
	{ "a hold is no exit's time, a sleep of the VMM is", held_apart, NULL },
};

int main(int argc, char **argv)
{
	test_init(argc, argv, options);
	test_main(cases, ARRAY_SIZE(cases));
}
