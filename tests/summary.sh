#!/bin/sh
# SPDX-License-Identifier: MIT
# summary.sh BUILDDIR: after `make check`, names every test that was skipped
# or failed, and ends with "N passed, N failed, N skipped".  A unit test is
# one function of a cmocka program; a program that dies counts as one failure
# more.  Exit status 1 if anything failed or nothing was run.
set -eu

cd "${1:-.}"
{
	for trs in $(find tests -name '*.trs'); do
		log=${trs%.trs}.log
		result=$(sed -n 's/^:test-result: //p' "$trs")
		awk -v prog="${trs%.trs}" -v result="$result" '
		function mark(bit,  name) {
			name = $0
			sub(/^\[[ A-Z]*\] */, "", name)
			sub(/:.*/, "", name)
			if (name in run)
				state[name] = bit
		}
		/^\[ RUN      \]/ { n++; name = $0
			sub(/^\[[ A-Z]*\] */, "", name)
			order[n] = name; run[name] = 1 }
		/^\[       OK \]/ { mark("passed") }
		/^\[  SKIPPED \]/ { mark("skipped") }
		/^\[  FAILED  \]/ { mark("failed") }
		END {
			for (i = 1; i <= n; i++) {
				s = state[order[i]]
				if (s == "")
					s = "failed"
				if (s == "failed")
					bad++
				print s "\t" prog ": " order[i] "\t"
			}
			if (n == 0 && result == "PASS")
				print "passed\t" prog "\t"
			else if (result == "SKIP" && n == 0)
				print "skipped\t" prog "\tprogram skipped"
			else if (result != "PASS" && result != "SKIP" && !bad)
				print "failed\t" prog "\t" result
		}' "$log"
	done
	[ ! -f integration.results ] || cat integration.results
} | awk -F '\t' '
	$1 == "skipped" { print "SKIPPED " $2 ($3 == "" ? "" : ": " $3) }
	$1 == "failed" { print "FAILED " $2 ($3 == "" ? "" : ": " $3) }
	{ count[$1]++ }
	END {
		printf "%d passed, %d failed, %d skipped\n", count["passed"],
		    count["failed"], count["skipped"]
		exit count["failed"] > 0 || count["passed"] == 0
	}'
