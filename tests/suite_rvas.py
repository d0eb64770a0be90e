"""The pool globals at the places where 127 real x64 kernels have them, found among decoys.

For every row of kernel-rvas.tsv a dump of the right family is made with the globals at that row's
RVAs: once among all kinds of decoys, once over the bytes that really surround PoolTrackTable in a
real 17763 kernel; and once, over either, without KDBG, where the search of the kernel's data has to
find them. Values must be exact, and so must every address that is given: by structure alone, by the
built-in table of known builds, and, for the nine that ../shared/data/isf has, by the ISF. Symbols
leave no place unnamed.
"""

import collections
import csv
import functools
import os
import time

import truth
from harness import (BUILD, Failure, Skip, check, data, equal, make_dump, poolscope_json, run,
                     scratch)  # fmt: skip
from realdata import raw_image

GLOBALS = os.path.join(BUILD, "tests", "globals")
PLACED = [
    "PoolTrackTable", "PoolTrackTableSize", "PoolTrackTableMask", "PoolTrackTableExpansion",
    "PoolTrackTableExpansionSize", "ExPoolTagTables", "PoolBigPageTable", "PoolBigPageTableSize",
    "ExpPoolBigEntriesInUse", "ExpSessionPoolTrackTable", "ExpSessionPoolTrackTableSize",
    "KdDebuggerDataBlock", "KiProcessorBlock", "PsLoadedModuleList", "MmUnloadedDrivers",
    "MmLastUnloadedDriver",
]  # fmt: skip
# The most recent build for which mkdump has the two globals of the session's table.
SESSION_TABLE_UNTIL = 20348
DECOYS = [
    "decoys 60 pointers powers",
    "decoys 12 arrays",
    "decoys 1 stale-tracker session-tracker",
]
PROCESSORS = (1, 2, 4, 8)
BUILDS, TABLES = 127, 9  # rows of kernel-rvas.tsv, and those of them with an ISF
KINDS = ("decoys", "real-window", "no-kdbg")
AGREED = collections.defaultdict(set)  # (source, kind): builds whose globals it found
ENDED = []  # the kind of every dump that was looked at

# The real kernel of ../shared/data/win10-17763-x64: its image begins at this physical address.
REAL_BASE = 0x229F000
REAL_TRACK_TABLE = 0x40A778
REAL_REACH = 0xC000


def rows():
    with open(data("kernel-rvas.tsv"), encoding="utf-8") as file:
        return list(csv.DictReader(file, delimiter="\t"))


def recipe(row, number, window):
    """The text of a recipe; every second one has a full table and an expansion."""
    build = int(row["version"].split(".")[2])
    guid, age = row["pdb_guid_age"].split("-")
    lines = ["arch x64", f"build {build}", f"processors {PROCESSORS[number % 4]}",
             f"kernel-pdb ntkrnlmp.pdb {guid} {age}", "kernel-size 0x1100000",
             "include common/small-tags.recipe", "include common/small-drivers.recipe"]  # fmt: skip
    if number % 2:
        lines += ["tracker-entries 256", "expansion 512", "tags random=200"]
    for name in PLACED:
        session = name.startswith("ExpSession") and build > SESSION_TABLE_UNTIL
        if row[name] != "-" and not session:
            lines.append(f"global {name} 0x{row[name]}")
    return "\n".join([*lines, *(window or DECOYS), ""])


@functools.cache
def real_pages():
    """(RVA, file offset) of the pages around the real PoolTrackTable, and the file with them."""
    raw = raw_image()
    first = (REAL_TRACK_TABLE - REAL_REACH) // 4096 * 4096
    pages = []
    with open(raw, "rb") as file:
        for rva in range(first, REAL_TRACK_TABLE + REAL_REACH, 4096):
            offset = REAL_BASE + rva
            if os.lseek(file.fileno(), offset, os.SEEK_DATA) == offset:
                pages.append((rva, offset))
    check(len(pages) > 5, "the real window has no pages")
    return raw, pages


def real_window(row):
    """Lays the real bytes so that the real PoolTrackTable comes to lie on this row's."""
    raw, pages = real_pages()
    shift = int(row["PoolTrackTable"], 16) - REAL_TRACK_TABLE
    return [f"window {raw} {offset} {rva + shift} 4096" for rva, offset in pages]


def hidden_window(row, number):
    """No KDBG, and no code that names the globals: their structure is left, among either."""
    return ["kdbg none", "kernel-code none", *(real_window(row) if number % 2 else DECOYS)]


def found_globals(dump, source):
    lines = run([GLOBALS, dump, source]).stdout.decode().splitlines()
    found = {line.split()[0]: line.split()[1:] for line in lines}
    found["notes"] = [line.removeprefix("note ") for line in lines if line.startswith("note ")]
    return found


def wanted_values(true):
    tracker, big = true["pool"]["tracker"], true["pool"]["big_pages"]
    table = int(tracker["address"], 16)
    expansion = tracker["expansion_address"]
    values = {
        "PoolTrackTable": table,
        "PoolTrackTableSize": tracker["entries"],
        "PoolTrackTableMask": tracker["entries"] - 2,
        "ExPoolTagTables": table,
        "PoolBigPageTable": int(big["address"], 16),
        "PoolBigPageTableSize": big["entries"],
    }
    if expansion:
        values["PoolTrackTableExpansion"] = int(expansion, 16)
        values["PoolTrackTableExpansionSize"] = tracker["expansion_entries"]
    return values


def compare_globals(found, true):
    """Returns the names whose value is right and whose place is not unique."""
    vague = []
    for name, value in wanted_values(true).items():
        check(found[name][0] != "-", f"{name} is not found")
        equal(int(found[name][1], 16), value, f"value of {name}")
        va = int(found[name][0], 16)
        if va:
            equal(hex(va), hex(int(true["globals"][name], 16)), f"address of {name}")
        else:
            vague.append(name)
    equal(found["hash"], [true["pool"]["tracker"]["hash"]], "hash")
    tables = [int(found[f"table-{i}"][0], 16) for i in range(len(true["pool"]["tracker"]["tables"]))]
    equal(tables, [int(t, 16) for t in true["pool"]["tracker"]["tables"]], "processors' tables")
    return vague


def by_symbols(dump, true, source, words):
    """What symbols name is found where they say, is proved, and gives no reason for a note, but that
    there is no KDBG."""
    found = found_globals(dump, source)
    equal(found["symbols"], words, "source")
    equal(compare_globals(found, true), [], "places that are not unique")
    equal([n for n in found["notes"] if not n.startswith("no KDBG, plain or encoded")], [], "notes")


def compare(row, number, window, kind):
    with scratch() as directory:
        dump, true = make_dump(recipe(row, number, window), directory, seed=number + 1)
        found = found_globals(dump, "structure")
        equal(found["symbols"], ["-"], "source")
        vague = compare_globals(found, true)
        AGREED["structure", kind].add(row["pdb_guid_age"])
        by_symbols(dump, true, "known", ["known", "build", row["version"]])
        AGREED["known builds", kind].add(row["pdb_guid_age"])
        table = os.path.join(data("isf"), row["pdb_guid_age"] + ".json.xz")
        if os.path.exists(table):
            by_symbols(dump, true, data("isf"), ["ISF", table])
            AGREED["ISF", kind].add(row["pdb_guid_age"])
        status, report = poolscope_json(dump, want=(0, 1))
        truth.compare_all(report, status, true)
    return f"place not unique: {' '.join(vague)}" if vague else None


def counted(row, number, window, kind):
    try:
        return compare(row, number, window, kind)
    finally:
        ENDED.append(kind)


def agreement():
    """Every build by every source, whatever the dump: a row that was left out would show here."""
    deadline = time.monotonic() + 60
    while len(ENDED) < BUILDS * len(KINDS) and time.monotonic() < deadline:
        time.sleep(0.05)  # the last ones run beside this one
    equal(len(ENDED), BUILDS * len(KINDS), "dumps")
    for kind in KINDS:
        for source, builds in (("structure", BUILDS), ("known builds", BUILDS), ("ISF", TABLES)):
            equal(len(AGREED[source, kind]), builds, f"builds that agree: {source}, {kind}")
    return (f"structure and known builds agree on the globals of {BUILDS} builds, ISF on those of "
            f"{TABLES}, in {len(KINDS)} dumps each")  # fmt: skip


def cases():
    try:
        table = rows()
    except Skip as skip:
        words = str(skip)

        def absent():
            raise Skip(words)

        yield "kernel-rvas", absent
        return
    if len(table) != BUILDS:
        raise Failure(f"{len(table)} rows in kernel-rvas.tsv")
    real_pages()  # once, before several rows ask for them at the same time
    for number, row in enumerate(table):
        name = f"{row['version']}-{row['pdb_guid_age'][:8]}"
        yield f"decoys/{name}", lambda r=row, n=number: counted(r, n, None, "decoys")
        yield f"real-window/{name}", lambda r=row, n=number: counted(
            r, n, real_window(r), "real-window")
        yield f"no-kdbg/{name}", lambda r=row, n=number: counted(
            r, n, hidden_window(r, n), "no-kdbg")
    yield "agreement", agreement
