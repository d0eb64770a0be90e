/* Register numbers of the x86 and x64 back ends, for FLOW_REGISTER parameters. */
#ifndef PS_ANALYZER_OWNERS_FLOW_X86_H
#define PS_ANALYZER_OWNERS_FLOW_X86_H

enum flow_x86_register {
	X86_AX,
	X86_CX,
	X86_DX,
	X86_BX,
	X86_SP,
	X86_BP,
	X86_SI,
	X86_DI,
	X86_R8,
	X86_R9,
	X86_R10,
	X86_R11,
	X86_R12,
	X86_R13,
	X86_R14,
	X86_R15,
	X86_XMM0, /* xmm0 .. xmm7, two halves each: lower, upper */
	X86_REGISTERS = X86_XMM0 + 16,
};

#endif
