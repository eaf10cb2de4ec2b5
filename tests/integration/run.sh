#!/bin/sh
# SPDX-License-Identifier: MIT
# Runs the integration tests: run.sh [pytest options].  One line per test;
# LAB_RESULTS gets "outcome TAB test TAB reason" lines.  ACMED and ACMECTL name
# the programs.  `make check` and ./quickstart test use this.
set -eu

here=$(cd "$(dirname "$0")" && pwd)

# skip WHY: one skip for all of them
skip() {
	echo "SKIPPED all integration tests: $1"
	[ -z "${LAB_RESULTS:-}" ] ||
	    printf 'skipped\tall integration tests\t%s\n' "$1" \
	    >>"$LAB_RESULTS"
	exit 0
}

[ -z "${LAB_SKIP:-}" ] || skip "$LAB_SKIP"
/usr/bin/python3 -c 'import pytest, dns.zone' 2>/dev/null ||
    skip "python3-pytest or python3-dnspython is not installed"
PATH=$PATH:/usr/sbin:/sbin PYTHONDONTWRITEBYTECODE=1
export PATH PYTHONDONTWRITEBYTECODE
cd "$here"
# A process namespace, so that nothing survives a run that is killed.
box=''
if unshare --pid --fork --kill-child --mount-proc true 2>/dev/null; then
	box="unshare --pid --fork --kill-child --mount-proc"
fi
status=0
# The inner shell reaps what loses its parent.
# shellcheck disable=SC2086
$box sh -c '"$@"; exit $?' sh /usr/bin/python3 -m pytest -p no:cacheprovider --rootdir="$here" \
    --no-header --tb=short -rs -v "$@" || status=$?
# 5: nothing was selected
[ "$status" = 5 ] && status=0
exit "$status"
