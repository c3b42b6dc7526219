package link

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"github.com/skep-bpf/skep/internal/bpf/btf"
)

// addTypes adds the object's types to the output's, and notes which of them are about symbols.
func (in *input) addTypes() error {
	in.typed = map[string]typed{}
	if in.obj.Types == nil {
		return nil
	}
	if in.types.End()+in.obj.Types.End() > btf.MaxTypes {
		return fmt.Errorf("the objects have more than %d types", btf.MaxTypes)
	}
	in.shift = in.types.Append(in.obj.Types)
	for id := btf.ID(len(in.canon)); id < in.types.End(); id++ {
		in.canon = append(in.canon, id)
	}
	for id := in.shift + 1; id < in.types.End(); id++ {
		if !in.shared(id) {
			continue
		}
		name := in.types.Name(id)
		if other, ok := in.typed[name]; ok {
			return fmt.Errorf("types %d and %d are both of %q", other.id-in.shift, id-in.shift, name)
		}
		in.typed[name] = typed{id: id}
	}
	in.eachSection(func(name string, r btf.Record) {
		for i := range r.Len() {
			id := r.Var(i).Type
			if t := in.typed[in.types.Name(id)]; t.id == id && name != externSection {
				in.typed[in.types.Name(id)] = typed{id, name}
			}
		}
	})
	return nil
}

// shared reports whether a type is of a variable or function that isn't static.
func (l *linker) shared(id btf.ID) bool {
	r := l.types.Record(id)
	k := r.Kind()
	return (k == btf.KindVar || k == btf.KindFunc) && r.Linkage() != btf.LinkStatic
}

// eachSection calls f with the sections of which the object's types tell.
func (in *input) eachSection(f func(name string, r btf.Record)) {
	for id := in.shift + 1; id < in.types.End(); id++ {
		if r := in.types.Record(id); r.Kind() == btf.KindDatasec {
			f(in.types.Strings.At(r.Name()), r)
		}
	}
}

// addVariables notes the variables of sections. The sections' own types, and what belongs to
// a section that's kept only once, go away.
func (in *input) addVariables() error {
	if in.obj.Types == nil {
		return nil
	}
	var err error
	own := map[string]place{}
	for _, s := range in.obj.Sections {
		if _, ok := own[s.Name]; !ok {
			own[s.Name] = in.place[s]
		}
	}
	in.eachSection(func(name string, r btf.Record) {
		p := own[name]
		for i := range r.Len() {
			v := r.Var(i)
			switch k := in.types.Record(v.Type).Kind(); {
			case k != btf.KindVar && k != btf.KindFunc:
				err = fmt.Errorf("the types of section %s have a %s as a variable", name, k)
			case p.same:
				in.canon[v.Type] = btf.Dropped
			case name != externSection:
				v.Offset += uint32(p.off)
				s := in.sectionOf(name)
				s.vars = append(s.vars, v)
			}
		}
		if !p.same && name != externSection {
			in.sectionOf(name).typed = true
		}
	})
	for id := in.shift + 1; id < in.types.End(); id++ {
		if in.types.Record(id).Kind() == btf.KindDatasec {
			in.canon[id] = btf.Dropped
		}
	}
	return err
}

// finish makes the output's types one.
func (l *linker) finish() error {
	if l.types.End() == 1 {
		return nil
	}
	l.out.Types = l.types
	l.settleGlobals()
	l.dropPrototypes()
	// Those that only types know come last, as they do when the output is linked again.
	for _, typesOnly := range []bool{false, true} {
		for _, s := range l.order {
			if s.typed && (s.out == nil) == typesOnly {
				l.types.Add(l.sectionType(s))
				l.canon = append(l.canon, l.types.End()-1)
			}
		}
	}
	to, err := l.types.Dedup(l.canon)
	if err != nil {
		return err
	}
	return l.renumberExt(to)
}

// settleGlobals makes each global's mentions one type, and drops those that are of no symbol.
func (l *linker) settleGlobals() {
	kept := map[btf.ID]bool{}
	for _, g := range l.names {
		for _, id := range g.mentions {
			l.canon[id] = g.typ
		}
		kept[g.typ] = true
	}
	for id := btf.ID(1); id < l.types.End(); id++ {
		if l.shared(id) && l.canon[id] == id && !kept[id] {
			l.canon[id] = btf.Dropped
		}
	}
}

// dropPrototypes drops what only functions that another stands for were of: a declaration's
// prototype has no names of parameters, and would stay beside the definition's.
func (l *linker) dropPrototypes() {
	loose := map[btf.ID]bool{}
	for _, g := range l.names {
		for _, id := range g.mentions {
			if r := l.types.Record(id); id != g.typ && r.Kind() == btf.KindFunc {
				loose[r.Ref()] = true
			}
		}
	}
	if len(loose) == 0 {
		return
	}
	for id := btf.ID(1); id < l.types.End(); id++ {
		if l.canon[id] == id {
			l.types.Record(id).Refs(func(ref btf.ID) { delete(loose, ref) })
		}
	}
	for id := range loose {
		if id != 0 {
			l.canon[id] = btf.Dropped
		}
	}
}

// sectionType makes the type of a section of the output.
func (l *linker) sectionType(s *section) btf.Record {
	var vars []btf.SecVar
	for _, v := range s.vars {
		if l.shared(v.Type) {
			g, ok := l.globals[l.types.Name(v.Type)]
			if !ok || g.typ != v.Type {
				continue
			}
			if g.defined {
				v.Offset = uint32(g.sym.Value)
			}
		}
		vars = append(vars, v)
	}
	slices.SortStableFunc(vars, func(a, b btf.SecVar) int { return cmp.Compare(a.Offset, b.Offset) })
	size := uint32(0)
	if s.out != nil {
		size = uint32(s.out.Size)
	}
	return btf.NewSection(l.types.Strings.Name(s.name), size, vars)
}

// renumberExt gives what's known of instructions the types' new numbers.
func (l *linker) renumberExt(to []btf.ID) error {
	gone := false
	renumber := func(id *btf.ID) {
		*id = to[*id]
		gone = gone || *id == btf.Dropped
	}
	for _, s := range l.out.Sections {
		for i := range s.Funcs {
			renumber(&s.Funcs[i].Type)
		}
		for i := range s.CORE {
			renumber(&s.CORE[i].Type)
		}
	}
	if gone {
		return errors.New(".BTF.ext refers to the type of a symbol that there isn't")
	}
	return nil
}
