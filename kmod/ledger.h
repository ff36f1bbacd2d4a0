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

#include "exits.h"
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

/*
 * What a vCPU is at, as the hooks see it, in one word: the state, which is EXIT,
 * GUEST, VMM or a hold, and the reason of the exit that is being handled, or
 * %KVMGOV_REASON_NONE.
 */
#define LEDGER_AT(state, reason)	((u32)(state) << 16 | (reason))
#define LEDGER_AT_GUEST \
	LEDGER_AT(KVMGOV_STATE_GUEST, KVMGOV_REASON_NONE)

static __always_inline enum kvmgov_state ledger_at_state(u32 at)
{
	return at >> 16;
}

static __always_inline u32 ledger_at_reason(u32 at)
{
	return at & 0xffff;
}

/**
 * struct kvmgov_ledger - the record of one vCPU
 * @seq: lets readers take a consistent copy
 * @at: what lasts; timers and other CPUs look at it without @seq
 * @since: when it began, in cycles
 * @arrival: when the thread of @base had last come to a CPU, on the scheduler's
 *	clock; 0 where the next entry has to look at more than that
 * @base_arrival: the same as of @base, 0 after a halt
 * @handled: time that the exit has been handled before @since, in cycles
 * @cycles: time spent in each state before @since, in cycles
 * @nr_exits: exits from guest mode
 * @nr_held: holds for the quota
 * @base: the facts that have been accounted for
 */
struct kvmgov_ledger {
	seqcount_t seq;
	u32 at;
	u64 since;
	u64 arrival;
	u64 base_arrival;
	u64 handled;
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
 * Longer than this, in cycles, no stay is on the fast way. As a time stamp that
 * lies before the last one looks like a very long stay, it is not either.
 */
#define KVMGOV_LEDGER_FAST	S32_MAX

/**
 * kvmgov_ledger_entry() - the vCPU enters its guest, on the fast way
 * @ledger: the ledger
 * @exits: its exits by reason
 * @now: where to put the time, in cycles
 *
 * Fast is when the time since the exit was spent on nothing else: the thread has
 * not left its CPU, nor KVM_RUN, and the vCPU has not halted.
 *
 * Context: the thread that runs the vCPU, with preemption disabled.
 *
 * Return: false when the entry is not fast; nothing has happened then.
 */
static __always_inline bool kvmgov_ledger_entry(struct kvmgov_ledger *ledger,
						struct kvmgov_exits *exits,
						u64 *now)
{
	struct kvmgov_exit_slot *slot;
	u32 at, place;
	u64 delta;

	at = ledger->at;
	place = exits->place[ledger_at_reason(at)];
	if (unlikely(ledger->arrival != current->sched_info.last_arrival ||
		     !place))
		return false;
	*now = kvmgov_cycles();
	delta = *now - ledger->since;
	if (unlikely(delta > KVMGOV_LEDGER_FAST))
		return false;
	slot = (void *)exits + place;
	raw_write_seqcount_begin(&ledger->seq);
	ledger->cycles[ledger_at_state(at)] += delta;
	kvmgov_exits_count(slot, delta);
	ledger->since = *now;
	WRITE_ONCE(ledger->at, LEDGER_AT_GUEST);
	raw_write_seqcount_end(&ledger->seq);
	return true;
}

/**
 * kvmgov_ledger_exit() - the vCPU has left its guest, on the fast way
 * @ledger: the ledger
 * @reason: why
 * @now: when it left, in cycles
 *
 * Fast is when the entry before it has been seen. Context: the thread that runs
 * the vCPU, with preemption disabled.
 *
 * Return: false when the exit is not fast; nothing has happened then.
 */
static __always_inline bool kvmgov_ledger_exit(struct kvmgov_ledger *ledger,
					       u32 reason, u64 now)
{
	s64 delta = now - ledger->since;

	if (unlikely(delta < 0 || reason > KVMGOV_REASON_LAST ||
		     ledger->at != LEDGER_AT_GUEST))
		return false;
	raw_write_seqcount_begin(&ledger->seq);
	ledger->cycles[KVMGOV_STATE_GUEST] += delta;
	ledger->since = now;
	WRITE_ONCE(ledger->at, LEDGER_AT(KVMGOV_STATE_EXIT, reason));
	ledger->nr_exits++;
	raw_write_seqcount_end(&ledger->seq);
	return true;
}

/**
 * kvmgov_ledger_look() - the next change of state needs the facts
 * @ledger: the ledger
 *
 * Context: the thread that runs the vCPU, with preemption disabled.
 */
static inline void kvmgov_ledger_look(struct kvmgov_ledger *ledger)
{
	ledger->arrival = 0;
	ledger->base_arrival = 0;
}

/**
 * kvmgov_ledger_undisturbed() - do the facts add up to plain CPU time?
 * @ledger: the ledger
 *
 * Since they were taken the thread has not left its CPU, and the vCPU has not
 * halted. Context: the vCPU's thread, with preemption disabled.
 */
static inline bool kvmgov_ledger_undisturbed(const struct kvmgov_ledger *ledger)
{
	return ledger->base_arrival == current->sched_info.last_arrival &&
	       ledger->base.task == current;
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
	return ledger_at_state(READ_ONCE(ledger->at)) == KVMGOV_STATE_GUEST;
}

/**
 * kvmgov_ledger_copy() - copy a ledger
 * @ledger: the ledger
 * @copy: where to put it
 *
 * Context: any.
 *
 * Return: what kvmgov_ledger_changed() wants to know.
 */
static inline unsigned int kvmgov_ledger_copy(const struct kvmgov_ledger *ledger,
					      struct kvmgov_ledger *copy)
{
	unsigned int seq;

	do {
		seq = read_seqcount_begin(&ledger->seq);
		*copy = *ledger;
	} while (read_seqcount_retry(&ledger->seq, seq));
	return seq;
}

/**
 * kvmgov_ledger_changed() - has a ledger changed since it was copied?
 * @ledger: the ledger
 * @version: what kvmgov_ledger_copy() returned
 */
static inline bool kvmgov_ledger_changed(const struct kvmgov_ledger *ledger,
					 unsigned int version)
{
	return read_seqcount_retry(&ledger->seq, version);
}

void kvmgov_ledger_init(struct kvmgov_ledger *ledger,
			const struct kvmgov_facts *facts);
void kvmgov_ledger_exit_slow(struct kvmgov_ledger *ledger, u32 reason, u64 now);
void kvmgov_ledger_missed(struct kvmgov_ledger *ledger,
			  struct kvmgov_exits *exits);
u64 kvmgov_ledger_held(const struct kvmgov_ledger *ledger);
void kvmgov_ledger_rebase(struct kvmgov_ledger *ledger, u64 ready);
void kvmgov_ledger_switch(struct kvmgov_ledger *ledger,
			  struct kvmgov_exits *exits,
			  enum kvmgov_state state,
			  const struct kvmgov_facts *facts);
bool kvmgov_ledger_exits(const struct kvmgov_ledger *ledger,
			 const struct kvmgov_exits *exits, u32 nr,
			 struct kvmgov_exit_figures *figures);
void kvmgov_ledger_add(struct kvmgov_ledger *copy,
		       const struct kvmgov_facts *facts,
		       struct kvmgov_figures *sum);

#endif /* _KVMGOV_LEDGER_H */
