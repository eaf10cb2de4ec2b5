/* SPDX-License-Identifier: MIT */
#include "daemon/manage/reason.h"

#include <stddef.h>
#include <strings.h>

/* RFC 5280 section 5.3.1, but for those that no subscriber may give. */
static const struct {
	const char	*name;
	int		 reason;
} reasons[] = {
	{ "unspecified", 0 },
	{ "keycompromise", 1 },
	{ "affiliationchanged", 3 },
	{ "superseded", 4 },
	{ "cessationofoperation", 5 },
};

int
revoke_reason_parse(const char *name, int *reason)
{
	for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++) {
		if (strcasecmp(reasons[i].name, name) == 0) {
			*reason = reasons[i].reason;
			return 0;
		}
	}
	return -1;
}

const char *
revoke_reason_name(int reason)
{
	for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++) {
		if (reasons[i].reason == reason)
			return reasons[i].name;
	}
	return "?";
}
