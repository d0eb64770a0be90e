/*
 * Little pieces of machine code for a scan to find: calls of the pool functions with a tag, and
 * the hash of the tracker table.
 *
 * Does not: make code that could run. Retpolines are missing.
 */
#include "corpus/code.h"

#include <stdlib.h>
#include <string.h>

#include "corpus/code_arm64.h"
#include "corpus/globals.h"
#include "corpus/kernel.h"

const char *const code_imports[CODE_IMPORTS] = {"ExAllocatePoolWithTag", "ExFreePoolWithTag"};

enum { CODE_ROOM = 96, FUNCTION_ALIGN = 16, INT3 = 0xCC };

struct code {
	uint64_t va;
	size_t used;
	uint8_t bytes[CODE_ROOM];
};

static void emit(struct code *code, const void *bytes, size_t count)
{
	if (code->used + count > CODE_ROOM)
		die("a piece of code does not fit");
	memcpy(code->bytes + code->used, bytes, count);
	code->used += count;
}

static void emit_op(struct code *code, const char *hex)
{
	for (; *hex; hex += *hex == ' ') {
		char digits[3] = {hex[0], hex[1], '\0'};
		uint8_t byte = (uint8_t)strtoul(digits, NULL, 16);
		emit(code, &byte, 1);
		hex += 2;
	}
}

static void emit32(struct code *code, uint64_t value)
{
	uint8_t bytes[4];
	put32(bytes, value);
	emit(code, bytes, 4);
}

/* An operand in memory: relative to the next instruction on x64, absolute on x86. */
static void emit_address(struct code *code, bool is_64, uint64_t va)
{
	emit32(code, is_64 ? va - (code->va + code->used + 4) : va);
}

static void emit_call(struct code *code, bool is_64, uint64_t target, bool direct)
{
	emit_op(code, direct ? "E8" : "FF 15");
	emit_address(code, is_64 || direct, target);
}

static void write_code(struct world *w, struct code *code, size_t room)
{
	while (code->used < room && code->used < CODE_ROOM)
		code->bytes[code->used++] = INT3;
	memory_write(&w->memory, code->va, code->bytes, code->used);
}

static bool is_arm64(const struct world *w)
{
	return w->config->arch == ARCH_ARM64;
}

static void write_arm64(struct world *w, struct arm64_code *code, size_t room)
{
	arm64_pad(code, room);
	memory_write(&w->memory, code->va, code->bytes, code->used);
}

void code_write_stub(struct world *w, uint64_t va, uint32_t room)
{
	struct code code = {.va = va};
	if (is_arm64(w)) {
		struct arm64_code arm = {.va = va};
		arm64_stub(&arm);
		write_arm64(w, &arm, room);
		return;
	}
	emit_op(&code, config_is_64(w->config) ? "48 83 EC 28 33 C0 48 83 C4 28 C3"
					       : "8B FF 55 8B EC 33 C0 5D C3");
	write_code(w, &code, room);
}

void code_write_tracker_insert(struct world *w, uint64_t va)
{
	struct code code = {.va = va};
	bool is_64 = config_is_64(w->config);
	uint64_t table = global_address(w, "PoolTrackTable");
	uint64_t size = global_address(w, "PoolTrackTableSize");
	uint64_t mask = global_address(w, "PoolTrackTableMask");
	if (is_arm64(w)) {
		struct arm64_code arm = {.va = va};
		arm64_tracker_insert(&arm, table, size, mask);
		write_arm64(w, &arm, 0x40);
		return;
	}
	if (!is_64) {
		emit_op(&code, "8B 44 24 0C 69 C0 5F 9E 00 00 23 05");
		emit_address(&code, false, mask);
		emit_op(&code, "8B 0D");
		emit_address(&code, false, table);
		emit_op(&code, "8B 15");
		emit_address(&code, false, size);
		emit_op(&code, "C2 0C 00");
	} else {
		emit_op(&code, "41 8B C0 48 69 C0 5F 9E 00 00 48 8B C8 48 C1 E9 20 48 33 C1 23 05");
		emit_address(&code, true, mask);
		emit_op(&code, "48 8B 15");
		emit_address(&code, true, table);
		emit_op(&code, "4C 8B 0D");
		emit_address(&code, true, size);
		emit_op(&code, "C3");
	}
	write_code(w, &code, 0x40);
}

/* The shape of KdCopyDataBlock on x64: test of the flag, lea of the block, both keys, rol, bswap.
 */
void code_write_copy_data_block(struct world *w, uint64_t va)
{
	struct code code = {.va = va};
	if (w->config->arch != ARCH_X64 || !global_address(w, "KdpDataBlockEncoded"))
		return;
	emit_op(&code, "48 8D 15");
	emit_address(&code, true, global_address(w, "KdDebuggerDataBlock"));
	emit_op(&code, "80 3D"); /* cmp byte [flag], 0: the immediate follows the displacement */
	emit_address(&code, true, global_address(w, "KdpDataBlockEncoded") - 1);
	emit_op(&code, "00 74 34 4C 8B 15");
	emit_address(&code, true, global_address(w, "KiWaitNever"));
	emit_op(&code, "4C 8B 1D");
	emit_address(&code, true, global_address(w, "KiWaitAlways"));
	emit_op(&code, "4C 8D 0D");
	emit_address(&code, true, global_address(w, "KdpDataBlockEncoded"));
	emit_op(&code,
		"48 8B 02 49 33 C2 41 8B CA 48 D3 C0 49 33 C1 48 0F C8 49 33 C3 48 89 02 C3");
	write_code(w, &code, 0x60);
}

struct site {
	uint32_t tag;
	uint32_t pool_type;
	uint32_t size;
};

static void emit_allocation(struct code *code, bool is_64, const struct site *site, uint64_t target,
			    bool direct)
{
	if (is_64) {
		emit_op(code, "48 83 EC 28 41 B8");
		emit32(code, site->tag);
		emit_op(code, "BA");
		emit32(code, site->size);
		emit_op(code, "B9");
		emit32(code, site->pool_type);
		emit_call(code, is_64, target, direct);
		emit_op(code, "48 83 C4 28 C3");
	} else {
		emit_op(code, "8B FF 55 8B EC 68");
		emit32(code, site->tag);
		emit_op(code, "68");
		emit32(code, site->size);
		emit_op(code, site->pool_type & 1 ? "6A 01" : "6A 00");
		emit_call(code, is_64, target, direct);
		emit_op(code, "5D C3");
	}
}

static void emit_free(struct code *code, bool is_64, const struct site *site, uint64_t target,
		      bool direct)
{
	if (is_64) {
		emit_op(code, "48 83 EC 28 BA");
		emit32(code, site->tag);
		emit_call(code, is_64, target, direct);
		emit_op(code, "48 83 C4 28 C3");
	} else {
		emit_op(code, "8B FF 55 8B EC 68");
		emit32(code, site->tag);
		emit_op(code, "FF 75 08");
		emit_call(code, is_64, target, direct);
		emit_op(code, "5D C2 04 00");
	}
}

static uint64_t call_target(const struct world *w, const struct module *module, unsigned import)
{
	if (module == &w->modules[0])
		return kernel_export(w, code_imports[import]);
	return module->base + module->iat + import * world_pointer(w);
}

static void add_site_arm64(struct world *w, struct module *module, const struct site *site)
{
	for (unsigned import = 0; import < CODE_IMPORTS; import++) {
		struct arm64_code code = {.va = module->base + module->code_next};
		struct arm64_call call = {call_target(w, module, import), module == &w->modules[0]};
		if (import == CODE_IMPORT_ALLOCATE)
			arm64_allocation(&code, site->pool_type, site->size, site->tag, &call);
		else
			arm64_free(&code, site->tag, &call);
		write_arm64(w, &code, (size_t)round_up(code.used, FUNCTION_ALIGN));
		module->code_next += (uint32_t)code.used;
	}
}

static void add_site(struct world *w, struct module *module, const struct site *site)
{
	bool is_64 = config_is_64(w->config), direct = module == &w->modules[0];
	for (unsigned import = 0; import < CODE_IMPORTS; import++) {
		struct code code = {.va = module->base + module->code_next};
		uint64_t target = call_target(w, module, import);
		if (import == CODE_IMPORT_ALLOCATE)
			emit_allocation(&code, is_64, site, target, direct);
		else
			emit_free(&code, is_64, site, target, direct);
		write_code(w, &code, (size_t)round_up(code.used + 1, FUNCTION_ALIGN));
		module->code_next += (uint32_t)code.used;
	}
}

void code_add_tag_sites(struct world *w, struct module *module, const struct line *line,
			const char *spec)
{
	char *copy = xstrdup(spec), *rest = copy, *word;
	while ((word = strsep(&rest, ",")) != NULL) {
		char *parts = word;
		uint32_t no_execute = w->config->build >= 9200 ? 0x200 : 0;
		struct site site = {.tag = parse_tag(line, strsep(&parts, "/")),
				    .pool_type = no_execute,
				    .size = 0x40};
		for (char *part = strsep(&parts, "/"); part; part = strsep(&parts, "/")) {
			if (strcmp(part, "paged") == 0)
				site.pool_type = 1;
			else if (strcmp(part, "np") != 0)
				site.size = (uint32_t)parse_number(line, part);
		}
		if (is_arm64(w))
			add_site_arm64(w, module, &site);
		else
			add_site(w, module, &site);
	}
	free(copy);
}
