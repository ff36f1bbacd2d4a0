// SPDX-License-Identifier: GPL-2.0-only
/*
 * The final records of VMs that have ended: a ring in which the latest stay
 * readable, so that no usage is lost because nobody listened.
 */
#include <linux/moduleparam.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/xarray.h>
#include <net/netlink.h>

#include "history.h"
#include "message.h"

/* At most; each takes about 3 KiB. */
#define RECORDS_MAX	65536

/* Protects all below; the records are read under RCU. */
static DEFINE_MUTEX(history_lock);

/* By running number: nr of them, up to last. */
static DEFINE_XARRAY(records);
static u64 last;
static u32 nr_records;
static u32 longest;
static u64 overwritten, lost;

/* Written by the administrator; takes effect when the next VM ends. */
static unsigned int max_records = 1024;

static int max_records_set(const char *text, const struct kernel_param *param)
{
	return param_set_uint_minmax(text, param, 0, RECORDS_MAX);
}

static const struct kernel_param_ops max_records_ops = {
	.set = max_records_set,
	.get = param_get_uint,
};

module_param_cb(records, &max_records_ops, &max_records, 0644);
__MODULE_PARM_TYPE(records, "uint");
MODULE_PARM_DESC(records,
		 "final records of VMs to keep, 0 to 65536 (default: 1024)");

/**
 * kvmgov_record_put() - drop a reference
 * @record: the record
 *
 * Context: may sleep.
 */
void kvmgov_record_put(struct kvmgov_record *record)
{
	if (refcount_dec_and_test(&record->ref))
		kvfree_rcu(record, rcu);
}

/* Take the oldest out until no more than @max are left. */
static void history_trim(u32 max)
{
	lockdep_assert_held(&history_lock);
	for (; nr_records > max; nr_records--) {
		kvmgov_record_put(xa_erase(&records, last - nr_records + 1));
		overwritten++;
	}
}

static struct kvmgov_record *record_new(struct kvmgov_vm *vm)
{
	struct kvmgov_record *record = NULL;
	struct sk_buff *skb;

	skb = alloc_skb(kvmgov_message_final_size(vm), GFP_KERNEL);
	if (!skb)
		return NULL;
	if (!kvmgov_message_final(skb, vm))
		record = kvmalloc(struct_size(record, attrs, skb->len), GFP_KERNEL);
	if (record) {
		refcount_set(&record->ref, 1);
		record->len = skb->len;
		memcpy(record->attrs, skb->data, skb->len);
	}
	kfree_skb(skb);
	return record;
}

/* Context: holds history_lock. Return: 0, or -ENOMEM. */
static int history_store(struct kvmgov_record *record)
{
	int err;

	lockdep_assert_held(&history_lock);
	record->nr = last + 1;
	err = xa_err(xa_store(&records, record->nr, record, GFP_KERNEL));
	if (err)
		return err;
	refcount_inc(&record->ref);
	last++;
	nr_records++;
	longest = max(longest, record->len);
	return 0;
}

/**
 * kvmgov_history_add() - make and keep the final record of a VM
 * @vm: the VM, whose vCPUs nobody runs any more
 *
 * Where memory lacks the record is lost, and counted. Context: may sleep.
 *
 * Return: the record, to be put by the caller, or NULL.
 */
struct kvmgov_record *kvmgov_history_add(struct kvmgov_vm *vm)
{
	struct kvmgov_record *record = record_new(vm);

	mutex_lock(&history_lock);
	if (!record || history_store(record))
		lost++;
	history_trim(READ_ONCE(max_records));
	mutex_unlock(&history_lock);
	return record;
}

/**
 * kvmgov_history_next() - the oldest record that is newer than another
 * @nr: the other's number; 0 finds the first
 *
 * Context: RCU, which keeps what is found in memory.
 *
 * Return: the record, or NULL.
 */
struct kvmgov_record *kvmgov_history_next(u64 nr)
{
	unsigned long index = nr;

	return xa_find_after(&records, &index, ULONG_MAX, XA_PRESENT);
}

/**
 * kvmgov_history_longest() - length of the longest record that there was
 *
 * Context: any.
 */
u32 kvmgov_history_longest(void)
{
	return READ_ONCE(longest);
}

/**
 * kvmgov_history_counters() - what has become of the records
 * @counters: where to put it
 *
 * Context: may sleep.
 */
void kvmgov_history_counters(struct kvmgov_history_counters *counters)
{
	mutex_lock(&history_lock);
	*counters = (struct kvmgov_history_counters){
		.max = READ_ONCE(max_records),
		.nr = nr_records,
		.overwritten = overwritten,
		.lost = lost,
	};
	mutex_unlock(&history_lock);
}

/**
 * kvmgov_history_exit() - forget all records
 *
 * Context: may sleep; nobody reads and no VM ends any more.
 */
void kvmgov_history_exit(void)
{
	mutex_lock(&history_lock);
	history_trim(0);
	mutex_unlock(&history_lock);
}
