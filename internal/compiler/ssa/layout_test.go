package ssa

import "testing"

func parseFunc(t *testing.T, text string) *Func {
	t.Helper()
	p, err := Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	if err := Check(p.Funcs[0]); err != nil {
		t.Fatal(err)
	}
	return p.Funcs[0]
}

// twoKeys uses s0, then s1, then s2 and s3 at one time; s4 never.
const twoKeys = `func f prog(I64) I64 {
  slot s0 "key1" size=16 align=8
  slot s1 "key2" size=16 align=8
  slot s2 "buf" size=100 align=1
  slot s3 "key3" size=8 align=8
  slot s4 "unused" size=64 align=8
b0:
  v0 = param I64 0
  v1 = mapptr Ptr 0
  v2 = slotaddr Ptr s0
  store.8 v2 v0 !slot
  store.8 v2 v0 +8 !slot
  v3 = call I64 #1 v1 v2
  v4 = slotaddr Ptr s1
  store.8 v4 v0 !slot
  store.8 v4 v0 +8 !slot
  v5 = call I64 #1 v1 v4
  v6 = slotaddr Ptr s2
  zero.1 v6 100 !slot
  v7 = slotaddr Ptr s3
  store.8 v7 v0 !slot
  v8 = call I64 #1 v1 v7
  v9 = call I64 #6 v6
  ret v5
}
`

func TestSlotsShareBytes(t *testing.T) {
	f := parseFunc(t, twoKeys)
	l := LayoutSlots(f, Options{Helper: testHelpers})
	if l.Offset[0] != l.Offset[1] {
		t.Errorf("keys that aren't used at one time lie at %d and %d", l.Offset[0], l.Offset[1])
	}
	if l.Used[4] || !l.Used[0] {
		t.Errorf("used: %v", l.Used)
	}
	if l.Stack != 112 { // 104 for buf, 8 for key3
		t.Errorf("the stack takes %d bytes", l.Stack)
	}
	for i, s := range f.Slots {
		if l.Used[i] && (l.Offset[i] >= 0 || -l.Offset[i] > int32(l.Stack) || l.Offset[i]%int32(slotAlign(s)) != 0) {
			t.Errorf("%s lies at %d", s, l.Offset[i])
		}
	}
}

func TestLargestSlotsLeaveTheStack(t *testing.T) {
	f := parseFunc(t, twoKeys)
	l := AssignSlots(f, 64, Options{Helper: testHelpers})
	if !f.Slots[2].Scratch || f.Slots[0].Scratch || f.Slots[1].Scratch || f.Slots[3].Scratch {
		t.Errorf("scratch slots are wrong:\n%s", f)
	}
	if l.Stack != 16 || l.Scratch != 104 || l.Offset[2] != 0 {
		t.Errorf("stack %d, scratch %d, buf at %d", l.Stack, l.Scratch, l.Offset[2])
	}
}

// A pointer kept in a map comes back as a number that the verifier lets no one follow.
func TestSlotsOfPointersStayOnTheStack(t *testing.T) {
	f := parseFunc(t, `func f prog(Ptr) I64 {
  slot s0 "ctx" size=64 align=8
b0:
  v0 = param Ptr 0
  v1 = slotaddr Ptr s0
  store.8 v1 v0 !slot
  v2 = call I64 #6 v1
  ret v2
}
`)
	if l := AssignSlots(f, 16, Options{Helper: testHelpers}); l.Stack != 64 || f.Slots[0].Scratch {
		t.Errorf("stack %d, scratch %v", l.Stack, f.Slots[0].Scratch)
	}
}
