// SPDX-License-Identifier: GPL-2.0-only
/*
 * The hooks: where kvmgov listens to KVM. The only file that touches KVM's
 * objects beside x86.c: probes in, facts out; it decides nothing.
 *
 * Two tracepoints tell of every entry and exit; two more, of what is rare
 * between an exit and an entry: KVM_RUN's ends, and that of a halt. Two kprobes,
 * on functions that are called once in a lifetime, tell of the end of VMs and
 * vCPUs. All are
 * found by name, so that nothing depends on kvm.ko, which may come and go.
 */
#include <linux/interrupt.h>
#include <linux/kprobes.h>
#include <linux/kvm_host.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/smp.h>
#include <linux/trace_events.h>
#include <linux/tracepoint.h>

#include "arch.h"
#include "compat/compat.h"
#include "discover.h"
#include "hooks.h"
#include "slice.h"
#include "vcpu.h"
#include "vm.h"
#include "x86.h"

#define KVM_MODULE	"kvm"
#define MAX_ARGS	3

/*
 * The fast way through the hot probes calls nothing: whatever is out of the
 * ordinary leaves it for a function that does the whole, as its last act. What
 * other CPUs may change there is compared once, as it is in memory.
 */

static __always_inline bool vcpu_is(const struct kvmgov_vcpu *vcpu,
				    const struct kvm_vcpu *key)
{
	/* Cleared by other CPUs: one look, old or new. */
	return data_race(vcpu->key) == key;
}

static __always_inline bool vcpu_is_due(const struct kvmgov_vcpu *vcpu,
					u64 now)
{
	/* Set to 0 by other CPUs, who kick this one then. */
	return now >= data_race(vcpu->deadline);
}

/*
 * KVM's callbacks for threads that leave their CPU, which each of its vCPUs, and
 * nothing else, has in its preempt notifier; NULL until an exit was seen.
 */
static const struct preempt_ops *kvm_ops;

/* The vCPU that is here; NULL when it is not known yet. */
static struct kvmgov_vcpu *vcpu_find(const struct kvm_vcpu *key)
{
	struct kvmgov_vcpu *vcpu = __this_cpu_read(kvmgov_last_vcpu);

	if (vcpu_is(vcpu, key))
		return vcpu;
	vcpu = kvmgov_vcpu_lookup(key);
	if (vcpu)
		kvmgov_vcpu_arrive(vcpu);
	else
		kvmgov_discover(key);
	return vcpu;
}

static noinline void entry_slow(const struct kvm_vcpu *key)
{
	struct kvmgov_vcpu *vcpu = vcpu_find(key);

	if (!vcpu)
		return;
	kvmgov_vcpu_switch(vcpu, KVMGOV_STATE_GUEST);
	if (vcpu_is_due(vcpu, kvmgov_cycles()) || vcpu->task != current)
		kvmgov_slice_entry(vcpu);
}

/* KVM is about to enter the guest. Interrupts are off. */
static __always_inline void on_entry(const struct kvm_vcpu *key)
{
	struct kvmgov_vcpu *vcpu;
	u64 now;

	kvmgov_probe_begin();
	vcpu = __this_cpu_read(kvmgov_last_vcpu);
	if (likely(vcpu_is(vcpu, key) &&
		   kvmgov_ledger_entry(&vcpu->ledger, &vcpu->exits, &now))) {
		if (unlikely(vcpu_is_due(vcpu, now)))
			kvmgov_slice_entry(vcpu);
	} else {
		entry_slow(key);
	}
	kvmgov_probe_end();
}

static noinline void exit_slow(const struct kvm_vcpu *key, u32 isa)
{
	struct kvmgov_vcpu *vcpu = vcpu_find(key);
	u64 now;

	if (!vcpu) {
		kvmgov_x86_learn_exit(key);
		WRITE_ONCE(kvm_ops, key->preempt_notifier.ops);
		return;
	}
	if (!kvmgov_ledger_in_guest(&vcpu->ledger)) {
		kvmgov_ledger_missed(&vcpu->ledger, &vcpu->exits);
		kvmgov_vcpu_switch(vcpu, KVMGOV_STATE_EXIT);
	}
	now = kvmgov_x86_exit_stamp(key);
	kvmgov_ledger_exit_slow(&vcpu->ledger, kvmgov_x86_reason(key, isa),
				now);
	if (vcpu_is_due(vcpu, now))
		kvmgov_slice_exit(vcpu);
}

/*
 * KVM has left the guest: inside the run function with interrupts off, or, on
 * SVM up to 6.1, in the exit handler with interrupts and preemption on.
 */
static __always_inline void on_exit(const struct kvm_vcpu *key, u32 isa)
{
	struct kvmgov_vcpu *vcpu;
	u64 now;

	kvmgov_probe_begin();
	vcpu = __this_cpu_read(kvmgov_last_vcpu);
	if (unlikely(!vcpu_is(vcpu, key)))
		goto slow;
	now = kvmgov_x86_exit_stamp(key);
	if (unlikely(!kvmgov_ledger_exit(&vcpu->ledger,
					 kvmgov_x86_reason(key, isa), now)))
		goto slow;
	if (unlikely(vcpu_is_due(vcpu, now)))
		kvmgov_slice_exit(vcpu);
	kvmgov_probe_end();
	return;

slow:
	exit_slow(key, isa);
	kvmgov_probe_end();
}

/*
 * The vCPU in whose KVM_RUN the current thread is: KVM's preempt notifier is on
 * the thread's list then. What is found there is compared only.
 */
static struct kvmgov_vcpu *vcpu_loaded(void)
{
	struct preempt_notifier *notifier;
	struct kvmgov_vcpu *vcpu = NULL;

	hlist_for_each_entry(notifier, &current->preempt_notifiers, link) {
		vcpu = kvmgov_vcpu_lookup(container_of(notifier,
						       struct kvm_vcpu,
						       preempt_notifier));
		if (vcpu)
			break;
	}
	return vcpu;
}

/*
 * KVM_RUN begins for a vCPU that is not known: have it attached before its first
 * entry. One that leaves for user space after each entry would never be at a
 * boundary otherwise.
 *
 * Others may have preempt notifiers, too: what is behind one is taken for a vCPU
 * only if it has the callbacks that a probe has seen in one of KVM's. What is on
 * the list of the thread itself is alive. A vCPU that is not about to enter
 * waits, with its work queued, for as long as it likes: let its entry tell of it.
 */
static void discover_loaded(void)
{
	const struct preempt_ops *ops = READ_ONCE(kvm_ops);
	const struct preempt_notifier *notifier;
	const struct kvm_vcpu *vcpu;

	if (!ops)
		return;
	hlist_for_each_entry(notifier, &current->preempt_notifiers, link) {
		if (notifier->ops != ops)
			continue;
		vcpu = container_of(notifier, struct kvm_vcpu,
				    preempt_notifier);
		if (kvmgov_x86_exit_is_known(vcpu) &&
		    kvmgov_x86_runnable(vcpu))
			kvmgov_discover(vcpu);
	}
}

/* KVM_RUN has begun or is about to end: the guest's FPU state is swapped there. */
static void on_fpu(bool load)
{
	struct kvmgov_vcpu *vcpu;

	kvmgov_probe_begin();
	vcpu = vcpu_loaded();
	if (vcpu)
		kvmgov_vcpu_switch(vcpu, load ? KVMGOV_STATE_EXIT :
						KVMGOV_STATE_VMM);
	else if (load)
		discover_loaded();
	kvmgov_probe_end();
}

/* A halt is over: the vCPU has slept or polled. */
static void on_wakeup(void)
{
	struct kvmgov_vcpu *vcpu;

	kvmgov_probe_begin();
	vcpu = vcpu_loaded();
	if (vcpu)
		kvmgov_ledger_look(&vcpu->ledger);
	kvmgov_probe_end();
}

/* One probe for each prototype that is known, by number of arguments. */
static notrace void entry_1(void *data, struct kvm_vcpu *vcpu)
{
	on_entry(vcpu);
}

static notrace void entry_2(void *data, struct kvm_vcpu *vcpu, bool force_exit)
{
	on_entry(vcpu);
}

static notrace void exit_2(void *data, struct kvm_vcpu *vcpu, u32 isa)
{
	on_exit(vcpu, isa);
}

static notrace void exit_3(void *data, unsigned int reason,
			   struct kvm_vcpu *vcpu, u32 isa)
{
	on_exit(vcpu, isa);
}

static void fpu_1(void *data, int load)
{
	on_fpu(load);
}

static void wakeup_3(void *data, u64 ns, bool waited, bool valid)
{
	on_wakeup();
}

static int on_vcpu_destroy(struct kprobe *kprobe, struct pt_regs *regs)
{
	kvmgov_vcpu_gone((const void *)regs_get_kernel_argument(regs, 0));
	return 0;
}

static int on_vm_destroy(struct kprobe *kprobe, struct pt_regs *regs)
{
	kvmgov_vm_gone((const void *)regs_get_kernel_argument(regs, 0));
	return 0;
}

/**
 * struct trace_hook - a tracepoint to listen at
 * @name: its name
 * @probes: our functions, by the number of arguments they take
 * @tp: the tracepoint while attached
 * @probe: the function that is attached
 * @info: what to tell users
 */
struct trace_hook {
	const char *name;
	void *probes[MAX_ARGS + 1];
	struct tracepoint *tp;
	void *probe;
	struct kvmgov_hook_info info;
};

static struct trace_hook trace_hooks[] = {
	{ .name = "kvm_entry", .probes = { [1] = entry_1, [2] = entry_2 } },
	{ .name = "kvm_exit", .probes = { [2] = exit_2, [3] = exit_3 } },
	{ .name = "kvm_fpu", .probes = { [1] = fpu_1 } },
	{ .name = "kvm_vcpu_wakeup", .probes = { [3] = wakeup_3 } },
};

/**
 * struct end_hook - a function whose call is the end of an object
 * @name: its name
 * @handler: called before it
 * @kprobe: the probe while attached
 * @info: what to tell users
 */
struct end_hook {
	const char *name;
	kprobe_pre_handler_t handler;
	struct kprobe kprobe;
	struct kvmgov_hook_info info;
};

static struct end_hook end_hooks[] = {
	{ .name = "kvm_arch_vcpu_destroy", .handler = on_vcpu_destroy },
	{ .name = "kvm_arch_destroy_vm", .handler = on_vm_destroy },
};

/*
 * Protects the hooks' state. Taken inside the kernel's list of modules with
 * tracepoints, which is held when we are told of KVM.
 */
static DEFINE_MUTEX(hooks_lock);

static struct tracepoint *tracepoint_find(struct module *mod, const char *name)
{
	struct tracepoint *tp;
	int i;

	for (i = 0; i < mod->num_tracepoints; i++) {
		tp = tracepoint_ptr_deref(&mod->tracepoints_ptrs[i]);
		if (!strcmp(tp->name, name))
			return tp;
	}
	return NULL;
}

/*
 * How many arguments a tracepoint has on the running kernel, or 0 if it does
 * not tell. Distributions backport changes of prototypes, so that a version
 * says nothing; what the kernel keeps for BPF programs is the truth.
 */
static u32 tracepoint_nargs(struct module *mod, const struct tracepoint *tp)
{
#ifdef CONFIG_BPF_EVENTS
	unsigned int i;

	for (i = 0; i < mod->num_bpf_raw_events; i++)
		if (mod->bpf_raw_events[i].tp == tp)
			return mod->bpf_raw_events[i].num_args;
#endif
	return 0;
}

static bool hook_failed(struct kvmgov_hook_info *info, const char *name,
			enum kvmgov_hook_state state, int err)
{
	info->state = state;
	info->error = -err;
	pr_err("cannot listen at KVM's %s (%s); no VM is governed\n", name,
	       state == KVMGOV_HOOK_STATE_MISSING ? "it is not there" :
	       state == KVMGOV_HOOK_STATE_MISMATCH ? "unknown prototype" :
	       "registration failed");
	return false;
}

static bool trace_hook_attach(struct trace_hook *hook, struct module *mod)
{
	struct kvmgov_hook_info *info = &hook->info;
	struct tracepoint *tp = tracepoint_find(mod, hook->name);
	int err;

	if (!tp)
		return hook_failed(info, hook->name,
				   KVMGOV_HOOK_STATE_MISSING, 0);
	info->nargs = tracepoint_nargs(mod, tp);
	hook->probe = info->nargs <= MAX_ARGS ? hook->probes[info->nargs] : NULL;
	if (!hook->probe)
		return hook_failed(info, hook->name,
				   KVMGOV_HOOK_STATE_MISMATCH, 0);
	err = tracepoint_probe_register(tp, hook->probe, NULL);
	if (err)
		return hook_failed(info, hook->name,
				   KVMGOV_HOOK_STATE_FAILED, err);
	hook->tp = tp;
	info->state = KVMGOV_HOOK_STATE_ATTACHED;
	return true;
}

static void trace_hook_detach(struct trace_hook *hook)
{
	if (hook->tp)
		tracepoint_probe_unregister(hook->tp, hook->probe, NULL);
	hook->tp = NULL;
	if (hook->info.state == KVMGOV_HOOK_STATE_ATTACHED)
		hook->info.state = KVMGOV_HOOK_STATE_WAITING;
}

static bool end_hook_attach(struct end_hook *hook)
{
	int err;

	memset(&hook->kprobe, 0, sizeof(hook->kprobe));
	hook->kprobe.symbol_name = hook->name;
	hook->kprobe.pre_handler = hook->handler;
	err = register_kprobe(&hook->kprobe);
	if (err)
		return hook_failed(&hook->info, hook->name, err == -ENOENT ?
				   KVMGOV_HOOK_STATE_MISSING :
				   KVMGOV_HOOK_STATE_FAILED, err);
	hook->info.state = KVMGOV_HOOK_STATE_ATTACHED;
	return true;
}

static void end_hook_detach(struct end_hook *hook)
{
	if (hook->info.state != KVMGOV_HOOK_STATE_ATTACHED)
		return;
	unregister_kprobe(&hook->kprobe);
	hook->info.state = KVMGOV_HOOK_STATE_WAITING;
}

static void hooks_detach(void)
{
	int i;

	lockdep_assert_held(&hooks_lock);
	for (i = ARRAY_SIZE(trace_hooks) - 1; i >= 0; i--)
		trace_hook_detach(&trace_hooks[i]);
	/* No probe runs any more, so that nothing new can be attached. */
	tracepoint_synchronize_unregister();
	/* They go with KVM. */
	kvm_ops = NULL;
	/* From now on KVM's objects end unseen. */
	kvmgov_vcpu_forget_all();
	for (i = ARRAY_SIZE(end_hooks) - 1; i >= 0; i--)
		end_hook_detach(&end_hooks[i]);
}

/* All or none: a VM whose end is not seen must not be attached. */
static void hooks_attach(struct module *mod)
{
	unsigned int i;
	bool ok = true;

	lockdep_assert_held(&hooks_lock);
	for (i = 0; ok && i < ARRAY_SIZE(end_hooks); i++)
		ok = end_hook_attach(&end_hooks[i]);
	for (i = 0; ok && i < ARRAY_SIZE(trace_hooks); i++)
		ok = trace_hook_attach(&trace_hooks[i], mod);
	if (!ok) {
		hooks_detach();
		return;
	}
	/* A guest that never exits by itself is discovered now. */
	kick_all_cpus_sync();
}

static int on_module(struct notifier_block *nb, unsigned long action,
		     void *data)
{
	struct tp_module *tp_mod = data;

	if (strcmp(tp_mod->mod->name, KVM_MODULE))
		return NOTIFY_OK;
	mutex_lock(&hooks_lock);
	if (action == MODULE_STATE_COMING)
		hooks_attach(tp_mod->mod);
	else if (action == MODULE_STATE_GOING)
		hooks_detach();
	mutex_unlock(&hooks_lock);
	return NOTIFY_OK;
}

static struct notifier_block module_nb = {
	.notifier_call = on_module,
};

/**
 * kvmgov_hooks_init() - begin to listen, now or as soon as KVM is loaded
 *
 * Return: 0 or a negative errno.
 */
int kvmgov_hooks_init(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(trace_hooks); i++) {
		trace_hooks[i].info.name = trace_hooks[i].name;
		trace_hooks[i].info.kind = KVMGOV_HOOK_KIND_TRACEPOINT;
	}
	for (i = 0; i < ARRAY_SIZE(end_hooks); i++) {
		end_hooks[i].info.name = end_hooks[i].name;
		end_hooks[i].info.kind = KVMGOV_HOOK_KIND_KPROBE;
	}
	/* Tells of the modules that are there already, too. */
	return register_tracepoint_module_notifier(&module_nb);
}

/**
 * kvmgov_hooks_exit() - stop listening
 *
 * No probe runs after it has returned.
 */
void kvmgov_hooks_exit(void)
{
	/* Tells of KVM as if it were going, which detaches. */
	unregister_tracepoint_module_notifier(&module_nb);
}

/**
 * kvmgov_hooks_info() - describe a hook
 * @nr: number of the hook, from 0
 * @info: where to put it
 *
 * Context: may sleep.
 *
 * Return: false when there is no such hook.
 */
bool kvmgov_hooks_info(unsigned int nr, struct kvmgov_hook_info *info)
{
	if (nr >= ARRAY_SIZE(trace_hooks) + ARRAY_SIZE(end_hooks))
		return false;
	mutex_lock(&hooks_lock);
	*info = nr < ARRAY_SIZE(trace_hooks) ? trace_hooks[nr].info :
		end_hooks[nr - ARRAY_SIZE(trace_hooks)].info;
	mutex_unlock(&hooks_lock);
	return true;
}

/**
 * kvmgov_hooks_vcpu_loaded() - is the current thread inside KVM_RUN?
 * @key: address of a KVM vCPU, which need not exist any more, or NULL
 *
 * While KVM has a vCPU loaded, its preempt notifier is on the thread's list;
 * @key is only compared with that. Context: any, in the thread itself.
 *
 * Return: true if the current thread has the vCPU at @key loaded, which also
 * means that the vCPU is alive.
 */
bool kvmgov_hooks_vcpu_loaded(const void *key)
{
	const struct kvm_vcpu *vcpu = key;
	struct preempt_notifier *notifier;
	bool loaded = false;

	if (!key)
		return false;
	preempt_disable();
	hlist_for_each_entry(notifier, &current->preempt_notifiers, link)
		if (notifier == &vcpu->preempt_notifier)
			loaded = true;
	preempt_enable();
	return loaded;
}

/**
 * kvmgov_hooks_vcpu_preempted() - a vCPU is about to be kept from running
 * @key: address of a KVM vCPU that the current thread has loaded, or NULL
 *
 * KVM tells the guest's other vCPUs, in the steal time area, when the thread
 * leaves its CPU, but by itself only of a thread that would go on if it could, and
 * that an interrupt has taken out of the guest: one that is held for it when it exits
 * by itself, or before it has entered, would pass for one that runs.
 * It takes that back when the thread gets a CPU again, or, should it not leave
 * the one it has, when that happens the next time.
 *
 * Context: the vCPU's thread, in a boundary work, before it sleeps.
 */
void kvmgov_hooks_vcpu_preempted(const void *key)
{
	struct kvm_vcpu *vcpu = (struct kvm_vcpu *)key;

	preempt_disable();
	if (kvmgov_hooks_vcpu_loaded(key)) {
		WRITE_ONCE(vcpu->preempted, true);
		kvmgov_x86_at_boundary(vcpu);
	}
	preempt_enable();
}

/**
 * kvmgov_hooks_vcpu_halts() - what KVM has counted of a vCPU's halts
 * @key: address of a KVM vCPU that is alive
 * @halts: where to put it
 *
 * Context: any.
 */
void kvmgov_hooks_vcpu_halts(const void *key, struct kvmgov_halts *halts)
{
	const struct kvm_vcpu *vcpu = key;
	const struct kvm_vcpu_stat_generic *stat = &vcpu->stat.generic;

	halts->wait_ns = READ_ONCE(stat->halt_wait_ns);
	halts->poll_ns = READ_ONCE(stat->halt_poll_success_ns) +
			 READ_ONCE(stat->halt_poll_fail_ns);
	halts->lasts = READ_ONCE(stat->blocking) && kvmgov_x86_halted(vcpu);
}

/**
 * kvmgov_hooks_vcpu_describe() - which vCPU of which VM is this?
 * @key: address of a KVM vCPU that the current thread has loaded
 * @vm_key: where to put the address of KVM's VM object
 * @index: where to put KVM's vcpu_id
 */
void kvmgov_hooks_vcpu_describe(const void *key, const void **vm_key,
				u32 *index)
{
	const struct kvm_vcpu *vcpu = key;

	kvmgov_x86_learn(vcpu);
	*vm_key = vcpu->kvm;
	*index = vcpu->vcpu_id;
}
