/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Whether a batch of netlink messages was answered as netlink has it, by answers
 * that agree with the spec, and whether VMs have what was taken and nothing else.
 */
#ifndef LIB_JUDGE_H
#define LIB_JUDGE_H

#include <linux/netlink.h>
#include <stdbool.h>
#include <stdint.h>

#include "batch.h"
#include "model.h"

/* Faults that are enough to end a test. */
#define MAX_TROUBLE 8

/* What came of all messages. */
struct tally {
	uint64_t messages, taken, refused, changes, replies, notified;
	uint64_t errors[134];
	uint64_t taken_by_cmd[256], refused_by_cmd[256];
};

/**
 * struct judge - judges what comes of messages
 * @seed:	where they come from
 * @family:	message type of the family
 * @root:	the sender is root, whose changes are to be taken
 * @batch:	the messages that were sent last
 * @model:	what the VMs must have now
 * @trouble:	faults so far
 * @tally:	what came of it all
 */
struct judge {
	long seed;
	int family;
	bool root;
	struct batch *batch;
	struct model *model;
	unsigned int trouble;
	struct tally tally;
};

/*
 * A fault: the case fails. The first ones are shown, with the message if there is
 * one and with the errno @error unless that is 0.
 */
void judge_fault(struct judge *j, const struct nlmsghdr *nlh, const char *what, int error);

/* A message that came as an answer to the batch. */
void judge_answer(struct judge *j, const struct nlmsghdr *nlh);

/* The batch, when all answers have come; does the changes to the model. */
void judge_batch(struct judge *j);

/* A message that came without being asked for. */
void judge_notification(struct judge *j, const struct nlmsghdr *nlh);

/* A VM as a dump shows it; true if the model has it. */
bool judge_vm(struct judge *j, const struct nlmsghdr *nlh);

#endif
