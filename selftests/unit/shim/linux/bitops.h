/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef SHIM_LINUX_BITOPS_H
#define SHIM_LINUX_BITOPS_H

#include <linux/compiler.h>
#include <linux/limits.h>

#define BIT(nr) (1UL << (nr))

static inline unsigned long __fls(unsigned long word)
{
	return 63 - __builtin_clzl(word);
}

#endif /* SHIM_LINUX_BITOPS_H */
