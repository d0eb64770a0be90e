"""No false alarms: on healthy machines of every family of pool layouts no finding is above "info", and
the verdict says so; on the pages of a real, healthy Windows 10 only what is missing is. The verdicts of
machines that are not healthy are read word for word by the suite cli.
"""

import glob
import os

import truth
from harness import RECIPES, check, equal, poolscope_json, run, scratch, MKDUMP
from realdata import bitmap_dump, raw_image

# What is said of missing pages is no alarm.
OF_COVERAGE = {"tracker-incomplete", "big-pages-incomplete", "file-incomplete", "modules-incomplete",
               "unloaded-modules-incomplete", "big-pages-unavailable"}  # fmt: skip


def loud(report):
    return [f"{f['severity']} {f['id']}: {'; '.join(f['evidence'])}" for f in report["findings"]
            if f["severity"] != "info" and f["id"] not in OF_COVERAGE]  # fmt: skip


def healthy(recipe):
    with scratch() as directory:
        dump = os.path.join(directory, "healthy.dmp")
        run([MKDUMP, os.path.join(RECIPES, recipe), dump])
        status, report = poolscope_json(dump)
    equal(status, 0, "exit status")
    truth.validate(report)
    equal(loud(report), [], "alarms")
    text = report["verdict"]["text"]
    check(text.startswith("Nothing unusual in the pools: "), text)
    equal(report["verdict"]["finding_ids"], ["nothing-unusual"], "findings behind the verdict")
    limits = report["pool"]["totals"]["limits"]
    check(limits["nonpaged_maximum"] and limits["paged_maximum"] or "-x86" in recipe,
          f"no limits: {limits}")  # fmt: skip


def real(image):
    _, report = poolscope_json(image)
    truth.validate(report)
    equal(loud(report), [], "alarms")
    check("Nothing unusual" in report["verdict"]["text"], report["verdict"]["text"])


def cases():
    recipes = sorted(glob.glob(os.path.join(RECIPES, "healthy-*.recipe")))
    families = glob.glob(os.path.join(RECIPES, "family-*.recipe"))
    yield "a-healthy-machine-of-every-family", lambda: equal(
        {os.path.basename(path)[len("family-"):] for path in families}
        - {os.path.basename(path)[len("healthy-"):] for path in recipes}, set(), "families without")  # fmt: skip
    for path in recipes:
        name = os.path.basename(path)
        yield name[:-7], lambda n=name: healthy(n)
    yield "real-windows-10-raw", lambda: real(raw_image())
    yield "real-windows-10-bitmap", lambda: real(bitmap_dump())
