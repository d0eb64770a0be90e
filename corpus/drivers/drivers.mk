# Test drivers and stand-ins of kernel images, with PDBs and truths: see README.md beside this file.
#
#   make -f corpus/drivers/drivers.mk [CONFIGS="x64-O2 ..."]    from the root of the project
#
# Results: build/drivers/CONFIG/*.sys, *.pdb, *.truth.tsv. x64-inbox is x64-O2 with control flow
# guard and with calls of imports as in-box drivers have them (48 FF 15 ... 0F 1F 44 00 00).

OUT := build/drivers
HERE := corpus/drivers
CONFIGS ?= x64-O0 x64-O2 x64-Os x64-inbox x86-O0 x86-O2 x86-Os arm64-O0 arm64-O2 arm64-Os

CLANG := clang-14
LINK := lld-link-14
DLLTOOL := llvm-dlltool-14
PYTHON := /usr/bin/python3

TEST_DRIVERS := immediates lookaside shapes wrappers poollib libuser network minifilter framework \
	storage decoys indata freeonly statics twin1 twin2 handmade
STAND_INS := fltmgr ndis storport wdfldr wdf01000
LIBRARIES := nt fltmgr ndis storport wdfldr poollib

triple_x64 := x86_64
triple_x86 := i686
triple_arm64 := aarch64
dll_x64 := i386:x86-64
dll_x86 := i386 -k
dll_arm64 := arm64
base_x64 := 0x140000000
base_x86 := 0x10000
base_arm64 := 0x140000000
entry_x64 := DriverEntry
entry_x86 := DriverEntry@8
entry_arm64 := DriverEntry

# -gcodeview: PDBs. Drivers have no C library, hence the rest; -ffreestanding alone would leave out the
# unwind tables, which drivers for x64 and ARM64 have.
CFLAGS_ALL := -std=gnu11 -Wall -Wextra -Werror -I. -g -gcodeview -ffreestanding \
	-fno-stack-protector -mno-stack-arg-probe -fno-builtin -funwind-tables
LINK_ALL := /nologo /driver /subsystem:native /nodefaultlib /debug /brepro /opt:noref,noicf \
	/section:.text,ERP /section:.rdata,RP /section:.data,RWP /section:INIT,ERD /section:PAGE,ER

QUIET := $(if $(filter 1,$(V)),,@)

# The first target.
all: $(foreach config,$(CONFIGS),$(TEST_DRIVERS:%=$(OUT)/$(config)/%.sys) \
	$(STAND_INS:%=$(OUT)/$(config)/%.sys) $(OUT)/$(config)/ntoskrnl.exe)

# $(1) configuration, $(2) machine, $(3) level of optimisation
define config_rules
$(OUT)/$(1)/%.def: $(HERE)/%.def
	@mkdir -p $$(@D)
	$(QUIET)sed '$(if $(filter x86,$(2)),,s/@[0-9]*//;)s/ *; body//' $$< > $$@

$(OUT)/$(1)/%.lib: $(OUT)/$(1)/%.def
	$(QUIET)$(DLLTOOL) -m $(dll_$(2)) -d $$< -l $$@

# Functions that only return, for all exports that have no body in C.
$(OUT)/$(1)/%.stubs.s: $(HERE)/%.def $(HERE)/stubs.awk
	@mkdir -p $$(@D)
	$(QUIET)awk -v machine=$(2) -f $(HERE)/stubs.awk $$< > $$@

$(OUT)/$(1)/%.obj: $(OUT)/$(1)/%.s
	$(QUIET)$(CLANG) --target=$(triple_$(2))-pc-windows-msvc -c $$< -o $$@

$(OUT)/$(1)/room.obj: $(HERE)/room.s
	@mkdir -p $$(@D)
	$(QUIET)$(CLANG) --target=$(triple_$(2))-pc-windows-msvc -c $$< -o $$@

$(addprefix $(OUT)/$(1)/,$(addsuffix .obj,nt wdf01000 standin)): STAND_IN := -DSTAND_IN
$(OUT)/$(1)/%.obj: $(HERE)/%.c $(HERE)/wdk.h $(HERE)/inbox.sed $(HERE)/drivers.mk
	@mkdir -p $$(@D)
	$(QUIET)$(CLANG) --target=$(triple_$(2))-pc-windows-msvc -$(3) $(CFLAGS_ALL) $$(STAND_IN) \
		$(if $(filter x64-inbox,$(1)),-S -Xclang -cfguard -o $$@.s $$< && \
		sed -E -f $(HERE)/inbox.sed $$@.s > $$@.inbox.s && \
		$(CLANG) --target=x86_64-pc-windows-msvc -c $$@.inbox.s -o $$@,-c $$< -o $$@)

$(OUT)/$(1)/handmade-code.obj: $(HERE)/handmade-$(2).S
	@mkdir -p $$(@D)
	$(QUIET)$(CLANG) --target=$(triple_$(2))-pc-windows-msvc -c $$< -o $$@

$(OUT)/$(1)/handmade.sys: $(OUT)/$(1)/handmade-code.obj $(HERE)/handmade-$(2).S
$(OUT)/$(1)/handmade.sys: SOURCES := $(HERE)/handmade-$(2).S

$(OUT)/$(1)/poollib.obj: STAND_IN := -DPOOL_LIBRARY

# Of lld 14, /def: takes the undecorated names and finds the decorated functions.
exports_$(1) = $(OUT)/$(1)/$$(1).exports
$(OUT)/$(1)/%.exports: $(HERE)/%.def
	@mkdir -p $$(@D)
	$(QUIET)sed 's/@[0-9]*//;s/ *; body//' $$< > $$@

link_$(1) = $(LINK) $(LINK_ALL) $(if $(filter x86,$(2)),/safeseh:no) /machine:$(2) /base:$(base_$(2)) /entry:$(entry_$(2)) \
	$(if $(filter x64-inbox,$(1)),/guard:cf)
extra_$(1) := $(if $(filter x64-inbox,$(1)),$(OUT)/$(1)/loadcfg.obj)
libraries_$(1) := $(LIBRARIES:%=$(OUT)/$(1)/%.lib)

$(OUT)/$(1)/poollib.sys: $(OUT)/$(1)/poollib.exports
$(OUT)/$(1)/poollib.sys: EXPORTS := /def:$(OUT)/$(1)/poollib.exports

$(TEST_DRIVERS:%=$(OUT)/$(1)/%.sys): $(OUT)/$(1)/%.sys: $(OUT)/$(1)/%.obj $(HERE)/%.c \
		$(OUT)/$(1)/room.obj $(OUT)/$(1)/runtime.obj $$(extra_$(1)) $$(libraries_$(1)) $(HERE)/finish.py
	$(QUIET)$$(link_$(1)) $$(EXPORTS) /pdb:$(OUT)/$(1)/$$*.pdb /pdbaltpath:$$*.pdb \
		/map:$(OUT)/$(1)/$$*.map /out:$$@ $$(filter %.obj %.lib,$$^)
	$(QUIET)$(PYTHON) $(HERE)/finish.py $$@ $(OUT)/$(1)/$$*.map $(OUT)/$(1)/$$*.truth.tsv \
		$(HERE)/$$*.c $$(SOURCES)

$(OUT)/$(1)/ntoskrnl.exe: $(OUT)/$(1)/nt.obj $(OUT)/$(1)/nt.stubs.obj $(OUT)/$(1)/nt.exports
	$(QUIET)$$(link_$(1)) /def:$(OUT)/$(1)/nt.exports /pdb:$(OUT)/$(1)/ntkrnlmp.pdb \
		/pdbaltpath:ntkrnlmp.pdb /map:$(OUT)/$(1)/nt.map /out:$$@ $$(filter %.obj,$$^) \
		$$(extra_$(1))
	$(QUIET)$(PYTHON) $(HERE)/finish.py $$@ $(OUT)/$(1)/nt.map \
		$(OUT)/$(1)/ntoskrnl.truth.tsv $(HERE)/nt.c
$(OUT)/$(1)/ntoskrnl.exe: $$(extra_$(1))

$(addprefix $(OUT)/$(1)/,fltmgr.sys ndis.sys storport.sys wdfldr.sys): $(OUT)/$(1)/%.sys: \
		$(OUT)/$(1)/%.stubs.obj $(OUT)/$(1)/standin.obj $(OUT)/$(1)/%.exports $$(extra_$(1))
	$(QUIET)$$(link_$(1)) /def:$(OUT)/$(1)/$$*.exports /pdb:$(OUT)/$(1)/$$*.pdb \
		/pdbaltpath:$$*.pdb /out:$$@ $$(filter %.obj,$$^)

$(OUT)/$(1)/wdf01000.sys: $(OUT)/$(1)/wdf01000.obj $(OUT)/$(1)/wdf01000.exports $$(extra_$(1))
	$(QUIET)$$(link_$(1)) /def:$(OUT)/$(1)/wdf01000.exports /pdb:$(OUT)/$(1)/Wdf01000.pdb \
		/pdbaltpath:Wdf01000.pdb /out:$$@ $$(filter %.obj,$$^)
endef

# Four drivers of 300 KB of code, for measurements: make -f corpus/drivers/drivers.mk bench
BIG_DRIVERS := $(patsubst %,$(OUT)/bench/big%.sys,1 2 3 4)
BIG_FUNCTIONS := 1520

bench: $(BIG_DRIVERS)

$(OUT)/bench/big%.c: $(HERE)/generate.py
	@mkdir -p $(@D)
	$(QUIET)$(PYTHON) $< $(BIG_FUNCTIONS) $* > $@

$(OUT)/bench/big%.obj: $(OUT)/bench/big%.c $(HERE)/wdk.h
	$(QUIET)$(CLANG) --target=x86_64-pc-windows-msvc -O1 $(CFLAGS_ALL) -gline-tables-only -c $< -o $@

$(OUT)/bench/big%.sys: $(OUT)/bench/big%.obj $(OUT)/x64-O2/nt.lib $(HERE)/finish.py
	$(QUIET)$(LINK) $(LINK_ALL) /machine:x64 /base:$(base_x64) /entry:DriverEntry \
		/pdb:$(OUT)/bench/big$*.pdb /pdbaltpath:big$*.pdb /map:$(OUT)/bench/big$*.map \
		/out:$@ $(filter %.obj %.lib,$^)
	$(QUIET)$(PYTHON) $(HERE)/finish.py $@ $(OUT)/bench/big$*.map \
		$(OUT)/bench/big$*.truth.tsv $(OUT)/bench/big$*.c

machine_of = $(firstword $(subst -, ,$(1)))
level_of = $(patsubst inbox,O2,$(lastword $(subst -, ,$(1))))
$(foreach config,$(CONFIGS),$(eval $(call config_rules,$(config),$(call machine_of,$(config)),$(call level_of,$(config)))))

.PHONY: all bench
.SECONDARY:
.DELETE_ON_ERROR:
