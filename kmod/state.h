/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The states of a vCPU: how a stay in one of them is divided.
 *
 * The hooks see a vCPU leave its guest, KVM_RUN and a hold, and no more. What it
 * did then follows from what the scheduler and KVM count. This file knows
 * neither of them, and is tested in user space.
 */
#ifndef _KVMGOV_STATE_H
#define _KVMGOV_STATE_H

#include <linux/minmax.h>
#include <linux/types.h>

/**
 * enum kvmgov_state - what a vCPU is doing; it is always doing one of these
 * @KVMGOV_STATE_EXIT: the kernel handles an exit
 * @KVMGOV_STATE_GUEST: in guest mode
 * @KVMGOV_STATE_VMM: outside of KVM_RUN
 * @KVMGOV_STATE_HALT: asleep until its guest has something to do
 * @KVMGOV_STATE_POLL: the same, awake for a while in case that comes soon
 * @KVMGOV_STATE_READY: its thread wants a CPU and has none
 * @KVMGOV_STATE_HELD_CPU: held because its VM has used its quota
 * @KVMGOV_STATE_HELD_MEM: held because its VM has used its memory
 * @KVMGOV_STATE_PAUSED: held because its VM is frozen
 * @KVMGOV_NR_STATES: number of states
 */
enum kvmgov_state {
	KVMGOV_STATE_EXIT,
	KVMGOV_STATE_GUEST,
	KVMGOV_STATE_VMM,
	KVMGOV_STATE_HALT,
	KVMGOV_STATE_POLL,
	KVMGOV_STATE_READY,
	KVMGOV_STATE_HELD_CPU,
	KVMGOV_STATE_HELD_MEM,
	KVMGOV_STATE_PAUSED,
	KVMGOV_NR_STATES,
};

/**
 * struct kvmgov_stay - what happened in a stay, by those who keep it anyway
 * @length: how long it was
 * @ready: how long the thread waited for a CPU
 * @asleep: how long it slept
 * @halted: how long KVM says that the vCPU slept in a halt, with what it then
 *	waited for a CPU
 * @polled: how long KVM says that it polled
 *
 * All in one unit of time. They come from different clocks and are read one
 * after another, so that they need not add up.
 */
struct kvmgov_stay {
	u64 length;
	u64 ready;
	u64 asleep;
	u64 halted;
	u64 polled;
};

/* Take up to @want of what is left. */
static __always_inline u64 kvmgov_state_take(u64 *left, u64 want)
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
 *
 * Inline, as a reader of all VMs does nothing else for each vCPU: the stay never
 * gets into memory then.
 */
static __always_inline void kvmgov_state_divide(enum kvmgov_state state,
						const struct kvmgov_stay *stay,
						u64 *time)
{
	u64 left = stay->length, asleep;

	time[KVMGOV_STATE_READY] += kvmgov_state_take(&left, stay->ready);
	switch (state) {
	case KVMGOV_STATE_GUEST:
	case KVMGOV_STATE_EXIT:
	case KVMGOV_STATE_VMM:
		asleep = min(left, stay->asleep);
		time[KVMGOV_STATE_HALT] +=
			kvmgov_state_take(&left, min(asleep, stay->halted));
		asleep -= min(asleep, stay->halted);
		time[KVMGOV_STATE_POLL] += kvmgov_state_take(&left, stay->polled);
		if (state == KVMGOV_STATE_GUEST)
			time[KVMGOV_STATE_EXIT] += kvmgov_state_take(&left, asleep);
		break;
	default:
		break;
	}
	time[state] += left;
}

#endif /* _KVMGOV_STATE_H */
