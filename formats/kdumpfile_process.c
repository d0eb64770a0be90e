/*
 * The process that reads a container with libkdumpfile: one context, opened after the fork, memory
 * of machine addresses only. The only file that knows the library.
 *
 * Not used of the library: its address translation, its notion of an operating system, its
 * registers (formats/elf_notes.c reads the notes itself).
 */
#include "formats/kdumpfile_process.h"

#include <errno.h>
#include <libkdumpfile/kdumpfile.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "formats/child.h"

enum {
	/* Private memory. The library keeps one record for each stretch of pages. */
	MEMORY_MOST = 1 << 30,
};

static void answer_error(struct shared *shared, kdump_ctx_t *ctx, kdump_status status)
{
	const char *text = ctx ? kdump_get_err(ctx) : NULL;

	shared->status = (uint32_t)status;
	if (!text)
		text = kdump_strerror(status);
	snprintf(shared->error, sizeof(shared->error), "%s", text);
}

static kdump_status open_file(kdump_ctx_t *ctx, int fd)
{
	kdump_num_t page_size = 0;
	kdump_status status;

	/* Mapping is a quarter faster. Only what lies inside the file is asked for; when the file
	 * shrinks meanwhile, SIGBUS ends this process, and its client says so. */
	status = kdump_set_number_attr(ctx, KDUMP_ATTR_FILE_MMAP_POLICY, KDUMP_MMAP_TRY);
	if (status == KDUMP_OK)
		status = kdump_open_fd(ctx, fd);
	if (status != KDUMP_OK)
		return status;
	/* ARM64 has several page sizes, and an ELF core does not say which. */
	if (kdump_get_number_attr(ctx, KDUMP_ATTR_PAGE_SIZE, &page_size) == KDUMP_OK &&
	    page_size >= PAGE_SIZE)
		return KDUMP_OK;
	kdump_clear_err(ctx);
	return kdump_set_number_attr(ctx, KDUMP_ATTR_PAGE_SIZE, PAGE_SIZE);
}

static enum page_state state_of(kdump_status status)
{
	switch (status) {
	case KDUMP_OK: return PAGE_PRESENT;
	case KDUMP_ERR_NODATA: return PAGE_NOT_IN_DUMP;
	case KDUMP_ERR_EOF: return PAGE_BEYOND_EOF;
	case KDUMP_ERR_CORRUPT:
	case KDUMP_ERR_NOTIMPL:
	case KDUMP_ERR_INVALID: return PAGE_DAMAGED;
	default: return PAGE_IO_ERROR;
	}
}

static void read_pages(kdump_ctx_t *ctx, struct shared *shared)
{
	volatile uint32_t *at = &shared->at; /* read by the parent when this process is gone */

	for (uint32_t i = 0; i < shared->count && i < SHARED_BATCH; i++) {
		struct shared_page *page = &shared->pages[i];
		size_t length = PAGE_SIZE;
		kdump_status status;

		*at = i;
		status = kdump_read(ctx, KDUMP_MACHPHYSADDR, page->pfn << PAGE_SHIFT,
				    shared->data[page->slot % SHARED_SLOTS], &length);
		if (status == KDUMP_OK && length != PAGE_SIZE)
			status = KDUMP_ERR_EOF;
		page->state = state_of(status);
		if (status != KDUMP_OK)
			kdump_clear_err(ctx);
		*at = i + 1;
	}
}

static void read_bits(kdump_ctx_t *ctx, struct shared *shared)
{
	kdump_attr_t attr = {.type = KDUMP_BITMAP};
	kdump_status status = kdump_get_typed_attr(ctx, KDUMP_ATTR_FILE_PAGEMAP, &attr);

	if (status == KDUMP_OK) {
		status = kdump_bmp_get_bits(attr.val.bitmap, shared->first,
					    shared->first + shared->count - 1, shared->data[0]);
		kdump_bmp_decref(attr.val.bitmap);
	}
	if (status != KDUMP_OK)
		answer_error(shared, ctx, status);
}

static kdump_ctx_t *first_task(int fd, struct shared *shared)
{
	kdump_ctx_t *ctx = kdump_new();
	kdump_status status = ctx ? open_file(ctx, fd) : KDUMP_ERR_SYSTEM;

	if (status != KDUMP_OK)
		answer_error(shared, ctx, status);
	return status == KDUMP_OK ? ctx : NULL;
}

/* One byte; false when the other end is closed. */
static bool take_turn(int socket)
{
	char byte;
	ssize_t got;

	do
		got = read(socket, &byte, 1);
	while (got < 0 && errno == EINTR);
	return got == 1;
}

static bool pass_turn(int socket)
{
	ssize_t put;

	do
		put = write(socket, "", 1);
	while (put < 0 && errno == EINTR);
	return put == 1;
}

void kdumpfile_process(int fd, int socket, int parent, struct shared *shared)
{
	kdump_ctx_t *ctx = NULL;

	child_fence(fd, socket, parent, MEMORY_MOST);
	while (take_turn(socket)) {
		shared->status = KDUMP_OK;
		shared->error[0] = '\0';
		if (shared->task == TASK_OPEN)
			ctx = first_task(fd, shared);
		else if (ctx && shared->task == TASK_PAGES)
			read_pages(ctx, shared);
		else if (ctx)
			read_bits(ctx, shared);
		if (!pass_turn(socket))
			break;
	}
	/* No destructors: memory goes with the process, and what damaged it may crash them. */
	_exit(0);
}
