/* SPDX-License-Identifier: MIT */
/* waves = { ... } and wave_pause, of repositories and of a cluster */
#include <fnmatch.h>
#include <string.h>

#include "daemon/config/check.h"
#include "daemon/config/opt.h"

#define WAVES_MAX 20
#define WAVE_MAX 100		/* characters */
#define PAUSE_MAX_S (30 * 86400)
#define PAUSE_S 600

/* Hosts are of the first wave that they match. */
static void
warn_late_wave(struct check *c, const struct section *sec,
    const struct item *item, size_t i)
{
	for (size_t j = 0; j < i; j++) {
		const char *before = item->values[j]->text;

		if (strcmp(before, "*") != 0 &&
		    strcmp(before, item->values[i]->text) != 0)
			continue;
		opt_warn(c->m, sec, item->values[i]->line, "waves: no host is "
		    "left for \"%s\" after \"%s\"; put it before that",
		    item->values[i]->text, before);
		return;
	}
}

/* They travel in each manifest. */
void
check_waves(struct check *c, const struct section *sec, char ***waves,
    size_t *n_waves, int64_t *pause_s)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyz"
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_*?[]!";
	const struct item *item = tree_item(sec, "waves");
	const struct value *pause = tree_value(sec, "wave_pause");

	*pause_s = opt_duration(c->m, sec, "wave_pause", 0, PAUSE_MAX_S,
	    PAUSE_S);
	if (pause != NULL && (item == NULL || item->n == 0))
		opt_warn(c->m, sec, pause->line, "wave_pause has no effect "
		    "without waves, as all hosts take a new version at once");
	if (item == NULL)
		return;
	*waves = opt_list(c->m, sec, "waves");
	for (size_t i = 0; i < item->n; i++) {
		const char *text = item->values[i]->text;

		if (strlen(text) > WAVE_MAX || text[0] == '\0' ||
		    text[strspn(text, plain)] != '\0')
			opt_refuse(c->m, sec, "waves", item->values[i],
			    "patterns of host names such as web-*");
		else
			warn_late_wave(c, sec, item, i);
	}
	while ((*waves)[*n_waves] != NULL)
		(*n_waves)++;
	if (*n_waves > WAVES_MAX)
		opt_mistake(c->m, sec, item->values[0]->line, "waves has %zu "
		    "patterns; allowed: at most %d", *n_waves, WAVES_MAX);
}

bool
conf_waves_have(char *const *waves, size_t n, const char *host)
{
	for (size_t i = 0; i < n; i++) {
		if (fnmatch(waves[i], host, 0) == 0)
			return true;
	}
	return false;
}
