#!/bin/sh
# SPDX-License-Identifier: MIT
# layers.sh SRCDIR: every file includes only what HACKING.md ("Layers", "One
# door per library") lets it, and no two include each other, by whatever way.
# Names what it finds; exit status 1 if any.
set -eu

cd "${1:-${srcdir:-.}}"
list=$(find clouds common ctl daemon providers -name '*.[ch]' | sort)

awk '
function bad(what) {
	print FILENAME ":" FNR ": " what
	failed = 1
}
# The folder that a path belongs to.
function folder(path) {
	sub(/\/[^\/]*$/, "", path)
	return path
}
function door(library, files) {
	doors[library] = "^(" files ")"
}
# What a file is a part of: a .c file and its header are one, and so are the
# files of a folder that share a private header.
function module(path) {
	sub(/\.[ch]$/, "", path)
	sub(/_priv$/, "", path)
	while (path in joined)
		path = joined[path]
	return path
}
function is_private(header) {
	return header ~ /_priv\.h$|\/priv\.h$/
}
function arrow(from, to,	a, b) {
	n_arrows++
	tail[n_arrows] = from
	head[n_arrows] = to
	place[n_arrows] = from ":" FNR ": " to
	if (is_private(to) && folder(from) == folder(to)) {
		a = module(from)
		b = module(to)
		if (a != b)
			joined[a] = b
	}
}
# Within a folder the rows say nothing, but there is an order, too: who reads
# one file must not have to know all of them.  An arrow that leads to where no
# other leaves, or leaves where no other leads to, is of no loop; without these
# more are such, until all that is left is loops and the ways between them.
function loops(	i, a, b, is_gone, leaves, enters, has_changed) {
	for (i = 1; i <= n_arrows; i++) {
		tail[i] = module(tail[i])
		head[i] = module(head[i])
		if (tail[i] == head[i])
			is_gone[i] = 1
	}
	do {
		split("", leaves)
		split("", enters)
		for (i = 1; i <= n_arrows; i++) {
			if (!(i in is_gone)) {
				leaves[tail[i]] = 1
				enters[head[i]] = 1
			}
		}
		has_changed = 0
		for (i = 1; i <= n_arrows; i++) {
			if (!(i in is_gone) && (!(head[i] in leaves) ||
			    !(tail[i] in enters)))
				has_changed = is_gone[i] = 1
		}
	} while (has_changed)
	for (i = 1; i <= n_arrows; i++) {
		if (i in is_gone)
			continue
		print place[i] ": a loop, it leads back to this file"
		failed = 1
	}
}
function rows(n, folders,	f, i) {
	for (i = split(folders, f); i > 0; i--)
		row["daemon/" f[i]] = n
}
BEGIN {
	row["common"] = 1
	row["daemon/io"] = 2
	row["daemon/config"] = row["daemon/store"] = 3
	row["daemon/rest"] = row["daemon/limits"] = 3.5
	row["daemon/recipes"] = 3.5
	row["daemon/etcd"] = 3.7
	rows(4, "acme dns http01 deploy publish notify")
	rows(5, "certs")
	rows(6, "accounts cleanup")
	rows(7, "rollout persist manage watches cluster")
	row["daemon/fleet"] = 7.5
	rows(8, "renewal preflight alerts")
	rows(9, "engine")
	rows(10, "control")
	rows(11, "status")
	row["daemon"] = 12

	# providers/ stands beside: what this says is meant for the daemon, and
	# what a step of a REST API is written with is meant for providers.
	faces["providers/provider.h"] = 3	# types and options
	faces["providers/credentials.h"] = 3
	faces["providers/option.h"] = 3
	faces["providers/keyless.h"] = 3.5
	faces["clouds/cloud.h"] = 3
	n = split("rest preq sign xml scheme_hmac scheme_jwt scheme_oauth scheme_v4", f)
	for (i = 1; i <= n; i++)
		pure["daemon/rest/" f[i] ".h"] = 1

	# What clouds/ shares with providers/.
	n = split("option credentials aliyun tencent aws azure " \
	    "cloudflare google huawei volc", f)
	for (i = 1; i <= n; i++)
		shared["providers/" f[i] ".h"] = 1

	# Providers that are no REST APIs run on the daemon itself.
	runs["providers/exec.c"] = runs["providers/builtin.c"] = 1
	runs["providers/rfc2136.c"] = 1

	# The types of keys go through the rooms and publish/ unopened.
	door("openssl/", "daemon/acme/|daemon/store/|daemon/io/tls|" \
	    "daemon/dns/tsig\\.|daemon/rest/sign\\.c")
	keys = "^(daemon/renewal/|daemon/cluster/|daemon/accounts/|daemon/preflight/|daemon/manage/|" \
	    "daemon/publish/fetch\\.|daemon/rollout/given\\.)"
	# acmectl has a client of its own; the programs begin and end curl.
	door("curl/", "daemon/io/http|daemon/io/smtp|daemon/main\\.c|" \
	    "ctl/client\\.c|ctl/main\\.c")
	door("event2/", "daemon/io/|daemon/control/|daemon/status/")
	door("sqlite3", "daemon/store/db\\.c")
	door("systemd/", "common/log\\.c|daemon/io/sd")
	door("ldns/", "daemon/dns/")
	door("idn2", "common/names\\.c")
	door("libpsl", "daemon/limits/domain\\.c")
	door("cmocka", "tests/")
}
FNR == 1 {
	here = folder(FILENAME)
	mine = row[here]
}
/^#include "/ {
	split($0, part, "\"")
	to = part[2]
	there = folder(to)
	if (to == "config.h")
		next
	if (to !~ /\//)
		bad(to ": named without its folder")
	else if (here ~ /^ctl(\/|$)/) {
		if (there !~ /^ctl(\/|$)/ && there != "common")
			bad(to ": acmectl shares common/ only")
	} else if (here == "providers") {
		if (there != "providers" && there != "common" &&
		    !(to in pure) && !(FILENAME in runs))
			bad(to ": providers see providers/, common/ and the " \
			    "requests of daemon/rest/ only")
	} else if (here == "clouds") {
		if (there != "clouds" && there != "common" &&
		    !(to in pure) && !(to in shared))
			bad(to ": clouds see clouds/, common/, what vendors " \
			    "share in providers/ and the requests of " \
			    "daemon/rest/ only")
	} else if (there == "providers" || there == "clouds") {
		if (!(to in faces) || mine < faces[to])
			bad(to ": not for this folder")
	} else if (!(there in row) || row[there] > mine) {
		bad(to ": a layer above")
	} else if (is_private(to) && there != here) {
		bad(to ": private to " there)
	}
	if (to ~ /\//)
		arrow(FILENAME, to)
}
/^#include </ {
	lib = $2
	gsub(/[<>]/, "", lib)
	for (name in doors) {
		if (index(lib, name) != 1 || FILENAME ~ doors[name])
			continue
		if (name == "openssl/" && FILENAME ~ keys &&
		    (lib == "openssl/evp.h" || lib == "openssl/types.h"))
			continue
		bad("<" lib ">: this library has another door")
	}
}
END {
	loops()
	exit failed
}
' $list
