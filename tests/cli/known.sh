# A desk's list of known problems: in range, out of range, version unknown, tag not in use; wrong lists.
dump hung-iis6 --set 'container type2'
list() { printf '{"schema": "poolscope-known/1", "problems": [%s]}' "$1" >known.json; }
finding() { poolscope hung-iis6.dmp --known known.json | sed -n -e '/^Verdict/,/^$/p' -e '/\[known-problem\]/,$p'; }
words='"title": "File contexts are never freed", "advice": "Update the scanner to 7.2.1 or later."'
list '{"id": "AV-1", "driver": "AVFILTER.SYS", "before": "7.2.1", "tag": "SavF", '"$words"', "url": "https://example.com/kb/1093"}'
echo '== fixed in a later version'
finding
list '{"id": "AV-1", "driver": "avfilter.sys", "from": "7.2", "before": "7.2.1", "tag": "SavF", '"$words"'}'
echo '== another version'
finding | grep -c known-problem
list '{"id": "AV-1", "driver": "avfilter.sys", "tag": "Nope", '"$words"'}'
echo '== a tag that is not in use'
finding | grep -c known-problem
list '{"id": "AV-1", "driver": "avfilter.sys", "tag": "Sav?", "from": "7", '"$words"'}, {"id": "HAL-2", "driver": "hal.dll", '"$words"'}'
echo '== wildcards, and a driver without a tag'
finding | sed -n '/\[known-problem\]/,$p'
small
echo '== no version in the dump'
list '{"id": "MF-1", "driver": "myfault.sys", "before": "4", "tag": "Leak", '"$words"'}'
poolscope small.dmp --known known.json | sed -n -e '/^Verdict/,/^$/p' -e '/\[known-problem\]/,$p'
list '{"id": "X", "drivr": "a.sys"}'
try poolscope small.dmp --known known.json
list '{"id": "X"}'
try poolscope small.dmp --known known.json
list '{"id": "X", "driver": "a.sys", "before": "seven", '"$words"'}'
try poolscope small.dmp --known known.json
echo '{"problems": []}' >known.json
try poolscope small.dmp --known known.json
echo '{' >known.json
try poolscope small.dmp --known known.json
try poolscope small.dmp --known absent.json
: >known.json
try poolscope small.dmp --known known.json
mkdir -p lists
try poolscope small.dmp --known lists
