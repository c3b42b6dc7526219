package types

import "github.com/skep-bpf/skep/internal/lang/syntax"

// BuiltinID names a builtin for the one who generates code.
type BuiltinID uint16

// Builtin is a row of the universe: a builtin variable or function.
type Builtin struct {
	ID   BuiltinID
	Name string
	// Min and Max bound the arguments of a call; Max -1: any number. Var: it may stand without parentheses.
	Min, Max  int
	Var       bool
	Aggregate bool // only as a map's assigned value: count, hist …
	Async     bool // acts in user space
	Unsafe    bool // behind --unsafe
	Stmt      bool // has no value
	Doc       string
	// Check types the call or use (e is the CallExpr or Ident); nil until the checker sets it.
	check func(c *checker, e syntax.Expr, args []syntax.Expr, b *Builtin) *Type
}
