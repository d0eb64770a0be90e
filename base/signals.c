/*
 * SIGBUS during a copy out of a file mapping becomes a return value; SIGINT and SIGTERM become a
 * flag. The only globals of the program live here, since a signal handler has no other way.
 *
 * Does not support copies from several threads at once.
 */
#include "base/signals.h"

#include <setjmp.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <string.h>

static sigjmp_buf copy_escape;
static const char *volatile copy_from; /* NULL: no copy under way */
static volatile size_t copy_length;
static volatile sig_atomic_t interrupted;

static void on_sigbus(int number, siginfo_t *info, void *context)
{
	uintptr_t fault = (uintptr_t)info->si_addr;
	uintptr_t from = (uintptr_t)copy_from;
	/* A failed memory module is reported with the address of its page. */
	uintptr_t first = from - from % 4096;

	(void)context;
	if (from != 0 && fault >= first && fault - first < copy_length + from % 4096)
		siglongjmp(copy_escape, 1);
	/* Not ours: the instruction faults again under the default action. */
	signal(number, SIG_DFL);
}

static void on_interrupt(int number)
{
	interrupted = 1;
	/* A second Ctrl-C ends a program that does not ask. */
	signal(number, SIG_DFL);
}

void signals_init(void)
{
	struct sigaction bus = {.sa_sigaction = on_sigbus};
	struct sigaction stop = {.sa_handler = on_interrupt};

	/* SA_NODEFER: the handler leaves by a jump, and sigsetjmp() below saves no signal mask,
	 * which would be two system calls for every page copied. */
	bus.sa_flags = SA_SIGINFO | SA_NODEFER;
	sigemptyset(&bus.sa_mask);
	sigaction(SIGBUS, &bus, NULL);
	stop.sa_flags = 0;
	sigemptyset(&stop.sa_mask);
	sigaction(SIGINT, &stop, NULL);
	sigaction(SIGTERM, &stop, NULL);
	/* A limit of file sizes (ulimit -f): the write fails and is reported. */
	signal(SIGXFSZ, SIG_IGN);
}

bool signals_copy(void *to, const void *from, size_t length)
{
	if (sigsetjmp(copy_escape, 0) != 0) {
		copy_from = NULL;
		return false;
	}
	copy_length = length;
	copy_from = from;
	/* The compiler must not move the copy out of the guarded stretch. */
	atomic_signal_fence(memory_order_seq_cst);
	memcpy(to, from, length);
	atomic_signal_fence(memory_order_seq_cst);
	copy_from = NULL;
	return true;
}

bool signals_interrupted(void)
{
	return interrupted != 0;
}
