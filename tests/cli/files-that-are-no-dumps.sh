: > empty.dmp
try poolscope empty.dmp
mkdir folder.dmp
try poolscope folder.dmp
try poolscope absent.dmp
mkfifo pipe.dmp
try poolscope pipe.dmp
try poolscope /dev/null
printf 'MDMP\223\247\0\0' > user.dmp && truncate -s 64K user.dmp
try poolscope user.dmp
for magic in hibr HIBR wake WAKE RSTR; do
	printf "$magic" > hiberfil.sys && truncate -s 64K hiberfil.sys
	try poolscope hiberfil.sys
done
printf '\177ELF\2\1\1\0\0\0\0\0\0\0\0\0\4\0\76\0' > core.elf && truncate -s 64K core.elf
try poolscope core.elf
printf 'MZ' > driver.sys && truncate -s 64K driver.sys
try poolscope driver.sys
printf 'PK\3\4' > dump.zip && truncate -s 64K dump.zip
try poolscope dump.zip
printf 'PAGEDUMM' > almost.dmp && truncate -s 64K almost.dmp
try poolscope almost.dmp
yes 'not a dump' | head -c 65536 > text.dmp
try poolscope text.dmp
truncate -s 1M hole.raw
try poolscope hole.raw
head -c 1M /dev/zero > zeros.raw
try poolscope zeros.raw
printf 'short' > short.dmp
try poolscope short.dmp
