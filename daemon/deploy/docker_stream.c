/* SPDX-License-Identifier: MIT */
#include "daemon/deploy/docker_stream.h"

#include <stdbool.h>
#include <string.h>

#include "common/text.h"

#define HEADER 8		/* bytes */
#define N_OUTPUTS 3		/* 0 is stdin: never sent, but defined */

/* A line that is not finished, of one of the outputs. */
struct part {
	char	text[DOCKER_STREAM_LINE_MAX];
	size_t	len;
};

struct reader {
	struct part	 parts[N_OUTPUTS];
	size_t		 left;		/* lines that may still be told */
	void		(*line)(const char *line, void *arg);
	void		*arg;
};

static void
end_line(struct reader *r, struct part *p)
{
	p->text[p->len] = '\0';
	p->len = 0;
	text_clean(p->text);
	if (p->text[strspn(p->text, " ")] == '\0' || r->left == 0)
		return;
	r->left--;
	r->line(p->text, r->arg);
}

static void
add(struct reader *r, struct part *p, const char *data, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (data[i] == '\n')
			end_line(r, p);
		else if (p->len < sizeof(p->text) - 1)
			p->text[p->len++] = data[i] != '\0' ? data[i] : ' ';
	}
}

/* The length of what follows a header; -1: it is none. */
static int
read_header(const unsigned char *h, size_t *len)
{
	if (h[0] >= N_OUTPUTS || h[1] != 0 || h[2] != 0 || h[3] != 0)
		return -1;
	*len = (size_t)h[4] << 24 | (size_t)h[5] << 16 | (size_t)h[6] << 8 |
	    h[7];
	return 0;
}

int
docker_stream_read(const void *data, size_t len, size_t max,
    void (*line)(const char *line, void *arg), void *arg)
{
	struct reader r = { .left = max, .line = line, .arg = arg };
	const char *p = data, *end = p + len;
	bool is_good = true;

	while (is_good && p < end) {
		const unsigned char *h = (const unsigned char *)p;
		size_t n;

		if (end - p < HEADER || read_header(h, &n) == -1) {
			is_good = false;
			break;
		}
		p += HEADER;
		if (n > (size_t)(end - p)) {
			n = (size_t)(end - p);
			is_good = false;
		}
		add(&r, &r.parts[h[0]], p, n);
		p += n;
	}
	for (size_t i = 0; i < N_OUTPUTS; i++)
		end_line(&r, &r.parts[i]);
	return is_good ? 0 : -1;
}
