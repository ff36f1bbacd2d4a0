/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What differs between kernels. Only the files in this folder know; they ask
 * for symbols and types, which distributions backport, never for a version.
 * Kbuild defines KVMGOV_HAVE_* from the headers it builds against.
 */
#ifndef _KVMGOV_COMPAT_H
#define _KVMGOV_COMPAT_H

#include <linux/hrtimer.h>
#include <linux/sched.h>
#include <net/genetlink.h>

/*
 * exec_start is on the run queue's task clock, which is the scheduler's own
 * clock only where interrupt and steal time are not taken out of it.
 */
#define KVMGOV_EXEC_CLOCK_READABLE				\
	(!IS_ENABLED(CONFIG_IRQ_TIME_ACCOUNTING) &&		\
	 !IS_ENABLED(CONFIG_PARAVIRT_TIME_ACCOUNTING))

#ifndef KVMGOV_HAVE_HRTIMER_SETUP
static inline void
hrtimer_setup(struct hrtimer *timer,
	      enum hrtimer_restart (*function)(struct hrtimer *),
	      clockid_t clock_id, enum hrtimer_mode mode)
{
	hrtimer_init(timer, clock_id, mode);
	timer->function = function;
}
#endif

/*
 * For what is written as a whole before it is read, and is too large to be
 * zeroed before for nothing.
 */
#ifndef __uninitialized
#if __has_attribute(__uninitialized__)
#define __uninitialized __attribute__((__uninitialized__))
#else
#define __uninitialized
#endif
#endif

/* The newest kernels leave preemption on around a tracepoint's probes. */
#ifdef KVMGOV_HAVE_TRACEPOINT_NOPREEMPT
static __always_inline void kvmgov_probe_begin(void) { }
static __always_inline void kvmgov_probe_end(void) { }
#else
static __always_inline void kvmgov_probe_begin(void)
{
	preempt_disable_notrace();
}

static __always_inline void kvmgov_probe_end(void)
{
	preempt_enable_notrace();
}
#endif

static inline bool kvmgov_task_on_cpu(struct task_struct *task)
{
#ifdef CONFIG_SMP
	return READ_ONCE(task->on_cpu);
#else
	return task == current;
#endif
}

/* The structure that a family's pre_doit and post_doit are given. */
#ifdef KVMGOV_HAVE_GENL_SPLIT_OPS
#define kvmgov_genl_op	genl_split_ops
#else
#define kvmgov_genl_op	genl_ops
#endif

static inline struct nlattr **kvmgov_dump_attrs(struct netlink_callback *cb)
{
#ifdef KVMGOV_HAVE_GENL_INFO_DUMP
	return genl_info_dump(cb)->attrs;
#else
	return genl_dumpit_info(cb)->attrs;
#endif
}

#endif /* _KVMGOV_COMPAT_H */
