/* SPDX-License-Identifier: MIT */
/*
 * fuzz_import - files of other ACME clients, which acmectl reads as root:
 * ConfigObj's, shell assignments, and command lines.
 */
#include <stdlib.h>
#include <string.h>

#include "common/error.h"
#include "common/mem.h"
#include "ctl/import/command.h"
#include "ctl/import/import.h"
#include "ctl/import/ini.h"
#include "ctl/import/shvars.h"
#include "tests/fuzz/fuzz.h"

/* Whatever it was, what is told of it is a unit and nothing else. */
static void
check_command(const char *text)
{
	struct import plan = { .program = "fuzz" };
	struct import_cert *c = import_add_cert(&plan, "x");
	bool known = command_map(text, c);

	if (known != (c->n_deploys > 0))
		abort();
	for (size_t i = 0; i < c->n_deploys; i++) {
		const char *unit = c->deploys[i].text;

		if (strchr(unit, '.') == NULL || strpbrk(unit,
		    "/ \t\n\"'\\$`;|&<>") != NULL || unit[0] == '-')
			abort();
	}
	import_clear(&plan);
}

static void
check_vars(const char *text)
{
	json_t *vars = shvars_parse(text), *value;
	const char *name;

	json_object_foreach(vars, name, value) {
		/* A value, or the names of those that have none. */
		if (json_is_array(value) != (*name == '\0') ||
		    (*name != '\0' && !json_is_string(value)))
			abort();
	}
	json_decref(vars);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	char *text = xstrndup((const char *)data, len);
	struct error err;
	json_t *ini = ini_parse(text, &err);

	if (ini == NULL && strcmp(err.code, "import:syntax") != 0)
		abort();
	json_decref(ini);
	check_vars(text);
	check_command(text);
	free(text);
	return 0;
}
