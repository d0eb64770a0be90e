# Root may read everything: take that right away from it first.
small
chmod 000 small.dmp
if [ "$(id -u)" -ne 0 ]; then
	poolscope small.dmp
elif setpriv --bounding-set=-dac_override,-dac_read_search true 2>/dev/null; then
	setpriv --bounding-set=-dac_override,-dac_read_search "$(command -v poolscope)" small.dmp
else
	echo "root here, and its rights cannot be taken away"
	exit 77
fi
