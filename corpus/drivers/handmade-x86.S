/*
 * Sites in assembly, x86. Numbers show a tag's characters from behind: 0x30785748 is "HWx0".
 */
.macro function name
	.balign 16, 0xcc
	.globl _\name
_\name:
.endm

	.text
/* Kept in a register over two calls. */
/* TRUTH HWx0 call-site ExAllocatePoolWithTag in_register */
/* TRUTH HWx1 call-site ExAllocatePoolWithTag in_register */
	function in_register
	movl %edi, %edi
	pushl %ebp
	movl %esp, %ebp
	pushl %edi
	movl "__imp__ExAllocatePoolWithTag@12", %edi
	pushl $0x30785748
	pushl $64
	pushl $1
	calll *%edi
	pushl $0x31785748
	pushl $32
	pushl $0
	calll *%edi
	popl %edi
	popl %ebp
	retl

/* Arguments moved to the stack, not pushed. */
/* TRUTH HWx2 call-site ExAllocatePoolWithTag moved */
	function moved
	subl $12, %esp
	movl $0x32785748, 8(%esp)
	movl $64, 4(%esp)
	movl $1, (%esp)
	calll *"__imp__ExAllocatePoolWithTag@12"
	retl

/* Through a thunk of the image: call, then FF 25. */
/* TRUTH HWx3 call-site ExAllocatePoolWithTag by_thunk */
	.balign 16, 0xcc
allocate_thunk:
	jmpl *"__imp__ExAllocatePoolWithTag@12"
	function by_thunk
	movl %edi, %edi
	pushl %ebp
	movl %esp, %ebp
	pushl $0x33785748
	pushl $64
	pushl $1
	calll allocate_thunk
	popl %ebp
	retl

/* In a register that survives the call, for the free as well. */
/* TRUTH HWx4 call-site ExAllocatePoolWithTag pushed_register */
	function pushed_register
	pushl %esi
	movl $0x34785748, %esi
	pushl %esi
	pushl $64
	pushl $1
	calll *"__imp__ExAllocatePoolWithTag@12"
	pushl %esi
	pushl %eax
	calll *"__imp__ExFreePoolWithTag@8"
	popl %esi
	retl

/* A wrapper that takes the tag in ecx. */
/* TRUTH HWx5 call-site ExAllocatePoolWithTag uses_fastcall via=fastcall */
/* TRUTH HWx6 call-site ExAllocatePoolWithTag uses_fastcall via=fastcall */
	function fastcall
	movl %edi, %edi
	pushl %ebp
	movl %esp, %ebp
	pushl %ecx
	pushl %edx
	pushl $1
	calll *"__imp__ExAllocatePoolWithTag@12"
	popl %ebp
	retl
	function uses_fastcall
	movl $64, %edx
	movl $0x35785748, %ecx
	calll _fastcall
	movl $32, %edx
	movl $0x36785748, %ecx
	calll _fastcall
	retl

/* Pushed from memory. */
	function from_global
	pushl _tag_variable
	pushl $64
	pushl $1
	calll *"__imp__ExAllocatePoolWithTag@12"
	retl

/* Pushed for another call in between, of which only its own image says how much it takes away. */
/* DECOY HWd0 pushed for a call in between */
/* TRUTH HWd1 call-site/bytes/optional ExAllocatePoolWithTag crossed */
	function crossed
	pushl $0x31645748
	pushl $64
	pushl $0x30645748
	calll *"__imp__RtlRandomEx@4"
	pushl $1
	calll *"__imp__ExAllocatePoolWithTag@12"
	retl

	.section .rdata,"dr"
	.balign 8
	.globl _handmade
_handmade:
	.long _in_register, _moved, _by_thunk, _pushed_register, _uses_fastcall, _from_global
	.long _crossed, _fastcall
