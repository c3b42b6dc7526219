package cdecl

import (
	"slices"
	"strings"

	"github.com/skep-bpf/skep/internal/lang/types"
)

// qualifiers are words of a declaration that don't change a type's layout: C's own, and
// the kernel's annotations, which are macros without a body there.
var qualifiers = words(`const volatile restrict __restrict __restrict__ __const __volatile__ register auto
	_Noreturn __extension__ inline __inline __inline__ __always_inline noinline
	__user __kernel __rcu __percpu __iomem __force __bitwise __must_check __init __exit __cold __hot
	__maybe_unused __randomize_layout __no_randomize_layout __designated_init __nonstring
	____cacheline_aligned ____cacheline_aligned_in_smp __private __counted_by`)

// storage are the words that make a declaration no definition of a type, but typedef.
var storage = words("typedef extern static _Thread_local __thread")

// baseWords build the arithmetic types.
var baseWords = words("void char short int long float double signed unsigned __signed__ __signed _Bool bool __int128")

func words(list string) map[string]bool {
	m := map[string]bool{}
	for _, w := range strings.Fields(list) {
		m[w] = true
	}
	return m
}

// baseType is the type that the words name together, as "unsigned long int"; nil: none.
func baseType(list []string) *types.Type {
	count := map[string]int{}
	for _, w := range list {
		count[strings.Trim(w, "_")]++
	}
	unsigned := count["unsigned"] > 0
	if unsigned && count["signed"] > 0 || count["long"] > 2 {
		return nil
	}
	switch {
	case count["void"] > 0:
		return &types.Type{Kind: types.Void}
	case count["Bool"]+count["bool"] > 0:
		return &types.Type{Kind: types.Bool, Size: 1}
	case count["char"] > 0:
		t := types.IntType(1, !unsigned)
		if count["signed"] == 0 && !unsigned {
			t.Name = "char"
		}
		return t
	case count["double"] > 0 && count["long"] > 0:
		return opaque("long double", 16)
	case count["double"] > 0:
		return opaque("double", 8)
	case count["float"] > 0:
		return opaque("float", 4)
	case count["int128"] > 0:
		return opaque("__int128", 16)
	case count["short"] > 0:
		return types.IntType(2, !unsigned)
	case count["long"] > 0:
		return types.IntType(8, !unsigned)
	}
	return types.IntType(4, !unsigned)
}

// opaque is the type of what the language can't compute with: its bytes.
func opaque(name string, size uint32) *types.Type {
	t := types.ArrayOf(types.IntType(1, false), size)
	t.Name = name
	return t
}

// knownTypedefs are the typedefs of fixed layout that scripts use, for where BTF is missing.
var knownTypedefs = []struct {
	names  string
	size   uint32
	signed bool
}{
	{"u8 __u8 uint8_t u_int8_t uint8 u_char", 1, false},
	{"u16 __u16 uint16_t u_int16_t uint16 __be16 __le16 u_short sa_family_t umode_t", 2, false},
	{"u32 __u32 uint32_t u_int32_t uint32 __be32 __le32 u_int uid_t gid_t dev_t __wsum in_addr_t", 4, false},
	{"u64 __u64 uint64_t u_int64_t uint64 __be64 __le64 u_long size_t uintptr_t sector_t ino_t", 8, false},
	{"s8 __s8 int8_t int8", 1, true},
	{"s16 __s16 int16_t int16", 2, true},
	{"s32 __s32 int32_t int32 pid_t", 4, true},
	{"s64 __s64 int64_t int64 ssize_t intptr_t loff_t off_t time_t clock_t ptrdiff_t ktime_t", 8, true},
}

func knownTypedef(name string) *types.Type {
	for _, k := range knownTypedefs {
		if slices.Contains(strings.Fields(k.names), name) {
			t := types.IntType(k.size, k.signed)
			t.Name = name
			return t
		}
	}
	return nil
}
