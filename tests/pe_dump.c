/*
 * Prints as JSON what poolscope reads of a PE file: identity, sections, imports, exports, function
 * bodies, version. The tests compare it with another reader's words.
 */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "analyzer/kernel/pe_exports.h"
#include "base/signals.h"

static void add(json_t *to, const char *key, json_t *value)
{
	if (json_object_set_new(to, key, value) != 0)
		abort();
}

static void append(json_t *to, json_t *value)
{
	if (json_array_append_new(to, value) != 0)
		abort();
}

static json_t *text(const char *text)
{
	return text ? json_string(text) : json_null();
}

static json_t *identity_json(const struct pe_identity *identity)
{
	return json_pack("{sI sI sI sI sb ss ss}", "timestamp", (json_int_t)identity->timestamp,
			 "size", (json_int_t)identity->size, "checksum",
			 (json_int_t)identity->checksum, "machine", (json_int_t)identity->machine,
			 "pdb", identity->pdb_present, "pdb_name", identity->pdb_name, "guid_age",
			 identity->guid_age);
}

static json_t *sections_json(const struct pe_image *image)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < image->section_count; i++) {
		const struct pe_section *section = &image->sections[i];

		append(list,
		       json_pack("[s I I I I I]", section->name, (json_int_t)section->rva,
				 (json_int_t)section->size, (json_int_t)section->characteristics,
				 (json_int_t)section->pages, (json_int_t)section->pages_present));
	}
	return list;
}

static bool add_export(void *list, const struct pe_export *export)
{
	append(list, json_pack("[o I I o]", text(export->name), (json_int_t) export->ordinal,
			       (json_int_t) export->rva, text(export->forward)));
	return true;
}

static bool add_import(void *list, const struct pe_import *import)
{
	append(list, json_pack("[s o I I]", import->dll, text(import->name),
			       (json_int_t)import->ordinal, (json_int_t)import->slot));
	return true;
}

static json_t *functions_json(struct pe_image *image)
{
	struct ps_error err = PS_ERROR_INIT;
	struct pe_functions functions;
	json_t *list = json_array();

	if (pe_functions_read(image, &functions, &err) != PS_OK)
		abort();
	for (size_t i = 0; i < functions.count; i++)
		append(list, json_pack("[I I I]", (json_int_t)functions.items[i].begin,
				       (json_int_t)functions.items[i].end,
				       (json_int_t)functions.items[i].root));
	pe_functions_fini(&functions);
	return list;
}

static json_t *version_json(struct pe_image *image)
{
	struct pe_version v;

	pe_version_read(image, &v);
	return json_pack("{sb s[iiii] s[iiii] ss ss ss ss ss ss ss}", "present", v.present, "file",
			 v.file[0], v.file[1], v.file[2], v.file[3], "product_number",
			 v.product_number[0], v.product_number[1], v.product_number[2],
			 v.product_number[3], "CompanyName", v.company, "ProductName", v.product,
			 "FileDescription", v.description, "FileVersion", v.file_version,
			 "OriginalFilename", v.original_name, "LegalCopyright", v.copyright,
			 "why_not", v.why_not);
}

static json_t *image_json(struct pe_image *image)
{
	json_t *root = json_object(), *imports = json_array(), *exports = json_array();
	json_t *notes = json_array();
	struct pe_range iat = pe_iat(image);

	add(root, "identity", identity_json(&image->identity));
	add(root, "base", json_integer((json_int_t)image->base));
	add(root, "entry", json_integer(image->entry));
	add(root, "sections", sections_json(image));
	pe_imports(image, add_import, imports);
	add(root, "imports", imports);
	pe_exports(image, add_export, exports);
	add(root, "exports", exports);
	add(root, "iat", json_pack("[I I]", (json_int_t)iat.rva, (json_int_t)iat.size));
	add(root, "functions", functions_json(image));
	add(root, "version", version_json(image));
	for (unsigned i = 0; i < image->note_count; i++)
		append(notes, json_string(image->notes[i]));
	add(root, "notes", notes);
	return root;
}

int main(int argc, char **argv)
{
	struct ps_error err = PS_ERROR_INIT;
	struct pe_image *image = NULL;
	json_t *root;

	if (argc != 2)
		return 2;
	signals_init();
	if (pe_image_open_file(argv[1], &image, &err) != PS_OK) {
		fprintf(stderr, "%s\n", err.text);
		return 1;
	}
	root = image_json(image);
	json_dumpf(root, stdout, JSON_COMPACT);
	json_decref(root);
	pe_image_close(image);
	return 0;
}
