/*
 * Hyper-V's storage: two headers, of which the later sound one counts; object tables, the first at
 * a fixed place and each able to name another; in those, tables of keys with their values, and of
 * each table of keys the latest copy.
 *
 * Read are arrays of bytes. Not read: other values, the keys above a key, sums of tables. Not
 * carried out: the log of changes that were begun, which is only noticed. Refused: versions before
 * 4.0.
 *
 * Sources: OpenVMM's description of the format; dissect.hypervisor (hyperv.py, c_hyperv.py).
 */
#include "formats/hyperv_storage.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "base/bytes.h"
#include "base/memory.h"
#include "base/signals.h"

enum {
	MAGIC_HEADER = 0x01282014,
	MAGIC_OBJECTS = 0x01110001,
	MAGIC_LOG = 0x01110003,
	MAGIC_KEYS = 0x0002,

	HEADER_SIZE = 46,
	SECOND_HEADER = 4096,
	AT_SUM = 4,
	AT_SEQUENCE = 8,
	AT_VERSION = 10,
	AT_LOG = 26,
	VERSION_4 = 0x0400,

	OBJECTS_AT = 8192,
	OBJECTS_HEADER = 8,
	OBJECT_SIZE = 18,
	OBJECT_TABLE = 1,
	OBJECT_KEYS = 2,
	OBJECT_FILE = 3,

	LOG_ENTRIES = 8, /* offset of their number */

	KEYS_HEADER = 10,
	KEYS_MOST = 1 << 20, /* bytes of a table of keys; it has 4096 */
	KEY_HEADER = 21,
	AT_NAME_SIZE = 20,
	KEY_ARRAY = 7,
	FLAG_IN_FILE = 1,
};

/* A table of keys. */
struct keys {
	uint16_t index, sequence;
	uint64_t at;
	uint32_t size;
};

struct walk {
	struct file *file;
	struct hyperv_storage storage;
	struct keys *tables;
	size_t count, capacity;
	uint64_t *objects; /* object tables still to be read: file offsets */
	size_t object_count, object_capacity;
	uint64_t budget; /* object entries: no more than the file can hold */
	uint8_t *buffer; /* of KEYS_MOST bytes */
};

/* ---- headers ---- */

static bool read_header(struct file *file, uint64_t at, uint8_t raw[HEADER_SIZE])
{
	struct ps_error ignored = PS_ERROR_INIT;
	struct bytes b = bytes_of(raw, HEADER_SIZE);
	uint8_t bare[HEADER_SIZE];

	if (file_read(file, at, raw, HEADER_SIZE, &ignored) != PS_OK ||
	    bytes_u32(&b, 0) != MAGIC_HEADER)
		return false;
	memcpy(bare, raw, sizeof(bare));
	memset(bare + AT_SUM, 0, 4);
	return crc32(0, bare, sizeof(bare)) == bytes_u32(&b, AT_SUM);
}

bool hyperv_storage_is(struct file *file)
{
	struct ps_error ignored = PS_ERROR_INIT;
	uint8_t raw[HEADER_SIZE];
	struct bytes b = bytes_of(raw, sizeof(raw));

	return (file_read(file, 0, raw, 4, &ignored) == PS_OK &&
		bytes_u32(&b, 0) == MAGIC_HEADER) ||
	       read_header(file, SECOND_HEADER, raw);
}

/* Changes that were begun: their number, in the log's header. */
static void look_at_log(struct walk *w, uint64_t at)
{
	struct ps_error ignored = PS_ERROR_INIT;
	uint8_t raw[12];
	struct bytes b = bytes_of(raw, sizeof(raw));

	if (file_read(w->file, at, raw, sizeof(raw), &ignored) != PS_OK)
		w->storage.cut = true;
	else
		w->storage.dirty = bytes_u32(&b, 0) == MAGIC_LOG && bytes_u32(&b, LOG_ENTRIES) != 0;
}

static enum ps_status choose_header(struct walk *w, struct ps_error *err)
{
	uint8_t first[HEADER_SIZE], second[HEADER_SIZE];
	struct bytes a = bytes_of(first, sizeof(first)), b = bytes_of(second, sizeof(second));
	bool has_first = read_header(w->file, 0, first);
	bool has_second = read_header(w->file, SECOND_HEADER, second);
	bool later =
		has_second && (!has_first || (int16_t)(uint16_t)(bytes_u16(&b, AT_SEQUENCE) -
								 bytes_u16(&a, AT_SEQUENCE)) > 0);
	struct bytes *used = later ? &b : &a;

	if (!has_first && !has_second)
		return w->file->size < SECOND_HEADER + HEADER_SIZE
			       ? ps_fail_at(err, PS_ABSENT, w->file->size,
					    "the file ends inside its headers")
			       : ps_fail_at(err, PS_CORRUPT, 0, "both of its headers are damaged");
	w->storage.version = bytes_u32(used, AT_VERSION);
	if (w->storage.version != VERSION_4)
		return ps_fail_at(err, PS_UNSUPPORTED, AT_VERSION,
				  "its format has version %" PRIu32 ".%" PRIu32
				  ", and only version 4.0 is public",
				  w->storage.version >> 8, w->storage.version & 0xff);
	look_at_log(w, bytes_u64(used, AT_LOG));
	return PS_OK;
}

/* ---- object tables ---- */

static enum ps_status add_objects(struct walk *w, uint64_t at, struct ps_error *err)
{
	if (!mem_grow((void **)&w->objects, w->object_count, &w->object_capacity, sizeof(at)))
		return ps_fail_memory(err, "the list of object tables");
	w->objects[w->object_count++] = at;
	return PS_OK;
}

/* A table whose header is not that of one is passed over, and noticed. */
static enum ps_status add_keys(struct walk *w, uint64_t at, uint32_t size, struct ps_error *err)
{
	uint8_t raw[KEYS_HEADER];
	struct bytes b = bytes_of(raw, sizeof(raw));
	struct keys keys = {.at = at, .size = size};

	if (at > w->file->size || w->file->size - at < size) {
		w->storage.cut = true;
		return PS_OK;
	}
	if (size < KEYS_HEADER || size > KEYS_MOST ||
	    file_read(w->file, at, raw, sizeof(raw), err) != PS_OK ||
	    bytes_u16(&b, 0) != MAGIC_KEYS) {
		ps_error_clear(err);
		w->storage.damaged = true;
		return PS_OK;
	}
	keys.index = bytes_u16(&b, 2);
	keys.sequence = bytes_u16(&b, 4);
	if (!mem_grow((void **)&w->tables, w->count, &w->capacity, sizeof(keys)))
		return ps_fail_memory(err, "the list of key tables");
	w->tables[w->count++] = keys;
	return PS_OK;
}

static enum ps_status take_object(struct walk *w, struct bytes *b, struct ps_error *err)
{
	uint8_t type = bytes_u8(b, 0);
	uint64_t at = bytes_u64(b, 5);
	uint32_t size = bytes_u32(b, 13);

	if (type == OBJECT_TABLE)
		return add_objects(w, at, err);
	if (type == OBJECT_KEYS)
		return add_keys(w, at, size, err);
	if (type == OBJECT_FILE && (at > w->file->size || w->file->size - at < size))
		w->storage.cut = true;
	return PS_OK;
}

static enum ps_status read_objects(struct walk *w, uint64_t at, struct ps_error *err)
{
	uint8_t raw[OBJECT_SIZE];
	struct bytes b = bytes_of(raw, sizeof(raw));
	uint32_t count;

	if (at > w->file->size || w->file->size - at < OBJECTS_HEADER) {
		w->storage.cut = true;
		return PS_OK;
	}
	if (file_read(w->file, at, raw, OBJECTS_HEADER, err) != PS_OK)
		return err->status;
	count = bytes_u32(&b, 4);
	if (bytes_u32(&b, 0) != MAGIC_OBJECTS) {
		w->storage.damaged = true;
		return PS_OK;
	}
	at += OBJECTS_HEADER;
	for (uint32_t i = 0; i < count; i++, at += OBJECT_SIZE) {
		if (signals_interrupted())
			return ps_fail(err, PS_INTERRUPTED, "interrupted");
		if (w->file->size - at < OBJECT_SIZE) {
			w->storage.cut = true;
			break;
		}
		if (w->budget-- == 0)
			return ps_fail_at(err, PS_CORRUPT, at,
					  "its object tables lead to each other in a circle");
		if (file_read(w->file, at, raw, sizeof(raw), err) != PS_OK ||
		    take_object(w, &b, err) != PS_OK)
			return err->status;
	}
	return PS_OK;
}

static enum ps_status read_all_objects(struct walk *w, struct ps_error *err)
{
	w->budget = w->file->size / OBJECT_SIZE + 1;
	if (add_objects(w, OBJECTS_AT, err) != PS_OK)
		return err->status;
	for (size_t i = 0; i < w->object_count; i++)
		if (read_objects(w, w->objects[i], err) != PS_OK)
			return err->status;
	return PS_OK;
}

/* ---- keys ---- */

static int compare_keys(const void *a, const void *b)
{
	const struct keys *x = a, *y = b;

	if (x->index != y->index)
		return x->index < y->index ? -1 : 1;
	return (x->at > y->at) - (x->at < y->at);
}

/*
 * The latest copy of the table at `first`; *ret_next: where the copies of the next one begin. Not
 * left to the sort: numbers that wrap around have no order when there are more than two.
 */
static const struct keys *latest_copy(const struct walk *w, size_t first, size_t *ret_next)
{
	const struct keys *latest = &w->tables[first];
	size_t i = first + 1;

	for (; i < w->count && w->tables[i].index == latest->index; i++)
		if ((int16_t)(uint16_t)(w->tables[i].sequence - latest->sequence) > 0)
			latest = &w->tables[i];
	*ret_next = i;
	return latest;
}

/* `key`: offset of the key in its table; `b` ends where the key does. */
static void read_array(struct bytes *b, size_t key, uint64_t table_at, struct hyperv_array *ret)
{
	size_t name_size = bytes_u8(b, key + AT_NAME_SIZE), value = key + KEY_HEADER + name_size;

	*ret = (struct hyperv_array){.at = table_at + value + 4, .size = bytes_u32(b, value)};
	if (name_size > 0 && bytes_has(b, key + KEY_HEADER, name_size))
		memcpy(ret->name, b->data + key + KEY_HEADER, name_size - 1);
	if (bytes_u8(b, key + 1) & FLAG_IN_FILE)
		ret->at = bytes_u64(b, value + 4);
	else if (!bytes_has(b, value + 4, (size_t)ret->size))
		b->overrun = true;
}

static enum ps_status visit_table(struct walk *w, const struct keys *table, hyperv_visitor *visit,
				  void *context, struct ps_error *err)
{
	struct bytes b = bytes_of(w->buffer, table->size);

	if (file_read(w->file, table->at, w->buffer, table->size, err) != PS_OK)
		return err->status;
	for (size_t at = KEYS_HEADER; table->size - at > KEY_HEADER;) {
		uint32_t size = bytes_u32(&b, at + 2);
		struct hyperv_array array;

		if (size < KEY_HEADER || size > table->size - at) {
			w->storage.damaged |= size != 0;
			break;
		}
		if (bytes_u8(&b, at) == KEY_ARRAY) {
			struct bytes key = bytes_of(w->buffer, at + size);

			read_array(&key, at, table->at, &array);
			w->storage.damaged |= key.overrun;
			if (!key.overrun && visit(context, &array, err) != PS_OK)
				return err->status;
		}
		at += size;
	}
	return PS_OK;
}

static enum ps_status visit_tables(struct walk *w, hyperv_visitor *visit, void *context,
				   struct ps_error *err)
{
	uint64_t bytes = 0;

	w->buffer = malloc(KEYS_MOST);
	if (!w->buffer)
		return ps_fail_memory(err, "a table of keys");
	if (w->count > 0)
		qsort(w->tables, w->count, sizeof(*w->tables), compare_keys);
	for (size_t i = 0; i < w->count;) {
		const struct keys *table = latest_copy(w, i, &i);

		bytes += table->size;
		if (bytes > w->file->size)
			return ps_fail(err, PS_CORRUPT, "its tables of keys overlap");
		if (visit_table(w, table, visit, context, err) != PS_OK)
			return err->status;
	}
	return PS_OK;
}

enum ps_status hyperv_storage_walk(struct file *file, hyperv_visitor *visit, void *context,
				   struct hyperv_storage *ret, struct ps_error *err)
{
	struct walk w = {.file = file};

	if (choose_header(&w, err) == PS_OK && read_all_objects(&w, err) == PS_OK)
		visit_tables(&w, visit, context, err);
	free(w.tables);
	free(w.objects);
	free(w.buffer);
	if (err->status == PS_OK)
		*ret = w.storage;
	return err->status;
}
