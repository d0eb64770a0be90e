/*
 * See describe.h. Source: CmNtCSDVersion as the Windows Research Kernel
 * makes it. Not supported: the edition (Home, Pro, ...), the update level (UBR).
 */
#include "analyzer/kernel/describe.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/kernel/shared_data.h"
#include "analyzer/kernel/text.h"
#include "base/memory.h"

enum {
	FIRST_SHARED_PROCESSORS = 7600, /* build */

	BUILD_LAB_LIMIT = 128,
	FIRST_BUILD = 2195, /* Windows 2000 */
	LAST_BUILD = 99999,

	MOST_PROCESSORS_32 = 32,
	MOST_PROCESSORS_64 = 2048,
};

static bool is_build(uint64_t build)
{
	return build >= FIRST_BUILD && build <= LAST_BUILD;
}

/* Stays NULL when it is not in the dump, has no end, or is not printable. */
static enum ps_status read_build_lab(struct kernel *kernel, struct ps_error *err)
{
	uint64_t va = kernel->kdbg.fields[KDBG_NT_BUILD_LAB];
	char text[BUILD_LAB_LIMIT];

	if (va == 0 || !text_read_c_string(kernel->space, va, sizeof(text), text, sizeof(text)) ||
	    text[0] == '\0')
		return PS_OK;
	for (const char *c = text; *c; c++)
		if (*c < 0x20 || *c > 0x7e)
			return PS_OK;
	kernel->build_lab = mem_strndup(text, strlen(text));
	return kernel->build_lab ? PS_OK : ps_fail_memory(err, "the build lab string");
}

static uint64_t build_of_lab(const char *lab)
{
	char *end;
	unsigned long build;

	if (!lab || *lab < '0' || *lab > '9')
		return 0;
	build = strtoul(lab, &end, 10);
	return *end == '.' && is_build(build) ? build : 0;
}

static void take_build(struct kernel *kernel, uint64_t build, const char *source)
{
	if (!is_build(build)) {
		kernel_note(kernel, "%s says build %" PRIu64 ", which is no build of Windows",
			    source, build);
	} else if (!kernel->build.known) {
		kernel->build = (struct fact){true, build};
		kernel->build_source = source;
	} else if (!product_same_kernel(build, kernel->build.value)) {
		kernel_note(kernel,
			    "%s says build %" PRIu64 ", but %s says %" PRIu64 "; the first is used",
			    kernel->build_source, kernel->build.value, source, build);
	}
}

static void read_service_pack_number(struct kernel *kernel, uint32_t *ret)
{
	struct ps_error ignored = PS_ERROR_INIT;
	uint64_t va = kernel->kdbg.fields[KDBG_CM_NT_CSD_VERSION];

	if (va == 0 || space_read_u32(kernel->space, va, ret, &ignored) != PS_OK)
		*ret = 0;
}

/* CmNtCSDVersion: service pack in the second byte, its letter in the first, a test release above.
 */
static enum ps_status read_service_pack(struct kernel *kernel, struct ps_error *err)
{
	uint32_t version, number, letter;

	read_service_pack_number(kernel, &version);
	number = version >> 8 & 0xff;
	letter = version & 0xff;
	if (number == 0 || number > 9 || letter > 26)
		return PS_OK;
	if (letter != 0)
		kernel->service_pack =
			mem_printf("Service Pack %" PRIu32 "%c", number, (char)('a' + letter - 1));
	else
		kernel->service_pack = mem_printf("Service Pack %" PRIu32, number);
	return kernel->service_pack ? PS_OK : ps_fail_memory(err, "the service pack");
}

static unsigned most_processors(const struct kernel *kernel)
{
	return kernel->pointer_size == 8 ? MOST_PROCESSORS_64 : MOST_PROCESSORS_32;
}

/*
 * Pointers to processor blocks stand in front, one a processor. *ret_whole when their end was seen;
 * otherwise there may be more.
 */
static unsigned count_processor_blocks(struct kernel *kernel, bool *ret_whole)
{
	uint64_t va = kernel->kdbg.fields[KDBG_KI_PROCESSOR_BLOCK], block = 0;
	struct ps_error ignored = PS_ERROR_INIT;
	unsigned count = 0;

	*ret_whole = false;
	for (; va != 0 && count < most_processors(kernel); count++) {
		if (space_read_pointer(kernel->space, va + (uint64_t)count * kernel->pointer_size,
				       &block, &ignored) != PS_OK)
			return count;
		if (block % kernel->pointer_size != 0 ||
		    !space_is_kernel_address(kernel->space, block))
			break;
	}
	*ret_whole = count != 0 && (block == 0 || count == most_processors(kernel));
	return count;
}

/* What the kernel itself says of its processors, 0 when it says nothing. */
static unsigned processors_in_memory(struct kernel *kernel, const struct shared_data *shared,
				     const char **ret_source)
{
	bool whole;
	unsigned blocks = count_processor_blocks(kernel, &whole);
	bool has_field = kernel->build.known && kernel->build.value >= FIRST_SHARED_PROCESSORS;
	unsigned active = has_field ? shared->processors : 0;

	*ret_source = blocks >= active ? "KiProcessorBlock" : "KUSER_SHARED_DATA";
	if (blocks == 0 && kernel->exported_processors > active) {
		*ret_source = "KeNumberProcessors";
		return kernel->exported_processors;
	}
	if (!whole && active == 0)
		return 0;
	return blocks >= active ? blocks : active;
}

/* The kernel's own word goes before the header's: one too few would lose a processor's counters. */
static void count_processors(struct kernel *kernel, const struct shared_data *shared)
{
	struct fact stated = kernel->dump->facts.processors;
	const char *source;
	unsigned own = processors_in_memory(kernel, shared, &source);

	if (stated.known && stated.value > most_processors(kernel)) {
		kernel_note(kernel, "the header says %" PRIu64 " processors, which cannot be",
			    stated.value);
		stated.known = false;
	}
	if (stated.known && own != 0 && own != stated.value)
		kernel_note(kernel, "the header says %" PRIu64 " processors, but %s says %u",
			    stated.value, source, own);
	if (stated.known && (own == 0 || own == stated.value)) {
		kernel->processors = stated;
		kernel->processors_source = "header";
	} else if (own != 0) {
		kernel->processors = (struct fact){true, own};
		kernel->processors_source = source;
	}
}

static void describe_image(struct kernel *kernel)
{
	struct ps_error ignored = PS_ERROR_INIT;
	struct module_head first;

	if (pe_identify(kernel->space, kernel->base, &kernel->image, &ignored) == PS_OK)
		kernel->size = kernel->image.size;
	else if (modules_read_first(kernel->space, kernel->kdbg.fields[KDBG_PS_LOADED_MODULE_LIST],
				    &first, &ignored) == PS_OK &&
		 first.base == kernel->base)
		kernel->size = first.size;
}

static void describe_build(struct kernel *kernel, const struct shared_data *shared)
{
	const struct machine_facts *facts = &kernel->dump->facts;
	uint64_t lab = build_of_lab(kernel->build_lab);

	if (facts->build.known)
		take_build(kernel, facts->build.value, "header");
	if (shared->build.known)
		take_build(kernel, shared->build.value, "KUSER_SHARED_DATA");
	if (lab != 0)
		take_build(kernel, lab, "NtBuildLab");
	if (!kernel->build.known)
		kernel_note(kernel, "the build number of this Windows is not known");
}

/* The shared page alone tells the releases of one kernel apart; the header has the first of them.
 */
static void describe_product(struct kernel *kernel, const struct shared_data *shared)
{
	const struct machine_facts *facts = &kernel->dump->facts;
	bool exact = shared->build.known &&
		     product_same_kernel(shared->build.value, kernel->build.value);

	kernel->product_type =
		facts->product_type.known ? facts->product_type : shared->product_type;
	if (!kernel->build.known)
		snprintf(kernel->product, sizeof(kernel->product), "Windows of unknown build");
	else
		product_name(exact ? shared->build.value : kernel->build.value, exact,
			     &kernel->product_type, kernel->product, sizeof(kernel->product));
}

enum ps_status describe_kernel(struct kernel *kernel, struct ps_error *err)
{
	struct shared_data shared;

	describe_image(kernel);
	shared_data_read(kernel->space, &shared);
	if (read_build_lab(kernel, err) != PS_OK || read_service_pack(kernel, err) != PS_OK)
		return err->status;
	describe_build(kernel, &shared);
	describe_product(kernel, &shared);
	count_processors(kernel, &shared);
	return PS_OK;
}
