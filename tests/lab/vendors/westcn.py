# SPDX-License-Identifier: MIT
"""West.cn: HTTP 200 and GBK for everything, a token for each request."""

import hashlib
import json
import time

from .base import Answer, Record, Vendor, reply

USER, PASSWORD = "acmed", "westApiPassword!7"


class Westcn(Vendor):
    NAME = "westcn"
    CHARSET = "gbk"
    HAS_SUBZONE = True
    AUTH_WORDS = "身份验证失败"

    def options(self):
        return {"base_url": self.url + "/api/v2", "username": USER,
                "password": PASSWORD}

    def bad_options(self):
        return dict(self.options(), password="westWrongPassword")

    def new_id(self):
        return int(super().new_id())

    def is_write(self, req):
        return not req.arg("act", "").startswith("get")

    def zones(self):
        """More than one page of them."""
        return ["filler%d.cn" % i for i in range(150)] + self.zone_list

    def gbk(self, body):
        return reply(200, json.dumps(body, ensure_ascii=False).encode("gbk"),
                     {"Content-Type": "application/json; charset=gb2312"})

    def ok(self, data=None):
        body = {"result": 200, "clientid": "2026", "msg": "成功"}
        return self.gbk(body if data is None else dict(body, data=data))

    def error(self, code, msg):
        return self.gbk({"result": 500, "clientid": "2026", "msg": msg,
                         "errcode": code})

    def clock_error(self):
        return self.error(10000, "time error")

    def fail_with(self, code, msg):
        raise Answer(200, self.error(code, msg)[2])

    def handle(self, req):
        self.check(req.method == "POST" and req.path == "/api/v2/domain/",
                   "%s %s", req.method, req.path)
        form = req.form()
        want = hashlib.md5((USER + PASSWORD + form["time"]).encode())
        self.check(abs(time.time() * 1000 - int(form["time"])) < 300000,
                   "time %s", form["time"])
        if (form["username"], form["token"]) != (USER, want.hexdigest()):
            return self.error(10000, self.AUTH_WORDS)
        return getattr(self, "do_" + req.arg("act"))(form)

    def page(self, form, found):
        limit, page = int(form["limit"]), int(form["pageno"])
        return self.ok({"items": found[(page - 1) * limit:page * limit],
                        "total": len(found), "limit": limit, "pageno": page})

    def do_getdomains(self, form):
        return self.page(form, [{"domain": z, "regdate": "2026-01-01"}
                                for z in self.zones()])

    def zone_in(self, form):
        if form["domain"] not in self.zones():
            self.fail_with(10004, "域名不存在")
        return form["domain"]

    def do_getdnsrecord(self, form):
        zone = self.zone_in(form)
        return self.page(form, [
            {"id": r.id, "item": self.item(r), "value": r.value,
             "type": r.type, "level": 10, "ttl": r.ttl, "line": "默认"}
            for r in self.records if r.zone == zone
            and form["host"] in self.item(r)])

    def item(self, r):
        return r.name[:-len(r.zone)].rstrip(".") or "@"

    def do_adddnsrecord(self, form):
        zone, host = self.zone_in(form), form["host"]
        name = zone if host == "@" else host + "." + zone
        if not 60 <= int(form["ttl"]) <= 86400:
            self.fail_with(10006, "TTL值错误")
        if form["value"] in self.values(name):
            self.fail_with(10005, "解析记录已存在")
        r = Record(name, form["type"], form["value"], int(form["ttl"]),
                   self.new_id(), zone)
        self.records.append(r)
        return self.ok({"id": r.id})

    def do_deldnsrecord(self, form):
        r = self.by_id(form["id"])
        if r is None or r.zone != self.zone_in(form):
            self.fail_with(10005, "解析记录不存在")
        self.records.remove(r)
        return self.ok()


VENDORS = [Westcn]
