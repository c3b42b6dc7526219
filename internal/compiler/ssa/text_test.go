package ssa

import (
	"strings"
	"testing"
)

// everyForm has each form of the text.
const everyForm = `prog "main" scratch=2 offset=64 size=128

func main prog(Ptr) I64 {
  slot s0 "$x" size=8 align=8
  slot s1 "buf \"q\"" size=64 align=1 scratch captured @7
b0:
  v0 = param Ptr 0
  v1 = const I64 -42 @12
  v2 = slotaddr Ptr s0
  v3 = slotaddr Ptr s1 +16
  store.8 v2 v1 !slot @13
  v4 = load.s2 I64 v0 +8 !ctx
  v5 = load.u8 Ptr v2 !slot
  zero.8 v3 48 !slot
  v6 = mapptr Ptr 3
  v7 = mapvalue Ptr m1 +24
  move.4 v3 v7 12 !slot !map
  v8 = call I64 #1 v6 v2
  v9 = kfunc I64 "bpf_task_acquire" v5
  v10 = funcaddr Ptr &cb
  v11 = ksymaddr Ptr "runqueues"
  v12 = offset Ptr v11 -8
  atomic_add.8 v7 v1 +8 !map
  v13 = atomic_cmpxchg.8 I64 v7 v1 v4 !map
  v14 = bswap I64 v13 16
  tailcall v0 v6 v14
  v15 = slt Bool v14 v1
  if v15 b1 b2 likely @20
b1: <- b0
  v16 = callfunc I64 &helper v14
  jump b2
b2: <- b0 b1
  v17 = phi I64 v1 v16
  v18 = select I64 v15 v17 v8
  ret v18
}

func cb callback(I64, Ptr) I64 {
b0:
  v0 = param I64 0
  v1 = param Ptr 1
  ret v0
}

func helper sub(I64) I64 {
b0:
  ret
}
`

func TestTextRoundTrip(t *testing.T) {
	p, err := Parse(everyForm)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range p.Funcs {
		if err := Check(f); err != nil {
			t.Error(err)
		}
	}
	if got := p.String(); got != everyForm {
		t.Errorf("printed back:\n%s", got)
	}
}

func TestParseErrors(t *testing.T) {
	fn := func(body string) string { return "func f prog() I64 {\n" + body + "\n}\n" }
	for _, tt := range []struct{ text, want string }{
		{"v1 = const I64 1", "line 1: v1 stands outside a func"},
		{"func f", "a function begins"},
		{"func f what() I64 {", `no function kind "what"`},
		{"func f prog(X) I64 {", `no type "X"`},
		{"func f prog() I64 {", "no } ends func f"},
		{fn("v1 = const I64 1"), "line 2: v1 stands outside a block"},
		{fn("b0:\nv1 = const I64 1"), "b0 has no ending"},
		{fn("b0:\nret v1"), "value v1, used in line 3, isn't defined"},
		{fn("b0:\njump b1"), "block b1, named in line 2, isn't defined"},
		{fn("b0:\njump"), "jump goes to 1 blocks"},
		{fn("b0:\nv1 = plus I64 v1 v1\nret"), `no op "plus"`},
		{fn("b0:\nv1 = const I64\nret"), "a number is missing"},
		{fn("b0:\nv1 = const I64 x\nret"), `"x" isn't a number`},
		{fn("b0:\nv1 = const I64 1 2\nret"), `"2" left over`},
		{fn("b0:\nv1 = const I64 1\nv1 = const I64 1\nret"), "v1 is defined twice"},
		{fn("b0:\nv1 = slotaddr Ptr s0\nret"), "no slot s0"},
		{fn("b0:\nv1 = load.u8 I64 v0 !heap\nret"), "no memory class !heap"},
		{fn("b0:\nv1 = call I64 14\nret"), `"14" where #helper should be`},
		{fn("b0:\nv1 = funcaddr Ptr &g\nret"), "line 3: no func g"},
		{"prog main", "program name main isn't quoted"},
	} {
		if _, err := Parse(tt.text); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%q: got error %v, want %q", tt.text, err, tt.want)
		}
	}
}

func TestCheckFinds(t *testing.T) {
	fn := func(body string) string { return "func f prog(I64) I64 {\n" + body + "\n}\n" }
	for _, tt := range []struct{ text, want string }{
		{fn("b0:\njump b1\nb1:\nret"), "edges by successors"},
		{fn("b0:\njump b1\nb1: <- b0 b0\nret"), "doesn't go here as often"},
		{fn("b0:\njump b1\nb1: <- b0 b1\njump b1"), ""},
		{fn("b0: <- b0\njump b0"), "entry has predecessors"},
		{fn("b0:\nif b1 b2\nb1: <- b0\nret\nb2: <- b0\nret"), "goes to 2 blocks"},
		{fn("b0:\nv1 = const I32 1\nret v1"), "returns I32, not I64"},
		{fn("b0:\nv2 = add I64 v1 v1\nv1 = const I64 1\nret v2"), "v1 is used before it"},
		{fn("b0:\nv1 = const I64 1\nif v1 b1 b2\nb1: <- b0\nv2 = const I64 1\njump b2\nb2: <- b0 b1\nret v2"), "doesn't dominate"},
		{fn("b0:\nv1 = const I64 1\nif v1 b1 b2\nb1: <- b0\nv2 = const I64 1\njump b2\nb2: <- b0 b1\nv3 = phi I64 v2 v1\nret v3"), "doesn't dominate the end of b0"},
		{fn("b0:\nv1 = const I64 1\njump b1\nb1: <- b0\nv2 = phi I64 v1 v1\nret v2"), "2 arguments, not 1"},
		{fn("b0:\nv1 = const I64 1\nv2 = add I32 v1 v1\nret v1"), "the types don't fit"},
		{fn("b0:\nv1 = const I64 1\nv2 = add I64 v1\nret v1"), "1 arguments, not 2"},
		{fn("b0:\nv1 = const I64 1\nv2 = param I64 0\nret v1"), "stands elsewhere than first"},
		{fn("b0:\nv2 = param I64 1\nret v2"), "the types don't fit"},
		{fn("slot s0 \"x\" size=4 align=4\nb0:\nv2 = slotaddr Ptr s0 +5\nret"), "isn't in the slot's 4 bytes"},
		{fn("slot s0 \"x\" size=4 align=4\nb0:\nv2 = slotaddr Ptr s0\nv3 = load.u8 I32 v2 !slot\nret"), "an access of 8 bytes with a value of I32"},
		{fn("b0:\nv1 = const Bool 2\nret"), "a Bool is 0 or 1"},
		{fn("b0:\nv1 = const I32 4294967296\nret"), "more than 32 bits"},
	} {
		p, err := Parse(tt.text)
		if err == nil {
			err = Check(p.Funcs[0])
		}
		if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
			t.Errorf("%s\ngot error %v, want %q", tt.text, err, tt.want)
		}
	}
}

func TestCheckUseCounts(t *testing.T) {
	p, err := Parse(everyForm)
	if err != nil {
		t.Fatal(err)
	}
	p.Funcs[1].Blocks[0].Control.Uses++
	if err := Check(p.Funcs[1]); err == nil || !strings.Contains(err.Error(), "Uses is 2, but it's used 1 times") {
		t.Errorf("got error %v", err)
	}
}

func TestOpsHaveNames(t *testing.T) {
	for op := range opTable {
		if opTable[op].Name == "" || op != 0 && opRules[op] == ruleAny {
			t.Errorf("op %d (%s) lacks a row", op, Op(op))
		}
	}
}
