"""The pages of a real Windows 10 kernel (build 17763), as sparse raw image and as bitmap dump, against
what an independent decoder read out of them; and two real minidumps (real_minidumps.py).
"""

import csv
import os
import struct

import real_minidumps
import truth
from harness import BUILD, POOLSCOPE, check, data, equal, poolscope_json, run, scratch
from realdata import FOLDER, bitmap_dump, raw_image


def expected(name):
    with open(data(FOLDER, name), encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def report_of(image, *command):
    """Tables of which most pages are absent: an answer, and exit status 1."""
    status, report = poolscope_json(*command, image)
    truth.validate(report)
    equal(status, 1, "exit status")
    return report


def all_tags(image):
    report = report_of(image)
    rows = {row["tag"]: row for row in report["pool"]["tags"]}
    wanted = expected("expected-track.csv")
    equal(len(wanted), 222, "rows of expected-track.csv")
    for want in wanted:
        row = rows.pop(want["tag"], None)
        check(row is not None, f"tag {want['tag']!r} is not there")
        for side, name in (("nonpaged", "NonPaged"), ("paged", "Paged")):
            for field in ("allocs", "frees", "bytes"):
                number = int(want[name + field.capitalize()])
                equal(row[side][field], number, f"tag {want['tag']!r} {side} {field}")
    # The key of an entry may be there while its counters lie in the next page, which is absent.
    for tag, row in rows.items():
        numbers = [row[side][field] for side in ("nonpaged", "paged") for field in truth.FIELDS]
        check(not any(numbers) and not row["complete"], f"tag {tag!r} is not in the table")
    return f"222 tags, of {len(rows)} more only the key"


def all_big_pages(image):
    done = run([POOLSCOPE, "big", "--list", "--csv", image], want=(1,))
    rows = list(csv.DictReader(done.stdout.decode().splitlines()))
    wanted = expected("expected-big.csv")
    equal(len(wanted), 340, "rows of expected-big.csv")
    equal(len(rows), len(wanted), "big pages")
    by_address = {int(row["address"], 16): row for row in rows}
    for want in wanted:
        row = by_address.get(int(want["Va"], 16))
        check(row is not None, f"{want['Va']} is not there")
        equal(row["tag"], want["tag"], f"tag of {want['Va']}")
        equal(int(row["bytes"]), int(want["NumberOfBytes"]), f"bytes of {want['Va']}")
        paged = int(want["PoolType"]) & 1
        equal(row["pool"].lower(), "paged" if paged else "nonpaged", f"pool of {want['Va']}")
    return "340 allocations"


def big_page_sums(image):
    sums = {}
    for want in expected("expected-big.csv"):
        side = "paged" if int(want["PoolType"]) & 1 else "nonpaged"
        count, size = sums.get((want["tag"], side), (0, 0))
        sums[want["tag"], side] = count + 1, size + int(want["NumberOfBytes"])
    got = {}
    for row in report_of(image)["pool"]["big_pages"]["by_tag"]:
        for side in ("nonpaged", "paged"):
            if row[side]["count"]:
                got[row["tag"], side] = row[side]["count"], row[side]["bytes"]
    equal(got, sums, "sums of the big pages")


def all_modules(image):
    _, report = poolscope_json("modules", image)
    wanted = expected("expected-modules.csv")
    equal(len(wanted), 198, "rows of expected-modules.csv")
    got = [(m["base"], m["size"], m["name"]) for m in report["modules"]]
    want = [(m["base"], int(m["size"], 16), m["name"]) for m in wanted]
    equal(got, want, "modules")
    return "198 modules"


def tables_and_coverage(image):
    pool = report_of(image)["pool"]
    tracker, big = pool["tracker"], pool["big_pages"]
    want = {"address": "0xffffe38f36402000", "entry_size": 56, "entries": 0x1001, "hash": "A",
            "processors_merged": 1, "pages_expected": 57, "pages_present": 5,
            "complete": False}  # fmt: skip
    equal({key: tracker[key] for key in want}, want, "tracker")
    want = {"entry_size": 24, "entries": 0x8000, "in_use": 340, "pages_expected": 192,
            "pages_present": 8, "complete": False}  # fmt: skip
    equal({key: big[key] for key in want}, want, "big pages")


def machine(image):
    system = report_of(image)["system"]
    want = {"arch": "x64", "build": 17763, "kernel_base": "0xfffff8051a09f000",
            "kdbg": "0xfffff8051a49e5e0"}  # fmt: skip
    equal({key: system[key] for key in want}, want, "system")


def places(image):
    """The variables where its README names them; ExPoolTagTables too."""
    program = os.path.join(BUILD, "tests", "globals")
    lines = run([program, image]).stdout.decode().splitlines()
    found = {line.split()[0]: line.split()[1] for line in lines}
    base = 0xFFFFF8051A09F000
    for name, rva in (("PoolTrackTable", 0x40A778), ("PoolBigPageTable", 0x40A758),
                      ("PoolBigPageTableSize", 0x40A760), ("ExPoolTagTables", 0x407F20)):  # fmt: skip
        equal(found[name], f"{base + rva:x}", name)


REAL_KDBG = 0x269E5E0  # physical address of the block in the raw image
KEYS = (0x123456789ABCDE57, 0xFEDCBA9876543210, 0xFFFFF8051A4DC978)


def encoded(block):
    """As a running Windows keeps it: the inverse of KdDecodeDataBlock for each qword."""
    never, always, flag = KEYS
    turn, words = never & 63, []
    for (word,) in struct.iter_unpack("<Q", block):
        word = int.from_bytes((word ^ always).to_bytes(8, "little"), "big") ^ flag
        word = (word >> turn | word << (64 - turn)) & (1 << 64) - 1
        words.append(word ^ never)
    return struct.pack(f"<{len(words)}Q", *words)


def hidden(change, words):
    """The same tags, modules and places when the real kernel's block is made unreadable."""
    with scratch() as directory:
        image = os.path.join(directory, "hidden.raw")
        run(["cp", "--sparse=always", raw_image(), image])
        with open(image, "r+b") as file:
            file.seek(REAL_KDBG)
            block = file.read(0x380)
            file.seek(REAL_KDBG)
            file.write(change(block))
        report = report_of(image)
        check(words in report["system"]["located_by"], f"located_by: {report['system']['located_by']}")
        places(image)
        tables_and_coverage(image)
        all_tags(image)
        all_big_pages(image)
        return all_modules(image)


def cases():
    yield "raw/kdbg-encoded", lambda: hidden(encoded, "KDBG: decoded by known plaintext")
    yield "raw/kdbg-lost", lambda: hidden(lambda block: bytes(len(block)),
        "KDBG: none in memory; PsLoadedModuleList by its first entry; tag tables: variables that the "
        "code of the tag hash names")  # fmt: skip
    tests = [machine, places, tables_and_coverage, all_tags, all_big_pages, big_page_sums, all_modules]
    for name, image in (("raw", raw_image), ("bitmap", bitmap_dump)):
        for test in tests:
            title = test.__name__.replace("_", "-")
            yield f"{name}/{title}", lambda t=test, i=image: t(i())
    yield from real_minidumps.cases()
