"""Containers that QEMU itself wrote, of a stopped machine whose memory is an image of mkdump: each
must give the rows of the crash dump of the same machine, through both readers where there are two.

Skipped with a word where QEMU or makedumpfile is not installed; `make check-qemu` installs them.
"""

import os

import qemu
import truth
from harness import check, equal, make_dump, poolscope_json, scratch

JOBS = 1
UNIT = 2 << 20  # of a machine's memory
MACHINES = ("family-10-17763-x64", "family-26100-x64", "family-81-x64", "family-7-x86-pae", "family-xp-x86")
# Low memory as small as it gets: the rest lies above 4 GiB, as on every large machine.
SPLIT = ["include family-10-17763-x64.recipe", "run 1 0x9e", "run 0x100 0x3f00",
         "run 0x100000 0x2000", ""]  # fmt: skip
SPLIT_BELOW = 64 << 20
# RAM of the ARM64 machine begins at 1 GiB.
ARM64 = ["include family-22000-arm64.recipe", "run 0x40000 0x4000", ""]
ARM64_START = 1 << 30
KINDS = ("elf", "kdump-flattened", "kdump")


def squeezed(image, below):
    """RAM as the machine has it: what lies above 4 GiB follows what lies below."""
    with open(image, "r+b") as file:
        size = os.path.getsize(image)
        file.seek(4 << 30)
        above = file.read(size - (4 << 30))
        file.truncate(below)
        file.seek(below)
        file.write(above)


def memory_of(image, below):
    if below:
        squeezed(image, below)
    size = -(-os.path.getsize(image) // UNIT) * UNIT
    os.truncate(image, size)
    return size


def written(monitor, directory, kind):
    path = os.path.join(directory, kind)
    if kind == "kdump":
        flat = qemu.dump(monitor, path + ".flat", "kdump-zlib")
        return qemu.rearranged(flat, path)
    return qemu.dump(monitor, path, "kdump-zlib" if kind == "kdump-flattened" else kind)


def rows(path, *options):
    """Everything of the pools, and the modules: what the analyst reads."""
    status, report = poolscope_json(path, *options, want=(0, 1, 3))
    check("error" not in report, f"poolscope refuses it: {report.get('error')}")
    truth.validate(report)
    equal(status, 0, "exit status")
    return report


def read_totals(report):
    """Without the limits that follow from the size of RAM: only a crash dump's header states it."""
    totals = dict(report["pool"]["totals"])
    totals["limits"] = {key: value for key, value in totals["limits"].items()
                        if isinstance(value, dict) and value["trust"] == "read"}  # fmt: skip
    return totals


def compare(path, want, *options):
    got = rows(path, *options)
    for part in ("tags", "big_pages", "tracker"):
        equal(got["pool"][part], want["pool"][part], part)
    equal(read_totals(got), read_totals(want), "totals")
    for part in ("modules", "unloaded_modules"):
        equal(got[part], want[part], part)
    equal(got["file"]["complete"], True, "file complete")
    return got["system"]["located_by"].split(";")[0]


def container(recipe, kind, below=None, state=False):
    def case():
        with scratch() as directory:
            crash, _ = make_dump(recipe, directory, name="crash.dmp")
            image, true = make_dump(recipe, directory, sets=["container raw-sparse"], name="ram")
            size = memory_of(image, below)
            with qemu.machine(image, directory, size, below_4g=below) as monitor:
                if state:
                    qemu.turn_paging_on(monitor, directory,
                                        int(true["system"]["directory_table_base"], 16))  # fmt: skip
                dump = written(monitor, directory, kind)
            want = rows(crash)
            found = compare(dump, want)
            if state:
                equal(found, "page tables: state of a processor", "found by")
            if kind.startswith("elf"):
                compare(dump, want, "--reader=kdumpfile")
        return f"{len(want['pool']['tags'])} rows, {found}"

    return case


def arm64(kind):
    """QEMU states no page-table root of an ARM64 processor: the kernel is searched for."""

    def case():
        recipe = "\n".join(ARM64)
        with scratch() as directory:
            crash, _ = make_dump(recipe, directory, name="crash.dmp")
            image, _ = make_dump(recipe, directory, sets=["container raw-sparse"], name="ram")
            with open(image, "r+b") as file:
                file.seek(ARM64_START)
                memory = file.read()
                file.truncate(0)
                file.seek(0)
                file.write(memory)
            size = memory_of(image, None)
            with qemu.arm64_machine(image, directory, size) as monitor:
                dump = written(monitor, directory, kind)
            want = rows(crash)
            found = compare(dump, want)
            if kind == "elf":
                compare(dump, want, "--reader=kdumpfile")
        return f"{len(want['pool']['tags'])} rows, {found}"

    return case


def cases():
    for name in MACHINES:
        for kind in KINDS:
            yield f"{kind}/{name}", container(name + ".recipe", kind)
    for kind in KINDS:
        yield f"{kind}/memory-above-4-gib", container("\n".join(SPLIT), kind, below=SPLIT_BELOW)
        yield f"{kind}/processor-state", container(MACHINES[0] + ".recipe", kind, state=True)
        yield f"{kind}/arm64", arm64(kind)
    yield "elf-paging/processor-state", container(MACHINES[0] + ".recipe", "elf-paging", state=True)
