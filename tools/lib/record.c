// SPDX-License-Identifier: MIT
/* Parsed messages, and lists of them. */
#include <errno.h>
#include <netlink/attr.h>
#include <netlink/genl/genl.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"

#define ATTR_SET(name, NAME)                               \
	const struct kvmgov_attr_set kvmgov_set_##name = { \
		.max = KVMGOV_A_##NAME##_MAX,              \
		.names = kvmgov_attr_##name##_names,       \
		.policy = kvmgov_attr_##name##_policy,     \
	}

ATTR_SET(hook, HOOK);
ATTR_SET(info, INFO);
ATTR_SET(vm, VM);
ATTR_SET(vcpu, VCPU);
ATTR_SET(exit, EXIT);

struct kvmgov_record *kvmgov_record_new(const struct kvmgov_attr_set *set,
					const struct nlattr *attrs, int len,
					struct kvmgov_error *err)
{
	size_t tb_size = (set->max + 1) * sizeof(struct nlattr *);
	struct kvmgov_record *rec;

	rec = calloc(1, sizeof(*rec) + tb_size + len);
	if (!rec) {
		kvmgov_error_set(err, ENOMEM, "out of memory");
		return NULL;
	}
	rec->set = set;
	rec->len = len;
	rec->attrs = (struct nlattr *)((char *)rec->tb + tb_size);
	memcpy(rec->attrs, attrs, len);
	/* nla_parse() of libnl only reads the policy, but does not say so. */
	if (nla_parse(rec->tb, set->max, rec->attrs, len, (struct nla_policy *)set->policy)) {
		kvmgov_error_set(err, EPROTO, "the kvmgov module sent a malformed message");
		free(rec);
		return NULL;
	}
	return rec;
}

struct kvmgov_record *kvmgov_record_from_msg(const struct kvmgov_attr_set *set,
					     struct nlmsghdr *nlh, struct kvmgov_error *err)
{
	if (!genlmsg_valid_hdr(nlh, 0)) {
		kvmgov_error_set(err, EPROTO, "the kvmgov module sent a truncated message");
		return NULL;
	}
	return kvmgov_record_new(set, genlmsg_attrdata(nlmsg_data(nlh), 0),
				 genlmsg_attrlen(nlmsg_data(nlh), 0), err);
}

bool kvmgov_record_has(const struct kvmgov_record *rec, unsigned int attr)
{
	return attr <= (unsigned int)rec->set->max && rec->tb[attr];
}

uint32_t kvmgov_record_u32(const struct kvmgov_record *rec, unsigned int attr)
{
	return rec->tb[attr] ? nla_get_u32(rec->tb[attr]) : 0;
}

uint64_t kvmgov_record_u64(const struct kvmgov_record *rec, unsigned int attr)
{
	return rec->tb[attr] ? nla_get_u64(rec->tb[attr]) : 0;
}

const char *kvmgov_record_string(const struct kvmgov_record *rec, unsigned int attr)
{
	return rec->tb[attr] ? nla_get_string(rec->tb[attr]) : "";
}

int kvmgov_record_list_add(struct kvmgov_record_list *list, struct kvmgov_record *rec,
			   struct kvmgov_error *err)
{
	if (list->nr == list->room) {
		size_t room = list->room ? 2 * list->room : 16;
		struct kvmgov_record **records;

		records = reallocarray(list->records, room, sizeof(*records));
		if (!records)
			return kvmgov_error_set(err, ENOMEM, "out of memory");
		list->records = records;
		list->room = room;
	}
	list->records[list->nr++] = rec;
	return 0;
}

void kvmgov_record_list_clear(struct kvmgov_record_list *list)
{
	size_t i;

	for (i = 0; i < list->nr; i++)
		free(list->records[i]);
	free(list->records);
	memset(list, 0, sizeof(*list));
}

const struct kvmgov_record *kvmgov_record_list_at(const struct kvmgov_record_list *list, size_t i)
{
	return i < list->nr ? list->records[i] : NULL;
}
