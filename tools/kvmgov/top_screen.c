// SPDX-License-Identifier: GPL-2.0-only
/* The screen of kvmgov top. */
#include <curses.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "top.h"

#define LEAST_COLUMNS 40
#define LEAST_LINES   8

/* Lines from the top: title, summary, legend, heads, VMs; and the last. */
#define LINE_HEADS   3
#define LINE_VMS     4
#define LINES_AROUND (LINE_VMS + 1)

#define KEY_ESC	  27
#define KEY_PAINT 12 /* ^L */

/* Names may be long and written as \xNN: room for as much as a screen is wide. */
#define LINE_SIZE 4096

/* ncurses has one screen, and so there is one of these. */
static struct {
	SCREEN *terminal;
	size_t selected; /* the VM that is, by its place */
	size_t first;	 /* the VM at the top */
	bool help;
	bool asking;
	char answer[16];
	char complaint[96];
} screen;

/* Letters in black or white on the colour; what has none is the terminal's own. */
static const struct {
	short letter;
	short ground;
} colours[SAMPLE_NR_STATES] = {
	{ COLOR_BLACK, COLOR_GREEN },	/* guest */
	{ COLOR_BLACK, COLOR_YELLOW },	/* exit */
	{ COLOR_BLACK, COLOR_CYAN },	/* vmm */
	{ -1, -1 },			/* halt */
	{ COLOR_WHITE, COLOR_BLUE },	/* poll */
	{ COLOR_WHITE, COLOR_MAGENTA }, /* ready */
	{ COLOR_WHITE, COLOR_RED },	/* held for the quota */
	{ COLOR_YELLOW, COLOR_RED },	/* held for memory */
	{ COLOR_BLACK, COLOR_WHITE },	/* paused */
};

static int no_screen(struct kvmgov_error *err, int code, const char *why)
{
	*err = (struct kvmgov_error){ .code = code };
	snprintf(err->text, sizeof(err->text), "%s; for lines in place of a screen: top --batch",
		 why);
	return -1;
}

static void open_colours(void)
{
	unsigned int i;

	if (!has_colors() || start_color() == ERR)
		return;
	use_default_colors();
	for (i = 0; i < SAMPLE_NR_STATES; i++)
		init_pair(i + 1, colours[i].letter, colours[i].ground);
}

int top_screen_open(struct kvmgov_error *err)
{
	const char *term = getenv("TERM");
	char why[128];

	if (!isatty(STDIN_FILENO) || !isatty(fileno(stdout)))
		return no_screen(err, ENOTTY, "standard input and output are no terminal");
	screen.terminal = newterm(NULL, stdout, stdin);
	if (!screen.terminal) {
		snprintf(why, sizeof(why), "cannot use a terminal of the type '%.64s' ($TERM)",
			 term ? term : "");
		return no_screen(err, EINVAL, why);
	}
	set_escdelay(25);
	cbreak();
	noecho();
	nonl();
	keypad(stdscr, TRUE);
	nodelay(stdscr, TRUE);
	curs_set(0);
	open_colours();
	return 0;
}

void top_screen_close(void)
{
	endwin();
	delscreen(screen.terminal);
	screen.terminal = NULL;
}

/* --- drawing --- */

/* Text from @x on, as far as the line goes; returns where it ends. */
static int put(int y, int x, const char *text)
{
	char buf[LINE_SIZE];

	if (x >= COLS)
		return x;
	out_clip(buf, sizeof(buf), text, COLS - x);
	mvaddstr(y, x, buf);
	return getcurx(stdscr);
}

/* Text in @width columns, and nothing beyond. */
static void put_cell(int y, int x, int width, bool right, const char *text)
{
	char buf[LINE_SIZE];
	int used = out_clip(buf, sizeof(buf), text, width);

	mvprintw(y, x, "%*s", width, "");
	mvaddstr(y, right ? x + width - used : x, buf);
}

static void put_state(unsigned int state)
{
	int attributes = has_colors() ? COLOR_PAIR(state + 1) : A_NORMAL;

	attron(attributes);
	addch(sample_states[state].letter);
	attroff(attributes);
}

static void draw_bar(int y, int x, int width, const struct sample *sample)
{
	unsigned char bar[LINE_SIZE];
	int i;

	if (width > (int)sizeof(bar))
		width = sizeof(bar);
	top_bar(sample, bar, width);
	move(y, x);
	for (i = 0; i < width; i++) {
		if (bar[i] == TOP_BAR_EMPTY)
			addch(' ');
		else
			put_state(bar[i]);
	}
}

/* A VM without a name is known by its command, if by anything. */
static void draw_name(int y, int x, int width, const struct kvmgov_vm *vm)
{
	char text[KVMGOV_NAME_MAX + 3];

	if (*kvmgov_vm_name(vm) || !*kvmgov_vm_comm(vm)) {
		put_cell(y, x, width, false, *kvmgov_vm_name(vm) ? kvmgov_vm_name(vm) : "-");
		return;
	}
	snprintf(text, sizeof(text), "(%s)", kvmgov_vm_comm(vm));
	put_cell(y, x, width, false, text);
}

static const char *order_text(const struct top *top)
{
	return top->by->rising != top->reverse ? "rising" : "falling";
}

static void draw_title(const struct top *top)
{
	char text[160], now[16];
	struct tm tm;
	time_t t;

	time(&t);
	strftime(now, sizeof(now), "%T", localtime_r(&t, &tm));
	snprintf(text, sizeof(text), "kvmgov top %s, every %g s, sorted by %s, %s; h: help", now,
		 top->seconds, top->by->head, order_text(top));
	attron(A_BOLD);
	put(0, 0, text);
	attroff(A_BOLD);
	top_summary(top, text, sizeof(text));
	put(1, 0, text);
}

static void draw_legend(void)
{
	unsigned int i;
	int x = 0;

	for (i = 0; i < SAMPLE_NR_STATES; i++) {
		if (x + 2 + (int)strlen(sample_states[i].head) > COLS)
			return;
		move(2, x);
		put_state(i);
		x = put(2, x + 2, sample_states[i].head) + 1;
	}
}

static void draw_heads(const struct top *top, const struct top_place *places, size_t nr)
{
	size_t i;
	int x = 0;

	attron(A_REVERSE);
	mvprintw(LINE_HEADS, 0, "%*s", COLS, "");
	for (i = 0; i < nr; i++) {
		const struct top_column *column = places[i].column;

		if (column == top->by)
			attron(A_BOLD | A_UNDERLINE);
		put_cell(LINE_HEADS, x, places[i].width, column && !column->free_text,
			 column ? column->head : "TIME");
		attroff(A_BOLD | A_UNDERLINE);
		x += places[i].width + 1;
	}
	attroff(A_REVERSE);
}

static void draw_row(int y, const struct top_row *row, bool selected,
		     const struct top_place *places, size_t nr)
{
	const struct top_column *name = top_column_find("name");
	size_t i;
	int x = 0;

	if (selected) {
		attron(A_REVERSE);
		mvprintw(y, 0, "%*s", COLS, "");
	}
	for (i = 0; i < nr; i++) {
		const struct top_column *column = places[i].column;
		char buf[KVMGOV_VALUE_LEN];

		if (column == name) {
			draw_name(y, x, places[i].width, row->vm);
		} else if (column) {
			put_cell(y, x, places[i].width, !column->free_text,
				 top_column_text(column, row, places[i].width, buf));
		} else {
			attroff(A_REVERSE);
			draw_bar(y, x, places[i].width, &row->diff);
		}
		x += places[i].width + 1;
	}
	attroff(A_REVERSE);
}

/* All of the selected VM that the columns may have no room for. */
static void draw_selected(int y, const struct top_row *row)
{
	char text[512], limit[KVMGOV_VALUE_LEN], period[KVMGOV_VALUE_LEN];
	size_t len;
	unsigned int i;

	kvmgov_cpu_format(kvmgov_cpu_from_quota(kvmgov_vm_cpu_quota_us(row->vm),
						kvmgov_vm_cpu_period_us(row->vm)),
			  limit, sizeof(limit));
	kvmgov_period_format(kvmgov_vm_cpu_period_us(row->vm), period, sizeof(period));
	len = snprintf(text, sizeof(text),
		       "%" PRIu64 " %s%s%s, pid %" PRIu32 ", cpu %s/%s:", row->id,
		       kvmgov_vm_name(row->vm), *kvmgov_vm_name(row->vm) ? " " : "",
		       kvmgov_vm_comm(row->vm), kvmgov_vm_pid(row->vm), limit, period);
	for (i = 0; i < SAMPLE_NR_STATES && len < sizeof(text); i++) {
		double percent = sample_state(&row->diff, i);

		if (percent >= 0.05)
			len += snprintf(text + len, sizeof(text) - len, " %s %.1f",
					sample_states[i].head, percent);
	}
	put(y, 0, text);
}

static void draw_last(const struct top *top)
{
	char text[160];

	if (screen.asking) {
		snprintf(text, sizeof(text), "Seconds between updates (now %g): %s_", top->seconds,
			 screen.answer);
		put(LINES - 1, 0, text);
	} else if (screen.complaint[0]) {
		put(LINES - 1, 0, screen.complaint);
	} else if (top->message[0]) {
		put(LINES - 1, 0, top->message);
	} else if (screen.selected < top->rows.nr) {
		draw_selected(LINES - 1, top->rows.order[screen.selected]);
	}
}

/* Keep the selected VM on the screen, and the screen full. */
static void scroll_there(const struct top *top)
{
	size_t page = LINES - LINES_AROUND, nr = top->rows.nr;

	if (screen.selected >= nr)
		screen.selected = nr ? nr - 1 : 0;
	if (screen.first > screen.selected)
		screen.first = screen.selected;
	if (screen.first + page <= screen.selected)
		screen.first = screen.selected - page + 1;
	if (screen.first + page > nr)
		screen.first = nr > page ? nr - page : 0;
}

static void draw_vms(const struct top *top)
{
	struct top_place places[TOP_MAX_PLACES];
	size_t i, nr, nr_rows = top->rows.nr;

	nr = top_layout(COLS, nr_rows ? top->rows.rows[nr_rows - 1].id : 0, top->by, places);
	draw_heads(top, places, nr);
	scroll_there(top);
	for (i = screen.first; i < nr_rows; i++) {
		int y = LINE_VMS + (i - screen.first);

		if (y >= LINES - 1)
			break;
		draw_row(y, top->rows.order[i], i == screen.selected, places, nr);
	}
	if (!nr_rows)
		put(LINE_VMS, 0, "No VM is running.");
}

static void draw_help(void)
{
	static const char *const keys[] = {
		"Keys",
		"  q            quit",
		"  < >, arrows  sort by the column to the left, right",
		"  r            reverse the order",
		"  d, s         seconds between updates",
		"  blank        update now",
		"  arrows, PgUp, PgDn, Home, End",
		"               select a VM; the last line tells more of it",
		"",
		"The bar: the time of a VM's vCPUs",
	};
	size_t i;
	int y = 0;

	for (i = 0; i < ARRAY_SIZE(keys); i++)
		put(y++, 0, keys[i]);
	for (i = 0; i < SAMPLE_NR_STATES && y < LINES - 1; i++, y++) {
		move(y, 2);
		put_state(i);
		put(y, 4, sample_states[i].head);
		put(y, 10, sample_states[i].meaning);
	}
	put(LINES - 1, 0, "Any key to go on");
}

void top_screen_draw(const struct top *top)
{
	char text[96];

	erase();
	if (COLS < LEAST_COLUMNS || LINES < LEAST_LINES) {
		snprintf(text, sizeof(text), "Too small: %dx%d; needed: %dx%d", COLS, LINES,
			 LEAST_COLUMNS, LEAST_LINES);
		put(0, 0, text);
	} else if (screen.help) {
		draw_help();
	} else {
		draw_title(top);
		draw_legend();
		draw_vms(top);
		draw_last(top);
	}
	refresh();
}

/* --- keys --- */

static void sort_by_next(struct top *top, int step)
{
	const struct top_column *end = top_columns;

	while (end->key)
		end++;
	if (step < 0 && top->by == top_columns)
		top->by = end - 1;
	else if (step > 0 && top->by == end - 1)
		top->by = top_columns;
	else
		top->by += step;
	top_sort(top);
}

static void select_vm(const struct top *top, long step)
{
	if (step < 0 && (size_t)-step > screen.selected)
		screen.selected = 0;
	else
		screen.selected += step;
	scroll_there(top);
}

/* A key while the seconds are asked for. */
static enum top_action answer_key(struct top *top, int key)
{
	size_t len = strlen(screen.answer);
	double seconds;

	if (key == KEY_ESC) {
		screen.asking = false;
	} else if (key == KEY_BACKSPACE || key == 127 || key == '\b') {
		if (len)
			screen.answer[len - 1] = '\0';
	} else if (key == KEY_ENTER || key == '\r' || key == '\n') {
		screen.asking = false;
		if (!len)
			return TOP_WAIT;
		if (!cli_is_seconds(screen.answer, &seconds)) {
			snprintf(screen.complaint, sizeof(screen.complaint),
				 "'%s' is not a time; allowed: " CLI_SECONDS, screen.answer);
			return TOP_WAIT;
		}
		top->seconds = seconds;
		return TOP_REFRESH;
	} else if (key > ' ' && key < 127 && len + 1 < sizeof(screen.answer)) {
		screen.answer[len] = key;
		screen.answer[len + 1] = '\0';
	}
	return TOP_WAIT;
}

static enum top_action command_key(struct top *top, int key)
{
	long page = LINES - LINES_AROUND;

	switch (key) {
	case 'q':
	case 'Q':
		return TOP_QUIT;
	case ' ':
		return TOP_REFRESH;
	case '<':
	case ',':
	case KEY_LEFT:
		sort_by_next(top, -1);
		break;
	case '>':
	case '.':
	case KEY_RIGHT:
		sort_by_next(top, 1);
		break;
	case 'r':
	case 'R':
		top->reverse = !top->reverse;
		top_sort(top);
		break;
	case 'd':
	case 's':
		screen.asking = true;
		screen.answer[0] = '\0';
		break;
	case KEY_UP:
	case 'k':
		select_vm(top, -1);
		break;
	case KEY_DOWN:
	case 'j':
		select_vm(top, 1);
		break;
	case KEY_PPAGE:
		select_vm(top, -page);
		break;
	case KEY_NPAGE:
		select_vm(top, page);
		break;
	case KEY_HOME:
		select_vm(top, -(long)top->rows.nr);
		break;
	case KEY_END:
		select_vm(top, top->rows.nr);
		break;
	case 'h':
	case '?':
		screen.help = true;
		break;
	}
	return TOP_WAIT;
}

enum top_action top_screen_keys(struct top *top)
{
	enum top_action action = TOP_WAIT;
	int key;

	while (action == TOP_WAIT && (key = getch()) != ERR) {
		if (key == KEY_RESIZE)
			continue;
		if (key == KEY_PAINT) {
			clearok(stdscr, TRUE);
			continue;
		}
		screen.complaint[0] = '\0';
		if (screen.asking)
			action = answer_key(top, key);
		else if (screen.help)
			screen.help = false;
		else
			action = command_key(top, key);
	}
	if (action == TOP_WAIT)
		top_screen_draw(top);
	return action;
}
