#!/usr/bin/python3
"""Checks a dump made by mkdump against its truth, by reading the dump from its bytes.

usage: selfcheck.py DUMP TRUTH.json

What it does: opens the container, walks the page tables, follows KDBG to PoolTrackTable, adds
up every processor's table and the big page table, walks the module list, and compares.
What it does not: find anything without help - a raw image has no header, so CR3, KDBG and the
addresses of the globals are then taken from the truth. Damaged recipes are checked as far as
their damage lets them.
"""
import json
import os
import struct
import sys

PAGE = 4096


class Absent(Exception):
    pass


def u32(data, at=0):
    return struct.unpack_from("<I", data, at)[0]


def u64(data, at=0):
    return struct.unpack_from("<Q", data, at)[0]


class Dump:
    """Physical pages by PFN."""

    def __init__(self, path):
        self.file = open(path, "rb")
        self.size = os.fstat(self.file.fileno()).st_size
        self.header = self.file.read(0x2000)
        self.wide = self.header[:8] == b"PAGEDU64"
        self.raw = self.header[:4] != b"PAGE"
        self.notes = []
        self.cache = {}
        if self.header[:4] == b"\x7fELF":
            self.read_elf()
        if self.raw:
            return
        head = 0x2000 if self.wide else 0x1000
        self.head = head
        self.kind = u32(self.header, 0xF98 if self.wide else 0xF88)
        if self.kind == 1:
            self.read_runs(head)
        elif self.at(head + 4, 4) == b"RDMP":
            self.read_ranges(head)
        elif self.kind in (5, 6, 7):
            self.read_bitmap(head + 0x20, head + 0x38)
        elif self.kind == 2 and u32(self.at(head + 0xC, 4)):
            self.read_summary(head)
        elif self.kind == 2:
            self.read_bitmap(head + 0x20, head + 0x38)
        elif self.kind not in (3, 4):
            raise SystemExit("container type %d is not checked" % self.kind)

    def at(self, offset, length):
        self.file.seek(offset)
        return self.file.read(length)

    def read_elf(self):
        wide = self.header[4] == 2
        at, sections = struct.unpack_from("<QQ" if wide else "<II", self.header, 32 if wide else 28)
        count = struct.unpack_from("<H", self.header, 56 if wide else 44)[0]
        if count == 0xFFFF:
            count = u32(self.at(sections + (44 if wide else 28), 4))
        self.runs = []
        for i in range(count):
            if wide:
                kind, _, offset, _, base, size = struct.unpack("<IIQQQQ", self.at(at + 56 * i, 40))
            else:
                kind, offset, _, base, size = struct.unpack("<IIIII", self.at(at + 32 * i, 20))
            if kind == 1:
                self.runs.append((base // PAGE, size // PAGE, offset))

    def read_runs(self, head):
        self.runs = []
        if self.wide:
            count, at, step = u32(self.header, 0x88), 0x98, 16
        else:
            count, at, step = u32(self.header, 0x64), 0x6C, 8
        offset = head
        for i in range(count):
            fmt = "<QQ" if self.wide else "<II"
            base, pages = struct.unpack_from(fmt, self.header, at + step * i)
            self.runs.append((base, pages, offset))
            offset += pages * PAGE
        if offset != self.size:
            self.notes.append("the runs end at %d, the file at %d" % (offset, self.size))

    def read_ranges(self, head):
        metadata, first = struct.unpack("<QQ", self.at(head + 0x10, 16))
        if metadata - 0x20 != first - head - 0x40:
            self.notes.append("metadata of %d bytes, first page at %d" % (metadata, first))
        total, self.runs = u64(self.at(head + 0x28, 8)), []
        offset, at = first, head + 0x30
        while at < first:
            base, pages = struct.unpack("<QQ", self.at(at, 16))
            if base == 0:
                break
            self.runs.append((base, pages, offset))
            offset, at = offset + pages * PAGE, at + 16
        if total and total != sum(run[1] for run in self.runs):
            self.notes.append("ranges do not have %d pages" % total)
        if offset != self.size:
            self.notes.append("the ranges end at %d, the file at %d" % (offset, self.size))

    def read_bitmap(self, at, bits_at):
        self.first, present, bits = struct.unpack("<QQQ", self.at(at, 24))
        self.load_bits(bits_at, bits, present)

    def read_summary(self, head):
        body = self.at(head, 0x28)
        self.first = u32(body, 0xC)
        self.load_bits(head + (0x28 if self.wide else 0x20), u32(body, 0x10), u32(body, 0x14))

    def load_bits(self, at, bits, present):
        self.bitmap = self.at(at, (bits + 7) // 8)
        self.ranks = []
        rank = 0
        for i in range(0, len(self.bitmap), 4096):
            self.ranks.append(rank)
            rank += bin(int.from_bytes(self.bitmap[i:i + 4096], "little")).count("1")
        if rank != present:
            self.notes.append("bitmap has %d pages, its header says %d" % (rank, present))
        if self.first + rank * PAGE != self.size:
            self.notes.append("pages end at %d, the file at %d"
                              % (self.first + rank * PAGE, self.size))

    def offset(self, pfn):
        if self.raw and not hasattr(self, "runs"):
            start = pfn * PAGE
            if start >= self.size:
                return None
            try:
                data = os.lseek(self.file.fileno(), start, os.SEEK_DATA)
            except OSError:
                return None
            return start if data < start + PAGE else None
        if hasattr(self, "runs"):
            for base, pages, offset in self.runs:
                if base <= pfn < base + pages:
                    return offset + (pfn - base) * PAGE
            return None
        if pfn >= 8 * len(self.bitmap) or not self.bitmap[pfn // 8] >> pfn % 8 & 1:
            return None
        block = pfn // (8 * 4096)
        bits = int.from_bytes(self.bitmap[block * 4096:pfn // 8 + 1], "little")
        below = bits & ((1 << (pfn - block * 8 * 4096)) - 1)
        return self.first + (self.ranks[block] + bin(below).count("1")) * PAGE

    def page(self, pfn):
        if pfn not in self.cache:
            offset = self.offset(pfn)
            data = self.at(offset, PAGE) if offset is not None else b""
            self.cache[pfn] = data if len(data) == PAGE else None
        if self.cache[pfn] is None:
            raise Absent("page %x is not in the dump" % pfn)
        return self.cache[pfn]


class Memory:
    """Virtual addresses over the page tables."""

    LEVELS = {"x86": ([(22, 1024), (12, 1024)], 4),
              "x86-pae": ([(30, 4), (21, 512), (12, 512)], 8),
              "x64": ([(39, 512), (30, 512), (21, 512), (12, 512)], 8),
              "x64-la57": ([(48, 512), (39, 512), (30, 512), (21, 512), (12, 512)], 8),
              "arm64": ([(39, 512), (30, 512), (21, 512), (12, 512)], 8)}

    def __init__(self, dump, arch, root, build):
        self.dump, self.arch, self.build = dump, arch, build
        self.levels, self.width = self.LEVELS[arch]
        self.pointer = 4 if arch.startswith("x86") else 8
        self.root = root & (0xFFFFFFFFFF000 if self.pointer == 8 else 0xFFFFFFE0)
        self.seen = {}

    def translate(self, va):
        table = self.root
        for depth, (shift, entries) in enumerate(self.levels):
            at = (table & 0xFE0) + (va >> shift & entries - 1) * self.width
            raw = self.dump.page(table >> 12)[at:at + self.width]
            entry = int.from_bytes(raw, "little")
            last = depth == len(self.levels) - 1
            if not entry & 1:
                if last and self.arch.startswith("x64") and self.build >= 17134 and not entry & 0x10:
                    entry ^= 1 << 45
                if last and entry & 0xC00 == 0x800:
                    return (entry & 0xFFFFFFFFFF000) >> 12
                raise Absent("no valid entry at level %d for %x: %x" % (depth, va, entry))
            table = entry & 0xFFFFFFFFFF000
            if self.arch == "arm64":
                large = not entry & 2
                if large and depth not in (1, 2):
                    raise Absent("reserved descriptor at level %d for %x: %x" % (depth, va, entry))
            else:
                large = entry & 0x80 and not last and not (self.arch == "x86-pae" and depth == 0)
            if large:
                return (table >> 12) + ((va & (1 << shift) - 1) >> 12)
        return table >> 12

    def read(self, va, length):
        out = b""
        while length:
            key = va >> 12
            if key not in self.seen:
                self.seen[key] = self.translate(va)
            part = min(length, PAGE - va % PAGE)
            out += self.dump.page(self.seen[key])[va % PAGE:va % PAGE + part]
            va, length = va + part, length - part
        return out

    def number(self, va, width=None):
        width = width or self.pointer
        return int.from_bytes(self.read(va, width), "little")


TRACKERS = {  # (entry size, count width, byte width, offsets A F B nonpaged, A F B paged)
    0x1C: (4, 4, 4, 8, 12, 16, 20, 24), 0x28: (4, 8, 4, 8, 16, 24, 28, 32),
    0x30: (8, 4, 8, 16, 4, 32, 40, 24), 0x38: (8, 8, 16, 24, 8, 40, 48, 32),
    0x50: (8, 8, 16, 24, 8, 40, 48, 32)}


def hash_slot(kind, key, mask):
    if kind == "A":
        h = key * 40543
        return (h ^ h >> 32) & 0xFFFFFFFF & mask
    x = 0
    for shift in (0, 8, 16, 24):
        x = x << 2 ^ (key >> shift & 0xFF)
    return 40543 * x >> 2 & mask


def read_table(memory, va, entries, size):
    """Yields (slot, entry bytes or None where absent)."""
    pages = {}
    for slot in range(entries):
        start = va + slot * size
        parts = []
        for page in range(start >> 12, (start + size - 1 >> 12) + 1):
            if page not in pages:
                try:
                    pages[page] = memory.read(page << 12, PAGE)
                except Absent:
                    pages[page] = None
            parts.append(pages[page])
        if any(p is None for p in parts):
            yield slot, None
        else:
            at = start & 0xFFF
            yield slot, b"".join(parts)[at:at + size]


class Check:
    def __init__(self, dump, truth):
        self.dump, self.truth, self.problems = dump, truth, []
        system = truth["system"]
        self.arch, self.build = system["arch"], system["build"]
        self.cr3 = int(system["directory_table_base"], 16)
        paging = "x64-la57" if system["la57"] else self.arch
        self.memory = Memory(dump, paging, self.cr3, self.build)
        self.wide = self.memory.pointer == 8
        self.globals = {k: int(v, 16) for k, v in truth["globals"].items()}

    def want(self, name, got, expected):
        if got != expected:
            self.problems.append("%s: got %r, the truth is %r" % (name, got, expected))

    def check_header(self):
        h, wide, system = self.dump.header, self.dump.wide, self.truth["system"]
        self.want("CR3", u64(h, 0x10) if wide else u32(h, 0x10), self.cr3)
        self.want("build", u32(h, 0xC), self.build)
        kdbg = u64(h, 0x80) if wide else u32(h, 0x60)
        self.want("KDBG", kdbg, int(system["kdbg"] or "0", 16))
        self.want("bug check", u32(h, 0x38 if wide else 0x28), int(system["bugcheck"]["code"], 16))

    def check_kdbg(self):
        kdbg = int(self.truth["system"]["kdbg"] or "0", 16)
        if not kdbg:
            return
        block = self.memory.read(kdbg, 0x290)
        if block[0x10:0x14] != b"KDBG":
            never = self.memory.number(self.globals["KiWaitNever"], 8)
            always = self.memory.number(self.globals["KiWaitAlways"], 8)
            block = b"".join(self.decode(block[i:i + 8], never, always)
                             for i in range(0, len(block), 8))
        self.want("KDBG tag", block[0x10:0x14], b"KDBG")
        mask = (1 << 64) - 1 if self.wide else 0xFFFFFFFF
        self.want("KernBase", u64(block, 0x18) & mask,
                  int(self.truth["system"]["kernel_base"], 16))
        variable = u64(block, 0x1B8) & mask
        self.want("PoolTrackTable variable", variable, self.globals["PoolTrackTable"])
        self.want("PoolTrackTable", self.memory.number(variable),
                  int(self.truth["pool"]["tracker"]["address"], 16))

    def decode(self, raw, never, always):
        mask = (1 << 64) - 1
        q = u64(raw) ^ never
        turn = never & 63
        q = (q << turn | q >> (64 - turn)) & mask
        q ^= self.globals["KdpDataBlockEncoded"]
        q = int.from_bytes(q.to_bytes(8, "little"), "big") ^ always
        return q.to_bytes(8, "little")

    def table_addresses(self):
        first = self.memory.number(self.globals["PoolTrackTable"])
        array, width = self.globals.get("ExPoolTagTables"), self.memory.pointer
        tables = [first]
        for i in range(64 if array else 0):
            try:
                va = self.memory.number(array + i * width)
            except Absent:
                break
            if not va:
                break
            if va not in tables and hex(va)[2:] in self.known_tables():
                tables.append(va)
        return tables

    def known_tables(self):
        return {t[2:].lstrip("0") for t in self.truth["pool"]["tracker"]["tables"]}

    def check_tags(self):
        tracker = self.truth["pool"]["tracker"]
        size, entries = tracker["entry_size"], tracker["entries"]
        self.want("PoolTrackTableSize", self.memory.number(self.globals["PoolTrackTableSize"]),
                  entries)
        self.want("mask", self.memory.number(self.globals["PoolTrackTableMask"]), entries - 2)
        tables = self.table_addresses()
        array_missing = self.truth["missing_counts"].get("array")
        if not array_missing:
            self.want("tables", len(tables), tracker["processors_merged"])
        sums, absent = {}, 0
        sources = [(va, entries) for va in tables]
        if tracker["expansion_address"]:
            sources.append((int(tracker["expansion_address"], 16), tracker["expansion_entries"]))
        for va, count in sources:
            keys = {}
            for slot, data in read_table(self.memory, va, count, size):
                if data is None:
                    absent += 1
                    continue
                key = u32(data)
                if key:
                    keys[key] = slot
                    self.add(sums, key, data, size)
            if va == tables[0] and not absent:
                self.check_slots(keys, entries, tracker["hash"])
        self.compare_tags(sums, size, array_missing)
        if tracker["complete"] != (absent == 0):
            self.problems.append("%d entries absent, complete is %s" % (absent, tracker["complete"]))

    def add(self, sums, key, data, size):
        counts, width, *offsets = TRACKERS[size]
        row = sums.setdefault(key, [0] * 6)
        for i, offset in enumerate(offsets):
            part = width if i % 3 == 2 else counts
            row[i] += int.from_bytes(data[offset:offset + part], "little")

    def check_slots(self, keys, entries, kind):
        mask = entries - 2
        used = set(keys.values())
        for key, slot in keys.items():
            if slot == entries - 1:
                self.want("last slot", struct.pack("<I", key), b"Ovfl")
                continue
            at = hash_slot(kind, key, mask)
            while at != slot and at in used:
                at = at + 1 & mask
            if at != slot:
                self.problems.append("key %08x at %d is not reachable" % (key, slot))

    def compare_tags(self, sums, size, array_missing):
        counts, width, *_ = TRACKERS[size]
        masks = [(1 << 8 * counts) - 1] * 2 + [(1 << 8 * width) - 1]
        known = set()
        for tag in self.truth["pool"]["tags"]:
            key = u32(bytes.fromhex(tag["tag_hex"]))
            known.add(key)
            if tag["touched_by_missing"] or array_missing:
                continue
            row = sums.get(key)
            if row is None:
                self.problems.append("tag %s is not in the tables" % tag["tag"])
                continue
            for i, side in enumerate(("nonpaged", "paged")):
                got = [v & m for v, m in zip(row[3 * i:3 * i + 3], masks)]
                expected = [tag[side][n] for n in ("allocs", "frees", "bytes")]
                self.want("tag %s %s" % (tag["tag"], side), got, expected)
        for key in sums.keys() - known:
            self.problems.append("tag %08x is not in the truth" % key)

    def check_big(self):
        big = self.truth["pool"]["big_pages"]
        va = self.memory.number(self.globals["PoolBigPageTable"])
        self.want("PoolBigPageTable", va, int(big["address"], 16))
        self.want("PoolBigPageTableSize", self.memory.number(self.globals["PoolBigPageTableSize"]),
                  big["entries"])
        if not big["complete"]:
            return
        pointer = self.memory.pointer
        sums, live, freed = {}, 0, 0
        for _, data in read_table(self.memory, va, big["entries"], big["entry_size"]):
            address = int.from_bytes(data[:pointer], "little")
            key = u32(data, pointer)
            if address == 1:
                continue
            if address & 1:
                freed += 1
                continue
            live += 1
            self.add_big(sums, address, key & (0x7FFFFFFF if self.build <= 9600 else -1), data)
        self.want("live big pages", live, big["in_use"])
        self.want("freed big pages", freed, big["freed"])
        expected = {}
        for tag in big["by_tag"]:
            key = u32(bytes.fromhex(tag["tag_hex"])) & (0x7FFFFFFF if self.build <= 9600 else -1)
            row = [tag[s][n] for s in ("nonpaged", "paged") for n in ("count", "bytes")]
            expected[key] = [a + b for a, b in zip(expected.get(key, [0] * 4), row)]
        self.want("big pages by tag", sums, expected)

    def add_big(self, sums, address, key, data):
        wide = self.wide
        if self.build < 6000:
            amount = u32(data, 0xC if wide else 8) * PAGE
            start = self.memory.number(self.globals["MmPagedPoolStart"])
            end = self.memory.number(self.globals["MmPagedPoolEnd"])
            paged = start <= address < end
        else:
            word = u32(data, 0xC if wide else 8)
            amount = u64(data, 0x10) if wide else u32(data, 0xC)
            bit = 1 if self.build < 10240 else 0x100 if self.build < 26100 else 0x10000
            paged = bool(word & bit)
        row = sums.setdefault(key, [0] * 4)
        row[2 * paged] += 1
        row[2 * paged + 1] += amount

    def check_modules(self):
        head = self.globals["PsLoadedModuleList"]
        wide = self.wide
        at, found, expected = self.memory.number(head), [], self.truth["modules"]
        while at != head and len(found) < len(expected):
            base = self.memory.number(at + (0x30 if wide else 0x18))
            name = at + (0x58 if wide else 0x2C)
            length = self.memory.number(name, 2)
            buffer = self.memory.number(name + (8 if wide else 4))
            found.append((base, self.memory.read(buffer, length).decode("utf-16-le")))
            at = self.memory.number(at)
        self.want("modules", found, [(int(m["base"], 16), m["name"]) for m in expected])
        for module in expected:
            try:
                self.want("MZ of " + module["name"],
                          self.memory.read(int(module["base"], 16), 2), b"MZ")
            except Absent:
                pass

    def check_kuser(self):
        va = 0xFFFFF78000000000 if self.wide else 0xFFDF0000
        try:
            self.want("NtMajorVersion", self.memory.number(va + 0x26C, 4),
                      5 if self.build < 6000 else 6 if self.build < 10000 else 10)
        except Absent:
            pass

    def run(self):
        steps = [self.check_kdbg, self.check_tags, self.check_big, self.check_modules,
                 self.check_kuser]
        for step in ([] if self.dump.raw else [self.check_header]) + steps:
            try:
                step()
            except Absent as reason:
                lost = [m for m in self.truth["missing"] if m["structure"] == "ldr"
                        or m["name"] == "ntoskrnl.exe"]
                if step != self.check_modules or not lost:
                    self.problems.append("%s: %s" % (step.__name__, reason))
        notes = [] if self.truth["file"]["truncated"] else self.dump.notes
        return notes + self.problems


def check_minidump(dump, truth):
    """Driver list, end mark and size; a header alone has a size only."""
    head, wide, problems = dump.head, dump.wide, []
    if dump.kind == 3:
        return [] if dump.size == head else ["a header of %d bytes" % dump.size]
    size, mark, at, count = (u32(dump.at(head + o, 4)) for o in (4, 8, 0x30, 0x34))
    if dump.at(mark, 4) != b"TRGD" or size != mark + 4:
        problems.append("the end mark is not at %d, before %d" % (mark, size))
    found = []
    for entry in range(at, at + count * (0x90 if wide else 0x4C), 0x90 if wide else 0x4C):
        name = u32(dump.at(entry, 4))
        base = dump.at(entry + (0x38 if wide else 0x1C), 8 if wide else 4)
        text = dump.at(name + 4, 2 * u32(dump.at(name, 4))).decode("utf-16-le")
        found.append((int.from_bytes(base, "little"), text))
    if found != [(int(m["base"], 16), m["path"]) for m in truth["modules"]]:
        problems.append("drivers: %s" % found)
    return problems


def main():
    dump = Dump(sys.argv[1])
    with open(sys.argv[2], encoding="utf-8") as file:
        truth = json.load(file)
    whole = truth["file"]["holds"] == "pages"
    problems = Check(dump, truth).run() if whole else check_minidump(dump, truth)
    for problem in problems[:20]:
        print("  " + problem[:400])
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
