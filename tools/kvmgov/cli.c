// SPDX-License-Identifier: GPL-2.0-only
/* Options and errors. */
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

void cli_warn(const char *format, ...)
{
	char text[1280];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	fflush(stdout);
	fputs("kvmgov: ", stderr);
	out_text(stderr, text);
	fputc('\n', stderr);
}

static void print_error(struct cli *cli, int code, const char *attribute, const char *text,
			struct json_object *doc)
{
	struct json_object *error;

	if (!cli->json) {
		cli_warn("%s", text);
		json_object_put(doc);
		return;
	}
	error = js_object();
	js_add(error, "errno", js_number(code));
	if (*attribute)
		js_add(error, "attribute", js_text(attribute));
	js_add(error, "message", js_text(text));
	js_add(doc, "error", error);
	if (cli->lines)
		js_print_line(doc);
	else
		js_print(doc);
}

int cli_fail_with(struct cli *cli, const struct kvmgov_error *err, struct json_object *doc)
{
	print_error(cli, err->code, err->attribute, err->text, doc);
	return CLI_FAILED;
}

int cli_fail(struct cli *cli, const struct kvmgov_error *err)
{
	return cli_fail_with(cli, err, js_document());
}

int cli_usage(struct cli *cli, const char *format, ...)
{
	char text[512], hint[640];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	snprintf(hint, sizeof(hint), "%s (see: kvmgov %s%s--help)", text,
		 cli->command ? cli->command->name : "", cli->command ? " " : "");
	print_error(cli, EINVAL, "", hint, js_document());
	return CLI_USAGE;
}

int cli_count(struct cli *cli, const char *word, long *count)
{
	char *end;

	errno = 0;
	*count = strtol(word, &end, 10);
	if (errno || *end || end == word || *count < 1)
		return cli_usage(cli, "'%s' is not a count; allowed: 1 or more", word);
	return CLI_OK;
}

bool cli_is_seconds(const char *word, double *seconds)
{
	char *end;

	errno = 0;
	*seconds = strtod(word, &end);
	return !errno && !*end && end != word && *seconds > 0 && *seconds <= 1e9;
}

int cli_seconds(struct cli *cli, const char *word, double *seconds)
{
	if (!cli_is_seconds(word, seconds))
		return cli_usage(cli, "'%s' is not a time; allowed: " CLI_SECONDS, word);
	return CLI_OK;
}

static int bad_option(struct cli *cli, int c, char **argv, const struct option *longs)
{
	const char *word = argv[optind - 1];

	if (c == ':')
		return cli_usage(cli, "option '%s' needs a value", word);
	if (!strncmp(word, "--", 2)) {
		for (; optopt && longs->name; longs++)
			if (longs->val == optopt)
				return cli_usage(cli, "option '--%s' takes no value", longs->name);
		return cli_usage(cli, "unknown option '%s'", word);
	}
	return cli_usage(cli, "unknown option '-%c'", optopt);
}

int cli_getopt(struct cli *cli, int argc, char **argv, const char *own, const struct option *longs)
{
	char shorts[32];
	int c;

	/* A colon in front tells a missing value from an unknown option. */
	snprintf(shorts, sizeof(shorts), "%s:jh%s", *own == '+' ? "+" : "", own + (*own == '+'));
	opterr = 0;
	for (;;) {
		c = getopt_long(argc, argv, shorts, longs, NULL);
		if (c == 'j') {
			cli->json = true;
		} else if (c == 'h') {
			cli_print_help(cli);
			exit(fflush(stdout) ? CLI_FAILED : CLI_OK);
		} else if (c == '?' || c == ':') {
			exit(bad_option(cli, c, argv, longs));
		} else {
			return c;
		}
	}
}
