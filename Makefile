# poolscope: reads Windows kernel dumps on Linux. See README.md.
#
#   make                 build ./poolscope (never calls apt)
#   make demo            install what is missing, build, make the demo dumps, print their reports
#   make check           install what is missing, build, run all tests
#   make install         PREFIX, DESTDIR as usual
#   V=1 shows commands; SANITIZE=1 builds with AddressSanitizer and UBSan (own build directory);
#   CC=clang-14 works as well; WERROR=1 makes warnings errors (CI does).

PREFIX ?= /usr/local
DESTDIR ?=
BINDIR ?= $(PREFIX)/bin
MANDIR ?= $(PREFIX)/share/man
BASHCOMPDIR ?= $(PREFIX)/share/bash-completion/completions
DOCDIR ?= $(PREFIX)/share/doc/poolscope

VERSION := 0.1.0

# Every Debian package this project needs, once; README has the reason for each.
PACKAGES_PROGRAM := gcc libc6-dev make pkg-config libjansson-dev libsmartcols-dev
PACKAGES_CHECK := libkdumpfile-dev libcmocka-dev clang-14 libclang-rt-14-dev clang-format-14 \
	python3 python3-jsonschema zstd mandoc

LIBS_PROGRAM := jansson smartcols

CC ?= gcc
ifeq ($(origin CC),default)
CC := gcc
endif
CFLAGS ?= -O2 -g
WARNINGS := -Wall -Wextra -Wconversion -Wshadow -Wstrict-prototypes -Wmissing-prototypes
ifeq ($(WERROR),1)
WARNINGS += -Werror
endif
override CPPFLAGS += -I. -D_GNU_SOURCE -DPOOLSCOPE_VERSION='"$(VERSION)"'
override CFLAGS += -std=gnu11 $(WARNINGS)

BUILD := build/$(notdir $(CC))
ifeq ($(SANITIZE),1)
override CFLAGS += -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer
override LDFLAGS += -fsanitize=address,undefined
BUILD := $(BUILD)-sanitize
endif

# The rooms, lowest first. Sorted lists keep the build reproducible.
LIB_DIRS := base formats formats/pack analyzer/memory analyzer/kernel analyzer/pool analyzer/owners \
	analyzer/texts analyzer/report plugins analyzer/desk
LIB_SOURCES := $(sort $(foreach dir,$(LIB_DIRS),$(wildcard $(dir)/*.c)))
CLI_SOURCES := $(sort $(wildcard analyzer/cli/*.c))
MKDUMP_SOURCES := $(sort $(wildcard corpus/*.c))
UNIT_SOURCES := $(sort $(wildcard tests/unit/test_*.c))
UNIT_SHARED := $(sort $(filter-out $(UNIT_SOURCES),$(wildcard tests/unit/*.c)))

object = $(patsubst %.c,$(BUILD)/%.o,$(1))
LIB_OBJECTS := $(call object,$(LIB_SOURCES))
CLI_OBJECTS := $(call object,$(CLI_SOURCES))
MKDUMP_OBJECTS := $(call object,$(MKDUMP_SOURCES))
UNIT_PROGRAMS := $(patsubst tests/unit/%.c,$(BUILD)/unit/%,$(UNIT_SOURCES))

# Asked of pkg-config only when something is compiled, so that `make demo` can install it first.
program_cflags = $(shell pkg-config --cflags $(LIBS_PROGRAM))
program_libs = $(shell pkg-config --libs $(LIBS_PROGRAM))
mkdump_libs = $(shell pkg-config --libs jansson)
unit_libs = $(shell pkg-config --libs cmocka libaddrxlat)

ifneq ($(V),1)
QUIET = @echo "  $(1)	$@";
endif

all: poolscope

# The program at the root is the plain build; other builds stay in their directory.
poolscope: $(BUILD)/poolscope
	$(call QUIET,CP)cp $< $@

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

unit: $(UNIT_PROGRAMS)

clean:
	rm -rf build poolscope

.PHONY: all mkdump unit clean
.SECONDARY:
.DELETE_ON_ERROR:

-include $(shell find build -name '*.d' 2>/dev/null)
