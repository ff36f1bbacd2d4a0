/* SPDX-License-Identifier: MIT */
/*
 * libkvmgov: govern the CPU time of the virtual machines of a Linux/KVM host.
 *
 * The library speaks generic netlink to the kvmgov kernel module. Attribute
 * numbers, states and constants come from <linux/kvmgov.h>.
 *
 * Errors. A function that can fail takes a struct kvmgov_error, which may be
 * NULL, and returns NULL or -1 on failure; on success the error is left alone.
 * Nothing is ever printed, and no signal handler or other global state is
 * touched.
 *
 * Threads. Objects are independent of one another: any number of threads may
 * use the library at once, as long as no two use the same struct kvmgov,
 * struct kvmgov_change or struct kvmgov_monitor at the same time. A
 * struct kvmgov_info, a VM, a vCPU and a list never change once read, and may
 * be shared.
 *
 * Compatibility. The module's attributes only ever grow in number. What a
 * newer module sends beyond this header is ignored; what an older one does not
 * send reads as 0 or "" and can be told apart with the *_has() functions.
 *
 * Units are in the names: _us are microseconds, _ns nanoseconds. A CPU limit
 * in this library is a number of millionths of one CPU's time (microcpus),
 * which every quota in whole microseconds of a period of up to one second can
 * be turned into and back from without loss: 100% = one CPU = 1000000.
 */
#ifndef _KVMGOV_KVMGOV_H
#define _KVMGOV_KVMGOV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <linux/kvmgov.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * struct kvmgov_error - What went wrong, filled in by the failing function
 * @code: An errno. Those with a meaning of their own here:
 *        ENXIO (the kvmgov module is not loaded), EPERM (CAP_SYS_ADMIN in the
 *        initial user namespace is missing), ENOENT (there is no such VM),
 *        ENOTUNIQ (several VMs are meant), EINVAL (a malformed value), ERANGE
 *        (a value out of range), EAGAIN (the set of VMs kept changing while it
 *        was read), EPROTO (the module's answer makes no sense).
 * @attribute: The netlink attribute or the key that the error is about, or "".
 * @text: A sentence for people, without trailing newline, with the kernel's
 *        own explanation where it gave one. May contain bytes of VM names as
 *        they are: escape it before it goes to a terminal.
 */
struct kvmgov_error {
	int code;
	char attribute[32];
	char text[988];
};

/* --- the connection ------------------------------------------------------- */

struct kvmgov;

/* Connect to the module. ENXIO when it is not loaded. */
struct kvmgov *kvmgov_open(struct kvmgov_error *err);

/* Disconnect. NULL is accepted, here and in all functions that free. */
void kvmgov_close(struct kvmgov *kg);

/* Version of this library, "major.minor.patch". */
const char *kvmgov_library_version(void);

/* --- the module and its host ---------------------------------------------- */

struct kvmgov_info;
struct kvmgov_hook;

struct kvmgov_info *kvmgov_info_get(struct kvmgov *kg, struct kvmgov_error *err);
void kvmgov_info_free(struct kvmgov_info *info);

/* Whether the module sent attribute @attr (KVMGOV_A_INFO_...). */
bool kvmgov_info_has(const struct kvmgov_info *info, unsigned int attr);

const char *kvmgov_info_version(const struct kvmgov_info *info);
uint32_t kvmgov_info_nr_vms(const struct kvmgov_info *info);
uint32_t kvmgov_info_nr_vcpus(const struct kvmgov_info *info);
uint64_t kvmgov_info_vms_created(const struct kvmgov_info *info);
uint64_t kvmgov_info_vms_destroyed(const struct kvmgov_info *info);
uint64_t kvmgov_info_vcpus_created(const struct kvmgov_info *info);
uint64_t kvmgov_info_vcpus_destroyed(const struct kvmgov_info *info);
uint64_t kvmgov_info_ungoverned(const struct kvmgov_info *info);
uint32_t kvmgov_info_callbacks_pending(const struct kvmgov_info *info);
uint64_t kvmgov_info_quota_min_us(const struct kvmgov_info *info);
uint64_t kvmgov_info_quota_max_us(const struct kvmgov_info *info);
uint32_t kvmgov_info_period_min_us(const struct kvmgov_info *info);
uint32_t kvmgov_info_period_max_us(const struct kvmgov_info *info);
uint64_t kvmgov_info_default_quota_us(const struct kvmgov_info *info);
uint32_t kvmgov_info_default_period_us(const struct kvmgov_info *info);
uint64_t kvmgov_info_credit_max_us(const struct kvmgov_info *info);
uint64_t kvmgov_info_default_credit_max_us(const struct kvmgov_info *info);
bool kvmgov_info_clock_stable(const struct kvmgov_info *info);
bool kvmgov_info_exact_charge(const struct kvmgov_info *info);
/* Final records of VMs: how many are kept at most, and what has become of them. */
uint32_t kvmgov_info_records_max(const struct kvmgov_info *info);
uint32_t kvmgov_info_records(const struct kvmgov_info *info);
uint64_t kvmgov_info_records_overwritten(const struct kvmgov_info *info);
uint64_t kvmgov_info_records_lost(const struct kvmgov_info *info);

/* The hooks live as long as @info. @i runs from 0; NULL beyond the last. */
size_t kvmgov_info_nr_hooks(const struct kvmgov_info *info);
const struct kvmgov_hook *kvmgov_info_hook(const struct kvmgov_info *info, size_t i);

const char *kvmgov_hook_name(const struct kvmgov_hook *hook);
uint32_t kvmgov_hook_kind(const struct kvmgov_hook *hook);  /* enum kvmgov_hook_kind */
uint32_t kvmgov_hook_state(const struct kvmgov_hook *hook); /* enum kvmgov_hook_state */
uint32_t kvmgov_hook_nargs(const struct kvmgov_hook *hook);
uint32_t kvmgov_hook_error(const struct kvmgov_hook *hook); /* positive errno, or 0 */

/* --- VMs ------------------------------------------------------------------ */

struct kvmgov_vm;
struct kvmgov_vm_list;

/* Read one VM. ENOENT when there is none with that id. */
struct kvmgov_vm *kvmgov_vm_get(struct kvmgov *kg, uint64_t id, struct kvmgov_error *err);
void kvmgov_vm_free(struct kvmgov_vm *vm);

/*
 * Read all VMs, in the order of their ids. A VM that lives during the whole
 * call is in the list exactly once: when the set of VMs changed meanwhile, the
 * list is read again, a bounded number of times; then EAGAIN.
 */
struct kvmgov_vm_list *kvmgov_vm_list_get(struct kvmgov *kg, struct kvmgov_error *err);
void kvmgov_vm_list_free(struct kvmgov_vm_list *list);
size_t kvmgov_vm_list_size(const struct kvmgov_vm_list *list);
/* Lives as long as @list. NULL beyond the last. */
const struct kvmgov_vm *kvmgov_vm_list_at(const struct kvmgov_vm_list *list, size_t i);

/*
 * The VM that people mean by @word: an id, a name, a UUID or a pid, or one of
 * these made plain by a prefix: "id:7", "name:web", "uuid:...", "pid:1234".
 * ENOENT lists the VMs that exist; ENOTUNIQ names those that @word fits.
 * The result lives as long as @list.
 */
const struct kvmgov_vm *kvmgov_vm_list_find(const struct kvmgov_vm_list *list, const char *word,
					    struct kvmgov_error *err);

/* The same for a caller without a list; free the result. */
struct kvmgov_vm *kvmgov_vm_find(struct kvmgov *kg, const char *word, struct kvmgov_error *err);

/* Whether the module sent attribute @attr (KVMGOV_A_VM_...). */
bool kvmgov_vm_has(const struct kvmgov_vm *vm, unsigned int attr);

uint64_t kvmgov_vm_id(const struct kvmgov_vm *vm);
const char *kvmgov_vm_name(const struct kvmgov_vm *vm);	   /* "" while it has none */
const uint8_t *kvmgov_vm_uuid(const struct kvmgov_vm *vm); /* NULL while it has none */
uint32_t kvmgov_vm_pid(const struct kvmgov_vm *vm);
const char *kvmgov_vm_comm(const struct kvmgov_vm *vm);
uint32_t kvmgov_vm_state(const struct kvmgov_vm *vm); /* enum kvmgov_vm_state */
uint32_t kvmgov_vm_nr_vcpus(const struct kvmgov_vm *vm);
uint64_t kvmgov_vm_cpu_quota_us(const struct kvmgov_vm *vm); /* or KVMGOV_QUOTA_NONE */
uint32_t kvmgov_vm_cpu_period_us(const struct kvmgov_vm *vm);
uint64_t kvmgov_vm_cpu_credit_max_us(const struct kvmgov_vm *vm); /* 0: no credit is kept */
uint64_t kvmgov_vm_cpu_credit_us(const struct kvmgov_vm *vm);
uint32_t kvmgov_vm_cpu_steal(const struct kvmgov_vm *vm); /* enum kvmgov_steal */
uint64_t kvmgov_vm_age_ns(const struct kvmgov_vm *vm);
uint64_t kvmgov_vm_usage_ns(const struct kvmgov_vm *vm);
uint64_t kvmgov_vm_guest_ns(const struct kvmgov_vm *vm);
uint64_t kvmgov_vm_held_cpu_ns(const struct kvmgov_vm *vm);
uint64_t kvmgov_vm_paused_ns(const struct kvmgov_vm *vm);
uint64_t kvmgov_vm_nr_held(const struct kvmgov_vm *vm);
uint64_t kvmgov_vm_nr_periods(const struct kvmgov_vm *vm);
uint64_t kvmgov_vm_nr_exits(const struct kvmgov_vm *vm);
uint64_t kvmgov_vm_exit_ns(const struct kvmgov_vm *vm);
uint64_t kvmgov_vm_vmm_ns(const struct kvmgov_vm *vm);
uint64_t kvmgov_vm_halt_ns(const struct kvmgov_vm *vm);
uint64_t kvmgov_vm_poll_ns(const struct kvmgov_vm *vm);
uint64_t kvmgov_vm_ready_ns(const struct kvmgov_vm *vm);
uint64_t kvmgov_vm_held_mem_ns(const struct kvmgov_vm *vm);

/* When it ended, in ns since 1970; 0 while it lives. */
uint64_t kvmgov_vm_ended_ns(const struct kvmgov_vm *vm);

/*
 * Read the final records of VMs that have ended, in the order in which they
 * did: as many of the latest as the module keeps, see kvmgov_info_records().
 */
struct kvmgov_vm_list *kvmgov_history_get(struct kvmgov *kg, struct kvmgov_error *err);

/* Put the limits of a VM back to the module's defaults and forgive its debt. */
int kvmgov_vm_reset(struct kvmgov *kg, uint64_t id, struct kvmgov_error *err);

/* --- vCPUs ---------------------------------------------------------------- */

struct kvmgov_vcpu;
struct kvmgov_vcpu_list;

/* Read the vCPUs of the VM @vm_id, or of all VMs for 0; as consistent as VMs. */
struct kvmgov_vcpu_list *kvmgov_vcpu_list_get(struct kvmgov *kg, uint64_t vm_id,
					      struct kvmgov_error *err);
void kvmgov_vcpu_list_free(struct kvmgov_vcpu_list *list);
size_t kvmgov_vcpu_list_size(const struct kvmgov_vcpu_list *list);
/* Lives as long as @list. NULL beyond the last. */
const struct kvmgov_vcpu *kvmgov_vcpu_list_at(const struct kvmgov_vcpu_list *list, size_t i);

/* Whether the module sent attribute @attr (KVMGOV_A_VCPU_...). */
bool kvmgov_vcpu_has(const struct kvmgov_vcpu *vcpu, unsigned int attr);

uint64_t kvmgov_vcpu_vm_id(const struct kvmgov_vcpu *vcpu);
uint32_t kvmgov_vcpu_index(const struct kvmgov_vcpu *vcpu);
uint32_t kvmgov_vcpu_tid(const struct kvmgov_vcpu *vcpu);
uint64_t kvmgov_vcpu_age_ns(const struct kvmgov_vcpu *vcpu);
uint64_t kvmgov_vcpu_usage_ns(const struct kvmgov_vcpu *vcpu);
uint64_t kvmgov_vcpu_guest_ns(const struct kvmgov_vcpu *vcpu);
uint64_t kvmgov_vcpu_held_cpu_ns(const struct kvmgov_vcpu *vcpu);
uint64_t kvmgov_vcpu_paused_ns(const struct kvmgov_vcpu *vcpu);
uint64_t kvmgov_vcpu_nr_held(const struct kvmgov_vcpu *vcpu);
uint64_t kvmgov_vcpu_nr_exits(const struct kvmgov_vcpu *vcpu);
uint64_t kvmgov_vcpu_exit_ns(const struct kvmgov_vcpu *vcpu);
uint64_t kvmgov_vcpu_vmm_ns(const struct kvmgov_vcpu *vcpu);
uint64_t kvmgov_vcpu_halt_ns(const struct kvmgov_vcpu *vcpu);
uint64_t kvmgov_vcpu_poll_ns(const struct kvmgov_vcpu *vcpu);
uint64_t kvmgov_vcpu_ready_ns(const struct kvmgov_vcpu *vcpu);
uint64_t kvmgov_vcpu_held_mem_ns(const struct kvmgov_vcpu *vcpu);

/* --- exits by reason ------------------------------------------------------- */

struct kvmgov_exit;
struct kvmgov_exit_list;

/* What kvmgov_exit_index() says of all vCPUs of a VM together. */
#define KVMGOV_EXIT_ALL_VCPUS UINT32_MAX

/*
 * Read the exits by reason of the VM @vm_id, or of all VMs for 0: of each vCPU,
 * or, with @sum, of all vCPUs of a VM together. By VM and vCPU, and then those
 * that took most time first.
 */
struct kvmgov_exit_list *kvmgov_exit_list_get(struct kvmgov *kg, uint64_t vm_id, bool sum,
					      struct kvmgov_error *err);
/* The same of a VM that has ended, all its vCPUs together, from its final record. */
struct kvmgov_exit_list *kvmgov_vm_exits(const struct kvmgov_vm *vm, struct kvmgov_error *err);
void kvmgov_exit_list_free(struct kvmgov_exit_list *list);
size_t kvmgov_exit_list_size(const struct kvmgov_exit_list *list);
/* Lives as long as @list. NULL beyond the last. */
const struct kvmgov_exit *kvmgov_exit_list_at(const struct kvmgov_exit_list *list, size_t i);

uint64_t kvmgov_exit_vm_id(const struct kvmgov_exit *exit);
uint32_t kvmgov_exit_index(const struct kvmgov_exit *exit);
const char *kvmgov_exit_reason(const struct kvmgov_exit *exit);
/* How many there were, with those that are being handled. */
uint64_t kvmgov_exit_nr(const struct kvmgov_exit *exit);
/* Time until the vCPU was in its guest again, holds apart: of all, of the longest. */
uint64_t kvmgov_exit_total_ns(const struct kvmgov_exit *exit);
uint64_t kvmgov_exit_max_ns(const struct kvmgov_exit *exit);

/*
 * How many took less than kvmgov_exit_bucket_ns(@bucket), but no less than that of
 * the bucket before. There are KVMGOV_EXIT_BUCKETS; the last has no upper end,
 * which is UINT64_MAX. Exits that are being handled are in none.
 */
uint64_t kvmgov_exit_histogram(const struct kvmgov_exit *exit, unsigned int bucket);
uint64_t kvmgov_exit_bucket_ns(unsigned int bucket);

/* --- values as people write them (pure functions) ------------------------- */

/* A CPU limit that is none, written "max". */
#define KVMGOV_CPU_NONE UINT64_MAX
/* Room enough for what any of the kvmgov_*_format() functions writes. */
#define KVMGOV_VALUE_LEN 40

/**
 * struct kvmgov_limits - What the module accepts on this host
 * @quota_min_us: Smallest CPU time per period.
 * @quota_max_us: Largest CPU time per period, short of no limit.
 * @period_min_us: Shortest period.
 * @period_max_us: Longest period.
 * @credit_max_us: Most credit that may be kept.
 *
 * Functions that take these accept NULL for the widest limits that any module
 * has.
 */
struct kvmgov_limits {
	uint64_t quota_min_us;
	uint64_t quota_max_us;
	uint32_t period_min_us;
	uint32_t period_max_us;
	uint64_t credit_max_us;
};

void kvmgov_info_limits(const struct kvmgov_info *info, struct kvmgov_limits *limits);

/*
 * A CPU limit: a percentage of one CPU with up to four decimals ("50%",
 * "150%", "12.5%"), a number of CPUs with up to six ("1.5"), or "max" for none.
 * A sign, an exponent, white space or anything else is EINVAL; 0, and what is
 * outside of @limits at a period of @period_us, is ERANGE. The error's text
 * says what is allowed.
 */
int kvmgov_cpu_parse(const char *text, uint32_t period_us, const struct kvmgov_limits *limits,
		     uint64_t *microcpus, struct kvmgov_error *err);

/* Writes the percentage that kvmgov_cpu_parse() reads back as the same number. */
const char *kvmgov_cpu_format(uint64_t microcpus, char *buf, size_t size);

/* quota = CPUs x period, to the nearest microsecond. ERANGE outside of @limits. */
int kvmgov_cpu_to_quota(uint64_t microcpus, uint32_t period_us, const struct kvmgov_limits *limits,
			uint64_t *quota_us, struct kvmgov_error *err);

/* The inverse; KVMGOV_QUOTA_NONE and KVMGOV_CPU_NONE belong together. */
uint64_t kvmgov_cpu_from_quota(uint64_t quota_us, uint32_t period_us);

/* A period: a number with its unit, "10ms", "0.1s" or "1500us". */
int kvmgov_period_parse(const char *text, const struct kvmgov_limits *limits, uint32_t *period_us,
			struct kvmgov_error *err);
const char *kvmgov_period_format(uint32_t period_us, char *buf, size_t size);

/*
 * A length of time: a number with its unit (ns, us, ms, s, min, h or d), as "1.5ms", or
 * 0. What is finer than 1 ns is EINVAL, what does not fit ERANGE.
 */
int kvmgov_time_parse(const char *text, uint64_t *ns, struct kvmgov_error *err);
const char *kvmgov_time_format(uint64_t ns, char *buf, size_t size);

/* "" is a UUID of zeroes, which takes a VM's UUID away. */
int kvmgov_uuid_parse(const char *text, uint8_t uuid[KVMGOV_UUID_LEN], struct kvmgov_error *err);
const char *kvmgov_uuid_format(const uint8_t uuid[KVMGOV_UUID_LEN], char *buf, size_t size);

/* Whether @text may name a VM; "" may, and takes its name away. */
int kvmgov_name_check(const char *text, struct kvmgov_error *err);

/* --- changing a VM -------------------------------------------------------- */

struct kvmgov_change;

/*
 * Collect changes to one VM, which kvmgov_change_commit() makes all at once or
 * not at all. @vm is the VM as read before; it need not outlive the call.
 */
struct kvmgov_change *kvmgov_change_new(const struct kvmgov_vm *vm,
					const struct kvmgov_limits *limits,
					struct kvmgov_error *err);
void kvmgov_change_free(struct kvmgov_change *change);

/*
 * Add one change by its key:
 *
 *   cpu     CPU limit, as kvmgov_cpu_parse() reads it
 *   period  as kvmgov_period_parse() reads it
 *   credit  how much unused quota is kept, as kvmgov_time_parse() reads it, in
 *           whole microseconds; 0 for none
 *   credit.balance
 *           how much is kept now, likewise; at most "credit"
 *   cpu.steal
 *           whether the guest sees holds as steal time: on or off
 *   name    a name, or "" for none
 *   uuid    a UUID, or "" for none
 *
 * "period" alone keeps the VM's percentage: the quota that @vm had is scaled
 * and sent along. Unknown keys are EINVAL, and the text lists the known ones;
 * a key given twice is EINVAL.
 */
int kvmgov_change_set(struct kvmgov_change *change, const char *key, const char *value,
		      struct kvmgov_error *err);

/* Freeze (KVMGOV_VM_STATE_FROZEN) or thaw (KVMGOV_VM_STATE_RUNNING) the VM. */
void kvmgov_change_state(struct kvmgov_change *change, enum kvmgov_vm_state state);

/* Send the changes. May be called again, for instance after an error. */
int kvmgov_change_commit(struct kvmgov *kg, const struct kvmgov_change *change,
			 struct kvmgov_error *err);

/* The known keys one by one, NULL beyond the last; @help is a line about it. */
const char *kvmgov_change_key(size_t i, const char **help);

/* --- events --------------------------------------------------------------- */

enum kvmgov_event_type {
	KVMGOV_EVENT_NEW = 1, /* a VM has appeared */
	KVMGOV_EVENT_END,     /* a VM has ended; this is its final record */
	KVMGOV_EVENT_CHANGE,  /* limits, name, UUID or state of a VM have changed */
	KVMGOV_EVENT_LOST,    /* events came faster than they were read: read the VMs anew */
	KVMGOV_EVENT_UNLOAD,  /* the module is gone; nothing will follow */
	/* a vCPU runs without limits, for lack of memory, until it enters its guest again */
	KVMGOV_EVENT_UNGOVERNED,
};

struct kvmgov_monitor;
struct kvmgov_event;

/*
 * Listen. Events are queued from here on: open the monitor first, and then read
 * the VMs, to miss nothing.
 */
struct kvmgov_monitor *kvmgov_monitor_open(struct kvmgov_error *err);
void kvmgov_monitor_close(struct kvmgov_monitor *monitor);

/* For poll(); readable when kvmgov_monitor_next() may have something. */
int kvmgov_monitor_fd(const struct kvmgov_monitor *monitor);

/*
 * Take the next event, without waiting: 1 and an event in *@event that the
 * caller frees, 0 for none now, -1 on error.
 */
int kvmgov_monitor_next(struct kvmgov_monitor *monitor, struct kvmgov_event **event,
			struct kvmgov_error *err);

enum kvmgov_event_type kvmgov_event_type(const struct kvmgov_event *event);
/*
 * The VM, living as long as the event; NULL for KVMGOV_EVENT_LOST and _UNLOAD. Of
 * that of KVMGOV_EVENT_UNGOVERNED only the pid and the comm are known.
 */
const struct kvmgov_vm *kvmgov_event_vm(const struct kvmgov_event *event);
void kvmgov_event_free(struct kvmgov_event *event);

#ifdef __cplusplus
}
#endif

#endif /* _KVMGOV_KVMGOV_H */
