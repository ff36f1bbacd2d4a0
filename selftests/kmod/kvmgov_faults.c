// SPDX-License-Identifier: GPL-2.0-only
/*
 * Lets one allocation of kvmgov fail: the nth after it was asked for, counting
 * only those that kvmgov makes, itself or through what it calls, either in the
 * kernel's workers or in all other threads: which of both comes first differs
 * from time to time. The kernel's own fault injection cannot tell by the caller
 * on x86.
 *
 * To be loaded before kvmgov, so that its initialisation is counted too.
 *
 *	workers	count what is allocated in workers, rather than elsewhere
 *	nth	which allocation is to fail; 0 for none; writing starts to count
 *	count	how many there were since
 *	where	who in kvmgov asked for the one that failed
 */
#include <linux/kallsyms.h>
#include <linux/kprobes.h>
#include <linux/module.h>
#include <linux/sched.h>
#include <linux/spinlock.h>
#include <linux/stacktrace.h>

#define GOVERNOR	"kvmgov"
#define MAX_FRAMES	48

/* Protects all below. Taken in a probe, with nothing else inside. */
static DEFINE_RAW_SPINLOCK(lock);
static struct module *governor;
static unsigned int nth, count;
static bool workers;
static char where[KSYM_SYMBOL_LEN];

/* Called instead of the probed function, whose result is in its register. */
static noinline notrace void do_nothing(void)
{
}

/* The innermost of kvmgov's functions that are being executed, or NULL. */
static void *governor_frame(void)
{
	unsigned long frames[MAX_FRAMES];
	unsigned int nr, i;

	nr = stack_trace_save(frames, MAX_FRAMES, 0);
	for (i = 0; i < nr; i++)
		if (within_module(frames[i], governor))
			return (void *)frames[i];
	return NULL;
}

/*
 * kmemleak notes each object in one of its own, and can do without memory for
 * it. It has a mark of its own, too.
 */
static bool is_kmemleaks(gfp_t gfp)
{
	const gfp_t mark = __GFP_NORETRY | __GFP_NOMEMALLOC | __GFP_NOWARN;

	return (gfp & mark) == mark;
}

static bool must_fail(gfp_t gfp)
{
	unsigned long flags;
	bool fail = false;
	void *frame;

	if (!READ_ONCE(nth) || !in_task() || is_kmemleaks(gfp) ||
	    READ_ONCE(workers) != !!(current->flags & PF_WQ_WORKER))
		return false;
	raw_spin_lock_irqsave(&lock, flags);
	frame = nth && governor ? governor_frame() : NULL;
	if (frame && ++count == nth) {
		/* Now: what initialises a module is gone afterwards. */
		snprintf(where, sizeof(where), "%pS", frame);
		fail = true;
	}
	raw_spin_unlock_irqrestore(&lock, flags);
	return fail;
}

/* A function of (what, gfp) whose result decides whether an allocation fails. */
struct decision {
	struct kprobe kprobe;
	long failure;
};

static int on_decision(struct kprobe *kprobe, struct pt_regs *regs)
{
	struct decision *decision =
		container_of(kprobe, struct decision, kprobe);

	/* The flags are the second argument of either. */
	if (!must_fail(regs_get_kernel_argument(regs, 1)))
		return 0;
	regs->ax = decision->failure;
	regs->ip = (unsigned long)do_nothing;
	return 1;
}

NOKPROBE_SYMBOL(on_decision);

static struct decision slab = {
	.kprobe = {
		.symbol_name = "should_failslab",
		.pre_handler = on_decision,
	},
	.failure = -ENOMEM,
};

static struct decision page = {
	.kprobe = {
		.symbol_name = "should_fail_alloc_page",
		.pre_handler = on_decision,
	},
	.failure = true,
};

static struct kprobe *kprobes[] = { &slab.kprobe, &page.kprobe };

static int on_module(struct notifier_block *nb, unsigned long action,
		     void *data)
{
	struct module *mod = data;

	if (strcmp(mod->name, GOVERNOR))
		return NOTIFY_OK;
	raw_spin_lock_irq(&lock);
	if (action == MODULE_STATE_COMING)
		governor = mod;
	else if (action == MODULE_STATE_GOING)
		governor = NULL;
	raw_spin_unlock_irq(&lock);
	return NOTIFY_OK;
}

static struct notifier_block module_nb = { .notifier_call = on_module };

static int nth_set(const char *value, const struct kernel_param *param)
{
	unsigned int new;
	int err = kstrtouint(value, 0, &new);

	if (err)
		return err;
	raw_spin_lock_irq(&lock);
	WRITE_ONCE(nth, new);
	count = 0;
	where[0] = '\0';
	raw_spin_unlock_irq(&lock);
	return 0;
}

static const struct kernel_param_ops nth_ops = {
	.set = nth_set,
	.get = param_get_uint,
};
module_param_cb(nth, &nth_ops, &nth, 0600);
module_param(count, uint, 0400);
module_param(workers, bool, 0600);

module_param_string(where, where, sizeof(where), 0400);

static int __init faults_init(void)
{
	int err = register_kprobes(kprobes, ARRAY_SIZE(kprobes));

	if (err)
		return err;
	err = register_module_notifier(&module_nb);
	if (err)
		unregister_kprobes(kprobes, ARRAY_SIZE(kprobes));
	return err;
}

static void __exit faults_exit(void)
{
	unregister_module_notifier(&module_nb);
	unregister_kprobes(kprobes, ARRAY_SIZE(kprobes));
}

module_init(faults_init);
module_exit(faults_exit);

MODULE_DESCRIPTION("Lets the nth allocation of kvmgov fail");
MODULE_LICENSE("GPL");
