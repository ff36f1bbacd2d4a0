// SPDX-License-Identifier: GPL-2.0-only
#define _GNU_SOURCE
#include "test.h"

#include <getopt.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/prctl.h>
#include <time.h>

#include "kselftest.h"

#define MAX_OPTIONS 16

enum outcome {
	PASS,
	FAIL,
	SKIP,
};

static enum outcome outcome;
static jmp_buf leave;
static char skip_reason[256];
static const char *only;
static void (*after_case)(void);

static void help(const char *program, const struct test_option *options)
{
	printf("Usage: %s [OPTION...]\n\n", program);
	for (; options && options->name; options++)
		printf("  --%s=N\t%s (%ld)\n", options->name, options->help, *options->value);
	printf("  --case=TEXT\tonly the cases with TEXT in their names\n");
	printf("  --help\n");
}

static void set_option(const struct test_option *option, const char *text)
{
	char *rest;

	*option->value = strtol(text, &rest, 0);
	if (!*text || *rest) {
		fprintf(stderr, "--%s: '%s' is not a number\n", option->name, text);
		exit(KSFT_FAIL);
	}
}

void test_init(int argc, char **argv, const struct test_option *options)
{
	struct option table[MAX_OPTIONS + 3] = {};
	int nr = 0, c;

	setvbuf(stdout, NULL, _IOLBF, 0);
	for (; options && options[nr].name && nr < MAX_OPTIONS; nr++) {
		table[nr].name = options[nr].name;
		table[nr].has_arg = required_argument;
		table[nr].val = 256 + nr;
	}
	table[nr] = (struct option){ "case", required_argument, NULL, 'c' };
	table[nr + 1] = (struct option){ "help", no_argument, NULL, 'h' };
	while ((c = getopt_long(argc, argv, "h", table, NULL)) != -1) {
		if (c == 'c') {
			only = optarg;
		} else if (c == 'h') {
			help(argv[0], options);
			exit(KSFT_PASS);
		} else if (c >= 256) {
			set_option(&options[c - 256], optarg);
		} else {
			exit(KSFT_FAIL);
		}
	}
	ksft_print_header();
}

void test_after_case(void (*fn)(void))
{
	after_case = fn;
}

static bool selected(const struct test_case *test)
{
	return !only || strstr(test->name, only);
}

void test_plan(unsigned int nr)
{
	ksft_set_plan(nr);
}

void test_one(const struct test_case *test)
{
	int64_t start;

	if (!selected(test)) {
		ksft_test_result_skip("%s (not selected)\n", test->name);
		return;
	}
	outcome = PASS;
	start = test_now();
	if (!setjmp(leave))
		test->run(test->arg);
	if (after_case && !setjmp(leave))
		after_case();
	if (outcome == SKIP) {
		/* KTAP wants the directive after the name. */
		ksft_inc_xskip_cnt();
		printf("ok %u %s # SKIP %s\n", ksft_test_num(), test->name, skip_reason);
		return;
	}
	test_diag("%.1f s", (test_now() - start) / 1e9);
	ksft_test_result(outcome == PASS, "%s\n", test->name);
}

void test_finish(void)
{
	ksft_print_cnts();
	exit(ksft_get_fail_cnt() ? KSFT_FAIL : KSFT_PASS);
}

void test_main(const struct test_case *cases, size_t nr)
{
	unsigned int planned = 0;
	size_t i;

	for (i = 0; i < nr; i++)
		planned += selected(&cases[i]);
	test_plan(planned);
	for (i = 0; i < nr; i++)
		if (selected(&cases[i]))
			test_one(&cases[i]);
	test_finish();
}

static void say(const char *fmt, va_list args)
{
	printf("# ");
	vprintf(fmt, args);
	printf("\n");
}

void test_diag(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	say(fmt, args);
	va_end(args);
}

void test_fail(const char *fmt, ...)
{
	va_list args;

	outcome = FAIL;
	va_start(args, fmt);
	say(fmt, args);
	va_end(args);
}

void test_abort(const char *fmt, ...)
{
	va_list args;

	outcome = FAIL;
	va_start(args, fmt);
	say(fmt, args);
	va_end(args);
	longjmp(leave, 1);
}

void test_skip(const char *fmt, ...)
{
	va_list args;

	/* What has failed before must not be hidden. */
	if (outcome == PASS)
		outcome = SKIP;
	va_start(args, fmt);
	vsnprintf(skip_reason, sizeof(skip_reason), fmt, args);
	va_end(args);
	longjmp(leave, 1);
}

bool test_failed(void)
{
	return outcome == FAIL;
}

static int64_t clock_ns(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return ts.tv_sec * NS_PER_S + ts.tv_nsec;
}

int64_t test_now(void)
{
	return clock_ns(CLOCK_MONOTONIC);
}

int64_t test_others_cpu(void)
{
	return clock_ns(CLOCK_PROCESS_CPUTIME_ID) - clock_ns(CLOCK_THREAD_CPUTIME_ID);
}

int64_t test_deadline(int64_t timeout_ns)
{
	const char *slow = getenv("KVMGOV_SLOW");
	long factor = slow ? atol(slow) : 1;

	return test_now() + timeout_ns * (factor > 0 ? factor : 1);
}

void test_sleep_until(int64_t ns)
{
	struct timespec ts = {
		.tv_sec = ns / NS_PER_S,
		.tv_nsec = ns % NS_PER_S,
	};

	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL) == EINTR)
		;
}

void test_sleep(int64_t ns)
{
	test_sleep_until(test_now() + ns);
}

void test_nap(void)
{
	test_sleep(NS_PER_MS);
}

static int compare(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

void test_sort(int64_t *v, size_t nr)
{
	qsort(v, nr, sizeof(*v), compare);
}

int64_t test_percentile(const int64_t *v, size_t nr, double p)
{
	return v[(size_t)((nr - 1) * p / 100)];
}

int test_fork(void (*fn)(void *arg), void *arg)
{
	int parent = getpid();
	int pid;

	fflush(stdout);
	pid = fork();
	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1);
	fn(arg);
	_exit(0);
}
