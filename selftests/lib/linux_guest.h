/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A real Linux kernel in a real QEMU, and its only process, which does what it is
 * told on the console: see linux-guest/init.c.
 */
#ifndef LIB_LINUX_GUEST_H
#define LIB_LINUX_GUEST_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

/**
 * struct linux_guest - a guest and its console
 * @pid:	QEMU
 * @id:		kvmgov's id of the VM
 * @flushes:	has the host flush TLBs of vCPUs that do not run
 * @in:		what is written here the guest reads
 * @out:	what the guest writes
 */
struct linux_guest {
	pid_t pid;
	uint64_t id;
	bool flushes;
	int in;
	int out;
};

/*
 * Boot it with so many CPUs; @cpu is more for QEMU's -cpu, beginning with a comma,
 * or empty. Ends the case when that fails.
 */
void linux_guest_start(struct linux_guest *guest, unsigned int cpus, const char *cpu);

void linux_guest_tell(struct linux_guest *guest, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* Wait for a line that begins with @word, and put it into @line, or end the case. */
void linux_guest_says(struct linux_guest *guest, const char *word, char *line, size_t size);

/* Also for test_after_case(): without a guest it does nothing. */
void linux_guest_end(struct linux_guest *guest);

#endif
