/*
 * Chooses the paging kind and the page-table root: what the container says when that leads to the
 * kernel, else a search of physical memory. See search.h.
 *
 * Of one machine, the commoner paging kind is tried first (four levels, then LA57), and the other
 * taken when it leads to the kernel and the first does not. Where no KDBG and no low stub prove a
 * root, the kernel's image does, found by its exports in the addresses where Windows puts it.
 */
#include "analyzer/kernel/search.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { HINT_REACH = 32 << 20 }; /* bytes: the low stub's hint lies inside the kernel image */

/* How well a root agrees with what the container says. */
enum proof {
	PROOF_NONE,
	PROOF_MAPPED, /* an address that it names is mapped, but the page is not in the dump */
	PROOF_CONTENT,
};

static enum proof proof_of_error(struct space *space, uint64_t va)
{
	struct translation at;
	struct hole hole;

	return space_translate(space, va, &at, &hole) ? PROOF_MAPPED : PROOF_NONE;
}

static enum proof proof_by_kdbg(struct space *space, const struct fact *kdbg)
{
	struct ps_error err = PS_ERROR_INIT;
	struct kdbg block;

	if (!kdbg->known || !space_is_kernel_address(space, kdbg->value))
		return PROOF_NONE;
	if (kdbg_read(space, kdbg->value, &block, &err) == PS_OK)
		return search_is_other_machine(space, block.kernel_base) ? PROOF_NONE
									 : PROOF_CONTENT;
	return err.status == PS_ABSENT ? proof_of_error(space, kdbg->value) : PROOF_NONE;
}

static enum proof proof_by_list(struct space *space, const struct fact *list)
{
	struct ps_error err = PS_ERROR_INIT;
	struct module_head first;

	if (!list->known || !space_is_kernel_address(space, list->value))
		return PROOF_NONE;
	if (modules_read_first(space, list->value, &first, &err) == PS_OK)
		return search_is_other_machine(space, first.base) ? PROOF_NONE : PROOF_CONTENT;
	return err.status == PS_ABSENT ? proof_of_error(space, list->value) : PROOF_NONE;
}

static enum proof proof_by_header(struct space *space)
{
	const struct machine_facts *facts = &space_dump(space)->facts;
	enum proof by_kdbg = proof_by_kdbg(space, &facts->kdbg), by_list;

	if (by_kdbg == PROOF_CONTENT)
		return by_kdbg;
	by_list = proof_by_list(space, &facts->module_list);
	return by_list > by_kdbg ? by_list : by_kdbg;
}

/* Walks down from the hint to the kernel's image. */
bool search_proved_by_hint(struct kernel_search *search, struct space *space, uint64_t hint)
{
	hint &= ~(uint64_t)(PAGE_SIZE - 1);
	for (uint64_t down = 0; down <= HINT_REACH && space_is_kernel_address(space, hint - down);
	     down += PAGE_SIZE) {
		if (!search_is_kernel(space, hint - down))
			continue;
		search->proved_base = hint - down;
		search->proved_by = "search of the kernel image";
		return true;
	}
	return false;
}

struct trace_proof {
	struct kernel_search *search;
	struct space *space;
};

static bool trace_proves(void *context, const struct kdbg_trace *trace)
{
	struct trace_proof *proof = context;

	if (!search_trace_fits(proof->space, trace, &proof->search->proved_base))
		return false;
	proof->search->proved_by = "search of memory";
	return true;
}

/* Memory is searched once at most: a later candidate is held against the blocks seen. */
bool search_proved_by_traces(struct kernel_search *search, struct space *space)
{
	struct trace_proof proof = {search, space};
	struct ps_error err = PS_ERROR_INIT;
	enum ps_status status;

	for (unsigned i = 0; i < search->trace_count; i++)
		if (trace_proves(&proof, &search->traces[i]))
			return true;
	if (search->scanned)
		return false;
	status = search_memory(search, trace_proves, &proof, &err);
	if (status != PS_OK && status != PS_NOT_FOUND)
		search->trouble = err;
	return status == PS_OK;
}

bool search_proved_by_image(struct kernel_search *search, struct space *space)
{
	uint64_t base = search_find_kernel(search, space);

	if (base == 0)
		return false;
	search->proved_base = base;
	search->proved_by = "search of the kernel image";
	return true;
}

bool search_proved_by_header(struct space *space)
{
	return proof_by_header(space) == PROOF_CONTENT;
}

/* One way to prove a root by what is in memory. */
typedef bool (*root_test)(struct kernel_search *search, struct space *space);

static bool proved_by_content(struct kernel_search *search, struct space *space)
{
	return search_proved_by_header(space) || search_proved_by_traces(search, space);
}

/* A root that somebody named; the kernel's space when it is proved. */
static bool try_root(struct kernel_search *search, root_test test, enum paging paging, uint64_t dtb,
		     const char *found_by)
{
	struct ps_error ignored = PS_ERROR_INIT;
	struct space *space;

	if (search->trouble.status != PS_OK ||
	    space_create(search->kernel->dump, paging, dtb, &space, &ignored) != PS_OK)
		return false;
	if (test(search, space)) {
		search->kernel->space = space;
		search->kernel->dtb_found_by = found_by;
		return true;
	}
	space_destroy(space);
	return false;
}

/* The paging kinds that the machine can have, the likeliest first. Returns how many. */
static unsigned paging_kinds(const struct machine_facts *facts, enum paging kinds[PAGING_KINDS])
{
	static const enum paging any[PAGING_KINDS] = {PAGING_X64, PAGING_X64_LA57, PAGING_ARM64,
						      PAGING_PAE, PAGING_X86};

	if (facts->machine == MACHINE_X64) {
		kinds[0] = PAGING_X64;
		kinds[1] = PAGING_X64_LA57;
		return 2;
	}
	if (facts->machine == MACHINE_ARM64) {
		kinds[0] = PAGING_ARM64;
		return 1;
	}
	if (facts->machine == MACHINE_X86) {
		kinds[0] = facts->pae == TRI_NO ? PAGING_X86 : PAGING_PAE;
		kinds[1] = facts->pae == TRI_NO ? PAGING_PAE : PAGING_X86;
		return 2;
	}
	memcpy(kinds, any, sizeof(any));
	return PAGING_KINDS;
}

/*
 * Tries the header's root under each paging kind and keeps the first that the header's own
 * addresses prove at least so well.
 */
static bool try_header(struct kernel_search *search, enum proof wanted)
{
	struct kernel *kernel = search->kernel;
	const struct machine_facts *facts = &kernel->dump->facts;
	struct ps_error ignored = PS_ERROR_INIT;
	enum paging kinds[PAGING_KINDS];
	unsigned count = paging_kinds(facts, kinds);

	for (unsigned i = 0; facts->dtb.known && i < count; i++) {
		struct space *space;

		if (space_create(kernel->dump, kinds[i], facts->dtb.value, &space, &ignored) !=
		    PS_OK)
			continue;
		if (proof_by_header(space) >= wanted) {
			kernel->space = space;
			kernel->dtb_found_by = "header";
			return true;
		}
		space_destroy(space);
	}
	return false;
}

/*
 * The root that the header names, and those that the processors had. A processor in user mode may
 * have one that maps no kernel.
 */
static bool try_named_roots(struct kernel_search *search, root_test test)
{
	const struct machine_facts *facts = &search->kernel->dump->facts;
	enum paging kinds[PAGING_KINDS];
	unsigned count = paging_kinds(facts, kinds);

	for (unsigned k = 0; facts->dtb.known && k < count; k++)
		if (try_root(search, test, kinds[k], facts->dtb.value, "header"))
			return true;
	for (unsigned i = 0; i < facts->cr3_count; i++)
		for (unsigned k = 0; k < count; k++)
			if (try_root(search, test, kinds[k], facts->cr3[i], "state of a processor"))
				return true;
	return false;
}

/* ": its page is beyond the end of the file" and the like; empty when the page is there. */
static const char *root_page_words(struct dump *dump, char out[64])
{
	uint64_t pa = dump->facts.dtb.value & 0x000fffffffffffe0;
	enum page_state state;
	uint8_t entry[8];

	out[0] = '\0';
	state = dump_read(dump, pa, entry, sizeof(entry));
	if (state != PAGE_PRESENT)
		snprintf(out, 64, ": its page is %s", page_state_words(state));
	return out;
}

static void hint_no_root(struct kernel_search *search, struct ps_error *err)
{
	const struct dump *dump = search->kernel->dump;

	if (!dump->complete && !dump->holes_absent)
		ps_hint(err, "this file is not complete: copy the dump again, or make another that "
			     "is");
	if (!dump->facts.dtb.known && search->seen == 0)
		ps_hint(err, "give a Windows crash dump (MEMORY.DMP) or an image of all physical "
			     "memory; a kernel is known by its KDBG or by its image "
			     "(ntoskrnl.exe), and this file holds neither");
	ps_hint(err, "poolscope needs the memory of an x86, x64 or ARM64 Windows: a kernel or "
		     "complete memory dump, or a snapshot of all physical memory");
}

/* What the search for an image did; empty when no root was worth one. */
static const char *walked_words(const struct kernel_search *search, char out[80])
{
	out[0] = '\0';
	if (search->pages_walked > 0)
		snprintf(out, 80, "; none of %" PRIu64 " pages begins a kernel's image",
			 search->pages_walked);
	return out;
}

static enum ps_status root_not_found(struct kernel_search *search, struct ps_error *err)
{
	struct dump *dump = search->kernel->dump;
	const struct fact *dtb = &dump->facts.dtb;
	char words[64], walked[80];

	if (err->status != PS_NOT_FOUND)
		return ps_wrap(err, "cannot search for the kernel");
	if (dtb->known)
		ps_fail_at(err, PS_NOT_FOUND, dtb->value,
			   "no Windows kernel found: the header's directory table base 0x%" PRIx64
			   " leads to none%s; no other page tables in the dump do (%" PRIu64
			   " blocks like KDBG seen%s)",
			   dtb->value, root_page_words(dump, words), search->seen,
			   walked_words(search, walked));
	else
		ps_fail(err, PS_NOT_FOUND,
			"no Windows kernel found in %s (%s): no page tables in it lead to one "
			"(%" PRIu64 " blocks like KDBG seen%s)",
			file_words(&dump->file), dump->title, search->seen,
			walked_words(search, walked));
	hint_no_root(search, err);
	return err->status;
}

static void note_disagreements(struct kernel *kernel)
{
	const struct machine_facts *facts = &kernel->dump->facts;
	bool pae = space_paging(kernel->space) == PAGING_PAE;

	if (facts->dtb.known && strcmp(kernel->dtb_found_by, "header") != 0)
		kernel_note(kernel,
			    "the header's directory table base 0x%" PRIx64
			    " does not lead to the kernel; page tables at 0x%" PRIx64
			    " (%s) are used instead",
			    facts->dtb.value, space_dtb(kernel->space), kernel->dtb_found_by);
	if (facts->machine == MACHINE_X86 && facts->pae != TRI_UNKNOWN &&
	    pae != (facts->pae == TRI_YES))
		kernel_note(kernel,
			    "the header says that PAE is %s, but its page tables are %s PAE",
			    facts->pae == TRI_YES ? "on" : "off", pae ? "with" : "without");
}

static bool find_proved_root(struct kernel_search *search, struct ps_error *err)
{
	if (try_header(search, PROOF_CONTENT) || try_named_roots(search, proved_by_content))
		return true;
	if (search->trouble.status == PS_OK && try_named_roots(search, search_proved_by_image))
		return true;
	if (search->trouble.status == PS_OK)
		return search_all_tables(search, err) == PS_OK;
	*err = search->trouble;
	return false;
}

enum ps_status search_root(struct kernel_search *search, struct ps_error *err)
{
	if (!find_proved_root(search, err) &&
	    (err->status != PS_NOT_FOUND || !try_header(search, PROOF_MAPPED)))
		return root_not_found(search, err);
	note_disagreements(search->kernel);
	log_info(search->log, "page tables at 0x%" PRIx64 " (%s, %s)",
		 space_dtb(search->kernel->space),
		 paging_words(space_paging(search->kernel->space)), search->kernel->dtb_found_by);
	return PS_OK;
}
