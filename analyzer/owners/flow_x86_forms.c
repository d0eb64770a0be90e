/*
 * Opcode maps of the common forms: Intel SDM volume 2, appendix A.
 */
#include "analyzer/owners/flow_x86_forms.h"

#include <capstone/capstone.h>

#define ALU(at, name)                                                                              \
	[(at)] = {RM_R, BYTE, X86_INS_##name}, [(at) + 1] = {RM_R, 0, X86_INS_##name},             \
	[(at) + 2] = {R_RM, BYTE, X86_INS_##name}, [(at) + 3] = {R_RM, 0, X86_INS_##name},         \
	[(at) + 4] = {A_IMM, BYTE, X86_INS_##name}, [(at) + 5] = {A_IMM, 0, X86_INS_##name}

#define CONDITIONS(at, form, width, prefix)                                                        \
	[(at)] = {form, width, prefix##O}, [(at) + 1] = {form, width, prefix##NO},                 \
	[(at) + 2] = {form, width, prefix##B}, [(at) + 3] = {form, width, prefix##AE},             \
	[(at) + 4] = {form, width, prefix##E}, [(at) + 5] = {form, width, prefix##NE},             \
	[(at) + 6] = {form, width, prefix##BE}, [(at) + 7] = {form, width, prefix##A},             \
	[(at) + 8] = {form, width, prefix##S}, [(at) + 9] = {form, width, prefix##NS},             \
	[(at) + 10] = {form, width, prefix##P}, [(at) + 11] = {form, width, prefix##NP},           \
	[(at) + 12] = {form, width, prefix##L}, [(at) + 13] = {form, width, prefix##GE},           \
	[(at) + 14] = {form, width, prefix##LE}, [(at) + 15] = {form, width, prefix##G}

static const struct x86_row one_byte[256] = {
	ALU(0x00, ADD),
	ALU(0x08, OR),
	ALU(0x10, ADC),
	ALU(0x18, SBB),
	ALU(0x20, AND),
	ALU(0x28, SUB),
	ALU(0x30, XOR),
	ALU(0x38, CMP),
	[0x40 ... 0x47] = {OLD_INC, 0, X86_INS_INC},
	[0x48 ... 0x4f] = {OLD_INC, 0, X86_INS_DEC},
	[0x50 ... 0x57] = {R, 0, X86_INS_PUSH},
	[0x58 ... 0x5f] = {R, 0, X86_INS_POP},
	[0x63] = {MOVSXD, 0, X86_INS_MOVSXD},
	[0x68] = {PUSH32, 0, X86_INS_PUSH},
	[0x69] = {MUL32, 0, X86_INS_IMUL},
	[0x6a] = {PUSH8, 0, X86_INS_PUSH},
	[0x6b] = {MUL8, 0, X86_INS_IMUL},
	CONDITIONS(0x70, BRANCH8, 0, X86_INS_J),
	[0x80] = {ARITHMETIC8, BYTE, 0},
	[0x81] = {ARITHMETIC, 0, 0},
	[0x83] = {ARITHMETIC8, 0, 0},
	[0x84] = {RM_R, BYTE, X86_INS_TEST},
	[0x85] = {RM_R, 0, X86_INS_TEST},
	[0x88] = {RM_R, BYTE, X86_INS_MOV},
	[0x89] = {RM_R, 0, X86_INS_MOV},
	[0x8a] = {R_RM, BYTE, X86_INS_MOV},
	[0x8b] = {R_RM, 0, X86_INS_MOV},
	[0x8d] = {LEA, 0, X86_INS_LEA},
	[0x90] = {PLAIN, 0, X86_INS_NOP},
	[0x98] = {CONVERT, 0, 0},
	[0x99] = {CONVERT_D, 0, 0},
	[0xa8] = {A_IMM, BYTE, X86_INS_TEST},
	[0xa9] = {A_IMM, 0, X86_INS_TEST},
	[0xb0 ... 0xb7] = {R_IMM, BYTE, X86_INS_MOV},
	[0xb8 ... 0xbf] = {R_IMM, 0, X86_INS_MOV},
	[0xc0] = {SHIFT, BYTE, 0},
	[0xc1] = {SHIFT, 0, 0},
	[0xc2] = {POPPED, 0, X86_INS_RET},
	[0xc3] = {PLAIN, 0, X86_INS_RET},
	[0xc6] = {MOV_IMM, BYTE, X86_INS_MOV},
	[0xc7] = {MOV_IMM, 0, X86_INS_MOV},
	[0xc9] = {PLAIN, 0, X86_INS_LEAVE},
	[0xcc] = {PLAIN, 0, X86_INS_INT3},
	[0xd0] = {SHIFT1, BYTE, 0},
	[0xd1] = {SHIFT1, 0, 0},
	[0xd2] = {SHIFT_CL, BYTE, 0},
	[0xd3] = {SHIFT_CL, 0, 0},
	[0xe8] = {BRANCH32, 0, X86_INS_CALL},
	[0xe9] = {BRANCH32, 0, X86_INS_JMP},
	[0xeb] = {BRANCH8, 0, X86_INS_JMP},
	[0xf6] = {UNARY, BYTE, 0},
	[0xf7] = {UNARY, 0, 0},
	[0xfe] = {STEP, BYTE, 0},
	[0xff] = {INDIRECT, 0, 0},
};

/* Behind 0F. */
static const struct x86_row two_bytes[256] = {
	[0x1f] = {LONG_NOP, 0, X86_INS_NOP},      CONDITIONS(0x40, R_RM, 0, X86_INS_CMOV),
	CONDITIONS(0x80, BRANCH32, 0, X86_INS_J), CONDITIONS(0x90, RM, BYTE, X86_INS_SET),
	[0xaf] = {R_RM, 0, X86_INS_IMUL},         [0xb6] = {EXTEND, BYTE, X86_INS_MOVZX},
	[0xb7] = {EXTEND, WORD, X86_INS_MOVZX},   [0xbe] = {EXTEND, BYTE, X86_INS_MOVSX},
	[0xbf] = {EXTEND, WORD, X86_INS_MOVSX},
};

#undef ALU
#undef CONDITIONS

static const uint16_t group1[8] = {X86_INS_ADD, X86_INS_OR,  X86_INS_ADC, X86_INS_SBB,
				   X86_INS_AND, X86_INS_SUB, X86_INS_XOR, X86_INS_CMP};
/* 0: left to capstone. */
static const uint16_t group2[8] = {X86_INS_ROL, X86_INS_ROR, 0, 0,
				   X86_INS_SHL, X86_INS_SHR, 0, X86_INS_SAR};
static const uint16_t group3[8] = {X86_INS_TEST, 0,           X86_INS_NOT, X86_INS_NEG, X86_INS_MUL,
				   X86_INS_IMUL, X86_INS_DIV, X86_INS_IDIV};
static const uint16_t group5[8] = {X86_INS_INC, X86_INS_DEC, X86_INS_CALL, 0,
				   X86_INS_JMP, 0,           X86_INS_PUSH, 0};

const struct x86_row *x86_row_of(uint8_t opcode, bool behind_0f)
{
	const struct x86_row *row = behind_0f ? &two_bytes[opcode] : &one_byte[opcode];

	return row->form == CAPSTONE ? NULL : row;
}

uint16_t x86_group_member(enum x86_form form, unsigned which)
{
	switch (form) {
	case ARITHMETIC:
	case ARITHMETIC8: return group1[which];
	case SHIFT:
	case SHIFT1:
	case SHIFT_CL: return group2[which];
	case UNARY: return group3[which];
	case STEP:
	case INDIRECT: return group5[which];
	default: return 0;
	}
}

static const uint8_t registers[4][16] = {
	{X86_REG_AL, X86_REG_CL, X86_REG_DL, X86_REG_BL, X86_REG_SPL, X86_REG_BPL, X86_REG_SIL,
	 X86_REG_DIL, X86_REG_R8B, X86_REG_R9B, X86_REG_R10B, X86_REG_R11B, X86_REG_R12B,
	 X86_REG_R13B, X86_REG_R14B, X86_REG_R15B},
	{X86_REG_AX, X86_REG_CX, X86_REG_DX, X86_REG_BX, X86_REG_SP, X86_REG_BP, X86_REG_SI,
	 X86_REG_DI, X86_REG_R8W, X86_REG_R9W, X86_REG_R10W, X86_REG_R11W, X86_REG_R12W,
	 X86_REG_R13W, X86_REG_R14W, X86_REG_R15W},
	{X86_REG_EAX, X86_REG_ECX, X86_REG_EDX, X86_REG_EBX, X86_REG_ESP, X86_REG_EBP, X86_REG_ESI,
	 X86_REG_EDI, X86_REG_R8D, X86_REG_R9D, X86_REG_R10D, X86_REG_R11D, X86_REG_R12D,
	 X86_REG_R13D, X86_REG_R14D, X86_REG_R15D},
	{X86_REG_RAX, X86_REG_RCX, X86_REG_RDX, X86_REG_RBX, X86_REG_RSP, X86_REG_RBP, X86_REG_RSI,
	 X86_REG_RDI, X86_REG_R8, X86_REG_R9, X86_REG_R10, X86_REG_R11, X86_REG_R12, X86_REG_R13,
	 X86_REG_R14, X86_REG_R15},
};
static const uint8_t high_registers[4] = {X86_REG_AH, X86_REG_CH, X86_REG_DH, X86_REG_BH};

uint8_t x86_register_name(unsigned width, unsigned number, bool with_rex)
{
	switch (width) {
	case 1:
		return !with_rex && number >= 4 && number < 8 ? high_registers[number - 4]
							      : registers[0][number];
	case 2: return registers[1][number];
	case 4: return registers[2][number];
	default: return registers[3][number];
	}
}
