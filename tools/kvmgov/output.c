// SPDX-License-Identifier: GPL-2.0-only
/* Text for terminals, and JSON. */
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>
#include <wctype.h>

#include "cli.h"

/* Room for what one character is written as, with its NUL. */
#define PIECE (4 * MB_LEN_MAX + 1)

/*
 * Names of VMs and processes are chosen by whoever runs them: control
 * characters and broken encodings are written as \xNN, so that none of them
 * does anything to the administrator's terminal.
 *
 * What to write for the first character of @text, which has @left bytes, and its
 * width. Return: how many bytes of @text that is
 */
static size_t text_piece(const char *text, size_t left, mbstate_t *state, char *piece, int *width)
{
	size_t i, len;
	wchar_t wc;

	/* Most text is nothing but this. */
	if (*text >= ' ' && *text < 0x7f && *text != '\\' && mbsinit(state)) {
		piece[0] = *text;
		piece[1] = '\0';
		*width = 1;
		return 1;
	}
	len = mbrtowc(&wc, text, left, state);
	if (len == 0 || len > left) { /* invalid or incomplete */
		len = 1;
		wc = 0;
		memset(state, 0, sizeof(*state));
	}
	if (wc && wc != '\\' && iswprint(wc) && wcwidth(wc) >= 0) {
		memcpy(piece, text, len);
		piece[len] = '\0';
		*width = wcwidth(wc);
	} else if (wc == '\\') {
		strcpy(piece, "\\\\");
		*width = 2;
	} else {
		for (i = 0; i < len; i++)
			sprintf(piece + 4 * i, "\\x%02x", (unsigned char)text[i]);
		*width = 4 * len;
	}
	return len;
}

int out_text(FILE *file, const char *text)
{
	mbstate_t state = { 0 };
	size_t len, left = strlen(text);
	int width = 0, w;
	char piece[PIECE];

	for (; left; text += len, left -= len) {
		len = text_piece(text, left, &state, piece, &w);
		if (file)
			fputs(piece, file);
		width += w;
	}
	return width;
}

int out_clip(char *buf, size_t size, const char *text, int columns)
{
	size_t len, used = 0, cut = 0, left = strlen(text);
	int width = 0, cut_width = 0, w;
	mbstate_t state = { 0 };
	char piece[PIECE];

	for (; left; text += len, left -= len) {
		len = text_piece(text, left, &state, piece, &w);
		if (width + w > columns || used + strlen(piece) + 2 > size) {
			/* The mark takes the place of what would leave it none. */
			snprintf(buf + cut, size - cut, columns > 0 ? "+" : "");
			return cut_width + (columns > 0);
		}
		memcpy(buf + used, piece, strlen(piece));
		used += strlen(piece);
		width += w;
		if (width < columns) {
			cut = used;
			cut_width = width;
		}
	}
	buf[used] = '\0';
	return width;
}

int out_width(const char *text)
{
	return out_text(NULL, text);
}

/* --- JSON --- */

static struct json_object *must(struct json_object *object)
{
	if (!object) {
		fputs("kvmgov: out of memory\n", stderr);
		exit(CLI_FAILED);
	}
	return object;
}

struct json_object *js_object(void)
{
	return must(json_object_new_object());
}

struct json_object *js_document(void)
{
	struct json_object *doc = js_object();

	js_add(doc, "schema", js_number(CLI_SCHEMA));
	return doc;
}

struct json_object *js_array(void)
{
	return must(json_object_new_array());
}

struct json_object *js_number(uint64_t number)
{
	return must(json_object_new_uint64(number));
}

struct json_object *js_real(double real)
{
	char text[32];

	snprintf(text, sizeof(text), "%.3f", real);
	return must(json_object_new_double_s(real, text));
}

struct json_object *js_bool(bool value)
{
	return must(json_object_new_boolean(value));
}

size_t utf8_len(const unsigned char *text)
{
	static const struct {
		unsigned char mask, lead;
		unsigned int min;
	} kinds[] = {
		{ 0x80, 0x00, 0 },
		{ 0xe0, 0xc0, 0x80 },
		{ 0xf0, 0xe0, 0x800 },
		{ 0xf8, 0xf0, 0x10000 },
	};
	size_t i, len;

	for (len = 1; len <= ARRAY_SIZE(kinds); len++) {
		unsigned int code = text[0] & (unsigned char)~kinds[len - 1].mask;

		if ((text[0] & kinds[len - 1].mask) != kinds[len - 1].lead)
			continue;
		for (i = 1; i < len; i++) {
			if ((text[i] & 0xc0) != 0x80)
				return 0;
			code = code << 6 | (text[i] & 0x3f);
		}
		if (code < kinds[len - 1].min || code > 0x10ffff ||
		    (code >= 0xd800 && code < 0xe000))
			return 0;
		return len;
	}
	return 0;
}

/* JSON is UTF-8: what is not becomes U+FFFD. */
struct json_object *js_text(const char *text)
{
	static const char replacement[] = "\xef\xbf\xbd";
	struct json_object *object;
	char *buf, *p;

	p = buf = malloc(strlen(text) * 3 + 1);
	if (!buf)
		return must(NULL);
	while (*text) {
		size_t len = utf8_len((const unsigned char *)text);

		if (len) {
			memcpy(p, text, len);
			p += len;
			text += len;
		} else {
			memcpy(p, replacement, 3);
			p += 3;
			text++;
		}
	}
	*p = '\0';
	object = must(json_object_new_string(buf));
	free(buf);
	return object;
}

void js_add(struct json_object *object, const char *key, struct json_object *value)
{
	if (json_object_object_add(object, key, value))
		must(NULL);
}

void js_append(struct json_object *array, struct json_object *value)
{
	if (json_object_array_add(array, value))
		must(NULL);
}

/*
 * DEL and the control characters U+0080 to U+009f may stand in JSON as they are,
 * but not on a terminal. They can only be in strings.
 */
static void put_json(const char *text)
{
	for (; *text; text++) {
		/* Bytes that begin no such character, at one go. */
		size_t len = strcspn(text, "\x7f\xc2");
		unsigned char next;

		fwrite(text, 1, len, stdout);
		text += len;
		if (!*text)
			break;
		next = text[1];
		if (*text == '\x7f') {
			printf("\\u007f");
		} else if (next >= 0x80 && next < 0xa0) {
			printf("\\u%04x", next);
			text++;
		} else {
			putchar(*text);
		}
	}
	putchar('\n');
}

static void print_flags(struct json_object *doc, int flags)
{
	flags |= JSON_C_TO_STRING_NOSLASHESCAPE;
	put_json(json_object_to_json_string_ext(doc, flags));
	json_object_put(doc);
}

void js_print(struct json_object *doc)
{
	print_flags(doc, JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED);
}

void js_print_line(struct json_object *doc)
{
	print_flags(doc, JSON_C_TO_STRING_PLAIN);
	fflush(stdout);
}
