#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""sbom.py DEB: an SPDX 2.3 document of what the package is made of.

From the packages' own metadata: DEB's Depends, and what these depend on, as
installed on the machine that built it.  The same package gives the same
document: its time is the one in the package.
"""

import hashlib
import json
import os
import re
import subprocess
import sys
import time

FIELDS = ("Package", "Version", "Architecture", "Maintainer", "Homepage",
          "source:Package", "Pre-Depends", "Depends", "Provides")


def output(*argv):
    return subprocess.run(argv, check=True, text=True,
                          stdout=subprocess.PIPE).stdout


def installed():
    """{name: fields} of this machine, with what is provided."""
    form = "\x1f".join("${%s}" % f for f in FIELDS)
    rows = {}
    for line in output("dpkg-query", "-W", "-f",
                       "${db:Status-Status}\x1f" + form + "\x1e"
                       ).split("\x1e"):
        status, *values = line.split("\x1f")
        if status == "installed":
            row = dict(zip(FIELDS, values))
            rows[row["Package"]] = row
    for row in list(rows.values()):
        for name in names(row["Provides"]):
            rows.setdefault(name, row)
    return rows


def names(depends):
    """All alternatives of a Depends line, without versions."""
    return re.findall(r"(?:^|[,|])\s*([a-z0-9][a-z0-9+.-]+)", depends or "")


def closure(start, rows):
    found, todo = {}, names(start)
    while todo:
        row = rows.get(todo.pop())
        if row and row["Package"] not in found:
            found[row["Package"]] = row
            todo += names(row["Pre-Depends"]) + names(row["Depends"])
    return [found[name] for name in sorted(found)]


def made_at(deb):
    """When the package says that it was made, in its ar header."""
    with open(deb, "rb") as f:
        return int(f.read(8 + 28)[8 + 16:])


def ref(name):
    return "SPDXRef-" + re.sub(r"[^A-Za-z0-9.-]", "-", name)


def package(row, **more):
    return dict({
        "SPDXID": ref(row["Package"]), "name": row["Package"],
        "versionInfo": row["Version"],
        "supplier": "Organization: Debian",
        "downloadLocation": "NOASSERTION", "filesAnalyzed": False,
        "licenseConcluded": "NOASSERTION", "licenseDeclared": "NOASSERTION",
        "copyrightText": "NOASSERTION",
        "homepage": row["Homepage"] or "NOASSERTION",
        "externalRefs": [{
            "referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl",
            "referenceLocator": "pkg:deb/debian/%s@%s?arch=%s" % (
                row["Package"], row["Version"], row["Architecture"])}],
    }, **more)


def main(deb):
    fields = ("Package", "Version", "Architecture", "Homepage", "Depends")
    own = dict.fromkeys(fields, "")
    for line in output("dpkg-deb", "-f", deb, *fields).splitlines():
        key, _, value = line.partition(": ")
        own[key] = value
    with open(deb, "rb") as f:
        digest = hashlib.sha256(f.read()).hexdigest()
    needed = closure(own["Depends"], installed())
    json.dump({
        "spdxVersion": "SPDX-2.3", "dataLicense": "CC0-1.0",
        "SPDXID": "SPDXRef-DOCUMENT",
        "name": "%s %s" % (own["Package"], own["Version"]),
        "documentNamespace": "https://spdx.org/spdxdocs/acmed-" + digest,
        "creationInfo": {
            "created": time.strftime("%Y-%m-%dT%H:%M:%SZ",
                                     time.gmtime(made_at(deb))),
            "creators": ["Tool: acmed-sbom"]},
        "packages": [package(
            own, supplier="Organization: acmed", licenseDeclared="MIT",
            packageFileName=os.path.basename(deb),
            checksums=[{"algorithm": "SHA256", "checksumValue": digest}])] +
        [package(row) for row in needed],
        "relationships": [{
            "spdxElementId": "SPDXRef-DOCUMENT",
            "relationshipType": "DESCRIBES",
            "relatedSpdxElement": ref(own["Package"])}] + [{
                "spdxElementId": ref(own["Package"]),
                "relationshipType": "DEPENDS_ON",
                "relatedSpdxElement": ref(row["Package"])} for row in needed],
    }, sys.stdout, indent=1)
    print()


if __name__ == "__main__":
    main(sys.argv[1])
