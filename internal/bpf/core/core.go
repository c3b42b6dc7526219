// Package core is CO-RE: what of a BPF object's instructions depends on the kernel's types,
// and which of the kernel's types that is. It matches types as libbpf's relo_core.c does,
// whose answers loaders give, and does no I/O.
package core

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/skep-bpf/skep/internal/bpf/btf"
)

// Kind is what of a type a relocation asks for (enum bpf_core_relo_kind, include/uapi/linux/bpf.h).
type Kind uint32

// The kinds.
const (
	FieldByteOffset Kind = iota
	FieldByteSize
	FieldExists
	FieldSigned
	FieldLShift
	FieldRShift
	TypeIDLocal
	TypeIDTarget
	TypeExists
	TypeSize
	EnumvalExists
	EnumvalValue
	TypeMatches
	numKinds
)

func (k Kind) field() bool   { return k <= FieldRShift }
func (k Kind) enumval() bool { return k == EnumvalExists || k == EnumvalValue }

// maxAccess is how long the path of an access may be (BPF_CORE_SPEC_MAX_LEN).
const maxAccess = 64

// step is one of an access's meaningful steps: a member by name, or an element by number.
type step struct {
	typ    btf.ID // the struct or union, or the element's type
	member bool
	index  int
	name   btf.Name
}

// access is what a relocation is about, found in one type.
type access struct {
	root  btf.ID
	path  []int // members and elements, those of unnamed structs too
	steps []step
	bit   uint64 // where it is, in bits from the root's start
}

// parse reads a relocation's access, "0:1:2", in the object's types.
func parse(t *btf.Types, root btf.ID, text string, kind Kind) (*access, error) {
	a := &access{root: root}
	if kind >= numKinds {
		return nil, fmt.Errorf("kind %d of relocation isn't known", kind)
	}
	if !kind.field() && !kind.enumval() {
		if text != "0" {
			return nil, fmt.Errorf("a type has no %q", text)
		}
		return a, nil
	}
	for _, w := range strings.Split(text, ":") {
		n, err := strconv.ParseUint(w, 10, 31)
		if err != nil || len(a.path) == maxAccess {
			return nil, fmt.Errorf("%q is no access", text)
		}
		a.path = append(a.path, int(n))
	}
	id, r := t.Unqualified(root)
	if kind.enumval() {
		if !r.Kind().Enum() || len(a.path) > 1 || a.path[0] >= r.Len() {
			return nil, fmt.Errorf("%q is no enumerator of %s", text, t.Name(root))
		}
		name, _ := r.Enumerator(a.path[0])
		a.steps = []step{{typ: id, member: true, index: a.path[0], name: name}}
		return a, nil
	}
	a.steps = []step{{typ: id, index: a.path[0]}}
	if err := a.move(t, id, a.path[0]); err != nil {
		return nil, err
	}
	for _, n := range a.path[1:] {
		next, err := a.step(t, id, n)
		if err != nil {
			return nil, fmt.Errorf("%q in %s: %w", text, t.Name(root), err)
		}
		id = next
	}
	return a, nil
}

// move goes on by n elements of a type.
func (a *access) move(t *btf.Types, elem btf.ID, n int) error {
	size, ok := t.SizeOf(elem)
	if !ok {
		return fmt.Errorf("an element of type %d has no size", elem)
	}
	a.bit += uint64(n) * uint64(size) * 8
	return nil
}

// step follows a member or an element of a type.
func (a *access) step(t *btf.Types, id btf.ID, n int) (btf.ID, error) {
	id, r := t.Unqualified(id)
	switch {
	case r.Kind().Composite():
		if n >= r.Len() {
			return 0, fmt.Errorf("it has no member %d", n)
		}
		name, typ, bit, _ := r.Member(n)
		a.bit += uint64(bit)
		if name != 0 {
			a.steps = append(a.steps, step{typ: id, member: true, index: n, name: name})
		}
		return typ, nil
	case r.Kind() == btf.KindArray:
		elem, _, count := r.Array()
		if n >= int(count) && !a.flexible(t, count) {
			return 0, fmt.Errorf("element %d of %d", n, count)
		}
		elem, _ = t.Unqualified(elem)
		a.steps = append(a.steps, step{typ: elem, index: n})
		return elem, a.move(t, elem, n)
	}
	return 0, fmt.Errorf("a %s has no parts", r.Kind())
}

// flexible reports whether the array that was stepped to last has as many elements as it's
// given memory for: it ends its struct, and has the length 0.
func (a *access) flexible(t *btf.Types, count uint32) bool {
	last := a.steps[len(a.steps)-1]
	return count == 0 && last.member && last.index == t.Record(last.typ).Len()-1
}

// essential is a type's name without its flavour: task_struct___old is task_struct.
func essential(name string) string {
	// The flavour begins at the last three underscores that neither begin the name nor
	// follow one.
	for i := len(name) - 5; i >= 0; i-- {
		if name[i] != '_' && name[i+1:i+4] == "___" && name[i+4] != '_' {
			return name[:i+1]
		}
	}
	return name
}
