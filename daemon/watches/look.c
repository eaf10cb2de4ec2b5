/* SPDX-License-Identifier: MIT */
#include "daemon/watches/look.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/error.h"
#include "common/file.h"
#include "common/mem.h"
#include "common/text.h"
#include "daemon/config/conf.h"
#include "daemon/deploy/verify_text.h"
#include "daemon/dns/addresses.h"
#include "daemon/dns/dnsaddr.h"
#include "daemon/io/loop.h"
#include "daemon/io/slots.h"
#include "daemon/io/tls.h"
#include "daemon/io/tls_cert.h"

#define ASK_MS		10000		/* for the name, and each address */
#define PEM_MAX		(256 * 1024)
#define CLOCK_SKEW_S	300

struct look_op {
	struct look_args a;
	struct timer	 begin;
	struct addresses_op *find;
	struct dns_server list[ADDRESSES_MAX];
	size_t		 n, next;
	struct slot	*slot;
	struct tls_op	*ask;
	struct tls_reply seen;		/* ends first */
	bool		 has_seen, has_failed, has_way;
	struct error	 err;		/* if has_failed */
	struct error	 no_way;	/* if not has_way */
	look_done_cb	*done;
	void		*arg;
};

int
look_judge(const struct tls_reply *r, struct error *err)
{
	char at[TEXT_TIME_MAX];
	time_t now = clock_now();

	if (r->not_before > now + CLOCK_SKEW_S)
		return error_set(err, ERR_REJECTED, "watch:not-yet", "the "
		    "certificate is not valid before %s",
		    text_time(r->not_before, at));
	if (!r->is_for_name)
		return error_set(err, ERR_REJECTED, "watch:name", "the "
		    "certificate is for %s, not for the name that was asked "
		    "for", r->name[0] != '\0' ? r->name : "nobody");
	/* That it has expired is told otherwise. */
	if (!r->is_trusted && r->not_after > now)
		return error_set(err, ERR_REJECTED, "watch:chain", "the "
		    "certificate (by \"%s\") does not verify: %s", r->issuer,
		    r->why_not);
	if (r->weak[0] != '\0')
		return error_set(err, ERR_REJECTED, "watch:weak", "the "
		    "certificate is too weak: %s", r->weak);
	return 0;
}

bool
look_is_judged(const struct error *err)
{
	return strncmp(err->code, "watch:", 6) == 0;
}

int
look_file(const char *path, const char *ca_file, struct tls_reply *seen,
    struct error *err)
{
	size_t len;
	char *pem;
	int rc;

	memset(seen, 0, sizeof(*seen));
	if (file_read(AT_FDCWD, path, PEM_MAX, &pem, &len, err) == -1)
		return -1;
	rc = tls_cert_read_pem(pem, len, ca_file, seen, err);
	/* There may be a key in it. */
	freezero(pem, len);
	return rc == -1 ? -1 : look_judge(seen, err);
}

/* --- a server --- */

void
look_cancel(struct look_op *op)
{
	if (op == NULL)
		return;
	addresses_cancel(op->find);
	tls_cancel(op->ask);
	slot_give(op->slot);
	timer_clear(&op->begin);
	free(op);
}

static void
finish(struct look_op *op)
{
	if (!op->has_way && !op->has_failed) {
		op->has_failed = true;
		op->err = op->no_way;
	}
	op->done(op->has_failed ? &op->err : NULL, op->has_seen ? &op->seen :
	    NULL, op->arg);
	look_cancel(op);
}

/* The first failure is told, with its address. */
static void
note(struct look_op *op, struct error *err, const char *address)
{
	char label[VERIFY_LABEL_MAX];

	if (op->has_failed)
		return;
	op->has_failed = true;
	op->err = *err;
	(void)error_wrap(&op->err, "%s", verify_label(op->a.target, address,
	    label));
}

static void	ask_next(struct look_op *);

static void
asked(const struct error *err, const struct tls_reply *r, void *arg)
{
	struct look_op *op = arg;
	const char *address = op->list[op->next].text;
	struct error why;

	op->ask = NULL;
	slot_give(op->slot);
	op->slot = NULL;
	op->next++;
	if (err != NULL && strcmp(err->code, "tls:unroutable") == 0) {
		op->no_way = *err;
		(void)error_wrap(&op->no_way, "%s", address);
		ask_next(op);
		return;
	}
	op->has_way = true;
	if (err != NULL) {
		why = *err;
		note(op, &why, address);
	} else {
		if (look_judge(r, &why) == -1)
			note(op, &why, address);
		if (!op->has_seen || r->not_after < op->seen.not_after)
			op->seen = *r;
		op->has_seen = true;
	}
	ask_next(op);
}

static void
slot_taken(void *arg)
{
	struct look_op *op = arg;
	const struct conf_verify *v = op->a.target;

	op->ask = tls_start(op->a.loop, &(struct tls_args){
	    .addr = (const struct sockaddr *)&op->list[op->next].ss,
	    .addr_len = op->list[op->next].ss_len,
	    .sni = v->has_sni ? v->sni : v->host,
	    .starttls = v->starttls,
	    .key = TLS_KEY_ANY,
	    .ca_file = v->ca_file != NULL ? v->ca_file : op->a.ca_file,
	    .timeout_ms = ASK_MS }, asked, op);
}

static void
ask_next(struct look_op *op)
{
	if (op->next == op->n)
		finish(op);
	else
		op->slot = slot_take(op->a.asking, slot_taken, op);
}

static void
found(const struct error *err, const struct dns_server *list, size_t n,
    void *arg)
{
	struct look_op *op = arg;
	const struct conf_verify *v = op->a.target;
	struct error why;

	op->find = NULL;
	if (err != NULL) {
		why = *err;
		op->has_way = true;
		note(op, &why, NULL);
		finish(op);
		return;
	}
	for (; op->n < n && op->n < ADDRESSES_MAX; op->n++) {
		op->list[op->n] = list[op->n];
		addresses_set_port(&op->list[op->n], v->connect_port != 0 ?
		    v->connect_port : v->port);
	}
	ask_next(op);
}

static void
begin_cb(void *arg)
{
	struct look_op *op = arg;
	const struct conf_verify *v = op->a.target;

	op->find = addresses_start(op->a.dns, v->connect != NULL ?
	    v->connect : v->host, ASK_MS, found, op);
}

struct look_op *
look_start(const struct look_args *a, look_done_cb *done, void *arg)
{
	struct look_op *op = xcalloc(1, sizeof(*op));

	op->a = *a;
	op->done = done;
	op->arg = arg;
	timer_init(&op->begin, a->loop, begin_cb, op);
	timer_set(&op->begin, 0);
	return op;
}
