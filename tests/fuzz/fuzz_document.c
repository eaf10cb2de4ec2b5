/* SPDX-License-Identifier: MIT */
/*
 * fuzz_document - what the members of a cluster write to each other, once it is
 * opened: of a member that is damaged, or of another version.
 */
#include <stdlib.h>
#include <string.h>

#include "common/error.h"
#include "common/json.h"
#include "daemon/cluster/document.h"
#include "tests/fuzz/fuzz.h"

/* What was taken is within bounds, and is taken again as it is written. */
static void
read_cert(const json_t *o)
{
	struct store_cert row = { .key = KEY_TYPE_END };
	struct document d, again;
	struct error err;
	json_t *text;

	if (document_read(o, &d, &err) == -1) {
		if (err.kind != ERR_REJECTED || d.row.name != NULL ||
		    d.n_txt != 0)
			abort();
		return;
	}
	if (d.row.name == NULL || strlen(d.row.name) > 127 ||
	    d.n_txt > DOCUMENT_TXT_MAX || d.row.retry_at < 0 ||
	    d.row.order_at < 0)
		abort();
	(void)document_apply(&d, &row, true);
	if (document_apply(&d, &row, true))
		abort();
	text = document_json(&d);
	if (document_read(text, &again, &err) == -1)
		abort();
	json_decref(text);
	document_clear(&again);
	document_clear(&d);
	store_cert_clear(&row);
}

static void
read_others(const json_t *o)
{
	struct account_document a;
	struct store_budget b;
	struct store_hold h;
	struct error err;

	if (account_document_read(o, &a, &err) == 0) {
		if (a.key == NULL)
			abort();
		account_document_clear(&a);
	}
	if (budget_document_read(o, &b, &err) == 0)
		json_decref(budget_document_json(&b));
	if (hold_document_read(o, &h, &err) == 0)
		json_decref(hold_document_json(&h));
}

int
LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
	struct error err;
	json_t *o = jsonx_parse((const char *)data, size, &err);

	if (o != NULL) {
		read_cert(o);
		read_others(o);
	}
	json_decref(o);
	return 0;
}
