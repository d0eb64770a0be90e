/*
 * See crash_facts.h. Sources: KiBugcheckData and PHYSICAL_MEMORY_DESCRIPTOR as in the Windows
 * Research Kernel and the public symbols.
 */
#include "analyzer/kernel/crash_facts.h"

#include <string.h>

#include "analyzer/kernel/kdbg_cipher.h"
#include "analyzer/kernel/shared_data.h"
#include "base/bytes.h"
#include "base/memory.h"
#include "formats/crash.h"

enum {
	FREE_BUILD = 0xf,
	CHECKED_BUILD = 0xc,
	BUGCHECK_WORDS = 5,
	RUNS_MOST = 1024, /* of a machine's memory: firmware lists some dozens */
	QWORD = 8,
};

static const uint64_t frames_most = UINT64_C(1) << 40; /* 52 bits of physical address */

static void prefer(struct fact *fact, uint64_t value)
{
	if (value != 0)
		*fact = (struct fact){true, value};
}

static void prefer_variable(struct kernel *kernel, struct fact *fact, enum kdbg_field field)
{
	struct ps_error ignored = PS_ERROR_INIT;
	uint64_t value;

	if (kdbg_variable(kernel->space, &kernel->kdbg, field, &value, &ignored) == PS_OK)
		prefer(fact, value);
}

static enum machine machine_of(const struct kernel *kernel)
{
	switch (space_paging(kernel->space)) {
	case PAGING_X86:
	case PAGING_PAE: return MACHINE_X86;
	case PAGING_ARM64: return MACHINE_ARM64;
	default: return MACHINE_X64;
	}
}

static enum bugcheck_source find_bugcheck(struct kernel *kernel, struct machine_facts *facts)
{
	unsigned width = kernel->pointer_size;
	uint8_t raw[BUGCHECK_WORDS * 8];
	struct bytes bytes = bytes_of(raw, (size_t)width * BUGCHECK_WORDS);
	uint64_t va = kernel->kdbg.fields[KDBG_KI_BUGCHECK_DATA], code = 0;
	struct ps_error ignored = PS_ERROR_INIT;

	if (facts->bugcheck_code.known)
		return BUGCHECK_HEADER;
	if (va != 0 && space_read(kernel->space, va, raw, bytes.size, &ignored) == PS_OK)
		code = bytes_pointer(&bytes, 0, width);
	facts->bugcheck_code.known = true;
	facts->bugcheck_code.value = code != 0 && code <= UINT32_MAX ? code : LIVE_SYSTEM_DUMP;
	memset(facts->bugcheck_parameters, 0, sizeof(facts->bugcheck_parameters));
	if (facts->bugcheck_code.value != code)
		return BUGCHECK_NONE;
	for (unsigned i = 0; i < 4; i++)
		facts->bugcheck_parameters[i] = bytes_pointer(&bytes, (i + 1) * width, width);
	return BUGCHECK_KERNEL;
}

/* Labs call checked builds so ("7601.17514.amd64chk.win7sp1..."); free ones of XP say nothing. */
static void find_free_build(const struct kernel *kernel, struct machine_facts *facts)
{
	const char *lab = kernel->build_lab;
	bool checked = lab && strstr(lab, "chk.");

	if (!facts->free_build.known)
		facts->free_build = (struct fact){true, checked ? CHECKED_BUILD : FREE_BUILD};
}

static void fill_in(struct fact *fact, const struct fact *from)
{
	if (!fact->known)
		*fact = *from;
}

void kernel_crash_facts(struct kernel *kernel, struct machine_facts *ret,
			enum bugcheck_source *ret_bugcheck)
{
	const struct kdbg *kdbg = &kernel->kdbg;
	struct shared_data shared;

	*ret = kernel->dump->facts;
	shared_data_read(kernel->space, &shared);
	ret->machine = machine_of(kernel);
	if (ret->machine == MACHINE_X86)
		ret->pae = space_paging(kernel->space) == PAGING_PAE ? TRI_YES : TRI_NO;
	if (strcmp(kernel->dtb_found_by, "header") != 0) /* a header's has its low bits, too */
		ret->dtb = (struct fact){true, space_dtb(kernel->space)};
	if (kdbg->size != 0)
		prefer(&ret->kdbg, kdbg->va);
	prefer(&ret->module_list, kernel->module_head);
	prefer(&ret->process_list, kdbg->fields[KDBG_PS_ACTIVE_PROCESS_HEAD]);
	prefer_variable(kernel, &ret->pfn_database, KDBG_MM_PFN_DATABASE);
	if (kernel->build.known)
		ret->build = kernel->build;
	if (kernel->processors.known)
		ret->processors = kernel->processors;
	fill_in(&ret->free_build, &shared.free_build);
	find_free_build(kernel, ret);
	fill_in(&ret->product_type, &shared.product_type);
	fill_in(&ret->suite_mask, &shared.suite_mask);
	fill_in(&ret->system_time, &shared.system_time);
	fill_in(&ret->uptime, &shared.uptime);
	*ret_bugcheck = find_bugcheck(kernel, ret);
}

/* False: it cannot be right. */
static bool add_run(struct page_runs *runs, uint64_t pfn, uint64_t count)
{
	const struct page_run *last = runs->count ? &runs->items[runs->count - 1] : NULL;

	if (runs->count == runs->capacity || count == 0 || pfn >= frames_most ||
	    count > frames_most - pfn || (last && pfn < last->pfn + last->count))
		return false;
	runs->items[runs->count++] = (struct page_run){.pfn = pfn, .count = count};
	return true;
}

static bool runs_of_header(struct kernel *kernel, struct page_runs *ret)
{
	const struct crash_header *header = kernel->dump->header;
	struct ps_error ignored = PS_ERROR_INIT;
	struct page_run runs[UINT8_MAX];
	size_t count;

	if (!header || crash_runs(header, 0, runs, &count, &ignored) != PS_OK)
		return false;
	for (size_t i = 0; i < count; i++)
		if (!add_run(ret, runs[i].pfn, runs[i].count))
			return false;
	return true;
}

/* PHYSICAL_MEMORY_DESCRIPTOR: NumberOfRuns, NumberOfPages, and {BasePage, PageCount} for each. */
static bool runs_of_kernel(struct kernel *kernel, struct page_runs *ret)
{
	unsigned width = kernel->pointer_size;
	struct ps_error ignored = PS_ERROR_INIT;
	uint64_t block, pages, pfn, length, sum = 0;
	uint32_t count;

	if (kdbg_variable(kernel->space, &kernel->kdbg, KDBG_MM_PHYSICAL_MEMORY_BLOCK, &block,
			  &ignored) != PS_OK ||
	    space_read_u32(kernel->space, block, &count, &ignored) != PS_OK ||
	    space_read_pointer(kernel->space, block + width, &pages, &ignored) != PS_OK ||
	    count == 0 || count > RUNS_MOST)
		return false;
	for (uint32_t i = 0; i < count; i++) {
		uint64_t at = block + (uint64_t)width * (2 + 2 * i);

		if (space_read_pointer(kernel->space, at, &pfn, &ignored) != PS_OK ||
		    space_read_pointer(kernel->space, at + width, &length, &ignored) != PS_OK ||
		    !add_run(ret, pfn, length))
			return false;
		sum += length;
	}
	return sum == pages;
}

enum ps_status kernel_memory_runs(struct kernel *kernel, struct page_runs *ret,
				  struct ps_error *err)
{
	*ret = (struct page_runs){.items = mem_array(RUNS_MOST, sizeof(*ret->items)),
				  .capacity = RUNS_MOST};
	if (!ret->items)
		return ps_fail_memory(err, "the runs of the machine's memory");
	if (runs_of_header(kernel, ret))
		return PS_OK;
	ret->count = 0;
	if (!runs_of_kernel(kernel, ret))
		ret->count = 0;
	return PS_OK;
}

/* The page at `va`, of which [va, va+length) becomes `data`. */
static bool add_piece(struct kernel *kernel, uint64_t va, const uint8_t *data, size_t length,
		      struct kdbg_piece *piece)
{
	struct translation at;
	struct hole hole;

	if (!space_translate(kernel->space, va, &at, &hole))
		return false;
	piece->pa = at.pa;
	piece->length = length;
	memcpy(piece->data, data, length);
	return true;
}

/* [va, va+length) in clear, within one page. */
static bool decode_piece(struct kernel *kernel, uint64_t va, size_t length,
			 struct kdbg_piece *piece)
{
	struct ps_error ignored = PS_ERROR_INIT;
	uint8_t raw[PAGE_SIZE];
	struct bytes bytes = bytes_of(raw, length);

	if (space_read(kernel->space, va, raw, length, &ignored) != PS_OK)
		return false;
	for (size_t i = 0; i + QWORD <= length; i += QWORD)
		bytes_put(raw + i, kdbg_decode(&kernel->kdbg.cipher, bytes_u64(&bytes, i)), QWORD);
	return add_piece(kernel, va, raw, length, piece);
}

unsigned kernel_kdbg_pieces(struct kernel *kernel, struct kdbg_piece pieces[KDBG_PIECES])
{
	const struct kdbg *kdbg = &kernel->kdbg;
	static const uint8_t plain = 0;
	uint64_t va = kdbg->va, end = va + kdbg->size / QWORD * QWORD;
	unsigned count = 0;

	if (kdbg->size == 0 || !kdbg->encoded || va % QWORD != 0)
		return 0;
	while (va < end) {
		uint64_t next = (va | (PAGE_SIZE - 1)) + 1;
		size_t length = (size_t)((next < end ? next : end) - va);

		if (decode_piece(kernel, va, length, &pieces[count]))
			count++;
		va += length;
	}
	if (count > 0 && kdbg->cipher.flag != 0 &&
	    add_piece(kernel, kdbg->cipher.flag, &plain, 1, &pieces[count]))
		count++;
	return count;
}
