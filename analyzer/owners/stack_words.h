/*
 * Words of stack arguments that routines of the kernel remove on x86, by the name they are imported
 * under.
 *
 * A static table of routines that drivers import often; nothing is owned. Not supported: imports by
 * ordinal, and routines that are not in the table (then a decorated name may still tell).
 */
#ifndef PS_ANALYZER_OWNERS_STACK_WORDS_H
#define PS_ANALYZER_OWNERS_STACK_WORDS_H

enum { STACK_WORDS_MAX = 32 };

/**
 * 32-bit words (0..STACK_WORDS_MAX) that the routine `name` of module `dll` removes from the stack
 * before it returns, or -1 when that is not known. `dll` may be NULL. Names such as _Name@12 and
 * @Name@12 tell it themselves, others are known only of the kernel's own modules.
 */
int stack_words(const char *dll, const char *name);

#endif
