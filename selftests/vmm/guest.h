/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the tiny VMM and its guests agree on. Read by the assembler, too.
 */
#ifndef VMM_GUEST_H
#define VMM_GUEST_H

/* Guest physical addresses. */
#define GUEST_GDT     0x0000
#define GUEST_IDT     0x1000
#define GUEST_PML4    0x2000
#define GUEST_PDPT    0x3000
#define GUEST_PD_LOW  0x4000 /* the first GB */
#define GUEST_PD_HIGH 0x5000 /* the fourth GB, for the local APIC */
#define GUEST_CODE    0x6000
#define GUEST_AREAS   0x8000
#define GUEST_LAPIC   0xfee00000

#define GUEST_VECTOR 0x40
#define GUEST_PORT   0x80

/* Where an eventfd listens, for VMM_BATCH_EVENT. */
#define GUEST_EVENT_PORT 0x81

/* A vCPU's area: a page whose end is the stack, and the ring of gaps. */
#define GUEST_RING     0x1000
#define GUEST_RING_LEN 4096

/* Offsets into struct guest_area. */
#define GA_WORK	   0x00
#define GA_LONGEST 0x08
#define GA_NR_GAPS 0x10
#define GA_FIRST   0x18
#define GA_RESULT  0x20
#define GA_LAST	   0x28
#define GA_LOST	   0x30

#ifndef __ASSEMBLER__
#include <stddef.h>
#include <stdint.h>

/**
 * struct guest_gap - a stretch in which a vCPU did not run
 * @start:	last TSC read before it
 * @end:	first TSC read after it
 */
struct guest_gap {
	uint64_t start;
	uint64_t end;
};

/**
 * struct guest_area - what one vCPU reports, in guest memory
 * @work:	rounds done
 * @longest:	longest gap, in TSC ticks
 * @nr_gaps:	gaps over the threshold so far; the ring holds the last of them
 * @first:	TSC at the start
 * @result:	TSC ticks that the last batch took; VMM_COUNT: not 0 to begin
 * @last:	last TSC read
 * @lost:	sum of all gaps over the threshold, in TSC ticks
 */
struct guest_area {
	volatile uint64_t work;
	volatile uint64_t longest;
	volatile uint64_t nr_gaps;
	volatile uint64_t first;
	volatile uint64_t result;
	volatile uint64_t last;
	volatile uint64_t lost;
};

_Static_assert(offsetof(struct guest_area, work) == GA_WORK, "work");
_Static_assert(offsetof(struct guest_area, longest) == GA_LONGEST, "longest");
_Static_assert(offsetof(struct guest_area, nr_gaps) == GA_NR_GAPS, "nr_gaps");
_Static_assert(offsetof(struct guest_area, first) == GA_FIRST, "first");
_Static_assert(offsetof(struct guest_area, result) == GA_RESULT, "result");
_Static_assert(offsetof(struct guest_area, last) == GA_LAST, "last");
_Static_assert(offsetof(struct guest_area, lost) == GA_LOST, "lost");

extern const char guest_begin[], guest_end[], guest_irq[], guest_park[];
extern const char guest_spin[], guest_gap[], guest_out[], guest_cpuid[];
extern const char guest_hlt[], guest_touch[], guest_mix[], guest_batch[];
extern const char guest_batch_out[], guest_batch_event[], guest_count[], guest_clock[];
#endif
#endif
