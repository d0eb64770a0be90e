"""What all suites share: paths, running programs, and how a test says that it failed or was skipped.

A suite is a module with cases(), which yields (name, function) pairs. A function returns None or a
remark when it passed, raises Failure or Skip otherwise, or returns a list of Result when one program
holds many tests.
"""

import collections
import contextlib
import json
import os
import shutil
import subprocess
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
DATA = os.path.normpath(os.path.join(ROOT, "..", "shared", "data"))
BUILD = os.path.join(ROOT, "build", "gcc-werror")
SANITIZED = os.path.join(ROOT, "build", "gcc-werror-sanitize")
RECIPES = os.path.join(ROOT, "corpus", "recipes")
SCHEMA = os.path.join(ROOT, "analyzer", "report", "poolscope-1.schema.json")
POOLSCOPE = os.path.join(BUILD, "poolscope")
MKDUMP = os.path.join(BUILD, "mkdump")

Result = collections.namedtuple("Result", "status name why")


class Failure(Exception):
    """The test failed; the text says what was expected and what came."""


class Skip(Exception):
    """The test cannot run here; the text says why."""


def check(condition, words):
    if not condition:
        raise Failure(words)


def equal(got, want, what):
    if got != want:
        raise Failure(f"{what}: {got!r}, expected {want!r}")


def data(*parts):
    """A path of the shared test data; skips the test where it is absent."""
    path = os.path.join(DATA, *parts)
    if not os.path.exists(path):
        raise Skip(f"{os.path.join('../shared/data', *parts)} is absent")
    return path


def run(command, want=(0,), timeout=120, **options):
    """Runs a program; its exit status must be one of `want` (None: any)."""
    options.setdefault("stdin", subprocess.DEVNULL)
    try:
        done = subprocess.run(command, capture_output=True, timeout=timeout, check=False, **options)
    except subprocess.TimeoutExpired as error:
        raise Failure(f"{command[0]} ran longer than {timeout} s") from error
    if want is not None and done.returncode not in want:
        words = done.stderr.decode("utf-8", "replace").strip().splitlines()
        raise Failure(
            f"exit status {done.returncode} of: {' '.join(command)}: {' / '.join(words[-4:])}"
        )
    return done


SMALL_DISK = 'mount -t tmpfs -o size="$1" none "$2" || exit 77; cd "$2"; shift 2; "$@"; s=$?; '


def on_small_disk(size, room, command, then="ls -A", **options):
    """Runs a program in `room`, a new directory that is a filesystem of `size` for its time, and `then` there: lists
    what the program left, unless told otherwise."""
    os.mkdir(room)
    try:
        done = run(["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", f"{SMALL_DISK}{then}; exit $s", "sh",
                    size, room, *command], want=None, **options)  # fmt: skip
    except FileNotFoundError as reason:
        raise Skip("no program unshare") from reason
    if done.returncode == 77 or done.stderr.startswith(b"unshare:"):
        raise Skip("no filesystem may be mounted here")
    return done


@contextlib.contextmanager
def scratch():
    """A private directory under build/, gone afterwards."""
    base = os.path.join(ROOT, "build", "scratch")
    os.makedirs(base, exist_ok=True)
    path = tempfile.mkdtemp(dir=base)
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


def make_dump(recipe, directory, sets=(), seed=None, name="dump.dmp"):
    """Makes a dump: `recipe` is a file, or text with several lines. Returns its path and its truth."""
    dump = os.path.join(directory, name)
    truth = os.path.join(directory, "truth.json")
    command = [MKDUMP]
    for assignment in sets:
        command += ["--set", assignment]
    if seed is not None:
        command += ["--seed", str(seed)]
    text = recipe if "\n" in recipe else None
    command += ["-" if text else recipe, dump, truth]
    given = {"input": text.encode(), "stdin": None} if text else {}
    run(command, cwd=RECIPES, **given)
    with open(truth, encoding="utf-8") as file:
        return dump, json.load(file)


def poolscope_json(*arguments, want=(0, 1)):
    """Runs poolscope with --json. Returns its exit status and the object."""
    done = run([POOLSCOPE, *arguments, "--json"], want=want, timeout=30)
    try:
        return done.returncode, json.loads(done.stdout)
    except ValueError as error:
        raise Failure(f"poolscope {' '.join(arguments)} --json is no JSON: {error}") from error
