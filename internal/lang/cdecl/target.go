package cdecl

import (
	"fmt"
	"strings"
)

// triplet is how Debian and its kin call an architecture's directories.
func triplet(arch string) string {
	return machine(arch) + "-linux-gnu"
}

// machine is the processor as uname and GNU call it.
func machine(arch string) string {
	switch arch {
	case "amd64":
		return "x86_64"
	case "arm64":
		return "aarch64"
	case "ppc64le":
		return "powerpc64le"
	}
	return arch
}

// kernelArch is the architecture's folder in the kernel's source.
func kernelArch(arch string) string {
	switch arch {
	case "amd64", "386":
		return "x86"
	case "ppc64le":
		return "powerpc"
	case "riscv64":
		return "riscv"
	case "s390x":
		return "s390"
	}
	return arch
}

// predefined is what a compiler has defined before the first line. The name of the source
// must be predefinedName: the front end allows only it to set some of them.
func predefined(opt *Options) string {
	var b strings.Builder
	define := func(list string) {
		for line := range strings.SplitSeq(strings.TrimSpace(list), "\n") {
			fmt.Fprintf(&b, "#define %s\n", line)
		}
	}
	define(commonMacros)
	switch opt.Arch {
	case "amd64":
		define("__x86_64__ 1\n__x86_64 1\n__amd64__ 1\n__amd64 1\n__SIZEOF_INT128__ 16")
	case "arm64":
		define("__aarch64__ 1\n__AARCH64EL__ 1\n__ARM_64BIT_STATE 1\n__CHAR_UNSIGNED__ 1\n__SIZEOF_INT128__ 16")
	case "riscv64":
		define("__riscv 1\n__riscv_xlen 64\n__CHAR_UNSIGNED__ 1")
	case "ppc64le":
		define("__powerpc64__ 1\n__PPC64__ 1\n_CALL_ELF 2\n__CHAR_UNSIGNED__ 1")
	case "s390x":
		define("__s390x__ 1\n__s390__ 1\n__CHAR_UNSIGNED__ 1")
	case "loong64":
		define("__loongarch__ 1\n__loongarch_grlen 64")
	}
	order := "__ORDER_LITTLE_ENDIAN__"
	if opt.Arch == "s390x" {
		order = "__ORDER_BIG_ENDIAN__"
	}
	define("__BYTE_ORDER__ " + order)
	for word := range strings.FieldsSeq(annotations) {
		define(word)
	}
	define(attributes)
	if opt.bodies {
		b.WriteString(programText)
	}
	b.WriteString("typedef void *__builtin_va_list;\nint __predefined_declarator;\n")
	return b.String()
}

const predefinedName = "<predefined>"

// commonMacros are those of gcc on 64-bit Linux. The version is one whose headers' demands
// the front end meets.
const commonMacros = `
__STDC__ 1
__STDC_VERSION__ 201710L
__STDC_HOSTED__ 1
__GNUC__ 12
__GNUC_MINOR__ 2
__GNUC_PATCHLEVEL__ 0
__linux__ 1
__linux 1
__unix__ 1
__unix 1
__gnu_linux__ 1
__ELF__ 1
__LP64__ 1
_LP64 1
__CHAR_BIT__ 8
__SIZEOF_SHORT__ 2
__SIZEOF_INT__ 4
__SIZEOF_LONG__ 8
__SIZEOF_LONG_LONG__ 8
__SIZEOF_POINTER__ 8
__SIZEOF_SIZE_T__ 8
__SIZEOF_PTRDIFF_T__ 8
__SIZEOF_WCHAR_T__ 4
__SIZEOF_FLOAT__ 4
__SIZEOF_DOUBLE__ 8
__SIZEOF_LONG_DOUBLE__ 16
__SIZE_TYPE__ unsigned long
__PTRDIFF_TYPE__ long
__INTPTR_TYPE__ long
__UINTPTR_TYPE__ unsigned long
__INTMAX_TYPE__ long
__UINTMAX_TYPE__ unsigned long
__WCHAR_TYPE__ int
__WINT_TYPE__ unsigned int
__CHAR16_TYPE__ unsigned short
__CHAR32_TYPE__ unsigned int
__INT8_TYPE__ signed char
__INT16_TYPE__ short
__INT32_TYPE__ int
__INT64_TYPE__ long
__UINT8_TYPE__ unsigned char
__UINT16_TYPE__ unsigned short
__UINT32_TYPE__ unsigned int
__UINT64_TYPE__ unsigned long
__SCHAR_MAX__ 0x7f
__SHRT_MAX__ 0x7fff
__INT_MAX__ 0x7fffffff
__LONG_MAX__ 0x7fffffffffffffffL
__LONG_LONG_MAX__ 0x7fffffffffffffffLL
__INTMAX_MAX__ 0x7fffffffffffffffL
__SIZE_MAX__ 0xffffffffffffffffUL
__WCHAR_MAX__ 0x7fffffff
__ORDER_LITTLE_ENDIAN__ 1234
__ORDER_BIG_ENDIAN__ 4321
__extension__
__builtin_va_arg(ap, type) (*(type *)(ap))
__builtin_offsetof(type, member) ((unsigned long)&((type *)0)->member)
`

// annotations are the kernel's, which its headers define without a body, and which
// definitions copied from there still have. None is a name in the C library's headers.
const annotations = `__user __kernel __rcu __percpu __iomem __force __bitwise __must_check
	__maybe_unused __randomize_layout __no_randomize_layout __designated_init __nonstring
	____cacheline_aligned ____cacheline_aligned_in_smp __private
	__cold __hot __counted_by(m) __counted_by_le(m) __counted_by_be(m)`

// attributes are the kernel's names of some.
const attributes = `
__packed __attribute__((packed))
__aligned(n) __attribute__((aligned(n)))
__always_inline inline
noinline
`

// ownHeaders are those that C says belong to the compiler.
var ownHeaders = map[string]string{
	"stddef.h": `#ifndef __STDDEF_H
#define __STDDEF_H
typedef __SIZE_TYPE__ size_t;
typedef __PTRDIFF_TYPE__ ptrdiff_t;
typedef __WCHAR_TYPE__ wchar_t;
typedef struct { long long __a; long double __b; } max_align_t;
#undef NULL
#define NULL ((void *)0)
#define offsetof(type, member) __builtin_offsetof(type, member)
#endif
#ifdef __need_wint_t
typedef __WINT_TYPE__ wint_t;
#endif
`,
	"stdarg.h": `#ifndef __STDARG_H
#define __STDARG_H
typedef __builtin_va_list __gnuc_va_list;
typedef __builtin_va_list va_list;
#define va_start(ap, last) ((void)0)
#define va_end(ap) ((void)0)
#define va_arg(ap, type) __builtin_va_arg(ap, type)
#define va_copy(to, from) ((void)0)
#endif
`,
	"stdbool.h": `#ifndef __bool_true_false_are_defined
#define __bool_true_false_are_defined 1
typedef _Bool bool;
#endif
`,
	"stdint.h": stdint,
	libcStdint: "#include <features.h>\n#include <stdint.h>\n",
	"limits.h": `#ifndef __LIMITS_H
#define __LIMITS_H
#define CHAR_BIT 8
#define SCHAR_MIN (-128)
#define SCHAR_MAX 127
#define UCHAR_MAX 255
#define CHAR_MIN (-128)
#define CHAR_MAX 127
#define SHRT_MIN (-32768)
#define SHRT_MAX 32767
#define USHRT_MAX 65535
#define INT_MIN (-2147483647 - 1)
#define INT_MAX 2147483647
#define UINT_MAX 4294967295U
#define LONG_MIN (-9223372036854775807L - 1L)
#define LONG_MAX 9223372036854775807L
#define ULONG_MAX 18446744073709551615UL
#define LLONG_MIN LONG_MIN
#define LLONG_MAX LONG_MAX
#define ULLONG_MAX ULONG_MAX
#define NAME_MAX 255
#define PATH_MAX 4096
#define IOV_MAX 1024
#endif
`,
	"float.h":  "",
	"iso646.h": "",
}

// libcStdint is what the C library's headers get for stdint.h: they rely on its bringing the C
// library's own macros, which take longer to read than all else that a script may ask
// for. It has as many letters, so that nothing moves in these headers.
const libcStdint = "stdInt.h"

// stdint is stdint.h; its names are those of the standard.
const stdint = `#ifndef _STDINT_H
#define _STDINT_H 1
typedef signed char int8_t;
typedef short int16_t;
typedef int int32_t;
typedef long int64_t;
typedef unsigned char uint8_t;
typedef unsigned short uint16_t;
typedef unsigned int uint32_t;
typedef unsigned long uint64_t;
typedef signed char int_least8_t;
typedef short int_least16_t;
typedef int int_least32_t;
typedef long int_least64_t;
typedef unsigned char uint_least8_t;
typedef unsigned short uint_least16_t;
typedef unsigned int uint_least32_t;
typedef unsigned long uint_least64_t;
typedef signed char int_fast8_t;
typedef long int_fast16_t;
typedef long int_fast32_t;
typedef long int_fast64_t;
typedef unsigned char uint_fast8_t;
typedef unsigned long uint_fast16_t;
typedef unsigned long uint_fast32_t;
typedef unsigned long uint_fast64_t;
typedef long intptr_t;
typedef unsigned long uintptr_t;
typedef long intmax_t;
typedef unsigned long uintmax_t;
#define INT8_MIN (-128)
#define INT8_MAX 127
#define UINT8_MAX 255
#define INT16_MIN (-32768)
#define INT16_MAX 32767
#define UINT16_MAX 65535
#define INT32_MIN (-2147483647 - 1)
#define INT32_MAX 2147483647
#define UINT32_MAX 4294967295U
#define INT64_MIN (-9223372036854775807L - 1L)
#define INT64_MAX 9223372036854775807L
#define UINT64_MAX 18446744073709551615UL
#define SIZE_MAX UINT64_MAX
#define INTPTR_MAX INT64_MAX
#define UINTPTR_MAX UINT64_MAX
#define INT64_C(c) c ## L
#define UINT64_C(c) c ## UL
#define INT32_C(c) c
#define UINT32_C(c) c ## U
#endif
`
