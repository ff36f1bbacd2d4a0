/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The ledger: which state a vCPU was in, for how long, and how often it left
 * its guest.
 *
 * Only the thread that runs the vCPU writes it, with preemption disabled; any
 * number of readers take a consistent copy without slowing the writer.
 */
#ifndef _KVMGOV_LEDGER_H
#define _KVMGOV_LEDGER_H

#include <linux/sched.h>
#include <linux/seqlock.h>
#include <linux/types.h>

#include "state.h"
#include "thread.h"

/**
 * struct kvmgov_halts - what KVM knows of a vCPU's halts
 * @wait_ns: time in those that are over, with the wait for a CPU after it
 * @poll_ns: time that it polled in those that are over
 * @lasts: the vCPU is in one
 */
struct kvmgov_halts {
	u64 wait_ns;
	u64 poll_ns;
	bool lasts;
};

/**
 * struct kvmgov_facts - what others count, from which states follow
 * @task: the vCPU's thread, to be compared only
 * @times: the scheduler's figures of it
 * @halts: KVM's figures of the vCPU
 */
struct kvmgov_facts {
	const struct task_struct *task;
	struct kvmgov_thread_times times;
	struct kvmgov_halts halts;
};

/**
 * struct kvmgov_ledger - the record of one vCPU
 * @seq: lets readers take a consistent copy
 * @state: the state that lasts as the hooks see it: EXIT, GUEST, VMM or a hold
 * @since: when it began, in cycles
 * @arrival: when the thread of @base had last come to a CPU, on the scheduler's
 *	clock; 0 after a halt
 * @cycles: time spent in each state before @since, in cycles
 * @nr_exits: exits from guest mode
 * @nr_held: holds for the quota
 * @base: the facts that have been accounted for
 */
struct kvmgov_ledger {
	seqcount_t seq;
	u32 state;
	u64 since;
	u64 arrival;
	u64 cycles[KVMGOV_NR_STATES];
	u64 nr_exits;
	u64 nr_held;
	struct kvmgov_facts base;
};

/**
 * struct kvmgov_figures - a ledger's figures for readers, of a vCPU or summed
 * @usage_ns: CPU time of the vCPU threads
 * @state_ns: time by state
 * @nr_exits: exits from guest mode
 * @nr_held: holds for the quota
 */
struct kvmgov_figures {
	u64 usage_ns;
	u64 state_ns[KVMGOV_NR_STATES];
	u64 nr_exits;
	u64 nr_held;
};

/*
 * Account for the time since the last change as a stay in one state. Preemption
 * is disabled.
 */
static __always_inline void ledger_advance(struct kvmgov_ledger *ledger,
					   enum kvmgov_state state, u64 now)
{
	u64 delta = now - ledger->since;

	/* Time stamps of two CPUs may be off by a little: never run backwards. */
	if (likely((s64)delta > 0)) {
		ledger->cycles[ledger->state] += delta;
		ledger->since = now;
	}
	/* Timers and other CPUs look at it without the sequence count. */
	WRITE_ONCE(ledger->state, state);
}

/**
 * kvmgov_ledger_simple() - has nothing but an exit been handled since the exit?
 * @ledger: the ledger
 *
 * Then the thread has not left its CPU, nor KVM_RUN, and the vCPU has not
 * halted. Otherwise the facts are needed. Context: the vCPU's thread, about to
 * enter the guest.
 */
static __always_inline bool
kvmgov_ledger_simple(const struct kvmgov_ledger *ledger)
{
	return ledger->arrival == current->sched_info.last_arrival;
}

/**
 * kvmgov_ledger_entry() - the vCPU enters its guest, with nothing to divide
 * @ledger: the ledger
 * @now: when it enters, in cycles
 *
 * Context: the thread that runs the vCPU, with preemption disabled.
 */
static __always_inline void kvmgov_ledger_entry(struct kvmgov_ledger *ledger,
						u64 now)
{
	raw_write_seqcount_begin(&ledger->seq);
	ledger_advance(ledger, KVMGOV_STATE_GUEST, now);
	raw_write_seqcount_end(&ledger->seq);
}

/**
 * kvmgov_ledger_exit() - the vCPU has left its guest
 * @ledger: the ledger
 * @now: when it left, in cycles
 *
 * Context: the thread that runs the vCPU, with preemption disabled.
 */
static __always_inline void kvmgov_ledger_exit(struct kvmgov_ledger *ledger,
					       u64 now)
{
	raw_write_seqcount_begin(&ledger->seq);
	ledger_advance(ledger, KVMGOV_STATE_EXIT, now);
	ledger->nr_exits++;
	raw_write_seqcount_end(&ledger->seq);
}

/**
 * kvmgov_ledger_halted() - a halt is over
 * @ledger: the ledger
 *
 * Context: the thread that runs the vCPU, with preemption disabled.
 */
static inline void kvmgov_ledger_halted(struct kvmgov_ledger *ledger)
{
	ledger->arrival = 0;
}

/**
 * kvmgov_ledger_in_guest() - is the vCPU in guest mode?
 * @ledger: the ledger
 *
 * Where KVM reports exits late, it still counts as in the guest until then.
 * Context: any.
 */
static inline bool kvmgov_ledger_in_guest(const struct kvmgov_ledger *ledger)
{
	return READ_ONCE(ledger->state) == KVMGOV_STATE_GUEST;
}

void kvmgov_ledger_init(struct kvmgov_ledger *ledger,
			const struct kvmgov_facts *facts);
void kvmgov_ledger_switch(struct kvmgov_ledger *ledger,
			  enum kvmgov_state state,
			  const struct kvmgov_facts *facts);
unsigned int kvmgov_ledger_copy(const struct kvmgov_ledger *ledger,
				struct kvmgov_ledger *copy);
bool kvmgov_ledger_changed(const struct kvmgov_ledger *ledger,
			   unsigned int version);
void kvmgov_ledger_add(struct kvmgov_ledger *copy,
		       const struct kvmgov_facts *facts,
		       struct kvmgov_figures *sum);

#endif /* _KVMGOV_LEDGER_H */
