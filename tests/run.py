#!/usr/bin/python3
"""Runs the test suites: one line a test (ok, FAIL, skip and why), and the count at the end.

    tests/run.py [SUITE...]     build lint unit cli truth readers snapshots pack bare convert batch batch-strange
                                slurm diff diff-logs qemu rvas symbols totals sessions real pe owners drivers processes
                                verdict html mutate; all without an argument.
                                mutate-long: only when asked for

The programs under test are built first, whatever is asked for. Ends with exit status 1 when anything
failed.
"""

import concurrent.futures
import importlib
import sys
import time
import traceback

from harness import Failure, Result, Skip

SUITES = ["build", "lint", "unit", "cli", "truth", "readers", "snapshots", "pack", "bare", "convert", "batch",
          "batch-strange", "slurm", "diff", "diff-logs", "qemu", "rvas", "symbols", "totals", "sessions", "real", "pe", "owners", "drivers",
          "processes", "verdict", "html", "mutate"]
ON_REQUEST = ["mutate-long", "batch-long"]
# Independent of the machine's size, so that a time-out means the same everywhere.
JOBS = 2


def run_case(name, function):
    try:
        outcome = function()
    except Skip as skip:
        return [Result("skip", name, str(skip))]
    except Failure as failure:
        return [Result("FAIL", name, str(failure))]
    except Exception:  # pylint: disable=broad-except # a fault of the test is a failed test
        return [Result("FAIL", name, "fault of the test: " + traceback.format_exc())]
    if isinstance(outcome, list):
        return outcome
    return [Result("ok", name, outcome or "")]


def show(result):
    why = f": {result.why}" if result.why else ""
    print(f"{result.status:<5} {result.name}{why}", flush=True)


def run_suite(name, counts):
    module = importlib.import_module("suite_" + name.replace("-", "_"))
    jobs = getattr(module, "JOBS", JOBS)
    started = time.monotonic()
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        futures = [pool.submit(run_case, f"{name}/{case}", f) for case, f in module.cases()]
        for future in futures:
            for result in future.result():
                show(result)
                counts[result.status] += 1
    print(f"# {name}: {time.monotonic() - started:.1f} s", flush=True)


def main():
    asked = sys.argv[1:] or SUITES
    unknown = [name for name in asked if name not in SUITES + ON_REQUEST]
    if unknown:
        print(f"no suite {unknown[0]}; there are: {' '.join(SUITES + ON_REQUEST)}", file=sys.stderr)
        return 2
    counts = {"ok": 0, "FAIL": 0, "skip": 0}
    if asked != ["lint"] and "build" not in asked:
        asked.insert(0, "build")
    for name in asked:
        run_suite(name, counts)
        if name == "build" and counts["FAIL"]:
            break  # nothing else can be said
    print(f"{counts['ok']} passed, {counts['FAIL']} failed, {counts['skip']} skipped")
    return 1 if counts["FAIL"] else 0


if __name__ == "__main__":
    sys.exit(main())
