// SPDX-License-Identifier: GPL-2.0-only
/*
 * share: a node of the tree of pools shares its time among children that the input
 * describes, and unit/fair.h judges it.
 *
 * The input is what there is to share, 8 bytes, and for each child 26: reservation,
 * limit, demand, 8 each, and weight, 2; low bytes first.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../../kmod/share.c"
#include "../unit/fair.h"
#include "kernel.h"

#define CHILD_SIZE 26

static void read_child(const uint8_t *data, struct kvmgov_share *child)
{
	uint16_t weight;

	memset(child, 0, sizeof(*child));
	memcpy(&child->reservation, data, 8);
	memcpy(&child->limit, data + 8, 8);
	memcpy(&child->demand, data + 16, 8);
	memcpy(&weight, data + 24, 2);
	child->weight = KVMGOV_WEIGHT_MIN + weight % KVMGOV_WEIGHT_MAX;
}

/* As an inner node would be: what it passes on is what it was granted. */
static void check_pool(const struct list_head *children, u64 capacity)
{
	struct kvmgov_share pool = { .limit = capacity };
	const char *wrong;
	u64 left;

	kvmgov_share_sum(&pool, children);
	capacity = fair_want(&pool);
	left = kvmgov_share_distribute(children, capacity);
	wrong = fair_check(children, capacity, left);
	FUZZ_CHECK(!wrong, wrong);
	FUZZ_CHECK(!left, NULL);
	FUZZ_CHECK(kvmgov_share_room(children, NULL, ~0ULL) == ~0ULL - pool.promised, NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct list_head children;
	struct kvmgov_share *child;
	const char *wrong;
	u64 capacity;
	size_t i, n;

	if (size < sizeof(capacity))
		return 0;
	memcpy(&capacity, data, sizeof(capacity));
	n = (size - sizeof(capacity)) / CHILD_SIZE;
	if (n > FAIR_CHILDREN)
		return 0;
	child = calloc(n + 1, sizeof(*child));
	INIT_LIST_HEAD(&children);
	for (i = 0; i < n; i++) {
		read_child(data + sizeof(capacity) + i * CHILD_SIZE, &child[i]);
		list_add_tail(&child[i].siblings, &children);
	}
	wrong = fair_check(&children, capacity, kvmgov_share_distribute(&children, capacity));
	FUZZ_CHECK(!wrong, wrong);
	check_pool(&children, capacity);
	free(child);
	return 0;
}
