/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The runner: the thread that runs a vCPU, and its CPU time.
 */
#ifndef _KVMGOV_RUNNER_H
#define _KVMGOV_RUNNER_H

#include <linux/types.h>

struct kvmgov_runner;
struct kvmgov_thread_times;
struct kvmgov_vcpu;
struct task_struct;

struct kvmgov_runner *kvmgov_runner_new(const struct kvmgov_vcpu *vcpu);
void kvmgov_runner_set(struct kvmgov_vcpu *vcpu, struct kvmgov_runner *runner);
void kvmgov_runner_free(struct kvmgov_runner *runner);
void kvmgov_runner_newcomer_entry(struct kvmgov_vcpu *vcpu);
void kvmgov_runner_newcomer_exit(struct kvmgov_vcpu *vcpu);
u64 kvmgov_runner_read(struct kvmgov_vcpu *vcpu,
		       const struct task_struct **task,
		       struct kvmgov_thread_times *times);
u64 kvmgov_runner_usage(struct kvmgov_vcpu *vcpu);

#endif /* _KVMGOV_RUNNER_H */
