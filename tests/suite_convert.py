"""poolscope convert: whatever is read comes out as a crash dump with the same tags and modules, the same
bytes in every page, and a header that agrees with the truth. The dumps are read here from their bytes; what
is expected of their layout is the public DUMP_HEADER, CONTEXT and KDDEBUGGER_DATA64.
"""

import os
import random
import re
import signal
import struct
import subprocess
import time

import containers
import truth
from harness import (POOLSCOPE, RECIPES, SANITIZED, check, equal, make_dump, on_small_disk,
                     poolscope_json, run, scratch)  # fmt: skip
from realdata import bitmap_dump, raw_image

PAGE = 4096
X64 = "family-10-17763-x64.recipe"
FAMILIES = {
    "x64": X64,
    "x86": "elf-x86.recipe",
    "x86-pae": "elf-x86-pae.recipe",
    "arm64": "elf-arm64.recipe",
    "la57": "elf-la57.recipe",
}
EVERYWHERE = ("type1", "type2", "type2 layout=A", "type5", "type6", "type7", "raw", "raw-sparse",
              "elf writer=plain", "elf writer=qemu header", "elf writer=virtualbox", "lime", "avml", "vmware",
              "hiberfil")  # fmt: skip
RANGES = ("type7 body=ranges", "type7 body=counted", "type8", "type9", "type10")  # 64 bits only
PARTS = ("modules", "unloaded_modules", "pool")
SAME = ("arch", "build", "processors", "product", "service_pack", "kernel_base", "kdbg", "kernel_pdb",
        "directory_table_base", "build_lab")  # fmt: skip
PRODUCTS = {1: "workstation", 2: "dc", 3: "server"}
MACHINES = {"x64": 0x8664, "arm64": 0xAA64, "x86": 0x14C, "x86-pae": 0x14C}

# Offsets in DUMP_HEADER32 and DUMP_HEADER64.
FIELDS = {
    32: {"build": (0xC, 4), "dtb": (0x10, 4), "pfn_database": (0x14, 4), "modules": (0x18, 4),
         "processes": (0x1C, 4), "machine": (0x20, 4), "processors": (0x24, 4), "bugcheck": (0x28, 4),
         "pae": (0x5C, 1), "kdbg": (0x60, 4), "runs": (0x64, 4), "pages": (0x68, 4), "type": (0xF88, 4),
         "product": (0xF94, 4), "suites": (0xF98, 4), "space": (0xFA0, 8), "uptime": (0xFB8, 8),
         "time": (0xFC0, 8), "attributes": (0x8A0, 4), "major": (0x8, 4)},
    64: {"build": (0xC, 4), "dtb": (0x10, 8), "pfn_database": (0x18, 8), "modules": (0x20, 8),
         "processes": (0x28, 8), "machine": (0x30, 4), "processors": (0x34, 4), "bugcheck": (0x38, 4),
         "kdbg": (0x80, 8), "runs": (0x88, 4), "pages": (0x90, 8), "type": (0xF98, 4), "space": (0xFA0, 8),
         "time": (0xFA8, 8), "uptime": (0x1030, 8), "product": (0x1040, 4), "suites": (0x1044, 4),
         "attributes": (0x1050, 4), "major": (0x8, 4)},
}  # fmt: skip


class Dump:
    """A crash dump of type 1, 5 or 6: header fields, and the place of every page."""

    def __init__(self, path):
        with open(path, "rb") as file:
            self.bytes = file.read()
        self.width = {b"PAGEDUMP": 32, b"PAGEDU64": 64}[self.bytes[:8]]
        self.size = {32: 0x1000, 64: 0x2000}[self.width]
        self.places = {}
        if self["type"] == 1:
            self.from_runs()
        else:
            self.from_bitmap()

    def __getitem__(self, field):
        at, width = FIELDS[self.width][field]
        return int.from_bytes(self.bytes[at:at + width], "little")

    def runs(self):
        step = self.width // 8
        at = {32: 0x6C, 64: 0x98}[self.width]
        form = {32: "<II", 64: "<QQ"}[self.width]
        return [struct.unpack_from(form, self.bytes, at + 2 * step * i) for i in range(self["runs"])]

    def from_runs(self):
        offset = self.size
        for first, count in self.runs():
            for pfn in range(first, first + count):
                self.places[pfn] = offset
                offset += PAGE
        equal(offset, len(self.bytes), "end of the last page")

    def from_bitmap(self):
        check(self.bytes[self.size:self.size + 8] in (b"FDMPDUMP", b"SDMPDUMP"), "magic of the bitmap")
        offset, pages, bits = struct.unpack_from("<QQQ", self.bytes, self.size + 0x20)
        for pfn in range(bits):
            if self.bytes[self.size + 0x38 + pfn // 8] >> pfn % 8 & 1:
                self.places[pfn] = offset
                offset += PAGE
        equal(len(self.places), pages, "pages that the body counts")

    def page(self, pfn):
        return self.bytes[self.places[pfn]:self.places[pfn] + PAGE]


def convert(source, target, *options, want=(0,), program=POOLSCOPE):
    done = run([program, "convert", source, target, *options], want=want, timeout=60)
    return done.stdout.decode()


def difference(got, want, place):
    """The first place where two pieces of JSON differ, None when there is none. Why a thing is not known is
    said in words that may differ, and limits that only a header's count of memory gives are one's own."""
    if isinstance(got, dict) and isinstance(want, dict):
        for key in got.keys() | want.keys():
            if key.endswith("_note") or key in ("notes", "limits", "reported"):
                continue
            found = difference(got.get(key), want.get(key), f"{place}/{key}")
            if found:
                return found
        return None
    if isinstance(got, list) and isinstance(want, list) and len(got) == len(want):
        for i, pair in enumerate(zip(got, want)):
            found = difference(*pair, f"{place}/{i}")
            if found:
                return found
        return None
    return None if got == want else f"{place}: {str(got)[:80]}, expected {str(want)[:80]}"


def same_parts(copy, report):
    for part in PARTS:
        found = difference(copy[part], report[part], part)
        check(not found, found)


def same_answer(source, target):
    """Tags, modules and machine as in the source; the exit status too."""
    before, report = poolscope_json(source)
    after, copy = poolscope_json(target)
    truth.validate(copy)
    equal(after, before, "exit status")
    same_parts(copy, report)
    for key in SAME:
        equal(copy["system"].get(key), report["system"].get(key), key)
    for key in ("crash_time", "uptime_seconds", "physical_pages"):
        if report["system"][key] is not None and report["file"]["format"].startswith("windows"):
            equal(copy["system"][key], report["system"][key], key)
    return copy


def same_pages(dump, reference, changed=()):
    """Every page of the reference is there with its bytes; any other page is zeros."""
    for pfn in reference.places:
        if pfn not in changed:
            check(pfn in dump.places, f"page {pfn:#x} is not there")
            check(dump.page(pfn) == reference.page(pfn), f"page {pfn:#x} has other bytes")
    for pfn in dump.places.keys() - reference.places.keys():
        check(dump.page(pfn) == bytes(PAGE), f"page {pfn:#x} is not in the machine")


def right_header(dump, true, copy, has_header):
    system = true["system"]
    equal(dump["build"], system["build"], "MinorVersion")
    equal(dump["major"], 0xF, "MajorVersion")
    mask = (1 << dump.width) - 1
    equal(dump["dtb"] & ~0xFFF & mask if not system["arch"].startswith("x86") else dump["dtb"],
          int(system["directory_table_base"], 16) & (mask if system["arch"].startswith("x86") else ~0xFFF & mask),
          "DirectoryTableBase")  # fmt: skip
    equal(dump["kdbg"], int(system["kdbg"], 16) & mask, "KdDebuggerDataBlock")
    equal(dump["modules"], int(true["globals"]["PsLoadedModuleList"], 16) & mask, "PsLoadedModuleList")
    equal(dump["processes"], int(true["globals"]["PsActiveProcessHead"], 16) & mask, "PsActiveProcessHead")
    equal(dump["machine"], MACHINES[system["arch"]], "MachineImageType")
    equal(dump["processors"], system["processors"], "NumberProcessors")
    equal(dump["bugcheck"], int(system["bugcheck"]["code"], 16), "BugCheckCode")
    equal(dump["uptime"] // 10**7, system["uptime_seconds"], "SystemUpTime")
    equal(copy["system"]["crash_time"], system["crash_time"], "SystemTime")
    equal(PRODUCTS[dump["product"]], system["product_type"], "ProductType")
    equal(dump["space"], len(dump.bytes), "RequiredDumpSpace")
    if dump.width == 32:
        equal(dump["pae"], int(system["arch"] == "x86-pae"), "PaeEnabled")
    words = dump.bytes[{32: 0x820, 64: 0xFB0}[dump.width]:][:128]
    check(words.startswith(b"Converted by poolscope "), f"Comment: {words}")
    if not has_header:
        equal(dump["attributes"], 0, "Attributes")


def is_fixed(target, directory, *options):
    """What was converted is converted to the same bytes."""
    again = os.path.join(directory, "again.dmp")
    convert(target, again, *options, "--force")
    with open(again, "rb") as one, open(target, "rb") as two:
        check(one.read() == two.read(), "a converted dump is not converted to itself")


def one_container(family, container, *sets):
    def case():
        with scratch() as directory:
            recipe = FAMILIES[family]
            # the pages of the machine that hold anything, from a dump that lists just these
            reference, _ = make_dump(recipe, directory, sets=["container type6", *sets], name="reference.dmp")
            source, true = make_dump(recipe, directory, sets=["container " + container, *sets], name="source")
            target = os.path.join(directory, "target.dmp")
            convert(source, target)
            copy, dump = same_answer(source, target), Dump(target)
            same = Dump(reference)
            if "virtualbox" in container:  # memory that it cannot read is zeros, and zeros are absent
                same.places = {pfn: at for pfn, at in same.places.items() if same.page(pfn) != bytes(PAGE)}
            same_pages(dump, same)
            right_header(dump, true, copy, "type" in container or "header" in container)
            is_fixed(target, directory)
        return f"type {dump['type']}, {len(dump.places)} pages"

    return case


def made_from_core(write):
    """Containers whose pages are packed."""

    def case():
        with scratch() as directory:
            reference, _ = make_dump(X64, directory, sets=["container type6"], name="reference.dmp")
            core, true = make_dump(X64, directory, sets=["container elf"], name="core")
            source = write(containers.Core(core), os.path.join(directory, "source"))
            target = os.path.join(directory, "target.dmp")
            convert(source, target)
            copy, dump = same_answer(source, target), Dump(target)
            same_pages(dump, Dump(reference))
            right_header(dump, true, copy, False)
            is_fixed(target, directory)
        return f"type {dump['type']}, {len(dump.places)} pages"

    return case


def both_types():
    """The type that was asked for; a full dump of memory with pages missing counts what it has."""
    with scratch() as directory:
        whole, _ = make_dump(X64, directory, sets=["container raw"], name="whole.raw")
        parts, _ = make_dump(X64, directory, sets=["container type6", "present touched", "low-stub off",
                                                   "run 1 0x9e", "run 0x100 0x3f00"], name="parts.dmp")  # fmt: skip
        target = os.path.join(directory, "target.dmp")
        for source, kind, number in ((whole, "full", 1), (whole, "bitmap", 5), (parts, "bitmap", 5)):
            convert(source, target, "--type", kind, "--force")
            equal(Dump(target)["type"], number, f"{source} as {kind}")
            same_answer(source, target)
            is_fixed(target, directory, "--type", kind)
        memory = sum(count for _, count in Dump(target).runs())
        equal(memory, 0x9E + 0x3F00, "pages of the machine's memory in the header of type 5")
        words = convert(parts, target, "--force")
        equal(Dump(target)["type"], 5, "type of a dump with pages missing")
        check(f"{memory - len(Dump(target).places)} pages of the machine's memory are not in it" in words, words)


def many_runs():
    """A full dump has room for so many runs; more is refused, and by itself becomes a bitmap dump."""
    runs = [f"run {0x1000 + 0x100 * i:#x} 0x80" for i in range(60)]
    with scratch() as directory:
        sets = ["container elf writer=plain", "run 1 0x9e", *runs]
        source, _ = make_dump(X64, directory, sets=[*sets, "low-stub off"], name="core")
        target = os.path.join(directory, "target.dmp")
        convert(source, target)
        dump = Dump(target)
        equal((dump["type"], dump["runs"]), (5, 0x45474150), "type, NumberOfRuns")
        same_answer(source, target)
        is_fixed(target, directory)
        done = run([POOLSCOPE, "convert", source, target + "2", "--type=full"], want=(3,))
        equal(done.stderr.decode(), "poolscope: a full dump (type 1) is not possible: its pages lie in 61 runs, "
              "and a 64-bit header has room for 42\n"
              "poolscope: --type=bitmap has room for any number\n", "words")  # fmt: skip
        equal(sorted(os.listdir(directory)), ["again.dmp", "core", "target.dmp", "truth.json"], "files")


def encoded(family, known, *sets):
    """An encoded KDBG comes out in clear; where its keys were found, the flag says so."""

    def case():
        with scratch() as directory:
            common = ["container raw-sparse", *sets]
            source, true = make_dump(FAMILIES[family], directory, sets=["kdbg encoded", *common], name="source.raw")
            plain, _ = make_dump(FAMILIES[family], directory, sets=["kdbg plain", *common], name="plain.raw")
            target, other = (os.path.join(directory, name) for name in ("target.dmp", "other.dmp"))
            words = convert(source, target)
            check(": encoded in the file, written in clear\n" in words, words)
            convert(plain, other)
            dump, clear = Dump(target), Dump(other)
            different = [pfn for pfn in clear.places if dump.page(pfn) != clear.page(pfn)]
            if known:
                equal(different, [], "pages that are not as a plain machine's")
            else:
                equal(len(different), 1, "pages with the flag that was not found")
                bytes_of = [(a, b) for a, b in zip(dump.page(different[0]), clear.page(different[0])) if a != b]
                equal(bytes_of, [(1, 0)], "bytes that differ")
            _, report = poolscope_json(target)
            check("KDBG: header" in report["system"]["located_by"], report["system"]["located_by"])
            check(not any("encoded" in note for note in report["system"]["notes"]), "notes of an encoded KDBG")
            equal(report["system"]["kdbg"], true["system"]["kdbg"], "KDBG")
            same_parts(report, poolscope_json(source)[1])
            is_fixed(target, directory)

    return case


def registers(family, writer):
    """The context of the first processor, as the notes of a core have it."""

    def case():
        with scratch() as directory:
            source, true = make_dump(FAMILIES[family], directory, sets=[f"container elf writer={writer}"], name="core")
            target = os.path.join(directory, "target.dmp")
            convert(source, target)
            dump = Dump(target)
        order = "rax rbx rcx rdx rsi rdi rsp rbp r8 r9 r10 r11 r12 r13 r14 r15 rip" if writer == "qemu" else \
            "rax rbx rcx rdx rsi rdi r8 r9 r10 r11 r12 r13 r14 r15 rip rsp rbp"  # fmt: skip
        values = {name: 0x0F0F0F0F0F0F0F0F * (i + 1) for i, name in enumerate(order.split())}
        if dump.width == 64:
            context = dump.bytes[0x348:0x348 + 0x4D0]
            places = {"rax": 0x78, "rcx": 0x80, "rdx": 0x88, "rbx": 0x90, "rbp": 0xA0, "rsi": 0xA8, "rdi": 0xB0,
                      **{f"r{i}": 0xB8 + 8 * (i - 8) for i in range(8, 16)}}  # fmt: skip
            equal(struct.unpack_from("<I", context, 0x30)[0], 0x100007, "ContextFlags")
            equal(struct.unpack_from("<6H", context, 0x38), (0x10, 0x2B, 0x2B, 0x53, 0x2B, 0x18), "segments")
            equal(struct.unpack_from("<I", context, 0x44)[0], 0x246, "EFlags")
            form, ip, sp = "<Q", 0xF8, 0x98
        else:
            context = dump.bytes[0x320:0x320 + 0x2CC]
            places = {"rax": 0xB0, "rcx": 0xAC, "rdx": 0xA8, "rbx": 0xA4, "rbp": 0xB4, "rsi": 0xA0, "rdi": 0x9C}
            equal(struct.unpack_from("<I", context, 0)[0], 0x10007, "ContextFlags")
            equal(struct.unpack_from("<4I", context, 0x8C), (0, 0x30, 0x23, 0x23), "GS, FS, ES, DS")
            equal(struct.unpack_from("<I", context, 0xBC)[0], 8, "CS")
            equal(struct.unpack_from("<I", context, 0xC0)[0], 0x246, "EFlags")
            form, ip, sp = "<I", 0xB8, 0xC4
        mask = (1 << dump.width) - 1
        for name, at in places.items():
            equal(struct.unpack_from(form, context, at)[0], values[name] & mask, name)
        base = int(true["system"]["kernel_base"], 16)
        address = struct.unpack_from(form, context, ip)[0]
        check(base < address < base + 0x2000000, f"program counter {address:#x}")
        check(struct.unpack_from(form, context, sp)[0] not in (0, values["rsp"] & mask), "stack pointer")
        record = {32: (0x7D0, 0x7DC), 64: (0xF00, 0xF10)}[dump.width]
        equal(struct.unpack_from("<I", dump.bytes, record[0])[0], 0x80000003, "exception code")
        equal(struct.unpack_from(form, dump.bytes, record[1])[0], address, "exception address")

    return case


def running_machine():
    """No bug check anywhere: LIVE_SYSTEM_DUMP stands for it."""
    with scratch() as directory:
        source, _ = make_dump(X64, directory, sets=["container raw", "write KiBugcheckData 8 0"], name="source.raw")
        target = os.path.join(directory, "target.dmp")
        words = convert(source, target)
        equal(Dump(target)["bugcheck"], 0x161, "BugCheckCode")
        check("Bug check 0x00000161 LIVE_SYSTEM_DUMP, which stands for a machine that was running\n" in words, words)
        is_fixed(target, directory)


def real(image, *options):
    def case():
        source = image()
        with scratch() as directory:
            target = os.path.join(directory, "target.dmp")
            convert(source, target, *options)
            same_answer(source, target)
            dump = Dump(target)
            with open(source, "rb") as file:
                if source.endswith(".raw"):
                    for pfn in dump.places:
                        file.seek(pfn * PAGE)
                        check(file.read(PAGE).ljust(PAGE, b"\0") == dump.page(pfn), f"page {pfn:#x}")
                else:
                    same_pages(dump, Dump(source))
            is_fixed(target, directory, *options)
        return f"type {dump['type']}, {len(dump.places)} pages"

    return case


def lost_pages():
    """A file that was cut: what is missing is said now, and by the copy later."""
    with scratch() as directory:
        source, true = make_dump(X64, directory, sets=["container type1", "present all"], name="source.dmp")
        size, whole = os.path.getsize(source), sorted(Dump(source).places)
        os.truncate(source, size - 200 * PAGE - 100)
        target = os.path.join(directory, "target.dmp")
        words = convert(source, target, want=(1,))
        line = f"          201 pages that the file lists could not be read and are left out; the first, physical " \
            f"{whole[-201] * PAGE:#x}, is beyond the end of the file\n"  # fmt: skip
        check(line in words, words)
        dump = Dump(target)
        equal((dump["type"], dump["attributes"] & 4, sorted(dump.places)), (5, 4, whole[:-201]), "header and pages")
        status, report = poolscope_json(target)
        equal((status, report["file"]["complete"]), (1, False), "what the copy says")
        true["file"].update(format="windows-bitmap", size=os.path.getsize(target))
        truth.compare_cut(report, status, true)
        is_fixed(target, directory)
    return line.strip()


def lost_packed_pages():
    """Of a packed container only the source knows which pages the file lacks: each counts once."""
    with scratch() as directory:
        source, _ = make_dump(X64, directory, sets=["container avml", "present all"], name="source.avml")
        os.truncate(source, os.path.getsize(source) * 99 // 100)
        target = os.path.join(directory, "target.dmp")
        words = convert(source, target, want=(1,))
        _, report = poolscope_json(source, want=(0, 1))
        pages = Dump(target).places
    listed, there = report["file"]["pages_listed"], report["file"]["pages_in_file"]
    check(0 < there < listed, f"{there} of {listed} pages")
    equal(len(pages), there, "pages written")
    check(f"          {listed - there} pages that the file lists could not be read and are left out; the first, "
          f"physical {(max(pages) + 1) * PAGE:#x}, is beyond the end of the file\n" in words, words)  # fmt: skip
    return f"{listed - there} of {listed} pages"


def damaged_page():
    """A packed page that cannot be unpacked is left out, and the type follows from what is left."""
    with scratch() as directory:
        path, _ = make_dump(X64, directory, sets=["container elf"], name="core")
        core = containers.Core(path)
        bad = {pfn for pfn, page in core.pages() if page is containers.ZEROS and pfn % 0x100 == 7}
        source = containers.write_kdump(core, os.path.join(directory, "kdump"), spoil=lambda pfn, at, size, flag:
                                        (at, 0, flag) if pfn in bad else (at, size, flag))  # fmt: skip
        target = os.path.join(directory, "target.dmp")
        words = convert(source, target, want=(1,))
        lowest = min(bad) * PAGE
        check(f"{len(bad)} pages that the file lists could not be read and are left out; the first, physical "
              f"{lowest:#x}, is damaged in the file (it cannot be unpacked)\n" in words, words)  # fmt: skip
        dump = Dump(target)
        equal(dump["type"], 5, "type")
        equal(bad & dump.places.keys(), set(), "damaged pages in the copy")
        done = run([POOLSCOPE, "convert", source, target + "2", "--type=full"], want=(3,))
        check(b"a full dump (type 1) is not possible: its pages lie in " in done.stderr, done.stderr)
    return f"{len(bad)} pages"


def sparse_stays_sparse():
    """Memory of which little is used takes little room, and little time."""
    with scratch() as directory:
        source, _ = make_dump(X64, directory, sets=["container type1", "physical 64G"], name="source.dmp")
        target = os.path.join(directory, "target.dmp")
        started = time.monotonic()
        convert(source, target, "--type=full")
        seconds = time.monotonic() - started
        blocks = os.stat(target).st_blocks * 512
        check(os.path.getsize(target) > 60 << 30, "the dump is too short")
        check(blocks < 64 << 20, f"it takes {blocks} bytes on the disk")
        check(seconds < 20, f"it took {seconds:.1f} s")
        same_answer(source, target)
    return f"{blocks >> 10} KiB, {seconds:.1f} s"


def on_full_disk(*options):
    """Nothing is left behind, asked for room before or not."""
    with scratch() as directory:
        source, _ = make_dump(X64, directory, sets=["container type6"], name="source.dmp")
        done = on_small_disk("512k", os.path.join(directory, "room"),
                             [POOLSCOPE, "convert", source, "out.dmp", *options], timeout=20)  # fmt: skip
    equal(done.stdout.decode(), "", "files left behind")
    equal(done.returncode, 4, f"exit status ({done.stderr.decode()})")
    return done.stderr.decode()


def disk_asked():
    words = on_full_disk()
    check(re.fullmatch("poolscope: cannot write out.dmp: it takes up to 1.3 MB, and its filesystem has 512.0 KB free\n"
                       "poolscope: name a file elsewhere; pages of zeros take no room, and --force tries whether "
                       "the rest fits\n", words), words)  # fmt: skip


def disk_full():
    words = on_full_disk("--force")
    equal(words, "poolscope: cannot write out.dmp: No space left on device\n", "words")


def above_a_limit():
    with scratch() as directory:
        source, _ = make_dump(X64, directory, sets=["container type6"], name="source.dmp")
        done = subprocess.run(["sh", "-c", 'ulimit -f 100; exec "$@"', "sh", POOLSCOPE, "convert", source,
                               os.path.join(directory, "out.dmp")], capture_output=True, timeout=20, check=False)  # fmt: skip
        equal(sorted(os.listdir(directory)), ["source.dmp", "truth.json"], "files")
        equal(done.returncode, 4, "exit status")
        equal(done.stderr.decode(), f"poolscope: cannot write {directory}/out.dmp: File too large\n", "words")


def interrupted():
    """Ctrl-C while it writes: the signal's exit status, and nothing left behind."""
    with scratch() as directory:
        raw, _ = make_dump(X64, directory, sets=["container raw", "physical 900M"], name="source.raw")
        target = os.path.join(directory, "target.dmp")
        for wait in (0.02, 0.05, 0.1, 0.15):
            process = subprocess.Popen([POOLSCOPE, "convert", raw, target, "--force"], stdout=subprocess.DEVNULL,
                                       stderr=subprocess.PIPE)  # fmt: skip
            time.sleep(wait)
            process.send_signal(signal.SIGINT)
            process.communicate(timeout=20)
            if process.returncode == 0:  # it was done before
                os.unlink(target)
            else:
                equal(process.returncode, -signal.SIGINT, "exit status")
            equal(sorted(os.listdir(directory)), ["source.raw", "truth.json"], f"files after {wait} s")


# What is done to the place of the new dump, the path that is named, exit status and words.
REFUSED = {
    "there": (lambda d: write(d, "out"), "out", 2, "a file of that name is there", "--force replaces it"),
    "folder": (lambda d: os.mkdir(os.path.join(d, "out")), "out", 2, "it is a folder", "name a new file"),
    "link": (lambda d: os.symlink("elsewhere", os.path.join(d, "out")), "out", 2, "it is a symbolic link",
             "name a new file"),
    "device": (lambda d: os.mkfifo(os.path.join(d, "out")), "out", 2, "it is no regular file", "name a new file"),
    "itself": (lambda d: None, "source.dmp", 2, "it is the file to read", "name a new file"),
    "itself-by-another-name": (lambda d: os.link(os.path.join(d, "source.dmp"), os.path.join(d, "out")), "out", 2,
                               "it is the file to read", "name a new file"),
}  # fmt: skip


def write(directory, name):
    with open(os.path.join(directory, name), "wb") as file:
        file.write(b"precious")


def refused(prepare, name, status, words, hint):
    def case():
        with scratch() as directory:
            source, _ = make_dump(X64, directory, sets=["container type6"], name="source.dmp")
            prepare(directory)
            before = sorted(os.listdir(directory))
            target = os.path.join(directory, name)
            force = [] if "--force" in hint else ["--force"]
            done = run([POOLSCOPE, "convert", source, target, *force], want=(status,))
            equal(done.stderr.decode(), f"poolscope: convert does not write {target}: {words}\npoolscope: {hint}\n",
                  "words")  # fmt: skip
            equal(sorted(os.listdir(directory)), before, "files")
            poolscope_json("info", source)

    return case


def replaced():
    with scratch() as directory:
        source, _ = make_dump(X64, directory, sets=["container type6"], name="source.dmp")
        write(directory, "out")
        target = os.path.join(directory, "out")
        convert(source, target, "--force")
        same_answer(source, target)
        equal(sorted(os.listdir(directory)), ["out", "source.dmp", "truth.json"], "files")


def no_source():
    """What holds no pages of a Windows kernel; nothing is written."""
    with scratch() as directory:
        target = os.path.join(directory, "out.dmp")
        mini, _ = make_dump(X64, directory, sets=["container type4"], name="mini.dmp")
        header, _ = make_dump(X64, directory, sets=["container type3"], name="header.dmp")
        noise = os.path.join(directory, "noise.raw")
        with open(noise, "wb") as file:
            file.write(random.Random(1).randbytes(1 << 20))
        words = {
            mini: f"{mini} is a minidump: it holds pieces of virtual memory and no physical pages that could be "
                  "written\npoolscope: debuggers open it as it is",
            header: "the file is the header of a crash dump without any memory\npoolscope: to get the pools",
            noise: f"no Windows kernel found in {noise} (raw physical memory): no page tables in it lead to one",
        }  # fmt: skip
        for source, text in words.items():
            done = run([POOLSCOPE, "convert", source, target], want=(3,))
            check(done.stderr.decode().startswith("poolscope: " + text), done.stderr.decode())
        equal(sorted(os.listdir(directory)), ["header.dmp", "mini.dmp", "noise.raw", "truth.json"], "files")


def hostile(container, seeds):
    """Bits flipped where the writer looks: an answer or a refusal, nothing half-written, and a copy that
    opens again and is a fixed point."""

    def case():
        outcomes = {0: 0, 1: 0, 3: 0}
        program = os.path.join(SANITIZED, "poolscope")
        check(os.path.exists(program), "no program with sanitizers: build first")
        with scratch() as directory:
            source, _ = make_dump(X64, directory, sets=["container " + container], name="source.dmp")
            with open(source, "rb") as file:
                sound = bytearray(file.read())
            # the fields and runs of a header, the body's beginning; of a core, its headers and notes
            places = [*range(8, 0x348), *range(0xF88, 0xFB0), *range(0x1030, 0x1058), *range(0x2000, 0x2100)]
            target = os.path.join(directory, "target.dmp")
            for seed in range(seeds):
                numbers = random.Random(seed)
                spoilt = bytearray(sound)
                for _ in range(numbers.randrange(1, 6)):
                    at = numbers.choice(places) if numbers.random() < 0.7 else numbers.randrange(len(sound))
                    spoilt[at] ^= 1 << numbers.randrange(8)
                with open(source, "wb") as file:
                    file.write(spoilt)
                done = run([program, "convert", source, target, "--force"], want=(0, 1, 3), timeout=60,
                           env={**os.environ, "ASAN_OPTIONS": "exitcode=99", "UBSAN_OPTIONS": "exitcode=99"})  # fmt: skip
                outcomes[done.returncode] += 1
                equal(os.path.exists(target), done.returncode != 3, f"seed {seed}: the dump is there")
                check(len(os.listdir(directory)) == 2 + os.path.exists(target), f"seed {seed}: {os.listdir(directory)}")
                if done.returncode != 3:
                    status, report = poolscope_json(target, want=(0, 1))
                    check(report["pool"] is not None or status == 1, f"seed {seed}: no pools")
                    os.unlink(target)
        return ", ".join(f"{count} of status {status}" for status, count in outcomes.items())

    return case


def cases():
    for family in FAMILIES:
        more = () if family.startswith("x86") else RANGES
        for container in EVERYWHERE + more:
            if family == "arm64" and re.search("qemu|virtualbox|vmware", container):
                continue  # they write no such state of a processor
            if (family, container) in (("arm64", "raw"), ("x86", "hiberfil")):
                continue  # its memory begins at 2 GiB; the format of XP is not public
            yield f"{family}/{container.replace(' ', '-')}", one_container(family, container)
    yield "packed/kdump", made_from_core(containers.write_kdump)
    yield "packed/flattened", made_from_core(containers.write_flattened)
    yield "packed/lkcd", made_from_core(containers.write_lkcd)
    yield "packed/xen", made_from_core(containers.write_xen)
    yield "types", both_types
    yield "many-runs", many_runs
    yield "kdbg-encoded/keys", encoded("x64", True, "kernel-code built")
    yield "kdbg-encoded/plaintext", encoded("x64", False, "kernel-code none")
    yield "kdbg-encoded/arm64", encoded("arm64", True, "kernel-code built")
    for family, writer in (("x64", "qemu"), ("x64", "virtualbox"), ("x86-pae", "qemu"), ("x86", "virtualbox")):
        yield f"registers/{family}-{writer}", registers(family, writer)
    yield "running-machine", running_machine
    yield "real/raw", real(raw_image)
    yield "real/raw-as-bitmap", real(raw_image, "--type=bitmap")
    yield "real/bitmap", real(bitmap_dump)
    yield "lost/file-cut", lost_pages
    yield "lost/packed-file-cut", lost_packed_pages
    yield "lost/page-damaged", damaged_page
    yield "sparse-stays-sparse", sparse_stays_sparse
    yield "disk/asked-for-room", disk_asked
    yield "disk/full", disk_full
    yield "disk/above-a-limit", above_a_limit
    yield "interrupted", interrupted
    for name, arguments in REFUSED.items():
        yield f"refused/{name}", refused(*arguments)
    yield "replaced", replaced
    yield "no-source", no_source
    for container in ("type1", "type6", "elf header", "raw-sparse"):
        yield f"hostile/{container.replace(' ', '-')}", hostile(container, 15)
