# A program with static probes whose arguments are everywhere that amd64 has places for them,
# and functions with names as compilers of C++ and of Rust make them.
# It passes each probe once; "seen" only while its semaphore is up, and "twice" at two
# places with different registers.
#
# Built with: gcc -nostdlib -static -o usdt usdt.s

# probe puts a nop here and its note into .note.stapsdt (struct as sys/sdt.h makes it).
	.macro	probe name, args, sem=0
990:	nop
	.pushsection .note.stapsdt, "", "note"
	.balign	4
	.4byte	992f - 991f, 994f - 993f, 3
991:	.asciz	"stapsdt"
992:	.balign	4
993:	.8byte	990b, 0, \sem
	.asciz	"skep"
	.asciz	"\name"
	.asciz	"\args"
994:	.balign	4
	.popsection
	.endm

	.data
counter:	.4byte	-5, 77
	.balign	8
table:	.8byte	100, 200, 300
text:	.asciz	"hello"

	.section .probes, "aw", @progbits
armed:	.2byte	0

	.text
	.globl	_start
_start:
	# A program of the kernel reads only pages that are there.
	mov	text(%rip), %al
	movabs	$0x8877665544332211, %rax
	movabs	$0xfffefdfcfbfaf9f8, %r13
	probe	wide, "8@%rax -8@%r13"
	probe	narrow, "4@%eax -4@%r13d 2@%ax -2@%r13w 1@%al 1@%ah -1@%r13b"
	probe	constants, "8@$-16 -4@$2147483647 1@$-1 -1@$255 8@$table"
	lea	text(%rip), %rdi
	lea	table(%rip), %rsi
	mov	$2, %rcx
	push	$9
	probe	memory, "8@(%rsi) 8@8(%rsi) 8@(%rsi,%rcx,8) 8@-8(%rsi,%rcx,8) 4@(%rsp) 8@%rdi"
	probe	symbols, "-4@counter(%rip) 4@counter+4(%rip) 8@table+8 8@table(,%rcx,8)"
	probe	floats, "8f@%xmm0 4@$3"
	mov	$1, %rbx
	probe	twice, "8@%rbx"
	mov	$2, %rdx
	probe	twice, "4@%edx"
	cmpw	$0, armed(%rip)
	je	1f
	movzwl	armed(%rip), %eax
	probe	seen, "2@%ax", armed
1:	call	_ZN4skep4workEi
	mov	$60, %eax
	xor	%edi, %edi
	syscall

# skep::work(int), of C++, calls skep::Hive<u8>::work, of Rust, which calls a last one with a
# name of Rust's older kind.
	.globl	_ZN4skep4workEi
	.type	_ZN4skep4workEi, @function
_ZN4skep4workEi:
	push	%rbp
	mov	%rsp, %rbp
	call	_RNvMNtC4skep4hiveINtB2_4HivehE4work
	pop	%rbp
	ret
	.size	_ZN4skep4workEi, . - _ZN4skep4workEi

	.globl	_RNvMNtC4skep4hiveINtB2_4HivehE4work
	.type	_RNvMNtC4skep4hiveINtB2_4HivehE4work, @function
_RNvMNtC4skep4hiveINtB2_4HivehE4work:
	push	%rbp
	mov	%rsp, %rbp
	call	_ZN4skep3bee4work17h0123456789abcdefE
	pop	%rbp
	ret
	.size	_RNvMNtC4skep4hiveINtB2_4HivehE4work, . - _RNvMNtC4skep4hiveINtB2_4HivehE4work

	.globl	_ZN4skep3bee4work17h0123456789abcdefE
	.type	_ZN4skep3bee4work17h0123456789abcdefE, @function
_ZN4skep3bee4work17h0123456789abcdefE:
	push	%rbp
	mov	%rsp, %rbp
	pop	%rbp
	ret
	.size	_ZN4skep3bee4work17h0123456789abcdefE, . - _ZN4skep3bee4work17h0123456789abcdefE
