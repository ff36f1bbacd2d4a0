// SPDX-License-Identifier: GPL-2.0-only
/*
 * records: what remains of a VM that has ended, as an event and in the ring of
 * final records: complete, and no VM without being counted.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "counts.h"
#include "gov.h"
#include "test.h"

#define PARAMETER "../../module/kvmgov/parameters/records"
#define PATIENCE  (60 * NS_PER_S)

static long vms = 200;
static long at_once = 4;
static long run_ms = 20;
static long keep = 50;

static const struct test_option options[] = { { "vms", &vms, "short VMs" },
					      { "at-once", &at_once, "so many at a time" },
					      { "run-ms", &run_ms, "CPU time that each uses" },
					      { "keep", &keep, "records that are kept of them" },
					      {} };

/**
 * struct record - the final record of a VM
 * @attrs:	its numbers, by attribute
 * @name:	name
 * @counts:	its exits
 */
struct record {
	uint64_t attrs[KVMGOV_A_VM_MAX + 1];
	char name[KVMGOV_NAME_MAX + 1];
	struct counts counts;
};

static void record_parse(struct record *record, const struct nlmsghdr *nlh)
{
	struct genlmsghdr *hdr = nlmsg_data(nlh);
	struct nlattr *attr;
	int rem;

	memset(record, 0, sizeof(*record));
	nla_for_each_attr (attr, genlmsg_attrdata(hdr, 0), genlmsg_attrlen(hdr, 0), rem) {
		int type = nla_type(attr);

		if (type == KVMGOV_A_VM_EXIT)
			counts_add(&record->counts, nla_data(attr), nla_len(attr));
		else if (type == KVMGOV_A_VM_NAME)
			snprintf(record->name, sizeof(record->name), "%s", nla_get_string(attr));
		else if (type <= KVMGOV_A_VM_MAX && (nla_len(attr) == 8 || nla_len(attr) == 4))
			record->attrs[type] = attr_number(attr);
	}
}

/**
 * struct ring - what the ring holds
 * @nr:		records
 * @last:	the latest
 * @wanted:	the VM that is looked for, or 0
 * @found:	its record
 * @there:	whether there is one
 * @usage_ns:	CPU time of all
 */
struct ring {
	uint64_t nr;
	struct record last;
	uint64_t wanted;
	struct record found;
	bool there;
	uint64_t usage_ns;
};

static void read_record(const struct nlmsghdr *nlh, void *arg)
{
	struct ring *ring = arg;
	uint64_t before = ring->last.attrs[KVMGOV_A_VM_ENDED_NS];

	record_parse(&ring->last, nlh);
	CHECK(ring->last.attrs[KVMGOV_A_VM_ENDED_NS] >= before, "not in the order of their ends");
	ring->nr++;
	ring->usage_ns += ring->last.attrs[KVMGOV_A_VM_USAGE_NS];
	if (ring->wanted && ring->wanted == ring->last.attrs[KVMGOV_A_VM_ID]) {
		CHECK(!ring->there, "two records of one VM");
		ring->there = true;
		ring->found = ring->last;
	}
}

static void ring_read(const struct link *link, struct ring *ring, uint64_t wanted)
{
	struct answer a;

	memset(ring, 0, sizeof(*ring));
	ring->wanted = wanted;
	a = ask(link, message(link, KVMGOV_CMD_HISTORY_GET, NLM_F_DUMP), read_record, ring);
	NEED(!a.error && !a.silent, "%s", a.text);
}

static bool ring_has(const struct link *link, struct ring *ring, uint64_t wanted)
{
	ring_read(link, ring, wanted);
	return ring->there;
}

static void keep_records(long nr)
{
	char text[24];
	int err;

	snprintf(text, sizeof(text), "%ld", nr);
	err = gov_write(text, PARAMETER);
	NEED(!err, "cannot keep %ld records: %s", nr, strerror(-err));
}

/* ---- one VM ---- */

static void hear(const struct link *events, struct record *record)
{
	static char buffer[NL_BUFFER];
	struct nlmsghdr *nlh = (struct nlmsghdr *)buffer;
	ssize_t n = 0;

	do {
		NEED(readable(events->fd, 20000), "no event");
		n = recv(events->fd, buffer, sizeof(buffer), 0);
		NEED(n > 0 && NLMSG_OK(nlh, n), "cannot read the event");
	} while (((struct genlmsghdr *)nlmsg_data(nlh))->cmd != KVMGOV_CMD_VM_END_NTF);
	record_parse(record, nlh);
}

/* What it has been seen to be, it still is. */
static void compare_counts(const struct counts *seen, const struct counts *record)
{
	size_t i;

	CHECK(record->nr >= 2 && record->nr == seen->nr, "%zu reasons, of %zu", record->nr,
	      seen->nr);
	for (i = 0; i < seen->nr; i++) {
		const struct reason *a = &seen->reasons[i];
		const struct reason *b = counts_find(record, a->name);

		CHECK(b->nr == a->nr && !memcmp(a->histogram, b->histogram, sizeof(a->histogram)),
		      "%s: %" PRIu64 " exits, of %" PRIu64, a->name, b->nr, a->nr);
		CHECK(b->total_ns >= a->total_ns && b->max_ns >= a->max_ns,
		      "%s: %" PRIu64 " ns, of %" PRIu64, a->name, b->total_ns, a->total_ns);
	}
}

static void check_record(const struct record *record, uint64_t nr_exits, uint64_t usage)
{
	static const int states[] = { KVMGOV_A_VM_GUEST_NS,    KVMGOV_A_VM_EXIT_NS,
				      KVMGOV_A_VM_VMM_NS,      KVMGOV_A_VM_HALT_NS,
				      KVMGOV_A_VM_POLL_NS,     KVMGOV_A_VM_READY_NS,
				      KVMGOV_A_VM_HELD_CPU_NS, KVMGOV_A_VM_HELD_MEM_NS,
				      KVMGOV_A_VM_PAUSED_NS };
	uint64_t sum = 0, age = record->attrs[KVMGOV_A_VM_AGE_NS];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(states); i++)
		sum += record->attrs[states[i]];
	/* It is a bit older than its first vCPU. */
	CHECK(sum <= age + NS_PER_MS && sum + age / 20 >= age, "states of %.3f ms in %.3f",
	      sum / 1e6, age / 1e6);
	CHECK(!strcmp(record->name, "short"), "its name is '%s'", record->name);
	CHECK(record->attrs[KVMGOV_A_VM_CPU_QUOTA_US] == 5000 &&
		      record->attrs[KVMGOV_A_VM_CPU_PERIOD_US] == 10000,
	      "a limit of %" PRIu64, record->attrs[KVMGOV_A_VM_CPU_QUOTA_US]);
	CHECK(record->attrs[KVMGOV_A_VM_NR_EXITS] == nr_exits, "%" PRIu64 " exits, of %" PRIu64,
	      record->attrs[KVMGOV_A_VM_NR_EXITS], nr_exits);
	CHECK(record->attrs[KVMGOV_A_VM_USAGE_NS] >= usage, "%" PRIu64 " ns used, of %" PRIu64,
	      record->attrs[KVMGOV_A_VM_USAGE_NS], usage);
	CHECK(record->attrs[KVMGOV_A_VM_HELD_CPU_NS], "it has never been held");
	CHECK(record->counts.sum == nr_exits, "%" PRIu64 " exits by reason, of %" PRIu64,
	      record->counts.sum, nr_exits);
}

static void complete(const void *arg)
{
	const struct vmm_opts opts = { .nr_vcpus = 1, .mode = VMM_MIX };
	static struct record event;
	static struct counts counts;
	static struct ring ring;
	struct link link, events;
	uint64_t id, nr_exits, usage;
	struct vmm *vmm;

	(void)arg;
	gov_need();
	need_link(&link);
	need_link(&events);
	NEED(!link_join(&events, KVMGOV_MCGRP_EVENTS), "cannot listen");
	vmm = gov_start(&opts, &id);
	NEED(!gov_write("short", "vms/%" PRIu64 "/name", id), "cannot name it");
	gov_set(id, 5000, 10000);
	NEED(POLL(PATIENCE, gov_u64("vms/%" PRIu64 "/cpu/nr_held", id) > 20), "it is not held");
	vmm_stop(vmm);
	counts_read(&counts, &link, id);
	nr_exits = gov_u64("vms/%" PRIu64 "/vcpus/0/nr_exits", id);
	usage = gov_u64("vms/%" PRIu64 "/cpu/usage_ns", id);
	ring_read(&link, &ring, id);
	CHECK(!ring.there, "a record of a VM that lives");
	gov_end(vmm);

	hear(&events, &event);
	/* It is in the ring before the event is out. */
	CHECK(ring_has(&link, &ring, id), "no record");
	CHECK(!memcmp(&event, &ring.found, sizeof(event)), "event and record differ");
	check_record(&ring.found, nr_exits, usage);
	compare_counts(&counts, &ring.found.counts);
	CHECK(gov_gone(id), "it is still there");
	link_close(&events);
	link_close(&link);
}

/* ---- the ring ---- */

static void short_life(void)
{
	const struct vmm_opts opts = { .nr_vcpus = 2, .mode = VMM_CPUID };
	uint64_t id;

	gov_end(gov_start(&opts, &id));
	gov_must_vanish(id, "its end");
}

/* Live through @nr VMs; what has been overwritten meanwhile. */
static uint64_t lives(const struct link *link, int nr)
{
	uint64_t before = info_u64(link, KVMGOV_A_INFO_RECORDS_OVERWRITTEN);

	while (nr--)
		short_life();
	return info_u64(link, KVMGOV_A_INFO_RECORDS_OVERWRITTEN) - before;
}

static void bounded(const void *arg)
{
	static const char *const bad[] = { "-1", "65537", "banana", "4294967296" };
	static struct ring ring;
	struct link link;
	uint64_t nr;
	size_t i;

	(void)arg;
	gov_need();
	need_link(&link);
	keep_records(0);
	lives(&link, 1);
	ring_read(&link, &ring, 0);
	CHECK(!ring.nr && !info_u64(&link, KVMGOV_A_INFO_RECORDS), "%" PRIu64 " records", ring.nr);
	keep_records(3);
	nr = lives(&link, 2);
	CHECK(!nr, "%" PRIu64 " overwritten of 2", nr);
	nr = lives(&link, 3);
	CHECK(nr == 2, "%" PRIu64 " overwritten of 5", nr);
	ring_read(&link, &ring, 0);
	CHECK(ring.nr == 3 && info_u64(&link, KVMGOV_A_INFO_RECORDS) == 3, "%" PRIu64 " records",
	      ring.nr);
	for (i = 0; i < ARRAY_SIZE(bad); i++)
		CHECK(gov_write(bad[i], PARAMETER), "'%s' is taken", bad[i]);
	CHECK(info_u64(&link, KVMGOV_A_INFO_RECORDS_MAX) == 3, "it has changed");
	keep_records(1);
	CHECK(lives(&link, 1) == 3, "not so many are overwritten");
	ring_read(&link, &ring, 0);
	CHECK(ring.nr == 1, "%" PRIu64 " records", ring.nr);
	keep_records(1024);
	link_close(&link);
}

/* ---- many ---- */

/**
 * struct share - CPU time of VMMs by rusage, in ns, in shared memory
 * @before:	before the vCPU's first entry
 * @governed:	when the VM was governed
 * @after:	after the vCPU's last entry
 */
struct share {
	int64_t before;
	int64_t governed;
	int64_t after;
};

static int64_t rusage_ns(const struct rusage *usage)
{
	return (usage->ru_utime.tv_sec + usage->ru_stime.tv_sec) * NS_PER_S +
	       (usage->ru_utime.tv_usec + usage->ru_stime.tv_usec) * NS_PER_US;
}

static int64_t rusage_self(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return rusage_ns(&usage);
}

/*
 * A VMM with one thread. A vCPU is governed from its second entry on, which
 * comes with the second exit to user space at the latest.
 */
static void short_vmm(void *arg)
{
	const struct vmm_opts opts = { .nr_vcpus = 1, .mode = VMM_OUT };
	struct share *share = arg;
	struct vmm *vmm;
	int i;

	vmm = vmm_create(&opts);
	if (!vmm)
		_exit(1);
	vmm_adopt(&vmm->vcpu[0]);
	share->before = rusage_self();
	for (i = 0; i < 4; i++)
		if (!vmm_run_once(&vmm->vcpu[0]))
			_exit(1);
	share->governed = rusage_self();
	do {
		if (!vmm_run_once(&vmm->vcpu[0]))
			_exit(1);
		share->after = rusage_self();
	} while (share->after - share->governed < run_ms * NS_PER_MS);
	_exit(0);
}

/**
 * struct sums - of all short VMMs
 * @shares:	what each has noted
 * @least:	CPU time that is the VMs' for certain
 * @most:	CPU time that may be
 */
struct sums {
	struct share *shares;
	int64_t least;
	int64_t most;
};

static void reap(struct sums *sums, const pid_t *pids, long nr)
{
	struct rusage usage;
	int status;
	long i;

	for (i = 0; i < nr; i++) {
		NEED(wait4(pids[i], &status, 0, &usage) == pids[i], "%s", strerror(errno));
		NEED(WIFEXITED(status) && !WEXITSTATUS(status), "a VMM failed: %#x", status);
		sums->least += sums->shares[i].after - sums->shares[i].governed;
		sums->most += rusage_ns(&usage) - sums->shares[i].before;
	}
}

/* All events heard so far: their number and the VMs' usage. */
static void hear_all(const struct link *events, struct ring *heard)
{
	static char buffer[NL_BUFFER];

	while (readable(events->fd, 0)) {
		struct nlmsghdr *nlh = (struct nlmsghdr *)buffer;
		ssize_t n = recv(events->fd, buffer, sizeof(buffer), 0);

		NEED(n > 0 && NLMSG_OK(nlh, n), "events are lost: %s", strerror(errno));
		if (((struct genlmsghdr *)nlmsg_data(nlh))->cmd == KVMGOV_CMD_VM_END_NTF)
			read_record(nlh, heard);
	}
}

static void run_vmms(const struct link *events, struct ring *heard, struct sums *sums)
{
	pid_t pids[64];
	size_t size = sizeof(*sums->shares) * ARRAY_SIZE(pids);
	long left, n, i;

	sums->shares = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	NEED(sums->shares != MAP_FAILED && at_once <= (long)ARRAY_SIZE(pids), "no memory");
	for (left = vms; left; left -= n) {
		n = left < at_once ? left : at_once;
		for (i = 0; i < n; i++) {
			pids[i] = test_fork(short_vmm, &sums->shares[i]);
			NEED(pids[i] > 0, "cannot fork");
		}
		reap(sums, pids, n);
		hear_all(events, heard);
	}
	munmap(sums->shares, size);
	NEED(POLL(PATIENCE, (hear_all(events, heard), heard->nr >= (uint64_t)vms)),
	     "%" PRIu64 " events of %ld", heard->nr, vms);
}

static void none_lost(const void *arg)
{
	static struct ring heard, ring;
	struct link link, events;
	struct sums sums = {};
	uint64_t before, lost, over;

	(void)arg;
	gov_need();
	need_link(&link);
	need_link(&events);
	NEED(!link_join(&events, KVMGOV_MCGRP_EVENTS), "cannot listen");
	memset(&heard, 0, sizeof(heard));
	before = info_u64(&link, KVMGOV_A_INFO_RECORDS) +
		 info_u64(&link, KVMGOV_A_INFO_RECORDS_OVERWRITTEN);
	lost = info_u64(&link, KVMGOV_A_INFO_RECORDS_LOST);
	keep_records(keep);
	run_vmms(&events, &heard, &sums);

	ring_read(&link, &ring, 0);
	over = info_u64(&link, KVMGOV_A_INFO_RECORDS_OVERWRITTEN);
	test_diag("%" PRIu64 " records and %" PRIu64 " overwritten, %" PRIu64 " before; %ld VMs",
		  ring.nr, over, before, vms);
	CHECK(ring.nr == (uint64_t)keep, "%" PRIu64 " records, not %ld", ring.nr, keep);
	CHECK(ring.nr + over - before == (uint64_t)vms, "%" PRIu64 " of %ld",
	      ring.nr + over - before, vms);
	CHECK(heard.nr == (uint64_t)vms, "%" PRIu64 " events of %ld VMs", heard.nr, vms);
	CHECK(info_u64(&link, KVMGOV_A_INFO_RECORDS_LOST) == lost, "records are lost");
	CHECK(!memcmp(&ring.last, &heard.last, sizeof(ring.last)), "the last record is another's");
	test_diag("usage %.3f ms; by rusage %.3f at least, %.3f at most", heard.usage_ns / 1e6,
		  sums.least / 1e6, sums.most / 1e6);
	CHECK((int64_t)heard.usage_ns >= sums.least && (int64_t)heard.usage_ns <= sums.most,
	      "the usage is not that of the VMMs");
	keep_records(1024);
	gov_no_leak();
	link_close(&events);
	link_close(&link);
}

static const struct test_case cases[] = {
	{ "the record of a VM is complete, as an event and in the ring", complete, NULL },
	{ "the ring keeps as many of the latest as it is told to", bounded, NULL },
	{ "of many short VMs none is lost, nor their usage", none_lost, NULL },
};

int main(int argc, char **argv)
{
	test_init(argc, argv, options);
	test_main(cases, ARRAY_SIZE(cases));
}
