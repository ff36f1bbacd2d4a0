// SPDX-License-Identifier: GPL-2.0-only
/* kvmgov simulate */
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "simulate.h"

#define POLICIES_MAX 16
/* More errors in a file than anybody reads. */
#define ERRORS_MAX 100

/**
 * struct simulate_options - What is wanted
 * @what: What to simulate.
 * @policies: Under which disciplines.
 * @nr_policies: How many.
 * @generator: What to make a workload of by chance; no jobs: none.
 * @file: The workload, if it is not made by chance.
 * @svg: Where to write a picture, or NULL.
 * @gantt: Show charts.
 * @verbose: Show each burst.
 */
struct simulate_options {
	struct simulated what;
	const struct kvmgov_sched_ops *policies[POLICIES_MAX];
	size_t nr_policies;
	struct generator generator;
	const char *file;
	const char *svg;
	bool gantt;
	bool verbose;
};

/* --- what is shown --- */

/* Four digits that count, in the unit that suits it. */
static void set_time(struct value *value, uint64_t ns)
{
	uint64_t scale = 1;

	while (ns / scale >= 10000)
		scale *= 10;
	if (ns < UINT64_MAX - scale)
		ns = (ns + scale / 2) / scale * scale;
	kvmgov_time_format(ns, value->buf, sizeof(value->buf));
	value->kind = VALUE_TEXT;
	value->text = value->buf;
}

static void get_policy(const void *figures, struct value *value)
{
	value->kind = VALUE_TEXT;
	value->text = ((const struct figures *)figures)->ops->name;
}

#define NUMBER(name)                                                     \
	static void get_##name(const void *figures, struct value *value) \
	{                                                                \
		value->kind = VALUE_NUMBER;                              \
		value->number = ((const struct figures *)figures)->name; \
	}
#define TIME(name)                                                        \
	NUMBER(name)                                                      \
	static void text_##name(const void *figures, struct value *value) \
	{                                                                 \
		set_time(value, ((const struct figures *)figures)->name); \
	}
#define REAL(name)                                                       \
	static void get_##name(const void *figures, struct value *value) \
	{                                                                \
		value->kind = VALUE_REAL;                                \
		value->real = ((const struct figures *)figures)->name;   \
	}

NUMBER(jobs)
NUMBER(begin)
NUMBER(end)
NUMBER(waiting_sum)
NUMBER(preempted)
TIME(waiting)
TIME(turnaround)
TIME(response)
TIME(longest)
REAL(throughput)
REAL(busy)
REAL(fairness)

/* From 0 to 1: one digit is too little. */
static void text_fairness(const void *figures, struct value *value)
{
	snprintf(value->buf, sizeof(value->buf), "%.3f",
		 ((const struct figures *)figures)->fairness);
	value->kind = VALUE_TEXT;
	value->text = value->buf;
}

/* As a table has them, and as JSON does: times are exact there. */
static const struct field table_fields[] = {
	{ "policy", "POLICY", NULL, UNIT_NONE, false, get_policy },
	{ "throughput", "JOBS/S", NULL, UNIT_NONE, false, get_throughput },
	{ "waiting", "WAITING", NULL, UNIT_NONE, false, text_waiting },
	{ "turnaround", "TURNAROUND", NULL, UNIT_NONE, false, text_turnaround },
	{ "response", "RESPONSE", NULL, UNIT_NONE, false, text_response },
	{ "longest", "LONGEST", NULL, UNIT_NONE, false, text_longest },
	{ "preempted", "PREEMPTED", NULL, UNIT_NONE, false, get_preempted },
	{ "fairness", "FAIRNESS", NULL, UNIT_NONE, false, text_fairness },
	{ 0 },
};

static const struct field json_fields[] = {
	{ "policy", NULL, NULL, UNIT_NONE, false, get_policy },
	{ "jobs", NULL, NULL, UNIT_NONE, false, get_jobs },
	{ "begin_ns", NULL, NULL, UNIT_NS, false, get_begin },
	{ "end_ns", NULL, NULL, UNIT_NS, false, get_end },
	{ "throughput", NULL, NULL, UNIT_NONE, false, get_throughput },
	{ "busy_percent", NULL, NULL, UNIT_PERCENT, false, get_busy },
	{ "waiting_avg_ns", NULL, NULL, UNIT_NS, false, get_waiting },
	{ "waiting_sum_ns", NULL, NULL, UNIT_NS, false, get_waiting_sum },
	{ "waiting_max_ns", NULL, NULL, UNIT_NS, false, get_longest },
	{ "turnaround_avg_ns", NULL, NULL, UNIT_NS, false, get_turnaround },
	{ "response_avg_ns", NULL, NULL, UNIT_NS, false, get_response },
	{ "nr_preempted", NULL, NULL, UNIT_NONE, false, get_preempted },
	{ "fairness", NULL, NULL, UNIT_NONE, false, get_fairness },
	{ 0 },
};

/**
 * struct burst_row - A burst and what became of it
 */
struct burst_row {
	const char *name;
	const struct burst *burst;
	const struct outcome *outcome;
};

static void get_row_vm(const void *object, struct value *value)
{
	value->kind = VALUE_TEXT;
	value->text = ((const struct burst_row *)object)->name;
}

#define ROW(name, expression)                                                           \
	static uint64_t row_##name(const struct burst_row *row)                         \
	{                                                                               \
		return expression;                                                      \
	}                                                                               \
	static void get_row_##name(const void *object, struct value *value)             \
	{                                                                               \
		value->kind = VALUE_NUMBER;                                             \
		value->number = row_##name(object);                                     \
	}                                                                               \
	static void text_row_##name(const void *object, struct value *value)            \
	{                                                                               \
		kvmgov_time_format(row_##name(object), value->buf, sizeof(value->buf)); \
		value->kind = VALUE_TEXT;                                               \
		value->text = value->buf;                                               \
	}

ROW(arrival, row->burst->arrival)
ROW(length, row->burst->length)
ROW(start, row->outcome->start)
ROW(end, row->outcome->end)
ROW(waiting, row->outcome->end - row->burst->arrival - row->outcome->ran)
ROW(turnaround, row->outcome->end - row->burst->arrival)

static const struct field row_table_fields[] = {
	{ "vm", "VM", NULL, UNIT_NONE, false, get_row_vm },
	{ "arrival", "ARRIVAL", NULL, UNIT_NONE, false, text_row_arrival },
	{ "length", "LENGTH", NULL, UNIT_NONE, false, text_row_length },
	{ "start", "START", NULL, UNIT_NONE, false, text_row_start },
	{ "end", "END", NULL, UNIT_NONE, false, text_row_end },
	{ "waiting", "WAITING", NULL, UNIT_NONE, false, text_row_waiting },
	{ "turnaround", "TURNAROUND", NULL, UNIT_NONE, false, text_row_turnaround },
	{ 0 },
};

static const struct field row_json_fields[] = {
	{ "vm", NULL, NULL, UNIT_NONE, false, get_row_vm },
	{ "arrival_ns", NULL, NULL, UNIT_NS, false, get_row_arrival },
	{ "length_ns", NULL, NULL, UNIT_NS, false, get_row_length },
	{ "start_ns", NULL, NULL, UNIT_NS, false, get_row_start },
	{ "end_ns", NULL, NULL, UNIT_NS, false, get_row_end },
	{ "waiting_ns", NULL, NULL, UNIT_NS, false, get_row_waiting },
	{ "turnaround_ns", NULL, NULL, UNIT_NS, false, get_row_turnaround },
	{ 0 },
};

static void *must_have(void *memory)
{
	if (!memory) {
		cli_warn("out of memory");
		exit(CLI_FAILED);
	}
	return memory;
}

static struct burst_row row_of(const struct workload *workload, const struct simulation *sim,
			       size_t i, char *buf)
{
	struct burst_row row = { .burst = &workload->bursts[i], .outcome = &sim->outcomes[i] };

	row.name = workload_name(workload, row.burst->vm, buf, WORKLOAD_NAME_LEN);
	return row;
}

static void rows_print(const struct workload *workload, const struct simulation *sim)
{
	struct burst_row *rows = must_have(calloc(workload->nr, sizeof(*rows)));
	const void **objects = must_have(calloc(workload->nr, sizeof(*objects)));
	char(*names)[WORKLOAD_NAME_LEN] = must_have(calloc(workload->nr, sizeof(*names)));
	size_t i;

	for (i = 0; i < workload->nr; i++) {
		rows[i] = row_of(workload, sim, i, names[i]);
		objects[i] = &rows[i];
	}
	printf("\n%s\n", sim->figures.ops->name);
	fields_table(row_table_fields, objects, workload->nr, "  ");
	free(names);
	free(objects);
	free(rows);
}

static struct json_object *rows_json(const struct workload *workload, const struct simulation *sim)
{
	struct json_object *rows = js_array();
	char buf[WORKLOAD_NAME_LEN];
	size_t i;

	for (i = 0; i < workload->nr; i++) {
		struct burst_row row = row_of(workload, sim, i, buf);

		js_append(rows, fields_json(row_json_fields, &row));
	}
	return rows;
}

static void print_json(const struct simulate_options *options, const struct workload *workload,
		       const struct simulation *sims)
{
	struct json_object *doc = js_document(), *policies = js_array(), *item;
	size_t i;

	js_add(doc, "cpus", js_number(options->what.cpus));
	for (i = 0; i < options->nr_policies; i++) {
		item = fields_json(json_fields, &sims[i].figures);
		if (options->verbose)
			js_add(item, "bursts", rows_json(workload, &sims[i]));
		js_append(policies, item);
	}
	js_add(doc, "policies", policies);
	js_print(doc);
}

static void print_text(const struct simulate_options *options, const struct workload *workload,
		       const struct simulation *sims)
{
	const void *objects[POLICIES_MAX];
	size_t i;

	for (i = 0; i < options->nr_policies; i++)
		objects[i] = &sims[i].figures;
	fields_table(table_fields, objects, options->nr_policies, "");
	for (i = 0; i < options->nr_policies; i++) {
		if (options->verbose)
			rows_print(workload, &sims[i]);
		if (options->gantt) {
			putchar('\n');
			gantt_text(stdout, workload, &sims[i]);
		}
	}
}

/* --- doing it --- */

static int fail(struct cli *cli, int code, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static int fail(struct cli *cli, int code, const char *format, ...)
{
	struct kvmgov_error err = { .code = code };
	va_list args;

	va_start(args, format);
	vsnprintf(err.text, sizeof(err.text), format, args);
	va_end(args);
	return cli_fail(cli, &err);
}

static int write_svg(struct cli *cli, const struct simulate_options *options,
		     const struct workload *workload, const struct simulation *sims)
{
	FILE *file = fopen(options->svg, "w");
	int code = errno;

	if (file) {
		gantt_svg(file, workload, sims, options->nr_policies);
		code = ferror(file) ? EIO : 0;
		if (fclose(file) && !code)
			code = errno;
	}
	if (code)
		return fail(cli, code, "cannot write %s: %s", options->svg, strerror(code));
	return CLI_OK;
}

static int show(struct cli *cli, const struct simulate_options *options,
		const struct workload *workload, const struct simulation *sims)
{
	int status = options->svg ? write_svg(cli, options, workload, sims) : CLI_OK;

	if (status)
		return status;
	if (cli->json)
		print_json(options, workload, sims);
	else
		print_text(options, workload, sims);
	return CLI_OK;
}

static int simulate(struct cli *cli, struct simulate_options *options,
		    const struct workload *workload)
{
	struct simulation sims[POLICIES_MAX] = { 0 };
	int status = CLI_OK, err = 0;
	size_t i;

	if ((options->gantt || options->svg) && workload->nr_vms > GANTT_VMS_MAX)
		return fail(cli, ERANGE, "%zu VMs are too many for a chart; allowed: %d",
			    workload->nr_vms, GANTT_VMS_MAX);
	options->what.workload = workload;
	options->what.record = options->gantt || options->svg;
	for (i = 0; i < options->nr_policies && !err; i++)
		err = simulation_run(&sims[i], &options->what, options->policies[i]);
	if (err == EOVERFLOW)
		status =
			fail(cli, err, "%s: given up after %d decisions; allowed: a longer quantum",
			     options->policies[i - 1]->name, SIMULATE_DECISIONS_MAX);
	else if (err)
		status = fail(cli, err, "out of memory");
	else
		status = show(cli, options, workload, sims);
	for (i = 0; i < options->nr_policies; i++)
		simulation_free(&sims[i]);
	return status;
}

/* --- the file --- */

struct complaints {
	struct cli *cli;
	const char *file;
	struct json_object *list;
	unsigned int nr;
};

static void complain(void *arg, unsigned int line, const char *text)
{
	struct complaints *complaints = arg;
	struct json_object *item;

	if (complaints->nr++ >= ERRORS_MAX)
		return;
	if (!complaints->cli->json) {
		if (line)
			cli_warn("%s:%u: %s", complaints->file, line, text);
		else
			cli_warn("%s: %s", complaints->file, text);
		return;
	}
	item = js_object();
	js_add(item, "line", js_number(line));
	js_add(item, "message", js_text(text));
	js_append(complaints->list, item);
}

/* All of a file, or of standard input for "-"; NULL and errno if that fails. */
static char *read_file(const char *name, size_t *len)
{
	FILE *file = strcmp(name, "-") ? fopen(name, "r") : stdin;
	char *text = NULL, *more;
	size_t room = 0, got;
	int code = 0;

	if (!file)
		return NULL;
	*len = 0;
	do {
		room = room ? room * 2 : 65536;
		more = room > 2 * (size_t)SIMULATE_FILE_MAX ? NULL : realloc(text, room);
		if (!more) {
			code = room > SIMULATE_FILE_MAX ? EFBIG : ENOMEM;
			break;
		}
		text = more;
		got = fread(text + *len, 1, room - *len, file);
		*len += got;
	} while (*len == room);
	if (!code && ferror(file))
		code = errno ? errno : EIO;
	if (file != stdin)
		fclose(file);
	if (!code)
		return text;
	free(text);
	errno = code;
	return NULL;
}

static int load(struct cli *cli, const char *name, struct workload *workload)
{
	struct complaints complaints = { .cli = cli, .file = name };
	struct kvmgov_error err = { .code = EINVAL };
	struct json_object *doc;
	size_t len;
	char *text;
	int nr;

	text = read_file(name, &len);
	if (!text)
		return fail(cli, errno, "cannot read %s: %s", name, strerror(errno));
	complaints.list = js_array();
	nr = workload_parse(workload, text, len, complain, &complaints);
	free(text);
	if (nr <= 0)
		json_object_put(complaints.list);
	if (nr < 0)
		return fail(cli, ENOMEM, "out of memory");
	if (!nr)
		return CLI_OK;
	snprintf(err.text, sizeof(err.text), "%s: %d %s%s", name, nr, nr == 1 ? "error" : "errors",
		 nr > ERRORS_MAX ? ", not all of which are shown" : "");
	doc = js_document();
	js_add(doc, "errors", complaints.list);
	return cli_fail_with(cli, &err, doc);
}

/* --- the command line --- */

static int set_policies(struct cli *cli, const char *words, struct simulate_options *options)
{
	char *copy = must_have(strdup(words)), *rest = copy, *word, known[128];
	int status = CLI_OK;
	size_t i, len = 0;

	for (i = 0; kvmgov_sched_at(i); i++)
		len += snprintf(known + len, sizeof(known) - len, "%s%s", i ? ", " : "",
				kvmgov_sched_at(i)->name);
	options->nr_policies = 0;
	while (!status && (word = strsep(&rest, ","))) {
		const struct kvmgov_sched_ops *ops = kvmgov_sched_find(word);

		if (!ops) {
			status = cli_usage(cli, "unknown policy '%.64s'; there are: %s", word,
					   known);
		} else if (options->nr_policies == POLICIES_MAX) {
			status = cli_usage(cli, "too many policies; allowed: %d", POLICIES_MAX);
		} else {
			options->policies[options->nr_policies++] = ops;
		}
	}
	free(copy);
	return status;
}

/* A number from @min to @max, which need not be whole. */
static int set_real(struct cli *cli, const char *what, const char *word, double min, double max,
		    double *real)
{
	char *end;

	errno = 0;
	*real = strtod(word, &end);
	if (errno || *end || end == word || !(*real >= min && *real <= max))
		return cli_usage(cli, "--%s: '%.64s' is not allowed; allowed: %g to %g", what, word,
				 min, max);
	return CLI_OK;
}

static int set_number(struct cli *cli, const char *what, const char *word, uint64_t min,
		      uint64_t max, uint64_t *number)
{
	char *end;

	errno = 0;
	*number = strtoull(word, &end, 10);
	if (errno || *end || *word < '0' || *word > '9' || *number < min || *number > max)
		return cli_usage(cli,
				 "--%s: '%.64s' is not allowed; allowed: %" PRIu64 " to %" PRIu64,
				 what, word, min, max);
	return CLI_OK;
}

static int set_ns(struct cli *cli, const char *what, const char *word, uint64_t min, uint64_t *ns)
{
	struct kvmgov_error err;

	if (kvmgov_time_parse(word, ns, &err))
		return cli_usage(cli, "--%s: %s", what, err.text);
	if (*ns < min || *ns > SIMULATE_TIME_MAX)
		return cli_usage(cli, "--%s: '%.64s' is out of range; allowed: %s to 50d", what,
				 word, min ? "1ns" : "0");
	return CLI_OK;
}

/* Long options that have no short form. */
enum {
	OPT_GUESS = 256,
	OPT_MAX_WAIT,
	OPT_AGEING,
	OPT_BOOST,
	OPT_BOOST_SLEEP,
	OPT_POISSON,
	OPT_SERVICE,
	OPT_JOBS,
	OPT_SEED,
	OPT_SVG,
};

static const struct option longs[] = {
	CLI_OPTIONS,
	{ "policy", required_argument, NULL, 'p' },
	{ "cpus", required_argument, NULL, 'c' },
	{ "quantum", required_argument, NULL, 'q' },
	{ "alpha", required_argument, NULL, 'a' },
	{ "guess", required_argument, NULL, OPT_GUESS },
	{ "max-wait", required_argument, NULL, OPT_MAX_WAIT },
	{ "ageing", required_argument, NULL, OPT_AGEING },
	{ "boost", required_argument, NULL, OPT_BOOST },
	{ "boost-sleep", required_argument, NULL, OPT_BOOST_SLEEP },
	{ "poisson", required_argument, NULL, OPT_POISSON },
	{ "service", required_argument, NULL, OPT_SERVICE },
	{ "jobs", required_argument, NULL, OPT_JOBS },
	{ "seed", required_argument, NULL, OPT_SEED },
	{ "gantt", no_argument, NULL, 'g' },
	{ "svg", required_argument, NULL, OPT_SVG },
	{ "verbose", no_argument, NULL, 'v' },
	{ 0 },
};

static int set_option(struct cli *cli, int c, struct simulate_options *options)
{
	struct kvmgov_sched_params *params = &options->what.params;
	struct generator *generator = &options->generator;
	uint64_t number;
	double real;
	int status;

	switch (c) {
	case 'p':
		return set_policies(cli, optarg, options);
	case 'c':
		status = set_number(cli, "cpus", optarg, 1, KVMGOV_SCHED_WIDTH_MAX, &number);
		options->what.cpus = number;
		return status;
	case 'q':
		return set_ns(cli, "quantum", optarg, 1, &params->quantum);
	case 'a':
		status = set_real(cli, "alpha", optarg, 0, 1, &real);
		if (!status)
			params->alpha = lround(real * KVMGOV_SCHED_ALPHA_ONE);
		options->what.foresee = false;
		return status;
	case OPT_GUESS:
		options->what.foresee = false;
		return set_ns(cli, "guess", optarg, 0, &params->guess);
	case OPT_MAX_WAIT:
		return set_ns(cli, "max-wait", optarg, 0, &params->max_wait);
	case OPT_AGEING:
		return set_ns(cli, "ageing", optarg, 0, &params->ageing);
	case OPT_BOOST:
		status = set_number(cli, "boost", optarg, 0, KVMGOV_SCHED_PRIORITY_MAX, &number);
		params->boost = number;
		return status;
	case OPT_BOOST_SLEEP:
		return set_ns(cli, "boost-sleep", optarg, 0, &params->boost_sleep);
	case OPT_POISSON:
		return set_real(cli, "poisson", optarg, 0.001, 1e6, &generator->rate);
	case OPT_SERVICE:
		return set_ns(cli, "service", optarg, 1, &generator->service);
	case OPT_JOBS:
		status = set_number(cli, "jobs", optarg, 1, SIMULATE_JOBS_MAX, &number);
		generator->jobs = number;
		return status;
	case OPT_SEED:
		return set_number(cli, "seed", optarg, 0, UINT64_MAX, &generator->seed);
	case OPT_SVG:
		options->svg = optarg;
		return CLI_OK;
	case 'g':
		options->gantt = true;
		return CLI_OK;
	default:
		options->verbose = true;
		return CLI_OK;
	}
}

static int run_options(struct cli *cli, struct simulate_options *options)
{
	const struct generator *generator = &options->generator;
	struct workload workload = { 0 };
	int status;

	/* A length by chance is up to 37 times the mean. */
	if (generator->rate > 0 &&
	    (generator->service > SIMULATE_TIME_MAX / 50 ||
	     generator->jobs * (generator->service + 1e9 / generator->rate) > 0x1p61))
		return cli_usage(cli, "all together is too long; allowed: --service up to 1d, and "
				      "26687d in all");
	if (generator->rate > 0)
		status = workload_generate(&workload, &options->generator)
				 ? fail(cli, ENOMEM, "out of memory")
				 : CLI_OK;
	else
		status = load(cli, options->file, &workload);
	if (!status)
		status = simulate(cli, options, &workload);
	workload_free(&workload);
	return status;
}

static int run(struct cli *cli, int argc, char **argv)
{
	struct simulate_options options = {
		.what = { .params = kvmgov_sched_defaults, .cpus = 1, .foresee = true },
		.generator = { .service = 10000000,
			       .jobs = SIMULATE_JOBS_MAX < 100000 ? SIMULATE_JOBS_MAX : 100000,
			       .seed = 1 },
	};
	int c, status;

	while (kvmgov_sched_at(options.nr_policies)) {
		options.policies[options.nr_policies] = kvmgov_sched_at(options.nr_policies);
		options.nr_policies++;
	}
	while ((c = cli_getopt(cli, argc, argv, "p:c:q:a:gv", longs)) != -1) {
		status = set_option(cli, c, &options);
		if (status)
			return status;
	}
	options.file = argv[optind];
	if (options.file && optind + 1 < argc)
		return cli_usage(cli, "one workload at a time");
	if (!options.file && !(options.generator.rate > 0))
		return cli_usage(cli, "which workload? a FILE, or --poisson RATE");
	if (options.file && options.generator.rate > 0)
		return cli_usage(cli, "a FILE or --poisson, not both");
	return run_options(cli, &options);
}

const struct command cmd_simulate = {
	.name = "simulate",
	.operands = "FILE|--poisson RATE",
	.summary = "Try scheduling policies on a workload",
	.help = "Runs a workload under the module's own policies, here and now: the module is not\n"
		"needed. A line of FILE is a burst of a VM: NAME ARRIVAL LENGTH [KEY=VALUE...], "
		"with\n"
		"the keys vcpus, priority, weight and hint. Lengths are known beforehand as in\n"
		"textbooks, unless --alpha or --guess says that they are to be estimated.\n",
	.options =
		"  -p, --policy NAME,...  which policies (all): fair, fcfs, rr, sjf, srtf, "
		"priority\n"
		"  -c, --cpus N           how many CPUs there are (1)\n"
		"  -q, --quantum T        length of a slice (10ms)\n"
		"  -a, --alpha A          weight of the last burst in the estimate, 0 to 1 (0.5)\n"
		"      --guess T          what a first burst is expected to need (10ms)\n"
		"      --max-wait T       sjf, srtf: who has waited so long goes first (10s; 0: "
		"none)\n"
		"      --ageing T         priority: who waits so long rises by a level (1s; 0: "
		"none)\n"
		"      --boost N          priority: levels for the first slice after a sleep (0)\n"
		"      --boost-sleep T    priority: how long that sleep is (10ms)\n"
		"      --poisson RATE     a workload by chance: arrivals per second\n"
		"      --service T        its mean length (10ms)\n"
		"      --jobs N           how many jobs (100000)\n"
		"      --seed N           where chance begins (1)\n"
		"  -g, --gantt            a chart: # runs, + runs for less than half of it, . "
		"waits\n"
		"      --svg FILE         write a chart as a picture\n"
		"  -v, --verbose          each burst\n",
	.run = run,
};
