# Where the old kernel's purgatory jumps to: 64-bit mode, paging on with RAM mapped one to one,
# interrupts off, %rsi = physical address of boot_params (Documentation/arch/x86/boot.rst).

	.section .gate.entry, "ax", @progbits
	.globl	gate_entry
gate_entry:
	cli
	cld
	movq	%rsi, %rbx

	# What is written to lies after the image; kexec need not have cleared it.
	leaq	__bss_start(%rip), %rdi
	leaq	__bss_end(%rip), %rcx
	subq	%rdi, %rcx
	shrq	$3, %rcx
	xorl	%eax, %eax
	rep stosq
	leaq	__stack_top(%rip), %rsp

	# Self-relocation by the table that DT_RELR has (System V gABI, "Relative relocations"; the
	# build checks that there is no other). An even entry is an offset in the image, where the
	# bias is added; an odd one a bitmap of those among the next 63 words where it is, too.
	leaq	__image_start(%rip), %r8
	leaq	__relr_start(%rip), %rsi
	leaq	__relr_end(%rip), %rdi
1:	cmpq	%rdi, %rsi
	jae	5f
	lodsq
	testb	$1, %al
	jnz	2f
	leaq	(%r8,%rax), %rcx
	addq	%r8, (%rcx)
	addq	$8, %rcx
	jmp	1b
2:	leaq	63*8(%rcx), %rdx
3:	shrq	$1, %rax
	testb	$1, %al
	jz	4f
	addq	%r8, (%rcx)
4:	addq	$8, %rcx
	cmpq	%rdx, %rcx
	jb	3b
	jmp	1b
5:
	# kexec hands over with SSE off; compiled code needs it. The second and third arguments
	# of gate_start are the control registers to restore before the next kernel is entered.
	movq	%cr0, %rsi
	movq	%cr4, %rdx
	movq	%rsi, %rax
	andq	$~0x0c, %rax			# EM, TS off
	orq	$0x22, %rax			# MP, NE on
	movq	%rax, %cr0
	movq	%rdx, %rax
	orq	$0x600, %rax			# OSFXSR, OSXMMEXCPT on
	movq	%rax, %cr4
	fninit

	movq	%rbx, %rdi
	xorl	%ebp, %ebp
	call	gate_start
	ud2

# Firmware that is asked to start the gate gets EFI_UNSUPPORTED: there is no kernel before it.
	.globl	efi_entry
efi_entry:
	movabsq	$0x8000000000000003, %rax
	ret

# Exceptions: one 16-byte stub per vector, so that each knows its number. The processor pushes
# an error code for some of them (Intel SDM volume 3, table 7-1); the others push a zero.
	.balign	16
	.globl	fault_stubs
fault_stubs:
	.set	vector, 0
	.rept	32
	.balign	16
	.if	!(vector == 8 || (vector >= 10 && vector <= 14) || vector == 17 || vector == 21 || vector == 29 || vector == 30)
	pushq	$0
	.endif
	pushq	$vector
	jmp	fault_common
	.set	vector, vector + 1
	.endr

fault_common:
	movq	%rsp, %rdi
	movq	%cr2, %rsi
	andq	$~15, %rsp
	cld
	call	gate_fault
	ud2

# A stray NMI (a watchdog, say) must not cost a crash dump.
	.balign	16
	.globl	ignore_interrupt
ignore_interrupt:
	iretq
