# SPDX-License-Identifier: MIT
"""A disk that is full from some moment on until there is room again, one that
takes only half of each write, and one that loses its power."""

import os
import re
import shutil

from lab import proc

# When it is full: just before the CA is sent such a request.
MOMENTS = ["directory", "newOrder", "authz", "finalize", "cert"]
SIZE = 4 << 20
IMAGE_SIZE = 24 << 20


def fill(path):
    """Not one byte is left."""
    with open(path, "ab", 0) as f:
        for size in 65536, 512, 1:
            try:
                while True:
                    f.write(b"x" * size)
            except OSError:
                pass


def full(worker, result, moment, dies):
    """Full at that moment; with dies, acmed is killed then and starts on the
    full disk.  Then there is room.  Returns how many orders may be made."""
    a = worker.acmed
    filler = os.path.join(a.state_dir, "filler")

    def before(request):
        if request.kind == moment and not result.is_met:
            result.is_met = True
            fill(filler)
    worker.proxy.before = before
    worker.start_again()
    allowed = 1
    a.wait("a failure, or the end", worker.is_over, 60)
    why = (a.cert_status(worker.zone)["error"] or {}).get("msg")
    if why and not re.search("No space left|disk is full", why):
        result.problems.append("told as: " + why)
    worker.proxy.before = lambda request: None
    orders = worker.proxy.count("newOrder")
    if moment == "directory" and orders != 0:
        result.problems.append("ordered without room for the outcome")
    if dies:
        a.kill()
        allowed = worker.orders_allowed()
        worker.start_again()
        a.wait("an answer", a.answers)
    os.unlink(filler)
    return allowed


def mount(path):
    os.makedirs(path, 0o700, exist_ok=True)
    proc.run(["mount", "-t", "tmpfs", "-o", "size=%d,mode=0700" % SIZE,
              "tmpfs", path])


def unmount(path):
    proc.run(["umount", "-l", path], check=False)


# --- power ---

def make_image(image, path):
    """An empty ext4 in a file, mounted at path.  Writes nothing back by
    itself: what no sync has made durable is in memory only."""
    with open(image, "wb") as f:
        f.truncate(IMAGE_SIZE)
    proc.run(["mkfs.ext4", "-q", "-F", "-m", "0", image])
    mount_image(image, path)
    os.rmdir(os.path.join(path, "lost+found"))
    os.chmod(path, 0o700)


def mount_image(image, path):
    os.makedirs(path, 0o700, exist_ok=True)
    proc.run(["mount", "-o", "loop,commit=600", image, path])


def cut(image, path):
    """The power fails, and comes back: what was in memory is gone, and the
    file system reads its journal."""
    proc.run(["cp", "--sparse=always", image, image + ".cut"])
    unmount(path)
    os.rename(image + ".cut", image)
    mount_image(image, path)


def why_no_power(folder):
    """Why none can be cut here, or None: what a sync has made durable has to
    stay, and nothing else."""
    path = os.path.join(folder, "image")
    try:
        make_image(path + ".img", path)
        for name in "durable", "not":
            with open(os.path.join(path, name), "w") as f:
                f.write(name)
                f.flush()
                if name == "durable":
                    os.fsync(f.fileno())
        cut(path + ".img", path)
        left = os.listdir(path)
    except (OSError, proc.LabError) as e:
        return str(e).strip()
    unmount(path)
    os.unlink(path + ".img")
    return None if left == ["durable"] else "left after a cut: %s" % left


def short_library(folder):
    """Path of short.c as a library, or None where there is no compiler."""
    if not shutil.which("cc"):
        return None
    path = os.path.join(folder, "short.so")
    proc.run(["cc", "-O", "-shared", "-fPIC", "-o", path, os.path.join(
        os.path.dirname(os.path.abspath(__file__)), "short.c")])
    return path


def short(worker, result):
    """All writes and sends of a whole renewal are cut in half."""
    count = os.path.join(worker.acmed.folder, "short")
    worker.first(result, ["env", "LD_PRELOAD=" + worker.lab.short,
                          "SHORT_WRITES=" + count])
    with open(count) as f:
        result.is_met = max(map(int, f.read().split())) > 50
    os.unlink(count)
