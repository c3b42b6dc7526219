package ssagen

import (
	"slices"

	"github.com/skep-bpf/skep/internal/bpf/object"
	"github.com/skep-bpf/skep/internal/compiler/ssa"
	"github.com/skep-bpf/skep/internal/lang/syntax"
	"github.com/skep-bpf/skep/internal/lang/types"
)

// formatArgs gives the values that a record has for a format. Those of floating-point
// conversions are the integers that user space computes them from.
func (c *fn) formatArgs(f *object.Format, args []syntax.Expr) (*object.Format, []recordArg) {
	var list []recordArg
	place := make([]int, len(args))
	reals := map[int][]object.RealOp{}
	for i, e := range args {
		place[i] = len(list)
		if !slices.ContainsFunc(f.Parts, func(p object.FormatPart) bool { return p.IsReal() && p.Arg == i }) {
			list = append(list, recordArg{e: e, t: c.typeOf(e)})
			continue
		}
		r := realExpr{fn: c, list: list}
		r.expr(e)
		list, reals[i] = r.list, r.ops
	}
	if len(reals) == 0 {
		return f, list
	}
	g := &object.Format{Text: f.Text, Parts: slices.Clone(f.Parts)}
	for i := range g.Parts {
		p := &g.Parts[i]
		if p.Verb == 0 {
			continue
		}
		if p.StarWidth {
			p.Width = place[p.Width]
		}
		if p.StarPrec {
			p.Prec = place[p.Prec]
		}
		if p.Real = reals[p.Arg]; p.Real == nil {
			p.Arg = place[p.Arg]
		}
	}
	return g, list
}

// realExpr takes an expression apart into integers, which go to list, and the steps that make
// a real number of them.
type realExpr struct {
	*fn
	list []recordArg
	ops  []object.RealOp
	// conds are the conditions, and what they are, under which the current operand is evaluated.
	conds []realCond
}

type realCond struct {
	v    *ssa.Value
	then bool
}

// expr takes e apart.
func (r *realExpr) expr(e syntax.Expr) {
	parts := types.RealParts(e)
	if parts == nil {
		r.leaf(e)
		return
	}
	if x, ok := e.(*syntax.CondExpr); ok {
		r.choice(x)
		return
	}
	for _, p := range parts {
		r.expr(p)
	}
	switch x := e.(type) {
	case *syntax.BinaryExpr:
		codes := map[syntax.Op]object.RealCode{syntax.Add: object.RealAdd, syntax.Sub: object.RealSub,
			syntax.Mul: object.RealMul, syntax.Div: object.RealDiv}
		r.op(codes[x.Op])
	case *syntax.UnaryExpr:
		r.op(object.RealNeg)
	}
}

func (r *realExpr) op(code object.RealCode) { r.ops = append(r.ops, object.RealOp{Op: code}) }

// choice is cond ? a : b, of which one side is evaluated; the other's operands are 0.
func (r *realExpr) choice(x *syntax.CondExpr) {
	v := r.when(func() *ssa.Value { return r.asInt(r.truth(r.fn.expr(x.Cond))) })
	r.send(v, uint64Type, object.RealArg)
	for i, e := range []syntax.Expr{x.A, x.B} {
		r.conds = append(r.conds, realCond{v, i == 0})
		r.expr(e)
		r.conds = r.conds[:len(r.conds)-1]
	}
	r.op(object.RealSelect)
}

// when evaluates f where the conditions hold, and is 0 elsewhere.
func (r *realExpr) when(f func() *ssa.Value) *ssa.Value {
	if r.b == nil {
		return nil
	}
	if len(r.conds) == 0 {
		return f()
	}
	test := r.constI(1)
	for _, k := range r.conds {
		op := pick(k.then, ssa.OpNe, ssa.OpEq)
		test = r.bin(ssa.OpAnd, test, r.asInt(r.cmp(op, k.v, r.constI(0))))
	}
	return r.ifElse(r.cmp(ssa.OpNe, test, r.constI(0)), 0, f, func() *ssa.Value { return r.constI(0) })
}

// leaf sends an operand: an integer, of an average its total and count.
func (r *realExpr) leaf(e syntax.Expr) {
	defer r.at(e)()
	t := r.typeOf(e)
	if b := r.builtin(e); b != nil && (b.ID == types.BuiltinQuantile || b.ID == types.BuiltinStddev) {
		r.statistic(callArgs(e), b)
		return
	}
	switch k := r.constant(e); {
	case k != nil:
		r.ops = append(r.ops, object.RealOp{Op: object.RealConst, Num: k.Int, Signed: t.Signed})
		return
	case t.Kind == types.Avg:
		r.average(e, t)
		return
	case t.IsFloat():
		n := &types.Type{Kind: types.Int, Size: t.Size}
		r.send(r.when(func() *ssa.Value { return r.scalarAs(e, n) }), n, object.RealFloat)
		return
	}
	n := numberType(t)
	r.send(r.when(func() *ssa.Value { return r.asInt(r.scalarAs(e, n)) }), n, object.RealArg)
}

// average sends an average's total and count.
func (r *realExpr) average(e syntax.Expr, t *types.Type) {
	if r.b == nil {
		return
	}
	pair := r.slot("avg", 16, 8)
	r.zero(pair, 16, ssa.MemSlot, 8)
	r.when(func() *ssa.Value {
		if st, key := r.mapArg([]syntax.Expr{e}); st != nil {
			r.move(pair, ssa.MemSlot, r.merged(st, key), ssa.MemSlot, 16, 8)
		} else {
			r.copyTo(pair, ssa.MemSlot, r.inMemory(r.fn.expr(e)), 16, 8)
		}
		return r.constI(0)
	})
	word := func(off int64) *ssa.Value { return r.load(pair, off, mem(8, ssa.MemSlot, false)) }
	r.send(word(0), numberType(t), object.RealArg)
	r.send(word(8), uint64Type, object.RealArg)
	r.op(object.RealAvg)
}

// statistic sends the key of a summary, of which user space computes a quantile or the standard
// deviation.
func (r *realExpr) statistic(args []syntax.Expr, b *types.Builtin) {
	st, key := r.mapArg(args[:1])
	if r.b == nil || st == nil {
		return
	}
	op := object.RealOp{Op: object.RealStddev, Arg: -1, Var: r.varIndex(st)}
	if b.ID == types.BuiltinQuantile {
		op.Op = object.RealQuantile
		op.Num, _ = types.QuantileArg(args[1])
	}
	if key != nil {
		at := r.slot("key", st.v.BucketOff, 8)
		r.zero(at, st.v.BucketOff, ssa.MemSlot, 8)
		r.when(func() *ssa.Value {
			r.keyInto(at, st, key)
			return r.constI(0)
		})
		op.Arg = len(r.list)
		r.list = append(r.list, keyBytes(ref{base: at, class: ssa.MemSlot}, st.v.BucketOff))
	}
	r.ops = append(r.ops, op)
}

// numberType is the 64-bit integer that holds t's values.
func numberType(t *types.Type) *types.Type {
	if t.Signed {
		return int64Type
	}
	return uint64Type
}

func (r *realExpr) send(v *ssa.Value, t *types.Type, code object.RealCode) {
	if v == nil {
		return
	}
	r.ops = append(r.ops, object.RealOp{Op: code, Arg: len(r.list)})
	r.list = append(r.list, recordArg{t: t, ready: true, o: operand{t: t, v: v}})
}
