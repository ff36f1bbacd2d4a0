// SPDX-License-Identifier: GPL-2.0-only
/*
 * libkvmgov's dealings with messages, without a kernel: what it makes of errors
 * with extended ACKs, of attributes it does not know and of broken ones, whom
 * it finds by a word, and what it sends for a change. The sources are taken in
 * whole, to get at their insides.
 */
#include "../../tools/lib/netlink.c"
#include "../../tools/lib/change.c"
#include "../../tools/lib/vm.c"
#include "unit.h"

static struct nl_msg *message(void)
{
	struct nl_msg *msg = nlmsg_alloc();

	genlmsg_put(msg, 1, 1, 100, 0, NLM_F_REQUEST, KVMGOV_CMD_VM_SET, 1);
	return msg;
}

/* --- errors --- */

/* A request with an id and a quota, as kvmgov_change_commit() would send it. */
static struct nl_msg *a_request(uint32_t *quota_offset)
{
	struct nl_msg *msg = message();

	nla_put_u64(msg, KVMGOV_A_VM_ID, 7);
	*quota_offset = nlmsg_hdr(msg)->nlmsg_len;
	nla_put_u64(msg, KVMGOV_A_VM_CPU_QUOTA_US, 1);
	return msg;
}

/* The kernel's answer to @request: an error with text and the offset of an attribute. */
static struct nl_msg *an_error(struct nlmsghdr *request, int flags, int error, const char *text,
			       uint32_t offset)
{
	struct nl_msg *msg = nlmsg_alloc();
	struct nlmsghdr *nlh = nlmsg_put(msg, 0, request->nlmsg_seq, NLMSG_ERROR, 0, flags);
	struct nlmsgerr *body = nlmsg_reserve(msg, sizeof(*body), 0);

	body->error = error;
	body->msg = *request;
	if (!(flags & NLM_F_CAPPED)) {
		int rest = request->nlmsg_len - NLMSG_HDRLEN;

		memcpy(nlmsg_reserve(msg, NLMSG_ALIGN(rest), 0), nlmsg_data(request), rest);
	}
	if (text)
		nla_put_string(msg, NLMSGERR_ATTR_MSG, text);
	if (offset)
		nla_put_u32(msg, NLMSGERR_ATTR_OFFS, offset);
	(void)nlh;
	return msg;
}

static struct answer read_error(int flags, int error, const char *text, bool blame, int cut)
{
	struct answer ans = { .attr = -1, .missing = -1 };
	struct nl_msg *request, *reply;
	uint32_t offset;

	request = a_request(&offset);
	reply = an_error(nlmsg_hdr(request), flags, error, text, blame ? offset : 0);
	nlmsg_hdr(reply)->nlmsg_len -= cut;
	answer_read_error(&ans, nlmsg_hdr(request), nlmsg_hdr(reply));
	nlmsg_free(request);
	nlmsg_free(reply);
	return ans;
}

static void test_errors(void)
{
	static const int flags[] = { NLM_F_ACK_TLVS | NLM_F_CAPPED, NLM_F_ACK_TLVS };
	struct answer ans;
	bool ok = true;
	size_t i;
	int cut;

	for (i = 0; i < ARRAY_SIZE(flags); i++) {
		ans = read_error(flags[i], -ERANGE, "too little", true, 0);
		ok &= EXPECT(ans.code == ERANGE && !strcmp(ans.text, "too little") &&
			     ans.attr == KVMGOV_A_VM_CPU_QUOTA_US);
	}
	ans = read_error(NLM_F_CAPPED, -EPERM, NULL, false, 0);
	ok &= EXPECT(ans.code == EPERM && !ans.text[0] && ans.attr == -1);
	ans = read_error(NLM_F_CAPPED, 0, NULL, false, 0);
	ok &= EXPECT(ans.code == 0);
	/* A message cut anywhere is survived, and its error code still believed. */
	for (cut = 4; cut <= 64; cut += 4) {
		ans = read_error(NLM_F_ACK_TLVS, -ERANGE, "too little", true, cut);
		ok &= EXPECT(ans.code == ERANGE || ans.code == EPROTO);
	}
	report(ok, "errors with extended ACKs");
}

static void test_refused(void)
{
	struct kvmgov_request req = { .set = &kvmgov_set_vm, .what = "change VM 7" };
	struct answer ans = {
		.code = ERANGE,
		.text = "too little",
		.attr = KVMGOV_A_VM_CPU_QUOTA_US,
		.missing = -1,
	};
	struct kvmgov_error err;
	bool ok = true;

	ok &= EXPECT(refused(&req, &ans, &err) == -1 && err.code == ERANGE);
	ok &= EXPECT(!strcmp(err.text, "cannot change VM 7: too little (attribute cpu-quota-us)"));
	ok &= EXPECT(!strcmp(err.attribute, "cpu-quota-us"));
	ans.attr = 999; /* one that this library does not know */
	refused(&req, &ans, &err);
	ok &= EXPECT(!strcmp(err.text, "cannot change VM 7: too little") && !err.attribute[0]);
	ans = (struct answer){ .code = EINVAL, .attr = -1, .missing = KVMGOV_A_VM_ID };
	refused(&req, &ans, &err);
	ok &= EXPECT(strstr(err.text, "(missing attribute id)"));
	ans = (struct answer){ .code = EPERM, .attr = -1, .missing = -1 };
	refused(&req, &ans, &err);
	ok &= EXPECT(strstr(err.text, "CAP_SYS_ADMIN"));
	ok &= EXPECT(refused(&req, &ans, NULL) == -1);
	report(ok, "a refusal in words");
}

static void test_attr_at(void)
{
	uint32_t offset, i;
	struct nl_msg *msg = a_request(&offset);
	bool ok = true;

	ok &= EXPECT(attr_at(nlmsg_hdr(msg), offset) == KVMGOV_A_VM_CPU_QUOTA_US);
	ok &= EXPECT(attr_at(nlmsg_hdr(msg), 0) == -1);
	ok &= EXPECT(attr_at(nlmsg_hdr(msg), UINT32_MAX) == -1);
	ok &= EXPECT(attr_at(nlmsg_hdr(msg), UINT32_MAX - 3) == -1);
	for (i = nlmsg_hdr(msg)->nlmsg_len - 3; i < 4096; i++)
		ok &= EXPECT(attr_at(nlmsg_hdr(msg), i) == -1);
	nlmsg_free(msg);
	report(ok, "the attribute to blame");
}

/* --- records --- */

static struct kvmgov_record *make_vm(uint64_t id, const char *name, uint32_t pid,
				     const uint8_t *uuid)
{
	struct nl_msg *msg = message();
	struct kvmgov_record *rec;

	nla_put_u64(msg, KVMGOV_A_VM_ID, id);
	nla_put_string(msg, KVMGOV_A_VM_NAME, name);
	nla_put_u32(msg, KVMGOV_A_VM_PID, pid);
	nla_put_string(msg, KVMGOV_A_VM_COMM, "tinyvmm");
	nla_put_u64(msg, KVMGOV_A_VM_CPU_QUOTA_US, 50000);
	nla_put_u32(msg, KVMGOV_A_VM_CPU_PERIOD_US, 100000);
	if (uuid)
		nla_put(msg, KVMGOV_A_VM_UUID, KVMGOV_UUID_LEN, uuid);
	nla_put_u64(msg, KVMGOV_A_VM_MAX + 7, 1); /* from the future */
	rec = kvmgov_record_from_msg(&kvmgov_set_vm, nlmsg_hdr(msg), NULL);
	nlmsg_free(msg);
	return rec;
}

static void test_record(void)
{
	static const uint8_t uuid[KVMGOV_UUID_LEN] = { 1 }, zero[KVMGOV_UUID_LEN];
	struct kvmgov_vm *vm = (struct kvmgov_vm *)make_vm(UINT64_MAX - 1, "web", 99, uuid);
	struct kvmgov_error err = { 0 };
	struct nl_msg *msg;
	bool ok = true;

	ok &= EXPECT(vm && kvmgov_vm_id(vm) == UINT64_MAX - 1 && kvmgov_vm_pid(vm) == 99);
	ok &= EXPECT(!strcmp(kvmgov_vm_name(vm), "web") && !memcmp(kvmgov_vm_uuid(vm), uuid, 16));
	ok &= EXPECT(!kvmgov_vm_has(vm, KVMGOV_A_VM_AGE_NS) && !kvmgov_vm_age_ns(vm));
	ok &= EXPECT(!kvmgov_vm_has(vm, 12345) && kvmgov_vm_has(vm, KVMGOV_A_VM_PID));
	kvmgov_vm_free(vm);
	vm = (struct kvmgov_vm *)make_vm(1, "", 1, zero);
	ok &= EXPECT(!kvmgov_vm_uuid(vm));
	kvmgov_vm_free(vm);

	msg = message();
	nla_put_u32(msg, KVMGOV_A_VM_ID, 1); /* too short for it */
	ok &= EXPECT(!kvmgov_record_from_msg(&kvmgov_set_vm, nlmsg_hdr(msg), &err) &&
		     err.code == EPROTO);
	nlmsg_free(msg);
	msg = message();
	nla_put(msg, KVMGOV_A_VM_NAME, 3, "abc"); /* without its NUL */
	ok &= EXPECT(!kvmgov_record_from_msg(&kvmgov_set_vm, nlmsg_hdr(msg), &err));
	nlmsg_free(msg);
	report(ok, "attributes that are new, absent or broken");
}

/* --- finding VMs --- */

static struct kvmgov_vm_list list;

static void add_vm(uint64_t id, const char *name, uint32_t pid, const uint8_t *uuid)
{
	kvmgov_record_list_add(&list.list, make_vm(id, name, pid, uuid), NULL);
}

static uint64_t find(const char *word, struct kvmgov_error *err)
{
	const struct kvmgov_vm *vm = kvmgov_vm_list_find(&list, word, err);

	return vm ? kvmgov_vm_id(vm) : 0;
}

static void test_find(void)
{
	static const uint8_t uuid[KVMGOV_UUID_LEN] = { 0x12, 0x3e };
	static const char uuid_text[] = "123e0000-0000-0000-0000-000000000000";
	struct kvmgov_error err = { 0 };
	bool ok = true;

	ok &= EXPECT(!find("x", &err) && err.code == ENOENT && strstr(err.text, "there is none"));
	add_vm(1, "web", 500, uuid);
	add_vm(2, "db", 600, NULL);
	add_vm(3, "", 600, NULL);	 /* one process, two VMs */
	add_vm(500, "batch", 700, NULL); /* an id that is another's pid */
	ok &= EXPECT(find("1", &err) == 1 && find("web", &err) == 1 && find("db", &err) == 2);
	ok &= EXPECT(find("700", &err) == 500 && find("pid:700", &err) == 500);
	ok &= EXPECT(find(uuid_text, &err) == 1);
	ok &= EXPECT(find("uuid:123E0000-0000-0000-0000-000000000000", &err) == 1);
	ok &= EXPECT(!find("500", &err) && err.code == ENOTUNIQ);
	ok &= EXPECT(strstr(err.text, "1 (web), 500 (batch)") && !strstr(err.text, "db"));
	ok &= EXPECT(find("id:500", &err) == 500 && find("pid:500", &err) == 1);
	ok &= EXPECT(!find("600", &err) && err.code == ENOTUNIQ && strstr(err.text, "pid 600"));
	ok &= EXPECT(!find("nosuch", &err) && err.code == ENOENT);
	ok &= EXPECT(!strcmp(err.text, "there is no VM 'nosuch'; there are: 1 (web), 2 (db), 3 "
				       "(pid 600, tinyvmm), 500 (batch)"));
	ok &= EXPECT(!find("", &err) && !find("name:", &err) && !find("uuid:", &err));
	ok &= EXPECT(!find("id:", &err) && !find("0", &err) && !find("we", &err));
	ok &= EXPECT(!find("18446744073709551617", &err)); /* 2^64 + 1 is not 1 */
	report(ok, "VMs found by id, name, UUID and pid");
}

static void test_find_many(void)
{
	struct kvmgov_error err = { 0 };
	char word[2000];
	bool ok = true;
	uint64_t id;

	for (id = 1000; id < 2000; id++)
		add_vm(id, "a-name-of-some-length", 1, NULL);
	ok &= EXPECT(!find("nosuch", &err) && strstr(err.text, " more"));
	ok &= EXPECT(!find("pid:1", &err) && strstr(err.text, " more"));
	ok &= EXPECT(strstr(err.text, "say which")); /* not cut off */
	memset(word, 'w', sizeof(word));
	word[sizeof(word) - 1] = '\0';
	ok &= EXPECT(!find(word, &err) && strstr(err.text, " more"));
	kvmgov_record_list_clear(&list.list);
	report(ok, "many VMs do not drown the message");
}

/* --- changes --- */

/* What a change sends; false if it is refused. */
static bool sends(const char *const *words, uint64_t *quota, uint32_t *period, bool *named,
		  struct kvmgov_error *err)
{
	static const struct kvmgov_limits limits = { 100, 4096000000, 1000, 1000000, 60000000 };
	struct kvmgov_vm *vm = (struct kvmgov_vm *)make_vm(7, "web", 1, NULL);
	struct kvmgov_change *chg = kvmgov_change_new(vm, &limits, err);
	struct nlattr *tb[KVMGOV_A_VM_MAX + 1];
	struct nl_msg *msg = message();
	bool ok = true;

	kvmgov_vm_free(vm);
	for (; ok && *words; words += 2)
		ok = !kvmgov_change_set(chg, words[0], words[1], err);
	ok = ok && !put_change(chg, msg, err);
	if (ok) {
		genlmsg_parse(nlmsg_hdr(msg), 0, tb, KVMGOV_A_VM_MAX, kvmgov_set_vm.policy);
		*quota = tb[KVMGOV_A_VM_CPU_QUOTA_US] ? nla_get_u64(tb[KVMGOV_A_VM_CPU_QUOTA_US])
						      : 0;
		*period = tb[KVMGOV_A_VM_CPU_PERIOD_US] ? nla_get_u32(tb[KVMGOV_A_VM_CPU_PERIOD_US])
							: 0;
		*named = tb[KVMGOV_A_VM_NAME];
		ok = EXPECT(nla_get_u64(tb[KVMGOV_A_VM_ID]) == 7 && !tb[KVMGOV_A_VM_STATE]);
	}
	nlmsg_free(msg);
	kvmgov_change_free(chg);
	return ok;
}

#define WORDS(...) ((const char *const[]){ __VA_ARGS__, NULL })

static void test_change(void)
{
	struct kvmgov_error err;
	uint64_t quota;
	uint32_t period;
	bool named, ok = true;

	ok &= EXPECT(sends(WORDS("cpu", "25%"), &quota, &period, &named, &err));
	ok &= EXPECT(quota == 25000 && !period && !named);
	/* The VM has 50% of 100 ms: alone, a new period keeps the percentage. */
	ok &= EXPECT(sends(WORDS("period", "10ms"), &quota, &period, &named, &err));
	ok &= EXPECT(quota == 5000 && period == 10000);
	ok &= EXPECT(sends(WORDS("cpu", "25%", "period", "10ms"), &quota, &period, &named, &err));
	ok &= EXPECT(quota == 2500 && period == 10000);
	ok &= EXPECT(sends(WORDS("period", "10ms", "cpu", "max"), &quota, &period, &named, &err));
	ok &= EXPECT(quota == KVMGOV_QUOTA_NONE && period == 10000);
	ok &= EXPECT(sends(WORDS("name", ""), &quota, &period, &named, &err));
	ok &= EXPECT(!quota && !period && named);
	/* 0.05% is too little of 100 ms, but not of the second that follows. */
	ok &= EXPECT(sends(WORDS("cpu", "0.05%", "period", "1s"), &quota, &period, &named, &err));
	ok &= EXPECT(quota == 500 && period == 1000000);
	ok &= EXPECT(!sends(WORDS("cpu", "0.05%"), &quota, &period, &named, &err));
	ok &= EXPECT(err.code == ERANGE && strstr(err.text, "from 0.1%"));
	report(ok, "what a change sends");

	ok = EXPECT(!sends(WORDS("cpus", "1"), &quota, &period, &named, &err));
	ok &= EXPECT(!strcmp(err.text, "unknown key 'cpus'; allowed: cpu, period, credit, "
				       "credit.balance, cpu.steal, name, uuid"));
	ok &= EXPECT(!sends(WORDS("", "1"), &quota, &period, &named, &err));
	ok &= EXPECT(!sends(WORDS("cpu", "1", "cpu", "2"), &quota, &period, &named, &err));
	ok &= EXPECT(!strcmp(err.text, "cpu is given twice"));
	ok &= EXPECT(!sends(WORDS("cpu", "banana"), &quota, &period, &named, &err));
	ok &= EXPECT(strstr(err.text, "at a period of 100ms"));
	ok &= EXPECT(!sends(WORDS("cpu", "10%", "uuid", "x"), &quota, &period, &named, &err));
	ok &= EXPECT(!strcmp(err.attribute, "uuid"));
	ok &= EXPECT(!sends(WORDS("credit", "61s"), &quota, &period, &named, &err));
	ok &= EXPECT(err.code == ERANGE && !strcmp(err.attribute, "credit") &&
		     !strcmp(err.text, "credit of 61s is too much; allowed: 0 to 60s"));
	ok &= EXPECT(!sends(WORDS("credit", "1ns"), &quota, &period, &named, &err));
	ok &= EXPECT(!sends(WORDS("credit", "5s", "credit.balance", "6s"), &quota, &period, &named,
			    &err));
	ok &= EXPECT(
		strstr(err.text, "credit.balance of 6s is too much; allowed: 0 to 5s, the VM"));
	ok &= EXPECT(sends(WORDS("credit.balance", "6s", "credit", "6s"), &quota, &period, &named,
			   &err));
	report(ok, "what a change refuses");
}

int main(void)
{
	printf("TAP version 13\n1..8\n");
	test_errors();
	test_refused();
	test_attr_at();
	test_record();
	test_find();
	test_find_many();
	test_change();
	return nr_failed || nr_tests != 8;
}
