/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Generic netlink as a test wants it: messages made from tables, sent as they
 * are, however wrong, and the whole answer to look at.
 */
#ifndef LIB_NL_H
#define LIB_NL_H

#include <linux/kvmgov.h>
#include <netlink/attr.h>
#include <netlink/genl/genl.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <stdbool.h>
#include <stdint.h>

#define NL_BUFFER      65536
#define NL_PATIENCE_MS 20000

struct link {
	struct nl_sock *sock;
	int fd;
	int family;
};

/**
 * struct answer - what came of a request
 * @error:	negative errno, or 0
 * @text:	the kernel's reason
 * @offset:	place of the attribute to blame, or 0
 * @nr:		messages with data
 * @interrupted: the dump says that it is not consistent
 * @silent:	there was no answer
 */
struct answer {
	int error;
	char text[256];
	uint32_t offset;
	unsigned int nr;
	bool interrupted;
	bool silent;
};

typedef void (*reader)(const struct nlmsghdr *nlh, void *arg);

bool link_open(struct link *link);
void link_close(struct link *link);

/* Opens; ends the case where that fails. */
void need_link(struct link *link);

/* Joins a multicast group; 0 or a negative errno. */
int link_join(struct link *link, const char *group);

bool readable(int fd, int ms);

/*
 * Wait for a notification that is the one, for as long as tests are patient; false if
 * it does not come. Those before it are gone.
 */
bool link_hear(const struct link *link, bool (*is)(const struct nlmsghdr *nlh, void *arg),
	       void *arg);

/* The rest of an answer. */
void receive(const struct link *link, struct answer *a, int ms, reader read, void *arg);

void send_raw(const struct link *link, const void *data, size_t len);

/* A request without attributes. */
struct nl_msg *message(const struct link *link, int cmd, int flags);

/* Sends a message as it is, and frees it. */
void send_message(const struct link *link, struct nl_msg *msg);

/* Sends, frees, and waits for the end of the answer. */
struct answer ask(const struct link *link, struct nl_msg *msg, reader read, void *arg);

/* An u32 or u64. */
uint64_t attr_number(const struct nlattr *attr);

/* What the module says of itself in one attribute, a KVMGOV_A_INFO_... */
uint64_t info_u64(const struct link *link, int attr);

/**
 * struct attr - an attribute of a request in a table
 * @type:	its type; 0 ends the attributes
 * @len:	its length, or, without @data, which VM's id it is
 * @data:	its value
 */
struct attr {
	int type;
	int len;
	const void *data;
};

/* clang-format off */
#define U64(type, value)	{ type, 8, &(const uint64_t){ value } }
#define U32(type, value)	{ type, 4, &(const uint32_t){ value } }
#define STR(type, value)	{ type, sizeof(value), value }
#define BIN(type, value)	{ type, sizeof(value) - 1, value }
#define THE_ID			{ KVMGOV_A_VM_ID, 0, NULL }
#define MAX_ATTRS		8

#define SET	KVMGOV_CMD_VM_SET
#define GET	KVMGOV_CMD_VM_GET
#define RESET	KVMGOV_CMD_VM_RESET
#define VCPUS	KVMGOV_CMD_VCPU_GET
#define NAME	KVMGOV_A_VM_NAME
#define QUOTA	KVMGOV_A_VM_CPU_QUOTA_US
#define PERIOD	KVMGOV_A_VM_CPU_PERIOD_US
#define CREDIT_MAX KVMGOV_A_VM_CPU_CREDIT_MAX_US
#define CREDIT	KVMGOV_A_VM_CPU_CREDIT_US
#define STATE	KVMGOV_A_VM_STATE
#define UUID	KVMGOV_A_VM_UUID
#define ID	KVMGOV_A_VM_ID
/* clang-format on */

/* Attributes from a table; @ids are what THE_ID stands for. */
void put_attrs(struct nl_msg *msg, const struct attr *attrs, const uint64_t *ids);

/* What a request may change of a VM, in one line. */
void vm_snapshot(char *out, size_t size, uint64_t id);

#endif
