/* SPDX-License-Identifier: MIT */
/* conf_etcd - how an etcd cluster is reached.  Part of conf.h. */
#ifndef DAEMON_CONFIG_CONF_ETCD_H
#define DAEMON_CONFIG_CONF_ETCD_H

struct conf_etcd {
	char		**members;	/* "https://HOST:2379", no final "/";
					   NULL-terminated, at least one */
	char		*user, *password_file;	/* NULL: none */
	char		*ca_file;	/* NULL: the system's trust */
	char		*cert_file, *key_file;	/* who we are; NULL: nobody */
};

#endif
