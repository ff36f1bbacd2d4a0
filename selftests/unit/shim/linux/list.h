/* SPDX-License-Identifier: GPL-2.0-only */
/* Rings of nodes that are in the things they link, by the kernel's names. */
#ifndef SHIM_LINUX_LIST_H
#define SHIM_LINUX_LIST_H

#include <linux/types.h>

struct list_head {
	struct list_head *next, *prev;
};

static inline void INIT_LIST_HEAD(struct list_head *node)
{
	node->next = node;
	node->prev = node;
}

static inline bool list_empty(const struct list_head *head)
{
	return head->next == head;
}

static inline void list_del_init(struct list_head *node)
{
	node->prev->next = node->next;
	node->next->prev = node->prev;
	INIT_LIST_HEAD(node);
}

/* Behind @place. */
static inline void list_add(struct list_head *node, struct list_head *place)
{
	node->prev = place;
	node->next = place->next;
	place->next->prev = node;
	place->next = node;
}

static inline void list_add_tail(struct list_head *node, struct list_head *head)
{
	list_add(node, head->prev);
}

static inline void list_move(struct list_head *node, struct list_head *place)
{
	list_del_init(node);
	list_add(node, place);
}

#define list_entry(ptr, type, member)	      ((type *)((char *)(ptr)-offsetof(type, member)))
#define list_first_entry(head, type, member)  list_entry((head)->next, type, member)
#define list_next_entry(pos, member)	      list_entry((pos)->member.next, __typeof__(*(pos)), member)
#define list_prev_entry(pos, member)	      list_entry((pos)->member.prev, __typeof__(*(pos)), member)
#define list_entry_is_head(pos, head, member) (&(pos)->member == (head))

#define list_for_each_entry(pos, head, member)                         \
	for (pos = list_first_entry(head, __typeof__(*(pos)), member); \
	     !list_entry_is_head(pos, head, member); pos = list_next_entry(pos, member))

#define list_for_each_entry_safe(pos, n, head, member)                 \
	for (pos = list_first_entry(head, __typeof__(*(pos)), member), \
	    n = list_next_entry(pos, member);                          \
	     !list_entry_is_head(pos, head, member); pos = n, n = list_next_entry(n, member))

#endif /* SHIM_LINUX_LIST_H */
