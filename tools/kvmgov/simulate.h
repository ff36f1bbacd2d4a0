/* SPDX-License-Identifier: GPL-2.0-only */
/* What the files of "kvmgov simulate" share. */
#ifndef _KVMGOV_SIMULATE_H
#define _KVMGOV_SIMULATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "../../kmod/sched/sched.h"

/* Bursts in a workload; the fuzzers have no time for so many. */
#ifndef SIMULATE_JOBS_MAX
#define SIMULATE_JOBS_MAX 5000000
#endif
/* Decisions in a simulation: minutes. */
#ifndef SIMULATE_DECISIONS_MAX
#define SIMULATE_DECISIONS_MAX 1000000000
#endif
/* The longest file that is read. */
#define SIMULATE_FILE_MAX (256 << 20)
/* The longest burst, and the latest arrival: 50 days. */
#define SIMULATE_TIME_MAX (50 * 86400 * 1000000000ULL)

/* --- workloads (workload.c) --- */

/**
 * struct burst - What a VM has to do
 * @vm: Which VM, from 0 on.
 * @vcpus: How many CPUs it can use at once.
 * @priority: Its priority.
 * @weight: Its weight.
 * @order: How many were read before it.
 * @arrival: When it becomes runnable.
 * @length: CPU time that it needs, of all vCPUs together.
 * @hint: What the administrator says that it will need; 0: nothing.
 */
struct burst {
	uint32_t vm;
	uint32_t vcpus;
	uint32_t priority;
	uint32_t weight;
	uint32_t order;
	uint64_t arrival;
	uint64_t length;
	uint64_t hint;
};

/**
 * struct workload - Bursts in the order in which they arrive
 * @bursts: The bursts.
 * @nr: How many.
 * @room: For how many there is room.
 * @names: Names of the VMs; NULL where they are made up.
 * @nr_vms: How many VMs.
 */
struct workload {
	struct burst *bursts;
	size_t nr;
	size_t room;
	char **names;
	size_t nr_vms;
};

/* Told of each error in a file; @line is 0 for one of the whole file. */
typedef void workload_error(void *arg, unsigned int line, const char *text);

/* Read the text of a file; returns how many errors were told of, or -1 (no memory). */
int workload_parse(struct workload *workload, const char *text, size_t len, workload_error *error,
		   void *arg);

/**
 * struct generator - A workload by chance: Poisson arrivals, exponential lengths
 * @rate: Arrivals per second.
 * @service: Mean length in ns.
 * @jobs: How many.
 * @seed: Where chance begins.
 */
struct generator {
	double rate;
	uint64_t service;
	size_t jobs;
	uint64_t seed;
};

/* Returns -1 when there is no memory. */
int workload_generate(struct workload *workload, const struct generator *generator);
void workload_free(struct workload *workload);

#define WORKLOAD_NAME_LEN 64
const char *workload_name(const struct workload *workload, uint32_t vm, char *buf, size_t size);

/* --- simulations (simulation.c) --- */

/**
 * struct outcome - What has become of a burst
 * @start: When it first ran.
 * @end: When it was done.
 * @ran: For how long it ran, on however many CPUs.
 */
struct outcome {
	uint64_t start;
	uint64_t end;
	uint64_t ran;
};

/**
 * struct segment - A burst ran
 * @burst: Which.
 * @cpus: On how many CPUs.
 * @from: From when on.
 * @to: Until when.
 */
struct segment {
	uint32_t burst;
	uint32_t cpus;
	uint64_t from;
	uint64_t to;
};

/**
 * struct figures - What comes of a simulation
 * @ops: The discipline.
 * @jobs: Bursts done.
 * @begin: The first arrival.
 * @end: When the last one was done.
 * @throughput: Bursts per second.
 * @busy: CPU time used, of what there was, in percent.
 * @waiting: Mean time in the queue with no CPU, in ns.
 * @turnaround: Mean time from arrival to end, in ns.
 * @response: Mean time from arrival to the first CPU, in ns.
 * @waiting_sum: All of the waiting, in ns; UINT64_MAX when it is more.
 * @longest: The longest time that one waited, in ns.
 * @fairness: Jain's index of their speeds.
 * @preempted: How often one lost its CPUs before it was done.
 */
struct figures {
	const struct kvmgov_sched_ops *ops;
	uint64_t jobs;
	uint64_t begin;
	uint64_t end;
	double throughput;
	double busy;
	uint64_t waiting;
	uint64_t turnaround;
	uint64_t response;
	uint64_t waiting_sum;
	uint64_t longest;
	double fairness;
	uint64_t preempted;
};

/**
 * struct simulation - One, done
 * @figures: What comes of it.
 * @outcomes: Of each burst.
 * @segments: What ran when, if that was asked for.
 * @nr_segments: How many.
 * @room: For how many there is room.
 */
struct simulation {
	struct figures figures;
	struct outcome *outcomes;
	struct segment *segments;
	size_t nr_segments;
	size_t room;
};

/**
 * struct simulated - What to simulate
 * @workload: The workload.
 * @params: What can be set of disciplines.
 * @cpus: How many CPUs there are.
 * @foresee: Lengths are known beforehand where there is no hint.
 * @record: Keep what ran when.
 */
struct simulated {
	const struct workload *workload;
	struct kvmgov_sched_params params;
	uint32_t cpus;
	bool foresee;
	bool record;
};

/* Returns 0, ENOMEM, or EOVERFLOW after SIMULATE_DECISIONS_MAX decisions. */
int simulation_run(struct simulation *simulation, const struct simulated *what,
		   const struct kvmgov_sched_ops *ops);
void simulation_free(struct simulation *simulation);

/* --- charts (gantt.c) --- */

/* Lines of a chart: as many VMs as it may have. */
#define GANTT_VMS_MAX 100

/* How many columns a chart in text has for time. */
#define GANTT_COLUMNS 64

void gantt_text(FILE *file, const struct workload *workload, const struct simulation *simulation);
/* One picture of all of them. */
void gantt_svg(FILE *file, const struct workload *workload, const struct simulation *simulations,
	       size_t nr);

#endif /* _KVMGOV_SIMULATE_H */
