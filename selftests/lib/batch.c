// SPDX-License-Identifier: GPL-2.0-only
#include "batch.h"

#include <string.h>

static void make_messages(struct batch *b, struct mutator *m)
{
	struct random *r = &m->rng;
	/* A lone message ends where its memory ends, which a checker may see. */
	unsigned int nr = random_one_in(r, 8) ? 1 : 1 + random_below(r, MAX_BATCH);
	size_t len = 0;
	bool clean;

	b->nr_clean = 0;
	while (nr-- && len + MUTATE_ROOM <= BATCH_ROOM) {
		size_t start = len;

		len += mutate_message(m, b->bytes + start, &clean);
		if (clean)
			b->clean_at[b->nr_clean++] = start;
	}
	if (random_one_in(r, 16)) {
		len -= random_below(r, len < 24 ? len : 24);
		if (b->nr_clean && b->clean_at[b->nr_clean - 1] + 24 > len)
			b->nr_clean--;
	}
	b->len = len;
}

/*
 * The messages in a buffer, by the rules of netlink_rcv_skb(). They are numbered,
 * which means nothing to the kernel.
 */
static void find_messages(struct batch *b, int family)
{
	size_t at = 0, i;

	b->first_seq += b->nr_found;
	b->nr_found = 0;
	while (b->len - at >= NLMSG_HDRLEN) {
		struct nlmsghdr *nlh = (struct nlmsghdr *)(b->bytes + at);
		struct found *f = &b->found[b->nr_found];

		if (nlh->nlmsg_len < NLMSG_HDRLEN || nlh->nlmsg_len > b->len - at)
			return;
		memset(f, 0, sizeof(*f));
		f->nlh = nlh;
		nlh->nlmsg_seq = b->first_seq + b->nr_found;
		if (nlh->nlmsg_flags & NLM_F_REQUEST) {
			f->ours = nlh->nlmsg_type == family;
			f->foreign = !f->ours && nlh->nlmsg_type >= NLMSG_MIN_TYPE;
		}
		f->dump = f->ours && (nlh->nlmsg_flags & NLM_F_DUMP) == NLM_F_DUMP;
		for (i = 0; i < b->nr_clean; i++)
			f->clean |= b->clean_at[i] == at;
		b->nr_found++;
		at += NLMSG_ALIGN(nlh->nlmsg_len);
		if (at > b->len)
			return;
	}
}

void batch_make(struct batch *b, struct mutator *m)
{
	make_messages(b, m);
	b->nr++;
	find_messages(b, m->family);
}

struct found *batch_find(struct batch *b, uint32_t seq)
{
	uint32_t i = seq - b->first_seq;

	return i < b->nr_found ? &b->found[i] : NULL;
}

const struct genlmsghdr *genl_of(const struct nlmsghdr *nlh)
{
	return (const struct genlmsghdr *)((const char *)nlh + NLMSG_HDRLEN);
}

bool has_genl(const struct nlmsghdr *nlh)
{
	return nlh->nlmsg_len >= NLMSG_HDRLEN + GENL_HDRLEN;
}
