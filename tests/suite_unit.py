"""The unit tests, built with AddressSanitizer and UBSan: every cmocka test counts."""

import glob
import os
import re

from harness import ROOT, SANITIZED, Failure, Result, run

LINE = re.compile(rb"^(not ok|ok) \d+ (?:- )?(# SKIP )?(.*)$", re.MULTILINE)


def program(path):
    name = os.path.basename(path)

    def case():
        environment = dict(os.environ, CMOCKA_MESSAGE_OUTPUT="TAP", LC_ALL="C.UTF-8")
        done = run([path], want=None, timeout=300, cwd=ROOT, env=environment)
        words = (done.stderr + done.stdout).decode("utf-8", "replace")
        results = []
        for status, skipped, test in LINE.findall(done.stdout + b"\n" + done.stderr):
            kind = "skip" if skipped else "ok" if status == b"ok" else "FAIL"
            results.append(Result(kind, f"unit/{name[5:]}/{test.decode()}", ""))
        if not results or (done.returncode and all(r.status != "FAIL" for r in results)):
            raise Failure(f"exit status {done.returncode}: {words[-3000:]}")
        if done.returncode:
            results.append(Result("FAIL", f"unit/{name[5:]}", words[-6000:]))
        return results

    return case


def cases():
    for source in sorted(glob.glob(os.path.join(ROOT, "tests", "unit", "test_*.c"))):
        name = os.path.basename(source)[:-2]
        yield name[5:], program(os.path.join(SANITIZED, "unit", name))
