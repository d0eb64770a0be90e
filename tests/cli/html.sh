# The page beside the text, its parts, and every reason not to write it.
small
cp small.dmp 'dump<b>.dmp'
poolscope small.dmp > plain.txt
try poolscope small.dmp --html page.html > beside.txt
tail -n +2 beside.txt | head -n -1 | cmp - plain.txt && echo "the text is the same"
poolscope small.dmp --json > plain.json
poolscope small.dmp --json --html other.html | grep -c '"schema"'
poolscope small.dmp --html - > stdout.html
cmp <(sed 's/--html=page.html//' page.html) <(sed 's/--html=-//' stdout.html) &&
	echo "the page is the same"
head -n 4 page.html
sed -n '/<header>/,/<\/header>/p' page.html
for part in pools top big coverage; do
	sed -n "/<section id=\"$part\">/,/<\/section>/p" page.html
done
grep -c '<tr><th scope=row>' page.html
poolscope 'dump<b>.dmp' --html - --html - ; echo "(exit status $?)"
poolscope 'dump<b>.dmp' --html - | grep -F 'b&gt;' | head -n 2
umask 027
poolscope small.dmp --html mode.html > /dev/null
stat -c %a mode.html

mkdir folder
mkfifo pipe
ln -s page.html link.html
cp page.html before.html
try poolscope small.dmp --html folder
try poolscope small.dmp --html pipe
try poolscope small.dmp --html link.html
try poolscope small.dmp --html /dev/null
try poolscope small.dmp --html small.dmp
try poolscope small.dmp --html absent/page.html
try poolscope small.dmp --html ''
try poolscope small.dmp --html
try poolscope small.dmp --html - --json
try poolscope small.dmp --html - --ticket
try poolscope tags small.dmp --html page.html
try poolscope absent.dmp --html page.html
# what is there stays as it is when the new page cannot be written to its end
trap '' XFSZ
(
	ulimit -f 8
	try poolscope small.dmp --html page.html | sed -n 1,2p
)
cmp page.html before.html && echo "the old page is as it was"
ls
