package ctree

// Inspect calls f for a statement or expression and for all in it, outermost first.
func Inspect(n any, f func(n any)) {
	if n == nil {
		return
	}
	f(n)
	for _, x := range children(n) {
		Inspect(x, f)
	}
}

// children are the statements and expressions right below n.
func children(n any) []any {
	switch n := n.(type) {
	case *Deref:
		return []any{n.X}
	case *Member:
		return []any{n.X}
	case *AddrOf:
		return []any{n.X}
	case *Neg:
		return []any{n.X}
	case *Compl:
		return []any{n.X}
	case *Not:
		return []any{n.X}
	case *Binary:
		return []any{n.X, n.Y}
	case *PtrAdd:
		return []any{n.X, n.N}
	case *PtrDiff:
		return []any{n.X, n.Y}
	case *Logic:
		return []any{n.X, n.Y}
	case *Cond:
		return []any{n.C, n.X, n.Y}
	case *Comma:
		return []any{n.X, n.Y}
	case *Assign:
		return []any{n.Dst, n.X}
	case *Update:
		return []any{n.Dst, n.X}
	case *Convert:
		return []any{n.X}
	case *Call:
		return list(n.Args)
	case *Builtin:
		return list(n.Args)
	case *CompoundLit:
		return inits(n.Init)
	case *StmtExpr:
		return []any{n.Block, n.X}
	}
	return below(n)
}

// below is children of statements.
func below(n any) []any {
	switch n := n.(type) {
	case *Block:
		return list(n.Stmts)
	case *ExprStmt:
		return []any{n.X}
	case *Decl:
		return inits(n.Init)
	case *If:
		return []any{n.C, n.Then, n.Else}
	case *Loop:
		return []any{n.Init, n.C, n.Step, n.Body}
	case *Switch:
		return []any{n.X, n.Body}
	case *Case:
		return []any{n.Body}
	case *Label:
		return []any{n.Body}
	case *Return:
		return []any{n.X}
	}
	return nil
}

func list[T any](xs []T) []any {
	out := make([]any, len(xs))
	for i, x := range xs {
		out[i] = x
	}
	return out
}

func inits(xs []Init) []any {
	out := make([]any, len(xs))
	for i := range xs {
		out[i] = xs[i].X
	}
	return out
}
