"""Batches over what is strange or hostile: names and modules that lie, files that belong together, figures
that are no figures. What a plain batch does is in suite_batch.py.
"""

import csv
import fcntl
import gzip
import io
import json
import os
import pty
import shutil
import sqlite3
import subprocess
import time

import truth
from harness import POOLSCOPE, check, equal, make_dump, run, scratch
from suite_batch import SMALL, ask, batch, contents_of, lines_of, make_cases, rows_of, slow_case, summary

TWINS = """\
arch x64
build 17763
physical 64M
include common/small-tags.recipe
bigpages size=512
driver twin.sys size=0x6000 tags=Twn1/np/1024 version=1.0.0.0
driver twin.sys size=0x6000 tags=Twn2/np/1024 version=1.0.0.0
tag "Twn1" np 60000 1000 59296000
tag "Twn2" np 60000 1000 39296000
"""


def twins():
    """Two images of one name and version in a case are one driver that is present once."""
    with scratch() as directory:
        folder = os.path.join(directory, "cases")
        os.mkdir(folder)
        for seed in (1, 2, 3):
            make_dump(TWINS, folder, seed=seed, name=f"twin{seed}.dmp")
        os.unlink(os.path.join(folder, "truth.json"))
        out = os.path.join(directory, "out")
        batch(folder, "-o", out)
        drivers = lines_of(out)[0]["drivers"]
        equal(sum(driver["module"] == "twin.sys" for driver in drivers), 2, "images of the name")
        leaders = [row for row in ask(out)["drivers"] if row["module"] == "twin.sys"]
        equal([(row["led"], row["present"]) for row in leaders], [(3, 3)], "led, present")
        rows = ask(out, "--like", "twin1.dmp")["rows"]
        check(all(900 <= row["alike_permille"] <= 1000 for row in rows), f"{rows}")


def bounds():
    """Sums over tables with pages missing are no figures to count with: NULL in the database, ~ in text."""
    with scratch() as directory:
        folder = os.path.join(directory, "cases")
        os.mkdir(folder)
        make_dump("family-10-17763-x64.recipe", folder, name="part.dmp",
                  sets=[*SMALL, "header Attributes 0x10", "missing tracker cpu=1 page=1"])  # fmt: skip
        os.unlink(os.path.join(folder, "truth.json"))
        out = os.path.join(directory, "out")
        batch(folder, "-o", out, want=(1,))
        totals = lines_of(out)[0]["pool"]["totals"]
        check(totals["trust"] != "exact", f"trust: {totals['trust']}")
        row = rows_of(out, "(SELECT nonpaged_bytes, paged_bytes FROM cases)", "1")[0]
        equal(row, (None, None), "sums in the database")
        check(all(not driver["exact"] for driver in ask(out)["drivers"]), "a bound of a driver stands as exact")
        text = run([POOLSCOPE, "cases", out]).stdout.decode()
        top = ask(out)["drivers"][0]
        line = [line for line in text.splitlines() if f" {top['module']} " in line and line.startswith("  1")][0]
        equal(line.count("~"), 2, f"marks of {line!r}")


def belonging_together():
    """A part or a memory file that comes, changes or goes makes its case another one."""
    with scratch() as directory:
        folder, out = os.path.join(directory, "cases"), os.path.join(directory, "out")
        os.mkdir(folder)
        dump, _ = make_dump("family-10-17763-x64.recipe", directory, sets=SMALL)
        with open(dump, "rb") as file:
            data = file.read()

        def write(name, content):
            with open(os.path.join(folder, name), "wb") as file:
                file.write(content)

        def done(want):
            report = summary(folder, "-o", out)
            equal((report["counts"]["done_now"], [row["result"] for row in report["cases"]]), want, "done, results")

        write("d.dmp.001", data[:200000])
        done((1, ["refused"]))
        write("d.dmp.002", data[200000:])
        done((1, ["complete"]))
        done((0, ["complete"]))
        os.utime(os.path.join(folder, "d.dmp.002"))
        done((1, ["complete"]))
        os.unlink(os.path.join(folder, "d.dmp.002"))
        done((1, ["refused"]))


def memory_and_state():
    """VMware's memory is one case with a state that can be used, and a case itself without."""
    lines = "arch x64\nbuild 17763\nphysical 64M\ninclude common/small-tags.recipe\ncontainer vmem\n"
    with scratch() as directory:
        folder, out = os.path.join(directory, "cases"), os.path.join(directory, "out")
        os.mkdir(folder)
        make_dump(lines, folder, name="m.vmem")
        os.unlink(os.path.join(folder, "truth.json"))

        def cases_now():
            return [os.path.basename(row["path"]) for row in summary(folder, "-o", out)["cases"]]

        equal(cases_now(), ["m.vmss"], "cases")
        os.utime(os.path.join(folder, "m.vmem"))
        equal(summary(folder, "-o", out)["counts"]["done_now"], 1, "done now, the memory has changed")
        for end in ("vmss", "vmem"):
            os.rename(os.path.join(folder, f"m.{end}"), os.path.join(folder, f"m.{end.upper()}"))
        equal(cases_now(), ["m.VMSS"], "cases, in capitals")
        with open(os.path.join(folder, "m.VMSS"), "wb"):
            pass
        equal(cases_now(), ["m.VMEM"], "cases, beside an empty state")


def words():
    with scratch() as directory:
        folder, out = os.path.join(directory, "cases"), os.path.join(directory, "out")
        os.mkdir(folder)
        for name in ("a.dmp", "b.dmp"):
            with open(os.path.join(folder, name), "wb") as file:
                file.write(b"PAGEDU64" + bytes(100000))
        text = batch(folder, "-o", out, want=(1,)).stdout.decode()
        check(text.startswith("2 cases: 2 done now, 0 done before; 2 refused\n"), text)
        done = batch(folder, "-o", out, "--shard", "1/1000001", want=(2,))
        check(b"--shard '1/1000001' is not K/N with K from 1 to N, and N at most 1000000\n" in done.stderr, done.stderr)


def no_times():
    """How long an archive took to unpack is in no report of a batch: two batches leave the same."""
    with scratch() as directory:
        folder = os.path.join(directory, "cases")
        os.mkdir(folder)
        dump, _ = make_dump("family-10-17763-x64.recipe", directory, sets=SMALL)
        with open(dump, "rb") as file, gzip.open(os.path.join(folder, "d.gz"), "wb") as packed:
            shutil.copyfileobj(file, packed)
        outs = [os.path.join(directory, name) for name in ("out1", "out2")]
        for out in outs:
            batch(folder, "-o", out)
        line = lines_of(outs[0])[0]
        truth.validate(line)
        why = "the results of a batch do not depend on how long it took"
        packed = line["file"]["packed"]
        equal([packed[key] for key in ("elapsed_ms", "elapsed_ms_note", "processor_ms", "processor_ms_note")],
              [None, why, None, why], "times")  # fmt: skip
        check(contents_of(outs[0]) == contents_of(outs[1]), "two batches differ")
        report = json.loads(run([POOLSCOPE, os.path.join(folder, "d.gz"), "--json"], want=(0, 1)).stdout)
        check(report["file"]["packed"]["elapsed_ms"] is not None, "analyze tells the time no more")


def not_ours():
    """Files of another program in the folder of the results stay as they are; damage is said, and what helps."""
    with scratch() as directory:
        folder = os.path.join(directory, "cases")
        os.mkdir(folder)
        make_dump("family-10-17763-x64.recipe", folder, sets=SMALL)
        os.unlink(os.path.join(folder, "truth.json"))
        good = os.path.join(directory, "good")
        batch(folder, "-o", good)

        def attempt(name, change, words):
            out = os.path.join(directory, name)
            shutil.copytree(good, out)
            kept = os.path.join(out, change(out))
            before = open(kept, "rb").read() if os.path.isfile(kept) else None
            said = batch(folder, "-o", out, want=(3,), timeout=10).stderr.decode()
            equal(said, words.format(out=out), "words")
            check(before is None or open(kept, "rb").read() == before, f"{name}: the file has changed")

        def foreign_lines(out):
            shutil.rmtree(out)
            os.mkdir(out)
            with open(os.path.join(out, "results.jsonl"), "wb") as file:
                file.write(b'{"mine": 1}\n' * 100)
            return "results.jsonl"

        def foreign_database(out):
            os.unlink(os.path.join(out, "cases.db"))
            with sqlite3.connect(os.path.join(out, "cases.db")) as db:
                db.execute("CREATE TABLE mine (a)")
            return "cases.db"

        def version(out):
            with sqlite3.connect(os.path.join(out, "cases.db")) as db:
                db.execute("PRAGMA user_version = -5")
            return "nothing"

        def pages(out):
            with open(os.path.join(out, "cases.db"), "r+b") as file:
                file.seek(8192)
                file.write(b"\xa5" * (os.path.getsize(file.name) - 8192))
            return "cases.db"

        def pipe(out):
            os.unlink(os.path.join(out, "results.jsonl"))
            os.mkfifo(os.path.join(out, "results.jsonl"))
            return "nothing"

        anew = "poolscope: {hint}a batch into another folder (-o) does all cases again\n"
        foreign = "poolscope: {out}: its cases.db is no database of a batch, or it is damaged\n" + anew.replace("{hint}", "")
        attempt("lines", foreign_lines, "poolscope: {out}/results.jsonl is there and is none of a batch\n"
                "poolscope: give another folder (-o)\n")  # fmt: skip
        attempt("database", foreign_database, foreign)
        attempt("version", version, foreign)
        attempt("pages", pages, "poolscope: {out}: cannot read the database: database disk image is malformed\n"
                + anew.replace("{hint}", "cases.db is damaged: "))  # fmt: skip
        attempt("pipe", pipe, "poolscope: {out}/results.jsonl is no regular file\n")


def shares_on_the_page():
    """The page rounds as the text does, and how alike a case is stands in front."""
    with scratch() as directory:
        folder, out = os.path.join(directory, "cases"), os.path.join(directory, "out")
        os.mkdir(folder)
        for seed in (1, 2):
            make_dump(TWINS, folder, seed=seed, name=f"twin{seed}.dmp")
        os.unlink(os.path.join(folder, "truth.json"))
        with open(os.path.join(folder, "cut.dmp"), "wb") as file:
            file.write(b"PAGEDU64" + bytes(100000))
        batch(folder, "-o", out, want=(1,))
        text = run([POOLSCOPE, "cases", out]).stdout.decode()
        page = run([POOLSCOPE, "cases", out, "--html", "-"]).stdout.decode()
        check("2 66.7 % Windows Server 2019" in text and "1 33.3 % refused" in text, text)
        check(">66.7%" in page and ">33.3%" in page and "66.6" not in page, "shares on the page")
        said = run([POOLSCOPE, "cases", out, "--like", "cut.dmp"], want=(3,)).stderr.decode()
        equal(said, f"poolscope: {os.path.realpath(folder)}/cut.dmp has no report to compare others with: its result is "
              "refused\npoolscope: `poolscope analyze` of it says why\n", "words")  # fmt: skip
        page = run([POOLSCOPE, "cases", out, "--like", "twin1.dmp", "--html", "-"]).stdout.decode()
        places = [page.index(f">{word}<") for word in ("Case", "Alike", "In common", "Result", "Owner")]
        equal(places, sorted(places), "columns")


def names_in_csv():
    """Names of any bytes are UTF-8 in CSV, and nothing that a terminal obeys."""
    with scratch() as directory:
        folder, out = os.path.join(directory, "cases"), os.path.join(directory, "out")
        os.mkdir(folder)
        name = b"\xff\n\x1b]0;t\x07 \"q\".dmp"
        dump, _ = make_dump("family-10-17763-x64.recipe", directory, sets=SMALL)
        os.rename(dump, os.path.join(os.fsencode(folder), name))
        want = [os.path.realpath(folder) + '/\\xff\\x0a\\x1b]0;t\\x07 "q".dmp']
        outputs = [batch(folder, "-o", out, "--csv"), run([POOLSCOPE, "cases", out, "--build", "17763", "--csv"])]
        for done in outputs:
            rows = list(csv.reader(io.StringIO(done.stdout.decode(), newline="")))
            equal([row[rows[0].index("path")] for row in rows[1:]], want, "path")


def only_read():
    """Whoever reads leaves nothing behind that a batch of another user could not write to, and is waited for."""
    with scratch() as directory:
        folder, out = os.path.join(directory, "cases"), os.path.join(directory, "out")
        os.mkdir(folder)
        make_dump("family-10-17763-x64.recipe", folder, sets=SMALL, name="a.dmp")
        os.unlink(os.path.join(folder, "truth.json"))
        batch(folder, "-o", out)
        names = sorted(os.listdir(out))
        run([POOLSCOPE, "cases", out])
        equal(sorted(os.listdir(out)), names, "files after cases")
        batch("--merge", out, "-o", os.path.join(directory, "all"))
        equal(sorted(os.listdir(out)), names, "files after a merge")
        equal(ask("/" + out)["cases"], 1, "cases by a path that begins with two slashes")
        # while a batch writes there is a log to read
        with open(os.path.join(out, ".lock"), "rb") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            with sqlite3.connect(os.path.join(out, "cases.db")) as writer:
                writer.execute("UPDATE cases SET product = 'in the log'")
                writer.commit()
                equal(ask(out)["products"][0]["name"], "in the log", "product")
            writer.close()
        with open(os.path.join(out, ".lock"), "rb") as lock:
            fcntl.flock(lock, fcntl.LOCK_SH)
            process = subprocess.Popen([POOLSCOPE, "batch", folder, "-o", out], stdout=subprocess.PIPE)
            time.sleep(0.3)
            equal(process.poll(), None, "exit status while the folder is read")
            fcntl.flock(lock, fcntl.LOCK_UN)
            words = process.communicate(timeout=20)[0].decode()
            check(process.returncode == 0 and words.startswith("1 case: 0 done now, 1 done before; "), words)


def unreadable():
    """What cannot be read may have been a case: not all is well then."""
    with scratch() as directory:
        folder, out = os.path.join(directory, "cases"), os.path.join(directory, "out")
        os.mkdir(folder)
        make_dump("family-10-17763-x64.recipe", folder, sets=SMALL, name="a.dmp")
        os.unlink(os.path.join(folder, "truth.json"))
        batch(folder, "-o", out, want=(0,))
        os.symlink("nowhere", os.path.join(folder, "b.dmp"))
        text = batch(folder, "-o", out, want=(1,)).stdout.decode()
        check(f"not readable: {os.path.realpath(folder)}/b.dmp: No such file or directory\n" in text, text)
        # its first bytes cannot be read: it may be a dump all the same
        os.unlink(os.path.join(folder, "b.dmp"))
        os.symlink("/proc/self/mem", os.path.join(folder, "b.dmp"))
        text = batch(folder, "-o", out, want=(1,)).stdout.decode()
        check("; 1 complete, 1 refused\n" in text and "2 files looked at, 0 of them no dumps" in text, text)


def progress():
    """The bar tells of a case that takes long before it has ended."""
    with scratch() as directory:
        folder, out = slow_case(directory), os.path.join(directory, "out")
        master, slave = pty.openpty()
        process = subprocess.Popen([POOLSCOPE, "batch", folder, "-o", out, "--max-expand", "1T", "--timeout", "3"],
                                   stdout=subprocess.DEVNULL, stderr=slave)  # fmt: skip
        os.close(slave)
        shown = b""
        try:
            while b"0 of 1 cases, 0 failed [..." not in shown:
                shown += os.read(master, 4096)
        except OSError:
            pass  # the other end is closed: the program has ended
        running = process.poll() is None
        process.kill()
        process.wait()
        os.close(master)
        check(running, f"no bar before the first case had ended: {shown!r}")


def moved():
    """A file that was moved after it was done is counted twice, which is said."""
    with scratch() as directory:
        folder, out = os.path.join(directory, "cases"), os.path.join(directory, "out")
        os.mkdir(folder)
        for seed in (1, 2, 3):
            make_dump("family-10-17763-x64.recipe", folder, sets=SMALL, seed=seed, name=f"{seed}.dmp")
        os.unlink(os.path.join(folder, "truth.json"))
        for name in ("empty1.dmp", "empty2.dmp"):  # without a report, as like as they are
            with open(os.path.join(folder, name), "wb") as file:
                file.write(b"PAGEDU64")
        batch(folder, "-o", out)
        check("copies" not in run([POOLSCOPE, "cases", out]).stdout.decode(), "copies where there are none")
        words = "2 of these look like copies of others, by size and samples of the contents, and are counted all the same."
        for number, want in ((1, 1), (2, 2)):
            os.rename(os.path.join(folder, f"{number}.dmp"), os.path.join(folder, f"moved{number}.dmp"))
            batch(folder, "-o", out)
            equal(ask(out)["copies"], want, "copies")
        check(f"7 of 7 cases\n{words}\n" in run([POOLSCOPE, "cases", out]).stdout.decode(), "text")
        check(f"<p>{words}</p>" in run([POOLSCOPE, "cases", out, "--html", "-"]).stdout.decode(), "page")


def files_of_now():
    """Files of a case are made when they are asked for later, and none tells of a state before."""
    with scratch() as directory:
        folder, out, merged = (os.path.join(directory, name) for name in ("cases", "out", "all"))
        os.mkdir(folder)
        make_dump("family-10-17763-x64.recipe", folder, sets=SMALL, name="a.dmp")
        os.unlink(os.path.join(folder, "truth.json"))

        def endings(place=out):
            there = os.listdir(os.path.join(place, "cases")) if os.path.isdir(os.path.join(place, "cases")) else []
            return sorted(name.rpartition(".")[2] for name in there)

        batch(folder, "-o", out)
        equal(endings(), [], "files")
        equal(summary(folder, "-o", out, "--case-html", "--case-json")["counts"]["done_now"], 1, "done for its files")
        equal(endings(), ["html", "json"], "files")
        equal(summary(folder, "-o", out, "--case-html", "--case-json")["counts"]["done_now"], 0, "done again")
        batch("--merge", out, "-o", merged)
        equal(endings(merged), ["html", "json"], "files merged")
        os.truncate(os.path.join(folder, "a.dmp"), 100)
        equal(summary(folder, "-o", out, "--case-html", want=(1,))["counts"]["refused"], 1, "refused")
        equal(endings(), [], "files of the dump as it was")
        equal(summary(folder, "-o", out, "--case-json", want=(1,))["counts"]["done_now"], 0, "a failed case is tried again")
        batch("--merge", out, "-o", merged, want=(0,))
        equal(endings(merged), [], "files merged of the dump as it was")


def few_files():
    """Where few files may be open, fewer workers run; the results are the same, and in order."""
    with scratch() as directory:
        folder, _ = make_cases(directory, count=12)
        plain, few = os.path.join(directory, "plain"), os.path.join(directory, "few")
        batch(folder, "-o", plain, "-j", "2")
        process = run(["prlimit", "--nofile=52:52", POOLSCOPE, "batch", folder, "-o", few, "-j", "20", "-v"],
                      want=(0, 1))  # fmt: skip
        check("room for 3 workers: so few files may be open" in process.stderr.decode(), process.stderr)
        equal(lines_of(few), lines_of(plain), "results")


def cases():
    yield "twins", twins
    yield "bounds", bounds
    yield "belonging-together", belonging_together
    yield "memory-and-state", memory_and_state
    yield "words", words
    yield "no-times", no_times
    yield "not-ours", not_ours
    yield "moved", moved
    yield "files-of-now", files_of_now
    yield "unreadable", unreadable
    yield "progress", progress
    yield "few-files", few_files
    yield "only-read", only_read
    yield "names-in-csv", names_in_csv
    yield "shares-on-the-page", shares_on_the_page
