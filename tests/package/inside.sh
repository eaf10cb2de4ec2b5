#!/bin/sh
# SPDX-License-Identifier: MIT
# inside.sh: what run.sh does on the machine that it has booted.
set -eu

say() {
	echo "--> $*"
}

# is WHAT WANTED GOT
is() {
	[ "$2" = "$3" ] || {
		echo "$1 is '$3', not '$2'"
		systemctl status acmed || :
		journalctl -n 30 -u acmed
		exit 1
	}
}

apt() {
	DEBIAN_FRONTEND=noninteractive apt-get -qq -o Dpkg::Use-Pty=0 \
	    -y --no-install-recommends "$@"
}

say "apt install ./acmed_*.deb"
apt install /root/packages/acmed_*.deb
is "acmed.service" enabled "$(systemctl is-enabled acmed)"
is "acmed.service without a certificate" inactive \
    "$(systemctl is-active acmed || :)"
for u in acmed-dns.socket acmed-alpn.socket acmed-http.socket acmed-status.socket; do
	is $u disabled "$(systemctl is-enabled $u || :)"
done
is secrets "acmed:acmed 700" "$(stat -c '%U:%G %a' /etc/acmed/secrets)"
for d in conf.d root-hooks.d; do
	is $d "root:root 755" "$(stat -c '%U:%G %a' /etc/acmed/$d)"
done
acmed --check-config
acmed --version
zcat -f /usr/share/man/man8/acmed.8* | head -n 1 >/dev/null
[ -e /usr/share/doc/acmed/polkit-acmed.rules ]

say "a certificate (debian/tests/renew)"
mkdir /root/tmp
AUTOPKGTEST_TMP=/root/tmp KEEP=yes sh -x /root/tests/renew

say "an upgrade while a renewal runs"
pid=$(systemctl show -P MainPID acmed)
acmectl renew-now renew.test >/root/renewal 2>&1 &
apt install /root/next/acmed_*.deb
wait $! || :
is "acmed.service after the upgrade" active "$(systemctl is-active acmed)"
[ "$(systemctl show -P MainPID acmed)" != "$pid" ]
acmectl renew-now renew.test
acmectl status --check

say "remove keeps, purge does not"
apt remove acmed
is "acmed.service after remove" inactive \
    "$(systemctl is-active acmed || :)"
[ -e /etc/acmed/conf.d/renew.test.conf ]
[ -e /var/lib/acmed/live/renew.test/privkey.pem ]

say "installed again, it goes on"
apt install /root/packages/acmed_*.deb
is "acmed.service, with a certificate" active "$(systemctl is-active acmed)"
acmectl status
systemctl stop acmed
rules=/etc/polkit-1/rules.d/50-acmed-nginx.service.rules	# of acmectl add
mkdir -p "${rules%/*}"
touch "$rules"
apt purge acmed
for f in /etc/acmed /var/lib/acmed /usr/sbin/acmed "$rules"; do
	[ ! -e $f ] || { echo "$f is left"; exit 1; }
done
say "done"
