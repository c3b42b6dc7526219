package ssagen

import (
	"github.com/skep-bpf/skep/internal/compiler/ssa"
	"github.com/skep-bpf/skep/internal/lang/syntax"
	"github.com/skep-bpf/skep/internal/lang/types"
)

// textOf is a string-like argument, a string, an array of bytes or a pointer to bytes, in
// memory that can be loaded from, and its size.
func (c *fn) textOf(e syntax.Expr) (ref, uint32) {
	o := c.text(e)
	if c.b == nil {
		return ref{}, 0
	}
	return c.textAt(o), bytesOf(o.t)
}

// text is e, a string or a pointer to one, as a string where it is.
func (c *fn) text(e syntax.Expr) operand {
	o := c.expr(e)
	if c.b != nil && o.t.Kind == types.Pointer && o.lit == nil {
		o = operand{t: &types.Type{Kind: types.String, Size: uint32(c.info.Config.StrSize())}, ref: c.follow(o)}
	}
	return o
}

// search is where the string needle begins in hay, -1 when it doesn't: each place of hay is
// tried, in a loop over places and characters that the verifier sees the bound of.
func (c *fn) search(hay ref, n uint32, needle ref, m uint32) *ssa.Value {
	state := c.slot("search", 24, 8) // place, character, result
	c.zero(state, 24, ssa.MemSlot, 8)
	const place, char, result = 0, 8, 16
	get := func(off int64) *ssa.Value { return c.load(state, off, mem(8, ssa.MemSlot, off == result)) }
	set := func(off int64, v *ssa.Value) { c.store(state, off, v, 8, ssa.MemSlot) }
	at := func(r ref, i *ssa.Value, class ssa.MemClass) *ssa.Value {
		return c.load(c.emit(ssa.OpAdd, ssa.Ptr, c.refAddr(r), i), 0, mem(1, class, false))
	}
	set(result, c.constI(-1))
	places, chars, more, room, inside, advance, found, done :=
		c.block(), c.block(), c.block(), c.block(), c.block(), c.block(), c.block(), c.block()
	c.jump(places)
	c.b = places
	set(char, c.constI(0))
	c.branch(c.cmp(ssa.OpULt, get(place), c.constU(uint64(n))), chars, done, 1)
	c.b = chars
	j := get(char)
	c.branch(c.cmp(ssa.OpULt, j, c.constU(uint64(m))), more, found, 1)
	c.b = more
	want := at(needle, j, needle.class)
	c.branch(c.cmp(ssa.OpEq, want, c.constI(0)), found, room, -1)
	c.b = room
	k := c.bin(ssa.OpAdd, get(place), j)
	c.branch(c.cmp(ssa.OpULt, k, c.constU(uint64(n))), inside, done, 1)
	c.b = inside
	have := at(hay, k, hay.class)
	same, other := c.block(), c.block()
	c.branch(c.cmp(ssa.OpEq, have, want), same, other, -1)
	c.b = same
	set(char, c.bin(ssa.OpAdd, j, c.constI(1)))
	c.jump(chars)
	c.b = other
	// Behind the string's end nothing begins.
	c.branch(c.cmp(ssa.OpEq, have, c.constI(0)), done, advance, -1)
	c.b = advance
	set(place, c.bin(ssa.OpAdd, get(place), c.constI(1)))
	c.jump(places)
	c.b = found
	set(result, get(place))
	c.jump(done)
	c.b = done
	return get(result)
}

// strstr is strstr(haystack, needle).
func (c *fn) strstr(e syntax.Expr, args []syntax.Expr) operand {
	at := c.find(e, args)
	return operand{t: c.typeOf(e), v: c.ifElse(c.cmp(ssa.OpSLt, at, c.constI(0)), 0,
		func() *ssa.Value { return c.constI(-1) }, func() *ssa.Value { return at })}
}

// find is where the string args[1] begins in args[0]: by the kernel's own search where it has
// one, else by ours.
func (c *fn) find(e syntax.Expr, args []syntax.Expr) *ssa.Value {
	hay, n := c.textOf(args[0])
	needle, m := c.textOf(args[1])
	if c.b == nil {
		return c.constI(-1)
	}
	if _, ok := c.info.Env.Kfunc(kfStrnstr); ok {
		at := c.kfunc(kfStrnstr, ssa.I64, c.refAddr(hay), c.refAddr(needle), c.constU(uint64(n)))
		return c.emit(ssa.OpSExt32, ssa.I64, at)
	}
	if n*m > searchSteps {
		c.unsupported(e.Span(), "searching strings of %d bytes for others of %d before Linux 6.17, which has %s", n, m, kfStrnstr)
		return c.constI(-1)
	}
	return c.search(hay, n, needle, m)
}

// kfStrnstr is the kernel's search (kernel/bpf/helpers.c, 6.17): strings that don't fit give
// a negative errno.
const kfStrnstr = "bpf_strnstr"

// searchSteps bounds our own search by what the verifier walks through.
const searchSteps = 64 * 64

// concat is str_concat(a, b): the second string is written over the first one's NUL.
func (c *fn) concat(e syntax.Expr, args []syntax.Expr, dst *ssa.Value, class ssa.MemClass, t *types.Type, padded bool) {
	size := bytesOf(t)
	a, n := c.textOf(args[0])
	b, m := c.textOf(args[1])
	if c.b == nil {
		return
	}
	// The second is put where it may reach over the end, which a buffer of both sizes holds.
	buf := c.slot("concat", n+max(m, size), 8)
	if padded {
		c.zero(buf, n+max(m, size), ssa.MemSlot, 8)
	}
	got := c.call(fnProbeReadKernelStr, ssa.I64, buf, c.constU(uint64(n)), c.refAddr(a))
	end := c.ifElse(c.cmp(ssa.OpULt, c.bin(ssa.OpSub, got, c.constI(1)), c.constU(uint64(n))), 1,
		func() *ssa.Value { return c.bin(ssa.OpSub, got, c.constI(1)) },
		func() *ssa.Value { return c.constI(0) })
	c.call(fnProbeReadKernelStr, ssa.I64, c.emit(ssa.OpAdd, ssa.Ptr, buf, end), c.constU(uint64(m)), c.refAddr(b))
	c.move(dst, class, buf, ssa.MemSlot, size, 1)
}

// memcmp is memcmp(a, b, n): the difference of the first bytes that differ.
func (c *fn) memcmp(e syntax.Expr, args []syntax.Expr) operand {
	t := c.typeOf(e)
	k := c.constant(args[2])
	a, b := c.expr(args[0]), c.expr(args[1])
	if c.b == nil || k == nil {
		return operand{t: t, v: c.constI(0)}
	}
	return operand{t: t, v: c.firstDifference(c.inBytes(a), c.inBytes(b), uint32(k.Int))}
}

// firstDifference is the difference of the first bytes that differ among n, 0 when there's none.
func (c *fn) firstDifference(a, b ref, n uint32) *ssa.Value {
	diff := c.slot("memcmp", 8, 8)
	c.store(diff, 0, c.constI(0), 8, ssa.MemSlot)
	c.countTo(c.constU(uint64(n)), 1, func(i *ssa.Value, done *ssa.Block) {
		byteAt := func(r ref) *ssa.Value {
			return c.load(c.emit(ssa.OpAdd, ssa.Ptr, c.refAddr(r), i), 0, mem(1, r.class, false))
		}
		x, y := byteAt(a), byteAt(b)
		same, differ := c.block(), c.block()
		c.branch(c.cmp(ssa.OpEq, x, y), same, differ, 1)
		c.b = differ
		c.store(diff, 0, c.bin(ssa.OpSub, x, y), 8, ssa.MemSlot)
		c.jump(done)
		c.b = same
	})
	return c.load(diff, 0, mem(8, ssa.MemSlot, true))
}
