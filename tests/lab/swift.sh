#!/bin/sh
# SPDX-License-Identifier: MIT
# Prints the path of a folder with OpenStack Swift in it, an object store with
# an S3 API that checks every signature.  Debian's packages and those they need
# are unpacked into the laboratory's cache and never installed, so that no
# service comes with them; lab/swift.py sets the paths to run it.
set -eu

cache=${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/acmed-lab
dir=$cache/swift
mkdir -p "$cache"
exec 9>"$cache/swift.lock"
flock 9
if [ -e "$dir/ready" ]; then
	echo "$dir"
	exit 0
fi

tmp=$(mktemp -d "$cache/build.XXXXXX")
trap 'rm -rf "$tmp"' EXIT
fail() {
	echo "swift.sh: no OpenStack Swift from Debian: $1" >&2
	tail -n 5 "$tmp/log" >&2
	exit 1
}
# What is installed already is not fetched again.
get() {
	mkdir -p "$tmp/cache/archives/partial"
	apt-get -o Dir::Cache::archives="$tmp/cache/archives" \
	    -o APT::Sandbox::User=root -o Debug::NoLocking=1 -y \
	    --no-install-recommends --download-only install swift-proxy \
	    swift-account swift-container swift-object memcached \
	    >>"$tmp/log" 2>&1
}
get || { apt-get update >>"$tmp/log" 2>&1 && get; } || fail "download"
mkdir "$tmp/root"
for d in "$tmp"/cache/archives/*.deb; do
	[ -e "$d" ] || continue
	dpkg-deb --fsys-tarfile "$d" | tar -C "$tmp/root" -xf - --wildcards \
	    './usr/lib/python3/*' './usr/lib/*-linux-gnu*' './usr/bin/memcached' 2>/dev/null || :
done
export PYTHONPATH="$tmp/root/usr/lib/python3/dist-packages"
LD_LIBRARY_PATH=$(echo "$tmp/root"/usr/lib/*-linux-gnu*)
export LD_LIBRARY_PATH
/usr/bin/python3 -c 'import swift.proxy.server, swift.obj.server' \
    >>"$tmp/log" 2>&1 || fail "it does not run here"
/usr/bin/python3 -m compileall -q "$PYTHONPATH" >>"$tmp/log" 2>&1 || :
: >"$tmp/root/ready"
rm -rf "$dir"
mv "$tmp/root" "$dir"
echo "$dir"
