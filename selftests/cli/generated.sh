#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# The generated netlink files are current, staleness is noticed, and a spec with
# a mistake in it is refused rather than half understood.

set -u

top=$(cd "$(dirname "$0")/../.." && pwd)
gen=$top/tools/netlink-gen/netlink-gen
spec=$top/Documentation/netlink/specs/kvmgov.yaml
tmp=$(mktemp -d "${TMPDIR:-/tmp}/kvmgov-gen.XXXXXX")
trap 'rm -rf "$tmp"' EXIT
nr=0
failed=0

# result STATUS NAME
result() {
	nr=$((nr + 1))
	if [ "$1" = 0 ]; then
		echo "ok $nr - $2"
	else
		sed 's/^/# /' "$tmp/log"
		echo "not ok $nr - $2"
		failed=1
	fi
}

# refuses NAME MESSAGE SED-SCRIPT: the spec so changed is an error with that message.
refuses() {
	sed "$3" "$spec" >"$tmp/spec.yaml"
	status=0
	if cmp -s "$spec" "$tmp/spec.yaml"; then
		echo "the script changes nothing: $3" >"$tmp/log"
		status=1
	elif "$gen" --check --spec "$tmp/spec.yaml" >"$tmp/log" 2>&1; then
		status=1
	else
		grep -qF -- "$2" "$tmp/log" || status=1
	fi
	result "$status" "refused: $1"
}

echo "TAP version 13"
echo "1..15"

status=0
"$gen" --check >"$tmp/log" 2>&1 || status=$?
result "$status" "the generated files are current"

mkdir -p "$tmp/tree/Documentation/netlink/specs"
cp "$spec" "$tmp/tree/Documentation/netlink/specs/"
status=0
"$gen" --root "$tmp/tree" --write >"$tmp/log" 2>&1 || status=$?
"$gen" --root "$tmp/tree" --check >>"$tmp/log" 2>&1 || status=$?
result "$status" "written files are current"

echo "/* by hand */" >>"$tmp/tree/kmod/netlink_gen.c"
status=1
"$gen" --root "$tmp/tree" --check >"$tmp/log" 2>&1 || status=0
grep -q '^-/\* by hand \*/' "$tmp/log" || status=1
result "$status" "a changed file is noticed and shown"

refuses "an attribute more is a stale file" "stale" \
	's/^    name: vcpu$/&/; s/^        name: tid$/        name: thread/; s/tid,/thread,/'
refuses "an unknown key" "unknown key 'docs'" 's/^protocol:/docs: x\n&/'
refuses "an unknown key of an attribute" "unknown key 'enums'" '0,/enum: hook-kind/s/enum: /enums: /'
refuses "an unknown type" "unknown type 'u33'" '0,/type: u64/s/type: u64/type: u33/'
refuses "an unknown enum" "no enum 'vm-status'" 's/enum: vm-state/enum: vm-status/'
refuses "an unknown attribute in a request" "no attribute 'ident'" \
	's/request: { attributes: \[ id \] }/request: { attributes: [ ident ] }/'
refuses "an unknown check" "unknown key 'max-length'" 's/max-len:/max-length:/'
refuses "an unknown const in a check" "neither a number nor a const" \
	's/max-len: name-max/max-len: name-most/'
refuses "a name given twice" "is given twice" 's/^        name: guest-ns/        name: usage-ns/'
refuses "a key given twice" "is given twice" 's/^protocol: genetlink-c/&\n&/'
refuses "a notification of nothing" "no operation" 's/notify: vm-get/notify: vm-got/'
refuses "a notification to nobody" "no multicast group" 's/mcgrp: config/mcgrp: configs/'
exit "$failed"
