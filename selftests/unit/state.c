// SPDX-License-Identifier: GPL-2.0-only
/*
 * How a stay is divided among the states, compiled from the kernel module's own
 * source: fixed cases, and what holds for any.
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "../../kmod/state.h"
#include "unit.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define ROUNDS	      1000000

/**
 * struct example - a stay and what becomes of it
 * @name:	what happened
 * @state:	what the hooks have seen
 * @stay:	what others say
 * @time:	its parts, by state
 */
struct example {
	const char *name;
	enum kvmgov_state state;
	struct kvmgov_stay stay;
	u64 time[KVMGOV_NR_STATES];
};

static const struct example examples[] = {
	{
		"an exit handled without a pause",
		KVMGOV_STATE_EXIT,
		{ .length = 100 },
		{ [KVMGOV_STATE_EXIT] = 100 },
	},
	{
		"a halt: KVM's figure has the wait for a CPU in it",
		KVMGOV_STATE_EXIT,
		{ .length = 1000, .ready = 50, .asleep = 900, .halted = 955 },
		{ [KVMGOV_STATE_EXIT] = 50, [KVMGOV_STATE_HALT] = 900, [KVMGOV_STATE_READY] = 50 },
	},
	{
		"a halt that began late because the thread had no CPU",
		KVMGOV_STATE_EXIT,
		{ .length = 1000, .ready = 500, .asleep = 400, .halted = 405 },
		{ [KVMGOV_STATE_EXIT] = 100,
		  [KVMGOV_STATE_HALT] = 400,
		  [KVMGOV_STATE_READY] = 500 },
	},
	{
		"a poll that was worth it",
		KVMGOV_STATE_EXIT,
		{ .length = 100, .polled = 60 },
		{ [KVMGOV_STATE_EXIT] = 40, [KVMGOV_STATE_POLL] = 60 },
	},
	{
		"a sleep for something else while an exit is handled",
		KVMGOV_STATE_EXIT,
		{ .length = 1000, .asleep = 900 },
		{ [KVMGOV_STATE_EXIT] = 1000 },
	},
	{
		"a VMM that sleeps",
		KVMGOV_STATE_VMM,
		{ .length = 1000, .asleep = 900, .ready = 20 },
		{ [KVMGOV_STATE_VMM] = 980, [KVMGOV_STATE_READY] = 20 },
	},
	{
		"a hold, and the wait for a CPU after it",
		KVMGOV_STATE_HELD_CPU,
		{ .length = 1000, .asleep = 990, .ready = 10 },
		{ [KVMGOV_STATE_HELD_CPU] = 990, [KVMGOV_STATE_READY] = 10 },
	},
	{
		"a frozen VM: it is not halted, whatever KVM says",
		KVMGOV_STATE_PAUSED,
		{ .length = 1000, .asleep = 1000, .halted = 500 },
		{ [KVMGOV_STATE_PAUSED] = 1000 },
	},
	{
		"an exit that the hooks have not seen yet",
		KVMGOV_STATE_GUEST,
		{ .length = 1000, .ready = 300, .asleep = 200 },
		{ [KVMGOV_STATE_GUEST] = 500,
		  [KVMGOV_STATE_EXIT] = 200,
		  [KVMGOV_STATE_READY] = 300 },
	},
	{
		"figures that are longer than the stay",
		KVMGOV_STATE_EXIT,
		{ .length = 10, .ready = ~0ULL, .asleep = ~0ULL, .halted = ~0ULL, .polled = ~0ULL },
		{ [KVMGOV_STATE_READY] = 10 },
	},
};

static void by_example(void)
{
	u64 time[KVMGOV_NR_STATES];
	unsigned int i, s;
	bool ok;

	for (i = 0; i < ARRAY_SIZE(examples); i++) {
		for (s = 0; s < KVMGOV_NR_STATES; s++)
			time[s] = 0;
		kvmgov_state_divide(examples[i].state, &examples[i].stay, time);
		ok = true;
		for (s = 0; s < KVMGOV_NR_STATES; s++) {
			if (time[s] == examples[i].time[s])
				continue;
			printf("# state %u: %" PRIu64 "\n", s, (uint64_t)time[s]);
			ok = false;
		}
		report(ok, examples[i].name);
	}
}

/* Small, large and extreme values alike. */
static u64 any(void)
{
	u64 value = ((u64)random() << 42) ^ ((u64)random() << 21) ^ random();

	return value >> (random() % 64);
}

static bool one_round(void)
{
	const struct kvmgov_stay stay = { any(), any(), any(), any(), any() };
	enum kvmgov_state state = random() % KVMGOV_NR_STATES;
	u64 time[KVMGOV_NR_STATES] = {}, sum = 0;
	unsigned int s;

	kvmgov_state_divide(state, &stay, time);
	for (s = 0; s < KVMGOV_NR_STATES; s++) {
		/* Each is a part: without overflow the sum is one, too. */
		if (time[s] > stay.length)
			return false;
		sum += time[s];
	}
	return sum == stay.length &&
	       (state == KVMGOV_STATE_READY || time[KVMGOV_STATE_READY] <= stay.ready) &&
	       (state == KVMGOV_STATE_HALT || time[KVMGOV_STATE_HALT] <= stay.halted) &&
	       (state == KVMGOV_STATE_POLL || time[KVMGOV_STATE_POLL] <= stay.polled);
}

static void any_stay(void)
{
	unsigned int i;
	bool ok = true;

	srandom(1);
	for (i = 0; i < ROUNDS && ok; i++)
		ok = one_round();
	report(ok, "the parts of any stay sum up to it, and none is more than is said");
}

int main(void)
{
	printf("TAP version 13\n1..%zu\n", ARRAY_SIZE(examples) + 1);
	by_example();
	any_stay();
	return nr_failed != 0;
}
