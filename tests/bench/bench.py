#!/usr/bin/python3
"""make bench: what an analysis costs, beside a memcpy of the same bytes in the same run.

    tests/bench/bench.py BUILD

Times are processor time (user and system), medians of several runs with the file in the page cache, so
that a busy machine does not show in them; only the figures called cold or elapsed are elapsed time, and
those are judged only where two processors were free. A command is
the whole process, start and printing included. Memory is the peak RSS that the kernel counted, touched
pages of the file included. The memcpy copies between buffers that were touched before, which is the
fastest it can be. Exit status 1 when a limit is exceeded.
"""

import glob
import os
import pty
import random
import re
import resource
import shutil
import statistics
import struct
import subprocess
import sys
import tempfile
import time
import zlib

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
# pylint: disable=wrong-import-position # they lie beside the test suites
import containers
import harness
import hostile
import suite_symbols

ROUNDS = 15
MIB = 1 << 20
DRIVERS = "../shared/data/drivers"
HOSTILE = 2  # seconds that a module may cost, whatever is in it
FREE = 1.8  # processors that count as two free ones

failed = []


def lines_of(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()


class Bench:
    def __init__(self, build, directory):
        self.build = build
        self.directory = directory
        self.poolscope = os.path.join(build, "poolscope")

    def make(self, recipe, *sets):
        name = re.sub(r"[^A-Za-z0-9.-]+", "-", recipe + "".join(sets))
        path = os.path.join(self.directory, name + ".dmp")
        command = [os.path.join(self.build, "mkdump"), f"corpus/recipes/{recipe}.recipe", path]
        for assignment in sets:
            command += ["--set", assignment]
        subprocess.run(command, check=True)
        return path

    def run(self, *arguments):
        """Seconds of the processor, seconds elapsed and peak RSS in bytes of one run."""
        tool = os.path.join(self.build, "tests/bench/bench")
        line = lines_of(tool, "run", self.poolscope, *arguments)[0]
        processor, clock, memory, status = (int(word) for word in line.split())
        if status:
            raise SystemExit(f"poolscope {' '.join(arguments)}: exit status {status}")
        return processor / 1e9, clock / 1e9, memory

    def once(self, *arguments, elapsed=False):
        """Seconds (of the processor, or elapsed) and peak RSS in bytes of one run."""
        processor, clock, memory = self.run(*arguments)
        return (clock if elapsed else processor), memory

    def command(self, *arguments):
        """Median seconds and largest RSS of several runs."""
        self.once(*arguments)
        runs = [self.once(*arguments) for _ in range(ROUNDS)]
        return statistics.median(r[0] for r in runs), max(r[1] for r in runs)

    def parts(self, path):
        lines = lines_of(os.path.join(self.build, "tests/bench/bench"), "parts", path)
        return {line.split()[0]: int(line.split()[1]) for line in lines}

    def memcpy(self, size):
        return int(lines_of(os.path.join(self.build, "tests/bench/copy"), str(size))[0]) / 1e9

    def resident(self, path):
        return int(lines_of(os.path.join(self.build, "tests/bench/bench"), "resident", path)[0])


def drop(path):
    """Takes the file out of the page cache."""
    descriptor = os.open(path, os.O_RDONLY)
    os.fsync(descriptor)
    os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
    os.close(descriptor)


def show(what, figure, limit=None, good=True):
    verdict = "" if limit is None else f"limit {limit:<10} {'ok' if good else 'EXCEEDED'}"
    print(f"{what:<62} {figure:>12}  {verdict}".rstrip())
    if not good:
        failed.append(what)


def milliseconds(seconds):
    return f"{seconds * 1e3:.1f} ms"


def size_of_machine(bench):
    """128 GiB against 4 GiB with the same tables."""
    small, large = bench.make("bench-4g"), bench.make("bench-128g")
    times = {small: [], large: []}
    memory = {}
    for path in times:
        memory[path] = bench.command("analyze", path)[1]
    for _ in range(2 * ROUNDS):  # in turns, so that a busy moment hits both
        for path, seconds in times.items():
            seconds.append(bench.once("analyze", path)[0])
    medians = {path: statistics.median(seconds) for path, seconds in times.items()}
    ratio = medians[large] / medians[small]
    for path, words in ((small, "analyze, 4 GiB"), (large, "analyze, 128 GiB")):
        show(words, milliseconds(medians[path]))
        show(f"{words}: peak memory", f"{memory[path] / MIB:.1f} MiB", "64 MiB", memory[path] < 64 * MIB)
    show("analyze, 128 GiB against 4 GiB", f"{ratio:.2f} x", "1.3 x", ratio <= 1.3)
    parts = bench.parts(large)
    read, tables = parts["bytes_read"], parts["table_bytes"]
    show("128 GiB: bytes read of the file", f"{read / MIB:.2f} MiB")
    show("128 GiB: size of the pool tables", f"{tables / MIB:.2f} MiB")
    show("128 GiB: bytes read against size of the tables", f"{read / tables:.2f} x")


def against_memcpy(bench, path, command, part, words):
    """The sums of a table against a memcpy of the table's bytes; and the whole command."""
    parts = bench.parts(path)
    size = parts["table_bytes"]
    copy = bench.memcpy(size)
    alone = parts[part] / 1e9
    seconds, memory = bench.command(*command, path)
    show(f"{words}: memcpy of the tables' {size / MIB:.1f} MiB", milliseconds(copy))
    show(f"{words}: the sums per tag", milliseconds(alone))
    show(f"{words}: the sums per tag against memcpy", f"{alone / copy:.1f} x", "10 x",
         alone / copy <= 10)  # fmt: skip
    show(f"{words}: poolscope {' '.join(command)}", milliseconds(seconds))
    show(f"{words}: poolscope {' '.join(command)} against memcpy", f"{seconds / copy:.1f} x")
    show(f"{words}: peak memory", f"{memory / MIB:.1f} MiB")
    show(f"{words}: bytes read against size of the tables", f"{parts['bytes_read'] / size:.2f} x")


def cold(bench, path, command, words):
    """The file not in the page cache. The disk's or the hypervisor's own cache is not emptied."""
    seconds, reading = [], []
    for _ in range(5):
        drop(path)
        left = bench.resident(path)
        seconds.append(bench.once(command, path, elapsed=True)[0])
        drop(path)
        started = time.perf_counter()
        with open(path, "rb", buffering=0) as file:
            data = 0
            while True:  # the data of a sparse file, in order
                try:
                    data = os.lseek(file.fileno(), data, os.SEEK_DATA)
                except OSError:
                    break
                end = os.lseek(file.fileno(), data, os.SEEK_HOLE)
                while data < end:
                    data += len(os.pread(file.fileno(), min(MIB, end - data), data))
        reading.append(time.perf_counter() - started)
    median = statistics.median(seconds)
    show(f"{words}, cold: poolscope {command}", milliseconds(median))
    show(f"{words}, cold: reading all of the file's data in order",
         milliseconds(statistics.median(reading)))  # fmt: skip
    if left:
        print(f"  ({left / MIB:.1f} MiB stayed in the page cache: not quite cold)")


def in_turns(bench, paths, rounds):
    """Median seconds of `analyze` for each file; in turns, so that a busy moment hits all."""
    times = {path: [] for path in paths}
    for path in paths:
        bench.once("analyze", path)
    for _ in range(rounds):
        for path, seconds in times.items():
            seconds.append(bench.once("analyze", path)[0])
    return [statistics.median(times[path]) for path in paths]


def against_crash_dump(bench, words, paths, rounds):
    """The same machine as crash dump, ELF core and kdump-zlib."""
    crash, elf, kdump = in_turns(bench, paths, rounds)
    show(f"{words}: crash dump", milliseconds(crash))
    show(f"{words}: ELF core", milliseconds(elf))
    show(f"{words}: ELF core against crash dump", f"{elf / crash:.2f} x", "1.2 x", elf <= 1.2 * crash)
    show(f"{words}: kdump-zlib", milliseconds(kdump))
    show(f"{words}: kdump-zlib against crash dump", f"{kdump / crash:.1f} x", "20 x", kdump <= 20 * crash)


def fill(path, first):
    """Puts bytes of this machine's libraries into every page of zeros: memory in use."""
    junk = b"".join(open(name, "rb").read() for name in  # pylint: disable=consider-using-with
                    sorted(glob.glob("/usr/lib/*/lib[c-m]*.so*"))[:200])  # fmt: skip
    size, place = os.path.getsize(path), 0
    with open(path, "r+b", buffering=0) as file:
        for at in range(first, size - 4095, 4096):
            if os.pread(file.fileno(), 4096, at) == bytes(4096):
                os.pwrite(file.fileno(), junk[place:place + 4096], at)
            place = (place + 4096) % (len(junk) - 4096)


def other_containers(bench):
    crash, elf = bench.make("bench-4g"), bench.make("bench-4g", "container=elf header")
    kdump = containers.write_kdump(containers.Core(elf), elf + ".kdump")
    against_crash_dump(bench, "4 GiB, Windows header", (crash, elf, kdump), ROUNDS)
    bare = ["physical=128M", "low-stub=off"]
    silent = [f"header={field} 0" for field in ("DirectoryTableBase", "KdDebuggerDataBlock",
                                                "PsLoadedModuleList", "MachineImageType")]  # fmt: skip
    crash = bench.make("bench-4g", *bare, "container=type1", *silent)
    elf = bench.make("bench-4g", *bare, "container=elf writer=plain")
    fill(crash, 0x2000)
    fill(elf, containers.Core(elf).runs[0][2])
    kdump = containers.write_kdump(containers.Core(elf), elf + ".kdump")
    against_crash_dump(bench, "128 MiB in use, searched for a kernel", (crash, elf, kdump), 5)


def code_bytes(image):
    """Bytes of the executable sections of a PE file."""
    pe = int.from_bytes(image[60:64], "little")
    count, header = (int.from_bytes(image[pe + at:pe + at + 2], "little") for at in (6, 20))
    total = 0
    for section in range(count):
        at = pe + 24 + header + 40 * section
        virtual, raw, flags = (int.from_bytes(image[at + place:at + place + 4], "little")
                               for place in (8, 16, 36))  # fmt: skip
        total += min(virtual, raw) if flags & 0x20000000 else 0
    return total


def copies_of_drivers(folder, size):
    """Real drivers, over and over until their code has this size; each with a time stamp of its own,
    so that no two are the same driver. Returns the bytes of their code and the number of files."""
    images = []
    for name in sorted(glob.glob(os.path.join(DRIVERS, "*.sys"))):
        with open(name, "rb") as file:
            images.append((os.path.basename(name)[:-4], bytearray(file.read())))
    done = number = 0
    os.mkdir(folder)
    while done < size:
        name, image = images[number % len(images)]
        stamp = int.from_bytes(image[60:64], "little") + 8
        image[stamp:stamp + 4] = (0x40000000 + number).to_bytes(4, "little")
        with open(os.path.join(folder, f"{name}-{number}.sys"), "wb") as file:
            file.write(image)
        done += code_bytes(image)
        number += 1
    return done, number


def owners_of_files(bench):
    """`owners --drivers` over 15, 30 and 60 MB of real drivers' code."""
    if not os.path.isdir(DRIVERS):
        print(f"owners of tags: not measured, {DRIVERS} is absent")
        return
    folders = []
    for size in (15, 30, 60):
        folder = os.path.join(bench.directory, f"drivers-{size}")
        folders.append((folder, *copies_of_drivers(folder, size * 1000 * 1000)))
    times = {folder: [] for folder, _, _ in folders}
    memory = {}
    for _ in range(5):  # in turns, so that a busy moment hits all
        for folder, seconds in times.items():
            once = bench.once("owners", "--drivers", folder, "--json")
            seconds.append(once[0])
            memory[folder] = once[1]
    speeds = []
    for folder, size, count in folders:
        seconds = statistics.median(times[folder])
        speeds.append(size / seconds)
        words = f"owners, {count} drivers, {size / 1e6:.0f} MB of code"
        show(words, milliseconds(seconds))
        show(f"{words}: code a second", f"{size / seconds / 1e6:.1f} MB")
        show(f"{words}: peak memory", f"{memory[folder] / MIB:.1f} MiB")
    ratio = speeds[0] / speeds[-1]
    show("owners, time a byte at 60 MB against 15 MB", f"{ratio:.2f} x", "1.3 x", ratio <= 1.3)
    # Not the half second of a dump: a third of this is ARM64, which costs eight times what x64 does a byte.
    clock = statistics.median(bench.run("owners", "--drivers", folders[-1][0], "--json")[1] for _ in range(3))
    show(f"{words}: elapsed, load {os.getloadavg()[0]:.1f}", milliseconds(clock))


def owners_of_dump(bench):
    """`owners` over a dump with 200 modules and 60 MB of code, made of drivers that are built here."""
    subprocess.run(["make", "-s", "-f", "corpus/drivers/drivers.mk", "bench"], check=True)
    path = os.path.join(bench.directory, "bench-200-modules.dmp")
    subprocess.run([os.path.join(bench.build, "mkdump"), "--files", "build/drivers/bench",
                    "corpus/recipes/owners/bench-200-modules.recipe", path], check=True)  # fmt: skip
    memory = bench.once("owners", path, "--json")[1]
    show("owners, that dump: peak memory", f"{memory / MIB:.1f} MiB")
    owners_elapsed(bench, "owners, dump with 200 modules and 60 MB of code", path)


def free_processors():
    """How many of this machine's processors nobody used in the last half second."""
    def idle():
        with open("/proc/stat", encoding="ascii") as file:
            return sum(int(field) for field in file.readline().split()[4:6]) / os.sysconf("SC_CLK_TCK")
    before, started = idle(), time.monotonic()
    time.sleep(0.5)
    return (idle() - before) / (time.monotonic() - started)


def owners_elapsed(bench, words, *arguments):
    """Half a second on two processors: a second of processor time, and half a second where both are free.
    Another load in the middle makes one run slow, not all, so the best of several is taken."""
    runs = []
    for _ in range(5):
        free = free_processors()
        runs.append((*bench.run("owners", *arguments, "--json"), free))
    processor = min(run[0] for run in runs)
    show(f"{words}: processor time", milliseconds(processor), "1000 ms", processor <= 1)
    quiet = [run for run in runs if run[3] >= FREE]
    clock, free = min((run[1], run[3]) for run in quiet or runs)
    show(f"{words}: elapsed", milliseconds(clock), *(("500 ms", clock <= 0.5) if quiet else ()))
    print(f"  ({free:.1f} of {os.cpu_count()} processors were free, load {os.getloadavg()[0]:.1f}"
          f"{'' if quiet else ': elapsed time is not judged'})")  # fmt: skip


def hostile_modules(bench):
    """The module that costs most of all those that are made to be slow."""
    for megabytes in (16, 64):
        times = {}
        for kind, make in hostile.KINDS.items():
            folder = os.path.join(bench.directory, "hostile")
            os.makedirs(folder, exist_ok=True)
            with open(os.path.join(folder, "hostile.sys"), "wb") as file:
                file.write(make(megabytes * MIB))
            for _ in range(3):  # a busy machine slows one run
                seconds = bench.once("owners", "--drivers", folder, "--json")[0]
                times[kind] = min(seconds, times.get(kind, seconds))
                if times[kind] < 0.75 * HOSTILE:
                    break
        worst = max(times, key=times.get)
        show(f"owners, worst of {len(times)} hostile modules of {megabytes} MB: {worst}", milliseconds(times[worst]),
             f"{HOSTILE} s", times[worst] < HOSTILE)  # fmt: skip


def many_modules(bench):
    """Small modules that use wrappers of each other: the work for all pairs would be 16 x."""
    times = {}
    folders = {}
    for count in (1024, 4096):
        folders[count] = os.path.join(bench.directory, f"near-{count}")
        os.makedirs(folders[count])
        for number in range(count):
            with open(os.path.join(folders[count], f"near{number}.sys"), "wb") as file:
                file.write(hostile.neighbour(number, count))
    for _ in range(3):  # in turns, so that a busy moment hits both
        for count, folder in folders.items():
            seconds, memory = bench.once("owners", "--drivers", folder, "--json")
            times.setdefault(count, []).append(seconds)
    few, many = (min(times[count]) for count in folders)
    show("owners, 1,024 small modules", milliseconds(few))
    show("owners, 4,096 small modules", milliseconds(many))
    show("owners, 4,096 small modules: peak memory", f"{memory / MIB:.1f} MiB")
    show("owners, 4,096 small modules against 1,024", f"{many / few:.2f} x", "5 x", many <= 5 * few)


def all_findings(bench):
    """`analyze` with every finding and the verdict against the tables and the owners alone, which is
    what `owners --tag` needs (both sample allocations): suspects in lock step; a million big pages, of
    which a suspect's are counted by size; the hung server."""
    dumps = [("a leak of seven tags", bench.make("wcifs-leak"), "WCsc"),
             ("1,048,576 big pages, a suspect among them", bench.make(
                 "bench-bigpages-1m", "build=20348", "tag=Leak np 300000 0 6000000000"), "Leak"),
             ("hung-iis6", bench.make("hung-iis6", "container=type2"), "SavF")]  # fmt: skip
    for words, path, tag in dumps:
        commands = {"owners": ("owners", "--tag", tag, path), "analyze": ("analyze", path)}
        times = {name: [] for name in commands}
        for _ in range(ROUNDS):  # in turns, so that a busy moment hits both
            for name, command in commands.items():
                times[name].append(bench.once(*command)[0])
        owners, analyze = (statistics.median(times[name]) for name in ("owners", "analyze"))
        show(f"{words}: tables and owners", milliseconds(owners))
        show(f"{words}: analyze", milliseconds(analyze))
        show(f"{words}: analyze against tables and owners", f"{analyze / owners:.2f} x", "1.2 x",
             analyze <= 1.2 * owners)  # fmt: skip


def kernel_bytes(size, seed=1):
    """What could stand in a kernel's image: pointers, numbers of tables, zeros, code-like noise."""
    numbers = random.Random(seed)
    noise = numbers.randbytes(MIB)
    words = []
    for _ in range(MIB // 8):
        kind = numbers.random()
        if kind < 0.3:
            words.append(0)
        elif kind < 0.7:
            page = 0xFFFF800000000000 | numbers.getrandbits(46)
            words.append(page & ~0xFFF if numbers.random() < 0.1 else page & ~7)
        elif kind < 0.8:
            words.append((1 << numbers.randrange(20)) + numbers.choice((-1, 0, 1)))
        else:
            words.append(numbers.getrandbits(64))
    data = struct.pack(f"<{len(words)}Q", *words)
    return b"".join(data if part % 2 else noise for part in range(size // MIB))


def hidden_kernel(bench):
    """PoolTrackTable in a kernel of 40 MiB that has no KDBG; with and without its section table."""
    filled = os.path.join(bench.directory, "kernel.bytes")
    with open(filled, "wb") as file:
        file.write(kernel_bytes(39 * MIB))
    window = f"window={os.path.abspath(filled)} 0 0x10000 {39 * MIB}"
    for words, extra in (("", []), (", no header page", ["missing=module ntoskrnl.exe headers"]),
                         (", KDBG encoded, no code", ["kdbg=encoded"])):  # fmt: skip
        parts = bench.parts(bench.make("bench-hidden-40m", window, *extra))
        pools, kernel = parts["pools_ns"] / 1e9, parts["kernel_ns"] / 1e9
        show(f"kernel of 40 MiB{words}: PoolTrackTable, all tables", milliseconds(pools), "150 ms", pools < 0.15)
        show(f"kernel of 40 MiB{words}: kernel, modules", milliseconds(kernel))


def more_with(bench, words, limit, plain, others):
    """What a symbol source adds to `info`, by turns with and without; the slowest of the files."""
    added = []
    for other in others:
        times = ([], [])
        for _ in range(ROUNDS):
            for arguments, taken in zip((plain, other), times):
                taken.append(bench.once("info", *arguments)[0])
        added.append(statistics.median(times[1]) - statistics.median(times[0]))
    show(words, milliseconds(max(added)), f"{limit} ms", max(added) < limit / 1e3)


def symbol_sources(bench):
    """The publics of a large PDB, and what each kind of source adds to a command."""
    suite_symbols.PDB_DUMP = os.path.join(bench.build, "tests/pdb_dump")
    harness.MKDUMP = os.path.abspath(os.path.join(bench.build, "mkdump"))
    folder = os.path.join(os.path.abspath(bench.directory), "pdb")
    os.makedirs(folder)
    try:
        pdb, _, dump, _ = suite_symbols.large_case(folder)
    except harness.Skip as why:
        print(f"symbol sources: not measured, {why}")
        return
    size = f"PDB of {os.path.getsize(pdb) / 1e6:.1f} MB"
    program = [os.path.join(bench.build, "tests/bench/bench"), "run", suite_symbols.PDB_DUMP, pdb, "--time"]
    took = statistics.median(int(lines_of(*program)[0].split()[0]) for _ in range(ROUNDS)) / 1e9
    show(f"{size}: all its publics", milliseconds(took), "50 ms", took < 0.05)
    more_with(bench, f"{size}: added to info", 20, (dump, "--symbols", "none"), [(dump, "--symbols", pdb)])
    known = bench.make("known-build")
    more_with(bench, "known build: added to info", 20, (known, "--symbols", "none", "--no-known-builds"),
              [(known, "--symbols", "none")])  # fmt: skip
    for path in sorted(glob.glob("../shared/data/isf/*.json.xz")):
        guid, age = os.path.basename(path).split(".")[0].split("-")
        dump = bench.make("family-10-17763-x64", f"kernel-pdb=ntkrnlmp.pdb {guid} {age}")
        plain = (dump, "--symbols", "none", "--no-known-builds")
        more_with(bench, f"ISF {guid[:8]}, {os.path.getsize(path) / MIB:.1f} MiB of xz: added to info", 150,
                  plain, [(dump, "--symbols", path, "--no-known-builds")])  # fmt: skip


def used_memory(path, size):
    """A dense image of memory in use: bytes of libraries, tables of pages, zeros, noise; and near its end a
    kernel whose KDBG is encoded, as a running machine's is."""
    numbers = random.Random(7)
    junk = b"".join(open(name, "rb").read() for name in  # pylint: disable=consider-using-with
                    sorted(glob.glob("/usr/lib/*/lib[c-m]*.so*"))[:100])  # fmt: skip
    noise = numbers.randbytes(MIB)
    with open(path, "r+b", buffering=0) as file:
        for at in range(0, size, MIB):
            kind = at // MIB % 8
            if kind < 5:
                place = numbers.randrange(len(junk) - MIB)
                piece = junk[place:place + MIB]
            elif kind < 6:  # frames that follow each other, some of them absent, none of the tables' own
                first = (at // 4096 + 512) % (size // 4096 - 1024)
                frames = (first + i % 512 for i in range(MIB // 8))
                piece = struct.pack(f"<{MIB // 8}Q", *((pfn << 12 | 0x63) if pfn % 5 else 0 for pfn in frames))
            else:
                piece = noise if kind < 7 else bytes(MIB)
            if at + 128 * MIB <= size:
                os.pwrite(file.fileno(), piece, at)
            else:  # the kernel's own pages stay
                for page in range(at, at + MIB, 4096):
                    if os.pread(file.fileno(), 4096, page) == bytes(4096):
                        os.pwrite(file.fileno(), piece[page - at:page - at + 4096], page)


def room_for_image(directory):
    """4 GiB, or as much as fits the disk and the page cache twice."""
    disk = os.statvfs(directory)
    with open("/proc/meminfo", encoding="ascii") as file:
        memory = {line.split(":")[0]: int(line.split()[1]) << 10 for line in file}
    room = min(disk.f_bavail * disk.f_frsize, memory["MemAvailable"]) // 2
    return max(min(room, 4 << 30) >> 28 << 28, 1 << 28)


def through_a_pipe(path):
    started = time.perf_counter()
    subprocess.run(["sh", "-c", 'cat "$1" | wc -c', "sh", path], check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - started


def on_terminal(*command):
    """What a command says to a terminal."""
    ours, theirs = pty.openpty()
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=theirs) as process:
        os.close(theirs)
        said = b""
        while True:
            try:
                piece = os.read(ours, 65536)
            except OSError:  # the other end is closed
                break
            if not piece:
                break
            said += piece
        process.wait()
    os.close(ours)
    return said.decode()


def bare_memory(bench):
    """The search of raw memory for a kernel that nothing points to, beside the same bytes through a pipe.
    Elapsed times, in turns: a pipe keeps two processors busy, and what counts is who waits."""
    size = room_for_image(bench.directory)
    frames = size // 4096
    path = bench.make("bench-4g", "container=raw-sparse", "low-stub=off", "kdbg=encoded", "kernel-code=built",
                      f"run={frames - 0x8000:#x} 0x8000")  # fmt: skip
    os.truncate(path, size)
    used_memory(path, size)
    words = f"raw memory in use, {size >> 30} GiB" if size >> 30 else f"raw memory in use, {size >> 20} MiB"
    pipe, search, memory = [], [], 0
    for _ in range(5):
        pipe.append(through_a_pipe(path))
        seconds, peak = bench.once("modules", path, "--no-owners", elapsed=True)
        search.append(seconds)
        memory = max(memory, peak)
    pipe, search = statistics.median(pipe), statistics.median(search)
    show(f"{words}: cat FILE | wc -c", f"{size / pipe / 1e9:.2f} GB/s")
    show(f"{words}: poolscope modules, search and all", f"{size / search / 1e9:.2f} GB/s")
    show(f"{words}: speed of the search against the pipe", f"{pipe / search:.2f} x", "0.5 x", pipe >= search / 2)
    show(f"{words}: peak memory", f"{memory / MIB:.1f} MiB", "256 MiB", memory < 256 * MIB)
    said = on_terminal(bench.poolscope, "modules", path, "--no-owners")
    bars = all(what in said for what in ("searching for page tables [", "searching for KDBG ["))
    show(f"{words}: progress is shown", "yes" if bars else "no", "yes", bars or search < 1)
    os.unlink(path)


def inflate(path):
    """Processor seconds of zlib over the only member of a zip archive."""
    with open(path, "rb") as file:
        header = file.read(30)
        file.seek(sum(struct.unpack_from("<HH", header, 26)), os.SEEK_CUR)
        pieces = list(iter(lambda: file.read(MIB // 4), b""))
    decoder = zlib.decompressobj(-15)
    started = time.process_time()
    for piece in pieces:
        decoder.decompress(piece)
    return time.process_time() - started


def packed_cases(bench):
    """A dump inside a zip archive against the plain one; the difference is the unpacking, which is held against
    zlib's own inflate of the same bytes."""
    program = shutil.which("7zz")
    if not program:
        print("packed cases: skipped, 7zz is not installed")
        return
    dump = os.path.join(bench.directory, "memory.dmp")
    shutil.copy(bench.make("notmyfault-leak"), dump)
    dice = random.Random(1)
    words = [dice.randbytes(dice.randrange(8, 200)) for _ in range(5000)]
    with open(dump, "ab") as file:  # what fills the memory of a machine: code, tables, pages of zeros
        for _ in range(160):
            file.write(b"".join(dice.choice(words) for _ in range(8000)) + bytes(200000))
    size = os.path.getsize(dump)
    archives = {}
    for method in ("Deflate", "Deflate64"):
        archives[method] = os.path.join(bench.directory, method + ".zip")
        subprocess.run([program, "a", "-bd", "-tzip", "-mx=1", f"-mm={method}", archives[method], dump], check=True,
                       stdout=subprocess.DEVNULL)  # fmt: skip
    plain = statistics.median(bench.once("info", dump)[0] for _ in range(5))
    zlib_alone = statistics.median(inflate(archives["Deflate"]) for _ in range(5))
    show(f"zlib's inflate alone, {size / MIB:.0f} MiB", milliseconds(zlib_alone))
    for method, path in archives.items():
        seconds = statistics.median(bench.once("info", path)[0] for _ in range(5)) - plain
        ratio = seconds / zlib_alone
        show(f"unpacking a .zip, {method}: check sum and writing included", milliseconds(seconds))
        show(f"unpacking a .zip, {method}, against zlib's inflate", f"{ratio:.2f} x", "2 x", ratio <= 2)


CASES, DISTINCT = 1000, (3790, 6002, 7601, 9600, 14393, 17763, 19041, 20348, 22621, 26100)
SERVER = """
arch x64
processors 4
physical 128M
container type6
tags random=300
bigpages size=4096 live=20% freed=5%
tags truth
""" + "".join(f"driver big{n}.sys image=big{n}.sys copies=5\n" for n in (1, 2, 3, 4)) + \
    "".join(f"driver plain{n}.sys size=0x8000\n" for n in range(85))  # fmt: skip


def case_folder(bench):
    """Copies of dumps of ten builds, 106 modules and 6 MB of code each; of each fifty one is damaged."""
    folder = os.path.join(bench.directory, "cases")
    os.makedirs(folder)
    recipe = os.path.join(bench.directory, "server.recipe")
    with open(recipe, "w", encoding="ascii") as file:
        file.write(SERVER)
    dumps = []
    for build in DISTINCT:
        dumps.append(os.path.join(bench.directory, f"server-{build}.dmp"))
        subprocess.run([os.path.join(bench.build, "mkdump"), "--files", "build/drivers/bench",
                        "--set", f"build={build}", recipe, dumps[-1]], check=True)  # fmt: skip
    for number in range(CASES):
        path = os.path.join(folder, f"case{number:04}.dmp")
        shutil.copyfile(dumps[number % len(dumps)], path)
        if number % 50 == 7:
            os.truncate(path, os.path.getsize(path) // 3)
    return folder, dumps


def processor_of(command):
    """Elapsed seconds, and those of the processor with all children."""
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    subprocess.run(command, stdout=subprocess.DEVNULL, check=False)
    clock, after = time.monotonic() - started, resource.getrusage(resource.RUSAGE_CHILDREN)
    return clock, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


PARTS_OF_A_CASE = {
    "tables": "the dump's head, the kernel, tables of tags and big pages",
    "owners": "owners: reading the images and searching them",
    "images": "  of it reading the images",
    "report": "the report",
    "json": "the report as JSON",
    "summary": "the summary for the database",
    "end": "starting and ending the process",
}


def profile(bench, dumps):
    """Where the time of a case goes, and so why no more of them are done in a second. Returns all of it, seconds."""
    tool = os.path.join(bench.build, "tests/bench/case")
    times = dict.fromkeys(PARTS_OF_A_CASE, 0.0)
    for dump in dumps:
        for line in lines_of(tool, dump):
            name, number = line.split()
            times[name.removesuffix("_ns")] += int(number) / 1e9 / len(dumps)
    whole = sum(times.values()) - times["images"]
    for name, words in PARTS_OF_A_CASE.items():
        show(f"  a case: {words}", f"{times[name] * 1e3:.1f} ms, {100 * times[name] / whole:.0f} %")
    return whole


def many_cases(bench):
    """`batch` over cases that are in the page cache: cases a second, what it adds to a case, the database."""
    folder, dumps = case_folder(bench)
    free = free_processors()
    clock, processor = {}, {}
    for jobs in (1, 2, 1, 2):  # twice, and the faster run counts: whatever else runs only makes it slower
        out = os.path.join(bench.directory, f"results{jobs}")
        shutil.rmtree(out, ignore_errors=True)
        os.sync()  # the system is not to write out the cases, or the results before, meanwhile
        run = processor_of([bench.poolscope, "batch", folder, "-o", out, "-j", str(jobs)])
        clock[jobs] = min(run[0], clock.get(jobs, run[0]))
        processor[jobs] = min(run[1], processor.get(jobs, run[1]))
    alone = profile(bench, dumps)
    added = processor[1] / CASES - alone
    quiet = free >= FREE
    show("batch, a case of 106 modules and 6 MB of code: analysis alone", milliseconds(alone))
    show("batch, what it adds to a case", milliseconds(added), "10 ms", added <= 0.01)
    show("batch, cases a second, one worker", f"{CASES / clock[1]:.1f}")
    show("batch, cases a second, two workers (60 are the aim)", f"{CASES / clock[2]:.1f}")
    ratio = clock[1] / clock[2]
    show("batch, two workers against one", f"{ratio:.2f} x", *(("1.8 x", ratio >= 1.8) if quiet else ()))
    print(f"  ({free:.1f} of {os.cpu_count()} processors were free{'' if quiet else ': the ratio is not judged'}; "
          f"two processors that only analyse would do {2 / alone:.1f} cases a second)")
    size = os.path.getsize(os.path.join(out, "cases.db")) * 1000 / CASES
    show("batch, database of 1,000 such cases", f"{size / MIB:.1f} MiB", "100 MB", size < 100e6)
    seconds = bench.command("cases", out)[0]
    show("cases, overview of them", milliseconds(seconds), "200 ms", seconds < 0.2)


def main():
    build = sys.argv[1]
    os.makedirs("build/bench", exist_ok=True)
    with tempfile.TemporaryDirectory(dir="build/bench") as directory:
        bench = Bench(build, directory)
        size_of_machine(bench)
        million = bench.make("bench-bigpages-1m", "build=20348")
        against_memcpy(bench, million, ["big"], "big_pages_read_ns", "1,048,576 big pages")
        many = bench.make("bench-64cpu")
        against_memcpy(bench, many, ["analyze"], "tracker_read_ns", "64 processors")
        other_containers(bench)
        all_findings(bench)
        owners_of_files(bench)
        owners_of_dump(bench)
        hostile_modules(bench)
        many_modules(bench)
        hidden_kernel(bench)
        bare_memory(bench)
        symbol_sources(bench)
        packed_cases(bench)
        many_cases(bench)
        cold(bench, million, "big", "1,048,576 big pages")
        cold(bench, many, "analyze", "64 processors")
    if failed:
        print(f"{len(failed)} limits exceeded: {'; '.join(failed)}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
