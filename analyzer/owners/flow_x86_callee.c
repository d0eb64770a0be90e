/*
 * Callees of x86 and x64: CFG dispatch stubs, retpoline stubs, stack probes, and on x86 the bytes
 * of arguments that a function removes, from the first `ret` that its code comes to.
 *
 * Byte patterns: `jmp rax` (FF E0) is what GuardCFDispatchFunctionPointer leads to before the
 * kernel sets it; x86 _chkstk exchanges eax and esp before it returns. Retpoline stubs push the
 * target over their return address (`call $+n; ... mov [rsp], reg; ret`), as Intel's "Retpoline: A
 * Branch Target Injection Mitigation" describes.
 */
#include "analyzer/owners/flow_x86_callee.h"

#include <string.h>

#include "analyzer/owners/flow_x86.h"

enum {
	SEEN = 64,       /* places that are followed in one callee */
	INSNS = 2000,    /* instructions that are looked at for its `ret` */
	STUB_BYTES = 32, /* of a retpoline stub */
};

static const uint8_t *code_at(const struct pe_image *image, uint32_t rva, size_t want,
			      size_t *ret_size)
{
	uint32_t to_page_end = PE_PAGE - rva % PE_PAGE;
	const uint8_t *code = pe_at(image, rva, want);

	*ret_size = want;
	if (code)
		return code;
	*ret_size = to_page_end < want ? to_page_end : want;
	return pe_at(image, rva, *ret_size);
}

/* `jmp reg`, with or without REX.W, REX.B or a notrack prefix. */
static uint8_t jumped_register(const uint8_t *code, size_t size)
{
	size_t at = size && code[0] == 0x3e ? 1 : 0;
	unsigned high = 0;

	if (at < size && (code[at] & 0xf0) == 0x40)
		high = code[at++] & 1 ? 8 : 0;
	if (at + 2 > size || code[at] != 0xff || (code[at + 1] & 0xf8) != 0xe0)
		return FLOW_NO_REG;
	return (uint8_t)((code[at + 1] & 7) + high);
}

/* `mov [rsp], reg` behind a leading call over a trap loop. */
static uint8_t retpoline_register(const uint8_t *code, size_t size)
{
	if (size < STUB_BYTES || code[0] != 0xe8 || code[2] || code[3] || code[4])
		return FLOW_NO_REG;
	for (size_t i = 5; i + 5 <= STUB_BYTES; i++) {
		uint8_t rex = code[i], modrm = code[i + 2];

		if ((rex & 0xfb) == 0x48 && code[i + 1] == 0x89 && (modrm & 0xc7) == 4 &&
		    code[i + 3] == 0x24 && code[i + 4] == 0xc3)
			return (uint8_t)((modrm >> 3 & 7) + (rex & 4 ? 8 : 0));
	}
	return FLOW_NO_REG;
}

void flow_x64_callee(void *machine, const struct pe_image *image, uint32_t rva,
		     struct flow_callee *ret)
{
	size_t size;
	const uint8_t *code = code_at(image, rva, STUB_BYTES, &size);

	(void)machine;
	if (!code)
		return;
	ret->reg = jumped_register(code, size);
	if (ret->reg == FLOW_NO_REG)
		ret->reg = retpoline_register(code, size);
	if (ret->reg != FLOW_NO_REG)
		ret->kind = FLOW_CALLEE_DISPATCH;
}

/* ---- x86: the first return ---- */

struct walk {
	void *machine;
	const struct pe_image *image;
	uint32_t pending[SEEN], seen[SEEN];
	unsigned pending_count, seen_count, insns;
	struct flow_callee *ret;
};

static void follow(struct walk *walk, uint64_t va)
{
	uint32_t rva;

	if (!pe_rva_of(walk->image, va, &rva) || walk->seen_count == SEEN)
		return;
	for (unsigned i = 0; i < walk->seen_count; i++)
		if (walk->seen[i] == rva)
			return;
	walk->seen[walk->seen_count++] = rva;
	walk->pending[walk->pending_count++] = rva;
}

/* mov esp, eax or xchg esp, eax: only _chkstk sets the stack pointer from its argument. */
static bool sets_sp(const uint8_t *code, size_t size)
{
	return code[0] == 0x94 ||
	       (size >= 2 && ((code[0] == 0x8b && code[1] == 0xe0) ||
			      (code[0] == 0x87 && (code[1] == 0xc4 || code[1] == 0xe0))));
}

/* Straight on from `rva`; true when the answer is there. */
static bool walk_run(struct walk *walk, uint32_t rva)
{
	while (walk->insns++ < INSNS) {
		struct flow_insn insn;
		size_t size;
		const uint8_t *code = code_at(walk->image, rva, 16, &size);

		flow_insn_init(&insn);
		if (!code ||
		    !flow_arch_x86.lift(walk->machine, code, size, walk->image->base + rva, &insn))
			return false;
		if (sets_sp(code, size) && walk->seen_count <= 4) {
			walk->ret->kind = FLOW_CALLEE_ALLOCA;
			walk->ret->reg = X86_AX;
			return true;
		}
		if (insn.control == FLOW_RETURN) {
			walk->ret->popped = (int16_t)(insn.popped < 256 ? insn.popped : -1);
			return true;
		}
		if (insn.control == FLOW_BRANCH ||
		    (insn.control == FLOW_JUMP && insn.target == FLOW_NO_REG))
			follow(walk, insn.va);
		if (insn.control == FLOW_JUMP || insn.control == FLOW_STOP)
			return false;
		rva += insn.length;
	}
	return false;
}

void flow_x86_callee(void *machine, const struct pe_image *image, uint32_t rva,
		     struct flow_callee *ret)
{
	struct walk walk = {.machine = machine, .image = image, .ret = ret};
	const uint8_t *code = pe_at(image, rva, 6);
	uint64_t va;

	if (code && code[0] == 0xff && code[1] == 0x25) {
		if (pe_uint(image, rva + 2, 4, &va) && pe_rva_of(image, va, &rva))
			ret->slot = rva;
		return;
	}
	if (code && (ret->reg = jumped_register(code, 2)) != FLOW_NO_REG) {
		ret->kind = FLOW_CALLEE_DISPATCH;
		return;
	}
	follow(&walk, image->base + rva);
	while (walk.pending_count)
		if (walk_run(&walk, walk.pending[--walk.pending_count]))
			break;
	ret->looked_at = (uint16_t)walk.insns;
}
