/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Netlink messages that share a system call. Which ones the kernel finds in what
 * was sent is worked out here by its rules, since a message may lie about its
 * length.
 */
#ifndef LIB_BATCH_H
#define LIB_BATCH_H

#include <linux/genetlink.h>
#include <linux/netlink.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mutate.h"

#define MAX_BATCH  64
#define BATCH_ROOM (2 * MUTATE_ROOM) /* no more than nobody may send at once */
#define MAX_FOUND  (BATCH_ROOM / NLMSG_HDRLEN)

/**
 * struct found - a message as the kernel finds it, and what came of it
 * @nlh:	where it is
 * @ours:	a request to our family
 * @foreign:	a request to another one: anything goes
 * @dump:	asks our family for a dump
 * @clean:	nothing is wrong with it
 * @data:	messages with data that have answered it
 * @ends:	ACKs, errors and ends of dumps that have
 * @error:	the errno that they had, or 0
 */
struct found {
	const struct nlmsghdr *nlh;
	bool ours;
	bool foreign;
	bool dump;
	bool clean;
	unsigned int data;
	unsigned int ends;
	int error;
};

/**
 * struct batch - messages that are sent at once; all zeroes before the first
 * @bytes:	what is sent
 * @len:	how much
 * @nr:		how many batches were made before, this one included
 * @clean_at:	where messages are with which nothing is wrong
 * @nr_clean:	how many
 * @found:	what the kernel finds
 * @nr_found:	how many
 * @first_seq:	number of the first one
 */
struct batch {
	char bytes[BATCH_ROOM] __attribute__((aligned(NLMSG_ALIGNTO)));
	size_t len;
	unsigned int nr;
	size_t clean_at[MAX_BATCH];
	size_t nr_clean;
	struct found found[MAX_FOUND];
	size_t nr_found;
	uint32_t first_seq;
};

/* Make the next batch, in place of the last one. */
void batch_make(struct batch *b, struct mutator *m);

/* The message with this number, or NULL. */
struct found *batch_find(struct batch *b, uint32_t seq);

/* The header of a request to a generic family, which is within its length or not. */
const struct genlmsghdr *genl_of(const struct nlmsghdr *nlh);
bool has_genl(const struct nlmsghdr *nlh);

#endif
