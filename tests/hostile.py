"""Drivers whose code is made to be slow to analyse, of any size. Suite owners and the benchmark take
them: an image may cost so much and no more, and what was not examined must be said.

    tests/hostile.py KIND MEGABYTES PATH
"""

import array
import random
import struct
import sys

MIB = 1 << 20
PAGE = 4096
BASE = {"x64": 0x140000000, "x86": 0x10000, "arm64": 0x140000000}
MACHINE = {"x64": 0x8664, "x86": 0x14C, "arm64": 0xAA64}
TEXT = 0x1000


def up(value, unit=PAGE):
    return -(-value // unit) * unit


def words(first, step, count):
    """Little-endian 32-bit words of an arithmetic progression."""
    first %= 1 << 32
    values = array.array("I", ((first + step * i) & 0xFFFFFFFF for i in range(count)))
    return values.tobytes()


def repeated(unit, count, at, first, step):
    """The unit so many times, with a progression's words at one place in each."""
    code = bytearray(unit * count)
    data = words(first, step, count)
    for byte in range(4):
        code[at + byte::len(unit)] = data[byte::4]
    return code


def imports(rva, libraries, wide):
    """(.idata, RVA of the first slot) of routines by library; the slots of all lie in a row, each library's
    end with an empty one."""
    width = 8 if wide else 4
    count = sum(len(names) + 1 for names in libraries.values())
    table = 20 * (len(libraries) + 1)
    slots = table + width * count
    data, thunks, places = bytearray(slots + width * count), bytearray(), {}
    for name in dict.fromkeys(name for names in libraries.values() for name in names):
        places[name] = len(data)
        data += b"\0\0" + name.encode() + b"\0"
    for i, (library, names) in enumerate(libraries.items()):
        struct.pack_into("<5I", data, 20 * i, rva + table + len(thunks), 0, 0, rva + len(data),
                         rva + slots + len(thunks))  # fmt: skip
        data += library.encode() + b"\0"
        thunks += b"".join((rva + places[name]).to_bytes(width, "little") for name in names) + bytes(width)
    data[table:slots] = thunks
    data[slots:slots + len(thunks)] = thunks
    return data, rva + slots


def pe(arch, sections, directories, entry=TEXT):
    """A driver file; sections are (name, rva, bytes, characteristics)."""
    wide = arch != "x86"
    optional = 0xF0 if wide else 0xE0
    header = 0x40 + 24 + optional
    size = up(max(rva + len(data) for _, rva, data, _ in sections))
    head = bytearray(up(header + 40 * len(sections)))
    head[:2] = b"MZ"
    struct.pack_into("<I", head, 0x3C, 0x40)
    struct.pack_into("<4sHHIIIHH", head, 0x40, b"PE\0\0", MACHINE[arch], len(sections), 0x5A5A0000, 0, 0,
                     optional, 0x22 if wide else 0x102)  # fmt: skip
    struct.pack_into("<HBBIIIII", head, 0x58, 0x20B if wide else 0x10B, 14, 0, 0, 0, 0, entry, TEXT)
    struct.pack_into("<Q" if wide else "<II", head, 0x70, *([BASE[arch]] if wide else [0, BASE[arch]]))
    if not wide:
        struct.pack_into("<I", head, 0x74, BASE[arch])
    struct.pack_into("<II", head, 0x78, PAGE, PAGE)
    struct.pack_into("<HH", head, 0x88, 10, 0)
    struct.pack_into("<II", head, 0x90, size, len(head))
    struct.pack_into("<H", head, 0x9C, 1)  # native
    table = 0x58 + (112 if wide else 96)
    struct.pack_into("<I", head, table - 4, 16)
    for index, place in directories.items():
        struct.pack_into("<II", head, table + 8 * index, *place)
    body = bytearray()
    for i, (name, rva, data, flags) in enumerate(sections):
        struct.pack_into("<8sIIIIIIHHI", head, header + 40 * i, name, len(data), rva, up(len(data)),
                         len(head) + len(body), 0, 0, 0, 0, flags)  # fmt: skip
        body += data + bytes(up(len(data)) - len(data))
    return bytes(head + body)


CODE, DATA, WRITABLE = 0x60000020, 0x40000040, 0xC0000040


def driver(arch, code, names=("ExAllocatePoolWithTag",), records=b"", more=(), libraries=None):
    """`code` is a function of the first import slot's RVA; records are an exception directory; imports are
    of the kernel, or by library."""
    wide = arch != "x86"
    size = len(code(0))
    idata = up(TEXT + size)
    libraries = libraries or {"ntoskrnl.exe": list(names)}
    data, slot = imports(idata, libraries, wide)
    sections = [(b".text", TEXT, code(slot), CODE), (b".idata", idata, data, WRITABLE)]
    directories = {1: (idata, 20 * (len(libraries) + 1))}
    at = up(idata + len(data))
    if records:
        sections.append((b".pdata", at, records, DATA))
        directories[3] = (at, len(records))
        at = up(at + len(records))
    for name, index, make in more:
        data = make(at)
        sections.append((name, at, data, DATA))
        directories[index] = (at, len(data))
        at = up(at + len(data))
    return pe(arch, sections, directories)


def x64_calls(size, unit=b"\xff\x15\0\0\0\0"):
    """Calls of an allocator, with no tag, one behind the other."""
    count = size // len(unit)
    at = unit.index(b"\0\0\0\0")
    return lambda slot: repeated(unit, count, at, slot - (TEXT + at + 4), -len(unit))


def pdata(size, step, length=None, overlapping=0, unwind=0):
    """Records of functions of `step` bytes, or of ones that overlap."""
    out = bytearray()
    for begin in range(TEXT, TEXT + size - step + 1, step):
        out += struct.pack("<3I", begin, begin + (length or step), unwind)
    for i in range(overlapping):
        begin = TEXT + i * 7 % (size - 64)
        out += struct.pack("<3I", begin, begin + 16 + i * 13 % 4096, unwind)
    return bytes(out)


def honest(tag=b"Hone"):
    """A small driver that allocates with a tag."""
    def code(slot):
        load = b"\x41\xb8" + tag + b"\xff\x15"  # mov r8d, tag; call [slot]; ret
        return load + ((slot - TEXT - 12) % (1 << 32)).to_bytes(4, "little") + b"\xc3"
    return driver("x64", code)


def wrapper_exported(rva, name, target):
    """An export directory with one name."""
    texts = 40 + 4 + 4 + 2
    head = struct.pack("<10I", 0, 0, 0, 0, 1, 1, 1, rva + 40, rva + 44, rva + 48)
    return head[:12] + struct.pack("<I", rva + texts) + head[16:] + struct.pack(
        "<IIH", target, rva + texts, 0) + name.encode() + b"\0"  # fmt: skip


def neighbour_tag(number):
    return b"n" + bytes((ord("A") + number // 26**i % 26) for i in range(3))


def neighbour(number, count):
    """One of `count` small drivers: it exports a wrapper of the allocator, and allocates with its own tag
    through the wrapper of the one before it."""
    def code(slot):
        begin = b"\xff\x25" + struct.pack("<i", slot - (TEXT + 6)) + b"\xcc" * 10  # a thunk of the allocator
        wrapper = b"\x48\x83\xec\x28\xe8" + struct.pack("<i", -25) + b"\x48\x83\xc4\x28\xc3" + b"\xcc" * 2
        at = TEXT + len(begin + wrapper)
        user = b"\x48\x83\xec\x28\x41\xb8" + neighbour_tag(number) + b"\xff\x15"
        return bytearray(begin + wrapper + user + struct.pack("<i", slot + 16 - (at + len(user) + 4))
                         + b"\x48\x83\xc4\x28\xc3")  # fmt: skip
    before = (number - 1) % count
    libraries = {"ntoskrnl.exe": ["ExAllocatePoolWithTag"], f"near{before}.sys": [f"Grab{before}"]}
    return driver("x64", code, libraries=libraries,
                  more=[(b".edata", 0, lambda rva: wrapper_exported(rva, f"Grab{number}", TEXT + 16))])  # fmt: skip


def without_tags():
    """A driver that allocates nothing."""
    return driver("x64", lambda slot: bytearray(b"\x33\xc0\xc3"))  # xor eax, eax; ret


def calls(size):
    """Nothing but calls."""
    return driver("x64", x64_calls(size))


def calls_recorded(size):
    """Each in a function of its own."""
    return driver("x64", x64_calls(size, b"\xff\x15\0\0\0\0\xc3" + b"\xcc" * 9), records=pdata(size, 16)[:12 << 20])


def calls_one_function(size):
    """All in one function with conditional jumps between them."""
    return driver("x64", x64_calls(size, b"\x74\x08\xff\x15\0\0\0\0\x41\x8b\xc8\x75\xf4"),
                  records=pdata(size, size))


def calls_direct(size):
    """Relative calls of one thunk."""
    def code(slot):
        thunk = b"\xff\x25" + ((slot - TEXT - 6) % (1 << 32)).to_bytes(4, "little") + bytes([0xCC] * 10)
        return bytearray(thunk) + repeated(b"\xe8\0\0\0\0", (size - 16) // 5, 1, -21, -5)
    return driver("x64", code)


def chain_code(size, last):
    """Functions that hand their arguments to the next one; `last` in the middle of the image."""
    def code(slot):
        out = bytearray((b"\xe8\x0b\0\0\0\xc3" + b"\xcc" * 10) * (size // 16))
        for at in range(size // 2, size - 16, max(16, last)):
            out[at:at + 6] = b"\xff\x15" + ((slot - (TEXT + at + 6)) % (1 << 32)).to_bytes(4, "little")
            out[at + 6] = 0xC3
        out[-16:-11] = b"\xe9" + struct.pack("<i", -(size - 16) - 5)  # back to the first
        return out
    return code


def chain(size):
    return driver("x64", chain_code(size, size))


def chain_recorded(size):
    return driver("x64", chain_code(size, size), records=pdata(size, 16)[:12 << 20])


def chains(size):
    """Many chains of nine, which is what is followed."""
    return driver("x64", chain_code(size, 160), records=pdata(size, 16)[:12 << 20])


def wrappers(size):
    """Functions that call a thunk of the allocator with their own arguments."""
    def code(slot):
        out = bytearray(b"\xff\x25" + ((slot - TEXT - 6) % (1 << 32)).to_bytes(4, "little") + b"\xcc" * 10)
        return out + repeated(b"\xe8\0\0\0\0\xc3" + b"\xcc" * 10, size // 16 - 1, 1, -21, -16)
    return driver("x64", code, records=pdata(size, 16)[:12 << 20])


def wrappers_bare(size):
    def code(slot):
        out = bytearray(b"\xff\x25" + ((slot - TEXT - 6) % (1 << 32)).to_bytes(4, "little") + b"\xcc" * 10)
        return out + repeated(b"\xe8\0\0\0\0\xc3" + b"\xcc" * 10, size // 16 - 1, 1, -21, -16)
    return driver("x64", code)


def branches(size):
    """One function of conditional jumps to anywhere, and a call in each 64 bytes."""
    def code(slot):
        numbers = random.Random(1)
        unit = bytearray()
        for i in range(MIB // 8):
            if i % 8 == 7:
                unit += b"\xff\x15\0\0\0\0\x90\x90"
            else:
                target = numbers.randrange(0, MIB)
                unit += b"\x0f\x84" + struct.pack("<i", target - (i * 8 + 6)) + b"\x03\xc1"
        out = bytearray(bytes(unit) * (size // MIB))
        data = words(slot - (TEXT + 62), -64, size // 64)
        for byte in range(4):
            out[58 + byte::64] = data[byte::4]
        return out
    return driver("x64", code, records=pdata(size, size))


def tables(size):
    """Switches whose tables lie among the code and overlap."""
    unit = (b"\x83\xf9\xff\x77\xfb\x48\x8d\x15\0\0\0\0\x8b\x8c\x8a\x00\x10\0\0\x48\x03\xca\xff\xe1"
            b"\xff\x15\0\0\0\0\x90\x90")  # fmt: skip

    def code(slot):
        count = size // len(unit)
        out = repeated(unit, count, 8, -12, -32)
        data = words(slot - (TEXT + 30), -32, count)
        for byte in range(4):
            out[26 + byte::32] = data[byte::4]
        return out
    return driver("x64", code, records=pdata(size, size))


def records(size):
    """A million records that overlap."""
    return driver("x64", x64_calls(size), records=pdata(size, size, overlapping=1 << 20))


def slots(size):
    """As many import slots of allocators as fit, and calls of them."""
    count = size // 16
    names = ["ExAllocatePoolWithTag", "ExFreePoolWithTag", "ExAllocatePool2"] * (count // 3)
    return driver("x64", lambda slot: repeated(b"\xff\x15\0\0\0\0\x90\x90", size // 8, 2, slot - TEXT - 6, 0),
                  names=names, records=pdata(size, 16)[:12 << 20])


def texts(size):
    """Nothing but names of allocators as texts, beside as many imports as are read."""
    return driver("x64", lambda slot: bytearray(b"\x33\xc0\xc3"), names=["ZwClose"] * 60000,
                  more=[(b".rdata", 7, lambda rva: b"ExAllocatePool\0\0" * (size // 16))])


def exports(rva, count):
    """So many exports of the first function under the names of allocators."""
    names = [b"ExAllocatePoolWithTag\0", b"Other\0"]
    head = bytearray(40)
    functions, pointers = 40, 40 + 4 * count
    ordinals = pointers + 4 * count
    texts = ordinals + 2 * count
    struct.pack_into("<10I", head, 0, 0, 0, 0, rva + texts, 1, count, count, rva + functions, rva + pointers,
                     rva + ordinals)  # fmt: skip
    out = head + words(TEXT, 16, count) + words(rva + texts, 0, count)
    out += array.array("H", (i & 0xFFFF for i in range(count))).tobytes()
    return bytes(out + b"".join(names))


def many_exports(size):
    """65,536 exports over wrappers, and a relocation directory without sense."""
    def code(slot):
        return repeated(b"\xff\x15\0\0\0\0\xc3" + b"\xcc" * 9, size // 16, 2, slot - TEXT - 6, -16)
    more = [(b".edata", 0, lambda rva: exports(rva, 65536)), (b".reloc", 5, lambda rva: b"\x01\0\0\0\x08\0\0\0" * (1 << 19))]
    return driver("x64", code, records=pdata(size, 16)[:12 << 20], more=more)


def begins(size):
    """Every second byte looks like the end of a function, and calls stand between them."""
    return driver("x64", x64_calls(size, b"\xc3\xcc\xc3\xcc\xc3\xcc\xff\x15\0\0\0\0\xc3\xcc\xc3\xcc"))


def noise(size, records=b""):
    """Random bytes, with calls in them."""
    def code(slot):
        out = bytearray(random.Random(2).randbytes(size))
        count = size // 32
        data = words(slot - (TEXT + 6), -32, count)
        out[0::32], out[1::32] = b"\xff" * count, b"\x15" * count
        for byte in range(4):
            out[2 + byte::32] = data[byte::4]
        return out
    return driver("x64", code, records=records)


def noise_recorded(size):
    return noise(size, records=pdata(size, size))


def x86_calls(size):
    return driver("x86", lambda slot: bytearray((b"\xff\x15" + struct.pack("<I", BASE["x86"] + slot)) * (size // 6)))


def x86_functions(size):
    """Functions that push what they were given."""
    return driver("x86", lambda slot: bytearray(
        (b"\x55\x8b\xec\xff\x75\x10\xff\x75\x0c\xff\x75\x08\xff\x15" + struct.pack("<I", BASE["x86"] + slot)
         + b"\x5d\xc2\x0c\x00\xcc\xcc") * (size // 24)))  # fmt: skip


def x86_chain(size):
    def code(slot):
        out = bytearray((b"\x55\x8b\xec\xff\x75\x10\xff\x75\x0c\xff\x75\x08\xe8\x0f\0\0\0"
                         b"\x5d\xc2\x0c\x00\xcc\xcc\xcc\xcc\xcc\xcc\xcc\xcc\xcc\xcc\xcc") * (size // 32))  # fmt: skip
        at = size // 64 * 32
        out[at + 12:at + 18] = b"\xff\x15" + struct.pack("<I", BASE["x86"] + slot)
        out[at + 18:at + 22] = b"\x5d\xc2\x0c\x00"
        return out
    return driver("x86", code)


def x86_pushes(size):
    """One function that pushes without end, calls in between."""
    return driver("x86", lambda slot: bytearray(
        (b"\x50\x51\x52\x53\x55\x56\x57\x74\xf7\xff\x15" + struct.pack("<I", BASE["x86"] + slot) + b"\x90") * (size // 16)))


def arm64_calls(size):
    """BL of one thunk."""
    def code(slot):
        page = (slot >> 12) - (TEXT >> 12)
        adrp = 0x90000010 | (page & 3) << 29 | (page >> 2 & 0x7FFFF) << 5
        load = 0xF9400210 | (slot & 0xFFF) // 8 << 10
        thunk = struct.pack("<3I", adrp, load, 0xD61F0200)
        count = (size - 12) // 4
        return bytearray(thunk) + array.array(
            "I", (0x94000000 | (-(i + 3) & 0x3FFFFFF) for i in range(count))).tobytes()  # fmt: skip
    return driver("arm64", code)


def arm64_wrappers(size):
    def code(slot):
        page = (slot >> 12) - (TEXT >> 12)
        adrp = 0x90000010 | (page & 3) << 29 | (page >> 2 & 0x7FFFF) << 5
        load = 0xF9400210 | (slot & 0xFFF) // 8 << 10
        thunk = struct.pack("<4I", adrp, load, 0xD61F0200, 0)
        count = (size - 16) // 16
        out = bytearray((struct.pack("<4I", 0xA9BF7BFD, 0, 0xA8C17BFD, 0xD65F03C0)) * count)
        data = array.array("I", (0x94000000 | (-(4 * i + 5) & 0x3FFFFFF) for i in range(count))).tobytes()
        for byte in range(4):
            out[4 + byte::16] = data[byte::4]
        return thunk + out
    return driver("arm64", code)


def arm64_functions(size):
    """Functions that compute a while before they call the thunk."""
    def code(slot):
        page = (slot >> 12) - (TEXT >> 12)
        adrp = 0x90000010 | (page & 3) << 29 | (page >> 2 & 0x7FFFF) << 5
        load = 0xF9400210 | (slot & 0xFFF) // 8 << 10
        thunk = struct.pack("<4I", adrp, load, 0xD61F0200, 0)
        unit = struct.pack("<32I", 0xA9BF7BFD, *([0x8B020020, 0xF9400043, 0x9B017C40, 0xCA010041] * 7), 0, 0xA8C17BFD,
                           0xD65F03C0)  # fmt: skip
        count = (size - 16) // len(unit)
        out = bytearray(unit * count)
        data = array.array("I", (0x94000000 | (-(32 * i + 29 + 4) & 0x3FFFFFF) for i in range(count))).tobytes()
        for byte in range(4):
            out[116 + byte::128] = data[byte::4]
        return thunk + out
    records = b"".join(struct.pack("<II", begin, 1 | 32 << 2) for begin in range(TEXT + 16, TEXT + size - 128, 128))
    return driver("arm64", code, records=records)


def rare_functions(size):
    """Functions of instructions that only capstone decodes."""
    unit = b"\x0f\x28\xc1\x0f\x59\xd3\xf3\x0f\x5a\xc1" * 8 + b"\x0f\xa2" + b"\xff\x15\0\0\0\0\xc3" + b"\xcc" * 7

    def code(slot):
        return repeated(unit, size // len(unit), 84, slot - (TEXT + 88), -len(unit))
    return driver("x64", code, records=pdata(size, len(unit)))


KINDS = {make.__name__: make for make in (
    calls, calls_recorded, calls_one_function, calls_direct, chain, chain_recorded, chains, wrappers,
    wrappers_bare, branches, tables, records, slots, texts, many_exports, begins, noise, noise_recorded, x86_calls,
    x86_functions, x86_chain, x86_pushes, arm64_calls, arm64_wrappers, arm64_functions, rare_functions)}  # fmt: skip


def main():
    kind, megabytes, path = sys.argv[1:]
    with open(path, "wb") as file:
        file.write(KINDS[kind](int(megabytes) * MIB))


if __name__ == "__main__":
    main()
