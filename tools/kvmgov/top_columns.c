// SPDX-License-Identifier: GPL-2.0-only
/* The columns of kvmgov top. */
#include <inttypes.h>
#include <string.h>

#include "top.h"

static double id(const struct top_row *row)
{
	return row->id;
}

static const char *name(const struct top_row *row, char *buf)
{
	(void)buf;
	return kvmgov_vm_name(row->vm);
}

static double pid(const struct top_row *row)
{
	return kvmgov_vm_pid(row->vm);
}

static const char *comm(const struct top_row *row, char *buf)
{
	(void)buf;
	return kvmgov_vm_comm(row->vm);
}

static double vcpus(const struct top_row *row)
{
	return kvmgov_vm_nr_vcpus(row->vm);
}

static double cpu(const struct top_row *row)
{
	return sample_cpu(&row->diff);
}

static uint64_t microcpus(const struct top_row *row)
{
	return kvmgov_cpu_from_quota(kvmgov_vm_cpu_quota_us(row->vm),
				     kvmgov_vm_cpu_period_us(row->vm));
}

static double limit(const struct top_row *row)
{
	return microcpus(row);
}

/* As "kvmgov set" reads it. */
static const char *limit_text(const struct top_row *row, char *buf)
{
	return kvmgov_cpu_format(microcpus(row), buf, KVMGOV_VALUE_LEN);
}

static double period(const struct top_row *row)
{
	return kvmgov_vm_cpu_period_us(row->vm);
}

static const char *period_text(const struct top_row *row, char *buf)
{
	return kvmgov_period_format(kvmgov_vm_cpu_period_us(row->vm), buf, KVMGOV_VALUE_LEN);
}

static double exits(const struct top_row *row)
{
	return sample_exits_per_s(&row->diff);
}

static double holds(const struct top_row *row)
{
	return sample_holds_per_s(&row->diff);
}

#define STATE(i)                                           \
	static double state_##i(const struct top_row *row) \
	{                                                  \
		return sample_state(&row->diff, i);        \
	}

STATE(0)
STATE(1)
STATE(2)
STATE(3)
STATE(4)
STATE(5)
STATE(6)
STATE(7)
STATE(8)

#define IDENTITY .rising = true
#define SHARE	 .width = 5, .tenths = true

/* clang-format off */
const struct top_column top_columns[] = {
	{ "id", "ID", .width = 4, .rank = 0, IDENTITY, .number = id },
	{ "name", "NAME", .width = 12, .rank = 1, IDENTITY, .free_text = true, .text = name },
	{ "pid", "PID", .width = 7, .rank = 8, IDENTITY, .number = pid },
	{ "comm", "COMM", .width = 15, .rank = 9, IDENTITY, .free_text = true, .text = comm },
	{ "vcpus", "VCPUS", .width = 5, .rank = 7, .number = vcpus },
	{ "cpu", "CPU%", .width = 6, .rank = 2, .tenths = true, .number = cpu },
	{ "limit", "LIMIT", .width = 7, .rank = 3, .number = limit, .text = limit_text },
	{ "period", "PERIOD", .width = 6, .rank = 19, .number = period, .text = period_text },
	{ "exits", "EXITS/S", .width = 8, .rank = 5, .number = exits },
	{ "holds", "HOLDS/S", .width = 7, .rank = 6, .tenths = true, .number = holds },
	{ "guest", "GUEST", SHARE, .rank = 10, .number = state_0 },
	{ "exit", "EXIT", SHARE, .rank = 11, .number = state_1 },
	{ "vmm", "VMM", SHARE, .rank = 12, .number = state_2 },
	{ "halt", "HALT", SHARE, .rank = 13, .number = state_3 },
	{ "poll", "POLL", SHARE, .rank = 17, .number = state_4 },
	{ "ready", "READY", SHARE, .rank = 14, .number = state_5 },
	{ "held", "HELD", SHARE, .rank = 15, .number = state_6 },
	{ "mem", "MEM", SHARE, .rank = 18, .number = state_7 },
	{ "paus", "PAUS", SHARE, .rank = 16, .number = state_8 },
	{ 0 },
};
/* clang-format on */

const struct top_column *top_column_find(const char *word)
{
	const struct top_column *column;

	for (column = top_columns; column->key; column++)
		if (!strcasecmp(word, column->key) || !strcasecmp(word, column->head))
			return column;
	return NULL;
}

const char *top_column_keys(char *buf, size_t size)
{
	const struct top_column *column;
	size_t len = 0;

	for (column = top_columns; column->key && len < size; column++)
		len += snprintf(buf + len, size - len, "%s%s", len ? ", " : "", column->key);
	return buf;
}

/* By hand: a dozen of these in each row are most of what printf() would cost. */
static int number_format(char *buf, double number, bool tenths)
{
	char digits[24], *p = digits + sizeof(digits);
	uint64_t rest = number * (tenths ? 10 : 1) + 0.5;

	*--p = '\0';
	if (tenths) {
		*--p = '0' + rest % 10;
		*--p = '.';
		rest /= 10;
	}
	do {
		*--p = '0' + rest % 10;
		rest /= 10;
	} while (rest);
	memcpy(buf, p, digits + sizeof(digits) - p);
	return digits + sizeof(digits) - 1 - p;
}

const char *top_column_text(const struct top_column *column, const struct top_row *row, int width,
			    char buf[KVMGOV_VALUE_LEN])
{
	const char *text;
	double number;

	if (column->text) {
		text = column->text(row, buf);
		return *text ? text : "-";
	}
	number = column->number(row);
	if (number_format(buf, number, column->tenths) > width)
		number_format(buf, number, false);
	return buf;
}
