/*
 * See opened.h.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "opened.h"

struct dump *opened_dump(const char *path)
{
	struct ps_error err = PS_ERROR_INIT;
	struct dump *dump = NULL;

	if (dump_open(path, NULL, &dump, &err) != PS_OK)
		fail_msg("%s", err.text);
	return dump;
}

struct space *opened_space(struct dump *dump, enum paging paging, uint64_t dtb)
{
	struct ps_error err = PS_ERROR_INIT;
	struct space *space = NULL;

	if (space_create(dump, paging, dtb, &space, &err) != PS_OK)
		fail_msg("%s", err.text);
	return space;
}
