"""The owners of tags in 32 real drivers (x64, x86, ARM64), against what their sources, their PDBs and
their code, read by hand, say of them; and beside two baselines over the same files in the same run.
owners_truth.py has the rules. Before them, the decoder of instructions against capstone, and drivers
made to be slow (hostile.py): what they may cost, and that what was not examined is said.
"""

import collections
import csv
import json
import os
import subprocess

import hostile as hc
import owners_truth as ot
from harness import POOLSCOPE, Result, Skip, check, equal, run, scratch

RECALL, PRECISION = 0.98, 0.99
ARCHES = ("x64", "x86", "arm64")
# The grade that says what is known of a pair: no weaker one where the code allocates.
GRADES = {
    "alloc": ("call site",),
    "lookaside": ("call site", "registration data"),  # the parameters may be a structure
    "registration": ("registration data",),
    "free": ("free site",),
    "library": ("library", "call site"),
}
GRADES_RIGHT = 0.99


def shown(pair, why=""):
    driver, tag = pair
    return f"{driver} {tag.decode('latin-1')!r}{why}"


def table_is_sound():
    seen = collections.Counter((row.driver, row.tag) for row in ot.truth())
    twice = [shown(pair) for pair, count in seen.items() if count > 1]
    check(not twice, f"more than one row: {', '.join(twice)}")
    for row in ot.truth():
        check(row.kind in (*ot.OWNING, "untagged", "not"), f"{row.driver}: kind {row.kind}")
        check(set(row.witness.split("+")) <= {"source", "pdb", "hand"}, f"{row.driver}: witness")
        check(len(row.tag) == 4 and row.detail, f"{row.driver} {row.tag}: row is not complete")
    names = {os.path.basename(path) for path in ot.driver_files()}
    check(names == set(ot.family_and_arch()), f"other drivers: {names ^ set(ot.family_and_arch())}")
    for name in names:
        ot.by_the_book(name)
    return f"{len(names)} drivers, {len(ot.pairs(*ot.OWNING))} pairs, {len(ot.pairs('not'))} decoys"


def recall():
    want, got = ot.pairs(*ot.OWNING), ot.answers()
    missed = [pair for pair in want if pair not in got]
    words = []
    for arch in ARCHES:
        of_arch = [pair for pair, row in want.items() if row.arch == arch]
        words.append(f"{arch} {sum(pair in got for pair in of_arch)} of {len(of_arch)}")
    found = len(want) - len(missed)
    text = f"{found} of {len(want)} pairs = {found / len(want):.2%} ({', '.join(words)})"
    lines = [shown(pair, f": {want[pair].kind}, {want[pair].detail}") for pair in missed]
    if found < RECALL * len(want):
        ot.fail_with(f"recall {text}, expected {RECALL:.0%}; missed:", lines)
    return "; missed: ".join([text, *[shown(pair) for pair in missed]])


def is_right(pair):
    driver, tag = pair
    if tag in ot.UNTAGGED:
        return (driver, b"None") in ot.pairs("untagged")
    return pair in ot.pairs(*ot.OWNING)


def precision():
    got = ot.answers()
    check(got, "no owner at all")
    wrong = sorted(pair for pair in got if not is_right(pair))
    words = []
    for arch in ARCHES:
        of_arch = [pair for pair in got if ot.family_and_arch()[pair[0]][1] == arch]
        words.append(f"{arch} {sum(map(is_right, of_arch))} of {len(of_arch)}")
    right = len(got) - len(wrong)
    text = f"{right} of {len(got)} answers = {right / len(got):.2%} ({', '.join(words)})"
    if right < PRECISION * len(got):
        ot.fail_with(f"precision {text}, expected {PRECISION:.0%}; wrong:",
                     [shown(pair, f": {got[pair]}") for pair in wrong])  # fmt: skip
    return "; wrong: ".join([text, *[shown(pair) for pair in wrong]])


def decoys():
    blamed = [shown(pair, f": {row.detail}") for pair, row in ot.pairs("not").items()
              if pair in ot.answers()]  # fmt: skip
    if blamed:
        ot.fail_with("owners that are none:", blamed)
    return f"none of {len(ot.pairs('not'))} pairs that look like owners"


def grades():
    got = ot.answers()
    kinds = {pair: row.kind for pair, row in ot.pairs(*ot.OWNING).items() if pair in got}
    wrong = [shown(pair, f": {kind}, graded {got[pair]}") for pair, kind in kinds.items()
             if got[pair] not in GRADES[kind]]  # fmt: skip
    text = f"{len(kinds) - len(wrong)} of {len(kinds)} grades"
    if len(wrong) > (1 - GRADES_RIGHT) * len(kinds):
        ot.fail_with(f"{text}; wrong:", wrong)
    return "; wrong: ".join([text, *wrong])


def untagged():
    want = {driver for driver, _ in ot.pairs("untagged")}
    got = {driver for driver, tag in ot.answers() if tag in ot.UNTAGGED}
    check(want == got, f"allocators without a tag: {sorted(got)}, expected {sorted(want)}")
    return f"{len(want)} drivers"


def beside_baselines(arch):
    """Owners of the drivers' own tags, and false candidates for tags that no driver here has."""
    owners = {(row.family, row.tag) for row in ot.pairs(*ot.OWNING).values() if row.arch == arch}
    families = {family for family, machine in ot.family_and_arch().values() if machine == arch}
    own_tags = {tag for _, tag in owners}
    words, lost = [], []
    for method in ot.METHODS:
        found = ot.merged(method, arch, own_tags)
        ordinary = ot.merged(method, arch, ot.ordinary_tags()) - owners
        worst = sorted(collections.Counter(tag for _, tag in ordinary).items(),
                       key=lambda item: (-item[1], item[0]))  # fmt: skip
        text = (f"{method}: {len(found & owners)} of {len(owners)} owners, {len(found - owners)} false, "
                f"{len(ordinary) / len(ot.ordinary_tags()):.2f} false candidates an ordinary tag")
        if worst:
            text += f" (at most {worst[0][1]} of {len(families)}, {worst[0][0].decode()!r})"
        words.append(text)
        if method == "poolscope":
            check(not ordinary, f"false candidates for ordinary tags: {sorted(ordinary)}")
            answered = found
        else:
            lost += [shown(pair, f": {method}") for pair in sorted(found & owners - answered)]
    if lost:
        ot.fail_with("owners that a baseline finds and poolscope does not:", lost)
    return "; ".join(words)


def baselines():
    results = []
    for arch in ARCHES:
        try:
            results.append(Result("ok", f"owners/beside-baselines-{arch}", beside_baselines(arch)))
        except ot.Failure as failure:
            results.append(Result("FAIL", f"owners/beside-baselines-{arch}", str(failure)))
    return results


def wine():
    """Wine's drivers name no tag at all; six call the allocator without one."""
    kernels = ot.wine_folders()
    if not kernels:
        raise Skip("Debian's libwine is not installed")
    with open(os.path.join(ot.FOLDER, "wine.tsv"), encoding="utf-8") as file:
        want = {(row["driver"], row["tag"].encode()) for row in csv.DictReader(file, delimiter="\t")}
    for kernel in kernels:
        got = {pair for pair in ot.answers_for(os.path.dirname(kernel)) if pair[0].endswith(".sys")}
        check(got == want, f"{kernel}: {sorted(got ^ want)} differ")
    return f"{len(want)} untagged, and nothing else, in {len(kernels)} folders"


RANDOM_BYTES = 1 << 20
DECODED = 0.7  # of the instructions at every byte, most of which lie inside others

# What one hostile image may cost is 2 s (make bench prints it); this leaves room for a slow machine.
HOSTILE_SECONDS = 6
BUDGET = "not all of its code was examined: the budget of work for one image was used up"
TOO_LARGE = "not all of its code was examined: it has functions that are too large"
HOSTILE = {  # what is said of 8 MB
    "texts": None,
    "calls": BUDGET, "calls_recorded": BUDGET, "calls_one_function": TOO_LARGE, "branches": TOO_LARGE,
    "records": BUDGET, "many_exports": BUDGET, "x86_functions": BUDGET,
    "arm64_calls": TOO_LARGE,
}  # fmt: skip


def hostile(kind, note):
    def case():
        with scratch() as directory:
            path = os.path.join(directory, "hostile.sys")
            with open(path, "wb") as file:
                file.write(hc.KINDS[kind](8 << 20))
            with open(os.path.join(directory, "honest.sys"), "wb") as file:
                file.write(hc.honest())
            with subprocess.Popen([POOLSCOPE, "owners", "--drivers", directory, "--json"],
                                  stdout=subprocess.PIPE) as process:  # fmt: skip
                report = json.load(process.stdout)
                _, status, usage = os.wait4(process.pid, 0)
                process.returncode = os.waitstatus_to_exitcode(status)
        equal(process.returncode, 0, "exit status")
        seconds = usage.ru_utime + usage.ru_stime
        check(seconds < HOSTILE_SECONDS, f"{seconds:.1f} s, limit {HOSTILE_SECONDS} s")
        equal({f["name"]: f.get("note") for f in report["driver_files"]},
              {"honest.sys": None, "hostile.sys": note}, "notes of the files")  # fmt: skip
        owner, = [o for o in report["owners"] if o["tag"] == "Hone"]
        equal([c["module"] for c in owner["candidates"]], ["honest.sys"], "owners of Hone")
        words = ("The code of 1 other driver was not examined whole: it asks for more work than one "
                 "image may cost. Whether it uses the tag is not known.")  # fmt: skip
        equal(owner["notes"], [words] if note else [], "notes of Hone")
        return f"{seconds:.2f} s"

    return case


def neighbours():
    """Modules that allocate through wrappers of each other: each has its own tag and no other."""
    count = 600
    with scratch() as directory:
        for number in range(count):
            with open(os.path.join(directory, f"near{number}.sys"), "wb") as file:
                file.write(hc.neighbour(number, count))
        report = json.loads(run([POOLSCOPE, "owners", "--drivers", directory, "--json"]).stdout)
    got = {owner["tag"]: [(c["module"], c["grade"]) for c in owner["candidates"]] for owner in report["owners"]}
    equal(got, {hc.neighbour_tag(i).decode(): [(f"near{i}.sys", "call site")] for i in range(count)}, "owners")
    return f"{count} modules"


def no_tags():
    """No tag was asked for, so none is missing."""
    with scratch() as directory:
        with open(os.path.join(directory, "quiet.sys"), "wb") as file:
            file.write(hc.without_tags())
        words = run([POOLSCOPE, "owners", "--drivers", directory]).stdout.decode()
        asked = run([POOLSCOPE, "owners", "--drivers", directory, "--tag", "Hone"]).stdout.decode()
    check("No tag was found: no driver here passes one to an allocator or has one in its data.\n" in words, words)
    check("No driver here has such a tag.\n" in asked, asked)


def default_tag():
    """What the WDK's headers give to ExAllocatePool is shared by all who call it."""
    with scratch() as directory:
        with open(os.path.join(directory, "lone.sys"), "wb") as file:
            file.write(hc.honest(b"Ddk "))
        report = json.loads(run([POOLSCOPE, "owners", "--drivers", directory, "--json"]).stdout)
    owner, = report["owners"]
    equal((owner["tag"], owner["ownership"], owner["candidates"][0]["module"]), ("Ddk ", "for-others", "lone.sys"), "owner")
    equal(owner["notes"], ["This is the tag of allocations without one of their own (ExAllocatePool): all drivers that "
                           "make such share it. A driver named here makes some untagged allocation; how many of these "
                           "are its own is not known."], "notes")  # fmt: skip


def decoding():
    """x86 and x64 instructions decoded without capstone are what capstone says they are, at every byte of
    the real drivers' code and of random bytes; and the data flow sees the same."""
    done = [run([ot.DECODING, *ot.driver_files()]), run([ot.DECODING, "random", str(RANDOM_BYTES)])]
    rows = [line.split("\t") for line in b"".join(d.stdout for d in done).decode().splitlines()]
    places, taken, left = (sum(int(row[column]) for row in rows) for column in (1, 2, 3))
    check(taken > DECODED * (taken + left), f"{taken} of {taken + left} instructions were taken")
    check(len(rows) == 2 + sum(arch != "arm64" for _, arch in ot.family_and_arch().values()), f"{len(rows)} lines")
    return f"{taken} of {taken + left} instructions at {places} places, the others are left to capstone"


def cases():
    yield "no-tags", no_tags
    yield "decoding", decoding
    yield "default-tag", default_tag
    yield "neighbours", neighbours
    for kind, note in HOSTILE.items():
        yield f"hostile/{kind.replace('_', '-')}", hostile(kind, note)
    yield "table", table_is_sound
    yield "recall", recall
    yield "precision", precision
    yield "decoys", decoys
    yield "grades", grades
    yield "untagged", untagged
    yield "baselines", baselines
    yield "wine", wine
