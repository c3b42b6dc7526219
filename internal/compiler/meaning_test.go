package compiler_test

import (
	"fmt"
	"strings"

	"github.com/skep-bpf/skep/internal/lang/syntax"
	"github.com/skep-bpf/skep/internal/lang/types"
)

// meaning computes what a checked script means, by walking its tree: an independent
// second opinion on what the compiler makes of it. It knows the part of the language that
// the generator of random scripts uses, of begin probes on one CPU.
type meaning struct {
	info   *types.Info
	locals map[*types.Local]val
	maps   map[string]map[string]entry
	out    strings.Builder
	steps  int
}

// val is a value of a type that goes beside it: a number extended to 64 bits, a string
// without its NUL, or the elements of a tuple, record or array. Of aggregations, n is the
// total and count the number of values.
type val struct {
	n, count uint64
	s        string
	elems    []val
}

// entry is a map's element.
type entry struct{ key, value val }

// flow is how a statement ended.
type flow uint8

const (
	onward flow = iota
	broken
	continued
	returned
)

// meaningOf runs the body of the script's only probe and gives what it prints.
func meaningOf(info *types.Info) string {
	m := &meaning{info: info, locals: map[*types.Local]val{}, maps: map[string]map[string]entry{}}
	m.block(info.Units[0].Body)
	return m.out.String()
}

func (m *meaning) typeOf(e syntax.Expr) *types.Type { return m.info.Types[e.ID()] }

// block runs a block; its value is that of its last expression.
func (m *meaning) block(b *syntax.Block) (val, flow) {
	for _, s := range b.Stmts {
		if f := m.stmt(s); f != onward {
			return val{}, f
		}
	}
	if b.Value == nil {
		return val{}, onward
	}
	return m.effect(b.Value)
}

// effect evaluates e as a statement or as a block's value.
func (m *meaning) effect(e syntax.Expr) (val, flow) {
	switch x := strip(e).(type) {
	case *syntax.Block:
		return m.block(x)
	case *syntax.IfExpr:
		switch {
		case m.truth(x.Cond):
			v, f := m.block(x.Then)
			return m.blockAs(x.Then, v, e), f
		case x.Else != nil:
			return m.effect(x.Else)
		}
		return val{}, onward
	case *syntax.CallExpr:
		if x.Fun.Name == "exit" {
			return val{}, returned
		}
	}
	return m.expr(e), onward
}

// blockAs converts the value of a block to the type of the expression it's in.
func (m *meaning) blockAs(b *syntax.Block, v val, e syntax.Expr) val {
	if b.Value == nil {
		return v
	}
	return convert(v, m.typeOf(b.Value), m.typeOf(e))
}

func strip(e syntax.Expr) syntax.Expr {
	for {
		p, ok := e.(*syntax.ParenExpr)
		if !ok {
			return e
		}
		e = p.X
	}
}

func (m *meaning) stmt(s syntax.Stmt) flow {
	if m.steps++; m.steps > 1e6 {
		panic("the script doesn't end")
	}
	switch s := s.(type) {
	case *syntax.ExprStmt:
		_, f := m.effect(s.X)
		return f
	case *syntax.Discard:
		_, f := m.effect(s.X)
		return f
	case *syntax.If:
		_, f := m.effect(s.X)
		return f
	case *syntax.BlockStmt:
		_, f := m.block(s.X)
		return f
	case *syntax.Let:
		l := m.info.Locals[s.Name.ID()]
		m.locals[l] = zeroOf(l.Type)
		if s.X != nil {
			m.locals[l] = m.exprAs(s.X, l.Type)
		}
	case *syntax.Assign:
		m.assign(s)
	case *syntax.Unroll:
		for range m.info.Consts[s.N.ID()].Int {
			if _, f := m.block(s.Body); f != onward {
				return f
			}
		}
	case *syntax.While:
		for m.truth(s.Cond) {
			if f, end := m.round(s.Body); end {
				return f
			}
		}
	case *syntax.For:
		return m.forLoop(s)
	case *syntax.Jump:
		return map[syntax.JumpKind]flow{syntax.Break: broken, syntax.Continue: continued, syntax.Return: returned}[s.Kind]
	default:
		panic(fmt.Sprintf("no meaning for %T", s))
	}
	return onward
}

// round runs a loop's body once; end tells that the loop ends, with f.
func (m *meaning) round(b *syntax.Block) (f flow, end bool) {
	if m.steps++; m.steps > 1e6 {
		panic("the script doesn't end")
	}
	switch _, f := m.block(b); f {
	case broken:
		return onward, true
	case returned:
		return returned, true
	}
	return onward, false
}

func (m *meaning) forLoop(s *syntax.For) flow {
	l := m.info.Locals[s.Var.ID()]
	if s.Map == nil {
		from, to := m.expr(s.From), m.expr(s.To)
		for i := int64(from.n); i < int64(to.n); i++ {
			m.locals[l] = val{n: cut(uint64(i), l.Type)}
			if f, end := m.round(s.Body); end {
				return f
			}
		}
		return onward
	}
	mi := m.mapInfo(s.Map.Name)
	for _, e := range m.maps[s.Map.Name] {
		key, value := l.Type.Fields[0].Type, l.Type.Fields[1].Type
		m.locals[l] = val{elems: []val{convert(e.key, mi.Key, key), convert(e.value, mi.Value, value)}}
		if f, end := m.round(s.Body); end {
			return f
		}
	}
	return onward
}

func (m *meaning) mapInfo(name string) *types.MapInfo {
	for _, mi := range m.info.Maps {
		if mi.Name == name {
			return mi
		}
	}
	panic("no map " + name)
}

// place is a map and a key of it.
func (m *meaning) place(e syntax.Expr) (mi *types.MapInfo, key val, id string) {
	switch x := strip(e).(type) {
	case *syntax.MapExpr:
		return m.mapInfo(x.Name), val{}, ""
	case *syntax.IndexExpr:
		mi = m.mapInfo(strip(x.X).(*syntax.MapExpr).Name)
		key = m.key(mi, x.Args)
		return mi, key, canonical(key, mi.Key)
	}
	panic(fmt.Sprintf("no place: %T", e))
}

func (m *meaning) key(mi *types.MapInfo, args []syntax.Expr) val {
	if len(args) == 1 {
		return m.exprAs(args[0], mi.Key)
	}
	var k val
	for i, a := range args {
		k.elems = append(k.elems, m.exprAs(a, mi.Key.Fields[i].Type))
	}
	return k
}

// canonical is a text that equal keys share.
func canonical(v val, t *types.Type) string {
	return shown(v, t) + "\x00" + fmt.Sprintf("%q", shown(v, t))
}

func (m *meaning) get(mi *types.MapInfo, id string) val {
	if e, ok := m.maps[mi.Name][id]; ok {
		return e.value
	}
	return zeroOf(mi.Value)
}

func (m *meaning) set(mi *types.MapInfo, id string, key, v val) {
	if m.maps[mi.Name] == nil {
		m.maps[mi.Name] = map[string]entry{}
	}
	m.maps[mi.Name][id] = entry{key, v}
}

func (m *meaning) assign(s *syntax.Assign) {
	if v, ok := strip(s.Target).(*syntax.VarExpr); ok {
		l := m.info.Locals[v.ID()]
		if s.Op == syntax.ASSIGN {
			m.locals[l] = m.exprAs(s.X, l.Type)
			return
		}
		old := m.local(l)
		n := arith(s.Op, old.n, m.number(s.X))
		m.locals[l] = val{n: cut(n, l.Type)}
		return
	}
	if call, ok := strip(s.X).(*syntax.CallExpr); ok && s.Op == syntax.ASSIGN {
		if mi, key, id := m.place(s.Target); mi.Value.IsAggregate() {
			m.set(mi, id, key, m.aggregate(mi, m.maps[mi.Name][id].value, call))
			return
		}
	}
	// The value comes before the key.
	x := m.expr(s.X)
	mi, key, id := m.place(s.Target)
	if s.Op == syntax.ASSIGN {
		m.set(mi, id, key, convert(x, m.typeOf(s.X), mi.Value))
		return
	}
	n := arith(s.Op, m.get(mi, id).n, asNumber(x, m.typeOf(s.X)))
	m.set(mi, id, key, val{n: cut(n, mi.Value)})
}

// aggregate is old with one more value.
func (m *meaning) aggregate(mi *types.MapInfo, old val, call *syntax.CallExpr) val {
	n := uint64(1)
	if len(call.Args) > 0 {
		n = m.number(call.Args[0])
	}
	less := func(a, b uint64) bool {
		if mi.Value.Signed {
			return int64(a) < int64(b)
		}
		return a < b
	}
	switch call.Fun.Name {
	case "min":
		if old.count == 0 || less(n, old.n) {
			old.n = n
		}
	case "max":
		if old.count == 0 || less(old.n, n) {
			old.n = n
		}
	default:
		old.n += n
	}
	old.count++
	return old
}

func (m *meaning) local(l *types.Local) val {
	if v, ok := m.locals[l]; ok {
		return v
	}
	return zeroOf(l.Type)
}

func zeroOf(t *types.Type) val {
	var v val
	for _, f := range t.Fields {
		v.elems = append(v.elems, zeroOf(f.Type))
	}
	if t.Kind == types.Array {
		v.elems = make([]val, t.Len)
	}
	return v
}

// cut is n as a value of integer type t, extended to 64 bits.
func cut(n uint64, t *types.Type) uint64 {
	switch {
	case t.Kind == types.Bool:
		if n != 0 {
			return 1
		}
		return 0
	case !t.IsInt() || t.Size == 8 || t.Size == 0:
		return n
	}
	shift := 64 - 8*t.Size
	if t.Signed {
		return uint64(int64(n<<shift) >> shift)
	}
	return n << shift >> shift
}

// convert makes a value of type from one of type to.
func convert(v val, from, to *types.Type) val {
	if from == to || to == nil || to.Kind == types.Void {
		return v
	}
	switch to.Kind {
	case types.Int, types.Bool, types.Enum:
		return val{n: cut(asNumber(v, from), to)}
	case types.String:
		if from.Kind == types.String {
			return val{s: clip(v.s, to)}
		}
	case types.Array:
		if from.IsInt() {
			out := val{}
			for i := range to.Len {
				out.elems = append(out.elems, val{n: cut(v.n>>(8*to.Elem.Size*i), to.Elem)})
			}
			return out
		}
	case types.Tuple, types.Record:
		var out val
		for i, f := range to.Fields {
			j := i
			if to.Kind == types.Record {
				for k := range from.Fields {
					if from.Fields[k].Name == f.Name {
						j = k
					}
				}
			}
			out.elems = append(out.elems, convert(v.elems[j], from.Fields[j].Type, f.Type))
		}
		return out
	}
	return v
}

// clip is s cut to what a string of type t holds.
func clip(s string, t *types.Type) string {
	if uint32(len(s)) >= t.Size {
		return s[:max(0, int(t.Size)-1)]
	}
	return s
}

// asNumber is a value as 64 bits.
func asNumber(v val, t *types.Type) uint64 {
	switch {
	case t.Kind == types.Avg && v.count > 0:
		if t.Signed {
			return uint64(int64(v.n) / int64(v.count))
		}
		return v.n / v.count
	case t.Kind == types.Array:
		n := uint64(0)
		for i, e := range v.elems {
			n |= e.n & (1<<(8*t.Elem.Size) - 1) << (8 * t.Elem.Size * uint32(i))
		}
		return n
	}
	return v.n
}

// arith is a op b on 64 bits, as BPF does it.
func arith(op syntax.Op, a, b uint64) uint64 {
	switch op {
	case syntax.Add:
		return a + b
	case syntax.Sub:
		return a - b
	case syntax.Mul:
		return a * b
	case syntax.And:
		return a & b
	case syntax.Or:
		return a | b
	case syntax.Xor:
		return a ^ b
	case syntax.Shl:
		return a << (b & 63)
	case syntax.Shr:
		return a >> (b & 63)
	case syntax.Div, syntax.Mod:
		switch {
		case b == 0:
			return 1
		case op == syntax.Mod:
			return a % b
		}
		return a / b
	}
	panic("no arithmetic: " + op.String())
}
