#!/usr/bin/python3
"""Makes of what lld-link wrote what a driver looks like, and writes its truth as a table.

    finish.py IMAGE MAP TRUTH SOURCE...

The import directory, its lookup tables and names move from .rdata into the room that room.s reserved
in INIT, as in real drivers (only the import address table stays); the checksum is set. The truth
joins the TRUTH and DECOY lines, written by hand in the source, with the addresses of the functions
they name: see README.md.
"""

import re
import shlex
import struct
import sys

MACHINES = {0x8664: "x64", 0x14C: "x86", 0xAA64: "arm64"}
LINE = re.compile(r"/\* (TRUTH|DECOY) (.*?) \*/")
SYMBOL = re.compile(r"^ ([0-9a-f]{4}):([0-9a-f]{8})\s+(\S+)\s+([0-9a-f]{8,16})")


def u16(data, at):
    return struct.unpack_from("<H", data, at)[0]


def u32(data, at):
    return struct.unpack_from("<I", data, at)[0]


class Image:
    def __init__(self, path):
        with open(path, "rb") as file:
            self.data = bytearray(file.read())
        data = self.data
        self.pe = u32(data, 0x3C)
        self.machine = MACHINES[u16(data, self.pe + 4)]
        self.width = 4 if self.machine == "x86" else 8
        optional = self.pe + 24
        self.base = struct.unpack_from("<Q", data, optional + 24)[0] if self.width == 8 else u32(data, optional + 28)
        self.directories = optional + (112 if self.width == 8 else 96)
        table = optional + u16(data, self.pe + 20)
        self.sections = []
        for i in range(u16(data, self.pe + 6)):
            name, size, rva, raw, offset = struct.unpack_from("<8sIIII", data, table + 40 * i)
            self.sections.append((name.rstrip(b"\0").decode(), rva, max(size, raw), offset, raw))

    def section(self, rva):
        for section in self.sections:
            if section[1] <= rva < section[1] + section[2]:
                return section
        raise SystemExit(f"RVA {rva:#x} lies in no section")

    def at(self, rva):
        section = self.section(rva)
        return rva - section[1] + section[3]

    def text(self, rva):
        start = self.at(rva)
        return bytes(self.data[start : self.data.index(0, start) + 1])

    def pointer(self, rva):
        return int.from_bytes(self.data[self.at(rva) : self.at(rva) + self.width], "little")

    def put(self, rva, value, width):
        start = self.at(rva)
        self.data[start : start + width] = value.to_bytes(width, "little")

    def move_imports(self, room, size):
        """Copies directory, lookup tables and names to `room`, and wipes the old ones."""
        directory = u32(self.data, self.directories + 8)
        if not directory or directory == room:
            return  # none, or done before
        modules = []
        while u32(self.data, self.at(directory) + 20 * len(modules) + 16):
            modules.append(struct.unpack_from("<IIIII", self.data, self.at(directory) + 20 * len(modules)))
        free, old = room + 20 * (len(modules) + 1), []

        def take(count):
            nonlocal free
            start = (free + 7) & ~7
            free = start + count
            if free > room + size:
                raise SystemExit("the imports do not fit the room in INIT: make it larger")
            return start

        def place(content, rva):
            start = take(len(content))
            self.data[self.at(start) : self.at(start) + len(content)] = content
            old.append((rva, len(content)))
            return start

        for i, (lookup, time, chain, name, iat) in enumerate(modules):
            count = 0
            while self.pointer(lookup + self.width * count):
                count += 1
            table = take(self.width * (count + 1))
            for k in range(count):
                entry = self.pointer(lookup + self.width * k)
                hint = place(self.data[self.at(entry) : self.at(entry) + 2] + self.text(entry + 2), entry)
                self.put(table + self.width * k, hint, self.width)
                self.put(iat + self.width * k, hint, self.width)
            old.append((lookup, self.width * (count + 1)))
            where = place(self.text(name), name)
            struct.pack_into("<IIIII", self.data, self.at(room) + 20 * i, table, time, chain, where, iat)
        old.append((directory, 20 * (len(modules) + 1)))
        for rva, length in old:
            self.data[self.at(rva) : self.at(rva) + length] = bytes(length)
        struct.pack_into("<II", self.data, self.directories + 8, room, 20 * (len(modules) + 1))

    def set_checksum(self):
        at = self.pe + 24 + 64
        struct.pack_into("<I", self.data, at, 0)
        words = struct.unpack(f"<{len(self.data) // 2}H", self.data[: len(self.data) // 2 * 2])
        total = sum(words)
        while total >> 16:
            total = (total & 0xFFFF) + (total >> 16)
        struct.pack_into("<I", self.data, at, total + len(self.data))


def read_map(path, base):
    """RVA of every symbol, undecorated, and the next symbol's RVA."""
    found = {}
    with open(path, encoding="utf-8") as file:
        for line in file:
            match = SYMBOL.match(line)
            if match:
                found[match[3]] = int(match[4], 16) - base
    return found


def undecorate(name):
    return re.sub(r"@\d+$", "", name.removeprefix("_"))


def parse_tag(text):
    raw = re.sub(rb"\\x([0-9a-f]{2})", lambda m: bytes([int(m[1], 16)]), text.encode())
    if not 1 <= len(raw) <= 4:
        raise SystemExit(f"a tag has one to four bytes: {text}")
    return raw.ljust(4)


def words_of(text):
    """Like a shell, but a backslash stays."""
    lexer = shlex.shlex(text, posix=True, punctuation_chars=False)
    lexer.whitespace_split = True
    lexer.escape = ""
    lexer.quotes = '"'
    lexer.commenters = ""
    return list(lexer)


def read_truth(path):
    """(kind, words) of every TRUTH and DECOY line."""
    with open(path, encoding="utf-8") as file:
        text = file.read()
    for match in LINE.finditer(text):
        yield match[1], words_of(match[2])


def rows(image, source, symbols):
    plain = {}
    for name, rva in symbols.items():
        plain.setdefault(undecorate(name) if image.machine == "x86" else name, rva)
    order = sorted(set(symbols.values()))

    def extent(name):
        if name not in plain:
            raise SystemExit(f"{source}: the image has no function or variable {name}")
        rva = plain[name]
        section = image.section(rva)
        end = min([s for s in order if s > rva] + [section[1] + section[2]])
        return f"{name}:{rva:#x}:{min(end, section[1] + section[2]) - rva:#x}:{section[0]}"

    for kind, words in read_truth(source):
        tag = parse_tag(words[0]).hex()
        if kind == "DECOY":
            yield f"decoy\t{tag}\tdecoy\t-\t-"
            continue
        options = dict(word.split("=", 1) for word in words[4:])
        if image.machine not in options.get("arch", image.machine).split(","):
            continue
        names = [words[3]] + [name for name in options.get("via", "").split(",") if name]
        # Optimisers may have put a wrapper into its caller.
        places = [extent(name) for name in names if name == words[3] or name in plain]
        yield f"tag\t{tag}\t{words[1]}\t{words[2]}\t{' '.join(places)}"


def main():
    path, map_path, truth, *sources = sys.argv[1:]
    image = Image(path)
    symbols = read_map(map_path, image.base)
    room = symbols.get("import_room")
    if room:
        image.move_imports(room, 0x800)
    image.set_checksum()
    with open(path, "wb") as file:
        file.write(image.data)
    with open(truth, "w", encoding="utf-8") as file:
        file.write("# kind\ttag_hex\tgrade\tapi\tname:rva:size:section of site and wrappers\n")
        for source in sources:
            for row in rows(image, source, symbols):
                file.write(row + "\n")


if __name__ == "__main__":
    main()
