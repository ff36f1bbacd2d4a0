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

# The kernel series that the tests run on.
SERIES ?= 6.1 6.12

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

.PHONY: modules-testbed
modules-testbed: deps-build deps-testbed
	@mkdir -p $(O)
	@for series in $(SERIES); do \
		dir=$$($(KERNEL) path $$series) && \
		tools/build-module $(O) $$dir/headers >$(O)/module.log 2>&1 || \
		{ cat $(O)/module.log; exit 1; }; \
	done

.PHONY: selftests
selftests: tools modules-testbed
	@$(SUBMAKE) -C selftests O=$(O) KSRC=$$($(KERNEL) source 6.1) >$(O)/selftests.log 2>&1 || \
		{ cat $(O)/selftests.log; exit 1; }
	@for series in $(SERIES); do \
		dir=$$($(KERNEL) path $$series) && \
		$(SUBMAKE) -C selftests O=$(O) KSRC=$$($(KERNEL) source 6.1) \
			KDIR=$$dir/headers probe0 >$(O)/selftests.log 2>&1 || \
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
	@tools/demo/demo $(O) $(firstword $(SERIES))

.PHONY: check
check: selftests	## all tests that a change must pass
	@selftests/check --out $(O) --series "$(SERIES)"

.PHONY: bench
bench: selftests	## what kvmgov costs, and how exact it is beside cpu.max
	@selftests/check --out $(O) --series "$(SERIES)" --preempt voluntary --no-unit \
		--lane icount0,icount3 --test hookcost,cap,stall --verbose

.PHONY: shell
shell: tools modules-testbed	## a shell in the test bed, the module loaded (SERIES=)
	@dir=$$($(KERNEL) path $(firstword $(SERIES))) && \
	PATH="$(O)/bin:$$PATH" $(TESTBED) --series $(firstword $(SERIES)) --interactive \
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
