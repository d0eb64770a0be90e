/*
 * Evaluation of calls.
 */
#include "analyzer/owners/sites.h"

#include <stdlib.h>

#include "analyzer/owners/structs.h"
#include "analyzer/owners/wdf.h"
#include "base/memory.h"

enum { THUNK_BYTES = 16 }; /* a jump through an import: a landing mark, address, load, jump */

static const uint32_t tag_none = 0x656e6f4e; /* `None`, what nt uses for callers without a tag */

/* One evaluation: what the parts below share. */
struct site {
	struct view *view;
	const struct flow_call *call;
	const struct callee *callee;
	unsigned tags;         /* found */
	unsigned wrappers;     /* the tag is the function's own parameter */
	bool harmless;         /* resolved, and no tag: 0, or a free without one */
	bool passes_structure; /* at work on the pointer to the callee's structure */
};

static void note_site(struct view *view, uint32_t rva, bool resolved)
{
	if (!mem_grow((void **)&view->calls, view->call_count, &view->call_capacity,
		      sizeof(*view->calls))) {
		view->no_memory = true;
		return;
	}
	view->calls[view->call_count++] = (struct site_note){.rva = rva, .resolved = resolved};
}

/* A 32-bit number, or what sign extension made of one. */
static bool is_tag(uint64_t value)
{
	uint32_t high = (uint32_t)(value >> 32), low = (uint32_t)value;

	return (high == 0 || high == UINT32_MAX) && (low & 0x7fffffff) > UINT8_MAX;
}

static enum owner_grade grade_of(const struct site *site)
{
	if (site->callee->by_variable)
		return OWNER_REGISTRATION;
	switch (site->callee->api->kind) {
	case API_FREE: return OWNER_FREE_SITE;
	case API_STRUCT:
	case API_FILTER: return OWNER_REGISTRATION;
	default: return OWNER_CALL_SITE;
	}
}

static void add_tag(struct site *site, uint32_t tag, uint32_t tag_from, bool one_of_several)
{
	struct owner_evidence evidence = {
		.grade = grade_of(site),
		.rva = site->call->rva,
		.api = site->callee->api->name,
		.levels = site->callee->levels,
		.wrapper = site->callee->is_wrapper ? site->callee->rva : 0,
		.wrapper_module =
			site->callee->is_wrapper ? site->callee->module : site->view->module,
		.tag_from = tag_from,
		.function = site->call->function,
		.one_of_several = one_of_several,
	};

	site->tags++;
	view_add(site->view, tag, &evidence);
}

/* The caller hands in a structure with the tag, or with `argument` only the tag. */
static void add_wrapper(struct site *site, unsigned argument, const struct flow_atom *field)
{
	struct view *view = site->view;
	const struct flow_call *call = site->call;
	bool thunk = !field && call->tail && call->rva - call->function <= THUNK_BYTES &&
		     argument == site->callee->argument;
	struct callee callee = {
		.va = view->image->base + call->function,
		.api = site->callee->api,
		.argument = argument,
		.by_field = field || site->passes_structure,
		.offset = field                    ? field->offset
			  : site->passes_structure ? site->callee->offset
						   : 0,
		.levels = site->callee->levels + (thunk ? 0 : 1),
		.is_wrapper = !thunk || site->callee->is_wrapper,
		.module = thunk ? site->callee->module : view->module,
		.rva = thunk ? site->callee->rva : call->function,
	};
	bool added;

	site->wrappers++;
	if (callee.levels > CALLEE_LEVELS)
		return;
	if (!callees_add(&view->callees, &callee, &added) ||
	    (added && !mem_grow((void **)&view->wrappers, view->wrapper_count,
				&view->wrapper_capacity, sizeof(*view->wrappers)))) {
		view->no_memory = true;
		return;
	}
	if (added)
		view->wrappers[view->wrapper_count++] =
			(struct wrapper){.callee = callee, .site = call->rva};
}

/* A word of the image: as it stands there, which for a variable is its value at the time. */
static void take_word(struct site *site, uint32_t rva, bool one_of_several)
{
	uint64_t word;

	if (pe_uint(site->view->image, rva, 4, &word) && is_tag(word))
		add_tag(site, (uint32_t)word, rva, one_of_several);
}

static void take_atom(struct site *site, const struct flow_atom *atom, bool one_of_several)
{
	switch (atom->kind) {
	case FLOW_CONST:
		if (is_tag(atom->value))
			add_tag(site, (uint32_t)atom->value, atom->from, one_of_several);
		else if (atom->value == 0)
			site->harmless = true;
		return;
	case FLOW_LOAD: take_word(site, (uint32_t)atom->value, one_of_several); return;
	case FLOW_PARAM: add_wrapper(site, (unsigned)atom->value, NULL); return;
	case FLOW_BEHIND: add_wrapper(site, (unsigned)atom->value, atom); return;
	default: return;
	}
}

static void take_value(struct site *site, const struct flow_value *value)
{
	bool several = value->open || value->count > 1;

	for (unsigned i = 0; i < value->count; i++)
		take_atom(site, &value->atoms[i], several);
}

/* A structure that the caller handed in makes its function a wrapper like any other. */
static void take_parameters(struct site *site, const struct flow_value *pointer)
{
	for (unsigned i = 0; i < pointer->count; i++) {
		if (pointer->atoms[i].kind == FLOW_PARAM)
			add_wrapper(site, (unsigned)pointer->atoms[i].value, NULL);
	}
}

static void evaluate_struct(struct site *site)
{
	struct flow_value pointer = flow_argument(site->call, site->callee->argument);
	const struct api *api = site->callee->api;
	bool narrow = site->view->image->pointer_size == 4;
	struct flow_value tag;

	take_parameters(site, &pointer);
	/* Reading behind a parameter gives nothing; behind frame or image it gives the tag. */
	tag = flow_pointed(site->call, &pointer, narrow ? api->x86_offset : api->offset, 4);
	for (unsigned i = 0; i < tag.count; i++) {
		if (tag.atoms[i].kind != FLOW_PARAM)
			take_atom(site, &tag.atoms[i], tag.open || tag.count > 1);
	}
}

static void evaluate_filter(struct site *site)
{
	struct flow_value pointer = flow_argument(site->call, site->callee->argument);
	unsigned width = site->view->image->pointer_size;
	struct flow_value contexts;

	take_parameters(site, &pointer);
	for (unsigned i = 0; i < pointer.count; i++) {
		if (pointer.atoms[i].kind == FLOW_RVA &&
		    structs_filter(site->view, (uint32_t)pointer.atoms[i].value))
			site->tags++;
	}
	contexts = flow_pointed(site->call, &pointer, STRUCTS_CONTEXTS, width);
	for (unsigned i = 0; i < contexts.count; i++) {
		if (contexts.atoms[i].kind == FLOW_RVA &&
		    structs_contexts(site->view, (uint32_t)contexts.atoms[i].value))
			site->tags++;
		else if (contexts.atoms[i].kind == FLOW_CONST && contexts.atoms[i].value == 0)
			site->harmless = true;
	}
}

/* The structure that a wrapper takes its tag from. */
static void evaluate_field(struct site *site, const struct flow_value *pointer)
{
	struct flow_value tag = flow_pointed(site->call, pointer, site->callee->offset, 4);

	site->passes_structure = true;
	take_parameters(site, pointer);
	site->passes_structure = false;
	take_value(site, &tag);
}

static bool first_is_zero(const struct flow_call *call)
{
	struct flow_value first = flow_argument(call, 0);

	return first.count == 1 && !first.open && first.atoms[0].kind == FLOW_CONST &&
	       first.atoms[0].value == 0;
}

/* A free without a tag is ordinary, and a wrapper counts where it is called. */
static void note(const struct site *site)
{
	if (site->callee->api->kind != API_FREE && (site->tags > 0 || site->wrappers == 0))
		note_site(site->view, site->call->rva, site->tags > 0 || site->harmless);
}

static void evaluate(struct view *view, const struct flow_call *call, const struct callee *callee)
{
	struct site site = {.view = view, .call = call, .callee = callee};
	struct flow_value value;

	if (callee->api->first_is_zero && !callee->is_wrapper && !first_is_zero(call))
		return;
	if (callee->by_field) {
		value = flow_argument(call, callee->argument);
		evaluate_field(&site, &value);
		note(&site);
		return;
	}
	switch (callee->api->kind) {
	case API_UNTAGGED: add_tag(&site, tag_none, call->rva, false); break;
	case API_STRUCT: evaluate_struct(&site); break;
	case API_FILTER: evaluate_filter(&site); break;
	default:
		value = flow_argument(call, callee->argument);
		take_value(&site, &value);
		break;
	}
	note(&site);
}

void site_handed_structure(struct view *view, const struct flow_call *call,
			   const struct callee *callee, unsigned argument)
{
	struct site site = {.view = view, .call = call, .callee = callee};
	struct flow_value pointer = flow_argument(call, argument);

	evaluate_field(&site, &pointer);
	note(&site);
}

/* Address that the atom stands for, in the terms of callees.h. */
static bool target_va(const struct view *view, const struct flow_atom *target, uint64_t *ret)
{
	switch (target->kind) {
	case FLOW_CONST: *ret = target->value; return true;
	case FLOW_RVA:
	case FLOW_LOAD: *ret = view->image->base + target->value; return true;
	default: return false;
	}
}

/* What an entry of KMDF's table of functions means. */
static bool wdf_callee(const struct view *view, const struct flow_atom *target, struct callee *ret)
{
	const struct api *api;

	if (view->round != 0 || view->wdf_functions == 0 || target->value != view->wdf_functions)
		return false;
	api = wdf_api(view, target->offset);
	if (!api)
		return false;
	*ret = (struct callee){
		.module = CALLEE_NO_MODULE, .api = api, .argument = view_argument(view, api)};
	return true;
}

/* Rows of earlier rounds were looked for then, and rows that this round adds will be. */
static bool is_of_round(const struct view *view, const struct callee *callee)
{
	return callee->round == view->round && !callee->by_variable &&
	       (size_t)(callee - view->callees.items) < view->first_new;
}

bool site_evaluate(struct view *view, const struct flow_call *call, const struct flow_atom *target)
{
	const struct callee *callee;
	struct callee copy;
	bool found = false;
	uint64_t va;

	if (target->kind == FLOW_FIELD) {
		if (!wdf_callee(view, target, &copy))
			return false;
		evaluate(view, call, &copy);
		return true;
	}
	if (!target_va(view, target, &va))
		return false;
	callee = callees_find(&view->callees, va);
	while (callee) {
		/* Evaluating may add rows and move them. */
		copy = *callee;
		if (is_of_round(view, callee)) {
			found = true;
			view->callees.items[callee - view->callees.items].called = true;
			evaluate(view, call, &copy);
		}
		callee = copy.next ? &view->callees.items[copy.next - 1] : NULL;
	}
	return found;
}

static void need(const struct callee *callee, struct flow_needs *needs)
{
	unsigned wanted[2], count = 0;

	if (callee->api->first_is_zero && !callee->is_wrapper)
		wanted[count++] = 0;
	if (callee->by_field || callee->api->kind != API_UNTAGGED)
		wanted[count++] = callee->argument;
	if (needs->count + count > FLOW_NEEDS)
		needs->all = true;
	for (unsigned i = 0; i < count && !needs->all; i++)
		needs->arguments[needs->count++] = wanted[i];
}

bool site_interest(const struct view *view, const struct flow_atom *target,
		   struct flow_needs *needs)
{
	const struct callee *callee;
	struct callee copy;
	bool found = false;
	uint64_t va;

	if (target->kind == FLOW_FIELD) {
		found = wdf_callee(view, target, &copy);
		if (found)
			need(&copy, needs);
		return found;
	}
	if (!target_va(view, target, &va))
		return false;
	callee = callees_find(&view->callees, va);
	for (; callee; callee = callees_next(&view->callees, callee)) {
		if (!is_of_round(view, callee))
			continue;
		found = true;
		need(callee, needs);
	}
	return found;
}

static int compare_notes(const void *a, const void *b)
{
	const struct site_note *x = a, *y = b;

	if (x->rva != y->rva)
		return x->rva < y->rva ? -1 : 1;
	return (int)y->resolved - (int)x->resolved;
}

static bool was_called(const struct view *view, const struct wrapper *wrapper)
{
	const struct callee *callee = callees_find(&view->callees, wrapper->callee.va);

	for (; callee; callee = callees_next(&view->callees, callee)) {
		if (callee->called)
			return true;
	}
	return false;
}

void sites_count(struct view *view)
{
	for (size_t i = 0; i < view->wrapper_count; i++) {
		const struct wrapper *wrapper = &view->wrappers[i];

		if (!wrapper->exported && !was_called(view, wrapper) &&
		    wrapper->callee.api->kind != API_FREE)
			note_site(view, wrapper->site, false);
	}
	if (view->call_count > 0)
		qsort(view->calls, view->call_count, sizeof(*view->calls), compare_notes);
	view->sites = 0;
	view->sites_unresolved = 0;
	for (size_t i = 0; i < view->call_count; i++) {
		if (i > 0 && view->calls[i].rva == view->calls[i - 1].rva)
			continue;
		view->sites++;
		view->sites_unresolved += !view->calls[i].resolved;
	}
}
