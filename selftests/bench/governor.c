// SPDX-License-Identifier: GPL-2.0-only
/*
 * governor: load the BPF programs that do kvmgov's duties, run a command, and say
 * how many exits they have seen meanwhile.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "governor.h"
#include "governor.skel.h"

static int run(char **argv)
{
	pid_t pid = fork();
	int status;

	if (!pid) {
		execvp(*argv, argv);
		fprintf(stderr, "governor: %s: %s\n", *argv, strerror(errno));
		_exit(127);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		return -1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* Counted by reason, so that the histograms must have them, too. */
static uint64_t exits_seen(const struct bpf_map *map)
{
	static struct governor_vcpu vcpu;
	uint64_t key, *last = NULL, sum = 0;
	unsigned int i, j;

	while (!bpf_map__get_next_key(map, last, &key, sizeof(key))) {
		last = &key;
		if (bpf_map__lookup_elem(map, &key, sizeof(key), &vcpu, sizeof(vcpu), 0))
			continue;
		for (i = 0; i < GOVERNOR_REASONS; i++)
			for (j = 0; j < GOVERNOR_BUCKETS; j++)
				sum += vcpu.slot[i].histogram[j];
	}
	return sum;
}

int main(int argc, char **argv)
{
	struct governor_bpf *skel;
	int status = 1;

	if (argc < 2) {
		fprintf(stderr, "Usage: governor COMMAND [ARG...]\n");
		return 2;
	}
	skel = governor_bpf__open_and_load();
	if (!skel) {
		fprintf(stderr, "governor: cannot load: %s\n", strerror(errno));
		return 1;
	}
	if (governor_bpf__attach(skel)) {
		fprintf(stderr, "governor: cannot attach: %s\n", strerror(errno));
	} else {
		status = run(argv + 1);
		printf("seen %" PRIu64 "\n", exits_seen(skel->maps.vcpus));
	}
	governor_bpf__destroy(skel);
	return status;
}
