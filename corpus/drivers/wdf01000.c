/*
 * Stand-in for the framework: a table of as many functions as version 1.15 has. They all are one
 * function that only returns, at different addresses.
 *
 * Does not: work.
 */
#include "corpus/drivers/wdk.h"

__asm__(".text\n.balign 16\n.globl " SYMBOL(framework_functions) "\n" SYMBOL(
	framework_functions) ":\n"
			     ".rept 440\n.balign 16\n"
#ifdef __aarch64__
			     "mov w0, #0\nret\n"
#else
			     "xorl %eax, %eax\nret\n"
#endif
			     ".balign 16\n.endr\n"
			     ".section .rdata,\"dr\"\n.balign 8\n.globl " SYMBOL(WdfFunctionTable) "\n" SYMBOL(
				     WdfFunctionTable) ":\n"
						       "framework_i = 0\n.rept 440\n"
#ifdef __i386__
						       ".long " SYMBOL(
							       framework_functions) " + framework_i * 16\n"
#else
						       ".quad framework_functions + framework_i * 16\n"
#endif
										    "framework_i = framework_i + 1\n.endr\n.text\n");

NTSTATUS NTAPI DriverEntry(struct driver_object *driver, PVOID path)
{
	return driver && path ? 0 : -1;
}
