// SPDX-License-Identifier: GPL-2.0-only
/*
 * tinyvmm: run a small guest from the command line and say what it has done.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#include "vmm.h"

/* What --meter takes for a time in which the guest did not run. */
#define METER_GAP 0.005

struct settings {
	struct vmm_opts vm;
	double seconds;
	double report;
	double ticks; /* of the TSC in a second, with --meter */
	int cpu;
	const char *name;
};

static volatile sig_atomic_t ended;

static void end(int sig)
{
	(void)sig;
	ended = 1;
}

static void usage(FILE *out)
{
	int i;

	fprintf(out,
		"Usage: tinyvmm [OPTION...]\n"
		"Runs a KVM guest that does one simple thing, and prints how much of it was "
		"done.\n\n"
		"  --vcpus N         number of vCPUs, 1 to %d (default 1)\n"
		"  --mode MODE       what they do (default spin):",
		VMM_MAX_VCPUS);
	for (i = 0; i < VMM_NR_MODES; i++)
		fprintf(out, " %s", vmm_mode_name(i));
	fprintf(out,
		"\n  --irqchip         interrupt controller in the kernel: HLT sleeps there\n"
		"  --name NAME       name of the process, as ps shows it\n"
		"  --pin CPU         keep vCPU n on CPU + n\n"
		"  --seconds S       end after S seconds (default: at SIGTERM or SIGINT)\n"
		"  --meter           mode gap, and the lines have what the guest itself measured\n"
		"  --report[=S]      print a line every S seconds (default 1)\n"
		"  --help\n\n"
		"A line has: seconds since the start, CPU seconds used by the vCPU threads, that\n"
		"share of one CPU in percent since the last line, and the rounds of work done.\n"
		"With --meter: \"meter\", and in ms how long the guest's clock has run and how "
		"long\n"
		"the guest has, both of all its vCPUs.\n");
}

static double number(const char *text)
{
	char *rest;
	double value = strtod(text, &rest);

	if (!*text || *rest || value < 0) {
		fprintf(stderr, "tinyvmm: '%s' is not a number\n", text);
		exit(2);
	}
	return value;
}

static enum vmm_mode mode_of(const char *text)
{
	int mode = vmm_mode_by_name(text);

	if (mode < 0) {
		fprintf(stderr, "tinyvmm: no mode '%s'; see --help\n", text);
		exit(2);
	}
	return mode;
}

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec + ts.tv_nsec / 1e9;
}

static void sleep_until(double when)
{
	struct timespec ts = { .tv_sec = when };

	ts.tv_nsec = (when - ts.tv_sec) * 1e9;
	clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL);
}

static void print_meter(const struct vmm *vmm, const struct settings *s)
{
	double clock = 0, ran = 0;
	unsigned int i;

	for (i = 0; i < s->vm.nr_vcpus; i++) {
		const struct guest_area *area = vmm_area(vmm, i);
		double ticks = (double)area->last - area->first;

		clock += ticks;
		ran += ticks - area->lost;
	}
	printf("meter %.0f %.0f\n", 1000 * clock / s->ticks, 1000 * ran / s->ticks);
}

static void parse(struct settings *s, int argc, char **argv)
{
	static const struct option options[] = { { "vcpus", required_argument, NULL, 'v' },
						 { "mode", required_argument, NULL, 'm' },
						 { "irqchip", no_argument, NULL, 'i' },
						 { "name", required_argument, NULL, 'n' },
						 { "pin", required_argument, NULL, 'p' },
						 { "seconds", required_argument, NULL, 's' },
						 { "report", optional_argument, NULL, 'r' },
						 { "meter", no_argument, NULL, 'g' },
						 { "help", no_argument, NULL, 'h' },
						 {} };
	int c;

	while ((c = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		switch (c) {
		case 'v':
			s->vm.nr_vcpus = number(optarg);
			break;
		case 'm':
			s->vm.mode = mode_of(optarg);
			break;
		case 'i':
			s->vm.irqchip = true;
			break;
		case 'n':
			s->name = optarg;
			break;
		case 'p':
			s->cpu = number(optarg);
			break;
		case 's':
			s->seconds = number(optarg);
			break;
		case 'r':
			s->report = optarg ? number(optarg) : 1;
			break;
		case 'g':
			s->vm.mode = VMM_GAP;
			s->ticks = vmm_ticks_per_ns() * 1e9;
			s->vm.param = METER_GAP * s->ticks;
			break;
		case 'h':
			usage(stdout);
			exit(0);
		default:
			exit(2);
		}
	}
	if (optind < argc) {
		usage(stderr);
		exit(2);
	}
}

static void run(struct vmm *vmm, const struct settings *s)
{
	double start = now(), last = start, next = start;
	double stop = s->seconds > 0 ? start + s->seconds : start + 1e9;
	double cpu_last = vmm_cpu_ns(vmm) / 1e9;

	while (!ended && last < stop && !vmm_error(vmm)) {
		double wall, cpu;

		next += s->report > 0 ? s->report : 1e9;
		sleep_until(next < stop ? next : stop);
		wall = now();
		cpu = vmm_cpu_ns(vmm) / 1e9;
		if (s->report > 0 || wall >= stop || ended) {
			if (s->ticks > 0)
				print_meter(vmm, s);
			else
				printf("%8.3f s %10.6f s %7.2f %% %14" PRIu64 "\n", wall - start,
				       cpu, 100 * (cpu - cpu_last) / (wall - last),
				       vmm_total_work(vmm));
			fflush(stdout);
		}
		last = wall;
		cpu_last = cpu;
	}
}

int main(int argc, char **argv)
{
	struct settings s = { .vm = { .nr_vcpus = 1 }, .cpu = -1 };
	struct sigaction sa = { .sa_handler = end };
	struct vmm *vmm;
	unsigned int i;
	int error;

	parse(&s, argc, argv);
	if (s.name)
		prctl(PR_SET_NAME, s.name);
	sigaction(SIGTERM, &sa, NULL);
	sigaction(SIGINT, &sa, NULL);

	vmm = vmm_create(&s.vm);
	if (!vmm) {
		fprintf(stderr, "tinyvmm: cannot make a VM: %s\n", strerror(errno));
		return 1;
	}
	for (i = 0; i < s.vm.nr_vcpus && s.cpu >= 0; i++)
		vmm->vcpu[i].cpu = s.cpu + i;
	vmm_start(vmm);
	run(vmm, &s);
	error = vmm_error(vmm);
	vmm_destroy(vmm);
	if (error)
		fprintf(stderr, "tinyvmm: vCPU failed: %s\n", strerror(error));
	return !!error;
}
