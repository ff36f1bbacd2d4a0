/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * x86: when a vCPU left its guest. For hooks.c alone; on the way of every exit,
 * and therefore not in x86.c.
 */
#ifndef _KVMGOV_X86_H
#define _KVMGOV_X86_H

#include <linux/irqflags.h>
#include <linux/kvm_host.h>

#include "arch.h"

/*
 * KVM's scaling ratio is 1.0 in the hardware's fixed-point format: 32
 * fractional bits on SVM, 48 on VMX, none where the CPU cannot scale.
 */
static __always_inline bool tsc_unscaled(const struct kvm_vcpu *vcpu)
{
	u64 ratio = vcpu->arch.l1_tsc_scaling_ratio;

	return likely(ratio == BIT_ULL(32)) || ratio == 1 ||
	       ratio == BIT_ULL(48);
}

/**
 * kvmgov_exit_stamp() - when the vCPU left its guest, for kvm_exit
 * @vcpu: the vCPU
 *
 * Mostly kvm_exit fires in the run function, with interrupts off: now. SVM up
 * to 6.1 fires it in the exit handler, with interrupts and preemption on: the
 * thread may have been off the CPU for long since the exit. KVM keeps the true
 * time, as its guest sees it. With a scaled TSC the time now has to do.
 *
 * Context: the thread that runs @vcpu, after the exit's bookkeeping in KVM.
 *
 * Return: the time in cycles.
 */
static __always_inline u64 kvmgov_exit_stamp(const struct kvm_vcpu *vcpu)
{
	if (irqs_disabled() || !tsc_unscaled(vcpu))
		return kvmgov_cycles();
	return vcpu->arch.last_guest_tsc - vcpu->arch.l1_tsc_offset;
}

/**
 * kvmgov_x86_halted() - is this a halt, and not a wait to be started?
 * @vcpu: a vCPU that KVM has put to sleep
 */
static inline bool kvmgov_x86_halted(const struct kvm_vcpu *vcpu)
{
	return READ_ONCE(vcpu->arch.mp_state) == KVM_MP_STATE_HALTED;
}

#endif /* _KVMGOV_X86_H */
