/* SPDX-License-Identifier: GPL-2.0-only */
/* Included first in every file of the module: its mark in the kernel log. */
#ifndef _KVMGOV_PREFIX_H
#define _KVMGOV_PREFIX_H

#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#endif /* _KVMGOV_PREFIX_H */
