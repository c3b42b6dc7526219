package ssa

import (
	"errors"
	"fmt"
)

// Check reports what is unsound in f: all of it, joined in one error. It looks at
// blocks, edges, arguments, types, dominance and use counts; values in blocks that
// can't be reached are exempt from dominance.
func Check(f *Func) error {
	c := &checker{f: f, placed: make([]*Value, f.NumValues()), at: make([]int32, f.NumValues()),
		uses: make([]int32, f.NumValues())}
	if len(f.Blocks) == 0 {
		return fmt.Errorf("func %s: no blocks", f.Name)
	}
	c.blocks()
	if len(c.errs) == 0 { // the rest needs sound edges
		c.place()
		c.values()
		c.useCounts()
	}
	if len(c.errs) == 0 {
		return nil
	}
	return fmt.Errorf("func %s: %w", f.Name, errors.Join(c.errs...))
}

type checker struct {
	f      *Func
	errs   []error
	placed []*Value // by ID: the value that stands in a block
	at     []int32  // by ID: its place in its block
	uses   []int32  // by ID, counted
	dom    *domTree
}

const maxCheckErrors = 20

func (c *checker) errorf(format string, args ...any) {
	if len(c.errs) < maxCheckErrors {
		c.errs = append(c.errs, fmt.Errorf(format, args...))
	}
}

func (c *checker) bad(v *Value, format string, args ...any) {
	c.errorf("%s: %s: %s", v.Block, v.LongString(), fmt.Sprintf(format, args...))
}

// blocks checks the endings and that edges are the same from both ends.
func (c *checker) blocks() {
	f := c.f
	seen := make([]*Block, f.NumBlocks())
	for _, b := range f.Blocks {
		if b.Func != f {
			c.errorf("%s: belongs to another function", b)
		}
		if b.ID < 0 || int(b.ID) >= len(seen) || seen[b.ID] != nil {
			c.errorf("%s: the ID is taken or out of range", b)
			continue
		}
		seen[b.ID] = b
	}
	if len(f.Entry().Preds) > 0 {
		c.errorf("%s: the entry has predecessors", f.Entry())
	}
	succs, preds := 0, 0
	count := make([]int32, f.NumBlocks())
	for _, b := range f.Blocks {
		c.ending(b)
		succs, preds = succs+len(b.Succs), preds+len(b.Preds)
		for _, x := range append(append([]*Block(nil), b.Succs...), b.Preds...) {
			if x == nil || int(x.ID) >= len(seen) || seen[x.ID] != x {
				c.errorf("%s: an edge joins %s, which isn't in the function", b, x)
				return
			}
		}
		c.edgesInto(b, count)
	}
	if succs != preds {
		c.errorf("%d edges by successors, %d by predecessors", succs, preds)
	}
}

// edgesInto checks that b stands among p's successors as often as p among b's predecessors.
func (c *checker) edgesInto(b *Block, count []int32) {
	for _, p := range b.Preds {
		count[p.ID]++
	}
	for _, p := range b.Preds {
		if count[p.ID] == 0 {
			continue
		}
		for _, s := range p.Succs {
			if s == b {
				count[p.ID]--
			}
		}
		if count[p.ID] != 0 {
			c.errorf("%s: predecessor %s doesn't go here as often as it's listed", b, p)
		}
		count[p.ID] = 0
	}
}

func (c *checker) ending(b *Block) {
	want := 0
	switch b.Kind {
	case BlockPlain:
		want = 1
		if b.Control != nil {
			c.errorf("%s: a jump has a control value", b)
		}
	case BlockIf:
		want = 2
		if b.Control == nil || b.Control.Type == Void {
			c.errorf("%s: an if has no condition", b)
		}
	case BlockRet:
		if b.Control != nil && b.Control.Type != c.f.Result {
			c.errorf("%s: returns %s, not %s", b, b.Control.Type, c.f.Result)
		}
	default:
		c.errorf("%s: no block kind %d", b, b.Kind)
		return
	}
	if len(b.Succs) != want {
		c.errorf("%s: %d successors, not %d", b, len(b.Succs), want)
	}
}

// place notes where every value stands.
func (c *checker) place() {
	for _, b := range c.f.Blocks {
		for i, v := range b.Values {
			switch {
			case v == nil:
				c.errorf("%s: value %d is nil", b, i)
			case v.ID < 0 || int(v.ID) >= len(c.placed):
				c.bad(v, "the ID is out of range")
			case c.placed[v.ID] != nil:
				c.bad(v, "the ID is taken")
			case v.Block != b:
				c.bad(v, "stands in %s", b)
			default:
				c.placed[v.ID], c.at[v.ID] = v, int32(i)
			}
		}
	}
}

// values checks each value's arguments, types and order.
func (c *checker) values() {
	if len(c.errs) > 0 {
		return
	}
	c.dom = c.f.dominators()
	for _, b := range c.f.Blocks {
		phis, params := true, true
		for i, v := range b.Values {
			phis = phis && v.Op == OpPhi
			params = params && v.Op == OpParam
			if v.Op == OpPhi && !phis {
				c.bad(v, "a phi stands after other values")
			}
			if v.Op == OpParam && (b != c.f.Entry() || !params) {
				c.bad(v, "a parameter stands elsewhere than first in the entry block")
			}
			if c.args(v) {
				c.order(v, i)
				if msg := typeError(c.f, v); msg != "" {
					c.bad(v, "%s", msg)
				}
			}
		}
		if b.Control != nil && c.known(b.Control) {
			c.uses[b.Control.ID]++
			c.dominatesEnd(b.Control, b, func(msg string) { c.errorf("%s: %s", b, msg) })
		} else if b.Control != nil {
			c.errorf("%s: control %s stands in no block", b, b.Control)
		}
	}
}

func (c *checker) known(v *Value) bool {
	return v != nil && int(v.ID) < len(c.placed) && v.ID >= 0 && c.placed[v.ID] == v
}

// args checks that v's arguments exist, and counts them as uses.
func (c *checker) args(v *Value) bool {
	if v.Op == OpInvalid || v.Op >= opCount {
		c.errorf("%s: %s: no op %d", v.Block, v, v.Op)
		return false
	}
	ok := true
	for i, a := range v.Args {
		if !c.known(a) {
			c.bad(v, "argument %d (%s) stands in no block", i, a)
			ok = false
			continue
		}
		c.uses[a.ID]++
		if a.Type == Void {
			c.bad(v, "argument %d (%s) has no result", i, a)
			ok = false
		}
	}
	want := int(v.Op.Info().NArgs)
	if v.Op == OpPhi {
		want = len(v.Block.Preds)
	}
	if want >= 0 && len(v.Args) != want {
		c.bad(v, "%d arguments, not %d", len(v.Args), want)
		ok = false
	}
	return ok
}

// order checks that v's arguments are computed before it.
func (c *checker) order(v *Value, i int) {
	if !c.dom.reachable(v.Block) {
		return
	}
	for n, a := range v.Args {
		switch {
		case v.Op == OpPhi:
			c.dominatesEnd(a, v.Block.Preds[n], func(msg string) { c.bad(v, "%s", msg) })
		case a.Block == v.Block:
			if c.at[a.ID] >= int32(i) {
				c.bad(v, "%s is used before it", a)
			}
		case !c.dom.reachable(a.Block) || !c.dom.dominates(a.Block, v.Block):
			c.bad(v, "%s in %s doesn't dominate its use", a, a.Block)
		}
	}
}

// dominatesEnd checks that v is computed whenever b has run.
func (c *checker) dominatesEnd(v *Value, b *Block, bad func(string)) {
	if !c.dom.reachable(b) || v.Block == b {
		return
	}
	if !c.dom.reachable(v.Block) || !c.dom.dominates(v.Block, b) {
		bad(fmt.Sprintf("%s in %s doesn't dominate the end of %s", v, v.Block, b))
	}
}

func (c *checker) useCounts() {
	for id, v := range c.placed {
		if v != nil && v.Uses != c.uses[id] {
			c.bad(v, "Uses is %d, but it's used %d times", v.Uses, c.uses[id])
		}
	}
}
