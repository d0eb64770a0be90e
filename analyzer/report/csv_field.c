/*
 * Quotes where a field needs them; see csv_field.h. A name of a file can be of any bytes: what is
 * no text, or would be an order to a terminal, stands as \xNN.
 */
#include "analyzer/report/csv_field.h"

#include <stdlib.h>
#include <string.h>

#include "analyzer/report/format.h"

static bool needs_quotes(const char *text)
{
	size_t length = strlen(text);

	/* blanks at the ends are data (the tag `Irp `), and some readers trim bare ones */
	return strpbrk(text, ",\"\r\n") ||
	       (length > 0 && (text[0] == ' ' || text[length - 1] == ' '));
}

static void write_quoted(FILE *out, const char *text)
{
	fputc('"', out);
	for (; *text != '\0'; text++) {
		if (*text == '"')
			fputc('"', out);
		fputc(*text, out);
	}
	fputc('"', out);
}

void csv_field(FILE *out, const char *text, bool last)
{
	char *safe = text ? format_safe(text, TARGET_TERMINAL) : NULL;

	if (text && !safe)
		fputc('?', out);
	else if (safe && needs_quotes(safe))
		write_quoted(out, safe);
	else if (safe)
		fputs(safe, out);
	free(safe);
	fputs(last ? "\r\n" : ",", out);
}
