"""poolscope against the truth of mkdump: every recipe, each with other seeds, and a matrix of
kernel families, containers, processors and absent pages.
"""

import functools
import glob
import itertools
import os
import re

import truth
from harness import RECIPES, Failure, check, equal, make_dump, poolscope_json, scratch

SEEDS = (2, 3, 4)
# Validation costs more than all the rest: of the matrix one column does.
SCHEMA_COLUMN = ("type6", 2)

# Kernel families: architecture and build of each shape of the tables that there is.
FAMILIES = [
    ("x86", 2600), ("x86-pae", 2600),
    ("x86", 3790), ("x86-pae", 3790), ("x64", 3790),
    ("x86-pae", 6002), ("x64", 6002),
    ("x86", 7601), ("x86-pae", 7601), ("x64", 7601),
    ("x64", 9200), ("x86-pae", 9600), ("x64", 9600),
    ("x86-pae", 10240), ("x64", 10240), ("x64", 14393), ("x86-pae", 15063), ("x64", 15063),
    ("x86-pae", 16299), ("x64", 16299), ("x64", 17134), ("x64", 17763), ("x64", 18362),
    ("x86-pae", 19041), ("x64", 19041),
    ("x64", 20348), ("x64", 22000), ("x64", 22621), ("x64", 26100),
    ("arm64", 17134), ("arm64", 19041), ("arm64", 22000), ("arm64", 26100),
    ("x64-la57", 19041), ("x64-la57", 26100),
]  # fmt: skip
CONTAINERS = ["type1", "type2", "type5", "type6", "raw", "raw-sparse"]
PROCESSORS = [1, 2, 8, 64]
# Containers whose pages are found in a way of their own, with one number of processors each.
MORE_CONTAINERS = ["type2 layout=A", "type3", "type4", "type7", "type7 body=ranges",
                   "type7 body=counted", "type8", "type9", "type10"]  # fmt: skip
WIDE_ONLY = ("type7 body=ranges", "type7 body=counted", "type8", "type9", "type10")
WITHOUT_PAGES = ("type3", "type4")
# A flat raw image has every page; a dump of runs can have a few holes.
ABSENT = {
    "nothing-absent": [],
    "pages-absent": ["missing tracker cpu={last} page=1", "missing big page=2", "transition big page=3"],
}
COMMON = ["include common/small-tags.recipe", "include common/small-drivers.recipe"]


# Recipes of files that poolscope cannot use: the code of the error, and a word of its message.
REFUSED = {
    "encrypted": ("unsupported", "encrypted"),
    "unknown-type": ("unsupported", "unknown type"),
    "truncated-header": ("absent", "header"),
    "no-kdbg": ("not-found", "KDBG"),
    "decoys-no-kdbg": ("not-found", "KDBG"),
    "missing-kdbg": ("not-found", "KDBG"),
    "encoded-kdbg": ("not-found", "KDBG"),
}
CUT = ("truncated", "elf-truncated", "truncated-late", "insufficient", "rdmp-truncated")
LIST_DAMAGED = ("loop-modules", "nowhere-modules")
WITHOUT_GLOBALS = ("missing-globals",)


@functools.cache
def unmapped_drivers():
    """Drivers of which the recipes say that no page of their image is mapped."""
    names = set()
    for path in glob.glob(os.path.join(RECIPES, "**", "*.recipe"), recursive=True):
        with open(path, encoding="utf-8") as file:
            names.update(re.findall(r"^driver (\S+) .*\bunmapped\b", file.read(), re.MULTILINE))
    return names


def command(dump, name, want):
    """A report that follows the schema, with this exit status."""
    status, report = poolscope_json(name, dump, want=(0, 1, 3))
    equal(status, want, f"exit status of {name}")
    if status != 3:
        truth.validate(report)
    return report


def judge_no_pools(dump, word):
    for name in ("tags", "big"):
        error = command(dump, name, 3)["error"]
        equal(error["code"], "unsupported", f"error code of {name}")
        check(word in error["message"], f"message of {name}: {error['message']}")
        check("CrashDumpEnabled 2, 7 or 1" in error["hint"], f"hint of {name}: {error['hint']}")


def judge_minidump(dump, true):
    """Modules and header are whole, the pools are not there and the report says why."""
    cut = true["file"]["truncated"]
    report = command(dump, "analyze", 1)
    equal(report["file"]["complete"], not cut, "file complete")
    judge_no_pools(dump, "minidump")
    truth.compare_bare_system(report, true)
    command(dump, "info", 0)
    if not cut:
        command(dump, "modules", 0)
        truth.compare_minidump(report, true)
    return "minidump, cut" if cut else "minidump"


def judge_header(dump, true):
    """All that the header says, and that there is no memory."""
    judge_no_pools(dump, "header")
    report = command(dump, "info", 0)
    truth.compare_bare_system(report, true)
    header = report["file"]["header"]
    for key in ("directory_table_base", "kdbg"):
        equal(header[key], true["system"][key], f"header {key}")
    return "header only"


JUDGES = {"pieces": judge_minidump, "header": judge_header}


def run_recipe(recipe, seed, judge, validate):
    with scratch() as directory:
        dump, true = make_dump(recipe, directory, seed=seed)
        if true["file"]["holds"] in JUDGES:
            return JUDGES[true["file"]["holds"]](dump, true)
        status, report = poolscope_json(dump, want=(0, 1, 3))
    if validate:
        truth.validate(report)
    return judge(status, report, true)


def judge_whole(status, report, true):
    check("error" not in report, f"poolscope refuses it: {report.get('error')}")
    exact = truth.compare_all(report, status, true, unmapped_drivers())
    rows = len(true["pool"]["tags"])
    return f"{exact} of {rows} rows exact" if exact < rows else None


def judge_refused(code, word):
    def judge(status, report, _):
        equal(status, 3, "exit status")
        equal(report["error"]["code"], code, "error code")
        check(word in report["error"]["message"], f"message: {report['error']['message']}")

    return judge


def judge_cut(status, report, true):
    """What is left of it may be too little; else all that is called complete is exact."""
    if "error" in report:
        equal(status, 3, "exit status")
        return "too little is left"
    return f"{truth.compare_cut(report, status, true)} rows exact"


def judge_damaged_list(status, report, true):
    """The modules that can be reached are right, and the report says that some may lack."""
    equal(status, 1, "exit status")
    bases = [module["base"] for module in true["modules"]]
    got = [module["base"] for module in report["modules"]]
    equal(got, [base for base in bases if base in got], "modules, in the order of the list")
    check(len(got) >= len(bases) - 1, f"{len(got)} of {len(bases)} modules")
    truth.compare_pool(report["pool"], true)


def judge_without_globals(status, report, true):
    equal(status, 1, "exit status")
    equal(report["pool"]["tags"], None, "tags")
    truth.compare_system(report, true)
    truth.compare_modules(report, true)


def judge_of(recipe):
    if recipe in REFUSED:
        return judge_refused(*REFUSED[recipe])
    for recipes, judge in ((CUT, judge_cut), (LIST_DAMAGED, judge_damaged_list),
                           (WITHOUT_GLOBALS, judge_without_globals)):  # fmt: skip
        if recipe in recipes:
            return judge
    return judge_whole


def recipe_case(name, seed):
    return lambda: run_recipe(name + ".recipe", seed, judge_of(name), seed is None)


def matrix_case(family, container, processors, absent):
    arch, build = family
    last = processors - 1 if build >= 3790 else 0  # XP has one table
    machine = ["arch x64", "la57 on"] if arch == "x64-la57" else [f"arch {arch}"]
    lines = [*machine, f"build {build}", f"processors {processors}", f"container {container}",
             *COMMON, *(line.format(last=last) for line in ABSENT[absent]), ""]  # fmt: skip
    validate = (container, processors) == SCHEMA_COLUMN
    return lambda: run_recipe("\n".join(lines), build + processors, judge_whole, validate)


def exists(family, container, processors, absent):
    arch, build = family
    if arch.startswith("x86") and processors > 32:
        return False  # x86 kernels know 32 processors
    if container in ("raw", *WITHOUT_PAGES) and absent != "nothing-absent":
        return False
    if container in WIDE_ONLY and arch.startswith("x86"):
        return False
    return True


def cases():
    recipes = sorted(os.path.basename(p) for p in glob.glob(os.path.join(RECIPES, "*.recipe")))
    if not recipes:
        raise Failure("no recipes")
    for name in recipes:
        name = name.removesuffix(".recipe")
        for seed in (None, *SEEDS):
            yield name + (f"/seed-{seed}" if seed else ""), recipe_case(name, seed)
    rows = itertools.chain(
        itertools.product(FAMILIES, CONTAINERS, PROCESSORS, ABSENT),
        itertools.product(FAMILIES, MORE_CONTAINERS, [4], ABSENT),
    )
    for row in rows:
        if exists(*row):
            (arch, build), container, processors, absent = row
            yield f"{build}-{arch}/{container.replace(' ', '-')}/{processors}-processors/{absent}", matrix_case(*row)
