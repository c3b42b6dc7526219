package inspect

import (
	"encoding/binary"
	"fmt"
	"strings"

	"github.com/skep-bpf/skep/internal/bpf/isa"
	"github.com/skep-bpf/skep/internal/inspect/draw"
)

// FlowGraph is the control-flow graph of translated instructions: a box a block, with its
// source lines when it has some. An edge where a jump is taken has a label.
func FlowGraph(c *Code, insns []Insn, opcodes, linum bool) (*draw.Graph, error) {
	prog, err := isa.Decode(c.Xlated, binary.NativeEndian)
	if err != nil {
		return nil, fmt.Errorf("draw program %d: %w", c.Prog.ID, err)
	}
	blocks, err := isa.Graph(unlinked(prog))
	if err != nil {
		return nil, fmt.Errorf("draw program %d: %w", c.Prog.ID, err)
	}
	g := &draw.Graph{Title: fmt.Sprintf("program %d %s", c.Prog.ID, c.Prog.Name)}
	for n, b := range blocks {
		node := draw.Node{Title: fmt.Sprintf("block %d", n)}
		if f, ok := c.Func(uint32(insns[b.Start].Slot)); ok {
			node.Title, node.Kind = f.Name(), 1
		}
		for i := b.Start; i < b.End; i++ {
			node.Lines = append(node.Lines, flowLines(insns[i], opcodes, linum)...)
		}
		if insns[b.End-1].Insn.IsExit() {
			node.Kind = 3
		}
		g.Nodes = append(g.Nodes, node)
		for k, s := range b.Succs {
			e := draw.Edge{From: n, To: s}
			if len(b.Succs) == 2 {
				e.Label = [...]string{"yes", "no"}[k]
			}
			g.Edges = append(g.Edges, e)
		}
	}
	return g, nil
}

// unlinked makes calls of BPF functions, which the kernel numbers once it has jited them,
// plain calls: they end no block.
func unlinked(prog []isa.Insn) []isa.Insn {
	out := make([]isa.Insn, len(prog))
	for i, in := range prog {
		if in.IsCall() || in.Wide() && in.Src == isa.PseudoFunc {
			in.Src = 0
		}
		out[i] = in
	}
	return out
}

func flowLines(in Insn, opcodes, linum bool) []string {
	lines := flowSource(in.Source, linum)
	text := fmt.Sprintf("%4d: %s", in.Slot, in.Text)
	if in.Map != "" {
		text += " ; " + in.Map
	}
	lines = append(lines, text)
	if opcodes {
		lines = append(lines, fmt.Sprintf("      % x", in.Raw))
	}
	return lines
}

// flowSource is a source line in a box; none for none.
func flowSource(l *Line, linum bool) []string {
	if l == nil {
		return nil
	}
	text := "; " + cutText(strings.TrimLeft(l.Text, " \t"))
	if linum {
		text += fmt.Sprintf(" [%s:%d:%d]", l.File, l.Line, l.Col)
	}
	return []string{text}
}

// maxSource is how much of a source line fits in a box, in characters.
const maxSource = 70

func cutText(s string) string {
	if r := []rune(s); len(r) > maxSource {
		return string(r[:maxSource-1]) + "…"
	}
	return s
}
