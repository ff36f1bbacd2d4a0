#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# What the command line tool does where the module is not loaded: help, bad
# command lines, and saying so. $KVMGOV is the tool.

set -u

here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=selftests/cli/lib.sh
. "$here/lib.sh"

if [ -e /sys/module/kvmgov ]; then
	echo "1..0 # SKIP the kvmgov module is loaded"
	exit 0
fi

commands="list show set reset freeze thaw stat top exits events history doctor"
not_loaded="the kvmgov module is not loaded"

plan 17

run 0 --help
for command in $commands; do
	has "$out" "  $command "
done
has "$out" "Exit status"
empty "$err"
ok "the help names every command"

for command in $commands; do
	run 0 "$command" --help
	has "$out" "Usage: kvmgov $command "
	has "$out" "--json"
	empty "$err"
	run 0 "$command" -h
	has "$out" "Usage: kvmgov $command "
done
ok "every command has its help"

run 0 set --help
for key in cpu period name uuid; do
	has "$out" "  $key "
done
ok "the help of set names the keys"

run 0 --version
has "$out" "kvmgov [0-9]*.[0-9]*.[0-9]*"
run 0 -V
has "$out" "kvmgov [0-9]"
run 0 --json --version
json "doc['version'].count('.') == 2"
ok "the version"

run 2 frobnicate
empty "$out"
for command in $commands; do
	has "$err" "$command"
done
run 2 frobnicate --json
json "doc['error']['errno'] == 22" "'doctor' in doc['error']['message']"
empty "$err"
ok "a wrong command names the right ones"

for command in $commands; do
	run 2 "$command" --bogus
	has "$err" "unknown option '--bogus'"
	has "$err" "kvmgov $command --help"
	run 2 "$command" -Z
	has "$err" "unknown option '-Z'"
	run 2 "$command" --json --bogus
	json "'--bogus' in doc['error']['message']"
	empty "$err"
	run 2 "$command" --bogus --json
	json "'--bogus' in doc['error']['message']"
done
run 2 --bogus
has "$err" "unknown option '--bogus' (see: kvmgov --help)"
run 2 list --json=yes
has "$err" "takes no value"
run 2 events --count
has "$err" "needs a value"
ok "bad options, in text and in JSON"

for command in show set reset freeze thaw stat exits; do
	run 2 "$command"
	has "$err" "which VM?"
done
run 2 set web
has "$err" "KEY=VALUE"
run 2 set web cpu
has "$err" "'cpu' is not of the form KEY=VALUE"
run 2 list web
has "$err" "kvmgov show web"
run 2 stat web 1 2 3
has "$err" "stat takes no '3'"
run 2 top web
has "$err" "top takes no 'web'; to see one VM: kvmgov stat web"
run 2 exits web db
has "$err" "one VM at a time"
run 2 doctor web
run 2 events web
run 2 history
has "$err" "which history? that of VMs that have ended: --ended"
run 2 history --ended web db
has "$err" "one VM at a time"
ok "missing and needless words"

for count in 0 -1 banana 1x 99999999999999999999 ''; do
	run 2 events --count "$count"
	has "$err" "allowed: 1 or more"
	run 2 stat -- web 1 "$count"
	has "$err" "allowed: 1 or more"
	run 2 top --iterations "$count"
	has "$err" "allowed: 1 or more"
done
for time in 0 -1 banana nan inf 1x ''; do
	run 2 events --timeout "$time"
	has "$err" "allowed: seconds"
	run 2 stat -- web "$time"
	has "$err" "allowed: seconds"
	run 2 top --delay "$time"
	has "$err" "allowed: seconds above 0, up to"
done
for column in banana cpus -cpu ''; do
	run 2 top --sort "$column"
	has "$err" "there is no column '$column'; there are: id, name, pid, comm, vcpus, cpu, limit, "
	has "$err" "guest, exit, vmm, halt, poll, ready, held, mem, paus "
done
ok "bad values of options"

run 1
has "$err" "$not_loaded; load it with: modprobe kvmgov"
empty "$out"
ok "without a command and without the module"

for words in list "show web" "set web cpu=50%" "reset web" "freeze web" "thaw web" "stat web 1" top "top -b" "exits web" events "history --ended"; do
	# shellcheck disable=SC2086 # words
	run 1 $words
	has "$err" "$not_loaded; load it with: modprobe kvmgov"
	empty "$out"
done
ok "every command says that the module is not loaded"

for words in "" list "show web" "set web cpu=50%" "reset web" "freeze web" "thaw web" "stat web 1" top "top -b" "exits web" events "history --ended"; do
	# shellcheck disable=SC2086 # words
	run 1 --json $words
	json "doc['error']['errno'] == 6" "'$not_loaded' in doc['error']['message']" \
		"'modprobe kvmgov' in doc['error']['message']"
	empty "$err"
	# shellcheck disable=SC2086 # words
	[ -z "$words" ] || run 1 $words --json
	json "doc['error']['errno'] == 6"
done
ok "and so it does in JSON"

run 1 events --json
same "$(wc -l <"$tmp/out")" 1
ok "events writes JSON in lines, errors included"

run 1 doctor
has "$out" "error    module     $not_loaded"
has "$out" "modprobe kvmgov"
has "$out" "kernel     Linux $(uname -r)"
ok "doctor works without the module"

run 1 doctor --json
json "doc['healthy'] is False" \
	"[f['level'] for f in doc['findings'] if f['check'] == 'module'] == ['error']" \
	"all(f['remedy'] for f in doc['findings'] if f['level'] != 'ok')" \
	"{'kernel', 'kvm', 'signature', 'module'} <= {f['check'] for f in doc['findings']}"
empty "$err"
ok "and so it does in JSON"

run 2 "$(printf 'a\033[31m\nb')"
has "$err" 'a\\x1b\[31m\\x0ab'
has_not "$err" "$(printf '\033')"
run 2 --json "$(printf 'a\033\377b')"
json "'a\\x1b\\ufffdb' in doc['error']['message']"
ok "nothing reaches the terminal unescaped"

if [ -w /dev/full ]; then
	status=0
	"$KVMGOV" --help >/dev/full 2>"$tmp/err" || status=$?
	ran="kvmgov --help >/dev/full"
	same "$status" 1
	status=0
	"$KVMGOV" --version >/dev/full 2>"$tmp/err" || status=$?
	same "$status" 1
	has "$(cat "$tmp/err")" "cannot write"
fi
ok "output that cannot be written is a failure"

# The completion asks the tool; without the module it offers what needs none.
ran="completion"
if command -v bash >/dev/null; then
	words=$(bash -c '
		. "$1/../../tools/kvmgov/completion/kvmgov.bash"
		kvmgov() { "$KVMGOV" "$@"; }
		export KVMGOV=$2
		complete_words() {
			COMP_WORDS=("$@")
			COMP_CWORD=$(($# - 1))
			COMPREPLY=()
			_kvmgov
			echo "${COMPREPLY[@]}"
		}
		complete_words kvmgov ""
		complete_words kvmgov fr
		complete_words kvmgov set web c
		complete_words kvmgov events --c
		complete_words kvmgov top --it
		complete_words kvmgov top --sort h
		complete_words kvmgov show ""' - "$here" "$KVMGOV" 2>&1)
	same "$words" "$(printf '%s\n' "$commands" freeze "cpu= cpu.steal=" --count \
		--iterations "holds halt held" '')"
fi
ok "completion of words in bash"

finish
