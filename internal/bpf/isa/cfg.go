package isa

import "fmt"

// Block is a run of instructions that is entered at its first and left at its last.
type Block struct {
	Start, End int   // instructions [Start, End)
	Succs      []int // blocks; the jump's target first, then the next block
}

// SlotIndex maps each slot of prog's encoding to its instruction; the second slot of a
// wide instruction maps to -1. It has one more element, for the end.
func SlotIndex(prog []Insn) []int {
	idx := make([]int, 0, Slots(prog)+1)
	for n, in := range prog {
		idx = append(idx, n)
		if in.Wide() {
			idx = append(idx, -1)
		}
	}
	return append(idx, len(prog))
}

// SlotOffsets maps each instruction of prog to its first slot; it has one more element,
// for the end.
func SlotOffsets(prog []Insn) []int {
	offs := make([]int, len(prog)+1)
	o := 0
	for n, in := range prog {
		offs[n] = o
		o++
		if in.Wide() {
			o++
		}
	}
	offs[len(prog)] = o
	return offs
}

// Graph is the control-flow graph of prog in program order. Calls don't end a block;
// what a call of a BPF function enters begins one. A jump out of prog or into the
// middle of a wide instruction is an error, and so is running off prog's end.
func Graph(prog []Insn) ([]Block, error) {
	index, offs := SlotIndex(prog), SlotOffsets(prog)
	leader := make([]bool, len(prog)+1)
	leader[0] = true
	target := func(n, rel int) (int, error) {
		s := offs[n] + 1 + rel // the same for a wide instruction: the kernel counts from its second slot
		if s < 0 || s >= len(index)-1 || index[s] < 0 {
			return 0, fmt.Errorf("jump of instruction %d: no instruction at pc%+d", n, rel)
		}
		return index[s], nil
	}
	for n, in := range prog {
		switch {
		case in.IsGoto(), in.IsBranch():
			t, err := target(n, in.JumpOffset())
			if err != nil {
				return nil, err
			}
			leader[t], leader[n+1] = true, true
		case in.IsExit():
			leader[n+1] = true
		case in.IsCall() && in.Src == PseudoCall, in.Wide() && in.Src == PseudoFunc:
			t, err := target(n, int(int32(in.Imm)))
			if err != nil {
				return nil, err
			}
			leader[t] = true
		}
	}
	return link(prog, leader, target)
}

// link cuts prog at its leaders and connects the blocks.
func link(prog []Insn, leader []bool, target func(n, rel int) (int, error)) ([]Block, error) {
	var blocks []Block
	blockAt := make([]int, len(prog)+1)
	for n := range prog {
		if leader[n] {
			blocks = append(blocks, Block{Start: n})
		}
		blockAt[n] = len(blocks) - 1
		blocks[len(blocks)-1].End = n + 1
	}
	for b := range blocks {
		n := blocks[b].End - 1
		in := prog[n]
		if in.IsGoto() || in.IsBranch() {
			t, err := target(n, in.JumpOffset())
			if err != nil {
				return nil, err
			}
			blocks[b].Succs = append(blocks[b].Succs, blockAt[t])
		}
		if in.IsGoto() || in.IsExit() {
			continue
		}
		if n+1 == len(prog) {
			return nil, fmt.Errorf("instruction %d: the program runs off its end", n)
		}
		blocks[b].Succs = append(blocks[b].Succs, b+1)
	}
	return blocks, nil
}
