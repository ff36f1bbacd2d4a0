// SPDX-License-Identifier: GPL-2.0-only
/*
 * handover: several threads run one vCPU. Wherever the thread changes, all that
 * the guest does is counted and limited.
 */
#define _GNU_SOURCE
#include <inttypes.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "gov.h"
#include "test.h"

#define PATIENCE (60 * NS_PER_S)
#define QUOTA	 20000
#define PERIOD	 100000
#define MAY	 (100.0 * QUOTA / PERIOD)
#define NR_HANDS 4
#define TURN_MS	 100

static long seconds = 3;
static long min_counted = 51;
static long max_uncounted = 2;
static long points_over = 1;
static long points_under = 1;

static const struct test_option options[] = {
	{ "seconds", &seconds, "how long CPU time is measured" },
	{ "min-counted", &min_counted, "least part of CPU time that counts, in per cent" },
	{ "max-uncounted", &max_uncounted, "most of the work that is not, in per cent" },
	{ "points-over", &points_over, "how much more a limited guest may work" },
	{ "points-under", &points_under, "how much less" },
	{}
};

static const struct vmm_opts spin = { .nr_vcpus = 1, .mode = VMM_SPIN };

/**
 * struct hand - one of several threads that share a vCPU
 * @tid:	its id
 * @took:	how often it has run the vCPU
 */
struct hand {
	pid_t tid;
	uint64_t took;
};

/**
 * struct hands - all of them
 * @vmm:	the VM
 * @turn:	whose turn it is, where they take turns
 * @serial:	they take turns; else they all try at once, and KVM orders them
 * @short_lived: each ends after its turn, and another is made
 * @quit:	they are to end
 * @hand:	the threads
 */
static struct hands {
	struct vmm *vmm;
	pthread_mutex_t turn;
	bool serial;
	bool short_lived;
	bool quit;
	struct hand hand[NR_HANDS];
} hands;

static bool quit(const bool *flag)
{
	return __atomic_load_n(flag, __ATOMIC_ACQUIRE);
}

/* A turn is a KVM_RUN that lasts until the next signal. */
static void *one_hand(void *arg)
{
	struct hand *hand = arg;

	do {
		if (hands.serial)
			pthread_mutex_lock(&hands.turn);
		vmm_adopt(&hands.vmm->vcpu[0]);
		__atomic_store_n(&hand->tid, gettid(), __ATOMIC_RELEASE);
		if (!quit(&hands.quit) && vmm_run_once(&hands.vmm->vcpu[0]))
			hand->took++;
		if (hands.serial)
			pthread_mutex_unlock(&hands.turn);
		sched_yield();
	} while (!quit(&hands.quit) && !hands.short_lived);
	return NULL;
}

static void end_turns(void)
{
	unsigned int i;

	for (i = 0; i < NR_HANDS; i++)
		if (hands.hand[i].tid)
			syscall(SYS_tgkill, getpid(), hands.hand[i].tid, VMM_SIGNAL);
}

static void *short_lived_hands(void *arg)
{
	pthread_t thread;

	while (!quit(&hands.quit)) {
		if (pthread_create(&thread, NULL, one_hand, arg))
			break;
		pthread_join(thread, NULL);
	}
	return NULL;
}

/**
 * struct done - what has been done in some time
 * @wall:	ns that it was
 * @usage:	ns of CPU time that it was, as the module counts
 * @work:	what the guest did in it
 */
struct done {
	int64_t wall;
	uint64_t usage;
	uint64_t work;
};

static struct done so_far(uint64_t id)
{
	return (struct done){
		.wall = test_now(),
		.usage = gov_u64("vms/%" PRIu64 "/cpu/usage_ns", id),
		.work = vmm_total_work(hands.vmm),
	};
}

/*
 * KVM itself waits for RCU when a vCPU changes its thread: turns must be
 * longer than that.
 */
static struct done let_turn(uint64_t id)
{
	struct done begin = so_far(id), end;

	do {
		test_sleep(TURN_MS * NS_PER_MS);
		end_turns();
		end = so_far(id);
	} while (end.wall - begin.wall < seconds * NS_PER_S);
	return (struct done){ end.wall - begin.wall, end.usage - begin.usage,
			      end.work - begin.work };
}

static bool all_ended(pthread_t *threads)
{
	unsigned int i;

	end_turns();
	for (i = 0; i < NR_HANDS; i++)
		if (threads[i] && !pthread_tryjoin_np(threads[i], NULL))
			threads[i] = 0;
	for (i = 0; i < NR_HANDS; i++)
		if (threads[i])
			return false;
	return true;
}

static bool all_took(void)
{
	unsigned int i;

	end_turns();
	for (i = 0; i < NR_HANDS; i++)
		if (!__atomic_load_n(&hands.hand[i].took, __ATOMIC_RELAXED))
			return false;
	return true;
}

static void one_more(pthread_t *threads, unsigned int i)
{
	NEED(!pthread_create(&threads[i], NULL, hands.short_lived ? short_lived_hands : one_hand,
			     &hands.hand[i]),
	     "no thread");
}

/*
 * What a second of counted CPU time is worth is found with one thread alone.
 * Several must neither do more than is counted, nor more than they may: a
 * thread that is gone before it has taken the vCPU over is no way out.
 */
static void passed_around(const void *arg)
{
	double worth, uncounted, got;
	struct done alone, all, limited;
	pthread_t threads[NR_HANDS];
	unsigned int i;
	uint64_t id;

	hands = *(const struct hands *)arg;
	pthread_mutex_init(&hands.turn, NULL);
	gov_need();
	hands.vmm = gov_create(&spin);
	one_more(threads, 0);
	NEED(POLL(PATIENCE, (id = gov_find_pid(getpid()))), "not found");
	alone = let_turn(id);
	worth = (double)alone.work / alone.usage;
	for (i = 1; i < NR_HANDS; i++)
		one_more(threads, i);
	gov_set(id, GOV_NONE, PERIOD);
	all = let_turn(id);
	gov_set(id, QUOTA, PERIOD);
	test_sleep(500 * NS_PER_MS);
	limited = let_turn(id);
	uncounted = 100 * (all.work / worth / all.usage - 1);
	got = 100 * (limited.work / worth / limited.wall);
	test_diag("passed around: %.1f %% uncounted; may use %.0f %%, worked for %.1f %%",
		  uncounted, MAY, got);
	CHECK(uncounted <= max_uncounted, "%.1f %% uncounted", uncounted);
	CHECK(got >= MAY - points_under && got <= MAY + points_over, "worked for %.1f %%", got);
	/* Who comes next is not for us to say: let all have their turn. */
	NEED(POLL(PATIENCE, all_took()), "a thread has never run the vCPU");
	__atomic_store_n(&hands.quit, true, __ATOMIC_RELEASE);
	NEED(POLL(PATIENCE, all_ended(threads)), "threads do not end");
	test_diag("taken over %" PRIu64 ", %" PRIu64 ", %" PRIu64 ", %" PRIu64 " times",
		  hands.hand[0].took, hands.hand[1].took, hands.hand[2].took, hands.hand[3].took);
	gov_check_vmm(hands.vmm);
	CHECK(gov_u64("vms/%" PRIu64 "/nr_vcpus", id) == 1, "more than one vCPU");
	gov_end(hands.vmm);
	gov_no_leak();
}

/* A turn is one KVM_RUN, which the guest ends itself. */
static void *one_run_each(void *arg)
{
	struct hand *hand = arg;

	while (!quit(&hands.quit)) {
		pthread_mutex_lock(&hands.turn);
		vmm_adopt(&hands.vmm->vcpu[0]);
		if (vmm_run_once(&hands.vmm->vcpu[0]))
			hand->took++;
		pthread_mutex_unlock(&hands.turn);
		/* The other one's turn. */
		test_sleep(NS_PER_MS);
	}
	return NULL;
}

/*
 * The shortest stays there are, each by a newcomer. Most of the threads' time
 * goes into KVM's wait for RCU before them, which is nobody's; of what is left
 * a part comes before the newcomer has taken over.
 */
static void changed_each_time(const void *arg)
{
	const struct vmm_opts out = { .nr_vcpus = 1, .mode = VMM_OUT };
	pthread_t threads[2];
	uint64_t id, usage;
	double counted;
	unsigned int i;
	int64_t cpu;

	(void)arg;
	hands = (struct hands){};
	pthread_mutex_init(&hands.turn, NULL);
	gov_need();
	hands.vmm = gov_create(&out);
	for (i = 0; i < ARRAY_SIZE(threads); i++)
		NEED(!pthread_create(&threads[i], NULL, one_run_each, &hands.hand[i]), "no thread");
	NEED(POLL(PATIENCE, (id = gov_find_pid(getpid()))), "not found");
	cpu = test_others_cpu();
	usage = so_far(id).usage;
	test_sleep(seconds * NS_PER_S);
	cpu = test_others_cpu() - cpu;
	usage = so_far(id).usage - usage;
	counted = 100.0 * usage / cpu;
	test_diag("%" PRIu64 " and %" PRIu64 " KVM_RUNs; %.1f ms of CPU time, %.1f %% counted",
		  hands.hand[0].took, hands.hand[1].took, cpu / 1e6, counted);
	CHECK(counted >= min_counted && counted <= 100, "%.1f %% counted", counted);
	__atomic_store_n(&hands.quit, true, __ATOMIC_RELEASE);
	for (i = 0; i < ARRAY_SIZE(threads); i++)
		pthread_join(threads[i], NULL);
	gov_check_vmm(hands.vmm);
	gov_end(hands.vmm);
	gov_no_leak();
}

static const struct hands turns = { .serial = true }, rivals = {},
			  mayflies = { .short_lived = true };

static const struct test_case cases[] = {
	{ "a vCPU passes from thread to thread", passed_around, &turns },
	{ "threads contend for a vCPU", passed_around, &rivals },
	{ "threads that run a vCPU come and go", passed_around, &mayflies },
	{ "threads change at each KVM_RUN", changed_each_time, NULL },
};

int main(int argc, char **argv)
{
	test_init(argc, argv, options);
	test_main(cases, ARRAY_SIZE(cases));
}
