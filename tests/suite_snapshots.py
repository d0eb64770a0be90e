"""Snapshots of virtual machines and images of memory: the same machine in every container that
mkdump writes, and the pages of a real Windows 10, give the same tags and modules; what is said of
files that hold no memory, of companions that are missing, and of damage.
"""

import os
import signal
import struct
import subprocess
import time
import zlib

import containers
import truth
from harness import POOLSCOPE, check, equal, make_dump, poolscope_json, scratch
from realdata import raw_image
from suite_real import all_big_pages, all_modules, all_tags, tables_and_coverage

MACHINE = "family-10-17763-x64.recipe"
X86 = ("x86", "x86-pae", "x64", "x64-la57")
ALL = (*X86, "arm64")
# Name of the file, the line of the recipe, architectures.
CONTAINERS = {
    "vmware": ("dump.vmss", "container vmware", X86),
    "vmware-registers-in-blocks": ("dump.vmsn", "container vmware registers=block", X86),
    "vmware-no-registers": ("dump.vmss", "container vmware registers=none", ALL),
    "vmware-narrow": ("dump.vmss", "container vmware magic=0xbed2bed0", X86),
    "vmem": ("dump.vmem", "container vmem", X86),
    "vmem-snapshot": ("dump.vmem", "container vmem state=vmsn registers=block", X86),
    "vmem-sparse": ("dump.vmem", "container vmem sparse", X86),
    "lime": ("dump.lime", "container lime", ALL),
    "lime-by-avml": ("dump.lime", "container lime blocks", ALL),
    "avml": ("dump.avml", "container avml", ALL),
    "hyper-v": ("dump.vmrs", "container vmrs", ALL),
    "hyper-v-stored": ("dump.vmrs", "container vmrs stored", ALL),
}
MACHINES = [("x86", 3790), ("x86-pae", 3790), ("x86-pae", 19041), ("x64", 7601), ("x64", 17763), ("x64", 26100),
            ("x64-la57", 26100), ("arm64", 26100)]  # fmt: skip
ABSENT = ["missing tracker cpu=1 page=1", "missing big page=2", "transition big page=3"]
HOLES = ("vmem-sparse", "lime", "lime-by-avml", "avml")  # which can leave pages out
# Memory above 4 GiB, and little below: .vmem files have no gap between.
HIGH = ["run 1 0x9e", "run 0x100 0x1000", "run 0x100000 0x1800"]
PARTS = ("system", "modules", "unloaded_modules", "pool")


def lines_of(arch, build, container, more=()):
    machine = ["arch x64", "la57 on"] if arch == "x64-la57" else [f"arch {arch}"]
    return "\n".join([*machine, f"build {build}", "processors 2", "include common/small-tags.recipe",
                      "include common/small-drivers.recipe", "physical 32M", container, *more, ""])  # fmt: skip


def same_rows(name, arch, build, more=()):
    file, container, _ = CONTAINERS[name]

    def case():
        with scratch() as directory:
            dump, true = make_dump(lines_of(arch, build, container, more), directory, name=file)
            status, report = poolscope_json(dump, want=(0, 1, 3))
        check("error" not in report, f"poolscope refuses it: {report.get('error')}")
        truth.validate(report)
        equal(report["file"]["format"], true["file"]["format"], "format")
        exact = truth.compare_all(report, status, true)
        return f"{exact} rows; {report['system']['located_by'].split(';')[0]}"

    return case


def processors_state(name):
    """Without a low stub the root of the page tables is that of a processor."""
    file, container, _ = CONTAINERS[name]

    def case():
        with scratch() as directory:
            dump, true = make_dump(lines_of("x64", 17763, container, ["low-stub off"]), directory, name=file)
            _, report = poolscope_json("info", dump)
        located = report["system"]["located_by"]
        check("page tables: state of a processor;" in located, located)
        equal(report["system"]["directory_table_base"], true["system"]["directory_table_base"], "root")

    return case


def user_mode(container):
    """KVA shadow: the first processor's page tables map almost no kernel."""

    def case():
        lines = lines_of("x64", 17763, f"container {container} user-mode",
                         ["kvas on", "low-stub off", "processors 12"])  # fmt: skip
        with scratch() as directory:
            dump, true = make_dump(lines, directory, name="dump.vmem")
            status, report = poolscope_json(dump)
        truth.compare_all(report, status, true)
        check("state of a processor" in report["system"]["located_by"], report["system"]["located_by"])

    return case


def state_for_memory():
    """The state, given instead of the .vmem beside it, leads to the same."""
    with scratch() as directory:
        dump, _ = make_dump(lines_of("x64", 17763, "container vmem"), directory, name="dump.vmem")
        _, memory = poolscope_json(dump)
        state = dump.replace(".vmem", ".vmss")
        _, report = poolscope_json(state)
    for part in PARTS:
        equal(report[part], memory[part], part)
    equal(report["file"]["path"], state, "path")
    check("its memory is that of dump.vmem, the .vmem beside it" in report["file"]["notes"],
          f"notes: {report['file']['notes']}")  # fmt: skip


def memory_above_4_gib(name):
    return same_rows(name, "x64", 17763, HIGH)


def large_alone():
    """5 GiB of a .vmem without state: what is above 3 GiB in it goes on at 4 GiB."""
    with scratch() as directory:
        recipe = lines_of("x64", 17763, "container vmem sparse state=none", ["physical 5G"])
        dump, true = make_dump(recipe, directory, name="dump.vmem")
        status, report = poolscope_json(dump)
    equal(report["file"]["format"], "raw", "format")
    truth.compare_all(report, status, true)
    note = "no .vmss or .vmsn file of the same name lies beside it: what lies above 3 GiB in it is taken to go on " \
        "at 4 GiB, as VMware has it"  # fmt: skip
    check(note in report["file"]["notes"], f"notes: {report['file']['notes']}")


def padded_alone():
    """A .vmem that leaves the hole out itself is a raw image, as before."""
    with scratch() as directory:
        recipe = lines_of("x64", 17763, "container raw-sparse", ["physical 5G"])
        dump, true = make_dump(recipe, directory, name="dump.vmem")
        status, report = poolscope_json(dump)
    truth.compare_all(report, status, true)
    note = "no .vmss or .vmsn file of the same name lies beside it: it is taken as a raw image, since it is empty " \
        "from 3 to 4 GiB"  # fmt: skip
    check(note in report["file"]["notes"], f"notes: {report['file']['notes']}")


def small_alone():
    with scratch() as directory:
        recipe = lines_of("x64", 17763, "container vmem state=none")
        dump, true = make_dump(recipe, directory, name="dump.vmem")
        status, report = poolscope_json(dump)
        truth.compare_all(report, status, true)
        note = "no .vmss or .vmsn file of the same name lies beside it"
        check(note in report["file"]["notes"], f"notes: {report['file']['notes']}")
        # A state that cannot be used is passed over, and named.
        with open(dump.replace(".vmem", ".vmss"), "wb") as file:
            file.write(struct.pack("<III", 0xBED2BED2, 8, 0))
        status, report = poolscope_json(dump)
        truth.compare_all(report, status, true)
    note = "dump.vmss beside it cannot be used (it states 0 groups, which is beyond reason)"
    check(note in report["file"]["notes"], f"notes: {report['file']['notes']}")


def companions_unusable():
    """A companion that is there and cannot be opened is not called absent."""
    with scratch() as directory:
        dump, true = make_dump(lines_of("x64", 17763, "container vmem"), directory, name="dump.vmem")
        state = dump.replace(".vmem", ".vmss")
        with open(state, "rb") as file:
            sound = file.read()
        os.truncate(state, 0)
        status, report = poolscope_json(dump)
        truth.compare_all(report, status, true)
        noted(report, "the .vmss file beside it cannot be used (")
        noted(report, "dump.vmss is empty (0 bytes))")
        with open(state, "wb") as file:
            file.write(sound)
        os.truncate(dump, 0)
        said(state, f"poolscope: {state}: cannot use this VMware state: the memory beside it cannot be opened: {dump} "
             "is empty (0 bytes)",
             "Windows wrote no dump into it, or the copy failed: look at the disk space of the server and copy the "
             "dump again")  # fmt: skip


def longer_than_listed():
    with scratch() as directory:
        dump, true = make_dump(lines_of("x64", 17763, "container vmem", HIGH), directory, name="dump.vmem")
        with open(dump, "ab") as file:
            file.write(bytes(3 << 20))
        true["file"]["size"] += 3 << 20
        status, report = poolscope_json(dump)
    truth.compare_all(report, status, true)
    noted(report, "the .vmem is 3.0 MiB longer than the state lists: it may not be of this state")


def alone_without_kernel():
    """When no kernel is found in a .vmem alone, its state is asked for."""
    with scratch() as directory:
        dump = os.path.join(directory, "dump.vmem")
        with open(dump, "wb") as file:
            file.write(bytes(1 << 20))
        said(dump, f"poolscope: no Windows kernel found in {dump} (raw physical memory): no page tables in it lead "
             "to one (0 blocks like KDBG seen)",
             "put the .vmss or .vmsn file of the same name beside the .vmem: it says where the memory lies and which "
             "page tables the processors used")  # fmt: skip


# ---- words ----

SNAPSHOT = "take a snapshot with the machine's memory, or suspend the machine, and give the .vmem and the .vmsn or " \
    ".vmss"  # fmt: skip
AGAIN = "copy the dump again; if that is as damaged, have it written again"
SHORT = "the copy was cut short: copy the dump again"


def said(dump, words, hint, command="tags"):
    done = subprocess.run([POOLSCOPE, command, dump], capture_output=True, timeout=20, check=False)
    equal(done.stderr.decode(), f"{words}\npoolscope: {hint}\n", "words")
    equal(done.returncode, 3, "exit status")


def refused_states():
    with scratch() as directory:
        lines = ["physical 8M"]
        dump, _ = make_dump(lines_of("x64", 17763, "container vmware disks-only", lines), directory, name="a.vmsn")
        # As such a state has no place for memory, what follows it is cut off.
        os.truncate(dump, 8192)
        said(dump, f"poolscope: {dump} is the state of a VMware machine without its memory: a snapshot of the disks "
             "only", SNAPSHOT)  # fmt: skip
        dump, _ = make_dump(lines_of("x64", 17763, "container vmware packed", lines), directory, name="b.vmss")
        said(dump, f"poolscope: {dump} is a VMware state whose memory is compressed, which cannot be read",
             "convert it to a Windows crash dump with vmss2core -W (Windows 8 and later: -W8), or take a snapshot "
             "again with a .vmem beside it")  # fmt: skip
        dump, _ = make_dump(lines_of("x64", 17763, "container vmem", lines), directory, name="c.vmem")
        os.unlink(dump)
        dump = dump.replace(".vmem", ".vmss")
        said(dump, f"poolscope: {dump} is the state of a VMware machine, and its memory is not beside it: there is no "
             "file c.vmem",
             f"put the .vmem file of the same name beside it; without one, {SNAPSHOT}")  # fmt: skip


VM2DMP = "convert both to a crash dump on the Hyper-V server with vm2dmp -bin FILE.bin -vsv FILE.vsv -dmp FILE.dmp, " \
    "or have Windows write one"  # fmt: skip
WINDBG = "open it in WinDbg on Windows (windbg -z FILE) and write a crash dump with .dump /f, or have Windows write one"


def lime_packed():
    """As LiME packs with compress=1: zlib with a window of 2 KiB."""
    packer = zlib.compressobj(6, zlib.DEFLATED, 11, 5)
    data = b"EMiL" + struct.pack("<IQQQ", 1, 0, (1 << 18) - 1, 0) + os.urandom(1 << 18)
    with scratch() as directory:
        dump = os.path.join(directory, "a.lime")
        with open(dump, "wb") as file:
            file.write(packer.compress(data) + packer.flush())
        said(dump, f"poolscope: {dump} is a LiME image that is packed as a whole (compress=1), which cannot be read",
             "unpack it first, for example with pigz -d -z < FILE > IMAGE")  # fmt: skip
        with open(dump, "wb") as file:  # packed as well, and no LiME image: raw memory
            file.write(zlib.compress(os.urandom(1 << 18)))
        said(dump, f"poolscope: no Windows kernel found in {dump} (raw physical memory): no page tables in it lead to "
             "one (0 blocks like KDBG seen)",
             "give a Windows crash dump (MEMORY.DMP) or an image of all physical memory; a kernel is known by its "
             "KDBG or by its image (ntoskrnl.exe), and this file holds neither")  # fmt: skip


def hyper_v_refused():
    with scratch() as directory:
        dump, _ = make_dump(lines_of("x64", 17763, "container vmrs no-memory"), directory, name="a.vmcx")
        said(dump, f"poolscope: {dump} is a state of a Hyper-V machine (.vmrs, .vmcx) without its memory",
             "save the machine or take a standard checkpoint of it (a production checkpoint has no memory), and give "
             "the .vmrs file of that")  # fmt: skip
        dump, _ = make_dump(lines_of("x64", 17763, "container vmrs no-ranges"), directory, name="b.vmrs")
        said(dump, f"poolscope: {dump} is a saved state of an old Hyper-V machine, which does not say where its memory "
             "lies in a way that is public", WINDBG)  # fmt: skip
        dump = os.path.join(directory, "c.vsv")
        with open(dump, "wb") as file:
            file.write(bytes(1 << 17))
        said(dump, f"poolscope: {dump} is the state of the devices of a saved Hyper-V machine (.vsv); its memory is in "
             "the .bin file beside it, in a form that is not public", VM2DMP)  # fmt: skip
        dump = os.path.join(directory, "c.bin")
        with open(dump, "wb") as file:
            file.write(bytes(1 << 17))
        said(dump, f"poolscope: no Windows kernel found in {dump} (raw physical memory): no page tables in it lead to "
             "one (0 blocks like KDBG seen)", VM2DMP)  # fmt: skip


def bin_is_raw():
    """A .bin beside a .vsv that is raw memory after all is read as such, with a note."""
    with scratch() as directory:
        dump, true = make_dump(lines_of("x64", 17763, "container raw"), directory, name="a.bin")
        with open(os.path.join(directory, "a.vsv"), "wb") as file:
            file.write(b"state")
        status, report = poolscope_json(dump)
    truth.compare_all(report, status, true)
    noted(report, "a .vsv file lies beside it, as beside the memory of a saved Hyper-V machine (.bin), whose form is "
                  "not public: it is taken as raw memory")  # fmt: skip


def storage_header(sequence, version=0x0400, log=12288):
    head = bytearray(46)
    struct.pack_into("<I", head, 0, 0x01282014)
    struct.pack_into("<HI", head, 8, sequence, version)
    struct.pack_into("<IQQI", head, 22, 4096, log, 4096, 4096)
    struct.pack_into("<I", head, 4, zlib.crc32(head))
    return bytes(head).ljust(4096, b"\0")


def hyper_v_interrupted():
    """Ctrl-C ends the reading of an object table that calls itself the largest possible."""
    with scratch() as directory:
        dump = os.path.join(directory, "a.vmrs")
        with open(dump, "wb") as file:
            file.write(storage_header(1) + storage_header(2) + struct.pack("<II", 0x01110001, 0xFFFFFFFF))
            file.truncate(8200 + 18 * 0xFFFFFFFF)
        with subprocess.Popen([POOLSCOPE, "info", dump], stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL) as process:  # fmt: skip
            try:
                time.sleep(0.5)
                check(process.poll() is None, "it ended before it could be ended")
                process.send_signal(signal.SIGINT)
                equal(process.wait(10), -signal.SIGINT, "status")
            finally:
                process.kill()


def hyper_v_headers():
    """Of two headers the later sound one counts; numbers go round; one begun change is said."""
    with scratch() as directory:
        dump, true = make_dump(lines_of("x64", 17763, "container vmrs"), directory, name="a.vmrs")
        wrong = storage_header(9, version=0x0300)
        for first, second, good in (
                (bytes(46), None, True), (None, bytes(46), True), (storage_header(0xFFFF), storage_header(3), True),
                (storage_header(5), wrong, False), (wrong, storage_header(10), True)):  # fmt: skip
            with open(dump, "r+b") as file:
                for at, header in ((0, first), (4096, second)):
                    file.seek(at)
                    file.write(header if header is not None else storage_header(7))
            if not good:
                said(dump, f"poolscope: {dump}: cannot use this Hyper-V state: its format has version 3.0, and only "
                     "version 4.0 is public", WINDBG)  # fmt: skip
                continue
            status, report = poolscope_json(dump)
            truth.compare_all(report, status, true)
        with open(dump, "r+b") as file:
            file.seek(12288 + 8)
            file.write(struct.pack("<I", 2))
        _, report = poolscope_json("info", dump)
        noted(report, "its log holds changes that Hyper-V had not finished writing; they are not carried out")
        with open(dump, "r+b") as file:
            file.write(struct.pack("<I", 0x01282014).ljust(46, b"\xff"))
            file.seek(4096)
            file.write(bytes(46))
        said(dump, f"poolscope: {dump}: cannot use this Hyper-V state: both of its headers are damaged", AGAIN)
        os.truncate(dump, 100)
        said(dump, f"poolscope: {dump}: cannot use this Hyper-V state: the file ends inside its headers", SHORT)


def object_circle():
    """Object tables that lead to each other end somewhere."""
    table = struct.pack("<II", 0x01110001, 2) + struct.pack("<BIQIB", 1, 0, 8192, 4096, 0) * 2
    with scratch() as directory:
        dump = os.path.join(directory, "a.vmrs")
        with open(dump, "wb") as file:
            file.write(storage_header(1) * 2 + table.ljust(8192, b"\0"))
        said(dump, f"poolscope: {dump}: cannot use this Hyper-V state: its object tables lead to each other in a circle",
             AGAIN)  # fmt: skip


def hyper_v_many_blocks():
    return same_rows("hyper-v", "x64", 17763, ["physical 1G", "processors 8", "tracker-entries 4096"])


def tag(name, value, *index):
    return bytes([len(index) << 6 | len(value), len(name)]) + name + struct.pack(f"<{len(index)}I", *index) + value


def number(name, value, *index):
    return tag(name, struct.pack("<I", value), *index)


def block(name, length):
    return bytes([63, len(name)]) + name + struct.pack("<QQH", length, length, 0)


def state(*memory, groups=1, position=92):
    return struct.pack("<III", 0xBED2BED2, 8, groups) + b"memory".ljust(64, b"\0") + \
        struct.pack("<QQ", position, 0) + b"".join(memory) + b"\0\0"  # fmt: skip


def region(index, ppn, place, count):
    return number(b"regionPPN", ppn, index) + number(b"regionPageNum", place, index) + \
        number(b"regionSize", count, index)  # fmt: skip


COUNT = b"regionsCount"
MEMORY = block(b"Memory", 8 * 4096) + bytes(8 * 4096)
CANNOT = ": cannot use this VMware state: "
# File name, bytes, words behind the file's name, and advice.
DAMAGED = {
    "state-header": ("a.vmss", struct.pack("<II", 0xBED2BED2, 8), CANNOT + "the file ends inside its header", SHORT),
    "state-no-groups": ("a.vmss", struct.pack("<III", 0xBED3BED3, 8, 0), CANNOT +
                        "it states 0 groups, which is beyond reason", AGAIN),
    "state-many-groups": ("a.vmss", struct.pack("<III", 0xBAD1BAD1, 8, 1 << 30), CANNOT +
                          "it states 1073741824 groups, which is beyond reason", AGAIN),
    "state-groups-cut": ("a.vmss", struct.pack("<III", 0xBED2BED2, 8, 3) + bytes(100), CANNOT +
                         "the file ends inside its list of groups", SHORT),
    "state-many-regions": ("a.vmss", state(number(COUNT, 65), MEMORY), CANNOT +
                           "it states 65 regions of memory, which is beyond reason", AGAIN),
    "state-region-unknown": ("a.vmss", state(number(COUNT, 2), region(0, 0, 0, 4), MEMORY), CANNOT +
                             "it does not say where region 1 of its memory lies", AGAIN),
    "state-region-outside": ("a.vmss", state(number(COUNT, 1), region(0, 0, 1, 8), MEMORY), CANNOT +
                             "region 0 of its memory lies outside of the memory that the file has", AGAIN),
    "state-regions-overlap": ("a.vmss", state(number(COUNT, 2), region(0, 0, 0, 4), region(1, 3, 4, 4), MEMORY),
                              CANNOT + "memory runs overlap: pages 0x0 to 0x3 and 0x3 to 0x6", AGAIN),
    "state-size-cannot-be": ("a.vmss", state(block(b"Memory", 1 << 63)), CANNOT +
                             "its memory has a size that cannot be", AGAIN),
    "state-without-end": ("a.vmss", state(block(b"Memory", 4 << 30), bytes(4096)), CANNOT +
                          "the state ends before it says where memory lies", SHORT),
    "lime-short": ("a", b"EMiL" + bytes(20), ": cannot use this LiME image: the file ends inside its first header",
                   SHORT),
    "lime-version": ("a", b"EMiL" + struct.pack("<IQQQ", 9, 0, 4095, 0) + bytes(4096),
                     ": cannot use this LiME image: its version is 9, and only version 1 is known", None),
    "lime-range": ("a", b"EMiL" + struct.pack("<IQQQ", 1, 4096, 0, 0) + bytes(4096),
                   ": cannot use this LiME image: its first header states a range that cannot be", AGAIN),
    "lime-address": ("a", b"EMiL" + struct.pack("<IQQQ", 1, 0, 1 << 60, 0) + bytes(4096),
                     ": cannot use this LiME image: its first header states a range that cannot be", AGAIN),
    "lime-no-page": ("a", b"EMiL" + struct.pack("<IQQQ", 1, 100, 4194, 0) + bytes(4095),
                     ": cannot use this LiME image: it has no whole page of memory", AGAIN),
    "lime-overlap": ("a", (b"EMiL" + struct.pack("<IQQQ", 1, 0, 4095, 0) + bytes(4096)) * 2,
                     ": cannot use this LiME image: memory runs overlap: pages 0x0 to 0x0 and 0x0 to 0x0", AGAIN),
    "avml-version": ("a", b"AVML" + struct.pack("<IQQQ", 3, 0, 4095, 0) + bytes(4096),
                     ": cannot use this AVML image: its version is 3, and only version 2 is known", None),
    "avml-short": ("a", b"AVML" + bytes(20), ": cannot use this AVML image: the file ends inside its first header",
                   SHORT),
}  # fmt: skip


def damaged(name, data, words, hint):
    def case():
        with scratch() as directory:
            path = os.path.join(directory, name)
            with open(path, "wb") as file:
                file.write(data)
            done = subprocess.run([POOLSCOPE, "info", path], capture_output=True, timeout=10, check=False)
        advice = f"poolscope: {hint}\n" if hint else ""
        equal(done.stderr.decode(), f"poolscope: {path}{words}\n{advice}", "words")
        equal(done.returncode, 3, "exit status")

    return case


def noted(report, words):
    check(any(words in note for note in report["file"]["notes"]), f"{report['file']['notes']} have no {words!r}")


def chain_broken():
    """A header that is none: the ranges before it are read, and what is lost is said."""
    with scratch() as directory:
        for name in ("lime", "avml"):
            recipe = lines_of("x64", 17763, CONTAINERS[name][1] + " blocks", ["physical 64M"])
            dump, _ = make_dump(recipe, directory)
            size = os.path.getsize(dump)
            with open(dump, "ab") as file:
                file.write(b"LiMe".ljust(64, b"\0"))
            _, report = poolscope_json("info", dump)
            equal(report["file"]["complete"], False, "file complete")
            noted(report, f"the file is damaged at offset 0x{size:x} (there is no header of a range): the "
                          "memory behind it cannot be found")  # fmt: skip


def sum_wrong():
    """One bit of a packed chunk: the pages in it are damaged, and complete rows are exact."""
    with scratch() as directory:
        dump, true = make_dump(lines_of("x64", 17763, "container avml"), directory)
        with open(dump, "rb") as file:
            sound = file.read()
        hit = 0
        for at in range(4000, len(sound), len(sound) // 100):
            with open(dump, "wb") as file:
                file.write(sound[:at] + bytes([sound[at] ^ 4]) + sound[at + 1:])
            status, report = poolscope_json(dump, want=(0, 1, 3))
            if "error" in report:
                continue
            if status == 0:
                truth.compare_pool(report["pool"], true)
                continue
            hit += report["file"]["pages_damaged"] > 0
            equal(report["file"]["complete"], False, "file complete")
            wanted = {row["tag_hex"]: row for row in true["pool"]["tags"]}
            for row in (report["pool"] or {}).get("tags") or []:
                if row["complete"]:
                    truth.compare_row(row, wanted[row["tag_hex"]], 0xFFFFFFFFFFFFFFFF)
    check(hit > 5, f"only {hit} of the damaged files say so")
    return f"{hit} times"


def sum_of_known_bytes():
    """The published check value, so that writers and reader do not agree on a wrong one."""
    equal(containers.crc32c(b"123456789"), 0xE3069283, "CRC-32C")


MAGICS = {"vmware": "a VMware state (.vmss, .vmsn)", "lime": "a LiME or AVML image", "avml": "a LiME or AVML image"}


def magic_damaged(name):
    """Every byte of the magic by itself, and all of them: never taken for raw memory."""

    def case():
        with scratch() as directory:
            dump, _ = make_dump(lines_of("x64", 17763, CONTAINERS[name][1], ["physical 4M"]), directory)
            with open(dump, "r+b") as file:
                sound = file.read(4)
                for wrong in [sound[:i] + bytes([sound[i] ^ 0x40]) + sound[i + 1:] for i in range(4)] + [bytes(4)]:
                    file.seek(0)
                    file.write(wrong)
                    file.flush()
                    said(dump, f"poolscope: {dump} is damaged: it looks like {MAGICS[name]}, but its first 4 bytes "
                         "are not those of one", AGAIN)  # fmt: skip

    return case


def terabyte():
    """A range of a TiB behind the others, all hole: its header costs what any header costs."""
    with scratch() as directory:
        dump, true = make_dump(lines_of("x64", 17763, "container lime"), directory)
        size = os.path.getsize(dump)
        with open(dump, "r+b") as file:
            file.seek(size)
            for start in (1 << 41, 1 << 42):
                file.write(b"EMiL" + struct.pack("<IQQQ", 1, start, start + (1 << 40) - 1, 0))
                file.seek(1 << 40, 1)
            file.truncate()
        true["file"]["size"] = os.path.getsize(dump)
        started = time.monotonic()
        status, report = poolscope_json(dump)
        took = time.monotonic() - started
    truth.compare_all(report, status, true)
    check(took < 10, f"{took:.1f} s")
    return f"{took:.2f} s"


def reader_without_say():
    with scratch() as directory:
        for name in ("lime", "avml", "vmware", "hyper-v"):
            dump, _ = make_dump(lines_of("x64", 17763, CONTAINERS[name][1]), directory)
            poolscope_json("--reader=native", "info", dump, want=(0,))
            _, report = poolscope_json("--reader=kdumpfile", "info", dump, want=(2,))
            check("is read by poolscope itself" in report["error"]["message"], report["error"]["message"])


def cut(name, more=()):
    """Cut everywhere: said to be cut, and nothing wrong is called complete."""
    file, container, _ = CONTAINERS[name]

    def case():
        parts = (999, 995, 990, 980, 960, 930, 900, 800, 600, 300, 100, 10, 1)
        with scratch() as directory:
            dump, true = make_dump(lines_of("x64", 17763, container, more), directory, name=file)
            size = os.path.getsize(dump)
            answered = sum(truth.is_answered_when_cut(dump, size * part // 1000 + 1, true) for part in parts)
        return f"{answered} answered, {len(parts) - answered} refused"

    return case


# ---- the real kernel ----


def real(write, name):
    """Its pages in another container: the same tags, big pages, modules and coverage."""

    def case():
        with scratch() as directory:
            image = write(containers.Sparse(raw_image()), os.path.join(directory, name))
            tables_and_coverage(image)
            all_tags(image)
            all_big_pages(image)
            return all_modules(image)

    return case


def cases():
    for name, (_, _, architectures) in CONTAINERS.items():
        for arch, build in MACHINES:
            if arch in architectures:
                yield f"{name}/{build}-{arch}", same_rows(name, arch, build)
        yield f"{name}/memory-above-4-gib", memory_above_4_gib(name)
        if name in HOLES:
            yield f"{name}/pages-absent", same_rows(name, "x64", 17763, ABSENT)
    for magic in ("0xbed3bed3", "0xbad1bad1", "0xbad2bad2", "0xbed0bed0"):
        CONTAINERS[f"vmware-{magic}"] = ("dump.vmss", f"container vmware magic={magic}", X86)
        yield f"vmware/magic-{magic}", same_rows(f"vmware-{magic}", "x64", 17763)
    for name in ("vmware", "vmware-registers-in-blocks", "vmem", "vmem-snapshot", "hyper-v"):
        yield f"{name}/processors-state", processors_state(name)
    yield "vmem/user-mode", user_mode("vmem")
    yield "hyper-v/user-mode", user_mode("vmrs")
    yield "vmem/state-given-for-memory", state_for_memory
    yield "vmem/companions-that-cannot-be-opened", companions_unusable
    yield "vmem/longer-than-listed", longer_than_listed
    yield "vmem/alone-small", small_alone
    yield "vmem/alone-large", large_alone
    yield "vmem/alone-padded", padded_alone
    yield "vmem/alone-without-kernel", alone_without_kernel
    yield "vmware/refused", refused_states
    yield "lime/packed-as-a-whole", lime_packed
    yield "hyper-v/refused", hyper_v_refused
    yield "hyper-v/headers", hyper_v_headers
    yield "hyper-v/interrupted", hyper_v_interrupted
    yield "hyper-v/object-tables-in-a-circle", object_circle
    yield "hyper-v/many-blocks", hyper_v_many_blocks()
    yield "hyper-v/bin-that-is-raw", bin_is_raw
    for name, row in DAMAGED.items():
        yield f"damaged/{name}", damaged(*row)
    yield "damaged/chain-broken", chain_broken
    yield "avml/sum-wrong", sum_wrong
    yield "avml/sum-of-known-bytes", sum_of_known_bytes
    yield "lime/two-tebibytes", terabyte
    for name in MAGICS:
        yield f"damaged/magic-of-{name}", magic_damaged(name)
    yield "reader-where-there-is-no-choice", reader_without_say
    for name in ("vmware", "lime", "avml", "hyper-v", "hyper-v-stored"):
        yield f"cut/{name}", cut(name)
    yield "cut/vmem", cut("vmem", HIGH)  # a state with regions says how much there must be
    for name, write in {"lime": containers.write_lime, "avml": containers.write_avml}.items():
        yield f"real/{name}", real(write, "dump")
    yield "real/vmem", real(containers.write_vmem, "dump.vmem")
