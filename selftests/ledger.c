// SPDX-License-Identifier: GPL-2.0-only
/*
 * ledger: every nanosecond of a vCPU's life is in one state, and in the right
 * one. What kvmgov says is held against the scheduler, KVM's statistics, the
 * guest's own count of its work, and the clock of the VMM.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <sched.h>
#include <sys/resource.h>
#include <unistd.h>

#include "books.h"
#include "gov.h"
#include "kvmstat.h"
#include "test.h"

static long seconds = 10;
static long hour = 3600;
static long moves;
static long exact = 1;
static long sum_error = 1000;
static long error = 5000;
static long way_us = 30;

static const struct test_option options[] = {
	{ "seconds", &seconds, "how long to measure" },
	{ "hour", &hour, "seconds that a vCPU halts before anybody looks" },
	{ "moves", &moves, "1: only what needs two CPUs" },
	{ "exact", &exact, "0: only what holds however slow the machine is" },
	{ "sum-error", &sum_error, "ppm of its age by which a vCPU's states may miss it" },
	{ "way-us", &way_us, "how long the way out of KVM_RUN to user space and back may take" },
	{ "error", &error, "ppm of the time by which a state may differ from what others say" },
	{}
};

static struct link netlink;

/**
 * struct subject - a VM with one vCPU under observation
 * @vmm:	the VM
 * @keeper:	its books
 * @start:	what they said at the beginning
 * @end:	what they said at the end
 * @diff:	the difference
 */
struct subject {
	struct vmm *vmm;
	struct keeper keeper;
	struct books start, end, diff;
};

/* Makes a VM whose threads the caller starts, with gov_launch()'s clean-up. */
static void subject_make(struct subject *s, const struct vmm_opts *opts)
{
	gov_need();
	if (!netlink.sock)
		need_link(&netlink);
	s->vmm = gov_create(opts);
	s->keeper = (struct keeper){
		.link = &netlink,
		.vmm = s->vmm,
		.stats = kvmstat_open(&s->vmm->vcpu[0]),
	};
}

static void subject_find(struct subject *s)
{
	s->keeper.id = gov_find(s->vmm);
}

static void subject_start(struct subject *s, const struct vmm_opts *opts)
{
	subject_make(s, opts);
	vmm_start(s->vmm);
	subject_find(s);
}

static void subject_end(struct subject *s)
{
	close(s->keeper.stats);
	gov_check_vmm(s->vmm);
	gov_end(s->vmm);
}

/* The states in percent of the time, beside what others say. */
static void report(const struct books *d)
{
	char line[256];
	size_t n = 0;
	int i;

	for (i = 0; i < BOOKS_NR_STATES; i++)
		n += snprintf(line + n, sizeof(line) - n, " %s %.3f", books_state_names[i],
			      100.0 * d->state[i] / d->wall);
	test_diag("%.1f s, %%:%s", d->wall / 1e9, line);
	test_diag("  cpu %.3f, run_delay %.3f, halt_wait %.3f, halt_poll %.3f; work %" PRId64,
		  100.0 * d->cpu / d->wall, 100.0 * d->delay / d->wall, 100.0 * d->halt / d->wall,
		  100.0 * d->poll / d->wall, d->work);
}

static int64_t distance(int64_t a, int64_t b)
{
	return a > b ? a - b : b - a;
}

static void check_sum(const struct books *b)
{
	int64_t sum = books_sum(b);

	CHECK(distance(sum, b->age) <= b->age / 1000000.0 * sum_error,
	      "the states of %.6f s sum up to %.6f s", b->age / 1e9, sum / 1e9);
}

/* @said of the ledger is what @truth says, but for @error of the time. */
#define CHECK_SAME(d, said, truth)                                                                \
	CHECK(distance(said, truth) <= (d)->wall / 1000000.0 * error,                             \
	      "%s is %.3f %% of the time, %s %.3f %%", #said, 100.0 * (said) / (d)->wall, #truth, \
	      100.0 * (truth) / (d)->wall)

/* What holds for every vCPU, whatever it does. */
static void check_books(const struct subject *s)
{
	const struct books *d = &s->diff;
	int64_t ready = d->state[BOOKS_READY], poll = d->state[BOOKS_POLL];
	int i;

	check_sum(&s->end);
	check_sum(d);
	for (i = 0; i < BOOKS_NR_STATES; i++)
		CHECK(d->state[i] >= -20 * NS_PER_US, "%s goes back by %" PRId64 " ns",
		      books_state_names[i], -d->state[i]);
	/* For the guest's sake a hold looks to the scheduler as a wait. */
	CHECK_SAME(d, ready, d->delay - d->state[BOOKS_HELD_CPU]);
	CHECK_SAME(d, poll, d->poll);
	CHECK(d->state[BOOKS_HELD_MEM] == 0, "held for memory that nothing limits");
}

static void begin(struct subject *s)
{
	books_read(&s->start, &s->keeper);
}

static void settle(struct subject *s)
{
	books_subtract(&s->diff, &s->end, &s->start);
	report(&s->diff);
	check_books(s);
}

static void finish(struct subject *s)
{
	books_read(&s->end, &s->keeper);
	settle(s);
}

static void observe(struct subject *s)
{
	begin(s);
	test_sleep(seconds * NS_PER_S);
	finish(s);
}

/* The same of one that is held now and then: from run to run. */
static void watch(struct subject *s)
{
	if (!exact) {
		observe(s);
		return;
	}
	books_read_running(&s->start, &s->keeper);
	test_sleep(seconds * NS_PER_S);
	books_read_running(&s->end, &s->keeper);
	settle(s);
}

/* A guest that computes and never sleeps has its thread's whole CPU time. */
static void check_busy(const struct books *d)
{
	int64_t busy = d->state[BOOKS_GUEST] + d->state[BOOKS_EXIT];

	CHECK_SAME(d, busy, d->cpu);
	CHECK_SAME(d, d->state[BOOKS_VMM], 0);
	CHECK_SAME(d, d->state[BOOKS_HALT], 0);
	CHECK(!exact || d->state[BOOKS_GUEST] > 9 * d->state[BOOKS_EXIT], "hardly in the guest");
}

static const struct vmm_opts own_clock = { .nr_vcpus = 1, .mode = VMM_CLOCK };
static const struct vmm_opts spin = { .nr_vcpus = 1, .mode = VMM_SPIN };

static void spinning(const void *arg)
{
	struct subject s;

	(void)arg;
	subject_start(&s, &spin);
	observe(&s);
	check_busy(&s.diff);
	subject_end(&s);
}

/* Guests that do the same work have the same time in guest mode. */
static void contended(const void *arg)
{
	struct subject a, b;
	double work;

	(void)arg;
	subject_start(&a, &spin);
	subject_start(&b, &spin);
	/* One of them has nearly all at first. */
	setpriority(PRIO_PROCESS, b.vmm->vcpu[0].tid, 3);
	begin(&a);
	begin(&b);
	test_sleep(seconds * NS_PER_S);
	finish(&a);
	finish(&b);
	check_busy(&a.diff);
	check_busy(&b.diff);
	CHECK(a.diff.state[BOOKS_READY] > a.diff.wall / 5, "not contended");
	work = (double)a.diff.work / b.diff.work * b.diff.state[BOOKS_GUEST] /
	       a.diff.state[BOOKS_GUEST];
	CHECK(!exact || (work > 1 - error / 1e6 && work < 1 + error / 1e6),
	      "work per time in the guest differs by a factor of %f", work);
	subject_end(&a);
	subject_end(&b);
}

/*
 * A thread that takes the CPU away for a ms, again and again, until told, at
 * intervals that vary: with PREEMPT_RT an ordinary thread's timer is late as long as
 * this runs, so that one that sleeps for a ms was never found awake 1.5 ms after.
 */
static void *disturb(void *stop)
{
	const struct sched_param param = { .sched_priority = 1 };
	unsigned int turn = 0;
	int64_t until;

	pthread_setschedparam(pthread_self(), SCHED_FIFO, &param);
	while (!__atomic_load_n((bool *)stop, __ATOMIC_RELAXED)) {
		test_sleep((1 + turn++ % 16) * NS_PER_MS / 10);
		until = test_now() + NS_PER_MS;
		while (test_now() < until)
			;
	}
	return NULL;
}

static void disturbed(struct subject *s)
{
	bool stop = false;
	pthread_t thread;

	NEED(!pthread_create(&thread, NULL, disturb, &stop), "no thread");
	observe(s);
	__atomic_store_n(&stop, true, __ATOMIC_RELAXED);
	pthread_join(thread, NULL);
	CHECK(s->diff.state[BOOKS_READY] > s->diff.wall / 50, "not preempted");
}

static void preempted(const void *arg)
{
	const struct vmm_opts *opts = arg;
	struct subject s;

	subject_start(&s, opts);
	disturbed(&s);
	CHECK_SAME(&s.diff, s.diff.state[BOOKS_HALT], 0);
	subject_end(&s);
}

/* Twice as fast as the host's: KVM puts its offset right at each entry. */
static void fast(const void *arg)
{
	struct subject s;

	(void)arg;
	subject_make(&s, &spin);
	NEED(vmm_tsc_speed(&s.vmm->vcpu[0], 2), "%s", strerror(errno));
	vmm_start(s.vmm);
	subject_find(&s);
	disturbed(&s);
	check_busy(&s.diff);
	subject_end(&s);
}

static void held(const void *arg)
{
	const unsigned int *percent = arg;
	int64_t away;
	struct subject s;

	subject_start(&s, &spin);
	gov_set(s.keeper.id, *percent * 1000, 100000);
	test_sleep(200 * NS_PER_MS);
	watch(&s);
	check_busy(&s.diff);
	away = s.diff.wall - s.diff.cpu - s.diff.state[BOOKS_READY];
	CHECK_SAME(&s.diff, s.diff.state[BOOKS_HELD_CPU], away);
	subject_end(&s);
}

static void frozen(const void *arg)
{
	struct subject s;

	(void)arg;
	subject_start(&s, &spin);
	gov_write("frozen", "vms/%" PRIu64 "/state", s.keeper.id);
	gov_wait_still(s.vmm);
	observe(&s);
	CHECK_SAME(&s.diff, s.diff.state[BOOKS_PAUSED], s.diff.wall);
	subject_end(&s);
}

static const struct vmm_opts cpuid = { .nr_vcpus = 1, .mode = VMM_CPUID };

/*
 * One of three entries or exits is kept back from kvmgov, as KVM does with those
 * that it makes of its own accord on the fast path. What the guest and KVM do then is
 * told apart less well, and nothing else: no time is lost, nor any limit.
 */
static void unpaired(const void *arg)
{
	const char *const *which = arg;
	int64_t exits;
	struct subject s;

	subject_make(&s, &cpuid);
	gov_kmod_borrow("kvmgov_unpaired");
	NEED(!gov_write("3", "../../module/kvmgov_unpaired/parameters/%s", *which), "%s",
	     strerror(errno));
	vmm_start(s.vmm);
	subject_find(&s);
	disturbed(&s);
	CHECK_SAME(&s.diff, s.diff.state[BOOKS_GUEST] + s.diff.state[BOOKS_EXIT], s.diff.cpu);
	exits = s.diff.kvm_exits;
	if (!strcmp(*which, "exits"))
		exits -= exits / 3;
	CHECK(distance(s.diff.nr_exits, exits) < exits / (exact ? 50 : 10),
	      "%" PRId64 " exits, not %" PRId64, s.diff.nr_exits, exits);

	gov_set(s.keeper.id, 5000, 20000);
	test_sleep(200 * NS_PER_MS);
	watch(&s);
	CHECK_SAME(&s.diff, s.diff.cpu, s.diff.wall / 4);
	subject_end(&s);
}

/* Asleep in halts, with an interrupt every now and then. */
static void halting(const void *arg)
{
	const struct vmm_opts opts = { .nr_vcpus = 1, .mode = VMM_HLT, .irqchip = true };
	const unsigned int *every_us = arg;
	int64_t end, next, asleep;
	struct subject s;

	subject_make(&s, &opts);
	vmm_start(s.vmm);
	NEED(POLL(10 * NS_PER_S, !vmm_interrupt(&s.vmm->vcpu[0]) && vmm_total_work(s.vmm) > 1),
	     "the guest does not wake up");
	subject_find(&s);
	begin(&s);
	next = test_now();
	for (end = next + seconds * NS_PER_S; next < end; next += *every_us * NS_PER_US) {
		test_sleep_until(next);
		vmm_interrupt(&s.vmm->vcpu[0]);
	}
	finish(&s);
	CHECK_SAME(&s.diff, s.diff.state[BOOKS_VMM], 0);
	asleep = s.diff.wall - s.diff.cpu - s.diff.delay;
	CHECK_SAME(&s.diff, s.diff.state[BOOKS_HALT], asleep);
	CHECK(!exact || s.diff.work >= seconds * 1000000 / *every_us * 9 / 10,
	      "the guest has woken up %" PRId64 " times", s.diff.work);
	subject_end(&s);
}

/* A state that lasts is shown, also one that nobody has seen begin. */
static void one_hour(const void *arg)
{
	const struct vmm_opts opts = { .nr_vcpus = 1, .mode = VMM_PARK, .irqchip = true };
	struct subject s;
	struct books now;

	(void)arg;
	subject_start(&s, &opts);
	begin(&s);
	test_sleep(hour * NS_PER_S);
	books_read(&now, &s.keeper);
	CHECK(now.halt == s.start.halt, "KVM has counted the halt already");
	check_sum(&now);
	CHECK(now.state[BOOKS_HALT] - s.start.state[BOOKS_HALT] >= (hour - 1) * NS_PER_S,
	      "halted for %.3f s of %ld", now.state[BOOKS_HALT] / 1e9, hour);

	/* A signal takes it to user space and back, into the same halt. */
	vmm_kick(&s.vmm->vcpu[0]);
	NEED(POLL(10 * NS_PER_S, s.vmm->vcpu[0].nr_eintr), "no EINTR");
	test_sleep(hour * NS_PER_S);
	finish(&s);
	CHECK_SAME(&s.diff, s.diff.state[BOOKS_HALT], s.diff.wall);
	CHECK(s.diff.state[BOOKS_HALT] >= (2 * hour - 1) * NS_PER_S, "halted for %.3f s of %ld",
	      s.diff.state[BOOKS_HALT] / 1e9, 2 * hour);
	subject_end(&s);
}

/**
 * struct device - a VMM that does I/O for its guest
 * @subject:	its VM
 * @stop:	it is to end
 * @outside_ns:	time that it was outside of KVM_RUN, by its own clock
 */
struct device {
	struct subject *subject;
	bool stop;
	int64_t outside_ns;
};

/* Computes for 0.1 ms and sleeps for 1 ms at each exit. */
static void *do_io(void *arg)
{
	struct device *device = arg;
	struct vmm_vcpu *vcpu = &device->subject->vmm->vcpu[0];
	int64_t left, until;

	vmm_adopt(vcpu);
	while (!__atomic_load_n(&device->stop, __ATOMIC_RELAXED) && vmm_run_once(vcpu)) {
		left = test_now();
		until = left + NS_PER_MS / 10;
		while (test_now() < until)
			;
		test_sleep_until(until + NS_PER_MS);
		__atomic_store_n(&device->outside_ns, device->outside_ns + test_now() - left,
				 __ATOMIC_RELAXED);
	}
	vcpu->tid = 0;
	return NULL;
}

static void doing_io(const void *arg)
{
	const struct vmm_opts opts = { .nr_vcpus = 1, .mode = VMM_OUT };
	const bool *with_disturbance = arg;
	struct device device = {};
	struct subject s;
	pthread_t thread;
	int64_t outside, vmm, waits;

	subject_make(&s, &opts);
	device.subject = &s;
	NEED(!pthread_create(&thread, NULL, do_io, &device), "no thread");
	subject_find(&s);
	outside = device.outside_ns;
	if (*with_disturbance)
		disturbed(&s);
	else
		observe(&s);
	outside = __atomic_load_n(&device.outside_ns, __ATOMIC_RELAXED) - outside;
	__atomic_store_n(&device.stop, true, __ATOMIC_RELAXED);
	pthread_join(thread, NULL);
	test_diag("  outside of KVM_RUN %.3f %%", 100.0 * outside / s.diff.wall);
	CHECK_SAME(&s.diff, s.diff.state[BOOKS_HALT], 0);
	/* Its clock goes on while it waits for a CPU, if it does that outside. */
	vmm = s.diff.state[BOOKS_VMM];
	waits = *with_disturbance ? s.diff.state[BOOKS_READY] : 0;
	/* The way out of the kernel and back is not on it, each time. */
	CHECK(!exact || (vmm + waits > outside - s.diff.wall / 1000 &&
			 vmm < outside + s.diff.work * way_us * NS_PER_US),
	      "vmm is %.3f %% of the time, %.1f us more for each exit", 100.0 * vmm / s.diff.wall,
	      (vmm - outside) / 1e3 / s.diff.work);
	subject_end(&s);
}

/* From CPU to CPU, every 10 ms. */
static void moving(const void *arg)
{
	const struct vmm_opts *opts = arg;
	struct subject s;
	cpu_set_t set;
	int64_t next, end;
	int cpu = 0;

	NEED(gov_cpus() > 1, "there is one CPU only");
	subject_start(&s, opts);
	begin(&s);
	next = test_now();
	for (end = next + seconds * NS_PER_S; next < end; next += 10 * NS_PER_MS) {
		test_sleep_until(next);
		cpu = !cpu;
		CPU_ZERO(&set);
		CPU_SET(cpu, &set);
		sched_setaffinity(s.vmm->vcpu[0].tid, sizeof(set), &set);
	}
	finish(&s);
	CHECK_SAME(&s.diff, s.diff.state[BOOKS_HALT], 0);
	subject_end(&s);
}

static const struct vmm_opts out = { .nr_vcpus = 1, .mode = VMM_OUT };

int main(int argc, char **argv)
{
	static const unsigned int often = 1000, seldom = 5000, tight = 20, loose = 75;
	static const bool alone, crowded = true;
	static const char *const entries = "entries", *const exits = "exits";
	static const struct test_case cases[] = {
		{ "a guest that spins", spinning, NULL },
		{ "a guest that spins, held at 20 %", held, &tight },
		{ "a guest that spins, held at 75 %", held, &loose },
		{ "a frozen VM", frozen, NULL },
		{ "a guest that halts for 5 ms each time", halting, &seldom },
		{ "a guest that halts for 1 ms each time", halting, &often },
		{ "a guest that halts for two hours", one_hour, NULL },
		{ "a guest whose VMM does I/O", doing_io, &alone },
		{ "the same with threads that preempt it", doing_io, &crowded },
		{ "two VMs that spin on one CPU", contended, NULL },
		{ "a guest that spins and is preempted", preempted, &spin },
		{ "a guest that exits all the time and is preempted", preempted, &cpuid },
		{ "the same, and kvmgov does not hear of a third of its entries", unpaired,
		  &entries },
		{ "the same, and kvmgov does not hear of a third of its exits", unpaired, &exits },
		{ "a guest that changes its TSC and is preempted", preempted, &own_clock },
		{ "a guest with a TSC of twice the speed that is preempted", fast, NULL },
	};
	static const struct test_case moving_cases[] = {
		{ "a guest that spins moves from CPU to CPU", moving, &spin },
		{ "a guest that exits to user space moves from CPU to CPU", moving, &out },
	};

	test_init(argc, argv, options);
	if (moves)
		test_main(moving_cases, ARRAY_SIZE(moving_cases));
	test_main(cases, ARRAY_SIZE(cases));
}
