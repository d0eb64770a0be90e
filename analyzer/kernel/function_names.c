/*
 * See function_names.h. A function is the nearest one that begins at or before the place, in the
 * same section and not further away than a function is long.
 */
#include "analyzer/kernel/function_names.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "analyzer/kernel/pdb.h"
#include "base/memory.h"

enum {
	LONGEST = 0x10000, /* bytes of code that may lie between a place and its function's start */
	NAME_MOST = 200,   /* bytes of a name; what is longer is cut */
	PATH_WORDS = 100,
	MACHINE_OF_X86 = 0x14c,
};

struct function {
	uint32_t rva, end; /* end: of its code; where that is not known, of its section */
	char *name;        /* owned */
	bool is_debug;     /* of debug information, not of the linker's publics */
};

struct function_book {
	bool looked;
	struct function *items; /* owned; by rva */
	size_t count, capacity;
};

static void book_empty(struct function_book *book)
{
	for (size_t i = 0; i < book->count; i++)
		free(book->items[i].name);
	free(book->items);
	book->items = NULL;
	book->count = book->capacity = 0;
}

static bool add_places(struct function_names *names)
{
	const struct symbol_options *o = names->options;
	bool good = true;

	for (size_t i = 0; i < o->path_count && good; i++)
		good = symbol_paths_parse(&names->places, o->paths[i]);
	for (unsigned i = 0; i < 2 && good; i++)
		if (o->environment[i])
			good = symbol_paths_parse(&names->places, o->environment[i]);
	return good;
}

enum ps_status function_names_create(const struct symbol_options *options, size_t images,
				     struct function_names **ret, struct ps_error *err)
{
	struct function_names *names = mem_array(1, sizeof(*names));

	if (!names)
		return ps_fail_memory(err, "the names of functions");
	names->options = options;
	names->count = images;
	names->books = mem_array(images ? images : 1, sizeof(*names->books));
	if (!names->books || !add_places(names)) {
		function_names_destroy(names);
		return ps_fail_memory(err, "the names of functions");
	}
	*ret = names;
	return PS_OK;
}

void function_names_destroy(struct function_names *names)
{
	if (!names)
		return;
	for (size_t i = 0; names->books && i < names->count; i++)
		book_empty(&names->books[i]);
	free(names->books);
	symbol_paths_fini(&names->places);
	free(names);
}

struct taking {
	struct function_book *book;
	const struct pdb *pdb;
	bool no_memory;
};

/* C names of x86 as they were written: _name, _name@8, @name@8. */
static void undecorate(const char **name, size_t *length)
{
	const char *at;

	if (*length < 2 || ((*name)[0] != '_' && (*name)[0] != '@'))
		return;
	++*name;
	--*length;
	at = memrchr(*name, '@', *length);
	if (at && at > *name)
		*length = (size_t)(at - *name);
}

static uint32_t end_of(const struct pdb *pdb, const struct pdb_symbol *symbol)
{
	if (symbol->length == 0)
		return pdb_section_end(pdb, symbol->section);
	return symbol->length < UINT32_MAX - symbol->rva ? symbol->rva + symbol->length
							 : UINT32_MAX;
}

static bool take_function(void *context, const struct pdb_symbol *symbol)
{
	struct taking *t = context;
	struct function_book *book = t->book;
	const char *name = symbol->name;
	size_t length = symbol->name_length;

	if (!symbol->has_rva || !symbol->is_function)
		return true;
	if (t->pdb->machine == MACHINE_OF_X86 && symbol->kind == PDB_PUBLIC)
		undecorate(&name, &length);
	if (!mem_grow((void **)&book->items, book->count, &book->capacity, sizeof(*book->items))) {
		t->no_memory = true;
		return false;
	}
	book->items[book->count] = (struct function){
		.rva = symbol->rva,
		.end = end_of(t->pdb, symbol),
		.name = mem_strndup(name, length < NAME_MOST ? length : NAME_MOST),
		.is_debug = symbol->kind == PDB_FUNCTION,
	};
	t->no_memory = !book->items[book->count].name;
	book->count += !t->no_memory;
	return !t->no_memory;
}

static int compare(const void *left, const void *right)
{
	const struct function *a = left, *b = right;

	if (a->rva != b->rva)
		return a->rva < b->rva ? -1 : 1;
	if (a->is_debug != b->is_debug)
		return a->is_debug ? 1 : -1; /* the last of one place is found */
	return strcmp(b->name, a->name);
}

/* True when the PDB is this image's and was read. */
static bool read_pdb(struct function_book *book, const char *path, const char *guid_age, char *why,
		     size_t size)
{
	struct ps_error err = PS_ERROR_INIT;
	struct pdb *pdb = NULL;
	struct taking t = {.book = book};
	enum ps_status status = pdb_open(path, &pdb, &err);

	if (status == PS_OK && strcmp(pdb->guid_age, guid_age) != 0)
		status = ps_fail(&err, PS_NOT_FOUND, "it is for %s, and the driver's is %s",
				 pdb->guid_age, guid_age);
	if (status == PS_OK) {
		t.pdb = pdb;
		status = pdb_symbols(pdb, PDB_PUBLIC | PDB_FUNCTION, take_function, &t, &err);
	}
	pdb_close(pdb);
	if (status == PS_OK && !t.no_memory) {
		if (book->count > 1)
			qsort(book->items, book->count, sizeof(*book->items), compare);
		return true;
	}
	book_empty(book);
	snprintf(why, size, "%.*s", (int)size - 1, t.no_memory ? "out of memory" : err.text);
	return false;
}

static void note(struct function_names *names, const char *path, const char *why)
{
	size_t length = strlen(path);

	if (names->note_count == FUNCTION_NOTES)
		return;
	snprintf(names->notes[names->note_count++], sizeof(names->notes[0]),
		 "names of functions not used: %s%s%.120s",
		 strstr(why, path) ? "" : (length > PATH_WORDS ? path + length - PATH_WORDS : path),
		 strstr(why, path) ? "" : ": ", why);
}

/* The files of one place, the likeliest first. */
static bool read_place(struct function_names *names, struct function_book *book, const char *place,
		       const struct pe_identity *identity)
{
	struct ps_error ignored = PS_ERROR_INIT;
	struct symbol_files files;
	bool found = false;
	char why[200];

	if (symbol_files_find(&files, place, identity->pdb_name, identity->guid_age, &ignored) !=
	    PS_OK)
		return false;
	for (size_t i = 0; i < files.pdbs.count && !found; i++) {
		const char *path = files.pdbs.items[i], *base = strrchr(path, '/');

		/* A file that is named by its path is one image's, and wrong for all the others. */
		found = read_pdb(book, path, identity->guid_age, why, sizeof(why));
		if (!found && strcasecmp(base ? base + 1 : path, identity->pdb_name) == 0)
			note(names, path, why);
	}
	symbol_files_fini(&files);
	return found;
}

static const struct function *nearest(const struct function_book *book, uint32_t rva)
{
	size_t low = 0, high = book->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (book->items[middle].rva <= rva)
			low = middle + 1;
		else
			high = middle;
	}
	return low > 0 ? &book->items[low - 1] : NULL;
}

const char *function_names_find(struct function_names *names, size_t image,
				const struct pe_identity *identity, uint32_t rva,
				uint32_t *ret_offset)
{
	struct function_book *book;
	const struct function *f;

	if (!names || image >= names->count)
		return NULL;
	book = &names->books[image];
	if (!book->looked && identity->pdb_present) {
		bool found = false;

		for (size_t i = 0; i < names->places.count && !found; i++)
			found = read_place(names, book, names->places.items[i], identity);
	}
	book->looked = true;
	f = nearest(book, rva);
	if (!f || rva >= f->end || rva - f->rva > LONGEST)
		return NULL;
	*ret_offset = rva - f->rva;
	return f->name;
}
