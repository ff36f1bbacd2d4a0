// SPDX-License-Identifier: GPL-2.0-only
/*
 * Exits by reason: the parts that are not on the way of every exit.
 */
#include <linux/build_bug.h>
#include <linux/minmax.h>
#include <linux/stddef.h>

#include "exits.h"

/* The slots that every vCPU has. */
#define SLOT_NONE	0
#define SLOT_UNKNOWN	1
#define NR_FIXED	2

static u32 slot_place(u32 nr)
{
	static_assert(sizeof(struct kvmgov_exits) <= U16_MAX);
	return offsetof(struct kvmgov_exits, slot) +
	       nr * sizeof(struct kvmgov_exit_slot);
}

/**
 * kvmgov_exits_init() - get ready
 * @exits: the exits of a vCPU, zeroed
 */
void kvmgov_exits_init(struct kvmgov_exits *exits)
{
	exits->place[KVMGOV_REASON_NONE] = slot_place(SLOT_NONE);
	exits->place[KVMGOV_REASON_UNKNOWN] = slot_place(SLOT_UNKNOWN);
	exits->reason[SLOT_NONE] = KVMGOV_REASON_NONE;
	exits->reason[SLOT_UNKNOWN] = KVMGOV_REASON_UNKNOWN;
	exits->nr = NR_FIXED;
}

/**
 * kvmgov_exits_place() - give a reason its slot, if it has none
 * @exits: the vCPU's exits
 * @reason: a reason
 *
 * A guest that makes more kinds of exits than there are slots has the rest of
 * them counted as unknown. Context: as for kvmgov_exits_count().
 *
 * Return: the slot.
 */
struct kvmgov_exit_slot *kvmgov_exits_place(struct kvmgov_exits *exits,
					    u32 reason)
{
	u32 nr = SLOT_UNKNOWN;

	if (!exits->place[reason]) {
		if (exits->nr < KVMGOV_NR_SLOTS) {
			nr = exits->nr++;
			exits->reason[nr] = reason;
		}
		exits->place[reason] = slot_place(nr);
	}
	return (void *)exits + exits->place[reason];
}

/**
 * kvmgov_exits_find() - which one is a reason?
 * @exits: the vCPU's exits
 * @reason: the reason
 * @nr: where to put what kvmgov_exits_read() wants to know
 *
 * Context: any.
 *
 * Return: false when the reason has no slot of its own.
 */
bool kvmgov_exits_find(const struct kvmgov_exits *exits, u32 reason, u32 *nr)
{
	u32 i, place = READ_ONCE(exits->place[reason]);

	if (place <= slot_place(SLOT_NONE))
		return false;
	i = (place - slot_place(0)) / sizeof(struct kvmgov_exit_slot);
	*nr = i - SLOT_UNKNOWN;
	/* Not so for what is counted as unknown for want of a slot. */
	return READ_ONCE(exits->reason[i]) == reason;
}

/**
 * kvmgov_exits_add() - add the exits for one reason to others for the same
 * @sum: the sum
 * @figures: what to add
 */
void kvmgov_exits_add(struct kvmgov_exit_figures *sum,
		      const struct kvmgov_exit_figures *figures)
{
	u32 i;

	sum->nr += figures->nr;
	sum->total_ns += figures->total_ns;
	sum->max_ns = max(sum->max_ns, figures->max_ns);
	for (i = 0; i < KVMGOV_EXIT_BUCKETS; i++)
		sum->histogram[i] += figures->histogram[i];
}

/**
 * kvmgov_exits_read() - what is known of one reason
 * @exits: the vCPU's exits
 * @nr: which one, from 0
 * @handled: the reason of the exit that is being handled
 * @cycles: how long it has been
 * @figures: where to put it
 *
 * Context: a read section of the ledger, so that what comes out means nothing
 * before its end.
 *
 * Return: false when there is no such reason.
 */
bool kvmgov_exits_read(const struct kvmgov_exits *exits, u32 nr, u32 handled,
		       u64 cycles, struct kvmgov_exit_figures *figures)
{
	const struct kvmgov_exit_slot *slot;
	u64 longest;
	u32 i;

	nr += SLOT_UNKNOWN;
	if (nr >= min_t(u32, READ_ONCE(exits->nr), KVMGOV_NR_SLOTS))
		return false;
	slot = &exits->slot[nr];
	longest = READ_ONCE(slot->longest);
	figures->reason = READ_ONCE(exits->reason[nr]);
	figures->total_ns = READ_ONCE(slot->cycles);
	figures->nr = 0;
	for (i = 0; i < KVMGOV_EXIT_BUCKETS; i++) {
		figures->histogram[i] = READ_ONCE(slot->histogram[i]);
		figures->nr += figures->histogram[i];
	}
	if (handled != KVMGOV_REASON_NONE && handled < KVMGOV_NR_REASONS &&
	    READ_ONCE(exits->place[handled]) == slot_place(nr)) {
		figures->nr++;
		figures->total_ns += cycles;
		longest = max(longest, cycles);
	}
	figures->total_ns = kvmgov_cycles_to_ns(figures->total_ns);
	figures->max_ns = kvmgov_cycles_to_ns(longest);
	return true;
}
