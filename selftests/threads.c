// SPDX-License-Identifier: GPL-2.0-only
/*
 * threads: what a VMM may do with the threads of a VM. They move, they change
 * their scheduling class, and they start programs. Limits hold, nothing is lost,
 * nobody is mistaken for somebody else.
 */
#define _GNU_SOURCE
#include <inttypes.h>
#include <pthread.h>
#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>

#include "gov.h"
#include "test.h"

#define PATIENCE (60 * NS_PER_S)
#define QUOTA	 20000
#define PERIOD	 100000
#define MAY	 (100.0 * QUOTA / PERIOD)

static long seconds = 3;
static long rounds = 10;

static const struct test_option options[] = {
	{ "seconds", &seconds, "how long CPU time is measured" },
	{ "rounds", &rounds, "how often a program is started" },
	{}
};

static const struct vmm_opts spin = { .nr_vcpus = 1, .mode = VMM_SPIN };

static void set_cpu(pid_t tid, int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	CHECK(!sched_setaffinity(tid, sizeof(set), &set), "affinity: %s", strerror(errno));
}

static void move(void *arg)
{
	static unsigned int n;
	struct vmm *vmm = arg;
	unsigned int i;

	n++;
	for (i = 0; i < vmm->opts.nr_vcpus; i++)
		set_cpu(vmm->vcpu[i].tid, (n + i) % gov_cpus());
}

static void change_class(void *arg)
{
	static const int classes[] = { SCHED_FIFO, SCHED_OTHER, SCHED_RR, SCHED_BATCH, SCHED_IDLE };
	static unsigned int n;
	struct vmm *vmm = arg;
	unsigned int i;

	n++;
	for (i = 0; i < vmm->opts.nr_vcpus; i++) {
		int class = classes[(n + i) % ARRAY_SIZE(classes)];
		struct sched_param param = { .sched_priority =
						     class == SCHED_FIFO || class == SCHED_RR };

		CHECK(!sched_setscheduler(vmm->vcpu[i].tid, class, &param), "class %d: %s", class,
		      strerror(errno));
	}
}

static void move_and_change(void *arg)
{
	move(arg);
	change_class(arg);
}

/**
 * struct unrest - what is done to the threads of a limited VM
 * @what:	in words
 * @fn:		does it
 */
static const struct unrest {
	const char *what;
	void (*fn)(void *vmm);
} moves = { "moved", move }, classes = { "other class", change_class },
  both = { "moved, other class", move_and_change };

static void unrest(const void *arg)
{
	const struct vmm_opts opts = { .nr_vcpus = 2, .mode = VMM_SPIN };
	const struct unrest *unrest = arg;
	struct sched_param normal = {}, above = { .sched_priority = 10 };
	uint64_t id, work[2];
	struct vmm *vmm;
	unsigned int i;

	if (unrest->fn != change_class && gov_cpus() < 2)
		test_skip("one CPU: nowhere to move");
	vmm = gov_start(&opts, &id);
	NEED(POLL(PATIENCE, vmm->vcpu[1].tid), "no thread");
	gov_set(id, QUOTA, PERIOD);
	/* Who changes the threads must come before them. */
	NEED(!sched_setscheduler(0, SCHED_FIFO | SCHED_RESET_ON_FORK, &above), "%s",
	     strerror(errno));
	gov_within_limit(unrest->what, MAY, seconds, unrest->fn, vmm);
	for (i = 0; i < opts.nr_vcpus; i++)
		sched_setscheduler(vmm->vcpu[i].tid, SCHED_OTHER, &normal);
	sched_setscheduler(0, SCHED_OTHER, &normal);
	for (i = 0; i < opts.nr_vcpus; i++)
		work[i] = vmm_work(vmm, i);
	for (i = 0; i < opts.nr_vcpus; i++)
		CHECK(POLL(PATIENCE, vmm_work(vmm, i) > work[i]), "vCPU %u stands still", i);
	gov_check_vmm(vmm);
	gov_end(vmm);
	gov_no_leak();
}

static struct {
	struct vmm *vmm;
	bool quit;
	unsigned int nr_children;
	unsigned int bad;
} parent;

static pid_t start_program(void)
{
	pid_t pid = vfork();

	if (!pid) {
		execl("/bin/true", "true", NULL);
		_exit(1);
	}
	return pid;
}

/* A vCPU thread that starts a program each time a signal gets it out. */
static void *run_and_spawn(void *arg)
{
	struct vmm_vcpu *vcpu = &parent.vmm->vcpu[0];
	uint64_t eintr = 0;
	int status;
	pid_t pid;

	vmm_adopt(vcpu);
	while (!__atomic_load_n(&parent.quit, __ATOMIC_ACQUIRE) && vmm_run_once(vcpu)) {
		if (vcpu->nr_eintr == eintr)
			continue;
		eintr = vcpu->nr_eintr;
		pid = start_program();
		while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
			;
		if (status)
			parent.bad++;
		__atomic_add_fetch(&parent.nr_children, 1, __ATOMIC_RELEASE);
	}
	return arg;
}

static void spawns(const void *arg)
{
	uint64_t id, work;
	pthread_t thread;
	unsigned int nr;
	long i;

	(void)arg;
	gov_need();
	memset(&parent, 0, sizeof(parent));
	parent.vmm = gov_create(&spin);
	NEED(!pthread_create(&thread, NULL, run_and_spawn, NULL), "no thread");
	id = gov_find(parent.vmm);
	gov_set(id, 20000, 200000);
	for (i = 0; i < rounds; i++) {
		gov_wait_still(parent.vmm);
		nr = __atomic_load_n(&parent.nr_children, __ATOMIC_ACQUIRE);
		vmm_kick(&parent.vmm->vcpu[0]);
		NEED(POLL(PATIENCE, __atomic_load_n(&parent.nr_children, __ATOMIC_ACQUIRE) > nr),
		     "vfork() and exec do not come back");
	}
	work = vmm_total_work(parent.vmm);
	CHECK(POLL(PATIENCE, vmm_total_work(parent.vmm) > work), "the guest stands still");
	CHECK(gov_u64("vms/%" PRIu64 "/pid", id) == (uint64_t)getpid(), "pid");
	CHECK(gov_u64("vms/%" PRIu64 "/vcpus/0/tid", id) == (uint64_t)parent.vmm->vcpu[0].tid,
	      "tid");
	CHECK(!parent.bad, "%u programs failed", parent.bad);
	__atomic_store_n(&parent.quit, true, __ATOMIC_RELEASE);
	vmm_kick(&parent.vmm->vcpu[0]);
	pthread_join(thread, NULL);
	gov_check_vmm(parent.vmm);
	gov_end(parent.vmm);
	gov_no_leak();
}

static const struct test_case cases[] = {
	{ "vCPU threads are moved all the time", unrest, &moves },
	{ "vCPU threads change their scheduling class", unrest, &classes },
	{ "vCPU threads are moved and change their class", unrest, &both },
	{ "a held vCPU's thread starts programs", spawns, NULL },
};

int main(int argc, char **argv)
{
	test_init(argc, argv, options);
	test_main(cases, ARRAY_SIZE(cases));
}
