package bpfgen

import (
	"github.com/skep-bpf/skep/internal/bpf/object"
	"github.com/skep-bpf/skep/internal/diag"
)

// lineTable remembers the position of the last instruction.
type lineTable struct {
	last diag.Pos
}

// mark begins a line at the next instruction if its position differs from the one
// before. Instructions without a position belong to the one before; each function
// begins a line of its own, as the kernel wants.
func (t *lineTable) mark(c *Code, pos diag.Pos) {
	first := c.Funcs[len(c.Funcs)-1].Insn == len(c.Insns)
	if pos == diag.NoPos {
		pos = t.last
	}
	if pos == diag.NoPos || pos == t.last && !first {
		return
	}
	t.last = pos
	c.Lines = append(c.Lines, object.Line{Insn: len(c.Insns), Pos: pos})
}
