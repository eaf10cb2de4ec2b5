/* SPDX-License-Identifier: MIT */
#include "common/log_id.h"

#include <stddef.h>

static const char *const ids[] = {
	[LOGM_NONE] = NULL,
	[LOGM_INSTALLED] = "8b7cf047ed344c849e8ad283eff6ac28",
	[LOGM_RENEWAL_FAILED] = "55c24ddb135b45848725d0dcb5213b64",
	[LOGM_ACCOUNT] = "50a7f052a81747be89478379affeea46",
	[LOGM_DEPLOYED] = "676db01bc6df49be80a4a9099c445675",
	[LOGM_DEPLOY_FAILED] = "b8eaf30490db4b5081a8823ead281c05",
	[LOGM_SERVING_OLD] = "9976e33e5df747ebb776cec57f80d71b",
	[LOGM_ROLLED_BACK] = "39ac7154bd3747a680989f12fe65935c",
	[LOGM_CLEANUP_FAILED] = "8b40140e50cc4363826cd52388d413f0",
	[LOGM_CONFIG_REJECTED] = "e7518fa9c1974529befe4c0869cd0a7a",
};
_Static_assert(sizeof(ids) / sizeof(ids[0]) == LOGM_END, "ids");

const char *
log_id_text(enum log_id id)
{
	return ids[id];
}
