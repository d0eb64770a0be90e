/*
 * Finds the offsets of EPROCESS and proves them on the list of processes. See process_offsets.h.
 */
#include "analyzer/kernel/process_offsets.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/memory.h"

enum {
	PROCESS_TYPE = 3, /* KOBJECTS: ProcessObject */
	IMAGE_NAME = 16,  /* bytes: 15, and on XP 16 */
	SYSTEM_PID = 4,
	PROVED_NODES = 4, /* looked at from each end */
	NODES_WITHOUT_SYSTEM = 2,
	/* of KDDEBUGGER_DATA64 */
	KDBG_OWNER_TAG = 0x10,
	KDBG_PARENT = 0x2ac, /* OffsetEprocessParentCID */
	KDBG_DTB = 0x2ae,    /* OffsetEprocessDirectoryTableBase */
	KDBG_OFFSETS_END = 0x2b0,
	MOST_OFFSET = 0x2000,
};

static const char empty_list[] = "the list is empty";
static const char against_kdbg[] = "KDBG says that its members lie elsewhere";

static bool read_pointer(struct kernel *kernel, uint64_t va, uint64_t *ret)
{
	struct ps_error ignored = PS_ERROR_INIT;

	return space_read_pointer(kernel->space, va, ret, &ignored) == PS_OK;
}

/* Up to its NUL: what Windows takes from a file's name, never a control character. */
static bool is_name(const uint8_t name[IMAGE_NAME])
{
	size_t length = strnlen((const char *)name, IMAGE_NAME);

	for (size_t i = 0; i < length; i++) {
		if (name[i] < 0x20 || name[i] == 0x7f)
			return false;
	}
	return length > 0 && length < IMAGE_NAME;
}

bool process_is_one(struct kernel *kernel, const struct process_offsets *o, uint64_t va)
{
	struct ps_error ignored = PS_ERROR_INIT;
	uint8_t type, name[IMAGE_NAME];
	uint64_t pid;

	return space_read(kernel->space, va, &type, 1, &ignored) == PS_OK && type == PROCESS_TYPE &&
	       read_pointer(kernel, va + o->pid, &pid) && pid != 0 && pid % 4 == 0 &&
	       pid <= UINT32_MAX &&
	       space_read(kernel->space, va + o->name, name, sizeof(name), &ignored) == PS_OK &&
	       is_name(name);
}

/* Number of processes, of at most PROVED_NODES, that can be followed from the head in one way. */
static unsigned good_nodes(struct kernel *kernel, const struct process_offsets *o, uint64_t head,
			   unsigned link)
{
	unsigned back = kernel->pointer_size - link;
	uint64_t at = head, next, previous;
	unsigned good = 0;

	while (good < PROVED_NODES && read_pointer(kernel, at + link, &next) && next != head &&
	       space_is_kernel_address(kernel->space, next) &&
	       read_pointer(kernel, next + back, &previous) && previous == at &&
	       process_is_one(kernel, o, next - o->links)) {
		good++;
		at = next;
	}
	return good;
}

static bool is_system(struct kernel *kernel, const struct process_offsets *o, uint64_t va,
		      const char **ret_why)
{
	struct ps_error ignored = PS_ERROR_INIT;
	uint8_t name[IMAGE_NAME];
	uint64_t pid, dtb;

	*ret_why = "the first process of the list is not pid 4";
	if (!read_pointer(kernel, va + o->pid, &pid) || pid != SYSTEM_PID)
		return false;
	*ret_why = "the first process of the list is not named System";
	if (space_read(kernel->space, va + o->name, name, sizeof(name), &ignored) != PS_OK ||
	    memcmp(name, "System", sizeof("System")) != 0)
		return false;
	*ret_why = "the System process has no page tables there";
	if (!read_pointer(kernel, va + o->dtb, &dtb) || dtb == 0 || dtb >> 52 != 0)
		return false;
	*ret_why = "the first entry of the list is no process";
	return process_is_one(kernel, o, va);
}

/* Is the memory at this VA in the dump? */
static bool is_there(struct kernel *kernel, uint64_t va)
{
	uint64_t ignored;

	return read_pointer(kernel, va, &ignored);
}

/* Root of page tables without PCID, ASID and flags; on PAE roots are 32 bytes aligned. */
static uint64_t masked_dtb(const struct kernel *kernel, uint64_t dtb)
{
	return dtb &
	       ~(space_paging(kernel->space) == PAGING_PAE ? UINT64_C(0x1f) : UINT64_C(0xfff));
}

static bool prove(struct kernel *kernel, const struct process_offsets *o, uint64_t head,
		  struct process_proof *proof, const char **ret_why)
{
	uint64_t first, dtb = 0, system = 0;
	unsigned forwards, backwards;

	*proof = (struct process_proof){.head = head};
	*ret_why = "the list's head is not in the dump";
	if (!read_pointer(kernel, head, &first))
		return false;
	*ret_why = empty_list;
	if (first == head)
		return false;
	if (space_is_kernel_address(kernel->space, first) && is_there(kernel, first - o->links) &&
	    is_there(kernel, first - o->links + o->name))
		system = first - o->links;
	if (system && !is_system(kernel, o, system, ret_why))
		return false;
	forwards = system ? good_nodes(kernel, o, head, 0) : 0;
	backwards = good_nodes(kernel, o, head, kernel->pointer_size);
	*ret_why = "the links of the list's first process do not lead back";
	if (system && forwards == 0)
		return false;
	*ret_why = "the System process is not in the dump, and no two others that prove it";
	if (!system && backwards < NODES_WITHOUT_SYSTEM)
		return false;
	proof->system = system;
	if (system && read_pointer(kernel, system + o->dtb, &dtb))
		proof->same_dtb =
			masked_dtb(kernel, dtb) == masked_dtb(kernel, space_dtb(kernel->space));
	return true;
}

static uint16_t by_symbols(const struct kernel *kernel, const char *type, const char *field)
{
	struct symbol_offset offset;

	if (!symbols_type_offset(kernel->symbols, type, field, &offset) ||
	    offset.offset >= MOST_OFFSET)
		return 0;
	return (uint16_t)offset.offset;
}

/* False when the symbols lack what there is no list without. */
static bool offsets_of_symbols(const struct kernel *kernel, struct process_offsets *o)
{
	struct symbol_offset exiting;

	*o = (struct process_offsets){
		.dtb = by_symbols(kernel, "_KPROCESS", "DirectoryTableBase"),
		.pid = by_symbols(kernel, "_EPROCESS", "UniqueProcessId"),
		.links = by_symbols(kernel, "_EPROCESS", "ActiveProcessLinks"),
		.parent = by_symbols(kernel, "_EPROCESS", "InheritedFromUniqueProcessId"),
		.name = by_symbols(kernel, "_EPROCESS", "ImageFileName"),
		.table = by_symbols(kernel, "_EPROCESS", "ObjectTable"),
		.session = by_symbols(kernel, "_EPROCESS", "Session"),
		.created = by_symbols(kernel, "_EPROCESS", "CreateTime"),
		.exited = by_symbols(kernel, "_EPROCESS", "ExitTime"),
		.active_threads = by_symbols(kernel, "_EPROCESS", "ActiveThreads"),
		.session_id = by_symbols(kernel, "_MM_SESSION_SPACE", "SessionId"),
	};
	if (symbols_type_offset(kernel->symbols, "_EPROCESS", "ProcessExiting", &exiting) &&
	    exiting.bit_position == 2 && exiting.bit_length == 1 && exiting.offset < MOST_OFFSET)
		o->flags = (uint16_t)exiting.offset;
	return o->dtb && o->pid && o->links && o->name;
}

/* What KDBG itself says (from 5.2 on); 0: nothing. */
struct stated {
	uint16_t parent, dtb;
};

static struct stated read_stated(struct kernel *kernel)
{
	const struct kdbg *kdbg = &kernel->kdbg;
	struct ps_error ignored = PS_ERROR_INIT;
	uint8_t raw[KDBG_OFFSETS_END - KDBG_OWNER_TAG];
	struct bytes block = bytes_of(raw, sizeof(raw));

	/* not of one that stands encoded in memory */
	if (kdbg->size < KDBG_OFFSETS_END ||
	    space_read(kernel->space, kdbg->va + KDBG_OWNER_TAG, raw, sizeof(raw), &ignored) !=
		    PS_OK ||
	    !bytes_equal(&block, 0, "KDBG", 4))
		return (struct stated){0, 0};
	return (struct stated){
		bytes_u16(&block, KDBG_PARENT - KDBG_OWNER_TAG),
		bytes_u16(&block, KDBG_DTB - KDBG_OWNER_TAG),
	};
}

static bool contradicts(const struct stated *stated, const struct process_offsets *o)
{
	return (stated->parent && o->parent && stated->parent != o->parent) ||
	       (stated->dtb && stated->dtb != o->dtb);
}

struct finder {
	struct kernel *kernel;
	uint64_t head;
	struct stated stated;
	struct process_proof proof;
	const char *why; /* of the last one that failed */
};

static bool try_symbols(struct finder *f, struct process_offsets *o, char **ret_source)
{
	const char *why;
	char *words;

	if (!f->kernel->symbols || !offsets_of_symbols(f->kernel, o))
		return false;
	why = against_kdbg;
	if (!contradicts(&f->stated, o) && prove(f->kernel, o, f->head, &f->proof, &why)) {
		words = symbols_words(f->kernel->symbols);
		*ret_source = words ? mem_printf("types of %s", words) : NULL;
		free(words);
		return true;
	}
	f->why = why;
	kernel_note(f->kernel, "the symbols' offsets in EPROCESS are not used: %s", why);
	return false;
}

static bool try_layouts(struct finder *f, struct process_offsets *o, char **ret_source)
{
	const struct process_offsets *row;

	for (unsigned i = 0; (row = process_layout(f->kernel, i)) != NULL; i++) {
		f->why = against_kdbg;
		if (contradicts(&f->stated, row) ||
		    !prove(f->kernel, row, f->head, &f->proof, &f->why))
			continue;
		*o = *row;
		*ret_source =
			mem_printf("built-in layout of build %" PRIu64, f->kernel->build.value);
		return true;
	}
	return false;
}

static bool try_search(struct finder *f, struct process_offsets *o, char **ret_source)
{
	const char *why;

	if (!process_offsets_search(f->kernel, f->head, o) || contradicts(&f->stated, o) ||
	    !prove(f->kernel, o, f->head, &f->proof, &why))
		return false;
	o->parent = f->stated.parent;
	*ret_source = mem_printf("structure of the System process");
	return true;
}

enum ps_status process_offsets_find(struct kernel *kernel, uint64_t head,
				    struct process_offsets *ret, struct process_proof *ret_proof,
				    char **ret_source, struct ps_error *err)
{
	struct finder f = {kernel, head, .why = "no layout of this build is known"};
	struct process_offsets o;

	f.stated = read_stated(kernel);
	*ret_source = NULL;
	if (!try_symbols(&f, &o, ret_source) && !try_layouts(&f, &o, ret_source) &&
	    !try_search(&f, &o, ret_source)) {
		ps_fail_at(err, PS_NOT_FOUND, head,
			   "cannot read the processes behind PsActiveProcessHead at 0x%" PRIx64
			   ": %s",
			   head, f.why);
		if (strcmp(f.why, empty_list) == 0)
			return err->status;
		ps_hint(err, "--symbols DIR with the kernel's PDB or ISF, if the layout is "
			     "another; a complete memory dump, if pages are missing");
		return err->status;
	}
	if (!*ret_source)
		return ps_fail_memory(err, "the source of the process offsets");
	*ret = o;
	*ret_proof = f.proof;
	return PS_OK;
}
