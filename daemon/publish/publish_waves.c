/* SPDX-License-Identifier: MIT */
#include "daemon/publish/publish_waves.h"

#include <string.h>

#include "common/clock.h"
#include "common/mem.h"
#include "common/text.h"
#include "daemon/config/conf.h"
#include "daemon/publish/manifest.h"
#include "daemon/store/store.h"

bool
publish_waves(struct store *store, const struct conf_repository *r,
    bool is_shared, struct manifest *m)
{
	struct store_wave w;
	bool is_known = store != NULL && store_wave_get(store,
	    m->certificate, r->name, &w) == 0, is_begun = false;

	if (is_known && w.state == WAVE_WITHDRAWN &&
	    strcmp(w.serial, m->serial) != 0 &&
	    w.not_before >= m->not_before) {
		(void)text_printf(m->withdrawn, sizeof(m->withdrawn), "%s",
		    w.serial);
		return false;
	}
	if (store == NULL || r->waves == NULL)
		return false;
	/* The repository keeps the newer, which has begun. */
	if (is_known && w.not_before > m->not_before)
		return false;
	if (!is_known || strcmp(w.serial, m->serial) != 0) {
		if (is_shared)
			return false;
		is_begun = store_wave_begin(store, m->certificate, r->name,
		    m->serial, m->not_before, clock_now());
		w.opened = 1;
		w.state = WAVE_RUNNING;
	}
	/* There may have been fewer when it was done. */
	if (w.state == WAVE_DONE || w.opened >= r->n_waves)
		return is_begun;
	m->waves = xcalloc(w.opened + 1, sizeof(*m->waves));
	for (unsigned i = 0; i < w.opened; i++)
		m->waves[i] = xstrdup(r->waves[i]);
	return is_begun;
}

bool
publish_same_waves(const struct manifest *a, const struct manifest *b)
{
	char *const *p = a->waves, *const *q = b->waves;

	if (p == NULL || q == NULL || strcmp(a->withdrawn, b->withdrawn) != 0)
		return p == q && strcmp(a->withdrawn, b->withdrawn) == 0;
	for (; *p != NULL && *q != NULL && strcmp(*p, *q) == 0; p++, q++)
		continue;
	return *p == *q;
}
