"""Everything compiles without a warning under gcc and clang, and with the sanitizers."""

import os
import subprocess

from harness import ROOT, Failure, check, equal, run, scratch

JOBS = 1  # make itself uses both processors


def make(*words):
    def case():
        environment = {k: v for k, v in os.environ.items() if not k.startswith("MAKE") and k != "MFLAGS"}
        done = subprocess.run(
            ["make", "-j2", "WERROR=1", *words],
            cwd=ROOT,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
        )
        if done.returncode:
            words_of_make = done.stderr.decode("utf-8", "replace").strip().splitlines()
            raise Failure("\n    ".join([f"make {' '.join(words)}", *words_of_make[-40:]]))

    return case


def install():
    """Everything lands under PREFIX, and `make uninstall` takes all of it away."""
    with scratch() as directory:
        words = ["install", f"DESTDIR={directory}", "PREFIX=/usr"]
        make(*words)()
        done = run([os.path.join(directory, "usr", "bin", "poolscope"), "--version"])
        check(done.stdout.startswith(b"poolscope "), "the installed program has no version")
        schemas = [f"usr/share/doc/poolscope/poolscope-{name}1.schema.json"
                   for name in ("", "batch-", "cases-", "diff-", "merge-")]  # fmt: skip
        for name in ["usr/share/man/man1/poolscope.1", "usr/share/bash-completion/completions/poolscope", *schemas]:
            check(os.path.exists(os.path.join(directory, name)), f"{name} is not installed")
        make("uninstall", *words[1:])()
        left = [name for _, _, names in os.walk(directory) for name in names]
        check(not left, f"left after make uninstall: {' '.join(left)}")


def root_program(words, copied):
    """Which builds may replace ./poolscope."""

    def case():
        done = run(["make", "-n", *words, "all"], cwd=ROOT)
        equal("cp --remove-destination" in done.stdout.decode(), copied, "./poolscope is replaced")

    return case


STUBS = {
    "dpkg-query": 'case $3 in present) echo installed ;; *) exit 1 ;; esac',
    "apt-get": 'echo "apt-get $*" >> "$LOG"; [ -e "$LOG.updated" ] || [ "$3" = update ] || exit 100\n'
               'touch "$LOG.updated"',
    "sudo": 'echo sudo >> "$LOG"; exec "$@"',
    "id": 'echo "$ID"',
}  # fmt: skip


def packages(user, names, want):
    """contrib/install-packages.sh over made-up dpkg, apt-get and sudo."""

    def case():
        with scratch() as directory:
            for name, body in STUBS.items():
                path = os.path.join(directory, name)
                with open(path, "w", encoding="ascii") as file:
                    file.write(f"#!/bin/sh\n{body}\n")
                os.chmod(path, 0o755)
            log = os.path.join(directory, "log")
            environment = {"PATH": f"{directory}:/usr/bin:/bin", "LOG": log, "ID": user}
            done = run([os.path.join(ROOT, "contrib", "install-packages.sh"), *names],
                       env=environment)  # fmt: skip
            called = open(log, encoding="ascii").read() if os.path.exists(log) else ""
        check(bool(done.stdout) == bool(called), "says that it installs, and does not, or silently")
        for words in want:
            check(words in called, f"{words!r} was not called: {called!r}")
        check(want or not called, f"called: {called!r}")

    return case


def cases():
    programs = ["build/gcc-werror/poolscope", "mkdump", "tools"]
    yield "gcc-without-warnings", make("CC=gcc", *programs)
    yield "gcc-with-sanitizers", make("CC=gcc", "SANITIZE=1", "poolscope", "unit", "tools")
    yield "clang-without-warnings", make(
        "CC=clang-14", "build/clang-14-werror/poolscope", "mkdump", "unit", "tools"
    )
    yield "install-and-uninstall", install
    yield "root-program-of-another-compiler", root_program(["CC=clang-14"], True)
    yield "root-program-not-with-sanitizers", root_program(["SANITIZE=1"], False)
    yield "root-program-not-for-libfuzzer", root_program(["CC=clang-14", "FUZZER=1"], False)
    yield "apt-is-not-called-when-nothing-is-missing", packages("0", ["present"], [])
    yield "missing-packages-are-installed-as-root", packages(
        "0", ["present", "lacking", "wanted"], ["install --no-install-recommends lacking wanted", "update"]
    )
    yield "missing-packages-are-installed-with-sudo", packages(
        "1000", ["lacking"], ["sudo", "install --no-install-recommends lacking"]
    )
