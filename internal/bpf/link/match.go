package link

import (
	"fmt"

	"github.com/skep-bpf/skep/internal/bpf/btf"
)

// matcher compares what objects say of the same symbol. Its methods return the difference as
// words, "" for none; their first type is that of the object that's being added.
type matcher struct{ t *btf.Types }

// maxNesting bounds how deep structs hold each other.
const maxNesting = 64

// same compares types as C does across files: qualifiers, typedefs, the lengths of arrays and
// the names of parameters don't count. exact: structs are compared member by member; without,
// as behind a pointer, by name.
func (m matcher) same(a, b btf.ID, exact bool, depth int) string {
	if depth > maxNesting {
		return "types are nested too deep"
	}
	a, x := m.t.Unqualified(a)
	b, y := m.t.Unqualified(b)
	k := x.Kind()
	if k == btf.KindFwd && y.Kind().Composite() || y.Kind() == btf.KindFwd && k.Composite() {
		if !exact {
			return m.forward(x, y)
		}
	}
	if k != y.Kind() {
		return differ(m.name(a), m.name(b))
	}
	named := k.Composite() || k.Enum() || k == btf.KindFwd || k == btf.KindFunc || k == btf.KindVar
	if named && x.Name() != y.Name() {
		return differ(m.name(a), m.name(b))
	}
	switch {
	case k == btf.KindVoid, k == btf.KindFwd:
		return ""
	case k == btf.KindInt, k == btf.KindFloat, k.Enum():
		if x.Size() != y.Size() {
			return differ(fmt.Sprintf("%s of %d bytes", m.name(a), x.Size()), fmt.Sprintf("%s of %d", m.name(b), y.Size()))
		}
		return ""
	case k == btf.KindPtr:
		return m.same(x.Ref(), y.Ref(), false, depth+1)
	case k == btf.KindArray:
		p, _, _ := x.Array()
		q, _, _ := y.Array()
		return m.same(p, q, exact, depth+1)
	case k == btf.KindFunc, k == btf.KindVar:
		if (x.Linkage() == btf.LinkStatic) != (y.Linkage() == btf.LinkStatic) {
			return "only one is static"
		}
		return m.same(x.Ref(), y.Ref(), exact, depth+1)
	case k.Composite():
		if !exact {
			return ""
		}
		return m.members(a, b, depth)
	case k == btf.KindFuncProto:
		return m.prototypes(x, y, exact, depth)
	}
	return fmt.Sprintf("a %s can't be of two objects", k)
}

func (m matcher) name(id btf.ID) string {
	r := m.t.Record(id)
	n := m.t.Strings.At(r.Name())
	switch k := r.Kind(); {
	case n == "":
		return k.String()
	case k == btf.KindInt, k == btf.KindFloat:
		return n
	default:
		return fmt.Sprintf("%s %s", k, n)
	}
}

// differ tells a difference: what this object has, and what the one before.
func differ(here string, there any) string { return fmt.Sprintf("%s here, %v there", here, there) }

// forward compares a forward declaration with a definition.
func (m matcher) forward(x, y btf.Record) string {
	if x.Kind() != btf.KindFwd {
		x, y = y, x
	}
	if x.Name() == y.Name() && x.Flag() == (y.Kind() == btf.KindUnion) {
		return ""
	}
	declared := btf.KindStruct
	if x.Flag() {
		declared = btf.KindUnion
	}
	return fmt.Sprintf("%s %s is declared, %s %s defined", declared, m.t.Strings.At(x.Name()), y.Kind(), m.t.Strings.At(y.Name()))
}

func (m matcher) members(a, b btf.ID, depth int) string {
	x, y := m.t.Record(a), m.t.Record(b)
	if x.Len() != y.Len() {
		return differ(fmt.Sprintf("%s has %d members", m.name(a), x.Len()), y.Len())
	}
	for i := range x.Len() {
		xn, xt, xbit, xbits := x.Member(i)
		yn, yt, ybit, ybits := y.Member(i)
		switch {
		case xn != yn:
			return differ(fmt.Sprintf("member %d of %s is %q", i, m.name(a), m.t.Strings.At(xn)), fmt.Sprintf("%q", m.t.Strings.At(yn)))
		case xbit != ybit || xbits != ybits:
			return differ(fmt.Sprintf("member %q of %s is at bit %d", m.t.Strings.At(xn), m.name(a), xbit), ybit)
		}
		if d := m.same(xt, yt, true, depth+1); d != "" {
			return fmt.Sprintf("member %q of %s: %s", m.t.Strings.At(xn), m.name(a), d)
		}
	}
	return ""
}

func (m matcher) prototypes(x, y btf.Record, exact bool, depth int) string {
	if x.Len() != y.Len() {
		return differ(fmt.Sprintf("%d parameters", x.Len()), y.Len())
	}
	for i := range x.Len() {
		_, p := x.Param(i)
		_, q := y.Param(i)
		if d := m.same(p, q, exact, depth+1); d != "" {
			return fmt.Sprintf("parameter %d: %s", i+1, d)
		}
	}
	if d := m.same(x.Ref(), y.Ref(), exact, depth+1); d != "" {
		return "result: " + d
	}
	return ""
}
