# SPDX-License-Identifier: MIT
"""The laboratory: real servers in a network namespace of their own.

Used by the integration tests, the benchmark and `./quickstart demo`.  Only
Python's standard library is needed here.

  proc    namespaces, child processes, waiting with a deadline
  ca      a throw-away CA for TLS, Pebble, and a proxy in front of it
  names   BIND and Knot, authoritative and recursive
  pdns    PowerDNS and its HTTP API
  web     nginx
  feed    from a fake vendor's API (vendors/) to real name servers
  daemon  acmed and acmectl
"""
