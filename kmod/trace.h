/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * kvmgov's tracepoints, for ftrace, perf and BPF; Documentation/tracepoints.md
 * tells of each. They are where something happens that is rare: nothing is
 * traced at every exit, where KVM has its own.
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM kvmgov

#if !defined(_KVMGOV_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define _KVMGOV_TRACE_H

#include <linux/tracepoint.h>

#include "bandwidth.h"
#include "state.h"
#include "vcpu.h"
#include "vm.h"

TRACE_EVENT(kvmgov_attach,
	    TP_PROTO(const struct kvmgov_vcpu *vcpu),
	    TP_ARGS(vcpu),
	    TP_STRUCT__entry(__field(u64, vm)
			     __field(u32, vcpu)
			     __field(pid_t, process)),
	    TP_fast_assign(__entry->vm = vcpu->vm->id;
			   __entry->vcpu = vcpu->index;
			   __entry->process = vcpu->vm->pid;),
	    TP_printk("vm %llu vcpu %u process %d", __entry->vm, __entry->vcpu,
		      __entry->process)
);

TRACE_EVENT(kvmgov_end,
	    TP_PROTO(const struct kvmgov_vm *vm),
	    TP_ARGS(vm),
	    TP_STRUCT__entry(__field(u64, vm)
			     __field(u32, nr_vcpus)
			     __field(pid_t, process)),
	    TP_fast_assign(__entry->vm = vm->id;
			   __entry->nr_vcpus = vm->nr_vcpus;
			   __entry->process = vm->pid;),
	    TP_printk("vm %llu vcpus %u process %d", __entry->vm, __entry->nr_vcpus,
		      __entry->process)
);

TRACE_EVENT(kvmgov_change,
	    TP_PROTO(const struct kvmgov_vm *vm,
		     const struct kvmgov_cpu_limit *limit),
	    TP_ARGS(vm, limit),
	    TP_STRUCT__entry(__field(u64, vm)
			     __field(u64, quota_us)
			     __field(u32, period_us)
			     __field(u64, credit_max_us)
			     __field(bool, frozen)
			     __field(bool, steal)),
	    TP_fast_assign(__entry->vm = vm->id;
			   __entry->quota_us = limit->quota_us;
			   __entry->period_us = limit->period_us;
			   __entry->credit_max_us = limit->credit_max_us;
			   __entry->frozen = vm->frozen;
			   __entry->steal = vm->steal;),
	    TP_printk("vm %llu quota_us %lld period_us %u credit_max_us %llu frozen %d steal %d",
		      __entry->vm, (s64)__entry->quota_us, __entry->period_us,
		      __entry->credit_max_us, __entry->frozen, __entry->steal)
);

TRACE_EVENT(kvmgov_hold,
	    TP_PROTO(const struct kvmgov_vcpu *vcpu, enum kvmgov_state state,
		     u64 until_ns),
	    TP_ARGS(vcpu, state, until_ns),
	    TP_STRUCT__entry(__field(u64, vm)
			     __field(u32, vcpu)
			     __field(u32, state)
			     __field(u64, until_ns)),
	    TP_fast_assign(__entry->vm = vcpu->vm->id;
			   __entry->vcpu = vcpu->index;
			   __entry->state = state;
			   __entry->until_ns = until_ns;),
	    TP_printk("vm %llu vcpu %u state %s until_ns %lld", __entry->vm,
		      __entry->vcpu,
		      __print_symbolic(__entry->state,
				       { KVMGOV_STATE_HELD_CPU, "held_cpu" },
				       { KVMGOV_STATE_HELD_MEM, "held_mem" },
				       { KVMGOV_STATE_PAUSED, "paused" }),
		      (s64)__entry->until_ns)
);

TRACE_EVENT(kvmgov_release,
	    TP_PROTO(const struct kvmgov_vcpu *vcpu, u64 held_ns),
	    TP_ARGS(vcpu, held_ns),
	    TP_STRUCT__entry(__field(u64, vm)
			     __field(u32, vcpu)
			     __field(u64, held_ns)),
	    TP_fast_assign(__entry->vm = vcpu->vm->id;
			   __entry->vcpu = vcpu->index;
			   __entry->held_ns = held_ns;),
	    TP_printk("vm %llu vcpu %u held_ns %llu", __entry->vm, __entry->vcpu,
		      __entry->held_ns)
);

#endif /* _KVMGOV_TRACE_H */

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace

#include <trace/define_trace.h>
