package ssagen

import (
	"strings"

	"github.com/skep-bpf/skep/internal/compiler/ssa"
	"github.com/skep-bpf/skep/internal/lang/syntax"
	"github.com/skep-bpf/skep/internal/lang/types"
)

// strSource is what str's arguments name: where the text is and its length's bound.
func (c *fn) strSource(e syntax.Expr, size uint32) (from ref, lit *string, limit *ssa.Value) {
	args := callArgs(e)
	o := c.expr(args[0])
	switch {
	case o.lit != nil:
		lit = o.lit
	case o.t.Kind == types.Pointer || o.v != nil:
		if o.t.Kind != types.Pointer {
			o.t = &types.Type{Kind: types.Pointer, Size: 8, Space: o.t.Space}
		}
		from = c.follow(o)
		if !from.probed {
			from = ref{base: c.refAddr(from), probed: true}
		}
		if b := c.builtin(e); b != nil && b.Name == "kstr" {
			from.user, from.any = false, false
		}
	default:
		from = o.ref
		size = min(size, bytesOf(o.t)+1) // of a char array without a NUL all bytes, and no more
		if from.class == ssa.MemKernel || from.class == ssa.MemCtx {
			from = ref{base: c.asInt(c.refAddr(from)), probed: true}
		}
	}
	limit = c.constU(uint64(size))
	if len(args) > 1 {
		// str(p, n) reads n bytes, the NUL among them.
		if k := c.constant(args[1]); k != nil {
			limit = c.constU(min(uint64(size), k.Int))
		} else {
			n := c.intExpr(args[1])
			limit = c.ifElse(c.cmp(ssa.OpULt, n, c.constU(uint64(size))), 1,
				func() *ssa.Value { return n },
				func() *ssa.Value { return c.constU(uint64(size)) })
		}
	}
	return from, lit, limit
}

// strInto is str(p[, n]) into memory.
func strInto(c *fn, e syntax.Expr, _ []syntax.Expr, dst *ssa.Value, class ssa.MemClass, t *types.Type, padded bool) {
	size := bytesOf(t)
	from, lit, limit := c.strSource(e, size)
	if c.b == nil {
		return
	}
	if lit != nil {
		c.storeBytes(dst, class, []byte(*lit), size)
		return
	}
	if padded {
		c.zero(dst, size, class, 8)
	}
	c.readStr(dst, limit, from)
}

// strAppend is str(p[, n]) at dst, giving its length with the NUL.
func (c *fn) strAppend(e syntax.Expr, dst *ssa.Value, size uint32) *ssa.Value {
	from, lit, limit := c.strSource(e, size)
	if c.b == nil {
		return nil
	}
	if lit != nil {
		n := min(uint32(len(*lit))+1, size)
		i, off := c.rodata.place(c.gen, append([]byte(*lit), 0))
		return c.call(fnProbeReadKernelStr, ssa.I64, dst, c.constU(uint64(n)), c.mapValue(i, off))
	}
	return c.readStr(dst, limit, from)
}

// bufSource is what buf's arguments name: where the bytes are and how many, at most size.
func (c *fn) bufSource(e syntax.Expr, size uint32) (from ref, n *ssa.Value) {
	args := callArgs(e)
	o := c.expr(args[0])
	if o.t.Kind == types.Pointer || o.v != nil {
		from = c.follow(o)
		if !from.probed {
			from = ref{base: c.refAddr(from), probed: true}
		}
	} else {
		if o.lit != nil {
			o.ref = c.inMemory(o)
		}
		from = o.ref
		if !from.probed {
			from = ref{base: c.refAddr(from), probed: true}
		}
	}
	n = c.constU(uint64(size))
	if len(args) > 1 {
		if k := c.constant(args[1]); k != nil {
			n = c.constU(min(k.Int, uint64(size)))
		} else {
			m := c.intExpr(args[1])
			n = c.ifElse(c.cmp(ssa.OpULt, m, c.constU(uint64(size))), 1,
				func() *ssa.Value { return m }, func() *ssa.Value { return c.constU(uint64(size)) })
		}
	}
	return from, n
}

// bufFixed is buf(p, n) into memory: u32 length, bytes.
func (c *fn) bufFixed(e syntax.Expr, _ []syntax.Expr, dst *ssa.Value, class ssa.MemClass, t *types.Type, padded bool) {
	from, n := c.bufSource(e, t.Size)
	if c.b == nil {
		return
	}
	if padded {
		c.zero(dst, bytesOf(t), class, 4)
	}
	c.store(dst, 0, n, 4, class)
	id := from.reader(false)
	c.helperError(id, c.call(id, ssa.I64, c.addI(dst, 4), n, c.refAddr(from)))
}

// bufInto writes a buffer's bytes alone at dst and gives their number.
func (c *fn) bufInto(dst *ssa.Value, arg *recordArg) *ssa.Value {
	if !arg.ready {
		from, n := c.bufSource(unparen(arg.e), arg.t.Size)
		id := from.reader(false)
		c.helperError(id, c.call(id, ssa.I64, dst, n, c.refAddr(from)))
		return n
	}
	r := c.inMemory(arg.o)
	n := c.load(r.base, r.off, mem(4, r.class, false))
	n = c.ifElse(c.cmp(ssa.OpULt, n, c.constU(uint64(arg.t.Size))), 1,
		func() *ssa.Value { return n }, func() *ssa.Value { return c.constU(uint64(arg.t.Size)) })
	c.call(fnProbeReadKernel, ssa.I64, dst, n, c.refAddr(r.add(4)))
	return n
}

// compareStrings is == or != on strings.
func (c *fn) compareStrings(x *syntax.BinaryExpr) *ssa.Value {
	a, b := c.expr(x.X), c.expr(x.Y)
	if c.b == nil {
		return c.constI(0)
	}
	if a.lit != nil {
		a, b = b, a
	}
	ne := x.Op == syntax.Ne
	switch {
	case a.lit != nil && b.lit != nil:
		return c.constI(b2i((*a.lit == *b.lit) != ne))
	case b.lit != nil:
		return c.equalLiteral(c.textAt(a), cString(*b.lit), bytesOf(a.t), ne)
	}
	return c.equalBytes(c.textAt(a), c.textAt(b), min(bytesOf(a.t), bytesOf(b.t)), 8, nil, ne)
}

// cString is s up to a NUL in it, where what reads it as text ends.
func cString(s string) string {
	text, _, _ := strings.Cut(s, "\x00")
	return text
}

// textAt is string o in memory that can be loaded from, its NUL included; zeroes follow that.
func (c *fn) textAt(o operand) ref {
	if o.lit != nil {
		text := cString(*o.lit)
		o.lit = &text
	}
	if o.lit == nil && (o.ref.probed || o.ref.class == ssa.MemKernel) {
		n := bytesOf(o.t)
		if o.chars {
			n++
		}
		buf := c.slot("text", n, 8)
		r := o.ref
		if !r.probed {
			r = ref{base: c.asInt(c.refAddr(r)), probed: true}
		}
		c.zero(buf, n, ssa.MemSlot, 8)
		c.readStr(buf, c.constU(uint64(n)), r)
		return ref{base: buf, class: ssa.MemSlot}
	}
	return c.inMemory(o)
}

// equalLiteral compares the string at r, of size bytes, with s and its NUL, by the widest loads.
func (c *fn) equalLiteral(r ref, s string, size uint32, ne bool) *ssa.Value {
	want := append([]byte(s), 0)
	if uint32(len(want)) > size {
		if uint32(len(s)) > size {
			return c.constI(b2i(ne))
		}
		want = want[:size]
	}
	differ, same, join := c.block(), c.block(), c.block()
	for off := uint32(0); off < uint32(len(want)); {
		w := r.align()
		for off%w != 0 || off+w > uint32(len(want)) {
			w >>= 1
		}
		var k uint64
		for i := range w {
			k |= uint64(want[off+i]) << (8 * i)
		}
		v := c.load(r.base, r.off+int64(off), mem(w, r.class, false))
		next := c.block()
		c.branch(c.cmp(ssa.OpEq, v, c.constU(k)), next, differ, 0)
		c.b = next
		off += w
	}
	c.jump(same)
	c.b = same
	yes := c.constI(b2i(!ne))
	c.jump(join)
	c.b = differ
	no := c.constI(b2i(ne))
	c.jump(join)
	c.b = join
	return c.emit(ssa.OpPhi, ssa.I64, yes, no)
}

// strncmp(a, b, n) is 0 when the first n bytes are equal, else 1.
func (c *fn) strncmp(e syntax.Expr, args []syntax.Expr) operand {
	t := c.typeOf(e)
	a, b := c.expr(args[0]), c.expr(args[1])
	n := uint32(min(bytesOf(a.t), bytesOf(b.t)))
	if k := c.constant(args[2]); k != nil && k.Int < uint64(n) {
		n = uint32(k.Int)
	}
	return operand{t: t, v: c.equalBytes(c.textAt(a), c.textAt(b), n, 8, nil, true)}
}

// textLength is the number of bytes before the NUL.
func (c *fn) textLength(o operand) *ssa.Value {
	if o.lit != nil {
		return c.constI(int64(len(cString(*o.lit))))
	}
	if c.b == nil {
		return c.constI(0)
	}
	r := c.textAt(o)
	n := bytesOf(o.t)
	// One byte more than a string without a NUL has is written over with one.
	buf := c.slot("scan", n+1, 8)
	// The helper's own loop is the fastest: it gives the length with the NUL.
	ret := c.call(fnProbeReadKernelStr, ssa.I64, buf, c.constU(uint64(n+1)), c.refAddr(r))
	return c.ifElse(c.cmp(ssa.OpSLt, ret, c.constI(1)), -1,
		func() *ssa.Value { return c.constI(0) },
		func() *ssa.Value { return c.bin(ssa.OpSub, ret, c.constI(1)) })
}

func (c *fn) strlen(e syntax.Expr, args []syntax.Expr) operand {
	return operand{t: c.typeOf(e), v: c.textLength(c.text(args[0]))}
}

// strcontains(hay, needle) is whether needle stands in hay. For a literal an automaton whose
// table is in read-only memory reads hay once (Knuth, Morris, Pratt); other needles are searched for.
func (c *fn) strcontains(e syntax.Expr, args []syntax.Expr) operand {
	t := c.typeOf(e)
	k := c.constant(args[1])
	switch {
	case k == nil || !k.IsStr || len(k.Str) > maxAutomaton:
		return operand{t: t, v: c.cmp(ssa.OpSLe, c.constI(0), c.find(e, args))}
	case k.Str == "":
		return operand{t: t, v: c.constI(1)}
	}
	hay, n := c.textOf(args[0])
	if c.b == nil {
		return operand{t: t, v: c.constI(0)}
	}
	return operand{t: t, v: c.automaton(hay, n, k.Str)}
}

// maxAutomaton is the longest needle that an automaton is made for; its table has 256 bytes a state.
const maxAutomaton = 64

// searchStride is how many characters are read before the end of the text is looked for:
// the verifier walks what follows the search once for each look.
const searchStride = 16

// automaton runs over the n bytes at r: table[state*256 + byte] is the next state. The
// states of a found needle and of an ended text stay, so that nothing else ends the loop.
func (c *fn) automaton(r ref, n uint32, needle string) *ssa.Value {
	table := searchTable(needle)
	m, off := c.rodata.place(c.gen, table)
	states := int64(len(table) / 256)
	state := c.slot("search", 8, 8)
	c.store(state, 0, c.constI(0), 8, ssa.MemSlot)
	get := func() *ssa.Value { return c.load(state, 0, mem(8, ssa.MemSlot, false)) }
	c.countTo(c.constI(int64(n)), 1, func(i *ssa.Value, done *ssa.Block) {
		ch := c.load(c.emit(ssa.OpAdd, ssa.Ptr, c.refAddr(r), i), 0, mem(1, r.class, false))
		s := c.bin(ssa.OpAnd, get(), c.constI(states-1))
		row := c.bin(ssa.OpAdd, c.bin(ssa.OpShl, s, c.constI(8)), ch)
		s = c.load(c.emit(ssa.OpAdd, ssa.Ptr, c.mapValue(m, off), row), 0, mem(1, ssa.MemConst, false))
		c.store(state, 0, s, 8, ssa.MemSlot)
		look, next := c.block(), c.block()
		last := c.bin(ssa.OpAnd, i, c.constI(searchStride-1))
		c.branch(c.cmp(ssa.OpEq, last, c.constI(searchStride-1)), look, next, -1)
		c.b = look
		c.branch(c.cmp(ssa.OpEq, ch, c.constI(0)), done, next, -1)
		c.b = next
	})
	return c.cmp(ssa.OpEq, get(), c.constI(int64(len(needle))))
}

// searchTable is the automaton's table: a row of 256 next states for each number of
// characters found, one for the needle found, one for the text's end, and unused ones up to
// a power of two, so that a mask bounds the state.
func searchTable(needle string) []byte {
	found, ended := len(needle), len(needle)+1
	states := 2
	for states <= ended {
		states *= 2
	}
	table := make([]byte, 256*states)
	row := func(s int) []byte { return table[256*s : 256*s+256] }
	row(0)[needle[0]] = 1
	fallback := 0
	for s := 1; s < found; s++ {
		copy(row(s), row(fallback))
		next := int(row(fallback)[needle[s]])
		row(s)[needle[s]] = byte(s + 1)
		fallback = next
	}
	for ch := range 256 {
		row(found)[ch], row(ended)[ch] = byte(found), byte(ended)
	}
	for s := range found {
		row(s)[0] = byte(ended)
	}
	return table
}

// ntopInto is ntop([family,] address): u32 family, 16 bytes.
func (c *fn) ntopInto(e syntax.Expr, args []syntax.Expr, dst *ssa.Value, class ssa.MemClass, t *types.Type, _ bool) {
	addr := args[len(args)-1]
	at := c.typeOf(addr)
	size := bytesOf(at)
	if scalar(at) {
		size = 4
	}
	family := c.constI(2) // AF_INET
	if size == 16 {
		family = c.constI(10) // AF_INET6
	}
	if len(args) > 1 {
		family = c.intExpr(args[0])
	}
	o := c.expr(addr)
	if c.b == nil {
		return
	}
	if o.lit != nil {
		o.ref = c.inMemory(o)
	}
	c.store(dst, 0, family, 4, class)
	if scalar(at) || o.v != nil {
		c.store(dst, 4, c.asInt(o.v), 4, class)
	} else {
		c.copyTo(c.addI(dst, 4), class, o.ref, min(size, 16), 1)
	}
	if size < 16 {
		c.zero(c.addI(dst, 4+int64(size)), 16-size, class, 4)
	}
}

func (c *fn) macInto(e syntax.Expr, args []syntax.Expr, dst *ssa.Value, class ssa.MemClass, t *types.Type, _ bool) {
	o := c.expr(args[0])
	if c.b == nil {
		return
	}
	r := o.ref
	switch {
	case o.t.Kind == types.Pointer || o.v != nil:
		r = c.follow(o)
	case o.lit != nil:
		r = c.inMemory(o)
	}
	c.copyTo(dst, class, r, 6, 1)
}

// pathInto is path(struct path *): bpf_d_path.
func (c *fn) pathInto(e syntax.Expr, args []syntax.Expr, dst *ssa.Value, class ssa.MemClass, t *types.Type, padded bool) {
	o := c.expr(args[0])
	p := o.v
	if p == nil && o.ref.base != nil {
		p = c.refAddr(o.ref)
	}
	if padded {
		c.zero(dst, bytesOf(t), class, 8)
	}
	c.helperError(fnDPath, c.call(fnDPath, ssa.I64, p, dst, c.constU(uint64(bytesOf(t)))))
}
