package elfload

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/btf"

	"github.com/skep-bpf/skep/internal/host/doctor"
	"github.com/skep-bpf/skep/internal/host/sys"
	"github.com/skep-bpf/skep/internal/inspect"
)

// Flags of maps (BPF_F_… of BPF_MAP_CREATE, include/uapi/linux/bpf.h).
const (
	mapReadOnlyProg = 1 << 7
	mapMmapable     = 1 << 10
	mapLink         = 1 << 13
	mapModuleValue  = 1 << 15 // BPF_F_VTYPE_BTF_OBJ_FD
)

// pinRoot is where libbpf pins maps that ask for it by their definition.
const pinRoot = "/sys/fs/bpf"

// maxMapName is the longest name that the kernel takes (BPF_OBJ_NAME_LEN - 1).
const maxMapName = 15

// Map is a map of a loaded object.
type Map struct {
	Name string // libbpf's: of data, the file's and the section's
	// PinPath is where the map's definition wants it pinned, "" for nowhere or when it was
	// found there.
	PinPath string

	key string // in the library's spec
	fd  int
	ops *structOps // nil: it's a map of another type
}

// Object is the map for those who pin it; it stays this package's to close.
func (m *Map) Object() *inspect.Object { return &inspect.Object{Kind: inspect.KindMap, FD: m.fd} }

// makeMaps makes all maps but struct_ops, or finds those that are to be used again.
func (l *loader) makeMaps() error {
	if err := l.checkReplacements(); err != nil {
		return err
	}
	for i, key := range l.file.maps {
		m := &Map{Name: l.file.mapName(key), key: key}
		spec := l.file.spec.Maps[key].Copy()
		spec.Name = m.Name
		l.file.spec.Maps[key] = spec
		if isData(key) && visible(spec.Value) {
			spec.Flags |= mapMmapable
		}
		lib, err := l.reused(m, i, spec)
		if err == nil && lib == nil {
			lib, err = l.makeMap(key, spec)
		}
		if err != nil {
			return fmt.Errorf("map %s: %w", m.Name, err)
		}
		if isData(key) {
			spec.Name = "data" // the library goes by names of sections
		}
		l.closers = append(l.closers, lib)
		l.maps[key], m.fd = lib, lib.FD()
		l.Maps = append(l.Maps, m)
	}
	return nil
}

func isData(key string) bool { return strings.HasPrefix(key, ".") }

// mapName is a map's name in libbpf's manner: a section of data is named after the file as
// far as there's room for it, one with a second dot isn't.
func (f *file) mapName(key string) string {
	if !isData(key) {
		return key
	}
	const room = 7 // kept for the section's name, whatever it is
	suffix := key[:min(len(key), maxMapName)]
	prefix := f.name[:min(len(f.name), maxMapName-max(room, len(suffix)))]
	if strings.Contains(key[1:], ".") {
		prefix = ""
	}
	return strings.Map(func(r rune) rune {
		if r == '_' || r == '.' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' {
			return r
		}
		return '_'
	}, prefix+suffix)
}

// visible reports whether a section of data has a variable that others than the programs
// may know: user space maps such sections.
func visible(value btf.Type) bool {
	ds, ok := value.(*btf.Datasec)
	return ok && slices.ContainsFunc(ds.Vars, func(v btf.VarSecinfo) bool {
		t, ok := v.Type.(*btf.Var)
		return ok && t.Linkage != btf.StaticVar
	})
}

// makeMap makes a map, and fills a section of data.
func (l *loader) makeMap(key string, spec *ebpf.MapSpec) (*ebpf.Map, error) {
	alone := spec.Copy()
	alone.Contents = nil
	m, err := ebpf.NewMap(alone)
	if err != nil {
		return nil, explainMap(spec, err)
	}
	if !isData(key) {
		return m, nil
	}
	for _, kv := range spec.Contents {
		err = errors.Join(err, m.Put(kv.Key, kv.Value))
	}
	if err == nil && spec.Flags&mapReadOnlyProg != 0 {
		err = m.Freeze()
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("write data: %w", err), m.Close())
	}
	return m, nil
}

// explainMap says why a map wasn't made.
func explainMap(spec *ebpf.MapSpec, err error) error {
	switch {
	case errors.Is(err, sys.EPERM):
		return fmt.Errorf("create: %s (%w)", doctor.Denied(), sys.Errno(sys.EPERM))
	case errors.Is(err, sys.EINVAL) && spec.MaxEntries == 0:
		return fmt.Errorf("create: it has no max_entries: the program that this object is made for sets it (%w)", sys.Errno(sys.EINVAL))
	case errors.Is(err, sys.EINVAL):
		return fmt.Errorf("create: this kernel doesn't take maps of this type, size or flags (%w)", sys.Errno(sys.EINVAL))
	}
	return err
}

// checkReplacements finds the number of each map that's told by name, and refuses
// replacements for what isn't there.
func (l *loader) checkReplacements() error {
	seen := map[int]bool{}
	for i, r := range l.opts.Replace {
		if r.Name != "" {
			r.Index = slices.IndexFunc(l.file.maps, func(key string) bool { return l.file.mapName(key) == r.Name })
		}
		if r.Index < 0 || r.Index >= len(l.file.maps) {
			var names []string
			for _, key := range l.file.maps {
				names = append(names, l.file.mapName(key))
			}
			return fmt.Errorf("replace map %s: the object has no such map; it has %s", r, strings.Join(names, ", "))
		}
		if seen[r.Index] {
			return fmt.Errorf("replace map %s: it's replaced twice", r)
		}
		seen[r.Index] = true
		l.opts.Replace[i].Index = r.Index
	}
	return nil
}

// reused is the map to use in place of a new one: a replacement of the caller's, whatever it
// is like, or one that's pinned where the definition says, which must be alike. nil: none.
func (l *loader) reused(m *Map, index int, spec *ebpf.MapSpec) (*ebpf.Map, error) {
	if i := slices.IndexFunc(l.opts.Replace, func(r Replacement) bool { return r.Index == index }); i >= 0 {
		lib, err := cloneMap(l.opts.Replace[i].FD)
		if err != nil {
			return nil, err
		}
		spec.Type, spec.KeySize, spec.ValueSize, spec.Flags = lib.Type(), lib.KeySize(), lib.ValueSize(), lib.Flags()
		spec.MaxEntries, spec.Pinning = lib.MaxEntries(), ebpf.PinNone
		return lib, nil
	}
	if spec.Pinning != ebpf.PinByName {
		return nil, nil
	}
	spec.Pinning = ebpf.PinNone
	path := filepath.Join(pinRoot, m.Name)
	fd, err := sys.ObjGet(path)
	if errors.Is(err, sys.ENOENT) {
		m.PinPath = path
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("use the map that is pinned at %s: %w", path, err)
	}
	lib, err := ebpf.NewMapFromFD(fd)
	if err == nil {
		if err = spec.Compatible(lib); err != nil {
			err = errors.Join(err, lib.Close())
		}
	}
	if err != nil {
		return nil, fmt.Errorf("use the map that is pinned at %s: %w", path, err)
	}
	return lib, nil
}

// cloneMap opens a descriptor's map once more.
func cloneMap(fd int) (*ebpf.Map, error) {
	dup, err := sys.Dup(fd)
	if err != nil {
		return nil, err
	}
	return ebpf.NewMapFromFD(dup)
}
