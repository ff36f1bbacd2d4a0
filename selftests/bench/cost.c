// SPDX-License-Identifier: GPL-2.0-only
/*
 * cost: what an exit and the entry after it cost with nothing attached to them,
 * and with each of those that "peer" attaches, in one boot and with the same
 * guests.
 *
 * To be run where an instruction is a ns and a tick of the TSC.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <sys/wait.h>
#include <unistd.h>

#include "figures.h"
#include "roundtrip.h"
#include "test.h"

/* Where "gate" has its pipes. */
#define READY_FD 8
#define DONE_FD	 9

static long batches = 21;
static long exits = 500;

static const struct test_option options[] = { { "batches", &batches, "batches to measure" },
					      { "exits", &exits, "exits in a batch" },
					      {} };

struct guest {
	const char *name;
	enum vmm_mode mode;
	struct vmm *vmm;
	double base;
};

static struct guest guests[] = {
	{ .name = "cpuid", .mode = VMM_BATCH },
	{ .name = "out-kernel", .mode = VMM_BATCH_EVENT },
	{ .name = "out-user", .mode = VMM_BATCH_OUT },
};

/**
 * struct peer - what is attached
 * @name:	as "peer" calls it
 * @counts:	it says how many exits it has seen
 * @must:	it is ours: that it cannot run is a failure
 */
struct peer {
	const char *name;
	bool counts;
	bool must;
};

static const struct peer peers[] = {
	{ .name = "probes", .must = true },
	{ .name = "kvmgov", .counts = true, .must = true },
	{ .name = "kvmgov-limit", .counts = true, .must = true },
	{ .name = "kvmgov-probes", .counts = true, .must = true },
	{ .name = "bpf", .counts = true },
	{ .name = "perf-stat", .counts = true },
	{ .name = "ftrace", .counts = true },
	{ .name = "perf-kvm-stat", .counts = true },
	{ .name = "bpftrace", .counts = true },
};

static void make_guests(void)
{
	struct vmm_opts opts = { .nr_vcpus = 1, .param = exits };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(guests); i++) {
		opts.mode = guests[i].mode;
		guests[i].vmm = vmm_create(&opts);
		NEED(guests[i].vmm, "cannot make a VM: %s", strerror(errno));
	}
}

static void measure(const char *item)
{
	char name[64];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(guests); i++) {
		struct guest *guest = &guests[i];
		struct roundtrip r = roundtrip_measure(guest->vmm, batches);

		if (!guest->base)
			guest->base = r.least;
		test_diag("%-14s %-10s %10.2f in all, added %9.2f, with all else %9.2f", item,
			  guest->name, r.least, r.least - guest->base, r.mean - guest->base);
		snprintf(name, sizeof(name), "%s.least", guest->name);
		figures_put("cost", item, name, r.least);
		snprintf(name, sizeof(name), "%s.mean", guest->name);
		figures_put("cost", item, name, r.mean);
	}
}

static void nothing(const void *arg)
{
	if (!guests[0].vmm)
		make_guests();
	measure(arg);
}

/**
 * struct running - a peer that runs
 * @pid:	its process
 * @ready:	says when it is attached
 * @done:	is closed to have it end
 * @log:	what it prints
 */
struct running {
	pid_t pid;
	int ready;
	int done;
	char log[PATH_MAX];
};

static void become_peer(const char *name, const struct running *running, int ready, int done)
{
	const char *top = getenv("KVMGOV_TOP");
	char program[PATH_MAX], gate[PATH_MAX];
	int log = open(running->log, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	snprintf(program, sizeof(program), "%s/selftests/bench/peer", top);
	snprintf(gate, sizeof(gate), "%s/selftests/bench/gate", top);
	if (log >= 0 && dup2(ready, READY_FD) >= 0 && dup2(done, DONE_FD) >= 0 &&
	    dup2(log, STDOUT_FILENO) >= 0 && dup2(log, STDERR_FILENO) >= 0)
		execl(program, program, name, gate, NULL);
	_exit(127);
}

/* False when it has ended without being attached. */
static bool attach(const struct peer *peer, struct running *running)
{
	const char *dir = getenv("KVMGOV_PEER_LOGS");
	int ready[2], done[2];
	char c;

	NEED(getenv("KVMGOV_TOP"), "KVMGOV_TOP is not set");
	NEED(!pipe2(ready, O_CLOEXEC) && !pipe2(done, O_CLOEXEC), "%s", strerror(errno));
	snprintf(running->log, sizeof(running->log), "%s/%s.log", dir ? dir : "/tmp", peer->name);
	fflush(stdout);
	running->pid = fork();
	NEED(running->pid >= 0, "%s", strerror(errno));
	if (!running->pid)
		become_peer(peer->name, running, ready[1], done[0]);
	close(ready[1]);
	close(done[0]);
	running->ready = ready[0];
	running->done = done[1];
	/* An end without that is the end of the file. */
	return read(running->ready, &c, 1) == 1;
}

/* Its exit status. */
static int detach(const struct running *running)
{
	int status;

	close(running->done);
	close(running->ready);
	NEED(waitpid(running->pid, &status, 0) == running->pid, "%s", strerror(errno));
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static uint64_t exits_seen(const struct running *running)
{
	FILE *file = fopen(running->log, "re");
	uint64_t seen = 0;
	char line[256];

	NEED(file, "%s: %s", running->log, strerror(errno));
	while (fgets(line, sizeof(line), file))
		sscanf(line, "seen %" SCNu64, &seen);
	fclose(file);
	return seen;
}

static void show(const struct running *running)
{
	FILE *file = fopen(running->log, "re");
	char line[256];

	while (file && fgets(line, sizeof(line), file)) {
		line[strcspn(line, "\n")] = '\0';
		test_diag("  %s", line);
	}
	if (file)
		fclose(file);
}

static void cannot(const struct peer *peer, const struct running *running, const char *why)
{
	show(running);
	if (peer->must)
		test_abort("%s", why);
	test_skip("%s", why);
}

static void beside(const void *arg)
{
	uint64_t seen, all = ARRAY_SIZE(guests) * batches * exits;
	const struct peer *peer = arg;
	struct running running = {};
	int status;

	NEED(guests[0].base, "not measured with nothing attached");
	if (!attach(peer, &running)) {
		status = detach(&running);
		test_diag("exit status %d", status);
		cannot(peer, &running, "it cannot be attached here");
	}
	measure(peer->name);
	status = detach(&running);
	if (!CHECK(!status, "exit status %d", status))
		show(&running);
	if (!peer->counts)
		return;
	seen = exits_seen(&running);
	test_diag("it has seen %" PRIu64 " exits of at least %" PRIu64, seen, all);
	if (!CHECK(seen >= all, "it was not attached all the time, or has lost some"))
		show(&running);
}

/* What was measured first is still true, or the figures between mean nothing. */
static void the_same(const void *arg)
{
	struct roundtrip r;
	size_t i;

	measure(arg);
	for (i = 0; i < ARRAY_SIZE(guests); i++) {
		r = roundtrip_measure(guests[i].vmm, batches);
		CHECK(r.least - guests[i].base <= 1 && guests[i].base - r.least <= 1,
		      "%s: %.2f, at first %.2f", guests[i].name, r.least, guests[i].base);
	}
}

int main(int argc, char **argv)
{
	struct test_case cases[ARRAY_SIZE(peers) + 2] = {
		{ "nothing attached", nothing, "nothing" },
	};
	size_t i, nr = 1;

	test_init(argc, argv, options);
	for (i = 0; i < ARRAY_SIZE(peers); i++)
		cases[nr++] = (struct test_case){ peers[i].name, beside, &peers[i] };
	cases[nr++] = (struct test_case){ "nothing attached, again", the_same, "nothing-again" };
	test_main(cases, nr);
}
