package cdecl

import (
	"strconv"

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

// Macro finds a macro without parameters.
func (s *Scope) Macro(name string) (*Define, bool) {
	d, ok := s.defines[name]
	return d, ok && !d.Func
}

// Define is a macro without parameters whose text is an integer or a string constant. The
// scope thus is a types.CDefs; expand has already put macros into the script by then.
func (s *Scope) Define(name string) (*types.Const, bool) {
	d, ok := s.Macro(name)
	if !ok {
		return nil, false
	}
	if len(d.body) == 1 && d.body[0].kind == str {
		text, err := strconv.Unquote(d.Text)
		return &types.Const{Str: text, IsStr: true}, err == nil
	}
	v, ok := s.Value(d)
	return &types.Const{Int: uint64(v)}, ok
}

// Value is the value of a macro without parameters that is an integer constant in C.
func (s *Scope) Value(d *Define) (int64, bool) {
	r := Reader{macros: s.defines, rep: diag.NewReporter(nil)}
	e := evaluator{toks: r.expandText(d.body, []string{d.Name}), name: func(t token) (int64, error) {
		if e, ok := s.enums[t.text]; ok {
			return int64(e.val), nil
		}
		return 0, errExpr
	}}
	v, err := e.all()
	return v, err == nil
}
