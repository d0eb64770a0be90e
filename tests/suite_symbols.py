"""Symbol sources: PDBs against llvm-pdbutil, ISF files against Python's JSON, the table of known builds
against its source; which source is taken, and what becomes of those that cannot be used.

The PDBs of kernels are made here: variables in C, linked by lld-link, and a dump whose variables lie
where llvm-pdbutil says that the PDB has them.
"""

import glob
import gzip
import json
import lzma
import os
import re
import shutil
import struct
import subprocess
import sys
import time

import truth
from harness import (BUILD, POOLSCOPE, ROOT, SANITIZED, Skip, check, data, equal, make_dump, run,
                     scratch)  # fmt: skip

PDB_DUMP = os.path.join(BUILD, "tests", "pdb_dump")
CHECKED_DUMP = os.path.join(SANITIZED, "tests", "pdb_dump")
CHECKED_GLOBALS = os.path.join(SANITIZED, "tests", "globals")
NAMES_H = os.path.join(ROOT, "analyzer", "kernel", "symbol_names.c")

# Milliseconds of processor time, with room for a slow machine over what was measured (README).
PDB_LIMIT, LOOKUP_LIMIT, ISF_LIMIT, FOLDER_LIMIT = 50, 20, 150, 150

MACHINES = {"x64": "x86_64", "x86": "i686", "arm64": "aarch64"}

PLACED = ["PoolTrackTable", "PoolTrackTableSize", "PoolTrackTableMask", "PoolTrackTableExpansion",
          "PoolTrackTableExpansionSize", "PoolBigPageTable", "PoolBigPageTableSize",
          "ExpPoolBigEntriesInUse", "PsLoadedModuleList", "MmUnloadedDrivers",
          "MmLastUnloadedDriver"]  # fmt: skip

KEYS = ["KdDebuggerDataBlock", "KdpDataBlockEncoded", "KiWaitNever", "KiWaitAlways"]
# Apart from the others: mkdump puts what is not placed by the recipe around PoolTrackTable.
KEY_VARIABLES = ("char gap[0x80000] = { 1 }; __declspec(align(16)) long long KdDebuggerDataBlock[256] = { 1 }, KiWaitNever = 1, "
                 "KiWaitAlways = 1; __declspec(align(16)) char KdpDataBlockEncoded = 1;")

SOURCE = """
struct inner {{ int a; unsigned b : 3, c : 29; }};
struct later;
struct outer {{
    long long x; struct inner in; struct later *next;
    union {{ int u; char v[8]; struct {{ short lo, hi; }} w; }} un;
    unsigned long long f : 7, g : 50;
}};
struct later {{ struct outer o[3]; struct outer last; int z; }};
struct outer o; struct later l;
{variables}
static int hidden = 7;
__declspec(align(4096)) long long ExPoolTagTables[64] = {{ 1 }};
{filling}
int KiSystemStartup(void) {{ return (int)PoolTrackTable[0] + hidden++ + (int)o.x + l.z; }}
"""


def tool(*command, **options):
    try:
        return run(list(command), **options)
    except FileNotFoundError as error:
        raise Skip(f"{command[0]} is not installed") from error


def make_pdb(directory, machine="x64", filling="", level="-O1", debug=True):
    """Links an image with variables of a kernel; returns the PDB's path. Without debug information
    it has public symbols alone, as those that Microsoft publishes of drivers."""
    variables = "\n".join(f"__declspec(align(16)) long long {name}[2] = {{ {number + 1} }};"
                          for number, name in enumerate(PLACED))  # fmt: skip
    source, obj = (os.path.join(directory, "kernel." + end) for end in ("c", "obj"))
    pdb = os.path.join(directory, "ntkrnlmp.pdb")
    with open(source, "w", encoding="ascii") as file:
        file.write(SOURCE.format(variables=variables, filling=filling))
    tool("clang-14", f"--target={MACHINES[machine]}-pc-windows-msvc", level,
         *(["-g", "-gcodeview"] if debug else []), "-ffreestanding", "-c", source, "-o", obj)  # fmt: skip
    tool("lld-link-14", "/nologo", "/subsystem:native", "/entry:KiSystemStartup", "/nodefaultlib",
         "/debug", "/pdb:" + pdb, "/pdbaltpath:ntkrnlmp.pdb", "/brepro", "/machine:" + machine,
         "/out:" + os.path.join(directory, "kernel.exe"), obj)  # fmt: skip
    return pdb


def pdbutil(path, *what):
    done = tool("llvm-pdbutil-14", "dump", *what, path, timeout=60)
    return done.stdout.decode("utf-8", "replace")


# -- what llvm-pdbutil says

SYMBOL = re.compile(r"^\s+\d+ \| S_(PUB32|GDATA32|LDATA32) \[size = \d+\] `(.*)`\n.*addr = (\d+):(\d+)",
                    re.MULTILINE)  # fmt: skip
REFERENCE = re.compile(r"^\s+\d+ \| S_L?PROCREF \[size = \d+\] `(.*)`$", re.MULTILINE)
TYPE = re.compile(r"^\s+(0x[0-9A-F]+) \| LF_(\w+) \[size = \d+\](?: `(.*)`)?$")
MEMBER = re.compile(r"- LF_MEMBER \[name = `(.*)`, Type = (0x[0-9A-F]+).*, offset = (\d+), attrs")
CONTINUED = re.compile(r"- LF_INDEX .*(0x[0-9A-F]+)")
KINDS = {"PUB32": "public", "GDATA32": "global", "LDATA32": "static"}


def oracle_symbols(path):
    text = pdbutil(path, "--publics", "--globals")
    found = [(KINDS[kind], int(section), int(offset), name)
             for kind, name, section, offset in SYMBOL.findall(text)]
    return sorted(found), sorted(REFERENCE.findall(text))


def oracle_types(path):
    """Structures that are defined, each with its members: (offset, bit position, bits, name)."""
    records, record = {}, None
    for line in pdbutil(path, "--types").splitlines():
        head = TYPE.match(line)
        if head:
            record = {"kind": head[2], "name": head[3], "lines": []}
            records[int(head[1], 16)] = record
        elif record:
            record["lines"].append(line)

    def bits(index):
        kind = records.get(index)
        if not kind or kind["kind"] != "BITFIELD":
            return 0, 0
        found = re.search(r"bit offset = (\d+), # bits = (\d+)", " ".join(kind["lines"]))
        return int(found[1]), int(found[2])

    def members(index):
        found = []
        for line in records[index]["lines"] if index else ():
            member, more = MEMBER.search(line), CONTINUED.search(line)
            if member:
                found.append((int(member[3]), *bits(int(member[2], 16)), member[1]))
            elif more:
                found += members(int(more[1], 16))
        return found

    structs = []
    for entry in records.values():
        words = " ".join(entry["lines"])
        if entry["kind"] not in ("STRUCTURE", "CLASS", "UNION") or "forward ref" in words:
            continue
        fields = re.search(r"field list: (0x[0-9A-F]+)", words)
        size = re.search(r"sizeof (\d+)", words)
        structs.append((entry["name"], int(size[1]), members(int(fields[1], 16) if fields else 0)))
    return sorted(structs)


# -- what our reader says


def own(path):
    symbols, functions, structs, identity = [], [], [], None
    for line in run([PDB_DUMP, path], timeout=60).stdout.decode("utf-8", "replace").splitlines():
        word, rest = line.strip().split(" ", 1)
        if word == "pdb":
            identity = rest.split()
        elif word == "struct":
            size, name = rest.split(" ", 1)
            structs.append((name, int(size), []))
        elif word == "member":
            offset, position, length, name = rest.split(" ", 3)
            structs[-1][2].append((int(offset), int(position), int(length), name))
        else:
            place, rva, name = rest.split(" ", 2)
            section, offset = place.split(":")
            entry = (word, int(section), int(offset), name)
            (functions if word == "function" else symbols).append((*entry, rva))
    return identity, symbols, functions, sorted(structs)


def agrees(path):
    """Symbols, functions and types; RVAs by the image's sections."""
    identity, symbols, functions, structs = own(path)
    wanted, references = oracle_symbols(path)
    summary = pdbutil(path, "--summary")
    guid = re.search(r"GUID: \{([0-9A-F-]+)\}", summary)[1].replace("-", "")
    equal(identity[0].split("-")[0], guid, "GUID")
    equal(identity[1], re.search(r"Age: (\d+)", summary)[1], "age of the info stream")
    equal(sorted(s[:4] for s in symbols), wanted, "symbols")
    equal(sorted(f[3] for f in functions), references, "functions")
    # a label in assembler code is referred to like a function, and is none
    check(sum(f[4] == "-" for f in functions) <= 1, "functions without an address")
    equal(structs, oracle_types(path), "structures")
    sections = [int(rva, 16) for rva in
                re.findall(r"^\s+([0-9A-F]+) virtual address$", pdbutil(path, "--section-headers"),
                           re.MULTILINE)]  # fmt: skip
    check(sections, "llvm-pdbutil names no sections")
    for kind, section, offset, name, rva in symbols + functions:
        if 0 < section <= len(sections):
            equal(rva, f"{sections[section - 1] + offset:x}", f"RVA of {kind} {name}")
    return f"{len(symbols)} symbols, {len(functions)} functions, {len(structs)} structures"


def made_agrees(machine):
    with scratch() as directory:
        # more members than one list can hold
        members = " ".join(f"int member_{'x' * 40}_{i};" for i in range(3000))
        pdb = make_pdb(directory, machine, filling=f"struct wide {{ {members} }} wide;")
        check("LF_INDEX" in pdbutil(pdb, "--types"), "no list of members goes on in another")
        words = agrees(pdb)
        pointer = 4 if machine == "x86" else 8
        for struct_name, member, want in [
            ("outer", "x", "0 0 0 8"), ("outer", "in.c", "12 3 29 4"),
            ("outer", "next", f"16 0 0 {pointer}"), ("outer", "in", "8 0 0 0"), ("later", "o", None),
            ("later", "last.f", None), ("outer", "un.w.hi", None), ("later", "z", None),
        ]:  # fmt: skip
            got = run([PDB_DUMP, pdb, struct_name, member]).stdout.decode().strip()
            check(want is None or got == want, f"{struct_name}.{member}: {got}")
            width = {"un.w.hi": "2", "last.f": "8", "z": "4", "o": "0"}.get(member)
            check(width is None or got.split()[3] == width, f"{struct_name}.{member}: {got}")
    return words


def real_pdb_ages():
    """A PDB that a later build wrote over is none of the binary's, whatever its GUID."""
    other = []
    with open(data("drivers", "INDEX.tsv"), encoding="utf-8") as file:
        rows = [line.rstrip("\n").split("\t") for line in file][1:]
    for row in rows:
        if row[9]:
            identity = own(data("drivers", row[9]))[0][0]
            equal(identity.split("-")[0], row[8].split("-")[0], row[9])
            if identity != row[8]:
                other.append(row[0])
    check("kprocesshacker__x64__5323d3bc.sys" in other and
          "kprocesshacker__x64__7994047e.sys" in other, "age 9 matches age 5")  # fmt: skip
    return f"{len(other)} of the ten are of another age than their binaries"


# -- processor time


def milliseconds(command, want=(0,)):
    """The least processor time of five runs: what else the machine does is not counted."""
    times = []
    for _ in range(5):
        child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                 stderr=subprocess.DEVNULL)  # fmt: skip
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        check(child.returncode in want, f"exit status {child.returncode} of {command}")
        times.append((usage.ru_utime + usage.ru_stime) * 1000)
    return min(times)


def large_case(directory):
    """As make_case(), with a PDB of more than 20 MB."""
    filling = "\n".join(f"int variable_of_a_rather_long_name_{i:06d}_{i * 2654435761 % 2**32:08x} = {i};"
                        for i in range(135000))  # fmt: skip
    return make_case(directory, filling=filling, level="-O0")


def large_pdb_in_time():
    with scratch() as directory:
        pdb, _, dump, _ = large_case(directory)
        size = os.path.getsize(pdb)
        check(size > 20e6, f"the PDB has only {size} bytes")
        took = milliseconds([PDB_DUMP, pdb, "--time"])
        plain = milliseconds([POOLSCOPE, "info", dump, "--symbols", "none"], want=(0, 1))
        added = milliseconds([POOLSCOPE, "info", dump, "--symbols", pdb], want=(0, 1)) - plain
    check(took < PDB_LIMIT, f"{took:.0f} ms for the publics of {size} bytes")
    check(added < LOOKUP_LIMIT, f"{added:.0f} ms for all that is asked of {size} bytes")
    return f"{took:.0f} ms for the publics of {size / 1e6:.1f} MB, {added:.0f} ms more for `info`"


# -- a kernel with a PDB


def kernel_recipe(pdb):
    rvas = {s[3].removeprefix("_"): int(s[4], 16) for s in own(pdb)[1]
            if s[0] == "public" and s[4] != "-"}  # fmt: skip
    placed = "\n".join(f"global {name} {rvas[name]:#x}"
                       for name in [*PLACED, "ExPoolTagTables", *KEYS] if name in rvas)  # fmt: skip
    return placed, own(pdb)[0][0]


def make_case(directory, lines="", pdb_of=None, machine="x64", family="10-17763-x64", **how):
    """A PDB and a dump of the kernel that it describes."""
    pdb = make_pdb(directory, machine, **how)
    placed, identity = kernel_recipe(pdb)
    guid, age = (pdb_of or identity).split("-")
    recipe = (f"include family-{family}.recipe\nkernel-size 0xA71000\n{placed}\n"
              f"kernel-pdb ntkrnlmp.pdb {guid} {age}\n{lines}\n")  # fmt: skip
    dump, true = make_dump(recipe, directory, seed=7)
    return pdb, identity, dump, true


def poolscope(*arguments, want=(0, 1), environment=None):
    clean = {k: v for k, v in os.environ.items()
             if k not in ("POOLSCOPE_SYMBOLS", "_NT_SYMBOL_PATH", "XDG_CACHE_HOME")}  # fmt: skip
    return run([POOLSCOPE, *arguments], want=want, timeout=60,
               env=dict(clean, HOME="/nonexistent", **(environment or {})))


def analyze(dump, *arguments, want=(0, 1), environment=None):
    done = poolscope("analyze", dump, "--json", *arguments, want=want, environment=environment)
    return done.returncode, json.loads(done.stdout)


def used(report):
    return report["system"]["symbols"]["used"]


def figures(report):
    """What must be the same whichever way the tables were found."""
    return [report["pool"]["tags"], report["pool"]["totals"]["nonpaged_bytes"],
            report["pool"]["totals"]["paged_bytes"], report["pool"]["big_pages"]["by_tag"]]


def finds_pdb():
    """In the layout of a symbol store, beside other files, by every way to name the folder."""
    with scratch() as directory:
        pdb, identity, dump, true = make_case(directory)
        store = os.path.join(directory, "store")
        target = os.path.join(store, "ntkrnlmp.pdb", identity.replace("-", ""))
        os.makedirs(target)
        shutil.copy(pdb, target)
        flat = os.path.join(directory, "flat")
        os.makedirs(flat)
        shutil.copy(pdb, os.path.join(flat, "NtKrnlMp.PDB"))
        status, plain = analyze(dump)
        equal(used(plain), None, "a source without symbols")
        for arguments, environment in [
            (["--symbols", store], {}), (["--symbols", flat], {}), (["--symbols", pdb], {}),
            (["--symbols", f"srv*{store}*https://msdl.example/download"], {}),
            ([], {"POOLSCOPE_SYMBOLS": store}),
            ([], {"_NT_SYMBOL_PATH": f"cache*C:\\sym;srv*\\\\server\\share*{store};/nonexistent"}),
            ([], {"_NT_SYMBOL_PATH": f"SRV*symsrv.dll*{flat}*http://x/y"}),
        ]:  # fmt: skip
            status, report = analyze(dump, *arguments, environment=environment)
            check(used(report).startswith("PDB "), f"{arguments} {environment}: {used(report)}")
            check("symbols (PDB " in report["system"]["located_by"], "located_by")
            equal(figures(report), figures(plain), "figures")
            equal(report["system"]["notes"], plain["system"]["notes"], "notes")
            truth.compare_all(report, status, true)
        _, report = analyze(dump, "--symbols", "none", environment={"POOLSCOPE_SYMBOLS": store})
        equal(used(report), None, "--symbols none")


def other_machine(machine, family, debug):
    """Public names of x86 are decorated."""
    with scratch() as directory:
        pdb, _, dump, true = make_case(directory, machine=machine, family=family, debug=debug)
        publics = {s[3] for s in own(pdb)[1] if s[0] == "public"}
        equal("_PoolTrackTable" in publics, machine == "x86", "decoration")
        status, report = analyze(dump, "--symbols", pdb)
        check(used(report).startswith("PDB "), used(report))
        check("symbols (PDB " in report["system"]["located_by"], "located_by")
        equal(report["system"]["notes"], analyze(dump)[1]["system"]["notes"], "notes")
        truth.compare_all(report, status, true)


def how_found(report):
    return report["system"]["located_by"]


def without_kdbg(family, machine, place):
    """Symbols stand for KDBG; without them the structure does, and both say the same."""
    with scratch() as directory:
        pdb, _, dump, true = make_case(directory, "container raw-sparse\nkdbg none",
                                       family=family, machine=machine)  # fmt: skip
        status, report = analyze(dump, "--symbols", pdb)
        found = how_found(report)
        check(f"KDBG: none in memory; {place};" in found and "symbols (PDB " in found, found)
        equal(report["system"]["kdbg"], None, "kdbg")
        truth.compare_all(report, status, true)
        _, plain = analyze(dump)
        check("no symbols used" in how_found(plain), how_found(plain))
        equal(figures(report), figures(plain), "figures")


def encoded_kdbg():
    """The keys as symbols name them, first; the code's where those are wrong; then known plaintext."""
    with scratch() as directory:
        pdb, identity, dump, true = make_case(
            directory, "container raw-sparse\nkdbg encoded", filling=KEY_VARIABLES)
        guid, age = identity.split("-")
        rvas = {s[3]: int(s[4], 16) for s in own(pdb)[1] if s[0] == "public" and s[4] != "-"}
        table = os.path.join(directory, identity + ".json")

        def isf(**changed):
            names = {name: {"address": rvas[name]} for name in [*PLACED, *KEYS]} | changed
            with open(table, "w", encoding="ascii") as file:
                json.dump({"metadata": {"windows": {"pdb": {"GUID": guid, "age": int(age),
                           "database": "ntkrnlmp.pdb"}}}, "symbols": names}, file)  # fmt: skip

        _, plain = analyze(dump)
        by_code = "KDBG: decoded with the keys that KdCopyDataBlock uses"
        check(by_code in how_found(plain), how_found(plain))
        wrong = {"address": rvas["PsLoadedModuleList"]}
        for source, changed, words in [
            (pdb, {}, "KDBG: decoded with the keys that symbols name"),
            (table, {}, "KDBG: decoded with the keys that symbols name"),
            (table, {"KiWaitNever": wrong}, by_code),
            (table, {"KiWaitAlways": {"address": 0xfffffff8}}, by_code),
            (table, {"KdpDataBlockEncoded": {"address": 0x7fffffff}}, by_code),
            (table, {"KdDebuggerDataBlock": wrong}, by_code),
            (table, {"KdDebuggerDataBlock": {"address": 0xfffffff0}}, by_code),
        ]:  # fmt: skip
            isf(**changed)
            status, report = analyze(dump, "--symbols", source)
            check(words in how_found(report) and "tag tables: symbols (" in how_found(report),
                  f"{changed}: {how_found(report)}")  # fmt: skip
            equal(report["system"]["kdbg"], plain["system"]["kdbg"], f"KDBG with {changed}")
            equal(figures(report), figures(plain), f"figures with {changed}")
            truth.compare_all(report, status, true)


def encoded_kdbg_of_a_known_build():
    with scratch() as directory:
        dump, true = make_dump("include known-build-encoded.recipe\nkernel-code none\n", directory,
                               seed=3)  # fmt: skip
        for arguments, words in [([], "decoded with the keys that symbols name"),
                                 (["--no-known-builds"], "decoded by known plaintext")]:  # fmt: skip
            status, report = analyze(dump, *arguments)
            check("KDBG: " + words in how_found(report), how_found(report))
            truth.compare_all(report, status, true)


# -- names of drivers' functions

PROCEDURE = re.compile(r"S_[GL]PROC32(?:_ID)? \[size = \d+\] `(.*)`\n.*addr = (\d+):(\d+), code size = (\d+)")  # fmt: skip


def procedures(path):
    """RVA, size and name of every function, by llvm-pdbutil."""
    sections = [int(rva, 16) for rva in
                re.findall(r"^\s+([0-9A-F]+) virtual address$", pdbutil(path, "--section-headers"),
                           re.MULTILINE)]  # fmt: skip
    return [(sections[int(section) - 1] + int(offset), int(size), name)
            for name, section, offset, size in PROCEDURE.findall(pdbutil(path, "--symbols"))]


def evidence_of(report):
    for owner in report["owners"]:
        for candidate in owner["candidates"]:
            yield from (e for e in candidate["evidence"] if e["rva"] is not None)


def driver_rows():
    with open(data("drivers", "INDEX.tsv"), encoding="utf-8") as file:
        rows = [line.rstrip("\n").split("\t") for line in file][1:]
    return [(data("drivers", row[0]), row[8], data("drivers", row[9])) for row in rows if row[9]]


def store_of(directory, path, identity):
    """The PDB in a store of its own, under the identity that its driver asks for."""
    headers = tool("llvm-readobj-14", "--coff-debug-directory", path).stdout.decode()
    name = re.search(r"PDBFileName: (?:.*[\\/])?(.+)", headers)[1].strip()
    folder = os.path.join(directory, name, identity.replace("-", ""))
    os.makedirs(folder)
    return os.path.join(folder, name)


def functions_of_drivers():
    """Every place in the ten drivers that have a PDB: the function that llvm-pdbutil has there."""
    named, others = 0, 0
    for driver, identity, pdb in driver_rows():
        with scratch() as directory:
            shutil.copy(pdb, store_of(directory, driver, identity))
            done = poolscope("owners", "--drivers", driver, "--symbols", directory, "--json")
            report = json.loads(done.stdout)
            truth.validate(report)
            places = list(evidence_of(report))
            check(places, f"{driver}: no evidence")
            notes = [n for owner in report["owners"] for n in owner["notes"]]
            if own(pdb)[0][0] != identity:
                others += 1
                check(all(p["function"] is None for p in places), f"{driver}: names of another build")
                check(len(notes) == 1 and f"the driver's is {identity}" in notes[0], f"{notes}")
                continue
            equal(notes, [], driver)
            known = procedures(pdb)
            for place in places:
                wanted = [f"{name}+{place['rva'] - rva:#x}".removesuffix("+0x0")
                          for rva, size, name in known if rva <= place["rva"] < rva + size]  # fmt: skip
                if wanted:
                    check(place["function"] in wanted, f"{driver} {place['rva']:#x}: "
                          f"{place['function']}, not {wanted}")  # fmt: skip
                    check(f"at {wanted[0]} (" in place["text"] or len(wanted) > 1, place["text"])
                    named += 1
    check(named > 300 and others == 5, f"{named} places named, {others} drivers of another age")
    return f"{named} places, {others} PDBs of another age named"


def wrappers_are_named():
    """In text and CSV too; with the file named, and in the environment."""
    driver, identity, pdb = next(r for r in driver_rows() if "x64__ee45227b" in r[0])
    del identity
    done = poolscope("owners", "--drivers", driver, "--symbols", pdb, "--tag", "KpA0")
    words = " ".join(done.stdout.decode().split())
    name = os.path.basename(driver)
    check(f"at KphpAlpcCommunicationNamesInfo+0xca ({name}+0xa90a, PAGE), through the wrapper "
          f"KphAllocatePaged ({name}+0xa074)" in words, words)  # fmt: skip
    done = poolscope("owners", "--drivers", driver, "--csv", environment={"_NT_SYMBOL_PATH": pdb})
    check(",PAGE,KphpAlpcCommunicationNamesInfo+0xca," in done.stdout.decode(), "CSV")
    plain = poolscope("owners", "--drivers", driver, "--symbols", "none", "--tag", "KpA0")
    check("Kphp" not in plain.stdout.decode(), "names without symbols")


def unusable_driver_pdbs():
    """One note that names the file, and the same answer as without."""
    driver, identity, pdb = next(r for r in driver_rows() if "x64__ee45227b" in r[0])
    plain = json.loads(poolscope("owners", "--drivers", driver, "--symbols", "none", "--json").stdout)
    with scratch() as directory:
        bad = store_of(directory, driver, identity)
        for name, contents in damaged_pdbs(pdb):
            with open(bad, "wb") as file:
                file.write(contents)
            done = poolscope("owners", "--drivers", driver, "--symbols", directory, "--json")
            report = json.loads(done.stdout)
            notes = [n for owner in report["owners"] for n in owner["notes"]]
            check(len(notes) == 1 and bad[-60:] in notes[0], f"{name}: {notes}")
            equal([(e["rva"], e["text"], e["function"]) for e in evidence_of(report)],
                  [(e["rva"], e["text"], None) for e in evidence_of(plain)], name)  # fmt: skip


# -- layouts

# What mkdump's `structures rearranged` writes: no Windows has them.
STRUCTURES = {
    "_POOL_TRACKER_TABLE": """
        int Key; int pad; unsigned long long NonPagedAllocs, NonPagedFrees, NonPagedBytes, gap,
        PagedAllocs, PagedFrees, PagedBytes, end;""",
    "_POOL_TRACKER_BIG_PAGES": """
        volatile unsigned long long Va, gap; unsigned Key; unsigned Pattern : 8, PoolType : 12,
        SlushSize : 12; unsigned long long NumberOfBytes, ProcessBilled;""",
    "_KLDR_DATA_TABLE_ENTRY": """
        void *InLoadOrderLinks[2], *gap[4], *DllBase, *EntryPoint; unsigned SizeOfImage;
        void *between; struct { unsigned short Length, MaximumLength; void *Buffer; } BaseDllName,
        FullDllName; char rest[0x34]; unsigned TimeDateStamp; void *last;""",
}  # fmt: skip
TRACKER, BIG, LOADED = STRUCTURES


def structures(**changed):
    """C of the structures; `changed`: another body for one of them."""
    bodies = STRUCTURES | {"_" + name: body for name, body in changed.items()}
    return "\n".join(f"struct {name} {{ {body} }} variable{number};"
                     for number, (name, body) in enumerate(bodies.items()) if body)  # fmt: skip


def layouts(report):
    return {entry["structure"]: entry["used"] for entry in report["system"]["symbols"]["layouts"]}


def own_layouts():
    """A kernel that only its symbols can tell how to read; as PDB, as ISF, as entry of the cache."""
    with scratch() as directory:
        pdb, identity, dump, true = make_case(directory, "structures rearranged",
                                              filling=structures())  # fmt: skip
        environment = {"XDG_CACHE_HOME": directory}
        poolscope("symbols", "add", pdb, want=(0,), environment=environment)
        for arguments, environment in [(["--symbols", pdb], {}), ([], environment)]:
            status, report = analyze(dump, *arguments, environment=environment)
            equal(report["pool"]["tracker"]["entry_size"], 0x48, "tag entries")
            equal(report["pool"]["big_pages"]["entry_size"], 0x28, "big-page entries")
            equal(layouts(report), dict.fromkeys(STRUCTURES, True), "layouts")
            equal(report["system"]["notes"] + report["pool"]["notes"], [], "notes")
            truth.compare_all(report, status, true)
        words = poolscope("symbols", "check", dump, "--symbols", pdb).stdout.decode()
        check(f"Layouts   by these symbols: {LOADED}" in words, words)
        words = poolscope("info", dump, "--symbols", pdb).stdout.decode()
        check("72 bytes, hash A, laid out as symbols have it" in " ".join(words.split()), words)
        equal(analyze(dump)[1]["pool"]["tracker"], None, "the tag table without symbols")


def refused(report, name, words):
    notes = [n for n in report["system"]["notes"] if f"the layout of {name} in " in n]
    equal(len(notes), 1, f"{name}: notes {report['system']['notes']}")
    check(words in notes[0] and "the built-in one is" in notes[0], f"{name}: {notes[0]}")
    equal(layouts(report).get(name), False, f"{name} in layouts")


def senseless_layouts():
    """Each wrong layout is one note that names the file, and the figures stay what they are."""
    long = "unsigned long long "
    cases_of = [
        (TRACKER, f"int Key; {long} NonPagedAllocs, NonPagedFrees, NonPagedBytes;",
         "PagedAllocs is missing"),
        (TRACKER, f"{long} NonPagedBytes, NonPagedAllocs, NonPagedFrees, PagedBytes, PagedAllocs, "
         "PagedFrees; int Key;", "does not begin with Key"),
        (TRACKER, f"int Key; {long} NonPagedBytes, NonPagedFrees, NonPagedAllocs, PagedBytes, "
         "PagedFrees, PagedAllocs;", "frees stand before allocations"),
        (TRACKER, f"int Key; {long} PagedBytes, PagedAllocs, PagedFrees, NonPagedBytes, "
         "NonPagedAllocs, NonPagedFrees;", "paged counters stand before"),
        (TRACKER, f"int Key; {long} NonPagedAllocs, NonPagedFrees, NonPagedBytes, PagedAllocs, "
         "PagedFrees, PagedBytes;", "the sums that it gives are impossible"),
        (TRACKER, f"int Key; {long} NonPagedBytes, NonPagedAllocs, NonPagedFrees, PagedBytes, "
         "PagedAllocs, PagedFrees, more[3];", "no tag table follows it"),
        (TRACKER, f"int Key; {long} NonPagedBytes, NonPagedAllocs, NonPagedFrees, PagedBytes, "
         "PagedAllocs, PagedFrees, more[100];", "it cannot take"),
        (TRACKER, f"int Key; short NonPagedAllocs, NonPagedFrees; {long} NonPagedBytes, PagedAllocs, "
         "PagedFrees, PagedBytes;", "NonPagedAllocs has a width"),
        (TRACKER, f"int Key; union {{ {long} NonPagedAllocs, NonPagedFrees; }}; {long} NonPagedBytes, "
         "PagedAllocs, PagedFrees, PagedBytes;", None),
        (BIG, f"{long} Va; int Key; unsigned PoolType : 12, rest : 20; {long} NumberOfBytes;",
         "the bits of the type are at another place"),
        (BIG, f"{long} Va; int Key; unsigned a : 8, PoolType : 12, b : 12; {long} c, NumberOfBytes;",
         "no big-page table follows it"),
        (BIG, f"int Key, a; {long} Va; unsigned b : 8, PoolType : 12, c : 12; {long} NumberOfBytes;",
         "does not begin with Va"),
        (LOADED, "void *InLoadOrderLinks[2], *DllBase, *a[4]; unsigned SizeOfImage; struct { void *b[2]; } "
         "FullDllName, BaseDllName;", "the first module is not the kernel"),
        (LOADED, "void *a[2], *InLoadOrderLinks[2], *b[2], *DllBase; unsigned SizeOfImage; struct { void "
         "*c[2]; } FullDllName, BaseDllName;", "does not begin with InLoadOrderLinks"),
        ("_POOL_HEADER", "unsigned PreviousSize : 8, PoolIndex : 8, BlockSize : 8, PoolType : 8, PoolTag;",
         "another size"),
        ("_POOL_HEADER", "unsigned PreviousSize : 4, a : 4, BlockSize : 4, b : 4, PoolType : 8, c : 8, "
         "PoolTag, d[2];", "bits that they cannot have"),
        ("_POOL_DESCRIPTOR", f"char a[0x200]; {long} BytesAllocated, BytesDeallocated;", "far from the others"),
        ("_MM_PAGED_POOL_INFO", f"{long} MaximumSize;", "AllocatedPagedPool is missing"),
    ]  # fmt: skip
    with scratch() as directory:
        none = dict.fromkeys((name[1:] for name in STRUCTURES), None)
        for name, body, words in cases_of:
            pdb, _, dump, true = make_case(directory, filling=structures(**{**none, name[1:]: body}))
            status, report = analyze(dump, "--symbols", pdb)
            if words:
                refused(report, name, words)
            equal(figures(report), figures(analyze(dump)[1]), f"{name} {words}")
            truth.compare_all(report, status, true)
    return f"{len(cases_of)} layouts"


def impossible_numbers():
    """What no compiler writes: members outside, one on another, unaligned, of impossible width."""
    with scratch() as directory:
        pdb, identity, dump, true = make_case(directory)
        _, plain = analyze(dump)
        guid, age = identity.split("-")
        rvas = {s[3]: int(s[4], 16) for s in own(pdb)[1] if s[0] == "public" and s[4] != "-"}
        offsets = {"Key": 0, "NonPagedBytes": 8, "NonPagedAllocs": 16, "NonPagedFrees": 24,
                   "PagedBytes": 32, "PagedAllocs": 40, "PagedFrees": 48}  # fmt: skip
        path = os.path.join(directory, "ntkrnlmp.json")
        for changed, size, words in [
            ({}, 0x38, None),
            ({"PagedFrees": 0x38}, 0x38, "PagedFrees reaches beyond its end"),
            ({"PagedFrees": 0xfffffff8}, 0x38, "PagedFrees reaches beyond its end"),
            ({"PagedFrees": 0xffffffffffffffff}, 0x38, "PagedFrees is missing"),
            ({"PagedFrees": 44}, 0x38, "PagedFrees is not aligned"),
            ({"NonPagedFrees": 16}, 0x38, "NonPagedFrees lies on NonPagedAllocs"),
            ({}, 0, "it cannot take 0 bytes"), ({}, 0xffffffff, "it cannot take 4294967295 bytes"),
            ({}, 0x39, "it cannot take 57 bytes"), ({}, 0x30, "PagedFrees reaches beyond its end"),
        ]:  # fmt: skip
            fields = {name: {"offset": offset, "type": {"kind": "base", "name": "u4" if name == "Key" else "u8"}}
                      for name, offset in (offsets | changed).items()}  # fmt: skip
            with open(path, "w", encoding="ascii") as file:
                json.dump({"base_types": {"u4": {"size": 4}, "u8": {"size": 8}},
                           "metadata": {"windows": {"pdb": {"GUID": guid, "age": int(age, 16),
                                                            "database": "ntkrnlmp.pdb"}}},
                           "symbols": {n: {"address": a} for n, a in rvas.items()},
                           "user_types": {TRACKER: {"kind": "struct", "size": size, "fields": fields}}},
                          file)  # fmt: skip
            status, report = analyze(dump, "--symbols", path)
            if words:
                refused(report, TRACKER, words)
            else:
                equal(layouts(report), {TRACKER: True}, "layouts")
            equal(figures(report), figures(plain), f"{changed} {size:#x}")
            truth.compare_all(report, status, true)
            run([CHECKED_GLOBALS, dump, path], timeout=60)


# -- sources that cannot be used


def passed_over(directory, dump, plain, place, words, name):
    """One note that names the file, and the same figures as without."""
    status, report = analyze(dump, "--symbols", place)
    notes = [n for n in report["system"]["notes"] if "symbols not used" in n]
    equal(len(notes), 1, f"{name}: notes {notes}")
    check(words in notes[0], f"{name}: {notes[0]}")
    equal(used(report), None, name)
    equal(figures(report), figures(plain), name)
    check(status in (0, 1), name)


def damaged_pdbs(pdb):
    """Name, contents."""
    with open(pdb, "rb") as file:
        good = file.read()
    block, _, count, size, _, at = struct.unpack_from("<6I", good, 0x20)
    yield "empty", b""
    yield "text", b"no PDB at all\n"
    for part in (3, 40, 60, 90):
        yield f"cut at {part} %", good[:len(good) * part // 100]
    yield "directory in itself", good[:at * block] + struct.pack("<I", at) * (block // 4) + \
        good[(at + 1) * block:]  # fmt: skip
    yield "directory of 4 GB", good[:0x2c] + struct.pack("<I", 0xfffffff0) + good[0x30:]
    yield "blocks of 3 bytes", good[:0x20] + struct.pack("<I", 3) + good[0x24:]
    directory = struct.unpack_from("<I", good, at * block)[0] * block
    streams = struct.unpack_from("<I", good, directory)[0]
    lists = directory + 4 + 4 * streams
    same = bytearray(good)
    for i in range(lists, directory + size, 4):  # every stream begins again and again
        struct.pack_into("<I", same, i, 3)
    yield "streams of one block", bytes(same)


def unusable_pdbs():
    with scratch() as directory:
        pdb, identity, dump, _ = make_case(directory)
        _, plain = analyze(dump)
        place = os.path.join(directory, "place")
        os.makedirs(place)
        bad = os.path.join(place, "ntkrnlmp.pdb")
        for name, contents in damaged_pdbs(pdb):
            with open(bad, "wb") as file:
                file.write(contents)
            passed_over(directory, dump, plain, place, bad, name)
        with open(pdb, "rb") as file:
            good = file.read()
        guid = bytes.fromhex(identity[:8])[::-1]
        with open(bad, "wb") as file:
            file.write(good.replace(guid, b"\1\2\3\4"))
        passed_over(directory, dump, plain, place, "is for 04030201", "another GUID")
        _, _, aged, _ = make_case(directory, pdb_of=identity.split("-")[0] + "-2")
        shutil.copy(pdb, bad)
        passed_over(directory, aged, plain, place, f"{identity}, and the kernel is", "another age")


def hostile_types():
    """A member list that goes on in itself; every byte of the type stream's head changed."""
    with scratch() as directory:
        pdb = make_pdb(directory)
        with open(pdb, "rb") as file:
            good = file.read()
        at = good.find(struct.pack("<H", 0x150d) + struct.pack("<H", 3))
        check(at > 0, "no member in the PDB")
        index = int(re.search(r"(0x[0-9A-F]+) \| LF_FIELDLIST", pdbutil(pdb, "--types"))[1], 16)
        path = os.path.join(directory, "bad.pdb")
        end = good.index(b"\0", at + 10) + 1
        loop = good[:at] + struct.pack("<HHI", 0x1404, 0, index)
        loop += b"\xf1" * (end - len(loop)) + good[end:]
        with open(path, "wb") as file:
            file.write(loop)
        done = run([CHECKED_DUMP, path], want=(1,))
        check("a list of members has no end" in done.stderr.decode(), done.stderr.decode())
        variants = []
        for i in range(0, 120):
            where = (at + i * 7919) % len(good)
            variants.append(good[:where] + bytes([good[where] ^ 0xff]) + good[where + 1:])
        for variant in variants:
            with open(path, "wb") as file:
                file.write(variant)
            done = run([CHECKED_DUMP, path], want=(0, 1), timeout=20)
            words = done.stderr.decode("utf-8", "replace").strip()
            check(done.returncode == 0 or len(words.splitlines()) == 1, words[-2000:])


def bad_isfs(guid, age):
    """Ending, contents, words: GUID and age are the kernel's."""
    def text(guid):
        pdb = {"GUID": guid, "age": int(age, 16), "database": "ntkrnlmp.pdb"}
        return json.dumps({"metadata": {"windows": {"pdb": pdb}}, "symbols": {}}).encode()

    table = text(guid)
    packed = lzma.compress(table)
    return [
        ("json", b"[" * 100000, "too deeply"),
        ("json", b'{"a":' * 100000, "too deeply"),
        ("json", table[:-5], "too early"),
        ("json", b"not JSON", "no JSON"),
        ("json", b"{}", "names no Windows PDB"),
        ("json", text("0" * 32), "is for 0000"),
        ("json.xz", packed[:-9], "too early"),
        ("json.xz", packed[:40] + b"\0\0\0\0" + packed[44:], "damaged"),
        ("json.gz", gzip.compress(table)[:-12], "too early"),
        ("json.gz", gzip.compress(b" " * 140_000_000, 1), "unpacks to more"),
        ("json.xz", lzma.compress(b'{"' + b"x" * 140_000_000, preset=0), "unpacks to more"),
    ]


def unusable_isfs():
    """Deep, huge, cut off, of another kernel, no JSON: one note each, in bounded time."""
    with scratch() as directory:
        _, identity, dump, _ = make_case(directory)
        _, plain = analyze(dump)
        for number, (end, contents, words) in enumerate(bad_isfs(*identity.split("-"))):
            place = os.path.join(directory, f"place{number}")
            os.makedirs(place)
            with open(os.path.join(place, "ntkrnlmp." + end), "wb") as file:
                file.write(contents)
            started = time.monotonic()
            passed_over(directory, dump, plain, place, words, f"{end} {words}")
            check(time.monotonic() - started < 20, f"{end} {words} takes long")
            run([CHECKED_GLOBALS, dump, place], timeout=60)


def wrong_addresses():
    """A source of the right name that leads elsewhere is said, and the next one is taken."""
    with scratch() as directory:
        pdb, identity, dump, true = make_case(directory)
        _, plain = analyze(dump)
        guid, age = identity.split("-")
        rvas = {name: 0x4000 + 8 * i for i, name in enumerate(PLACED)}
        rvas.pop("PsLoadedModuleList")
        table = {"metadata": {"windows": {"pdb": {"GUID": guid.lower(), "age": int(age, 16),
                                                  "database": "ntkrnlmp.pdb"}}},
                 "user_types": {}, "symbols": {n: {"address": a} for n, a in rvas.items()}}
        place = os.path.join(directory, "wrong")
        os.makedirs(place)
        path = os.path.join(place, identity + ".json")
        with open(path, "w", encoding="ascii") as file:
            json.dump(table, file)
        passed_over(directory, dump, plain, place, path[-60:], "wrong addresses")
        table["symbols"]["PsLoadedModuleList"] = {"address": 0x5000}
        with open(path, "w", encoding="ascii") as file:
            json.dump(table, file)
        passed_over(directory, dump, plain, place, "no list of this kernel's modules", "wrong list")
        result = analyze(dump, "--symbols", place)[1]["system"]["symbols"]["sources"]
        equal([s["result"] for s in result if s["source"] == "ISF"], ["wrong"], "result")


def partly_wrong_addresses():
    """Of a source whose PoolTrackTable is right, each other variable is proved as well."""
    with scratch() as directory:
        pdb, identity, dump, true = make_case(directory)
        _, plain = analyze(dump)
        guid, age = identity.split("-")
        rvas = {s[3]: int(s[4], 16) for s in own(pdb)[1] if s[0] == "public" and s[4] != "-"}
        path = os.path.join(directory, "ntkrnlmp.json")
        for name, other, words in [
            ("ExPoolTagTables", "PoolBigPageTable", "ExPoolTagTables by symbols"),
            ("PoolBigPageTable", "PoolTrackTable", "PoolBigPageTable by symbols"),
            ("PoolBigPageTableSize", "PoolTrackTableMask", None),
            ("PoolTrackTableExpansionSize", "PoolTrackTable", None),
            ("PoolTrackTableSize", "PoolBigPageTableSize", "PoolTrackTableSize and Mask"),
        ]:  # fmt: skip
            wrong = dict(rvas, **{name: rvas[other]})
            pdb_of = {"GUID": guid, "age": int(age, 16), "database": "ntkrnlmp.pdb"}
            with open(path, "w", encoding="ascii") as file:
                json.dump({"metadata": {"windows": {"pdb": pdb_of}},
                           "symbols": {n: {"address": a} for n, a in wrong.items()}}, file)
            status, report = analyze(dump, "--symbols", path)
            equal(figures(report), figures(plain), name)
            truth.compare_all(report, status, true)
            notes = report["system"]["notes"] + report["pool"]["notes"]
            check(not words or any(words in note for note in notes), f"{name}: {notes}")


def ten_thousand_files():
    with scratch() as directory:
        pdb, _, dump, _ = make_case(directory)
        place = os.path.join(directory, "many")
        os.makedirs(place)
        for i in range(10000):
            with open(os.path.join(place, f"ntkrnlmp.{i:05d}.pdb" if i % 2 else f"ntk{i}.pdb"),
                      "wb"):  # fmt: skip
                pass
        plain = milliseconds([POOLSCOPE, "info", dump, "--symbols", "none"], want=(0, 1))
        took = milliseconds([POOLSCOPE, "info", dump, "--symbols", place], want=(0, 1)) - plain
        check(took < FOLDER_LIMIT, f"{took:.0f} ms")
        shutil.copy(pdb, os.path.join(place, "ntkrnlmp.pdb"))
        _, report = analyze(dump, "--symbols", place)
        check(used(report).startswith("PDB "), "the PDB among them is not found")
        for i in range(10000):
            os.rename(os.path.join(place, f"ntkrnlmp.{i:05d}.pdb" if i % 2 else f"ntk{i}.pdb"),
                      os.path.join(place, f"ntkrnlmp-{i}.json"))  # fmt: skip
        os.remove(os.path.join(place, "ntkrnlmp.pdb"))
        _, report = analyze(dump, "--symbols", place)
        sources = report["system"]["symbols"]["sources"]
        check(len(sources) < 40 and "name the right one" in sources[0]["words"], str(sources[:2]))
    return f"{took:.0f} ms"


# -- ISF and the cache


def wanted_names():
    with open(NAMES_H, encoding="ascii") as file:
        text = file.read()
    names, fields = text.split("symbol_fields[SYMBOL_FIELD_COUNT] =")
    return (re.findall(r'"(\w+)"', names.split("symbol_names[SYMBOL_COUNT] =")[1]),
            re.findall(r'\{"(\w+)", "?(\w+)"?\}', fields))


def entry_of(table):
    names, fields = wanted_names()
    pdb = table["metadata"]["windows"]["pdb"]
    lines = ["poolscope-symbols 1", f"pdb {pdb['database']} {pdb['GUID']}-{pdb['age']:X}"]
    for name in names:
        address = table["symbols"].get(name, {}).get("address")
        if address:
            lines.append(f"symbol {name} {address:#x}")
    def width(of):
        if of["kind"] == "bitfield":
            return width(of["type"])
        name = {"pointer": "pointer", "base": of.get("name")}.get(of["kind"])
        return table["base_types"][name]["size"] if name else 0

    for kind, name in fields:
        struct_type = table["user_types"].get(kind)
        if struct_type and name == "SYMBOL_SIZE_OF":
            lines.append(f"field {kind} sizeof {struct_type['size']:#x} 0 0 0")
            continue
        field = struct_type["fields"].get(name) if struct_type else None
        if field:
            bits = field["type"] if field["type"]["kind"] == "bitfield" else {}
            lines.append(f"field {kind} {name} {field['offset']:#x} {bits.get('bit_position', 0)} "
                         f"{bits.get('bit_length', 0)} {width(field['type'])}")  # fmt: skip
    return "\n".join([*lines, "end", ""])


def isf_entries():
    """The nine real tables, imported, are what Python's JSON reader makes of them."""
    files = sorted(glob.glob(os.path.join(data("isf"), "*.json.xz")))
    equal(len(files), 9, "tables")
    with scratch() as directory:
        place = os.path.join(directory, "isf")
        os.makedirs(place)
        for number, path in enumerate(files):
            with lzma.open(path) as file:
                text = file.read()
            target = os.path.join(place, os.path.basename(path)[:-3])
            if number % 3 == 0:
                shutil.copy(path, place)
            elif number % 3 == 1:
                with gzip.open(target + ".gz", "wb", 1) as out:
                    out.write(text)
            else:
                with open(target, "wb") as out:
                    out.write(text)
        environment = {"XDG_CACHE_HOME": directory}
        poolscope("symbols", "add", place, want=(0,), environment=environment)
        for path in files:
            with lzma.open(path) as file:
                wanted = entry_of(json.load(file))
            name = os.path.basename(path).split(".")[0] + ".symbols"
            with open(os.path.join(directory, "poolscope", "symbols", name), encoding="ascii") as file:
                equal(file.read(), wanted, name)
        listed = poolscope("symbols", "list", want=(0,), environment=environment).stdout.decode()
        equal(listed.count("ntkrnlmp.pdb"), 9, "entries listed")


def isf_in_time():
    took = []
    with scratch() as directory:
        for path in sorted(glob.glob(os.path.join(data("isf"), "*.json.xz"))):
            guid, age = os.path.basename(path).split(".")[0].split("-")
            recipe = f"include family-10-17763-x64.recipe\nkernel-pdb ntkrnlmp.pdb {guid} {age}\n"
            dump, _ = make_dump(recipe, directory, seed=3)
            plain = milliseconds([POOLSCOPE, "info", dump, "--symbols", "none",
                                  "--no-known-builds"], want=(0, 1))  # fmt: skip
            took.append(milliseconds([POOLSCOPE, "info", dump, "--symbols", path,
                                      "--no-known-builds"], want=(0, 1)) - plain)  # fmt: skip
    check(max(took) < ISF_LIMIT, f"{max(took):.0f} ms")
    return f"{min(took):.0f} to {max(took):.0f} ms for a packed table"


def cached():
    """What was imported answers without the files; a damaged entry is said."""
    with scratch() as directory:
        pdb, identity, dump, _ = make_case(directory)
        environment = {"XDG_CACHE_HOME": directory}
        _, plain = analyze(dump)
        poolscope("symbols", "add", os.path.dirname(pdb), want=(0,), environment=environment)
        _, report = analyze(dump, environment=environment)
        check(used(report).startswith("cache "), used(report))
        equal(figures(report), figures(plain), "figures")
        words = poolscope("symbols", "check", dump, want=(0,), environment=environment)
        check(identity in words.stdout.decode(), words.stdout.decode())
        entry = os.path.join(directory, "poolscope", "symbols", identity + ".symbols")
        with open(entry, encoding="ascii") as file:
            text = file.read()
        for contents in (text[:-4], text.replace("symbol ", "symbol x y ", 1), "", "\0" * 70000):
            with open(entry, "w", encoding="ascii") as file:
                file.write(contents)
            _, report = analyze(dump, environment=environment)
            equal(used(report), None, "a damaged entry")
            check(any(entry[-50:] in n for n in report["system"]["notes"]), "no note names it")


def known_builds():
    """The table in the project is what its program makes of the facts."""
    program = os.path.join(ROOT, "contrib", "known-builds.py")
    made = run([sys.executable, program, data("kernel-rvas.tsv")]).stdout
    with open(os.path.join(ROOT, "analyzer", "kernel", "known_builds.inc"), "rb") as file:
        equal(file.read() == made, True, "known_builds.inc is what known-builds.py makes")


# -- PDBs of rearranged kernels (Windows 7 and before), which no linker here writes


def msf(streams, block=512):
    """An MSF 7.00 file of these streams."""
    blocks = [b"", b"", b""]

    def store(contents):
        first = len(blocks)
        for at in range(0, len(contents), block):
            blocks.append(contents[at:at + block])
        return list(range(first, len(blocks)))

    places = [store(stream) for stream in streams]
    directory = struct.pack("<I", len(streams))
    directory += b"".join(struct.pack("<I", len(stream)) for stream in streams)
    directory += b"".join(struct.pack(f"<{len(p)}I", *p) for p in places)
    map_at = store(struct.pack("<64I", *(store(directory) + [0] * 64)[:64]))[0]
    blocks[0] = b"Microsoft C/C++ MSF 7.00\r\n\x1aDS\0\0\0" + struct.pack(
        "<6I", block, 1, len(blocks), len(directory), 0, map_at)  # fmt: skip
    return b"".join(b.ljust(block, b"\0") for b in blocks)


def symbol_record(kind, head, name):
    body = struct.pack("<H", kind) + head + name.encode() + b"\0"
    return struct.pack("<H", len(body)) + body


def section(rva):
    return struct.pack("<8s8I", b".x", 0x1000, rva, 0, 0, 0, 0, 0, 0)


def moved_pdb(moves):
    """Symbols count from the linker's sections; `moves` maps its RVAs to the image's."""
    info = struct.pack("<III", 20000404, 1, 7) + bytes(range(16))
    records = b"".join([
        symbol_record(0x110e, struct.pack("<IIH", 0, 0x10, 1), "first"),
        symbol_record(0x110e, struct.pack("<IIH", 0, 0x110, 1), "second"),
        symbol_record(0x110d, struct.pack("<IIH", 0, 0x20, 2), "removed"),
        symbol_record(0x110e, struct.pack("<IIH", 0, 0x20, 9), "absolute"),
        struct.pack("<HHIIH", 0x12, 0x1009, 0, 0x114, 1) + b"\x05older",
    ])  # fmt: skip
    debug = struct.pack("<11H", *[0xffff] * 4, 5, 7, *[0xffff] * 4, 6)
    dbi = struct.pack("<iII6H5iI2i2HI", -1, 19990903, 2, 0xffff, 0, 0xffff, 0, 4, 0, 0, 0, 0, 0, 0,
                      0, len(debug), 0, 0, 0x14c, 0)  # fmt: skip
    streams = [b"", info, b"", dbi[:64] + debug, records,
               b"".join(struct.pack("<II", *move) for move in moves),
               section(0x1000) + section(0x2000), section(0x9000)]  # fmt: skip
    return msf(streams)


def moved():
    moves = [(0x1000, 0x5000), (0x1100, 0x3000), (0x2000, 0)]
    with scratch() as directory:
        path = os.path.join(directory, "moved.pdb")
        with open(path, "wb") as file:
            file.write(moved_pdb(moves))
        identity, symbols, _, _ = own(path)
        equal(identity, ["03020100050407060809" + "0A0B0C0D0E0F-2", "7"], "identity")
        equal([(s[3], s[4]) for s in symbols],
              [("first", "5010"), ("second", "3010"), ("removed", "-"), ("absolute", "-"),
               ("older", "3014")], "symbols")  # fmt: skip
        with open(path, "wb") as file:
            file.write(moved_pdb(moves[::-1]))
        done = run([PDB_DUMP, path], want=(1,))
        check("not in order" in done.stderr.decode(), done.stderr.decode())


def cases():
    pdbs = sorted(glob.glob(os.path.join(ROOT, "..", "shared", "data", "drivers", "*.pdb")))
    for path in pdbs:
        yield f"pdb/{os.path.basename(path)}", lambda p=path: agrees(p)
    if not pdbs:
        yield "pdb/real", lambda: data("drivers")
    for machine in MACHINES:
        yield f"pdb/made-{machine}", lambda m=machine: made_agrees(m)
    yield "pdb/moved", moved
    yield "pdb/ages", real_pdb_ages
    yield "pdb/large", large_pdb_in_time
    yield "pdb/hostile", hostile_types
    yield "pdb/found", finds_pdb
    for debug in (True, False):
        kind = "private" if debug else "public"
        yield f"pdb/found-x86-{kind}", lambda d=debug: other_machine("x86", "7-x86-pae", d)
        yield f"pdb/found-arm64-{kind}", lambda d=debug: other_machine("arm64", "10-17763-arm64", d)
    yield "pdb/unusable", unusable_pdbs
    yield "functions/drivers", functions_of_drivers
    yield "functions/wrappers", wrappers_are_named
    yield "functions/unusable", unusable_driver_pdbs
    yield "layouts/own", own_layouts
    yield "layouts/senseless", senseless_layouts
    yield "layouts/impossible", impossible_numbers
    yield "without-kdbg/exported", lambda: without_kdbg(
        "10-17763-x64", "x64", "PsLoadedModuleList is exported")
    yield "without-kdbg/x86", lambda: without_kdbg(
        "7-x86-pae", "x86", "symbols name PsLoadedModuleList")
    yield "encoded-kdbg/keys", encoded_kdbg
    yield "encoded-kdbg/known-build", encoded_kdbg_of_a_known_build
    yield "isf/entries", isf_entries
    yield "isf/in-time", isf_in_time
    yield "isf/unusable", unusable_isfs
    yield "wrong-addresses", wrong_addresses
    yield "partly-wrong-addresses", partly_wrong_addresses
    yield "ten-thousand-files", ten_thousand_files
    yield "cache", cached
    yield "known-builds", known_builds
