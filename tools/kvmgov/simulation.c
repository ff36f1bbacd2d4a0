// SPDX-License-Identifier: GPL-2.0-only
/* Simulations: a workload under one of the kernel module's disciplines. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "simulate.h"

/* No burst. */
#define NONE UINT32_MAX

/**
 * struct guest - A VM
 * @job: What the discipline knows of it.
 * @burst: What it does, or NONE.
 * @left: What it still needs for that.
 * @first: What it is to do then, which has arrived too early.
 * @last: The last of these.
 * @cpus: CPUs that it had after the last decision.
 * @since: Since when, if that is recorded.
 */
struct guest {
	struct kvmgov_sched_job job;
	uint32_t burst;
	uint64_t left;
	uint32_t first;
	uint32_t last;
	uint32_t cpus;
	uint64_t since;
};

/**
 * struct world - A simulation that runs
 * @what: What is simulated.
 * @result: What comes of it.
 * @sched: The queue.
 * @guests: The VMs.
 * @then: For each burst that waits for its VM, the one after it.
 * @arrived: How many have arrived.
 * @now: The time.
 */
struct world {
	const struct simulated *what;
	struct simulation *result;
	struct kvmgov_sched sched;
	struct guest *guests;
	uint32_t *then;
	size_t arrived;
	uint64_t now;
};

static struct guest *guest_of(struct kvmgov_sched_job *job)
{
	return list_entry(job, struct guest, job);
}

/* The VM has had another number of CPUs until now. */
static int record(struct world *world, struct guest *guest, uint32_t cpus)
{
	struct simulation *result = world->result;
	struct segment *segments;

	if (!world->what->record || guest->cpus == cpus)
		return 0;
	if (guest->cpus && guest->since < world->now) {
		if (result->nr_segments == result->room) {
			size_t room = result->room ? result->room * 2 : 64;

			segments = reallocarray(result->segments, room, sizeof(*segments));
			if (!segments)
				return ENOMEM;
			result->segments = segments;
			result->room = room;
		}
		result->segments[result->nr_segments++] =
			(struct segment){ guest->burst, guest->cpus, guest->since, world->now };
	}
	guest->since = world->now;
	return 0;
}

static void begin(struct world *world, struct guest *guest, uint32_t index)
{
	const struct burst *burst = &world->what->workload->bursts[index];

	guest->burst = index;
	guest->left = burst->length;
	guest->job.width = burst->vcpus;
	guest->job.weight = burst->weight;
	guest->job.priority = burst->priority;
	guest->job.hint = burst->hint;
	if (!guest->job.hint && world->what->foresee)
		guest->job.hint = burst->length;
	world->result->outcomes[index].start = UINT64_MAX;
	kvmgov_sched_enter(&world->sched, &guest->job, world->now);
}

/* A VM does one thing after another. */
static void arrive(struct world *world, uint32_t index)
{
	struct guest *guest = &world->guests[world->what->workload->bursts[index].vm];

	if (guest->burst == NONE) {
		begin(world, guest, index);
		return;
	}
	world->then[index] = NONE;
	if (guest->first == NONE)
		guest->first = index;
	else
		world->then[guest->last] = index;
	guest->last = index;
}

static int finish(struct world *world, struct guest *guest)
{
	uint32_t next = guest->first;
	int err = record(world, guest, 0);

	guest->cpus = 0;
	world->result->outcomes[guest->burst].end = world->now;
	guest->burst = NONE;
	kvmgov_sched_done(&world->sched, &guest->job, world->now);
	if (next != NONE) {
		guest->first = world->then[next];
		begin(world, guest, next);
	}
	return err;
}

/* Let time pass; those that run are in front. */
static int pass(struct world *world, uint64_t to)
{
	uint64_t time = to - world->now, used;
	struct kvmgov_sched_job *job, *next;
	struct guest *guest;
	int err = 0;

	world->now = to;
	list_for_each_entry (job, &world->sched.jobs, node) {
		/* cppcheck-suppress uninitvar ; it does not see through the macros of lists */
		if (!job->cpus)
			break;
		guest = guest_of(job);
		/* It would be done before this overflows. */
		used = guest->left / job->cpus < time ? guest->left : time * job->cpus;
		guest->left -= used;
		world->result->outcomes[guest->burst].ran += time;
		kvmgov_sched_charge(&world->sched, job, used);
	}
	list_for_each_entry_safe (job, next, &world->sched.jobs, node) {
		/* cppcheck-suppress uninitvar */
		if (!job->cpus)
			break;
		if (!guest_of(job)->left && !err)
			err = finish(world, guest_of(job));
	}
	return err;
}

/* Decide, and see who runs then. Return: when something will happen */
static int decide(struct world *world, uint64_t *next)
{
	struct kvmgov_sched_job *job;
	struct outcome *outcome;
	struct guest *guest;
	uint64_t done;
	int err = 0;

	*next = kvmgov_sched_decide(&world->sched, world->now);
	list_for_each_entry (job, &world->sched.jobs, node) {
		/* cppcheck-suppress uninitvar */
		guest = guest_of(job);
		err = err ? err : record(world, guest, job->cpus);
		if (guest->cpus && !job->cpus)
			world->result->figures.preempted++;
		guest->cpus = job->cpus;
		if (!job->cpus)
			continue;
		outcome = &world->result->outcomes[guest->burst];
		if (outcome->start == UINT64_MAX)
			outcome->start = world->now;
		done = world->now + guest->left / job->cpus + !!(guest->left % job->cpus);
		*next = done < *next ? done : *next;
	}
	return err;
}

static int run(struct world *world)
{
	const struct workload *workload = world->what->workload;
	uint64_t next, decisions = 0;
	int err = 0;

	world->now = workload->bursts[0].arrival;
	while (!err && (world->arrived < workload->nr || world->sched.nr_jobs)) {
		while (world->arrived < workload->nr &&
		       workload->bursts[world->arrived].arrival <= world->now)
			arrive(world, world->arrived++);
		err = decide(world, &next);
		if (world->arrived < workload->nr &&
		    workload->bursts[world->arrived].arrival < next)
			next = workload->bursts[world->arrived].arrival;
		if (!err)
			err = pass(world, next);
		if (++decisions == SIMULATE_DECISIONS_MAX && !err)
			err = EOVERFLOW;
	}
	return err;
}

typedef unsigned __int128 u128;

static uint64_t mean(u128 sum, uint64_t nr)
{
	return (sum + nr / 2) / nr;
}

/*
 * Speed is the time that a burst would have taken alone, of the time that it took.
 * Jain, Chiu and Hawe, A quantitative measure of fairness, DEC-TR-301, 1984.
 */
static void sum_up(struct world *world)
{
	const struct workload *workload = world->what->workload;
	struct figures *figures = &world->result->figures;
	double speed, speeds = 0, squares = 0, span;
	u128 waiting = 0, turnaround = 0, response = 0, length = 0;
	size_t i;

	for (i = 0; i < workload->nr; i++) {
		const struct burst *burst = &workload->bursts[i];
		const struct outcome *outcome = &world->result->outcomes[i];
		uint32_t cpus = burst->vcpus < world->what->cpus ? burst->vcpus : world->what->cpus;
		uint64_t time = outcome->end - burst->arrival, wait = time - outcome->ran;

		waiting += wait;
		turnaround += time;
		response += outcome->start - burst->arrival;
		length += burst->length;
		if (wait > figures->longest)
			figures->longest = wait;
		if (outcome->end > figures->end)
			figures->end = outcome->end;
		speed = (double)burst->length / cpus / time;
		speeds += speed;
		squares += speed * speed;
	}
	figures->jobs = workload->nr;
	figures->begin = workload->bursts[0].arrival;
	span = figures->end - figures->begin;
	figures->throughput = figures->jobs * 1e9 / span;
	figures->busy = 100 * (double)length / span / world->what->cpus;
	figures->waiting = mean(waiting, figures->jobs);
	figures->waiting_sum = waiting > UINT64_MAX ? UINT64_MAX : waiting;
	figures->turnaround = mean(turnaround, figures->jobs);
	figures->response = mean(response, figures->jobs);
	figures->fairness = speeds * speeds / figures->jobs / squares;
}

int simulation_run(struct simulation *simulation, const struct simulated *what,
		   const struct kvmgov_sched_ops *ops)
{
	const struct workload *workload = what->workload;
	struct world world = { .what = what, .result = simulation };
	int err = ENOMEM;
	size_t i;

	memset(simulation, 0, sizeof(*simulation));
	simulation->figures.ops = ops;
	simulation->outcomes = calloc(workload->nr, sizeof(*simulation->outcomes));
	world.guests = calloc(workload->nr_vms, sizeof(*world.guests));
	world.then = calloc(workload->nr, sizeof(*world.then));
	kvmgov_sched_init(&world.sched, ops, &what->params, what->cpus);
	for (i = 0; world.guests && i < workload->nr_vms; i++) {
		kvmgov_sched_job_init(&world.guests[i].job);
		world.guests[i].burst = NONE;
		world.guests[i].first = NONE;
	}
	if (simulation->outcomes && world.guests && world.then)
		err = run(&world);
	if (!err)
		sum_up(&world);
	free(world.guests);
	free(world.then);
	return err;
}

void simulation_free(struct simulation *simulation)
{
	free(simulation->outcomes);
	free(simulation->segments);
}
