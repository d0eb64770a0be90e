#!/bin/sh
# Makes every recipe and checks the dump against its truth with selfcheck.py.
#
# usage: selftest.sh [MKDUMP [RECIPE...]]     (default: build/gcc/mkdump, all recipes)
#
# Recipes whose damage keeps the tables from being reached are only made; they are listed below.
set -u
here=$(dirname "$0")
mkdump=${1:-$here/../build/gcc/mkdump}
[ $# -gt 0 ] && shift
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT INT TERM
only_made=" elf-truncated elf-virtualbox elf-many-segments wrong-dtb-arm64 wrong-dtb-la57 zero-header-arm64
 minidump-truncated rdmp-truncated rdmp-count-mismatch rdmp-wrong-header rdmp-zero-header
 summary-mismatch summary-wrong-header minidump-zero-header truncated truncated-header missing-globals insufficient bitmap-mismatch wrong-dtb wrong-kdbg zero-header
 missing-kdbg missing-array kvas unknown-type loop-modules nowhere-modules violate "
only_made=$(echo "$only_made" | tr '\n' ' ')
failed=0
count=0
[ $# -gt 0 ] || set -- "$here"/recipes/*.recipe
for recipe in "$@"; do
	name=$(basename "$recipe" .recipe)
	count=$((count + 1))
	if ! "$mkdump" "$recipe" "$work/a.dmp" "$work/a.json"; then
		echo "FAIL $name: cannot be made"
		failed=$((failed + 1))
		continue
	fi
	"$mkdump" "$recipe" "$work/b.dmp" "$work/b.json"
	cmp -s "$work/a.json" "$work/b.json" || { echo "FAIL $name: not deterministic"; failed=$((failed + 1)); }
	case "$only_made" in
	*" $name "*) echo "made $name"; continue ;;
	esac
	if /usr/bin/python3 "$here/selfcheck.py" "$work/a.dmp" "$work/a.json"; then
		echo "ok   $name"
	else
		echo "FAIL $name"
		failed=$((failed + 1))
	fi
done
echo "$count recipes, $failed failed"
[ $failed -eq 0 ]
