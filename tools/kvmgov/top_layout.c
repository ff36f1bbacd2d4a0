// SPDX-License-Identifier: GPL-2.0-only
/* What goes where on a screen of kvmgov top. */
#include <inttypes.h>
#include <string.h>

#include "top.h"

/* The bar goes when there is no room for this, after columns of a higher rank. */
#define BAR_RANK  4
#define BAR_LEAST 10
/* It gets what is left over first up to this, the names then up to that. */
#define BAR_MOST   40
#define NAMES_MOST 32

static int digits(uint64_t number)
{
	char buf[24];

	return snprintf(buf, sizeof(buf), "%" PRIu64, number);
}

static int width_of(const struct top_column *column, uint64_t last_id)
{
	int least = digits(last_id);

	return column == top_columns && least > column->width ? least : column->width;
}

/* The highest rank up to which all columns, and @by, go into @width. */
static int rank_that_fits(int width, uint64_t last_id, const struct top_column *by)
{
	const struct top_column *column;
	int rank, used, fits = -1;

	for (rank = 0; rank < TOP_MAX_PLACES; rank++) {
		used = rank >= BAR_RANK ? BAR_LEAST + 1 : 0;
		for (column = top_columns; column->key; column++)
			if (column->rank <= rank || column == by)
				used += width_of(column, last_id) + 1;
		if (used - 1 > width)
			break;
		fits = rank;
	}
	return fits;
}

static void give(struct top_place *place, int most, int *left)
{
	int more = most - place->width < *left ? most - place->width : *left;

	if (more > 0) {
		place->width += more;
		*left -= more;
	}
}

size_t top_layout(int width, uint64_t last_id, const struct top_column *by,
		  struct top_place places[TOP_MAX_PLACES])
{
	int rank = rank_that_fits(width, last_id, by), left = width;
	struct top_place *names = NULL, *bar;
	const struct top_column *column;
	size_t nr = 0;

	for (column = top_columns; column->key; column++) {
		if (column->rank > rank && column != by)
			continue;
		places[nr].column = column;
		places[nr].width = width_of(column, last_id);
		left -= places[nr].width + (nr > 0);
		if (!strcmp(column->key, "name"))
			names = &places[nr];
		nr++;
	}
	if (rank >= BAR_RANK) {
		bar = &places[nr++];
		bar->column = NULL;
		bar->width = BAR_LEAST;
		left -= BAR_LEAST + 1;
		give(bar, BAR_MOST, &left);
		if (names)
			give(names, NAMES_MOST, &left);
		give(bar, width, &left);
	} else if (names) {
		give(names, NAMES_MOST, &left);
	}
	return nr;
}

/*
 * Each state gets the whole characters that it is due, and those with the largest
 * remainders one of the rest each.
 */
void top_bar(const struct sample *sample, unsigned char *bar, int width)
{
	double rest[SAMPLE_NR_STATES], sum = 0;
	int cells[SAMPLE_NR_STATES], left = width;
	unsigned int i, most;

	for (i = 0; i < SAMPLE_NR_STATES; i++)
		sum += sample->state_ns[i];
	if (!sum) {
		memset(bar, TOP_BAR_EMPTY, width);
		return;
	}
	for (i = 0; i < SAMPLE_NR_STATES; i++) {
		double due = sample->state_ns[i] / sum * width;

		cells[i] = due;
		rest[i] = due - cells[i];
		left -= cells[i];
	}
	for (; left > 0; left--) {
		for (i = 1, most = 0; i < SAMPLE_NR_STATES; i++)
			if (rest[i] > rest[most])
				most = i;
		cells[most]++;
		rest[most] = -1;
	}
	for (i = 0; i < SAMPLE_NR_STATES; i++) {
		memset(bar, i, cells[i]);
		bar += cells[i];
	}
}
