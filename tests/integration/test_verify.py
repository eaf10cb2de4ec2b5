# SPDX-License-Identifier: MIT
"""Is the certificate really served?  Verify, deploy again, roll back."""

import os
import socket
import time

import pytest

from lab import proc, served

PORT = 11443


def state(acmed, name, target="web"):
    c = acmed.cert_status(name)
    if c is None or c["run"] is not None:
        return None
    for d in c["deploy"]:
        if d["name"] == target:
            return d
    return None


def wait_state(acmed, name, want, target="web", timeout=20):
    def check():
        d = state(acmed, name, target)
        return d and d["state"] == want and d
    return acmed.wait("%s to be %s" % (target, want), check, timeout)


def entry(name, port=PORT, more=""):
    return "%s:%d connect=127.0.0.1%s" % (name, port, more)


@pytest.fixture
def site(acmed, nginx, request):
    """site(name, **target): issued, nginx serves it, then the target."""
    def build(name, **target):
        acmed.cert(name, deploy=None)
        acmed.start()
        acmed.wait_valid(name)
        web = nginx(acmed.live(name), acmed.live(name, "privkey.pem"), PORT)
        web.start()
        target.setdefault("exec", web.reload_argv)
        target.setdefault("verify", [entry(name)])
        acmed.certs[name]["deploy"] = {"web": target}
        acmed.write_conf()
        acmed.reload()
        return web
    return build


def is_served(acmed, web, name):
    with open(acmed.live(name, "cert.pem")) as f:
        return web.served(name).split() == f.read().split()


def wait_served(acmed, web, name):
    """nginx's old workers may still accept a connection or two."""
    acmed.wait("the new certificate", lambda: is_served(acmed, web, name), 5)


def test_nginx(acmed, site):
    name = "v1.example.test"
    web = site(name)
    # A target that is new runs for the certificate in use.
    d = wait_state(acmed, name, "done")
    assert d["check_at"] > time.time() + 20 * 3600
    p = acmed.ctl("renew-now", name)
    assert p.returncode == 0, p.stdout
    assert "serves the new certificate" in p.stdout
    wait_served(acmed, web, name)
    assert not state(acmed, name)["serving_old"]


def test_old_certificate(acmed, site):
    """Nobody reloads: that is told; then somebody does."""
    name = "v2.example.test"
    web = site(name, exec=["true"], verify_timeout="1s")
    wait_state(acmed, name, "done")
    p = acmed.ctl("renew-now", name)
    assert p.returncode == 1
    words = "still serves the old certificate (expires in"
    d = state(acmed, name)
    assert d["state"] == "failed" and d["serving_old"]
    assert words in d["error"], d
    assert "%s:%d" % (name, PORT) in d["error"]
    assert "serving old" in acmed.ctl("status").stdout
    assert words.split(" (")[0] in " ".join(
        acmed.ctl("status", name).stdout.split())
    assert acmed.ctl("status", "--check").returncode == 1
    assert "acmed_deploys_serving_old 1" in acmed.get("/metrics")[1]
    serial = acmed.serial(name)
    proc.run(web.reload_argv)
    p = acmed.ctl("deploy", name, "web")
    assert p.returncode == 0, p.stdout
    d = state(acmed, name)
    assert d["state"] == "done" and not d["serving_old"] and not d["error"]
    assert acmed.serial(name) == serial         # nothing was renewed
    assert "acmed_deploys_serving_old 0" in acmed.get("/metrics")[1]


def test_other_certificate(acmed, site):
    name = "v3.example.test"
    site(name, exec=["true"], verify=[entry(name, 1, ""), entry(name)],
         verify_timeout="1s")
    d = wait_state(acmed, name, "failed")
    assert "%s:1 (127.0.0.1): connection refused" % name in d["error"], d
    assert not d["serving_old"]


def test_deploy_command(acmed, site):
    name = "v4.example.test"
    site(name)
    wait_state(acmed, name, "done")
    p = acmed.ctl("deploy", name)
    assert p.returncode == 0 and "1 target done" in p.stdout, p.stdout
    p = acmed.ctl("deploy", name, "wbe")
    assert p.returncode == 5 and 'did you mean "web"' in p.stdout
    assert acmed.ctl("deploy", "v5.example.test").returncode == 5
    assert acmed.ctl("deploy").returncode == 2
    p = acmed.ctl("deploy", "--no-wait", name, "web")
    assert p.returncode == 0 and "started: " + name in p.stdout
    p = acmed.ctl("deploy", name, "--json")
    assert p.returncode == 0 and '"end":' in p.stdout.replace(" ", "")


def test_rollback(acmed, site):
    name = "v6.example.test"
    web = site(name)
    wait_state(acmed, name, "done")
    first = acmed.serial(name)
    p = acmed.ctl("rollback", name)
    assert p.returncode == 5 and "before the one in use" in p.stdout
    assert acmed.ctl("renew-now", name).returncode == 0
    second = acmed.serial(name)
    assert first != second
    p = acmed.ctl("rollback", name)
    assert p.returncode == 0, p.stdout
    assert acmed.serial(name) == first
    wait_served(acmed, web, name)
    c = acmed.cert_status(name)
    assert c["serial"] in first.lower().replace("serial=", "")
    # Somebody wanted it: it is no failure, but said.
    assert c["error"] is None and c["condition"] == "rolled back", c
    assert "by acmectl" in c["note"]
    # Neither a restart nor a reload brings the other one back.
    acmed.kill()
    acmed.start()
    time.sleep(0.5)
    assert acmed.serial(name) == first
    assert wait_state(acmed, name, "done")
    # A renewal does.
    assert acmed.ctl("renew-now", name).returncode == 0
    assert acmed.cert_status(name)["error"] is None
    wait_served(acmed, web, name)


def test_rollback_on_failure(acmed, site):
    """The new one is not served by all: back to the one that is."""
    name = "v7.example.test"
    flag = os.path.join(acmed.folder, "broken")
    web = site(name, on_verify_failure="rollback", verify_timeout="1s")
    acmed.certs[name]["deploy"]["web"]["exec"] = [
        "/bin/sh", "-c", "test -e %s || %s" % (flag,
                                               " ".join(web.reload_argv))]
    acmed.write_conf()
    assert acmed.ctl("reload").returncode == 0
    wait_state(acmed, name, "done")
    first = acmed.serial(name)
    open(flag, "w").close()
    p = acmed.ctl("renew-now", name)
    assert p.returncode == 1 and "rolled back" in p.stdout, p.stdout
    assert acmed.serial(name) == first
    assert wait_state(acmed, name, "done")
    wait_served(acmed, web, name)


def test_window(acmed, site):
    """Not the first, but the second waits; a person does not."""
    name = "v8.example.test"
    hour = (time.localtime().tm_hour + 12) % 24
    web = site(name, deploy_window="%02d:00-%02d:30" % (hour, hour))
    wait_state(acmed, name, "done")
    p = acmed.ctl("renew-now", name)
    assert p.returncode == 0 and "waits for its deploy_window" in p.stdout
    d = state(acmed, name)
    assert d["state"] == "pending" and d["held"]
    assert d["next_at"] > time.time() + 9 * 3600
    assert "deploy_window" in acmed.ctl("status", name).stdout
    assert not is_served(acmed, web, name)
    assert acmed.ctl("deploy", name).returncode == 0
    wait_served(acmed, web, name)


def test_killed_before_verify(acmed, site, nginx):
    """kill -9 while it looks: the next daemon reloads and looks again."""
    name = "v9.example.test"
    count = os.path.join(acmed.folder, "count")
    site(name, exec=["/bin/sh", "-c", "echo x >>" + count],
         verify=[entry(name, PORT + 1)], verify_timeout="60s")
    wait_state(acmed, name, "verifying")
    acmed.kill()
    web = nginx(acmed.live(name), acmed.live(name, "privkey.pem"), PORT + 1)
    web.start()
    acmed.start()
    wait_state(acmed, name, "done")
    with open(count) as f:
        assert f.read() == "x\nx\n"


def test_killed_while_reloading(acmed, site):
    """... and while it reloads, with another target still to come."""
    name = "v10.example.test"
    hold = os.path.join(acmed.folder, "hold")
    web = site(name)
    wait_state(acmed, name, "done")
    acmed.certs[name]["deploy"] = {
        "slow": {"exec": ["/bin/sh", "-c", "while [ -e %s ]; do sleep 0.05; "
                          "done" % hold]},
        "web": acmed.certs[name]["deploy"]["web"]}
    acmed.write_conf()
    assert acmed.ctl("reload").returncode == 0
    wait_state(acmed, name, "done", "slow")
    open(hold, "w").close()
    assert acmed.ctl("renew-now", "--no-wait", name).returncode == 0

    def deploying():
        c = acmed.cert_status(name)
        return [d["state"] for d in c["deploy"]] == ["running", "pending"]
    acmed.wait("the first target to run", deploying)
    assert not is_served(acmed, web, name)
    acmed.kill()
    os.unlink(hold)
    acmed.start()
    wait_state(acmed, name, "done", "slow")
    wait_state(acmed, name, "done")
    wait_served(acmed, web, name)


@pytest.mark.parametrize("kind", sorted(served.KINDS))
def test_servers(acmed, lab, kind):
    """Real servers: reloaded they serve it, and verify sees it."""
    name = kind + ".example.test"
    acmed.cert(name)
    acmed.start()
    acmed.wait_valid(name)
    folder = os.path.join(lab.folder, "%s%d" % (kind, next(lab.serial)))
    server = served.KINDS[kind](folder, name, os.path.dirname(
        acmed.live(name)), 12000)
    try:
        try:
            server.start()
        except proc.LabError as e:
            if "not installed" in str(e):
                pytest.skip(str(e))
            raise
        acmed.wait("the server", lambda: listens(12000))
        acmed.certs[name]["deploy"] = {"web": {
            "exec": server.reload, "verify": server.entries(),
            "verify_timeout": "15s"}}
        acmed.write_conf()
        acmed.reload()
        wait_state(acmed, name, "done", timeout=30)
        p = acmed.ctl("renew-now", name)
        assert p.returncode == 0, p.stdout
        # The same without a reload.
        acmed.certs[name]["deploy"]["web"].update(
            exec=["true"], verify_timeout="1s")
        acmed.write_conf()
        assert acmed.ctl("reload").returncode == 0
        wait_state(acmed, name, "done", timeout=30)
        p = acmed.ctl("renew-now", name)
        if kind == "postfix":   # a new smtpd reads the file anew
            return
        assert p.returncode == 1, p.stdout
        assert "still serves the old certificate" in p.stdout, p.stdout
    finally:
        server.stop()


def listens(port):
    with socket.socket() as s:
        return s.connect_ex(("127.0.0.1", port)) == 0
