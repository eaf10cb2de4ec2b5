/* SPDX-License-Identifier: MIT */
#include "daemon/alerts/condition.h"

#include "common/clock.h"
#include "daemon/accounts/fault.h"
#include "daemon/accounts/hold.h"
#include "daemon/certs/certs.h"
#include "daemon/certs/issuer.h"
#include "daemon/certs/missing.h"
#include "daemon/rollout/rollback.h"
#include "daemon/rollout/rollout.h"

static const char *const names[] = {
	[COND_MISSING] = "missing",
	[COND_EXPIRED] = "expired",
	[COND_RENEWING] = "renewing",
	[COND_FAILING] = "failing",
	[COND_SERVING_OLD] = "serving old",
	[COND_NOT_DEPLOYED] = "not deployed",
	[COND_ROLLED_BACK] = "rolled back",
	[COND_DEPLOYING] = "deploying",
	[COND_NAMES_MISSING] = "names missing",
	[COND_OTHER_CA] = "other CA",
	[COND_STAGING] = "staging",
	[COND_VALID] = "valid",
};
_Static_assert(sizeof(names) / sizeof(names[0]) == COND_END, "names");

const char *
condition_name(enum condition cond)
{
	return names[cond];
}

struct condition_failure
condition_failure(const struct cert *c)
{
	struct condition_failure f = { NULL, 0, 0, c->waits != NULL };
	struct hold_told told;

	if (c->waits != NULL) {
		hold_tell(c->waits, &told);
		f.err = told.err;
		f.times = told.times;
		f.at = told.at;
	} else if (c->row.error != NULL && !rollback_is_wanted(c)) {
		f.err = c->row.error;
		f.times = c->row.failures;
		f.at = c->row.error_at;
	} else if ((f.err = fault_of(c, &f.at)) != NULL) {
		f.times = 1;
		f.is_shared = true;
	}
	return f;
}

const struct error *
condition_error(const struct cert *c)
{
	return condition_failure(c).err;
}

/* Of targets alone; COND_VALID: nothing is wrong with them. */
static enum condition
of_deploys(const struct cert *c)
{
	if (rollout_serving_old(c) > 0)
		return COND_SERVING_OLD;
	return rollout_not_deployed(c) > 0 ? COND_NOT_DEPLOYED : COND_VALID;
}

enum condition
condition_of(const struct cert *c)
{
	enum condition deploys = of_deploys(c);

	if (c->row.serial == NULL)
		return COND_MISSING;
	if (c->row.not_after <= clock_now())
		return COND_EXPIRED;
	if (c->run != NULL && c->step < STEP_DEPLOY)
		return COND_RENEWING;
	if (condition_error(c) != NULL && !rollback_is_done(c))
		return COND_FAILING;
	if (deploys == COND_NOT_DEPLOYED && rollout_is_first(c))
		return COND_DEPLOYING;
	if (deploys != COND_VALID)
		return deploys;
	if (rollback_is_done(c))
		return COND_ROLLED_BACK;
	if (rollout_is_first(c))
		return COND_DEPLOYING;
	if (missing_count(c) > 0)
		return COND_NAMES_MISSING;
	if (issuer_is_other(c))
		return COND_OTHER_CA;
	return issuer_is_staging(c) ? COND_STAGING : COND_VALID;
}

bool
condition_is_good(const struct cert *c)
{
	return c->row.serial != NULL && c->row.not_after > clock_now() &&
	    condition_error(c) == NULL && of_deploys(c) == COND_VALID &&
	    missing_count(c) == 0;
}
