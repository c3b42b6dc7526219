package bpfgen

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/skep-bpf/skep/internal/bpf/helper"
	"github.com/skep-bpf/skep/internal/bpf/isa"
	"github.com/skep-bpf/skep/internal/bpf/object"
	"github.com/skep-bpf/skep/internal/compiler/ssa"
)

var update = flag.Bool("update", false, "write the golden files anew")

// listing is c's instructions as text.
func listing(c *Code) string { return (&isa.Printer{}).Listing(c.Insns) }

func parse(t testing.TB, text string) *ssa.Prog {
	t.Helper()
	p, err := ssa.Parse(text)
	if err != nil {
		t.Fatalf("parse: %v\n%s", err, text)
	}
	for _, f := range p.Funcs {
		if err := ssa.Check(f); err != nil {
			t.Fatalf("check: %v\n%s", err, text)
		}
	}
	return p
}

func generate(t testing.TB, p *ssa.Prog, opt Options) *Code {
	t.Helper()
	c, err := Generate(p, opt)
	if err != nil {
		t.Fatalf("generate: %v\n%s", err, p)
	}
	return c
}

// annotated is c's text with names of helpers and of what relocations stand for.
func annotated(c *Code) string {
	names := map[int]string{}
	for _, r := range c.Relocs {
		switch in := c.Insns[r.Insn]; r.Kind {
		case object.RelocMap:
			names[r.Insn] = fmt.Sprintf("map[%d]", r.Index)
		case object.RelocMapValue:
			names[r.Insn] = fmt.Sprintf("map[%d][0]%+d", r.Index, in.Imm)
		case object.RelocFunc:
			names[r.Insn] = fmt.Sprintf("func %s", c.Funcs[r.Index].Name)
		default:
			names[r.Insn] = r.Name
		}
	}
	p := isa.Printer{Helper: helper.Name, Operand: func(n int) string { return names[n] }}
	lines := map[int]string{}
	for _, l := range c.Lines {
		lines[l.Insn] = fmt.Sprintf(" @%d", l.Pos)
	}
	var b strings.Builder
	offs := isa.SlotOffsets(c.Insns)
	for n, in := range c.Insns {
		for i, f := range c.Funcs {
			if f.Insn == n {
				fmt.Fprintf(&b, "%s: stack %d\n", f.Name, c.Stack[i])
			}
		}
		fmt.Fprintf(&b, "%4d: %s%s\n", offs[n], p.Text(n, in), lines[n])
	}
	return b.String()
}

// TestGolden compares the instructions made of testdata/golden/*.ssa with the .v3 and
// .v4 file beside each.
func TestGolden(t *testing.T) {
	files, err := filepath.Glob("testdata/golden/*.ssa")
	if err != nil || len(files) == 0 {
		t.Fatalf("no golden files: %v", err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, cpu := range []CPU{V3, V4} {
			golden := strings.TrimSuffix(file, "ssa") + fmt.Sprintf("v%d", cpu)
			code := generate(t, parse(t, string(text)), Options{CPU: cpu, ScratchCPUs: 8})
			got := annotated(code)
			if *update {
				if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
				continue
			}
			want, err := os.ReadFile(golden)
			if err != nil || got != string(want) {
				t.Errorf("%s: got\n%swant\n%s", golden, got, want)
			}
		}
	}
}
