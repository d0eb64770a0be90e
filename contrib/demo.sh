#!/bin/sh
# Makes the two demonstration dumps and shows what poolscope says about them.
set -eu

mkdir -p build/demo
for case in hung-iis6 notmyfault-leak; do
	"$MKDUMP" "corpus/recipes/$case.recipe" "build/demo/$case.dmp"
	echo
	echo "\$ poolscope build/demo/$case.dmp"
	"$POOLSCOPE" "build/demo/$case.dmp"
done
