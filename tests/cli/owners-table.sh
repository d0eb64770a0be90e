# All tags in use with their owners; the same as CSV, where tags that are not in use stand too.
leaks() {
	small 'driver leaker.sys size=0x8000 company="Fabrikam Ltd." version=2.1.0.7 tags=Leak/1024,Lk2 ' \
		'driver other.sys size=0x8000 tags=Lk2 ' 'tag "Lk2 " np 50 10 4000'
}
leaks
try poolscope owners small.dmp
try poolscope owners small.dmp --csv
try poolscope owners small.dmp --nonpaged --sort tag --top 3
try poolscope tags small.dmp --csv --tag 'L*'
try poolscope tags small.dmp --no-owners --tag 'L*'
try poolscope modules small.dmp
