// SPDX-License-Identifier: MIT
/* The error object. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "internal.h"

static void error_fill(struct kvmgov_error *err, int code, const char *attribute,
		       const char *format, va_list args)
{
	int len;

	err->code = code;
	snprintf(err->attribute, sizeof(err->attribute), "%s", attribute);
	len = vsnprintf(err->text, sizeof(err->text), format, args);
	if (len < 0)
		err->text[0] = '\0';
	else if ((size_t)len >= sizeof(err->text)) /* say that something is missing */
		memcpy(err->text + sizeof(err->text) - 4, "...", 4);
}

int kvmgov_error_set(struct kvmgov_error *err, int code, const char *format, ...)
{
	va_list args;

	if (!err)
		return -1;
	va_start(args, format);
	error_fill(err, code, "", format, args);
	va_end(args);
	return -1;
}

int kvmgov_error_set_attr(struct kvmgov_error *err, int code, const char *attribute,
			  const char *format, ...)
{
	va_list args;

	if (!err)
		return -1;
	va_start(args, format);
	error_fill(err, code, attribute ? attribute : "", format, args);
	va_end(args);
	return -1;
}
