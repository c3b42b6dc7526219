package kernel

import (
	"encoding/binary"
	"errors"
	"testing"

	"github.com/skep-bpf/skep/internal/bpf/object"
	"github.com/skep-bpf/skep/internal/engine"
)

func key64(n uint64) []byte { return binary.NativeEndian.AppendUint64(nil, n) }
func key32(n uint32) []byte { return binary.NativeEndian.AppendUint32(nil, n) }

// mapObject is an object of maps only.
func mapObject(maps ...*object.Map) *object.Object {
	return &object.Object{License: "GPL", Maps: maps, RingMap: -1, CountersMap: -1, ScratchMap: -1}
}

func TestHashMaps(t *testing.T) {
	needRoot(t)
	for _, kind := range []object.MapKind{object.MapHash, object.MapPercpuHash, object.MapLRUHash, object.MapLRUPercpuHash} {
		s := load(t, mapObject(&object.Map{Name: "h", Kind: kind, KeySize: 8, ValueSize: 4, MaxEntries: 10000}))
		m := s.Map(0).(*bpfMap)
		want := map[uint64]bool{}
		value := make([]byte, m.valueSize)
		for i := range uint64(5000) {
			binary.NativeEndian.PutUint32(value, uint32(i))
			if err := m.Update(key64(i), value); err != nil {
				t.Fatal(err)
			}
			want[i] = true
		}
		for name, each := range map[string]func(func(k, v []byte) bool) error{"batch": m.Each, "key": m.eachKey} {
			got := map[uint64]bool{}
			if err := each(func(k, v []byte) bool {
				n := binary.NativeEndian.Uint64(k)
				if u32(v) != uint32(n) || len(v) != m.valueSize {
					t.Fatalf("value of %d is %v", n, v)
				}
				got[n] = true
				return true
			}); err != nil {
				t.Fatal(err)
			}
			if len(got) != len(want) {
				t.Errorf("kind %d, %s: %d elements, want %d", kind, name, len(got), len(want))
			}
		}
		if _, err := m.Lookup(key64(99999)); !errors.Is(err, engine.ErrNotFound) {
			t.Errorf("missing key: %v", err)
		}
		if err := m.Delete(key64(7)); err != nil {
			t.Error(err)
		}
		if n, err := m.Len(); n != 4999 || err != nil {
			t.Errorf("kind %d: %d elements after Delete, %v", kind, n, err)
		}
		if err := m.Clear(); err != nil {
			t.Error(err)
		}
		if n, err := m.Len(); n != 0 || err != nil {
			t.Errorf("kind %d: %d elements after Clear, %v", kind, n, err)
		}
	}
}

func TestArrayMaps(t *testing.T) {
	needRoot(t)
	num := &object.Type{Kind: object.Int, Size: 4}
	s := load(t, mapObject(
		&object.Map{Name: "global", Kind: object.MapArray, KeySize: 4, ValueSize: 12, MaxEntries: 3, Flags: mapMmapable,
			Data: []byte("hello world!"), Value: &object.Type{Kind: object.Array, Elem: num, Len: 3}},
		&object.Map{Name: "frozen", Kind: object.MapArray, KeySize: 4, ValueSize: 8, MaxEntries: 1, Data: key64(9), ReadOnly: true},
		&object.Map{Name: "percpu", Kind: object.MapPercpuArray, KeySize: 4, ValueSize: 8, MaxEntries: 2},
	))
	if v, err := s.Map(0).Lookup(key32(0)); string(v) != "hello world!" || err != nil {
		t.Errorf("global = %q, %v", v, err)
	}
	if err := s.Map(0).(engine.RangeWriter).WriteAt(key32(2), 4, []byte("abcd")); err != nil {
		t.Error(err)
	}
	var got []string
	if err := s.Map(0).Each(func(_, v []byte) bool { got = append(got, string(v)); return true }); err != nil {
		t.Error(err)
	}
	if len(got) != 3 || got[2] != "\x00\x00\x00\x00abcd\x00\x00\x00\x00" {
		t.Errorf("elements %q", got)
	}
	if err := s.Map(1).Update(key32(0), key64(1)); err == nil {
		t.Error("a frozen map was changed")
	}
	p := s.Map(2).(*bpfMap)
	value := make([]byte, p.valueSize)
	for i := 0; i < len(value); i += 8 {
		binary.NativeEndian.PutUint64(value[i:], 3)
	}
	if err := p.Update(key32(1), value); err != nil {
		t.Error(err)
	}
	if v, err := p.Lookup(key32(1)); string(v) != string(value) || err != nil {
		t.Errorf("percpu = %v, %v", v, err)
	}
	for i := range 3 {
		if i == 1 {
			continue
		}
		if err := s.Map(i).Clear(); err != nil {
			t.Error(err)
		}
		s.Map(i).Each(func(k, v []byte) bool {
			for _, b := range v {
				if b != 0 {
					t.Errorf("map %d, element %v: %v after Clear", i, k, v)
					break
				}
			}
			return true
		})
	}
}

func TestRingSize(t *testing.T) {
	tests := []struct {
		opt       int
		pages     uint64
		available uint64
		want      uint32
	}{
		{0, 0, 8 << 30, 16 << 20},
		{0, 0, 1 << 10, 256 << 10},
		{0, 0, 3 << 20, 2 << 20},
		{0, 64, 8 << 30, 256 << 10},
		{0, 65, 8 << 30, 512 << 10},
		{1 << 20, 64, 8 << 30, 1 << 20},
		{1, 0, 8 << 30, 4096},
	}
	for _, tt := range tests {
		o := newObject(countPids(progRawTracepoint, false))
		o.Config.PerfRBPages = tt.pages
		if got := ringSize(tt.opt, o, tt.available); got != tt.want {
			t.Errorf("ringSize(%d, %d pages, %d) = %d, want %d", tt.opt, tt.pages, tt.available, got, tt.want)
		}
	}
	o := newObject(sendNumber(1))
	o.Config.PerfRBPages = 0
	if got := ringSize(0, o, 8<<30); got != 2<<20 {
		t.Errorf("ring of programs run by hand: %d bytes", got)
	}
}
