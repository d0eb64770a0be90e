"""What is read of a PE image, beside llvm-readobj's reading of the same files: every driver of
../shared/data/drivers and the test drivers of corpus/drivers; sections, imports with their slots,
exports, function bodies, PDB and version strings. test_pe_real.c lays the real files out in memory.

llvm-readobj 14 breaks off (a failed assertion) in the unwind codes of many x64 files. There binutils'
objdump says where bodies begin and end, and what chains them is read here; what llvm-readobj printed
before is compared as well.
"""

import glob
import json
import os
import re
import shutil
import struct

import suite_drivers
from harness import BUILD, ROOT, Failure, Skip, check, data, equal, run

READOBJ = "llvm-readobj-14"
SWITCHES = ["--file-headers", "--sections", "--coff-imports", "--coff-exports",
            "--coff-debug-directory", "--coff-resources"]
STRINGS = ["CompanyName", "ProductName", "FileDescription", "FileVersion", "OriginalFilename",
           "LegalCopyright"]


def number(text):
    return int(text, 0)


def field(text, name, default=None):
    found = re.search(rf"^\s*{name}: ?(.*)$", text, re.MULTILINE)
    if found is None:
        check(default is not None, f"{READOBJ} has no {name}")
        return default
    return found[1]


def blocks(text, head):
    """The texts of `head {` ... `}` with the closing brace at the same depth."""
    pattern = rf"^( *){re.escape(head)} \{{\n(.*?)^\1\}}$"
    return [match[2] for match in re.finditer(pattern, text, re.MULTILINE | re.DOTALL)]


def sections(text):
    return sorted((number(field(s, "VirtualAddress")), field(s, "Name").split(" (")[0],
                   number(field(s, "VirtualSize")),
                   number(re.search(r"Characteristics \[ \((0x[0-9A-F]+)\)", s)[1]))
                  for s in blocks(text, "Section"))


def imports(text, width):
    found = []
    for block in blocks(text, "Import"):
        slot = number(field(block, "ImportAddressTableRVA"))
        for symbol in re.findall(r"^  Symbol: (.*)$", block, re.MULTILINE):
            name, value = re.fullmatch(r"(.*?) ?\((\d+)\)", symbol).groups()
            found.append([field(block, "Name"), name or None, 0 if name else int(value), slot])
            slot += width
    return found


def exports(text):
    """Without the slots that no function is in: lld keeps ordinal 0 free."""
    found = []
    for block in blocks(text, "Export"):
        forward = field(block, "ForwardedTo", "")
        found.append((field(block, "Name", "") or None, number(field(block, "Ordinal")),
                      0 if forward else number(field(block, "RVA")), forward or None))
    return sorted((e for e in found if e[0] or e[2] or e[3]), key=str)


def raw_reader(path, text):
    """read(rva, length) of the file's bytes, by the sections that llvm-readobj names."""
    with open(path, "rb") as file:
        raw = file.read()
    places = [tuple(number(field(s, name)) for name in
                    ("VirtualAddress", "RawDataSize", "PointerToRawData"))
              for s in blocks(text, "Section")]

    def read(rva, length):
        for start, size, at in places:
            if start <= rva < start + size:
                return raw[at + rva - start:at + rva - start + length]
        raise Failure(f"no section holds RVA {rva:#x}")

    return read


def chained_to(read, unwind):
    """Begin and unwind information of the record that this one is chained to; None: it is a root."""
    if unwind & 1:
        return struct.unpack("<I4xI", read(unwind - 1, 12))
    flags, _, codes, _ = read(unwind, 4)
    if not flags >> 3 & 4:
        return None
    after = unwind + 4 + (codes + 1 & ~1) * 2
    return struct.unpack("<I4xI", read(after, 12))


def root_of(read, begin, unwind):
    found = chained_to(read, unwind)
    while found:
        begin, unwind = found
        found = chained_to(read, unwind)
    return begin


def functions_x64(path, text, base):
    """By objdump; the roots by the unwind information."""
    read = raw_reader(path, text)
    words = run(["objdump", "-p", path]).stdout.decode("utf-8", "replace")
    lines = re.findall(r"^ [0-9a-f]{16}:\t([0-9a-f]{16}) ([0-9a-f]{16}) ([0-9a-f]{16})$",
                       words.partition("The Function Table")[2].split("\n\n")[0], re.MULTILINE)
    records = [[int(word, 16) - base for word in line] for line in lines]
    return sorted([begin, end, root_of(read, begin, unwind)]
                  for begin, end, unwind in records if begin < end)


def check_printed(got, text, base):
    """Each record that llvm-readobj printed, and what it says that it is chained to."""
    roots = {begin: (end, root) for begin, end, root in got}
    for block in blocks(text, "RuntimeFunction"):
        begin, end = (number(re.search(r"0x[0-9A-F]+", field(block, name))[0]) - base
                      for name in ("StartAddress", "EndAddress"))
        chained = blocks(block, "Chained")
        to = begin
        if chained:
            to = number(re.search(r"0x[0-9A-F]+", field(chained[0], "StartAddress"))[0]) - base
        if begin < end:
            equal(roots.get(begin), (end, roots[to][1] if chained else begin), f"{begin:#x}")


def functions_arm64(text, base):
    found = []
    for block in blocks(text, "RuntimeFunction"):
        check(field(block, "Fragment", "No") == "No", "a fragment: the test does not know its root")
        begin = number(re.search(r"0x[0-9A-F]+", field(block, "Function"))[0]) - base
        found.append([begin, begin + number(field(block, "FunctionLength")), begin])
    return sorted(found)


def pdb(text):
    for entry in blocks(text, "DebugEntry"):
        if "PDBGUID" in entry:
            raw = bytes.fromhex(re.search(r"\((.*)\)", field(entry, "PDBGUID"))[1])
            guid = struct.unpack("<IHH8s", raw)
            text = f"{guid[0]:08X}{guid[1]:04X}{guid[2]:04X}{guid[3].hex().upper()}"
            name = re.split(r"[\\/]", field(entry, "PDBFileName"))[-1]
            return name, f"{text}-{number(field(entry, 'PDBAge')):X}"
    return "", ""


def version_data(text):
    """The bytes of the version resource, out of the hexadecimal listing."""
    found = re.search(r"Type: VERSIONINFO.*?Data \(\n(.*?)^\s*\)$", text, re.MULTILINE | re.DOTALL)
    if not found:
        return None
    lines = [line.split(":", 1)[1].split("|")[0] for line in found[1].splitlines()]
    return bytes.fromhex("".join(lines))


def version_tree(raw, at, end):
    """(key, value, children) of each block in raw[at:end]."""
    found = []
    while at + 6 <= end:
        length, value_length, kind = struct.unpack_from("<HHH", raw, at)
        stop = at + 6
        while raw[stop:stop + 2] != b"\0\0":
            stop += 2
        key = raw[at + 6:stop].decode("utf-16-le")
        value = (stop + 2 + 3) & ~3
        inside = (value + value_length * (2 if kind else 1) + 3) & ~3
        is_string = value_length and kind
        children = [] if is_string else version_tree(raw, inside, at + length)
        found.append((key, raw[value:at + length] if is_string or value_length else b"", children))
        at = (at + length + 3) & ~3
    return found


def version(text):
    raw = version_data(text)
    if raw is None:
        return None
    (_, fixed, children), = version_tree(raw, 0, len(raw))
    words = struct.unpack_from("<4H", fixed, 8)
    strings = dict.fromkeys(STRINGS, "")
    for key, _, tables in children:
        for _, _, entries in tables if key == "StringFileInfo" else []:
            for name, value, _ in entries:
                if name in strings:
                    strings[name] = value.decode("utf-16-le").split("\0")[0]
    return [words[1], words[0], words[3], words[2]], strings


def check_version(got, want):
    equal(got["present"], want is not None, "version is present")
    if want is None:
        equal(got["why_not"], "no resources", "why no version")
        return
    equal(got["file"], want[0], "version of the file")
    for name in STRINGS:
        # poolscope keeps 127 bytes
        equal(got[name], want[1][name].encode()[:127].decode("utf-8", "ignore"), name)


def check_functions(got, path, text, machine, base):
    unwind = run([READOBJ, "--unwind", path], want=None).stdout.decode("utf-8", "replace")
    if machine == 0x8664:
        equal(got, functions_x64(path, text, base), "functions")
        check_printed(got, unwind, base)
    else:
        equal(got, functions_arm64(unwind, base) if machine == 0xAA64 else [], "functions")


def compare(path, guid_age=None):
    text = run([READOBJ, *SWITCHES, path]).stdout.decode("utf-8", "replace").replace("\r", "")
    got = json.loads(run([os.path.join(BUILD, "tests", "pe_dump"), path], timeout=20).stdout)
    base = number(field(text, "ImageBase"))
    identity = got["identity"]
    machine = identity["machine"]
    equal(identity["timestamp"], number(field(text, "TimeDateStamp").split("(")[1][:-1]),
          "time stamp")
    equal(identity["size"], number(field(text, "SizeOfImage")), "SizeOfImage")
    equal(got["base"], base, "ImageBase")
    equal(got["entry"], number(field(text, "AddressOfEntryPoint")), "entry point")
    equal([(rva, name, size, flags) for name, rva, size, flags, _, _ in got["sections"]],
          sections(text), "sections")
    equal(got["imports"], imports(text, 4 if machine == 0x14C else 8), "imports")
    equal(sorted(map(tuple, got["exports"]), key=str), exports(text), "exports")
    check_functions(got["functions"], path, text, machine, base)
    equal((identity["pdb_name"], identity["guid_age"]), pdb(text), "PDB")
    if guid_age:
        equal(identity["guid_age"], guid_age, "PDB in INDEX.tsv")
    check_version(got["version"], version(text))
    check(all(pages == present for *_, pages, present in got["sections"]),
          "every page of a whole file is there")
    return (f"{len(got['imports'])} imports, {len(got['exports'])} exports, "
            f"{len(got['functions'])} functions")


def need_readers():
    for program in (READOBJ, "objdump"):
        if not shutil.which(program):
            raise Skip(f"{program} is not installed")


def real_drivers():
    """(path, PDB) of each."""
    with open(data("drivers", "INDEX.tsv"), encoding="utf-8") as file:
        rows = [line.rstrip("\n").split("\t") for line in file]
    pdb_of = {row[0]: row[rows[0].index("pdb_guid_age")] for row in rows[1:]}
    return [(path, pdb_of[os.path.basename(path)])
            for path in sorted(glob.glob(os.path.join(data("drivers"), "*.sys")))]


def real(path, guid_age):
    def case():
        need_readers()
        return compare(path, guid_age)

    return case


def made(config):
    def case():
        need_readers()
        suite_drivers.built()
        paths = sorted(glob.glob(os.path.join(ROOT, "build", "drivers", config, "*.sys")))
        check(paths, "there are no test drivers")
        for path in paths:
            try:
                compare(path)
            except Failure as error:
                raise Failure(f"{os.path.basename(path)}: {error}") from error
        return f"{len(paths)} drivers"

    return case


def no_data(words):
    def case():
        raise Skip(words)

    return case


def cases():
    for config in ("x64-inbox", "x86-O2", "arm64-O2"):
        yield f"made-{config}", made(config)
    try:
        drivers = real_drivers()
    except Skip as error:
        yield "real", no_data(str(error))
        return
    for path, guid_age in drivers:
        yield os.path.basename(path), real(path, guid_age)
