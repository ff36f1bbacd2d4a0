/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the guests of the tiny VMM do: 64-bit code without a stack frame or an
 * absolute address, copied to GUEST_CODE in guest memory. It starts with
 *
 *	%rdi	this vCPU's struct guest_area
 *	%rsi	the gap threshold in TSC ticks, or the length of a batch
 *	%rdx	first byte to touch
 *	%rcx	number of bytes to touch
 *	%rsp	a stack, for interrupts
 */
#include "guest.h"

	.section .rodata
	.balign	16
	.globl	guest_begin, guest_end, guest_irq, guest_park
	.globl	guest_spin, guest_gap, guest_out, guest_cpuid, guest_hlt
	.globl	guest_touch, guest_mix, guest_batch, guest_batch_out, guest_batch_event
	.globl	guest_count, guest_clock
guest_begin:

/* Never exits by itself. */
guest_spin:
	incq	GA_WORK(%rdi)
	jmp	guest_spin

/*
 * Reads the TSC again and again. Two reads that lie further apart than the
 * threshold are a gap: the vCPU was not running. Begin and end go to the ring.
 * PAUSE, where it is no exit, is where QEMU passes on to another CPU.
 */
guest_gap:
	leaq	GUEST_RING(%rdi), %r10
	rdtsc
	shlq	$32, %rdx
	orq	%rdx, %rax
	movq	%rax, %r8
	movq	%rax, GA_FIRST(%rdi)
1:	rdtsc
	shlq	$32, %rdx
	orq	%rdx, %rax
	movq	%rax, GA_LAST(%rdi)
	movq	%rax, %r9
	subq	%r8, %r9
	cmpq	%rsi, %r9
	ja	2f
	movq	%rax, %r8
	incq	GA_WORK(%rdi)
	pause
	jmp	1b
2:	addq	%r9, GA_LOST(%rdi)
	cmpq	GA_LONGEST(%rdi), %r9
	jbe	3f
	movq	%r9, GA_LONGEST(%rdi)
3:	movq	GA_NR_GAPS(%rdi), %r11
	andl	$(GUEST_RING_LEN - 1), %r11d
	shlq	$4, %r11
	movq	%r8, (%r10, %r11)
	movq	%rax, 8(%r10, %r11)
	incq	GA_NR_GAPS(%rdi)
	movq	%rax, %r8
	jmp	1b

/* An exit to user space each time round. */
guest_out:
	xorl	%eax, %eax
1:	outb	%al, $GUEST_PORT
	incq	GA_WORK(%rdi)
	jmp	1b

/* An exit that the kernel handles each time round. */
guest_cpuid:
	xorl	%eax, %eax
	xorl	%ecx, %ecx
	cpuid
	incq	GA_WORK(%rdi)
	jmp	guest_cpuid

/* Puts its TSC forward, by 2^36, all the time. */
guest_clock:
	movl	$0x10, %ecx
1:	rdtsc
	addl	$0x10, %edx
	wrmsr
	incq	GA_WORK(%rdi)
	jmp	1b

/* Sleeps until an interrupt comes. */
guest_hlt:
	sti
	hlt
	incq	GA_WORK(%rdi)
	jmp	guest_hlt

/* Writes to one byte of each page in turn. */
guest_touch:
	movq	%rdx, %r8
	leaq	(%rdx, %rcx), %r9
1:	incb	(%r8)
	incq	GA_WORK(%rdi)
	addq	$4096, %r8
	cmpq	%r9, %r8
	jb	1b
	jmp	guest_touch

/* Some of everything. */
guest_mix:
	movq	%rdx, %r8
	movq	%rdx, %r12
	leaq	(%rdx, %rcx), %r9
1:	movl	$5000, %r10d
2:	decl	%r10d
	jnz	2b
	xorl	%eax, %eax
	xorl	%ecx, %ecx
	cpuid
	incb	(%r8)
	addq	$4096, %r8
	cmpq	%r9, %r8
	jb	3f
	movq	%r12, %r8
3:	xorl	%eax, %eax
	outb	%al, $GUEST_PORT
	incq	GA_WORK(%rdi)
	jmp	1b

/*
 * Times a batch of exits, says how long it took, and asks for the next. What is
 * between the two macros makes one exit, and may change %rax to %rdx.
 */
	.macro	begin_batch
	rdtsc
	shlq	$32, %rdx
	orq	%rdx, %rax
	movq	%rax, %r8
	movq	%rsi, %r10
1:	xorl	%eax, %eax
	.endm

	.macro	end_batch again
	decq	%r10
	jnz	1b
	rdtsc
	shlq	$32, %rdx
	orq	%rdx, %rax
	subq	%r8, %rax
	movq	%rax, GA_RESULT(%rdi)
	incq	GA_WORK(%rdi)
	xorl	%eax, %eax
	outb	%al, $GUEST_PORT
	jmp	\again
	.endm

guest_batch:
	begin_batch
	xorl	%ecx, %ecx
	cpuid
	end_batch guest_batch

/*
 * The same with OUT to user space. An exit that the kernel handles comes first:
 * kvmgov gets to know a vCPU between such an exit and the next entry.
 */
guest_batch_out:
	xorl	%eax, %eax
	xorl	%ecx, %ecx
	cpuid
	begin_batch
	outb	%al, $GUEST_PORT
	end_batch guest_batch_out

/* The same with OUT to what the kernel has at a port. */
guest_batch_event:
	begin_batch
	outb	%al, $GUEST_EVENT_PORT
	end_batch guest_batch_event

/*
 * Exits to user space until told to begin by GA_RESULT; then as many exits of
 * each kind as %rsi says: CPUID, RDMSR, OUT, a write to the first pages to touch,
 * HLT; and then again.
 */
guest_count:
	movq	%rdx, %r8
	movq	%rsi, %r9
1:	xorl	%eax, %eax
	outb	%al, $GUEST_PORT
	incq	GA_WORK(%rdi)
	cmpq	$0, GA_RESULT(%rdi)
	je	1b
	movq	$0, GA_RESULT(%rdi)
	movq	%r9, %r10
2:	xorl	%eax, %eax
	xorl	%ecx, %ecx
	cpuid
	decq	%r10
	jnz	2b
	movq	%r9, %r10
	movl	$0x8b, %ecx
3:	rdmsr
	decq	%r10
	jnz	3b
	movq	%r9, %r10
	xorl	%eax, %eax
4:	outb	%al, $GUEST_PORT
	decq	%r10
	jnz	4b
	movq	%r9, %r10
5:	incb	(%r8)
	addq	$4096, %r8
	decq	%r10
	jnz	5b
	movq	%r9, %r10
6:	hlt
	decq	%r10
	jnz	6b
	jmp	1b

/* The handler of GUEST_VECTOR: tells the local APIC and goes on. */
guest_irq:
	pushq	%rax
	movl	$(GUEST_LAPIC + 0xb0), %eax
	movl	$0, (%rax)
	popq	%rax
	iretq

/* Stays out of the way for ever. */
guest_park:
	cli
	hlt
	jmp	guest_park
guest_end:

	.section .note.GNU-stack, "", @progbits
