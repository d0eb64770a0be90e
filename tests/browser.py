"""A headless Chromium, driven through chromedriver's WebDriver port with the standard library alone, and
what can be said of its pictures.
"""

import base64
import contextlib
import json
import os
import shutil
import struct
import subprocess
import urllib.error
import urllib.request
import zlib

from harness import Failure, Skip, check, run, scratch

PROGRAMS = ("chromium", "chromedriver", "pdftotext", "pdftoppm")
# Nothing is looked up, fetched or reported: a name that resolves would be a fault of the page.
ARGUMENTS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND", "--force-device-scale-factor=1", "--hide-scrollbars",
)  # fmt: skip
SECONDS = 60


def need():
    """Skips the test where a program is absent."""
    absent = [name for name in PROGRAMS if not shutil.which(name)]
    if absent:
        raise Skip(f"{' and '.join(absent)} not installed; `make check-html` installs what it needs")


class Browser:
    """One session; open() first."""

    def __init__(self, port, directory):
        self.opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        self.base = f"http://127.0.0.1:{port}"
        options = {"args": [*ARGUMENTS, f"--user-data-dir={directory}/profile"]}
        wanted = {"goog:chromeOptions": options, "goog:loggingPrefs": {"performance": "ALL"}}
        session = self.call("/session", {"capabilities": {"alwaysMatch": wanted}})
        self.base += "/session/" + session["sessionId"]

    def call(self, path, body=None, method="POST"):
        data = json.dumps(body or {}).encode() if method == "POST" else None
        request = urllib.request.Request(self.base + path, data, method=method)
        try:
            with self.opener.open(request, timeout=SECONDS) as answer:
                return json.load(answer)["value"]
        except urllib.error.HTTPError as error:
            words = error.read().decode("utf-8", "replace")[:300]
            raise Failure(f"chromedriver on {path}: {words}") from error

    def open(self, path):
        self.call("/url", {"url": "file://" + path})

    def run(self, script, *arguments):
        return self.call("/execute/sync", {"script": script, "args": list(arguments)})

    def devtools(self, command, **parameters):
        return self.call("/goog/cdp/execute", {"cmd": command, "params": parameters})

    def size(self, width, height):
        self.devtools("Emulation.setDeviceMetricsOverride", width=width, height=height,
                      deviceScaleFactor=1, mobile=width < 600)  # fmt: skip

    def scheme(self, name):
        features = [{"name": "prefers-color-scheme", "value": name}]
        self.devtools("Emulation.setEmulatedMedia", features=features)

    def picture(self):
        return base64.b64decode(self.call("/screenshot", method="GET"))

    def pdf(self):
        options = {"printBackground": True, "preferCSSPageSize": True}
        return base64.b64decode(self.devtools("Page.printToPDF", **options)["data"])

    def requests(self):
        """Everything that the page asked for since the last call."""
        urls = []
        for entry in self.call("/se/log", {"type": "performance"}):
            message = json.loads(entry["message"])["message"]
            if message["method"] == "Network.requestWillBeSent":
                urls.append(message["params"]["request"]["url"])
        return urls


@contextlib.contextmanager
def browser():
    need()
    with scratch() as directory:
        driver = subprocess.Popen(
            ["chromedriver", "--port=0"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL, text=True, env={**os.environ, "HOME": directory},
        )  # fmt: skip
        session = None
        try:
            port = None
            for line in driver.stdout:
                if "started successfully on port" in line:
                    port = int(line.split()[-1].rstrip("."))
                    break
            check(port, "chromedriver does not say on which port it listens")
            session = Browser(port, directory)
            yield session
        finally:
            if session:
                session.call("", method="DELETE")
            driver.terminate()
            driver.wait(SECONDS)
            driver.stdout.close()


def unfiltered(kind, row, above, step):
    """One row of a PNG with its filter undone."""
    for i in range(len(row)):
        left = row[i - step] if i >= step else 0
        up = above[i]
        if kind == 1:
            row[i] = (row[i] + left) & 255
        elif kind == 2:
            row[i] = (row[i] + up) & 255
        elif kind == 3:
            row[i] = (row[i] + (left + up) // 2) & 255
        elif kind == 4:
            corner = above[i - step] if i >= step else 0
            guess = left + up - corner
            near = min((left, up, corner), key=lambda value: abs(guess - value))
            row[i] = (row[i] + near) & 255
    return row


def pixels_of_png(data):
    """(width, height, list of colours) of a PNG with 8 bits a channel, as browsers write them."""
    check(data[:8] == b"\x89PNG\r\n\x1a\n", "the picture is no PNG")
    width, height, depth, colour = struct.unpack(">IIBB", data[16:26])
    check(depth == 8 and colour in (2, 6), "the PNG is of an unexpected kind")
    step = 3 if colour == 2 else 4
    packed, at = b"", 8
    while at < len(data):
        length, name = struct.unpack(">I4s", data[at : at + 8])
        if name == b"IDAT":
            packed += data[at + 8 : at + 8 + length]
        at += 12 + length
    raw = zlib.decompress(packed)
    above, pixels = bytearray(width * step), []
    for line in range(height):
        start = line * (width * step + 1)
        row = bytearray(raw[start + 1 : start + 1 + width * step])
        above = unfiltered(raw[start], row, above, step) if raw[start] else row
        pixels += [tuple(above[i : i + 3]) for i in range(0, len(above), step)]
    return width, height, pixels


def pixels_of_ppm(data):
    kind, size, _, body = data.split(b"\n", 3)
    check(kind == b"P6", "the picture is no PPM")
    width, height = map(int, size.split())
    return width, height, [tuple(body[i : i + 3]) for i in range(0, 3 * width * height, 3)]


def looks(pixels):
    """(brightness of the commonest colour, share of the pixels of any other, how many colours)."""
    counts = {}
    for colour in pixels:
        counts[colour] = counts.get(colour, 0) + 1
    back = max(counts, key=counts.get)
    return sum(back) / 3, 1 - counts[back] / len(pixels), len(counts)


def pdf_words(path):
    return run(["pdftotext", "-layout", path, "-"]).stdout.decode("utf-8", "replace")


def pdf_page(path, page):
    return pixels_of_ppm(run(["pdftoppm", "-r", "60", "-f", str(page), "-l", str(page), path]).stdout)
