# HTTPERR logs beside the dump: they agree, show nothing, are of another time, are broken, foreign or
# cut; and paths that cannot be used.
dump hung-iis6 --set 'container type2'
finding() { poolscope hung-iis6.dmp "$@" | sed -n -e '/^Verdict/,/^$/p' -e '/\[httperr\]/,$p'; }
log() {
	echo '#Software: Microsoft HTTP API 1.0'
	echo '#Fields: date time c-ip c-port s-ip s-port cs-version cs-method cs-uri sc-status s-siteid s-reason s-queuename'
	cat
}
mkdir agree old
log >agree/httperr1.log <<-END
	2009-08-25 22:10:11 10.1.2.3 4711 10.1.0.1 80 - - - - - Timer_ConnectionIdle -
	2009-08-26 03:02:10 - - - - - - - - - 3_Connections_Refused -
	2009-08-26 03:41:16 - - - - - - - - - 12_Connections_Refused -
	2009-08-26 03:55:00 10.1.2.3 4712 10.1.0.1 80 HTTP/1.1 GET / 503 1 AppOffline Pool
END
{
	printf '2009-08-26 03:4\n'
	echo 'garbage without a time'
	echo '2009-08-26 03:30:00 - - - - - - - - - 1_Connections_Refused -'
} | log | gzip >agree/httperr2.log.gz
log </dev/null | head -c 2000 >agree/httperr3.log
head -c 60 agree/httperr2.log.gz >agree/httperr4.log.gz
echo '#Fields: date time cs-uri-stem sc-status' >agree/ex090826.log
echo '== agree'
finding --httperr agree
log >old/httperr1.log <<<'2009-06-01 01:00:00 - - - - - - - - - 5_Connections_Refused -'
echo '== of another time'
finding --httperr old
log >none.log <<<'2009-08-26 03:41:00 10.1.2.3 4711 10.1.0.1 80 - - - - - Timer_ConnectionIdle -'
echo '== none refused'
finding --httperr none.log
iconv -t UTF-16 none.log >wide.log
echo '== UTF-16'
finding --httperr wide.log | grep -A3 'httperr\]'
small
echo '== a dump with enough left'
log >later.log <<<'2019-06-14 09:00:00 - - - - - - - - - 5_Connections_Refused -'
poolscope small.dmp --httperr later.log | sed -n '/\[httperr\]/,$p'
echo hello >hello.txt
try poolscope small.dmp --httperr hello.txt
try poolscope small.dmp --httperr absent
mkdir empty
try poolscope small.dmp --httperr empty
