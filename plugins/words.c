/*
 * Wording that several plugins share: times, errors, descriptions of tags, notes.
 */
#include "plugins/plugin.h"

#include <inttypes.h>

#include "base/time.h"

const char *filetime_text(struct report *report, uint64_t filetime)
{
	char text[TIME_ISO];

	if (!time_to_iso(time_of_filetime(filetime), text))
		return report_text(report, "FILETIME %" PRIu64, filetime);
	return report_text(report, "%s", text);
}

const char *error_text(struct report *report, const struct ps_error *error)
{
	return report_text(report, "%s", error && error->text[0] ? error->text : "unknown");
}

const char *error_sentence(struct report *report, const struct ps_error *error)
{
	const char *text = error && error->text[0] ? error->text : "unknown";
	char first = text[0];

	/* a word, not a name or a number */
	if (first >= 'a' && first <= 'z' && text[1] >= 'a' && text[1] <= 'z')
		first = (char)(first - 'a' + 'A');
	return report_text(report, "%c%s", first, text + 1);
}

bool describe_tag(const struct plugin_input *input, struct report *report, uint32_t tag,
		  const char **ret_image, struct report_string *ret_description,
		  const char **ret_source)
{
	struct tag_name name = {NULL, NULL, NULL};

	*ret_image = NULL;
	*ret_source = NULL;
	*ret_description = (struct report_string){NULL, "no tag list that was read has this tag"};
	if (!input->names || !tag_names_find(input->names, tag, &name))
		return true;
	if (name.image)
		*ret_image = report_text(report, "%s", name.image);
	*ret_source = report_text(report, "%s", name.source);
	if (name.description)
		*ret_description =
			(struct report_string){report_text(report, "%s", name.description), NULL};
	else
		ret_description->note = "the tag list names the image only";
	return *ret_source && (!name.image || *ret_image) &&
	       (!name.description || ret_description->value);
}

static struct report_string version_string(struct report *report, const char *value, bool *fits)
{
	if (value[0] == '\0')
		return (struct report_string){NULL, "the version resource does not say"};
	value = report_text(report, "%s", value);
	*fits = *fits && value;
	return (struct report_string){value, NULL};
}

static const struct report_version *copy_version(struct report *report,
						 const struct owner_image *image)
{
	const struct pe_version *v = &image->version;
	struct report_version *to = report_array(report, 1, sizeof(*to));
	bool fits = to != NULL;

	if (!fits)
		return NULL;
	if (!v->present) {
		to->note = report_text(report, "%s",
				       v->why_not[0] ? v->why_not : "the image was not read");
		return to->note ? to : NULL;
	}
	to->available = true;
	to->company = version_string(report, v->company, &fits);
	to->product = version_string(report, v->product, &fits);
	to->description = version_string(report, v->description, &fits);
	to->original_name = version_string(report, v->original_name, &fits);
	to->file_version = version_string(report, v->file_version, &fits);
	if (!to->file_version.value) {
		to->file_version.value = report_text(report, "%u.%u.%u.%u", v->file[0], v->file[1],
						     v->file[2], v->file[3]);
		fits = fits && to->file_version.value;
	}
	if (image->path) {
		to->copied_from = report_text(report, "%s", image->path);
		fits = fits && to->copied_from;
	}
	return fits ? to : NULL;
}

const struct report_version *image_version(const struct plugin_input *input, struct report *report,
					   size_t image)
{
	if (!report->versions)
		report->versions =
			report_array(report, input->owners->image_count, sizeof(*report->versions));
	if (!report->versions)
		return NULL;
	if (!report->versions[image])
		report->versions[image] = copy_version(report, &input->owners->images[image]);
	return report->versions[image];
}

const char *image_name(const struct plugin_input *input, enum owner_where where, size_t module)
{
	const char *name;

	if (where == OWNER_UNLOADED)
		name = input->kernel->unloaded.items[module].name;
	else if (input->owners->images[module].kernel_itself)
		name = "nt";
	else
		name = input->owners->images[module].name;
	return name ? name : "?";
}

bool add_note(struct report *report, struct report_notes *notes, const char *text)
{
	const char **items;

	if (!text)
		return false;
	items = report_array(report, notes->count + 1, sizeof(*items));
	if (!items)
		return false;
	for (size_t i = 0; i < notes->count; i++)
		items[i] = notes->items[i];
	items[notes->count] = text;
	notes->items = items;
	notes->count++;
	return true;
}

bool add_notes(struct report *report, struct report_notes *notes, const char *first, size_t stride,
	       size_t count)
{
	const char **items = report_array(report, notes->count + count, sizeof(*items));

	if (!items)
		return false;
	for (size_t i = 0; i < notes->count; i++)
		items[i] = notes->items[i];
	for (size_t i = 0; i < count; i++) {
		items[notes->count + i] = report_text(report, "%s", first + i * stride);
		if (!items[notes->count + i])
			return false;
	}
	notes->items = items;
	notes->count += count;
	return true;
}
