/*
 * See io.h.
 */
#include "base/io.h"

#include <errno.h>
#include <unistd.h>

enum { COPY = 1 << 18 /* bytes; with 64 KiB it takes a third longer */ };

ssize_t io_read(int fd, void *to, size_t length, uint64_t offset)
{
	size_t done = 0;

	while (done < length) {
		ssize_t now = pread(fd, (char *)to + done, length - done, (off_t)(offset + done));

		if (now < 0 && errno == EINTR)
			continue;
		if (now < 0)
			return -1;
		if (now == 0)
			break;
		done += (size_t)now;
	}
	return (ssize_t)done;
}

bool io_write(int fd, const void *from, size_t length, uint64_t offset)
{
	size_t done = 0;

	while (done < length) {
		ssize_t now = pwrite(fd, (const char *)from + done, length - done,
				     (off_t)(offset + done));

		if (now < 0 && errno == EINTR)
			continue;
		if (now == 0)
			errno = ENOSPC;
		if (now <= 0)
			return false;
		done += (size_t)now;
	}
	return true;
}

bool io_copy(int to, uint64_t at, int fd, uint64_t from, uint64_t length, uint64_t *ret_done)
{
	char room[COPY];

	*ret_done = 0;
	while (*ret_done < length) {
		size_t wanted = length - *ret_done < COPY ? (size_t)(length - *ret_done) : COPY;
		ssize_t got = io_read(fd, room, wanted, from + *ret_done);

		if (got < 0 || !io_write(to, room, (size_t)got, at + *ret_done))
			return false;
		*ret_done += (uint64_t)got;
		if ((size_t)got < wanted)
			break;
	}
	return true;
}
