/*
 * A PE image as it lies in a file, of which only the headers were read. Private to this room.
 *
 * Ownership: pe_file_open() opens, pe_file_close() closes; the path is borrowed.
 */
#ifndef PS_ANALYZER_KERNEL_PE_FILE_H
#define PS_ANALYZER_KERNEL_PE_FILE_H

#include "analyzer/kernel/pe_headers.h"

enum { PE_FILE_PLACE = 256, PE_FILE_HEAD = 4096 };

struct pe_file {
	int fd;
	uint64_t size; /* bytes of the file */
	struct pe_headers headers;
	uint32_t image_size; /* SizeOfImage in pages, at most PE_IMAGE_LIMIT */
	struct pe_raw_section sections[PE_SECTION_LIMIT]; /* arranged */
	unsigned sections_read, section_count, sections_wrong;
	char place[PE_FILE_PLACE];  /* "in x.sys" */
	uint8_t head[PE_FILE_HEAD]; /* the first bytes, where the headers lie */
	size_t head_size;
};

/**
 * PS_SYSTEM when it cannot be opened or read, PS_UNSUPPORTED when it is no regular file, PS_CORRUPT
 * when it is no PE image. On an error nothing is left open.
 */
enum ps_status pe_file_open(const char *path, struct pe_file *file, struct ps_error *err);
void pe_file_close(struct pe_file *file);

/** Reads by RVA, as the loader would map the file. */
struct pe_reader pe_file_reader(struct pe_file *file);

#endif
