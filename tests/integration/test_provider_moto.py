# SPDX-License-Identifier: MIT
"""route53, and the cloud products of AWS, against moto, which others wrote;
lab/moto.sh installs it."""

import functools
import json
import os
import subprocess
import sys

import pytest

from lab import daemon, proc
from test_clouds import live, settled
from lab.clouds.base import sha256

FQDN = "_acme-challenge.www.example.test"
A, B = "A" * 43, "B" * 43
FOREIGN = ['"foreign & <odd>"', '"two" "strings"']
KEYS = {"access_key_id": "AKIAMOTO", "secret_access_key": "moto"}


@pytest.fixture
def aws(monkeypatch):
    """(address of moto, what makes a client of boto3's)"""
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
    yield url, functools.lru_cache(
        lambda name, region="us-east-1": boto3.client(
            name, endpoint_url=url, region_name=region,
            aws_access_key_id="AKIAMOTO", aws_secret_access_key="moto"))
    server.stop()


@pytest.mark.no_lab
def test_life(aws, tmp_path):
    url, make = aws
    client = make("route53")
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


def listener(make, port):
    """An HTTPS listener with another's certificate."""
    from moto.ec2.models import ec2_backends    # boto3's own is slow to load
    ec2 = ec2_backends["123456789012"]["eu-central-1"]
    nets = sorted(s.id for s in ec2.get_default_subnets().values())
    elb = make("elbv2", "eu-central-1")
    lb = elb.create_load_balancer(Name="web", Subnets=nets)["LoadBalancers"][0]
    other = make("acm", "eu-central-1").request_certificate(
        DomainName="other.test")["CertificateArn"]
    return other, elb.create_listener(
        LoadBalancerArn=lb["LoadBalancerArn"], Port=port, Protocol="HTTPS",
        Certificates=[{"CertificateArn": other}], DefaultActions=[{
            "Type": "fixed-response", "FixedResponseConfig": {
                "StatusCode": "404"}}])["Listeners"][0]["ListenerArn"]


def distribution(make):
    return make("cloudfront").create_distribution(DistributionConfig={
        "CallerReference": "1", "Comment": "a & b", "Enabled": True,
        "Aliases": {"Quantity": 1, "Items": ["www.example.test"]},
        "Origins": {"Quantity": 1, "Items": [{
            "Id": "o", "DomainName": "o.test", "CustomHeaders": {
                "Quantity": 1, "Items": [{"HeaderName": "X-Key",
                                          "HeaderValue": "<&>"}]},
            "CustomOriginConfig": {
                "HTTPPort": 80, "HTTPSPort": 443,
                "OriginProtocolPolicy": "https-only"}}]},
        "DefaultCacheBehavior": {
            "TargetOriginId": "o", "ViewerProtocolPolicy": "allow-all",
            "ForwardedValues": {"QueryString": False,
                                "Cookies": {"Forward": "none"}},
            "MinTTL": 0}})["Distribution"]["Id"]


def test_clouds(aws, acmed):
    """A listener and a distribution, at first and renewed under one ARN each."""
    url, make = aws
    other, arn = listener(make, 443)
    id = distribution(make)
    front, elb = make("cloudfront"), make("elbv2", "eu-central-1")

    def config():
        c = front.get_distribution_config(Id=id)["DistributionConfig"]
        return c.pop("ViewerCertificate"), c

    def content(region, arn):
        return sha256(make("acm", region).get_certificate(
            CertificateArn=arn)["Certificate"])

    before = config()[1]
    acmed.credentials["aws"] = dict(KEYS, type="aws")
    more = {"credentials": "aws", "base_url": url}
    name = "moto.example.test"
    acmed.cert(name, [name], deploy={
        "default": {"cloud": {"aws-elbv2": dict(
            more, region="eu-central-1", listener_arn=arn)}},
        "cdn": {"cloud": {"aws-cloudfront": dict(
            more, distribution_id=id)}}})
    acmed.start()
    serial = settled(acmed, name)["serial"]
    viewer, rest = config()
    assert rest == before
    bound = elb.describe_listeners(ListenerArns=[arn])["Listeners"][0][
        "Certificates"]
    assert len(bound) == 1 and bound[0]["CertificateArn"] != other

    def check():
        assert (viewer, rest) == config()
        assert content("eu-central-1", bound[0]["CertificateArn"]) == \
            content("us-east-1", viewer["ACMCertificateArn"]) == \
            live(acmed, name)
    check()
    assert viewer["SSLSupportMethod"] == "sni-only"
    assert acmed.ctl("renew-now", name).returncode == 0
    settled(acmed, name, serial)
    check()
