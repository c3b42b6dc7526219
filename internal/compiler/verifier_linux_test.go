package compiler

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/skep-bpf/skep/internal/engine"
	"github.com/skep-bpf/skep/internal/engine/kernel"
	"github.com/skep-bpf/skep/internal/testkit"
)

// TestVerifierWorkIsLinear: what the verifier walks grows with the script and no faster.
func TestVerifierWorkIsLinear(t *testing.T) {
	testkit.Need(t, testkit.Root(), testkit.Kernel("5.10"))
	walked := func(n int) int {
		var b strings.Builder
		b.WriteString("begin {\n")
		for i := range n {
			fmt.Fprintf(&b, "@m[%d] = count(); if (pid == %d) { @x%d = %d; }\n", i, i, i%20, i)
		}
		b.WriteString("}\n")
		o, rep, _ := compileText(t, b.String())
		if rep.Failed() {
			t.Fatal(rep.All()[0].Msg)
		}
		s, err := kernel.New(kernel.Config{}).Load(context.Background(), o.Object, engine.Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer func() {
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		}()
		return s.Programs()[0].Verified
	}
	few, many := walked(20), walked(100)
	if few == 0 {
		t.Skip("skip(kernel older than 5.16): it doesn't tell how much the verifier walked")
	}
	if many > 8*few {
		t.Errorf("20 tests took %d instructions, 100 took %d: more than in proportion", few, many)
	}
}
