/*
 * Cores of Xen guests (xl dump-core): an ELF file without segments, whose sections are the list of
 * page frame numbers (.xen_pfn), the pages in the same order (.xen_pages) and the registers.
 *
 * Supported: guests whose memory Xen translates (HVM, PVH), which Windows guests are. Refused:
 * paravirtual guests (.xen_p2m).
 *
 * Source: Xen's dump-core format description; vcpu_guest_context of its public headers.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/memory.h"
#include "formats/elf.h"
#include "formats/formats.h"

enum {
	NAMES_MOST = 1 << 16,
	PFNS_AT_ONCE = 512,
	/* vcpu_guest_context of x64: CR3 is the fourth of its control registers */
	CONTEXT_SIZE = 5168,
	CONTEXT_CR3 = 5008,
};

struct xen_core {
	struct dump *dump;
	const struct elf *elf;
	char *names; /* owned; of the sections, ends with NUL */
	size_t names_size;
	bool has_pages, has_pfns, has_p2m;
	struct elf_section pages, pfns, states;
	bool nameless; /* sections are there, and their names are not */
	struct page_runs runs;
};

static enum ps_status read_names(struct xen_core *x, struct ps_error *err)
{
	struct elf_section section;
	struct file *file = &x->dump->file;

	x->nameless = x->elf->sections > 1;
	if (x->elf->names >= x->elf->sections ||
	    elf_section_read(file, x->elf, x->elf->names, &section, err) != PS_OK ||
	    section.size == 0 || section.size > NAMES_MOST)
		return PS_NOT_FOUND;
	x->names = mem_array(1, (size_t)section.size + 1);
	if (!x->names)
		return ps_fail_memory(err, "the names of sections");
	x->names_size = (size_t)section.size;
	if (file_read(file, section.offset, x->names, x->names_size, err) != PS_OK)
		return PS_NOT_FOUND;
	x->nameless = false;
	return PS_OK;
}

/* An ELF core without segments, with sections: QEMU and VirtualBox write none such, Xen does. */
static enum ps_status refuse_nameless(struct ps_error *err)
{
	ps_error_clear(err);
	ps_fail(err, PS_CORRUPT,
		"it looks like a core of a Xen guest, but the names of its sections are not where "
		"its header says");
	return err->status;
}

static enum ps_status find_sections(struct xen_core *x, struct ps_error *err)
{
	bool known = false;

	for (uint64_t i = 0; i < x->elf->sections; i++) {
		struct elf_section section;
		const char *name;

		if (elf_section_read(&x->dump->file, x->elf, i, &section, err) != PS_OK)
			return err->status;
		name = section.name < x->names_size ? x->names + section.name : "";
		if (strcmp(name, ".xen_pages") == 0) {
			x->has_pages = true;
			x->pages = section;
		} else if (strcmp(name, ".xen_pfn") == 0) {
			x->has_pfns = true;
			x->pfns = section;
		} else if (strcmp(name, ".xen_prstatus") == 0) {
			x->states = section;
		}
		x->has_p2m |= strcmp(name, ".xen_p2m") == 0;
		known |= name[0] != '\0';
	}
	x->nameless = !known && x->elf->sections > 1;
	return PS_OK;
}

static enum ps_status read_pfns(struct xen_core *x, struct ps_error *err)
{
	struct file *file = &x->dump->file;
	uint64_t room = file->size > x->pfns.offset ? file->size - x->pfns.offset : 0;
	uint64_t count = (x->pfns.size < room ? x->pfns.size : room) / 8;
	uint8_t raw[PFNS_AT_ONCE * 8];
	struct bytes bytes = bytes_of(raw, sizeof(raw));

	if (x->pages.offset > INT64_MAX || x->pages.size / PAGE_SIZE < count)
		return ps_fail_at(err, PS_CORRUPT, x->pages.offset,
				  "it lists %" PRIu64 " pages, but has room for %" PRIu64, count,
				  x->pages.size / PAGE_SIZE);
	for (uint64_t i = 0; i < count; i++) {
		uint64_t part = count - i < PFNS_AT_ONCE ? count - i : PFNS_AT_ONCE;

		if (i % PFNS_AT_ONCE == 0 &&
		    file_read(file, x->pfns.offset + i * 8, raw, (size_t)part * 8, err) != PS_OK)
			return ps_wrap(err, "cannot read the list of pages");
		if (!page_runs_add_page(&x->runs, bytes_u64(&bytes, (size_t)(i % PFNS_AT_ONCE) * 8),
					x->pages.offset + i * PAGE_SIZE))
			return ps_fail_memory(err, "the list of pages");
	}
	if (count < x->pfns.size / 8) {
		x->dump->complete = false;
		dump_note(x->dump, "the file ends inside its list of pages");
	}
	return page_map_set_runs(&x->dump->map, x->runs.items, x->runs.count, err);
}

static void read_states(struct xen_core *x)
{
	struct ps_error ignored = PS_ERROR_INIT;
	uint8_t raw[8];
	struct bytes bytes = bytes_of(raw, sizeof(raw));

	for (uint64_t i = 0; i < x->states.size / CONTEXT_SIZE && i < CR3_MOST; i++) {
		uint64_t at = x->states.offset + i * CONTEXT_SIZE + CONTEXT_CR3;

		if (x->states.offset > x->dump->file.size ||
		    file_read(&x->dump->file, at, raw, sizeof(raw), &ignored) != PS_OK)
			return;
		core_add_cr3(&x->dump->facts, bytes_u64(&bytes, 0));
	}
}

static enum ps_status read_xen(struct xen_core *x, struct ps_error *err)
{
	enum ps_status status = read_names(x, err);

	if (status == PS_NOT_FOUND && x->nameless)
		return refuse_nameless(err);
	if (status == PS_OK)
		status = find_sections(x, err);
	if (status != PS_OK)
		return status;
	if (!x->has_pages && x->nameless)
		return refuse_nameless(err);
	if (!x->has_pages)
		return PS_NOT_FOUND;
	if (!x->has_pfns) {
		ps_fail(err, PS_UNSUPPORTED, "it is a core of a paravirtual Xen guest%s",
			x->has_p2m ? "" : " or has lost its list of pages");
		ps_hint(err, "Windows runs in fully virtualised (HVM) guests: dump one of those");
		return err->status;
	}
	status = read_pfns(x, err);
	if (status == PS_OK)
		read_states(x);
	return status;
}

enum ps_status elf_xen_open(struct dump *dump, const struct elf *elf, struct ps_error *err)
{
	struct xen_core x = {.dump = dump, .elf = elf};
	enum ps_status status = read_xen(&x, err);

	free(x.names);
	free(x.runs.items);
	return status;
}
