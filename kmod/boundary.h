/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The boundary: run a function in a vCPU's own thread, where it may sleep,
 * before that thread enters its guest again.
 */
#ifndef _KVMGOV_BOUNDARY_H
#define _KVMGOV_BOUNDARY_H

#include <linux/task_work.h>
#include <linux/types.h>

struct task_struct;

/**
 * struct kvmgov_boundary_work - a function to be run at the boundary
 * @cb: the kernel's task work
 * @fn: the function; runs in the thread that queued the work, and may sleep
 * @task: the thread it is queued on; NULL while it is not queued. Claimed by
 *	cmpxchg(), so that the work is never on two lists.
 *
 * Must stay allocated from the time it is queued until @fn has returned: the
 * owner takes a reference for it.
 */
struct kvmgov_boundary_work {
	struct callback_head cb;
	void (*fn)(struct kvmgov_boundary_work *work);
	struct task_struct *task;
};

bool kvmgov_boundary_queue(struct kvmgov_boundary_work *work);
bool kvmgov_boundary_interrupted(void);
unsigned int kvmgov_boundary_pending(void);
void kvmgov_boundary_nudge(struct kvmgov_boundary_work *work);
void kvmgov_boundary_stop(void);

#endif /* _KVMGOV_BOUNDARY_H */
