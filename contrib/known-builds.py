#!/usr/bin/python3
"""Makes analyzer/kernel/known_builds.inc: where kernel variables lie in builds of ntoskrnl.exe.

    known-builds.py TABLE.tsv > analyzer/kernel/known_builds.inc
    known-builds.py --add FILE.json[.xz|.gz]... < TABLE.tsv > NEW.tsv

The table has a row a build: its version, the PDB's GUID and age as in a crash dump, and RVAs in hex
("-": not there), named in the first row. --add appends rows from Volatility 3 symbol tables. RVAs are
facts; nothing else of a symbol file is taken.
"""

import csv
import gzip
import json
import lzma
import re
import sys

HEAD = """\
/* Made by contrib/known-builds.py: {count} builds; an RVA a column, 0 where the build has no such variable. */
"""


def rows_of(file):
    table = csv.DictReader(file, delimiter="\t")
    return table.fieldnames, list(table)


def rva(text):
    return "0" if text == "-" else f"0x{int(text, 16):x}"


def make(fields, rows, out):
    names = fields[2:]
    seen = set()
    out.write(HEAD.format(count=len(rows)))
    quoted = ", ".join(f'"{name}"' for name in names)
    out.write(f"#ifdef KNOWN_COLUMNS\n{quoted}\n#else\n")
    for row in sorted(rows, key=lambda row: row["pdb_guid_age"]):
        identity = row["pdb_guid_age"]
        if not re.fullmatch(r"[0-9A-F]{32}-[0-9A-F]+", identity) or identity in seen:
            sys.exit(f"{identity} is no GUID and age, or comes twice")
        seen.add(identity)
        numbers = ", ".join(rva(row[name]) for name in names)
        out.write(f'{{"{identity}", "{row["version"]}", {{{numbers}}}}},\n')
    out.write("#endif\n")


def open_packed(path):
    if path.endswith(".xz"):
        return lzma.open(path)
    return gzip.open(path) if path.endswith(".gz") else open(path, "rb")


def row_of(path, names):
    with open_packed(path) as file:
        table = json.load(file)
    pdb = table["metadata"]["windows"]["pdb"]
    row = {"version": "?", "pdb_guid_age": f"{pdb['GUID'].upper()}-{pdb['age']:X}"}
    for name in names:
        symbol = table["symbols"].get(name)
        row[name] = f"{symbol['address']:x}" if symbol else "-"
    return row


def main():
    if len(sys.argv) >= 3 and sys.argv[1] == "--add":
        fields, rows = rows_of(sys.stdin)
        rows += [row_of(path, fields[2:]) for path in sys.argv[2:]]
        writer = csv.DictWriter(sys.stdout, fields, delimiter="\t", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    elif len(sys.argv) == 2:
        with open(sys.argv[1], encoding="utf-8") as file:
            make(*rows_of(file), sys.stdout)
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    main()
