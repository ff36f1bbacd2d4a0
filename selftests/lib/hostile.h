/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Bad input: numbers and strings that code gets wrong. All follows from a seed.
 */
#ifndef LIB_HOSTILE_H
#define LIB_HOSTILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct random {
	uint64_t state;
};

uint64_t random_u64(struct random *r);
uint32_t random_below(struct random *r, uint32_t limit);
bool random_one_in(struct random *r, uint32_t nr);

void random_bytes(struct random *r, void *buf, size_t len);

/* A number that code likes to get wrong. */
uint64_t hostile_number(struct random *r);

/* A string that is none, or is too long, or means something to somebody; its length. */
size_t hostile_string(struct random *r, char *buf, size_t room);

/* The strings that everybody should have tried, by number; SIZE_MAX beyond the last. */
size_t hostile_listed(size_t i, char *buf, size_t room);

#endif
