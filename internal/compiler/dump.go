package compiler

import (
	"fmt"
	"io"
	"strings"

	"github.com/skep-bpf/skep/internal/bpf/helper"
	"github.com/skep-bpf/skep/internal/bpf/isa"
	"github.com/skep-bpf/skep/internal/bpf/object"
	"github.com/skep-bpf/skep/internal/compiler/ssa"
	"github.com/skep-bpf/skep/internal/diag"
)

// Stages are the names that Options.Dump knows.
func Stages() []string {
	names := []string{"ast", "types", "ssa", "insns", "ssa:start"}
	for _, pass := range ssa.Passes() {
		names = append(names, "ssa:"+pass)
	}
	return names
}

// dumper prints the SSA after the passes that --dump names: "ssa" is after the last,
// "ssa:PASS" after that one, "ssa:start" before the first.
func (c *coder) dumper() func(pass string, p *ssa.Prog) {
	last := "start"
	if names := ssa.Passes(); len(names) > 0 {
		last = names[len(names)-1]
	}
	wanted := false
	for stage := range c.opt.Dump {
		wanted = wanted || stage == "ssa" || strings.HasPrefix(stage, "ssa:")
	}
	if !wanted {
		return nil
	}
	return func(pass string, p *ssa.Prog) {
		if c.opt.Dump["ssa:"+pass] || pass == last && c.opt.Dump["ssa"] {
			fmt.Fprintf(c.opt.DumpTo, "; after %s\n%s\n", pass, p)
		}
	}
}

// dumpInsns prints a program's instructions with the source lines between them.
func dumpInsns(w io.Writer, p *object.Program, o *object.Object, src *diag.Sources) {
	at := "nothing"
	if len(p.Points) > 0 {
		at = p.Points[0].Text
	}
	fmt.Fprintf(w, "; program %s at %s: %d instructions\n", p.Name, at, isa.Slots(p.Insns))
	names := relocNames(p, o)
	printer := isa.Printer{Helper: helper.Name, Operand: func(n int) string { return names[n] }}
	line, slot := 0, 0
	shown := 0
	for i, in := range p.Insns {
		for _, f := range p.Funcs {
			if f.Insn == i {
				fmt.Fprintf(w, "%s:\n", f.Name)
			}
		}
		for line < len(p.Lines) && p.Lines[line].Insn <= i {
			if f, pos, _ := src.Resolve(p.Lines[line].Pos); f != nil {
				if n, _ := f.LineCol(pos); n != shown {
					shown = n
					fmt.Fprintf(w, "; %d: %s\n", n, strings.TrimSpace(f.Line(n)))
				}
			}
			line++
		}
		fmt.Fprintf(w, "%4d: %s\n", slot, printer.Text(i, in))
		slot++
		if in.Wide() {
			slot++
		}
	}
}

// relocNames says what each relocated instruction refers to.
func relocNames(p *object.Program, o *object.Object) map[int]string {
	names := map[int]string{}
	for _, r := range p.Relocs {
		switch r.Kind {
		case object.RelocMap, object.RelocMapValue:
			if r.Index < len(o.Maps) {
				names[r.Insn] = "map " + o.Maps[r.Index].Name
			}
		case object.RelocFunc:
			if r.Index < len(p.Funcs) {
				names[r.Insn] = p.Funcs[r.Index].Name
			}
		default:
			names[r.Insn] = r.Name
		}
	}
	return names
}
