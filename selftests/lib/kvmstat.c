// SPDX-License-Identifier: GPL-2.0-only
/*
 * KVM's own statistics of a vCPU: a descriptor with a header, a table of names
 * and places, and the numbers (Documentation/virt/kvm/api.rst, KVM_GET_STATS_FD).
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "kvmstat.h"
#include "test.h"

static bool find(int fd, const char *name, uint64_t *value)
{
	struct kvm_stats_header head;
	struct kvm_stats_desc *desc;
	size_t size;
	bool found = false;
	uint32_t i;

	if (pread(fd, &head, sizeof(head), 0) != sizeof(head))
		return false;
	size = sizeof(*desc) + head.name_size;
	desc = malloc(size);
	for (i = 0; desc && i < head.num_desc && !found; i++) {
		if (pread(fd, desc, size, head.desc_offset + i * size) != (ssize_t)size)
			break;
		found = !strncmp(desc->name, name, head.name_size) &&
			pread(fd, value, sizeof(*value), head.data_offset + desc->offset) ==
				sizeof(*value);
	}
	free(desc);
	return found;
}

int kvmstat_open(const struct vmm_vcpu *vcpu)
{
	int fd = ioctl(vcpu->fd, KVM_GET_STATS_FD, NULL);

	NEED(fd >= 0, "KVM_GET_STATS_FD: %s", strerror(errno));
	return fd;
}

uint64_t kvmstat_read(int fd, const char *name)
{
	uint64_t value;

	NEED(find(fd, name, &value), "KVM has no statistic %s", name);
	return value;
}
