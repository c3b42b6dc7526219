package text

import (
	"strconv"
	"testing"

	"github.com/skep-bpf/skep/internal/testkit"
)

// TestBCC compares with what bcc's own functions print for the same counts.
func TestBCC(t *testing.T) {
	slots := func(pairs ...int) []uint64 {
		counts := make([]uint64, 65)
		for i := 0; i < len(pairs); i += 2 {
			counts[pairs[i]] = uint64(pairs[i+1])
		}
		return counts
	}
	linear := func(dst []byte, label string, counts []uint64, strip bool) []byte {
		names := make([]string, len(counts))
		for i := range names {
			names[i] = strconv.Itoa(i)
		}
		return AppendLinear(dst, label, names, counts, strip)
	}
	tests := []struct {
		form   func(dst []byte, label string, counts []uint64, strip bool) []byte
		label  string
		counts []uint64
		strip  bool
	}{
		{AppendLog2, "usecs", slots(3, 4, 5, 1, 6, 9), false},
		{AppendLog2, "usecs", slots(3, 4, 5, 1, 6, 9), true},
		{AppendLog2, "nsecs", slots(2, 4, 34, 3), false},
		{AppendLog2, "msecs", slots(1, 7), false},
		{AppendLog2, "msecs", slots(0, 7), false},
		{AppendLog2, "msecs", slots(), false},
		{AppendLog2, "x", slots(1, 1, 2, 3, 3, 1000000007, 4, 333333333), false},
		{linear, "rw", slots(0, 2, 3, 9, 4, 1), false},
		{linear, "rw", slots(2, 2, 3, 9, 4, 1), true},
		{AppendLog2, "nsecs", slots(33, 4, 32, 1), true},
	}
	var got []byte
	for i, test := range tests {
		got = append(got, "--"+string(rune('a'+i))+"\n"...)
		got = test.form(got, test.label, test.counts, test.strip)
	}
	testkit.Golden(t, "testdata/bcc.golden", got)
}

func TestSection(t *testing.T) {
	testkit.Equal(t, "section", "\ndisk = sda\n", string(AppendSection(nil, "disk", "sda")))
}
