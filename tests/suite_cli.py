"""The command line, word for word: tests/cli/NAME.sh is run, and what it prints must be NAME.out, what
it complains NAME.err (none of them: nothing), its exit status NAME.status (none: 0).

UPDATE=1 rewrites the expectations; read them before you commit them. Exit status 77 of a script:
skipped, its output says why. Scripts run in an empty directory; prelude.sh says what they can call.
"""

import difflib
import glob
import os

from harness import BUILD, RECIPES, ROOT, Failure, Skip, run, scratch

FOLDER = os.path.join(ROOT, "tests", "cli")
SKIPPED = 77


def environment(directory):
    return {
        "PATH": BUILD + os.pathsep + os.environ["PATH"],
        "BASH_ENV": os.path.join(FOLDER, "prelude.sh"),
        "RECIPES": RECIPES,
        "HOME": directory,
        "LC_ALL": "C.UTF-8",
        "TERM": "xterm",
        "TZ": "Asia/Kolkata",  # times are UTC whatever the analyst's zone
    }


def read(path):
    try:
        with open(path, "rb") as file:
            return file.read()
    except FileNotFoundError:
        return b""


def write(path, content):
    if content:
        with open(path, "wb") as file:
            file.write(content)
    elif os.path.exists(path):
        os.remove(path)


def difference(name, want, got):
    lines = difflib.unified_diff(
        want.decode("utf-8", "replace").splitlines(), got.decode("utf-8", "replace").splitlines(),
        f"expected {name}", "got", lineterm="", n=1,
    )  # fmt: skip
    return list(lines)[:40]


def compare(name):
    base = os.path.join(FOLDER, name)
    with scratch() as directory:
        done = run(["bash", base + ".sh"], want=None, timeout=60, cwd=directory,
                   env=environment(directory))  # fmt: skip
    if done.returncode == SKIPPED:
        raise Skip(done.stdout.decode().strip())
    status = str(done.returncode).encode() + b"\n" if done.returncode else b""
    parts = {".out": done.stdout, ".err": done.stderr, ".status": status}
    if os.environ.get("UPDATE") == "1":
        for suffix, content in parts.items():
            write(base + suffix, content)
        return
    wrong = []
    for suffix, content in parts.items():
        want = read(base + suffix)
        if content != want:
            wrong += difference(name + suffix, want, content)
    if wrong:
        raise Failure("\n    ".join(["", *wrong]))


def cases():
    for path in sorted(glob.glob(os.path.join(FOLDER, "*.sh"))):
        name = os.path.basename(path)[:-3]
        if name != "prelude":
            yield name, lambda n=name: compare(n)
