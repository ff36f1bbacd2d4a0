/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the unit tests share: results in the form of TAP.
 */
#ifndef UNIT_H
#define UNIT_H

#include <stdbool.h>
#include <stdio.h>

static unsigned int nr_tests, nr_failed;

static inline void report(bool ok, const char *name)
{
	printf("%sok %u - %s\n", ok ? "" : "not ", ++nr_tests, name);
	nr_failed += !ok;
}

/* Say what went wrong where it did, and let the caller go on. */
#define EXPECT(condition) \
	((condition) ? true : (printf("# %s:%d: %s\n", __FILE__, __LINE__, #condition), false))

#endif
