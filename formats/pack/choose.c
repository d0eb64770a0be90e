/*
 * Which member of an archive is the dump: the only one of the best rank. Names of members are
 * printed, compared with what was asked for, and used for nothing else.
 */
#include "formats/pack/choose.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/memory.h"
#include "formats/formats.h"

enum { LIST_BYTES = 420, SHOWN_NAME = 100, NAMES_MOST = 4096 };

/* ---- names ---- */

/* Bytes of the UTF-8 character at `text` that may be printed as it is; 0: none. */
static size_t printable(const uint8_t *text)
{
	size_t length = text[0] < 0x80 ? 1 : text[0] >= 0xf0 ? 4 : text[0] >= 0xe0 ? 3 : 2;

	if (length == 1)
		return text[0] >= 0x20 && text[0] != 0x7f;
	if (text[0] < 0xc2 || text[0] > 0xf4)
		return 0;
	for (size_t i = 1; i < length; i++) {
		if ((text[i] & 0xc0) != 0x80)
			return 0;
	}
	/* C1 controls, and what turns the direction of writing or shows as nothing */
	if (text[0] == 0xc2 && text[1] < 0xa0)
		return 0;
	if (text[0] == 0xe2 && (text[1] == 0x80 || text[1] == 0x81) && text[2] >= 0x8b)
		return 0;
	return length;
}

void name_words(const char *name, char out[NAME_WORDS])
{
	size_t used = 0;

	while (*name != '\0') {
		size_t length = printable((const uint8_t *)name);

		if (used + 8 > NAME_WORDS) {
			memcpy(out + used, "...", 3);
			used += 3;
			break;
		}
		if (length == 0) {
			used += (size_t)snprintf(out + used, NAME_WORDS - used, "\\x%02x",
						 (unsigned char)*name++);
			continue;
		}
		memcpy(out + used, name, length);
		used += length;
		name += length;
	}
	out[used] = '\0';
}

void member_names_add(struct member_names *names, const char *name)
{
	void *items = names->items;
	char *copy = names->count < NAMES_MOST ? mem_strndup(name, strlen(name)) : NULL;

	names->all = names->all && copy &&
		     mem_grow(&items, names->count, &names->capacity, sizeof(*names->items));
	if (!names->all) {
		free(copy);
		return;
	}
	names->items = items;
	names->items[names->count++] = copy;
}

void member_names_fini(struct member_names *names)
{
	for (size_t i = 0; i < names->count; i++)
		free(names->items[i]);
	free(names->items);
	*names = (struct member_names){.items = NULL};
}

bool member_names_may_have(const struct member_names *names, const char *name)
{
	for (size_t i = 0; i < names->count; i++) {
		if (strcasecmp(names->items[i], name) == 0)
			return true;
	}
	return !names->all;
}

static bool begins(const char *wanted, const char *name, const char **ret_rest)
{
	size_t length = strlen(name);

	if (length == 0 || strncmp(wanted, name, length) != 0)
		return false;
	if (wanted[length] != '\0' && wanted[length] != '/')
		return false;
	*ret_rest = wanted[length] == '/' ? wanted + length + 1 : NULL;
	return true;
}

bool name_is_wanted(const char *wanted, const char *name, uint64_t number, const char **ret_rest)
{
	char words[NAME_WORDS], hash[24];

	name_words(name, words);
	snprintf(hash, sizeof(hash), "#%" PRIu64, number);
	return begins(wanted, name, ret_rest) || begins(wanted, words, ret_rest) ||
	       begins(wanted, hash, ret_rest);
}

/* ---- the list ---- */

void choice_add(struct choice *choice, uint64_t number, const struct member *member,
		const char *name, const struct recognised *what)
{
	struct candidate c = {.number = number, .what = *what};

	c.size_known = member->size_known != 0;
	c.size = member->size;
	snprintf(c.name, sizeof(c.name), "%s", name);
	if (what->rank == RANK_NONE) {
		if (what->words[0] != '\0' && c.size >= choice->largest.size)
			choice->largest = c;
		return;
	}
	if (choice->count[what->rank] < CANDIDATES_KEPT)
		choice->kept[what->rank][choice->count[what->rank]] = c;
	choice->count[what->rank]++;
}

static enum pack_rank best_rank(const struct choice *choice)
{
	enum pack_rank rank = RANK_DUMP;

	while (rank > RANK_NONE && choice->count[rank] == 0)
		rank--;
	return rank;
}

/* "a.dmp (1.2 GiB, Windows crash dump), b.dmp (...) and 3 more" */
static void list(const struct choice *choice, enum pack_rank rank, char out[LIST_BYTES])
{
	uint64_t count = choice->count[rank], shown = 0;
	size_t used = 0;

	out[0] = '\0';
	for (; shown < count && shown < CANDIDATES_KEPT; shown++) {
		const struct candidate *c = &choice->kept[rank][shown];
		char size[WORDS_SIZE] = "size unknown", item[LIST_BYTES];
		int length;

		if (c->size_known)
			size_words(c->size, size);
		length = snprintf(item, sizeof(item), "%s%.*s (#%" PRIu64 ", %s, %s)",
				  shown ? ", " : "", SHOWN_NAME, c->name, c->number, size,
				  c->what.words);
		if (used + (size_t)length + sizeof(" and 18446744073709551615 more") > LIST_BYTES)
			break;
		used += (size_t)snprintf(out + used, LIST_BYTES - used, "%s", item);
	}
	if (shown < count)
		snprintf(out + used, LIST_BYTES - used, " and %" PRIu64 " more", count - shown);
}

static const struct candidate *fail_several(const struct choice *choice, enum pack_rank rank,
					    const char *archive, struct ps_error *err)
{
	static const char *const words[] = {
		[RANK_DUMP] = "dumps",
		[RANK_RAW] = "files that may be raw memory, and nothing that is known to be a dump",
		[RANK_PACKED] = "archives, and no dump beside them",
	};
	char items[LIST_BYTES];

	list(choice, rank, items);
	ps_fail(err, PS_UNSUPPORTED, "%s holds %" PRIu64 " %s: %s", archive, choice->count[rank],
		words[rank], items);
	ps_hint(err, "choose one with --member NAME; -v lists all members");
	return NULL;
}

static const struct candidate *fail_none(const struct choice *choice, const char *archive,
					 struct ps_error *err)
{
	const char *largest = choice->largest.what.words;

	if (choice->unreadable) {
		*err = choice->why;
		return NULL;
	}
	if (choice->files == 0 && choice->links > 0)
		ps_fail(err, PS_UNSUPPORTED,
			"%s holds no files, only links, which are not followed", archive);
	else if (choice->files == 0)
		ps_fail(err, PS_UNSUPPORTED, "%s holds no files", archive);
	else
		ps_fail(err, PS_UNSUPPORTED, "%s holds no dump among its %" PRIu64 " file%s%s%s",
			archive, choice->files, choice->files == 1 ? "" : "s",
			largest[0] ? ": " : "", largest);
	ps_hint(err, HINT_KERNEL);
	return NULL;
}

const struct candidate *choice_pick(const struct choice *choice, const char *archive,
				    struct ps_error *err)
{
	enum pack_rank rank = best_rank(choice);

	if (rank == RANK_NONE)
		return fail_none(choice, archive, err);
	if (choice->count[rank] > 1)
		return fail_several(choice, rank, archive, err);
	return &choice->kept[rank][0];
}

enum ps_status choice_fail_member(const struct choice *choice, const char *archive,
				  const char *wanted, struct ps_error *err)
{
	enum pack_rank rank = best_rank(choice);
	char items[LIST_BYTES];

	if (choice->unreadable && choice->files == 0) {
		*err = choice->why;
		return err->status;
	}
	ps_fail(err, PS_USAGE, "%s has no member '%.*s'", archive, SHOWN_NAME, wanted);
	if (rank == RANK_NONE) {
		ps_hint(err, "-v lists its members");
		return err->status;
	}
	list(choice, rank, items);
	ps_hint(err, "it holds %.300s", items);
	return err->status;
}
