// SPDX-License-Identifier: GPL-2.0-only
/*
 * x86: the time stamp counter.
 */
#include <linux/errno.h>
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
