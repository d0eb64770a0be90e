"""Containers read in more than one way must give the same: ELF cores natively and through
libkdumpfile, and the memory of one machine in every container that there is. And what must be said
of files that hold no memory of Windows.
"""

import os
import re
import struct
import subprocess

import containers
import hibernation
import parts
import truth
from harness import POOLSCOPE, RECIPES, check, equal, make_dump, on_small_disk, poolscope_json, scratch

# Recipes that make ELF cores, which both readers must read alike.
CORES = ("elf-x64", "elf-x86", "elf-x86-pae", "elf-header", "elf-header-x86", "elf-plain",
         "elf-user-mode", "elf-many-segments", "elf-missing", "elf-truncated", "elf-virtualbox",
         "elf-arm64", "elf-la57")  # fmt: skip
MACHINE = "family-10-17763-x64.recipe"
CUTS = (999, 998, 996, 994, 992, 990, 985, 980, 970, 960, 950, 900, 800, 600, 400, 200, 100, 50, 10, 1)
PARTS = ("system", "modules", "unloaded_modules", "pool")


def both_readers(name):
    def case():
        with scratch() as directory:
            core, _ = make_dump(name + ".recipe", directory)
            status, native = poolscope_json("--reader=native", core, want=(0, 1, 3))
            other, through = poolscope_json("--reader=kdumpfile", core, want=(0, 1, 3))
        equal(other, status, "exit status through libkdumpfile")
        for key in native.keys() | through.keys():
            if key not in ("tool", "findings", "verdict"):
                equal(through.get(key), native.get(key), key)
        truth.validate(through)

    return case


def made_from_core(write, kind, sets=("container elf",), notes=True):
    """A container written from mkdump's core against the truth of that core."""

    def case():
        with scratch() as directory:
            path, true = make_dump(MACHINE, directory, sets=[*sets, "low-stub off"], name="core")
            core = containers.Core(path)
            if not notes:
                core.notes = b""
            cr3 = int(true["system"]["directory_table_base"], 16)
            dump = write(core, os.path.join(directory, "dump"), cr3)
            status, report = poolscope_json(dump, want=(0, 1, 3))
            true["file"].update(format=kind, size=os.path.getsize(dump))
        check("error" not in report, f"poolscope refuses it: {report.get('error')}")
        truth.validate(report)
        equal(report["file"]["format"], kind, "format")
        equal(report["file"]["complete"], True, "file complete")
        truth.compare_all(report, status, true)
        return report["system"]["located_by"].split(";")[0]

    return case


def kdump(**options):
    return lambda core, path, cr3: containers.write_kdump(core, path, **options)


def flattened(core, path, _):
    return containers.write_flattened(core, path)


def lkcd(version, packer="gzip"):
    return lambda core, path, cr3: containers.write_lkcd(core, path, version, packer=packer)


def sadump(core, path, cr3):
    return containers.write_sadump(core, path, cr3)


def xen(core, path, cr3):
    return containers.write_xen(core, path, cr3)


def xen_readers():
    with scratch() as directory:
        path, _ = make_dump(MACHINE, directory, sets=["container elf"], name="core")
        dump = containers.write_xen(containers.Core(path), os.path.join(directory, "dump"))
        _, native = poolscope_json("--reader=native", dump)
        _, through = poolscope_json("--reader=kdumpfile", dump)
    for part in PARTS:
        equal(through[part], native[part], part)


SPOILT = {
    "no-length": lambda at, size, flag: (at, 0, flag),
    "half-the-length": lambda at, size, flag: (at, size // 2, flag),
    "length-beyond-all": lambda at, size, flag: (at, 0x80000001, flag),
    "not-packed-after-all": lambda at, size, flag: (at, size, 0),
    "of-another-packer": lambda at, size, flag: (at, size, 0x2),
}


# Of an LKCD dump: (length, flag, bytes), with the next header where the length says.
SPOILT_LKCD = {
    "no-length": lambda size, flag, data: (0, flag, b""),
    "half-the-length": lambda size, flag, data: (size // 2, flag, data[: size // 2]),
    "not-packed-after-all": lambda size, flag, data: (size, 1, data),
    "packed-after-all": lambda size, flag, data: (4096, 2, bytes(range(1, 129)) * 32),
}


def expect_damaged(report, dump, bad):
    """What is said of the file when exactly one page of it is damaged."""
    listed = report["file"]["pages_listed"]
    equal(report["file"]["pages_damaged"], 1, "pages damaged")
    equal(report["file"]["pages_in_file"], listed, "pages in the file")
    equal(report["file"]["complete"], False, "file complete")
    note = "of the pages that were read, 1 is damaged in the file and cannot be unpacked; the lowest: " \
        f"physical 0x{bad * 4096:x}"  # fmt: skip
    check(note in report["file"]["notes"], f"{report['file']['notes']} have no {note!r}")
    found = [f for f in report["findings"] if f["id"] == "file-incomplete"]
    equal([f["title"] for f in found], ["The file is damaged"], "finding")
    equal(found[0]["detail"],
          "Of the pages that were read, 1 cannot be unpacked; what nothing needed was not looked at.",
          "finding")  # fmt: skip
    truth.validate(report)
    text = subprocess.run([POOLSCOPE, "info", dump], capture_output=True, timeout=10, check=False).stdout.decode()
    line = f"file: all {listed} pages that it lists are in it, but 1 of those that were read is damaged\n"
    check(line in text, f"{text} has no {line!r}")
    check(note[:60] in " ".join(text.split()), f"{text} has no {note!r}")


def spoilt(write, change):
    """One page of the tag tables cannot be unpacked: said as such, and complete rows are exact."""

    def case():
        with scratch() as directory:
            path, true = make_dump(MACHINE, directory, sets=["container elf header"], name="core")
            core = containers.Core(path)
            for bad in [pfn for pfn, page in core.pages() if page is not containers.ZEROS]:
                dump = write(
                    core, os.path.join(directory, "dump"),
                    spoil=lambda pfn, *place, bad=bad: change(*place) if pfn == bad else place)  # fmt: skip
                status, report = poolscope_json(dump, want=(0, 1, 3))
                if report.get("pool") and not report["pool"]["tracker"]["complete"]:
                    break
            expect_damaged(report, dump, bad)
        equal(status, 1, "exit status")
        words = report["pool"]["tracker"]["complete_note"]
        check(words.startswith("damaged in the file: 1 of "), words)
        wanted = {row["tag_hex"]: row for row in true["pool"]["tags"]}
        complete = [row for row in report["pool"]["tags"] if row["complete"]]
        for row in complete:
            truth.compare_row(row, wanted[row["tag_hex"]], 0xFFFFFFFFFFFFFFFF)
        check(len(complete) < len(wanted), "every row is called complete")
        return words

    return case


def lkcd_chain_broken():
    """A length that leads to no header: the pages before it are read, and no row is wrongly complete."""
    with scratch() as directory:
        path, true = make_dump(MACHINE, directory, sets=["container elf writer=plain"], name="core")
        core = containers.Core(path)
        last = [pfn for pfn, _ in core.pages()][-1]
        dump = containers.write_lkcd(
            core, os.path.join(directory, "dump"),
            spoil=lambda pfn, size, flag, data: (size + (7 if pfn == last - 9 else 0), flag, data))  # fmt: skip
        status, report = poolscope_json(dump, want=(0, 1, 3))
        file = report["file"]
        equal(file["complete"], False, "file complete")
        check(0 < file["pages_listed"] <= last - 8, f"{file['pages_listed']} pages listed")
        note = [text for text in file["notes"] if text.startswith("the file is damaged: no header of a page at file")]
        check(note and note[0].endswith(", and the pages behind it cannot be found"), str(file["notes"]))
        equal(file["pages_damaged"], 0, "pages damaged")
        if status == 0:
            truth.compare_pool(report["pool"], true)
        first = next(core.pages())[0]
        containers.write_lkcd(core, dump, spoil=lambda pfn, size, flag, data:
                              (1 << 20 if pfn == first else size, flag, data))  # fmt: skip
        _, report = poolscope_json(dump, want=(3,))
    equal(report["error"]["message"], f"{dump}: cannot use this LKCD dump: no header of a page at file "
          "offset 0x10000", "words")  # fmt: skip
    return note[0]


def lkcd_ends_in_zeros():
    """A copy that was broken off in room set aside for it: the pages before the zeros are read."""
    with scratch() as directory:
        path, true = make_dump(MACHINE, directory, sets=["container elf writer=plain"], name="core")
        dump = containers.write_lkcd(containers.Core(path), os.path.join(directory, "dump"), end=False)
        size = os.path.getsize(dump)
        os.truncate(dump, size + (1 << 40))
        status, report = poolscope_json(dump, want=(0, 1, 3))
    check("file" in report, str(report.get("error")))
    equal(report["file"]["complete"], False, "file complete")
    note = f"the file is damaged: no header of a page at file offset 0x{size:x}"
    check(any(text.startswith(note) for text in report["file"]["notes"]), str(report["file"]["notes"]))
    equal(status, 0, "exit status")
    truth.compare_pool(report["pool"], true)


def notes_named_often():
    """65,000 program headers that all name the same 65,000 notes are read within the time of one."""
    count, notes = 65000, struct.pack("<III", 0, 0, 0) * 65000
    at = 64 + 56 * (count + 1)
    data = elf_header(programs=count + 1) + segment(4, at, 0, len(notes)) * count
    data += segment(1, at + len(notes), 1 << 20, 1 << 16) + notes + bytes(1 << 16)
    with scratch() as directory:
        path = os.path.join(directory, "core")
        with open(path, "wb") as file:
            file.write(data)
        done = subprocess.run([POOLSCOPE, "info", path], capture_output=True, timeout=20, check=False)
    check(b"no Windows kernel found" in done.stderr, done.stderr.decode())


def scratch_too_large():
    """ulimit -f while a flattened stream is rearranged: said, and nothing is left behind."""
    with scratch() as directory:
        path, _ = make_dump(MACHINE, directory, sets=["container elf header"], name="core")
        dump = containers.write_flattened(containers.Core(path), os.path.join(directory, "stream"))
        room = os.path.join(directory, "room")
        os.mkdir(room)
        done = subprocess.run(["sh", "-c", 'ulimit -f 100; exec "$@"', "sh", POOLSCOPE, "info", dump],
                              env={**os.environ, "TMPDIR": room}, capture_output=True, timeout=20,
                              check=False)  # fmt: skip
        equal(os.listdir(room), [], "files left behind")
    equal(done.returncode, 3, "exit status")
    equal(done.stderr.decode(),
          f"poolscope: {dump}: cannot rearrange the flattened makedumpfile stream: cannot write the "
          f"rearranged file in {room}: File too large\n"
          "poolscope: raise the limit of file sizes (ulimit -f), or rearrange it with makedumpfile -R\n",
          "words")  # fmt: skip


def split_set():
    """makedumpfile --split: one file of the set is named as such, with the way on."""
    way = "makedumpfile --reassemble FILE1 FILE2 ... WHOLE"
    with scratch() as directory:
        path, _ = make_dump(MACHINE, directory, sets=["container elf header"], name="core")
        core = containers.Core(path)
        middle = core.highest // 2
        for part in ((0, middle), (middle, core.highest)):
            dump = containers.write_kdump(core, os.path.join(directory, "part"), part=part)
            status, report = poolscope_json("info", dump, want=(0, 1, 3))
            equal(report["file"]["complete"], False, "file complete")
            note = [text for text in report["file"]["notes"] if "one file of a set" in text]
            check(note, f"no word of the set: {report['file']['notes']}")
            words = f"0x{part[0] * 4096:x} to 0x{part[1] * 4096 - 1:x}"
            check(words in note[0] and way in note[0], note[0])
            done = subprocess.run([POOLSCOPE, "tags", dump], capture_output=True, timeout=10, check=False)
            text = done.stderr.decode()
            check(done.returncode != 3 or way in text, f"no way on: {text}")
            check(done.returncode != 0, "called complete")
    return f"exit status {status}"


def zeros_left_out():
    """makedumpfile -d 1: pages of zeros are not in the file, and so not known."""
    with scratch() as directory:
        path, true = make_dump(MACHINE, directory, sets=["container elf header"], name="core")
        dump = containers.write_kdump(containers.Core(path), os.path.join(directory, "dump"),
                                      without_zeros=True)  # fmt: skip
        status, report = poolscope_json(dump)
    equal(status, 1, "exit status")
    wanted = {row["tag_hex"]: row for row in true["pool"]["tags"]}
    complete = [row for row in report["pool"]["tags"] if row["complete"]]
    for row in complete:
        truth.compare_row(row, wanted[row["tag_hex"]], 0xFFFFFFFFFFFFFFFF)
    check(any("left out" in note for note in report["file"]["notes"]), "no word on pages left out")
    rows = len(report["pool"]["tags"])
    check(len(complete) < rows, "every row is called complete, with pages of the tables absent")
    return f"{len(complete)} of {rows} rows exact"


def cut(write):
    """Cut everywhere: never a wrong row called complete, and said to be cut."""

    def case():
        with scratch() as directory:
            path, true = make_dump(MACHINE, directory, sets=["container elf header"], name="core")
            dump = write(containers.Core(path), os.path.join(directory, "dump"), 0)
            size = os.path.getsize(dump)
            answered = sum(truth.is_answered_when_cut(dump, size * part // 1000, true) for part in CUTS)
        return f"{answered} answered, {len(CUTS) - answered} refused"

    return case


# ---- words ----


def elf_header(kind=4, machine=62, width=2, order=1, programs=0, program_size=56, at=64):
    head = bytes([0x7F, 0x45, 0x4C, 0x46, width, order, 1]).ljust(16, b"\0")
    return head + struct.pack("<HHIQQQIHHHHHH", kind, machine, 1, 0, at, 0, 0, 64, program_size,
                              programs, 64, 0, 0)  # fmt: skip


def segment(kind, offset, address, size, memory=None):
    return struct.pack("<IIQQQQQQ", kind, 7, offset, 0, address, size,
                       size if memory is None else memory, 0)  # fmt: skip


def note(name, kind, body):
    name += b"\0"
    return struct.pack("<III", len(name), len(body), kind) + name.ljust(-(-len(name) // 4) * 4, b"\0") + \
        body.ljust(-(-len(body) // 4) * 4, b"\0")  # fmt: skip


def core_with(notes, *loads):
    """An ELF core with these notes and segments (address, size)."""
    at = 64 + 56 * (1 + len(loads))
    data = elf_header(programs=1 + len(loads)) + segment(4, at, 0, len(notes))
    offset = at + len(notes)
    for address, size in loads:
        data += segment(1, offset, address, size)
        offset += size
    return data + notes + bytes(offset - at - len(notes))


LINUX = note(b"VMCOREINFO", 0, b"OSRELEASE=6.1.0-18-amd64\nPAGESIZE=4096\n")
NOWHERE = (1 << 64) - 1
ROOM = bytes(1 << 17)

# File, exit status, and what the message must hold.
REFUSED = {
    "elf-program": (elf_header(kind=2) + ROOM, 3, "is an ELF program, not a memory image"),
    "elf-library": (elf_header(kind=3) + ROOM, 3, "shared library, not a memory image"),
    "elf-object": (elf_header(kind=1) + ROOM, 3, "is an ELF object file"),
    "elf-unknown-type": (elf_header(kind=77) + ROOM, 3, "unknown type 77"),
    "elf-big-endian": (elf_header(order=2) + ROOM, 3, "big-endian"),
    "elf-class": (elf_header(width=9) + ROOM, 3, "its class is 9"),
    "elf-machine": (elf_header(machine=22) + ROOM, 3, "a machine that runs no Windows (e_machine 22)"),
    "elf-short": (elf_header()[:40], 3, "ends inside its ELF header"),
    "elf-no-segments": (elf_header() + ROOM, 3, "an ELF core without memory segments"),
    "elf-header-size": (elf_header(programs=3, program_size=11) + ROOM, 3, "have 11 bytes"),
    "elf-headers-beyond": (elf_header(programs=3, at=1 << 40) + ROOM, 3, "before its program headers"),
    "elf-process": (core_with(note(b"CORE", 3, bytes(136)), (0, 1 << 16), (0, 4096)), 3,
                    "an ELF core of one process; it holds no physical memory"),
    "elf-linux": (core_with(LINUX, (0, 1 << 16), (1 << 20, 4096)), 3,
                  "a core of a Linux kernel (6.1.0-18-amd64)"),
    "elf-virtualbox-no-addresses": (core_with(note(b"VBCORE", 0xB00, bytes(24)), (0, 4096), (0, 4096)), 3,
                                    "have no physical addresses"),
    "elf-unplaced": (elf_header(programs=2) + segment(1, NOWHERE, 1 << 20, 4096) * 2 + ROOM, 3,
                     "none of whose memory segments has a place"),
    "elf-no-whole-page": (elf_header(programs=1) + segment(1, 4096, 100, 200) + ROOM, 3,
                          "without a whole page"),
    "kdump-linux": (b"KDUMP   " + struct.pack("<i", 6) + b"Linux".ljust(130, b"\0") +
                    b"5.10.0-8-amd64" + ROOM, 3, "a dump of a Linux kernel (5.10.0-8-amd64)"),
    "kdump-zeros": (b"KDUMP   " + ROOM, 3, "its header is damaged"),
    "kdump-short": (b"KDUMP   " + bytes(100), 3, "the file ends inside its headers"),
    "flattened-empty": (b"makedumpfile\0\0\0\0".ljust(4096, b"\0"), 3, "before its first piece"),
    "flattened-else": (b"makedumpfile\0\0\0\0".ljust(4096, b"\0") + struct.pack(">qq", 0, 4096) +
                       b"ELF?".ljust(4096, b"x") + struct.pack(">qq", -1, -1), 3,
                       "holds no kdump-compressed dump"),
    "flattened-wild": (b"makedumpfile\0\0\0\0".ljust(4096, b"\0") + struct.pack(">qq", 1 << 50, 4096) + ROOM,
                       3, "which cannot be"),
    "lkcd-linux": (struct.pack("<QIIII", 0xA8190173618F23ED, 8, 0, 0, 4096).ljust(324, b"\0") +
                   b"Linux" + ROOM, 3, "an LKCD dump of a Linux machine"),
    "lkcd-big-endian": (struct.pack(">QI", 0xA8190173618F23ED, 8) + ROOM, 3, "big-endian"),
    "lkcd-short": (struct.pack("<QIIII", 0xA8190173618F23ED, 8, 0, 0, 4096) + bytes(2000), 3,
                   "before its first page"),
    "sadump-no-header": (b"sadump\0\0" + ROOM, 3, "second header is not there"),
    "xen-old": (struct.pack("<I", 0xF00FEBEE) + ROOM, 3, "an old core of a Xen guest"),
}  # fmt: skip


def refused(data, status, words):
    def case():
        with scratch() as directory:
            path = os.path.join(directory, "file")
            with open(path, "wb") as file:
                file.write(data)
            done = subprocess.run([POOLSCOPE, "info", path], capture_output=True, timeout=10, check=False)
        text = done.stderr.decode()
        equal(done.returncode, status, f"exit status ({text.strip()})")
        check(words in text, f"{text.strip()!r} has no {words!r}")
        equal(len(text.splitlines()), 2, "lines: one sentence, and what would help")

    return case


def refused_xen():
    with scratch() as directory:
        path, _ = make_dump(MACHINE, directory, sets=["container elf"], name="core")
        dump = containers.write_xen(containers.Core(path), os.path.join(directory, "d"), paravirtual=True)
        status, report = poolscope_json(dump, want=(3,))
    equal(status, 3, "exit status")
    check("paravirtual" in report["error"]["message"], report["error"]["message"])


AGAIN = "copy the dump again; if that is as damaged, have it written again"
ONE_PARTITION = "have the firmware dump onto one partition and open that, or have Windows write a crash dump " \
    "(MEMORY.DMP); makedumpfile puts sets of Linux machines together only"  # fmt: skip


def said(dump, words, hint, command="tags"):
    """The file is refused in exactly these words."""
    done = subprocess.run([POOLSCOPE, command, dump], capture_output=True, timeout=20, check=False)
    equal(done.stderr.decode(), f"poolscope: {dump}{words}\npoolscope: {hint}\n", "words")
    equal(done.returncode, 3, "exit status")


# What the file is made as, what it looks like, and the length of its magic.
MAGICS = {
    "crash-x64": (None, "a Windows crash dump of a 64-bit machine", 8),
    "crash-x86": (None, "a Windows crash dump of a 32-bit machine", 8),
    "elf": (None, "an ELF core", 4),
    "kdump": (containers.write_kdump, "a kdump-compressed dump", 8),
    "flattened": (containers.write_flattened, "a flattened makedumpfile stream", 16),
    "lkcd": (containers.write_lkcd, "an LKCD dump", 8),
    "sadump": (containers.write_sadump, "a sadump", 8),
}
RECIPE_OF = {"crash-x86": "automatic-bitmap-x86.recipe"}


def magic_damaged(name):
    """Every byte of the magic by itself, and all of them: never taken for raw memory."""
    write, what, length = MAGICS[name]

    def case():
        with scratch() as directory:
            sets = [] if name.startswith("crash") else ["container elf"]
            path, _ = make_dump(RECIPE_OF.get(name, MACHINE), directory, sets=sets, name="core")
            dump = os.path.join(directory, "dump")
            if write:
                write(containers.Core(path), dump)
            else:
                os.rename(path, dump)
            with open(dump, "r+b") as file:
                sound = file.read(length)
                for damaged in [sound[:i] + bytes([sound[i] ^ 0x40]) + sound[i + 1:] for i in range(length)] + \
                        [bytes(length), b"\xff" * length]:  # fmt: skip
                    file.seek(0)
                    file.write(damaged)
                    file.flush()
                    said(dump, f" is damaged: it looks like {what}, but its first {length} bytes are not those of "
                         "one", AGAIN)  # fmt: skip
        return f"{length + 2} times"

    return case


def xen_names_lost():
    """A core of a Xen guest whose section of names is damaged is not blamed on QEMU."""
    with scratch() as directory:
        path, _ = make_dump(MACHINE, directory, sets=["container elf"], name="core")
        dump = containers.write_xen(containers.Core(path), os.path.join(directory, "dump"))
        with open(dump, "rb") as file:
            sound = file.read(1024)
        names_at = struct.unpack_from("<Q", sound, 64 + 64 + 24)[0]
        for at, damage in ((62, b"\xff\xff"), (62, b"\x04\0"), (64 + 64 + 24, b"\xff" * 7),
                           (64 + 64 + 32, bytes(8)), (names_at, bytes(64))):  # fmt: skip
            with open(dump, "r+b") as file:
                file.write(sound)
                file.seek(at)
                file.write(damage)
            said(dump, ": it looks like a core of a Xen guest, but the names of its sections are not where its "
                 "header says", AGAIN)  # fmt: skip


def sadump_short_map():
    """More pages than its map has bits for are not passed over in silence."""
    with scratch() as directory:
        path, true = make_dump(MACHINE, directory, sets=["container elf writer=plain"], name="core")
        dump = containers.write_sadump(containers.Core(path), os.path.join(directory, "dump"))
        with open(dump, "r+b") as file:
            file.seek(4096 + 88)
            file.write(struct.pack("<Q", 1 << 40))
            file.seek(4096 + 56)
            bits = struct.unpack("<I", file.read(4))[0] * 4096 * 8
        status, report = poolscope_json(dump)
    equal(status, 0, "exit status")
    equal(report["file"]["complete"], False, "file complete")
    check(f"it states {1 << 40} pages, but its map has only {bits} bits: what lies behind them counts as absent"
          in report["file"]["notes"], str(report["file"]["notes"]))  # fmt: skip
    truth.compare_pool(report["pool"], true)


def sadump_sets():
    """A disk of a set, and a media backup, are named as such."""
    with scratch() as directory:
        path, _ = make_dump(MACHINE, directory, sets=["container elf"], name="core")
        core, dump = containers.Core(path), os.path.join(directory, "dump")
        cannot = ": cannot use this sadump: it "
        containers.write_sadump(core, dump, disks=3, set_disk=1)
        said(dump, cannot + "is the first of a set of 3 disks", ONE_PARTITION)
        containers.write_sadump(core, dump, set_disk=2)
        said(dump, cannot + "is disk 2 of a set of disks", ONE_PARTITION)
        containers.write_sadump(core, dump, set_disk=17)
        said(dump, cannot + "calls itself disk 17 of a set, and sets have at most 16", AGAIN)
        containers.write_sadump(core, dump, media=True)
        said(dump, " is a media backup of a sadump, which cannot be read",
             "open the dump on the partition itself, or have Windows write a crash dump (MEMORY.DMP)")  # fmt: skip


def scratch_on_full_disk():
    """A filesystem too small for a rearranged stream: said, and nothing is left behind."""
    with scratch() as directory:
        path, _ = make_dump(MACHINE, directory, sets=["container elf header"], name="core")
        dump = containers.write_flattened(containers.Core(path), os.path.join(directory, "stream"))
        room = os.path.join(directory, "room")
        done = on_small_disk("256k", room, [POOLSCOPE, "info", dump], env={**os.environ, "TMPDIR": room}, timeout=20)
    equal(done.returncode, 3, f"exit status ({done.stderr.decode()})")
    equal(done.stdout.decode(), "", "files left behind")
    size = re.search("takes ([0-9,]+ bytes) in", done.stderr.decode() + "takes 0 bytes in")[1]
    equal(done.stderr.decode(),
          f"poolscope: {dump}: cannot rearrange the flattened makedumpfile stream: rearranging it takes "
          f"{size} in {room}, which has 262,144 bytes free\n"
          "poolscope: set TMPDIR to a directory with room, or rearrange it with makedumpfile -R\n",
          "words")  # fmt: skip


def reader_without_say():
    """--reader where there is no choice is a mistake on the command line."""
    with scratch() as directory:
        crash, _ = make_dump(MACHINE, directory, name="crash")
        status, report = poolscope_json("--reader=kdumpfile", crash, want=(2,))
        check("does not apply" in report["error"]["message"], report["error"]["message"])
        core, _ = make_dump(MACHINE, directory, sets=["container elf"], name="core")
        dump = containers.write_kdump(containers.Core(core), os.path.join(directory, "kdump"))
        status, report = poolscope_json("--reader=native", dump, want=(2,))
        check("through libkdumpfile only" in report["error"]["message"], report["error"]["message"])
    return f"exit status {status}"


def paging_on():
    """What QEMU writes with paging on: aliases of the same pages, and segments without a place."""
    with scratch() as directory:
        path, true = make_dump(MACHINE, directory, sets=["container elf"], name="core")
        core = containers.Core(path)
        loads = core.runs[:]
        for first, pages, offset in core.runs:  # every page once more, from its second page on
            loads.append((first + 1, pages - 1, offset + 4096))
        head = 64 + 56 * (len(loads) + 2)
        with open(path, "rb") as file:
            body = file.read()
        data = elf_header(programs=len(loads) + 2) + segment(4, head + body.index(core.notes), 0, len(core.notes))
        for first, pages, offset in loads:
            data += segment(1, head + offset, first * 4096, pages * 4096)
        data += segment(1, NOWHERE, 0xC0000000, 0xC0000, 0x80000000)
        dump = os.path.join(directory, "dump")
        with open(dump, "wb") as file:
            file.write(data + body)
        status, report = poolscope_json(dump)
        true["file"].update(size=os.path.getsize(dump))
    truth.compare_all(report, status, true)
    check(any("paging=off" in text for text in report["file"]["notes"]), "no advice on paging=off")
    equal(report["file"]["complete"], False, "file complete")


def cases():
    for name in CORES:
        check(os.path.exists(os.path.join(RECIPES, name + ".recipe")), f"no recipe {name}")
        yield f"both-readers/{name}", both_readers(name)
    yield "both-readers/xen", xen_readers
    header = ("container elf header",)
    yield "kdump/header-by-search", made_from_core(kdump(), "kdump")
    yield "kdump/header-in-notes", made_from_core(kdump(), "kdump", header)
    yield "kdump/no-notes", made_from_core(kdump(), "kdump", notes=False)
    for packer in containers.KDUMP_PACKERS:
        yield f"kdump/{packer}", made_from_core(kdump(packers=(packer,)), "kdump", header)
    yield "kdump/packed-in-turns", made_from_core(kdump(packers=tuple(containers.KDUMP_PACKERS)), "kdump", header)
    yield "kdump/flattened", made_from_core(flattened, "kdump", header)
    yield "kdump/zeros-left-out", zeros_left_out
    for name, change in SPOILT.items():
        yield f"kdump/page-with-{name}", spoilt(containers.write_kdump, change)
    for name, change in SPOILT_LKCD.items():
        yield f"lkcd/page-with-{name}", spoilt(containers.write_lkcd, change)
    yield "lkcd/chain-broken", lkcd_chain_broken
    yield "lkcd/ends-in-zeros", lkcd_ends_in_zeros
    yield "elf/notes-named-often", notes_named_often
    yield "kdump/split-set", split_set
    yield "kdump/flattened-above-a-limit", scratch_too_large
    for packer in containers.LKCD_PACKERS:
        yield f"lkcd/version-8-{packer}", made_from_core(
            lkcd(8, packer), "lkcd", notes=False, sets=("container elf writer=plain",)
        )
    yield "sadump/partition", made_from_core(sadump, "sadump", sets=("container elf writer=plain",))
    yield "xen/hvm", made_from_core(xen, "xen", sets=("container elf writer=plain",))
    yield "xen/paravirtual", refused_xen
    yield "elf/paging-on", paging_on
    yield "cut/kdump", cut(kdump())
    yield "cut/kdump-not-packed", cut(kdump(packers=("raw",)))
    yield "cut/flattened", cut(flattened)
    yield "cut/lkcd", cut(lkcd(8))
    yield "cut/sadump", cut(sadump)
    yield "cut/xen", cut(xen)
    for name in MAGICS:
        yield f"magic-damaged/{name}", magic_damaged(name)
    yield "xen/names-lost", xen_names_lost
    yield "sadump/sets-and-media", sadump_sets
    yield "sadump/short-map", sadump_short_map
    yield "kdump/flattened-on-a-full-disk", scratch_on_full_disk
    yield "reader-where-there-is-no-choice", reader_without_say
    for name, (data, status, words) in REFUSED.items():
        yield f"refused/{name}", refused(data, status, words)
    yield from hibernation.cases()
    yield from parts.cases()
