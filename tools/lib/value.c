// SPDX-License-Identifier: MIT
/*
 * Values as people write them. Pure functions without any system call, so that
 * they can be tested and fuzzed alone.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "internal.h"

#define ONE_CPU 1000000ULL /* microcpus */
#define PERCENT 10000ULL   /* microcpus */

/* A limit above this many CPUs is not worth telling anybody about. */
#define TELL_MAX (1000000 * ONE_CPU)

static const struct kvmgov_limits widest = {
	.quota_min_us = 100,
	.quota_max_us = KVMGOV_QUOTA_NONE - 1,
	.period_min_us = 1000,
	.period_max_us = 1000000,
	.credit_max_us = UINT64_MAX,
};

/*
 * isdigit() and its like depend on the locale, and are undefined for the
 * negative chars that a name in UTF-8 has.
 */
static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/**
 * decimal_parse() - Read digits, perhaps a point and more digits
 * @text: What to read.
 * @decimals: Digits allowed behind the point.
 * @value: The number times ten to the power of @decimals.
 *
 * Return: what follows the number, or NULL when there is none or when it is
 * too precise. A number too large for *@value reads as UINT64_MAX.
 */
static const char *decimal_parse(const char *text, int decimals, uint64_t *value)
{
	bool point = false, overflow = false;

	*value = 0;
	if (!is_digit(*text))
		return NULL;
	for (;; text++) {
		if (*text == '.' && !point && is_digit(text[1])) {
			point = true;
			continue;
		}
		if (!is_digit(*text))
			break;
		if (point && decimals-- == 0)
			return NULL;
		overflow |= __builtin_mul_overflow(*value, 10, value) ||
			    __builtin_add_overflow(*value, *text - '0', value);
	}
	while (decimals-- > 0)
		overflow |= __builtin_mul_overflow(*value, 10, value);
	if (overflow)
		*value = UINT64_MAX;
	return text;
}

/* value / scale, without zeroes at the end. */
static int decimal_format(uint64_t value, uint64_t scale, char *buf, size_t size)
{
	uint64_t fraction = value % scale;
	int digits = 0;
	uint64_t rest;

	if (!fraction)
		return snprintf(buf, size, "%" PRIu64, value / scale);
	for (rest = scale; rest > 1; rest /= 10)
		digits++;
	for (; fraction % 10 == 0; fraction /= 10)
		digits--;
	return snprintf(buf, size, "%" PRIu64 ".%0*" PRIu64, value / scale, digits, fraction);
}

/* a * b / c to the nearest, for c of at most 2^32; UINT64_MAX on overflow. */
static uint64_t scale_u64(uint64_t a, uint64_t b, uint64_t c)
{
	uint64_t whole, part;

	if (__builtin_mul_overflow(a / c, b, &whole) || __builtin_mul_overflow(a % c, b, &part) ||
	    __builtin_add_overflow(part, c / 2, &part) ||
	    __builtin_add_overflow(whole, part / c, &whole))
		return UINT64_MAX;
	return whole;
}

/* --- CPU limits --- */

uint64_t kvmgov_cpu_from_quota(uint64_t quota_us, uint32_t period_us)
{
	if (quota_us == KVMGOV_QUOTA_NONE || !period_us)
		return KVMGOV_CPU_NONE;
	return scale_u64(quota_us, ONE_CPU, period_us);
}

/* Sets @code, saying why @text is refused and what is allowed instead. */
static int cpu_refuse(struct kvmgov_error *err, int code, const char *text, const char *why,
		      uint32_t period_us, const struct kvmgov_limits *limits)
{
	uint64_t min = (limits->quota_min_us * ONE_CPU + period_us - 1) / period_us;
	uint64_t max = kvmgov_cpu_from_quota(limits->quota_max_us, period_us);
	char lo[KVMGOV_VALUE_LEN], lo_cpus[KVMGOV_VALUE_LEN], period[KVMGOV_VALUE_LEN];
	char hi[KVMGOV_VALUE_LEN + 8] = " up", hi_cpus[KVMGOV_VALUE_LEN + 8] = " up";

	kvmgov_cpu_format(min, lo, sizeof(lo));
	decimal_format(min, ONE_CPU, lo_cpus, sizeof(lo_cpus));
	if (max <= TELL_MAX) {
		char num[KVMGOV_VALUE_LEN];

		snprintf(hi, sizeof(hi), " to %s", kvmgov_cpu_format(max, num, sizeof(num)));
		decimal_format(max, ONE_CPU, num, sizeof(num));
		snprintf(hi_cpus, sizeof(hi_cpus), " to %s", num);
	}
	kvmgov_period_format(period_us, period, sizeof(period));
	return kvmgov_error_set_attr(
		err, code, "cpu",
		"'%.64s' %s; allowed at a period of %s: a percentage of one "
		"CPU from %s%s, a number of CPUs from %s%s, or max for no limit",
		text, why, period, lo, hi, lo_cpus, hi_cpus);
}

static int cpu_check(uint64_t microcpus, uint32_t period_us, const struct kvmgov_limits *limits,
		     const char *text, uint64_t *quota_us, struct kvmgov_error *err)
{
	uint64_t quota;

	if (microcpus == KVMGOV_CPU_NONE) {
		*quota_us = KVMGOV_QUOTA_NONE;
		return 0;
	}
	quota = scale_u64(microcpus, period_us, ONE_CPU);
	if (quota < limits->quota_min_us)
		return cpu_refuse(err, ERANGE, text, "is too small a CPU limit", period_us, limits);
	if (quota > limits->quota_max_us)
		return cpu_refuse(err, ERANGE, text, "is too large a CPU limit", period_us, limits);
	*quota_us = quota;
	return 0;
}

int kvmgov_cpu_to_quota(uint64_t microcpus, uint32_t period_us, const struct kvmgov_limits *limits,
			uint64_t *quota_us, struct kvmgov_error *err)
{
	char text[KVMGOV_VALUE_LEN];

	kvmgov_cpu_format(microcpus, text, sizeof(text));
	return cpu_check(microcpus, period_us, limits ? limits : &widest, text, quota_us, err);
}

int kvmgov_cpu_parse(const char *text, uint32_t period_us, const struct kvmgov_limits *limits,
		     uint64_t *microcpus, struct kvmgov_error *err)
{
	uint64_t value, quota;
	const char *end;

	if (!limits)
		limits = &widest;
	if (!period_us)
		period_us = limits->period_max_us;
	if (!strcmp(text, "max")) {
		*microcpus = KVMGOV_CPU_NONE;
		return 0;
	}
	end = decimal_parse(text, 4, &value);
	if (!end || strcmp(end, "%")) {
		end = decimal_parse(text, 6, &value);
		if (!end || *end)
			return cpu_refuse(err, EINVAL, text, "is not a CPU limit", period_us,
					  limits);
	}
	/* The number that means "none" cannot be reached by counting. */
	if (value == KVMGOV_CPU_NONE)
		value--;
	if (cpu_check(value, period_us, limits, text, &quota, err))
		return -1;
	*microcpus = value;
	return 0;
}

const char *kvmgov_cpu_format(uint64_t microcpus, char *buf, size_t size)
{
	int len;

	if (microcpus == KVMGOV_CPU_NONE) {
		snprintf(buf, size, "max");
		return buf;
	}
	len = decimal_format(microcpus, PERCENT, buf, size);
	if (len >= 0 && (size_t)len < size)
		snprintf(buf + len, size - len, "%%");
	return buf;
}

/* --- periods --- */

static const struct {
	const char *unit;
	int decimals;
} period_units[] = {
	{ "us", 0 },
	{ "ms", 3 },
	{ "s", 6 },
};

/* In the largest unit that it has at least one of, of those from @unit on. */
static const char *ns_format(uint64_t ns, size_t unit, char *buf, size_t size)
{
	static const struct {
		const char *unit;
		uint64_t ns;
	} units[] = { { "ns", 1 }, { "us", 1000 }, { "ms", 1000000 }, { "s", 1000000000 } };
	size_t i = ARRAY_SIZE(units) - 1;
	int len;

	while (i > unit && ns < units[i].ns)
		i--;
	len = decimal_format(ns, units[i].ns, buf, size);
	if (len >= 0 && (size_t)len < size)
		snprintf(buf + len, size - len, "%s", units[i].unit);
	return buf;
}

const char *kvmgov_period_format(uint32_t period_us, char *buf, size_t size)
{
	return ns_format(period_us * 1000ULL, 1, buf, size);
}

int kvmgov_period_parse(const char *text, const struct kvmgov_limits *limits, uint32_t *period_us,
			struct kvmgov_error *err)
{
	char lo[KVMGOV_VALUE_LEN], hi[KVMGOV_VALUE_LEN];
	int code = EINVAL;
	uint64_t value;
	size_t i;

	if (!limits)
		limits = &widest;
	for (i = 0; i < ARRAY_SIZE(period_units); i++) {
		const char *end = decimal_parse(text, period_units[i].decimals, &value);

		if (!end || strcmp(end, period_units[i].unit))
			continue;
		if (value >= limits->period_min_us && value <= limits->period_max_us) {
			*period_us = value;
			return 0;
		}
		code = ERANGE;
	}
	kvmgov_period_format(limits->period_min_us, lo, sizeof(lo));
	kvmgov_period_format(limits->period_max_us, hi, sizeof(hi));
	return kvmgov_error_set_attr(err, code, "period",
				     "'%.64s' is not a period%s; allowed: a number with its unit "
				     "(us, ms or s), from %s to %s",
				     text, code == ERANGE ? " that is accepted" : "", lo, hi);
}

/* --- lengths of time --- */

static const struct {
	const char *unit;
	int decimals;
	uint64_t factor; /* from that many decimals to ns */
} time_units[] = {
	{ "ns", 0, 1 },	  { "us", 3, 1 },   { "ms", 6, 1 },    { "s", 9, 1 },
	{ "min", 9, 60 }, { "h", 9, 3600 }, { "d", 9, 86400 },
};

int kvmgov_time_parse(const char *text, uint64_t *ns, struct kvmgov_error *err)
{
	const char *why = "is not a length of time";
	int code = EINVAL;
	uint64_t value;
	size_t i;

	if (!strcmp(text, "0")) {
		*ns = 0;
		return 0;
	}
	for (i = 0; i < ARRAY_SIZE(time_units); i++) {
		const char *end = decimal_parse(text, time_units[i].decimals, &value);

		if (!end || strcmp(end, time_units[i].unit))
			continue;
		if (value != UINT64_MAX &&
		    !__builtin_mul_overflow(value, time_units[i].factor, &value)) {
			*ns = value;
			return 0;
		}
		why = "is too long a time";
		code = ERANGE;
	}
	return kvmgov_error_set_attr(err, code, "time",
				     "'%.64s' %s; allowed: a number with its unit (ns, us, ms, s, "
				     "min, h or d), to the ns, or 0",
				     text, why);
}

const char *kvmgov_time_format(uint64_t ns, char *buf, size_t size)
{
	return ns_format(ns, 0, buf, size);
}

/* --- UUIDs --- */

static int hex_digit(char c)
{
	if (is_digit(c))
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* In its text form, a UUID has a hyphen in front of these bytes. */
static bool uuid_hyphen(int byte)
{
	return byte == 4 || byte == 6 || byte == 8 || byte == 10;
}

int kvmgov_uuid_parse(const char *text, uint8_t uuid[KVMGOV_UUID_LEN], struct kvmgov_error *err)
{
	uint8_t bytes[KVMGOV_UUID_LEN] = { 0 };
	const char *p = text;
	int i, hi, lo;

	for (i = 0; *text && i < KVMGOV_UUID_LEN; i++) {
		if (uuid_hyphen(i) && *p++ != '-')
			goto bad;
		hi = hex_digit(p[0]);
		lo = hi < 0 ? -1 : hex_digit(p[1]);
		if (lo < 0)
			goto bad;
		bytes[i] = hi << 4 | lo;
		p += 2;
	}
	if (*p)
		goto bad;
	memcpy(uuid, bytes, sizeof(bytes));
	return 0;
bad:
	return kvmgov_error_set_attr(err, EINVAL, "uuid",
				     "'%.64s' is not a UUID; allowed: hexadecimal digits as in "
				     "123e4567-e89b-12d3-a456-426614174000, or nothing for none",
				     text);
}

const char *kvmgov_uuid_format(const uint8_t uuid[KVMGOV_UUID_LEN], char *buf, size_t size)
{
	static const char digits[] = "0123456789abcdef";
	char text[2 * KVMGOV_UUID_LEN + 4 + 1];
	char *p = text;
	int i;

	for (i = 0; i < KVMGOV_UUID_LEN; i++) {
		if (uuid_hyphen(i))
			*p++ = '-';
		*p++ = digits[uuid[i] >> 4];
		*p++ = digits[uuid[i] & 15];
	}
	*p = '\0';
	snprintf(buf, size, "%s", text);
	return buf;
}

/* --- names --- */

int kvmgov_name_check(const char *text, struct kvmgov_error *err)
{
	const char *why = NULL;
	const char *p;

	if (strlen(text) > KVMGOV_NAME_MAX)
		why = "is too long for a name";
	else if (*text && !text[strspn(text, "0123456789")])
		why = "is a number, which would be taken for an id";
	for (p = text; *p && !why; p++)
		if (*p == '/' || (unsigned char)*p < ' ' || *p == 0x7f)
			why = "holds a character that a name cannot hold";
	if (!why)
		return 0;
	return kvmgov_error_set_attr(err, EINVAL, "name",
				     "'%.80s' %s; allowed: at most %d bytes, printable, with no "
				     "slash, and not only digits, or nothing for no name",
				     text, why, KVMGOV_NAME_MAX);
}
