// SPDX-License-Identifier: GPL-2.0-only
/*
 * The states of a vCPU: how a stay in one of them is divided.
 *
 * The hooks see a vCPU leave its guest, KVM_RUN and a hold, and no more. What it
 * did then follows from what the scheduler and KVM count. This file knows
 * neither of them, and is tested in user space.
 */
#include <linux/minmax.h>

#include "state.h"

/* Take up to @want of what is left. */
static u64 take(u64 *left, u64 want)
{
	u64 part = min(*left, want);

	*left -= part;
	return part;
}

/**
 * kvmgov_state_divide() - divide a stay among the states that it consists of
 * @state: the state as the hooks see it
 * @stay: what happened
 * @time: where to add the parts, by state; their sum is the stay's length
 *
 * A thread that waits for a CPU is ready, whatever it will do then. A halt is
 * that part of a sleep which KVM knows to be one: KVM's own figure has the wait
 * for a CPU in it, and sleeps for other things are part of what they happen in.
 * A vCPU that sleeps has left its guest, although the hooks may not know yet.
 */
void kvmgov_state_divide(enum kvmgov_state state,
			 const struct kvmgov_stay *stay, u64 *time)
{
	u64 left = stay->length, asleep;

	time[KVMGOV_STATE_READY] += take(&left, stay->ready);
	switch (state) {
	case KVMGOV_STATE_GUEST:
	case KVMGOV_STATE_EXIT:
	case KVMGOV_STATE_VMM:
		asleep = min(left, stay->asleep);
		time[KVMGOV_STATE_HALT] += take(&left,
						min(asleep, stay->halted));
		asleep -= min(asleep, stay->halted);
		time[KVMGOV_STATE_POLL] += take(&left, stay->polled);
		if (state == KVMGOV_STATE_GUEST)
			time[KVMGOV_STATE_EXIT] += take(&left, asleep);
		break;
	default:
		break;
	}
	time[state] += left;
}
