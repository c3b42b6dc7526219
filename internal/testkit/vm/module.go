//go:build linux

package vm

import (
	"bytes"
	"debug/elf"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// module is a kernel module, uncompressed.
type module struct {
	name string
	data []byte
}

// decompressors are the commands for the endings of compressed modules and kernels.
var decompressors = map[string][]string{
	".ko":  nil,
	".xz":  {"xz", "-dc"},
	".zst": {"zstd", "-dcq"},
	".gz":  {"gzip", "-dc"},
}

// moduleFiles are a module and what it depends on, in the order to load them; none when
// the kernel has it built in.
func (k *Kernel) moduleFiles(name string) ([]module, error) {
	file, err := k.findModule(name)
	if err != nil || file == "" {
		return nil, err
	}
	data, err := decompress(file)
	if err != nil {
		return nil, err
	}
	needs, err := dependencies(data)
	if err != nil {
		return nil, fmt.Errorf("read module %s: %w", file, err)
	}
	var list []module
	for _, need := range needs {
		files, err := k.moduleFiles(need)
		if err != nil {
			return nil, err
		}
		list = append(list, files...)
	}
	return append(list, module{name, data}), nil
}

// findModule is the path of a module's file; "" when there's none.
func (k *Kernel) findModule(name string) (string, error) {
	var found string
	err := filepath.WalkDir(filepath.Join(k.Modules, "kernel"), func(file string, e fs.DirEntry, err error) error {
		base, _, _ := strings.Cut(filepath.Base(file), ".ko")
		if err == nil && e.Type().IsRegular() && strings.ReplaceAll(base, "-", "_") == name {
			found = file
			return fs.SkipAll
		}
		return err
	})
	return found, err
}

func decompress(file string) ([]byte, error) {
	cmd, ok := decompressors[filepath.Ext(file)]
	if !ok {
		return nil, fmt.Errorf("read %s: unknown compression", file)
	}
	if cmd == nil {
		return os.ReadFile(file)
	}
	out, err := exec.Command(cmd[0], append(cmd[1:], file)...).Output()
	if err != nil {
		return nil, fmt.Errorf("decompress %s: %w", file, err)
	}
	return out, nil
}

// dependencies are the modules that a module names in its .modinfo section.
func dependencies(data []byte) ([]string, error) {
	f, err := elf.NewFile(bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	section := f.Section(".modinfo")
	if section == nil {
		return nil, fmt.Errorf("no .modinfo section")
	}
	info, err := section.Data()
	if err != nil {
		return nil, err
	}
	for field := range strings.SplitSeq(string(info), "\x00") {
		if names, ok := strings.CutPrefix(field, "depends="); ok {
			return strings.FieldsFunc(strings.ReplaceAll(names, "-", "_"), func(r rune) bool { return r == ',' }), nil
		}
	}
	return nil, nil
}
