// SPDX-License-Identifier: GPL-2.0-only
/* A VM's figures at a time, and what they have grown by since another. */
#include "cli.h"
#include "sample.h"

const struct sample_state sample_states[SAMPLE_NR_STATES] = {
	{ "guest", "guest", 'G', "in the guest", kvmgov_vm_guest_ns },
	{ "exit", "exit", 'E', "handling exits", kvmgov_vm_exit_ns },
	{ "vmm", "vmm", 'V', "in the VMM", kvmgov_vm_vmm_ns },
	{ "halt", "halt", 'H', "halted", kvmgov_vm_halt_ns },
	{ "poll", "poll", 'P', "polling for the end of a halt", kvmgov_vm_poll_ns },
	{ "ready", "ready", 'R', "waiting for a CPU", kvmgov_vm_ready_ns },
	{ "held_cpu", "held", 'L', "held for the quota, the limit", kvmgov_vm_held_cpu_ns },
	{ "held_mem", "mem", 'M', "held for memory", kvmgov_vm_held_mem_ns },
	{ "paused", "paus", 'Z', "frozen", kvmgov_vm_paused_ns },
};

void sample_take(struct sample *sample, const struct kvmgov_vm *vm)
{
	size_t i;

	sample->age_ns = kvmgov_vm_age_ns(vm);
	sample->usage_ns = kvmgov_vm_usage_ns(vm);
	for (i = 0; i < SAMPLE_NR_STATES; i++)
		sample->state_ns[i] = sample_states[i].get(vm);
	sample->nr_exits = kvmgov_vm_nr_exits(vm);
	sample->nr_held = kvmgov_vm_nr_held(vm);
}

/* How far a figure has come; one that lasts may go back a bit when it ends. */
static uint64_t grown(uint64_t before, uint64_t now)
{
	return now > before ? now - before : 0;
}

void sample_subtract(struct sample *diff, const struct sample *now, const struct sample *before)
{
	size_t i;

	diff->age_ns = grown(before->age_ns, now->age_ns);
	diff->usage_ns = grown(before->usage_ns, now->usage_ns);
	for (i = 0; i < SAMPLE_NR_STATES; i++)
		diff->state_ns[i] = grown(before->state_ns[i], now->state_ns[i]);
	diff->nr_exits = grown(before->nr_exits, now->nr_exits);
	diff->nr_held = grown(before->nr_held, now->nr_held);
}

static double share(uint64_t part, uint64_t whole)
{
	return whole ? 100.0 * part / whole : 0;
}

static double each_second(uint64_t nr, uint64_t ns)
{
	return ns ? nr * 1e9 / ns : 0;
}

double sample_cpu(const struct sample *sample)
{
	return share(sample->usage_ns, sample->age_ns);
}

double sample_state(const struct sample *sample, unsigned int state)
{
	uint64_t sum = 0;
	size_t i;

	for (i = 0; i < SAMPLE_NR_STATES; i++)
		sum += sample->state_ns[i];
	return share(sample->state_ns[state], sum);
}

double sample_exits_per_s(const struct sample *sample)
{
	return each_second(sample->nr_exits, sample->age_ns);
}

double sample_holds_per_s(const struct sample *sample)
{
	return each_second(sample->nr_held, sample->age_ns);
}

void sample_json(struct json_object *object, const struct sample *sample)
{
	struct json_object *percent = js_object();
	size_t i;

	js_add(object, "interval_ns", js_number(sample->age_ns));
	js_add(object, "usage_percent", js_real(sample_cpu(sample)));
	for (i = 0; i < SAMPLE_NR_STATES; i++)
		js_add(percent, sample_states[i].key, js_real(sample_state(sample, i)));
	js_add(object, "state_percent", percent);
	js_add(object, "exits_per_s", js_real(sample_exits_per_s(sample)));
	js_add(object, "holds_per_s", js_real(sample_holds_per_s(sample)));
}
