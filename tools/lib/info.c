// SPDX-License-Identifier: MIT
/* What the module says about itself and its host. */
#include <errno.h>
#include <netlink/attr.h>
#include <stdlib.h>

#include "internal.h"

struct kvmgov_hook {
	struct kvmgov_record rec;
};

struct kvmgov_info {
	struct kvmgov_record *rec;
	struct kvmgov_record_list hooks;
};

static int info_reply(struct nlmsghdr *nlh, void *arg, struct kvmgov_error *err)
{
	struct kvmgov_info *info = arg;
	struct kvmgov_record *hook;
	struct nlattr *pos;
	int rem;

	free(info->rec);
	kvmgov_record_list_clear(&info->hooks);
	info->rec = kvmgov_record_from_msg(&kvmgov_set_info, nlh, err);
	if (!info->rec)
		return -1;
	nla_for_each_attr (pos, info->rec->attrs, info->rec->len, rem) {
		if (nla_type(pos) != KVMGOV_A_INFO_HOOK)
			continue;
		hook = kvmgov_record_new(&kvmgov_set_hook, nla_data(pos), nla_len(pos), err);
		if (!hook)
			return -1;
		if (kvmgov_record_list_add(&info->hooks, hook, err)) {
			free(hook);
			return -1;
		}
	}
	return 0;
}

struct kvmgov_info *kvmgov_info_get(struct kvmgov *kg, struct kvmgov_error *err)
{
	struct kvmgov_request req = {
		.set = &kvmgov_set_info,
		.what = "read the module's state",
		.reply = info_reply,
	};
	struct kvmgov_info *info;
	int ret;

	info = calloc(1, sizeof(*info));
	if (!info) {
		kvmgov_error_set(err, ENOMEM, "out of memory");
		return NULL;
	}
	req.arg = info;
	req.msg = kvmgov_msg_new(kg, KVMGOV_CMD_INFO_GET, 0, err);
	ret = req.msg ? kvmgov_request_run(kg, &req, err) : -1;
	nlmsg_free(req.msg);
	if (!ret && !info->rec)
		ret = kvmgov_error_set(err, EPROTO, "the kvmgov module sent no answer");
	if (ret) {
		kvmgov_info_free(info);
		return NULL;
	}
	return info;
}

void kvmgov_info_free(struct kvmgov_info *info)
{
	if (!info)
		return;
	kvmgov_record_list_clear(&info->hooks);
	free(info->rec);
	free(info);
}

bool kvmgov_info_has(const struct kvmgov_info *info, unsigned int attr)
{
	return kvmgov_record_has(info->rec, attr);
}

const char *kvmgov_info_version(const struct kvmgov_info *info)
{
	return kvmgov_record_string(info->rec, KVMGOV_A_INFO_VERSION);
}

#define INFO_NUMBER(bits, name, NAME)                                          \
	uint##bits##_t kvmgov_info_##name(const struct kvmgov_info *info)      \
	{                                                                      \
		return kvmgov_record_u##bits(info->rec, KVMGOV_A_INFO_##NAME); \
	}

INFO_NUMBER(32, nr_vms, NR_VMS)
INFO_NUMBER(32, nr_vcpus, NR_VCPUS)
INFO_NUMBER(64, vms_created, VMS_CREATED)
INFO_NUMBER(64, vms_destroyed, VMS_DESTROYED)
INFO_NUMBER(64, vcpus_created, VCPUS_CREATED)
INFO_NUMBER(64, vcpus_destroyed, VCPUS_DESTROYED)
INFO_NUMBER(64, ungoverned, UNGOVERNED)
INFO_NUMBER(32, callbacks_pending, CALLBACKS_PENDING)
INFO_NUMBER(64, quota_min_us, QUOTA_MIN_US)
INFO_NUMBER(64, quota_max_us, QUOTA_MAX_US)
INFO_NUMBER(32, period_min_us, PERIOD_MIN_US)
INFO_NUMBER(32, period_max_us, PERIOD_MAX_US)
INFO_NUMBER(64, default_quota_us, DEFAULT_QUOTA_US)
INFO_NUMBER(32, default_period_us, DEFAULT_PERIOD_US)
INFO_NUMBER(64, credit_max_us, CREDIT_MAX_US)
INFO_NUMBER(64, default_credit_max_us, DEFAULT_CREDIT_MAX_US)
INFO_NUMBER(32, records_max, RECORDS_MAX)
INFO_NUMBER(32, records, RECORDS)
INFO_NUMBER(64, records_overwritten, RECORDS_OVERWRITTEN)
INFO_NUMBER(64, records_lost, RECORDS_LOST)

bool kvmgov_info_clock_stable(const struct kvmgov_info *info)
{
	return kvmgov_record_u32(info->rec, KVMGOV_A_INFO_CLOCK_STABLE);
}

bool kvmgov_info_exact_charge(const struct kvmgov_info *info)
{
	return kvmgov_record_u32(info->rec, KVMGOV_A_INFO_EXACT_CHARGE);
}

void kvmgov_info_limits(const struct kvmgov_info *info, struct kvmgov_limits *limits)
{
	/* For what the module does not tell, leave it to the module to refuse. */
	limits->quota_min_us = kvmgov_info_quota_min_us(info);
	limits->quota_max_us = kvmgov_info_quota_max_us(info);
	limits->period_min_us = kvmgov_info_period_min_us(info);
	limits->period_max_us = kvmgov_info_period_max_us(info);
	limits->credit_max_us = kvmgov_info_credit_max_us(info);
	if (!limits->quota_min_us)
		limits->quota_min_us = 1;
	if (!limits->quota_max_us)
		limits->quota_max_us = KVMGOV_QUOTA_NONE - 1;
	if (!limits->period_min_us)
		limits->period_min_us = 1;
	if (!limits->period_max_us)
		limits->period_max_us = UINT32_MAX;
	if (!limits->credit_max_us)
		limits->credit_max_us = UINT64_MAX;
}

size_t kvmgov_info_nr_hooks(const struct kvmgov_info *info)
{
	return info->hooks.nr;
}

const struct kvmgov_hook *kvmgov_info_hook(const struct kvmgov_info *info, size_t i)
{
	return (const struct kvmgov_hook *)kvmgov_record_list_at(&info->hooks, i);
}

const char *kvmgov_hook_name(const struct kvmgov_hook *hook)
{
	return kvmgov_record_string(&hook->rec, KVMGOV_A_HOOK_NAME);
}

#define HOOK_NUMBER(name, NAME)                                             \
	uint32_t kvmgov_hook_##name(const struct kvmgov_hook *hook)         \
	{                                                                   \
		return kvmgov_record_u32(&hook->rec, KVMGOV_A_HOOK_##NAME); \
	}

HOOK_NUMBER(kind, KIND)
HOOK_NUMBER(state, STATE)
HOOK_NUMBER(nargs, NARGS)
HOOK_NUMBER(error, ERROR)
