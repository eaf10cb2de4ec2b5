#!/bin/sh
# SPDX-License-Identifier: MIT
# Prints the path of a folder with a PowerDNS of 4.9.12 or newer in it, which
# changes single records (EXTEND, PRUNE); Debian 12's does not.  There it takes
# Debian 13's packages and the libraries they need, unpacked into the
# laboratory's cache and never installed: bin/pdns_server starts it.
set -eu

cache=${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/acmed-lab
dir=$cache/pdns-trixie
if [ -x "$dir/bin/pdns_server" ]; then
	echo "$dir"
	exit 0
fi

mkdir -p "$cache"
tmp=$(mktemp -d "$cache/build.XXXXXX")
trap 'rm -rf "$tmp"' EXIT
# The mirror that this machine uses.
mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' \
    'Component: main' 2>/dev/null | grep '/debian/*$' | head -n 1 || :)
mkdir -p "$tmp/lists/partial" "$tmp/cache/archives/partial" "$tmp/parts"
echo "deb ${mirror:-http://deb.debian.org/debian} trixie main" \
    >"$tmp/sources.list"
: >"$tmp/status"	# nothing is installed: it gets every library
get() {
	apt-get -o Dir::Etc::sourcelist="$tmp/sources.list" \
	    -o Dir::Etc::sourceparts="$tmp/parts" \
	    -o Dir::Etc::preferencesparts="$tmp/parts" \
	    -o Dir::State::lists="$tmp/lists" \
	    -o Dir::State::status="$tmp/status" -o Dir::Cache="$tmp/cache" \
	    -o Acquire::Languages=none -o APT::Sandbox::User=root \
	    -o Debug::NoLocking=1 "$@" >>"$tmp/log" 2>&1
}
fail() {
	echo "pdns.sh: no newer PowerDNS from Debian 13: $1" >&2
	tail -n 5 "$tmp/log" >&2
	exit 1
}
get update || fail "update"
get -y --no-install-recommends --download-only install pdns-server \
    pdns-backend-sqlite3 || fail "download"
mkdir -p "$tmp/root/bin"
for d in "$tmp"/cache/archives/*.deb; do
	dpkg-deb --fsys-tarfile "$d" | tar -C "$tmp/root" -xf - --wildcards \
	    './usr/lib/*-linux-gnu*' './usr/sbin/pdns_server' \
	    './usr/share/pdns-backend-sqlite3/*' 2>/dev/null || :
done
lib=$(cd "$tmp/root" && echo usr/lib/*-linux-gnu)
loader=$(cd "$tmp/root" && echo "$lib"/ld-linux*)
cat >"$tmp/root/bin/pdns_server" <<X
#!/bin/sh
exec $dir/$loader --library-path $dir/$lib $dir/usr/sbin/pdns_server \\
    --module-dir=$dir/$lib/pdns "\$@"
X
chmod 755 "$tmp/root/bin/pdns_server"
rm -rf "$dir"
mv "$tmp/root" "$dir"
"$dir/bin/pdns_server" --version >>"$tmp/log" 2>&1 || {
	rm -rf "$dir"
	fail "it does not run here"
}
echo "$dir"
