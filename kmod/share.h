/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Shares: what a node of the tree of pools gives to its children.
 *
 * Pure arithmetic: no lock, no clock, no scheduler, no memory but the caller's.
 * The kernel module and the unit tests in user space compile the same share.c.
 */
#ifndef _KVMGOV_SHARE_H
#define _KVMGOV_SHARE_H

#include <linux/list.h>
#include <linux/types.h>

#define KVMGOV_WEIGHT_MIN	1U
#define KVMGOV_WEIGHT_DEFAULT	100U
#define KVMGOV_WEIGHT_MAX	10000U

/* A limit that is none; the same as %KVMGOV_BW_UNLIMITED. */
#define KVMGOV_SHARE_UNLIMITED	(~0ULL)

/**
 * struct kvmgov_share - a node's part of its parent's CPU time
 * @siblings: in the list of its parent's children
 * @reservation: what it gets whenever it wants it
 * @limit: what it never gets more than, or %KVMGOV_SHARE_UNLIMITED; that of
 *	this period, with credit and without debt, as of kvmgov_bw_left()
 * @demand: what it could use; of a pool: what its children could
 * @claimed: of a pool: what its children have reserved and can use; else 0
 * @promised: of a pool: what its children have reserved; else 0
 * @granted: what it gets
 * @ceiling: of the step that is under way, what @granted may grow to
 * @weight: its part of what is not reserved, in proportion to its siblings',
 *	from %KVMGOV_WEIGHT_MIN to %KVMGOV_WEIGHT_MAX
 *
 * All times are CPU time in ns, in one period that is the same for the whole
 * tree: kvmgov_share_convert() is for a node whose own period is another.
 */
struct kvmgov_share {
	struct list_head siblings;
	u64 reservation;
	u64 limit;
	u64 demand;
	u64 claimed;
	u64 promised;
	u64 granted;
	u64 ceiling;
	u32 weight;
};

void kvmgov_share_sum(struct kvmgov_share *pool,
		      const struct list_head *children);
u64 kvmgov_share_distribute(const struct list_head *children, u64 capacity);
u64 kvmgov_share_promise(const struct kvmgov_share *share);
u64 kvmgov_share_room(const struct list_head *children,
		      const struct kvmgov_share *child, u64 room);
u64 kvmgov_share_convert(u64 ns, u32 from_us, u32 to_us);

#endif /* _KVMGOV_SHARE_H */
