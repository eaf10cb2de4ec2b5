/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <pwd.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "common/text.h"
#include "daemon/io/sdbus_priv.h"

/* A string property, as a printable line. */
static const struct {
	const char	*name;
	size_t		 offset, size;
} strings[] = {
#define MEMBER(m) offsetof(struct unit_props, m), \
    sizeof(((struct unit_props *)NULL)->m)
	{ "Id", MEMBER(id) },
	{ "LoadState", MEMBER(load) },
	{ "ActiveState", MEMBER(active) },
	{ "SubState", MEMBER(sub) },
	{ "Result", MEMBER(result) },
	{ "StatusText", MEMBER(status) },
	{ "Type", MEMBER(type) },
#undef MEMBER
};

static int
read_string(sd_bus_message *m, char *out, size_t size)
{
	const char *text;
	int rc = sd_bus_message_read(m, "v", "s", &text);

	if (rc < 0)
		return rc;
	(void)text_printf(out, size, "%s", text);
	text_clean(out);
	return 0;
}

/* The pair of an error's name and text. */
static int
read_load_error(sd_bus_message *m, struct unit_props *p)
{
	const char *name, *text;
	int rc = sd_bus_message_read(m, "v", "(ss)", &name, &text);

	if (rc < 0)
		return rc;
	(void)text_printf(p->load_error, sizeof(p->load_error), "%s", text);
	text_clean(p->load_error);
	return 0;
}

static int
read_value(sd_bus_message *m, const char *name, struct unit_props *p)
{
	for (size_t i = 0; i < sizeof(strings) / sizeof(strings[0]); i++) {
		if (strcmp(name, strings[i].name) == 0)
			return read_string(m, (char *)p + strings[i].offset,
			    strings[i].size);
	}
	if (strcmp(name, "LoadError") == 0)
		return read_load_error(m, p);
	if (strcmp(name, "CanReload") == 0)
		return sd_bus_message_read(m, "v", "b", &p->can_reload);
	if (strcmp(name, "ExecMainCode") == 0)
		return sd_bus_message_read(m, "v", "i", &p->exit_code);
	if (strcmp(name, "ExecMainStatus") == 0)
		return sd_bus_message_read(m, "v", "i", &p->exit_status);
	return sd_bus_message_skip(m, "v");
}

int
unit_props_read(sd_bus_message *m, struct unit_props *p)
{
	const char *name;
	int rc;

	memset(p, 0, sizeof(*p));
	rc = sd_bus_message_enter_container(m, 'a', "{sv}");
	while (rc >= 0 && (rc = sd_bus_message_enter_container(m, 'e',
	    "sv")) > 0) {
		rc = sd_bus_message_read(m, "s", &name);
		if (rc >= 0)
			rc = read_value(m, name, p);
		if (rc >= 0)
			rc = sd_bus_message_exit_container(m);
	}
	if (rc >= 0)
		rc = sd_bus_message_exit_container(m);
	if (rc >= 0 && (p->load[0] == '\0' || p->active[0] == '\0'))
		rc = -EBADMSG;
	return rc;
}

void
sdbus_unit_story(const struct unit_props *p, char *out, size_t size)
{
	char how[128] = "", why[64] = "";

	if (p->result[0] != '\0' && strcmp(p->result, "success") != 0) {
		(void)text_printf(why, sizeof(why), " (%s)", p->result);
		if (p->exit_code == CLD_EXITED)
			(void)text_printf(how, sizeof(how),
			    "; its main process exited with status %d",
			    (int)p->exit_status);
		else if (p->exit_code == CLD_KILLED ||
		    p->exit_code == CLD_DUMPED)
			(void)text_printf(how, sizeof(how),
			    "; its main process was ended by signal %d",
			    (int)p->exit_status);
	}
	(void)text_printf(out, size, "%s%s%s%s", why, how,
	    p->status[0] != '\0' ? "; it says: " : "", p->status);
}

static bool
is_one_of(const char *name, const char *const *list)
{
	for (; *list != NULL; list++) {
		if (strncmp(name, *list, strlen(*list)) == 0)
			return true;
	}
	return false;
}

void
sdbus_call_error(const struct sdbus_op *op, const sd_bus_error *e,
    struct error *err)
{
	static const char *const denied[] = {
		SD_BUS_ERROR_INTERACTIVE_AUTHORIZATION_REQUIRED,
		"org.freedesktop.PolicyKit1.Error.", NULL
	};
	/* What systemd answers where polkit does not. */
	static const char *const no_polkit[] = {
		SD_BUS_ERROR_ACCESS_DENIED, NULL
	};
	static const char *const absent[] = {
		SD_BUS_ERROR_SERVICE_UNKNOWN, SD_BUS_ERROR_NAME_HAS_NO_OWNER,
		"org.freedesktop.DBus.Error.Spawn.", NULL
	};
	static const char *const unknown[] = {
		"org.freedesktop.systemd1.NoSuchUnit",
		SD_BUS_ERROR_INVALID_ARGS, NULL
	};
	const char *id = op->unit.id, *text = e->message != NULL ?
	    e->message : e->name, *verb = sdbus_verb_name(op->verb);

	if (is_one_of(e->name, denied) || is_one_of(e->name, no_polkit)) {
		const struct passwd *pw = getpwuid(geteuid());

		(void)error_set(err, ERR_CONFIG, is_one_of(e->name, denied) ?
		    "unit:denied" : "unit:no-polkit",
		    "systemd does not let the user %s %s %s (%s)",
		    pw != NULL ? pw->pw_name : "of acmed", verb, id, text);
	} else if (is_one_of(e->name, absent) && sd_booted() <= 0) {
		(void)error_set(err, ERR_CONFIG, "unit:no-systemd",
		    "%s: this machine does not run systemd (%s)", id, text);
	} else if (is_one_of(e->name, unknown)) {
		(void)error_set(err, ERR_CONFIG, "unit:unknown",
		    "systemd knows no unit %s (%s)", id, text);
	} else if (strcmp(e->name, "org.freedesktop.systemd1.UnitMasked") ==
	    0) {
		(void)error_set(err, ERR_CONFIG, "unit:masked", "%s", text);
	} else {
		(void)error_set(err, ERR_TRANSIENT, "unit:bus",
		    "%s: systemd does not %s it: %s", id, verb, text);
	}
}
