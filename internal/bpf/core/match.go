package core

import (
	"errors"

	"github.com/skep-bpf/skep/internal/bpf/btf"
)

// matcher compares an object's types with the kernel's. Both have the same Strings.
type matcher struct{ local, kernel *btf.Types }

// Bounds of walks along types, as libbpf has them.
const (
	maxDepth  = 32
	maxParams = 32
)

var errDepth = errors.New("types are nested too deep")

// find looks for what a relocation is about in one of the kernel's types; nil: it isn't there.
func (m matcher) find(a *access, kind Kind, id btf.ID) (*access, error) {
	found := &access{root: id}
	switch {
	case kind == TypeMatches:
		ok, err := m.match(a.root, id, false, maxDepth)
		if !ok {
			return nil, err
		}
		return found, err
	case kind.enumval():
		return m.enumerator(a, id), nil
	case kind.field():
		for i, s := range a.steps {
			ok, err := m.follow(found, s, i, &id)
			if !ok {
				return nil, err
			}
		}
		return found, nil
	}
	ok, err := m.compatible(a.root, id, maxParams)
	if !ok {
		return nil, err
	}
	return found, err
}

// enumerator looks for an enumerator of the same name.
func (m matcher) enumerator(a *access, id btf.ID) *access {
	want := essential(m.local.Strings.At(a.steps[0].name))
	root := id
	id, r := m.kernel.Unqualified(id)
	if !r.Kind().Enum() {
		return nil
	}
	for i := range r.Len() {
		name, _ := r.Enumerator(i)
		if essential(m.kernel.Strings.At(name)) == want {
			return &access{root: root, path: []int{i}, steps: []step{{typ: id, member: true, index: i, name: name}}}
		}
	}
	return nil
}

// follow goes the i-th step of an access in the kernel's type, and changes id to where it leads.
func (m matcher) follow(found *access, s step, i int, id *btf.ID) (bool, error) {
	if len(found.path) == maxAccess {
		return false, errDepth
	}
	switch {
	case s.member:
		return m.member(found, s, id)
	case i == 0:
		*id, _ = m.kernel.Unqualified(*id)
		found.path = append(found.path, s.index)
		found.steps = append(found.steps, step{typ: *id, index: s.index})
		return true, found.move(m.kernel, *id, s.index)
	}
	_, r := m.kernel.Unqualified(*id)
	if r.Kind() != btf.KindArray {
		return false, nil
	}
	if _, _, n := r.Array(); s.index >= int(n) && !found.flexible(m.kernel, n) {
		return false, nil
	}
	next, err := found.step(m.kernel, *id, s.index)
	*id = next
	found.path = append(found.path, s.index)
	return err == nil, err
}

// member looks for a member of the same name, in unnamed structs too.
func (m matcher) member(found *access, s step, id *btf.ID) (bool, error) {
	typ, r := m.kernel.Unqualified(*id)
	if !r.Kind().Composite() {
		return false, nil
	}
	_, localType, _, _ := m.local.Record(s.typ).Member(s.index)
	for i := range r.Len() {
		if len(found.path) == maxAccess {
			return false, errDepth
		}
		name, next, bit, _ := r.Member(i)
		if name != 0 && name != s.name {
			continue
		}
		before := *found
		found.bit += uint64(bit)
		found.path = append(found.path, i)
		if name == 0 {
			*id = next
			if ok, err := m.member(found, s, id); ok || err != nil {
				return ok, err
			}
			*found = before
			continue
		}
		if !m.fields(localType, next) {
			return false, nil
		}
		found.steps = append(found.steps, step{typ: typ, member: true, index: i, name: name})
		*id = next
		return true, nil
	}
	return false, nil
}

func sameKind(a, b btf.Record) bool {
	return a.Kind() == b.Kind() || a.Kind().Enum() && b.Kind().Enum()
}

// oldBitfield reports whether an int is a bit-field as old compilers told it.
func oldBitfield(r btf.Record) bool { _, off := r.IntEncoding(); return off != 0 }

// fields reports whether a member's type can be read as the kernel's member's.
func (m matcher) fields(local, kernel btf.ID) bool {
	for range maxDepth {
		_, a := m.local.Unqualified(local)
		_, b := m.kernel.Unqualified(kernel)
		if a.Kind().Composite() && b.Kind().Composite() {
			return true
		}
		if !sameKind(a, b) {
			return false
		}
		switch k := a.Kind(); {
		case k == btf.KindPtr, k == btf.KindFloat:
			return true
		case k == btf.KindFwd, k.Enum():
			x, y := essential(m.local.Strings.At(a.Name())), essential(m.kernel.Strings.At(b.Name()))
			return x == "" || y == "" || x == y
		case k == btf.KindInt:
			return !oldBitfield(a) && !oldBitfield(b)
		case k == btf.KindArray:
			local, _, _ = a.Array()
			kernel, _, _ = b.Array()
		default:
			return false
		}
	}
	return false
}

// compatible reports whether types are of the same shape, whatever structs hold.
func (m matcher) compatible(local, kernel btf.ID, params int) (bool, error) {
	if !sameKind(m.local.Record(local), m.kernel.Record(kernel)) {
		return false, nil
	}
	for range maxDepth {
		_, a := m.local.Unqualified(local)
		_, b := m.kernel.Unqualified(kernel)
		if !sameKind(a, b) {
			return false, nil
		}
		switch k := a.Kind(); {
		case k == btf.KindVoid, k == btf.KindFwd, k.Composite(), k.Enum():
			return true, nil
		case k == btf.KindInt:
			return !oldBitfield(a) && !oldBitfield(b), nil
		case k == btf.KindPtr:
			local, kernel = a.Ref(), b.Ref()
		case k == btf.KindArray:
			local, _, _ = a.Array()
			kernel, _, _ = b.Array()
		case k == btf.KindFuncProto:
			if a.Len() != b.Len() {
				return false, nil
			}
			for i := range a.Len() {
				if params == 0 {
					return false, errDepth
				}
				_, p := a.Param(i)
				_, q := b.Param(i)
				p, _ = m.local.Unqualified(p)
				q, _ = m.kernel.Unqualified(q)
				if ok, err := m.compatible(p, q, params-1); !ok {
					return false, err
				}
			}
			local, kernel = a.Ref(), b.Ref()
		default:
			return false, nil
		}
	}
	return false, errDepth
}

// names reports whether types are of the same name, flavours aside.
func (m matcher) names(local, kernel btf.Name) bool {
	if kernel == 0 || local == 0 || local == kernel {
		return local == kernel
	}
	return essential(m.local.Strings.At(local)) == essential(m.kernel.Strings.At(kernel))
}

// match reports whether the kernel's type has all that the object's says.
func (m matcher) match(local, kernel btf.ID, behindPtr bool, level int) (bool, error) {
	if level == 0 {
		return false, errDepth
	}
	for range maxDepth {
		_, a := m.local.Unqualified(local)
		_, b := m.kernel.Unqualified(kernel)
		if !m.names(a.Name(), b.Name()) {
			return false, nil
		}
		k, same := a.Kind(), a.Kind() == b.Kind()
		switch {
		case k == btf.KindFwd || k.Composite() && behindPtr:
			return matchForward(a, b, behindPtr), nil
		case k.Enum():
			return b.Kind().Enum() && m.matchEnum(a, b), nil
		case !same:
			return false, nil
		case k == btf.KindVoid:
			return true, nil
		case k.Composite():
			return m.matchMembers(a, b, behindPtr, level)
		case k == btf.KindInt:
			x, _ := a.IntEncoding()
			y, _ := b.IntEncoding()
			return a.Size() == b.Size() && x&1 == y&1, nil
		case k == btf.KindPtr:
			behindPtr, local, kernel = true, a.Ref(), b.Ref()
		case k == btf.KindArray:
			p, _, n := a.Array()
			q, _, o := b.Array()
			if n != o {
				return false, nil
			}
			local, kernel = p, q
		case k == btf.KindFuncProto:
			if a.Len() != b.Len() {
				return false, nil
			}
			for i := range a.Len() {
				_, p := a.Param(i)
				_, q := b.Param(i)
				if ok, err := m.match(p, q, behindPtr, level-1); !ok {
					return false, err
				}
			}
			local, kernel = a.Ref(), b.Ref()
		default:
			return false, nil
		}
	}
	return false, errDepth
}

// matchForward compares what may be declared only: all behind pointers.
func matchForward(a, b btf.Record, behindPtr bool) bool {
	union := func(r btf.Record) bool {
		return r.Kind() == btf.KindUnion || r.Kind() == btf.KindFwd && r.Flag()
	}
	declared := func(r btf.Record) bool { return r.Kind() == btf.KindFwd }
	if !behindPtr && declared(a) != declared(b) || !b.Kind().Composite() && !declared(b) {
		return false
	}
	return union(a) == union(b)
}

// matchEnum reports whether the kernel's enum has all of the other's names.
func (m matcher) matchEnum(a, b btf.Record) bool {
	if a.Size() != b.Size() || a.Len() > b.Len() {
		return false
	}
	for i := range a.Len() {
		want, _ := a.Enumerator(i)
		found := false
		for j := 0; j < b.Len() && !found; j++ {
			name, _ := b.Enumerator(j)
			found = m.names(want, name)
		}
		if !found {
			return false
		}
	}
	return true
}

// matchMembers reports whether the kernel's struct has all of the other's members.
func (m matcher) matchMembers(a, b btf.Record, behindPtr bool, level int) (bool, error) {
	if a.Len() > b.Len() {
		return false, nil
	}
	for i := range a.Len() {
		want, p, _, _ := a.Member(i)
		found := false
		for j := 0; j < b.Len() && !found; j++ {
			name, q, _, _ := b.Member(j)
			if !m.names(want, name) {
				continue
			}
			var err error
			if found, err = m.match(p, q, behindPtr, level-1); err != nil {
				return false, err
			}
		}
		if !found {
			return false, nil
		}
	}
	return true, nil
}
