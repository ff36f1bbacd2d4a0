// SPDX-License-Identifier: GPL-2.0-only
/*
 * x86: the time stamp counter, and the reasons of exits.
 */
#include <linux/ctype.h>
#include <linux/errno.h>
#include <linux/irqflags.h>
#include <linux/kvm_host.h>
#include <linux/math64.h>
#include <linux/mm.h>
#include <linux/printk.h>
#include <linux/string.h>

#include <asm/hypervisor.h>
#include <asm/svm.h>
#include <asm/vmx.h>

#include "arch.h"
#include "x86.h"

#define NSEC_PER_CYCLE_KHZ	1000000ULL

/* Fixed-point factors with 32 fractional bits: good to 2^-32 of the time. */
u64 kvmgov_ns_per_cycle __ro_after_init;
u64 kvmgov_cycles_per_ns __ro_after_init;

/**
 * kvmgov_arch_init() - take the clock's measure
 *
 * Return: 0, or -ENODEV where there is no time stamp counter of known speed.
 */
int kvmgov_arch_init(void)
{
	if (!tsc_khz) {
		pr_err("this CPU has no time stamp counter of known frequency\n");
		return -ENODEV;
	}
	kvmgov_ns_per_cycle = div_u64(NSEC_PER_CYCLE_KHZ << KVMGOV_FACTOR_SHIFT,
				      tsc_khz);
	kvmgov_cycles_per_ns = div_u64((u64)tsc_khz << KVMGOV_FACTOR_SHIFT,
				       NSEC_PER_CYCLE_KHZ);
	return 0;
}

/**
 * kvmgov_arch_clock_stable() - does the clock agree between CPUs?
 *
 * Limits are enforced either way, on the scheduler's own clock; the ledger's
 * times are exact only with a stable one.
 */
bool kvmgov_arch_clock_stable(void)
{
	return !check_tsc_unstable();
}

/**
 * struct reason_name - what the kernel calls a reason
 * @reason: its number
 * @name: its name
 */
struct reason_name {
	u32 reason;
	const char *name;
};

static const struct reason_name svm_names[] = { SVM_EXIT_REASONS };
static const struct reason_name vmx_names[] = { VMX_EXIT_REASONS };

u32 kvmgov_x86_svm __read_mostly = ~0U;
u32 kvmgov_x86_vmx __read_mostly = ~0U;

u64 kvmgov_x86_late_ratio __read_mostly = ~0ULL;

/* How KVM tells of exits is known. */
static bool exit_known;

/*
 * KVM's scaling ratio is 1.0 in the hardware's fixed-point format: 32
 * fractional bits on SVM, 48 on VMX, none where the CPU cannot scale.
 */
static bool tsc_unscaled(u64 ratio)
{
	return ratio == BIT_ULL(32) || ratio == BIT_ULL(48) || ratio == 1;
}

/**
 * kvmgov_x86_learn_exit() - see how this kernel tells of exits
 * @vcpu: a vCPU that has left its guest
 *
 * Context: the probe of the exit.
 */
void kvmgov_x86_learn_exit(const struct kvm_vcpu *vcpu)
{
	u64 ratio = vcpu->arch.l1_tsc_scaling_ratio;

	if (!irqs_disabled()) {
		if (!tsc_unscaled(ratio))
			return;
		WRITE_ONCE(kvmgov_x86_late_ratio, ratio);
	}
	WRITE_ONCE(exit_known, true);
}

/**
 * kvmgov_x86_exit_is_known() - is there nothing to learn from a vCPU's exit?
 * @vcpu: the vCPU
 *
 * Once it is attached, kvmgov_x86_learn_exit() is not told of its exits any
 * more. That learns nothing from a scaled TSC. Context: any; the vCPU is alive.
 */
bool kvmgov_x86_exit_is_known(const struct kvm_vcpu *vcpu)
{
	return READ_ONCE(exit_known) ||
	       !tsc_unscaled(vcpu->arch.l1_tsc_scaling_ratio);
}

/*
 * Behind struct kvm_vcpu KVM keeps the VMCB in use, and then the address of the
 * VMCB of the guest itself and the same as a physical address. It is only
 * because the last two agree that the first is believed.
 */
static bool svm_layout_is_known(const struct kvm_vcpu *vcpu)
{
	const unsigned long *word = (const unsigned long *)(vcpu + 1);
	unsigned int i;

	for (i = 0; i < 2; i++)
		if (!PAGE_ALIGNED(word[i]) || !virt_addr_valid((void *)word[i]))
			return false;
	return __sme_clr(word[2]) == __pa(word[1]);
}

/* Not a VMCS that another hypervisor defines, nor that of a trust domain. */
static bool vmcs_is_plain(const struct kvm_vcpu *vcpu)
{
#ifdef KVM_X86_TDX_VM
	if (vcpu->kvm->arch.vm_type == KVM_X86_TDX_VM)
		return false;
#endif
	return x86_hyper_type != X86_HYPER_MS_HYPERV;
}

/**
 * kvmgov_x86_learn() - see whether the reasons of a vCPU's exits can be told
 * @vcpu: a vCPU whose exits nobody has looked at yet
 *
 * Where they cannot for one vCPU, they are not for any. Context: any; the vCPU
 * is alive.
 */
void kvmgov_x86_learn(const struct kvm_vcpu *vcpu)
{
	static bool never;

	if (READ_ONCE(never))
		return;
	if (!boot_cpu_has(X86_FEATURE_SVM)) {
		if (vmcs_is_plain(vcpu)) {
			WRITE_ONCE(kvmgov_x86_vmx, KVMGOV_X86_ISA_VMX);
			return;
		}
	} else if (svm_layout_is_known(vcpu)) {
		WRITE_ONCE(kvmgov_x86_svm, KVMGOV_X86_ISA_SVM);
		return;
	}
	WRITE_ONCE(never, true);
	WRITE_ONCE(kvmgov_x86_svm, ~0U);
	WRITE_ONCE(kvmgov_x86_vmx, ~0U);
	pr_warn("the reasons of exits cannot be told on this host\n");
}

static const char *name_find(const struct reason_name *names, size_t nr,
			     u32 reason)
{
	size_t i;

	for (i = 0; i < nr; i++)
		if (names[i].reason == reason)
			return names[i].name;
	return NULL;
}

/**
 * kvmgov_arch_reason_name() - what the kernel calls the reason of an exit
 * @reason: the reason
 * @name: where to put it, %KVMGOV_REASON_LEN bytes
 *
 * As in the tracepoint kvm_exit, VMX's in small letters. A number that the kernel
 * has no name for stays one.
 */
void kvmgov_arch_reason_name(u32 reason, char *name)
{
	bool svm = boot_cpu_has(X86_FEATURE_SVM);
	const char *found;

	if (svm)
		found = name_find(svm_names, ARRAY_SIZE(svm_names), reason);
	else
		found = name_find(vmx_names, ARRAY_SIZE(vmx_names), reason);
	if (reason > KVMGOV_REASON_LAST)
		strscpy(name, "unknown", KVMGOV_REASON_LEN);
	else if (!found)
		snprintf(name, KVMGOV_REASON_LEN, "reason_%#x", reason);
	else
		strscpy(name, found, KVMGOV_REASON_LEN);
	/* Capitals are VMX's way to write all of them. */
	for (; !svm && *name; name++)
		*name = tolower(*name);
}
