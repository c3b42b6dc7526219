package inspect

import (
	"fmt"
	"io/fs"
	"strings"
)

// Delegation is a BPF file system with what it delegates: a user namespace takes tokens
// from it that allow these things. Each list has names, or numbers where the kernel knows no name.
type Delegation struct {
	Path                           string
	Cmds, Maps, Progs, AttachTypes []string
}

// Delegations are the mounted BPF file systems that delegate something.
func (r *Reader) Delegations() ([]Delegation, error) {
	data, err := fs.ReadFile(r.root, "proc/mounts")
	if err != nil {
		return nil, fmt.Errorf("list BPF file systems: %w", err)
	}
	var list []Delegation
	for line := range strings.Lines(string(data)) {
		f := strings.Fields(line)
		if len(f) < 4 || f[2] != "bpf" {
			continue
		}
		d, some := Delegation{Path: unescapeMount(f[1])}, false
		for option := range strings.SplitSeq(f[3], ",") {
			name, value, _ := strings.Cut(option, "=")
			to := map[string]*[]string{"delegate_cmds": &d.Cmds, "delegate_maps": &d.Maps,
				"delegate_progs": &d.Progs, "delegate_attachs": &d.AttachTypes}[name]
			if to != nil {
				*to, some = strings.Split(value, ":"), true
			}
		}
		if some {
			list = append(list, d)
		}
	}
	return list, nil
}
