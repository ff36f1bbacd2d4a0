/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A VMM of one page: runs guests that do one simple thing each, and counts
 * what they have done.
 *
 * A struct vmm and its guest memory lie in shared memory, so that a process
 * can watch and steer a VM that its child runs.
 */
#ifndef VMM_VMM_H
#define VMM_VMM_H

#include <linux/kvm.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "guest.h"

#define VMM_MAX_VCPUS 64

/* Interrupts KVM_RUN; without effect otherwise. */
#define VMM_SIGNAL SIGUSR1

enum vmm_mode {
	VMM_SPIN,	 /* never exits */
	VMM_GAP,	 /* never exits, notes when it did not run */
	VMM_OUT,	 /* exits to user space all the time */
	VMM_CPUID,	 /* exits to the kernel all the time */
	VMM_HLT,	 /* sleeps until an interrupt comes */
	VMM_TOUCH,	 /* writes to its memory, page by page */
	VMM_MIX,	 /* some of everything */
	VMM_BATCH,	 /* measures batches of CPUID exits */
	VMM_BATCH_OUT,	 /* of OUT, to user space */
	VMM_BATCH_EVENT, /* of OUT, to an eventfd in the kernel */
	VMM_COUNT,	 /* makes a number of exits of each kind when told */
	VMM_CLOCK,	 /* changes its TSC all the time */
	VMM_PARK,	 /* sleeps for good */
	VMM_NR_MODES
};

enum vmm_want {
	VMM_RUN,
	VMM_PAUSE,
	VMM_QUIT,
};

/**
 * struct vmm_opts - what VM to make
 * @nr_vcpus:	1 to VMM_MAX_VCPUS
 * @mode:	what the vCPUs do
 * @irqchip:	local APIC in the kernel: HLT sleeps there, interrupts can be sent
 * @param:	VMM_GAP: threshold in TSC ticks; VMM_BATCH and its like: exits in a
 *		batch;
 *		VMM_COUNT: how many of each kind, which are fewer than pages to touch
 * @touch:	bytes that VMM_TOUCH and VMM_MIX write to; 0: 64 pages
 */
struct vmm_opts {
	unsigned int nr_vcpus;
	enum vmm_mode mode;
	bool irqchip;
	uint64_t param;
	size_t touch;
};

/**
 * struct vmm_vcpu - a vCPU
 * @vmm:	the VM
 * @index:	KVM's vcpu_id
 * @fd:		file descriptor, valid in the process that runs the VM
 * @run:	KVM's shared page, valid there, too
 * @thread:	thread that runs it
 * @cpu:	CPU to pin the thread to, or -1
 * @tid:	the thread's id; 0 until it runs and after it has ended
 * @parked:	the thread waits for something else than VMM_PAUSE
 * @nr_exits:	returns of KVM_RUN without an error
 * @nr_eintr:	returns of KVM_RUN with EINTR
 * @eintr_ns:	CLOCK_MONOTONIC at the last of those
 * @error:	first unexpected errno, or EPROTO for an unexpected exit
 * @reason:	exit reason that came with EPROTO
 * @detail:	suberror, when that is KVM_EXIT_INTERNAL_ERROR
 */
struct vmm_vcpu {
	struct vmm *vmm;
	unsigned int index;
	int fd;
	struct kvm_run *run;
	pthread_t thread;
	int cpu;
	pid_t tid;
	bool parked;
	uint64_t nr_exits;
	uint64_t nr_eintr;
	uint64_t eintr_ns;
	int error;
	uint32_t reason;
	uint32_t detail;
};

/**
 * struct vmm - a VM
 * @opts:	how it was made
 * @pid:	process that runs it
 * @forked:	that process is a child, made by vmm_fork()
 * @started:	the vCPUs have threads
 * @want:	what the vCPU threads are to do, an enum vmm_want; a futex
 * @kvm_fd:	/dev/kvm
 * @vm_fd:	the VM
 * @event_fd:	VMM_BATCH_EVENT: the eventfd, or -1
 * @run_size:	length of the mapping at @vcpu.run
 * @mem:	guest memory
 * @mem_size:	length of that
 * @vcpu:	the vCPUs
 */
struct vmm {
	struct vmm_opts opts;
	pid_t pid;
	bool forked;
	bool started;
	uint32_t want;
	int kvm_fd;
	int vm_fd;
	int event_fd;
	size_t run_size;
	char *mem;
	size_t mem_size;
	struct vmm_vcpu vcpu[VMM_MAX_VCPUS];
};

/* Make a VM in this process; its vCPUs do not run yet. NULL and errno. */
struct vmm *vmm_create(const struct vmm_opts *opts);

/* Give each vCPU a thread. */
void vmm_start(struct vmm *vmm);

/* Both of them. */
struct vmm *vmm_launch(const struct vmm_opts *opts);

/*
 * Have a child process make and start a VM. The child dies with the caller's
 * thread. Returns once the vCPU threads exist.
 */
struct vmm *vmm_fork(const struct vmm_opts *opts);

/* End the vCPU threads of a VM in this process. The VM lives on. */
void vmm_stop(struct vmm *vmm);

/* Stop, close and free; a child is told to end and waited for. */
void vmm_destroy(struct vmm *vmm);

/* SIGKILL to the child; the VM must have come from vmm_fork(). */
void vmm_kill(struct vmm *vmm);

/* Have the vCPU threads leave KVM_RUN and wait, and go on again. */
void vmm_pause(struct vmm *vmm);
void vmm_resume(struct vmm *vmm);

/* Send VMM_SIGNAL to a vCPU's thread. */
void vmm_kick(struct vmm_vcpu *vcpu);

/* Send an interrupt; the VM must have an irqchip and live in this process. */
int vmm_interrupt(struct vmm_vcpu *vcpu);

/*
 * One KVM_RUN, in the calling thread, and whatever follows from it. False once
 * the vCPU cannot go on.
 */
bool vmm_run_once(struct vmm_vcpu *vcpu);

/* Make the calling thread one that may call vmm_run_once() for the vCPU. */
void vmm_adopt(struct vmm_vcpu *vcpu);

/* Rounds that a vCPU, or all together, have done. */
uint64_t vmm_work(const struct vmm *vmm, unsigned int index);
uint64_t vmm_total_work(const struct vmm *vmm);

/* What a vCPU reports, and its ring of gaps. */
struct guest_area *vmm_area(const struct vmm *vmm, unsigned int index);
struct guest_gap *vmm_gaps(const struct vmm *vmm, unsigned int index);

/* CPU time that the threads of a VM in this process have used, exact. */
uint64_t vmm_cpu_ns(const struct vmm *vmm);

/* TSC ticks in a ns, as this machine's clock has it; measured for 0.2 s. */
double vmm_ticks_per_ns(void);

/*
 * What to add to a vCPU's TSC to get the host's. Waits for the vCPU to leave
 * KVM_RUN: ask before it is started.
 */
int64_t vmm_tsc_offset(const struct vmm_vcpu *vcpu);

/*
 * Have a vCPU's TSC run @times as fast as the host's; false and errno on an error.
 * To be called before it is started.
 */
bool vmm_tsc_speed(const struct vmm_vcpu *vcpu, unsigned int times);

/* First unexpected error of any vCPU, or 0. */
int vmm_error(const struct vmm *vmm);

/* The mode called @name, or -1; the name of a mode. */
int vmm_mode_by_name(const char *name);
const char *vmm_mode_name(enum vmm_mode mode);
#endif
