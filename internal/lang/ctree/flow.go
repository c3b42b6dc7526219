package ctree

// FallsOff reports whether control may get behind a function's last statement, as C compilers
// see it: a condition that's no constant may be either, and a label is gone to.
func FallsOff(body Stmt) bool {
	switch s := body.(type) {
	case *Block:
		reached := true
		for _, x := range s.Stmts {
			if reached || hasLabel(x) {
				reached = FallsOff(x)
			}
		}
		return reached
	case *If:
		return fallsOffIf(s)
	case *Loop:
		return fallsOffLoop(s)
	case *Switch:
		for _, c := range s.Cases {
			if c.Default {
				return FallsOff(s.Body) || leaves(s.Body, false)
			}
		}
	case *Case:
		return FallsOff(s.Body)
	case *Label:
		return FallsOff(s.Body)
	case *Goto, *Break, *Continue, *Return:
		return false
	case *ExprStmt:
		b, ok := s.X.(*Builtin)
		return !ok || b.Name != "unreachable" && b.Name != "trap"
	}
	return true
}

func fallsOffLoop(s *Loop) bool {
	switch {
	case leaves(s.Body, false):
		return true
	case s.C == nil || isConst(s.C, true):
		return false
	}
	return !s.Do || FallsOff(s.Body) || leaves(s.Body, true)
}

func fallsOffIf(s *If) bool {
	if (!isConst(s.C, false) || hasLabel(s.Then)) && FallsOff(s.Then) {
		return true
	}
	return !isConst(s.C, true) && (s.Else == nil || FallsOff(s.Else))
}

// isConst reports whether x is always true, or always false.
func isConst(x Expr, val bool) bool {
	k, ok := x.(*Const)
	return ok && (k.Val != 0) == val
}

// hasLabel reports whether there's a place in s that is gone to.
func hasLabel(s Stmt) bool {
	found := false
	Inspect(s, func(n any) {
		switch n.(type) {
		case *Label, *Case:
			found = true
		}
	})
	return found
}

// leaves reports whether s, the body of a loop or switch, has a break of it, or a continue if
// next is set.
func leaves(s Stmt, next bool) bool {
	switch s := s.(type) {
	case *Break:
		return !next
	case *Continue:
		return next
	case *Block:
		for _, x := range s.Stmts {
			if leaves(x, next) {
				return true
			}
		}
	case *If:
		return leaves(s.Then, next) || s.Else != nil && leaves(s.Else, next)
	case *Case:
		return leaves(s.Body, next)
	case *Label:
		return leaves(s.Body, next)
	case *Switch:
		return next && leaves(s.Body, next)
	}
	return false
}
