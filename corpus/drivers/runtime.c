/*
 * What compilers call without being asked.
 *
 * Does not: be fast.
 */
#include "corpus/drivers/wdk.h"

void *memcpy(void *to, const void *from, SIZE_T count);

void *memcpy(void *to, const void *from, SIZE_T count)
{
	volatile UCHAR *at = to;
	for (SIZE_T i = 0; i < count; i++)
		at[i] = ((const UCHAR *)from)[i];
	return to;
}
