package compiler

import (
	"strings"
	"testing"

	"github.com/skep-bpf/skep/internal/diag"
	"github.com/skep-bpf/skep/internal/lang/types"
)

// brokenEnv panics when it's asked for a tracepoint, as a mistake in the checker would.
type brokenEnv struct{ *fakeEnv }

func (brokenEnv) Tracepoint(string, string) (*types.StructType, bool) { panic("BUG: no such thing") }

func TestMistakesOfOurOwnAreReported(t *testing.T) {
	src := &diag.Sources{}
	rep := diag.NewReporter(src)
	out := Compile(src.Add("script.bt", `tracepoint:a:b { print(args.id); }`), Options{Env: brokenEnv{newFakeEnv()}}, rep)
	if out != nil || !rep.Failed() {
		t.Fatalf("output %v, failed %v: want an error", out, rep.Failed())
	}
	d := rep.All()[0]
	if d.Msg != "BUG: types: no such thing" {
		t.Errorf("message %q", d.Msg)
	}
	if len(d.Notes) != 1 || !strings.Contains(d.Notes[0].Msg, "please report") || !strings.Contains(d.Notes[0].Msg, "lang/types/") {
		t.Errorf("notes %v: want where it was, and to whom to tell", d.Notes)
	}
}
