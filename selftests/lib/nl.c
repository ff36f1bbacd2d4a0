// SPDX-License-Identifier: GPL-2.0-only
#define _GNU_SOURCE
#include "nl.h"

#include <errno.h>
#include <inttypes.h>
#include <linux/genetlink.h>
#include <linux/netlink.h>
#include <netlink/genl/ctrl.h>
#include <poll.h>
#include <sys/socket.h>

#include "gov.h"
#include "test.h"

bool link_open(struct link *link)
{
	int on = 1;

	link->sock = nl_socket_alloc();
	if (!link->sock || genl_connect(link->sock))
		return false;
	link->fd = nl_socket_get_fd(link->sock);
	setsockopt(link->fd, SOL_NETLINK, NETLINK_EXT_ACK, &on, sizeof(on));
	setsockopt(link->fd, SOL_NETLINK, NETLINK_GET_STRICT_CHK, &on, sizeof(on));
	nl_socket_set_buffer_size(link->sock, 1 << 20, 0);
	link->family = genl_ctrl_resolve(link->sock, KVMGOV_FAMILY_NAME);
	return link->family > 0;
}

void link_close(struct link *link)
{
	if (link->sock)
		nl_socket_free(link->sock);
	link->sock = NULL;
}

void need_link(struct link *link)
{
	gov_need();
	NEED(link_open(link), "no family %s", KVMGOV_FAMILY_NAME);
}

/* The text and the offset that follow the original header. */
static void read_error(struct answer *a, const struct nlmsghdr *nlh)
{
	const struct nlmsgerr *err = NLMSG_DATA(nlh);
	size_t skip = sizeof(*err);
	struct nlattr *attr;
	int rest;

	a->error = err->error;
	if (!(nlh->nlmsg_flags & NLM_F_ACK_TLVS))
		return;
	if (!(nlh->nlmsg_flags & NLM_F_CAPPED))
		skip += NLMSG_ALIGN(err->msg.nlmsg_len) - sizeof(err->msg);
	rest = NLMSG_PAYLOAD(nlh, 0) - skip;
	nla_for_each_attr (attr, (struct nlattr *)((char *)err + skip), rest, rest) {
		if (nla_type(attr) == NLMSGERR_ATTR_MSG)
			nla_strlcpy(a->text, attr, sizeof(a->text));
		else if (nla_type(attr) == NLMSGERR_ATTR_OFFS)
			a->offset = nla_get_u32(attr);
	}
}

/* The reason why a dump failed stands after the error in NLMSG_DONE. */
static void read_done(struct answer *a, const struct nlmsghdr *nlh)
{
	int rest = (int)NLMSG_PAYLOAD(nlh, 0) - (int)sizeof(int);
	struct nlattr *attr;

	if (rest < 0)
		return;
	a->error = *(const int *)NLMSG_DATA(nlh);
	if (!(nlh->nlmsg_flags & NLM_F_ACK_TLVS))
		return;
	nla_for_each_attr (attr,
			   (struct nlattr *)((char *)NLMSG_DATA(nlh) + NLMSG_ALIGN(sizeof(int))),
			   rest, rest)
		if (nla_type(attr) == NLMSGERR_ATTR_MSG)
			nla_strlcpy(a->text, attr, sizeof(a->text));
}

/* True when this was the last message of the answer. */
static bool read_message(struct answer *a, const struct nlmsghdr *nlh, reader read, void *arg)
{
	if (nlh->nlmsg_flags & NLM_F_DUMP_INTR)
		a->interrupted = true;
	switch (nlh->nlmsg_type) {
	case NLMSG_ERROR:
		read_error(a, nlh);
		return true;
	case NLMSG_DONE:
		read_done(a, nlh);
		return true;
	default:
		a->nr++;
		if (read)
			read(nlh, arg);
		return false;
	}
}

bool readable(int fd, int ms)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	return poll(&p, 1, ms) == 1;
}

bool link_hear(const struct link *link, bool (*is)(const struct nlmsghdr *nlh, void *arg),
	       void *arg)
{
	int64_t end = test_deadline(10 * NS_PER_S);
	char buffer[8192];

	while (test_now() < end) {
		struct nlmsghdr *nlh = (struct nlmsghdr *)buffer;
		int n;

		if (!readable(link->fd, 100))
			continue;
		n = recv(link->fd, buffer, sizeof(buffer), 0);
		for (; n > 0 && NLMSG_OK(nlh, n); nlh = NLMSG_NEXT(nlh, n))
			if (is(nlh, arg))
				return true;
	}
	return false;
}

void receive(const struct link *link, struct answer *a, int ms, reader read, void *arg)
{
	static char buffer[NL_BUFFER];
	bool last = false;

	while (!last) {
		struct nlmsghdr *nlh = (struct nlmsghdr *)buffer;
		int n;

		if (!readable(link->fd, ms)) {
			a->silent = true;
			return;
		}
		n = recv(link->fd, buffer, sizeof(buffer), 0);
		if (n <= 0) {
			a->error = -errno;
			return;
		}
		for (; NLMSG_OK(nlh, n) && !last; nlh = NLMSG_NEXT(nlh, n))
			last = read_message(a, nlh, read, arg);
	}
}

void send_raw(const struct link *link, const void *data, size_t len)
{
	struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };

	if (sendto(link->fd, data, len, 0, (struct sockaddr *)&kernel, sizeof(kernel)) < 0)
		test_diag("send: %s", strerror(errno));
}

struct nl_msg *message(const struct link *link, int cmd, int flags)
{
	struct nl_msg *msg = nlmsg_alloc_size(NL_BUFFER);

	genlmsg_put(msg, NL_AUTO_PORT, 1, link->family, 0, NLM_F_REQUEST | NLM_F_ACK | flags, cmd,
		    KVMGOV_FAMILY_VERSION);
	return msg;
}

void send_message(const struct link *link, struct nl_msg *msg)
{
	struct nlmsghdr *nlh = nlmsg_hdr(msg);

	nlh->nlmsg_pid = 0;
	send_raw(link, nlh, nlh->nlmsg_len);
	nlmsg_free(msg);
}

struct answer ask(const struct link *link, struct nl_msg *msg, reader read, void *arg)
{
	struct answer a = {};

	send_message(link, msg);
	receive(link, &a, NL_PATIENCE_MS, read, arg);
	return a;
}

int link_join(struct link *link, const char *group)
{
	int grp = genl_ctrl_resolve_grp(link->sock, KVMGOV_FAMILY_NAME, group);

	if (grp < 0)
		return grp;
	return setsockopt(link->fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &grp, sizeof(grp)) ? -errno
											    : 0;
}

void put_attrs(struct nl_msg *msg, const struct attr *attrs, const uint64_t *ids)
{
	int i;

	for (i = 0; i < MAX_ATTRS && attrs[i].type; i++) {
		if (attrs[i].data)
			nla_put(msg, attrs[i].type, attrs[i].len, attrs[i].data);
		else
			nla_put_u64(msg, attrs[i].type, ids[attrs[i].len]);
	}
}

void vm_snapshot(char *out, size_t size, uint64_t id)
{
	static const char *const files[] = { "name",	     "uuid",	      "state",
					     "cpu/quota_us", "cpu/period_us", "cpu/credit_max_us" };
	char text[128];
	size_t i, n = 0;

	for (i = 0; i < ARRAY_SIZE(files); i++) {
		gov_read(text, sizeof(text), "vms/%" PRIu64 "/%s", id, files[i]);
		n += snprintf(out + n, size - n, "%s=%s ", files[i], text);
	}
}

uint64_t attr_number(const struct nlattr *attr)
{
	return nla_len(attr) == 8 ? nla_get_u64(attr) : nla_get_u32(attr);
}

static void read_info(const struct nlmsghdr *nlh, void *arg)
{
	struct nlattr *attrs[KVMGOV_A_INFO_MAX + 1];
	struct genlmsghdr *hdr = nlmsg_data(nlh);
	uint64_t *info = arg;
	int i;

	NEED(!nla_parse(attrs, KVMGOV_A_INFO_MAX, genlmsg_attrdata(hdr, 0), genlmsg_attrlen(hdr, 0),
			NULL),
	     "malformed");
	for (i = 0; i <= KVMGOV_A_INFO_MAX; i++)
		if (attrs[i] && (nla_len(attrs[i]) == 8 || nla_len(attrs[i]) == 4))
			info[i] = attr_number(attrs[i]);
}

uint64_t info_u64(const struct link *link, int attr)
{
	uint64_t info[KVMGOV_A_INFO_MAX + 1] = {};
	struct answer a;

	a = ask(link, message(link, KVMGOV_CMD_INFO_GET, 0), read_info, info);
	NEED(!a.error && a.nr == 1, "%s", a.text);
	return info[attr];
}
