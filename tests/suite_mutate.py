"""Damaged dumps: cut everywhere, and with random bits flipped in every structure. Never a crash, a
hang, much memory, or a figure called complete where bytes were missing.

tests/fuzz/mutate runs the program in process, under the sanitizers; the same seeds every time. A
sample runs without sanitizers for its memory, and through the command line for its exit status.
suite_mutate_long.py runs the same cases with many more mutants each.
"""

import collections
import functools
import os
import random

import containers
import truth
from harness import (BUILD, POOLSCOPE, SANITIZED, Failure, check, make_dump, run, scratch)  # fmt: skip

# Small tables and little memory: what a mutant costs is mostly the tables read and printed.
COMMON = ["tags random=12", "tracker-entries 128", "bigpages size=256 live=30% freed=10%",
          "driver fltmgr.sys size=0x8000", "driver myfault.sys size=0x6000",
          "unloaded dump_storport.sys size=0x1E000", "processors 2", ""]  # fmt: skip
X64 = ["arch x64", "build 17763", "physical 16M", *COMMON]
X86_PAE = ["arch x86-pae", "build 3790", "physical 16M", *COMMON]
PROCESSES = ["process smss.exe handles=50", "process csrss.exe session=1 handles=700",
             "process watch.exe session=1 holds=sh.exe", "process sh.exe session=1 exited count=300"]  # fmt: skip
SMALL = "physical 2M"  # of containers that hold every page
SMALLEST = "physical 1M"

# Every container and paging kind whose pages or pieces are found in a way of their own.
MACHINES = {
    "x64": [*X64, "container type5"],
    "x86-pae": [*X86_PAE, "container type5"],
    "arm64": [*X64, "container type5", "arch arm64", "build 26100"],
    "five-levels": [*X64, "container type5", "la57 on", "build 22621"],
    "processes": [*X64, "container type5", *PROCESSES],
    "processes-x86-pae": [*X86_PAE, "container type5", *PROCESSES],
    "full": [*X64, "container type1", SMALL],
    "full-x86-pae": [*X86_PAE, "container type1", SMALL],
    "active": [*X64, "container type6"],
    "automatic": [*X64, "container type7"],
    "automatic-ranges": [*X64, "container type7 body=ranges"],
    "ranges": [*X64, "container type8"],
    "complete-ranges": [*X64, "container type9"],
    "counted-ranges": [*X64, "container type10"],
    "summary": [*X64, "container type2"],
    "summary-x86-pae": [*X86_PAE, "container type2"],
    "raw": [*X64, "container raw", SMALL],
    "elf": [*X64, "container elf", SMALL],
    "hibernation": [*X64, "container hiberfil"],
    "hibernation-7": [*X64, "container hiberfil", "build 7601"],
    "vmware": [*X64, "container vmware", SMALL],
    "lime": [*X64, "container lime", SMALL],
    "minidump": [*X64, "container type4", "minidump totals"],
    "minidump-added": [*X64, "container type4", "minidump secondary=5 overlap"],
    "minidump-x86-pae": [*X86_PAE, "container type4", "minidump totals"],
}
CORE = "\n".join([*X64, "container elf", SMALLEST, ""])  # of which other containers are made
RECIPES = {name: "\n".join([*lines, ""]) for name, lines in MACHINES.items()}
HEADER_ONLY = "\n".join([*X64, "container type3", ""])
BITMAPS = ("x64", "x86-pae")  # damaged more often than the others
MINIDUMPS = [name for name in MACHINES if name.startswith("minidump")]
# Their cut files are judged as they come: minidumps hold no tags and are judged by their lists; of a
# Windows 7 without a header next to no seed leaves what leads to the kernel.
ANY_SEED = [*MINIDUMPS, "hibernation-7"]
# Of a file that ends exactly behind an item of secondary data nobody can say that it was cut.
NOT_CUT = ("minidump-added",)
# A raw image states no size: the pages that a cut takes are not known to have been there.
CUT_UNSEEN = ("raw",)
SEED, PART = 20240601, 1500

# How many: flips of a bitmap dump, and of another container; cuts of a container and dumps cut;
# through the command line; and of the heads below, the factor.
Counts = collections.namedtuple("Counts", "bitmap_flips flips measured cuts cut_dumps command_line factor")
SHORT = Counts(1500, 300, 60, 300, 1, 60, 1)
LONG = Counts(10000, 3000, 600, 2000, 6, 300, 5)

# Of files that mkdump makes, and others made from its ELF core: writer, bytes of the beginning that
# are damaged, how often, reader. In all 10,000 ELF cores natively and 1,000 through libkdumpfile.
WHOLE = 1 << 30
HEADS = {
    "elf-headers": (None, 400, 6000, []),
    "elf-headers-and-notes": (None, 3000, 4200, []),
    "elf-through-kdumpfile": (None, 400, 1100, ["kdumpfile"]),
    "kdump-headers": (containers.write_kdump, 464, 300, []),
    "kdump-all": (containers.write_kdump, WHOLE, 400, []),
    "flattened": (containers.write_flattened, WHOLE, 300, []),
    "lkcd": (containers.write_lkcd, WHOLE, 300, []),
    "sadump": (containers.write_sadump, 17000, 300, []),
    "xen": (containers.write_xen, 5700, 300, []),
}
# The same of files that mkdump makes as they are: packed memory, and states beside sound memory.
PACKED = {"avml": [*X64, "container avml", SMALL], "hyper-v": [*X64, "container vmrs", SMALL],
          "hyper-v-stored": [*X64, "container vmrs stored", SMALL]}  # fmt: skip
STATE_HEADS = {"vmware-state": ["container vmem", 400], "vmware-state-in-blocks": ["container vmem registers=block",
                                                                                   400]}  # fmt: skip
REGIONS = ["run 1 0x9e", "run 0x100 0x100", "run 0x100000 0x100"]
CUT_CONTAINERS = {"kdump": containers.write_kdump, "flattened": containers.write_flattened,
                  "lkcd": containers.write_lkcd, "sadump": containers.write_sadump,
                  "xen": containers.write_xen}  # fmt: skip


@functools.cache
def cut_seeds(machine, count):
    """Seeds whose dump can still be opened when a fifth of it is cut off: by chance the page tables
    and KDBG lie early in the file. Of the others a cut leaves nothing to be judged."""
    if machine in ANY_SEED:
        return [1] * count
    seeds = []
    with scratch() as directory:
        for seed in range(1, 200):
            dump, _ = make_dump(RECIPES[machine], directory, seed=seed)
            os.truncate(dump, os.path.getsize(dump) * 4 // 5)
            if run([POOLSCOPE, "tags", dump], want=None).returncode == 1:
                seeds.append(seed)
            if len(seeds) == count:
                return seeds
    raise Failure("no dump can be opened with its last fifth cut off")


def mutate(build, mode, dump, true, directory, *numbers, copy="copy"):
    """Runs tests/fuzz/mutate; its last line."""
    expected = os.path.join(directory, "expected")
    with open(expected, "w", encoding="utf-8") as file:
        file.write(truth.truth_lines(true))
    done = run([os.path.join(build, "tests", "fuzz", "mutate"), mode, dump, os.path.join(directory, copy),
                expected, *map(str, numbers)], want=None, timeout=600,
               env=dict(os.environ, ASAN_OPTIONS="detect_leaks=0:allocator_may_return_null=1"))  # fmt: skip
    lines = done.stdout.decode().strip().splitlines()
    words = done.stderr.decode("utf-8", "replace").strip().splitlines()
    check(done.returncode == 0, "\n    ".join(["", *lines, *words[:60]]))
    return lines[-1]


def of_recipe(recipe, mode, *numbers, build=SANITIZED, seed=lambda: 1):
    def case():
        with scratch() as directory:
            dump, true = make_dump(recipe, directory, seed=seed())
            return mutate(build, mode, dump, true, directory, *numbers)

    return case


def cut(machine, mode, dumps, index, *numbers):
    return of_recipe(RECIPES[machine], mode, *numbers, seed=lambda: cut_seeds(machine, dumps)[index])


def of_container(write, mode, *numbers):
    """A file that `write` makes of mkdump's core; the core itself without."""

    def case():
        with scratch() as directory:
            dump, true = make_dump(CORE, directory)
            if write:
                dump = write(containers.Core(dump), os.path.join(directory, "container"))
            return mutate(SANITIZED, mode, dump, true, directory, *numbers)

    return case


def of_state(lines, count):
    """The state beside a .vmem is damaged, and the memory is sound; the state is what is opened."""

    def case():
        with scratch() as directory:
            dump, true = make_dump("\n".join([*X64, *REGIONS, *lines, ""]), directory, name="copy.vmem")
            sound = os.path.join(directory, "sound")
            os.rename(dump.replace(".vmem", ".vmss"), sound)
            return mutate(SANITIZED, "head", sound, true, directory, SEED, count, WHOLE, copy="copy.vmss")

    return case


def command_line(machine, count):
    """The program itself over damaged files: exit status 0, 1 or 3, and words with every 3."""

    def case():
        dice = random.Random(SEED)
        counts = {0: 0, 1: 0, 3: 0}
        with scratch() as directory:
            dump, _ = make_dump(RECIPES[machine], directory)
            with open(dump, "rb") as file:
                sound = file.read()
            for number in range(count):
                damaged = bytearray(sound)
                for _ in range(dice.randint(1, 8)):
                    place = dice.randrange(len(damaged) if number % 2 else min(len(damaged), 0x3000))
                    damaged[place] ^= 1 << dice.randrange(8)
                path = os.path.join(directory, "damaged.dmp")
                with open(path, "wb") as file:
                    file.write(damaged)
                command = ("analyze", "tags", "big", "modules", "processes", "info")[number % 6]
                done = run([POOLSCOPE, command, path], want=counts, timeout=5)
                check(done.returncode != 3 or done.stderr, f"refused without a word, case {number}")
                counts[done.returncode] += 1
        return f"{counts[0]} complete, {counts[1]} incomplete, {counts[3]} refused"

    return case


def parts(count):
    """(number of the part, cases): small enough that two processors share them evenly."""
    number = -(-count // PART)
    for part in range(number):
        yield part, -(-count // number)


def cut_cases(name, counts):
    for index in range(counts.cut_dumps):
        yield f"cut-at-every-page-{index + 1}/{name}", cut(name, "cut-pages", counts.cut_dumps, index)
        yield f"cut-anywhere-{index + 1}/{name}", cut(
            name, "cut-anywhere", counts.cut_dumps, index, SEED + index, counts.cuts
        )


def cases(counts=SHORT):
    for name, (write, length, count, reader) in HEADS.items():
        for part, some in parts(count * counts.factor):
            yield f"damaged-head-{part + 1}/{name}", of_container(
                write, "head", SEED + part, some, length, *reader
            )
    for name, recipe in RECIPES.items():
        if name not in NOT_CUT + CUT_UNSEEN:
            yield from cut_cases(name, counts)
        for part, some in parts(counts.bitmap_flips if name in BITMAPS else counts.flips):
            yield f"flipped-bits-{part + 1}/{name}", of_recipe(recipe, "flip", SEED + part, some)
        yield f"command-line/{name}", command_line(name, counts.command_line)
        yield f"memory/{name}", of_recipe(recipe, "flip", SEED, counts.measured, build=BUILD)
    yield "damaged-head/header-only", of_recipe(HEADER_ONLY, "head", SEED, counts.flips, 0x2000)
    yield "cut-anywhere/header-only", of_recipe(HEADER_ONLY, "cut-anywhere", SEED, counts.cuts)
    for name, lines in PACKED.items():
        recipe = "\n".join([*lines, ""])
        for part, some in parts(counts.flips * counts.factor):
            yield f"damaged-{part + 1}/{name}", of_recipe(recipe, "head", SEED + part, some, WHOLE)
        yield f"cut-anywhere/{name}", of_recipe(recipe, "cut-anywhere", SEED, counts.cuts * counts.factor)
    for name, (line, count) in STATE_HEADS.items():
        yield f"damaged-state/{name}", of_state([line], count * counts.factor)
    for name, write in CUT_CONTAINERS.items():
        yield f"cut-anywhere/{name}", of_container(
            write, "cut-anywhere", SEED, counts.cuts * counts.factor
        )
