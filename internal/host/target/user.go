package target

import (
	"github.com/skep-bpf/skep/internal/lang/types"
)

// UserFunc is the signature of a function in a binary with DWARF.
func (e *Env) UserFunc(path, name string) (*types.Signature, bool) {
	return nil, false
}
