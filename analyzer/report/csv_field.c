/*
 * Quotes where a field needs them; see csv_field.h.
 */
#include "analyzer/report/csv_field.h"

#include <string.h>

static bool needs_quotes(const char *text)
{
	size_t length = strlen(text);

	/* blanks at the ends are data (the tag `Irp `), and some readers trim bare ones */
	return strpbrk(text, ",\"\r\n") ||
	       (length > 0 && (text[0] == ' ' || text[length - 1] == ' '));
}

void csv_field(FILE *out, const char *text, bool last)
{
	if (text && needs_quotes(text)) {
		fputc('"', out);
		for (; *text != '\0'; text++) {
			if (*text == '"')
				fputc('"', out);
			fputc(*text, out);
		}
		fputc('"', out);
	} else if (text) {
		fputs(text, out);
	}
	fputs(last ? "\r\n" : ",", out);
}
