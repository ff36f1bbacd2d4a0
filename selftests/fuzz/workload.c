// SPDX-License-Identifier: GPL-2.0-only
/*
 * workload: the files that "kvmgov simulate" reads. What is refused is refused with
 * its line and a reason; what is taken is within its limits, and every policy gets
 * it done, each burst after its arrival and not in less time than it needs.
 */
#include <errno.h>
#include <string.h>

#include "../../tools/kvmgov/simulate.h"
#include "kernel.h"

static unsigned int told, lines;

static void tell(void *arg, unsigned int line, const char *text)
{
	(void)arg;
	FUZZ_CHECK(line <= lines, text);
	FUZZ_CHECK(*text, NULL);
	told++;
}

static void check_bursts(const struct workload *workload)
{
	size_t i;

	for (i = 0; i < workload->nr; i++) {
		const struct burst *burst = &workload->bursts[i];

		FUZZ_CHECK(burst->vm < workload->nr_vms && workload->names[burst->vm][0], NULL);
		FUZZ_CHECK(burst->vcpus >= 1 && burst->vcpus <= KVMGOV_SCHED_WIDTH_MAX, NULL);
		FUZZ_CHECK(burst->weight >= 1 && burst->weight <= KVMGOV_SCHED_WEIGHT_MAX, NULL);
		FUZZ_CHECK(burst->priority <= KVMGOV_SCHED_PRIORITY_MAX, NULL);
		FUZZ_CHECK(burst->length >= 1 && burst->length <= SIMULATE_TIME_MAX, NULL);
		FUZZ_CHECK(burst->arrival <= SIMULATE_TIME_MAX, NULL);
		FUZZ_CHECK(burst->hint <= SIMULATE_TIME_MAX, NULL);
		FUZZ_CHECK(!i || burst[-1].arrival <= burst->arrival, NULL);
	}
}

static void simulate(const struct workload *workload, const struct kvmgov_sched_ops *ops)
{
	struct simulated what = { .workload = workload,
				  .params = kvmgov_sched_defaults,
				  .cpus = 1 + workload->nr % 3,
				  .foresee = workload->nr_vms % 2 };
	struct simulation sim;
	size_t i;
	int err;

	what.params.quantum = SIMULATE_TIME_MAX / 1000;
	err = simulation_run(&sim, &what, ops);
	FUZZ_CHECK(!err || err == EOVERFLOW, ops->name);
	for (i = 0; !err && i < workload->nr; i++) {
		const struct outcome *outcome = &sim.outcomes[i];
		const struct burst *burst = &workload->bursts[i];

		FUZZ_CHECK(outcome->start >= burst->arrival && outcome->end > outcome->start,
			   ops->name);
		FUZZ_CHECK(outcome->ran >= burst->length / what.cpus, ops->name);
		FUZZ_CHECK(outcome->end - outcome->start >= outcome->ran, ops->name);
	}
	simulation_free(&sim);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct workload workload;
	size_t i;
	int nr;

	told = 0;
	for (lines = 1, i = 0; i < size; i++)
		lines += data[i] == '\n';
	nr = workload_parse(&workload, (const char *)data, size, tell, NULL);
	FUZZ_CHECK(nr >= 0 && told == (unsigned int)nr, NULL);
	check_bursts(&workload);
	for (i = 0; !nr && kvmgov_sched_at(i); i++)
		simulate(&workload, kvmgov_sched_at(i));
	workload_free(&workload);
	return 0;
}
