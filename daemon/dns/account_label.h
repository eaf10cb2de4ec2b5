/* SPDX-License-Identifier: MIT */
/*
 * account_label - where the TXT record of a name's challenge is: of dns-01, or
 * of dns-account-01, whose label is made of the account, so that several
 * accounts (hosts, CAs) prove one name without each other's CNAMEs
 * (draft-ietf-acme-dns-account-label, as Pebble has it).
 */
#ifndef DAEMON_DNS_ACCOUNT_LABEL_H
#define DAEMON_DNS_ACCOUNT_LABEL_H

#include "common/names.h"

struct conf_name;

/* "_ujmmovf2vn55tgye._acme-challenge." and a name */
#define CHALLENGE_FQDN_SIZE (DNAME_SIZE + 40)

/* kid: the account's URL; NULL: it has none yet, and dns-01's name is told. */
void	challenge_fqdn(const struct conf_name *, const char *kid,
	    char out[CHALLENGE_FQDN_SIZE]);

#endif
