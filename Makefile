# poolscope: reads Windows kernel dumps on Linux. See README.md.
#
#   make                 build ./poolscope (never calls apt)
#   make demo            install what is missing, build, make the demo dumps, print their reports
#   make check           install what is missing, build with gcc and clang, run all tests
#   make check-SUITE     one suite (build lint unit cli truth readers pack bare convert batch diff rvas
#                        symbols totals sessions real pe owners drivers verdict mutate)
#                        UPDATE=1 make check-cli rewrites what the command tests expect
#   make check-mutate-long   as check-mutate, with 13 times the damaged dumps; up to an hour
#   make check-batch-long    a batch killed a hundred times
#   make check-qemu      containers that QEMU writes; installs it
#   make check-slurm    arrays of many cases on a Slurm that the test starts; installs it
#   make check-html      the HTML page, in headless Chromium; installs it
#   make test-drivers    drivers with known tags, for tests
#   make lint            the house's rules
#   make bench           speed and memory against a memcpy of the same bytes
#   make fuzz            libFuzzer, FUZZ_SECONDS=600 a harness
#   make install         PREFIX, DESTDIR as usual; make uninstall takes the same files away
#   V=1 shows commands; CC=clang-14 works as well, and puts its program in the place of ./poolscope.
#   Each of these has its own build directory, and with a sanitizer its program stays there:
#   SANITIZE=1 AddressSanitizer and UBSan, WERROR=1 warnings are errors, FUZZER=1 for libFuzzer.

PREFIX ?= /usr/local
DESTDIR ?=
BINDIR ?= $(PREFIX)/bin
MANDIR ?= $(PREFIX)/share/man
BASHCOMPDIR ?= $(PREFIX)/share/bash-completion/completions
DOCDIR ?= $(PREFIX)/share/doc/poolscope

VERSION := 0.1.0

# Every Debian package this project needs, once; README has the reason for each.
PACKAGES_PROGRAM := gcc libc6-dev make pkg-config libjansson-dev libsmartcols-dev \
	libkdumpfile-dev libcapstone-dev liblzma-dev zlib1g-dev libsnappy-dev \
	libarchive-dev libsqlite3-dev libxxhash-dev
PACKAGES_QEMU := qemu-system-x86 qemu-system-arm makedumpfile
PACKAGES_HTML := chromium chromium-driver poppler-utils
PACKAGES_SLURM := slurm-wlm munge parallel
PACKAGES_CHECK := libcmocka-dev libwim-dev clang-14 lld-14 llvm-14 libclang-rt-14-dev clang-format-14 \
	python3 python3-jsonschema zstd mandoc 7zip gcab lz4

LIBS_PROGRAM := jansson smartcols libkdumpfile capstone liblzma zlib snappy libarchive \
	sqlite3 libxxhash

CC ?= gcc
ifeq ($(origin CC),default)
CC := gcc
endif
CFLAGS ?= -O2 -g
WARNINGS := -Wall -Wextra -Wconversion -Wshadow -Wstrict-prototypes -Wmissing-prototypes
override CPPFLAGS += -I. -D_GNU_SOURCE -DPOOLSCOPE_VERSION='"$(VERSION)"'
override CFLAGS += -std=gnu11 $(WARNINGS)

BUILD := build/$(notdir $(CC))
ifeq ($(WERROR),1)
WARNINGS += -Werror
BUILD := $(BUILD)-werror
endif
ifeq ($(SANITIZE),1)
override CFLAGS += -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer
override LDFLAGS += -fsanitize=address,undefined
BUILD := $(BUILD)-sanitize
endif
ifeq ($(FUZZER),1)
override CFLAGS += -fsanitize=fuzzer-no-link,address,undefined -fno-omit-frame-pointer
override LDFLAGS += -fsanitize=address,undefined
BUILD := $(BUILD)-fuzzer
endif

# The rooms, lowest first. Sorted lists keep the build reproducible.
LIB_DIRS := base formats formats/pack analyzer/memory analyzer/kernel analyzer/pool analyzer/owners \
	analyzer/texts analyzer/report plugins analyzer/desk
LIB_SOURCES := $(sort $(foreach dir,$(LIB_DIRS),$(wildcard $(dir)/*.c)))
CLI_SOURCES := $(sort $(wildcard analyzer/cli/*.c))
MKDUMP_SOURCES := $(sort $(wildcard corpus/*.c))
UNIT_SOURCES := $(sort $(wildcard tests/unit/test_*.c))
UNIT_SHARED := $(sort $(filter-out $(UNIT_SOURCES),$(wildcard tests/unit/*.c)))
# Programs that tests and benchmarks run: one file each beside the library.
TOOL_SOURCES := tests/globals.c tests/pe_dump.c tests/pdb_dump.c tests/fuzz/mutate.c tests/bench/bench.c \
	tests/bench/copy.c tests/bench/case.c tests/owners/immediates.c tests/owners/decoding.c
FUZZER_SOURCES := $(sort $(wildcard tests/fuzz/fuzz_*.c))
MUTATE_SHARED := tests/fuzz/aim.c tests/fuzz/judge.c

object = $(patsubst %.c,$(BUILD)/%.o,$(1))
LIB_OBJECTS := $(call object,$(LIB_SOURCES))
CLI_OBJECTS := $(call object,$(CLI_SOURCES))
MKDUMP_OBJECTS := $(call object,$(MKDUMP_SOURCES))
UNIT_PROGRAMS := $(patsubst tests/unit/%.c,$(BUILD)/unit/%,$(UNIT_SOURCES))
TOOLS := $(patsubst %.c,$(BUILD)/%,$(TOOL_SOURCES))
FUZZERS := $(patsubst %.c,$(BUILD)/%,$(FUZZER_SOURCES))

# Asked of pkg-config only when something is compiled, so that `make demo` can install it first.
program_cflags = $(shell pkg-config --cflags $(LIBS_PROGRAM))
program_libs = $(shell pkg-config --libs $(LIBS_PROGRAM))
mkdump_libs = $(shell pkg-config --libs jansson)
unit_libs = $(shell pkg-config --libs cmocka libaddrxlat wimlib) -lm

ifneq ($(V),1)
QUIET = @echo "  $(1)	$@";
endif

# The program at the root is that of the compiler asked for last: compared, as the other compiler's
# may be older. Programs with sanitizers or for libFuzzer stay in their directory.
ifeq ($(SANITIZE)$(FUZZER),)
PROGRAM := poolscope
poolscope: $(BUILD)/poolscope FORCE
	@cmp -s $< $@ || { echo "  CP	$@" && cp --remove-destination $< $@; }
else
PROGRAM := $(BUILD)/poolscope
poolscope: $(PROGRAM)
.PHONY: poolscope
endif
FORCE:

all: $(PROGRAM)
.DEFAULT_GOAL := all

$(BUILD)/libpoolscope.a: $(LIB_OBJECTS)
	$(call QUIET,AR)rm -f $@ && ar rcs $@ $^

$(BUILD)/poolscope: $(CLI_OBJECTS) $(BUILD)/libpoolscope.a
	$(call QUIET,LD)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(program_libs)

mkdump: $(BUILD)/mkdump

$(BUILD)/mkdump: $(MKDUMP_OBJECTS)
	$(call QUIET,LD)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(mkdump_libs) -lm

$(BUILD)/unit/%: $(BUILD)/tests/unit/%.o $(call object,$(UNIT_SHARED)) $(BUILD)/libpoolscope.a
	@mkdir -p $(@D)
	$(call QUIET,LD)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(unit_libs) $(program_libs)

$(BUILD)/%.o: %.c
	@mkdir -p $(@D)
	$(call QUIET,CC)$(CC) $(CPPFLAGS) $(program_cflags) $(CFLAGS) -MMD -MP -c -o $@ $<

# Style and script of the HTML page as C strings.
$(BUILD)/%.inc: %
	@mkdir -p $(@D)
	$(call QUIET,SED)sed -e 's/[\\"]/\\&/g' -e 's/.*/"&\\n"/' $< > $@

$(BUILD)/analyzer/report/html_page.o: $(addprefix $(BUILD)/analyzer/report/,page.css.inc page.js.inc)
$(BUILD)/analyzer/report/html_page.o: override CPPFLAGS += -I$(BUILD)

$(BUILD)/tests/%: $(BUILD)/tests/%.o $(BUILD)/libpoolscope.a
	$(call QUIET,LD)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $(filter %.o,$^) $(filter %.a,$^) $(program_libs)

$(BUILD)/tests/owners/decoding: $(call object,tests/unit/two_decoders.c)
$(BUILD)/tests/fuzz/mutate: $(call object,$(MUTATE_SHARED))
$(BUILD)/tests/fuzz/fuzz_dump: $(call object,tests/fuzz/judge.c)
$(BUILD)/tests/fuzz/fuzz_pe $(BUILD)/tests/fuzz/fuzz_owners: $(call object,tests/fuzz/pe_memory.c)

$(FUZZERS): override LDFLAGS += -fsanitize=fuzzer

# Drivers with known tags, for tests: corpus/drivers/README.md.
test-drivers:
	@mkdir -p build
	@flock build/test-drivers.lock $(MAKE) --no-print-directory -f corpus/drivers/drivers.mk

unit: $(UNIT_PROGRAMS)
tools: $(TOOLS)
fuzzers: $(FUZZERS)

# Debian's own: python3-jsonschema belongs to it.
PYTHON := /usr/bin/python3
FUZZ_SECONDS ?= 600

packages-program:
	@contrib/install-packages.sh $(PACKAGES_PROGRAM)
packages-check:
	@contrib/install-packages.sh $(PACKAGES_PROGRAM) $(PACKAGES_CHECK)

demo: packages-program
	@$(MAKE) --no-print-directory poolscope mkdump
	@MKDUMP=$(BUILD)/mkdump POOLSCOPE=./poolscope contrib/demo.sh

check: packages-check
	@$(PYTHON) tests/run.py
check-qemu:
	@contrib/install-packages.sh $(PACKAGES_PROGRAM) $(PACKAGES_CHECK) $(PACKAGES_QEMU)
	@$(PYTHON) tests/run.py qemu
check-slurm:
	@contrib/install-packages.sh $(PACKAGES_PROGRAM) $(PACKAGES_CHECK) $(PACKAGES_SLURM)
	@$(PYTHON) tests/run.py slurm
check-html:
	@contrib/install-packages.sh $(PACKAGES_PROGRAM) $(PACKAGES_CHECK) $(PACKAGES_HTML)
	@$(PYTHON) tests/run.py html
check-%:
	@$(PYTHON) tests/run.py $*
lint:
	@$(PYTHON) tests/run.py lint

bench:
	@$(MAKE) --no-print-directory poolscope mkdump tools
	@$(PYTHON) tests/bench/bench.py $(BUILD)

fuzz: packages-check
	@$(MAKE) --no-print-directory mkdump
	@$(MAKE) --no-print-directory CC=clang-14 FUZZER=1 fuzzers
	@tests/fuzz/fuzz.sh $(BUILD)/mkdump build/clang-14-fuzzer/tests/fuzz $(FUZZ_SECONDS)

SCHEMAS := $(sort $(wildcard analyzer/report/*.schema.json))

install: $(PROGRAM)
	install -D -m 755 $(PROGRAM) $(DESTDIR)$(BINDIR)/poolscope
	install -D -m 644 docs/poolscope.1 $(DESTDIR)$(MANDIR)/man1/poolscope.1
	install -D -m 644 docs/poolscope-findings.7 $(DESTDIR)$(MANDIR)/man7/poolscope-findings.7
	install -D -m 644 contrib/completion/poolscope.bash $(DESTDIR)$(BASHCOMPDIR)/poolscope
	install -d -m 755 $(DESTDIR)$(DOCDIR)
	install -m 644 $(SCHEMAS) $(DESTDIR)$(DOCDIR)

uninstall:
	rm -f $(DESTDIR)$(BINDIR)/poolscope $(DESTDIR)$(MANDIR)/man1/poolscope.1 \
		$(DESTDIR)$(MANDIR)/man7/poolscope-findings.7 \
		$(DESTDIR)$(BASHCOMPDIR)/poolscope $(SCHEMAS:analyzer/report/%=$(DESTDIR)$(DOCDIR)/%)

clean:
	rm -rf build poolscope

.PHONY: all FORCE mkdump test-drivers unit tools fuzzers packages-program packages-check demo check \
	check-qemu check-slurm check-html lint bench fuzz \
	install uninstall clean
.SECONDARY:
.DELETE_ON_ERROR:

-include $(shell find build -name '*.d' 2>/dev/null)
