// SPDX-License-Identifier: GPL-2.0-only
#include "hostile.h"

#include <stdio.h>
#include <string.h>

#include "test.h"

/* splitmix64 */
uint64_t random_u64(struct random *r)
{
	uint64_t z = r->state += 0x9e3779b97f4a7c15ULL;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ z >> 27) * 0x94d049bb133111ebULL;
	return z ^ z >> 31;
}

uint32_t random_below(struct random *r, uint32_t limit)
{
	return (random_u64(r) >> 32) * limit >> 32;
}

bool random_one_in(struct random *r, uint32_t nr)
{
	return !random_below(r, nr);
}

void random_bytes(struct random *r, void *buf, size_t len)
{
	uint8_t *p = buf;

	while (len--)
		*p++ = random_u64(r);
}

uint64_t hostile_number(struct random *r)
{
	static const uint64_t edges[] = {
		0, 1, 2, 99, 100, 999, 1000, 1000000, INT32_MAX, UINT32_MAX, INT64_MAX, UINT64_MAX,
	};

	switch (random_below(r, 4)) {
	case 0:
		return random_u64(r);
	case 1:
		return random_u64(r) >> random_below(r, 64);
	default:
		return edges[random_below(r, ARRAY_SIZE(edges))] + random_below(r, 3) - 1;
	}
}

/* clang-format off */
#define BYTES(text) { text, sizeof(text) - 1 }

static const struct {
	const char *text;
	size_t len;
} strings[] = {
	BYTES(""), BYTES(" "), BYTES("\n"), BYTES("\n\n"), BYTES("\t"), BYTES("/"),
	BYTES("."), BYTES(".."), BYTES("../../etc/passwd"), BYTES("a/b"), BYTES("-"),
	BYTES("--help"), BYTES("0"), BYTES("-1"), BYTES("+1"), BYTES("007"), BYTES("0x1000"),
	BYTES("1e9"), BYTES("1000.5"), BYTES("18446744073709551615"),
	BYTES("18446744073709551616"), BYTES("-9223372036854775809"),
	BYTES("99999999999999999999999999999999999999999"),
	BYTES("max"), BYTES("MAX"), BYTES("max\n\n"), BYTES("none"), BYTES("nan"), BYTES("inf"),
	BYTES("%n%n%n%n"), BYTES("%s%s%s%s"), BYTES("%99999999d"), BYTES("$(reboot)"),
	BYTES("`reboot`"), BYTES("a;b"), BYTES("a b"), BYTES("'"), BYTES("\""), BYTES("\\"),
	BYTES("\033[2J\033]0;x\007"), BYTES("\r"), BYTES("\b\b\b"), BYTES("\177"),
	BYTES("\0"), BYTES("a\0b"), BYTES("\0a"), BYTES("1000\0"), BYTES("1000\0x"),
	BYTES("1000 "), BYTES(" 1000"), BYTES("1000\n"), BYTES("1000\n\n"), BYTES("1000\nx"),
	BYTES("1000,1000"), BYTES("1,000"), BYTES("frozen"), BYTES("frozen\nrunning"),
	BYTES("running\0frozen"), BYTES("Running"),
	BYTES("\xff\xfe\xfd"), BYTES("\xc0\xaf"), BYTES("\xe2\x82"), BYTES("\xed\xa0\x80"),
	BYTES("\xf4\x90\x80\x80"), BYTES("\xc2\x9b" "31m"), BYTES("\xe2\x80\xae" "evil"),
	BYTES("\xef\xbb\xbf" "1000"), BYTES("\xd9\xa1\xd9\xa2"),
	BYTES("6ba7b810-9dad-11d1-80b4-00c04fd430c8"),
	BYTES("6ba7b810-9dad-11d1-80b4-00c04fd430c8\n\n"),
	BYTES("6ba7b810-9dad-11d1-80b4-00c04fd430c"), BYTES("6ba7b8109dad11d180b400c04fd430c8"),
	BYTES("6ba7b810-9dad-11d1-80b4-00c04fd430\0c8"),
	BYTES("00000000-0000-0000-0000-000000000000"),
};
/* clang-format on */

size_t hostile_listed(size_t i, char *buf, size_t room)
{
	size_t len;

	if (i >= ARRAY_SIZE(strings))
		return SIZE_MAX;
	len = strings[i].len < room ? strings[i].len : room;
	if (len)
		memcpy(buf, strings[i].text, len);
	return len;
}

size_t hostile_string(struct random *r, char *buf, size_t room)
{
	static const char alphabet[] = "0123456789abcdefxmx-+._%/ \n\t\0\377\200\033";
	static const unsigned int lengths[] = { 0, 1, 15, 16, 17, 62, 63, 64, 65, 255, 256, 1000 };
	size_t i, len;

	switch (random_below(r, 4)) {
	case 0:
		len = snprintf(buf, room, random_one_in(r, 2) ? "%llu" : "%lld",
			       (unsigned long long)hostile_number(r));
		break;
	case 1:
		len = lengths[random_below(r, ARRAY_SIZE(lengths))];
		len = len < room ? len : room;
		memset(buf, alphabet[random_below(r, sizeof(alphabet))], len);
		break;
	case 2:
		len = random_below(r, 20);
		len = len < room ? len : room;
		for (i = 0; i < len; i++)
			buf[i] = alphabet[random_below(r, sizeof(alphabet))];
		break;
	default:
		len = hostile_listed(random_below(r, ARRAY_SIZE(strings)), buf, room);
	}
	return len;
}
