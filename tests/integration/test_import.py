# SPDX-License-Identifier: MIT
"""acmectl import: directories that other clients made before Pebble."""

import base64
import datetime
import glob
import json
import os
import pty
import re
import shutil
import sqlite3
import time

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization

from lab import clients, proc


def files_of(root):
    """{path: content or link, mode} of all below: nothing may change."""
    found = {}
    for folder, dirs, files in os.walk(root):
        for name in dirs + files:
            path = os.path.join(folder, name)
            st = os.lstat(path)
            found[path] = (st.st_mode, st.st_mtime_ns, os.readlink(path)
                           if os.path.islink(path) else
                           open(path, "rb").read()
                           if os.path.isfile(path) else None)
    return found


def live(acmed, name, what="fullchain"):
    with open("%s/live/%s/%s.pem" % (acmed.state_dir, name, what)) as f:
        return f.read()


@pytest.fixture
def bench(make, lab):
    """An acmed with conf.d/, and the CA that the other client used."""
    pebble = lab.pebble(always_valid=True, nonce_reject=0)
    acmed = make(always_valid=True, nonce_reject=0)
    acmed.pebble = pebble
    os.makedirs(os.path.join(acmed.folder, "conf.d"))

    def start():
        acmed.write_conf(acmed.text() + 'include("conf.d/*.conf")\n')
        return acmed.start(write=False)
    acmed.begin = start
    return acmed


def conf_d(acmed):
    folder = os.path.join(acmed.folder, "conf.d")
    return {f: open(os.path.join(folder, f)).read()
            for f in sorted(os.listdir(folder))}


@pytest.fixture
def certbot(bench, lab):
    why = clients.Certbot.missing()
    if why:
        pytest.skip(why)
    return clients.Certbot(bench.folder, bench.pebble, lab.tls.ca)


def test_certbot_forty(bench, certbot, tmp_path):
    """Forty in one go: the same account, nothing issued, then renewed."""
    root = tmp_path / "www"
    root.mkdir()
    names = ["n%02d.example.test" % i for i in range(40)]
    certbot.certonly([
        ["--webroot", "-w", str(root), "-d", n, "-d", "www." + n]
        for n in names[:8]])
    # Each takes certbot half a second: the others are copies of lineages.
    for i in range(8, 40):
        certbot.clone(names[i % 8], names[i])
    before, kept = bench.pebble.issued(), files_of(certbot.dir)
    registered = bench.pebble.count("/sign-me-up")
    bench.begin()
    p = bench.ctl("import", "certbot", certbot.dir)
    assert p.returncode == 0 and "40 certificates to import, 0 not" in \
        p.stdout and "nothing was changed" in p.stdout, p.stdout
    assert conf_d(bench) == {}
    p = bench.ctl("import", "certbot", certbot.dir, "--yes")
    assert p.returncode == 0, p.stdout
    assert files_of(certbot.dir) == kept
    for n in names:
        s = bench.cert_status(n)
        assert s["state"] == "valid" and s["next"]["action"] == "renew", s
        for what in "fullchain", "privkey", "chain", "cert":
            assert live(bench, n, what).split() == open(
                "%s/live/%s/%s.pem" % (certbot.dir, n, what)).read().split()
    text = conf_d(bench)["n00.example.test.conf"]
    assert 'webroot = "%s"' % root in text
    assert bench.pebble.issued() == before
    # All of it is there after a restart, and again nothing is ordered.
    bench.stop()
    bench.start(write=False)
    assert all(bench.cert_status(n)["state"] == "valid" for n in names)
    assert bench.pebble.issued() == before
    # Renewed by the same account: no other was registered.
    p = bench.ctl("renew-now", names[0], timeout=120)
    assert p.returncode == 0 and bench.pebble.issued() == before + 1, p.stdout
    assert bench.pebble.count("/sign-me-up") == registered
    # A second time there is nothing left to do, also of the renewed one.
    p = bench.ctl("import", "certbot", certbot.dir, "--yes")
    assert p.returncode == 0 and "0 certificates to import, 0 not" in \
        p.stdout and "has renewed it since" in p.stdout, p.stdout


SECRET = "s3cr3t-that-nobody-may-see"


def test_certbot_kinds(bench, certbot, tmp_path):
    """What each plugin and option of certbot becomes."""
    ini = tmp_path / "dns.ini"
    ini.write_text("""# of all plugins
dns_cloudflare_api_token = %s
dns_ovh_endpoint = ovh-ca
dns_ovh_application_key = ak
dns_ovh_application_secret = as
dns_ovh_consumer_key = ck
dns_rfc2136_server = 127.0.1.5
dns_rfc2136_name = key.example.
dns_rfc2136_secret = c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0Cg==
dns_rfc2136_algorithm = HMAC-SHA256
""" % SECRET)
    ini.chmod(0o600)
    hook = tmp_path / "hook"
    hook.write_text("#!/bin/sh\nexit 0\n")
    hook.chmod(0o755)
    certbot.certonly([["--webroot", "-w", str(tmp_path), "-d",
                       "a.example.test", "-d", "b.example.test",
                       "--key-type", "rsa", "--rsa-key-size", "2048"]])

    def lineage(name, params, extra=""):
        certbot.clone("a.example.test", name, params, extra)

    def dns(plugin):
        return "authenticator = dns-%s\ndns_%s_credentials = %s\n" % (
            plugin, plugin.replace("-", "_"), ini)

    lineage("cf", dns("cloudflare") + "reuse_key = True\n"
            "preferred_chain = ISRG Root X1\nrenew_hook = systemctl reload "
            "nginx && service postfix reload\n",
            "renew_before_expiry = 20 days\n")
    lineage("cf2", dns("cloudflare") + "renew_hook = cp \"$RENEWED_LINEAGE"
            "\"/* /srv\n")
    lineage("ovh", dns("ovh") + "preferred_profile = tlsserver\n")
    lineage("bind", dns("rfc2136") + "installer = nginx\n"
            "required_profile = shortlived\n")
    lineage("linode", dns("linode"))
    lineage("odd", "authenticator = dns-unheard\n")
    lineage("manual", "authenticator = manual\npref_challs = dns-01,\n"
            "manual_auth_hook = %s\nmanual_cleanup_hook = %s\n"
            % (hook, hook))
    lineage("hand", "authenticator = manual\n")
    lineage("nginx", "authenticator = nginx\ninstaller = nginx\n")
    lineage("alone", "authenticator = standalone\npre_hook = systemctl "
            "stop nginx\n")
    lineage("roots", "authenticator = webroot\nwebroot_path = /srv/a, "
            "/srv/b\n[[webroot_map]]\na.example.test = /srv/a\n"
            "b.example.test = /srv/b\n")
    with open(os.path.join(certbot.dir, "renewal", "torn.conf"), "w") as f:
        f.write("[renewalparams\n")
    for d in "deploy", "pre":
        shutil.copy(str(hook), os.path.join(certbot.dir, "renewal-hooks", d,
                                            "mine"))
    kept = files_of(certbot.dir)
    bench.begin()
    p = bench.ctl("--json", "import", "certbot", certbot.dir, "--dry-run")
    assert p.returncode == 0 and conf_d(bench) == {}, p.stdout
    plan = json.loads(p.stdout)
    left = {c["name"]: c["skipped"] for c in plan["certificates"]
            if c["skipped"]}
    assert sorted(left) == ["hand", "linode", "odd", "torn"], left
    assert "--provider" in left["odd"] and "key" in left["linode"]
    assert "line 1" in left["torn"] and "a person" in left["hand"]
    assert SECRET not in p.stdout and "c2VjcmV0" not in p.stdout
    notes = "".join(n["about"] + n["text"] for n in plan["notes"])
    assert "systemctl stop nginx" in notes and "/pre/mine" in notes
    assert "location /.well-known/acme-challenge/" in notes
    # For real.  What could not be mapped stays with certbot.
    p = bench.ctl("import", "certbot", certbot.dir, "--yes", "--switch")
    assert p.returncode == 1 and "stays enabled" in p.stdout, p.stdout
    assert SECRET not in p.stdout and SECRET not in bench.log()
    assert files_of(certbot.dir) == kept
    text = conf_d(bench)
    shared = text.pop("import-certbot.conf")
    assert sorted(text) == sorted(n + ".conf" for n in (
        "a.example.test", "alone", "bind", "cf", "cf2", "manual", "nginx",
        "ovh", "roots"))
    assert SECRET not in shared + "".join(text.values())
    assert shared.count("provider \"cloudflare\"") == 1
    secret = re.search(r'api_token_file = "(.*)"', shared).group(1)
    assert open(secret).read().strip() == SECRET
    assert os.stat(secret).st_mode & 0o77 == 0
    for words in ('endpoint = "ovh-ca"', 'key_algorithm = "hmac-sha256"',
                  'mode = "certbot"', 'http_listen = "systemd"'):
        assert words in shared, words
    for name, words in {
            "a.example.test": ['key = "rsa2048"', 'challenge = "http-01"'],
            "cf": ['provider = "cloudflare"', "reuse_key = true",
                   'preferred_chain = "ISRG Root X1"',
                   'renew_before = "1728000s"',
                   'reload = { "nginx.service", "postfix.service" }'],
            "cf2": ['start = "acmed-hook@cf2.service"'],
            "ovh": ['provider = "ovh"', 'profile = "tlsserver"'],
            "bind": ['profile = "shortlived"', "profile_required = true",
                     'provider = "rfc2136"', 'reload = { "nginx.service" }'],
            "manual": ['provider = "exec"'],
            "nginx": ['webroot = "/var/www/acmed"'],
            "alone": ['challenge = "http-01"'],
            "roots": ['name "b.example.test" {\n\t\twebroot = "/srv/b"'],
            }.items():
        for w in words:
            assert w in text[name + ".conf"], (name, w, text[name + ".conf"])
    hooks = os.path.join(bench.folder, "root-hooks.d")
    assert sorted(os.listdir(hooks)) == ["certbot-cf2", "certbot-mine"]
    assert "cp \"$RENEWED_LINEAGE\"/* /srv" in open(
        hooks + "/certbot-cf2").read()
    # The names of an unknown plugin, with a provider that acmed has.
    p = bench.ctl("import", "certbot", certbot.dir, "--yes", "--provider",
                  "dns")
    text = conf_d(bench)
    for name in "odd", "linode", "hand":
        assert 'provider = "dns"' in text[name + ".conf"], p.stdout


def test_lego(bench, lab, tmp_path):
    why = clients.Lego.missing()
    if why:
        pytest.skip(why)
    lego = clients.Lego(bench.folder, bench.pebble, lab.tls.ca)
    lego.obtain(str(tmp_path), ["a.example.test", "b.example.test"])
    kept, before = files_of(lego.dir), bench.pebble.issued()
    registered = bench.pebble.count("/sign-me-up")
    bench.begin()
    # It keeps neither how names are proved nor the CA's directory.
    p = bench.ctl("import", "lego", lego.dir, "--dry-run")
    assert p.returncode == 1 and "--dns NAME" in p.stdout and \
        "--directory URL" in p.stdout, p.stdout
    env = tmp_path / "env"
    env.write_text("export CF_DNS_API_TOKEN='%s'\n" % SECRET)
    env.chmod(0o600)
    args = ["import", "lego", lego.dir, "--directory",
            bench.pebble.directory, "--dns", "cloudflare", "--env-file",
            str(env)]
    p = bench.ctl(*args)
    assert p.returncode == 0 and "dns-01 by cloudflare" in p.stdout and \
        SECRET not in p.stdout, p.stdout
    p = bench.ctl("import", "lego", lego.dir, "--yes", "--directory",
                  bench.pebble.directory, "--webroot", str(tmp_path))
    assert p.returncode == 0, p.stdout
    assert files_of(lego.dir) == kept
    assert bench.cert_status("a.example.test")["state"] == "valid"
    assert live(bench, "a.example.test").split() == open(
        lego.dir + "/certificates/a.example.test.crt").read().split()
    assert bench.pebble.issued() == before
    p = bench.ctl("renew-now", "a.example.test", timeout=120)
    assert p.returncode == 0 and bench.pebble.issued() == before + 1, p.stdout
    assert bench.pebble.count("/sign-me-up") == registered


def test_acmesh(bench, make, tmp_path):
    """A directory as acme.sh 3.1 writes it, with what acmed issued before."""
    other = make(always_valid=True, nonce_reject=0)
    other.providers = {}
    for name in "a.example.test", "w.example.test":
        entry = other.cert(name, [name, "x." + name], challenge="http-01",
                           webroot=str(tmp_path))
        del entry["provider"]
    other.start()
    for name in other.certs:
        other.wait_valid(name, 60)
    kid = sqlite3.connect(other.state_dir + "/state.db").execute(
        "SELECT kid FROM account").fetchone()[0]
    home = tmp_path / "acme.sh"

    def write(path, text):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(0o600)

    write(home / "account.conf", """
LOG_FILE="$HOME/x.log"
USER_PATH='/usr/bin:/bin'
SAVED_CF_Token='%s'
SAVED_DP_Id='1'
SAVED_DP_Key='dpkey'
SAVED_Ali_Key='LTAI'
SAVED_Ali_Secret='"'"'
""" % SECRET)
    write(home / "ca" / "localhost" / "dir" / "ca.conf",
          "CA_EMAIL='a@example.test'\nACCOUNT_URL='%s'\n" % kid)
    key = glob.glob(other.state_dir + "/accounts/*.key")[0]
    write(home / "ca" / "localhost" / "dir" / "account.key",
          open(key).read())
    other.end()

    def domain(name, real, text):
        folder = home / name
        stem = name.replace("_ecc", "")
        write(folder / (stem + ".conf"), "Le_Domain='%s'\nLe_API='%s'\n%s"
              % (stem, bench.pebble.directory, text))
        write(folder / (stem + ".key"), live(other, real, "privkey"))
        write(folder / "fullchain.cer", live(other, real))

    b64 = base64.b64encode(b"systemctl restart haproxy").decode()
    domain("a.example.test_ecc", "a.example.test", """Le_Alt='x.a.example.test'
Le_Webroot='%s'
Le_ReloadCmd='__ACME_BASE64__START_%s__ACME_BASE64__END_'
Le_RealKeyPath='%s/k.pem'
Le_RealFullChainPath='%s/f.pem'
""" % (tmp_path, b64, bench.folder, bench.folder))
    domain("a.example.test", "a.example.test", "Le_Alt='no'\n"
           "Le_Webroot='dns_dp'\nLe_ForceNewDomainKey='1'\n"
           "Le_ChallengeAlias='acme.other.test'\n")
    domain("*.w.example.test_ecc", "w.example.test", "Le_Alt='x.w.example."
           "test'\nLe_Webroot='dns_cf,%s'\n" % tmp_path)
    domain("hand.example.test", "a.example.test", "Le_Alt='no'\n"
           "Le_Webroot='dns'\n")
    domain("ali.example.test", "a.example.test", "Le_Alt='no'\n"
           "Le_Webroot='dns_ali'\n")
    kept, before = files_of(str(home)), bench.pebble.issued()
    registered = bench.pebble.count("/sign-me-up")
    bench.begin()
    p = bench.ctl("import", "acme.sh", str(home), "--yes")
    assert p.returncode == 1 and "3 certificates to import, 2 not" in \
        p.stdout and "Ali_Secret" in p.stdout, p.stdout
    assert SECRET not in p.stdout and "dpkey" not in p.stdout
    assert files_of(str(home)) == kept and bench.pebble.issued() == before
    text = conf_d(bench)
    assert sorted(text) == ["a.example.test-rsa.conf", "a.example.test.conf",
                            "import-acme.sh.conf", "w.example.test.conf"]
    both = "".join(text.values())
    for words in ('install "%s/k.pem"' % bench.folder, "reuse_key = true",
                  'restart = { "haproxy.service" }', 'type = "dnspod"',
                  'challenge_alias = "_acme-challenge.acme.other.test"',
                  'name "x.w.example.test" {\n\t\tchallenge = "http-01"\n'
                  '\t\twebroot = "%s"' % tmp_path):
        assert words in both, (words, both)
    token = re.search(r'login_token_file = "(.*)"', both).group(1)
    assert open(token).read().strip() == "1,dpkey"
    p = bench.ctl("renew-now", "a.example.test", timeout=120)
    assert bench.pebble.issued() == before + 1, p.stdout
    assert bench.pebble.count("/sign-me-up") == registered
    # Without those that cannot be mapped: the line of the crontab goes.
    for name in "hand.example.test", "ali.example.test":
        shutil.rmtree(home / name)
    table = tmp_path / "crontab.root"
    line = '7 0 * * * "%s"/acme.sh --cron --home "%s" > /dev/null\n' % (
        home, home)
    # Another installation's stays, and what crontab says is no line of it.
    rest = ("# acme.sh --cron, once\n5 5 * * * /usr/bin/true\n" +
            line.replace(str(home), str(home) + "2"))
    table.write_text(rest + line)
    write(tmp_path / "bin" / "crontab", "#!/bin/sh\n[ \"$1 $2\" = '-u root' "
          "] || exit 1\nif [ \"$3\" = -l ]; then echo oops >&2; cat %s; "
          "else cat \"$3\" >%s; fi\n" % (table, table))
    (tmp_path / "bin" / "crontab").chmod(0o755)
    p = bench.ctl("import", "acme.sh", str(home), "--yes", "--switch",
                  env=dict(os.environ, PATH="%s/bin:%s" % (
                      tmp_path, os.environ["PATH"])))
    assert p.returncode == 0 and table.read_text() == rest, p.stdout
    assert line in p.stdout and "crontab -u root -e" in p.stdout


def test_ask_and_switch(bench, lab, certbot, tmp_path):
    """On a terminal it asks; --switch ends the timer that it found."""
    certbot.certonly([["--webroot", "-w", str(tmp_path), "-d",
                       "a.example.test"]])
    bench.begin()
    bin = tmp_path / "bin"
    bin.mkdir()
    said = tmp_path / "said"
    (bin / "systemctl").write_text("#!/bin/sh\necho \"$@\" >>%s\n" % said)
    (bin / "systemctl").chmod(0o755)
    env = dict(os.environ, PATH="%s:%s" % (bin, os.environ["PATH"]))

    def on_terminal(answer):
        master, slave = pty.openpty()
        os.write(master, answer)
        try:
            return bench.ctl("import", "certbot", certbot.dir, "--switch",
                             stdin=slave, stderr=slave, env=env)
        finally:
            os.close(slave)
            os.close(master)
    p = on_terminal(b"\n")
    assert p.returncode == 0 and conf_d(bench) == {} and not said.exists()
    p = on_terminal(b"y\n")
    assert p.returncode == 0 and "Imported 1 certificate;" in p.stdout
    assert bench.cert_status("a.example.test")["state"] == "valid"
    if os.path.exists("/lib/systemd/system/certbot.timer"):
        assert said.read_text() == "disable --now certbot.timer\n"
        assert "systemctl enable --now certbot.timer" in p.stdout, p.stdout
        # Also later, when all is imported.
        said.unlink()
        p = on_terminal(b"y\n")
        assert p.returncode == 0, p.stdout
        assert said.read_text() == "disable --now certbot.timer\n"
    # Another key under the same name is refused, and stays refused.
    shutil.rmtree(certbot.dir)
    time.sleep(1.1)         # newer than ours, by its dates
    certbot.certonly([["--webroot", "-w", str(tmp_path), "-d",
                       "a.example.test"]])
    p = bench.ctl("import", "certbot", certbot.dir, "--yes")
    assert p.returncode == 1 and "another certificate" in p.stdout, p.stdout


def test_only_root(bench, tmp_path):
    """Keys are taken from root and the daemon's user, not from the group."""
    group = tmp_path / "group"
    group.write_text(re.sub(r"^acmed:.*\n", "", open("/etc/group").read(),
                            flags=re.M) + "acmed:x:64999:\n")
    # The mounts are this process's own.
    proc.run(["mount", "--bind", str(group), "/etc/group"])
    try:
        bench.begin()
    finally:
        proc.run(["umount", "/etc/group"])
    os.chmod(bench.folder, 0o755)
    code = ("import http.client, os, socket, sys\n"
            "os.setgroups([64999]); os.setgid(65534); os.setuid(65534)\n"
            "s = socket.socket(socket.AF_UNIX); s.connect(sys.argv[1])\n"
            "c = http.client.HTTPConnection('x'); c.sock = s\n"
            "c.request(sys.argv[2], sys.argv[3], '{}')\n"
            "r = c.getresponse(); print(r.status, r.read().decode())\n")

    def status(method, path):
        return proc.run(["python3", "-c", code, bench.socket, method,
                         path]).stdout.split()[0]
    assert status("GET", "/v1/status") == "200"
    assert status("POST", "/v1/import/account") == "403"
    assert status("POST", "/v1/import/certificate") == "403"


def test_export(bench, lab, tmp_path):
    """PEM, PKCS#12, and a directory with which certbot goes on."""
    why = clients.Certbot.missing()
    if why:
        pytest.skip(why)
    bench.providers = {}
    entry = bench.cert("a.example.test", ["a.example.test", "b.example.test"],
                       challenge="http-01", webroot=str(tmp_path))
    del entry["provider"]
    bench.start()
    bench.wait_valid("a.example.test", 60)
    out = tmp_path / "pem"
    p = bench.ctl("export", "a.example.test", str(out))
    assert p.returncode == 0, p.stdout
    for what in "privkey", "cert", "chain", "fullchain":
        assert (out / (what + ".pem")).read_text() == live(
            bench, "a.example.test", what)
    assert (out / "privkey.pem").stat().st_mode & 0o77 == 0
    p = bench.ctl("export", "a.example.test", str(out))
    assert p.returncode == 1 and "File exists" in p.stdout, p.stdout
    # All or none: it can be said again when what was in the way is gone.
    (out / "fullchain.pem").rename(tmp_path / "kept.pem")
    shutil.rmtree(out)
    out.mkdir()
    (tmp_path / "kept.pem").rename(out / "fullchain.pem")
    p = bench.ctl("export", "a.example.test", str(out))
    assert p.returncode == 1 and os.listdir(out) == ["fullchain.pem"]
    password = tmp_path / "password"
    password.write_text(SECRET + "\n")
    password.chmod(0o600)
    p = bench.ctl("export", "a.example.test", str(out), "--format", "pkcs12",
                  "--password-file", str(password))
    assert p.returncode == 0 and SECRET not in bench.log(), p.stdout
    p = proc.run(["openssl", "pkcs12", "-in", str(out / "a.example.test.p12"),
                  "-passin", "file:%s" % password, "-nodes"])
    assert live(bench, "a.example.test", "privkey").split() == p.stdout[
        p.stdout.index("-----BEGIN PRIVATE"):p.stdout.index(
            "-----END PRIVATE")].split() + "-----END PRIVATE KEY-----".split()
    certbot = clients.Certbot(bench.folder, bench.pebble, lab.tls.ca)
    in_the_way = certbot.dir + "/live/a.example.test/fullchain.pem"
    os.makedirs(in_the_way)
    to_certbot = ["export", "a.example.test", certbot.dir, "--format",
                  "certbot"]
    p = bench.ctl(*to_certbot)
    assert p.returncode == 1 and in_the_way in p.stdout, p.stdout
    assert os.listdir(certbot.dir + "/archive/a.example.test") == []
    os.rmdir(in_the_way)
    p = bench.ctl(*to_certbot)
    assert p.returncode == 0, p.stdout
    registered = bench.pebble.count("/sign-me-up")
    issued = bench.pebble.issued()
    said = certbot.run([["certificates"], ["renew", "--force-renewal"]],
                       server=False)
    assert "Certificate Name: a.example.test" in said and "VALID" in said
    assert bench.pebble.issued() == issued + 1, said
    assert bench.pebble.count("/sign-me-up") == registered
    assert os.path.exists(certbot.dir + "/archive/a.example.test/cert2.pem")


def registered(bench):
    """How many accounts the CA has."""
    return len(re.findall(r"There are now \d+ accounts", bench.pebble.proc.log()))


def taken_over(bench, client, program, name, *args):
    """Imported as it is, nothing issued; then renewed by the same account."""
    kept, before = files_of(client.dir), bench.pebble.issued()
    accounts = registered(bench)
    bench.begin()
    p = bench.ctl("import", program, client.dir, "--yes", *args)
    assert p.returncode == 0, p.stdout
    assert files_of(client.dir) == kept and bench.pebble.issued() == before
    s = bench.cert_status(name)
    assert s["state"] == "valid" and s["next"]["action"] == "renew", s
    p = bench.ctl("renew-now", name, timeout=120)
    assert p.returncode == 0 and bench.pebble.issued() == before + 1, p.stdout
    assert registered(bench) == accounts
    return conf_d(bench)[name + ".conf"]


def test_dehydrated(bench, lab, tmp_path):
    why = clients.Dehydrated.missing()
    if why:
        pytest.skip(why)
    d = clients.Dehydrated(bench.folder, bench.pebble, lab.tls.ca,
                           str(tmp_path))
    d.obtain(["a.example.test", "b.example.test"])
    text = taken_over(bench, d, "dehydrated", "a.example.test")
    for words in ('webroot = "%s"' % tmp_path, 'renew_before = "2160000s"',
                  'names = { "a.example.test", "b.example.test" }'):
        assert words in text, text


def test_uacme(bench, lab, tmp_path):
    why = clients.Uacme.missing()
    if why:
        pytest.skip(why)
    u = clients.Uacme(bench.folder, bench.pebble, lab.tls.ca)
    u.obtain(["a.example.test"])
    text = taken_over(bench, u, "uacme", "a.example.test", "--directory",
                      bench.pebble.directory, "--webroot", str(tmp_path))
    assert "reuse_key = true" in text


def test_caddy(bench, lab, tmp_path):
    why = clients.Caddy.missing()
    if why:
        pytest.skip(why)
    c = clients.Caddy(bench.folder, bench.pebble, lab.tls.ca)
    c.obtain("a.example.test")
    text = taken_over(bench, c, "caddy", "a.example.test", "--webroot",
                      str(tmp_path), "--directory", bench.pebble.directory)
    assert 'names = { "a.example.test" }' in text


def test_refused(bench, tmp_path):
    """What is not one key with its chain is not taken, whoever hands it."""
    bench.providers = {}
    entry = bench.cert("a.example.test", challenge="http-01",
                       webroot=str(tmp_path))
    del entry["provider"]
    bench.start()
    bench.wait_valid("a.example.test", 60)
    key, chain = (live(bench, "a.example.test", w)
                  for w in ("privkey", "fullchain"))

    def openssl(*args):
        return proc.run(["openssl", *args]).stdout
    other = openssl("genpkey", "-algorithm", "EC", "-pkeyopt",
                    "ec_paramgen_curve:P-256")
    signer = serialization.load_pem_private_key(other.encode(), None)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "x")])
    then = datetime.datetime(2020, 1, 1)
    expired = x509.CertificateBuilder(
        name, name, signer.public_key(), 1, then,
        then + datetime.timedelta(90), [x509.Extension(
            x509.SubjectAlternativeName.oid, False,
            x509.SubjectAlternativeName([x509.DNSName("x.test")]))]).sign(
                signer, hashes.SHA256()).public_bytes(
                    serialization.Encoding.PEM).decode()

    def post(what, body):
        code, reply = bench.get("/v1/import/" + what, "POST",
                                json.dumps(body))
        assert key.split("\n")[1] not in json.dumps(reply)
        return code, reply["error"]["code"] if "error" in reply else reply
    for name, k, c in (("b", other, chain), ("b", key, "no chain"),
                       ("b", "no key", chain), ("../b", key, chain),
                       ("b", key, chain[:len(chain) // 3]),
                       ("", key, chain)):
        code, why = post("certificate", {"name": name, "key": k, "chain": c})
        assert code in (409, 500) and isinstance(why, str), (code, why)
    assert post("certificate", {"name": "b", "key": other,
                                "chain": expired}) == (409, "cert:expired")
    assert not os.path.lexists(bench.state_dir + "/live/b")
    # The same certificate again, and another one of the same name.
    args = {"name": "a.example.test", "key": key, "chain": chain}
    assert post("certificate", args)[1]["state"] == "same"
    assert post("certificate", dict(args, name="b"))[1]["state"] == "new"
    assert live(bench, "b") == chain
    url = "https://ca.example/dir"
    ed = openssl("genpkey", "-algorithm", "ED25519")
    for a, why in (({"account": "x", "directory": url, "key": ed},
                    "import:key"),
                   ({"account": "x", "directory": url, "key": {"kty": "RSA"}},
                    "key:syntax"),
                   ({"account": "x", "directory": "/etc", "key": other},
                    "import:request"),
                   ({"account": "x", "directory": url, "key": other,
                     "kid": "https://x/\n"}, "import:request")):
        assert post("account", a) == (409, why)
    assert post("account", {"account": "x", "directory": url,
                            "key": other})[1]["state"] == "new"
    assert post("account", {"account": "x", "directory": url,
                            "key": other})[1]["state"] == "same"
    assert post("account", {"account": "x", "directory": url,
                            "key": key}) == (409, "import:exists")
