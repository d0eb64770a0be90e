small
for what in '' tags big modules info '--json' 'tags --csv'; do
	# shellcheck disable=SC2086 # words
	poolscope $what small.dmp > /dev/full
	echo "(exit status $?)"
done
poolscope small.dmp >&-
echo "(exit status $?)"
poolscope --help > /dev/full
echo "(exit status $?)"
