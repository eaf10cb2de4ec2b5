# SPDX-License-Identifier: MIT
"""The blocks of README.md and of what is in doc/, for the tests that type
them."""

import os
import re
import textwrap

TOP = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))


def read(name):
    with open(os.path.join(TOP, name)) as f:
        return f.read()


def section(name, heading):
    """What stands below this heading, to the next of its kind."""
    parts = read(name).split("\n## %s\n" % heading)
    assert len(parts) == 2, (name, heading)
    return parts[1].split("\n## ")[0]


def blocks_of(text):
    """Its indented blocks, with the indent gone."""
    found = re.findall(r"(?:^    .*\n(?:^\n(?=    ))*)+", text, re.M)
    return [textwrap.dedent(b) for b in found]


def blocks(name, heading):
    return blocks_of(section(name, heading))


def block(name, heading, word):
    """The one block there that has this word."""
    found = [b for b in blocks(name, heading) if word in b]
    assert len(found) == 1, (name, heading, word, found)
    return found[0]


def commands(text):
    """The lines to be typed; what is continued is one."""
    return [re.sub(r"\s+#.*", "", line).strip() for line in
            text.replace("\\\n", "").splitlines() if line.strip()]
