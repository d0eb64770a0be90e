/*
 * The key-value files of Hyper-V (.vmrs, .vmcx, .vsv of later versions). Private to this room.
 *
 * Values are told to a visitor one by one and belong to nobody; nothing is kept.
 */
#ifndef PS_FORMATS_HYPERV_STORAGE_H
#define PS_FORMATS_HYPERV_STORAGE_H

#include "formats/file.h"

enum { HYPERV_NAME_MOST = 255 };

/** A key with an array of bytes as its value. */
struct hyperv_array {
	char name[HYPERV_NAME_MOST + 1]; /* of the key, without those above it */
	uint64_t at, size;               /* of the bytes in the file; may lie beyond its end */
};

/** What the storage itself says. */
struct hyperv_storage {
	uint32_t version; /* major << 8 | minor */
	bool cut;         /* something that it lists lies beyond the end of the file */
	bool dirty;       /* its log holds changes that were not carried out */
	bool damaged;     /* a table makes no sense from some place on */
};

/** Told of one array; anything but PS_OK ends the walk and is what that returns. */
typedef enum ps_status hyperv_visitor(void *context, const struct hyperv_array *array,
				      struct ps_error *err);

/** True when the file begins with a header of such a storage, or has one in its place. */
bool hyperv_storage_is(struct file *file);

/**
 * Walks all keys of a file that hyperv_storage_is(), in the order of its tables. PS_UNSUPPORTED for
 * versions whose layout is not public.
 */
enum ps_status hyperv_storage_walk(struct file *file, hyperv_visitor *visit, void *context,
				   struct hyperv_storage *ret, struct ps_error *err);

#endif
