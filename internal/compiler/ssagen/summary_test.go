package ssagen

import (
	"math/bits"
	"testing"
)

// TestLeadingBits: each of the 64 rows of the table is of one position, the right one.
func TestLeadingBits(t *testing.T) {
	table := leadingBits()
	for i := range 64 {
		filled := uint64(1)<<i | (uint64(1)<<i - 1)
		if got := table[filled*deBruijn>>58]; int(got) != bits.Len64(filled)-1 {
			t.Errorf("leading bit of %#x: %d", filled, got)
		}
	}
}
