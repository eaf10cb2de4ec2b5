/* SPDX-License-Identifier: MIT */
#include "daemon/store/certdir_prune.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/mem.h"
#include "common/text.h"
#include "daemon/store/certdir_priv.h"

#define VERSIONS_KEPT 5
#define DOOMED_PREFIX ".old-"

struct version {
	char		*name;
	struct timespec	 made_at;	/* the directory's mtime */
};

/* The names in a directory but "." and ".."; n of them, the caller frees. */
static char **
list_dir(int dirfd, size_t *n)
{
	int fd = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd == -1 ? NULL : fdopendir(fd);
	char **names = NULL;
	struct dirent *e;

	*n = 0;
	if (d == NULL) {
		if (fd != -1)
			close(fd);
		return NULL;
	}
	while ((e = readdir(d)) != NULL) {
		if (strcmp(e->d_name, ".") == 0 ||
		    strcmp(e->d_name, "..") == 0)
			continue;
		names = xreallocarray(names, *n + 1, sizeof(*names));
		names[(*n)++] = xstrdup(e->d_name);
	}
	closedir(d);
	return names;
}

static void
free_list(char **names, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(names[i]);
	free(names);
}

void
certdir_remove_version(int archive, const char *version)
{
	int dir = openat(archive, version,
	    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	char **names;
	size_t n;

	if (dir == -1)
		return;
	names = list_dir(dir, &n);
	for (size_t i = 0; i < n; i++) {
		/* The second of a pair has a folder there. */
		if (unlinkat(dir, names[i], 0) == -1)
			certdir_remove_version(dir, names[i]);
	}
	free_list(names, n);
	close(dir);
	(void)unlinkat(archive, version, AT_REMOVEDIR);
}

void
certdir_clean(int archive)
{
	size_t n;
	char **names = list_dir(archive, &n);

	for (size_t i = 0; i < n; i++) {
		if (strncmp(names[i], ".new-", 5) == 0 ||
		    strncmp(names[i], DOOMED_PREFIX,
		    sizeof(DOOMED_PREFIX) - 1) == 0)
			certdir_remove_version(archive, names[i]);
	}
	free_list(names, n);
}

/* Newest first. */
static int
version_cmp(const void *va, const void *vb)
{
	const struct version *a = va, *b = vb;

	if (a->made_at.tv_sec != b->made_at.tv_sec)
		return a->made_at.tv_sec < b->made_at.tv_sec ? 1 : -1;
	if (a->made_at.tv_nsec != b->made_at.tv_nsec)
		return a->made_at.tv_nsec < b->made_at.tv_nsec ? 1 : -1;
	return strcmp(b->name, a->name);
}

/* Renamed first, so that a version is complete for as long as it has its
 * name. */
static void
retire(int archive, const char *version)
{
	char doomed[256];

	if (text_printf(doomed, sizeof(doomed), DOOMED_PREFIX "%s", version) &&
	    renameat(archive, version, archive, doomed) == 0)
		certdir_remove_version(archive, doomed);
}

/* What is in archive/NAME besides `live`, newest first; the caller frees. */
static struct version *
list_versions(int archive, const char *live, char **names, size_t n,
    size_t *n_versions)
{
	struct version *versions = xcalloc(n, sizeof(*versions));

	*n_versions = 0;
	for (size_t i = 0; i < n; i++) {
		struct stat st;

		if (names[i][0] == '.' || strcmp(names[i], live) == 0 ||
		    fstatat(archive, names[i], &st, AT_SYMLINK_NOFOLLOW) ==
		    -1 || !S_ISDIR(st.st_mode))
			continue;
		versions[*n_versions].name = names[i];
		versions[(*n_versions)++].made_at = st.st_mtim;
	}
	qsort(versions, *n_versions, sizeof(*versions), version_cmp);
	return versions;
}

char **
certdir_older(int archive, const char *live)
{
	size_t n, n_versions, n_older = 0;
	char **names = list_dir(archive, &n);
	struct version *versions = list_versions(archive, live, names, n,
	    &n_versions);
	char **older = xcalloc(n_versions + 1, sizeof(*older));
	struct version self = { .name = (char *)(uintptr_t)live };
	struct stat st;

	if (fstatat(archive, live, &st, AT_SYMLINK_NOFOLLOW) == 0)
		self.made_at = st.st_mtim;
	for (size_t i = 0; i < n_versions; i++) {
		if (version_cmp(&self, &versions[i]) < 0)
			older[n_older++] = xstrdup(versions[i].name);
	}
	free(versions);
	free_list(names, n);
	return older;
}

/* SERIAL, or SERIAL-N where it was installed again. */
bool
certdir_is_of(const char *version, const char *serial)
{
	size_t len = strlen(serial);

	return strncmp(version, serial, len) == 0 && (version[len] == '\0' ||
	    version[len] == '-');
}

static bool
is_kept(int archive, const char *version, char *const *kept)
{
	char second[64] = "";
	const char *folder;

	if (*kept != NULL)
		(void)certdir_second_serial(archive, version, &folder, second);
	for (; *kept != NULL; kept++) {
		if (certdir_is_of(version, *kept) ||
		    strcmp(second, *kept) == 0)
			return true;
	}
	return false;
}

void
certdir_prune(int archive, const char *live, char *const *kept_serials)
{
	size_t n, n_versions, kept = 1;
	char **names = list_dir(archive, &n);
	struct version *versions = list_versions(archive, live, names, n,
	    &n_versions);

	for (size_t i = 0; i < n_versions; i++) {
		if (kept < VERSIONS_KEPT)
			kept++;
		else if (!is_kept(archive, versions[i].name,
		    kept_serials))
			retire(archive, versions[i].name);
	}
	free(versions);
	free_list(names, n);
}

char **
certdir_versions(int archive)
{
	size_t n, n_versions;
	char **names = list_dir(archive, &n);
	struct version *versions = list_versions(archive, "", names, n,
	    &n_versions);
	char **all = xcalloc(n_versions + 1, sizeof(*all));

	for (size_t i = 0; i < n_versions; i++)
		all[i] = xstrdup(versions[i].name);
	free(versions);
	free_list(names, n);
	return all;
}
