/*
 * Test driver: tags that stand in its data only, as in drivers whose allocators are reached by
 * means that no analysis of code can follow.
 *
 * TRUTH lines: see README.md beside this file.
 */
#include "corpus/drivers/wdk.h"

typedef PVOID(NTAPI *allocator)(ULONG type, SIZE_T size, ULONG tag);

/* Handed over at run time by another driver. */
allocator volatile given;

struct class_of_blocks {
	ULONG tag, size;
};

/* TRUTH InD0 bytes - classes */
/* TRUTH InD1 bytes - classes */
const struct class_of_blocks classes[] = {{TAG('I', 'n', 'D', '0'), 0x80},
					  {TAG('I', 'n', 'D', '1'), 0x200}};
/* TRUTH InDw bytes - writable_class */
volatile struct class_of_blocks writable_class = {TAG('I', 'n', 'D', 'w'), 0x44};

NOINLINE PVOID by_class(ULONG n)
{
	const volatile struct class_of_blocks *c = n < 2 ? &classes[n] : &writable_class;
	return given(PagedPool, c->size, c->tag);
}

static const PVOID dispatch[] = {(PVOID)by_class};

IN_INIT NTSTATUS NTAPI DriverEntry(struct driver_object *driver, PVOID path)
{
	if (!path)
		return -1;
	DISPATCH(driver, dispatch);
	return 0;
}
