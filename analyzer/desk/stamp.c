/*
 * What a file is known by: a key over some of its bytes tells a copied or rewritten file from
 * another of the same size and time, without reading gigabytes. Not a proof against malice.
 */
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#include "analyzer/desk/found.h"
#include "formats/beside.h"

enum { ENDS = 65536, SAMPLES = 8, SAMPLE = 4096 };

/* Short reads leave the rest as it was: the size is part of the key. */
static void add_bytes(XXH3_state_t *state, int fd, uint64_t offset, uint8_t *room, size_t length)
{
	ssize_t got = pread(fd, room, length, (off_t)offset);

	if (got > 0)
		XXH3_128bits_update(state, room, (size_t)got);
}

static void add_contents(XXH3_state_t *state, int fd, uint64_t size)
{
	uint8_t room[ENDS];

	add_bytes(state, fd, 0, room, ENDS);
	if (size <= ENDS)
		return;
	add_bytes(state, fd, size - ENDS, room, ENDS);
	for (unsigned i = 1; i <= SAMPLES && size > 2 * ENDS; i++)
		add_bytes(state, fd, size / (SAMPLES + 1) * i, room, SAMPLE);
}

/* Size and contents into the key. False: it cannot be read. */
static bool add_file(XXH3_state_t *state, const char *path, uint64_t *ret_size,
		     int64_t *ret_mtime_ns)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat st;
	bool good = fd >= 0 && fstat(fd, &st) == 0;

	if (good) {
		*ret_size = (uint64_t)st.st_size;
		*ret_mtime_ns = (int64_t)st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec;
		XXH3_128bits_update(state, ret_size, sizeof(*ret_size));
		add_contents(state, fd, *ret_size);
	}
	if (fd >= 0)
		close(fd);
	return good;
}

/* What is read with a file belongs to what it is known by; one that cannot be read does, too. */
static bool add_beside(void *context, const char *path)
{
	XXH3_state_t *state = context;
	int64_t mtime_ns = -1;
	uint64_t size = 0;

	add_file(state, path, &size, &mtime_ns);
	XXH3_128bits_update(state, &mtime_ns, sizeof(mtime_ns));
	return true;
}

bool file_stamp_read(const char *path, struct file_stamp *ret)
{
	XXH3_state_t *state = XXH3_createState();
	XXH128_hash_t key;
	bool good = state != NULL;

	if (good) {
		XXH3_128bits_reset(state);
		good = add_file(state, path, &ret->size, &ret->mtime_ns) &&
		       beside_visit_all(path, add_beside, state);
	}
	if (good) {
		key = XXH3_128bits_digest(state);
		ret->key[0] = key.high64;
		ret->key[1] = key.low64;
	}
	XXH3_freeState(state);
	return good;
}

bool file_stamp_equal(const struct file_stamp *a, const struct file_stamp *b)
{
	return a->size == b->size && a->mtime_ns == b->mtime_ns && a->key[0] == b->key[0] &&
	       a->key[1] == b->key[1];
}
