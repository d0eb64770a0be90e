"""Writers of archives and compressed files around a dump, with Python's own modules where they can and with
7zz, gcab, zstd and lz4 otherwise.
"""

import bz2
import gzip
import io
import lzma
import os
import shutil
import struct
import subprocess
import tarfile
import zipfile

from harness import Skip, run

NOTES = b"What happened: the server hung at night.\r\n" * 200


def program(name):
    if not shutil.which(name):
        raise Skip(f"{name} is not installed")
    return name


def content(path):
    with open(path, "rb") as file:
        return file.read()


def save(path, data):
    with open(path, "wb") as file:
        file.write(data)
    return path


def zipped(method=zipfile.ZIP_DEFLATED, name="MEMORY.DMP", zip64=False, beside=(), stream=False):
    """A zip archive; `stream`: written to a pipe, so that sizes stand behind the data."""

    def write(dump, path):
        class Pipe(io.RawIOBase):
            def __init__(self):
                super().__init__()
                self.parts = []

            def writable(self):
                return True

            def write(self, data):
                self.parts.append(bytes(data))
                return len(data)

        pipe = io.BufferedWriter(Pipe())
        with zipfile.ZipFile(pipe if stream else path, "w", method) as archive:
            for other, data in beside:
                archive.writestr(other, data)
            info = zipfile.ZipInfo(name)
            info.compress_type = method
            with archive.open(info, "w", force_zip64=zip64) as member:
                member.write(content(dump))
        return save(path, b"".join(pipe.raw.parts)) if stream else path

    return write


def sevenzip(*options, ending="7z", beside=()):
    """What 7zz makes; `beside` are members that come before the dump."""

    def write(dump, path):
        program("7zz")
        folder = path + ".files"
        os.mkdir(folder)
        names = []
        for name, data in [*beside, ("MEMORY.DMP", content(dump))]:
            names.append(os.path.basename(save(os.path.join(folder, name), data)))
        path = f"{path}.{ending}"
        run(["7zz", "a", "-bd", *options, path, *names], cwd=folder)
        shutil.rmtree(folder)
        return path

    return write


def deflate64(*options, beside=()):
    return sevenzip("-tzip", "-mm=Deflate64", *options, ending="zip", beside=beside)


def cabinet(*options):
    def write(dump, path):
        program("gcab")
        folder = os.path.dirname(path)
        save(os.path.join(folder, "notes.txt"), NOTES)
        shutil.copy(dump, os.path.join(folder, "MEMORY.DMP"))
        run(["gcab", "-c", *options, path, "notes.txt", "MEMORY.DMP"], cwd=folder)
        return path

    return write


def tarred(mode, beside=(("notes.txt", NOTES),), kind=tarfile.PAX_FORMAT):
    def write(dump, path):
        with tarfile.open(path, "w:" + mode, format=kind) as archive:
            for name, data in beside:
                info = tarfile.TarInfo(name)
                info.size = len(data)
                archive.addfile(info, io.BytesIO(data))
            archive.add(dump, "case/MEMORY.DMP")
        return path

    return write


def compressed(pack):
    """One stream: pack(bytes) -> bytes."""
    return lambda dump, path: save(path, pack(content(dump)))


def piped(*command):
    def pack(data):
        program(command[0])
        return subprocess.run(command, input=data, capture_output=True, check=True).stdout

    return pack


def several_gzip(data):
    """Members one behind the other, and padding."""
    half = len(data) // 2
    return gzip.compress(data[:half]) + gzip.compress(b"") + gzip.compress(data[half:]) + bytes(512)


def both(outer, inner):
    """An archive in an archive."""
    return lambda dump, path: outer(inner(dump, path + ".inner"), path)


def behind_program(dump, path):
    """A self-extracting zip archive has a program before it. Its first bytes are the program's."""
    inner = content(deflate64()(dump, path + ".inner"))
    return save(path, b"PK\3\4" + bytes(1000) + inner)


zstandard = piped("zstd", "-q", "-c")
zip64_streamed = zipped(zip64=True, stream=True)

# Name: (writer, how the report calls it).
WRITERS = {
    "zip": (zipped(), "zip"),
    "zip-stored": (zipped(zipfile.ZIP_STORED), "zip"),
    "zip-bzip2": (zipped(zipfile.ZIP_BZIP2), "zip"),
    "zip-lzma": (zipped(zipfile.ZIP_LZMA), "zip"),
    "zip64": (zipped(zip64=True), "zip"),
    "zip-streamed": (zipped(stream=True), "zip"),
    "zip64-streamed": (zip64_streamed, "zip"),
    "zip-beside": (zipped(beside=[("notes.txt", NOTES), ("a/", b""), ("a/u_ex.log", NOTES * 90)]), "zip"),
    "zip-deflate64": (deflate64(), "zip, Deflate64"),
    "zip-deflate64-fast": (deflate64("-mx=1"), "zip, Deflate64"),
    "zip-deflate64-best": (deflate64("-mx=9", "-mfb=257"), "zip, Deflate64"),
    "zip-deflate64-beside": (deflate64(beside=[("a.txt", NOTES), ("n.log", NOTES * 90)]), "zip, Deflate64"),
    "7z": (sevenzip(), "7z"),
    "7z-beside": (sevenzip(beside=[("a.txt", NOTES), ("n.log", NOTES * 90)]), "7z"),
    "7z-lzma": (sevenzip("-m0=lzma"), "7z"),
    "7z-ppmd": (sevenzip("-m0=ppmd"), "7z"),
    "7z-bzip2": (sevenzip("-m0=bzip2"), "7z"),
    "7z-stored": (sevenzip("-mx=0"), "7z"),
    "cab": (cabinet("-z"), "cab"),
    "cab-stored": (cabinet(), "cab"),
    "tar": (tarred(""), "tar"),
    "tar-gnu": (tarred("", kind=tarfile.GNU_FORMAT), "tar"),
    "tar.gz": (tarred("gz"), "tar.gz"),
    "tar.bz2": (tarred("bz2"), "tar.bz2"),
    "tar.xz": (tarred("xz"), "tar.xz"),
    "tar.zst": (both(compressed(zstandard), tarred("")), "tar.zst"),
    "gz": (compressed(gzip.compress), "gz"),
    "gz-several": (compressed(several_gzip), "gz"),
    "xz": (compressed(lzma.compress), "xz"),
    "zst": (compressed(zstandard), "zst"),
    "bz2": (compressed(bz2.compress), "bz2"),
    "lz4": (compressed(piped("lz4", "-q", "-c")), "lz4"),
    "zip-in-zip": (both(zipped(name="inner.zip"), deflate64()), "zip, Deflate64 in zip"),
    "gz-in-zip": (both(zipped(name="MEMORY.DMP.gz"), compressed(gzip.compress)), "gz in zip"),
    "zip-in-tar.gz": (both(tarred("gz"), zipped()), "zip in tar.gz"),
    "tar.xz-in-7z-in-gz": (both(compressed(gzip.compress), both(sevenzip(), tarred("xz"))),
                           "tar.xz in 7z in gz"),
}  # fmt: skip


def directory_entry(data):
    """Offset of the first entry of a zip archive's central directory."""
    return struct.unpack_from("<I", data, data.rindex(b"PK\5\6") + 16)[0]
