# SPDX-License-Identifier: MIT
"""Directories of hooks in certbot's manner, and commands that misbehave."""

import os
import time


def hook(acmed, path, text):
    """A hook that certbot would run, below the test's hooks_dir."""
    folder = os.path.join(acmed.folder, "hooks")
    path = os.path.join(folder, path)
    os.makedirs(os.path.dirname(path), mode=0o755, exist_ok=True)
    with open(path, "w") as f:
        f.write("#!/bin/sh\n" + text)
    os.chmod(path, 0o755)
    acmed.options["hooks_dir"] = folder


def lines(acmed, name):
    try:
        with open(os.path.join(acmed.folder, name)) as f:
            return f.read().splitlines()
    except FileNotFoundError:
        return []


# As in certbot's documentation and many a how-to: copies for a server that
# does not run as root, and a combined file for HAProxy.
CERTBOT_HOOK = """
set -e
for domain in $RENEWED_DOMAINS; do
	case $domain in
	hooks.example.test)
		daemon_cert_root=%(root)s
		umask 077
		cp "$RENEWED_LINEAGE/fullchain.pem" "$daemon_cert_root/$domain.cert"
		cp "$RENEWED_LINEAGE/privkey.pem" "$daemon_cert_root/$domain.key"
		chmod 400 "$daemon_cert_root/$domain.cert" \\
			"$daemon_cert_root/$domain.key"
		;;
	esac
done
site=$(basename "$RENEWED_LINEAGE")
cat "$RENEWED_LINEAGE/fullchain.pem" "$RENEWED_LINEAGE/privkey.pem" \\
	>"%(root)s/$site.pem"
echo "20 $RENEWED_LINEAGE" >>%(root)s/log
"""


def test_certbot_hooks(acmed):
    """Unchanged, in their order, before, for and after the renewal."""
    root, name = acmed.folder, "hooks.example.test"
    hook(acmed, "pre.d/stop", "echo pre ${RENEWED_DOMAINS-unset} "
         ">>%s/log\n" % root)
    hook(acmed, "deploy.d/20-copy.sh", CERTBOT_HOOK % {"root": root})
    hook(acmed, "deploy.d/10-first", "echo 10 >>%s/log\n" % root)
    hook(acmed, "deploy.d/30-old~", "exit 1\n")
    hook(acmed, "post.d/start", 'echo "post $RENEWED_DOMAINS|'
         '$FAILED_DOMAINS" >>%s/log\n' % root)
    # The target's own files come first.
    acmed.cert(name, [name, "*." + name], deploy={
        "own": {"exec": ["/bin/sh", "-c", "echo own >>%s/log" % root]}})
    acmed.start()
    acmed.wait_valid(name)
    assert [d["name"] + " " + d["state"] for d in acmed.cert_status(name)[
        "deploy"]] == ["own done", "deploy.d done"]
    live = os.path.dirname(acmed.live(name))
    assert lines(acmed, "log") == [
        "pre unset", "own", "10", "20 " + live,
        "post %s *.%s|" % (name, name)]
    with open(acmed.live(name)) as a, \
            open(os.path.join(root, name + ".cert")) as b:
        assert a.read() == b.read()
    with open(os.path.join(root, name + ".pem")) as f:
        assert "PRIVATE KEY" in f.read()


def test_pre_hook_fails(acmed):
    """It is told, the others run, and the renewal goes on."""
    name = "prefail.example.test"
    hook(acmed, "pre.d/check", "echo the moon is full >&2; exit 5\n")
    hook(acmed, "pre.d/later", "echo later >>%s/log\n" % acmed.folder)
    acmed.cert(name)
    acmed.start()
    acmed.wait_valid(name)
    assert "a pre hook failed" in acmed.log()
    assert "the moon is full" in acmed.log()
    assert lines(acmed, "log") == ["later"]


def test_renewal_fails(acmed):
    """The hooks after it are told which names failed; if one fails as well,
    that is told."""
    name = "postfail.example.test"
    hook(acmed, "post.d/tell", 'echo "$FAILED_DOMAINS|$FAILED_LINEAGE|'
         '$RENEWED_DOMAINS" >>%s/log\nexit 1\n' % acmed.folder)
    acmed.cert(name)
    acmed.accounts["lab"]["directory"] = "https://localhost:1/dir"
    acmed.start()
    acmed.wait_error(name)
    assert lines(acmed, "log") == ["%s|%s|" % (
        name, os.path.dirname(acmed.live(name)))]
    assert "a post hook failed" in acmed.log()
    assert not os.path.exists(acmed.live(name))


def test_hooks_not_trusted(acmed):
    name = "unsafe.example.test"
    hook(acmed, "deploy.d/a", "echo a >>%s/log\n" % acmed.folder)
    hook(acmed, "deploy.d/b", "echo b >>%s/log\n" % acmed.folder)
    os.chmod(os.path.join(acmed.folder, "hooks/deploy.d/a"), 0o777)
    acmed.cert(name)
    acmed.start()

    def failed():
        c = acmed.cert_status(name)
        return c["run"] is None and c["deploy"] and \
            c["deploy"][0]["state"] == "failed" and c["deploy"][0]["error"]
    assert "deploy.d/a is not run" in acmed.wait("the refusal", failed)
    assert lines(acmed, "log") == ["b"]
    assert 'target "deploy.d"' in acmed.ctl("check", name).stdout


def test_misbehaviour(acmed):
    """They fork, hold the pipes, flood, ignore TERM: nothing waits for them
    for longer than their time, and nothing of theirs is left."""
    name = "wild.example.test"
    hook(acmed, "deploy.d/1-daemon", "sleep 1000 & echo $! >>%s/pids\n"
         "echo started\n" % acmed.folder)
    hook(acmed, "deploy.d/2-flood", "yes flood | head -c 20000000\n"
         "yes flood | head -c 20000000 >&2\n")
    hook(acmed, "deploy.d/3-binary", "printf 'a\\000b\\033[31mc\\377'\n")
    acmed.options["log_level"] = "notice"
    stuck = ("trap '' TERM INT HUP; echo $$ >>%s/stuck; yes & "
             "while :; do sleep 1000 & echo $! >>%s/stuck; wait $!; done"
             % (acmed.folder, acmed.folder))
    acmed.cert(name, deploy={"stuck": {
        "timeout": "1s", "exec": ["/bin/sh", "-c", stuck]}})
    acmed.start()

    def over():
        c = acmed.cert_status(name)
        return c["run"] is None and c["deploy"] and [
            d["state"] for d in c["deploy"]] == ["failed", "done"] and c
    begin = time.monotonic()
    c = acmed.wait("the deploys", over, 40)
    assert time.monotonic() - begin < 30
    assert "did not end within 1 s" in c["deploy"][0]["error"]
    for pid in lines(acmed, "stuck"):
        acmed.wait("process %s to be gone" % pid, lambda p=pid:
                   not os.path.exists("/proc/" + p)
                   or " Z " in open("/proc/%s/stat" % p).read())
    # A daemon that a hook began is meant to stay.
    pid = int(lines(acmed, "pids")[0])
    os.kill(pid, 9)
    with open("/proc/%d/status" % acmed.proc.pid) as f:
        rss = [int(x.split()[1]) for x in f if x.startswith("VmHWM")][0]
    assert os.environ.get("LAB_WRAP") or rss < 200000, rss


def test_killed_in_hooks(acmed):
    """kill -9 while a hook runs: it runs again at the next start."""
    name = "killed.example.test"
    hook(acmed, "deploy.d/slow", "echo begin >>%s/log\n"
         "[ -e %s/go ] || sleep 1000\necho end >>%s/log\n" % (
             (acmed.folder,) * 3))
    acmed.cert(name)
    acmed.start()
    acmed.wait("the hook", lambda: lines(acmed, "log") == ["begin"])
    acmed.kill()
    with open(os.path.join(acmed.folder, "go"), "w"):
        pass
    acmed.start()
    acmed.wait_valid(name)
    acmed.wait("it to run again", lambda: lines(acmed, "log")[-1] == "end")
    assert lines(acmed, "log") == ["begin", "begin", "end"]


def test_made_later(acmed):
    """Hooks are seen at the next renewal, though there were none at start."""
    name = "late.example.test"
    folder = os.path.join(acmed.folder, "hooks")
    os.mkdir(folder)
    acmed.options["hooks_dir"] = folder
    acmed.cert(name)
    acmed.start()
    acmed.wait_valid(name)
    assert acmed.cert_status(name)["deploy"] == []
    hook(acmed, "deploy.d/10-late", "exit 0\n")
    acmed.ctl("renew-now", name)
    assert acmed.cert_status(name)["deploy"][0]["state"] == "done"
