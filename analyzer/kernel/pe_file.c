/*
 * See pe_file.h and pe_image_open_file() in pe_image.h.
 *
 * A section is mapped from its raw data, page by page up to its VirtualSize and with zeros behind
 * the raw data, as the loader does it: such zeros are the section's contents. Where the file ends
 * too early the pages are absent. Read with pread(): a file that shrinks meanwhile does no harm.
 */
#include "analyzer/kernel/pe_file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"
#include "base/memory.h"

enum { SECTOR = 0x200 };

static enum ps_status read_exact(const struct pe_file *file, uint64_t offset, void *to,
				 size_t length, struct ps_error *err)
{
	ssize_t got;

	if (offset < file->head_size && length <= file->head_size - offset) {
		memcpy(to, file->head + offset, length);
		return PS_OK;
	}
	got = io_read(file->fd, to, length, offset);
	if (got < 0)
		return ps_fail_errno(err, errno, "cannot read %s", file->place + strlen("in "));
	if ((size_t)got != length)
		return ps_fail_at(err, PS_CORRUPT, offset, "the file ends at 0x%" PRIx64,
				  file->size);
	return PS_OK;
}

/* Before the headers are known: they lie in the file as in memory. */
static enum ps_status read_header(void *context, uint32_t rva, void *to, size_t length,
				  struct ps_error *err)
{
	return read_exact(context, rva, to, length, err);
}

/* Where the bytes of the headers end: before the first section and inside the image. */
static uint32_t headers_end(const struct pe_file *file)
{
	uint32_t end = file->headers.headers_size;

	if (end > file->image_size)
		end = file->image_size;
	if (file->section_count > 0 && end > file->sections[0].rva)
		end = file->sections[0].rva;
	return end;
}

/*
 * Bytes of a section that come from the file: whole pages, but no further than the next section.
 * The loader takes the offset of raw data down to a sector where sections are apart by pages.
 */
static uint32_t raw_bytes(const struct pe_file *file, unsigned index, uint32_t *ret_offset)
{
	const struct pe_raw_section *section = &file->sections[index];
	uint64_t room = ((uint64_t)section->size + PE_PAGE - 1) / PE_PAGE * PE_PAGE;
	uint32_t end =
		index + 1 < file->section_count ? file->sections[index + 1].rva : file->image_size;

	*ret_offset = section->raw_at;
	if (file->headers.alignment >= PE_PAGE)
		*ret_offset -= section->raw_at % SECTOR;
	if (room > end - section->rva)
		room = end - section->rva;
	if (section->raw_at == 0)
		return 0;
	return section->raw_size < room ? section->raw_size : (uint32_t)room;
}

static enum ps_status read_mapped(void *context, uint32_t rva, void *to, size_t length,
				  struct ps_error *err)
{
	struct pe_file *file = context;

	if (rva < headers_end(file) && length <= headers_end(file) - rva)
		return read_exact(file, rva, to, length, err);
	for (unsigned i = 0; i < file->section_count; i++) {
		uint32_t offset, size = raw_bytes(file, i, &offset);
		uint32_t from = file->sections[i].rva;

		if (rva >= from && rva - from < size && length <= size - (rva - from))
			return read_exact(file, (uint64_t)offset + (rva - from), to, length, err);
	}
	return ps_fail_at(err, PS_CORRUPT, rva, "no bytes of the file lie at RVA 0x%" PRIx32, rva);
}

struct pe_reader pe_file_reader(struct pe_file *file)
{
	return (struct pe_reader){.read = read_mapped, .context = file, .place = file->place};
}

static enum ps_status open_regular(const char *path, struct pe_file *file, struct ps_error *err)
{
	struct stat about;

	/* Of a FIFO the open would wait for a writer. */
	file->fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (file->fd < 0)
		return ps_fail_errno(err, errno, "cannot open %s", path);
	if (fstat(file->fd, &about) != 0)
		return ps_fail_errno(err, errno, "cannot look at %s", path);
	if (!S_ISREG(about.st_mode))
		return ps_fail(err, PS_UNSUPPORTED, "%s is no regular file", path);
	file->size = (uint64_t)about.st_size;
	return PS_OK;
}

static enum ps_status parse_file(struct pe_file *file, struct ps_error *err)
{
	struct pe_reader reader = {.read = read_header, .context = file, .place = file->place};
	struct pe_headers *headers = &file->headers;
	ssize_t got = io_read(file->fd, file->head, sizeof(file->head), 0);
	uint64_t size;

	if (got < 0)
		return ps_fail_errno(err, errno, "cannot read %s", file->place + strlen("in "));
	file->head_size = (size_t)got;
	if (pe_headers_read(&reader, headers, err) != PS_OK)
		return err->status;
	if (headers->size < headers->end)
		return ps_fail(err, PS_CORRUPT, "no PE image %s: its SizeOfImage cannot be right",
			       file->place);
	size = ((uint64_t)headers->size + PE_PAGE - 1) / PE_PAGE * PE_PAGE;
	file->image_size = size < PE_IMAGE_LIMIT ? (uint32_t)size : PE_IMAGE_LIMIT;
	file->sections_read = pe_sections_read(&reader, headers, file->sections);
	file->section_count = pe_sections_arrange(file->sections, file->sections_read,
						  file->image_size, &file->sections_wrong);
	return PS_OK;
}

enum ps_status pe_file_open(const char *path, struct pe_file *file, struct ps_error *err)
{
	enum ps_status status;

	memset(file, 0, sizeof(*file));
	snprintf(file->place, sizeof(file->place), "in %s", path);
	status = open_regular(path, file, err);
	if (status == PS_OK)
		status = parse_file(file, err);
	if (status != PS_OK)
		pe_file_close(file);
	return status;
}

void pe_file_close(struct pe_file *file)
{
	if (file->fd >= 0)
		close(file->fd);
	file->fd = -1;
}

/* Reads what the file has of `raw` (an offset and a size) to `rva`; *ret_missing: what it lacks. */
static enum ps_status map_part(struct pe_image *image, const struct pe_file *file, uint32_t rva,
			       struct pe_range raw, struct pe_range *ret_missing,
			       struct ps_error *err)
{
	ssize_t got = io_read(file->fd, image->bytes + rva, raw.size, raw.rva);

	if (got < 0)
		return ps_fail_errno(err, errno, "cannot read %s", file->place + strlen("in "));
	*ret_missing = (struct pe_range){rva + (uint32_t)got, raw.size - (uint32_t)got};
	if (ret_missing->size > 0)
		pe_note(image, "the file ends inside the bytes for RVA 0x%" PRIx32, rva);
	return PS_OK;
}

/* Sections may share a page: only when all are there it is said which pages are not whole. */
static enum ps_status map_file(struct pe_image *image, const struct pe_file *file,
			       struct ps_error *err)
{
	struct pe_range missing[PE_SECTION_LIMIT + 1];
	uint32_t end = headers_end(file);

	if (map_part(image, file, 0, (struct pe_range){0, end}, &missing[0], err) != PS_OK)
		return err->status;
	pe_image_set_present(image, 0, end, true);
	for (unsigned i = 0; i < file->section_count; i++) {
		const struct pe_raw_section *section = &file->sections[i];
		struct pe_range raw;

		raw.size = raw_bytes(file, i, &raw.rva);
		if (map_part(image, file, section->rva, raw, &missing[i + 1], err) != PS_OK)
			return err->status;
		pe_image_set_present(image, section->rva, section->size, true);
	}
	for (unsigned i = 0; i <= file->section_count; i++)
		pe_image_set_present(image, missing[i].rva, missing[i].size, false);
	return PS_OK;
}

static enum ps_status fill_from_file(struct pe_image *image, struct pe_file *file,
				     struct ps_error *err)
{
	struct pe_reader reader = pe_file_reader(file);

	image->origin = PE_FROM_FILE;
	image->base = file->headers.image_base;
	if (pe_image_set_sections(image, file->sections, file->section_count, err) != PS_OK ||
	    map_file(image, file, err) != PS_OK)
		return err->status;
	if (image->size < file->headers.size)
		pe_note(image, "only the first 0x%" PRIx32 " bytes of 0x%" PRIx32 " are looked at",
			image->size, file->headers.size);
	pe_note_sections(image, &file->headers, file->sections_read, file->sections_wrong);
	pe_identity_read(&reader, &file->headers, &image->identity);
	pe_image_count(image);
	return PS_OK;
}

static bool is_supported(uint16_t machine)
{
	return machine == PE_X86 || machine == PE_X64 || machine == PE_ARM64;
}

enum ps_status pe_image_open_file(const char *path, struct pe_image **ret, struct ps_error *err)
{
	struct pe_image *image = NULL;
	struct pe_file file;
	enum ps_status status;

	if (pe_file_open(path, &file, err) != PS_OK)
		return err->status;
	if (!is_supported(file.headers.machine))
		status = ps_fail(
			err, PS_UNSUPPORTED,
			"%s is a PE image for machine 0x%x; x86, x64 and ARM64 are supported", path,
			file.headers.machine);
	else
		status = pe_image_create(&file.headers, file.image_size, &image, err);
	if (status == PS_OK)
		status = fill_from_file(image, &file, err);
	pe_file_close(&file);
	if (status == PS_OK)
		*ret = image;
	else
		pe_image_close(image);
	return status;
}
