#!/bin/bash
# fuzz.sh MKDUMP FUZZERS SECONDS: libFuzzer over each harness, seeds made from recipes. What it finds
# stays in build/fuzz; a finding ends with exit status 1.
set -u
mkdump=$1 fuzzers=$2 seconds=$3
seeds=build/fuzz/seeds
mkdir -p "$seeds"/{dump,pooltag,pe,pdb,isf,deflate64,poolmon} build/fuzz/{dump,formats,pooltag,pe,owners,pdb,isf,deflate64,poolmon,found}

# Small machines, one of each container: an input of a megabyte would hide more than it shows.
for container in type1 type2 type4 type5 type6 type8 type10 raw-sparse vmware lime avml vmrs; do
	for arch in x64:17763 x64:20348 x86-pae:3790 x86:2600; do
		case $container:$arch in type8:x86* | type10:x86*) continue ;; esac # 64 bits only
		"$mkdump" - "$seeds/dump/${arch/:/-}-$container.dmp" <<-END
			arch ${arch%:*}
			build ${arch#*:}
			processors 1
			run 16 300
			low-stub off
			container $container
			minidump totals secondary=3
			tracker-entries 128
			tags random=12
			bigpages size=256 live=20% freed=10%
			driver myfault.sys size=0x6000
		END
	done
done
printf 'Leak - myfault.sys - a test\r\nTh?? - nt!ps - threads\n' > "$seeds/pooltag/list.txt"
printf ' Tag  Type Allocs Frees Diff Bytes Per Alloc\r\n Leak Nonp 3 ( 0) 1 ( 0) 2 20 ( 0) 10\r\n' \
	> "$seeds/poolmon/log.txt"
cat > "$seeds/poolmon/report.json" <<-END
	{"schema": "poolscope/1", "system": {"crash_time": "2024-05-01T03:12:45Z", "uptime_seconds": 60},
	"pool": {"tags": [{"tag_hex": "4c65616b", "complete": true, "owners": ["a.sys"],
	"nonpaged": {"allocs": 3, "frees": 1, "diff": 2, "bytes": 20},
	"paged": {"allocs": 0, "frees": 0, "diff": 0, "bytes": 0}}],
	"totals": {"nonpaged_bytes": 20, "paged_bytes": 0, "trust": "exact", "reported": {},
	"limits": {"nonpaged_maximum": {"bytes": 99, "source": "a", "trust": "read"}}}}}
END

# Drivers for three machines.
configs="x64-O2 x86-O2 arm64-O2"
make --no-print-directory -f corpus/drivers/drivers.mk CONFIGS="$configs" || exit 1
for config in $configs; do
	for driver in build/drivers/"$config"/*.sys; do
		cp "$driver" "$seeds/pe/$config-${driver##*/}"
	done
done

# The drivers' PDBs, and a small symbol table in each packing.
for config in $configs; do
	for pdb in build/drivers/"$config"/*.pdb; do
		[ -f "$pdb" ] && [ "$(stat -c %s "$pdb")" -lt 500000 ] && cp "$pdb" "$seeds/pdb/$config-${pdb##*/}"
	done
done
cat > "$seeds/isf/table.json" <<-END
	{"metadata": {"windows": {"pdb": {"GUID": "0123456789ABCDEF0123456789ABCDEF", "age": 1,
	"database": "ntkrnlmp.pdb"}}}, "symbols": {"PoolTrackTable": {"address": 4096}, "A\u0041\n": {}},
	"user_types": {"_EPROCESS": {"kind": "struct", "size": 8, "fields": {"Flags": {"offset": 4,
	"type": {"kind": "bitfield", "bit_position": 3, "bit_length": 2}}}}}, "enums": [1, -2.5e3, null, true]}
END
python3 -c 'import gzip, lzma, sys
text = open(sys.argv[1], "rb").read()
open(sys.argv[1] + ".xz", "wb").write(lzma.compress(text))
open(sys.argv[1] + ".gz", "wb").write(gzip.compress(text))' "$seeds/isf/table.json"
printf 'poolscope-symbols 1\npdb a.pdb 0-1\nsymbol PoolTrackTable 0x10\nfield _EPROCESS Flags 0x4 3 2\nend\n' \
	> "$seeds/isf/entry.symbols"

# Deflate64: what zlib writes is the same but for matches of 258 bytes.
python3 -c 'import sys, zlib
for level in 1, 9:
    packer = zlib.compressobj(level, zlib.DEFLATED, -15)
    packed = packer.compress(open("README.md", "rb").read()) + packer.flush()
    open(f"{sys.argv[1]}/level{level}", "wb").write(b"\3" + packed)' "$seeds/deflate64"

status=0
ln -sfn pe "$seeds/owners"
ln -sfn dump "$seeds/formats"
for kind in dump formats pooltag pe owners pdb isf deflate64 poolmon; do
	timeout=5
	[ $kind = owners ] && timeout=20 # whole drivers, under sanitizers
	"$fuzzers/fuzz_$kind" -max_total_time="$seconds" -timeout="$timeout" -rss_limit_mb=1024 -max_len=2000000 \
		-artifact_prefix=build/fuzz/found/ "build/fuzz/$kind" "$seeds/$kind" || status=1
done
exit $status
