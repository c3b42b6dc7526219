package ssa

import "testing"

// TestFactsHold runs random programs and compares each value with what is claimed of it.
func TestFactsHold(t *testing.T) {
	for seed := range uint64(300) {
		p := generate(seed, 40)
		o := Options{Helper: testHelpers}
		facts := map[*Func][]fact{}
		for _, f := range p.Funcs {
			unreachable(f, &o)
			if seed%2 == 0 {
				mem2reg(f, &o)
			}
			r := &ranger{f: f, facts: make([]fact, f.NumValues())}
			r.solve()
			facts[f] = r.facts
		}
		for _, in := range inputs(seed) {
			m := newMachine(in)
			m.saw = func(v *Value, n uint64) {
				if v.Type == Void || v.Type == Ptr {
					return
				}
				x := facts[v.Block.Func][v.ID]
				w := width(v.Type)
				if v.Type == Bool {
					w = 64
				}
				shift := 64 - min(x.sign, w)
				low := uint64(int64(n<<shift)>>shift) << (64 - w)
				if n&x.zero != 0 || n > x.max || low != n<<(64-w) {
					t.Fatalf("seed %d: %s is %#x, but its fact is %+v\n%s", seed, v.LongString(), n, x, p)
				}
			}
			m.run(p.Funcs[0], ctxBase)
		}
	}
}

func TestReciprocalDivides(t *testing.T) {
	for _, d := range []uint64{3, 5, 7, 10, 60, 100, 1000, 1024 * 3, 1_000_000, 1_000_000_007, 1<<32 - 1} {
		for _, limit := range []uint64{d, 255, 65535, 1<<31 - 1, 1<<32 - 1, 1 << 40} {
			m, s, ok := reciprocal(d, limit)
			if !ok {
				if limit < 1<<31 && limit >= d {
					t.Errorf("no reciprocal of %d up to %d", d, limit)
				}
				continue
			}
			for _, n := range []uint64{0, 1, d - 1, d, d + 1, limit / d * d, limit/d*d - 1, limit / 2, limit - 1, limit} {
				if n <= limit && n*m>>s != n/d {
					t.Errorf("%d/%d up to %d: %d*%d>>%d is %d", n, d, limit, n, m, s, n*m>>s)
				}
			}
		}
	}
}

// TestEvalIsBPF has the corners of RFC 9669, which the interpreter of the tests shares
// with the folder of constants.
func TestEvalIsBPF(t *testing.T) {
	const min64, min32 = -1 << 63, -1 << 31
	for _, tt := range []struct {
		op      Op
		t       Type
		a, b, n int64
	}{
		{OpUDiv, I64, 7, 0, 0}, {OpUMod, I64, 7, 0, 7}, {OpSDiv, I64, 7, 0, 0}, {OpSMod, I64, -7, 0, -7},
		{OpUDiv, I32, -1, 2, 1<<31 - 1}, {OpUMod, I32, -1, 10, 5}, {OpUDiv, I64, -1, 2, 1<<63 - 1},
		{OpSDiv, I64, -7, 2, -3}, {OpSMod, I64, -7, 2, -1}, {OpSMod, I64, 7, -2, 1},
		{OpSDiv, I64, min64, -1, min64}, {OpSMod, I64, min64, -1, 0},
		{OpSDiv, I32, min32, -1, min32}, {OpSMod, I32, min32, -1, 0},
		{OpShl, I64, 1, 64, 1}, {OpShl, I64, 1, 63, min64}, {OpShl, I32, 1, 33, 2}, {OpShl, I32, 1, 31, min32},
		{OpLShr, I64, -1, 60, 15}, {OpLShr, I32, -1, 28, 15}, {OpAShr, I32, min32, 31, -1}, {OpAShr, I64, -8, 65, -4},
		{OpAdd, I32, 1<<31 - 1, 1, min32}, {OpMul, I32, 1 << 16, 1 << 16, 0}, {OpSub, I32, min32, 1, 1<<31 - 1},
	} {
		if n, ok := evalBinary(tt.op, tt.t, tt.a, tt.b); !ok || n != tt.n {
			t.Errorf("%s %s %d %d: got %d, want %d", tt.op, tt.t, tt.a, tt.b, n, tt.n)
		}
	}
	for _, tt := range []struct {
		op      Op
		t, from Type
		a, size int64
		n       int64
	}{
		{OpSExt8, I64, I64, 0x180, 0, -128}, {OpZExt8, I64, I64, -1, 0, 255}, {OpSExt32, I64, I32, -5, 0, -5},
		{OpZExt32, I64, I32, -1, 0, 1<<32 - 1}, {OpTrunc, I32, I64, 1<<32 + 1<<31, 0, min32},
		{OpZExt16, I32, I32, -1, 0, 65535}, {OpNeg, I32, I32, min32, 0, min32}, {OpNot, I64, I64, 0, 0, -1},
		{OpBswap, I64, I64, 0x1122334455667788, 16, 0x8877}, {OpBswap, I64, I64, 0x11223344, 32, 0x44332211},
		{OpBswap, I32, I32, 0x80, 32, min32},
	} {
		if n, ok := evalUnary(tt.op, tt.t, tt.from, tt.a, tt.size); !ok || n != tt.n {
			t.Errorf("%s %s %d: got %d, want %d", tt.op, tt.t, tt.a, n, tt.n)
		}
	}
}
