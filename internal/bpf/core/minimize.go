package core

import (
	"fmt"

	"github.com/skep-bpf/skep/internal/bpf/btf"
	"github.com/skep-bpf/skep/internal/bpf/elfobj"
)

// Object is an object, and its name for errors. Its types' names are in the same Strings as
// the kernel's.
type Object struct {
	Name string
	*elfobj.Object
}

// Minimize leaves of the kernel's types what the objects' relocations look at: relocating
// them with the result gives the same instructions. Of structs only the members stay that are
// accessed; what a pointer points at goes away. Only the numbers of types are others, which
// matters to programs that ask for those.
func Minimize(kernel *btf.Types, objects []Object) (*btf.Types, error) {
	m := &minimizer{kernel: kernel, named: map[string][]btf.ID{}, types: make([]bool, kernel.End()), members: map[btf.ID]map[int]bool{}, followed: map[behind]bool{}, matched: map[behind]bool{}}
	m.candidates(objects)
	for _, o := range objects {
		for _, s := range o.Sections {
			for _, c := range s.CORE {
				if err := m.relocation(o, c); err != nil {
					return nil, fmt.Errorf("%s: section %s at %d: relocation of %s: %w", o.Name, s.Name, c.Offset, o.Types.Name(c.Type), err)
				}
			}
		}
	}
	return m.result(), nil
}

// minimizer notes what's needed of the kernel's types.
type minimizer struct {
	kernel  *btf.Types
	named   map[string][]btf.ID // by essential name, those that relocations ask for
	types   []bool
	members map[btf.ID]map[int]bool
	// followed and matched keep walks from going twice.
	followed, matched map[behind]bool
}

// behind is a type, and whether a walk goes through pointers, or has gone.
type behind struct {
	id  btf.ID
	ptr bool
}

// candidates finds the types by the names of those that relocations start at.
func (m *minimizer) candidates(objects []Object) {
	wanted := map[string]bool{}
	for _, o := range objects {
		for _, s := range o.Sections {
			for _, c := range s.CORE {
				if name := o.Types.Name(c.Type); name != "" {
					wanted[essential(name)] = true
				}
			}
		}
	}
	for id := btf.ID(1); id < m.kernel.End(); id++ {
		if name := essential(m.kernel.Name(id)); wanted[name] {
			m.named[name] = append(m.named[name], id)
		}
	}
}

func (m *minimizer) relocation(o Object, c elfobj.CoreReloc) error {
	kind := Kind(c.Kind)
	local, err := parse(o.Types, c.Type, o.Types.Strings.At(c.Access), kind)
	if err != nil || kind == TypeIDLocal {
		return err
	}
	r := o.Types.Record(c.Type)
	if r.Name() == 0 {
		return fmt.Errorf("a %s without a name can't be found in the kernel", r.Kind())
	}
	var found *access
	var first uint64
	match := matcher{o.Types, m.kernel}
	for _, id := range m.named[essential(o.Types.Name(c.Type))] {
		if !sameKind(r, m.kernel.Record(id)) {
			continue
		}
		a, err := match.find(local, kind, id)
		if err != nil {
			return err
		}
		if a == nil {
			continue
		}
		v, err := value(m.kernel, a, kind)
		switch {
		case err != nil:
			return err
		case found == nil:
			found, first = a, v
		case a.bit != found.bit || v != first:
			return fmt.Errorf("the kernel has it as type %d and, different, as type %d", found.root, id)
		}
	}
	if found != nil {
		m.need(found, kind)
	}
	return nil
}

// need notes what an access needs.
func (m *minimizer) need(a *access, kind Kind) {
	switch {
	case kind == TypeMatches:
		m.needWhole(a.root, false)
	case kind.field():
		m.needField(a)
	default:
		m.needType(a.root, !kind.enumval())
	}
}

// needType notes a type and those that it names or is built of; of structs no members.
func (m *minimizer) needType(id btf.ID, pointers bool) {
	if id == 0 || m.followed[behind{id, pointers}] {
		return
	}
	m.followed[behind{id, pointers}] = true
	m.types[id] = true
	r := m.kernel.Record(id)
	if k := r.Kind(); k.Composite() || k == btf.KindPtr && !pointers {
		return
	}
	r.Refs(func(ref btf.ID) { m.needType(ref, pointers) })
}

// needField notes the members on an access's path.
func (m *minimizer) needField(a *access) {
	id := a.root
	m.needType(id, false)
	for _, n := range a.path[1:] {
		var r btf.Record
		id, r = m.kernel.Unqualified(id)
		if r.Kind() == btf.KindArray {
			id, _, _ = r.Array()
			continue
		}
		m.needMember(id, n)
		_, id, _, _ = r.Member(n)
		m.needType(id, false)
	}
}

func (m *minimizer) needMember(id btf.ID, n int) {
	if m.members[id] == nil {
		m.members[id] = map[int]bool{}
	}
	m.members[id][n] = true
}

// needWhole notes a type with all members; behind a pointer a struct's name is enough.
func (m *minimizer) needWhole(id btf.ID, ptr bool) {
	key := behind{id, ptr}
	if id == 0 || m.matched[key] {
		return
	}
	m.matched[key] = true
	m.types[id] = true
	r := m.kernel.Record(id)
	switch k := r.Kind(); {
	case k.Composite():
		if ptr {
			return
		}
		for i := range r.Len() {
			m.needMember(id, i)
			_, typ, _, _ := r.Member(i)
			m.needWhole(typ, false)
		}
	case k == btf.KindPtr:
		m.needWhole(r.Ref(), true)
	default:
		keep := ptr && k.Qualifies()
		r.Refs(func(ref btf.ID) { m.needWhole(ref, keep) })
	}
}

// result makes types of what was noted.
func (m *minimizer) result() *btf.Types {
	out := btf.NewTypes(m.kernel.Strings)
	to := make([]btf.ID, m.kernel.End())
	for id := btf.ID(1); id < m.kernel.End(); id++ {
		if !m.types[id] {
			continue
		}
		r := m.kernel.Record(id)
		if r.Kind().Composite() {
			kept := m.members[id]
			r = r.WithMembers(func(i int) bool { return kept[i] })
		}
		to[id] = out.Add(r)
	}
	out.Renumber(to)
	return out
}
