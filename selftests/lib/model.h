/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What VMs must have after the changes that were taken: the same changes, done to
 * our idea of the VMs.
 */
#ifndef LIB_MODEL_H
#define LIB_MODEL_H

#include <linux/kvmgov.h>
#include <linux/netlink.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What users may set of a VM. */
struct vm_config {
	uint64_t id;
	char name[KVMGOV_NAME_MAX + 1];
	uint8_t uuid[KVMGOV_UUID_LEN];
	uint32_t state;
	uint64_t quota_us;
	uint32_t period_us;
	uint32_t steal;
	uint64_t credit_max_us;
};

/**
 * struct model - what the VMs must have now
 * @vms:	those that are there all the time
 * @nr:		how many
 * @defaults:	what a reset puts back
 */
struct model {
	struct vm_config *vms;
	size_t nr;
	struct vm_config defaults;
};

/*
 * The attributes of a message about a VM, the last where there are two; the
 * kernel has checked or made them.
 */
void vm_attrs(const struct nlmsghdr *nlh, const struct nlattr *tb[KVMGOV_A_VM_MAX + 1]);

/* Take over what attributes say of a VM. */
void vm_config_take(struct vm_config *vm, const struct nlattr *tb[KVMGOV_A_VM_MAX + 1]);

/* The VM with this id, or NULL. */
struct vm_config *model_find(const struct model *m, uint64_t id);

/* Do a change that was taken; false when it says not of which VM. */
bool model_change(struct model *m, const struct nlmsghdr *nlh);

#endif
