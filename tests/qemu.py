"""Real containers: a QEMU machine that never runs, whose memory is an image that mkdump made, and
what its monitor writes of it.

The machine is started stopped (-S), so that no firmware writes into the memory, and under TCG, which
works everywhere. The image is mapped privately: the file stays as it is.
"""

import contextlib
import json
import os
import shutil
import socket
import subprocess
import time

from harness import Failure, Skip

QEMU = "qemu-system-x86_64"
QEMU_ARM64 = "qemu-system-aarch64"
PATIENCE = 60


class Monitor:
    """QMP over a socket."""

    def __init__(self, path, process, program):
        self.program = program
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(PATIENCE)
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                self.socket.connect(path)
                break
            except OSError as error:
                if process.poll() is not None:
                    words = process.stderr.read().decode("utf-8", "replace").strip()
                    raise Skip(f"{program} does not run here: {words[-200:]}") from error
                if time.monotonic() > deadline:
                    raise Failure(f"{program} opens no monitor") from error
                time.sleep(0.05)
        self.lines = self.socket.makefile("rw")
        self.lines.readline()  # the greeting
        self.command("qmp_capabilities")

    def command(self, name, **arguments):
        self.lines.write(json.dumps({"execute": name, "arguments": arguments}) + "\n")
        self.lines.flush()
        while True:
            line = self.lines.readline()
            if not line:
                raise Failure(f"{self.program} ended over {name}")
            answer = json.loads(line)
            if "error" in answer:
                raise Failure(f"{self.program}: {name}: {answer['error']['desc']}")
            if "return" in answer:
                return answer["return"]


@contextlib.contextmanager
def started(program, words, directory):
    """A stopped machine. Yields its monitor."""
    if not shutil.which(program):
        raise Skip(f"{program} is not installed (make check-qemu installs it)")
    path = os.path.join(directory, "monitor")
    command = [program, "-S", "-nodefaults", "-display", "none", *words,
               "-qmp", f"unix:{path},server=on,wait=off"]  # fmt: skip
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                          stderr=subprocess.PIPE) as process:  # fmt: skip
        try:
            yield Monitor(path, process, program)
        finally:
            process.kill()


def ram(image, size):
    return ["-object", f"memory-backend-file,id=ram,size={size},mem-path={image},share=off", "-m", f"{size}B"]


def machine(image, directory, size, below_4g=None):
    """A PC whose RAM is the file `image` of `size` bytes."""
    kind = "pc,memory-backend=ram" + (f",max-ram-below-4g={below_4g}" if below_4g else "")
    return started(QEMU, ["-accel", "tcg", "-machine", kind, "-smp", "2", *ram(image, size)], directory)


def arm64_machine(image, directory, size):
    """The same of an ARM64 machine, whose RAM begins at 1 GiB."""
    return started(QEMU_ARM64, ["-accel", "tcg", "-machine", "virt,memory-backend=ram", "-cpu", "cortex-a57",
                                "-smp", "2", *ram(image, size)], directory)  # fmt: skip


def dump(monitor, path, kind):
    """`kind` is "elf", "elf-paging", or a format of QEMU such as "kdump-zlib"."""
    options = {"paging": kind == "elf-paging", "protocol": f"file:{path}"}
    if not kind.startswith("elf"):
        options["format"] = kind
    monitor.command("dump-guest-memory", **options)
    return path


def rearranged(flattened, path):
    """The plain kdump file behind a flattened stream, by makedumpfile."""
    if not shutil.which("makedumpfile"):
        raise Skip("makedumpfile is not installed (make check-qemu installs it)")
    with open(flattened, "rb") as stream:
        done = subprocess.run(["makedumpfile", "-R", path], stdin=stream, capture_output=True,
                              timeout=PATIENCE, check=False)  # fmt: skip
    if done.returncode:
        raise Failure(f"makedumpfile -R: {done.stderr.decode('utf-8', 'replace')[-200:]}")
    return path


class Debugger:
    """As much of gdb's remote protocol as it takes to set a register."""

    EFER, CR0, CR3, CR4 = 32, 27, 29, 30

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(PATIENCE)
        self.socket.connect(path)
        # Only after the description of the processor do its control registers have numbers.
        self.ask("qSupported:xmlRegisters=i386")
        self.ask("qXfer:features:read:target.xml:0,ffb")

    def ask(self, words):
        self.socket.sendall(f"${words}#{sum(words.encode()) % 256:02x}".encode())
        answer = b""
        while b"#" not in answer[-3:-2]:
            answer += self.socket.recv(4096)
        self.socket.sendall(b"+")
        return answer.lstrip(b"+")[1:-3].decode("latin-1")

    def write(self, register, value, width=8):
        answer = self.ask(f"P{register:x}={value.to_bytes(width, 'little').hex()}")
        if answer != "OK":
            raise Failure(f"{QEMU}: register {register} cannot be set: {answer}")


def turn_paging_on(monitor, directory, cr3):
    """Puts the first processor into 64-bit paging with these page tables."""
    path = os.path.join(directory, "gdb")
    monitor.command("human-monitor-command", **{"command-line": f"gdbserver unix:{path},server=on,wait=off"})
    debugger = Debugger(path)
    debugger.write(Debugger.EFER, 0x100)  # LME
    debugger.write(Debugger.CR4, 0x20)  # PAE
    debugger.write(Debugger.CR3, cr3)
    debugger.write(Debugger.CR0, 0x80000001)  # PG and PE: now LMA too
