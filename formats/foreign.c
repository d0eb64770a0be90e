/*
 * Files that are something else, recognised by their magic and refused in one sentence each.
 */
#include "formats/formats.h"
enum probe foreign_open(struct dump *dump, struct ps_error *err)
{
	(void)dump;
	(void)err;
	return PROBE_NOT_MINE;
}
