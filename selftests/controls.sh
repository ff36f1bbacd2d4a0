#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Positive controls: plants one defect for each of this kernel's checkers, and
# looks whether it is found and whether the test bed would fail a run for it.
# Prints KTAP.

set -u

# defect, what the kernel says of it, the option that makes it. The order matters:
# most reports switch lockdep off.
controls() {
	cat <<LIST
no-rcu		suspicious RCU usage			CONFIG_PROVE_RCU
lock-order	possible circular locking		CONFIG_PROVE_LOCKING
sleep-in-atomic	sleeping function called from invalid	CONFIG_DEBUG_ATOMIC_SLEEP
no-preempt	using smp_processor_id() in preemptible	CONFIG_DEBUG_PREEMPT
free-timer	ODEBUG: free active			CONFIG_DEBUG_OBJECTS_TIMERS
bad-list	list_add corruption			CONFIG_DEBUG_LIST
bad-shift	UBSAN: shift-out-of-bounds		CONFIG_UBSAN_SHIFT
use-after-free	BUG: KASAN: use-after-free		CONFIG_KASAN
leak		unreferenced object			CONFIG_DEBUG_KMEMLEAK
race		BUG: KCSAN: data-race			CONFIG_KCSAN
LIST
}

configured() {
	zcat /proc/config.gz | grep -qx "$1=y"
}

# kmemleak tells when asked, of what is older than five seconds.
ask_kmemleak() {
	kmemleak=/sys/kernel/debug/kmemleak
	if [ "$1" = leak ]; then
		sleep 6
		echo scan >$kmemleak
		echo scan >$kmemleak
		cat $kmemleak
		# As its own line in the log says when it scans by itself.
		grep -c 'unreferenced object' $kmemleak |
			sed 's/.*/kmemleak: & new suspected memory leaks/' >/dev/kmsg
		echo clear >$kmemleak
	fi
}

grep -v '^\(#\|$\)' "$KVMGOV_TOP/tools/testbed/splats" >/tmp/splats
controls | while read -r defect rest; do
	! configured "${rest##*	}" || printf '%s\t%s\n' "$defect" "$rest"
done >/tmp/controls
echo "TAP version 13"
echo "1..$(($(wc -l </tmp/controls) * 2))"
nr=0
failed=0
point() {
	nr=$((nr + 1))
	if [ "$1" = 0 ]; then
		echo "ok $nr - $2"
	else
		echo "not ok $nr - $2"
		failed=1
	fi
}

while read -r defect rest; do
	text=$(echo "$rest" | sed 's/[[:space:]]*CONFIG_[A-Z0-9_]*$//')
	dmesg --clear
	insmod "$KVMGOV_KMOD/kvmgov_defects.ko" defect="$defect" 2>/tmp/insmod
	ask_kmemleak "$defect" >/tmp/said
	dmesg >>/tmp/said
	dmesg >/tmp/log
	grep -qF "$text" /tmp/said
	point $? "the kernel finds $defect"
	grep -qEf /tmp/splats /tmp/log
	point $? "the test bed fails a run for $defect"
done </tmp/controls
[ $nr -gt 0 ] || failed=1
exit $failed
