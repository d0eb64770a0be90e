"""What the suite drivers compares with: the truths of the test drivers (corpus/drivers/README.md), read
from the tables beside the built files and from mkdump's JSON, and the rules by which an answer is right.

A pair is (module, tag). An answer is a candidate with a grade that proves ownership or speaks for it:
call site, registration data, free site, library code; `bytes` is the weak answer that data-only tags
get. The rules: a pair of the truth must be answered with one of its grades or a stronger one; no pair
with a strong grade may stand outside of the truth; a decoy may have `bytes` at the most.
"""

import collections
import glob
import os

from harness import ROOT, check

DRIVERS = os.path.join(ROOT, "build", "drivers")
GRADES = {
    "call site": "call-site",
    "registration data": "registration",
    "free site": "free-site",
    "call site in library code": "library",
    "library": "library",
    "bytes": "bytes",
    "tag list": "tag-list",
    "inference from contents": "contents",
}
KERNEL_NAMES = {"nt": "ntoskrnl.exe"}
STRONG = ("call-site", "registration", "free-site", "library")
ORDER = ("call-site", "registration", "free-site", "library", "bytes")

Row = collections.namedtuple("Row", "tag grades apis places optional")
Truth = collections.namedtuple("Truth", "rows decoys")


def read_table(path):
    """(rows, decoys) of one driver."""
    rows, decoys = [], set()
    with open(path, encoding="utf-8") as file:
        for line in file:
            if line.startswith("#"):
                continue
            kind, tag, grades, apis, places = line.rstrip("\n").split("\t")
            if kind == "decoy":
                decoys.add(tag)
                continue
            parts = grades.split("/")
            places = [place.split(":") for place in places.split()]
            rows.append(Row(tag, [g for g in parts if g != "optional"], apis.split("/"),
                            places, "optional" in parts))  # fmt: skip
    return Truth(rows, decoys)


def truths(config):
    """{"shapes.sys": Truth} of one configuration."""
    paths = glob.glob(os.path.join(DRIVERS, config, "*.truth.tsv"))
    check(paths, f"no truths in build/drivers/{config}: make test-drivers")
    names = {path: os.path.basename(path).removesuffix(".truth.tsv") for path in paths}
    return {name + (".exe" if name == "ntoskrnl" else ".sys"): read_table(path)
            for path, name in names.items()}  # fmt: skip


def merge(rows):
    """{tag: (grades, optional)} where several sites of a driver have one tag."""
    found = {}
    for row in rows:
        grades, optional = found.get(row.tag, (set(), True))
        found[row.tag] = grades | set(row.grades), optional and row.optional
    return found


def answers(report):
    """{(module, tag): grade}, the best of each."""
    found = {}
    for owner in report["owners"] or []:
        for candidate in owner["candidates"]:
            if not candidate.get("unloaded"):
                module = candidate["module"].lower()
                pair = KERNEL_NAMES.get(module, module), owner["tag_hex"]
                found[pair] = GRADES[candidate["grade"]]
    return found


class Score:
    """Counts of one comparison, and what was wrong in words."""

    def __init__(self):
        self.wanted = self.found = self.named = self.right = self.decoys = 0
        self.missed, self.false, self.other = [], [], []

    def words(self):
        recall = 100 * self.found / self.wanted if self.wanted else 100
        precision = 100 * self.right / self.named if self.named else 100
        return (f"recall {recall:.1f} % ({self.found} of {self.wanted}), precision {precision:.1f} % "
                f"({self.right} of {self.named}), {self.decoys} decoys")  # fmt: skip

    def faults(self):
        return [*(f"missed {words}" for words in self.missed),
                *(f"wrongly named {words}" for words in self.false),
                *(f"another grade: {words}" for words in self.other)]  # fmt: skip


def shown(module, tag):
    return f"{module} {bytes.fromhex(tag).decode('latin-1')!r}"


def judge_driver(module, wanted, decoys, got, score):
    """`wanted` {tag: (grades, optional)}, `got` {tag: grade}."""
    for tag, (grades, optional) in sorted(wanted.items()):
        grade = got.get(tag)
        words = f"{shown(module, tag)} ({'/'.join(sorted(grades))}, answer {grade})"
        known = grade in ORDER and grades
        weaker = known and ORDER.index(grade) > max(ORDER.index(g) for g in grades)
        if not optional:
            score.wanted += 1
            if not known or weaker:
                score.missed.append(words)
                continue
            score.found += 1
        if known and not weaker and grade not in grades:
            score.other.append(words)
    for tag, grade in sorted(got.items()):
        if grade not in STRONG:
            continue
        score.named += 1
        if tag in wanted:
            score.right += 1
        else:
            score.false.append(f"{shown(module, tag)} ({grade})" + (", a decoy" if tag in decoys else ""))
    score.decoys += len(decoys)


def by_module(pairs):
    found = collections.defaultdict(dict)
    for (module, tag), grade in pairs.items():
        found[module][tag] = grade
    return found


def judge_files(config, report):
    """The owners of a folder against the tables beside its files."""
    score, got = Score(), by_module(answers(report))
    known = truths(config)
    for module, truth in sorted(known.items()):
        # Nobody asks for tags here, so that plain bytes are no answer, and no fault either.
        wanted = {tag: (grades, optional or "bytes" in grades)
                  for tag, (grades, optional) in merge(truth.rows).items()}  # fmt: skip
        judge_driver(module, wanted, truth.decoys, got.get(module, {}), score)
    for module in set(got) - set(known):
        judge_driver(module, {}, set(), got[module], score)
    return score


def judge_dump(true, report):
    """The owners in a dump against mkdump's truth: what was lost with a page may be missing."""
    score, got = Score(), by_module(answers(report))
    for module in true["modules"][1:]:
        rows = module["tags"]
        if rows is None:
            rows = []
        wanted = collections.OrderedDict()
        for row in rows:
            if row["decoy"]:
                continue
            parts = row["grade"].split("/")
            grades, optional = wanted.get(row["tag_hex"], (set(), True))
            may_lack = "optional" in parts or row["lost"] or row["doubtful"]
            # With pages gone, a weaker trace of the tag may be all that is left.
            grades = grades | {g for g in parts if g != "optional"}
            if may_lack and (row["lost"] or row["doubtful"]):
                grades |= set(ORDER)
            wanted[row["tag_hex"]] = grades, optional and may_lack
        decoys = {row["tag_hex"] for row in rows if row["decoy"]}
        judge_driver(module["name"].lower(), wanted, decoys, got.get(module["name"].lower(), {}), score)
    return score
