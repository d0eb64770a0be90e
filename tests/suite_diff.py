"""Comparisons: growth, rates, restarts and other machines, dumps beside reports and poolmon logs, missing
pages, several points, and input that lies. Every figure against mkdump's truth of both points.
"""

import json
import os

import jsonschema

from harness import ROOT, POOLSCOPE, check, equal, make_dump, run, scratch

SCHEMA = os.path.join(ROOT, "analyzer", "report", "poolscope-diff-1.schema.json")
BASE = """\
arch x64
build 17763
processors 3
physical 64M
include common/small-tags.recipe
kernel-pdb ntkrnlmp.pdb 0123456789ABCDEF0123456789ABCDEF 1
va kernel 0xFFFFF80002000000
bigpages size=512
driver myfault.sys size=0x6000 tags=Grow/np/1024
"""
FIRST = ["time 2024-05-01T03:00:00Z", "uptime 10d", 'tag "Grow" np 30000 1000 29696000']
# Three hours later: 27,000 more outstanding, 27,648,000 bytes.
SECOND = ["time 2024-05-01T06:00:00Z", "uptime 10d3h", 'tag "Grow" np 60000 4000 57344000',
          'tag "Fre1" paged 7 2 5120']
LAST = ["time 2024-05-01T07:00:00Z", "uptime 10d4h", 'tag "Grow" np 60500 4000 57856000']


def make(directory, name, lines, base=BASE):
    return make_dump(base + "\n".join(lines) + "\n", directory, name=name + ".dmp")


def diff(*arguments, want=(0,)):
    done = run([POOLSCOPE, "diff", *arguments, "--json"], want=want, timeout=60)
    report = json.loads(done.stdout)
    with open(SCHEMA, encoding="utf-8") as file:
        schema = json.load(file)
    jsonschema.Draft7Validator.check_schema(schema)
    for error in jsonschema.Draft7Validator(schema).iter_errors(report):
        check(False, f"breaks the schema at {list(error.absolute_path)}: {error.message[:200]}")
    return report


def refused(*arguments, status=3):
    done = run([POOLSCOPE, "diff", *arguments], want=(status,), timeout=60)
    return done.stderr.decode("utf-8", "replace")


def rows(report):
    return {(row["tag_hex"], row["pool"]): row for row in report["rows"]}


def sides(truth):
    """Every side of every tag that was ever used."""
    return {(tag["tag_hex"], pool): tag[pool] for tag in truth["pool"]["tags"]
            for pool in ("nonpaged", "paged") if any(tag[pool].values())}


ZERO = {"allocs": 0, "frees": 0, "diff": 0, "bytes": 0}


def compare(report, old, new, counts=True):
    """Every row is the difference of the two truths, exactly."""
    before, after, got = sides(old), sides(new), rows(report)
    equal(sorted(got), sorted(set(before) | set(after)), "rows")
    for key, row in got.items():
        a, b = before.get(key, ZERO), after.get(key, ZERO)
        equal(row["bytes"], {"value": b["bytes"] - a["bytes"], "trust": "exact"}, f"{key} bytes")
        for name in ("allocs", "frees", "diff"):
            want = {"value": b[name] - a[name], "trust": "exact"} if counts else None
            equal(row[name], want, f"{key} {name}")
        equal((row["before"]["value"], row["after"]["value"]), (a["bytes"], b["bytes"]), f"{key}")


def hexed(tag):
    return tag.encode().hex()


def growth():
    with scratch() as directory:
        old, truth_old = make(directory, "old", FIRST)
        new, truth_new = make(directory, "new", SECOND)
        report = diff(old, new)
        compare(report, truth_old, truth_new)
        equal(report["between"]["relation"], "same-boot", "relation")
        equal(report["between"]["seconds"], 3 * 3600, "seconds")
        row = report["rows"][0]
        equal(row["tag"], "Grow", "the first row")
        equal(row["bytes"]["value"], 27648000, "growth")
        equal(row["bytes_per_hour"], {"value": 9216000, "trust": "exact"}, "rate")
        equal(row["diff"]["value"], 27000, "diff")
        check("myfault.sys" in (row["owner"] or ""), f"owner: {row['owner']}")
        equal(rows(report)[hexed("Fre1"), "paged"]["state"], "new", "state")
        # in whatever order they are given; the other way round only without times
        back = diff(new, old)
        equal(back["rows"], report["rows"], "rows of the files swapped")
        check("in the order of their times" in back["notes"][0], f"{back['notes']}")
        by_tag = diff(old, new, "--sort", "tag", "--paged", "--top", "3")
        equal([len(by_tag["rows"]), by_tag["rows_left_out"] > 0], [3, True], "--top")
        check(all(row["pool"] == "paged" for row in by_tag["rows"]), "--paged")
        equal([row["tag_hex"] for row in by_tag["rows"]],
              sorted(row["tag_hex"] for row in by_tag["rows"]), "--sort tag")
        equal([row["tag"] for row in diff(old, new, "--tag", "Gr*")["rows"]], ["Grow"], "--tag")


def limit():
    """The time left is what is left of the limit, at the rate of the pool."""
    with scratch() as directory:
        lines = ["value MmMaximumNonPagedPoolInBytes 0x10000000"]
        base = BASE.replace("17763", "7601")
        old, _ = make(directory, "old", FIRST + lines, base)
        new, _ = make(directory, "new", SECOND + lines, base)
        pool = diff(old, new)["pools"]["nonpaged"]
        equal((pool["limit"], pool["limit_trust"]), (0x10000000, "read"), "limit")
        rate = pool["bytes_per_hour"]["value"]
        check(abs(pool["growth"]["value"] - 27648000) < 4 << 20, f"growth in pages: {pool}")
        equal(rate, (pool["growth"]["value"] + 1) // 3, "rate")
        want = (0x10000000 - pool["after"]["value"]) * 3600 // rate
        equal(pool["estimated_seconds_to_limit"], want, "time left")
        text = run([POOLSCOPE, "diff", old, new], want=(0,)).stdout.decode()
        check("an estimate: at this rate the limit of 256.0 MB (read)" in " ".join(text.split()),
              f"the text says estimate: {text[:600]}")
        tight, _ = make(directory, "tight", [*SECOND, "value MmMaximumNonPagedPoolInBytes 0x100000"],
                        base)
        pool = diff(old, tight)["pools"]["nonpaged"]
        equal((pool["limit_trust"], pool["estimated_seconds_to_limit"]), ("doubtful", None), "doubtful")


def restart():
    with scratch() as directory:
        old, truth_old = make(directory, "old", FIRST)
        new, truth_new = make(directory, "new", [*SECOND, "time 2024-05-03T06:00:00Z", "uptime 2h"])
        report = diff(old, new)
        compare(report, truth_old, truth_new, counts=False)
        equal(report["between"]["relation"], "other-boot", "relation")
        check(all(row["bytes_per_hour"] is None for row in report["rows"]), "no rates")
        check(report["pools"]["nonpaged"]["bytes_per_hour"] is None, "no rate of the pool")
        equal(report["lockstep"], [], "lock step")
        # both ran at once: the kernel's address tells two machines, or else nothing does
        other, _ = make(directory, "other", [*SECOND, "uptime 1d"])
        equal(diff(old, other)["between"]["relation"], "unknown", "clock set, or two machines")


def other_machine():
    with scratch() as directory:
        old, _ = make(directory, "old", FIRST)
        moved = BASE.replace("0xFFFFF80002000000", "0xFFFFF80012000000")
        new, _ = make(directory, "new", SECOND, moved)
        report = diff(old, new)
        equal(report["between"]["relation"], "other-machine", "kernel elsewhere")
        check("two machines" in report["pools"]["nonpaged"]["bytes_per_hour_note"], "words")
        x86, _ = make(directory, "x86", SECOND,
                      BASE.replace("x64", "x86").replace("17763", "7601").replace(
                          "va kernel 0xFFFFF80002000000", ""))
        equal(diff(old, x86)["between"]["relation"], "other-machine", "another architecture")


def without_owner(report):
    """Rows but for the owner, whose evidence a report has in other words."""
    return [{key: value for key, value in row.items() if not key.startswith("owner")}
            for row in report["rows"]]


def with_report():
    """A report in place of a dump makes no difference; a part of one is told."""
    with scratch() as directory:
        old, _ = make(directory, "old", FIRST)
        new, _ = make(directory, "new", SECOND)
        want = diff(old, new)
        for path, name in ((old, "old.json"), (new, "new.json")):
            with open(os.path.join(directory, name), "wb") as file:
                file.write(run([POOLSCOPE, path, "--json"], want=(0, 1)).stdout)
        old_json, new_json = (os.path.join(directory, n) for n in ("old.json", "new.json"))
        for pair in ((old_json, new), (old, new_json), (old_json, new_json)):
            got = diff(*pair)
            equal(without_owner(got), without_owner(want), "rows")
            equal(got["pools"], want["pools"], "pools")
            equal(got["between"], want["between"], "between")
        with open(os.path.join(directory, "part.json"), "wb") as file:
            file.write(run([POOLSCOPE, "tags", old, "--json", "--tag", "Grow"], want=(0, 1)).stdout)
        part = diff(os.path.join(directory, "part.json"), new, want=(1,))
        equal(part["between"]["relation"], "unknown", "tags --json says no time")
        equal(rows(part)[hexed("Grow"), "nonpaged"]["bytes"]["value"], 27648000, "growth")
        others = [row for row in part["rows"] if row["tag"] != "Grow"]
        check(others and all(row["bytes"] is None and row["state"] == "stayed" for row in others),
              "what is not in the report is not known, and never new")


def log_line(tag, pool, side):
    name = bytes.fromhex(tag).decode("latin-1")
    return (f" {name} {'Nonp' if pool == 'nonpaged' else 'Paged'} {side['allocs'] % 2**32:11d} "
            f"{side['frees'] % 2**32:11d} {side['diff']:9d} {side['bytes']:11d} "
            f"{side['bytes'] // side['diff'] if side['diff'] else 0:10d}")


def log_of(truth):
    head = [" Memory:  65536K Avail:  30000K  PageFlts: 12345   InRam Krnl: 1916K P:17856K",
            " Commit: 203500K Limit: 640916K Peak: 260632K            Pool N: 8332K P:27220K", "",
            " Tag  Type     Allocs            Frees            Diff   Bytes       Per Alloc", ""]
    lines = [log_line(tag, pool, side) for (tag, pool), side in sides(truth).items()
             if side["allocs"] and all(0x20 <= byte < 0x7F for byte in bytes.fromhex(tag))]
    return head + lines + [""]


def with_poolmon():
    with scratch() as directory:
        old, truth_old = make(directory, "old", FIRST)
        new, truth_new = make(directory, "new", SECOND)
        path = os.path.join(directory, "log.txt")
        text = "\r\n".join(log_of(truth_old))
        for encoded in (text.encode(), b"\xef\xbb\xbf" + text.encode(),
                        b"\xff\xfe" + text.encode("utf-16-le"),
                        b"\xfe\xff" + text.encode("utf-16-be"), text.replace("\r", "").encode()):
            with open(path, "wb") as file:
                file.write(encoded)
            report = diff(path, new)
            equal(report["between"]["relation"], "unknown", "relation")
            for key, row in rows(report).items():
                a, b = sides(truth_old).get(key, ZERO), sides(truth_new).get(key, ZERO)
                if not all(0x20 <= byte < 0x7F for byte in bytes.fromhex(key[0])):
                    continue
                equal(row["bytes"]["value"], b["bytes"] - a["bytes"], f"{key} bytes")
                equal(row["diff"]["value"], b["diff"] - a["diff"], f"{key} diff")
                if row["allocs"]["trust"] == "exact":
                    equal(row["allocs"]["value"], b["allocs"] - a["allocs"], f"{key} allocs")
                check(row["bytes_per_hour"] is None, "no rate")
        with open(path, "w", encoding="ascii") as file:
            file.write("\n".join(log_of(truth_old) + log_of(truth_new)))
        two = diff(path)
        equal([p["label"][-10:] for p in two["points"]], ["snapshot 1", "snapshot 2"], "labels")
        equal(two["rows"][0]["bytes"]["value"], 27648000, "two snapshots in one file")
        # a choice of tags: what the log lacks is not known, and never new
        chosen = [line for line in log_of(truth_old) if line[6:10] not in ("Nonp", "Page") or "Grow" in line]
        for lines in (chosen, chosen[3:]):
            with open(path, "w", encoding="ascii") as file:
                file.write("\n".join(lines))
            report = diff(path, new, want=(1,))
            check("a choice of tags" in " ".join(report["notes"]), f"{report['notes']}")
            known = [row for row in report["rows"] if row["bytes"]]
            equal([row["bytes"]["value"] for row in known], [27648000], "rows of the log")
            check(all(row["state"] == "stayed" for row in report["rows"]), "nothing is new")
        with open(path, "w", encoding="ascii") as file:
            file.write("\n".join(line for line in log_of(truth_old) if line[6:11] != "Paged"))
        report = diff(path, new, want=(1,))
        check(all(row["bytes"] is None for row in report["rows"] if row["pool"] == "paged"),
              "a log of nonpaged pool says nothing of paged pool")
        check(any(row["bytes"] for row in report["rows"] if row["pool"] == "nonpaged"), "rows")


def missing():
    """What is missing makes nothing exact, and the exit status says so."""
    with scratch() as directory:
        old, _ = make(directory, "old", FIRST)
        new, truth = make(directory, "new", [*SECOND, "header Attributes 0x10", "missing tracker cpu=1 page=1"])
        check(truth, "truth")
        report = diff(old, new, want=(1,))
        check(not report["complete"], "complete")
        check(any("missing" in note for note in report["notes"]), f"{report['notes']}")
        for row in report["rows"]:
            if row["after"]["trust"] != "exact":
                equal(row["bytes"]["trust"], "about", f"{row['tag']}")
                equal(row["state"], "stayed", f"{row['tag']}")
        check(any(row["bytes"]["trust"] == "about" for row in report["rows"]), "some rows are open")


def three_points():
    with scratch() as directory:
        old, truth_old = make(directory, "old", FIRST)
        mid, _ = make(directory, "mid", SECOND)
        new, truth_new = make(directory, "new", LAST)
        report = diff(old, mid, new)
        compare(report, truth_old, truth_new)
        grow = rows(report)[hexed("Grow"), "nonpaged"]
        equal(grow["steps"], [27648000, 512000], "steps")
        equal(grow["bytes_per_hour"]["value"], 28160000 // 4, "rate over all")
        equal([step["seconds"] for step in report["steps"]], [10800, 3600], "step times")
        text = run([POOLSCOPE, "diff", old, mid, new], want=(0,)).stdout.decode()
        check("Step 2" in text, "the text has the steps")


def lock_step():
    with scratch() as directory:
        more = ['tag "Lk01" np 90000 10000 8000000', 'tag "Lk02" np 80500 500 16000000',
                'tag "Lk03" paged 81000 1000 40000000']
        old, _ = make(directory, "old", FIRST)
        new, _ = make(directory, "new", [*SECOND[:2], *FIRST[2:], *more])
        report = diff(old, new)
        equal(len(report["lockstep"]), 1, "groups")
        equal(sorted(row["tag"] for row in report["rows"] if row["lockstep"]),
              ["Lk01", "Lk02", "Lk03"], "members")
        equal(report["lockstep"][0]["allocations"], 80000, "allocations")


def hostile():
    """JSON that lies, breaks off, or is something else: one sentence each."""
    with scratch() as directory:
        new, _ = make(directory, "new", SECOND)
        good = json.loads(run([POOLSCOPE, new, "--json"], want=(0, 1)).stdout)
        path = os.path.join(directory, "bad.json")

        def attempt(content, words):
            with open(path, "w", encoding="utf-8") as file:
                file.write(content if isinstance(content, str) else json.dumps(content))
            said = refused(path, new)
            check(words in said, f"said {said!r}, expected {words!r}")

        attempt("{", "no valid JSON")
        attempt('{"schema": "poolscope/1", "schema": "x"}', "no valid JSON")
        attempt("[" * 3000, "")
        attempt('{"a":' + "[" * 5000, "no valid JSON")
        attempt({}, "no report of poolscope")
        attempt({"schema": 1}, "no report of poolscope")
        attempt({"schema": "poolscope/2"}, "a report has poolscope/1")
        attempt({"schema": "poolscope/1"}, "no rows of tags")
        attempt({"schema": "poolscope/1", "error": {"message": "no kernel"}}, "no kernel")
        attempt({**good, "pool": {**good["pool"], "tags": 7}}, "no rows of tags")
        attempt({**good, "system": 7}, "no description of a machine")
        attempt({**good, "system": {**good["system"], "crash_time": "yesterday"}}, "is no time")
        attempt({**good, "system": {**good["system"], "uptime_seconds": -1}}, "is no count")
        row = good["pool"]["tags"][0]
        for key, value in (("tag_hex", "xyz"), ("complete", 1), ("nonpaged", None),
                           ("paged", {"allocs": -1}), ("paged", {"allocs": 1, "frees": 1, "diff": "0"})):
            attempt({**good, "pool": {**good["pool"], "tags": [{**row, key: value}]}}, "pool.tags" if
                    value != {"allocs": -1} else "allocs")
        # extremes do not overflow
        side = {"allocs": 2**63 - 1, "frees": 0, "diff": -2**63, "bytes": -2**63}
        wild = {**row, "nonpaged": side, "paged": side}
        with open(path, "w", encoding="utf-8") as file:
            json.dump({**good, "pool": {**good["pool"], "tags": [wild, wild]}}, file)
        diff(path, new, want=(1,))
        check("only one point" in refused(new, status=2), "one point")


def cases():
    for function in (growth, limit, restart, other_machine, with_report, with_poolmon, missing,
                     three_points, lock_step, hostile):
        yield function.__name__.replace("_", "-"), function
