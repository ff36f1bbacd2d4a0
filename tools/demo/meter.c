// SPDX-License-Identifier: GPL-2.0-only
/*
 * The only program of the demo's guests: measures how much CPU time the guest
 * really gets.
 *
 * A guest cannot ask: its kernel believes that the time it was kept out was
 * spent in whatever ran then. But a loop that looks at the clock all the time
 * sees the clock jump when it did not run. What is left without the jumps is
 * what the guest got.
 */
#include <stdint.h>
#include <stdio.h>
#include <time.h>

#define NSEC_PER_SEC  1000000000ULL
#define NSEC_PER_MSEC 1000000ULL

/*
 * Longer than the guest's own interrupts and exits, shorter than any hold and
 * than the turns in which the host's scheduler lets guests share a CPU.
 */
#define JUMP_NS (3 * NSEC_PER_MSEC / 2)

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * NSEC_PER_SEC + (uint64_t)ts.tv_nsec;
}

int main(void)
{
	uint64_t last = now_ns(), due = last, clock = 0, ran = 0, now;

	for (;;) {
		now = now_ns();
		clock += now - last;
		if (now - last < JUMP_NS)
			ran += now - last;
		last = now;
		if (now < due)
			continue;
		printf("meter %llu %llu\n", (unsigned long long)(clock / NSEC_PER_MSEC),
		       (unsigned long long)(ran / NSEC_PER_MSEC));
		fflush(stdout);
		/* Each letter has cost an exit to QEMU: this does not count. */
		last = now_ns();
		due = last + NSEC_PER_SEC;
	}
}
