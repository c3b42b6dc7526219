package compiler

import (
	"github.com/skep-bpf/skep/internal/bpf/helper"
	"github.com/skep-bpf/skep/internal/compiler/ssa"
)

// helperFacts tells the passes what a helper does to memory.
func helperFacts(id int64) ssa.HelperFacts {
	h := helper.ByID(id)
	if h == nil {
		return ssa.HelperFacts{KernelWrites: true}
	}
	return ssa.HelperFacts{Pure: h.Pure, ReadsOnly: h.ReadsOnly(), Fills: h.Fills(), Repeats: h.Repeats, KernelWrites: h.Changes || h.Calls()}
}
