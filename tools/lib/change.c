// SPDX-License-Identifier: MIT
/* Changes to a VM, collected and then sent as one transaction. */
#include <errno.h>
#include <inttypes.h>
#include <netlink/attr.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"

enum change_key {
	CHANGE_CPU,
	CHANGE_PERIOD,
	CHANGE_CREDIT,
	CHANGE_BALANCE,
	CHANGE_STEAL,
	CHANGE_NAME,
	CHANGE_UUID,
	NR_CHANGE_KEYS,
	CHANGE_STATE = NR_CHANGE_KEYS, /* not a key for people */
};

#define BIT(nr)	  (1U << (nr))
#define NS_PER_US 1000ULL

/**
 * struct kvmgov_change - What shall become of a VM
 * @id: The VM.
 * @limits: What the module accepts.
 * @quota_us: The VM's quota as it was.
 * @old_period_us: The VM's period as it was.
 * @old_credit_max_us: The maximum of the VM's credit as it was.
 * @what: What errors call this undertaking.
 * @set: Which of the members below have been set: bits of enum change_key.
 * @microcpus: New CPU limit; which quota that is depends on the period, which
 *             may be set later.
 * @period_us: New period.
 * @credit_max_us: New maximum of the credit.
 * @credit_us: New balance.
 * @steal: Whether the guest is to see holds as steal time.
 * @name: New name.
 * @uuid: New UUID.
 * @state: New state.
 */
struct kvmgov_change {
	uint64_t id;
	struct kvmgov_limits limits;
	uint64_t quota_us;
	uint32_t old_period_us;
	uint64_t old_credit_max_us;
	char what[32 + KVMGOV_NAME_MAX];

	unsigned int set;
	uint64_t microcpus;
	uint32_t period_us;
	uint64_t credit_max_us;
	uint64_t credit_us;
	uint32_t steal;
	char name[KVMGOV_NAME_MAX + 1];
	uint8_t uuid[KVMGOV_UUID_LEN];
	uint32_t state;
};

struct kvmgov_change *kvmgov_change_new(const struct kvmgov_vm *vm,
					const struct kvmgov_limits *limits,
					struct kvmgov_error *err)
{
	const char *name = kvmgov_vm_name(vm);
	struct kvmgov_change *chg;

	chg = calloc(1, sizeof(*chg));
	if (!chg) {
		kvmgov_error_set(err, ENOMEM, "out of memory");
		return NULL;
	}
	chg->id = kvmgov_vm_id(vm);
	chg->quota_us = kvmgov_vm_cpu_quota_us(vm);
	chg->old_period_us = kvmgov_vm_cpu_period_us(vm);
	chg->old_credit_max_us = kvmgov_vm_cpu_credit_max_us(vm);
	if (limits)
		chg->limits = *limits;
	else /* let the module judge */
		chg->limits = (struct kvmgov_limits){ 1, KVMGOV_QUOTA_NONE - 1, 1, UINT32_MAX,
						      UINT64_MAX };
	snprintf(chg->what, sizeof(chg->what), "change VM %" PRIu64 "%s%.*s%s", chg->id,
		 *name ? " (" : "", KVMGOV_NAME_MAX, name, *name ? ")" : "");
	return chg;
}

void kvmgov_change_free(struct kvmgov_change *chg)
{
	free(chg);
}

static uint32_t change_period(const struct kvmgov_change *chg)
{
	return chg->set & BIT(CHANGE_PERIOD) ? chg->period_us : chg->old_period_us;
}

static int set_cpu(struct kvmgov_change *chg, const char *value, struct kvmgov_error *err)
{
	const struct kvmgov_limits *limits = &chg->limits;

	/*
	 * What is in range depends on the period, which may follow. Refuse here
	 * what no period allows, and explain it by the period known so far;
	 * kvmgov_change_commit() judges by the real one.
	 */
	if (!kvmgov_cpu_parse(value, limits->period_min_us, limits, &chg->microcpus, NULL) ||
	    !kvmgov_cpu_parse(value, limits->period_max_us, limits, &chg->microcpus, NULL))
		return 0;
	return kvmgov_cpu_parse(value, change_period(chg), limits, &chg->microcpus, err);
}

static int set_period(struct kvmgov_change *chg, const char *value, struct kvmgov_error *err)
{
	return kvmgov_period_parse(value, &chg->limits, &chg->period_us, err);
}

/* Sets ERANGE, saying that @us of @key are more than @max_us. */
static int credit_refuse(struct kvmgov_error *err, const char *key, uint64_t us, uint64_t max_us)
{
	char text[KVMGOV_VALUE_LEN], max[KVMGOV_VALUE_LEN];

	return kvmgov_error_set_attr(err, ERANGE, key, "%s of %s is too much; allowed: 0 to %s%s",
				     key, kvmgov_time_format(us * NS_PER_US, text, sizeof(text)),
				     kvmgov_time_format(max_us * NS_PER_US, max, sizeof(max)),
				     strcmp(key, "credit") ? ", the VM's credit" : "");
}

static int parse_credit(const char *key, const char *value, uint64_t *us, struct kvmgov_error *err)
{
	uint64_t ns;

	if (kvmgov_time_parse(value, &ns, err))
		return -1;
	if (ns % NS_PER_US)
		return kvmgov_error_set_attr(err, EINVAL, key,
					     "'%.64s' is too fine; allowed: whole microseconds",
					     value);
	*us = ns / NS_PER_US;
	return 0;
}

static int set_credit(struct kvmgov_change *chg, const char *value, struct kvmgov_error *err)
{
	if (parse_credit("credit", value, &chg->credit_max_us, err))
		return -1;
	if (chg->credit_max_us > chg->limits.credit_max_us)
		return credit_refuse(err, "credit", chg->credit_max_us, chg->limits.credit_max_us);
	return 0;
}

static int set_balance(struct kvmgov_change *chg, const char *value, struct kvmgov_error *err)
{
	return parse_credit("credit.balance", value, &chg->credit_us, err);
}

static int set_steal(struct kvmgov_change *chg, const char *value, struct kvmgov_error *err)
{
	if (!strcmp(value, "on"))
		chg->steal = KVMGOV_STEAL_ON;
	else if (!strcmp(value, "off"))
		chg->steal = KVMGOV_STEAL_OFF;
	else
		return kvmgov_error_set_attr(err, EINVAL, "cpu.steal",
					     "bad value '%.64s' of cpu.steal; allowed: on, off",
					     value);
	return 0;
}

static int set_name(struct kvmgov_change *chg, const char *value, struct kvmgov_error *err)
{
	if (kvmgov_name_check(value, err))
		return -1;
	snprintf(chg->name, sizeof(chg->name), "%s", value);
	return 0;
}

static int set_uuid(struct kvmgov_change *chg, const char *value, struct kvmgov_error *err)
{
	return kvmgov_uuid_parse(value, chg->uuid, err);
}

static const struct {
	const char *key;
	const char *help;
	int (*set)(struct kvmgov_change *chg, const char *value, struct kvmgov_error *err);
} keys[] = {
	[CHANGE_CPU] = { "cpu", "CPU limit: 50% or 0.5, 150% or 1.5, max (100% is one CPU)",
			 set_cpu },
	[CHANGE_PERIOD] = { "period", "period of the limit: 10ms, 0.1s; alone, it keeps the limit",
			    set_period },
	[CHANGE_CREDIT] = { "credit", "unused quota that is kept for later: 30s, 2h; 0 for none",
			    set_credit },
	[CHANGE_BALANCE] = { "credit.balance", "how much of it there is now", set_balance },
	[CHANGE_STEAL] = { "cpu.steal", "on: the guest sees holds as steal time; or off",
			   set_steal },
	[CHANGE_NAME] = { "name", "name of the VM; empty for none", set_name },
	[CHANGE_UUID] = { "uuid", "UUID of the VM; empty for none", set_uuid },
};

const char *kvmgov_change_key(size_t i, const char **help)
{
	if (i >= ARRAY_SIZE(keys))
		return NULL;
	if (help)
		*help = keys[i].help;
	return keys[i].key;
}

int kvmgov_change_set(struct kvmgov_change *chg, const char *key, const char *value,
		      struct kvmgov_error *err)
{
	char known[128];
	size_t i, len = 0;

	for (i = 0; i < ARRAY_SIZE(keys); i++) {
		if (strcmp(key, keys[i].key)) {
			len += snprintf(known + len, sizeof(known) - len, "%s%s", len ? ", " : "",
					keys[i].key);
			continue;
		}
		if (chg->set & BIT(i))
			return kvmgov_error_set_attr(err, EINVAL, keys[i].key, "%s is given twice",
						     key);
		if (keys[i].set(chg, value, err))
			return -1;
		chg->set |= BIT(i);
		return 0;
	}
	return kvmgov_error_set(err, EINVAL, "unknown key '%.64s'; allowed: %s", key, known);
}

void kvmgov_change_state(struct kvmgov_change *chg, enum kvmgov_vm_state state)
{
	chg->state = state;
	chg->set |= BIT(CHANGE_STATE);
}

static int put_limits(const struct kvmgov_change *chg, struct nl_msg *msg, struct kvmgov_error *err)
{
	uint64_t cpu, quota;

	if (!(chg->set & (BIT(CHANGE_CPU) | BIT(CHANGE_PERIOD))))
		return 0;
	cpu = chg->microcpus;
	if (!(chg->set & BIT(CHANGE_CPU)))
		cpu = kvmgov_cpu_from_quota(chg->quota_us, chg->old_period_us);
	if (kvmgov_cpu_to_quota(cpu, change_period(chg), &chg->limits, &quota, err))
		return -1;
	if (nla_put_u64(msg, KVMGOV_A_VM_CPU_QUOTA_US, quota) ||
	    (chg->set & BIT(CHANGE_PERIOD) &&
	     nla_put_u32(msg, KVMGOV_A_VM_CPU_PERIOD_US, chg->period_us)))
		return kvmgov_error_set(err, ENOMEM, "out of memory");
	return 0;
}

static int put_credit(const struct kvmgov_change *chg, struct nl_msg *msg, struct kvmgov_error *err)
{
	bool maximum = chg->set & BIT(CHANGE_CREDIT), balance = chg->set & BIT(CHANGE_BALANCE);
	uint64_t max_us = maximum ? chg->credit_max_us : chg->old_credit_max_us;

	if (balance && chg->credit_us > max_us)
		return credit_refuse(err, "credit.balance", chg->credit_us, max_us);
	if ((maximum && nla_put_u64(msg, KVMGOV_A_VM_CPU_CREDIT_MAX_US, max_us)) ||
	    (balance && nla_put_u64(msg, KVMGOV_A_VM_CPU_CREDIT_US, chg->credit_us)))
		return kvmgov_error_set(err, ENOMEM, "out of memory");
	return 0;
}

static int put_change(const struct kvmgov_change *chg, struct nl_msg *msg, struct kvmgov_error *err)
{
	if (put_limits(chg, msg, err) || put_credit(chg, msg, err))
		return -1;
	if (nla_put_u64(msg, KVMGOV_A_VM_ID, chg->id) ||
	    (chg->set & BIT(CHANGE_STEAL) && nla_put_u32(msg, KVMGOV_A_VM_CPU_STEAL, chg->steal)) ||
	    (chg->set & BIT(CHANGE_NAME) && nla_put_string(msg, KVMGOV_A_VM_NAME, chg->name)) ||
	    (chg->set & BIT(CHANGE_UUID) &&
	     nla_put(msg, KVMGOV_A_VM_UUID, sizeof(chg->uuid), chg->uuid)) ||
	    (chg->set & BIT(CHANGE_STATE) && nla_put_u32(msg, KVMGOV_A_VM_STATE, chg->state)))
		return kvmgov_error_set(err, ENOMEM, "out of memory");
	return 0;
}

int kvmgov_change_commit(struct kvmgov *kg, const struct kvmgov_change *chg,
			 struct kvmgov_error *err)
{
	struct kvmgov_request req = { .set = &kvmgov_set_vm, .what = chg->what };
	int ret;

	req.msg = kvmgov_msg_new(kg, KVMGOV_CMD_VM_SET, 0, err);
	if (!req.msg)
		return -1;
	ret = put_change(chg, req.msg, err);
	if (!ret)
		ret = kvmgov_request_run(kg, &req, err);
	nlmsg_free(req.msg);
	return ret;
}
