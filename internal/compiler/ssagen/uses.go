package ssagen

import (
	"github.com/skep-bpf/skep/internal/lang/syntax"
	"github.com/skep-bpf/skep/internal/lang/types"
)

// scriptUses is what the script does with its variables and functions, found by one walk.
type scriptUses struct {
	sets    map[*types.Local]int  // the places that set a variable, those twice that may set it again; a call sets a parameter
	indexed map[*types.Local]bool // variables that are indexed with what is known only when a probe runs
	calls   map[string]int        // the calls of a function
}

func usesOf(info *types.Info) scriptUses {
	u := scriptUses{map[*types.Local]int{}, map[*types.Local]bool{}, map[string]int{}}
	look := func(n syntax.Node) bool {
		u.note(info, n)
		return true
	}
	for _, unit := range info.Units {
		if unit.Pred != nil {
			syntax.Inspect(unit.Pred, look)
		}
		syntax.Inspect(unit.Body, look)
	}
	for _, f := range info.Funcs {
		for _, p := range f.Params {
			u.sets[p]++
		}
		syntax.Inspect(f.Decl.Body, look)
	}
	return u
}

func (u *scriptUses) note(info *types.Info, n syntax.Node) {
	switch x := n.(type) {
	case *syntax.Assign:
		if v, ok := x.Target.(*syntax.VarExpr); ok {
			u.sets[info.Locals[v.ID()]]++
		}
	case *syntax.Let:
		u.sets[info.Locals[x.Name.ID()]]++
	case *syntax.UnaryExpr:
		if v, ok := unparen(x.X).(*syntax.VarExpr); ok && x.Op >= syntax.AddrOf {
			u.sets[info.Locals[v.ID()]] += 2
		}
	case *syntax.IndexExpr:
		if v := syntax.PlaceVar(x.X); v != nil && len(x.Args) == 1 && info.Consts[x.Args[0].ID()] == nil {
			u.indexed[info.Locals[v.ID()]] = true
		}
	case *syntax.CallExpr:
		u.calls[x.Fun.Name]++
	}
}
