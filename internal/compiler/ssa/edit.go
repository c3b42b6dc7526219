package ssa

// reset drops v's arguments and operands and makes it an op of the same type.
func (v *Value) reset(op Op) {
	for _, a := range v.Args {
		a.Uses--
	}
	v.Op, v.Args, v.AuxInt, v.Aux = op, v.Args[:0:0], 0, nil
}

// copyOf turns v into a copy of a, which copyelim takes out.
func (v *Value) copyOf(a *Value) {
	a.Uses++
	v.reset(OpCopy)
	v.Args = append(v.Args, a)
}

// become turns v into op over args, which may be among its present ones.
func (v *Value) become(op Op, args ...*Value) {
	for _, a := range args {
		a.Uses++
	}
	v.reset(op)
	v.Args = append(v.Args, args...)
}

// constant turns v into a constant, in the form that constants of its type have.
func (v *Value) constant(n int64) {
	v.reset(OpConst)
	v.AuxInt = canon(v.Type, n)
}

// canon is the form in which a constant of type t keeps n: an I32 sign-extended,
// since BPF's immediates are.
func canon(t Type, n int64) int64 {
	switch t {
	case I32:
		return int64(int32(n))
	case Bool:
		return n & 1
	}
	return n
}

// isConst reports whether v is a constant, and which.
func (v *Value) isConst() (int64, bool) {
	if v.Op != OpConst {
		return 0, false
	}
	return canon(v.Type, v.AuxInt), true
}

// insertBefore places the values news, made for b, before place i of b's list.
func (b *Block) insertBefore(i int, news ...*Value) {
	b.Values = append(b.Values, news...)
	copy(b.Values[i+len(news):], b.Values[i:])
	copy(b.Values[i:], news)
}

// firstAfterPhis is the place of b's first value that is neither phi nor parameter.
func (b *Block) firstAfterPhis() int {
	for i, v := range b.Values {
		if v.Op != OpPhi && v.Op != OpParam {
			return i
		}
	}
	return len(b.Values)
}

// PredIndex is the place in b.Succs[i].Preds of b's i-th edge.
func (b *Block) PredIndex(i int) int {
	c := b.Succs[i]
	nth := 0
	for _, s := range b.Succs[:i] {
		if s == c {
			nth++
		}
	}
	for j, p := range c.Preds {
		if p == b {
			if nth == 0 {
				return j
			}
			nth--
		}
	}
	panic("BUG: edge without a predecessor entry")
}

// removePred takes entry j out of b.Preds and its phis' arguments. The other end of the
// edge is the caller's.
func (b *Block) removePred(j int) {
	b.Preds = append(b.Preds[:j], b.Preds[j+1:]...)
	for _, v := range b.Values {
		if v.Op != OpPhi {
			break
		}
		v.Args[j].Uses--
		v.Args = append(v.Args[:j], v.Args[j+1:]...)
	}
}

// jumpOnly leaves b only its edge i.
func (b *Block) jumpOnly(i int) {
	for j := len(b.Succs) - 1; j >= 0; j-- {
		if j != i {
			b.Succs[j].removePred(b.PredIndex(j))
		}
	}
	b.Succs = append(b.Succs[:0], b.Succs[i])
	b.Kind, b.Likely = BlockPlain, 0
	b.SetControl(nil)
}

// unuse takes back the uses that v's arguments have by it; v is about to go.
func (v *Value) unuse() {
	for _, a := range v.Args {
		a.Uses--
	}
	v.Args = nil
}

// copyelim lets every use of a copy use what it copies; a copy that changes the type
// is a cast and stays. A phi whose arguments are all one value, or itself, counts as a
// copy of it. The copies themselves, then unused, go too.
func copyelim(f *Func) {
	for _, b := range f.Blocks {
		for _, v := range b.Values {
			if v.Op == OpPhi {
				if a := onlyArg(v); a != nil {
					v.copyOf(a)
				}
			}
		}
	}
	for _, b := range f.Blocks {
		for _, v := range b.Values {
			for i, a := range v.Args {
				if s := source(a); s != a {
					v.SetArg(i, s)
				}
			}
		}
		if b.Control != nil {
			if s := source(b.Control); s != b.Control {
				b.SetControl(s)
			}
		}
	}
	for _, b := range f.Blocks {
		keep := b.Values[:0]
		for _, v := range b.Values {
			if v.Op == OpCopy && v.Uses == 0 {
				v.unuse()
				continue
			}
			keep = append(keep, v)
		}
		clear(b.Values[len(keep):])
		b.Values = keep
	}
}

// onlyArg is the one value that a phi can be, or nil.
func onlyArg(phi *Value) *Value {
	var only *Value
	for _, a := range phi.Args {
		if a = source(a); a == phi || a == only {
			continue
		}
		if only != nil {
			return nil
		}
		only = a
	}
	return only
}

// source follows copies that don't change the type, shortening the path.
func source(v *Value) *Value {
	s := v
	for s.Op == OpCopy && s.Args[0].Type == s.Type {
		s = s.Args[0]
	}
	for v != s && v.Args[0] != s {
		next := v.Args[0]
		v.SetArg(0, s)
		v = next
	}
	return s
}
