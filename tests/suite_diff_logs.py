"""Comparisons with points that do not say when they were taken, and with poolmon logs as people keep them:
rates from --hours, counted here once more, limits of the other point, formats.
"""

import json
import os

from harness import POOLSCOPE, check, equal, run, scratch
from suite_diff import BASE, FIRST, SECOND, ZERO, diff, hexed, log_of, make, refused, rows, sides

LIMIT = ["value MmMaximumNonPagedPoolInBytes 0x10000000"]
WINDOWS_7 = BASE.replace("17763", "7601")
GIVEN = "The time from the first to the last is the one given with --hours; the rates are as good as that."


def put_log(directory, name, truth, change=lambda lines: lines):
    path = os.path.join(directory, name)
    with open(path, "w", encoding="latin-1", newline="") as file:
        file.write("\r\n".join(change(log_of(truth))))
    return path


def per_hour(growth, seconds):
    """To the nearest, halves away from zero."""
    size = (abs(growth) * 3600 + seconds // 2) // seconds
    return size if growth >= 0 else -size


def hours():
    with scratch() as directory:
        _, truth_old = make(directory, "old", FIRST + LIMIT, WINDOWS_7)
        new, truth_new = make(directory, "new", SECOND + LIMIT, WINDOWS_7)
        log = put_log(directory, "log.txt", truth_old)
        report = diff(log, new, "--hours", "2.5")
        check(GIVEN in report["notes"], f"{report['notes']}")
        equal((report["between"]["relation"], report["between"]["seconds"]), ("unknown", 9000), "relation, seconds")
        for key, row in rows(report).items():
            if all(0x20 <= byte < 0x7F for byte in bytes.fromhex(key[0])):
                growth = sides(truth_new).get(key, ZERO)["bytes"] - sides(truth_old).get(key, ZERO)["bytes"]
                equal(row["bytes_per_hour"]["value"], per_hour(growth, 9000), f"{key} rate")
        pool = report["pools"]["nonpaged"]
        rate = per_hour(pool["growth"]["value"], 9000)
        equal(pool["bytes_per_hour"]["value"], rate, "rate of the pool")
        equal(pool["estimated_seconds_to_limit"], (0x10000000 - pool["after"]["value"]) * 3600 // rate, "time left")
        # the log last: it has no limit, the dump before it has
        newer = put_log(directory, "newer.txt", truth_new)
        old = os.path.join(directory, "old.dmp")
        pool = diff(old, newer, "--hours", "3")["pools"]["nonpaged"]
        equal((pool["limit"], pool["limit_trust"]), (0x10000000, "read"), "limit")
        equal(pool["estimated_seconds_to_limit"],
              (0x10000000 - pool["after"]["value"]) * 3600 // pool["bytes_per_hour"]["value"], "time left")  # fmt: skip
        with open(os.path.join(directory, "tags.json"), "wb") as file:
            file.write(run([POOLSCOPE, "tags", old, "--json"], want=(0, 1)).stdout)
        both = diff(os.path.join(directory, "tags.json"), newer, "--hours", "0.5", want=(0, 1))
        equal(rows(both)[hexed("Grow"), "nonpaged"]["bytes_per_hour"]["value"], 2 * 27648000, "a report without a time")


def hours_refused():
    with scratch() as directory:
        old, truth = make(directory, "old", FIRST)
        new, _ = make(directory, "new", SECOND)
        said = refused(old, new, "--hours", "3", status=2)
        equal(said, "poolscope: --hours is for files that do not say when they were taken\n"
              "poolscope: these say it, and they are 10800 seconds apart\n", "words")  # fmt: skip
        log = put_log(directory, "log.txt", truth)
        for value in ("0", "-1", "", "x", "1e3", "0x10", "inf", "nan", "1.", ".5", "1,5", " 2", "0.0001", "99999999", "1h"):
            said = refused(log, new, f"--hours={value}", status=2)
            check(f"--hours '{value}' is no number of hours, such as 24 or 2.5, up to 878400\n" in said, said)
        # what the user says does not make one machine of two
        other, _ = make(directory, "x86", SECOND,
                        WINDOWS_7.replace("x64", "x86").replace("va kernel 0xFFFFF80002000000", ""))  # fmt: skip
        with open(os.path.join(directory, "old.json"), "wb") as file:
            report = json.loads(run([POOLSCOPE, old, "--json"], want=(0, 1)).stdout)
            report["system"]["crash_time"] = None
            file.write(json.dumps(report).encode())
        report = diff(os.path.join(directory, "old.json"), other, "--hours", "3")
        equal(report["between"]["relation"], "other-machine", "relation")
        check(all(row["bytes_per_hour"] is None for row in report["rows"]), "rates of two machines")


def counters_go_back():
    """Counters only go up: where most are lower, it is a restart, another machine or the wrong order."""

    def words(back, forth):
        return f"Not one start, or not in this order: {back} counters of allocations are lower in the later one and " \
            f"{forth} higher, and they only count up. A restart of one machine, another machine, or the newer one " \
            "was given first."  # fmt: skip

    later = ["time 2024-05-01T06:00:00Z", "uptime 10d3h"]
    busy = [f'tag "Bsy{i}" np {1000 + i} 10 40960' for i in range(4)]
    fresh = [f'tag "Bsy{i}" np {100 + i} 10 40960' for i in range(4)]
    with scratch() as directory:
        old, truth_old = make(directory, "old", FIRST + busy)
        _, truth_new = make(directory, "new", later + FIRST[2:] + fresh)
        log_old, log_new = (put_log(directory, f"{i}.txt", truth) for i, truth in enumerate((truth_old, truth_new)))
        new = os.path.join(directory, "new.dmp")
        for pair in ((log_old, log_new), (old, log_new), (old, new)):
            report = diff(*pair)
            equal((report["between"]["relation"], report["between"]["words"]), ("other-boot", words(4, 0)), f"{pair}")
            check(all(row["allocs"] is None and row["bytes_per_hour"] is None for row in report["rows"]), "counts")
        hours_given = diff(log_old, log_new, "--hours", "3")
        check(all(row["bytes_per_hour"] is None for row in hours_given["rows"]), "a rate from what the user said")
        # three that went round are no sign, nor are four beside five that went up
        report = diff(log_old, put_log(directory, "3.txt", make(directory, "3", later + FIRST[2:] + fresh[:3] + busy[3:])[1]))
        equal(report["between"]["relation"], "unknown", "three counters went round")
        more = [f'tag "Mor{i}" np {10 + i} 1 4096' for i in range(5)], [f'tag "Mor{i}" np {20 + i} 1 4096' for i in range(5)]
        before = put_log(directory, "4.txt", make(directory, "4", FIRST + busy + more[0])[1])
        after = put_log(directory, "5.txt", make(directory, "5", later + FIRST[2:] + fresh + more[1])[1])
        equal(diff(before, after)["between"]["relation"], "unknown", "four went round, five went up")


def same_start():
    """Two machines without random addresses that were started together differ in their RAM at least."""
    x86 = WINDOWS_7.replace("arch x64", "arch x86").replace("va kernel 0xFFFFF80002000000", "")
    with scratch() as directory:
        for base, want in ((x86, "unknown"), (WINDOWS_7, "same-boot")):
            old, _ = make(directory, "old", FIRST, base)
            new, _ = make(directory, "new", SECOND, base)
            equal(diff(old, new)["between"]["relation"], "same-boot", "relation")
            new, _ = make(directory, "new", [*SECOND, "physical 96M"], base)
            report = diff(old, new)
            equal(report["between"]["relation"], want, "relation, other RAM")
            equal(report["rows"][0]["bytes_per_hour"] is None, want == "unknown", "no rate")


def no_points():
    """Texts that are neither report nor log, and reports of a batch, are called what they are."""
    with scratch() as directory:
        new, truth = make(directory, "new", SECOND)
        log = [line for line in log_of(truth) if not line.startswith(" Tag")]
        path = os.path.join(directory, "text")
        for text in ("\n".join(log), "[1, 2]", "\r".join(log_of(truth)), "\n".join("> " + line for line in log)):
            with open(path, "w", encoding="latin-1", newline="") as file:
                file.write(text)
            equal(refused(path, new), f"poolscope: {path} is a text, but neither a report of `poolscope analyze --json` "
                  "nor a log of `poolmon -n`\npoolscope: a log is known by poolmon's line of columns, Tag Type Allocs "
                  "Frees Diff Bytes, at the beginning of a line\n", "words")  # fmt: skip
        out = os.path.join(directory, "out")
        run([POOLSCOPE, "batch", new, new, make(directory, "old", FIRST)[0], "-o", out], want=(0, 1))
        lines = os.path.join(out, "results.jsonl")
        equal(refused(lines, new), f"poolscope: {lines}: several reports, one a line, as of a batch\n"
              "poolscope: a point of time is one report: write a line of them to a file of its own\n", "words")  # fmt: skip
        with open(lines, "rb") as file, open(path, "wb") as one:
            one.write(file.readline())
        equal(diff(path, new)["between"]["seconds"], 0, "one line of a batch is a report")


def cases():
    yield "hours", hours
    yield "hours-refused", hours_refused
    yield "no-points", no_points
    yield "same-start", same_start
    yield "counters-go-back", counters_go_back
