/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef SHIM_ASM_MSR_H
#define SHIM_ASM_MSR_H

#include <linux/types.h>

/* Nowhere: nothing that is compiled here reads the clock itself. */
u64 rdtsc_ordered(void);

#endif /* SHIM_ASM_MSR_H */
