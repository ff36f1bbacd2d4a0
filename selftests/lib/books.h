/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What kvmgov, the scheduler and KVM keep of a vCPU, read one after another.
 */
#ifndef BOOKS_H
#define BOOKS_H

#include "nl.h"
#include "vmm.h"

/* The states of a ledger, in an order of ours. */
enum books_state {
	BOOKS_GUEST,
	BOOKS_EXIT,
	BOOKS_VMM,
	BOOKS_HALT,
	BOOKS_POLL,
	BOOKS_READY,
	BOOKS_HELD_CPU,
	BOOKS_HELD_MEM,
	BOOKS_PAUSED,
	BOOKS_NR_STATES
};

/**
 * struct books - the figures of a vCPU, times in ns
 * @wall:	CLOCK_MONOTONIC
 * @age:	kvmgov: since it was attached
 * @usage:	kvmgov: CPU time
 * @state:	kvmgov: time by state
 * @nr_exits:	kvmgov: exits
 * @cpu:	the scheduler, of the thread: time on a CPU
 * @delay:	the scheduler: time that it waited for one
 * @halt:	KVM: time asleep in halts that are over, with the wait after it
 * @poll:	KVM: time that it polled
 * @kvm_exits:	KVM: exits
 * @work:	the guest: rounds done
 */
struct books {
	int64_t wall;
	int64_t age;
	int64_t usage;
	int64_t state[BOOKS_NR_STATES];
	int64_t nr_exits;
	int64_t cpu;
	int64_t delay;
	int64_t halt;
	int64_t poll;
	int64_t kvm_exits;
	int64_t work;
};

extern const char *const books_state_names[BOOKS_NR_STATES];

/**
 * struct keeper - where a vCPU's books are
 * @link:	speaks to kvmgov
 * @vmm:	the VM, of this process
 * @index:	the vCPU
 * @id:		kvmgov's id of the VM
 * @stats:	KVM's statistics, or -1
 */
struct keeper {
	const struct link *link;
	const struct vmm *vmm;
	unsigned int index;
	uint64_t id;
	int stats;
};

/* Read them; ends the case where something is missing. */
void books_read(struct books *books, const struct keeper *keeper);

/*
 * Read them while the vCPU, whose guest never sleeps, is not held: of a hold that
 * lasts kvmgov tells up to now, the scheduler and the guest once it is over. Ends
 * the case where the vCPU does not come to run.
 */
void books_read_running(struct books *books, const struct keeper *keeper);

/* @end less @start, in @diff. */
void books_subtract(struct books *diff, const struct books *end, const struct books *start);

/* All states together. */
int64_t books_sum(const struct books *books);

#endif
