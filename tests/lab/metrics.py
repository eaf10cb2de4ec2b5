# SPDX-License-Identifier: MIT
"""Prometheus' text format, read strictly."""

import re


def parse(text):
    """{name: {labels: value}}, strictly: Prometheus' exposition format 0.0.4,
    and what promtool check metrics asks for."""
    families, done, name = {}, set(), None
    assert text.endswith("\n")
    for line in text[:-1].split("\n"):
        if line.startswith("# HELP "):
            _, _, name, words = line.split(" ", 3)
            assert name not in done and words, line
            assert re.fullmatch("[a-z][a-z0-9_]*[a-z0-9]", name), line
            done.add(name)
            families[name] = None
        elif line.startswith("# TYPE "):
            _, _, typed, kind = line.split(" ")
            assert typed == name and families[name] is None, line
            assert kind in ("gauge", "counter", "histogram"), line
            assert (kind == "counter") == name.endswith("_total"), line
            families[name] = {}
        else:
            m = re.fullmatch(r'([a-z0-9_]+)((?:\{[a-z0-9]+="[^"\\]*"'
                             r'(?:,[a-z]+="[^"\\]*")*\})?) '
                             r'(-?[0-9]+(?:\.[0-9]+)?)', line)
            part = m and m[1][len(name):]
            assert m and m[1].startswith(name), (name, line)
            assert part in (("_bucket", "_sum", "_count")
                            if kind == "histogram" else ("",)), line
            assert part + m[2] not in families[name], line
            families[name][part + m[2]] = float(m[3])
    assert None not in families.values()
    return families


def histogram(all, family, labels):
    """Its count; the buckets must agree with it."""
    series = all[family]
    buckets = [n for key, n in series.items() if key.startswith("_bucket{")
               and labels in key]
    assert len(buckets) > 5 and buckets == sorted(buckets), series
    key = "{%s}" % labels if labels else ""
    assert series["_count" + key] == buckets[-1], series
    assert (series["_sum" + key] >= 0), series
    return buckets[-1]
