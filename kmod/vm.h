/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * VMs as kvmgov knows them.
 */
#ifndef _KVMGOV_VM_H
#define _KVMGOV_VM_H

#include <linux/kobject.h>
#include <linux/kref.h>
#include <linux/list.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/seqlock.h>
#include <linux/spinlock.h>
#include <linux/uuid.h>
#include <linux/wait.h>
#include <linux/workqueue.h>

#include <uapi/linux/kvmgov.h>

#include "bandwidth.h"
#include "ledger.h"

/**
 * struct kvmgov_vm - one virtual machine
 * @key: address of KVM's object; NULL once that has ended
 * @id: never 0, never used twice
 * @ref: held by the registry, by each vCPU, by @kobj, by users for a while
 * @lock: protects @bw, @frozen, @armed, @nr_armed and the vCPUs' deadline,
 *	armed, charged_ns and runner. Innermost; taken in hard interrupt
 *	context.
 * @seq: lets readers see @bw, @frozen, @steal, @name and @uuid together without
 *	@lock; written under that
 * @bw: the budget that its vCPUs share
 * @frozen: its vCPUs are kept out of the guest
 * @steal: its guest is told of holds; under @lock, read without
 * @armed: vCPUs that run on a slice of the budget
 * @nr_armed: how many
 * @waitq: vCPUs asleep in a hold; woken when the limits change
 * @vcpus: its vCPUs; added under the registry's lock, traversed under that
 *	lock or RCU, complete until the VM is freed
 * @nr_vcpus: how many
 * @name: set by user space; under the registry's lock and @lock
 * @uuid: set by user space, null until then; under the same
 * @has_uuid: whether @uuid is not null; under the same
 * @comm: command name of the process
 * @pid: process, in the initial PID namespace
 * @process: the same, with a reference: tells whether it still has that number
 * @born_ns: when it was attached (CLOCK_MONOTONIC)
 * @published: it has been announced; only touched by the registry's workqueue
 * @hash: in the registry's hash, under its hash lock and RCU
 * @publish: announces it
 * @end: takes it down
 * @kobj: its directory in sysfs
 * @vcpus_kobj: the directory of its vCPUs below
 * @rcu: frees it after readers are done
 */
struct kvmgov_vm {
	const void *key;
	u64 id;
	struct kref ref;

	raw_spinlock_t lock;
	seqcount_raw_spinlock_t seq;
	struct kvmgov_bandwidth bw;
	bool frozen;
	bool steal;
	struct list_head armed;
	u32 nr_armed;

	wait_queue_head_t waitq;

	struct list_head vcpus;
	u32 nr_vcpus;

	char name[KVMGOV_NAME_MAX + 1];
	uuid_t uuid;
	bool has_uuid;
	char comm[TASK_COMM_LEN];
	pid_t pid;
	struct pid *process;
	u64 born_ns;
	bool published;

	struct hlist_node hash;
	struct work_struct publish;
	struct work_struct end;
	struct kobject kobj;
	struct kobject *vcpus_kobj;
	struct rcu_head rcu;
};

/**
 * struct kvmgov_vm_view - what is set of a VM, for readers
 * @limit: its limit
 * @credit_ns: what it has kept of unused quota
 * @nr_periods: periods that have begun under a limit
 * @frozen: its vCPUs are kept out of the guest
 * @steal: its guest is told of holds
 * @name: "" while it has none
 * @has_uuid: it has one
 * @uuid: null while it has none
 */
struct kvmgov_vm_view {
	struct kvmgov_cpu_limit limit;
	u64 credit_ns;
	u64 nr_periods;
	bool frozen;
	bool steal;
	bool has_uuid;
	char name[KVMGOV_NAME_MAX + 1];
	uuid_t uuid;
};

/**
 * struct kvmgov_vm_change - what to change of a VM, in one transaction
 * @name: new name or NULL
 * @uuid: new UUID or NULL
 * @frozen: new state, where @set_frozen
 * @steal: whether to tell the guest of holds, where @set_steal
 * @limit: new limit; what is not set of it keeps its value
 * @credit_us: new balance, where @set_credit
 * @set_frozen: @frozen is meant
 * @set_steal: @steal is meant
 * @set_quota: @limit.quota_us is meant
 * @set_period: @limit.period_us is meant
 * @set_credit_max: @limit.credit_max_us is meant
 * @set_credit: @credit_us is meant
 * @reset: put the limit and @steal back to the defaults, forgive the debt, and
 *	take the credit away
 */
struct kvmgov_vm_change {
	const char *name;
	const uuid_t *uuid;
	struct kvmgov_cpu_limit limit;
	u64 credit_us;
	bool frozen;
	bool steal;
	bool set_frozen;
	bool set_steal;
	bool set_quota;
	bool set_period;
	bool set_credit_max;
	bool set_credit;
	bool reset;
};

/**
 * enum kvmgov_vm_error - what is wrong with a change
 * @KVMGOV_VM_OK: nothing
 * @KVMGOV_VM_ENDED: the VM has ended
 * @KVMGOV_VM_BAD_NAME: the name has bytes that it must not have
 * @KVMGOV_VM_NAME_TAKEN: another VM has the name
 * @KVMGOV_VM_UUID_TAKEN: another VM has the UUID
 * @KVMGOV_VM_BAD_QUOTA: the quota is out of range
 * @KVMGOV_VM_BAD_PERIOD: the period is out of range
 * @KVMGOV_VM_BAD_CREDIT_MAX: the maximum of the credit is out of range
 * @KVMGOV_VM_BAD_CREDIT: the credit is more than may be kept
 */
enum kvmgov_vm_error {
	KVMGOV_VM_OK,
	KVMGOV_VM_ENDED,
	KVMGOV_VM_BAD_NAME,
	KVMGOV_VM_NAME_TAKEN,
	KVMGOV_VM_UUID_TAKEN,
	KVMGOV_VM_BAD_QUOTA,
	KVMGOV_VM_BAD_PERIOD,
	KVMGOV_VM_BAD_CREDIT_MAX,
	KVMGOV_VM_BAD_CREDIT,
};

/**
 * struct kvmgov_counters - what the registry has seen since it began
 * @vms_created: VMs
 * @vms_destroyed: VMs that are gone, their memory given back
 * @vcpus_created: vCPUs
 * @vcpus_destroyed: vCPUs that are gone, their memory given back
 * @ungoverned: failures to attach for lack of memory
 */
struct kvmgov_counters {
	u64 vms_created;
	u64 vms_destroyed;
	u64 vcpus_created;
	u64 vcpus_destroyed;
	u64 ungoverned;
};

int kvmgov_vm_init(void);
void kvmgov_vm_let_go(void);
void kvmgov_vm_exit(void);

void kvmgov_vcpu_attach(const void *vm_key, const void *key, u32 index);
void kvmgov_vm_gone(const void *key);

struct kvmgov_vm *kvmgov_vm_get(u64 id);
int kvmgov_vm_for_each(u64 id, int (*fn)(struct kvmgov_vm *vm, void *arg),
		       void *arg);
void kvmgov_vm_put(struct kvmgov_vm *vm);
u64 kvmgov_vm_generation(void);

enum kvmgov_vm_error kvmgov_vm_change(struct kvmgov_vm *vm,
				      const struct kvmgov_vm_change *change);
int kvmgov_vm_errno(enum kvmgov_vm_error error);
pid_t kvmgov_vm_pid(struct kvmgov_vm *vm);
void kvmgov_vm_view(struct kvmgov_vm *vm, u64 now, struct kvmgov_vm_view *view);
void kvmgov_vm_figures(struct kvmgov_vm *vm, struct kvmgov_figures *sum);
bool kvmgov_vm_exits(struct kvmgov_vm *vm, u32 reason,
		     struct kvmgov_exit_figures *sum);

void kvmgov_defaults_get(struct kvmgov_cpu_limit *limit);
enum kvmgov_vm_error kvmgov_defaults_set(const struct kvmgov_vm_change *change);
void kvmgov_counters_get(struct kvmgov_counters *counters);

#endif /* _KVMGOV_VM_H */
