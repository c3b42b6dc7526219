package ssagen

import (
	"github.com/skep-bpf/skep/internal/bpf/object"
	"github.com/skep-bpf/skep/internal/compiler/ssa"
	"github.com/skep-bpf/skep/internal/lang/syntax"
	"github.com/skep-bpf/skep/internal/lang/types"
)

// mapFor is the state of the @map that m names; nil when the checker gave it no type.
func (c *fn) mapFor(m *syntax.MapExpr) *mapState {
	i, ok := c.mapByName[m.Name]
	if !ok || c.maps[i].v == nil {
		return nil
	}
	return &c.maps[i]
}

// key evaluates a map's key into memory.
func (c *fn) key(st *mapState, args []syntax.Expr) ref {
	n := keySize(st.MapInfo)
	if st.v.Buckets {
		n = st.v.BucketOff + 8
	}
	if len(args) == 1 && !st.v.Buckets {
		// A key that's in memory already is used where it is.
		if o, ok := c.keyInPlace(args[0], st.Key); ok {
			return o
		}
	}
	buf := c.slot("key", n, 8)
	c.keyInto(buf, st, args)
	return ref{base: buf, class: ssa.MemSlot}
}

// keyInPlace finds a key that needs no copy: a variable of the very type, not a scalar.
func (c *fn) keyInPlace(e syntax.Expr, t *types.Type) (ref, bool) {
	v, ok := unparen(e).(*syntax.VarExpr)
	if !ok || scalar(t) {
		return ref{}, false
	}
	l := c.local(c.info.Locals[v.ID()])
	if l == nil || l.t.Kind != t.Kind || bytesOf(l.t) != bytesOf(t) ||
		(t.Kind == types.Tuple || t.Kind == types.Record) && !sameLayout(l.t, t) {
		return ref{}, false
	}
	return ref{base: c.localAddr(l), class: ssa.MemSlot}, true
}

func (c *fn) keyInto(buf *ssa.Value, st *mapState, args []syntax.Expr) {
	n := keySize(st.MapInfo)
	switch {
	case st.Key == nil:
	case len(args) == 1:
		c.into(buf, ssa.MemSlot, args[0], st.Key, true)
	case st.Key.Kind == types.Tuple && len(st.Key.Fields) == len(args):
		c.padding(buf, ssa.MemSlot, st.Key)
		for i, f := range st.Key.Fields {
			c.into(c.addI(buf, int64(f.Offset)), ssa.MemSlot, args[i], f.Type, true)
		}
	}
	if st.v.Buckets && st.v.BucketOff > n {
		c.zero(c.addI(buf, int64(n)), st.v.BucketOff-n, ssa.MemSlot, lowBit(n))
	}
}

// lookup is bpf_map_lookup_elem: the value's address or NULL.
func (c *fn) lookup(index int, key ref) *ssa.Value {
	return c.call(fnMapLookup, ssa.Ptr, c.mapPtr(index), c.refAddr(key))
}

// update is bpf_map_update_elem with BPF_ANY; a refusal is counted and reported.
func (c *fn) update(st *mapState, key ref, val *ssa.Value) {
	c.forget(st.Name)
	ret := c.call(fnMapUpdate, ssa.I64, c.mapPtr(st.v.Map), c.refAddr(key), val, c.constI(0))
	c.mapFailure(ret)
}

// globalAddr is the address of a keyless map's value: this CPU's when it has one a CPU.
func (c *fn) globalAddr(v *object.Var) *ssa.Value {
	base := c.mapValue(v.Map, int64(v.Offset))
	if v.Storage != object.StoreGlobalPerCPU || c.cpuSlots() == 1 {
		return base
	}
	cpu := c.bin(ssa.OpAnd, c.call(fnCPU, ssa.I64), c.constU(uint64(c.cpuSlots()-1)))
	return c.emit(ssa.OpAdd, ssa.Ptr, base, c.bin(ssa.OpMul, cpu, c.constU(uint64(v.Stride))))
}

// written marks a keyless map at p as written, so that it's printed.
func (c *fn) written(v *object.Var, p *ssa.Value) {
	c.store(p, int64(v.Present)-int64(v.Offset), c.constI(1), 1, ssa.MemMap)
}

// mapRead is @m or @m[k] as a value. What isn't there reads as zero.
func (c *fn) mapRead(m *syntax.MapExpr, args []syntax.Expr) operand {
	st := c.mapFor(m)
	if st == nil {
		return operand{t: int64Type, v: c.constI(0)}
	}
	if st.v.Storage != object.StoreHash {
		if st.agg {
			return operand{t: st.Value, v: c.aggregateGlobal(st)}
		}
		return c.deref(ref{base: c.globalAddr(st.v), class: ssa.MemMap}, st.Value)
	}
	if args == nil {
		c.unsupported(m.Span(), "%s without its key", m.Name)
		return operand{t: st.Value, v: c.constI(0)}
	}
	if st.agg {
		return operand{t: st.Value, v: c.aggregateAt(st, c.key(st, args))}
	}
	return c.valueAt(st, c.elementAt(st, args))
}

// valueAt is the value of the element at p, zero if that's NULL.
func (c *fn) valueAt(st *mapState, p *ssa.Value) operand {
	t := st.Value
	if scalar(t) {
		v := c.ifElse(p, 1,
			func() *ssa.Value {
				return c.asInt(c.load(p, 0, mem(bytesOf(t), ssa.MemMap, t.Signed && t.Kind != types.Pointer)))
			},
			func() *ssa.Value {
				c.missing()
				return c.constI(0)
			})
		return operand{t: t, v: v}
	}
	buf := c.slot("elem", bytesOf(t), 8)
	yes, no, join := c.block(), c.block(), c.block()
	c.branch(p, yes, no, 1)
	c.b = yes
	c.move(buf, ssa.MemSlot, p, ssa.MemMap, bytesOf(t), min(8, alignOf(t)))
	c.jump(join)
	c.b = no
	c.missing()
	c.zero(buf, bytesOf(t), ssa.MemSlot, 8)
	c.jump(join)
	c.b = join
	return operand{t: t, ref: ref{base: buf, class: ssa.MemSlot}}
}

// missing reports under -k that an element isn't there.
func (c *fn) missing() {
	if c.opt.HelperErrors {
		c.report(fnMapLookup, c.constI(0), false)
	}
}

// mapAssign is @m[k] op= value.
func (c *fn) mapAssign(s *syntax.Assign, m *syntax.MapExpr, args []syntax.Expr) {
	st := c.mapFor(m)
	if st == nil {
		return
	}
	if st.agg {
		if call, ok := unparen(s.X).(*syntax.CallExpr); ok {
			c.aggregate(st, args, call)
			return
		}
		c.unsupported(s.Span(), "assigning this to %s, a %s", m.Name, kindName(st.Value))
		return
	}
	if s.Op != syntax.ASSIGN {
		c.mapCompound(s, st, m, args)
		return
	}
	if st.v.Storage != object.StoreHash {
		c.setGlobal(st, s.X)
		return
	}
	c.setElement(st, args, s.X)
}

// setGlobal stores into a keyless map.
func (c *fn) setGlobal(st *mapState, x syntax.Expr) {
	t := st.Value
	if scalar(t) {
		v := c.asInt(c.scalarAs(x, t))
		p := c.globalAddr(st.v)
		c.store(p, 0, v, bytesOf(t), ssa.MemMap)
		c.written(st.v, p)
		return
	}
	// A value that reads the map itself must be whole before it's written.
	buf := c.slot("val", bytesOf(t), 8)
	c.into(buf, ssa.MemSlot, x, t, true)
	p := c.globalAddr(st.v)
	c.move(p, ssa.MemMap, buf, ssa.MemSlot, bytesOf(t), min(8, alignOf(t)))
	c.written(st.v, p)
}

// setElement stores into a keyed map. A scalar whose element is there is stored in
// place, unless the script deletes elements: then most stores make a new one.
func (c *fn) setElement(st *mapState, args []syntax.Expr, x syntax.Expr) {
	t := st.Value
	buf := c.slot("val", bytesOf(t), min(8, alignOf(t)))
	if !scalar(t) {
		var src ref
		if o, ok := c.keyInPlace(x, t); ok {
			src = o
		} else {
			c.into(buf, ssa.MemSlot, x, t, true)
			src = ref{base: buf, class: ssa.MemSlot}
		}
		c.update(st, c.key(st, args), c.refAddr(src))
		return
	}
	v := c.asInt(c.scalarAs(x, t))
	c.storeElement(st, c.key(st, args), v, buf)
}

func (c *fn) storeElement(st *mapState, key ref, v, buf *ssa.Value) {
	t := st.Value
	insert := func() {
		c.store(buf, 0, v, bytesOf(t), ssa.MemSlot)
		c.update(st, key, buf)
	}
	if st.Deleted || st.v.PerCPU {
		insert()
		return
	}
	p := c.lookup(st.v.Map, key)
	yes, no, join := c.block(), c.block(), c.block()
	c.branch(p, yes, no, 1)
	c.b = yes
	c.store(p, 0, v, bytesOf(t), ssa.MemMap)
	c.jump(join)
	c.b = no
	insert()
	c.jump(join)
	c.b = join
}

// mapCompound is @m[k] += value and its like: in place where the element is there.
func (c *fn) mapCompound(s *syntax.Assign, st *mapState, m *syntax.MapExpr, args []syntax.Expr) {
	t := st.Value
	if !scalar(t) {
		c.unsupported(s.Span(), "%s= on a %s", s.Op, kindName(t))
		return
	}
	x := c.expr(s.X)
	c.modify(st, args, func(old *ssa.Value) *ssa.Value {
		return c.convert(c.arith(s.Op, operand{t: t, v: old}, x, t), t).v
	})
}

// modify replaces a scalar element (zero if absent) by f of it; it gives old and new.
func (c *fn) modify(st *mapState, args []syntax.Expr, f func(old *ssa.Value) *ssa.Value) (old, now *ssa.Value) {
	t := st.Value
	size := bytesOf(t)
	load := func(p *ssa.Value) *ssa.Value {
		return c.load(p, 0, mem(size, ssa.MemMap, t.Signed && t.Kind != types.Pointer))
	}
	if st.v.Storage != object.StoreHash {
		p := c.globalAddr(st.v)
		old = load(p)
		now = f(old)
		c.store(p, 0, now, size, ssa.MemMap)
		c.written(st.v, p)
		return old, now
	}
	key := c.key(st, args)
	buf := c.slot("val", size, min(8, alignOf(t)))
	p := c.lookup(st.v.Map, key)
	oldSlot := c.slot("old", 8, 8)
	nowSlot := c.slot("now", 8, 8)
	yes, no, join := c.block(), c.block(), c.block()
	c.branch(p, yes, no, 1)
	keep := func(o, n *ssa.Value) {
		c.store(oldSlot, 0, o, 8, ssa.MemSlot)
		c.store(nowSlot, 0, n, 8, ssa.MemSlot)
	}
	c.b = yes
	o := load(p)
	n := f(o)
	c.store(p, 0, n, size, ssa.MemMap)
	keep(o, n)
	c.jump(join)
	c.b = no
	zero := c.constI(0)
	n = f(zero)
	c.store(buf, 0, n, size, ssa.MemSlot)
	c.update(st, key, buf)
	keep(zero, n)
	c.jump(join)
	c.b = join
	return c.load(oldSlot, 0, mem(8, ssa.MemSlot, false)), c.load(nowSlot, 0, mem(8, ssa.MemSlot, false))
}

// mapIncrement is @m[k]++ and its like.
func (c *fn) mapIncrement(x *syntax.UnaryExpr, m *syntax.MapExpr, args []syntax.Expr, op ssa.Op, post bool) operand {
	st := c.mapFor(m)
	t := c.typeOf(x)
	if st == nil || !scalar(st.Value) {
		c.unsupported(x.Span(), "%s on this map", x.Op)
		return operand{t: t, v: c.constI(0)}
	}
	step := int64(1)
	if st.Value.Kind == types.Pointer && st.Value.Elem != nil {
		step = int64(max(1, bytesOf(st.Value.Elem)))
	}
	old, now := c.modify(st, args, func(v *ssa.Value) *ssa.Value {
		return c.extendTo(c.bin(op, v, c.constI(step)), st.Value)
	})
	if post {
		return operand{t: t, v: old}
	}
	return operand{t: t, v: now}
}

// mapArg takes apart the arguments of delete, has_key and their like: (@m, key), (@m[key]) or (@m).
func (c *fn) mapArg(args []syntax.Expr) (st *mapState, key []syntax.Expr) {
	if len(args) == 0 {
		return nil, nil
	}
	switch x := unparen(args[0]).(type) {
	case *syntax.MapExpr:
		st = c.mapFor(x)
		key = args[1:]
	case *syntax.IndexExpr:
		if m, ok := unparen(x.X).(*syntax.MapExpr); ok {
			st, key = c.mapFor(m), x.Args
		}
	}
	if len(key) == 0 {
		key = nil
	}
	return st, key
}
