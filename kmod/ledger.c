// SPDX-License-Identifier: GPL-2.0-only
/*
 * The ledger: the parts that are not on the way of every exit.
 */
#include <linux/preempt.h>

#include "arch.h"
#include "ledger.h"

/**
 * kvmgov_ledger_init() - begin a ledger
 * @ledger: the ledger, zeroed
 * @now: the time, in cycles
 */
void kvmgov_ledger_init(struct kvmgov_ledger *ledger, u64 now)
{
	seqcount_init(&ledger->seq);
	ledger->state = KVMGOV_STATE_HOST;
	ledger->since = now;
}

/**
 * kvmgov_ledger_held() - the vCPU is going to sleep in a hold
 * @ledger: the ledger
 * @state: why
 *
 * Context: the thread that runs the vCPU.
 */
void kvmgov_ledger_held(struct kvmgov_ledger *ledger, enum kvmgov_state state)
{
	preempt_disable();
	raw_write_seqcount_begin(&ledger->seq);
	/* One hold may sleep several times: count it once. */
	if (state == KVMGOV_STATE_HELD_CPU && ledger->state != state)
		ledger->nr_held++;
	ledger_advance(ledger, state, kvmgov_cycles());
	raw_write_seqcount_end(&ledger->seq);
	preempt_enable();
}

/**
 * kvmgov_ledger_released() - the vCPU has come out of a hold
 * @ledger: the ledger
 *
 * Context: the thread that runs the vCPU.
 */
void kvmgov_ledger_released(struct kvmgov_ledger *ledger)
{
	preempt_disable();
	kvmgov_ledger_switch(ledger, KVMGOV_STATE_HOST, kvmgov_cycles());
	preempt_enable();
}

/**
 * kvmgov_ledger_add() - add a ledger's figures to a sum
 * @ledger: the ledger
 * @sum: where to add them; @sum->usage_ns is not touched
 *
 * The state that lasts is counted up to now. Context: any.
 */
void kvmgov_ledger_add(const struct kvmgov_ledger *ledger,
		       struct kvmgov_figures *sum)
{
	u64 cycles[KVMGOV_NR_STATES], since, now, nr_exits, nr_held;
	unsigned int seq, i;
	u32 state;

	do {
		seq = read_seqcount_begin(&ledger->seq);
		for (i = 0; i < KVMGOV_NR_STATES; i++)
			cycles[i] = ledger->cycles[i];
		state = ledger->state;
		since = ledger->since;
		nr_exits = ledger->nr_exits;
		nr_held = ledger->nr_held;
		now = kvmgov_cycles();
	} while (read_seqcount_retry(&ledger->seq, seq));

	if ((s64)(now - since) > 0)
		cycles[state] += now - since;
	for (i = 0; i < KVMGOV_NR_STATES; i++)
		sum->state_ns[i] += kvmgov_cycles_to_ns(cycles[i]);
	sum->nr_exits += nr_exits;
	sum->nr_held += nr_held;
}
