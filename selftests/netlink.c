// SPDX-License-Identifier: GPL-2.0-only
/*
 * netlink: the generic netlink family does what its contract says: settings
 * take effect, dumps are complete, and what happens to VMs is told.
 */
#define _GNU_SOURCE
#include <inttypes.h>
#include <linux/kvmgov.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "gov.h"
#include "nl.h"
#include "test.h"

static long many = 300;

static const struct test_option options[] = { { "many", &many, "VMs in the large dump" }, {} };

static const struct vmm_opts spin = { .nr_vcpus = 1, .mode = VMM_SPIN };
static const struct vmm_opts halted = { .nr_vcpus = 1, .mode = VMM_PARK };

static void accepted(const void *arg)
{
	const struct attr all[MAX_ATTRS] = {
		THE_ID,
		U64(QUOTA, 20000),
		U32(PERIOD, 40000),
		STR(NAME, "web"),
		BIN(UUID, "0123456789abcdef"),
		U32(STATE, KVMGOV_VM_STATE_FROZEN),
		U64(CREDIT_MAX, 3000000),
		U64(CREDIT, 3000000),
	};
	const struct attr lifted[MAX_ATTRS] = {
		THE_ID,
		U64(QUOTA, KVMGOV_QUOTA_NONE),
		STR(NAME, ""),
		U32(STATE, KVMGOV_VM_STATE_RUNNING),
	};
	const struct attr reset[MAX_ATTRS] = { THE_ID };
	char text[512];
	struct nl_msg *msg;
	struct link link;
	struct answer a;
	struct vmm *vmm;
	uint64_t ids[2];

	(void)arg;
	need_link(&link);
	vmm = gov_launch(&spin);
	ids[0] = gov_find(vmm);
	msg = message(&link, SET, 0);
	put_attrs(msg, all, ids);
	a = ask(&link, msg, NULL, NULL);
	CHECK(!a.error, "%s: %s", strerror(-a.error), a.text);
	vm_snapshot(text, sizeof(text), ids[0]);
	CHECK(!strcmp(text, "name=web uuid=30313233-3435-3637-3839-616263646566 state=frozen "
			    "cpu/quota_us=20000 cpu/period_us=40000 "
			    "cpu/credit_max_us=3000000 "),
	      "%s", text);

	msg = message(&link, KVMGOV_CMD_VM_RESET, 0);
	put_attrs(msg, reset, ids);
	a = ask(&link, msg, NULL, NULL);
	CHECK(!a.error, "reset: %s: %s", strerror(-a.error), a.text);
	vm_snapshot(text, sizeof(text), ids[0]);
	CHECK(!strcmp(text, "name=web uuid=30313233-3435-3637-3839-616263646566 state=frozen "
			    "cpu/quota_us=max cpu/period_us=100000 cpu/credit_max_us=0 "),
	      "after reset: %s", text);

	msg = message(&link, SET, 0);
	put_attrs(msg, lifted, ids);
	a = ask(&link, msg, NULL, NULL);
	CHECK(!a.error, "%s: %s", strerror(-a.error), a.text);
	vm_snapshot(text, sizeof(text), ids[0]);
	CHECK(strstr(text, "name= ") && strstr(text, "state=running") &&
		      strstr(text, "quota_us=max"),
	      "%s", text);
	link_close(&link);
	gov_end(vmm);
}
struct figures {
	uint64_t id;
	uint64_t quota;
	uint64_t usage;
	uint32_t period;
	uint32_t pid;
	uint32_t nr_vcpus;
	int cmd;
	char name[64];
};

static void parse_vm(const struct nlmsghdr *nlh, void *arg)
{
	struct genlmsghdr *hdr = nlmsg_data(nlh);
	struct nlattr *attrs[KVMGOV_A_VM_MAX + 1];
	struct figures *f = arg;

	memset(f, 0, sizeof(*f));
	f->cmd = hdr->cmd;
	if (nla_parse(attrs, KVMGOV_A_VM_MAX, genlmsg_attrdata(hdr, 0), genlmsg_attrlen(hdr, 0),
		      NULL) ||
	    !attrs[ID])
		return;
	f->id = nla_get_u64(attrs[ID]);
	if (attrs[QUOTA])
		f->quota = nla_get_u64(attrs[QUOTA]);
	if (attrs[PERIOD])
		f->period = nla_get_u32(attrs[PERIOD]);
	if (attrs[KVMGOV_A_VM_USAGE_NS])
		f->usage = nla_get_u64(attrs[KVMGOV_A_VM_USAGE_NS]);
	if (attrs[KVMGOV_A_VM_PID])
		f->pid = nla_get_u32(attrs[KVMGOV_A_VM_PID]);
	if (attrs[KVMGOV_A_VM_NR_VCPUS])
		f->nr_vcpus = nla_get_u32(attrs[KVMGOV_A_VM_NR_VCPUS]);
	if (attrs[NAME])
		nla_strlcpy(f->name, attrs[NAME], sizeof(f->name));
}

static void get_tells(const void *arg)
{
	const struct attr attrs[MAX_ATTRS] = { THE_ID };
	struct figures f = {};
	struct nl_msg *msg;
	struct link link;
	struct answer a;
	struct vmm *vmm;
	uint64_t ids[2], usage;

	(void)arg;
	need_link(&link);
	vmm = gov_launch(&spin);
	ids[0] = gov_find(vmm);
	gov_set(ids[0], 30000, 60000);
	NEED(!gov_write("db", "vms/%" PRIu64 "/name", ids[0]), "name");
	usage = gov_u64("vms/%" PRIu64 "/cpu/usage_ns", ids[0]);
	msg = message(&link, GET, 0);
	put_attrs(msg, attrs, ids);
	a = ask(&link, msg, parse_vm, &f);
	CHECK(!a.error && a.nr == 1, "%s, %u messages", strerror(-a.error), a.nr);
	CHECK(f.id == ids[0] && f.quota == 30000 && f.period == 60000 &&
		      f.pid == (uint32_t)getpid() && f.nr_vcpus == 1 && !strcmp(f.name, "db"),
	      "id %" PRIu64 ", quota %" PRIu64 ", period %u, pid %u, %u vCPUs, name '%s'", f.id,
	      f.quota, f.period, f.pid, f.nr_vcpus, f.name);
	CHECK(f.usage >= usage, "usage %" PRIu64 " after %" PRIu64, f.usage, usage);
	link_close(&link);
	gov_end(vmm);
}

/* A socket that has joined a group. */
static void listen_to(struct link *link, const char *group)
{
	need_link(link);
	NEED(!link_join(link, group), "cannot join %s", group);
}

/**
 * struct sought - a notification that is waited for
 * @cmd:	its kind
 * @id:		the VM that it is about; 0: any
 * @f:		what it says
 */
struct sought {
	int cmd;
	uint64_t id;
	struct figures *f;
};

static bool is_sought(const struct nlmsghdr *nlh, void *arg)
{
	const struct sought *sought = arg;

	parse_vm(nlh, sought->f);
	return sought->f->cmd == sought->cmd && (!sought->id || sought->f->id == sought->id);
}

static bool heard(const struct link *link, int cmd, uint64_t id, struct figures *f)
{
	return link_hear(link, is_sought, &(struct sought){ cmd, id, f });
}

static void notifications(const void *arg)
{
	const struct attr attrs[MAX_ATTRS] = {
		THE_ID,
		U64(QUOTA, 20000),
		STR(NAME, "batch"),
	};
	struct link events, config, link;
	struct nl_msg *msg;
	struct figures f;
	struct answer a;
	struct vmm *vmm;
	uint64_t ids[2];

	(void)arg;
	listen_to(&events, KVMGOV_MCGRP_EVENTS);
	listen_to(&config, KVMGOV_MCGRP_CONFIG);
	need_link(&link);
	vmm = gov_fork(&spin);
	ids[0] = gov_find(vmm);
	CHECK(heard(&events, KVMGOV_CMD_VM_NEW_NTF, ids[0], &f), "no vm-new");
	CHECK(f.pid == (uint32_t)vmm->pid, "vm-new: pid %u", f.pid);

	msg = message(&link, SET, 0);
	put_attrs(msg, attrs, ids);
	a = ask(&link, msg, NULL, NULL);
	NEED(!a.error, "%s", a.text);
	CHECK(heard(&config, KVMGOV_CMD_VM_CHANGE_NTF, ids[0], &f), "no vm-change after set");
	CHECK(f.quota == 20000 && !strcmp(f.name, "batch"),
	      "vm-change: quota %" PRIu64 ", name '%s'", f.quota, f.name);
	gov_set(ids[0], 30000, 100000);
	CHECK(heard(&config, KVMGOV_CMD_VM_CHANGE_NTF, ids[0], &f),
	      "no vm-change after a write to sysfs");
	NEED(!gov_write("frozen", "vms/%" PRIu64 "/state", ids[0]), "freeze");
	CHECK(heard(&config, KVMGOV_CMD_VM_CHANGE_NTF, ids[0], &f), "no vm-change after a freeze");

	gov_kill(vmm);
	CHECK(heard(&events, KVMGOV_CMD_VM_END_NTF, ids[0], &f), "no vm-end");
	CHECK(f.usage && !strcmp(f.name, "batch"), "vm-end: usage %" PRIu64 ", name '%s'", f.usage,
	      f.name);
	link_close(&link);
	link_close(&config);
	link_close(&events);
}

struct list {
	uint64_t ids[GOV_MAX_VMS];
	size_t nr;
};

static void collect(const struct nlmsghdr *nlh, void *arg)
{
	struct list *list = arg;
	struct figures f;

	parse_vm(nlh, &f);
	if (list->nr < GOV_MAX_VMS)
		list->ids[list->nr++] = f.id;
}

static bool contains(const struct list *list, uint64_t id)
{
	size_t i, nr = 0;

	for (i = 0; i < list->nr; i++)
		nr += list->ids[i] == id;
	return nr == 1;
}

static void dump(const struct link *link, struct list *list, struct answer *a)
{
	list->nr = 0;
	*a = ask(link, message(link, GET, NLM_F_DUMP), collect, list);
}

static void come_and_go(void *arg)
{
	(void)arg;
	for (;;) {
		struct vmm *vmm = vmm_launch(&spin);

		if (!vmm)
			_exit(1);
		POLL(NS_PER_S, vmm_total_work(vmm));
		vmm_destroy(vmm);
	}
}

static void large_dump(const void *arg)
{
	static struct list list;
	static uint64_t ids[GOV_MAX_VMS];
	unsigned int round, marked = 0;
	struct link link;
	struct answer a;
	long i, missing;
	pid_t pid;

	(void)arg;
	need_link(&link);
	gov_no_leak();
	for (i = 0; i < many; i++)
		gov_launch(&halted);
	NEED(POLL(60 * NS_PER_S, gov_vms(ids, GOV_MAX_VMS) == (size_t)many), "%zu of %ld VMs",
	     gov_vms(ids, GOV_MAX_VMS), many);

	dump(&link, &list, &a);
	CHECK(!a.error && !a.interrupted, "%s%s", strerror(-a.error),
	      a.interrupted ? ", interrupted" : "");
	CHECK(list.nr == (size_t)many, "%zu of %ld VMs", list.nr, many);
	for (i = 0, missing = 0; i < many; i++)
		missing += !contains(&list, ids[i]);
	CHECK(!missing, "%ld VMs are missing or twice in the dump", missing);

	/* Those that stay are in each dump, whoever comes and goes. */
	pid = test_fork(come_and_go, NULL);
	for (round = 0; round < 10; round++) {
		dump(&link, &list, &a);
		CHECK(!a.error, "%s", strerror(-a.error));
		marked += a.interrupted;
		for (i = 0, missing = 0; i < many; i++)
			missing += !contains(&list, ids[i]);
		CHECK(!missing || a.interrupted,
		      "%ld VMs are missing or twice in a dump that says it is consistent", missing);
	}
	test_diag("%u of %u dumps beside changes are marked as interrupted", marked, round);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	link_close(&link);
}

/* Between two parts of a dump a VM appears; the rest must say so. */
static void interrupted_dump(const void *arg)
{
	struct nl_msg *msg;
	struct answer a = {};
	char part[8192];
	struct link link;
	int i;

	(void)arg;
	need_link(&link);
	for (i = 0; i < 150; i++)
		gov_launch(&halted);
	gov_find(gov_launch(&halted));
	msg = message(&link, GET, NLM_F_DUMP);
	send_message(&link, msg);
	NEED(readable(link.fd, NL_PATIENCE_MS) && recv(link.fd, part, sizeof(part), 0) > 0,
	     "no first part");
	gov_find(gov_launch(&halted));
	receive(&link, &a, NL_PATIENCE_MS, NULL, NULL);
	test_diag("%u VMs in the rest of the dump", a.nr);
	NEED(a.nr > 20, "the dump was not in parts");
	CHECK(a.interrupted, "a dump that a VM has come into looks consistent");
	link_close(&link);
}

/* The reader goes away in the middle; nothing stays behind. */
static void abandoned_dump(const void *arg)
{
	struct link link;
	struct nl_msg *msg;
	int i;

	(void)arg;
	gov_need();
	for (i = 0; i < 100; i++)
		gov_launch(&halted);
	for (i = 0; i < 20; i++) {
		need_link(&link);
		msg = message(&link, GET, NLM_F_DUMP);
		send_message(&link, msg);
		link_close(&link);
	}
}

static void count_vcpu(const struct nlmsghdr *nlh, void *arg)
{
	struct genlmsghdr *hdr = nlmsg_data(nlh);
	struct nlattr *attrs[KVMGOV_A_VCPU_MAX + 1];
	uint64_t *seen = arg;

	if (!nla_parse(attrs, KVMGOV_A_VCPU_MAX, genlmsg_attrdata(hdr, 0), genlmsg_attrlen(hdr, 0),
		       NULL) &&
	    attrs[KVMGOV_A_VCPU_INDEX])
		*seen |= 1ULL << nla_get_u32(attrs[KVMGOV_A_VCPU_INDEX]);
}

static void vcpu_dump(const void *arg)
{
	const struct vmm_opts three = { .nr_vcpus = 3, .mode = VMM_SPIN };
	struct vmm *vmm, *other;
	struct nl_msg *msg;
	struct link link;
	struct answer a;
	uint64_t id, seen = 0;

	(void)arg;
	need_link(&link);
	other = gov_launch(&halted);
	vmm = gov_launch(&three);
	gov_find(other);
	id = gov_find(vmm);
	NEED(POLL(10 * NS_PER_S, gov_u64("vms/%" PRIu64 "/nr_vcpus", id) == 3), "vCPUs");
	msg = message(&link, KVMGOV_CMD_VCPU_GET, NLM_F_DUMP);
	nla_put_u64(msg, KVMGOV_A_VCPU_VM_ID, id);
	a = ask(&link, msg, count_vcpu, &seen);
	CHECK(!a.error && a.nr == 3 && seen == 7, "%s, %u vCPUs, set %" PRIx64, strerror(-a.error),
	      a.nr, seen);
	a = ask(&link, message(&link, KVMGOV_CMD_VCPU_GET, NLM_F_DUMP), count_vcpu, &seen);
	CHECK(!a.error && a.nr == 4, "%s, %u vCPUs in all", strerror(-a.error), a.nr);
	link_close(&link);
	gov_end(vmm);
	gov_end(other);
}
static const struct test_case cases[] = {
	{ "a set of everything takes effect, and a reset", accepted, NULL },
	{ "get tells what is set", get_tells, NULL },
	{ "notifications of the life and the changes of a VM", notifications, NULL },
	{ "the vCPUs of one VM, and of all", vcpu_dump, NULL },
	{ "a large dump is complete", large_dump, NULL },
	{ "a dump that is overtaken by a change says so", interrupted_dump, NULL },
	{ "a dump that nobody reads to the end", abandoned_dump, NULL },
};

int main(int argc, char **argv)
{
	test_init(argc, argv, options);
	test_main(cases, ARRAY_SIZE(cases));
}
