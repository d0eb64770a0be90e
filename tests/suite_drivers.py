"""Owners of tags in our own test drivers (corpus/drivers): x64, x86 and ARM64, at three levels of
optimisation and as in-box drivers are built; as files and as memory images of dumps. Every pair of
driver and tag is checked against a truth that was written by hand beside the code; drivers_truth.py
has the rules. That the encodings meant are really in the binaries is checked with LLVM's own tools.
"""

import functools
import glob
import json
import os
import re
import threading

import drivers_truth as dt
import truth
from harness import (MKDUMP, POOLSCOPE, RECIPES, ROOT, Failure, Skip, check, equal, poolscope_json, run,
                     scratch)  # fmt: skip

CONFIGS = ["x64-O0", "x64-O2", "x64-Os", "x64-inbox", "x86-O0", "x86-O2", "x86-Os", "arm64-O0",
           "arm64-O2", "arm64-Os"]  # fmt: skip
RECALL, PRECISION = 0.98, 0.99
BUILDING = threading.Lock()
# Not four bytes of the file: made at run time of several constants (ShAr where nothing is optimised), or
# with the bit of protected tags.
ELSEWHERE = {b"ShAr".hex(), b"HWa4".hex(), b"ImPr".hex()}

# What each driver is there to show: configuration, driver, function, and a pattern of its code as
# llvm-objdump prints it, one instruction a line ("48 ff 15 ...: callq *8174(%rip)").
IMPORT_X64, IMPORT_X86 = r"callq \*\d+\(%rip\)", r"calll \*\d+"
SHAPES = [
    ("x64-O2", "immediates", "with_tag", r"ff 15 .*" + IMPORT_X64, "call through the import table"),
    ("x64-O2", "shapes", "hoisted", r"movq \d+\(%rip\), %r\w+[^$]*callq \*%r\w+[^$]*callq \*%r\w+",
     "import kept in a register"),
    ("x64-O2", "shapes", "tail", r"48 ff 25 .*jmpq \*", "tail jump to the import"),
    ("x64-O2", "shapes", "branch", r"cmov", "select of two tags"),
    ("x64-O2", "shapes", "table", r"movl .*\(%r\w+,%r\w+,4\), %r8d", "tag from a table"),
    ("x64-O2", "shapes", "writable", r"movl -?\d+\(%rip\), %r8d", "tag from a variable"),
    ("x64-O2", "shapes", "survives", r"movl \$\d+, %(e[sdb]|r1[2-5])\w+", "tag in a preserved register"),
    ("x64-O0", "immediates", "with_tag", r"movl \$\d+, %r8d", "unoptimised"),
    ("x64-O2", "lookaside", "late", r"c7 44 24 28", "tag stored to the stack"),
    ("x64-O2", "minifilter", "aligned", r"movl \$\d+, %r9d", "fourth argument"),
    ("x64-O2", "framework", "memory", r"movq \d+\(%rip\), %r\w+[^$]*callq \*1536\(%r\w+\)", "KMDF table"),
    ("x64-inbox", "framework", "memory", r"movq 1536\(%rax\), %rax[^$]*" + IMPORT_X64, "CFG dispatch"),
    ("x64-inbox", "immediates", "with_tag", r"48 ff 15 .. .. .. ..[^$]*0f 1f 44 00 00", "optimisable import"),
    ("x64-O2", "handmade", "optimised_import", r"48 ff 15 .. .. .. ..[^$]*0f 1f 44 00 00", "same, by hand"),
    ("x64-O2", "handmade", "pushed", r"popq %r8", "push and pop"),
    ("x64-O2", "handmade", "by_lea", r"leal 72\(%rax\), %r8d", "lea"),
    ("x64-O2", "handmade", "guarded", r"callq \*-?\d+\(%rip\)", "guard dispatch, by hand"),
    ("x64-O2", "handmade", "by_thunk", r"callq 0x", "call of a thunk"),
    ("x64-O2", "wrappers", "same_order", r"jmpq \*", "wrapper with a tail jump"),
    ("x64-O2", "wrappers", "sixth", r"movl \d+\(%rsp\), %\w+", "sixth parameter"),
    ("x86-O2", "immediates", "with_tag", r"pushl \$\d+[^$]*" + IMPORT_X86, "push and call"),
    ("x86-O2", "shapes", "hoisted", r"movl \d+, %e\w+[^$]*calll \*%e\w+[^$]*calll \*%e\w+",
     "import kept in a register"),
    ("x86-O2", "handmade", "moved", r"movl \$\d+, 8\(%esp\)", "arguments moved, not pushed"),
    ("x86-O2", "handmade", "by_thunk", r"calll 0x", "call of a thunk"),
    ("x86-O2", "immediates", "pool2", r"pushl \$0\n", "64-bit flags take two words"),
    ("arm64-O2", "immediates", "with_tag", r"movk w2, #\d+, lsl #16[^$]*blr x", "movz, movk, blr"),
    ("arm64-O2", "shapes", "tail", r"br x\d", "tail jump"),
    ("arm64-O2", "shapes", "hoisted", r"blr x(19|2\d)[^$]*blr x(19|2\d)", "import in a preserved register"),
    ("arm64-O2", "shapes", "survives", r"mov w2, w(19|2\d)", "tag in a preserved register"),
    ("arm64-O2", "handmade", "literal", r"ldr w2, 0x", "literal pool"),
    ("arm64-O2", "handmade", "pair", r"ldp w2, w1", "pair of loads"),
    ("arm64-O2", "handmade", "by_thunk", r"bl 0x", "call of a thunk"),
    ("arm64-O2", "wrappers", "level1", r"blr x", "wrapper"),
]

# Recipes of memory images, with the configurations that they are made of.
RECIPE_CONFIGS = {"x64": ["x64-O0", "x64-O2", "x64-Os", "x64-inbox"],
                  "x86": ["x86-O0", "x86-O2", "x86-Os"],
                  "arm64": ["arm64-O0", "arm64-O2", "arm64-Os"]}  # fmt: skip
REWRITTEN = ("x64-direct", "x64-retpoline")  # of interest where there are sites to rewrite


@functools.cache
def make_drivers():
    run(["make", "--no-print-directory", "test-drivers"], cwd=ROOT, timeout=280)


def built():
    """Builds all drivers once; make does nothing where nothing changed."""
    with BUILDING:
        make_drivers()


def image(config, driver):
    return os.path.join(dt.DRIVERS, config, driver + (".exe" if driver == "ntoskrnl" else ".sys"))


def build():
    built()
    count = len(glob.glob(os.path.join(dt.DRIVERS, "*", "*.sys")))
    tags = sum(len(t.rows) for config in CONFIGS for t in dt.truths(config).values())
    return f"{count} images, {tags} sites"


@functools.cache
def places(config, driver):
    """{function: (rva, size)} of all places that the truth names."""
    found = {}
    for row in dt.truths(config)[os.path.basename(image(config, driver))].rows:
        for name, rva, size, _ in row.places:
            found[name] = int(rva, 16), int(size, 16)
    return found


@functools.cache
def image_base(path):
    text = run(["llvm-readobj-14", "--file-headers", path]).stdout.decode()
    return int(re.search(r"ImageBase: (0x[0-9A-F]+)", text)[1], 16)


def disassembly(config, driver, function):
    path = image(config, driver)
    known = places(config, driver)
    check(function in known, f"{driver}: the truth names no function {function}")
    rva, size = known[function]
    start = image_base(path) + rva
    text = run(["llvm-objdump-14", "-d", f"--start-address={start:#x}", f"--stop-address={start + size:#x}",
                path]).stdout.decode()  # fmt: skip
    lines = [re.sub(r"\s+", " ", line) for line in text.splitlines() if re.match(r"\s*[0-9a-f]+:", line)]
    check(lines, f"{driver}: no code at {function}")
    return "\n".join(lines) + "\n"


def shape(config, driver, function, pattern, words):
    def case():
        built()
        text = disassembly(config, driver, function)
        check(re.search(pattern.replace(r"[^$]*", r"[\s\S]*"), text),
              f"{words}: {pattern} is not in\n{text}")  # fmt: skip

    return case


def symbols(config):
    """The PDBs name the functions at the sites as the truths do."""

    def case():
        built()
        count = 0
        for module in sorted(dt.truths(config)):
            driver = module[:-4]
            path = image(config, driver)
            wanted = sorted((image_base(path) + rva, name) for name, (rva, _) in places(config, driver).items())
            lines = run(["llvm-symbolizer-14", "--no-inlines", f"--obj={path}", *(f"{va:#x}" for va, _ in wanted)])
            names = [block.splitlines()[0] for block in lines.stdout.decode().strip().split("\n\n")]
            for (_, want), got in zip(wanted, names):
                # Assembly and data have no line information.
                if got.strip("?") and not driver.startswith("handmade"):
                    equal(undecorated(got), want, f"{config} {module}: name of a site")
                    count += 1
        check(count > 50, f"only {count} names")
        return f"{count} names"

    return case


def undecorated(name):
    return re.sub(r"@\d+$", "", re.sub(r"^_", "", name))


def tags_stand_there(config):
    """Every tag of a truth is a constant of the code that is named, or stands in data."""

    def case():
        built()
        count = 0
        for module, truth in dt.truths(config).items():
            with open(image(config, module[:-4]), "rb") as file:
                data = file.read()
            for row in truth.rows:
                if row.optional or row.tag in ELSEWHERE or bytes.fromhex(row.tag) in data:
                    count += 1
                    continue
                check(config.startswith("arm64"), f"{dt.shown(module, row.tag)} is not in the file")
                text = disassembly(config, module[:-4], row.places[0][0])
                value = int.from_bytes(bytes.fromhex(row.tag), "little")
                for half in (value & 0xFFFF, value >> 16):
                    check(re.search(rf"#{half}\b", text), f"{dt.shown(module, row.tag)} is not in\n{text}")
                count += 1
        return f"{count} sites"

    return case


def has_owners():
    done = run([POOLSCOPE, "--help"], want=None)
    if b"owners" not in done.stdout:
        raise Skip("this poolscope has no command owners")


def accept(score):
    words = score.words()
    faults = score.faults()
    ok = (score.found >= RECALL * score.wanted and score.right >= PRECISION * score.named
          and not any("a decoy" in fault for fault in faults))  # fmt: skip
    if not ok:
        raise Failure("\n    ".join([words, *faults]))
    return words + ("; " + "; ".join(faults) if faults else "")


def files(config):
    def case():
        has_owners()
        built()
        _, report = poolscope_json("owners", "--drivers", os.path.join(dt.DRIVERS, config))
        return accept(dt.judge_files(config, report))

    return case


def make_image_dump(name, config, directory):
    dump, path = os.path.join(directory, "dump.dmp"), os.path.join(directory, "truth.json")
    run([MKDUMP, "--files", os.path.join(dt.DRIVERS, config),
         os.path.join(RECIPES, "owners", name + ".recipe"), dump, path])  # fmt: skip
    with open(path, encoding="utf-8") as file:
        return dump, json.load(file)


def judge_contents(report, true):
    """Allocations that point into a driver, and no code that names it: the driver is a candidate by
    inference, and no other driver is."""
    owners = {owner["tag_hex"]: owner for owner in report["owners"]}
    named = 0
    tags = {tag["tag_hex"]: tag for tag in true["pool"]["tags"]}
    for content in true["pool"]["contents"]:
        candidates = owners.get(content["tag_hex"], {"candidates": []})["candidates"]
        names = {(c["module"].lower(), c["unloaded"]) for c in candidates
                 if dt.GRADES[c["grade"]] == "contents"}  # fmt: skip
        want = content["module"].lower(), content["unloaded"]
        # Small blocks of paged pool are not looked at.
        allowed = ({want}, set()) if tags[content["tag_hex"]]["paged"]["allocs"] else ({want},)
        check(names in allowed, f"{content['tag']}: contents point to {want}, named {names}")
        named += names == {want}
    return f"contents name {named} of {len(true['pool']['contents'])}"


def dump_case(name, config):
    def case():
        has_owners()
        built()
        with scratch() as directory:
            dump, true = make_image_dump(name, config, directory)
            _, report = poolscope_json("owners", dump, want=(0, 1))
            words = accept(dt.judge_dump(true, report))
            if true["pool"]["contents"]:
                # Contents are sampled for tags that are asked for.
                asked = [word for c in true["pool"]["contents"] for word in ("--tag", c["tag"])]
                _, report = poolscope_json("owners", dump, *asked, want=(0, 1))
                words += "; " + judge_contents(report, true)
        return words

    return case


def pairs_of(report):
    return {(owner["tag_hex"], c["module"]) for owner in report["owners"]
            for c in owner["candidates"] if c["proves"]}  # fmt: skip


def copies(config, other):
    """Copies of the same build find what the dump lost; of another build they are named, not used."""
    def case():
        has_owners()
        built()
        with scratch() as directory:
            dump, _ = make_image_dump("x64-pages", config, directory)
            _, without = poolscope_json("owners", dump, want=(0, 1))
            _, same = poolscope_json("owners", dump, "--drivers", os.path.join(dt.DRIVERS, config), want=(0, 1))
            _, differs = poolscope_json("owners", dump, "--drivers", os.path.join(dt.DRIVERS, other), want=(0, 1))
        for report in (without, same, differs):
            truth.validate(report)
        more = pairs_of(same) - pairs_of(without)
        check(more, "copies of the same build find nothing more")
        check(pairs_of(without) <= pairs_of(same), "copies of the same build lose owners")
        read = {e["read_in"] for owner in same["owners"] for c in owner["candidates"] for e in c["evidence"]}
        check(any(place and config in place for place in read), "no evidence was read in a copy")
        equal(pairs_of(differs), pairs_of(without), "owners with copies of another build")
        notes = " ".join(differs["owner_notes"])
        check("of other versions: they were not used" in notes and "immediates.sys" in notes, notes)
        return f"{len(more)} pairs more"

    return case


def images_are_sound(name, config):
    """The dump is what its truth says, by the generator's own reader; and the loader did its work."""

    def case():
        built()
        with scratch() as directory:
            dump, true = make_image_dump(name, config, directory)
            run(["/usr/bin/python3", os.path.join(ROOT, "corpus", "selfcheck.py"), dump,
                 os.path.join(directory, "truth.json")])  # fmt: skip
        rows = [row for m in true["modules"] for row in m["tags"] or []]
        patched = sum(m["patched_sites"] for m in true["modules"])
        lost = sum(row["lost"] for row in rows)
        check(len(rows) > (40 if name.endswith("contents") else 130), f"only {len(rows)} rows of truth")
        check(bool(patched) == (name in REWRITTEN), f"{patched} rewritten sites")
        check((lost > 0) != name.endswith(("whole", "verifier")), f"{lost} tags lost")
        return f"{len(rows)} rows, {lost} lost" + (f", {patched} sites rewritten" if patched else "")

    return case


def cases():
    yield "build", build
    for row in SHAPES:
        yield f"shape/{row[0]}/{row[1]}/{row[2]}/{row[4].replace(' ', '-')}", shape(*row)
    for config in CONFIGS:
        yield f"symbols/{config}", symbols(config)
        yield f"tags-stand-there/{config}", tags_stand_there(config)
    recipes = sorted(os.path.basename(p).removesuffix(".recipe")
                     for p in glob.glob(os.path.join(RECIPES, "owners", "*.recipe"))
                     if not os.path.basename(p).startswith("bench-"))  # fmt: skip
    for config in CONFIGS:
        yield f"files/{config}", files(config)
    yield "copies/x64-O2", copies("x64-O2", "x64-Os")
    for name in recipes:
        configs = RECIPE_CONFIGS[name.split("-", maxsplit=1)[0]]
        yield f"image/{name}", images_are_sound(name, "x64-inbox" if name in REWRITTEN else configs[1])
        for config in configs:
            yield f"dump/{name}/{config}", dump_case(name, config)
