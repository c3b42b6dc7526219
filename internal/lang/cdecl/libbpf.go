package cdecl

import (
	"fmt"
	"strings"

	"github.com/skep-bpf/skep/internal/bpf/helper"
)

// programHeader is the text of a header that BPF programs written in C include: what libbpf and
// the compiler give them elsewhere, made of our own tables. ok is false for those that are the
// same for scripts.
func programHeader(name string, opt *Options) (text string, ok bool) {
	switch name {
	case "bpf/bpf_helpers.h":
		return "#pragma once\n#include \"bpf_helper_defs.h\"\n" + helperMacros, true
	case "bpf/bpf_helper_defs.h":
		return helperDefs(), true
	case "bpf/bpf_core_read.h":
		return coreReadHeader(), true
	case "bpf/bpf_endian.h":
		return endianHeader, true
	case "bpf/bpf_tracing.h":
		return tracingHeader(opt.Arch), true
	case "stdbool.h":
		return "#define bool _Bool\n#define true 1\n#define false 0\n#define __bool_true_false_are_defined 1\n", true
	case "string.h":
		return stringHeader, true
	}
	return "", false
}

// fieldExists is what bpf_core_field_exists() becomes.
const fieldExists = "__builtin_skep_field_exists"

// helperMacros are those of <bpf/bpf_helpers.h>.
const helperMacros = `
#define __uint(name, val) int (*name)[val]
#define __type(name, val) __typeof__(val) *name
#define __array(name, val) __typeof__(val) *name[]
#define SEC(name) __attribute__((section(name), used))
#undef noinline
#undef __always_inline
#define __always_inline inline __attribute__((always_inline))
#define __noinline __attribute__((noinline))
#define __weak __attribute__((weak))
#define __hidden __attribute__((visibility("hidden")))
#define __ksym __attribute__((section(".ksyms")))
#define __kconfig __attribute__((section(".kconfig")))
#define __kptr
#define __arg_ctx
#define __arg_nonnull
#define __arg_nullable
#define __arg_trusted
#ifndef NULL
#define NULL ((void *)0)
#endif
#ifndef offsetof
#define offsetof(type, member) __builtin_offsetof(type, member)
#endif
#define container_of(ptr, type, member) ((type *)((char *)(ptr) - offsetof(type, member)))
#define KERNEL_VERSION(a, b, c) (((a) << 16) + ((b) << 8) + ((c) > 255 ? 255 : (c)))
#define barrier() asm volatile("")
#define barrier_var(var) asm volatile("")
#define __bpf_unreachable() __builtin_trap()
#define bpf_ksym_exists(sym) (!!sym)
#define __skep_13th(a, b, c, d, e, f, g, h, i, j, k, l, m, ...) m
#define __skep_few(fmt, ...) ({ static const char __skep_fmt[] = fmt; bpf_trace_printk(__skep_fmt, sizeof(__skep_fmt), ##__VA_ARGS__); })
#define __skep_many(fmt, ...) ({ static const char __skep_fmt[] = fmt; unsigned long long __skep_args[] = { __VA_ARGS__ }; bpf_trace_vprintk(__skep_fmt, sizeof(__skep_fmt), __skep_args, sizeof(__skep_args)); })
#define bpf_printk(fmt, ...) __skep_13th(fmt, ##__VA_ARGS__, __skep_many, __skep_many, __skep_many, __skep_many, __skep_many, __skep_many, __skep_many, __skep_many, __skep_few, __skep_few, __skep_few, __skep_few)(fmt, ##__VA_ARGS__)
#define bpf_for(i, start, end) for (int i = (start), __skep_end = (end); i < __skep_end; i++)
#define bpf_repeat(n) for (int __skep_i = 0, __skep_end = (n); __skep_i < __skep_end; __skep_i++)
`

// typedResults are the helpers whose result has a type in C that its row doesn't tell.
var typedResults = map[string]string{
	"get_current_task_btf": "struct task_struct *",
	"task_pt_regs":         "long",
	"skc_to_tcp_sock":      "struct tcp_sock *", "skc_to_tcp6_sock": "struct tcp6_sock *",
	"skc_to_udp6_sock": "struct udp6_sock *", "skc_to_unix_sock": "struct unix_sock *",
	"skc_to_tcp_timewait_sock": "struct tcp_timewait_sock *", "skc_to_tcp_request_sock": "struct tcp_request_sock *",
}

// helperDefs declares the helpers, each as its row says.
func helperDefs() string {
	var b strings.Builder
	b.WriteString("#pragma once\n")
	for _, h := range helper.All() {
		if h.Name == "trace_printk" {
			b.WriteString("extern long bpf_trace_printk(const char *fmt, unsigned int fmt_size, ...);\n")
			continue
		}
		var params []string
		for i := range h.Args.Len() {
			params = append(params, helperParam(h.Args[i]))
		}
		if len(params) == 0 {
			params = []string{"void"}
		}
		result := typedResults[h.Name]
		if result == "" {
			result = helperResult(h.Result)
		}
		fmt.Fprintf(&b, "extern %s bpf_%s(%s);\n", result, h.Name, strings.Join(params, ", "))
	}
	return b.String()
}

func helperParam(a helper.Arg) string {
	switch a {
	case helper.ArgScalar:
		return "unsigned long long"
	case helper.ArgSize:
		return "unsigned int"
	case helper.ArgValueOut, helper.ArgMemOut, helper.ArgFill, helper.ArgOut, helper.ArgMap, helper.ArgFunc, helper.ArgCtx, helper.ArgPtr:
		return "void *"
	}
	return "const void *"
}

func helperResult(r helper.Result) string {
	switch r {
	case helper.Void:
		return "void"
	case helper.Int, helper.Int32:
		return "long"
	case helper.U32:
		return "unsigned int"
	case helper.U64:
		return "unsigned long long"
	}
	return "void *"
}

// coreReadHeader is <bpf/bpf_core_read.h>. The running kernel's types are the ones that the text is
// compiled with, so nothing is left to be relocated.
func coreReadHeader() string {
	var b strings.Builder
	b.WriteString("#pragma once\n#include \"bpf_helpers.h\"\n")
	fmt.Fprintf(&b, "#define __skep_pick(%s, name, ...) name\n", strings.Join(accessors(maxAccessors), ", "))
	for _, read := range []struct{ name, space string }{
		{"BPF_CORE_READ", "kernel"}, {"BPF_CORE_READ_USER", "user"}, {"BPF_PROBE_READ", "kernel"}, {"BPF_PROBE_READ_USER", "user"},
	} {
		defineRead(&b, read.name, read.space)
	}
	b.WriteString(coreMacros)
	return b.String()
}

// defineRead defines a macro that follows members from pointer to pointer, reading each: it gives
// the last one's value, its _INTO form puts that elsewhere, as a string with _STR_INTO. NAME_3(s,
// a1, a2, a3) reads s->a1 and goes on with NAME_2.
func defineRead(b *strings.Builder, name, space string) {
	helper := "bpf_probe_read_" + space
	fmt.Fprintf(b, "#define %s_1(s, a1) ({ __typeof__(s) __skep_s = (s); __typeof__(__skep_s->a1) __skep_v; "+
		"%s(&__skep_v, sizeof(__skep_v), (const void *)&__skep_s->a1); __skep_v; })\n", name, helper)
	fmt.Fprintf(b, "#define %s_INTO_1(dst, s, a1) %s(dst, sizeof(*(dst)), (const void *)&(s)->a1)\n", name, helper)
	fmt.Fprintf(b, "#define %s_STR_INTO_1(dst, s, a1) %s_str((void *)(dst), sizeof(*(dst)), (const void *)&(s)->a1)\n", name, helper)
	for _, form := range []struct{ suffix, dst string }{{"", ""}, {"_INTO", "dst, "}, {"_STR_INTO", "dst, "}} {
		for n := 2; n <= maxAccessors; n++ {
			all := accessors(n)
			fmt.Fprintf(b, "#define %s%s_%d(%ss, %s) ({ __typeof__((s)->a1) __skep_p%d = %s_1(s, a1); %s%s_%d(%s__skep_p%d, %s); })\n",
				name, form.suffix, n, form.dst, strings.Join(all, ", "), n, name, name, form.suffix, n-1, form.dst, n, strings.Join(all[1:], ", "))
		}
		picks := make([]string, maxAccessors)
		for i := range picks {
			picks[i] = fmt.Sprintf("%s%s_%d", name, form.suffix, maxAccessors-i)
		}
		fmt.Fprintf(b, "#define %s%s(%ss, ...) __skep_pick(__VA_ARGS__, %s, 0)(%ss, __VA_ARGS__)\n",
			name, form.suffix, form.dst, strings.Join(picks, ", "), form.dst)
	}
}

// maxAccessors is how many members one BPF_CORE_READ follows.
const maxAccessors = 9

func accessors(n int) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = fmt.Sprintf("a%d", i+1)
	}
	return out
}

const coreMacros = `
#define bpf_core_read(dst, sz, src) bpf_probe_read_kernel(dst, sz, (const void *)(src))
#define bpf_core_read_user(dst, sz, src) bpf_probe_read_user(dst, sz, (const void *)(src))
#define bpf_core_read_str(dst, sz, src) bpf_probe_read_kernel_str(dst, sz, (const void *)(src))
#define bpf_core_read_user_str(dst, sz, src) bpf_probe_read_user_str(dst, sz, (const void *)(src))
#define bpf_core_field_size(...) __skep_one_or_two(__VA_ARGS__, __skep_size_2, __skep_size_1)(__VA_ARGS__)
#define __skep_size_1(field) sizeof(field)
#define __skep_size_2(type, field) sizeof(((type *)0)->field)
#define bpf_core_type_size(type) sizeof(type)
#define bpf_core_enum_value(type, value) (value)
#define __skep_one_or_two(a, b, name, ...) name
#define bpf_core_field_exists(...) __skep_one_or_two(__VA_ARGS__, __skep_exists_2, __skep_exists_1)(__VA_ARGS__)
#define __skep_exists_1(field) __builtin_skep_field_exists(&(field))
#define __skep_exists_2(type, field) __builtin_skep_field_exists(&((type *)0)->field)
#define bpf_core_type_exists(type) __builtin_skep_type_exists((type *)0)
`

const endianHeader = `#pragma once
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define bpf_htons(x) __builtin_bswap16(x)
#define bpf_ntohs(x) __builtin_bswap16(x)
#define bpf_htonl(x) __builtin_bswap32(x)
#define bpf_ntohl(x) __builtin_bswap32(x)
#define bpf_cpu_to_be64(x) __builtin_bswap64(x)
#define bpf_be64_to_cpu(x) __builtin_bswap64(x)
#else
#define bpf_htons(x) (x)
#define bpf_ntohs(x) (x)
#define bpf_htonl(x) (x)
#define bpf_ntohl(x) (x)
#define bpf_cpu_to_be64(x) (x)
#define bpf_be64_to_cpu(x) (x)
#endif
`

// tracingHeader is <bpf/bpf_tracing.h>: the registers of a call by the architecture's convention.
func tracingHeader(arch string) string {
	var regs []string
	var ret, ip, sp, fp string
	switch arch {
	case "amd64":
		regs, ret, ip, sp, fp = strings.Fields("di si dx cx r8 r9"), "ax", "ip", "sp", "bp"
	case "arm64":
		regs, ret, ip, sp, fp = strings.Fields("regs[0] regs[1] regs[2] regs[3] regs[4] regs[5] regs[6] regs[7]"), "regs[0]", "pc", "sp", "regs[29]"
	default:
		return ""
	}
	var b strings.Builder
	b.WriteString("#pragma once\n#include \"bpf_helpers.h\"\n#include \"bpf_core_read.h\"\n")
	define := func(name, reg string) {
		fmt.Fprintf(&b, "#define PT_REGS_%s(x) (((const struct pt_regs *)(x))->%s)\n", name, reg)
		fmt.Fprintf(&b, "#define PT_REGS_%s_CORE(x) BPF_CORE_READ((const struct pt_regs *)(x), %s)\n", name, reg)
	}
	for i, r := range regs {
		define(fmt.Sprintf("PARM%d", i+1), r)
	}
	define("RC", ret)
	define("IP", ip)
	define("SP", sp)
	define("FP", fp)
	return b.String()
}

const stringHeader = `#pragma once
#define memcpy __builtin_memcpy
#define memmove __builtin_memmove
#define memset __builtin_memset
#define memcmp __builtin_memcmp
#define strlen __builtin_strlen
#define strcmp __builtin_strcmp
#define strncmp __builtin_strncmp
`

// programText is declared before the text of a program: what compilers know without a header.
// Those that have no code of their own have it in C.
const programText = `
typedef long __skep_absent;
int __builtin_skep_field_exists(const void *field);
int __builtin_skep_type_exists(const void *pointer);
static inline int __builtin_memcmp(const void *a, const void *b, unsigned long n)
{
	const unsigned char *x = a, *y = b;
	for (unsigned long i = 0; i < n; i++)
		if (x[i] != y[i])
			return (int)x[i] - (int)y[i];
	return 0;
}
static inline int __builtin_strncmp(const char *a, const char *b, unsigned long n)
{
	for (unsigned long i = 0; i < n; i++) {
		unsigned char x = a[i], y = b[i];
		if (x != y)
			return (int)x - (int)y;
		if (!x)
			return 0;
	}
	return 0;
}
static inline int __builtin_strcmp(const char *a, const char *b) { return __builtin_strncmp(a, b, 4096); }
static inline unsigned long __builtin_strlen(const char *s)
{
	unsigned long n = 0;
	while (s[n])
		n++;
	return n;
}
static inline void *__builtin_memcpy(void *to, const void *from, unsigned long n)
{
	for (unsigned long i = 0; i < n; i++)
		((char *)to)[i] = ((const char *)from)[i];
	return to;
}
static inline void *__builtin_memmove(void *to, const void *from, unsigned long n)
{
	if ((unsigned long)to - (unsigned long)from >= n) {
		for (unsigned long i = 0; i < n; i++)
			((char *)to)[i] = ((const char *)from)[i];
	} else {
		for (unsigned long i = n; i > 0; i--)
			((char *)to)[i - 1] = ((const char *)from)[i - 1];
	}
	return to;
}
static inline void *__builtin_memset(void *to, int c, unsigned long n)
{
	for (unsigned long i = 0; i < n; i++)
		((char *)to)[i] = c;
	return to;
}
static inline int __builtin_popcountll(unsigned long long x)
{
	x -= x >> 1 & 0x5555555555555555ULL;
	x = (x & 0x3333333333333333ULL) + (x >> 2 & 0x3333333333333333ULL);
	return ((x + (x >> 4)) & 0x0f0f0f0f0f0f0f0fULL) * 0x0101010101010101ULL >> 56;
}
static inline int __builtin_popcountl(unsigned long x) { return __builtin_popcountll(x); }
static inline int __builtin_popcount(unsigned int x) { return __builtin_popcountll(x); }
static inline int __builtin_clzll(unsigned long long x)
{
	int n = 63;
	if (x >> 32) { n -= 32; x >>= 32; }
	if (x >> 16) { n -= 16; x >>= 16; }
	if (x >> 8) { n -= 8; x >>= 8; }
	if (x >> 4) { n -= 4; x >>= 4; }
	if (x >> 2) { n -= 2; x >>= 2; }
	return n - (x >> 1);
}
static inline int __builtin_clzl(unsigned long x) { return __builtin_clzll(x); }
static inline int __builtin_clz(unsigned int x) { return __builtin_clzll(x) - 32; }
static inline int __builtin_ctzll(unsigned long long x) { return __builtin_popcountll((x & -x) - 1); }
static inline int __builtin_ctzl(unsigned long x) { return __builtin_ctzll(x); }
static inline int __builtin_ctz(unsigned int x) { return __builtin_ctzll(x); }
static inline int __builtin_ffsll(long long x) { return x ? __builtin_ctzll(x) + 1 : 0; }
static inline int __builtin_ffsl(long x) { return __builtin_ffsll(x); }
static inline int __builtin_ffs(int x) { return __builtin_ffsll((unsigned int)x); }
static inline int __builtin_abs(int x) { return x < 0 ? -x : x; }
static inline long __builtin_labs(long x) { return x < 0 ? -x : x; }
static inline long long __builtin_llabs(long long x) { return x < 0 ? -x : x; }
unsigned short __builtin_bswap16(unsigned short x);
unsigned int __builtin_bswap32(unsigned int x);
unsigned long long __builtin_bswap64(unsigned long long x);
long __builtin_expect(long x, long y);
void __builtin_unreachable(void);
void __builtin_trap(void);
void __sync_synchronize(void);
#define __builtin_types_compatible_p(a, b) _Generic(*(a *)0, b: 1, default: 0)
#define __builtin_preserve_access_index(x) (x)
#undef noinline
#undef __always_inline
#define __always_inline inline __attribute__((always_inline))
#define __noinline __attribute__((noinline))
#define __bpf__ 1
`
