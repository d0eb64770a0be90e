"""Everything compiles without a warning under gcc and clang, and with the sanitizers."""

import os
import subprocess

from harness import ROOT, Failure

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


def cases():
    programs = ["build/gcc-werror/poolscope", "mkdump", "tools"]
    yield "gcc-without-warnings", make("CC=gcc", *programs)
    yield "gcc-with-sanitizers", make("CC=gcc", "SANITIZE=1", "unit", "tools")
    yield "clang-without-warnings", make(
        "CC=clang-14", "build/clang-14-werror/poolscope", "mkdump", "unit", "tools"
    )
