/*
 * Wording that several plugins share: times, errors, descriptions of tags, notes.
 */
#include "plugins/plugin.h"

#include <inttypes.h>
#include <time.h>

const char *filetime_text(struct report *report, uint64_t filetime)
{
	/* FILETIME: 100 ns since 1601-01-01; 11644473600 s lie between that and 1970. */
	time_t seconds = (time_t)(filetime / 10000000) - INT64_C(11644473600);
	char text[40];
	struct tm tm;

	if (!gmtime_r(&seconds, &tm) ||
	    strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
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
