/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the YAML spec says of the netlink family, as tables (spec_gen.c), and
 * whether a message agrees with it.
 */
#ifndef LIB_SPEC_H
#define LIB_SPEC_H

#include <linux/kvmgov.h>
#include <linux/netlink.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum spec_type {
	SPEC_NONE,
	SPEC_U8,
	SPEC_U16,
	SPEC_U32,
	SPEC_U64,
	SPEC_FLAG,
	SPEC_STRING,
	SPEC_BINARY,
	SPEC_NEST,
	SPEC_PAD,
};

struct spec_set;

/**
 * struct spec_attr - an attribute
 * @name:	its name in the spec
 * @type:	SPEC_NONE where there is no attribute of this number
 * @last:	last entry of its enum, or 0
 * @max_len:	bytes of a string, without its NUL; 0: no limit is stated
 * @exact_len:	bytes that it has, or 0
 * @nested:	what a nest holds
 * @multi:	may stand in a message more than once
 */
struct spec_attr {
	const char *name;
	enum spec_type type;
	uint64_t last;
	unsigned int max_len;
	unsigned int exact_len;
	const struct spec_set *nested;
	bool multi;
};

/**
 * struct spec_set - attributes by their numbers
 * @name:	its name in the spec
 * @max:	highest attribute
 * @attrs:	@max + 1 of them
 */
struct spec_set {
	const char *name;
	unsigned int max;
	const struct spec_attr *attrs;
};

/**
 * struct spec_mode - a way to use a command
 * @there:	whether it is one
 * @request:	mask of the attributes of the request
 * @reply:	mask of those of the reply; 0: there is no reply
 */
struct spec_mode {
	bool there;
	uint64_t request;
	uint64_t reply;
};

struct spec_op {
	const char *name;
	int cmd;
	const struct spec_set *set;
	struct spec_mode doit, dumpit, notify;
};

extern const struct spec_set spec_hook, spec_info, spec_vm, spec_vcpu, spec_exit;
extern const struct spec_op spec_ops[];
extern const size_t nr_spec_ops;

/* The command with this number, or NULL. */
const struct spec_op *spec_op_by_cmd(int cmd);

/* Bytes of a value of fixed size, 0 for others. */
size_t spec_fixed_size(const struct spec_attr *attr);

/*
 * Whether @len bytes at @data are attributes of @set, of its types and sizes
 * and of those in @mask only. What is wrong, as text, else NULL.
 */
const char *spec_check_attrs(const struct spec_set *set, uint64_t mask, const void *data,
			     size_t len);

/* The same for a whole message of the family; @dump: part of a dump. */
const char *spec_check_reply(const struct nlmsghdr *nlh, bool dump);

#endif
