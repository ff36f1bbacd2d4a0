// SPDX-License-Identifier: GPL-2.0-only
/*
 * Two empty probes on kvm_entry and kvm_exit: what any pair of hooks costs at
 * least, to measure others against.
 */
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/string.h>
#include <linux/tracepoint.h>

struct kvm_vcpu;

struct hook {
	const char *name;
	void *probe;
	struct tracepoint *tp;
};

/* Older kernels pass fewer arguments, which is the same to an empty probe. */
static void probe_entry(void *data, struct kvm_vcpu *vcpu,
			bool force_immediate_exit)
{
}

static void probe_exit(void *data, struct kvm_vcpu *vcpu, u32 isa)
{
}

static struct hook hooks[] = {
	{ "kvm_entry", probe_entry },
	{ "kvm_exit", probe_exit },
};

static DEFINE_MUTEX(hooks_lock);

static void attach(struct tracepoint *tp)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(hooks); i++) {
		if (hooks[i].tp || strcmp(tp->name, hooks[i].name))
			continue;
		if (!tracepoint_probe_register(tp, hooks[i].probe, NULL))
			hooks[i].tp = tp;
	}
}

static void detach(struct tracepoint *tp)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(hooks); i++) {
		if (!hooks[i].tp || (tp && hooks[i].tp != tp))
			continue;
		tracepoint_probe_unregister(hooks[i].tp, hooks[i].probe, NULL);
		hooks[i].tp = NULL;
	}
}

static int module_event(struct notifier_block *nb, unsigned long event,
			void *data)
{
	struct tp_module *tp_mod = data;
	struct module *mod = tp_mod->mod;
	tracepoint_ptr_t *p;

	mutex_lock(&hooks_lock);
	for (p = mod->tracepoints_ptrs;
	     p < mod->tracepoints_ptrs + mod->num_tracepoints; p++) {
		if (event == MODULE_STATE_COMING)
			attach(tracepoint_ptr_deref(p));
		else if (event == MODULE_STATE_GOING)
			detach(tracepoint_ptr_deref(p));
	}
	mutex_unlock(&hooks_lock);
	return NOTIFY_OK;
}

static struct notifier_block module_nb = { .notifier_call = module_event };

static int __init probe0_init(void)
{
	int err = register_tracepoint_module_notifier(&module_nb);

	if (err)
		return err;
	if (!hooks[0].tp || !hooks[1].tp) {
		pr_err("kvm is not loaded, or has no kvm_entry and kvm_exit\n");
		/* Replays the modules, and so detaches, too. */
		unregister_tracepoint_module_notifier(&module_nb);
		return -ENOENT;
	}
	return 0;
}

static void __exit probe0_exit(void)
{
	unregister_tracepoint_module_notifier(&module_nb);
	mutex_lock(&hooks_lock);
	detach(NULL);
	mutex_unlock(&hooks_lock);
	tracepoint_synchronize_unregister();
}

module_init(probe0_init);
module_exit(probe0_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Two empty probes, to compare kvmgov's with");
