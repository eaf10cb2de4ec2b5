# SPDX-License-Identifier: MIT
"""A short make check-soak."""

import os
import sys

import pytest

from lab import proc

SOAK = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(
    __file__))), "soak", "soak.py")


def test_some_weeks():
    """Everything goes wrong once; no certificate expires that could have been
    renewed, and nothing is left behind."""
    if os.environ.get("LAB_WRAP"):
        pytest.skip("the clock's library and %s" % os.environ["LAB_WRAP"])
    p = proc.run([sys.executable, "-B", SOAK, "--certs", "8", "--days", "28",
                  "--seed", "6", "--verbose"], check=False, timeout=300)
    print(p.stdout)
    if p.returncode == 77:
        pytest.skip(p.stdout.strip())
    assert p.returncode == 0
