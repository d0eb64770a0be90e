/*
 * Cached entries: what was asked of a PDB or ISF, as text, a line a fact.
 *
 *   poolscope-symbols 1
 *   pdb ntkrnlmp.pdb 8CFB49428DC86A330CE257778E0C2F93-1
 *   symbol PoolTrackTable 0x40a8f8
 *   field _EPROCESS UniqueProcessId 0x2e0 0 0 8
 *   end
 *
 * RVAs and offsets in hex, then the bits' position and number and the member's width in bytes in
 * decimal. Words that this version does not know are passed over; without the last line the entry
 * is cut off.
 */
#include "analyzer/kernel/symbol_set.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "formats/file.h"

enum { ENTRY_MOST = 64 << 10, LINE_MOST = 256 };

static const char first_line[] = "poolscope-symbols 1";

bool symbol_set_write_entry(const struct symbol_set *set, FILE *out)
{
	fprintf(out, "%s\npdb %s %s\n", first_line, set->pdb_name, set->guid_age);
	for (unsigned i = 0; i < SYMBOL_COUNT; i++)
		if (set->rvas[i] != 0)
			fprintf(out, "symbol %s 0x%" PRIx32 "\n", symbol_names[i], set->rvas[i]);
	for (unsigned i = 0; i < SYMBOL_FIELD_COUNT; i++)
		if (set->fields[i].known)
			fprintf(out, "field %s %s 0x%" PRIx32 " %u %u %u\n", symbol_fields[i].type,
				symbol_fields[i].name, set->fields[i].offset,
				set->fields[i].bit_position, set->fields[i].bit_length,
				set->fields[i].width);
	fputs("end\n", out);
	return fflush(out) == 0 && !ferror(out);
}

static enum ps_status damaged(const char *path, unsigned line, struct ps_error *err)
{
	return ps_fail(err, PS_CORRUPT, "%s is damaged in line %u", path, line);
}

static enum ps_status take_line(struct symbol_set *set, const struct symbol_index *index,
				const char *line, bool *ret_end)
{
	char first[LINE_MOST], second[LINE_MOST];
	uint32_t number;
	unsigned position, length, width;

	*ret_end = strcmp(line, "end") == 0;
	if (sscanf(line, "symbol %255s 0x%" SCNx32, first, &number) == 2) {
		symbol_set_symbol(set, index, first, strlen(first), number);
	} else if (sscanf(line, "field %255s %255s 0x%" SCNx32 " %u %u %u", first, second, &number,
			  &position, &length, &width) == 6) {
		if (position > UINT8_MAX || length > UINT8_MAX || width > UINT8_MAX)
			return PS_CORRUPT;
		symbol_set_field(set, symbol_index_field(index, first, second),
				 &(struct symbol_offset){.offset = number,
							 .bit_position = (uint8_t)position,
							 .bit_length = (uint8_t)length,
							 .width = (uint8_t)width});
	} else if (strncmp(line, "pdb ", 4) == 0) {
		if (sscanf(line, "pdb %63s %47s", set->pdb_name, set->guid_age) != 2)
			return PS_CORRUPT;
	} else if (strncmp(line, "symbol ", 7) == 0 || strncmp(line, "field ", 6) == 0) {
		return PS_CORRUPT;
	}
	return PS_OK;
}

static enum ps_status take_lines(struct symbol_set *set, const struct symbol_index *index,
				 const char *path, char *text, struct ps_error *err)
{
	bool end = false;
	unsigned number = 0;
	char *rest = text;

	for (char *line; !end && (line = strsep(&rest, "\n"));) {
		number++;
		if (strlen(line) >= LINE_MOST || (number == 1 && strcmp(line, first_line) != 0) ||
		    take_line(set, index, line, &end) != PS_OK)
			return damaged(path, number, err);
	}
	if (!end)
		return ps_fail(err, PS_CORRUPT, "%s is cut off", path);
	return PS_OK;
}

static enum ps_status read_text(const char *path, char **ret, struct ps_error *err)
{
	struct file file = {.fd = -1};
	char *text = NULL;
	enum ps_status status = file_open(&file, path, err);

	if (status != PS_OK)
		return status;
	if (file.size > ENTRY_MOST)
		status = ps_fail(err, PS_CORRUPT, "%s is too large for an entry", path);
	else if (!(text = mem_array((size_t)file.size + 1, 1)))
		status = ps_fail_memory(err, "symbols");
	else
		status = file_read(&file, 0, text, (size_t)file.size, err);
	file_close(&file);
	if (status == PS_OK)
		*ret = text;
	else
		free(text);
	return status;
}

enum ps_status symbol_set_load_entry(struct symbol_set *set, const struct symbol_index *index,
				     const char *path, const char *guid_age, struct ps_error *err)
{
	char *text = NULL;
	enum ps_status status;

	*set = (struct symbol_set){.source = SOURCE_CACHE};
	set->origin = mem_strndup(path, strlen(path));
	if (!set->origin)
		return ps_fail_memory(err, "symbols");
	status = read_text(path, &text, err);
	if (status == PS_OK)
		status = take_lines(set, index, path, text, err);
	if (status == PS_OK && guid_age && strcmp(set->guid_age, guid_age) != 0)
		status = ps_fail(err, PS_NOT_FOUND, "%s is for %s, and the kernel is %s", path,
				 set->guid_age, guid_age);
	free(text);
	return status;
}
