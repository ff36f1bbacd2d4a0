/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The final records of VMs that have ended.
 */
#ifndef _KVMGOV_HISTORY_H
#define _KVMGOV_HISTORY_H

#include <linux/rcupdate.h>
#include <linux/refcount.h>
#include <linux/types.h>

struct kvmgov_vm;

/**
 * struct kvmgov_record - all there is to tell of a VM that has ended
 * @nr: running number, from 1
 * @ref: held by the ring, and by its maker for a while
 * @rcu: frees it after readers are done
 * @len: length of @attrs in bytes
 * @attrs: netlink attributes, as kvmgov_message_final() puts them
 *
 * Never changed once it is made.
 */
struct kvmgov_record {
	u64 nr;
	refcount_t ref;
	struct rcu_head rcu;
	u32 len;
	u8 attrs[] __aligned(4);
};

/**
 * struct kvmgov_history_counters - what has become of the records
 * @max: how many are kept at most
 * @nr: that are kept
 * @overwritten: that had to make room for others
 * @lost: that could not be made for lack of memory
 */
struct kvmgov_history_counters {
	u32 max;
	u32 nr;
	u64 overwritten;
	u64 lost;
};

struct kvmgov_record *kvmgov_history_add(struct kvmgov_vm *vm);
void kvmgov_record_put(struct kvmgov_record *record);
struct kvmgov_record *kvmgov_history_next(u64 nr);
u32 kvmgov_history_longest(void);
void kvmgov_history_counters(struct kvmgov_history_counters *counters);
void kvmgov_history_exit(void);

#endif /* _KVMGOV_HISTORY_H */
