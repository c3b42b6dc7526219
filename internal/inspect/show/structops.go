package show

import (
	"fmt"
	"strings"

	"github.com/skep-bpf/skep/internal/host/kern"
	"github.com/skep-bpf/skep/internal/inspect"
)

// StructOps writes a struct_ops map's description and its struct, the functions with their
// programs: as JSON, or in the form of text.
func (p *Printer) StructOps(j *JSON, s *inspect.StructOps) error {
	v := &values{JSON: j, plain: p.JSON == nil, funcs: p.structOpsFunc}
	j.Open("{")
	j.Name("bpf_map_info")
	v.write(s.Info, s.InfoValue, 0)
	j.End("}")
	j.Open("{")
	j.Name(s.Type.Name())
	v.write(s.Type, s.Value, 0)
	j.End("}")
	return j.Err()
}

// structOpsFunc is a member's function type and the program that implements it.
func (p *Printer) structOpsFunc(t kern.Type, id uint32) string {
	var b strings.Builder
	writeFunc(&b, t, "")
	if id == 0 {
		return b.String() + " 0"
	}
	name := p.Reader.ProgName(id)
	if name == "" {
		name = "<unknown_prog_name>"
	}
	return fmt.Sprintf("%s %s/prog_id:%d", b.String(), name, id)
}
