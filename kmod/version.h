/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _KVMGOV_VERSION_H
#define _KVMGOV_VERSION_H

#define KVMGOV_VERSION	"0.1.0"

#endif /* _KVMGOV_VERSION_H */
