/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A hypervisor of a few lines and its guests, for vCPUs that are virtual
 * machines' hosts themselves. Copied as a whole; it starts with
 *
 *	%rdi	this vCPU's struct guest_area, the host's
 *	%rsi	physical address of the VMCB; its other page is the save area
 */
#include "guest.h"

#define MSR_VM_HSAVE_PA	0xc0010117
#define VMCB_EXITCODE	0x070
#define VMCB_RIP	0x578
#define EXIT_CPUID	0x72
#define CPUID_LEN	2

	.section .rodata
	.balign	16
	.globl	nested_begin, nested_end
	.globl	nested_host, nested_cpuid, nested_spin
nested_begin:

/* Enters its guest again and again; only CPUID is expected to leave it. */
nested_host:
	movl	$MSR_VM_HSAVE_PA, %ecx
	leaq	0x1000(%rsi), %rax
	xorl	%edx, %edx
	wrmsr
1:	movq	%rsi, %rax
	vmrun
	cmpq	$EXIT_CPUID, VMCB_EXITCODE(%rsi)
	jne	2f
	addq	$CPUID_LEN, VMCB_RIP(%rsi)
	incq	GA_WORK(%rdi)
	jmp	1b
/* Anything else: say what it was, and stop. */
2:	movq	VMCB_EXITCODE(%rsi), %rax
	movq	%rax, GA_RESULT(%rdi)
	hlt
	jmp	2b

/*
 * The guests. VMRUN leaves all registers but %rax and %rsp as they are: %rdi
 * is the host's.
 */
nested_cpuid:
	xorl	%eax, %eax
	xorl	%ecx, %ecx
	cpuid
	incq	GA_LAST(%rdi)
	jmp	nested_cpuid

nested_spin:
	incq	GA_LAST(%rdi)
	jmp	nested_spin
nested_end:

	.section .note.GNU-stack, "", @progbits
