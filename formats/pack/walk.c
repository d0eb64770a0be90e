/*
 * A walk over the members of one archive: their first bytes are looked at, and the one that is the
 * dump is unpacked.
 *
 * Members of a zip archive can be passed over, so there the walk comes first. Elsewhere all that is
 * passed over must be unpacked too: the first dump that comes is unpacked at once, in the hope that
 * it stays the only one.
 */
#include "formats/pack/walk.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "formats/formats.h"

enum { SMALLEST = 4096 /* bytes; no dump is smaller */, MEMBERS_MOST = 1 << 20 };

enum pack_kind pack_kind_of_file(struct file *file)
{
	struct ps_error ignored = PS_ERROR_INIT;
	uint8_t head[PACK_HEAD];
	size_t length = file->size < sizeof(head) ? (size_t)file->size : sizeof(head);

	if (file_read(file, 0, head, length, &ignored) != PS_OK)
		return PACK_NONE;
	return pack_kind_of(head, length);
}

/* ---- words ---- */

/* A stream has no name for what it holds: that of the file without its ending. */
static void name_of_stream(const struct level *level, char out[NAME_WORDS])
{
	const char *slash = strrchr(level->name, '/');
	char copy[MEMBER_NAME];
	char *dot;

	snprintf(copy, sizeof(copy), "%s", slash ? slash + 1 : level->name);
	dot = strrchr(copy, '.');
	if (dot && dot != copy)
		*dot = '\0';
	name_words(copy, out);
}

static void word_member(const struct level *level, const struct member *member,
			char out[NAME_WORDS])
{
	if (member->name[0] != '\0')
		name_words(member->name, out);
	else
		name_of_stream(level, out);
}

static void hint_archive(struct ps_error *err)
{
	if (err->status == PS_ABSENT)
		ps_hint(err,
			"the archive was cut short: copy it again; the parts of a split archive "
			"must be put together first");
	else if (err->status == PS_CORRUPT)
		ps_hint(err, "the archive is damaged: copy it again, or have it packed again");
	else if (err->status == PS_UNSUPPORTED)
		ps_hint(err, "unpack it with another program, for example 7z, and open the dump "
			     "inside");
}

static enum ps_status explain_encrypted(const struct level *level, const char *name,
					struct ps_error *err)
{
	static const char *const how[] = {
		[TROUBLE_CIPHER] = ", in a way that cannot be read",
		[TROUBLE_NO_PASSWORD] = "",
		[TROUBLE_WRONG_PASSWORD] = ", and not with this password",
	};
	static const char *const hints[] = {
		[TROUBLE_CIPHER] = "unpack it with another program, for example 7z, and open the "
				   "dump inside",
		[TROUBLE_NO_PASSWORD] = "give the password with --password-file FILE",
		[TROUBLE_WRONG_PASSWORD] =
			"look at the password file: its first line is the password",
	};
	enum reader_trouble trouble = level->unpack.trouble;

	ps_error_clear(err);
	ps_fail(err, PS_UNSUPPORTED, "%s%s%s is encrypted%s", name ? name : "", name ? " in " : "",
		file_words(level->file), how[trouble]);
	ps_hint(err, "%s", hints[trouble]);
	return err->status;
}

/* What is wrong with one member, or with all of the archive (`name` NULL). */
static enum ps_status explain(struct level *level, const char *name, struct ps_error *err)
{
	const char *archive = file_words(level->file);

	if (err->status == PS_INTERRUPTED)
		return err->status;
	if (level->unpack.trouble != TROUBLE_OTHER)
		return explain_encrypted(level, name, err);
	if (name && level->current.member.encrypted && err->status == PS_CORRUPT)
		ps_hint(err, "the password may be wrong, or the archive damaged");
	hint_archive(err);
	return name ? ps_wrap(err, "cannot unpack %s from %s", name, archive)
		    : ps_wrap(err, "cannot read the archive %s", archive);
}

/* Looks for the end of a member that is passed over. */
static enum ps_status skip(struct level *level, struct ps_error *err)
{
	enum ps_status status = unpack_order(&level->unpack, ORDER_SKIP, err);
	enum message_type type = MESSAGE_TICK;
	uint64_t offset;
	size_t length;

	while (status == PS_OK && type != MESSAGE_END)
		status = unpack_receive(&level->unpack, &type, &length, &offset, err);
	return status;
}

/* Text and the boot sector of a disk are no memory. */
static bool may_be_memory(struct file *head)
{
	struct ps_error ignored = PS_ERROR_INIT;
	uint8_t bytes[PACK_HEAD];

	if (head->size < sizeof(bytes) ||
	    file_read(head, 0, bytes, sizeof(bytes), &ignored) != PS_OK)
		return false;
	if ((bytes[0] == 0xff && bytes[1] == 0xfe) || (bytes[0] == 0xfe && bytes[1] == 0xff) ||
	    (bytes[510] == 0x55 && bytes[511] == 0xaa))
		return false;
	for (size_t i = 0; i < sizeof(bytes); i++) {
		if (bytes[i] < 0x20 && !strchr("\t\r\n\f", bytes[i] ? bytes[i] : 1))
			return true;
	}
	return false;
}

/* What the bytes that were peeked at say. */
static enum ps_status recognise(struct level *level, struct recognised *ret, struct ps_error *err)
{
	struct expansion *e = &level->current;
	struct file head = {.fd = -1};
	enum pack_kind kind;

	*ret = (struct recognised){.rank = RANK_NONE};
	if (e->end < SMALLEST || scratch_resize(&e->scratch, e->end, err) != PS_OK)
		return e->end < SMALLEST ? PS_OK : err->status;
	if (file_adopt(&head, dup(e->scratch.fd), e->name, err) != PS_OK)
		return err->status;
	kind = pack_kind_of_file(&head);
	if (kind != PACK_NONE) {
		ret->rank = RANK_PACKED;
		snprintf(ret->words, sizeof(ret->words), "%s", pack_kind_name(kind));
	} else {
		level->recognise(&head, ret);
		if (ret->rank == RANK_RAW && !may_be_memory(&head))
			*ret = (struct recognised){.rank = RANK_NONE};
	}
	file_close(&head);
	return PS_OK;
}

/* Makes what was received the chosen one, and another place for what follows. */
static enum ps_status keep(struct level *level, uint64_t number, struct ps_error *err)
{
	level->chosen = level->current;
	level->chosen_number = number;
	return expansion_open(&level->current, err);
}

static enum ps_status expand(struct level *level, uint64_t number, struct ps_error *err)
{
	if (expansion_finish(&level->current, &level->unpack, &level->limits, level->progress,
			     err) == PS_OK)
		return keep(level, number, err);
	return explain(level, level->current.name, err);
}

/* A member that cannot be read is an error when nothing else is found. */
static enum ps_status pass_unreadable(struct level *level, struct ps_error *err)
{
	struct choice *choice = &level->choice;

	explain(level, level->current.name, err);
	if (level->unpack.lost || level->current.broken || err->status == PS_SYSTEM ||
	    err->status == PS_INTERRUPTED)
		return err->status;
	log_info(level->log, "%s", err->text);
	if (choice->unreadable++ == 0) {
		choice->why = *err;
		snprintf(choice->unreadable_name, sizeof(choice->unreadable_name), "%s",
			 level->current.name);
	}
	level->unpack.trouble = TROUBLE_OTHER;
	ps_error_clear(err);
	return PS_OK;
}

/* Is it the right one to be unpacked at once? */
static bool is_promising(const struct level *level, enum pack_rank rank)
{
	if (level->wanted || level->chosen_number != 0 || rank == RANK_NONE)
		return false;
	if (level->kind == PACK_ZIP || level->kind == PACK_TAR)
		return false;
	return rank == RANK_DUMP || level->current.member.alone;
}

static enum ps_status look_at(struct level *level, uint64_t number, const struct member *member,
			      struct ps_error *err)
{
	struct expansion *e = &level->current;
	struct recognised what;

	if (member->size_known && member->size < SMALLEST)
		return skip(level, err);
	if (expansion_peek(e, &level->unpack, err) != PS_OK)
		return pass_unreadable(level, err);
	if (recognise(level, &what, err) != PS_OK)
		return err->status;
	log_info(level->log, "%s: member %" PRIu64 " is %s", file_words(level->file), number,
		 what.words[0] ? what.words : "nothing known");
	choice_add(&level->choice, number, member, e->name, &what);
	if (is_promising(level, what.rank))
		return expand(level, number, err);
	return e->whole ? PS_OK : skip(level, err);
}

static bool is_wanted(struct level *level, uint64_t number)
{
	const char *name = level->current.stored;

	if (!level->wanted)
		return false;
	if (level->any_case)
		return strcasecmp(level->wanted, name) == 0;
	return name_is_wanted(level->wanted, name, number, &level->rest);
}

static enum ps_status visit(struct level *level, uint64_t number, const struct member *member,
			    struct ps_error *err)
{
	char name[NAME_WORDS], size[WORDS_SIZE] = "size unknown";

	word_member(level, member, name);
	if (member->size_known)
		size_words(member->size, size);
	log_info(level->log, "%s: member %" PRIu64 ": %s (%s)%s", file_words(level->file), number,
		 name, size, member->type == MEMBER_FILE ? "" : ", no file");
	if (expansion_begin(&level->current, member, name, err) != PS_OK)
		return err->status;
	if (member->type != MEMBER_FILE) {
		level->choice.links += member->type == MEMBER_LINK;
		return skip(level, err);
	}
	level->choice.files++;
	member_names_add(&level->names, level->current.stored);
	if (is_wanted(level, number))
		return expand(level, number, err);
	return look_at(level, number, member, err);
}

/* The member that the first walk chose. */
static enum ps_status expand_only(struct level *level, uint64_t number, const struct member *member,
				  struct ps_error *err)
{
	char name[NAME_WORDS];

	word_member(level, member, name);
	if (expansion_begin(&level->current, member, name, err) != PS_OK)
		return err->status;
	return expand(level, number, err);
}

static enum ps_status take_member(struct level *level, uint64_t number, uint64_t only,
				  const struct member *member, struct ps_error *err)
{
	if (only == 0)
		return visit(level, number, member, err);
	return number == only ? expand_only(level, number, member, err) : skip(level, err);
}

/* All members, or as far as the one that is asked for: by the options, or as number `only`. */
static enum ps_status walk(struct level *level, uint64_t only, struct ps_error *err)
{
	struct member member;
	bool end = false;

	for (uint64_t number = 1; number <= MEMBERS_MOST; number++) {
		if (unpack_next(&level->unpack, &member, &end, err) != PS_OK)
			return explain(level, NULL, err);
		if (end)
			return PS_OK;
		if (take_member(level, number, only, &member, err) != PS_OK)
			return err->status;
		if (level->chosen_number != 0 && level->wanted)
			level->names.all = false; /* nobody looks further */
		if (level->chosen_number != 0 && (only != 0 || level->wanted))
			return PS_OK;
	}
	return ps_fail(err, PS_UNSUPPORTED, "%s has more than %d members", file_words(level->file),
		       MEMBERS_MOST);
}

/* The dump is whole; what lies behind it in the archive is not. */
static void note_rest(struct level *level, struct ps_error *err)
{
	if (level->chosen_number == 0 || (err->status != PS_ABSENT && err->status != PS_CORRUPT))
		return;
	snprintf(level->note, sizeof(level->note),
		 "the archive is damaged behind the dump, so that other members may be unseen");
	level->names.all = false;
	ps_error_clear(err);
}

static enum ps_status begin_and_walk(struct level *level, uint64_t only, struct ps_error *err)
{
	if (unpack_begin(&level->unpack, level->file, level->kind, level->options->password, err) ==
		    PS_OK &&
	    walk(level, only, err) != PS_OK)
		note_rest(level, err);
	unpack_end(&level->unpack);
	level->worked_ns += level->unpack.child.worked_ns;
	return err->status;
}

/* The dump that is asked after may be one of those that were passed over. */
static void note_unreadable(struct level *level)
{
	const struct choice *choice = &level->choice;
	size_t used = strlen(level->note);

	if (choice->unreadable == 1)
		snprintf(level->note + used, sizeof(level->note) - used,
			 "%s%.90s in the archive cannot be read and was passed over; -v says why",
			 used ? "; " : "", choice->unreadable_name);
	else if (choice->unreadable > 1)
		snprintf(level->note + used, sizeof(level->note) - used,
			 "%s%" PRIu64 " members of the archive cannot be read and were passed "
			 "over, the first is %.60s; -v says why",
			 used ? "; " : "", choice->unreadable, choice->unreadable_name);
}

/* After the first walk. */
static enum ps_status choose(struct level *level, struct ps_error *err)
{
	const char *archive = file_words(level->file);
	const struct candidate *c;

	if (level->wanted)
		return level->chosen_number
			       ? PS_OK
			       : choice_fail_member(&level->choice, archive, level->wanted, err);
	c = choice_pick(&level->choice, archive, err);
	if (!c)
		return err->status;
	note_unreadable(level);
	if (c->number == level->chosen_number)
		return PS_OK;
	expansion_close(&level->chosen);
	level->chosen_number = 0;
	if (begin_and_walk(level, c->number, err) != PS_OK)
		return err->status;
	if (level->chosen_number != 0)
		return PS_OK;
	return ps_fail(err, PS_CORRUPT, "%s changed while it was read", archive);
}

enum ps_status level_open(struct level *level, struct ps_error *err)
{
	level->chosen.scratch.fd = -1;
	level->names.all = true;
	if (expansion_open(&level->current, err) != PS_OK || begin_and_walk(level, 0, err) != PS_OK)
		return err->status;
	return choose(level, err);
}

void level_close(struct level *level)
{
	expansion_close(&level->current);
	expansion_close(&level->chosen);
	member_names_fini(&level->names);
}
