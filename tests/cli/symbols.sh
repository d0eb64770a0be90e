# Which symbols a dump wants, where they are looked for, what came of it; the cache.
dump known-build
dump known-build-no-kdbg
shown() { "$@" 2>&1 | sed "s|$PWD|.|g"; }
export -f shown
export XDG_CACHE_HOME=$PWD/cache
mkdir place empty
cat > place/8CFB49428DC86A330CE257778E0C2F93-1.json <<END
{"metadata": {"windows": {"pdb": {"GUID": "8CFB49428DC86A330CE257778E0C2F93", "age": 1, "database": "ntkrnlmp.pdb"}}},
"symbols": {"PoolTrackTable": {"address": 4237560}, "PsLoadedModuleList": {"address": 4306832}},
"user_types": {"_EPROCESS": {"kind": "struct", "size": 2136, "fields": {"UniqueProcessId": {"offset": 736,
"type": {"kind": "pointer"}}}}}}
END
echo 'no PDB' > place/ntkrnlmp.pdb

try shown poolscope symbols check known-build.dmp
try shown poolscope symbols check known-build.dmp --symbols place
try shown poolscope symbols check known-build.dmp --symbols empty --symbols absent --no-known-builds
try shown poolscope symbols add place
try shown poolscope symbols list
rm -r cache
try shown poolscope info known-build-no-kdbg.dmp --symbols none
try shown poolscope info known-build-no-kdbg.dmp --symbols none --no-known-builds

try poolscope symbols
try poolscope symbols tidy known-build.dmp
try poolscope symbols check
try poolscope symbols list known-build.dmp
try poolscope symbols list --json
try poolscope tags known-build.dmp --symbols none --symbols place
