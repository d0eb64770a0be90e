"""The memory manager's own totals of Windows 10 and later against mkdump's truth: offsets by the
types of real kernels and by poolscope's table, in every build that has them.
"""

import functools
import glob
import json
import lzma
import os

from harness import check, data, equal, make_dump, poolscope_json, scratch
from truth import validate

COUNTS = {
    "nonpaged_allocated": "reported", "paged_allocated": "reported", "committed": "reported",
    "committed_peak": "reported", "commit_limit": "limits",
    "nonpaged_address_space": "limits", "paged_address_space": "limits",
}  # fmt: skip
TRUTH = {"committed_peak": "commit_peak", "nonpaged_address_space": "nonpaged_maximum",
         "paged_address_space": "paged_maximum"}
# Architecture, build; the last build of each layout, too.
BUILDS = [
    ("x64", 10240), ("x64", 10586), ("x64", 14393), ("x64", 15063), ("x64", 16299), ("x64", 17134),
    ("x64", 17763), ("x64", 18362), ("x64", 18363), ("x64", 19041), ("x64", 19045), ("x64", 20348),
    ("x64", 22000), ("x64", 26100), ("x86-pae", 10240), ("x86-pae", 15063), ("x86-pae", 16299),
    ("x86", 17134), ("x86-pae", 17763), ("x86-pae", 18362), ("x86-pae", 19041),
]  # fmt: skip
# Tables of real kernels: the build that each is of.
REAL = {
    "2E6DEB6CFD444100AC0E803337A56E8E-1": 14393, "F469B1218BBA71E9F523244B538BBC55-1": 17763,
    "BE3E0FF92C7A93433D4A950A037EF656-1": 18362, "E0093F3AEF15D58168B753C9488A4043-1": 18362,
    "3FCC539FF307DD2D9C509206D352B9AA-1": 19041, "A211952831047280C099CAEBA1F59EDA-1": 20348,
    "FDCBA251C28BD5935DB2F7AEE341482A-1": 22000,
}  # fmt: skip
RECIPE = ["include common/small-tags.recipe", "include common/small-drivers.recipe", "physical 64M",
          "mm-state"]
MEGABYTE = 1 << 20


def write_isf(truth, directory, types=None, leave_out=()):
    """The truth's variables as a symbol table of the dump's kernel; returns its folder."""
    system, place = truth["system"], os.path.join(directory, "symbols")
    base = int(system["kernel_base"], 16)
    guid, age = system["kernel_pdb"]["guid_age"].split("-")
    symbols = {name: {"address": int(va, 16) - base} for name, va in truth["globals"].items()
               if name not in leave_out}
    pdb = {"GUID": guid, "age": int(age, 16), "database": system["kernel_pdb"]["name"]}
    os.makedirs(place, exist_ok=True)
    with open(os.path.join(place, f"{guid}-{age}.json"), "w", encoding="ascii") as file:
        json.dump({"metadata": {"windows": {"pdb": pdb}}, "symbols": symbols,
                   "user_types": types or {}}, file)
    return place


def recipe(arch, build, *more):
    return "\n".join([f"arch {arch}", f"build {build}", *RECIPE, *more, ""])


def totals(dump, place, build=None):
    status, report = poolscope_json(dump, "--symbols", place, "--no-known-builds")
    validate(report)
    if build:
        equal(report["system"]["build"], build, "build")
    return status, report["pool"]["totals"]


def compare(got, truth, visible=True):
    """Every count that the truth has; `visible`: the build's visible state can be found."""
    want = truth["pool"]["mm_state"]
    hidden = () if visible else ("paged_allocated", "nonpaged_address_space", "paged_address_space")
    for key, part in COUNTS.items():
        total, true = got[part][key], want[TRUTH.get(key, key)]
        if true is None or key in hidden:
            check(total is None or "MiState" not in total["source"], f"{key} is {total}")
            continue
        check(total is not None, f"{key}: {got[part].get(key + '_note')}")
        equal((total["bytes"], total["trust"]), (true, "read"), key)
        check("(symbols)" in total["source"], f"{key} from {total['source']}")
    equal(got["doubtful"], [], "doubtful totals")


def by_table(arch, build):
    with scratch() as directory:
        dump, truth = make_dump(recipe(arch, build), directory)
        status, got = totals(dump, write_isf(truth, directory))
        equal(status, 0, "exit status")
        compare(got, truth)
        # Without the pointer the place in MiState is that of the table.
        place = write_isf(truth, directory, leave_out=("MiVisibleState",))
        compare(totals(dump, place)[1], truth, visible=(arch, build) != ("x86-pae", 10240))


def real_types(name):
    """The types of a real kernel lead to the counts that mkdump laid out by its own table."""
    path = os.path.join(data("isf"), name + ".json.xz")
    with lzma.open(path, "rt", encoding="utf-8") as file:
        types = json.load(file)["user_types"]
    types = {key: {"size": t["size"], "kind": "struct", "fields": t["fields"]} for key, t in types.items()
             if key.startswith(("_MI_", "_MM_PAGED_POOL_INFO"))}
    with scratch() as directory:
        # A build for which no table has offsets: only the types do.
        for build in (REAL[name], None):
            sets = ["header MinorVersion 32767"] if build is None else []
            dump, truth = make_dump(recipe("x64", REAL[name], *sets), directory)
            place = write_isf(truth, directory, types, leave_out=("MiVisibleState",))
            compare(totals(dump, place, build or 32767)[1], truth)


def arm64():
    """Nobody published where the members lie on ARM64: without types nothing is read."""
    with scratch() as directory:
        dump, truth = make_dump(recipe("arm64", 22000), directory)
        got = totals(dump, write_isf(truth, directory))[1]
        for key, part in COUNTS.items():
            total = got[part][key]
            check(total is None or "Mi" not in total["source"], f"{key} is {total}")
        check("not known of build 22000" in got["reported"]["nonpaged_allocated_note"],
              got["reported"]["nonpaged_allocated_note"])


def unknown_build():
    with scratch() as directory:
        dump, truth = make_dump(recipe("x64", 22621), directory)
        got = totals(dump, write_isf(truth, directory))[1]
        check("not known of build 22621" in got["limits"]["commit_limit_note"],
              got["limits"]["commit_limit_note"])


def limits():
    """What cannot be reached gives way to RAM and to the commit limit, and says so."""
    with scratch() as directory:
        dump, truth = make_dump(recipe("x64", 19041), directory)
        got = totals(dump, write_isf(truth, directory))[1]["limits"]
        equal((got["nonpaged_maximum"]["bytes"], got["nonpaged_maximum"]["trust"]),
              (truth["system"]["physical_pages"] * 4096, "derived"), "nonpaged maximum")
        equal((got["paged_maximum"]["bytes"], got["paged_maximum"]["trust"]),
              (truth["pool"]["mm_state"]["commit_limit"], "derived"), "paged maximum")
        # A limit below RAM is one.
        pages = 60 * MEGABYTE // 4096
        dump, truth = make_dump(recipe("x64", 19041, f"mm-state nonpaged-maximum={pages}"), directory)
        got = totals(dump, write_isf(truth, directory))[1]["limits"]["nonpaged_maximum"]
        equal((got["bytes"], got["trust"]), (60 * MEGABYTE, "read"), "nonpaged maximum below RAM")


def hostile(value):
    """Any count may hold anything: nothing of it is taken for right, and the sums stay."""
    with scratch() as directory:
        plain = None
        for count in ("nonpaged-allocated", "nonpaged-maximum", "paged-allocated", "paged-maximum",
                      "committed", "commit-limit", "commit-peak"):
            dump, truth = make_dump(recipe("x64", 20348, f"mm-state {count}={value}"), directory)
            got = totals(dump, write_isf(truth, directory))[1]
            sums = (got["nonpaged_bytes"], got["paged_bytes"])
            plain = plain or sums
            equal(sums, plain, "sums over the tags")
            read = [t for part in ("reported", "limits") for t in got[part].values()
                    if isinstance(t, dict) and t["trust"] == "read"]
            check(all(t["bytes"] < 1 << 50 for t in read), f"{count}: {read}")
            check(got["limits"]["nonpaged_maximum"]["bytes"] >= sums[0], f"{count}: a limit below the sum")


def cases():
    for arch, build in BUILDS:
        yield f"by-table/{arch}-{build}", functools.partial(by_table, arch, build)
    for name in REAL:
        yield f"real-types/{name}", functools.partial(real_types, name)
    if not glob.glob(os.path.join(os.path.dirname(__file__), "..", "..", "shared", "data", "isf", "*.xz")):
        yield "real-types", lambda: data("isf")
    yield "arm64", arm64
    yield "unknown-build", unknown_build
    yield "limits", limits
    for value in ("0", "1", "0x7FFFFFFFFFFFFFFF", "0xFFFFFFFFFFFFFFFF", "0xFFFFF80000001000"):
        yield f"hostile/{value}", functools.partial(hostile, value)
