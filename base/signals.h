/*
 * The one place with globals: SIGBUS (a mapped file shrank or the disk failed) and Ctrl-C.
 *
 * Copies out of a file mapping go through signals_copy(), which survives SIGBUS. A SIGBUS anywhere
 * else keeps its default action. Not for use from several threads at once.
 */
#ifndef PS_BASE_SIGNALS_H
#define PS_BASE_SIGNALS_H

#include <stdbool.h>
#include <stddef.h>

/** Installs the handlers; call once from main() or a test's main(). Idempotent. */
void signals_init(void);

/** memcpy that returns false when the source faults with SIGBUS; `to` is then undefined. */
bool signals_copy(void *to, const void *from, size_t length);

/** True once Ctrl-C (SIGINT) or SIGTERM came; long loops ask and end with PS_INTERRUPTED. */
bool signals_interrupted(void);

#endif
