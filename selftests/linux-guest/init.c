// SPDX-License-Identifier: GPL-2.0-only
/*
 * The only process of a Linux guest. Does what it is told on its console:
 *
 *	spin N		keep a CPU busy for N seconds, and say how /proc/stat has grown
 *	shoot N MS	have the last CPU share memory for N seconds that the first
 *			makes read-only again and again, and say how long it took to
 *			tell the last, and how often it took longer than MS
 *
 * It begins with "ready", the number of CPUs and whether the kernel asks the host
 * to flush TLBs of vCPUs that do not run.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/klog.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#define NS_PER_S  1000000000LL
#define NS_PER_MS 1000000LL
#define NS_PER_US 1000LL

#define READ_ALL 3 /* of the kernel's log: syslog(2) */

/* Between two shoot-downs, so that most of the time none is under way. */
#define PAUSE_NS (1700 * NS_PER_US)

/* The columns of /proc/stat that add up to the time. */
enum {
	USER,
	NICE,
	SYSTEM,
	IDLE,
	IOWAIT,
	IRQ,
	SOFTIRQ,
	STEAL,
	NR_COLUMNS
};

/**
 * struct range - what two CPUs share
 * @page:	the memory
 * @done:	the last CPU may stop
 * @rounds:	of the last CPU, so that it is known to be there
 */
struct range {
	volatile char *page;
	volatile bool done;
	volatile unsigned long rounds;
};

static long long now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * NS_PER_S + ts.tv_nsec;
}

static void spin_until(long long end)
{
	while (now() < end)
		;
}

static bool read_stat(unsigned long long *column)
{
	FILE *f = fopen("/proc/stat", "r");
	int i, nr = 0;

	if (!f)
		return false;
	if (fscanf(f, "cpu") == 0)
		for (i = 0; i < NR_COLUMNS; i++)
			nr += fscanf(f, " %llu", &column[i]);
	fclose(f);
	return nr == NR_COLUMNS;
}

static void spin(long seconds)
{
	unsigned long long before[NR_COLUMNS], after[NR_COLUMNS], all = 0;
	long long begin = now();
	bool ok = read_stat(before);
	int i;

	spin_until(begin + seconds * NS_PER_S);
	if (!ok || !read_stat(after)) {
		puts("failed");
		return;
	}
	for (i = 0; i < NR_COLUMNS; i++)
		all += after[i] - before[i];
	printf("stat steal %llu of %llu in %lld\n", after[STEAL] - before[STEAL], all,
	       (now() - begin) * sysconf(_SC_CLK_TCK) / NS_PER_S);
}

static bool stay_on(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	return !sched_setaffinity(0, sizeof(set), &set);
}

static void *use(void *arg)
{
	struct range *range = arg;

	stay_on(sysconf(_SC_NPROCESSORS_ONLN) - 1);
	while (!range->done) {
		(void)*range->page;
		range->rounds++;
	}
	return NULL;
}

static void shoot_until(struct range *range, long long end, long long limit)
{
	unsigned long shots = 0, late = 0;
	long long longest = 0, start, took;
	size_t size = getpagesize();

	while (now() < end) {
		spin_until(now() + PAUSE_NS);
		start = now();
		mprotect((void *)range->page, size, PROT_READ | PROT_WRITE);
		*range->page = 1;
		mprotect((void *)range->page, size, PROT_READ);
		took = now() - start;
		shots++;
		late += took > limit;
		if (took > longest)
			longest = took;
	}
	printf("shots %lu late %lu longest %lld\n", shots, late, longest / NS_PER_US);
}

static void shoot(long seconds, long limit_ms)
{
	struct range range = {};
	pthread_t user;

	range.page = mmap(NULL, getpagesize(), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			  -1, 0);
	if (range.page == MAP_FAILED || pthread_create(&user, NULL, use, &range)) {
		puts("failed");
		return;
	}
	while (range.rounds < 1000)
		usleep(1000);
	shoot_until(&range, now() + seconds * NS_PER_S, limit_ms * NS_PER_MS);
	range.done = true;
	pthread_join(user, NULL);
	munmap((void *)range.page, getpagesize());
}

static bool open_console(void)
{
	struct termios t;
	int fd = open("/dev/ttyS0", O_RDWR);

	if (fd < 0 || tcgetattr(fd, &t))
		return false;
	t.c_lflag &= ~ECHO;
	tcsetattr(fd, TCSANOW, &t);
	dup2(fd, STDIN_FILENO);
	dup2(fd, STDOUT_FILENO);
	setlinebuf(stdout);
	return true;
}

/*
 * With all CPUs from the beginning, booting would be a long series of waits for
 * them to answer, each as long as the host's scheduler lets one of them run.
 */
static bool start_cpus(void)
{
	char path[64];
	bool ok = true;
	FILE *f;
	int i;

	for (i = 1; i < sysconf(_SC_NPROCESSORS_CONF); i++) {
		snprintf(path, sizeof(path), "/sys/devices/system/cpu/cpu%d/online", i);
		f = fopen(path, "w");
		ok = f && fputs("1", f) >= 0 && ok;
		ok = f && !fclose(f) && ok;
	}
	return ok;
}

static bool flushes_by_host(void)
{
	static char log[1 << 18];

	return klogctl(READ_ALL, log, sizeof(log) - 1) > 0 && strstr(log, "pv remote TLB flush");
}

int main(void)
{
	char line[64];
	long seconds, ms;

	mkdir("/proc", 0755);
	mkdir("/dev", 0755);
	mkdir("/sys", 0755);
	mount("proc", "/proc", "proc", 0, NULL);
	mount("devtmpfs", "/dev", "devtmpfs", 0, NULL);
	mount("sysfs", "/sys", "sysfs", 0, NULL);
	if (!stay_on(0) || !open_console() || !start_cpus())
		return 1;
	printf("ready cpus %ld flush %d\n", sysconf(_SC_NPROCESSORS_ONLN), flushes_by_host());
	while (fgets(line, sizeof(line), stdin)) {
		if (sscanf(line, "spin %ld", &seconds) == 1)
			spin(seconds);
		else if (sscanf(line, "shoot %ld %ld", &seconds, &ms) == 2)
			shoot(seconds, ms);
		else
			puts("failed");
	}
	return 1;
}
