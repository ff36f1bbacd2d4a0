#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Runs live.sh inside the test bed: loads the module, starts a VM, and unloads
# the module at the end.
#
# usage: in_testbed.sh OUTDIR

set -u

here=$(cd "$(dirname "$0")" && pwd)
out=$1
[ -e /sys/module/kvmgov ] || insmod "$KVMGOV_MODULE" || exit 2

"$out/selftests/tinyvmm" --vcpus 2 --mode spin --seconds $((3000 * ${KVMGOV_SLOW:-1})) >/dev/null 2>&1 &
VM_PID=$!
export VM_PID
trap 'kill $VM_PID 2>/dev/null' EXIT

tries=100
until grep -qsx "$VM_PID" /sys/kernel/kvmgov/vms/*/pid; do
	tries=$((tries - 1))
	[ $tries -gt 0 ] || exit 2
	sleep 0.1
done
VM_SHORT="$out/selftests/tinyvmm --mode cpuid --seconds 1"
export VM_SHORT
KVMGOV=$out/bin/kvmgov KVMGOV_KO=$KVMGOV_MODULE "$here/live.sh"
status=$?
kill "$VM_PID"
wait 2>/dev/null
rmmod kvmgov
exit $status
