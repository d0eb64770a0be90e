"""The house's rules that a compiler does not see: arrows between rooms, where JSON and printing may
happen, formatting, and that a Debian package is named once.
"""

import glob
import os
import re

from harness import ROOT, Skip, check, equal, run

# Room -> the rooms that it may include besides itself. The arrows run one way:
# cli -> desk -> plugins -> pool -> kernel -> memory -> formats -> base.
CHAIN = ["analyzer/cli", "analyzer/desk", "plugins", "analyzer/pool", "analyzer/kernel",
         "analyzer/memory", "formats", "base"]
ROOMS = {room: CHAIN[place + 1:] for place, room in enumerate(CHAIN)}
ROOMS["analyzer/owners"] = ROOMS["analyzer/pool"]
for above in CHAIN[:3]:
    ROOMS[above] = ROOMS[above] + ["analyzer/owners", "analyzer/report", "analyzer/texts"]
# They stand beside the chain and know no dump.
ROOMS["analyzer/report"] = ["base"]
ROOMS["analyzer/texts"] = ["base"]
# Shares nothing with what it tests.
ROOMS["corpus"] = []

INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"', re.MULTILINE)
COMMENT = re.compile(r'/\*.*?\*/|"(?:\\.|[^"\\])*"', re.DOTALL)


def sources(*directories):
    for directory in directories or [*ROOMS, "tests"]:
        for place, _, names in os.walk(os.path.join(ROOT, directory)):
            for name in sorted(names):
                if name.endswith((".c", ".h")):
                    yield os.path.relpath(os.path.join(place, name), ROOT)


def text(path):
    with open(os.path.join(ROOT, path), encoding="utf-8") as file:
        return file.read()


def code(path):
    """Without comments and the contents of strings."""
    return COMMENT.sub(lambda m: '""' if m.group()[0] == '"' else " ", text(path))


def room_of(path):
    return max((r for r in ROOMS if path.startswith(r + "/")), key=len, default=None)


def arrows():
    wrong = []
    for path in sources(*ROOMS):
        room = room_of(path)
        for include in INCLUDE.findall(text(path)):
            target = room_of(include)
            if target is None:
                wrong.append(f"{path}: include from the root of the project, not \"{include}\"")
            elif target != room and target not in ROOMS[room]:
                wrong.append(f"{path} includes {include}: {room} may not know {target}")
    check(not wrong, "\n    ".join(["", *wrong]))


def man_pages():
    pages = [os.path.join("docs", name) for name in ("poolscope.1", "poolscope-findings.7")]
    try:
        done = run(["mandoc", "-T", "lint", "-W", "warning", *pages], want=None, cwd=ROOT)
    except FileNotFoundError as error:
        raise Skip("mandoc is not installed") from error
    check(done.returncode == 0, done.stdout.decode() + done.stderr.decode())


def findings():
    """Every finding of the list is made by a plugin and has its section in the manual; the list has
    nothing else. That a plugin makes no finding without a row, the compiler sees."""
    listed = dict(re.findall(r'\[(FINDING_\w+)\] =\s*\{"([\w-]+)"', text("plugins/finding_list.c")))
    declared = re.search(r"enum finding_id \{(.*?)\};", text("plugins/finding_list.h"), re.DOTALL)
    names = re.findall(r"\bFINDING_\w+", re.sub(r"/\*.*?\*/", "", declared.group(1)))
    equal(sorted(listed), sorted(names), "rows of finding_list.c against finding_list.h")
    check(len(names) > 20, "the list of findings cannot be read")
    makers = "".join(code(path) for path in sources("plugins") if "finding_list" not in path
                     and not path.endswith(("verdict.c", "subject.c")))  # fmt: skip
    made = set(re.findall(r"\bFINDING_\w+", makers)) | {"FINDING_NOTHING_UNUSUAL"}
    silent = sorted(set(names) - made)
    check(not silent, "no plugin makes: " + ", ".join(silent))
    sections = re.findall(r"^\.It Sy ([\w-]+)$", text("docs/poolscope-findings.7"), re.MULTILINE)
    equal(sections, [listed[name] for name in names], "sections of poolscope-findings(7)")


def shell_scripts():
    scripts = [*glob.glob(os.path.join(ROOT, "contrib", "**", "*.*sh"), recursive=True),
               *glob.glob(os.path.join(ROOT, "tests", "**", "*.sh"), recursive=True),
               *glob.glob(os.path.join(ROOT, "contrib", "slurm", "*.sbatch")),
               os.path.join(ROOT, ".ci", "run")]
    for script in scripts:
        run(["bash", "-n", script])


def only_in(pattern, allowed, words):
    def case():
        found = []
        for path in sources(*ROOMS):
            if path.startswith(allowed):
                continue
            for number, line in enumerate(code(path).splitlines(), 1):
                if re.search(pattern, line):
                    found.append(f"{path}: {line.strip()}")
        check(not found, "\n    ".join([words, *found]))

    return case


def formatting():
    command = ["clang-format-14", "--dry-run", "-Werror", *sorted(sources())]
    try:
        done = run(command, want=None, cwd=ROOT)
    except FileNotFoundError as error:
        raise Skip("clang-format-14 is not installed") from error
    files = sorted({line.split(":")[0] for line in done.stderr.decode().splitlines()
                    if "clang-format-violations" in line})
    check(done.returncode == 0, "clang-format -i is due for: " + ", ".join(files))


def packages():
    makefile = text("Makefile").replace("\\\n", " ")
    lists = re.findall(r"^PACKAGES_\w+ := (.*)$", makefile, re.MULTILINE)
    check(len(lists) == 5, "the five lists of packages are not in the Makefile")
    names = " ".join(lists).split()
    twice = sorted({name for name in names if names.count(name) > 1})
    check(not twice, "named more than once: " + " ".join(twice))
    check(os.path.exists(os.path.join(ROOT, "README.md")), "README.md is absent")
    readme = text("README.md")
    silent = [name for name in names if name not in readme]
    check(not silent, "README.md gives no reason for: " + " ".join(silent))


def file_comments():
    bare = [path for path in sources() if not text(path).startswith("/*")]
    check(not bare, "no comment at the top that says what the file does: " + ", ".join(bare))


def no_binaries():
    """Dumps and images are made from recipes, never kept."""
    kept = []
    for directory in ["corpus", "tests", "docs", "contrib"]:
        for path in glob.glob(os.path.join(ROOT, directory, "**"), recursive=True):
            if os.path.isfile(path) and "__pycache__" not in path:
                with open(path, "rb") as file:
                    if b"\0" in file.read():
                        kept.append(os.path.relpath(path, ROOT))
    check(not kept, "binary files: " + ", ".join(kept))


def cases():
    yield "includes-follow-the-arrows", arrows
    yield "json-only-in-report", only_in(
        r"\bjson_\w+\s*\(|<jansson\.h>", ("analyzer/report/", "analyzer/texts/known.c", "analyzer/desk/", "corpus/"),
        "JSON is written by report/ and read by texts/known.c and desk/ only:"
    )
    yield "printing-only-in-renderers", only_in(
        r"\b(printf|puts|putchar|perror)\s*\(|\bstdout\b",
        ("analyzer/report/", "analyzer/cli/", "corpus/"),
        "results are printed by report/ and cli/ only:",
    )
    yield "file-bytes-only-through-accessors", only_in(
        r"\b(le|be)(16|32|64)toh\s*\(",
        # page_map.c counts the bits of its own bitmap by words
        ("base/bytes.h", "formats/page_map.c", "corpus/"),
        "use base/bytes.h:",
    )
    yield "clang-format", formatting
    yield "packages-named-once-with-a-reason", packages
    yield "man-pages", man_pages
    yield "findings-have-a-maker-and-a-section", findings
    yield "shell-scripts-parse", shell_scripts
    yield "files-open-with-a-comment", file_comments
    yield "no-binary-files", no_binaries
