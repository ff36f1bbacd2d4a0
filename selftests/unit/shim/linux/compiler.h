/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef SHIM_LINUX_COMPILER_H
#define SHIM_LINUX_COMPILER_H

#undef __always_inline
#define __always_inline inline __attribute__((always_inline))

#define likely(x)   __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)

/* One thread has all there is. */
#define READ_ONCE(x)	     (x)
#define WRITE_ONCE(x, value) ((x) = (value))

#endif /* SHIM_LINUX_COMPILER_H */
