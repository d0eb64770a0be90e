/*
 * Files that are something else: recognised by their magic and refused in one sentence each, with
 * what to do instead. Only files whose magic is unlikely at the start of physical memory are here.
 *
 * Not recognised: page files and Linux hibernation images inside a partition (no magic at a fixed
 * place), texts. They pass on to raw.c.
 */
#include <string.h>

#include "base/bytes.h"
#include "formats/formats.h"

enum { MAGIC_MOST = 32 };

struct foreign {
	const char *magic;
	uint8_t length;                  /* of the magic, which can hold NUL */
	int32_t offset;                  /* in the file; negative: from its end */
	bool (*also)(struct dump *dump); /* NULL, or a further condition */
	const char *what;                /* "FILE is ..." */
	const char *hint;
};

#define MAGIC(text) text, sizeof(text) - 1

/* Advice that several rows share. */
#define HINT_UNPACK "unpack it first and open the dump that is inside"
#define HINT_DISK   "take Windows\\MEMORY.DMP out of the disk, for example with guestfish"
#define HINT_QEMU                                                                                  \
	"load it into QEMU and have that write the memory: dump-guest-memory FILE, or virsh dump " \
	"--memory-only"
#define HINT_RAW "convert it to a raw image first"

/* A short read or an unreadable file leaves `to` zeroed: no magic of the table is all zeros. */
static void peek(struct dump *dump, uint64_t offset, uint8_t *to, size_t length)
{
	struct ps_error ignored = PS_ERROR_INIT;

	if (file_read(&dump->file, offset, to, length, &ignored) != PS_OK)
		memset(to, 0, length);
}

/* "MZ" alone is too little: the PE header that it points to must be there. */
static bool is_pe(struct dump *dump)
{
	uint8_t at[4], magic[4];
	struct bytes bytes = bytes_of(at, sizeof(at));

	peek(dump, 0x3c, at, sizeof(at));
	peek(dump, bytes_u32(&bytes, 0), magic, sizeof(magic));
	return memcmp(magic, "PE\0\0", 4) == 0;
}

/* In the order tried: a longer magic before a shorter one that it begins with. */
static const struct foreign foreigners[] = {
	{MAGIC("PAGEPAGE"), 0, NULL,
	 "a crash dump that Windows never finished: its header was not written",
	 "look whether the disk was full or the machine lost power while it wrote the dump"},
	{MAGIC("PAGE"), 0, NULL,
	 "damaged, or no crash dump: neither DUMP nor DU64 follows PAGE at its start", ""},
	{MAGIC("MDMP"), 0, NULL, "a minidump of one user process (MDMP); it holds no kernel memory",
	 HINT_KERNEL},
	{MAGIC("hibr"), 0, NULL, "a hibernation file of Windows XP or older, which cannot be read",
	 HINT_RAW},
	{MAGIC("wake"), 0, NULL,
	 "a hibernation file of Windows XP or older from which Windows has resumed; its memory is "
	 "stale",
	 ""},

	/* Memory of virtual machines and of other systems */
	{MAGIC("\xed\xeb\x0f\xf0"), 0, NULL,
	 "an old core of a paravirtual Xen guest, in which no Windows runs", HINT_WINDOWS},
	{MAGIC("\xee\xeb\x0f\xf0"), 0, NULL, "an old core of a Xen guest, which cannot be read",
	 "dump it again with a newer Xen (xl dump-core), or convert it to a raw image"},
	{MAGIC("\x7fVirtualBox SavedState"), 0, NULL,
	 "a saved state of VirtualBox (.sav), which cannot be read",
	 "resume the machine and have Windows write a crash dump"},
	{MAGIC("QEVM"), 0, NULL, "a saved state of QEMU (savevm), which cannot be read", HINT_QEMU},
	{MAGIC("LibvirtQemudSave"), 0, NULL,
	 "a saved state of libvirt (virsh save), which cannot be read", HINT_QEMU},
	{MAGIC("LinuxGuestRecord"), 0, NULL, "a saved state of Xen, which cannot be read",
	 HINT_RAW},
	{MAGIC("HPAK"), 0, NULL, "an HPAK memory image, which cannot be read", HINT_RAW},

	/* Disks */
	{MAGIC("QFI\xfb"), 0, NULL, "a disk image (qcow2), not a memory image", HINT_DISK},
	{MAGIC("conectix"), 0, NULL, "a disk image (VHD), not a memory image", HINT_DISK},
	{MAGIC("conectix"), -512, NULL, "a disk image (VHD), not a memory image", HINT_DISK},
	{MAGIC("vhdxfile"), 0, NULL, "a disk image (VHDX), not a memory image", HINT_DISK},
	{MAGIC("KDMV"), 0, NULL, "a disk image (VMDK), not a memory image", HINT_DISK},
	{MAGIC("# Disk DescriptorFile"), 0, NULL, "the description of a VMware disk (VMDK)",
	 HINT_DISK},
	{MAGIC("\x7f\x10\xda\xbe"), 0x40, NULL, "a disk image (VDI), not a memory image",
	 HINT_DISK},
	{MAGIC("EFI PART"), 512, NULL, "a disk image (GPT), not a memory image", HINT_DISK},
	{MAGIC("NTFS    "), 3, NULL, "an image of an NTFS volume, not a memory image", HINT_DISK},
	{MAGIC("EVF\x09\x0d\x0a\xff\0"), 0, NULL, "an EnCase image (E01), not a flat memory image",
	 HINT_RAW},
	{MAGIC("CD001"), 0x8001, NULL, "a CD image (ISO 9660), not a memory image", HINT_UNPACK},

	/* Archives that are not unpacked (others are, see formats/pack) */
	{MAGIC("PK\x05\x06"), 0, NULL, "an empty zip archive", ""},
	{MAGIC("Rar!\x1a\x07"), 0, NULL, "a RAR archive", HINT_UNPACK},
	{MAGIC("MSWIM\0\0\0"), 0, NULL, "a Windows image archive (WIM)", HINT_UNPACK},

	/* Other Windows files that lie near a dump */
	{MAGIC("MZ"), 0, is_pe, "a Windows program or driver (PE image), not a memory image",
	 HINT_KERNEL},
	{MAGIC("Microsoft C/C++ MSF 7.00\r\n\x1a"
	       "DS"),
	 0, NULL, "a symbol file (PDB), not a memory image",
	 "give the folder of symbol files with --symbols"},
	{MAGIC("ElfFile\0"), 0, NULL, "a Windows event log (EVTX), not a memory image",
	 HINT_KERNEL},
	{MAGIC("regf"), 0, NULL, "a Windows registry hive, not a memory image", HINT_KERNEL},
};

static bool matches(struct dump *dump, const struct foreign *row)
{
	uint8_t head[MAGIC_MOST];
	uint64_t offset = (uint64_t)row->offset;

	if (row->offset < 0) {
		uint64_t back = (uint64_t) - (int64_t)row->offset;

		if (back > dump->file.size)
			return false;
		offset = dump->file.size - back;
	}
	peek(dump, offset, head, row->length);
	return memcmp(head, row->magic, row->length) == 0 && (!row->also || row->also(dump));
}

enum probe foreign_open(struct dump *dump, struct ps_error *err)
{
	for (size_t i = 0; i < sizeof(foreigners) / sizeof(foreigners[0]); i++) {
		const struct foreign *row = &foreigners[i];

		if (!matches(dump, row))
			continue;
		ps_fail(err, PS_UNSUPPORTED, "%s is %s", file_words(&dump->file), row->what);
		if (row->hint[0] != '\0')
			ps_hint(err, "%s", row->hint);
		return PROBE_ERROR;
	}
	return PROBE_NOT_MINE;
}
