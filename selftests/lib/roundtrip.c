// SPDX-License-Identifier: GPL-2.0-only
#include "roundtrip.h"

#include <string.h>

#include "test.h"

#define WARM_UP 2

static uint64_t one_batch(struct vmm *vmm)
{
	struct guest_area *area = vmm_area(vmm, 0);
	uint64_t work = area->work;

	while (area->work == work)
		NEED(vmm_run_once(&vmm->vcpu[0]), "%s", strerror(vmm_error(vmm)));
	return area->result;
}

struct roundtrip roundtrip_measure(struct vmm *vmm, long batches)
{
	uint64_t ticks, sum = 0, least = UINT64_MAX;
	double exits = vmm->opts.param;
	long i;

	vmm_adopt(&vmm->vcpu[0]);
	for (i = 0; i < WARM_UP; i++)
		one_batch(vmm);
	for (i = 0; i < batches; i++) {
		ticks = one_batch(vmm);
		sum += ticks;
		if (ticks < least)
			least = ticks;
	}
	return (struct roundtrip){ .least = least / exits, .mean = sum / exits / batches };
}
