"""Damaged dumps: cut everywhere, and with random bits flipped in every structure. Never a crash, a
hang, much memory, or a figure called complete where bytes were missing.

tests/fuzz/mutate runs the program in process, under the sanitizers; the same seeds every time. A
sample runs without sanitizers for its memory, and through the command line for its exit status.
"""

import functools
import os
import random

import containers
import truth
from harness import (BUILD, POOLSCOPE, SANITIZED, Failure, check, make_dump, run, scratch)  # fmt: skip

COMMON = ["container type5", "tags random=40", "tracker-entries 512", "bigpages size=1024 live=30% freed=10%",
          "driver fltmgr.sys size=0x8000", "driver myfault.sys size=0x6000",
          "unloaded dump_storport.sys size=0x1E000", ""]  # fmt: skip
MACHINES = {
    "x64": ["arch x64", "build 17763", "processors 3", "physical 16M"],
    "x86-pae": ["arch x86-pae", "build 3790", "processors 2", "physical 16M"],
}
RECIPES = {name: "\n".join(lines + COMMON) for name, lines in MACHINES.items()}
# The containers and paging kinds whose pages or pieces are found in a way of their own: machine and
# more lines.
CONTAINERS = {
    "arm64": ("x64", ["arch arm64", "build 26100"]),
    "five-levels": ("x64", ["la57 on", "build 22621"]),
    "ranges": ("x64", ["container type8"]),
    "counted-ranges": ("x64", ["container type10"]),
    "summary": ("x64", ["container type2"]),
    "summary-x86-pae": ("x86-pae", ["container type2"]),
    "elf": ("x64", ["container elf", "physical 8M"]),
    "minidump": ("x64", ["container type4", "minidump totals"]),
    "minidump-added": ("x64", ["container type4", "minidump secondary=5 overlap"]),
    "minidump-x86-pae": ("x86-pae", ["container type4", "minidump totals"]),
}
for name, (machine, lines) in CONTAINERS.items():
    RECIPES[name] = RECIPES[machine] + "\n".join([*lines, ""])
# Of a file that ends exactly behind an item of secondary data nobody can say that it was cut.
NOT_CUT = ("minidump-added",)
MINIDUMPS = [name for name in CONTAINERS if name.startswith("minidump")]
# 10,000 flips in all, and as many over the containers; a sample of them again without sanitizers.
FLIPS, FLIPS_MEASURED, CUTS, CUT_DUMPS, SEED = 5000, 300, 1000, 4, 20240601
CONTAINER_FLIPS = 1500
CUTS_OF_CONTAINERS = 300
PARTS = 5
COMMAND_LINE_CASES = 150


@functools.cache
def cut_seeds(machine):
    """Seeds whose dump can still be opened when a fifth of it is cut off: by chance the page tables
    and KDBG lie early in the file. Of the others a cut leaves nothing to be judged."""
    if machine in MINIDUMPS:
        return [1]  # holds no tags, and is judged by its lists
    seeds = []
    with scratch() as directory:
        for seed in range(1, 200):
            dump, _ = make_dump(RECIPES[machine], directory, seed=seed)
            os.truncate(dump, os.path.getsize(dump) * 4 // 5)
            if run([POOLSCOPE, "tags", dump], want=None).returncode == 1:
                seeds.append(seed)
            if len(seeds) == CUT_DUMPS:
                return seeds
    raise Failure("no dump can be opened with its last fifth cut off")


def cut(machine, mode, index, *numbers):
    return lambda: mutate(machine, mode, SANITIZED, *numbers, seed=cut_seeds(machine)[index])()


def mutate(machine, mode, build, *numbers, seed=1):
    program = os.path.join(build, "tests", "fuzz", "mutate")
    environment = dict(os.environ, ASAN_OPTIONS="detect_leaks=0:allocator_may_return_null=1")

    def case():
        with scratch() as directory:
            dump, true = make_dump(RECIPES[machine], directory, seed=seed)
            expected = os.path.join(directory, "expected")
            with open(expected, "w", encoding="utf-8") as file:
                file.write(truth.truth_lines(true))
            done = run([program, mode, dump, os.path.join(directory, "copy"), expected,
                        *map(str, numbers)], want=None, timeout=600, env=environment)  # fmt: skip
        lines = done.stdout.decode().strip().splitlines()
        if done.returncode:
            words = done.stderr.decode("utf-8", "replace").strip().splitlines()
            raise Failure("\n    ".join(["", *lines, *words[:60]]))
        return lines[-1]

    return case


# Files of other containers, made from an ELF core: how much of their beginning is damaged, how often,
# and through which reader. 10,000 ELF cores natively, 3,000 files through libkdumpfile.
CORE = RECIPES["elf"]
HEADS = {
    "elf-headers": (None, 400, 5000, 3, []),
    "elf-headers-and-notes": (None, 3000, 5000, 3, []),
    "elf-through-kdumpfile": (None, 400, 1000, 2, ["kdumpfile"]),
    "kdump-headers": (containers.write_kdump, 464, 700, 2, []),
    "kdump-all": (containers.write_kdump, 40000, 700, 2, []),
    "flattened": (containers.write_flattened, 12000, 300, 1, []),
    "lkcd": (containers.write_lkcd, 70000, 300, 1, []),
    "sadump": (containers.write_sadump, 17000, 300, 1, []),
    "xen": (containers.write_xen, 5700, 300, 1, []),
}
CUT_CONTAINERS = {"kdump": containers.write_kdump, "flattened": containers.write_flattened,
                  "lkcd": containers.write_lkcd, "sadump": containers.write_sadump}  # fmt: skip


def of_container(write, mode, *words):
    program = os.path.join(SANITIZED, "tests", "fuzz", "mutate")
    environment = dict(os.environ, ASAN_OPTIONS="detect_leaks=0:allocator_may_return_null=1")

    def case():
        with scratch() as directory:
            dump, true = make_dump(CORE, directory)
            if write:
                dump = write(containers.Core(dump), os.path.join(directory, "container"))
            expected = os.path.join(directory, "expected")
            with open(expected, "w", encoding="utf-8") as file:
                file.write(truth.truth_lines(true))
            done = run([program, mode, dump, os.path.join(directory, "copy"), expected,
                        *map(str, words)], want=None, timeout=600, env=environment)  # fmt: skip
        lines = done.stdout.decode().strip().splitlines()
        words_of_it = done.stderr.decode("utf-8", "replace").splitlines()
        check(done.returncode == 0, "\n    ".join(["", *lines, *words_of_it[:60]]))
        return lines[-1]

    return case


def command_line(machine):
    """The program itself over damaged files: exit status 0, 1 or 3, and words with every 3."""

    def case():
        dice = random.Random(SEED)
        counts = {0: 0, 1: 0, 3: 0}
        with scratch() as directory:
            dump, _ = make_dump(RECIPES[machine], directory)
            with open(dump, "rb") as file:
                sound = file.read()
            for number in range(COMMAND_LINE_CASES):
                damaged = bytearray(sound)
                for _ in range(dice.randint(1, 8)):
                    place = dice.randrange(len(damaged) if number % 2 else 0x3000)
                    damaged[place] ^= 1 << dice.randrange(8)
                path = os.path.join(directory, "damaged.dmp")
                with open(path, "wb") as file:
                    file.write(damaged)
                command = ("analyze", "tags", "big", "modules", "info")[number % 5]
                done = run([POOLSCOPE, command, path], want=counts, timeout=5)
                check(done.returncode != 3 or done.stderr, f"refused without a word, case {number}")
                counts[done.returncode] += 1
        return f"{counts[0]} complete, {counts[1]} incomplete, {counts[3]} refused"

    return case


def cases():
    for machine in MACHINES:
        for part in range(CUT_DUMPS):
            yield f"cut-at-every-page-{part + 1}/{machine}", cut(machine, "cut-pages", part)
            yield f"cut-anywhere-{part + 1}/{machine}", cut(
                machine, "cut-anywhere", part, SEED + part, CUTS // CUT_DUMPS
            )
        for part in range(PARTS):
            yield f"flipped-bits-{part + 1}/{machine}", mutate(
                machine, "flip", SANITIZED, SEED + part, FLIPS // PARTS
            )
        yield f"memory/{machine}", mutate(machine, "flip", BUILD, SEED, FLIPS_MEASURED)
        yield f"command-line/{machine}", command_line(machine)
    for name in CONTAINERS:
        if name not in NOT_CUT:
            yield f"cut-at-every-page/{name}", cut(name, "cut-pages", 0)
            yield f"cut-anywhere/{name}", cut(name, "cut-anywhere", 0, SEED, CUTS)
        yield f"flipped-bits/{name}", mutate(name, "flip", SANITIZED, SEED, CONTAINER_FLIPS)
        yield f"command-line/{name}", command_line(name)
    for name, (write, length, count, parts, reader) in HEADS.items():
        for part in range(parts):
            yield f"damaged-head/{name}-{part + 1}", of_container(
                write, "head", SEED + part, count // parts + 1, length, *reader
            )
    for name, write in CUT_CONTAINERS.items():
        yield f"cut-anywhere/{name}", of_container(write, "cut-anywhere", SEED, CUTS_OF_CONTAINERS)
