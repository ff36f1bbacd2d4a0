/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How long a round trip from a guest and back takes, as a guest sees it that
 * times batches of exits (VMM_BATCH and its like).
 *
 * Where an instruction is a ns and a tick of the TSC (QEMU's instruction
 * counting, 2^0 ns each), that is the number of instructions.
 */
#ifndef LIB_ROUNDTRIP_H
#define LIB_ROUNDTRIP_H

#include "vmm.h"

/**
 * struct roundtrip - ticks of the TSC per round trip
 * @least:	in the fastest batch: free of interrupts but for those that each
 *		batch has, and of other threads
 * @mean:	with all that has interrupted them
 */
struct roundtrip {
	double least;
	double mean;
};

/*
 * Run a vCPU of one that measures batches of opts.param exits, in the calling
 * thread: a few that are not counted, in which caches get warm, and @batches
 * that are. Ends the case on an error.
 */
struct roundtrip roundtrip_measure(struct vmm *vmm, long batches);

#endif
