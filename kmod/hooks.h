/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The hooks: where kvmgov listens to KVM.
 */
#ifndef _KVMGOV_HOOKS_H
#define _KVMGOV_HOOKS_H

#include <linux/types.h>

#include <uapi/linux/kvmgov.h>

/**
 * struct kvmgov_hook_info - a hook as users see it
 * @name: name of the tracepoint or function
 * @kind: which of the two it is
 * @state: whether it is in place
 * @nargs: arguments that the tracepoint has on this kernel; 0 if not known
 * @error: positive errno when @state is %KVMGOV_HOOK_STATE_FAILED
 */
struct kvmgov_hook_info {
	const char *name;
	enum kvmgov_hook_kind kind;
	enum kvmgov_hook_state state;
	u32 nargs;
	u32 error;
};

struct kvmgov_halts;

int kvmgov_hooks_init(void);
void kvmgov_hooks_exit(void);
bool kvmgov_hooks_info(unsigned int nr, struct kvmgov_hook_info *info);

bool kvmgov_hooks_vcpu_loaded(const void *key);
void kvmgov_hooks_vcpu_preempted(const void *key);
void kvmgov_hooks_vcpu_halts(const void *key, struct kvmgov_halts *halts);
void kvmgov_hooks_vcpu_describe(const void *key, const void **vm_key,
				u32 *index);

#endif /* _KVMGOV_HOOKS_H */
