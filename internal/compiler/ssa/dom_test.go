package ssa

import "testing"

// TestDominators compares with the definition: a dominates b if no path avoids a.
func TestDominators(t *testing.T) {
	for seed := range uint64(60) {
		f := generate(seed, 60).Funcs[0]
		unreachable(f, nil)
		tree := f.dominators()
		for _, a := range f.Blocks {
			seen := make([]bool, f.NumBlocks())
			work := []*Block{f.Entry()}
			for len(work) > 0 {
				b := work[len(work)-1]
				work = work[:len(work)-1]
				if b == a || seen[b.ID] {
					continue
				}
				seen[b.ID] = true
				work = append(work, b.Succs...)
			}
			for _, b := range f.Blocks {
				if got := tree.dominates(a, b); got == seen[b.ID] {
					t.Fatalf("seed %d: %s dominates %s: %v\n%s", seed, a, b, got, f)
				}
			}
		}
	}
}
