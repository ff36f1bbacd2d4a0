/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The hold: keep a vCPU out of its guest, asleep, at the boundary.
 */
#ifndef _KVMGOV_HOLD_H
#define _KVMGOV_HOLD_H

struct kvmgov_vcpu;

void kvmgov_hold_init(struct kvmgov_vcpu *vcpu);
void kvmgov_hold_request(struct kvmgov_vcpu *vcpu);

#endif /* _KVMGOV_HOLD_H */
