/*
 * The file: what container it is, whether it is whole, and what the container says of itself.
 */
#include "plugins/plugin.h"

#include <inttypes.h>

#include "base/bytes.h"

static const char not_written[] = "the header does not state it";

static struct report_number number(const struct fact *fact)
{
	return (struct report_number){fact->known, fact->value, fact->known ? NULL : not_written};
}

static void header(const struct machine_facts *facts, struct report_header *h)
{
	bool known = facts->machine != MACHINE_UNKNOWN;

	h->available = facts->dump_type.known; /* only crash dumps have it */
	h->dump_type = number(&facts->dump_type);
	h->build = number(&facts->build);
	h->free_build = number(&facts->free_build);
	h->processors = number(&facts->processors);
	h->machine = (struct report_string){known ? machine_name(facts->machine) : NULL,
					    known ? NULL : not_written};
	h->directory_table_base = number(&facts->dtb);
	h->pfn_database = number(&facts->pfn_database);
	h->module_list = number(&facts->module_list);
	h->process_list = number(&facts->process_list);
	h->kdbg = number(&facts->kdbg);
	h->product_type = number(&facts->product_type);
	h->suite_mask = number(&facts->suite_mask);
	h->attributes = number(&facts->attributes);
}

static const char *guid_text(struct report *report, const uint8_t guid[TRIAGE_GUID])
{
	struct bytes b = bytes_of(guid, TRIAGE_GUID);

	return report_text(report, "%08" PRIx32 "-%04x-%04x-%02x%02x-%02x%02x%02x%02x%02x%02x",
			   bytes_u32(&b, 0), bytes_u16(&b, 4), bytes_u16(&b, 6), guid[8], guid[9],
			   guid[10], guid[11], guid[12], guid[13], guid[14], guid[15]);
}

static bool secondary(const struct triage *t, struct report *report, struct report_minidump *m)
{
	m->secondary = report_array(report, t->blob_count, sizeof(*m->secondary));
	if (!m->secondary)
		return false;
	m->secondary_count = t->blob_count;
	m->secondary_bytes = t->blob_bytes;
	for (size_t i = 0; i < t->blob_count; i++) {
		const struct triage_blob *blob = &t->blobs[i];

		m->secondary[i] = (struct report_secondary){
			.guid = guid_text(report, blob->guid),
			.bytes = blob->size,
			.name = {blob->name, blob->name ? NULL : "the GUID is not known here"},
		};
		if (!m->secondary[i].guid)
			return false;
	}
	return true;
}

static bool minidump(const struct dump *dump, struct report *report, struct report_minidump *m)
{
	const struct triage *t = dump->triage;

	if (!t)
		return true;
	m->available = true;
	m->pieces = dump->ranges.count;
	m->bytes = dump->ranges.bytes;
	m->context = t->has_context;
	m->exception = t->has_exception;
	m->processor = t->has_processor;
	m->process = t->has_process;
	m->thread = t->has_thread;
	m->stack_bytes = t->stack_bytes;
	m->kdbg_bytes = t->kdbg_size;
	return secondary(t, report, m);
}

/* Known only of pages that were read. */
static bool note_damaged(const struct page_set *damaged, struct report *report,
			 struct report_file *f)
{
	const char *note;

	f->pages_damaged = damaged->count;
	f->more_damaged = damaged->more;
	if (damaged->count == 0)
		return true;
	f->complete = false;
	note = report_text(report,
			   "of the pages that were read, %s%zu %s damaged in the file and cannot "
			   "be unpacked; the lowest: physical 0x%" PRIx64,
			   damaged->more ? "at least " : "", damaged->count,
			   damaged->count == 1 ? "is" : "are", damaged->lowest << PAGE_SHIFT);
	return note && add_notes(report, &f->notes, note, 0, 1);
}

static bool packing(const struct packed_dump *packed, struct report *report, struct report_file *f)
{
	struct report_packed *p = &f->packed;

	if (!packed)
		return true;
	p->available = true;
	p->member = report_text(report, "%s", packed->member);
	p->packing = report_text(report, "%s", packed->packing);
	p->size = packed->size;
	p->elapsed_ms = (struct report_number){true, packed->taken_ns / 1000000, NULL};
	p->processor_ms = (struct report_number){true, packed->worked_ns / 1000000, NULL};
	f->path = report_text(report, "%s", packed->path);
	return p->member && p->packing && f->path;
}

enum ps_status plugin_file(const struct plugin_input *input, struct report *report,
			   struct ps_error *err)
{
	struct dump *dump = input->dump;
	struct report_file *f = &report->file;

	if (!dump) {
		report->no_file = true;
		return PS_OK;
	}
	f->label = report_text(report, "%s", dump->file.path ? dump->file.path : "");
	f->path = f->label;
	f->size = dump->file.size;
	f->format = dump->kind;
	f->title = report_text(report, "%s", dump->title ? dump->title : dump->kind);
	f->complete = dump->complete;
	f->pages_listed = dump->map.pages + dump->pages_lost;
	f->pages_in_file = dump->map.pages_in_file - dump->pages_cut;
	header(&dump->facts, &f->header);
	if (!f->label || !f->title || !packing(dump->packed, report, f) ||
	    !minidump(dump, report, &f->minidump) ||
	    !add_notes(report, &f->notes, dump->notes[0], sizeof(dump->notes[0]),
		       dump->note_count) ||
	    !note_damaged(&dump->damaged, report, f))
		return ps_fail_memory(err, "the report");
	return PS_OK;
}
