/* SPDX-License-Identifier: MIT */
#include "ctl/export_file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/error.h"
#include "common/file.h"
#include "common/mem.h"

#define COPY_MAX (256 * 1024)

int
export_write(const char *path, mode_t mode, const void *data, size_t len,
    struct error *err)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	if (fd == -1)
		return error_set(err, ERR_CONFIG, errno == EEXIST ?
		    "ctl:exists" : "sys:io", "%s: %s", path,
		    strerror(errno));
	if (file_write_all(fd, data, len) == -1 || fchmod(fd, mode) == -1 ||
	    fsync(fd) == -1) {
		(void)error_errno(err, "%s", path);
		(void)close(fd);
		(void)unlink(path);
		return -1;
	}
	(void)close(fd);
	return 0;
}

int
export_copy(const char *from, const char *to, mode_t mode, struct error *err)
{
	size_t len;
	char *data;
	int rc;

	if (file_read(AT_FDCWD, from, COPY_MAX, &data, &len, err) == -1)
		return -1;
	rc = export_write(to, mode, data, len, err);
	freezero(data, len);
	return rc;
}
