// SPDX-License-Identifier: MIT
/*
 * Requests and their answers.
 *
 * libnl packs and unpacks messages here, but does not run the conversation:
 * its callbacks hide the kernel's text of an error, the attribute to blame,
 * and errors that end a dump.
 */
#include <errno.h>
#include <linux/genetlink.h>
#include <linux/netlink.h>
#include <netlink/genl/genl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "internal.h"

/* How often a dump is read anew when VMs come and go under it. */
#define DUMP_TRIES 32

/* The kernel's errors are below this. */
#define MAX_ERRNO 4095

/**
 * struct answer - How the kernel ended a request
 * @code: Positive errno, or 0.
 * @interrupted: Some message was marked with NLM_F_DUMP_INTR.
 * @text: The kernel's explanation, or "".
 * @attr: Attribute that is to blame, or -1.
 * @missing: Attribute that was missing from the request, or -1.
 */
struct answer {
	int code;
	bool interrupted;
	char text[256];
	int attr;
	int missing;
};

static int socket_option(struct nl_sock *sk, int option)
{
	int one = 1;

	return setsockopt(nl_socket_get_fd(sk), SOL_NETLINK, option, &one, sizeof(one));
}

/* The kernel says "live", or "going" while the module is being unloaded. */
static bool module_is_going(void)
{
	FILE *file = fopen("/sys/module/kvmgov/initstate", "re");
	bool going = file && getc(file) == 'g';

	if (file)
		fclose(file);
	return going;
}

int kvmgov_error_no_module(struct kvmgov_error *err)
{
	if (module_is_going())
		return kvmgov_error_set(err, ENXIO, "the kvmgov module is being unloaded");
	if (!access("/sys/module/kvmgov", F_OK))
		return kvmgov_error_set(err, ENXIO,
					"the kvmgov module is loaded, but its netlink family is "
					"not visible here: use the initial network namespace");
	return kvmgov_error_set(err, ENXIO,
				"the kvmgov module is not loaded; load it with: modprobe kvmgov");
}

struct nl_sock *kvmgov_socket_open(struct kvmgov_error *err)
{
	struct nl_sock *sk;
	int ret, code;

	sk = nl_socket_alloc();
	if (!sk) {
		kvmgov_error_set(err, ENOMEM, "out of memory");
		return NULL;
	}
	nl_socket_disable_auto_ack(sk);
	ret = nl_connect(sk, NETLINK_GENERIC);
	code = errno;
	if (ret) {
		/* A kernel without generic netlink cannot have loaded kvmgov. */
		if (code == EPROTONOSUPPORT || code == EAFNOSUPPORT)
			kvmgov_error_no_module(err);
		else
			kvmgov_error_set(err, code ? code : EIO, "cannot open a netlink socket: %s",
					 code ? strerror(code) : nl_geterror(ret));
		nl_socket_free(sk);
		return NULL;
	}
	/* Without these, errors come without text, but they still come. */
	socket_option(sk, NETLINK_EXT_ACK);
	socket_option(sk, NETLINK_CAP_ACK);
	return sk;
}

/* Which attribute of the request is at @offset? -1 for none. */
static int attr_at(const struct nlmsghdr *request, uint32_t offset)
{
	struct nlattr attr;

	if (offset < NLMSG_HDRLEN + GENL_HDRLEN || offset + sizeof(attr) > request->nlmsg_len)
		return -1;
	memcpy(&attr, (const char *)request + offset, sizeof(attr));
	return attr.nla_type & NLA_TYPE_MASK;
}

static void answer_read_tlvs(struct answer *ans, const struct nlmsghdr *request, char *tlvs,
			     int len)
{
	struct nlattr *tb[NLMSGERR_ATTR_MAX + 1];

	if (len <= 0 || nla_parse(tb, NLMSGERR_ATTR_MAX, (struct nlattr *)tlvs, len, NULL))
		return;
	if (tb[NLMSGERR_ATTR_MSG])
		nla_strlcpy(ans->text, tb[NLMSGERR_ATTR_MSG], sizeof(ans->text));
	if (tb[NLMSGERR_ATTR_OFFS] && nla_len(tb[NLMSGERR_ATTR_OFFS]) == sizeof(uint32_t))
		ans->attr = attr_at(request, nla_get_u32(tb[NLMSGERR_ATTR_OFFS]));
#ifdef NLMSGERR_ATTR_MISS_TYPE
	if (tb[NLMSGERR_ATTR_MISS_TYPE] && nla_len(tb[NLMSGERR_ATTR_MISS_TYPE]) == sizeof(uint32_t))
		ans->missing = nla_get_u32(tb[NLMSGERR_ATTR_MISS_TYPE]);
#endif
}

/* The positive errno of what a message has as a negative one; EPROTO if it is none. */
static int errno_of(int error)
{
	return error <= 0 && error >= -MAX_ERRNO ? -error : EPROTO;
}

/* An NLMSG_ERROR: an error or, with code 0, an ACK. */
static void answer_read_error(struct answer *ans, const struct nlmsghdr *request,
			      struct nlmsghdr *nlh)
{
	struct nlmsgerr *msg = nlmsg_data(nlh);
	int offset = sizeof(*msg);

	if (nlmsg_datalen(nlh) < offset) {
		ans->code = EPROTO;
		return;
	}
	ans->code = errno_of(msg->error);
	if (!(nlh->nlmsg_flags & NLM_F_ACK_TLVS))
		return;
	/* In front of the explanation is the request, unless it was capped. */
	if (!(nlh->nlmsg_flags & NLM_F_CAPPED)) {
		if (msg->msg.nlmsg_len < NLMSG_HDRLEN ||
		    msg->msg.nlmsg_len > (uint32_t)nlmsg_datalen(nlh))
			return;
		offset += NLMSG_ALIGN(msg->msg.nlmsg_len - NLMSG_HDRLEN);
	}
	answer_read_tlvs(ans, request, (char *)msg + offset, nlmsg_datalen(nlh) - offset);
}

/* An NLMSG_DONE: the end of a dump, with the error that ended it. */
static void answer_read_done(struct answer *ans, const struct nlmsghdr *request,
			     struct nlmsghdr *nlh)
{
	int error;

	if (nlmsg_datalen(nlh) < (int)sizeof(error))
		return;
	memcpy(&error, nlmsg_data(nlh), sizeof(error));
	if (error >= 0)
		return;
	ans->code = errno_of(error);
	if (nlh->nlmsg_flags & NLM_F_ACK_TLVS)
		answer_read_tlvs(ans, request, (char *)nlmsg_data(nlh) + NLMSG_ALIGN(sizeof(error)),
				 nlmsg_datalen(nlh) - NLMSG_ALIGN(sizeof(error)));
}

/*
 * Send a request and read the whole answer, even after @reply has failed: the
 * kernel refuses a new dump while one is being read.
 *
 * Return: 0 when the kernel has answered, be it with an error in @ans; else -1
 */
static int ask(struct nl_sock *sk, struct kvmgov_request *req, struct answer *ans,
	       struct kvmgov_error *err)
{
	struct nlmsghdr *request = nlmsg_hdr(req->msg);
	bool done = false;
	int ret = 0;

	memset(ans, 0, sizeof(*ans));
	ans->attr = -1;
	ans->missing = -1;
	/* Before a repetition, forget the number of the first attempt. */
	request->nlmsg_seq = NL_AUTO_SEQ;
	nl_complete_msg(sk, req->msg);
	errno = 0;
	if (nl_send(sk, req->msg) < 0)
		return kvmgov_error_set(err, errno ? errno : EIO, "cannot %s: %s", req->what,
					strerror(errno ? errno : EIO));
	while (!done) {
		struct sockaddr_nl from;
		unsigned char *buf = NULL;
		struct nlmsghdr *nlh;
		int len;

		errno = 0;
		len = nl_recv(sk, &from, &buf, NULL);
		if (len <= 0) {
			free(buf);
			return kvmgov_error_set(err, errno ? errno : EIO,
						"cannot %s: no answer: %s", req->what,
						strerror(errno ? errno : EIO));
		}
		nlh = from.nl_pid ? NULL : (struct nlmsghdr *)buf; /* only the kernel counts */
		for (; nlh && nlmsg_ok(nlh, len); nlh = nlmsg_next(nlh, &len)) {
			/* Anything else is what is left of an earlier request. */
			if (nlh->nlmsg_seq != request->nlmsg_seq)
				continue;
			if (nlh->nlmsg_flags & NLM_F_DUMP_INTR)
				ans->interrupted = true;
			if (nlh->nlmsg_type == NLMSG_ERROR) {
				answer_read_error(ans, request, nlh);
				done = true;
			} else if (nlh->nlmsg_type == NLMSG_DONE) {
				answer_read_done(ans, request, nlh);
				done = true;
			} else if (nlh->nlmsg_type >= NLMSG_MIN_TYPE && req->reply && !ret) {
				ret = req->reply(nlh, req->arg, err);
			}
		}
		free(buf);
	}
	return ret;
}

/* --- the family --- */

struct resolve {
	const char *const *groups;
	struct kvmgov_family *family;
};

struct nlattr *kvmgov_family_parse(struct nlmsghdr *nlh, struct nlattr *tb[CTRL_ATTR_MAX + 1])
{
	static struct nla_policy policy[CTRL_ATTR_MAX + 1] = {
		[CTRL_ATTR_FAMILY_ID] = { .type = NLA_U16 },
		[CTRL_ATTR_MCAST_GROUPS] = { .type = NLA_NESTED },
	};

	return genlmsg_parse(nlh, 0, tb, CTRL_ATTR_MAX, policy) ? NULL : tb[CTRL_ATTR_FAMILY_ID];
}

static int family_reply(struct nlmsghdr *nlh, void *arg, struct kvmgov_error *err)
{
	static struct nla_policy policy[CTRL_ATTR_MCAST_GRP_MAX + 1] = {
		[CTRL_ATTR_MCAST_GRP_NAME] = { .type = NLA_STRING },
		[CTRL_ATTR_MCAST_GRP_ID] = { .type = NLA_U32 },
	};
	struct nlattr *tb[CTRL_ATTR_MAX + 1], *grp[CTRL_ATTR_MCAST_GRP_MAX + 1], *pos;
	struct resolve *res = arg;
	int rem, i;

	if (!kvmgov_family_parse(nlh, tb))
		return kvmgov_error_set(err, EPROTO, "the kernel sent a malformed message");
	res->family->id = nla_get_u16(tb[CTRL_ATTR_FAMILY_ID]);
	if (!tb[CTRL_ATTR_MCAST_GROUPS])
		return 0;
	nla_for_each_nested (pos, tb[CTRL_ATTR_MCAST_GROUPS], rem) {
		if (nla_parse_nested(grp, CTRL_ATTR_MCAST_GRP_MAX, pos, policy) ||
		    !grp[CTRL_ATTR_MCAST_GRP_NAME] || !grp[CTRL_ATTR_MCAST_GRP_ID])
			continue;
		for (i = 0; i < 2; i++)
			if (res->groups[i] &&
			    !nla_strcmp(grp[CTRL_ATTR_MCAST_GRP_NAME], res->groups[i]))
				res->family->groups[i] = nla_get_u32(grp[CTRL_ATTR_MCAST_GRP_ID]);
	}
	return 0;
}

int kvmgov_family_resolve(struct nl_sock *sk, const char *name, const char *const groups[2],
			  struct kvmgov_family *family, struct kvmgov_error *err)
{
	struct resolve res = { .groups = groups, .family = family };
	struct kvmgov_request req = {
		.what = "look for the kvmgov module",
		.reply = family_reply,
		.arg = &res,
	};
	struct answer ans;
	int ret = -1;

	memset(family, 0, sizeof(*family));
	req.msg = nlmsg_alloc();
	if (!req.msg ||
	    !genlmsg_put(req.msg, NL_AUTO_PORT, NL_AUTO_SEQ, GENL_ID_CTRL, 0,
			 NLM_F_REQUEST | NLM_F_ACK, CTRL_CMD_GETFAMILY, 1) ||
	    nla_put_string(req.msg, CTRL_ATTR_FAMILY_NAME, name))
		kvmgov_error_set(err, ENOMEM, "out of memory");
	else if (!ask(sk, &req, &ans, err)) {
		if (!ans.code && family->id)
			ret = 0;
		else if (!ans.code || ans.code == ENOENT)
			kvmgov_error_no_module(err);
		else
			kvmgov_error_set(err, ans.code, "cannot %s: %s", req.what,
					 ans.text[0] ? ans.text : strerror(ans.code));
	}
	nlmsg_free(req.msg);
	return ret;
}

struct kvmgov *kvmgov_open(struct kvmgov_error *err)
{
	static const char *const no_groups[2];
	struct kvmgov *kg;

	kg = calloc(1, sizeof(*kg));
	if (!kg) {
		kvmgov_error_set(err, ENOMEM, "out of memory");
		return NULL;
	}
	kg->sk = kvmgov_socket_open(err);
	if (!kg->sk ||
	    kvmgov_family_resolve(kg->sk, KVMGOV_FAMILY_NAME, no_groups, &kg->family, err)) {
		kvmgov_close(kg);
		return NULL;
	}
	return kg;
}

void kvmgov_close(struct kvmgov *kg)
{
	if (!kg)
		return;
	nl_socket_free(kg->sk);
	free(kg);
}

const char *kvmgov_library_version(void)
{
	return KVMGOV_VERSION;
}

/* --- requests to kvmgov --- */

struct nl_msg *kvmgov_msg_new(const struct kvmgov *kg, uint8_t cmd, int flags,
			      struct kvmgov_error *err)
{
	struct nl_msg *msg = nlmsg_alloc();

	if (!(flags & NLM_F_DUMP))
		flags |= NLM_F_ACK;
	if (msg && genlmsg_put(msg, NL_AUTO_PORT, NL_AUTO_SEQ, kg->family.id, 0,
			       NLM_F_REQUEST | flags, cmd, KVMGOV_FAMILY_VERSION))
		return msg;
	nlmsg_free(msg);
	kvmgov_error_set(err, ENOMEM, "out of memory");
	return NULL;
}

static const char *attr_name(const struct kvmgov_attr_set *set, int attr)
{
	return attr > 0 && attr <= set->max ? set->names[attr] : NULL;
}

/* Put the kernel's refusal into words. */
static int refused(const struct kvmgov_request *req, const struct answer *ans,
		   struct kvmgov_error *err)
{
	const char *name = attr_name(req->set, ans->attr);
	const char *note = "attribute ";
	const char *reason = ans->text;

	if (!name) {
		name = attr_name(req->set, ans->missing);
		note = "missing attribute ";
	}
	if (!*reason && ans->code == EPERM)
		reason = "it needs CAP_SYS_ADMIN in the initial user namespace; run it as root";
	else if (!*reason)
		reason = strerror(ans->code);
	return kvmgov_error_set_attr(err, ans->code, name, "cannot %s: %s%s%s%s%s", req->what,
				     reason, name ? " (" : "", name ? note : "", name ? name : "",
				     name ? ")" : "");
}

int kvmgov_request_run(struct kvmgov *kg, struct kvmgov_request *req, struct kvmgov_error *err)
{
	static const char *const no_groups[2];
	struct kvmgov_family family;
	struct answer ans;

	if (ask(kg->sk, req, &ans, err))
		return -1;
	/*
	 * An ENOENT without words comes from generic netlink itself: the family
	 * is gone. It may be back under another number by now.
	 */
	if (ans.code == ENOENT && !ans.text[0]) {
		if (kvmgov_family_resolve(kg->sk, KVMGOV_FAMILY_NAME, no_groups, &family, err))
			return -1;
		if (family.id != kg->family.id) {
			kg->family = family;
			nlmsg_hdr(req->msg)->nlmsg_type = family.id;
			if (ask(kg->sk, req, &ans, err))
				return -1;
		}
	}
	/* Netlink's own word for a dump by a module that is being unloaded. */
	if (ans.code == EPROTONOSUPPORT && !ans.text[0])
		return kvmgov_error_no_module(err);
	req->interrupted = ans.interrupted;
	return ans.code ? refused(req, &ans, err) : 0;
}

/* --- dumps --- */

struct dump {
	const struct kvmgov_attr_set *set;
	struct kvmgov_record_list *list;
};

static int dump_reply(struct nlmsghdr *nlh, void *arg, struct kvmgov_error *err)
{
	struct dump *dump = arg;
	struct kvmgov_record *rec;

	rec = kvmgov_record_from_msg(dump->set, nlh, err);
	if (!rec)
		return -1;
	if (kvmgov_record_list_add(dump->list, rec, err)) {
		free(rec);
		return -1;
	}
	return 0;
}

int kvmgov_dump(struct kvmgov *kg, uint8_t cmd, const struct kvmgov_attr_set *set,
		unsigned int filter_attr, uint64_t filter, const char *what,
		struct kvmgov_record_list *list, struct kvmgov_error *err)
{
	struct dump dump = { .set = set, .list = list };
	struct kvmgov_request req = {
		.set = set,
		.what = what,
		.reply = dump_reply,
		.arg = &dump,
	};
	int tries, ret;

	for (tries = 0; tries < DUMP_TRIES; tries++) {
		req.msg = kvmgov_msg_new(kg, cmd, NLM_F_DUMP, err);
		if (!req.msg)
			return -1;
		if (filter && nla_put_u64(req.msg, filter_attr, filter))
			ret = kvmgov_error_set(err, ENOMEM, "out of memory");
		else
			ret = kvmgov_request_run(kg, &req, err);
		nlmsg_free(req.msg);
		if (!ret && !req.interrupted)
			return 0;
		kvmgov_record_list_clear(list);
		if (ret)
			return -1;
	}
	return kvmgov_error_set(err, EAGAIN, "cannot %s: VMs kept coming and going; try again",
				what);
}
