/*
 * Opens a PDB: identity, sections, and where rearranged code went. See pdb.h.
 *
 * The age that belongs to an image is the DBI stream's: the one of the info stream grows with every
 * tool that writes to the file.
 */
#include "analyzer/kernel/pdb_internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

enum {
	INFO_AGE = 0x08,
	INFO_GUID = 0x0c,
	INFO_BYTES = 0x1c,

	DBI_SIGNATURE = 0x00,
	DBI_AGE = 0x08,
	DBI_SYMBOL_STREAM = 0x14,
	DBI_MODULES_SIZE = 0x18,
	DBI_CONTRIBUTIONS_SIZE = 0x1c,
	DBI_SECTION_MAP_SIZE = 0x20,
	DBI_SOURCES_SIZE = 0x24,
	DBI_TYPE_SERVER_SIZE = 0x28,
	DBI_DEBUG_HEADER_SIZE = 0x30,
	DBI_EC_SIZE = 0x34,
	DBI_MACHINE = 0x3a,

	DEBUG_MOVED = 4,    /* OMAP from the linker's addresses to the image's */
	DEBUG_SECTIONS = 5, /* of the image */
	DEBUG_ORIGINAL_SECTIONS = 10,
	DEBUG_STREAMS = 11,

	SECTION_BYTES = 0x28,
	SECTION_SIZE = 0x08,
	SECTION_RVA = 0x0c,
	SECTIONS_MOST = 0xffff,

	MOVED_BYTES = 8,
	MOVED_MOST = 1 << 22,
};

enum ps_status pdb_corrupt(const struct pdb *pdb, const char *what, struct ps_error *err)
{
	return ps_fail(err, PS_CORRUPT, "%s is a damaged PDB: %s", file_words(&pdb->msf.file),
		       what);
}

bool pdb_string(const struct bytes *b, size_t offset, size_t *ret_length)
{
	const uint8_t *end =
		offset < b->size ? memchr(b->data + offset, 0, b->size - offset) : NULL;

	if (!end)
		return false;
	*ret_length = (size_t)(end - b->data) - offset;
	return true;
}

static void set_guid_age(struct pdb *pdb, struct bytes *b, uint32_t age)
{
	char *out = pdb->guid_age;
	int used = snprintf(out, sizeof(pdb->guid_age), "%08" PRIX32 "%04X%04X",
			    bytes_u32(b, INFO_GUID), bytes_u16(b, INFO_GUID + 4),
			    bytes_u16(b, INFO_GUID + 6));

	for (size_t i = 8; i < 16; i++)
		used += snprintf(out + used, sizeof(pdb->guid_age) - (size_t)used, "%02X",
				 bytes_u8(b, INFO_GUID + i));
	snprintf(out + used, sizeof(pdb->guid_age) - (size_t)used, "-%" PRIX32, age);
}

static enum ps_status read_identity(struct pdb *pdb, struct ps_error *err)
{
	uint8_t raw[INFO_BYTES], dbi[PDB_DBI_HEADER];
	struct bytes b = bytes_of(raw, sizeof(raw)), d = bytes_of(dbi, sizeof(dbi));
	enum ps_status status;

	status = msf_read(&pdb->msf, PDB_INFO_STREAM, 0, raw, sizeof(raw), err);
	if (status != PS_OK)
		return status;
	pdb->info_age = bytes_u32(&b, INFO_AGE);
	pdb->symbol_stream = MSF_NO_STREAM;
	pdb->has_dbi = msf_size(&pdb->msf, PDB_DBI_STREAM) >= sizeof(dbi);
	if (!pdb->has_dbi) {
		set_guid_age(pdb, &b, pdb->info_age);
		return PS_OK;
	}
	status = msf_read(&pdb->msf, PDB_DBI_STREAM, 0, dbi, sizeof(dbi), err);
	if (status != PS_OK)
		return status;
	if (bytes_u32(&d, DBI_SIGNATURE) != UINT32_MAX)
		return pdb_corrupt(pdb, "its DBI stream has another signature", err);
	set_guid_age(pdb, &b, bytes_u32(&d, DBI_AGE));
	pdb->machine = bytes_u16(&d, DBI_MACHINE);
	pdb->symbol_stream = bytes_u16(&d, DBI_SYMBOL_STREAM);
	pdb->dbi_modules_size = bytes_u32(&d, DBI_MODULES_SIZE);
	return PS_OK;
}

/* The numbers of the streams with debug data, MSF_NO_STREAM where there is none. */
static enum ps_status read_debug_header(struct pdb *pdb, uint16_t streams[DEBUG_STREAMS],
					struct ps_error *err)
{
	static const uint32_t before[] = {DBI_MODULES_SIZE,     DBI_CONTRIBUTIONS_SIZE,
					  DBI_SECTION_MAP_SIZE, DBI_SOURCES_SIZE,
					  DBI_TYPE_SERVER_SIZE, DBI_EC_SIZE};
	uint32_t size = msf_size(&pdb->msf, PDB_DBI_STREAM), length;
	uint8_t dbi[PDB_DBI_HEADER], raw[DEBUG_STREAMS * 2];
	struct bytes d = bytes_of(dbi, sizeof(dbi)), b = bytes_of(raw, sizeof(raw));
	uint64_t at = PDB_DBI_HEADER;
	enum ps_status status;

	status = msf_read(&pdb->msf, PDB_DBI_STREAM, 0, dbi, sizeof(dbi), err);
	if (status != PS_OK)
		return status;
	for (size_t i = 0; i < sizeof(before) / sizeof(before[0]); i++)
		at += bytes_u32(&d, before[i]);
	length = bytes_u32(&d, DBI_DEBUG_HEADER_SIZE);
	if (at > size || length > size - at)
		return pdb_corrupt(pdb, "the parts of its DBI stream do not fit into it", err);
	if (length > sizeof(raw))
		length = sizeof(raw);
	memset(raw, 0xff, sizeof(raw));
	status = msf_read(&pdb->msf, PDB_DBI_STREAM, (uint32_t)at, raw, length / 2 * 2, err);
	for (size_t i = 0; i < DEBUG_STREAMS; i++)
		streams[i] = bytes_u16(&b, i * 2);
	return status;
}

static enum ps_status read_sections(struct pdb *pdb, uint32_t stream, struct ps_error *err)
{
	uint32_t count = msf_size(&pdb->msf, stream) / SECTION_BYTES;

	if (count > SECTIONS_MOST)
		return pdb_corrupt(pdb, "it names more sections than an image can have", err);
	pdb->sections = mem_array(count ? count : 1, sizeof(*pdb->sections));
	if (!pdb->sections)
		return ps_fail_memory(err, "the sections of a PDB");
	pdb->section_count = count;
	for (uint32_t i = 0; i < count; i++) {
		uint8_t raw[SECTION_BYTES];
		struct bytes b = bytes_of(raw, sizeof(raw));

		if (msf_read(&pdb->msf, stream, i * SECTION_BYTES, raw, sizeof(raw), err) != PS_OK)
			return err->status;
		pdb->sections[i].rva = bytes_u32(&b, SECTION_RVA);
		pdb->sections[i].size = bytes_u32(&b, SECTION_SIZE);
	}
	return PS_OK;
}

static enum ps_status read_moved(struct pdb *pdb, uint32_t stream, struct ps_error *err)
{
	uint32_t count = msf_size(&pdb->msf, stream) / MOVED_BYTES;
	struct msf_window window;
	enum ps_status status;

	if (count == 0)
		return PS_OK;
	if (count > MOVED_MOST)
		return pdb_corrupt(pdb, "its map of moved code is too long", err);
	pdb->moved = mem_array(count, sizeof(*pdb->moved));
	if (!pdb->moved)
		return ps_fail_memory(err, "the moved code of a PDB");
	pdb->moved_count = count;
	status = msf_window_init(&window, &pdb->msf, stream, err);
	for (uint32_t i = 0; i < count && status == PS_OK; i++) {
		const uint8_t *raw;
		struct bytes b;

		status = msf_window_get(&window, i * MOVED_BYTES, MOVED_BYTES, &raw, err);
		if (status != PS_OK)
			break;
		b = bytes_of(raw, MOVED_BYTES);
		pdb->moved[i] = (struct pdb_moved){bytes_u32(&b, 0), bytes_u32(&b, 4)};
		if (i > 0 && pdb->moved[i].from < pdb->moved[i - 1].from)
			status = pdb_corrupt(pdb, "its map of moved code is not in order", err);
	}
	msf_window_fini(&window);
	return status;
}

static enum ps_status read_layout(struct pdb *pdb, struct ps_error *err)
{
	uint16_t streams[DEBUG_STREAMS];
	bool moved;
	enum ps_status status;

	if (!pdb->has_dbi)
		return PS_OK;
	status = read_debug_header(pdb, streams, err);
	if (status != PS_OK)
		return status;
	moved = msf_size(&pdb->msf, streams[DEBUG_MOVED]) > 0 &&
		msf_size(&pdb->msf, streams[DEBUG_ORIGINAL_SECTIONS]) > 0;
	status = read_sections(pdb, streams[moved ? DEBUG_ORIGINAL_SECTIONS : DEBUG_SECTIONS], err);
	if (status == PS_OK && moved)
		status = read_moved(pdb, streams[DEBUG_MOVED], err);
	return status;
}

enum ps_status pdb_open(const char *path, struct pdb **ret, struct ps_error *err)
{
	struct pdb *pdb = mem_array(1, sizeof(*pdb));
	enum ps_status status;

	if (!pdb)
		return ps_fail_memory(err, "a PDB");
	status = msf_open(&pdb->msf, path, err);
	if (status == PS_OK)
		status = read_identity(pdb, err);
	if (status == PS_OK)
		status = read_layout(pdb, err);
	if (status != PS_OK) {
		pdb_close(pdb);
		return status;
	}
	*ret = pdb;
	return PS_OK;
}

void pdb_close(struct pdb *pdb)
{
	if (!pdb)
		return;
	free(pdb->sections);
	free(pdb->moved);
	free(pdb->modules);
	msf_close(&pdb->msf);
	free(pdb);
}
