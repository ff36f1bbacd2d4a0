// SPDX-License-Identifier: GPL-2.0-only
/* kvmgov stat */
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <time.h>

#include "cli.h"
#include "sample.h"

/* A screenful of lines below each header. */
#define HEADER_EVERY 20

static void header_print(void)
{
	size_t i;

	printf("  cpu%%");
	for (i = 0; i < SAMPLE_NR_STATES; i++)
		printf(" %5s", sample_states[i].head);
	printf("  exits/s holds/s\n");
}

static void print_text(const struct sample *sample)
{
	size_t i;

	printf("%6.1f", sample_cpu(sample));
	for (i = 0; i < SAMPLE_NR_STATES; i++)
		printf(" %5.1f", sample_state(sample, i));
	printf(" %8.0f %7.1f\n", sample_exits_per_s(sample), sample_holds_per_s(sample));
}

static void print_json(const struct sample *sample, uint64_t id)
{
	struct json_object *doc = js_document();

	js_add(doc, "id", js_number(id));
	sample_json(doc, sample);
	js_print_line(doc);
}

static void show(const struct cli *cli, const struct sample *sample, uint64_t id, long line)
{
	if (cli->json) {
		print_json(sample, id);
		return;
	}
	if (line % HEADER_EVERY == 0)
		header_print();
	print_text(sample);
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
	show(cli, &before, id, 0);
	for (line = 1; line != count && !ferror(stdout); line++) {
		wait_until(&start, line * interval);
		vm = kvmgov_vm_get(kg, id, err);
		if (!vm)
			return -1;
		sample_take(&now, vm);
		kvmgov_vm_free(vm);
		sample_subtract(&diff, &now, &before);
		show(cli, &diff, id, line);
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
