#!/bin/sh
# SPDX-License-Identifier: MIT
# A newcomer's first day: a fresh Debian under a real systemd, the package, and
# what README says typed as it stands; forty certificates of certbot's taken
# over; faults found and mended from acmed's own words.  By hand:
#
#   ./quickstart package && tests/newcomer/run.sh packages [RELEASE]
#
# RELEASE is the one that the packages were built for.  Needs root, and what
# ./quickstart test has installed; servers and CA are those of the tests.
set -eu

src=$(cd "$(dirname "$0")/../.." && pwd)
packages=$(cd "$1" && pwd)
release=${2:-$(. /etc/os-release && echo "$VERSION_CODENAME")}
work=$(mktemp -d /var/tmp/acmed-newcomer.XXXXXX)
trap 'rm -rf "$work"' EXIT
trap 'exit 143' INT TERM HUP
chmod 755 "$work"

DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends \
    mmdebstrap >/dev/null
echo "==> a fresh $release"
mirror=$(sed -nE 's/^(deb|URIs:) *(\[[^]]*\] *)?([^ ]+).*/\3/p' \
    /etc/apt/sources.list /etc/apt/sources.list.d/* 2>/dev/null | head -n 1)
tree=$work/tree
mmdebstrap --quiet --variant=minbase \
    --include=bind9,bind9-utils,ca-certificates,certbot,curl,dbus,nginx-light,openssl,polkitd,procps,sqlite3,sudo,systemd,systemd-sysv \
    "$release" "$tree" "deb ${mirror:?no mirror in sources.list} $release main"
mkdir "$tree/root/packages"
cp "$packages"/acmed_*.deb "$tree/root/packages"
# The machine has no network when it runs; what apt wants is there before.
cp /etc/resolv.conf "$tree/etc/resolv.conf"
cp -r /etc/apt/apt.conf.d "$tree/etc/apt/"
echo 'APT::Get::Assume-Yes "true";' >"$tree/etc/apt/apt.conf.d/90yes"
chroot "$tree" sh -c 'apt-get -qq update && apt-get -qq install \
    --download-only /root/packages/acmed_*.deb' >/dev/null
rm -f "$tree/etc/nginx/sites-enabled/default"

echo "==> $release: README's steps, an import of forty, twelve faults"
SDBOX_ROOT=$tree DESK_PACKAGE=yes "$src/tests/integration/run.sh" \
    test_readme.py test_newcomer.py test_faults.py -k "not literal"
