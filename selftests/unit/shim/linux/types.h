/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the kernel's pure sources need of the kernel's headers, for user space:
 * the sources themselves are compiled unchanged.
 */
#ifndef SHIM_LINUX_TYPES_H
#define SHIM_LINUX_TYPES_H

/* Tools that use those sources use headers of the kernel's for user space as well. */
#include_next <linux/types.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef uint64_t u64;
typedef int64_t s64;
typedef uint32_t u32;
typedef uint16_t u16;
typedef uint8_t u8;

#define S64_MAX INT64_MAX

#endif /* SHIM_LINUX_TYPES_H */
