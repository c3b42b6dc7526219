package ssagen

import (
	"github.com/skep-bpf/skep/internal/compiler/ssa"
	"github.com/skep-bpf/skep/internal/lang/syntax"
	"github.com/skep-bpf/skep/internal/lang/types"
)

// nameInto is strerror(n), signal_name(n) or syscall_name(n): a row of a table in read-only
// memory, whose last one is for numbers without a name.
func (c *fn) nameInto(e syntax.Expr, args []syntax.Expr, dst *ssa.Value, class ssa.MemClass, t *types.Type, _ bool) {
	b := c.builtin(e)
	names, unknown := types.NameTable(b, c.info.Facts.Arch)
	size := bytesOf(t)
	table := make([]byte, size*uint32(len(names)+1))
	for i, s := range append(names, unknown) {
		if s == "" {
			s = unknown
		}
		copy(table[uint32(i)*size:], s)
	}
	n := c.intExpr(args[0])
	if b.ID == types.BuiltinStrerror {
		// Kernel functions give errors as negative numbers.
		pos := n
		n = c.ifElse(c.cmp(ssa.OpSLt, n, c.constI(0)), 0,
			func() *ssa.Value { return c.emit(ssa.OpNeg, ssa.I64, pos) }, func() *ssa.Value { return pos })
	}
	if c.b == nil {
		return
	}
	last := c.constU(uint64(len(names)))
	n = c.ifElse(c.cmp(ssa.OpULt, n, last), 1,
		func() *ssa.Value { return n }, func() *ssa.Value { return last })
	index, off := c.rodata.place(c.gen, table)
	row := c.emit(ssa.OpAdd, ssa.Ptr, c.mapValue(index, off), c.bin(ssa.OpMul, n, c.constU(uint64(size))))
	c.move(dst, class, row, ssa.MemConst, size, 1)
}
