/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Threads as the scheduler accounts for them.
 */
#ifndef _KVMGOV_THREAD_H
#define _KVMGOV_THREAD_H

#include <linux/types.h>

struct task_struct;

/**
 * struct kvmgov_thread_times - where a thread's time went, in ns
 * @clock: the scheduler's clock when the others were read
 * @cpu: on a CPU
 * @ready: wanted a CPU and had none
 * @runs: it is on a CPU
 *
 * What of @clock goes by in none of @cpu and @ready the thread is asleep.
 */
struct kvmgov_thread_times {
	u64 clock;
	u64 cpu;
	u64 ready;
	bool runs;
};

/**
 * kvmgov_elapsed() - how far a clock or a counter has come
 * @then: what it said
 * @now: what it says; where that is of another CPU it may seem to go back a bit
 */
static inline u64 kvmgov_elapsed(u64 then, u64 now)
{
	return now > then ? now - then : 0;
}

bool kvmgov_thread_exact(void);
u64 kvmgov_thread_cpu(struct task_struct *task);
void kvmgov_thread_add_ready(u64 ns);
void kvmgov_thread_times(struct task_struct *task,
			 struct kvmgov_thread_times *times);

#endif /* _KVMGOV_THREAD_H */
