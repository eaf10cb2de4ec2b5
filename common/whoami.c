/* SPDX-License-Identifier: MIT */
#include "common/whoami.h"

#include <pwd.h>
#include <stddef.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/text.h"

static char home[1024], user[256];

static const char *
first_of(const char *a, const char *b, const char *c)
{
	if (a != NULL && a[0] != '\0')
		return a;
	return b != NULL && b[0] != '\0' ? b : c;
}

/* Asked once: the entry may have to come from another host. */
static void
find(void)
{
	const char *my_home = getenv("HOME"), *my_user = getenv("USER");
	const struct passwd *pw = NULL;
	char number[24];

	if (home[0] != '\0')
		return;
	if (my_home == NULL || my_home[0] != '/' || my_user == NULL)
		pw = getpwuid(geteuid());
	(void)text_printf(number, sizeof(number), "%u", (unsigned)geteuid());
	(void)text_printf(user, sizeof(user), "%s", first_of(my_user,
	    pw != NULL ? pw->pw_name : NULL, number));
	(void)text_printf(home, sizeof(home), "%s", first_of(my_home,
	    pw != NULL ? pw->pw_dir : getenv("STATE_DIRECTORY"), "/"));
}

const char *
whoami_home(void)
{
	find();
	return home;
}

const char *
whoami_user(void)
{
	find();
	return user;
}
