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

#include <linux/seqlock.h>
#include <linux/types.h>

/**
 * enum kvmgov_state - what a vCPU is doing; it is always doing one of these
 * @KVMGOV_STATE_HOST: not in the guest and not kept out of it: KVM handles an
 *	exit, the VMM runs, the vCPU is halted or waits for a CPU
 * @KVMGOV_STATE_GUEST: in guest mode
 * @KVMGOV_STATE_HELD_CPU: held because its VM has used its quota
 * @KVMGOV_STATE_PAUSED: held because its VM is frozen
 * @KVMGOV_NR_STATES: number of states
 */
enum kvmgov_state {
	KVMGOV_STATE_HOST,
	KVMGOV_STATE_GUEST,
	KVMGOV_STATE_HELD_CPU,
	KVMGOV_STATE_PAUSED,
	KVMGOV_NR_STATES,
};

/**
 * struct kvmgov_ledger - the record of one vCPU
 * @seq: lets readers take a consistent copy
 * @state: the state that lasts, one of enum kvmgov_state
 * @since: when it began, in cycles
 * @cycles: time spent in each state before @since, in cycles
 * @nr_exits: exits from guest mode
 * @nr_held: holds for the quota
 */
struct kvmgov_ledger {
	seqcount_t seq;
	u32 state;
	u64 since;
	u64 cycles[KVMGOV_NR_STATES];
	u64 nr_exits;
	u64 nr_held;
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

/* Account for the time since the last change. Preemption is disabled. */
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
 * kvmgov_ledger_switch() - the vCPU changes its state
 * @ledger: the ledger
 * @state: the state that begins
 * @now: when it begins, in cycles
 *
 * Context: the thread that runs the vCPU, with preemption disabled.
 */
static __always_inline void kvmgov_ledger_switch(struct kvmgov_ledger *ledger,
						 enum kvmgov_state state,
						 u64 now)
{
	raw_write_seqcount_begin(&ledger->seq);
	ledger_advance(ledger, state, now);
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
	ledger_advance(ledger, KVMGOV_STATE_HOST, now);
	ledger->nr_exits++;
	raw_write_seqcount_end(&ledger->seq);
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

void kvmgov_ledger_init(struct kvmgov_ledger *ledger, u64 now);
void kvmgov_ledger_held(struct kvmgov_ledger *ledger, enum kvmgov_state state);
void kvmgov_ledger_released(struct kvmgov_ledger *ledger);
void kvmgov_ledger_add(const struct kvmgov_ledger *ledger,
		       struct kvmgov_figures *sum);

#endif /* _KVMGOV_LEDGER_H */
