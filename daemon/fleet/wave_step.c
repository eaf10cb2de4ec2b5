/* SPDX-License-Identifier: MIT */
#include "daemon/fleet/wave_step.h"

#include <string.h>

#include "common/text.h"
#include "daemon/config/conf_repository.h"
#include "daemon/fleet/hosts.h"
#include "daemon/store/store.h"

bool
wave_host_failed(const struct store_wave *w, const struct host_told *t)
{
	if (t->at < w->opened_at || t->code[0] == '\0')
		return false;
	return (strcmp(t->serial, w->serial) == 0 && !t->ok) ||
	    strcmp(t->code, "deploy:rolled-back") == 0;
}

void
wave_stop(struct store_wave *w, const char *why)
{
	w->state = WAVE_STOPPED;
	(void)text_printf(w->why, sizeof(w->why), "%s", why);
}

void
wave_open(struct store_wave *w, const struct conf_repository *r, time_t now)
{
	/* There may be fewer now. */
	w->opened = w->opened < r->n_waves ? w->opened + 1 :
	    (unsigned)r->n_waves;
	w->opened_at = now;
	w->served_at = STORE_WAVE_UNTOLD;
	w->state = w->opened >= r->n_waves ? WAVE_DONE : WAVE_RUNNING;
	w->why[0] = '\0';
}

void
wave_withdraw(struct store_wave *w, const char *serial, time_t not_before)
{
	(void)text_printf(w->serial, sizeof(w->serial), "%s", serial);
	w->not_before = not_before;
	w->state = WAVE_WITHDRAWN;
	w->why[0] = '\0';
}

enum wave_next
wave_step(struct store_wave *w, const struct conf_repository *r,
    size_t waiting, const char *failed, time_t now)
{
	bool is_saved = true;

	if (w->opened >= r->n_waves) {
		wave_open(w, r, now);
		return WAVE_NEXT_OPENED;
	}
	if (failed[0] != '\0') {
		wave_stop(w, failed);
		return WAVE_NEXT_STOPPED;
	}
	if (waiting > 0 && w->served_at != 0)
		w->served_at = 0;
	else if (waiting == 0 && w->served_at == 0)
		w->served_at = now;
	else
		is_saved = false;
	/* The clock may have been set back since. */
	if (w->served_at != 0 && (now - w->served_at >= r->wave_pause_s ||
	    w->served_at > now)) {
		wave_open(w, r, now);
		return WAVE_NEXT_OPENED;
	}
	return is_saved ? WAVE_NEXT_SAVE : WAVE_NEXT_NONE;
}
