// SPDX-License-Identifier: GPL-2.0-only
#define _GNU_SOURCE
#include "gov.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "test.h"

/* Publishing is asynchronous, and a test may find itself on a busy machine. */
#define PATIENCE (30 * NS_PER_S)

/* VMs of the present case. */
static struct vmm *living[GOV_MAX_VMS];
static size_t nr_living;

static void make_path(char *path, const char *fmt, va_list args)
{
	int n = snprintf(path, PATH_MAX, "%s/", GOV_ROOT);

	vsnprintf(path + n, PATH_MAX - n, fmt, args);
}

bool gov_loaded(void)
{
	return !access("/sys/module/kvmgov", F_OK);
}

static int load_file(const char *file)
{
	int fd, err = 0;

	fd = open(file, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (syscall(SYS_finit_module, fd, "", 0))
		err = -errno;
	close(fd);
	return err;
}

int gov_load(void)
{
	const char *file = getenv("KVMGOV_MODULE");

	return file ? load_file(file) : -ENOENT;
}

int gov_unload(void)
{
	return syscall(SYS_delete_module, "kvmgov", O_NONBLOCK) ? -errno : 0;
}

void gov_kmod_load(const char *name)
{
	const char *dir = getenv("KVMGOV_KMOD");
	char file[PATH_MAX];
	int err;

	NEED(dir, "KVMGOV_KMOD says not where the tests' modules are");
	snprintf(file, sizeof(file), "%s/%s.ko", dir, name);
	err = load_file(file);
	NEED(!err, "cannot load %s: %s", file, strerror(-err));
}

void gov_kmod_unload(const char *name)
{
	NEED(!syscall(SYS_delete_module, name, O_NONBLOCK), "cannot unload %s: %s", name,
	     strerror(errno));
}

void gov_need(void)
{
	int err;

	if (gov_loaded())
		return;
	err = gov_load();
	if (err)
		test_abort("cannot load the module: %s (KVMGOV_MODULE=%s)", strerror(-err),
			   getenv("KVMGOV_MODULE"));
}

static int read_text(const char *path, char *buf, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;
	int err;

	buf[0] = '\0';
	if (fd < 0)
		return -errno;
	n = read(fd, buf, size - 1);
	err = n < 0 ? -errno : 0;
	close(fd);
	if (err)
		return err;
	buf[n] = '\0';
	if (n && buf[n - 1] == '\n')
		buf[n - 1] = '\0';
	return 0;
}

int gov_read(char *buf, size_t size, const char *fmt, ...)
{
	char path[PATH_MAX];
	va_list args;

	va_start(args, fmt);
	make_path(path, fmt, args);
	va_end(args);
	return read_text(path, buf, size);
}

uint64_t gov_u64(const char *fmt, ...)
{
	char path[PATH_MAX], text[64], *rest;
	va_list args;
	uint64_t value;
	int err;

	va_start(args, fmt);
	make_path(path, fmt, args);
	va_end(args);
	err = read_text(path, text, sizeof(text));
	if (err)
		test_abort("%s: %s", path, strerror(-err));
	if (!strcmp(text, "max"))
		return GOV_NONE;
	value = strtoull(text, &rest, 10);
	if (!*text || *rest)
		test_abort("%s: '%s' is not a number", path, text);
	return value;
}

static int write_path(const char *path, const void *data, size_t len)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	int err = 0;
	ssize_t n;

	if (fd < 0)
		return -errno;
	n = write(fd, data, len);
	if (n < 0)
		err = -errno;
	else if ((size_t)n != len)
		err = -EIO;
	close(fd);
	return err;
}

int gov_write(const char *text, const char *fmt, ...)
{
	char path[PATH_MAX];
	va_list args;

	va_start(args, fmt);
	make_path(path, fmt, args);
	va_end(args);
	return write_path(path, text, strlen(text));
}

int gov_write_raw(const void *data, size_t len, const char *fmt, ...)
{
	char path[PATH_MAX];
	va_list args;

	va_start(args, fmt);
	make_path(path, fmt, args);
	va_end(args);
	return write_path(path, data, len);
}

bool gov_exists(const char *fmt, ...)
{
	char path[PATH_MAX];
	va_list args;

	va_start(args, fmt);
	make_path(path, fmt, args);
	va_end(args);
	return !access(path, F_OK);
}

bool gov_gone(uint64_t id)
{
	return !gov_exists("vms/%" PRIu64, id);
}

void gov_must_vanish(uint64_t id, const char *how)
{
	int64_t start = test_now();

	CHECK(POLL(PATIENCE, gov_gone(id)), "vms/%" PRIu64 " survives %s", id, how);
	test_diag("after %s: vanished within %.1f ms", how, (test_now() - start) / 1e6);
}

static int compare_ids(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

size_t gov_vms(uint64_t *ids, size_t max)
{
	DIR *dir = opendir(GOV_ROOT "/vms");
	struct dirent *entry;
	size_t nr = 0;

	if (!dir)
		return 0;
	while (nr < max && (entry = readdir(dir)))
		if (entry->d_name[0] != '.')
			ids[nr++] = strtoull(entry->d_name, NULL, 10);
	closedir(dir);
	qsort(ids, nr, sizeof(*ids), compare_ids);
	return nr;
}

static bool reads(uint64_t value, const char *fmt, ...)
{
	char path[PATH_MAX], text[64];
	va_list args;

	va_start(args, fmt);
	make_path(path, fmt, args);
	va_end(args);
	return !read_text(path, text, sizeof(text)) && strtoull(text, NULL, 10) == value;
}

uint64_t gov_find_pid(pid_t pid)
{
	uint64_t ids[GOV_MAX_VMS];
	size_t i, nr = gov_vms(ids, GOV_MAX_VMS);

	for (i = 0; i < nr; i++)
		/* What is below appears after the directory itself. */
		if (reads(pid, "vms/%" PRIu64 "/pid", ids[i]) &&
		    gov_exists("vms/%" PRIu64 "/vcpus/0/tid", ids[i]))
			return ids[i];
	return 0;
}

/* A process may run many VMs; a thread runs one vCPU. */
static uint64_t find_by_thread(const struct vmm *vmm)
{
	uint64_t ids[GOV_MAX_VMS];
	size_t i, nr = gov_vms(ids, GOV_MAX_VMS);
	pid_t tid = vmm->vcpu[0].tid;

	for (i = nr; tid && i--;)
		if (reads(vmm->pid, "vms/%" PRIu64 "/pid", ids[i]) &&
		    reads(tid, "vms/%" PRIu64 "/vcpus/0/tid", ids[i]))
			return ids[i];
	return 0;
}

uint64_t gov_find(const struct vmm *vmm)
{
	uint64_t id = 0;

	if (!POLL(PATIENCE, (id = find_by_thread(vmm)) != 0))
		test_abort("VM of process %d, thread %d is not published", vmm->pid,
			   vmm->vcpu[0].tid);
	return id;
}

void gov_must_write(uint64_t value, const char *fmt, ...)
{
	char path[PATH_MAX], text[32] = "max";
	va_list args;
	int err;

	if (value != GOV_NONE)
		snprintf(text, sizeof(text), "%" PRIu64, value);
	va_start(args, fmt);
	make_path(path, fmt, args);
	va_end(args);
	err = write_path(path, text, strlen(text));
	if (err)
		test_abort("%s: writing '%s': %s", path, text, strerror(-err));
}

void gov_set(uint64_t id, uint64_t quota_us, uint64_t period_us)
{
	gov_must_write(period_us, "vms/%" PRIu64 "/cpu/period_us", id);
	gov_must_write(quota_us, "vms/%" PRIu64 "/cpu/quota_us", id);
}

void gov_set_defaults(uint64_t quota_us, uint64_t period_us)
{
	gov_must_write(period_us, "defaults/cpu/period_us");
	gov_must_write(quota_us, "defaults/cpu/quota_us");
}

void gov_no_leak(void)
{
	static const char *const pairs[][2] = {
		{ "stats/vms_created", "stats/vms_destroyed" },
		{ "stats/vcpus_created", "stats/vcpus_destroyed" },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(pairs); i++)
		CHECK(POLL(PATIENCE, gov_u64("%s", pairs[i][0]) == gov_u64("%s", pairs[i][1])),
		      "%s %" PRIu64 ", %s %" PRIu64, pairs[i][0], gov_u64("%s", pairs[i][0]),
		      pairs[i][1], gov_u64("%s", pairs[i][1]));
	CHECK(POLL(PATIENCE, !gov_u64("stats/callbacks_pending")), "callbacks_pending %" PRIu64,
	      gov_u64("stats/callbacks_pending"));
	CHECK(!gov_u64("stats/ungoverned"), "ungoverned %" PRIu64, gov_u64("stats/ungoverned"));
}

/* One of the tests' modules that goes with the case. */
static const char *borrowed;

static void forget(const struct vmm *vmm)
{
	size_t i;

	for (i = 0; i < nr_living; i++)
		if (living[i] == vmm)
			living[i] = living[--nr_living];
}

static void clean_up(void)
{
	if (borrowed)
		gov_kmod_unload(borrowed);
	borrowed = NULL;
	while (nr_living)
		vmm_destroy(living[--nr_living]);
	if (!gov_loaded())
		return;
	gov_write("max", "defaults/cpu/quota_us");
	gov_write("100000", "defaults/cpu/period_us");
	gov_write("0", "defaults/cpu/credit_max_us");
}

void gov_kmod_borrow(const char *name)
{
	test_after_case(clean_up);
	gov_kmod_load(name);
	borrowed = name;
}

static struct vmm *remember(struct vmm *vmm)
{
	if (!vmm)
		test_abort("cannot make a VM: %s", strerror(errno));
	test_after_case(clean_up);
	if (nr_living == GOV_MAX_VMS)
		test_abort("too many VMs");
	living[nr_living++] = vmm;
	return vmm;
}

struct vmm *gov_create(const struct vmm_opts *opts)
{
	return remember(vmm_create(opts));
}

struct vmm *gov_launch(const struct vmm_opts *opts)
{
	return remember(vmm_launch(opts));
}

struct vmm *gov_start(const struct vmm_opts *opts, uint64_t *id)
{
	struct vmm *vmm;

	gov_need();
	vmm = gov_launch(opts);
	*id = gov_find(vmm);
	return vmm;
}

struct vmm *gov_fork(const struct vmm_opts *opts)
{
	fflush(stdout);
	return remember(vmm_fork(opts));
}

void gov_end(struct vmm *vmm)
{
	forget(vmm);
	vmm_destroy(vmm);
}

void gov_kill(struct vmm *vmm)
{
	forget(vmm);
	vmm_kill(vmm);
}

double gov_work_rate(const struct vmm *vmm)
{
	uint64_t cpu, work;

	NEED(POLL(PATIENCE, vmm_total_work(vmm)), "the guest does not work");
	cpu = vmm_cpu_ns(vmm);
	work = vmm_total_work(vmm);
	test_sleep(300 * NS_PER_MS);
	work = vmm_total_work(vmm) - work;
	cpu = vmm_cpu_ns(vmm) - cpu;
	NEED(work && cpu, "the guest does not work");
	return work * 1e9 / cpu;
}

static double measure(long seconds, void (*meanwhile)(void *arg), void *arg)
{
	int64_t begin, cpu;

	/* What is owed from before is paid. */
	test_sleep(500 * NS_PER_MS);
	begin = test_now();
	cpu = test_others_cpu();
	while (test_now() - begin < seconds * NS_PER_S) {
		test_sleep(5 * NS_PER_MS);
		if (meanwhile)
			meanwhile(arg);
	}
	return 100.0 * (test_others_cpu() - cpu) / (test_now() - begin);
}

/*
 * What is asked may be exceeded by what the threads do beside, and by a period's
 * worth at either edge. A busy machine makes it look worse than it is, now and
 * then; never better.
 */
void gov_within_limit(const char *what, double may, long seconds, void (*meanwhile)(void *arg),
		      void *arg)
{
	int tries = 5;
	double got;

	do {
		got = measure(seconds, meanwhile, arg);
		test_diag("%s: may use %.0f %%, used %.1f %%", what, may, got);
	} while ((got > may + 15 || got < may / 4) && --tries);
	CHECK(tries, "%s: used %.1f %%", what, got);
}

static bool still(const struct vmm *vmm)
{
	uint64_t before = vmm_total_work(vmm);

	test_sleep(30 * NS_PER_MS);
	return vmm_total_work(vmm) == before;
}

void gov_wait_still(const struct vmm *vmm)
{
	NEED(POLL(PATIENCE, still(vmm)), "the guest is not held");
}

void gov_check_vmm(const struct vmm *vmm)
{
	unsigned int i;

	for (i = 0; i < vmm->opts.nr_vcpus; i++) {
		const struct vmm_vcpu *vcpu = &vmm->vcpu[i];

		CHECK(!vcpu->error, "vCPU %u: %s, exit reason %u (%u)", i, strerror(vcpu->error),
		      vcpu->reason, vcpu->detail);
	}
}

int gov_cpus(void)
{
	return sysconf(_SC_NPROCESSORS_ONLN);
}
