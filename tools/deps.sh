#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Installs the Debian packages that a part of the work needs and the machine
# lacks. Says nothing and takes no time when all are there.

set -eu

me=${0##*/}

usage() {
	cat <<USAGE
Usage: $me GROUP...

Installs missing Debian packages. Groups:
  build     the module and the tools
  testbed   running commands in the test bed
  style     the checkers
  bench     what kvmgov is measured beside, and the drawing of it
  headers   the running kernel's headers; of a kernel that is not Debian's, the
            newest that Debian has, when no headers are there at all

KVMGOV_NO_DEPS=1: do nothing.
USAGE
}

packages() {
	case $1 in
	build)
		# gcc-12: Debian's kernel headers name the compiler's version.
		# pahole: 6.12's headers hold the kernel's types, so modules get
		# theirs. libssl3 and libelf1: programs in the headers.
		echo bc binutils bison flex gcc gcc-12 kmod libc6-dev libelf-dev \
			libelf1 libjson-c-dev libncurses-dev libnl-3-dev libnl-genl-3-dev \
			libssl3 make pahole perl pkg-config python3 python3-yaml xz-utils
		;;
	testbed)
		# clang and its runtime: the fuzzers. g++: the headers are also tried
		# in C++. gzip, xz-utils, zstd: what kernels are packed with.
		echo busybox-static clang cpio g++ gzip kmod libclang-rt-14-dev procps \
			python3 qemu-system-x86 util-linux xz-utils zstd
		;;
	style)
		echo clang-format codespell cppcheck perl python3 python3-yaml \
			shellcheck sparse
		;;
	bench)
		# The rest is in the groups above.
		echo bpftool bpftrace clang gnuplot-nox libbpf-dev linux-perf
		;;
	headers)
		arch=$(dpkg --print-architecture)
		[ ! -e "/lib/modules/$(uname -r)/build/Makefile" ] || return 0
		# Debian's kernels are named as the packages of their headers are.
		case $(uname -r) in
		*-"$arch")
			echo "linux-headers-$(uname -r)"
			return 0
			;;
		esac
		# A container's kernel is not its own: whatever headers there are
		# will do for a build.
		for makefile in /lib/modules/*/build/Makefile \
			/usr/src/linux-headers-*/Makefile; do
			[ ! -e "$makefile" ] || return 0
		done
		echo "linux-headers-$arch"
		;;
	*)
		echo "$me: unknown group '$1': build, testbed, style, bench or headers" >&2
		return 2
		;;
	esac
}

case ${1:-} in
'')
	usage >&2
	exit 2
	;;
-h | --help)
	usage
	exit 0
	;;
esac

wanted=
for group; do
	wanted="$wanted $(packages "$group")"
done
[ "${KVMGOV_NO_DEPS:-}" != 1 ] || exit 0

if ! command -v dpkg-query >/dev/null; then
	echo "$me: not a Debian system; install by hand:$wanted" >&2
	exit 1
fi

# A package may be known under more than one architecture; one is enough.
missing=
# shellcheck disable=SC2086 # a list
installed=$(dpkg-query -W -f='${db:Status-Status} ${Package}\n' $wanted 2>/dev/null |
	sed -n 's/^installed //p') || :
for package in $wanted; do
	case "
$installed
 $missing " in
	*"
$package
"* | *" $package "*) ;;
	*) missing="$missing $package" ;;
	esac
done
[ -n "$missing" ] || exit 0

install="apt-get install -y --no-install-recommends$missing"
if [ "$(id -u)" -ne 0 ]; then
	cat >&2 <<NOTE
$me: missing:$missing
run as root:
  $install
NOTE
	exit 1
fi

echo "installing:$missing"
log=$(mktemp "${TMPDIR:-/tmp}/kvmgov-deps.XXXXXX")
trap 'rm -f "$log"' EXIT
export DEBIAN_FRONTEND=noninteractive LC_ALL=C
# A source that cannot be reached may be one that we do not need: whether all
# went well is seen by the installation, not by the update.
apt-get update -o Acquire::http::Timeout=20 -o Acquire::https::Timeout=20 \
	>"$log" 2>&1 || :
# Somebody else may be installing: wait rather than fail.
if ! $install -o DPkg::Lock::Timeout=600 -o Acquire::Retries=3 \
	-o Dpkg::Use-Pty=0 >>"$log" 2>&1 </dev/null; then
	cat "$log" >&2
	echo "$me: failed: $install" >&2
	exit 1
fi
