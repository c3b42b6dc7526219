package event

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/skep-bpf/skep/internal/bpf/object"
	"github.com/skep-bpf/skep/internal/engine"
)

// Types that the tests use.
var (
	i8  = &object.Type{Kind: object.Int, Size: 1, Signed: true}
	u8  = &object.Type{Kind: object.Int, Size: 1}
	i16 = &object.Type{Kind: object.Int, Size: 2, Signed: true}
	u32 = &object.Type{Kind: object.Int, Size: 4}
	i32 = &object.Type{Kind: object.Int, Size: 4, Signed: true}
	u64 = &object.Type{Kind: object.Int, Size: 8}
	i64 = &object.Type{Kind: object.Int, Size: 8, Signed: true}
)

func str(n uint32) *object.Type { return &object.Type{Kind: object.String, Size: n} }

func tuple(types ...*object.Type) *object.Type {
	t := &object.Type{Kind: object.Tuple}
	for _, e := range types {
		t.Fields = append(t.Fields, object.Field{Offset: t.Size, Type: e})
		t.Size += e.Bytes()
	}
	return t
}

// raw lays out values one after another: strings as their bytes, numbers by their size.
func raw(values ...any) []byte {
	var b []byte
	for _, v := range values {
		switch v := v.(type) {
		case string:
			b = append(b, v...)
		case int8:
			b = append(b, byte(v))
		case uint8:
			b = append(b, v)
		case int16:
			b = order.AppendUint16(b, uint16(v))
		case int32:
			b = order.AppendUint32(b, uint32(v))
		case uint32:
			b = order.AppendUint32(b, v)
		case int:
			b = order.AppendUint64(b, uint64(v))
		case uint64:
			b = order.AppendUint64(b, v)
		default:
			panic(fmt.Sprintf("raw of %T", v))
		}
	}
	return b
}

// show is a short form of a value for comparisons: not what users see.
func show(v Value) string {
	switch v.Kind {
	case Null:
		return "null"
	case Bool:
		return fmt.Sprint(v.Num != 0)
	case Int:
		return fmt.Sprint(int64(v.Num))
	case Uint:
		return fmt.Sprint(v.Num)
	case Pointer:
		return fmt.Sprintf("%#x", v.Num)
	case Symbol:
		return fmt.Sprintf("%s=%d", v.Text, v.Num)
	case String:
		return fmt.Sprintf("%q", string(v.Bytes)+v.Text)
	case Buffer:
		return fmt.Sprintf("%x", v.Bytes)
	case Histogram:
		var list []string
		for _, b := range v.Hist.Buckets {
			list = append(list, fmt.Sprintf("%s..%s:%d", show(b.Low), show(b.High), b.Count))
		}
		return strings.Join(list, " ")
	}
	var list []string
	for i, e := range v.Elems {
		name := ""
		if v.Kind == Record {
			name = v.Names[i] + ":"
		}
		list = append(list, name+show(e))
	}
	brackets := map[Kind]string{Array: "[]", Tuple: "()", Record: "{}"}[v.Kind]
	return brackets[:1] + strings.Join(list, " ") + brackets[1:]
}

// names resolves addresses in a way that shows what was asked.
type names struct{}

func (names) Ksym(addr uint64) string             { return fmt.Sprintf("k%x", addr) }
func (names) Usym(pid uint32, addr uint64) string { return fmt.Sprintf("u%d_%x", pid, addr) }
func (names) KernelFrame(addr uint64, mode object.StackMode) []string {
	return []string{fmt.Sprintf("k%x+1", addr)}
}
func (names) UserFrame(pid uint32, addr uint64, _ bool, mode object.StackMode) []string {
	return []string{"inlined", fmt.Sprintf("u%d_%x", pid, addr)}
}
func (names) Username(uid uint32) string { return fmt.Sprintf("user%d", uid) }
func (names) Cgroup(id uint64, form object.CgroupForm) string {
	return fmt.Sprintf("%d:%d", form, id/10) // ten cgroups each
}
func (names) CgroupPath(id uint64, filter string) string { return fmt.Sprintf("%s:%d", filter, id) }

// memory is a map in memory.
type memory struct {
	keys   []string
	values map[string][]byte
}

func newMemory(pairs ...[]byte) *memory {
	m := &memory{values: map[string][]byte{}}
	for i := 0; i < len(pairs); i += 2 {
		_ = m.Update(pairs[i], pairs[i+1])
	}
	return m
}

func (m *memory) Each(f func(key, value []byte) bool) error {
	for _, k := range m.keys {
		// The bytes are the callee's during the call only.
		key, value := []byte(k), slices.Clone(m.values[k])
		more := f(key, value)
		clear(key)
		clear(value)
		if !more {
			break
		}
	}
	return nil
}

func (m *memory) Lookup(key []byte) ([]byte, error) {
	if v, ok := m.values[string(key)]; ok {
		return slices.Clone(v), nil
	}
	return nil, engine.ErrNotFound
}

func (m *memory) Update(key, value []byte) error {
	if _, ok := m.values[string(key)]; !ok {
		m.keys = append(m.keys, string(key))
	}
	m.values[string(key)] = slices.Clone(value)
	return nil
}

func (m *memory) Delete(key []byte) error { return errors.New("not used") }
func (m *memory) Clear() error            { *m = *newMemory(); return nil }
func (m *memory) Len() (int, error)       { return len(m.keys), nil }

type maps []engine.Map

func (m maps) Map(i int) engine.Map { return m[i] }

func decoder(m ...engine.Map) *Decoder {
	o := &object.Object{Config: object.Config{StrTruncTrailer: "..", MaxStrlen: 8}}
	return &Decoder{Object: o, Maps: maps(m), Names: names{}}
}

func TestDecode(t *testing.T) {
	enum := &object.Type{Kind: object.Enum, Size: 4, Names: map[uint64]string{1: "A"}}
	rec := &object.Type{Kind: object.Record, Size: 16, Fields: []object.Field{
		{Name: "a", Type: i32}, {Name: "b", Offset: 8, Type: i64}}}
	bits := &object.Type{Kind: object.Struct, Size: 4, Fields: []object.Field{
		{Name: "lo", Type: u32, BitOff: 0, BitLen: 3},
		{Name: "mid", Type: i32, BitOff: 3, BitLen: 13},
		{Name: "e", Offset: 2, Type: enum, BitOff: 0, BitLen: 2}}}
	tests := []struct {
		name string
		t    *object.Type
		b    []byte
		want string
	}{
		{"int8", i8, raw(int8(-1)), "-1"},
		{"uint8", u8, raw(int8(-1)), "255"},
		{"int16", i16, raw(int16(-300)), "-300"},
		{"uint32", u32, raw(int32(-1)), "4294967295"},
		{"uint64", u64, raw(-1), "18446744073709551615"},
		{"bool", &object.Type{Kind: object.Bool, Size: 1}, raw(uint8(2)), "true"},
		{"enum", enum, raw(uint32(1)), "A=1"},
		{"enum without a name", enum, raw(uint32(7)), "7=7"},
		{"flags", &object.Type{Kind: object.Enum, Size: 4, Bits: []object.BitName{
			{Mask: 3, Bits: 0, Name: "Read"}, {Mask: 3, Bits: 1, Name: "Write"}, {Mask: 8, Bits: 8, Name: "Sync"}}},
			raw(uint32(9)), "Write-Sync=9"},
		{"decimal", decimalType(6, 2, false), raw(12345678), "12.35=12345678"},
		{"decimal below 1", decimalType(9, 6, false), raw(1234), "0.000001=1234"},
		{"decimal as printf rounds it", decimalType(3, 2, false), raw(125), "0.12=125"},
		{"decimal with a sign", decimalType(3, 1, true), raw(-1500), "-1.5=18446744073709550116"},
		{"string", str(8), raw("hello\x00xx"), `"hello"`},
		{"string without a NUL", str(5), raw("hello"), `"hello"`},
		{"string cut", str(9), raw("hellohel\x00"), `"hellohel.."`},
		{"buffer", &object.Type{Kind: object.Buf, Size: 8}, raw(uint32(3), "abcdefgh"), "616263"},
		{"pointer", &object.Type{Kind: object.Pointer, Size: 8}, raw(4096), "0x1000"},
		{"array", &object.Type{Kind: object.Array, Size: 4, Len: 2, Elem: i16}, raw(int16(1), int16(-2)), "[1 -2]"},
		{"tuple in tuple", tuple(i64, tuple(i64, str(2))), raw(1, 2, "x\x00"), `(1 (2 "x"))`},
		{"record", rec, raw(int32(5), int32(0), -6), "{a:5 b:-6}"},
		{"bit-fields", bits, raw(uint32(0b01<<16 | 0b1111111111111<<3 | 0b101)), "{lo:5 mid:-1 e:A=1}"},
		{"bit-fields of nine bytes", &object.Type{Kind: object.Struct, Size: 9, Fields: []object.Field{
			{Name: "a", Type: i64, BitOff: 7, BitLen: 63}, {Name: "b", Offset: 8, Type: i8, BitOff: 6, BitLen: 2}}},
			raw(-1<<8, uint8(0b10<<6|0b111111)), "{a:-2 b:-2}"},
		{"ksym", &object.Type{Kind: object.Ksym, Size: 8}, raw(16), `"k10"`},
		{"usym", &object.Type{Kind: object.Usym, Size: 16}, raw(16, uint32(7), uint32(0)), `"u7_10"`},
		{"cgroup", &object.Type{Kind: object.CgroupPath, Size: 8, Format: "*"}, raw(3), `"*:3"`},
		{"inet", &object.Type{Kind: object.Inet, Size: 20}, raw(uint32(2), "\x7f\x00\x00\x01", 0, uint32(0)), `"127.0.0.1"`},
		{"inet6", &object.Type{Kind: object.Inet, Size: 20}, raw(uint32(10), "\xfe\x80", "\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01\x00\x02"), `"fe80::1:2"`},
		{"mac", &object.Type{Kind: object.Mac, Size: 6}, raw("\xca\x6a\x00\x6d\xfe\x7f"), `"CA:6A:00:6D:FE:7F"`},
		{"average by the program", &object.Type{Kind: object.Avg, Size: 8, Signed: true}, raw(-4), "-4"},
		{"none", &object.Type{}, nil, "null"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			v, err := decoder().Value(test.t, test.b)
			if err != nil {
				t.Fatal(err)
			}
			if got := show(v); got != test.want {
				t.Errorf("got %s, want %s", got, test.want)
			}
			if n := len(test.b); n > 0 {
				if _, err := decoder().Value(test.t, test.b[:n-1]); err == nil {
					t.Error("no error for a value that's cut off")
				}
			}
		})
	}
}

func TestDynamicFields(t *testing.T) {
	rec := raw(uint32(0), uint32(0), uint32(16|5<<16), uint32(0), "helloworld")
	tests := []struct {
		f    object.Field
		want string
	}{
		{object.Field{Offset: 8, Dynamic: true, Type: str(64)}, `"hello"`},
		{object.Field{Offset: 8, Dynamic: true, Type: str(5)}, `"hello"`},
		{object.Field{Offset: 8, Dynamic: true, Type: &object.Type{Kind: object.Buf, Size: 64}}, "68656c6c6f"},
	}
	for _, test := range tests {
		v, err := decoder().Arg(&test.f, rec)
		if err != nil {
			t.Fatal(err)
		}
		if got := show(v); got != test.want {
			t.Errorf("got %s, want %s", got, test.want)
		}
	}
	f := object.Field{Offset: 8, Dynamic: true, Type: str(64)}
	if _, err := decoder().Arg(&f, rec[:18]); err == nil {
		t.Error("no error for a string that runs out of its record")
	}
}

func TestStacks(t *testing.T) {
	fast := newMemory(raw(uint32(3)), raw(0x10, 0x20, 0, 0x99))
	slow := newMemory(raw(object.StackSlow|5), raw(2, 0x30, 0x40, 0x50))
	build := newMemory(raw(uint32(1)), raw(
		uint32(1), "\xab\xcd\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01", 0x1fa0,
		uint32(2), "\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00", 0x7f10,
		make32()))
	d := decoder(fast, slow, build)
	tests := []struct {
		name string
		kind object.Kind
		spec object.StackSpec
		b    []byte
		want string
	}{
		{"kernel", object.Kstack, object.StackSpec{Limit: 4, Slow: 1}, raw(3), "\n        k10+1\n        k20+1\n"},
		{"limit", object.Kstack, object.StackSpec{Limit: 1, Slow: 1}, raw(3), "\n        k10+1\n"},
		{"slow", object.Kstack, object.StackSpec{Limit: 4, Slow: 1}, raw(object.StackSlow | 5), "\n        k30+1\n        k40+1\n"},
		{"perf", object.Kstack, object.StackSpec{Limit: 4, Slow: 1, Mode: object.StackPerf}, raw(3), "\n\t10 k10+1\n\t20 k20+1\n"},
		{"raw", object.Kstack, object.StackSpec{Limit: 4, Slow: 1, Mode: object.StackRaw}, raw(3), "\n10\n20\n"},
		{"user with inlined calls", object.Ustack, object.StackSpec{Limit: 1, Slow: 1}, raw(3, uint32(7), uint32(0)), "\n        inlined\n        u7_10\n"},
		{"build id", object.Ustack, object.StackSpec{Limit: 3, Map: 2, Slow: -1, Mode: object.StackBuildID}, raw(1, uint32(7), uint32(0)),
			"\nabcd000000000000000000000000000000000001 0x1fa0\n7f10\n"},
		{"none taken", object.Kstack, object.StackSpec{Limit: 4, Slow: 1}, raw(object.StackNone), "\n"},
		{"gone", object.Kstack, object.StackSpec{Limit: 4, Slow: 1}, raw(77), "\n"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			typ := &object.Type{Kind: test.kind, Size: uint32(len(test.b)), Stack: test.spec}
			v, err := d.Value(typ, test.b)
			if err != nil {
				t.Fatal(err)
			}
			if got := string(v.Bytes) + v.Text; got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

func make32() string { return string(make([]byte, 32)) }

// TestStrftime holds what bpftrace 0.27 prints for one time in UTC.
func TestStrftime(t *testing.T) {
	at := time.Date(2026, 11, 23, 16, 52, 48, 408951337, time.UTC)
	tests := []struct{ format, want string }{
		{"%Y-%m-%d %H:%M:%S.%f %k %l", "2026-11-23 16:52:48.408951 408951337 408"},
		{"%j %a %A %b %B %p %I %e %y %Z %z %s", "327 Mon Monday Nov November PM 04 23 26 UTC +0000 1795452768"},
		{"%% %D %T %R %F %n%t %u %w %U %W %V %G %g %C %h", "% 11/23/26 16:52:48 16:52 2026-11-23 \n\t 1 1 47 47 48 2026 26 20 Nov"},
		{"%c %x %X %r", "Mon Nov 23 16:52:48 2026 11/23/26 16:52:48 04:52:48 PM"},
		{"50%", "50%"},
		{"%-d %-j %_m %_H %-I %05e %^a %^B %#p %#Z %5Y %012s %8a %f %-f|%+|%L|%q|%E|%-", "23 327 11 16 4 00023 MON NOVEMBER pm utc 02026 001795452768      Mon 408951 %-f|%+|%L|%q|%E|%-"},
	}
	for _, test := range tests {
		if got := string(AppendStrftime(nil, test.format, at, true)); got != test.want {
			t.Errorf("%s\n got %q\nwant %q", test.format, got, test.want)
		}
	}
	early := time.Date(2027, 1, 1, 4, 5, 6, 7000, time.UTC)
	if got := string(AppendStrftime(nil, "%e|%U|%W|%V|%G|%f|%k|%l|%j|%I|%p", early, true)); got != " 1|00|00|53|2026|000007|000007000|000|001|04|AM" {
		t.Errorf("early in a year: %q", got)
	}
	// time() has strftime(3)'s own conversions: %k and %l are hours.
	if got := string(AppendStrftime(nil, "%k|%l|%f|%-l|%_d|%-S", early, false)); got != " 4| 4|%f|4| 1|6" {
		t.Errorf("without fractions: %q", got)
	}
}

func TestBootClock(t *testing.T) {
	d := decoder()
	d.Boot = 1000
	if got := d.Time(object.ClockBoot, 5).UnixNano(); got != 1005 {
		t.Errorf("boot clock: %d", got)
	}
	if got := d.Time(object.ClockTAI, 5).UnixNano(); got != 5 {
		t.Errorf("TAI clock: %d", got)
	}
}

func TestInet6(t *testing.T) {
	for want, a := range map[string][16]byte{
		"::":              {},
		"::1":             {15: 1},
		"::1.2.3.4":       {12: 1, 2, 3, 4},
		"::ffff:1.2.3.4":  {10: 0xff, 0xff, 1, 2, 3, 4},
		"1:0:0:2::3":      {1: 1, 7: 2, 15: 3},
		"1:0:2:3:4:5:6:7": {1: 1, 5: 2, 7: 3, 9: 4, 11: 5, 13: 6, 15: 7},
	} {
		if got := inet6(a); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

// TestNoAllocations: numbers and strings, whole or cut, cost nothing.
func TestNoAllocations(t *testing.T) {
	d := decoder()
	rec := raw(7, 9, "comm\x00\x00\x00\x00", "cut", uint8(1))
	fields := []object.Field{
		{Offset: 0, Type: u64}, {Offset: 8, Type: i64}, {Offset: 16, Type: str(8)},
		{Offset: 24, Type: str(3)}, {Offset: 27, Type: &object.Type{Kind: object.Bool, Size: 1}},
	}
	n := testing.AllocsPerRun(100, func() {
		for i := range fields {
			if _, err := d.Arg(&fields[i], rec); err != nil {
				t.Fatal(err)
			}
		}
	})
	if n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// decimalType is what decimal(x, digits, places) has.
func decimalType(digits, places uint8, signed bool) *object.Type {
	return &object.Type{Kind: object.Enum, Size: 8, Signed: signed, Point: object.DecimalPoint{Digits: digits, Places: places}}
}
