package event

import (
	"slices"
	"strings"
	"testing"

	"github.com/skep-bpf/skep/internal/bpf/object"
)

// hash is a keyed map in a hash of the object.
func hash(key, value *object.Type) *object.Var {
	return &object.Var{Name: "@x", Key: key, Value: value}
}

func perCPU(v *object.Var) *object.Var { v.PerCPU = true; return v }

func agg(k object.Kind, size uint32, signed bool) *object.Type {
	return &object.Type{Kind: k, Size: size, Signed: signed}
}

func logHist(bits uint8) *object.Type {
	n := uint32(65) << bits
	return &object.Type{Kind: object.Hist, Size: 8 * n, Hist: object.HistSpec{Bits: bits, Len: n}}
}

// entries is a snapshot in the form of show, an entry a line.
func entries(t *testing.T, d *Decoder, v *object.Var, sel Select) string {
	t.Helper()
	s, err := d.Snapshot(v, sel)
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	for _, e := range s.Entries {
		list = append(list, show(e.Key)+" "+show(e.Value))
	}
	return strings.Join(list, "\n")
}

// TestOrder holds what the order of bpftrace 0.27 was for the same elements.
func TestOrder(t *testing.T) {
	tests := []struct {
		name string
		v    *object.Var
		m    *memory
		sel  Select
		want []string
	}{
		{"numbers by value", hash(i64, i64),
			newMemory(raw(3), raw(1), raw(1), raw(3), raw(2), raw(2)), Select{},
			[]string{"3 1", "2 2", "1 3"}},
		{"signed values", hash(i64, i64),
			newMemory(raw(1), raw(5), raw(2), raw(-5)), Select{}, []string{"2 -5", "1 5"}},
		{"the largest two", hash(i64, i64),
			newMemory(raw(3), raw(1), raw(1), raw(3), raw(2), raw(2)), Select{Top: 2}, []string{"2 2", "1 3"}},
		{"divided", hash(i64, i64),
			newMemory(raw(3), raw(1), raw(1), raw(3), raw(2), raw(2)), Select{Div: 2}, []string{"3 0", "2 1", "1 1"}},
		{"equal counts by key", hash(i64, agg(object.Count, 8, false)),
			newMemory(raw(10), raw(1), raw(-3), raw(1), raw(2), raw(1)), Select{}, []string{"-3 1", "2 1", "10 1"}},
		{"strings by key", hash(i64, str(2)),
			newMemory(raw(2), raw("b\x00"), raw(-1), raw("a\x00")), Select{}, []string{`-1 "a"`, `2 "b"`}},
		{"tuples by key", hash(tuple(i64, str(2)), str(2)),
			newMemory(raw(1, "b\x00"), raw("x\x00"), raw(1, "a\x00"), raw("y\x00"), raw(-1, "z\x00"), raw("z\x00")), Select{},
			[]string{`(-1 "z") "z"`, `(1 "a") "y"`, `(1 "b") "x"`}},
		{"extremes as unsigned", hash(i64, agg(object.Min, 16, true)),
			newMemory(raw(1), raw(-5, 1), raw(2), raw(5, 1), raw(3), raw(1, 1)), Select{}, []string{"3 1", "2 5", "1 -5"}},
		{"averages", hash(i64, agg(object.Avg, 16, true)),
			newMemory(raw(2), raw(5, 1), raw(1), raw(-10, 2)), Select{}, []string{"1 -5", "2 5"}},
		{"only the average of stats is divided", hash(i64, agg(object.Stats, 16, false)),
			newMemory(raw(1), raw(9, 1), raw(2), raw(3, 1)), Select{Div: 2},
			[]string{"2 {count:1 average:1 total:3}", "1 {count:1 average:4 total:9}"}},
		{"tuples as values are divided", hash(i64, tuple(i64, i64)),
			newMemory(raw(1), raw(1, 2), raw(0), raw(3, 4)), Select{Div: 2}, []string{"0 (1 2)", "1 (0 1)"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got := entries(t, decoder(test.m), test.v, test.sel)
			if want := strings.Join(test.want, "\n"); got != want {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
		})
	}
}

func TestMerge(t *testing.T) {
	tests := []struct {
		name  string
		t     *object.Type
		value []byte // of two CPUs
		want  string
	}{
		{"count", agg(object.Count, 8, false), raw(3, 4), "7"},
		{"sum", agg(object.Sum, 8, true), raw(3, -4), "-1"},
		{"average", agg(object.Avg, 16, true), raw(-10, 1, 4, 2), "-2"},
		{"average of nothing", agg(object.Avg, 16, true), raw(0, 0, 0, 0), "0"},
		{"min of one CPU", agg(object.Min, 16, true), raw(0, 0, 4, 1), "4"},
		{"min", agg(object.Min, 16, true), raw(-3, 1, 4, 1), "-3"},
		{"max", agg(object.Max, 16, true), raw(-3, 1, -4, 1), "-3"},
		{"max unsigned", agg(object.Max, 16, false), raw(-3, 1, 4, 1), "18446744073709551613"},
		{"stats", agg(object.Stats, 16, false), raw(5, 1, 7, 2), "{count:3 average:4 total:12}"},
		{"32-bit sums", i32, raw(int32(-5), int32(0), int32(3), int32(0)), "-2"},
		{"not to be merged", str(8), raw("first\x00\x00\x00", "second\x00\x00"), `"first"`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			v := perCPU(hash(nil, test.t))
			if got := entries(t, decoder(newMemory(raw(0), test.value)), v, Select{}); got != "null "+test.want {
				t.Errorf("got %s, want %s", got, test.want)
			}
		})
	}
}

func TestGlobals(t *testing.T) {
	// Two rows of 32 bytes: 8 of another variable, count, mark.
	value := raw(99, 3, uint8(0), "\x00\x00\x00\x00\x00\x00\x00", 0, 98, 4, uint8(1), "\x00\x00\x00\x00\x00\x00\x00", 0)
	m := newMemory(raw(uint32(0)), value)
	d := decoder(m)
	v := &object.Var{Name: "@c", Value: agg(object.Count, 8, false), Storage: object.StoreGlobalPerCPU,
		Stride: 32, Offset: 8, Present: 16, HasPresent: true, PerCPU: true}
	if got := entries(t, d, v, Select{}); got != "null 7" {
		t.Errorf("rows merged: got %q", got)
	}
	if err := d.Zero(v); err != nil {
		t.Fatal(err)
	}
	if got := entries(t, d, v, Select{}); got != "null 0" {
		t.Errorf("after zero: got %q", got)
	}
	if err := d.Clear(v); err != nil {
		t.Fatal(err)
	}
	if got := entries(t, d, v, Select{}); got != "" {
		t.Errorf("after clear: got %q", got)
	}
	if got := entries(t, d, v, Select{Zero: true}); got != "null 0" {
		t.Errorf("print() after clear: got %q", got)
	}
	if got := m.values[string(raw(uint32(0)))]; !slices.Equal(got[:8], raw(99)) || !slices.Equal(got[32:40], raw(98)) {
		t.Errorf("the variable beside it changed: %v", got)
	}
}

func TestHistograms(t *testing.T) {
	linear := &object.Type{Kind: object.Lhist, Hist: object.HistSpec{Min: 0, Max: 100, Step: 7, Len: 17}}
	units := &object.Type{Kind: object.Lhist, Hist: object.HistSpec{Min: 512, Max: 10240, Step: 512, Len: 21}}
	kilo := &object.Type{Kind: object.Lhist, Hist: object.HistSpec{Min: 0, Max: 3 << 20, Step: 1 << 20, Len: 5}}
	tests := []struct {
		name    string
		t       *object.Type
		buckets map[int]uint64
		want    string
	}{
		{"none", logHist(0), nil, ""},
		{"negative", logHist(0), map[int]uint64{0: 2}, "null..0:2"},
		{"small", logHist(0), map[int]uint64{1: 1, 2: 1, 3: 1}, "0..1:1 1..2:1 2..4=4:1"},
		{"units", logHist(0), map[int]uint64{11: 1}, "512=512..1K=1024:1"},
		{"the largest", logHist(0), map[int]uint64{64: 1}, "4E=4611686018427387904..8E=9223372036854775808:1"},
		{"sub-buckets", logHist(2), map[int]uint64{8: 1, 9: 2}, "7..8:1 8..10=10:2"},
		{"far sub-buckets", logHist(2), map[int]uint64{23: 1}, "96=96..112=112:1"},
		{"linear", linear, map[int]uint64{0: 1, 1: 2}, "null..0:1 0..7:2"},
		{"linear, last", linear, map[int]uint64{15: 4}, "98..null:4"},
		{"linear in half kilos", units, map[int]uint64{3: 1}, "1536..2048:1"},
		{"linear in megas", kilo, map[int]uint64{1: 1, 2: 1}, "0=0..1M=1048576:1 1M=1048576..2M=2097152:1"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			counts := make([]uint64, test.t.Hist.Len)
			for i, n := range test.buckets {
				counts[i] = n
			}
			if got := show(Value{Kind: Histogram, Hist: newHist(test.t, counts)}); got != test.want {
				t.Errorf("got %s, want %s", got, test.want)
			}
		})
	}
}

func TestKeyedHistograms(t *testing.T) {
	v := perCPU(hash(i64, logHist(0)))
	v.Buckets, v.BucketOff = true, 8
	m := newMemory(
		raw(2, 3), raw(5, 1), // key 2, bucket 3, two CPUs
		raw(1, 0), raw(1, 0),
		raw(2, 4), raw(0, 2))
	d := decoder(m)
	if got := entries(t, d, v, Select{}); got != "1 null..0:1\n2 2..4=4:6 4=4..8=8:2" {
		t.Errorf("got\n%s", got)
	}
	if got := entries(t, d, v, Select{Top: 1, Div: 2}); got != "2 2..4=4:3 4=4..8=8:1" {
		t.Errorf("top and div: got\n%s", got)
	}
	if err := d.Zero(v); err != nil {
		t.Fatal(err)
	}
	if got := entries(t, d, v, Select{}); got != "1 \n2 " {
		t.Errorf("after zero: got %q", got)
	}
	if err := d.Clear(v); err != nil {
		t.Fatal(err)
	}
	if got := entries(t, d, v, Select{Zero: true}); got != "" {
		t.Errorf("after clear: got %q", got)
	}
}

func TestElement(t *testing.T) {
	v := perCPU(hash(i64, agg(object.Count, 8, false)))
	d := decoder(newMemory(raw(1), raw(2, 3)))
	got, ok, err := d.Element(v, raw(1))
	if err != nil || !ok || got.Num != 5 {
		t.Errorf("got %v %v %v", show(got), ok, err)
	}
	if _, ok, err := d.Element(v, raw(9)); ok || err != nil {
		t.Errorf("no such key: %v %v", ok, err)
	}
}
