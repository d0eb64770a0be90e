/*
 * See processors.h. Linux only. A share of processor time (cgroup) is not known here.
 */
#include "base/processors.h"

#include <sched.h>
#include <unistd.h>

unsigned processors_allowed(void)
{
	cpu_set_t allowed;
	long count;

	if (sched_getaffinity(0, sizeof(allowed), &allowed) == 0)
		return (unsigned)CPU_COUNT(&allowed);
	count = sysconf(_SC_NPROCESSORS_ONLN); /* more than a cpu_set_t holds */
	return count > 0 ? (unsigned)count : 1;
}
