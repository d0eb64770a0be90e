/*
 * What the bug check code has to do with the pools, in a sentence, with its parameters. Codes that
 * say nothing of pools get no finding: their names are on the page anyway.
 *
 * Source: Microsoft's bug check reference. Not supported: naming the driver that corrupted a block;
 * the tag's owner is who allocated it, which may be another.
 */
#include <inttypes.h>

#include "plugins/finding.h"
#include "plugins/plugin.h"

enum bugcheck_kind {
	KIND_POOL_CORRUPT, /* a block or its header was damaged */
	KIND_POOL_MISUSE,  /* a routine of the pool was called wrongly */
	KIND_EXHAUSTED,    /* memory or table entries ran out */
	KIND_FAULT,        /* a bad pointer, often from freed pool */
	KIND_ON_PURPOSE,   /* somebody made the dump; the reason lies elsewhere */
};

struct bugcheck_words {
	uint32_t code;
	enum bugcheck_kind kind;
	const char *words;
};

static const struct bugcheck_words codes[] = {
	{0x0a, KIND_FAULT,
	 "Kernel code touched memory that was not there, or was pageable, at a raised IRQL: a bad "
	 "pointer, often into pool that was freed."},
	{0x19, KIND_POOL_CORRUPT, "A pool block's header was damaged."},
	{0x21, KIND_POOL_MISUSE,
	 "More quota was given back than was charged: pool was freed or charged to the wrong "
	 "process."},
	{0x3f, KIND_EXHAUSTED,
	 "System page table entries ran out. That is address space, not pool, but a large pool "
	 "takes from the same space on 32-bit systems."},
	{0x41, KIND_EXHAUSTED,
	 "The must-succeed pool was empty: a driver asked for memory that may not be refused when "
	 "nonpaged pool had run out."},
	{0x50, KIND_FAULT,
	 "Kernel code touched an address with nothing behind it: a bad pointer, often into pool "
	 "that was freed."},
	{0x80, KIND_ON_PURPOSE,
	 "A non-maskable interrupt: hardware reported a fault, or somebody pressed the NMI button "
	 "(or a hypervisor sent one) to get a dump of a hung server."},
	{0xc1, KIND_POOL_CORRUPT,
	 "Special pool caught a write beyond the end, or before the start, of a block."},
	{0xc2, KIND_POOL_MISUSE, "A driver called the pool's routines in a way that cannot be."},
	{0xc4, KIND_POOL_MISUSE, "Driver Verifier stopped the machine at a fault of a driver."},
	{0xc5, KIND_POOL_CORRUPT,
	 "The pool's own lists were damaged when memory was allocated or freed: some driver wrote "
	 "beyond its block or into freed pool. The code that crashed is the victim."},
	{0xd0, KIND_POOL_CORRUPT,
	 "The memory manager's pool structures were damaged at a raised "
	 "IRQL."},
	{0xd1, KIND_FAULT,
	 "A driver touched memory that was not there, or was pageable, at a raised IRQL: a bad "
	 "pointer, often into pool that was freed."},
	{0xe2, KIND_ON_PURPOSE,
	 "Somebody made this dump from the keyboard (or by a tool such as NotMyFault): the machine "
	 "hung or was stopped for study, it did not crash by itself."},
	{0x13a, KIND_POOL_CORRUPT,
	 "The kernel's heap found a pool block or its own lists damaged."},
	{0x161, KIND_ON_PURPOSE,
	 "A live dump that was asked for while the machine ran on; it did not crash."},
	{0xdeaddead, KIND_ON_PURPOSE,
	 "Somebody made this dump from a debugger: the machine did not crash by itself."},
};

/* What the first parameter says more. */
struct parameter_words {
	uint32_t code;
	uint64_t parameter;
	const char *words;
};

static const struct parameter_words parameters[] = {
	{0x19, 0x2, "Special pool's pattern behind the block was overwritten."},
	{0x19, 0x3, "The list of free blocks is damaged."},
	{0x19, 0x5, "Two neighbouring headers do not agree."},
	{0x19, 0x6, "The size of the block before it cannot be right."},
	{0x19, 0x7, "The header is damaged."},
	{0x19, 0x8, "The size in the header is zero or cannot be."},
	{0x19, 0x20,
	 "The size in the header is damaged (second parameter: the block, third: the "
	 "next one)."},
	{0x19, 0x21,
	 "What lies behind the block being freed was overwritten (second parameter: "
	 "the block)."},
	{0x19, 0x22, "The address being freed belongs to no pool allocation (second parameter)."},
	{0xc2, 0x0, "An allocation of zero bytes was asked for."},
	{0xc2, 0x1, "The header of the block being freed is damaged."},
	{0xc2, 0x2, "The header of the block being freed is damaged."},
	{0xc2, 0x4, "The header of the block being freed is damaged."},
	{0xc2, 0x6, "The block had been freed already."},
	{0xc2, 0x7, "The block had been freed already (fourth parameter: its address)."},
	{0xc2, 0x8, "Memory was asked for at an IRQL that is too high for this pool."},
	{0xc2, 0x9, "Memory was freed at an IRQL that is too high for this pool."},
	{0xc2, 0xa,
	 "The block was freed with the wrong tag (third parameter: tag it has, fourth: "
	 "tag given)."},
	{0xc2, 0x40, "A user-mode address was freed."},
	{0xc2, 0x41, "Nonpaged pool was freed that is not allocated."},
	{0xc2, 0x46, "The address being freed cannot be one of the pool."},
	{0xc2, 0x47, "The address being freed is not allocated."},
	{0xc2, 0x50, "Paged pool was freed that is not allocated."},
	{0xc2, 0x99, "The address being freed is no start of a block."},
	{0xc4, 0x60,
	 "A driver was unloaded without freeing its pool (second parameter: bytes of "
	 "paged pool, third: of nonpaged pool, fourth: number of allocations)."},
	{0xc4, 0x62,
	 "A driver was unloaded without freeing its pool (second parameter: where its "
	 "name is, fourth: number of allocations)."},
};

static const struct bugcheck_words *find_code(uint32_t code)
{
	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
		if (codes[i].code == code)
			return &codes[i];
	}
	return NULL;
}

static const char *find_parameter(uint32_t code, uint64_t parameter)
{
	for (size_t i = 0; i < sizeof(parameters) / sizeof(parameters[0]); i++) {
		if (parameters[i].code == code && parameters[i].parameter == parameter)
			return parameters[i].words;
	}
	return NULL;
}

static enum finding_severity severity_of(enum bugcheck_kind kind)
{
	return kind == KIND_POOL_CORRUPT || kind == KIND_POOL_MISUSE || kind == KIND_EXHAUSTED
		       ? SEVERITY_WARNING
		       : SEVERITY_INFO;
}

static const char *title_of(enum bugcheck_kind kind)
{
	switch (kind) {
	case KIND_POOL_CORRUPT: return "The machine stopped because pool was damaged";
	case KIND_POOL_MISUSE: return "The machine stopped at a wrong use of pool";
	case KIND_EXHAUSTED: return "The machine stopped because memory ran out";
	case KIND_FAULT: return "The machine stopped at a bad address";
	case KIND_ON_PURPOSE: return "The dump was made on purpose";
	}
	return "";
}

static const char *next_of(enum bugcheck_kind kind)
{
	switch (kind) {
	case KIND_POOL_CORRUPT:
	case KIND_POOL_MISUSE:
		return "a debugger's stack of this dump shows who called; Driver Verifier with "
		       "special pool on the suspects catches the next one in the act";
	case KIND_EXHAUSTED: return "the largest tags and their owners, below";
	case KIND_FAULT:
		return "a debugger's stack of this dump shows the driver; pool usage may "
		       "have nothing to do with it";
	case KIND_ON_PURPOSE: return NULL;
	}
	return NULL;
}

enum ps_status plugin_bugcheck(const struct plugin_input *input, struct report *report,
			       struct ps_error *err)
{
	const struct report_bugcheck *b = &report->system.bugcheck;
	const struct bugcheck_words *words = b->known ? find_code(b->code & ~0x10000000u) : NULL;
	struct report_finding *f;
	const char *more;

	(void)input;
	if (!words && b->known)
		words = find_code(b->code);
	if (!words)
		return PS_OK;
	f = finding_begin(report, FINDING_BUG_CHECK, severity_of(words->kind),
			  title_of(words->kind));
	if (!f)
		return ps_fail_memory(err, "the findings of the report");
	more = find_parameter(words->code, b->parameters[0]);
	f->detail = report_text(report, "%s%s%s", words->words, more ? " " : "", more ? more : "");
	f->next_step = next_of(words->kind);
	if (!f->detail ||
	    !finding_evidence(f, report_text(report,
					     "0x%08" PRIx32 " %s (0x%" PRIx64 ", 0x%" PRIx64
					     ", 0x%" PRIx64 ", 0x%" PRIx64 ")",
					     b->code, b->name.value ? b->name.value : "",
					     b->parameters[0], b->parameters[1], b->parameters[2],
					     b->parameters[3])))
		return ps_fail_memory(err, "the findings of the report");
	return PS_OK;
}
