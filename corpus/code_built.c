/*
 * Code of a kernel as a compiler makes it: KdCopyDataBlock, which decodes KDBG, and the insertion
 * of a tag into the tracker table, with the constants by which both can be found.
 *
 * Does not: run. The functions are clang 14's output of
 *
 *     void KdCopyDataBlock(u64 *to)
 *     {
 *         if (!KdpDataBlockEncoded) {
 *             for (unsigned i = 0; i < 0x70; i++) to[i] = KdDebuggerDataBlock[i];
 *             return;
 *         }
 *         for (unsigned i = 0; i < 0x70; i++) {
 *             u64 q = KdDebuggerDataBlock[i] ^ KiWaitNever;
 *             unsigned n = (u8)KiWaitNever & 63;
 *             q = q << n | q >> (-n & 63);
 *             q ^= (u64)&KdpDataBlockEncoded;
 *             to[i] = __builtin_bswap64(q) ^ KiWaitAlways;
 *         }
 *     }
 *
 *     u32 ExpInsertPoolTracker(u32 tag, u32 cpu)
 *     {
 *         u64 h = (u64)tag * 40543;
 *         uptr i = (u32)(h ^ h >> 32) & (u32)PoolTrackTableMask, start = i;
 *         struct e *own = ExPoolTagTables[cpu], *first = PoolTrackTable;
 *         do {
 *             if (own[i].key == tag) { own[i].x++; return (u32)i; }
 *             if (own[i].key == 0) {
 *                 if (first[i].key) { own[i].key = first[i].key; continue; }
 *                 first[i].key = tag;
 *                 continue;
 *             }
 *             i = (i + 1) & (u32)PoolTrackTableMask;
 *         } while (i != start);
 *         i = PoolTrackTableSize - 1;
 *         own[i].key = 0x6C66764F;
 *         return (u32)i;
 *     }
 *
 * with -O1 -ffreestanding -fno-unroll-loops (-fno-vectorize for the first) for
 * x86_64-, i686- and aarch64-pc-windows-msvc; struct e has 0x38 bytes, which are patched to the
 * build's. The assembly stands beside the bytes, the linker's relocations behind them. Kernels that
 * hash tags in another way (hash B) get the same code: only its constants are looked at.
 */
#include "corpus/code_built.h"

#include <string.h>

#include "corpus/globals.h"
#include "corpus/layout.h"

enum fixup_kind {
	FIX_RELATIVE,    /* x64: 32 bits relative to their end */
	FIX_ABSOLUTE,    /* x86: 32 bits */
	FIX_PAGE,        /* ARM64: ADRP */
	FIX_OFFSET_ADD,  /* ARM64: offset in the page, of ADD */
	FIX_OFFSET_LOAD, /* ARM64: the same of LDR, scaled by the access */
	FIX_ENTRY_BYTE,  /* size of a tracker entry as an immediate byte */
	FIX_ENTRY_MOVE,  /* ARM64: the same of MOVZ */
};

struct fixup {
	uint16_t at;
	enum fixup_kind kind;
	const char *global; /* NULL: none */
};

static const uint8_t copy_x64_bytes[] = {
	0x49, 0x89, 0xCA,                         /* 00 movq %rcx, %r10 */
	0x80, 0x3D, 0xFF, 0xFF, 0xFF, 0xFF, 0x00, /* 03 cmpb $0, -1(%rip)  KdpDataBlockEncoded */
	0x74, 0x45,                               /* 0a je 0x51 */
	0x31, 0xD2,                               /* 0c xorl %edx, %edx */
	0x4C, 0x8D, 0x05, 0x00, 0x00, 0x00, 0x00, /* 0e leaq (%rip), %r8  KdDebuggerDataBlock */
	0x4C, 0x8D, 0x0D, 0x00, 0x00, 0x00, 0x00, /* 15 leaq (%rip), %r9  KdpDataBlockEncoded */
	0x0F, 0x1F, 0x40, 0x00,                   /* 1c nopl (%rax) */
	0x48, 0x8B, 0x0D, 0x00, 0x00, 0x00, 0x00, /* 20 movq (%rip), %rcx  KiWaitNever */
	0x48, 0x89, 0xC8,                         /* 27 movq %rcx, %rax */
	0x4A, 0x33, 0x04, 0x02,                   /* 2a xorq (%rdx,%r8), %rax */
	0x48, 0xD3, 0xC0,                         /* 2e rolq %cl, %rax */
	0x4C, 0x31, 0xC8,                         /* 31 xorq %r9, %rax */
	0x48, 0x0F, 0xC8,                         /* 34 bswapq %rax */
	0x48, 0x33, 0x05, 0x00, 0x00, 0x00, 0x00, /* 37 xorq (%rip), %rax  KiWaitAlways */
	0x49, 0x89, 0x04, 0x12,                   /* 3e movq %rax, (%r10,%rdx) */
	0x48, 0x83, 0xC2, 0x08,                   /* 42 addq $8, %rdx */
	0x48, 0x81, 0xFA, 0x80, 0x03, 0x00, 0x00, /* 46 cmpq $896, %rdx */
	0x75, 0xD1,                               /* 4d jne 0x20 */
	0xEB, 0x24,                               /* 4f jmp 0x75 */
	0x31, 0xC9,                               /* 51 xorl %ecx, %ecx */
	0x4C, 0x8D, 0x05, 0x00, 0x00, 0x00, 0x00, /* 53 leaq (%rip), %r8  KdDebuggerDataBlock */
	0x66, 0x0F, 0x1F, 0x44, 0x00, 0x00,       /* 5a nopw (%rax,%rax) */
	0x4A, 0x8B, 0x14, 0x01,                   /* 60 movq (%rcx,%r8), %rdx */
	0x49, 0x89, 0x14, 0x0A,                   /* 64 movq %rdx, (%r10,%rcx) */
	0x48, 0x83, 0xC1, 0x08,                   /* 68 addq $8, %rcx */
	0x48, 0x81, 0xF9, 0x80, 0x03, 0x00, 0x00, /* 6c cmpq $896, %rcx */
	0x75, 0xEB,                               /* 73 jne 0x60 */
	0xC3,                                     /* 75 retq */
};

static const struct fixup copy_x64_fixups[] = {
	{0x05, FIX_RELATIVE, "KdpDataBlockEncoded"}, {0x11, FIX_RELATIVE, "KdDebuggerDataBlock"},
	{0x18, FIX_RELATIVE, "KdpDataBlockEncoded"}, {0x23, FIX_RELATIVE, "KiWaitNever"},
	{0x3A, FIX_RELATIVE, "KiWaitAlways"},        {0x56, FIX_RELATIVE, "KdDebuggerDataBlock"},
};

static const uint8_t copy_arm64_bytes[] = {
	0x08, 0x00, 0x00, 0x90, /* 00 adrp x8, 0x0  KdpDataBlockEncoded */
	0x08, 0x01, 0x40, 0x39, /* 04 ldrb w8, [x8]  KdpDataBlockEncoded */
	0xC8, 0x02, 0x00, 0x34, /* 08 cbz w8, 0x60 */
	0x0B, 0x00, 0x00, 0x90, /* 0c adrp x11, 0x0  KdDebuggerDataBlock */
	0x0C, 0x00, 0x00, 0x90, /* 10 adrp x12, 0x0  KdpDataBlockEncoded */
	0xE8, 0x03, 0x1F, 0xAA, /* 14 mov x8, xzr */
	0x09, 0x00, 0x00, 0x90, /* 18 adrp x9, 0x0  KiWaitNever */
	0x0A, 0x00, 0x00, 0x90, /* 1c adrp x10, 0x0  KiWaitAlways */
	0x6B, 0x01, 0x00, 0x91, /* 20 add x11, x11, #0  KdDebuggerDataBlock */
	0x8C, 0x01, 0x00, 0x91, /* 24 add x12, x12, #0  KdpDataBlockEncoded */
	0x2D, 0x01, 0x40, 0xF9, /* 28 ldr x13, [x9]  KiWaitNever */
	0x6E, 0x69, 0x68, 0xF8, /* 2c ldr x14, [x11, x8] */
	0xEF, 0x03, 0x0D, 0x4B, /* 30 neg w15, w13 */
	0xAD, 0x01, 0x0E, 0xCA, /* 34 eor x13, x13, x14 */
	0x4E, 0x01, 0x40, 0xF9, /* 38 ldr x14, [x10]  KiWaitAlways */
	0xAD, 0x2D, 0xCF, 0x9A, /* 3c ror x13, x13, x15 */
	0xAD, 0x01, 0x0C, 0xCA, /* 40 eor x13, x13, x12 */
	0xAD, 0x0D, 0xC0, 0xDA, /* 44 rev x13, x13 */
	0xAD, 0x01, 0x0E, 0xCA, /* 48 eor x13, x13, x14 */
	0x0D, 0x68, 0x28, 0xF8, /* 4c str x13, [x0, x8] */
	0x08, 0x21, 0x00, 0x91, /* 50 add x8, x8, #8 */
	0x1F, 0x01, 0x0E, 0xF1, /* 54 cmp x8, #896 */
	0x81, 0xFE, 0xFF, 0x54, /* 58 b.ne 0x28 */
	0x09, 0x00, 0x00, 0x14, /* 5c b 0x80 */
	0x09, 0x00, 0x00, 0x90, /* 60 adrp x9, 0x0  KdDebuggerDataBlock */
	0xE8, 0x03, 0x1F, 0xAA, /* 64 mov x8, xzr */
	0x29, 0x01, 0x00, 0x91, /* 68 add x9, x9, #0  KdDebuggerDataBlock */
	0x2A, 0x69, 0x68, 0xF8, /* 6c ldr x10, [x9, x8] */
	0x0A, 0x68, 0x28, 0xF8, /* 70 str x10, [x0, x8] */
	0x08, 0x21, 0x00, 0x91, /* 74 add x8, x8, #8 */
	0x1F, 0x01, 0x0E, 0xF1, /* 78 cmp x8, #896 */
	0x81, 0xFF, 0xFF, 0x54, /* 7c b.ne 0x6c */
	0xC0, 0x03, 0x5F, 0xD6, /* 80 ret */
};

static const struct fixup copy_arm64_fixups[] = {
	{0x00, FIX_PAGE, "KdpDataBlockEncoded"},
	{0x04, FIX_OFFSET_LOAD, "KdpDataBlockEncoded"},
	{0x0C, FIX_PAGE, "KdDebuggerDataBlock"},
	{0x10, FIX_PAGE, "KdpDataBlockEncoded"},
	{0x18, FIX_PAGE, "KiWaitNever"},
	{0x1C, FIX_PAGE, "KiWaitAlways"},
	{0x20, FIX_OFFSET_ADD, "KdDebuggerDataBlock"},
	{0x24, FIX_OFFSET_ADD, "KdpDataBlockEncoded"},
	{0x28, FIX_OFFSET_LOAD, "KiWaitNever"},
	{0x38, FIX_OFFSET_LOAD, "KiWaitAlways"},
	{0x60, FIX_PAGE, "KdDebuggerDataBlock"},
	{0x68, FIX_OFFSET_ADD, "KdDebuggerDataBlock"},
};

static const uint8_t insert_x64_bytes[] = {
	0x56,                                     /* 00 pushq %rsi */
	0x89, 0xC8,                               /* 01 movl %ecx, %eax */
	0x48, 0x69, 0xC0, 0x5F, 0x9E, 0x00, 0x00, /* 03 imulq $40543, %rax, %rax */
	0x49, 0x89, 0xC0,                         /* 0a movq %rax, %r8 */
	0x49, 0xC1, 0xE8, 0x20,                   /* 0d shrq $32, %r8 */
	0x41, 0x31, 0xC0,                         /* 11 xorl %eax, %r8d */
	0x48, 0x8B, 0x05, 0x00, 0x00, 0x00, 0x00, /* 14 movq (%rip), %rax  PoolTrackTableMask */
	0x41, 0x89, 0xC1,                         /* 1b movl %eax, %r9d */
	0x41, 0x21, 0xC0,                         /* 1e andl %eax, %r8d */
	0x89, 0xD0,                               /* 21 movl %edx, %eax */
	0x48, 0x8D, 0x15, 0x00, 0x00, 0x00, 0x00, /* 23 leaq (%rip), %rdx  ExPoolTagTables */
	0x4C, 0x8B, 0x1C, 0xC2,                   /* 2a movq (%rdx,%rax,8), %r11 */
	0x4C, 0x8B, 0x15, 0x00, 0x00, 0x00, 0x00, /* 2e movq (%rip), %r10  PoolTrackTable */
	0x4C, 0x89, 0xC0,                         /* 35 movq %r8, %rax */
	0xEB, 0x11,                               /* 38 jmp 0x4b */
	0x66, 0x0F, 0x1F, 0x44, 0x00, 0x00,       /* 3a nopw (%rax,%rax) */
	0x83, 0xC0, 0x01,                         /* 40 addl $1, %eax */
	0x44, 0x21, 0xC8,                         /* 43 andl %r9d, %eax */
	0x4C, 0x39, 0xC0,                         /* 46 cmpq %r8, %rax */
	0x74, 0x26,                               /* 49 je 0x71 */
	0x48, 0x6B, 0xD0, 0x38,                   /* 4b imulq $56, %rax, %rdx */
	0x41, 0x8B, 0x34, 0x13,                   /* 4f movl (%r11,%rdx), %esi */
	0x39, 0xCE,                               /* 53 cmpl %ecx, %esi */
	0x74, 0x33,                               /* 55 je 0x8a */
	0x85, 0xF6,                               /* 57 testl %esi, %esi */
	0x75, 0xE5,                               /* 59 jne 0x40 */
	0x41, 0x8B, 0x34, 0x12,                   /* 5b movl (%r10,%rdx), %esi */
	0x85, 0xF6,                               /* 5f testl %esi, %esi */
	0x74, 0x07,                               /* 61 je 0x6a */
	0x4C, 0x01, 0xDA,                         /* 63 addq %r11, %rdx */
	0x89, 0x32,                               /* 66 movl %esi, (%rdx) */
	0xEB, 0xDC,                               /* 68 jmp 0x46 */
	0x4C, 0x01, 0xD2,                         /* 6a addq %r10, %rdx */
	0x89, 0x0A,                               /* 6d movl %ecx, (%rdx) */
	0xEB, 0xD5,                               /* 6f jmp 0x46 */
	0x48, 0x8B, 0x05, 0x00, 0x00, 0x00, 0x00, /* 71 movq (%rip), %rax  PoolTrackTableSize */
	0x48, 0x83, 0xC0, 0xFF,                   /* 78 addq $-1, %rax */
	0x48, 0x6B, 0xC8, 0x38,                   /* 7c imulq $56, %rax, %rcx */
	0x41, 0xC7, 0x04, 0x0B, 0x4F, 0x76, 0x66, 0x6C, /* 80 movl $1818654287, (%r11,%rcx) */
	0x5E,                                           /* 88 popq %rsi */
	0xC3,                                           /* 89 retq */
	0x41, 0x83, 0x44, 0x13, 0x04, 0x01,             /* 8a addl $1, 4(%r11,%rdx) */
	0x5E,                                           /* 90 popq %rsi */
	0xC3,                                           /* 91 retq */
};

static const struct fixup insert_x64_fixups[] = {
	{0x17, FIX_RELATIVE, "PoolTrackTableMask"}, {0x26, FIX_RELATIVE, "ExPoolTagTables"},
	{0x31, FIX_RELATIVE, "PoolTrackTable"},     {0x4E, FIX_ENTRY_BYTE, NULL},
	{0x74, FIX_RELATIVE, "PoolTrackTableSize"}, {0x7F, FIX_ENTRY_BYTE, NULL},
};

static const uint8_t insert_x86_bytes[] = {
	0x55,                                     /* 00 pushl %ebp */
	0x53,                                     /* 01 pushl %ebx */
	0x57,                                     /* 02 pushl %edi */
	0x56,                                     /* 03 pushl %esi */
	0x8B, 0x4C, 0x24, 0x14,                   /* 04 movl 20(%esp), %ecx */
	0x8B, 0x74, 0x24, 0x18,                   /* 08 movl 24(%esp), %esi */
	0xBA, 0x5F, 0x9E, 0x00, 0x00,             /* 0c movl $40543, %edx */
	0x89, 0xC8,                               /* 11 movl %ecx, %eax */
	0xF7, 0xE2,                               /* 13 mull %edx */
	0x31, 0xC2,                               /* 15 xorl %eax, %edx */
	0x23, 0x15, 0x00, 0x00, 0x00, 0x00,       /* 17 andl 0, %edx  PoolTrackTableMask */
	0x8B, 0x34, 0xB5, 0x00, 0x00, 0x00, 0x00, /* 1d movl (,%esi,4), %esi  ExPoolTagTables */
	0x8B, 0x3D, 0x00, 0x00, 0x00, 0x00,       /* 24 movl 0, %edi  PoolTrackTable */
	0x89, 0xD0,                               /* 2a movl %edx, %eax */
	0xEB, 0x0F,                               /* 2c jmp 0x3d */
	0x90,                                     /* 2e nop */
	0x90,                                     /* 2f nop */
	0x83, 0xC0, 0x01,                         /* 30 addl $1, %eax */
	0x23, 0x05, 0x00, 0x00, 0x00, 0x00,       /* 33 andl 0, %eax  PoolTrackTableMask */
	0x39, 0xD0,                               /* 39 cmpl %edx, %eax */
	0x74, 0x21,                               /* 3b je 0x5e */
	0x6B, 0xD8, 0x38,                         /* 3d imull $56, %eax, %ebx */
	0x8B, 0x2C, 0x1E,                         /* 40 movl (%esi,%ebx), %ebp */
	0x39, 0xCD,                               /* 43 cmpl %ecx, %ebp */
	0x74, 0x2B,                               /* 45 je 0x72 */
	0x85, 0xED,                               /* 47 testl %ebp, %ebp */
	0x75, 0xE5,                               /* 49 jne 0x30 */
	0x8B, 0x2C, 0x1F,                         /* 4b movl (%edi,%ebx), %ebp */
	0x85, 0xED,                               /* 4e testl %ebp, %ebp */
	0x74, 0x06,                               /* 50 je 0x58 */
	0x01, 0xF3,                               /* 52 addl %esi, %ebx */
	0x89, 0x2B,                               /* 54 movl %ebp, (%ebx) */
	0xEB, 0xE1,                               /* 56 jmp 0x39 */
	0x01, 0xFB,                               /* 58 addl %edi, %ebx */
	0x89, 0x0B,                               /* 5a movl %ecx, (%ebx) */
	0xEB, 0xDB,                               /* 5c jmp 0x39 */
	0xA1, 0x00, 0x00, 0x00, 0x00,             /* 5e movl 0, %eax  PoolTrackTableSize */
	0x83, 0xC0, 0xFF,                         /* 63 addl $-1, %eax */
	0x6B, 0xC8, 0x38,                         /* 66 imull $56, %eax, %ecx */
	0xC7, 0x04, 0x0E, 0x4F, 0x76, 0x66, 0x6C, /* 69 movl $1818654287, (%esi,%ecx) */
	0xEB, 0x05,                               /* 70 jmp 0x77 */
	0x83, 0x44, 0x1E, 0x04, 0x01,             /* 72 addl $1, 4(%esi,%ebx) */
	0x5E,                                     /* 77 popl %esi */
	0x5F,                                     /* 78 popl %edi */
	0x5B,                                     /* 79 popl %ebx */
	0x5D,                                     /* 7a popl %ebp */
	0xC3,                                     /* 7b retl */
};

static const struct fixup insert_x86_fixups[] = {
	{0x19, FIX_ABSOLUTE, "PoolTrackTableMask"},
	{0x20, FIX_ABSOLUTE, "ExPoolTagTables"},
	{0x26, FIX_ABSOLUTE, "PoolTrackTable"},
	{0x35, FIX_ABSOLUTE, "PoolTrackTableMask"},
	{0x3F, FIX_ENTRY_BYTE, NULL},
	{0x5F, FIX_ABSOLUTE, "PoolTrackTableSize"},
	{0x68, FIX_ENTRY_BYTE, NULL},
};

static const uint8_t insert_arm64_bytes[] = {
	0xE9, 0xCB, 0x93, 0x52, /* 00 mov w9, #40543 */
	0x0A, 0x00, 0x00, 0x90, /* 04 adrp x10, 0x0  PoolTrackTableMask */
	0x0C, 0x00, 0x00, 0x90, /* 08 adrp x12, 0x0  PoolTrackTable */
	0xE8, 0x03, 0x00, 0x2A, /* 0c mov w8, w0 */
	0x09, 0x7C, 0xA9, 0x9B, /* 10 umull x9, w0, w9 */
	0x0D, 0x07, 0x80, 0x52, /* 14 mov w13, #56 */
	0x4A, 0x01, 0x40, 0xB9, /* 18 ldr w10, [x10]  PoolTrackTableMask */
	0x8C, 0x01, 0x40, 0xF9, /* 1c ldr x12, [x12]  PoolTrackTable */
	0x29, 0x81, 0x49, 0xCA, /* 20 eor x9, x9, x9, lsr #32 */
	0x4B, 0x01, 0x09, 0x8A, /* 24 and x11, x10, x9 */
	0x09, 0x00, 0x00, 0x90, /* 28 adrp x9, 0x0  ExPoolTagTables */
	0x29, 0x01, 0x00, 0x91, /* 2c add x9, x9, #0  ExPoolTagTables */
	0xE0, 0x03, 0x0B, 0xAA, /* 30 mov x0, x11 */
	0x29, 0x59, 0x61, 0xF8, /* 34 ldr x9, [x9, w1, uxtw #3] */
	0x05, 0x00, 0x00, 0x14, /* 38 b 0x4c */
	0x0E, 0x04, 0x00, 0x91, /* 3c add x14, x0, #1 */
	0x40, 0x01, 0x0E, 0x8A, /* 40 and x0, x10, x14 */
	0x1F, 0x00, 0x0B, 0xEB, /* 44 cmp x0, x11 */
	0xA0, 0x01, 0x00, 0x54, /* 48 b.eq 0x7c */
	0x0E, 0x24, 0x0D, 0x9B, /* 4c madd x14, x0, x13, x9 */
	0xCF, 0x01, 0x40, 0xB9, /* 50 ldr w15, [x14] */
	0xFF, 0x01, 0x08, 0x6B, /* 54 cmp w15, w8 */
	0x40, 0x02, 0x00, 0x54, /* 58 b.eq 0xa0 */
	0x0F, 0xFF, 0xFF, 0x35, /* 5c cbnz w15, 0x3c */
	0x10, 0x30, 0x0D, 0x9B, /* 60 madd x16, x0, x13, x12 */
	0x0F, 0x02, 0x40, 0xB9, /* 64 ldr w15, [x16] */
	0x6F, 0x00, 0x00, 0x34, /* 68 cbz w15, 0x74 */
	0xCF, 0x01, 0x00, 0xB9, /* 6c str w15, [x14] */
	0xF5, 0xFF, 0xFF, 0x17, /* 70 b 0x44 */
	0x08, 0x02, 0x00, 0xB9, /* 74 str w8, [x16] */
	0xF3, 0xFF, 0xFF, 0x17, /* 78 b 0x44 */
	0x08, 0x00, 0x00, 0x90, /* 7c adrp x8, 0x0  PoolTrackTableSize */
	0xEA, 0xC9, 0x8E, 0x52, /* 80 mov w10, #30287 */
	0xCA, 0x8C, 0xAD, 0x72, /* 84 movk w10, #27750, lsl #16 */
	0x08, 0x01, 0x40, 0xF9, /* 88 ldr x8, [x8]  PoolTrackTableSize */
	0x00, 0x05, 0x00, 0xD1, /* 8c sub x0, x8, #1 */
	0x08, 0x07, 0x80, 0x52, /* 90 mov w8, #56 */
	0x08, 0x7C, 0x08, 0x9B, /* 94 mul x8, x0, x8 */
	0x2A, 0x69, 0x28, 0xB8, /* 98 str w10, [x9, x8] */
	0xC0, 0x03, 0x5F, 0xD6, /* 9c ret */
	0x08, 0x07, 0x80, 0x52, /* a0 mov w8, #56 */
	0x08, 0x24, 0x08, 0x9B, /* a4 madd x8, x0, x8, x9 */
	0x09, 0x05, 0x40, 0xB9, /* a8 ldr w9, [x8, #4] */
	0x29, 0x05, 0x00, 0x11, /* ac add w9, w9, #1 */
	0x09, 0x05, 0x00, 0xB9, /* b0 str w9, [x8, #4] */
	0xC0, 0x03, 0x5F, 0xD6, /* b4 ret */
};

static const struct fixup insert_arm64_fixups[] = {
	{0x04, FIX_PAGE, "PoolTrackTableMask"},
	{0x08, FIX_PAGE, "PoolTrackTable"},
	{0x14, FIX_ENTRY_MOVE, NULL},
	{0x18, FIX_OFFSET_LOAD, "PoolTrackTableMask"},
	{0x1C, FIX_OFFSET_LOAD, "PoolTrackTable"},
	{0x28, FIX_PAGE, "ExPoolTagTables"},
	{0x2C, FIX_OFFSET_ADD, "ExPoolTagTables"},
	{0x7C, FIX_PAGE, "PoolTrackTableSize"},
	{0x88, FIX_OFFSET_LOAD, "PoolTrackTableSize"},
	{0x90, FIX_ENTRY_MOVE, NULL},
	{0xA0, FIX_ENTRY_MOVE, NULL},
};

struct function {
	const uint8_t *bytes;
	size_t size;
	const struct fixup *fixups;
	size_t fixup_count;
};

#define FUNCTION(name)                                                                             \
	{                                                                                          \
		name##_bytes, sizeof(name##_bytes), name##_fixups,                                 \
			sizeof(name##_fixups) / sizeof(*name##_fixups)                             \
	}

static const struct function copy_x64 = FUNCTION(copy_x64), copy_arm64 = FUNCTION(copy_arm64),
			     insert_x64 = FUNCTION(insert_x64), insert_x86 = FUNCTION(insert_x86),
			     insert_arm64 = FUNCTION(insert_arm64);

static void fix_arm64(uint8_t *at, const struct fixup *fixup, uint64_t va, uint64_t target)
{
	uint32_t word = (uint32_t)get32(at), pages = (uint32_t)((target >> 12) - (va >> 12));
	uint32_t offset = (uint32_t)target & 0xFFF;
	if (fixup->kind == FIX_PAGE)
		word |= (pages & 3) << 29 | (pages >> 2 & 0x7FFFF) << 5;
	else if (fixup->kind == FIX_OFFSET_LOAD)
		word |= offset >> (word >> 30) << 10;
	else
		word |= offset << 10;
	put32(at, word);
}

static void fix(const struct world *w, uint8_t *bytes, uint64_t va, const struct fixup *fixup)
{
	uint8_t *at = bytes + fixup->at;
	uint64_t target = fixup->global ? global_address(w, fixup->global) : 0;
	uint32_t entry = (uint32_t)layout_tracker(w->config)->size;
	switch (fixup->kind) {
	case FIX_RELATIVE: put32(at, target + get32(at) - (va + fixup->at + 4)); break;
	case FIX_ABSOLUTE: put32(at, target); break;
	case FIX_ENTRY_BYTE: *at = (uint8_t)entry; break;
	case FIX_ENTRY_MOVE: put32(at, (get32(at) & ~UINT64_C(0x1FFFE0)) | entry << 5); break;
	default: fix_arm64(at, fixup, va + fixup->at, target); break;
	}
}

static void write_function(struct world *w, const struct function *function, uint64_t va)
{
	uint8_t bytes[PAGE_SIZE];
	memset(bytes, 0xCC, sizeof(bytes));
	memcpy(bytes + BUILT_CODE_AT, function->bytes, function->size);
	for (size_t i = 0; i < function->fixup_count; i++)
		fix(w, bytes + BUILT_CODE_AT, va + BUILT_CODE_AT, &function->fixups[i]);
	memory_write(&w->memory, va, bytes, sizeof(bytes));
}

void code_built_copy_data_block(struct world *w, uint64_t va)
{
	if (!global_address(w, "KdpDataBlockEncoded") || !config_is_64(w->config))
		return;
	write_function(w, w->config->arch == ARCH_ARM64 ? &copy_arm64 : &copy_x64, va);
	world_add_region(w, "kdbg-code", -1, NULL, va, PAGE_SIZE);
}

void code_built_tracker_insert(struct world *w, uint64_t va)
{
	const struct function *function = w->config->arch == ARCH_ARM64 ? &insert_arm64
					  : config_is_64(w->config)     ? &insert_x64
									: &insert_x86;
	write_function(w, function, va);
	world_add_region(w, "tag-code", -1, NULL, va, PAGE_SIZE);
}
