# The server that refused connections, as the kernel says its limit, as it does not, with less and
# with more left, and without HTTP.SYS.
verdict() {
	echo "== $1"
	poolscope "$1.dmp" | sed -n '/^Verdict/,/^$/p'
	poolscope "$1.dmp" | sed -n '/^\* [a-z]* \[nonpaged-pool-pressure/,/^\* [a-z]* \[leak/p' | sed '$d'
}
for name in hung-iis6 hung-iis6-no-limit hung-iis6-7mb hung-iis6-25mb; do
	dump $name --set 'container type2'
	verdict $name
	rm "$name.dmp"
done
without_http() {
	sed '/^driver HTTP.sys/d' "$RECIPES/common/drivers-2003-iis.recipe" >drivers.recipe
	sed -e '/common\/drivers/d' -e "s|^include |include $RECIPES/|" "$RECIPES/hung-iis6.recipe"
	echo "include $PWD/drivers.recipe"
	echo 'container type2'
}
without_http | mkdump - without-http.dmp
verdict without-http
