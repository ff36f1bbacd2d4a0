// SPDX-License-Identifier: GPL-2.0-only
/* The attributes of VMs and vCPUs, and how they are shown. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cli.h"

/* --- accessors --- */

static void set_number(struct value *value, bool there, uint64_t number)
{
	value->kind = there ? VALUE_NUMBER : VALUE_NONE;
	value->number = number;
}

static void set_text(struct value *value, const char *text)
{
	value->kind = text && *text ? VALUE_TEXT : VALUE_NONE;
	value->text = text;
}

/* @part as a percentage of one CPU over the time @whole. */
static void set_percent(struct value *value, uint64_t part, uint64_t whole)
{
	value->kind = whole ? VALUE_REAL : VALUE_NONE;
	if (whole)
		value->real = 100.0 * part / whole;
}

#define NUMBER(type, name, NAME)                                                 \
	static void get_##type##_##name(const void *object, struct value *value) \
	{                                                                        \
		set_number(value, kvmgov_##type##_has(object, NAME),             \
			   kvmgov_##type##_##name(object));                      \
	}

NUMBER(vm, id, KVMGOV_A_VM_ID)
NUMBER(vm, pid, KVMGOV_A_VM_PID)
NUMBER(vm, nr_vcpus, KVMGOV_A_VM_NR_VCPUS)
NUMBER(vm, cpu_period_us, KVMGOV_A_VM_CPU_PERIOD_US)
NUMBER(vm, age_ns, KVMGOV_A_VM_AGE_NS)
NUMBER(vm, usage_ns, KVMGOV_A_VM_USAGE_NS)
NUMBER(vm, guest_ns, KVMGOV_A_VM_GUEST_NS)
NUMBER(vm, held_cpu_ns, KVMGOV_A_VM_HELD_CPU_NS)
NUMBER(vm, paused_ns, KVMGOV_A_VM_PAUSED_NS)
NUMBER(vm, nr_held, KVMGOV_A_VM_NR_HELD)
NUMBER(vm, nr_periods, KVMGOV_A_VM_NR_PERIODS)
NUMBER(vm, nr_exits, KVMGOV_A_VM_NR_EXITS)
NUMBER(vm, exit_ns, KVMGOV_A_VM_EXIT_NS)
NUMBER(vm, vmm_ns, KVMGOV_A_VM_VMM_NS)
NUMBER(vm, halt_ns, KVMGOV_A_VM_HALT_NS)
NUMBER(vm, poll_ns, KVMGOV_A_VM_POLL_NS)
NUMBER(vm, ready_ns, KVMGOV_A_VM_READY_NS)
NUMBER(vm, held_mem_ns, KVMGOV_A_VM_HELD_MEM_NS)

NUMBER(vcpu, index, KVMGOV_A_VCPU_INDEX)
NUMBER(vcpu, tid, KVMGOV_A_VCPU_TID)
NUMBER(vcpu, age_ns, KVMGOV_A_VCPU_AGE_NS)
NUMBER(vcpu, usage_ns, KVMGOV_A_VCPU_USAGE_NS)
NUMBER(vcpu, guest_ns, KVMGOV_A_VCPU_GUEST_NS)
NUMBER(vcpu, held_cpu_ns, KVMGOV_A_VCPU_HELD_CPU_NS)
NUMBER(vcpu, paused_ns, KVMGOV_A_VCPU_PAUSED_NS)
NUMBER(vcpu, nr_held, KVMGOV_A_VCPU_NR_HELD)
NUMBER(vcpu, nr_exits, KVMGOV_A_VCPU_NR_EXITS)
NUMBER(vcpu, exit_ns, KVMGOV_A_VCPU_EXIT_NS)
NUMBER(vcpu, vmm_ns, KVMGOV_A_VCPU_VMM_NS)
NUMBER(vcpu, halt_ns, KVMGOV_A_VCPU_HALT_NS)
NUMBER(vcpu, poll_ns, KVMGOV_A_VCPU_POLL_NS)
NUMBER(vcpu, ready_ns, KVMGOV_A_VCPU_READY_NS)
NUMBER(vcpu, held_mem_ns, KVMGOV_A_VCPU_HELD_MEM_NS)

static void get_vm_name(const void *vm, struct value *value)
{
	set_text(value, kvmgov_vm_name(vm));
}

static void get_vm_comm(const void *vm, struct value *value)
{
	set_text(value, kvmgov_vm_comm(vm));
}

static void get_vm_uuid(const void *vm, struct value *value)
{
	const uint8_t *uuid = kvmgov_vm_uuid(vm);

	set_text(value, uuid ? kvmgov_uuid_format(uuid, value->buf, sizeof(value->buf)) : NULL);
}

static void get_vm_state(const void *vm, struct value *value)
{
	static const char *const names[] = {
		[KVMGOV_VM_STATE_RUNNING] = "running",
		[KVMGOV_VM_STATE_FROZEN] = "frozen",
	};
	uint32_t state = kvmgov_vm_state(vm);

	/* A state that only a newer module knows shows as a number. */
	snprintf(value->buf, sizeof(value->buf), "state-%" PRIu32, state);
	set_text(value, state < ARRAY_SIZE(names) ? names[state] : value->buf);
	if (!kvmgov_vm_has(vm, KVMGOV_A_VM_STATE))
		value->kind = VALUE_NONE;
}

static void get_vm_steal(const void *vm, struct value *value)
{
	set_text(value, !kvmgov_vm_has(vm, KVMGOV_A_VM_CPU_STEAL)    ? NULL
			: kvmgov_vm_cpu_steal(vm) == KVMGOV_STEAL_ON ? "on"
								     : "off");
}

static bool has_limit(const void *vm)
{
	return kvmgov_vm_has(vm, KVMGOV_A_VM_CPU_QUOTA_US) &&
	       kvmgov_vm_has(vm, KVMGOV_A_VM_CPU_PERIOD_US);
}

static void get_vm_cpu(const void *vm, struct value *value)
{
	uint64_t cpu =
		kvmgov_cpu_from_quota(kvmgov_vm_cpu_quota_us(vm), kvmgov_vm_cpu_period_us(vm));

	set_text(value,
		 has_limit(vm) ? kvmgov_cpu_format(cpu, value->buf, sizeof(value->buf)) : NULL);
}

static void get_vm_period(const void *vm, struct value *value)
{
	set_text(value, has_limit(vm) ? kvmgov_period_format(kvmgov_vm_cpu_period_us(vm),
							     value->buf, sizeof(value->buf))
				      : NULL);
}

static void set_credit(const void *vm, struct value *value, uint64_t us)
{
	const char *text = us ? kvmgov_time_format(us * 1000, value->buf, sizeof(value->buf)) : "0";

	set_text(value, has_limit(vm) ? text : NULL);
}

static void get_vm_credit(const void *vm, struct value *value)
{
	set_credit(vm, value, kvmgov_vm_cpu_credit_max_us(vm));
}

static void get_vm_balance(const void *vm, struct value *value)
{
	set_credit(vm, value, kvmgov_vm_cpu_credit_us(vm));
}

static void get_vm_credit_max_us(const void *vm, struct value *value)
{
	set_number(value, has_limit(vm), kvmgov_vm_cpu_credit_max_us(vm));
}

static void get_vm_credit_us(const void *vm, struct value *value)
{
	set_number(value, has_limit(vm), kvmgov_vm_cpu_credit_us(vm));
}

static void get_vm_quota(const void *vm, struct value *value)
{
	uint64_t quota = kvmgov_vm_cpu_quota_us(vm);

	set_number(value, has_limit(vm) && quota != KVMGOV_QUOTA_NONE, quota);
}

static void get_vm_ended(const void *vm, struct value *value)
{
	uint64_t ended = kvmgov_vm_ended_ns(vm);

	time_format(ended, value->buf, sizeof(value->buf));
	set_text(value, ended ? value->buf : NULL);
}

static void get_vm_percent(const void *vm, struct value *value)
{
	set_percent(value, kvmgov_vm_usage_ns(vm), kvmgov_vm_age_ns(vm));
}

static void get_vcpu_percent(const void *vcpu, struct value *value)
{
	set_percent(value, kvmgov_vcpu_usage_ns(vcpu), kvmgov_vcpu_age_ns(vcpu));
}

static void get_exit_reason(const void *row, struct value *value)
{
	set_text(value, kvmgov_exit_reason(((const struct exit_row *)row)->exit));
}

static void get_exit_vcpu(const void *row, struct value *value)
{
	uint32_t index = kvmgov_exit_index(((const struct exit_row *)row)->exit);

	set_number(value, index != KVMGOV_EXIT_ALL_VCPUS, index);
}

#define EXIT_NUMBER(name)                                                                          \
	static void get_exit_##name(const void *row, struct value *value)                          \
	{                                                                                          \
		set_number(value, true, kvmgov_exit_##name(((const struct exit_row *)row)->exit)); \
	}

EXIT_NUMBER(nr)
EXIT_NUMBER(total_ns)
EXIT_NUMBER(max_ns)

static void get_exit_avg_ns(const void *row, struct value *value)
{
	const struct kvmgov_exit *exit = ((const struct exit_row *)row)->exit;
	uint64_t nr = kvmgov_exit_nr(exit);

	set_number(value, nr, nr ? kvmgov_exit_total_ns(exit) / nr : 0);
}

static void get_exit_nr_percent(const void *object, struct value *value)
{
	const struct exit_row *row = object;

	set_percent(value, kvmgov_exit_nr(row->exit), row->all_nr);
}

static void get_exit_time_percent(const void *object, struct value *value)
{
	const struct exit_row *row = object;

	set_percent(value, kvmgov_exit_total_ns(row->exit), row->all_ns);
}

/*
 * Keys are for ever; others may be added. "cpu" and "period" are written as
 * "kvmgov set" reads them.
 */
const struct field vm_fields[] = {
	{ "id", "ID", NULL, UNIT_NONE, false, get_vm_id },
	{ "name", "NAME", "Name", UNIT_NONE, true, get_vm_name },
	{ "uuid", NULL, "UUID", UNIT_NONE, true, get_vm_uuid },
	{ "pid", "PID", "Pid", UNIT_NONE, false, get_vm_pid },
	{ "comm", "COMM", "Command", UNIT_NONE, false, get_vm_comm },
	{ "state", "STATE", "State", UNIT_NONE, true, get_vm_state },
	{ "nr_vcpus", "VCPUS", "vCPUs", UNIT_NONE, false, get_vm_nr_vcpus },
	{ "cpu", "CPU", "CPU limit", UNIT_NONE, true, get_vm_cpu },
	{ "period", "PERIOD", "Period", UNIT_NONE, true, get_vm_period },
	{ "credit", NULL, "Credit kept", UNIT_NONE, true, get_vm_credit },
	{ "credit.balance", NULL, "Credit", UNIT_NONE, true, get_vm_balance },
	{ "cpu.steal", NULL, "Holds are steal", UNIT_NONE, true, get_vm_steal },
	{ "cpu_quota_us", NULL, "Quota", UNIT_US, false, get_vm_quota },
	{ "cpu_period_us", NULL, NULL, UNIT_US, false, get_vm_cpu_period_us },
	{ "cpu_credit_max_us", NULL, NULL, UNIT_US, false, get_vm_credit_max_us },
	{ "cpu_credit_us", NULL, NULL, UNIT_US, false, get_vm_credit_us },
	{ "age_ns", NULL, "Age", UNIT_NS, false, get_vm_age_ns },
	{ "usage_ns", NULL, "CPU time used", UNIT_NS, false, get_vm_usage_ns },
	{ "usage_avg_percent", "AVG%", "Average use", UNIT_PERCENT, false, get_vm_percent },
	{ "guest_ns", NULL, "In guest mode", UNIT_NS, false, get_vm_guest_ns },
	{ "exit_ns", NULL, "Handling exits", UNIT_NS, false, get_vm_exit_ns },
	{ "vmm_ns", NULL, "In the VMM", UNIT_NS, false, get_vm_vmm_ns },
	{ "halt_ns", NULL, "Halted", UNIT_NS, false, get_vm_halt_ns },
	{ "poll_ns", NULL, "Halt polling", UNIT_NS, false, get_vm_poll_ns },
	{ "ready_ns", "READY", "Waiting for a CPU", UNIT_NS, false, get_vm_ready_ns },
	{ "held_cpu_ns", "HELD", "Held for quota", UNIT_NS, false, get_vm_held_cpu_ns },
	{ "held_mem_ns", NULL, "Held for memory", UNIT_NS, false, get_vm_held_mem_ns },
	{ "paused_ns", NULL, "Held frozen", UNIT_NS, false, get_vm_paused_ns },
	{ "nr_held", NULL, "Holds for quota", UNIT_NONE, false, get_vm_nr_held },
	{ "nr_periods", NULL, "Periods", UNIT_NONE, false, get_vm_nr_periods },
	{ "nr_exits", NULL, "Exits", UNIT_NONE, false, get_vm_nr_exits },
	{ 0 },
};

/* Of a VM that has ended. */
const struct field ended_fields[] = {
	{ "id", "ID", NULL, UNIT_NONE, false, get_vm_id },
	{ "name", "NAME", NULL, UNIT_NONE, true, get_vm_name },
	{ "pid", "PID", NULL, UNIT_NONE, false, get_vm_pid },
	{ "comm", "COMM", NULL, UNIT_NONE, false, get_vm_comm },
	{ "ended", "ENDED", "Ended", UNIT_NONE, false, get_vm_ended },
	{ "age_ns", "AGE", NULL, UNIT_NS, false, get_vm_age_ns },
	{ "usage_ns", "USED", NULL, UNIT_NS, false, get_vm_usage_ns },
	{ "ready_ns", "READY", NULL, UNIT_NS, false, get_vm_ready_ns },
	{ "held_cpu_ns", "HELD", NULL, UNIT_NS, false, get_vm_held_cpu_ns },
	{ "nr_exits", "EXITS", NULL, UNIT_NONE, false, get_vm_nr_exits },
	{ 0 },
};

const struct field vcpu_fields[] = {
	{ "index", "VCPU", NULL, UNIT_NONE, false, get_vcpu_index },
	{ "tid", "TID", NULL, UNIT_NONE, false, get_vcpu_tid },
	{ "age_ns", "AGE", NULL, UNIT_NS, false, get_vcpu_age_ns },
	{ "usage_ns", "USED", NULL, UNIT_NS, false, get_vcpu_usage_ns },
	{ "usage_avg_percent", "AVG%", NULL, UNIT_PERCENT, false, get_vcpu_percent },
	{ "guest_ns", "GUEST", NULL, UNIT_NS, false, get_vcpu_guest_ns },
	{ "exit_ns", "EXIT", NULL, UNIT_NS, false, get_vcpu_exit_ns },
	{ "vmm_ns", "VMM", NULL, UNIT_NS, false, get_vcpu_vmm_ns },
	{ "halt_ns", "HALT", NULL, UNIT_NS, false, get_vcpu_halt_ns },
	{ "poll_ns", "POLL", NULL, UNIT_NS, false, get_vcpu_poll_ns },
	{ "ready_ns", "READY", NULL, UNIT_NS, false, get_vcpu_ready_ns },
	{ "held_cpu_ns", "HELD", NULL, UNIT_NS, false, get_vcpu_held_cpu_ns },
	{ "held_mem_ns", NULL, NULL, UNIT_NS, false, get_vcpu_held_mem_ns },
	{ "paused_ns", "PAUSED", NULL, UNIT_NS, false, get_vcpu_paused_ns },
	{ "nr_held", "HOLDS", NULL, UNIT_NONE, false, get_vcpu_nr_held },
	{ "nr_exits", "EXITS", NULL, UNIT_NONE, false, get_vcpu_nr_exits },
	{ 0 },
};

/* As "perf kvm stat report" has them, where it has them. */
const struct field exit_fields[] = {
	{ "vcpu", NULL, NULL, UNIT_NONE, false, get_exit_vcpu },
	{ "reason", "REASON", NULL, UNIT_NONE, false, get_exit_reason },
	{ "nr", "EXITS", NULL, UNIT_NONE, false, get_exit_nr },
	{ "nr_percent", "EXITS%", NULL, UNIT_PERCENT, false, get_exit_nr_percent },
	{ "time_percent", "TIME%", NULL, UNIT_PERCENT, false, get_exit_time_percent },
	{ "total_ns", "TIME", NULL, UNIT_NS, false, get_exit_total_ns },
	{ "avg_ns", "AVG", NULL, UNIT_NS, false, get_exit_avg_ns },
	{ "max_ns", "MAX", NULL, UNIT_NS, false, get_exit_max_ns },
	{ 0 },
};

/* --- text --- */

/* A time with three digits or more that count, in the unit that suits it. */
void ns_format(uint64_t ns, char *buf, size_t size)
{
	uint64_t s = ns / 1000000000;

	if (!ns)
		snprintf(buf, size, "0s");
	else if (ns < 1000000)
		snprintf(buf, size, "%.1fus", ns / 1e3);
	else if (!s)
		snprintf(buf, size, "%.1fms", ns / 1e6);
	else if (s < 1000)
		snprintf(buf, size, "%.2fs", ns / 1e9);
	else if (s < 86400)
		snprintf(buf, size, "%" PRIu64 "h%02" PRIu64 "m%02" PRIu64 "s", s / 3600,
			 s / 60 % 60, s % 60);
	else
		snprintf(buf, size, "%" PRIu64 "d%02" PRIu64 "h%02" PRIu64 "m", s / 86400,
			 s / 3600 % 24, s / 60 % 60);
}

void time_format(uint64_t ns, char *buf, size_t size)
{
	time_t seconds = ns / 1000000000;
	char zone[8] = "";
	struct tm tm;
	size_t len;

	localtime_r(&seconds, &tm);
	len = strftime(buf, size, "%Y-%m-%dT%H:%M:%S", &tm);
	strftime(zone, sizeof(zone), "%z", &tm);
	snprintf(buf + len, size - len, ".%03u%s", (unsigned int)(ns / 1000000 % 1000), zone);
}

/* The text of @value, which may be in it or in @buf. */
static const char *value_text(const struct value *value, enum unit unit, char *buf, size_t size)
{
	switch (value->kind) {
	case VALUE_NONE:
		return "-";
	case VALUE_TEXT:
		return value->text;
	case VALUE_REAL:
		snprintf(buf, size, "%.1f%s", value->real, unit == UNIT_PERCENT ? "%" : "");
		return buf;
	case VALUE_NUMBER:
		break;
	}
	if (unit == UNIT_NS)
		ns_format(value->number, buf, size);
	else if (unit == UNIT_US)
		ns_format(value->number * 1000, buf, size);
	else
		snprintf(buf, size, "%" PRIu64, value->number);
	return buf;
}

static void pad(int width)
{
	printf("%*s", width > 0 ? width : 0, "");
}

void fields_print(const struct field *fields, const void *object, const char *indent)
{
	const struct field *f;
	struct value value;
	char buf[48];

	for (f = fields; f->key; f++) {
		if (!f->label)
			continue;
		f->get(object, &value);
		printf("%s%-16s ", indent, f->label);
		out_text(stdout, value_text(&value, f->unit, buf, sizeof(buf)));
		putchar('\n');
	}
}

/* Numbers stand to the right, words to the left. */
static bool is_right(const struct field *f, const void *const *objects, size_t nr)
{
	struct value value;
	size_t i;

	for (i = 0; i < nr; i++) {
		f->get(objects[i], &value);
		if (value.kind != VALUE_NONE)
			return value.kind != VALUE_TEXT;
	}
	return false;
}

static int column_width(const struct field *f, const void *const *objects, size_t nr)
{
	int width = out_width(f->head);
	struct value value;
	char buf[48];
	size_t i;

	for (i = 0; i < nr; i++) {
		int w;

		f->get(objects[i], &value);
		w = out_width(value_text(&value, f->unit, buf, sizeof(buf)));
		if (w > width)
			width = w;
	}
	return width;
}

struct column {
	const struct field *field;
	int width;
	bool right;
};

static void print_cell(const struct column *col, const char *text, bool last)
{
	int room = col->width - out_width(text);

	if (col->right)
		pad(room);
	out_text(stdout, text);
	if (last)
		putchar('\n');
	else
		pad((col->right ? 0 : room) + 2);
}

void fields_table(const struct field *fields, const void *const *objects, size_t nr,
		  const char *indent)
{
	struct column cols[32];
	const struct field *f;
	size_t i, c, nr_cols = 0;

	for (f = fields; f->key && nr_cols < ARRAY_SIZE(cols); f++) {
		if (!f->head)
			continue;
		cols[nr_cols].field = f;
		cols[nr_cols].width = column_width(f, objects, nr);
		cols[nr_cols++].right = is_right(f, objects, nr);
	}
	fputs(indent, stdout);
	for (c = 0; c < nr_cols; c++)
		print_cell(&cols[c], cols[c].field->head, c + 1 == nr_cols);
	for (i = 0; i < nr; i++) {
		fputs(indent, stdout);
		for (c = 0; c < nr_cols; c++) {
			struct value value;
			char buf[48];

			cols[c].field->get(objects[i], &value);
			print_cell(&cols[c],
				   value_text(&value, cols[c].field->unit, buf, sizeof(buf)),
				   c + 1 == nr_cols);
		}
	}
}

/* --- JSON --- */

static struct json_object *value_json(const struct value *value)
{
	switch (value->kind) {
	case VALUE_NUMBER:
		return js_number(value->number);
	case VALUE_REAL:
		return js_real(value->real);
	case VALUE_TEXT:
		return js_text(value->text);
	case VALUE_NONE:
		break;
	}
	return NULL;
}

struct json_object *fields_json(const struct field *fields, const void *object)
{
	return fields_json_until(fields, object, "");
}

struct json_object *fields_json_until(const struct field *fields, const void *object,
				      const char *end)
{
	struct json_object *result = js_object();
	const struct field *f;
	struct value value;

	for (f = fields; f->key && strcmp(f->key, end); f++) {
		f->get(object, &value);
		js_add(result, f->key, value_json(&value));
	}
	return result;
}

/* --- changes --- */

static bool value_equal(const struct value *a, const struct value *b)
{
	if (a->kind != b->kind)
		return false;
	if (a->kind == VALUE_TEXT)
		return !strcmp(a->text, b->text);
	if (a->kind == VALUE_NUMBER)
		return a->number == b->number;
	return a->kind == VALUE_NONE || a->real == b->real;
}

struct json_object *fields_changes(const struct field *fields, const void *old, const void *new)
{
	struct json_object *changes = js_object(), *change;
	struct value before = { 0 }, after;
	const struct field *f;

	for (f = fields; f->key; f++) {
		if (!f->config)
			continue;
		f->get(new, &after);
		if (old)
			f->get(old, &before);
		if (old ? value_equal(&before, &after) : after.kind == VALUE_NONE)
			continue;
		change = js_object();
		if (old)
			js_add(change, "old", value_json(&before));
		js_add(change, "new", value_json(&after));
		js_add(changes, f->key, change);
	}
	return changes;
}

static void print_side(struct json_object *side)
{
	out_text(stdout, side ? json_object_get_string(side) : "-");
}

void changes_print(struct json_object *changes, const char *same)
{
	const char *separator = "";

	json_object_object_foreach (changes, key, change) {
		struct json_object *side;

		printf("%s%s ", separator, key);
		if (json_object_object_get_ex(change, "old", &side)) {
			print_side(side);
			fputs(" -> ", stdout);
		}
		json_object_object_get_ex(change, "new", &side);
		print_side(side);
		separator = ", ";
	}
	if (!*separator)
		fputs(same, stdout);
}
