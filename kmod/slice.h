/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The slice: the part of its VM's budget that a vCPU may use before anybody
 * looks at the budget again.
 */
#ifndef _KVMGOV_SLICE_H
#define _KVMGOV_SLICE_H

#include <linux/types.h>

#include "ledger.h"

struct kvmgov_vcpu;
struct kvmgov_vm;

void kvmgov_slice_init(struct kvmgov_vcpu *vcpu);
void kvmgov_slice_entry(struct kvmgov_vcpu *vcpu);
void kvmgov_slice_exit(struct kvmgov_vcpu *vcpu);
u64 kvmgov_slice_hold_until(struct kvmgov_vcpu *vcpu, enum kvmgov_state *why);
void kvmgov_slice_settle(struct kvmgov_vm *vm);
void kvmgov_slice_recall(struct kvmgov_vm *vm);

#endif /* _KVMGOV_SLICE_H */
