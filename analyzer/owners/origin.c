/*
 * Origin of images and of the kernel's own tags.
 */
#include "analyzer/owners/origin.h"

#include <string.h>
#include <strings.h>

static const char *const kernel_names[] = {
	"ntoskrnl.exe", "ntkrnlmp.exe", "ntkrnlpa.exe", "ntkrpamp.exe", "nt", "ntkrla57.exe",
};

/* Drivers that come with Windows and are often among the owners of big tags. */
static const char *const in_box[] = {
	"acpi.sys",       "afd.sys",        "ataport.sys",   "bindflt.sys",   "bthport.sys",
	"cdfs.sys",       "ci.dll",         "classpnp.sys",  "cldflt.sys",    "clfs.sys",
	"cng.sys",        "csc.sys",        "dfsc.sys",      "disk.sys",      "dxgkrnl.sys",
	"dxgmms1.sys",    "dxgmms2.sys",    "exfat.sys",     "fastfat.sys",   "fileinfo.sys",
	"fltmgr.sys",     "fvevol.sys",     "fwpkclnt.sys",  "hal.dll",       "hidclass.sys",
	"hidusb.sys",     "http.sys",       "i8042prt.sys",  "intelppm.sys",  "iorate.sys",
	"kbdclass.sys",   "ks.sys",         "ksecdd.sys",    "ksecpkg.sys",   "luafv.sys",
	"mountmgr.sys",   "mouclass.sys",   "mpsdrv.sys",    "mrxsmb.sys",    "mrxsmb10.sys",
	"mrxsmb20.sys",   "msfs.sys",       "msrpc.sys",     "mssmbios.sys",  "mup.sys",
	"ndis.sys",       "netbios.sys",    "netbt.sys",     "netio.sys",     "netvsc.sys",
	"npfs.sys",       "nsiproxy.sys",   "ntfs.sys",      "pacer.sys",     "partmgr.sys",
	"pci.sys",        "pdc.sys",        "portcls.sys",   "rdbss.sys",     "rdyboost.sys",
	"refs.sys",       "rspndr.sys",     "scsiport.sys",  "spaceport.sys", "srv.sys",
	"srv2.sys",       "srvnet.sys",     "storahci.sys",  "storport.sys",  "storqosflt.sys",
	"storvsc.sys",    "stornvme.sys",   "tcpip.sys",     "tdi.sys",       "tdx.sys",
	"termdd.sys",     "tm.sys",         "udfs.sys",      "usbccgp.sys",   "usbd.sys",
	"usbhub.sys",     "usbhub3.sys",    "usbport.sys",   "usbxhci.sys",   "vhdmp.sys",
	"videoprt.sys",   "vmbus.sys",      "vmbkmcl.sys",   "volmgr.sys",    "volmgrx.sys",
	"volsnap.sys",    "volume.sys",     "watchdog.sys",  "wcifs.sys",     "wdf01000.sys",
	"wdfilter.sys",   "wdfldr.sys",     "werkernel.sys", "wfplwfs.sys",   "win32k.sys",
	"win32kbase.sys", "win32kfull.sys", "wof.sys",
};

struct for_others {
	char tag[5];
	const char *hint;
};

#define HANDLES                                                                                      \
	"look for the process with most handles: the objects live as long as handles or references " \
	"to them do"

/* Who asked for the memory is not who allocated it. */
static const struct for_others for_others[] = {
	{"ALPC", HANDLES},
	{"Cont", "physically contiguous memory: look at the drivers of devices with direct memory "
		 "access"},
	{"Ddk ", "callers without a tag of their own: any driver whose ExAllocatePool the WDK's "
		 "headers gave this one"},
	{"Desk", HANDLES},
	{"Devi", "device objects belong to the drivers in their DriverObject field"},
	{"Dire", HANDLES},
	{"Driv", "driver objects and their extensions, one per loaded driver"},
	{"Even", HANDLES},
	{"EtwR", "look for the driver or service that registers trace providers and does not "
		 "unregister them"},
	{"File", "open handles, or references that a file system filter keeps: look at the handle "
		 "counts of processes, then at the filters"},
	{"FMfn", "file names that a file system filter asked for and does not release"},
	{"FOCX", "contexts that file system filters attach to file objects"},
	{"IoCo", HANDLES},
	{"IoEr", "look at the drivers that write to the error log"},
	{"IoNm", "names of open files: grows with File"},
	{"IoWI", "work items: look at the driver that queues them"},
	{"Io  ", "the I/O manager's buffers for requests in flight: look at drivers that keep IRPs "
		 "pending"},
	{"Irp ", "requests that were not completed: look at the driver that holds them pending"},
	{"Job ", HANDLES},
	{"Key ", HANDLES},
	{"Mdl ", "memory descriptor lists: look at the driver that allocates and does not free "
		 "them"},
	{"MmCm", "contiguous memory: look at the drivers of devices with direct memory access"},
	{"Mmdl", "memory descriptor lists for pages of a driver"},
	{"MmSt", "grows with mapped and cached files"},
	{"Muta", HANDLES},
	{"None", "callers without a tag of their own: any driver that calls ExAllocatePool"},
	{"Obtb", "handle tables: look for the process with most handles"},
	{"ObNm", HANDLES},
	{"Port", HANDLES},
	{"Proc", "processes that ended and are still referenced: look for who holds handles to "
		 "them"},
	{"SeAt", "grows with tokens"},
	{"SeTd", "grows with tokens"},
	{"Sect", HANDLES},
	{"Sema", HANDLES},
	{"Strg", "strings made by run-time library routines for their callers"},
	{"Symb", HANDLES},
	{"Thre", "threads that ended and are still referenced: look for who holds handles to them"},
	{"Timr", HANDLES},
	{"Toke", "tokens that are still referenced: look for a process or a driver that leaks "
		 "logon or impersonation tokens"},
	{"Wait", HANDLES},
	{"WmiG", "look for the driver that registers trace or WMI GUIDs"},
};

static const char library_tags[][5] = {"SeSd", "SeAl", "SeTs", "PpRb", "PpUc"};

static bool among(const char *name, const char *const *names, size_t count)
{
	for (size_t i = 0; name && i < count; i++) {
		if (strcasecmp(name, names[i]) == 0)
			return true;
	}
	return false;
}

static uint32_t tag_of(const char *text)
{
	return (uint32_t)(uint8_t)text[0] | (uint32_t)(uint8_t)text[1] << 8 |
	       (uint32_t)(uint8_t)text[2] << 16 | (uint32_t)(uint8_t)text[3] << 24;
}

bool origin_is_kernel(const char *name)
{
	return among(name, kernel_names, sizeof(kernel_names) / sizeof(*kernel_names));
}

static bool in_system_folder(const char *path)
{
	static const char *const folders[] = {"\\SystemRoot\\", "\\Windows\\", "\\WINDOWS\\",
					      "\\WinNT\\"};

	for (size_t i = 0; path && i < sizeof(folders) / sizeof(*folders); i++) {
		if (strcasestr(path, folders[i]))
			return true;
	}
	/* Drivers that the boot loader brings in have no folder before their name. */
	return !path || !strchr(path, '\\');
}

enum owner_microsoft origin_microsoft(const char *name, const char *path,
				      const struct pe_version *version)
{
	if (version->present && version->company[0] != '\0')
		return strcasestr(version->company, "Microsoft") ? MICROSOFT_YES : MICROSOFT_NO;
	if (origin_is_kernel(name))
		return MICROSOFT_YES;
	if (among(name, in_box, sizeof(in_box) / sizeof(*in_box)) && in_system_folder(path))
		return MICROSOFT_YES;
	return MICROSOFT_UNKNOWN;
}

static const struct for_others *find_for_others(uint32_t tag)
{
	for (size_t i = 0; i < sizeof(for_others) / sizeof(*for_others); i++) {
		if (tag_of(for_others[i].tag) == tag)
			return &for_others[i];
	}
	return NULL;
}

bool origin_for_others(uint32_t tag)
{
	return find_for_others(tag) != NULL;
}

const char *origin_hint(uint32_t tag)
{
	const struct for_others *row = find_for_others(tag);

	return row ? row->hint : NULL;
}

bool origin_default_tag(uint32_t tag)
{
	return tag == tag_of("None") || tag == tag_of("Ddk ");
}

bool origin_static_library(uint32_t tag)
{
	for (size_t i = 0; i < sizeof(library_tags) / sizeof(*library_tags); i++) {
		if (tag_of(library_tags[i]) == tag)
			return true;
	}
	return false;
}
