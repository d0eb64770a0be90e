/*
 * What identifies a PE image in kernel memory: headers, CodeView record, name in the exports.
 *
 * Source of the layouts: the Microsoft PE/COFF specification; RSDS as in public PDB readers. Every
 * size is bounded by SizeOfImage. pe_image.h has the whole image, pe_exports.h what is in it.
 */
#ifndef PS_ANALYZER_KERNEL_PE_H
#define PS_ANALYZER_KERNEL_PE_H

#include "analyzer/memory/space.h"

enum { PDB_NAME_LENGTH = 64, GUID_AGE_LENGTH = 48 };

struct pe_identity {
	bool headers_present; /* the fields below were read */
	uint32_t timestamp;   /* IMAGE_FILE_HEADER.TimeDateStamp */
	uint32_t size;        /* SizeOfImage */
	uint32_t checksum;
	uint16_t machine;
	bool pdb_present;
	char pdb_name[PDB_NAME_LENGTH]; /* file name only, unprintable bytes as ? */
	char guid_age[GUID_AGE_LENGTH]; /* 32 upper-case hex digits, "-", age in hex */
};

/**
 * Reads the identity of the image at `base`. PS_ABSENT when its header page is not in the dump,
 * PS_CORRUPT when it is no PE image. A missing debug directory is no error (pdb_present false).
 */
enum ps_status pe_identify(struct space *space, uint64_t base, struct pe_identity *ret,
			   struct ps_error *err);

/** Name in the export directory ("ntoskrnl.exe") into `name`; PS_NOT_FOUND when there is none. */
enum ps_status pe_export_module_name(struct space *space, uint64_t base, char *name, size_t size,
				     struct ps_error *err);

#endif
