/*
 * See time.h.
 */
#include "base/time.h"

#include <time.h>

int64_t time_of_filetime(uint64_t filetime)
{
	const int64_t from_1601_to_1970 = INT64_C(11644473600);

	return (int64_t)(filetime / 10000000) - from_1601_to_1970;
}

bool time_to_iso(int64_t seconds, char ret[TIME_ISO])
{
	time_t time = (time_t)seconds;
	struct tm tm;

	return gmtime_r(&time, &tm) && strftime(ret, TIME_ISO, "%Y-%m-%dT%H:%M:%SZ", &tm) != 0;
}
