"""Containers that mkdump does not write, made from an ELF core that it wrote: kdump-compressed,
plain or flattened, LKCD, sadump, and cores of Xen guests. Layouts as the formats' descriptions give
them; nothing is shared with formats/.
"""

import ctypes
import os
import re
import struct
import zlib

PAGE = 4096
ZEROS = bytes(PAGE)


class Core:
    """The segments of memory and the notes of a 64-bit ELF core."""

    def __init__(self, path):
        self.file = open(path, "rb")  # pylint: disable=consider-using-with # as long as the object
        head = self.at(0, 64)
        at, sections, count = struct.unpack_from("<Q", head, 32)[0], struct.unpack_from("<Q", head, 40)[0], \
            struct.unpack_from("<H", head, 56)[0]  # fmt: skip
        if count == 0xFFFF:
            count = struct.unpack("<I", self.at(sections + 44, 4))[0]
        self.runs = []  # (pfn, pages, file offset)
        self.notes = b""
        for i in range(count):
            kind, _, offset, _, address, size, _, _ = struct.unpack("<IIQQQQQQ", self.at(at + 56 * i, 56))
            if kind == 4:
                self.notes = self.at(offset, size)
            elif kind == 1:
                self.runs.append((address // PAGE, size // PAGE, offset))
        self.highest = max(pfn + pages for pfn, pages, _ in self.runs)

    def at(self, offset, size):
        return os.pread(self.file.fileno(), size, offset)

    def holds_data(self, offset):
        """The next byte of the file from `offset` on that is stored."""
        try:
            return os.lseek(self.file.fileno(), offset, os.SEEK_DATA)
        except OSError:
            return os.fstat(self.file.fileno()).st_size

    def pages(self):
        """(pfn, bytes) of all pages; ZEROS itself for pages of zeros."""
        for first, pages, offset in self.runs:
            data = 0
            for i in range(pages):
                here = offset + i * PAGE
                if data < here + PAGE:
                    data = max(data, self.holds_data(here))
                page = ZEROS if data >= here + PAGE else self.at(here, PAGE)
                yield first + i, ZEROS if page == ZEROS else page


def bitmap(pfns, highest, high_bit_first=False):
    bits = bytearray(-(-highest // (8 * PAGE)) * PAGE)
    for pfn in pfns:
        bits[pfn // 8] |= (0x80 >> pfn % 8) if high_bit_first else (1 << pfn % 8)
    return bytes(bits)


# ---- packed pages ----
#
# The libraries are those that libkdumpfile itself unpacks with: where it runs, they are.


def packed_by(library, function, page, room, *more):
    """What a C function packs into `room` bytes: function(more..., to, length of it)."""
    to, length = ctypes.create_string_buffer(room), ctypes.c_size_t(room)
    status = getattr(ctypes.CDLL(library), function)(
        page, ctypes.c_size_t(len(page)), to, ctypes.byref(length), *more
    )
    if status != 0:
        raise OSError(f"{function} fails: {status}")
    return to.raw[:length.value]


def lzo(page):
    return packed_by("liblzo2.so.2", "lzo1x_1_compress", page, 2 * PAGE, ctypes.create_string_buffer(1 << 18))


def snappy(page):
    return packed_by("libsnappy.so.1", "snappy_compress", page, 2 * PAGE)


def zstd(page):
    library, to = ctypes.CDLL("libzstd.so.1"), ctypes.create_string_buffer(2 * PAGE)
    library.ZSTD_compress.restype = ctypes.c_size_t
    size = library.ZSTD_compress(to, ctypes.c_size_t(2 * PAGE), page, ctypes.c_size_t(len(page)), 3)
    return to.raw[:size]


def gzip(page):
    return zlib.compress(page, 1)


def rle_of(match):
    run = match[0]
    return bytes([0, len(run), run[0]]) if len(run) > 3 else bytes(2 * len(run))


def rle(page):
    """LKCD's: 0, count, byte for a run; 0, 0 for a zero that stands alone."""
    return re.sub(rb"(.)\1{3,254}|\0", rle_of, page, flags=re.DOTALL)


# Flag of a page descriptor in kdump-compressed files.
KDUMP_PACKERS = {"zlib": (0x1, gzip), "lzo": (0x2, lzo), "snappy": (0x4, snappy), "zstd": (0x20, zstd),
                 "raw": (0, bytes)}  # fmt: skip
# Compression of an LKCD dump; pages that do not shrink are stored as they are.
LKCD_PACKERS = {"none": (0, bytes), "rle": (1, rle), "gzip": (2, gzip)}


def shrunk(page, flag, packer):
    """(flag, bytes); flag 0 and the page itself when it does not shrink."""
    small = packer(page)
    return (flag, small) if len(small) < PAGE else (0, page)


# ---- kdump-compressed ----


def kdump_pieces(core, packers=("zlib",), without_zeros=False, system=b"", block_size=PAGE, spoil=None,
                 part=None):
    """(offset, bytes) of a kdump-compressed file, in the order of the file. The packers take turns.
    `spoil` may change the (offset, size, flag) of a page, given its PFN and these. `part` is
    (first PFN, PFN behind the last) of a file that makedumpfile --split writes: its maps are whole, its
    pages are not."""
    every, written, descriptors, data = [], [], [], []
    for pfn, page in core.pages():
        every.append(pfn)
        if page is not ZEROS or not without_zeros:
            written.append((pfn, page))
    mapped = bitmap([pfn for pfn, _ in written], core.highest)
    if part:
        written = [page for page in written if part[0] <= page[0] < part[1]]
    first, behind = part or (0, 0)
    blocks = -(-core.highest // (8 * PAGE))
    notes_at = 2 * PAGE
    sub_blocks = 1 + -(-len(core.notes) // PAGE)
    maps_at = (1 + sub_blocks) * PAGE
    descriptors_at = maps_at + 2 * blocks * PAGE
    at = descriptors_at + 24 * len(written)
    zeros_at, stored_zeros = at, {}
    for turn, (pfn, page) in enumerate(written):
        name = packers[turn % len(packers)]
        place = stored_zeros.get(name) if page is ZEROS else None
        if not place:
            flag, small = shrunk(page, *KDUMP_PACKERS[name])
            place = (at, len(small), flag)
            data.append(small)
            at += len(small)
            if page is ZEROS:
                stored_zeros[name] = place
        if spoil:
            place = spoil(pfn, *place)
        descriptors.append(struct.pack("<QIIQ", *place, 0))
    header = b"KDUMP   " + struct.pack("<i", 6) + system.ljust(390, b"\0") + bytes(6) + bytes(16)
    header += struct.pack("<IiiIIIIIIi", 0, block_size, sub_blocks, 2 * blocks,
                          min(core.highest, 0xFFFFFFFF), 0, 0, 0, 0, 1)  # fmt: skip
    sub = struct.pack("<QiiQQQQQQQQQQQ", 0, int(without_zeros), int(bool(part)), first, behind, 0, 0, notes_at,
                      len(core.notes), 0, 0, first, behind, core.highest)  # fmt: skip
    yield 0, header.ljust(PAGE, b"\0")
    yield PAGE, sub.ljust(PAGE, b"\0")
    if core.notes:
        yield notes_at, core.notes
    yield maps_at, bitmap(every, core.highest)
    yield maps_at + blocks * PAGE, mapped
    yield descriptors_at, b"".join(descriptors)
    yield zeros_at, b"".join(data)


def write_kdump(core, path, **options):
    with open(path, "wb") as file:
        for offset, piece in kdump_pieces(core, **options):
            file.seek(offset)
            file.write(piece)
    return path


def write_flattened(core, path, end=True, piece_size=65536, **options):
    with open(path, "wb") as file:
        file.write((b"makedumpfile".ljust(16, b"\0") + struct.pack(">qq", 1, 1)).ljust(PAGE, b"\0"))
        for offset, piece in kdump_pieces(core, **options):
            for at in range(0, len(piece), piece_size):
                part = piece[at:at + piece_size]
                file.write(struct.pack(">qq", offset + at, len(part)) + part)
        if end:
            file.write(struct.pack(">qq", -1, -1))
    return path


def write_lkcd(core, path, version=8, end=True, system=b"", packer="gzip", spoil=None):
    """`spoil` may change the (length, flag, bytes) of a page, given its PFN and these."""
    compression, pack = LKCD_PACKERS[packer]
    header = struct.pack("<QIIIIQQQI", 0xA8190173618F23ED, version, 734, 0, PAGE,
                         core.highest * PAGE, 0, core.highest * PAGE, 0)  # fmt: skip
    header += bytes(256) + bytes(16) + system.ljust(390, b"\0") + bytes(8) + struct.pack("<III", compression, 0, 0)
    with open(path, "wb") as file:
        file.write(header.ljust(65536, b"\0"))
        for pfn, page in core.pages():
            flag, small = shrunk(page, 2, pack)
            size, flag, small = len(small), flag or 1, small
            if spoil:
                size, flag, small = spoil(pfn, size, flag, small)
            file.write(struct.pack("<QII", pfn * PAGE, size, flag) + small)
        if end:
            file.write(struct.pack("<QII", 0, 0, 4))
    return path


def write_sadump(core, path, cr3=0, set_disk=0, disks=0, media=False):
    """`set_disk`: number in a set of `disks`, whose first has a header of the set. `media`: behind the
    header of a medium."""
    blocks = -(-core.highest // (8 * PAGE))
    pages = list(core.pages())
    bits = bitmap([pfn for pfn, _ in pages], core.highest, high_bit_first=True)
    state = bytearray(1024)
    struct.pack_into("<QQQQ", state, 992, 0xD01, 0x246, cr3, 0x80050033)
    states = struct.pack("<I", len(state)) + bytes(16) + bytes(state)
    data_at = PAGE * (2 + 1 + 2 * blocks)
    part = struct.pack("<4sIIIII", b"sadu", 0x706D, 1, 0, 0, 0).ljust(88, b"\0")
    ids = bytes(range(1, 33))  # of the system and of the set
    part = (part + ids).ljust(152, b"\0")
    part += struct.pack("<IIQ", set_disk, 0, data_at + len(pages) * PAGE)
    magic = 0x1234
    while len(part) < PAGE:
        part += struct.pack("<I", magic)
        magic = 11 * (magic + 7) & 0xFFFFFFFF
    header = b"sadump\0\0" + struct.pack("<II", 1, 0) + bytes(16)
    header += struct.pack("<IIIIIIIIIIIIIIQQQQ", 0, 0, PAGE, 0, 1, blocks, blocks, 0, 0, 0, 0, 0, 1, 0,
                          core.highest, len(pages), 0, 0)  # fmt: skip
    blocks = [part, header, states]
    if set_disk == 1:
        blocks.insert(1, struct.pack("<IIQ", 1, disks, 1 << 30))
    if media:
        blocks.insert(0, ids + bytes(16) + bytes([1, 0, 1, 1]))
    with open(path, "wb") as file:
        for block in blocks:
            file.write(block.ljust(PAGE, b"\0"))
        file.write(bits + bits)
        for _, page in pages:
            file.write(page)
    return path


def write_xen(core, path, cr3=0, paravirtual=False):
    names = b"\0.shstrtab\0.xen_prstatus\0.xen_pages\0" + (b".xen_p2m\0" if paravirtual else b".xen_pfn\0")
    pages = list(core.pages())
    # Xen lists pages in no particular order: the second half first
    pages = pages[len(pages) // 2:] + pages[:len(pages) // 2]
    state = bytearray(5168)
    struct.pack_into("<Q", state, 5008, cr3)
    if paravirtual:
        pfns = b"".join(struct.pack("<QQ", pfn, pfn + 0x1000) for pfn, _ in pages)
    else:
        pfns = b"".join(struct.pack("<Q", pfn) for pfn, _ in pages)
    bodies = [(b".shstrtab", 3, names), (b".xen_prstatus", 1, bytes(state)),
              (b".xen_p2m" if paravirtual else b".xen_pfn", 1, pfns), (b".xen_pages", 1, None)]  # fmt: skip
    at = 64 + 64 * (1 + len(bodies))
    headers = bytes(64)
    placed = []
    for name, kind, body in bodies:
        size = len(pages) * PAGE if body is None else len(body)
        if body is None:
            at = -(-at // PAGE) * PAGE
        headers += struct.pack("<IIQQQQIIQQ", names.index(name + b"\0"), kind, 0, 0, at, size, 0, 0, 0, 0)
        placed.append((at, body))
        at += size
    with open(path, "wb") as file:
        file.write(b"\x7fELF\2\1\1".ljust(16, b"\0"))
        file.write(struct.pack("<HHIQQQIHHHHHH", 4, 62, 1, 0, 0, 64, 0, 64, 0, 0, 64, 1 + len(bodies), 1))
        file.write(headers)
        for offset, body in placed:
            file.seek(offset)
            if body is not None:
                file.write(body)
                continue
            for _, page in pages:
                file.write(page)
    return path


# ---- images of memory, made from a sparse raw image ----


class Sparse:
    """A raw image in which absent pages are holes."""

    def __init__(self, path):
        self.path = path

    def runs(self):
        """(pfn, bytes) of all stretches of stored pages."""
        size, at = os.path.getsize(self.path), 0
        with open(self.path, "rb") as file:
            while at < size:
                try:
                    start = os.lseek(file.fileno(), at, os.SEEK_DATA)
                except OSError:
                    return
                at = os.lseek(file.fileno(), start, os.SEEK_HOLE)
                first, end = start // PAGE * PAGE, -(-at // PAGE) * PAGE
                yield first // PAGE, os.pread(file.fileno(), end - first, first).ljust(end - first, b"\0")


def write_lime(sparse, path, magic=b"EMiL", version=1, pack=bytes):
    with open(path, "wb") as file:
        for pfn, data in sparse.runs():
            file.write(magic + struct.pack("<IQQQ", version, pfn * PAGE, pfn * PAGE + len(data) - 1, 0))
            file.write(pack(data))
    return path


def crc32c(data):
    value = 0xFFFFFFFF
    for byte in data:
        value = CRC32C[(value ^ byte) & 0xFF] ^ value >> 8
    return value ^ 0xFFFFFFFF


def crc32c_row(value):
    for _ in range(8):
        value = value >> 1 ^ (0x82F63B78 if value & 1 else 0)
    return value


CRC32C = [crc32c_row(byte) for byte in range(256)]


def snappy_stream(data):
    """The framing format, with the length that AVML writes behind it."""
    stream = b"\xff\x06\0\0sNaPpY"
    for at in range(0, len(data), 65536):
        part = data[at:at + 65536]
        total = crc32c(part)
        total = ((total >> 15 | total << 17) + 0xA282EAD8) & 0xFFFFFFFF
        small = packed_by("libsnappy.so.1", "snappy_compress", part, 2 * 65536)
        kind, body = (0, small) if len(small) < len(part) * 7 // 8 else (1, part)
        stream += struct.pack("<II", len(body) + 4 << 8 | kind, total) + body
    return stream + struct.pack("<Q", len(stream))


def write_avml(sparse, path):
    return write_lime(sparse, path, b"AVML", 2, snappy_stream)


def write_vmem(sparse, path):
    """The image by another name, with a state beside it that splits it in two regions."""
    os.symlink(sparse.path, path)
    pages = -(-os.path.getsize(sparse.path) // PAGE)
    tags = b""
    for name, value, *index in ((b"regionsCount", 2), (b"regionPageNum", 0, 0), (b"regionPPN", 0, 0),
                                (b"regionSize", 100, 0), (b"regionPageNum", 100, 1), (b"regionPPN", 100, 1),
                                (b"regionSize", pages - 100, 1)):  # fmt: skip
        tags += bytes([len(index) << 6 | 4, len(name)]) + name + struct.pack(f"<{len(index)}I", *index)
        tags += struct.pack("<I", value)
    head = struct.pack("<III", 0xBED2BED2, 8, 1) + b"memory".ljust(64, b"\0") + struct.pack("<QQ", 92, len(tags))
    with open(path[:-5] + ".vmss", "wb") as file:
        file.write(head + tags + b"\0\0")
    return path
