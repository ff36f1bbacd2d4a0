// SPDX-License-Identifier: GPL-2.0-only
/*
 * Shares: what a node of the tree of pools gives to its children.
 *
 * First reservations, then the rest in weighted max-min fairness: nobody gets
 * more for his weight than somebody who would have liked more. It is found by
 * progressive filling, as D. Bertsekas and R. Gallager have it in "Data
 * Networks", 2nd edition 1992, section 6.5.2, of one link and with weights:
 * the water rises at the same level everywhere, in basins as wide as their
 * weights; who is full is left out, and the others share what remains.
 *
 * The tree is done in two walks. Upwards, children before their parents,
 * kvmgov_share_sum() of each pool, after the demand of each VM has been set.
 * Downwards, parents before their children, kvmgov_share_distribute() of each
 * pool's children, with the capacity that the pool itself was granted; at the
 * root that is the host's, or the root's limit where this is less. With that a
 * reservation inside a pool that has none itself is kept all the same, and so
 * it is at any depth, as long as kvmgov_share_room() was asked before each was
 * set.
 */
#include <linux/list.h>
#include <linux/math64.h>
#include <linux/minmax.h>
#include <linux/overflow.h>
#include <linux/types.h>

#include "share.h"

/**
 * struct share_rest - what is not given away yet
 * @time: the CPU time
 * @weights: the weights of those who are not full, added up
 */
struct share_rest {
	u64 time;
	u64 weights;
};

/**
 * struct share_level - how high the water would be without ceilings
 * @whole: time for each unit of weight, whole ns
 * @part: what that leaves of the time, less than @weights
 * @weights: by which @part is to be divided
 *
 * To a weight belong @whole * weight + @part * weight / @weights. None of it
 * overflows: the first is at most the time, the second less than 2^64 with
 * weights of 10,000 and 10^11 children.
 */
struct share_level {
	u64 whole;
	u64 part;
	u64 weights;
};

static u64 add_saturated(u64 a, u64 b)
{
	u64 sum;

	return check_add_overflow(a, b, &sum) ? ~0ULL : sum;
}

/* What it takes if there is enough. */
static u64 share_want(const struct kvmgov_share *share)
{
	return min(share->demand, share->limit);
}

/* What of this it gets before anybody gets anything by weight. */
static u64 share_floor(const struct kvmgov_share *share)
{
	return min(max(share->reservation, share->claimed), share_want(share));
}

static bool share_full(const struct kvmgov_share *share)
{
	return share->granted >= share->ceiling;
}

/**
 * kvmgov_share_sum() - add up what the children of a pool want
 * @pool: the pool
 * @children: its children, their demand set and, of pools, summed up
 *
 * Sets @pool's demand, claimed and promised time.
 */
void kvmgov_share_sum(struct kvmgov_share *pool,
		      const struct list_head *children)
{
	const struct kvmgov_share *child;

	pool->demand = 0;
	pool->claimed = 0;
	pool->promised = 0;
	list_for_each_entry(child, children, siblings) {
		pool->demand = add_saturated(pool->demand, share_want(child));
		pool->claimed = add_saturated(pool->claimed,
					      share_floor(child));
		pool->promised = add_saturated(pool->promised,
					       kvmgov_share_promise(child));
	}
}

static struct share_level level_of(const struct share_rest *rest)
{
	struct share_level level = { .weights = rest->weights };

	level.whole = div64_u64_rem(rest->time, rest->weights, &level.part);
	return level;
}

/* Would the water at this level fill it? Exact, and without a division. */
static bool level_fills(const struct share_level *level,
			const struct kvmgov_share *share)
{
	u64 room = share->ceiling - share->granted;
	u64 whole = level->whole * share->weight;

	if (room <= whole)
		return true;
	room -= whole;
	return room < share->weight &&
	       room * level->weights <= level->part * share->weight;
}

/* Fill those whom the level fills, and say whether there were any. */
static bool share_pass(const struct list_head *children,
		       struct share_rest *rest)
{
	const struct share_level level = level_of(rest);
	struct kvmgov_share *child;

	list_for_each_entry(child, children, siblings) {
		if (share_full(child) || !level_fills(&level, child))
			continue;
		rest->time -= child->ceiling - child->granted;
		rest->weights -= child->weight;
		child->granted = child->ceiling;
	}
	return rest->weights != level.weights;
}

/*
 * Give the rest to those whom the level does not fill. What one is rounded down
 * by is carried on to the next, so that each gets what is exact rounded down or
 * up, and nothing remains behind the last: by then the carry has grown to @part
 * times all weights.
 */
static void share_spread(const struct list_head *children,
			 const struct share_rest *rest)
{
	const struct share_level level = level_of(rest);
	struct kvmgov_share *child;
	u64 carry = 0, carried;

	list_for_each_entry(child, children, siblings) {
		if (share_full(child))
			continue;
		carry += level.part * child->weight;
		carried = div64_u64(carry, level.weights);
		carry -= carried * level.weights;
		child->granted += level.whole * child->weight + carried;
	}
}

/*
 * Fill all up to their ceilings as far as @time goes; returns what is left.
 *
 * A pass that fills nobody is the last. There are few: be f the part of the
 * weights W that a pass fills, and D what it gives back, by how much the level
 * was above the ceilings. It lifts the level by D / W', W' = (1 - f) W, so that
 * those who are filled by the next pass, and were not by this one, can give
 * back f' D at most; D W' falls to f (1 - f) <= 1/4 of what it was each time.
 * It begins below time * W / 4, and is 1 / W at least as long as there is
 * somebody to fill, D being a whole multiple of 1 / W. Hence no more than
 * log2(time) / 2 + log2(W) + 2 passes: 59 for any time and 4096 children with
 * weights of 10,000.
 */
static u64 share_fill(const struct list_head *children, u64 time)
{
	struct share_rest rest = { .time = time };
	struct kvmgov_share *child;

	list_for_each_entry(child, children, siblings)
		if (!share_full(child))
			rest.weights += child->weight;

	while (rest.weights && share_pass(children, &rest))
		;
	if (!rest.weights)
		return rest.time;
	share_spread(children, &rest);
	return 0;
}

/**
 * kvmgov_share_distribute() - give a pool's time to its children
 * @children: the children, their demand set and, of pools, summed up
 * @capacity: the time
 *
 * First, reservations as far as they are wanted; where @capacity is too small
 * for them, max-min fair by weight. Then the rest, max-min fair by weight
 * beyond the reservations. Nobody gets more than his demand or his limit, and
 * all is given away that anybody can take. What a child gets is exact by less
 * than 1 ns in either step; who gets that 1 ns depends on the order of the
 * list only, and it does not matter in what unit the weights are.
 *
 * Takes a time in proportion to the number of children, times that of passes:
 * three or four in all as a rule, 59 in each step at most.
 *
 * Return: what nobody wants of @capacity.
 */
u64 kvmgov_share_distribute(const struct list_head *children, u64 capacity)
{
	struct kvmgov_share *child;

	list_for_each_entry(child, children, siblings) {
		child->granted = 0;
		child->ceiling = share_floor(child);
	}
	capacity = share_fill(children, capacity);

	list_for_each_entry(child, children, siblings)
		child->ceiling = share_want(child);
	return share_fill(children, capacity);
}

/**
 * kvmgov_share_promise() - what is reserved for a node or inside of it
 * @share: the node; a pool summed up
 *
 * A node's quota must not be less.
 */
u64 kvmgov_share_promise(const struct kvmgov_share *share)
{
	return max(share->reservation, share->promised);
}

/**
 * kvmgov_share_room() - how much could be reserved for a child?
 * @children: the children of a pool, those that are pools summed up
 * @child: one of them, or NULL for one that is yet to come
 * @room: how much can be reserved for the pool itself
 *
 * Asked from the root down to the node whose reservation is to change, with the
 * host's capacity first and then with what came out, or the node's own quota
 * where this is less, it says what fits everywhere above.
 *
 * Return: the largest reservation that fits beside those of the siblings.
 */
u64 kvmgov_share_room(const struct list_head *children,
		      const struct kvmgov_share *child, u64 room)
{
	const struct kvmgov_share *sibling;

	list_for_each_entry(sibling, children, siblings)
		if (sibling != child)
			room -= min(room, kvmgov_share_promise(sibling));
	return room;
}

/**
 * kvmgov_share_convert() - the same part of a CPU in another period
 * @ns: CPU time in one period, or %KVMGOV_SHARE_UNLIMITED
 * @from_us: the length of that period, at most a second
 * @to_us: the length of the other, at most a second
 *
 * Return: CPU time in the other period, rounded down; what does not fit is
 * %KVMGOV_SHARE_UNLIMITED.
 */
u64 kvmgov_share_convert(u64 ns, u32 from_us, u32 to_us)
{
	u64 whole, part, time;

	whole = div64_u64_rem(ns, from_us, &part);
	if (ns == KVMGOV_SHARE_UNLIMITED ||
	    check_mul_overflow(whole, (u64)to_us, &time))
		return KVMGOV_SHARE_UNLIMITED;
	return add_saturated(time, div64_u64(part * to_us, from_us));
}
