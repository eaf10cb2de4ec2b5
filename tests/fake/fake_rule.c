/* SPDX-License-Identifier: MIT */
#include "tests/fake/fake_rule.h"

#include <string.h>

enum fake_verdict
fake_rule_next(struct fake_rule *r, const char *subject, struct error *err)
{
	if (r->times == 0 ||
	    (r->match != NULL && strstr(subject, r->match) == NULL))
		return FAKE_DOES;
	if (r->skip > 0) {
		r->skip--;
		return FAKE_DOES;
	}
	r->times--;
	if (r->hangs)
		return FAKE_HANGS_ON;
	*err = r->err;
	return FAKE_FAILS;
}

void
fake_rule_fail(struct fake_rule *r, unsigned times, enum err_kind kind,
    const char *code, const char *msg)
{
	memset(r, 0, sizeof(*r));
	r->times = times;
	(void)error_set(&r->err, kind, code, "%s", msg);
}

void
fake_rule_hang(struct fake_rule *r)
{
	memset(r, 0, sizeof(*r));
	r->times = 1;
	r->hangs = true;
}
