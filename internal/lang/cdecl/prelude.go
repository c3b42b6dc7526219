package cdecl

import (
	"fmt"
	"slices"
	"strings"

	"github.com/skep-bpf/skep/internal/lang/types"
)

// prelude is the C text that declares to the front end what the script's text needs and
// doesn't define, and what types its names stand for.
type prelude struct {
	opt   *Options
	text  strings.Builder
	types map[string]*types.Type // "struct sock", "u32"
	// unknown are the names in the place of types that nobody knows. They're declared as
	// incomplete types, so that only what really needs them is an error.
	unknown map[string]bool
	missing []string // of these, and of the tags
	// names are those in the text, nil if it has no function bodies; later are the structs that
	// pointers lead to.
	names map[string]bool
	asked []string // members that may be missing
	later []*types.Type
}

const preludeName = "<kernel's types>"

// unknownTag begins the tags of unknown types, and of those that only their size is told of.
const ownTag = "__skep_"

// newPrelude declares n. constant finds the value of a macro of the kernel's headers.
func newPrelude(opt *Options, n needs, constant func(name string) (int64, bool)) *prelude {
	p := &prelude{opt: opt, types: map[string]*types.Type{}, unknown: map[string]bool{}, names: n.names, asked: n.asked}
	for _, tag := range n.tags {
		if t, ok := p.lookup(tag); ok {
			p.tag(tag, t)
			continue
		}
		p.missing = append(p.missing, tag)
	}
	for _, name := range n.types {
		if t, ok := p.lookup(name); ok {
			p.typedef(name, t)
			continue
		}
		p.unknown[name] = true
		p.missing = append(p.missing, name)
		fmt.Fprintf(&p.text, "typedef struct %s%s %s;\n", ownTag, name, name)
	}
	for _, name := range n.values {
		p.value(name, constant)
	}
	p.defineLater()
	return p
}

func (p *prelude) lookup(name string) (*types.Type, bool) {
	if p.opt.Lookup != nil {
		if t, ok := p.opt.Lookup(name); ok {
			return t, true
		}
	}
	t := knownTypedef(name)
	return t, t != nil
}

// tag declares "struct sock" as so many bytes of that alignment, or an enum as what it is.
func (p *prelude) tag(tag string, t *types.Type) {
	switch {
	case t.Kind == types.Enum:
		p.types[tag] = t
		fmt.Fprintf(&p.text, "%s { %s%s = %s };\n", tag, ownTag, strings.ReplaceAll(tag, " ", "_"), widest(t))
	case p.names != nil && t.Kind == types.Struct:
		p.define(t)
	case t.Size > 0:
		p.types[tag] = t
		fmt.Fprintf(&p.text, "%s %s;\n", tag, opaqueBody(t))
	}
}

// widest is a value that makes an enum as large as t.
func widest(t *types.Type) string {
	if t.Size == 8 {
		return "0x7fffffffffffffff"
	}
	return "1"
}

// opaqueBody is a body of a struct or union with t's size and alignment.
func opaqueBody(t *types.Type) string {
	return fmt.Sprintf("{ unsigned char b[%d]; } __attribute__((aligned(%d)))", t.Size, alignOf(t))
}

// typedef declares a type by a name that's no tag.
func (p *prelude) typedef(name string, t *types.Type) {
	p.types[name] = t
	var decl string
	switch {
	case p.names != nil && t.Kind != types.Func && (t.Kind != types.Struct || t.Size > 0):
		decl = p.declare(t, name)
	case t.Kind == types.Int:
		decl = integerName(t) + " " + name
	case t.Kind == types.Bool:
		decl = "_Bool " + name
	case t.Kind == types.Enum:
		decl = integerName(types.IntType(t.Size, t.Signed)) + " " + name
	case t.Kind == types.Pointer:
		decl = "void *" + name
	case t.Kind == types.Void:
		decl = "void " + name
	case t.Kind == types.Func:
		decl = "int " + name + "()"
	case t.Size == 0:
		decl = "struct " + ownTag + name + " " + name
	default:
		decl = fmt.Sprintf("struct %s%s %s %s", ownTag, name, opaqueBody(t), name)
	}
	fmt.Fprintf(&p.text, "typedef %s;\n", decl)
}

// value declares a name that's used in an expression.
func (p *prelude) value(name string, constant func(name string) (int64, bool)) {
	if t := knownTypedef(name); t != nil {
		p.typedef(name, t)
		return
	}
	if p.opt.Lookup != nil {
		if t, ok := p.opt.Lookup(name); ok {
			p.typedef(name, t)
			return
		}
	}
	if p.opt.Enumerator != nil {
		if v, _, ok := p.opt.Enumerator(name); ok {
			fmt.Fprintf(&p.text, "enum { %s = %d };\n", name, int64(v))
			return
		}
	}
	if v, ok := constant(name); ok {
		fmt.Fprintf(&p.text, "#define %s (%d)\n", name, v)
	}
}

// integerName is C's name of an integer type.
func integerName(t *types.Type) string {
	name := map[uint32]string{1: "char", 2: "short", 4: "int", 8: "long", 16: "__int128"}[t.Size]
	if t.Signed {
		return "signed " + name
	}
	return "unsigned " + name
}

// alignOf is the C alignment of a type that isn't from C text.
func alignOf(t *types.Type) uint32 {
	switch t.Kind {
	case types.Array:
		if t.Name != "" { // a float: an array only since the language has none
			return t.Size
		}
		return alignOf(t.Elem)
	case types.Struct:
		a := uint32(1)
		for _, f := range t.S.Fields() {
			a = max(a, alignOf(f.Type))
		}
		for t.Size%a != 0 { // packed
			a /= 2
		}
		return a
	case types.Void, types.Func:
		return 1
	}
	return max(t.Size, 1)
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
	if name == "bool" {
		return &types.Type{Kind: types.Bool, Size: 1}
	}
	for _, k := range knownTypedefs {
		if slices.Contains(strings.Fields(k.names), name) {
			t := types.IntType(k.size, k.signed)
			t.Name = name
			return t
		}
	}
	return nil
}

func words(list string) map[string]bool {
	m := map[string]bool{}
	for _, w := range strings.Fields(list) {
		m[w] = true
	}
	return m
}
