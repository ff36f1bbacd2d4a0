// SPDX-License-Identifier: GPL-2.0-only
/*
 * freezer: the kernel freezes tasks, for suspend or by cgroup v2, while vCPUs
 * run, halt, are held and are frozen by kvmgov. It must neither wait for a hold
 * nor be refused, and afterwards all go on as before.
 */
#define _GNU_SOURCE
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cgroup.h"
#include "gov.h"
#include "test.h"

#define PM_TEST	    "/sys/power/pm_test"
#define PM_STATE    "/sys/power/state"
#define PM_TIMEOUT  "/sys/power/pm_freeze_timeout"
#define PM_DELAY    "/sys/module/suspend/parameters/pm_test_delay"
#define CGROUP	    CGROUP_MOUNT "/kvmgov-freezer"
#define LOW_QUOTA   100000  /* 10 %, so that no debt outlasts our patience, ... */
#define LOW_PERIOD  1000000 /* ... in periods of 1 s */
#define PATIENCE    (30 * NS_PER_S)
#define PM_GIVES_UP 10000 /* ms */

static long rounds = 5;
static long freeze_ms = 3000;

static const struct test_option options[] = {
	{ "rounds", &rounds, "how often each kind of guest is frozen" },
	{ "freeze-ms", &freeze_ms, "how long freezing may take" },
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
	{ "free", { .nr_vcpus = 2, .mode = VMM_SPIN }, LEAVE },
	{ "exiting", { .nr_vcpus = 1, .mode = VMM_OUT }, LEAVE },
	{ "held", { .nr_vcpus = 2, .mode = VMM_SPIN }, HOLD },
	{ "frozen", { .nr_vcpus = 2, .mode = VMM_SPIN }, FREEZE },
	{ "capped", { .nr_vcpus = 2, .mode = VMM_MIX }, CAP },
	{ "halted", { .nr_vcpus = 1, .mode = VMM_HLT, .irqchip = true }, HOLD },
};

static void set_state(uint64_t id, const char *state)
{
	int err = gov_write(state, "vms/%" PRIu64 "/state", id);

	NEED(!err, "%s: %s", state, strerror(-err));
}

static void treat(struct vmm *vmm, uint64_t id, enum treatment treatment)
{
	switch (treatment) {
	case LEAVE:
		break;
	case HOLD:
		/* Forgives what an earlier round owes. */
		gov_set(id, GOV_NONE, LOW_PERIOD);
		gov_set(id, LOW_QUOTA, LOW_PERIOD);
		gov_wait_still(vmm);
		break;
	case FREEZE:
		set_state(id, "frozen");
		gov_wait_still(vmm);
		break;
	case CAP:
		gov_set(id, 2000, 10000);
		break;
	}
}

/* What kvmgov has frozen stands still, and runs when that is over. */
static void goes_on(struct vmm *vmm, uint64_t id, const struct guest *guest)
{
	uint64_t work;
	unsigned int i;

	if (guest->treatment == FREEZE) {
		/* The thread has left KVM_RUN: it is held when it is back. */
		gov_wait_still(vmm);
		set_state(id, "running");
	}
	for (i = 0; i < vmm->opts.nr_vcpus; i++) {
		work = vmm_work(vmm, i);
		if (guest->opts.irqchip && !vmm->forked)
			vmm_interrupt(&vmm->vcpu[i]);
		CHECK(POLL(PATIENCE, vmm_work(vmm, i) > work),
		      "%s: vCPU %u stands still; the VM has used %.1f ms", guest->what, i,
		      gov_u64("vms/%" PRIu64 "/cpu/usage_ns", id) / 1e6);
	}
	if (guest->treatment == HOLD && !guest->opts.irqchip)
		CHECK(gov_u64("vms/%" PRIu64 "/cpu/nr_held", id), "%s: never held", guest->what);
	gov_check_vmm(vmm);
}

static void need_pm_test(void)
{
	if (access(PM_TEST, W_OK) || access(PM_DELAY, W_OK))
		test_skip("this kernel has no " PM_TEST);
	NEED(cgroup_put(PM_TEST, "freezer"), PM_TEST ": %s", strerror(errno));
	NEED(cgroup_put(PM_DELAY, "0"), PM_DELAY ": %s", strerror(errno));
	/* A failure is to show sooner than after the 20 s that are usual. */
	NEED(cgroup_put(PM_TIMEOUT, "%d", PM_GIVES_UP), PM_TIMEOUT ": %s", strerror(errno));
}

/*
 * Freeze all tasks as a suspend does, and thaw them at once. The mdelay() in
 * between is what the kernel has for it: no delay, no time that is not theirs.
 */
static void suspend(const char *what, const char *state)
{
	int64_t start = test_now();
	bool done = cgroup_put(PM_STATE, "%s", state);
	int err = errno;
	double ms = (test_now() - start) / 1e6;

	NEED(done, "%s: freezing has failed after %.0f ms: %s", what, ms, strerror(err));
	CHECK(ms <= freeze_ms, "%s: freezing and thawing took %.0f ms", what, ms);
}

static void suspended(const void *arg)
{
	const struct guest *guest = arg;
	struct vmm *vmm;
	uint64_t id;
	long i;

	need_pm_test();
	vmm = gov_start(&guest->opts, &id);
	for (i = 0; i < rounds; i++) {
		treat(vmm, id, guest->treatment);
		suspend(guest->what, i % 2 ? "mem" : "freeze");
		goes_on(vmm, id, guest);
	}
	gov_end(vmm);
	gov_no_leak();
}

static void suspended_together(const void *arg)
{
	struct vmm *vmm[ARRAY_SIZE(guests)];
	uint64_t id[ARRAY_SIZE(guests)];
	size_t i;
	long n;

	(void)arg;
	need_pm_test();
	gov_need();
	for (i = 0; i < ARRAY_SIZE(guests); i++) {
		vmm[i] = gov_fork(&guests[i].opts);
		id[i] = gov_find(vmm[i]);
		treat(vmm[i], id[i], guests[i].treatment);
	}
	for (n = 0; n < rounds; n++)
		suspend("all together", n % 2 ? "mem" : "freeze");
	for (i = 0; i < ARRAY_SIZE(guests); i++) {
		if (!guests[i].opts.irqchip)
			goes_on(vmm[i], id[i], &guests[i]);
		gov_end(vmm[i]);
	}
	gov_no_leak();
}

static struct waiter {
	pthread_t thread;
	struct vmm_vcpu *vcpu;
	pid_t tid;
	bool done;
} waiter;

static void *ask_for_registers(void *arg)
{
	struct kvm_regs regs;

	waiter.tid = gettid();
	if (ioctl(waiter.vcpu->fd, KVM_GET_REGS, &regs))
		test_diag("KVM_GET_REGS: %s", strerror(errno));
	__atomic_store_n(&waiter.done, true, __ATOMIC_RELEASE);
	return arg;
}

/* 'S' sleeps so that signals wake it, 'D' not. */
static char task_state(pid_t tid)
{
	char path[64], state = '?';
	FILE *f;

	snprintf(path, sizeof(path), "/proc/self/task/%d/stat", tid);
	f = fopen(path, "r");
	if (!f)
		return state;
	if (fscanf(f, "%*d (%*[^)]) %c", &state) != 1)
		state = '?';
	fclose(f);
	return state;
}

/*
 * A hold has the vCPU's mutex. Whoever wants that can only be frozen after he
 * has got it: the freezer must get the held thread out of KVM_RUN, not freeze it
 * where it is.
 */
static void suspended_beside_waiter(const void *arg)
{
	const struct vmm_opts opts = { .nr_vcpus = 1, .mode = VMM_SPIN };
	const struct guest guest = { "waited for", opts, FREEZE };
	struct vmm *vmm;
	uint64_t id;

	(void)arg;
	need_pm_test();
	vmm = gov_start(&opts, &id);
	treat(vmm, id, FREEZE);
	waiter = (struct waiter){ .vcpu = &vmm->vcpu[0] };
	NEED(!pthread_create(&waiter.thread, NULL, ask_for_registers, NULL), "no thread");
	CHECK(POLL(PATIENCE, waiter.tid && task_state(waiter.tid) == 'D'), "it does not wait");
	suspend("waited for", "freeze");
	CHECK(POLL(PATIENCE, __atomic_load_n(&waiter.done, __ATOMIC_ACQUIRE)),
	      "KVM_GET_REGS has not come back");
	goes_on(vmm, id, &guest);
	pthread_join(waiter.thread, NULL);
	gov_end(vmm);
	gov_no_leak();
}

static bool cgroup_is_frozen(bool frozen)
{
	char text[128] = "";
	FILE *f = fopen(CGROUP "/cgroup.events", "r");
	size_t n;

	if (!f)
		return false;
	n = fread(text, 1, sizeof(text) - 1, f);
	fclose(f);
	return n && strstr(text, frozen ? "frozen 1" : "frozen 0");
}

static void freeze_cgroup(const char *what, bool frozen)
{
	int64_t start = test_now();

	NEED(cgroup_put(CGROUP "/cgroup.freeze", "%d", frozen), "cgroup.freeze: %s",
	     strerror(errno));
	NEED(POLL(PATIENCE, cgroup_is_frozen(frozen)), "%s: not %s", what,
	     frozen ? "frozen" : "thawed");
	CHECK(test_now() - start <= freeze_ms * NS_PER_MS, "%s: took %.0f ms", what,
	      (test_now() - start) / 1e6);
}

static void leave_cgroup(const struct vmm *vmm)
{
	cgroup_put(CGROUP "/cgroup.freeze", "0");
	cgroup_put(CGROUP_MOUNT "/cgroup.procs", "%d", vmm->pid);
}

/* By the cgroup and by kvmgov, thawed in either order. */
static void frozen_twice(const struct guest *guest, struct vmm *vmm, uint64_t id)
{
	uint64_t work;

	freeze_cgroup(guest->what, true);
	work = vmm_total_work(vmm);
	set_state(id, "frozen");
	set_state(id, "running");
	gov_set(id, LOW_QUOTA, LOW_PERIOD);
	gov_set(id, GOV_NONE, 100000);
	test_sleep(20 * NS_PER_MS);
	CHECK(vmm_total_work(vmm) == work, "%s: runs in a frozen cgroup", guest->what);
	set_state(id, "frozen");
	freeze_cgroup(guest->what, false);
	gov_wait_still(vmm);
	set_state(id, "running");
	CHECK(POLL(PATIENCE, vmm_total_work(vmm) > work), "%s: stands still", guest->what);
}

static void in_frozen_cgroup(const void *arg)
{
	const struct guest *guest = arg;
	struct vmm *vmm;
	uint64_t id, work;
	long i;

	NEED(cgroup_cpu(), "no cgroups: %s", strerror(errno));
	NEED(!mkdir(CGROUP, 0755) || errno == EEXIST, CGROUP ": %s", strerror(errno));
	gov_need();
	vmm = gov_fork(&guest->opts);
	id = gov_find(vmm);
	NEED(cgroup_put(CGROUP "/cgroup.procs", "%d", vmm->pid), "%s", strerror(errno));
	for (i = 0; i < rounds; i++) {
		treat(vmm, id, guest->treatment);
		freeze_cgroup(guest->what, true);
		work = vmm_total_work(vmm);
		test_sleep(20 * NS_PER_MS);
		CHECK(vmm_total_work(vmm) == work, "%s: runs in a frozen cgroup", guest->what);
		freeze_cgroup(guest->what, false);
		goes_on(vmm, id, guest);
	}
	frozen_twice(guest, vmm, id);
	leave_cgroup(vmm);
	gov_end(vmm);
	rmdir(CGROUP);
	gov_no_leak();
}

static const struct test_case cases[] = {
	{ "suspend freezes a VM without a limit", suspended, &guests[0] },
	{ "suspend freezes a VM that exits all the time", suspended, &guests[1] },
	{ "suspend freezes a held VM", suspended, &guests[2] },
	{ "suspend freezes a frozen VM", suspended, &guests[3] },
	{ "suspend freezes a capped VM", suspended, &guests[4] },
	{ "suspend freezes a halted VM", suspended, &guests[5] },
	{ "suspend freezes all of them at once", suspended_together, NULL },
	{ "suspend freezes who waits for a held vCPU", suspended_beside_waiter, NULL },
	{ "cgroup.freeze freezes a VM without a limit", in_frozen_cgroup, &guests[0] },
	{ "cgroup.freeze freezes a held VM", in_frozen_cgroup, &guests[2] },
	{ "cgroup.freeze freezes a frozen VM", in_frozen_cgroup, &guests[3] },
	{ "cgroup.freeze freezes a capped VM", in_frozen_cgroup, &guests[4] },
};

int main(int argc, char **argv)
{
	test_init(argc, argv, options);
	test_main(cases, ARRAY_SIZE(cases));
}
