// SPDX-License-Identifier: GPL-2.0-only
/* kvmgov events */
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cli.h"

/**
 * struct known - What is known of a VM, to tell what of it changes
 * @vm: Its last state.
 * @event: The event that @vm belongs to, NULL while it is from the list.
 */
struct known {
	const struct kvmgov_vm *vm;
	struct kvmgov_event *event;
};

/**
 * struct watch - The state of the command
 * @cli: The run.
 * @kg: For reading the VMs.
 * @list: The VMs as they were when the list was read last.
 * @known: What is known of each VM.
 * @nr: Number of @known.
 * @count: Events that are still to be printed; negative for no end.
 * @done: Nothing will follow.
 */
struct watch {
	struct cli *cli;
	struct kvmgov *kg;
	struct kvmgov_vm_list *list;
	struct known *known;
	size_t nr;
	long count;
	bool done;
};

static volatile sig_atomic_t stopped;

static void stop(int signo)
{
	(void)signo;
	stopped = 1;
}

/* --- what is known --- */

static void forget_all(struct watch *w)
{
	size_t i;

	for (i = 0; i < w->nr; i++)
		kvmgov_event_free(w->known[i].event);
	free(w->known);
	kvmgov_vm_list_free(w->list);
	w->known = NULL;
	w->list = NULL;
	w->nr = 0;
}

static void grow(struct watch *w, size_t nr)
{
	struct known *known = reallocarray(w->known, nr, sizeof(*known));

	if (!known) {
		cli_warn("out of memory");
		exit(CLI_FAILED);
	}
	w->known = known;
}

static int learn_all(struct watch *w, struct kvmgov_error *err)
{
	size_t i;

	forget_all(w);
	w->list = kvmgov_vm_list_get(w->kg, err);
	if (!w->list)
		return -1;
	grow(w, kvmgov_vm_list_size(w->list) + 1);
	for (i = 0; i < kvmgov_vm_list_size(w->list); i++)
		w->known[w->nr++] = (struct known){ kvmgov_vm_list_at(w->list, i), NULL };
	return 0;
}

static struct known *lookup(struct watch *w, uint64_t id)
{
	size_t i;

	for (i = 0; i < w->nr; i++)
		if (kvmgov_vm_id(w->known[i].vm) == id)
			return &w->known[i];
	return NULL;
}

/* Takes the event over. */
static void learn(struct watch *w, struct kvmgov_event *event)
{
	const struct kvmgov_vm *vm = kvmgov_event_vm(event);
	struct known *known = lookup(w, kvmgov_vm_id(vm));

	if (kvmgov_event_type(event) == KVMGOV_EVENT_END) {
		if (known) {
			kvmgov_event_free(known->event);
			*known = w->known[--w->nr];
		}
		kvmgov_event_free(event);
		return;
	}
	if (!known) {
		grow(w, w->nr + 1);
		known = &w->known[w->nr++];
		known->event = NULL;
	}
	kvmgov_event_free(known->event);
	known->vm = vm;
	known->event = event;
}

/* --- output --- */

static const char *const type_names[] = {
	[KVMGOV_EVENT_NEW] = "vm-new",		 [KVMGOV_EVENT_END] = "vm-end",
	[KVMGOV_EVENT_CHANGE] = "vm-change",	 [KVMGOV_EVENT_LOST] = "events-lost",
	[KVMGOV_EVENT_UNLOAD] = "module-unload", [KVMGOV_EVENT_UNGOVERNED] = "vcpu-ungoverned",
};

/* The time of reading: messages carry none. */
static void format_now(char *buf, size_t size)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	time_format(now.tv_sec * 1000000000ULL + now.tv_nsec, buf, size);
}

static void print_json(const char *when, const char *what, const struct kvmgov_vm *vm,
		       struct json_object *changes)
{
	struct json_object *doc = js_document();

	js_add(doc, "time", js_text(when));
	js_add(doc, "event", js_text(what));
	if (vm && kvmgov_vm_ended_ns(vm)) {
		js_add(doc, "vm", final_json(vm));
	} else if (vm && kvmgov_vm_id(vm)) {
		js_add(doc, "vm", fields_json(vm_fields, vm));
	} else if (vm) {
		/* Not governed: this is all that is known. */
		js_add(doc, "pid", js_number(kvmgov_vm_pid(vm)));
		js_add(doc, "comm", js_text(kvmgov_vm_comm(vm)));
	}
	if (changes)
		js_add(doc, "changes", changes);
	js_print_line(doc);
}

static void print_text(const char *when, const char *what, const struct kvmgov_vm *vm,
		       struct json_object *changes)
{
	printf("%s %s", when, what);
	if (vm) {
		if (kvmgov_vm_id(vm)) {
			putchar(' ');
			vm_print_label(vm);
		}
		printf(" pid %" PRIu32 " ", kvmgov_vm_pid(vm));
		out_text(stdout, kvmgov_vm_comm(vm));
	}
	if (changes) {
		fputs(": ", stdout);
		changes_print(changes, "unchanged");
		json_object_put(changes);
	}
	putchar('\n');
	fflush(stdout);
}

static void print_event(struct watch *w, const struct kvmgov_event *event)
{
	enum kvmgov_event_type type = kvmgov_event_type(event);
	const struct kvmgov_vm *vm = kvmgov_event_vm(event);
	struct json_object *changes = NULL;
	struct known *known;
	char when[64];

	format_now(when, sizeof(when));
	if (type == KVMGOV_EVENT_CHANGE) {
		known = lookup(w, kvmgov_vm_id(vm));
		changes = fields_changes(vm_fields, known ? known->vm : NULL, vm);
	} else if (type == KVMGOV_EVENT_NEW) {
		changes = fields_changes(vm_fields, NULL, vm);
	}
	if (w->cli->json)
		print_json(when, type_names[type], vm, changes);
	else
		print_text(when, type_names[type], vm, changes);
}

static int handle(struct watch *w, struct kvmgov_event *event, struct kvmgov_error *err)
{
	enum kvmgov_event_type type = kvmgov_event_type(event);

	print_event(w, event);
	if (w->count > 0)
		w->count--;
	w->done = type == KVMGOV_EVENT_UNLOAD || !w->count || ferror(stdout);
	if (type == KVMGOV_EVENT_LOST || type == KVMGOV_EVENT_UNLOAD) {
		kvmgov_event_free(event);
		return type == KVMGOV_EVENT_LOST && !w->done ? learn_all(w, err) : 0;
	}
	if (type == KVMGOV_EVENT_UNGOVERNED)
		kvmgov_event_free(event);
	else
		learn(w, event);
	return 0;
}

/* --- waiting --- */

/* Time left until @end, in the form that ppoll() wants: NULL is for ever. */
static const struct timespec *time_left(const struct timespec *end, struct timespec *left)
{
	struct timespec now;

	if (!end->tv_sec)
		return NULL;
	clock_gettime(CLOCK_MONOTONIC, &now);
	left->tv_sec = end->tv_sec - now.tv_sec;
	left->tv_nsec = end->tv_nsec - now.tv_nsec;
	if (left->tv_nsec < 0) {
		left->tv_sec--;
		left->tv_nsec += 1000000000;
	}
	if (left->tv_sec < 0)
		*left = (struct timespec){ 0 };
	return left;
}

static int watch_loop(struct watch *w, struct kvmgov_monitor *monitor, const struct timespec *end,
		      const sigset_t *unblocked, struct kvmgov_error *err)
{
	struct pollfd pfd = { .fd = kvmgov_monitor_fd(monitor), .events = POLLIN };
	struct kvmgov_event *event;
	struct timespec left;
	int ret;

	while (!w->done) {
		ret = kvmgov_monitor_next(monitor, &event, err);
		if (ret > 0)
			ret = handle(w, event, err);
		else if (!ret) {
			const struct timespec *wait = time_left(end, &left);

			/*
			 * The signals are let in here only, so that none can come
			 * between looking for one and waiting.
			 */
			ret = ppoll(&pfd, 1, wait, unblocked);
			if (stopped || !ret)
				return 0;
			ret = 0; /* whatever happened, reading tells */
		}
		if (ret < 0)
			return -1;
	}
	return 0;
}

static void catch_signals(sigset_t *unblocked)
{
	struct sigaction action = { .sa_handler = stop };
	sigset_t blocked;

	sigemptyset(&blocked);
	sigaddset(&blocked, SIGINT);
	sigaddset(&blocked, SIGTERM);
	sigprocmask(SIG_BLOCK, &blocked, unblocked);
	sigdelset(unblocked, SIGINT);
	sigdelset(unblocked, SIGTERM);
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
}

static int watch(struct cli *cli, long count, double timeout)
{
	struct watch w = { .cli = cli, .count = count };
	struct kvmgov_monitor *monitor;
	struct timespec end = { 0 };
	struct kvmgov_error err;
	sigset_t unblocked;
	int ret = -1;

	if (timeout > 0) {
		clock_gettime(CLOCK_MONOTONIC, &end);
		end.tv_sec += (time_t)timeout;
		end.tv_nsec += (timeout - floor(timeout)) * 1e9;
		if (end.tv_nsec >= 1000000000) {
			end.tv_sec++;
			end.tv_nsec -= 1000000000;
		}
	}
	catch_signals(&unblocked);
	/* Listen first: what changes while the list is read is an event then. */
	monitor = kvmgov_monitor_open(&err);
	w.kg = monitor ? kvmgov_open(&err) : NULL;
	if (w.kg && !learn_all(&w, &err))
		ret = watch_loop(&w, monitor, &end, &unblocked, &err);
	forget_all(&w);
	kvmgov_close(w.kg);
	kvmgov_monitor_close(monitor);
	return ret ? cli_fail(cli, &err) : CLI_OK;
}

static int run(struct cli *cli, int argc, char **argv)
{
	static const struct option longs[] = {
		CLI_OPTIONS,
		{ "count", required_argument, NULL, 'n' },
		{ "timeout", required_argument, NULL, 't' },
		{ 0 },
	};
	double timeout = 0;
	long count = -1;
	int c;

	cli->lines = true;
	while ((c = cli_getopt(cli, argc, argv, "n:t:", longs)) != -1) {
		int status = c == 'n' ? cli_count(cli, optarg, &count)
				      : cli_seconds(cli, optarg, &timeout);

		if (status != CLI_OK)
			return status;
	}
	if (optind < argc)
		return cli_usage(cli, "events takes no '%s'", argv[optind]);
	return watch(cli, count, timeout);
}

const struct command cmd_events = {
	.name = "events",
	.operands = "",
	.summary = "Print what happens to VMs, as it happens",
	.help = "One line for each VM that appears (vm-new), ends (vm-end) or is changed\n"
		"(vm-change), until interrupted. events-lost says that events came too fast;\n"
		"module-unload is the last one. With --json, each line is a JSON document, with\n"
		"the VM's figures; those of vm-end are final.\n",
	.options = "  -n, --count N  end after N events\n"
		   "  -t, --timeout S\n"
		   "                 end after S seconds\n",
	.run = run,
};
