package kernel

import (
	"testing"

	"github.com/skep-bpf/skep/internal/bpf/isa"
	"github.com/skep-bpf/skep/internal/bpf/object"
	"github.com/skep-bpf/skep/internal/diag"
	"github.com/skep-bpf/skep/internal/host/kern"
)

// The types of maps parse back, with the sizes that the kernel will compare.
func TestMapTypes(t *testing.T) {
	num := func(size uint32) *object.Type { return &object.Type{Kind: object.Int, Size: size} }
	tuple := &object.Type{Kind: object.Tuple, Size: 24, Fields: []object.Field{
		{Offset: 8, Type: &object.Type{Kind: object.String, Size: 16}}, {Offset: 0, Type: num(4)},
	}}
	union := &object.Type{Kind: object.Struct, Name: "my union", Size: 8, Fields: []object.Field{
		{Name: "a", Type: num(8)}, {Name: "b", Type: num(4)},
	}}
	hash := func(key, value *object.Type, keySize, valueSize uint32) *object.Map {
		return &object.Map{Kind: object.MapHash, Key: key, Value: value, KeySize: keySize, ValueSize: valueSize}
	}
	maps := []*object.Map{
		hash(num(8), num(8), 8, 8),
		hash(tuple, &object.Type{Kind: object.Avg, Size: 16}, 24, 16),
		hash(union, &object.Type{Kind: object.Kstack, Size: 16}, 8, 16),
		hash(num(4), num(8), 6, 8), // a key of another size than its type
		{Kind: object.MapRingbuf},
		{Kind: object.MapArray, KeySize: 4, ValueSize: 8, Value: num(8)},
	}
	info := encodeBTF(&object.Object{Maps: maps})
	b, err := kern.ParseBTF("test", info.data, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i, m := range maps {
		kv := info.maps[i]
		if m.Kind == object.MapRingbuf {
			if kv != (btfKV{}) {
				t.Errorf("the ring buffer has types %+v", kv)
			}
			continue
		}
		key, value := b.Type(kern.TypeID(kv.key)).Size(), b.Type(kern.TypeID(kv.value)).Size()
		if key != m.KeySize || value != m.ValueSize {
			t.Errorf("map %d: sizes %d, %d; want %d, %d", i, key, value, m.KeySize, m.ValueSize)
		}
	}
}

// Each function begins with a record; equal lines that follow each other are one.
func TestLineInfo(t *testing.T) {
	src := &diag.Sources{}
	f := src.Add("a.bt", "one\n  two\n")
	p := &object.Program{
		Name:  "p",
		Insns: make([]isa.Insn, 6),
		Funcs: []object.FuncInfo{{Name: "p"}, {Name: "callback", Insn: 4}},
		Lines: []object.Line{{Insn: 0, Pos: f.Pos(0)}, {Insn: 1, Pos: f.Pos(0)}, {Insn: 2, Pos: f.Pos(6)}, {Insn: 3, Pos: diag.NoPos}},
	}
	p.Insns[1] = isa.LoadImm64(isa.R1, 0)
	info := encodeBTF(&object.Object{Programs: []*object.Program{p}, Sources: src})
	type line struct{ slot, num, col uint32 }
	var got []line
	for b := info.progs[0].lines; len(b) > 0; b = b[lineInfoSize:] {
		lc := u32(b[12:])
		got = append(got, line{u32(b), lc >> 10, lc & 1023})
	}
	want := []line{{0, 1, 1}, {3, 2, 3}, {5, 2, 3}}
	if len(got) != len(want) {
		t.Fatalf("lines %v, want %v", got, want)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("lines %v, want %v", got, want)
			break
		}
	}
}
