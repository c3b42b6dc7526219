package bpfgen

import (
	"fmt"

	"github.com/skep-bpf/skep/internal/compiler/ssa"
)

// frameAlign is what the verifier rounds each frame up to before it adds up a call
// chain, in bytes (check_max_stack_depth, kernel/bpf/verifier.c; less if the JIT is
// known to need no more).
const frameAlign = 32

// callees lists the functions that f calls or hands to helpers as callbacks.
func callees(f *ssa.Func) []*ssa.Func {
	var out []*ssa.Func
	for _, b := range f.Blocks {
		for _, v := range b.Values {
			if g, ok := v.Aux.(*ssa.Func); ok {
				out = append(out, g)
			}
		}
	}
	return out
}

// deepest is the bytes of stack that the deepest call chain from f takes.
func deepest(f *ssa.Func, frames map[*ssa.Func]uint32, above int) (uint32, error) {
	if above > len(frames) {
		return 0, &Error{f, "calls itself; BPF has no recursion"}
	}
	below := uint32(0)
	for _, g := range callees(f) {
		d, err := deepest(g, frames, above+1)
		if err != nil {
			return 0, err
		}
		below = max(below, d)
	}
	frame := max(frames[f], 1)
	return (frame+frameAlign-1)&^(frameAlign-1) + below, nil
}

// checkStack says by how many bytes c's deepest call chain exceeds the kernel's limit.
func checkStack(p *ssa.Prog, funcs []*ssa.Func, c *Code) (excess uint32, err error) {
	frames := map[*ssa.Func]uint32{}
	for i, f := range funcs {
		frames[f] = c.Stack[i]
	}
	depth, err := deepest(p.Funcs[0], frames, 1)
	if err != nil || depth <= MaxStack {
		return 0, err
	}
	return depth - MaxStack, &Error{
		p.Funcs[0],
		fmt.Sprintf("with the functions that it calls needs %d bytes of stack; BPF has %d", depth, MaxStack),
	}
}
