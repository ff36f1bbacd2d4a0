/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What kvmgov needs of an architecture: a clock that is cheap to read, and names
 * for the reasons of exits. When a vCPU left its guest, and why, is in x86.h.
 */
#ifndef _KVMGOV_ARCH_H
#define _KVMGOV_ARCH_H

#include <linux/math64.h>
#include <linux/types.h>

#include <asm/msr.h>
#include <asm/tsc.h>

/**
 * kvmgov_cycles() - the ledger's clock
 *
 * An ordered read, so that the time of an exit is not taken before it. Costs
 * about 80 instructions less than ktime_get(). Context: any.
 *
 * Return: the time in cycles.
 */
static __always_inline u64 kvmgov_cycles(void)
{
	return rdtsc_ordered();
}

/* ns in a cycle, as a factor with 32 fractional bits. */
#define KVMGOV_FACTOR_SHIFT	32
extern u64 kvmgov_ns_per_cycle;
extern u64 kvmgov_cycles_per_ns;

/**
 * kvmgov_cycles_to_ns() - convert a duration
 * @cycles: in cycles
 *
 * Return: in ns.
 */
static __always_inline u64 kvmgov_cycles_to_ns(u64 cycles)
{
	return mul_u64_u64_shr(cycles, kvmgov_ns_per_cycle,
			       KVMGOV_FACTOR_SHIFT);
}

/**
 * kvmgov_ns_to_cycles() - convert a duration
 * @ns: in ns
 *
 * Return: in cycles.
 */
static __always_inline u64 kvmgov_ns_to_cycles(u64 ns)
{
	return mul_u64_u64_shr(ns, kvmgov_cycles_per_ns, KVMGOV_FACTOR_SHIFT);
}

/*
 * Why a vCPU has left its guest: the architecture's own number, up to
 * %KVMGOV_REASON_LAST, or one of the two that follow.
 */
#define KVMGOV_REASON_LAST	0x403U
/* It has not left it, or nobody has said so. */
#define KVMGOV_REASON_NONE	(KVMGOV_REASON_LAST + 1)
#define KVMGOV_REASON_UNKNOWN	(KVMGOV_REASON_LAST + 2)
#define KVMGOV_NR_REASONS	(KVMGOV_REASON_LAST + 3)

/* Room for the longest name of a reason. */
#define KVMGOV_REASON_LEN	32

int kvmgov_arch_init(void);
bool kvmgov_arch_clock_stable(void);
void kvmgov_arch_reason_name(u32 reason, char *name);

#endif /* _KVMGOV_ARCH_H */
