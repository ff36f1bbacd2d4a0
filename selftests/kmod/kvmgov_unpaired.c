// SPDX-License-Identifier: GPL-2.0-only
/*
 * Keeps entries or exits of vCPUs back from kvmgov, which hears of them through
 * this module as long as it is loaded: KVM does not promise that the two come in
 * pairs. To be unloaded before kvmgov, and loaded after it.
 */
#include <linux/kallsyms.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/percpu.h>
#include <linux/string.h>
#include <linux/tracepoint.h>

static unsigned int entries, exits;
module_param(entries, uint, 0644);
MODULE_PARM_DESC(entries, "keep back one of so many entries (default: 0, none)");
module_param(exits, uint, 0644);
MODULE_PARM_DESC(exits, "keep back one of so many exits (default: 0, none)");

/* With the arguments that any kernel's have, in registers. */
typedef void probe_fn(void *data, unsigned long a, unsigned long b,
		      unsigned long c);

/**
 * struct filter - what stands between KVM and kvmgov at a tracepoint
 * @name: the tracepoint's name
 * @every: one of so many is kept back
 * @nr: how many there were on each CPU
 * @tp: the tracepoint, while the filter is there
 * @heard: kvmgov's probe
 */
struct filter {
	const char *name;
	const unsigned int *every;
	unsigned int __percpu *nr;
	struct tracepoint *tp;
	struct tracepoint_func heard;
};

static DEFINE_PER_CPU(unsigned int, nr_entries);
static DEFINE_PER_CPU(unsigned int, nr_exits);

static struct filter filters[] = {
	{ .name = "kvm_entry", .every = &entries, .nr = &nr_entries },
	{ .name = "kvm_exit", .every = &exits, .nr = &nr_exits },
};

static void probe(void *data, unsigned long a, unsigned long b, unsigned long c)
{
	const struct filter *filter = data;
	unsigned int every = READ_ONCE(*filter->every);

	if (!every || this_cpu_inc_return(*filter->nr) % every)
		((probe_fn *)filter->heard.func)(filter->heard.data, a, b, c);
}

/* Protects filters. */
static DEFINE_MUTEX(filters_lock);

static bool is_kvmgovs(const struct tracepoint_func *func)
{
	char name[KSYM_SYMBOL_LEN];

	sprint_symbol(name, (unsigned long)func->func);
	return strstr(name, "[kvmgov]");
}

/* kvmgov's probe takes this one's place again. */
static void filter_end(struct filter *filter)
{
	if (!filter->tp)
		return;
	tracepoint_probe_unregister(filter->tp, probe, filter);
	if (tracepoint_probe_register(filter->tp, filter->heard.func,
				      filter->heard.data))
		pr_err("kvmgov has lost %s\n", filter->name);
	filter->tp = NULL;
}

/* Take the place of kvmgov's probe. */
static void filter_begin(struct filter *filter, struct tracepoint *tp)
{
	struct tracepoint_func *func;

	if (filter->tp || strcmp(tp->name, filter->name))
		return;
	rcu_read_lock_sched();
	func = rcu_dereference_sched(tp->funcs);
	while (func && func->func && !is_kvmgovs(func))
		func++;
	filter->heard = func ? *func : (struct tracepoint_func) {};
	rcu_read_unlock_sched();
	if (!filter->heard.func)
		return;
	tracepoint_probe_unregister(tp, filter->heard.func, filter->heard.data);
	filter->tp = tp;
	if (tracepoint_probe_register(tp, probe, filter))
		filter_end(filter);
}

static int module_event(struct notifier_block *nb, unsigned long event,
			void *data)
{
	struct tp_module *tp_mod = data;
	struct module *mod = tp_mod->mod;
	tracepoint_ptr_t *p, *end = mod->tracepoints_ptrs + mod->num_tracepoints;
	size_t i;

	if (event != MODULE_STATE_COMING)
		return NOTIFY_OK;
	mutex_lock(&filters_lock);
	for (p = mod->tracepoints_ptrs; p < end; p++)
		for (i = 0; i < ARRAY_SIZE(filters); i++)
			filter_begin(&filters[i], tracepoint_ptr_deref(p));
	mutex_unlock(&filters_lock);
	return NOTIFY_OK;
}

static struct notifier_block module_nb = { .notifier_call = module_event };

static void filters_end(void)
{
	size_t i;

	mutex_lock(&filters_lock);
	for (i = 0; i < ARRAY_SIZE(filters); i++)
		filter_end(&filters[i]);
	mutex_unlock(&filters_lock);
	tracepoint_synchronize_unregister();
}

static int __init unpaired_init(void)
{
	int err = register_tracepoint_module_notifier(&module_nb);

	if (err)
		return err;
	/* It has replayed the modules that are loaded, which is all there is to it. */
	unregister_tracepoint_module_notifier(&module_nb);
	if (filters[0].tp && filters[1].tp)
		return 0;
	pr_err("kvmgov does not listen at kvm_entry and kvm_exit\n");
	filters_end();
	return -ENOENT;
}

static void __exit unpaired_exit(void)
{
	filters_end();
}

module_init(unpaired_init);
module_exit(unpaired_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Keeps entries or exits of vCPUs back from kvmgov");
