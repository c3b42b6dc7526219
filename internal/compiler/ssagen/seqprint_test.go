package ssagen

import (
	"testing"

	"github.com/skep-bpf/skep/internal/bpf/object"
)

func TestKernelFormat(t *testing.T) {
	part := func(verb byte, flags string, width, prec int) object.FormatPart {
		return object.FormatPart{Verb: verb, Flags: flags, Width: width, Prec: prec}
	}
	tests := []struct {
		parts     []object.FormatPart
		want, bad string
	}{
		{[]object.FormatPart{{Lit: "50% "}, part('d', "", -1, -1), {Lit: "\n"}}, "50%% %lld\n", ""},
		{[]object.FormatPart{part('s', "-", 16, -1), part('u', "0", 5, -1), part('x', "", -1, -1)}, "%-16s%05llu%llx", ""},
		{[]object.FormatPart{part('p', "", -1, -1), part('c', "", -1, -1), part('i', "", -1, -1)}, "%px%c%lld", ""},
		{[]object.FormatPart{part('o', "", -1, -1)}, "", "%o in this form"},
		{[]object.FormatPart{part('x', "#", -1, -1)}, "", "%#x in this form"},
		{[]object.FormatPart{part('s', "", -1, 3)}, "", "%s in this form"},
		{[]object.FormatPart{{Verb: 'd', StarWidth: true, Prec: -1}}, "", "%d in this form"},
	}
	for _, tt := range tests {
		if got, bad := kernelFormat(&object.Format{Parts: tt.parts}); got != tt.want || bad != tt.bad {
			t.Errorf("%+v: %q (%q), want %q (%q)", tt.parts, got, bad, tt.want, tt.bad)
		}
	}
}
