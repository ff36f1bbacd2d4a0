/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the BPF programs that do kvmgov's duties, and their loader, agree on.
 */
#ifndef BENCH_GOVERNOR_H
#define BENCH_GOVERNOR_H

#include <linux/types.h>

#define GOVERNOR_VCPUS 64

/* The last one is for all others. */
#define GOVERNOR_REASONS 256

/* One for each bit, so that a mask tells the verifier that an index is valid. */
#define GOVERNOR_BUCKETS 32

enum governor_state {
	GOVERNOR_GUEST,
	GOVERNOR_EXIT,
	GOVERNOR_VMM,
	GOVERNOR_READY,
	GOVERNOR_NR_STATES
};

/**
 * struct governor_slot - exits for one reason
 * @total:	time until the next entry, in ns
 * @longest:	the longest of these times
 * @histogram:	number of exits by the logarithm of that time
 */
struct governor_slot {
	__u64 total;
	__u64 longest;
	__u64 histogram[GOVERNOR_BUCKETS];
};

/**
 * struct governor_vcpu - one vCPU
 * @since:	when its state began, in ns
 * @deadline:	when somebody has to look at the budget
 * @arrival:	when its thread had last come to a CPU; 0 where the next entry has
 *		more to look at
 * @handled:	how long the exit has been handled before @since, in ns
 * @task:	its thread
 * @ready:	how long the thread had waited for one, in ns
 * @used:	CPU time used of the quota
 * @charged:	the thread's CPU time when that was last charged
 * @period_start: when the period began
 * @nr_exits:	exits
 * @nr_over:	how often the budget was found used up
 * @reason:	why it left its guest
 * @ns:		time by state
 * @slot:	exits by reason
 */
struct governor_vcpu {
	__u64 since;
	__u64 deadline;
	__u64 arrival;
	__u64 ready;
	__u64 handled;
	__u64 task;
	__u64 used;
	__u64 charged;
	__u64 period_start;
	__u64 nr_exits;
	__u64 nr_over;
	__u32 reason;
	__u64 ns[GOVERNOR_NR_STATES];
	struct governor_slot slot[GOVERNOR_REASONS];
};

#endif
