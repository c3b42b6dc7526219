package cgen

import (
	"github.com/skep-bpf/skep/internal/compiler/ssa"
	"github.com/skep-bpf/skep/internal/diag"
	"github.com/skep-bpf/skep/internal/lang/ctree"
)

// value computes a number or pointer; of a struct it's the address.
func (c *fn) value(x ctree.Expr) *ssa.Value {
	if at := x.Where(); at.IsValid() {
		c.pos = at.Start
	}
	t := x.Type()
	switch x := x.(type) {
	case *ctree.Const:
		return c.constant(RegType(t), x.Val)
	case *ctree.VarRef, *ctree.Deref, *ctree.Member, *ctree.CompoundLit:
		p := c.place(x)
		if !t.Scalar() {
			return c.address(p)
		}
		c.checkBounds(p, p.width(t), x.Where())
		return c.load(p, t)
	case *ctree.Absent:
		c.errorf(diag.CodeCType, x.Span, "this kernel has no member `%s` there", x.Name)
		return c.constant(RegType(t), 0)
	case *ctree.AddrOf:
		p := c.place(x.X)
		c.checkBounds(p, 0, x.Span)
		return c.address(p)
	case *ctree.FuncAddr:
		return c.funcAddr(x)
	case *ctree.Neg:
		return c.emit(ssa.OpNeg, RegType(t), c.value(x.X))
	case *ctree.Compl:
		return c.emit(ssa.OpNot, RegType(t), c.value(x.X))
	case *ctree.Not, *ctree.Logic:
		return c.truthValue(x)
	case *ctree.Binary:
		if x.Op.IsCompare() {
			return c.emit(ssa.OpZExt32, ssa.I32, c.compare(x))
		}
		l := c.value(x.X)
		return c.arith(x.Op, t, l, c.value(x.Y), x.Y.Type())
	case *ctree.PtrAdd:
		return c.ptrAdd(c.value(x.X), x.N)
	case *ctree.PtrDiff:
		return c.ptrDiff(x)
	case *ctree.Cond:
		return c.cond(x)
	case *ctree.Comma:
		c.effect(x.X)
		return c.value(x.Y)
	case *ctree.Assign:
		return c.assign(x)
	case *ctree.Update:
		return c.update(x)
	case *ctree.Convert:
		return c.converted(x)
	case *ctree.Call:
		return c.call(x)
	case *ctree.Builtin:
		return c.builtin(x)
	case *ctree.StmtExpr:
		c.stmt(x.Block)
		if x.X == nil {
			return nil
		}
		return c.value(x.X)
	}
	panic("BUG: no code for an expression of C")
}

// effect computes an expression for what it does.
func (c *fn) effect(x ctree.Expr) {
	if k, ok := x.(*ctree.Convert); ok && k.T.Kind == ctree.Void {
		x = k.X
	}
	if x, ok := x.(*ctree.Cond); ok && x.T.Kind == ctree.Void {
		c.cond(x)
		return
	}
	if x, ok := x.(*ctree.Builtin); ok && x.Name == "atomic_add" {
		c.atomicAdd(x)
		return
	}
	c.value(x)
}

// converted is (type)x.
func (c *fn) converted(x *ctree.Convert) *ssa.Value {
	if x.T.Kind == ctree.Void {
		c.effect(x.X)
		return nil
	}
	if x.T.Kind == ctree.Bool {
		return c.truthValue(x.X)
	}
	return c.convert(c.value(x.X), x.X.Type(), x.T)
}

// convert is a value of type from as one of type to, which is no bool.
func (c *fn) convert(v *ssa.Value, from, to *ctree.Type) *ssa.Value {
	if v == nil {
		return c.constant(RegType(to), 0)
	}
	if v.Type == ssa.Ptr {
		if to.Kind == ctree.Pointer {
			return v
		}
		if v.Op == ssa.OpConst {
			v = c.constant(ssa.I64, v.AuxInt)
		} else {
			v = c.emit(ssa.OpCopy, ssa.I64, v)
		}
		from = ctree.ULongType
	}
	switch {
	case to.Size == 8:
		if v.Type == ssa.I32 {
			op := ssa.OpZExt32
			if from.Signed {
				op = ssa.OpSExt32
			}
			v = c.emit(op, ssa.I64, v)
		}
		if to.Kind == ctree.Pointer {
			v = c.emit(ssa.OpCopy, ssa.Ptr, v)
		}
		return v
	case v.Type == ssa.I64:
		v = c.emit(ssa.OpTrunc, ssa.I32, v)
	}
	if to.Size >= 4 || from.Size < to.Size && (!from.Signed || to.Signed) || from.Size == to.Size && from.Signed == to.Signed {
		return v
	}
	return c.emit(extension(to), ssa.I32, v)
}

// extension makes a value of type t, of one or two bytes, of whatever holds it.
func extension(t *ctree.Type) ssa.Op {
	switch {
	case t.Size == 1 && t.Signed:
		return ssa.OpSExt8
	case t.Size == 1:
		return ssa.OpZExt8
	case t.Signed:
		return ssa.OpSExt16
	}
	return ssa.OpZExt16
}

var arithOps = [...]ssa.Op{ctree.Add: ssa.OpAdd, ctree.Sub: ssa.OpSub, ctree.Mul: ssa.OpMul, ctree.Div: ssa.OpUDiv, ctree.Mod: ssa.OpUMod,
	ctree.And: ssa.OpAnd, ctree.Or: ssa.OpOr, ctree.Xor: ssa.OpXor, ctree.Shl: ssa.OpShl, ctree.Shr: ssa.OpLShr}

// arith is l op r in type t; count is r's type, which matters to shifts.
func (c *fn) arith(op ctree.Op, t *ctree.Type, l, r *ssa.Value, count *ctree.Type) *ssa.Value {
	o := arithOps[op]
	if t.Signed {
		switch op {
		case ctree.Div:
			o = ssa.OpSDiv
		case ctree.Mod:
			o = ssa.OpSMod
		case ctree.Shr:
			o = ssa.OpAShr
		}
	}
	if op == ctree.Shl || op == ctree.Shr {
		r = c.convert(r, count, &ctree.Type{Kind: ctree.Int, Size: t.Size})
	}
	return c.emit(o, RegType(t), l, r)
}

// ptrAdd is a pointer plus a number of bytes.
func (c *fn) ptrAdd(p *ssa.Value, n ctree.Expr) *ssa.Value {
	if k, ok := n.(*ctree.Const); ok {
		if int64(int32(k.Val)) == k.Val {
			return c.offset(p, k.Val)
		}
	}
	return c.emit(ssa.OpAdd, ssa.Ptr, p, c.value(n))
}

func (c *fn) ptrDiff(x *ctree.PtrDiff) *ssa.Value {
	l := c.value(x.X)
	d := c.emit(ssa.OpSub, ssa.I64, l, c.value(x.Y))
	switch n := x.Size; {
	case n == 1:
		return d
	case n&(n-1) == 0:
		shift := int64(0)
		for ; n > 1; n >>= 1 {
			shift++
		}
		return c.shift(ssa.OpAShr, d, shift)
	}
	return c.emit(ssa.OpSDiv, ssa.I64, d, c.constant(ssa.I64, x.Size))
}

// place is the memory that an expression designates.
func (c *fn) place(x ctree.Expr) place {
	switch x := x.(type) {
	case *ctree.VarRef:
		return c.variable(x.Var)
	case *ctree.Deref:
		return c.at(c.value(x.X))
	case *ctree.Member:
		p := c.place(x.X)
		p.off += x.Off
		p.bits = x.BitField
		return p
	case *ctree.CompoundLit:
		p := c.variable(x.Var)
		c.init(p, x.Var.Type, x.Init)
		return p
	}
	if a, ok := x.(*ctree.Absent); ok {
		c.value(a)
		return c.at(c.constant(ssa.Ptr, 0))
	}
	return c.at(c.value(x))
}

// checkBounds refuses a place outside of a variable: the kernel would, with less to see.
func (c *fn) checkBounds(p place, size int64, at diag.Span) {
	if p.base.Op != ssa.OpSlotAddr {
		return
	}
	s := p.base.Aux.(*ssa.Slot)
	if off := p.base.AuxInt + p.off; off < 0 || off+size > int64(s.Size) {
		c.errorf(diag.CodeCBounds, at, "this lies outside of `%s`, which has %d bytes", s.Name, s.Size)
	}
}

func (c *fn) assign(x *ctree.Assign) *ssa.Value {
	t := x.Dst.Type()
	if !t.Scalar() {
		src := c.place(x.X)
		dst := c.place(x.Dst)
		c.checkBounds(dst, int64(t.Size), x.Span)
		c.copy(dst, src, t.Size, t.Align)
		return c.address(dst)
	}
	v := c.value(x.X)
	p := c.place(x.Dst)
	c.checkBounds(p, p.width(t), x.Span)
	c.store(p, v, t)
	return c.kept(p, v, t)
}

// kept is the value of an assignment: of a bit-field, what it holds then.
func (c *fn) kept(p place, v *ssa.Value, t *ctree.Type) *ssa.Value {
	if p.bits.Bits == 0 {
		return v
	}
	return c.load(p, t)
}

// update is x op= y, ++ and --.
func (c *fn) update(x *ctree.Update) *ssa.Value {
	t := x.Dst.Type()
	var v *ssa.Value
	var p place
	if _, ok := x.X.(*ctree.Const); !ok {
		v = c.value(x.X)
	}
	p = c.place(x.Dst)
	c.checkBounds(p, p.width(t), x.Span)
	old := c.load(p, t)
	if t.Kind == ctree.Pointer {
		var sum *ssa.Value
		switch k, ok := x.X.(*ctree.Const); {
		case ok && x.Op == ctree.Add:
			sum = c.offset(old, k.Val)
		case ok:
			sum = c.offset(old, -k.Val)
		case x.Op == ctree.Add:
			sum = c.emit(ssa.OpAdd, ssa.Ptr, old, v)
		default:
			sum = c.emit(ssa.OpSub, ssa.Ptr, old, v)
		}
		c.store(p, sum, t)
		if x.Post {
			return old
		}
		return sum
	}
	if v == nil {
		v = c.value(x.X)
	}
	sum := c.arith(x.Op, x.In, c.convert(old, t, x.In), v, x.X.Type())
	if t.Kind == ctree.Bool {
		sum = c.emit(ssa.OpZExt32, ssa.I32, c.nonZero(sum))
	} else {
		sum = c.convert(sum, x.In, t)
	}
	c.store(p, sum, t)
	if x.Post {
		return old
	}
	return c.kept(p, sum, t)
}
