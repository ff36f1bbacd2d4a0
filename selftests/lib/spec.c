// SPDX-License-Identifier: GPL-2.0-only
#include "spec.h"

#include <linux/genetlink.h>
#include <string.h>

const struct spec_op *spec_op_by_cmd(int cmd)
{
	size_t i;

	for (i = 0; i < nr_spec_ops; i++)
		if (spec_ops[i].cmd == cmd)
			return &spec_ops[i];
	return NULL;
}

size_t spec_fixed_size(const struct spec_attr *attr)
{
	switch (attr->type) {
	case SPEC_U8:
		return 1;
	case SPEC_U16:
		return 2;
	case SPEC_U32:
		return 4;
	case SPEC_U64:
		return 8;
	default:
		return attr->exact_len;
	}
}

static uint64_t number(const void *data, size_t len)
{
	uint64_t value = 0;

	/* x86 and arm64 both begin with the low bytes. */
	memcpy(&value, data, len);
	return value;
}

static const char *check_string(const struct spec_attr *attr, const char *text, size_t len)
{
	if (!len || text[len - 1])
		return "a string without its NUL";
	if (strlen(text) != len - 1)
		return "a string with a NUL inside";
	if (attr->max_len && len - 1 > attr->max_len)
		return "a string that is too long";
	return NULL;
}

static const char *check_value(const struct spec_attr *attr, const void *data, size_t len)
{
	size_t size = spec_fixed_size(attr);

	if (size && len != size)
		return "an attribute of the wrong size";
	if (attr->last && number(data, len) > attr->last)
		return "a number that its enum does not have";
	if ((attr->type == SPEC_PAD || attr->type == SPEC_FLAG) && len)
		return "padding with a value";
	if (attr->type == SPEC_STRING)
		return check_string(attr, data, len);
	if (attr->type == SPEC_NEST)
		return spec_check_attrs(attr->nested, UINT64_MAX, data, len);
	return NULL;
}

const char *spec_check_attrs(const struct spec_set *set, uint64_t mask, const void *data,
			     size_t len)
{
	const char *p = data, *why;
	uint64_t seen = 0;

	while (len) {
		const struct spec_attr *attr;
		struct nlattr nla;
		size_t step;

		if (len < sizeof(nla))
			return "bytes that are no attribute";
		memcpy(&nla, p, sizeof(nla));
		if (nla.nla_len < sizeof(nla) || nla.nla_len > len)
			return "an attribute longer than its message";
		if ((nla.nla_type & NLA_TYPE_MASK) > set->max)
			return "an attribute that the spec does not have";
		attr = &set->attrs[nla.nla_type & NLA_TYPE_MASK];
		if (attr->type == SPEC_NONE)
			return "an attribute that the spec does not have";
		if (attr->type != SPEC_PAD) {
			uint64_t bit = 1ULL << (nla.nla_type & NLA_TYPE_MASK);

			if (!(mask & bit))
				return "an attribute that this message does not have";
			if (seen & bit && !attr->multi)
				return "an attribute that comes twice";
			seen |= bit;
		}
		why = check_value(attr, p + sizeof(nla), nla.nla_len - sizeof(nla));
		if (why)
			return why;
		step = NLA_ALIGN(nla.nla_len);
		if (step > len)
			step = len;
		p += step;
		len -= step;
	}
	return NULL;
}

const char *spec_check_reply(const struct nlmsghdr *nlh, bool dump)
{
	const struct genlmsghdr *genl =
		(const struct genlmsghdr *)((const char *)nlh + NLMSG_HDRLEN);
	const struct spec_mode *mode;
	const struct spec_op *op;

	if (nlh->nlmsg_len < NLMSG_HDRLEN + GENL_HDRLEN)
		return "a message without its header";
	op = spec_op_by_cmd(genl->cmd);
	if (!op)
		return "a command that the spec does not have";
	mode = op->notify.there ? &op->notify : dump ? &op->dumpit : &op->doit;
	if (!mode->there || !mode->reply)
		return "a command that has no reply";
	if (genl->version != KVMGOV_FAMILY_VERSION)
		return "another version";
	return spec_check_attrs(op->set, mode->reply, (const char *)genl + GENL_HDRLEN,
				nlh->nlmsg_len - NLMSG_HDRLEN - GENL_HDRLEN);
}
