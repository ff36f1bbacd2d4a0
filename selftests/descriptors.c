// SPDX-License-Identifier: GPL-2.0-only
/*
 * descriptors: a VM's descriptors leave the process that has made it. Children
 * inherit them, exec keeps or closes them, sockets carry them. Whoever else has
 * them cannot run the VM; it lives as long as any of them is open, and nobody is
 * mistaken for the process that runs it.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "gov.h"
#include "test.h"

#define PATIENCE (60 * NS_PER_S)
#define QUOTA	 20000
#define PERIOD	 100000
/* Tight, but a guest gets something done in its first periods. */
#define TIGHT 50000

static long rounds = 10;

static const struct test_option options[] = {
	{ "rounds", &rounds, "how often processes come and go" }, {}
};

static const struct vmm_opts spin = { .nr_vcpus = 1, .mode = VMM_SPIN };

/**
 * struct report - what processes tell each other, in shared memory
 * @ready:	who made the VM has it running
 * @pid:	a process below that one
 * @run_errno:	what KVM_RUN said there
 * @go:		it may end
 */
struct report {
	bool ready;
	pid_t pid;
	int run_errno;
	bool go;
};

static struct report *report;

static void new_report(void)
{
	if (!report)
		report = mmap(NULL, sizeof(*report), PROT_READ | PROT_WRITE,
			      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	NEED(report != MAP_FAILED, "no memory");
	memset(report, 0, sizeof(*report));
}

static bool flag(const bool *flag)
{
	return __atomic_load_n(flag, __ATOMIC_ACQUIRE);
}

static void raise_flag(bool *flag)
{
	__atomic_store_n(flag, true, __ATOMIC_RELEASE);
}

static struct vmm *launch_or_exit(const struct vmm_opts *opts)
{
	struct vmm *vmm = vmm_launch(opts);

	if (!vmm)
		_exit(2);
	if (!POLL(PATIENCE, vmm_total_work(vmm)))
		_exit(3);
	return vmm;
}

static int try_to_run(int fd)
{
	return ioctl(fd, KVM_RUN, 0) ? errno : 0;
}

/* Makes a VM, and a child that has its descriptors. */
static void fork_with_vm(void *arg)
{
	struct vmm *vmm = launch_or_exit(&spin);

	(void)arg;
	if (!fork()) {
		/* It outlives its parent, but not the test. */
		report->run_errno = try_to_run(vmm->vcpu[0].fd);
		report->pid = getpid();
		raise_flag(&report->ready);
		POLL(PATIENCE, flag(&report->go));
		_exit(0);
	}
	pause();
}

/* All that can be asked of a VM that nobody can run any more. */
static void look_at_orphan(uint64_t id)
{
	char text[64];

	CHECK(!gov_gone(id), "a VM has vanished while its descriptors are open");
	CHECK(gov_u64("vms/%" PRIu64 "/nr_vcpus", id) == 1, "vCPUs");
	gov_set(id, 10000, 100000);
	CHECK(!gov_write("frozen", "vms/%" PRIu64 "/state", id), "cannot freeze it");
	CHECK(!gov_write("running", "vms/%" PRIu64 "/state", id), "cannot thaw it");
	CHECK(!gov_read(text, sizeof(text), "vms/%" PRIu64 "/vcpus/0/nr_exits", id), "no vCPU");
	CHECK(!gov_u64("vms/%" PRIu64 "/vcpus/0/tid", id), "a thread that is dead is shown");
	CHECK(POLL(PATIENCE, !gov_u64("stats/callbacks_pending")), "somebody is held");
}

static void inherited(const void *arg)
{
	uint64_t id;
	pid_t pid;
	long i;

	(void)arg;
	gov_need();
	for (i = 0; i < rounds; i++) {
		new_report();
		if (i % 2)
			gov_set_defaults(TIGHT, 1000000);
		pid = test_fork(fork_with_vm, NULL);
		NEED(POLL(PATIENCE, flag(&report->ready)), "no child");
		CHECK(report->run_errno == EIO, "KVM_RUN in a child: %s",
		      strerror(report->run_errno));
		NEED(POLL(PATIENCE, (id = gov_find_pid(pid))), "not found");
		CHECK(!gov_find_pid(report->pid), "the child passes for a VMM");
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		test_sleep(20 * NS_PER_MS);
		look_at_orphan(id);
		CHECK(!gov_find_pid(pid), "a VM is shown as that of a process that is dead");
		raise_flag(&report->go);
		gov_must_vanish(id, "the end of the child");
		gov_set_defaults(GOV_NONE, 100000);
	}
	gov_no_leak();
}

static void keep_open(const struct vmm *vmm)
{
	fcntl(vmm->vm_fd, F_SETFD, 0);
	fcntl(vmm->vcpu[0].fd, F_SETFD, 0);
}

/* Becomes another program that does not know of the descriptors it has. */
static void exec_with_vm(void *arg)
{
	struct vmm *vmm = launch_or_exit(&spin);

	if (arg)
		keep_open(vmm);
	execl("/bin/sleep", "sleep", "1000", NULL);
	_exit(4);
}

static bool has_comm(pid_t pid, const char *comm)
{
	char path[64], text[64] = "";
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/comm", pid);
	f = fopen(path, "r");
	if (!f)
		return false;
	if (fscanf(f, "%63s", text) != 1)
		text[0] = '\0';
	fclose(f);
	return !strcmp(text, comm);
}

static void replaced(const void *arg)
{
	uint64_t id;
	pid_t pid;
	long i;

	(void)arg;
	gov_need();
	for (i = 0; i < rounds; i++) {
		gov_set_defaults(TIGHT, 1000000);
		pid = test_fork(exec_with_vm, i % 2 ? &rounds : NULL);
		NEED(POLL(PATIENCE, has_comm(pid, "sleep")), "no exec");
		if (i % 2) {
			NEED(POLL(PATIENCE, (id = gov_find_pid(pid))), "not found");
			look_at_orphan(id);
			kill(pid, SIGKILL);
			gov_must_vanish(id, "the end of its new program");
		} else {
			CHECK(POLL(PATIENCE, !gov_find_pid(pid)), "a VM outlives its descriptors");
			kill(pid, SIGKILL);
		}
		waitpid(pid, NULL, 0);
	}
	gov_no_leak();
}

/* Runs a vCPU, and sees whether this thread is shown for it. */
static bool runs_as(struct vmm *vmm, uint64_t id)
{
	return vmm_run_once(&vmm->vcpu[0]) &&
	       gov_u64("vms/%" PRIu64 "/vcpus/0/tid", id) == (uint64_t)gettid();
}

/* Runs a vCPU 100 times in a child of vfork(). */
static pid_t run_in_child(struct vmm_vcpu *vcpu, volatile unsigned int *ran)
{
	pid_t pid = vfork();
	int n;

	if (!pid) {
		for (n = 0; n < 100; n++)
			*ran += vmm_run_once(vcpu);
		_exit(0);
	}
	return pid;
}

/*
 * A child of vfork() has its parent's memory, so that KVM lets it run the vCPU:
 * another process, and for that time the one that is shown.
 */
static void run_by_vfork(const void *arg)
{
	const struct vmm_opts out = { .nr_vcpus = 1, .mode = VMM_OUT };
	volatile unsigned int ran = 0;
	struct vmm *vmm;
	uint64_t id, tid;
	pid_t pid;
	long i;

	(void)arg;
	gov_need();
	gov_set_defaults(QUOTA, PERIOD);
	vmm = gov_create(&out);
	vmm_adopt(&vmm->vcpu[0]);
	for (i = 0; i < 100; i++)
		NEED(vmm_run_once(&vmm->vcpu[0]), "KVM_RUN: %s", strerror(vmm->vcpu[0].error));
	id = gov_find(vmm);
	for (i = 0; i < rounds; i++) {
		pid = run_in_child(&vmm->vcpu[0], &ran);
		NEED(pid > 0 && waitpid(pid, NULL, 0) == pid, "vfork");
		tid = gov_u64("vms/%" PRIu64 "/vcpus/0/tid", id);
		CHECK(!tid || tid == (uint64_t)gettid(), "a thread that is dead is shown");
		/* Taken over as soon as it does not leave for user space at once. */
		CHECK(POLL(PATIENCE, runs_as(vmm, id)), "not taken over");
	}
	CHECK(ran == 100 * rounds, "KVM_RUN has failed in a child of vfork()");
	CHECK(gov_u64("vms/%" PRIu64 "/pid", id) == (uint64_t)getpid(), "pid");
	gov_check_vmm(vmm);
	gov_end(vmm);
	gov_no_leak();
}

struct fds {
	int vm;
	int vcpu;
};

static void send_fds(int sock, const struct vmm *vmm)
{
	char control[CMSG_SPACE(sizeof(struct fds))] = {};
	struct fds fds = { vmm->vm_fd, vmm->vcpu[0].fd };
	struct iovec iov = { .iov_base = "x", .iov_len = 1 };
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control),
	};
	struct cmsghdr *cmsg = CMSG_FIRSTHDR(&msg);

	cmsg->cmsg_level = SOL_SOCKET;
	cmsg->cmsg_type = SCM_RIGHTS;
	cmsg->cmsg_len = CMSG_LEN(sizeof(fds));
	memcpy(CMSG_DATA(cmsg), &fds, sizeof(fds));
	if (sendmsg(sock, &msg, 0) != 1)
		_exit(5);
}

static struct fds receive_fds(int sock)
{
	char control[CMSG_SPACE(sizeof(struct fds))], byte;
	struct iovec iov = { .iov_base = &byte, .iov_len = 1 };
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control),
	};
	struct cmsghdr *cmsg;
	struct fds fds;

	NEED(recvmsg(sock, &msg, MSG_CMSG_CLOEXEC) == 1, "recvmsg: %s", strerror(errno));
	cmsg = CMSG_FIRSTHDR(&msg);
	NEED(cmsg && cmsg->cmsg_type == SCM_RIGHTS, "no descriptors");
	memcpy(&fds, CMSG_DATA(cmsg), sizeof(fds));
	return fds;
}

static int sockets[2];

static void send_vm(void *arg)
{
	struct vmm *vmm = launch_or_exit(&spin);

	(void)arg;
	send_fds(sockets[1], vmm);
	raise_flag(&report->ready);
	pause();
}

static void handed_on(const void *arg)
{
	struct kvm_regs regs;
	struct fds fds;
	uint64_t id;
	pid_t pid;
	long i;

	(void)arg;
	gov_need();
	for (i = 0; i < rounds; i++) {
		new_report();
		if (i % 2)
			gov_set_defaults(TIGHT, 1000000);
		NEED(!socketpair(AF_UNIX, SOCK_STREAM, 0, sockets), "%s", strerror(errno));
		pid = test_fork(send_vm, NULL);
		fds = receive_fds(sockets[0]);
		NEED(POLL(PATIENCE, (id = gov_find_pid(pid))), "not found");
		/* Held there or not: here it is refused at once. */
		CHECK(try_to_run(fds.vcpu) == EIO, "KVM_RUN: %s", strerror(errno));
		CHECK(ioctl(fds.vcpu, KVM_GET_REGS, &regs) && errno == EIO, "KVM_GET_REGS: %s",
		      strerror(errno));
		CHECK(ioctl(fds.vm, KVM_CREATE_VCPU, 1) && errno == EIO, "KVM_CREATE_VCPU: %s",
		      strerror(errno));
		CHECK(!gov_find_pid(getpid()), "this process passes for a VMM");
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		look_at_orphan(id);
		CHECK(try_to_run(fds.vcpu) == EIO, "KVM_RUN: %s", strerror(errno));
		close(i % 3 ? fds.vm : fds.vcpu);
		test_sleep(5 * NS_PER_MS);
		look_at_orphan(id);
		close(i % 3 ? fds.vcpu : fds.vm);
		gov_must_vanish(id, "close");
		close(sockets[0]);
		close(sockets[1]);
		gov_set_defaults(GOV_NONE, 100000);
	}
	gov_no_leak();
}

/* On their way when both ends die: nobody has them, the socket had. */
static void lost_on_the_way(const void *arg)
{
	uint64_t id;
	pid_t pid;
	long i;

	(void)arg;
	gov_need();
	for (i = 0; i < rounds; i++) {
		new_report();
		NEED(!socketpair(AF_UNIX, SOCK_STREAM, 0, sockets), "%s", strerror(errno));
		pid = test_fork(send_vm, NULL);
		NEED(POLL(PATIENCE, flag(&report->ready)), "nothing sent");
		NEED(POLL(PATIENCE, (id = gov_find_pid(pid))), "not found");
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		look_at_orphan(id);
		close(sockets[0]);
		close(sockets[1]);
		gov_must_vanish(id, "the end of the socket");
	}
	gov_no_leak();
}

static const struct test_case cases[] = {
	{ "a VM outlives its process in a child's descriptors", inherited, NULL },
	{ "a VMM becomes another program", replaced, NULL },
	{ "a child of vfork() runs the vCPU", run_by_vfork, NULL },
	{ "a VM outlives its process in somebody else's descriptors", handed_on, NULL },
	{ "a VM ends in a socket's queue", lost_on_the_way, NULL },
};

int main(int argc, char **argv)
{
	test_init(argc, argv, options);
	test_main(cases, ARRAY_SIZE(cases));
}
