"""What is known of the real drivers' tags (owners/truth.tsv), and what poolscope and two baselines say.

A row of truth.tsv is a pair of driver and tag, with its witness: `source`, the driver's public source
at the revision it was built from; `pdb`, the function around the site; `hand`, a site read in the
disassembly, with its RVA. No row comes from a listing that a program made.
Kinds: alloc, lookaside, registration, free (freed with, never allocated with), library (code of a
library that others link as well), untagged (an allocator without a tag, so `None`), and `not`: looks
like a tag of this driver and is none.
"""

import collections
import csv
import functools
import glob
import hashlib
import os
import re

from harness import BUILD, ROOT, Failure, check, data, poolscope_json, run

FOLDER = os.path.join(ROOT, "tests", "owners")
IMMEDIATES = os.path.join(BUILD, "tests", "owners", "immediates")
DECODING = os.path.join(BUILD, "tests", "owners", "decoding")
OWNING = ("alloc", "lookaside", "registration", "free", "library")
# What an answer may stand on. Plain bytes, tag lists and contents are hints, and say so.
ANSWERS = ("call site", "registration data", "free site", "library")
UNTAGGED = (b"None", b"Ddk ")

Row = collections.namedtuple("Row", "driver family sha256 arch tag kind api sites witness detail")


def unescape(text):
    """The four bytes of a tag; \\xNN stands for a byte that is not printable, or a blank at the end."""
    return re.sub(rb"\\x(..)", lambda m: bytes.fromhex(m[1].decode()), text.encode())


@functools.cache
def truth():
    with open(os.path.join(FOLDER, "truth.tsv"), encoding="utf-8", newline="") as file:
        lines = csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
        check(tuple(next(lines)) == Row._fields, "columns of truth.tsv")
        rows = [Row(*line) for line in lines]
    return [row._replace(tag=unescape(row.tag)) for row in rows]


def pairs(*kinds):
    return {(row.driver, row.tag): row for row in truth() if row.kind in kinds}


@functools.cache
def ordinary_tags():
    """Tags that occur on every machine and are no third-party driver's."""
    with open(os.path.join(FOLDER, "ordinary.txt"), encoding="utf-8") as file:
        return [unescape(line) for line in file.read().splitlines()]


def driver_files():
    return sorted(glob.glob(os.path.join(data("drivers"), "*.sys")))


@functools.cache
def family_and_arch():
    return {row.driver: (row.family, row.arch) for row in truth()}


def by_the_book(name):
    """Every driver is there, is the one that was read, and has rows."""
    row = next(row for row in truth() if row.driver == name)
    with open(os.path.join(data("drivers"), name), "rb") as file:
        digest = hashlib.sha256(file.read()).hexdigest()
    check(digest.startswith(row.sha256), f"{name} is another file than the one in truth.tsv")


@functools.cache
def answers_for(folder):
    """{(driver, tag): grade} for the owners that poolscope names in a folder of drivers."""
    _, report = poolscope_json("owners", "--drivers", folder)
    found = {}
    for owner in report["owners"]:
        for candidate in owner["candidates"]:
            pair = candidate["module"], bytes.fromhex(owner["tag_hex"])
            if candidate["grade"] in ANSWERS:
                found[pair] = candidate["grade"]
    return found


def answers():
    return answers_for(data("drivers"))


@functools.cache
def constants():
    """{driver: the constants of its code}, by the baseline tool."""
    found = {os.path.basename(path): set() for path in driver_files()}
    for line in run([IMMEDIATES, *driver_files()]).stdout.decode().splitlines():
        path, value = line.split("\t")
        found[os.path.basename(path)].add(bytes.fromhex(value))
    return found


@functools.cache
def contents():
    found = {}
    for path in driver_files():
        with open(path, "rb") as file:
            found[os.path.basename(path)] = file.read()
    return found


METHODS = {
    "poolscope": lambda driver, tag: (driver, tag) in answers(),
    "four bytes in the file": lambda driver, tag: tag in contents()[driver],
    "constant in the code": lambda driver, tag: tag in constants()[driver],
}


def merged(method, arch, tags):
    """{(family, tag)} that a method names, versions of one driver merged."""
    return {(family, tag) for driver, (family, machine) in family_and_arch().items()
            if machine == arch for tag in tags if METHODS[method](driver, tag)}  # fmt: skip


def wine_folders():
    return sorted(glob.glob("/usr/lib/*/wine/*-windows/ntoskrnl.exe"))


def fail_with(words, lines):
    raise Failure("\n    ".join([words, *lines]))
