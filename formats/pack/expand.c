/*
 * Receives a member and writes it down, sparsely, within limits: what it says of its size, what the
 * options allow, and what the archive can honestly hold.
 */
#include "formats/pack/expand.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "formats/formats.h"

/*
 * Deflate cannot make more than 1,032 bytes of one. Beyond the first GiB nothing that is no bomb
 * comes near that but pages of zeros, which take no room and are not counted.
 */
enum { HONEST_RATIO = 1100 };
static const uint64_t honest_anyway = (uint64_t)1 << 30;

enum ps_status expansion_open(struct expansion *e, struct ps_error *err)
{
	*e = (struct expansion){.scratch.fd = -1};
	return scratch_open(&e->scratch, "the unpacked file",
			    "unpack it elsewhere and open the dump inside", err);
}

void expansion_close(struct expansion *e)
{
	scratch_close(&e->scratch);
}

enum ps_status expansion_begin(struct expansion *e, const struct member *member, const char *name,
			       struct ps_error *err)
{
	e->member = *member;
	snprintf(e->name, sizeof(e->name), "%.150s", name);
	snprintf(e->stored, sizeof(e->stored), "%s", member->name[0] ? member->name : name);
	e->end = e->written = 0;
	e->whole = e->broken = false;
	return scratch_resize(&e->scratch, 0, err);
}

static enum ps_status too_large(const struct expansion *e, const struct expand_limits *limits,
				const char *how, struct ps_error *err)
{
	char most[WORDS_SIZE];

	ps_fail(err, PS_UNSUPPORTED, "%s unpacks to %s, and the limit is %s", e->name, how,
		size_words(limits->most, most));
	ps_hint(err, "raise the limit with --max-expand SIZE if the archive is to be trusted");
	return err->status;
}

static enum ps_status check_limits(const struct expansion *e, const struct expand_limits *limits,
				   struct ps_error *err)
{
	char size[WORDS_SIZE];

	if (e->member.size_known && e->end > e->member.size)
		return ps_fail(err, PS_CORRUPT,
			       "%s unpacks to more than the %" PRIu64
			       " bytes that the archive says",
			       e->name, e->member.size);
	if (e->end > limits->most)
		return too_large(e, limits, "more", err);
	if (limits->trusted || e->written <= honest_anyway ||
	    e->written / HONEST_RATIO <= limits->archive_size)
		return PS_OK;
	ps_fail(err, PS_UNSUPPORTED,
		"%s has unpacked to %s already, more than %d times the archive: it is made to fill "
		"a disk",
		e->name, size_words(e->written, size), HONEST_RATIO);
	ps_hint(err, "if the archive is to be trusted, say so with --max-expand SIZE");
	return err->status;
}

static enum ps_status add(struct expansion *e, const struct unpack *u, size_t length,
			  uint64_t offset, const struct expand_limits *limits, struct ps_error *err)
{
	if (offset < e->end)
		return ps_fail(err, PS_CORRUPT, "the pieces of %s overlap", e->name);
	e->end = offset + length;
	if (check_limits(e, limits, err) != PS_OK)
		return err->status;
	if (!e->member.sparse)
		return scratch_write_sparse(&e->scratch, u->data, length, offset, &e->written, err);
	e->written += length;
	return scratch_write(&e->scratch, u->data, length, offset, err);
}

/* What does not end in data ends in a hole. */
static enum ps_status end_member(struct expansion *e, struct ps_error *err)
{
	if (e->member.sparse && e->member.size_known)
		e->end = e->member.size;
	if (e->member.size_known && e->end < e->member.size)
		return ps_fail(err, PS_ABSENT,
			       "%s ends after %" PRIu64 " of the %" PRIu64
			       " bytes that the archive says",
			       e->name, e->end, e->member.size);
	e->whole = true;
	return scratch_resize(&e->scratch, e->end, err);
}

/* One message. *ret false when it was not about bytes: the member is whole, or an order is due. */
static enum ps_status receive(struct expansion *e, struct unpack *u,
			      const struct expand_limits *limits, bool *ret, struct ps_error *err)
{
	enum ps_status status = PS_OK;
	enum message_type type;
	uint64_t offset;
	size_t length;

	if (unpack_receive(u, &type, &length, &offset, err) != PS_OK)
		return err->status;
	*ret = type == MESSAGE_DATA || type == MESSAGE_TICK;
	if (type == MESSAGE_DATA)
		status = add(e, u, length, offset, limits, err);
	else if (type == MESSAGE_END)
		status = end_member(e, err);
	e->broken = status != PS_OK && type == MESSAGE_DATA;
	return status;
}

enum ps_status expansion_peek(struct expansion *e, struct unpack *u, struct ps_error *err)
{
	static const struct expand_limits none = {.most = UINT64_MAX, .trusted = true};
	enum ps_status status = unpack_order(u, ORDER_PEEK, err);
	bool more = true;

	while (status == PS_OK && more)
		status = receive(e, u, &none, &more, err);
	return status;
}

static enum ps_status check_before(const struct expansion *e, const struct expand_limits *limits,
				   struct ps_error *err)
{
	char size[WORDS_SIZE];

	if (e->member.size_known && e->member.size > limits->most)
		return too_large(e, limits, size_words(e->member.size, size), err);
	if (e->end > limits->most)
		return too_large(e, limits, e->whole ? size_words(e->end, size) : "more", err);
	if (!e->member.size_known || e->whole)
		return PS_OK;
	return scratch_check_room(&e->scratch, "unpacking it", e->member.size - e->written, err);
}

/* By bytes that come out where their number is known, else by bytes of the archive that go in. */
static uint64_t done_so_far(const struct expansion *e, const struct unpack *u)
{
	return e->member.size_known ? e->end : u->consumed;
}

enum ps_status expansion_finish(struct expansion *e, struct unpack *u,
				const struct expand_limits *limits, struct progress *progress,
				struct ps_error *err)
{
	uint64_t total = e->member.size_known ? e->member.size : limits->archive_size;
	char what[240], size[WORDS_SIZE];
	enum ps_status status = PS_OK;
	uint64_t shown = 0;
	bool more = true;

	if (check_before(e, limits, err) != PS_OK)
		return err->status;
	if (e->whole)
		return PS_OK;
	if (unpack_order(u, ORDER_EXPAND, err) != PS_OK)
		return err->status;
	snprintf(what, sizeof(what), "unpacking %s (%s%s)", e->name, size_words(total, size),
		 e->member.size_known ? "" : " packed");
	if (progress)
		progress_begin(progress, what, total);
	while (more && status == PS_OK) {
		uint64_t done;

		status = receive(e, u, limits, &more, err);
		done = done_so_far(e, u);
		if (progress && done > shown)
			progress_advance(progress, done - shown);
		shown = done;
	}
	if (progress)
		progress_end(progress);
	return status;
}
