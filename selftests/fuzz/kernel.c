// SPDX-License-Identifier: GPL-2.0-only
#include "kernel.h"

#include <errno.h>
#include <linux/genetlink.h>
#include <netlink/genl/genl.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <linux/kvmgov.h>

static const uint8_t *input;
static size_t left;
static bool answers;
static struct nlmsghdr request; /* the last one */
static bool asked_family;

static jmp_buf leave;
static bool running;

void fuzz_kernel(const uint8_t *data, size_t size, bool resolve)
{
	input = data;
	left = size;
	answers = resolve;
	asked_family = false;
	memset(&request, 0, sizeof(request));
}

void fuzz_fail(const char *file, int line, const char *what, const char *text)
{
	/* Not stderr: that may be redirected while a program runs. */
	dprintf(2, "%s:%d: %s: %s\n", file, line, what, text ? text : "");
	abort();
}

/* --- the sockets: the linker puts these in the place of libnl's --- */

int __wrap_nl_connect(struct nl_sock *sk, int protocol);
int __wrap_nl_send(struct nl_sock *sk, struct nl_msg *msg);
int __wrap_nl_recv(struct nl_sock *sk, struct sockaddr_nl *nla, unsigned char **buf,
		   struct ucred **creds);
int __wrap_nl_socket_set_nonblocking(const struct nl_sock *sk);
int __wrap_setsockopt(int fd, int level, int name, const void *value, socklen_t len);
int __wrap_ppoll(struct pollfd *fds, nfds_t nr, const struct timespec *timeout,
		 const sigset_t *mask);
int __wrap_sigprocmask(int how, const sigset_t *set, sigset_t *old);
int __wrap_sigaction(int sig, const struct sigaction *action, struct sigaction *old);
void __wrap_exit(int status) __attribute__((noreturn));

int __real_setsockopt(int fd, int level, int name, const void *value, socklen_t len);
int __real_sigprocmask(int how, const sigset_t *set, sigset_t *old);
int __real_sigaction(int sig, const struct sigaction *action, struct sigaction *old);
void __real_exit(int status) __attribute__((noreturn));

int __wrap_nl_connect(struct nl_sock *sk, int protocol)
{
	(void)sk;
	(void)protocol;
	return 0;
}

int __wrap_nl_socket_set_nonblocking(const struct nl_sock *sk)
{
	(void)sk;
	return 0;
}

int __wrap_setsockopt(int fd, int level, int name, const void *value, socklen_t len)
{
	return level == SOL_NETLINK ? 0 : __real_setsockopt(fd, level, name, value, len);
}

int __wrap_nl_send(struct nl_sock *sk, struct nl_msg *msg)
{
	(void)sk;
	request = *nlmsg_hdr(msg);
	asked_family = answers && request.nlmsg_type == GENL_ID_CTRL;
	return request.nlmsg_len;
}

/* What a kernel with kvmgov says of the families. */
static int family_answer(unsigned char **buf)
{
	static const char *const groups[] = { KVMGOV_MCGRP_CONFIG, KVMGOV_MCGRP_EVENTS, "notify" };
	struct nl_msg *msg = nlmsg_alloc();
	struct nlmsgerr ack = { 0 };
	struct nlattr *nest, *group;
	unsigned char *end;
	int len;
	size_t i;

	genlmsg_put(msg, 0, request.nlmsg_seq, GENL_ID_CTRL, 0, 0, CTRL_CMD_NEWFAMILY, 2);
	nla_put_u16(msg, CTRL_ATTR_FAMILY_ID, FUZZ_FAMILY);
	nest = nla_nest_start(msg, CTRL_ATTR_MCAST_GROUPS);
	for (i = 0; i < sizeof(groups) / sizeof(groups[0]); i++) {
		group = nla_nest_start(msg, i + 1);
		nla_put_string(msg, CTRL_ATTR_MCAST_GRP_NAME, groups[i]);
		nla_put_u32(msg, CTRL_ATTR_MCAST_GRP_ID, i + 1);
		nla_nest_end(msg, group);
	}
	nla_nest_end(msg, nest);
	len = NLMSG_ALIGN(nlmsg_hdr(msg)->nlmsg_len);
	*buf = calloc(1, len + NLMSG_LENGTH(sizeof(ack)));
	memcpy(*buf, nlmsg_hdr(msg), nlmsg_hdr(msg)->nlmsg_len);
	nlmsg_free(msg);
	end = *buf + len;
	((struct nlmsghdr *)end)->nlmsg_len = NLMSG_LENGTH(sizeof(ack));
	((struct nlmsghdr *)end)->nlmsg_type = NLMSG_ERROR;
	((struct nlmsghdr *)end)->nlmsg_seq = request.nlmsg_seq;
	ack.msg = request;
	memcpy(end + NLMSG_HDRLEN, &ack, sizeof(ack));
	asked_family = false;
	return len + NLMSG_LENGTH(sizeof(ack));
}

static void number(unsigned char *buf, int len)
{
	struct nlmsghdr *nlh = (struct nlmsghdr *)buf;

	for (; nlmsg_ok(nlh, len); nlh = nlmsg_next(nlh, &len))
		if (!nlh->nlmsg_seq)
			nlh->nlmsg_seq = request.nlmsg_seq;
}

static int fails(int code)
{
	errno = code;
	return -1;
}

int __wrap_nl_recv(struct nl_sock *sk, struct sockaddr_nl *nla, unsigned char **buf,
		   struct ucred **creds)
{
	size_t len;
	int how;

	(void)sk;
	(void)creds;
	memset(nla, 0, sizeof(*nla));
	if (asked_family)
		return family_answer(buf);
	if (left < 3)
		return fails(EAGAIN);
	len = input[0] | input[1] << 8;
	how = input[2];
	input += 3;
	left -= 3;
	switch (how) {
	case HOW_LOST:
		return fails(ENOBUFS);
	case HOW_NONE:
		return fails(EAGAIN);
	case HOW_EINTR:
		return fails(EINTR);
	case HOW_STRANGER:
		nla->nl_pid = 4711;
	}
	if (len > left)
		len = left;
	if (!len)
		return 0;
	/* To the byte, for whoever reads on. */
	*buf = malloc(len);
	memcpy(*buf, input, len);
	input += len;
	left -= len;
	number(*buf, len);
	return len;
}

/* --- attributes: libnl does not look at their lengths, and is no sanitized code --- */

uint16_t __wrap_nla_get_u16(struct nlattr *nla);
uint32_t __wrap_nla_get_u32(struct nlattr *nla);
uint64_t __wrap_nla_get_u64(struct nlattr *nla);
char *__wrap_nla_get_string(struct nlattr *nla);

static void get(const struct nlattr *nla, void *value, int size)
{
	FUZZ_CHECK(nla_len(nla) >= size, "a number is read that is not there");
	memcpy(value, nla_data(nla), size);
}

uint16_t __wrap_nla_get_u16(struct nlattr *nla)
{
	uint16_t value;

	get(nla, &value, sizeof(value));
	return value;
}

uint32_t __wrap_nla_get_u32(struct nlattr *nla)
{
	uint32_t value;

	get(nla, &value, sizeof(value));
	return value;
}

uint64_t __wrap_nla_get_u64(struct nlattr *nla)
{
	uint64_t value;

	get(nla, &value, sizeof(value));
	return value;
}

char *__wrap_nla_get_string(struct nlattr *nla)
{
	FUZZ_CHECK(nla_len(nla) > 0 && memchr(nla_data(nla), 0, nla_len(nla)),
		   "a string is read that has no end");
	return nla_data(nla);
}

/* --- files: one that can be read, and what is written goes nowhere --- */

FILE *fuzz_fopen(const char *name, const char *mode);

FILE *fuzz_fopen(const char *name, const char *mode)
{
	static char workload[] = "web 0 3ms vcpus=2\ndb 1ms 2ms\nweb 10ms 1us priority=60\n";

	if (!*name) {
		errno = ENOENT;
		return NULL;
	}
	if (*mode == 'w')
		return fopen("/dev/null", mode);
	return fmemopen(workload, strlen(workload), mode);
}

/* --- programs --- */

int fuzz_run(int (*fn)(int argc, char **argv), int argc, char **argv)
{
	int status = setjmp(leave);

	running = true;
	status = status ? status - 1 : fn(argc, argv);
	running = false;
	return status;
}

void __wrap_exit(int status)
{
	if (running)
		longjmp(leave, status + 1);
	__real_exit(status);
}

/* Nothing comes any more. */
int __wrap_ppoll(struct pollfd *fds, nfds_t nr, const struct timespec *timeout,
		 const sigset_t *mask)
{
	(void)fds;
	(void)nr;
	(void)timeout;
	(void)mask;
	return left >= 3;
}

int __wrap_sigprocmask(int how, const sigset_t *set, sigset_t *old)
{
	if (!running)
		return __real_sigprocmask(how, set, old);
	if (old)
		sigemptyset(old);
	return 0;
}

int __wrap_sigaction(int sig, const struct sigaction *action, struct sigaction *old)
{
	return running ? 0 : __real_sigaction(sig, action, old);
}
