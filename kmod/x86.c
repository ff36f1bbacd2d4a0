// SPDX-License-Identifier: GPL-2.0-only
/*
 * x86: the time stamp counter, and when a vCPU left its guest.
 */
#include <linux/errno.h>
#include <linux/kvm_host.h>
#include <linux/math64.h>
#include <linux/printk.h>

#include "arch.h"

/* Fixed-point factors with 32 fractional bits: good to 2^-32 of the time. */
#define FACTOR_SHIFT	32
#define NSEC_PER_CYCLE_KHZ	1000000ULL

static u64 ns_per_cycle __ro_after_init;
static u64 cycles_per_ns __ro_after_init;

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
	ns_per_cycle = div_u64(NSEC_PER_CYCLE_KHZ << FACTOR_SHIFT, tsc_khz);
	cycles_per_ns = div_u64((u64)tsc_khz << FACTOR_SHIFT,
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
 * kvmgov_cycles_to_ns() - convert a duration
 * @cycles: in cycles
 *
 * Return: in ns.
 */
u64 kvmgov_cycles_to_ns(u64 cycles)
{
	return mul_u64_u64_shr(cycles, ns_per_cycle, FACTOR_SHIFT);
}

/**
 * kvmgov_ns_to_cycles() - convert a duration
 * @ns: in ns
 *
 * Return: in cycles.
 */
u64 kvmgov_ns_to_cycles(u64 ns)
{
	return mul_u64_u64_shr(ns, cycles_per_ns, FACTOR_SHIFT);
}

/*
 * KVM's scaling ratio is 1.0 in the hardware's fixed-point format: 32
 * fractional bits on SVM, 48 on VMX, none where the CPU cannot scale.
 */
static bool tsc_unscaled(const struct kvm_vcpu *vcpu)
{
	u64 ratio = vcpu->arch.l1_tsc_scaling_ratio;

	return ratio == BIT_ULL(32) || ratio == BIT_ULL(48) || ratio == 1;
}

/**
 * kvmgov_exit_stamp() - when the vCPU left its guest, for a late kvm_exit
 * @vcpu: the vCPU
 *
 * Up to 6.1 kvm_exit fires in SVM's exit handler, with interrupts and
 * preemption on: the thread may have been off the CPU for long since the
 * exit. KVM keeps the true time, as its guest sees it. With a scaled TSC the
 * time now has to do.
 *
 * Context: the thread that runs @vcpu, after the exit's bookkeeping in KVM.
 *
 * Return: the time in cycles.
 */
u64 kvmgov_exit_stamp(const struct kvm_vcpu *vcpu)
{
	if (likely(tsc_unscaled(vcpu)))
		return vcpu->arch.last_guest_tsc - vcpu->arch.l1_tsc_offset;
	return kvmgov_cycles();
}
