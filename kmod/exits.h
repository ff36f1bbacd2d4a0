/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Exits by reason: how often, and how long until the vCPU was back in its guest.
 */
#ifndef _KVMGOV_EXITS_H
#define _KVMGOV_EXITS_H

#include <linux/bitops.h>
#include <linux/types.h>

#include <uapi/linux/kvmgov.h>

#include "arch.h"

/*
 * Slots of a vCPU, two of which are for no one reason. The others are more than
 * the kinds of exits that an ordinary guest makes; what comes after them is
 * counted as unknown. As many as let struct kvmgov_vcpu be of the size it may
 * have: see there.
 */
#define KVMGOV_NR_SLOTS		26

/* The first bucket has all below twice this power of two, in ns. */
#define KVMGOV_EXIT_SHIFT	8

/**
 * struct kvmgov_exit_slot - what is known of the exits for one reason
 * @cycles: time until the next entry, holds apart, in cycles
 * @longest: the longest of these times, in cycles
 * @histogram: number of exits by the logarithm of that time in ns
 */
struct kvmgov_exit_slot {
	u64 cycles;
	u64 longest;
	u64 histogram[KVMGOV_EXIT_BUCKETS];
};

/**
 * struct kvmgov_exits - the exits of a vCPU
 * @nr: slots in use
 * @place: by reason, where its slot is, in bytes from here; 0 while it has none
 * @reason: of each slot
 * @slot: the slots; the first two are for %KVMGOV_REASON_NONE, which nobody
 *	reads, and %KVMGOV_REASON_UNKNOWN
 *
 * Written under the ledger's sequence count.
 */
struct kvmgov_exits {
	u32 nr;
	u16 place[KVMGOV_NR_REASONS];
	u16 reason[KVMGOV_NR_SLOTS];
	struct kvmgov_exit_slot slot[KVMGOV_NR_SLOTS];
};

/**
 * struct kvmgov_exit_figures - what readers see of one reason
 * @reason: the reason
 * @nr: exits, with the one that is being handled
 * @total_ns: time until the next entries
 * @max_ns: the longest
 * @histogram: number of exits by that time, without the one that is being
 *	handled
 */
struct kvmgov_exit_figures {
	u32 reason;
	u64 nr;
	u64 total_ns;
	u64 max_ns;
	u64 histogram[KVMGOV_EXIT_BUCKETS];
};

struct kvmgov_exit_slot *kvmgov_exits_place(struct kvmgov_exits *exits,
					    u32 reason);
void kvmgov_exits_init(struct kvmgov_exits *exits);
bool kvmgov_exits_find(const struct kvmgov_exits *exits, u32 reason, u32 *nr);
void kvmgov_exits_add(struct kvmgov_exit_figures *sum,
		      const struct kvmgov_exit_figures *figures);
bool kvmgov_exits_read(const struct kvmgov_exits *exits, u32 nr, u32 handled,
		       u64 cycles, struct kvmgov_exit_figures *figures);

/**
 * kvmgov_exits_count() - an exit has been handled
 * @slot: where to count it
 * @cycles: how long that took, in cycles
 *
 * Context: the vCPU's thread, in a write section of its ledger.
 */
static __always_inline void kvmgov_exits_count(struct kvmgov_exit_slot *slot,
					       u64 cycles)
{
	long bucket = KVMGOV_EXIT_BUCKETS - 1;

	slot->cycles += cycles;
	if (unlikely(cycles > slot->longest))
		slot->longest = cycles;
	/* No TSC is so slow that this is not among the longest. */
	if (likely(cycles <= U32_MAX))
		bucket = (long)__fls(kvmgov_cycles_to_ns(cycles) |
				     BIT(KVMGOV_EXIT_SHIFT)) -
			 KVMGOV_EXIT_SHIFT;
	slot->histogram[bucket]++;
}

#endif /* _KVMGOV_EXITS_H */
