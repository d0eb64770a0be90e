"""The HTML page of `analyze`: its figures against the JSON of the same dump, its size, that nothing
half-written stays; and in headless Chromium (browser.py) how it looks, sorts and prints, and that it asks
for nothing. The second part is skipped, with a word, where Chromium is not installed.
"""

import base64
import functools
import hashlib
import html.parser
import os
import re
import signal
import subprocess
import time

from browser import browser, looks, pdf_page, pdf_words, pixels_of_png
from harness import POOLSCOPE, RECIPES, ROOT, check, equal, make_dump, poolscope_json, run, scratch
from realdata import bitmap_dump

JOBS = 1  # a browser at a time

RECIPES_USED = ("hung-iis6", "notmyfault-leak", "missing-pages", "minidump", "strange-tags",
                "overflow", "live", "loop-modules", "family-xp-x86")  # fmt: skip
BOUND = {"exact": "", "at-least": ">=", "about": "~"}
TAGS, MODULES, BYTES, SECONDS = 4000, 300, 1_500_000, 0.5


class Page(html.parser.HTMLParser):
    """Tables by id, as lists of rows of (text, exact value); terms, ids, links, text, scripts."""

    def __init__(self, text):
        super().__init__()
        self.tables, self.ids, self.links, self.sources = {}, [], [], []
        self.headers, self.text, self.listings = [], "", []
        self.table = self.cell = self.skipped = None
        self.lang, self.scripts, self.in_listing = None, 0, False
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        given = dict(attributes)
        self.ids += [given["id"]] if "id" in given else []
        self.links += [given["href"]] if "href" in given else []
        self.sources += [given[key] for key in ("src", "srcset", "data", "action", "poster") if key in given]
        handlers = [key for key in given if key.startswith("on") or key == "style"]
        check(not handlers, f"<{tag}> has {handlers}")
        if tag == "html":
            self.lang = given.get("lang")
        elif tag in ("script", "style"):
            self.skipped = tag
            self.scripts += tag == "script"
        elif tag == "table":
            self.table = self.tables.setdefault(given["id"], [])
        elif tag == "tr" and self.table is not None:
            self.table.append([])
        elif tag in ("td", "th") and self.table is not None:
            self.table[-1].append(["", given.get("data-v")])
            self.cell = self.table[-1][-1]
            if tag == "th":
                self.headers.append(given.get("scope"))
        elif tag == "pre":
            self.listings.append("")
            self.in_listing = True

    def handle_endtag(self, tag):
        if tag in ("table", "thead"):
            self.cell = None
        if tag == "table":
            self.table = None
        if tag == self.skipped:
            self.skipped = None
        if tag == "pre":
            self.in_listing = False

    def handle_data(self, data):
        if self.skipped:
            return
        self.text += data
        if self.cell is not None:
            self.cell[0] += data
        if self.in_listing:
            self.listings[-1] += data

    def rows(self, name):
        return [[(text.rstrip("\n"), exact) for text, exact in row] for row in self.tables[name][1:]]


def write_page(dump, directory, *options):
    out = os.path.join(directory, "page.html")
    run([POOLSCOPE, "analyze", dump, "--html", out, *options], want=(0, 1))
    with open(out, encoding="utf-8") as file:
        return out, file.read()


def side_rows(report):
    """What the tag table must hold, from JSON: pools in which a tag was never used are left out."""
    rows = set()
    for tag in report["pool"]["tags"]:
        bound, about = BOUND[tag["trust"]["allocs"]], BOUND[tag["trust"]["bytes"]]
        for name, word in (("nonpaged", "Nonp"), ("paged", "Paged")):
            side = tag[name]
            if tag["complete"] and not any((side["allocs"], side["frees"], side["bytes"])):
                continue
            rows.add((tag["tag"], word, f"{bound}{side['allocs']}", f"{bound}{side['frees']}",
                      f"{about}{side['diff']}", f"{about}{side['bytes']}"))  # fmt: skip
    return rows


def compare_tags(page, report):
    rows = page.rows("t-tags")
    got = {tuple(text for text, _ in row[:6]) for row in rows}
    equal(len(got), len(rows), "different rows of the tag table")
    want = side_rows(report)
    check(got == want, f"tags that differ: {sorted(got ^ want)[:4]}")
    owners = {tag["tag"]: tag["owners"] for tag in report["pool"]["tags"]}
    for row in rows:
        names = owners[row[0][0]]
        if names and len(row) == 11:
            check(row[9][0].startswith(names[0]), f"owner of {row[0][0]}: {row[9][0]}, JSON {names}")


def compare_totals(page, report):
    totals = report["pool"]["totals"]
    if totals is None:
        return
    mark = BOUND[totals["trust"]] if totals["trust"] else ""
    for row, name in zip(page.rows("t-pools"), ("nonpaged", "paged")):
        tags = totals[f"{name}_bytes"]
        equal(row[1][0], "unknown" if tags is None else f"{mark}{tags}", f"{name} sum over tags")
        for cell, total in ((row[3], totals["reported"][f"{name}_allocated"]),
                            (row[4], totals["limits"][f"{name}_maximum"])):  # fmt: skip
            equal(cell[1], str(total["bytes"]) if total else None, f"{name} total")
            check(total or cell[0] == "unknown", f"{name}: {cell[0]} is not known")
        rest = totals[f"{name}_untracked_bytes"]
        equal(row[6][1], None if rest is None else str(rest), f"{name} untracked")


def compare_modules(page, report):
    pools = {module["base"]: module["pool"] for module in report["modules"] or []}
    for key, table in (("modules", "t-modules"), ("unloaded_modules", "t-unloaded")):
        if not report[key]:
            continue
        rows = page.rows(table)
        got = [(row[0][0], int(row[1][0], 16), int(row[3][1])) for row in rows]
        want = [(m["name"], int(m["base"], 16), m["size"]) for m in report[key]]
        equal(len(got), len(want), key)
        for one, other in zip(got, want):
            check(one[1:] == other[1:] and one[0] in (other[0], "?"), f"{key}: {one}, JSON {other}")
        for row in rows if key == "modules" else []:
            pool = pools[f"0x{int(row[1][0], 16):016x}"]
            if pool and row[4][1]:
                equal([row[4][1], row[5][1]],
                      [str(pool["nonpaged_bytes"]), str(pool["paged_bytes"])], row[0][0])  # fmt: skip


def compare_drivers(page, report):
    if report["drivers"] is None:
        return
    want = [(d["module"], d["nonpaged_bytes"], d["paged_bytes"], len(d["tags"])) for d in report["drivers"]]
    for key, name in (("shared", "shared"), ("no_owner", "no owner found")):
        rest = report["drivers_rest"][key]
        if rest["tags"]:
            want.append((name, rest["nonpaged_bytes"], rest["paged_bytes"], len(rest["tags"])))
    got = [(row[0][0].removesuffix(" *"), int(row[1][1]), int(row[2][1]), int(row[3][0]))
           for row in page.rows("t-drivers")]  # fmt: skip
    equal(got, want, "pool by driver")


def compare_big(page, report):
    big = report["pool"]["big_pages"]
    if big is None:
        return
    mark = "" if big["complete"] else ">="
    want = set()
    for tag in big["by_tag"]:
        for key, word in (("nonpaged", "Nonp"), ("paged", "Paged"), ("either", "?")):
            if tag[key]["count"]:
                want.add((tag["tag"], word, f"{mark}{tag[key]['count']}", f"{mark}{tag[key]['bytes']}"))
    got = {tuple(text for text, _ in row[:4]) for row in page.rows("t-big")}
    check(got == want, f"big allocations that differ: {sorted(got ^ want)[:4]}")


def compare_words(page, report):
    """Verdict, findings and evidence."""
    words = " ".join(page.text.split())
    if report["verdict"]:
        check(" ".join(report["verdict"]["text"].split()) in words, "the verdict is not on the page")
    equal(sum(1 for one in page.ids if re.fullmatch(r"f\d+", one)), len(report["findings"]), "findings")
    for finding in report["findings"]:
        for part in (finding["title"], finding["detail"], *finding["evidence"]):
            check(" ".join(part.split()) in words, f"not on the page: {part}")
    known = {line for owner in report["owners"] or [] for candidate in owner["candidates"]
             for evidence in candidate["evidence"] for line in evidence["listing"]}  # fmt: skip
    shown = {line for listing in page.listings for line in listing.split("\n")}
    check(shown <= known, f"lines that JSON has not: {sorted(shown - known)[:3]}")


def structure(page, text):
    equal(page.lang, "en", "lang")
    check(all(page.headers) and None not in page.headers, "a header cell without scope")
    equal(len(page.ids), len(set(page.ids)), "different ids")
    for link in page.links:
        check(link.startswith("#") and link[1:] in page.ids, f"a link to {link}")
    equal(page.sources, [], "attributes that load something")
    equal(page.scripts, 1, "scripts")
    check(not re.search(r"url\(|@import|https?:", text), "something that could be fetched")
    check("\x1b" not in text and "\u202e" not in text, "control characters")


def compare(dump):
    """With owners' listings in both: they come with --html."""
    with scratch() as directory:
        out = os.path.join(directory, "page.html")
        status, report = poolscope_json("analyze", dump, "--html", out)
        with open(out, encoding="utf-8") as file:
            text = file.read()
        same = run([POOLSCOPE, "analyze", dump, "--html", "-"], want=(status,)).stdout.decode()
    page = Page(text)
    equal(Page(same).tables, page.tables, "the page on standard output")
    structure(page, text)
    if report["pool"]["tags"] is not None:
        compare_tags(page, report)
    compare_totals(page, report)
    compare_modules(page, report)
    compare_drivers(page, report)
    compare_big(page, report)
    compare_words(page, report)
    return f"{sum(len(rows) - 1 for rows in page.tables.values())} rows, {len(page.listings)} listings"


def figures(name):
    with scratch() as directory:
        dump, _ = make_dump(f"{name}.recipe", directory)
        return compare(dump)


def large_recipe():
    lines = ["arch x64", "build 17763", "physical 256M", "container type6", "tracker-entries 8192",
             f"tags random={TAGS}", "bigpages size=16384 live=30%"]  # fmt: skip
    for number in range(MODULES):
        lines.append(f'driver vendor{number:03}.sys size=0x8000 company="Vendor {number} Corporation" '
                     f"version=10.0.{number}.1 tags=Q{number:03}/{16 * (number + 1)}")  # fmt: skip
        lines.append(f"tag Q{number:03} np {1000 + number} 10 {16 * (number + 1) * (990 + number)}")
    return "\n".join([*lines, ""])


def timed(*words):
    best = None
    for _ in range(3):
        started = time.monotonic()
        run([POOLSCOPE, "analyze", *words], want=(0, 1))
        spent = time.monotonic() - started
        best = spent if best is None else min(best, spent)
    return best


def large():
    with scratch() as directory:
        dump, _ = make_dump(large_recipe(), directory)
        out, text = write_page(dump, directory)
        page = Page(text)
        tags = {row[0][0] for row in page.rows("t-tags")}
        check(len(tags) >= TAGS, f"only {len(tags)} tags")
        check(len(page.rows("t-modules")) >= MODULES, "modules are missing")
        check(len(text.encode()) < BYTES, f"{len(text.encode())} bytes")
        spent = timed(dump, "--html", out) - timed(dump)
        check(spent < SECONDS, f"writing the page takes {spent:.2f} s")
        compare(dump)
    return f"{len(tags)} tags, {len(page.rows('t-modules'))} modules: {len(text.encode())} bytes, {spent:.2f} s"


def bounded():
    """--top 0 makes every tag one of the largest: bars and listings stay few."""
    with scratch() as directory:
        dump, _ = make_dump(large_recipe(), directory)
        _, text = write_page(dump, directory, "--top", "0")
        page = Page(text)
        check(len(text.encode()) < BYTES, f"{len(text.encode())} bytes")
        equal(text.count("<g data-v="), 30, "bars")
        check(sum(1 for one in page.ids if re.fullmatch(r"o\d+", one)) <= 24, "evidence of too many tags")


def interrupted():
    """Whenever Ctrl-C comes, there is the whole page, or the old one, and nothing else."""
    with scratch() as directory:
        dump, _ = make_dump(large_recipe(), directory)
        folder = os.path.join(directory, "out")
        os.mkdir(folder)
        out = os.path.join(folder, "page.html")
        kept = 0
        for delay in range(24):
            with open(out, "w", encoding="utf-8") as file:
                file.write("old")
            command = [POOLSCOPE, "analyze", dump, "--html", out, "-q"]
            with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as program:
                time.sleep(0.012 * delay)
                program.send_signal(signal.SIGINT)
                program.wait(60)
            equal(os.listdir(folder), ["page.html"], "what is there after Ctrl-C")
            with open(out, encoding="utf-8") as file:
                text = file.read()
            check(text == "old" or text.endswith("</html>\n"), "half a page")
            kept += text == "old"
    check(kept > 0, "the program was never interrupted in time")
    return f"{kept} of 24 before the page"


def hashes():
    """The policy names style and script by their SHA-256."""
    folder = os.path.join(ROOT, "analyzer", "report")
    with open(os.path.join(folder, "html_page.c"), encoding="utf-8") as file:
        source = file.read()
    for name, kind in (("page.css", "style"), ("page.js", "script")):
        with open(os.path.join(folder, name), "rb") as file:
            want = base64.b64encode(hashlib.sha256(file.read()).digest()).decode()
        check(f"{kind}-src 'sha256-{want}'" in source, f"html_page.c: {kind}-src 'sha256-{want}' is due")


@functools.cache
def recipe_page(name):
    """Made once for all the browser's tests; under build/, for whoever wants to look at it."""
    directory = os.path.join(ROOT, "build", "html")
    os.makedirs(directory, exist_ok=True)
    with scratch() as place:
        dump, _ = make_dump(f"{name}.recipe", place)
        out = os.path.join(directory, f"{name}.html")
        run([POOLSCOPE, "analyze", dump, "--html", out], want=(0, 1))
    return out


def real_page():
    out = os.path.join(ROOT, "build", "html", "real.html")
    os.makedirs(os.path.dirname(out), exist_ok=True)
    run([POOLSCOPE, "analyze", bitmap_dump(), "--html", out], want=(0, 1))
    return out


def pictures(page):
    """Light, dark and 360 px wide: words on a plain background, no sideways scrolling, no request."""

    def case():
        path = page()
        with browser() as session:
            for name, width, height, scheme in (("light", 900, 400, "light"), ("dark", 900, 400, "dark"),
                                                ("narrow", 360, 600, "light")):  # fmt: skip
                session.size(width, height)
                session.scheme(scheme)
                session.open(path)
                wide = session.run("return document.documentElement.scrollWidth")
                check(wide <= width, f"{name}: {wide} px wide in a window of {width}")
                picture = session.picture()
                with open(f"{path}.{name}.png", "wb") as file:
                    file.write(picture)
                back, share, colours = looks(pixels_of_png(picture)[2])
                check((back > 200) == (scheme == "light"), f"{name}: background {back:.0f}")
                check(0.03 < share < 0.8 and colours > 20, f"{name}: {share:.3f} ink, {colours} colours")
            return f"{share:.2f} of the narrow picture are not background"

    return case


def asks_for_nothing():
    """What the browser asks for is the page alone; a page that asks for more is caught."""
    path = recipe_page("hung-iis6")
    with browser() as session, scratch() as directory:
        session.open(path)
        asked = {url for url in session.requests() if url.startswith(("http", "file", "ftp", "ws"))}
        equal(asked, {"file://" + path}, "what the page asked for")
        other = os.path.join(directory, "other.html")
        with open(other, "w", encoding="utf-8") as file:
            file.write('<!DOCTYPE html><img src="http://fetched.invalid/picture.png">')
        session.open(other)
        check(any("fetched.invalid" in url for url in session.requests()), "a request is not seen")
        with open(path, encoding="utf-8") as file:
            text = file.read()
        with open(other, "w", encoding="utf-8") as file:
            file.write(text.replace("<main>", '<main><img src="http://fetched.invalid/a.png">'
                                    "<script>document.title = 'foreign'</script>"))  # fmt: skip
        session.open(other)
        check(session.run("return document.title") != "foreign", "a foreign script ran")


SORTED = """
const [id, column] = arguments;
const table = document.getElementById(id);
table.tHead.rows[0].cells[column].querySelector('button').click();
return [table.tHead.rows[0].cells[column].getAttribute('aria-sort'),
        Array.from(table.tBodies[0].rows, row => row.cells[column].textContent.trim())];
"""


def number(text):
    return int(text.removeprefix(">=").removeprefix("~"))


def sorts():
    with browser() as session:
        session.open(recipe_page("missing-pages"))
        for direction, reverse in (("descending", True), ("ascending", False)):
            way, cells = session.run(SORTED, "t-tags", 2)
            equal(way, direction, "aria-sort")
            values = [number(cell) for cell in cells]
            equal(values, sorted(values, reverse=reverse), f"Allocs, {direction}")
        _, cells = session.run(SORTED, "t-tags", 0)
        equal(cells, sorted(cells, key=str.lower), "tags by name")
        way, sizes = session.run(SORTED, "t-tags", 6)
        _, exact = session.run(SORTED, "t-tags", 5)
        check(way == "descending" and len(sizes) == len(exact) > 100, "Size does not sort")
        sizes = session.run("return Array.from(document.getElementById('t-modules').tBodies[0].rows, "
                            "row => row.cells[3].dataset.v)")  # fmt: skip
        _, shown = session.run(SORTED, "t-modules", 3)
        after = session.run("return Array.from(document.getElementById('t-modules').tBodies[0].rows, "
                            "row => row.cells[3].dataset.v)")  # fmt: skip
        equal(after, sorted(sizes, key=int, reverse=True), "modules by exact size")
        return f"{len(cells)} rows"


def prints():
    """What is folded on the screen is open on paper."""
    path = recipe_page("notmyfault-leak")
    with browser() as session:
        session.scheme("dark")
        session.open(path)
        hidden = session.run("return document.body.innerText.includes('mov r8d, 0x6b61654c')")
        check(not hidden, "evidence is not folded")
        with open(path + ".pdf", "wb") as file:
            file.write(session.pdf())
    words = pdf_words(path + ".pdf")
    for part in ("Tag Leak holds 3.0 GB", "mov r8d, 0x6b61654c", "3221225472", "dump_storport.sys"):
        check(part in words, f"not on paper: {part}")
    repeated = len(re.findall(r"Allocs +Frees", words))
    check(repeated > 4, f"the header of the tag table is printed {repeated} times")
    back, share, _ = looks(pdf_page(path + ".pdf", 1)[2])
    check(back > 250 and share > 0.03, f"page 1: background {back:.0f}, {share:.3f} ink")
    return f"{words.count(chr(12))} pages"


def without_script():
    path = recipe_page("notmyfault-leak")
    with browser() as session:
        session.size(900, 700)
        session.devtools("Emulation.setScriptExecutionDisabled", value=True)
        session.open(path)
        back, share, _ = looks(pixels_of_png(session.picture())[2])
        check(back > 200 and share > 0.03, f"background {back:.0f}, {share:.3f} ink")


def cases():
    for name in RECIPES_USED:
        check(os.path.exists(os.path.join(RECIPES, f"{name}.recipe")), f"no recipe {name}")
        yield f"figures/{name}", functools.partial(figures, name)
    yield "figures/real", lambda: compare(bitmap_dump())
    yield "4000-tags-300-modules", large
    yield "bounded-evidence", bounded
    yield "ctrl-c-leaves-no-half-page", interrupted
    yield "policy", hashes
    for name in ("hung-iis6", "notmyfault-leak", "missing-pages"):
        yield f"browser/looks/{name}", pictures(functools.partial(recipe_page, name))
    yield "browser/looks/real", pictures(real_page)
    yield "browser/asks-for-nothing", asks_for_nothing
    yield "browser/sorts", sorts
    yield "browser/prints", prints
    yield "browser/reads-without-script", without_script
