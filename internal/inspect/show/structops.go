package show

import (
	"fmt"
	"strings"

	"github.com/skep-bpf/skep/internal/host/kern"
	"github.com/skep-bpf/skep/internal/inspect"
)

// StructOps writes a struct_ops map's description and its struct, the functions with their
// programs: as JSON, or in the form of text.
func (p *Printer) StructOps(j *JSON, m *inspect.Map, s *inspect.StructOps) error {
	v := &values{JSON: j, plain: p.JSON == nil, funcs: p.structOpsFunc}
	j.Open("{")
	j.Name("bpf_map_info")
	mapInfo(j, m)
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

// mapInfo writes a map's description by the kernel's names, struct bpf_map_info's.
func mapInfo(j *JSON, m *inspect.Map) {
	j.Open("{")
	for _, f := range []struct {
		name  string
		value any
	}{
		{"type", m.Type}, {"id", m.ID}, {"key_size", m.KeySize}, {"value_size", m.ValueSize}, {"max_entries", m.MaxEntries},
		{"map_flags", m.Flags}, {"name", m.Name}, {"ifindex", m.Ifindex}, {"btf_vmlinux_value_type_id", m.VmlinuxValue},
		{"netns_dev", m.NetnsDev}, {"netns_ino", m.NetnsIno}, {"btf_id", m.BTF}, {"btf_key_type_id", m.BTFKey},
		{"btf_value_type_id", m.BTFValue}, {"btf_vmlinux_id", m.VmlinuxBTF}, {"map_extra", m.Extra},
	} {
		j.Member(f.name, f.value)
	}
	j.End("}")
}
