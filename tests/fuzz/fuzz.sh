#!/bin/bash
# fuzz.sh MKDUMP FUZZERS SECONDS: libFuzzer over each harness, seeds made from recipes. What it finds
# stays in build/fuzz; a finding ends with exit status 1.
set -u
mkdump=$1 fuzzers=$2 seconds=$3
seeds=build/fuzz/seeds
mkdir -p "$seeds"/{dump,pooltag,pe} build/fuzz/{dump,pooltag,pe,owners,found}

# Small machines, one of each container: an input of a megabyte would hide more than it shows.
for container in type1 type2 type4 type5 type6 type8 type10 raw-sparse; do
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

# Drivers for three machines.
configs="x64-O2 x86-O2 arm64-O2"
make --no-print-directory -f corpus/drivers/drivers.mk CONFIGS="$configs" || exit 1
for config in $configs; do
	for driver in build/drivers/"$config"/*.sys; do
		cp "$driver" "$seeds/pe/$config-${driver##*/}"
	done
done

status=0
ln -sfn pe "$seeds/owners"
for kind in dump pooltag pe owners; do
	timeout=5
	[ $kind = owners ] && timeout=20 # whole drivers, under sanitizers
	"$fuzzers/fuzz_$kind" -max_total_time="$seconds" -timeout="$timeout" -rss_limit_mb=1024 -max_len=2000000 \
		-artifact_prefix=build/fuzz/found/ "build/fuzz/$kind" "$seeds/$kind" || status=1
done
exit $status
