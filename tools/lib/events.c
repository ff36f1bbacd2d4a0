// SPDX-License-Identifier: MIT
/* Listening to what happens to VMs and to the module. */
#include <errno.h>
#include <linux/genetlink.h>
#include <netlink/genl/genl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "internal.h"

/* Room for bursts: some thousand events, or a whole host's VMs starting. */
#define RECEIVE_BUFFER (2 << 20)

/**
 * struct kvmgov_monitor - A socket that has joined the multicast groups
 * @sk: The socket, which never blocks.
 * @family: kvmgov.
 * @buf: What was received last, or NULL.
 * @next: The message in @buf that is to be looked at next.
 * @len: Bytes from @next on.
 * @from_kernel: Whether the kernel has sent @buf.
 * @unloaded: Whether the module is gone.
 */
struct kvmgov_monitor {
	struct nl_sock *sk;
	struct kvmgov_family family;
	unsigned char *buf;
	struct nlmsghdr *next;
	int len;
	bool from_kernel;
	bool unloaded;
};

struct kvmgov_event {
	enum kvmgov_event_type type;
	struct kvmgov_record *vm;
};

static int join(struct nl_sock *sk, uint32_t group, struct kvmgov_error *err)
{
	if (!setsockopt(nl_socket_get_fd(sk), SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group,
			sizeof(group)))
		return 0;
	if (errno == EPERM)
		return kvmgov_error_set(err, EPERM,
					"cannot listen to events: it needs CAP_SYS_ADMIN in the "
					"initial user namespace; run it as root");
	return kvmgov_error_set(err, errno, "cannot listen to events: %s", strerror(errno));
}

static int monitor_join(struct kvmgov_monitor *mon, struct kvmgov_error *err)
{
	static const char *const ctrl_groups[2] = { "notify" };
	static const char *const groups[2] = { KVMGOV_MCGRP_CONFIG, KVMGOV_MCGRP_EVENTS };
	struct kvmgov_family ctrl;

	/*
	 * Generic netlink itself tells when a family goes. Ask for that first, so
	 * that the module cannot go unnoticed.
	 */
	if (kvmgov_family_resolve(mon->sk, "nlctrl", ctrl_groups, &ctrl, err) ||
	    join(mon->sk, ctrl.groups[0], err) ||
	    kvmgov_family_resolve(mon->sk, KVMGOV_FAMILY_NAME, groups, &mon->family, err) ||
	    join(mon->sk, mon->family.groups[0], err) || join(mon->sk, mon->family.groups[1], err))
		return -1;
	if (nl_socket_set_nonblocking(mon->sk))
		return kvmgov_error_set(err, EIO, "cannot make the socket non-blocking");
	/* A smaller buffer than asked for only means that events get lost sooner. */
	nl_socket_set_buffer_size(mon->sk, RECEIVE_BUFFER, 0);
	return 0;
}

struct kvmgov_monitor *kvmgov_monitor_open(struct kvmgov_error *err)
{
	struct kvmgov_monitor *mon;

	mon = calloc(1, sizeof(*mon));
	if (!mon) {
		kvmgov_error_set(err, ENOMEM, "out of memory");
		return NULL;
	}
	mon->sk = kvmgov_socket_open(err);
	if (!mon->sk || monitor_join(mon, err)) {
		kvmgov_monitor_close(mon);
		return NULL;
	}
	return mon;
}

void kvmgov_monitor_close(struct kvmgov_monitor *mon)
{
	if (!mon)
		return;
	nl_socket_free(mon->sk);
	free(mon->buf);
	free(mon);
}

int kvmgov_monitor_fd(const struct kvmgov_monitor *mon)
{
	return nl_socket_get_fd(mon->sk);
}

static bool is_unload(const struct kvmgov_monitor *mon, struct nlmsghdr *nlh)
{
	struct genlmsghdr *hdr = nlmsg_data(nlh);
	struct nlattr *tb[CTRL_ATTR_MAX + 1];
	struct nlattr *id;

	if (hdr->cmd != CTRL_CMD_DELFAMILY)
		return false;
	id = kvmgov_family_parse(nlh, tb);
	return id && nla_get_u16(id) == mon->family.id;
}

/* What kind of event a message is; 0 for one that does not matter. */
static int message_type(const struct kvmgov_monitor *mon, struct nlmsghdr *nlh)
{
	struct genlmsghdr *hdr = nlmsg_data(nlh);

	if (!genlmsg_valid_hdr(nlh, 0))
		return 0;
	if (nlh->nlmsg_type == GENL_ID_CTRL)
		return is_unload(mon, nlh) ? KVMGOV_EVENT_UNLOAD : 0;
	if (nlh->nlmsg_type != mon->family.id)
		return 0;
	switch (hdr->cmd) {
	case KVMGOV_CMD_VM_NEW_NTF:
		return KVMGOV_EVENT_NEW;
	case KVMGOV_CMD_VM_END_NTF:
		return KVMGOV_EVENT_END;
	case KVMGOV_CMD_VM_CHANGE_NTF:
		return KVMGOV_EVENT_CHANGE;
	case KVMGOV_CMD_UNGOVERNED_NTF:
		return KVMGOV_EVENT_UNGOVERNED;
	}
	return 0; /* a newer module's */
}

static int event_new(struct kvmgov_event **event, int type, struct nlmsghdr *nlh,
		     struct kvmgov_error *err)
{
	struct kvmgov_event *ev;

	ev = calloc(1, sizeof(*ev));
	if (!ev)
		return kvmgov_error_set(err, ENOMEM, "out of memory");
	ev->type = type;
	if (nlh) {
		ev->vm = kvmgov_record_from_msg(&kvmgov_set_vm, nlh, err);
		if (!ev->vm) {
			free(ev);
			return -1;
		}
	}
	*event = ev;
	return 1;
}

/* Receive messages: 1, or 0 when there are none, or -1. */
static int monitor_receive(struct kvmgov_monitor *mon, struct kvmgov_event **event,
			   struct kvmgov_error *err)
{
	struct sockaddr_nl from = { 0 };

	free(mon->buf);
	mon->buf = NULL;
	mon->next = NULL;
	errno = 0;
	mon->len = nl_recv(mon->sk, &from, &mon->buf, NULL);
	if (mon->len > 0) {
		mon->next = (struct nlmsghdr *)mon->buf;
		mon->from_kernel = !from.nl_pid;
		return 1;
	}
	mon->buf = NULL;
	if (errno == ENOBUFS)
		return event_new(event, KVMGOV_EVENT_LOST, NULL, err);
	if (!mon->len || errno == EAGAIN || errno == EWOULDBLOCK)
		return 0;
	return kvmgov_error_set(err, errno ? errno : EIO, "cannot read events: %s",
				strerror(errno ? errno : EIO));
}

int kvmgov_monitor_next(struct kvmgov_monitor *mon, struct kvmgov_event **event,
			struct kvmgov_error *err)
{
	int ret;

	*event = NULL;
	if (mon->unloaded)
		return 0;
	for (;;) {
		while (mon->next && nlmsg_ok(mon->next, mon->len)) {
			struct nlmsghdr *nlh = mon->next;
			int type = mon->from_kernel ? message_type(mon, nlh) : 0;

			mon->next = nlmsg_next(nlh, &mon->len);
			mon->unloaded = type == KVMGOV_EVENT_UNLOAD;
			if (type)
				return event_new(event, type, mon->unloaded ? NULL : nlh, err);
		}
		ret = monitor_receive(mon, event, err);
		if (ret <= 0 || *event)
			return ret;
	}
}

enum kvmgov_event_type kvmgov_event_type(const struct kvmgov_event *event)
{
	return event->type;
}

const struct kvmgov_vm *kvmgov_event_vm(const struct kvmgov_event *event)
{
	return (const struct kvmgov_vm *)event->vm;
}

void kvmgov_event_free(struct kvmgov_event *event)
{
	if (!event)
		return;
	free(event->vm);
	free(event);
}
