package ssagen

import (
	"strings"

	"github.com/skep-bpf/skep/internal/compiler/ssa"
	"github.com/skep-bpf/skep/internal/lang/syntax"
)

// found remembers map elements that the program has looked up, so that the usual
// `/@start[tid]/ { … @start[tid] … }` asks the kernel once. An entry holds from where it
// was made to the end of the branch that made it, until the map changes.
type found struct {
	m   string // the map's name
	key string // its key as text
	p   *ssa.Value
}

// foundKey is the key's text if its value can't change during a run: builtins of the task,
// arguments, literals.
func (c *fn) foundKey(args []syntax.Expr) (string, bool) {
	var b strings.Builder
	ok := true
	for _, e := range args {
		syntax.Inspect(e, func(n syntax.Node) bool {
			switch n := n.(type) {
			case *syntax.ParenExpr, *syntax.IntLit, *syntax.BoolLit, *syntax.StringLit, *syntax.TupleExpr, *syntax.FieldExpr:
			case *syntax.Ident:
				switch n.Name {
				case "nsecs", "elapsed", "rand", "jiffies", "comm":
					ok = false
				}
			default:
				ok = false
			}
			return ok
		})
		if ok {
			b.WriteString(syntax.Dump(e))
		}
	}
	return b.String(), ok
}

// elementAt is the address of a map's element, or NULL: looked up, or as found before.
func (c *fn) elementAt(st *mapState, args []syntax.Expr) *ssa.Value {
	key, stable := c.foundKey(args)
	if stable {
		for _, f := range c.found {
			if f.m == st.Name && f.key == key {
				return f.p
			}
		}
	}
	at := c.key(st, args)
	if c.b == nil {
		return c.emitAux(ssa.OpConst, ssa.Ptr, 0, nil)
	}
	p := c.lookup(st.v.Map, at)
	if stable {
		c.found = append(c.found, found{st.Name, key, p})
	}
	return p
}

// forget drops what's known of a map, since it changes; "" drops all.
func (c *fn) forget(name string) {
	kept := c.found[:0:0]
	for _, f := range c.found {
		if name != "" && f.m != name {
			kept = append(kept, f)
		}
	}
	c.found = kept
}

// branching runs one side of a branch: what it finds is forgotten after it.
func (c *fn) branching(body func()) {
	before := append([]found(nil), c.found...)
	body()
	c.found = stillFound(before, c.found)
}

// otherwise runs the side of a branch that its condition's own finds don't reach: only
// what was known before the condition holds there, and after the whole branch.
func (c *fn) otherwise(before []found, body func()) {
	c.found = stillFound(before, c.found)
	c.branching(body)
}

// stillFound are those of before that are in now too.
func stillFound(before, now []found) []found {
	var kept []found
	for _, f := range before {
		for _, g := range now {
			if f == g {
				kept = append(kept, f)
				break
			}
		}
	}
	return kept
}
