package link

import (
	"fmt"

	"github.com/skep-bpf/skep/internal/bpf/btf"
)

// mapsSection is the section of maps that are defined by a struct's type.
const mapsSection = ".maps"

// mapNumbers are the members of a map's struct that hold a number: a pointer to an array of
// that length, or an enum's value.
var mapNumbers = map[string]bool{
	"type": true, "max_entries": true, "map_flags": true, "numa_node": true, "key_size": true,
	"value_size": true, "pinning": true, "map_extra": true,
}

// mapDef is what a map's struct says.
type mapDef struct {
	numbers map[string]uint64
	types   map[string]btf.ID // "key" and "value"
	inner   *mapDef           // of the maps, or nil
}

// maps compares the definitions of two maps' variables.
func (m matcher) maps(a, b btf.ID) string {
	_, x := m.t.Unqualified(m.t.Record(a).Ref())
	_, y := m.t.Unqualified(m.t.Record(b).Ref())
	p, reason := m.mapDef(x, true)
	if reason != "" {
		return reason
	}
	q, reason := m.mapDef(y, true)
	if reason != "" {
		return reason
	}
	return m.mapDefs(p, q)
}

func (m matcher) mapDefs(p, q *mapDef) string {
	for _, n := range []string{"type", "key_size", "value_size", "max_entries", "map_flags", "numa_node", "pinning", "map_extra"} {
		if p.numbers[n] != q.numbers[n] {
			return differ(fmt.Sprintf("the map's %s is %d", n, p.numbers[n]), q.numbers[n])
		}
	}
	for _, n := range []string{"key", "value"} {
		x, has := p.types[n]
		y, also := q.types[n]
		if has != also {
			return fmt.Sprintf("only one map tells its %s's type", n)
		}
		if !has {
			continue
		}
		if d := m.same(x, y, true, 0); d != "" {
			return fmt.Sprintf("the map's %s: %s", n, d)
		}
	}
	switch {
	case (p.inner == nil) != (q.inner == nil):
		return "only one map tells of what its values are"
	case p.inner != nil:
		if d := m.mapDefs(p.inner, q.inner); d != "" {
			return "its inner maps: " + d
		}
	}
	return ""
}

// mapDef reads a map's struct.
func (m matcher) mapDef(r btf.Record, outer bool) (*mapDef, string) {
	if r.Kind() != btf.KindStruct {
		return nil, fmt.Sprintf("a map is defined by a struct, not by a %s", r.Kind())
	}
	d := &mapDef{numbers: map[string]uint64{}, types: map[string]btf.ID{}}
	for i := range r.Len() {
		name, typ, _, _ := r.Member(i)
		n := m.t.Strings.At(name)
		reason := ""
		switch {
		case mapNumbers[n]:
			reason = m.number(d, n, typ)
		case n == "key", n == "value":
			reason = m.content(d, n, typ)
		case n == "values" && outer:
			d.inner, reason = m.inner(typ)
		default:
			reason = fmt.Sprintf("a map has no %q", n)
		}
		if reason != "" {
			return nil, reason
		}
	}
	return d, ""
}

// number reads a member that holds a number in its type.
func (m matcher) number(d *mapDef, name string, typ btf.ID) string {
	_, r := m.t.Unqualified(typ)
	switch {
	case r.Kind() == btf.KindPtr:
		_, array := m.t.Unqualified(r.Ref())
		if array.Kind() != btf.KindArray {
			break
		}
		_, _, n := array.Array()
		d.numbers[name] = uint64(n)
		return ""
	case r.Kind().Enum() && r.Len() == 1:
		_, d.numbers[name] = r.Enumerator(0)
		return ""
	}
	return fmt.Sprintf("the map's %s is a %s, which holds no number", name, r.Kind())
}

// content reads the type of keys or values, and by it their size.
func (m matcher) content(d *mapDef, name string, typ btf.ID) string {
	r := m.t.Record(typ)
	if r.Kind() != btf.KindPtr {
		return fmt.Sprintf("the map's %s is told by a %s, not by a pointer", name, r.Kind())
	}
	size, ok := m.t.SizeOf(r.Ref())
	if !ok {
		return fmt.Sprintf("the map's %s is of a type without a size", name)
	}
	d.types[name] = r.Ref()
	d.numbers[name+"_size"] = uint64(size)
	return ""
}

// inner reads what the maps of a map of maps are; nil for a map of programs.
func (m matcher) inner(typ btf.ID) (*mapDef, string) {
	r := m.t.Record(typ)
	if r.Kind() != btf.KindArray {
		return nil, fmt.Sprintf("the map's values are told by a %s, not by an array", r.Kind())
	}
	elem, _, _ := r.Array()
	_, r = m.t.Unqualified(elem)
	if r.Kind() != btf.KindPtr {
		return nil, fmt.Sprintf("the map's values are told by a %s, not by pointers", r.Kind())
	}
	_, r = m.t.Unqualified(r.Ref())
	if r.Kind() == btf.KindFuncProto {
		return nil, ""
	}
	return m.mapDef(r, false)
}
