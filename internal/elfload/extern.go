package elfload

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/btf"

	"github.com/skep-bpf/skep/internal/host/kern"
	"github.com/skep-bpf/skep/internal/host/sys"
)

// The section of externs for the kernel's configuration, and what it's called in the copy
// that the library reads, so that it leaves these externs alone.
const (
	kconfigSection = ".kconfig"
	hiddenKconfig  = ".Kconfig"
)

// pseudoBTFID marks an instruction that loads a kernel variable's address
// (BPF_PSEUDO_BTF_ID, include/uapi/linux/bpf.h).
const pseudoBTFID = asm.R3

// untypeSymbols makes kernel variables void, as the library wants them.
func (f *file) untypeSymbols(section kern.Type) {
	for _, v := range section.Vars() {
		if v.Var.Kind() == kern.KindVar {
			f.typed[v.Var.Name()] = v.Var.Ref().Unqualified().Kind() != kern.KindVoid
			const typ = 8 // struct btf_type's
			binary.NativeEndian.PutUint32(v.Var.Record()[typ:], 0)
		}
	}
}

// hideConfig lays the section of configuration externs out, as a section of data, under
// another name.
func (f *file) hideConfig(section kern.Type, raw []byte) error {
	vars := section.Vars()
	if slices.ContainsFunc(vars, func(v kern.SecVar) bool { return v.Var.Kind() != kern.KindVar }) {
		return fmt.Errorf("section %s: what isn't a variable is in it: %w", kconfigSection, kern.ErrBadBTF)
	}
	// libbpf's order: what is aligned most, then what is smallest, then by name.
	slices.SortFunc(vars, func(a, b kern.SecVar) int {
		if x, y := a.Var.Ref().Align(), b.Var.Ref().Align(); x != y {
			return int(y) - int(x)
		}
		if x, y := a.Var.Size(), b.Var.Size(); x != y {
			return int(x) - int(y)
		}
		return strings.Compare(a.Var.Name(), b.Var.Name())
	})
	rec, end := section.Record(), uint32(0)
	const head, each, linkage = 12, 12, 12 // struct btf_type, btf_var_secinfo; btf_var's
	for i, v := range vars {
		align := v.Var.Ref().Align()
		end = (end + align - 1) / align * align
		at := rec[head+i*each:]
		binary.NativeEndian.PutUint32(at, uint32(v.Var.ID))
		binary.NativeEndian.PutUint32(at[4:], end)
		binary.NativeEndian.PutUint32(at[8:], v.Var.Size())
		binary.NativeEndian.PutUint32(v.Var.Record()[linkage:], uint32(btf.GlobalVar))
		end += v.Var.Size()
	}
	binary.NativeEndian.PutUint32(rec[8:], end)
	word := func(i int) uint32 { return binary.NativeEndian.Uint32(raw[i:]) }
	copy(raw[word(4)+word(16)+binary.NativeEndian.Uint32(rec):], hiddenKconfig)
	return nil
}

// resolveExterns finds what the object takes from the kernel: its configuration, typed
// variables and functions.
func (l *loader) resolveExterns() error {
	if l.file.types == nil {
		return nil
	}
	offsets, err := l.configMap()
	if err != nil {
		return err
	}
	vars, err := l.kernelVars()
	if err != nil {
		return err
	}
	for _, p := range l.file.spec.Programs {
		for i := range p.Instructions {
			ins := &p.Instructions[i]
			if !ins.OpCode.IsDWordLoad() || ins.Src != 0 {
				continue
			}
			name := ins.Reference()
			if off, ok := offsets[name]; ok {
				*ins = replaced(*ins, asm.PseudoMapValue, int64(off)<<32).WithReference(kconfigSection)
			} else if v, ok := vars[name]; ok {
				src := pseudoBTFID
				if v == 0 {
					src = 0 // weak, and not there: its address is 0
				}
				*ins = replaced(*ins, src, v)
			}
		}
	}
	return nil
}

// replaced is a wide load of something else at the place of another.
func replaced(ins asm.Instruction, src asm.Register, constant int64) asm.Instruction {
	n := asm.Instruction{OpCode: ins.OpCode, Dst: ins.Dst, Src: src, Constant: constant}
	if s := ins.Symbol(); s != "" {
		n = n.WithSymbol(s)
	}
	if s := ins.Source(); s != nil {
		n = n.WithSource(s)
	}
	if fn := btf.FuncMetadata(&ins); fn != nil {
		n = btf.WithFuncMetadata(n, fn)
	}
	return n
}

// configMap makes the map of configuration externs part of the object, and returns their
// offsets.
func (l *loader) configMap() (map[string]uint32, error) {
	var section *btf.Datasec
	if err := l.file.spec.Types.TypeByName(hiddenKconfig, &section); err != nil {
		return nil, nil // there are none
	}
	section = btf.Copy(section).(*btf.Datasec)
	section.Name = kconfigSection
	var options []string
	offsets := map[string]uint32{}
	for _, v := range section.Vars {
		name := v.Type.TypeName()
		offsets[name] = v.Offset
		if !strings.HasPrefix(name, "LINUX_") {
			options = append(options, name)
		}
	}
	config := map[string]string{}
	if len(options) > 0 {
		var err error
		if config, err = l.kernel.Config(options...); err != nil && !l.allWeak(options) {
			return nil, fmt.Errorf("resolve externs: %w", err)
		}
	}
	data := make([]byte, section.Size)
	for _, v := range section.Vars {
		name := v.Type.TypeName()
		value, err := l.configValue(name, config)
		if err == nil {
			err = putConfig(data[v.Offset:v.Offset+v.Size], v.Type.(*btf.Var).Type, value)
		}
		if err != nil {
			return nil, fmt.Errorf("resolve extern %s: %w", name, err)
		}
	}
	l.file.spec.Maps[kconfigSection] = &ebpf.MapSpec{Name: kconfigSection, Type: ebpf.Array, KeySize: 4, ValueSize: section.Size,
		MaxEntries: 1, Flags: mapReadOnlyProg, Key: &btf.Void{}, Value: section, Contents: []ebpf.MapKV{{Key: uint32(0), Value: data}}}
	l.file.maps = append(l.file.maps, kconfigSection)
	return offsets, nil
}

func (l *loader) allWeak(names []string) bool {
	return !slices.ContainsFunc(names, func(n string) bool { return !l.file.weak[n] })
}

// configValue is the text of an option, or of one of libbpf's own; "" of a weak one that isn't set.
func (l *loader) configValue(name string, config map[string]string) (string, error) {
	version, err := l.kernel.Version()
	if err != nil {
		return "", err
	}
	yes := func(is bool) string {
		if is {
			return "1"
		}
		return "0"
	}
	switch name {
	case "LINUX_KERNEL_VERSION":
		return strconv.FormatUint(uint64(version), 10), nil
	case "LINUX_HAS_BPF_COOKIE":
		return yes(version >= kern.MakeVersion(5, 15, 0)), nil
	case "LINUX_HAS_SYSCALL_WRAPPER":
		return yes(version >= kern.MakeVersion(4, 17, 0)), nil // x86-64, and arm64 soon after
	}
	value := config[name]
	if value == "" && !l.file.weak[name] {
		return "", errors.New("this kernel's configuration hasn't got it")
	}
	return value, nil
}

// putConfig writes an option's value as the extern's type wants it. A bool takes y, an enum
// (libbpf_tristate) y, m and n as 1, 2 and 0, a char the letter, an array of char a string.
func putConfig(to []byte, t btf.Type, value string) error {
	if value == "" {
		return nil
	}
	answer := value == "y" || value == "m" || value == "n"
	switch t := btf.UnderlyingType(t).(type) {
	case *btf.Enum:
		if answer {
			return putInt(to, uint64(strings.Index("nym", value)))
		}
	case *btf.Array:
		copy(to[:len(to)-1], value)
		return nil
	case *btf.Int:
		switch {
		case answer && t.Encoding == btf.Bool && value != "m":
			return putInt(to, uint64(strings.Index("ny", value)))
		case answer && t.Size == 1 && t.Encoding != btf.Bool:
			to[0] = value[0]
			return nil
		case answer:
			return fmt.Errorf("its value %s doesn't go into a %s", value, t.Name)
		}
		n, err := strconv.ParseInt(value, 0, 64)
		if err != nil {
			var u uint64
			if u, err = strconv.ParseUint(value, 0, 64); err != nil {
				return fmt.Errorf("its value %q isn't a number", value)
			}
			n = int64(u)
		}
		bits := 8 * uint(t.Size)
		fits := bits == 64 || t.Encoding != btf.Signed && uint64(n)>>bits == 0 || t.Encoding == btf.Signed && n>>(bits-1) == n>>63
		if !fits || t.Encoding == btf.Bool && n != 0 && n != 1 {
			return fmt.Errorf("its value %s doesn't go into %d bytes", value, t.Size)
		}
		return putInt(to, uint64(n))
	}
	return fmt.Errorf("its value %q doesn't go into its type", value)
}

// putInt writes an integer of 1, 2, 4 or 8 bytes.
func putInt(to []byte, n uint64) error {
	switch len(to) {
	case 1:
		to[0] = byte(n)
	case 2:
		binary.NativeEndian.PutUint16(to, uint16(n))
	case 4:
		binary.NativeEndian.PutUint32(to, uint32(n))
	case 8:
		binary.NativeEndian.PutUint64(to, n)
	default:
		return fmt.Errorf("integers of %d bytes aren't known", len(to))
	}
	return nil
}

// kernelVars are the constants that load the addresses of typed variables and of functions:
// the id, and above it the descriptor of its module's types; 0 of weak ones that aren't there.
func (l *loader) kernelVars() (map[string]int64, error) {
	section, ok := l.file.types.FindOwn(".ksyms", kern.KindDatasec)
	if !ok {
		return nil, nil
	}
	vars := map[string]int64{}
	for _, v := range section.Vars() {
		name, kind := v.Var.Name(), v.Var.Kind()
		if kind == kern.KindVar && !l.file.typed[name] {
			continue // the library's: by /proc/kallsyms
		}
		t, err := l.findType(name, kind)
		if errors.Is(err, errNoType) && l.file.weak[name] {
			vars[name] = 0
			continue
		}
		if err != nil {
			what := "variable"
			if kind == kern.KindFunc {
				what = "function that programs may call"
			}
			return nil, fmt.Errorf("resolve extern %s: this kernel has no such %s: %w", name, what, err)
		}
		fd, err := l.moduleFD(t)
		if err != nil {
			return nil, fmt.Errorf("resolve extern %s: %w", name, err)
		}
		vars[name] = int64(fd)<<32 | int64(t.ID)
	}
	return vars, nil
}

var errNoType = errors.New("neither the kernel's types nor its modules' have it")

// findType finds a type of the kernel or of a module.
func (l *loader) findType(name string, kind kern.TypeKind) (kern.Type, error) {
	all, err := l.kernel.BTFs(func(string) bool { return true })
	if err != nil {
		return kern.Type{}, err
	}
	for b := range all {
		if t, ok := b.FindOwn(name, kind); ok {
			return t, nil
		}
	}
	return kern.Type{}, errNoType
}

// moduleFD is the descriptor of the module's types that a type is of, until the object is
// closed; 0 for the kernel's own.
func (l *loader) moduleFD(t kern.Type) (int, error) {
	name := t.BTF().Name
	if name == "vmlinux" {
		return 0, nil
	}
	fd, err := sys.BTFByName(name)
	if err != nil {
		return 0, fmt.Errorf("open types of module %s: %w", name, err)
	}
	l.closers = append(l.closers, descriptor(fd))
	return fd, nil
}

// descriptor is an open file descriptor.
type descriptor int

// Close closes it.
func (d descriptor) Close() error { return sys.Close(int(d)) }
