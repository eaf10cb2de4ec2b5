/* SPDX-License-Identifier: MIT */
/*
 * certdir_access - what an administrator let others read of live/NAME by
 * chgrp, chmod or setfacl stays so in its next version, as certbot does it.
 * For certdir.c only.
 */
#ifndef DAEMON_STORE_CERTDIR_ACCESS_H
#define DAEMON_STORE_CERTDIR_ACCESS_H

#include <stdbool.h>

/*
 * Give the open file or directory `to`, which is ours, the group, the
 * permissions and the access lists of `from`.  What cannot be given (a group
 * that we are not in) is left out, so that nobody gets more than he had.
 */
void	certdir_copy_access(int from, int to);

/* Is there something of `from` that `to` has not got? */
bool	certdir_lacks_access(int from, int to);

#endif
