// SPDX-License-Identifier: GPL-2.0-only
/*
 * The generic netlink interface; its contract is in uapi/linux/kvmgov.h.
 */
#include <linux/ktime.h>
#include <linux/module.h>
#include <linux/rwsem.h>
#include <net/genetlink.h>

#include "arch.h"
#include "boundary.h"
#include "compat/compat.h"
#include "hooks.h"
#include "netlink.h"
#include "netlink_gen.h"
#include "thread.h"
#include "vcpu.h"
#include "version.h"
#include "vm.h"

static bool open_reading;
module_param(open_reading, bool, 0644);
MODULE_PARM_DESC(open_reading,
		 "let everybody read over netlink, not only CAP_SYS_ADMIN (default: no)");

static struct genl_family family;

/*
 * Protects registered, and keeps the family while a notification is under way:
 * the registry's worker outlives it.
 */
static DECLARE_RWSEM(family_sem);
static bool registered;

static bool may_read(struct sk_buff *skb)
{
	return READ_ONCE(open_reading) || netlink_capable(skb, CAP_SYS_ADMIN);
}

static int refuse(struct netlink_ext_ack *extack)
{
	NL_SET_ERR_MSG(extack, "CAP_SYS_ADMIN in the initial user namespace is needed");
	return -EPERM;
}

/* Commands on one VM get it in user_ptr[0], with a reference. */
static int pre_doit(const struct kvmgov_genl_op *op, struct sk_buff *skb,
		    struct genl_info *info)
{
	bool reads = op->cmd == KVMGOV_CMD_INFO_GET ||
		     op->cmd == KVMGOV_CMD_VM_GET;
	struct kvmgov_vm *vm;

	info->user_ptr[0] = NULL;
	if (reads ? !may_read(skb) : !netlink_capable(skb, CAP_SYS_ADMIN))
		return refuse(info->extack);
	if (op->cmd == KVMGOV_CMD_INFO_GET)
		return 0;

	if (GENL_REQ_ATTR_CHECK(info, KVMGOV_A_VM_ID)) {
		NL_SET_ERR_MSG(info->extack, "the attribute id is missing");
		return -EINVAL;
	}
	vm = kvmgov_vm_get(nla_get_u64(info->attrs[KVMGOV_A_VM_ID]));
	if (!vm) {
		NL_SET_ERR_MSG_ATTR(info->extack, info->attrs[KVMGOV_A_VM_ID],
				    "there is no VM with this id");
		return -ENOENT;
	}
	info->user_ptr[0] = vm;
	return 0;
}

static void post_doit(const struct kvmgov_genl_op *op, struct sk_buff *skb,
		      struct genl_info *info)
{
	if (info->user_ptr[0])
		kvmgov_vm_put(info->user_ptr[0]);
}

static int put_u64(struct sk_buff *skb, int attr, u64 value, int pad)
{
	return nla_put_u64_64bit(skb, attr, value, pad);
}

static int fill_hook(struct sk_buff *skb, const struct kvmgov_hook_info *hook)
{
	struct nlattr *nest = nla_nest_start(skb, KVMGOV_A_INFO_HOOK);

	if (!nest)
		return -EMSGSIZE;
	if (nla_put_string(skb, KVMGOV_A_HOOK_NAME, hook->name) ||
	    nla_put_u32(skb, KVMGOV_A_HOOK_KIND, hook->kind) ||
	    nla_put_u32(skb, KVMGOV_A_HOOK_STATE, hook->state) ||
	    (hook->nargs &&
	     nla_put_u32(skb, KVMGOV_A_HOOK_NARGS, hook->nargs)) ||
	    (hook->error &&
	     nla_put_u32(skb, KVMGOV_A_HOOK_ERROR, hook->error)))
		return -EMSGSIZE;
	nla_nest_end(skb, nest);
	return 0;
}

static int fill_info(struct sk_buff *skb)
{
	struct kvmgov_counters nr;
	struct kvmgov_cpu_limit limit;
	struct kvmgov_hook_info hook;
	unsigned int i;

	kvmgov_counters_get(&nr);
	kvmgov_defaults_get(&limit);
	for (i = 0; kvmgov_hooks_info(i, &hook); i++)
		if (fill_hook(skb, &hook))
			return -EMSGSIZE;
	if (nla_put_string(skb, KVMGOV_A_INFO_VERSION, KVMGOV_VERSION) ||
	    nla_put_u32(skb, KVMGOV_A_INFO_NR_VMS,
			nr.vms_created - nr.vms_destroyed) ||
	    nla_put_u32(skb, KVMGOV_A_INFO_NR_VCPUS,
			nr.vcpus_created - nr.vcpus_destroyed) ||
	    put_u64(skb, KVMGOV_A_INFO_VMS_CREATED, nr.vms_created,
		    KVMGOV_A_INFO_PAD) ||
	    put_u64(skb, KVMGOV_A_INFO_VMS_DESTROYED, nr.vms_destroyed,
		    KVMGOV_A_INFO_PAD) ||
	    put_u64(skb, KVMGOV_A_INFO_VCPUS_CREATED, nr.vcpus_created,
		    KVMGOV_A_INFO_PAD) ||
	    put_u64(skb, KVMGOV_A_INFO_VCPUS_DESTROYED, nr.vcpus_destroyed,
		    KVMGOV_A_INFO_PAD) ||
	    put_u64(skb, KVMGOV_A_INFO_UNGOVERNED, nr.ungoverned,
		    KVMGOV_A_INFO_PAD) ||
	    nla_put_u32(skb, KVMGOV_A_INFO_CALLBACKS_PENDING,
			kvmgov_boundary_pending()) ||
	    put_u64(skb, KVMGOV_A_INFO_QUOTA_MIN_US, KVMGOV_QUOTA_MIN_US,
		    KVMGOV_A_INFO_PAD) ||
	    put_u64(skb, KVMGOV_A_INFO_QUOTA_MAX_US, KVMGOV_QUOTA_MAX_US,
		    KVMGOV_A_INFO_PAD) ||
	    nla_put_u32(skb, KVMGOV_A_INFO_PERIOD_MIN_US,
			KVMGOV_PERIOD_MIN_US) ||
	    nla_put_u32(skb, KVMGOV_A_INFO_PERIOD_MAX_US,
			KVMGOV_PERIOD_MAX_US) ||
	    put_u64(skb, KVMGOV_A_INFO_DEFAULT_QUOTA_US, limit.quota_us,
		    KVMGOV_A_INFO_PAD) ||
	    nla_put_u32(skb, KVMGOV_A_INFO_DEFAULT_PERIOD_US,
			limit.period_us) ||
	    nla_put_u32(skb, KVMGOV_A_INFO_CLOCK_STABLE,
			kvmgov_arch_clock_stable()) ||
	    nla_put_u32(skb, KVMGOV_A_INFO_EXACT_CHARGE,
			kvmgov_thread_exact()))
		return -EMSGSIZE;
	return 0;
}

static int fill_limit(struct sk_buff *skb, struct kvmgov_vm *vm)
{
	struct kvmgov_cpu_limit limit;
	u64 nr_periods;
	bool frozen;

	kvmgov_vm_limit(vm, &limit, &nr_periods, &frozen);
	if (nla_put_u32(skb, KVMGOV_A_VM_STATE, frozen ?
			KVMGOV_VM_STATE_FROZEN : KVMGOV_VM_STATE_RUNNING) ||
	    put_u64(skb, KVMGOV_A_VM_CPU_QUOTA_US, limit.quota_us,
		    KVMGOV_A_VM_PAD) ||
	    nla_put_u32(skb, KVMGOV_A_VM_CPU_PERIOD_US, limit.period_us) ||
	    put_u64(skb, KVMGOV_A_VM_NR_PERIODS, nr_periods, KVMGOV_A_VM_PAD) ||
	    nla_put_u32(skb, KVMGOV_A_VM_CPU_STEAL, READ_ONCE(vm->steal) ?
			KVMGOV_STEAL_ON : KVMGOV_STEAL_OFF))
		return -EMSGSIZE;
	return 0;
}

static int fill_identity(struct sk_buff *skb, struct kvmgov_vm *vm)
{
	char name[KVMGOV_NAME_MAX + 1];
	uuid_t uuid;

	kvmgov_vm_identity(vm, name, &uuid);
	if (put_u64(skb, KVMGOV_A_VM_ID, vm->id, KVMGOV_A_VM_PAD) ||
	    nla_put_string(skb, KVMGOV_A_VM_NAME, name) ||
	    (!uuid_is_null(&uuid) &&
	     nla_put(skb, KVMGOV_A_VM_UUID, KVMGOV_UUID_LEN, &uuid)) ||
	    nla_put_u32(skb, KVMGOV_A_VM_PID, kvmgov_vm_pid(vm)) ||
	    nla_put_string(skb, KVMGOV_A_VM_COMM, vm->comm))
		return -EMSGSIZE;
	return 0;
}

/* The attributes that tell of the time by state. */
static const int vm_states[KVMGOV_NR_STATES] = {
	[KVMGOV_STATE_GUEST] = KVMGOV_A_VM_GUEST_NS,
	[KVMGOV_STATE_EXIT] = KVMGOV_A_VM_EXIT_NS,
	[KVMGOV_STATE_VMM] = KVMGOV_A_VM_VMM_NS,
	[KVMGOV_STATE_HALT] = KVMGOV_A_VM_HALT_NS,
	[KVMGOV_STATE_POLL] = KVMGOV_A_VM_POLL_NS,
	[KVMGOV_STATE_READY] = KVMGOV_A_VM_READY_NS,
	[KVMGOV_STATE_HELD_CPU] = KVMGOV_A_VM_HELD_CPU_NS,
	[KVMGOV_STATE_HELD_MEM] = KVMGOV_A_VM_HELD_MEM_NS,
	[KVMGOV_STATE_PAUSED] = KVMGOV_A_VM_PAUSED_NS,
};

static const int vcpu_states[KVMGOV_NR_STATES] = {
	[KVMGOV_STATE_GUEST] = KVMGOV_A_VCPU_GUEST_NS,
	[KVMGOV_STATE_EXIT] = KVMGOV_A_VCPU_EXIT_NS,
	[KVMGOV_STATE_VMM] = KVMGOV_A_VCPU_VMM_NS,
	[KVMGOV_STATE_HALT] = KVMGOV_A_VCPU_HALT_NS,
	[KVMGOV_STATE_POLL] = KVMGOV_A_VCPU_POLL_NS,
	[KVMGOV_STATE_READY] = KVMGOV_A_VCPU_READY_NS,
	[KVMGOV_STATE_HELD_CPU] = KVMGOV_A_VCPU_HELD_CPU_NS,
	[KVMGOV_STATE_HELD_MEM] = KVMGOV_A_VCPU_HELD_MEM_NS,
	[KVMGOV_STATE_PAUSED] = KVMGOV_A_VCPU_PAUSED_NS,
};

static int fill_states(struct sk_buff *skb, const int *attrs,
		       const struct kvmgov_figures *figures, int pad)
{
	unsigned int i;

	for (i = 0; i < KVMGOV_NR_STATES; i++)
		if (put_u64(skb, attrs[i], figures->state_ns[i], pad))
			return -EMSGSIZE;
	return 0;
}

static int fill_vm(struct sk_buff *skb, struct kvmgov_vm *vm)
{
	struct kvmgov_figures sum;
	u64 age = ktime_get_ns() - vm->born_ns;

	kvmgov_vm_figures(vm, &sum);
	if (fill_identity(skb, vm) || fill_limit(skb, vm) ||
	    nla_put_u32(skb, KVMGOV_A_VM_NR_VCPUS, READ_ONCE(vm->nr_vcpus)) ||
	    put_u64(skb, KVMGOV_A_VM_AGE_NS, age, KVMGOV_A_VM_PAD) ||
	    put_u64(skb, KVMGOV_A_VM_USAGE_NS, sum.usage_ns, KVMGOV_A_VM_PAD) ||
	    fill_states(skb, vm_states, &sum, KVMGOV_A_VM_PAD) ||
	    put_u64(skb, KVMGOV_A_VM_NR_HELD, sum.nr_held, KVMGOV_A_VM_PAD) ||
	    put_u64(skb, KVMGOV_A_VM_NR_EXITS, sum.nr_exits, KVMGOV_A_VM_PAD))
		return -EMSGSIZE;
	return 0;
}

static int fill_vcpu(struct sk_buff *skb, struct kvmgov_vcpu *vcpu)
{
	u64 age = ktime_get_ns() - vcpu->born_ns;
	struct kvmgov_figures sum = {};
	int pad = KVMGOV_A_VCPU_PAD;

	kvmgov_vcpu_figures(vcpu, &sum);
	if (put_u64(skb, KVMGOV_A_VCPU_VM_ID, vcpu->vm->id, pad) ||
	    nla_put_u32(skb, KVMGOV_A_VCPU_INDEX, vcpu->index) ||
	    nla_put_u32(skb, KVMGOV_A_VCPU_TID, kvmgov_vcpu_tid(vcpu)) ||
	    put_u64(skb, KVMGOV_A_VCPU_AGE_NS, age, pad) ||
	    put_u64(skb, KVMGOV_A_VCPU_USAGE_NS, sum.usage_ns, pad) ||
	    fill_states(skb, vcpu_states, &sum, pad) ||
	    put_u64(skb, KVMGOV_A_VCPU_NR_HELD, sum.nr_held, pad) ||
	    put_u64(skb, KVMGOV_A_VCPU_NR_EXITS, sum.nr_exits, pad))
		return -EMSGSIZE;
	return 0;
}

/* Make a message that answers @info; @vm is NULL for the module itself. */
static int reply(struct genl_info *info, struct kvmgov_vm *vm)
{
	struct sk_buff *skb = genlmsg_new(NLMSG_GOODSIZE, GFP_KERNEL);
	void *header;
	int err;

	if (!skb)
		return -ENOMEM;
	header = genlmsg_put_reply(skb, info, &family, 0, info->genlhdr->cmd);
	err = header ? (vm ? fill_vm(skb, vm) : fill_info(skb)) : -EMSGSIZE;
	if (err) {
		nlmsg_free(skb);
		return err;
	}
	genlmsg_end(skb, header);
	return genlmsg_reply(skb, info);
}

int kvmgov_nl_info_get_doit(struct sk_buff *skb, struct genl_info *info)
{
	return reply(info, NULL);
}

int kvmgov_nl_vm_get_doit(struct sk_buff *skb, struct genl_info *info)
{
	return reply(info, info->user_ptr[0]);
}

/* What to tell the sender of a refused change, and which attribute it was. */
static const struct {
	int attr;
	const char *text;
} change_errors[] = {
	[KVMGOV_VM_ENDED] = { KVMGOV_A_VM_ID, "this VM has ended" },
	[KVMGOV_VM_BAD_NAME] = {
		KVMGOV_A_VM_NAME,
		"a name must be printable, without a slash, and not a number"
	},
	[KVMGOV_VM_NAME_TAKEN] = {
		KVMGOV_A_VM_NAME, "another VM has this name"
	},
	[KVMGOV_VM_UUID_TAKEN] = {
		KVMGOV_A_VM_UUID, "another VM has this UUID"
	},
	[KVMGOV_VM_BAD_QUOTA] = {
		KVMGOV_A_VM_CPU_QUOTA_US,
		"the quota must be 100 to 4096000000 us, or none"
	},
	[KVMGOV_VM_BAD_PERIOD] = {
		KVMGOV_A_VM_CPU_PERIOD_US,
		"the period must be 1000 to 1000000 us"
	},
};

/* The texts above name these. */
static_assert(KVMGOV_QUOTA_MIN_US == 100 && KVMGOV_QUOTA_MAX_US == 4096000000);
static_assert(KVMGOV_PERIOD_MIN_US == 1000 && KVMGOV_PERIOD_MAX_US == 1000000);

static int change_vm(struct genl_info *info,
		     const struct kvmgov_vm_change *change)
{
	enum kvmgov_vm_error error;
	struct nlattr *attr;

	error = kvmgov_vm_change(info->user_ptr[0], change);
	if (error) {
		attr = info->attrs[change_errors[error].attr];
		NL_SET_BAD_ATTR(info->extack, attr);
		info->extack->_msg = change_errors[error].text;
	}
	return kvmgov_vm_errno(error);
}

int kvmgov_nl_vm_set_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct nlattr **attrs = info->attrs;
	struct kvmgov_vm_change change = {};
	uuid_t uuid;

	if (attrs[KVMGOV_A_VM_NAME])
		change.name = nla_data(attrs[KVMGOV_A_VM_NAME]);
	if (attrs[KVMGOV_A_VM_UUID]) {
		import_uuid(&uuid, nla_data(attrs[KVMGOV_A_VM_UUID]));
		change.uuid = &uuid;
	}
	if (attrs[KVMGOV_A_VM_STATE]) {
		change.set_frozen = true;
		change.frozen = nla_get_u32(attrs[KVMGOV_A_VM_STATE]) ==
				KVMGOV_VM_STATE_FROZEN;
	}
	if (attrs[KVMGOV_A_VM_CPU_STEAL]) {
		change.set_steal = true;
		change.steal = nla_get_u32(attrs[KVMGOV_A_VM_CPU_STEAL]) ==
			       KVMGOV_STEAL_ON;
	}
	if (attrs[KVMGOV_A_VM_CPU_QUOTA_US]) {
		change.set_quota = true;
		change.limit.quota_us =
			nla_get_u64(attrs[KVMGOV_A_VM_CPU_QUOTA_US]);
	}
	if (attrs[KVMGOV_A_VM_CPU_PERIOD_US]) {
		change.set_period = true;
		change.limit.period_us =
			nla_get_u32(attrs[KVMGOV_A_VM_CPU_PERIOD_US]);
	}
	return change_vm(info, &change);
}

int kvmgov_nl_vm_reset_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct kvmgov_vm_change change = { .reset = true };

	return change_vm(info, &change);
}

static void *dump_header(struct sk_buff *skb, struct netlink_callback *cb,
			 u8 cmd)
{
	void *header = genlmsg_put(skb, NETLINK_CB(cb->skb).portid,
				   cb->nlh->nlmsg_seq, &family, NLM_F_MULTI,
				   cmd);

	if (header)
		genl_dump_check_consistent(cb, header);
	return header;
}

/* cb->args[0]: id of the VM that was put last. */
int kvmgov_nl_vm_get_dumpit(struct sk_buff *skb, struct netlink_callback *cb)
{
	struct kvmgov_vm *vm;
	void *header;

	if (!may_read(cb->skb))
		return refuse(cb->extack);
	cb->seq = kvmgov_vm_generation();
	while ((vm = kvmgov_vm_get_next(cb->args[0]))) {
		header = dump_header(skb, cb, KVMGOV_CMD_VM_GET);
		if (!header || fill_vm(skb, vm)) {
			if (header)
				genlmsg_cancel(skb, header);
			kvmgov_vm_put(vm);
			return skb->len ?: -EMSGSIZE;
		}
		genlmsg_end(skb, header);
		cb->args[0] = vm->id;
		kvmgov_vm_put(vm);
	}
	return skb->len;
}

/* Puts all there is to tell of a vCPU; -EMSGSIZE when it has to go on later. */
typedef int (*put_vcpu_fn)(struct sk_buff *skb, struct netlink_callback *cb,
			   struct kvmgov_vcpu *vcpu);

/*
 * Put the vCPUs of @vm from number @cb->args[1] on. They are only ever added,
 * at the end, until the VM has ended.
 */
static int dump_vcpus(struct sk_buff *skb, struct netlink_callback *cb,
		      struct kvmgov_vm *vm, put_vcpu_fn put)
{
	struct kvmgov_vcpu *vcpu;
	long nr = 0;
	int err = 0;

	rcu_read_lock();
	list_for_each_entry_rcu(vcpu, &vm->vcpus, siblings) {
		if (nr++ < cb->args[1])
			continue;
		err = put(skb, cb, vcpu);
		if (err)
			break;
		cb->args[1] = nr;
	}
	rcu_read_unlock();
	return err;
}

/*
 * Put the vCPUs of the VM that @attr names, or of all. cb->args[0]: id of the VM
 * that was finished last; [1]: number of vCPUs put since then, of the VM with the
 * id [2]; [3] is for @put.
 */
static int dump_all_vcpus(struct sk_buff *skb, struct netlink_callback *cb,
			  const struct nlattr *attr, put_vcpu_fn put)
{
	u64 only = attr ? nla_get_u64(attr) : 0;
	bool first = !cb->args[0] && !cb->args[2];
	struct kvmgov_vm *vm;
	int err;

	if (!may_read(cb->skb))
		return refuse(cb->extack);
	if (attr && first) {
		vm = kvmgov_vm_get(only);
		if (!vm) {
			NL_SET_ERR_MSG_ATTR(cb->extack, attr,
					    "there is no VM with this id");
			return -ENOENT;
		}
		kvmgov_vm_put(vm);
		cb->args[0] = only - 1;
	}
	cb->seq = kvmgov_vm_generation();
	while ((vm = kvmgov_vm_get_next(cb->args[0]))) {
		if (only && vm->id != only) {
			kvmgov_vm_put(vm);
			break;
		}
		if (cb->args[2] != vm->id) {
			cb->args[1] = 0;
			cb->args[3] = 0;
		}
		cb->args[2] = vm->id;
		err = dump_vcpus(skb, cb, vm, put);
		if (!err)
			cb->args[0] = vm->id;
		kvmgov_vm_put(vm);
		if (err)
			return skb->len ?: err;
	}
	return skb->len;
}

static int put_vcpu(struct sk_buff *skb, struct netlink_callback *cb,
		    struct kvmgov_vcpu *vcpu)
{
	void *header = dump_header(skb, cb, KVMGOV_CMD_VCPU_GET);

	if (!header)
		return -EMSGSIZE;
	if (fill_vcpu(skb, vcpu)) {
		genlmsg_cancel(skb, header);
		return -EMSGSIZE;
	}
	genlmsg_end(skb, header);
	return 0;
}

int kvmgov_nl_vcpu_get_dumpit(struct sk_buff *skb, struct netlink_callback *cb)
{
	struct nlattr *attr = kvmgov_dump_attrs(cb)[KVMGOV_A_VCPU_VM_ID];

	return dump_all_vcpus(skb, cb, attr, put_vcpu);
}

static int fill_exits(struct sk_buff *skb, const struct kvmgov_vcpu *vcpu,
		      const struct kvmgov_exit_figures *exits)
{
	char reason[KVMGOV_REASON_LEN];
	int pad = KVMGOV_A_EXIT_PAD;

	static_assert(sizeof(exits->histogram) == KVMGOV_EXIT_HISTOGRAM_LEN);
	kvmgov_arch_reason_name(exits->reason, reason);
	if (put_u64(skb, KVMGOV_A_EXIT_VM_ID, vcpu->vm->id, pad) ||
	    nla_put_u32(skb, KVMGOV_A_EXIT_INDEX, vcpu->index) ||
	    nla_put_string(skb, KVMGOV_A_EXIT_REASON, reason) ||
	    put_u64(skb, KVMGOV_A_EXIT_NR, exits->nr, pad) ||
	    put_u64(skb, KVMGOV_A_EXIT_TOTAL_NS, exits->total_ns, pad) ||
	    put_u64(skb, KVMGOV_A_EXIT_MAX_NS, exits->max_ns, pad) ||
	    nla_put(skb, KVMGOV_A_EXIT_HISTOGRAM, sizeof(exits->histogram),
		    exits->histogram))
		return -EMSGSIZE;
	return 0;
}

/* cb->args[3]: number of reasons put of this vCPU; none is ever taken away. */
static int put_exits(struct sk_buff *skb, struct netlink_callback *cb,
		     struct kvmgov_vcpu *vcpu)
{
	struct kvmgov_exit_figures exits;
	void *header;

	while (kvmgov_ledger_exits(&vcpu->ledger, &vcpu->exits, cb->args[3],
				   &exits)) {
		/* Nothing was ever unknown, most of the time. */
		if (exits.nr) {
			header = dump_header(skb, cb, KVMGOV_CMD_EXIT_GET);
			if (!header)
				return -EMSGSIZE;
			if (fill_exits(skb, vcpu, &exits)) {
				genlmsg_cancel(skb, header);
				return -EMSGSIZE;
			}
			genlmsg_end(skb, header);
		}
		cb->args[3]++;
	}
	cb->args[3] = 0;
	return 0;
}

int kvmgov_nl_exit_get_dumpit(struct sk_buff *skb, struct netlink_callback *cb)
{
	struct nlattr *attr = kvmgov_dump_attrs(cb)[KVMGOV_A_EXIT_VM_ID];

	return dump_all_vcpus(skb, cb, attr, put_exits);
}

/* What @vm has to tell; where that is NULL, the current process. */
static int fill_event(struct sk_buff *skb, struct kvmgov_vm *vm)
{
	if (vm)
		return fill_vm(skb, vm);
	if (nla_put_u32(skb, KVMGOV_A_VM_PID, task_tgid_nr(current)) ||
	    nla_put_string(skb, KVMGOV_A_VM_COMM, current->group_leader->comm))
		return -EMSGSIZE;
	return 0;
}

static void notify(struct kvmgov_vm *vm, u8 cmd, unsigned int group)
{
	struct sk_buff *skb;
	void *header;

	lockdep_assert_held(&family_sem);
	if (!registered || !genl_has_listeners(&family, &init_net, group))
		return;
	skb = genlmsg_new(NLMSG_GOODSIZE, GFP_KERNEL);
	if (!skb)
		return;
	header = genlmsg_put(skb, 0, 0, &family, 0, cmd);
	if (!header || fill_event(skb, vm)) {
		nlmsg_free(skb);
		return;
	}
	genlmsg_end(skb, header);
	genlmsg_multicast(&family, skb, 0, group, GFP_KERNEL);
}

/**
 * kvmgov_netlink_notify() - tell those who listen about a VM
 * @vm: the VM
 * @cmd: what has happened, one of the KVMGOV_CMD_VM_*_NTF
 *
 * Where memory lacks the message is lost, and nothing else. Context: may
 * sleep.
 */
void kvmgov_netlink_notify(struct kvmgov_vm *vm, u8 cmd)
{
	down_read(&family_sem);
	notify(vm, cmd, cmd == KVMGOV_CMD_VM_CHANGE_NTF ?
	       KVMGOV_NLGRP_CONFIG : KVMGOV_NLGRP_EVENTS);
	up_read(&family_sem);
}

/**
 * kvmgov_netlink_ungoverned() - tell that a vCPU of this process is not governed
 *
 * Context: a vCPU's thread; may sleep.
 */
void kvmgov_netlink_ungoverned(void)
{
	down_read(&family_sem);
	notify(NULL, KVMGOV_CMD_UNGOVERNED_NTF, KVMGOV_NLGRP_EVENTS);
	up_read(&family_sem);
}

static struct genl_family family __ro_after_init = {
	.name		= KVMGOV_FAMILY_NAME,
	.version	= KVMGOV_FAMILY_VERSION,
	.module		= THIS_MODULE,
	.pre_doit	= pre_doit,
	.post_doit	= post_doit,
	.ops		= kvmgov_nl_ops,
	.n_ops		= ARRAY_SIZE(kvmgov_nl_ops),
	.mcgrps		= kvmgov_nl_mcgrps,
	.n_mcgrps	= ARRAY_SIZE(kvmgov_nl_mcgrps),
};

/**
 * kvmgov_netlink_init() - open the interface
 *
 * Return: 0 or a negative errno.
 */
int kvmgov_netlink_init(void)
{
	int err = genl_register_family(&family);

	down_write(&family_sem);
	registered = !err;
	up_write(&family_sem);
	return err;
}

/**
 * kvmgov_netlink_exit() - close the interface
 */
void kvmgov_netlink_exit(void)
{
	down_write(&family_sem);
	registered = false;
	up_write(&family_sem);
	genl_unregister_family(&family);
}
