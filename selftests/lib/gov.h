/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The module as a test sees it: loading, sysfs, and finding VMs there.
 *
 * Paths are relative to /sys/kernel/kvmgov and made from a format.
 */
#ifndef LIB_GOV_H
#define LIB_GOV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "vmm.h"

#define GOV_ROOT    "/sys/kernel/kvmgov"
#define GOV_NONE    UINT64_MAX /* "max" */
#define GOV_MAX_VMS 1024

#define PRINTF(a, b) __attribute__((format(printf, a, b)))

bool gov_loaded(void);

/* Load or unload kvmgov.ko; 0 or a negative errno. */
int gov_load(void);
int gov_unload(void);

/* Load or unload one of the tests' own modules, or end the case. */
void gov_kmod_load(const char *name);
void gov_kmod_unload(const char *name);

/* The same until the case ends, however it does. */
void gov_kmod_borrow(const char *name);

/* The module must be there: load it, or end the case. */
void gov_need(void);

/* Text of a file without the newline; 0 or a negative errno. */
int gov_read(char *buf, size_t size, const char *fmt, ...) PRINTF(3, 4);

/* A number, or GOV_NONE for "max"; ends the case where there is none. */
uint64_t gov_u64(const char *fmt, ...) PRINTF(1, 2);

/* 0 or a negative errno. */
int gov_write(const char *text, const char *fmt, ...) PRINTF(2, 3);
int gov_write_raw(const void *data, size_t len, const char *fmt, ...) PRINTF(3, 4);

/* A number, or "max" for GOV_NONE; ends the case where it is refused. */
void gov_must_write(uint64_t value, const char *fmt, ...) PRINTF(2, 3);

bool gov_exists(const char *fmt, ...) PRINTF(1, 2);

/* Ids of all VMs, ascending; how many. */
size_t gov_vms(uint64_t *ids, size_t max);

/* Id of the VM, once it is published and a vCPU of it has run; ends the case
 * when that takes too long.
 */
uint64_t gov_find(const struct vmm *vmm);

/* Id of the VM that a process runs; 0 when there is none. */
uint64_t gov_find_pid(pid_t pid);

/* Whether a VM is not there any more. */
bool gov_gone(uint64_t id);

/* Wait until it is; the case fails if that does not come. @how: why it should. */
void gov_must_vanish(uint64_t id, const char *how);

/* Set a VM's limit; ends the case on an error. */
void gov_set(uint64_t id, uint64_t quota_us, uint64_t period_us);

/* Set what new VMs are born under. */
void gov_set_defaults(uint64_t quota_us, uint64_t period_us);

/* Wait until every VM and vCPU ever made is gone and no callback is pending;
 * the case fails if that does not come.
 */
void gov_no_leak(void);

/*
 * Make a VM and run it, in this process or in a child; ends the case on an
 * error. A VM that has not been given to gov_end() or gov_kill() when the case
 * ends is ended then, and the defaults are put back.
 */
struct vmm *gov_launch(const struct vmm_opts *opts);
struct vmm *gov_fork(const struct vmm_opts *opts);

/* The same as gov_launch(), with the module loaded and the VM's id in @id. */
struct vmm *gov_start(const struct vmm_opts *opts, uint64_t *id);

/* Made, but without threads. */
struct vmm *gov_create(const struct vmm_opts *opts);

void gov_end(struct vmm *vmm);
void gov_kill(struct vmm *vmm);

/* Rounds of work per second of CPU time; the VM must run without a limit. */
double gov_work_rate(const struct vmm *vmm);

/*
 * Measure the CPU time of this process's other threads, which do little but run
 * vCPUs, for @seconds, with @meanwhile called again and again unless it is NULL.
 * The case fails if it is not about @may percent of a CPU.
 */
void gov_within_limit(const char *what, double may, long seconds, void (*meanwhile)(void *arg),
		      void *arg);

/* Wait until a VM stands still; ends the case when it does not. */
void gov_wait_still(const struct vmm *vmm);

/* No vCPU has seen anything but what it must. */
void gov_check_vmm(const struct vmm *vmm);

/* CPUs that this machine has. */
int gov_cpus(void);

#endif
