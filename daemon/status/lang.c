/* SPDX-License-Identifier: MIT */
#include "daemon/status/lang.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/text.h"

static const char *const words[][2] = {
	{ "acmed: certificates", "acmed 证书" },
	{ "live", "实时更新" },
	{ "Skip to content", "跳到正文" },
	{ "as of %s", "截至 %s" },
	{ "Search by name", "按名称搜索" },
	{ "Search", "搜索" },
	{ "Language", "语言" },
	{ "Needs attention", "需要处理" },
	{ "All is well", "一切正常" },
	{ "No certificates yet", "还没有证书" },
	{ "Add one:", "添加一个：" },
	{ "No certificate matches.", "没有匹配的证书。" },
	{ "1 certificate needs attention", "1 个证书需要处理" },
	{ "%s certificates need attention", "%s 个证书需要处理" },
	{ "urgent", "紧急" },
	{ "with a problem", "有问题" },
	{ "in progress", "进行中" },
	{ "well", "正常" },
	{ "%s certificates", "%s 个证书" },
	{ "%s found", "找到 %s 个" },
	{ "and %s more: show all that need attention",
	    "还有 %s 个：显示所有需要处理的证书" },
	{ "All certificates", "全部证书" },
	{ "Next page", "下一页" },
	{ "First page", "第一页" },
	{ "Name", "名称" },
	{ "State", "状态" },
	{ "Lifetime", "有效期" },
	{ "Expires", "到期" },
	{ "Next", "下一步" },
	{ "Next 60 days", "未来 60 天" },
	{ "renewals", "续期" },
	{ "expiries without a renewal before", "到期（此前未安排续期）" },
	{ "%s: %s renewals, %s expiries", "%s：续期 %s 个，到期 %s 个" },
	{ "Mo", "一" }, { "Tu", "二" }, { "We", "三" }, { "Th", "四" },
	{ "Fr", "五" }, { "Sa", "六" }, { "Su", "日" },
	{ "The configuration is not in force as it is written.",
	    "配置文件有错误，尚未生效。" },
	{ "Nothing is renewed here: the cluster is away.",
	    "集群不可用，本机不会续期任何证书。" },
	{ "Messages cannot be delivered on channel",
	    "无法通过以下渠道发送通知：" },
	{ "A TXT record could not be removed:", "无法删除 TXT 记录：" },
	{ "Back to all certificates", "返回全部证书" },
	{ "There is no certificate of this name.", "没有这个名称的证书。" },
	{ "Timeline", "时间线" },
	{ "What comes next", "接下来" },
	{ "Deployment", "部署" },
	{ "Details", "详细信息" },
	{ "Domain names", "域名" },
	{ "Issued by", "签发机构" },
	{ "Issued", "签发时间" },
	{ "Serial number", "序列号" },
	{ "Key", "密钥类型" },
	{ "Second key", "第二密钥类型" },
	{ "Second serial number", "第二序列号" },
	{ "Validation", "验证方式" },
	{ "DNS provider", "DNS 服务商" },
	{ "Account", "账户" },
	{ "Why not the first CA", "未使用首选签发机构的原因" },
	{ "Configured in", "配置位置" },
	{ "Files", "文件目录" },
	{ "Self-signed placeholder", "自签名占位证书" },
	{ "no deploy targets", "没有部署目标" },
	{ "Watched, renewed by others", "受监视（由他人续期）" },
	{ "ends %s", "%s到期" },
	{ "ends soon", "即将到期" },
	{ "wrong", "有问题" },
	{ "not answering", "无应答" },
	{ "not looked at yet", "尚未检查" },
	{ "No events yet.", "还没有记录。" },
	{ "expired", "已过期" },
	{ "not issued", "未签发" },
	{ "%s left", "剩余 %s" },
	{ "issued", "签发" },
	{ "renewal", "续期" },
	{ "expires", "到期" },
	{ "failures in a row: %s", "连续失败 %s 次" },
	/* Conditions. */
	{ "missing", "未签发" },
	{ "renewing", "续期中" },
	{ "failing", "续期失败" },
	{ "serving old", "服务器仍在使用旧证书" },
	{ "not deployed", "部署失败" },
	{ "rolled back", "已回滚" },
	{ "deploying", "部署中" },
	{ "names missing", "缺少域名" },
	{ "other CA", "签发机构已变更" },
	{ "staging", "测试证书" },
	{ "valid", "有效" },
	{ "paused", "已暂停" },
	/* Targets. */
	{ "pending", "等待部署" },
	{ "running", "部署中" },
	{ "verifying", "验证中" },
	{ "done", "已部署" },
	{ "failed", "部署失败" },
	/* What comes next. */
	{ "being renewed now", "正在续期" },
	{ "renewal %s", "%s续期" },
	{ "next attempt %s", "%s再次尝试" },
	{ "deployment %s", "%s再次部署" },
	{ "asks its repository %s", "%s向仓库查询" },
	{ "is taken in %s", "%s导入" },
	{ "waits for acmectl put", "等待 acmectl put" },
	{ "paused by the CA, until acmectl renew-now",
	    "已被签发机构暂停，直到运行 acmectl renew-now" },
	{ "paused, until acmectl resume", "已暂停，直到运行 acmectl resume" },
	{ "paused, until %s", "已暂停，直到 %s" },
	{ "nothing", "无" },
	{ "The CA suggests this time (ARI).", "该时间由签发机构建议（ARI）。" },
	{ "Names that the CA did not validate are tried again.",
	    "将重试 CA 未能验证的域名。" },
	{ "It comes from another CA than its account names now.",
	    "账户已改用另一家签发机构。" },
	{ "Renewed before it expires; the exact time is spread so that not "
	    "all come at once.", "在到期前续期；时间会错开，避免集中续期。" },
	{ "The last attempt failed. acmed waits longer after each failure.",
	    "上次尝试失败。每次失败后等待时间会延长。" },
	{ "A deploy target failed and is tried again.",
	    "部署目标失败，将再次尝试。" },
	{ "The CA has paused a name: see below what it asks for.",
	    "签发机构已暂停其中的域名：请按下面的说明操作。" },
	{ "Somebody paused it.", "已被人工暂停。" },
	{ "It is watched in its repository.",
	    "由仓库提供，acmed 会定期查询。" },
	/* What to do. */
	{ "Find the cause:", "检查原因：" },
	{ "Deploy again:", "重新部署：" },
	{ "Then try again:", "然后重试：" },
	{ "See its log:", "查看日志：" },
};

static const char *const months[] = { "Jan", "Feb", "Mar", "Apr", "May",
    "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };

const char *
lang_tag(enum lang lang)
{
	return lang == LANG_ZH ? "zh-CN" : "en";
}

enum lang
lang_parse(const char *s)
{
	return s == NULL ? LANG_END : strcmp(s, "zh") == 0 ? LANG_ZH :
	    strcmp(s, "en") == 0 ? LANG_EN : LANG_END;
}

/* The weight of one "zh-CN;q=0.8"; 1 without q. */
static double
weight(const char *range, size_t len)
{
	const char *q = memmem(range, len, "q=", 2);

	return q == NULL ? 1 : strtod(q + 2, NULL);
}

enum lang
lang_of_header(const char *header)
{
	double best = 0, w;
	enum lang found = LANG_EN;

	while (header != NULL && *header != '\0') {
		size_t len = strcspn(header, ",");
		const char *range = header + strspn(header, " \t");
		enum lang lang = strncasecmp(range, "zh", 2) == 0 ? LANG_ZH :
		    strncasecmp(range, "en", 2) == 0 ? LANG_EN : LANG_END;

		w = lang != LANG_END ? weight(header, len) : 0;
		if (w > best) {
			best = w;
			found = lang;
		}
		header += len + (header[len] == ',');
	}
	return found;
}

const char *
lang_word(enum lang lang, const char *english)
{
	if (lang == LANG_EN)
		return english;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (strcmp(words[i][0], english) == 0)
			return words[i][1];
	}
	return english;
}

const char *
lang_span(enum lang lang, time_t seconds, char out[LANG_TIME_MAX])
{
	static const struct {
		time_t		 unit;
		const char	*one, *en, *zh;
	} u[] = {
		{ 86400, "day", "days", "天" },
		{ 3600, "hour", "hours", "小时" },
		{ 60, "minute", "minutes", "分钟" },
		{ 1, "second", "seconds", "秒" },
	};
	size_t i = 0;

	/* Two of the larger unit at least: "36 hours", "90 minutes". */
	while (i < 3 && seconds < 2 * u[i].unit)
		i++;
	(void)text_printf(out, LANG_TIME_MAX, "%lld %s",
	    (long long)(seconds / u[i].unit), lang == LANG_ZH ? u[i].zh :
	    seconds / u[i].unit == 1 ? u[i].one : u[i].en);
	return out;
}

const char *
lang_relative(enum lang lang, time_t at, time_t now, char out[LANG_TIME_MAX])
{
	char span[LANG_TIME_MAX];

	if (at >= now - 1 && at <= now + 1)
		(void)text_printf(out, LANG_TIME_MAX, "%s",
		    lang == LANG_ZH ? "现在" : "now");
	else if (at > now)
		(void)text_printf(out, LANG_TIME_MAX, lang == LANG_ZH ?
		    "%s后" : "in %s", lang_span(lang, at - now, span));
	else
		(void)text_printf(out, LANG_TIME_MAX, lang == LANG_ZH ?
		    "%s前" : "%s ago", lang_span(lang, now - at, span));
	return out;
}

const char *
lang_time(enum lang lang, time_t at, char out[LANG_TIME_MAX])
{
	struct tm tm;

	if (localtime_r(&at, &tm) == NULL)
		(void)text_printf(out, LANG_TIME_MAX, "?");
	else if (lang == LANG_ZH)
		(void)text_printf(out, LANG_TIME_MAX,
		    "%d-%02d-%02d %02d:%02d", tm.tm_year + 1900,
		    tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min);
	else
		(void)text_printf(out, LANG_TIME_MAX, "%d %s %d, %02d:%02d",
		    tm.tm_mday, months[tm.tm_mon], tm.tm_year + 1900,
		    tm.tm_hour, tm.tm_min);
	return out;
}

const char *
lang_month(enum lang lang, time_t at, char out[LANG_TIME_MAX])
{
	struct tm tm;

	if (localtime_r(&at, &tm) == NULL)
		(void)text_printf(out, LANG_TIME_MAX, "?");
	else if (lang == LANG_ZH)
		(void)text_printf(out, LANG_TIME_MAX, "%d月", tm.tm_mon + 1);
	else
		(void)text_printf(out, LANG_TIME_MAX, "%s",
		    months[tm.tm_mon]);
	return out;
}

const char *
lang_day(enum lang lang, time_t at, char out[LANG_TIME_MAX])
{
	struct tm tm;

	if (localtime_r(&at, &tm) == NULL)
		(void)text_printf(out, LANG_TIME_MAX, "?");
	else if (lang == LANG_ZH)
		(void)text_printf(out, LANG_TIME_MAX, "%d月%d日",
		    tm.tm_mon + 1, tm.tm_mday);
	else
		(void)text_printf(out, LANG_TIME_MAX, "%d %s", tm.tm_mday,
		    months[tm.tm_mon]);
	return out;
}
