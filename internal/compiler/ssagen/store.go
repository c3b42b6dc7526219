package ssagen

import (
	"github.com/skep-bpf/skep/internal/compiler/ssa"
	"github.com/skep-bpf/skep/internal/lang/syntax"
	"github.com/skep-bpf/skep/internal/lang/types"
)

// into evaluates e as a value of type t into memory at dst. With padded, every byte of it
// is determined, so that it can be a key; without, bytes after a string's NUL may be anything.
func (c *fn) into(dst *ssa.Value, class ssa.MemClass, e syntax.Expr, t *types.Type, padded bool) {
	defer c.at(e)()
	switch x := unparen(e).(type) {
	case *syntax.TupleExpr:
		if t.Kind == types.Array && t.Len == uint32(len(x.Elems)) {
			size := bytesOf(t.Elem)
			for i, e := range x.Elems {
				c.into(c.addI(dst, int64(uint32(i)*size)), class, e, t.Elem, padded)
			}
			return
		}
		if t.Kind == types.Tuple && len(t.Fields) == len(x.Elems) {
			c.padding(dst, class, t)
			for i, f := range t.Fields {
				c.into(c.addI(dst, int64(f.Offset)), class, x.Elems[i], f.Type, padded)
			}
			return
		}
		if t.Kind == types.Struct {
			c.structInto(dst, class, x.Elems, t, func(i int) *types.Selection {
				f := t.S.Fields()[i]
				return &types.Selection{Path: []types.Field{f}, Offset: f.Offset, Field: f}
			})
			return
		}
	case *syntax.RecordExpr:
		if t.Kind == types.Record {
			c.recordInto(dst, class, x, t, padded)
			return
		}
		if t.Kind == types.Struct {
			values := make([]syntax.Expr, len(x.Fields))
			for i, f := range x.Fields {
				values[i] = f.X
			}
			c.structInto(dst, class, values, t, func(i int) *types.Selection { return types.Select(t.S, x.Fields[i].Name.Name) })
			return
		}
	case *syntax.CallExpr, *syntax.Ident:
		if b := c.builtin(e); b != nil && c.info.Consts[e.ID()] == nil {
			if g := c.builtins.into[b.Name]; g != nil && c.typeOf(e).Kind == t.Kind && bytesOf(c.typeOf(e)) <= bytesOf(t) {
				g(c, e, callArgs(e), dst, class, t, padded)
				return
			}
		}
	}
	o := c.expr(e)
	if c.b == nil {
		return
	}
	if t.Kind == types.String && !padded {
		c.storeString(dst, class, o, bytesOf(t), false)
		return
	}
	c.storeOperand(dst, class, o, t)
}

// structInto writes a struct whose members, named by sel, have the values; others are zero.
func (c *fn) structInto(dst *ssa.Value, class ssa.MemClass, values []syntax.Expr, t *types.Type, sel func(i int) *types.Selection) {
	c.zero(dst, bytesOf(t), class, alignOf(t))
	for i, x := range values {
		s := sel(i)
		if s.Field.BitLen > 0 {
			f := bitMember(ref{base: dst, class: class}, t, s)
			c.setBitfield(f, c.scalarAs(x, f.Field.Type))
			continue
		}
		c.into(c.addI(dst, int64(s.Offset)), class, x, s.Field.Type, true)
	}
}

func (c *fn) recordInto(dst *ssa.Value, class ssa.MemClass, x *syntax.RecordExpr, t *types.Type, padded bool) {
	c.padding(dst, class, t)
	for _, rf := range x.Fields {
		for _, f := range t.Fields {
			if f.Name == rf.Name.Name {
				c.into(c.addI(dst, int64(f.Offset)), class, rf.X, f.Type, padded)
			}
		}
	}
}

// padding zeroes the bytes of a tuple that no field covers.
func (c *fn) padding(dst *ssa.Value, class ssa.MemClass, t *types.Type) {
	off := uint32(0)
	gap := func(to uint32) {
		if to > off {
			c.zero(c.addI(dst, int64(off)), to-off, class, min(lowBit(off), lowBit(to)))
		}
	}
	for _, f := range t.Fields {
		gap(f.Offset)
		off = max(off, f.Offset+bytesOf(f.Type))
	}
	gap(bytesOf(t))
}

// storeOperand writes o, converted to t, to dst; all bytes are determined.
func (c *fn) storeOperand(dst *ssa.Value, class ssa.MemClass, o operand, t *types.Type) {
	switch {
	case t.Kind == types.String:
		c.storeString(dst, class, o, bytesOf(t), true)
		return
	case (t.Kind == types.Tuple || t.Kind == types.Record) && !sameLayout(o.t, t):
		c.padding(dst, class, t)
		r := c.inMemory(o)
		for i, f := range t.Fields {
			from := fieldFor(o.t, f, i)
			if from == nil {
				continue
			}
			c.storeOperand(c.addI(dst, int64(f.Offset)), class, c.deref(r.add(int64(from.Offset)), from.Type), f.Type)
		}
		return
	}
	o = c.convert(o, t)
	n := bytesOf(t)
	switch {
	case o.lit != nil: // bytes that are known: pton()
		c.storeBytes(dst, class, []byte(*o.lit), n)
	case o.v != nil:
		c.store(dst, 0, c.asInt(o.v), n, class)
	case o.ref.base != nil:
		c.copyTo(dst, class, o.ref, n, min(alignOf(t), 8))
	default:
		c.zero(dst, n, class, alignOf(t))
	}
}

// fieldFor is the field of tuple or record from that becomes f, the i-th.
func fieldFor(from *types.Type, f types.Field, i int) *types.Field {
	if from.Kind == types.Record {
		for j := range from.Fields {
			if from.Fields[j].Name == f.Name {
				return &from.Fields[j]
			}
		}
		return nil
	}
	if i < len(from.Fields) {
		return &from.Fields[i]
	}
	return nil
}

// storeString writes string o to the n bytes at dst; with padded zeroes follow its NUL.
func (c *fn) storeString(dst *ssa.Value, class ssa.MemClass, o operand, n uint32, padded bool) {
	switch {
	case o.lit != nil:
		if !padded && uint32(len(*o.lit)) < n {
			n = uint32(len(*o.lit)) + 1
		}
		c.storeBytes(dst, class, []byte(*o.lit), n)
	case o.ref.base == nil:
		c.zero(dst, n, class, 8)
	default:
		from := min(bytesOf(o.t), n)
		if o.ref.probed || o.ref.class == ssa.MemKernel {
			c.storeRead(dst, class, o, from, n, padded)
			return
		}
		c.move(dst, class, c.refAddr(o.ref), o.ref.class, from, 1)
		if from < n {
			if padded {
				c.zero(c.addI(dst, int64(from)), n-from, class, lowBit(from))
			} else {
				c.store(dst, int64(from), c.constI(0), 1, class)
			}
		}
	}
}

// storeRead is storeString of a string that helpers read, of at most from bytes.
func (c *fn) storeRead(dst *ssa.Value, class ssa.MemClass, o operand, from, n uint32, padded bool) {
	if padded {
		c.zero(dst, n, class, 8)
	}
	switch {
	case !o.chars:
		c.readStr(dst, c.constU(uint64(from)), o.ref)
	case from < n:
		c.readStr(dst, c.constU(uint64(from+1)), o.ref)
	case !padded:
		c.copyTo(dst, class, o.ref, from, 1)
	default:
		// Room for a NUL lets the helper read all of the array.
		buf := c.slot("chars", alignUp(from+1, 8), 8)
		c.zero(buf, alignUp(from+1, 8), ssa.MemSlot, 8)
		c.readStr(buf, c.constU(uint64(from+1)), o.ref)
		c.move(dst, class, buf, ssa.MemSlot, from, 1)
	}
}
