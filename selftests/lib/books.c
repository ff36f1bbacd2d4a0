// SPDX-License-Identifier: GPL-2.0-only
/* What kvmgov, the scheduler and KVM keep of a vCPU. */
#define _GNU_SOURCE
#include <errno.h>
#include <inttypes.h>
#include <netlink/genl/genl.h>
#include <stdio.h>
#include <string.h>

#include "books.h"
#include "gov.h"
#include "kvmstat.h"
#include "test.h"

const char *const books_state_names[BOOKS_NR_STATES] = {
	"guest", "exit", "vmm", "halt", "poll", "ready", "held_cpu", "held_mem", "paused",
};

static const int state_attrs[BOOKS_NR_STATES] = {
	KVMGOV_A_VCPU_GUEST_NS,	   KVMGOV_A_VCPU_EXIT_NS,     KVMGOV_A_VCPU_VMM_NS,
	KVMGOV_A_VCPU_HALT_NS,	   KVMGOV_A_VCPU_POLL_NS,     KVMGOV_A_VCPU_READY_NS,
	KVMGOV_A_VCPU_HELD_CPU_NS, KVMGOV_A_VCPU_HELD_MEM_NS, KVMGOV_A_VCPU_PAUSED_NS,
};

/* As quick as this a reading is good; else it is the quickest of so many. */
#define QUICK (2 * NS_PER_MS)
#define READS 10

struct search {
	struct books *books;
	unsigned int index;
	bool found;
};

static void read_vcpu(const struct nlmsghdr *nlh, void *arg)
{
	struct genlmsghdr *hdr = nlmsg_data(nlh);
	struct nlattr *attrs[KVMGOV_A_VCPU_MAX + 1];
	struct search *search = arg;
	unsigned int i;

	if (nla_parse(attrs, KVMGOV_A_VCPU_MAX, genlmsg_attrdata(hdr, 0), genlmsg_attrlen(hdr, 0),
		      NULL) ||
	    !attrs[KVMGOV_A_VCPU_INDEX] || nla_get_u32(attrs[KVMGOV_A_VCPU_INDEX]) != search->index)
		return;
	search->books->age = nla_get_u64(attrs[KVMGOV_A_VCPU_AGE_NS]);
	search->books->usage = nla_get_u64(attrs[KVMGOV_A_VCPU_USAGE_NS]);
	search->books->nr_exits = nla_get_u64(attrs[KVMGOV_A_VCPU_NR_EXITS]);
	for (i = 0; i < BOOKS_NR_STATES; i++) {
		NEED(attrs[state_attrs[i]], "no attribute for %s", books_state_names[i]);
		search->books->state[i] = nla_get_u64(attrs[state_attrs[i]]);
	}
	search->found = true;
}

static void read_schedstat(struct books *books, const struct vmm_vcpu *vcpu)
{
	char path[64];
	int nr = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/schedstat", vcpu->vmm->pid, vcpu->tid);
	f = fopen(path, "r");
	if (f) {
		nr = fscanf(f, "%" SCNd64 " %" SCNd64, &books->cpu, &books->delay);
		fclose(f);
	}
	NEED(nr == 2, "%s: %s", path, strerror(errno));
}

static void read_once(struct books *books, const struct keeper *keeper)
{
	const struct attr attrs[MAX_ATTRS] = { { KVMGOV_A_VCPU_VM_ID, 0, NULL } };
	struct search search = { books, keeper->index, false };
	struct nl_msg *msg = message(keeper->link, VCPUS, NLM_F_DUMP);

	*books = (struct books){ .work = vmm_work(keeper->vmm, keeper->index) };
	put_attrs(msg, attrs, &keeper->id);
	read_schedstat(books, &keeper->vmm->vcpu[keeper->index]);
	books->wall = test_now();
	ask(keeper->link, msg, read_vcpu, &search);
	NEED(search.found, "vCPU %u of VM %" PRIu64 " is not there", keeper->index, keeper->id);
	if (keeper->stats < 0)
		return;
	books->kvm_exits = kvmstat_read(keeper->stats, "exits");
	books->halt = kvmstat_read(keeper->stats, "halt_wait_ns");
	books->poll = kvmstat_read(keeper->stats, "halt_poll_success_ns") +
		      kvmstat_read(keeper->stats, "halt_poll_fail_ns");
}

void books_read(struct books *books, const struct keeper *keeper)
{
	int64_t start, took, quickest = INT64_MAX;
	struct books once = {};
	int i;

	/* One that is interrupted for long is of no use: they would be of two times. */
	for (i = 0; i < READS && quickest > QUICK; i++) {
		start = test_now();
		read_once(&once, keeper);
		took = test_now() - start;
		if (took < quickest) {
			quickest = took;
			*books = once;
		}
	}
}

static int64_t books_held(const struct books *books)
{
	return books->state[BOOKS_HELD_CPU] + books->state[BOOKS_HELD_MEM] +
	       books->state[BOOKS_PAUSED];
}

void books_read_running(struct books *books, const struct keeper *keeper)
{
	int64_t limit = test_now() + 10 * NS_PER_S;
	struct books before;

	books_read(books, keeper);
	do {
		NEED(test_now() < limit, "vCPU %u does not run", keeper->index);
		before = *books;
		test_nap();
		books_read(books, keeper);
	} while (books->cpu == before.cpu || books_held(books) != books_held(&before));
}

void books_subtract(struct books *diff, const struct books *end, const struct books *start)
{
	unsigned int i;

	diff->wall = end->wall - start->wall;
	diff->age = end->age - start->age;
	diff->usage = end->usage - start->usage;
	for (i = 0; i < BOOKS_NR_STATES; i++)
		diff->state[i] = end->state[i] - start->state[i];
	diff->nr_exits = end->nr_exits - start->nr_exits;
	diff->cpu = end->cpu - start->cpu;
	diff->delay = end->delay - start->delay;
	diff->halt = end->halt - start->halt;
	diff->poll = end->poll - start->poll;
	diff->kvm_exits = end->kvm_exits - start->kvm_exits;
	diff->work = end->work - start->work;
}

int64_t books_sum(const struct books *books)
{
	int64_t sum = 0;
	unsigned int i;

	for (i = 0; i < BOOKS_NR_STATES; i++)
		sum += books->state[i];
	return sum;
}
