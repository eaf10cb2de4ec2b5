#!/bin/sh
# SPDX-License-Identifier: MIT
# Prints the folder with moto and what it needs (moto.txt, versions pinned),
# which pip puts into the laboratory's cache.
set -eu

list=$(dirname "$0")/moto.txt
cache=${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/acmed-lab
# Another list or another Python is another folder.
id=$({ /usr/bin/python3 -V; cat "$list"; } | cksum | cut -d " " -f 1)
dir=$cache/moto-$id

if [ ! -d "$dir" ]; then
	mkdir -p "$cache"
	tmp=$(mktemp -d "$cache/build.XXXXXX")
	trap 'rm -rf "$tmp"' EXIT
	if ! /usr/bin/python3 -m pip install --quiet --no-deps \
	    --no-compile --disable-pip-version-check --root-user-action=ignore \
	    --target "$tmp/moto" -r "$list" >"$tmp/log" 2>&1; then
		echo "moto.sh: pip could not install moto:" >&2
		tail -n 5 "$tmp/log" >&2
		exit 1
	fi
	rm -rf "$cache"/moto-*
	mv "$tmp/moto" "$dir"
fi
echo "$dir"
