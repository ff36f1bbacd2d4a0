// SPDX-License-Identifier: GPL-2.0-only
/*
 * VMs as kvmgov knows them: attachment, lookup, reference, change, end.
 *
 * A vCPU is attached in its own thread, before it enters its guest a second
 * time at the latest. From then on it is governed; an ordered workqueue makes it visible in
 * sysfs and announces it, and takes it down after KVM has destroyed it, so
 * that whoever listens sees every VM come before it goes.
 */
#include <linux/atomic.h>
#include <linux/hash.h>
#include <linux/hrtimer.h>
#include <linux/ktime.h>
#include <linux/mutex.h>
#include <linux/pid.h>
#include <linux/rculist.h>
#include <linux/slab.h>
#include <linux/xarray.h>

#include "boundary.h"
#include "history.h"
#include "netlink.h"
#include "slice.h"
#include "sysfs.h"
#include "trace.h"
#include "vcpu.h"
#include "vm.h"

#define HASH_BITS	12

/*
 * VMs by the address of KVM's object. Not a resizable table: entries are
 * removed in a kprobe, where on PREEMPT_RT no ordinary lock may be taken.
 */
static struct hlist_head vm_hash[1 << HASH_BITS];

/* Protects vm_hash and the keys of what is in it. */
static DEFINE_RAW_SPINLOCK(hash_lock);

/*
 * Protects vms, next_id, defaults, and of each VM: its list of vCPUs, name and
 * uuid. Taken before a VM's lock and hash_lock.
 */
static DEFINE_MUTEX(registry_lock);

/* VMs by id, from attachment until their end has been announced. */
static DEFINE_XARRAY(vms);
static u64 next_id = 1;

static struct kvmgov_cpu_limit defaults = {
	.quota_us = KVMGOV_BW_UNLIMITED,
	.period_us = 100000,
};

/* Changes whenever the set of VMs does: makes dumps consistent. */
static atomic64_t generation = ATOMIC64_INIT(1);

static atomic64_t vms_created, vms_destroyed;

static struct workqueue_struct *life_wq;

static struct hlist_head *hash_bucket(const void *key)
{
	return &vm_hash[hash_ptr(key, HASH_BITS)];
}

static struct kvmgov_vm *vm_lookup(const void *key)
{
	struct kvmgov_vm *vm;

	hlist_for_each_entry_rcu(vm, hash_bucket(key), hash,
				 lockdep_is_held(&hash_lock) ||
				 lockdep_is_held(&registry_lock))
		if (vm->key == key)
			return vm;
	return NULL;
}

/* Readers look at the process under RCU. */
static void vm_free(struct rcu_head *rcu)
{
	struct kvmgov_vm *vm = container_of(rcu, struct kvmgov_vm, rcu);

	put_pid(vm->process);
	kfree(vm);
}

static void vm_release(struct kref *ref)
{
	struct kvmgov_vm *vm = container_of(ref, struct kvmgov_vm, ref);

	atomic64_inc(&vms_destroyed);
	call_rcu(&vm->rcu, vm_free);
}

/**
 * kvmgov_vm_put() - drop a reference
 * @vm: the VM
 *
 * Context: any.
 */
void kvmgov_vm_put(struct kvmgov_vm *vm)
{
	kref_put(&vm->ref, vm_release);
}

/**
 * kvmgov_vm_get() - find a VM
 * @id: its id
 *
 * Context: any.
 *
 * Return: the VM, to be put by the caller, or NULL.
 */
struct kvmgov_vm *kvmgov_vm_get(u64 id)
{
	struct kvmgov_vm *vm;

	rcu_read_lock();
	vm = xa_load(&vms, id);
	if (vm && !kref_get_unless_zero(&vm->ref))
		vm = NULL;
	rcu_read_unlock();
	return vm;
}

/**
 * kvmgov_vm_for_each() - call a function for VMs in the order of their ids
 * @id: begin behind the VM with this one; 0 begins with the first
 * @fn: the function; what is not 0 ends it
 * @arg: for @fn
 *
 * Context: any; @fn is called under RCU, and ends it before long.
 *
 * Return: what @fn has returned last.
 */
int kvmgov_vm_for_each(u64 id, int (*fn)(struct kvmgov_vm *vm, void *arg),
		       void *arg)
{
	XA_STATE(xas, &vms, id + 1);
	struct kvmgov_vm *vm;
	int ret = 0;

	rcu_read_lock();
	xas_for_each(&xas, vm, ULONG_MAX) {
		if (xas_retry(&xas, vm))
			continue;
		ret = fn(vm, arg);
		if (ret)
			break;
	}
	rcu_read_unlock();
	return ret;
}

/**
 * kvmgov_vm_generation() - number that changes with the set of VMs
 */
u64 kvmgov_vm_generation(void)
{
	return atomic64_read(&generation);
}

static void vm_publish(struct work_struct *work)
{
	struct kvmgov_vm *vm = container_of(work, struct kvmgov_vm, publish);

	kvmgov_sysfs_vm_add(vm);
	vm->published = true;
	kvmgov_netlink_notify(vm, KVMGOV_CMD_VM_NEW_NTF);
	kvmgov_vm_put(vm);
}

/*
 * Take down a VM that KVM has destroyed, or that the module lets go of. Its
 * vCPUs stay on the list until the last figures have been sent.
 */
static void vm_end(struct work_struct *work)
{
	struct kvmgov_vm *vm = container_of(work, struct kvmgov_vm, end);
	struct kvmgov_vcpu *vcpu, *next;
	struct kvmgov_record *record;

	list_for_each_entry(vcpu, &vm->vcpus, siblings)
		kvmgov_vcpu_end(vcpu);
	trace_kvmgov_end(vm);

	/* Whoever looks finds the VM or its record at any time. */
	record = kvmgov_history_add(vm);
	kvmgov_sysfs_vm_del(vm);
	mutex_lock(&registry_lock);
	xa_erase(&vms, vm->id);
	atomic64_inc(&generation);
	mutex_unlock(&registry_lock);
	if (record) {
		kvmgov_netlink_ended(record);
		kvmgov_record_put(record);
	}

	mutex_lock(&registry_lock);
	list_for_each_entry_safe(vcpu, next, &vm->vcpus, siblings) {
		list_del_rcu(&vcpu->siblings);
		kvmgov_vcpu_drop(vcpu);
	}
	mutex_unlock(&registry_lock);
	kvmgov_vm_put(vm);
}

/* Context: holds hash_lock. */
static void vm_unhash(struct kvmgov_vm *vm)
{
	lockdep_assert_held(&hash_lock);
	WRITE_ONCE(vm->key, NULL);
	hlist_del_init_rcu(&vm->hash);
	queue_work(life_wq, &vm->end);
}

/**
 * kvmgov_vm_gone() - KVM destroys a VM
 * @key: address of KVM's object
 *
 * Context: any; KVM's object is still there, and nobody runs its vCPUs.
 */
void kvmgov_vm_gone(const void *key)
{
	struct kvmgov_vm *vm;
	unsigned long flags;

	raw_spin_lock_irqsave(&hash_lock, flags);
	vm = vm_lookup(key);
	if (vm)
		vm_unhash(vm);
	raw_spin_unlock_irqrestore(&hash_lock, flags);
}

/* Find or make the VM of the current thread. Context: holds registry_lock. */
static struct kvmgov_vm *vm_attach(const void *key)
{
	struct kvmgov_vm *vm = vm_lookup(key);

	lockdep_assert_held(&registry_lock);
	if (vm)
		return vm;

	vm = kzalloc(sizeof(*vm), GFP_KERNEL);
	if (!vm)
		return NULL;
	vm->key = key;
	vm->id = next_id;
	kref_init(&vm->ref);
	raw_spin_lock_init(&vm->lock);
	seqcount_raw_spinlock_init(&vm->seq, &vm->lock);
	vm->steal = true;
	INIT_LIST_HEAD(&vm->armed);
	INIT_LIST_HEAD(&vm->vcpus);
	init_waitqueue_head(&vm->waitq);
	INIT_WORK(&vm->publish, vm_publish);
	INIT_WORK(&vm->end, vm_end);
	vm->pid = task_tgid_nr(current);
	get_task_comm(vm->comm, current->group_leader);
	vm->born_ns = ktime_get_ns();
	kvmgov_bw_init(&vm->bw, &defaults, vm->born_ns);

	vm->process = get_task_pid(current, PIDTYPE_TGID);
	if (xa_err(xa_store(&vms, vm->id, vm, GFP_KERNEL))) {
		put_pid(vm->process);
		kfree(vm);
		return NULL;
	}
	next_id++;
	atomic64_inc(&vms_created);
	atomic64_inc(&generation);

	raw_spin_lock_irq(&hash_lock);
	hlist_add_head_rcu(&vm->hash, hash_bucket(key));
	raw_spin_unlock_irq(&hash_lock);

	kref_get(&vm->ref);
	queue_work(life_wq, &vm->publish);
	return vm;
}

/**
 * kvmgov_vcpu_attach() - begin to govern a vCPU
 * @vm_key: address of KVM's VM object
 * @key: address of KVM's vCPU object
 * @index: KVM's vcpu_id
 *
 * Where memory lacks, the vCPU runs on ungoverned, which is counted; it is
 * tried again at its next entry.
 *
 * Context: the vCPU's thread inside KVM_RUN, so that neither object ends
 * meanwhile. May sleep.
 */
void kvmgov_vcpu_attach(const void *vm_key, const void *key, u32 index)
{
	struct kvmgov_vcpu *vcpu = NULL;
	struct kvmgov_vm *vm;

	mutex_lock(&registry_lock);
	vm = vm_attach(vm_key);
	if (vm)
		vcpu = kvmgov_vcpu_new(vm, key, index);
	if (vcpu) {
		kvmgov_vcpu_add(vm, vcpu);
		trace_kvmgov_attach(vcpu);
		kref_get(&vcpu->ref);
		queue_work(life_wq, &vcpu->publish);
	}
	mutex_unlock(&registry_lock);
	if (!vcpu)
		kvmgov_ungoverned_inc();
}

/* A name must be told from an id and must not break a terminal or a path. */
static bool name_is_valid(const char *name)
{
	bool digits = true;
	const char *p;

	if (strlen(name) > KVMGOV_NAME_MAX)
		return false;
	for (p = name; *p; p++) {
		if ((unsigned char)*p < ' ' || *p == 0x7f || *p == '/')
			return false;
		if (*p < '0' || *p > '9')
			digits = false;
	}
	return !*name || !digits;
}

static enum kvmgov_vm_error identity_check(const struct kvmgov_vm *vm,
					   const struct kvmgov_vm_change *change)
{
	struct kvmgov_vm *other;
	unsigned long id;

	lockdep_assert_held(&registry_lock);
	if (change->name && !name_is_valid(change->name))
		return KVMGOV_VM_BAD_NAME;
	xa_for_each(&vms, id, other) {
		if (other == vm)
			continue;
		if (change->name && *change->name &&
		    !strcmp(change->name, other->name))
			return KVMGOV_VM_NAME_TAKEN;
		if (change->uuid && !uuid_is_null(change->uuid) &&
		    uuid_equal(change->uuid, &other->uuid))
			return KVMGOV_VM_UUID_TAKEN;
	}
	return KVMGOV_VM_OK;
}

/* Put what @change sets into @limit and look whether that can be enforced. */
static enum kvmgov_vm_error limit_merge(struct kvmgov_cpu_limit *limit,
					const struct kvmgov_vm_change *change)
{
	if (change->reset)
		*limit = defaults;
	if (change->set_period) {
		limit->period_us = change->limit.period_us;
		if (kvmgov_cpu_limit_check(limit))
			return KVMGOV_VM_BAD_PERIOD;
	}
	if (change->set_quota) {
		limit->quota_us = change->limit.quota_us;
		if (kvmgov_cpu_limit_check(limit))
			return KVMGOV_VM_BAD_QUOTA;
	}
	if (change->set_credit_max) {
		limit->credit_max_us = change->limit.credit_max_us;
		if (kvmgov_cpu_limit_check(limit))
			return KVMGOV_VM_BAD_CREDIT_MAX;
	}
	if (change->set_credit && change->credit_us > limit->credit_max_us)
		return KVMGOV_VM_BAD_CREDIT;
	return KVMGOV_VM_OK;
}

static void change_apply(struct kvmgov_vm *vm,
			 const struct kvmgov_cpu_limit *limit,
			 const struct kvmgov_vm_change *change)
{
	u64 now;

	raw_spin_lock_irq(&vm->lock);
	write_seqcount_begin(&vm->seq);
	kvmgov_slice_settle(vm);
	now = ktime_get_ns();
	if (change->name)
		strscpy_pad(vm->name, change->name, sizeof(vm->name));
	if (change->uuid) {
		uuid_copy(&vm->uuid, change->uuid);
		vm->has_uuid = !uuid_is_null(&vm->uuid);
	}
	if (change->reset)
		kvmgov_bw_init(&vm->bw, limit, now);
	else
		kvmgov_bw_set(&vm->bw, limit, now);
	if (change->set_credit)
		kvmgov_bw_set_credit(&vm->bw, change->credit_us, now);
	if (change->set_frozen)
		vm->frozen = change->frozen;
	if (change->set_steal || change->reset)
		WRITE_ONCE(vm->steal, change->reset || change->steal);
	write_seqcount_end(&vm->seq);
	kvmgov_slice_recall(vm);
	trace_kvmgov_change(vm, limit);
	raw_spin_unlock_irq(&vm->lock);
	wake_up_all(&vm->waitq);
}

/**
 * kvmgov_vm_change() - change a VM in one transaction
 * @vm: the VM
 * @change: what to change
 *
 * Takes effect at once, for vCPUs in the guest and in a hold alike. Context:
 * may sleep.
 *
 * Return: what is wrong, in which case nothing has changed.
 */
enum kvmgov_vm_error kvmgov_vm_change(struct kvmgov_vm *vm,
				      const struct kvmgov_vm_change *change)
{
	struct kvmgov_cpu_limit limit;
	enum kvmgov_vm_error error;

	mutex_lock(&registry_lock);
	/* Only changed under this lock, so it can be read without its own. */
	kvmgov_bw_get(&vm->bw, &limit);
	error = READ_ONCE(vm->key) ? limit_merge(&limit, change) :
				     KVMGOV_VM_ENDED;
	if (!error)
		error = identity_check(vm, change);
	if (!error)
		change_apply(vm, &limit, change);
	mutex_unlock(&registry_lock);
	if (!error)
		kvmgov_netlink_notify(vm, KVMGOV_CMD_VM_CHANGE_NTF);
	return error;
}

/**
 * kvmgov_vm_errno() - the errno of a refused change
 * @error: what is wrong
 *
 * Return: negative errno, or 0.
 */
int kvmgov_vm_errno(enum kvmgov_vm_error error)
{
	switch (error) {
	case KVMGOV_VM_OK:
		return 0;
	case KVMGOV_VM_ENDED:
		return -ENODEV;
	case KVMGOV_VM_NAME_TAKEN:
	case KVMGOV_VM_UUID_TAKEN:
		return -EEXIST;
	case KVMGOV_VM_BAD_CREDIT:
		return -ERANGE;
	default:
		return -EINVAL;
	}
}

/**
 * kvmgov_vm_pid() - the process that runs a VM
 * @vm: the VM
 *
 * A VM may outlive its process in somebody else's descriptors: its number may
 * then be another's. Context: any.
 *
 * Return: its id in the initial PID namespace; 0 when it is gone and the VM is
 * not.
 */
pid_t kvmgov_vm_pid(struct kvmgov_vm *vm)
{
	bool orphan = READ_ONCE(vm->key) && !pid_has_task(vm->process, PIDTYPE_TGID);

	return orphan ? 0 : vm->pid;
}

/**
 * kvmgov_vm_view() - what is set of a VM
 * @vm: the VM
 * @now: the time (CLOCK_MONOTONIC), in ns
 * @view: where to put it
 *
 * No lock is taken that a vCPU could wait for. Context: any.
 */
void kvmgov_vm_view(struct kvmgov_vm *vm, u64 now, struct kvmgov_vm_view *view)
{
	struct kvmgov_bandwidth bw __uninitialized;
	unsigned int seq;

	do {
		seq = read_seqcount_begin(&vm->seq);
		bw = vm->bw;
		view->frozen = vm->frozen;
		view->steal = vm->steal;
		memcpy(view->name, vm->name, sizeof(view->name));
		view->uuid = vm->uuid;
		view->has_uuid = vm->has_uuid;
	} while (read_seqcount_retry(&vm->seq, seq));
	kvmgov_bw_get(&bw, &view->limit);
	view->credit_ns = kvmgov_bw_credit(&bw, now);
	view->nr_periods = kvmgov_bw_nr_periods(&bw, now);
}

/**
 * kvmgov_vm_figures() - add up the figures of a VM's vCPUs
 * @vm: the VM
 * @sum: where to put them
 *
 * Context: RCU.
 */
void kvmgov_vm_figures(struct kvmgov_vm *vm, struct kvmgov_figures *sum)
{
	struct kvmgov_vcpu *vcpu;

	*sum = (struct kvmgov_figures) {};
	list_for_each_entry_rcu(vcpu, &vm->vcpus, siblings)
		kvmgov_vcpu_figures(vcpu, sum);
}

/**
 * kvmgov_vm_exits() - add up the exits of a VM's vCPUs for one reason
 * @vm: the VM
 * @reason: the reason
 * @sum: where to put them
 *
 * Context: any.
 *
 * Return: false when there were none.
 */
bool kvmgov_vm_exits(struct kvmgov_vm *vm, u32 reason,
		     struct kvmgov_exit_figures *sum)
{
	struct kvmgov_exit_figures exits;
	struct kvmgov_vcpu *vcpu;
	u32 nr;

	memset(sum, 0, sizeof(*sum));
	sum->reason = reason;
	rcu_read_lock();
	list_for_each_entry_rcu(vcpu, &vm->vcpus, siblings)
		if (kvmgov_exits_find(&vcpu->exits, reason, &nr) &&
		    kvmgov_ledger_exits(&vcpu->ledger, &vcpu->exits, nr, &exits))
			kvmgov_exits_add(sum, &exits);
	rcu_read_unlock();
	return sum->nr;
}

/**
 * kvmgov_defaults_get() - the limit under which VMs are born
 * @limit: where to put it
 *
 * Context: may sleep.
 */
void kvmgov_defaults_get(struct kvmgov_cpu_limit *limit)
{
	mutex_lock(&registry_lock);
	*limit = defaults;
	mutex_unlock(&registry_lock);
}

/**
 * kvmgov_defaults_set() - change the limit under which VMs are born
 * @change: of it, the limit counts
 *
 * VMs that exist keep theirs. Context: may sleep.
 *
 * Return: what is wrong, in which case nothing has changed.
 */
enum kvmgov_vm_error kvmgov_defaults_set(const struct kvmgov_vm_change *change)
{
	struct kvmgov_cpu_limit limit;
	enum kvmgov_vm_error error;

	mutex_lock(&registry_lock);
	limit = defaults;
	error = limit_merge(&limit, change);
	if (!error)
		defaults = limit;
	mutex_unlock(&registry_lock);
	return error;
}

/**
 * kvmgov_counters_get() - what has been seen since the module was loaded
 * @counters: where to put it
 *
 * Context: any.
 */
void kvmgov_counters_get(struct kvmgov_counters *counters)
{
	counters->vms_created = atomic64_read(&vms_created);
	counters->vms_destroyed = atomic64_read(&vms_destroyed);
	kvmgov_vcpu_counters(counters);
}

/**
 * kvmgov_vm_init() - make the registry
 *
 * Return: 0 or a negative errno.
 */
int kvmgov_vm_init(void)
{
	kvmgov_vcpu_init();
	life_wq = alloc_ordered_workqueue("kvmgov", 0);
	return life_wq ? 0 : -ENOMEM;
}

/**
 * kvmgov_vm_let_go() - wake all vCPUs that are held, and get queued holds run
 *
 * Context: may sleep; the probes are off, so that no timer is set again.
 */
void kvmgov_vm_let_go(void)
{
	struct kvmgov_vcpu *vcpu;
	struct kvmgov_vm *vm;
	unsigned long id;

	mutex_lock(&registry_lock);
	xa_for_each(&vms, id, vm) {
		wake_up_all(&vm->waitq);
		list_for_each_entry(vcpu, &vm->vcpus, siblings) {
			hrtimer_cancel(&vcpu->timer);
			kvmgov_boundary_nudge(&vcpu->work);
		}
	}
	mutex_unlock(&registry_lock);
}

/**
 * kvmgov_vm_exit() - forget everything
 *
 * Context: may sleep; the probes are off and the works drained.
 */
void kvmgov_vm_exit(void)
{
	struct kvmgov_counters nr;
	struct kvmgov_vm *vm;
	unsigned long id;

	/* Whom KVM has destroyed meanwhile is on its way out already. */
	mutex_lock(&registry_lock);
	raw_spin_lock_irq(&hash_lock);
	xa_for_each(&vms, id, vm)
		if (vm->key)
			vm_unhash(vm);
	raw_spin_unlock_irq(&hash_lock);
	mutex_unlock(&registry_lock);

	destroy_workqueue(life_wq);
	/* The memory of runners, vCPUs and VMs is freed by our functions. */
	rcu_barrier();
	xa_destroy(&vms);
	kvmgov_history_exit();
	kvmgov_counters_get(&nr);
	if (nr.vms_created != nr.vms_destroyed ||
	    nr.vcpus_created != nr.vcpus_destroyed)
		pr_err("%llu VMs and %llu vCPUs were never freed\n",
		       nr.vms_created - nr.vms_destroyed,
		       nr.vcpus_created - nr.vcpus_destroyed);
}
