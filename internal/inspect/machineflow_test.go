package inspect

import (
	"fmt"
	"strings"
	"testing"

	"github.com/skep-bpf/skep/internal/inspect/draw"
)

// function makes a function of texts such as "4: jg 0x8": offset, operation, operands.
func function(lines ...string) *JitedFunc {
	f := &JitedFunc{Name: "bpf_prog_f"}
	for _, l := range lines {
		pc, text, _ := strings.Cut(l, ": ")
		op, rest, _ := strings.Cut(text, " ")
		in := MachineInsn{Op: op}
		fmt.Sscanf(pc, "%x", &in.PC)
		if rest, name, ok := strings.Cut(rest, " <"); ok {
			in.Operands, in.Symbol = splitOperands(rest), strings.TrimSuffix(name, ">")
		} else {
			in.Operands = splitOperands(rest)
		}
		f.Insns = append(f.Insns, in)
	}
	return f
}

func TestMachineFlow(t *testing.T) {
	for _, c := range []struct {
		arch  string
		f     *JitedFunc
		nodes string // titles, a * at those that return
		edges string
	}{
		{"amd64", function("0: push %rbp", "1: test %rax,%rax", "4: je 0x10", "6: callq 0xffffffff81000000 <helper>", "b: jmp 0x12", "10: mov %rax,%rbx", "12: dec %rbx", "14: jne 0x12", "16: leaveq", "17: retq"),
			"bpf_prog_f | block 6 | block 10 | block 12 | block 16*",
			"0→2 yes, 0→1 no, 1→3, 2→3, 3→3 yes, 3→4 no"},
		// A return through a thunk, as on processors that have to be careful, and a tail call.
		{"amd64", function("0: cmp $0x1,%eax", "3: ja 0xa", "5: jmpq 0xffffffff82000000 <__x86_return_thunk>", "a: jmpq *%rcx"), "bpf_prog_f | block 5* | block a*", "0→2 yes, 0→1 no"},
		{"arm64", function("0: cbz x0, 0xc", "4: bl 0x1000 <helper>", "8: b 0x10", "c: tbnz w1, #3, 0x4", "10: ret"), "bpf_prog_f | block 4 | block c | block 10*", "0→2 yes, 0→1 no, 1→3, 2→1 yes, 2→3 no"},
		{"arm64", function("0: b.eq 0x8", "4: br x3", "8: ret"), "bpf_prog_f | block 4* | block 8*", "0→2 yes, 0→1 no"},
		{"amd64", function(), "", ""},
	} {
		var g draw.Graph
		addMachineFlow(&g, c.arch, c.f, false, false)
		var nodes, edges []string
		for _, n := range g.Nodes {
			title := n.Title
			if n.Kind == 3 {
				title += "*"
			}
			nodes = append(nodes, title)
		}
		for _, e := range g.Edges {
			edges = append(edges, strings.TrimSpace(fmt.Sprintf("%d→%d %s", e.From, e.To, e.Label)))
		}
		if got := strings.Join(nodes, " | "); got != c.nodes {
			t.Errorf("%s: blocks %s, want %s", c.arch, got, c.nodes)
		}
		if got := strings.Join(edges, ", "); got != c.edges {
			t.Errorf("%s: edges %s, want %s", c.arch, got, c.edges)
		}
	}
}
