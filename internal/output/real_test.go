package output

import (
	"math"
	"testing"

	"github.com/skep-bpf/skep/internal/bpf/object"
	"github.com/skep-bpf/skep/internal/engine/event"
)

// TestFormatReal: the wanted texts are C's.
func TestFormatReal(t *testing.T) {
	tests := []struct {
		format string
		x      float64
		want   string
	}{
		{"f", 0.3333333333333333, "0.333333"},
		{"f", -3.142857142857143, "-3.142857"},
		{".2f", 2.675, "2.67"},
		{".2f", 0.125, "0.12"},
		{".0f", 2.5, "2"},
		{"8.3f", 3.14159, "   3.142"},
		{"-8.3f", 3.14159, "3.142   "},
		{"08.3f", -3.14159, "-003.142"},
		{"+.1f", 2.5, "+2.5"},
		{" .1f", 2.5, " 2.5"},
		{"+08.2f", 2.5, "+0002.50"},
		{"-08.2f", 2.5, "2.50    "},
		{"f", 1e+22, "10000000000000000000000.000000"},
		{".3e", 123456.789, "1.235e+05"},
		{"E", 0.000123, "1.230000E-04"},
		{"12.4e", -5e-09, " -5.0000e-09"},
		{"g", 100000, "100000"},
		{"g", 1000000, "1e+06"},
		{"g", 0.0001, "0.0001"},
		{"g", 1e-05, "1e-05"},
		{"g", 123456789, "1.23457e+08"},
		{".3g", 123456789, "1.23e+08"},
		{".0g", 12, "1e+01"},
		{"G", 1e-10, "1E-10"},
		{"g", 1.5, "1.5"},
		{".10g", 0.3333333333333333, "0.3333333333"},
		{"g", 0, "0"},
		{"f", 18446744073709551615, "18446744073709551616.000000"},
		{"f", math.Inf(1), "inf"},
		{"08f", math.Inf(-1), "    -inf"},
		{"F", math.Inf(1), "INF"},
		{"6.1f", math.NaN(), "   nan"},
		{"G", math.NaN(), "NAN"},
		{".1f", -0.04, "-0.0"},
	}
	for _, tt := range tests {
		p, prec := parseReal(tt.format)
		if got := string(formatReal([]byte("> "), &p, tt.x, p.Width, prec)); got != "> "+tt.want {
			t.Errorf("%%%s of %v: got %q, want %q", tt.format, tt.x, got, "> "+tt.want)
		}
	}
}

// parseReal reads a conversion of this test's table.
func parseReal(s string) (p object.FormatPart, prec int) {
	for i := range s {
		if s[i] == '.' {
			p = parse(s[:i] + s[len(s)-1:])
			for _, c := range s[i+1 : len(s)-1] {
				prec = 10*prec + int(c-'0')
			}
			return p, prec
		}
	}
	return parse(s), -1
}

// TestFormatQuotient: what a record holds is divided; a quotient costs no allocation.
func TestFormatQuotient(t *testing.T) {
	ops := []object.RealOp{{Op: object.RealArg, Arg: 1}, {Op: object.RealConst, Num: 1e6}, {Op: object.RealDiv}}
	f := &object.Format{Parts: []object.FormatPart{
		{Verb: 'f', Width: 0, StarWidth: true, Prec: 2, StarPrec: true, Real: ops},
		{Lit: " "}, {Verb: 'g', Width: -1, Prec: -1, Flags: "+", Real: ops}, {Lit: " "}, {Verb: 'd', Mod: "l", Arg: 1, Width: -1}}}
	args := []object.Field{{Type: i64}, {Offset: 8, Type: i64}, {Offset: 16, Type: i64}}
	d := &event.Decoder{Object: &object.Object{}}
	rec := words(-9, 1234567, 2)
	dst := make([]byte, 0, 64)
	n := testing.AllocsPerRun(100, func() {
		var err error
		if dst, err = AppendFormat(dst[:0], d, f, args, rec); err != nil {
			t.Fatal(err)
		}
	})
	if want := "1.23      +1.23457 1234567"; string(dst) != want {
		t.Errorf("got %q, want %q", dst, want)
	}
	if n != 1 { // the blanks of the filled one
		t.Errorf("%v allocations", n)
	}
}
