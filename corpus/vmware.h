/* Memory of VMware machines: states with the memory inside, and .vmem files with a state beside. */
#ifndef CORPUS_VMWARE_H
#define CORPUS_VMWARE_H

#include "corpus/output.h"

/* `container vmware`; returns the pages in it. */
uint64_t vmware_write(struct world *w, struct output *file, struct page **sorted);

/*
 * `container vmem`: the memory, and beside it, by the same name, the state. The file must have the
 * ending .vmem. Returns the pages in it.
 */
uint64_t vmware_write_vmem(struct world *w, struct output *file, struct page **sorted);

#endif
