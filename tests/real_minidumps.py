"""Two real minidumps, x64 and ARM64: everything that they hold, against the bytes of the files.

The reader here is written from the published layout and shares nothing with the program.
"""

import os
import struct
import uuid

import truth
from harness import check, data, equal, poolscope_json

HEADER = 0x2000  # the triage header lies behind it
DRIVER, BLOCK, UNLOADED = 0x90, 16, 0x38

# What the files are known to be, whatever any reader says.
KNOWN = {
    "triage_x64.dmp": {
        "arch": "x64", "build": 19041, "processors": 16, "drivers": 151, "unloaded": 4,
        "code": "0x1000007e", "secondary": 20, "lab": "19041.1.amd64fre.vb_release.191206-1406",
        "parameters": [0xFFFFFFFFC0000005, 0xFFFFF8048B58334C, 0xFFFF850429891EE8, 0xFFFF850429891720],
        "kdbg": 0xFFFFF8047C600B20, "base": 0xFFFFF8047BA00000, "crash_time": "2021-02-21T01:38:22Z",
        "first": ("ntoskrnl.exe", 0x1046000), "last": ("rdpbus.sys", 0xE000),
        "unloaded_last": "dam.sys",
    },
    "triage_arm64.dmp": {
        "arch": "arm64", "build": 22000, "processors": 8, "drivers": 245, "unloaded": 11,
        "code": "0x000001c8", "secondary": 42, "lab": "22000.1.arm64fre.co_release.210604-1628",
        "parameters": [0x1B58, 0xFFFFF803F3A20860, 0, 0],
        "kdbg": 0xFFFFF803F3A00D00, "base": 0xFFFFF803F2E00000, "crash_time": "2021-09-14T02:51:58Z",
        "first": ("ntoskrnl.exe", 0x103E000), "last": ("terminpt.sys", 0xF000),
        "unloaded_last": "MSKSSRV.sys",
    },
}  # fmt: skip


class Bytes:
    """The file, read by the published layout."""

    def __init__(self, path):
        with open(path, "rb") as file:
            self.data = file.read()

    def u32(self, at):
        return struct.unpack_from("<I", self.data, at)[0]

    def u64(self, at):
        return struct.unpack_from("<Q", self.data, at)[0]

    def text(self, at, size):
        return self.data[at:at + size].decode("utf-16-le")

    def drivers(self):
        start, count = self.u32(HEADER + 0x30), self.u32(HEADER + 0x34)
        for entry in range(start, start + count * DRIVER, DRIVER):
            name = self.u32(entry)
            yield {"base": self.u64(entry + 0x38), "size": self.u32(entry + 0x48),
                   "checksum": self.u32(entry + 0x80), "timestamp": self.u32(entry + 0x88),
                   "path": self.text(name + 4, 2 * self.u32(name))}  # fmt: skip

    def unloaded(self):
        start = self.u32(HEADER + 0x18)
        for i in range(self.u64(start)):
            entry = start + 8 + i * UNLOADED
            length = struct.unpack_from("<H", self.data, entry)[0]
            yield self.text(entry + 16, length), self.u64(entry + 0x28), self.u64(entry + 0x30)

    def distinct_bytes(self):
        """Addresses in data blocks, call stack and KDBG, each counted once."""
        start, count = self.u32(HEADER + 0x78), self.u32(HEADER + 0x7C)
        ranges = [(self.u64(at), self.u32(at + 12))
                  for at in range(start, start + count * BLOCK, BLOCK)]  # fmt: skip
        ranges.append((self.u64(HEADER + 0x48), self.u32(HEADER + 0x2C)))
        ranges.append((self.u64(0x80), self.u32(HEADER + 0x74)))
        total = end = 0
        for address, size in sorted(ranges):
            total += max(0, address + size - max(end, address))
            end = max(end, address + size)
        return total

    def secondary(self):
        """Down to the last byte of the file."""
        at = self.u32(HEADER + 4)
        equal(self.data[at:at + 8], b"DumpBlob", "magic of the secondary data")
        at += self.u32(at + 8)
        while at < len(self.data):
            size, before, after = struct.unpack_from("<III", self.data, at + 0x14)
            yield str(uuid.UUID(bytes_le=self.data[at + 4:at + 20])), size
            at += 0x20 + before + size + after
        equal(at, len(self.data), "end of the secondary data")


def report_of(name, command, want):
    status, report = poolscope_json(command, data("triage", name), want=(0, 1, 3))
    equal(status, want, f"exit status of {command}")
    if want != 3:
        truth.validate(report)
    return report


def all_modules(name):
    report, file = report_of(name, "modules", 0), Bytes(data("triage", name))
    got, want = report["modules"], list(file.drivers())
    equal(len(got), KNOWN[name]["drivers"], "modules")
    equal(len(want), len(got), "entries of the driver list")
    for module, wanted in zip(got, want):
        path = wanted["path"]
        check(path.isprintable() and path, f"module {module['base']}: name {path!r}")
        check(int(module["base"], 16) % 4096 == 0, f"module {path}: base {module['base']}")
        check(module["size"] % 4096 == 0 and module["size"] > 0, f"module {path}: size")
        equal(int(module["base"], 16), wanted["base"], f"module {path} base")
        for key in ("size", "path", "checksum", "timestamp"):
            equal(module[key], wanted[key], f"module {path} {key}")
        equal(module["name"], path.rpartition("\\")[2], f"module {path} name")
    for place, key in ((0, "first"), (-1, "last")):
        equal((got[place]["name"], got[place]["size"]), KNOWN[name][key], f"{key} module")
    equal(report["modules_complete"], True, "modules_complete")
    return f"{len(got)} modules"


def all_unloaded(name):
    report, file = report_of(name, "modules", 0), Bytes(data("triage", name))
    got = [(m["name"], int(m["base"], 16), int(m["base"], 16) + m["size"])
           for m in report["unloaded_modules"]]  # fmt: skip
    equal(got, list(file.unloaded())[::-1], "unloaded drivers, newest last")
    equal(len(got), KNOWN[name]["unloaded"], "unloaded drivers")
    equal(got[-1][0], KNOWN[name]["unloaded_last"], "driver unloaded last")
    return f"{len(got)} drivers"


def machine(name):
    known, system = KNOWN[name], report_of(name, "info", 0)["system"]
    for key in ("arch", "build", "processors", "crash_time"):
        equal(system[key], known[key], f"system {key}")
    equal(system["build_lab"], known["lab"], "build_lab")
    equal(system["bugcheck"]["code"], known["code"], "bug check code")
    equal([int(p, 16) for p in system["bugcheck"]["parameters"]], known["parameters"], "parameters")
    equal(int(system["kdbg"], 16), known["kdbg"], "kdbg")
    equal(int(system["kernel_base"], 16), known["base"], "kernel_base")
    check("copy in the minidump" in system["located_by"], f"located_by: {system['located_by']}")


def contents(name):
    file, path = report_of(name, "info", 0)["file"], data("triage", name)
    want = {"format": "windows-triage", "complete": True, "size": os.path.getsize(path)}
    equal({key: file[key] for key in want}, want, "file")
    equal(file["notes"], [], "notes")
    minidump = file["minidump"]
    for key in ("context", "exception", "processor", "process", "thread"):
        equal(minidump[key], True, f"minidump {key}")
    equal(minidump["kdbg_bytes"], 0x380, "KDBG")
    equal(minidump["stack_bytes"], Bytes(path).u32(HEADER + 0x2C), "call stack")
    equal(minidump["bytes"], Bytes(path).distinct_bytes(), "bytes of memory")


def secondary_data(name):
    minidump = report_of(name, "info", 0)["file"]["minidump"]
    got = [(item["guid"], item["bytes"]) for item in minidump["secondary_data"]]
    equal(got, list(Bytes(data("triage", name)).secondary()), "secondary data")
    equal(len(got), KNOWN[name]["secondary"], "items")
    names = [item["name"] for item in minidump["secondary_data"] if item["name"]]
    check("storport" in names and "ACPI tables" in names, f"names: {names}")
    return f"{len(got)} items, {len(names)} with a name"


def totals_not_filled_in(name):
    """Both were cut from MEMORY.DMP at the next start."""
    pool = report_of(name, "analyze", 1)["pool"]
    equal(pool["totals"], None, "totals")
    check("cut from MEMORY.DMP" in pool["totals_note"], f"totals_note: {pool['totals_note']}")


def no_pools(name):
    for command in ("tags", "big"):
        error = report_of(name, command, 3)["error"]
        check("minidump" in error["message"], f"message: {error['message']}")
        check("Kernel memory dump" in error["hint"], f"hint: {error['hint']}")
    report = report_of(name, "analyze", 1)
    for key in ("tracker", "tags", "big_pages"):
        equal(report["pool"][key], None, f"pool {key}")
    ids = [finding["id"] for finding in report["findings"]]
    equal(ids, ["tag-tables-unavailable"], "findings")


def cases():
    tests = [all_modules, all_unloaded, machine, contents, secondary_data, totals_not_filled_in, no_pools]
    for name in KNOWN:
        for test in tests:
            title = test.__name__.replace("_", "-")
            yield f"{name.removesuffix('.dmp')}/{title}", lambda t=test, n=name: t(n)
