# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=sh
#
# For the tests of the command line tool: sourced by them. $KVMGOV is the tool.

: "${KVMGOV:=kvmgov}"
nr=0
failed=0
tmp=$(mktemp -d "${TMPDIR:-/tmp}/kvmgov-cli.XXXXXX")
trap 'rm -rf "$tmp"' EXIT
export LC_ALL=C VM_PID="${VM_PID:-0}"

plan() {
	echo "TAP version 13"
	echo "1..$1"
	planned=$1
}

# ok NAME: the test that has just been made was good, unless it said otherwise.
bad=
ok() {
	nr=$((nr + 1))
	if [ -z "$bad" ]; then
		echo "ok $nr - $1"
	else
		printf '%s' "$bad" | sed 's/^/# /'
		echo "not ok $nr - $1"
		failed=$((failed + 1))
	fi
	bad=
}

complain() {
	bad="$bad$*
"
}

# run STATUS ARGUMENT...: run the tool; what it printed is in $out and $err then.
run() {
	want=$1
	shift
	got=0
	"$KVMGOV" "$@" >"$tmp/out" 2>"$tmp/err" </dev/null || got=$?
	out=$(cat "$tmp/out")
	err=$(cat "$tmp/err")
	ran="kvmgov $*"
	[ "$got" = "$want" ] || complain "$ran: exit status $got, not $want: $out$err"
}

# screen STATUS STEP... -- ARGUMENT...: the same on a terminal; see ./terminal.
# shellcheck disable=SC2154 # $here is set by whoever sources this
screen() {
	want=$1
	shift
	got=0
	ran="terminal $*"
	"$here/terminal" "$@" >"$tmp/out" 2>"$tmp/err" </dev/null || got=$?
	out=$(cat "$tmp/out")
	err=$(cat "$tmp/err")
	[ "$got" = "$want" ] || complain "$ran: exit status $got, not $want: $(cat -v "$tmp/out" "$tmp/err")"
}

# has TEXT PATTERN: a shell pattern that must be found in the text.
has() {
	# shellcheck disable=SC2254 # a pattern is what is wanted
	case $1 in
	*$2*) ;;
	*) complain "$ran: no '$2' in: $1" ;;
	esac
}

has_not() {
	# shellcheck disable=SC2254 # a pattern is what is wanted
	case $1 in
	*$2*) complain "$ran: '$2' in: $1" ;;
	esac
}

same() {
	[ "$1" = "$2" ] || complain "$ran: '$1' is not '$2'"
}

empty() {
	[ -z "$1" ] || complain "$ran: printed: $1"
}

# json EXPRESSION...: each must hold as a Python expression on doc, the document
# printed, and vm, the VM of process $VM_PID in it.
json() {
	PYTHONIOENCODING=utf-8 /usr/bin/python3 - "$tmp/out" "$@" >"$tmp/json" 2>&1 <<'PYTHON' ||
import json, os, sys
try:
    with open(sys.argv[1], encoding="utf-8") as file:
        doc = json.load(file)
    pid = int(os.environ.get("VM_PID", 0))
    vm = next((v for v in doc.get("vms", []) if v["pid"] == pid), None)
    for expression in ["doc['schema'] == 1"] + sys.argv[2:]:
        if not eval(expression):
            print("not true:", expression, "in", doc)
            sys.exit(1)
except Exception as error:
    sys.exit(f"{type(error).__name__}: {error}")
PYTHON
		complain "$ran: $(cat "$tmp/json")"
}

# value EXPRESSION: print the value of a Python expression on the same.
value() {
	/usr/bin/python3 - "$tmp/out" "$1" <<'PYTHON'
import json, os, sys
with open(sys.argv[1], encoding="utf-8") as file:
    doc = json.load(file)
vm = next(v for v in doc["vms"] if v["pid"] == int(os.environ["VM_PID"]))
print(eval(sys.argv[2]))
PYTHON
}

finish() {
	if [ "$nr" != "$planned" ]; then
		echo "# $planned tests planned, $nr made"
		exit 1
	fi
	[ "$failed" = 0 ]
	exit
}
