// SPDX-License-Identifier: GPL-2.0-only
/*
 * What kvmgov top shows, without a kernel and without a terminal: the rows and
 * their differences, their order, the columns that a screen has room for, the bar,
 * and text cut to a width. The VMs are made of messages, as the module sends them.
 */
#include <locale.h>
#include <stdlib.h>
#include <string.h>

#include "../../tools/kvmgov/top.h"
#include "../../tools/lib/internal.h"

#include <netlink/attr.h>
#include <netlink/msg.h>

#include "unit.h"

#define ROUNDS 20000

/* --- VMs --- */

/**
 * struct figures - What a VM is made of
 * @id: its id; the list ends with 0
 * @s: for how long it has been there
 * @cpu_s: CPU time, all of it in the guest
 * @held_s: time held; the rest it was halted
 * @nr_exits: exits
 * @quota_us: quota in 100 ms, or 0 for none
 * @name: its name
 */
struct figures {
	uint64_t id;
	unsigned int s;
	unsigned int cpu_s;
	unsigned int held_s;
	unsigned int nr_exits;
	unsigned int quota_us;
	const char *name;
};

static struct kvmgov_record *made[64];
static size_t nr_made;

static const struct kvmgov_vm *vm_make(const struct figures *f)
{
	struct nl_msg *msg = nlmsg_alloc();
	struct nlmsghdr *nlh = nlmsg_hdr(msg);
	struct kvmgov_record *rec;

	nla_put_u64(msg, KVMGOV_A_VM_ID, f->id);
	nla_put_string(msg, KVMGOV_A_VM_NAME, f->name);
	nla_put_string(msg, KVMGOV_A_VM_COMM, "vmm");
	nla_put_u32(msg, KVMGOV_A_VM_PID, 4711);
	nla_put_u32(msg, KVMGOV_A_VM_NR_VCPUS, 1);
	nla_put_u64(msg, KVMGOV_A_VM_CPU_QUOTA_US, f->quota_us ? f->quota_us : KVMGOV_QUOTA_NONE);
	nla_put_u32(msg, KVMGOV_A_VM_CPU_PERIOD_US, 100000);
	nla_put_u64(msg, KVMGOV_A_VM_AGE_NS, f->s * 1000000000ULL);
	nla_put_u64(msg, KVMGOV_A_VM_USAGE_NS, f->cpu_s * 1000000000ULL);
	nla_put_u64(msg, KVMGOV_A_VM_GUEST_NS, f->cpu_s * 1000000000ULL);
	nla_put_u64(msg, KVMGOV_A_VM_HELD_CPU_NS, f->held_s * 1000000000ULL);
	nla_put_u64(msg, KVMGOV_A_VM_HALT_NS, (f->s - f->cpu_s - f->held_s) * 1000000000ULL);
	nla_put_u64(msg, KVMGOV_A_VM_NR_EXITS, f->nr_exits);
	rec = kvmgov_record_new(&kvmgov_set_vm, nlmsg_attrdata(nlh, 0), nlmsg_attrlen(nlh, 0),
				NULL);
	nlmsg_free(msg);
	made[nr_made++] = rec;
	return (const struct kvmgov_vm *)rec;
}

static void forget_vms(void)
{
	while (nr_made)
		free(made[--nr_made]);
}

static bool rows_make(struct top_rows *rows, const struct figures *figures)
{
	const struct figures *f;
	size_t nr = 0;

	for (f = figures; f->id; f++)
		nr++;
	if (top_rows_begin(rows, nr))
		return false;
	for (f = figures; f->id; f++)
		top_rows_add(rows, vm_make(f));
	return true;
}

/* The ids in the order of the rows, in one number of decimal digits. */
static uint64_t order_by(struct top_rows *rows, const char *column, bool reverse)
{
	uint64_t ids = 0;
	size_t i;

	top_rows_sort(rows, top_column_find(column), reverse);
	for (i = 0; i < rows->nr; i++)
		ids = ids * 10 + rows->order[i]->id;
	return ids;
}

/* --- rows --- */

static const struct figures first[] = {
	{ 1, 100, 50, 0, 1000, 0, "b" },
	{ 3, 100, 20, 80, 0, 20000, "a" },
	{ 4, 10, 0, 0, 0, 1000, "" },
	{ 7, 100, 0, 0, 0, 0, "c" },
	{},
};

/* 10 s later: 4 is gone, 2 was not seen before, and 5 is new. */
static const struct figures second[] = {
	{ 1, 110, 51, 0, 1500, 0, "b" },   { 2, 200, 100, 0, 0, 50000, "d" },
	{ 3, 110, 22, 88, 0, 20000, "a" }, { 5, 4, 1, 1, 8, 0, "" },
	{ 7, 110, 0, 0, 0, 0, "c" },	   {},
};

static bool row_is(const struct top_row *row, uint64_t id, double cpu, double held, double exits)
{
	return EXPECT(row->id == id) && EXPECT(sample_cpu(&row->diff) == cpu) &&
	       EXPECT(sample_state(&row->diff, 6) == held) &&
	       EXPECT(sample_exits_per_s(&row->diff) == exits);
}

static void rows(void)
{
	struct top_rows rows = { 0 };
	bool ok = EXPECT(rows_make(&rows, first)) && EXPECT(rows.nr == 4);

	ok = ok && row_is(&rows.rows[0], 1, 50, 0, 10) && row_is(&rows.rows[1], 3, 20, 80, 0);
	report(ok, "at first, figures are since each VM was attached");
	ok = EXPECT(rows_make(&rows, second)) && EXPECT(rows.nr == 5);
	ok = ok && row_is(&rows.rows[0], 1, 10, 0, 50) && row_is(&rows.rows[2], 3, 20, 80, 0) &&
	     row_is(&rows.rows[4], 7, 0, 0, 0);
	report(ok, "then they are of the interval");
	ok = row_is(&rows.rows[1], 2, 50, 0, 0) && row_is(&rows.rows[3], 5, 25, 25, 2);
	report(ok, "those of a new VM are since it was attached");
	ok = EXPECT(rows_make(&rows, first)) && row_is(&rows.rows[0], 1, 0, 0, 0) &&
	     row_is(&rows.rows[2], 4, 0, 0, 0) && EXPECT(rows.rows[2].diff.age_ns == 10000000000);
	report(ok, "figures that go back count as still, one that comes back as new");
	ok = EXPECT(rows_make(&rows, second + 5)) && EXPECT(!rows.nr) &&
	     EXPECT(order_by(&rows, "cpu", false) == 0) && EXPECT(rows_make(&rows, second)) &&
	     EXPECT(rows.nr == 5) && row_is(&rows.rows[0], 1, 100.0 * 51 / 110, 0, 1500 / 110.0);
	report(ok, "no VM at all, and VMs after that");
	top_rows_free(&rows);
	forget_vms();
}

static void many_rows(void)
{
	struct top_rows rows = { 0 };
	struct figures figures[8] = { 0 };
	const struct kvmgov_vm *vm;
	bool ok = true;
	size_t i, nr, round;

	figures[0] = (struct figures){ 1, 10, 1, 1, 1, 0, "x" };
	vm = vm_make(figures);
	/* The arrays take turns, and grow when it is any one's turn. */
	srandom(1);
	for (round = 0; round < 200 && ok; round++) {
		nr = random() % 300;
		ok = EXPECT(!top_rows_begin(&rows, nr));
		for (i = 0; i < nr; i++)
			top_rows_add(&rows, vm);
		top_rows_sort(&rows, top_columns, false);
		ok = ok && EXPECT(rows.nr == nr);
	}
	report(ok, "any number of VMs after any other");
	top_rows_free(&rows);
	forget_vms();
}

static void sorting(void)
{
	struct top_rows rows = { 0 };
	const struct top_column *column;
	bool ok = EXPECT(rows_make(&rows, first));

	ok = ok && EXPECT(order_by(&rows, "cpu", false) == 1347) &&
	     EXPECT(order_by(&rows, "cpu", true) == 4731);
	report(ok, "sorted by CPU time, either way");
	ok = EXPECT(order_by(&rows, "limit", false) == 1734);
	report(ok, "no limit is more than any, and equals are in the order of ids");
	ok = EXPECT(order_by(&rows, "name", false) == 4317) &&
	     EXPECT(order_by(&rows, "name", true) == 7134) &&
	     EXPECT(order_by(&rows, "id", false) == 1347) &&
	     EXPECT(order_by(&rows, "ID", true) == 7431);
	report(ok, "what names a VM is sorted upwards");
	for (ok = true, column = top_columns; column->key; column++)
		ok = ok && EXPECT(order_by(&rows, column->key, false)) &&
		     EXPECT(top_column_find(column->head) == column) &&
		     EXPECT(column->number || column->text) && EXPECT(column->width > 0);
	report(ok && EXPECT(!top_column_find("cpus")) && EXPECT(!top_column_find("")),
	       "sorted by every column, and by no other");
	top_rows_free(&rows);
	forget_vms();
}

static void numbers(void)
{
	static const struct figures busy[] = { { 1, 10, 4, 0, 123456789, 33333, "" }, {} };
	struct top_rows rows = { 0 };
	char buf[KVMGOV_VALUE_LEN];
	bool ok = EXPECT(rows_make(&rows, busy));
	struct top_row *row = rows.order[0];

	ok = ok && EXPECT(!strcmp(top_column_text(top_column_find("cpu"), row, 6, buf), "40.0")) &&
	     EXPECT(!strcmp(top_column_text(top_column_find("limit"), row, 6, buf), "33.333%")) &&
	     EXPECT(!strcmp(top_column_text(top_column_find("name"), row, 6, buf), "-")) &&
	     EXPECT(!strcmp(top_column_text(top_column_find("exits"), row, 8, buf), "12345679"));
	row->diff.usage_ns = row->diff.age_ns * 1234 + row->diff.age_ns / 2000;
	ok = ok &&
	     EXPECT(!strcmp(top_column_text(top_column_find("cpu"), row, 8, buf), "123400.1")) &&
	     EXPECT(!strcmp(top_column_text(top_column_find("cpu"), row, 7, buf), "123400"));
	report(ok, "numbers as text, without tenths where there is no room");
	top_rows_free(&rows);
	forget_vms();
}

/* --- the screen --- */

static bool layout_fits(int width, uint64_t last_id, const struct top_column *by)
{
	struct top_place places[TOP_MAX_PLACES];
	size_t i, nr = top_layout(width, last_id, by, places);
	int used = -1, bars = 0, found = 0;
	bool ok = EXPECT(nr > 0);

	for (i = 0; i < nr; i++) {
		ok = ok && EXPECT(places[i].width > 0);
		used += places[i].width + 1;
		bars += !places[i].column;
		found += places[i].column == by;
	}
	ok = ok && EXPECT(used <= width) && EXPECT(found == 1) && EXPECT(bars == 1 || width < 70) &&
	     EXPECT(places[0].column == top_columns);
	if (bars)
		ok = ok && EXPECT(used == width);
	return ok || (printf("# width %d, by %s\n", width, by->key), false);
}

static bool has(const struct top_place *places, size_t nr, const char *key)
{
	size_t i;

	for (i = 0; i < nr; i++)
		if (places[i].column && !strcmp(places[i].column->key, key))
			return true;
	return false;
}

static void layout(void)
{
	const struct top_column *by = top_column_find("cpu"), *column;
	struct top_place places[TOP_MAX_PLACES];
	bool ok = true;
	size_t nr;
	int width;

	nr = top_layout(80, 999, by, places);
	ok = EXPECT(nr == 9) && EXPECT(has(places, nr, "id")) && EXPECT(has(places, nr, "name")) &&
	     EXPECT(has(places, nr, "pid")) && EXPECT(has(places, nr, "limit")) &&
	     EXPECT(has(places, nr, "exits")) && EXPECT(has(places, nr, "holds")) &&
	     EXPECT(!has(places, nr, "comm")) && EXPECT(!places[nr - 1].column) &&
	     EXPECT(places[nr - 1].width == 16);
	report(ok, "what 80 columns have room for");
	nr = top_layout(80, 999, top_column_find("comm"), places);
	ok = EXPECT(has(places, nr, "comm")) && EXPECT(!has(places, nr, "pid"));
	nr = top_layout(200, 999, by, places);
	for (column = top_columns; column->key; column++)
		ok = ok && EXPECT(has(places, nr, column->key));
	report(ok, "the column that is sorted by is there, and all where there is room");
	for (width = 40, ok = true; width < 400; width++)
		for (column = top_columns; column->key; column++)
			if (width >= 70 || column == by)
				ok = ok && layout_fits(width, 1, column) &&
				     (width < 70 || layout_fits(width, 12345678, column));
	report(ok, "no line is longer than the screen is wide");
}

static void bar_of(const uint64_t *ns, unsigned char *cells, int width)
{
	struct sample sample = { 0 };

	memcpy(sample.state_ns, ns, sizeof(sample.state_ns));
	top_bar(&sample, cells, width);
}

static bool any_bar(void)
{
	uint64_t ns[SAMPLE_NR_STATES];
	int nr[SAMPLE_NR_STATES] = { 0 }, width = 1 + random() % 100, i;
	unsigned char cells[101];
	double sum = 0;

	for (i = 0; i < SAMPLE_NR_STATES; i++) {
		ns[i] = random() % 3 ? ((uint64_t)random() << 20) >> random() % 40 : 0;
		sum += ns[i];
	}
	cells[width] = 77;
	bar_of(ns, cells, width);
	for (i = 0; i < width; i++) {
		if (!sum && !EXPECT(cells[i] == TOP_BAR_EMPTY))
			return false;
		if (sum && !EXPECT(cells[i] < SAMPLE_NR_STATES && (!i || cells[i] >= cells[i - 1])))
			return false;
		if (sum)
			nr[cells[i]]++;
	}
	for (i = 0; sum && i < SAMPLE_NR_STATES; i++) {
		double off = nr[i] - ns[i] / sum * width;

		if (!EXPECT(off > -1 && off < 1))
			return false;
	}
	return EXPECT(cells[width] == 77);
}

static void bars(void)
{
	static const uint64_t halves[SAMPLE_NR_STATES] = { [0] = 5, [6] = 5 };
	static const uint64_t none[SAMPLE_NR_STATES];
	unsigned char cells[10];
	bool ok;
	int i;

	bar_of(halves, cells, 10);
	ok = EXPECT(!memcmp(cells, "\0\0\0\0\0\6\6\6\6\6", 10));
	bar_of(none, cells, 10);
	ok = ok && EXPECT(cells[0] == TOP_BAR_EMPTY && cells[9] == TOP_BAR_EMPTY);
	report(ok, "half of the time is half of the bar");
	srandom(1);
	for (i = 0, ok = true; i < ROUNDS && ok; i++)
		ok = any_bar();
	report(ok, "any bar is full, and each part within one character of what is due");
}

/* --- text --- */

static bool clips(const char *text, int columns, const char *expected, int width)
{
	char buf[64];

	return EXPECT(out_clip(buf, sizeof(buf), text, columns) == width) &&
	       (!strcmp(buf, expected) ||
		(printf("# '%s' in %d: '%s'\n", text, columns, buf), false));
}

static bool any_text(void)
{
	int columns = random() % 20, width, i;
	char text[24] = "", buf[64];

	for (i = 0; i < (int)sizeof(text) - 1; i++)
		text[i] = random() % 4 ? random() : "\xc3\xa9\xe6\x97\xa5\x1b\\"[random() % 7];
	text[random() % sizeof(text)] = '\0';
	width = out_clip(buf, sizeof(buf), text, columns);
	for (i = 0; buf[i]; i++)
		if (!EXPECT((unsigned char)buf[i] >= ' ' && buf[i] != 0x7f))
			return false;
	/* A backslash is written twice: only printable text has its own width. */
	return EXPECT(width <= columns) && EXPECT(strchr(buf, '\\') || out_width(buf) == width);
}

static void text(void)
{
	bool ok;
	int i;

	ok = clips("web", 5, "web", 3) && clips("web", 3, "web", 3) && clips("web", 2, "w+", 2) &&
	     clips("web", 1, "+", 1) && clips("web", 0, "", 0) && clips("", 3, "", 0);
	report(ok, "text is cut to a width, with a mark");
	ok = clips("\xe6\x97\xa5\xe6\x9c\xac", 4, "\xe6\x97\xa5\xe6\x9c\xac", 4) &&
	     clips("\xe6\x97\xa5\xe6\x9c\xac", 3, "\xe6\x97\xa5+", 3) &&
	     clips("\xe6\x97\xa5\xe6\x9c\xac", 2, "+", 1) &&
	     clips("a\xcc\x81z", 2, "a\xcc\x81z", 2);
	report(ok, "wide characters and combining ones");
	ok = clips("a\033[31m", 12, "a\\x1b[31m", 9) && clips("a\033[31m", 4, "a+", 2) &&
	     clips("\xff", 4, "\\xff", 4) && clips("a\\b", 4, "a\\\\b", 4) &&
	     clips("\xc2\x9b", 9, "\\xc2\\x9b", 8);
	srandom(1);
	for (i = 0; i < ROUNDS && ok; i++)
		ok = any_text();
	report(ok, "nothing reaches the terminal unescaped, nor beyond the width");
}

int main(void)
{
	printf("TAP version 13\n1..19\n");
	if (!setlocale(LC_CTYPE, "C.UTF-8"))
		return 1;
	rows();
	many_rows();
	sorting();
	numbers();
	layout();
	bars();
	text();
	return nr_failed != 0;
}
