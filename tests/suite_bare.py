"""Kernels in bare memory: raw images in which nothing says where the kernel is. Of several kernels in one
image the right one, and a word on the others; images without what usually helps.
"""

import os
import struct

import truth
from harness import check, equal, make_dump, poolscope_json, scratch

PAGE = 4096
FAMILIES = {
    "x64": "family-10-17763-x64.recipe",
    "x86": "elf-x86.recipe",
    "x86-pae": "elf-x86-pae.recipe",
    "arm64": "family-10-17763-arm64.recipe",
    "la57": "elf-la57.recipe",
}
ENCODED = {"x64": ("kdbg encoded", "kernel-code built"), "la57": ("kdbg encoded",), "arm64": ("kdbg encoded",)}


def lay_over(base, other):
    """The stored pages of one sparse file into another; no page may be in both."""
    with open(base, "r+b") as to, open(other, "rb") as source:
        to.truncate(max(os.fstat(to.fileno()).st_size, os.fstat(source.fileno()).st_size))
        at, end = 0, os.fstat(source.fileno()).st_size
        while at < end:
            try:
                at = os.lseek(source.fileno(), at, os.SEEK_DATA)
            except OSError:
                break
            stop = os.lseek(source.fileno(), at, os.SEEK_HOLE)
            check(os.lseek(to.fileno(), at, os.SEEK_HOLE) == at, f"both machines use the page at {at:#x}")
            os.pwrite(to.fileno(), os.pread(source.fileno(), stop - at, at), at)
            at = stop


def machine(family, directory, name, seed, frames, *lines):
    sets = ["container raw-sparse", *(["low-stub off"] if family in ("x64", "la57") else []),
            f"run {frames[0]:#x} {frames[1] - frames[0]:#x}", *lines]  # fmt: skip
    return make_dump(FAMILIES[family], directory, sets=sets, seed=seed, name=name)


LOW, HIGH = (0x100, 0x3000), (0x4000, 0x8000)
EARLIER, LATER = "time 2019-01-01T00:00:00Z", "time 2019-06-14T09:21:07Z"


def two_kernels(family, running_is_low, *kinds):
    """`kinds`: how the KDBG of the kernel that runs, and of the other one, is kept."""

    def case():
        with scratch() as directory:
            running, other = (LOW, HIGH) if running_is_low else (HIGH, LOW)
            image, true = machine(family, directory, "image.raw", 1, running, LATER, *kinds[0])
            stale, past = machine(family, directory, "stale.raw", 2, other, EARLIER, *kinds[1])
            alone = poolscope_json(image)
            lay_over(image, stale)
            status, report = poolscope_json(image)
        truth.validate(report)
        equal(status, alone[0], "exit status")
        system, old = report["system"], past["system"]
        equal(system["kernel_base"], true["system"]["kernel_base"], "kernel_base")
        equal(system["directory_table_base"], alone[1]["system"]["directory_table_base"], "root")
        for part in ("modules", "unloaded_modules"):
            equal(report[part], alone[1][part], part)
        equal(report["pool"]["tags"], alone[1]["pool"]["tags"], "tags")
        truth.compare_tags(report["pool"], true)
        notes, mask = system["notes"], ~0x1F if family.startswith("x86") else ~0xFFF  # of PCID
        want = "memory holds the page tables of 2 kernels; the one whose clock is latest (2019-06-14T09:21:07Z) " \
            f"is used, at {plain(system['kernel_base'])}"  # fmt: skip
        check(want in notes, f"{notes} lack {want!r}")
        want = "another kernel, of an earlier boot or of a guest: at " \
            f"{plain(old['kernel_base'])}, page tables at {int(old['directory_table_base'], 16) & mask:#x}, clock " \
            "2019-01-01T00:00:00Z"  # fmt: skip
        check(want in notes, f"{notes} lack {want!r}")
        return "the one at " + system["kernel_base"]

    return case


def plain(address):
    return f"{int(address, 16):#x}"


def named_root(words, *lines):
    """What names a root is believed: nothing is compared then, whatever the clocks say."""

    def case():
        with scratch() as directory:
            image, true = make_dump(FAMILIES["x64"], directory, name="image.raw", seed=1, sets=[
                "container raw-sparse", "run 1 0x9e", "run 0x4000 0x4000", EARLIER, *lines])  # fmt: skip
            stale, _ = machine("x64", directory, "stale.raw", 2, LOW, LATER)
            lay_over(image, stale)
            _, report = poolscope_json(image)
        equal(report["system"]["kernel_base"], true["system"]["kernel_base"], "kernel_base")
        check(words in report["system"]["located_by"], report["system"]["located_by"])
        truth.compare_tags(report["pool"], true)

    return case


def without_low_memory(family, *lines):
    """The first megabyte is not in the image."""

    def case():
        with scratch() as directory:
            image, true = machine(family, directory, "image.raw", 1, LOW, *lines)
            with open(image, "rb") as file:
                check(os.lseek(file.fileno(), 0, os.SEEK_DATA) >= 1 << 20, "there is low memory")
            status, report = poolscope_json(image)
            truth.validate(report)
            true["file"].update(format="raw", size=os.path.getsize(image))
            truth.compare_all(report, status, true)
        check("self-map search" in report["system"]["located_by"], report["system"]["located_by"])

    return case


def user_root(kind, *lines):
    """KVA shadow: the processor of the only note is in user mode, where its root maps no kernel."""

    def case():
        with scratch() as directory:
            core, true = make_dump(FAMILIES["x64"], directory, name="core", sets=[
                "container elf user-mode", "kvas on", "processors 1", "low-stub off", *lines])  # fmt: skip
            status, report = poolscope_json(core)
        truth.validate(report)
        equal(report["system"]["kernel_base"], true["system"]["kernel_base"], "kernel_base")
        equal(report["system"]["directory_table_base"], true["system"]["directory_table_base"], "root")
        check("self-map search" in report["system"]["located_by"], report["system"]["located_by"])
        truth.compare_tags(report["pool"], true)
        equal(status, 0 if kind != "none" else status, "exit status")

    return case


def lookalikes():
    """Tables that map themselves and lead to no kernel: of other systems, of a hypervisor, in hundreds."""
    with scratch() as directory:
        image, true = machine("x64", directory, "image.raw", 1, HIGH, "kdbg encoded", "kernel-code built")
        with open(image, "r+b") as file:
            for pfn in range(0x200, 0x400):
                words = [0] * 512
                for slot in (256, 300, 400, 496, 511):
                    words[slot] = pfn + 0x1000 << 12 | 0x63  # nothing is there
                words[0x100 + pfn % 200] = pfn << 12 | 0x63
                os.pwrite(file.fileno(), struct.pack("<512Q", *words), pfn * PAGE)
        status, report = poolscope_json(image)
        equal(report["system"]["kernel_base"], true["system"]["kernel_base"], "kernel_base")
        truth.compare_tags(report["pool"], true)
        check(not any("kernels" in note for note in report["system"]["notes"]), report["system"]["notes"])
    return f"exit status {status}"


def guest():
    """The kernel of a guest, whose tables hold frame numbers of the guest: nothing of it is read, and its
    KDBG is mentioned."""
    with scratch() as directory:
        image, true = machine("x64", directory, "image.raw", 1, HIGH, *ENCODED["x64"])
        inner, other = machine("x64", directory, "inner.raw", 2, LOW)
        with open(inner, "r+b") as file:  # as if each frame lay elsewhere
            at = int(other["system"]["directory_table_base"], 16) & ~0xFFF
            words = struct.unpack("<512Q", os.pread(file.fileno(), PAGE, at))
            os.pwrite(file.fileno(), struct.pack("<512Q", *(w + 0x40000000 if w & 1 else w for w in words)), at)
        lay_over(image, inner)
        _, report = poolscope_json(image)
    truth.validate(report)
    equal(report["system"]["kernel_base"], true["system"]["kernel_base"], "kernel_base")
    truth.compare_tags(report["pool"], true)
    notes = report["system"]["notes"]
    want = "memory holds the KDBG of 1 other kernel, of guests or of earlier boots, of which nothing is read; the " \
        f"first is of one at {plain(other['system']['kernel_base'])}"  # fmt: skip
    check(want in notes, f"{notes} lack {want!r}")


def cases():
    for family in FAMILIES:
        for low in (True, False):
            yield f"two-kernels/{family}/running-{'low' if low else 'high'}", two_kernels(family, low, (), ())
        yield f"without-low-memory/{family}", without_low_memory(family)
        encoded = ENCODED.get(family)
        if encoded:
            yield f"two-kernels/{family}/both-encoded", two_kernels(family, False, encoded, encoded)
            yield f"two-kernels/{family}/crashed-before", two_kernels(family, False, encoded, ())
            yield f"two-kernels/{family}/plain-after", two_kernels(family, True, (), encoded)
            yield f"without-low-memory/{family}-encoded", without_low_memory(family, *encoded)
    yield "two-kernels/x64/no-kdbg", two_kernels("x64", False, ("kdbg none", "kernel-code built"), ENCODED["x64"])
    yield "two-kernels/guest", guest
    yield "two-kernels/low-stub", named_root("page tables: low stub")
    yield "user-root/plain", user_root("plain")
    yield "user-root/encoded", user_root("encoded", *ENCODED["x64"])
    yield "user-root/none", user_root("none", "kdbg none", "kernel-code built")
    yield "look-alikes", lookalikes
