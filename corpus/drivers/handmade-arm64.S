/*
 * Sites in assembly, ARM64. Numbers show a tag's characters from behind: 0x306d5748 is "HWm0".
 */
.macro function name
	.balign 16
	.globl \name
\name:
	.seh_proc \name
	stp x29, x30, [sp, #-16]!
	.seh_save_fplr_x 16
	mov x29, sp
	.seh_set_fp
	.seh_endprologue
.endm

.macro end
	.seh_startepilogue
	ldp x29, x30, [sp], #16
	.seh_save_fplr_x 16
	.seh_endepilogue
	ret
	.seh_endfunclet
	.seh_endproc
.endm

.macro load_import register, name
	adrp \register, __imp_\name
	ldr \register, [\register, :lo12:__imp_\name]
.endm

	.text
/* From the literal pool behind the function. */
/* TRUTH HWm0 call-site ExAllocatePoolWithTag literal */
	function literal
	ldr w2, 1f
	mov x1, #64
	mov w0, #1
	load_import x8, ExAllocatePoolWithTag
	blr x8
	end
1:	.word 0x306d5748

/* movz and movk apart. */
/* TRUTH HWm1 call-site ExAllocatePoolWithTag apart */
	function apart
	movz w2, #0x5748
	mov x1, #64
	load_import x8, ExAllocatePoolWithTag
	mov w0, #1
	movk w2, #0x316d, lsl #16
	blr x8
	end

/* Kept in a register that calls preserve. */
/* TRUTH HWm2 call-site ExAllocatePoolWithTag preserved */
	.balign 16
	.globl preserved
preserved:
	.seh_proc preserved
	stp x29, x30, [sp, #-32]!
	.seh_save_fplr_x 32
	str x19, [sp, #16]
	.seh_save_reg x19, 16
	mov x29, sp
	.seh_set_fp
	.seh_endprologue
	movz w19, #0x5748
	movk w19, #0x326d, lsl #16
	load_import x8, RtlRandomEx
	blr x8
	mov w1, w0
	mov w2, w19
	mov w0, #1
	load_import x8, ExAllocatePoolWithTag
	blr x8
	.seh_startepilogue
	ldr x19, [sp, #16]
	.seh_save_reg x19, 16
	ldp x29, x30, [sp], #32
	.seh_save_fplr_x 32
	.seh_endepilogue
	ret
	.seh_endfunclet
	.seh_endproc

/* Through a thunk of the image: bl, then br x16. */
/* TRUTH HWm3 call-site ExAllocatePoolWithTag by_thunk */
	.balign 16
allocate_thunk:
	load_import x16, ExAllocatePoolWithTag
	br x16
	function by_thunk
	movz w2, #0x5748
	movk w2, #0x336d, lsl #16
	mov x1, #32
	mov w0, #0
	bl allocate_thunk
	end

/* Two registers loaded at once: the tag and a size that stand in .rdata. */
/* TRUTH HWm4 call-site/bytes ExAllocatePoolWithTag pair */
	function pair
	adrp x9, pair_of_words
	add x9, x9, :lo12:pair_of_words
	ldp w2, w1, [x9]
	mov w0, #1
	load_import x8, ExAllocatePoolWithTag
	blr x8
	end

	function from_global
	adrp x9, tag_variable
	ldr w2, [x9, :lo12:tag_variable]
	mov x1, #32
	mov w0, #1
	load_import x8, ExAllocatePoolWithTag
	blr x8
	end

/* The constant of the size looks like a tag as well. */
/* DECOY HWd0 the size */
/* TRUTH HWd1 call-site ExAllocatePoolWithTag crossed */
	function crossed
	movz w1, #0x5748
	movk w1, #0x3064, lsl #16
	movz w9, #0x5748
	movk w9, #0x3164, lsl #16
	mov w2, w9
	mov w0, #1
	load_import x8, ExAllocatePoolWithTag
	blr x8
	end

	.section .rdata,"dr"
	.balign 8
pair_of_words:
	.word 0x346d5748, 0x40
	.globl handmade
handmade:
	.quad literal, apart, preserved, by_thunk, pair, from_global, crossed, crossed
