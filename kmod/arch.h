/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What kvmgov needs of an architecture: a clock that is cheap to read. The
 * moment at which a vCPU left its guest is in x86.h.
 */
#ifndef _KVMGOV_ARCH_H
#define _KVMGOV_ARCH_H

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

int kvmgov_arch_init(void);
bool kvmgov_arch_clock_stable(void);
u64 kvmgov_cycles_to_ns(u64 cycles);
u64 kvmgov_ns_to_cycles(u64 ns);

#endif /* _KVMGOV_ARCH_H */
