// SPDX-License-Identifier: GPL-2.0-only
/* The rows of kvmgov top: what VMs did since the last time, sorted. */
#include <stdlib.h>
#include <string.h>

#include "top.h"

static int grow(void *array, size_t *room, size_t nr, size_t size)
{
	void **old = array, *new;

	if (nr <= *room)
		return 0;
	nr += nr / 2 + 16;
	new = reallocarray(*old, nr, size);
	if (!new)
		return -1;
	*old = new;
	*room = nr;
	return 0;
}

int top_rows_begin(struct top_rows *rows, size_t nr)
{
	struct top_row *next;
	size_t room;

	if (grow(&rows->before, &rows->room_before, nr, sizeof(*rows->before)) ||
	    grow(&rows->order, &rows->room_order, nr, sizeof(*rows->order)))
		return -1;
	next = rows->before;
	room = rows->room_before;
	rows->before = rows->rows;
	rows->room_before = rows->room;
	rows->nr_before = rows->nr;
	rows->rows = next;
	rows->room = room;
	rows->nr = 0;
	rows->at = 0;
	return 0;
}

/* Both are in the order of ids, so one walk through either finds all pairs. */
static const struct top_row *row_before(struct top_rows *rows, uint64_t id)
{
	while (rows->at < rows->nr_before && rows->before[rows->at].id < id)
		rows->at++;
	if (rows->at < rows->nr_before && rows->before[rows->at].id == id)
		return &rows->before[rows->at];
	return NULL;
}

void top_rows_add(struct top_rows *rows, const struct kvmgov_vm *vm)
{
	struct top_row *row = &rows->rows[rows->nr];
	const struct top_row *before;

	row->id = kvmgov_vm_id(vm);
	row->vm = vm;
	sample_take(&row->now, vm);
	before = row_before(rows, row->id);
	if (before)
		sample_subtract(&row->diff, &row->now, &before->now);
	else
		row->diff = row->now;
	rows->order[rows->nr++] = row;
}

struct sorting {
	const struct top_column *by;
	bool reverse;
};

/* Those that are alike stand in the order of their ids, either way. */
static int compare(const void *a, const void *b, void *arg)
{
	const struct top_row *x = *(const struct top_row *const *)a;
	const struct top_row *y = *(const struct top_row *const *)b;
	const struct sorting *sorting = arg;
	int order;

	if (sorting->by->number)
		order = (x->number > y->number) - (x->number < y->number);
	else
		order = strcmp(x->text, y->text);
	if (sorting->by->rising == sorting->reverse)
		order = -order;
	return order ? order : (x->id > y->id) - (x->id < y->id);
}

void top_rows_sort(struct top_rows *rows, const struct top_column *by, bool reverse)
{
	struct sorting sorting = { .by = by, .reverse = reverse };
	size_t i;

	/* Once for each row, not for each comparison. */
	for (i = 0; i < rows->nr; i++) {
		struct top_row *row = &rows->rows[i];

		if (by->number)
			row->number = by->number(row);
		else
			row->text = by->text(row, NULL);
		rows->order[i] = row;
	}
	if (rows->nr)
		qsort_r(rows->order, rows->nr, sizeof(*rows->order), compare, &sorting);
}

void top_rows_free(struct top_rows *rows)
{
	free(rows->rows);
	free(rows->order);
	free(rows->before);
	memset(rows, 0, sizeof(*rows));
}
