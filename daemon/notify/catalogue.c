/* SPDX-License-Identifier: MIT */
#include "daemon/notify/catalogue.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "common/text.h"

#define ONE(ev)  [P_LEAD_ONE + (ev)]
#define MANY(ev) [P_LEAD_MANY + (ev)]

static const struct { const char *en, *zh; } phrases[] = {
	[P_SUBJ_FAILED] = { "{name}: renewal fails{left}",
	    "{name}：续期失败{left}" },
	[P_SUBJ_EXPIRING] = { "{name}: not renewed{left}",
	    "{name}：尚未续期{left}" },
	[P_SUBJ_EXPIRED] = { "{name}: EXPIRED", "{name}：证书已过期" },
	[P_SUBJ_DEPLOY_EXPIRED] = { "{name}: not deployed, old one EXPIRED",
	    "{name}：未部署，旧证书已过期" },
	[P_SUBJ_SERVES_EXPIRED] = { "{name}: EXPIRED certificate is served",
	    "{name}：服务器仍在使用已过期的证书" },
	[P_SUBJ_DEPLOY] = { "{name}: deploy fails{left}",
	    "{name}：部署失败{left}" },
	[P_SUBJ_SERVING_OLD] = { "{name}: old certificate served{left}",
	    "{name}：服务器仍在使用旧证书{left}" },
	[P_SUBJ_CLEANUP] = { "{name}: TXT record is not removed",
	    "{name}：TXT 记录无法删除" },
	[P_SUBJ_ACCOUNT] = { "{name}: the CA refuses{left}",
	    "{name}：CA 拒绝请求{left}" },
	[P_SUBJ_CREDENTIALS] = { "{name}: DNS credentials refused{left}",
	    "{name}：DNS 凭据被拒绝{left}" },
	[P_SUBJ_CONFIG] = { "mistakes in the configuration",
	    "配置有错误" },
	[P_SUBJ_RECOVERED] = { "{name}: works again{left}",
	    "{name}：已恢复正常{left}" },
	[P_SUBJ_RENEWED] = { "{name}: renewed{left}",
	    "{name}：已续期{left}" },
	[P_SUBJ_DIGEST] = { "daily digest: {name}", "每日摘要：{name}" },
	[P_SUBJ_REPOSITORY] = { "{name}: repository is not to be trusted",
	    "{name}：仓库内容不可信" },
	[P_SUBJ_START] = { "acmed cannot start", "acmed 无法启动" },
	[P_SUBJ_REVOCATION] = { "{name}: old certificate is not revoked",
	    "{name}：旧证书未能吊销" },
	[P_SUBJ_NAMES] = { "{name}: issued without some of its names",
	    "{name}：证书缺少部分域名" },
	[P_SUBJ_FLEET] = { "{name}: hosts do not have the new certificate"
	    "{left}", "{name}：有主机尚未使用新证书{left}" },
	[P_SUBJ_CLUSTER] = { "nothing is renewed: the cluster is away",
	    "集群不可用，证书未能续期" },
	[P_SUBJ_DIFFERS] = { "members of the cluster have other certificates",
	    "集群成员的证书配置不一致" },
	[P_SUBJ_WATCHED] = { "{name}: watched certificate is not well{left}",
	    "{name}：所监视的证书有问题{left}" },
	[P_SUBJ_WATCHED_ENDS] = { "{name}: watched certificate ends{left}",
	    "{name}：所监视的证书即将到期{left}" },
	[P_SUBJ_GIVEN] = { "{name}: new certificate is not taken in{left}",
	    "{name}：新证书未能导入{left}" },
	[P_SUBJ_GIVEN_ENDS] = { "{name}: ends, nobody renews it here{left}",
	    "{name}：即将到期，本机不负责续期{left}" },
	[P_SUBJ_TEST] = { "test message", "测试消息" },
	[P_AND_MORE] = { "{name} and {n} more", "{name} 等 {n} 个证书" },
	[P_NO_CERT] = { "none yet", "尚无证书" },
	[P_NOT_KNOWN] = { "not known: what is served was never seen",
	    "未知：从未查到服务器所用的证书" },
	[P_LEFT] = { ", {left} left", "，剩余 {left}" },

	ONE(NEV_FAILED) = { "The certificate {name} cannot be renewed.",
	    "证书 {name} 无法续期。" },
	ONE(NEV_EXPIRING) = { "The certificate {name} has not been renewed in "
	    "time.", "证书 {name} 未能按时续期。" },
	ONE(NEV_DEPLOY) = { "The certificate {name} is installed here, but "
	    "the deploy target \"{object}\" fails: the server may not have "
	    "it.",
	    "证书 {name} 已安装到本机，但部署目标“{object}”失败：服务器可能"
	    "尚未使用该证书。" },
	ONE(NEV_SERVING_OLD) = { "The certificate {name} is deployed "
	    "(\"{object}\"), but an earlier one was seen served.",
	    "证书 {name} 已部署（“{object}”），但发现服务器仍在使用旧"
	    "证书。" },
	ONE(NEV_CLEANUP) = { "A TXT record that acmed made for {name} cannot "
	    "be removed.  Renewals are not affected.",
	    "acmed 为 {name} 添加的 TXT 记录无法删除。续期不受影响。" },
	ONE(NEV_ACCOUNT) = { "The CA refuses the account \"{who}\".  {name} "
	    "cannot be renewed.",
	    "CA 拒绝账户“{who}”的请求，证书 {name} 无法续期。" },
	ONE(NEV_CREDENTIALS) = { "The DNS provider \"{who}\" refuses the "
	    "credentials.  {name} cannot be renewed.",
	    "DNS 服务商“{who}”拒绝了凭据，证书 {name} 无法续期。" },
	ONE(NEV_CONFIG) = { "The configuration has mistakes and is not in "
	    "force as it is written.",
	    "配置有错误，因此未能按现有内容生效。" },
	ONE(NEV_RECOVERED) = { "The certificate {name} is renewed again.  The "
	    "reported problem is solved.",
	    "证书 {name} 已恢复续期，之前报告的问题已解决。" },
	ONE(NEV_RENEWED) = { "The certificate {name} is renewed.",
	    "证书 {name} 已续期。" },
	ONE(NEV_DIGEST) = { "", "" },

	MANY(NEV_FAILED) = { "{n} certificates cannot be renewed, for one "
	    "reason.", "{n} 个证书因同一原因无法续期。" },
	MANY(NEV_EXPIRING) = { "{n} certificates have not been renewed in "
	    "time.", "{n} 个证书未能按时续期。" },
	MANY(NEV_DEPLOY) = { "{n} certificates are installed here, but the "
	    "deploy target \"{object}\" fails: the servers may not have "
	    "them.",
	    "{n} 个证书已安装到本机，但部署目标“{object}”失败：服务器可能"
	    "尚未使用这些证书。" },
	MANY(NEV_SERVING_OLD) = { "{n} certificates are deployed, but earlier "
	    "ones were seen served.",
	    "{n} 个证书已部署，但发现服务器仍在使用旧证书。" },
	MANY(NEV_CLEANUP) = { "{n} TXT records that acmed made cannot be "
	    "removed.  Renewals are not affected.",
	    "acmed 添加的 {n} 条 TXT 记录无法删除。续期不受影响。" },
	MANY(NEV_ACCOUNT) = { "The CA refuses the account \"{who}\".  {n} "
	    "certificates cannot be renewed.",
	    "CA 拒绝账户“{who}”的请求，{n} 个证书无法续期。" },
	MANY(NEV_CREDENTIALS) = { "The DNS provider \"{who}\" refuses the "
	    "credentials.  {n} certificates cannot be renewed.",
	    "DNS 服务商“{who}”拒绝了凭据，{n} 个证书无法续期。" },
	MANY(NEV_CONFIG) = { "The configuration has mistakes.",
	    "配置有错误。" },
	MANY(NEV_RECOVERED) = { "{n} certificates are renewed again.  The "
	    "reported problem is solved.",
	    "{n} 个证书已恢复续期，之前报告的问题已解决。" },
	MANY(NEV_RENEWED) = { "{n} certificates are renewed.",
	    "{n} 个证书已续期。" },
	MANY(NEV_DIGEST) = { "", "" },
	ONE(NEV_REPOSITORY) = { "What the repository \"{repository}\" holds "
	    "for {name} is not to be trusted: nothing of it was installed.",
	    "仓库“{repository}”中 {name} 的内容不可信，未安装任何内容。" },
	MANY(NEV_REPOSITORY) = { "What the repository \"{repository}\" holds "
	    "for {n} certificates is not to be trusted: nothing of it was "
	    "installed.",
	    "仓库“{repository}”中 {n} 个证书的内容不可信，未安装任何"
	    "内容。" },

	ONE(NEV_START) = { "acmed cannot start.  Until it does, nothing is "
	    "renewed.  Servers keep using the certificates they have.",
	    "acmed 无法启动，在此之前不会续期任何证书。服务器继续使用现有"
	    "证书。" },
	MANY(NEV_START) = { "", "" },

	ONE(NEV_REVOCATION) = { "A certificate of {name} that is to be "
	    "revoked is not revoked yet.  Renewals are not affected.",
	    "{name} 的一个证书应吊销但尚未吊销。续期不受影响。" },
	MANY(NEV_REVOCATION) = { "{n} certificates that are to be revoked are "
	    "not revoked yet.  Renewals are not affected.",
	    "{n} 个证书应吊销但尚未吊销。续期不受影响。" },

	ONE(NEV_NAMES) = { "The certificate {name} was issued without some of "
	    "its names, as the CA does not validate them.  Browsers warn of "
	    "these names.",
	    "证书 {name} 缺少部分域名：CA 未能验证这些域名。浏览器访问它们时"
	    "会报警。" },
	MANY(NEV_NAMES) = { "{n} certificates were issued without some of "
	    "their names, as the CA does not validate them.  Browsers warn of "
	    "these names.",
	    "{n} 个证书缺少部分域名：CA 未能验证这些域名。浏览器访问它们时"
	    "会报警。" },

	ONE(NEV_WATCHED) = { "A certificate that acmed watches (\"{name}\") "
	    "and does not renew needs attention: {object}.",
	    "acmed 监视（“{name}”）但不负责续期的证书需要处理：{object}。" },
	MANY(NEV_WATCHED) = { "{n} certificates that acmed watches and does "
	    "not renew need attention, for one reason.",
	    "{n} 个由 acmed 监视但不负责续期的证书因同一原因需要处理。" },

	ONE(NEV_FLEET) = { "The certificate {name} is published here, and "
	    "does not get to all hosts.",
	    "证书 {name} 已在此发布，但未能到达所有主机。" },
	MANY(NEV_FLEET) = { "{n} certificates are published here, and do not "
	    "get to all hosts.",
	    "{n} 个证书已在此发布，但未能到达所有主机。" },
	ONE(NEV_CLUSTER) = { "This member of the cluster renews nothing, as "
	    "etcd cannot be reached or refuses.  The certificates in use are "
	    "served and deployed as always.",
	    "无法访问 etcd 或被其拒绝，集群的这个成员不会续期任何证书。"
	    "现有证书照常提供和部署。" },
	MANY(NEV_CLUSTER) = { "This member of the cluster renews nothing.",
	    "集群的这个成员不会续期任何证书。" },

	[P_LEAD_TEST] = { "This is a test message for the channel \"{name}\". "
	    " Nothing is wrong.",
	    "这是通道“{name}”的测试消息，一切正常。" },
	[P_LEAD_GIVEN] = { "A new certificate of {name} cannot be taken in.",
	    "{name} 的新证书无法导入。" },
	[P_LEAD_GIVEN_MANY] = { "New certificates of {n} cannot be taken in, "
	    "for one reason.", "{n} 个新证书因同一原因无法导入。" },
	[P_LEAD_GIVEN_ENDS] = { "The certificate {name} ends, and no one "
	    "renews this: it was bought or made elsewhere.",
	    "证书 {name} 即将到期，且没有人为其续期：它是购买的或在别处"
	    "签发的。" },
	[P_LEAD_GIVEN_ENDS_MANY] = { "{n} certificates end, and no one renews "
	    "these: they were bought or made elsewhere.",
	    "{n} 个证书即将到期，且没有人为其续期：它们是购买的或在别处"
	    "签发的。" },
	[P_LEAD_DIFFERS] = { "Members of the cluster that renew have other "
	    "certificates configured than this one.  Those that one of them "
	    "lacks may be renewed by nobody.",
	    "集群中负责续期的成员所配置的证书与本机不同。某个成员缺少的"
	    "证书可能没有人续期。" },
	[P_RECOVERED_DEPLOY] = { "The deploy target \"{object}\" of {name} "
	    "works again.", "{name} 的部署目标“{object}”已恢复正常。" },
	[P_RECOVERED_CLEANUP] = { "The TXT records are removed.",
	    "TXT 记录已删除。" },
	[P_RECOVERED_REVOCATION] = { "The certificate of {name} that was to be "
	    "revoked is revoked, has expired, or was given up.",
	    "{name} 应吊销的证书已吊销、已过期，或已取消吊销。" },
	[P_RECOVERED_NAMES] = { "The certificate of {name} has all of its "
	    "names again.", "证书 {name} 已重新包含全部域名。" },
	[P_RECOVERED_WATCHED] = { "The watched certificate of {object} "
	    "(\"{name}\") is well again.",
	    "所监视的证书 {object}（“{name}”）已恢复正常。" },
	[P_RECOVERED_FLEET] = { "All hosts serve the certificate {name} that "
	    "is published here.",
	    "所有主机均已使用在此发布的证书 {name}。" },
	[P_RECOVERED_CLUSTER] = { "Nothing is wrong with the cluster any "
	    "more.", "集群已恢复正常。" },
	[P_RECOVERED_CONFIG] = { "The configuration has been reloaded.",
	    "配置已重新加载。" },
	[P_AGAIN] = { "Reported before, and not solved since {since}.",
	    "此问题之前已报告，自 {since} 起一直存在。" },
	[P_WORSE] = { "Reported before, and more urgent now.",
	    "此问题之前已报告，现在更加紧急。" },
	[P_CHANGED] = { "Reported before, with another reason.",
	    "之前报告的是另一个原因。" },

	[P_L_CERT] = { "Certificate", "证书" },
	[P_L_NAMES] = { "Names", "域名" },
	[P_L_EXPIRES] = { "Expires", "到期" },
	[P_L_NEW] = { "New expires", "新证书到期" },
	[P_L_FAILED] = { "Failed", "失败" },
	[P_L_STEP] = { "Step", "步骤" },
	[P_L_OBJECT] = { "Concerns", "对象" },
	[P_L_WHO] = { "With", "涉及" },
	[P_L_REPOSITORY] = { "Repository", "仓库" },
	[P_L_PUBLISHER] = { "Published by", "发布主机" },
	[P_L_REASON] = { "Reason", "原因" },
	[P_L_NEXT] = { "Next try", "下次尝试" },
	[P_L_HOST] = { "Host", "主机" },
	[P_L_TIME] = { "Time", "时间" },
	[P_L_LIST] = { "Certificates", "证书列表" },
	[P_TRIES] = { "{n} times", "{n} 次" },
	[P_SINCE] = { "{n} times since {since}", "自 {since} 起 {n} 次" },
	[P_ONCE] = { "once, at {since}", "{since}，1 次" },
	[P_IN] = { "{at} (in {left})", "{at}（{left}后）" },
	[P_AGO] = { "{at} ({left} ago)", "{at}（{left}前）" },
	[P_NOW] = { "now", "现在" },
	[P_MORE] = { "and {n} more", "另有 {n} 个" },
	[P_DIGEST] = { "{n} certificates: {valid} valid, {failing} failing.",
	    "{n} 个证书：{valid} 个有效，{failing} 个续期失败。" },
	[P_DIGEST_FINE] = { "all is well", "一切正常" },
	[P_DROPPED] = { "Note: {n} older messages could not be delivered for "
	    "too long and were dropped.",
	    "注意：有 {n} 条较早的消息长期无法送达，已被丢弃。" },

	[P_DO] = { "What you can do:", "您可以：" },
	[P_DO_DEFAULT] = { "See every step:\n\tacmectl status {name}\n"
	    "When the cause is fixed:\n\tacmectl renew-now {name}",
	    "查看每个步骤：\n\tacmectl status {name}\n"
	    "排除原因后执行：\n\tacmectl renew-now {name}" },
	[P_DO_LINK] = { "The CA asks for a person: {link}",
	    "CA 要求人工处理：{link}" },
	[P_DO_RATE] = { "Nothing: the CA limits how often it is asked, and "
	    "acmed waits as long as it has to.  Put more names into one "
	    "certificate, or use the staging CA for tests, to need fewer "
	    "requests.",
	    "无需操作：CA 限制了请求频率，acmed 会按要求等待。将更多域名"
	    "合并到一个证书，或减少对正式 CA 的测试，可以减少请求。" },
	[P_DO_PAUSED] = { "Correct what keeps the name from being validated, "
	    "open the link above, and unpause the account there.  Nothing "
	    "is ordered until you ask for it, and a link that has expired "
	    "is replaced then:\n\tacmectl renew-now {name}",
	    "请先排除该域名验证失败的原因，再打开上面的链接解除账户的暂停。"
	    "在您执行以下命令之前不会再下单；链接过期时，此命令会给出新链接："
	    "\n\tacmectl renew-now {name}" },
	[P_DO_CAA] = { "Allow the CA in the CAA record of the domain, or "
	    "remove the record.",
	    "在域名的 CAA 记录中允许该 CA，或删除该记录。" },
	[P_DO_AUTHZ] = { "Check that the domain's name servers are right and "
	    "all give the same answer:\n\tacmectl check {name}",
	    "检查域名的权威服务器是否正确、各处应答是否一致：\n"
	    "\tacmectl check {name}" },
	[P_DO_ZONE] = { "Check that the name is spelled right, and that "
	    "provider \"{who}\" has its zone:\n"
	    "\tacmectl check {name}",
	    "请检查域名是否写对，以及“{who}”是否托管该域名所在的区域：\n"
	    "\tacmectl check {name}" },
	[P_DO_EAB] = { "This CA gives accounts only to those it knows.  Get a "
	    "key identifier and a MAC key from the CA's web site, write them "
	    "into acmed.conf, section account \"{who}\" (eab_kid, "
	    "eab_hmac_key_file), then:\n\tacmectl reload",
	    "该 CA 要求外部账户绑定。请在 CA 网站获取密钥标识和 MAC 密钥，填入 "
	    "acmed.conf 的 account “{who}”一节（eab_kid、"
	    "eab_hmac_key_file），然后执行：\n\tacmectl reload" },
	[P_DO_TOS] = { "Read the CA's terms of service.  If you agree, set "
	    "agree_tos = true in acmed.conf, section account \"{who}\", "
	    "then:\n\tacmectl reload",
	    "请阅读 CA 的服务条款。如同意，请在 acmed.conf 的 account "
	    "“{who}”一节设置 agree_tos = true，然后执行：\n"
	    "\tacmectl reload" },
	[P_DO_NAMES] = { "The CA does not issue for one of these names.  "
	    "Correct or remove it in acmed.conf, section certificate "
	    "\"{name}\", then:\n\tacmectl reload",
	    "CA 不为其中某个域名签发证书。请在 acmed.conf 的 certificate "
	    "“{name}”一节更正或删除该域名，然后执行：\n\tacmectl reload" },
	[P_DO_BAD_REPLY] = { "Perhaps this was not the CA: check the URL of "
	    "the directory, and any proxy or firewall in between:\n"
	    "\tacmectl check {name}",
	    "应答可能并非来自 CA：请检查 directory 的地址，以及中间的代理和"
	    "防火墙：\n\tacmectl check {name}" },
	[P_DO_ANSWERS] = { "This is not what the server named above should "
	    "answer: check its URL in acmed.conf, and any proxy or firewall "
	    "in between:\n\tacmectl check {name}",
	    "上述服务器的应答不正常：请检查 acmed.conf 中的地址，以及中间的"
	    "代理和防火墙：\n\tacmectl check {name}" },
	[P_DO_WAIT] = { "Nothing: acmed tries again by itself.  If it lasts, "
	    "look at the CA's status page, and at any proxy in between:\n"
	    "\tacmectl check {name}",
	    "无需操作：acmed 会自动重试。如果持续出现，请查看 CA 的状态页面，"
	    "以及中间的代理：\n\tacmectl check {name}" },
	[P_DO_WORDS] = { "Read the reason above.  What can be seen from here "
	    "is told by:\n\tacmectl check {name}",
	    "请阅读上面的原因。从本机能看到的问题可以用下面的命令检查：\n"
	    "\tacmectl check {name}" },
	[P_DO_CERT] = { "Nothing: what the CA issued is kept, and another "
	    "one is ordered after an hour.  If it happens again, tell the "
	    "CA.  To order another one now:\n\tacmectl renew-now {name}",
	    "无需操作：CA 已签发的证书会保留，一小时后会重新申请。如果再次"
	    "发生，请联系 CA。要立即重新申请：\n\tacmectl renew-now {name}" },
	[P_DO_DATES] = { "Check this machine's clock.  If it is right, ask "
	    "the CA about these dates:\n\tacmectl check {name}",
	    "请检查本机时钟。如果时钟正确，请向 CA 询问这些日期：\n"
	    "\tacmectl check {name}" },
	[P_DO_CHALLENGE] = { "Choose another challenge in acmed.conf, section "
	    "certificate \"{name}\" (wildcards need dns-01), then:\n"
	    "\tacmectl reload",
	    "请在 acmed.conf 的 certificate “{name}”一节选择其他 challenge"
	    "（通配符域名需要 dns-01），然后执行：\n\tacmectl reload" },
	[P_DO_REACH] = { "Check that the name leads to this server and that "
	    "port 80 can be reached from the Internet:\n"
	    "\tacmectl check {name}",
	    "请检查域名是否解析到本服务器，以及互联网能否访问 80 端口：\n"
	    "\tacmectl check {name}" },
	[P_DO_NETWORK] = { "Check this machine's network: DNS, firewall and "
	    "proxy.  Then:\n\tacmectl check {name}",
	    "请检查本机网络：DNS、防火墙和代理。然后执行：\n"
	    "\tacmectl check {name}" },
	[P_DO_TLS] = { "The server's certificate is not trusted.  Update the "
	    "package ca-certificates; for a private CA, or a proxy that "
	    "inspects TLS, name its certificate with ca_file.  Then:\n"
	    "\tacmectl check {name}",
	    "服务器证书不受信任。请更新软件包 ca-certificates；如使用私有 CA，"
	    "或代理会解密 TLS，请用 ca_file 指定其证书。然后执行：\n"
	    "\tacmectl check {name}" },
	[P_DO_RESOLVERS] = { "Check that this machine's resolvers answer "
	    "(/etc/resolv.conf, or resolvers in acmed.conf):\n"
	    "\tacmectl check {name}",
	    "请检查本机使用的 DNS 解析服务器（/etc/resolv.conf，或 acmed.conf "
	    "中的 resolvers）能否应答：\n\tacmectl check {name}" },
	[P_DO_UPDATE] = { "Check that the name server knows the key of "
	    "provider \"{who}\" and lets it change this name "
	    "(update-policy).  Then:\n\tacmectl check {name}",
	    "请检查 DNS 服务器是否配置了 provider “{who}”的密钥，并允许其修改"
	    "该域名（update-policy）。然后执行：\n"
	    "\tacmectl check {name}" },
	[P_DO_CLOCK] = { "Set this machine's clock, and keep it right:\n"
	    "\ttimedatectl set-ntp true\nacmed goes on as soon as it is.",
	    "请校准本机时钟并启用时间同步：\n"
	    "\ttimedatectl set-ntp true\n时钟正确后 acmed 会自动继续。" },
	[P_DO_DISK] = { "Make room in the file system of the state directory, "
	    "or repair it.  acmed goes on by itself.",
	    "请清理或修复状态目录所在的文件系统，之后 acmed 会自动继续。" },
	[P_DO_STALE] = { "Find out why the servers named above do not get the "
	    "zone's changes (NOTIFY, zone transfer), then:\n"
	    "\tacmectl renew-now {name}",
	    "请检查上述服务器为何没有收到区域的更新（NOTIFY、区域传送），"
	    "然后执行：\n\tacmectl renew-now {name}" },
	[P_DO_ON_ARRIVAL] = { "Compare this machine's clock with the CA's, and "
	    "ask the CA why its certificates are so short-lived:\n"
	    "\tacmectl check {name}\nTo order another one before the next "
	    "try:\n\tacmectl renew-now {name}",
	    "请比较本机与 CA 的时钟，并向 CA 询问证书有效期为何如此短：\n"
	    "\tacmectl check {name}\n如需提前重新申请：\n"
	    "\tacmectl renew-now {name}" },
	[P_DO_ACCOUNT] = { "Do what the CA says above; the account is in "
	    "acmed.conf, section account \"{who}\".  Then:\n"
	    "\tacmectl reload",
	    "请查看上面 CA 的说明；账户在 acmed.conf 的 account “{who}”"
	    "一节中配置。然后执行：\n\tacmectl reload" },
	[P_DO_CREDENTIALS] = { "Give acmed credentials that work, in "
	    "acmed.conf, section provider \"{who}\" (or in the file it "
	    "names).  Then:\n\tacmectl reload",
	    "在 acmed.conf 的 provider “{who}”一节（或其指定的文件）中填写"
	    "有效凭据，然后执行：\n\tacmectl reload" },
	[P_DO_EXPIRING] = { "See what acmed waits for:\n"
	    "\tacmectl status {name}\nRenew now:\n"
	    "\tacmectl renew-now {name}",
	    "查看 acmed 在等待什么：\n\tacmectl status {name}\n"
	    "立即续期：\n\tacmectl renew-now {name}" },
	[P_DO_DEPLOY] = { "acmed tries again by itself.  See what the target "
	    "said:\n\tacmectl status {name}\nWhen the cause is fixed:\n"
	    "\tacmectl deploy {name} {object}",
	    "acmed 会自动重试。查看部署输出：\n\tacmectl status {name}\n"
	    "排除原因后执行：\n\tacmectl deploy {name} {object}" },
	[P_DO_SERVING_OLD] = { "Restart or reload the server, and check that "
	    "it reads the files of {name}:\n\tacmectl status {name}\nThen look "
	    "again:\n\tacmectl deploy {name} {object}",
	    "请重启或重新加载服务器，并确认它读取 {name} 的证书文件：\n"
	    "\tacmectl status {name}\n然后再次检查：\n"
	    "\tacmectl deploy {name} {object}" },
	[P_DO_CLEANUP] = { "Remove the record by hand, or fix what the "
	    "provider complains about.  acmed keeps trying.",
	    "手动删除该记录，或解决服务商报告的问题；acmed 会继续尝试。" },
	[P_DO_REVOCATION] = { "acmed keeps trying until it expires.  See the "
	    "reason:\n\tacmectl status {name}\n"
	    "To give it up:\n\tacmectl revoke --cancel {name}",
	    "acmed 会在其过期之前继续尝试。查看原因：\n"
	    "\tacmectl status {name}\n"
	    "放弃吊销：\n\tacmectl revoke --cancel {name}" },
	[P_DO_MISSING] = { "Correct the DNS or the server of these names, or "
	    "remove them from the configuration.  acmed tries them again once "
	    "a day; to try them now:\n\tacmectl renew-now {name}",
	    "请修正这些域名的 DNS 或服务器，或从配置中删除它们。acmed 每天"
	    "自动重试一次；立即重试：\n\tacmectl renew-now {name}" },
	[P_DO_CSR] = { "Have the request made again where the key is, and put "
	    "it at the path that csr names; acmed looks at it each minute.  "
	    "At once:\n\tacmectl renew-now {name}",
	    "请在私钥所在的机器上重新生成证书请求，并放到 csr 指定的路径；"
	    "acmed 每分钟检查一次。立即执行：\n\tacmectl renew-now {name}" },
	[P_DO_GIVEN] = { "Correct the files, or hand over another pair:\n"
	    "\tacmectl put {name} CHAIN KEY\nacmed looks at them when they "
	    "change; at once after:\n\tacmectl renew-now {name}",
	    "请更正文件，或另外提供一对证书和私钥：\n"
	    "\tacmectl put {name} CHAIN KEY\n文件变化后 acmed 会再次读取；"
	    "立即读取：\n\tacmectl renew-now {name}" },
	[P_DO_GIVEN_ENDS] = { "Get the next certificate, and replace the files "
	    "with it, or:\n\tacmectl put {name} CHAIN KEY",
	    "请获取新证书并替换文件，或执行：\n"
	    "\tacmectl put {name} CHAIN KEY" },
	[P_DO_STOPPED] = { "Look at that host; the others keep the "
	    "certificate that they have.  Then go on, or take the new one "
	    "back:\n\tacmectl rollout {name} continue\n\t"
	    "acmectl rollout {name} rollback",
	    "请检查该主机；其他主机仍使用原有证书。之后可继续，或撤回新"
	    "证书：\n\tacmectl rollout {name} continue\n\t"
	    "acmectl rollout {name} rollback" },
	[P_DO_BEHIND] = { "Look at these hosts: does acmed run there, and "
	    "what does it say?  A host that is gone for good can be "
	    "forgotten:\n\tacmectl status --all-hosts\n\t"
	    "acmectl host forget HOST",
	    "请检查这些主机：acmed 是否在运行、报告了什么。已永久下线的主机"
	    "可以移除：\n\tacmectl status --all-hosts\n\t"
	    "acmectl host forget HOST" },
	[P_DO_WATCHED] = { "Fix it where that certificate is looked after: "
	    "acmed cannot.  It looks again within the hour; at once "
	    "after:\n\tacmectl reload",
	    "请在负责该证书的地方处理，acmed 无法代劳。acmed 一小时内会再次"
	    "检查；立即检查：\n\tacmectl reload" },
	[P_DO_WATCHED_ENDS] = { "Renew it where that certificate is looked "
	    "after, and have the server use the new one: acmed does not renew "
	    "it.  acmed looks again within the hour; at once after:\n"
	    "\tacmectl reload",
	    "请在负责该证书的地方续期，并让服务器使用新证书：acmed 不负责其"
	    "续期。acmed 一小时内会再次检查；立即检查：\n\tacmectl reload" },
	[P_DO_CLUSTER] = { "See what etcd answers:\n\tacmectl cluster status\n"
	    "acmed goes on by itself as soon as etcd answers.",
	    "查看 etcd 的响应：\n\tacmectl cluster status\n"
	    "etcd 恢复后 acmed 会自动继续。" },
	[P_DO_ETCD_USER] = { "Correct user and password_file in the section "
	    "cluster or repository, or the rights:\n"
	    "\tetcdctl role grant-permission --prefix=true ROLE readwrite "
	    "/acmed/",
	    "更正 cluster 或 repository 中的 user 和 password_file，或授予"
	    "权限：\n"
	    "\tetcdctl role grant-permission --prefix=true ROLE readwrite "
	    "/acmed/" },
	[P_DO_ETCD_SPACE] = { "Make room in etcd:\n"
	    "\tetcdctl compact REVISION\n\tetcdctl defrag --cluster\n"
	    "\tetcdctl alarm disarm",
	    "释放 etcd 的空间：\n"
	    "\tetcdctl compact REVISION\n\tetcdctl defrag --cluster\n"
	    "\tetcdctl alarm disarm" },
	[P_DO_CLUSTER_CONF] = { "Correct the section cluster as the reason "
	    "says, then:\n\tacmectl reload",
	    "按原因更正 cluster 部分，然后执行：\n\tacmectl reload" },
	[P_DO_DIFFERS] = { "Give all members the same file, but for name and "
	    "role, or role = serve to those that are not to renew.  Then, on "
	    "each:\n\tacmectl reload",
	    "让所有成员使用同一个配置文件（name 和 role 除外），或将不负责"
	    "续期的成员设为 role = serve。然后在每台上执行：\n"
	    "\tacmectl reload" },
	[P_DO_CONFIG] = { "See every mistake:\n\tacmed --check-config\n"
	    "Then:\n\tacmectl reload",
	    "查看所有错误：\n\tacmed --check-config\n"
	    "改正后执行：\n\tacmectl reload" },
	[P_DO_START] = { "Do what the reason says, and see more in the log:\n"
	    "\tjournalctl -u acmed -n 20\nThen:\n\tsystemctl restart acmed",
	    "请按上述原因处理，详情见日志：\n"
	    "\tjournalctl -u acmed -n 20\n然后执行：\n"
	    "\tsystemctl restart acmed" },
	[P_DO_SOURCE] = { "This host only fetches the certificate.  Look at "
	    "acmed on {publisher}:\n\tacmectl status {name}",
	    "本机只负责获取该证书。请在{publisher}上查看 acmed：\n"
	    "\tacmectl status {name}" },
	[P_DO_FETCH] = { "This host only fetches the certificate.  See what "
	    "fails here:\n\tacmectl check {name}\n"
	    "and look at acmed on {publisher}:\n\tacmectl status {name}",
	    "本机只负责获取该证书。请在本机检查：\n\tacmectl check {name}\n"
	    "并在{publisher}上查看 acmed：\n\tacmectl status {name}" },
	[P_DO_REPOSITORY] = { "Find out who can write to the repository, and "
	    "check that this host and {publisher} have the same key.  To "
	    "publish it again, on {publisher}:\n\tacmectl deploy {name}",
	    "请检查谁可以写入仓库，以及本机与{publisher}的密钥是否相同。"
	    "重新发布时，在{publisher}上执行：\n\tacmectl deploy {name}" },
	[P_A_PUBLISHER] = { "the host that publishes it", "发布该证书的主机" },

	[P_DAYS] = { "{n} days", "{n} 天" },
	[P_HOURS] = { "{n} hours", "{n} 小时" },
	[P_MINUTES] = { "{n} minutes", "{n} 分钟" },
	[P_DAY] = { "1 day", "1 天" },
	[P_HOUR] = { "1 hour", "1 小时" },
	[P_MINUTE] = { "1 minute", "1 分钟" },
};
_Static_assert(sizeof(phrases) / sizeof(phrases[0]) == P_END, "phrases");

const char *
phrase(enum phrase p, bool is_chinese)
{
	return is_chinese ? phrases[p].zh : phrases[p].en;
}

static const char *
value_of(const struct phrase_var *vars, const char *name, size_t len)
{
	for (; vars != NULL && vars->name != NULL; vars++) {
		if (strlen(vars->name) == len &&
		    memcmp(vars->name, name, len) == 0)
			return vars->value != NULL ? vars->value : "";
	}
	return "";
}

char *
phrase_fill(enum phrase p, bool is_chinese, const struct phrase_var *vars)
{
	const char *from = phrase(p, is_chinese);
	char *out = xstrdup("");

	while (*from != '\0') {
		size_t plain = strcspn(from, "{"), len;
		const char *value = "";
		char *longer;

		len = from[plain] == '{' ? strcspn(from + plain, "}") : 0;
		if (len > 0)
			value = value_of(vars, from + plain + 1, len - 1);
		longer = xasprintf("%s%.*s%s", out, (int)plain, from, value);
		free(out);
		out = longer;
		from += plain + len + (len > 0);
	}
	return out;
}

char *
phrase_span(int64_t seconds, bool is_chinese)
{
	static const struct { int64_t s; enum phrase one, many; } units[] = {
		{ 86400, P_DAY, P_DAYS },
		{ 3600, P_HOUR, P_HOURS },
		{ 60, P_MINUTE, P_MINUTES },
	};
	struct phrase_var vars[] = { { "n", NULL }, { NULL, NULL } };
	char n[32];
	size_t i = 0;

	seconds = text_span_round(seconds < 0 ? -seconds : seconds);
	if (seconds < 60)
		seconds = 60;
	/* "36 hours" says more than "1 day". */
	while (i < 2 && seconds < 2 * units[i].s)
		i++;
	(void)text_printf(n, sizeof(n), "%" PRId64, seconds / units[i].s);
	vars[0].value = n;
	return phrase_fill(seconds / units[i].s == 1 ? units[i].one :
	    units[i].many, is_chinese, vars);
}

/* The bytes of the character at s, and its columns. */
static size_t
next_char(const char *s, size_t *columns)
{
	unsigned char c = (unsigned char)*s;
	size_t len = c < 0x80 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;

	/* What we write in Chinese, and most of what is wide, has 3 bytes
	   from U+2E80 on, or 4. */
	*columns = len == 4 || (len == 3 && (c > 0xe2 ||
	    (c == 0xe2 && (unsigned char)s[1] >= 0xba))) ? 2 : 1;
	for (size_t i = 1; i < len; i++) {
		if (s[i] == '\0')
			return i;
	}
	return len;
}

size_t
text_columns(const char *s)
{
	size_t n = 0, columns;

	while (*s != '\0') {
		s += next_char(s, &columns);
		n += columns;
	}
	return n;
}

char *
text_fit(const char *s, size_t max)
{
	size_t len = 0, used = 0, columns;

	if (text_columns(s) <= max)
		return xstrdup(s);
	while (s[len] != '\0') {
		size_t n = next_char(s + len, &columns);

		if (used + columns + 3 > max)
			break;
		used += columns;
		len += n;
	}
	return xasprintf("%.*s...", (int)len, s);
}
