/*
 * Whose image it is: the kernel itself, Microsoft's, or another vendor's; and which tags nt
 * allocates on behalf of others.
 *
 * From VERSIONINFO where it can be read, else from the names of drivers that come with Windows (no
 * signature is checked: a name proves nothing, and only fills the gap that a discarded resource
 * leaves). Source of the tags: public descriptions of the kernel's objects.
 */
#ifndef PS_ANALYZER_OWNERS_ORIGIN_H
#define PS_ANALYZER_OWNERS_ORIGIN_H

#include "analyzer/owners/owners.h"

/** True for the names that nt's image has on disk or in the list of modules. */
bool origin_is_kernel(const char *name);

enum owner_microsoft origin_microsoft(const char *name, const char *path,
				      const struct pe_version *version);

/** nt allocates the tag for whoever holds the object. */
bool origin_for_others(uint32_t tag);

/**
 * Allocations whose author gave no tag have it: `None` by nt, `Ddk ` by the WDK's headers. Many
 * drivers share it, so a site shows that a driver has some such allocation and no more.
 */
bool origin_default_tag(uint32_t tag);

/** How to look on with such a tag; NULL when there is no particular advice. Static. */
const char *origin_hint(uint32_t tag);

/**
 * Code of Microsoft's static libraries allocates under the tag inside other vendors' drivers
 * (wdmsec.lib and its like).
 */
bool origin_static_library(uint32_t tag);

#endif
