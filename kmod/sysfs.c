// SPDX-License-Identifier: GPL-2.0-only
/*
 * /sys/kernel/kvmgov; its contract is in
 * Documentation/ABI/testing/sysfs-kernel-kvmgov.
 *
 * A directory holds a reference to its object, and the kernel waits for those
 * who read or write a file before it removes it: no object goes under them.
 */
#include <linux/kobject.h>
#include <linux/sysfs.h>
#include <linux/time64.h>

#include "boundary.h"
#include "sysfs.h"
#include "vcpu.h"
#include "version.h"
#include "vm.h"

static struct kobject *root_kobj, *defaults_kobj, *stats_kobj, *vms_kobj;

/* One value per file: each file is a function that finds it. */
#define ATTR_RO(prefix, _name)						\
	static struct kobj_attribute prefix##_##_name =			\
		__ATTR(_name, 0444, prefix##_##_name##_show, NULL)
#define ATTR_RW(prefix, _name)						\
	static struct kobj_attribute prefix##_##_name =			\
		__ATTR(_name, 0644, prefix##_##_name##_show,		\
		       prefix##_##_name##_store)

/* A read-only number found by @value, given @object from the directory. */
#define ATTR_U64(prefix, _name, object, value)				\
	static ssize_t prefix##_##_name##_show(struct kobject *kobj,	\
			struct kobj_attribute *attr, char *buf)		\
	{								\
		object;							\
		return sysfs_emit(buf, "%llu\n", (u64)(value));		\
	}								\
	ATTR_RO(prefix, _name)

/* The time in a state, from the figures that @figures finds. */
#define ATTR_STATE(prefix, _name, figures, state)			\
	ATTR_U64(prefix, _name, figures,				\
		 sum.state_ns[KVMGOV_STATE_##state])

static struct kvmgov_vm *to_vm(struct kobject *kobj)
{
	return container_of(kobj, struct kvmgov_vm, kobj);
}

static struct kvmgov_vcpu *to_vcpu(struct kobject *kobj)
{
	return container_of(kobj, struct kvmgov_vcpu, kobj);
}

static ssize_t quota_emit(char *buf, const struct kvmgov_cpu_limit *limit)
{
	if (limit->quota_us == KVMGOV_BW_UNLIMITED)
		return sysfs_emit(buf, "max\n");
	return sysfs_emit(buf, "%llu\n", limit->quota_us);
}

/* The kernel's parsers stop at a NUL: what follows it would be ignored. */
static bool is_text(const char *buf, size_t count)
{
	return strnlen(buf, count) == count;
}

static int quota_parse(const char *buf, size_t count,
		       struct kvmgov_vm_change *change)
{
	if (!is_text(buf, count))
		return -EINVAL;
	change->set_quota = true;
	change->limit.quota_us = KVMGOV_BW_UNLIMITED;
	if (sysfs_streq(buf, "max"))
		return 0;
	if (kstrtou64(buf, 10, &change->limit.quota_us))
		return -EINVAL;
	/* The number that stands for no limit is not a way to say so here. */
	return change->limit.quota_us == KVMGOV_BW_UNLIMITED ? -EINVAL : 0;
}

static int period_parse(const char *buf, size_t count,
			struct kvmgov_vm_change *change)
{
	if (!is_text(buf, count))
		return -EINVAL;
	change->set_period = true;
	return kstrtou32(buf, 10, &change->limit.period_us) ? -EINVAL : 0;
}

static int credit_max_parse(const char *buf, size_t count,
			    struct kvmgov_vm_change *change)
{
	if (!is_text(buf, count))
		return -EINVAL;
	change->set_credit_max = true;
	return kstrtou64(buf, 10, &change->limit.credit_max_us) ? -EINVAL : 0;
}

static ssize_t vm_store(struct kobject *kobj,
			const struct kvmgov_vm_change *change, size_t count)
{
	int err = kvmgov_vm_errno(kvmgov_vm_change(to_vm(kobj), change));

	return err ?: count;
}

/* vms/<id>/ */

#define VM		struct kvmgov_vm *vm = to_vm(kobj)
#define VM_VIEW		VM; struct kvmgov_vm_view view; \
			kvmgov_vm_view(vm, ktime_get_ns(), &view)

static ssize_t vm_name_show(struct kobject *kobj, struct kobj_attribute *attr,
			    char *buf)
{
	VM_VIEW;

	return sysfs_emit(buf, "%s\n", view.name);
}

static ssize_t vm_name_store(struct kobject *kobj, struct kobj_attribute *attr,
			     const char *buf, size_t count)
{
	struct kvmgov_vm_change change = {};
	char name[KVMGOV_NAME_MAX + 1];
	size_t len = count;

	if (len && buf[len - 1] == '\n')
		len--;
	if (len > KVMGOV_NAME_MAX || !is_text(buf, len))
		return -EINVAL;
	memcpy(name, buf, len);
	name[len] = '\0';
	change.name = name;
	return vm_store(kobj, &change, count);
}
ATTR_RW(vm, name);

static ssize_t vm_uuid_show(struct kobject *kobj, struct kobj_attribute *attr,
			    char *buf)
{
	VM_VIEW;

	return view.has_uuid ? sysfs_emit(buf, "%pUb\n", &view.uuid) :
			       sysfs_emit(buf, "\n");
}

static ssize_t vm_uuid_store(struct kobject *kobj, struct kobj_attribute *attr,
			     const char *buf, size_t count)
{
	struct kvmgov_vm_change change = {};
	uuid_t uuid = uuid_null;
	size_t len = count;

	if (len && buf[len - 1] == '\n')
		len--;
	if (len && (len != UUID_STRING_LEN || uuid_parse(buf, &uuid)))
		return -EINVAL;
	change.uuid = &uuid;
	return vm_store(kobj, &change, count);
}
ATTR_RW(vm, uuid);

static ssize_t vm_state_show(struct kobject *kobj, struct kobj_attribute *attr,
			     char *buf)
{
	VM_VIEW;

	return sysfs_emit(buf, "%s\n", view.frozen ? "frozen" : "running");
}

static ssize_t vm_state_store(struct kobject *kobj, struct kobj_attribute *attr,
			      const char *buf, size_t count)
{
	struct kvmgov_vm_change change = { .set_frozen = true };

	if (!is_text(buf, count))
		return -EINVAL;
	if (sysfs_streq(buf, "frozen"))
		change.frozen = true;
	else if (!sysfs_streq(buf, "running"))
		return -EINVAL;
	return vm_store(kobj, &change, count);
}
ATTR_RW(vm, state);

static ssize_t vm_comm_show(struct kobject *kobj, struct kobj_attribute *attr,
			    char *buf)
{
	return sysfs_emit(buf, "%s\n", to_vm(kobj)->comm);
}
ATTR_RO(vm, comm);

static void vm_figures(struct kvmgov_vm *vm, struct kvmgov_figures *sum)
{
	rcu_read_lock();
	kvmgov_vm_figures(vm, sum);
	rcu_read_unlock();
}

#define VM_FIGURES	VM; struct kvmgov_figures sum; vm_figures(vm, &sum)

ATTR_U64(vm, pid, VM, kvmgov_vm_pid(vm));
ATTR_U64(vm, nr_vcpus, VM, READ_ONCE(vm->nr_vcpus));
ATTR_U64(vm, nr_exits, VM_FIGURES, sum.nr_exits);

static struct attribute *vm_attrs[] = {
	&vm_name.attr,
	&vm_uuid.attr,
	&vm_state.attr,
	&vm_comm.attr,
	&vm_pid.attr,
	&vm_nr_vcpus.attr,
	&vm_nr_exits.attr,
	NULL
};

static const struct attribute_group vm_group = { .attrs = vm_attrs };

/* vms/<id>/cpu/ */

static ssize_t vm_quota_us_show(struct kobject *kobj,
				struct kobj_attribute *attr, char *buf)
{
	VM_VIEW;

	return quota_emit(buf, &view.limit);
}

static ssize_t vm_quota_us_store(struct kobject *kobj,
				 struct kobj_attribute *attr, const char *buf,
				 size_t count)
{
	struct kvmgov_vm_change change = {};
	int err = quota_parse(buf, count, &change);

	return err ?: vm_store(kobj, &change, count);
}
ATTR_RW(vm, quota_us);

static ssize_t vm_period_us_show(struct kobject *kobj,
				 struct kobj_attribute *attr, char *buf)
{
	VM_VIEW;

	return sysfs_emit(buf, "%u\n", view.limit.period_us);
}

static ssize_t vm_period_us_store(struct kobject *kobj,
				  struct kobj_attribute *attr, const char *buf,
				  size_t count)
{
	struct kvmgov_vm_change change = {};
	int err = period_parse(buf, count, &change);

	return err ?: vm_store(kobj, &change, count);
}
ATTR_RW(vm, period_us);

static ssize_t vm_credit_max_us_show(struct kobject *kobj,
				     struct kobj_attribute *attr, char *buf)
{
	VM_VIEW;

	return sysfs_emit(buf, "%llu\n", view.limit.credit_max_us);
}

static ssize_t vm_credit_max_us_store(struct kobject *kobj,
				      struct kobj_attribute *attr,
				      const char *buf, size_t count)
{
	struct kvmgov_vm_change change = {};
	int err = credit_max_parse(buf, count, &change);

	return err ?: vm_store(kobj, &change, count);
}
ATTR_RW(vm, credit_max_us);

static ssize_t vm_credit_us_show(struct kobject *kobj,
				 struct kobj_attribute *attr, char *buf)
{
	VM_VIEW;

	return sysfs_emit(buf, "%llu\n", view.credit_ns / NSEC_PER_USEC);
}

static ssize_t vm_credit_us_store(struct kobject *kobj,
				  struct kobj_attribute *attr, const char *buf,
				  size_t count)
{
	struct kvmgov_vm_change change = { .set_credit = true };

	if (!is_text(buf, count) || kstrtou64(buf, 10, &change.credit_us))
		return -EINVAL;
	return vm_store(kobj, &change, count);
}
ATTR_RW(vm, credit_us);

static ssize_t vm_steal_show(struct kobject *kobj, struct kobj_attribute *attr,
			     char *buf)
{
	return sysfs_emit(buf, "%d\n", READ_ONCE(to_vm(kobj)->steal));
}

static ssize_t vm_steal_store(struct kobject *kobj, struct kobj_attribute *attr,
			      const char *buf, size_t count)
{
	struct kvmgov_vm_change change = { .set_steal = true };

	if (!is_text(buf, count))
		return -EINVAL;
	if (sysfs_streq(buf, "1"))
		change.steal = true;
	else if (!sysfs_streq(buf, "0"))
		return -EINVAL;
	return vm_store(kobj, &change, count);
}
ATTR_RW(vm, steal);

ATTR_U64(vm, usage_ns, VM_FIGURES, sum.usage_ns);
ATTR_U64(vm, held_ns, VM_FIGURES, sum.state_ns[KVMGOV_STATE_HELD_CPU]);
ATTR_U64(vm, nr_held, VM_FIGURES, sum.nr_held);
ATTR_U64(vm, nr_periods, VM_VIEW, view.nr_periods);

static struct attribute *vm_cpu_attrs[] = {
	&vm_quota_us.attr,
	&vm_period_us.attr,
	&vm_credit_max_us.attr,
	&vm_credit_us.attr,
	&vm_steal.attr,
	&vm_usage_ns.attr,
	&vm_held_ns.attr,
	&vm_nr_held.attr,
	&vm_nr_periods.attr,
	NULL
};

static const struct attribute_group vm_cpu_group = {
	.name = "cpu",
	.attrs = vm_cpu_attrs,
};

/* vms/<id>/ledger/ */

ATTR_STATE(vm, guest_ns, VM_FIGURES, GUEST);
ATTR_STATE(vm, exit_ns, VM_FIGURES, EXIT);
ATTR_STATE(vm, vmm_ns, VM_FIGURES, VMM);
ATTR_STATE(vm, halt_ns, VM_FIGURES, HALT);
ATTR_STATE(vm, poll_ns, VM_FIGURES, POLL);
ATTR_STATE(vm, ready_ns, VM_FIGURES, READY);
ATTR_STATE(vm, held_cpu_ns, VM_FIGURES, HELD_CPU);
ATTR_STATE(vm, held_mem_ns, VM_FIGURES, HELD_MEM);
ATTR_STATE(vm, paused_ns, VM_FIGURES, PAUSED);

static struct attribute *vm_ledger_attrs[] = {
	&vm_guest_ns.attr,
	&vm_exit_ns.attr,
	&vm_vmm_ns.attr,
	&vm_halt_ns.attr,
	&vm_poll_ns.attr,
	&vm_ready_ns.attr,
	&vm_held_cpu_ns.attr,
	&vm_held_mem_ns.attr,
	&vm_paused_ns.attr,
	NULL
};

static const struct attribute_group vm_ledger_group = {
	.name = "ledger",
	.attrs = vm_ledger_attrs,
};

static const struct attribute_group *vm_groups[] = {
	&vm_group,
	&vm_cpu_group,
	&vm_ledger_group,
	NULL
};

/* vms/<id>/vcpus/<n>/ */

#define VCPU		struct kvmgov_vcpu *vcpu = to_vcpu(kobj)
static void vcpu_figures(struct kvmgov_vcpu *vcpu, struct kvmgov_figures *sum)
{
	rcu_read_lock();
	kvmgov_vcpu_figures(vcpu, sum);
	rcu_read_unlock();
}

#define VCPU_FIGURES	VCPU; struct kvmgov_figures sum = {}; \
			vcpu_figures(vcpu, &sum)

ATTR_U64(vcpu, tid, VCPU, kvmgov_vcpu_tid(vcpu));
ATTR_U64(vcpu, nr_exits, VCPU_FIGURES, sum.nr_exits);

static struct attribute *vcpu_attrs[] = {
	&vcpu_tid.attr,
	&vcpu_nr_exits.attr,
	NULL
};

static const struct attribute_group vcpu_group = { .attrs = vcpu_attrs };

ATTR_U64(vcpu, usage_ns, VCPU_FIGURES, sum.usage_ns);
ATTR_U64(vcpu, held_ns, VCPU_FIGURES, sum.state_ns[KVMGOV_STATE_HELD_CPU]);
ATTR_U64(vcpu, nr_held, VCPU_FIGURES, sum.nr_held);

static struct attribute *vcpu_cpu_attrs[] = {
	&vcpu_usage_ns.attr,
	&vcpu_held_ns.attr,
	&vcpu_nr_held.attr,
	NULL
};

static const struct attribute_group vcpu_cpu_group = {
	.name = "cpu",
	.attrs = vcpu_cpu_attrs,
};

ATTR_STATE(vcpu, guest_ns, VCPU_FIGURES, GUEST);
ATTR_STATE(vcpu, exit_ns, VCPU_FIGURES, EXIT);
ATTR_STATE(vcpu, vmm_ns, VCPU_FIGURES, VMM);
ATTR_STATE(vcpu, halt_ns, VCPU_FIGURES, HALT);
ATTR_STATE(vcpu, poll_ns, VCPU_FIGURES, POLL);
ATTR_STATE(vcpu, ready_ns, VCPU_FIGURES, READY);
ATTR_STATE(vcpu, held_cpu_ns, VCPU_FIGURES, HELD_CPU);
ATTR_STATE(vcpu, held_mem_ns, VCPU_FIGURES, HELD_MEM);
ATTR_STATE(vcpu, paused_ns, VCPU_FIGURES, PAUSED);

static struct attribute *vcpu_ledger_attrs[] = {
	&vcpu_guest_ns.attr,
	&vcpu_exit_ns.attr,
	&vcpu_vmm_ns.attr,
	&vcpu_halt_ns.attr,
	&vcpu_poll_ns.attr,
	&vcpu_ready_ns.attr,
	&vcpu_held_cpu_ns.attr,
	&vcpu_held_mem_ns.attr,
	&vcpu_paused_ns.attr,
	NULL
};

static const struct attribute_group vcpu_ledger_group = {
	.name = "ledger",
	.attrs = vcpu_ledger_attrs,
};

static const struct attribute_group *vcpu_groups[] = {
	&vcpu_group,
	&vcpu_cpu_group,
	&vcpu_ledger_group,
	NULL
};

static void vm_kobj_release(struct kobject *kobj)
{
	kvmgov_vm_put(to_vm(kobj));
}

static const struct kobj_type vm_ktype = {
	.release = vm_kobj_release,
	.sysfs_ops = &kobj_sysfs_ops,
	.default_groups = vm_groups,
};

static void vcpu_kobj_release(struct kobject *kobj)
{
	kvmgov_vcpu_put(to_vcpu(kobj));
}

static const struct kobj_type vcpu_ktype = {
	.release = vcpu_kobj_release,
	.sysfs_ops = &kobj_sysfs_ops,
	.default_groups = vcpu_groups,
};

/**
 * kvmgov_sysfs_vm_add() - make a VM visible
 * @vm: the VM
 *
 * Where memory lacks it stays invisible here as a whole, but governed and seen
 * over netlink. Context: the registry's worker.
 */
void kvmgov_sysfs_vm_add(struct kvmgov_vm *vm)
{
	kref_get(&vm->ref);
	if (!kobject_init_and_add(&vm->kobj, &vm_ktype, vms_kobj, "%llu",
				  vm->id)) {
		vm->vcpus_kobj = kobject_create_and_add("vcpus", &vm->kobj);
		if (vm->vcpus_kobj)
			return;
		kobject_del(&vm->kobj);
	}
	pr_warn("cannot show VM %llu in sysfs\n", vm->id);
}

/**
 * kvmgov_sysfs_vm_del() - take a VM's directory away
 * @vm: the VM, whose vCPUs' directories are gone already
 *
 * Waits for those who have a file open in a read or write. Context: the
 * registry's worker.
 */
void kvmgov_sysfs_vm_del(struct kvmgov_vm *vm)
{
	if (vm->vcpus_kobj) {
		kobject_del(vm->vcpus_kobj);
		kobject_put(vm->vcpus_kobj);
	}
	if (vm->kobj.state_in_sysfs)
		kobject_del(&vm->kobj);
	if (vm->kobj.state_initialized)
		kobject_put(&vm->kobj);
}

/**
 * kvmgov_sysfs_vcpu_add() - make a vCPU visible
 * @vcpu: the vCPU, whose VM has been added
 *
 * Context: the registry's worker.
 */
void kvmgov_sysfs_vcpu_add(struct kvmgov_vcpu *vcpu)
{
	if (!vcpu->vm->vcpus_kobj)
		return;
	kref_get(&vcpu->ref);
	if (kobject_init_and_add(&vcpu->kobj, &vcpu_ktype,
				 vcpu->vm->vcpus_kobj, "%u", vcpu->index))
		pr_warn("cannot show vCPU %u of VM %llu in sysfs\n",
			vcpu->index, vcpu->vm->id);
}

/**
 * kvmgov_sysfs_vcpu_del() - take a vCPU's directory away
 * @vcpu: the vCPU
 *
 * Context: the registry's worker.
 */
void kvmgov_sysfs_vcpu_del(struct kvmgov_vcpu *vcpu)
{
	if (vcpu->kobj.state_in_sysfs)
		kobject_del(&vcpu->kobj);
	if (vcpu->kobj.state_initialized)
		kobject_put(&vcpu->kobj);
}

/* version, defaults/, stats/ */

static ssize_t root_version_show(struct kobject *kobj,
				 struct kobj_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%s\n", KVMGOV_VERSION);
}
ATTR_RO(root, version);

static struct attribute *root_attrs[] = { &root_version.attr, NULL };

static const struct attribute_group root_group = { .attrs = root_attrs };

static ssize_t defaults_store(const struct kvmgov_vm_change *change,
			      size_t count)
{
	int err = kvmgov_vm_errno(kvmgov_defaults_set(change));

	return err ?: count;
}

static ssize_t defaults_quota_us_show(struct kobject *kobj,
				      struct kobj_attribute *attr, char *buf)
{
	struct kvmgov_cpu_limit limit;

	kvmgov_defaults_get(&limit);
	return quota_emit(buf, &limit);
}

static ssize_t defaults_quota_us_store(struct kobject *kobj,
				       struct kobj_attribute *attr,
				       const char *buf, size_t count)
{
	struct kvmgov_vm_change change = {};
	int err = quota_parse(buf, count, &change);

	return err ?: defaults_store(&change, count);
}
ATTR_RW(defaults, quota_us);

static ssize_t defaults_period_us_show(struct kobject *kobj,
				       struct kobj_attribute *attr, char *buf)
{
	struct kvmgov_cpu_limit limit;

	kvmgov_defaults_get(&limit);
	return sysfs_emit(buf, "%u\n", limit.period_us);
}

static ssize_t defaults_period_us_store(struct kobject *kobj,
					struct kobj_attribute *attr,
					const char *buf, size_t count)
{
	struct kvmgov_vm_change change = {};
	int err = period_parse(buf, count, &change);

	return err ?: defaults_store(&change, count);
}
ATTR_RW(defaults, period_us);

static ssize_t defaults_credit_max_us_show(struct kobject *kobj,
					   struct kobj_attribute *attr,
					   char *buf)
{
	struct kvmgov_cpu_limit limit;

	kvmgov_defaults_get(&limit);
	return sysfs_emit(buf, "%llu\n", limit.credit_max_us);
}

static ssize_t defaults_credit_max_us_store(struct kobject *kobj,
					    struct kobj_attribute *attr,
					    const char *buf, size_t count)
{
	struct kvmgov_vm_change change = {};
	int err = credit_max_parse(buf, count, &change);

	return err ?: defaults_store(&change, count);
}
ATTR_RW(defaults, credit_max_us);

static struct attribute *defaults_cpu_attrs[] = {
	&defaults_quota_us.attr,
	&defaults_period_us.attr,
	&defaults_credit_max_us.attr,
	NULL
};

static const struct attribute_group defaults_cpu_group = {
	.name = "cpu",
	.attrs = defaults_cpu_attrs,
};

#define COUNTERS	struct kvmgov_counters nr; kvmgov_counters_get(&nr)

ATTR_U64(stats, vms_created, COUNTERS, nr.vms_created);
ATTR_U64(stats, vms_destroyed, COUNTERS, nr.vms_destroyed);
ATTR_U64(stats, vcpus_created, COUNTERS, nr.vcpus_created);
ATTR_U64(stats, vcpus_destroyed, COUNTERS, nr.vcpus_destroyed);
ATTR_U64(stats, ungoverned, COUNTERS, nr.ungoverned);
#define PENDING		u32 pending = kvmgov_boundary_pending()

ATTR_U64(stats, callbacks_pending, PENDING, pending);

static struct attribute *stats_attrs[] = {
	&stats_vms_created.attr,
	&stats_vms_destroyed.attr,
	&stats_vcpus_created.attr,
	&stats_vcpus_destroyed.attr,
	&stats_ungoverned.attr,
	&stats_callbacks_pending.attr,
	NULL
};

static const struct attribute_group stats_group = { .attrs = stats_attrs };

/* Make the directory @name with the files of @group, if there are any. */
static struct kobject *dir_add(const char *name, struct kobject *parent,
			       const struct attribute_group *group)
{
	struct kobject *kobj = kobject_create_and_add(name, parent);

	if (kobj && group && sysfs_create_group(kobj, group)) {
		kobject_put(kobj);
		kobj = NULL;
	}
	return kobj;
}

/**
 * kvmgov_sysfs_init() - make the tree
 *
 * Return: 0 or a negative errno.
 */
int kvmgov_sysfs_init(void)
{
	root_kobj = dir_add("kvmgov", kernel_kobj, &root_group);
	if (!root_kobj)
		return -ENOMEM;
	defaults_kobj = dir_add("defaults", root_kobj, &defaults_cpu_group);
	stats_kobj = dir_add("stats", root_kobj, &stats_group);
	vms_kobj = dir_add("vms", root_kobj, NULL);
	if (!defaults_kobj || !stats_kobj || !vms_kobj) {
		kvmgov_sysfs_exit();
		return -ENOMEM;
	}
	return 0;
}

/**
 * kvmgov_sysfs_exit() - take the tree away
 *
 * Context: all VMs have ended.
 */
void kvmgov_sysfs_exit(void)
{
	kobject_put(vms_kobj);
	kobject_put(stats_kobj);
	kobject_put(defaults_kobj);
	kobject_put(root_kobj);
}
