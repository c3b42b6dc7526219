package compiler_test

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/skep-bpf/skep/internal/bpf/object"
	"github.com/skep-bpf/skep/internal/lang/syntax"
	"github.com/skep-bpf/skep/internal/lang/types"
)

func (m *meaning) exprAs(e syntax.Expr, t *types.Type) val { return convert(m.expr(e), m.typeOf(e), t) }
func (m *meaning) number(e syntax.Expr) uint64             { return asNumber(m.expr(e), m.typeOf(e)) }

func (m *meaning) truth(e syntax.Expr) bool {
	v := m.expr(e)
	if m.typeOf(e).Kind == types.String {
		return v.s != ""
	}
	return asNumber(v, m.typeOf(e)) != 0
}

// expr is the value of e, of type typeOf(e).
func (m *meaning) expr(e syntax.Expr) val {
	t := m.typeOf(e)
	switch x := e.(type) {
	case *syntax.ParenExpr:
		return m.expr(x.X)
	case *syntax.IntLit:
		return val{n: cut(x.Val, t)}
	case *syntax.BoolLit:
		return val{n: asBit(x.Val)}
	case *syntax.StringLit:
		return val{s: x.Val}
	case *syntax.VarExpr:
		return m.local(m.info.Locals[x.ID()])
	case *syntax.MapExpr:
		mi, _, id := m.place(x)
		return m.get(mi, id)
	case *syntax.IndexExpr:
		if _, ok := strip(x.X).(*syntax.MapExpr); ok {
			mi, _, id := m.place(x)
			return m.get(mi, id)
		}
		elems, i := m.expr(x.X).elems, m.number(x.Args[0])
		if i >= uint64(len(elems)) {
			i = 0
		}
		return elems[i]
	case *syntax.TupleIndex:
		return m.expr(x.X).elems[x.N]
	case *syntax.FieldExpr:
		v := m.expr(x.X)
		for i, f := range m.typeOf(x.X).Fields {
			if f.Name == x.Name.Name {
				return v.elems[i]
			}
		}
	case *syntax.UnaryExpr:
		return m.unary(x)
	case *syntax.BinaryExpr:
		return m.binary(x)
	case *syntax.CondExpr:
		side := x.B
		if m.truth(x.Cond) {
			side = x.A
		}
		return m.exprAs(side, t)
	case *syntax.IfExpr, *syntax.Block:
		v, _ := m.effect(e)
		if b, ok := e.(*syntax.Block); ok {
			return m.blockAs(b, v, e)
		}
		return v
	case *syntax.CastExpr:
		return m.exprAs(x.X, t)
	case *syntax.TupleExpr:
		var v val
		for i, el := range x.Elems {
			v.elems = append(v.elems, m.exprAs(el, t.Fields[i].Type))
		}
		return v
	case *syntax.RecordExpr:
		v := zeroOf(t)
		for _, rf := range x.Fields {
			for i, f := range t.Fields {
				if f.Name == rf.Name.Name {
					v.elems[i] = m.exprAs(rf.X, f.Type)
				}
			}
		}
		return v
	case *syntax.CallExpr:
		return m.call(x)
	case *syntax.Ident:
		if x.Name == "cpu" {
			return val{} // any will do
		}
	}
	panic(fmt.Sprintf("no meaning for %T", e))
}

func asBit(b bool) uint64 {
	if b {
		return 1
	}
	return 0
}

func (m *meaning) unary(x *syntax.UnaryExpr) val {
	switch x.Op {
	case syntax.Neg:
		return val{n: cut(-m.number(x.X), m.typeOf(x.X))}
	case syntax.BitNot:
		return val{n: cut(^m.number(x.X), m.typeOf(x.X))}
	case syntax.Not:
		return val{n: asBit(!m.truth(x.X))}
	}
	step := uint64(1)
	if x.Op == syntax.PreDec || x.Op == syntax.PostDec {
		step = ^uint64(0)
	}
	var old, now uint64
	if v, ok := strip(x.X).(*syntax.VarExpr); ok {
		l := m.info.Locals[v.ID()]
		old = m.local(l).n
		now = cut(old+step, l.Type)
		m.locals[l] = val{n: now}
	} else {
		mi, key, id := m.place(x.X)
		old = m.get(mi, id).n
		now = cut(old+step, mi.Value)
		m.set(mi, id, key, val{n: now})
	}
	if x.Op == syntax.PostInc || x.Op == syntax.PostDec {
		return val{n: old}
	}
	return val{n: now}
}

func (m *meaning) binary(x *syntax.BinaryExpr) val {
	switch x.Op {
	case syntax.LAnd:
		return val{n: asBit(m.truth(x.X) && m.truth(x.Y))}
	case syntax.LOr:
		return val{n: asBit(m.truth(x.X) || m.truth(x.Y))}
	}
	tx, ty := m.typeOf(x.X), m.typeOf(x.Y)
	a, b := m.expr(x.X), m.expr(x.Y)
	if x.Op < syntax.Eq || x.Op > syntax.Ge {
		return val{n: arith(x.Op, asNumber(a, tx), asNumber(b, ty))}
	}
	t := types.Promote(tx, ty)
	if t == nil {
		t = types.IntType(8, false)
	}
	a, b = convert(a, tx, t), convert(b, ty, t)
	less := asNumber(a, t) < asNumber(b, t)
	if t.Signed {
		less = int64(a.n) < int64(b.n)
	}
	return val{n: asBit(map[syntax.Op]bool{syntax.Eq: same(a, b), syntax.Ne: !same(a, b), syntax.Lt: less, syntax.Ge: !less,
		syntax.Le: less || same(a, b), syntax.Gt: !less && !same(a, b)}[x.Op])}
}

// same reports whether two values of one type are equal.
func same(a, b val) bool {
	if a.n != b.n || a.s != b.s || len(a.elems) != len(b.elems) {
		return false
	}
	for i := range a.elems {
		if !same(a.elems[i], b.elems[i]) {
			return false
		}
	}
	return true
}

func (m *meaning) call(x *syntax.CallExpr) val {
	switch x.Fun.Name {
	case "print":
		fmt.Fprintln(&m.out, shown(m.expr(x.Args[0]), m.typeOf(x.Args[0])))
	case "printf":
		m.printf(m.info.Formats[x.ID()], x.Args[1:])
	case "has_key", "delete":
		var mi *types.MapInfo
		var id string
		if len(x.Args) == 1 {
			mi, _, id = m.place(x.Args[0])
		} else {
			mi = m.mapInfo(strip(x.Args[0]).(*syntax.MapExpr).Name)
			id = canonical(m.key(mi, x.Args[1:]), mi.Key)
		}
		_, there := m.maps[mi.Name][id]
		if x.Fun.Name == "delete" {
			delete(m.maps[mi.Name], id)
		}
		return val{n: asBit(there)}
	case "len":
		if mx, ok := strip(x.Args[0]).(*syntax.MapExpr); ok {
			return val{n: uint64(len(m.maps[mx.Name]))}
		}
		return val{n: uint64(len(m.expr(x.Args[0]).s))}
	case "strlen":
		return val{n: uint64(len(m.expr(x.Args[0]).s))}
	case "strcontains":
		return val{n: asBit(strings.Contains(m.expr(x.Args[0]).s, m.expr(x.Args[1]).s))}
	case "strncmp":
		n := int(m.number(x.Args[2]))
		a, b := m.expr(x.Args[0]).s, m.expr(x.Args[1]).s
		return val{n: asBit(a[:min(n, len(a))] != b[:min(n, len(b))])}
	case "bswap":
		n, t := m.number(x.Args[0]), m.typeOf(x.Args[0])
		out := uint64(0)
		for i := range t.Size {
			out = out<<8 | n>>(8*i)&0xff
		}
		return val{n: out}
	case "clear":
		clear(m.maps[strip(x.Args[0]).(*syntax.MapExpr).Name])
	case "exit":
	default:
		panic("no meaning for " + x.Fun.Name)
	}
	return val{}
}

func (m *meaning) printf(f *object.Format, args []syntax.Expr) {
	for _, p := range f.Parts {
		if p.Verb == 0 {
			m.out.WriteString(p.Lit)
			continue
		}
		e := args[p.Arg]
		v, t := m.expr(e), m.typeOf(e)
		n := asNumber(v, t)
		long := strings.HasPrefix(p.Mod, "l")
		switch p.Verb {
		case 's':
			m.out.WriteString(shown(v, t))
		case 'd':
			if !long {
				n = uint64(int64(int32(n)))
			}
			m.out.WriteString(strconv.FormatInt(int64(n), 10))
		case 'u', 'x':
			if !long {
				n = uint64(uint32(n))
			}
			m.out.WriteString(strconv.FormatUint(n, map[byte]int{'u': 10, 'x': 16}[p.Verb]))
		default:
			panic("no meaning for %" + string(p.Verb))
		}
	}
}

// shown is a value as print() shows it.
func shown(v val, t *types.Type) string {
	switch {
	case t.Kind == types.Bool:
		return strconv.FormatBool(v.n != 0)
	case t.Kind == types.String:
		return v.s
	case t.IsInt() || t.Castable():
		n := asNumber(v, t)
		if t.Signed {
			return strconv.FormatInt(int64(n), 10)
		}
		return strconv.FormatUint(n, 10)
	}
	var parts []string
	for i := range v.elems {
		switch t.Kind {
		case types.Array:
			parts = append(parts, shown(v.elems[i], t.Elem))
		case types.Record:
			parts = append(parts, "."+t.Fields[i].Name+" = "+shown(v.elems[i], t.Fields[i].Type))
		default:
			parts = append(parts, shown(v.elems[i], t.Fields[i].Type))
		}
	}
	switch t.Kind {
	case types.Array:
		return "[" + strings.Join(parts, ",") + "]"
	case types.Record:
		return "{ " + strings.Join(parts, ", ") + " }"
	}
	return "(" + strings.Join(parts, ", ") + ")"
}
