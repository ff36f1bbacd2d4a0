// SPDX-License-Identifier: GPL-2.0-only
/*
 * hold: a held vCPU lets go at once when it must (a signal, a new limit, a
 * thaw, a kill) and never when it must not.
 */
#define _GNU_SOURCE
#include <inttypes.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

#include "gov.h"
#include "test.h"

#define LOW_QUOTA  10000   /* 1 % ... */
#define LOW_PERIOD 1000000 /* ... in periods of 1 s */
#define PROMPT_MS  10

static long rounds = 20;
static long prompt_ms = PROMPT_MS;
static long points = 10;

static const struct test_option options[] = {
	{ "rounds", &rounds, "how often a latency is measured" },
	{ "prompt-ms", &prompt_ms, "what counts as at once" },
	{ "points", &points, "allowed error of a short measurement, in tenths of a point" },
	{}
};

static const struct vmm_opts spin = { .nr_vcpus = 1, .mode = VMM_SPIN };

static struct vmm *held_vm(const struct vmm_opts *opts, uint64_t *id)
{
	struct vmm *vmm;

	gov_need();
	vmm = gov_launch(opts);
	*id = gov_find(vmm);
	gov_set(*id, LOW_QUOTA, LOW_PERIOD);
	gov_wait_still(vmm);
	return vmm;
}

static int set_state(uint64_t id, const char *state)
{
	return gov_write(state, "vms/%" PRIu64 "/state", id);
}

/*
 * On a busy machine one in ten may be late for reasons that are not ours; the
 * longest is shown.
 */
static void judge_latency(const char *what, int64_t *v, size_t nr, long limit_ms)
{
	int64_t p90;

	test_sort(v, nr);
	p90 = test_percentile(v, nr, 90);
	test_diag("%s: median %.2f ms, 90%% %.2f ms, longest %.2f ms", what,
		  test_percentile(v, nr, 50) / 1e6, p90 / 1e6, v[nr - 1] / 1e6);
	CHECK(p90 <= limit_ms * NS_PER_MS, "%s took %.2f ms", what, p90 / 1e6);
}

/* Signals that end KVM_RUN of a vCPU that stands still. */
static void signal_latency(struct vmm *vmm)
{
	struct vmm_vcpu *vcpu = &vmm->vcpu[0];
	int64_t v[rounds];
	long i;

	for (i = 0; i < rounds; i++) {
		uint64_t nr = *(volatile uint64_t *)&vcpu->nr_eintr;
		int64_t sent;

		/* Time to get back into KVM_RUN and be held again. */
		test_sleep(20 * NS_PER_MS);
		sent = test_now();
		vmm_kick(vcpu);
		NEED(POLL(10 * NS_PER_S, *(volatile uint64_t *)&vcpu->nr_eintr > nr),
		     "no EINTR within 10 s");
		v[i] = *(volatile uint64_t *)&vcpu->eintr_ns - sent;
	}
	judge_latency("from signal to EINTR", v, rounds, prompt_ms);
	gov_check_vmm(vmm);
}

static void signal_held(const void *arg)
{
	struct vmm *vmm;
	uint64_t id;

	(void)arg;
	vmm = held_vm(&spin, &id);
	signal_latency(vmm);
	gov_end(vmm);
}

static void signal_frozen(const void *arg)
{
	struct vmm *vmm;
	uint64_t id;

	(void)arg;
	vmm = gov_start(&spin, &id);
	NEED(!set_state(id, "frozen"), "cannot freeze");
	gov_wait_still(vmm);
	signal_latency(vmm);
	gov_end(vmm);
}

/* Rounds of work that a number of budgets allow, with half a budget of slack. */
static double allowance(double rate, double budgets)
{
	return rate * (budgets + 0.5) * LOW_QUOTA / 1e6;
}

/* Every signal makes the thread enter KVM_RUN anew. */
static void debt_stays(const void *arg)
{
	int64_t start, t;
	uint64_t id, work, eintr;
	struct vmm *vmm;
	double rate;

	(void)arg;
	vmm = gov_start(&spin, &id);
	rate = gov_work_rate(vmm);
	gov_set(id, LOW_QUOTA, LOW_PERIOD);
	gov_wait_still(vmm);

	work = vmm_total_work(vmm);
	eintr = vmm->vcpu[0].nr_eintr;
	start = test_now();
	for (t = start; t < start + 3 * NS_PER_S; t += NS_PER_MS) {
		test_sleep_until(t);
		vmm_kick(&vmm->vcpu[0]);
	}
	work = vmm_total_work(vmm) - work;
	test_diag("%" PRIu64 " interrupted KVM_RUNs in %.1f s; worked for %.2f ms",
		  *(volatile uint64_t *)&vmm->vcpu[0].nr_eintr - eintr, (test_now() - start) / 1e9,
		  work / rate * 1e3);
	CHECK(vmm->vcpu[0].nr_eintr - eintr > 100, "few interruptions");
	/* Three periods touch four budgets at most. */
	CHECK(work <= allowance(rate, 4),
	      "worked for %.2f ms, budget %d ms: %.1f us too much per entry", work / rate * 1e3,
	      4 * LOW_QUOTA / 1000,
	      (work / rate * 1e6 - 4 * LOW_QUOTA) / (vmm->vcpu[0].nr_eintr - eintr));
	gov_end(vmm);
}

/* What a VMM's stop and cont come to. */
static void pause_no_refill(const void *arg)
{
	uint64_t id, work;
	struct vmm *vmm;
	double rate;
	int i;

	(void)arg;
	vmm = gov_start(&spin, &id);
	rate = gov_work_rate(vmm);
	gov_set(id, LOW_QUOTA, LOW_PERIOD);
	gov_wait_still(vmm);
	work = vmm_total_work(vmm);
	for (i = 0; i < 20; i++) {
		vmm_pause(vmm);
		test_sleep(50 * NS_PER_MS);
		vmm_resume(vmm);
		test_sleep(50 * NS_PER_MS);
	}
	work = vmm_total_work(vmm) - work;
	test_diag("worked for %.2f ms in 2 s", work / rate * 1e3);
	CHECK(work <= allowance(rate, 3), "worked for %.2f ms", work / rate * 1e3);
	gov_end(vmm);
}

/* How long after a write the guest works; the write is part of it. */
static int64_t release_latency(struct vmm *vmm, uint64_t id, const char *file, const char *text)
{
	const struct timespec blink = { .tv_nsec = 100000 };
	uint64_t work = vmm_total_work(vmm);
	int64_t start = test_now();
	int err;

	err = gov_write(text, "vms/%" PRIu64 "/%s", id, file);
	NEED(!err, "%s: writing %s: %s", file, text, strerror(-err));
	while (vmm_total_work(vmm) == work) {
		NEED(test_now() < start + 10 * NS_PER_S, "not released within 10 s");
		nanosleep(&blink, NULL);
	}
	return test_now() - start;
}

static void raise_releases(const void *arg)
{
	const char *quota = arg;
	long i, nr = rounds / 2 + 1;
	int64_t v[nr];
	struct vmm *vmm;
	uint64_t id;

	vmm = held_vm(&spin, &id);
	for (i = 0; i < nr; i++) {
		v[i] = release_latency(vmm, id, "cpu/quota_us", quota);
		gov_set(id, LOW_QUOTA, LOW_PERIOD);
		gov_wait_still(vmm);
	}
	judge_latency("from write to release", v, nr, prompt_ms);
	gov_end(vmm);
}

static void reads_state(uint64_t id, const char *want)
{
	char state[32];

	gov_read(state, sizeof(state), "vms/%" PRIu64 "/state", id);
	CHECK(!strcmp(state, want), "state is '%s', not '%s'", state, want);
}

static void freeze_thaw(const void *arg)
{
	const struct vmm_opts *opts = arg;
	long i, nr = rounds / 2 + 1;
	int64_t v[nr];
	uint64_t id, work, paused;
	struct vmm *vmm;
	long late = 0;

	gov_need();
	vmm = gov_launch(opts);
	id = gov_find(vmm);
	for (i = 0; i < nr; i++) {
		NEED(POLL(10 * NS_PER_S, vmm_total_work(vmm)), "no work");
		paused = gov_u64("vms/%" PRIu64 "/ledger/paused_ns", id);
		NEED(!set_state(id, "frozen"), "cannot freeze");
		test_sleep(prompt_ms * NS_PER_MS);
		work = vmm_total_work(vmm);
		test_sleep(50 * NS_PER_MS);
		late += vmm_total_work(vmm) != work;
		reads_state(id, "frozen");
		CHECK(gov_u64("vms/%" PRIu64 "/ledger/paused_ns", id) > paused + 40 * NS_PER_MS,
		      "paused_ns does not grow");
		v[i] = release_latency(vmm, id, "state", "running");
		reads_state(id, "running");
	}
	test_diag("%ld of %ld times the guest still worked %ld ms after the freeze", late, nr,
		  prompt_ms);
	CHECK(late <= nr / 10, "%ld times late", late);
	/* The thread that looks shares the CPUs with the vCPUs it has released. */
	judge_latency("from thaw to work", v, nr, prompt_ms * (opts->nr_vcpus < 2 ? 1 : 5));
	gov_end(vmm);
}

static void freeze_halted(const void *arg)
{
	const struct vmm_opts opts = {
		.nr_vcpus = 1,
		.mode = VMM_HLT,
		.irqchip = true,
	};
	struct vmm *vmm;
	uint64_t id, work;

	(void)arg;
	vmm = gov_start(&opts, &id);
	vmm_interrupt(&vmm->vcpu[0]);
	NEED(POLL(10 * NS_PER_S, vmm_total_work(vmm)), "does not wake");
	gov_wait_still(vmm);
	NEED(!set_state(id, "frozen"), "cannot freeze");
	work = vmm_total_work(vmm);
	vmm_interrupt(&vmm->vcpu[0]);
	test_sleep(200 * NS_PER_MS);
	CHECK(vmm_total_work(vmm) == work, "a frozen guest has worked");
	NEED(!set_state(id, "running"), "cannot thaw");
	CHECK(POLL(10 * NS_PER_S, vmm_total_work(vmm) > work), "the interrupt is lost");
	gov_check_vmm(vmm);
	gov_end(vmm);
}

/* Frozen and without a limit to come back to, or over its limit. */
static void freeze_held(const void *arg)
{
	struct vmm *vmm;
	uint64_t id, work;

	(void)arg;
	vmm = held_vm(&spin, &id);
	NEED(!set_state(id, "frozen"), "cannot freeze");
	work = vmm_total_work(vmm);
	NEED(!gov_write("max", "vms/%" PRIu64 "/cpu/quota_us", id), "cannot lift the limit");
	test_sleep(100 * NS_PER_MS);
	CHECK(vmm_total_work(vmm) == work, "lifting the limit has thawed the guest");
	NEED(!set_state(id, "running"), "cannot thaw");
	CHECK(POLL(10 * NS_PER_S, vmm_total_work(vmm) > work), "does not run again");
	gov_end(vmm);
}

/* Killed while held, or while frozen. */
static void kill_leaves_nothing(const void *arg)
{
	const char *state = arg;
	const struct vmm_opts opts = { .nr_vcpus = 4, .mode = VMM_SPIN };
	struct vmm *vmm;
	int64_t start;
	uint64_t id;

	gov_need();
	vmm = gov_fork(&opts);
	id = gov_find(vmm);
	if (state)
		NEED(!set_state(id, state), "cannot freeze");
	else
		gov_set(id, LOW_QUOTA, LOW_PERIOD);
	gov_wait_still(vmm);
	start = test_now();
	gov_kill(vmm);
	test_diag("the process ended in %.1f ms", (test_now() - start) / 1e6);
	CHECK(POLL(10 * NS_PER_S, !gov_exists("vms/%" PRIu64, id)),
	      "vms/%" PRIu64 " is still there", id);
	gov_no_leak();
}

static char process_state(pid_t pid)
{
	char path[64], text[512], *p;
	size_t n = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	f = fopen(path, "r");
	if (f) {
		n = fread(text, 1, sizeof(text) - 1, f);
		fclose(f);
	}
	text[n] = '\0';
	p = strrchr(text, ')');
	return p ? p[2] : '?';
}

static void stop_held(const void *arg)
{
	struct vmm *vmm;
	uint64_t id, work;
	int64_t start;

	(void)arg;
	gov_need();
	vmm = gov_fork(&spin);
	id = gov_find(vmm);
	gov_set(id, LOW_QUOTA, LOW_PERIOD);
	gov_wait_still(vmm);
	start = test_now();
	kill(vmm->pid, SIGSTOP);
	CHECK(POLL(10 * NS_PER_S, process_state(vmm->pid) == 'T'), "not stopped, but %c",
	      process_state(vmm->pid));
	test_diag("stopped in %.1f ms", (test_now() - start) / 1e6);
	work = vmm_total_work(vmm);
	kill(vmm->pid, SIGCONT);
	CHECK(POLL(10 * NS_PER_S, vmm_total_work(vmm) > work), "does not go on");
	gov_check_vmm(vmm);
	gov_end(vmm);
}

static double got_percent(const struct vmm *vmm, int64_t ns)
{
	int64_t start = test_now();
	uint64_t cpu = vmm_cpu_ns(vmm);

	test_sleep_until(start + ns);
	cpu = vmm_cpu_ns(vmm) - cpu;
	return 100.0 * cpu / (test_now() - start);
}

static void near(double got, double asked)
{
	test_diag("asked %.0f %%, got %.2f %%", asked, got);
	CHECK(got >= asked - points / 10.0 && got <= asked + points / 10.0,
	      "asked %.0f %%, got %.2f %%", asked, got);
}

static void live_change(const void *arg)
{
	static const unsigned int percents[] = { 10, 50, 25, 5, 40 };
	struct vmm *vmm;
	uint64_t id;
	size_t i;

	(void)arg;
	vmm = gov_start(&spin, &id);
	for (i = 0; i < ARRAY_SIZE(percents); i++) {
		gov_set(id, percents[i] * 200, 20000);
		/* Debt from the former limit is paid first. */
		test_sleep(200 * NS_PER_MS);
		near(got_percent(vmm, NS_PER_S), percents[i]);
	}
	gov_end(vmm);
}

static void capped_mode(const void *arg)
{
	const struct vmm_opts *opts = arg;
	struct vmm *vmm;
	uint64_t id;

	gov_need();
	vmm = gov_launch(opts);
	id = gov_find(vmm);
	gov_set(id, 10000, 50000);
	test_sleep(200 * NS_PER_MS);
	near(got_percent(vmm, 2 * NS_PER_S), 20);
	gov_check_vmm(vmm);
	gov_end(vmm);
}

static const struct vmm_opts four_spin = { .nr_vcpus = 4, .mode = VMM_SPIN };
static const struct vmm_opts out = { .nr_vcpus = 1, .mode = VMM_OUT };
static const struct vmm_opts cpuid = { .nr_vcpus = 1, .mode = VMM_CPUID };
static const struct vmm_opts mix = { .nr_vcpus = 2, .mode = VMM_MIX };

static const struct test_case cases[] = {
	{ "a signal ends KVM_RUN of a held vCPU", signal_held, NULL },
	{ "a signal ends KVM_RUN of a frozen vCPU", signal_frozen, NULL },
	{ "a signal every ms does not forgive the debt", debt_stays, NULL },
	{ "pause and resume do not refill the budget", pause_no_refill, NULL },
	{ "raising the quota releases", raise_releases, "500000" },
	{ "quota max releases", raise_releases, "max" },
	{ "freeze and thaw, one vCPU", freeze_thaw, &spin },
	{ "freeze and thaw, four vCPUs", freeze_thaw, &four_spin },
	{ "freeze and thaw, exits all the time", freeze_thaw, &out },
	{ "a frozen halted guest takes no interrupt until thawed", freeze_halted, NULL },
	{ "lifting the limit does not thaw", freeze_held, NULL },
	{ "a VMM killed while held leaves nothing", kill_leaves_nothing, NULL },
	{ "a VMM killed while frozen leaves nothing", kill_leaves_nothing, "frozen" },
	{ "a held VMM can be stopped and continued", stop_held, NULL },
	{ "the quota changes while the guest runs", live_change, NULL },
	{ "a guest that exits to user space is capped", capped_mode, &out },
	{ "a guest that exits to the kernel is capped", capped_mode, &cpuid },
	{ "a guest that does a bit of everything is capped", capped_mode, &mix },
};

int main(int argc, char **argv)
{
	test_init(argc, argv, options);
	test_main(cases, ARRAY_SIZE(cases));
}
