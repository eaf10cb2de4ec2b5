# SPDX-License-Identifier: MIT
"""A sample of make check-fault, other calls each time."""

import os
import sys

import pytest

import conftest
from lab import proc

FAULT = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(
    __file__))), "fault")


def sweep(*args, script="sweep.py"):
    if os.environ.get("LAB_WRAP"):
        pytest.skip("strace and %s" % os.environ["LAB_WRAP"])
    p = proc.run([sys.executable, "-B", os.path.join(FAULT, script)]
                 + list(args), check=False, timeout=300,
                 env=dict(os.environ, LAB_PEBBLE=conftest.pebble_binary))
    print(p.stdout)
    if p.returncode == 77:
        pytest.skip(p.stdout.strip())
    assert p.returncode == 0


def test_sample():
    """One call of each kind dies or fails, and all is well afterwards."""
    sweep("--what", "renewal", "--sample", "1")


@pytest.mark.parametrize("fault", ["KILL", "EIO"])
def test_first(fault):
    """The same where there is neither account nor certificate yet."""
    sweep("--what", "first", "--sample", "1", "--fault", fault)


def test_power():
    """What no sync has made durable is lost."""
    sweep("--sample", "2", "--fault", "power+KILL")


def test_hostile_ca():
    """A fifth of what a CA may do: told, bounded, and over afterwards."""
    sweep("--quick", "--brief", script="hostile.py")


def test_full_disk():
    """Full before the order, at the journal, at finalize, at install."""
    sweep("--only", "disk")
