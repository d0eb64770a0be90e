"""Compares what poolscope says of a made dump with the truth that mkdump wrote beside it.

The rules: a row called complete equals the truth exactly; no row whose counters lie partly in an
absent page is called complete; with nothing absent all rows are there, all equal, none too many.
"""

import functools
import json
import os
import sys

import jsonschema

from harness import SCHEMA, check, equal, poolscope_json

POOL_STRUCTURES = ("tracker", "expansion", "big", "array")
FIELDS = ("allocs", "frees", "diff", "bytes")
SIDES = ("nonpaged", "paged")
COUNT_MASKS = {0x1C: 0xFFFFFFFF, 0x28: 0xFFFFFFFF}  # by entry size; others count in 64 bits

_validator = None


def validate(report):
    """Against the project's JSON Schema."""
    global _validator  # pylint: disable=global-statement # compiled once
    if _validator is None:
        with open(SCHEMA, encoding="utf-8") as file:
            schema = json.load(file)
        jsonschema.Draft7Validator.check_schema(schema)
        _validator = jsonschema.Draft7Validator(schema)
    for error in _validator.iter_errors(report):
        place = "/".join(str(part) for part in error.absolute_path)
        check(False, f"the JSON breaks the schema at {place}: {error.message[:200]}")


def closed(schema):
    """The schema without keys that may be added: what is printed and not in it is found."""
    if isinstance(schema, list):
        return [closed(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    strict = {key: closed(value) for key, value in schema.items()}
    if schema.get("type") == "object" and "properties" in schema:
        strict["additionalProperties"] = False
    return strict


@functools.lru_cache
def summary_validator(name):
    with open(os.path.join(os.path.dirname(SCHEMA), f"poolscope-{name}-1.schema.json"), encoding="utf-8") as file:
        schema = json.load(file)
    jsonschema.Draft7Validator.check_schema(schema)
    return jsonschema.Draft7Validator(closed(schema))


def validate_summary(name, report):
    """What `batch`, `batch --merge` ("merge") or `cases` prints, against its schema, which has every key."""
    error = jsonschema.exceptions.best_match(summary_validator(name).iter_errors(report))
    if error:
        check(False, f"breaks the schema at {list(error.absolute_path)}: {error.message[:300]}")


def absent(truth, *structures):
    """How many pages of these structures cannot be read."""
    counts = truth["missing_counts"]
    return sum(counts.get(structure, 0) for structure in structures)


def compare_row(row, want, mask):
    for side in SIDES:
        for field in FIELDS:
            got = row[side][field]
            if field == "diff":
                got &= mask
            equal(got, want[side][field], f"tag {row['tag']!r} {side} {field}")


def by_key(rows, what):
    keyed = {row["tag_hex"]: row for row in rows}
    equal(len(keyed), len(rows), f"number of different tags in {what}")
    return keyed


def compare_processes(report, truth):
    """Numbers of processes; the rest is for suite_processes.py. Returns how many there are."""
    wanted, got = truth["processes"], report["processes"]
    if not wanted:
        check(got is None, "processes are reported where there are none")
        return 0
    check(got is not None, f"no processes: {report.get('processes_note')}")
    if got["complete"]:
        equal(got["exited"], sum(p["exited"] for p in wanted), "processes that have ended")
        equal(got["running"], sum(not p["exited"] for p in wanted), "processes that run")
    return len(wanted)


def compare_tags(pool, truth):
    """Every row against the truth, by the rules above. Returns how many were exact."""
    tracker = truth["pool"]["tracker"]
    rows = by_key(pool["tags"], "pool.tags")
    wanted = by_key(truth["pool"]["tags"], "the truth")
    mask = COUNT_MASKS.get(tracker["entry_size"], 0xFFFFFFFFFFFFFFFF)
    whole = not absent(truth, "tracker", "expansion", "array")
    exact = 0
    for key, row in rows.items():
        want = wanted.get(key)
        if row["complete"]:
            check(want is not None, f"tag {row['tag']!r} is called complete and does not exist")
            check(
                not want["touched_by_missing"],
                f"tag {row['tag']!r} is called complete, some of its counters are absent",
            )
            compare_row(row, want, mask)
            exact += 1
        else:
            check(not whole, f"tag {row['tag']!r} is called incomplete, nothing is absent")
        check(want is not None or not whole, f"tag {row['tag']!r} does not exist")
    for key, want in wanted.items():
        check(
            key in rows or want["touched_by_missing"],
            f"tag {want['tag']!r} is not there, its slot in the first table is",
        )
    return exact


def compare_tracker(pool, truth):
    got, want = pool["tracker"], truth["pool"]["tracker"]
    for key in ("address", "entry_size", "entries"):
        equal(got[key], want[key], f"tracker {key}")
    equal(got["complete"], not absent(truth, "tracker", "expansion", "array"), "tracker complete")
    if absent(truth, "array"):
        return  # the other tables cannot be known
    equal(got["hash"], want["hash"], "tracker hash")
    equal(got["processors_merged"], want["processors_merged"], "processors_merged")
    pages = want["pages_expected"] + want["expansion_pages"]
    equal(got["pages_expected"], pages, "tracker pages_expected")
    pages = want["pages_present"] + want["expansion_pages_present"]
    equal(got["pages_present"], pages, "tracker pages_present")


def compare_big_rows(got, want, exact):
    rows, wanted = by_key(got, "big_pages.by_tag"), by_key(want, "the truth's big pages")
    for key, row in rows.items():
        check(key in wanted, f"big pages of {row['tag']!r}, which has none")
        for side in SIDES:
            for field in ("count", "bytes"):
                most = wanted[key][side][field]
                words = f"big pages of {row['tag']!r} {side} {field}"
                if exact:
                    equal(row[side][field], most, words)
                else:
                    check(row[side][field] <= most, f"{words}: {row[side][field]} > {most}")
    if exact:
        check(set(rows) == set(wanted), f"big pages lack {sorted(set(wanted) - set(rows))}")


def compare_big(pool, truth):
    got, want = pool["big_pages"], truth["pool"]["big_pages"]
    if not want["in_use"] and not want["freed"]:
        check(got is None, "a big-page table without one entry proves nothing")
        return
    for key in ("address", "entry_size", "entries", "pages_expected", "pages_present", "complete"):
        equal(got[key], want[key], f"big pages {key}")
    exact = want["complete"]
    for key in ("in_use", "freed"):
        if exact:
            equal(got[key], want[key], f"big pages {key}")
        else:
            check(got[key] <= want[key], f"big pages {key}: {got[key]} > {want[key]}")
    compare_big_rows(got["by_tag"], want["by_tag"], exact)


def compare_pool(pool, truth):
    compare_tracker(pool, truth)
    exact = compare_tags(pool, truth)
    compare_big(pool, truth)
    if not absent(truth, "tracker", "expansion", "array"):
        for key in ("nonpaged_bytes", "paged_bytes"):
            equal(pool["totals"][key], truth["pool"]["totals"][key], f"totals {key}")
    return exact


def may_be_null(key, module, unmapped):
    """What only the image's header tells, of an image that is not mapped, is null with a note."""
    return module["name"] in unmapped and module[key] is None and module[key + "_note"]


def compare_modules(report, truth, unmapped=()):
    got, want = report["modules"], truth["modules"]
    equal([m["base"] for m in got], [m["base"] for m in want], "bases of the modules")
    for module, wanted in zip(got, want):
        name = wanted["name"]
        for key in ("size", "name", "path"):
            equal(module[key], wanted[key], f"module {name} {key}")
        if absent(truth, "module"):
            continue
        for key in ("timestamp", "pdb"):
            if not may_be_null(key, module, unmapped):
                equal(module[key], wanted[key], f"module {name} {key}")


def compare_versions(report, truth):
    """Company and version of the drivers whose resources are in the dump."""
    for module, wanted in zip(report["modules"], truth["modules"]):
        version = module["version"]
        if version is None or wanted["version"] is None:
            continue
        for key, name in (("company", "company"), ("description", "description"),
                          ("file_version", "version")):  # fmt: skip
            equal(version[key], wanted[name], f"module {wanted['name']} {key}")


def compare_drivers(report):
    """The bytes per driver add up to the pool's sums, and each tag is in one place."""
    rest, totals = report["drivers_rest"], report["pool"]["totals"]
    parts = [*report["drivers"], rest["shared"], rest["no_owner"]]
    for key in ("nonpaged_bytes", "paged_bytes"):
        equal(sum(part[key] for part in parts), totals[key], f"{key} of the drivers")
    tags = [tag["tag_hex"] for part in parts for tag in part["tags"]]
    equal(len(tags), len(set(tags)), "tags of the drivers, without repetition")
    used = {row["tag_hex"] for row in report["pool"]["tags"]}
    check(set(tags) <= used, "a driver has a tag that is not in use")
    equal(rest["trust"], totals["trust"], "trust of the drivers")


def compare_unloaded(report, truth):
    got, want = report["unloaded_modules"], truth["unloaded_modules"]
    equal([m["name"] for m in got], [m["name"] for m in want], "names of the unloaded modules")
    for module, wanted in zip(got, want):
        start, end = int(wanted["start"], 16), int(wanted["end"], 16)
        equal(int(module["base"], 16), start, f"unloaded {wanted['name']} base")
        equal(module["size"], end - start, f"unloaded {wanted['name']} size")
        equal(module["unloaded_at"], wanted["time"], f"unloaded {wanted['name']} time")


def compare_system(report, truth):
    """A raw image has no header: what only the header tells may be null there, never wrong."""
    got, want = report["system"], truth["system"]
    header = truth["file"]["has_header"]
    keys = ["arch", "build", "processors", "crash_time", "uptime_seconds", "kernel_base", "kdbg"]
    for key in keys:
        if key == "kdbg" and got[key] is None and absent(truth, "kdbg"):
            continue
        if got[key] is not None or header:
            equal(got[key], want[key], f"system {key}")
    if header:
        equal(got["bugcheck"]["code"], want["bugcheck"]["code"], "bugcheck code")
        equal(got["bugcheck"]["parameters"], want["bugcheck"]["parameters"], "bugcheck parameters")
    if not absent(truth, "module"):
        equal(got["kernel_pdb"], want["kernel_pdb"], "kernel_pdb")
    if header:
        equal(report["file"]["format"], truth["file"]["format"], "file format")
    equal(report["file"]["size"], truth["file"]["size"], "file size")


def compare_cut(report, status, truth):
    """The file was cut: nobody knows what is missing, so only what is called complete is exact."""
    equal(report["file"]["complete"], False, "file complete")
    equal(status, 1, "exit status")
    pool = report["pool"]
    wanted = by_key(truth["pool"]["tags"], "the truth")
    mask = COUNT_MASKS.get(truth["pool"]["tracker"]["entry_size"], 0xFFFFFFFFFFFFFFFF)
    exact = 0
    for row in (pool and pool["tags"]) or []:
        if row["complete"]:
            check(row["tag_hex"] in wanted, f"tag {row['tag']!r} does not exist")
            compare_row(row, wanted[row["tag_hex"]], mask)
            exact += 1
    if pool and pool["big_pages"] and pool["big_pages"]["complete"]:
        compare_big(pool, truth)
    return exact


def is_answered_when_cut(dump, size, truth):
    """Leaves the first `size` bytes of a dump: it is refused, or said to be cut with nothing wrong called complete."""
    os.truncate(dump, size)
    status, report = poolscope_json(dump, want=(0, 1, 3))
    if "error" in report:
        return False
    equal(report["file"]["complete"], False, f"file complete, cut to {size} bytes")
    if status == 0:  # what was lost is none of the tables'
        compare_pool(report["pool"], truth)
    else:
        compare_cut(report, status, truth)
    return True


def compare_all(report, status, truth, unmapped=()):
    """The whole object of a command that prints everything, without its schema (which is slow)."""
    compare_system(report, truth)
    exact = compare_pool(report["pool"], truth)
    if not absent(truth, "ldr"):
        compare_modules(report, truth, unmapped)
        compare_versions(report, truth)
    if report["drivers"] is not None:
        compare_drivers(report)
    if not absent(truth, "unloaded"):
        compare_unloaded(report, truth)
    compare_processes(report, truth)
    if absent(truth, *POOL_STRUCTURES) or report["pool"]["big_pages"] is None:
        equal(status, 1, "exit status")
    elif not absent(truth, "ldr", "unloaded", "kdbg"):
        equal(status, 0, "exit status")
    return exact


UNLOADED_NAME = 12  # characters that a minidump keeps
TOTALS = {
    "nonpaged_allocated": "reported", "paged_allocated": "reported", "committed": "reported",
    "committed_peak": "reported", "nonpaged_maximum": "limits", "paged_maximum": "limits",
    "commit_limit": "limits",
}  # fmt: skip


def compare_bare_system(report, truth):
    """What a header, or a minidump, says of the machine."""
    got, want = report["system"], truth["system"]
    for key in ("arch", "processors", "crash_time", "uptime_seconds"):
        equal(got[key], want[key], f"system {key}")
    equal(got["build"], want["build"], "system build")
    equal(got["bugcheck"]["code"], want["bugcheck"]["code"], "bugcheck code")
    equal(got["bugcheck"]["parameters"], want["bugcheck"]["parameters"], "bugcheck parameters")
    equal(report["file"]["format"], truth["file"]["format"], "file format")
    equal(report["file"]["size"], truth["file"]["size"], "file size")


def compare_minidump_modules(report, truth):
    """Every driver of the list; PDB ids where the image's pages are among the pieces."""
    got, want = report["modules"], truth["modules"]
    equal([m["base"] for m in got], [m["base"] for m in want], "bases of the modules")
    for module, wanted in zip(got, want):
        for key in ("size", "path", "timestamp"):
            equal(module[key], wanted[key], f"module {wanted['name']} {key}")
        # A minidump has the path only.
        equal(module["name"], wanted["path"].rpartition("\\")[2], f"name of {wanted['path']}")
        if module["pdb"]:
            equal(module["pdb"], wanted["pdb"], f"module {wanted['name']} pdb")
    check(any(module["pdb"] for module in got), "no module has a PDB id")
    got, want = report["unloaded_modules"], truth["unloaded_modules"]
    names = [m["name"][:UNLOADED_NAME] for m in want]
    equal([m["name"] for m in got], names, "names of the unloaded modules")
    for module, wanted in zip(got, want):
        start, end = int(wanted["start"], 16), int(wanted["end"], 16)
        equal((int(module["base"], 16), module["size"]), (start, end - start), wanted["name"])
        equal(module["unloaded_at"], None, f"unloaded {wanted['name']} time")


def compare_minidump_totals(pool, totals):
    for key in ("tracker", "tags", "big_pages"):
        equal(pool[key], None, f"pool {key}")
    if totals is None:
        equal(pool["totals"], None, "pool totals")
        check("all zero" in pool["totals_note"], f"pool totals_note: {pool['totals_note']}")
        return
    equal(pool["totals"]["nonpaged_bytes"], None, "sum over tags")
    for key, part in TOTALS.items():
        equal(pool["totals"][part][key]["bytes"], totals[key], f"totals {key}")


def compare_minidump(report, truth):
    """What `analyze` says of a minidump."""
    compare_bare_system(report, truth)
    equal(report["system"]["kernel_base"], truth["system"]["kernel_base"], "kernel_base")
    compare_minidump_modules(report, truth)
    compare_minidump_totals(report["pool"], truth["minidump"]["totals"])
    secondary = report["file"]["minidump"]["secondary_data"]
    equal([s["bytes"] for s in secondary],
          [i * 0x123 for i in range(truth["minidump"]["secondary_data"])], "secondary data")  # fmt: skip
    equal(report["file"]["minidump"]["kdbg_bytes"] > 0, truth["minidump"]["kdbg"], "copy of KDBG")


def truth_lines(truth):
    """The truth in the words of tests/fuzz/mutate."""
    lines = []
    pool = truth["pool"] or {"tags": [], "big_pages": {"by_tag": []}}  # a minidump has none
    for tag in pool["tags"]:
        number = int.from_bytes(bytes.fromhex(tag["tag_hex"]), "little")
        counts = [tag[side][field] for side in SIDES for field in ("allocs", "frees", "bytes")]
        lines.append(f"tag {number} " + " ".join(map(str, counts)))
    for tag in pool["big_pages"]["by_tag"]:
        number = int.from_bytes(bytes.fromhex(tag["tag_hex"]), "little")
        counts = [tag[side][field] for side in SIDES for field in ("count", "bytes")]
        lines.append(f"big {number} " + " ".join(map(str, counts)))
    lines.append(f"modules {len(truth['modules'])}")
    lines.append(f"unloaded {len(truth['unloaded_modules'])}")
    return "\n".join(lines) + "\n"


def main():
    """truth.py REPORT.json TRUTH.json: for looking at one case by hand."""
    with open(sys.argv[1], encoding="utf-8") as file:
        report = json.load(file)
    with open(sys.argv[2], encoding="utf-8") as file:
        truth = json.load(file)
    validate(report)
    print(compare_pool(report["pool"], truth), "rows are exact")


if __name__ == "__main__":
    main()
