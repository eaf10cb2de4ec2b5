/* SPDX-License-Identifier: MIT */
/* ACME Renewal Information (RFC 9773): reading it, and the request. */
#include <jansson.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/clock.h"
#include "common/error.h"
#include "common/json.h"
#include "common/mem.h"
#include "common/text.h"
#include "daemon/acme/acme_priv.h"
#include "daemon/acme/message.h"
#include "daemon/io/http.h"

#define REPLY_MAX 16384
#define TIMEOUT_MS 30000
#define ASK_MIN_S 60
#define ASK_MAX_S 86400
#define ASK_DEFAULT_S (6 * 3600)

#define malformed(err, ...) \
	error_set(err, ERR_REJECTED, "acme:badReply", __VA_ARGS__)

/* Exactly n digits, as a number up to max; moves *s on. */
static bool
scan(const char **s, size_t n, int max, int *out)
{
	for (*out = 0; n > 0; n--, (*s)++) {
		if (**s < '0' || **s > '9')
			return false;
		*out = *out * 10 + (**s - '0');
	}
	return *out <= max;
}

static bool
skip(const char **s, const char *set)
{
	if (**s == '\0' || strchr(set, **s) == NULL)
		return false;
	(*s)++;
	return true;
}

/* ".123": at least one digit; what is less than a second is dropped. */
static bool
skip_fraction(const char **s)
{
	size_t n;

	if (**s != '.')
		return true;
	(*s)++;
	n = strspn(*s, "0123456789");
	*s += n;
	return n >= 1 && n <= 18;
}

/* "Z", "+01:00": seconds east of UTC. */
static bool
scan_zone(const char **s, int *east)
{
	int sign = **s == '-' ? -1 : 1, hour, minute;

	*east = 0;
	if (skip(s, "Zz"))
		return **s == '\0';
	if (!skip(s, "+-") || !scan(s, 2, 23, &hour) || !skip(s, ":") ||
	    !scan(s, 2, 59, &minute))
		return false;
	*east = sign * (hour * 3600 + minute * 60);
	return **s == '\0';
}

bool
message_time(const char *s, time_t *out)
{
	int year, month, day, east;
	struct tm tm = { 0 }, same;

	if (!scan(&s, 4, 9999, &year) || !skip(&s, "-") ||
	    !scan(&s, 2, 12, &month) || !skip(&s, "-") ||
	    !scan(&s, 2, 31, &day) || !skip(&s, "Tt ") ||
	    !scan(&s, 2, 23, &tm.tm_hour) || !skip(&s, ":") ||
	    !scan(&s, 2, 59, &tm.tm_min) || !skip(&s, ":") ||
	    !scan(&s, 2, 60, &tm.tm_sec) || !skip_fraction(&s) ||
	    !scan_zone(&s, &east) || year < 1970 || month < 1 || day < 1)
		return false;
	tm.tm_year = year - 1900;
	tm.tm_mon = month - 1;
	tm.tm_mday = day;
	same = tm;
	*out = timegm(&same);
	/* The 31st of February would become another day. */
	if (same.tm_mday != day && tm.tm_sec != 60)
		return false;
	*out -= east;
	return *out > 0;
}

static int
read_window(const json_t *o, struct acme_renewal_info *info,
    struct error *err)
{
	const char *start = jsonx_str(o, "suggestedWindow.start");
	const char *end = jsonx_str(o, "suggestedWindow.end");

	if (start == NULL || end == NULL)
		return malformed(err, "it has no suggestedWindow");
	if (!message_time(start, &info->start))
		return malformed(err, "its window begins at \"%.60s\"", start);
	if (!message_time(end, &info->end))
		return malformed(err, "its window ends at \"%.60s\"", end);
	/* RFC 9773 section 4.2: such an object is invalid. */
	if (info->end <= info->start)
		return malformed(err, "its window ends before it begins");
	return 0;
}

int
message_renewal_info(const char *text, size_t len,
    struct acme_renewal_info *info, struct error *err)
{
	struct error syntax;
	json_t *o = jsonx_parse(text, len, &syntax);
	const char *why;
	int rc;

	if (o == NULL)
		return malformed(err, "%s", syntax.msg);
	rc = read_window(o, info, err);
	why = jsonx_str(o, "explanationURL");
	/* People are going to open it. */
	if (why != NULL && strncasecmp(why, "https://", 8) != 0 &&
	    strncasecmp(why, "http://", 7) != 0)
		why = NULL;
	if (rc == 0) {
		(void)text_printf(info->explanation,
		    sizeof(info->explanation), "%s", why != NULL ? why : "");
		text_clean(info->explanation);
	}
	json_decref(o);
	return rc;
}

/* --- the request --- */

static void
tell_error(struct acme_op *op, const struct error *err)
{
	op->done.renewal(err, NULL, op->arg);
}

/* Bounded, so that neither a mistake nor malice of the CA floods or mutes. */
static time_t
ask_again_at(time_t asked)
{
	time_t now = clock_now();

	if (asked == 0)
		return now + ASK_DEFAULT_S;
	if (asked < now + ASK_MIN_S)
		return now + ASK_MIN_S;
	return asked < now + ASK_MAX_S ? asked : now + ASK_MAX_S;
}

static void
answer(struct acme_op *op, const struct http_reply *reply)
{
	struct acme_renewal_info info;
	struct error err;

	if (message_renewal_info(reply->body, reply->body_len, &info,
	    &err) == -1) {
		(void)error_wrap(&err, "%s", op->act->what);
		op_fail(op, &err);
		return;
	}
	info.retry_at = ask_again_at(http_reply_retry_at(reply));
	op->done.renewal(NULL, &info, op->arg);
	op_free(op);
}

static const struct act renewal_info_act = {
	.what = "renewal info",
	.answer = answer,
	.tell_error = tell_error,
};

struct acme_op *
acme_renewal_info_start(struct acme *a, const char *ari_id,
    acme_renewal_info_cb *done, void *arg)
{
	const struct client_request request = {
		.what = renewal_info_act.what,
		.target = CLIENT_RENEWAL_INFO,
		.url = ari_id,
		.max_reply = REPLY_MAX,
		.timeout_ms = TIMEOUT_MS,
	};
	struct acme_op *op = op_new(a, &renewal_info_act, arg);

	op->done.renewal = done;
	op->request = client_start(a->client, &request, op_request_done, op);
	return op;
}
