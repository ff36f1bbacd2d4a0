/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * /sys/kernel/kvmgov; its contract is in
 * Documentation/ABI/testing/sysfs-kernel-kvmgov.
 */
#ifndef _KVMGOV_SYSFS_H
#define _KVMGOV_SYSFS_H

struct kvmgov_vcpu;
struct kvmgov_vm;

int kvmgov_sysfs_init(void);
void kvmgov_sysfs_exit(void);

void kvmgov_sysfs_vm_add(struct kvmgov_vm *vm);
void kvmgov_sysfs_vm_del(struct kvmgov_vm *vm);
void kvmgov_sysfs_vcpu_add(struct kvmgov_vcpu *vcpu);
void kvmgov_sysfs_vcpu_del(struct kvmgov_vcpu *vcpu);

#endif /* _KVMGOV_SYSFS_H */
