// SPDX-License-Identifier: GPL-2.0-only
/* kvmgov top */
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "top.h"

#define NS_PER_S 1000000000ULL

/* Lists that fail one after another, because VMs come and go, until that is an error. */
#define TRIES 10

static volatile sig_atomic_t stopped;

static void stop(int sig)
{
	(void)sig;
	stopped = 1;
}

/* --- the VMs --- */

void top_sort(struct top *top)
{
	top_rows_sort(&top->rows, top->by, top->reverse);
}

static int take(struct top *top, struct kvmgov_error *err)
{
	struct kvmgov_vm_list *list = kvmgov_vm_list_get(top->kg, err);
	size_t i, nr;

	if (!list)
		return -1;
	nr = kvmgov_vm_list_size(list);
	if (top_rows_begin(&top->rows, nr)) {
		kvmgov_vm_list_free(list);
		*err = (struct kvmgov_error){ .code = ENOMEM, .text = "out of memory" };
		return -1;
	}
	for (i = 0; i < nr; i++)
		top_rows_add(&top->rows, kvmgov_vm_list_at(list, i));
	kvmgov_vm_list_free(top->list);
	top->list = list;
	top_sort(top);
	return 0;
}

/*
 * Read the VMs. While they come and go too fast for that, what was read before
 * stays, for some times.
 */
static int refresh(struct top *top, int *tries, struct kvmgov_error *err)
{
	top->message[0] = '\0';
	if (!take(top, err)) {
		*tries = 0;
		return 0;
	}
	if (err->code != EAGAIN || ++*tries >= TRIES)
		return -1;
	snprintf(top->message, sizeof(top->message), "%.*s", (int)sizeof(top->message) - 1,
		 err->text);
	return 0;
}

void top_summary(const struct top *top, char *buf, size_t size)
{
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	uint64_t vcpus = 0;
	double percent = 0;
	size_t i;

	for (i = 0; i < top->rows.nr; i++) {
		vcpus += kvmgov_vm_nr_vcpus(top->rows.rows[i].vm);
		percent += sample_cpu(&top->rows.rows[i].diff);
	}
	snprintf(buf, size, "%zu VM%s, %" PRIu64 " vCPU%s, CPU %.1f%% of %ld%% (%ld CPU%s)",
		 top->rows.nr, top->rows.nr == 1 ? "" : "s", vcpus, vcpus == 1 ? "" : "s", percent,
		 100 * cpus, cpus, cpus == 1 ? "" : "s");
}

/* --- lines --- */

static void pad(int width)
{
	for (; width > 0; width--)
		putchar_unlocked(' ');
}

static void print_free_text(const struct top_row *row)
{
	const struct top_column *column;
	const char *separator = "";
	char buf[KVMGOV_VALUE_LEN];
	int room = 0;

	for (column = top_columns; column->key; column++) {
		if (!column->free_text)
			continue;
		pad(room);
		fputs(separator, stdout);
		room = column->width -
		       out_text(stdout, row ? top_column_text(column, row, 0, buf) : column->head);
		separator = " ";
	}
	putchar('\n');
}

/* What may have blanks in it stands last, so that the rest can be cut into words. */
static void print_line(const struct top_row *row)
{
	const struct top_column *column;
	char buf[KVMGOV_VALUE_LEN];
	const char *text;

	for (column = top_columns; column->key; column++) {
		if (column->free_text)
			continue;
		text = row ? top_column_text(column, row, sizeof(buf), buf) : column->head;
		pad(column->width - (int)strlen(text));
		fputs(text, stdout);
		putchar(' ');
	}
	print_free_text(row);
}

static void print_text(const struct top *top)
{
	char now[16], text[128];
	struct tm tm;
	time_t t;
	size_t i;

	time(&t);
	strftime(now, sizeof(now), "%T", localtime_r(&t, &tm));
	top_summary(top, text, sizeof(text));
	printf("kvmgov top %s: %s\n", now, text);
	print_line(NULL);
	for (i = 0; i < top->rows.nr; i++)
		print_line(top->rows.order[i]);
}

/* Each VM as "list" has it, without its figures, and what "stat" says of the interval. */
static void print_json(const struct top *top)
{
	struct json_object *doc = js_document(), *vms = js_array(), *vm;
	size_t i;

	js_add(doc, "nr_cpus", js_number(sysconf(_SC_NPROCESSORS_ONLN)));
	for (i = 0; i < top->rows.nr; i++) {
		vm = fields_json_until(vm_fields, top->rows.order[i]->vm, "age_ns");
		sample_json(vm, &top->rows.order[i]->diff);
		js_append(vms, vm);
	}
	js_add(doc, "vms", vms);
	js_print_line(doc);
}

/* --- time --- */

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * NS_PER_S + now.tv_nsec;
}

/*
 * When the next interval ends: a multiple of it, so that what takes long does not
 * make them longer, unless that is over already.
 */
static uint64_t next_end(const struct top *top, uint64_t end, uint64_t now)
{
	uint64_t interval = top->seconds * NS_PER_S;

	return end + interval > now ? end + interval : now + interval;
}

/* Wait for a key, a signal or the @end; 0 for that. The signals are let in here only. */
static int wait_until(uint64_t end, struct pollfd *pfd, const sigset_t *unblocked)
{
	uint64_t now = now_ns(), left = end > now ? end - now : 0;
	struct timespec ts = { .tv_sec = left / NS_PER_S, .tv_nsec = left % NS_PER_S };

	return ppoll(pfd, pfd ? 1 : 0, &ts, unblocked);
}

static int lines(struct top *top, struct kvmgov_error *err)
{
	uint64_t end = now_ns();
	int tries = 0;
	long i;

	for (i = 0; i != top->count && !ferror(stdout); i++) {
		if (i) {
			end = next_end(top, end, now_ns());
			while (wait_until(end, NULL, NULL) < 0)
				;
		}
		if (refresh(top, &tries, err))
			return -1;
		if (top->message[0]) {
			cli_warn("%s", top->message);
			continue;
		}
		if (i && !top->cli->json)
			putchar('\n');
		if (top->cli->json)
			print_json(top);
		else
			print_text(top);
		fflush(stdout);
	}
	return 0;
}

/* --- the screen --- */

/* Keys until the interval ends. */
static enum top_action interval(struct top *top, uint64_t *end, const sigset_t *unblocked)
{
	struct pollfd pfd = { .fd = STDIN_FILENO, .events = POLLIN };
	enum top_action action;
	int ret;

	*end = next_end(top, *end, now_ns());
	for (;;) {
		ret = wait_until(*end, &pfd, unblocked);
		if (stopped || (ret > 0 && pfd.revents & (POLLHUP | POLLERR | POLLNVAL)))
			return TOP_QUIT;
		if (!ret)
			return TOP_WAIT;
		/* A new size comes as a key, too. */
		action = top_screen_keys(top);
		if (action == TOP_REFRESH)
			*end = now_ns();
		if (action != TOP_WAIT)
			return action;
	}
}

static int pictures(struct top *top, const sigset_t *unblocked, struct kvmgov_error *err)
{
	uint64_t end = now_ns();
	int tries = 0;
	long i;

	for (i = 0; i != top->count; i++) {
		if (refresh(top, &tries, err))
			return -1;
		top_screen_draw(top);
		if (interval(top, &end, unblocked) == TOP_QUIT)
			break;
	}
	return 0;
}

/* Signals come while waiting only: ncurses draws in the handlers of some. */
static void catch_signals(sigset_t *unblocked)
{
	static const int ends[] = { SIGINT, SIGTERM, SIGHUP };
	struct sigaction action = { .sa_handler = stop };
	sigset_t blocked;
	size_t i;

	sigemptyset(&blocked);
	sigaddset(&blocked, SIGWINCH);
	sigaddset(&blocked, SIGTSTP);
	for (i = 0; i < ARRAY_SIZE(ends); i++)
		sigaddset(&blocked, ends[i]);
	sigprocmask(SIG_BLOCK, &blocked, unblocked);
	sigdelset(unblocked, SIGWINCH);
	for (i = 0; i < ARRAY_SIZE(ends); i++) {
		sigdelset(unblocked, ends[i]);
		sigaction(ends[i], &action, NULL);
	}
}

static int screen(struct top *top, struct kvmgov_error *err)
{
	sigset_t unblocked;
	int ret;

	catch_signals(&unblocked);
	if (top_screen_open(err))
		return -1;
	ret = pictures(top, &unblocked, err);
	top_screen_close();
	return ret;
}

/* --- the command line --- */

static int set_sort(struct top *top, const char *word)
{
	char keys[256];

	top->by = top_column_find(word);
	if (top->by)
		return CLI_OK;
	return cli_usage(top->cli, "there is no column '%s'; there are: %s", word,
			 top_column_keys(keys, sizeof(keys)));
}

static int options(struct top *top, int argc, char **argv, bool *batch)
{
	static const struct option longs[] = {
		CLI_OPTIONS,
		{ "batch", no_argument, NULL, 'b' },
		{ "iterations", required_argument, NULL, 'n' },
		{ "delay", required_argument, NULL, 'd' },
		{ "sort", required_argument, NULL, 's' },
		{ "reverse", no_argument, NULL, 'r' },
		{ 0 },
	};
	int c, status = CLI_OK;

	while (status == CLI_OK &&
	       (c = cli_getopt(top->cli, argc, argv, "bn:d:s:r", longs)) != -1) {
		switch (c) {
		case 'b':
			*batch = true;
			break;
		case 'n':
			status = cli_count(top->cli, optarg, &top->count);
			break;
		case 'd':
			status = cli_seconds(top->cli, optarg, &top->seconds);
			break;
		case 's':
			status = set_sort(top, optarg);
			break;
		case 'r':
			top->reverse = true;
			break;
		}
	}
	if (status == CLI_OK && optind < argc)
		status = cli_usage(top->cli, "top takes no '%s'; to see one VM: kvmgov stat %s",
				   argv[optind], argv[optind]);
	return status;
}

static int run(struct cli *cli, int argc, char **argv)
{
	struct top top = { .cli = cli, .by = top_column_find("cpu"), .seconds = 3, .count = -1 };
	struct kvmgov_error err;
	bool batch = false;
	int ret = -1;

	cli->lines = true;
	ret = options(&top, argc, argv, &batch);
	if (ret != CLI_OK)
		return ret;
	top.kg = kvmgov_open(&err);
	if (!top.kg)
		return cli_fail(cli, &err);
	ret = batch || cli->json ? lines(&top, &err) : screen(&top, &err);
	top_rows_free(&top.rows);
	kvmgov_vm_list_free(top.list);
	kvmgov_close(top.kg);
	return ret ? cli_fail(cli, &err) : CLI_OK;
}

static void more_help(void)
{
	char keys[256];

	printf("\nColumns: %s.\n", top_column_keys(keys, sizeof(keys)));
}

const struct command cmd_top = {
	.name = "top",
	.operands = "",
	.summary = "Show what all VMs are doing, again and again",
	.help = "The first figures are averages since each VM was attached, those that follow\n"
		"are of the time since the last ones. CPU% is CPU time in percent of one CPU, "
		"LIMIT\n"
		"what it may be; the bar, as the columns from guest to paus, is where the time of\n"
		"the vCPUs goes. Keys: h for help, q to quit.\n",
	.more_help = more_help,
	.options = "  -b, --batch    write lines rather than a screen; --json does so, too\n"
		   "  -n, --iterations N\n"
		   "                 end after N times\n"
		   "  -d, --delay SECONDS\n"
		   "                 how long to wait in between (3)\n"
		   "  -s, --sort COLUMN\n"
		   "                 sort by this column (cpu)\n"
		   "  -r, --reverse  sort the other way round\n",
	.run = run,
};
