/*
 * Session pool: what was allocated for one session (win32k's objects above all), in tag tables that
 * only the processes of that session map.
 *
 * A session's table is read with the page tables of one of its processes. Where it lies tells the
 * kernel variable ExpSessionPoolTrackTable, which symbols name, or MM_SESSION_SPACE, to which
 * EPROCESS leads; what lies there is proved like the system's table. Its rows are kept apart: they
 * are in no sum of the system's. Sources: MM_SESSION_SPACE by build (PDB types, fact sheet 3.6).
 * Ownership: session_pools_read() fills, session_pools_fini() frees. Not supported: big-page tables
 * of sessions, builds from 22621 on, minidumps.
 */
#ifndef PS_ANALYZER_POOL_SESSION_POOL_H
#define PS_ANALYZER_POOL_SESSION_POOL_H

#include "analyzer/kernel/processes.h"
#include "analyzer/pool/pools.h"

struct session_pool {
	uint64_t id;
	uint64_t pid; /* of the process that it was read through */
	char process[PROCESS_NAME_BYTES];
	uint64_t dtb, space; /* of that process: page tables, MM_SESSION_SPACE */
	bool available;
	struct ps_error error;  /* why it is not available */
	const char *found_by;   /* static: "ExpSessionPoolTrackTable (symbols)", ... */
	struct tracker tracker; /* owned, when available */
};

struct session_pools {
	struct session_pool *items; /* owned; by session */
	size_t count, capacity;
	size_t passed_over;  /* sessions beyond SESSION_POOLS_MOST */
	bool sessions_known; /* every process of a complete list that has not ended has told its
				session, or that it is in none */
	bool available;      /* sessions were found, or there are none; else `error` says why not */
	struct ps_error error;
};

enum { SESSION_POOLS_MOST = 256 };

/** PS_NO_MEMORY and PS_INTERRUPTED; all else is said in *ret. */
enum ps_status session_pools_read(struct kernel *kernel, const struct pools *pools,
				  struct session_pools *ret, struct ps_error *err);
void session_pools_fini(struct session_pools *pools);

/** Private to this room: where MM_SESSION_SPACE of the build has what belongs to its pool. */
struct session_layout {
	uint32_t first_build, last_build;
	uint8_t pointer_size;
	uint16_t tags; /* PoolTags: the table itself, or a pointer to it; 0: not there */
	bool tags_pointer;
	uint16_t expansion; /* PoolTrackTableExpansion; 0: not known */
};

/** By symbols' types, else by build; all zero when nothing is known. */
struct session_layout session_layout(const struct kernel *kernel);

#endif
