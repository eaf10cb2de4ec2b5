#!/bin/sh
# SPDX-License-Identifier: MIT
# style.sh SRCDIR: what can be checked of HACKING.md's style without a
# compiler, in every C file: lines of 80 columns (tabs are 8), no white space
# at their ends, one SPDX line at the head, a comment in every header that says
# what it is for, no // comments, and none of the functions that overrun
# buffers, hide errors or block.  Names what it finds; exit status 1 if any.
set -eu

cd "${1:-${srcdir:-.}}"
LC_ALL=C
export LC_ALL
# providers/list.h is made by make, here where the build is in the sources.
list=$(find common ctl daemon doc providers tests -name '*.[ch]' \
    ! -path providers/list.h | sort)

awk '
function bad(what) {
	print FILENAME ":" FNR ": " what
	failed = 1
}
function columns(s,  i, n) {
	# Of UTF-8: what is three bytes long is two columns wide.
	gsub(/[\200-\277]/, "", s)
	gsub(/[\340-\357]/, "WW", s)
	n = 0
	for (i = 1; i <= length(s); i++)
		n += substr(s, i, 1) == "\t" ? 8 - n % 8 : 1
	return n
}
FNR == 1 && $0 != "/* SPDX-License-Identifier: MIT */" {
	bad("the first line is not the SPDX line")
}
FNR == 2 && FILENAME ~ /\.h$/ && !/^\/\*/ {
	bad("no comment says what the header is for")
}
length($0) > 40 && columns($0) > 80 { bad("over 80 columns") }
/[ \t]$/ { bad("white space at the end") }
/^[ \t]*\/\/|[;{}][ \t]*\/\// { bad("// comment") }
{
	# Neither strings nor comments count.
	code = $0
	gsub(/\\"/, "", code)
	gsub(/"[^"]*"/, "\"\"", code)
	gsub(/\/\*.*/, "", code)
	if (code ~ /^ \*/)
		next
	code = " " code
}
code ~ /[^A-Za-z0-9_](strcpy|strcat|v?sprintf|gets|strtok|ato[il]l?|atof|system|popen|gethostbyname|alloca)\(/ {
	bad("a banned function")
}
FILENAME !~ /^tests\// && code ~ /[^A-Za-z0-9_]u?sleep\(/ {
	bad("the loop must not sleep")
}
FILENAME !~ /^tests\// && /TODO|FIXME/ { bad("unfinished") }
END { exit failed }
' $list
