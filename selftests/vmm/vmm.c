// SPDX-License-Identifier: GPL-2.0-only
/*
 * The tiny VMM: guests in 64-bit mode with flat, identity-mapped memory.
 */
#define _GNU_SOURCE
#include "vmm.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/futex.h>
#include <sched.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <x86intrin.h>

#define PAGE	      4096UL
#define AREA_SIZE     (PAGE + GUEST_RING_LEN * sizeof(struct guest_gap))
#define MAX_CPUID     100
#define TOUCH_DEFAULT (64 * PAGE)

#define CR0_PE	     0x1UL
#define CR0_ET	     0x10UL
#define CR0_PG	     0x80000000UL
#define CR4_PAE	     0x20UL
#define EFER_LME     0x100UL
#define EFER_LMA     0x400UL
#define PTE_PRESENT  0x1UL
#define PTE_WRITE    0x2UL
#define PTE_LARGE    0x80UL
#define PTE_ACCESSED 0x60UL /* and dirty */
#define SEL_CODE     0x08
#define SEL_DATA     0x10

struct mode {
	const char *name;
	const char *entry;
};

static const struct mode modes[VMM_NR_MODES] = {
	[VMM_SPIN] = { "spin", guest_spin },
	[VMM_GAP] = { "gap", guest_gap },
	[VMM_OUT] = { "out", guest_out },
	[VMM_CPUID] = { "cpuid", guest_cpuid },
	[VMM_HLT] = { "hlt", guest_hlt },
	[VMM_TOUCH] = { "touch", guest_touch },
	[VMM_MIX] = { "mix", guest_mix },
	[VMM_BATCH] = { "batch", guest_batch },
	[VMM_BATCH_OUT] = { "batch-out", guest_batch_out },
	[VMM_BATCH_EVENT] = { "batch-event", guest_batch_event },
	[VMM_COUNT] = { "count", guest_count },
	[VMM_CLOCK] = { "clock", guest_clock },
	[VMM_PARK] = { "park", guest_park },
};

/* The vCPU that the present thread runs, for the signal handler. */
static __thread struct vmm_vcpu *self;

int vmm_mode_by_name(const char *name)
{
	int i;

	for (i = 0; i < VMM_NR_MODES; i++)
		if (!strcmp(modes[i].name, name))
			return i;
	return -1;
}

const char *vmm_mode_name(enum vmm_mode mode)
{
	return modes[mode].name;
}

static long futex(uint32_t *word, int op, uint32_t value)
{
	return syscall(SYS_futex, word, op, value, NULL, NULL, 0);
}

static enum vmm_want want(const struct vmm *vmm)
{
	return __atomic_load_n(&vmm->want, __ATOMIC_SEQ_CST);
}

/* Looks once, lest what was wanted has changed before it sleeps for that. */
static void wait_for_quit(struct vmm *vmm)
{
	enum vmm_want now;

	while ((now = want(vmm)) != VMM_QUIT)
		futex(&vmm->want, FUTEX_WAIT, now);
}

/* A signal that comes just before KVM_RUN must not be lost. */
static void interrupt_run(int sig)
{
	(void)sig;
	if (self)
		self->run->immediate_exit = 1;
}

static void install_handler(void)
{
	struct sigaction sa = { .sa_handler = interrupt_run };

	sigaction(VMM_SIGNAL, &sa, NULL);
}

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000ULL + ts.tv_nsec;
}

static uint64_t area_gpa(unsigned int index)
{
	return GUEST_AREAS + index * AREA_SIZE;
}

static uint64_t touch_gpa(const struct vmm *vmm)
{
	return (area_gpa(vmm->opts.nr_vcpus) + PAGE - 1) & ~(PAGE - 1);
}

struct guest_area *vmm_area(const struct vmm *vmm, unsigned int index)
{
	return (struct guest_area *)(vmm->mem + area_gpa(index));
}

struct guest_gap *vmm_gaps(const struct vmm *vmm, unsigned int index)
{
	return (struct guest_gap *)(vmm->mem + area_gpa(index) + GUEST_RING);
}

uint64_t vmm_work(const struct vmm *vmm, unsigned int index)
{
	return vmm_area(vmm, index)->work;
}

uint64_t vmm_total_work(const struct vmm *vmm)
{
	uint64_t sum = 0;
	unsigned int i;

	for (i = 0; i < vmm->opts.nr_vcpus; i++)
		sum += vmm_work(vmm, i);
	return sum;
}

int vmm_error(const struct vmm *vmm)
{
	unsigned int i;

	for (i = 0; i < vmm->opts.nr_vcpus; i++)
		if (vmm->vcpu[i].error)
			return vmm->vcpu[i].error;
	return 0;
}

static void *share(size_t size)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	return p == MAP_FAILED ? NULL : p;
}

static uint64_t code_gpa(const char *symbol)
{
	return GUEST_CODE + (uintptr_t)symbol - (uintptr_t)guest_begin;
}

static void fill_tables(char *mem)
{
	uint64_t *gdt = (uint64_t *)(mem + GUEST_GDT);
	uint64_t *idt = (uint64_t *)(mem + GUEST_IDT);
	uint64_t *pml4 = (uint64_t *)(mem + GUEST_PML4);
	uint64_t *pdpt = (uint64_t *)(mem + GUEST_PDPT);
	uint64_t *low = (uint64_t *)(mem + GUEST_PD_LOW);
	uint64_t *high = (uint64_t *)(mem + GUEST_PD_HIGH);
	uint64_t flags = PTE_PRESENT | PTE_WRITE | PTE_ACCESSED;
	uint64_t irq = code_gpa(guest_irq);
	unsigned int i;

	gdt[SEL_CODE / 8] = 0x00af9b000000ffffULL;
	gdt[SEL_DATA / 8] = 0x00cf93000000ffffULL;
	/* An interrupt gate, present, to an address below 64 KiB. */
	idt[2 * GUEST_VECTOR] = irq | SEL_CODE << 16 | 0x8e0000000000ULL;

	pml4[0] = GUEST_PDPT | flags;
	pdpt[0] = GUEST_PD_LOW | flags;
	pdpt[3] = GUEST_PD_HIGH | flags;
	for (i = 0; i < 512; i++) {
		low[i] = (uint64_t)i << 21 | flags | PTE_LARGE;
		high[i] = (3ULL << 30 | (uint64_t)i << 21) | flags | PTE_LARGE;
	}
}

/* Everything that must be there before a child may be forked. */
static struct vmm *vmm_alloc(const struct vmm_opts *opts)
{
	struct vmm *vmm;
	unsigned int i;

	if (!opts->nr_vcpus || opts->nr_vcpus > VMM_MAX_VCPUS || opts->mode >= VMM_NR_MODES) {
		errno = EINVAL;
		return NULL;
	}
	vmm = share(sizeof(*vmm));
	if (!vmm)
		return NULL;
	vmm->opts = *opts;
	if (!vmm->opts.touch)
		vmm->opts.touch = TOUCH_DEFAULT;
	vmm->kvm_fd = -1;
	vmm->vm_fd = -1;
	vmm->event_fd = -1;
	for (i = 0; i < opts->nr_vcpus; i++) {
		vmm->vcpu[i].vmm = vmm;
		vmm->vcpu[i].index = i;
		vmm->vcpu[i].fd = -1;
		vmm->vcpu[i].cpu = -1;
	}
	vmm->mem_size = (touch_gpa(vmm) + vmm->opts.touch + PAGE - 1) & ~(PAGE - 1);
	vmm->mem = share(vmm->mem_size);
	if (!vmm->mem) {
		munmap(vmm, sizeof(*vmm));
		return NULL;
	}
	fill_tables(vmm->mem);
	memcpy(vmm->mem + GUEST_CODE, guest_begin, code_gpa(guest_end) - GUEST_CODE);
	return vmm;
}

static void vmm_free(struct vmm *vmm)
{
	munmap(vmm->mem, vmm->mem_size);
	munmap(vmm, sizeof(*vmm));
}

static int set_sregs(struct vmm_vcpu *vcpu)
{
	struct kvm_segment code = {
		.limit = 0xffffffff,
		.selector = SEL_CODE,
		.type = 11,
		.present = 1,
		.s = 1,
		.l = 1,
		.g = 1,
	};
	struct kvm_segment data = {
		.limit = 0xffffffff,
		.selector = SEL_DATA,
		.type = 3,
		.present = 1,
		.s = 1,
		.db = 1,
		.g = 1,
	};
	struct kvm_sregs sregs;

	if (ioctl(vcpu->fd, KVM_GET_SREGS, &sregs))
		return -1;
	sregs.cs = code;
	sregs.ds = data;
	sregs.es = data;
	sregs.fs = data;
	sregs.gs = data;
	sregs.ss = data;
	sregs.gdt.base = GUEST_GDT;
	sregs.gdt.limit = 23;
	sregs.idt.base = GUEST_IDT;
	sregs.idt.limit = 4095;
	sregs.cr0 = CR0_PE | CR0_ET | CR0_PG;
	sregs.cr3 = GUEST_PML4;
	sregs.cr4 = CR4_PAE;
	sregs.efer = EFER_LME | EFER_LMA;
	return ioctl(vcpu->fd, KVM_SET_SREGS, &sregs);
}

static int set_regs(struct vmm_vcpu *vcpu)
{
	struct vmm *vmm = vcpu->vmm;
	struct kvm_regs regs = {
		.rip = code_gpa(modes[vmm->opts.mode].entry),
		.rflags = 2,
		.rdi = area_gpa(vcpu->index),
		.rsi = vmm->opts.param,
		.rdx = touch_gpa(vmm),
		.rcx = vmm->opts.touch,
		.rsp = area_gpa(vcpu->index) + PAGE,
	};

	return ioctl(vcpu->fd, KVM_SET_REGS, &regs);
}

/* Switch the local APIC on; without this it takes no interrupt. */
static int set_lapic(struct vmm_vcpu *vcpu)
{
	struct kvm_mp_state state = { .mp_state = KVM_MP_STATE_RUNNABLE };
	struct kvm_lapic_state lapic;
	uint32_t spiv;

	if (ioctl(vcpu->fd, KVM_GET_LAPIC, &lapic))
		return -1;
	memcpy(&spiv, lapic.regs + 0xf0, sizeof(spiv));
	spiv |= 0x100;
	memcpy(lapic.regs + 0xf0, &spiv, sizeof(spiv));
	if (ioctl(vcpu->fd, KVM_SET_LAPIC, &lapic))
		return -1;
	return ioctl(vcpu->fd, KVM_SET_MP_STATE, &state);
}

/* What the host has; KVM refuses 64-bit mode to a vCPU without a word of it. */
static int set_cpuid(struct vmm_vcpu *vcpu)
{
	struct {
		struct kvm_cpuid2 head;
		struct kvm_cpuid_entry2 entries[MAX_CPUID];
	} cpuid = { .head.nent = MAX_CPUID };

	if (ioctl(vcpu->vmm->kvm_fd, KVM_GET_SUPPORTED_CPUID, &cpuid))
		return -1;
	return ioctl(vcpu->fd, KVM_SET_CPUID2, &cpuid);
}

static int open_vcpu(struct vmm_vcpu *vcpu)
{
	struct vmm *vmm = vcpu->vmm;

	vcpu->fd = ioctl(vmm->vm_fd, KVM_CREATE_VCPU, vcpu->index);
	if (vcpu->fd < 0)
		return -1;
	fcntl(vcpu->fd, F_SETFD, FD_CLOEXEC);
	vcpu->run = mmap(NULL, vmm->run_size, PROT_READ | PROT_WRITE, MAP_SHARED, vcpu->fd, 0);
	if (vcpu->run == MAP_FAILED) {
		vcpu->run = NULL;
		return -1;
	}
	if (set_cpuid(vcpu) || set_sregs(vcpu) || set_regs(vcpu))
		return -1;
	return vmm->opts.irqchip ? set_lapic(vcpu) : 0;
}

/* An OUT of a byte to its port adds to an eventfd, and is not seen by a VMM. */
static int open_event(struct vmm *vmm)
{
	struct kvm_ioeventfd event = {
		.addr = GUEST_EVENT_PORT,
		.len = 1,
		.flags = KVM_IOEVENTFD_FLAG_PIO,
	};

	vmm->event_fd = eventfd(0, EFD_CLOEXEC);
	if (vmm->event_fd < 0)
		return -1;
	event.fd = vmm->event_fd;
	return ioctl(vmm->vm_fd, KVM_IOEVENTFD, &event);
}

static int open_vm(struct vmm *vmm)
{
	struct kvm_userspace_memory_region region = {
		.memory_size = vmm->mem_size,
		.userspace_addr = (uintptr_t)vmm->mem,
	};
	struct kvm_enable_cap pause = {
		.cap = KVM_CAP_X86_DISABLE_EXITS,
		.args = { KVM_X86_DISABLE_EXITS_PAUSE },
	};
	unsigned int i;

	vmm->pid = getpid();
	vmm->kvm_fd = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	if (vmm->kvm_fd < 0)
		return -1;
	vmm->run_size = ioctl(vmm->kvm_fd, KVM_GET_VCPU_MMAP_SIZE, 0);
	/* A signal that comes meanwhile makes KVM_CREATE_VM give up. */
	do {
		vmm->vm_fd = ioctl(vmm->kvm_fd, KVM_CREATE_VM, 0);
	} while (vmm->vm_fd < 0 && errno == EINTR);
	if (vmm->vm_fd < 0)
		return -1;
	fcntl(vmm->vm_fd, F_SETFD, FD_CLOEXEC);
	if (vmm->opts.mode == VMM_GAP && ioctl(vmm->vm_fd, KVM_ENABLE_CAP, &pause))
		return -1;
	if (vmm->opts.irqchip && ioctl(vmm->vm_fd, KVM_CREATE_IRQCHIP, 0))
		return -1;
	if (ioctl(vmm->vm_fd, KVM_SET_USER_MEMORY_REGION, &region))
		return -1;
	if (vmm->opts.mode == VMM_BATCH_EVENT && open_event(vmm))
		return -1;
	for (i = 0; i < vmm->opts.nr_vcpus; i++)
		if (open_vcpu(&vmm->vcpu[i]))
			return -1;
	return 0;
}

static void close_vm(struct vmm *vmm)
{
	unsigned int i;

	for (i = 0; i < vmm->opts.nr_vcpus; i++) {
		struct vmm_vcpu *vcpu = &vmm->vcpu[i];

		if (vcpu->run)
			munmap(vcpu->run, vmm->run_size);
		if (vcpu->fd >= 0)
			close(vcpu->fd);
	}
	if (vmm->event_fd >= 0)
		close(vmm->event_fd);
	if (vmm->vm_fd >= 0)
		close(vmm->vm_fd);
	if (vmm->kvm_fd >= 0)
		close(vmm->kvm_fd);
}

struct vmm *vmm_create(const struct vmm_opts *opts)
{
	struct vmm *vmm = vmm_alloc(opts);
	int err;

	if (!vmm)
		return NULL;
	install_handler();
	if (open_vm(vmm)) {
		err = errno;
		close_vm(vmm);
		vmm_free(vmm);
		errno = err;
		return NULL;
	}
	return vmm;
}

static void fail(struct vmm_vcpu *vcpu, int error)
{
	if (!vcpu->error)
		vcpu->error = error;
}

/* Wait while there is nothing to run, as a VMM's halt loop does. */
static void park(struct vmm_vcpu *vcpu)
{
	struct vmm *vmm = vcpu->vmm;

	vcpu->parked = true;
	wait_for_quit(vmm);
	vcpu->parked = false;
}

static bool handle_exit(struct vmm_vcpu *vcpu)
{
	vcpu->nr_exits++;
	switch (vcpu->run->exit_reason) {
	case KVM_EXIT_IO:
		return true;
	case KVM_EXIT_HLT:
		park(vcpu);
		return true;
	default:
		vcpu->reason = vcpu->run->exit_reason;
		vcpu->detail = vcpu->run->internal.suberror;
		fail(vcpu, EPROTO);
		return false;
	}
}

bool vmm_run_once(struct vmm_vcpu *vcpu)
{
	if (!ioctl(vcpu->fd, KVM_RUN, 0))
		return handle_exit(vcpu);
	if (errno != EINTR) {
		fail(vcpu, errno);
		return false;
	}
	vcpu->eintr_ns = now_ns();
	vcpu->nr_eintr++;
	vcpu->run->immediate_exit = 0;
	return true;
}

void vmm_adopt(struct vmm_vcpu *vcpu)
{
	self = vcpu;
	/* Orders against want: see set_want(). */
	__atomic_store_n(&vcpu->tid, (pid_t)syscall(SYS_gettid), __ATOMIC_SEQ_CST);
}

static void pin(int cpu)
{
	cpu_set_t set;

	if (cpu < 0)
		return;
	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	sched_setaffinity(0, sizeof(set), &set);
}

static void *vcpu_thread(void *arg)
{
	struct vmm_vcpu *vcpu = arg;
	struct vmm *vmm = vcpu->vmm;

	pin(vcpu->cpu);
	vmm_adopt(vcpu);
	while (want(vmm) != VMM_QUIT) {
		if (want(vmm) == VMM_PAUSE)
			futex(&vmm->want, FUTEX_WAIT, VMM_PAUSE);
		else if (!vmm_run_once(vcpu))
			break;
	}
	self = NULL;
	__atomic_store_n(&vcpu->tid, 0, __ATOMIC_RELEASE);
	return NULL;
}

void vmm_start(struct vmm *vmm)
{
	pthread_attr_t attr;
	unsigned int i;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, 64 << 10);
	for (i = 0; i < vmm->opts.nr_vcpus; i++) {
		struct vmm_vcpu *vcpu = &vmm->vcpu[i];
		int err = pthread_create(&vcpu->thread, &attr, vcpu_thread, vcpu);

		if (err)
			fail(vcpu, err);
	}
	pthread_attr_destroy(&attr);
	vmm->started = true;
}

struct vmm *vmm_launch(const struct vmm_opts *opts)
{
	struct vmm *vmm = vmm_create(opts);

	if (vmm)
		vmm_start(vmm);
	return vmm;
}

void vmm_kick(struct vmm_vcpu *vcpu)
{
	pid_t tid = __atomic_load_n(&vcpu->tid, __ATOMIC_SEQ_CST);

	if (tid)
		syscall(SYS_tgkill, vcpu->vmm->pid, tid, VMM_SIGNAL);
}

/*
 * A thread that has not got so far as to say its id cannot be kicked, but it
 * looks at want after that and before it runs the vCPU.
 */
static void set_want(struct vmm *vmm, enum vmm_want value)
{
	unsigned int i;

	__atomic_store_n(&vmm->want, value, __ATOMIC_SEQ_CST);
	futex(&vmm->want, FUTEX_WAKE, INT_MAX);
	if (value == VMM_RUN)
		return;
	for (i = 0; i < vmm->opts.nr_vcpus; i++)
		vmm_kick(&vmm->vcpu[i]);
}

void vmm_pause(struct vmm *vmm)
{
	set_want(vmm, VMM_PAUSE);
}

void vmm_resume(struct vmm *vmm)
{
	set_want(vmm, VMM_RUN);
}

void vmm_stop(struct vmm *vmm)
{
	unsigned int i;

	if (!vmm->started)
		return;
	set_want(vmm, VMM_QUIT);
	for (i = 0; i < vmm->opts.nr_vcpus; i++)
		pthread_join(vmm->vcpu[i].thread, NULL);
	vmm->started = false;
	vmm->want = VMM_RUN;
}

void vmm_destroy(struct vmm *vmm)
{
	if (!vmm)
		return;
	if (vmm->forked) {
		set_want(vmm, VMM_QUIT);
		while (waitpid(vmm->pid, NULL, 0) < 0 && errno == EINTR)
			;
	} else {
		vmm_stop(vmm);
		close_vm(vmm);
	}
	vmm_free(vmm);
}

void vmm_kill(struct vmm *vmm)
{
	kill(vmm->pid, SIGKILL);
	vmm_destroy(vmm);
}

int vmm_interrupt(struct vmm_vcpu *vcpu)
{
	struct kvm_msi msi = {
		.address_lo = GUEST_LAPIC | vcpu->index << 12,
		.data = GUEST_VECTOR,
	};

	return ioctl(vcpu->vmm->vm_fd, KVM_SIGNAL_MSI, &msi) < 0 ? -1 : 0;
}

static void __attribute__((noreturn)) child(struct vmm *vmm, pid_t parent)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1);
	install_handler();
	if (open_vm(vmm))
		_exit(errno);
	vmm_start(vmm);
	wait_for_quit(vmm);
	vmm_stop(vmm);
	/* Exit closes the VM, as the end of most VMMs does. */
	_exit(0);
}

/* True once all threads are there; false when the child has died instead. */
static bool wait_child(struct vmm *vmm)
{
	const struct timespec pause = { .tv_nsec = 1000000 };
	unsigned int i = 0;
	int status;

	while (i < vmm->opts.nr_vcpus) {
		if (__atomic_load_n(&vmm->vcpu[i].tid, __ATOMIC_ACQUIRE)) {
			i++;
			continue;
		}
		if (waitpid(vmm->pid, &status, WNOHANG) == vmm->pid) {
			errno = WIFEXITED(status) ? WEXITSTATUS(status) : EIO;
			return false;
		}
		nanosleep(&pause, NULL);
	}
	return true;
}

struct vmm *vmm_fork(const struct vmm_opts *opts)
{
	struct vmm *vmm = vmm_alloc(opts);
	pid_t parent = getpid();
	pid_t pid;
	int err;

	if (!vmm)
		return NULL;
	vmm->forked = true;
	pid = fork();
	if (!pid)
		child(vmm, parent);
	vmm->pid = pid;
	if (pid < 0 || !wait_child(vmm)) {
		err = errno;
		vmm_free(vmm);
		errno = err;
		return NULL;
	}
	return vmm;
}

static uint64_t clock_ns(clockid_t clock)
{
	struct timespec ts;

	if (clock_gettime(clock, &ts))
		return 0;
	return ts.tv_sec * 1000000000ULL + ts.tv_nsec;
}

uint64_t vmm_cpu_ns(const struct vmm *vmm)
{
	uint64_t sum = 0;
	unsigned int i;

	for (i = 0; i < vmm->opts.nr_vcpus; i++) {
		clockid_t clock;

		if (!pthread_getcpuclockid(vmm->vcpu[i].thread, &clock))
			sum += clock_ns(clock);
	}
	return sum;
}

static double seconds_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec + ts.tv_nsec / 1e9;
}

double vmm_ticks_per_ns(void)
{
	const struct timespec nap = { .tv_nsec = 200000000 };
	double start = seconds_now();
	uint64_t tsc = __rdtsc();

	nanosleep(&nap, NULL);
	tsc = __rdtsc() - tsc;
	return tsc / (seconds_now() - start) / 1e9;
}

bool vmm_tsc_speed(const struct vmm_vcpu *vcpu, unsigned int times)
{
	int khz = ioctl(vcpu->fd, KVM_GET_TSC_KHZ);

	return khz > 0 && !ioctl(vcpu->fd, KVM_SET_TSC_KHZ, khz * times);
}

int64_t vmm_tsc_offset(const struct vmm_vcpu *vcpu)
{
	int64_t offset = 0;
	struct kvm_device_attr attr = {
		.group = KVM_VCPU_TSC_CTRL,
		.attr = KVM_VCPU_TSC_OFFSET,
		.addr = (uintptr_t)&offset,
	};

	ioctl(vcpu->fd, KVM_GET_DEVICE_ATTR, &attr);
	return -offset;
}
