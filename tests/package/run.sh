#!/bin/sh
# SPDX-License-Identifier: MIT
# Debian's packages as a user meets them: built, looked at by lintian, installed
# with apt on a machine that has nothing, in a systemd that is booted for it,
# upgraded while it runs, removed and purged.  By hand, in a fresh tree:
#
#   tests/bare/run.sh bookworm trixie -- tests/package/run.sh
#
# or on this machine, with packages that are there: tests/package/run.sh DIR
# Needs root.
set -eu

src=$(cd "$(dirname "$0")/../.." && pwd)
work=$(mktemp -d /var/tmp/acmed-package.XXXXXX)
SDBOX_NAME=acmed-package SDBOX_STATE=$work/box SDBOX_ROOT=$work/tree
export SDBOX_NAME SDBOX_STATE SDBOX_ROOT
box=$src/tests/lab/sdbox
trap '"$box" down >/dev/null 2>&1 || :; rm -rf "$work"' EXIT
trap 'exit 143' INT TERM HUP

say() {
	echo "==> $*"
}

say "what this needs"
apt-get -qq update
DEBIAN_FRONTEND=noninteractive apt-get -qq -o Dpkg::Options::=--force-confold \
    install -y --no-install-recommends \
    lintian mmdebstrap systemd systemd-container >/dev/null
if [ $# -gt 0 ]; then
	packages=$(cd "$1" && pwd)
else
	packages=$work/packages
	"$src/quickstart" package "$packages"
fi

say "lintian"
lintian --fail-on error,warning "$packages"/*.changes

say "a machine"
release=$(. /etc/os-release && echo "$VERSION_CODENAME")
mirror=$(sed -nE 's/^(deb|URIs:) *(\[[^]]*\] *)?([^ ]+).*/\3/p' \
    /etc/apt/sources.list /etc/apt/sources.list.d/* 2>/dev/null | head -n 1)
mmdebstrap --quiet --variant=minbase \
    --include=ca-certificates,curl,dbus,openssl,pebble,polkitd,procps,python3,systemd,systemd-sysv \
    "$release" "$work/tree" "deb ${mirror:?no mirror in sources.list} $release main"
mkdir "$work/tree/root/packages"
cp "$packages"/*.deb "$work/tree/root/packages"
cp -r "$src/debian/tests" "$work/tree/root/"
cp "$src/tests/package/inside.sh" "$work/tree/root/"
# The machine has no network when it runs; what apt wants is there before.
cp /etc/resolv.conf "$work/tree/etc/resolv.conf"
cp -r /etc/apt/apt.conf.d "$work/tree/etc/apt/"
chroot "$work/tree" sh -c 'apt-get -qq update && apt-get -qq install -y \
    --download-only --no-install-recommends /root/packages/acmed_*.deb' \
    >/dev/null
# A later version of the same.
dpkg-deb -R "$packages"/acmed_*.deb "$work/next"
sed -i 's/^Version: .*/&+next/' "$work/next/DEBIAN/control"
mkdir "$work/tree/root/next"
dpkg-deb --root-owner-group -b "$work/next" "$work/tree/root/next" >/dev/null

say "boot"
"$box" up
"$box" run sh /root/inside.sh
say "passed"
