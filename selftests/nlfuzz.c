// SPDX-License-Identifier: GPL-2.0-only
/*
 * nlfuzz: the netlink family takes any storm of bad messages. Each of them is
 * answered as netlink has it, answers agree with the spec, what was taken is
 * what the VMs then have, and what was refused has changed nothing.
 *
 * Messages come from the tables that are made of the YAML spec. Many of them
 * share a system call.
 */
#define _GNU_SOURCE
#include <inttypes.h>
#include <linux/kvmgov.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "batch.h"
#include "gov.h"
#include "judge.h"
#include "model.h"
#include "mutate.h"
#include "nl.h"
#include "spec.h"
#include "test.h"

#define NOBODY	   65534
#define NR_VMS	   4
#define NR_BUFFERS 64
#define BUFFER	   (96 << 10)
#define QUEUE	   (16 << 20)

static long seed = 1, messages = 20000;

static const struct test_option options[] = {
	{ "seed", &seed, "where the messages come from" },
	{ "messages", &messages, "how many root sends; nobody sends a quarter as many" },
	{}
};

/**
 * struct storm - one sender
 * @link:	its socket
 * @look:	a socket to look at the VMs with, where it is open
 * @m:		makes the messages
 * @batch:	what was sent last
 * @model:	what the VMs must have now
 * @vms:	each of them
 * @judge:	judges what comes of it
 */
struct storm {
	struct link *link;
	struct link look;
	struct mutator m;
	struct batch batch;
	struct model model;
	struct vm_config vms[NR_VMS];
	struct judge judge;
};

static char *buffers;
static uint64_t ids[NR_VMS];

/* --- the storm --- */

/* Receive all that is there; false on an error. */
static bool drain(struct judge *j, int fd, void (*fn)(struct judge *, const struct nlmsghdr *))
{
	struct mmsghdr v[NR_BUFFERS];
	struct iovec iov[NR_BUFFERS];
	int i, nr;

	memset(v, 0, sizeof(v));
	for (i = 0; i < NR_BUFFERS; i++) {
		iov[i] = (struct iovec){ buffers + i * BUFFER, BUFFER };
		v[i].msg_hdr.msg_iov = &iov[i];
		v[i].msg_hdr.msg_iovlen = 1;
	}
	while ((nr = recvmmsg(fd, v, NR_BUFFERS, MSG_DONTWAIT, NULL)) > 0) {
		for (i = 0; i < nr; i++) {
			struct nlmsghdr *nlh = iov[i].iov_base;
			int len = v[i].msg_len;

			if (v[i].msg_hdr.msg_flags & MSG_TRUNC)
				judge_fault(j, NULL, "an answer that is larger than any", 0);
			for (; NLMSG_OK(nlh, len); nlh = NLMSG_NEXT(nlh, len))
				fn(j, nlh);
		}
	}
	if (errno == EAGAIN)
		return true;
	judge_fault(j, NULL, "receiving", errno);
	return false;
}

struct seen {
	struct judge *judge;
	unsigned int nr;
};

static void look_at(const struct nlmsghdr *nlh, void *arg)
{
	struct seen *seen = arg;

	seen->nr += judge_vm(seen->judge, nlh);
}

/* All VMs are there, and have what they must. */
static void look(struct storm *s)
{
	struct seen seen = { .judge = &s->judge };
	struct answer a = {};

	do {
		seen.nr = 0;
		a = ask(&s->look, message(&s->look, GET, NLM_F_DUMP), look_at, &seen);
	} while (a.interrupted && !a.error);
	if (a.silent || a.error)
		judge_fault(&s->judge, NULL, "reading the VMs", a.silent ? ETIMEDOUT : -a.error);
	if (seen.nr != NR_VMS)
		judge_fault(&s->judge, NULL, "VMs are missing", 0);
}

static void blow(struct storm *s, uint64_t nr)
{
	struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };

	while (s->judge.tally.messages < nr && s->judge.trouble < MAX_TROUBLE) {
		const struct batch *b = &s->batch;

		batch_make(&s->batch, &s->m);
		s->judge.tally.messages += b->nr_found;
		if (sendto(s->link->fd, b->bytes, b->len, 0, (struct sockaddr *)&kernel,
			   sizeof(kernel)) != (ssize_t)b->len)
			judge_fault(&s->judge, NULL, "sending", errno);
		if (!drain(&s->judge, s->link->fd, judge_answer))
			return;
		judge_batch(&s->judge);
		if (s->judge.root)
			look(s);
	}
}

/* --- the cases --- */

static void set_queue(const struct link *link, bool whole)
{
	int size = QUEUE, cap = !whole;

	/* As much as one may have, and then what root may have. */
	setsockopt(link->fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	setsockopt(link->fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	setsockopt(link->fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size));
	setsockopt(link->fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size));
	setsockopt(link->fd, SOL_NETLINK, NETLINK_CAP_ACK, &cap, sizeof(cap));
}

struct range {
	uint64_t quota_min, quota_max, quota, period_min, period_max, period;
	uint64_t credit_max;
};

static void read_range(const struct nlmsghdr *nlh, void *arg)
{
	struct nlattr *tb[KVMGOV_A_INFO_MAX + 1];
	struct range *r = arg;

	genlmsg_parse((struct nlmsghdr *)nlh, 0, tb, KVMGOV_A_INFO_MAX, NULL);
	r->quota_min = nla_get_u64(tb[KVMGOV_A_INFO_QUOTA_MIN_US]);
	r->quota_max = nla_get_u64(tb[KVMGOV_A_INFO_QUOTA_MAX_US]);
	r->quota = nla_get_u64(tb[KVMGOV_A_INFO_DEFAULT_QUOTA_US]);
	r->period_min = nla_get_u32(tb[KVMGOV_A_INFO_PERIOD_MIN_US]);
	r->period_max = nla_get_u32(tb[KVMGOV_A_INFO_PERIOD_MAX_US]);
	r->period = nla_get_u32(tb[KVMGOV_A_INFO_DEFAULT_PERIOD_US]);
	r->credit_max = nla_get_u64(tb[KVMGOV_A_INFO_CREDIT_MAX_US]);
}

/* Learn by asking what is legal; the spec leaves that to the module. */
static void prepare(struct storm *s, struct link *link)
{
	static struct legal legal[7];
	struct range r = {};
	struct answer a = ask(link, message(link, KVMGOV_CMD_INFO_GET, 0), read_range, &r);
	size_t i;

	NEED(!a.error && a.nr == 1 && r.period_max, "no information");
	legal[0] = (struct legal){ .set = &spec_vm, .attr = ID, .of = ids, .nr = NR_VMS };
	legal[1] = (struct legal){
		.set = &spec_vcpu, .attr = KVMGOV_A_VCPU_VM_ID, .of = ids, .nr = NR_VMS
	};
	legal[2] = (struct legal){ .set = &spec_vm,
				   .attr = QUOTA,
				   .min = r.quota_min,
				   .max = r.quota_max,
				   .extra = KVMGOV_QUOTA_NONE };
	legal[3] = (struct legal){
		.set = &spec_vm, .attr = PERIOD, .min = r.period_min, .max = r.period_max
	};
	legal[4] = (struct legal){
		.set = &spec_exit, .attr = KVMGOV_A_EXIT_VM_ID, .of = ids, .nr = NR_VMS
	};
	legal[5] = (struct legal){ .set = &spec_vm, .attr = CREDIT_MAX, .max = r.credit_max };
	legal[6] = (struct legal){ .set = &spec_vm, .attr = CREDIT, .max = r.credit_max };
	s->m = (struct mutator){ .rng.state = seed,
				 .family = link->family,
				 .legal = legal,
				 .nr_legal = ARRAY_SIZE(legal) };
	s->judge = (struct judge){
		.seed = seed, .family = link->family, .batch = &s->batch, .model = &s->model
	};
	s->link = link;
	s->model.vms = s->vms;
	s->model.nr = NR_VMS;
	s->model.defaults.quota_us = r.quota;
	s->model.defaults.period_us = r.period;
	s->model.defaults.steal = KVMGOV_STEAL_ON;
	for (i = 0; i < NR_VMS; i++) {
		s->vms[i] = s->model.defaults;
		s->vms[i].id = ids[i];
	}
	if (!buffers)
		buffers = mmap(NULL, NR_BUFFERS * BUFFER, PROT_READ | PROT_WRITE,
			       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	NEED(buffers != MAP_FAILED, "no memory");
}

/*
 * Guests that spin run behind all others: behind the sender, and behind whoever
 * holds a lock that the sender waits for. Threads inherit the nice value.
 */
static void start_behind(struct vmm *vmm)
{
	setpriority(PRIO_PROCESS, 0, 19);
	vmm_start(vmm);
	setpriority(PRIO_PROCESS, 0, 0);
}

static void start_vms(struct vmm *vmms[NR_VMS])
{
	static const struct vmm_opts opts[NR_VMS] = {
		{ .nr_vcpus = 1, .mode = VMM_SPIN },
		{ .nr_vcpus = 2, .mode = VMM_MIX },
		{ .nr_vcpus = 1, .mode = VMM_CPUID },
		{ .nr_vcpus = 1, .mode = VMM_PARK },
	};
	size_t i;

	gov_need();
	for (i = 0; i < NR_VMS; i++) {
		vmms[i] = gov_create(&opts[i]);
		start_behind(vmms[i]);
		ids[i] = gov_find(vmms[i]);
	}
}

/* VMs that come and go, so that some of them are hit while they do. */
static void come_and_go(void *arg)
{
	const struct vmm_opts opts = { .nr_vcpus = 1, .mode = VMM_SPIN };
	struct vmm *vmm;
	int64_t start;

	(void)arg;
	for (start = test_now(); (vmm = vmm_launch(&opts)); start = test_now()) {
		POLL(NS_PER_S, vmm_total_work(vmm));
		vmm_destroy(vmm);
		/* One of these costs as much as a hundred messages, or a thousand. */
		test_sleep(10 * (test_now() - start));
	}
}

static void tell(const struct storm *s, int64_t ns)
{
	const struct tally *t = &s->judge.tally;
	char line[512] = "";
	size_t i, n = 0;

	test_diag("%" PRIu64 " messages in %u batches, %.1f s: %.0f messages/s", t->messages,
		  s->batch.nr, ns / 1e9, t->messages * 1e9 / ns);
	test_diag("%" PRIu64 " requests taken, %" PRIu64 " refused; %" PRIu64 " changes, %" PRIu64
		  " messages with data, %" PRIu64 " notifications",
		  t->taken, t->refused, t->changes, t->replies, t->notified);
	for (i = 1; i < ARRAY_SIZE(t->errors) && n < sizeof(line) - 40; i++)
		if (t->errors[i])
			n += snprintf(line + n, sizeof(line) - n, " %s %" PRIu64,
				      strerrorname_np(i), t->errors[i]);
	test_diag("errors:%s", line);
}

/* Nothing that the spec has was left out. */
static void check_coverage(const struct storm *s)
{
	size_t i;

	if (s->judge.tally.messages < 5000)
		return;
	for (i = 0; i < nr_spec_ops; i++) {
		const struct spec_op *op = &spec_ops[i];

		if (!op->notify.there)
			CHECK(s->judge.tally.taken_by_cmd[op->cmd], "%s was never taken", op->name);
		CHECK(s->judge.tally.refused_by_cmd[op->cmd], "%s was never refused", op->name);
	}
}

/* After the storm, the VMs can be set and run as ever. */
static void check_vms(struct vmm *vmms[NR_VMS])
{
	uint64_t work;
	size_t i;

	for (i = 0; i < NR_VMS; i++) {
		NEED(!gov_write("running", "vms/%" PRIu64 "/state", ids[i]), "cannot thaw");
		gov_set(ids[i], GOV_NONE, 100000);
	}
	for (i = 0; i < NR_VMS; i++) {
		work = vmm_total_work(vmms[i]);
		if (vmms[i]->opts.mode != VMM_PARK)
			CHECK(POLL(60 * NS_PER_S, vmm_total_work(vmms[i]) > work),
			      "VM %" PRIu64 " stands still", ids[i]);
		gov_check_vmm(vmms[i]);
	}
}

static void as_root(const void *arg)
{
	static struct storm s;
	struct vmm *vmms[NR_VMS];
	struct link link, listener;
	int64_t start, took;
	uint64_t created;
	int half, status;
	pid_t pid;
	size_t i;

	(void)arg;
	start_vms(vmms);
	for (i = 0; i < NR_VMS; i++)
		gov_set(ids[i], GOV_NONE, 100000);
	need_link(&link);
	need_link(&listener);
	NEED(!link_join(&listener, KVMGOV_MCGRP_CONFIG) &&
		     !link_join(&listener, KVMGOV_MCGRP_EVENTS),
	     "cannot listen");
	set_queue(&listener, false);
	memset(&s, 0, sizeof(s));
	prepare(&s, &link);
	need_link(&s.look);
	s.judge.root = true;
	created = gov_u64("stats/vms_created");
	pid = test_fork(come_and_go, NULL);
	start = test_now();
	for (half = 0; half < 16; half++) {
		set_queue(&link, half & 1);
		blow(&s, messages * (half + 1) / 16);
		drain(&s.judge, listener.fd, judge_notification);
		if (messages >= 100000)
			test_diag("%" PRIu64 " messages", s.judge.tally.messages);
	}
	took = test_now() - start;
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL, "no VM could be made any more");
	tell(&s, took);
	test_diag("%" PRIu64 " VMs came and went", gov_u64("stats/vms_created") - created);
	check_coverage(&s);
	check_vms(vmms);
	link_close(&s.look);
	link_close(&listener);
	link_close(&link);
	for (i = 0; i < NR_VMS; i++)
		gov_end(vmms[i]);
	gov_no_leak();
}

/**
 * struct outsider - one who may not do anything
 * @link:	the socket that root has opened, or NULL
 */
struct outsider {
	struct link *link;
};

/* In a child; what it says goes to the same place. */
static void storm_as_nobody(void *arg)
{
	const struct outsider *outsider = arg;
	static struct storm s;
	struct link root, own;
	int64_t start;

	memset(&s, 0, sizeof(s));
	if (!link_open(&root))
		_exit(102);
	prepare(&s, &root);
	if (outsider->link)
		s.link = outsider->link;
	if (setgid(NOBODY) || setuid(NOBODY))
		_exit(100);
	if (!outsider->link) {
		if (!link_open(&own))
			_exit(102);
		s.link = &own;
	}
	set_queue(s.link, false);
	start = test_now();
	blow(&s, messages / 4);
	tell(&s, test_now() - start);
	fflush(stdout);
	_exit(s.judge.trouble ? 1 : 0);
}

static void as_nobody(const void *arg)
{
	char before[NR_VMS][512], after[512];
	struct outsider outsider = {};
	struct vmm *vmms[NR_VMS];
	struct link link = {};
	int status;
	pid_t pid;
	size_t i;

	start_vms(vmms);
	for (i = 0; i < NR_VMS; i++) {
		gov_set(ids[i], 10000, 100000);
		vm_snapshot(before[i], sizeof(before[i]), ids[i]);
	}
	if (arg) {
		need_link(&link);
		set_queue(&link, false);
		outsider.link = &link;
	}
	pid = test_fork(storm_as_nobody, &outsider);
	waitpid(pid, &status, 0);
	CHECK(WIFEXITED(status) && !WEXITSTATUS(status), "status %x", status);
	for (i = 0; i < NR_VMS; i++) {
		vm_snapshot(after, sizeof(after), ids[i]);
		CHECK(!strcmp(before[i], after), "%s became %s", before[i], after);
	}
	check_vms(vmms);
	link_close(&link);
	for (i = 0; i < NR_VMS; i++)
		gov_end(vmms[i]);
	gov_no_leak();
}

static const struct test_case cases[] = {
	{ "a storm of messages: what is good is done, and nothing else", as_root, NULL },
	{ "a storm from nobody: all of it is refused", as_nobody, NULL },
	{ "a storm from nobody over root's socket: all of it is refused", as_nobody, "root's" },
};

int main(int argc, char **argv)
{
	test_init(argc, argv, options);
	test_diag("--seed=%ld --messages=%ld", seed, messages);
	test_main(cases, ARRAY_SIZE(cases));
}
