/* SPDX-License-Identifier: MIT */
/*
 * responder_sock - datagrams of the built-in responder.  An answer leaves
 * from the address that the query came to, whatever the routes say.
 */
#ifndef DAEMON_DNS_RESPONDER_SOCK_H
#define DAEMON_DNS_RESPONDER_SOCK_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>

struct error;

/* Where a datagram came from, and to. */
struct responder_peer {
	union {
		struct sockaddr	 sa;
		struct sockaddr_storage ss;
	} from;
	socklen_t	 from_len;
	_Alignas(struct cmsghdr) char control[
			    CMSG_SPACE(sizeof(struct in_pktinfo)) +
			    CMSG_SPACE(sizeof(struct in6_pktinfo))];
	size_t		 control_len;
};

/* Bound, and listening if is_tcp; not blocking.  shares: with those of ours
 * that share their port now.  ERR_CONFIG "builtin:listen". */
int	responder_sock_open(const struct sockaddr *, socklen_t, bool is_tcp,
	    bool shares, const char *text, int *fd, struct error *);
/* Does it, with those that are opened now?  Others' sockets are not shared
 * with: the kernel wants that of both. */
void	responder_sock_share(int fd, bool is_on);
/* Ask for the addresses that datagrams come to; also of a passed socket. */
void	responder_sock_prepare(int fd, int family);
/* As recvmsg(2); 0 for one that is too long or from nowhere. */
ssize_t	responder_sock_recv(int fd, void *buf, size_t size,
	    struct responder_peer *);
/* What cannot be sent is lost, as datagrams are. */
void	responder_sock_send(int fd, const void *buf, size_t len,
	    struct responder_peer *);

#endif
