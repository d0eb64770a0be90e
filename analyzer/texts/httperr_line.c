/*
 * Lines of an HTTPERR log. Without a #Fields line the reason is found by its form, since the number
 * of fields grew with the versions: the last field that is a known reason phrase, else the last one
 * that looks like one.
 */
#include "analyzer/texts/httperr_line.h"

#include <string.h>
#include <time.h>

struct field {
	const char *text;
	size_t length;
};

enum { FIELDS_MAX = 48, REASON_LONGEST = 40 };

static size_t split(const char *line, size_t length, struct field *fields)
{
	size_t count = 0, at = 0;

	while (at < length && count < FIELDS_MAX) {
		size_t end = at;

		while (end < length && line[end] != ' ' && line[end] != '\t')
			end++;
		if (end > at)
			fields[count++] = (struct field){line + at, end - at};
		at = end + 1;
	}
	return count;
}

static bool is_field(struct field f, const char *name)
{
	return f.length == strlen(name) && memcmp(f.text, name, f.length) == 0;
}

static void read_columns(struct field *fields, size_t count, struct httperr_columns *columns)
{
	bool date = false, time = false;

	*columns = (struct httperr_columns){.known = true};
	for (unsigned i = 1; i < count; i++) {
		if (is_field(fields[i], "date")) {
			columns->date_at = i - 1;
			date = true;
		} else if (is_field(fields[i], "time")) {
			columns->time_at = i - 1;
			time = true;
		} else if (is_field(fields[i], "s-reason")) {
			columns->reason_at = i - 1;
			columns->reason = true;
		}
	}
	columns->reason = columns->reason && date && time;
}

/* Exactly `digits` of them at `at`, as a number; -1 when they are not digits. */
static int number(struct field f, size_t at, unsigned digits)
{
	int value = 0;

	if (at + digits > f.length)
		return -1;
	for (unsigned i = 0; i < digits; i++) {
		char c = f.text[at + i];

		if (c < '0' || c > '9')
			return -1;
		value = value * 10 + (c - '0');
	}
	return value;
}

static bool read_time(struct field date, struct field clock, int64_t *ret)
{
	int year = number(date, 0, 4), month = number(date, 5, 2), day = number(date, 8, 2);
	int hour = number(clock, 0, 2), minute = number(clock, 3, 2), second = number(clock, 6, 2);

	if (date.length != 10 || date.text[4] != '-' || date.text[7] != '-' || clock.length < 8 ||
	    clock.text[2] != ':' || clock.text[5] != ':')
		return false;
	if (year < 1990 || month < 1 || month > 12 || day < 1 || day > 31 || hour < 0 ||
	    hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 60)
		return false;
	*ret = timegm(&(struct tm){.tm_year = year - 1900,
				   .tm_mon = month - 1,
				   .tm_mday = day,
				   .tm_hour = hour,
				   .tm_min = minute,
				   .tm_sec = second});
	return true;
}

static bool is_letter(char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

/* Letters, digits and underscores with a letter: "Timer_ConnectionIdle", "N/A", "3_Conn...". */
static bool looks_like_reason(struct field f)
{
	bool letter = false;

	if (f.length == 0 || f.length > REASON_LONGEST)
		return false;
	for (size_t i = 0; i < f.length; i++) {
		char c = f.text[i];

		if (is_letter(c))
			letter = true;
		else if (!(c >= '0' && c <= '9') && c != '_' && c != '/' && c != '.')
			return false;
	}
	return letter;
}

/* "12_Connections_Refused" is twelve of them. */
static void read_reason(struct field f, struct httperr_event *ret)
{
	size_t digits = 0;
	uint64_t count = 0;

	while (digits < f.length && digits < 9 && f.text[digits] >= '0' && f.text[digits] <= '9')
		count = count * 10 + (uint64_t)(f.text[digits++] - '0');
	if (digits == 0 || digits + 1 >= f.length || f.text[digits] != '_') {
		count = 1;
		digits = 0;
	} else {
		digits++;
	}
	ret->count = count;
	ret->reason = f.text + digits;
	ret->reason_length = f.length - digits;
}

/* Reason phrases as Microsoft's documentation of the HTTP Server API lists them. */
static const char *const known_reasons[] = {
	"AppOffline",
	"AppPoolTimer",
	"AppShutdown",
	"BadRequest",
	"Client_Reset",
	"Connection_Abandoned_By_AppPool",
	"Connection_Abandoned_By_ReqQueue",
	"Connection_Dropped",
	"Connection_Dropped_List_Full",
	"ConnLimit",
	"Connections_Refused",
	"Disabled",
	"EntityTooLarge",
	"FieldLength",
	"Forbidden",
	"Header",
	"Hostname",
	"Internal",
	"Invalid_CR/LF",
	"LengthRequired",
	"N/A",
	"N/I",
	"Number",
	"Precondition",
	"QueueFull",
	"RequestLength",
	"Timer_AppPool",
	"Timer_Connection",
	"Timer_ConnectionIdle",
	"Timer_EntityBody",
	"Timer_HeaderWait",
	"Timer_MinBytesPerSecond",
	"Timer_ReqQueue",
	"Timer_Response",
	"Timer_SslRenegotiation",
	"URL",
	"URL_Length",
	"Verb",
	"Version_N/S",
};

static bool is_known_reason(struct field f)
{
	struct httperr_event event;

	if (!looks_like_reason(f))
		return false;
	read_reason(f, &event);
	for (size_t i = 0; i < sizeof(known_reasons) / sizeof(known_reasons[0]); i++) {
		if (is_field((struct field){event.reason, event.reason_length}, known_reasons[i]))
			return true;
	}
	return false;
}

/* Behind date, time, addresses, version, verb, URL and status, on all versions; newer ones have
 * the queue's name and numbers of streams behind it. */
enum { REASON_EARLIEST = 9 };

static const struct field *find_reason(const struct field *fields, size_t count)
{
	for (size_t i = count; i > REASON_EARLIEST; i--) {
		if (is_known_reason(fields[i - 1]))
			return &fields[i - 1];
	}
	for (size_t i = count; i > REASON_EARLIEST; i--) {
		if (looks_like_reason(fields[i - 1]))
			return &fields[i - 1];
	}
	return NULL;
}

enum httperr_line_kind httperr_parse_line(const char *line, size_t length,
					  struct httperr_columns *columns,
					  struct httperr_event *ret)
{
	struct field fields[FIELDS_MAX];
	const struct field *reason;
	size_t count = split(line, length, fields);

	if (count == 0)
		return HTTPERR_COMMENT;
	if (fields[0].text[0] == '#') {
		if (is_field(fields[0], "#Fields:"))
			read_columns(fields, count, columns);
		return HTTPERR_COMMENT;
	}
	if (columns->known && !columns->reason)
		return HTTPERR_BROKEN;
	if (columns->known) {
		if (columns->reason_at >= count || columns->date_at >= count ||
		    columns->time_at >= count)
			return HTTPERR_BROKEN;
		reason = &fields[columns->reason_at];
		if (!read_time(fields[columns->date_at], fields[columns->time_at], &ret->time))
			return HTTPERR_BROKEN;
	} else {
		reason = find_reason(fields, count);
		if (!reason || !read_time(fields[0], fields[1], &ret->time))
			return HTTPERR_BROKEN;
	}
	if (!looks_like_reason(*reason))
		return HTTPERR_BROKEN;
	read_reason(*reason, ret);
	return HTTPERR_EVENT;
}
