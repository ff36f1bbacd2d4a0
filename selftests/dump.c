// SPDX-License-Identifier: GPL-2.0-only
/*
 * dump: instructions that it takes to read all figures of all VMs in one dump,
 * beside what users have today: two files of a cgroup for each VM, and KVM's
 * statistics of each vCPU. All are only read, not parsed.
 *
 * To be run where an instruction is a ns (QEMU's instruction counting, 2^0 ns
 * each).
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/kvm.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cgroup.h"
#include "figures.h"
#include "gov.h"
#include "nl.h"
#include "test.h"

#define CGROUPS	 "/sys/fs/cgroup/kvmgov-dump"
#define MAX_VMS	 1000
#define PATIENCE (120 * NS_PER_S)

static long vms = 1000;
static long rounds = 5;
static long allowed = 1000;

static const struct test_option options[] = { { "vms", &vms, "VMs of one vCPU" },
					      { "rounds", &rounds, "the quickest of so many" },
					      { "allowed", &allowed,
						"allowed instructions per VM" },
					      {} };

static struct vmm *vmm[MAX_VMS];
static int stats[MAX_VMS];
static int files[MAX_VMS][2];
static const char *const names[2] = { "cpu.stat", "memory.current" };
static char buffer[NL_BUFFER];

/* ---- ways to read; each reads of all VMs what there is, and says how much ---- */

static struct link asker;

/* As of the others, what comes is not looked at, but for where it ends. */
static size_t read_dump(void)
{
	const struct nlmsghdr *nlh;
	ssize_t n, left;
	size_t size = 0;
	long nr = 0;

	send_message(&asker, message(&asker, GET, NLM_F_DUMP));
	do {
		n = recv(asker.fd, buffer, sizeof(buffer), 0);
		NEED(n > 0, "%s", strerror(errno));
		size += n;
		nlh = (const struct nlmsghdr *)buffer;
		for (left = n; NLMSG_OK(nlh, left) && nlh->nlmsg_type != NLMSG_DONE; nr++)
			nlh = NLMSG_NEXT(nlh, left);
	} while (!NLMSG_OK(nlh, left));
	NEED(nr == vms, "%ld VMs", nr);
	return size;
}

static size_t read_fd(int fd)
{
	ssize_t n = pread(fd, buffer, sizeof(buffer), 0);

	NEED(n > 0, "%s", strerror(errno));
	return n;
}

static size_t read_kept(void)
{
	size_t size = 0;
	long i;

	for (i = 0; i < vms; i++)
		size += read_fd(files[i][0]) + read_fd(files[i][1]);
	return size;
}

static size_t read_opened(void)
{
	size_t size = 0;
	char path[96];
	long i, k;

	for (i = 0; i < vms; i++) {
		for (k = 0; k < 2; k++) {
			int fd;

			snprintf(path, sizeof(path), CGROUPS "/%ld/%s", i, names[k]);
			fd = open(path, O_RDONLY | O_CLOEXEC);
			NEED(fd >= 0, "%s: %s", path, strerror(errno));
			size += read_fd(fd);
			close(fd);
		}
	}
	return size;
}

static size_t read_stats(void)
{
	size_t size = 0;
	long i;

	for (i = 0; i < vms; i++)
		size += read_fd(stats[i]);
	return size;
}

static const struct way {
	const char *item;
	const char *name;
	size_t (*read)(void);
} ways[] = {
	{ "kvmgov", "kvmgov: one dump", read_dump },
	{ "cgroup-kept", "cgroup: cpu.stat, memory.current, kept open", read_kept },
	{ "cgroup-opened", "cgroup: the same, opened each time", read_opened },
	{ "kvm-stats", "KVM: vCPU statistics, kept open", read_stats },
};

static double cost[ARRAY_SIZE(ways)];

static void measure_way(size_t n)
{
	int64_t least = INT64_MAX, start, took;
	size_t size = 0;
	long i;

	for (i = 0; i < rounds + 1; i++) {
		start = test_now();
		size = ways[n].read();
		took = test_now() - start;
		if (i && took < least)
			least = took;
	}
	cost[n] = (double)least / vms;
	test_diag("%-46s %9.1f instructions, %6.1f bytes", ways[n].name, cost[n],
		  (double)size / vms);
	figures_put("dump", ways[n].item, "instructions", cost[n]);
	figures_put("dump", ways[n].item, "bytes", (double)size / vms);
}

/* ---- what is read ---- */

static void make_cgroup(long i)
{
	char path[96];
	int k;

	snprintf(path, sizeof(path), CGROUPS "/%ld", i);
	NEED(!mkdir(path, 0755), "%s: %s", path, strerror(errno));
	for (k = 0; k < 2; k++) {
		snprintf(path, sizeof(path), CGROUPS "/%ld/%s", i, names[k]);
		files[i][k] = open(path, O_RDONLY | O_CLOEXEC);
		NEED(files[i][k] >= 0, "%s: %s", path, strerror(errno));
	}
}

static void remove_cgroups(void)
{
	char path[96];
	long i;

	for (i = 0; i < vms; i++) {
		close(stats[i]);
		close(files[i][0]);
		close(files[i][1]);
		snprintf(path, sizeof(path), CGROUPS "/%ld", i);
		CHECK(!rmdir(path), "%s: %s", path, strerror(errno));
	}
	CHECK(!rmdir(CGROUPS), "%s", strerror(errno));
}

static void make_all(void)
{
	const struct vmm_opts opts = { .nr_vcpus = 1, .mode = VMM_PARK };
	const struct rlimit limit = { 16384, 16384 };
	long i;

	NEED(!setrlimit(RLIMIT_NOFILE, &limit), "%s", strerror(errno));
	NEED(!mkdir(CGROUPS, 0755) && cgroup_put(CGROUPS "/cgroup.subtree_control", "+cpu +memory"),
	     "no cgroups: %s", strerror(errno));
	for (i = 0; i < vms; i++) {
		vmm[i] = gov_launch(&opts);
		stats[i] = ioctl(vmm[i]->vcpu[0].fd, KVM_GET_STATS_FD, NULL);
		NEED(stats[i] >= 0, "KVM_GET_STATS_FD: %s", strerror(errno));
		make_cgroup(i);
	}
	NEED(POLL(PATIENCE, gov_u64("stats/vcpus_created") - gov_u64("stats/vcpus_destroyed") ==
				    (uint64_t)vms),
	     "not all are governed");
}

static void measure(const void *arg)
{
	size_t n;

	(void)arg;
	NEED(vms > 0 && vms <= MAX_VMS, "--vms");
	gov_need();
	need_link(&asker);
	make_all();
	test_diag("per VM, of %ld with one vCPU each, the quickest of %ld rounds", vms, rounds);
	figures_put("dump", "all", "vms", vms);
	for (n = 0; n < ARRAY_SIZE(ways); n++)
		measure_way(n);
	link_close(&asker);
	remove_cgroups();
}

static void bounded(const void *arg)
{
	size_t n;

	(void)arg;
	NEED(cost[0] > 0, "not measured");
	CHECK(cost[0] <= allowed, "%.1f instructions per VM", cost[0]);
	for (n = 1; n < ARRAY_SIZE(ways); n++)
		CHECK(cost[0] < cost[n], "%s takes %.1f", ways[n].name, cost[n]);
}

static const struct test_case cases[] = {
	{ "all figures of all VMs can be read", measure, NULL },
	{ "one dump is cheap, beside files and statistics", bounded, NULL },
};

int main(int argc, char **argv)
{
	test_init(argc, argv, options);
	test_main(cases, ARRAY_SIZE(cases));
}
