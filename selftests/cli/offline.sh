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

commands="list show set reset freeze thaw stat top exits events history simulate doctor"
not_loaded="the kvmgov module is not loaded"

plan 22

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

# The classical examples, to the nanosecond. workload LINE...
workload() {
	printf '%s\n' "$@" >"$tmp/workload"
}

# The times, of each burst in the file's order, of the first policy, in ms.
list() {
	echo "[b['$1_ns'] / 1e6 for b in sorted(doc['policies'][0]['bursts'], key=lambda b: b['vm'])]"
}

# Silberschatz, Galvin and Gagne, Operating System Concepts, on CPU scheduling.
workload 'P1 0 24ms' 'P2 0 3ms' 'P3 0 3ms'
run 0 simulate -v --json --policy fcfs "$tmp/workload"
json "$(list waiting) == [0, 24, 27]" "doc['policies'][0]['waiting_avg_ns'] == 17000000" \
	"doc['policies'][0]['end_ns'] == 30000000" "abs(doc['policies'][0]['throughput'] - 100) < 0.001" \
	"doc['policies'][0]['busy_percent'] == 100" "abs(doc['policies'][0]['fairness'] - 0.478) < 0.001"
run 0 simulate -v --json --policy rr --quantum 4ms "$tmp/workload"
json "$(list waiting) == [6, 4, 7]" "doc['policies'][0]['waiting_sum_ns'] == 17000000" \
	"doc['policies'][0]['waiting_avg_ns'] == 5666667"
workload 'P1 0 6ms' 'P2 0 8ms' 'P3 0 7ms' 'P4 0 3ms'
run 0 simulate -v --json --policy sjf "$tmp/workload"
json "$(list waiting) == [3, 16, 9, 0]" "doc['policies'][0]['waiting_avg_ns'] == 7000000"
workload 'P1 0 8ms' 'P2 1ms 4ms' 'P3 2ms 9ms' 'P4 3ms 5ms'
run 0 simulate -v --json --policy srtf,sjf "$tmp/workload"
json "$(list waiting) == [9, 0, 15, 2]" \
	"[p['waiting_avg_ns'] for p in doc['policies']] == [6500000, 7750000]"
workload 'P1 0 10ms priority=7' 'P2 0 1ms priority=9' 'P3 0 2ms priority=6' \
	'P4 0 1ms priority=5' 'P5 0 5ms priority=8'
run 0 simulate -v --json --policy priority "$tmp/workload"
json "$(list waiting) == [6, 0, 16, 18, 1]" "doc['policies'][0]['waiting_avg_ns'] == 8200000"
# Stallings, Operating Systems, the comparison of scheduling policies.
workload 'A 0 3ms' 'B 2ms 6ms' 'C 4ms 4ms' 'D 6ms 5ms' 'E 8ms 2ms'
while read -r policy quantum end; do
	run 0 simulate -v --json --policy "$policy" --quantum "$quantum" "$tmp/workload"
	json "$(list end) == $end"
done <<EOF
fcfs 1ms [3, 9, 13, 18, 20]
rr 1ms [4, 18, 17, 20, 15]
rr 4ms [3, 17, 11, 20, 19]
sjf 1ms [3, 9, 15, 20, 11]
srtf 1ms [3, 15, 8, 20, 10]
EOF
ok "simulate: the textbooks' examples"

# Mean waiting by Erlang's formula, of 1000000 jobs each: within 2 %.
erlang="(lambda c, a, f: (lambda last: last / (sum(a ** k / f(k) for k in range(c)) + last) / (c - a))(a ** c / f(c) * c / (c - a)))"
for case in "60 1" "240 4" "960 12"; do
	cpus=${case#* }
	run 0 simulate --json --policy fcfs --cpus "$cpus" --poisson "${case% *}" --service 10ms --jobs 1000000
	json "doc['policies'][0]['jobs'] == 1000000" \
		"0.98 < doc['policies'][0]['waiting_avg_ns'] / 1e7 / $erlang($cpus, ${case% *} / 100, __import__('math').factorial) < 1.02"
done
ok "simulate: mean waiting as queueing theory has it"

workload 'web 0 30ms vcpus=2 weight=200' 'db 5ms 40ms priority=60 # a comment' '' \
	'web 40ms 6ms vcpus=2' 'a<&"b 10ms 5ms hint=1ms'
run 0 simulate -g -v -c 2 --svg "$tmp/chart.svg" "$tmp/workload"
has "$out" "POLICY  *JOBS/S  *WAITING"
for policy in fair fcfs rr sjf srtf priority; do
	has "$out" "
$policy *0ns "
done
has "$out" 'web *|###'
empty "$err"
/usr/bin/python3 -c 'import sys, xml.etree.ElementTree as tree
root = tree.parse(sys.argv[1]).getroot()
texts = [e.text for e in root.iter("{http://www.w3.org/2000/svg}text")]
sys.exit(root.tag != "{http://www.w3.org/2000/svg}svg" or texts.count(sys.argv[2]) != 6)' \
	"$tmp/chart.svg" 'a<&"b' || complain "the picture is no SVG with all names"
run 0 simulate --poisson 80 --jobs 1000 --seed 7 --json
first=$out
run 0 simulate --poisson 80 --jobs 1000 --seed 7 --json
same "$out" "$first"
run 0 simulate --poisson 80 --jobs 1000 --seed 8 --json
[ "$out" != "$first" ] || complain "another seed makes no difference"
# Estimated lengths: the first bursts are all alike.
workload 'a 0 9ms' 'b 0 1ms' 'a 100ms 9ms' 'b 100ms 1ms'
run 0 simulate --json --policy sjf --alpha 1 "$tmp/workload"
json "doc['policies'][0]['waiting_sum_ns'] == 10000000"
ok "simulate: charts, chance and estimates"

printf 'P1 0 5\n12 x 3ms y=3\nP4 1ms\nP5 0 0 vcpus=0 foo\n' >"$tmp/workload"
run 1 simulate "$tmp/workload"
for line in "1: length: '5' is not a length of time; allowed: " "2: '12' is a number" \
	"2: arrival: 'x'" "2: unknown key 'y'; there are: vcpus, priority, weight, hint" \
	"3: 'P4' has no length; a line is: NAME" "4: length: '0' is out of range; allowed: 1ns to 50d" \
	"4: vcpus: '0' is not allowed; allowed: 1 to 4096" "4: 'foo' is not of the form KEY=VALUE"; do
	has "$err" "$tmp/workload:$line"
done
has "$err" "8 errors"
run 1 simulate --json "$tmp/workload"
json "[e['line'] for e in doc['errors']] == [1, 2, 2, 2, 3, 4, 4, 4]" "'8 errors' in doc['error']['message']"
empty "$err"
workload '# nothing'
run 1 simulate "$tmp/workload"
has "$err" "there is nothing to do; a line is"
run 1 simulate "$tmp/none"
has "$err" "cannot read $tmp/none: No such file"
workload 'a 0 1ms'
run 1 simulate --svg "$tmp/none/x" "$tmp/workload"
has "$err" "cannot write $tmp/none/x: No such file"
run 1 simulate -g --poisson 1 --jobs 101
has "$err" "101 VMs are too many for a chart; allowed: 100"
ok "simulate: what is wrong with a file, all of it"

run 2 simulate
has "$err" "which workload? a FILE, or --poisson RATE"
run 2 simulate a b
run 2 simulate --poisson 1 a
run 2 simulate --policy fcfs,best a
has "$err" "unknown policy 'best'; there are: fair, fcfs, rr, sjf, srtf, priority"
for words in "--cpus 0" "--cpus 4097" "--cpus x" "--quantum 0" "--quantum 1" "--alpha 1.1" \
	"--alpha nan" "--boost 100" "--poisson 0" "--poisson inf" "--jobs 0" "--jobs 5000001" \
	"--seed -1" "--service 51d" "--max-wait x" "--guess -1s" "--ageing 1" "--boost-sleep x"; do
	# shellcheck disable=SC2086 # words
	run 2 simulate $words a
	has "$err" "${words% *}: '${words#* }' "
	has "$err" "allowed: "
done
run 2 simulate --poisson 0.001 --jobs 5000000 --service 1d
has "$err" "all together is too long"
ok "simulate: bad values of options"

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
		complete_words kvmgov simulate --po
		complete_words kvmgov simulate -p s
		complete_words kvmgov show ""' - "$here" "$KVMGOV" 2>&1)
	same "$words" "$(printf '%s\n' "$commands" freeze "cpu= credit= credit.balance= cpu.steal=" --count \
		--iterations "holds halt held" "--policy --poisson" "sjf srtf" '')"
fi
ok "completion of words in bash"

finish
