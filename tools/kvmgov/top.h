/* SPDX-License-Identifier: GPL-2.0-only */
/* What the files of kvmgov top share. */
#ifndef _KVMGOV_TOP_H
#define _KVMGOV_TOP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cli.h"
#include "sample.h"

/* --- rows: the VMs, and what they did in an interval (top_rows.c) --- */

/**
 * struct top_row - A VM
 * @id: Its id.
 * @vm: The VM; not valid any more once the next rows are made.
 * @now: Its figures.
 * @diff: What they have grown by since the rows before, or, of a VM that was
 *	  not there yet, since it was attached.
 * @number: What it is sorted by, if that is a number.
 * @text: What it is sorted by, if that is text.
 */
struct top_row {
	uint64_t id;
	const struct kvmgov_vm *vm;
	struct sample now;
	struct sample diff;
	double number;
	const char *text;
};

/**
 * struct top_rows - All VMs
 * @rows: The VMs, in the order of their ids.
 * @order: The same in the order in which they are shown. Whoever shows them
 *	   knows no other.
 * @nr: How many.
 * @room: How many @rows has room for.
 * @room_order: How many @order has room for.
 * @before: The rows before.
 * @nr_before: How many.
 * @room_before: How many @before has room for.
 * @at: The first of them that may be the next VM's.
 */
struct top_rows {
	struct top_row *rows;
	struct top_row **order;
	size_t nr;
	size_t room;
	size_t room_order;
	struct top_row *before;
	size_t nr_before;
	size_t room_before;
	size_t at;
};

struct top_column;

/*
 * Make rows anew: begin, add each VM in the order of the ids, and sort. Begin
 * fails for lack of memory only, and changes nothing then.
 */
int top_rows_begin(struct top_rows *rows, size_t nr);
void top_rows_add(struct top_rows *rows, const struct kvmgov_vm *vm);
void top_rows_sort(struct top_rows *rows, const struct top_column *by, bool reverse);
void top_rows_free(struct top_rows *rows);

/* --- columns (top_columns.c) --- */

/**
 * struct top_column - A figure of a VM
 * @key: What it is called on the command line.
 * @head: What stands above it.
 * @width: Its width on the screen; text may be wider elsewhere.
 * @rank: When the screen is narrow, those of the highest go first.
 * @tenths: The number is shown with them, where there is room.
 * @free_text: It is text that others have chosen, and to the left.
 * @rising: Sorted by it, the lowest comes first.
 * @number: The number, which it is sorted by; NULL for text.
 * @text: What it is written as, which may be in @buf; NULL for the number.
 */
struct top_column {
	const char *key;
	const char *head;
	int width;
	int rank;
	bool tenths;
	bool free_text;
	bool rising;
	double (*number)(const struct top_row *row);
	const char *(*text)(const struct top_row *row, char buf[KVMGOV_VALUE_LEN]);
};

extern const struct top_column top_columns[]; /* in the order of the screen; the last has no key */

const struct top_column *top_column_find(const char *word);
/* All keys, one after the other. */
const char *top_column_keys(char *buf, size_t size);

/* The text of a column, which may be in @buf; without tenths if they do not go into @width. */
const char *top_column_text(const struct top_column *column, const struct top_row *row, int width,
			    char buf[KVMGOV_VALUE_LEN]);

/* --- what goes where on a screen (top_layout.c) --- */

#define TOP_MAX_PLACES 32

/**
 * struct top_place - A part of each line
 * @column: What is there; NULL for the bar.
 * @width: How wide it is.
 */
struct top_place {
	const struct top_column *column;
	int width;
};

/*
 * Divide a line of @width for rows that have ids up to @last_id: what there is room
 * for, with a blank in between. @by is there in any case.
 */
size_t top_layout(int width, uint64_t last_id, const struct top_column *by,
		  struct top_place places[TOP_MAX_PLACES]);

#define TOP_BAR_EMPTY SAMPLE_NR_STATES

/*
 * Divide a bar of @width among the states, as exactly as whole characters allow;
 * all of it is TOP_BAR_EMPTY where there was no time.
 */
void top_bar(const struct sample *sample, unsigned char *bar, int width);

/* --- the command (top.c) --- */

/**
 * struct top - What is shown
 * @cli: The run of the tool.
 * @kg: The connection.
 * @list: The VMs that the rows are of.
 * @rows: The rows.
 * @by: What they are sorted by.
 * @reverse: Whether the other way round.
 * @seconds: The interval.
 * @count: How many times, or -1.
 * @message: What went wrong the last time, or "".
 */
struct top {
	struct cli *cli;
	struct kvmgov *kg;
	struct kvmgov_vm_list *list;
	struct top_rows rows;
	const struct top_column *by;
	bool reverse;
	double seconds;
	long count;
	char message[256];
};

/* "4 VMs, 6 vCPUs, CPU 137.5% of 200% (2 CPUs)" */
void top_summary(const struct top *top, char *buf, size_t size);
void top_sort(struct top *top);

/* --- the screen (top_screen.c) --- */

enum top_action {
	TOP_WAIT,    /* for the rest of the interval */
	TOP_REFRESH, /* at once, and a new interval begins */
	TOP_QUIT,
};

int top_screen_open(struct kvmgov_error *err);
void top_screen_close(void);
void top_screen_draw(const struct top *top);
/* Take the keys that were pressed and show what comes of them. */
enum top_action top_screen_keys(struct top *top);

#endif /* _KVMGOV_TOP_H */
