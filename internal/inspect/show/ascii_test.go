package show

import (
	"strings"
	"testing"
)

func TestASCIIWriter(t *testing.T) {
	var b strings.Builder
	w := ASCIIWriter(&b)
	// A character may come in pieces.
	for _, c := range []byte("├─ → tracepoint_sy…  1.2µs  ≥7  4 × 8  Ж\n") {
		if n, err := w.Write([]byte{c}); n != 1 || err != nil {
			t.Fatal(n, err)
		}
	}
	if got, want := b.String(), "|- > tracepoint_sy~  1.2us  >7  4 x 8  ?\n"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}
