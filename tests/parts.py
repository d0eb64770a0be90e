"""Files that were split into parts to be sent: .001, .002 and so on."""

import os
import zipfile

import truth
from harness import POOLSCOPE, check, equal, make_dump, poolscope_json, run, scratch

RECIPE = "family-10-17763-x64.recipe"
PIECE = 300000


def split(path, name, first=1, piece=PIECE):
    """Parts NAME.00N of the file, which goes; how many."""
    number = first
    with open(path, "rb") as file:
        while data := file.read(piece):
            with open(f"{name}.{number:03}", "wb") as part:
                part.write(data)
            number += 1
    os.unlink(path)
    return number - first


def joined(first, pack=False):
    def case():
        with scratch() as directory:
            dump, true = make_dump(RECIPE, directory)
            name = os.path.join(directory, "MEMORY.DMP")
            if pack:
                with zipfile.ZipFile(os.path.join(directory, "case.zip"), "w", zipfile.ZIP_DEFLATED) as archive:
                    archive.write(dump, "MEMORY.DMP")
                os.unlink(dump)
                dump = name = os.path.join(directory, "case.zip")
            count = split(dump, name, first, PIECE if not pack else 7000)
            check(count > 3, f"{count} parts")
            status, report = poolscope_json(f"{name}.{first:03}")
            room = os.listdir(directory)
        truth.validate(report)
        note = f"joined of {count} parts, .{first:03} to .{first + count - 1:03}"
        check(note in report["file"]["notes"], str(report["file"]["notes"]))
        equal(report["file"]["complete"], True, "complete")
        equal(status, 0, "exit status")
        truth.compare_pool(report["pool"], true)
        equal(len([n for n in room if n.startswith(("MEMORY", "case"))]), count, "files left")
        return f"{count} parts"

    return case


def later_part():
    with scratch() as directory:
        dump, _ = make_dump(RECIPE, directory)
        name = os.path.join(directory, "d")
        split(dump, name)
        done = run([POOLSCOPE, "info", f"{name}.002"], want=(2,))
    equal(done.stderr.decode(), f"poolscope: {name}.002 is a later part of a file that was split\n"
          "poolscope: give its first part (.001); the others are found beside it\n", "words")  # fmt: skip


def missing_part():
    """Without one of its parts a dump is cut, is not called complete, and the part is named."""
    with scratch() as directory:
        dump, true = make_dump(RECIPE, directory)
        name = os.path.join(directory, "d")
        count = split(dump, name)
        for number in (count - 1, 3):
            os.unlink(f"{name}.{number:03}")
            status, report = poolscope_json(f"{name}.001", want=(0, 1, 3))
            if "error" not in report:
                equal(report["file"]["complete"], False, "complete")
                truth.compare_cut(report, status, true)
                note = f"part .{number:03} is missing, and .{count:03} is there: what lies behind the gap is left out"
                check(note in report["file"]["notes"], str(report["file"]["notes"]))
            else:
                equal(report["error"]["hint"],
                      "a part in the middle is missing: get it, and open the first part again", "hint")  # fmt: skip
            done = run([POOLSCOPE, "info", "-v", f"{name}.001"], want=(0, 1, 3))
            check(f"part .{number:03} is missing, and .{count:03} is there" in done.stdout.decode() +
                  done.stderr.decode(), done.stderr.decode())  # fmt: skip
    return "refused" if "error" in report else "read"


def short_part():
    with scratch() as directory:
        dump, _ = make_dump(RECIPE, directory)
        name = os.path.join(directory, "d")
        split(dump, name)
        os.truncate(f"{name}.002", PIECE - 4096)
        _, report = poolscope_json("info", f"{name}.001", want=(0, 1, 3))
        words = str(report)
    check("before the last one they differ in size: one may be cut or missing" in words or "error" in report, words)


def one_case():
    with scratch() as directory:
        folder = os.path.join(directory, "cases")
        os.mkdir(folder)
        dump, _ = make_dump(RECIPE, directory)
        split(dump, os.path.join(folder, "d"))
        out = os.path.join(directory, "out")
        done = run([POOLSCOPE, "batch", folder, "-o", out])
        check(done.stdout.startswith(b"1 case: 1 done now"), done.stdout.decode())


def lone_number():
    """A file that merely ends in .001 is opened as it is."""
    with scratch() as directory:
        dump, true = make_dump(RECIPE, directory)
        os.rename(dump, dump + ".001")
        status, report = poolscope_json(dump + ".001")
        equal(status, 0, "exit status")
        truth.compare_pool(report["pool"], true)


def cases():
    yield "parts/from-001", joined(1)
    yield "parts/from-000", joined(0)
    yield "parts/of-an-archive", joined(1, pack=True)
    yield "parts/later-part", later_part
    yield "parts/missing-part", missing_part
    yield "parts/short-part", short_part
    yield "parts/one-case", one_case
    yield "parts/lone-number", lone_number
