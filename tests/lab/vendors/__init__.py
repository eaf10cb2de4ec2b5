# SPDX-License-Identifier: MIT
"""Stateful fakes of DNS vendors' APIs, one module each; see base.py.

Every module lists its classes in VENDORS; all_vendors() collects them.
"""

import importlib
import pkgutil


def all_vendors():
    found = []
    for info in pkgutil.iter_modules(__path__):
        module = importlib.import_module(__name__ + "." + info.name)
        found += getattr(module, "VENDORS", [])
    return sorted(found, key=lambda c: c.label())
