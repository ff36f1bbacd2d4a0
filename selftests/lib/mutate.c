// SPDX-License-Identifier: GPL-2.0-only
#include "mutate.h"

#include <linux/genetlink.h>
#include <stdio.h>
#include <string.h>

#include "test.h"

#define HUGE  60000
#define SMALL 256

/* --- attributes --- */

/* A message that grows. */
struct writer {
	struct mutator *m;
	char *buf;
	size_t len;
};

static struct nlattr *put(struct writer *w, unsigned int type, const void *data, size_t len)
{
	struct nlattr *nla = (struct nlattr *)(w->buf + w->len);
	size_t padded = NLA_ALIGN(len);

	if (w->len + NLA_HDRLEN + padded + SMALL > MUTATE_ROOM)
		return NULL;
	nla->nla_type = type;
	nla->nla_len = NLA_HDRLEN + len;
	memset((char *)nla + NLA_HDRLEN, 0, padded);
	if (data)
		memcpy((char *)nla + NLA_HDRLEN, data, len);
	w->len += NLA_HDRLEN + padded;
	return nla;
}

static const struct legal *find_legal(const struct mutator *m, const struct spec_set *set,
				      unsigned int nr)
{
	size_t i;

	for (i = 0; i < m->nr_legal; i++)
		if (m->legal[i].set == set && m->legal[i].attr == nr)
			return &m->legal[i];
	return NULL;
}

static uint64_t legal_number(struct mutator *m, const struct spec_set *set, unsigned int nr)
{
	const struct legal *legal = find_legal(m, set, nr);
	const struct spec_attr *attr = &set->attrs[nr];
	uint64_t span;

	if (!legal)
		return attr->last ? random_below(&m->rng, attr->last + 1) : random_u64(&m->rng);
	if (legal->nr)
		return legal->of[random_below(&m->rng, legal->nr)];
	if (legal->extra && random_one_in(&m->rng, 4))
		return legal->extra;
	/* Small ones are as likely as large ones. */
	span = legal->max - legal->min;
	return legal->min + (random_u64(&m->rng) >> random_below(&m->rng, 64)) % (span + 1);
}

/* A name that nobody can object to, but that another VM may have. */
static size_t legal_string(struct mutator *m, const struct spec_attr *attr, char *buf)
{
	size_t i, len = random_below(&m->rng, attr->max_len ? attr->max_len + 1 : 16);

	for (i = 0; i < len; i++)
		buf[i] = 'a' + random_below(&m->rng, 26);
	if (random_one_in(&m->rng, 2))
		len = snprintf(buf, SMALL, "vm-%u", random_below(&m->rng, 8));
	buf[len] = '\0';
	return len + 1;
}

static size_t legal_value(struct mutator *m, const struct spec_set *set, unsigned int nr, char *buf)
{
	const struct spec_attr *attr = &set->attrs[nr];
	uint64_t number;

	if (attr->type == SPEC_STRING)
		return legal_string(m, attr, buf);
	if (attr->type == SPEC_BINARY) {
		random_bytes(&m->rng, buf, attr->exact_len);
		return attr->exact_len;
	}
	number = legal_number(m, set, nr);
	memcpy(buf, &number, sizeof(number));
	return spec_fixed_size(attr);
}

static size_t hostile_value(struct mutator *m, const struct spec_attr *attr, char *buf)
{
	size_t size = spec_fixed_size(attr);
	uint64_t number;

	if (attr->type == SPEC_STRING || random_one_in(&m->rng, 8)) {
		size = hostile_string(&m->rng, buf, SMALL - 1);
		if (!random_one_in(&m->rng, 4))
			buf[size++] = '\0';
		return size;
	}
	if (size > sizeof(number) || !size) {
		random_bytes(&m->rng, buf, size = random_below(&m->rng, 40));
		return size;
	}
	number = hostile_number(&m->rng);
	memcpy(buf, &number, sizeof(number));
	return random_one_in(&m->rng, 4) ? random_below(&m->rng, 20) : size;
}

/* Turn what the message has from @from on into the inside of a nest. */
static void wrap(struct writer *w, size_t from, unsigned int type)
{
	struct nlattr *nla = (struct nlattr *)(w->buf + from);

	if (w->len + 2 * NLA_HDRLEN > MUTATE_ROOM)
		return;
	memmove((char *)nla + NLA_HDRLEN, nla, w->len - from);
	w->len += NLA_HDRLEN;
	nla->nla_type = type;
	nla->nla_len = w->len - from;
}

static void put_bad_attr(struct writer *w, const struct spec_set *set, unsigned int nr)
{
	static const unsigned int types[] = { 0, 1, 99, 255, 256, 0x3fff };
	static const unsigned int lengths[] = { 0, 1, 2, 3, 4, 5, 7, 9, 2000, 32768, 65535 };
	struct random *r = &w->m->rng;
	char buf[SMALL] = {};
	size_t from = w->len, len = legal_value(w->m, set, nr, buf);
	struct nlattr *nla;
	int depth;

	switch (random_below(r, 10)) {
	case 0: /* of another size */
		put(w, nr, buf, random_below(r, 24));
		return;
	case 1: /* that claims another size */
		nla = put(w, nr, buf, len);
		if (nla)
			nla->nla_len = random_one_in(r, 2)
					       ? lengths[random_below(r, ARRAY_SIZE(lengths))]
					       : nla->nla_len + random_below(r, 9) - 4;
		return;
	case 2: /* of another number */
		put(w,
		    random_one_in(r, 2) ? types[random_below(r, ARRAY_SIZE(types))]
					: random_below(r, set->max + 2),
		    buf, len);
		return;
	case 3: /* with flags */
		put(w, nr | (random_below(r, 3) + 1) << 14, buf, len);
		return;
	case 4: /* twice, with two values */
		put(w, nr, buf, len);
		put(w, nr, buf, legal_value(w->m, set, nr, buf));
		return;
	case 5: /* in a nest, or in many */
		put(w, nr, buf, len);
		depth = random_one_in(r, 4) ? random_below(r, 200) : 1;
		while (depth--)
			wrap(w, from, random_one_in(r, 2) ? nr : nr | NLA_F_NESTED);
		return;
	case 6: /* with something in the padding */
		put(w, nr, buf, len);
		random_bytes(r, w->buf + from + NLA_HDRLEN + len, NLA_ALIGN(len) - len);
		return;
	case 7:
		if (random_one_in(r, 32)) {
			put(w, nr, NULL, random_below(r, HUGE));
			return;
		}
		/* fallthrough */
	default:
		put(w, nr, buf, hostile_value(w->m, &set->attrs[nr], buf));
	}
}

/* --- messages --- */

static const struct spec_op *pick_op(struct random *r)
{
	const struct spec_op *op = NULL;
	size_t i;

	/* What takes most is asked most. */
	if (random_one_in(r, 3)) {
		for (i = 0; i < nr_spec_ops; i++)
			if (!op || __builtin_popcountll(spec_ops[i].doit.request) >
					   __builtin_popcountll(op->doit.request))
				op = &spec_ops[i];
		return op;
	}
	/* A socket has one dump at a time; all others are merely refused. */
	do {
		op = &spec_ops[random_below(r, nr_spec_ops)];
	} while (op->notify.there || (!op->doit.there && !random_one_in(r, 4)));
	return op;
}

static void put_attrs_of(struct writer *w, const struct spec_op *op, uint64_t mask, bool dump,
			 bool clean)
{
	struct random *r = &w->m->rng;
	unsigned int i, nr, first = random_below(r, op->set->max);
	char buf[SMALL];

	for (i = 0; i < op->set->max; i++) {
		nr = (first + i) % op->set->max + 1;
		if (mask & 1ULL << nr) {
			const struct legal *legal = find_legal(w->m, op->set, nr);
			bool needed = legal && legal->nr && !dump;

			if (!random_one_in(r, 2) && (!needed || (!clean && random_one_in(r, 4))))
				continue;
			if (!clean && random_one_in(r, 4))
				put_bad_attr(w, op->set, nr);
			else
				put(w, nr, buf, legal_value(w->m, op->set, nr, buf));
		} else if (!clean && random_one_in(r, 40)) {
			/* One that only replies have. */
			put_bad_attr(w, op->set, nr);
		}
	}
}

static void spoil_header(struct random *r, struct nlmsghdr *nlh, struct genlmsghdr *genl)
{
	static const int lengths[] = { 0, 1, 4, 15, 16, 17, 18, 19, 20, 21, 24, 100, 65536, -1 };
	/* Only numbers that no other family can have. */
	static const int types[] = { NLMSG_NOOP, NLMSG_ERROR, NLMSG_DONE, 15, 0x1000, 0xffff };

	/* A length that is too large hides what follows: that is rarer. */
	switch (random_below(r, 13)) {
	case 0:
		genl->version = random_u64(r);
		break;
	case 1:
	case 8:
		genl->cmd = random_one_in(r, 2) ? random_below(r, 12) : random_u64(r);
		break;
	case 2:
		genl->reserved = random_u64(r);
		break;
	case 3:
	case 9:
		nlh->nlmsg_flags = random_u64(r);
		break;
	case 4:
		nlh->nlmsg_flags ^= NLM_F_DUMP;
		break;
	case 5:
	case 10:
		nlh->nlmsg_flags &= ~(random_one_in(r, 2) ? NLM_F_ACK : NLM_F_REQUEST);
		break;
	case 6:
		nlh->nlmsg_pid = random_u64(r);
		break;
	case 7:
	case 11:
		nlh->nlmsg_type = types[random_below(r, ARRAY_SIZE(types))];
		break;
	default:
		nlh->nlmsg_len = random_one_in(r, 2) ? (uint32_t)lengths[random_below(r, 14)]
						     : nlh->nlmsg_len + random_below(r, 17) - 8;
	}
}

/* Anywhere but in the type, lest another family is spoken to. */
static void spoil_bytes(struct random *r, char *buf, size_t len)
{
	unsigned int nr = 1 + random_below(r, 4);

	while (nr--) {
		size_t i = random_below(r, len);

		if (i != offsetof(struct nlmsghdr, nlmsg_type) &&
		    i != offsetof(struct nlmsghdr, nlmsg_type) + 1)
			buf[i] ^= random_one_in(r, 2) ? 1 << (i & 7) : (int)random_below(r, 256);
	}
}

size_t mutate_message(struct mutator *m, void *buf, bool *clean)
{
	struct writer w = { .m = m, .buf = buf, .len = NLMSG_HDRLEN + GENL_HDRLEN };
	struct genlmsghdr *genl = (struct genlmsghdr *)((char *)buf + NLMSG_HDRLEN);
	const struct spec_op *op = pick_op(&m->rng);
	bool dump = op->dumpit.there && (!op->doit.there || random_one_in(&m->rng, 8));
	struct nlmsghdr *nlh = buf;

	*clean = random_one_in(&m->rng, 4);
	memset(buf, 0, w.len);
	put_attrs_of(&w, op, dump ? op->dumpit.request : op->doit.request, dump, *clean);
	nlh->nlmsg_type = m->family;
	nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | (dump ? NLM_F_DUMP : 0);
	genl->cmd = op->cmd;
	genl->version = KVMGOV_FAMILY_VERSION;
	if (!*clean && random_one_in(&m->rng, 16)) /* cut, or followed by nonsense */
		w.len = random_one_in(&m->rng, 2) ? NLMSG_HDRLEN + random_below(&m->rng, w.len)
						  : w.len + random_below(&m->rng, 16);
	if (w.len < NLMSG_HDRLEN + GENL_HDRLEN)
		w.len = NLMSG_HDRLEN + random_below(&m->rng, 2) * GENL_HDRLEN;
	nlh->nlmsg_len = w.len;
	if (!*clean && random_one_in(&m->rng, 4))
		spoil_header(&m->rng, nlh, genl);
	if (!*clean && random_one_in(&m->rng, 8))
		spoil_bytes(&m->rng, buf, w.len);
	return NLMSG_ALIGN(w.len);
}
