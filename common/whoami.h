/* SPDX-License-Identifier: MIT */
/* whoami - the user that we run as, for the programs that we run. */
#ifndef COMMON_WHOAMI_H
#define COMMON_WHOAMI_H

/*
 * $HOME, else the home directory of the user's entry in passwd(5), else that
 * of systemd's StateDirectory=, else "/"; $USER, else the entry's name, else
 * the number.  Found once; kept for good.
 */
const char	*whoami_home(void);
const char	*whoami_user(void);

#endif
