# SPDX-License-Identifier: GPL-2.0-only
# The verbs; make help lists them.

SHELL := /bin/sh
.DEFAULT_GOAL := all
.DELETE_ON_ERROR:

# Everything that is built goes below here, nothing into the source folders.
O ?= build
override O := $(abspath $(O))

DESTDIR ?=
prefix ?= /usr/local

# The kernels that the tests run on: see tools/testbed/kernel --help.
KERNELS ?= 6.1 6.12
DEBUG_KERNELS ?= 6.1-kasan
RACE_KERNELS ?= 6.1-kcsan
RT_KERNELS ?= 6.1-rt 6.12-rt

KERNEL := tools/testbed/kernel
TESTBED := tools/testbed/testbed
SUBMAKE = $(MAKE) --no-print-directory

# --- building ---------------------------------------------------------------

.PHONY: all
all: module tools	## build the module and the tools

.PHONY: module
module: deps-build	## build build/<release>/kvmgov.ko (KDIR= chooses the kernel's headers)
	@$(if $(KDIR),,tools/deps.sh headers)
	@tools/build-module $(O) $(KDIR)

.PHONY: tools
tools: deps-build	## build the library and the command line tool
	@$(SUBMAKE) -C tools O=$(O)

# Kernels with checkers also tell which lines have run.
.PHONY: modules-testbed
modules-testbed: deps-build deps-testbed
	@mkdir -p $(O)
	@for kernel in $(KERNELS); do \
		case $$kernel in *-k?san) gcov="-- GCOV_PROFILE=y" ;; *) gcov= ;; esac && \
		dir=$$($(KERNEL) path $$kernel) && \
		tools/build-module $(O) $$dir/headers $$gcov >$(O)/module.log 2>&1 || \
		{ cat $(O)/module.log; exit 1; }; \
	done

.PHONY: selftests
selftests: tools modules-testbed
	@$(SUBMAKE) -C selftests O=$(O) KSRC=$$($(KERNEL) source 6.1) >$(O)/selftests.log 2>&1 || \
		{ cat $(O)/selftests.log; exit 1; }
	@for kernel in $(KERNELS); do \
		dir=$$($(KERNEL) path $$kernel) && \
		$(SUBMAKE) -C selftests O=$(O) KSRC=$$($(KERNEL) source 6.1) \
			KDIR=$$dir/headers kmod >$(O)/selftests.log 2>&1 || \
		{ cat $(O)/selftests.log; exit 1; }; \
	done

.PHONY: generate
generate: deps-build	## make the files again that come from the netlink spec
	@tools/netlink-gen/netlink-gen --write

.PHONY: install
install: all	## install on this host (DESTDIR=, prefix=)
	@$(SUBMAKE) -C tools O=$(O) DESTDIR=$(DESTDIR) prefix=$(prefix) install
	@tools/install-module $(O) "$(DESTDIR)" $(KDIR)

# --- trying and testing -----------------------------------------------------

.PHONY: demo
demo: selftests	## govern real KVM guests on a stock kernel, in QEMU
	@tools/demo/demo $(O) $(firstword $(KERNELS))

.PHONY: check
check: selftests	## all tests that a change must pass
	@selftests/check --out $(O) --kernel "$(KERNELS)"

.PHONY: check-debug
check-debug:	## the same in a kernel with KASAN, lockdep, kmemleak and the like
	@$(SUBMAKE) selftests KERNELS="$(DEBUG_KERNELS)"
	@selftests/check --out $(O) --kernel "$(DEBUG_KERNELS)" --no-unit

# Each part in turn; all are run, whatever one of them says.
.PHONY: soak
soak:	## for hours: storms, races, real-time kernels, a million messages, KVM's selftests
	@$(SUBMAKE) selftests KERNELS="$(KERNELS) $(RT_KERNELS) $(DEBUG_KERNELS) $(RACE_KERNELS)"
	@status=0; \
	$(SUBMAKE) check-peer || status=1; \
	$(O)/selftests/unit/fuzz --runs 1000000 || status=1; \
	for part in "$(KERNELS) $(DEBUG_KERNELS):--lane soak-up,soak-turns --preempt full" \
		"$(RT_KERNELS):" "$(RACE_KERNELS):"; do \
		selftests/check --out $(O) --no-unit --kernel "$${part%%:*}" $${part#*:} || \
			status=1; \
	done; \
	exit $$status

.PHONY: coverage
coverage:	## which lines the tests run
	@$(SUBMAKE) selftests KERNELS=$(firstword $(DEBUG_KERNELS))
	@$(SUBMAKE) selftests O=$(O)/coverage KERNELS=6.1 \
		CFLAGS="-O1 -g --coverage" LDFLAGS=--coverage
	@selftests/coverage $(O) $(firstword $(DEBUG_KERNELS))

.PHONY: check-peer
check-peer: tools modules-testbed	## KVM's own selftests: they end alike with the module and without
	@selftests/peer/check --out $(O) --series "$(KERNELS)"

# WRITE=1 puts the report where it is committed.
.PHONY: bench
bench: deps-bench selftests	## what kvmgov costs beside others, in one report (WRITE=1: for Documentation/)
	@$(SUBMAKE) -C selftests O=$(O) KSRC=$$($(KERNEL) source 6.1) bench >$(O)/selftests.log 2>&1 || \
		{ cat $(O)/selftests.log; exit 1; }
	@selftests/bench/run --out $(O) --kernel "$(KERNELS)" \
		$(if $(JOBS),--jobs $(JOBS)) $(if $(WRITE),--write)

.PHONY: shell
shell: tools modules-testbed	## a shell in the test bed, the module loaded (KERNELS=)
	@dir=$$($(KERNEL) path $(firstword $(KERNELS))) && \
	PATH="$(O)/bin:$$PATH" $(TESTBED) --series $(firstword $(KERNELS)) --interactive \
		--module $(O)/$$(cat $$dir/release)/kvmgov.ko

.PHONY: style
style: deps-build deps-testbed deps-style	## checkpatch, sparse, clang-format, cppcheck, shellcheck
	@tools/style $(O)

# --- the rest ---------------------------------------------------------------

# What a verb needs is installed when it is missing; KVMGOV_NO_DEPS=1 forbids it.
.PHONY: deps-%
deps-%:
	@tools/deps.sh $*

.PHONY: clean
clean:	## remove everything that was built (not what was downloaded)
	rm -rf $(O)

.PHONY: help
help:	## list these verbs
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 20
