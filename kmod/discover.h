/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Discovery of vCPUs that a probe sees for the first time.
 */
#ifndef _KVMGOV_DISCOVER_H
#define _KVMGOV_DISCOVER_H

void kvmgov_discover_init(void);
void kvmgov_discover(const void *key);
void kvmgov_discover_nudge(void);

#endif /* _KVMGOV_DISCOVER_H */
