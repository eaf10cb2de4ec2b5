# SPDX-License-Identifier: MIT
"""Hooks as people have them for certbot and lego, run by provider exec."""

import os
import signal

from lab import names

BIND = "127.0.1.5"

# What the hooks do at their vendor is done here with nsupdate.
VENDOR = """
vendor() {
	nsupdate -y "$KEY" <<END
server $SERVER
update $1 $2 $3 TXT "$4"
send
END
}
"""


def hook(acmed, name, text):
    path = os.path.join(acmed.folder, name)
    with open(path, "w") as f:
        f.write(text.replace("#VENDOR\n", VENDOR))
    os.chmod(path, 0o755)
    return path


def provider(acmed, program, **options):
    acmed.providers["dns"] = dict({
        "type": "exec", "program": program, "environment": [
            "KEY=hmac-sha256:%s:%s" % (names.KEY_NAME, names.KEY_SECRET),
            "SERVER=" + BIND, "DIR=" + acmed.folder]}, **options)


def lines(acmed, name):
    try:
        with open(os.path.join(acmed.folder, name)) as f:
            return f.read().splitlines()
    except FileNotFoundError:
        return []


# One that keeps its zone in a file with a serial in its first line, which it
# rewrites; it reads its settings from where it lies, and bears no unset
# variable.
ZONE_FILE = """set -eu
#VENDOR
. ./settings
: "$HOME" "$USER" "$CERTBOT_ALL_IDENTIFIERS"
name=_acme-challenge.$CERTBOT_DOMAIN.
serial=$(sed -n 1p "$zone")
sed -i "1s/.*//" "$zone"
sleep 0.1
sed -i "1s/.*/$((serial + 1))/" "$zone"
if [ "$1" = --auth ]; then
	vendor add "$name" 5 "$CERTBOT_VALIDATION"
	echo "$CERTBOT_REMAINING_CHALLENGES $CERTBOT_ALL_DOMAINS" >>"$zone"
	printf '\\n{\\n  "domain": "%s",\\n  "id": "%s"\\n}\\n' \\
		"$CERTBOT_DOMAIN" "$CERTBOT_VALIDATION"
else
	id=$(echo "$CERTBOT_AUTH_OUTPUT" |
	    python3 -c 'import json, sys; print(json.load(sys.stdin)["id"])')
	vendor delete "$name" "" "$id"
fi
"""


def test_certbot_zone_file(acmed, txt):
    """One after the other; all of the output; the whole order is told."""
    all_names = ["z%d.example.test" % i for i in range(6)]
    hook(acmed, "settings", "zone=$DIR/zone\n")
    with open(acmed.folder + "/zone", "w") as f:
        f.write("100\n")
    path = hook(acmed, "hook", ZONE_FILE)
    provider(acmed, "/bin/sh %s --auth" % path, mode="certbot",
             cleanup_program=["/bin/sh", path, "--cleanup"])
    acmed.cert("zone.example.test", all_names + ["*." + all_names[0]])
    acmed.start()
    acmed.wait_valid("zone.example.test", 60)
    acmed.wait_clean(60)
    zone = lines(acmed, "zone")
    assert zone[0] == "114"
    assert [z.split()[0] for z in zone[1:]] == list("6543210")
    assert {",".join(sorted(z.split()[1].split(","))) for z in zone[1:]} == \
        {",".join(sorted(all_names + all_names[:1]))}
    for name in all_names:
        assert txt("example.test", name) == {}


# It makes the record, says its id, and fails; then its removal is not to be
# had either, until somebody mends it.
FAILING = """
#VENDOR
name=_acme-challenge.$CERTBOT_DOMAIN.
if [ -z "${CERTBOT_AUTH_OUTPUT+x}" ]; then
	vendor add "$name" 5 "$CERTBOT_VALIDATION"
	echo "banner"
	echo "id $CERTBOT_VALIDATION"
	[ -e "$DIR/mended" ]
else
	echo "$CERTBOT_AUTH_OUTPUT" >>"$DIR/outputs"
	[ -e "$DIR/mended" ] || exit 1
	vendor delete "$name" "" "${CERTBOT_AUTH_OUTPUT##* }"
fi
"""


def test_failing_auth_hook(acmed, txt):
    """Its id reaches the cleanup hook, also after a restart."""
    name = "failing.example.test"
    path = hook(acmed, "hook", FAILING)
    provider(acmed, path, mode="certbot", cleanup_program=path)
    acmed.cert(name)
    acmed.start()
    assert "exited with status 1" in acmed.wait_error(name)["msg"]
    acmed.wait("a removal", lambda: lines(acmed, "outputs"))
    acmed.kill()
    value, = txt("example.test", name)["_acme-challenge." + name]
    before = lines(acmed, "outputs")
    assert before == ["banner", "id " + value]
    hook(acmed, "mended", "")
    acmed.start(write=False)
    # At once, or a minute later if it had heard of the failure.
    acmed.wait("another", lambda: len(lines(acmed, "outputs")) > 2, 90)
    assert lines(acmed, "outputs")[2:4] == before
    assert acmed.ctl("renew-now", name).returncode == 0
    acmed.wait_valid(name)
    acmed.wait_clean(60)
    assert txt("example.test", name) == {}


# For EXEC_MODE=RAW: it makes the value by itself.
RAW = """#!/bin/sh
#VENDOR
[ "$2" = -- ] && [ $# = 5 ] && [ "${5%%.*}" = "$4" ] || exit 64
value=$(printf %s "$5" | openssl dgst -sha256 -binary | openssl base64 |
    tr '+/' '-_' | tr -d =)
echo "$1" >>"$DIR/calls"
case $1 in
present) vendor add "_acme-challenge.$3." 5 "$value" ;;
cleanup) vendor delete "_acme-challenge.$3." "" "$value" ;;
esac
[ -e "$DIR/once" ] || { touch "$DIR/once"; kill -9 "$PPID"; }
"""


def test_lego_raw(acmed, txt):
    """Token and key authorization, for the removal also after a kill -9 in
    the midst of a call; and for acmectl check."""
    name = "raw.example.test"
    provider(acmed, hook(acmed, "hook", RAW), mode="lego-raw")
    acmed.cert(name, [name, "*." + name])
    acmed.start()
    assert acmed.proc.wait(30) == -signal.SIGKILL
    acmed.start(write=False)
    acmed.wait_valid(name, 60)
    acmed.wait_clean(60)
    assert txt("example.test", name) == {}
    with open(acmed.folder + "/calls", "w"):
        pass
    p = acmed.ctl("check", name)
    assert p.returncode == 0 and "seen and removed" in p.stdout, p.stdout
    assert lines(acmed, "calls") == ["present", "cleanup"]
    assert txt("example.test", name) == {}
