/*
 * See hiber.h. Pages never touched are left out, as Windows leaves free pages out.
 *
 * Layouts: PO_MEMORY_IMAGE as the public symbol collections list it by build; the groups of Windows
 * 8 and later as J. T. Sylve and others describe them (2016); the tables and blocks of Windows 7 as
 * the public format notes of libhibr have them; KPROCESSOR_STATE of the public symbols.
 */
#include "corpus/hiber.h"

#include <stdlib.h>
#include <string.h>

#include "corpus/machine.h"
#include "corpus/recipe.h"
#include "corpus/xpress.h"

enum { AT_ONCE = 16, FIRST_PAGE_7 = 6, FIRST_PAGE = 8, PARTS = 2 };

struct po_image {
	uint32_t from; /* build */
	bool is_64;
	uint16_t size, first, first_kernel, kernel_pages;
};

/* The last row whose build is not above that of the machine, of its width. */
static const struct po_image images[] = {
	{7600, true, 0x128, 0x60, 0, 0},          {9200, true, 0x360, 0x60, 0x68, 0x1c8},
	{10240, true, 0x3b0, 0x68, 0x70, 0x218},  {14393, true, 0x3c8, 0x68, 0x70, 0x220},
	{15063, true, 0x3d8, 0x68, 0x70, 0x230},  {17763, true, 0x3e0, 0x68, 0x70, 0x230},
	{20348, true, 0x448, 0x68, 0x70, 0x230},  {26100, true, 0x4d8, 0x68, 0x70, 0x230},
	{7600, false, 0xe0, 0x4c, 0, 0},          {9200, false, 0x2c8, 0x50, 0x54, 0x1b0},
	{10240, false, 0x310, 0x50, 0x54, 0x1f8}, {14393, false, 0x328, 0x50, 0x54, 0x200},
	{15063, false, 0x338, 0x50, 0x54, 0x210}, {17763, false, 0x340, 0x50, 0x54, 0x210},
};

enum packer { PACK_PLAIN, PACK_HUFFMAN, PACK_STORED, PACK_MIXED };

struct hiber {
	struct world *w;
	struct output *file;
	const struct po_image *image;
	unsigned pointer;
	enum packer packer;
	uint64_t at, end; /* of the file: where the next group goes, and of the last one */
	uint64_t groups;
	uint8_t packed[XPRESS_ROOM];
};

static const struct po_image *image_of(const struct config *c)
{
	const struct po_image *found = NULL;
	for (size_t i = 0; i < sizeof(images) / sizeof(images[0]); i++)
		if (images[i].is_64 == config_is_64(c) && images[i].from <= c->build)
			found = &images[i];
	if (!found)
		die("hibernation files are known of Windows 7 and later only");
	return found;
}

static enum packer packer_of(const struct config *c)
{
	static const char *const names[] = {"plain", "huffman", "stored", "mixed"};
	const char *name = line_option(c->container_line, "packer");
	for (unsigned i = 0; name && i < 4; i++)
		if (strcmp(names[i], name) == 0)
			return (enum packer)i;
	if (name)
		line_fail(c->container_line, "the packer is plain, huffman, stored or mixed");
	return PACK_MIXED;
}

/* Packs pages that follow each other in `sorted`; *ret_method as Windows 8 numbers it. */
static size_t pack(struct hiber *h, struct page **pages, unsigned count, const uint8_t **ret,
		   unsigned *ret_method)
{
	static uint8_t bytes[AT_ONCE * PAGE_SIZE];
	enum packer packer = h->packer == PACK_MIXED ? (enum packer)(h->groups % 3) : h->packer;
	size_t size = (size_t)count * PAGE_SIZE, length = size;
	h->groups++;
	for (unsigned i = 0; i < count; i++)
		memcpy(bytes + i * PAGE_SIZE, pages[i]->data, PAGE_SIZE);
	*ret = h->packed;
	*ret_method = 0;
	if (h->image->first_kernel == 0 && packer == PACK_HUFFMAN)
		packer = PACK_PLAIN; /* Windows 7 knows no other */
	if (packer == PACK_PLAIN)
		length = xpress_pack_plain(bytes, size, h->packed);
	if (packer == PACK_HUFFMAN) {
		length = xpress_pack_huffman(bytes, size, h->packed);
		*ret_method = 2;
	}
	if (length >= size) {
		*ret = bytes;
		length = size;
	}
	return length;
}

static unsigned same_run(struct page **pages, unsigned from, unsigned count)
{
	unsigned end = from + 1;
	while (end < count && pages[end]->pfn == pages[end - 1]->pfn + 1)
		end++;
	return end - from;
}

static void set_places(struct page **pages, unsigned count, uint64_t offset)
{
	for (unsigned i = 0; i < count; i++)
		pages[i]->offset = offset;
}

static void write_group(struct hiber *h, struct page **pages, unsigned count)
{
	uint8_t head[4 + AT_ONCE * 8];
	const uint8_t *bytes;
	unsigned method, entries = 0;
	size_t length = pack(h, pages, count, &bytes, &method);
	for (unsigned i = 0; i < count; entries++) {
		unsigned run = same_run(pages, i, count);
		put_width(head + 4 + entries * h->pointer, pages[i]->pfn << 4 | (run - 1),
			  h->pointer);
		i += run;
	}
	put32(head, entries | length << 8 | (uint64_t)method << 30);
	output_write(h->file, h->at, head, 4 + entries * h->pointer);
	output_write(h->file, h->at + 4 + entries * h->pointer, bytes, length);
	set_places(pages, count, h->at);
	h->at += 4 + entries * h->pointer + length;
	h->end = h->at;
}

/* Groups are shared out: the boot loader's are every fifth. */
static uint64_t write_groups(struct hiber *h, struct page **pages, size_t count, bool loader)
{
	uint64_t written = 0;
	for (size_t i = 0, group = 0; i < count; i += AT_ONCE, group++) {
		unsigned now = count - i < AT_ONCE ? (unsigned)(count - i) : AT_ONCE;
		if ((group % 5 == 0) != loader)
			continue;
		write_group(h, pages + i, now);
		written += now;
	}
	return written;
}

/* Pages that are written twice: first with other contents, among those of the boot loader. */
static uint64_t write_stale(struct hiber *h, struct page **pages, size_t count)
{
	static uint8_t noise[PAGE_SIZE];
	uint64_t written = 0;
	memset(noise, 0xa5, sizeof(noise));
	if (!line_has(h->w->config->container_line, "twice"))
		return 0;
	for (size_t i = AT_ONCE + 3; i < count; i += 7 * AT_ONCE, written++) {
		struct page stale = {.pfn = pages[i]->pfn, .data = noise}, *one = &stale;
		write_group(h, &one, 1);
	}
	return written;
}

static void put_modern(struct hiber *h, uint8_t *header, struct page **pages, size_t count)
{
	const struct po_image *image = h->image;
	h->at = FIRST_PAGE * PAGE_SIZE;
	put_width(header + image->first, FIRST_PAGE, h->pointer);
	uint64_t loader = write_stale(h, pages, count) + write_groups(h, pages, count, true);
	put64(header + (h->pointer == 8 ? 0x58 : 0x48), loader);
	h->at = round_up(h->at, PAGE_SIZE);
	put_width(header + image->first_kernel, h->at / PAGE_SIZE, h->pointer);
	put64(header + image->kernel_pages, write_groups(h, pages, count, false));
}

static void write_block(struct hiber *h, struct page **pages, unsigned count)
{
	uint8_t head[32] = {0x81, 0x81, 'x', 'p', 'r', 'e', 's', 's'};
	const uint8_t *bytes;
	unsigned method;
	size_t length = pack(h, pages, count, &bytes, &method);
	put32(head + 8, (count - 1) | (length - 1) << 10);
	output_write(h->file, h->at, head, sizeof(head));
	output_write(h->file, h->at + sizeof(head), bytes, length);
	set_places(pages, count, h->at);
	h->end = h->at + sizeof(head) + length;
	h->at += sizeof(head) + round_up(length, 8);
}

/* One table with what fits of the pages. Returns how many that were. */
static size_t write_table(struct hiber *h, struct page **pages, size_t count)
{
	uint8_t table[PAGE_SIZE] = {0};
	uint64_t table_at = h->at;
	unsigned entries = 0, most = PAGE_SIZE / (2 * h->pointer) - 1;
	size_t done = 0;
	for (; done < count && entries < most; entries++) {
		unsigned run = same_run(pages + done, 0, (unsigned)(count - done));
		uint8_t *at = table + (entries + 1) * 2 * h->pointer;
		put_width(at, pages[done]->pfn, h->pointer);
		put_width(at + h->pointer, pages[done]->pfn + run, h->pointer);
		done += run;
	}
	h->at += PAGE_SIZE;
	for (size_t i = 0; i < done; i += AT_ONCE)
		write_block(h, pages + i, done - i < AT_ONCE ? (unsigned)(done - i) : AT_ONCE);
	h->at = round_up(h->at, PAGE_SIZE);
	put_width(table, done < count ? h->at / PAGE_SIZE : 0, h->pointer);
	put32(table + h->pointer, entries);
	output_write(h->file, table_at, table, PAGE_SIZE);
	return done;
}

static void put_seven(struct hiber *h, uint8_t *header, struct page **pages, size_t count)
{
	h->at = FIRST_PAGE_7 * PAGE_SIZE;
	put_width(header + h->image->first, FIRST_PAGE_7, h->pointer);
	for (size_t done = 0; done < count;)
		done += write_table(h, pages + done, count - done);
}

static void put_header(struct hiber *h, uint8_t *header)
{
	const struct config *c = h->w->config;
	bool is_64 = h->pointer == 8;
	memcpy(header, *c->signature ? c->signature : "HIBR", 4);
	put32(header + 4, 9); /* ImageType */
	put32(header + 0xc, h->image->size);
	put32(header + (is_64 ? 0x18 : 0x14), PAGE_SIZE);
	put64(header + (is_64 ? 0x20 : 0x18), machine_filetime(c->time));
	put64(header + (is_64 ? 0x28 : 0x20), c->uptime * 10000000);
}

static void write_state(struct hiber *h)
{
	uint8_t state[PAGE_SIZE] = {0};
	bool is_64 = h->pointer == 8;
	if (h->w->config->arch == ARCH_ARM64 || line_has(h->w->config->container_line, "no-state"))
		return;
	put_width(state + (is_64 ? 0x10 : 0x2d4), machine_cr3(h->w), h->pointer);
	output_write(h->file, PAGE_SIZE, state, sizeof(state));
}

uint64_t hiber_write(struct world *w, struct output *file, struct page **sorted)
{
	struct hiber *h = xcalloc(1, sizeof(*h));
	struct page **pages = xcalloc(w->memory.page_count, sizeof(*pages));
	uint8_t header[PAGE_SIZE] = {0};
	size_t count = 0;
	h->w = w;
	h->file = file;
	h->image = image_of(w->config);
	h->pointer = config_is_64(w->config) ? 8 : 4;
	h->packer = packer_of(w->config);
	for (size_t i = 0; i < w->memory.page_count; i++)
		if (!sorted[i]->absent)
			pages[count++] = sorted[i];
	put_header(h, header);
	if (h->image->first_kernel)
		put_modern(h, header, pages, count);
	else
		put_seven(h, header, pages, count);
	output_write(file, 0, header, sizeof(header));
	write_state(h);
	output_resize(file, h->end);
	free(pages);
	free(h);
	return count;
}
