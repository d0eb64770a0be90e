"""Many cases: what is found, that one bad case costs only itself, and that a batch goes on where it was
ended, whenever that was.
"""

import fcntl
import gzip
import json
import os
import random
import shutil
import signal
import socket
import sqlite3
import subprocess
import time

import truth
from harness import POOLSCOPE, check, equal, make_dump, on_small_disk, poolscope_json, run, scratch

RECIPES = ("family-10-17763-x64", "family-7-x86-pae", "family-10-17763-arm64", "family-2003-x86")
SMALL = ["tags random=20", "tracker-entries 256", "bigpages size=256 live=20%"]


def batch(*arguments, want=(0, 1), timeout=120):
    return run([POOLSCOPE, "batch", *map(str, arguments)], want=want, timeout=timeout)


def summary(*arguments, want=(0, 1)):
    report = json.loads(batch(*arguments, "--json", want=want).stdout)
    truth.validate_summary("batch", report)
    return report


def make_cases(directory, count=6):
    """Dumps of several families under folders of their own, and files that are none."""
    folder = os.path.join(directory, "cases")
    os.makedirs(os.path.join(folder, "a", "b"))
    truths = {}
    for number in range(count):
        place = os.path.join(folder, ("a", "a/b", ".")[number % 3])
        dump, true = make_dump(RECIPES[number % len(RECIPES)] + ".recipe", place, sets=SMALL, seed=number + 1,
                               name=f"case{number}")  # fmt: skip
        truths[os.path.realpath(dump)] = true
    for name, data in (("notes.txt", b"not a dump\n" * 9000), ("picture.png", b"\x89PNG\r\n" + bytes(70000))):
        with open(os.path.join(folder, name), "wb") as file:
            file.write(data)
    for root, _, names in os.walk(folder):
        for name in names:
            if name.endswith(".json"):
                os.unlink(os.path.join(root, name))
    return folder, truths


def lines_of(out):
    with open(os.path.join(out, "results.jsonl"), encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def rows_of(out, table, order):
    with sqlite3.connect(f"file:{out}/cases.db?mode=ro", uri=True) as db:
        db.text_factory = bytes
        return db.execute(f"SELECT * FROM {table} ORDER BY {order}").fetchall()


def contents_of(out):
    """All of a result folder that may not depend on when and in what order the cases were done."""
    with open(os.path.join(out, "results.jsonl"), "rb") as file:
        lines = file.read()
    with sqlite3.connect(f"file:{out}/cases.db?mode=ro", uri=True) as db:
        db.text_factory = bytes
        columns = [row[1].decode() for row in db.execute("PRAGMA table_info(cases)")]
        kept = ", ".join(c for c in columns if c not in ("id", "seconds"))
        tables = {"cases": db.execute(f"SELECT {kept} FROM cases ORDER BY path").fetchall()}
        for table, order in (("tags", "paged, place"), ("drivers", "place"), ("owners", "tag, place"),
                             ("findings", "place")):  # fmt: skip
            columns = [row[1].decode() for row in db.execute(f"PRAGMA table_info({table})")][1:]
            tables[table] = db.execute(f"SELECT path, {', '.join('t.' + c for c in columns)} FROM {table} t "
                                       f"JOIN cases ON id = case_id ORDER BY path, {order}").fetchall()  # fmt: skip
    return lines, tables


def results():
    """Reports as analyze prints them, in the order of the paths, and the database beside them."""
    with scratch() as directory:
        folder, truths = make_cases(directory)
        out = os.path.join(directory, "out")
        done = summary(folder, "-o", out)
        lines = lines_of(out)
        equal([line["case"]["path"] for line in lines], sorted(truths), "paths")
        for line in lines:
            path = line["case"]["path"]
            status, alone = poolscope_json(path)
            truth.validate(line)
            equal(line["case"]["result"], ("complete", "incomplete")[status], "result")
            for key in alone.keys() - {"tool"}:
                equal(line[key], alone[key], key)
            truth.compare_all(line, status, truths[path])
        cases = rows_of(out, "cases", "path")
        equal([row[1].decode() for row in cases], sorted(truths), "paths in the database")
        tags = rows_of(out, "tags", "case_id")
        check(len(tags) > len(cases) * 10, f"{len(tags)} tags in the database")
        equal(done["counts"]["cases"], len(truths), "cases")
        equal(done["counts"]["no_cases"], 2, "files that are no cases")
        text = batch(folder, "-o", out).stdout.decode()
        check(text.startswith(f"{len(truths)} cases: 0 done now, {len(truths)} done before; "), text)
        csv = batch(folder, "-o", out, "--csv").stdout.decode().split("\r\n")
        equal(len(csv), len(truths) + 2, "lines of CSV")
    return f"{len(lines)} cases"


def order_of_workers():
    """One worker, or four: the same bytes."""
    with scratch() as directory:
        folder, _ = make_cases(directory)
        outs = []
        for jobs in (1, 4):
            outs.append(os.path.join(directory, f"out{jobs}"))
            batch(folder, "-o", outs[-1], "-j", jobs)
        check(contents_of(outs[0]) == contents_of(outs[1]), "results depend on the number of workers")


def files_of_a_case():
    with scratch() as directory:
        folder, truths = make_cases(directory, 2)
        out = os.path.join(directory, "out")
        batch(folder, "-o", out, "--case-json", "--case-html")
        names = sorted(os.listdir(os.path.join(out, "cases")))
        equal(len(names), 2 * len(truths), "files of cases")
        for name in names:
            with open(os.path.join(out, "cases", name), encoding="utf-8") as file:
                text = file.read()
            if name.endswith(".html"):
                check(text.startswith("<!DOCTYPE html>"), text[:60])
            else:
                truth.validate(json.loads(text))


def bad_cases():
    """A crash, a hang and a refusal cost only their own case, and are its result."""
    with scratch() as directory:
        folder, truths = make_cases(directory, 3)
        cut = os.path.join(folder, "cut.dmp")
        with open(cut, "wb") as file:
            file.write(b"PAGEDU64" + bytes(100000))
        out = os.path.join(directory, "out")
        done = summary(folder, "-o", out, want=(1,))
        results = {os.path.basename(row["path"]): row["result"] for row in done["cases"]}
        equal(results.pop("cut.dmp"), "refused", "result")
        check(set(results.values()) <= {"complete", "incomplete"}, str(results))
        line = [line for line in lines_of(out) if line["case"]["result"] == "refused"][0]
        equal(line["error"]["code"] in ("corrupt", "absent", "unsupported"), True, "code")
        # Done is done, until it is asked for again.
        equal(summary(folder, "-o", out)["counts"]["done_now"], 0, "done again")
        equal(summary(folder, "-o", out, "--retry-failed")["counts"]["done_now"], 1, "retried")
        equal(len(lines_of(out)), len(truths) + 1, "lines")


def reasons():
    """Below the table stands why a case has no report, each with its path once, of whatever bytes."""
    with scratch() as directory:
        folder, out = os.path.join(directory, "cases"), os.path.join(directory, "out")
        os.mkdir(folder)
        strange = os.path.join(os.fsencode(os.path.realpath(folder)), b"a\xff\n\x1b[31m.dmp")
        with open(strange, "wb") as file:
            file.write(b"PAGEDU64" + bytes(100000))
        named = os.path.join(os.path.realpath(folder), "a\\xff\\x0a\\x1b[31m.dmp")
        refused = f"refused: {named} is a Windows crash dump of the unknown type 0"
        lines = batch(folder, "-o", out, want=(1,)).stdout.decode().split("\n")
        equal(lines[:2], ["1 case: 1 done now, 0 done before; 1 refused",
                          "1 file looked at, 0 of them no dumps or archives"], "counts")  # fmt: skip
        equal(lines[-3:], ["", refused, ""], "why")
        dump, _ = make_dump(RECIPES[0] + ".recipe", folder, sets=SMALL, name="b.dmp")
        os.unlink(os.path.join(folder, "truth.json"))
        lines = batch(folder, "-o", out, "--max-memory", "2M", want=(1,)).stdout.decode().split("\n")
        equal(lines[:2], ["2 cases: 1 done now, 1 done before; 1 refused, 1 fault",
                          "2 files looked at, 0 of them no dumps or archives"], "counts")  # fmt: skip
        equal(lines[-4:-2] + lines[-1:], ["", refused, ""], "why")
        check(lines[-2].startswith(f"fault: {os.path.realpath(dump)}: out of memory for "), lines[-2])


def limits():
    with scratch() as directory:
        folder, truths = make_cases(directory, 2)
        out = os.path.join(directory, "out")
        done = summary(folder, "-o", out, "--max-memory", "2M", want=(1,))
        equal(done["counts"]["fault"] + done["counts"]["crashed"], len(truths), "out of memory")
        equal(summary(folder, "-o", out, "--retry-failed")["counts"]["done_now"], len(truths), "retried")


def slow_case(directory):
    """A small file that takes long: gigabytes of zeros, packed."""
    folder = os.path.join(directory, "slow")
    os.mkdir(folder)
    piece = gzip.compress(bytes(64 << 20), 1)
    with open(os.path.join(folder, "slow.gz"), "wb") as file:
        for _ in range(400):
            file.write(piece)
    return folder


def children_of(pid):
    with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as file:
        return [int(word) for word in file.read().split()]


def timed_out():
    with scratch() as directory:
        folder, out = slow_case(directory), os.path.join(directory, "out")
        started = time.monotonic()
        done = summary(folder, "-o", out, "--timeout", "1", "--max-expand", "1T", want=(1,))
        equal([row["result"] for row in done["cases"]], ["timed-out"], "result")
        check(time.monotonic() - started < 10, "ended late")
        equal(lines_of(out)[0]["error"]["message"], "not done within the time limit, and ended", "words")


def crashed():
    """A worker that a signal ends is its case's result."""
    with scratch() as directory:
        folder, out = slow_case(directory), os.path.join(directory, "out")
        process = subprocess.Popen([POOLSCOPE, "batch", folder, "-o", out, "--max-expand", "1T"],
                                   stdout=subprocess.DEVNULL)  # fmt: skip
        for _ in range(100):
            time.sleep(0.05)
            workers = children_of(process.pid)
            if workers:
                break
        time.sleep(0.2)
        os.kill(workers[0], signal.SIGSEGV)
        equal(process.wait(timeout=20), 1, "exit status")
        line = lines_of(out)[0]
        equal(line["case"]["result"], "crashed", "result")
        check(line["error"]["message"].startswith("the worker was killed by signal 11 ("), line["error"]["message"])


def changed_meanwhile():
    """A file that is written to while it is read has no result to rely on; the next batch does it again."""
    with scratch() as directory:
        folder, out = slow_case(directory), os.path.join(directory, "out")
        process = subprocess.Popen([POOLSCOPE, "batch", folder, "-o", out, "--timeout", "2", "--max-expand", "1T"],
                                   stdout=subprocess.DEVNULL)  # fmt: skip
        time.sleep(0.7)
        os.utime(os.path.join(folder, "slow.gz"))
        equal(process.wait(timeout=20), 1, "exit status")
        equal(lines_of(out)[0]["case"]["result"], "changed", "result")
        counts = summary(folder, "-o", out, "--timeout", "1", "--max-expand", "1T", want=(1,))["counts"]
        equal((counts["done_now"], counts["timed-out"]), (1, 1), "done again")


WITH_ROOM = 'mount -o remount,size=64m "$PWD"; "$@" >&2 || true; "$@"'


def full_disk():
    """A full disk ends the batch with a sentence; with room it goes on."""
    with scratch() as directory:
        folder, truths = make_cases(directory, 4)
        out = os.path.join(directory, "out")
        done = on_small_disk("300k", out, [POOLSCOPE, "batch", folder, "-o", out], WITH_ROOM, timeout=60)
    words = done.stderr.decode()
    equal(done.returncode, 3, f"exit status ({words})")
    check("No space left on device" in words or "disk is full" in words, words)
    check(f"{len(truths)} cases: 0 done now, {len(truths)} done before" in done.stdout.decode(), done.stdout.decode())
    return words.splitlines()[0]


def check_standing(out):
    """The database is whole, and each case that it knows has its line where it says."""
    with sqlite3.connect(f"file:{out}/cases.db?mode=ro", uri=True) as db:
        equal(db.execute("PRAGMA integrity_check").fetchall(), [("ok",)], "the database")
        rows = db.execute("SELECT path, line_offset, line_length FROM cases").fetchall()
    with open(os.path.join(out, "results.jsonl"), "rb") as file:
        data = file.read()
    for path, offset, length in rows:
        equal(json.loads(data[offset:offset + length])["case"]["path"], path.decode(), "line")
    return len(rows)


def full_disks():
    """Wherever the room runs out, in a batch or a merge: what helps is said, what is done stands, and the same
    command ends as if there had always been room."""
    with scratch() as directory:
        folder, truths = make_cases(directory, 4)
        whole, first, last = (os.path.join(directory, name) for name in ("whole", "first", "last"))
        for out, paths in ((whole, [folder]), (first, sorted(truths)[:2]), (last, sorted(truths)[2:])):
            batch(*paths, "-o", out)
        wanted, size = contents_of(whole), os.path.getsize(os.path.join(whole, "results.jsonl")) >> 10
        ends = []
        # Too small for the database, for a report, for some of them, for a second copy to sort.
        for room, command in ((12, [folder, "-j", "1"]), (130, [folder, "-j", "1"]), (size * 4 // 5, [folder, "-j", "1"]),
                              (size * 4 // 5, ["--merge", last, first]), (size * 3 // 2, ["--merge", last, first])):  # fmt: skip
            out, full, after = (os.path.join(directory, f"{name}{len(ends)}") for name in ("out", "full", "after"))
            done = on_small_disk(f"{room}k", out, [POOLSCOPE, "batch", *command, "-o", out],
                                 f'cp -a "$PWD" {full}; mount -o remount,size=64m "$PWD"; "$@" >&2; cp -a "$PWD" {after}',
                                 timeout=60)  # fmt: skip
            words = done.stderr.decode().splitlines()
            equal(done.returncode, 3, f"exit status with {room} KB ({words})")
            check("No space left on device" in words[0] or "disk is full" in words[0], words[0])
            equal(words[1], f"poolscope: what is done stays: free room for {out} and give the same command again", "advice")
            standing = check_standing(full) if os.path.exists(os.path.join(full, "results.jsonl")) else -1
            check(contents_of(after) == wanted, f"results differ after {room} KB")
            ends.append(standing)
        equal(ends[:2] + ends[3:], [-1, 0, 2, 4], "cases that stood")
        check(ends[2] in (1, 2, 3), f"cases that stood: {ends}")
    return f"{ends} cases stood"


def what_changes():
    """Only what is new or changed is done; what vanished stays in the results."""
    with scratch() as directory:
        folder, truths = make_cases(directory, 4)
        out = os.path.join(directory, "out")
        batch(folder, "-o", out)
        paths = sorted(truths)
        os.utime(paths[1])
        shutil.copy(paths[0], os.path.join(folder, "zz-new.dmp"))
        os.unlink(paths[3])
        counts = summary(folder, "-o", out)["counts"]
        equal((counts["done_now"], counts["done_before"]), (2, 2), "done now, before")
        equal(len(lines_of(out)), 5, "lines")
        fresh = os.path.join(directory, "fresh")
        batch(folder, "-o", fresh)
        kept = [line for line in lines_of(out) if line["case"]["path"] != paths[3]]
        equal(kept, lines_of(fresh), "results")


def strange_folders():
    """Pipes, sockets, loops of links, folders that cannot be read, names of any bytes."""
    with scratch() as directory:
        folder, truths = make_cases(directory, 2)
        os.mkfifo(os.path.join(folder, "pipe.dmp"))
        with socket.socket(socket.AF_UNIX) as listener:
            here = os.getcwd()
            os.chdir(folder)
            listener.bind("socket.dmp")
            os.chdir(here)
        os.symlink(folder, os.path.join(folder, "a", "loop"))
        os.symlink("nowhere", os.path.join(folder, "dangling.dmp"))
        dump = sorted(truths)[0]
        os.symlink(dump, os.path.join(folder, "again.dmp"))
        os.link(dump, os.path.join(folder, "twice.dmp"))
        strange = os.path.join(os.fsencode(folder), b"\xff\n\x1b[31m.dmp")
        shutil.copy(dump, strange)
        out = os.path.join(folder, "out")  # inside of what is walked
        done = summary(folder, "-o", out)
        equal(done["counts"]["cases"], len(truths) + 1, "cases")
        equal(done["counts"]["skipped"], 3, "left out")
        check(any("dangling.dmp" in line for line in done["unreadable"]), str(done["unreadable"]))
        check(any("\\xff" in row["path"] for row in done["cases"]), "no name of strange bytes")
        text = batch(folder, "-o", out).stdout
        check(b"\x1b" not in text, "an escape sequence of a file's name reaches the terminal")
        equal(summary(folder, "-o", out)["counts"]["done_now"], 0, "done again")


def only_one():
    """Two batches on one folder: the second refuses."""
    with scratch() as directory:
        folder, _ = make_cases(directory, 3)
        out = os.path.join(directory, "out")
        os.mkdir(out)
        with open(os.path.join(out, ".lock"), "w", encoding="ascii") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            done = batch(folder, "-o", out, want=(3,))
        equal(done.stderr.decode(), f"poolscope: another batch is writing to {out}\n"
              "poolscope: wait until it has ended, or give another folder (-o)\n", "words")  # fmt: skip


def shards():
    """The parts of a split batch have every case once."""
    with scratch() as directory:
        folder, truths = make_cases(directory)
        seen = []
        for shard in (1, 2, 3):
            out = os.path.join(directory, f"out{shard}")
            batch(folder, "-o", out, "--shard", f"{shard}/3")
            seen += [line["case"]["path"] for line in lines_of(out)]
        equal(sorted(seen), sorted(truths), "cases of all shards")


def make_shards(directory, folder, count=3):
    outs = [os.path.join(directory, f"shard{shard}") for shard in range(1, count + 1)]
    for shard, out in enumerate(outs, 1):
        batch(folder, "-o", out, "--shard", f"{shard}/{count}", "--case-json")
    return outs


def merge(out, *folders, want=(0,)):
    report = json.loads(batch("--merge", *folders, "-o", out, "--json", want=want).stdout)
    truth.validate_summary("merge", report)
    return report


def merged():
    """Shards joined, in any order, twice, overlapping, after a kill: what one batch leaves."""
    with scratch() as directory:
        folder, truths = make_cases(directory, 7)
        with open(os.path.join(folder, "cut.dmp"), "wb") as file:
            file.write(b"PAGEDU64" + bytes(100000))
        whole = os.path.join(directory, "whole")
        batch(folder, "-o", whole, "--case-json")
        wanted = contents_of(whole)
        shards_ = make_shards(directory, folder)
        before = [contents_of(out) for out in shards_]
        for number, folders in enumerate((shards_, shards_[::-1], [shards_[0], *shards_, whole])):
            out = os.path.join(directory, f"all{number}")
            done = merge(out, *folders)
            check(contents_of(out) == wanted, f"a merge of {folders} differs from one batch")
            equal(done["counts"]["cases"], len(truths) + 1, "cases")
            equal(done["counts"]["refused"], 1, "refused")
            equal(sum(source["taken"] for source in done["folders"]), len(truths) + 1, "taken")
            again = merge(out, *folders)
            equal(sum(source["taken"] for source in again["folders"]), 0, "taken again")
            check(contents_of(out) == wanted, "a second merge changes what is there")
            equal(sorted(os.listdir(out + "/cases")), sorted(os.listdir(whole + "/cases")), "files of cases")
        check(before == [contents_of(out) for out in shards_], "a merge changes its sources")
        # The batch goes on with what was merged.
        equal(summary(folder, "-o", out)["counts"]["done_now"], 0, "done again")
        text = batch("--merge", *shards_, "-o", out, want=(0,)).stdout.decode()
        check(text.startswith(f"3 of 3 folders merged: 0 cases taken, {len(truths) + 1} there now; "), text)


def merge_chooses():
    """Of a case in two folders the one of the newer file counts, of the same file the one that is done."""
    with scratch() as directory:
        folder, truths = make_cases(directory, 3)
        failed, old, new = (os.path.join(directory, name) for name in ("failed", "old", "new"))
        batch(folder, "-o", failed, "--max-memory", "2M", want=(1,))
        batch(folder, "-o", old)
        for folders in ((failed, old), (old, failed)):
            out = os.path.join(directory, "out-" + os.path.basename(folders[0]))
            merge(out, *folders)
            check(contents_of(out) == contents_of(old), f"{folders}: a failed case stands over a done one")
        path = sorted(truths)[1]
        shutil.copy(sorted(truths)[0], path)
        os.utime(path)
        batch(folder, "-o", new)
        for folders in ((old, new), (new, old), (failed, new, old)):
            out = os.path.join(directory, "out" + "-".join(map(os.path.basename, folders)))
            merge(out, *folders)
            check(contents_of(out) == contents_of(new), f"{folders}: an old case stands over a new one")


def merge_damaged():
    """A folder that cannot be read is named and left out, whole; the others count."""
    with scratch() as directory:
        folder, truths = make_cases(directory, 6)
        good, bad = (os.path.join(directory, name) for name in ("good", "bad"))
        for out, half in ((good, sorted(truths)[:3]), (bad, sorted(truths)[3:])):
            batch(*half, "-o", out)
        wanted = contents_of(good)

        def spoil(name, change):
            copy = os.path.join(directory, name)
            shutil.copytree(bad, copy)
            change(copy)
            return copy

        def write_at(copy, file, offset, data):
            with open(os.path.join(copy, file), "r+b") as stream:
                stream.seek(offset, os.SEEK_SET if offset >= 0 else os.SEEK_END)
                stream.write(data)

        def empty(copy):
            os.unlink(os.path.join(copy, "cases.db"))
            sqlite3.connect(os.path.join(copy, "cases.db")).execute("VACUUM")

        def newer(copy):
            with sqlite3.connect(os.path.join(copy, "cases.db")) as db:
                db.execute("PRAGMA user_version = 99")

        def pages(copy):
            size = os.path.getsize(os.path.join(copy, "cases.db"))
            write_at(copy, "cases.db", 4096 * 2, b"\xa5" * (size - 4096 * 2))

        spoiled = {
            spoil("no-database", lambda copy: os.unlink(os.path.join(copy, "cases.db"))): "there is no cases.db",
            spoil("garbage", lambda copy: write_at(copy, "cases.db", 0, b"\xa5" * 4096)): "file is not a database",
            spoil("pages", pages): "cannot read the database: database disk image is malformed",
            spoil("empty", empty): "its database is empty: its batch was ended early",
            spoil("newer", newer): "its database is of version 99, of a newer poolscope; this one knows version 1",
            spoil("zeros", lambda copy: write_at(copy, "results.jsonl", -5000, bytes(300))): "of results.jsonl is damaged",
            spoil("no-lines", lambda copy: os.unlink(os.path.join(copy, "results.jsonl"))): "No such file or directory",
            os.path.join(directory, "nowhere"): "holds no results of a batch",
        }  # fmt: skip
        for number, (source, words) in enumerate(spoiled.items()):
            out = os.path.join(directory, f"out{number}")
            done = merge(out, source, good, want=(1,))
            equal([bool(folder["error"]) for folder in done["folders"]], [True, False], "left out")
            check(words in done["folders"][0]["error"], f"{source}: {done['folders'][0]['error']}")
            check(contents_of(out) == wanted, f"{source}: something of it is in the results")
        # A line that is gone costs its case, which is said.
        cut = spoil("cut", lambda copy: os.truncate(os.path.join(copy, "results.jsonl"),
                                                    os.path.getsize(os.path.join(copy, "results.jsonl")) - 9))
        done = merge(os.path.join(directory, "lost"), cut, good, want=(1,))
        equal((done["folders"][0]["lost"], done["counts"]["cases"]), (1, len(truths) - 1), "lost, cases")
        # Killed while its lines were put in order: the database has them elsewhere.
        lines = open(os.path.join(bad, "results.jsonl"), "rb").read().splitlines(True)
        turned = spoil("turned", lambda copy: write_at(copy, "results.jsonl", 0, b"".join(lines[::-1])))
        whole = os.path.join(directory, "whole")
        batch(folder, "-o", whole)
        out = os.path.join(directory, "out-turned")
        merge(out, turned, good)
        check(contents_of(out) == contents_of(whole), "lines in another order are not found")


def merge_while_written():
    """Folders that a batch writes to are not read, and nothing is written before all can be had."""
    with scratch() as directory:
        folder, _ = make_cases(directory, 3)
        first, second = make_shards(directory, folder, 2)
        out = os.path.join(directory, "out")
        with open(os.path.join(second, ".lock"), "w", encoding="ascii") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            done = batch("--merge", first, second, "-o", out, want=(3,))
        equal(done.stderr.decode(), f"poolscope: a batch is writing to {second}\n"
              "poolscope: wait until it has ended; nothing has been merged from it\n", "words")  # fmt: skip
        check(not os.path.exists(out), "something was written")
        done = batch("--merge", first, second, "-o", second, want=(2,))
        check(b"is both a folder to merge and the folder of the results" in done.stderr, done.stderr.decode())
        done = batch("--merge", first, "-o", out, "--shard", "1/2", want=(2,))
        check(b"--merge joins results and does no case" in done.stderr, done.stderr.decode())


def nothing_made():
    """Where there is nothing to do or to join no folder of results is made."""
    with scratch() as directory:
        folder, _ = make_cases(directory, 2)
        out, nowhere = os.path.join(directory, "out"), os.path.join(directory, "nowhere")
        for paths in ((nowhere,), (folder, nowhere)):
            done = batch(*paths, "-o", out, want=(3,))
            equal(done.stderr.decode(), f"poolscope: cannot open {nowhere}: No such file or directory\n", "words")
            check(not os.path.exists(out), f"a folder for {paths}")
        why = f"{nowhere} holds no results of a batch: there is no cases.db"
        done = merge(out, nowhere, folder, want=(1,))
        equal((done["folders"][0]["error"], done["counts"]["cases"]), (why, 0), "left out, cases")
        check(not os.path.exists(out), "a folder for a merge of nothing")
        text = batch("--merge", nowhere, "-o", out, want=(1,)).stdout.decode()
        equal(text, f"0 of 1 folders merged: 0 cases taken, 0 there now\nleft out: {nowhere}: {why}\n", "words")
        check(not os.path.exists(out), "a folder for a merge of nothing")
        # What is there stays and is counted.
        first = os.path.join(directory, "first")
        batch(folder, "-o", first)
        merge(out, first, nowhere, want=(1,))
        wanted = contents_of(out)
        equal(merge(out, nowhere, want=(1,))["counts"]["cases"], 2, "cases there")
        check(contents_of(out) == wanted, "a merge of nothing changes what is there")


def merge_killed():
    """kill -9 while folders are merged, then again: nothing lost, nothing twice."""
    dice = random.Random(3)
    with scratch() as directory:
        folder, _ = make_cases(directory, 8)
        whole = os.path.join(directory, "whole")
        batch(folder, "-o", whole)
        wanted = contents_of(whole)
        shards_ = make_shards(directory, folder, 4)
        started = time.monotonic()
        merge(os.path.join(directory, "timed"), *shards_)
        took = time.monotonic() - started
        for number in range(25):
            out = os.path.join(directory, f"out{number}")
            process = subprocess.Popen([POOLSCOPE, "batch", "--merge", *shards_, "-o", out],
                                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # fmt: skip
            time.sleep(dice.random() * took * 1.1)
            process.send_signal(signal.SIGKILL)
            process.wait()
            merge(out, *shards_)
            check(contents_of(out) == wanted, f"results differ after kill {number + 1}")


def killed(count, seed):
    """kill -9 at random moments, then again: the results are those of a batch left alone."""

    def case():
        dice = random.Random(seed)
        with scratch() as directory:
            folder, truths = make_cases(directory, 8)
            whole = os.path.join(directory, "whole")
            started = time.monotonic()
            batch(folder, "-o", whole, "-j", 2)
            took = time.monotonic() - started
            wanted = contents_of(whole)
            for number in range(count):
                out = os.path.join(directory, f"out{number}")
                for _ in range(dice.randint(1, 3)):
                    process = subprocess.Popen([POOLSCOPE, "batch", folder, "-o", out, "-j", "2"],
                                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # fmt: skip
                    time.sleep(dice.random() * took * 1.1)
                    process.send_signal(signal.SIGKILL)
                    process.wait()
                batch(folder, "-o", out, "-j", 2)
                check(contents_of(out) == wanted, f"results differ after kill {number + 1}")
                equal(len(lines_of(out)), len(truths), "lines")
                shutil.rmtree(out)
        return f"{count} times"

    return case


def interrupted():
    """Ctrl-C: no worker is left, and what was done is kept."""
    with scratch() as directory:
        folder, _ = make_cases(directory, 8)
        out = os.path.join(directory, "out")
        process = subprocess.Popen([POOLSCOPE, "batch", folder, "-o", out, "-j", "2"],
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # fmt: skip
        time.sleep(0.15)
        process.send_signal(signal.SIGINT)
        process.wait(timeout=10)
        before = len(lines_of(out)) if os.path.exists(os.path.join(out, "results.jsonl")) else 0
        counts = summary(folder, "-o", out)["counts"]
        equal(counts["done_before"], before, "done before")


def ask(out, *arguments, want=(0,)):
    report = json.loads(run([POOLSCOPE, "cases", out, *map(str, arguments), "--json"], want=want).stdout)
    truth.validate_summary("cases", report)
    return report


def leads(lines, of):
    """What leads in each case, from the reports: {(name, detail): [bytes...]}."""
    led = {}
    for line in lines:
        key = of(line)
        if key:
            led.setdefault(key[:2], []).append(key[2])
    return {key: sorted(sizes) for key, sizes in led.items()}


def top_tag(line):
    sides = [(tag[pool]["bytes"], tag["tag"], name) for tag in line["pool"]["tags"]
             for pool, name in (("nonpaged", "Nonp"), ("paged", "Paged"))]  # fmt: skip
    size, tag, name = max(sides)
    return tag, name, size


def top_driver(line, others=False):
    drivers = [driver for driver in line["drivers"] if (not others or not driver["microsoft"])
               and driver["nonpaged_bytes"] + driver["paged_bytes"] > 0]  # fmt: skip
    if not drivers:
        return None
    driver = max(drivers, key=lambda d: d["nonpaged_bytes"] + d["paged_bytes"])
    version = (driver.get("version") or {}).get("file_version")
    return driver["module"], version, driver["nonpaged_bytes"] + driver["paged_bytes"]


def questions():
    """Counts over cases are those of the reports, counted here once more."""
    with scratch() as directory:
        folder, _ = make_cases(directory, 9)
        with open(os.path.join(folder, "cut.dmp"), "wb") as file:
            file.write(b"PAGEDU64" + bytes(100000))
        out = os.path.join(directory, "out")
        batch(folder, "-o", out)
        lines = lines_of(out)
        good = [line for line in lines if "error" not in line]
        got = ask(out)
        equal((got["cases"], got["cases_in_all"]), (len(lines), len(lines)), "cases")
        counted = {}
        for line in lines:
            counted[line["case"]["result"]] = counted.get(line["case"]["result"], 0) + 1
        equal({row["name"]: row["cases"] for row in got["results"]}, counted, "results")
        for key, of, name, detail in (("tags", top_tag, "tag", "type"), ("drivers", top_driver, "module", "version"),
                                     ("other_drivers", lambda line: top_driver(line, True), "module", "version")):  # fmt: skip
            want = leads(good, of)
            check(want, f"no {key} lead in any report")
            rows = {(row[name], row[detail]): row for row in got[key]}
            equal(set(rows), set(want), key)
            for leader, sizes in want.items():
                row = rows[leader]
                equal((row["led"], row["median_bytes"], row["most_bytes"]),
                      (len(sizes), sizes[(len(sizes) - 1) // 2], sizes[-1]), leader)  # fmt: skip
                equal(row["of"], sum(map(len, want.values())), "of")
            equal([row["led"] for row in got[key]], sorted((len(s) for s in want.values()), reverse=True), "order")
        # Filters: the cases are those of the reports.
        build = good[0]["system"]["build"]
        rows = ask(out, "--build", build)["rows"]
        equal({row["path"] for row in rows},
              {line["case"]["path"] for line in good if line["system"]["build"] == build}, "build")  # fmt: skip
        tag = top_tag(good[0])[0]
        rows = ask(out, "--tag", tag)["rows"]
        held = {line["case"]["path"]: max((t["nonpaged"]["bytes"], t["paged"]["bytes"]) for t in line["pool"]["tags"]
                                          if t["tag"] == tag) for line in good
                if any(t["tag"] == tag for t in line["pool"]["tags"])}  # fmt: skip
        equal({row["path"]: max(row["bytes"], 0) for row in rows}, {p: max(b) for p, b in held.items()}, "tag")
        driver = top_driver(good[0])[0]
        rows = ask(out, "--driver", driver.upper().removesuffix(".SYS"))["rows"]
        equal({row["path"]: row["bytes"] for row in rows},
              {line["case"]["path"]: d["nonpaged_bytes"] + d["paged_bytes"] for line in good for d in line["drivers"]
               if d["module"] == driver}, "driver")  # fmt: skip
        code = int(good[0]["system"]["bugcheck"]["code"], 16)
        equal({row["path"] for row in ask(out, "--bugcheck", hex(code))["rows"]},
              {line["case"]["path"] for line in good if int(line["system"]["bugcheck"]["code"], 16) == code},
              "bug check")  # fmt: skip
    return f"{len(lines)} cases"


def drivers_that_hold_nothing():
    """A driver whose tags have been freed leads no case, and is present in none."""
    with scratch() as directory:
        folder = os.path.join(directory, "cases")
        os.mkdir(folder)
        for name, leak in (("freed.dmp", "25600 25600 0"), ("held.dmp", "25600 0 26214400")):
            make_dump("family-10-17763-x64.recipe", folder, sets=[f'tag "Leak" np {leak}'], name=name)
        os.unlink(os.path.join(folder, "truth.json"))
        out = os.path.join(directory, "out")
        batch(folder, "-o", out)
        driver = [d for d in lines_of(out)[0]["drivers"] if d["module"] == "myfault.sys"]
        equal([(d["nonpaged_bytes"], d["paged_bytes"]) for d in driver], [(0, 0)], "bytes of the driver")
        got = ask(out)
        equal([(row["module"], row["led"], row["of"], row["present"], row["median_bytes"])
               for row in got["other_drivers"]], [("myfault.sys", 1, 1, 1, 26214400)], "drivers")  # fmt: skip
        text = run([POOLSCOPE, "cases", out]).stdout.decode()
        check(" not known as Microsoft's in 1 of 1 cases.\n" in text, text)


def alike():
    """The same dump under another name is the most alike of all, wholly."""
    with scratch() as directory:
        folder, truths = make_cases(directory, 6)
        paths = sorted(truths)
        twin = os.path.join(os.path.realpath(folder), "twin.dmp")
        shutil.copy(paths[2], twin)
        out = os.path.join(directory, "out")
        batch(folder, "-o", out)
        rows = ask(out, "--like", os.path.basename(paths[2]))["rows"]
        equal(len(rows), len(truths), "rows")
        equal(rows[0]["path"], twin, "most alike")
        check(rows[0]["alike_permille"] >= 900 and rows[1]["alike_permille"] < rows[0]["alike_permille"], str(rows[:2]))
        check("same build" in rows[0]["in_common"] and "tag " in rows[0]["in_common"], rows[0]["in_common"])
        scores = [row["alike_permille"] for row in rows]
        equal(scores, sorted(scores, reverse=True), "order")
        check(0 <= scores[-1] <= 1000, str(scores))
        done = run([POOLSCOPE, "cases", out, "--like", "nowhere.dmp"], want=(3,))
        equal(done.stderr.decode(), f"poolscope: no case of {out} is named nowhere.dmp\n", "words")


def errors_in_json():
    """An error follows the schema of its command."""
    with scratch() as directory:
        nowhere, out = os.path.join(directory, "nowhere"), os.path.join(directory, "out")
        equal(summary(nowhere, "-o", out, want=(3,))["error"]["code"], "system", "code")
        os.mkdir(out)
        equal(merge(out, out, want=(2,))["error"]["code"], "usage", "code")
        equal(ask(out, want=(3,))["error"]["code"], "not-found", "code")


def question_outputs():
    """Text, CSV and page say the same; a page loads nothing and keeps foreign text harmless."""
    with scratch() as directory:
        folder, truths = make_cases(directory, 4)
        shutil.copy(sorted(truths)[0], os.path.join(folder, "<b>&.dmp"))
        out = os.path.join(directory, "out")
        batch(folder, "-o", out)
        got = ask(out)
        page = os.path.join(directory, "page.html")
        text = run([POOLSCOPE, "cases", out, "--html", page]).stdout.decode()
        check(text.startswith(f"{len(truths) + 1} of {len(truths) + 1} cases\n"), text)
        top = got["drivers"][0]
        words = " ".join(filter(None, (top["module"], top["version"])))
        check(f"{words} holds the most pool of all drivers in {top['led']} of {top['of']} cases.\n" in text, text)
        with open(page, encoding="utf-8") as file:
            html = file.read()
        check(html.startswith("<!DOCTYPE html>") and html.endswith("</html>\n") and "<svg class=\"bar\"" in html, "page")
        check("http" not in html.replace("http-equiv", ""), "the page names something elsewhere")
        listed = run([POOLSCOPE, "cases", out, "--build", str(got["products"][0]["detail"]), "--html", "-"]).stdout.decode()
        check("<b>&.dmp" not in listed, "a name stands in the page as it is")
        rows = run([POOLSCOPE, "cases", out, "--csv"]).stdout.decode().split("\r\n")
        equal(rows[0], "kind,name,detail,cases,of,median_bytes,most_bytes", "header of CSV")
        drivers = [row for row in rows if row.startswith("driver,")]
        equal(len(drivers), len(got["drivers"]), "drivers in CSV")
        check(f",{top['led']},{top['of']},{top['median_bytes']},{top['most_bytes']}" in drivers[0], drivers[0])
        equal(len(ask(out, "--top", "1")["tags"]), 1, "--top")
        for arguments, words in (([directory], "holds no results of a batch"), ([out, "--tag", "L*"], "without ? and *"),
                                 ([out, "--build", "x"], "--build 'x' is not a number that fits")):  # fmt: skip
            done = run([POOLSCOPE, "cases", *arguments], want=(2, 3))
            check(words in done.stderr.decode(), done.stderr.decode())


def cases():
    yield "results", results
    yield "order-of-workers", order_of_workers
    yield "files-of-a-case", files_of_a_case
    yield "bad-cases", bad_cases
    yield "reasons", reasons
    yield "limits", limits
    yield "timed-out", timed_out
    yield "crashed", crashed
    yield "changed-meanwhile", changed_meanwhile
    yield "full-disk", full_disk
    yield "full-disks", full_disks
    yield "what-changes", what_changes
    yield "strange-folders", strange_folders
    yield "only-one", only_one
    yield "shards", shards
    yield "merged", merged
    yield "merge-chooses", merge_chooses
    yield "merge-damaged", merge_damaged
    yield "merge-while-written", merge_while_written
    yield "nothing-made", nothing_made
    yield "merge-killed", merge_killed
    yield "questions", questions
    yield "drivers-that-hold-nothing", drivers_that_hold_nothing
    yield "alike", alike
    yield "errors-in-json", errors_in_json
    yield "question-outputs", question_outputs
    yield "killed", killed(8, 1)
    yield "interrupted", interrupted
