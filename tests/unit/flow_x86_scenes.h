/*
 * Scenes of test_flow_x86.c: code of both modes, with the assembly beside the bytes (written by the
 * GNU assembler), and what the data flow shall say of each call in it. Code begins at RVA 0x1000.
 * Addresses: imports ALLOC 0x2000 and FREE 0x2008; CFG check slot 0x2010, dispatch slot 0x2018; a
 * jump table at 0x2040; numbers at 0x2080; a variable at 0x3000.
 */
#ifndef PS_TESTS_UNIT_FLOW_X86_SCENES_H
#define PS_TESTS_UNIT_FLOW_X86_SCENES_H

#include "flow_scene.h"

static const uint8_t x64_plain_call[] = {
	0x41, 0xb8, 0x54, 0x61, 0x67, 0x31, /* mov r8d,0x31676154 */
	0xff, 0x15, 0xf4, 0x0f, 0x00, 0x00, /* call QWORD PTR [rip+0xff4] */
	0xc3,                               /* ret */
};

static const uint8_t x64_import_optimised[] = {
	0x41, 0xb8, 0x54, 0x61, 0x67, 0x31,       /* mov r8d,0x31676154 */
	0x48, 0xff, 0x15, 0xf3, 0x0f, 0x00, 0x00, /* rex.W call QWORD PTR [rip+0xff3] */
	0x0f, 0x1f, 0x04, 0x00,                   /* nop DWORD PTR [rax+rax*1] */
	0xc3,                                     /* ret */
};

static const uint8_t x64_hoisted_import[] = {
	0x48, 0x83, 0xec, 0x28,                   /* sub rsp,0x28 */
	0x48, 0x8b, 0x35, 0xf5, 0x0f, 0x00, 0x00, /* mov rsi,QWORD PTR [rip+0xff5] */
	0x41, 0xb8, 0x54, 0x61, 0x67, 0x31,       /* mov r8d,0x31676154 */
	0xff, 0x15, 0xf1, 0x0f, 0x00, 0x00,       /* call QWORD PTR [rip+0xff1] */
	0x41, 0xb8, 0x54, 0x61, 0x67, 0x32,       /* mov r8d,0x32676154 */
	0xff, 0xd6,                               /* call rsi */
	0xc3,                                     /* ret */
};

static const uint8_t x64_conditional_move[] = {
	0xb8, 0x54, 0x61, 0x67, 0x31,       /* mov eax,0x31676154 */
	0x41, 0xb8, 0x54, 0x61, 0x67, 0x32, /* mov r8d,0x32676154 */
	0x85, 0xc9,                         /* test ecx,ecx */
	0x44, 0x0f, 0x44, 0xc0,             /* cmove r8d,eax */
	0xff, 0x15, 0xe9, 0x0f, 0x00, 0x00, /* call QWORD PTR [rip+0xfe9] */
	0xc3,                               /* ret */
};

static const uint8_t x64_setcc_and_lea[] = {
	0x31, 0xc0,                               /* xor eax,eax */
	0x85, 0xc9,                               /* test ecx,ecx */
	0x0f, 0x95, 0xc0,                         /* setne al */
	0x44, 0x8d, 0x80, 0x54, 0x61, 0x67, 0x31, /* lea r8d,[rax+0x31676154] */
	0xff, 0x15, 0xec, 0x0f, 0x00, 0x00,       /* call QWORD PTR [rip+0xfec] */
	0xc3,                                     /* ret */
};

static const uint8_t x64_neg_sbb_and_add[] = {
	0xf7, 0xd9,                               /* neg ecx */
	0x45, 0x19, 0xc0,                         /* sbb r8d,r8d */
	0x41, 0x81, 0xe0, 0x00, 0x00, 0x00, 0x01, /* and r8d,0x1000000 */
	0x41, 0x81, 0xc0, 0x54, 0x61, 0x67, 0x31, /* add r8d,0x31676154 */
	0xff, 0x15, 0xe7, 0x0f, 0x00, 0x00,       /* call QWORD PTR [rip+0xfe7] */
	0xc3,                                     /* ret */
};

static const uint8_t x64_branch_and_join[] = {
	0x41, 0xb8, 0x54, 0x61, 0x67, 0x31, /* mov r8d,0x31676154 */
	0x85, 0xc9,                         /* test ecx,ecx */
	0x74, 0x06,                         /* je 140001010 */
	0x41, 0xb8, 0x54, 0x61, 0x67, 0x32, /* mov r8d,0x32676154 */
	0xff, 0x15, 0xea, 0x0f, 0x00, 0x00, /* call QWORD PTR [rip+0xfea] */
	0xc3,                               /* ret */
};

static const uint8_t x64_join_with_unknown[] = {
	0x41, 0xb8, 0x54, 0x61, 0x67, 0x31, /* mov r8d,0x31676154 */
	0x85, 0xc9,                         /* test ecx,ecx */
	0x74, 0x03,                         /* je 14000100d */
	0x45, 0x8b, 0x01,                   /* mov r8d,DWORD PTR [r9] */
	0xff, 0x15, 0xed, 0x0f, 0x00, 0x00, /* call QWORD PTR [rip+0xfed] */
	0xc3,                               /* ret */
};

static const uint8_t x64_computed_tag[] = {
	0x41, 0xb8, 0x54, 0x61, 0x67, 0x00, /* mov r8d,0x676154 */
	0xb8, 0x31, 0x00, 0x00, 0x00,       /* mov eax,0x31 */
	0xc1, 0xe0, 0x18,                   /* shl eax,0x18 */
	0x41, 0x09, 0xc0,                   /* or r8d,eax */
	0xff, 0x15, 0xe9, 0x0f, 0x00, 0x00, /* call QWORD PTR [rip+0xfe9] */
	0xc3,                               /* ret */
};

static const uint8_t x64_write_of_32_bits_extends[] = {
	0x49, 0x83, 0xc8, 0xff,             /* or r8,0xffffffffffffffff */
	0x41, 0xb8, 0x54, 0x61, 0x67, 0x31, /* mov r8d,0x31676154 */
	0xff, 0x15, 0xf0, 0x0f, 0x00, 0x00, /* call QWORD PTR [rip+0xff0] */
	0xc3,                               /* ret */
};

static const uint8_t x64_partial_write_unknown[] = {
	0x41, 0xb8, 0x54, 0x61, 0x67, 0x31, /* mov r8d,0x31676154 */
	0x41, 0x88, 0xc8,                   /* mov r8b,cl */
	0xff, 0x15, 0xf1, 0x0f, 0x00, 0x00, /* call QWORD PTR [rip+0xff1] */
	0xc3,                               /* ret */
};

static const uint8_t x64_partial_write_known[] = {
	0x41, 0xb8, 0x54, 0x61, 0x67, 0x31, /* mov r8d,0x31676154 */
	0x41, 0xb0, 0x55,                   /* mov r8b,0x55 */
	0x66, 0x41, 0xb9, 0x03, 0x00,       /* mov r9w,0x3 */
	0xff, 0x15, 0xec, 0x0f, 0x00, 0x00, /* call QWORD PTR [rip+0xfec] */
	0xc3,                               /* ret */
};

static const uint8_t x64_high_byte_opens[] = {
	0xb8, 0x54, 0x61, 0x67, 0x31,       /* mov eax,0x31676154 */
	0xb4, 0x01,                         /* mov ah,0x1 */
	0x41, 0x89, 0xc0,                   /* mov r8d,eax */
	0xff, 0x15, 0xf0, 0x0f, 0x00, 0x00, /* call QWORD PTR [rip+0xff0] */
	0xc3,                               /* ret */
};

static const uint8_t x64_test_writes_nothing[] = {
	0xb8, 0x54, 0x61, 0x67, 0x31,       /* mov eax,0x31676154 */
	0xa8, 0x08,                         /* test al,0x8 */
	0x41, 0x89, 0xc0,                   /* mov r8d,eax */
	0xff, 0x15, 0xf0, 0x0f, 0x00, 0x00, /* call QWORD PTR [rip+0xff0] */
	0xc3,                               /* ret */
};

static const uint8_t x64_exchange_swap_multiply[] = {
	0xb8, 0x31, 0x67, 0x61, 0x54,       /* mov eax,0x54616731 */
	0x0f, 0xc8,                         /* bswap eax */
	0x41, 0x90,                         /* xchg r8d,eax */
	0x41, 0x6b, 0xd0, 0x02,             /* imul edx,r8d,0x2 */
	0xff, 0x15, 0xed, 0x0f, 0x00, 0x00, /* call QWORD PTR [rip+0xfed] */
	0xc3,                               /* ret */
};

static const uint8_t x64_register_parameter[] = {
	0x41, 0x89, 0xd0,                   /* mov r8d,edx */
	0xff, 0x15, 0xf7, 0x0f, 0x00, 0x00, /* call QWORD PTR [rip+0xff7] */
	0xc3,                               /* ret */
};

static const uint8_t x64_stack_parameter[] = {
	0x48, 0x83, 0xec, 0x38,             /* sub rsp,0x38 */
	0x44, 0x8b, 0x44, 0x24, 0x60,       /* mov r8d,DWORD PTR [rsp+0x60] */
	0xff, 0x15, 0xf1, 0x0f, 0x00, 0x00, /* call QWORD PTR [rip+0xff1] */
	0xc3,                               /* ret */
};

static const uint8_t x64_home_parameter[] = {
	0x89, 0x54, 0x24, 0x10,             /* mov DWORD PTR [rsp+0x10],edx */
	0x48, 0x83, 0xec, 0x28,             /* sub rsp,0x28 */
	0x44, 0x8b, 0x44, 0x24, 0x38,       /* mov r8d,DWORD PTR [rsp+0x38] */
	0xff, 0x15, 0xed, 0x0f, 0x00, 0x00, /* call QWORD PTR [rip+0xfed] */
	0xc3,                               /* ret */
};

static const uint8_t x64_call_changes_volatile[] = {
	0x48, 0x83, 0xec, 0x28,             /* sub rsp,0x28 */
	0x41, 0xb8, 0x54, 0x61, 0x67, 0x31, /* mov r8d,0x31676154 */
	0xba, 0x05, 0x00, 0x00, 0x00,       /* mov edx,0x5 */
	0xff, 0x15, 0xf3, 0x0f, 0x00, 0x00, /* call QWORD PTR [rip+0xff3] */
	0xff, 0x15, 0xe5, 0x0f, 0x00, 0x00, /* call QWORD PTR [rip+0xfe5] */
	0xc3,                               /* ret */
};

static const uint8_t x64_call_result[] = {
	0x48, 0x83, 0xec, 0x28,             /* sub rsp,0x28 */
	0xff, 0x15, 0xfe, 0x0f, 0x00, 0x00, /* call QWORD PTR [rip+0xffe] */
	0x41, 0x89, 0xc0,                   /* mov r8d,eax */
	0xff, 0x15, 0xed, 0x0f, 0x00, 0x00, /* call QWORD PTR [rip+0xfed] */
	0xc3,                               /* ret */
};

static const uint8_t x64_kept_over_calls[] = {
	0x48, 0x83, 0xec, 0x48,                         /* sub rsp,0x48 */
	0xbb, 0x54, 0x61, 0x67, 0x31,                   /* mov ebx,0x31676154 */
	0xc7, 0x44, 0x24, 0x30, 0x54, 0x61, 0x67, 0x32, /* mov DWORD PTR [rsp+0x30],0x32676154 */
	0xff, 0x15, 0xf1, 0x0f, 0x00, 0x00,             /* call QWORD PTR [rip+0xff1] */
	0x41, 0x89, 0xd8,                               /* mov r8d,ebx */
	0x8b, 0x54, 0x24, 0x30,                         /* mov edx,DWORD PTR [rsp+0x30] */
	0xff, 0x15, 0xdc, 0x0f, 0x00, 0x00,             /* call QWORD PTR [rip+0xfdc] */
	0xc3,                                           /* ret */
};

static const uint8_t x64_escaped_slot_opens[] = {
	0x48, 0x83, 0xec, 0x48,                         /* sub rsp,0x48 */
	0xc7, 0x44, 0x24, 0x30, 0x54, 0x61, 0x67, 0x31, /* mov DWORD PTR [rsp+0x30],0x31676154 */
	0x48, 0x8d, 0x4c, 0x24, 0x30,                   /* lea rcx,[rsp+0x30] */
	0x44, 0x8b, 0x44, 0x24, 0x30,                   /* mov r8d,DWORD PTR [rsp+0x30] */
	0xff, 0x15, 0xec, 0x0f, 0x00, 0x00,             /* call QWORD PTR [rip+0xfec] */
	0x44, 0x8b, 0x44, 0x24, 0x30,                   /* mov r8d,DWORD PTR [rsp+0x30] */
	0xff, 0x15, 0xd9, 0x0f, 0x00, 0x00,             /* call QWORD PTR [rip+0xfd9] */
	0xc3,                                           /* ret */
};

static const uint8_t x64_stored_address_opens[] = {
	0x48, 0x83, 0xec, 0x48,                         /* sub rsp,0x48 */
	0xc7, 0x44, 0x24, 0x30, 0x54, 0x61, 0x67, 0x31, /* mov DWORD PTR [rsp+0x30],0x31676154 */
	0x48, 0x8d, 0x44, 0x24, 0x30,                   /* lea rax,[rsp+0x30] */
	0x48, 0x89, 0x02,                               /* mov QWORD PTR [rdx],rax */
	0x31, 0xc9,                                     /* xor ecx,ecx */
	0xff, 0x15, 0xec, 0x0f, 0x00, 0x00,             /* call QWORD PTR [rip+0xfec] */
	0x44, 0x8b, 0x44, 0x24, 0x30,                   /* mov r8d,DWORD PTR [rsp+0x30] */
	0xff, 0x15, 0xd9, 0x0f, 0x00, 0x00,             /* call QWORD PTR [rip+0xfd9] */
	0xc3,                                           /* ret */
};

static const uint8_t x64_stack_argument[] = {
	0x48, 0x83, 0xec, 0x48,                         /* sub rsp,0x48 */
	0xc7, 0x44, 0x24, 0x28, 0x54, 0x61, 0x67, 0x31, /* mov DWORD PTR [rsp+0x28],0x31676154 */
	0x48, 0xc7, 0x44, 0x24, 0x20, 0x40, 0x00, 0x00, 0x00, /* mov QWORD PTR [rsp+0x20],0x40 */
	0xff, 0x15, 0xe5, 0x0f, 0x00, 0x00,                   /* call QWORD PTR [rip+0xfe5] */
	0xc3,                                                 /* ret */
};

static const uint8_t x64_pushes[] = {
	0x53,                               /* push rbx */
	0x68, 0x54, 0x61, 0x67, 0x31,       /* push 0x31676154 */
	0x41, 0x58,                         /* pop r8 */
	0x54,                               /* push rsp */
	0x59,                               /* pop rcx */
	0x48, 0x83, 0xec, 0x20,             /* sub rsp,0x20 */
	0xff, 0x15, 0xec, 0x0f, 0x00, 0x00, /* call QWORD PTR [rip+0xfec] */
	0xc3,                               /* ret */
};

static const uint8_t x64_frame_pointer[] = {
	0x55,                                     /* push rbp */
	0x48, 0x8d, 0x6c, 0x24, 0xa0,             /* lea rbp,[rsp-0x60] */
	0x48, 0x81, 0xec, 0x80, 0x00, 0x00, 0x00, /* sub rsp,0x80 */
	0xc7, 0x45, 0x10, 0x54, 0x61, 0x67, 0x31, /* mov DWORD PTR [rbp+0x10],0x31676154 */
	0xff, 0x15, 0xee, 0x0f, 0x00, 0x00,       /* call QWORD PTR [rip+0xfee] */
	0x44, 0x8b, 0x45, 0x10,                   /* mov r8d,DWORD PTR [rbp+0x10] */
	0xff, 0x15, 0xdc, 0x0f, 0x00, 0x00,       /* call QWORD PTR [rip+0xfdc] */
	0x48, 0x8d, 0x65, 0x60,                   /* lea rsp,[rbp+0x60] */
	0x5d,                                     /* pop rbp */
	0xc3,                                     /* ret */
};

static const uint8_t x64_stack_probe[] = {
	0xb8, 0x00, 0x20, 0x00, 0x00,                   /* mov eax,0x2000 */
	0xff, 0x15, 0xfd, 0x0f, 0x00, 0x00,             /* call QWORD PTR [rip+0xffd] */
	0x48, 0x29, 0xc4,                               /* sub rsp,rax */
	0xc7, 0x44, 0x24, 0x28, 0x54, 0x61, 0x67, 0x31, /* mov DWORD PTR [rsp+0x28],0x31676154 */
	0x44, 0x8b, 0x84, 0x24, 0x28, 0x20, 0x00, 0x00, /* mov r8d,DWORD PTR [rsp+0x2028] */
	0xff, 0x15, 0xdc, 0x0f, 0x00, 0x00,             /* call QWORD PTR [rip+0xfdc] */
	0xc3,                                           /* ret */
};

static const uint8_t x64_unknown_alloca[] = {
	0x48, 0x29, 0xcc,                               /* sub rsp,rcx */
	0xc7, 0x44, 0x24, 0x28, 0x54, 0x61, 0x67, 0x31, /* mov DWORD PTR [rsp+0x28],0x31676154 */
	0xff, 0x15, 0xef, 0x0f, 0x00, 0x00,             /* call QWORD PTR [rip+0xfef] */
	0xc3,                                           /* ret */
};

static const uint8_t x64_cfg_dispatch[] = {
	0x48, 0x83, 0xec, 0x28,                   /* sub rsp,0x28 */
	0x41, 0xb8, 0x54, 0x61, 0x67, 0x31,       /* mov r8d,0x31676154 */
	0x48, 0x8b, 0x05, 0xef, 0x0f, 0x00, 0x00, /* mov rax,QWORD PTR [rip+0xfef] */
	0xff, 0x15, 0x01, 0x10, 0x00, 0x00,       /* call QWORD PTR [rip+0x1001] */
	0xc3,                                     /* ret */
};

static const uint8_t x64_cfg_check[] = {
	0x48, 0x83, 0xec, 0x28,                   /* sub rsp,0x28 */
	0x41, 0xb8, 0x54, 0x61, 0x67, 0x31,       /* mov r8d,0x31676154 */
	0x48, 0x8b, 0x0d, 0xef, 0x0f, 0x00, 0x00, /* mov rcx,QWORD PTR [rip+0xfef] */
	0xff, 0x15, 0xf9, 0x0f, 0x00, 0x00,       /* call QWORD PTR [rip+0xff9] */
	0xff, 0xd1,                               /* call rcx */
	0xc3,                                     /* ret */
};

/* clang-format off */
static const uint8_t x64_dispatch_stub[] = {
	0x48, 0x83, 0xec, 0x28,                   /* sub rsp,0x28 */
	0x41, 0xb8, 0x54, 0x61, 0x67, 0x31,       /* mov r8d,0x31676154 */
	0x48, 0x8b, 0x05, 0xef, 0x0f, 0x00, 0x00, /* mov rax,QWORD PTR [rip+0xfef] */
	0xe8, 0xea, 0x00, 0x00, 0x00,             /* call 140001100 */
	0xc3,                                     /* ret */
	[0x17 ... 0xff] = 0xcc,
	0xff, 0xe0,                               /* jmp rax */
};
/* clang-format on */

static const uint8_t x64_retpoline_import[] = {
	0x41, 0xb8, 0x54, 0x61, 0x67, 0x31,       /* mov r8d,0x31676154 */
	0x4c, 0x8b, 0x15, 0xf3, 0x0f, 0x00, 0x00, /* mov r10,QWORD PTR [rip+0xff3] */
	0xe8, 0xee, 0xef, 0xff, 0x0f,             /* call 150000000 */
	0xc3,                                     /* ret */
};

/* clang-format off */
static const uint8_t x64_retpoline_stub[] = {
	0x41, 0xb8, 0x54, 0x61, 0x67, 0x31,       /* mov r8d,0x31676154 */
	0x4c, 0x8b, 0x15, 0xf3, 0x0f, 0x00, 0x00, /* mov r10,QWORD PTR [rip+0xff3] */
	0xba, 0x01, 0x00, 0x00, 0x00,             /* mov edx,0x1 */
	0xe8, 0xe9, 0x00, 0x00, 0x00,             /* call 140001100 */
	0xc3,                                     /* ret */
	[0x18 ... 0xff] = 0xcc,
	0xe8, 0x0b, 0x00, 0x00, 0x00,             /* call 140001110 */
	0xf3, 0x90,                               /* pause */
	0x0f, 0xae, 0xe8,                         /* lfence */
	0xeb, 0xf9,                               /* jmp 140001105 */
	0x0f, 0x1f, 0x40, 0x00,                   /* nop DWORD PTR [rax+0x0] */
	0x4c, 0x89, 0x14, 0x24,                   /* mov QWORD PTR [rsp],r10 */
	0xc3,                                     /* ret */
	[0x115 ... 0x134] = 0xcc,
};
/* clang-format on */

static const uint8_t x64_direct_out_of_image[] = {
	0x41, 0xb8, 0x54, 0x61, 0x67, 0x31, /* mov r8d,0x31676154 */
	0xe8, 0xf5, 0xef, 0xff, 0x0f,       /* call 150000000 */
	0xc3,                               /* ret */
};

static const uint8_t x64_tail_jump[] = {
	0x41, 0xb8, 0x54, 0x61, 0x67, 0x31, /* mov r8d,0x31676154 */
	0xff, 0x25, 0xf4, 0x0f, 0x00, 0x00, /* jmp QWORD PTR [rip+0xff4] */
};

static const uint8_t x64_tail_jump_register[] = {
	0x41, 0xb8, 0x54, 0x61, 0x67, 0x31,       /* mov r8d,0x31676154 */
	0x48, 0x8b, 0x05, 0xf3, 0x0f, 0x00, 0x00, /* mov rax,QWORD PTR [rip+0xff3] */
	0xff, 0xe0,                               /* jmp rax */
};

/* clang-format off */
static const uint8_t x64_tail_jump_to_function[] = {
	0x41, 0xb8, 0x54, 0x61, 0x67, 0x31, /* mov r8d,0x31676154 */
	0xe9, 0xf5, 0x00, 0x00, 0x00,       /* jmp 140001100 */
	[0xb ... 0xff] = 0xcc,
	0xc3,                               /* ret */
};

static const uint8_t x64_split_off_part[] = {
	0x41, 0xb8, 0x54, 0x61, 0x67, 0x31, /* mov r8d,0x31676154 */
	0xe9, 0xf5, 0x00, 0x00, 0x00,       /* jmp 140001100 */
	[0xb ... 0xff] = 0xcc,
	0xff, 0x15, 0xfa, 0x0e, 0x00, 0x00, /* call QWORD PTR [rip+0xefa] */
	0xc3,                               /* ret */
};

static const uint8_t x64_thunk[] = {
	0x41, 0xb8, 0x54, 0x61, 0x67, 0x31, /* mov r8d,0x31676154 */
	0xe8, 0xf5, 0x00, 0x00, 0x00,       /* call 140001100 */
	0xc3,                               /* ret */
	[0xc ... 0xff] = 0xcc,
	0xff, 0x25, 0xfa, 0x0e, 0x00, 0x00, /* jmp QWORD PTR [rip+0xefa] */
};
/* clang-format on */

static const uint8_t x64_framework_function[] = {
	0x48, 0x83, 0xec, 0x28,                   /* sub rsp,0x28 */
	0x48, 0x8b, 0x05, 0xf5, 0x1f, 0x00, 0x00, /* mov rax,QWORD PTR [rip+0x1ff5] */
	0x41, 0xb9, 0x54, 0x61, 0x67, 0x31,       /* mov r9d,0x31676154 */
	0x48, 0x8b, 0x80, 0x00, 0x06, 0x00, 0x00, /* mov rax,QWORD PTR [rax+0x600] */
	0xff, 0x15, 0xfa, 0x0f, 0x00, 0x00,       /* call QWORD PTR [rip+0xffa] */
	0xc3,                                     /* ret */
};

static const uint8_t x64_framework_function_index[] = {
	0x48, 0x83, 0xec, 0x28,                   /* sub rsp,0x28 */
	0xb8, 0x08, 0x00, 0x00, 0x00,             /* mov eax,0x8 */
	0x48, 0x69, 0xc0, 0xc0, 0x00, 0x00, 0x00, /* imul rax,rax,0xc0 */
	0x48, 0x8b, 0x0d, 0xe9, 0x1f, 0x00, 0x00, /* mov rcx,QWORD PTR [rip+0x1fe9] */
	0x41, 0xb9, 0x54, 0x61, 0x67, 0x31,       /* mov r9d,0x31676154 */
	0xff, 0x14, 0x01,                         /* call QWORD PTR [rcx+rax*1] */
	0xc3,                                     /* ret */
};

static const uint8_t x64_tag_in_global[] = {
	0x44, 0x8b, 0x05, 0x01, 0x20, 0x00, 0x00, /* mov r8d,DWORD PTR [rip+0x2001] */
	0xff, 0x15, 0xf3, 0x0f, 0x00, 0x00,       /* call QWORD PTR [rip+0xff3] */
	0xc3,                                     /* ret */
};

static const uint8_t x64_tag_in_constant[] = {
	0x44, 0x8b, 0x05, 0x79, 0x10, 0x00, 0x00, /* mov r8d,DWORD PTR [rip+0x1079] */
	0xff, 0x15, 0xf3, 0x0f, 0x00, 0x00,       /* call QWORD PTR [rip+0xff3] */
	0xc3,                                     /* ret */
};

static const uint8_t x64_tag_from_small_table[] = {
	0x31, 0xc0,                               /* xor eax,eax */
	0x85, 0xc9,                               /* test ecx,ecx */
	0x0f, 0x95, 0xc0,                         /* setne al */
	0x48, 0x8d, 0x15, 0x72, 0x10, 0x00, 0x00, /* lea rdx,[rip+0x1072] */
	0x44, 0x8b, 0x04, 0x82,                   /* mov r8d,DWORD PTR [rdx+rax*4] */
	0xff, 0x15, 0xe8, 0x0f, 0x00, 0x00,       /* call QWORD PTR [rip+0xfe8] */
	0xc3,                                     /* ret */
};

/* clang-format off */
static const uint8_t x64_jump_table[] = {
	0x89, 0xc8,                               /* mov eax,ecx */
	0x48, 0x8d, 0x15, 0xf7, 0xef, 0xff, 0xff, /* lea rdx,[rip+0xffffffffffffeff7] */
	0x8b, 0x8c, 0x82, 0x40, 0x20, 0x00, 0x00, /* mov ecx,DWORD PTR [rdx+rax*4+0x2040] */
	0x48, 0x01, 0xd1,                         /* add rcx,rdx */
	0xff, 0xe1,                               /* jmp rcx */
	[0x15 ... 0x3f] = 0xcc,
	0x41, 0xb8, 0x54, 0x61, 0x67, 0x31,       /* mov r8d,0x31676154 */
	0xeb, 0x0e,                               /* jmp 140001056 */
	[0x48 ... 0x4f] = 0xcc,
	0x41, 0xb8, 0x54, 0x61, 0x67, 0x32,       /* mov r8d,0x32676154 */
	0xff, 0x15, 0xa4, 0x0f, 0x00, 0x00,       /* call QWORD PTR [rip+0xfa4] */
	0xc3,                                     /* ret */
};
/* clang-format on */

static const uint8_t x64_unresolved_jump[] = {
	0xff, 0xe1,                         /* jmp rcx */
	0xcc,                               /* int3 */
	0x41, 0xb8, 0x54, 0x61, 0x67, 0x31, /* mov r8d,0x31676154 */
	0xff, 0x15, 0xf1, 0x0f, 0x00, 0x00, /* call QWORD PTR [rip+0xff1] */
	0xc3,                               /* ret */
};

static const uint8_t x64_loop_counter_opens[] = {
	0xbb, 0x54, 0x61, 0x67, 0x31,       /* mov ebx,0x31676154 */
	0x41, 0x89, 0xd8,                   /* mov r8d,ebx */
	0xff, 0x15, 0xf2, 0x0f, 0x00, 0x00, /* call QWORD PTR [rip+0xff2] */
	0xff, 0xc3,                         /* inc ebx */
	0x85, 0xc0,                         /* test eax,eax */
	0x75, 0xf1,                         /* jne 140001005 */
	0xc3,                               /* ret */
};

static const uint8_t x64_loop_keeps_constant[] = {
	0xbb, 0x54, 0x61, 0x67, 0x31,       /* mov ebx,0x31676154 */
	0xbf, 0x0a, 0x00, 0x00, 0x00,       /* mov edi,0xa */
	0x41, 0x89, 0xd8,                   /* mov r8d,ebx */
	0xff, 0x15, 0xed, 0x0f, 0x00, 0x00, /* call QWORD PTR [rip+0xfed] */
	0xff, 0xcf,                         /* dec edi */
	0x75, 0xf3,                         /* jne 14000100a */
	0xc3,                               /* ret */
};

static const uint8_t x64_sixteen_bytes[] = {
	0x48, 0x83, 0xec, 0x68,                         /* sub rsp,0x68 */
	0xc7, 0x44, 0x24, 0x40, 0x54, 0x61, 0x67, 0x31, /* mov DWORD PTR [rsp+0x40],0x31676154 */
	0xc7, 0x44, 0x24, 0x44, 0x05, 0x00, 0x00, 0x00, /* mov DWORD PTR [rsp+0x44],0x5 */
	0x0f, 0x10, 0x44, 0x24, 0x40,                   /* movups xmm0,XMMWORD PTR [rsp+0x40] */
	0x0f, 0x29, 0x44, 0x24, 0x50,                   /* movaps XMMWORD PTR [rsp+0x50],xmm0 */
	0x44, 0x8b, 0x44, 0x24, 0x50,                   /* mov r8d,DWORD PTR [rsp+0x50] */
	0xff, 0x15, 0xd7, 0x0f, 0x00, 0x00,             /* call QWORD PTR [rip+0xfd7] */
	0x0f, 0x57, 0xc0,                               /* xorps xmm0,xmm0 */
	0x0f, 0x11, 0x44, 0x24, 0x40,                   /* movups XMMWORD PTR [rsp+0x40],xmm0 */
	0x44, 0x8b, 0x44, 0x24, 0x44,                   /* mov r8d,DWORD PTR [rsp+0x44] */
	0xff, 0x15, 0xc4, 0x0f, 0x00, 0x00,             /* call QWORD PTR [rip+0xfc4] */
	0xc3,                                           /* ret */
};

static const uint8_t x64_cleared_by_and[] = {
	0x48, 0x83, 0xec, 0x48,                         /* sub rsp,0x48 */
	0x83, 0x64, 0x24, 0x30, 0x00,                   /* and DWORD PTR [rsp+0x30],0x0 */
	0x81, 0x4c, 0x24, 0x30, 0x54, 0x61, 0x67, 0x31, /* or DWORD PTR [rsp+0x30],0x31676154 */
	0x44, 0x8b, 0x44, 0x24, 0x30,                   /* mov r8d,DWORD PTR [rsp+0x30] */
	0xff, 0x15, 0xe4, 0x0f, 0x00, 0x00,             /* call QWORD PTR [rip+0xfe4] */
	0xc3,                                           /* ret */
};

static const uint8_t x64_correlated_sets_are_not_combined[] = {
	0x31, 0xc0,                         /* xor eax,eax */
	0x31, 0xd2,                         /* xor edx,edx */
	0x85, 0xc9,                         /* test ecx,ecx */
	0x0f, 0x95, 0xc0,                   /* setne al */
	0x0f, 0x94, 0xc2,                   /* sete dl */
	0x44, 0x8d, 0x04, 0x50,             /* lea r8d,[rax+rdx*2] */
	0xff, 0x15, 0xea, 0x0f, 0x00, 0x00, /* call QWORD PTR [rip+0xfea] */
	0xc3,                               /* ret */
};

static const uint8_t x64_same_register_twice[] = {
	0x31, 0xc0,                         /* xor eax,eax */
	0x85, 0xc9,                         /* test ecx,ecx */
	0x0f, 0x95, 0xc0,                   /* setne al */
	0x44, 0x8d, 0x04, 0x40,             /* lea r8d,[rax+rax*2] */
	0xff, 0x15, 0xef, 0x0f, 0x00, 0x00, /* call QWORD PTR [rip+0xfef] */
	0xc3,                               /* ret */
};

static const uint8_t x64_array_store_opens[] = {
	0x48, 0x83, 0xec, 0x68,                         /* sub rsp,0x68 */
	0xc7, 0x44, 0x24, 0x30, 0x54, 0x61, 0x67, 0x31, /* mov DWORD PTR [rsp+0x30],0x31676154 */
	0x89, 0x54, 0x8c, 0x30,                         /* mov DWORD PTR [rsp+rcx*4+0x30],edx */
	0x44, 0x8b, 0x44, 0x24, 0x30,                   /* mov r8d,DWORD PTR [rsp+0x30] */
	0xff, 0x15, 0xe5, 0x0f, 0x00, 0x00,             /* call QWORD PTR [rip+0xfe5] */
	0xc3,                                           /* ret */
};

static const uint8_t x64_string_store_opens[] = {
	0x48, 0x83, 0xec, 0x68,                         /* sub rsp,0x68 */
	0xc7, 0x44, 0x24, 0x38, 0x54, 0x61, 0x67, 0x31, /* mov DWORD PTR [rsp+0x38],0x31676154 */
	0x48, 0x8d, 0x7c, 0x24, 0x30,                   /* lea rdi,[rsp+0x30] */
	0x31, 0xc0,                                     /* xor eax,eax */
	0xb9, 0x05, 0x00, 0x00, 0x00,                   /* mov ecx,0x5 */
	0xf3, 0xab,                                     /* rep stos DWORD PTR es:[rdi],eax */
	0x44, 0x8b, 0x44, 0x24, 0x38,                   /* mov r8d,DWORD PTR [rsp+0x38] */
	0xff, 0x15, 0xdb, 0x0f, 0x00, 0x00,             /* call QWORD PTR [rip+0xfdb] */
	0xc3,                                           /* ret */
};

static const uint8_t x64_landing_pad[] = {
	0xf3, 0x0f, 0x1e, 0xfa,             /* endbr64 */
	0x41, 0xb8, 0x54, 0x61, 0x67, 0x31, /* mov r8d,0x31676154 */
	0xff, 0x15, 0xf0, 0x0f, 0x00, 0x00, /* call QWORD PTR [rip+0xff0] */
	0xc3,                               /* ret */
};

static const uint8_t x64_thread_block_is_unknown[] = {
	0x65, 0x44, 0x8b, 0x04, 0x25, 0x00, 0x20, 0x00, 0x00, /* mov r8d,DWORD PTR gs:0x2000 */
	0xff, 0x15, 0xf1, 0x0f, 0x00, 0x00,                   /* call QWORD PTR [rip+0xff1] */
	0xc3,                                                 /* ret */
};

static const uint8_t x86_pushed[] = {
	0x68, 0x54, 0x61, 0x67, 0x31,       /* push 0x31676154 */
	0x6a, 0x08,                         /* push 0x8 */
	0x6a, 0x00,                         /* push 0x0 */
	0xff, 0x15, 0x00, 0x20, 0x40, 0x00, /* call DWORD PTR ds:0x402000 */
	0xc3,                               /* ret */
};

/* clang-format off */
static const uint8_t x86_callee_in_image_pops[] = {
	0x68, 0x54, 0x61, 0x67, 0x31,       /* push 0x31676154 */
	0x6a, 0x01,                         /* push 0x1 */
	0x6a, 0x02,                         /* push 0x2 */
	0xe8, 0xf2, 0x00, 0x00, 0x00,       /* call 401100 */
	0x50,                               /* push eax */
	0x6a, 0x00,                         /* push 0x0 */
	0xff, 0x15, 0x00, 0x20, 0x40, 0x00, /* call DWORD PTR ds:0x402000 */
	0xc3,                               /* ret */
	[0x18 ... 0xff] = 0xcc,
	0xb8, 0x01, 0x00, 0x00, 0x00,       /* mov eax,0x1 */
	0xc2, 0x08, 0x00,                   /* ret 0x8 */
};
/* clang-format on */

static const uint8_t x86_import_pops[] = {
	0x68, 0x54, 0x61, 0x67, 0x31,       /* push 0x31676154 */
	0x6a, 0x01,                         /* push 0x1 */
	0xff, 0x15, 0x08, 0x20, 0x40, 0x00, /* call DWORD PTR ds:0x402008 */
	0x6a, 0x08,                         /* push 0x8 */
	0x6a, 0x00,                         /* push 0x0 */
	0xff, 0x15, 0x00, 0x20, 0x40, 0x00, /* call DWORD PTR ds:0x402000 */
	0xc3,                               /* ret */
};

static const uint8_t x86_caller_pops[] = {
	0x55,                               /* push ebp */
	0x89, 0xe5,                         /* mov ebp,esp */
	0x68, 0x54, 0x61, 0x67, 0x31,       /* push 0x31676154 */
	0x6a, 0x01,                         /* push 0x1 */
	0xff, 0xd0,                         /* call eax */
	0x83, 0xc4, 0x04,                   /* add esp,0x4 */
	0x6a, 0x08,                         /* push 0x8 */
	0x6a, 0x00,                         /* push 0x0 */
	0xff, 0x15, 0x00, 0x20, 0x40, 0x00, /* call DWORD PTR ds:0x402000 */
	0xc9,                               /* leave */
	0xc3,                               /* ret */
};

static const uint8_t x86_caller_pops_by_pop[] = {
	0x55,                               /* push ebp */
	0x89, 0xe5,                         /* mov ebp,esp */
	0x68, 0x54, 0x61, 0x67, 0x31,       /* push 0x31676154 */
	0x6a, 0x01,                         /* push 0x1 */
	0xff, 0xd0,                         /* call eax */
	0x59,                               /* pop ecx */
	0x6a, 0x08,                         /* push 0x8 */
	0x6a, 0x00,                         /* push 0x0 */
	0xff, 0x15, 0x00, 0x20, 0x40, 0x00, /* call DWORD PTR ds:0x402000 */
	0xc9,                               /* leave */
	0xc3,                               /* ret */
};

static const uint8_t x86_unknown_callee_proven[] = {
	0x56,                               /* push esi */
	0x57,                               /* push edi */
	0x6a, 0x01,                         /* push 0x1 */
	0xff, 0xd0,                         /* call eax */
	0x8b, 0x74, 0x24, 0x0c,             /* mov esi,DWORD PTR [esp+0xc] */
	0x68, 0x54, 0x61, 0x67, 0x31,       /* push 0x31676154 */
	0x56,                               /* push esi */
	0x6a, 0x00,                         /* push 0x0 */
	0xff, 0x15, 0x00, 0x20, 0x40, 0x00, /* call DWORD PTR ds:0x402000 */
	0x5f,                               /* pop edi */
	0x5e,                               /* pop esi */
	0xc2, 0x04, 0x00,                   /* ret 0x4 */
};

static const uint8_t x86_unknown_callee_refuted[] = {
	0x56,                               /* push esi */
	0x68, 0x54, 0x61, 0x67, 0x31,       /* push 0x31676154 */
	0x6a, 0x01,                         /* push 0x1 */
	0xff, 0xd0,                         /* call eax */
	0xff, 0x74, 0x24, 0x0c,             /* push DWORD PTR [esp+0xc] */
	0x6a, 0x00,                         /* push 0x0 */
	0xff, 0x15, 0x00, 0x20, 0x40, 0x00, /* call DWORD PTR ds:0x402000 */
	0x5e,                               /* pop esi */
	0xc2, 0x04, 0x00,                   /* ret 0x4 */
};

static const uint8_t x86_frame_with_leave[] = {
	0x55,                               /* push ebp */
	0x89, 0xe5,                         /* mov ebp,esp */
	0x83, 0xec, 0x08,                   /* sub esp,0x8 */
	0x68, 0x54, 0x61, 0x67, 0x31,       /* push 0x31676154 */
	0xff, 0x75, 0x08,                   /* push DWORD PTR [ebp+0x8] */
	0x6a, 0x00,                         /* push 0x0 */
	0xff, 0x15, 0x00, 0x20, 0x40, 0x00, /* call DWORD PTR ds:0x402000 */
	0xc9,                               /* leave */
	0xc2, 0x04, 0x00,                   /* ret 0x4 */
};

static const uint8_t x86_register_parameter[] = {
	0x51,                               /* push ecx */
	0x6a, 0x08,                         /* push 0x8 */
	0x6a, 0x00,                         /* push 0x0 */
	0xff, 0x15, 0x00, 0x20, 0x40, 0x00, /* call DWORD PTR ds:0x402000 */
	0xc3,                               /* ret */
};

static const uint8_t x86_hoisted_import[] = {
	0x57,                               /* push edi */
	0x8b, 0x3d, 0x00, 0x20, 0x40, 0x00, /* mov edi,DWORD PTR ds:0x402000 */
	0x68, 0x54, 0x61, 0x67, 0x31,       /* push 0x31676154 */
	0x6a, 0x08,                         /* push 0x8 */
	0x6a, 0x00,                         /* push 0x0 */
	0xff, 0xd7,                         /* call edi */
	0x68, 0x54, 0x61, 0x67, 0x32,       /* push 0x32676154 */
	0x6a, 0x08,                         /* push 0x8 */
	0x6a, 0x00,                         /* push 0x0 */
	0xff, 0xd7,                         /* call edi */
	0x5f,                               /* pop edi */
	0xc3,                               /* ret */
};

static const uint8_t x86_pushed_register_and_global[] = {
	0x56,                               /* push esi */
	0xbe, 0x54, 0x61, 0x67, 0x31,       /* mov esi,0x31676154 */
	0x56,                               /* push esi */
	0xff, 0x35, 0x00, 0x30, 0x40, 0x00, /* push DWORD PTR ds:0x403000 */
	0x6a, 0x00,                         /* push 0x0 */
	0xff, 0x15, 0x00, 0x20, 0x40, 0x00, /* call DWORD PTR ds:0x402000 */
	0x5e,                               /* pop esi */
	0xc3,                               /* ret */
};

static const uint8_t x86_address_as_number[] = {
	0x68, 0x54, 0x61, 0x67, 0x31,       /* push 0x31676154 */
	0x6a, 0x08,                         /* push 0x8 */
	0x68, 0x00, 0x30, 0x40, 0x00,       /* push 0x403000 */
	0xff, 0x15, 0x00, 0x20, 0x40, 0x00, /* call DWORD PTR ds:0x402000 */
	0xc3,                               /* ret */
};

/* clang-format off */
static const uint8_t x86_chkstk[] = {
	0x55,                               /* push ebp */
	0x89, 0xe5,                         /* mov ebp,esp */
	0xb8, 0x00, 0x18, 0x00, 0x00,       /* mov eax,0x1800 */
	0xe8, 0xf3, 0x00, 0x00, 0x00,       /* call 401100 */
	0x68, 0x54, 0x61, 0x67, 0x31,       /* push 0x31676154 */
	0x6a, 0x08,                         /* push 0x8 */
	0xff, 0x75, 0x08,                   /* push DWORD PTR [ebp+0x8] */
	0xff, 0x15, 0x00, 0x20, 0x40, 0x00, /* call DWORD PTR ds:0x402000 */
	0xc9,                               /* leave */
	0xc3,                               /* ret */
	[0x1f ... 0xff] = 0xcc,
	0x51,                               /* push ecx */
	0x8d, 0x4c, 0x24, 0x08,             /* lea ecx,[esp+0x8] */
	0x29, 0xc1,                         /* sub ecx,eax */
	0x89, 0xe0,                         /* mov eax,esp */
	0x89, 0xcc,                         /* mov esp,ecx */
	0x8b, 0x00,                         /* mov eax,DWORD PTR [eax] */
	0x94,                               /* xchg esp,eax */
	0xc3,                               /* ret */
};

static const uint8_t x86_jump_table[] = {
	0x8b, 0x44, 0x24, 0x04,                   /* mov eax,DWORD PTR [esp+0x4] */
	0xff, 0x24, 0x85, 0x40, 0x20, 0x40, 0x00, /* jmp DWORD PTR [eax*4+0x402040] */
	[0xb ... 0x3f] = 0x90,
	0x68, 0x54, 0x61, 0x67, 0x31,             /* push 0x31676154 */
	0xeb, 0x0e,                               /* jmp 401055 */
	[0x47 ... 0x4f] = 0x90,
	0x68, 0x54, 0x61, 0x67, 0x32,             /* push 0x32676154 */
	0x6a, 0x08,                               /* push 0x8 */
	0x6a, 0x00,                               /* push 0x0 */
	0xff, 0x15, 0x00, 0x20, 0x40, 0x00,       /* call DWORD PTR ds:0x402000 */
	0xc3,                                     /* ret */
};
/* clang-format on */

static const uint8_t x86_handler_in_the_middle[] = {
	0x55,                               /* push ebp */
	0x89, 0xe5,                         /* mov ebp,esp */
	0xeb, 0x12,                         /* jmp 401017 */
	0x8b, 0x65, 0xe8,                   /* mov esp,DWORD PTR [ebp-0x18] */
	0x68, 0x54, 0x61, 0x67, 0x31,       /* push 0x31676154 */
	0x6a, 0x08,                         /* push 0x8 */
	0x6a, 0x00,                         /* push 0x0 */
	0xff, 0x15, 0x00, 0x20, 0x40, 0x00, /* call DWORD PTR ds:0x402000 */
	0xc9,                               /* leave */
	0xc3,                               /* ret */
};

static const uint8_t x86_tail_jump[] = {
	0xff, 0x25, 0x00, 0x20, 0x40, 0x00, /* jmp DWORD PTR ds:0x402000 */
};

static const uint8_t x86_aligned_stack[] = {
	0x55,                                           /* push ebp */
	0x89, 0xe5,                                     /* mov ebp,esp */
	0x83, 0xe4, 0xf8,                               /* and esp,0xfffffff8 */
	0x83, 0xec, 0x10,                               /* sub esp,0x10 */
	0xc7, 0x44, 0x24, 0x08, 0x54, 0x61, 0x67, 0x31, /* mov DWORD PTR [esp+0x8],0x31676154 */
	0xff, 0x74, 0x24, 0x08,                         /* push DWORD PTR [esp+0x8] */
	0x6a, 0x08,                                     /* push 0x8 */
	0x6a, 0x00,                                     /* push 0x0 */
	0xff, 0x15, 0x00, 0x20, 0x40, 0x00,             /* call DWORD PTR ds:0x402000 */
	0x89, 0xec,                                     /* mov esp,ebp */
	0x5d,                                           /* pop ebp */
	0xc3,                                           /* ret */
};

static const uint8_t x86_hot_patch_prefix[] = {
	0x89, 0xff,                         /* mov edi,edi */
	0x55,                               /* push ebp */
	0x89, 0xe5,                         /* mov ebp,esp */
	0x68, 0x54, 0x61, 0x67, 0x31,       /* push 0x31676154 */
	0x6a, 0x08,                         /* push 0x8 */
	0x6a, 0x00,                         /* push 0x0 */
	0xff, 0x15, 0x00, 0x20, 0x40, 0x00, /* call DWORD PTR ds:0x402000 */
	0x5d,                               /* pop ebp */
	0xc3,                               /* ret */
};

static const uint8_t x86_direct_out_of_image[] = {
	0x68, 0x54, 0x61, 0x67, 0x31, /* push 0x31676154 */
	0x6a, 0x08,                   /* push 0x8 */
	0x6a, 0x00,                   /* push 0x0 */
	0xe8, 0xf2, 0xff, 0x3f, 0x80, /* call 80801000 */
	0xc3,                         /* ret */
};

/* clang-format off */
static const uint8_t x86_thunk_pops_as_its_import[] = {
	0x68, 0x54, 0x61, 0x67, 0x31,       /* push 0x31676154 */
	0x6a, 0x01,                         /* push 0x1 */
	0xe8, 0xf4, 0x00, 0x00, 0x00,       /* call 401100 */
	0x6a, 0x08,                         /* push 0x8 */
	0x6a, 0x00,                         /* push 0x0 */
	0xff, 0x15, 0x00, 0x20, 0x40, 0x00, /* call DWORD PTR ds:0x402000 */
	0xc3,                               /* ret */
	[0x17 ... 0xff] = 0xcc,
	0xff, 0x25, 0x08, 0x20, 0x40, 0x00, /* jmp DWORD PTR ds:0x402008 */
};
/* clang-format on */

static const uint8_t x64_exchange_and_add[] = {
	0x41, 0xb8, 0x54, 0x61, 0x67, 0x31, /* mov r8d,0x31676154 */
	0xba, 0x54, 0x61, 0x67, 0x32,       /* mov edx,0x32676154 */
	0xb8, 0x54, 0x61, 0x67, 0x33,       /* mov eax,0x33676154 */
	0x0f, 0xc1, 0x11,                   /* xadd DWORD PTR [rcx],edx */
	0x4c, 0x0f, 0xb1, 0x09,             /* cmpxchg QWORD PTR [rcx],r9 */
	0x41, 0x89, 0xc0,                   /* mov r8d,eax */
	0xff, 0x15, 0xe0, 0x0f, 0x00, 0x00, /* call QWORD PTR [rip+0xfe0] */
	0xc3,                               /* ret */
};

static const uint8_t x64_mulx_has_two_results[] = {
	0x41, 0xb8, 0x54, 0x61, 0x67, 0x31, /* mov r8d,0x31676154 */
	0x41, 0xb9, 0x54, 0x61, 0x67, 0x32, /* mov r9d,0x32676154 */
	0xc4, 0x62, 0xb3, 0xf6, 0xc1,       /* mulx r8,r9,rcx */
	0x44, 0x89, 0xca,                   /* mov edx,r9d */
	0xff, 0x15, 0xe6, 0x0f, 0x00, 0x00, /* call QWORD PTR [rip+0xfe6] */
	0xc3,                               /* ret */
};

static const uint8_t x64_float_store_opens[] = {
	0x48, 0x83, 0xec, 0x48,                         /* sub rsp,0x48 */
	0xc7, 0x44, 0x24, 0x30, 0x54, 0x61, 0x67, 0x31, /* mov DWORD PTR [rsp+0x30],0x31676154 */
	0xd9, 0x7c, 0x24, 0x30,                         /* fnstcw WORD PTR [rsp+0x30] */
	0x44, 0x8b, 0x44, 0x24, 0x30,                   /* mov r8d,DWORD PTR [rsp+0x30] */
	0xff, 0x15, 0xe5, 0x0f, 0x00, 0x00,             /* call QWORD PTR [rip+0xfe5] */
	0xc3,                                           /* ret */
};

static const uint8_t x64_wide_store_opens[] = {
	0x48, 0x83, 0xec, 0x68,                         /* sub rsp,0x68 */
	0xc7, 0x44, 0x24, 0x44, 0x54, 0x61, 0x67, 0x31, /* mov DWORD PTR [rsp+0x44],0x31676154 */
	0xc5, 0xfc, 0x11, 0x44, 0x24, 0x30,             /* vmovups YMMWORD PTR [rsp+0x30],ymm0 */
	0x44, 0x8b, 0x44, 0x24, 0x44,                   /* mov r8d,DWORD PTR [rsp+0x44] */
	0xff, 0x15, 0xe3, 0x0f, 0x00, 0x00,             /* call QWORD PTR [rip+0xfe3] */
	0xc3,                                           /* ret */
};

static const uint8_t x64_division_opens[] = {
	0xb8, 0x54, 0x61, 0x67, 0x31,       /* mov eax,0x31676154 */
	0xba, 0x54, 0x61, 0x67, 0x32,       /* mov edx,0x32676154 */
	0x48, 0xf7, 0xf1,                   /* div rcx */
	0x41, 0x89, 0xc0,                   /* mov r8d,eax */
	0xff, 0x15, 0xea, 0x0f, 0x00, 0x00, /* call QWORD PTR [rip+0xfea] */
	0xc3,                               /* ret */
};

static const uint8_t x64_time_stamp_opens[] = {
	0xb8, 0x54, 0x61, 0x67, 0x31,       /* mov eax,0x31676154 */
	0xba, 0x54, 0x61, 0x67, 0x32,       /* mov edx,0x32676154 */
	0x0f, 0x31,                         /* rdtsc */
	0x41, 0x89, 0xc0,                   /* mov r8d,eax */
	0xff, 0x15, 0xeb, 0x0f, 0x00, 0x00, /* call QWORD PTR [rip+0xfeb] */
	0xc3,                               /* ret */
};

static const uint8_t x64_join_with_unread[] = {
	0x41, 0xb8, 0x54, 0x61, 0x67, 0x31, /* mov r8d,0x31676154 */
	0x85, 0xc9,                         /* test ecx,ecx */
	0x74, 0x05,                         /* je 14000100f */
	0x0f, 0x31,                         /* rdtsc */
	0x41, 0x89, 0xc0,                   /* mov r8d,eax */
	0xff, 0x15, 0xeb, 0x0f, 0x00, 0x00, /* call QWORD PTR [rip+0xfeb] */
	0xc3,                               /* ret */
};

static const struct scene x64_scenes[] = {
	{"plain_call",
	 x64_plain_call,
	 sizeof(x64_plain_call),
	 {2},
	 1,
	 "load 2000: 31676154",
	 {},
	 0},
	{"import_optimised",
	 x64_import_optimised,
	 sizeof(x64_import_optimised),
	 {2},
	 1,
	 "load 2000: 31676154",
	 {},
	 0},
	{"hoisted_import",
	 x64_hoisted_import,
	 sizeof(x64_hoisted_import),
	 {2},
	 1,
	 "load 2008: 31676154; load 2000: 32676154",
	 {},
	 0},
	{"conditional_move",
	 x64_conditional_move,
	 sizeof(x64_conditional_move),
	 {2},
	 1,
	 "load 2000: 31676154 32676154",
	 {},
	 0},
	{"setcc_and_lea",
	 x64_setcc_and_lea,
	 sizeof(x64_setcc_and_lea),
	 {2},
	 1,
	 "load 2000: 31676154 31676155",
	 {},
	 0},
	{"neg_sbb_and_add",
	 x64_neg_sbb_and_add,
	 sizeof(x64_neg_sbb_and_add),
	 {2},
	 1,
	 "load 2000: 31676154 32676154",
	 {},
	 0},
	{"branch_and_join",
	 x64_branch_and_join,
	 sizeof(x64_branch_and_join),
	 {2},
	 1,
	 "load 2000: 31676154 32676154",
	 {},
	 0},
	{"join_with_unknown",
	 x64_join_with_unknown,
	 sizeof(x64_join_with_unknown),
	 {2},
	 1,
	 "load 2000: 31676154 behind p3+0",
	 {},
	 0},
	{"computed_tag",
	 x64_computed_tag,
	 sizeof(x64_computed_tag),
	 {2},
	 1,
	 "load 2000: 31676154",
	 {},
	 0},
	{"write_of_32_bits_extends",
	 x64_write_of_32_bits_extends,
	 sizeof(x64_write_of_32_bits_extends),
	 {2},
	 1,
	 "load 2000: 31676154",
	 {},
	 0},
	{"partial_write_unknown",
	 x64_partial_write_unknown,
	 sizeof(x64_partial_write_unknown),
	 {2},
	 1,
	 "load 2000: open",
	 {},
	 0},
	{"partial_write_known",
	 x64_partial_write_known,
	 sizeof(x64_partial_write_known),
	 {2},
	 1,
	 "load 2000: 31676155",
	 {},
	 0},
	{"high_byte_opens",
	 x64_high_byte_opens,
	 sizeof(x64_high_byte_opens),
	 {2},
	 1,
	 "load 2000: open",
	 {},
	 0},
	{"test_writes_nothing",
	 x64_test_writes_nothing,
	 sizeof(x64_test_writes_nothing),
	 {2},
	 1,
	 "load 2000: 31676154",
	 {},
	 0},
	{"exchange_swap_multiply",
	 x64_exchange_swap_multiply,
	 sizeof(x64_exchange_swap_multiply),
	 {2, 1},
	 2,
	 "load 2000: 31676154, 62cec2a8",
	 {},
	 0},
	{"register_parameter",
	 x64_register_parameter,
	 sizeof(x64_register_parameter),
	 {2},
	 1,
	 "load 2000: p1",
	 {},
	 0},
	{"stack_parameter",
	 x64_stack_parameter,
	 sizeof(x64_stack_parameter),
	 {2},
	 1,
	 "load 2000: p4",
	 {},
	 0},
	{"home_parameter",
	 x64_home_parameter,
	 sizeof(x64_home_parameter),
	 {2},
	 1,
	 "load 2000: p1",
	 {},
	 0},
	{"call_changes_volatile",
	 x64_call_changes_volatile,
	 sizeof(x64_call_changes_volatile),
	 {2, 1},
	 2,
	 "load 2008: 31676154, 5; load 2000: open, open",
	 {},
	 0},
	{"call_result",
	 x64_call_result,
	 sizeof(x64_call_result),
	 {2},
	 1,
	 "load 2008: p2; load 2000: result 1004",
	 {},
	 0},
	{"kept_over_calls",
	 x64_kept_over_calls,
	 sizeof(x64_kept_over_calls),
	 {2, 1},
	 2,
	 "load 2008: p2, p1; load 2000: 31676154, 32676154",
	 {},
	 0},
	{"escaped_slot_opens",
	 x64_escaped_slot_opens,
	 sizeof(x64_escaped_slot_opens),
	 {2},
	 1,
	 "load 2008: 31676154; load 2000: open",
	 {},
	 0},
	{"stored_address_opens",
	 x64_stored_address_opens,
	 sizeof(x64_stored_address_opens),
	 {2},
	 1,
	 "load 2008: p2; load 2000: open",
	 {},
	 0},
	{"stack_argument",
	 x64_stack_argument,
	 sizeof(x64_stack_argument),
	 {5, 4},
	 2,
	 "load 2000: 31676154, 40",
	 {},
	 0},
	{"pushes",
	 x64_pushes,
	 sizeof(x64_pushes),
	 {2, 0},
	 2,
	 "load 2000: 31676154, frame -8",
	 {},
	 0},
	{"frame_pointer",
	 x64_frame_pointer,
	 sizeof(x64_frame_pointer),
	 {2},
	 1,
	 "load 2008: p2; load 2000: 31676154",
	 {},
	 0},
	{"stack_probe",
	 x64_stack_probe,
	 sizeof(x64_stack_probe),
	 {5, 2},
	 2,
	 "load 2008: p4, p2; load 2000: 31676154, p4",
	 {},
	 0},
	{"unknown_alloca",
	 x64_unknown_alloca,
	 sizeof(x64_unknown_alloca),
	 {5},
	 1,
	 "load 2000: 31676154",
	 {},
	 0},
	{"cfg_dispatch",
	 x64_cfg_dispatch,
	 sizeof(x64_cfg_dispatch),
	 {2},
	 1,
	 "load 2000: 31676154",
	 {},
	 0},
	{"cfg_check",
	 x64_cfg_check,
	 sizeof(x64_cfg_check),
	 {2},
	 1,
	 "load 2010: 31676154; load 2000: 31676154",
	 {},
	 0},
	{"dispatch_stub",
	 x64_dispatch_stub,
	 sizeof(x64_dispatch_stub),
	 {2},
	 1,
	 "load 2000: 31676154",
	 {},
	 0},
	{"retpoline_import",
	 x64_retpoline_import,
	 sizeof(x64_retpoline_import),
	 {2},
	 1,
	 "load 2000: 31676154",
	 {},
	 0},
	{"retpoline_stub",
	 x64_retpoline_stub,
	 sizeof(x64_retpoline_stub),
	 {2},
	 1,
	 "load 2000: 31676154",
	 {},
	 0},
	{"direct_out_of_image",
	 x64_direct_out_of_image,
	 sizeof(x64_direct_out_of_image),
	 {2},
	 1,
	 "const 150000000: 31676154",
	 {},
	 0},
	{"tail_jump",
	 x64_tail_jump,
	 sizeof(x64_tail_jump),
	 {2, 4},
	 2,
	 "load 2000 tail: 31676154, p4",
	 {},
	 0},
	{"tail_jump_register",
	 x64_tail_jump_register,
	 sizeof(x64_tail_jump_register),
	 {2},
	 1,
	 "load 2000 tail: 31676154",
	 {},
	 0},
	{"tail_jump_to_function",
	 x64_tail_jump_to_function,
	 sizeof(x64_tail_jump_to_function),
	 {2},
	 1,
	 "rva 1100 tail: 31676154",
	 {{0x1000, 0x100b, 0x1000}, {0x1100, 0x1101, 0x1100}},
	 2},
	{"split_off_part",
	 x64_split_off_part,
	 sizeof(x64_split_off_part),
	 {2},
	 1,
	 "load 2000: 31676154",
	 {{0x1000, 0x100b, 0x1000}, {0x1100, 0x1107, 0x1000}},
	 2},
	{"thunk", x64_thunk, sizeof(x64_thunk), {2}, 1, "rva 1100: 31676154", {}, 0},
	{"framework_function",
	 x64_framework_function,
	 sizeof(x64_framework_function),
	 {3},
	 1,
	 "field 3000+600: 31676154",
	 {},
	 0},
	{"framework_function_index",
	 x64_framework_function_index,
	 sizeof(x64_framework_function_index),
	 {3},
	 1,
	 "field 3000+600: 31676154",
	 {},
	 0},
	{"tag_in_global",
	 x64_tag_in_global,
	 sizeof(x64_tag_in_global),
	 {2},
	 1,
	 "load 2000: load 3008",
	 {},
	 0},
	{"tag_in_constant",
	 x64_tag_in_constant,
	 sizeof(x64_tag_in_constant),
	 {2},
	 1,
	 "load 2000: 33676154",
	 {},
	 0},
	{"tag_from_small_table",
	 x64_tag_from_small_table,
	 sizeof(x64_tag_from_small_table),
	 {2},
	 1,
	 "load 2000: 33676154 34676154",
	 {},
	 0},
	{"jump_table",
	 x64_jump_table,
	 sizeof(x64_jump_table),
	 {2},
	 1,
	 "load 2000: 31676154 32676154",
	 {},
	 0},
	{"unresolved_jump",
	 x64_unresolved_jump,
	 sizeof(x64_unresolved_jump),
	 {2},
	 1,
	 "p0 tail: p2; load 2000: 31676154",
	 {{0x1000, 0x1010, 0x1000}},
	 1},
	{"loop_counter_opens",
	 x64_loop_counter_opens,
	 sizeof(x64_loop_counter_opens),
	 {2},
	 1,
	 "load 2000: open",
	 {},
	 0},
	{"loop_keeps_constant",
	 x64_loop_keeps_constant,
	 sizeof(x64_loop_keeps_constant),
	 {2},
	 1,
	 "load 2000: 31676154",
	 {},
	 0},
	{"sixteen_bytes",
	 x64_sixteen_bytes,
	 sizeof(x64_sixteen_bytes),
	 {2},
	 1,
	 "load 2000: 31676154; load 2000: 0",
	 {},
	 0},
	{"cleared_by_and",
	 x64_cleared_by_and,
	 sizeof(x64_cleared_by_and),
	 {2},
	 1,
	 "load 2000: 31676154",
	 {},
	 0},
	{"correlated_sets_are_not_combined",
	 x64_correlated_sets_are_not_combined,
	 sizeof(x64_correlated_sets_are_not_combined),
	 {2},
	 1,
	 "load 2000: open",
	 {},
	 0},
	{"same_register_twice",
	 x64_same_register_twice,
	 sizeof(x64_same_register_twice),
	 {2},
	 1,
	 "load 2000: 0 3",
	 {},
	 0},
	{"array_store_opens",
	 x64_array_store_opens,
	 sizeof(x64_array_store_opens),
	 {2},
	 1,
	 "load 2000: open",
	 {},
	 0},
	{"string_store_opens",
	 x64_string_store_opens,
	 sizeof(x64_string_store_opens),
	 {2},
	 1,
	 "load 2000: open",
	 {},
	 0},
	{"landing_pad",
	 x64_landing_pad,
	 sizeof(x64_landing_pad),
	 {2},
	 1,
	 "load 2000: 31676154",
	 {},
	 0},
	{"thread_block_is_unknown",
	 x64_thread_block_is_unknown,
	 sizeof(x64_thread_block_is_unknown),
	 {2},
	 1,
	 "load 2000: open",
	 {},
	 0},
	{"exchange_and_add",
	 x64_exchange_and_add,
	 sizeof(x64_exchange_and_add),
	 {2, 1},
	 2,
	 "load 2000: open, open",
	 {},
	 0},
	{"mulx_has_two_results",
	 x64_mulx_has_two_results,
	 sizeof(x64_mulx_has_two_results),
	 {2, 1},
	 2,
	 "load 2000: open, open",
	 {},
	 0},
	{"float_store_opens",
	 x64_float_store_opens,
	 sizeof(x64_float_store_opens),
	 {2},
	 1,
	 "load 2000: open",
	 {},
	 0},
	{"wide_store_opens",
	 x64_wide_store_opens,
	 sizeof(x64_wide_store_opens),
	 {2},
	 1,
	 "load 2000: open",
	 {},
	 0},
	{"division_opens",
	 x64_division_opens,
	 sizeof(x64_division_opens),
	 {2, 1},
	 2,
	 "load 2000: open, open",
	 {},
	 0},
	{"time_stamp_opens",
	 x64_time_stamp_opens,
	 sizeof(x64_time_stamp_opens),
	 {2, 1},
	 2,
	 "load 2000: open, open",
	 {},
	 0},
	{"join_with_unread",
	 x64_join_with_unread,
	 sizeof(x64_join_with_unread),
	 {2},
	 1,
	 "load 2000: 31676154 open",
	 {},
	 0},
};

static const struct scene x86_scenes[] = {
	{"pushed",
	 x86_pushed,
	 sizeof(x86_pushed),
	 {2, 1, 0},
	 3,
	 "load 2000: 31676154, 8, 0",
	 {},
	 0},
	{"callee_in_image_pops",
	 x86_callee_in_image_pops,
	 sizeof(x86_callee_in_image_pops),
	 {2, 1},
	 2,
	 "rva 1100: 31676154, 1; load 2000: 31676154, result 1009",
	 {},
	 0},
	{"import_pops",
	 x86_import_pops,
	 sizeof(x86_import_pops),
	 {2, 0},
	 2,
	 "load 2008: open, 1; load 2000: 31676154, 0",
	 {},
	 0},
	{"caller_pops",
	 x86_caller_pops,
	 sizeof(x86_caller_pops),
	 {2},
	 1,
	 "reg0: reg5; load 2000: 31676154",
	 {},
	 0},
	{"caller_pops_by_pop",
	 x86_caller_pops_by_pop,
	 sizeof(x86_caller_pops_by_pop),
	 {2},
	 1,
	 "reg0: reg5; load 2000: 31676154",
	 {},
	 0},
	{"unknown_callee_proven",
	 x86_unknown_callee_proven,
	 sizeof(x86_unknown_callee_proven),
	 {2, 1},
	 2,
	 "reg0: reg6, reg7; load 2000: 31676154, p0",
	 {},
	 0},
	{"unknown_callee_refuted",
	 x86_unknown_callee_refuted,
	 sizeof(x86_unknown_callee_refuted),
	 {2, 1},
	 2,
	 "reg0: reg6, 31676154; load 2000: open, open",
	 {},
	 0},
	{"frame_with_leave",
	 x86_frame_with_leave,
	 sizeof(x86_frame_with_leave),
	 {2, 1},
	 2,
	 "load 2000: 31676154, p0",
	 {},
	 0},
	{"register_parameter",
	 x86_register_parameter,
	 sizeof(x86_register_parameter),
	 {2},
	 1,
	 "load 2000: reg1",
	 {},
	 0},
	{"hoisted_import",
	 x86_hoisted_import,
	 sizeof(x86_hoisted_import),
	 {2},
	 1,
	 "load 2000: 31676154; load 2000: 32676154",
	 {},
	 0},
	{"pushed_register_and_global",
	 x86_pushed_register_and_global,
	 sizeof(x86_pushed_register_and_global),
	 {2, 1},
	 2,
	 "load 2000: 31676154, load 3000",
	 {},
	 0},
	{"address_as_number",
	 x86_address_as_number,
	 sizeof(x86_address_as_number),
	 {2, 0},
	 2,
	 "load 2000: 31676154, rva 3000",
	 {},
	 0},
	{"chkstk",
	 x86_chkstk,
	 sizeof(x86_chkstk),
	 {2},
	 1,
	 "rva 1100: p0; load 2000: 31676154",
	 {},
	 0},
	{"jump_table",
	 x86_jump_table,
	 sizeof(x86_jump_table),
	 {2},
	 1,
	 "load 2000: 31676154 32676154",
	 {},
	 0},
	{"handler_in_the_middle",
	 x86_handler_in_the_middle,
	 sizeof(x86_handler_in_the_middle),
	 {2},
	 1,
	 "load 2000: 31676154",
	 {},
	 0},
	{"tail_jump",
	 x86_tail_jump,
	 sizeof(x86_tail_jump),
	 {2, 0},
	 2,
	 "load 2000 tail: p2, p0",
	 {},
	 0},
	{"aligned_stack",
	 x86_aligned_stack,
	 sizeof(x86_aligned_stack),
	 {2},
	 1,
	 "load 2000: 31676154",
	 {},
	 0},
	{"hot_patch_prefix",
	 x86_hot_patch_prefix,
	 sizeof(x86_hot_patch_prefix),
	 {2},
	 1,
	 "load 2000: 31676154",
	 {},
	 0},
	{"direct_out_of_image",
	 x86_direct_out_of_image,
	 sizeof(x86_direct_out_of_image),
	 {2},
	 1,
	 "const 80801000: 31676154",
	 {},
	 0},
	{"thunk_pops_as_its_import",
	 x86_thunk_pops_as_its_import,
	 sizeof(x86_thunk_pops_as_its_import),
	 {2},
	 1,
	 "rva 1100: open; load 2000: 31676154",
	 {},
	 0},
};

#endif
