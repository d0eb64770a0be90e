"""Dumps inside archives: every kind gives the rows of the plain dump, the right member is chosen, and archives
that are hostile, damaged, encrypted or too large end in a sentence with nothing left behind.
"""

import gzip
import io
import json
import os
import random
import signal
import struct
import subprocess
import tarfile
import time
import zipfile

import archives
import truth
from archives import NOTES, content, save
from harness import (POOLSCOPE, Skip, check, equal, make_dump, on_small_disk, poolscope_json, run, scratch)  # fmt: skip

MACHINE = "family-10-17763-x64.recipe"
PARTS = ("system", "modules", "unloaded_modules", "pool", "drivers")
DAMAGED = "the archive is damaged: copy it again, or have it packed again"
CUT = ("the archive was cut short: copy it again; the parts of a split archive must be put together first")  # fmt: skip
ELSEWHERE = "unpack it with another program, for example 7z, and open the dump inside"
NO_ROOM = "set TMPDIR to a directory with room, or unpack it elsewhere and open the dump inside"
SMALL = ["physical 4M", "tags random=12", "tracker-entries 128", "bigpages size=256 live=30% freed=10%"]


def small_dump(directory, name="MEMORY.DMP", seed=None):
    text = "\n".join(["arch x64", "build 17763", "container type5", *SMALL, ""])
    return make_dump(text, directory, name=name, seed=seed)[0]


def said(arguments, message, *hints, status=3, **options):
    """The words on standard error, the exit status, and that nothing is left behind in TMPDIR."""
    with scratch() as room:
        done = run([POOLSCOPE, *arguments], want=(status,), timeout=60,
                   **{"env": {**os.environ, "TMPDIR": room}, **options})  # fmt: skip
        equal(os.listdir(room), [], "files left behind")
    words = done.stderr.decode().replace(room, "ROOM")
    equal(words, "".join(f"poolscope: {line}\n" for line in (message, *hints)), "words")


# ---- every kind ----


def same_as_plain(write, packing):
    def case():
        with scratch() as directory:
            dump, true = make_dump(MACHINE, directory, name="MEMORY.DMP")
            _, plain = poolscope_json("analyze", dump)
            os.mkdir(os.path.join(directory, "a"))
            path = write(dump, os.path.join(directory, "a", "case"))
            size = os.path.getsize(path)
            status, report = poolscope_json("analyze", path)
        truth.validate(report)
        for part in PARTS:
            equal(report[part], plain[part], part)
        file, packed = report["file"], report["file"]["packed"]
        equal((file["path"], file["size"]), (path, plain["file"]["size"]), "path and size of the dump")
        equal(file["complete"], True, "file complete")
        equal((packed["packing"], packed["size"]), (packing, size), "packing and size of the archive")
        true["file"]["size"] = plain["file"]["size"]
        truth.compare_all(report, status, true)
        return packed["member"]

    return case


def raw_zeros():
    """Pages of zeros that an archive stores are there, though they are holes of the unpacked file."""
    with scratch() as directory:
        dump, _ = make_dump(MACHINE, directory, sets=["container raw"], name="memory.raw")
        full = save(os.path.join(directory, "full.raw"), content(dump))
        _, plain = poolscope_json(full)
        path = archives.zipped(name="memory.raw")(dump, os.path.join(directory, "case.zip"))
        _, report = poolscope_json(path)
        for part in PARTS:
            equal(report[part], plain[part], part)
        equal(report["file"]["complete"], True, "file complete")
        equal(report["file"]["pages_in_file"], plain["file"]["pages_in_file"], "pages in the file")


def sparse_tar():
    """Holes that a tar archive knows are holes of the raw image: absent pages."""
    with scratch() as directory:
        make_dump(MACHINE, directory, sets=["container raw"], name="full.raw")
        run(["cp", "--sparse=always", "full.raw", "memory.raw"], cwd=directory)
        _, plain = poolscope_json(os.path.join(directory, "memory.raw"))
        equal(plain["file"]["complete"], False, "file complete, plain")
        for kind in ("gnu", "posix"):
            path = os.path.join(directory, f"{kind}.tar.gz")
            run(["tar", f"--format={kind}", "--sparse", "-czf", path, "memory.raw"], cwd=directory)
            _, report = poolscope_json(path)
            for part in PARTS:
                equal(report[part], plain[part], part)
            equal(report["file"]["notes"], plain["file"]["notes"], "notes")
            equal(report["file"]["complete"], False, "file complete")


def header_lines():
    with scratch() as directory:
        dump = small_dump(directory)
        path = archives.deflate64()(dump, os.path.join(directory, "case"))
        done = run([POOLSCOPE, "info", "case.zip"], cwd=directory)
        lines = done.stdout.decode().splitlines()[:2]
        size = os.path.getsize(path)
    check(lines[0].startswith("File      MEMORY.DMP in case.zip: Windows crash dump, type 5 (bitmap), 64-bit, "),
          lines[0])  # fmt: skip
    check(lines[1].startswith(f"Packed    zip, Deflate64, {size / 1024:.1f} KB; unpacked in "), lines[1])
    check(lines[1].endswith(" s of processor time"), lines[1])


# ---- which member ----


def several_dumps():
    with scratch() as directory:
        dump = small_dump(directory)
        other = content(small_dump(directory, name="b.dmp", seed=7))
        size = f"{len(other):,} bytes" if len(other) < 1 << 20 else f"{len(other) / (1 << 20):.1f} MiB"
        kind = "Windows crash dump, type 5 (bitmap), 64-bit"
        for write in (archives.zipped(beside=[("b/b.dmp", other)]), archives.tarred("gz", beside=[("b/b.dmp", other)])):
            path = write(dump, os.path.join(directory, "case"))
            name = {True: "case/MEMORY.DMP", False: "MEMORY.DMP"}[tarfile.is_tarfile(path)]
            said(["tags", path],
                 f"{path} holds 2 dumps: b/b.dmp (#1, {size}, {kind}), {name} (#2, {size}, {kind})",
                 "choose one with --member NAME; -v lists all members")  # fmt: skip
            said(["tags", path, "--member", "nothing"], f"{path} has no member 'nothing'",
                 f"it holds b/b.dmp (#1, {size}, {kind}), {name} (#2, {size}, {kind})", status=2)  # fmt: skip
            for member, file in (("b/b.dmp", "b.dmp"), ("#1", "b.dmp"), (name, "MEMORY.DMP"), ("#2", "MEMORY.DMP")):
                _, plain = poolscope_json("tags", os.path.join(directory, file))
                _, report = poolscope_json("tags", path, "--member", member)
                equal(report["pool"], plain["pool"], f"pool of {member}")


def member_of_plain_file():
    with scratch() as directory:
        dump = small_dump(directory)
        said(["tags", dump, "--member", "a"], f"--member does not apply: {dump} is no archive", status=2)
        path = archives.zipped()(dump, os.path.join(directory, "case.zip"))
        said(["tags", path, "--member", "MEMORY.DMP/a"],
             f"MEMORY.DMP in {path} is no archive, and has no member 'a'", status=2)  # fmt: skip


def member_of_inner_archive():
    with scratch() as directory:
        dump = small_dump(directory)
        inner = content(archives.zipped()(dump, os.path.join(directory, "inner")))
        path = archives.zipped(beside=[("x/inner.zip", inner)])(dump, os.path.join(directory, "case.zip"))
        _, plain = poolscope_json("tags", dump)
        for member in ("x/inner.zip/MEMORY.DMP", "x/inner.zip", "#1/#1"):
            _, report = poolscope_json("tags", path, "--member", member)
            equal(report["pool"], plain["pool"], f"pool of {member}")
            equal(report["file"]["packed"]["member"], "x/inner.zip/MEMORY.DMP", "member")


def best_rank():
    """A dump before raw memory, raw memory before an archive; text and disks are neither."""
    dice = random.Random(5)
    raw, disk = bytearray(dice.randbytes(1 << 20)), bytearray(dice.randbytes(1 << 20))
    disk[510:512] = b"\x55\xaa"
    beside = [("a.bin", bytes(raw)), ("c.gz", gzip.compress(bytes(raw))), ("d.log", NOTES * 900),
              ("e.img", bytes(disk)), ("f.txt", ("\ufeff" + "text " * 9000).encode("utf-16-le"))]  # fmt: skip
    with scratch() as directory:
        dump = small_dump(directory)
        for write in (archives.zipped(beside=beside), archives.tarred("xz", beside=beside)):
            path = write(dump, os.path.join(directory, "case"))
            _, report = poolscope_json("info", path)
            equal(os.path.basename(report["file"]["packed"]["member"]), "MEMORY.DMP", "member")
        text = save(os.path.join(directory, "text"), NOTES * 100)
        for write in (archives.zipped(beside=beside, name="notes"), archives.tarred("gz", beside=beside)):
            path = write(text, os.path.join(directory, "case"))
            done = run([POOLSCOPE, "info", path], want=(0, 1, 3))
            words = done.stdout.decode() + done.stderr.decode()
            check("a.bin in " in words, f"another member than a.bin: {words}")
        for number, rest in ((2, "c.gz (#1, "), (3, "a.bin (#1, ")):
            others = [("c.gz", beside[1][1]), ("g.gz", gzip.compress(bytes(raw)))]
            if number == 3:
                others = [("a.bin", bytes(raw)), ("b.bin", bytes(raw)), ("h.bin", bytes(raw))]
            path = archives.zipped(beside=others, name="notes")(text, os.path.join(directory, "case"))
            done = run([POOLSCOPE, "info", path], want=(3,))
            check(f"{path} holds {number} " in done.stderr.decode() and rest in done.stderr.decode(),
                  done.stderr.decode())  # fmt: skip


def companions(pack):
    """A .vmem in an archive finds its state there, and the other way round; never a file beside the archive."""

    def case():
        with scratch() as directory:
            folder = os.path.join(directory, "case")
            os.mkdir(folder)
            text = "\n".join(["arch x64", "build 17763", "container vmem", "low-stub off", *SMALL, ""])
            dump, _ = make_dump(text, folder, name="web.vmem")
            _, plain = poolscope_json("analyze", dump)
            path = os.path.join(directory, "case.packed")
            for name in ("truth.json", "notes.txt"):
                save(os.path.join(folder, name), NOTES)
            pack(path, directory, ["case/notes.txt", "case/web.vmem", "case/web.vmss", "case/truth.json"])
            for extra, member in (([], "case/web.vmem"), (["--member", "case/web.vmss"], "case/web.vmss")):
                with scratch() as room:
                    done = run([POOLSCOPE, "analyze", "--json", path, *extra], env={**os.environ, "TMPDIR": room})
                    equal(os.listdir(room), [], "files left behind")
                report = json.loads(done.stdout)
                for part in PARTS:
                    equal(report[part], plain[part], f"{part} of {member}")
                equal(report["file"]["packed"]["member"], member, "member")
                equal(report["file"]["format"], "vmware", "format")
            alone = os.path.join(folder, "alone.packed")
            pack(alone, directory, ["case/web.vmem"])
            done = run([POOLSCOPE, "info", "alone.packed"], want=(0, 1, 3), cwd=folder)
            check(b"no .vmss or .vmsn file of the same name lies beside it" in done.stdout + done.stderr
                  or done.returncode == 3, done.stdout.decode())  # fmt: skip
            _, report = poolscope_json("info", alone, want=(0, 1, 3))
            check(report.get("file", {"format": "raw"})["format"] == "raw", "a state beside the archive was used")

    return case


def pack_zip(path, directory, names_):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in names_:
            archive.write(os.path.join(directory, name), name)


def pack_tar(path, directory, names_):
    run(["tar", "-czf", path, *names_], cwd=directory)


def nothing_inside():
    with scratch() as directory:
        text = save(os.path.join(directory, "text"), NOTES * 100)
        path = archives.zipped(name="notes.txt")(text, os.path.join(directory, "case.zip"))
        said(["info", path], f"{path} holds no dump among its 1 file",
             "give the kernel dump of the machine (Windows\\MEMORY.DMP)")  # fmt: skip
        hibernation = save(os.path.join(directory, "h"), b"EVF\x09\x0d\x0a\xff\0" + bytes(1 << 17))
        path = archives.zipped(name="image.E01")(hibernation, os.path.join(directory, "case.zip"))
        said(["info", path],
             f"{path} holds no dump among its 1 file: image.E01 is an EnCase image (E01), not a flat memory image",
             "give the kernel dump of the machine (Windows\\MEMORY.DMP)")  # fmt: skip
        path = os.path.join(directory, "empty.tar")
        with tarfile.open(path, "w") as archive:
            archive.addfile(tarfile.TarInfo("folder/"))
        said(["info", path], f"{path} holds no files", "give the kernel dump of the machine (Windows\\MEMORY.DMP)")


def too_deep():
    with scratch() as directory:
        path = small_dump(directory)
        for level in range(4):
            path = archives.zipped(name=f"level{level}")(path, os.path.join(directory, f"level{level + 1}"))
        said(["info", path],
             f"level1 in level2 in level3 in {path}: an archive in more than 2 others is not opened",
             "unpack the outer ones and open what is inside")  # fmt: skip


# ---- hostile archives ----


def names():
    """Names that lead elsewhere, and such as would move the cursor: printed safely, never made."""
    hostile = ["../../../../tmp/poolscope-evil", "/tmp/poolscope-evil", "..\\..\\evil.dmp", "a\x1b[2J\x07\r\nb",
               "C:\\Windows\\evil", "\u202egnp.exe"]  # fmt: skip
    with scratch() as directory:
        dump = small_dump(directory)
        data = content(dump)
        before = sorted(os.listdir(directory))
        for name in hostile:
            path = os.path.join(directory, "case.tar")
            with tarfile.open(path, "w", format=tarfile.PAX_FORMAT) as archive:
                info = tarfile.TarInfo(name)
                info.size = len(data)
                archive.addfile(info, io.BytesIO(data))
            done = run([POOLSCOPE, "info", "-v", path], cwd=directory)
            for text in (done.stdout, done.stderr):
                safe = text.decode().replace("\n", "")
                check(safe.isprintable(), f"unsafe output: {safe!r}")
            os.remove(path)
            equal(sorted(os.listdir(directory)), before, "files made")
    check(not os.path.exists("/tmp/poolscope-evil"), "a file outside was made")


def links():
    with scratch() as directory:
        dump = small_dump(directory)
        path = os.path.join(directory, "case.tar.gz")
        with tarfile.open(path, "w:gz") as archive:
            for kind, name in ((tarfile.SYMTYPE, "MEMORY.DMP"), (tarfile.LNKTYPE, "b.dmp")):
                info = tarfile.TarInfo(name)
                info.type, info.linkname = kind, dump
                archive.addfile(info)
        said(["info", path], f"{path} holds no files, only links, which are not followed",
             "give the kernel dump of the machine (Windows\\MEMORY.DMP)")  # fmt: skip
        path = os.path.join(directory, "case.zip")
        with zipfile.ZipFile(path, "w") as archive:
            info = zipfile.ZipInfo("MEMORY.DMP")
            info.create_system, info.external_attr = 3, 0o120777 << 16
            archive.writestr(info, dump)
        said(["info", path], f"{path} holds no files, only links, which are not followed",
             "give the kernel dump of the machine (Windows\\MEMORY.DMP)")  # fmt: skip


def beyond_the_limit():
    with scratch() as directory:
        dump = small_dump(directory)
        size = os.path.getsize(dump)
        path = archives.zipped()(dump, os.path.join(directory, "case.zip"))
        more = f"{size:,} bytes" if size < 1 << 20 else f"{size / (1 << 20):.1f} MiB"
        raise_it = "raise the limit with --max-expand SIZE if the archive is to be trusted"
        said(["info", path, "--max-expand", "100K"],
             f"cannot unpack MEMORY.DMP from {path}: MEMORY.DMP unpacks to {more}, and the limit is 102,400 bytes",
             raise_it)  # fmt: skip
        dump, _ = make_dump(MACHINE, directory, name="MEMORY.DMP")
        size = os.path.getsize(dump)
        path = archives.compressed(gzip.compress)(dump, os.path.join(directory, "case.dmp.gz"))
        said(["info", path, "--max-expand", "100000"],
             f"cannot unpack case.dmp from {path}: case.dmp unpacks to more, and the limit is 100,000 bytes",
             raise_it)  # fmt: skip
        run([POOLSCOPE, "info", path, "--max-expand", str(size)])
        for wrong in ("", "0", "10X", "-1", "9999999999T", "K"):
            done = run([POOLSCOPE, "info", path, "--max-expand", wrong], want=(2,))
            equal(done.stderr.decode().splitlines()[0],
                  f"poolscope: --max-expand '{wrong}' is no size, such as 1000000, 500M or 2T", "words")  # fmt: skip


def bombs():
    """Much out of little: zeros take no room and end at the limit, other bytes where no honest archive goes."""
    with scratch() as directory:
        start = content(small_dump(directory))[:8192]
        path = os.path.join(directory, "zeros.dmp.gz")
        with gzip.open(path, "wb", 1) as file:
            file.write(start)
            file.write(bytes(300 << 20))
        limit = "raise the limit with --max-expand SIZE if the archive is to be trusted"
        said(["info", path, "--max-expand", "256M"],
             f"cannot unpack zeros.dmp from {path}: zeros.dmp unpacks to more, and the limit is 256 MiB", limit)  # fmt: skip
        archives.program("zstd")
        path = os.path.join(directory, "ones.dmp.zst")
        with open(path, "wb") as file, subprocess.Popen(["zstd", "-q", "-c"], stdin=subprocess.PIPE,
                                                    stdout=file) as packer:  # fmt: skip
            packer.stdin.write(start)
            for _ in range(1100):
                packer.stdin.write(b"\1" * (1 << 20))
            packer.stdin.close()
        said(["info", path],
             f"cannot unpack ones.dmp from {path}: ones.dmp has unpacked to 1.0 GiB already, more than 1100 times "
             "the archive: it is made to fill a disk",
             "if the archive is to be trusted, say so with --max-expand SIZE")  # fmt: skip


def sizes_that_lie():
    """The sizes that the archive states are too small or too large."""
    with scratch() as directory:
        dump = small_dump(directory)
        size = os.path.getsize(dump)
        for write, words in ((archives.zipped(), None), (archives.deflate64(), "deflate64")):
            sound = bytearray(content(write(dump, os.path.join(directory, "case"))))
            for other in (size - 5000, size + 5000, 8192):
                data = bytearray(sound)
                struct.pack_into("<I", data, archives.directory_entry(data) + 24, other)
                struct.pack_into("<I", data, 22, other)
                path = save(os.path.join(directory, "lie.zip"), data)
                done = run([POOLSCOPE, "info", path], want=(3,))
                text = done.stderr.decode()
                check(f"cannot unpack MEMORY.DMP from {path}: " in text, f"{words} {other - size}: {text}")
                check(DAMAGED in text or CUT in text, text)
        path = save(os.path.join(directory, "large.zip"), sound)
        data = bytearray(sound)
        struct.pack_into("<I", data, archives.directory_entry(data) + 24, 0xFFFFFFF0)
        path = save(os.path.join(directory, "lie.zip"), data)
        with scratch() as room:
            free = os.statvfs(room)
            if free.f_bavail * free.f_frsize < 4 << 30:
                raise Skip("less than 4 GiB free")
        done = run([POOLSCOPE, "info", path], want=(3,))
        check("damaged" in done.stderr.decode(), done.stderr.decode())


# ---- no room ----


def limit_of_file_sizes():
    with scratch() as directory:
        dump = small_dump(directory)
        path = archives.deflate64()(dump, os.path.join(directory, "case"))
        command = ["-c", 'ulimit -f 256; exec "$@"', "sh", POOLSCOPE, "info", path]
        with scratch() as room:
            done = run(["sh", *command], want=(3,), env={**os.environ, "TMPDIR": room})
            equal(os.listdir(room), [], "files left behind")
    equal(done.stderr.decode().replace(room, "ROOM"),
          f"poolscope: cannot unpack MEMORY.DMP from {path}: cannot write the unpacked file in ROOM: File too large\n"
          "poolscope: raise the limit of file sizes (ulimit -f), or unpack it elsewhere and open the dump inside\n",
          "words")  # fmt: skip


def full_disk(write, words):
    def case():
        with scratch() as directory:
            dump, _ = make_dump(MACHINE, directory, name="MEMORY.DMP")
            path = write(dump, os.path.join(directory, "case"))
            room = os.path.join(directory, "room")
            done = on_small_disk("256k", room, [POOLSCOPE, "info", path], env={**os.environ, "TMPDIR": room})
        equal(done.returncode, 3, f"exit status ({done.stderr.decode()})")
        equal(done.stdout.decode(), "", "files left behind")
        lines = done.stderr.decode().replace(room, "ROOM").splitlines()
        check(words in lines[0], lines[0])
        equal(lines[1], "poolscope: " + NO_ROOM, "advice")

    return case


def no_place():
    with scratch() as directory:
        path = archives.zipped()(small_dump(directory), os.path.join(directory, "case"))
        done = run([POOLSCOPE, "info", path], want=(3,), env={**os.environ, "TMPDIR": "/no/such/place"})
    equal(done.stderr.decode(), "poolscope: cannot make a file in /no/such/place: No such file or directory\n"
          "poolscope: set TMPDIR to a directory that can be written\n", "words")  # fmt: skip


def is_gone(process):
    """Or dead, and waiting for whoever should ask how it ended."""
    try:
        with open(f"/proc/{process}/stat", encoding="utf-8", errors="replace") as file:
            return file.read().rsplit(")", 1)[1].split()[0] in "ZX"
    except FileNotFoundError:
        return True


def ended(how):
    """While it unpacks: nothing is left behind, and no process."""

    def case():
        with scratch() as directory, scratch() as room:
            path = os.path.join(directory, "endless.dmp.gz")
            block = gzip.compress(bytes(1 << 30), 1)
            with open(path, "wb") as file:
                file.write(gzip.compress(content(small_dump(directory))[:8192]))
                for _ in range(60):
                    file.write(block)
            with subprocess.Popen([POOLSCOPE, "info", path], env={**os.environ, "TMPDIR": room},
                                  stderr=subprocess.DEVNULL) as process:  # fmt: skip
                time.sleep(1)
                check(process.poll() is None, "it ended before it could be ended")
                with open(f"/proc/{process.pid}/task/{process.pid}/children", encoding="ascii") as file:
                    children = file.read().split()
                check(children, "it has no process that unpacks")
                process.send_signal(how)
                equal(process.wait(10), -how, "status")
            equal(os.listdir(room), [], "files left behind")
            time.sleep(0.5)
            for child in children:
                check(is_gone(child), "the process that unpacks lives on")

    return case


# ---- passwords ----


def passwords():
    with scratch() as directory:
        dump = small_dump(directory)
        right = save(os.path.join(directory, "right"), b"open sesame\r\nmore\n")
        wrong = save(os.path.join(directory, "wrong"), b"open barley")
        _, plain = poolscope_json("tags", dump)
        give = "give the password with --password-file FILE"
        look = "look at the password file: its first line is the password"
        for cipher in ("ZipCrypto", "AES128", "AES256"):
            write = archives.sevenzip("-tzip", f"-mem={cipher}", "-popen sesame", ending="zip")
            path = write(dump, os.path.join(directory, cipher))
            said(["info", path], f"MEMORY.DMP in {path} is encrypted", give)
            _, report = poolscope_json("tags", path, "--password-file", right)
            equal(report["pool"], plain["pool"], "pool")
            done = run([POOLSCOPE, "info", path, "--password-file", wrong], want=(3,))
            # The old cipher has one byte to tell by: 1 in 256 wrong passwords passes, and then the data is damaged.
            check(done.stderr.decode() == f"poolscope: MEMORY.DMP in {path} is encrypted, and not with this password\n"
                  f"poolscope: {look}\n" or cipher == "ZipCrypto" and "the password may be wrong" in
                  done.stderr.decode(), done.stderr.decode())  # fmt: skip
        cannot = "is encrypted, in a way that cannot be read"
        path = archives.sevenzip("-popen sesame")(dump, os.path.join(directory, "e"))
        said(["info", path, "--password-file", right], f"MEMORY.DMP in {path} {cannot}", ELSEWHERE)
        path = archives.sevenzip("-popen sesame", "-mhe=on")(dump, os.path.join(directory, "h"))
        said(["info", path], f"{path} {cannot}", ELSEWHERE)
        path = archives.deflate64("-mem=ZipCrypto", "-popen sesame")(dump, os.path.join(directory, "d"))
        said(["info", path, "--password-file", right],
             f"cannot unpack MEMORY.DMP from {path}: it is packed with Deflate64 and encrypted, which cannot be read",
             ELSEWHERE)  # fmt: skip


def passed_over():
    """What is opened in the place of a member that cannot be read is not opened in silence."""
    with scratch() as directory:
        dump = small_dump(directory)
        path = archives.sevenzip("-tzip", "-popen sesame", ending="zip")(dump, os.path.join(directory, "case"))
        other = small_dump(directory, name="other.dmp", seed=7)
        with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
            archive.write(other, "other.dmp")
        done = run([POOLSCOPE, "info", "--json", "-v", path])
        file = json.loads(done.stdout)["file"]
        equal(file["packed"]["member"], "other.dmp", "member")
        note = "MEMORY.DMP in the archive cannot be read and was passed over; -v says why"
        check(note in file["notes"], str(file["notes"]))
        check(f"MEMORY.DMP in {path} is encrypted" in done.stderr.decode(), done.stderr.decode())
        with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("notes.txt", NOTES)
        run(["7zz", "a", "-bd", "-tzip", "-popen sesame", path, small_dump(directory, name="third.dmp", seed=8)])
        _, report = poolscope_json("info", path)
    note = "2 members of the archive cannot be read and were passed over, the first is MEMORY.DMP; -v says why"
    check(note in report["file"]["notes"], str(report["file"]["notes"]))


def password_files():
    with scratch() as directory:
        path = archives.zipped()(small_dump(directory), os.path.join(directory, "case"))
        empty = save(os.path.join(directory, "empty"), b"\nsecond\n")
        said(["info", path, "--password-file", empty], f"the first line of the password file {empty} is empty",
             status=2)  # fmt: skip
        long = save(os.path.join(directory, "long"), b"x" * 2000)
        said(["info", path, "--password-file", long],
             f"the first line of the password file {long} is longer than 1022 bytes", status=2)  # fmt: skip
        said(["info", path, "--password-file", "/no/such"],
             "cannot open the password file /no/such: No such file or directory")  # fmt: skip


# ---- damage ----

SOLID = ("zip", "zip-deflate64", "zip-deflate64-beside", "zip64-streamed", "7z", "cab", "tar.gz", "gz", "xz", "zst",
         "bz2", "lz4")  # fmt: skip


def judge_damaged(path, plain, what, counts):
    done = run([POOLSCOPE, "tags", path, "--json"], want=(0, 1, 3), timeout=40)
    if done.returncode == 3:
        check(done.stderr, f"refused without a word: {what}")
    else:
        report = json.loads(done.stdout)
        equal(report["pool"], plain["pool"], f"pool, {what}")
    counts[done.returncode] = counts.get(done.returncode, 0) + 1


def cut(name):
    def case():
        counts, dice = {}, random.Random(1)
        with scratch() as directory:
            dump = small_dump(directory)
            _, plain = poolscope_json("tags", dump)
            os.mkdir(os.path.join(directory, "a"))
            sound = content(archives.WRITERS[name][0](dump, os.path.join(directory, "a", "case")))
            places = [dice.randrange(1, len(sound)) for _ in range(25)]
            for place in [*places, *(len(sound) - n for n in (1, 2, 4, 8, 22, 23))]:
                path = save(os.path.join(directory, "cut"), sound[:place])
                judge_damaged(path, plain, f"cut to {place} of {len(sound)} bytes", counts)
        return f"{counts.get(3, 0)} refused, {counts.get(0, 0)} read all the same"

    return case


def flipped(name):
    def case():
        counts, dice = {}, random.Random(2)
        with scratch() as directory:
            dump = small_dump(directory)
            _, plain = poolscope_json("tags", dump)
            os.mkdir(os.path.join(directory, "a"))
            sound = content(archives.WRITERS[name][0](dump, os.path.join(directory, "a", "case")))
            for number in range(60):
                damaged = bytearray(sound)
                ends = [*range(64), *range(len(sound) - 120, len(sound))]
                place = dice.choice(ends) if number % 2 else dice.randrange(len(sound))
                damaged[place] ^= 1 << dice.randrange(8)
                path = save(os.path.join(directory, "flipped"), damaged)
                judge_damaged(path, plain, f"bit flipped in byte {place} of {len(sound)}", counts)
        return f"{counts.get(3, 0)} refused, {counts.get(0, 0)} read all the same"

    return case


def cases():
    for name, (write, packing) in archives.WRITERS.items():
        yield f"same/{name}", same_as_plain(write, packing)
    yield "raw-zeros", raw_zeros
    yield "sparse-tar", sparse_tar
    yield "header-lines", header_lines
    yield "several-dumps", several_dumps
    yield "member-of-plain-file", member_of_plain_file
    yield "member-of-inner-archive", member_of_inner_archive
    yield "best-rank", best_rank
    yield "companions/zip", companions(pack_zip)
    yield "companions/tar.gz", companions(pack_tar)
    yield "nothing-inside", nothing_inside
    yield "too-deep", too_deep
    yield "names", names
    yield "links", links
    yield "beyond-the-limit", beyond_the_limit
    yield "bombs", bombs
    yield "sizes-that-lie", sizes_that_lie
    yield "limit-of-file-sizes", limit_of_file_sizes
    yield "full-disk/size-known", full_disk(archives.zipped(), "unpacking it takes ")
    yield "full-disk/size-unknown", full_disk(
        archives.compressed(gzip.compress), "cannot write the unpacked file in ROOM: No space left on device")  # fmt: skip
    yield "no-place", no_place
    yield "ended/interrupted", ended(signal.SIGINT)
    yield "ended/killed", ended(signal.SIGKILL)
    yield "passwords", passwords
    yield "passed-over", passed_over
    yield "password-files", password_files
    for name in SOLID:
        yield f"cut/{name}", cut(name)
        yield f"flipped/{name}", flipped(name)
