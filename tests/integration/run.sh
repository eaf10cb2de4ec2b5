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
/usr/bin/python3 -c 'import pytest, dns.zone, cryptography' 2>/dev/null ||
    skip "python3-pytest, -dnspython or -cryptography is not installed"
PATH=$PATH:/usr/sbin:/sbin PYTHONDONTWRITEBYTECODE=1
export PATH PYTHONDONTWRITEBYTECODE
cd "$here"
# A process namespace, so that nothing survives a run that is killed.
box=''
if unshare --pid --fork --kill-child --mount-proc true 2>/dev/null; then
	box="unshare --pid --fork --kill-child --mount-proc"
fi
# The inner shell reaps what loses its parent.
run_pytest() {
	# shellcheck disable=SC2086
	$box sh -c '"$@"; exit $?' sh /usr/bin/python3 -m pytest \
	    -p no:cacheprovider --rootdir="$here" --no-header --tb=short "$@"
}

# A test that failed beside others may have been short of time: up to three are
# run once more, alone.  What then passes is named as flaky, not hidden.
again() {
	awk -F '\t' '$1 == "failed" { print $2 }' "$LAB_RESULTS" | sort -u \
	    >"$out/failed"
	n=$(wc -l <"$out/failed")
	[ "$n" -ge 1 ] && [ "$n" -le 3 ] || return 1
	grep -v '^failed' "$LAB_RESULTS" >"$out/rest" || :
	cp "$out/rest" "$LAB_RESULTS"
	set --
	while IFS= read -r id; do
		set -- "$@" "$id"
	done <"$out/failed"
	echo "once more, alone: $n"
	if ! run_pytest -q "$@" >"$out/again" 2>&1 </dev/null; then
		sed -n '/^=* [A-Z]/,$p' "$out/again"
		return 1
	fi
	sed 's/^/FLAKY   failed once, passed alone: /' "$out/failed"
}

# With LAB_RESULTS, workers (most tests wait for something) share the screen
# for a line a test, and show failures at the end; else it is plain pytest.
status=0
if [ -z "${LAB_RESULTS:-}" ]; then
	run_pytest -rs -v "$@" || status=$?
	[ "$status" = 5 ] && status=0
	exit "$status"
fi
workers=${LAB_WORKERS:-4}
out=$(mktemp -d "${TMPDIR:-/tmp}/acmed-run.XXXXXX")
trap 'rm -rf "$out"' EXIT
trap 'kill $pids 2>/dev/null; exit 143' INT TERM HUP
exec 3>&1
LAB_SCREEN=3
export LAB_SCREEN
pids=''
i=0
while [ $i -lt "$workers" ]; do
	LAB_SHARD=$i/$workers run_pytest -q "$@" >"$out/$i" 2>&1 </dev/null &
	pids="$pids $!"
	i=$((i + 1))
done
i=0
for pid in $pids; do
	s=0
	wait "$pid" || s=$?
	# 5: nothing was selected
	if [ $s != 0 ] && [ $s != 5 ]; then
		status=1
		sed -n '/^=* [A-Z]/,$p' "$out/$i"
		# It may have died before the first test.
		grep -q passed "$out/$i" || cat "$out/$i"
	fi
	i=$((i + 1))
done
[ "$status" = 0 ] || { again && status=0; }
exit "$status"
