/* SPDX-License-Identifier: GPL-2.0-only */
/* What the files of the command line tool share. */
#ifndef _KVMGOV_CLI_H
#define _KVMGOV_CLI_H

#include <getopt.h>
#include <json-c/json.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <kvmgov/kvmgov.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/* Version of the JSON's structure. Keys are added without raising it. */
#define CLI_SCHEMA 1

enum cli_exit {
	CLI_OK = 0,
	CLI_FAILED = 1,
	CLI_USAGE = 2,
};

/**
 * struct command - A subcommand
 * @name: The word.
 * @operands: What follows it, for the usage line.
 * @summary: One line about it.
 * @help: More about it, in lines; may be NULL.
 * @more_help: Prints what cannot be written down beforehand; may be NULL.
 * @options: Lines about options of its own; may be NULL.
 * @run: Does it; argv[0] is the word. Returns an enum cli_exit.
 */
struct cli;
struct command {
	const char *name;
	const char *operands;
	const char *summary;
	const char *help;
	void (*more_help)(void);
	const char *options;
	int (*run)(struct cli *cli, int argc, char **argv);
};

extern const struct command cmd_list, cmd_show, cmd_set, cmd_reset, cmd_freeze, cmd_thaw, cmd_stat,
	cmd_top, cmd_exits, cmd_events, cmd_history, cmd_simulate, cmd_doctor;

/**
 * struct cli - One run of the tool
 * @command: The subcommand, NULL while it is not known.
 * @json: Whether to write JSON.
 * @lines: Whether each JSON document is to be one line.
 */
struct cli {
	const struct command *command;
	bool json;
	bool lines;
};

/* --- options and errors (cli.c) --- */

/* To be part of every command's options; cli_getopt() takes care of them. */
#define CLI_OPTIONS                            \
	{ "json", no_argument, NULL, 'j' },    \
	{                                      \
		"help", no_argument, NULL, 'h' \
	}

/*
 * getopt_long() that takes care of CLI_OPTIONS and of bad options: it returns
 * options of the command's own only, and -1 at the end. @own lists the short
 * forms of those.
 */
int cli_getopt(struct cli *cli, int argc, char **argv, const char *own, const struct option *longs);

/* Print the help of @cli's command, or of the tool where there is none (main.c). */
void cli_print_help(const struct cli *cli);

/* Print a message, as JSON too, and return the exit status for it. */
int cli_usage(struct cli *cli, const char *format, ...) __attribute__((format(printf, 2, 3)));
int cli_fail(struct cli *cli, const struct kvmgov_error *err);
/* The same with more members in the JSON; takes @doc over. */
int cli_fail_with(struct cli *cli, const struct kvmgov_error *err, struct json_object *doc);
/* Words that are a number of things, or a time in seconds; the exit status. */
int cli_count(struct cli *cli, const char *word, long *count);
int cli_seconds(struct cli *cli, const char *word, double *seconds);
/* The same without a message: what such a time is. */
bool cli_is_seconds(const char *word, double *seconds);
#define CLI_SECONDS "seconds above 0, up to 1000000000"
void cli_warn(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* --- output (output.c) --- */

/* Write @text without anything that would move a terminal's cursor; return its width. */
int out_text(FILE *file, const char *text);
int out_width(const char *text);
/*
 * The same into @buf, as far as it goes into @columns: a "+" at the end says that
 * there is more. Return the width.
 */
int out_clip(char *buf, size_t size, const char *text, int columns);

/* Length of the valid UTF-8 character that @text starts with, or 0. */
size_t utf8_len(const unsigned char *text);

/* JSON values, never failing; @text may hold any bytes. */
struct json_object *js_object(void);
struct json_object *js_document(void);
struct json_object *js_array(void);
struct json_object *js_text(const char *text);
struct json_object *js_number(uint64_t number);
struct json_object *js_real(double real);
struct json_object *js_bool(bool value);
void js_add(struct json_object *object, const char *key, struct json_object *value);
void js_append(struct json_object *array, struct json_object *value);

/* Print a document and free it: in many lines, or in one and at once. */
void js_print(struct json_object *doc);
void js_print_line(struct json_object *doc);

/* --- attributes (fields.c) --- */

enum unit {
	UNIT_NONE,
	UNIT_NS,
	UNIT_US,
	UNIT_PERCENT,
};

/**
 * struct value - What an accessor found
 * @kind: Which member holds it. VALUE_NONE: there is no such value.
 * @number: An integer.
 * @real: A fraction.
 * @text: A string, which may be @buf.
 * @buf: Room for a string.
 */
struct value {
	enum {
		VALUE_NONE,
		VALUE_NUMBER,
		VALUE_REAL,
		VALUE_TEXT,
	} kind;
	uint64_t number;
	double real;
	const char *text;
	char buf[KVMGOV_VALUE_LEN];
};

/**
 * struct field - An attribute: the one place that text and JSON come from
 * @key: Its key in JSON.
 * @head: Its column in tables, NULL to leave it out.
 * @label: What it is called where there is room, NULL to leave it out.
 * @unit: Its unit, which decides how text shows it.
 * @config: Whether users set it, so that changes of it are reported.
 * @get: Its accessor.
 */
struct field {
	const char *key;
	const char *head;
	const char *label;
	enum unit unit;
	bool config;
	void (*get)(const void *object, struct value *value);
};

extern const struct field vm_fields[];	  /* of struct kvmgov_vm; the last has no key */
extern const struct field ended_fields[]; /* the same, of one that has ended */
extern const struct field vcpu_fields[];  /* of struct kvmgov_vcpu */
extern const struct field exit_fields[];  /* of struct exit_row */

/**
 * struct exit_row - Exits for one reason, among others
 * @exit: The exits.
 * @all_nr: Number of exits of them all.
 * @all_ns: Their time.
 */
struct exit_row {
	const struct kvmgov_exit *exit;
	uint64_t all_nr;
	uint64_t all_ns;
};

/* Time in ns as text writes it. */
void ns_format(uint64_t ns, char *buf, size_t size);
/* A time of day, from ns since 1970, as ISO 8601 has it. */
void time_format(uint64_t ns, char *buf, size_t size);

struct json_object *fields_json(const struct field *fields, const void *object);
/* The same without the attribute @end and those behind it. */
struct json_object *fields_json_until(const struct field *fields, const void *object,
				      const char *end);
void fields_print(const struct field *fields, const void *object, const char *indent);
void fields_table(const struct field *fields, const void *const *objects, size_t nr,
		  const char *indent);

/*
 * What users have set differently in @new than in @old, which may be NULL for
 * nothing known: {"cpu": {"old": "max", "new": "50%"}}.
 */
struct json_object *fields_changes(const struct field *fields, const void *old, const void *new);
/* "cpu max -> 50%"; prints @same where nothing differs. */
void changes_print(struct json_object *changes, const char *same);

/* --- exits by reason (exits.c) --- */

/* Without histograms. */
void exits_print(const struct kvmgov_exit_list *list);
/* With histograms. */
struct json_object *exits_json(const struct kvmgov_exit_list *list);

/* --- the final records of VMs (history.c) --- */

/* All that is in one; the caller has a VM that has ended. */
struct json_object *final_json(const struct kvmgov_vm *vm);

/* --- doing the same to several VMs (vms.c) --- */

struct vms_operation {
	/* Prepare; NULL for nothing. Refusing here changes no VM at all. */
	int (*check)(const struct kvmgov_vm *vm, void *arg, struct kvmgov_error *err);
	int (*apply)(struct kvmgov *kg, const struct kvmgov_vm *vm, void *arg,
		     struct kvmgov_error *err);
	void *arg;
};

int vms_apply(struct cli *cli, struct kvmgov *kg, char **words, size_t nr,
	      const struct vms_operation *op, bool verbose);
/* The whole of freeze and thaw. */
int vms_run(struct cli *cli, int argc, char **argv, const struct vms_operation *op);

int vms_set_state(struct cli *cli, int argc, char **argv, enum kvmgov_vm_state state);

/* Prints "7 (web)". */
void vm_print_label(const struct kvmgov_vm *vm);

#endif /* _KVMGOV_CLI_H */
