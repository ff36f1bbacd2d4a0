/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What is told over netlink, as attributes.
 */
#ifndef _KVMGOV_MESSAGE_H
#define _KVMGOV_MESSAGE_H

#include <linux/types.h>

struct kvmgov_exit_figures;
struct kvmgov_vcpu;
struct kvmgov_vm;
struct sk_buff;

int kvmgov_message_info(struct sk_buff *skb);
int kvmgov_message_vm(struct sk_buff *skb, struct kvmgov_vm *vm);
int kvmgov_message_kept(struct sk_buff *skb, struct kvmgov_vm *vm);
int kvmgov_message_vcpu(struct sk_buff *skb, struct kvmgov_vcpu *vcpu);
int kvmgov_message_exit(struct sk_buff *skb, const struct kvmgov_vcpu *vcpu,
			const struct kvmgov_exit_figures *exits);
int kvmgov_message_process(struct sk_buff *skb);
size_t kvmgov_message_final_size(struct kvmgov_vm *vm);
int kvmgov_message_final(struct sk_buff *skb, struct kvmgov_vm *vm);

#endif /* _KVMGOV_MESSAGE_H */
