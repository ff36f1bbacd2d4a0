// SPDX-License-Identifier: GPL-2.0-only
/* kvmgov stat */
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <time.h>

#include "cli.h"

/* A screenful of lines below each header. */
#define HEADER_EVERY 20

/* The states in the order of the columns, which add up to the time. */
static const struct {
	const char *key;
	const char *head;
	uint64_t (*get)(const struct kvmgov_vm *vm);
} states[] = {
	{ "guest", "guest", kvmgov_vm_guest_ns },
	{ "exit", "exit", kvmgov_vm_exit_ns },
	{ "vmm", "vmm", kvmgov_vm_vmm_ns },
	{ "halt", "halt", kvmgov_vm_halt_ns },
	{ "poll", "poll", kvmgov_vm_poll_ns },
	{ "ready", "ready", kvmgov_vm_ready_ns },
	{ "held_cpu", "held", kvmgov_vm_held_cpu_ns },
	{ "held_mem", "mem", kvmgov_vm_held_mem_ns },
	{ "paused", "paus", kvmgov_vm_paused_ns },
};

/**
 * struct sample - A VM's figures at a time
 * @age_ns: Since it was attached.
 * @usage_ns: CPU time.
 * @state_ns: Time by state.
 * @nr_exits: Exits.
 * @nr_held: Holds.
 */
struct sample {
	uint64_t age_ns;
	uint64_t usage_ns;
	uint64_t state_ns[ARRAY_SIZE(states)];
	uint64_t nr_exits;
	uint64_t nr_held;
};

static void sample_take(struct sample *sample, const struct kvmgov_vm *vm)
{
	size_t i;

	sample->age_ns = kvmgov_vm_age_ns(vm);
	sample->usage_ns = kvmgov_vm_usage_ns(vm);
	for (i = 0; i < ARRAY_SIZE(states); i++)
		sample->state_ns[i] = states[i].get(vm);
	sample->nr_exits = kvmgov_vm_nr_exits(vm);
	sample->nr_held = kvmgov_vm_nr_held(vm);
}

/* How far a figure has come; one that lasts may go back a bit when it ends. */
static uint64_t grown(uint64_t before, uint64_t now)
{
	return now > before ? now - before : 0;
}

static void sample_subtract(struct sample *diff, const struct sample *now,
			    const struct sample *before)
{
	size_t i;

	diff->age_ns = grown(before->age_ns, now->age_ns);
	diff->usage_ns = grown(before->usage_ns, now->usage_ns);
	for (i = 0; i < ARRAY_SIZE(states); i++)
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

static uint64_t sample_sum(const struct sample *sample)
{
	uint64_t sum = 0;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(states); i++)
		sum += sample->state_ns[i];
	return sum;
}

static void header_print(void)
{
	size_t i;

	printf("  cpu%%");
	for (i = 0; i < ARRAY_SIZE(states); i++)
		printf(" %5s", states[i].head);
	printf("  exits/s holds/s\n");
}

static void sample_print(const struct sample *sample)
{
	uint64_t sum = sample_sum(sample);
	size_t i;

	printf("%6.1f", share(sample->usage_ns, sample->age_ns));
	for (i = 0; i < ARRAY_SIZE(states); i++)
		printf(" %5.1f", share(sample->state_ns[i], sum));
	printf(" %8.0f %7.1f\n", each_second(sample->nr_exits, sample->age_ns),
	       each_second(sample->nr_held, sample->age_ns));
}

static void sample_json(const struct sample *sample, uint64_t id)
{
	struct json_object *doc = js_document(), *percent = js_object();
	uint64_t sum = sample_sum(sample);
	size_t i;

	js_add(doc, "id", js_number(id));
	js_add(doc, "interval_ns", js_number(sample->age_ns));
	js_add(doc, "usage_percent", js_real(share(sample->usage_ns, sample->age_ns)));
	for (i = 0; i < ARRAY_SIZE(states); i++)
		js_add(percent, states[i].key, js_real(share(sample->state_ns[i], sum)));
	js_add(doc, "state_percent", percent);
	js_add(doc, "exits_per_s", js_real(each_second(sample->nr_exits, sample->age_ns)));
	js_add(doc, "holds_per_s", js_real(each_second(sample->nr_held, sample->age_ns)));
	js_print_line(doc);
}

static void sample_show(const struct cli *cli, const struct sample *sample, uint64_t id, long line)
{
	if (cli->json) {
		sample_json(sample, id);
		return;
	}
	if (line % HEADER_EVERY == 0)
		header_print();
	sample_print(sample);
	fflush(stdout);
}

/* Times of a clock, so that a line that takes long makes no other one late. */
static void wait_until(const struct timespec *start, double seconds)
{
	struct timespec until = *start;

	until.tv_sec += (time_t)seconds;
	until.tv_nsec += (long)((seconds - floor(seconds)) * 1e9);
	if (until.tv_nsec >= 1000000000) {
		until.tv_nsec -= 1000000000;
		until.tv_sec++;
	}
	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL) == EINTR)
		;
}

static int stat_vm(struct cli *cli, struct kvmgov *kg, const struct kvmgov_vm *first,
		   double interval, long count, struct kvmgov_error *err)
{
	uint64_t id = kvmgov_vm_id(first);
	struct sample before, now, diff;
	struct kvmgov_vm *vm;
	struct timespec start;
	long line;

	clock_gettime(CLOCK_MONOTONIC, &start);
	sample_take(&before, first);
	/* As with vmstat, the first line is the average since the beginning. */
	sample_show(cli, &before, id, 0);
	for (line = 1; line != count && !ferror(stdout); line++) {
		wait_until(&start, line * interval);
		vm = kvmgov_vm_get(kg, id, err);
		if (!vm)
			return -1;
		sample_take(&now, vm);
		kvmgov_vm_free(vm);
		sample_subtract(&diff, &now, &before);
		sample_show(cli, &diff, id, line);
		before = now;
	}
	return 0;
}

static int run(struct cli *cli, int argc, char **argv)
{
	static const struct option longs[] = { CLI_OPTIONS, { 0 } };
	double interval = 0;
	struct kvmgov_error err;
	struct kvmgov_vm *vm;
	struct kvmgov *kg;
	long count = 1;
	int ret = -1;

	cli->lines = true;
	cli_getopt(cli, argc, argv, "", longs);
	argc -= optind;
	argv += optind;
	if (!argc)
		return cli_usage(cli, "which VM?");
	if (argc > 3)
		return cli_usage(cli, "stat takes no '%s'", argv[3]);
	if (argc > 1) {
		count = -1;
		ret = cli_seconds(cli, argv[1], &interval);
		if (ret == CLI_OK && argc > 2)
			ret = cli_count(cli, argv[2], &count);
		if (ret != CLI_OK)
			return ret;
	}
	kg = kvmgov_open(&err);
	if (!kg)
		return cli_fail(cli, &err);
	vm = kvmgov_vm_find(kg, argv[0], &err);
	ret = vm ? stat_vm(cli, kg, vm, interval, count, &err) : -1;
	kvmgov_vm_free(vm);
	kvmgov_close(kg);
	return ret ? cli_fail(cli, &err) : CLI_OK;
}

const struct command cmd_stat = {
	.name = "stat",
	.operands = "VM [SECONDS [COUNT]]",
	.summary = "Show where a VM's time goes, in lines as vmstat",
	.help = "The first line is the average since the VM was attached; with SECONDS, one "
		"follows\n"
		"for each such interval, until COUNT lines are there. cpu% is CPU time in percent "
		"of\n"
		"one CPU; the states, from guest to paused, are percent of the vCPUs' time and "
		"add\n"
		"up to 100: in the guest, handling exits, in the VMM, halted, polling for the end "
		"of\n"
		"a halt, waiting for a CPU, held for the quota, held for memory, frozen.\n",
	.run = run,
};
