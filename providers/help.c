/* SPDX-License-Identifier: MIT */
/* The small help that providers/provider.h offers. */
#include <stdlib.h>
#include <string.h>

#include "common/names.h"
#include "providers/provider.h"

const char *
provider_relative(const char *fqdn, const char *zone, const char *root,
    char *out, size_t size)
{
	size_t n = strlen(fqdn), z = strlen(zone);

	if (n > z + 1 && fqdn[n - z - 1] == '.' &&
	    strcmp(fqdn + n - z, zone) == 0)
		(void)text_printf(out, size, "%.*s", (int)(n - z - 1), fqdn);
	else
		(void)text_printf(out, size, "%s", root);
	return out;
}

bool
provider_name_is(const char *there, const char *name)
{
	return dname_is_shown(there, name);
}

bool
provider_is_txt(const char *type)
{
	return type != NULL && strcasecmp(type, "TXT") == 0;
}

const char *
provider_type(const struct provider_call *c)
{
	return c->is_caa ? "CAA" : "TXT";
}

bool
provider_is_type(const struct provider_call *c, const char *type)
{
	return type != NULL && strcasecmp(type, provider_type(c)) == 0;
}

bool
provider_is_at_name(const struct provider_call *c, const char *there)
{
	char ours[256];

	if (there == NULL)
		return false;
	if (provider_name_is(there, c->fqdn))
		return true;
	(void)provider_relative(c->fqdn, c->zone, "", ours, sizeof(ours));
	return ours[0] == '\0' ? there[0] == '\0' || strcmp(there, "@") == 0 :
	    provider_name_is(there, ours);
}

/* The character at *p, which is moved behind it: \" and \059 are one. */
static unsigned char
txt_char(const char **p)
{
	const char *s = *p;

	if (s[0] != '\\' || s[1] == '\0') {
		*p = s + 1;
		return (unsigned char)s[0];
	}
	if (strspn(s + 1, "0123456789") >= 3) {
		*p = s + 4;
		return (unsigned char)((s[1] - '0') * 100 +
		    (s[2] - '0') * 10 + s[3] - '0');
	}
	*p = s + 2;
	return (unsigned char)s[1];
}

bool
provider_txt_is(const char *content, const char *value)
{
	bool is_quoted;

	content += strspn(content, " \t");
	is_quoted = *content == '"';
	/* "one" "two": strings are joined, what is between them is not ours. */
	for (bool inside = !is_quoted; *content != '\0';) {
		if (is_quoted && *content == '"') {
			inside = !inside;
			content++;
		} else if (inside) {
			if (*value == '\0' ||
			    (unsigned char)*value++ != txt_char(&content))
				return false;
		} else if (*content != ' ' && *content != '\t') {
			return false;
		} else {
			content++;
		}
	}
	return *value == '\0';
}

bool
provider_caa_read(const char *content, struct provider_caa *caa)
{
	char *end;
	size_t n;

	caa->flags = (unsigned)strtoul(content, &end, 10);
	if (end == content || caa->flags > 255)
		return false;
	content = end + strspn(end, " \t");
	n = strcspn(content, " \t");
	if (n == 0 || !text_printf(caa->tag, sizeof(caa->tag), "%.*s", (int)n,
	    content))
		return false;
	content += n;
	content += strspn(content, " \t");
	n = strlen(content);
	if (n > 1 && content[0] == '"' && content[n - 1] == '"') {
		content++;
		n -= 2;
	}
	return n > 0 && text_printf(caa->value, sizeof(caa->value), "%.*s",
	    (int)n, content);
}

static bool
caa_is(const char *content, const char *value)
{
	struct provider_caa there, ours;

	return provider_caa_read(content, &there) &&
	    provider_caa_read(value, &ours) && there.flags == ours.flags &&
	    strcasecmp(there.tag, ours.tag) == 0 &&
	    strcmp(there.value, ours.value) == 0;
}

bool
provider_value_is(const struct provider_call *c, const char *content,
    const char *value)
{
	return c->is_caa ? caa_is(content, value) :
	    provider_txt_is(content, value);
}

const char *
provider_content(const struct provider_call *c, const char *value,
    char out[PROVIDER_CONTENT_SIZE])
{
	(void)text_printf(out, PROVIDER_CONTENT_SIZE, c->is_caa ? "%s" :
	    "\"%s\"", value);
	return out;
}

size_t
provider_wanted(const struct provider_call *c)
{
	return c->is_add ? c->n_batch : 0;
}

bool
provider_in_batch(const struct provider_call *c, const char *content)
{
	for (size_t i = 0; i < c->n_batch; i++) {
		if (provider_value_is(c, content, c->batch[i]))
			return true;
	}
	return false;
}

size_t
provider_set_holds(const struct provider_call *c, const json_t *set)
{
	size_t n = 0;

	for (size_t i = 0; i < c->n_batch; i++) {
		for (size_t j = 0; j < json_array_size(set); j++) {
			const char *s = json_string_value(
			    json_array_get(set, j));

			if (s != NULL && provider_value_is(c, s,
			    c->batch[i])) {
				n++;
				break;
			}
		}
	}
	return n;
}

json_t *
provider_set_changed(const struct provider_call *c, const json_t *set,
    bool is_add)
{
	json_t *out = json_array();
	char text[PROVIDER_CONTENT_SIZE];

	for (size_t i = 0; i < json_array_size(set); i++) {
		json_t *v = json_array_get(set, i);
		const char *s = json_string_value(v);

		if (s == NULL || !provider_in_batch(c, s))
			json_array_append(out, v);
	}
	for (size_t i = 0; is_add && i < c->n_batch; i++)
		json_array_append_new(out, json_string(provider_content(c,
		    c->batch[i], text)));
	return out;
}
