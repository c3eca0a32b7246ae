# The image's header page: a DOS stub pointing at a PE header, and the Linux setup_header,
# at the offsets that firmware tools and kexec_file_load look at.
#
# PE: Microsoft PE/COFF specification. setup_header: Documentation/arch/x86/boot.rst.
# There is room for six section headers before the setup_header at 0x1f1; the stub uses two,
# so that four (.keys, .policy, .sbat, .dbx) can be added to the prebuilt image.

	.section .gate.header, "a", @progbits
header:
	.ascii	"MZ"
	.org	0x3c
	.long	pe - header			# e_lfanew

	.org	0x40
pe:	.ascii	"PE\0\0"
	.word	0x8664				# Machine: x86-64
	.word	2				# NumberOfSections
	.long	0				# TimeDateStamp: none, for reproducible bytes
	.long	0				# PointerToSymbolTable
	.long	0				# NumberOfSymbols
	.word	optional_end - optional		# SizeOfOptionalHeader: 112 + 8 * 6
	.word	0x0206				# executable, line numbers and debug info stripped

optional:
	.word	0x20b				# PE32+
	.byte	0, 0				# linker version
	.long	gate_text_size			# SizeOfCode
	.long	gate_data_size			# SizeOfInitializedData
	.long	0				# SizeOfUninitializedData
	.long	efi_entry_address		# AddressOfEntryPoint: says "unsupported" to firmware
	.long	0x1000				# BaseOfCode
	.quad	0				# ImageBase
	.long	0x1000				# SectionAlignment
	.long	0x1000				# FileAlignment: file offset == virtual address
	.word	0, 0				# operating system version
	.word	0, 1				# image version
	.word	0, 0				# subsystem version
	.long	0				# Win32VersionValue
	.long	gate_stub_length		# SizeOfImage: .bss belongs to kexec's init_size only
	.long	0x1000				# SizeOfHeaders
	.long	0				# CheckSum
	.word	10				# Subsystem: EFI application
	.word	0x0100				# DllCharacteristics: NX compatible
	.quad	0, 0, 0, 0			# stack and heap reserve and commit
	.long	0				# LoaderFlags
	.long	6				# NumberOfRvaAndSizes
	.quad	0, 0, 0, 0, 0, 0		# the fifth is the certificate table
optional_end:

	.ascii	".text\0\0\0"
	.long	gate_text_size, 0x1000		# VirtualSize, VirtualAddress
	.long	gate_text_size, 0x1000		# SizeOfRawData, PointerToRawData
	.long	0, 0
	.word	0, 0
	.long	0x60000020			# code, execute, read

	.ascii	".data\0\0\0"
	.long	gate_data_size, gate_data_address
	.long	gate_data_size, gate_data_address
	.long	0, 0
	.word	0, 0
	.long	0xc0000040			# initialized data, read, write

	.org	0x1f1
	.byte	7				# setup_sects: the code begins at (7 + 1) * 512
	.word	0				# root_flags
	.long	gate_syssize			# syssize, in 16-byte paragraphs
	.word	0				# ram_size
	.word	0xffff				# vid_mode: normal
	.word	0				# root_dev
	.word	0xaa55				# boot_flag
	.byte	0xeb, 0x66			# jump: its second byte gives the header's end, 0x268
	.ascii	"HdrS"
	.word	0x020f				# boot protocol 2.15
	.long	0				# realmode_swtch
	.word	0				# start_sys_seg
	.word	0				# kernel_version: no string
	.byte	0				# type_of_loader
	.byte	0x01				# loadflags: LOADED_HIGH
	.word	0				# setup_move_size
	.long	0				# code32_start
	.long	0				# ramdisk_image
	.long	0				# ramdisk_size
	.long	0				# bootsect_kludge
	.word	0				# heap_end_ptr
	.byte	0				# ext_loader_ver
	.byte	0				# ext_loader_type
	.long	0				# cmd_line_ptr
	.long	0x7fffffff			# initrd_addr_max
	.long	0x1000				# kernel_alignment
	.byte	1				# relocatable_kernel
	.byte	12				# min_alignment: 4 KiB
	.word	0x63				# xloadflags: KERNEL_64, CAN_BE_LOADED_ABOVE_4G, 5LEVEL, 5LEVEL_ENABLED
	.long	0x1000				# cmdline_size: twice what Linux takes; the next kernel's own limit is checked
	.long	0				# hardware_subarch
	.quad	0				# hardware_subarch_data
	.long	0				# payload_offset
	.long	0				# payload_length
	.quad	0				# setup_data
	.quad	0x1000000			# pref_address: kexec never loads below it
	.long	gate_init_size			# init_size: up to the end of .bss
	.long	0				# handover_offset: no EFI handover protocol
	.org	0x268				# fails to assemble if the header is longer than its jump says
	.org	0x1000

# The gate info block, which `baton gate build` patches (formats::gate_image has its layout).
	.section .gate.info, "a", @progbits
	.globl	gate_info
gate_info:
	.ascii	"BATONGAT"
	.long	2				# version
	.long	gate_stub_length
	.quad	0				# .keys: file offset and length
	.quad	0				# .policy
	.quad	0				# .sbat
	.quad	0				# .dbx
	.long	gate_limit
	.long	gate_left_out			# the formats that this gate is built without
	.org	0x200
