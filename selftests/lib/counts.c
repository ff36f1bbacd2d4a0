// SPDX-License-Identifier: GPL-2.0-only
/*
 * Exits by reason.
 */
#include <stdio.h>
#include <string.h>

#include "counts.h"
#include "test.h"

void counts_add(struct counts *counts, struct nlattr *first, int len)
{
	struct reason *reason = &counts->reasons[counts->nr];
	struct nlattr *attrs[KVMGOV_A_EXIT_MAX + 1];

	NEED(counts->nr < MAX_REASONS, "too many reasons");
	NEED(!nla_parse(attrs, KVMGOV_A_EXIT_MAX, first, len, NULL) &&
		     attrs[KVMGOV_A_EXIT_REASON] && attrs[KVMGOV_A_EXIT_NR] &&
		     attrs[KVMGOV_A_EXIT_TOTAL_NS] && attrs[KVMGOV_A_EXIT_MAX_NS] &&
		     attrs[KVMGOV_A_EXIT_HISTOGRAM] &&
		     nla_len(attrs[KVMGOV_A_EXIT_HISTOGRAM]) == sizeof(reason->histogram),
	     "not what the specification says");
	snprintf(reason->name, sizeof(reason->name), "%s",
		 nla_get_string(attrs[KVMGOV_A_EXIT_REASON]));
	reason->nr = nla_get_u64(attrs[KVMGOV_A_EXIT_NR]);
	reason->total_ns = nla_get_u64(attrs[KVMGOV_A_EXIT_TOTAL_NS]);
	reason->max_ns = nla_get_u64(attrs[KVMGOV_A_EXIT_MAX_NS]);
	memcpy(reason->histogram, nla_data(attrs[KVMGOV_A_EXIT_HISTOGRAM]),
	       sizeof(reason->histogram));
	counts->sum += reason->nr;
	counts->nr++;
}

static void read_reason(const struct nlmsghdr *nlh, void *arg)
{
	struct genlmsghdr *hdr = nlmsg_data(nlh);

	counts_add(arg, genlmsg_attrdata(hdr, 0), genlmsg_attrlen(hdr, 0));
}

void counts_read(struct counts *counts, const struct link *link, uint64_t id)
{
	const struct attr attrs[MAX_ATTRS] = { { KVMGOV_A_EXIT_VM_ID, 0, NULL } };
	struct nl_msg *msg = message(link, KVMGOV_CMD_EXIT_GET, NLM_F_DUMP);
	struct answer a;

	memset(counts, 0, sizeof(*counts));
	put_attrs(msg, attrs, &id);
	a = ask(link, msg, read_reason, counts);
	NEED(!a.error && !a.silent, "%s", a.text);
}

const struct reason *counts_find(const struct counts *counts, const char *name)
{
	static const struct reason none;
	size_t i;

	for (i = 0; i < counts->nr; i++)
		if (!strcmp(counts->reasons[i].name, name))
			return &counts->reasons[i];
	return &none;
}
