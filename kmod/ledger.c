// SPDX-License-Identifier: GPL-2.0-only
/*
 * The ledger: the parts that are not on the way of every exit.
 */
#include <linux/sched.h>

#include "arch.h"
#include "ledger.h"

/* Is an exit being handled now? A hold does not count as that. */
static bool ledger_handles(const struct kvmgov_ledger *ledger)
{
	enum kvmgov_state state = ledger_at_state(READ_ONCE(ledger->at));

	return state == KVMGOV_STATE_EXIT || state == KVMGOV_STATE_VMM;
}

/* What happened since @base, in cycles, but for the stay's length. */
static __always_inline void ledger_compare(const struct kvmgov_facts *base,
					   const struct kvmgov_facts *facts,
					   struct kvmgov_stay *stay)
{
	u64 clock = kvmgov_elapsed(base->times.clock, facts->times.clock);
	u64 cpu = kvmgov_elapsed(base->times.cpu, facts->times.cpu);
	u64 ready = kvmgov_elapsed(base->times.ready, facts->times.ready);
	u64 halted = kvmgov_elapsed(base->halts.wait_ns, facts->halts.wait_ns);
	u64 polled = kvmgov_elapsed(base->halts.poll_ns, facts->halts.poll_ns);

	stay->ready = kvmgov_ns_to_cycles(ready);
	stay->asleep = kvmgov_ns_to_cycles(kvmgov_elapsed(cpu + ready, clock));
	/* KVM counts a halt when it is over. */
	stay->halted = facts->halts.lasts ? stay->asleep :
					    kvmgov_ns_to_cycles(halted);
	stay->polled = kvmgov_ns_to_cycles(polled);
}

/*
 * Divide the time since the last change by what @facts tell of it. Return: its
 * length.
 */
static __always_inline u64 ledger_divide(struct kvmgov_ledger *ledger,
					 const struct kvmgov_facts *facts,
					 u64 now)
{
	struct kvmgov_stay stay = {
		.length = kvmgov_elapsed(ledger->since, now),
	};

	/* Of a thread that is new to the vCPU there is nothing to compare. */
	if (facts->task == ledger->base.task)
		ledger_compare(&ledger->base, facts, &stay);
	/* What runs does not sleep, however far behind its CPU time is. */
	if (ledger_at_state(ledger->at) == KVMGOV_STATE_GUEST && facts->times.runs)
		stay.asleep = 0;
	kvmgov_state_divide(ledger_at_state(ledger->at), &stay, ledger->cycles);
	return stay.length;
}

/*
 * Account for the time since the last change, by what @facts tell of it; they
 * are NULL where there is nothing to tell.
 */
static void ledger_close(struct kvmgov_ledger *ledger,
			 const struct kvmgov_facts *facts, u64 now)
{
	u64 length;

	if (facts) {
		length = ledger_divide(ledger, facts, now);
		ledger->base = *facts;
	} else {
		length = kvmgov_elapsed(ledger->since, now);
		ledger->cycles[ledger_at_state(ledger->at)] += length;
	}
	if (ledger_handles(ledger))
		ledger->handled += length;
	ledger->since += length;
}

/**
 * kvmgov_ledger_init() - begin a ledger
 * @ledger: the ledger, zeroed
 * @facts: what is known of the vCPU and the current thread
 */
void kvmgov_ledger_init(struct kvmgov_ledger *ledger,
			const struct kvmgov_facts *facts)
{
	seqcount_init(&ledger->seq);
	ledger->at = LEDGER_AT(KVMGOV_STATE_EXIT, KVMGOV_REASON_NONE);
	ledger->since = kvmgov_cycles();
	ledger->base = *facts;
}

/**
 * kvmgov_ledger_exit_slow() - the vCPU has left its guest, somehow
 * @ledger: the ledger
 * @reason: why
 * @now: when it left, in cycles
 *
 * Context: the thread that runs the vCPU, with preemption disabled.
 */
void kvmgov_ledger_exit_slow(struct kvmgov_ledger *ledger, u32 reason, u64 now)
{
	if (reason > KVMGOV_REASON_LAST)
		reason = KVMGOV_REASON_UNKNOWN;
	raw_write_seqcount_begin(&ledger->seq);
	/* Time stamps of two CPUs may be off by a bit: never run backwards. */
	ledger->cycles[ledger_at_state(ledger->at)] += kvmgov_elapsed(ledger->since, now);
	ledger->since += kvmgov_elapsed(ledger->since, now);
	WRITE_ONCE(ledger->at, LEDGER_AT(KVMGOV_STATE_EXIT, reason));
	ledger->nr_exits++;
	raw_write_seqcount_end(&ledger->seq);
}

/* An exit has been handled. */
static void ledger_count(struct kvmgov_ledger *ledger,
			 struct kvmgov_exits *exits)
{
	struct kvmgov_exit_slot *slot;

	slot = kvmgov_exits_place(exits, ledger_at_reason(ledger->at));
	kvmgov_exits_count(slot, ledger->handled);
	ledger->handled = 0;
}

/**
 * kvmgov_ledger_missed() - the vCPU has entered its guest, and nobody has seen it
 * @ledger: the ledger
 * @exits: its exits by reason
 *
 * It may have done so at once after its exit, as it does where KVM deals with that
 * on its fast path: all time since then counts as the guest's.
 *
 * Context: the thread that runs the vCPU, with preemption disabled.
 */
void kvmgov_ledger_missed(struct kvmgov_ledger *ledger,
			  struct kvmgov_exits *exits)
{
	raw_write_seqcount_begin(&ledger->seq);
	ledger_count(ledger, exits);
	WRITE_ONCE(ledger->at, LEDGER_AT_GUEST);
	raw_write_seqcount_end(&ledger->seq);
}

/**
 * kvmgov_ledger_switch() - the vCPU changes its state
 * @ledger: the ledger
 * @exits: its exits by reason
 * @state: the state that begins now
 * @facts: what is known of the vCPU and the current thread; NULL where the
 *	ledger is undisturbed
 *
 * Context: the thread that runs the vCPU, with preemption disabled since before
 * @facts were taken.
 */
void kvmgov_ledger_switch(struct kvmgov_ledger *ledger,
			  struct kvmgov_exits *exits,
			  enum kvmgov_state state,
			  const struct kvmgov_facts *facts)
{
	u32 reason = ledger_at_reason(ledger->at);

	raw_write_seqcount_begin(&ledger->seq);
	ledger_close(ledger, facts, kvmgov_cycles());
	/* One hold may sleep several times: count it once. */
	if (state == KVMGOV_STATE_HELD_CPU && ledger_at_state(ledger->at) != state)
		ledger->nr_held++;
	if (state == KVMGOV_STATE_GUEST) {
		ledger_count(ledger, exits);
		reason = KVMGOV_REASON_NONE;
		ledger->arrival = current->sched_info.last_arrival;
	} else {
		/* The next entry has to add up what the exit has taken. */
		ledger->arrival = 0;
	}
	ledger->base_arrival = current->sched_info.last_arrival;
	WRITE_ONCE(ledger->at, LEDGER_AT(state, reason));
	raw_write_seqcount_end(&ledger->seq);
}

/**
 * kvmgov_ledger_held() - time that the vCPU was held for lack of something
 * @ledger: the ledger
 *
 * Context: the thread that runs the vCPU.
 *
 * Return: in cycles, without the state that lasts.
 */
u64 kvmgov_ledger_held(const struct kvmgov_ledger *ledger)
{
	return ledger->cycles[KVMGOV_STATE_HELD_CPU] +
	       ledger->cycles[KVMGOV_STATE_HELD_MEM];
}

/**
 * kvmgov_ledger_rebase() - the thread was made to look as if it had waited
 * @ledger: the ledger
 * @ready: for how long, in ns, which is not to be accounted for
 *
 * Context: the thread that runs the vCPU, with preemption disabled since before
 * the last change of state.
 */
void kvmgov_ledger_rebase(struct kvmgov_ledger *ledger, u64 ready)
{
	raw_write_seqcount_begin(&ledger->seq);
	ledger->base.times.ready += ready;
	raw_write_seqcount_end(&ledger->seq);
}

/**
 * kvmgov_ledger_exits() - what is known of the exits for one reason
 * @ledger: the ledger
 * @exits: its exits by reason
 * @nr: which reason, from 0
 * @figures: where to put it
 *
 * Context: any.
 *
 * Return: false when there is no such reason.
 */
bool kvmgov_ledger_exits(const struct kvmgov_ledger *ledger,
			 const struct kvmgov_exits *exits, u32 nr,
			 struct kvmgov_exit_figures *figures)
{
	unsigned int seq;
	u64 cycles;
	bool found;

	do {
		seq = read_seqcount_begin(&ledger->seq);
		cycles = ledger->handled;
		if (ledger_handles(ledger))
			cycles += kvmgov_elapsed(ledger->since, kvmgov_cycles());
		found = kvmgov_exits_read(exits, nr, ledger_at_reason(ledger->at), cycles,
					  figures);
	} while (read_seqcount_retry(&ledger->seq, seq));
	return found;
}

/**
 * kvmgov_ledger_add() - add a ledger's figures to a sum
 * @copy: a copy of the ledger; used up
 * @facts: what is known of the vCPU and its thread
 * @sum: where to add them; @sum->usage_ns is not touched
 *
 * The state that lasts is counted up to now. Context: any.
 */
void kvmgov_ledger_add(struct kvmgov_ledger *copy,
		       const struct kvmgov_facts *facts,
		       struct kvmgov_figures *sum)
{
	unsigned int i;

	ledger_divide(copy, facts, kvmgov_cycles());
	/* To convert a 0 as well takes less than to look. */
#pragma GCC unroll KVMGOV_NR_STATES
	for (i = 0; i < KVMGOV_NR_STATES; i++)
		sum->state_ns[i] += kvmgov_cycles_to_ns(copy->cycles[i]);
	sum->nr_exits += copy->nr_exits;
	sum->nr_held += copy->nr_held;
}
