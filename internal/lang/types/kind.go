package types

import (
	"fmt"
	"slices"
	"strings"

	"github.com/skep-bpf/skep/internal/bpf/object"
)

// IntType makes an integer type of size bytes.
func IntType(size uint32, signed bool) *Type { return &Type{Kind: Int, Size: size, Signed: signed} }

// StringType makes a string type that holds size bytes, the NUL included.
func StringType(size uint32) *Type { return &Type{Kind: String, Size: size} }

// PointerTo makes a pointer type.
func PointerTo(elem *Type, space Space) *Type {
	return &Type{Kind: Pointer, Size: 8, Elem: elem, Space: space}
}

// ArrayOf makes an array type.
func ArrayOf(elem *Type, n uint32) *Type {
	return &Type{Kind: Array, Size: n * elem.Size, Elem: elem, Len: n}
}

// BufType makes the type of a buffer with size bytes of content.
func BufType(size uint32) *Type { return &Type{Kind: Buf, Size: size} }

func boolType() *Type    { return &Type{Kind: Bool, Size: 1} }
func voidType() *Type    { return &Type{Kind: Void} }
func invalidType() *Type { return &Type{Kind: Invalid} }

// sizes of the kinds whose values have one size; see object.Kind for what the bytes are.
var sizes = [...]uint32{
	Bool: 1, Ksym: 8, Usym: 16, Kstack: 16, Ustack: 16, Inet: 20, Mac: 6, Timestamp: 8,
	CgroupPath: 8, Username: 8, Count: 8, Sum: 8, Avg: 16, Min: 16, Max: 16, Stats: 16,
}

// plain makes a type of a kind that needs nothing but its size.
func plain(k Kind) *Type { return &Type{Kind: k, Size: sizes[k]} }

func stackType(k Kind, spec object.StackSpec) *Type {
	return &Type{Kind: k, Size: sizes[k], Stack: spec}
}

// IsInt reports whether t is an integer, enums included.
func (t *Type) IsInt() bool { return t.Kind == Int || t.Kind == Enum }

// IsAggregate reports whether t is a map's aggregation.
func (t *Type) IsAggregate() bool { return t.Kind >= Count }

// Castable reports whether t is an aggregation with an integer value: count, sum, avg, min, max.
func (t *Type) Castable() bool { return t.Kind >= Count && t.Kind <= Max }

// Buckets reports whether t is an aggregation of many numbers: hist, lhist, bhist, summary,
// tseries.
func (t *Type) Buckets() bool { return t.Kind >= Hist && t.Kind <= TSeries }

// IsFloat reports whether t stands for a floating-point number, which the language has no type
// for: an array of its bytes under its C name.
func (t *Type) IsFloat() bool {
	return t.Kind == Array && (t.Name == "float" || t.Name == "double" || t.Name == "long double")
}

// IsStack reports whether t is a kernel or user stack.
func (t *Type) IsStack() bool { return t.Kind == Kstack || t.Kind == Ustack }

// Bytes is the bytes that a value takes in memory; it differs from Size for buffers,
// whose u32 length stands before the content.
func (t *Type) Bytes() uint32 {
	if t.Kind == Buf {
		return 4 + t.Size
	}
	return t.Size
}

// In is t with its values in space s.
func (t *Type) In(s Space) *Type {
	if t.Space == s {
		return t
	}
	u := *t
	u.Space = s
	return &u
}

// fixed is t without the freedom of a literal's sign.
func (t *Type) fixed() *Type {
	if !t.Flex {
		return t
	}
	u := *t
	u.Flex = false
	return &u
}

// Identical reports whether a and b are the same type. Address spaces and the freedom of
// literals aside.
func Identical(a, b *Type) bool {
	if a == b {
		return true
	}
	if a == nil || b == nil || a.base() != b.base() {
		return false
	}
	switch a.Kind {
	case Struct:
		return a.S == b.S || a.S.Name == b.S.Name && a.S.Name != "" && (a.Size == b.Size || a.S.Forward || b.S.Forward)
	case Enum:
		return a.enumName() == b.enumName() && a.Size == b.Size
	case Pointer:
		return Identical(a.Elem, b.Elem)
	case Array:
		return a.Len == b.Len && Identical(a.Elem, b.Elem)
	case Tuple, Record:
		return identicalFields(a, b)
	case Kstack, Ustack:
		return a.Stack == b.Stack
	case Hist, Lhist:
		return a.Hist == b.Hist
	case Bhist:
		return slices.Equal(a.Bounds, b.Bounds)
	case Summary:
		return a.Digest == b.Digest && a.Signed == b.Signed
	case TSeries:
		return a.Series == b.Series && a.Signed == b.Signed
	case CgroupPath:
		return a.Cgroup == b.Cgroup
	}
	return a.Size == b.Size && a.Signed == b.Signed
}

// complete fills the size of a struct in that's declared only where it's pointed to.
func (t *Type) complete() {
	if t.Kind == Struct && t.S.Forward {
		t.S.Fields()
		t.Size = t.S.Size
	}
}

// base is the kind by which values are compared: of C functions nothing is known but
// their address.
func (t *Type) base() Kind {
	if t.Kind == Func {
		return Void
	}
	return t.Kind
}

func identicalFields(a, b *Type) bool {
	if len(a.Fields) != len(b.Fields) {
		return false
	}
	for i, f := range a.Fields {
		if f.Name != b.Fields[i].Name || !Identical(f.Type, b.Fields[i].Type) {
			return false
		}
	}
	return true
}

func (t *Type) enumName() string {
	if t.Enum != nil && t.Enum.Name != "" {
		return t.Enum.Name
	}
	return t.Name
}

// field finds a direct member of a record.
func (t *Type) field(name string) (int, bool) {
	for i, f := range t.Fields {
		if f.Name == name {
			return i, true
		}
	}
	return 0, false
}

// names of the kinds without parameters.
var kindNames = [...]string{
	Invalid: "none", Void: "void", Bool: "bool", Int: "int", Enum: "enum", String: "string",
	Buf: "buffer", Pointer: "pointer", Struct: "c_type", Array: "array", Tuple: "tuple",
	Record: "record", Ksym: "ksym_t", Usym: "usym_t", Kstack: "kstack", Ustack: "ustack",
	Inet: "inet", Mac: "mac_address", Timestamp: "timestamp", CgroupPath: "cgroup_path_t",
	Func: "void", Username: "username_t", Count: "count_t", Sum: "sum_t", Avg: "avg_t",
	Min: "min_t", Max: "max_t", Stats: "stats_t", Hist: "hist_t", Lhist: "lhist_t",
	Bhist: "bhist_t", Summary: "summary_t", TSeries: "tseries_t",
}

// String is the kind's name as typeinfo's base_type has it.
func (k Kind) String() string {
	if k == Enum {
		return kindNames[Int]
	}
	return kindNames[k]
}

// String is the type as bpftrace writes it: "int64", "string[16]", "struct sock *", "(int8,string[4])".
func (t *Type) String() string {
	if t == nil {
		return "none"
	}
	switch t.Kind {
	case Int:
		return intName(t)
	case Enum:
		if t.enumName() == "" {
			return "enum { … }"
		}
		return "enum " + strings.TrimPrefix(t.enumName(), "enum ")
	case String:
		if t.Size == 0 {
			return "string"
		}
		return fmt.Sprintf("string[%d]", t.Size)
	case Buf:
		return fmt.Sprintf("buffer[%d]", t.Bytes())
	case Pointer:
		return t.Elem.String() + " *"
	case Array:
		return fmt.Sprintf("%s[%d]", t.Elem, t.Len)
	case Struct:
		return structName(t.S)
	case Tuple:
		return "(" + joinFields(t.Fields, ",", func(f Field) string { return f.Type.String() }) + ")"
	case Record:
		return "record { " + joinFields(t.Fields, ", ", func(f Field) string { return "." + f.Name + " = " + f.Type.String() }) + " }"
	case Kstack, Ustack:
		return fmt.Sprintf("%s_%s_%d", kindNames[t.Kind], stackModes[t.Stack.Mode], t.Stack.Limit)
	case CgroupPath:
		switch {
		case t.Cgroup.IsContainer():
			return "container_t"
		case t.Cgroup.IsPod():
			return "pod_t"
		}
	case Sum, Avg, Min, Max, Stats:
		if !t.Signed {
			return "u" + kindNames[t.Kind]
		}
	}
	return kindNames[t.Kind]
}

func intName(t *Type) string {
	sign := "u"
	if t.Signed {
		sign = ""
	}
	return fmt.Sprintf("%sint%d", sign, 8*t.Size)
}

func structName(s *StructType) string {
	if s.Name != "" {
		return s.Name
	}
	if s.Union {
		return "union { … }"
	}
	return "struct { … }"
}

func joinFields(fields []Field, sep string, show func(Field) string) string {
	parts := make([]string, len(fields))
	for i, f := range fields {
		parts[i] = show(f)
	}
	return strings.Join(parts, sep)
}
