/* SPDX-License-Identifier: MIT */
#include "daemon/dns/responder_sock.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "common/error.h"

#define BACKLOG 128

static void
set_on(int fd, int level, int option)
{
	const int on = 1;

	(void)setsockopt(fd, level, option, &on, sizeof(on));
}

void
responder_sock_prepare(int fd, int family)
{
	if (family == AF_INET6)
		set_on(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO);
	else
		set_on(fd, IPPROTO_IP, IP_PKTINFO);
}

void
responder_sock_share(int fd, bool is_on)
{
	const int on = is_on;

	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on));
}

static int
refuse(const char *text, bool is_tcp, int error, struct error *err)
{
	return error_set(err, ERR_CONFIG, "builtin:listen",
	    "cannot listen on %s (%s): %s%s", text, is_tcp ? "TCP" : "UDP",
	    strerror(error), error == EACCES ? "; enable acmed-dns.socket, "
	    "or give acmed CAP_NET_BIND_SERVICE" : error == EADDRINUSE ?
	    "; another name server? name the addresses that are free in "
	    "\"listen\"" : "");
}

int
responder_sock_open(const struct sockaddr *sa, socklen_t len, bool is_tcp,
    bool shares, const char *text, int *out, struct error *err)
{
	int fd, saved;

	fd = socket(sa->sa_family, (is_tcp ? SOCK_STREAM : SOCK_DGRAM) |
	    SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd == -1)
		return refuse(text, is_tcp, errno, err);
	if (sa->sa_family == AF_INET6)
		set_on(fd, IPPROTO_IPV6, IPV6_V6ONLY);
	if (is_tcp)
		set_on(fd, SOL_SOCKET, SO_REUSEADDR);
	else
		responder_sock_prepare(fd, sa->sa_family);
	responder_sock_share(fd, shares);
	if (bind(fd, sa, len) == -1 ||
	    (is_tcp && listen(fd, BACKLOG) == -1)) {
		saved = errno;
		close(fd);
		return refuse(text, is_tcp, saved, err);
	}
	responder_sock_share(fd, false);
	*out = fd;
	return 0;
}

ssize_t
responder_sock_recv(int fd, void *buf, size_t size,
    struct responder_peer *peer)
{
	struct iovec iov = { .iov_base = buf, .iov_len = size };
	struct msghdr msg = { .msg_name = &peer->from,
	    .msg_namelen = sizeof(peer->from), .msg_iov = &iov,
	    .msg_iovlen = 1, .msg_control = peer->control,
	    .msg_controllen = sizeof(peer->control) };
	ssize_t n = recvmsg(fd, &msg, 0);

	if (n == -1)
		return -1;
	peer->from_len = msg.msg_namelen;
	peer->control_len = (msg.msg_flags & MSG_CTRUNC) != 0 ? 0 :
	    msg.msg_controllen;
	if ((msg.msg_flags & MSG_TRUNC) != 0 || msg.msg_namelen == 0)
		return 0;
	return n;
}

/*
 * Make what recvmsg() told into what sendmsg() wants.  The interface is left
 * to the routes, but for link-local addresses.
 */
static void
turn_round(struct msghdr *msg)
{
	struct cmsghdr *cm;

	for (cm = CMSG_FIRSTHDR(msg); cm != NULL; cm = CMSG_NXTHDR(msg, cm)) {
		if (cm->cmsg_level == IPPROTO_IP &&
		    cm->cmsg_type == IP_PKTINFO) {
			struct in_pktinfo info;

			memcpy(&info, CMSG_DATA(cm), sizeof(info));
			info.ipi_ifindex = 0;
			memcpy(CMSG_DATA(cm), &info, sizeof(info));
		} else if (cm->cmsg_level == IPPROTO_IPV6 &&
		    cm->cmsg_type == IPV6_PKTINFO) {
			struct in6_pktinfo info;

			memcpy(&info, CMSG_DATA(cm), sizeof(info));
			if (!IN6_IS_ADDR_LINKLOCAL(&info.ipi6_addr))
				info.ipi6_ifindex = 0;
			memcpy(CMSG_DATA(cm), &info, sizeof(info));
		}
	}
}

void
responder_sock_send(int fd, const void *buf, size_t len,
    struct responder_peer *peer)
{
	struct iovec iov = { .iov_base = (void *)(uintptr_t)buf,
	    .iov_len = len };
	struct msghdr msg = { .msg_name = &peer->from,
	    .msg_namelen = peer->from_len, .msg_iov = &iov, .msg_iovlen = 1,
	    .msg_control = peer->control_len > 0 ? peer->control : NULL,
	    .msg_controllen = peer->control_len };

	turn_round(&msg);
	(void)sendmsg(fd, &msg, MSG_NOSIGNAL);
}
