// SPDX-License-Identifier: GPL-2.0-only
/*
 * One planted defect for each of the kernel's checkers: what they do not find
 * here they would not find in kvmgov either. The parameter "defect" says which;
 * the module never stays loaded.
 */
#include <linux/delay.h>
#include <linux/kthread.h>
#include <linux/list.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>
#include <linux/smp.h>
#include <linux/spinlock.h>
#include <linux/timer.h>

static char *defect;
module_param(defect, charp, 0400);
MODULE_PARM_DESC(defect, "which one");

/* Use of memory after it was freed (KASAN). */
static void use_after_free(void)
{
	int *p = kmalloc(sizeof(*p), GFP_KERNEL);

	if (!p)
		return;
	kfree(p);
	OPTIMIZER_HIDE_VAR(p);
	WRITE_ONCE(*p, 1);
}

/* A shift by more than the type has bits (UBSAN). */
static void bad_shift(void)
{
	int bits = 40, value = 1;

	OPTIMIZER_HIDE_VAR(bits);
	value <<= bits;
	OPTIMIZER_HIDE_VAR(value);
}

static DEFINE_MUTEX(first);
static DEFINE_MUTEX(second);

/* Two locks in both orders (lockdep). */
static void lock_order(void)
{
	mutex_lock(&first);
	mutex_lock(&second);
	mutex_unlock(&second);
	mutex_unlock(&first);
	mutex_lock(&second);
	mutex_lock(&first);
	mutex_unlock(&first);
	mutex_unlock(&second);
}

/* An RCU pointer read by nobody who may (PROVE_RCU). */
static void no_rcu(void)
{
	static int __rcu *pointer;

	(void)rcu_dereference(pointer);
}

/* Sleeping with preemption off (DEBUG_ATOMIC_SLEEP). */
static void sleep_in_atomic(void)
{
	preempt_disable();
	might_sleep();
	preempt_enable();
}

/* A CPU's number while one may be moved (DEBUG_PREEMPT). */
static void no_preempt(void)
{
	(void)smp_processor_id();
}

static void nothing(struct timer_list *timer)
{
}

/* A timer freed while it runs (DEBUG_OBJECTS). */
static void free_timer(void)
{
	struct timer_list *timer = kmalloc(sizeof(*timer), GFP_KERNEL);

	if (!timer)
		return;
	timer_setup(timer, nothing, 0);
	mod_timer(timer, jiffies + 3600 * HZ);
	kfree(timer);
}

/* A list with a wrong link (DEBUG_LIST). */
static void bad_list(void)
{
	LIST_HEAD(list);
	LIST_HEAD(entry);

	list.next = &entry;
	list_add(&entry, &list);
}

/* Memory that nothing points to (kmemleak). */
static void leak(void)
{
	void *p = kmalloc(123, GFP_KERNEL);

	OPTIMIZER_HIDE_VAR(p);
}

static int shared;

static int race_thread(void *data)
{
	while (!kthread_should_stop()) {
		shared++;
		cond_resched();
	}
	return 0;
}

/* A variable changed by two threads at once (KCSAN). */
static void race(void)
{
	struct task_struct *thread = kthread_run(race_thread, NULL, "racer");
	unsigned long end = jiffies + 20 * HZ;

	if (IS_ERR(thread))
		return;
	while (time_before(jiffies, end)) {
		shared++;
		cond_resched();
	}
	kthread_stop(thread);
}

static const struct {
	const char *name;
	void (*plant)(void);
} defects[] = {
	{ "use-after-free", use_after_free },
	{ "bad-shift", bad_shift },
	{ "lock-order", lock_order },
	{ "no-rcu", no_rcu },
	{ "sleep-in-atomic", sleep_in_atomic },
	{ "no-preempt", no_preempt },
	{ "free-timer", free_timer },
	{ "bad-list", bad_list },
	{ "leak", leak },
	{ "race", race },
};

static int __init defects_init(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(defects); i++) {
		if (!defect || strcmp(defect, defects[i].name))
			continue;
		defects[i].plant();
		return -EAGAIN;
	}
	return -EINVAL;
}

module_init(defects_init);

MODULE_DESCRIPTION("One planted defect for each of the kernel's checkers");
MODULE_LICENSE("GPL");
