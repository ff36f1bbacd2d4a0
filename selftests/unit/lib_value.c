// SPDX-License-Identifier: GPL-2.0-only
/*
 * libkvmgov's reading and writing of values: fixed cases, and random text, of
 * which whatever is accepted must be written back as the same value.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <kvmgov/kvmgov.h>

#include "unit.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

static const struct kvmgov_limits limits = {
	.quota_min_us = 100,
	.quota_max_us = 4096000000,
	.period_min_us = 1000,
	.period_max_us = 1000000,
};

static bool check_cpu(const char *text, uint32_t period, int code, uint64_t want)
{
	struct kvmgov_error err = { 0 };
	uint64_t got = 12345;
	int ret = kvmgov_cpu_parse(text, period, &limits, &got, &err);
	bool ok = ret == (code ? -1 : 0) && err.code == code && got == (code ? 12345 : want);

	if (!ok)
		printf("# '%.80s': %d, errno %d, %" PRIu64 ": %s\n", text, ret, err.code, got,
		       err.text);
	if (code) /* every refusal says what would have been accepted */
		ok &= EXPECT(strstr(err.text, "%") && strstr(err.text, "max") &&
			     strstr(err.text, "allowed") && !strcmp(err.attribute, "cpu"));
	return ok;
}

static void test_cpu_good(void)
{
	static const struct {
		const char *text;
		uint64_t want;
	} cases[] = {
		{ "100%", 1000000 },	    { "50%", 500000 },	 { "150%", 1500000 },
		{ "1.5", 1500000 },	    { "1", 1000000 },	 { "0.5", 500000 },
		{ "12.5%", 125000 },	    { "0.1%", 1000 },	 { "33.3333%", 333333 },
		{ "0.333333", 333333 },	    { "64", 64000000 },	 { "007%", 70000 },
		{ "1.50", 1500000 },	    { "50.0%", 500000 }, { "4096000%", 40960000000 },
		{ "max", KVMGOV_CPU_NONE },
	};
	bool ok = true;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(cases); i++)
		ok &= check_cpu(cases[i].text, 100000, 0, cases[i].want);
	report(ok, "CPU limits as people write them");
}

static void test_cpu_bad(void)
{
	static const char *const malformed[] = {
		"banana", "",	     "-1",   "-0.5", "+1",	  "nan",       "inf",
		"1e9",	  "1e-3",    "0x10", "%",    "50 %",	  " 50%",      "50% ",
		"50%%",	  "50%x",    "1.5x", "1.",   ".5",	  "1..5",      "1.5.2",
		"1,5",	  "maximum", "MAX",  "max ", "33.33333%", "0.3333333", "50\n",
		"\xff",	  "½",	     "5０%", "--",   "1/2",
	};
	static const char *const outside[] = {
		"0",
		"0%",
		"0.0",
		"0.0001%",
		"0.000001",
		"0.0994%",
		"4096000.0006%",
		"40961",
		"99999999999999999999",
		"18446744073709551615",
		"18446744073709551616",
		"18446744073709.551615",
		"340282366920938463463374607431768211456%",
	};
	bool ok = true;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(malformed); i++)
		ok &= check_cpu(malformed[i], 100000, EINVAL, 0);
	report(ok, "malformed CPU limits are refused");
	for (ok = true, i = 0; i < ARRAY_SIZE(outside); i++)
		ok &= check_cpu(outside[i], 100000, ERANGE, 0);
	report(ok, "CPU limits out of range are refused");
}

static void test_cpu_message(void)
{
	struct kvmgov_error err;
	uint64_t cpu;
	bool ok = true;

	kvmgov_cpu_parse("banana", 100000, &limits, &cpu, &err);
	ok &= EXPECT(!strcmp(err.text, "'banana' is not a CPU limit; allowed at a period of 100ms: "
				       "a percentage of one CPU from 0.1% to 4096000%, a number of "
				       "CPUs from 0.001 to 40960, or max for no limit"));
	kvmgov_cpu_parse("0", 1000, &limits, &cpu, &err);
	ok &= EXPECT(strstr(err.text, "too small") && strstr(err.text, "from 10%"));
	kvmgov_cpu_parse("x", 1000, NULL, &cpu, &err);
	ok &= EXPECT(strstr(err.text, "from 10% up,"));
	ok &= EXPECT(kvmgov_cpu_parse("x", 1000, NULL, &cpu, NULL) == -1);
	report(ok, "a refusal says what is allowed");
}

static void test_quota(void)
{
	struct kvmgov_error err;
	uint64_t quota;
	bool ok = true;

	ok &= EXPECT(!kvmgov_cpu_to_quota(500000, 100000, &limits, &quota, &err) && quota == 50000);
	ok &= EXPECT(!kvmgov_cpu_to_quota(1500000, 10000, &limits, &quota, &err) && quota == 15000);
	ok &= EXPECT(!kvmgov_cpu_to_quota(333333, 1000, &limits, &quota, &err) && quota == 333);
	ok &= EXPECT(!kvmgov_cpu_to_quota(KVMGOV_CPU_NONE, 1000, &limits, &quota, &err) &&
		     quota == KVMGOV_QUOTA_NONE);
	ok &= EXPECT(kvmgov_cpu_to_quota(99000, 1000, &limits, &quota, &err) && err.code == ERANGE);
	ok &= EXPECT(kvmgov_cpu_to_quota(UINT64_MAX - 1, 1000000, &limits, &quota, &err) &&
		     err.code == ERANGE);
	ok &= EXPECT(kvmgov_cpu_from_quota(50000, 100000) == 500000);
	ok &= EXPECT(kvmgov_cpu_from_quota(KVMGOV_QUOTA_NONE, 100000) == KVMGOV_CPU_NONE);
	ok &= EXPECT(kvmgov_cpu_from_quota(1, 0) == KVMGOV_CPU_NONE);
	report(ok, "CPU limits and quotas");
}

static uint64_t random_state = 1;

static uint32_t random_u32(void)
{
	random_state = random_state * 6364136223846793005ULL + 1442695040888963407ULL;
	return random_state >> 32;
}

static void test_quota_round_trip(void)
{
	bool ok = true;
	int i;

	for (i = 0; ok && i < 200000; i++) {
		uint32_t period = 1000 + random_u32() % 999001;
		uint64_t quota = 100 + random_u32() % (64ULL * period), cpu, back = 0;
		char text[KVMGOV_VALUE_LEN];

		kvmgov_cpu_format(kvmgov_cpu_from_quota(quota, period), text, sizeof(text));
		ok &= !kvmgov_cpu_parse(text, period, &limits, &cpu, NULL) &&
		      !kvmgov_cpu_to_quota(cpu, period, &limits, &back, NULL) && back == quota;
		if (!ok)
			printf("# quota %" PRIu64 " period %" PRIu32 " '%s' back %" PRIu64 "\n",
			       quota, period, text, back);
	}
	report(ok, "every quota can be written as a percentage and read back");
}

static void test_period(void)
{
	static const struct {
		const char *text;
		int code;
		uint32_t us;
	} cases[] = {
		{ "10ms", 0, 10000 },
		{ "100ms", 0, 100000 },
		{ "1s", 0, 1000000 },
		{ "0.1s", 0, 100000 },
		{ "1500us", 0, 1500 },
		{ "1.5ms", 0, 1500 },
		{ "1.001ms", 0, 1001 },
		{ "0.001s", 0, 1000 },
		{ "1000000us", 0, 1000000 },
		{ "banana", EINVAL, 0 },
		{ "", EINVAL, 0 },
		{ "10", EINVAL, 0 },
		{ "-10ms", EINVAL, 0 },
		{ "10 ms", EINVAL, 0 },
		{ "10msx", EINVAL, 0 },
		{ "1m", EINVAL, 0 },
		{ "1e1ms", EINVAL, 0 },
		{ "ms", EINVAL, 0 },
		{ "1.5us", EINVAL, 0 },
		{ "1.0001ms", EINVAL, 0 },
		{ "nan", EINVAL, 0 },
		{ "0ms", ERANGE, 0 },
		{ "999us", ERANGE, 0 },
		{ "1001ms", ERANGE, 0 },
		{ "2s", ERANGE, 0 },
		{ "4295000000us", ERANGE, 0 },
		{ "99999999999999999999s", ERANGE, 0 },
	};
	struct kvmgov_error err;
	bool ok = true;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		uint32_t us = 7;
		int ret = kvmgov_period_parse(cases[i].text, &limits, &us, &err);
		bool good = ret ? err.code == cases[i].code && us == 7 &&
					    strstr(err.text, "from 1ms to 1s")
				: !cases[i].code && us == cases[i].us;

		if (!good)
			printf("# '%s': %d %" PRIu32 " %s\n", cases[i].text, ret, us,
			       ret ? err.text : "");
		ok &= good;
	}
	report(ok, "periods");
}

static void test_period_format(void)
{
	char buf[KVMGOV_VALUE_LEN];
	bool ok = true;
	uint32_t us, back;

	ok &= EXPECT(!strcmp(kvmgov_period_format(100000, buf, sizeof(buf)), "100ms"));
	ok &= EXPECT(!strcmp(kvmgov_period_format(1000000, buf, sizeof(buf)), "1s"));
	ok &= EXPECT(!strcmp(kvmgov_period_format(1500, buf, sizeof(buf)), "1.5ms"));
	ok &= EXPECT(!strcmp(kvmgov_period_format(999, buf, sizeof(buf)), "999us"));
	ok &= EXPECT(!strcmp(kvmgov_period_format(0, buf, sizeof(buf)), "0us"));
	for (us = 1000; ok && us <= 1000000; us++)
		ok &= EXPECT(!kvmgov_period_parse(kvmgov_period_format(us, buf, sizeof(buf)),
						  &limits, &back, NULL) &&
			     back == us);
	report(ok, "every period can be written and read back");
}

static void test_uuid(void)
{
	static const char good[] = "123e4567-e89b-12d3-a456-426614174000";
	static const char *const bad[] = {
		"1",
		"-",
		"123e4567e89b12d3a456426614174000",
		"123e4567-e89b-12d3-a456-42661417400",
		"123e4567-e89b-12d3-a456-4266141740000",
		"123e4567-e89b-12d3-a456-42661417400g",
		"{123e4567-e89b-12d3-a456-426614174000}",
		"123e4567-e89b-12d3-a456_426614174000",
		" 123e4567-e89b-12d3-a456-426614174000",
		"123e4567-e89b-12d3-a456-",
	};
	uint8_t uuid[KVMGOV_UUID_LEN], zero[KVMGOV_UUID_LEN] = { 0 };
	char buf[KVMGOV_VALUE_LEN];
	struct kvmgov_error err;
	bool ok = true;
	size_t i;

	ok &= EXPECT(!kvmgov_uuid_parse(good, uuid, &err));
	ok &= EXPECT(uuid[0] == 0x12 && uuid[15] == 0x00 && uuid[10] == 0x42);
	ok &= EXPECT(!strcmp(kvmgov_uuid_format(uuid, buf, sizeof(buf)), good));
	ok &= EXPECT(!kvmgov_uuid_parse("123E4567-E89B-12D3-A456-426614174000", uuid, &err));
	ok &= EXPECT(!strcmp(kvmgov_uuid_format(uuid, buf, sizeof(buf)), good));
	for (i = 0; i < ARRAY_SIZE(bad); i++)
		ok &= EXPECT(kvmgov_uuid_parse(bad[i], uuid, &err) == -1 && err.code == EINVAL &&
			     strstr(err.text, "allowed"));
	ok &= EXPECT(!strcmp(kvmgov_uuid_format(uuid, buf, sizeof(buf)), good));
	ok &= EXPECT(!kvmgov_uuid_parse("", uuid, &err) && !memcmp(uuid, zero, sizeof(zero)));
	report(ok, "UUIDs");
}

static void test_name(void)
{
	struct kvmgov_error err;
	char name[80];
	bool ok = true;

	ok &= EXPECT(!kvmgov_name_check("web", &err));
	ok &= EXPECT(!kvmgov_name_check("", &err));
	ok &= EXPECT(!kvmgov_name_check("web-1.example", &err));
	ok &= EXPECT(!kvmgov_name_check("1web", &err));
	ok &= EXPECT(!kvmgov_name_check("Büro", &err));
	ok &= EXPECT(kvmgov_name_check("17", &err) && strstr(err.text, "number"));
	ok &= EXPECT(kvmgov_name_check("a/b", &err) && strstr(err.text, "slash"));
	ok &= EXPECT(kvmgov_name_check("a\nb", &err) && err.code == EINVAL);
	ok &= EXPECT(kvmgov_name_check("\x7f", &err));
	memset(name, 'n', sizeof(name));
	name[KVMGOV_NAME_MAX] = '\0';
	ok &= EXPECT(!kvmgov_name_check(name, &err));
	name[KVMGOV_NAME_MAX] = 'n';
	name[KVMGOV_NAME_MAX + 1] = '\0';
	ok &= EXPECT(kvmgov_name_check(name, &err) && strstr(err.text, "too long"));
	report(ok, "names");
}

static void test_small_buffers(void)
{
	uint8_t uuid[KVMGOV_UUID_LEN] = { 0 };
	char buf[KVMGOV_VALUE_LEN];
	bool ok = true;
	size_t size;

	for (size = 1; size < sizeof(buf); size++) {
		memset(buf, '!', sizeof(buf));
		kvmgov_cpu_format(UINT64_MAX - 1, buf, size);
		ok &= EXPECT(strlen(buf) < size && buf[size] == '!');
		kvmgov_period_format(UINT32_MAX, buf, size);
		ok &= EXPECT(strlen(buf) < size && buf[size] == '!');
		kvmgov_uuid_format(uuid, buf, size);
		ok &= EXPECT(strlen(buf) < size && buf[size] == '!');
	}
	report(ok, "short buffers are never overrun");
}

static void test_random_text(void)
{
	static const char alphabet[] = "0123456789012345678901234567890123456789..%%mxasu-+eE n";
	bool ok = true;
	int i, accepted = 0;

	for (i = 0; ok && i < 300000; i++) {
		char text[24], buf[KVMGOV_VALUE_LEN];
		size_t k, len = random_u32() % (sizeof(text) - 1);
		uint32_t period, period_back = 0;
		uint64_t cpu, cpu_back = 0;

		for (k = 0; k < len; k++)
			text[k] = random_u32() % 50
					  ? alphabet[random_u32() % (sizeof(alphabet) - 1)]
					  : (char)(1 + random_u32() % 255);
		text[len] = '\0';
		if (!kvmgov_cpu_parse(text, 100000, &limits, &cpu, NULL)) {
			accepted++;
			kvmgov_cpu_format(cpu, buf, sizeof(buf));
			ok &= !kvmgov_cpu_parse(buf, 100000, &limits, &cpu_back, NULL) &&
			      cpu_back == cpu;
		}
		if (!kvmgov_period_parse(text, &limits, &period, NULL)) {
			accepted++;
			kvmgov_period_format(period, buf, sizeof(buf));
			ok &= !kvmgov_period_parse(buf, &limits, &period_back, NULL) &&
			      period_back == period;
		}
		if (!ok)
			printf("# '%s'\n", text);
	}
	ok &= EXPECT(accepted > 1000);
	report(ok, "what is accepted of random text is written back the same");
}

static void test_time(void)
{
	static const struct {
		const char *text;
		int code;
		uint64_t ns;
	} cases[] = {
		{ "0", 0, 0 },
		{ "0s", 0, 0 },
		{ "1ns", 0, 1 },
		{ "1.5us", 0, 1500 },
		{ "24ms", 0, 24000000 },
		{ "0.000000001s", 0, 1 },
		{ "1.5min", 0, 90000000000 },
		{ "2h", 0, 7200000000000 },
		{ "50d", 0, 4320000000000000 },
		{ "18446744073709551614ns", 0, UINT64_MAX - 1 },
		{ "18446744073709551615ns", ERANGE, 0 },
		{ "1000000d", ERANGE, 0 },
		{ "99999999999999999999s", ERANGE, 0 },
		{ "", EINVAL, 0 },
		{ "5", EINVAL, 0 },
		{ "ms", EINVAL, 0 },
		{ "-1ms", EINVAL, 0 },
		{ " 1ms", EINVAL, 0 },
		{ "1 ms", EINVAL, 0 },
		{ "1msx", EINVAL, 0 },
		{ "0.5ns", EINVAL, 0 },
		{ "1.0001us", EINVAL, 0 },
		{ "1e3ms", EINVAL, 0 },
		{ "1.ms", EINVAL, 0 },
	};
	char buf[KVMGOV_VALUE_LEN];
	struct kvmgov_error err;
	uint64_t ns, again;
	bool ok = true;
	size_t i;
	int ret;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		ret = kvmgov_time_parse(cases[i].text, &ns, &err);
		if (!EXPECT(ret == (cases[i].code ? -1 : 0)))
			printf("# '%s'\n", cases[i].text);
		ok &= ret == (cases[i].code ? -1 : 0);
		if (ret) {
			ok &= EXPECT(err.code == cases[i].code && strstr(err.text, "allowed"));
			continue;
		}
		ok &= EXPECT(ns == cases[i].ns);
		kvmgov_time_format(ns, buf, sizeof(buf));
		ok &= EXPECT(!kvmgov_time_parse(buf, &again, NULL) && again == ns);
	}
	ok &= EXPECT(!strcmp(kvmgov_time_format(0, buf, sizeof(buf)), "0ns"));
	ok &= EXPECT(!strcmp(kvmgov_time_format(5750000, buf, sizeof(buf)), "5.75ms"));
	report(ok, "lengths of time");
}

int main(void)
{
	printf("TAP version 13\n1..13\n");
	test_cpu_good();
	test_cpu_bad();
	test_cpu_message();
	test_quota();
	test_quota_round_trip();
	test_period();
	test_period_format();
	test_uuid();
	test_name();
	test_small_buffers();
	test_random_text();
	test_time();
	return nr_failed || nr_tests != 13;
}
