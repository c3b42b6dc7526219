package kernel

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/skep-bpf/skep/internal/host/sys"
)

// btfFinder finds ids of the kernel's own types by name. It reads vmlinux's BTF once,
// when first asked, and walks it without building any type: what a loader needs of
// 100,000 types is one number.
type btfFinder struct {
	base    *rawBTF
	modules map[string]*moduleBTF
}

// moduleBTF is a module's types and its BTF object's descriptor.
type moduleBTF struct {
	raw *rawBTF
	fd  int
}

// rawBTF is one BTF blob, split: the base's types and strings come before its own.
type rawBTF struct {
	base    *rawBTF // of a split blob
	types   []byte
	strings []byte
	firstID uint32 // of its first type
	strBase uint32 // offset of its first string
	count   uint32
	close   func() error // gives the blob's memory back
}

const kernelBTFDir = "/sys/kernel/btf/"

// errNoBTF: the kernel has no type information.
var errNoBTF = errors.New("the kernel has no BTF (CONFIG_DEBUG_INFO_BTF)")

// find is the id of the kernel's type of that kind and name, and the descriptor of the
// module's BTF object that has it (0: vmlinux). fs.ErrNotExist when there is none.
func (f *btfFinder) find(module, name string, kind uint32) (id uint32, fd int, err error) {
	if f.base == nil {
		if f.base, err = openBTF("vmlinux", nil); err != nil {
			return 0, 0, err
		}
	}
	if module != "" && module != "vmlinux" {
		m, err := f.module(module)
		if err != nil {
			return 0, 0, err
		}
		if id, ok := m.raw.find(name, kind); ok {
			return id, m.fd, nil
		}
		return 0, 0, fmt.Errorf("find %s in BTF of module %s: %w", name, module, fs.ErrNotExist)
	}
	if id, ok := f.base.find(name, kind); ok {
		return id, 0, nil
	}
	return 0, 0, fmt.Errorf("find %s in the kernel's BTF: %w", name, fs.ErrNotExist)
}

func (f *btfFinder) module(name string) (*moduleBTF, error) {
	if m := f.modules[name]; m != nil {
		return m, nil
	}
	raw, err := openBTF(name, f.base)
	if err != nil {
		return nil, err
	}
	fd, err := sys.BTFByName(name)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open BTF of module %s: %w", name, err), raw.close())
	}
	if f.modules == nil {
		f.modules = map[string]*moduleBTF{}
	}
	f.modules[name] = &moduleBTF{raw, fd}
	return f.modules[name], nil
}

func (f *btfFinder) close() error {
	var errs []error
	if f.base != nil {
		errs = append(errs, f.base.close())
	}
	for _, m := range f.modules {
		errs = append(errs, m.raw.close(), sys.Close(m.fd))
	}
	*f = btfFinder{}
	return errors.Join(errs...)
}

// openBTF maps the file when the kernel can (6.16), else reads it.
func openBTF(name string, base *rawBTF) (*rawBTF, error) {
	file, err := os.Open(kernelBTFDir + name)
	if errors.Is(err, fs.ErrNotExist) && base == nil {
		return nil, errNoBTF
	}
	if err != nil {
		return nil, fmt.Errorf("open BTF of %s: %w", name, err)
	}
	defer file.Close()
	data, done, err := sys.MapFile(file)
	if err != nil {
		return nil, fmt.Errorf("read BTF of %s: %w", name, err)
	}
	raw, err := parseBTF(data, base)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("read BTF of %s: %w", name, err), done())
	}
	raw.close = done
	return raw, nil
}

// parseBTF finds the sections of a blob (struct btf_header).
func parseBTF(data []byte, base *rawBTF) (*rawBTF, error) {
	ne := binary.NativeEndian
	if len(data) < btfHeaderLen || ne.Uint16(data) != btfMagic {
		return nil, errors.New("not BTF of this machine's byte order")
	}
	hdr := uint64(ne.Uint32(data[4:]))
	section := func(at int) ([]byte, error) {
		off, n := hdr+uint64(ne.Uint32(data[at:])), uint64(ne.Uint32(data[at+4:]))
		if off+n > uint64(len(data)) {
			return nil, errors.New("section beyond the end")
		}
		return data[off : off+n], nil
	}
	types, err := section(8)
	if err != nil {
		return nil, err
	}
	strings, err := section(16)
	if err != nil {
		return nil, err
	}
	raw := &rawBTF{types: types, strings: strings, firstID: 1}
	if base != nil {
		raw.base = base
		raw.firstID = base.firstID + base.size()
		raw.strBase = base.strBase + uint32(len(base.strings))
	}
	return raw, nil
}

// find is the id of the first type of that kind and name.
func (r *rawBTF) find(name string, kind uint32) (uint32, bool) {
	at, ok := r.str(name)
	if !ok {
		return 0, false
	}
	var found uint32
	r.walk(func(id, nameOff, k uint32) bool {
		if nameOff == at && k == kind {
			found = id
		}
		return found == 0
	})
	return found, found != 0
}

// str is the offset of a string; a split blob uses its base's where it can.
func (r *rawBTF) str(s string) (uint32, bool) {
	if r.base != nil {
		if at, ok := r.base.str(s); ok {
			return at, true
		}
	}
	at := bytes.Index(r.strings, append(append([]byte{0}, s...), 0))
	return r.strBase + uint32(at) + 1, at >= 0
}

// size is the number of types.
func (r *rawBTF) size() uint32 {
	if r.count == 0 {
		r.walk(func(uint32, uint32, uint32) bool { r.count++; return true })
	}
	return r.count
}

// walk calls f for each type until it returns false.
func (r *rawBTF) walk(f func(id, nameOff, kind uint32) bool) {
	id := r.firstID
	for t := r.types; len(t) >= 12; id++ {
		info := binary.NativeEndian.Uint32(t[4:])
		kind := info >> 24 & 31
		if !f(id, binary.NativeEndian.Uint32(t), kind) {
			return
		}
		n := 12 + tailSize(kind, info&0xffff)
		if n > len(t) {
			return
		}
		t = t[n:]
	}
}

// tailSize is the number of bytes after struct btf_type, for vlen members.
func tailSize(kind, vlen uint32) int {
	const (
		union, enum, datasec, declTag, enum64 = 5, 6, 15, 17, 19
	)
	switch kind {
	case btfInt, btfVar, declTag:
		return 4
	case btfArray:
		return 12
	case btfStruct, union, datasec, enum64:
		return 12 * int(vlen)
	case enum, btfFuncProto:
		return 8 * int(vlen)
	}
	return 0
}
