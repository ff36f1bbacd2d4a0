/* SPDX-License-Identifier: MIT */
/* What the files of libkvmgov share with one another. */
#ifndef _LIBKVMGOV_INTERNAL_H
#define _LIBKVMGOV_INTERNAL_H

#include <linux/genetlink.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <netlink/socket.h>

#include <kvmgov/kvmgov.h>

#include "attr_gen.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/* error.c: fill in *@err unless it is NULL; return -1 for the caller to pass on. */
int kvmgov_error_set(struct kvmgov_error *err, int code, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
int kvmgov_error_set_attr(struct kvmgov_error *err, int code, const char *attribute,
			  const char *format, ...) __attribute__((format(printf, 4, 5)));

/**
 * struct kvmgov_attr_set - An attribute set of the spec
 * @max: Highest attribute that this library knows.
 * @names: Their names in the spec.
 * @policy: Their types, for nla_parse().
 */
struct kvmgov_attr_set {
	int max;
	const char *const *names;
	const struct nla_policy *policy;
};

extern const struct kvmgov_attr_set kvmgov_set_hook;
extern const struct kvmgov_attr_set kvmgov_set_info;
extern const struct kvmgov_attr_set kvmgov_set_vm;
extern const struct kvmgov_attr_set kvmgov_set_vcpu;
extern const struct kvmgov_attr_set kvmgov_set_exit;

/**
 * struct kvmgov_record - The attributes of one message, parsed and kept
 * @set: What they are.
 * @len: Length of @attrs in bytes.
 * @attrs: Copy of the attributes as they came.
 * @tb: Pointers into @attrs by attribute; NULL where the module sent none.
 *
 * One allocation. The objects that users see are records by another name, so
 * that a new attribute costs an accessor and nothing else.
 */
struct kvmgov_record {
	const struct kvmgov_attr_set *set;
	int len;
	struct nlattr *attrs;
	struct nlattr *tb[];
};

struct kvmgov_record *kvmgov_record_new(const struct kvmgov_attr_set *set,
					const struct nlattr *attrs, int len,
					struct kvmgov_error *err);
struct kvmgov_record *kvmgov_record_from_msg(const struct kvmgov_attr_set *set,
					     struct nlmsghdr *nlh, struct kvmgov_error *err);
bool kvmgov_record_has(const struct kvmgov_record *rec, unsigned int attr);
uint32_t kvmgov_record_u32(const struct kvmgov_record *rec, unsigned int attr);
uint64_t kvmgov_record_u64(const struct kvmgov_record *rec, unsigned int attr);
const char *kvmgov_record_string(const struct kvmgov_record *rec, unsigned int attr);

/**
 * struct kvmgov_record_list - A growing array of records that it owns
 */
struct kvmgov_record_list {
	size_t nr;
	size_t room;
	struct kvmgov_record **records;
};

int kvmgov_record_list_add(struct kvmgov_record_list *list, struct kvmgov_record *rec,
			   struct kvmgov_error *err);
void kvmgov_record_list_clear(struct kvmgov_record_list *list);
const struct kvmgov_record *kvmgov_record_list_at(const struct kvmgov_record_list *list, size_t i);

/**
 * struct kvmgov_family - A generic netlink family as the kernel knows it now
 * @id: Message type of its requests.
 * @groups: Ids of the multicast groups that were asked for; 0 for one that
 *          the family does not have.
 */
struct kvmgov_family {
	uint16_t id;
	uint32_t groups[2];
};

/**
 * struct kvmgov - A connection to the module
 */
struct kvmgov {
	struct nl_sock *sk;
	struct kvmgov_family family;
};

struct nl_sock *kvmgov_socket_open(struct kvmgov_error *err);
int kvmgov_family_resolve(struct nl_sock *sk, const char *name, const char *const groups[2],
			  struct kvmgov_family *family, struct kvmgov_error *err);
/* Parse what the kernel says of a family; its id, or NULL when that is missing. */
struct nlattr *kvmgov_family_parse(struct nlmsghdr *nlh, struct nlattr *tb[CTRL_ATTR_MAX + 1]);
int kvmgov_error_no_module(struct kvmgov_error *err);

/* A request; @flags is NLM_F_DUMP or 0. NULL when there is no memory. */
struct nl_msg *kvmgov_msg_new(const struct kvmgov *kg, uint8_t cmd, int flags,
			      struct kvmgov_error *err);

/**
 * struct kvmgov_request - One request and what to do with the answer
 * @msg: The request.
 * @set: Attribute set of the request, to name the attribute that is to blame.
 * @what: Names the undertaking in errors: "cannot <what>: <reason>".
 * @reply: Called for every message of the answer; may be NULL. Failing, it
 *         fills in the error and returns -1.
 * @arg: For @reply.
 * @interrupted: Set when what a dump read changed while it was read.
 */
struct kvmgov_request {
	struct nl_msg *msg;
	const struct kvmgov_attr_set *set;
	const char *what;
	int (*reply)(struct nlmsghdr *nlh, void *arg, struct kvmgov_error *err);
	void *arg;
	bool interrupted;
};

int kvmgov_request_run(struct kvmgov *kg, struct kvmgov_request *req, struct kvmgov_error *err);

/* Read a dump of records until it is consistent, or give up with EAGAIN. */
int kvmgov_dump(struct kvmgov *kg, uint8_t cmd, const struct kvmgov_attr_set *set,
		unsigned int filter_attr, uint64_t filter, const char *what,
		struct kvmgov_record_list *list, struct kvmgov_error *err);

struct kvmgov_vm {
	struct kvmgov_record rec;
};

#endif /* _LIBKVMGOV_INTERNAL_H */
