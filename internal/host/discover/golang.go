package discover

import (
	"strings"

	"github.com/skep-bpf/skep/internal/diag"
	"github.com/skep-bpf/skep/internal/host/exe"
	"github.com/skep-bpf/skep/internal/probe"
)

// goFunction fills in what is different with functions of Go programs: how they take their
// arguments, and where a uretprobe goes, since Go's runtime moves stacks and stops at return
// addresses that were replaced.
func goFunction(p *probe.Point, file *exe.File, sym exe.Symbol) error {
	if !strings.Contains(sym.Name, ".") || !file.Go() {
		return nil
	}
	p.Go = file.GoFunc(sym.Name)
	if p.Kind != probe.Uretprobe {
		return nil
	}
	var err error
	if p.Returns, err = file.Returns(sym); err != nil {
		return missing(diag.CodeNoUserSymbol, "%s: %v", p.Text, err).
			because("a Go function's return address can't be probed, so its return instructions have to be found")
	}
	if len(p.Returns) == 0 {
		return missing(diag.CodeNoUserSymbol, "%s: the function has no return instruction", p.Text).
			because("it never returns, or ends in another function")
	}
	return nil
}
