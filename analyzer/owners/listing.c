/*
 * Disassembly around a site.
 */
#include "analyzer/owners/listing.h"

#include <capstone/capstone.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/owners/load.h"
#include "base/memory.h"

enum {
	STRETCH_MAX = 1 << 16, /* bytes from the beginning of the function to its site */
	ALIGNED_BACK = 64,     /* bytes before a site without a function, ARM64 */
};

struct lister {
	const struct owners *owners;
	const struct view *view;
	const struct owner_evidence *evidence;
	csh handle;
	cs_insn *insn;
	struct listing *listing;
	struct listing_line recent[LISTING_BEFORE]; /* ring of lines before the site */
	size_t seen;                                /* lines that went into it */
	struct listing_line tag_line;               /* seen before the ring's window */
	size_t tag_at;                              /* its number; SIZE_MAX: none */
	bool no_memory;
};

static bool push(struct lister *lister, const struct listing_line *line)
{
	struct listing *listing = lister->listing;

	if (!mem_grow((void **)&listing->lines, listing->count, &listing->capacity,
		      sizeof(*listing->lines))) {
		lister->no_memory = true;
		return false;
	}
	listing->lines[listing->count++] = *line;
	return true;
}

/* The routine behind an address of the image, or its place. */
static void name_target(const struct lister *lister, uint64_t va, struct listing_line *line)
{
	const struct view *view = lister->view;
	const struct callee *callee = callees_find(&view->callees, va);
	uint32_t rva;

	if (callee && !callee->is_wrapper) {
		snprintf(line->target, sizeof(line->target), "%s", callee->api->name);
		return;
	}
	if (!pe_rva_of(view->image, va, &rva))
		return;
	for (size_t i = 0; i < view->slot_count; i++) {
		if (view->slots[i].rva != rva || !view->slots[i].name)
			continue;
		snprintf(line->target, sizeof(line->target), "%.95s", view->slots[i].name);
		return;
	}
	if (callee)
		snprintf(line->target, sizeof(line->target), "+0x%" PRIx32 ", which calls %s", rva,
			 callee->api->name);
}

static void name_x86_operand(const struct lister *lister, const cs_insn *insn,
			     struct listing_line *line)
{
	const cs_x86 *x86 = &insn->detail->x86;
	bool goes = cs_insn_group(lister->handle, insn, CS_GRP_CALL) ||
		    cs_insn_group(lister->handle, insn, CS_GRP_JUMP);

	for (unsigned i = 0; i < x86->op_count; i++) {
		const cs_x86_op *op = &x86->operands[i];

		if (op->type == X86_OP_IMM && goes)
			name_target(lister, (uint64_t)op->imm, line);
		else if (op->type == X86_OP_MEM && op->mem.base == X86_REG_RIP)
			name_target(lister, insn->address + insn->size + (uint64_t)op->mem.disp,
				    line);
		else if (op->type == X86_OP_MEM && op->mem.base == X86_REG_INVALID &&
			 op->mem.index == X86_REG_INVALID)
			name_target(lister, (uint32_t)op->mem.disp, line);
	}
}

static void name_operand(const struct lister *lister, const cs_insn *insn,
			 struct listing_line *line)
{
	if (!insn->detail)
		return;
	if (lister->view->image->machine != PE_ARM64) {
		name_x86_operand(lister, insn, line);
		return;
	}
	if (insn->id == ARM64_INS_BL || insn->id == ARM64_INS_B)
		name_target(lister, (uint64_t)insn->detail->arm64.operands[0].imm, line);
}

/* What the site itself calls is known better than its operand says. */
static void name_site(const struct lister *lister, struct listing_line *line)
{
	const struct owner_evidence *evidence = lister->evidence;
	const struct owners *owners = lister->owners;

	if (evidence->levels == 0) {
		snprintf(line->target, sizeof(line->target), "%s",
			 evidence->api ? evidence->api : "");
		return;
	}
	snprintf(line->target, sizeof(line->target), "%.40s+0x%" PRIx32 ", which calls %.40s",
		 evidence->wrapper_module < owners->image_count
			 ? owners->images[evidence->wrapper_module].name
			 : "",
		 evidence->wrapper, evidence->api ? evidence->api : "");
}

static void fill_line(const struct lister *lister, const cs_insn *insn, struct listing_line *line)
{
	memset(line, 0, sizeof(*line));
	line->va = insn->address;
	line->rva = (uint32_t)(insn->address - lister->view->image->base);
	line->length = insn->size < LISTING_BYTES ? insn->size : LISTING_BYTES;
	memcpy(line->bytes, insn->bytes, line->length);
	snprintf(line->text, sizeof(line->text), "%s%s%.80s", insn->mnemonic,
		 insn->op_str[0] ? " " : "", insn->op_str);
	line->is_site = line->rva == lister->evidence->rva;
	line->has_tag = lister->evidence->tag_from != 0 && line->rva == lister->evidence->tag_from;
	if (line->is_site)
		name_site(lister, line);
	else
		name_operand(lister, insn, line);
}

/* The lines kept before the site, and the one with the tag where it is further away. */
static bool flush(struct lister *lister)
{
	size_t kept = lister->seen < LISTING_BEFORE ? lister->seen : LISTING_BEFORE;
	size_t first = lister->seen - kept;

	if (lister->tag_at < first) {
		if (!push(lister, &lister->tag_line))
			return false;
	}
	for (size_t i = first; i < lister->seen; i++) {
		struct listing_line *line = &lister->recent[i % LISTING_BEFORE];

		if (i == first && lister->tag_at < first)
			line->gap_before = lister->tag_at + 1 < first;
		if (!push(lister, line))
			return false;
	}
	return true;
}

static void remember(struct lister *lister, const struct listing_line *line)
{
	if (line->has_tag) {
		lister->tag_line = *line;
		lister->tag_at = lister->seen;
	}
	lister->recent[lister->seen++ % LISTING_BEFORE] = *line;
}

/* From `start` over the site and a little on. False when the site was not met. */
static bool list_from(struct lister *lister, uint32_t start)
{
	const struct pe_image *image = lister->view->image;
	const struct pe_section *section = pe_section_at(image, start);
	const uint8_t *code = image->bytes + start;
	uint64_t address = image->base + start;
	size_t size;
	unsigned after = 0;
	bool met = false;
	struct listing_line line;

	if (!section || start > lister->evidence->rva)
		return false;
	size = section->rva + section->size - start;
	if (size > STRETCH_MAX)
		size = STRETCH_MAX;
	lister->seen = 0;
	lister->tag_at = SIZE_MAX;
	while (after <= LISTING_AFTER && pe_at(image, (uint32_t)(address - image->base), 1) &&
	       cs_disasm_iter(lister->handle, &code, &size, &address, lister->insn)) {
		fill_line(lister, lister->insn, &line);
		if (!met && line.rva > lister->evidence->rva)
			return false;
		if (line.is_site && !flush(lister))
			return true;
		met |= line.is_site;
		after += met;
		if (met && !push(lister, &line))
			return true;
		if (!met)
			remember(lister, &line);
	}
	return met;
}

/* Functions begin where the record or the analysis says; a site alone is better than nothing. */
static void list_code(struct lister *lister)
{
	const struct owner_evidence *evidence = lister->evidence;
	const struct pe_function *body = pe_function_at(&lister->view->functions, evidence->rva);

	if (body && list_from(lister, body->begin))
		return;
	if (evidence->function && list_from(lister, evidence->function))
		return;
	if (lister->view->image->machine == PE_ARM64 && evidence->rva >= ALIGNED_BACK &&
	    list_from(lister, evidence->rva - ALIGNED_BACK))
		return;
	list_from(lister, evidence->rva);
}

/* A line of data that starts at the tag. */
static void list_data(struct lister *lister, uint32_t rva)
{
	const struct view *view = lister->view;
	struct listing_line line = {.rva = rva, .va = view->image->base + rva, .has_tag = true};
	const uint8_t *data = NULL;

	for (line.length = LISTING_BYTES; line.length >= 4 && !data; line.length -= 4)
		data = pe_at(view->image, rva, line.length);
	if (!data)
		return;
	line.length += 4;
	memcpy(line.bytes, data, line.length);
	line.is_site = rva == lister->evidence->rva;
	if (lister->evidence->api)
		snprintf(line.target, sizeof(line.target), "%s", lister->evidence->api);
	push(lister, &line);
}

static bool open_machine(uint16_t machine, csh *ret)
{
	cs_arch arch = machine == PE_ARM64 ? CS_ARCH_ARM64 : CS_ARCH_X86;
	cs_mode mode = machine == PE_X64 ? CS_MODE_64 : machine == PE_X86 ? CS_MODE_32 : 0;

	if (cs_open(arch, mode, ret) != CS_ERR_OK)
		return false;
	cs_option(*ret, CS_OPT_DETAIL, CS_OPT_ON);
	return true;
}

static bool in_code(const struct view *view, uint32_t rva)
{
	const struct pe_section *section = pe_section_at(view->image, rva);

	return section && pe_section_is_code(section);
}

static enum ps_status list(struct lister *lister, struct ps_error *err)
{
	const struct owner_evidence *evidence = lister->evidence;
	uint16_t machine = lister->view->image->machine;

	if (evidence->function == 0 && !in_code(lister->view, evidence->rva)) {
		list_data(lister, evidence->rva);
		return PS_OK;
	}
	if (!open_machine(machine, &lister->handle))
		return ps_fail(err, PS_UNSUPPORTED, "cannot disassemble machine 0x%x", machine);
	lister->insn = cs_malloc(lister->handle);
	if (lister->insn)
		list_code(lister);
	else
		lister->no_memory = true;
	/* A tag that the code loads from a variable or a constant. */
	if (evidence->tag_from && !in_code(lister->view, evidence->tag_from))
		list_data(lister, evidence->tag_from);
	if (lister->insn)
		cs_free(lister->insn, 1);
	cs_close(&lister->handle);
	return PS_OK;
}

enum ps_status listing_create(const struct owners *owners, const struct owner_candidate *candidate,
			      const struct owner_evidence *evidence, struct listing *ret,
			      struct ps_error *err)
{
	struct lister lister = {.owners = owners, .evidence = evidence, .listing = ret};
	enum ps_status status;

	memset(ret, 0, sizeof(*ret));
	if (candidate->where != OWNER_LOADED)
		return PS_OK;
	lister.view = store_view(owners->store, candidate->module, evidence->from_file);
	if (!lister.view || evidence->rva >= lister.view->image->size)
		return PS_OK;
	status = list(&lister, err);
	if (status == PS_OK && lister.no_memory)
		status = ps_fail_memory(err, "a listing");
	if (status != PS_OK)
		listing_fini(ret);
	return status;
}

void listing_fini(struct listing *listing)
{
	free(listing->lines);
	memset(listing, 0, sizeof(*listing));
}
