/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Netlink messages that are what the spec says, or not quite.
 */
#ifndef LIB_MUTATE_H
#define LIB_MUTATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hostile.h"
#include "spec.h"

/* Room that a message may need. */
#define MUTATE_ROOM 70000

/**
 * struct legal - the numbers that an attribute may have; the spec is silent
 * @set:	its attribute set
 * @attr:	its number
 * @min:	smallest
 * @max:	largest
 * @extra:	one that is legal as well, or 0
 * @of:		or, instead, one of these, which the request needs
 * @nr:		how many
 */
struct legal {
	const struct spec_set *set;
	unsigned int attr;
	uint64_t min, max, extra;
	const uint64_t *of;
	size_t nr;
};

/**
 * struct mutator - makes messages
 * @rng:	where they come from
 * @family:	message type of the family
 * @legal:	legal numbers
 * @nr_legal:	how many attributes have some
 */
struct mutator {
	struct random rng;
	int family;
	const struct legal *legal;
	size_t nr_legal;
};

/*
 * Write a message, padded to NLMSG_ALIGNTO; its length. @clean: nothing is
 * wrong with it, so that it must be taken.
 */
size_t mutate_message(struct mutator *m, void *buf, bool *clean);

#endif
