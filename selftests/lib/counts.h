/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Exits by reason, as kvmgov tells of them.
 */
#ifndef LIB_COUNTS_H
#define LIB_COUNTS_H

#include "nl.h"

#define MAX_REASONS 64

/**
 * struct reason - what kvmgov says of the exits for one reason
 * @name:	the reason
 * @nr:		how many
 * @total_ns:	their time
 * @max_ns:	that of the longest
 * @histogram:	how many took how long
 */
struct reason {
	char name[32];
	uint64_t nr;
	uint64_t total_ns;
	uint64_t max_ns;
	uint64_t histogram[KVMGOV_EXIT_BUCKETS];
};

/**
 * struct counts - exits for all reasons
 * @nr:		number of reasons
 * @reasons:	the reasons
 * @sum:	exits for all reasons
 */
struct counts {
	size_t nr;
	struct reason reasons[MAX_REASONS];
	uint64_t sum;
};

/* Read those of a VM with one vCPU. */
void counts_read(struct counts *counts, const struct link *link, uint64_t id);

/* Add those in attributes of the set exit. */
void counts_add(struct counts *counts, struct nlattr *attrs, int len);

/* Those for one reason; all zeroes where there are none. */
const struct reason *counts_find(const struct counts *counts, const char *name);
#endif
