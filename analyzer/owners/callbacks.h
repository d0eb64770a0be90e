/*
 * Wrappers that no code calls by their address: a driver registers them with a type of object, and
 * the type's variable leads to them.
 *
 *     create_type(name, &info, &type);     info, on the frame, holds the address of the wrapper
 *     create(type, size, &object, &init);  init, on the frame, holds the tag
 *
 * and the wrapper takes its tag from a fixed place behind a parameter. The two calls share only the
 * variable, and init has a tag at just that place: registration data, one grade below a call site.
 * Not supported: types in memory that is no variable of the image, structures in data.
 */
#ifndef PS_ANALYZER_OWNERS_CALLBACKS_H
#define PS_ANALYZER_OWNERS_CALLBACKS_H

#include "analyzer/owners/sites.h"

/** True when this round has wrappers or variables of the kind: ask once a round. */
bool callbacks_wanted(const struct view *view, size_t from);

/** Looks whether the call registers such a wrapper or hands a structure on to one. */
void callbacks_visit(struct view *view, const struct flow_call *call, size_t from);

#endif
