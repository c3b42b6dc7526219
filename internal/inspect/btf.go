package inspect

import (
	"fmt"
	"iter"

	"github.com/skep-bpf/skep/internal/host/sys"
)

// BTF describes a BTF object; Types reads what's in it.
type BTF struct {
	ID, Size uint32
	Name     string // "vmlinux" or a module's; "" for others
	Kernel   bool   // the kernel's own or a module's
}

// Title is the object's name for a person.
func (b *BTF) Title() string {
	if b.Name != "" {
		return b.Name
	}
	return fmt.Sprintf("BTF %d", b.ID)
}

// BTFs yields all BTF objects by id.
func (r *Reader) BTFs() iter.Seq2[*BTF, error] { return each(r, KindBTF, r.BTFByFD) }

// BTF describes the BTF object with an id. The error wraps ErrGone when there's none.
func (r *Reader) BTF(id uint32) (*BTF, error) { return byID(KindBTF, id, r.BTFByFD) }

// BTFByFD describes the BTF object that a descriptor is of.
func (r *Reader) BTFByFD(fd int) (*BTF, error) {
	info, err := sys.BTFInfoByFD(fd)
	if err != nil {
		return nil, fmt.Errorf("read BTF object: %w", err)
	}
	return &BTF{ID: info.ID, Size: info.Size, Name: info.Name, Kernel: info.Kernel}, nil
}
