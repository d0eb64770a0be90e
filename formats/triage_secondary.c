/*
 * Secondary data behind a minidump: which items there are, with their GUIDs and sizes. Does not
 * read the inside of an item.
 */
#include "formats/triage_reader.h"

#include <inttypes.h>
#include <string.h>

#include "base/memory.h"

enum {
	BLOB_HEADER = 0x20,
	BLOBS_HEADER = 0x10,
};

static enum ps_status add_blob(struct triage_reader *r, struct bytes *head, struct ps_error *err)
{
	struct triage *t = r->triage;
	void *items = t->blobs;
	struct triage_blob *blob;

	if (!mem_grow(&items, t->blob_count, &t->blob_capacity, sizeof(*t->blobs)))
		return ps_fail_memory(err, "the list of secondary data");
	t->blobs = items;
	blob = &t->blobs[t->blob_count++];
	memcpy(blob->guid, head->data + 4, TRIAGE_GUID);
	blob->size = bytes_u32(head, 0x14);
	blob->name = triage_blob_name(blob->guid);
	t->blob_bytes += blob->size;
	return PS_OK;
}

static void blob_cut(struct triage_reader *r, uint64_t at)
{
	r->dump->complete = false;
	dump_note(r->dump,
		  "the secondary data cannot be followed to the end of the file: item %zu, at file "
		  "offset 0x%" PRIx64 ", is cut off or damaged",
		  r->triage->blob_count + 1, at);
}

static enum ps_status read_blobs(struct triage_reader *r, uint64_t at, struct ps_error *err)
{
	while (triage_room(r, at) > 0) {
		uint8_t raw[BLOB_HEADER];
		struct bytes head = bytes_of(raw, sizeof(raw));
		uint64_t length;

		if (triage_room(r, at) < sizeof(raw)) {
			blob_cut(r, at);
			break;
		}
		if (triage_read(r, at, raw, sizeof(raw), err) != PS_OK)
			return ps_wrap(err, "cannot read the secondary data");
		length = (uint64_t)sizeof(raw) + bytes_u32(&head, 0x14) + bytes_u32(&head, 0x18) +
			 bytes_u32(&head, 0x1c);
		if (bytes_u32(&head, 0) != BLOB_HEADER || length > triage_room(r, at)) {
			blob_cut(r, at);
			break;
		}
		if (add_blob(r, &head, err) != PS_OK)
			return err->status;
		at += length;
	}
	return PS_OK;
}

enum ps_status triage_read_secondary(struct triage_reader *r, struct ps_error *err)
{
	uint64_t at = r->triage->stated_size;
	uint8_t raw[BLOBS_HEADER];
	struct bytes head = bytes_of(raw, sizeof(raw));
	char bytes[WORDS_SIZE];

	if (at == 0 || triage_room(r, at) == 0)
		return PS_OK;
	if (triage_room(r, at) < sizeof(raw)) {
		blob_cut(r, at);
		return PS_OK;
	}
	if (triage_read(r, at, raw, sizeof(raw), err) != PS_OK)
		return ps_wrap(err, "cannot read the secondary data");
	if (!bytes_equal(&head, 0, "DumpBlob", 8)) {
		dump_note(r->dump, "%s bytes follow the minidump that are no secondary data",
			  count_words(triage_room(r, at), bytes));
		return PS_OK;
	}
	if (bytes_u32(&head, 8) < sizeof(raw) || bytes_u32(&head, 8) > triage_room(r, at)) {
		blob_cut(r, at);
		return PS_OK;
	}
	return read_blobs(r, at + bytes_u32(&head, 8), err);
}
