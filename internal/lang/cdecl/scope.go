package cdecl

import (
	"github.com/skep-bpf/skep/internal/diag"
	"github.com/skep-bpf/skep/internal/lang/types"
)

// Scope is what the C text defined: types, enumerators and macros.
type Scope struct {
	types   map[string]*types.Type // "struct x", "union x", "enum x", typedefs by their name
	enums   map[string]enumerator
	defines map[string]*Define
}

type enumerator struct {
	val uint64
	typ *types.Type
}

// Type finds a type by its name: "struct x", "union x", "enum x", or a typedef's.
func (s *Scope) Type(name string) (*types.Type, bool) {
	t, ok := s.types[name]
	return t, ok
}

// Enumerator finds an enumerator's value and type.
func (s *Scope) Enumerator(name string) (uint64, *types.Type, bool) {
	e, ok := s.enums[name]
	return e.val, e.typ, ok
}

// Define finds a macro without parameters.
func (s *Scope) Define(name string) (*Define, bool) {
	d, ok := s.defines[name]
	return d, ok && !d.Func
}

// Value is the value of a macro without parameters that is an integer constant in C.
func (s *Scope) Value(d *Define) (int64, bool) {
	r := Reader{macros: s.defines, rep: diag.NewReporter(nil)}
	e := evaluator{toks: r.expand(d.body, []string{d.Name}), name: func(t token) (int64, error) {
		if e, ok := s.enums[t.text]; ok {
			return int64(e.val), nil
		}
		return 0, errExpr
	}}
	v, err := e.all()
	return v, err == nil
}

// Overlay is env with the scope's types and enumerators in front of the kernel's.
func Overlay(env types.Env, s *Scope) types.Env { return overlay{env, s} }

type overlay struct {
	types.Env
	scope *Scope
}

func (o overlay) Type(name string) (*types.Type, bool) {
	if t, ok := o.scope.Type(name); ok {
		return t, true
	}
	return o.Env.Type(name)
}

func (o overlay) Enumerator(name string) (uint64, *types.Type, bool) {
	if v, t, ok := o.scope.Enumerator(name); ok {
		return v, t, true
	}
	return o.Env.Enumerator(name)
}
