// SPDX-License-Identifier: GPL-2.0-only
/*
 * hostile: whatever is written to whatever file of sysfs is there, each write
 * is taken as the ABI document has it or refused, and what is refused changes
 * nothing. The files are found by walking; what a test knows of them is what
 * their names and contents say. sysfs.c has the values that one would think of.
 */
#define _GNU_SOURCE
#include <ctype.h>
#include <fcntl.h>
#include <ftw.h>
#include <inttypes.h>
#include <limits.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "gov.h"
#include "hostile.h"
#include "test.h"

#define NOBODY	  65534
#define MAX_FILES 256
#define PAGE	  4096
#define ROOM	  (3 * PAGE)

static long seed = 1, rounds = 300;

static const struct test_option options[] = { { "seed", &seed, "where the values come from" },
					      { "rounds", &rounds,
						"how many values for each file" },
					      {} };

static const struct vmm_opts two = { .nr_vcpus = 2, .mode = VMM_SPIN };

struct file {
	char path[200];
	bool writable;
	char text[256]; /* what it holds; followed for writable ones */
};

static struct file files[MAX_FILES];
static size_t nr_files, nr_writable;

/* --- files --- */

static int add_file(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	struct file *f = &files[nr_files];

	(void)ftw;
	if (type != FTW_F)
		return 0;
	NEED(nr_files < MAX_FILES, "more than %d files", MAX_FILES);
	snprintf(f->path, sizeof(f->path), "%s", path);
	f->writable = st->st_mode & 0222;
	nr_writable += f->writable;
	nr_files++;
	return 0;
}

/* The whole of a file, its newline included; 0 or an errno. */
static int read_file(const char *path, char *text, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t i, n;

	*text = '\0';
	if (fd < 0)
		return errno;
	n = read(fd, text, size - 1);
	if (n < 0) {
		close(fd);
		return errno;
	}
	text[n] = '\0';
	close(fd);
	/* One line, with nothing in it that does not belong there. */
	if (!n || text[n - 1] != '\n')
		return EILSEQ;
	for (i = 0; i < n - 1; i++)
		if ((unsigned char)text[i] < ' ' || text[i] == 0x7f)
			return EILSEQ;
	return 0;
}

static void find_files(void)
{
	size_t i;

	nr_files = 0;
	nr_writable = 0;
	nftw(GOV_ROOT, add_file, 16, FTW_PHYS);
	for (i = 0; i < nr_files; i++)
		NEED(!read_file(files[i].path, files[i].text, sizeof(files[i].text)), "%s",
		     files[i].path);
	NEED(nr_writable && nr_files > nr_writable, "%zu files, %zu writable", nr_files,
	     nr_writable);
}

/* Two VMs, and all files there are then. */
static void start(struct vmm *vmms[2], uint64_t ids[2])
{
	size_t i;

	for (i = 0; i < 2; i++) {
		vmms[i] = gov_start(&two, &ids[i]);
		gov_set(ids[i], 20000, 100000);
		NEED(POLL(10 * NS_PER_S, gov_exists("vms/%" PRIu64 "/vcpus/1/tid", ids[i])),
		     "no second vCPU");
	}
	NEED(!gov_write("web", "vms/%" PRIu64 "/name", ids[0]), "name");
	find_files();
	test_diag("%zu files, %zu writable", nr_files, nr_writable);
}

static void end(struct vmm *vmms[2])
{
	gov_check_vmm(vmms[0]);
	gov_check_vmm(vmms[1]);
	gov_end(vmms[0]);
	gov_end(vmms[1]);
}

/* --- writes --- */

struct value {
	char data[ROOM];
	size_t len;
	off_t offset; /* -1: none */
};

static void print_value(char *text, size_t size, const struct value *v)
{
	size_t i, n = 0;

	for (i = 0; i < v->len && i < 40 && n + 5 < size; i++)
		n += snprintf(text + n, size - n,
			      isprint((unsigned char)v->data[i]) ? "%c" : "\\%03o",
			      (unsigned char)v->data[i]);
	text[n] = '\0';
}

static void make_value(struct random *r, struct value *v)
{
	static const size_t sizes[] = { PAGE - 1, PAGE, PAGE + 1, ROOM };
	static const char fill[] = { '0', '1', ' ', '\n', 'a', '\0', '\xff' };
	size_t len;

	v->offset = random_one_in(r, 8) ? (off_t)(random_u64(r) >> (1 + random_below(r, 62))) : -1;
	v->len = hostile_string(r, v->data, sizeof(v->data));
	if (random_one_in(r, 16)) { /* as much as a page, and more */
		len = sizes[random_below(r, ARRAY_SIZE(sizes))];
		memset(v->data + v->len, fill[random_below(r, sizeof(fill))], ROOM - v->len);
		v->len = len;
	} else if (random_one_in(r, 4) && v->len < ROOM) {
		v->data[v->len++] = '\n';
	}
}

static ssize_t write_value(const struct file *f, const struct value *v)
{
	int fd = open(f->path, O_WRONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return -errno;
	n = v->offset < 0 ? write(fd, v->data, v->len) : pwrite(fd, v->data, v->len, v->offset);
	if (n < 0)
		n = -errno;
	close(fd);
	return n;
}

/* A file whose name has a unit holds a number, or a word that means none. */
static bool is_number(const char *path)
{
	return !strcmp(path + strlen(path) - 3, "_us");
}

/* What grows by itself, is used up, and goes when less may be kept. */
static bool is_balance(const char *path)
{
	return !strcmp(path + strlen(path) - 10, "/credit_us");
}

static bool is_name(const char *path)
{
	return !strcmp(path + strlen(path) - 5, "/name");
}

/*
 * What is read now must be what was written, the first @len bytes of @v, in the form
 * that the file has: one newline may end it, and the kernel's numbers may begin with
 * a plus.
 */
static bool means(const struct file *f, const struct value *v, size_t len, const char *text)
{
	char line[ROOM + 2];

	/* What follows a NUL must not be lost. */
	if (memchr(v->data, 0, len))
		return false;
	if (v->data[len - 1] == '\n')
		len--;
	snprintf(line, sizeof(line), "%.*s\n", (int)len, v->data);
	if (is_number(f->path) && isdigit((unsigned char)*text)) {
		const char *digits = line + (*line == '+');
		unsigned long long written = strtoull(digits, NULL, 10);
		unsigned long long is = strtoull(text, NULL, 10);

		return isdigit((unsigned char)*digits) &&
		       digits[strspn(digits, "0123456789")] == '\n' &&
		       (is_balance(f->path) || written == is);
	}
	/* The UUID that is none reads as none. */
	if (!strcmp(line, "00000000-0000-0000-0000-000000000000\n") && !strcmp(text, "\n"))
		return true;
	if (is_name(f->path) && (strchr(text, '/') || (isdigit((unsigned char)*text) &&
						       text[strspn(text, "0123456789")] == '\n')))
		return false;
	return !strcasecmp(line, text);
}

/* All other files that one can write to are as they were. */
static void check_others(const struct file *but, const char *shown)
{
	char text[256];
	size_t i;

	for (i = 0; i < nr_files; i++) {
		if (!files[i].writable || &files[i] == but)
			continue;
		CHECK(!read_file(files[i].path, text, sizeof(text)), "%s", files[i].path);
		if (is_balance(files[i].path))
			continue;
		CHECK(!strcmp(text, files[i].text), "%s became %s by '%s' in %s", files[i].path,
		      text, shown, but ? but->path : "");
	}
}

static bool is_refusal(ssize_t n)
{
	return n == -EINVAL || n == -ERANGE || n == -EEXIST;
}

static bool one_write(struct file *f, const struct value *v)
{
	char shown[256], text[256];
	ssize_t n = write_value(f, v);
	int err;

	print_value(shown, sizeof(shown), v);
	err = read_file(f->path, text, sizeof(text));
	CHECK(!err, "%s cannot be read after '%s': %s", f->path, shown, strerror(err));
	if (n < 0) {
		CHECK(is_refusal(n), "%s: '%s' (%zu bytes at %lld): %s", f->path, shown, v->len,
		      (long long)v->offset, strerror(-n));
		check_others(NULL, shown);
		return false;
	}
	/* The kernel keeps writes of nothing to itself. */
	if (!v->len) {
		check_others(NULL, shown);
		return false;
	}
	/* It takes a page at most; a number may have as many zeroes before it. */
	CHECK((size_t)n == (v->len < PAGE ? v->len : PAGE), "%s: %zd of %zu bytes", f->path, n,
	      v->len);
	CHECK(means(f, v, n, text), "%s: '%s' (%zu bytes) became %s", f->path, shown, v->len, text);
	strcpy(f->text, text);
	check_others(f, shown);
	return true;
}

/* The same to all files; @make makes the value. */
static void to_all(void (*make)(struct value *v, void *arg), void *arg, unsigned int *taken)
{
	static struct value v;
	size_t i;

	for (i = 0; i < nr_files; i++) {
		if (!files[i].writable)
			continue;
		make(&v, arg);
		taken[one_write(&files[i], &v)]++;
	}
}

static void make_random(struct value *v, void *arg)
{
	make_value(arg, v);
}

static void make_listed(struct value *v, void *arg)
{
	v->len = hostile_listed(*(size_t *)arg, v->data, sizeof(v->data));
	v->offset = -1;
}

static void anything(const void *arg)
{
	struct random r = { .state = seed };
	unsigned int taken[2] = {};
	struct vmm *vmms[2];
	uint64_t ids[2];
	size_t i;
	long j;

	(void)arg;
	start(vmms, ids);
	/* In front of guests that spin; their threads stay where they are. */
	setpriority(PRIO_PROCESS, 0, -20);
	for (i = 0; hostile_listed(i, NULL, 0) != SIZE_MAX; i++)
		to_all(make_listed, &i, taken);
	for (j = 0; j < rounds && !test_failed(); j++)
		to_all(make_random, &r, taken);
	setpriority(PRIO_PROCESS, 0, 0);
	test_diag("%u writes taken, %u refused", taken[true], taken[false]);
	CHECK(taken[true] && taken[false], "one-sided");
	end(vmms);
}

/* A write is a value, wherever the file's position is. */
static void in_pieces(const void *arg)
{
	struct vmm *vmms[2];
	char path[200], text[64];
	uint64_t ids[2];
	int fd;

	(void)arg;
	start(vmms, ids);
	snprintf(path, sizeof(path), GOV_ROOT "/vms/%" PRIu64 "/cpu/quota_us", ids[0]);
	fd = open(path, O_RDWR | O_CLOEXEC);
	NEED(fd >= 0, "%s", path);
	CHECK(write(fd, "50", 2) == -1 && errno == EINVAL, "50 is taken");
	CHECK(write(fd, "5000", 4) == 4, "%s", strerror(errno));
	CHECK(write(fd, "7000", 4) == 4, "%s", strerror(errno));
	CHECK(pwrite(fd, "9000", 4, 1) == 4, "%s", strerror(errno));
	close(fd);
	gov_read(text, sizeof(text), "vms/%" PRIu64 "/cpu/quota_us", ids[0]);
	CHECK(!strcmp(text, "9000"), "the quota is %s", text);
	end(vmms);
}

/* The same bytes in steps of one as in one step. */
static void read_in_pieces(const void *arg)
{
	struct vmm *vmms[2];
	uint64_t ids[2];
	char text[256];
	size_t i, j;

	(void)arg;
	start(vmms, ids);
	for (i = 0; i < nr_files; i++) {
		int fd = open(files[i].path, O_RDONLY | O_CLOEXEC);

		if (!CHECK(fd >= 0, "%s", files[i].path))
			continue;
		for (j = 0; j < sizeof(text) && read(fd, text + j, 1) == 1; j++)
			;
		CHECK(j && text[j - 1] == '\n', "%s: %zu bytes", files[i].path, j);
		CHECK(!files[i].writable ||
			      (j == strlen(files[i].text) && !memcmp(text, files[i].text, j)),
		      "%s read in pieces is another", files[i].path);
		CHECK(pread(fd, text, sizeof(text), 1 << 20) == 0, "%s goes on", files[i].path);
		close(fd);
	}
	end(vmms);
}

/* What is no reading or writing of text is refused. */
static void other_calls(const void *arg)
{
	struct vmm *vmms[2];
	uint64_t ids[2];
	size_t i;

	(void)arg;
	start(vmms, ids);
	for (i = 0; i < nr_files; i++) {
		struct file *f = &files[i];
		int fd = open(f->path, (f->writable ? O_RDWR : O_RDONLY) | O_CLOEXEC);

		if (!CHECK(fd >= 0, "%s: %s", f->path, strerror(errno)))
			continue;
		CHECK(mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 0) == MAP_FAILED, "%s is mapped",
		      f->path);
		CHECK(ioctl(fd, 0x5401, NULL) == -1, "%s: ioctl", f->path);
		CHECK(f->writable || write(fd, "1", 1) == -1, "%s: written", f->path);
		close(fd);
		CHECK(unlink(f->path) == -1 && rename(f->path, GOV_ROOT "/x") == -1, "%s is gone",
		      f->path);
		/* Root may override the mode of a file, but not that there is nothing to write. */
		fd = open(f->path, O_WRONLY | O_CLOEXEC);
		CHECK(f->writable == (fd >= 0), "%s: opened for writing: %d", f->path, fd);
		if (fd >= 0)
			close(fd);
	}
	CHECK(mkdir(GOV_ROOT "/vms/x", 0755) == -1 && rmdir(GOV_ROOT "/vms") == -1, "mkdir");
	CHECK(open(GOV_ROOT "/vms/x", O_CREAT | O_WRONLY | O_CLOEXEC, 0644) == -1, "a new file");
	check_others(NULL, "other calls");
	end(vmms);
}

/* In a process that is not root any more; its exit status counts faults. */
static void as_nobody(void *arg)
{
	int faults = 0;
	size_t i;

	(void)arg;
	if (setgid(NOBODY) || setuid(NOBODY))
		_exit(100);
	for (i = 0; i < nr_files; i++) {
		char text[256];

		if (open(files[i].path, O_WRONLY | O_CLOEXEC) != -1 || errno != EACCES)
			faults++;
		if (read_file(files[i].path, text, sizeof(text)))
			faults++;
		if (!chmod(files[i].path, 0666) || !truncate(files[i].path, 0))
			faults++;
	}
	_exit(faults < 100 ? faults : 99);
}

static void nobody(const void *arg)
{
	struct vmm *vmms[2];
	uint64_t ids[2];
	int status;
	pid_t pid;

	(void)arg;
	start(vmms, ids);
	pid = test_fork(as_nobody, NULL);
	waitpid(pid, &status, 0);
	CHECK(WIFEXITED(status) && !WEXITSTATUS(status), "%d faults", WEXITSTATUS(status));
	check_others(NULL, "nobody");
	end(vmms);
}

static const struct test_case cases[] = {
	{ "anything is taken as documented or refused without a change", anything, NULL },
	{ "each write is a value of its own", in_pieces, NULL },
	{ "a file read in pieces is the same file", read_in_pieces, NULL },
	{ "files are read and written, and nothing else", other_calls, NULL },
	{ "nobody reads all and writes none", nobody, NULL },
};

int main(int argc, char **argv)
{
	test_init(argc, argv, options);
	test_diag("--seed=%ld --rounds=%ld", seed, rounds);
	test_main(cases, ARRAY_SIZE(cases));
}
