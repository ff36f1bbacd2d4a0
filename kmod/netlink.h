/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The generic netlink interface; its contract is in uapi/linux/kvmgov.h.
 */
#ifndef _KVMGOV_NETLINK_H
#define _KVMGOV_NETLINK_H

#include <linux/types.h>

struct kvmgov_record;
struct kvmgov_vm;

int kvmgov_netlink_init(void);
void kvmgov_netlink_exit(void);
void kvmgov_netlink_notify(struct kvmgov_vm *vm, u8 cmd);
void kvmgov_netlink_ended(const struct kvmgov_record *record);
void kvmgov_netlink_ungoverned(void);

#endif /* _KVMGOV_NETLINK_H */
