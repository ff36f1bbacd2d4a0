/* SPDX-License-Identifier: GPL-2.0-only */
/* cgroup v2, with which administrators limit guests today. */
#ifndef KVMGOV_SELFTESTS_CGROUP_H
#define KVMGOV_SELFTESTS_CGROUP_H

#include <stdbool.h>

#define CGROUP_MOUNT "/sys/fs/cgroup"

/**
 * cgroup_put() - Write into a file of a cgroup
 *
 * Return: whether the kernel has taken it
 */
__attribute__((format(printf, 2, 3))) bool cgroup_put(const char *path, const char *fmt, ...);

/**
 * cgroup_cpu() - See to it that there are cgroups with a CPU limit
 *
 * Return: whether there are
 */
bool cgroup_cpu(void);

#endif
