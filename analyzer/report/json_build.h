/*
 * Building JSON values with the rules of this project's format: addresses as strings of 0x and 16
 * digits, counts and bytes as integers, unknown as null with a sibling "<key>_note".
 *
 * A failure (out of memory) is remembered in the builder; values are NULL after it and every call
 * stays harmless. Private to this room.
 */
#ifndef PS_ANALYZER_REPORT_JSON_BUILD_H
#define PS_ANALYZER_REPORT_JSON_BUILD_H

#include <jansson.h>

#include "analyzer/report/report.h"

struct builder {
	bool failed;
};

json_t *build_object(struct builder *b);
json_t *build_array(struct builder *b);

/** Adds `value` and takes it over. */
void put(struct builder *b, json_t *object, const char *key, json_t *value);
void append(struct builder *b, json_t *array, json_t *value);

/** null, and "<key>_note" with the reason. */
void put_null(struct builder *b, json_t *object, const char *key, const char *note);

/** Text of any bytes; those that are no UTF-8 become \xNN. NULL becomes null without a note. */
void put_text(struct builder *b, json_t *object, const char *key, const char *text);
void put_string(struct builder *b, json_t *object, const char *key,
		const struct report_string *string);

void put_bool(struct builder *b, json_t *object, const char *key, bool value);

/** Beyond 2^63-1, which JSON readers lose, null with a note that has the digits. */
void put_count(struct builder *b, json_t *object, const char *key, uint64_t value);
void put_signed(struct builder *b, json_t *object, const char *key, int64_t value);
void put_number(struct builder *b, json_t *object, const char *key,
		const struct report_number *number);

void put_address(struct builder *b, json_t *object, const char *key, uint64_t address);
void put_address_number(struct builder *b, json_t *object, const char *key,
			const struct report_number *number);

/** "tag" and "tag_hex". */
void put_tag(struct builder *b, json_t *object, uint32_t tag);

/** One more text of an array. */
void append_text(struct builder *b, json_t *array, const char *text);

void put_notes(struct builder *b, json_t *object, const char *key,
	       const struct report_notes *notes);

/* The sections, one value each. */
json_t *json_file(struct builder *b, const struct report *report);
json_t *json_tool(struct builder *b, const struct report *report);
json_t *json_system(struct builder *b, const struct report *report);
void put_pdb(struct builder *b, json_t *object, const char *key, const struct report_string *name,
	     const struct report_string *guid_age);
void put_version(struct builder *b, json_t *object, const struct report_version *version);
void put_tag_owners(struct builder *b, json_t *object, const struct report_owner *owner);
json_t *json_owner(struct builder *b, const struct report_owner *owner);
void put_owners(struct builder *b, json_t *root, const struct report *report);
void put_drivers(struct builder *b, json_t *root, const struct report *report);
void put_driver_files(struct builder *b, json_t *root, const struct report *report);
json_t *json_pool(struct builder *b, const struct report *report);
json_t *json_tag(struct builder *b, const struct report *report, const struct report_tag *tag);
json_t *json_big_row(struct builder *b, const struct report_big_row *row);
void put_processes(struct builder *b, json_t *root, const struct report *report);
json_t *json_process(struct builder *b, const struct report_process *process);
void put_modules(struct builder *b, json_t *root, const struct report *report);
void put_findings(struct builder *b, json_t *root, const struct report *report);

#endif
