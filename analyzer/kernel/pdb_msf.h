/*
 * MSF 7.00, the container of a PDB: a file of blocks, in which streams lie in pieces.
 *
 * Source: the public description of the format in LLVM's documentation ("The MSF File Format").
 * Ownership: msf_open() / msf_close(); windows borrow the file. Every block number is checked
 * against the file when it is used, so no list of blocks can lead outside or make a reader run
 * for ever. Not supported: MSF 2.00 (before Visual C++ 7), compressed MSFZ.
 */
#ifndef PS_ANALYZER_KERNEL_PDB_MSF_H
#define PS_ANALYZER_KERNEL_PDB_MSF_H

#include "formats/file.h"

/** A number that no stream has. */
enum { MSF_NO_STREAM = 0xffff };

struct msf_stream {
	uint32_t size; /* bytes; 0 for a stream that was deleted */
	size_t blocks; /* where its list of blocks begins in the directory, bytes */
};

struct msf {
	struct file file;
	uint32_t block_size; /* bytes: a power of two */
	uint32_t block_count;
	uint8_t *directory; /* owned */
	size_t directory_size;
	struct msf_stream *streams; /* owned */
	uint32_t stream_count;
};

/**
 * Opens `path` and reads the directory. PS_UNSUPPORTED when it is no MSF 7.00, PS_CORRUPT when its
 * directory cannot be right; the words name the file.
 */
enum ps_status msf_open(struct msf *msf, const char *path, struct ps_error *err);
void msf_close(struct msf *msf);

/** Bytes of a stream; 0 when there is none of that number. */
uint32_t msf_size(const struct msf *msf, uint32_t stream);

/** Copies [offset, offset+length) of a stream. PS_CORRUPT when it is not all there. */
enum ps_status msf_read(struct msf *msf, uint32_t stream, uint32_t offset, void *to, size_t length,
			struct ps_error *err);

enum { MSF_WINDOW = 256 << 10 };

/** A part of one stream in memory, moved along as it is read. */
struct msf_window {
	struct msf *msf; /* borrowed */
	uint32_t stream;
	uint32_t ahead; /* bytes read at once: MSF_WINDOW, less where reads jump about */
	uint32_t start, size;
	uint8_t *data; /* owned: MSF_WINDOW bytes */
};

enum ps_status msf_window_init(struct msf_window *window, struct msf *msf, uint32_t stream,
			       struct ps_error *err);
void msf_window_fini(struct msf_window *window);

/**
 * *ret borrows [offset, offset+length) until the next call; length <= MSF_WINDOW. PS_CORRUPT when
 * the stream ends before.
 */
enum ps_status msf_window_get(struct msf_window *window, uint32_t offset, uint32_t length,
			      const uint8_t **ret, struct ps_error *err);

#endif
