// SPDX-License-Identifier: GPL-2.0-only
/*
 * credit: quota that a VM leaves unused is kept, up to a maximum, and used above
 * the quota later, at the rate that it was kept at; the balance can be read and
 * set, and is part of the final record.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <inttypes.h>
#include <netlink/attr.h>
#include <netlink/genl/genl.h>
#include <stdlib.h>
#include <string.h>

#include "gov.h"
#include "nl.h"
#include "test.h"

#define QUOTA_US  10000
#define PERIOD_US 100000

static long credit_ms = 5000;
static long seconds = 10;
static long error_limit = 300;

static const struct test_option options[] = {
	{ "credit-ms", &credit_ms, "credit that is used up" },
	{ "seconds", &seconds, "how long is measured afterwards" },
	{ "error", &error_limit, "allowed error in thousandths of a point" },
	{}
};

static const struct vmm_opts spin = { .nr_vcpus = 1, .mode = VMM_SPIN };
static const struct vmm_opts parked = { .nr_vcpus = 1, .mode = VMM_PARK };

static uint64_t balance(uint64_t id)
{
	return gov_u64("vms/%" PRIu64 "/cpu/credit_us", id);
}

static uint64_t held(uint64_t id)
{
	return gov_u64("vms/%" PRIu64 "/cpu/nr_held", id);
}

/* A VM that is idle keeps one quota each period, until the maximum is reached. */
static void kept(const void *arg)
{
	struct vmm *vmm;
	int64_t start;
	uint64_t id;
	double ms, kept_ms, least;

	(void)arg;
	vmm = gov_start(&parked, &id);
	gov_set(id, QUOTA_US, PERIOD_US);
	CHECK(!balance(id), "%" PRIu64 " us from the beginning", balance(id));
	gov_must_write(5 * QUOTA_US, "vms/%" PRIu64 "/cpu/credit_max_us", id);
	start = test_now();
	CHECK(POLL(10 * NS_PER_S, balance(id) >= 3 * QUOTA_US), "nothing is kept");
	ms = (test_now() - start) / (double)NS_PER_MS;
	kept_ms = balance(id) / 1e3;
	test_diag("%.3f ms were kept in %.0f ms", kept_ms, ms);
	/* Periods that have ended, less what a thread that sleeps has used. */
	CHECK(kept_ms <= (ms + PERIOD_US / 1e3) * QUOTA_US / PERIOD_US + 0.5,
	      "more than was left unused");
	least = (ms - PERIOD_US / 1e3) * QUOTA_US / PERIOD_US - 0.5;
	CHECK(kept_ms >= least || balance(id) == 5 * QUOTA_US, "less than was left unused");
	CHECK(POLL(10 * NS_PER_S, balance(id) == 5 * QUOTA_US), "%" PRIu64 " us", balance(id));
	test_sleep(3LL * PERIOD_US * NS_PER_US);
	CHECK(balance(id) == 5 * QUOTA_US, "%" PRIu64 " us, more than the maximum", balance(id));

	gov_must_write(2 * QUOTA_US, "vms/%" PRIu64 "/cpu/credit_max_us", id);
	CHECK(balance(id) == 2 * QUOTA_US, "%" PRIu64 " us under a lower maximum", balance(id));
	gov_must_write(0, "vms/%" PRIu64 "/cpu/credit_max_us", id);
	CHECK(!balance(id), "%" PRIu64 " us under a maximum of 0", balance(id));
	gov_end(vmm);
}

/* What may be set, what may not, and what other changes do to it. */
static void settable(const void *arg)
{
	const struct attr too_much[MAX_ATTRS] = {
		THE_ID,
		U64(QUOTA, 2 * QUOTA_US),
		U64(CREDIT_MAX, 1000),
		U64(CREDIT, 1001),
	};
	struct nl_msg *msg;
	struct link link;
	struct answer a;
	struct vmm *vmm;
	uint64_t id, us;
	int err;

	(void)arg;
	vmm = gov_start(&parked, &id);
	need_link(&link);
	gov_set(id, QUOTA_US, PERIOD_US);
	gov_must_write(1000000, "vms/%" PRIu64 "/cpu/credit_max_us", id);
	gov_must_write(1000000, "vms/%" PRIu64 "/cpu/credit_us", id);
	CHECK(balance(id) == 1000000, "%" PRIu64, balance(id));
	err = gov_write("1000001", "vms/%" PRIu64 "/cpu/credit_us", id);
	CHECK(err == -ERANGE, "more than the maximum: %s", strerror(-err));
	CHECK(balance(id) == 1000000, "%" PRIu64, balance(id));

	msg = message(&link, SET, 0);
	put_attrs(msg, too_much, &id);
	a = ask(&link, msg, NULL, NULL);
	CHECK(a.error == -ERANGE && strstr(a.text, "credit"), "%s: %s", strerror(-a.error), a.text);
	CHECK(gov_u64("vms/%" PRIu64 "/cpu/quota_us", id) == QUOTA_US, "half of it was done");

	/* Without a limit nothing is left unused, and nothing is used above it. */
	gov_must_write(5000, "vms/%" PRIu64 "/cpu/credit_us", id);
	gov_set(id, GOV_NONE, PERIOD_US);
	us = balance(id);
	test_sleep(3LL * PERIOD_US * NS_PER_US);
	CHECK(us >= 5000 && balance(id) == us, "%" PRIu64 " us became %" PRIu64 " without a limit",
	      us, balance(id));
	msg = message(&link, RESET, 0);
	put_attrs(msg, (const struct attr[MAX_ATTRS]){ THE_ID }, &id);
	a = ask(&link, msg, NULL, NULL);
	CHECK(!a.error && !balance(id) && !gov_u64("vms/%" PRIu64 "/cpu/credit_max_us", id),
	      "a reset leaves credit");
	link_close(&link);
	gov_end(vmm);
}

/* CPU time of the vCPUs, in percent of @ns. */
static double share(const struct vmm *vmm, int64_t ns)
{
	int64_t start = test_now(), cpu = vmm_cpu_ns(vmm);

	test_sleep(ns);
	return 100.0 * (vmm_cpu_ns(vmm) - cpu) / (test_now() - start);
}

/*
 * All of the CPU as long as the credit goes, the quota from then on. How long that
 * is in wall time depends on who else runs; in CPU time it is the credit and a
 * quota for each period.
 */
static void drained(const void *arg)
{
	double paid_ms, used_ms, got;
	uint64_t id, periods;
	struct vmm *vmm;
	int64_t cpu;

	(void)arg;
	vmm = gov_start(&spin, &id);
	gov_write("frozen", "vms/%" PRIu64 "/state", id);
	gov_wait_still(vmm);
	gov_set(id, QUOTA_US, PERIOD_US);
	gov_must_write(credit_ms * 1000, "vms/%" PRIu64 "/cpu/credit_max_us", id);
	gov_must_write(credit_ms * 1000, "vms/%" PRIu64 "/cpu/credit_us", id);
	periods = gov_u64("vms/%" PRIu64 "/cpu/nr_periods", id);
	cpu = vmm_cpu_ns(vmm);
	gov_write("running", "vms/%" PRIu64 "/state", id);

	/* It goes by what is used above the quota: 0.9 of a CPU. */
	got = share(vmm, credit_ms * NS_PER_MS);
	CHECK(got >= 99, "%.3f %% of a CPU while there is credit", got);
	CHECK(!held(id), "held %" PRIu64 " times while there is credit", held(id));
	test_diag("%.3f %% for %ld ms; %.3f ms of credit are left", got, credit_ms,
		  balance(id) / 1e3);
	NEED(POLL(10 * NS_PER_S, held(id)), "never held");
	used_ms = (vmm_cpu_ns(vmm) - cpu) / (double)NS_PER_MS;
	periods = gov_u64("vms/%" PRIu64 "/cpu/nr_periods", id) - periods + 1;
	paid_ms = credit_ms + periods * (QUOTA_US / 1e3);
	test_diag("held after %.3f ms of CPU time in %" PRIu64 " periods, which pay for %.3f",
		  used_ms, periods, paid_ms);
	CHECK(used_ms <= paid_ms + 1, "%.3f ms were used, of %.3f", used_ms, paid_ms);
	/* What it did not use of the first period, and maybe one that has begun since. */
	CHECK(used_ms >= paid_ms - 2 * QUOTA_US / 1e3 - 1, "%.3f ms were used, of %.3f", used_ms,
	      paid_ms);
	CHECK(!balance(id), "%" PRIu64 " us are left", balance(id));
	got = share(vmm, seconds * NS_PER_S);
	test_diag("%.3f %% of a CPU afterwards", got);
	CHECK(got >= 10 - error_limit / 1e3 && got <= 10 + error_limit / 1e3,
	      "%.3f %% of a CPU without credit", got);
	CHECK(!balance(id), "%" PRIu64 " us came out of nothing", balance(id));
	gov_check_vmm(vmm);
	gov_end(vmm);
}

/**
 * struct last - the final record of a VM
 * @id:		the VM
 * @credit_us:	the balance that it tells of, or GOV_NONE
 */
struct last {
	uint64_t id;
	uint64_t credit_us;
};

static bool is_last(const struct nlmsghdr *nlh, void *arg)
{
	struct nlattr *id = nlmsg_find_attr((struct nlmsghdr *)nlh, GENL_HDRLEN, ID);
	struct nlattr *us = nlmsg_find_attr((struct nlmsghdr *)nlh, GENL_HDRLEN, CREDIT);
	const struct genlmsghdr *hdr = nlmsg_data(nlh);
	struct last *last = arg;

	if (hdr->cmd != KVMGOV_CMD_VM_END_NTF || !id || nla_get_u64(id) != last->id)
		return false;
	last->credit_us = us ? nla_get_u64(us) : GOV_NONE;
	return true;
}

static void recorded(const void *arg)
{
	struct last last = {};
	struct link events;
	struct vmm *vmm;
	uint64_t id;

	(void)arg;
	need_link(&events);
	vmm = gov_start(&parked, &id);
	NEED(!link_join(&events, KVMGOV_MCGRP_EVENTS), "cannot listen");
	gov_set(id, QUOTA_US, PERIOD_US);
	gov_must_write(3600000000, "vms/%" PRIu64 "/cpu/credit_max_us", id);
	gov_must_write(1800000000, "vms/%" PRIu64 "/cpu/credit_us", id);
	gov_end(vmm);
	last.id = id;
	NEED(link_hear(&events, is_last, &last), "no final record");
	CHECK(last.credit_us >= 1800000000 && last.credit_us <= 1800000000 + 100 * QUOTA_US,
	      "the final record has %" PRIu64 " us", last.credit_us);
	link_close(&events);
}

/* A new VM may keep what the defaults say. */
static void born(const void *arg)
{
	struct vmm *vmm;
	uint64_t id;

	(void)arg;
	gov_need();
	NEED(!gov_write("70000", "defaults/cpu/credit_max_us"), "defaults");
	vmm = gov_start(&parked, &id);
	CHECK(gov_u64("vms/%" PRIu64 "/cpu/credit_max_us", id) == 70000, "another maximum");
	CHECK(!balance(id), "born with %" PRIu64 " us", balance(id));
	gov_end(vmm);
}

static const struct test_case cases[] = {
	{ "what a VM leaves unused is kept, up to a maximum", kept, NULL },
	{ "the balance can be set, within the maximum", settable, NULL },
	{ "credit is used up at the rate above the quota, then the quota holds", drained, NULL },
	{ "the final record has the balance", recorded, NULL },
	{ "a VM is born with the maximum of the defaults, and no credit", born, NULL },
};

int main(int argc, char **argv)
{
	test_init(argc, argv, options);
	test_main(cases, ARRAY_SIZE(cases));
}
