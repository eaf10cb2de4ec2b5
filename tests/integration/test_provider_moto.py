# SPDX-License-Identifier: MIT
"""route53 against moto, which others wrote; lab/moto.sh installs it."""

import json
import os
import subprocess
import sys

import pytest

from lab import daemon, proc

pytestmark = pytest.mark.no_lab

FQDN = "_acme-challenge.www.example.test"
A, B = "A" * 43, "B" * 43
FOREIGN = ['"foreign & <odd>"', '"two" "strings"']
KEYS = {"access_key_id": "AKIAMOTO", "secret_access_key": "moto"}


@pytest.fixture
def aws(monkeypatch):
    """(address of moto, a client of boto3's)"""
    for name in list(os.environ):
        if name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    script = os.path.join(os.path.dirname(proc.__file__), "moto.sh")
    # The network is gone here: it says where the folder is, or fails.
    p = proc.run([script], check=False, env=dict(
        os.environ, PIP_RETRIES="0", PIP_DEFAULT_TIMEOUT="1"))
    if p.returncode == 0:
        monkeypatch.syspath_prepend(p.stdout.strip())
    moto = pytest.importorskip("moto.server", reason="no moto, see "
                               "tests/lab/moto.sh: only the fake of Route "
                               "53 is tried")
    boto3 = pytest.importorskip("boto3")
    server = moto.ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    url = "http://127.0.0.1:%d" % server.get_host_and_port()[1]
    yield url, boto3.client(
        "route53", endpoint_url=url, region_name="us-east-1",
        aws_access_key_id="AKIAMOTO", aws_secret_access_key="moto")
    server.stop()


def test_life(aws, tmp_path):
    url, client = aws
    zone = client.create_hosted_zone(
        Name="example.test", CallerReference="1")["HostedZone"]["Id"]
    client.create_hosted_zone(Name="notexample.test", CallerReference="2")

    def values(name=FQDN):
        sets = client.list_resource_record_sets(HostedZoneId=zone)
        return [v["Value"] for r in sets["ResourceRecordSets"]
                if (r["Name"], r["Type"]) == (name + ".", "TXT")
                for v in r["ResourceRecords"]]

    def put(name, contents):
        client.change_resource_record_sets(HostedZoneId=zone, ChangeBatch={
            "Changes": [{"Action": "UPSERT", "ResourceRecordSet": {
                "Name": name + ".", "Type": "TXT", "TTL": 300,
                "ResourceRecords": [{"Value": c} for c in contents]}}]})

    conf = tmp_path / "acmed.conf"
    conf.write_text('state_dir = "/nonexistent"\n' + daemon.section(
        "provider", "dns1", dict(KEYS, type="route53", base_url=url)))
    conf.chmod(0o600)

    def run(what, *contents):
        p = subprocess.run(
            [os.environ["PROVIDER_TOOL"], str(conf), "dns1", what, FQDN,
             *contents], capture_output=True, text=True, timeout=60,
            env=dict(os.environ, ACMED_TEST_FAST="1"))
        assert json.loads(p.stdout)["ok"], p.stdout + p.stderr

    put("x" + FQDN, ['"x"'])
    run("add", A, B)
    assert sorted(values()) == ['"%s"' % A, '"%s"' % B]
    run("add", A)
    run("remove", A)
    assert values() == ['"%s"' % B]
    run("remove", B)
    run("remove", B)
    assert values() == []
    put(FQDN, FOREIGN)
    run("add", A)
    assert values() == FOREIGN + ['"%s"' % A]
    run("remove", A)
    assert values() == FOREIGN
    assert values("x" + FQDN) == ['"x"']
