/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The states of a vCPU, and how a stay in one of them is divided.
 */
#ifndef _KVMGOV_STATE_H
#define _KVMGOV_STATE_H

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

void kvmgov_state_divide(enum kvmgov_state state,
			 const struct kvmgov_stay *stay, u64 *time);

#endif /* _KVMGOV_STATE_H */
