/* What x86 and x64 callees do, read from their first bytes (flow_arch.h). */
#ifndef PS_ANALYZER_OWNERS_FLOW_X86_CALLEE_H
#define PS_ANALYZER_OWNERS_FLOW_X86_CALLEE_H

#include "analyzer/owners/flow_arch.h"

void flow_x86_callee(void *machine, const struct pe_image *image, uint32_t rva,
		     struct flow_callee *ret);
void flow_x64_callee(void *machine, const struct pe_image *image, uint32_t rva,
		     struct flow_callee *ret);

#endif
