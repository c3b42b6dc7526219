package kernel

import (
	"errors"
	"fmt"
	"io/fs"

	"github.com/skep-bpf/skep/internal/host/kern"
	"github.com/skep-bpf/skep/internal/host/sys"
)

// findType is the BTF id of the kernel's type of that kind and name, and the descriptor
// of the BTF object of the module that has it, 0 for vmlinux. The session closes it.
// fs.ErrNotExist when there is no such type.
func (s *session) findType(module, name string, kind kern.TypeKind) (id uint32, fd int, err error) {
	b, err := s.kernel.ModuleBTF(module)
	if err != nil {
		return 0, 0, err
	}
	if module == "" || module == "vmlinux" {
		if t, ok := b.Find(name, kind); ok {
			return uint32(t.ID), 0, nil
		}
		return 0, 0, fmt.Errorf("find %s in the kernel's BTF: %w", name, fs.ErrNotExist)
	}
	t, ok := b.FindOwn(name, kind)
	if !ok {
		return 0, 0, fmt.Errorf("find %s in BTF of module %s: %w", name, module, fs.ErrNotExist)
	}
	if fd, err = s.moduleFD(module); err != nil {
		return 0, 0, err
	}
	return uint32(t.ID), fd, nil
}

// progTarget is the BTF id of a function of the BPF program with that id, and the program's
// descriptor, which the session closes.
func (s *session) progTarget(prog uint32, name string) (id uint32, fd int, err error) {
	fd, t, err := kern.Progs{}.Open(prog, name)
	if err != nil {
		return 0, 0, err
	}
	s.targets = append(s.targets, fd)
	return uint32(t), fd, nil
}

// moduleFD opens the BTF object of a module, once.
func (s *session) moduleFD(module string) (int, error) {
	if fd, ok := s.modules[module]; ok {
		return fd, nil
	}
	fd, err := sys.BTFByName(module)
	if err != nil {
		return 0, fmt.Errorf("open BTF of module %s: %w", module, err)
	}
	if s.modules == nil {
		s.modules = map[string]int{}
	}
	s.modules[module] = fd
	return fd, nil
}

// closeModules closes what programs were loaded against.
func (s *session) closeModules() error {
	var errs []error
	for _, fd := range s.modules {
		errs = append(errs, sys.Close(fd))
	}
	s.modules = nil
	return errors.Join(append(errs, closeAll(&s.targets))...)
}
