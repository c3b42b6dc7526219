package exe

import (
	"debug/elf"
	"path"

	"github.com/skep-bpf/skep/internal/host/srcline"
)

// Frames is where an address of the binary comes from in the source, by its debug
// information or by Go's own tables: functions that were inlined there first, the function
// itself last. None: nothing is known about it.
func (f *File) Frames(addr uint64) []srcline.Frame {
	if g := f.goLines(); g != nil {
		if frames := g.Frames(addr); len(frames) > 0 {
			return frames
		}
	}
	if r := f.sourceLines(); r != nil {
		return r.Frames(addr)
	}
	return nil
}

// withDWARF is the file that has the debug information, this or the separate one; nil: none.
func (f *File) withDWARF() *File {
	for _, g := range []*File{f, f.debugFile()} {
		if g != nil && (g.ELF.Section(".debug_info") != nil || g.ELF.Section(".zdebug_info") != nil) {
			return g
		}
	}
	return nil
}

// sourceLines reads DWARF, or is nil without it.
func (f *File) sourceLines() *srcline.Reader {
	g := f.withDWARF()
	if g == nil {
		return nil
	}
	if g.lines == nil {
		g.lines = srcline.New(srcline.Config{
			Order: g.ELF.ByteOrder, Sections: g.debugSection, Split: f.splitUnit,
			Package:    func() srcline.Sections { return f.partOf(f.Path + ".dwp") },
			Supplement: g.supplement,
		}, &f.all.decoded)
	}
	return g.lines
}

// partOf is the debug sections of another file that belongs to binaries. It stays open as
// long as they may.
func (f *File) partOf(name string) srcline.Sections {
	g, err := f.all.Open(name)
	if err != nil {
		return nil
	}
	return g.debugSection
}

// splitUnit opens a .dwo file: where the compiler put it, else beside the binary or where
// the separate debug files are.
func (f *File) splitUnit(name, compDir string) srcline.Sections {
	root, own := splitRoot(f.Path)
	full := name
	if !path.IsAbs(name) {
		full = path.Join(compDir, name)
	}
	places := []string{full, path.Join(path.Dir(own), path.Base(name))}
	for _, d := range f.all.DebugDirs {
		if !path.IsAbs(d) {
			d = path.Join(path.Dir(own), d)
		}
		places = append(places, path.Join(d, path.Base(name)))
	}
	for _, p := range places {
		if s := f.partOf(root + p); s != nil {
			return s
		}
	}
	return nil
}

// supplement is the file with what dwz took out of several binaries, by .gnu_debugaltlink:
// a path, from the folder of this file, and a build id.
func (f *File) supplement() srcline.Sections {
	data := f.section(f.ELF.Section(".gnu_debugaltlink"))
	name := cString(data, 0)
	if name == "" {
		return nil
	}
	root, own := splitRoot(f.Path)
	if !path.IsAbs(name) {
		name = path.Join(path.Dir(own), name)
	}
	// Behind a process's root it's gone when the process is; the build id tells it's the one.
	for _, p := range []string{root + name, name} {
		if g, err := f.all.Open(p); err == nil && string(g.BuildID()) == string(data[len(cString(data, 0))+1:]) {
			return g.debugSection
		}
	}
	return nil
}

// maxPlain bounds the debug sections that are kept uncompressed, in bytes of all files.
const maxPlain = 512 << 20

// debugSection is a debug section, by its name without the dot, uncompressed. One that's
// stored so is the file's own memory.
func (f *File) debugSection(name string) []byte {
	s := f.ELF.Section("." + name)
	if s == nil || s.Flags&elf.SHF_COMPRESSED == 0 {
		return f.section(s)
	}
	if b, ok := f.plain[name]; ok {
		return b
	}
	if f.plain == nil {
		f.plain = map[string][]byte{}
	}
	f.plain[name] = nil
	if s.Size > uint64(maxPlain-f.all.plainSize) {
		return nil
	}
	b, err := s.Data()
	if err != nil {
		return nil // damaged: as if it weren't there
	}
	f.plain[name] = b
	f.all.plainSize += len(b)
	return b
}

// dropLines gives back what Frames has read of the file.
func (f *File) dropLines() {
	if f.lines != nil {
		f.all.decoded.Drop(f.lines)
	}
	for _, b := range f.plain {
		f.all.plainSize -= len(b)
	}
	f.lines, f.plain, f.goTab, f.goLooked = nil, nil, nil, false
}

// goLines is the table of a Go binary, or nil.
func (f *File) goLines() *srcline.GoTable {
	if f.goLooked {
		return f.goTab
	}
	f.goLooked = true
	table := f.goTable()
	data := f.section(table)
	if data == nil {
		return nil
	}
	text, funcs, ok := f.goModule(table.Addr)
	if !ok {
		return nil
	}
	f.goTab = srcline.NewGoTable(data, f.ELF.ByteOrder, text, f.bytesAt(funcs))
	return f.goTab
}

// goModule tells where Go's code begins and where go:func.* is: by symbols, else by the
// runtime's own notes, else, without go:func.*, by the sections.
func (f *File) goModule(table uint64) (text, funcs uint64, ok bool) {
	f.Symbols(func(s Symbol) bool {
		switch s.Name {
		case "runtime.text":
			text = s.Addr
		case "go:func.*":
			funcs = s.Addr
		}
		return text == 0 || funcs == 0
	})
	if text != 0 {
		return text, funcs, true
	}
	for _, name := range []string{".go.module", ".noptrdata", ".data"} {
		if text, funcs, ok = srcline.GoModule(f.section(f.ELF.Section(name)), f.ELF.ByteOrder, table); ok {
			return text, funcs, true
		}
	}
	sure := false
	f.goFuncs(func(Symbol) bool { sure = true; return false })
	if !sure {
		return 0, 0, false
	}
	return goText(f.section(f.goTable()), f.ELF.ByteOrder, f.ELF.Section(".text").Addr), 0, true
}

// bytesAt is what the file has from an address on, to the end of its segment.
func (f *File) bytesAt(addr uint64) []byte {
	for _, p := range f.ELF.Progs {
		if p.Type == elf.PT_LOAD && addr >= p.Vaddr && addr-p.Vaddr < p.Filesz && p.Off+p.Filesz <= uint64(len(f.data)) {
			return f.data[p.Off+addr-p.Vaddr : p.Off+p.Filesz]
		}
	}
	return nil
}
