# SPDX-License-Identifier: MIT
"""Starts in spite of mistakes, and what a start refuses."""

import glob
import json
import os
import shutil
import socket
import subprocess
import time

import pytest

from lab import daemon, proc

NOBODY = 65534
BAD = "certificate \"b.example.test\" { keey = \"ec256\" }\n"


def conf_d(acmed, name, text):
    """A file of its own beside the main one."""
    folder = os.path.join(acmed.folder, "conf.d")
    os.makedirs(folder, exist_ok=True)
    path = os.path.join(folder, name)
    with open(path, "w") as f:
        f.write(text)
    os.chmod(path, 0o600)
    return path


def cert(name, **opts):
    return daemon.section("certificate", name, dict(
        {"names": [name], "account": "lab", "provider": "dns"}, **opts))


def start(acmed):
    acmed.start(write=False)


def config_error(acmed):
    return acmed.status()["config"]["error"] or ""


def with_conf_d(acmed):
    acmed.write_conf(acmed.text() + 'include("conf.d/*.conf")\n')


def with_b(acmed, text):
    """a.example.test in the main file, text in conf.d/b.conf."""
    acmed.cert("a.example.test")
    with_conf_d(acmed)
    return conf_d(acmed, "b.conf", text)


def secret_file(acmed, name):
    """A TSIG key that only root can read."""
    path = os.path.join(acmed.folder, name)
    with open(path, "w") as f:
        f.write("c2VjcmV0c2VjcmV0\n")
    os.chmod(path, 0o600)
    return path


def check_config(acmed, good=False):
    return proc.run([daemon.program("ACMED", "acmed"), "-t", "-c",
                     acmed.conf], check=good)


def mend(told):
    """Run the command that ends what was told."""
    proc.run(["sh", "-c", told.strip().split(": ")[-1]])


def refuses(acmed, seconds=10):
    """It does not start; what it says."""
    acmed.launch()
    try:
        assert acmed.proc.wait(seconds) == 1
    finally:
        acmed.end()
    return acmed.log()


def test_one_bad_file(acmed):
    """It is left out, the rest is renewed, and everybody is told; mended and
    reloaded, it is there."""
    out = os.path.join(acmed.folder, "told")
    acmed.notifies["ops"] = {"exec": ["/bin/sh", "-c", "cat >>" + out],
                             "events": ["all"]}
    acmed.options["alarm_gather"] = "0s"
    path = with_b(acmed, BAD)
    start(acmed)
    acmed.wait_valid("a.example.test")
    error = config_error(acmed)
    assert 'certificate "b.example.test"' in error and "keey" in error
    assert path in acmed.ctl("status").stdout.replace("\n  ", "")
    assert acmed.ctl("status", "--check").returncode == 1
    acmed.wait("the message", lambda: os.path.exists(out) and "keey" in
               open(out).read())
    assert acmed.cert_status("b.example.test") is None

    conf_d(acmed, "b.conf", cert("b.example.test"))
    p = acmed.ctl("reload")
    assert p.returncode == 0 and "added: b.example.test" in p.stdout
    acmed.wait_valid("b.example.test")
    assert config_error(acmed) == ""
    assert acmed.ctl("status", "--check").returncode == 0


def test_not_utf8(acmed):
    """A file in Latin-1, also by its own name: left out, and the status can
    still be shown."""
    path = with_b(acmed, cert("b.example.test"))
    with open(path, "rb") as f:
        text = f.read().replace(b"b.example", b"caf\xe9.example")
    with open(path, "wb") as f:
        f.write(text)
    os.rename(os.fsencode(path), os.path.join(
        os.path.dirname(os.fsencode(path)), b"caf\xe9.conf"))
    start(acmed)
    acmed.wait_valid("a.example.test")
    assert "save the file as UTF-8" in config_error(acmed)


def test_last_good_version(acmed):
    """A file that was right goes on in its last good version, also the main
    one, and also if it cannot be read at all."""
    path = with_b(acmed, cert("b.example.test"))
    start(acmed)
    acmed.wait_valid("b.example.test")
    kept = os.path.join(acmed.state_dir, "last-good")
    assert os.stat(kept).st_mode & 0o777 == 0o600
    acmed.stop()
    with open(path, "a") as f:
        f.write("certificate {\n")
    start(acmed)
    assert acmed.cert_status("b.example.test")["state"] == "valid"
    assert path in config_error(acmed)
    acmed.stop()
    with open(acmed.conf, "a") as f:
        f.write("}\n")
    start(acmed)
    assert acmed.cert_status("a.example.test")["state"] == "valid"
    assert acmed.cert_status("b.example.test")["state"] == "valid"
    assert acmed.conf in config_error(acmed)
    # A mistake does not become the last good version.
    p = acmed.ctl("reload")
    assert p.returncode == 1
    acmed.stop()
    os.unlink(path)
    with_conf_d(acmed)
    start(acmed)
    assert config_error(acmed) == ""
    acmed.stop()


def holds(pid, words):
    """Is it anywhere in the memory of the process?"""
    with open("/proc/%d/maps" % pid) as maps, \
            open("/proc/%d/mem" % pid, "rb", 0) as mem:
        for line in maps:
            fields = line.split()
            start, end = (int(x, 16) for x in fields[0].split("-"))
            if "w" not in fields[1] or end - start > 256 << 20:
                continue
            mem.seek(start)
            if words in mem.read(end - start):
                return True
    return False


def test_texts_leave_the_memory(acmed):
    """They may have secrets; also those of a start with mistakes."""
    words = "uncommon-words-of-a-comment"
    with_b(acmed, "# %s\ncertificate {\n" % words)
    with open(acmed.conf, "a") as f:
        f.write("# %s\n" % words)
    start(acmed)
    assert config_error(acmed) != ""
    assert holds(acmed.proc.pid, b"a.example.test")
    assert not holds(acmed.proc.pid, words.encode())
    assert acmed.ctl("reload").returncode == 1
    assert not holds(acmed.proc.pid, words.encode())
    acmed.stop()


def test_missing_secret(acmed):
    """The provider without its secret and its certificates are left out, each
    named; the others go on."""
    secret = secret_file(acmed, "secret")
    acmed.providers["other"] = daemon.rfc2136(key_secret=None,
                                              key_secret_file=secret)
    acmed.cert("a.example.test")
    acmed.cert("o.example.test", provider="other")
    acmed.start()
    acmed.wait_valid("a.example.test")
    acmed.stop()
    os.unlink(secret)
    start(acmed)
    assert acmed.cert_status("a.example.test")["state"] == "valid"
    assert acmed.cert_status("o.example.test") is None
    error = config_error(acmed)
    for words in ('provider "other"', 'certificate "o.example.test"', secret):
        assert words in error, error


def test_nothing_to_fall_back_to(acmed):
    """A mistaken main file at the first start ends it."""
    acmed.cert("a.example.test")
    acmed.write_conf(acmed.text() + BAD)
    assert "keey" in refuses(acmed)
    p = acmed.ctl("status")
    assert p.returncode == 3 and "--check-config" in p.stdout, p.stdout


def test_damaged_state_is_told(acmed):
    """A start that only a person can help: they are told once, and acmectl and
    the log say what to do."""
    told = os.path.join(acmed.folder, "told")
    acmed.notifies["ops"] = {"exec": [
        "/bin/sh", "-c", "cat >> %s; echo >> %s" % (told, told)]}
    acmed.cert("a.example.test")
    acmed.start()
    acmed.wait_valid("a.example.test")
    serial = acmed.serial("a.example.test")
    acmed.stop()
    state = os.path.join(acmed.state_dir, "state.db")
    os.rename(state, state + ".good")
    with open(state, "wb") as f:
        f.write(b"not a database " * 1000)
    for _ in range(2):
        # systemd does not try that again.
        assert "cannot start: " in refuses(acmed, 40)
        p = acmed.ctl("status")
        assert p.returncode == 3, p.stdout
        words = " ".join(p.stdout.split())
        assert "could not start: %s: damaged: " % state in words, words
        assert "move it (with its -wal and -shm) aside" in words, words
    with open(told) as f:
        messages = [json.loads(line) for line in f if line.strip()]
    assert len(messages) == 1, messages
    assert messages[0]["event"] == "start-failed"
    assert messages[0]["level"] == "critical"
    assert "acmed cannot start" in messages[0]["subject"]
    assert "state.db: damaged" in messages[0]["text"]
    assert "systemctl restart acmed" in messages[0]["text"]
    # As it says: what is beside it is kept.
    os.unlink(state)
    start(acmed)
    assert acmed.serial("a.example.test") == serial
    acmed.stop()
    p = acmed.ctl("status")
    assert p.returncode == 3 and "damaged" not in p.stdout, p.stdout


def test_seen_by_the_daemons_user(acmed):
    """--check-config of root sees what the daemon's user cannot read."""
    acmed.cert("a.example.test")
    os.mkdir(acmed.state_dir, 0o700)
    os.chown(acmed.state_dir, NOBODY, NOBODY)
    os.chmod(acmed.folder, 0o755)
    secret = secret_file(acmed, "key")
    acmed.providers["dns"] = daemon.rfc2136(key_secret=None,
                                            key_secret_file=secret)
    acmed.accounts["lab"].pop("ca_file")
    acmed.write_conf()
    p = check_config(acmed)
    assert p.returncode == 1 and "user nobody cannot read %s" % acmed.conf \
        in p.stdout, p.stdout
    command = p.stdout.strip().split(": ")[-1]
    assert command == "chgrp nogroup %s && chmod 640 %s" % (
        acmed.conf, acmed.conf)
    proc.run(["sh", "-c", command])
    p = check_config(acmed)
    assert p.returncode == 1 and "key_secret_file: user nobody cannot read" \
        in p.stdout, p.stdout
    mend(p.stdout)
    assert check_config(acmed).returncode == 0
    # A directory on the way.
    os.mkdir(acmed.folder + "/d", 0o700)
    os.rename(secret, acmed.folder + "/d/key")
    acmed.providers["dns"]["key_secret_file"] = acmed.folder + "/d/key"
    acmed.write_conf()
    os.chmod(acmed.conf, 0o640)
    os.chown(acmed.conf, 0, NOBODY)
    p = check_config(acmed)
    assert "cannot enter %s/d" % acmed.folder in p.stdout, p.stdout
    mend(p.stdout)
    assert check_config(acmed).returncode == 0
    # A literal secret in a file for all: the command leaves it to the daemon.
    acmed.providers["dns"] = daemon.rfc2136()
    acmed.write_conf()
    os.chmod(acmed.conf, 0o644)
    p = check_config(acmed)
    assert "chgrp nogroup %s && chmod 640" % acmed.conf in p.stdout


@pytest.mark.parametrize("what", ["mode", "owner", "include", "directory",
                                  "link"])
def test_root_believes_root_only(acmed, what):
    """Who can write the configuration of a daemon of root is root."""
    path = with_b(acmed, "log_level = info\n")
    acmed.options.pop("log_level")
    with_conf_d(acmed)
    if what == "mode":
        os.chmod(acmed.conf, 0o660)
        os.chown(acmed.conf, -1, NOBODY)
    elif what == "owner":
        os.chown(acmed.conf, NOBODY, -1)
    elif what == "include":
        conf_d(acmed, "a.conf", "max_renewals = 5\n")   # is good
        acmed.options.pop("max_renewals", None)
        with_conf_d(acmed)
        os.chmod(path, 0o620)
        os.chown(path, -1, NOBODY)
    elif what == "link":
        real = os.path.join(acmed.folder, "open", "c.conf")
        os.mkdir(os.path.dirname(real))
        shutil.move(conf_d(acmed, "c.conf", "digest_at = 09:00\n"), real)
        os.symlink(real, os.path.join(acmed.folder, "conf.d", "c.conf"))
        os.chmod(os.path.dirname(real), 0o777)
    else:
        os.chmod(os.path.dirname(path), 0o777)
    p = check_config(acmed)
    assert p.returncode == 1 and "others can write" in p.stdout, p.stdout
    mend(p.stdout)
    p = check_config(acmed)
    assert p.returncode == 0, p.stdout


@pytest.mark.parametrize("path, mode", [
    ("", 0o777), ("/accounts", 0o770), ("/live", 0o757),
    ("/accounts/*.key", 0o644), ("/live/*/privkey.pem", 0o644),
    ("/live/*/rsa/privkey.pem", 0o604), ("/publisher.key", 0o640),
    ("/state.db", 0o640), ("/last-good", 0o604)])
def test_own_files_open_to_others(acmed, path, mode):
    """What acmed wrote for itself: told with the command that mends it."""
    acmed.cert("a.example.test", key=["ec256", "rsa2048"])
    acmed.start()
    acmed.wait_valid("a.example.test", 60)
    acmed.stop()
    if "publisher" in path:             # as one that publishes has it
        with open(acmed.state_dir + path, "w"):
            pass
        os.chmod(acmed.state_dir + path, 0o600)
    path, = glob.glob(acmed.state_dir + path)
    assert "warning" not in check_config(acmed, True).stdout
    os.chmod(path, mode)
    line, = [x for x in check_config(acmed, True).stdout.splitlines()
             if x.startswith("warning")]
    assert path + " (" in line and "mode %04o" % mode in line, line
    start(acmed)
    assert "open to other users" in acmed.log()
    assert acmed.ctl("reload").stdout.count("open to other users") == 1
    acmed.stop()
    mend(line)
    assert "warning" not in check_config(acmed, True).stdout


def test_socket_in_an_open_directory(acmed):
    """In a sticky one, such as /tmp, nobody replaces what is of others."""
    folder = os.path.join(acmed.folder, "run")
    os.mkdir(folder)
    acmed.options["control_socket"] = folder + "/s"
    acmed.cert("a.example.test")
    acmed.write_conf()
    for mode, words in (0o757, "chmod go-w " + folder), (0o1777, ""):
        os.chmod(folder, mode)
        out = check_config(acmed, True).stdout
        assert ("control_socket: " in out) == bool(words), out
        assert words in out


def second(acmed):
    other = daemon.Acmed(acmed.folder + "/2", "https://localhost/",
                         "/dev/null")
    other.certs = acmed.certs
    other.accounts = acmed.accounts
    return other


def test_socket_of_another(acmed):
    """Nobody takes the socket of a daemon that runs."""
    acmed.cert("a.example.test")
    acmed.start()
    other = second(acmed)
    other.options["control_socket"] = acmed.socket
    other.write_conf()
    assert "another acmed answers there" in refuses(other)
    assert acmed.status()["pid"] == acmed.proc.pid


def test_lock_removed(acmed):
    """The lock holds without its file."""
    acmed.cert("a.example.test")
    acmed.start()
    os.unlink(acmed.state_dir + "/lock")
    other = second(acmed)
    other.options["state_dir"] = acmed.state_dir
    other.write_conf()
    assert "another acmed" in refuses(other)


def test_root_in_a_shell(acmed):
    """Nothing is written into a state directory of another user."""
    acmed.cert("a.example.test")
    os.mkdir(acmed.state_dir, 0o700)
    os.chown(acmed.state_dir, NOBODY, NOBODY)
    acmed.write_conf()
    assert "sudo -u 'nobody'" in refuses(acmed)
    assert os.listdir(acmed.state_dir) == []


def test_start_on_a_full_disk(acmed):
    """It starts, and says what it can."""
    acmed.cert("full.example.test")
    os.mkdir(acmed.state_dir, 0o700)
    proc.run(["mount", "-t", "tmpfs", "-o", "size=2m,mode=0700", "tmpfs",
              acmed.state_dir])
    try:
        acmed.start()
        acmed.wait_valid("full.example.test")
        acmed.stop()
        with open(acmed.state_dir + "/filler", "wb", 0) as f:
            with pytest.raises(OSError):
                while True:
                    f.write(b"x" * 512)
        start(acmed)
        assert acmed.cert_status("full.example.test")["state"] == "valid"
        os.unlink(acmed.state_dir + "/filler")
        acmed.wait("a renewal", lambda: acmed.ctl(
            "renew-now", "full.example.test").returncode == 0, 30)
        acmed.stop()
    finally:
        acmed.end()
        proc.run(["umount", "-l", acmed.state_dir], check=False)


def test_slow_clients_keep_nobody_waiting(acmed):
    """A thousand connections that say nothing."""
    acmed.cert("a.example.test")
    acmed.start()
    slow = []
    try:
        for _ in range(1000):
            s = socket.socket(socket.AF_UNIX)
            s.setblocking(False)
            try:
                s.connect(acmed.socket)
            except BlockingIOError:
                s.close()
                break
            s.send(b"GET /v1/st")
            slow.append(s)
        # Just now the kernel's queue may be full of the others.
        p = acmed.wait("an answer", lambda: next((
            p for p in [acmed.ctl("status", "--json", timeout=10)]
            if p.returncode == 0), None), 30)
        assert json.loads(p.stdout)["pid"] == acmed.proc.pid
    finally:
        for s in slow:
            s.close()


def test_file_size_limit(acmed):
    """A limit of the file's size is an error, no death."""
    acmed.cert("a.example.test")
    acmed.wrap = ["prlimit", "--fsize=65536"]
    acmed.write_conf()
    acmed.launch()
    try:
        acmed.proc.ready(acmed.answers)
        acmed.wait("an error or a certificate", lambda: acmed.cert_status(
            "a.example.test")["state"] != "missing" or acmed.cert_status(
                "a.example.test")["error"])
    except proc.LabError:
        assert not acmed.proc.alive()
    status = acmed.proc.popen.poll()
    assert status is None or status > 0, "killed by a signal"
