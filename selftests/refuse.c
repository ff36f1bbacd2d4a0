// SPDX-License-Identifier: GPL-2.0-only
/*
 * refuse: the generic netlink family refuses what its contract does not have,
 * with a reason, and without having changed anything; and it does not talk to
 * those who may not ask.
 */
#define _GNU_SOURCE
#include <inttypes.h>
#include <linux/kvmgov.h>
#include <sched.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "gov.h"
#include "nl.h"
#include "test.h"

#define NOBODY 65534

static const struct vmm_opts spin = { .nr_vcpus = 1, .mode = VMM_SPIN };
static const struct vmm_opts halted = { .nr_vcpus = 1, .mode = VMM_PARK };

/*
 * Changes that are fine, to see that they are not made when another is not:
 * these are what the guest VM does not have.
 */
#define FINE U64(QUOTA, 33333), U32(PERIOD, 44444)

/**
 * struct refusal - a request that must be refused
 * @what:	what is wrong with it
 * @cmd:	command
 * @flags:	NLM_F_DUMP, or 0
 * @error:	the errno to expect, or 0 for any
 * @blame:	the answer must point to an attribute
 * @attrs:	its attributes
 */
struct refusal {
	const char *what;
	int cmd;
	int flags;
	int error;
	bool blame;
	struct attr attrs[MAX_ATTRS];
};
#define NAME_64 "0123456789-123456789-123456789-123456789-123456789-123456789-abc"

/* clang-format off */
#define INFO	KVMGOV_CMD_INFO_GET
#define VM_ID	KVMGOV_A_VCPU_VM_ID
#define DUMP	NLM_F_DUMP

static const struct refusal refusals[] = {
	{ "set without an id",
	  SET, 0, EINVAL, false, { FINE } },
	{ "set of an unknown id",
	  SET, 0, ENOENT, true, { U64(ID, 1ULL << 40), FINE } },
	{ "set of id 0",
	  SET, 0, ENOENT, true, { U64(ID, 0), FINE } },
	{ "set of the highest id",
	  SET, 0, ENOENT, true, { U64(ID, UINT64_MAX), FINE } },
	{ "get without an id",
	  GET, 0, EINVAL, false, {} },
	{ "get of an unknown id",
	  GET, 0, ENOENT, true, { U64(ID, 1ULL << 40) } },
	{ "reset without an id",
	  RESET, 0, EINVAL, false, {} },
	{ "reset of an unknown id",
	  RESET, 0, ENOENT, true, { U64(ID, 1ULL << 40) } },
	{ "vCPUs of an unknown VM",
	  VCPUS, DUMP, ENOENT, false, { U64(VM_ID, 1ULL << 40) } },
	{ "quota 0",
	  SET, 0, 0, true, { THE_ID, U32(PERIOD, 44444), U64(QUOTA, 0) } },
	{ "quota 99",
	  SET, 0, 0, true, { THE_ID, U32(PERIOD, 44444), U64(QUOTA, 99) } },
	{ "quota 4096000001",
	  SET, 0, 0, true, { THE_ID, U32(PERIOD, 44444), U64(QUOTA, 4096000001ULL) } },
	{ "quota just below none",
	  SET, 0, 0, true, { THE_ID, U64(QUOTA, UINT64_MAX - 1) } },
	{ "period 0",
	  SET, 0, 0, true, { THE_ID, U64(QUOTA, 33333), U32(PERIOD, 0) } },
	{ "period 999",
	  SET, 0, 0, true, { THE_ID, U64(QUOTA, 33333), U32(PERIOD, 999) } },
	{ "period 1000001",
	  SET, 0, 0, true, { THE_ID, U64(QUOTA, 33333), U32(PERIOD, 1000001) } },
	{ "period 4294967295",
	  SET, 0, 0, true, { THE_ID, U32(PERIOD, UINT32_MAX) } },
	{ "an unknown state",
	  SET, 0, 0, true, { THE_ID, FINE, U32(STATE, 2) } },
	{ "state 4294967295",
	  SET, 0, 0, true, { THE_ID, FINE, U32(STATE, UINT32_MAX) } },
	{ "a name with a slash",
	  SET, 0, 0, true, { THE_ID, FINE, STR(NAME, "a/b") } },
	{ "a name with a control character",
	  SET, 0, 0, true, { THE_ID, FINE, STR(NAME, "a\nb") } },
	{ "a name with an escape",
	  SET, 0, 0, true, { THE_ID, FINE, STR(NAME, "\033[2J") } },
	{ "a name that is a number",
	  SET, 0, 0, true, { THE_ID, FINE, STR(NAME, "17") } },
	{ "a name that is too long",
	  SET, 0, 0, true, { THE_ID, FINE, STR(NAME, NAME_64) } },
	{ "a name that another VM has",
	  SET, 0, EEXIST, true, { THE_ID, FINE, STR(NAME, "other") } },
	{ "a UUID that another VM has",
	  SET, 0, EEXIST, true, { THE_ID, FINE, BIN(UUID, "0123456789abcdef") } },
	{ "a name without its NUL",
	  SET, 0, 0, true, { THE_ID, FINE, BIN(NAME, "web") } },
	{ "a UUID of 15 bytes",
	  SET, 0, 0, true, { THE_ID, FINE, BIN(UUID, "0123456789abcde") } },
	{ "a UUID of 17 bytes",
	  SET, 0, 0, true, { THE_ID, FINE, BIN(UUID, "0123456789abcdefg") } },
	{ "an empty UUID",
	  SET, 0, 0, true, { THE_ID, FINE, { UUID, 0, "" } } },
	{ "an id of 4 bytes",
	  SET, 0, 0, true, { { ID, 4, "\1\0\0\0" }, FINE } },
	{ "an id of 9 bytes",
	  SET, 0, 0, true, { { ID, 9, "\1\0\0\0\0\0\0\0\0" }, FINE } },
	{ "an empty id",
	  SET, 0, 0, true, { { ID, 0, "" }, FINE } },
	{ "a quota of 4 bytes",
	  SET, 0, 0, true, { THE_ID, U32(PERIOD, 44444), U32(QUOTA, 33333) } },
	{ "a quota that is a string",
	  SET, 0, 0, true, { THE_ID, U32(PERIOD, 44444), STR(QUOTA, "banana") } },
	{ "an empty quota",
	  SET, 0, 0, true, { THE_ID, { QUOTA, 0, "" } } },
	{ "a period of 8 bytes",
	  SET, 0, 0, true, { THE_ID, U64(QUOTA, 33333), U64(PERIOD, 44444) } },
	{ "a period of 2 bytes",
	  SET, 0, 0, true, { THE_ID, U64(QUOTA, 33333), { PERIOD, 2, "\0\1" } } },
	{ "a state of 1 byte",
	  SET, 0, 0, true, { THE_ID, FINE, { STATE, 1, "\1" } } },
	{ "an attribute that only replies have",
	  SET, 0, 0, true, { THE_ID, FINE, U64(KVMGOV_A_VM_USAGE_NS, 1) } },
	{ "another attribute that only replies have",
	  SET, 0, 0, true, { THE_ID, FINE, U32(KVMGOV_A_VM_PID, 1) } },
	{ "an unknown attribute",
	  SET, 0, 0, true, { THE_ID, FINE, U32(KVMGOV_A_VM_MAX + 1, 1) } },
	{ "a far unknown attribute",
	  SET, 0, 0, true, { THE_ID, FINE, U32(0x3fff, 1) } },
	{ "an unknown attribute alone",
	  SET, 0, 0, true, { U32(1000, 1) } },
	{ "a quota marked as nested",
	  SET, 0, 0, true, { THE_ID, U32(PERIOD, 44444), U64(QUOTA | NLA_F_NESTED, 33333) } },
	{ "an unknown attribute in get",
	  GET, 0, 0, true, { THE_ID, U32(1000, 1) } },
	{ "an unknown attribute in a dump",
	  GET, DUMP, 0, false, { U32(1000, 1) } },
	{ "a known attribute in a dump that takes none",
	  GET, DUMP, 0, false, { U32(PERIOD, 5000) } },
	{ "an unknown attribute in a vCPU dump",
	  VCPUS, DUMP, 0, false, { U32(1000, 1) } },
	{ "a VM id of 4 bytes in a vCPU dump",
	  VCPUS, DUMP, 0, false, { U32(VM_ID, 1) } },
	{ "an attribute in a request that takes none",
	  INFO, 0, 0, true, { U32(1, 1) } },
};
/* clang-format on */

static void refused(const void *arg)
{
	char before[512], after[512];
	struct vmm *vmm, *other;
	struct link link;
	uint64_t ids[2];
	size_t i;

	(void)arg;
	need_link(&link);
	vmm = gov_launch(&spin);
	other = gov_launch(&halted);
	ids[0] = gov_find(vmm);
	ids[1] = gov_find(other);
	gov_set(ids[0], 50000, 100000);
	NEED(!gov_write("other", "vms/%" PRIu64 "/name", ids[1]), "name");
	NEED(!gov_write("30313233-3435-3637-3839-616263646566", "vms/%" PRIu64 "/uuid", ids[1]),
	     "uuid");
	vm_snapshot(before, sizeof(before), ids[0]);
	for (i = 0; i < ARRAY_SIZE(refusals); i++) {
		const struct refusal *r = &refusals[i];
		struct nl_msg *msg = message(&link, r->cmd, r->flags);
		struct answer a;

		put_attrs(msg, r->attrs, ids);
		a = ask(&link, msg, NULL, NULL);
		test_diag("%s: %s: %s", r->what, strerror(-a.error), a.text);
		CHECK(!a.silent, "%s: no answer", r->what);
		CHECK(a.error < 0, "%s: taken", r->what);
		CHECK(!r->error || a.error == -r->error, "%s: %s", r->what, strerror(-a.error));
		CHECK(*a.text, "%s: no text", r->what);
		CHECK(!r->blame || a.offset, "%s: no attribute is blamed", r->what);
		vm_snapshot(after, sizeof(after), ids[0]);
		CHECK(!strcmp(before, after), "%s: %s became %s", r->what, before, after);
		strcpy(before, after);
	}
	link_close(&link);
	gov_end(other);
	gov_end(vmm);
}

/* The kernel lets go of what it cannot read; the next request is answered. */
static void still_answers(const struct link *link, const char *after)
{
	struct answer a = ask(link, message(link, KVMGOV_CMD_INFO_GET, 0), NULL, NULL);

	CHECK(!a.silent && !a.error && a.nr == 1, "after %s: %s, %u messages", after,
	      a.silent ? "silence" : strerror(-a.error), a.nr);
}

/* A request whose lengths do not fit what is sent. */
struct mangled {
	const char *what;
	int sent;     /* bytes to send, counted from the end when negative */
	int claimed;  /* the same for nlmsg_len */
	int attr_len; /* for the length of the first attribute, 0: right */
};

static const struct mangled mangled[] = {
	{ "a lone netlink header", NLMSG_HDRLEN, NLMSG_HDRLEN, 0 },
	{ "half a netlink header", 8, 0, 0 },
	{ "a genetlink header cut short", NLMSG_HDRLEN + 2, NLMSG_HDRLEN + 2, 0 },
	{ "less than is claimed", -8, 0, 0 },
	{ "more than is claimed", 0, -8, 0 },
	{ "a claimed length of 0", 0, -100000, 0 },
	{ "an attribute cut short", -4, -4, 0 },
	{ "an attribute without a value", NLMSG_HDRLEN + GENL_HDRLEN + 4,
	  NLMSG_HDRLEN + GENL_HDRLEN + 4, 0 },
	{ "half an attribute header", NLMSG_HDRLEN + GENL_HDRLEN + 2,
	  NLMSG_HDRLEN + GENL_HDRLEN + 2, 0 },
	{ "an attribute longer than the message", 0, 0, 2000 },
	{ "an attribute of length 65535", 0, 0, 65535 },
	{ "an attribute of length 3", 0, 0, 3 },
	{ "an attribute of length 1", 0, 0, 1 },
};

static int from_end(int value, int len)
{
	int n = value > 0 ? value : len + value;

	return n < 0 ? 0 : n;
}

static void drain(const struct link *link)
{
	char buffer[8192];

	while (readable(link->fd, 20))
		if (recv(link->fd, buffer, sizeof(buffer), 0) <= 0)
			break;
}

static void truncated(const void *arg)
{
	static const int cmds[] = {
		SET,
		GET,
		KVMGOV_CMD_VM_RESET,
		KVMGOV_CMD_VCPU_GET,
	};
	char before[512], after[512];
	struct link link;
	struct vmm *vmm;
	uint64_t ids[2];
	size_t i, c;

	(void)arg;
	need_link(&link);
	vmm = gov_launch(&spin);
	ids[0] = gov_find(vmm);
	ids[1] = ids[0];
	gov_set(ids[0], 50000, 100000);
	vm_snapshot(before, sizeof(before), ids[0]);
	for (i = 0; i < ARRAY_SIZE(mangled); i++) {
		const struct mangled *m = &mangled[i];
		/* The one that is cut is the id, or all comes after it. */
		const struct attr attrs[MAX_ATTRS] = { FINE, THE_ID };

		for (c = 0; c < ARRAY_SIZE(cmds); c++) {
			struct nl_msg *msg = message(&link, cmds[c], 0);
			struct nlmsghdr *nlh = nlmsg_hdr(msg);
			int len;

			put_attrs(msg, attrs, ids);
			nlh->nlmsg_pid = 0;
			len = nlh->nlmsg_len;
			if (m->attr_len)
				genlmsg_attrdata(nlmsg_data(nlh), 0)->nla_len = m->attr_len;
			nlh->nlmsg_len = from_end(m->claimed, len);
			send_raw(&link, nlh, from_end(m->sent, len));
			nlmsg_free(msg);
			drain(&link);
			still_answers(&link, m->what);
		}
		vm_snapshot(after, sizeof(after), ids[0]);
		CHECK(!strcmp(before, after), "%s: %s became %s", m->what, before, after);
	}
	link_close(&link);
	gov_end(vmm);
}

/* Commands that are none, or that cannot be asked this way. */
static void wrong_command(const void *arg)
{
	static const struct {
		int cmd;
		int flags;
	} wrong[] = {
		{ 0, 0 },
		{ KVMGOV_CMD_VM_NEW_NTF, 0 },
		{ KVMGOV_CMD_VM_END_NTF, 0 },
		{ KVMGOV_CMD_VM_CHANGE_NTF, 0 },
		{ KVMGOV_CMD_MAX + 1, 0 },
		{ 255, 0 },
		{ KVMGOV_CMD_VCPU_GET, 0 },
		{ SET, NLM_F_DUMP },
		{ KVMGOV_CMD_VM_RESET, NLM_F_DUMP },
		{ KVMGOV_CMD_INFO_GET, NLM_F_DUMP },
	};
	struct link link;
	size_t i;

	(void)arg;
	need_link(&link);
	for (i = 0; i < ARRAY_SIZE(wrong); i++) {
		struct answer a =
			ask(&link, message(&link, wrong[i].cmd, wrong[i].flags), NULL, NULL);

		CHECK(a.error == -EOPNOTSUPP, "command %d, flags %x: %s", wrong[i].cmd,
		      wrong[i].flags, strerror(-a.error));
	}
	link_close(&link);
}
/* A nobody's requests; the exit status counts those that were not refused. */
struct intruder {
	uint64_t id;
	bool user_namespace;
	bool may_read;
};

static void intrude(void *arg)
{
	const struct {
		int cmd;
		int flags;
		bool reads;
		struct attr attrs[MAX_ATTRS];
	} requests[] = {
		{ KVMGOV_CMD_INFO_GET, 0, true, {} },
		{ GET, 0, true, { THE_ID } },
		{ GET, NLM_F_DUMP, true, {} },
		{ KVMGOV_CMD_VCPU_GET, NLM_F_DUMP, true, {} },
		{ SET, 0, false, { THE_ID, FINE } },
		{ SET, 0, false, { U64(ID, 1ULL << 40), FINE } },
		{ KVMGOV_CMD_VM_RESET, 0, false, { THE_ID } },
	};
	const struct intruder *intruder = arg;
	uint64_t ids[2] = { intruder->id };
	struct link link;
	int faults = 0;
	size_t i;

	if (setgid(NOBODY) || setuid(NOBODY))
		_exit(100);
	if (intruder->user_namespace && unshare(CLONE_NEWUSER))
		_exit(101);
	if (!link_open(&link))
		_exit(102);
	for (i = 0; i < ARRAY_SIZE(requests); i++) {
		bool fine = requests[i].reads && intruder->may_read;
		struct nl_msg *msg = message(&link, requests[i].cmd, requests[i].flags);
		struct answer a;

		put_attrs(msg, requests[i].attrs, ids);
		a = ask(&link, msg, NULL, NULL);
		if (a.error == (fine ? 0 : -EPERM))
			continue;
		faults++;
		test_diag("command %d, flags %x: %s %s", requests[i].cmd, requests[i].flags,
			  strerror(-a.error), a.text);
	}
	if (link_join(&link, KVMGOV_MCGRP_EVENTS) != -EPERM ||
	    link_join(&link, KVMGOV_MCGRP_CONFIG) != -EPERM) {
		test_diag("has joined a group");
		faults++;
	}
	_exit(faults);
}

static void unprivileged(const void *arg)
{
	struct intruder intruder = *(const struct intruder *)arg;
	char before[512], after[512];
	struct link link;
	struct vmm *vmm;
	int status;
	pid_t pid;

	need_link(&link);
	link_close(&link);
	vmm = gov_launch(&spin);
	intruder.id = gov_find(vmm);
	gov_set(intruder.id, 50000, 100000);
	vm_snapshot(before, sizeof(before), intruder.id);
	if (intruder.may_read)
		NEED(!gov_write("Y", "../../module/kvmgov/parameters/open_reading"),
		     "cannot open reading");
	pid = test_fork(intrude, &intruder);
	waitpid(pid, &status, 0);
	if (intruder.may_read)
		gov_write("N", "../../module/kvmgov/parameters/open_reading");
	if (WIFEXITED(status) && WEXITSTATUS(status) == 101)
		test_skip("this kernel has no user namespaces for users");
	CHECK(WIFEXITED(status) && !WEXITSTATUS(status), "%d requests were answered otherwise",
	      WEXITSTATUS(status));
	vm_snapshot(after, sizeof(after), intruder.id);
	CHECK(!strcmp(before, after), "%s became %s", before, after);
	gov_end(vmm);
}

static void look_from_namespace(void *arg)
{
	struct link link;

	(void)arg;
	if (unshare(CLONE_NEWNET))
		_exit(2);
	_exit(link_open(&link));
}

static void other_namespace(const void *arg)
{
	struct link link;
	int status;
	pid_t pid;

	(void)arg;
	need_link(&link);
	link_close(&link);
	pid = test_fork(look_from_namespace, NULL);
	waitpid(pid, &status, 0);
	CHECK(WIFEXITED(status) && !WEXITSTATUS(status),
	      "the family is seen in another network namespace");
}
static const struct intruder nobody, in_namespace = { .user_namespace = true },
				     reads = { .may_read = true };

static const struct test_case cases[] = {
	{ "bad requests are refused with a reason and change nothing", refused, NULL },
	{ "truncated and overlong messages change nothing", truncated, NULL },
	{ "commands that are none are refused", wrong_command, NULL },
	{ "nobody may ask, change or listen", unprivileged, &nobody },
	{ "root of a user namespace is nobody", unprivileged, &in_namespace },
	{ "open_reading lets nobody ask, and no more", unprivileged, &reads },
	{ "other network namespaces do not see the family", other_namespace, NULL },
};

int main(int argc, char **argv)
{
	test_init(argc, argv, NULL);
	test_main(cases, ARRAY_SIZE(cases));
}
