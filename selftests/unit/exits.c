// SPDX-License-Identifier: GPL-2.0-only
/*
 * Exits by reason, compiled from the kernel module's own source: slots and what
 * is counted in them, also when there are more reasons than slots.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../kmod/exits.h"
#include "unit.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define ROUNDS	      200000

/* All but that of nobody and that of the unknown. */
#define NR_OWN (KVMGOV_NR_SLOTS - 2)

/* Two cycles make a ns. */
u64 kvmgov_ns_per_cycle = 1ULL << (KVMGOV_FACTOR_SHIFT - 1);
u64 kvmgov_cycles_per_ns = 1ULL << (KVMGOV_FACTOR_SHIFT + 1);

static void init(struct kvmgov_exits *exits)
{
	memset(exits, 0, sizeof(*exits));
	kvmgov_exits_init(exits);
}

/* As the ledger does: a reason gets its slot when it is first counted. */
static void count(struct kvmgov_exits *exits, u32 reason, u64 cycles)
{
	kvmgov_exits_count(kvmgov_exits_place(exits, reason), cycles);
}

static bool read_nr(const struct kvmgov_exits *exits, u32 nr, struct kvmgov_exit_figures *figures)
{
	return kvmgov_exits_read(exits, nr, KVMGOV_REASON_NONE, 0, figures);
}

/* A new vCPU has no figures but those of the unknown, which are 0. */
static void fresh(void)
{
	struct kvmgov_exit_figures figures;
	struct kvmgov_exits exits;
	bool ok;
	u32 nr;

	init(&exits);
	ok = read_nr(&exits, 0, &figures) && figures.reason == KVMGOV_REASON_UNKNOWN &&
	     !figures.nr && !figures.total_ns && !figures.max_ns && !read_nr(&exits, 1, &figures);
	ok = ok && kvmgov_exits_find(&exits, KVMGOV_REASON_UNKNOWN, &nr) && nr == 0;
	ok = ok && !kvmgov_exits_find(&exits, KVMGOV_REASON_NONE, &nr) &&
	     !kvmgov_exits_find(&exits, 0, &nr) &&
	     !kvmgov_exits_find(&exits, KVMGOV_REASON_LAST, &nr);
	report(ok, "a new vCPU has none");
}

/* From the first number to the last, and no two in one slot. */
static void places(void)
{
	static const u32 reasons[] = { 0, 1, 0x7b, 0xff, 0x100, 0x400, KVMGOV_REASON_LAST };
	struct kvmgov_exit_slot *slot[ARRAY_SIZE(reasons)];
	struct kvmgov_exit_figures figures;
	struct kvmgov_exits exits;
	bool ok = true;
	size_t i, j;
	u32 nr;

	init(&exits);
	for (i = 0; i < ARRAY_SIZE(reasons); i++) {
		slot[i] = kvmgov_exits_place(&exits, reasons[i]);
		for (j = 0; j < i; j++)
			ok = ok && slot[j] != slot[i];
	}
	for (i = 0; i < ARRAY_SIZE(reasons); i++) {
		ok = ok && kvmgov_exits_place(&exits, reasons[i]) == slot[i];
		ok = ok && kvmgov_exits_find(&exits, reasons[i], &nr) &&
		     read_nr(&exits, nr, &figures) && figures.reason == reasons[i];
	}
	ok = ok && !read_nr(&exits, ARRAY_SIZE(reasons) + 1, &figures);
	ok = ok && !kvmgov_exits_find(&exits, 2, &nr);
	report(ok, "each reason has a slot of its own, and keeps it");
}

/**
 * struct bucket - where in the histogram a time is
 * @ns:		the time
 * @nr:		the bucket
 */
struct bucket {
	u64 ns;
	u32 nr;
};

static void buckets(void)
{
	static const struct bucket edges[] = {
		{ 0, 0 },
		{ 511, 0 },
		{ 512, 1 },
		{ 1023, 1 },
		{ 1024, 2 },
		{ (1ULL << 30) - 1, 21 },
		{ 1ULL << 30, 22 },
		{ U32_MAX / 2, 22 },
		{ 1ULL << 31, KVMGOV_EXIT_BUCKETS - 1 },
		{ 1ULL << 40, KVMGOV_EXIT_BUCKETS - 1 },
	};
	struct kvmgov_exit_figures figures;
	struct kvmgov_exits exits;
	u64 total = 0, max = 0;
	bool ok = true;
	size_t i;
	u32 nr;

	for (i = 0; i < ARRAY_SIZE(edges); i++) {
		init(&exits);
		count(&exits, 7, 2 * edges[i].ns);
		ok = ok && kvmgov_exits_find(&exits, 7, &nr) && read_nr(&exits, nr, &figures) &&
		     figures.histogram[edges[i].nr] == 1;
	}
	init(&exits);
	for (i = 0; i < ARRAY_SIZE(edges); i++) {
		count(&exits, 7, 2 * edges[i].ns);
		total += edges[i].ns;
		max = edges[i].ns > max ? edges[i].ns : max;
	}
	ok = ok && kvmgov_exits_find(&exits, 7, &nr) && read_nr(&exits, nr, &figures) &&
	     figures.nr == ARRAY_SIZE(edges) && figures.total_ns == total && figures.max_ns == max;
	report(ok, "number, sum, longest and histogram of a reason");
}

/* It is in the figures of its reason alone, but not in a histogram yet. */
static void handled(void)
{
	struct kvmgov_exit_figures figures, other;
	struct kvmgov_exits exits;
	bool ok;
	u32 nr, nr_other;

	init(&exits);
	count(&exits, 3, 200);
	count(&exits, 4, 600);
	ok = kvmgov_exits_find(&exits, 3, &nr) && kvmgov_exits_find(&exits, 4, &nr_other);
	ok = ok && kvmgov_exits_read(&exits, nr, 3, 5000, &figures) && figures.nr == 2 &&
	     figures.total_ns == 2600 && figures.max_ns == 2500 && figures.histogram[0] == 1;
	ok = ok && kvmgov_exits_read(&exits, nr_other, 3, 5000, &other) && other.nr == 1 &&
	     other.total_ns == 300 && other.max_ns == 300;
	kvmgov_exits_add(&other, &figures);
	ok = ok && other.nr == 3 && other.total_ns == 2900 && other.max_ns == 2500 &&
	     other.histogram[0] == 2;
	report(ok, "an exit that is being handled, and a sum");
}

/* Reasons beyond the slots are nobody's own: they are counted as unknown. */
static void too_many(void)
{
	struct kvmgov_exit_figures figures;
	struct kvmgov_exits exits;
	u32 reason, nr;
	bool ok = true;

	init(&exits);
	for (reason = 0; reason <= KVMGOV_REASON_LAST; reason++)
		count(&exits, reason, 2);
	for (reason = 0; reason <= KVMGOV_REASON_LAST; reason++) {
		bool own = reason < NR_OWN;

		ok = ok && kvmgov_exits_find(&exits, reason, &nr) == own;
		ok = ok && (!own || (read_nr(&exits, nr, &figures) && figures.nr == 1 &&
				     figures.reason == reason));
	}
	ok = ok && kvmgov_exits_find(&exits, KVMGOV_REASON_UNKNOWN, &nr) &&
	     read_nr(&exits, nr, &figures) && figures.reason == KVMGOV_REASON_UNKNOWN &&
	     figures.nr == KVMGOV_REASON_LAST + 1 - NR_OWN &&
	     figures.total_ns == KVMGOV_REASON_LAST + 1 - NR_OWN;
	ok = ok && kvmgov_exits_read(&exits, nr, KVMGOV_REASON_LAST, 200, &figures) &&
	     figures.nr == KVMGOV_REASON_LAST + 2 - NR_OWN && figures.max_ns == 100;
	ok = ok && read_nr(&exits, NR_OWN, &figures) && !read_nr(&exits, NR_OWN + 1, &figures);
	report(ok, "reasons that find no slot are counted as unknown");
}

/* Whatever comes in whatever order, all of it is counted once. */
static void all_of_it(void)
{
	struct kvmgov_exit_figures figures;
	u64 cycles, sum = 0, found = 0;
	struct kvmgov_exits exits;
	u32 i, nr = 0;

	srandom(1);
	init(&exits);
	for (i = 0; i < ROUNDS; i++) {
		cycles = 2 * (random() & 0xffff);
		sum += cycles / 2;
		count(&exits, random() % (KVMGOV_REASON_LAST + 1), cycles);
	}
	for (i = 0; read_nr(&exits, i, &figures); i++) {
		nr += figures.nr;
		found += figures.total_ns;
	}
	report(i == NR_OWN + 1 && nr == ROUNDS && found == sum, "all exits are counted once");
}

int main(void)
{
	printf("TAP version 13\n1..6\n");
	fresh();
	places();
	buckets();
	handled();
	too_many();
	all_of_it();
	return nr_failed != 0;
}
