/* SPDX-License-Identifier: MIT */
#include "daemon/deploy/tar.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"

#define PAD(len) ((TAR_BLOCK - (len) % TAR_BLOCK) % TAR_BLOCK)

/* Numbers are octal digits and a NUL. */
struct header {
	char	name[100], mode[8], uid[8], gid[8], size[12], mtime[12];
	char	checksum[8], type, link[100], magic[6], version[2];
	char	user[32], group[32], major[8], minor[8], prefix[155], pad[12];
};
_Static_assert(sizeof(struct header) == TAR_BLOCK, "a header is one block");

/* n bytes more, which are zero.  The old ones may be a key's: they are
 * wiped, which realloc() would not do. */
static char *
grow(struct tar *t, size_t n)
{
	char *longer = xcalloc(1, t->len + n), *at = longer + t->len;

	if (t->len > 0)
		memcpy(longer, t->data, t->len);
	freezero(t->data, t->len);
	t->data = longer;
	t->len += n;
	return at;
}

static void
put(char *field, size_t size, unsigned long long value)
{
	char digits[32];

	(void)snprintf(digits, sizeof(digits), "%0*llo", (int)size - 1, value);
	assert(strlen(digits) == size - 1);
	memcpy(field, digits, size);
}

void
tar_add(struct tar *t, const struct tar_file *f)
{
	char *at = grow(t, sizeof(struct header) + f->len + PAD(f->len));
	struct header h;
	unsigned sum = 0;

	memset(&h, 0, sizeof(h));
	assert(strlen(f->name) <= sizeof(h.name));
	memcpy(h.name, f->name, strlen(f->name));
	put(h.mode, sizeof(h.mode), f->mode);
	put(h.uid, sizeof(h.uid), f->uid);
	put(h.gid, sizeof(h.gid), f->gid);
	put(h.size, sizeof(h.size), f->len);
	put(h.mtime, sizeof(h.mtime), (unsigned long long)f->mtime);
	h.type = '0';
	memcpy(h.magic, "ustar", sizeof(h.magic));
	memcpy(h.version, "00", sizeof(h.version));
	/* Of the header with blanks where the sum is to be. */
	memset(h.checksum, ' ', sizeof(h.checksum));
	for (size_t i = 0; i < sizeof(h); i++)
		sum += ((const unsigned char *)&h)[i];
	put(h.checksum, sizeof(h.checksum) - 1, sum);
	memcpy(at, &h, sizeof(h));
	if (f->len > 0)
		memcpy(at + sizeof(h), f->data, f->len);
}

void
tar_end(struct tar *t)
{
	(void)grow(t, 2 * (size_t)TAR_BLOCK);
}

void
tar_clear(struct tar *t)
{
	freezero(t->data, t->len);
	*t = (struct tar){ 0 };
}
