// SPDX-License-Identifier: GPL-2.0-only
/*
 * faults: every allocation of the module fails once, in turn.
 *
 * A round lets the nth allocation since its start fail, does one thing, and
 * looks at what has become of it; n grows until there is none left to fail. A
 * failure must be reported or leave a VM that is counted as ungoverned until
 * the next entry into its guest; it must never leave half an object.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <inttypes.h>
#include <linux/kvmgov.h>
#include <sys/stat.h>
#include <unistd.h>

#include "gov.h"
#include "nl.h"
#include "test.h"

#define FAULTS	   "/sys/module/kvmgov_faults/parameters/"
#define PATIENCE   (20 * NS_PER_S)
#define MAX_ROUNDS 300

static const struct vmm_opts two = { .nr_vcpus = 2, .mode = VMM_SPIN };

static int param_open(const char *name, int flags)
{
	char path[128];
	int fd;

	snprintf(path, sizeof(path), FAULTS "%s", name);
	fd = open(path, flags | O_CLOEXEC);
	NEED(fd >= 0, "%s: %s", path, strerror(errno));
	return fd;
}

static void param_write(const char *name, unsigned int value)
{
	char text[16];
	int fd = param_open(name, O_WRONLY);
	int len = snprintf(text, sizeof(text), "%u", value);

	NEED(write(fd, text, len) == len, "cannot set %s: %s", name, strerror(errno));
	close(fd);
}

static void param_read(const char *name, char *text, size_t size)
{
	int fd = param_open(name, O_RDONLY);
	ssize_t n;

	n = read(fd, text, size - 1);
	close(fd);
	text[n > 0 ? n - 1 : 0] = '\0';
}

static unsigned int allocations(void)
{
	char text[16];

	param_read("count", text, sizeof(text));
	return atoi(text);
}

/**
 * struct round - one round
 * @nth:	the allocation that is to fail
 * @failed:	it has
 * @where:	who asked for it
 */
struct round {
	unsigned int nth;
	bool failed;
	char where[128];
};

/* No more faults; what has been. */
static void round_end(struct round *round)
{
	round->failed = allocations() >= round->nth;
	param_read("where", round->where, sizeof(round->where));
	param_write("nth", 0);
}

/* Who allocates. */
enum who {
	OTHERS,
	WORKERS,
};

/* Rounds until nothing is left to fail, which @least times it has. */
static void in_turn(void (*act)(struct round *round), enum who who, unsigned int least)
{
	struct round round = {};

	param_write("workers", who == WORKERS);
	for (round.nth = 1; round.nth < MAX_ROUNDS && !test_failed(); round.nth++) {
		act(&round);
		if (!round.failed)
			break;
		test_diag("%u: %s", round.nth, round.where);
	}
	CHECK(!round.failed, "more than %u allocations", MAX_ROUNDS);
	CHECK(round.nth > least, "only %u allocations have failed, of at least %u", round.nth - 1,
	      least);
}

/* ---- what there is ---- */

struct census {
	unsigned int nr;
	uint64_t id;
	uint64_t held;
	uint32_t vcpus;
	uint64_t quota;
	uint32_t period;
};

static void count_vm(const struct nlmsghdr *nlh, void *arg)
{
	struct genlmsghdr *hdr = nlmsg_data(nlh);
	struct nlattr *attrs[KVMGOV_A_VM_MAX + 1];
	struct census *census = arg;

	if (nla_parse(attrs, KVMGOV_A_VM_MAX, genlmsg_attrdata(hdr, 0), genlmsg_attrlen(hdr, 0),
		      NULL) ||
	    !attrs[ID] || !attrs[KVMGOV_A_VM_NR_HELD] || !attrs[KVMGOV_A_VM_NR_VCPUS] ||
	    !attrs[QUOTA] || !attrs[PERIOD])
		return;
	census->nr++;
	census->id = nla_get_u64(attrs[ID]);
	census->held = nla_get_u64(attrs[KVMGOV_A_VM_NR_HELD]);
	census->vcpus = nla_get_u32(attrs[KVMGOV_A_VM_NR_VCPUS]);
	census->quota = nla_get_u64(attrs[QUOTA]);
	census->period = nla_get_u32(attrs[PERIOD]);
}

static struct answer take_census(const struct link *link, struct census *census)
{
	*census = (struct census){};
	return ask(link, message(link, GET, NLM_F_DUMP), count_vm, census);
}

static bool governs(const struct link *link, uint32_t vcpus)
{
	struct census census;

	take_census(link, &census);
	return census.nr == 1 && census.vcpus == vcpus && census.held > 0;
}

/* All gone, but for what the stats say of the past. */
static bool all_gone(void)
{
	return gov_u64("stats/vms_created") == gov_u64("stats/vms_destroyed") &&
	       gov_u64("stats/vcpus_created") == gov_u64("stats/vcpus_destroyed") &&
	       !gov_u64("stats/callbacks_pending");
}

static void leave_nothing(void)
{
	CHECK(POLL(PATIENCE, all_gone()),
	      "VMs %" PRIu64 " of %" PRIu64 ", vCPUs %" PRIu64 " of %" PRIu64 " destroyed",
	      gov_u64("stats/vms_destroyed"), gov_u64("stats/vms_created"),
	      gov_u64("stats/vcpus_destroyed"), gov_u64("stats/vcpus_created"));
}

static void unload(void)
{
	int err = 0;

	if (gov_loaded())
		NEED(POLL(PATIENCE, !(err = gov_unload())), "cannot unload: %s", strerror(-err));
}

/* ---- the rounds ---- */

static void load_round(struct round *round)
{
	struct stat st;
	int err;

	unload();
	param_write("nth", round->nth);
	err = gov_load();
	round_end(round);
	if (round->failed && err) {
		CHECK(err == -ENOMEM, "%s: %s", round->where, strerror(-err));
		CHECK(stat(GOV_ROOT, &st), "%s is left behind", GOV_ROOT);
	} else {
		CHECK(!err, "%s: %s", round->where, strerror(-err));
	}
	/* In any case it can be loaded now, or is. */
	gov_need();
	unload();
}

static void loading(const void *arg)
{
	(void)arg;
	in_turn(load_round, OTHERS, 5);
}

static bool whole_in_sysfs(uint64_t id)
{
	return gov_exists("vms/%" PRIu64 "/cpu/quota_us", id) &&
	       gov_exists("vms/%" PRIu64 "/vcpus", id);
}

/* Both vCPUs are there, and are charged for the threads that they have now. */
static bool vcpus_in_sysfs(uint64_t id, const struct vmm *vmm)
{
	char tid[16];
	int i;

	for (i = 0; i < 2; i++)
		if (gov_read(tid, sizeof(tid), "vms/%" PRIu64 "/vcpus/%d/tid", id, i) ||
		    atoi(tid) != vmm->vcpu[i].tid)
			return false;
	return true;
}

/* What has failed may still be about to be taken back, and what comes to be told of. */
static void check_sysfs(const struct round *round, uint64_t id, const struct vmm *vmm)
{
	char pid[16];

	CHECK(POLL(PATIENCE, gov_gone(id) || whole_in_sysfs(id)), "%s: half a directory",
	      round->where);
	if (!gov_read(pid, sizeof(pid), "vms/%" PRIu64 "/pid", id))
		CHECK(atoi(pid) == vmm->pid, "%s: pid %s", round->where, pid);
	else
		CHECK(round->failed, "no pid");
	CHECK(round->failed || POLL(PATIENCE, vcpus_in_sysfs(id, vmm)), "a vCPU is not in sysfs");
}

/* A vCPU of this process is not governed. */
static bool is_ours(const struct nlmsghdr *nlh, void *arg)
{
	struct genlmsghdr *hdr = nlmsg_data(nlh);
	struct nlattr *pid = nlmsg_find_attr((struct nlmsghdr *)nlh, GENL_HDRLEN, KVMGOV_A_VM_PID);

	(void)arg;
	return hdr->cmd == KVMGOV_CMD_UNGOVERNED_NTF && pid &&
	       nla_get_u32(pid) == (uint32_t)getpid();
}

/*
 * A VM with two vCPUs begins, and one of them changes its thread. It runs in any
 * case, and in the end it is governed: the failure was one, and not the last
 * attempt.
 */
static void attach_round(struct round *round)
{
	struct link link, events;
	struct census census;
	struct vmm *vmm;
	uint64_t before;

	gov_need();
	gov_set_defaults(5000, 20000);
	need_link(&link);
	need_link(&events);
	NEED(!link_join(&events, KVMGOV_MCGRP_EVENTS), "cannot listen");
	before = gov_u64("stats/ungoverned");

	vmm = gov_create(&two);
	param_write("nth", round->nth);
	vmm_start(vmm);
	CHECK(POLL(PATIENCE, governs(&link, 2)), "not governed in the end");
	vmm_stop(vmm);
	vmm_start(vmm);
	take_census(&link, &census);
	/* What comes last, in either order, unless something has failed before. */
	POLL(PATIENCE, allocations() >= round->nth || vcpus_in_sysfs(census.id, vmm));
	round_end(round);

	CHECK(POLL(PATIENCE, governs(&link, 2)), "%s: not governed in the end", round->where);
	take_census(&link, &census);
	CHECK(census.quota == 5000 && census.period == 20000, "%s: quota %" PRIu64, round->where,
	      census.quota);
	if (gov_u64("stats/ungoverned") > before)
		CHECK(link_hear(&events, is_ours, NULL), "%s: nobody was told", round->where);
	check_sysfs(round, census.id, vmm);
	gov_check_vmm(vmm);
	gov_end(vmm);
	gov_set_defaults(GOV_NONE, 100000);
	leave_nothing();
	link_close(&events);
	link_close(&link);
}

static void attaching(const void *arg)
{
	uint64_t before;

	(void)arg;
	gov_need();
	before = gov_u64("stats/ungoverned");
	in_turn(attach_round, OTHERS, 5);
	/* The VM, a vCPU, and a thread of one at least; for the table it is tried twice. */
	CHECK(gov_u64("stats/ungoverned") - before >= 3, "only %" PRIu64 " failures to govern",
	      gov_u64("stats/ungoverned") - before);
	/* Files in sysfs, and events. */
	before = gov_u64("stats/ungoverned");
	in_turn(attach_round, WORKERS, 12);
	CHECK(gov_u64("stats/ungoverned") == before, "a vCPU was not governed for a file's sake");
	unload();
}

static struct vmm *governed;
static struct link asker, hearer;

/* Records that are there, or have made room for others. */
static uint64_t records(void)
{
	return info_u64(&asker, KVMGOV_A_INFO_RECORDS) +
	       info_u64(&asker, KVMGOV_A_INFO_RECORDS_OVERWRITTEN);
}

/* A VM ends, somebody listens: its record is there, or is counted as lost. */
static void end_round(struct round *round)
{
	uint64_t made, lost, id;
	struct vmm *vmm = gov_start(&two, &id);

	made = records();
	lost = info_u64(&asker, KVMGOV_A_INFO_RECORDS_LOST);
	param_write("nth", round->nth);
	gov_end(vmm);
	leave_nothing();
	round_end(round);
	made = records() - made;
	lost = info_u64(&asker, KVMGOV_A_INFO_RECORDS_LOST) - lost;
	CHECK(made + lost == 1, "%s: %" PRIu64 " records, %" PRIu64 " lost", round->where, made,
	      lost);
	CHECK(!lost || round->failed, "%s: lost without a failure", round->where);
}

static void ending(const void *arg)
{
	(void)arg;
	gov_need();
	need_link(&asker);
	need_link(&hearer);
	NEED(!link_join(&hearer, KVMGOV_MCGRP_EVENTS), "cannot listen");
	/* The record, what it is made of, and the event. */
	in_turn(end_round, WORKERS, 3);
	CHECK(info_u64(&asker, KVMGOV_A_INFO_RECORDS_LOST) >= 2, "only %" PRIu64 " were lost",
	      info_u64(&asker, KVMGOV_A_INFO_RECORDS_LOST));
	link_close(&hearer);
	link_close(&asker);
	unload();
}

static void dump_round(struct round *round)
{
	struct census census;
	struct answer a;

	param_write("nth", round->nth);
	a = take_census(&asker, &census);
	round_end(round);
	CHECK(!a.silent, "%s: no answer", round->where);
	if (a.error) {
		CHECK(round->failed && (a.error == -ENOMEM || a.error == -ENOBUFS), "%s: %s",
		      round->where, strerror(-a.error));
		a = take_census(&asker, &census);
	}
	CHECK(!a.error && census.nr == 1, "%s: %u VMs, %s", round->where, census.nr,
	      strerror(-a.error));
}

static void get_round(struct round *round)
{
	const struct attr attrs[MAX_ATTRS] = { THE_ID };
	struct census census;
	struct nl_msg *msg;
	struct answer a;
	uint64_t id;

	take_census(&asker, &census);
	id = census.id;
	msg = message(&asker, GET, 0);
	put_attrs(msg, attrs, &id);
	param_write("nth", round->nth);
	a = ask(&asker, msg, count_vm, &census);
	round_end(round);
	CHECK(!a.silent, "%s: no answer", round->where);
	CHECK(!a.error || (round->failed && a.error == -ENOMEM), "%s: %s", round->where,
	      strerror(-a.error));
}

static void set_round(struct round *round)
{
	const uint64_t quota = 3000 + round->nth;
	const struct attr attrs[MAX_ATTRS] = { THE_ID, U64(QUOTA, quota), U32(PERIOD, 20000),
					       STR(NAME, "db") };
	struct census before, after;
	struct nl_msg *msg;
	struct answer a;

	take_census(&asker, &before);
	msg = message(&asker, SET, NLM_F_ACK);
	put_attrs(msg, attrs, &before.id);
	param_write("nth", round->nth);
	a = ask(&asker, msg, NULL, NULL);
	round_end(round);
	CHECK(!a.silent, "%s: no answer", round->where);
	take_census(&asker, &after);
	if (a.error)
		CHECK(round->failed && a.error == -ENOMEM && after.quota == before.quota,
		      "%s: %s, quota %" PRIu64 " after %" PRIu64, round->where, strerror(-a.error),
		      after.quota, before.quota);
	else
		CHECK(after.quota == quota, "%s: quota %" PRIu64, round->where, after.quota);
}

static void info_round(struct round *round)
{
	struct answer a;

	param_write("nth", round->nth);
	a = ask(&asker, message(&asker, KVMGOV_CMD_INFO_GET, 0), NULL, NULL);
	round_end(round);
	CHECK(!a.silent, "%s: no answer", round->where);
	CHECK(!a.error || (round->failed && a.error == -ENOMEM), "%s: %s", round->where,
	      strerror(-a.error));
}

/**
 * struct exchange - something to say over netlink
 * @act:	a round of it
 * @least:	how many allocations it makes at least
 */
struct exchange {
	void (*act)(struct round *round);
	unsigned int least;
};

/* A dump's messages are allocated by netlink itself, before it calls kvmgov. */
static const struct exchange dump = { dump_round, 0 };
static const struct exchange get = { get_round, 1 };
static const struct exchange set = { set_round, 1 };
static const struct exchange info = { info_round, 1 };

/* With a VM to ask about, and somebody who hears of changes. */
static void netlink(const void *arg)
{
	const struct exchange *exchange = arg;
	uint64_t id;

	gov_need();
	governed = gov_start(&two, &id);
	need_link(&asker);
	need_link(&hearer);
	NEED(!link_join(&hearer, KVMGOV_MCGRP_CONFIG), "cannot listen");
	in_turn(exchange->act, OTHERS, exchange->least);
	link_close(&hearer);
	link_close(&asker);
	gov_end(governed);
	leave_nothing();
	unload();
}

static const struct test_case cases[] = {
	{ "the module is loaded, or not at all", loading, NULL },
	{ "a VM begins, and is governed in the end", attaching, NULL },
	{ "a VM ends, and its record is there or counted as lost", ending, NULL },
	{ "a dump is whole, or an error", netlink, &dump },
	{ "a request for one VM is answered, or an error", netlink, &get },
	{ "a change is made, or an error", netlink, &set },
	{ "a request about the module is answered, or an error", netlink, &info },
};

int main(int argc, char **argv)
{
	test_init(argc, argv, NULL);
	gov_kmod_load("kvmgov_faults");
	test_main(cases, ARRAY_SIZE(cases));
}
