/* SPDX-License-Identifier: GPL-2.0-only */
/* A VM's figures at a time, and what they have grown by since another. */
#ifndef _KVMGOV_SAMPLE_H
#define _KVMGOV_SAMPLE_H

#include <json-c/json.h>
#include <stdint.h>

#include <kvmgov/kvmgov.h>

#define SAMPLE_NR_STATES 9

/**
 * struct sample_state - A state that a vCPU's time goes into
 * @key: Its key in JSON.
 * @head: What it is called where there is little room.
 * @letter: The same in one letter.
 * @meaning: The same where there is room.
 * @get: Its time.
 */
struct sample_state {
	const char *key;
	const char *head;
	char letter;
	const char *meaning;
	uint64_t (*get)(const struct kvmgov_vm *vm);
};

/* In the order of the columns, which add up to the time. */
extern const struct sample_state sample_states[SAMPLE_NR_STATES];

/**
 * struct sample - A VM's figures at a time, or their growth
 * @age_ns: Since it was attached.
 * @usage_ns: CPU time.
 * @state_ns: Time by state.
 * @nr_exits: Exits.
 * @nr_held: Holds.
 */
struct sample {
	uint64_t age_ns;
	uint64_t usage_ns;
	uint64_t state_ns[SAMPLE_NR_STATES];
	uint64_t nr_exits;
	uint64_t nr_held;
};

void sample_take(struct sample *sample, const struct kvmgov_vm *vm);
void sample_subtract(struct sample *diff, const struct sample *now, const struct sample *before);

/* CPU time in percent of one CPU; a state in percent of the time of all. */
double sample_cpu(const struct sample *sample);
double sample_state(const struct sample *sample, unsigned int state);
double sample_exits_per_s(const struct sample *sample);
double sample_holds_per_s(const struct sample *sample);

/* Add the figures above to @object. */
void sample_json(struct json_object *object, const struct sample *sample);

#endif /* _KVMGOV_SAMPLE_H */
