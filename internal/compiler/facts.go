package compiler

import (
	"github.com/skep-bpf/skep/internal/bpf/helper"
	"github.com/skep-bpf/skep/internal/compiler/ssa"
	"github.com/skep-bpf/skep/internal/compiler/ssagen"
)

// helperFacts tells the passes what a helper of the object's kernel does to memory.
func (c *coder) helperFacts(id int64) ssa.HelperFacts {
	f := factsOf(id)
	if id == commHelper && ssagen.CommKeepsRest(c.info.Facts.Kernel) {
		f.Fills, f.Repeats = 0, false
	}
	return f
}

// commHelper is bpf_get_current_comm.
const commHelper = 16

func factsOf(id int64) ssa.HelperFacts {
	h := helper.ByID(id)
	if h == nil {
		return ssa.HelperFacts{KernelWrites: true}
	}
	return ssa.HelperFacts{Pure: h.Pure, ReadsOnly: h.ReadsOnly(), Fills: h.Fills(), Repeats: h.Repeats, KernelWrites: h.Changes || h.Calls()}
}
