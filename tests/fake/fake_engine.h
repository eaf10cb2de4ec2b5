/* SPDX-License-Identifier: MIT */
/*
 * fake_engine - the functions of daemon/engine/engine.h, and persist_job.h,
 * that control/ calls, with certificates "a.example", "b.example" and
 * "www.example", and events that the test makes.
 */
#ifndef TESTS_FAKE_FAKE_ENGINE_H
#define TESTS_FAKE_FAKE_ENGINE_H

#include <stdbool.h>
#include <stddef.h>

struct engine;
struct persist_job_args;

struct engine	*fake_engine_new(void);
/* Fails if somebody is still subscribed. */
void		 fake_engine_free(struct engine *);
/* Names that engine_renew_now() was called with, one space after each. */
const char	*fake_engine_renewed(const struct engine *);
/* engine_renew_now() was called, also in vain. */
unsigned fake_engine_renew_calls(const struct engine *);
size_t		 fake_engine_subs(const struct engine *);
/* engine_renew_now() refuses with "engine:stopping". */
void		 fake_engine_set_stopping(struct engine *, bool);
/* The CA has asked "b.example" to wait. */
void		 fake_engine_set_held(struct engine *, bool);
/* engine_renew_now() runs and ends at once, inside the call. */
void		 fake_engine_set_instant(struct engine *, bool);
/* "b.example" is missing, and the configuration has a mistake. */
void		 fake_engine_set_ill(struct engine *, bool);
/* There are n certificates more; engine_cert_brief() calls. */
void		 fake_engine_many(struct engine *, size_t n);
size_t		 fake_engine_shown(const struct engine *);
/* Tell the subscribers; end: the run is over, with this result. */
void		 fake_engine_step(struct engine *, const char *cert,
		    const char *step, const char *msg);
void		 fake_engine_end(struct engine *, const char *cert, bool ok);
/* preflight_start() calls: "NAME " of each, then "+" with a probe or "-". */
const char	*fake_engine_checked(const struct engine *);
/* Checks under way. */
size_t		 fake_engine_checks(const struct engine *);
/* Tell a line of all that are under way; with msg NULL end them. */
void		 fake_engine_check_line(struct engine *, const char *msg);
/* preflight_stop_all() with "engine:stopping". */
void		 fake_engine_check_stop(struct engine *);

/* daemon/persist/persist_job.h: the jobs under way; the arguments of the last
 * one; end one, well or with "persist:no-issuer". */
size_t		 fake_engine_jobs(const struct engine *);
const struct persist_job_args *fake_engine_job_args(const struct engine *);
void		 fake_engine_job_end(struct engine *, bool ok);
/* daemon/manage/manage.h: end the first job; false if there is none. */
bool		 fake_engine_manage_end(struct engine *);

#endif
