// SPDX-License-Identifier: GPL-2.0-only
/*
 * uring: a vCPU's thread uses io_uring beside KVM_RUN. Completions come
 * while the vCPU is held, and the limit holds all the same.
 */
#define _GNU_SOURCE
#include <inttypes.h>
#include <linux/io_uring.h>
#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "gov.h"
#include "test.h"

#define PATIENCE (60 * NS_PER_S)
#define QUOTA	 20000
#define PERIOD	 100000
#define MAY	 (100.0 * QUOTA / PERIOD)
#define NR_CQES	 64

static long seconds = 3;

static const struct test_option options[] = {
	{ "seconds", &seconds, "how long CPU time is measured" }, {}
};

static const struct vmm_opts spin = { .nr_vcpus = 1, .mode = VMM_SPIN };

/**
 * struct ring - an io_uring, by hand
 * @fd:		its descriptor
 * @sq:		the mapping of both queues
 * @sqes:	the requests
 * @params:	where everything is
 */
struct ring {
	int fd;
	char *sq;
	struct io_uring_sqe *sqes;
	struct io_uring_params params;
};

static unsigned int *ring_word(const struct ring *ring, uint32_t offset)
{
	return (unsigned int *)(ring->sq + offset);
}

static void ring_open(struct ring *ring, unsigned int flags)
{
	const struct io_uring_params *p = &ring->params;

	memset(ring, 0, sizeof(*ring));
	ring->params.flags = flags;
	ring->fd = syscall(SYS_io_uring_setup, NR_CQES / 2, &ring->params);
	if (ring->fd < 0)
		test_skip("no io_uring here: %s", strerror(errno));
	NEED(p->features & IORING_FEAT_SINGLE_MMAP, "an io_uring of before 5.4");
	ring->sq = mmap(NULL, p->cq_off.cqes + p->cq_entries * sizeof(struct io_uring_cqe),
			PROT_READ | PROT_WRITE, MAP_SHARED, ring->fd, IORING_OFF_SQ_RING);
	ring->sqes = mmap(NULL, p->sq_entries * sizeof(struct io_uring_sqe), PROT_READ | PROT_WRITE,
			  MAP_SHARED, ring->fd, IORING_OFF_SQES);
	NEED(ring->sq != MAP_FAILED && ring->sqes != MAP_FAILED, "mmap: %s", strerror(errno));
}

static void ring_close(struct ring *ring)
{
	const struct io_uring_params *p = &ring->params;

	munmap(ring->sqes, p->sq_entries * sizeof(struct io_uring_sqe));
	munmap(ring->sq, p->cq_off.cqes + p->cq_entries * sizeof(struct io_uring_cqe));
	close(ring->fd);
}

static bool ring_submit(struct ring *ring, const struct io_uring_sqe *sqe)
{
	unsigned int mask = *ring_word(ring, ring->params.sq_off.ring_mask);
	unsigned int *tail = ring_word(ring, ring->params.sq_off.tail);
	unsigned int at = *tail & mask;

	ring->sqes[at] = *sqe;
	ring_word(ring, ring->params.sq_off.array)[at] = at;
	__atomic_store_n(tail, *tail + 1, __ATOMIC_RELEASE);
	return syscall(SYS_io_uring_enter, ring->fd, 1, 0, 0, NULL, 0) == 1;
}

/* Take a completion out, without asking the kernel. */
static bool ring_reap(struct ring *ring, struct io_uring_cqe *cqe)
{
	unsigned int mask = *ring_word(ring, ring->params.cq_off.ring_mask);
	unsigned int *head = ring_word(ring, ring->params.cq_off.head);
	struct io_uring_cqe *cqes = (struct io_uring_cqe *)(ring->sq + ring->params.cq_off.cqes);

	if (*head == __atomic_load_n(ring_word(ring, ring->params.cq_off.tail), __ATOMIC_ACQUIRE))
		return false;
	*cqe = cqes[*head & mask];
	__atomic_store_n(head, *head + 1, __ATOMIC_RELEASE);
	return true;
}

enum request {
	TIMEOUT,
	POLL_ADD,
	READ,
	NR_REQUESTS
};

#define TIMEOUT_MS 25
#define MAX_SEEN   4096

/**
 * struct uring - a vCPU thread that uses io_uring beside KVM_RUN
 * @vmm:	its VM
 * @ring:	its ring
 * @event:	what is polled and read
 * @buffer:	where that is read to
 * @timeout:	of the timeout
 * @sent:	when the request under way was sent, or became due
 * @late:	how long after that a completion was seen
 * @nr:		how many
 * @by_kind:	and of which
 * @failed:	something did not work
 * @quit:	it is to end
 */
static struct uring {
	struct vmm *vmm;
	struct ring ring;
	int event;
	uint64_t buffer;
	struct __kernel_timespec timeout;
	int64_t sent[NR_REQUESTS];
	int64_t late[MAX_SEEN];
	unsigned int nr;
	unsigned int by_kind[NR_REQUESTS];
	bool failed;
	bool quit;
} uring;

static void request(enum request what)
{
	struct io_uring_sqe sqe = { .user_data = what, .fd = uring.event };

	switch (what) {
	case TIMEOUT:
		uring.timeout.tv_nsec = TIMEOUT_MS * NS_PER_MS;
		sqe.opcode = IORING_OP_TIMEOUT;
		sqe.fd = -1;
		sqe.addr = (uintptr_t)&uring.timeout;
		sqe.len = 1;
		uring.sent[what] = test_now() + TIMEOUT_MS * NS_PER_MS;
		break;
	case POLL_ADD:
		sqe.opcode = IORING_OP_POLL_ADD;
		sqe.poll32_events = POLLIN;
		break;
	case READ:
		sqe.opcode = IORING_OP_READ;
		sqe.addr = (uintptr_t)&uring.buffer;
		sqe.len = sizeof(uring.buffer);
		break;
	default:
		return;
	}
	if (!ring_submit(&uring.ring, &sqe))
		uring.failed = true;
}

static void completed(const struct io_uring_cqe *cqe)
{
	enum request what = cqe->user_data;
	int64_t sent = __atomic_load_n(&uring.sent[what], __ATOMIC_ACQUIRE);

	if (cqe->res < 0 && cqe->res != -ETIME)
		uring.failed = true;
	if (uring.nr < MAX_SEEN)
		uring.late[uring.nr++] = test_now() - sent;
	uring.by_kind[what]++;
	/* What was read is read; what is only polled wants the reader first. */
	request(what);
}

static void *run_with_uring(void *arg)
{
	struct io_uring_cqe cqe;
	int what;

	vmm_adopt(&uring.vmm->vcpu[0]);
	/* Task work is done by the thread that has submitted. */
	for (what = 0; what < NR_REQUESTS; what++)
		request(what);
	while (!__atomic_load_n(&uring.quit, __ATOMIC_ACQUIRE) && vmm_run_once(&uring.vmm->vcpu[0]))
		while (ring_reap(&uring.ring, &cqe))
			completed(&cqe);
	return arg;
}

static void make_ready(void *arg)
{
	static unsigned int n;
	uint64_t one = 1;

	(void)arg;
	if (++n % 10)
		return;
	__atomic_store_n(&uring.sent[POLL_ADD], test_now(), __ATOMIC_RELEASE);
	__atomic_store_n(&uring.sent[READ], test_now(), __ATOMIC_RELEASE);
	if (write(uring.event, &one, sizeof(one)) != sizeof(one))
		uring.failed = true;
}

/**
 * struct uring_setting - with what flags, and in what hold
 * @flags:	of io_uring_setup()
 * @frozen:	the VM is frozen, rather than limited
 */
static const struct uring_setting {
	unsigned int flags;
	bool frozen;
} uring_plain = {}, uring_frozen = { .frozen = true },
  uring_coop = { .flags = IORING_SETUP_COOP_TASKRUN };

static void with_uring(const void *arg)
{
	const struct uring_setting *setting = arg;
	uint64_t id, work, eintr;
	pthread_t thread;
	int64_t begin;
	int what;

	gov_need();
	memset(&uring, 0, sizeof(uring));
	ring_open(&uring.ring, setting->flags);
	uring.event = eventfd(0, EFD_CLOEXEC);
	uring.vmm = gov_create(&spin);
	NEED(!pthread_create(&thread, NULL, run_with_uring, NULL), "no thread");
	id = gov_find(uring.vmm);
	gov_set(id, QUOTA, PERIOD);
	if (setting->frozen)
		NEED(!gov_write("frozen", "vms/%" PRIu64 "/state", id), "cannot freeze");
	eintr = uring.vmm->vcpu[0].nr_eintr;
	if (setting->frozen) {
		begin = test_now();
		while (test_now() - begin < seconds * NS_PER_S) {
			test_sleep(5 * NS_PER_MS);
			make_ready(NULL);
		}
		NEED(!gov_write("running", "vms/%" PRIu64 "/state", id), "cannot thaw");
	} else {
		gov_within_limit("with io_uring", MAY, seconds, make_ready, NULL);
	}
	eintr = uring.vmm->vcpu[0].nr_eintr - eintr;
	work = vmm_total_work(uring.vmm);
	CHECK(POLL(PATIENCE, vmm_total_work(uring.vmm) > work), "the guest stands still");
	__atomic_store_n(&uring.quit, true, __ATOMIC_RELEASE);
	vmm_kick(&uring.vmm->vcpu[0]);
	pthread_join(thread, NULL);
	CHECK(!uring.failed, "io_uring");
	for (what = 0; what < NR_REQUESTS; what++)
		CHECK(uring.by_kind[what], "no completion of kind %d", what);
	NEED(uring.nr, "no completions");
	test_sort(uring.late, uring.nr);
	test_diag("%u completions, %" PRIu64 " times EINTR; seen after %.2f ms, 90%% %.2f ms, "
		  "longest %.2f ms",
		  uring.nr, eintr, test_percentile(uring.late, uring.nr, 50) / 1e6,
		  test_percentile(uring.late, uring.nr, 90) / 1e6, uring.late[uring.nr - 1] / 1e6);
	/* A hold lasts 80 ms; none of them may wait for its end. */
	CHECK(test_percentile(uring.late, uring.nr, 50) < 40 * NS_PER_MS, "completions come late");
	gov_check_vmm(uring.vmm);
	gov_end(uring.vmm);
	close(uring.event);
	ring_close(&uring.ring);
	gov_no_leak();
}

static const struct test_case cases[] = {
	{ "io_uring completes beside a limited vCPU", with_uring, &uring_plain },
	{ "io_uring completes beside a frozen vCPU", with_uring, &uring_frozen },
	{ "io_uring completes beside a vCPU, without interrupting it", with_uring, &uring_coop },
};

int main(int argc, char **argv)
{
	test_init(argc, argv, options);
	test_main(cases, ARRAY_SIZE(cases));
}
