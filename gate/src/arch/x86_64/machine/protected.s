# From 64-bit mode to 32-bit protected mode with paging off, as PVH's and multiboot2's boot protocols
# want it (Intel SDM volume 3, 10.8.5.4). Copied to a page below 4 GiB, where it runs; the page is
# mapped one to one.
#
# %edi = entry point, %esi = what EAX is to hold, %edx = what EBX is to hold.

	.section .text.protected, "ax", @progbits
	.globl	protected_begin
	.globl	protected_end
protected_begin:
	cli
	leaq	protected_gdt(%rip), %rax
	movq	%rax, protected_gdt_base(%rip)
	lgdt	protected_gdt_pointer(%rip)
	leaq	protected_compatibility(%rip), %rax
	pushq	$0x10
	pushq	%rax
	lretq

	.code32
protected_compatibility:
	movl	%edx, %ebp			# rdmsr writes to %edx
	movl	$0x18, %eax
	movl	%eax, %ds
	movl	%eax, %es
	movl	%eax, %ss
	movl	%eax, %fs
	movl	%eax, %gs
	movl	%cr0, %eax
	andl	$0x7fffffff, %eax		# PG off: long mode is left
	movl	%eax, %cr0
	movl	$0xc0000080, %ecx		# EFER
	rdmsr
	andl	$~0x100, %eax			# LME off
	wrmsr
	movl	$0x11, %eax			# only PE and ET stay on
	movl	%eax, %cr0
	xorl	%eax, %eax
	movl	%eax, %cr4
	movl	%esi, %eax
	movl	%ebp, %ebx
	jmp	*%edi
	.code64

	.balign	8
protected_gdt:
	.quad	0
	.quad	0
	.quad	0x00cf9b000000ffff		# 0x10: 32-bit code, flat
	.quad	0x00cf93000000ffff		# 0x18: data, flat
protected_gdt_pointer:
	.word	protected_gdt_pointer - protected_gdt - 1
protected_gdt_base:
	.quad	0
protected_end:
