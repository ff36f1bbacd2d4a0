// SPDX-License-Identifier: GPL-2.0-only
/* Gantt charts: which VM ran when, in text and as SVG. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "simulate.h"

/* --- text --- */

/**
 * struct cell - A column of a VM's line
 * @ran: How much of it the VM ran.
 * @waited: Whether it had something to do in it.
 */
struct cell {
	uint64_t ran;
	bool waited;
};

/* Where the columns of the chart begin, in ns from its left; exact for any length. */
static uint64_t column_at(const struct figures *figures, unsigned int column)
{
	return (unsigned __int128)(figures->end - figures->begin) * column / GANTT_COLUMNS;
}

/* The column that a time is in. */
static unsigned int column_of(const struct figures *figures, uint64_t time)
{
	uint64_t span = figures->end - figures->begin;
	unsigned int column = (unsigned __int128)(time - figures->begin) * GANTT_COLUMNS / span;

	while (column + 1 < GANTT_COLUMNS &&
	       column_at(figures, column + 1) <= time - figures->begin)
		column++;
	return column < GANTT_COLUMNS ? column : GANTT_COLUMNS - 1;
}

static void add_ran(struct cell *cells, const struct figures *figures, uint64_t from, uint64_t to)
{
	unsigned int column = column_of(figures, from);

	for (; from < to; column++) {
		uint64_t end = figures->begin + column_at(figures, column + 1);

		if (end > to || column + 1 == GANTT_COLUMNS)
			end = to;
		cells[column].ran += end - from;
		from = end;
	}
}

static void add_waited(struct cell *cells, const struct figures *figures, uint64_t from,
		       uint64_t to)
{
	unsigned int column, last = column_of(figures, to - 1);

	for (column = column_of(figures, from); column <= last; column++)
		cells[column].waited = true;
}

static char cell_char(const struct figures *figures, const struct cell *cells, unsigned int column)
{
	uint64_t width = column_at(figures, column + 1) - column_at(figures, column);

	if (!cells[column].ran)
		return cells[column].waited ? '.' : ' ';
	return cells[column].ran * 2 >= width ? '#' : '+';
}

static void vm_line(FILE *file, const struct workload *workload, const struct simulation *sim,
		    uint32_t vm, int name_width)
{
	struct cell cells[GANTT_COLUMNS] = { 0 };
	char line[GANTT_COLUMNS + 1], buf[WORKLOAD_NAME_LEN];
	const char *name = workload_name(workload, vm, buf, sizeof(buf));
	unsigned int column;
	size_t i;

	for (i = 0; i < workload->nr; i++)
		if (workload->bursts[i].vm == vm)
			add_waited(cells, &sim->figures, workload->bursts[i].arrival,
				   sim->outcomes[i].end);
	for (i = 0; i < sim->nr_segments; i++)
		if (workload->bursts[sim->segments[i].burst].vm == vm)
			add_ran(cells, &sim->figures, sim->segments[i].from, sim->segments[i].to);
	for (column = 0; column < GANTT_COLUMNS; column++)
		line[column] = cell_char(&sim->figures, cells, column);
	line[GANTT_COLUMNS] = '\0';
	fprintf(file, "%*s", name_width - out_text(file, name), "");
	fprintf(file, " |%s|\n", line);
}

void gantt_text(FILE *file, const struct workload *workload, const struct simulation *sim)
{
	char from[KVMGOV_VALUE_LEN], to[KVMGOV_VALUE_LEN], buf[WORKLOAD_NAME_LEN];
	int name_width = strlen(sim->figures.ops->name);
	uint32_t vm;

	for (vm = 0; vm < workload->nr_vms; vm++) {
		int width = out_width(workload_name(workload, vm, buf, sizeof(buf)));

		name_width = width > name_width ? width : name_width;
	}
	kvmgov_time_format(sim->figures.begin, from, sizeof(from));
	kvmgov_time_format(sim->figures.end, to, sizeof(to));
	fprintf(file, "%-*s  %-*s%s\n", name_width, sim->figures.ops->name,
		GANTT_COLUMNS - (int)strlen(to), from, to);
	for (vm = 0; vm < workload->nr_vms; vm++)
		vm_line(file, workload, sim, vm, name_width);
}

/* --- SVG --- */

#define LEFT  130
#define WIDTH 800
#define RIGHT 40
#define ROW   22
#define HEAD  34
#define FOOT  34
#define TICKS 10

/* Colours that can be told apart by those who see few of them: Okabe and Ito. */
static const char *const colours[] = { "#0072b2", "#e69f00", "#009e73", "#cc79a7",
				       "#56b4e9", "#d55e00", "#f0e442" };

/* XML is UTF-8, and holds some characters by their numbers only. */
static void svg_text(FILE *file, const char *text)
{
	while (*text) {
		size_t len = utf8_len((const unsigned char *)text);

		if (strchr("&<>\"", *text))
			fprintf(file, "&#%d;", *text);
		else if (len)
			fwrite(text, 1, len, file);
		else
			putc('?', file);
		text += len ? len : 1;
	}
}

static double svg_x(uint64_t begin, uint64_t end, uint64_t time)
{
	return LEFT + (double)(time - begin) / (end - begin) * WIDTH;
}

static void svg_box(FILE *file, const struct simulation *sim, const struct segment *segment,
		    const struct burst *burst, uint64_t end, double top)
{
	double from = svg_x(sim->figures.begin, end, segment->from);
	double to = svg_x(sim->figures.begin, end, segment->to);
	/* As high as the part of its vCPUs that runs. */
	double height = (ROW - 6.0) * segment->cpus / burst->vcpus;
	char times[2][KVMGOV_VALUE_LEN];

	kvmgov_time_format(segment->from, times[0], sizeof(times[0]));
	kvmgov_time_format(segment->to, times[1], sizeof(times[1]));
	fprintf(file,
		"<rect x=\"%.2f\" y=\"%.2f\" width=\"%.2f\" height=\"%.2f\" fill=\"%s\">"
		"<title>%s to %s</title></rect>\n",
		from, top + ROW - 3 - height, to - from, height,
		colours[burst->vm % ARRAY_SIZE(colours)], times[0], times[1]);
}

static void svg_axis(FILE *file, uint64_t begin, uint64_t end, double top, double bottom)
{
	char text[KVMGOV_VALUE_LEN];
	unsigned int i;

	for (i = 0; i <= TICKS; i++) {
		uint64_t time = begin + (unsigned __int128)(end - begin) * i / TICKS;
		double x = LEFT + (double)i / TICKS * WIDTH;

		kvmgov_time_format(time, text, sizeof(text));
		fprintf(file,
			"<line x1=\"%.2f\" y1=\"%.2f\" x2=\"%.2f\" y2=\"%.2f\" stroke=\"#ddd\"/>\n",
			x, top, x, bottom + 4);
		/* More digits than there is room for help nobody. */
		fprintf(file,
			"<text x=\"%.2f\" y=\"%.2f\" text-anchor=\"middle\" fill=\"#444\">%.9s", x,
			bottom + 18, text);
		fputs("</text>\n", file);
	}
}

/* One discipline, from @top down. */
static void svg_chart(FILE *file, const struct workload *workload, const struct simulation *sim,
		      uint64_t end, double top)
{
	double bottom = top + HEAD + ROW * workload->nr_vms;
	char buf[WORKLOAD_NAME_LEN], wait[KVMGOV_VALUE_LEN];
	uint32_t vm;
	size_t i;

	kvmgov_time_format(sim->figures.waiting, wait, sizeof(wait));
	fprintf(file,
		"<text x=\"%d\" y=\"%.2f\" font-size=\"14\" font-weight=\"bold\">%s</text>\n"
		"<text x=\"%d\" y=\"%.2f\" text-anchor=\"end\" fill=\"#444\">waiting %s on "
		"average</text>\n",
		LEFT, top + 22, sim->figures.ops->name, LEFT + WIDTH, top + 22, wait);
	svg_axis(file, sim->figures.begin, end, top + HEAD, bottom);
	for (vm = 0; vm < workload->nr_vms; vm++) {
		fprintf(file, "<text x=\"%d\" y=\"%.2f\" text-anchor=\"end\">", LEFT - 8,
			top + HEAD + ROW * vm + 15);
		svg_text(file, workload_name(workload, vm, buf, sizeof(buf)));
		fputs("</text>\n", file);
	}
	for (i = 0; i < workload->nr; i++) {
		double y = top + HEAD + ROW * workload->bursts[i].vm + ROW / 2.0;

		fprintf(file,
			"<line x1=\"%.2f\" y1=\"%.2f\" x2=\"%.2f\" y2=\"%.2f\" "
			"stroke=\"#999\" stroke-width=\"2\"/>\n",
			svg_x(sim->figures.begin, end, workload->bursts[i].arrival), y,
			svg_x(sim->figures.begin, end, sim->outcomes[i].end), y);
	}
	for (i = 0; i < sim->nr_segments; i++) {
		const struct burst *burst = &workload->bursts[sim->segments[i].burst];

		svg_box(file, sim, &sim->segments[i], burst, end, top + HEAD + ROW * burst->vm);
	}
}

void gantt_svg(FILE *file, const struct workload *workload, const struct simulation *sims,
	       size_t nr)
{
	unsigned int height = HEAD + FOOT + ROW * workload->nr_vms;
	uint64_t end = 0;
	size_t i;

	for (i = 0; i < nr; i++)
		end = sims[i].figures.end > end ? sims[i].figures.end : end;
	fprintf(file,
		"<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%zu\" "
		"font-family=\"sans-serif\" font-size=\"12\">\n"
		"<rect width=\"100%%\" height=\"100%%\" fill=\"white\"/>\n",
		LEFT + WIDTH + RIGHT, nr * height);
	for (i = 0; i < nr; i++)
		svg_chart(file, workload, &sims[i], end, i * height);
	fputs("</svg>\n", file);
}
