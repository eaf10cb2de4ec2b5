/* SPDX-License-Identifier: MIT */
/* peer - the server's socket in the file system, and who is at its far end. */
#ifndef DAEMON_CONTROL_PEER_H
#define DAEMON_CONTROL_PEER_H

#include <sys/types.h>

struct error;

/* What the socket's file is, so that only our own is removed. */
struct sock_id {
	dev_t	dev;
	ino_t	ino;
};

/*
 * A listening socket at path, non-blocking and close-on-exec; -1 and
 * ERR_CONFIG "control:socket".
 */
int	sock_listen(const char *path, gid_t, struct sock_id *,
	    struct error *);
/* Remove path if it still is that socket. */
void	sock_remove(const char *path, const struct sock_id *);
/* The id of a group, (gid_t)-1 if there is none of that name. */
gid_t	group_id(const char *name);
/*
 * May the process at the other end of fd use the API?  *uid says who it is.
 * -1 and ERR_CONFIG API_ERR_FORBIDDEN if not.
 */
int	peer_check(int fd, gid_t, uid_t *uid, struct error *);

#endif
