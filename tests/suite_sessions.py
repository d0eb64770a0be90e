"""Session pool against mkdump's truth: two sessions by build and by symbols, pages, page tables and
processes that are not in the dump, hostile tables. No figure of the system's may change by it.
"""

import functools
import os

from harness import POOLSCOPE, RECIPES, check, equal, make_dump, poolscope_json, run, scratch
from suite_totals import write_isf
from truth import validate

RECIPE = os.path.join(RECIPES, "session-pool.recipe")
# Builds whose MM_SESSION_SPACE has the table, or a pointer to it.
BY_BUILD = [14393, 15063, 16299, 17134, 17763, 18362, 19041, 20348, 22000]
# All that have session pool; before 14393, and on other machines, only symbols name the table.
BY_SYMBOLS = [("x64", 3790), ("x64", 6002), ("x64", 7601), ("x64", 9200), ("x64", 9600), ("x64", 10240),
              ("x64", 14393), ("x64", 17763), ("x64", 20348), ("x86", 7601), ("x86-pae", 7601),
              ("x86", 3790), ("x86-pae", 9600), ("x86-pae", 19041)]  # fmt: skip
COUNTERS = ("allocs", "frees", "diff", "bytes")


def make(directory, *lines):
    return make_dump(RECIPE, directory, lines)


def sessions(dump, *options, want=1):
    """The recipe's session 2 has no table: the answer is never complete with it."""
    status, report = poolscope_json("tags", "--sessions", dump, *options)
    validate(report)
    equal(status, want, "exit status")
    return report["pool"]["sessions"]


def compare(got, truth, without=()):
    """Every session of the truth, exactly; those in `without` are not available."""
    want = {s["id"]: s for s in truth["pool"]["sessions"]}
    equal([s["session"] for s in got], sorted(set(want) | {2}), "sessions")
    for session in got:
        true = want.get(session["session"])
        if true is None or session["session"] in without:
            check(not session["available"] and session["available_note"], f"{session}")
            continue
        check(session["available"], session.get("available_note"))
        equal(session["complete"], True, "complete")
        equal(session["entries"], true["entries"], "entries")
        equal(session["entry_size"], true["entry_size"], "entry size")
        rows = {row["tag_hex"]: row for row in session["tags"]}
        equal(len(rows), len(session["tags"]), "tags that are there once")
        equal(sorted(rows), sorted(t["tag_hex"] for t in true["tags"]), "tags")
        for tag in true["tags"]:
            for side in ("nonpaged", "paged"):
                equal([rows[tag["tag_hex"]][side][key] for key in COUNTERS],
                      [tag[side][key] for key in COUNTERS], f"{tag['tag']} {side}")
        for key in ("nonpaged_bytes", "paged_bytes"):
            equal(session[key], true[key], key)


def by_build(build):
    with scratch() as directory:
        dump, truth = make(directory, f"build {build}")
        got = sessions(dump)
        compare(got, truth)
        equal(got[1]["located_by"], "PoolTags of MM_SESSION_SPACE", "located by")
        equal((got[1]["process"], got[0]["process"]), ("csrss.exe", "csrss.exe"), "processes")


def by_symbols(arch, build):
    with scratch() as directory:
        dump, truth = make(directory, f"arch {arch}", f"build {build}", "service-pack 1")
        place = write_isf(truth, directory)
        got = sessions(dump, "--symbols", place)
        compare(got, truth)
        equal(got[0]["located_by"], "ExpSessionPoolTrackTable (symbols)", "located by")


def few_tags():
    """Three tags are enough where a symbol says how long the table is, and too few where none does."""
    with open(RECIPE, encoding="ascii") as file:
        text = "\n".join(line for line in file.read().split("\n") if not line.startswith("session-tags"))
    with scratch() as directory:
        dump, truth = make_dump(text, directory)
        compare(sessions(dump), truth, without=(0, 1))
        compare(sessions(dump, "--symbols", write_isf(truth, directory)), truth)


def apart():
    """The system's own figures are those of the same machine without session pool."""
    with scratch() as directory:
        dump, _ = make(directory)
        _, report = poolscope_json("analyze", dump)
        equal(report["pool"]["sessions"], None, "sessions that were not asked for")
        totals, tags = report["pool"]["totals"], report["pool"]["tags"]
        check("Gh05" not in [t["tag"] for t in tags or []], "a session's tag among the system's")
        check(totals["paged_bytes"] < 300_000_000, f"paged bytes {totals['paged_bytes']}")


def expansion():
    """Tags in a session's second table: by the place that the build has for it, and by that of types."""
    lines = ["session-pool 3 expansion=64", "process win.exe session=3",
             "session-tags 3 random=90", "session-tag 3 Gxyz paged 10 2 8000 expansion",
             "session-tag 3 Uxyz np 9 2 700 expansion"]  # fmt: skip
    for build, offset in ((17763, 0x2028), (19041, 0x3D0), (22000, 0x328)):
        with scratch() as directory:
            dump, truth = make(directory, f"build {build}", *lines)
            compare(sessions(dump), truth)
            fields = {"PoolTrackTableExpansion": {"offset": offset, "type": {"kind": "base", "name": "pointer"}}}
            types = {"_MM_SESSION_SPACE": {"size": 0x5000, "kind": "struct", "fields": fields}}
            if build < 22000:  # from there on no symbol names the table
                compare(sessions(dump, "--symbols", write_isf(truth, directory, types)), truth)


def missing(line, without, incomplete):
    with scratch() as directory:
        dump, truth = make(directory, "build 19041", line)
        got = sessions(dump)
        # whose MM_SESSION_SPACE is missing has no number
        equal([s["session"] for s in got], [2] if "session-space" in line else [0, 1, 2], "sessions")
        for session in got:
            if session["session"] in without + (2,):
                check(not session["available"] and session["available_note"], f"{session}")
            elif session["session"] in incomplete:
                check(session["available"] and not session["complete"], f"{session}")
                check("not in the dump" in session["complete_note"], session["complete_note"])
            else:
                one = {"pool": {"sessions": [s for s in truth["pool"]["sessions"] if s["id"] == session["session"]]}}
                compare([session, got[2]], one)


def hostile(line):
    """Whatever a session's structures hold, the other session and the exit status stay as they are."""
    with scratch() as directory:
        dump, truth = make(directory, "build 19041", line)
        place = write_isf(truth, directory)
        for options in ((), ("--symbols", place)):
            for session in sessions(dump, *options):
                if session["available"]:
                    check(len(session["tags"]) < 300, "tags out of nowhere")


def all_sessions():
    """0 when the tables of all sessions are there, 1 when a page of one is not."""
    with open(RECIPE, encoding="ascii") as file:
        text = "".join(line for line in file if "session=2" not in line) + "build 19041\n"
    with scratch() as directory:
        dump, _ = make_dump(text, directory)
        equal([s["complete"] for s in sessions(dump, want=0)], [True, True], "complete")
        dump, _ = make_dump(text, directory, ["missing session-table id=0 page=1"])
        equal([s["complete"] for s in sessions(dump, want=1)], [False, True], "complete")
        # Processes that do not tell their session may be in one more.
        dump, _ = make_dump(text, directory, ["missing session-space id=1"])
        equal([(s["session"], s["complete"]) for s in sessions(dump, want=1)], [(0, True)], "sessions")
        words = run([POOLSCOPE, "tags", "--sessions", dump], want=(1,)).stdout.decode()
        check("\nThere may be more sessions: the list of processes is not complete, or some do not tell theirs.\n" in
              words, words)  # fmt: skip


MACHINE = "arch x64\nbuild {}\nphysical 64M\ninclude common/small-tags.recipe\n"


def no_sessions():
    """Before the first session none is an answer; where they cannot be found there is none."""
    with scratch() as directory:
        dump, _ = make_dump(MACHINE.format(17763) + "process System\nprocess smss.exe\n", directory)
        equal(sessions(dump, want=0), [], "sessions")
        done = run([POOLSCOPE, "tags", "--sessions", dump])
        equal(done.stdout.decode(), "There is no session pool: no process is in a session.\n", "words")


def not_to_be_found(build, lines, *words):
    with scratch() as directory:
        dump, _ = make_dump(MACHINE.format(build) + lines, directory)
        done = run([POOLSCOPE, "tags", "--sessions", dump], want=(3,))
        equal((done.stdout, done.stderr.decode().splitlines()), (b"", [f"poolscope: {line}" for line in words]), "words")
        report = poolscope_json("tags", "--sessions", dump, want=(3,))[1]
        validate(report)
        equal(report["error"]["message"], words[0], "message")


def cases():
    for build in BY_BUILD:
        yield f"by-build/{build}", functools.partial(by_build, build)
    for arch, build in BY_SYMBOLS:
        yield f"by-symbols/{arch}-{build}", functools.partial(by_symbols, arch, build)
    yield "few-tags", few_tags
    yield "apart", apart
    yield "expansion", expansion
    yield "all-sessions", all_sessions
    yield "no-sessions", no_sessions
    yield "no-processes", functools.partial(
        not_to_be_found, 17763, "",
        "cannot read the processes behind PsActiveProcessHead at 0xfffff80d82760088: the list is empty")  # fmt: skip
    yield "build-without-place", functools.partial(
        not_to_be_found, 26100, "process System\nprocess csrss.exe session=1\n",
        "cannot find the sessions: where build 26100 keeps a process's session is not known",
        "symbols of this kernel can name it (--symbols)")  # fmt: skip
    yield "none-tells", functools.partial(
        not_to_be_found, 17763, "process System\nprocess csrss.exe session=1\nsession-pool 1\nmissing session-space\n",
        "cannot find the sessions: no process of the list tells its session")  # fmt: skip
    for line, without, incomplete in (
        ("missing session-root id=1", (1,), ()),
        ("missing session-root", (0, 1), ()),
        ("missing session-table id=0 page=1", (), (0,)),
        ("missing session-table id=1", (1,), ()),
        ("pagefile session-table id=1 page=0", (), (1,)),
        ("missing session-space page=0", (), ()),
    ):
        yield f"missing/{line}", functools.partial(missing, line, without, incomplete)
    for line in (
        "value ExpSessionPoolTrackTable 0xFFFFFFFFFFFFFFF8", "value ExpSessionPoolTrackTable 0x1000",
        "value ExpSessionPoolTrackTableSize 0xFFFFFFFFFFFFFFFF", "value ExpSessionPoolTrackTableSize 65",
        "value ExpSessionPoolTrackTableSize 16385",
    ):  # fmt: skip
        yield f"hostile/{line}", functools.partial(hostile, line)
