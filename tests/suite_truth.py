"""poolscope against the truth of mkdump: every recipe, each with other seeds, and a matrix of
kernel families, containers, processors and absent pages.
"""

import glob
import itertools
import os

import truth
from harness import RECIPES, Failure, check, make_dump, poolscope_json, scratch

SEEDS = (2, 3, 4)

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
]  # fmt: skip
CONTAINERS = ["type1", "type2", "type5", "type6", "raw", "raw-sparse"]
PROCESSORS = [1, 2, 8, 64]
# A flat raw image has every page; a run-length one few holes.
ABSENT = {
    "nothing-absent": [],
    "pages-absent": ["missing tracker page=1", "missing big page=2", "transition big page=3"],
}
COMMON = ["include common/small-tags.recipe", "include common/small-drivers.recipe"]


def compare(recipe, sets=(), seed=None):
    with scratch() as directory:
        dump, true = make_dump(recipe, directory, sets, seed)
        status, report = poolscope_json(dump, want=(0, 1, 3))
        check("error" not in report, f"poolscope refuses it: {report.get('error')}")
        exact = truth.compare_all(report, status, true)
    rows = len(true["pool"]["tags"])
    return f"{exact} of {rows} rows exact" if exact < rows else None


def recipe_case(name, seed):
    return lambda: compare(name, seed=seed)


def matrix_case(family, container, processors, absent):
    arch, build = family
    lines = [f"arch {arch}", f"build {build}", f"processors {processors}", f"container {container}",
             *COMMON, *ABSENT[absent], ""]  # fmt: skip
    return lambda: compare("\n".join(lines), seed=build + processors)


def exists(family, container, processors, absent):
    arch, build = family
    if arch != "x64" and processors > 32:
        return False  # x86 kernels know 32 processors
    if container == "raw" and absent != "nothing-absent":
        return False
    return build >= 3790 or processors == 1 or container in ("type1", "type6")


def cases():
    recipes = sorted(os.path.basename(p) for p in glob.glob(os.path.join(RECIPES, "*.recipe")))
    if not recipes:
        raise Failure("no recipes")
    for name in recipes:
        for seed in (None, *SEEDS):
            title = name.removesuffix(".recipe") + (f"/seed-{seed}" if seed else "")
            yield title, recipe_case(name, seed)
    for row in itertools.product(FAMILIES, CONTAINERS, PROCESSORS, ABSENT):
        if exists(*row):
            (arch, build), container, processors, absent = row
            yield f"{build}-{arch}/{container}/{processors}-processors/{absent}", matrix_case(*row)
