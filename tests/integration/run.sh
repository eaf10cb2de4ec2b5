#!/bin/sh
# SPDX-License-Identifier: MIT
# Runs the integration tests: run.sh [pytest options].  One line per test;
# LAB_RESULTS gets "outcome TAB test TAB reason" lines.  ACMED and ACMECTL name
# the programs.  `make check` and ./quickstart test use this.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
if ! /usr/bin/python3 -c 'import pytest, dns.zone' 2>/dev/null; then
	why="python3-pytest or python3-dnspython is not installed"
	echo "SKIPPED all integration tests: $why"
	[ -z "${LAB_RESULTS:-}" ] ||
	    printf 'skipped\tall integration tests\t%s\n' "$why" \
	    >>"$LAB_RESULTS"
	exit 0
fi
PATH=$PATH:/usr/sbin:/sbin PYTHONDONTWRITEBYTECODE=1
export PATH PYTHONDONTWRITEBYTECODE
cd "$here"
status=0
/usr/bin/python3 -m pytest -p no:cacheprovider --rootdir="$here" \
    --no-header --tb=short -rs "$@" || status=$?
# 5: nothing was selected
[ "$status" = 5 ] && status=0
exit "$status"
