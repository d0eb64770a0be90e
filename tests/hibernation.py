"""Hibernation files: those that mkdump writes of every family, those that a second writer makes of a
core and of the real kernel, and what is said of files that are damaged, cut or wiped.
"""

import json
import os
import struct

import containers
import truth
from harness import POOLSCOPE, check, equal, make_dump, poolscope_json, run, scratch
from realdata import raw_image

PAGE = 4096
FAMILIES = ("10-14393-x64", "10-15063-x86", "10-17763-arm64", "10-17763-x64", "10-19041-x86-pae", "20348-x64",
            "26100-x64", "26100-x64-la57", "7-x64", "7-x86-pae", "81-x64")  # fmt: skip
PACKERS = ("packer=plain", "packer=huffman", "packer=stored", "packer=mixed twice", "packer=mixed no-state")
MACHINE = "family-10-17763-x64.recipe"


# ---- a second writer ----


def write_groups(file, pages):
    """Groups of 7 pages, one an entry, by turns stored and packed where that makes them shorter."""
    for at in range(0, len(pages), 7):
        part = pages[at:at + 7]
        data = b"".join(page for _, page in part)
        short = data.rstrip(b"\0")
        packed = literals_and_zeros(short, len(data) - len(short)) if at // 7 % 2 else data
        if len(packed) >= len(data):
            packed = data
        file.write(struct.pack("<I", len(part) | len(packed) << 8))
        for pfn, _ in part:
            file.write(struct.pack("<Q", pfn << 4))
        file.write(packed)


def literals_and_zeros(data, zeros):
    """Plain Xpress: literals, a last zero, and a match that repeats it."""
    if zeros < 300:
        return data + bytes(zeros)
    data += b"\0"
    out, rest = bytearray(), zeros - 1
    for at in range(0, len(data), 32):
        piece = data[at:at + 32]
        last = at + 32 >= len(data) and len(piece) < 32
        out += struct.pack("<I", 1 << (31 - len(piece)) if last else 0) + piece
    if len(data) % 32 == 0:
        out += struct.pack("<I", 1 << 31)
    length = rest - 3
    out += struct.pack("<HB", 7, 15) + b"\xff"
    out += struct.pack("<H", length) if length < 65536 else struct.pack("<HI", 0, length)
    return bytes(out)


def write(pages, path, cr3=0):
    """As Windows 10 1809 writes it: the first third of the pages are the boot loader's."""
    third = len(pages) // 3
    header = bytearray(PAGE)
    struct.pack_into("<4sIII", header, 0, b"HIBR", 9, 0, 0x3E0)
    struct.pack_into("<I", header, 0x18, PAGE)
    struct.pack_into("<QQ", header, 0x58, third, 0)
    struct.pack_into("<Q", header, 0x230, len(pages) - third)
    with open(path, "wb") as file:
        file.seek(12 * PAGE)
        write_groups(file, pages[:third])
        kernel = -(-file.tell() // PAGE)
        file.seek(kernel * PAGE)
        write_groups(file, pages[third:])
        struct.pack_into("<QQ", header, 0x68, 12, kernel)
        file.seek(0)
        file.write(header)
        file.write(struct.pack("<QQQ", 0x80050033, 0, cr3))
    return path


# ---- what must be the same ----


def of_family(name, packer):
    def case():
        with scratch() as directory:
            dump, true = make_dump(f"family-{name}.recipe", directory, sets=[f"container hiberfil {packer}"])
            status, report = poolscope_json(dump)
        truth.validate(report)
        truth.compare_all(report, status, true)
        check(report["file"]["complete"], "not complete")
        if "twice" in packer and not name.startswith("7-"):
            check(any("more than once; of each the last is used" in note for note in report["file"]["notes"]),
                  f"{report['file']['notes']}")  # fmt: skip
        return report["system"]["located_by"].split(";")[0]

    return case


def of_core():
    with scratch() as directory:
        path, true = make_dump(MACHINE, directory, sets=["container elf", "low-stub off"], name="core")
        pages = list(containers.Core(path).pages())
        dump = write(pages, os.path.join(directory, "dump"), int(true["system"]["directory_table_base"], 16))
        status, report = poolscope_json(dump)
        true["file"].update(format="windows-hibernation", size=os.path.getsize(dump))
    truth.validate(report)
    equal(report["file"]["pages_listed"], len(pages), "pages listed")
    truth.compare_all(report, status, true)


def stored_pages(path):
    """(pfn, bytes) of the stretches of a sparse file that hold data."""
    pages, at, size = [], 0, os.path.getsize(path)
    with open(path, "rb") as file:
        while at < size:
            try:
                start = os.lseek(file.fileno(), at, os.SEEK_DATA) // PAGE * PAGE
            except OSError:
                break
            at = os.lseek(file.fileno(), start, os.SEEK_HOLE)
            data = os.pread(file.fileno(), -(-(at - start) // PAGE) * PAGE, start)
            pages += [((start + i) // PAGE, data[i:i + PAGE].ljust(PAGE, b"\0"))
                      for i in range(0, len(data), PAGE)]  # fmt: skip
    return pages


def of_the_real_kernel():
    """As the raw image, but for the words for absent pages."""
    with scratch() as directory:
        dump = write(stored_pages(raw_image()), os.path.join(directory, "hiberfil.sys"))
        status, report = poolscope_json(dump, want=(0, 1))
        other, native = poolscope_json(raw_image(), want=(0, 1))
    equal(status, other, "exit status")
    for part in ("modules", "unloaded_modules", "pool"):
        wanted = json.dumps(native[part]).replace("in a hole of the sparse file", "not in the dump")
        check(json.dumps(report[part]) == wanted, f"{part} differ")
    return f"{len(native['pool']['tags'])} rows, {len(native['modules'])} modules"


# ---- damage ----


def changed(sets, change, words, want=(0, 1, 3), recipe=MACHINE):
    """`change(file, size)` damages it; the words are in the notes or in the error."""

    def case():
        with scratch() as directory:
            dump, true = make_dump(recipe, directory, sets=[f"container hiberfil {sets}"], name="hiberfil.sys")
            with open(dump, "r+b") as file:
                change(file, os.path.getsize(dump))
            status, report = poolscope_json(dump, want=want)
            if "error" in report:
                equal(report["error"]["message"], words.format(dump=dump), "error")
                return words
            check(words in " ".join(report["file"]["notes"]), f"{report['file']['notes']}")
            if report["file"]["complete"]:
                truth.compare_pool(report["pool"], true)
            else:
                truth.compare_cut(report, status, true)
        return words

    return case


def put(offset, data):
    def change(file, _):
        file.seek(offset)
        file.write(data)

    return change


def cut_at(part):
    return lambda file, size: file.truncate(size * part // 1000)


def wipe(file, size):
    """What Windows leaves once it has resumed."""
    file.seek(0)
    file.write(b"WAKE" + bytes(size - 4))


def no_second_group(file, _):
    file.seek(8 * PAGE)
    word, = struct.unpack("<I", file.read(4))
    file.seek(8 * PAGE + 4 + (word & 255) * 8 + (word >> 8 & 0x3FFFFF))
    file.write(bytes(4))


REFUSED = {
    "wiped": ("", wipe, "{dump} is a Windows hibernation file from which Windows has resumed, and its content was "
              "wiped"),
    "vista": ("", put(12, struct.pack("<I", 0x140)), "{dump} is a hibernation file of Windows Vista or Server 2008, "
              "which cannot be read"),
    "header-length": ("", put(12, struct.pack("<I", 0x3D9)), "{dump} is a Windows hibernation file whose header says "
                      "that it has 985 bytes, which is of no known Windows"),
    "counts": ("", put(0x58, struct.pack("<Q", 1 << 60)), "{dump}: cannot use this hibernation file: the header of "
               "the hibernation file says that 1,152,921,504,606,846,976 pages follow, more than the file can hold"),
}  # fmt: skip

DAMAGED = {
    "second-group": ("", no_second_group, "no group of pages at file offset 0x"),
    "resumed": ("signature=WAKE", put(4, b"\x09"), "Windows has resumed from this hibernation file, or was about to"),
    "restoring": ("signature=RSTR", put(4, b"\x09"), "Windows has resumed from this hibernation file, or was about"),
    "fast-startup": ("", put(0x364, b"\x01"), "the file was written by Fast Startup"),
    "newer-windows": ("", put(12, struct.pack("<I", 0x5F0)), "the header of the hibernation file has 1520 bytes"),
}


def cuts(recipe, seed):
    def case():
        answered = 0
        for part in (999, 990, 950, 900, 700, 500, 300, 100, 20):
            with scratch() as directory:
                # A seed that has what leads to the kernel in the first part of the file.
                dump, true = make_dump(recipe, directory, sets=["container hiberfil"], seed=seed)
                answered += truth.is_answered_when_cut(dump, os.path.getsize(dump) * part // 1000, true)
        check(answered > 0, "no cut file is answered")
        return f"{answered} answered"

    return case


def more_pages_than_there_are(stated):
    """Pages that the header counts and the file has not are listed, and not in the file."""

    def case():
        with scratch() as directory:
            dump, true = make_dump(MACHINE, directory, sets=["container hiberfil"], name="hiberfil.sys")
            _, whole = poolscope_json(dump)
            with open(dump, "r+b") as file:
                file.seek(0x230)
                count, = struct.unpack("<Q", file.read(8))
                put(0x230, struct.pack("<Q", count + stated))(file, 0)
            _, report = poolscope_json(dump)
            target = os.path.join(directory, "target.dmp")
            words = run([POOLSCOPE, "convert", dump, target], want=(1,)).stdout.decode()
        pages = whole["file"]["pages_listed"]
        equal((report["file"]["pages_listed"], report["file"]["pages_in_file"]), (pages + stated, pages), "pages")
        check(not report["file"]["complete"], "complete")
        truth.compare_pool(report["pool"], true)
        check(f"\n          {stated} pages that the file counts could not be found and are left out\n" in words, words)

    return case


def tables_in_a_circle():
    """Windows 7: a table whose next one is itself."""
    with scratch() as directory:
        dump, _ = make_dump("family-7-x64.recipe", directory, sets=["container hiberfil"], name="hiberfil.sys")
        with open(dump, "r+b") as file:
            put(6 * PAGE, struct.pack("<Q", 6))(file, 0)
        done = run([POOLSCOPE, "info", dump], want=(0, 1, 3), timeout=20)
    words = " ".join((done.stdout + done.stderr).decode().split())
    check("no group of pages at file offset 0x6000" in words, words)


def tables_among_blocks():
    """Windows 7: each table lies in a block of the table before, so that every table has all blocks behind it."""
    with scratch() as directory:
        dump, _ = make_dump("family-7-x64.recipe", directory, sets=["container hiberfil"], name="hiberfil.sys")
        last = 2006
        with open(dump, "r+b") as file:
            for page in range(6, last, 2):
                following = page + 2 if page + 2 < last else 0
                pages = 16 * ((last - page) // 2)
                put(page * PAGE, struct.pack("<QQQQ", following, 1, 0x1000, 0x1000 + pages))(file, 0)
                block = b"\x81\x81xpress" + struct.pack("<I", 15 | (2 * PAGE - 32 - 1) << 10)
                put((page + 1) * PAGE, block)(file, 0)
            file.truncate((last + 1) * PAGE)
        done = run([POOLSCOPE, "info", dump], want=(3,), timeout=20)
    check(b": cannot use this hibernation file: its groups of pages overlap\n" in done.stderr, done.stderr)


def kernel_behind_the_end():
    """The pages that the boot loader restores are read, though the kernel's begin behind the file's end."""
    with scratch() as directory:
        dump, _ = make_dump(MACHINE, directory, sets=["container hiberfil"], name="hiberfil.sys")
        for first in (1 << 20, 1 << 60):
            with open(dump, "r+b") as file:
                put(0x70, struct.pack("<Q", first))(file, 0)
            done = run([POOLSCOPE, "info", dump], want=(1, 3))
            check(b"cannot read the header" not in done.stderr, done.stderr)
            check(b"no Windows kernel found" in done.stderr or b"it ends before its last page" in done.stdout,
                  done.stderr)  # fmt: skip


def time_of_no_crash():
    """The time is that of the hibernation, in every output: nothing says that the machine crashed."""
    with scratch() as directory:
        dump, true = make_dump("family-10-17763-x64.recipe", directory, sets=["container hiberfil"])
        page = os.path.join(directory, "page.html")
        text = run([POOLSCOPE, dump, "--html", page], want=(0, 1)).stdout.decode()
        _, report = poolscope_json(dump)
        when = true["system"]["crash_time"]
        equal(report["system"]["crash_time"], when, "time")
        check("its time is that of the hibernation; there was no crash" in report["file"]["notes"], "no note")
        check(f"\nTaken     at {when}, up " in text and "\nCrash " not in text, text)
        with open(page, encoding="utf-8") as file:
            html = file.read()
        check(f", taken at {when}</p>" in html and "crash at" not in html, "the page's head")
        check(f"<dt>Taken</dt><dd>{when}, up " in html and "<dt>Crash</dt>" not in html, "the page's list")
        ticket = run([POOLSCOPE, dump, "--ticket"], want=(0, 1)).stdout.decode()
        check(f"Taken:     {when}, up " in ticket and "Crash:" not in ticket, ticket)


def cases():
    for name in FAMILIES:
        for packer in PACKERS if name in ("10-17763-x64", "7-x86-pae") else PACKERS[3:4]:
            yield f"hibernation/{name}/{packer.replace(' ', '-')}", of_family(name, packer)
    yield "hibernation/of-a-core", of_core
    yield "hibernation/of-the-real-kernel", of_the_real_kernel
    for name, (sets, change, words) in REFUSED.items():
        yield f"hibernation/refused-{name}", changed(sets, change, words, want=(3,))
    for name, (sets, change, words) in DAMAGED.items():
        yield f"hibernation/{name}", changed(sets, change, words)
    yield "hibernation/time-of-no-crash", time_of_no_crash
    for stated in (7, 5000):  # fewer and more than there are
        yield f"hibernation/{stated}-pages-too-many", more_pages_than_there_are(stated)
    yield "hibernation/tables-in-a-circle", tables_in_a_circle
    yield "hibernation/tables-among-blocks", tables_among_blocks
    yield "hibernation/kernel-behind-the-end", kernel_behind_the_end
    yield "hibernation/cut", cuts(MACHINE, 6)
    yield "hibernation/cut-of-windows-7", cuts("family-7-x64.recipe", 1)
