/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The frame of a test program: a table of cases, each of which yields one test
 * point, and the checks and waits that cases are made of.
 */
#ifndef LIB_TEST_H
#define LIB_TEST_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifndef ARRAY_SIZE
#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#endif

#define NS_PER_US 1000LL
#define NS_PER_MS 1000000LL
#define NS_PER_S  1000000000LL

/**
 * struct test_case - one test point
 * @name:	what is true when it passes
 * @run:	does it
 * @arg:	given to @run
 */
struct test_case {
	const char *name;
	void (*run)(const void *arg);
	const void *arg;
};

/**
 * struct test_option - an option with a number, --NAME=N
 * @name:	its name
 * @value:	holds the default, and takes what is given
 * @help:	what it means
 */
struct test_option {
	const char *name;
	long *value;
	const char *help;
};

/*
 * Read the options. --case=TEXT, which runs only the cases with TEXT in their
 * names, is always there. @options ends with a member without a name, or is
 * NULL.
 */
void test_init(int argc, char **argv, const struct test_option *options);

/* Run the cases and exit. */
void test_main(const struct test_case *cases, size_t nr) __attribute__((noreturn));

/*
 * Run one more case whose name is made on the spot; for programs that announce
 * their plan and finish themselves.
 */
void test_plan(unsigned int nr);
void test_one(const struct test_case *test);
void test_finish(void) __attribute__((noreturn));

/* Called after each case, to undo what an aborted one has left. */
void test_after_case(void (*fn)(void));

/* The present case fails, for this reason; it goes on. */
void test_fail(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* The present case ends here and fails. */
void test_abort(const char *fmt, ...) __attribute__((format(printf, 1, 2), noreturn));

/* The present case ends here: this machine cannot be given what it needs. */
void test_skip(const char *fmt, ...) __attribute__((format(printf, 1, 2), noreturn));

/* Something worth knowing. */
void test_diag(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

bool test_failed(void);

#define CHECK(cond, ...)                                                        \
	({                                                                      \
		bool ok_ = (cond);                                              \
		if (!ok_) {                                                     \
			test_fail("%s:%d: %s", __FILE_NAME__, __LINE__, #cond); \
			test_diag("  " __VA_ARGS__);                            \
		}                                                               \
		ok_;                                                            \
	})

#define NEED(cond, ...)                                                         \
	do {                                                                    \
		if (!(cond)) {                                                  \
			test_diag("%s:%d: %s", __FILE_NAME__, __LINE__, #cond); \
			test_abort("  " __VA_ARGS__);                           \
		}                                                               \
	} while (0)

/*
 * Wait for a condition, at most this long; its value at the end. Time-outs are
 * generous, for a busy machine that emulates another: the tests' own limits are
 * asserted on what is measured. KVMGOV_SLOW in the environment multiplies them.
 */
#define POLL(timeout_ns, cond)                                 \
	({                                                     \
		int64_t end_ = test_deadline(timeout_ns);      \
		bool done_;                                    \
		while (!(done_ = (cond)) && test_now() < end_) \
			test_nap();                            \
		done_ || (cond);                               \
	})

/* The time, on the same clock, at which that much patience has ended. */
int64_t test_deadline(int64_t timeout_ns);

/* CLOCK_MONOTONIC in ns. */
int64_t test_now(void);

/* CPU time, in ns, of all threads of this process but the calling one. */
int64_t test_others_cpu(void);

/* Sleep until CLOCK_MONOTONIC is that, signals notwithstanding. */
void test_sleep_until(int64_t ns);

/* Sleep that long: a measured interval, never a way to wait for something. */
void test_sleep(int64_t ns);

/* A millisecond between two looks. */
void test_nap(void);

/* Sorts; the p-th percentile of sorted figures. */
void test_sort(int64_t *v, size_t nr);
int64_t test_percentile(const int64_t *v, size_t nr, double p);

/* A process that does fn(arg) and is ended by SIGKILL with the caller. */
int test_fork(void (*fn)(void *arg), void *arg);

#endif
