/* SPDX-License-Identifier: MIT */
#include "tests/fake/fake_systemd.h"

#include <assert.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <systemd/sd-bus.h>
#include <unistd.h>

#include "common/text.h"
#include "daemon/io/loop.h"
#include "tests/unit/scratch.h"

#define MANAGER "org.freedesktop.systemd1.Manager"
#define MANAGER_PATH "/org/freedesktop/systemd1"
#define UNIT_PATH MANAGER_PATH "/unit/nginx_2eservice"

extern char **environ;

struct fake_systemd fake_systemd;
static struct scratch scratch;
static pid_t daemon_pid;
static sd_bus *bus;
static struct fdwatch watch;
static struct timer job_end;
static char job_path[80];

bool
fake_bus_start(void)
{
	char config[80], line[160] = "";
	posix_spawn_file_actions_t fa;
	char *argv[] = { (char []){ "dbus-daemon" }, (char []){ "--nofork" },
	    (char []){ "--print-address=1" }, config, NULL };
	int fds[2], rc;

	scratch_make(&scratch);
	scratch_write(scratch_path(&scratch, "conf"),
	    "<busconfig><auth>EXTERNAL</auth><listen>unix:tmpdir=/tmp</listen>"
	    "<policy context='default'><allow send_destination='*'/>"
	    "<allow receive_sender='*'/><allow own='*'/></policy></busconfig>");
	(void)text_printf(config, sizeof(config), "--config-file=%s/conf",
	    scratch.dir);
	assert(pipe(fds) == 0);
	(void)posix_spawn_file_actions_init(&fa);
	(void)posix_spawn_file_actions_adddup2(&fa, fds[1], 1);
	(void)posix_spawn_file_actions_addopen(&fa, 2, "/dev/null", O_WRONLY,
	    0);
	(void)posix_spawn_file_actions_addclose(&fa, fds[0]);
	rc = posix_spawnp(&daemon_pid, argv[0], &fa, NULL, argv, environ);
	(void)posix_spawn_file_actions_destroy(&fa);
	close(fds[1]);
	if (rc == 0) {
		ssize_t n = read(fds[0], line, sizeof(line) - 1);

		assert(n > 0);
		line[strcspn(line, "\n")] = '\0';
		assert(setenv("DBUS_SYSTEM_BUS_ADDRESS", line, 1) == 0);
	} else {
		scratch_remove(&scratch);
	}
	close(fds[0]);
	return rc == 0;
}

void
fake_bus_stop(void)
{
	(void)kill(daemon_pid, SIGTERM);
	(void)waitpid(daemon_pid, NULL, 0);
	scratch_remove(&scratch);
}

static void
pump(void)
{
	while (sd_bus_process(bus, NULL) > 0)
		;
	(void)sd_bus_flush(bus);
	fdwatch_set(&watch, sd_bus_get_fd(bus), FD_READ);
}

static void
ready_cb(int fd, unsigned what, void *arg)
{
	pump();
}

static void
job_end_cb(void *arg)
{
	fake_systemd.unit = fake_systemd.after;
	/* Of another job, first. */
	(void)sd_bus_emit_signal(bus, MANAGER_PATH, MANAGER, "JobRemoved",
	    "uoss", 1, MANAGER_PATH "/job/1", "ssh.service", "failed");
	(void)sd_bus_emit_signal(bus, MANAGER_PATH, MANAGER, "JobRemoved",
	    "uoss", 4711, job_path, "nginx.service",
	    fake_systemd.job_result);
	job_path[0] = '\0';
	pump();
}

static int
job(sd_bus_message *m, const char *method)
{
	size_t used = strlen(fake_systemd.log);
	const char *unit, *mode;

	assert(sd_bus_message_read(m, "ss", &unit, &mode) >= 0);
	assert(strcmp(mode, "replace") == 0);
	(void)text_printf(fake_systemd.log + used,
	    sizeof(fake_systemd.log) - used, "%s %s\n", method, unit);
	assert(fake_systemd.subscribers > 0);
	if (fake_systemd.error != NULL)
		return sd_bus_reply_method_errorf(m, fake_systemd.error, "%s",
		    fake_systemd.error_text);
	if (job_path[0] == '\0') {
		(void)text_printf(job_path, sizeof(job_path), "%s/job/%u",
		    MANAGER_PATH, 4711 + fake_systemd.jobs++);
		timer_set(&job_end, fake_systemd.job_ms);
	}
	return sd_bus_reply_method_return(m, "o", job_path);
}

static void
add(sd_bus_message *m, const char *name, const char *type, const char *value)
{
	assert(sd_bus_message_append(m, "{sv}", name, type, value) >= 0);
}

static int
properties(sd_bus_message *m)
{
	const struct fake_unit *u = &fake_systemd.unit;
	sd_bus_message *reply;
	const char *interface;

	assert(sd_bus_message_read(m, "s", &interface) >= 0);
	assert(interface[0] == '\0');
	assert(sd_bus_message_new_method_return(m, &reply) >= 0);
	assert(sd_bus_message_open_container(reply, 'a', "{sv}") >= 0);
	add(reply, "Id", "s", "nginx.service");
	add(reply, "LoadState", "s", u->load);
	add(reply, "ActiveState", "s", u->active);
	add(reply, "SubState", "s", u->sub);
	add(reply, "Result", "s", u->result);
	add(reply, "StatusText", "s", u->status);
	add(reply, "Type", "s", u->type);
	assert(sd_bus_message_append(reply, "{sv}", "Names", "as", 2,
	    "nginx.service", "web.service") >= 0);
	assert(sd_bus_message_append(reply, "{sv}", "LoadError", "(ss)",
	    "org.x.Bad", "Bad message") >= 0);
	assert(sd_bus_message_append(reply, "{sv}", "CanReload", "b",
	    (int)u->can_reload) >= 0);
	assert(sd_bus_message_append(reply, "{sv}", "ExecMainCode", "i",
	    (int)u->exit_code) >= 0);
	assert(sd_bus_message_append(reply, "{sv}", "ExecMainStatus", "i",
	    (int)u->exit_status) >= 0);
	assert(sd_bus_message_close_container(reply) >= 0);
	assert(sd_bus_send(bus, reply, NULL) >= 0);
	sd_bus_message_unref(reply);
	return 1;
}

static int
handle(sd_bus_message *m, void *arg, sd_bus_error *err)
{
	const char *unit, *member = sd_bus_message_get_member(m);

	if (fake_systemd.is_silent)
		return 1;
	if (sd_bus_message_is_method_call(m, MANAGER, "Subscribe")) {
		fake_systemd.subscribers++;
		return sd_bus_reply_method_return(m, "");
	}
	if (sd_bus_message_is_method_call(m, MANAGER, "LoadUnit")) {
		assert(sd_bus_message_read(m, "s", &unit) >= 0);
		assert(strcmp(unit, "nginx.service") == 0 ||
		    strcmp(unit, "web.service") == 0);
		return sd_bus_reply_method_return(m, "o", UNIT_PATH);
	}
	if (sd_bus_message_is_method_call(m,
	    "org.freedesktop.DBus.Properties", "GetAll")) {
		assert(strcmp(sd_bus_message_get_path(m), UNIT_PATH) == 0);
		return properties(m);
	}
	assert(sd_bus_message_is_method_call(m, MANAGER, NULL));
	assert(strcmp(member, "ReloadUnit") == 0 ||
	    strcmp(member, "RestartUnit") == 0 ||
	    strcmp(member, "StartUnit") == 0);
	return job(m, member);
}

void
fake_systemd_start(struct loop *loop)
{
	static const struct fake_unit good = { .load = "loaded",
	    .active = "active", .sub = "running", .result = "success",
	    .status = "", .type = "notify", .can_reload = true };

	fake_systemd = (struct fake_systemd){ .unit = good, .after = good,
	    .job_ms = 10, .job_result = "done" };
	job_path[0] = '\0';
	assert(sd_bus_new(&bus) >= 0);
	assert(sd_bus_set_address(bus, getenv("DBUS_SYSTEM_BUS_ADDRESS")) >=
	    0);
	assert(sd_bus_set_bus_client(bus, 1) >= 0);
	assert(sd_bus_start(bus) >= 0);
	assert(sd_bus_request_name(bus, "org.freedesktop.systemd1", 0) >= 0);
	assert(sd_bus_add_fallback(bus, NULL, MANAGER_PATH, handle, NULL) >=
	    0);
	fdwatch_init(&watch, loop, ready_cb, NULL);
	timer_init(&job_end, loop, job_end_cb, NULL);
	pump();
}

void
fake_systemd_stop(void)
{
	fdwatch_clear(&watch);
	timer_clear(&job_end);
	bus = sd_bus_flush_close_unref(bus);
}
