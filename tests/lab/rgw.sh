#!/bin/sh
# SPDX-License-Identifier: MIT
# Prints the path of a folder with Ceph's radosgw and what it needs, an S3
# server that checks signatures and knows conditional writes.  Debian's
# packages (70 MB) are unpacked into the laboratory's cache and never
# installed; lab/rgw.py sets the paths to run it.  For `make check-long`.
set -eu

cache=${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/acmed-lab
dir=$cache/rgw
mkdir -p "$cache"
exec 9>"$cache/rgw.lock"
flock 9
if [ -e "$dir/ready" ]; then
	echo "$dir"
	exit 0
fi

tmp=$(mktemp -d "$cache/build.XXXXXX")
trap 'rm -rf "$tmp"' EXIT
fail() {
	echo "rgw.sh: no radosgw from Debian: $1" >&2
	tail -n 5 "$tmp/log" >&2
	exit 1
}
# What is installed already is not fetched again.
get() {
	mkdir -p "$tmp/cache/archives/partial"
	apt-get -o Dir::Cache::archives="$tmp/cache/archives" \
	    -o APT::Sandbox::User=root -o Debug::NoLocking=1 -y \
	    --no-install-recommends --download-only install radosgw \
	    ceph-mon ceph-osd >>"$tmp/log" 2>&1
}
get || { apt-get update >>"$tmp/log" 2>&1 && get; } || fail "download"
mkdir "$tmp/root"
for d in "$tmp"/cache/archives/*.deb; do
	[ -e "$d" ] || continue
	dpkg-deb --fsys-tarfile "$d" | tar -C "$tmp/root" -xf - --wildcards \
	    './usr/bin/ceph*' './usr/bin/rados*' './usr/bin/monmaptool' \
	    './usr/lib/python3/*' './usr/lib/*-linux-gnu*' \
	    './usr/lib/ceph/*' \
	    './lib/*-linux-gnu*' 2>/dev/null || :
done
cp -a "$tmp/root/lib/." "$tmp/root/usr/lib/" 2>/dev/null || :
LD_LIBRARY_PATH=$(echo "$tmp/root"/usr/lib/*-linux-gnu*)
export LD_LIBRARY_PATH="$LD_LIBRARY_PATH:$LD_LIBRARY_PATH/ceph"
"$tmp/root/usr/bin/radosgw" --version >>"$tmp/log" 2>&1 ||
    fail "it does not run here"
: >"$tmp/root/ready"
rm -rf "$dir"
mv "$tmp/root" "$dir"
echo "$dir"
