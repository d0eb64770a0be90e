/*
 * KMDF drivers: they call the framework through a table of functions, and have their default tag in
 * a structure that the framework keeps.
 *
 * The driver's WDF_BIND_INFO names the library ("KmdfLibrary") and the variable with the table; it
 * is found by its shape, in memory and in files. Source: the public WDF loader interface. Not
 * supported: UMDF, class extensions' own tables (their tags stand in their code).
 */
#ifndef PS_ANALYZER_OWNERS_WDF_H
#define PS_ANALYZER_OWNERS_WDF_H

#include "analyzer/owners/refs.h"
#include "analyzer/owners/view.h"

/** Finds the bind information and sets view->wdf_functions. False when memory is out. */
bool wdf_find(struct view *view);

/**
 * The tag that the framework uses for a driver which passes 0: WDF_DRIVER_GLOBALS, to which a
 * variable of the driver points, holds it beside the driver's name. Only for views of memory. False
 * when memory is out.
 */
bool wdf_default_tag(struct view *view, struct space *space);

/** The routine that the table's entry at `offset` bytes stands for, or NULL. */
const struct api *wdf_api(const struct view *view, uint32_t offset);

/** Places that use the entries of the table which matter; generous as refs_scan(). */
void wdf_references(struct view *view, refs_visitor visit, void *context);

#endif
