/*
 * What the readers of pool use share, and the reader of this program's own reports in memory.
 */
#include "analyzer/desk/usage.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "analyzer/texts/poolmon.h"
#include "base/memory.h"

const char *usage_kind_word(enum usage_kind kind)
{
	switch (kind) {
	case USAGE_DUMP: return "dump";
	case USAGE_REPORT: return "report";
	case USAGE_POOLMON: return "poolmon";
	}
	return "dump";
}

struct usage *usage_add(struct usage_list *list)
{
	if (!mem_grow((void **)&list->items, list->count, &list->capacity, sizeof(*list->items)))
		return NULL;
	list->items[list->count] = (struct usage){.label = NULL};
	return &list->items[list->count++];
}

static int tag_order(const void *a, const void *b)
{
	const struct usage_tag *x = a, *y = b;

	if (x->tag != y->tag)
		return x->tag < y->tag ? -1 : 1;
	return (int)x->overflow - (int)y->overflow;
}

static int64_t plus(int64_t a, int64_t b)
{
	int64_t sum;

	if (!__builtin_add_overflow(a, b, &sum))
		return sum;
	return a < 0 ? INT64_MIN : INT64_MAX;
}

/* Hostile input alone has a tag twice; nothing exact is left of it then. */
static void merge(struct usage_tag *to, const struct usage_tag *from)
{
	for (unsigned pool = 0; pool < 2; pool++) {
		to->sides[pool].allocs += from->sides[pool].allocs;
		to->sides[pool].frees += from->sides[pool].frees;
		to->sides[pool].diff = plus(to->sides[pool].diff, from->sides[pool].diff);
		to->sides[pool].bytes = plus(to->sides[pool].bytes, from->sides[pool].bytes);
	}
	to->complete = false;
}

void usage_finish(struct usage *usage)
{
	size_t used = 0;

	if (usage->count > 0)
		qsort(usage->tags, usage->count, sizeof(*usage->tags), tag_order);
	for (size_t i = 0; i < usage->count; i++) {
		for (unsigned pool = 0; pool < 2; pool++)
			usage->sums[pool] =
				plus(usage->sums[pool], usage->tags[i].sides[pool].bytes);
		if (used > 0 && tag_order(&usage->tags[used - 1], &usage->tags[i]) == 0)
			merge(&usage->tags[used - 1], &usage->tags[i]);
		else
			usage->tags[used++] = usage->tags[i];
	}
	usage->count = used;
}

const struct usage_tag *usage_find(const struct usage *usage, uint32_t tag, bool overflow)
{
	const struct usage_tag key = {.tag = tag, .overflow = overflow};

	if (usage->count == 0)
		return NULL;
	return bsearch(&key, usage->tags, usage->count, sizeof(key), tag_order);
}

bool usage_time(const char *text, int64_t *ret)
{
	int year, month, day, hour, minute, second, used = 0;
	struct tm tm = {.tm_sec = 0};

	if (!text ||
	    sscanf(text, "%4d-%2d-%2dT%2d:%2d:%2dZ%n", &year, &month, &day, &hour, &minute, &second,
		   &used) != 6 ||
	    used == 0 || text[used] != '\0')
		return false;
	if (year < 1601 || month < 1 || month > 12 || day < 1 || day > 31 || hour < 0 ||
	    hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 60)
		return false;
	tm.tm_year = year - 1900;
	tm.tm_mon = month - 1;
	tm.tm_mday = day;
	tm.tm_hour = hour;
	tm.tm_min = minute;
	tm.tm_sec = second;
	*ret = timegm(&tm);
	return true;
}

enum usage_kind usage_recognise(const char *bytes, size_t length)
{
	size_t at = 0;

	if (length >= 3 && memcmp(bytes, "\xef\xbb\xbf", 3) == 0)
		at = 3;
	while (at < length && memchr(" \t\r\n", bytes[at], 4))
		at++;
	if (at < length && bytes[at] == '{')
		return USAGE_REPORT;
	return poolmon_is(bytes, length) ? USAGE_POOLMON : USAGE_DUMP;
}

static const char *copy(struct report *store, const char *text)
{
	return text ? report_text(store, "%s", text) : NULL;
}

static void take_system(const struct report_system *s, struct report *store, struct usage *ret)
{
	ret->computer = copy(store, s->computer_name.value);
	ret->product = copy(store, s->product.value);
	ret->arch = copy(store, s->arch.value);
	ret->kernel_pdb = copy(store, s->kernel_pdb_guid_age.value);
	ret->has_build = s->build.has_value;
	ret->build = s->build.value;
	ret->has_pages = s->physical_pages.has_value;
	ret->pages = s->physical_pages.value;
	ret->has_kernel_base = s->kernel_base.has_value;
	ret->kernel_base = s->kernel_base.value;
	ret->has_time = usage_time(s->crash_time.value, &ret->time);
	if (ret->has_time && s->uptime_seconds.has_value &&
	    s->uptime_seconds.value <= INT32_MAX * UINT64_C(10)) {
		ret->has_boot = true;
		ret->boot = ret->time - (int64_t)s->uptime_seconds.value;
	}
}

static void take_total(const struct report_total *total, struct report *store,
		       struct usage_total *ret)
{
	if (!total->number.has_value)
		return;
	*ret = (struct usage_total){true, total->number.value, total->basis,
				    copy(store, total->source)};
}

static struct usage_side side_of(const struct report_side *side)
{
	return (struct usage_side){side->allocs, side->frees, side->diff, side->bytes};
}

static void take_tag(const struct report *report, const struct report_tag *tag,
		     struct report *store, struct usage_tag *ret)
{
	*ret = (struct usage_tag){.tag = tag->tag,
				  .overflow = tag->overflow,
				  .sides = {side_of(&tag->nonpaged), side_of(&tag->paged)},
				  .complete = tag->complete};
	/* "-" stands for nobody known */
	if (report->has_owners && tag->owner > 0 &&
	    strcmp(report->owners[tag->owner - 1].words, "-") != 0)
		ret->owner = copy(store, report->owners[tag->owner - 1].words);
}

enum ps_status usage_of_report(const struct report *report, struct report *store, struct usage *ret,
			       struct ps_error *err)
{
	const struct report_totals *t = &report->totals;

	*ret = (struct usage){.kind = USAGE_DUMP,
			      .label = copy(store, report->file.label),
			      .whole = true,
			      .complete = report->tracker.complete};
	if (report->has_system)
		take_system(&report->system, store, ret);
	if (t->available) {
		take_total(&t->nonpaged.allocated, store, &ret->allocated[0]);
		take_total(&t->paged.allocated, store, &ret->allocated[1]);
		take_total(&t->nonpaged.maximum, store, &ret->limit[0]);
		take_total(&t->paged.maximum, store, &ret->limit[1]);
	}
	ret->tags = report_array(store, report->tag_count + 1, sizeof(*ret->tags));
	if (!ret->label || !ret->tags)
		return ps_fail_memory(err, "the tags to compare");
	ret->count = report->tag_count;
	for (size_t i = 0; i < report->tag_count; i++)
		take_tag(report, &report->tags[i], store, &ret->tags[i]);
	usage_finish(ret);
	if (!ret->complete)
		ret->note = report_text(
			store, "%s: parts of the tag tables are missing: %s", ret->label,
			report->tracker.incomplete_reason ? report->tracker.incomplete_reason
							  : "not said which");
	return PS_OK;
}
