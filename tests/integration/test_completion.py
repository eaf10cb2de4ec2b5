# SPDX-License-Identifier: MIT
"""The completions, in the shells that they are for."""

import json
import os
import shutil
import subprocess

import pytest

from lab import daemon, schema, screen

ETC = os.path.join(schema.TOP, "etc")

# What is asked for in place of compadd's matches is told to a file.
ZSH = """
fpath=(%(etc)s $fpath)
autoload -Uz compinit
compinit -u -D
zstyle ':completion:*' completer _complete
compadd() {
	local -a hits
	if [[ " $* " == *" "-[OAD]" "* ]]; then
		builtin compadd "$@"
		return
	fi
	builtin compadd -A hits "$@"
	print -rl -- $hits >>%(out)s
	builtin compadd "$@"
}
complete-and-tell() { zle complete-word; print END >>%(out)s; }
zle -N complete-and-tell
bindkey '^I' complete-and-tell
PROMPT=
print READY
"""


class Shell:
    def __init__(self, env, tmp):
        self.env, self.tmp = env, tmp

    def close(self):
        pass


class Bash(Shell):
    def complete(self, words):
        p = subprocess.run(
            ["bash", "-c", '. "$0"; COMP_WORDS=("$@"); '
             'COMP_CWORD=$(($# - 1)); _acmectl; '
             'printf "%s\\n" "${COMPREPLY[@]}"',
             os.path.join(ETC, "acmectl.bash"), "acmectl", *words],
            env=self.env, timeout=20, check=True, capture_output=True,
            text=True)
        return p.stdout.split()


class Fish(Shell):
    def complete(self, words):
        p = subprocess.run(
            ["fish", "--no-config", "-c", "source %s/acmectl.fish; "
             "complete -C %s" % (ETC, json.dumps(" ".join(
                 ["acmectl", *words])))],
            env=dict(self.env, HOME=str(self.tmp)), timeout=20, check=True,
            capture_output=True, text=True)
        return [line.split("\t")[0] for line in p.stdout.splitlines()]


class Zsh(Shell):
    """One for all: its line is emptied each time."""

    def __init__(self, env, tmp):
        super().__init__(env, tmp)
        self.out = tmp / "out"
        setup = tmp / "setup.zsh"
        setup.write_text(ZSH % {"etc": ETC, "out": self.out})
        self.screen = screen.Screen(["zsh", "-f", "-i"],
                                    env=dict(env, TERM="dumb"))
        self.screen.type(". %s\n" % setup)
        self.screen.wait_for("READY\\s*$")

    def close(self):
        self.screen.__exit__()

    def told(self):
        return self.out.read_text().split()

    def complete(self, words):
        self.out.write_text("")
        self.screen.type("\x15" + " ".join(["acmectl", *words]) + "\t")
        self.screen.until(lambda: "END" in self.told())
        return self.told()[:-1]


SHELLS = [Bash, Zsh, Fish]


@pytest.mark.parametrize("shell", SHELLS, ids=[s.__name__ for s in SHELLS])
def test_completion(acmed, request, tmp_path, shell):
    """Commands, options, and the names of what is configured, for each
    command that takes them."""
    name = shell.__name__.lower()
    if not shutil.which(name):
        pytest.skip("%s is not installed" % name)
    a, b = "a.example.test", "b.example.test"
    acmed.cert(a, deploy={"first": {"exec": ["/bin/true"]},
                          "second": {"exec": ["/bin/true"]}})
    acmed.cert(b)
    acmed.notifies["ops"] = {"exec": ["/bin/true"]}
    acmed.hosts["web-1"] = {"public_key": daemon.HOST_KEY}
    acmed.start()
    acmed.wait_valid(a)
    program = daemon.program("ACMECTL", "acmectl")
    (tmp_path / "bin").mkdir()
    os.symlink(program, tmp_path / "bin" / "acmectl")
    env = dict(os.environ, ACMED_SOCKET=acmed.socket, LC_ALL="C.UTF-8",
               PATH="%s/bin:%s" % (tmp_path, os.environ["PATH"]))

    def completed(*words):
        # What begins so: some shells tell all, and filter later.
        return sorted({w for w in there.complete(words) if
                       w.startswith(words[-1])})
    there = shell(env, tmp_path)
    request.addfinalizer(there.close)
    assert {"status", "renew-now", "notify-test"} <= set(completed(""))
    assert completed("ren") == ["rename", "renew-now"]
    assert completed("deploy", "") == [a, b]
    assert completed("deploy", a, "") == ["first", "second"]
    assert completed("deploy", a, "s") == ["second"]
    assert completed("notify-test", "") == ["ops"]
    for command in ("status", "check", "history", "show", "rollback",
                    "persist", "edit", "pause", "resume", "remove", "revoke",
                    "events", "export"):
        assert completed(command, "b") == [b], command
    assert completed("renew-now", a, "b") == [b]
    assert completed("account", "show", "") == ["lab"]
    assert "rollover" in completed("account", "")
    assert completed("add", "--account", "") == ["lab"]
    providers = completed("add", "--provider", "")
    assert {"dns", "cloudflare"} <= set(providers)
    assert completed("list", "targets", "b") == [b]
    assert completed("list", "") == ["accounts", "channels", "hosts",
                                     "providers", "targets"]
    assert completed("host", "") == ["add", "forget", "key", "list",
                                     "remove", "show"]
    assert completed("host", "show", "w") == ["web-1"]
    assert completed("providers", "cloudfl") == ["cloudflare"]
    assert "--watch" in completed("status", "--w")


def test_list(acmed):
    acmed.cert("a.example.test", deploy={
        "first": {"exec": ["/bin/true"]}, "second": {"exec": ["/bin/true"]}})
    acmed.start()
    acmed.wait_valid("a.example.test")
    for args, want in ((["targets", "a.example.test"], ["first", "second"]),
                       (["accounts"], ["lab"]), (["providers"], ["dns"])):
        assert json.loads(acmed.ctl("--json", "list", *args).stdout) == want
        assert acmed.ctl("list", *args).stdout.split() == want
    assert acmed.ctl("list", "targets", "none").returncode == 5
    assert acmed.ctl("list", "targets").returncode == 2
