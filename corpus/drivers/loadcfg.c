/*
 * The load configuration of an image with control flow guard, as the linker wants it.
 *
 * Does not: check anything: the check function and the dispatch function are stubs.
 */
#include "corpus/drivers/wdk.h"

extern PVOID __guard_fids_table, __guard_fids_count, __guard_flags;

#ifdef __aarch64__
__asm__(".text\n.globl guard_check\nguard_check: ret\n"
	".globl guard_dispatch\nguard_dispatch: br x9\n");
#elif defined(__x86_64__)
__asm__(".text\n.globl guard_check\nguard_check: retq\n"
	".globl guard_dispatch\nguard_dispatch: jmpq *%rax\n");
#endif
void guard_check(void);
void guard_dispatch(void);

__attribute__((section(".00cfg"))) const PVOID __guard_check_icall_fptr = (PVOID)guard_check;
__attribute__((section(".00cfg"))) const PVOID __guard_dispatch_icall_fptr = (PVOID)guard_dispatch;

/* IMAGE_LOAD_CONFIG_DIRECTORY64 up to GuardFlags. */
const struct {
	ULONG size, words[27];
	const PVOID *check, *dispatch;
	PVOID *table, *count;
	PVOID *flags;
} _load_config_used = {.size = 0x94,
		       .check = &__guard_check_icall_fptr,
		       .dispatch = &__guard_dispatch_icall_fptr,
		       .table = &__guard_fids_table,
		       .count = &__guard_fids_count,
		       .flags = &__guard_flags};
