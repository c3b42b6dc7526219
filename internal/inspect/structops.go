package inspect

import (
	"errors"
	"fmt"
	"strings"

	"github.com/skep-bpf/skep/internal/host/kern"
	"github.com/skep-bpf/skep/internal/host/sys"
)

// StructOps is the struct of kernel functions that a struct_ops map implements.
type StructOps struct {
	Kind  string // the kernel's struct: "tcp_congestion_ops"
	Type  kern.Type
	Value []byte // struct bpf_struct_ops_KIND: state, references and the struct

	Info      kern.Type // struct bpf_map_info, as far as the kernel has it
	InfoValue []byte
}

// StructOps reports whether the map is one of struct_ops.
func (m *Map) StructOps() bool { return m.Type == mapStructOps }

// StructOpsPrefix begins the names of struct_ops maps' values.
const StructOpsPrefix = "bpf_struct_ops_"

// ReadStructOps reads a struct_ops map's only element.
func (r *Reader) ReadStructOps(m *Map) (*StructOps, error) {
	vmlinux, err := r.Vmlinux()
	if err != nil {
		return nil, err
	}
	b := vmlinux
	if m.BTF != 0 {
		// Of a module's struct the value's type is in the module's BTF (kernel 6.9).
		if own, err := r.Types(m.BTF); err == nil && own.First() > 1 {
			b = own
		}
	}
	info, ok := vmlinux.Find("bpf_map_info", kern.KindStruct)
	if !ok {
		return nil, fmt.Errorf("read struct_ops map %d: the kernel's types have no bpf_map_info", m.ID)
	}
	s := &StructOps{Info: info, InfoValue: make([]byte, info.Size()), Type: b.Type(kern.TypeID(m.VmlinuxValue))}
	s.Kind = strings.TrimPrefix(s.Type.Name(), StructOpsPrefix)
	fd, err := open(KindMap, m.ID)
	if err != nil {
		return nil, err
	}
	defer sys.Close(fd)
	if err := sys.MapInfoBytes(fd, s.InfoValue); err != nil {
		return nil, fmt.Errorf("describe struct_ops map %d: %w", m.ID, err)
	}
	s.Value = make([]byte, m.ValueSize)
	if err := sys.MapLookup(fd, make([]byte, m.KeySize), s.Value); err != nil && !errors.Is(err, sys.ENOENT) {
		return nil, fmt.Errorf("read struct_ops map %d: %w", m.ID, err)
	}
	return s, nil
}

// Unregister takes a struct_ops map's struct out of the kernel. Maps with a link are
// registered by the link, and are refused.
func (r *Reader) Unregister(m *Map) error {
	fd, err := sys.MapByID(m.ID, true)
	if errors.Is(err, sys.ENOENT) {
		err = ErrGone
	}
	if err == nil {
		err = errors.Join(sys.MapDelete(fd, make([]byte, m.KeySize)), sys.Close(fd))
	}
	if errors.Is(err, sys.EOPNOTSUPP) {
		err = fmt.Errorf("%w: a link registers it; `skep link` lists it, and its end unregisters", err)
	}
	if err != nil {
		return fmt.Errorf("unregister struct_ops map %d: %w", m.ID, err)
	}
	return nil
}

// ProgName is a loaded program's full name; "" when it's gone.
func (r *Reader) ProgName(id uint32) string {
	p, err := r.Prog(id)
	if err != nil {
		return ""
	}
	return p.Name
}
