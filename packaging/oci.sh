#!/bin/sh
# SPDX-License-Identifier: MIT
# oci.sh PACKAGES [RELEASE]: the image of Containerfile without any registry, as
# PACKAGES/acmed-oci.tar: its base is a minimal Debian (default: trixie) that
# mmdebstrap makes from this machine's mirror.  Needs root, buildah, mmdebstrap.
set -eu

packages=$(cd "$1" && pwd) release=${2:-trixie}
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d /var/tmp/acmed-oci.XXXXXX)
storage="--root $work/storage --runroot $work/run --storage-driver vfs"
# shellcheck disable=SC2086
buildah() { command buildah $storage "$@"; }
trap 'rm -rf "$work"' EXIT
trap 'exit 143' INT TERM HUP

mirror=$(sed -nE 's/^(deb|URIs:) *(\[[^]]*\] *)?([^ ]+).*/\3/p' \
    /etc/apt/sources.list /etc/apt/sources.list.d/* 2>/dev/null | head -n 1)
mmdebstrap --variant=minbase --include=ca-certificates \
    --aptopt='APT::Install-Recommends "false"' "$release" \
    "$work/base.tar" "deb ${mirror:?no mirror in sources.list} $release main"
base=$(buildah from scratch)
buildah add "$base" "$work/base.tar" /
buildah commit --rm "$base" localhost/base

mkdir "$work/context"
cp "$packages"/acmed_*.deb "$work/context"
buildah bud --isolation chroot --format docker --pull-never --no-cache \
    --build-arg BASE=localhost/base -t acmed -f "$here/Containerfile" \
    "$work/context"
rm -f "$packages/acmed-oci.tar"
buildah push acmed "docker-archive:$packages/acmed-oci.tar:acmed:latest"
