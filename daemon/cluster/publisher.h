/* SPDX-License-Identifier: MIT */
/*
 * publisher - the key that signs what is published for hosts with keys of their
 * own (encrypt_to = hosts): one for all members that renew, or hosts would
 * believe one of them only.
 *
 *   PREFIX/state/publisher: {"key_file": its text (store/identity.h), "by":
 *   member}, sealed; made once, in a transaction that etcd refuses where it is.
 *
 * Each member keeps it in its state directory before it uses it, and works with
 * that while etcd is away.  One that has another there is told of it, and
 * publishes nothing for hosts until a person has chosen (store_publisher()
 * fails with "cluster:publisher").
 */
#ifndef DAEMON_CLUSTER_PUBLISHER_H
#define DAEMON_CLUSTER_PUBLISHER_H

struct conf;
struct etcd;
struct loop;
struct publisher;
struct store;

/* All are borrowed.  Nothing is done before publisher_apply(). */
struct publisher *publisher_new(struct loop *, struct etcd *, struct store *);
/* NULL is allowed. */
void		 publisher_free(struct publisher *);
/* The configuration in force, which is kept until the next. */
void		 publisher_apply(struct publisher *, const struct conf *);

#endif
