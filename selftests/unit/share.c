// SPDX-License-Identifier: GPL-2.0-only
/*
 * The arithmetic of shares, compiled from the kernel module's own source: fixed
 * cases, all small ones against each possible way to share, and random nodes and
 * trees against what fair.h says is fair.
 */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <linux/math64.h>

#include "fair.h"
#include "rnd.h"
#include "unit.h"

/* Each look at the water's level begins with such a division. */
static unsigned int nr_levels;

static inline u64 counted_div64_u64_rem(u64 dividend, u64 divisor, u64 *remainder)
{
	nr_levels++;
	return div64_u64_rem(dividend, divisor, remainder);
}

#define div64_u64_rem counted_div64_u64_rem
#include "../../kmod/share.c"
#undef div64_u64_rem

#define MS	  1000000ULL
#define SEC	  1000000000ULL
#define NONE	  KVMGOV_SHARE_UNLIMITED
#define CHILDREN  FAIR_CHILDREN
#define DEPTH	  8
#define NR_NODES  100000
#define NR_TREES  100000
#define SMALL	  3 /* children in the cases that are counted out */
#define NR_SMALL  400
#define SMALL_LCM 12

static u64 state = 0x9E3779B97F4A7C15ULL;

/* Below @n. */
static u64 rnd_below(u64 n)
{
	return (rnd(&state) >> 8) % n;
}

/* From 0 to @max, small and large magnitudes alike. */
static u64 rnd_size(u64 max)
{
	u64 span = max >> rnd_below(64 - __builtin_clzll(max | 1));

	return span == ~0ULL ? rnd(&state) : rnd(&state) % (span + 1);
}

static u32 rnd_weight(void)
{
	return rnd_below(3) ? 1 + rnd_size(KVMGOV_WEIGHT_MAX - 1) : KVMGOV_WEIGHT_DEFAULT;
}

/* A node and its children, without a tree around it. */
struct node {
	struct list_head children;
	struct kvmgov_share child[CHILDREN];
	u32 n;
	u64 capacity;
};

static void node_link(struct node *node)
{
	u32 i;

	INIT_LIST_HEAD(&node->children);
	for (i = 0; i < node->n; i++)
		list_add_tail(&node->child[i].siblings, &node->children);
}

static void node_add(struct node *node, u64 reservation, u32 weight, u64 limit, u64 demand)
{
	if (!node->n)
		INIT_LIST_HEAD(&node->children);
	node->child[node->n] = (struct kvmgov_share){
		.reservation = reservation, .weight = weight, .limit = limit, .demand = demand
	};
	list_add_tail(&node->child[node->n++].siblings, &node->children);
}

/* The bound that share.c states, of one step, and the last look of each. */
static unsigned int levels_max(const struct node *node)
{
	double weights = 1;
	u32 i;

	for (i = 0; i < node->n; i++)
		weights += node->child[i].weight;
	return 2 * (log2((double)node->capacity + 1) / 2 + log2(weights) + 3);
}

static bool node_share(struct node *node)
{
	const char *wrong;

	nr_levels = 0;
	wrong = fair_check(&node->children, node->capacity,
			   kvmgov_share_distribute(&node->children, node->capacity));
	if (wrong)
		printf("# %s, %u children\n", wrong, node->n);
	return !wrong && EXPECT(nr_levels <= levels_max(node));
}

static struct node node;

static void test_examples(void)
{
	struct kvmgov_share *got = node.child;
	bool ok = true;

	/* Three that spin, by weight. */
	node.n = 0;
	node.capacity = 70 * MS;
	node_add(&node, 0, 100, NONE, SEC);
	node_add(&node, 0, 200, NONE, SEC);
	node_add(&node, 0, 400, NONE, SEC);
	ok &= EXPECT(node_share(&node));
	ok &= EXPECT(got[0].granted == 10 * MS && got[1].granted == 20 * MS);
	ok &= EXPECT(got[2].granted == 40 * MS);

	/* A fourth with a reservation gets it, and its part of the rest. */
	node_add(&node, 20 * MS, 300, NONE, SEC);
	ok &= EXPECT(node_share(&node));
	ok &= EXPECT(got[3].granted == 35 * MS && got[2].granted == 20 * MS);

	/* What the second does not need and the third may not have, others get. */
	got[1].demand = 5 * MS;
	got[2].limit = 11 * MS;
	ok &= EXPECT(node_share(&node));
	ok &= EXPECT(got[1].granted == 5 * MS && got[2].granted == 11 * MS);
	ok &= EXPECT(got[0].granted == 34 * MS / 4 && got[3].granted == 45500000);

	/* One that sleeps has no use for its reservation. */
	got[3].demand = 0;
	ok &= EXPECT(node_share(&node));
	ok &= EXPECT(got[0].granted == 54 * MS && got[3].granted == 0);

	/* Reservations that do not fit are shared by weight, too. */
	node.n = 0;
	node.capacity = 30 * MS;
	node_add(&node, 40 * MS, 100, NONE, SEC);
	node_add(&node, 40 * MS, 200, NONE, SEC);
	node_add(&node, 1 * MS, 100, NONE, SEC);
	node_add(&node, 0, 100, NONE, SEC);
	ok &= EXPECT(node_share(&node));
	ok &= EXPECT(got[0].granted == 9666666 && got[1].granted == 19333334);
	ok &= EXPECT(got[2].granted == 1 * MS && got[3].granted == 0);
	report(ok, "reservations first, then by weight, up to demand and limit");
}

static void test_rounding(void)
{
	u32 i, got[10] = { 0 };
	bool ok = true;

	node.n = 0;
	node.capacity = 1003;
	for (i = 0; i < 10; i++)
		node_add(&node, 0, 7, NONE, SEC);
	ok &= EXPECT(node_share(&node));
	for (i = 0; i < 10; i++)
		got[i] = node.child[i].granted;
	/* 100.3 each: the three that are left over, where they add up to one. */
	for (i = 0; i < 10; i++)
		ok &= EXPECT(got[i] == 100U + (i == 3 || i == 6 || i == 9));
	ok &= EXPECT(node_share(&node));
	for (i = 0; i < 10; i++)
		ok &= EXPECT(got[i] == node.child[i].granted);
	report(ok, "the last ns are given away, in the same way each time");
}

static void test_empty(void)
{
	struct kvmgov_share pool = { .demand = 1, .claimed = 1, .promised = 1 };
	bool ok = true;

	node.n = 0;
	node.capacity = 5;
	node_link(&node);
	ok &= EXPECT(kvmgov_share_distribute(&node.children, 5) == 5);
	kvmgov_share_sum(&pool, &node.children);
	ok &= EXPECT(!pool.demand && !pool.claimed && !pool.promised);
	ok &= EXPECT(kvmgov_share_room(&node.children, NULL, 7) == 7);

	node_add(&node, 3, 1, NONE, 4);
	node.capacity = 0;
	ok &= EXPECT(node_share(&node) && node.child[0].granted == 0);
	node.capacity = ~0ULL;
	ok &= EXPECT(node_share(&node) && node.child[0].granted == 4);
	report(ok, "no children, nothing to give, more than anybody wants");
}

static void test_sums(void)
{
	struct kvmgov_share pool = { .limit = NONE };
	struct kvmgov_share *child = node.child;
	bool ok = true;

	node.n = 0;
	node_add(&node, 30 * MS, 100, NONE, SEC);
	node_add(&node, 20 * MS, 100, 15 * MS, SEC);
	node_add(&node, 10 * MS, 100, NONE, 4 * MS);
	child[2].promised = 12 * MS;
	kvmgov_share_sum(&pool, &node.children);
	ok &= EXPECT(pool.demand == SEC + 19 * MS);
	ok &= EXPECT(pool.claimed == 49 * MS);
	ok &= EXPECT(pool.promised == 62 * MS && kvmgov_share_promise(&pool) == 62 * MS);
	pool.reservation = 70 * MS;
	ok &= EXPECT(kvmgov_share_promise(&pool) == 70 * MS);

	/* What is free; none where there is less than is reserved already. */
	ok &= EXPECT(kvmgov_share_room(&node.children, NULL, 80 * MS) == 18 * MS);
	ok &= EXPECT(kvmgov_share_room(&node.children, child, 80 * MS) == 48 * MS);
	ok &= EXPECT(kvmgov_share_room(&node.children, child, 31 * MS) == 0);
	ok &= EXPECT(kvmgov_share_room(&node.children, NULL, 10 * MS) == 0);

	child[0].demand = ~0ULL - MS;
	child[0].reservation = ~0ULL;
	kvmgov_share_sum(&pool, &node.children);
	ok &= EXPECT(pool.demand == ~0ULL && pool.claimed == ~0ULL && pool.promised == ~0ULL);
	ok &= EXPECT(kvmgov_share_room(&node.children, child + 1, ~0ULL) == 0);
	report(ok, "sums and what is free, without overflow");
}

/*
 * All small cases are counted out: of each way to share that keeps the rules the
 * one is looked for whose smallest part, then second smallest and so on is
 * largest. Times are such multiples that it has whole numbers.
 */
struct parts {
	u64 part[SMALL]; /* times 6 by weight, in order */
};

static struct parts parts_of(const u64 *extra, u32 n)
{
	struct parts parts = { { 0 } };
	u32 i, j;
	u64 part;

	for (i = 0; i < n; i++) {
		part = extra[i] * 6 / node.child[i].weight;
		for (j = i; j > 0 && parts.part[j - 1] > part; j--)
			parts.part[j] = parts.part[j - 1];
		parts.part[j] = part;
	}
	return parts;
}

static bool parts_better(const struct parts *a, const struct parts *b, u32 n)
{
	u32 i;

	for (i = 0; i < n; i++)
		if (a->part[i] != b->part[i])
			return a->part[i] > b->part[i];
	return false;
}

static void best_of(u32 i, u64 left, const u64 *room, u64 *extra, struct parts *best)
{
	struct parts parts;

	if (i == node.n) {
		parts = parts_of(extra, node.n);
		if (parts_better(&parts, best, node.n))
			*best = parts;
		return;
	}
	for (extra[i] = 0; extra[i] <= fair_min(room[i], left); extra[i]++)
		best_of(i + 1, left - extra[i], room, extra, best);
}

static u64 lcm(u64 a, u64 b)
{
	u64 x = a, y = b, z;

	for (; y; x = y, y = z)
		z = x % y;
	return a / x * b;
}

/* What all sums of weights divide, so that no part is ever rounded. */
static u64 weights_lcm(void)
{
	u64 all = 1, sum;
	u32 set, i;

	for (set = 1; set < 1U << node.n; set++) {
		for (sum = 0, i = 0; i < node.n; i++)
			sum += set >> i & 1 ? node.child[i].weight : 0;
		all = lcm(all, sum);
	}
	return all;
}

static void small_random(void)
{
	u32 i, n = 1 + rnd_below(SMALL);
	u64 unit;

	do {
		node.n = 0;
		for (i = 0; i < n; i++)
			node_add(&node, 0, 1 + rnd_below(3), 0, 0);
		unit = weights_lcm();
	} while (unit > SMALL_LCM);
	for (i = 0; i < n; i++) {
		node.child[i].reservation = rnd_below(4) * rnd_below(2) * unit;
		node.child[i].demand = rnd_below(4) * unit;
		node.child[i].limit = rnd_below(3) ? NONE : rnd_below(4) * unit;
	}
	node.capacity = rnd_below(7) * unit;
}

static bool small_check(void)
{
	u64 room[SMALL], got[SMALL], extra[SMALL], floors = 0;
	struct parts best = { { 0 } }, parts;
	bool fits;
	u32 i;

	for (i = 0; i < node.n; i++)
		floors += fair_floor(&node.child[i]);
	fits = floors <= node.capacity;
	for (i = 0; i < node.n; i++) {
		u64 floor = fair_floor(&node.child[i]);

		room[i] = fits ? fair_want(&node.child[i]) - floor : floor;
		got[i] = node.child[i].granted - (fits ? floor : 0);
	}
	best_of(0, node.capacity - (fits ? floors : 0), room, extra, &best);
	parts = parts_of(got, node.n);
	return EXPECT(!memcmp(&parts, &best, sizeof(parts)));
}

static void test_small(void)
{
	bool ok = true;
	u32 i;

	for (i = 0; ok && i < NR_SMALL; i++) {
		small_random();
		ok = node_share(&node) && small_check();
	}
	report(ok, "small cases: no other way to share is fairer");
}

static void node_random(u32 n_max, u64 max)
{
	u64 top = rnd_size(max);
	u32 n = 1 + rnd_size(n_max - 1);
	bool reserve = rnd_below(4);

	node.n = 0;
	node.capacity = rnd_size(top);
	while (node.n < n)
		node_add(&node, reserve && !rnd_below(3) ? rnd_size(top / n) : 0, rnd_weight(),
			 rnd_below(3) ? NONE : rnd_size(top), rnd_size(top));
}

static void test_random(void)
{
	bool ok = true;
	u32 i;

	for (i = 0; ok && i < NR_NODES; i++) {
		node_random(32, ~0ULL);
		ok = node_share(&node);
	}
	report(ok, "random nodes are shared fairly, with nothing lost, up to 2^64 ns");
}

static void test_extremes(void)
{
	static const u64 times[] = { 0, 1, 2, SEC, 7 * 86400 * SEC, 4096 * SEC, ~0ULL - 1, ~0ULL };
	static const u32 weights[] = { 1, 2, 9999, 10000 };
	bool ok = true;
	u32 i, j;

	for (i = 0; ok && i < 200; i++) {
		node_random(CHILDREN, ~0ULL);
		for (j = 0; j < node.n; j++) {
			struct kvmgov_share *s = &node.child[j];

			s->reservation = rnd_below(3) ? 0 : times[rnd_below(8)];
			s->limit = rnd_below(2) ? NONE : times[rnd_below(8)];
			s->demand = times[rnd_below(8)];
			s->weight = weights[rnd_below(4)];
		}
		node.capacity = times[rnd_below(8)];
		ok = node_share(&node);
	}
	for (i = 0; ok && i < 50; i++) {
		node_random(CHILDREN, 4096 * SEC);
		ok = node_share(&node);
	}
	report(ok, "1 ns to 2^64 ns, weights of 1 to 10,000, 4096 children");
}

/*
 * The worst case that the reasoning in share.c leaves: half of the weights is
 * full in each pass, and gives back as much as it can without having been full
 * in the pass before.
 */
static void passes_add(u32 n, u32 weight)
{
	while (n--)
		node_add(&node, 0, weight, NONE, 0);
}

static void test_passes(void)
{
	u64 rest = ~0ULL, old_rest = 0;
	u32 weights = 0, old_weights = 1, i, n;
	bool ok = true;

	node.n = 0;
	node.capacity = rest;
	for (n = CHILDREN / 4; n; n /= 2)
		passes_add(n, 10000);
	for (n = 5000; n; n /= 2)
		passes_add(1, n);
	for (i = 0; i < node.n; i++)
		weights += node.child[i].weight;

	/* Just more than the pass before could fill. */
	for (i = 0, n = CHILDREN / 4; i < node.n; n /= 2) {
		u64 next_rest = rest, next_weights = weights;
		u32 end = i + (n ? n : 1);

		for (; i < end; i++) {
			struct kvmgov_share *s = &node.child[i];

			s->demand = (fair_u128)old_rest * s->weight / old_weights + 1;
			rest -= s->demand;
			weights -= s->weight;
		}
		old_rest = next_rest;
		old_weights = next_weights;
	}
	ok &= EXPECT(node_share(&node));
	/* Not one for each of 2060 children. */
	ok &= EXPECT(nr_levels > 20 && nr_levels <= 59 + 1);
	printf("# %u passes\n", nr_levels);
	report(ok, "the number of passes is what is said, in a bad case, too");
}

/* All that a node's children were granted. */
static u64 before[CHILDREN];

static void remember(void)
{
	u32 i;

	for (i = 0; i < node.n; i++)
		before[i] = node.child[i].granted;
}

static bool scale_times(u64 factor)
{
	bool ok = true;
	u32 i;

	node.capacity *= factor;
	for (i = 0; i < node.n; i++) {
		node.child[i].reservation *= factor;
		node.child[i].demand *= factor;
		if (node.child[i].limit != NONE)
			node.child[i].limit *= factor;
	}
	ok &= node_share(&node);
	for (i = 0; i < node.n; i++)
		ok &= EXPECT(node.child[i].granted <= before[i] * factor + factor &&
			     before[i] * factor <= node.child[i].granted + factor);
	return ok;
}

static bool scale_weights(u32 factor)
{
	bool ok = true;
	u32 i;

	for (i = 0; i < node.n; i++)
		node.child[i].weight *= factor;
	ok &= node_share(&node);
	for (i = 0; i < node.n; i++)
		ok &= EXPECT(node.child[i].granted == before[i]);
	for (i = 0; i < node.n; i++)
		node.child[i].weight /= factor;
	return ok;
}

static void test_scale(void)
{
	bool ok = true;
	u32 i, j;

	for (i = 0; ok && i < NR_NODES / 5; i++) {
		node_random(16, ~0ULL >> 20);
		for (j = 0; j < node.n; j++)
			node.child[j].weight = 1 + rnd_below(100);
		ok = node_share(&node);
		remember();
		ok = ok && scale_weights(1 + rnd_below(100)) &&
		     scale_times(1 + rnd_below(1U << 20));
	}
	report(ok, "other units of weight change nothing, of time no more than the unit");
}

static void test_order(void)
{
	struct kvmgov_share other;
	bool ok = true;
	u32 i, j, k;
	u64 got;

	for (i = 0; ok && i < NR_NODES / 5; i++) {
		node_random(16, ~0ULL);
		ok = node_share(&node);
		/* Who was granted what goes along in a member that is not used. */
		for (j = 0; j < node.n; j++)
			node.child[j].promised = node.child[j].granted;
		for (j = node.n - 1; j > 0; j--) {
			k = rnd_below(j + 1);
			other = node.child[j];
			node.child[j] = node.child[k];
			node.child[k] = other;
		}
		node_link(&node);
		ok = ok && node_share(&node);
		for (j = 0; j < node.n; j++) {
			got = node.child[j].granted - node.child[j].promised;
			ok &= EXPECT(got + 1 <= 2);
		}
	}
	report(ok, "another order changes 1 ns at most");
}

static void test_more(void)
{
	bool ok = true;
	u32 i, j;

	for (i = 0; ok && i < NR_NODES / 5; i++) {
		node_random(16, ~0ULL);
		ok = node_share(&node);
		remember();
		node.capacity += rnd_size(~node.capacity);
		ok = ok && node_share(&node);
		for (j = 0; j < node.n; j++)
			ok &= EXPECT(node.child[j].granted >= before[j] - !!before[j]);
	}
	report(ok, "when there is more to give nobody gets less");
}

static void test_convert(void)
{
	bool ok = true;
	u32 i;

	ok &= EXPECT(kvmgov_share_convert(NONE, 1000, 1000000) == NONE);
	ok &= EXPECT(kvmgov_share_convert(NONE - 1, 1000, 1001) == NONE);
	ok &= EXPECT(kvmgov_share_convert(NONE - 1, 1000, 1000) == NONE - 1);
	for (i = 0; ok && i < NR_NODES; i++) {
		u32 from = 1000 + rnd_size(999000), to = 1000 + rnd_size(999000);
		u64 ns = rnd_size(NONE - 1);
		fair_u128 exact = (fair_u128)ns * to / from;

		ok &= EXPECT(kvmgov_share_convert(ns, from, to) ==
			     (exact > NONE ? NONE : (u64)exact));
	}
	report(ok, "a time is the same part of another period");
}

/**
 * struct branch - a node of a tree
 * @share:	what is tested
 * @children:	its children, if any
 * @parent:	its number, less than its own; the root is 0
 * @depth:	of the root: 0
 * @leaf:	it has no children: a VM, or a pool without any
 * @quota:	what its limit is made of
 */
struct branch {
	struct kvmgov_share share;
	struct list_head children;
	u32 parent;
	u32 depth;
	bool leaf;
	u64 quota;
};

static struct branch tree[CHILDREN];
static u32 nr_branches;

static void tree_random(u32 n_max, u64 max)
{
	u32 i;

	nr_branches = 2 + rnd_size(n_max - 2);
	for (i = 0; i < nr_branches; i++) {
		struct branch *b = &tree[i];

		memset(b, 0, sizeof(*b));
		b->leaf = true;
		INIT_LIST_HEAD(&b->children);
		b->quota = i && rnd_below(2) ? NONE : rnd_size(max);
		b->share.limit = b->quota;
		b->share.weight = rnd_weight();
		b->share.demand = rnd_below(4) ? rnd_size(max) : 0;
		if (!i)
			continue;
		do
			b->parent = rnd_below(3) ? rnd_below(i) : i - 1;
		while (tree[b->parent].depth == DEPTH);
		b->depth = tree[b->parent].depth + 1;
		tree[b->parent].leaf = false;
		list_add_tail(&b->share.siblings, &tree[b->parent].children);
	}
}

static void tree_sum(void)
{
	u32 i;

	for (i = nr_branches; i-- > 0;)
		if (!tree[i].leaf)
			kvmgov_share_sum(&tree[i].share, &tree[i].children);
}

/* The root's quota is all that there is. */
static bool tree_share(void)
{
	const char *wrong;
	u64 left;
	u32 i;

	tree_sum();
	tree[0].share.granted = fair_want(&tree[0].share);
	for (i = 0; i < nr_branches; i++) {
		if (tree[i].leaf)
			continue;
		left = kvmgov_share_distribute(&tree[i].children, tree[i].share.granted);
		wrong = fair_check(&tree[i].children, tree[i].share.granted, left);
		if (wrong || left) {
			printf("# node %u of %u: %s\n", i, nr_branches, wrong ? wrong : "rest");
			return false;
		}
	}
	return true;
}

/* What could be used of this tree at most, in another way than that of share.c. */
static bool tree_conserves(void)
{
	static fair_u128 want[CHILDREN];
	fair_u128 got = 0;
	u32 i;

	memset(want, 0, sizeof(want[0]) * nr_branches);
	for (i = nr_branches; i-- > 0;) {
		if (tree[i].leaf) {
			want[i] = tree[i].share.demand;
			got += tree[i].share.granted;
		}
		if (want[i] > tree[i].quota)
			want[i] = tree[i].quota;
		if (i)
			want[tree[i].parent] += want[i];
	}
	return EXPECT(got == want[0]);
}

/* Does all that is reserved fit? Without the help of share.c. */
static bool tree_fits(void)
{
	static fair_u128 promise[CHILDREN];
	bool fits = true;
	u32 i;

	memset(promise, 0, sizeof(promise[0]) * nr_branches);
	for (i = nr_branches; i-- > 0;) {
		if (promise[i] < tree[i].share.reservation)
			promise[i] = tree[i].share.reservation;
		fits &= promise[i] <= tree[i].quota;
		if (i)
			promise[tree[i].parent] += promise[i];
	}
	return fits;
}

/* What may be reserved for a node, as an administrator's request would ask it. */
static u64 tree_room(u32 i)
{
	u64 room;

	if (!i)
		return tree[0].quota;
	room = kvmgov_share_room(&tree[tree[i].parent].children, &tree[i].share,
				 tree_room(tree[i].parent));
	return fair_min(room, tree[i].quota);
}

/* Reserve for nodes at random all that fits, or part of it. */
static bool tree_reserve(void)
{
	u32 i, tries = rnd_below(8) + nr_branches / 4;
	u64 room, old;
	bool ok = true;

	while (ok && tries--) {
		i = rnd_below(nr_branches);
		room = tree_room(i);
		old = tree[i].share.reservation;
		ok &= EXPECT(room >= kvmgov_share_promise(&tree[i].share));
		tree[i].share.reservation = room;
		ok &= EXPECT(tree_fits());
		tree[i].share.reservation = room + 1;
		ok &= EXPECT(!tree_fits());
		tree[i].share.reservation = rnd_below(8) ? rnd_size(room) : room;
		if (!rnd_below(4))
			tree[i].share.reservation = old;
		tree_sum();
	}
	return ok;
}

static bool tree_keeps(void)
{
	bool ok = true;
	u32 i;

	for (i = 0; i < nr_branches; i++) {
		const struct kvmgov_share *s = &tree[i].share;

		ok &= EXPECT(s->granted <= tree[i].quota);
		ok &= EXPECT(s->granted >= fair_min(s->reservation, fair_want(s)));
	}
	return ok;
}

static void test_trees(void)
{
	bool ok = true;
	u32 i;

	for (i = 0; ok && i < NR_TREES; i++) {
		tree_random(i % 1000 ? 200 : CHILDREN, i & 1 ? ~0ULL >> 14 : 4096 * SEC);
		tree_sum();
		ok = (nr_branches > 100 || tree_reserve()) && tree_share() && tree_conserves() &&
		     tree_keeps();
	}
	report(ok, "random trees: what is admitted is kept at any depth, and all is used");
}

/* Reservations that nobody admitted, and limits made small by debt. */
static void test_crowded(void)
{
	bool ok = true;
	u32 i, j;

	for (i = 0; ok && i < NR_TREES / 2; i++) {
		tree_random(200, ~0ULL);
		for (j = 0; j < nr_branches; j++)
			tree[j].share.reservation = rnd_below(2) ? 0 : rnd_size(~0ULL);
		ok = tree_share() && tree_conserves();
	}
	report(ok, "reservations that do not fit are kept as far as they do");
}

int main(void)
{
	puts("TAP version 13\n1..14");
	test_examples();
	test_rounding();
	test_empty();
	test_sums();
	test_small();
	test_random();
	test_extremes();
	test_passes();
	test_scale();
	test_order();
	test_more();
	test_convert();
	test_trees();
	test_crowded();
	return nr_failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
