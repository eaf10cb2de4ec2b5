#!/bin/sh
# SPDX-License-Identifier: MIT
# acmed-providers(5) and acmed-clouds(5) tell of every type and option that
# acmed has, and are clean mdoc.  Run by make check in the build directory.
set -eu
page=doc/acmed-providers.5
types=$(./acmed --list-providers | sed 's/ .*//')
[ "$(echo "$types" | wc -l)" -ge 38 ]
for t in $types; do
	section=$(sed -n "/^\.Ss $t\$/,/^\.S[sh] [^$]/p" "$page")
	# The own options stand before the common ones.
	for o in $(./acmed --list-providers="$t" |
	    sed -n 's/^  \([a-z0-9_]*\)[, ].*(.*)$/\1/p'); do
		case $o in
		zone | base_url | ca_file | proxy | allow_http) continue ;;
		esac
		echo "$section" | grep -q "^\.It Cm $o\( \|\$\)" || {
			echo "$page: $t has no option $o" >&2
			exit 1
		}
	done
done
for t in $(./acmed --list-clouds | sed 's/ .*//'); do
	section=$(sed -n "/^\.Ss $t\$/,/^\.S[sh] [^$]/p" doc/acmed-clouds.5)
	for o in $(./acmed --list-clouds="$t" |
	    sed -n 's/^  \([a-z0-9_]*\)[, ].*(.*)$/\1/p'); do
		case $o in
		base_url | ca_file | proxy | allow_http) continue ;;
		esac
		echo "$section" | grep -q "^\.It Cm $o\( \|\$\)" || {
			echo "doc/acmed-clouds.5: $t has no option $o" >&2
			exit 1
		}
	done
done
# What a wrong type is answered with is the list of types.
echo 'credentials "x" { type = "" }' >doc/types.conf
types=$(./acmed --check-config -c doc/types.conf 2>&1 |
    sed -n 's/.*type = "".*allowed: //p' | tr -d ,)
rm -f doc/types.conf
[ "$(echo "$types" | wc -w)" -ge 11 ]
for t in $types; do
	sed -n '/^\.Sh CREDENTIALS$/,$p' doc/acmed-clouds.5 |
	    grep -q "^\.Ss $t\$" || {
		echo "doc/acmed-clouds.5: no credentials of type $t" >&2
		exit 1
	}
done
if command -v groff >/dev/null; then
	words=$(groff -mdoc -Tutf8 -ww -rCHECKSTYLE=3 -z "$page" \
	    doc/acmed-clouds.5 2>&1)
	[ -z "$words" ] || { echo "$words" >&2; exit 1; }
fi
