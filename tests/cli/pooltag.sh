# The user's list goes before the built-in words; irregular lines are lived with.
small
printf '%s\r\n' 'rem a comment' '' 'Leak - myfault.sys - our test driver' \
	'Th?? -  nt!ps   - threads of any kind' 'Irp  - <unknown> - I/O, as we call it' \
	'no tag line' 'Toke-nt!se-tokens' > tags.txt
try poolscope tags small.dmp --pooltag tags.txt
try poolscope tags small.dmp --pooltag absent.txt
: > empty.txt
try poolscope tags small.dmp --pooltag empty.txt
