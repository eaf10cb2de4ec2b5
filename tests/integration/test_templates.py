# SPDX-License-Identifier: MIT
"""The templates of messages that are shipped, each before what its service
documents; and one of one's own."""

import http.server
import json
import os
import re
import shutil
import threading
import urllib.parse

import pytest

from lab import daemon, proc
from lab.documents import TOP, blocks, read

TEMPLATES = os.path.join(TOP, "templates")
# As the services look: path of `webhook`, secret, chat.
CHANNELS = {
    "bark": ("", "devicekey0123456789", None),
    "discord": ("/api/webhooks/12/discordt0ken?wait=true", None, None),
    "gotify": ("/gotify/", "gotifyt0ken", None),
    "matrix": ("", "matrixt0ken", "!room:example.test"),
    "mattermost": ("/hooks/mattermostt0ken", None, "town-square"),
    "opsgenie": ("/v2/alerts", "opsgenie-key-0123", None),
    "pagerduty": ("/v2/enqueue", "pagerduty-key-0123", None),
    "pushover": ("/1/messages.json", "pushovert0ken", "userkey"),
    "serverchan": ("/SCTsendkey0123.send", None, None),
    "teams": ("/workflows/teamst0ken?sig=teamssig", None, None),
}
# What a service answers: (status, body).
GOOD = {
    "bark": (200, {"code": 200, "message": "success"}),
    "discord": (200, {"id": "1"}), "gotify": (200, {"id": 5}),
    "matrix": (200, {"event_id": "$1"}), "mattermost": (200, "ok"),
    "opsgenie": (202, {"result": "Request will be processed"}),
    "pagerduty": (202, {"status": "success"}),
    "pushover": (200, {"status": 1, "request": "r"}),
    "serverchan": (200, {"code": 0, "message": ""}), "teams": (202, ""),
}
BAD = {
    "bark": (200, {"code": 400, "message": "device key is not registered"},
             "it answers code = 400: device key is not registered"),
    "discord": (404, {"message": "Unknown Webhook", "code": 10015},
                "HTTP 404: Unknown Webhook"),
    "gotify": (401, {"error": "Unauthorized", "errorDescription": "no token"},
               "HTTP 401"),
    "matrix": (403, {"errcode": "M_FORBIDDEN", "error": "not in room"},
               "HTTP 403: not in room"),
    "pushover": (400, {"status": 0, "errors": ["application token is "
                                               "invalid"]}, "HTTP 400"),
    "serverchan": (200, {"code": 40001, "message": "sendkey wrong"},
                   "it answers code = 40001: sendkey wrong"),
    "teams": (502, "", "HTTP 502"),
}


class Services(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        name = self.path.split("/")[1]
        path = self.path[len(name) + 1:]
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.got[name] = (self.command, path, self.headers, body)
        status, said = self.server.says[name][:2]
        out = said if isinstance(said, str) else json.dumps(said)
        self.send_response(status)
        self.send_header("Content-Length", str(len(out)))
        self.end_headers()
        self.wfile.write(out.encode())

    do_PUT = do_POST

    def log_message(self, *args):
        pass


@pytest.fixture
def services():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Services)
    server.got, server.says = {}, dict(GOOD, mine=(200, ""),
                                     chat=(200, {"ok": True}))
    server.url = "http://127.0.0.1:%d/" % server.server_address[1]
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()


def check_sent(got, subject):
    def j(name):
        return json.loads(got[name][3])

    def form(name):
        return dict(urllib.parse.parse_qsl(got[name][3].decode()))
    assert {n: got[n][0] for n in CHANNELS} == {
        n: "PUT" if n == "matrix" else "POST" for n in CHANNELS}
    assert got["bark"][1] == "/push" and \
        j("bark")["device_key"] == "devicekey0123456789" and \
        j("bark")["title"] == subject and j("bark")["level"] == "active"
    assert got["discord"][1] == CHANNELS["discord"][0] and \
        subject in j("discord")["content"] and \
        j("discord")["allowed_mentions"] == {"parse": []}
    assert got["gotify"][1] == "/gotify/message" and \
        got["gotify"][2]["X-Gotify-Key"] == "gotifyt0ken" and \
        j("gotify")["priority"] == 3
    assert re.match(r"^/_matrix/client/v3/rooms/%21room%3Aexample.test/send/"
                    r"m.room.message/[^/]+$", got["matrix"][1]) and \
        got["matrix"][2]["Authorization"] == "Bearer matrixt0ken" and \
        j("matrix")["msgtype"] == "m.text"
    assert subject in j("mattermost")["text"] and \
        j("mattermost")["channel"] == "town-square"
    assert got["opsgenie"][2]["Authorization"] == \
        "GenieKey opsgenie-key-0123" and j("opsgenie")["priority"] == "P5" \
        and len(j("opsgenie")["message"]) <= 130 and \
        j("opsgenie")["tags"] == ["acmed", "test"]
    p = j("pagerduty")
    assert p["routing_key"] == "pagerduty-key-0123" and \
        p["event_action"] == "trigger" and p["dedup_key"] and \
        p["payload"]["severity"] == "info" and p["payload"]["source"] and \
        p["payload"]["summary"] == subject
    p = form("pushover")
    assert (p["token"], p["user"], p["priority"]) == (
        "pushovert0ken", "userkey", "-1") and len(p["message"]) <= 1024
    assert got["serverchan"][1] == "/SCTsendkey0123.send" and \
        len(form("serverchan")["title"]) <= 32 and \
        subject in form("serverchan")["desp"]
    card = j("teams")["attachments"][0]
    assert card["contentType"] == "application/vnd.microsoft.card.adaptive" \
        and card["content"]["body"][0]["text"] == subject and \
        card["content"]["$schema"] and card["contentUrl"] is None


def test_templates(make, services):
    """Each message arrives as the service wants it; a refusal is told in its
    words; no address and no secret is in the log.  An own file goes first."""
    acmed = make()
    folder = os.path.join(acmed.folder, "templates")
    os.makedirs(folder)
    shipped = sorted(n for n in os.listdir(TEMPLATES) if n.endswith(".conf"))
    assert shipped == sorted(n + ".conf" for n in CHANNELS)
    assert re.findall(r"templates/(.*\.conf)", open(os.path.join(
        TEMPLATES, "Makefile.inc")).read()) == shipped
    for n in shipped:
        shutil.copy(os.path.join(TEMPLATES, n), folder)
    with open(os.path.join(folder, "mine.conf"), "w") as f:
        f.write('title = "Mine"\nbase = "${webhook}"\nvalue "all" { of = '
                '"<${subject|xml}> ${level} ${event} ${what}" }\n'
                'request "send" { path = "/${event}" type = "a/b" '
                'text = "${all}" }\n')
    for name, (path, secret, chat) in CHANNELS.items():
        acmed.notifies[name] = {
            "webhook": services.url + name + path, "template": name,
            "secret": secret, "chat": chat}
    chat, = blocks("doc/writing-a-recipe.md", "Messages")
    with open(os.path.join(folder, "chat.conf"), "w") as f:
        f.write(chat)
    acmed.notifies["chat"] = {"webhook": services.url + "chat",
                              "template": "chat", "secret": "chatt0ken"}
    acmed.notifies["mine"] = {"webhook": services.url + "mine/x?k=minet0ken",
                              "template": "mine"}
    acmed.start()
    p = acmed.ctl("notify-test")
    assert p.returncode == 0, p.stdout
    got = services.got
    subject = json.loads(got["bark"][3])["title"]
    check_sent(got, subject)
    assert got["mine"][1:2] + (got["mine"][3],) == (
        "/x/test?k=minet0ken", ("<%s> notice test test" % subject).encode())
    assert got["chat"][1] == "/rooms/ops/messages" and \
        got["chat"][2]["Authorization"] == "Bearer chatt0ken" and \
        json.loads(got["chat"][3])["color"] == "gray"
    services.says.update(BAD)
    p = acmed.ctl("notify-test")
    assert p.returncode == 1
    for name, (_, _, words) in BAD.items():
        line = re.search("^.*%s: FAILED: (.*)" % name, p.stdout, re.M)
        assert line and words in line.group(1), (name, p.stdout)
    acmed.stop()
    log = acmed.log() + p.stdout
    for path, secret, _ in CHANNELS.values():
        for word in re.findall(r"\w*(?:t0ken|sig$|sendkey)\w*", path) + \
                ([secret] if secret else []):
            assert word not in log
    assert "minet0ken" not in log and "chatt0ken" not in log
    text = read("doc/writing-a-recipe.md").split("## Messages")[1]
    words = re.findall(r'\.name = "([a-z0-9_]+)"', re.search(
        r"recipe_words_message\[\] = \{(.*?)^\}",
        read("daemon/config/recipe.c"), re.M | re.S).group(1))
    assert len(words) > 8
    assert [w for w in words if "`%s`" % w not in text] == []


def test_wants(make):
    """What a template wants, and what is none."""
    acmed = make()
    folder = os.path.join(acmed.folder, "templates")
    os.makedirs(folder)
    shutil.copy(os.path.join(TEMPLATES, "pushover.conf"), folder)
    shutil.copy(os.path.join(TEMPLATES, "discord.conf"), folder)
    acmed.notifies.update({
        "a": {"webhook": "https://h/x", "template": "pushover"},
        "b": {"webhook": "https://h/x", "template": "discord",
              "secret": "s3cret"},
        "c": {"webhook": "https://h/x", "template": "discrod"}})
    acmed.write_conf()
    p = proc.run([daemon.program("ACMED", "acmed"), "-t", "-c", acmed.conf],
                 check=False)
    for words in ('notify "a": secret is missing (token of the application)',
                  'notify "a": chat is missing (key of the user or the group)',
                  'notify "b": the template discord has no secret',
                  'did you mean "discord"?'):
        assert words in p.stdout, p.stdout
    p = proc.run([daemon.program("ACMED", "acmed"), "-c", acmed.conf,
                  "--list-templates"])
    assert re.findall(r"^(\S+)", p.stdout, re.M) == ["discord", "pushover"]
