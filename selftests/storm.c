// SPDX-License-Identifier: GPL-2.0-only
/*
 * storm: VMs are made, run and ended by the thousand, several at a time, while
 * others list them, read them and change them; and many live at once.
 */
#define _GNU_SOURCE
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "gov.h"
#include "nl.h"
#include "test.h"

#define MAX_WORKERS 16
#define THREADS	    2		     /* of each worker */
#define PAUSE	    (10 * NS_PER_MS) /* of those who list, read and change */
#define PATIENCE    (120 * NS_PER_S)

static long vms = 400;
static long workers = 3;
static long at_once = 300;

static const struct test_option options[] = { { "vms", &vms, "how many VMs come and go" },
					      { "workers", &workers,
						"how many processes make them" },
					      { "at-once", &at_once, "how many VMs live at once" },
					      {} };

/**
 * struct tally - what the processes of a storm have done, in shared memory
 * @start:	when it began
 * @made:	VMs that were made, run and ended
 * @worked:	those whose guest did something
 * @dumps:	lists of all VMs
 * @marked:	those that say that they are not consistent
 * @seen:	VMs in all these lists together
 * @changed:	changes that the module has accepted
 * @refused:	changes refused because the VM had ended or the name was taken
 * @read:	files read in sysfs
 * @stop:	who lists, reads and changes is to end
 */
struct tally {
	int64_t start;
	uint64_t made;
	uint64_t worked;
	uint64_t dumps;
	uint64_t marked;
	uint64_t seen;
	uint64_t changed;
	uint64_t refused;
	uint64_t read;
	bool stop;
};

static struct tally *tally;

static void count(uint64_t *what)
{
	__atomic_add_fetch(what, 1, __ATOMIC_RELAXED);
}

static bool stopped(void)
{
	return __atomic_load_n(&tally->stop, __ATOMIC_RELAXED);
}

/* Whoever ends so has its reason in the log and makes the case fail. */
static void __attribute__((noreturn)) die(const char *what, int err)
{
	test_diag("%s: %s", what, strerror(err));
	fflush(stdout);
	_exit(1);
}

/* One VM from beginning to end; the @n-th of this worker. */
static void one_vm(unsigned long n)
{
	static const enum vmm_mode modes[] = { VMM_SPIN, VMM_CPUID, VMM_OUT,
					       VMM_MIX,	 VMM_TOUCH, VMM_PARK };
	const struct vmm_opts opts = {
		.nr_vcpus = 1 + n % 3,
		.mode = modes[n % ARRAY_SIZE(modes)],
		.irqchip = n % 7 == 0,
	};
	struct vmm *vmm = vmm_launch(&opts);

	if (!vmm)
		die("cannot make a VM", errno);
	/* Some are ended before, some after they have been noticed. */
	if (n % 4)
		POLL(500 * NS_PER_MS, vmm_total_work(vmm) || vmm->vcpu[0].nr_exits);
	if (n % 4 == 3)
		test_sleep(10 * NS_PER_MS);
	if (vmm_total_work(vmm))
		count(&tally->worked);
	if (vmm_error(vmm))
		die("a vCPU", vmm_error(vmm));
	vmm_destroy(vmm);
}

static void *make_vms(void *arg)
{
	uint64_t n;

	while ((n = __atomic_fetch_add(&tally->made, 1, __ATOMIC_RELAXED)) < (uint64_t)vms) {
		one_vm(n);
		if (n % 1000 == 999) {
			test_diag("%" PRIu64 " VMs in %.0f s", n + 1,
				  (test_now() - tally->start) / 1e9);
			fflush(stdout);
		}
	}
	/* One too much was counted to see the end. */
	__atomic_sub_fetch(&tally->made, 1, __ATOMIC_RELAXED);
	return arg;
}

static void work(void *arg)
{
	pthread_t threads[THREADS];
	unsigned int i;

	(void)arg;
	setpriority(PRIO_PROCESS, 0, 5);
	for (i = 0; i < THREADS; i++)
		if (pthread_create(&threads[i], NULL, make_vms, NULL))
			die("no thread", EAGAIN);
	for (i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
}

struct list {
	uint64_t ids[GOV_MAX_VMS];
	uint64_t quota[GOV_MAX_VMS];
	size_t nr;
	bool disorder;
};

static void collect(const struct nlmsghdr *nlh, void *arg)
{
	struct nlattr *attr = nlmsg_find_attr((struct nlmsghdr *)nlh, GENL_HDRLEN, ID);
	struct list *list = arg;

	if (!attr || list->nr == GOV_MAX_VMS) {
		list->disorder = true;
		return;
	}
	list->ids[list->nr] = nla_get_u64(attr);
	attr = nlmsg_find_attr((struct nlmsghdr *)nlh, GENL_HDRLEN, QUOTA);
	list->quota[list->nr] = attr ? nla_get_u64(attr) : GOV_NONE;
	if (list->nr && list->ids[list->nr] <= list->ids[list->nr - 1])
		list->disorder = true;
	list->nr++;
}

static struct answer dump(const struct link *link, struct list *list)
{
	list->nr = 0;
	list->disorder = false;
	return ask(link, message(link, GET, NLM_F_DUMP), collect, list);
}

/* A child's link must not end a case that is its parent's. */
static void open_link(struct link *link)
{
	if (!link_open(link))
		die("no netlink", errno);
}

static void list_vms(void *arg)
{
	static struct list list;
	struct link link;
	struct answer a;

	(void)arg;
	open_link(&link);
	while (!stopped()) {
		a = dump(&link, &list);
		if (a.error || a.silent)
			die("dump", a.silent ? ETIMEDOUT : -a.error);
		if (list.disorder)
			die("dump: ids not ascending", EPROTO);
		count(&tally->dumps);
		if (a.interrupted)
			count(&tally->marked);
		__atomic_add_fetch(&tally->seen, list.nr, __ATOMIC_RELAXED);
		test_sleep(PAUSE);
	}
	link_close(&link);
}

/* Changes of all kinds; a name that two want, a VM that has just gone. */
static const struct change {
	int cmd;
	struct attr attrs[MAX_ATTRS];
} changes[] = {
	{ SET, { THE_ID, U64(QUOTA, 1000), U32(PERIOD, 100000) } },
	{ SET, { THE_ID, STR(NAME, "web") } },
	{ SET, { THE_ID, U32(STATE, KVMGOV_VM_STATE_FROZEN) } },
	{ SET, { THE_ID, U64(QUOTA, 50000) } },
	{ SET, { THE_ID, STR(NAME, "db"), U32(STATE, KVMGOV_VM_STATE_RUNNING) } },
	{ SET, { THE_ID, U32(PERIOD, 1000), U64(QUOTA, 100) } },
	{ SET, { THE_ID, STR(NAME, ""), U32(STATE, KVMGOV_VM_STATE_FROZEN) } },
	{ SET, { THE_ID, U64(QUOTA, UINT64_MAX), U32(STATE, KVMGOV_VM_STATE_RUNNING) } },
	{ RESET, { THE_ID } },
};

static struct nl_msg *some_change(const struct link *link, unsigned int n, const uint64_t *id)
{
	const struct change *change = &changes[n % ARRAY_SIZE(changes)];
	struct nl_msg *msg = message(link, change->cmd, 0);

	put_attrs(msg, change->attrs, id);
	return msg;
}

static void change_vms(void *arg)
{
	static struct list list;
	struct link link;
	struct answer a;
	unsigned int n = 0;
	size_t i;

	(void)arg;
	open_link(&link);
	while (!stopped()) {
		a = dump(&link, &list);
		if (a.error || a.silent)
			die("dump", a.silent ? ETIMEDOUT : -a.error);
		for (i = 0; i < list.nr; i++) {
			a = ask(&link, some_change(&link, n++, &list.ids[i]), NULL, NULL);
			if (a.silent)
				die("no answer", ETIMEDOUT);
			if (!a.error)
				count(&tally->changed);
			else if (a.error == -ENOENT || a.error == -ENODEV || a.error == -EEXIST)
				count(&tally->refused);
			else
				die(a.text, -a.error);
		}
		test_sleep(PAUSE);
	}
	link_close(&link);
}

/* What is read may vanish at any moment, and is whole until then. */
static void read_vms(void *arg)
{
	static const char *const files[] = {
		"pid",	       "comm",	      "state",		 "name",
		"uuid",	       "nr_vcpus",    "cpu/quota_us",	 "cpu/usage_ns",
		"cpu/nr_held", "vcpus/0/tid", "vcpus/0/nr_exits"
	};
	static uint64_t ids[GOV_MAX_VMS];
	size_t i, nr, f;
	char text[128];
	int err;

	(void)arg;
	while (!stopped()) {
		nr = gov_vms(ids, GOV_MAX_VMS);
		for (i = 0; i < nr; i++) {
			for (f = 0; f < ARRAY_SIZE(files); f++) {
				err = gov_read(text, sizeof(text), "vms/%" PRIu64 "/%s", ids[i],
					       files[f]);
				if (!err)
					count(&tally->read);
				else if (err != -ENOENT && err != -ENODEV)
					die(files[f], -err);
			}
			gov_write(f % 2 ? "20000" : "max", "vms/%" PRIu64 "/cpu/quota_us", ids[i]);
		}
		test_sleep(PAUSE);
	}
}

static bool ended_well(pid_t pid)
{
	int status = -1;

	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return !status;
}

static void come_and_go(const void *arg)
{
	static void (*const others[])(void *) = { list_vms, change_vms, read_vms };
	pid_t pids[MAX_WORKERS], other[ARRAY_SIZE(others)];
	uint64_t created;
	unsigned int i;

	(void)arg;
	NEED(workers > 0 && workers <= MAX_WORKERS, "--workers");
	gov_need();
	gov_no_leak();
	tally = mmap(NULL, sizeof(*tally), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		     0);
	NEED(tally != MAP_FAILED, "no memory");
	created = gov_u64("stats/vms_created");
	tally->start = test_now();
	for (i = 0; i < ARRAY_SIZE(others); i++)
		other[i] = test_fork(others[i], NULL);
	for (i = 0; i < workers; i++)
		pids[i] = test_fork(work, NULL);
	for (i = 0; i < workers; i++)
		CHECK(ended_well(pids[i]), "worker %u", i);
	__atomic_store_n(&tally->stop, true, __ATOMIC_RELAXED);
	for (i = 0; i < ARRAY_SIZE(others); i++)
		CHECK(ended_well(other[i]), "who lists, changes or reads: %u", i);
	created = gov_u64("stats/vms_created") - created;
	test_diag("%" PRIu64 " VMs (%" PRIu64 " of them governed) in %.1f s", tally->made, created,
		  (test_now() - tally->start) / 1e9);
	test_diag("meanwhile %" PRIu64 " lists (%" PRIu64 " marked as inconsistent) of %" PRIu64
		  " VMs, %" PRIu64 " changes (%" PRIu64 " refused), %" PRIu64 " files",
		  tally->dumps, tally->marked, tally->seen, tally->changed, tally->refused,
		  tally->read);
	CHECK(tally->made == (uint64_t)vms, "%" PRIu64 " of %ld VMs", tally->made, vms);
	/* Those that were ended at once were perhaps never entered twice. */
	CHECK(created <= tally->made && created >= tally->made / 2, "%" PRIu64 " attached",
	      created);
	CHECK(tally->dumps && tally->seen && tally->changed && tally->read, "nobody was looking");
	munmap(tally, sizeof(*tally));
	gov_no_leak();
}

static uint64_t sum_of(const char *file, const uint64_t *ids, size_t nr)
{
	uint64_t sum = 0;
	size_t i;

	for (i = 0; i < nr; i++)
		sum += gov_u64("vms/%" PRIu64 "/%s", ids[i], file);
	return sum;
}

static void count_messages(const struct nlmsghdr *nlh, void *arg)
{
	(void)nlh;
	++*(unsigned long *)arg;
}

/* All that the interfaces say of this many VMs agrees. */
static void all_agree(const struct link *link, const uint64_t *ids, uint64_t quota)
{
	static struct list list;
	unsigned long vcpus = 0;
	long i, wrong = 0;
	struct answer a;

	a = dump(link, &list);
	CHECK(!a.error && !a.interrupted && !a.silent, "%s%s", strerror(-a.error),
	      a.interrupted ? ", interrupted" : "");
	NEED(list.nr == (size_t)at_once && !list.disorder, "%zu VMs in the list", list.nr);
	for (i = 0; i < at_once; i++)
		wrong += list.ids[i] != ids[i] || list.quota[i] != quota;
	CHECK(!wrong, "%ld VMs are not the ones in sysfs, or have another limit", wrong);
	a = ask(link, message(link, VCPUS, NLM_F_DUMP), count_messages, &vcpus);
	CHECK(!a.error && vcpus == sum_of("nr_vcpus", ids, at_once), "%lu vCPUs in the list",
	      vcpus);
}

static void set_all(const struct link *link, const uint64_t *ids)
{
	const struct attr attrs[MAX_ATTRS] = { THE_ID, U64(QUOTA, 2000) };
	struct nl_msg *msg;
	struct answer a;
	long i;

	for (i = 0; i < at_once; i++) {
		msg = message(link, SET, 0);
		put_attrs(msg, attrs, &ids[i]);
		a = ask(link, msg, NULL, NULL);
		NEED(!a.error && !a.silent, "%s", a.text);
	}
}

static void many_at_once(const void *arg)
{
	static const enum vmm_mode modes[] = { VMM_SPIN, VMM_CPUID, VMM_OUT, VMM_MIX };
	static struct vmm *vmm[GOV_MAX_VMS];
	static uint64_t ids[GOV_MAX_VMS];
	uint64_t created;
	struct link link;
	int64_t start;
	long i;

	(void)arg;
	NEED(at_once > 0 && at_once < GOV_MAX_VMS, "--at-once");
	need_link(&link);
	gov_no_leak();
	created = gov_u64("stats/vms_created");
	gov_set_defaults(1000, 1000000);
	start = test_now();
	/* Whoever looks must not queue behind all who spin. */
	NEED(!setpriority(PRIO_PROCESS, 0, -10), "setpriority: %s", strerror(errno));
	for (i = 0; i < at_once; i++) {
		const struct vmm_opts opts = { .nr_vcpus = 1 + i % 2,
					       .mode = modes[i % ARRAY_SIZE(modes)] };

		vmm[i] = i % 5 ? gov_launch(&opts) : gov_fork(&opts);
	}
	NEED(POLL(PATIENCE, gov_vms(ids, GOV_MAX_VMS) == (size_t)at_once), "%zu of %ld VMs",
	     gov_vms(ids, GOV_MAX_VMS), at_once);
	CHECK(POLL(PATIENCE, sum_of("nr_vcpus", ids, at_once) == (uint64_t)(at_once + at_once / 2)),
	      "%" PRIu64 " vCPUs", sum_of("nr_vcpus", ids, at_once));
	test_diag("%ld VMs made and governed in %.1f s", at_once, (test_now() - start) / 1e9);
	all_agree(&link, ids, 1000);
	CHECK(POLL(PATIENCE, sum_of("cpu/nr_held", ids, at_once) >= 2 * (uint64_t)at_once),
	      "held %" PRIu64 " times", sum_of("cpu/nr_held", ids, at_once));
	set_all(&link, ids);
	all_agree(&link, ids, 2000);

	start = test_now();
	for (i = 0; i < at_once; i++) {
		gov_check_vmm(vmm[i]);
		if (i % 5)
			gov_end(vmm[i]);
		else
			gov_kill(vmm[i]);
	}
	gov_no_leak();
	test_diag("all ended in %.1f s", (test_now() - start) / 1e9);
	CHECK(gov_u64("stats/vms_created") == created + at_once, "%" PRIu64 " created",
	      gov_u64("stats/vms_created") - created);
	CHECK(!gov_vms(ids, GOV_MAX_VMS), "%zu VMs are left", gov_vms(ids, GOV_MAX_VMS));
	setpriority(PRIO_PROCESS, 0, 0);
	link_close(&link);
}

static const struct test_case cases[] = {
	{ "VMs come and go while others list, read and change them", come_and_go, NULL },
	{ "many VMs at once, governed and listed", many_at_once, NULL },
};

int main(int argc, char **argv)
{
	test_init(argc, argv, options);
	test_main(cases, ARRAY_SIZE(cases));
}
