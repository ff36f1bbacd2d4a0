// SPDX-License-Identifier: GPL-2.0-only
/*
 * value: libkvmgov reads values as people write them. What it takes it writes
 * again so that it reads as the same; what it refuses it refuses with a reason.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../../tools/lib/internal.h"
#include "kernel.h"

static const struct kvmgov_limits limits = { 100, 4096000000, 1000, 1000000, 60000000 };

static void refused(const struct kvmgov_error *err, const char *attribute)
{
	FUZZ_CHECK(err->code == EINVAL || err->code == ERANGE, err->text);
	FUZZ_CHECK(!strcmp(err->attribute, attribute), err->attribute);
	FUZZ_CHECK(err->text[0] && memchr(err->text, 0, sizeof(err->text)), NULL);
}

static void try_cpu(const char *text, uint32_t period_us, const struct kvmgov_limits *lim)
{
	uint64_t cpu, again, quota;
	struct kvmgov_error err;
	char buf[KVMGOV_VALUE_LEN];

	if (kvmgov_cpu_parse(text, period_us, lim, &cpu, &err)) {
		refused(&err, "cpu");
		return;
	}
	kvmgov_cpu_format(cpu, buf, sizeof(buf));
	FUZZ_CHECK(!kvmgov_cpu_parse(buf, period_us, lim, &again, &err), buf);
	FUZZ_CHECK(again == cpu, buf);
	if (!period_us)
		return;
	FUZZ_CHECK(!kvmgov_cpu_to_quota(cpu, period_us, lim, &quota, &err), buf);
	FUZZ_CHECK(!lim || quota == KVMGOV_QUOTA_NONE ||
			   (quota >= lim->quota_min_us && quota <= lim->quota_max_us),
		   buf);
}

static void try_period(const char *text)
{
	struct kvmgov_error err;
	char buf[KVMGOV_VALUE_LEN];
	uint32_t us, again;

	if (kvmgov_period_parse(text, &limits, &us, &err)) {
		refused(&err, "period");
		return;
	}
	FUZZ_CHECK(us >= limits.period_min_us && us <= limits.period_max_us, text);
	kvmgov_period_format(us, buf, sizeof(buf));
	FUZZ_CHECK(!kvmgov_period_parse(buf, &limits, &again, &err), buf);
	FUZZ_CHECK(again == us, buf);
}

static void try_time(const char *text)
{
	struct kvmgov_error err;
	char buf[KVMGOV_VALUE_LEN];
	uint64_t ns, again;

	if (kvmgov_time_parse(text, &ns, &err)) {
		refused(&err, "time");
		return;
	}
	kvmgov_time_format(ns, buf, sizeof(buf));
	FUZZ_CHECK(!kvmgov_time_parse(buf, &again, &err), buf);
	FUZZ_CHECK(again == ns, buf);
}

static void try_uuid(const char *text)
{
	uint8_t uuid[KVMGOV_UUID_LEN], again[KVMGOV_UUID_LEN];
	struct kvmgov_error err;
	char buf[KVMGOV_VALUE_LEN];

	if (kvmgov_uuid_parse(text, uuid, &err)) {
		refused(&err, "uuid");
		return;
	}
	kvmgov_uuid_format(uuid, buf, sizeof(buf));
	FUZZ_CHECK(!*text || !strcasecmp(buf, text), text);
	FUZZ_CHECK(!kvmgov_uuid_parse(buf, again, &err), buf);
	FUZZ_CHECK(!memcmp(uuid, again, sizeof(uuid)), buf);
}

static void try_name(const char *text)
{
	struct kvmgov_error err;
	const char *p;

	if (kvmgov_name_check(text, &err)) {
		refused(&err, "name");
		return;
	}
	FUZZ_CHECK(strlen(text) <= KVMGOV_NAME_MAX, text);
	for (p = text; *p; p++)
		FUZZ_CHECK((unsigned char)*p >= ' ' && *p != '/' && *p != 0x7f, text);
}

/* Any number in any small buffer: formatting stays inside. */
static void try_format(const uint8_t *data, size_t size)
{
	uint64_t number = 0;
	char *buf;
	size_t room;

	if (size < 9)
		return;
	memcpy(&number, data, sizeof(number));
	room = data[8] % KVMGOV_VALUE_LEN + 1;
	buf = malloc(room);
	FUZZ_CHECK(memchr(kvmgov_cpu_format(number, buf, room), 0, room), NULL);
	FUZZ_CHECK(memchr(kvmgov_period_format(number, buf, room), 0, room), NULL);
	FUZZ_CHECK(memchr(kvmgov_time_format(number, buf, room), 0, room), NULL);
	kvmgov_cpu_from_quota(number, number >> 32);
	free(buf);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);

	memcpy(text, data, size);
	text[size] = '\0';
	try_cpu(text, 100000, &limits);
	try_cpu(text, 1000, NULL);
	try_cpu(text, 0, &limits);
	try_period(text);
	try_time(text);
	try_uuid(text);
	try_name(text);
	try_format(data, size);
	free(text);
	return 0;
}
