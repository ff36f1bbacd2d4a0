#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# The command line tool against the real module. To be run as root, with the
# module loaded and a VM running:
#
#	VM_PID=<process of the VM> [KVMGOV=<tool>] [KVMGOV_KO=<module file>] live.sh
#
# VM_SHORT is a command that runs a VM for a moment, for what is said of VMs that
# end. With KVMGOV_KO, the module is unloaded at the end and loaded again from that
# file. The VM's name, UUID and limits are lost.

set -u

here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=selftests/cli/lib.sh
. "$here/lib.sh"

if [ ! -e /sys/module/kvmgov ]; then
	echo "1..0 # SKIP the kvmgov module is not loaded"
	exit 0
fi
if [ "$VM_PID" = 0 ]; then
	echo "1..0 # SKIP VM_PID does not name a VM's process"
	exit 0
fi

plan "$((33 + 0${VM_SHORT:+2}))"

# What users can set of the VMs; without Python, for it is asked often.
settings() {
	"$KVMGOV" --json list | grep -E '"(id|name|uuid|state|cpu|period)":'
}

# bad_set STATUS PATTERN WORD...: a command that must fail, say why and change nothing.
bad_set() {
	status=$1
	pattern=$2
	shift 2
	before=$(settings)
	run "$status" set "$@"
	has "$err" "$pattern"
	empty "$out"
	run "$status" --json set "$@"
	grep -q '"errno": [1-9]' "$tmp/out" || complain "$ran: no error in JSON: $out"
	same "$(settings)" "$before"
}

# Make events until the listener, which may not be listening yet, has written $1
# lines to $tmp/events; for a minute at most.
make_events() {
	tries=600
	until [ "$(wc -l <"$tmp/events")" -ge "$1" ]; do
		tries=$((tries - 1))
		if [ "$tries" = 0 ]; then
			complain "waited in vain for $1 events"
			return
		fi
		for cpu in 20% 30%; do
			if ! "$KVMGOV" set "$id" cpu=$cpu; then
				complain "no events can be made"
				return
			fi
		done
		sleep 0.1
	done
}

# The figures of top in JSON, in $tmp/first and $tmp/second, beside those of list
# before and after that.
agree() {
	/usr/bin/python3 - "$tmp" "$VM_PID" <<'PYTHON'
import json, sys

def vm(name):
    with open(f"{sys.argv[1]}/{name}", encoding="utf-8") as file:
        return next(v for v in json.load(file)["vms"] if v["pid"] == int(sys.argv[2]))

def between(low, value, high, what):
    if not low * 0.999 - 0.01 <= value <= high * 1.001 + 0.01:
        sys.exit(f"{what}: {value} is not from {low} to {high}")

before, first, second, after = map(vm, ("before", "first", "second", "after"))
for key in "id", "name", "uuid", "comm", "state", "nr_vcpus", "cpu", "period":
    if not before[key] == first[key] == second[key] == after[key]:
        sys.exit(f"{key} differs")

def used(v):
    return v["usage_percent"] / 100 * v["interval_ns"]

# The first figures are since the beginning, and the second go on from there.
both_ns = first["interval_ns"] + second["interval_ns"]
between(before["age_ns"], first["interval_ns"], after["age_ns"], "age")
between(before["usage_ns"], used(first), after["usage_ns"], "CPU time")
between(first["interval_ns"] + 0.2e9, both_ns, after["age_ns"], "both ages")
between(used(first), used(first) + used(second), after["usage_ns"], "CPU time of both")
between(before["nr_exits"], first["exits_per_s"] * first["interval_ns"] / 1e9, after["nr_exits"],
        "exits")

states = list(first["state_percent"])
for at in first, second:
    between(100, sum(at["state_percent"].values()), 100, "sum of the states")
for state in states:
    part = first["state_percent"][state] / 100 * first["interval_ns"] * first["nr_vcpus"]
    between(before[state + "_ns"] * 0.98, part, after[state + "_ns"] * 1.02 + 1e8, state)
PYTHON
}

run 0 list --json
json "vm['id'] > 0" "vm['nr_vcpus'] >= 1" "vm['comm']" "vm['age_ns'] > 0" \
	"vm['state'] in ('running', 'frozen')" "len({v['id'] for v in doc['vms']}) == len(doc['vms'])"
id=$(value "vm['id']")
ok "list in JSON"

run 0 thaw "$id"
run 0 reset "$id"
run 0 set "$id" name=live-test uuid=123e4567-e89b-12d3-a456-426614174000
empty "$out$err"
run 0 list
has "$out" "ID *NAME *PID *COMM *STATE *VCPUS *CPU *PERIOD *AVG% *HELD"
has "$out" "$id  *live-test *$VM_PID "
bare=$("$KVMGOV" | sed -n 1p)
# The columns are as wide as what is in them.
same "$(echo "$bare" | tr -s " ")" "$(sed -n 1p "$tmp/out" | tr -s " ")"
ok "list in text, and without a command"

for word in "$id" live-test 123e4567-e89b-12d3-a456-426614174000 \
	123E4567-E89B-12D3-A456-426614174000 "id:$id" name:live-test "pid:$VM_PID" \
	uuid:123e4567-e89b-12d3-a456-426614174000; do
	run 0 show "$word"
	has "$out" "VM $id (live-test)"
done
ok "a VM is found by id, name, UUID and pid"

run 0 show "$id"
has "$out" "Name  *live-test"
has "$out" "CPU limit  *max"
has "$out" "VCPU *TID"
run 0 show "$id" --json
json "len(doc['vms']) == 1" "vm['name'] == 'live-test'" "vm['cpu'] == 'max'" \
	"vm['cpu_quota_us'] is None" "len(vm['vcpus']) == vm['nr_vcpus']" \
	"[c['index'] for c in vm['vcpus']] == sorted(c['index'] for c in vm['vcpus'])" \
	"all(c['tid'] > 0 for c in vm['vcpus'])" \
	"sum(c['nr_exits'] for c in vm['vcpus']) >= vm['nr_exits']"
ok "show in text and JSON"

run 0 stat live-test
has "$out" "  cpu% guest  exit   vmm  halt  poll ready  held   mem  paus  exits/s holds/s"
same "$(echo "$out" | wc -l)" 2
run 0 stat "$id" 0.2 3
same "$(echo "$out" | wc -l)" 4
run 0 stat "$id" 0.1 21
same "$(echo "$out" | grep -c guest)" 2
run 0 stat "$id" 0.2 3 --json
same "$(echo "$out" | wc -l)" 3
sed -i 1,2d "$tmp/out"
json "doc['id'] == $id" "0 < doc['interval_ns'] < 100e9" \
	"99 < sum(doc['state_percent'].values()) < 101" "doc['usage_percent'] > 0"
run 1 stat nosuch 1
has "$err" "there is no VM 'nosuch'; there are: *$id (live-test)"
ok "stat: where the time goes, once, in intervals, and in JSON"

run 0 top --batch --iterations 2 --delay 0.2
same "$(echo "$out" | grep -c "^kvmgov top [0-9:]*: [0-9]* VM.*, [0-9]* vCPU.*, CPU [0-9.]*% of [0-9]*%")" 2
same "$(echo "$out" | grep -c "ID  *PID VCPUS  *CPU%  *LIMIT PERIOD  *EXITS/S HOLDS/S GUEST .* PAUS NAME  *COMM$")" 2
same "$(echo "$out" | grep -c "^ *$id  *$VM_PID  *2 .* max  *100ms .* live-test  *tinyvmm$")" 2
same "$(grep -c '^$' "$tmp/out")" 1
grep -q "$(printf '\033')" "$tmp/out" && complain "$ran: an escape sequence"
# All columns but the first eight and the last two are a vCPU's time.
sums=$(awk -v id="$id" '$1 == id { for (i = NF - 10; i <= NF - 2; i++) sum += $i
	print (sum > 99 && sum < 101); sum = 0 }' "$tmp/out")
same "$sums" "1
1"
for column in name limit held; do
	run 0 top -b -n 1 -s "$column" -r
	same "$(grep -c live-test "$tmp/out")" 1
done
ok "top in lines"

run 0 list --json
cp "$tmp/out" "$tmp/before"
run 0 top --json -n 2 -d 0.3
same "$(wc -l <"$tmp/out")" 2
cp "$tmp/out" "$tmp/lines"
sed -n 1p "$tmp/lines" >"$tmp/first"
sed -n 2p "$tmp/lines" >"$tmp/second"
run 0 list --json
cp "$tmp/out" "$tmp/after"
ran="top --json"
agree >"$tmp/agree" 2>&1 || complain "$ran: $(cat "$tmp/agree")"
ok "top says the same as list does"

# ^L has all of the screen written, not only what differs.
paint='send:\x0c'
screen 0 expect:live-test expect:tinyvmm send:h expect:frozen send:x \
	'send:>' $paint "expect:sorted by LIMIT, falling" send:r $paint "expect:LIMIT, rising" \
	send:d $paint "expect:Seconds between" 'send:0\r' $paint expect:allowed: \
	send:d 'send:0.5\r' $paint "expect:every 0.5 s" size:7x80 $paint "expect:Too small: 80x7" \
	size:30x150 $paint expect:GUEST send:q -- "$KVMGOV" top -d 60
for signal in INT TERM HUP; do
	screen 0 expect:live-test "signal:$signal" -- "$KVMGOV" top -s held
done
screen 0 expect:live-test -- env TERM=vt100 "$KVMGOV" top -n 2 -d 0.2
has_not "$out" "$(printf '\033[3')"
ok "top on a screen: keys, sizes, signals"

screen 1 -- env TERM=no-such "$KVMGOV" top
has "$out" "cannot use a terminal of the type 'no-such' (?TERM); for lines in place of a screen: top --batch"
screen 1 -- env -u TERM "$KVMGOV" top
has "$out" "cannot use a terminal"
run 1 top
has "$err" "standard input and output are no terminal; for lines in place of a screen: top --batch"
empty "$out"
ok "top where there is no screen"

run 0 exits "$id"
has "$out" "VM $id (live-test)"
has "$out" "REASON  *EXITS  *EXITS%  *TIME%  *TIME  *AVG  *MAX"
has "$out" "interrupt "
run 0 exits live-test --histogram --vcpus
has "$out" "vCPU 0"
has "$out" "to *|[*]"
run 0 exits "$id" --json
json "doc['id'] == $id" "doc['name'] == 'live-test'" \
	"any('interrupt' in e['reason'] and e['nr'] > 0 for e in doc['exits'])" \
	"not any(e['reason'] == 'unknown' for e in doc['exits'])" \
	"all(e['vcpu'] is None and len(e['histogram']) == 24 for e in doc['exits'])" \
	"[e['total_ns'] for e in doc['exits']] == sorted((e['total_ns'] for e in doc['exits']), reverse=True)" \
	"all(0 <= e['nr'] - sum(b['nr'] for b in e['histogram']) <= 64 for e in doc['exits'])"
run 0 exits "$id" --vcpus --json
json "len({e['vcpu'] for e in doc['exits']}) == 2" "{e['vcpu'] for e in doc['exits']} == {0, 1}"
run 1 exits nosuch
has "$err" "there is no VM 'nosuch'; there are: *$id (live-test)"
ok "exits in text, with histograms, of each vCPU, and in JSON"

run 0 set live-test cpu=25% period=10ms
empty "$out$err"
run 0 show "$id" --json
json "vm['cpu'] == '25%'" "vm['period'] == '10ms'" "vm['cpu_quota_us'] == 2500" \
	"vm['cpu_period_us'] == 10000"
if [ -r "/sys/kernel/kvmgov/vms/$id/cpu/quota_us" ]; then
	same "$(cat "/sys/kernel/kvmgov/vms/$id/cpu/quota_us")" 2500
	same "$(cat "/sys/kernel/kvmgov/vms/$id/cpu/period_us")" 10000
fi
ok "set changes limits"

run 0 set "$id" period=100ms
run 0 show "$id" --json
json "vm['cpu'] == '25%'" "vm['cpu_quota_us'] == 25000" "vm['cpu_period_us'] == 100000"
run 0 set "$id" cpu=1.5
run 0 show "$id" --json
json "vm['cpu'] == '150%'" "vm['cpu_quota_us'] == 150000"
run 0 set "$id" cpu=max
run 0 set "$id" period=10ms
run 0 show "$id" --json
json "vm['cpu'] == 'max'" "vm['cpu_quota_us'] is None" "vm['cpu_period_us'] == 10000"
ok "a period alone keeps the percentage"

run 0 set "$id" cpu=40% period=100ms --verbose
has "$out" "$id (live-test): cpu max -> 40%, period 10ms -> 100ms"
run 0 set "$id" cpu=40% --verbose
has "$out" "$id (live-test): unchanged"
run 0 set "$id" cpu=50% --json
json "doc['changed'][0]['changes'] == {'cpu': {'old': '40%', 'new': '50%'}}" \
	"doc['changed'][0]['vm']['id'] == $id"
ok "set says what it has changed when asked to"

bad_set 1 "'banana' is not a CPU limit; allowed at a period of 100ms: *%*max" "$id" cpu=banana
for value in -1 0 0% nan inf 1e9 50%x "" " 50%" 99999999999999999999 0.01% 1.5.2; do
	bad_set 1 "allowed at a period of 100ms: a percentage of one CPU from 0.1%*max" "$id" "cpu=$value"
done
ok "bad CPU limits are refused, with what is allowed"

for value in banana -1ms 0ms 10 1m 999us 1.1s nans ""; do
	bad_set 1 "allowed: a number with its unit*from 1ms to 1s" "$id" "period=$value"
done
bad_set 1 "too small*from 10%" "$id" cpu=5% period=1ms
run 0 set "$id" cpu=0.1% period=100ms
bad_set 1 "too small*at a period of 1ms" "$id" period=1ms
run 0 set "$id" cpu=50%
ok "bad periods are refused, with what is allowed"

long=$(printf '%064d' 0 | tr 0 n)
for value in 17 a/b "$long"; do
	bad_set 1 "allowed: at most 63 bytes" "$id" "name=$value"
done
bad_set 1 "allowed: hexadecimal" "$id" uuid=x
bad_set 1 "allowed: hexadecimal" "$id" uuid=123e4567-e89b-12d3-a456-42661417400
ok "bad names and UUIDs are refused"

run 1 set "$id" cpu=banana --json
json "doc['error']['errno'] == 22" "doc['error']['attribute'] == 'cpu'" \
	"'banana' in doc['error']['message']" "not doc['changed']"
bad_set 1 "unknown key 'cpus'; allowed: cpu, period, credit, credit.balance, cpu.steal, name, uuid" "$id" cpus=1
bad_set 1 "cpu is given twice" "$id" cpu=10% cpu=20%
bad_set 2 "not of the form KEY=VALUE" "$id" cpu
ok "unknown keys name the known ones"

bad_set 1 "banana" "$id" cpu=10% name=other period=banana
bad_set 1 "17" "$id" cpu=10% period=10ms name=17
ok "of a bad transaction, nothing is done"

for command in show reset freeze thaw; do
	before=$(settings)
	run 1 "$command" nosuch
	has "$err" "there is no VM 'nosuch'; there are: *$id (live-test)"
	run 1 "$command" "$id" nosuch --json
	json "doc['error']['errno'] == 2" "'live-test' in doc['error']['message']"
	same "$(settings)" "$before"
done
bad_set 1 "there is no VM 'nosuch'; there are: *$id (live-test)" nosuch cpu=50%
run 1 show id:999999999
has "$err" "there is no VM"
ok "a VM that does not exist: those that do are named, none is changed"

run 0 set live-test cpu=50% period=10ms credit=2s credit.balance=1.5s --verbose
has "$out" "credit 0 -> 2s, credit.balance 0 -> 1.[45]*s"
run 0 show "$id" --json
json "vm['credit'] == '2s'" "vm['cpu_credit_max_us'] == 2000000" \
	"1 <= float(vm['credit.balance'][:-1]) <= 2" \
	"1000000 <= vm['cpu_credit_us'] <= 2000000"
for value in banana -1s 5 100ns ""; do
	bad_set 1 "allowed" "$id" "credit=$value"
done
bad_set 1 "credit of 2477347200s is too much; allowed: 0 to 2477260800s" "$id" credit=28673d
bad_set 1 "credit.balance of 3s is too much; allowed: 0 to 2s, the VM's credit" "$id" credit.balance=3s
bad_set 1 "credit.balance of 1s is too much; allowed: 0 to 500ms, the VM's credit" "$id" \
	credit=500ms credit.balance=1s
run 0 set "$id" credit=0
run 0 show "$id" --json
json "vm['credit'] == '0'" "vm['cpu_credit_us'] == 0"
ok "credit is kept, set, and refused with what is allowed"

run 0 set live-test cpu.steal=off
run 0 show "$id" --json
json "vm['cpu.steal'] == 'off'"
bad_set 1 "bad value 'banana' of cpu.steal; allowed: on, off" "$id" cpu.steal=banana
run 0 set live-test cpu.steal=on -v
has "$out" "cpu.steal off -> on"
ok "steal time is switched off and on"

run 0 freeze live-test
empty "$out$err"
run 0 show "$id" --json
json "vm['state'] == 'frozen'"
run 0 list
grep -q "live-test .* frozen " "$tmp/out" || complain "list does not say frozen: $out"
run 0 freeze "$id" --json
json "doc['changed'][0]['changes'] == {}" "doc['changed'][0]['vm']['state'] == 'frozen'"
run 0 set "$id" cpu=30%
run 0 show "$id" --json
json "vm['state'] == 'frozen'" "vm['cpu'] == '30%'"
run 0 thaw "$id" --json
json "doc['changed'][0]['changes'] == {'state': {'old': 'frozen', 'new': 'running'}}"
run 0 freeze "$id" -v
has "$out" "state running -> frozen"
run 0 thaw "$id"
empty "$out$err"
ok "freeze and thaw"

run 0 reset "$id" --json
json "doc['changed'][0]['vm']['name'] == 'live-test'" \
	"doc['changed'][0]['changes']['cpu']['old'] == '30%'"
run 0 reset "$id"
empty "$out$err"
run 0 reset "$id" -v
has "$out" "unchanged"
ok "reset"

# A name with all that the kernel lets through.
run 0 set "$id" "name=a b\\c"
run 0 list
has "$out" 'a b\\\\c'
run 0 list --json
json "vm['name'] == 'a b\\\\c'"
run 0 show 'a b\c'
run 0 set "$id" name= uuid=
run 0 list --json
json "vm['name'] is None" "vm['uuid'] is None"
run 0 set "$id" name=live-test
ok "odd names, and none"

: >"$tmp/events"
"$KVMGOV" events --json --count 4 >"$tmp/events" 2>"$tmp/events.err" &
pid=$!
make_events 4
status=0
wait $pid || status=$?
ran="kvmgov events"
same "$status" 0
empty "$(cat "$tmp/events.err")"
same "$(wc -l <"$tmp/events")" 4
# The last one: the first may tell of all that was not known yet.
sed -n '$p' "$tmp/events" >"$tmp/out"
json "doc['event'] == 'vm-change'" "doc['vm']['id'] == $id" "doc['time'][4] == '-'" \
	"doc['changes'] in ({'cpu': {'old': '20%', 'new': '30%'}}, {'cpu': {'old': '30%', 'new': '20%'}})"
ok "events in JSON, ended by a count"

for signal in INT TERM; do
	: >"$tmp/events"
	# Programs in the background of a script ignore SIGINT: undo that.
	env --default-signal=INT "$KVMGOV" events >"$tmp/events" 2>&1 &
	pid=$!
	make_events 1
	kill -$signal $pid
	status=0
	wait $pid || status=$?
	ran="kvmgov events, SIG$signal"
	same "$status" 0
	grep -q " vm-change $id (live-test) pid $VM_PID .*: cpu [23]0% -> [23]0%$" "$tmp/events" ||
		complain "no such line in: $(cat "$tmp/events")"
done
ok "events in text, ended by signals"

run 0 events --timeout 0.2
empty "$err"
ok "events ended by time"

if [ -n "${VM_SHORT:-}" ]; then
	: >"$tmp/events"
	"$KVMGOV" events --json >"$tmp/events" 2>&1 &
	pid=$!
	# The listener may not be listening yet.
	tries=60
	until grep -q '"vm-end"' "$tmp/events" || [ $tries = 0 ]; do
		tries=$((tries - 1))
		$VM_SHORT >/dev/null || complain "$VM_SHORT fails"
	done
	kill $pid
	wait $pid
	ran="kvmgov events, a VM ends"
	grep '"vm-end"' "$tmp/events" | sed -n 1p >"$tmp/out"
	json "doc['event'] == 'vm-end'" "doc['vm']['usage_ns'] > 0" \
		"sum(e['nr'] for e in doc['vm']['exits']) == doc['vm']['nr_exits']" \
		"len(doc['vm']['exits'][0]['histogram']) == 24" "doc['vm']['ended'][:2] == '20'"
	ended=$(sed -n 's/.*"vm": *{ *"id": *\([0-9]*\).*/\1/p' "$tmp/out")
	ok "the end of a VM in JSON"

	run 0 history --ended
	has "$out" "ID  NAME *ENDED"
	grep -Eq "^ *$ended +- +[0-9]+ +tinyvmm +20[0-9-]+T[0-9:.]+" "$tmp/out" ||
		complain "no line of VM $ended: $out"
	run 0 history --ended "$ended"
	has "$out" "VM $ended"
	has "$out" "Ended            20"
	has "$out" "REASON"
	run 0 history --ended "$ended" --json
	json "len(doc['records']) == 1" "doc['records'][0]['id'] == $ended" \
		"sum(e['nr'] for e in doc['records'][0]['exits']) == doc['records'][0]['nr_exits']" \
		"doc['records_max'] >= 1" "doc['lost'] == 0"
	run 1 history --ended nosuch
	# Whom it names depends on how many others have ended.
	has "$err" "there is no VM 'nosuch'; there are: "
	ok "the records of VMs that have ended"
fi

run 0 doctor
has "$out" "ok       module     kvmgov "
has "$out" "ok       kernel     Linux $(uname -r)"
has "$out" "tracepoint kvm_entry: attached"
has "$out" "tracepoint kvm_exit: attached"
has "$out" "periods from 1ms to 1s, quotas from 100us"
has_not "$out" "error  "
run 0 doctor --json
json "doc['healthy'] is True" "all(f['level'] in ('ok', 'warning') for f in doc['findings'])" \
	"all(f['remedy'] for f in doc['findings'] if f['level'] == 'warning')" \
	"{'hook', 'limits', 'clock', 'charge', 'vms', 'permission'} <= {f['check'] for f in doc['findings']}"
ok "doctor in text and JSON"

# nobody may not read, nor change.
as_nobody() {
	setpriv --reuid=65534 --regid=65534 --clear-groups --bounding-set=-all "$@"
}
parameter=/sys/module/kvmgov/parameters/open_reading
if as_nobody "$KVMGOV" --version >/dev/null 2>&1; then
	before=$(settings)
	for words in list "top -b" "show $id" "set $id cpu=10%" "reset $id" "freeze $id" "thaw $id" events; do
		ran="kvmgov $words, as nobody"
		status=0
		# shellcheck disable=SC2086 # words
		as_nobody "$KVMGOV" $words >"$tmp/out" 2>"$tmp/err" || status=$?
		same "$status" 1
		has "$(cat "$tmp/err")" "CAP_SYS_ADMIN in the initial user namespace"
	done
	same "$(settings)" "$before"
	ran="kvmgov doctor, as nobody"
	status=0
	as_nobody "$KVMGOV" doctor >"$tmp/out" 2>"$tmp/err" || status=$?
	same "$status" 1
	has "$(cat "$tmp/out")" "error    permission"
	ok "without privilege"

	if [ -w "$parameter" ]; then
		echo 1 >"$parameter"
		ran="kvmgov list, as nobody, with open reading"
		as_nobody "$KVMGOV" list >"$tmp/out" 2>"$tmp/err" || complain "$ran: $(cat "$tmp/err")"
		has "$(cat "$tmp/out")" live-test
		as_nobody "$KVMGOV" set "$id" cpu=10% 2>"$tmp/err" && complain "set as nobody worked"
		same "$(settings)" "$before"
		echo 0 >"$parameter"
	fi
	ok "without privilege, reading opened"
else
	nr=$((nr + 1))
	echo "ok $nr - without privilege # SKIP nobody cannot run $KVMGOV"
	nr=$((nr + 1))
	echo "ok $nr - without privilege, reading opened # SKIP nobody cannot run $KVMGOV"
fi

# Two words that mean the same VM, and several VMs in one command.
run 0 show "$id" live-test
same "$(grep -c '^VM ' "$tmp/out")" 2
ok "several words"

if [ -n "${KVMGOV_KO:-}" ]; then
	screen 1 expect:live-test "shell:rmmod kvmgov" -- "$KVMGOV" top -d 0.5
	# It may be on its way still.
	has "$out" "kvmgov: the kvmgov module is [nb][oe]*loaded"
	insmod "$KVMGOV_KO" || complain "insmod failed"
	tries=600
	until id=$("$KVMGOV" list | awk -v pid="$VM_PID" '$3 == pid { print $1 }') && [ -n "$id" ]; do
		tries=$((tries - 1))
		[ "$tries" -gt 0 ] || break
		sleep 0.1
	done
	ok "top ends with the module"

	: >"$tmp/events"
	"$KVMGOV" events >"$tmp/events" 2>&1 &
	pid=$!
	make_events 1
	rmmod kvmgov || complain "rmmod failed"
	status=0
	wait $pid || status=$?
	ran="kvmgov events, rmmod"
	same "$status" 0
	has "$(sed -n '$p' "$tmp/events")" " module-unload"
	run 1 list
	has "$err" "is not loaded; load it with: modprobe kvmgov"
	insmod "$KVMGOV_KO" || complain "insmod failed"
	run 0 list
	ok "events ends with the module"
else
	nr=$((nr + 1))
	echo "ok $nr - top ends with the module # SKIP KVMGOV_KO is not set"
	nr=$((nr + 1))
	echo "ok $nr - events ends with the module # SKIP KVMGOV_KO is not set"
fi

finish
