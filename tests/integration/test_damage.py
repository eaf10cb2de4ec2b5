# SPDX-License-Identifier: MIT
"""State that is damaged, lost, or of another version: told with what to do,
nothing of it overwritten, and no order that is not due."""

import hashlib
import os
import random
import re
import shutil
import sqlite3

import pytest

from lab import proc

NAME = "damage.example.test"
MOVE = "move it (with its -wal and -shm) aside and start again"


class Kept:
    """An acmed with a certificate, and its state as a clean stop, or a crash,
    left it."""

    def __init__(self, ca, acmed):
        self.ca, self.a = ca, acmed
        acmed.providers = {}
        webroot = os.path.join(acmed.folder, "www")
        os.mkdir(webroot)
        del acmed.cert(NAME, challenge="http-01", webroot=webroot)["provider"]
        acmed.start()
        acmed.wait_valid(NAME)
        acmed.kill()
        self.crashed = self.keep("crashed")
        acmed.start()
        acmed.stop()
        self.clean = self.keep("clean")
        self.orders = ca.count()["newOrder"]

    def keep(self, name):
        path = os.path.join(self.a.folder, name)
        proc.run(["cp", "-a", self.a.state_dir, path])
        return path

    def restore(self, path):
        shutil.rmtree(self.a.state_dir)
        proc.run(["cp", "-a", path, self.a.state_dir])

    def path(self, name):
        return os.path.join(self.a.state_dir, name)

    def write(self, name, data):
        with open(self.path(name), "r+b") as f:
            f.truncate(0)
            f.write(data)

    def hashes(self):
        """{path: what is there} of all but the lock and the reserve, which
        are nobody's state."""
        found = {}
        for folder, dirs, files in os.walk(self.a.state_dir):
            for f in dirs + files:
                path = os.path.join(folder, f)
                if os.path.islink(path):
                    found[path] = os.readlink(path)
                elif os.path.isfile(path) and f not in ("lock", "reserve"):
                    with open(path, "rb") as g:
                        found[path] = hashlib.sha256(g.read()).hexdigest()
        return found

    def refused(self, words):
        """It does not start, says why, and has changed nothing."""
        before = self.hashes()
        p = self.a.launch()
        assert p.wait(30) != 0, "it has started"
        last = self.a.log().strip().splitlines()[-1]
        assert "cannot start: " in last and words in last, last
        assert self.hashes() == before

    def asks_nothing(self):
        """It has a certificate, and orders none."""
        n = self.ca.count()
        self.a.start()
        self.a.wait_valid(NAME)
        self.a.stop()
        assert self.ca.count() == n


@pytest.fixture
def kept(scripted, make):
    ca = scripted()
    return Kept(ca, make(ca.directory, ca_file=ca.ca_file))


def damages(data, seed):
    dice = random.Random(seed)
    n = len(data)
    yield "one byte", data[:1]
    yield "a third", data[:n // 3]
    yield "half", data[:n // 2]
    yield "without the last byte", data[:-1]
    yield "zeroes", bytes(n)
    yield "noise", dice.randbytes(n)


def test_database(kept):
    """state.db, damaged in all ways or of another version."""
    with open(os.path.join(kept.clean, "state.db"), "rb") as f:
        good = f.read()
    for what, data in damages(good, 1):
        print(what)
        kept.restore(kept.clean)
        kept.write("state.db", data)
        kept.refused(MOVE)
    # What the message says does help.
    os.rename(kept.path("state.db"), kept.path("state.db.bad"))
    kept.asks_nothing()
    version = sqlite3.connect(kept.path("state.db")).execute(
        "PRAGMA user_version").fetchone()[0]
    for other, words in (version + 1, "install that version again"), \
            (0, MOVE):
        kept.restore(kept.clean)
        with sqlite3.connect(kept.path("state.db")) as db:
            db.execute("PRAGMA user_version = %d" % other)
        db.close()
        kept.refused(words)


def test_log_of_the_database(kept):
    """What a crash left in state.db-wal, damaged: what is whole of it counts,
    and live/ says the rest."""
    with open(os.path.join(kept.crashed, "state.db-wal"), "rb") as f:
        good = f.read()
    assert len(good) > 8192
    for what, data in damages(good, 2):
        print(what)
        kept.restore(kept.crashed)
        os.unlink(kept.path("state.db-shm"))
        kept.write("state.db-wal", data)
        kept.asks_nothing()


@pytest.mark.parametrize("how", ["removed", "empty"])
def test_database_is_lost(kept, how):
    """Made anew from live/ and the configuration: told, not ordered; and the
    account is the same at the next renewal."""
    kept.restore(kept.clean)
    if how == "removed":
        os.unlink(kept.path("state.db"))
    else:
        os.truncate(kept.path("state.db"), 0)
    before = kept.a.serial(NAME)
    kept.asks_nothing()
    told = re.findall("state.db was not there.*", kept.a.log())
    assert len(told) == 1 and "1 certificate is" in told[0], told
    assert "_acme-challenge" in told[0]
    kept.asks_nothing()
    assert kept.a.log().count("state.db was not there") == 1
    kept.a.start()
    assert kept.a.ctl("renew-now", NAME).returncode == 0
    assert kept.a.serial(NAME) != before
    assert len(kept.ca.accounts) == 1
    kept.a.stop()


def test_account_key_is_lost(kept):
    """With state.db, and without it: a new account, and only when there is
    something to order."""
    for state in True, False:
        kept.restore(kept.clean)
        folder = kept.path("accounts")
        for f in os.listdir(folder):
            os.unlink(os.path.join(folder, f))
        if not state:
            os.unlink(kept.path("state.db"))
        n = len(kept.ca.accounts)
        kept.asks_nothing()
        kept.a.start()
        assert kept.a.ctl("renew-now", NAME).returncode == 0
        kept.a.stop()
        assert len(kept.ca.accounts) == n + 1


def test_account_key_is_damaged(kept):
    """Never overwritten: it may be mended from a backup."""
    folder = kept.path("accounts")
    key = "accounts/" + os.listdir(folder)[0]
    with open(kept.path(key), "rb") as f:
        good = f.read()
    for what, data in damages(good, 3):
        if what.startswith("without"):
            continue                # only the line's end
        print(what)
        kept.restore(kept.clean)
        kept.write(key, data)
        kept.a.start()
        # Not only when it is renewed.
        for told in ("status", NAME), ("check", "--no-probe", NAME), \
                ("check-status",):
            p = kept.a.ctl(*told)
            words = " ".join(p.stdout.split())
            assert key in words, words
            assert "remove it and a new account is registered" in words
            assert p.returncode or told[0] == "status", words
        assert "account \"lab\" cannot be used: " in kept.a.log()
        p = kept.a.ctl("renew-now", NAME)
        assert p.returncode == 1 and key in p.stdout, p.stdout
        assert "remove it and a new account" in p.stdout, p.stdout
        with open(kept.path(key), "rb") as f:
            assert f.read() == data
        assert os.path.exists(kept.a.live(NAME))
        kept.a.stop()
    assert kept.ca.count()["newOrder"] == kept.orders


@pytest.mark.parametrize("name", ["cert.pem", "chain.pem", "fullchain.pem"])
def test_installed_files(kept, name):
    """One file of live/: made whole from the others, not ordered."""
    live = os.path.relpath(os.path.realpath(kept.a.live(NAME, name)),
                           kept.a.state_dir)
    with open(kept.path(live), "rb") as f:
        good = f.read()
    for what, data in damages(good, 4):
        if what.startswith("without"):
            continue
        print(what)
        kept.restore(kept.clean)
        kept.write(live, data)
        kept.asks_nothing()
        with open(kept.a.live(NAME, name), "rb") as f:
            assert f.read() == good
        # What was found is still there.
        with open(kept.path(live), "rb") as f:
            assert f.read() == data


@pytest.mark.parametrize("where", [
    None, "../archive/%s/nothing" % NAME, NAME, "/etc", "../archive/" + NAME],
    ids=["removed", "nowhere", "loop", "outside", "archive"])
def test_link_of_live(kept, where):
    """It leads to no version: it is linked again to the one in archive/, and
    what it led to stays as it is."""
    live = kept.a.live(NAME, "").rstrip("/")
    before = os.readlink(live)
    os.unlink(live)
    if where:
        os.symlink(where, live)
    kept.asks_nothing()
    assert os.readlink(live) == before
    assert "linked again" in kept.a.log()


def test_rows_of_the_journal(kept):
    """Rows that no acmed has written: of what is journalled, and of the
    certificate.  They are no reason to end, or to order."""
    dice = random.Random(5)
    with sqlite3.connect(os.path.join(kept.clean, "state.db")) as db:
        columns = {t: [(c[1], c[2]) for c in db.execute(
            "PRAGMA table_info(%s)" % t)] for t in (
                "cert", "txt", "http", "hold", "account", "pair", "deploy",
                "receipt", "wave", "budget", "missing", "watch",
                "revocation", "cloud", "alarm", "notice", "event")}
    for table, fields in columns.items():
        kept.restore(kept.clean)
        with sqlite3.connect(kept.path("state.db")) as db:
            for i in range(6):
                row = [dice.choice([-1, 0, 1, 1 << 62]) if kind == "INTEGER"
                       else dice.choice(["", "x" * 5000, "../../etc",
                                         "\x1b[2J\u202e", '{"', "%s%n"])
                       for _, kind in fields]
                if i == 5:      # as nothing has it that was written
                    row = [0 if kind == "INTEGER" else ""
                           for _, kind in fields]
                db.execute("INSERT OR REPLACE INTO %s VALUES (%s)" % (
                    table, ",".join("?" * len(row))), row)
        db.close()
        kept.asks_nothing()
        assert "\x1b" not in kept.a.log()
