"""Processes of made dumps against mkdump's truth: every family of layouts, by the built-in offsets, by
real ISF tables and by the structure of the System process; absent pages, lists that loop or lead
nowhere; and the processes that are in the pages of a real Windows 10."""

import glob
import json
import lzma
import os

import truth
from harness import POOLSCOPE, RECIPES, Skip, check, data, equal, make_dump, poolscope_json, run, scratch
from realdata import raw_image

CROWD = [
    "process System handles=2900 threads=120",
    "process smss.exe pid=300 parent=4 handles=52 threads=2",
    "process csrss.exe pid=400 parent=300 session=0 handles=613 threads=11",
    "process csrss.exe pid=480 parent=300 session=1 handles=702 threads=13",
    "process filewatch.exe pid=5208 parent=480 session=1 holds=cmd.exe threads=7",
    "process abcdefghijklmno.exe pid=6000 parent=480 session=1 handles=0 threads=1",
    "process cmd.exe parent=5208 session=1 exited count=700",
    "process gone.exe parent=480 session=1 exited count=3",
]
# Where neither a row of the built-in table nor a symbol says what a process is.
BY_STRUCTURE = {"family-10-17763-arm64", "family-26100-arm64"}
NO_EXIT_TIME = {10240, 14393}
# Which of the real kernels a table of ../shared/data/isf is for.
VERSIONS = {
    "2E6DEB6CFD444100AC0E803337A56E8E-1": "10.0.14393.5006",
    "339E74133576439CBCDF7E0229DA3773-1": "6.1.7601.24540",
    "3FCC539FF307DD2D9C509206D352B9AA-1": "10.0.19041.867",
    "A211952831047280C099CAEBA1F59EDA-1": "10.0.20348.825",
    "B3E18239FF83427FBBCA75184BDE8388-1": "6.3.9600.20173",
    "BE3E0FF92C7A93433D4A950A037EF656-1": "10.0.18326.778",
    "E0093F3AEF15D58168B753C9488A4043-1": "10.0.18362.418",
    "F469B1218BBA71E9F523244B538BBC55-1": "10.0.17763.4737",
    "FDCBA251C28BD5935DB2F7AEE341482A-1": "10.0.22000.1042",
}


def make(directory, recipe, lines):
    return make_dump(os.path.join(RECIPES, recipe + ".recipe"), directory, lines)


def report(dump, *options):
    status, got = poolscope_json("processes", dump, *options)
    truth.validate(got)
    return status, got["processes"]


def ended(source, system):
    """Does the source say when a process ended, and mkdump write it?"""
    if system["arch"] == "arm64" or system["build"] >= 26100:
        return False
    return system["build"] not in NO_EXIT_TIME or source.startswith("types of")


def compare_one(got, want, by_structure, wanted, source):
    system = wanted["system"]
    name = f"process {want['pid']} {want['name']}"
    equal(got["pid"], want["pid"], name)
    equal(got["name"], want["name"], name)
    equal(got["handles"], want["handles"] if want["table_readable"] else None, f"{name}: handles")
    if by_structure:
        equal(got["state"], "unknown" if want["exited"] else "running", f"{name}: state")
        return
    equal(got["state"], "exited" if want["exited"] else "running", f"{name}: state")
    equal(got["parent"], want["parent"], f"{name}: parent")
    equal(got["threads"], want["threads"], f"{name}: threads")
    equal(got["session"], want["session"] if want["session_readable"] else None, f"{name}: session")
    equal(got["started"], want["created"], f"{name}: started")
    equal(got["ended"], want["ended"] if ended(source, system) else None, f"{name}: ended")
    if want["exited"]:
        equal(got["held_by_handles"], want["held"], f"{name}: handles to it")


def compare(got, wanted, by_structure=False):
    """Every readable process of the truth, exactly once and right; nothing else."""
    rows = {row["address"]: row for row in got["list"]}
    equal(len(rows), len(got["list"]), "different processes")
    there = [want for want in wanted["processes"] if want["readable"]]
    for want in there:
        check(want["address"] in rows, f"no process at {want['address']} ({want['name']})")
        compare_one(rows.pop(want["address"]), want, by_structure, wanted, got["offsets_source"])
    equal(sorted(rows), [], "processes that do not exist")
    if not by_structure:
        equal(got["exited"], sum(want["exited"] for want in there), "exited")
        equal(got["running"], sum(not want["exited"] for want in there), "running")
    return len(there)


def holders(got, wanted, la57):
    """Who has handles to those that have ended."""
    for row in got["list"]:
        if row["state"] == "running" and row["name"] == "filewatch.exe":
            expected = sum(want["name"] == "cmd.exe" for want in wanted["processes"])
            equal(row["holds_exited"], None if la57 else expected, "handles to ended processes")
            return
    check(False, "no filewatch.exe")


def family(recipe):
    def case():
        by_structure = recipe in BY_STRUCTURE
        with scratch() as directory:
            dump, wanted = make(directory, recipe, CROWD)
            status, got = report(dump)
        equal(status, 0, "exit status")
        check(got["complete"], f"the list is not complete: {got['remark']}")
        check(got["same_page_tables"], "System's page tables are not the kernel's")
        source = "structure of the System process" if by_structure else "built-in layout of build "
        check(got["offsets_source"].startswith(source), got["offsets_source"])
        equal(got["handles"], sum(want["handles"] or 0 for want in wanted["processes"]), "handles")
        if not by_structure:
            holders(got, wanted, wanted["system"]["la57"])
            names = [(group["name"], group["count"]) for group in got["ended"]]
            equal(names, [("cmd.exe", 700), ("gone.exe", 3)], "those that have ended")
            equal([group["without_handle"] for group in got["ended"]], [0, 3], "without a handle")
        return f"{compare(got, wanted, by_structure)} processes"

    return case


def service_pack():
    """5.2 on x86 moved EPROCESS with its first service pack."""
    for pack in (0, 1, 2):
        with scratch() as directory:
            dump, wanted = make(directory, "family-2003-x86", [f"service-pack {pack}", *CROWD])
            status, got = report(dump)
        equal(status, 0, "exit status")
        compare(got, wanted)


def unknown_build():
    """A build that no row knows: the System process shows where things are."""
    for recipe in ("family-10-19041-x64", "family-10-19041-x86-pae", "family-22621-x64"):
        with scratch() as directory:
            dump, wanted = make(directory, recipe, ["build 27000", *CROWD])
            status, got = report(dump)
        check(got["offsets_source"], "no source")
        check(status in (0, 1), f"exit status {status}")
        equal(len(got["list"]), len(wanted["processes"]), "processes")


def pages_missing(what):
    """What is not in the dump is not in the list, and the rest is right; nothing is called whole."""

    def case():
        count = 0
        for recipe in ("family-10-19041-x64", "family-7-x86-pae", "family-2003-x64"):
            with scratch() as directory:
                dump, wanted = make(directory, recipe, [*CROWD, *what])
                status, got = report(dump)
            lost = sum(not want["readable"] for want in wanted["processes"])
            check(lost == 0 or not got["complete"], "called complete, with processes absent")
            equal(status, 1, "exit status")
            count += compare_partly(got, wanted)
        return f"{count} processes"

    return case


def compare_partly(got, wanted):
    """Of a list that breaks off: what is reported is right."""
    rows = {want["address"]: want for want in wanted["processes"]}
    for row in got["list"]:
        check(row["address"] in rows, f"a process at {row['address']} that does not exist")
        want = rows[row["address"]]
        equal((row["pid"], row["name"]), (want["pid"], want["name"]), "pid and name")
        check(row["handles"] in (None, want["handles"]), f"handles of {row['pid']}")
        if row["state"] != "unknown":
            equal(row["state"] == "exited", want["exited"], f"state of {row['pid']}")
    return len(got["list"])


def damaged(how):
    def case():
        for recipe in ("family-10-19041-x64", "family-7-x86-pae"):
            with scratch() as directory:
                dump, wanted = make(directory, recipe, [*CROWD, f"process-list {how}"])
                status, got = report(dump)
            compare(got, wanted)
            equal(got["complete"], how == "backlink", "complete")
            equal(status, 0 if how == "backlink" else 1, "exit status")
            check(got["remark"], "nothing is said of it")

    return case


def hostile():
    """A head that leads into itself, to a user address, to nothing: an error that says so."""
    words = {"0": "no page", "0x7FF00000": "", "0xFFFFF78000000000": ""}
    for value in words:
        with scratch() as directory:
            dump, _ = make(directory, "family-10-19041-x64", [*CROWD, f"write PsActiveProcessHead 8 {value}"])
            done = run([POOLSCOPE, "processes", dump], want=(1, 3))
            check(done.stdout or b"PsActiveProcessHead" in done.stderr, done.stderr.decode())


PLACED = ("PsActiveProcessHead", "PsLoadedModuleList", "ExpFreeListCount", "PsInitialSystemProcess")


def places(path):
    """The recipe lines of a kernel that has its variables where the table says."""
    with lzma.open(path) as file:
        table = json.load(file)
    pdb = table["metadata"]["windows"]["pdb"]
    build = VERSIONS[f"{pdb['GUID'].upper()}-{pdb['age']:X}"].split(".")[2]
    there = [name for name in PLACED if name in table["symbols"]]
    return [f"build {build}", f"kernel-pdb ntkrnlmp.pdb {pdb['GUID']} {pdb['age']}",
            *(f"global {name} 0x{table['symbols'][name]['address']:x}" for name in there)]  # fmt: skip


def by_isf(path):
    """The types of a real kernel's symbol table, over the made dump of its build."""

    def case():
        with scratch() as directory:
            dump, wanted = make(directory, "family-10-17763-x64", [*places(path), *CROWD])
            status, got = report(dump, "--symbols", path)
            _, plain = report(dump, "--symbols", "none", "--no-known-builds")
        check(got["offsets_source"].startswith("types of ISF"), got["offsets_source"])
        check(plain["offsets_source"].startswith("built-in layout"), plain["offsets_source"])
        equal(status, 0, "exit status")
        compare(got, wanted)
        equal(strip(plain["list"]), strip(got["list"]), "by the built-in layout and by ISF")

    return case


def strip(rows):
    """What every source knows; some builds keep the time of the end where only symbols say."""
    return [{k: v for k, v in row.items() if k not in ("ended", "ended_note")} for row in rows]


def real_pages():
    """Two of the processes are in the pages; their names and pids were read by hand."""
    status, got = report(raw_image())
    equal(status, 1, "exit status")
    check(not got["complete"], "called complete")
    equal([(row["pid"], row["name"]) for row in got["list"]],
          [(5288, "svchost.exe"), (7088, "cng.exe")], "processes")  # fmt: skip
    equal([row["state"] for row in got["list"]], ["running", "running"], "states")


def cases():
    for path in sorted(glob.glob(os.path.join(RECIPES, "family-*.recipe"))):
        recipe = os.path.basename(path)[: -len(".recipe")]
        yield recipe, family(recipe)
    yield "service-packs-of-2003", service_pack
    yield "unknown-build", unknown_build
    yield "missing-eprocess", pages_missing(["missing process filewatch.exe"])
    yield "missing-system", pages_missing(["missing process System"])
    yield "missing-handle-tables", pages_missing(["missing handle-table filewatch.exe"])
    yield "missing-scattered", pages_missing(["missing process cmd.exe random=7%"])
    for how in ("loop", "nowhere", "backlink"):
        yield f"list-{how}", damaged(how)
    yield "hostile-heads", hostile
    yield "real-pages", real_pages
    yield from isf_cases()


def isf_cases():
    try:
        paths = sorted(glob.glob(os.path.join(data("isf"), "*.json.xz")))
    except Skip as absent:
        why = str(absent)

        def skipped():
            raise Skip(why)

        yield "isf", skipped
        return
    for path in paths:
        yield f"isf-{os.path.basename(path)[:8].lower()}", by_isf(path)
