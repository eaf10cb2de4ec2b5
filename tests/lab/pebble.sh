#!/bin/sh
# SPDX-License-Identifier: MIT
# Prints the path of a Pebble, building it if need be.  The version stands
# here and nowhere else.  With Go 1.24 or newer it is built once into the
# laboratory's cache; otherwise Debian's pebble 2.4.0 has to do, which knows
# neither ARI nor profiles.
set -eu

version=v2.10.1
cache=${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/acmed-lab
bin=$cache/pebble-$version

if [ -x "$bin" ]; then
	echo "$bin"
	exit 0
fi

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
if [ -n "$go" ]; then
	mkdir -p "$cache"
	tmp=$(mktemp -d "$cache/build.XXXXXX")
	trap 'rm -rf "$tmp"' EXIT
	# All of Go's own caches go away with $tmp.
	if (cd "$tmp" && GOPATH=$tmp/path GOCACHE=$tmp/cache GOBIN=$tmp \
	    GOFLAGS=-modcacherw GOTOOLCHAIN=local "$go" install \
	    "github.com/letsencrypt/pebble/v2/cmd/pebble@$version") \
	    >"$tmp/log" 2>&1
	then
		mv "$tmp/pebble" "$bin"
		echo "$bin"
		exit 0
	fi
	echo "pebble.sh: building Pebble $version failed:" >&2
	tail -5 "$tmp/log" >&2
fi
if command -v pebble; then
	echo "pebble.sh: using Debian's pebble, which is old:" \
	    "tests that need ARI or profiles will skip" >&2
	exit 0
fi
echo "pebble.sh: no Pebble: needs Go 1.24 (and the Go module proxy)," \
    "or apt-get install pebble" >&2
exit 1
