// SPDX-License-Identifier: GPL-2.0-only
/*
 * sysfs: the files are those that the ABI document lists, with the right mode;
 * what is valid is taken and read back, what is not is refused and changes
 * nothing; nobody but root writes.
 */
#define _GNU_SOURCE
#include <ctype.h>
#include <fcntl.h>
#include <ftw.h>
#include <inttypes.h>
#include <limits.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "gov.h"
#include "test.h"

#define ABI_FILE  "Documentation/ABI/testing/sysfs-kernel-kvmgov"
#define MAX_FILES 256
#define NOBODY	  65534

static const struct vmm_opts two = { .nr_vcpus = 2, .mode = VMM_SPIN };

/* Files one may write to, relative to the root; %s stands for a VM. */
static const char *const quota_file = "vms/%s/cpu/quota_us";
static const char *const period_file = "vms/%s/cpu/period_us";
static const char *const credit_max_file = "vms/%s/cpu/credit_max_us";
static const char *const credit_file = "vms/%s/cpu/credit_us";
static const char *const name_file = "vms/%s/name";
static const char *const uuid_file = "vms/%s/uuid";
static const char *const state_file = "vms/%s/state";

struct file {
	char name[200];
	bool writable;
	bool seen;
};

static struct file abi[MAX_FILES];
static size_t nr_abi;

/* "What:" lines, and whether the description begins with (RW). */
static void read_abi(void)
{
	char path[PATH_MAX], line[512], what[200];
	const char *top = getenv("KVMGOV_TOP");
	size_t first = 0;
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", top ? top : ".", ABI_FILE);
	f = fopen(path, "r");
	NEED(f, "%s: %s (KVMGOV_TOP is the source folder)", path, strerror(errno));
	nr_abi = 0;
	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, "What: " GOV_ROOT "/%199s", what) == 1) {
			NEED(nr_abi < MAX_FILES, "too many files");
			memset(&abi[nr_abi], 0, sizeof(abi[0]));
			strcpy(abi[nr_abi++].name, what);
		} else if (!strncmp(line, "Description:", 12)) {
			for (; first < nr_abi; first++)
				abi[first].writable = strstr(line, "(RW)");
		}
	}
	fclose(f);
	NEED(nr_abi, "%s lists nothing", path);
}

/* vms/17/vcpus/0/tid is vms/<id>/vcpus/<n>/tid. */
static void generic_name(char *out, size_t size, const char *path)
{
	size_t n = 0;

	while (*path && n + 5 < size) {
		bool start = !n || out[n - 1] == '/';

		if (start && isdigit(*path)) {
			bool vcpu = n >= 6 && !strncmp(out + n - 6, "vcpus/", 6);

			n += sprintf(out + n, "%s", vcpu ? "<n>" : "<id>");
			while (isdigit(*path))
				path++;
			continue;
		}
		out[n++] = *path++;
	}
	out[n] = '\0';
}

static struct file *find_abi(const char *name)
{
	size_t i;

	for (i = 0; i < nr_abi; i++)
		if (!strcmp(abi[i].name, name))
			return &abi[i];
	return NULL;
}

static int look_at(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	struct file *file;
	mode_t mode;
	char name[200];

	(void)ftw;
	if (type == FTW_D) {
		CHECK((st->st_mode & 07777) == 0755, "%s: mode %o", path, st->st_mode & 07777);
		return 0;
	}
	generic_name(name, sizeof(name), path + strlen(GOV_ROOT) + 1);
	file = find_abi(name);
	if (!CHECK(file, "%s (%s) is not documented", path, name))
		return 0;
	file->seen = true;
	mode = file->writable ? 0644 : 0444;
	CHECK((st->st_mode & 07777) == mode, "%s: mode %o, not %o", path, st->st_mode & 07777,
	      mode);
	CHECK(st->st_uid == 0, "%s: owner %u", path, st->st_uid);
	return 0;
}

static void documented(const void *arg)
{
	struct vmm *vmm;
	size_t i;

	(void)arg;
	gov_need();
	read_abi();
	vmm = gov_launch(&two);
	gov_find(vmm);
	NEED(POLL(10 * NS_PER_S, gov_exists("vms/%" PRIu64 "/vcpus/1/tid", gov_find(vmm))),
	     "no second vCPU");
	nftw(GOV_ROOT, look_at, 16, FTW_PHYS);
	for (i = 0; i < nr_abi; i++)
		CHECK(abi[i].seen, "%s is documented, but absent", abi[i].name);
	test_diag("%zu files documented", nr_abi);
	gov_end(vmm);
}

static void one_value(const char *path, const char *text)
{
	size_t n = strlen(text);

	if (!CHECK(n && text[n - 1] == '\n', "%s does not end in a newline", path))
		return;
	CHECK(strchr(text, '\n') == text + n - 1, "%s has many lines", path);
}

static int read_it(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	char text[4096];
	ssize_t n;
	int fd;

	(void)st;
	(void)ftw;
	if (type != FTW_F)
		return 0;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (!CHECK(fd >= 0, "%s: %s", path, strerror(errno)))
		return 0;
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	if (!CHECK(n >= 0, "%s: %s", path, strerror(errno)))
		return 0;
	text[n] = '\0';
	one_value(path, text);
	return 0;
}

static void one_line_each(const void *arg)
{
	struct vmm *vmm;

	(void)arg;
	gov_need();
	vmm = gov_launch(&two);
	gov_find(vmm);
	nftw(GOV_ROOT, read_it, 16, FTW_PHYS);
	gov_end(vmm);
}

/* What is written, and what is to be read then; NULL: it is refused. */
struct value {
	const char *file;
	const char *write;
	const char *read;
};

static const struct value good[] = {
	{ quota_file, "100", "100" },
	{ quota_file, "50000\n", "50000" },
	{ quota_file, "4096000000", "4096000000" },
	{ quota_file, "max", "max" },
	{ quota_file, "max\n", "max" },
	{ period_file, "1000", "1000" },
	{ period_file, "1000000\n", "1000000" },
	{ period_file, "100000", "100000" },
	{ "defaults/cpu/quota_us", "100", "100" },
	{ "defaults/cpu/quota_us", "4096000000\n", "4096000000" },
	{ "defaults/cpu/quota_us", "max", "max" },
	{ "defaults/cpu/period_us", "1000", "1000" },
	{ "defaults/cpu/period_us", "1000000", "1000000" },
	{ "defaults/cpu/period_us", "100000\n", "100000" },
	{ credit_file, "0", "0" },
	{ credit_max_file, "2477260800000000\n", "2477260800000000" },
	{ credit_max_file, "0", "0" },
	{ "defaults/cpu/credit_max_us", "2477260800000000", "2477260800000000" },
	{ "defaults/cpu/credit_max_us", "0\n", "0" },
	{ name_file, "web", "web" },
	{ name_file, "web\n", "web" },
	{ name_file, "7of9", "7of9" },
	{ name_file, "0123456789-123456789-123456789-123456789-123456789-123456789-ab",
	  "0123456789-123456789-123456789-123456789-123456789-123456789-ab" },
	{ name_file, "\n", "" },
	{ uuid_file, "6ba7b810-9dad-11d1-80b4-00c04fd430c8",
	  "6ba7b810-9dad-11d1-80b4-00c04fd430c8" },
	{ uuid_file, "6BA7B811-9DAD-11D1-80B4-00C04FD430C8\n",
	  "6ba7b811-9dad-11d1-80b4-00c04fd430c8" },
	{ uuid_file, "\n", "" },
	{ state_file, "frozen", "frozen" },
	{ state_file, "running\n", "running" },
	{ state_file, "frozen\n", "frozen" },
	{ state_file, "running", "running" },
};

static const char *const bad_numbers[] = {
	" ",
	"banana",
	"-1",
	"0",
	"99",
	"999999999999999999999999999",
	"18446744073709551615",
	"18446744073709551716",
	"4096000001",
	"0x1000",
	"1e5",
	"1000.5",
	"10 000",
	"1000 x",
	"1000max",
	"max1",
	"Max",
	"max max",
	"1000\n1000",
	"5000000000000",
};

static const struct value bad[] = {
	{ period_file, "999", NULL },
	{ period_file, "1000001", NULL },
	{ period_file, "max", NULL },
	{ period_file, "4294968296", NULL },
	{ "defaults/cpu/period_us", "999", NULL },
	{ "defaults/cpu/period_us", "1000001", NULL },
	{ "defaults/cpu/period_us", "max", NULL },
	{ credit_max_file, "2477260800000001", NULL },
	{ credit_max_file, "18446744073709551616", NULL },
	{ credit_max_file, "max", NULL },
	{ credit_max_file, "-1", NULL },
	{ credit_max_file, "0x1000", NULL },
	{ credit_max_file, "1000.5", NULL },
	{ credit_max_file, "\n", NULL },
	{ credit_file, "banana", NULL },
	{ credit_file, "\n", NULL },
	{ credit_file, "1", NULL },
	{ credit_file, "-1", NULL },
	{ credit_file, "max", NULL },
	{ "defaults/cpu/credit_max_us", "2477260800000001", NULL },
	{ name_file, "a/b", NULL },
	{ name_file, "/", NULL },
	{ name_file, "17", NULL },
	{ name_file, "a\001b", NULL },
	{ name_file, "a\tb", NULL },
	{ name_file, "a\nb", NULL },
	{ name_file, "a\177b", NULL },
	{ name_file, "0123456789-123456789-123456789-123456789-123456789-123456789-abc", NULL },
	{ uuid_file, "banana", NULL },
	{ uuid_file, "6ba7b810-9dad-11d1-80b4-00c04fd430c", NULL },
	{ uuid_file, "6ba7b810-9dad-11d1-80b4-00c04fd430c8x", NULL },
	{ uuid_file, "6ba7b810-9dad-11d1-80b4-00c04fd430cg", NULL },
	{ uuid_file, "{6ba7b810-9dad-11d1-80b4-00c04fd430c8}", NULL },
	{ state_file, "banana", NULL },
	{ state_file, "Frozen", NULL },
	{ state_file, "frozen running", NULL },
	{ state_file, "frozen ", NULL },
	{ state_file, "1", NULL },
	{ state_file, " ", NULL },
	{ state_file, "\n", NULL },
};

static const char *const writable[] = {
	"vms/%s/cpu/quota_us",
	"vms/%s/cpu/period_us",
	"vms/%s/cpu/credit_max_us",
	"vms/%s/cpu/credit_us",
	"vms/%s/name",
	"vms/%s/uuid",
	"vms/%s/state",
	"defaults/cpu/credit_max_us",
	"defaults/cpu/quota_us",
	"defaults/cpu/period_us",
};

static void expand(char *path, size_t size, const char *file, uint64_t id)
{
	const char *hole = strstr(file, "%s");

	if (!hole)
		snprintf(path, size, "%s", file);
	else
		snprintf(path, size, "%.*s%" PRIu64 "%s", (int)(hole - file), file, id, hole + 2);
}

static void print_text(char *out, size_t size, const void *data, size_t len)
{
	const unsigned char *p = data;
	size_t i, n = 0;

	for (i = 0; i < len && i < 40 && n + 5 < size; i++)
		n += snprintf(out + n, size - n, isprint(p[i]) ? "%c" : "\\%03o", p[i]);
	out[n] = '\0';
}

/* All the values that may be written, in one string. */
static void snapshot(char *out, size_t size, uint64_t id)
{
	char path[200], text[256];
	size_t i, n = 0;

	for (i = 0; i < ARRAY_SIZE(writable); i++) {
		expand(path, sizeof(path), writable[i], id);
		gov_read(text, sizeof(text), "%s", path);
		n += snprintf(out + n, size - n, "%s=%s ", path, text);
	}
}

static void refuse(uint64_t id, const char *file, const void *data, size_t len)
{
	char before[1024], after[1024], path[200], shown[256];
	int err;

	expand(path, sizeof(path), file, id);
	print_text(shown, sizeof(shown), data, len);
	snapshot(before, sizeof(before), id);
	err = gov_write_raw(data, len, "%s", path);
	CHECK(err == -EINVAL || err == -ERANGE, "%s: '%s' (%zu bytes): %s", path, shown, len,
	      err ? strerror(-err) : "taken");
	snapshot(after, sizeof(after), id);
	CHECK(!strcmp(before, after), "'%s' to %s: %s became %s", shown, path, before, after);
}

static void valid(const void *arg)
{
	char path[200], text[256];
	struct vmm *vmm;
	uint64_t id;
	size_t i;

	(void)arg;
	vmm = gov_start(&two, &id);
	for (i = 0; i < ARRAY_SIZE(good); i++) {
		int err;

		expand(path, sizeof(path), good[i].file, id);
		err = gov_write(good[i].write, "%s", path);
		CHECK(!err, "%s: '%s': %s", path, good[i].write, strerror(-err));
		gov_read(text, sizeof(text), "%s", path);
		CHECK(!strcmp(text, good[i].read), "%s: '%s' became '%s'", path, good[i].write,
		      text);
	}
	gov_end(vmm);
}

/* One that bad_numbers are all bad for. */
static bool takes_number(const char *file)
{
	return strstr(file, "_us") && !strstr(file, "credit");
}

static void invalid(const void *arg)
{
	static char page[4096];
	struct vmm *vmm;
	uint64_t id;
	size_t i, j;

	(void)arg;
	vmm = gov_start(&two, &id);
	gov_set(id, 50000, 100000);
	for (i = 0; i < ARRAY_SIZE(bad); i++)
		refuse(id, bad[i].file, bad[i].write, strlen(bad[i].write));
	for (i = 0; i < ARRAY_SIZE(writable); i++) {
		memset(page, '1', sizeof(page));
		refuse(id, writable[i], page, sizeof(page));
		memset(page, ' ', sizeof(page));
		refuse(id, writable[i], page, sizeof(page));
		if (!takes_number(writable[i]))
			continue;
		for (j = 0; j < ARRAY_SIZE(bad_numbers); j++)
			refuse(id, writable[i], bad_numbers[j], strlen(bad_numbers[j]));
		refuse(id, writable[i], "\n", 1);
	}
	gov_end(vmm);
}

/* What follows a NUL must not be taken as if it were not there. */
static void nul_inside(const void *arg)
{
	static const struct {
		const char *file;
		const char *data;
		size_t len;
	} values[] = {
		{ quota_file, "20000\0banana", 12 },
		{ quota_file, "20000\0", 6 },
		{ quota_file, "max\0x", 5 },
		{ quota_file,
		  "\0"
		  "20000",
		  6 },
		{ period_file, "20000\0banana", 12 },
		{ credit_max_file, "20000\0banana", 12 },
		{ credit_file, "0\0banana", 8 },
		{ "defaults/cpu/credit_max_us", "20000\0banana", 12 },
		{ "defaults/cpu/quota_us", "20000\0banana", 12 },
		{ "defaults/cpu/period_us", "20000\0banana", 12 },
		{ name_file, "web\0x", 5 },
		{ name_file, "\0", 1 },
		{ uuid_file, "6ba7b810-9dad-11d1-80b4-00c04fd430\0008", 36 },
		{ state_file, "frozen\0x", 8 },
	};
	struct vmm *vmm;
	uint64_t id;
	size_t i;

	(void)arg;
	vmm = gov_start(&two, &id);
	gov_set(id, 50000, 100000);
	for (i = 0; i < ARRAY_SIZE(values); i++)
		refuse(id, values[i].file, values[i].data, values[i].len);
	gov_end(vmm);
}

/* The kernel answers these itself; whatever it says, nothing changes. */
static void empty_write(const void *arg)
{
	char before[1024], after[1024], path[200];
	struct vmm *vmm;
	uint64_t id;
	size_t i;

	(void)arg;
	vmm = gov_start(&two, &id);
	gov_set(id, 50000, 100000);
	NEED(!gov_write("web", "vms/%" PRIu64 "/name", id), "name");
	snapshot(before, sizeof(before), id);
	for (i = 0; i < ARRAY_SIZE(writable); i++) {
		expand(path, sizeof(path), writable[i], id);
		gov_write("", "%s", path);
	}
	snapshot(after, sizeof(after), id);
	CHECK(!strcmp(before, after), "%s became %s", before, after);
	gov_end(vmm);
}

static void unique_names(const void *arg)
{
	static const char uuid[] = "6ba7b810-9dad-11d1-80b4-00c04fd430c8";
	struct vmm *a, *b;
	uint64_t ida, idb;
	char text[64];

	(void)arg;
	gov_need();
	a = gov_launch(&two);
	b = gov_launch(&two);
	ida = gov_find(a);
	idb = gov_find(b);
	NEED(!gov_write("web", "vms/%" PRIu64 "/name", ida), "name");
	CHECK(gov_write("web", "vms/%" PRIu64 "/name", idb) == -EEXIST, "the name is taken twice");
	gov_read(text, sizeof(text), "vms/%" PRIu64 "/name", idb);
	CHECK(!*text, "the name is '%s'", text);
	CHECK(!gov_write("web", "vms/%" PRIu64 "/name", ida), "one's own name is refused");
	NEED(!gov_write(uuid, "vms/%" PRIu64 "/uuid", ida), "uuid");
	CHECK(gov_write(uuid, "vms/%" PRIu64 "/uuid", idb) == -EEXIST, "the UUID is taken twice");
	/* A name is free again when its VM has given it up, or ended. */
	NEED(!gov_write("\n", "vms/%" PRIu64 "/name", ida), "name");
	CHECK(!gov_write("web", "vms/%" PRIu64 "/name", idb), "still taken");
	gov_end(b);
	CHECK(POLL(10 * NS_PER_S, !gov_write("web", "vms/%" PRIu64 "/name", ida)),
	      "the name of a VM that has ended is still taken");
	gov_end(a);
}

/* In a process that is not root any more; its exit status counts faults. */
static void try_as_nobody(void *arg)
{
	uint64_t id = *(uint64_t *)arg;
	char path[200];
	int faults = 0;
	size_t i;

	if (setgid(NOBODY) || setuid(NOBODY))
		_exit(100);
	for (i = 0; i < ARRAY_SIZE(writable); i++) {
		expand(path, sizeof(path), writable[i], id);
		if (gov_write("1", "%s", path) != -EACCES)
			faults++;
	}
	_exit(faults);
}

static void not_root(const void *arg)
{
	char before[1024], after[1024];
	struct vmm *vmm;
	uint64_t id;
	int status;
	pid_t pid;

	(void)arg;
	vmm = gov_start(&two, &id);
	snapshot(before, sizeof(before), id);
	pid = test_fork(try_as_nobody, &id);
	waitpid(pid, &status, 0);
	CHECK(WIFEXITED(status) && !WEXITSTATUS(status), "%d files opened for writing",
	      WEXITSTATUS(status));
	snapshot(after, sizeof(after), id);
	CHECK(!strcmp(before, after), "%s became %s", before, after);
	gov_end(vmm);
}

/* What is read while a VM goes away is an answer or an error, never more. */
static void read_while_ending(const void *arg)
{
	const struct vmm_opts opts = { .nr_vcpus = 4, .mode = VMM_SPIN };
	char text[256];
	int i, fd;

	(void)arg;
	gov_need();
	for (i = 0; i < 10; i++) {
		struct vmm *vmm = gov_fork(&opts);
		uint64_t id = gov_find(vmm);
		char path[200];
		ssize_t n;

		snprintf(path, sizeof(path), GOV_ROOT "/vms/%" PRIu64 "/cpu/usage_ns", id);
		fd = open(path, O_RDONLY | O_CLOEXEC);
		CHECK(fd >= 0, "%s: %s", path, strerror(errno));
		gov_kill(vmm);
		do {
			n = pread(fd, text, sizeof(text), 0);
		} while (n > 0 && gov_exists("vms/%" PRIu64, id));
		n = pread(fd, text, sizeof(text), 0);
		CHECK(n == -1 && errno == ENODEV, "reading what is gone: %zd, %s", n,
		      strerror(errno));
		close(fd);
	}
	gov_no_leak();
}

static const struct test_case cases[] = {
	{ "the files are the documented ones, with the right modes", documented, NULL },
	{ "each file holds one line", one_line_each, NULL },
	{ "valid values are taken and read back", valid, NULL },
	{ "invalid values are refused and change nothing", invalid, NULL },
	{ "a NUL inside a value is refused", nul_inside, NULL },
	{ "an empty write changes nothing", empty_write, NULL },
	{ "names and UUIDs are unique", unique_names, NULL },
	{ "nobody but root writes", not_root, NULL },
	{ "files may be read while their VM ends", read_while_ending, NULL },
};

int main(int argc, char **argv)
{
	test_init(argc, argv, NULL);
	test_main(cases, ARRAY_SIZE(cases));
}
