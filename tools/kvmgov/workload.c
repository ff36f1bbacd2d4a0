// SPDX-License-Identifier: GPL-2.0-only
/* Workloads: read from a file, or made by chance. */
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <search.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <kvmgov/kvmgov.h>

#include "simulate.h"

/**
 * struct parser - A file that is being read
 * @workload: What has been read.
 * @names: The VMs by name: a tree of struct known.
 * @line: The line that is being read, from 1 on.
 * @errors: How many there were.
 * @error: Whom to tell.
 * @arg: For it.
 */
struct parser {
	struct workload *workload;
	void *names;
	unsigned int line;
	int errors;
	workload_error *error;
	void *arg;
};

struct known {
	uint32_t vm;
	char name[];
};

static __attribute__((format(printf, 2, 3))) bool bad(struct parser *parser, const char *format,
						      ...)
{
	char text[512];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	parser->errors++;
	parser->error(parser->arg, parser->line, text);
	return false;
}

static int compare_known(const void *a, const void *b)
{
	return strcmp(((const struct known *)a)->name, ((const struct known *)b)->name);
}

/* Growing in steps, so that a long file is no long walk. */
static void *grow(void *array, size_t *room, size_t nr, size_t size)
{
	size_t more = *room ? *room * 2 : 64;

	if (nr < *room)
		return array;
	array = reallocarray(array, more, size);
	if (array)
		*room = more;
	return array;
}

/* The VM of that name; -1 when there is no memory. */
static int find_vm(struct parser *parser, const char *name, uint32_t *vm)
{
	struct workload *workload = parser->workload;
	struct known *known = malloc(sizeof(*known) + strlen(name) + 1), **found;

	if (!known)
		return -1;
	strcpy(known->name, name);
	known->vm = workload->nr_vms;
	found = tsearch(known, &parser->names, compare_known);
	if (!found || *found != known) {
		free(known);
		if (found)
			*vm = (*found)->vm;
		return found ? 0 : -1;
	}
	*vm = workload->nr_vms++;
	return 0;
}

static bool get_time(struct parser *parser, const char *what, const char *word, uint64_t min,
		     uint64_t *ns)
{
	struct kvmgov_error err;

	if (kvmgov_time_parse(word, ns, &err))
		return bad(parser, "%s: %s", what, err.text);
	if (*ns < min || *ns > SIMULATE_TIME_MAX)
		return bad(parser, "%s: '%.64s' is out of range; allowed: %s to 50d", what, word,
			   min ? "1ns" : "0");
	return true;
}

static bool get_number(struct parser *parser, const char *what, const char *word, uint32_t min,
		       uint32_t max, uint32_t *number)
{
	size_t digits = strspn(word, "0123456789");
	unsigned long value = strtoul(word, NULL, 10);

	/* More than 9 digits are too many for any of them. */
	if (!digits || word[digits] || digits > 9 || value < min || value > max)
		return bad(parser, "%s: '%.64s' is not allowed; allowed: %" PRIu32 " to %" PRIu32,
			   what, word, min, max);
	*number = value;
	return true;
}

static bool get_option(struct parser *parser, char *word, struct burst *burst)
{
	char *value = strchr(word, '=');

	if (!value)
		return bad(parser, "'%.64s' is not of the form KEY=VALUE", word);
	*value++ = '\0';
	if (!strcmp(word, "vcpus"))
		return get_number(parser, word, value, 1, KVMGOV_SCHED_WIDTH_MAX, &burst->vcpus);
	if (!strcmp(word, "priority"))
		return get_number(parser, word, value, 0, KVMGOV_SCHED_PRIORITY_MAX,
				  &burst->priority);
	if (!strcmp(word, "weight"))
		return get_number(parser, word, value, 1, KVMGOV_SCHED_WEIGHT_MAX, &burst->weight);
	if (!strcmp(word, "hint"))
		return get_time(parser, word, value, 1, &burst->hint);
	return bad(parser, "unknown key '%.64s'; there are: vcpus, priority, weight, hint", word);
}

/* The next word of a line, or NULL. */
static char *next_word(char **rest)
{
	char *word = *rest + strspn(*rest, " \t\r");
	size_t len = strcspn(word, " \t\r");

	if (!*word || *word == '#')
		return NULL;
	*rest = word + len + (word[len] != '\0');
	word[len] = '\0';
	return word;
}

/* One line, ended by a NUL. Return: -1 when there is no memory */
static int parse_line(struct parser *parser, char *line)
{
	struct workload *workload = parser->workload;
	struct burst burst = { .vcpus = 1,
			       .priority = KVMGOV_SCHED_PRIORITY_DEFAULT,
			       .weight = KVMGOV_SCHED_WEIGHT_DEFAULT };
	char *name = next_word(&line), *arrival, *length, *word;
	struct kvmgov_error err;
	struct burst *bursts;
	bool ok = true;

	if (!name)
		return 0;
	if (kvmgov_name_check(name, &err))
		ok = bad(parser, "%s", err.text);
	arrival = next_word(&line);
	length = arrival ? next_word(&line) : NULL;
	if (!length) {
		bad(parser, "'%.64s' has no %s; a line is: NAME ARRIVAL LENGTH [KEY=VALUE...]",
		    name, arrival ? "length" : "arrival");
		return 0;
	}
	ok &= get_time(parser, "arrival", arrival, 0, &burst.arrival);
	ok &= get_time(parser, "length", length, 1, &burst.length);
	while ((word = next_word(&line)))
		ok &= get_option(parser, word, &burst);
	if (!ok)
		return 0;
	if (workload->nr == SIMULATE_JOBS_MAX) {
		bad(parser, "too many lines; allowed: %d", SIMULATE_JOBS_MAX);
		return 0;
	}
	bursts = grow(workload->bursts, &workload->room, workload->nr, sizeof(*bursts));
	if (!bursts)
		return -1;
	workload->bursts = bursts;
	burst.order = workload->nr;
	if (find_vm(parser, name, &burst.vm))
		return -1;
	workload->bursts[workload->nr++] = burst;
	return 0;
}

static int parse_lines(struct parser *parser, const char *text, size_t len)
{
	const char *end = text + len, *stop;
	char *line;
	int ret;

	for (; text < end; text = stop + 1) {
		stop = memchr(text, '\n', end - text);
		if (!stop)
			stop = end;
		parser->line++;
		if (memchr(text, '\0', stop - text)) {
			bad(parser, "a byte of zero is no text");
			continue;
		}
		line = strndup(text, stop - text);
		if (!line)
			return -1;
		ret = parse_line(parser, line);
		free(line);
		if (ret)
			return -1;
	}
	return 0;
}

/* twalk() knows no argument for what it calls. */
static __thread char **collected;

static void collect(const void *node, VISIT visit, int depth)
{
	const struct known *known = *(const struct known *const *)node;

	(void)depth;
	if (visit == postorder || visit == leaf)
		collected[known->vm] = strdup(known->name);
}

static int collect_names(struct parser *parser)
{
	struct workload *workload = parser->workload;
	size_t i;

	workload->names = calloc(workload->nr_vms + 1, sizeof(*workload->names));
	if (!workload->names)
		return -1;
	collected = workload->names;
	twalk(parser->names, collect);
	for (i = 0; i < workload->nr_vms; i++)
		if (!workload->names[i])
			return -1;
	return 0;
}

/* By arrival, and those that arrive together in the order of the file. */
static int compare_bursts(const void *a, const void *b)
{
	const struct burst *left = a, *right = b;

	if (left->arrival != right->arrival)
		return left->arrival < right->arrival ? -1 : 1;
	return left->order < right->order ? -1 : 1;
}

/* All together must be over before the clock is. */
static void check_sum(struct parser *parser)
{
	const struct workload *workload = parser->workload;
	uint64_t sum = 0;
	size_t i;

	parser->line = 0;
	if (!workload->nr && !parser->errors)
		bad(parser, "there is nothing to do; a line is: NAME ARRIVAL LENGTH "
			    "[KEY=VALUE...]");
	for (i = 0; i < workload->nr; i++)
		sum += workload->bursts[i].length < INT64_MAX - sum ? workload->bursts[i].length
								    : INT64_MAX - sum;
	if (sum > INT64_MAX / 2)
		bad(parser, "all together is too long; allowed: 53375d");
}

int workload_parse(struct workload *workload, const char *text, size_t len, workload_error *error,
		   void *arg)
{
	struct parser parser = { .workload = workload, .error = error, .arg = arg };
	int ret;

	memset(workload, 0, sizeof(*workload));
	ret = parse_lines(&parser, text, len);
	if (!ret)
		ret = collect_names(&parser);
	if (!ret) {
		if (workload->nr)
			qsort(workload->bursts, workload->nr, sizeof(*workload->bursts),
			      compare_bursts);
		check_sum(&parser);
	}
	tdestroy(parser.names, free);
	return ret ? -1 : parser.errors;
}

/* --- by chance --- */

/* splitmix64, Steele, Lea and Flood 2014: the same numbers on every machine. */
static uint64_t chance(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
	return z ^ (z >> 31);
}

/* A length of that mean; the number under the logarithm is above 0, up to 1. */
static double exponential(uint64_t *state, double mean)
{
	return -mean * log(((chance(state) >> 11) + 1) * 0x1p-53);
}

int workload_generate(struct workload *workload, const struct generator *generator)
{
	uint64_t state = generator->seed;
	double now = 0, length;
	size_t i;

	memset(workload, 0, sizeof(*workload));
	workload->bursts = calloc(generator->jobs, sizeof(*workload->bursts));
	if (!workload->bursts)
		return -1;
	for (i = 0; i < generator->jobs; i++) {
		struct burst *burst = &workload->bursts[i];

		now += exponential(&state, 1e9 / generator->rate);
		length = exponential(&state, generator->service);
		burst->vm = i;
		burst->vcpus = 1;
		burst->priority = KVMGOV_SCHED_PRIORITY_DEFAULT;
		burst->weight = KVMGOV_SCHED_WEIGHT_DEFAULT;
		burst->arrival = now;
		burst->length = length < 1 ? 1 : length;
	}
	workload->nr = generator->jobs;
	workload->nr_vms = generator->jobs;
	return 0;
}

const char *workload_name(const struct workload *workload, uint32_t vm, char *buf, size_t size)
{
	if (workload->names)
		return workload->names[vm];
	snprintf(buf, size, "job%" PRIu32, vm + 1);
	return buf;
}

void workload_free(struct workload *workload)
{
	size_t i;

	for (i = 0; workload->names && i < workload->nr_vms; i++)
		free(workload->names[i]);
	free(workload->names);
	free(workload->bursts);
}
