#!/bin/sh
# SPDX-License-Identifier: MIT
# The container's image as packaging/oci.sh makes it: what is in it, and a
# certificate that a real CA program (Pebble) issues to acmed in it.  By hand:
#
#   tests/package/container.sh DIR-OF-PACKAGES [RELEASE]
#
# RELEASE is the one that the packages were built for.  Needs root.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
packages=$(cd "$1" && pwd)
release=${2:-$(. /etc/os-release && echo "$VERSION_CODENAME")}
name=container.test
t=$(mktemp -d /var/tmp/acmed-container.XXXXXX)
storage="--root $t/storage --runroot $t/run --storage-driver vfs"
# shellcheck disable=SC2086
buildah() { command buildah $storage "$@"; }
pids=
finish() {
	# shellcheck disable=SC2086
	[ -z "$pids" ] || kill $pids 2>/dev/null || :
	sed -i "/ $name\$/d" /etc/hosts
	rm -rf "$t"
}
trap finish EXIT
trap 'exit 143' INT TERM HUP

say() {
	echo "==> $*"
}

# is WHAT WANTED GOT
is() {
	[ "$2" = "$3" ] || {
		echo "$1 is '$3', not '$2'"
		cat "$t/acmed.log" 2>/dev/null || :
		exit 1
	}
}

say "what this needs"
apt-get -qq update
DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends \
    buildah ca-certificates curl jq mmdebstrap openssl pebble python3 >/dev/null

say "the image"
"$here/../../packaging/oci.sh" "$packages" "$release" >"$t/log" 2>&1 ||
    { cat "$t/log"; exit 1; }
c=$(buildah from "docker-archive:$packages/acmed-oci.tar")
buildah inspect "$c" | jq .Docker.config >"$t/image"
get() {
	jq -c "$1" "$t/image"
}
is user '"acmed"' "$(get .User)"
is volumes '{"/var/lib/acmed":{}}' "$(get .Volumes)"
is entrypoint '["/usr/sbin/acmed"]' "$(get .Entrypoint)"
is health '["CMD","acmectl","status","--check"]' "$(get .Healthcheck.Test)"
root=$(buildah mount "$c")
for junk in var/cache/apt/pkgcache.bin usr/lib/systemd/systemd \
    etc/ssl/private/acmed.key; do
	[ ! -e "$root/$junk" ] || { echo "/$junk is in the image"; exit 1; }
done
du -sh "$root"

say "a CA and a web server"
cd "$t"
new="-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes"
# shellcheck disable=SC2086
openssl req -x509 $new -keyout ca.key -out ca.pem -days 30 \
    -subj "/CN=test" -addext basicConstraints=critical,CA:TRUE 2>/dev/null
# shellcheck disable=SC2086
openssl req $new -keyout pebble.key -out pebble.csr -subj /CN=localhost \
    -addext subjectAltName=DNS:localhost 2>/dev/null
openssl x509 -req -in pebble.csr -CA ca.pem -CAkey ca.key -CAcreateserial \
    -days 10 -copy_extensions copy -out pebble.pem 2>/dev/null
cat >pebble.json <<-EOF
	{"pebble": {"listenAddress": "127.0.0.1:24000",
	"managementListenAddress": "127.0.0.1:25000",
	"certificate": "$t/pebble.pem", "privateKey": "$t/pebble.key",
	"httpPort": 25002, "tlsPort": 25001}}
EOF
echo "127.0.0.1 $name" >>/etc/hosts
PEBBLE_VA_NOSLEEP=1 PEBBLE_WFE_NONCEREJECT=0 pebble -config pebble.json \
    >pebble.log 2>&1 &
pids=$!
mkdir www state etc
python3 -m http.server -d www 25002 >/dev/null 2>&1 &
pids="$pids $!"

say "acmed in it"
# buildah prefers a volume of its own to the one that is mounted there.
buildah config --volume /var/lib/acmed- "$c"
cp ca.pem etc/
cat >etc/acmed.conf <<-EOF
	account "test" {
	    directory = "https://localhost:24000/dir"
	    ca_file   = "/etc/acmed/ca.pem"
	    agree_tos = true
	}
	certificate "$name" {
	    names     = { "$name" }
	    account   = "test"
	    challenge = "http-01"
	    webroot   = "/srv/www"
	}
EOF
uid=$(awk -F: '$1 == "acmed" { print $3 ":" $4 }' "$root/etc/passwd")
chown "$uid" state www
chmod 700 state
chmod 755 "$t" www
# run COMMAND...: as a container runtime does, with the user of the image.
run() {
	buildah run --isolation chroot --user acmed -v "$t/etc:/etc/acmed:ro" \
	    -v "$t/state:/var/lib/acmed" -v "$t/www:/srv/www" \
	    -v "$t/socket:/run/acmed" "$c" "$@"
}
mkdir socket
chown "$uid" socket
run /usr/sbin/acmed -c /etc/acmed/acmed.conf >acmed.log 2>&1 &
pids="$pids $!"
i=0
until run acmectl status --check >status.log 2>&1; do
	i=$((i + 1))
	[ $i -lt 60 ] || { cat status.log acmed.log; exit 1; }
	sleep 1
done
cat status.log
curl -s --cacert ca.pem https://localhost:25000/roots/0 >root.pem
openssl verify -CAfile root.pem -untrusted "state/live/$name/chain.pem" \
    "state/live/$name/cert.pem"
is "owner of the state" "$uid 700" "$(stat -c '%u:%g %a' state)"
pkill -TERM -f '^/usr/sbin/acmed -c /etc/acmed/acmed.conf' || :
say "passed"
