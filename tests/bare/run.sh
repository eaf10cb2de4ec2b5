#!/bin/sh
# SPDX-License-Identifier: MIT
# README's commands on machines that have nothing: by hand before a release.
#
#   tests/bare/run.sh [--debian-only] [bookworm|trixie ...] [-- COMMAND ...]
#
# For each release (default: both) a minimal Debian is made once, into
# ~/.cache/acmed-lab/bare, and COMMAND (default: ./quickstart test) is run in a
# fresh clone of HEAD, in a copy of the tree that is thrown away.  It trusts whom
# this machine trusts, for those behind an inspecting proxy; with --debian-only
# no registry but Debian's is reached.  Needs root and mmdebstrap, and 8 GB of
# free space in /var/tmp.  Its last lines are those of the command; the whole
# output is in /var/tmp/acmed-bare.RELEASE.log.
set -eu

src=$(cd "$(dirname "$0")/../.." && pwd)
cache=${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/acmed-lab/bare
releases='' only=
while [ $# -gt 0 ]; do
	case $1 in
	--)	shift; break ;;
	--debian-only)
		only=yes; shift ;;
	-*)	sed -n '3,15s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
	*)	releases="$releases $1"; shift ;;
	esac
done
[ $# -gt 0 ] || set -- ./quickstart test

# tree RELEASE: a minimal Debian with git, and this machine's way to its mirror.
tree() {
	[ ! -d "$cache/$1" ] || return 0
	mkdir -p "$cache"
	mirror=$(sed -nE 's/^(deb|URIs:) *(\[[^]]*\] *)?([^ ]+).*/\3/p' \
	    /etc/apt/sources.list /etc/apt/sources.list.d/* 2>/dev/null |
	    head -n 1)
	rm -rf "$cache/$1.new"
	mmdebstrap --variant=minbase --include=git,ca-certificates "$1" \
	    "$cache/$1.new" "deb ${mirror:?no mirror in sources.list} $1 main"
	cp -r /etc/apt/apt.conf.d "$cache/$1.new/etc/apt/"
	cp /etc/ssl/certs/ca-certificates.crt "$cache/$1.new/etc/ssl/certs/"
	chroot "$cache/$1.new" git config --system --add safe.directory '*'
	mv "$cache/$1.new" "$cache/$1"
}

# What enters: TREE COMMAND...  Namespaces of its own, in which nothing is left
# running, and the tree alone to be seen.
# shellcheck disable=SC2016
enter='
	set -e
	m=$1
	shift
	cp /etc/resolv.conf "$m/etc/resolv.conf"
	mkdir -p "$m/mnt/old"
	mount --rbind /sys "$m/sys"
	mount --rbind /dev "$m/dev"
	mount -t proc proc "$m/proc"
	mount --bind -o ro "$m/proc/sys" "$m/proc/sys"
	mount -t tmpfs -o mode=755 run "$m/run"
	mkdir -m 1777 "$m/run/lock"
	cd "$m"
	pivot_root . mnt/old
	umount -l /mnt/old
	cd /root/acmed
	status=0
	"$@" || status=$?
	exit $status
'

# bare RELEASE COMMAND...
bare() (
	release=$1
	shift
	tree "$release" >&2
	box=$(mktemp -d /var/tmp/acmed-bare.XXXXXX)
	trap 'umount "$box/m" 2>/dev/null; rm -rf "$box"' EXIT
	trap 'exit 143' INT TERM HUP
	mkdir "$box/u" "$box/w" "$box/m"
	mount -t overlay -o "lowerdir=$cache/$release,upperdir=$box/u,workdir=$box/w" \
	    overlay "$box/m"
	# Nobody is trusted: TLS fails, the mirror's HTTP works.
	[ -z "$only" ] || : >"$box/m/etc/ssl/certs/ca-certificates.crt"
	# From out here: a worktree has its history elsewhere.
	printf '[safe]\n\tdirectory = *\n' >"$box/gitconfig"
	GIT_CONFIG_GLOBAL=$box/gitconfig git clone -q "$src" "$box/m/root/acmed"
	# This machine's /sys and /dev: systemd-nspawn would give it cgroups that
	# it may not write to, and the tests boot a systemd of its own in it.
	env -i HOME=/root LANG=C.UTF-8 TERM=dumb \
	    PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
	    unshare --mount --pid --fork --kill-child \
	    sh -c "$enter" sh "$box/m" "$@" </dev/null
)

status=0
for r in ${releases:-bookworm trixie}; do
	log=/var/tmp/acmed-bare.$r.log
	began=$(date +%s)
	if bare "$r" "$@" >"$log" 2>&1; then
		result=passed
	else
		result=FAILED status=1
	fi
	echo "==> $r: $* $result, $(($(date +%s) - began)) s; $log"
	grep -E '^(FAILED|FLAKY|SKIPPED|FAIL:)' "$log" | head -n 40 || :
	grep -E '^[0-9]+ passed|^==>' "$log" | tail -n 1
done
exit $status
