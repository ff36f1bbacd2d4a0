/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * x86: when and why a vCPU left its guest. For hooks.c alone; on the way of every
 * exit, and therefore not in x86.c.
 */
#ifndef _KVMGOV_X86_H
#define _KVMGOV_X86_H

#include <linux/kvm_host.h>

#include <asm/svm.h>
#include <asm/vmx.h>

#include "arch.h"

/*
 * The ratio of the TSC of a guest to the host's, in KVM's format, where KVM tells
 * of an exit late and keeps the time; ~0, which no guest has, where it does not.
 */
extern u64 kvmgov_x86_late_ratio;

void kvmgov_x86_learn_exit(const struct kvm_vcpu *vcpu);
bool kvmgov_x86_exit_is_known(const struct kvm_vcpu *vcpu);

/**
 * kvmgov_x86_exit_stamp() - when the vCPU left its guest, for kvm_exit
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
static __always_inline u64 kvmgov_x86_exit_stamp(const struct kvm_vcpu *vcpu)
{
	/* It changes once, when the first exit is seen. */
	if (vcpu->arch.l1_tsc_scaling_ratio != data_race(kvmgov_x86_late_ratio))
		return kvmgov_cycles();
	return vcpu->arch.last_guest_tsc - vcpu->arch.l1_tsc_offset;
}

/* What an exit is of, as KVM numbers it in the tracepoint kvm_exit. */
#define KVMGOV_X86_ISA_VMX	1U
#define KVMGOV_X86_ISA_SVM	2U

/*
 * Its own number where the reasons of exits of that kind can be told on this
 * host, ~0 where not.
 */
extern u32 kvmgov_x86_svm, kvmgov_x86_vmx;

void kvmgov_x86_learn(const struct kvm_vcpu *vcpu);

/* A field of the VMCS that is loaded; @otherwise where there is none. */
static __always_inline unsigned long vmcs_read(unsigned long field,
					       unsigned long otherwise)
{
	asm volatile("1: vmread %[field], %[value]\n\t"
		     "ja 2f\n\t"
		     "3: mov %[otherwise], %[value]\n"
		     "2:\n"
		     _ASM_EXTABLE(1b, 3b)
		     : [value] "=&r" (otherwise)
		     : [field] "r" (field), [otherwise] "0" (otherwise)
		     : "cc");
	return otherwise;
}

/**
 * kvmgov_x86_reason() - why a vCPU has left its guest
 * @vcpu: the vCPU; kvmgov_x86_learn() has been told of it
 * @isa: what the exit is of
 *
 * Context: the probe of the exit.
 *
 * Return: the architecture's own number, which may be more than
 * %KVMGOV_REASON_LAST; %KVMGOV_REASON_UNKNOWN where it cannot be told.
 */
static __always_inline u32 kvmgov_x86_reason(const struct kvm_vcpu *vcpu,
					     u32 isa)
{
	const struct vmcb *const *vmcb = (const void *)(vcpu + 1);

	/* These two change when the first vCPU is seen, for good. */
	if (likely(isa == data_race(kvmgov_x86_svm)))
		return (*vmcb)->control.exit_code;
	/* As above. A flag beside the reason makes it one that nobody knows. */
	if (isa == data_race(kvmgov_x86_vmx))
		return vmcs_read(VM_EXIT_REASON, KVMGOV_REASON_UNKNOWN);
	return KVMGOV_REASON_UNKNOWN;
}

/**
 * kvmgov_x86_halted() - is this a halt, and not a wait to be started?
 * @vcpu: a vCPU that KVM has put to sleep
 */
static inline bool kvmgov_x86_halted(const struct kvm_vcpu *vcpu)
{
	return READ_ONCE(vcpu->arch.mp_state) == KVM_MP_STATE_HALTED;
}

/**
 * kvmgov_x86_runnable() - will KVM_RUN enter the guest, as far as can be told?
 * @vcpu: a vCPU that the current thread has loaded
 *
 * Return: false where it waits first, in a halt or to be started.
 */
static inline bool kvmgov_x86_runnable(const struct kvm_vcpu *vcpu)
{
	return READ_ONCE(vcpu->arch.mp_state) == KVM_MP_STATE_RUNNABLE &&
	       !READ_ONCE(vcpu->arch.apf.halted);
}

/**
 * kvmgov_x86_at_boundary() - the vCPU's last instruction is wholly done
 * @vcpu: a vCPU that the current thread has loaded
 *
 * KVM tells the guest of a vCPU that has left its CPU only when it knows that the
 * vCPU is not in the middle of an instruction: that might go on with an address
 * translated before, where others think that it begins with an empty TLB. KVM takes
 * that for granted after an interrupt alone, and until it prepares the next entry.
 *
 * Context: a boundary work. KVM runs those in its run loop, once it has dealt with
 * an exit or a halt and is to enter the guest again; what an instruction still needs
 * of the VMM leaves that loop. Preemption disabled.
 */
static inline void kvmgov_x86_at_boundary(struct kvm_vcpu *vcpu)
{
#ifdef KVMGOV_HAVE_AT_BOUNDARY
	vcpu->arch.at_instruction_boundary = true;
#endif
}

#endif /* _KVMGOV_X86_H */
