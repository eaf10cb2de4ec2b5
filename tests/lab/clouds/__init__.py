# SPDX-License-Identifier: MIT
"""Stateful fakes of cloud products, modules by vendor; see base.py.

Every module lists its classes in CLOUDS; all_clouds() collects them.
"""

import importlib
import pkgutil


def all_clouds():
    found = []
    for info in pkgutil.iter_modules(__path__):
        module = importlib.import_module(__name__ + "." + info.name)
        found += getattr(module, "CLOUDS", [])
    return sorted(found, key=lambda c: c.label())
