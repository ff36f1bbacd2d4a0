// SPDX-License-Identifier: GPL-2.0-only
/*
 * Discovery of vCPUs that a probe sees for the first time.
 *
 * Objects are made where memory may be waited for: at the boundary, before the
 * entry that follows in the same KVM_RUN. A probe cannot allocate, so that the
 * work which gets a thread there comes from a small fixed set and goes back
 * after use.
 */
#include <linux/sched.h>
#include <linux/spinlock.h>

#include "boundary.h"
#include "discover.h"
#include "hooks.h"
#include "vm.h"

/*
 * More threads than this are never under way at once on a real host; one that
 * finds none free is discovered at its next entry.
 */
#define NR_FINDS	64

/**
 * struct find - a vCPU on its way to be attached
 * @work: runs in its thread
 * @key: address of KVM's object
 * @task: the thread; NULL when this one is free
 */
struct find {
	struct kvmgov_boundary_work work;
	const void *key;
	struct task_struct *task;
};

static struct find finds[NR_FINDS];

/* Protects key and task of all finds. */
static DEFINE_RAW_SPINLOCK(finds_lock);

static void find_run(struct kvmgov_boundary_work *work)
{
	struct find *find = container_of(work, struct find, work);
	const void *vm_key;
	unsigned long flags;
	u32 index;

	/*
	 * On its way to user space the vCPU may be gone already. If it comes
	 * back, the beginning of KVM_RUN tells of it.
	 */
	if (kvmgov_hooks_vcpu_loaded(find->key) &&
	    !kvmgov_boundary_interrupted()) {
		kvmgov_hooks_vcpu_describe(find->key, &vm_key, &index);
		kvmgov_vcpu_attach(vm_key, find->key, index);
	}
	raw_spin_lock_irqsave(&finds_lock, flags);
	find->task = NULL;
	raw_spin_unlock_irqrestore(&finds_lock, flags);
}

/**
 * kvmgov_discover_init() - prepare
 */
void kvmgov_discover_init(void)
{
	unsigned int i;

	for (i = 0; i < NR_FINDS; i++)
		finds[i].work.fn = find_run;
}

/**
 * kvmgov_discover() - have a vCPU attached before its next entry
 * @key: address of KVM's object
 *
 * Context: a probe, in the vCPU's thread.
 */
void kvmgov_discover(const void *key)
{
	struct find *find = NULL;
	unsigned long flags;
	unsigned int i;

	raw_spin_lock_irqsave(&finds_lock, flags);
	for (i = 0; i < NR_FINDS; i++) {
		if (finds[i].task == current) {
			/* Under way since its entry. */
			find = NULL;
			break;
		}
		if (!finds[i].task && !find)
			find = &finds[i];
	}
	if (find) {
		find->task = current;
		find->key = key;
		if (!kvmgov_boundary_queue(&find->work))
			find->task = NULL;
	}
	raw_spin_unlock_irqrestore(&finds_lock, flags);
}

/**
 * kvmgov_discover_nudge() - get what is under way finished, for unload
 */
void kvmgov_discover_nudge(void)
{
	unsigned int i;

	for (i = 0; i < NR_FINDS; i++)
		kvmgov_boundary_nudge(&finds[i].work);
}
