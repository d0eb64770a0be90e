/*
 * A baseline that the owners of tags are measured against: every 32-bit constant that the code of a
 * driver holds as an operand, whatever it is used for. x86 and x64: the immediates of a linear
 * sweep by capstone. ARM64: movz with a movk of the same register within NEAR instructions, and
 * words that a load reaches relative to itself.
 *
 * Shares no code with what it is compared to. Knows no functions, no data flow, no imports; of a PE
 * file only the section table. Prints "FILE<TAB>VALUE", the value as eight digits in memory order.
 */
#include <capstone/capstone.h>

#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { NEAR = 4, EXECUTABLE = 0x20000000, SECTION = 40, SMALLEST = 0x10000 };
enum { MACHINE_X86 = 0x14c, MACHINE_X64 = 0x8664, MACHINE_ARM64 = 0xaa64 };

struct file {
	const char *path;
	uint8_t *bytes;
	size_t size;
};

struct values {
	uint32_t *list;
	size_t count, room;
};

static uint32_t word(const uint8_t *at)
{
	return (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 |
	       (uint32_t)at[3] << 24;
}

static bool load(const char *path, struct file *ret)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;

	*ret = (struct file){.path = path};
	if (fd < 0)
		return false;
	if (fstat(fd, &st) == 0 && st.st_size > 0 && st.st_size < 1 << 30) {
		ret->size = (size_t)st.st_size;
		ret->bytes = malloc(ret->size);
	}
	if (ret->bytes && read(fd, ret->bytes, ret->size) != (ssize_t)ret->size) {
		free(ret->bytes);
		ret->bytes = NULL;
	}
	close(fd);
	return ret->bytes != NULL;
}

static void add(struct values *values, uint32_t value)
{
	if (value < SMALLEST)
		return;
	if (values->count == values->room) {
		values->room = values->room ? 2 * values->room : 4096;
		values->list = realloc(values->list, values->room * sizeof(*values->list));
		if (!values->list)
			abort();
	}
	values->list[values->count++] = value;
}

static void sweep_x86(const uint8_t *code, size_t size, cs_mode mode, struct values *values)
{
	uint64_t address = 0;
	cs_insn *insn;
	csh handle;

	if (cs_open(CS_ARCH_X86, mode, &handle) != CS_ERR_OK)
		abort();
	cs_option(handle, CS_OPT_DETAIL, CS_OPT_ON);
	cs_option(handle, CS_OPT_SKIPDATA, CS_OPT_ON);
	insn = cs_malloc(handle);
	while (cs_disasm_iter(handle, &code, &size, &address, insn)) {
		if (insn->id == 0 || cs_insn_group(handle, insn, CS_GRP_JUMP) ||
		    cs_insn_group(handle, insn, CS_GRP_CALL))
			continue;
		for (int i = 0; i < insn->detail->x86.op_count; i++)
			if (insn->detail->x86.operands[i].type == X86_OP_IMM)
				add(values, (uint32_t)insn->detail->x86.operands[i].imm);
	}
	cs_free(insn, 1);
	cs_close(&handle);
}

/* movz/movk of the low and the high half, in this order, into the same register. */
static void pair_arm64(const uint8_t *code, size_t size, size_t at, struct values *values)
{
	uint32_t first = word(code + at);

	if ((first & 0x7fe00000) != 0x52800000)
		return;
	for (size_t i = 4; i <= 4 * NEAR && at + i + 4 <= size; i += 4) {
		uint32_t next = word(code + at + i);

		if ((next & 0x7fe00000) == 0x72a00000 && (next & 31) == (first & 31)) {
			add(values, (next >> 5 & 0xffff) << 16 | (first >> 5 & 0xffff));
			return;
		}
	}
}

static void sweep_arm64(const uint8_t *code, size_t size, struct values *values)
{
	for (size_t at = 0; at + 4 <= size; at += 4) {
		uint32_t insn = word(code + at);

		pair_arm64(code, size, at, values);
		if ((insn & 0xff000000) == 0x18000000) {
			int64_t offset = (int32_t)(insn << 8) >> 13;
			int64_t target = (int64_t)at + offset * 4;

			if (target >= 0 && target + 4 <= (int64_t)size)
				add(values, word(code + target));
		}
	}
}

static void sweep(unsigned machine, const uint8_t *code, size_t size, struct values *values)
{
	if (machine == MACHINE_ARM64)
		sweep_arm64(code, size, values);
	else
		sweep_x86(code, size, machine == MACHINE_X64 ? CS_MODE_64 : CS_MODE_32, values);
}

static bool sweep_file(const struct file *file, struct values *values)
{
	size_t pe = file->size >= 64 ? word(file->bytes + 60) : SIZE_MAX;
	unsigned machine, sections;
	const uint8_t *table;

	if (pe > file->size || file->size - pe < 24)
		return false;
	machine = word(file->bytes + pe + 4) & 0xffff;
	sections = word(file->bytes + pe + 4) >> 16;
	pe += 24 + (word(file->bytes + pe + 20) & 0xffff);
	if (pe > file->size || (file->size - pe) / SECTION < sections)
		return false;
	if (machine != MACHINE_X86 && machine != MACHINE_X64 && machine != MACHINE_ARM64)
		return false;
	table = file->bytes + pe;
	for (unsigned i = 0; i < sections; i++, table += SECTION) {
		size_t size = word(table + 16), at = word(table + 20);

		if (!(word(table + 36) & EXECUTABLE) || at > file->size || size > file->size - at)
			continue;
		sweep(machine, file->bytes + at, size, values);
	}
	return true;
}

static int compare(const void *a, const void *b)
{
	const uint32_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static void print(const char *path, struct values *values)
{
	if (values->count)
		qsort(values->list, values->count, sizeof(*values->list), compare);
	for (size_t i = 0; i < values->count; i++)
		if (!i || values->list[i] != values->list[i - 1])
			printf("%s\t%08x\n", path, __builtin_bswap32(values->list[i]));
}

int main(int argc, char **argv)
{
	int status = 0;

	for (int i = 1; i < argc; i++) {
		struct values values = {0};
		struct file file;

		if (!load(argv[i], &file) || !sweep_file(&file, &values)) {
			fprintf(stderr, "%s: not read\n", argv[i]);
			status = 1;
		}
		print(argv[i], &values);
		free(values.list);
		free(file.bytes);
	}
	return status;
}
