small
poolscope --top 1 tags small.dmp > one
poolscope tags --top=1 small.dmp > two
poolscope tags small.dmp --top 1 -q > three
cmp one two && cmp two three && echo same
cp small.dmp tags
try poolscope tags ./tags --top 1
try poolscope -- tags --top 1
