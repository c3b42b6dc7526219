package ssa

import (
	"testing"
	"time"
)

// big is a random function of at least n values.
func big(n int) *Prog {
	p := generate(42, n/8)
	for size := n / 4; p.Funcs[0].NumValues() < n; size *= 2 {
		p = generate(42, size)
	}
	return p
}

// ladder is a chain of n ifs, each of which writes a variable that the next one reads,
// with one join after all: many edges into one block, and phis all along.
func ladder(n int) *Prog {
	f := NewFunc("ladder", FuncProg, []Type{Ptr}, I64)
	b := f.Entry()
	ctx := b.Append(0, OpParam, Ptr)
	s := f.NewSlot("x", 8, 8)
	m := Mem{Size: 8, Class: MemSlot}
	addr := b.Append(0, OpSlotAddr, Ptr)
	addr.Aux = s
	done := f.NewBlock(BlockRet)
	for range n {
		x := b.mem(OpLoad, I64, m, 0, addr)
		x = b.Append(0, OpAdd, I64, x, b.mem(OpLoad, I64, Mem{Size: 4, Class: MemCtx}, 0, ctx))
		b.mem(OpStore, Void, m, 0, addr, x)
		b.Kind = BlockIf
		b.SetControl(x)
		next := f.NewBlock(BlockRet)
		b.AddEdge(next)
		b.AddEdge(done)
		b = next
	}
	b.Kind = BlockPlain
	b.AddEdge(done)
	done.SetControl(done.mem(OpLoad, I64, m, 0, addr))
	return &Prog{Scratch: -1, Funcs: []*Func{f}}
}

// TestScale holds the passes to nearly linear time: a quadratic one takes minutes here.
func TestScale(t *testing.T) {
	for _, tt := range []struct {
		name string
		p    *Prog
	}{{"random", big(100_000)}, {"ladder", ladder(20_000)}} {
		t.Run(tt.name, func(t *testing.T) {
			n := tt.p.Funcs[0].NumValues()
			last := time.Now()
			start := last
			Optimize(tt.p, Options{Helper: testHelpers, Dump: func(pass string, p *Prog) {
				t.Logf("%-14s %v", pass, time.Since(last))
				last = time.Now()
			}})
			took := time.Since(start)
			t.Logf("%d values in %d blocks of which %d stay: %v", n, tt.p.Funcs[0].NumBlocks(), len(tt.p.Funcs[0].Blocks), took)
			AssignSlots(tt.p.Funcs[0], 512, Options{Helper: testHelpers})
			t.Logf("AssignSlots, %d slots: %v", len(tt.p.Funcs[0].Slots), time.Since(last))
			if took > 10*time.Second { // about 0.5 s when the machine is free
				t.Errorf("took %v", took)
			}
			if err := Check(tt.p.Funcs[0]); err != nil {
				t.Error(err)
			}
		})
	}
}

func BenchmarkOptimize(b *testing.B) {
	for b.Loop() {
		b.StopTimer()
		p := big(20_000)
		b.StartTimer()
		Optimize(p, Options{Helper: testHelpers})
	}
}
