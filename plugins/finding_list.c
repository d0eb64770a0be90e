/*
 * The list of findings; see finding_list.h. Words for an analyst who has the report before him at
 * night: what it means, how it was found, how sure it is, what to do.
 */
#include "plugins/finding_list.h"

#include <stddef.h>
#include <string.h>

static const struct finding_info list[FINDING_IDS] = {
	[FINDING_NOTHING_UNUSUAL] =
		{"nothing-unusual", "no pool is short of memory, no tag looks like a leak",
		 "Shortage of pool and leaks are most likely not why the machine hung or crashed.",
		 "None of the findings on full pools, leaks, unloaded drivers, known problems and "
		 "refused connections applies. What was checked, and what could not be, stands in "
		 "its evidence.",
		 "As sure as the tables are complete. A leak that began shortly before the dump is "
		 "still small and is not seen.",
		 "Look elsewhere: locks, disks, handles of a process, the processor."},
	[FINDING_NONPAGED_PRESSURE] =
		{"nonpaged-pool-pressure", "nonpaged pool is nearly full or full",
		 "Drivers and the network stack are refused memory. From 80 % of the limit on it "
		 "is a warning, from 95 % on a problem.",
		 "What is in use (the kernel's own count where it can be trusted, else the sum over "
		 "the tags) is divided by the limit (read from the kernel, else by Windows' rules).",
		 "A limit that was read is exact. One by Windows' rules is the most that the version "
		 "and RAM allow; registry values can lower it and are not in the dump.",
		 "Find the owner of the largest nonpaged tags. In the System event log look for "
		 "event 2019 of source Srv."},
	[FINDING_PAGED_PRESSURE] =
		{"paged-pool-pressure", "paged pool is nearly full or full",
		 "The registry, file systems and logons are refused memory. From 80 % of the limit "
		 "on it is a warning, from 95 % on a problem.",
		 "As nonpaged-pool-pressure, with the figures of paged pool.",
		 "As nonpaged-pool-pressure. On 64-bit Windows the limit is what the machine "
		 "can commit; where that is not known it is terabytes, which no machine reaches.",
		 "Find the owner of the largest paged tags. In the System event log look for event "
		 "2020 of source Srv."},
	[FINDING_COMMIT_PRESSURE] =
		{"commit-pressure", "nearly all memory that can be committed is committed",
		 "Pools, processes and drivers share what RAM and page files can back. At the limit "
		 "allocations of either pool fail. From 90 % of the limit on it is a warning, from "
		 "98 % on a problem.",
		 "The kernel's count of committed pages is divided by its commit limit. Both are "
		 "used only when they are read and agree with each other, with RAM and with what "
		 "the pools hold.",
		 "Exact for the moment of the dump. The limit can grow where page files may.",
		 "If the pools are a small part of it, look at the processes with the most private "
		 "bytes; else find the owners of the largest tags."},
	[FINDING_CONNECTIONS_REFUSED] =
		{"connections-refused", "HTTP.SYS was refusing connections",
		 "Less than 20 MB of nonpaged pool were available, so HTTP.SYS took no new "
		 "connections: web sites seem dead although IIS runs. The HTTPERR logs have the "
		 "reason Connections_Refused.",
		 "Limit less use of nonpaged pool, against the marks of 20 MB and, with "
		 "EnableAggressiveMemoryUsage, 8 MB. Only for Windows Server 2003 and XP, whose "
		 "marks Microsoft's articles 820729 and 934878 give.",
		 "Below 8 MB it is certain as far as the figures are. From 8 to 20 MB it depends on "
		 "a registry value that the dump does not show.",
		 "Free nonpaged pool: find the leak. Count Connections_Refused with --httperr. "
		 "EnableAggressiveMemoryUsage wins time and repairs nothing."},
	[FINDING_CONNECTIONS_REFUSED_NEAR] =
		{"connections-refused-near",
		 "HTTP.SYS was near refusing connections, or not loaded",
		 "20 to 32 MB of nonpaged pool were available; a little more use, and HTTP.SYS "
		 "refuses connections. Or less than 20 MB were, but HTTP.SYS was not loaded.",
		 "As connections-refused.",
		 "The figure is of the moment of the dump; minutes before, it may have been lower.",
		 "Count Connections_Refused in the HTTPERR logs with --httperr."},
	[FINDING_CONNECTIONS_REFUSED_RULE] =
		{"connections-refused-rule", "little nonpaged pool is left on a later Windows",
		 "Less than 20 MB of nonpaged pool were available, but the mark at which HTTP.SYS "
		 "refuses connections is documented for Windows Server 2003 only.",
		 "As connections-refused, on Windows Vista or later with HTTP.SYS loaded.",
		 "That little is left is certain as far as the figures are; what HTTP.SYS did about "
		 "it is not known.",
		 "Count Connections_Refused in the HTTPERR logs with --httperr."},
	[FINDING_NONPAGED_UNTRACKED] =
		{"nonpaged-pool-untracked", "a part of nonpaged pool is under no tag",
		 "The kernel counts more memory as nonpaged pool than all tags hold together.",
		 "The kernel's count less the sum over the tags is at least 32 MB and a tenth of "
		 "the count.",
		 "The difference is exact; what it consists of is not in the tables: free parts of "
		 "pages, pages taken from the memory manager directly, session pool.",
		 "None as long as it is small beside the largest tag."},
	[FINDING_PAGED_UNTRACKED] =
		{"paged-pool-untracked", "a part of paged pool is under no tag",
		 "The kernel counts more memory as paged pool than all tags hold together.",
		 "As nonpaged-pool-untracked, with the figures of paged pool.",
		 "As nonpaged-pool-untracked.",
		 "None as long as it is small beside the largest tag."},
	[FINDING_TOTALS_DOUBTFUL] =
		{"totals-doubtful", "totals of the kernel contradict the sums over the tags",
		 "A total that was read cannot be right, so nothing was judged by it.",
		 "A count of the kernel must be about the sum over the tags (at most a fifth and "
		 "16 MB more, hardly less); a limit must not be below it. What is committed holds the "
		 "pools and is below its limit, and that is not far below RAM.",
		 "One of the two is wrong. The sums over the tags are summed from complete tables "
		 "and are believed.",
		 "Work with the sums over the tags."},
	[FINDING_LIMITS_UNKNOWN] =
		{"limits-unknown", "how full a pool is cannot be said",
		 "There is a sum for the pool, but no limit to hold it against.",
		 "The kernel names no limit, and Windows' rules give none for this version, or they "
		 "need the size of RAM, which is not known.",
		 "Certain.", "Compare the sums with those of a healthy machine of that kind."},
	[FINDING_LEAK_SIGNATURE] =
		{"leak-signature", "a tag looks like a leak",
		 "One tag, or a group of tags that grow together, holds a fifth or more of its "
		 "pool, and most of what it ever allocated is still there.",
		 "Counters of complete rows: at least 16 MB and a twentieth of the pool's limit or "
		 "of RAM, a share of 20 % or more, and at least half of all allocations never "
		 "freed. One constant size and the sizes of big allocations are shown beside it.",
		 "A sign, no proof: a cache that filled once looks the same in one dump.",
		 "See who owns the tag (poolscope owners FILE --tag TAG). Compare with a second "
		 "dump, or run poolmon on the machine: a leak grows."},
	[FINDING_LOCK_STEP] =
		{"lock-step", "several tags have the same number of allocations outstanding",
		 "Objects that are kept with all that hangs on them. In a leak, whoever owns one of "
		 "the tags is likely behind all of them.",
		 "Outstanding counts of 10,000 and more that are equal, or as one to two, within "
		 "0.2 %, of tags that hold a tenth of their pools together.",
		 "Measured on 1,000 random healthy tables drawn from the rows of a real one: 15 had "
		 "such a group by chance.",
		 "Look at the owners of all of them; the one that is no part of Windows comes first."},
	[FINDING_EXITED_PROCESSES] =
		{"exited-processes", "many processes have ended and are still referenced",
		 "Each keeps its process object and what hangs on it. Whoever holds the handles or "
		 "references makes the tag Proc grow, not the kernel, which allocates it.",
		 "Processes of the kernel's list without threads whose end has begun. It is a "
		 "warning from 1000 on when they are more than those that run. Handles to them are "
		 "counted in every handle table that is in the dump.",
		 "Certain where the list is complete. A holder by handle is certain; that nobody has "
		 "a handle means that the kernel or a driver keeps a reference, not which one.",
		 "End or update the program that holds them (poolscope processes FILE)."},
	[FINDING_MANY_HANDLES] =
		{"many-handles", "a process has very many handles open",
		 "Every handle keeps an object, in most cases memory of the pools: the process is "
		 "the holder of what the tags of objects show.",
		 "The count in its handle table is 100000 or more.",
		 "The count is exact. That it is a leak is not proven: some servers need as many.",
		 "Look at its handles on the running machine, by type and over time; end or update "
		 "the program."},
	[FINDING_OBJECT_HOLDERS] =
		{"object-holders", "who holds the objects of a tag that stands out",
		 "Windows allocates the tag on behalf of others. The objects live as long as handles "
		 "or references to them do, so their holder is the question.",
		 "The number outstanding is held against the handle tables of all processes.",
		 "Counts are exact where the list and the tables are complete. Handle tables are not "
		 "split by kind of object: the largest one is a suspect, no proof.",
		 "Look at the processes with most handles; where handles do not explain the number, "
		 "look for a driver that keeps references."},
	[FINDING_UNLOADED_DRIVER_POOL] =
		{"unloaded-driver-pool", "an unloaded driver left memory behind",
		 "A driver was unloaded, and memory of a tag that is held to be its own is still "
		 "allocated. Nobody is left who could free it.",
		 "A list of tags names the driver's file, or allocations of the tag point into the "
		 "addresses where it was; it is in the kernel's list of unloaded drivers, and no "
		 "loaded driver has better evidence.",
		 "Weak to fair: the code of an unloaded driver is gone, so nothing proves it.",
		 "Unload and load the driver again on a running machine and watch the tag; Driver "
		 "Verifier with pool tracking stops at the fault."},
	[FINDING_KNOWN_PROBLEM] =
		{"known-problem", "an entry of the desk's list of known problems applies",
		 "A loaded driver has a version for which the list given with --known has an entry.",
		 "Name and version of the driver, and the tag where the entry names one. It is a "
		 "warning when the tag looks like a leak in this dump.",
		 "As sure as the list. Where the version is not in the dump, it says that the "
		 "problem may apply.",
		 "Follow the entry's advice."},
	[FINDING_HTTPERR] =
		{"httperr", "what the HTTPERR logs say beside the dump",
		 "How often connections were refused and why requests failed, between the start of "
		 "the machine and the dump; and whether that agrees with the dump.",
		 "The logs given with --httperr are counted line by line; times in them and in the "
		 "dump are UTC.",
		 "Counts are exact for the lines that could be read; broken lines and other files "
		 "are counted and named.",
		 "Where logs and dump disagree: check that the logs are of this machine and time."},
	[FINDING_BUG_CHECK] =
		{"bug-check", "what the bug check code has to do with the pools",
		 "The code that stopped the machine is one of damaged or exhausted pool, of a bad "
		 "address, or of a dump made on purpose.",
		 "The code and its parameters, as Microsoft's bug check reference explains them.",
		 "The code is certain; who damaged the pool is not in it. The owner of a damaged "
		 "block is often the victim.",
		 "For damage: Driver Verifier with special pool on the suspects."},
	[FINDING_DRIVER_VERIFIER] =
		{"driver-verifier", "Driver Verifier was on",
		 "Its checks cost memory and time; with special pool the pools hold far more than "
		 "the drivers asked for.",
		 "The flags at MmVerifierData, which the debugger data block names.",
		 "Certain where it is reported; not every Windows keeps the flags there.",
		 "verifier /querysettings shows the settings, verifier /reset ends them."},
	[FINDING_SPECIAL_POOL] =
		{"special-pool", "special pool was on",
		 "Allocations of one tag or size take whole pages, so the pools hold far more than "
		 "the drivers asked for.",
		 "MmSpecialPoolTag, which the debugger data block names.",
		 "Certain where it is reported.",
		 "Remove the setting (gflags) when the fault that it was for is found."},
	[FINDING_FILE_INCOMPLETE] =
		{"file-incomplete", "the dump file is not whole",
		 "Pages that the file lists lie beyond its end, or its lists contradict each other.",
		 "The header, the lists of pages and the size of the file.", "Certain.",
		 "Compare the size with the original; a copy may have been cut short."},
	[FINDING_MODULES_INCOMPLETE] =
		{"modules-incomplete", "the list of loaded modules is not complete",
		 "A driver may be loaded that the report does not have; a tag may be its own.",
		 "The list in memory breaks off, loops, or leads to pages that are absent.",
		 "Certain.", "A complete kernel dump has the list."},
	[FINDING_UNLOADED_INCOMPLETE] =
		{"unloaded-modules-incomplete", "the list of unloaded drivers is not complete",
		 "A driver may have been unloaded that the report does not have.",
		 "Entries of the kernel's list, or names in it, are in absent pages.", "Certain.",
		 "A complete kernel dump has the list."},
	[FINDING_TABLES_UNAVAILABLE] =
		{"tag-tables-unavailable", "the tag tables cannot be read",
		 "There are no figures per tag at all.",
		 "The tables were not found, or are not in the dump; the reason stands beside it.",
		 "Certain.", "Set Windows to write kernel dumps; a minidump never has the tables."},
	[FINDING_TRACKER_INCOMPLETE] =
		{"tracker-incomplete", "pages of the tag tables are missing",
		 "Figures of some tags are bounds (>=) or may be off either way (~).",
		 "Pages of the tables of some processors are not in the dump.",
		 "Rows without a mark are exact all the same.",
		 "A complete kernel dump of the same machine gives exact figures."},
	[FINDING_BIG_UNAVAILABLE] =
		{"big-pages-unavailable", "the big-page table cannot be read",
		 "Single large allocations cannot be listed. The figures per tag do not depend on it.",
		 "The table was not found, or is not in the dump.", "Certain.",
		 "None; a complete kernel dump has the table."},
	[FINDING_BIG_INCOMPLETE] = {"big-pages-incomplete",
				    "pages of the big-page table are missing",
				    "Sums of large allocations are lower bounds.",
				    "Pages of the table are not in the dump.", "Certain.",
				    "None; a complete kernel dump has the table."},
	[FINDING_BELOW_BIG_PAGES] =
		{"tracker-below-big-pages", "a tag holds less than its own big allocations",
		 "The tag table and the big-page table contradict each other.",
		 "A tag's bytes are at least those of its allocations of a page and more; here they "
		 "are not, in complete tables.",
		 "Certain that one of the two is wrong; not which.",
		 "Do not trust the figures of the tags that it names."},
	[FINDING_BIG_TABLE_FULL] =
		{"big-table-full", "big allocations are charged to the tag `BIG `",
		 "The kernel had no room in its big-page table and charged large allocations to "
		 "`BIG ` instead of their own tags.",
		 "The tag `BIG ` holds memory.", "Certain.",
		 "Look for a tag with very many big allocations: poolscope big FILE."},
	[FINDING_BIG_TABLE_DAMAGED] =
		{"big-table-damaged", "the big-page table holds impossible entries",
		 "Entries have addresses that no pool has. They are left out.",
		 "Every entry's address is checked.", "Certain.",
		 "Take the sums of big allocations with care."},
	[FINDING_TAG_TABLE_FULL] =
		{"tag-table-full", "the tag table ran full",
		 "Tags that came after the table was full share the row `Ovfl`; some of them may be "
		 "large.",
		 "The row `Ovfl` holds memory.", "Certain.",
		 "Raise PoolTagBigTableSize under Session Manager\\Memory Management before the next "
		 "dump."},
	[FINDING_NEGATIVE_USAGE] = {"negative-usage", "tags have more freed than allocated",
				    "The counters of these tags were damaged or wrapped around.",
				    "Complete rows that are below zero by more than 64 KB.",
				    "Certain.",
				    "Do not trust the figures of the tags that it names."},
	[FINDING_BYTES_WITHOUT_ALLOCATIONS] =
		{"bytes-without-allocations", "tags have bytes left although all was freed",
		 "The counters of these tags were damaged, or blocks were freed under another size.",
		 "Complete rows whose allocations equal their frees, with bytes above zero.",
		 "Certain; the bytes may not exist.",
		 "Do not trust the figures of the tags that it names."},
};

const struct finding_info *finding_info(enum finding_id id)
{
	return &list[id];
}

const struct finding_info *finding_info_by_name(const char *name)
{
	for (size_t i = 0; i < FINDING_IDS; i++) {
		if (strcmp(list[i].id, name) == 0)
			return &list[i];
	}
	return NULL;
}
