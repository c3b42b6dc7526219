package inspect

import (
	"bytes"
	"debug/elf"
	"fmt"
	"os"
	"path/filepath"

	"github.com/skep-bpf/skep/internal/host/kern"
)

// elfMagic begins ELF files.
const elfMagic = "\x7fELF"

// TypesOfFile reads type information from a file: raw BTF, as /sys/kernel/btf has it, or
// the .BTF section of an ELF file. base is what it builds on, nil for none; the modules of
// /sys/kernel/btf build on vmlinux by themselves.
func (r *Reader) TypesOfFile(path string, base *kern.BTF) (*kern.BTF, error) {
	data, err := ReadBTF(path)
	if err != nil {
		return nil, err
	}
	const sysfs = "/sys/kernel/btf"
	if base == nil && filepath.Dir(path) == sysfs && filepath.Base(path) != "vmlinux" {
		if base, err = r.Vmlinux(); err != nil {
			return nil, err
		}
	}
	return kern.ParseBTF(filepath.Base(path), data, base)
}

// ReadBTF reads a file's type information, undecoded: the file itself, or its section .BTF.
func ReadBTF(path string) ([]byte, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read types: %w", err)
	}
	if bytes.HasPrefix(data, []byte(elfMagic)) {
		if data, err = btfSection(data); err != nil {
			return nil, fmt.Errorf("read types of %s: %w", path, err)
		}
	}
	return data, nil
}

func btfSection(data []byte) ([]byte, error) {
	f, err := elf.NewFile(bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	s := f.Section(".BTF")
	if s == nil {
		return nil, fmt.Errorf("it has no section .BTF")
	}
	return s.Data()
}
