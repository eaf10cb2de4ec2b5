# SPDX-License-Identifier: MIT
"""A headless Chromium, driven over its DevTools pipe."""

import base64
import fcntl
import json
import os
import select
import shutil
import subprocess
import tempfile
import time

from . import proc

PROGRAM = next(filter(None, map(shutil.which, (
    "chromium-headless-shell", "chromium", "google-chrome"))), None)


class Browser:
    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="acmed-browser.")
        theirs, self.to = os.pipe()
        self.back, ours = os.pipe()
        self.proc = subprocess.Popen(
            [PROGRAM, "--headless", "--no-sandbox", "--disable-gpu",
             "--disable-dev-shm-usage", "--no-first-run",
             "--disable-background-networking", "--hide-scrollbars",
             "--remote-debugging-pipe", "--user-data-dir=" + self.folder,
             "about:blank"], close_fds=False,
            preexec_fn=lambda: self.take(theirs, ours),
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.close(theirs)
        os.close(ours)
        self.buf, self.id, self.events, self.session = b"", 0, [], None
        target = self.call("Target.createTarget", url="about:blank")
        self.session = self.call(
            "Target.attachToTarget", targetId=target["targetId"],
            flatten=True)["sessionId"]
        for domain in "Page", "Runtime", "Log", "Network":
            self.call(domain + ".enable")

    @staticmethod
    def take(read, write):
        """In the child: they become its descriptors 3 and 4."""
        high = [fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, 10)
                for fd in (read, write)]
        os.dup2(high[0], 3)
        os.dup2(high[1], 4)

    def end(self):
        os.close(self.to)
        os.close(self.back)
        self.proc.kill()
        self.proc.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def message(self, timeout):
        end = time.monotonic() + timeout
        while b"\0" not in self.buf:
            if not select.select([self.back], [], [],
                                 max(0, end - time.monotonic()))[0]:
                raise proc.LabError("the browser does not answer")
            data = os.read(self.back, 1 << 20)
            if not data:
                raise proc.LabError("the browser has ended")
            self.buf += data
        text, self.buf = self.buf.split(b"\0", 1)
        return json.loads(text)

    def call(self, method, timeout=60, **params):
        self.id += 1
        ask = {"id": self.id, "method": method, "params": params}
        if self.session:
            ask["sessionId"] = self.session
        data = json.dumps(ask).encode() + b"\0"
        while data:
            data = data[os.write(self.to, data):]
        while True:
            m = self.message(timeout)
            if m.get("id") == self.id:
                if "error" in m:
                    raise proc.LabError("%s: %s" % (method, m["error"]))
                return m["result"]
            self.events.append(m)

    def look(self, width=1280, dark=False, lang="en", script=True):
        self.call("Emulation.setDeviceMetricsOverride", width=width,
                  height=900, deviceScaleFactor=1, mobile=width < 600)
        self.call("Emulation.setEmulatedMedia", features=[{
            "name": "prefers-color-scheme",
            "value": "dark" if dark else "light"}])
        self.call("Emulation.setScriptExecutionDisabled", value=not script)
        self.call("Network.setExtraHTTPHeaders",
                  headers={"Accept-Language": lang})

    def open(self, url, timeout=60):
        """Load it, to the end; what was told of the page before is gone."""
        self.events = []
        self.call("Page.navigate", url=url)
        end = time.monotonic() + timeout
        while not any(e.get("method") == "Page.loadEventFired"
                      for e in self.events):
            self.events.append(self.message(end - time.monotonic()))

    def value(self, expression):
        r = self.call("Runtime.evaluate", expression=expression,
                      returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in r:
            raise proc.LabError("%s: %s" % (expression, r))
        return r["result"].get("value")

    def complaints(self):
        """Errors of scripts, and of the Content-Security-Policy."""
        self.value("1")
        return [e for e in self.events
                if e.get("method") == "Runtime.exceptionThrown" or
                (e.get("method") == "Log.entryAdded" and
                 e["params"]["entry"]["level"] == "error")]

    def requests(self):
        """The URLs that were asked for."""
        self.value("1")
        return [e["params"]["request"]["url"] for e in self.events
                if e.get("method") == "Network.requestWillBeSent"]

    def content_size(self):
        size = self.call("Page.getLayoutMetrics")["cssContentSize"]
        return size["width"], size["height"]

    def screenshot(self, path, height=None):
        clip = None
        if height is not None:
            width = self.content_size()[0]
            clip = {"x": 0, "y": 0, "width": width, "height": height,
                    "scale": 1}
        params = {"clip": clip} if clip else {}
        data = self.call("Page.captureScreenshot", format="png",
                         captureBeyondViewport=True, **params)["data"]
        with open(path, "wb") as f:
            f.write(base64.b64decode(data))
