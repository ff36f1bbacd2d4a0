/* SPDX-License-Identifier: GPL-2.0-only */
/* Random numbers for the unit tests of the module's sources. */
#ifndef RND_H
#define RND_H

#include <linux/types.h>

/* xorshift64*, Vigna 2016: the same numbers on every machine. */
static inline u64 rnd(u64 *state)
{
	*state ^= *state >> 12;
	*state ^= *state << 25;
	*state ^= *state >> 27;
	return *state * 0x2545F4914F6CDD1DULL;
}

static inline u64 rnd_between(u64 *state, u64 min, u64 max)
{
	/* Small and large magnitudes alike. */
	u64 span = (max - min) >> rnd(state) % 40;

	return min + (span ? rnd(state) % (span + 1) : 0);
}

#endif
