/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * KVM's own statistics of a vCPU, by name.
 */
#ifndef KVMSTAT_H
#define KVMSTAT_H

#include "vmm.h"

/*
 * A descriptor for a vCPU's statistics. Waits for the vCPU to leave KVM_RUN: ask
 * before it is started. Ends the case where it fails.
 */
int kvmstat_open(const struct vmm_vcpu *vcpu);

/* A counter; ends the case if KVM has none of this name. */
uint64_t kvmstat_read(int fd, const char *name);

#endif
