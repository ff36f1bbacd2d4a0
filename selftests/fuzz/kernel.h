/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A kernel that says what the fuzzer wants: it stands in for the sockets of
 * libnl, and the fuzzer's input is what is received from them.
 *
 * The input is a row of datagrams: two bytes of length (low byte first), one for
 * how it comes (a HOW_..., all others: from the kernel), and the datagram. A
 * message in it with the sequence number 0 gets that of the request.
 */
#ifndef FUZZ_KERNEL_H
#define FUZZ_KERNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HOW_STRANGER 252 /* sent by another process */
#define HOW_LOST     253 /* not: ENOBUFS */
#define HOW_NONE     254 /* not: EAGAIN */
#define HOW_EINTR    255 /* not: EINTR */

/* Message type that kvmgov's family has. */
#define FUZZ_FAMILY 32

/*
 * Start anew with this input. @resolve: questions about families are answered as
 * a kernel with kvmgov does, and are not the fuzzer's.
 */
void fuzz_kernel(const uint8_t *data, size_t size, bool resolve);

/* Between these, a call to exit() comes back as fuzz_run()'s result. */
int fuzz_run(int (*fn)(int argc, char **argv), int argc, char **argv);

/* Something is wrong: say so, with a text that helps or NULL, and crash. */
#define FUZZ_CHECK(condition, text)                                      \
	do {                                                             \
		if (!(condition))                                        \
			fuzz_fail(__FILE__, __LINE__, #condition, text); \
	} while (0)

void fuzz_fail(const char *file, int line, const char *what, const char *text)
	__attribute__((noreturn));

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv);

#endif
