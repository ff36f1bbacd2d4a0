// SPDX-License-Identifier: GPL-2.0-only
/*
 * trace: kvmgov's tracepoints tell of what its figures tell.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "gov.h"
#include "test.h"

#define TRACEFS	 "/sys/kernel/tracing/"
#define PATIENCE (60 * NS_PER_S)

static long holds = 30;

static const struct test_option options[] = { { "holds", &holds, "holds to wait for" }, {} };

static int trace_write(const char *file, const char *text)
{
	char path[128];
	int fd, err;

	snprintf(path, sizeof(path), TRACEFS "%s", file);
	fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	err = write(fd, text, strlen(text)) < 0 ? -errno : 0;
	close(fd);
	return err;
}

static void trace_set(const char *file, const char *text)
{
	int err = trace_write(file, text);

	NEED(!err, "%s: %s", file, strerror(-err));
}

/**
 * struct seen - what the trace tells of one VM
 * @attached:	vCPUs attached
 * @process:	the VM's process
 * @changes:	changes
 * @quota_us:	the limit that was set last
 * @held:	holds for the quota that began
 * @paused:	holds because the VM is frozen that began
 * @released:	holds that ended
 * @held_ns:	their time
 * @ended:	ends of the VM
 * @late:	what comes after its end
 */
struct seen {
	int attached;
	int process;
	int changes;
	int64_t quota_us;
	uint64_t held;
	uint64_t paused;
	uint64_t released;
	uint64_t held_ns;
	int ended;
	int late;
};

/* The number that follows @key in @line. */
static int64_t field(const char *line, const char *key)
{
	const char *at = strstr(line, key);

	NEED(at, "no '%s' in: %s", key, line);
	return strtoll(at + strlen(key), NULL, 10);
}

static void look_at(struct seen *seen, const char *line)
{
	seen->late += seen->ended;
	if (strstr(line, "kvmgov_attach:")) {
		seen->attached++;
		seen->process = field(line, "process ");
	} else if (strstr(line, "kvmgov_change:")) {
		seen->changes++;
		seen->quota_us = field(line, "quota_us ");
	} else if (strstr(line, "kvmgov_hold:")) {
		seen->held += !!strstr(line, "state held_cpu");
		seen->paused += !!strstr(line, "state paused");
	} else if (strstr(line, "kvmgov_release:")) {
		seen->released++;
		seen->held_ns += field(line, "held_ns ");
	} else if (strstr(line, "kvmgov_end:")) {
		seen->ended++;
	}
}

static void read_trace(struct seen *seen, uint64_t id)
{
	FILE *file = fopen(TRACEFS "trace", "re");
	char line[512], vm[32];

	NEED(file, "%s", strerror(errno));
	memset(seen, 0, sizeof(*seen));
	snprintf(vm, sizeof(vm), ": vm %" PRIu64 " ", id);
	while (fgets(line, sizeof(line), file))
		if (strstr(line, vm))
			look_at(seen, line);
	fclose(file);
}

static uint64_t figure(uint64_t id, const char *name)
{
	return gov_u64("vms/%" PRIu64 "/%s", id, name);
}

static void live(uint64_t *id, uint64_t *nr_held, uint64_t *held_ns)
{
	const struct vmm_opts opts = { .nr_vcpus = 1, .mode = VMM_SPIN };
	struct vmm *vmm = gov_start(&opts, id);
	uint64_t vm = *id;

	gov_set(vm, 5000, 20000);
	NEED(POLL(PATIENCE, figure(vm, "cpu/nr_held") > (uint64_t)holds), "it is not held");
	gov_set(vm, GOV_NONE, 20000);
	gov_write("frozen", "vms/%" PRIu64 "/state", vm);
	NEED(POLL(PATIENCE, figure(vm, "ledger/paused_ns") > 20 * NS_PER_MS), "it is not frozen");
	gov_write("running", "vms/%" PRIu64 "/state", vm);
	vmm_stop(vmm);
	*nr_held = figure(vm, "cpu/nr_held");
	*held_ns = figure(vm, "cpu/held_ns") + figure(vm, "ledger/paused_ns");
	gov_end(vmm);
	gov_must_vanish(vm, "its end");
}

static void told(const void *arg)
{
	uint64_t id, nr_held, held_ns;
	struct seen seen;

	(void)arg;
	gov_need();
	trace_set("trace", "");
	trace_set("events/kvmgov/enable", "1");
	live(&id, &nr_held, &held_ns);
	trace_set("events/kvmgov/enable", "0");
	read_trace(&seen, id);

	CHECK(seen.attached == 1 && seen.process == getpid(), "attached %d times, process %d",
	      seen.attached, seen.process);
	/* Two of each limit, quota and period, and two of the state. */
	CHECK(seen.changes == 6 && seen.quota_us == -1, "%d changes, quota %" PRIi64, seen.changes,
	      seen.quota_us);
	/* A hold that goes on, for other limits, is told of again. */
	CHECK(seen.held >= nr_held && seen.held <= nr_held + 2, "%" PRIu64 " holds, of %" PRIu64,
	      seen.held, nr_held);
	CHECK(seen.paused >= 1, "never frozen");
	CHECK(seen.released && seen.released <= seen.held + seen.paused,
	      "%" PRIu64 " releases of %" PRIu64 " holds", seen.released, seen.held + seen.paused);
	CHECK(seen.held_ns >= held_ns - held_ns / 20 && seen.held_ns <= held_ns + held_ns / 20,
	      "held for %.3f ms, of %.3f", seen.held_ns / 1e6, held_ns / 1e6);
	CHECK(seen.ended == 1 && !seen.late, "%d ends, %d events after it", seen.ended, seen.late);
	gov_no_leak();
}

/* Whoever listens keeps the module; it can go when nobody does. */
static void unloaded(const void *arg)
{
	int err;

	(void)arg;
	gov_need();
	trace_set("events/kvmgov/enable", "1");
	trace_set("events/kvmgov/enable", "0");
	err = gov_unload();
	CHECK(!err, "it cannot be unloaded: %s", strerror(-err));
	CHECK(trace_write("events/kvmgov/enable", "1") == -ENOENT, "its events are left behind");
	trace_set("trace", "");
}

static const struct test_case cases[] = {
	{ "the tracepoints tell what the figures tell", told, NULL },
	{ "they go with the module", unloaded, NULL },
};

int main(int argc, char **argv)
{
	test_init(argc, argv, options);
	test_main(cases, ARRAY_SIZE(cases));
}
