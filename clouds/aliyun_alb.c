/* SPDX-License-Identifier: MIT */
/*
 * aliyun-alb - Alibaba Cloud Application Load Balancer, API of 2020-06-16
 * (https://help.aliyun.com/zh/slb/application-load-balancer/developer-reference/).
 * Steps are NLB's as well.  No ClientToken is sent: what a repeated one would
 * answer is an older call's answer, and all steps read before they write.
 */
#include <string.h>

#include "clouds/aliyun_lb.h"

enum { OURS, OLD };			/* in is_bound */

static void
action(const struct cloud_call *c, struct preq *rq, const char *name)
{
	const struct aliyun_lb *s = c->service;
	char host[128];

	(void)text_printf(host, sizeof(host), "%s.%s.aliyuncs.com", s->name,
	    provider_str(c->values, ALIYUN_LB_REGION));
	aliyun_action(rq, &(struct aliyun_service){ host, s->version }, name);
}

static void
listener(const struct cloud_call *c, struct preq *rq, const char *name)
{
	action(c, rq, name);
	preq_query(rq, "ListenerId", provider_str(c->values,
	    ALIYUN_LB_LISTENER));
}

static bool
is_additional(const struct cloud_call *c)
{
	return strcmp(provider_str(c->values, ALIYUN_LB_ROLE),
	    "additional") == 0;
}

/* Is that the certificate of this id of CAS? */
static bool
is_id(const struct cloud_call *c, const char *there, const char *id)
{
	char own[CLOUD_ID_SIZE + 32];

	return there != NULL && id[0] != '\0' && strcmp(there,
	    aliyun_cas_identifier(c, id, own, sizeof(own))) == 0;
}

/* --- what is bound --- */

static int
look_default(void *user, struct preq *rq, struct error *err)
{
	const struct cloud_call *c = user;

	if (!is_additional(c))
		listener(c, rq, "GetListenerAttribute");
	return 0;
}

/* ALB has objects, NLB ids. */
static enum rest_next
default_told(void *user, const struct rest_answer *a, struct error *err)
{
	struct cloud_call *c = user;
	const json_t *all = jsonx_get(a->json, "Certificates"), *entry;
	size_t i;

	if (all == NULL)
		all = jsonx_get(a->json, "CertificateIds");
	c->is_bound[OURS] = false;
	json_array_foreach(all, i, entry) {
		const char *id = json_is_string(entry) ?
		    json_string_value(entry) :
		    jsonx_str(entry, "CertificateId");

		if (jsonx_bool(entry, "IsDefault", true))
			c->is_bound[OURS] |= is_id(c, id, c->id);
	}
	c->is_right = c->is_bound[OURS];
	return REST_NEXT;
}

static int
list(void *user, struct preq *rq, struct error *err)
{
	const struct cloud_call *c = user;

	if (!is_additional(c))
		return 0;
	listener(c, rq, "ListListenerCertificates");
	preq_query_number(rq, "MaxResults", 100);
	if (c->cursor[0] != '\0')
		preq_query(rq, "NextToken", c->cursor);
	return 0;
}

static enum rest_next
listed(void *user, const struct rest_answer *a, struct error *err)
{
	struct cloud_call *c = user;
	const json_t *all = rest_entries(a, "Certificates", "TotalCount", err);
	const json_t *entry;
	const char *next = jsonx_str(a->json, "NextToken");
	size_t i;

	if (all == NULL)
		return REST_FAIL;
	if (c->cursor[0] == '\0')
		c->is_bound[OURS] = c->is_bound[OLD] = false;
	json_array_foreach(all, i, entry) {
		const char *id = jsonx_str(entry, "CertificateId");

		if (jsonx_bool(entry, "IsDefault", false))
			continue;
		c->is_bound[OURS] |= is_id(c, id, c->id);
		c->is_bound[OLD] |= strcmp(c->bound_id, c->id) != 0 &&
		    is_id(c, id, c->bound_id);
	}
	if (next != NULL && *next != '\0')
		return jsonx_copy_str(a->json, "NextToken", c->cursor,
		    sizeof(c->cursor), err) == -1 ? REST_FAIL : REST_AGAIN;
	c->is_right = c->is_bound[OURS] && !c->is_bound[OLD];
	return REST_NEXT;
}

const struct rest_step aliyun_lb_look[] = {
	{ .name = "read the listener", .request = look_default,
	    .reply = default_told },
	{ .name = "read its certificates", .request = list,
	    .reply = listed },
	{ .name = NULL }
};

/* --- bind --- */

static int
bind(void *user, struct preq *rq, struct error *err)
{
	struct cloud_call *c = user;
	const struct aliyun_lb *s = c->service;
	char id[CLOUD_ID_SIZE + 32];

	if (c->is_bound[OURS])
		return 0;
	cloud_say(c, "binding certificate %s to listener %s", c->id,
	    provider_str(c->values, ALIYUN_LB_LISTENER));
	listener(c, rq, is_additional(c) ?
	    "AssociateAdditionalCertificatesWithListener" :
	    "UpdateListenerAttribute");
	preq_query(rq, is_additional(c) ? s->add_id : s->update_id,
	    aliyun_cas_identifier(c, c->id, id, sizeof(id)));
	return 0;
}

/* memo: the job that the next step waits for. */
static enum rest_next
begun(void *user, const struct rest_answer *a, struct error *err)
{
	struct cloud_call *c = user;
	const char *id = jsonx_str(a->json, "JobId");

	if (id == NULL)
		return cloud_lacks("JobId", err);
	json_decref(c->memo);
	c->memo = json_string(id);
	return REST_NEXT;
}

static int
ask_job(void *user, struct preq *rq, struct error *err)
{
	const struct cloud_call *c = user;
	const struct aliyun_lb *s = c->service;

	if (c->memo == NULL)
		return 0;
	action(c, rq, s->job);
	preq_query(rq, s->job_id, json_string_value(c->memo));
	return 0;
}

/* One of a list, or the answer itself. */
static enum rest_next
job_told(void *user, const struct rest_answer *a, struct error *err)
{
	struct cloud_call *c = user;
	const json_t *jobs = jsonx_get(a->json, "Jobs");
	const json_t *job = jobs == NULL ? a->json :
	    json_array_get(jobs, 0);
	const char *status = jsonx_str(job, "Status");
	const char *words = jsonx_str(job, "ErrorMessage");

	if (status == NULL)
		return jobs != NULL ? REST_POLL : cloud_lacks("Status", err);
	if (strcmp(status, "Failed") == 0) {
		(void)error_set(err, ERR_REJECTED, "provider:refused",
		    "the change failed: %s", words != NULL ? words :
		    "the vendor does not say why");
		return REST_FAIL;
	}
	if (strcmp(status, "Succeeded") != 0)
		return REST_POLL;
	json_decref(c->memo);
	c->memo = NULL;
	return REST_NEXT;
}

/* After the new one is there: there is no gap. */
static int
drop(void *user, struct preq *rq, struct error *err)
{
	struct cloud_call *c = user;
	const struct aliyun_lb *s = c->service;
	char id[CLOUD_ID_SIZE + 32];

	if (!is_additional(c) || !c->is_bound[OLD])
		return 0;
	listener(c, rq, s->drop);
	preq_query(rq, s->add_id, aliyun_cas_identifier(c, c->bound_id, id,
	    sizeof(id)));
	return 0;
}

const struct rest_step aliyun_lb_bind[] = {
	{ .name = "bind", .request = bind, .reply = begun,
	    .refused = aliyun_wait_if_busy },
	{ .name = "wait", .request = ask_job, .reply = job_told },
	{ .name = "take out the one before", .request = drop, .reply = begun,
	    .refused = aliyun_wait_if_busy },
	{ .name = "wait", .request = ask_job, .reply = job_told },
	{ .name = NULL }
};

int
aliyun_lb_check(const struct provider_values *values, struct error *err)
{
	const char *role = provider_str(values, ALIYUN_LB_ROLE);

	if (strcmp(role, "default") != 0 && strcmp(role, "additional") != 0)
		return error_set(err, ERR_CONFIG, "config:value",
		    "certificate = \"%.100s\"; allowed: default, additional",
		    role);
	if (aliyun_check_region(provider_str(values, ALIYUN_LB_REGION),
	    err) == -1)
		return -1;
	return cloud_check_site(values, err);
}

static const struct provider_opt opts[] = { ALIYUN_LB_OPTS };

static const struct aliyun_lb alb = {
	.name = "alb", .version = "2020-06-16",
	.update_id = "Certificates.1.CertificateId",
	.add_id = "Certificates.1.CertificateId",
	.drop = "DissociateAdditionalCertificatesFromListener",
	.job = "ListAsynJobs", .job_id = "JobIds.1",
};

const struct cloud cloud_aliyun_alb = {
	.name = "aliyun-alb",
	.title = "Alibaba Cloud Application Load Balancer (ALB)",
	.doc = "Uploads the certificate to CAS and binds it to an HTTPS or QUIC "
	    "listener, which is there already: as its default, or as one more, "
	    "in whose place the next one comes.",
	.policy = "{\n"
	    "  \"Version\": \"1\",\n"
	    "  \"Statement\": [ {\n"
	    "    \"Effect\": \"Allow\",\n"
	    "    \"Action\": [ \"alb:GetListenerAttribute\",\n"
	    "      \"alb:ListListenerCertificates\",\n"
	    "      \"alb:UpdateListenerAttribute\",\n"
	    "      \"alb:AssociateAdditionalCertificatesWithListener\",\n"
	    "      \"alb:DissociateAdditionalCertificatesFromListener\",\n"
	    "      \"alb:ListAsynJobs\" ],\n"
	    "    \"Resource\": \"*\"\n"
	    "  }, {\n"
	    "    \"Effect\": \"Allow\",\n"
	    "    \"Action\": [ \"yundun-cert:UploadUserCertificate\",\n"
	    "      \"yundun-cert:ListUserCertificateOrder\",\n"
	    "      \"yundun-cert:DeleteUserCertificate\" ],\n"
	    "    \"Resource\": \"*\"\n"
	    "  } ]\n"
	    "}\n",
	.example = "region = \"cn-hangzhou\"\n"
	    "listener_id = \"lsn-0123456789\"\n"
	    "domains = { \"www.example.com\" }\n",
	.credentials = "aliyun",
	.opts = opts,
	.check = aliyun_lb_check,
	.store = &aliyun_cas_store,
	.within = (const char *const []){ "listener_id", NULL },
	.api = &aliyun_api,
	.service = &alb,
	.look = aliyun_lb_look,
	.bind = aliyun_lb_bind,
};
