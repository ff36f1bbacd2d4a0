// SPDX-License-Identifier: GPL-2.0-only
/*
 * The generic netlink interface; its contract is in uapi/linux/kvmgov.h.
 */
#include <linux/module.h>
#include <linux/rwsem.h>
#include <net/genetlink.h>

#include "compat/compat.h"
#include "history.h"
#include "message.h"
#include "netlink.h"
#include "netlink_gen.h"
#include "vcpu.h"
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

/* Make a message that answers @info; @vm is NULL for the module itself. */
static int reply(struct genl_info *info, struct kvmgov_vm *vm)
{
	struct sk_buff *skb = genlmsg_new(NLMSG_GOODSIZE, GFP_KERNEL);
	void *header;
	int err;

	if (!skb)
		return -ENOMEM;
	header = genlmsg_put_reply(skb, info, &family, 0, info->genlhdr->cmd);
	err = header ? (vm ? kvmgov_message_kept(skb, vm) :
		       kvmgov_message_info(skb)) : -EMSGSIZE;
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
	[KVMGOV_VM_BAD_CREDIT_MAX] = {
		KVMGOV_A_VM_CPU_CREDIT_MAX_US,
		"at most 2477260800000000 us of credit can be kept"
	},
	[KVMGOV_VM_BAD_CREDIT] = {
		KVMGOV_A_VM_CPU_CREDIT_US,
		"the credit must not be more than the maximum that is kept"
	},
};

/* The texts above name these. */
static_assert(KVMGOV_QUOTA_MIN_US == 100 && KVMGOV_QUOTA_MAX_US == 4096000000);
static_assert(KVMGOV_PERIOD_MIN_US == 1000 && KVMGOV_PERIOD_MAX_US == 1000000);
static_assert(KVMGOV_CREDIT_MAX_US == 2477260800000000);

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
	if (attrs[KVMGOV_A_VM_CPU_CREDIT_MAX_US]) {
		change.set_credit_max = true;
		change.limit.credit_max_us =
			nla_get_u64(attrs[KVMGOV_A_VM_CPU_CREDIT_MAX_US]);
	}
	if (attrs[KVMGOV_A_VM_CPU_CREDIT_US]) {
		change.set_credit = true;
		change.credit_us = nla_get_u64(attrs[KVMGOV_A_VM_CPU_CREDIT_US]);
	}
	return change_vm(info, &change);
}

int kvmgov_nl_vm_reset_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct kvmgov_vm_change change = { .reset = true };

	return change_vm(info, &change);
}

/* What each message of a dump begins with. */
struct header {
	struct nlmsghdr nl;
	struct genlmsghdr genl;
};

static_assert(sizeof(struct header) == NLMSG_HDRLEN + GENL_HDRLEN);

/**
 * struct dump - a dump of VMs or of what they have
 * @skb: the message
 * @cb: where it has come to
 * @header: of each message, but for its length
 * @put: puts all there is to tell of a vCPU; -EMSGSIZE when it has to go on later
 * @only: the only VM to tell of, or 0
 */
struct dump {
	struct sk_buff *skb;
	struct netlink_callback *cb;
	struct header header;
	int (*put)(const struct dump *dump, struct kvmgov_vcpu *vcpu);
	u64 only;
};

static void dump_init(struct dump *dump, struct sk_buff *skb,
		      struct netlink_callback *cb, u8 cmd)
{
	*dump = (struct dump) {
		.skb = skb,
		.cb = cb,
		.header.nl.nlmsg_type = family.id,
		.header.nl.nlmsg_flags = NLM_F_MULTI,
		.header.nl.nlmsg_seq = cb->nlh->nlmsg_seq,
		.header.nl.nlmsg_pid = NETLINK_CB(cb->skb).portid,
		.header.genl.cmd = cmd,
		.header.genl.version = family.version,
	};
}

/* Begin a message; NULL where there is no room. */
static struct header *dump_begin(const struct dump *dump)
{
	if (skb_tailroom(dump->skb) < sizeof(dump->header))
		return NULL;
	return __skb_put_data(dump->skb, &dump->header, sizeof(dump->header));
}

/* @err says whether all has been put behind @header. */
static int dump_end(const struct dump *dump, struct header *header, int err)
{
	if (!header)
		return -EMSGSIZE;
	if (err)
		nlmsg_cancel(dump->skb, &header->nl);
	else
		nlmsg_end(dump->skb, &header->nl);
	return err;
}

/*
 * What a dump returns, given how it ended: 0 when it is complete, and what is in
 * the message then needs no further one to say so. The first message of each part
 * tells whether something has come or gone since the part before.
 */
static int dump_result(const struct dump *dump, int err)
{
	if (dump->skb->len)
		nl_dump_check_consistent(dump->cb, nlmsg_hdr(dump->skb));
	return err == -EMSGSIZE && dump->skb->len ? dump->skb->len : err;
}

static int put_vm(struct kvmgov_vm *vm, void *arg)
{
	const struct dump *dump = arg;
	struct header *header = dump_begin(dump);
	int err = header ? kvmgov_message_vm(dump->skb, vm) : -EMSGSIZE;

	err = dump_end(dump, header, err);
	if (!err)
		dump->cb->args[0] = vm->id;
	return err;
}

/* cb->args[0]: id of the VM that was put last. */
int kvmgov_nl_vm_get_dumpit(struct sk_buff *skb, struct netlink_callback *cb)
{
	struct dump dump;
	int err;

	if (!may_read(cb->skb))
		return refuse(cb->extack);
	dump_init(&dump, skb, cb, KVMGOV_CMD_VM_GET);
	cb->seq = kvmgov_vm_generation();
	err = kvmgov_vm_for_each(cb->args[0], put_vm, &dump);
	return dump_result(&dump, err);
}

/*
 * Put the vCPUs of @vm from number cb->args[1] on. They are only ever added, at
 * the end, until the VM has ended.
 */
static int put_vcpus(struct kvmgov_vm *vm, const struct dump *dump)
{
	struct netlink_callback *cb = dump->cb;
	struct kvmgov_vcpu *vcpu;
	long nr = 0;
	int err;

	list_for_each_entry_rcu(vcpu, &vm->vcpus, siblings) {
		if (nr++ < cb->args[1])
			continue;
		err = dump->put(dump, vcpu);
		if (err)
			return err;
		cb->args[1] = nr;
	}
	return 0;
}

/*
 * cb->args[0]: id of the VM that was finished last; [1]: number of vCPUs put since
 * then, of the VM with the id [2]; [3] is for dump->put.
 */
static int put_all_vcpus(struct kvmgov_vm *vm, void *arg)
{
	const struct dump *dump = arg;
	struct netlink_callback *cb = dump->cb;
	int err;

	if (dump->only && vm->id != dump->only)
		return 1;
	if (cb->args[2] != vm->id) {
		cb->args[1] = 0;
		cb->args[3] = 0;
	}
	cb->args[2] = vm->id;
	err = put_vcpus(vm, dump);
	if (!err)
		cb->args[0] = vm->id;
	return err;
}

/* Put the vCPUs of the VM that @attr names, or of all. */
static int dump_vcpus(struct dump *dump, const struct nlattr *attr)
{
	struct netlink_callback *cb = dump->cb;
	struct kvmgov_vm *vm;
	int err;

	if (!may_read(cb->skb))
		return refuse(cb->extack);
	dump->only = attr ? nla_get_u64(attr) : 0;
	if (attr && !cb->args[0] && !cb->args[2]) {
		vm = kvmgov_vm_get(dump->only);
		if (!vm) {
			NL_SET_ERR_MSG_ATTR(cb->extack, attr,
					    "there is no VM with this id");
			return -ENOENT;
		}
		kvmgov_vm_put(vm);
		cb->args[0] = dump->only - 1;
	}
	cb->seq = kvmgov_vm_generation();
	err = kvmgov_vm_for_each(cb->args[0], put_all_vcpus, dump);
	return dump_result(dump, min(err, 0));
}

static int put_vcpu(const struct dump *dump, struct kvmgov_vcpu *vcpu)
{
	struct header *header = dump_begin(dump);
	int err = header ? kvmgov_message_vcpu(dump->skb, vcpu) : -EMSGSIZE;

	return dump_end(dump, header, err);
}

int kvmgov_nl_vcpu_get_dumpit(struct sk_buff *skb, struct netlink_callback *cb)
{
	struct dump dump;

	dump_init(&dump, skb, cb, KVMGOV_CMD_VCPU_GET);
	dump.put = put_vcpu;
	return dump_vcpus(&dump, kvmgov_dump_attrs(cb)[KVMGOV_A_VCPU_VM_ID]);
}

static int put_exit(const struct dump *dump, struct kvmgov_vcpu *vcpu,
		    const struct kvmgov_exit_figures *exits)
{
	struct header *header = dump_begin(dump);
	int err = header ? kvmgov_message_exit(dump->skb, vcpu, exits) :
			   -EMSGSIZE;

	return dump_end(dump, header, err);
}

/* cb->args[3]: number of reasons put of this vCPU; none is ever taken away. */
static int put_exits(const struct dump *dump, struct kvmgov_vcpu *vcpu)
{
	struct kvmgov_exit_figures exits;
	long *nr = &dump->cb->args[3];

	while (kvmgov_ledger_exits(&vcpu->ledger, &vcpu->exits, *nr, &exits)) {
		/* Nothing was ever unknown, most of the time. */
		if (exits.nr && put_exit(dump, vcpu, &exits))
			return -EMSGSIZE;
		++*nr;
	}
	*nr = 0;
	return 0;
}

int kvmgov_nl_exit_get_dumpit(struct sk_buff *skb, struct netlink_callback *cb)
{
	struct dump dump;

	dump_init(&dump, skb, cb, KVMGOV_CMD_EXIT_GET);
	dump.put = put_exits;
	return dump_vcpus(&dump, kvmgov_dump_attrs(cb)[KVMGOV_A_EXIT_VM_ID]);
}

static int put_record(struct sk_buff *skb, const struct kvmgov_record *record)
{
	if (skb_tailroom(skb) < record->len)
		return -EMSGSIZE;
	skb_put_data(skb, record->attrs, record->len);
	return 0;
}

/* A message must hold the longest record, which netlink does not know. */
int kvmgov_nl_history_get_start(struct netlink_callback *cb)
{
	cb->min_dump_alloc = nlmsg_total_size(GENL_HDRLEN) +
			     kvmgov_history_longest();
	return 0;
}

/* cb->args[0]: number of the record that was put last. */
int kvmgov_nl_history_get_dumpit(struct sk_buff *skb,
				 struct netlink_callback *cb)
{
	struct kvmgov_record *record;
	struct header *header;
	struct dump dump;
	int err = 0;

	if (!may_read(cb->skb))
		return refuse(cb->extack);
	dump_init(&dump, skb, cb, KVMGOV_CMD_HISTORY_GET);
	rcu_read_lock();
	while (!err && (record = kvmgov_history_next(cb->args[0]))) {
		header = dump_begin(&dump);
		err = header ? put_record(skb, record) : -EMSGSIZE;
		err = dump_end(&dump, header, err);
		if (!err)
			cb->args[0] = record->nr;
	}
	rcu_read_unlock();
	return dump_result(&dump, err);
}

/**
 * struct news - what is told to those who listen
 * @cmd: what has happened
 * @vm: to which VM; NULL where that has ended, or there is none
 * @record: the final record of a VM that has ended
 */
struct news {
	u8 cmd;
	struct kvmgov_vm *vm;
	const struct kvmgov_record *record;
};

static int put_news(struct sk_buff *skb, const struct news *news)
{
	if (news->record)
		return put_record(skb, news->record);
	if (news->vm)
		return kvmgov_message_kept(skb, news->vm);
	return kvmgov_message_process(skb);
}

static void multicast(const struct news *news, unsigned int group)
{
	u32 len = news->record ? news->record->len : 0;
	struct sk_buff *skb;
	void *header;

	lockdep_assert_held(&family_sem);
	if (!registered || !genl_has_listeners(&family, &init_net, group))
		return;
	skb = genlmsg_new(max_t(u32, len, NLMSG_GOODSIZE), GFP_KERNEL);
	if (!skb)
		return;
	header = genlmsg_put(skb, 0, 0, &family, 0, news->cmd);
	if (!header || put_news(skb, news)) {
		nlmsg_free(skb);
		return;
	}
	genlmsg_end(skb, header);
	genlmsg_multicast(&family, skb, 0, group, GFP_KERNEL);
}

/* Where memory lacks the message is lost, and nothing else. */
static void notify(const struct news *news, unsigned int group)
{
	down_read(&family_sem);
	multicast(news, group);
	up_read(&family_sem);
}

/**
 * kvmgov_netlink_notify() - tell those who listen about a VM
 * @vm: the VM
 * @cmd: what has happened, one of the KVMGOV_CMD_VM_*_NTF
 *
 * Context: may sleep.
 */
void kvmgov_netlink_notify(struct kvmgov_vm *vm, u8 cmd)
{
	const struct news news = { .cmd = cmd, .vm = vm };

	notify(&news, cmd == KVMGOV_CMD_VM_CHANGE_NTF ? KVMGOV_NLGRP_CONFIG :
						       KVMGOV_NLGRP_EVENTS);
}

/**
 * kvmgov_netlink_ended() - tell that a VM has ended
 * @record: its final record
 *
 * Context: may sleep.
 */
void kvmgov_netlink_ended(const struct kvmgov_record *record)
{
	const struct news news = {
		.cmd = KVMGOV_CMD_VM_END_NTF,
		.record = record,
	};

	notify(&news, KVMGOV_NLGRP_EVENTS);
}

/**
 * kvmgov_netlink_ungoverned() - tell that a vCPU of this process is not governed
 *
 * Context: a vCPU's thread; may sleep.
 */
void kvmgov_netlink_ungoverned(void)
{
	const struct news news = { .cmd = KVMGOV_CMD_UNGOVERNED_NTF };

	notify(&news, KVMGOV_NLGRP_EVENTS);
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
