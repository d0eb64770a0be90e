/*
 * Numbers as an analyst reads them: thousands separated, sizes in binary units.
 */
#include "formats/formats.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

const char *count_words(uint64_t count, char out[WORDS_SIZE])
{
	char digits[WORDS_SIZE];
	int length = snprintf(digits, sizeof(digits), "%" PRIu64, count);
	char *to = out;

	for (int i = 0; i < length; i++) {
		if (i > 0 && (length - i) % 3 == 0)
			*to++ = ',';
		*to++ = digits[i];
	}
	*to = '\0';
	return out;
}

const char *size_words(uint64_t bytes, char out[WORDS_SIZE])
{
	static const char *const units[] = {"MiB", "GiB", "TiB", "PiB", "EiB"};
	double size = (double)bytes / (1024.0 * 1024.0);
	size_t unit = 0;

	if (bytes < UINT64_C(1024) * 1024) {
		count_words(bytes, out);
		strcat(out, bytes == 1 ? " byte" : " bytes");
		return out;
	}
	while (size >= 1024.0 && unit + 1 < sizeof(units) / sizeof(units[0])) {
		size /= 1024.0;
		unit++;
	}
	snprintf(out, WORDS_SIZE, size < 10.0 ? "%.1f %s" : "%.0f %s", size, units[unit]);
	return out;
}
