/* SPDX-License-Identifier: MIT */
/* keygen - private keys made without holding the loop. */
#include "daemon/store/keys.h"

#include <limits.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/error.h"
#include "common/file.h"
#include "common/mem.h"
#include "daemon/io/child.h"
#include "daemon/io/loop.h"

#define KEYGEN_TIMEOUT_MS 60000		/* rsa4096 on a slow machine: 20 s */
#define KEYGEN_OUTPUT_MAX 16384

struct keygen_op {
	struct timer	 start;
	struct children	*children;
	struct child_op	*child;
	enum key_type	 type;
	keygen_done_cb	*done;
	void		*arg;
};

static void
finish(struct keygen_op *op, const struct error *err, EVP_PKEY *key)
{
	op->done(err, key, op->arg);
	EVP_PKEY_free(key);
	keygen_cancel(op);
}

static void
child_done(const struct error *err, const struct child_reply *reply,
    void *arg)
{
	struct keygen_op *op = arg;
	struct error why;
	EVP_PKEY *key = NULL;

	op->child = NULL;
	if (err != NULL)
		why = *err;
	else if (child_check(reply, "key generation", &why) == 0)
		key = key_from_pem(reply->out, &why);
	if (key != NULL && !key_is_type(key, op->type)) {
		EVP_PKEY_free(key);
		key = NULL;
		(void)error_set(&why, ERR_INTERNAL, "key:generate",
		    "key generation made another kind of key");
	}
	if (key == NULL)
		(void)error_wrap(&why, "new %s key",
		    key_type_name(op->type));
	finish(op, key == NULL ? &why : NULL, key);
}

static void
start_child(struct keygen_op *op)
{
	char path[PATH_MAX];
	const char *const argv[] = { path, "--generate-key",
	    key_type_name(op->type), NULL };
	static const char *const env[] = { NULL };
	const struct child_args args = {
		.argv = argv,
		.env = env,
		.max_output = KEYGEN_OUTPUT_MAX,
		.timeout_ms = KEYGEN_TIMEOUT_MS,
	};

	child_own_path(path, sizeof(path));
	op->child = child_start(op->children, &args, child_done, op);
}

static void
start_cb(void *arg)
{
	struct keygen_op *op = arg;
	struct error err;
	EVP_PKEY *key;

	if (op->type == KEY_RSA2048 || op->type == KEY_RSA3072 ||
	    op->type == KEY_RSA4096) {
		start_child(op);
		return;
	}
	key = key_generate(op->type, &err);
	finish(op, key == NULL ? &err : NULL, key);
}

struct keygen_op *
keygen_start(struct loop *loop, struct children *children,
    enum key_type type, keygen_done_cb *done, void *arg)
{
	struct keygen_op *op = xcalloc(1, sizeof(*op));

	op->children = children;
	op->type = type;
	op->done = done;
	op->arg = arg;
	timer_init(&op->start, loop, start_cb, op);
	timer_set(&op->start, 0);
	return op;
}

void
keygen_cancel(struct keygen_op *op)
{
	if (op == NULL)
		return;
	child_cancel(op->child);
	timer_clear(&op->start);
	free(op);
}

int
keygen_child_main(const char *type_name)
{
	enum key_type type;
	struct error err;
	EVP_PKEY *key;
	char *pem;
	int rc;

	if (key_type_parse(type_name, &type) == -1) {
		fprintf(stderr, "%s: no such key type\n", type_name);
		return 2;
	}
	key = key_generate(type, &err);
	if (key == NULL) {
		fprintf(stderr, "%s\n", err.msg);
		return 1;
	}
	pem = key_to_pem(key);
	rc = file_write_all(STDOUT_FILENO, pem, strlen(pem));
	if (rc == -1)
		perror("standard output");
	freezero_str(pem);
	EVP_PKEY_free(key);
	return rc == 0 ? 0 : 1;
}
