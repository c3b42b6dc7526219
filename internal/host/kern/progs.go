package kern

import (
	"errors"
	"fmt"
	"io/fs"

	"github.com/skep-bpf/skep/internal/host/sys"
)

// Progs are the BPF programs that the running kernel has loaded. Its zero value is ready.
type Progs struct{}

// Each calls f with each program's id and the name of each of its functions that is known,
// the main one first, until it returns false. Programs without BTF have none.
func (Progs) Each(f func(id uint32, name string) bool) error {
	for id := uint32(0); ; {
		next, err := sys.ProgNextID(id)
		if errors.Is(err, sys.ENOENT) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("list BPF programs: %w", err)
		}
		id = next
		fd, err := sys.ProgByID(id)
		if err != nil {
			continue // it went meanwhile
		}
		names, err := progFuncs(fd)
		if cerr := sys.Close(fd); err == nil {
			err = cerr
		}
		if err != nil {
			continue // so did its BTF
		}
		for _, t := range names {
			if !f(id, t.Name()) {
				return nil
			}
		}
	}
}

// Open opens program id and finds the type of one of its functions in its BTF. The caller
// closes the descriptor. fs.ErrNotExist when there's no such program or function.
func (Progs) Open(id uint32, name string) (fd int, t TypeID, err error) {
	fd, err = sys.ProgByID(id)
	if err != nil {
		return -1, 0, fmt.Errorf("open BPF program %d: %w", id, err)
	}
	funcs, err := progFuncs(fd)
	for _, fn := range funcs {
		if fn.Name() == name {
			return fd, fn.ID, nil
		}
	}
	if err == nil {
		err = fmt.Errorf("find function %s of BPF program %d: %w", name, id, fs.ErrNotExist)
	}
	return -1, 0, errors.Join(err, sys.Close(fd))
}

// Func is the type of a function of program id.
func (p Progs) Func(id uint32, name string) (Type, bool) {
	fd, err := sys.ProgByID(id)
	if err != nil {
		return Type{}, false
	}
	defer sys.Close(fd)
	funcs, err := progFuncs(fd)
	for _, fn := range funcs {
		if fn.Name() == name && err == nil {
			return fn, true
		}
	}
	return Type{}, false
}

// progFuncs are the types of a program's functions.
func progFuncs(fd int) ([]Type, error) {
	info, err := sys.ProgInfoByFD(fd)
	if err != nil || info.BTFID == 0 {
		return nil, err
	}
	ids, err := sys.ProgFuncs(fd, info)
	if err != nil || len(ids) == 0 {
		return nil, err
	}
	data, err := sys.BTFData(info.BTFID)
	if err != nil {
		return nil, err
	}
	b, err := ParseBTF(fmt.Sprintf("BPF program %d", info.ID), data, nil)
	if err != nil {
		return nil, err
	}
	var types []Type
	for _, id := range ids {
		if t := b.Type(TypeID(id)); t.Kind() == KindFunc {
			types = append(types, t)
		}
	}
	return types, nil
}
