/*
 * The way from a dump or a folder to the owners of tags.
 */
#include "analyzer/owners/owners.h"

#include <stdlib.h>

#include "analyzer/owners/collect.h"
#include "analyzer/owners/crew.h"
#include "analyzer/owners/load.h"
#include "base/memory.h"
#include "base/search.h"

const char *owner_grade_words(enum owner_grade grade)
{
	switch (grade) {
	case OWNER_CALL_SITE: return "call site";
	case OWNER_REGISTRATION: return "registration data";
	case OWNER_FREE_SITE: return "free site";
	case OWNER_LIBRARY: return "library";
	case OWNER_BYTES: return "bytes";
	case OWNER_TAG_LIST: return "tag list";
	case OWNER_CONTENTS: return "inference from contents";
	}
	return "unknown";
}

static enum ps_status make(struct owners **ret, struct ps_error *err)
{
	struct owners *owners = mem_array(1, sizeof(*owners));

	if (owners)
		owners->store = mem_array(1, sizeof(*owners->store));
	if (!owners || !owners->store) {
		free(owners);
		return ps_fail_memory(err, "the owners of tags");
	}
	*ret = owners;
	return PS_OK;
}

static enum ps_status scan(struct owners *owners, unsigned threads, struct progress *progress,
			   struct ps_error *err)
{
	struct owner_store *store = owners->store;
	const char **names = mem_array(owners->image_count, sizeof(*names));
	enum ps_status status;

	if (!names)
		return ps_fail_memory(err, "the names of drivers");
	for (size_t i = 0; i < owners->image_count; i++)
		names[i] = owners->images[i].name;
	status = load_resolve(owners, err);
	if (status == PS_OK)
		status = crew_scan(store->views, store->view_count, names, &store->kernel, threads,
				   progress, err);
	if (status == PS_OK)
		status = collect(store->views, store->view_count, owners, err);
	if (status == PS_OK)
		load_finish(owners);
	free(names);
	return status;
}

static enum ps_status finish(enum ps_status status, struct owners *owners, unsigned threads,
			     struct progress *progress, struct owners **ret, struct ps_error *err)
{
	if (status == PS_OK)
		status = scan(owners, threads, progress, err);
	if (status == PS_OK)
		*ret = owners;
	else
		owners_destroy(owners);
	return status;
}

enum ps_status owners_create(struct kernel *kernel, const struct driver_files *files,
			     unsigned threads, struct progress *progress, struct owners **ret,
			     struct ps_error *err)
{
	struct owners *owners;
	enum ps_status status = make(&owners, err);

	if (status != PS_OK)
		return status;
	return finish(load_dump(kernel, files, owners, err), owners, threads, progress, ret, err);
}

enum ps_status owners_create_files(const struct driver_files *files, unsigned threads,
				   struct progress *progress, struct owners **ret,
				   struct ps_error *err)
{
	struct owners *owners;
	enum ps_status status = make(&owners, err);

	if (status != PS_OK)
		return status;
	return finish(load_files(files, owners, err), owners, threads, progress, ret, err);
}

void owners_destroy(struct owners *owners)
{
	if (!owners)
		return;
	collect_fini(owners);
	store_fini(owners->store);
	free(owners->store);
	for (size_t i = 0; i < owners->image_count; i++) {
		free(owners->images[i].name);
		free(owners->images[i].path);
	}
	free(owners->images);
	free(owners);
}

static uint64_t tag_of(const void *item)
{
	return ((const struct owner_tag *)item)->tag;
}

const struct owner_tag *owners_find(const struct owners *owners, uint32_t tag)
{
	size_t at =
		search_first(owners->tags, owners->tag_count, sizeof(*owners->tags), tag_of, tag);

	return at < owners->tag_count && owners->tags[at].tag == tag ? &owners->tags[at] : NULL;
}
