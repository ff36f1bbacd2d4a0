// SPDX-License-Identifier: GPL-2.0-only
/* kvmgov doctor */
#include <errno.h>
#include <inttypes.h>
#include <linux/capability.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "cli.h"

enum level {
	LEVEL_OK,
	LEVEL_WARNING,
	LEVEL_ERROR,
	NR_LEVELS,
};

static const char *const level_names[] = { "ok", "warning", "error" };

/**
 * struct doctor - The findings so far
 * @cli: The run.
 * @findings: What the JSON will hold.
 * @nr: How many there are of each level.
 */
struct doctor {
	struct cli *cli;
	struct json_object *findings;
	unsigned int nr[NR_LEVELS];
};

/*
 * Report one finding. @format is the message, and after a tab, where there is
 * something to do about it, the remedy.
 */
static void found(struct doctor *doc, enum level level, const char *check, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

static void found(struct doctor *doc, enum level level, const char *check, const char *format, ...)
{
	char message[1280];
	va_list args;
	char *remedy;

	va_start(args, format);
	vsnprintf(message, sizeof(message), format, args);
	va_end(args);
	remedy = strchr(message, '\t');
	if (remedy)
		*remedy++ = '\0';
	doc->nr[level]++;
	if (doc->cli->json) {
		struct json_object *finding = js_object();

		js_add(finding, "check", js_text(check));
		js_add(finding, "level", js_text(level_names[level]));
		js_add(finding, "message", js_text(message));
		js_add(finding, "remedy", remedy ? js_text(remedy) : NULL);
		js_append(doc->findings, finding);
		return;
	}
	printf("%-8s %-10s ", level_names[level], check);
	out_text(stdout, message);
	putchar('\n');
	if (remedy) {
		printf("%19s -> ", "");
		out_text(stdout, remedy);
		putchar('\n');
	}
}

/* The first line of a small file, without its newline; false if there is none. */
static bool read_line(const char *path, char *buf, size_t size)
{
	FILE *file = fopen(path, "re");
	bool ok;

	if (!file)
		return false;
	ok = fgets(buf, size, file);
	fclose(file);
	if (ok)
		buf[strcspn(buf, "\n")] = '\0';
	return ok;
}

static bool exists(const char *path)
{
	return !access(path, F_OK);
}

/* Whether a file has a line with @word in it. */
static bool file_mentions(const char *path, const char *word)
{
	FILE *file = fopen(path, "re");
	char *line = NULL;
	bool yes = false;
	size_t size = 0;

	while (file && !yes && getline(&line, &size, file) > 0)
		yes = strstr(line, word);
	free(line);
	if (file)
		fclose(file);
	return yes;
}

/* --- the host --- */

static void check_kernel(struct doctor *doc)
{
	struct utsname uts;

	uname(&uts);
	if (strcmp(uts.machine, "x86_64"))
		found(doc, LEVEL_ERROR, "kernel",
		      "Linux %s on %s, which kvmgov cannot govern\tuse an x86-64 host", uts.release,
		      uts.machine);
	else
		found(doc, LEVEL_OK, "kernel", "Linux %s on %s", uts.release, uts.machine);
}

static void check_kvm(struct doctor *doc)
{
	const char *vendor = NULL;

	if (file_mentions("/proc/cpuinfo", " vmx"))
		vendor = "kvm_intel";
	else if (file_mentions("/proc/cpuinfo", " svm"))
		vendor = "kvm_amd";
	if (exists("/sys/module/kvm_intel") || exists("/sys/module/kvm_amd")) {
		if (exists("/dev/kvm"))
			found(doc, LEVEL_OK, "kvm", "KVM is loaded");
		else
			found(doc, LEVEL_WARNING, "kvm",
			      "KVM is loaded, but /dev/kvm is missing\tin a container, pass the "
			      "device in; else see whether udev runs");
	} else if (vendor) {
		found(doc, LEVEL_WARNING, "kvm",
		      "KVM is not loaded; VMs are governed as soon as it is\tmodprobe %s", vendor);
	} else {
		found(doc, LEVEL_WARNING, "kvm",
		      "this CPU offers no virtualisation\tenable it in the firmware's settings, "
		      "or, "
		      "in a VM, nested virtualisation on the host");
	}
}

/* Whether the firmware boots signed kernels only; the byte follows four of attributes. */
static bool secure_boot(void)
{
	FILE *file = fopen("/sys/firmware/efi/efivars/"
			   "SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c",
			   "re");
	unsigned char var[5] = { 0 };
	bool on = file && fread(var, 1, sizeof(var), file) == sizeof(var) && var[4] == 1;

	if (file)
		fclose(file);
	return on;
}

/* Whether this kernel loads unsigned modules matters until ours is loaded. */
static void check_lockdown(struct doctor *doc, bool loaded)
{
	static const char path[] = "/sys/kernel/security/lockdown";
	char line[128], enforce[8] = "";
	const char *why = NULL;

	read_line("/sys/module/module/parameters/sig_enforce", enforce, sizeof(enforce));
	if (!read_line(path, line, sizeof(line)))
		line[0] = '\0';
	if (strstr(line, "[integrity]") || strstr(line, "[confidentiality]"))
		why = "the kernel is locked down";
	else if (*enforce == 'Y')
		why = "the kernel enforces module signatures";
	if (why)
		found(doc, loaded ? LEVEL_OK : LEVEL_WARNING, "signature",
		      "%s%s: only signed modules can be loaded%s", why,
		      secure_boot() ? " (Secure Boot is on)" : "",
		      loaded ? ""
			     : "\tsign kvmgov.ko with an enrolled key (mokutil --import; scripts/"
			       "sign-file), or turn Secure Boot off");
	else
		found(doc, LEVEL_OK, "signature", "unsigned modules can be loaded%s",
		      *line ? ""
			    : " (as far as can be seen: securityfs is not mounted or "
			      "not readable)");
}

/* Whether this process has CAP_SYS_ADMIN, in whatever user namespace. */
static bool is_admin(void)
{
	FILE *file = fopen("/proc/self/status", "re");
	unsigned long long caps = 0;
	char line[256];

	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "CapEff: %llx", &caps) == 1)
			break;
	if (file)
		fclose(file);
	return caps >> CAP_SYS_ADMIN & 1;
}

/* --- the module --- */

static void module_missing(struct doctor *doc)
{
	struct utsname uts;
	char path[256];

	uname(&uts);
	snprintf(path, sizeof(path), "/lib/modules/%s/modules.dep", uts.release);
	if (file_mentions(path, "/kvmgov.ko"))
		found(doc, LEVEL_ERROR, "module",
		      "the kvmgov module is not loaded\tmodprobe kvmgov");
	else
		found(doc, LEVEL_ERROR, "module",
		      "the kvmgov module is not loaded, and not installed for this kernel\t"
		      "in kvmgov's sources: make module && insmod build/%s/kvmgov.ko; or, for "
		      "good: make install && modprobe kvmgov",
		      uts.release);
}

static void check_version(struct doctor *doc, const struct kvmgov_info *info)
{
	const char *module = kvmgov_info_version(info), *tool = kvmgov_library_version();

	if (!strcmp(module, tool))
		found(doc, LEVEL_OK, "module", "kvmgov %s is loaded", module);
	else
		found(doc, LEVEL_WARNING, "module",
		      "kvmgov %s is loaded, but this tool is version %s; what only one of them "
		      "knows is out of reach\tinstall the same version of both, and load the "
		      "module anew: rmmod kvmgov; modprobe kvmgov",
		      module, tool);
}

static void check_hook(struct doctor *doc, const struct kvmgov_hook *hook)
{
	const char *kind = kvmgov_hook_kind(hook) == KVMGOV_HOOK_KIND_TRACEPOINT ? "tracepoint"
			   : kvmgov_hook_kind(hook) == KVMGOV_HOOK_KIND_KPROBE	 ? "kprobe"
										 : "hook";
	const char *name = kvmgov_hook_name(hook);

	switch (kvmgov_hook_state(hook)) {
	case KVMGOV_HOOK_STATE_ATTACHED:
		found(doc, LEVEL_OK, "hook", "%s %s: attached", kind, name);
		break;
	case KVMGOV_HOOK_STATE_WAITING:
		found(doc, LEVEL_WARNING, "hook",
		      "%s %s: waiting for KVM to be loaded\tmodprobe kvm_intel, or kvm_amd", kind,
		      name);
		break;
	case KVMGOV_HOOK_STATE_MISSING:
		found(doc, LEVEL_ERROR, "hook",
		      "%s %s: this kernel's KVM has no such place\tuse a kernel of the 6.1 or 6.12 "
		      "series with tracepoints (CONFIG_TRACEPOINTS)",
		      kind, name);
		break;
	case KVMGOV_HOOK_STATE_MISMATCH:
		found(doc, LEVEL_ERROR, "hook",
		      "%s %s: has %" PRIu32 " arguments, a prototype unknown to kvmgov\tbuild "
		      "kvmgov against the headers of the running kernel, or update kvmgov",
		      kind, name, kvmgov_hook_nargs(hook));
		break;
	case KVMGOV_HOOK_STATE_FAILED:
		found(doc, LEVEL_ERROR, "hook",
		      "%s %s: the kernel refused to attach it: %s\tsee the kernel's log: dmesg | "
		      "grep kvmgov",
		      kind, name, strerror(kvmgov_hook_error(hook)));
		break;
	default:
		found(doc, LEVEL_WARNING, "hook",
		      "%s %s: in state %" PRIu32 ", which this tool does not know\tinstall the "
		      "tool of the module's version",
		      kind, name, kvmgov_hook_state(hook));
	}
}

static void check_hooks(struct doctor *doc, const struct kvmgov_info *info)
{
	size_t i;

	if (!kvmgov_info_nr_hooks(info))
		found(doc, LEVEL_ERROR, "hook",
		      "the module has no hook at all\tsee the kernel's log: dmesg | grep kvmgov");
	for (i = 0; i < kvmgov_info_nr_hooks(info); i++)
		check_hook(doc, kvmgov_info_hook(info, i));
}

static void check_exactness(struct doctor *doc, const struct kvmgov_info *info)
{
	if (kvmgov_info_clock_stable(info))
		found(doc, LEVEL_OK, "clock", "the TSC is stable: times are exact");
	else if (kvmgov_info_has(info, KVMGOV_A_INFO_CLOCK_STABLE))
		found(doc, LEVEL_WARNING, "clock",
		      "the TSC is not stable: times in the figures are approximate\tsee dmesg | "
		      "grep -i tsc for the reason; firmware updates often help");
	if (kvmgov_info_exact_charge(info))
		found(doc, LEVEL_OK, "charge", "CPU time is charged exactly, at once");
	else if (kvmgov_info_has(info, KVMGOV_A_INFO_EXACT_CHARGE))
		found(doc, LEVEL_WARNING, "charge",
		      "this kernel's CPU time is known at scheduler ticks only: a period may be "
		      "overrun by a tick, which the next one pays for\tuse periods of 100ms or "
		      "more where that matters");
}

static void check_limits(struct doctor *doc, const struct kvmgov_info *info)
{
	char pmin[KVMGOV_VALUE_LEN], pmax[KVMGOV_VALUE_LEN], qmin[KVMGOV_VALUE_LEN];
	char cpu[KVMGOV_VALUE_LEN], period[KVMGOV_VALUE_LEN], top[KVMGOV_VALUE_LEN];
	char credit[KVMGOV_VALUE_LEN];
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	struct kvmgov_limits limits;

	kvmgov_info_limits(info, &limits);
	found(doc, LEVEL_OK, "limits", "periods from %s to %s, quotas from %s per period",
	      kvmgov_period_format(limits.period_min_us, pmin, sizeof(pmin)),
	      kvmgov_period_format(limits.period_max_us, pmax, sizeof(pmax)),
	      kvmgov_period_format(limits.quota_min_us, qmin, sizeof(qmin)));
	found(doc, LEVEL_OK, "limits",
	      "%ld CPUs online: limits above %s cannot be used up; a limit above a VM's number "
	      "of vCPUs holds nothing",
	      cpus, kvmgov_cpu_format(cpus * 1000000ULL, top, sizeof(top)));
	found(doc, LEVEL_OK, "defaults", "VMs are born with cpu=%s period=%s credit=%s",
	      kvmgov_cpu_format(kvmgov_cpu_from_quota(kvmgov_info_default_quota_us(info),
						      kvmgov_info_default_period_us(info)),
				cpu, sizeof(cpu)),
	      kvmgov_period_format(kvmgov_info_default_period_us(info), period, sizeof(period)),
	      kvmgov_time_format(kvmgov_info_default_credit_max_us(info) * 1000, credit,
				 sizeof(credit)));
}

static void check_vms(struct doctor *doc, const struct kvmgov_info *info)
{
	uint64_t ungoverned = kvmgov_info_ungoverned(info);

	found(doc, LEVEL_OK, "vms",
	      "%" PRIu32 " VMs with %" PRIu32 " vCPUs are governed; %" PRIu32
	      " holds are under way",
	      kvmgov_info_nr_vms(info), kvmgov_info_nr_vcpus(info),
	      kvmgov_info_callbacks_pending(info));
	if (ungoverned)
		found(doc, LEVEL_WARNING, "vms",
		      "%" PRIu64 " times, a VM or vCPU could not be governed at once for lack of "
		      "memory\tfree memory on the host; it is tried again by itself",
		      ungoverned);
	else
		found(doc, LEVEL_OK, "vms", "no VM has ever escaped for lack of memory");
}

/* What only the module can tell. */
static void check_module(struct doctor *doc)
{
	struct kvmgov_error err = { 0 };
	struct kvmgov_info *info;
	struct kvmgov *kg;

	kg = kvmgov_open(&err);
	info = kg ? kvmgov_info_get(kg, &err) : NULL;
	if (info) {
		check_version(doc, info);
		if (is_admin())
			found(doc, LEVEL_OK, "permission", "reading and changing VMs is allowed");
		else
			found(doc, LEVEL_WARNING, "permission",
			      "reading is allowed, but changing VMs is not\trun it as root "
			      "(CAP_SYS_ADMIN in the initial user namespace)");
		check_hooks(doc, info);
		check_exactness(doc, info);
		check_limits(doc, info);
		check_vms(doc, info);
	} else if (err.code == ENXIO && !exists("/sys/module/kvmgov")) {
		module_missing(doc);
	} else if (err.code == EPERM) {
		found(doc, LEVEL_OK, "module", "the kvmgov module is loaded");
		found(doc, LEVEL_ERROR, "permission",
		      "%s\trun it as root, or let everybody read: echo 1 > "
		      "/sys/module/kvmgov/parameters/open_reading",
		      err.text);
	} else {
		found(doc, LEVEL_ERROR, "module", "%s", err.text);
	}
	kvmgov_info_free(info);
	kvmgov_close(kg);
}

static void finish(struct doctor *doc)
{
	struct json_object *json;

	if (!doc->cli->json) {
		json_object_put(doc->findings);
		printf("\n%u ok, %u warnings, %u errors\n", doc->nr[LEVEL_OK],
		       doc->nr[LEVEL_WARNING], doc->nr[LEVEL_ERROR]);
		return;
	}
	json = js_document();
	js_add(json, "healthy", js_bool(!doc->nr[LEVEL_ERROR]));
	js_add(json, "findings", doc->findings);
	js_print(json);
}

static int run(struct cli *cli, int argc, char **argv)
{
	static const struct option longs[] = { CLI_OPTIONS, { 0 } };
	struct doctor doc = { .cli = cli };

	cli_getopt(cli, argc, argv, "", longs);
	if (optind < argc)
		return cli_usage(cli, "doctor takes no '%s'", argv[optind]);
	doc.findings = js_array();
	check_kernel(&doc);
	check_kvm(&doc);
	check_lockdown(&doc, exists("/sys/module/kvmgov"));
	check_module(&doc);
	finish(&doc);
	return doc.nr[LEVEL_ERROR] ? CLI_FAILED : CLI_OK;
}

const struct command cmd_doctor = {
	.name = "doctor",
	.operands = "",
	.summary = "Examine the kernel, KVM and the module, and say what is missing",
	.help = "Each finding is ok, a warning or an error, with what to do about it. Works\n"
		"without the module, too. Exit status 1 if there is an error.\n",
	.run = run,
};
