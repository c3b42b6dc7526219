package inspect

import (
	"fmt"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"github.com/skep-bpf/skep/internal/inspect/draw"
)

// MachineFlowGraph is the control-flow graph of machine instructions, as FlowGraph's of
// translated ones.
func MachineFlowGraph(c *Code, funcs []JitedFunc, opcodes, linum bool) *draw.Graph {
	g := &draw.Graph{Title: fmt.Sprintf("program %d %s", c.Prog.ID, c.Prog.Name)}
	for i := range funcs {
		addMachineFlow(g, runtime.GOARCH, &funcs[i], opcodes, linum)
	}
	return g
}

func addMachineFlow(g *draw.Graph, arch string, f *JitedFunc, opcodes, linum bool) {
	starts := machineBlocks(arch, f.Insns)
	base := len(g.Nodes)
	for n, start := range starts {
		end := len(f.Insns)
		if n+1 < len(starts) {
			end = starts[n+1]
		}
		node := draw.Node{Title: fmt.Sprintf("block %x", f.Insns[start].PC)}
		if start == 0 {
			node.Title, node.Kind = f.Name, 1
		}
		for i := start; i < end; i++ {
			in := &f.Insns[i]
			node.Lines = append(append(node.Lines, flowSource(in.Source, linum)...), strings.ReplaceAll(in.Text(), "\t", "  "))
			if opcodes {
				node.Lines = append(node.Lines, fmt.Sprintf("      % x", in.Raw))
			}
		}
		to := func(next int, label string) {
			if m, ok := slices.BinarySearch(starts, next); ok {
				g.Edges = append(g.Edges, draw.Edge{From: base + n, To: base + m, Label: label})
			}
		}
		switch j := f.Insns[end-1].jump(arch); {
		case j.conditional:
			to(insnAt(f.Insns, j.target), "yes")
			to(end, "no")
		case j.ends:
			to(insnAt(f.Insns, j.target), "")
			if j.target < 0 {
				node.Kind = 3
			}
		default:
			to(end, "")
		}
		g.Nodes = append(g.Nodes, node)
	}
}

// machineBlocks are the instructions at which blocks begin.
func machineBlocks(arch string, insns []MachineInsn) []int {
	if len(insns) == 0 {
		return nil
	}
	starts := []int{0}
	for i := range insns {
		j := insns[i].jump(arch)
		if at := insnAt(insns, j.target); at >= 0 {
			starts = append(starts, at)
		}
		if (j.conditional || j.ends) && i+1 < len(insns) {
			starts = append(starts, i+1)
		}
	}
	slices.Sort(starts)
	return slices.Compact(starts)
}

// insnAt is the instruction at an offset; -1: there is none.
func insnAt(insns []MachineInsn, pc int) int {
	i, ok := slices.BinarySearchFunc(insns, pc, func(in MachineInsn, pc int) int { return in.PC - pc })
	if !ok {
		return -1
	}
	return i
}

// machineJump is where an instruction goes on, besides behind it.
type machineJump struct {
	target      int  // in the function; -1: elsewhere, or not known
	conditional bool // it may go on behind it, too
	ends        bool // it doesn't
}

// jump tells by an instruction's text where it goes on. Calls come back.
func (in *MachineInsn) jump(arch string) machineJump {
	j := machineJump{target: -1}
	switch op := in.Op; {
	case strings.HasPrefix(op, "ret"):
		j.ends = true
	case arch == "arm64" && (op == "b" || op == "br"), arch != "arm64" && strings.HasPrefix(op, "jmp"):
		j.ends = true
	case arch == "arm64":
		j.conditional = strings.HasPrefix(op, "b.") || op == "cbz" || op == "cbnz" || op == "tbz" || op == "tbnz"
	default:
		j.conditional = strings.HasPrefix(op, "j")
	}
	if (j.conditional || j.ends) && len(in.Operands) > 0 && in.Symbol == "" {
		text, isHex := strings.CutPrefix(in.Operands[len(in.Operands)-1], "0x")
		if n, err := strconv.ParseInt(text, 16, 32); err == nil && isHex {
			j.target = int(n)
		}
	}
	return j
}

// Text is the instruction as listings have it.
func (in *MachineInsn) Text() string {
	text := fmt.Sprintf("%4x:\t%s", in.PC, in.Op)
	if len(in.Operands) > 0 {
		text += " " + strings.Join(in.Operands, ", ")
	}
	if in.Symbol != "" {
		text += " <" + in.Symbol + ">"
	}
	return text
}
