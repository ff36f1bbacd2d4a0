// SPDX-License-Identifier: GPL-2.0-only
/*
 * cli: the command line tool takes any words, and whatever the kernel answers
 * then. What it prints does nothing to a terminal, and is JSON where JSON is
 * asked for.
 *
 * The input is the number of words in one byte, the words, each with a NUL, and
 * what the kernel says.
 */
#include <getopt.h>
#include <json-c/json.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kernel.h"

#define MAX_WORDS 8

int kvmgov_main(int argc, char **argv);
const char *__asan_default_options(void);

/* A program that ends leaves its memory to the kernel. */
const char *__asan_default_options(void)
{
	return "detect_leaks=0";
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	setenv("LC_ALL", "C.UTF-8", 1);
	setenv("COLUMNS", "80", 1);
	/* Whoever reads it is not kept waiting. */
	return freopen("/dev/null", "r", stdin) ? 0 : 1;
}

/* Nothing but text and ends of lines: no control characters, of UTF-8 either. */
static void check_text(const char *text, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++) {
		unsigned char c = text[i], next = text[i + 1]; /* there is a NUL */

		FUZZ_CHECK(c == '\n' || (c >= ' ' && c != 0x7f), text);
		FUZZ_CHECK(c != 0xc2 || next < 0x80 || next >= 0xa0, text);
	}
}

/* Documents, one after another, with nothing else between them. */
static void check_json(const char *text, size_t len)
{
	struct json_tokener *tokener = json_tokener_new();
	size_t at = 0;

	while (at < len && text[at] == '{') {
		struct json_object *doc = json_tokener_parse_ex(tokener, text + at, len - at);

		FUZZ_CHECK(doc && json_tokener_get_error(tokener) == json_tokener_success,
			   text + at);
		json_object_put(doc);
		at += json_tokener_get_parse_end(tokener);
		while (at < len && text[at] == '\n')
			at++;
		json_tokener_reset(tokener);
	}
	json_tokener_free(tokener);
	FUZZ_CHECK(at == len, text + at);
}

/* Run the tool with its output in memory. */
static int run(int argc, char **argv)
{
	FILE *real_out = stdout, *real_err = stderr;
	char *out = NULL, *err = NULL;
	size_t out_len = 0, err_len = 0;
	int status;

	stdout = open_memstream(&out, &out_len);
	stderr = open_memstream(&err, &err_len);
	optind = 0; /* starts anew, as a new process does */
	status = fuzz_run(kvmgov_main, argc, argv);
	fclose(stdout);
	fclose(stderr);
	stdout = real_out;
	stderr = real_err;
	FUZZ_CHECK(status >= 0 && status <= 2, err);
	FUZZ_CHECK(status == 0 || out_len || err_len, NULL);
	check_text(out, out_len);
	check_text(err, err_len);
	if (out_len && *out == '{')
		check_json(out, out_len);
	free(out);
	free(err);
	return status;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *argv[MAX_WORDS + 2] = { (char *)"kvmgov" };
	const uint8_t *end = data + size;
	int i, nr, argc = 1;

	if (!size)
		return 0;
	nr = *data++ % (MAX_WORDS + 1);
	while (nr-- && data < end) {
		size_t len = strnlen((const char *)data, end - data);

		argv[argc++] = strndup((const char *)data, len);
		data += len + (data + len < end);
	}
	fuzz_kernel(data, end - data, true);
	run(argc, argv);
	for (i = 1; i < argc; i++)
		free(argv[i]);
	return 0;
}
