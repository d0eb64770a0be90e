/*
 * Sites in assembly, x64. Numbers show a tag's characters from behind: 0x30615748 is "HWa0".
 */
.macro function name, frame=40
	.balign 16, 0xcc
	.globl \name
\name:
	.seh_proc \name
	subq $\frame, %rsp
	.seh_stackalloc \frame
	.seh_endprologue
.endm

.macro end frame=40
	addq $\frame, %rsp
	retq
	.seh_endproc
.endm

/* 48 FF 15 ... 0F 1F 44 00 00 */
.macro call_import name
	.byte 0x48
	callq *__imp_\name(%rip)
	.byte 0x0f, 0x1f, 0x44, 0, 0
.endm

	.text
/* As in-box drivers have it. */
/* TRUTH HWa0 call-site ExAllocatePoolWithTag optimised_import */
	function optimised_import
	movl $0x30615748, %r8d
	movl $64, %edx
	xorl %ecx, %ecx
	call_import ExAllocatePoolWithTag
	end

/* 48 FF 15 without the nop. */
/* TRUTH HWa1 call-site ExAllocatePoolWithTag rex_call */
	function rex_call
	movl $0x31615748, %r8d
	movl $64, %edx
	movl $1, %ecx
	.byte 0x48
	callq *__imp_ExAllocatePoolWithTag(%rip)
	end

/* Through a thunk of the image: call, then 48 FF 25. */
/* TRUTH HWa2 call-site ExAllocatePoolWithTag by_thunk */
	.balign 16, 0xcc
allocate_thunk:
	.byte 0x48
	jmpq *__imp_ExAllocatePoolWithTag(%rip)
	function by_thunk
	movl $0x32615748, %r8d
	movl $1, %ecx
	movl $96, %edx
	callq allocate_thunk
	end

/* A leaf without a record behind padding of long no-operations; only a call shows where it begins. */
/* TRUTH HWa+ call-site ExAllocatePoolWithTag by_leaf via=padded_leaf */
	function before_leaf
	nop
	end
	.byte 0x66, 0x0f, 0x1f, 0x84, 0, 0, 0, 0, 0
	.byte 0x0f, 0x1f, 0x40, 0
padded_leaf:
	movl %ecx, %r8d
	movl tag_variable(%rip), %edx
	movl $1, %ecx
	jmpq *__imp_ExAllocatePoolWithTag(%rip)
	function by_leaf
	movl $0x2b615748, %ecx
	callq padded_leaf
	end

/* Two leaves side by side, one jumping to the other. */
/* TRUTH HWa- call-site ExAllocatePoolWithTag by_leaves via=second_leaf,first_leaf */
	.balign 16, 0xcc
second_leaf:
	movl %edx, %ecx
	.byte 0xe9 /* as a jump to another object file's function */
	.long first_leaf - . - 4
	.balign 16, 0xcc
first_leaf:
	movl %ecx, %r8d
	movl $0x60, %edx
	movl $1, %ecx
	jmpq *__imp_ExAllocatePoolWithTag(%rip)
	function by_leaves
	movl $0x2d615748, %edx
	callq second_leaf
	end

/* Pushed and popped, as compilers do for size. */
/* TRUTH HWa3 call-site ExAllocatePoolWithTag pushed */
	function pushed
	pushq $0x33615748
	popq %r8
	movl $96, %edx
	xorl %ecx, %ecx
	call_import ExAllocatePoolWithTag
	end

/* Made from another constant. */
/* TRUTH HWa4 call-site ExAllocatePoolWithTag by_lea */
	function by_lea
	movl $0x34615700, %eax
	leal 0x48(%rax), %r8d
	movl $96, %edx
	xorl %ecx, %ecx
	call_import ExAllocatePoolWithTag
	end

/* Two arms set the register and share one call. */
/* TRUTH HWa5 call-site ExAllocatePoolWithTag shared_call */
/* TRUTH HWa6 call-site ExAllocatePoolWithTag shared_call */
	function shared_call
	testl %ecx, %ecx
	je 1f
	movl $0x35615748, %r8d
	jmp 2f
1:	movl $0x36615748, %r8d
2:	movl $96, %edx
	movl $1, %ecx
	call_import ExAllocatePoolWithTag
	end

/* The import's pointer loaded, and called through the register. */
/* TRUTH HWa7 call-site ExAllocatePoolWithTag by_register */
	function by_register
	movq __imp_ExAllocatePoolWithTag(%rip), %rax
	movl $0x37615748, %r8d
	movl $96, %edx
	xorl %ecx, %ecx
	callq *%rax
	end

/* 49 C7 C0 imm32, and a tail jump behind the end of the frame. */
/* TRUTH HWa8 call-site ExAllocatePoolWithTag wide_move */
	.balign 16, 0xcc
	.globl wide_move
wide_move:
	movq $0x38615748, %r8
	movl $96, %edx
	xorl %ecx, %ecx
	.byte 0x48
	jmpq *__imp_ExAllocatePoolWithTag(%rip)

/* The sixth argument, on the stack: C7 44 24 28. */
/* TRUTH HWl0 call-site ExInitializeNPagedLookasideList stack_argument */
	function stack_argument, 72
	leaq tag_variable(%rip), %rcx
	xorl %edx, %edx
	xorl %r8d, %r8d
	xorl %r9d, %r9d
	movq $128, 32(%rsp)
	movl $0x306c5748, 40(%rsp)
	movw $0, 48(%rsp)
	call_import ExInitializeNPagedLookasideList
	end 72

/* Dispatch by control flow guard's pattern, the target in rax; but no load configuration says so. */
/* TRUTH HWa9 call-site/bytes/optional ExAllocatePoolWithTag guarded */
	function guarded
	movq __imp_ExAllocatePoolWithTag(%rip), %rax
	movl $0x39615748, %r8d
	movl $96, %edx
	xorl %ecx, %ecx
	callq *dispatch_pointer(%rip)
	end

	function from_global
	movl tag_variable(%rip), %r8d
	movl $96, %edx
	xorl %ecx, %ecx
	call_import ExAllocatePoolWithTag
	end

/* The nearest constant before the call is the size. */
/* DECOY HWd0 the size */
/* TRUTH HWd1 call-site ExAllocatePoolWithTag crossed */
	function crossed
	movl $0x30645748, %eax
	movl $0x31645748, %r9d
	movl %r9d, %r8d
	movl %eax, %edx
	xorl %ecx, %ecx
	movl %edx, %r9d
	call_import ExAllocatePoolWithTag
	end

	.balign 16, 0xcc
dispatch:
	jmpq *%rax

	.section .rdata,"dr"
	.balign 8
dispatch_pointer:
	.quad dispatch
	.globl handmade
handmade:
	.quad optimised_import, rex_call, by_thunk, pushed, by_lea, shared_call, by_register
	.quad wide_move, by_leaf, before_leaf, by_leaves
	.quad stack_argument, guarded, from_global, crossed
