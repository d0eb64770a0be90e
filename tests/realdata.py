"""The real kernel of ../shared/data, unpacked once under build/real."""

import functools
import os
import threading

from harness import ROOT, data, run

FOLDER = "win10-17763-x64"
DIRECTORY = os.path.join(ROOT, "build", "real")

_lock = threading.Lock()  # two suites may ask at the same time


def unpacked(name, source, command):
    """Unpacked anew in every run of the tests: what an interrupted run left may be half a file."""
    with _lock:
        return _unpack(name, source, command)


@functools.cache
def _unpack(name, source, command):
    source = data(FOLDER, source)
    os.makedirs(DIRECTORY, exist_ok=True)
    target = os.path.join(DIRECTORY, name)
    run([word.format(source=source, target=target, directory=DIRECTORY) for word in command])
    return target


def raw_image():
    """Sparse: absent pages are holes of the file."""
    command = ("tar", "--zstd", "-xSf", "{source}", "-C", "{directory}")
    return unpacked("ConfigIoHandler_Safeguarded.raw", "snapshot.raw.tar.zst", command)


def bitmap_dump():
    command = ("zstd", "-q", "-d", "-f", "{source}", "-o", "{target}")
    return unpacked("real-bitmap5.dmp", "real-bitmap5.dmp.zst", command)
