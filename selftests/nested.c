// SPDX-License-Identifier: GPL-2.0-only
/*
 * nested: vCPUs that are hosts themselves. What their own guests use is theirs:
 * held, frozen, let go and accounted for alike. On AMD (SVM).
 */
#define _GNU_SOURCE
#include <inttypes.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "gov.h"
#include "test.h"

#define PATIENCE    (60 * NS_PER_S)
#define NESTED	    "/sys/module/kvm_amd/parameters/nested"
#define PAGE	    4096UL
#define EFER_SVME   0x1000UL
#define CODE_OFFSET (4 * PAGE) /* behind VMCB, save area and a stack */
#define TOUCH	    (8 * PAGE)

/* The VMCB, as the processor's manual has it; the second part from 0x400 on. */
#define VMCB_INTERCEPT_3 0x00c
#define VMCB_INTERCEPT_4 0x010
#define VMCB_ASID	 0x058
#define VMCB_ES		 0x400
#define VMCB_CS		 0x410
#define VMCB_SS		 0x420
#define VMCB_DS		 0x430
#define VMCB_GDTR	 0x460
#define VMCB_IDTR	 0x480
#define VMCB_EFER	 0x4d0
#define VMCB_CR4	 0x548
#define VMCB_CR3	 0x550
#define VMCB_CR0	 0x558
#define VMCB_DR7	 0x560
#define VMCB_DR6	 0x568
#define VMCB_RFLAGS	 0x570
#define VMCB_RIP	 0x578
#define VMCB_RSP	 0x5d8
#define VMCB_PAT	 0x668

#define INTERCEPT_CPUID (1U << 18)
#define INTERCEPT_VMRUN 1U

extern const char nested_begin[], nested_end[];
extern const char nested_host[], nested_cpuid[], nested_spin[];

static long seconds = 3;

static const struct test_option options[] = {
	{ "seconds", &seconds, "how long CPU time is measured" }, {}
};

static void put(char *vmcb, unsigned int at, const void *value, size_t len)
{
	memcpy(vmcb + at, value, len);
}

static void put64(char *vmcb, unsigned int at, uint64_t value)
{
	put(vmcb, at, &value, 8);
}

static void put32(char *vmcb, unsigned int at, uint32_t value)
{
	put(vmcb, at, &value, 4);
}

static void put_segment(char *vmcb, unsigned int at, const struct kvm_segment *s)
{
	uint16_t attrib = s->type | s->s << 4 | s->dpl << 5 | s->present << 7 | s->avl << 8 |
			  s->l << 9 | s->db << 10 | s->g << 11;

	put(vmcb, at, &s->selector, 2);
	put(vmcb, at + 2, &attrib, 2);
	put32(vmcb, at + 4, s->limit);
	put64(vmcb, at + 8, s->base);
}

/* A guest like its host: the same memory, the same tables, its own code. */
static void fill_vmcb(char *vmcb, const struct kvm_sregs *sregs, uint64_t rip, uint64_t rsp)
{
	put32(vmcb, VMCB_INTERCEPT_3, INTERCEPT_CPUID);
	put32(vmcb, VMCB_INTERCEPT_4, INTERCEPT_VMRUN);
	put32(vmcb, VMCB_ASID, 1);
	put_segment(vmcb, VMCB_ES, &sregs->es);
	put_segment(vmcb, VMCB_CS, &sregs->cs);
	put_segment(vmcb, VMCB_SS, &sregs->ss);
	put_segment(vmcb, VMCB_DS, &sregs->ds);
	put32(vmcb, VMCB_GDTR + 4, sregs->gdt.limit);
	put64(vmcb, VMCB_GDTR + 8, sregs->gdt.base);
	put32(vmcb, VMCB_IDTR + 4, sregs->idt.limit);
	put64(vmcb, VMCB_IDTR + 8, sregs->idt.base);
	put64(vmcb, VMCB_EFER, sregs->efer);
	put64(vmcb, VMCB_CR0, sregs->cr0);
	put64(vmcb, VMCB_CR3, sregs->cr3);
	put64(vmcb, VMCB_CR4, sregs->cr4);
	put64(vmcb, VMCB_DR6, 0xffff0ff0);
	put64(vmcb, VMCB_DR7, 0x400);
	put64(vmcb, VMCB_RFLAGS, 2);
	put64(vmcb, VMCB_RIP, rip);
	put64(vmcb, VMCB_RSP, rsp);
	put64(vmcb, VMCB_PAT, 0x0007040600070406);
}

static size_t offset(const char *symbol)
{
	return (uintptr_t)symbol - (uintptr_t)nested_begin;
}

/* Make a VM whose vCPU is a host; @guest is what its guest does. */
static struct vmm *make_host(const char *guest)
{
	const struct vmm_opts opts = { .nr_vcpus = 1, .mode = VMM_PARK, .touch = TOUCH };
	struct vmm *vmm = gov_create(&opts);
	struct vmm_vcpu *vcpu = &vmm->vcpu[0];
	struct kvm_sregs sregs;
	struct kvm_regs regs;
	uint64_t pages, code;

	NEED(!ioctl(vcpu->fd, KVM_GET_SREGS, &sregs) && !ioctl(vcpu->fd, KVM_GET_REGS, &regs),
	     "registers: %s", strerror(errno));
	/* The pages that another mode would write to. */
	pages = regs.rdx;
	code = pages + CODE_OFFSET;
	memcpy(vmm->mem + code, nested_begin, offset(nested_end));
	sregs.efer |= EFER_SVME;
	if (ioctl(vcpu->fd, KVM_SET_SREGS, &sregs))
		test_skip("this KVM does not let its guests be hosts: %s", strerror(errno));
	regs.rip = code + offset(nested_host);
	regs.rsi = pages;
	NEED(!ioctl(vcpu->fd, KVM_SET_REGS, &regs), "registers: %s", strerror(errno));
	fill_vmcb(vmm->mem + pages, &sregs, code + offset(guest), pages + 3 * PAGE);
	vmm_start(vmm);
	return vmm;
}

static uint64_t guest_work(const struct vmm *vmm)
{
	return vmm_area(vmm, 0)->last;
}

static void check_host(const struct vmm *vmm)
{
	CHECK(!vmm_area(vmm, 0)->result, "its guest has ended with exit code 0x%" PRIx64,
	      vmm_area(vmm, 0)->result);
	gov_check_vmm(vmm);
}

static void need_nested(void)
{
	char text[8] = "";
	FILE *f = fopen(NESTED, "r");

	if (f) {
		if (!fgets(text, sizeof(text), f))
			text[0] = '\0';
		fclose(f);
	}
	if (text[0] != '1' && text[0] != 'Y')
		test_skip("kvm_amd without nested virtualisation");
}

static bool stands_still(const struct vmm *vmm)
{
	uint64_t work = guest_work(vmm);

	test_sleep(50 * NS_PER_MS);
	return guest_work(vmm) == work;
}

static bool within_limit(const struct vmm *vmm, uint64_t id)
{
	uint64_t cpu, work;
	int64_t begin;
	double got;

	test_sleep(500 * NS_PER_MS);
	begin = test_now();
	cpu = vmm_cpu_ns(vmm);
	work = guest_work(vmm);
	test_sleep(seconds * NS_PER_S);
	got = 100.0 * (vmm_cpu_ns(vmm) - cpu) / (test_now() - begin);
	work = guest_work(vmm) - work;
	test_diag("may use 20 %%, used %.1f %%; %" PRIu64 " rounds of its guest, %" PRIu64 " exits",
		  got, work, gov_u64("vms/%" PRIu64 "/nr_exits", id));
	return got > 10 && got < 27 && work;
}

static void governed(const void *arg)
{
	const char *guest = arg;
	struct vmm *vmm;
	uint64_t id, work;
	int tries = 5;
	int err;

	need_nested();
	gov_need();
	vmm = make_host(guest);
	id = gov_find(vmm);
	if (!POLL(PATIENCE, guest_work(vmm) > 0)) {
		check_host(vmm);
		test_abort("the guest's guest does not run");
	}

	gov_set(id, 20000, 100000);
	/* A busy machine makes it look worse than it is, now and then. */
	while (!within_limit(vmm, id))
		NEED(--tries, "the limit does not hold");
	CHECK(gov_u64("vms/%" PRIu64 "/cpu/nr_held", id), "never held");

	NEED(!gov_write("frozen", "vms/%" PRIu64 "/state", id), "cannot freeze");
	NEED(POLL(PATIENCE, stands_still(vmm)), "its guest runs while it is frozen");
	NEED(!gov_write("running", "vms/%" PRIu64 "/state", id), "cannot thaw");
	work = guest_work(vmm);
	CHECK(POLL(PATIENCE, guest_work(vmm) > work), "its guest stands still after a thaw");

	gov_set(id, 1000, 1000000);
	NEED(POLL(PATIENCE, stands_still(vmm)), "not held");
	err = gov_unload();
	NEED(!err, "cannot unload: %s", strerror(-err));
	work = guest_work(vmm);
	CHECK(POLL(PATIENCE, guest_work(vmm) > work), "its guest stands still after an unload");
	gov_need();
	id = gov_find(vmm);
	gov_set(id, 20000, 100000);
	work = guest_work(vmm);
	CHECK(POLL(PATIENCE, guest_work(vmm) > work), "its guest stands still after a load");
	check_host(vmm);
	gov_end(vmm);
	gov_no_leak();
}

static const struct test_case cases[] = {
	{ "a host whose guest never exits is governed", governed, nested_spin },
	{ "a host whose guest exits all the time is governed", governed, nested_cpuid },
};

int main(int argc, char **argv)
{
	test_init(argc, argv, options);
	test_main(cases, ARRAY_SIZE(cases));
}
