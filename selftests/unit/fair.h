/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What is fair, found in another way than kmod/share.c does: the children in the
 * order in which they are full as the water rises, and 128 bits for every product.
 */
#ifndef FAIR_H
#define FAIR_H

#include <stdlib.h>

#include "../../kmod/share.h"

#define FAIR_CHILDREN 4096

typedef unsigned __int128 fair_u128;

/**
 * struct fair_child - a child in the step that decides what it gets
 * @room:	the most that it could be given
 * @extra:	what it was given
 * @weight:	its weight
 */
struct fair_child {
	u64 room;
	u64 extra;
	u32 weight;
};

#define FAIR_STRING(x)	 #x
#define FAIR_PLACE(line) FAIR_STRING(line)
#define FAIR_CHECK(condition)                                                  \
	do {                                                                   \
		if (!(condition))                                              \
			return "fair.h:" FAIR_PLACE(__LINE__) ": " #condition; \
	} while (0)

static inline u64 fair_min(u64 a, u64 b)
{
	return a < b ? a : b;
}

static inline u64 fair_want(const struct kvmgov_share *s)
{
	return fair_min(s->demand, s->limit);
}

static inline u64 fair_floor(const struct kvmgov_share *s)
{
	u64 reserved = s->reservation > s->claimed ? s->reservation : s->claimed;

	return fair_min(reserved, fair_want(s));
}

static inline int fair_compare(const void *a, const void *b)
{
	const struct fair_child *x = a, *y = b;
	fair_u128 left = (fair_u128)x->room * y->weight;
	fair_u128 right = (fair_u128)y->room * x->weight;

	return (left > right) - (left < right);
}

/*
 * Who is full first has the least room for his weight. Up to the first who is not
 * filled by an equal part of the rest all are full, and the others get that part,
 * but for less than 1 ns.
 */
static inline const char *fair_check_level(struct fair_child *child, u32 n, fair_u128 rest)
{
	fair_u128 weights = 0, exact, given;
	u32 i;

	qsort(child, n, sizeof(*child), fair_compare);
	for (i = 0; i < n; i++)
		weights += child[i].weight;
	for (i = 0; i < n && child[i].room * weights <= rest * child[i].weight; i++) {
		FAIR_CHECK(child[i].extra == child[i].room);
		rest -= child[i].room;
		weights -= child[i].weight;
	}
	for (; i < n; i++) {
		exact = rest * child[i].weight;
		given = child[i].extra * weights;
		FAIR_CHECK(given < exact + weights && exact < given + weights);
	}
	return NULL;
}

/*
 * The definition itself: who could take more has no less for his weight than
 * anybody, but for less than 1 ns here and there.
 */
static inline const char *fair_check_maxmin(const struct fair_child *child, u32 n)
{
	const struct fair_child *most = NULL, *least = NULL;
	u32 i;

	for (i = 0; i < n; i++) {
		const struct fair_child *c = &child[i];

		if (c->extra && (!most || (fair_u128)(c->extra - 1) * most->weight >
						  (fair_u128)(most->extra - 1) * c->weight))
			most = c;
		if (c->extra < c->room &&
		    (!least || ((fair_u128)c->extra + 1) * least->weight <
				       ((fair_u128)least->extra + 1) * c->weight))
			least = c;
	}
	if (most && least)
		FAIR_CHECK((fair_u128)(most->extra - 1) * least->weight <
			   ((fair_u128)least->extra + 1) * most->weight);
	return NULL;
}

/*
 * Is it right what the children of a node were given of @capacity, with @left
 * over? NULL if it is, or else what is not.
 */
static inline const char *fair_check(const struct list_head *children, u64 capacity, u64 left)
{
	static struct fair_child child[FAIR_CHILDREN];
	fair_u128 floors = 0, wants = 0, sum = 0;
	const struct kvmgov_share *s;
	const char *wrong;
	bool fits;
	u32 n = 0;

	list_for_each_entry (s, children, siblings) {
		floors += fair_floor(s);
		wants += fair_want(s);
		sum += s->granted;
	}
	/* All is given away that can be taken, and no more than there is. */
	FAIR_CHECK(sum == (wants < capacity ? wants : capacity));
	FAIR_CHECK(sum + left == capacity);

	fits = floors <= capacity;
	list_for_each_entry (s, children, siblings) {
		u64 floor = fair_floor(s);

		FAIR_CHECK(s->granted <= fair_want(s));
		FAIR_CHECK(fits ? s->granted >= floor : s->granted <= floor);
		FAIR_CHECK(n < FAIR_CHILDREN);
		child[n].room = fits ? fair_want(s) - floor : floor;
		child[n].extra = fits ? s->granted - floor : s->granted;
		child[n++].weight = s->weight;
	}
	wrong = fair_check_maxmin(child, n);
	return wrong ? wrong : fair_check_level(child, n, fits ? capacity - floors : capacity);
}

#endif
