package output

import (
	"encoding/binary"
	"testing"

	"github.com/skep-bpf/skep/internal/bpf/object"
	"github.com/skep-bpf/skep/internal/engine/event"
)

var (
	i8       = &object.Type{Kind: object.Int, Size: 1, Signed: true}
	i64      = &object.Type{Kind: object.Int, Size: 8, Signed: true}
	u64      = &object.Type{Kind: object.Int, Size: 8}
	boolean  = &object.Type{Kind: object.Bool, Size: 1}
	pointer  = &object.Type{Kind: object.Pointer, Size: 8}
	hello    = &object.Type{Kind: object.String, Size: 6}
	buf4     = &object.Type{Kind: object.Buf, Size: 4}
	enum     = &object.Type{Kind: object.Enum, Size: 8, Names: map[uint64]string{2: "B"}}
	pair     = &object.Type{Kind: object.Tuple, Size: 16, Fields: []object.Field{{Type: i64}, {Offset: 8, Type: i64}}}
	record   = &object.Type{Kind: object.Record, Size: 16, Fields: []object.Field{{Name: "a", Type: i64}, {Name: "b", Offset: 8, Type: i64}}}
	array    = &object.Type{Kind: object.Array, Size: 16, Len: 2, Elem: i64}
	helloRaw = []byte("hello\x00")
	bufRaw   = append(u32(4), "hi\x01\xff"...)
)

func u32(n uint32) []byte { return binary.NativeEndian.AppendUint32(nil, n) }

func words(n ...int64) []byte {
	var b []byte
	for _, x := range n {
		b = binary.NativeEndian.AppendUint64(b, uint64(x))
	}
	return b
}

// TestConversions holds what bpftrace 0.27 printed.
func TestConversions(t *testing.T) {
	tests := []struct {
		format string // flags, width, modifier, verb
		t      *object.Type
		b      []byte
		want   string
	}{
		// Numbers are cut to 32 bits, or to what a modifier says.
		{"d", u64, words(-1), "-1"},
		{"d", i8, []byte{0xff}, "-1"},
		{"u", i8, []byte{0xff}, "4294967295"},
		{"x", i8, []byte{0xff}, "ffffffff"},
		{"X", i64, words(-1), "FFFFFFFF"},
		{"o", i8, []byte{0xff}, "37777777777"},
		{"i", i64, words(200), "200"},
		{"c", i64, words(0x141), "A"},
		{"p", i64, words(4096), "0x1000"},
		{"p", i64, words(0), "0"},
		{"p", i64, words(-1), "0xffffffffffffffff"},
		{"d", i64, words(5000000000), "705032704"},
		{"x", i64, words(0x123456789), "23456789"},
		{"ld", i64, words(5000000000), "5000000000"},
		{"ld", u64, words(-1), "-1"},
		{"lu", i64, words(-1), "18446744073709551615"},
		{"llx", i64, words(-1), "ffffffffffffffff"},
		{"hd", i64, words(70000), "4464"},
		{"hhd", i64, words(300), "44"},
		{"hx", i64, words(70000), "1170"},
		{"hhx", i64, words(300), "2c"},
		{"zd", i64, words(-1), "-1"},
		// Flags and widths.
		{"5d", i64, words(42), "   42"},
		{"-5d", i64, words(42), "42   "},
		{"05d", i64, words(42), "00042"},
		{"05d", i64, words(-42), "00-42"},
		{"-05d", i64, words(3), "30000"},
		{"+d", i64, words(42), "+42"},
		{"+d", i64, words(0), "+0"},
		{"+05d", i64, words(42), "00+42"},
		{" d", i64, words(42), "42"},
		{"+u", i64, words(3), "3"},
		{"#x", i64, words(42), "0x2a"},
		{"#x", i64, words(0), "0"},
		{"#X", i64, words(42), "0X2A"},
		{"#o", i64, words(42), "052"},
		{"#08x", i64, words(42), "00000x2a"},
		{"08x", i64, words(42), "0000002a"},
		{"-20p", i64, words(1), "0x1                 "},
		{"5c", i64, words(66), "    B"},
		{"05c", i64, words(66), "0000B"},
		{"x", boolean, []byte{1}, "1"},
		{"d", pointer, words(16), "16"},
		{"d", enum, words(2), "2"},
		// Anything is printed by %s; of what has parts, the opening gets the width.
		{"s", hello, helloRaw, "hello"},
		{"10s", hello, helloRaw, "     hello"},
		{"-10s", hello, helloRaw, "hello     "},
		{"010s", hello, helloRaw, "00000hello"},
		{"s", i64, words(-1), "-1"},
		{"10s", i64, words(42), "        42"},
		{"+s", i64, words(42), "+42"},
		{"s", boolean, []byte{1}, "true"},
		{"-8s", boolean, []byte{1}, "true    "},
		{"8s", enum, words(2), "       B"},
		{"s", pointer, words(255), "0xff"},
		{"10s", pair, words(1, 2), "         (1, 2)"},
		{"-10s", pair, words(1, 2), "(         1, 2)"},
		{"010s", pair, words(1, 2), "000000000(1, 2)"},
		{"5s", record, words(1, 2), "   { .a = 1, .b = 2 }"},
		{"-8s", record, words(1, 2), "{       .a = 1, .b = 2 }"},
		{"s", array, words(1, -2), "[1,-2]"},
		{"s", buf4, bufRaw, `hi\x01\xff`},
		{"r", buf4, bufRaw, `hi\x01\xff`},
		{"rx", buf4, bufRaw, `\x68\x69\x01\xff`},
		{"rh", buf4, bufRaw, "68 69 01 ff"},
		{"-13rh", buf4, bufRaw, "68 69 01 ff  "},
		{"d", hello, helloRaw, "!{invalid integer conversion: hello}"},
		{"gr", i64, words(0), "0"},
		{"gr", i64, words(0xcc0), "GFP_KERNEL"},
		{"gr", i64, words(0x400dc0 | 1<<40), "GFP_KERNEL_ACCOUNT|__GFP_ZERO|0x10000000000"},
	}
	for _, test := range tests {
		t.Run("%"+test.format, func(t *testing.T) {
			part := parse(test.format)
			f := &object.Format{Parts: []object.FormatPart{{Lit: "["}, part, {Lit: "]"}}}
			d := &event.Decoder{Object: &object.Object{}}
			got, err := AppendFormat([]byte("> "), d, f, []object.Field{{Type: test.t}}, test.b)
			if err != nil {
				t.Fatal(err)
			}
			if want := "> [" + test.want + "]"; string(got) != want {
				t.Errorf("got %s, want %s", got, want)
			}
		})
	}
}

// parse reads a conversion of this test's table.
func parse(s string) object.FormatPart {
	p := object.FormatPart{Width: -1, Prec: -1}
	for s[0] == '-' || s[0] == '+' || s[0] == ' ' || s[0] == '#' || s[0] == '0' {
		p.Flags, s = p.Flags+s[:1], s[1:]
	}
	for ; s[0] >= '0' && s[0] <= '9'; s = s[1:] {
		p.Width = max(p.Width, 0)*10 + int(s[0]-'0')
	}
	switch s {
	case "rx", "rh", "gr":
		p.Verb, p.Mod = s[0], s
	default:
		p.Verb, p.Mod = s[len(s)-1], s[:len(s)-1]
	}
	return p
}

func TestStarWidth(t *testing.T) {
	f := &object.Format{Parts: []object.FormatPart{{Verb: 'd', Width: 0, StarWidth: true, Prec: -1, Arg: 1}}}
	d := &event.Decoder{Object: &object.Object{}}
	got, err := AppendFormat(nil, d, f, []object.Field{{Type: i64}, {Offset: 8, Type: i64}}, words(5, 42))
	if err != nil || string(got) != "   42" {
		t.Errorf("got %q, %v", got, err)
	}
}

// TestFormatAllocations: numbers and strings at full rate.
func TestFormatAllocations(t *testing.T) {
	f := &object.Format{Parts: []object.FormatPart{
		{Lit: "pid "}, parse("-8d"), {Lit: " "}, parse("016lx"), {Lit: " "}, parse("16s"), {Lit: " "}, parse("s"), {Lit: "\n"}}}
	args := []object.Field{{Type: i64}, {Offset: 8, Type: u64}, {Offset: 16, Type: hello}, {Offset: 16, Type: hello}}
	for i, arg := 1, 0; i < len(f.Parts); i, arg = i+2, arg+1 {
		f.Parts[i].Arg = arg
	}
	rec := append(words(77, -1), helloRaw...)
	d := &event.Decoder{Object: &object.Object{}}
	dst := make([]byte, 0, 256)
	n := testing.AllocsPerRun(100, func() {
		var err error
		if dst, err = AppendFormat(dst[:0], d, f, args, rec); err != nil {
			t.Fatal(err)
		}
	})
	if n != 0 {
		t.Errorf("%v allocations", n)
	}
	if want := "pid 77       ffffffffffffffff            hello hello\n"; string(dst) != want {
		t.Errorf("got %q, want %q", dst, want)
	}
}

func BenchmarkAppendFormat(b *testing.B) {
	f := &object.Format{Parts: []object.FormatPart{{Lit: "pid "}, parse("d"), {Lit: " "}, parse("s"), {Lit: "\n"}}}
	f.Parts[3].Arg = 1
	args := []object.Field{{Type: i64}, {Offset: 8, Type: hello}}
	rec := append(words(77), helloRaw...)
	d := &event.Decoder{Object: &object.Object{}}
	var dst []byte
	for b.Loop() {
		dst, _ = AppendFormat(dst[:0], d, f, args, rec)
	}
}
