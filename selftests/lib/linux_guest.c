// SPDX-License-Identifier: GPL-2.0-only
/*
 * A Linux guest: boots it, tells it what to do, reads what it says.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/wait.h>
#include <unistd.h>

#include "gov.h"
#include "linux_guest.h"
#include "test.h"

/* To boot, where one machine emulates another. */
#define PATIENCE (600 * NS_PER_S)

/* All that the guest needs, and nothing that would have to be emulated for it. */
#define MACHINE "microvm,acpi=off,pit=off,pic=off,rtc=off,isa-serial=on"
#define APPEND                                                              \
	"console=ttyS0 quiet loglevel=1 panic=-1 mitigations=off acpi=off " \
	"pci=off no_timer_check tsc=reliable cryptomgr.notests nowatchdog " \
	"rcupdate.rcu_cpu_stall_suppress=1"

/**
 * struct plan - how to start QEMU
 * @cpus:	for -smp
 * @cpu:	for -cpu
 * @append:	the kernel's command line
 * @in:		its standard input
 * @out:	its standard output
 */
struct plan {
	char cpus[16];
	char cpu[64];
	const char *append;
	int in;
	int out;
};

/* Where the kernel and its initial file system are: beside this program. */
static void beside(char *path, size_t size, const char *name)
{
	char self[PATH_MAX] = "";

	if (readlink("/proc/self/exe", self, sizeof(self) - 1) < 0)
		_exit(127);
	snprintf(path, size, "%s/linux-guest/%s", dirname(self), name);
}

static void run_qemu(void *arg)
{
	char kernel[PATH_MAX + 32], initrd[PATH_MAX + 32];
	struct plan *plan = arg;

	beside(kernel, sizeof(kernel), "kernel");
	beside(initrd, sizeof(initrd), "initrd.cpio");
	dup2(plan->in, STDIN_FILENO);
	dup2(plan->out, STDOUT_FILENO);
	execlp("qemu-system-x86_64", "qemu-system-x86_64", "-accel", "kvm", "-cpu", plan->cpu, "-M",
	       MACHINE, "-nodefaults", "-no-user-config", "-display", "none", "-m", "192", "-smp",
	       plan->cpus, "-no-reboot", "-kernel", kernel, "-initrd", initrd, "-append",
	       plan->append, "-serial", "stdio", "-monitor", "none", NULL);
	_exit(127);
}

/* A line, without its end; false when there will be none. */
static bool read_line(struct linux_guest *guest, char *line, size_t size)
{
	struct pollfd fd = { .fd = guest->out, .events = POLLIN };
	int64_t end = test_deadline(PATIENCE);
	size_t used = 0;
	char c = 0;

	while (test_now() < end) {
		if (poll(&fd, 1, 1000) <= 0)
			continue;
		if (read(guest->out, &c, 1) != 1)
			return false;
		if (c == '\n')
			break;
		if (c != '\r' && used < size - 1)
			line[used++] = c;
	}
	line[used] = '\0';
	return c == '\n';
}

void linux_guest_says(struct linux_guest *guest, const char *word, char *line, size_t size)
{
	while (read_line(guest, line, size)) {
		if (!strncmp(line, word, strlen(word)))
			return;
		if (*line)
			test_diag("the guest says: %s", line);
	}
	test_abort("the guest does not say: %s", word);
}

void linux_guest_tell(struct linux_guest *guest, const char *fmt, ...)
{
	va_list ap;
	int len;

	va_start(ap, fmt);
	len = vdprintf(guest->in, fmt, ap);
	va_end(ap);
	NEED(len > 0, "the guest does not listen: %s", strerror(errno));
}

void linux_guest_start(struct linux_guest *guest, unsigned int cpus, const char *cpu)
{
	int in[2], out[2], flushes;
	int64_t start = test_now();
	unsigned int has;
	struct plan plan;
	char line[128];

	gov_need();
	NEED(!pipe2(in, O_CLOEXEC) && !pipe2(out, O_CLOEXEC), "pipe: %s", strerror(errno));
	plan = (struct plan){ .in = in[0], .out = out[1] };
	/* The guest's program starts the others, once that is quick. */
	plan.append = cpus > 1 ? APPEND " maxcpus=1" : APPEND;
	snprintf(plan.cpus, sizeof(plan.cpus), "%u", cpus);
	/* XSAVE as QEMU emulates it does not look consistent to Linux. */
	snprintf(plan.cpu, sizeof(plan.cpu), "host,-xsave%s", cpu);
	guest->pid = test_fork(run_qemu, &plan);
	close(in[0]);
	close(out[1]);
	guest->in = in[1];
	guest->out = out[0];
	NEED(guest->pid > 0, "fork: %s", strerror(errno));
	linux_guest_says(guest, "ready ", line, sizeof(line));
	NEED(sscanf(line, "ready cpus %u flush %d", &has, &flushes) == 2 && has == cpus, "%s",
	     line);
	guest->flushes = flushes;
	guest->id = gov_find_pid(guest->pid);
	NEED(guest->id, "the VM is not published");
	test_diag("booted in %.1f s", (test_now() - start) / (double)NS_PER_S);
}

void linux_guest_end(struct linux_guest *guest)
{
	if (guest->pid <= 0)
		return;
	kill(guest->pid, SIGKILL);
	waitpid(guest->pid, NULL, 0);
	close(guest->in);
	close(guest->out);
	guest->pid = 0;
}
