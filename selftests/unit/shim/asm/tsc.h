/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef SHIM_ASM_TSC_H
#define SHIM_ASM_TSC_H

/* Nothing that is compiled here asks how fast it is. */

#endif /* SHIM_ASM_TSC_H */
