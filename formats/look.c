/*
 * What a file looks like; see look.h. Reads its first 64 KiB and nothing else.
 */
#include "formats/look.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "formats/formats.h"
#include "formats/pack/packed.h"
#include "formats/parts.h"

enum {
	HEAD = 65536,
	RAW_LEAST =
		16 << 20, /* bytes; smaller ones without a magic are hardly a machine's memory */
	TEXT_PARTS = 64,  /* a text has fewer than one NUL in so many bytes */
};

static bool is_text(const uint8_t *head, size_t length)
{
	size_t zeros = 0;

	for (size_t i = 0; i < length; i++)
		zeros += head[i] == 0;
	return zeros < length / TEXT_PARTS;
}

/* The formats see a file that ends behind its head. A dump that cannot be opened is a dump, and so
 * is what cannot be looked at: that it is refused, and why, is the case's result. */
static enum pack_rank rank_of(const uint8_t *bytes, size_t length, const char *path)
{
	struct recognised found = {.rank = RANK_NONE};
	struct ps_error ignored = PS_ERROR_INIT;
	struct file head = {.fd = -1};
	int fd = memfd_create("poolscope", MFD_CLOEXEC);

	if (fd < 0)
		return RANK_DUMP;
	if (write(fd, bytes, length) != (ssize_t)length) {
		close(fd);
		return RANK_DUMP;
	}
	if (file_adopt(&head, fd, path, &ignored) != PS_OK)
		return RANK_DUMP;
	if (packed_is(&head))
		found.rank = RANK_PACKED;
	else
		dump_recognise(&head, &found);
	file_close(&head);
	return found.refused ? RANK_DUMP : found.rank;
}

bool file_looks_like_dump(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	uint8_t head[HEAD];
	enum pack_rank rank = RANK_NONE;
	ssize_t got = 0;
	struct stat st;

	if (fd < 0)
		return true;
	if (parts_is_later(path)) {
		close(fd);
		return false;
	}
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
		got = pread(fd, head, sizeof(head), 0);
	close(fd);
	if (got < 0)
		return true;
	if (got > 0)
		rank = rank_of(head, (size_t)got, path);
	if (rank == RANK_RAW)
		return st.st_size >= RAW_LEAST && !is_text(head, (size_t)got);
	return rank != RANK_NONE;
}
