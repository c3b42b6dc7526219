package kern

import (
	"bufio"
	"fmt"
	"io"
)

// cNames gives the types of a header names that differ. C has one space of names for
// structs, unions and enums, and one for typedefs and enumerators; BTF may have a name
// several times, from files that never met. The second gets ___2, as in libbpf.
type cNames struct {
	given  map[TypeID]string
	tags   map[string]int
	idents map[string]int
}

func newCNames() *cNames {
	return &cNames{given: map[TypeID]string{}, tags: map[string]int{}, idents: map[string]int{}}
}

func (n *cNames) of(t Type) string {
	if s, ok := n.given[t.ID]; ok {
		return s
	}
	name := t.Name()
	switch t.Kind() {
	case KindStruct, KindUnion, KindEnum, KindEnum64, KindFwd:
		name = unique(n.tags, name)
	case KindTypedef:
		name = unique(n.idents, name)
	}
	n.given[t.ID] = name
	return name
}

func (n *cNames) ident(name string) string { return unique(n.idents, name) }

func unique(used map[string]int, name string) string {
	used[name]++
	if k := used[name]; k > 1 {
		return fmt.Sprintf("%s___%d", name, k)
	}
	return name
}

// WriteHeader writes a BTF's types, or those that roots need, as a C header that a compiler
// lays out as the kernel did: each type after those that it contains, structs that are
// only pointed to declared before; of all types, with the functions that programs may call.
func WriteHeader(w io.Writer, b *BTF, roots ...TypeID) error {
	h := &header{out: bufio.NewWriterSize(w, 1<<16), state: map[TypeID]uint8{}}
	h.d.names = newCNames()
	h.text(headerStart)
	all := len(roots) == 0
	if all {
		h.referenced(b)
		for id := b.First(); id < b.Len(); id++ {
			h.top(b.Type(id))
		}
		h.kfuncs(b)
	}
	for _, id := range roots {
		h.top(b.Type(id))
		h.need(b.Type(id), true)
	}
	h.text(headerEnd)
	if h.err != nil {
		return h.err
	}
	return h.out.Flush()
}

// The pragma makes clang record accesses for CO-RE, as headers made by bpftool do.
const (
	headerStart = `#ifndef __VMLINUX_H__
#define __VMLINUX_H__

#ifdef __clang__
#ifndef BPF_NO_PRESERVE_ACCESS_INDEX
#pragma clang attribute push (__attribute__((preserve_access_index)), apply_to = record)
#endif
#endif

`
	headerEnd = `#ifdef __clang__
#ifndef BPF_NO_PRESERVE_ACCESS_INDEX
#pragma clang attribute pop
#endif
#endif

#endif /* __VMLINUX_H__ */
`
)

// What of a type has been written.
const (
	stateDeclared = 1 << iota // struct x;
	stateStarted              // its parts are being written
	stateDefined
)

type header struct {
	out   *bufio.Writer
	d     declWriter
	state map[TypeID]uint8
	inner map[TypeID]bool // anonymous types that others contain
	err   error
}

func (h *header) text(s string) {
	if h.err == nil {
		_, h.err = h.out.WriteString(s)
	}
}

// flush writes what the declaration writer has.
func (h *header) flush(end string) {
	h.text(h.d.String() + end)
	h.d.Reset()
}

// referenced finds the anonymous enums that stand in other types; those that don't are
// written by themselves, for their enumerators.
func (h *header) referenced(b *BTF) {
	h.inner = map[TypeID]bool{}
	mark := func(t Type) {
		for t.Kind() == KindArray {
			t, _ = t.Array()
		}
		if t.Anonymous() {
			h.inner[t.ID] = true
		}
	}
	for id := b.First(); id < b.Len(); id++ {
		t := b.Type(id)
		switch t.Kind() {
		case KindStruct, KindUnion:
			t.Members(func(m Member) bool { mark(m.Type); return true })
		case KindArray:
			mark(t)
		case KindFuncProto:
			mark(t.Ref())
			for _, p := range t.Params() {
				mark(p.Type)
			}
		default:
			mark(t.Ref())
		}
	}
}

// top writes a type of the list: what has a name, and enums for their enumerators.
func (h *header) top(t Type) {
	switch t.Kind() {
	case KindStruct, KindUnion, KindTypedef:
		if !t.Anonymous() {
			h.need(t, false)
		}
	case KindEnum, KindEnum64:
		if !t.Anonymous() || !h.inner[t.ID] {
			h.enum(t)
		}
	}
}

// need writes what has to stand before a use of t: its definition, or a declaration when
// it's only pointed to.
func (h *header) need(t Type, pointed bool) {
	switch t.Kind() {
	case KindPtr:
		h.need(t.Ref(), true)
	case KindConst, KindVolatile, KindRestrict, KindTypeTag:
		h.need(t.Ref(), pointed)
	case KindArray:
		elem, _ := t.Array()
		h.need(elem, false)
	case KindFuncProto:
		h.need(t.Ref(), true)
		for _, p := range t.Params() {
			h.need(p.Type, true)
		}
	case KindEnum, KindEnum64:
		if !t.Anonymous() {
			h.enum(t)
		}
	case KindFwd:
		h.declare(t)
	case KindTypedef:
		h.typedef(t, pointed)
	case KindStruct, KindUnion:
		h.record(t, pointed)
	}
}

func (h *header) declare(t Type) {
	if h.state[t.ID]&(stateDeclared|stateDefined) == 0 {
		h.state[t.ID] |= stateDeclared
		h.text(Tag(t) + " " + h.d.names.of(t) + ";\n\n")
	}
}

func (h *header) enum(t Type) {
	if h.state[t.ID]&stateDefined == 0 {
		h.state[t.ID] |= stateDefined
		h.d.body(t, 0)
		h.flush(";\n\n")
	}
}

func (h *header) record(t Type, pointed bool) {
	switch s := h.state[t.ID]; {
	case s&(stateStarted|stateDefined) != 0 && (s&stateDefined != 0 || !pointed):
		return
	case pointed && !t.Anonymous():
		h.declare(t)
		return
	case s&stateStarted != 0:
		return
	}
	h.state[t.ID] |= stateStarted
	t.Members(func(m Member) bool { h.need(m.Type, false); return true })
	if t.Anonymous() {
		h.state[t.ID] &^= stateStarted
		return // it's written where it's used
	}
	h.state[t.ID] |= stateDefined
	h.d.body(t, 0)
	h.flush(";\n\n")
}

// compilerTypedef is a typedef's name that the compiler has by itself.
const compilerTypedef = "__builtin_va_list"

func (h *header) typedef(t Type, pointed bool) {
	s := h.state[t.ID]
	if s&stateStarted == 0 && t.Name() != compilerTypedef {
		h.state[t.ID] |= stateStarted
		h.need(t.Ref(), true)
		h.text("typedef ")
		h.d.decl(t.Ref(), h.d.names.of(t), 0)
		h.flush(";\n\n")
		h.state[t.ID] |= stateDefined
	}
	if !pointed {
		h.need(t.Ref(), false)
	}
}
