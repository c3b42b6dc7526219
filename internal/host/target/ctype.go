package target

import (
	"strings"

	"github.com/skep-bpf/skep/internal/lang/types"
)

// cInteger reads the spellings of C's integers ("unsigned long long int", "char"),
// which BTF doesn't list in each form. Sizes are those of Linux on 64 bits.
func cInteger(name string) (*types.Type, bool) {
	var signed, unsigned, char, short, long, plain int
	for w := range strings.FieldsSeq(name) {
		switch w {
		case "signed":
			signed++
		case "unsigned":
			unsigned++
		case "char":
			char++
		case "short":
			short++
		case "long":
			long++
		case "int":
			plain++
		default:
			return nil, false
		}
	}
	if signed+unsigned > 1 || char+short > 1 || plain > 1 || long > 2 || (char+short)*long > 0 || char*plain > 0 ||
		signed+unsigned+char+short+long+plain == 0 {
		return nil, false
	}
	t := &types.Type{Kind: types.Int, Size: 4, Signed: unsigned == 0, Name: name}
	switch {
	case char > 0:
		t.Size = 1
	case short > 0:
		t.Size = 2
	case long > 0:
		t.Size = 8
	}
	return t, true
}

// cTypedef knows the integer typedefs that the kernel's tracepoints use, for when
// there's no BTF to ask.
func cTypedef(name string) (*types.Type, bool) {
	if name == "bool" || name == "_Bool" {
		return &types.Type{Kind: types.Bool, Size: 1}, true
	}
	for _, d := range []struct {
		names  string
		size   uint32
		signed bool
	}{
		{"u8 __u8 uint8_t", 1, false}, {"u16 __u16 uint16_t umode_t __be16 __le16", 2, false},
		{"u32 __u32 uint32_t gfp_t uid_t gid_t dev_t __be32 __le32", 4, false},
		{"u64 __u64 uint64_t size_t sector_t uintptr_t ino_t __be64 __le64 blkcnt_t", 8, false},
		{"s8 __s8 int8_t", 1, true}, {"s16 __s16 int16_t", 2, true},
		{"s32 __s32 int32_t pid_t", 4, true}, {"s64 __s64 int64_t ssize_t loff_t off_t", 8, true},
	} {
		for n := range strings.FieldsSeq(d.names) {
			if n == name {
				return &types.Type{Kind: types.Int, Size: d.size, Signed: d.signed, Name: name}, true
			}
		}
	}
	return nil, false
}

// cType reads a declaration's type as tracepoint formats write it: "const char *",
// "struct sock *", "unsigned long", "enum zone". space is where its pointers
// point unless __user says otherwise.
func (e *Env) cType(text string, space types.Space) (*types.Type, bool) {
	stars := strings.Count(text, "*")
	var base []string
	for w := range strings.FieldsSeq(strings.ReplaceAll(text, "*", " ")) {
		switch w {
		case "const", "volatile", "restrict", "__restrict", "__rcu", "__percpu", "__iomem":
		case "__user":
			space = types.SpaceUser
		default:
			base = append(base, w)
		}
	}
	name := strings.Join(base, " ")
	t, ok := cInteger(name) // char as C has it, with a sign
	if !ok && name != "void" {
		if t, ok = e.Type(name); !ok && stars == 0 {
			return nil, false
		}
	}
	if !ok {
		t = &types.Type{Kind: types.Void}
	}
	for range stars {
		t = &types.Type{Kind: types.Pointer, Size: 8, Elem: t, Space: space}
	}
	return t, true
}
