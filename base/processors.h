/*
 * The processors that this process may run on.
 */
#ifndef PS_BASE_PROCESSORS_H
#define PS_BASE_PROCESSORS_H

/**
 * How many there are, at least 1: those that the process is bound to (a job of a cluster, taskset)
 * and not all of the machine.
 */
unsigned processors_allowed(void);

#endif
