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
#include "model.h"
#include "mutate.h"
#include "nl.h"
#include "spec.h"
#include "test.h"

#define NOBODY	    65534
#define NR_VMS	    4
#define NR_BUFFERS  64
#define BUFFER	    (96 << 10)
#define QUEUE	    (16 << 20)
#define MAX_TROUBLE 8
#define MAX_ERRNO   4095

static long seed = 1, messages = 20000;

static const struct test_option options[] = { { "seed", &seed, "where the messages come from" },
					      { "messages", &messages,
						"how many root sends; nobody sends half as many" },
					      {} };

struct tally {
	uint64_t messages, taken, refused, changes, replies, notified;
	uint64_t errors[134];
	uint64_t taken_by_cmd[256], refused_by_cmd[256];
};

/**
 * struct storm - one sender
 * @link:	its socket
 * @look:	a socket to look at the VMs with, where it is open
 * @root:	changes are to be taken, and looked for
 * @m:		makes the messages
 * @model:	what the VMs must have now
 * @vms:	each of them
 * @trouble:	faults so far
 * @batch:	what was sent last
 * @tally:	what came of it all
 */
struct storm {
	struct link *link;
	struct link look;
	bool root;
	struct mutator m;
	struct model model;
	struct vm_config vms[NR_VMS];
	unsigned int trouble;
	struct batch batch;
	struct tally tally;
};

static char *buffers;
static uint64_t ids[NR_VMS];

static void show(const struct nlmsghdr *nlh, size_t room)
{
	const uint8_t *p = (const uint8_t *)nlh;
	char line[3 * 32 + 1];
	size_t i, j;

	for (i = 0; i < room && i < 256; i += 32) {
		for (j = 0; j < 32 && i + j < room; j++)
			sprintf(line + 3 * j, "%02x ", p[i + j]);
		test_diag("  %s", line);
	}
}

/* A fault; the first ones are shown. */
static void fault(struct storm *s, const struct found *f, const char *what, int error)
{
	s->trouble++;
	if (s->trouble > MAX_TROUBLE)
		return;
	test_fail("seed %ld, batch %u: %s%s%s", seed, s->batch.nr, what, error ? ": " : "",
		  error ? strerror(error) : "");
	if (f)
		show(f->nlh, f->nlh->nlmsg_len < 256 ? f->nlh->nlmsg_len : 256);
}

/* --- receiving --- */

/* Attributes with text, an offset and more, behind an error. */
static void check_ext_ack(struct storm *s, const struct found *f, const char *data, size_t len)
{
	while (len) {
		struct nlattr nla;
		uint32_t offset;

		if (len < sizeof(nla)) {
			fault(s, f, "extended ACK: bytes that are no attribute", 0);
			return;
		}
		memcpy(&nla, data, sizeof(nla));
		if (nla.nla_len < sizeof(nla) || nla.nla_len > len) {
			fault(s, f, "extended ACK: an attribute beyond its end", 0);
			return;
		}
		if (nla.nla_type == NLMSGERR_ATTR_MSG &&
		    strnlen(data + sizeof(nla), nla.nla_len - sizeof(nla)) + 1 !=
			    nla.nla_len - sizeof(nla))
			fault(s, f, "extended ACK: text that is none", 0);
		if (nla.nla_type == NLMSGERR_ATTR_OFFS) {
			memcpy(&offset, data + sizeof(nla), sizeof(offset));
			if (offset >= f->nlh->nlmsg_len)
				fault(s, f, "extended ACK: an offset beyond the message", 0);
		}
		if ((size_t)NLA_ALIGN(nla.nla_len) >= len)
			return;
		data += NLA_ALIGN(nla.nla_len);
		len -= NLA_ALIGN(nla.nla_len);
	}
}

/* An ACK, an error, or the end of a dump. */
static void take_end(struct storm *s, struct found *f, const struct nlmsghdr *nlh)
{
	const struct nlmsgerr *err = NLMSG_DATA(nlh);
	size_t len = NLMSG_PAYLOAD(nlh, 0), skip = sizeof(int);

	f->ends++;
	if (len < sizeof(int)) {
		fault(s, f, "an end without its error", 0);
		return;
	}
	f->error = err->error < 0 ? -err->error : 0;
	if (f->error > MAX_ERRNO || (nlh->nlmsg_type == NLMSG_ERROR && err->error > 0))
		fault(s, f, "an error that is none", 0);
	if (nlh->nlmsg_type == NLMSG_ERROR) {
		if (len < sizeof(*err)) {
			fault(s, f, "a short error", 0);
			return;
		}
		if (memcmp(&err->msg, f->nlh, sizeof(err->msg)))
			fault(s, f, "an error about another message", 0);
		skip = sizeof(*err);
		if (!(nlh->nlmsg_flags & NLM_F_CAPPED))
			skip += NLMSG_ALIGN(f->nlh->nlmsg_len) - sizeof(err->msg);
	}
	if (nlh->nlmsg_flags & NLM_F_ACK_TLVS) {
		if (skip > len)
			fault(s, f, "an extended ACK without room", 0);
		else
			check_ext_ack(s, f, (const char *)err + skip, len - skip);
	}
}

static void take(struct storm *s, const struct nlmsghdr *nlh)
{
	bool ends = nlh->nlmsg_type == NLMSG_ERROR || nlh->nlmsg_type == NLMSG_DONE;
	struct found *f = batch_find(&s->batch, nlh->nlmsg_seq);
	const char *why;

	if (!f) {
		fault(s, NULL, "an answer to nothing", 0);
		return;
	}
	if (ends) {
		take_end(s, f, nlh);
		return;
	}
	f->data++;
	s->tally.replies++;
	if (f->foreign)
		return;
	why = nlh->nlmsg_type == s->m.family ? spec_check_reply(nlh, f->dump) : "another type";
	if (why)
		fault(s, f, why, 0);
}

/* Receive all that is there; false on an error. */
static bool drain(struct storm *s, int fd, void (*fn)(struct storm *, const struct nlmsghdr *))
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
				fault(s, NULL, "an answer that is larger than any", 0);
			for (; NLMSG_OK(nlh, len); nlh = NLMSG_NEXT(nlh, len))
				fn(s, nlh);
		}
	}
	if (errno == EAGAIN)
		return true;
	fault(s, NULL, "receiving", errno);
	return false;
}

/* --- what must have become of it --- */

static bool may_be_taken(const struct found *f)
{
	const struct nlattr *tb[KVMGOV_A_VM_MAX + 1];

	if (f->error == EBUSY) /* an earlier dump has not been read */
		return f->dump;
	if (f->error != EEXIST || genl_of(f->nlh)->cmd != SET)
		return false;
	vm_attrs(f->nlh, tb);
	return tb[NAME] || tb[UUID];
}

static void judge_ours(struct storm *s, const struct found *f)
{
	const struct spec_op *op;

	if (!has_genl(f->nlh)) {
		if (!f->error)
			fault(s, f, "a request without a header is taken", 0);
		return;
	}
	op = spec_op_by_cmd(genl_of(f->nlh)->cmd);
	if (f->error) {
		s->tally.refused++;
		s->tally.refused_by_cmd[genl_of(f->nlh)->cmd]++;
	} else {
		s->tally.taken++;
		s->tally.taken_by_cmd[genl_of(f->nlh)->cmd]++;
	}
	if (!s->root) {
		if (!f->error)
			fault(s, f, "a request of nobody is taken", 0);
		else if (f->clean && f->error != EPERM && !(f->dump && f->error == EBUSY))
			fault(s, f, "a request of nobody", f->error);
		return;
	}
	if (f->clean && f->error && !may_be_taken(f))
		fault(s, f, "a good request is refused", f->error);
	if (f->error)
		return;
	if (!op || !(f->dump ? op->dumpit.there : op->doit.there)) {
		fault(s, f, "an unknown command is taken", 0);
		return;
	}
	if (!f->dump && f->data != (op->doit.reply ? 1 : 0))
		fault(s, f, "the number of replies is wrong", 0);
	if (f->dump || op->doit.reply)
		return;
	if (model_change(&s->model, f->nlh))
		s->tally.changes++;
	else
		fault(s, f, "a change of no VM is taken", 0);
}

static void judge(struct storm *s)
{
	size_t i;

	for (i = 0; i < s->batch.nr_found; i++) {
		const struct found *f = &s->batch.found[i];

		if (f->foreign)
			continue;
		s->tally.errors[f->error < 134 ? f->error : 0]++;
		if (f->ends > 1)
			fault(s, f, "more than one end of an answer", 0);
		if (!f->ends && (f->dump || f->nlh->nlmsg_flags & NLM_F_ACK))
			fault(s, f, "no answer", 0);
		if (f->ends && !f->dump && !f->error && !(f->nlh->nlmsg_flags & NLM_F_ACK))
			fault(s, f, "an ACK that nobody asked for", 0);
		if (f->ours)
			judge_ours(s, f);
		else if (f->error || f->data)
			fault(s, f, "what is no request is answered", f->error);
	}
}

/* Legal by the contract, whatever has been sent. */
static void check_legal(struct storm *s, const struct vm_config *vm)
{
	const char *p;

	if (vm->quota_us != KVMGOV_QUOTA_NONE && (vm->quota_us < 100 || vm->quota_us > 4096000000))
		fault(s, NULL, "a quota that is not allowed", 0);
	if (vm->period_us < 1000 || vm->period_us > 1000000)
		fault(s, NULL, "a period that is not allowed", 0);
	for (p = vm->name; *p; p++)
		if ((unsigned char)*p < ' ' || *p == 0x7f || *p == '/')
			fault(s, NULL, "a name that is not allowed", 0);
	if (*vm->name && !vm->name[strspn(vm->name, "0123456789")])
		fault(s, NULL, "a name that is a number", 0);
}

struct seen {
	struct storm *s;
	unsigned int nr;
};

static void look_at(const struct nlmsghdr *nlh, void *arg)
{
	const struct found f = { .nlh = nlh };
	const struct nlattr *tb[KVMGOV_A_VM_MAX + 1];
	struct seen *seen = arg;
	struct vm_config *vm, is = {};
	const char *why = spec_check_reply(nlh, true);

	if (why) {
		fault(seen->s, &f, why, 0);
		return;
	}
	vm_attrs(nlh, tb);
	vm = tb[ID] ? model_find(&seen->s->model, nla_get_u64(tb[ID])) : NULL;
	if (!vm)
		return;
	seen->nr++;
	is.id = vm->id;
	vm_config_take(&is, tb);
	check_legal(seen->s, &is);
	if (!memcmp(&is, vm, sizeof(is)))
		return;
	fault(seen->s, NULL, "a VM is not as the changes would have it", 0);
	test_diag("  VM %" PRIu64 " has '%s', state %u, %" PRIu64 "/%u us, expected '%s', %u, "
		  "%" PRIu64 "/%u",
		  is.id, is.name, is.state, is.quota_us, is.period_us, vm->name, vm->state,
		  vm->quota_us, vm->period_us);
	*vm = is;
}

/* All VMs are there, and have what they must. */
static void look(struct storm *s)
{
	struct seen seen = { .s = s };
	struct answer a = {};

	do {
		seen.nr = 0;
		a = ask(&s->look, message(&s->look, GET, NLM_F_DUMP), look_at, &seen);
	} while (a.interrupted && !a.error);
	if (a.silent || a.error)
		fault(s, NULL, "reading the VMs", a.silent ? ETIMEDOUT : -a.error);
	if (seen.nr != NR_VMS)
		fault(s, NULL, "VMs are missing", 0);
}

static void blow(struct storm *s, uint64_t nr)
{
	struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };

	while (s->tally.messages < nr && s->trouble < MAX_TROUBLE) {
		const struct batch *b = &s->batch;

		batch_make(&s->batch, &s->m);
		s->tally.messages += b->nr_found;
		if (sendto(s->link->fd, b->bytes, b->len, 0, (struct sockaddr *)&kernel,
			   sizeof(kernel)) != (ssize_t)b->len)
			fault(s, NULL, "sending", errno);
		if (!drain(s, s->link->fd, take))
			return;
		judge(s);
		if (s->root)
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
}

/* Learn by asking what is legal; the spec leaves that to the module. */
static void prepare(struct storm *s, struct link *link)
{
	static struct legal legal[4];
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
	s->m = (struct mutator){
		.rng.state = seed, .family = link->family, .legal = legal, .nr_legal = 4
	};
	s->link = link;
	s->model.vms = s->vms;
	s->model.nr = NR_VMS;
	s->model.defaults.quota_us = r.quota;
	s->model.defaults.period_us = r.period;
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

	(void)arg;
	while ((vmm = vmm_launch(&opts))) {
		test_sleep(5 * NS_PER_MS);
		vmm_destroy(vmm);
		/* One of these costs as much as a hundred messages. */
		test_sleep(50 * NS_PER_MS);
	}
}

static void tell(const struct storm *s, int64_t ns)
{
	const struct tally *t = &s->tally;
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

static void notified(struct storm *s, const struct nlmsghdr *nlh)
{
	const struct found f = { .nlh = nlh };
	const char *why = spec_check_reply(nlh, false);

	s->tally.notified++;
	if (why)
		fault(s, &f, why, 0);
}

/* Nothing that the spec has was left out. */
static void check_coverage(const struct storm *s)
{
	size_t i;

	if (s->tally.messages < 5000)
		return;
	for (i = 0; i < nr_spec_ops; i++) {
		const struct spec_op *op = &spec_ops[i];

		if (!op->notify.there)
			CHECK(s->tally.taken_by_cmd[op->cmd], "%s was never taken", op->name);
		CHECK(s->tally.refused_by_cmd[op->cmd], "%s was never refused", op->name);
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
	s.root = true;
	created = gov_u64("stats/vms_created");
	pid = test_fork(come_and_go, NULL);
	start = test_now();
	for (half = 0; half < 16; half++) {
		set_queue(&link, half & 1);
		blow(&s, messages * (half + 1) / 16);
		drain(&s, listener.fd, notified);
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
	_exit(s.trouble ? 1 : 0);
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
