// SPDX-License-Identifier: GPL-2.0-only
/*
 * The scheduling disciplines, compiled from the kernel module's own sources: fixed
 * cases, and random jobs, with each decision checked against what is promised.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../kmod/sched/sched.h"
#include "rnd.h"
#include "unit.h"

#define MS   1000000ULL
#define SEC  1000000000ULL
#define DAY  (86400 * SEC)
#define ONE  KVMGOV_SCHED_ALPHA_ONE
#define VMS  24
#define NONE KVMGOV_SCHED_NEVER

/* --- fixed cases --- */

static void test_names(void)
{
	static const char *const names[] = { "fair", "fcfs", "rr", "sjf", "srtf", "priority" };
	bool ok = true;
	unsigned int i;

	for (i = 0; i < 6; i++) {
		ok &= EXPECT(!strcmp(kvmgov_sched_at(i)->name, names[i]));
		ok &= EXPECT(kvmgov_sched_find(names[i]) == kvmgov_sched_at(i));
	}
	ok &= EXPECT(!kvmgov_sched_at(6) && !kvmgov_sched_at(~0U));
	ok &= EXPECT(!kvmgov_sched_find("") && !kvmgov_sched_find("fai") &&
		     !kvmgov_sched_find("fair "));
	report(ok, "disciplines are found by their names");
}

static bool accepts(struct kvmgov_sched_params params)
{
	int err = kvmgov_sched_params_check(&params);

	return err == 0 || !EXPECT(err == -EINVAL);
}

static void test_params(void)
{
	struct kvmgov_sched_params p = kvmgov_sched_defaults;
	bool ok = EXPECT(accepts(p));

#define WITH(member, value)                             \
	({                                              \
		struct kvmgov_sched_params changed = p; \
                                                        \
		changed.member = value;                 \
		accepts(changed);                       \
	})
	ok &= EXPECT(WITH(quantum, 1) && WITH(quantum, KVMGOV_SCHED_TIME_MAX));
	ok &= EXPECT(!WITH(quantum, 0) && !WITH(quantum, KVMGOV_SCHED_TIME_MAX + 1));
	ok &= EXPECT(WITH(alpha, 0) && WITH(alpha, ONE) && !WITH(alpha, ONE + 1));
	ok &= EXPECT(WITH(guess, 0) && !WITH(guess, NONE));
	ok &= EXPECT(WITH(max_wait, 0) && !WITH(max_wait, NONE));
	ok &= EXPECT(WITH(ageing, 0) && !WITH(ageing, NONE));
	ok &= EXPECT(WITH(boost, 99) && !WITH(boost, 100));
	ok &= EXPECT(WITH(boost_sleep, 0) && !WITH(boost_sleep, NONE));
	report(ok, "parameters are accepted within their ranges only");
}

/* The figure on exponential averages in Silberschatz et al., with its numbers. */
static void test_average(void)
{
	static const u64 bursts[] = { 6, 4, 6, 4, 13, 13, 13 };
	static const u64 guesses[] = { 8, 6, 6, 5, 9, 11, 12 };
	u64 average = 10 * MS, next;
	bool ok = true;
	unsigned int i;

	for (i = 0; i < 7; i++) {
		average = kvmgov_sched_average(average, bursts[i] * MS, ONE / 2);
		ok &= EXPECT(average == guesses[i] * MS);
	}
	ok &= EXPECT(kvmgov_sched_average(7, 1000, 0) == 7);
	ok &= EXPECT(kvmgov_sched_average(7, 1000, ONE) == 1000);
	ok &= EXPECT(kvmgov_sched_average(NONE, 0, ONE) == 0);
	ok &= EXPECT(kvmgov_sched_average(0, NONE, ONE) == NONE);
	ok &= EXPECT(kvmgov_sched_average(12345, 12345, 777) == 12345);
	for (average = 0, i = 0; i < 100; i++, average = next) {
		next = kvmgov_sched_average(average, 30 * DAY, ONE / 3);
		ok &= EXPECT(next >= average && next <= 30 * DAY);
	}
	ok &= EXPECT(30 * DAY - average <= 3);
	report(ok, "the exponential average is the textbook's");
}

static void start(struct kvmgov_sched *sched, const char *name, u32 cpus,
		  struct kvmgov_sched_params params)
{
	kvmgov_sched_init(sched, kvmgov_sched_find(name), &params, cpus);
}

/* Who begins with a guess is known by his bursts later, and by a hint before that. */
static void test_expected(void)
{
	struct kvmgov_sched sched;
	struct kvmgov_sched_job job;
	bool ok = true;

	start(&sched, "sjf", 1, kvmgov_sched_defaults);
	kvmgov_sched_job_init(&job);
	ok &= EXPECT(kvmgov_sched_expected(&sched, &job) == 10 * MS);
	kvmgov_sched_enter(&sched, &job, SEC);
	ok &= EXPECT(kvmgov_sched_decide(&sched, SEC) == NONE && job.cpus == 1);
	kvmgov_sched_charge(&sched, &job, 30 * MS);
	kvmgov_sched_done(&sched, &job, SEC + 30 * MS);
	ok &= EXPECT(kvmgov_sched_expected(&sched, &job) == 20 * MS);
	kvmgov_sched_enter(&sched, &job, 2 * SEC);
	ok &= EXPECT(job.slept == SEC - 30 * MS);
	kvmgov_sched_charge(&sched, &job, 5 * MS);
	/* It goes elsewhere: that was no whole burst. */
	kvmgov_sched_remove(&sched, &job, 3 * SEC);
	ok &= EXPECT(kvmgov_sched_expected(&sched, &job) == 20 * MS);
	job.hint = 3 * MS;
	ok &= EXPECT(kvmgov_sched_expected(&sched, &job) == 3 * MS);
	ok &= EXPECT(!sched.nr_jobs && list_empty(&sched.jobs) && !job.cpus);
	report(ok, "the expected length: a hint, the average, or a guess");
}

/* Nobody asks at the end of a slice while nobody waits; slices go on all the same. */
static void test_slices(void)
{
	struct kvmgov_sched_job a, b;
	struct kvmgov_sched sched;
	bool ok = true;

	start(&sched, "rr", 1, kvmgov_sched_defaults);
	kvmgov_sched_job_init(&a);
	kvmgov_sched_job_init(&b);
	kvmgov_sched_enter(&sched, &a, 0);
	ok &= EXPECT(kvmgov_sched_decide(&sched, 0) == NONE && a.cpus == 1);
	kvmgov_sched_enter(&sched, &b, 25 * MS);
	ok &= EXPECT(kvmgov_sched_decide(&sched, 25 * MS) == 30 * MS && a.cpus && !b.cpus);
	ok &= EXPECT(kvmgov_sched_decide(&sched, 30 * MS) == 40 * MS && !a.cpus && b.cpus);
	kvmgov_sched_done(&sched, &b, 33 * MS);
	ok &= EXPECT(kvmgov_sched_decide(&sched, 33 * MS) == NONE && a.cpus);
	/* At the very end of a slice: who comes is first. */
	kvmgov_sched_enter(&sched, &b, 53 * MS);
	ok &= EXPECT(kvmgov_sched_decide(&sched, 53 * MS) == 63 * MS && !a.cpus && b.cpus);
	/* Fewer CPUs: who has none keeps the rest of his slice. */
	sched.cpus = 0;
	kvmgov_sched_changed(&sched);
	ok &= EXPECT(kvmgov_sched_decide(&sched, 56 * MS) == NONE && !a.cpus && !b.cpus);
	sched.cpus = 1;
	kvmgov_sched_changed(&sched);
	kvmgov_sched_decide(&sched, 70 * MS);
	ok &= EXPECT((a.cpus && !b.cpus) || (b.cpus && b.slice_end == 77 * MS));
	report(ok, "slices end when they should");
}

static void test_boost(void)
{
	struct kvmgov_sched_params params = kvmgov_sched_defaults;
	struct kvmgov_sched_job spins, sleeps;
	struct kvmgov_sched sched;
	bool ok = true;

	params.boost = 5;
	params.boost_sleep = 50 * MS;
	start(&sched, "priority", 1, params);
	kvmgov_sched_job_init(&spins);
	kvmgov_sched_job_init(&sleeps);
	spins.priority = 54;
	kvmgov_sched_enter(&sched, &sleeps, 0);
	kvmgov_sched_done(&sched, &sleeps, 1 * MS);
	kvmgov_sched_enter(&sched, &spins, 1 * MS);
	kvmgov_sched_decide(&sched, 1 * MS);
	/* Too short a sleep, and one that is long enough. */
	kvmgov_sched_enter(&sched, &sleeps, 51 * MS - 1);
	kvmgov_sched_decide(&sched, 51 * MS - 1);
	ok &= EXPECT(spins.cpus && !sleeps.cpus);
	kvmgov_sched_done(&sched, &sleeps, 52 * MS);
	kvmgov_sched_enter(&sched, &sleeps, 102 * MS);
	ok &= EXPECT(kvmgov_sched_decide(&sched, 102 * MS) == 112 * MS);
	ok &= EXPECT(!spins.cpus && sleeps.cpus);
	/* For one quantum. */
	kvmgov_sched_decide(&sched, 112 * MS);
	ok &= EXPECT(spins.cpus && !sleeps.cpus);
	report(ok, "priority: a boost after a sleep, for a quantum");
}

/* A job that is 3 levels below is as high after 3 intervals, and has a quantum then. */
static void test_ageing(void)
{
	struct kvmgov_sched_job high, low;
	struct kvmgov_sched sched;
	u64 now = 0, got = 0, next;
	bool ok = true;

	start(&sched, "priority", 1, kvmgov_sched_defaults);
	kvmgov_sched_job_init(&high);
	kvmgov_sched_job_init(&low);
	high.priority = low.priority + 3;
	kvmgov_sched_enter(&sched, &high, 0);
	kvmgov_sched_enter(&sched, &low, 0);
	while (now < 40 * SEC) {
		next = kvmgov_sched_decide(&sched, now);
		got += low.cpus ? next - now : 0;
		if (low.cpus && got <= 10 * MS)
			ok &= EXPECT(now == 3 * SEC && next == now + 10 * MS);
		now = next;
	}
	ok &= EXPECT(got == 130 * MS);
	report(ok, "priority: who waits rises, and falls back after a quantum");
}

/* --- random jobs --- */

/**
 * struct vm - What the test knows of a VM
 * @job: The job.
 * @queued: It is in the queue.
 * @left: What it still needs.
 * @waits: How long it has waited since it ran.
 * @most: The most jobs that there were since then, itself among them.
 * @most_slice: The same since it used up a slice or came.
 * @turn: Its turn when that was counted.
 * @ahead: What it may wait for, for disciplines that bound it by bursts.
 * @seen: It is in the list.
 */
struct vm {
	struct kvmgov_sched_job job;
	bool queued;
	u64 left;
	u64 waits;
	u32 most;
	u32 most_slice;
	u64 turn;
	u64 ahead;
	bool seen;
};

static struct vm vms[VMS];
static struct kvmgov_sched sched;
static u32 before[VMS]; /* CPUs before the decision */
static unsigned long decisions;

static struct vm *vm_of(struct kvmgov_sched_job *job)
{
	return list_entry(job, struct vm, job);
}

/* Each job that is there is there once, and all that can be used is used. */
static bool check_queue(void)
{
	u64 want = 0, got = 0;
	struct kvmgov_sched_job *job;
	bool ok = true, full = false;
	u32 i, nr = 0;

	for (i = 0; i < VMS; i++)
		vms[i].seen = false;
	list_for_each_entry (job, &sched.jobs, node) {
		/* cppcheck-suppress uninitvar ; it does not see through the macros of lists */
		ok &= EXPECT(!vm_of(job)->seen && vm_of(job)->queued);
		vm_of(job)->seen = true;
		ok &= EXPECT(job->cpus <= job->width);
		ok &= EXPECT(!full || !job->cpus);
		full |= job->cpus < job->width;
		want += job->width;
		got += job->cpus;
		nr++;
	}
	for (i = 0; i < VMS; i++)
		ok &= EXPECT(vms[i].seen == vms[i].queued);
	ok &= EXPECT(nr == sched.nr_jobs);
	ok &= EXPECT(got == (want < sched.cpus ? want : sched.cpus));
	return ok;
}

static u64 remaining(const struct kvmgov_sched_job *job)
{
	u64 expected = kvmgov_sched_expected(&sched, job);

	return job->used < expected ? expected - job->used : job->used - expected;
}

/* May @a run, having begun now or not, while @b waits? */
static bool check_pair(const struct kvmgov_sched_job *a, bool begun,
		       const struct kvmgov_sched_job *b)
{
	const char *name = sched.ops->name;
	u64 ageing = sched.params.ageing ? sched.params.ageing : NONE;

	if (!strcmp(name, "fcfs"))
		return EXPECT(a->seq < b->seq);
	if (!strcmp(name, "sjf") && begun && !kvmgov_sched_overdue(&sched, a))
		return EXPECT(kvmgov_sched_expected(&sched, a) <=
				      kvmgov_sched_expected(&sched, b) &&
			      !kvmgov_sched_overdue(&sched, b));
	if (!strcmp(name, "srtf") && !kvmgov_sched_overdue(&sched, a))
		return EXPECT(remaining(a) <= remaining(b) && !kvmgov_sched_overdue(&sched, b));
	if (!strcmp(name, "priority"))
		return EXPECT(a->priority + a->boosted + a->waited / ageing >=
			      b->priority + b->boosted + b->waited / ageing);
	if (!strcmp(name, "fair") && begun)
		return EXPECT((s64)(b->vtime - a->vtime) >= 0);
	if (!strcmp(name, "rr") && begun)
		return EXPECT(a->turn < b->turn);
	return true;
}

static bool check_order(void)
{
	bool ok = true;
	u32 i, j;

	for (i = 0; i < VMS; i++)
		for (j = 0; j < VMS; j++)
			if (vms[i].queued && vms[j].queued && vms[i].job.cpus && !vms[j].job.cpus)
				ok &= check_pair(&vms[i].job, !before[i], &vms[j].job);
	return ok;
}

static u64 times(u64 a, u64 b)
{
	return b && a > NONE / 4 / b ? NONE / 4 : a * b;
}

/* No VM waits for longer than its discipline's file says. */
static bool check_bound(const struct vm *vm)
{
	const struct kvmgov_sched_params *params = &sched.params;
	const struct kvmgov_sched_job *job = &vm->job;
	const char *name = sched.ops->name;
	u64 turns = times(vm->most_slice - 1, params->quantum);
	u64 bound = 0;
	u32 i;

	if (!strcmp(name, "fcfs"))
		return EXPECT(vm->waits <= vm->ahead);
	if (!strcmp(name, "rr"))
		return EXPECT(vm->waits <= times(vm->most - 1, params->quantum));
	if (!strcmp(name, "sjf") && params->max_wait)
		return EXPECT(vm->waits <= params->max_wait + vm->ahead);
	if (!strcmp(name, "srtf") && params->max_wait)
		return EXPECT(job->waited <= params->max_wait + turns);
	if (!strcmp(name, "priority") && params->ageing)
		return EXPECT(job->waited <=
			      times(KVMGOV_SCHED_PRIORITY_MAX + params->boost - job->priority + 1,
				    params->ageing) +
				      turns);
	if (!strcmp(name, "fair") && sched.cpus == 1) {
		for (i = 0; i < VMS; i++)
			if (&vms[i] != vm)
				bound += (vms[i].job.weight + job->weight - 1) / job->weight + 1;
		return EXPECT(vm->waits <= times(bound, params->quantum));
	}
	return true;
}

/* What a job may have to wait for that is to be served in the order of coming. */
static u64 ahead_of(const struct vm *vm, bool and_running)
{
	u64 sum = 0;
	u32 i;

	for (i = 0; i < VMS; i++)
		if (vms[i].queued && &vms[i] != vm &&
		    (vms[i].job.seq < vm->job.seq || (and_running && vms[i].job.cpus)))
			sum += vms[i].left;
	return sum;
}

static bool decide(u64 now, u64 *next)
{
	bool ok = true;
	u32 i;

	for (i = 0; i < VMS; i++)
		before[i] = vms[i].job.cpus;
	*next = kvmgov_sched_decide(&sched, now);
	decisions++;
	ok &= EXPECT(*next > now);
	ok &= check_queue() && check_order();
	for (i = 0; i < VMS; i++) {
		struct vm *vm = &vms[i];

		if (!vm->queued)
			continue;
		if (vm->turn != vm->job.turn)
			vm->most_slice = 0;
		vm->turn = vm->job.turn;
		if (vm->most < sched.nr_jobs)
			vm->most = sched.nr_jobs;
		if (vm->most_slice < sched.nr_jobs)
			vm->most_slice = sched.nr_jobs;
		if (!strcmp(sched.ops->name, "sjf") && !kvmgov_sched_overdue(&sched, &vm->job))
			vm->ahead = ahead_of(vm, true);
		ok &= check_bound(vm);
		if (vm->job.cpus) {
			vm->waits = 0;
			vm->most = 0;
		}
	}
	return ok;
}

/* Go on to @to; what runs has used CPU time. */
static void pass(u64 *now, u64 to)
{
	u32 i;

	for (i = 0; i < VMS; i++) {
		struct vm *vm = &vms[i];
		u64 used;

		if (!vm->queued)
			continue;
		if (!vm->job.cpus) {
			vm->waits += to - *now;
			continue;
		}
		used = times(vm->job.cpus, to - *now);
		used = used < vm->left ? used : vm->left;
		vm->left -= used;
		kvmgov_sched_charge(&sched, &vm->job, used);
	}
	*now = to;
	for (i = 0; i < VMS; i++)
		if (vms[i].queued && !vms[i].left) {
			vms[i].queued = false;
			kvmgov_sched_done(&sched, &vms[i].job, to);
		}
}

/* When the first of those that run is done. */
static u64 first_done(u64 now)
{
	u64 at, first = NONE;
	u32 i;

	for (i = 0; i < VMS; i++)
		if (vms[i].queued && vms[i].job.cpus) {
			at = now + (vms[i].left + vms[i].job.cpus - 1) / vms[i].job.cpus;
			first = at < first ? at : first;
		}
	return first;
}

static void come(struct vm *vm, u64 *state, u64 longest, u64 now)
{
	vm->left = rnd_between(state, 1, longest);
	vm->job.hint = rnd(state) % 3 ? vm->left : 0;
	vm->job.priority = rnd(state) % 100;
	if (strcmp(sched.ops->name, "fair"))
		vm->job.weight = rnd_between(state, 1, 10000);
	vm->queued = true;
	vm->waits = 0;
	vm->most = 0;
	vm->most_slice = 0;
	kvmgov_sched_enter(&sched, &vm->job, now);
	vm->ahead = strcmp(sched.ops->name, "fcfs") ? 0 : ahead_of(vm, false);
}

static struct kvmgov_sched_params random_params(u64 *state, u64 longest)
{
	struct kvmgov_sched_params params = {
		.quantum = rnd_between(state, longest / 1000 + 1, longest),
		.alpha = rnd(state) % (ONE + 1),
		.guess = rnd_between(state, 0, longest),
		.max_wait = rnd(state) % 4 ? rnd_between(state, 1, 4 * longest) : 0,
		.ageing = rnd(state) % 4 ? rnd_between(state, 1, longest) : 0,
		.boost = rnd(state) % 20,
		.boost_sleep = rnd_between(state, 0, longest),
	};

	return params;
}

static void begin(u64 *state, const struct kvmgov_sched_ops *ops, u64 longest)
{
	struct kvmgov_sched_params params = random_params(state, longest);
	u32 i, widest = rnd(state) % 2 ? 1 : 6;

	EXPECT(!kvmgov_sched_params_check(&params));
	kvmgov_sched_init(&sched, ops, &params, 1 + rnd(state) % 8 * (rnd(state) % 2));
	memset(vms, 0, sizeof(vms));
	for (i = 0; i < VMS; i++) {
		kvmgov_sched_job_init(&vms[i].job);
		vms[i].job.width = 1 + rnd(state) % widest;
		vms[i].job.weight = rnd_between(state, 1, 10000);
	}
}

/* Jobs come and go under one discipline. */
static bool run_jobs(u64 *state, const struct kvmgov_sched_ops *ops, u64 longest)
{
	u32 step, i, crowd = 1 + rnd(state) % VMS;
	u64 now = 0, next, done, comes;
	bool ok = true;

	begin(state, ops, longest);
	for (step = 0; ok && step < 300; step++) {
		if (sched.nr_jobs < crowd && rnd(state) % 2) {
			i = rnd(state) % VMS;
			while (vms[i].queued)
				i = (i + 1) % VMS;
			come(&vms[i], state, longest, now);
		}
		ok = decide(now, &next);
		done = first_done(now);
		comes = now + rnd_between(state, 0, longest);
		next = next < done ? next : done;
		pass(&now, next < comes ? next : comes);
	}
	return ok;
}

static void test_random(const struct kvmgov_sched_ops *ops)
{
	u64 state = 0x9E3779B97F4A7C15ULL;
	char name[80];
	bool ok = true;
	u32 i;

	decisions = 0;
	for (i = 0; ok && i < 200; i++)
		ok = run_jobs(&state, ops, rnd_between(&state, 1000, 30 * DAY));
	if (!ok)
		printf("# in run %u, decision %lu\n", i, decisions);
	ok &= EXPECT(!ok || decisions == 60000);
	snprintf(name, sizeof(name), "%s keeps its promises in 60000 random decisions", ops->name);
	report(ok, name);
}

/* What is switched all the time loses no job and no work, and keeps all CPUs busy. */
static void test_switch(void)
{
	u64 state = 88172645463325252ULL, now, next, done, sum, want, longest;
	struct kvmgov_sched_job *job;
	bool ok = true;
	u32 run, i;

	for (run = 0; ok && run < 300; run++) {
		longest = rnd_between(&state, 1000, DAY);
		begin(&state, kvmgov_sched_at(rnd(&state) % 6), longest);
		for (want = 0, i = 0; i < VMS; i++) {
			come(&vms[i], &state, longest, 0);
			want += vms[i].left;
		}
		for (now = 0; ok && sched.nr_jobs; pass(&now, next)) {
			if (rnd(&state) % 4 == 0)
				kvmgov_sched_switch(&sched, kvmgov_sched_at(rnd(&state) % 6));
			next = kvmgov_sched_decide(&sched, now);
			ok &= EXPECT(next > now) && check_queue();
			done = first_done(now);
			next = next < done ? next : done;
		}
		for (sum = 0, i = 0; i < VMS; i++) {
			ok &= EXPECT(!vms[i].queued && !vms[i].left);
			sum += vms[i].job.used;
		}
		ok &= EXPECT(sum == want);
		list_for_each_entry (job, &sched.jobs, node)
			ok = EXPECT(!"a job is left");
	}
	report(ok, "a change of discipline in the middle loses nothing");
}

/* The shares of jobs that never end: max-min, found by bisection of the level. */
static double level_of(u32 nr)
{
	double low = 0, high = 4096, mid, sum;
	u32 i, round;

	for (round = 0; round < 200; round++) {
		mid = (low + high) / 2;
		for (sum = 0, i = 0; i < nr; i++)
			sum += mid * vms[i].job.weight < vms[i].job.width ? mid * vms[i].job.weight
									  : vms[i].job.width;
		if (sum < sched.cpus)
			low = mid;
		else
			high = mid;
	}
	return low;
}

static bool run_spinners(u64 *state, u32 nr)
{
	u64 now = 0, next, horizon = 2000 * 10 * MS;
	double level, share, got, width = 0;
	bool ok = true;
	u32 i;

	start(&sched, "fair", 1 + rnd(state) % 6, kvmgov_sched_defaults);
	memset(vms, 0, sizeof(vms));
	for (i = 0; i < nr; i++) {
		kvmgov_sched_job_init(&vms[i].job);
		vms[i].job.width = 1 + rnd(state) % 4;
		vms[i].job.weight = 50 + rnd(state) % 400;
		vms[i].left = NONE;
		vms[i].queued = true;
		width += vms[i].job.width;
		kvmgov_sched_enter(&sched, &vms[i].job, 0);
	}
	while (now < horizon) {
		next = kvmgov_sched_decide(&sched, now);
		pass(&now, next < horizon ? next : horizon);
	}
	level = width > sched.cpus ? level_of(nr) : 4096;
	for (i = 0; i < nr; i++) {
		share = level * vms[i].job.weight;
		share = share < vms[i].job.width ? share : vms[i].job.width;
		got = (double)vms[i].job.used / horizon;
		/* To a few quanta of all of its vCPUs in 2000. */
		if (!EXPECT(got > share - 0.002 * 3 - 0.005 * share &&
			    got < share + 0.002 * 3 + 0.005 * share)) {
			printf("# %u CPUs, %u jobs, weight %u, width %u: %.4f, not %.4f\n",
			       sched.cpus, nr, vms[i].job.weight, vms[i].job.width, got, share);
			ok = false;
		}
	}
	return ok;
}

static void test_shares(void)
{
	u64 state = 0x9E3779B97F4A7C15ULL;
	bool ok = true;
	u32 run;

	for (run = 0; ok && run < 100; run++)
		ok = run_spinners(&state, 1 + rnd(&state) % 10);
	report(ok, "fair: shares are max-min by weight");
}

/*
 * On one CPU, of two jobs that both want to run neither is ever ahead by more than a
 * quantum of each, by weight: the theorem of start-time fair queueing. Also for the
 * heaviest and the lightest there can be, and charges of 1 ns.
 */
static bool run_two(u32 weight_a, u32 weight_b, u64 quantum, u32 steps)
{
	struct kvmgov_sched_params params = kvmgov_sched_defaults;
	struct kvmgov_sched_job a, b;
	double ahead, bound;
	u64 now = 0, next;
	bool ok = true;

	params.quantum = quantum;
	start(&sched, "fair", 1, params);
	kvmgov_sched_job_init(&a);
	kvmgov_sched_job_init(&b);
	a.weight = weight_a;
	b.weight = weight_b;
	kvmgov_sched_enter(&sched, &a, 0);
	kvmgov_sched_enter(&sched, &b, 0);
	while (ok && steps--) {
		next = kvmgov_sched_decide(&sched, now);
		kvmgov_sched_charge(&sched, a.cpus ? &a : &b, next - now);
		now = next;
		ahead = (double)a.used / weight_a - (double)b.used / weight_b;
		/* And what virtual times are rounded to. */
		bound = (double)quantum / weight_a + (double)quantum / weight_b + 2.0 / 16;
		ok = EXPECT(ahead <= bound && ahead >= -bound);
	}
	return ok;
}

static void test_theorem(void)
{
	bool ok = true;

	ok &= run_two(1, 10000, 1, 100000);
	ok &= run_two(1, 10000, 10 * MS, 100000);
	ok &= run_two(1, 10000, 10 * DAY, 1000);
	ok &= run_two(100, 100, 1, 1000);
	ok &= run_two(333, 1000, 7, 100000);
	report(ok, "fair: nobody is ahead by more than a quantum of each");
}

/* Being idle saves nothing up, and going away and coming back wins nothing. */
static void test_idle(void)
{
	struct kvmgov_sched_job spins, naps;
	u64 now, next, napped = 0;
	bool ok = true;

	start(&sched, "fair", 1, kvmgov_sched_defaults);
	kvmgov_sched_job_init(&spins);
	kvmgov_sched_job_init(&naps);
	kvmgov_sched_enter(&sched, &spins, 0);
	for (now = 0; now < 100 * SEC; now = next) {
		next = kvmgov_sched_decide(&sched, now);
		next = next < now + 10 * MS ? next : now + 10 * MS;
		kvmgov_sched_charge(&sched, &spins, next - now);
	}
	ok &= EXPECT(spins.cpus == 1);
	/* It comes late, and then again and again. */
	kvmgov_sched_enter(&sched, &naps, now);
	for (; now < 110 * SEC; now = next) {
		next = kvmgov_sched_decide(&sched, now);
		next = next < now + 10 * MS ? next : now + 10 * MS;
		kvmgov_sched_charge(&sched, naps.cpus ? &naps : &spins, next - now);
		if (naps.cpus) {
			napped += next - now;
			kvmgov_sched_done(&sched, &naps, next);
			kvmgov_sched_enter(&sched, &naps, next);
		}
	}
	ok &= EXPECT(napped >= 4990 * MS && napped <= 5010 * MS);
	report(ok, "fair: idleness is not saved up, and absence pays nothing back");
}

/*
 * A weight that is worth more than the one vCPU it is for leads to no lag: when a
 * third job comes, the light one that has run all the time is not kept out for it.
 */
static void test_too_heavy(void)
{
	struct kvmgov_sched_job heavy, light, third;
	u64 now = 0, next, had = 0;
	bool ok = true;

	start(&sched, "fair", 2, kvmgov_sched_defaults);
	kvmgov_sched_job_init(&heavy);
	kvmgov_sched_job_init(&light);
	kvmgov_sched_job_init(&third);
	heavy.weight = 10000;
	kvmgov_sched_enter(&sched, &heavy, 0);
	kvmgov_sched_enter(&sched, &light, 0);
	for (; now < 11 * SEC; now = next) {
		if (now == 10 * SEC) {
			kvmgov_sched_enter(&sched, &third, now);
			had = light.used;
		}
		next = kvmgov_sched_decide(&sched, now);
		next = next < now + 10 * MS ? next : now + 10 * MS;
		kvmgov_sched_charge(&sched, &heavy, heavy.cpus * (next - now));
		kvmgov_sched_charge(&sched, &light, light.cpus * (next - now));
		kvmgov_sched_charge(&sched, &third, third.cpus * (next - now));
	}
	ok &= EXPECT(had == 10 * SEC && heavy.used >= 10980 * MS);
	ok &= EXPECT(third.used >= 490 * MS && third.used <= 510 * MS);
	ok &= EXPECT(heavy.used + light.used + third.used == 22 * SEC);
	report(ok, "fair: a weight that cannot be used is not counted");
}

/* Who has waited for long enough does not wait for the end of a slice. */
static void test_max_wait(void)
{
	struct kvmgov_sched_params params = kvmgov_sched_defaults;
	struct kvmgov_sched_job runs, waits;
	bool ok = true;

	params.quantum = 100 * SEC;
	start(&sched, "srtf", 1, params);
	kvmgov_sched_job_init(&runs);
	kvmgov_sched_job_init(&waits);
	runs.hint = 50 * SEC;
	waits.hint = 60 * SEC;
	kvmgov_sched_enter(&sched, &runs, 0);
	kvmgov_sched_enter(&sched, &waits, 0);
	ok &= EXPECT(kvmgov_sched_decide(&sched, 0) == 10 * SEC && runs.cpus);
	kvmgov_sched_charge(&sched, &runs, 10 * SEC);
	ok &= EXPECT(kvmgov_sched_decide(&sched, 10 * SEC) == 20 * SEC && waits.cpus);
	report(ok, "srtf: who has waited for long enough runs at once");
}

int main(void)
{
	unsigned int i;

	puts("TAP version 13\n1..19");
	test_names();
	test_params();
	test_average();
	test_expected();
	test_slices();
	test_boost();
	test_ageing();
	for (i = 0; kvmgov_sched_at(i); i++)
		test_random(kvmgov_sched_at(i));
	test_switch();
	test_shares();
	test_theorem();
	test_idle();
	test_too_heavy();
	test_max_wait();
	return nr_failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
