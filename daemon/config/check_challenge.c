/* SPDX-License-Identifier: MIT */
/* By which challenge each of a certificate's names is proved. */
#include "daemon/config/check.h"
#include "daemon/config/opt.h"

/* The key challenge of a section, or the fallback. */
static enum challenge_type
check_type(struct check *c, const struct section *sec,
    enum challenge_type fallback)
{
	const struct value *v = tree_value(sec, "challenge");
	enum challenge_type type;

	if (v == NULL)
		return fallback;
	if (challenge_type_parse(v->text, &type) == 0 &&
	    type == CHALLENGE_DNS_01)
		return type;
	opt_refuse(c->m, sec, "challenge", v, "dns-01");
	return fallback;
}

void
check_name_challenge(struct check *c, const struct section *sec,
    struct conf_name *name)
{
	name->has_own_challenge = tree_value(sec, "challenge") != NULL;
	name->challenge = check_type(c, sec, CHALLENGE_DNS_01);
}

void
check_cert_challenge(struct check *c, const struct section *sec,
    struct conf_cert *cert)
{
	enum challenge_type type = check_type(c, sec, CHALLENGE_DNS_01);

	for (size_t i = 0; i < cert->n_names; i++) {
		if (!cert->names[i].has_own_challenge)
			cert->names[i].challenge = type;
	}
}
