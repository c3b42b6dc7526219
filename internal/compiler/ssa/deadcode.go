package ssa

// unreachable takes out the blocks that no path reaches.
func unreachable(f *Func, _ *Options) {
	seen := make([]bool, f.NumBlocks())
	for _, b := range f.postorder() {
		seen[b.ID] = true
	}
	keep := f.Blocks[:0]
	var dead []*Block
	for _, b := range f.Blocks {
		if seen[b.ID] {
			keep = append(keep, b)
		} else {
			dead = append(dead, b)
		}
	}
	f.Blocks = keep
	for _, b := range dead {
		for i := len(b.Succs) - 1; i >= 0; i-- {
			if seen[b.Succs[i].ID] {
				b.Succs[i].removePred(b.PredIndex(i))
			}
		}
		b.Succs = nil
		b.SetControl(nil)
		for _, v := range b.Values {
			v.unuse()
		}
	}
	if len(dead) > 0 {
		copyelim(f)
	}
}

// deadcode drops values that nothing uses and that do nothing else, and the cycles of
// phis that use only each other.
func deadcode(f *Func, o *Options) {
	live := make([]bool, f.NumValues())
	var work []*Value
	mark := func(v *Value) {
		if !live[v.ID] {
			live[v.ID] = true
			work = append(work, v)
		}
	}
	for _, b := range f.Blocks {
		if b.Control != nil {
			mark(b.Control)
		}
		for _, v := range b.Values {
			if hasEffect(v, o) {
				mark(v)
			}
		}
	}
	for len(work) > 0 {
		v := work[len(work)-1]
		work = work[:len(work)-1]
		for _, a := range v.Args {
			mark(a)
		}
	}
	for _, b := range f.Blocks {
		sweep(b, live)
	}
}

// sweep keeps b's values that live has.
func sweep(b *Block, live []bool) {
	keep := b.Values[:0]
	for _, v := range b.Values {
		if live[v.ID] {
			keep = append(keep, v)
		} else {
			v.unuse()
		}
	}
	clear(b.Values[len(keep):])
	b.Values = keep
}

// hasEffect reports whether v does something besides giving its result.
func hasEffect(v *Value, o *Options) bool {
	if v.Op == OpCall {
		return !o.helper(v.AuxInt).Pure
	}
	return v.Op == OpParam || v.Op.Info().Effect&(Writes|Calls) != 0
}
