#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# The public headers, each included alone, in C and in C++, without a warning.

set -eu

top=$(cd "$(dirname "$0")/../.." && pwd)
nr=0
failed=0

# compile LANGUAGE COMPILER STANDARD HEADER
compile() {
	nr=$((nr + 1))
	if printf '#include <%s>\n' "$4" | "$2" -x "$1" -std="$3" -I"$top/include" \
		-I"$top/include/uapi" -Wall -Wextra -Wpedantic -Werror -fsyntax-only -; then
		echo "ok $nr - $4 in $1 $3"
	else
		echo "not ok $nr - $4 in $1 $3"
		failed=1
	fi
}

echo "TAP version 13"
echo "1..4"
for header in linux/kvmgov.h kvmgov/kvmgov.h; do
	compile c "${CC:-cc}" c99 "$header"
	compile c++ "${CXX:-c++}" c++11 "$header"
done
exit "$failed"
