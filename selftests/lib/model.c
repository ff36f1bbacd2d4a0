// SPDX-License-Identifier: GPL-2.0-only
#include "model.h"

#include <stdio.h>
#include <string.h>

#include "batch.h"
#include "nl.h"

void vm_attrs(const struct nlmsghdr *nlh, const struct nlattr *tb[KVMGOV_A_VM_MAX + 1])
{
	int rest = nlh->nlmsg_len - NLMSG_HDRLEN - GENL_HDRLEN;
	struct nlattr *nla;

	memset(tb, 0, (KVMGOV_A_VM_MAX + 1) * sizeof(tb[0]));
	nla_for_each_attr (nla, (struct nlattr *)((char *)genl_of(nlh) + GENL_HDRLEN), rest, rest)
		if (nla_type(nla) <= KVMGOV_A_VM_MAX)
			tb[nla_type(nla)] = nla;
}

void vm_config_take(struct vm_config *vm, const struct nlattr *tb[KVMGOV_A_VM_MAX + 1])
{
	if (tb[NAME]) {
		memset(vm->name, 0, sizeof(vm->name));
		snprintf(vm->name, sizeof(vm->name), "%s", (const char *)nla_data(tb[NAME]));
	}
	if (tb[UUID])
		memcpy(vm->uuid, nla_data(tb[UUID]), sizeof(vm->uuid));
	if (tb[STATE])
		vm->state = nla_get_u32(tb[STATE]);
	if (tb[QUOTA])
		vm->quota_us = nla_get_u64(tb[QUOTA]);
	if (tb[PERIOD])
		vm->period_us = nla_get_u32(tb[PERIOD]);
	if (tb[KVMGOV_A_VM_CPU_STEAL])
		vm->steal = nla_get_u32(tb[KVMGOV_A_VM_CPU_STEAL]);
	if (tb[CREDIT_MAX])
		vm->credit_max_us = nla_get_u64(tb[CREDIT_MAX]);
}

struct vm_config *model_find(const struct model *m, uint64_t id)
{
	size_t i;

	for (i = 0; i < m->nr; i++)
		if (m->vms[i].id == id)
			return &m->vms[i];
	return NULL;
}

bool model_change(struct model *m, const struct nlmsghdr *nlh)
{
	const struct nlattr *tb[KVMGOV_A_VM_MAX + 1];
	struct vm_config *vm;

	vm_attrs(nlh, tb);
	if (!tb[ID])
		return false;
	vm = model_find(m, nla_get_u64(tb[ID]));
	if (!vm) /* one of those that come and go */
		return true;
	if (genl_of(nlh)->cmd == SET) {
		vm_config_take(vm, tb);
	} else {
		vm->quota_us = m->defaults.quota_us;
		vm->period_us = m->defaults.period_us;
		vm->steal = KVMGOV_STEAL_ON;
		vm->credit_max_us = m->defaults.credit_max_us;
	}
	return true;
}
