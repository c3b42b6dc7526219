package inspect

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"unsafe"

	"github.com/skep-bpf/skep/internal/bpf/isa"
	"github.com/skep-bpf/skep/internal/host/sys"
)

// The iterator of tasks' files finds descriptors of BPF objects by what shows their fdinfo:
// a function for each kind. The kernel exports the functions' addresses to nobody, but
// skep has descriptors of each kind itself: a first walk looks at those, a second at all.

// fileLayout are the members that the programs read.
type fileLayout struct {
	ctx                                            iterContext
	task, fd, file                                 uint32 // of struct bpf_iter__task_file
	tgid, fop, private, show                       uint32
	progAux, auxID, mapID, linkID, linkProg, btfID uint32
}

func (r *Reader) fileLayout() (*fileLayout, error) {
	btf, err := r.kernel.BTF()
	if err != nil {
		return nil, err
	}
	l := newLayout(btf)
	f := &fileLayout{
		ctx:  l.context("bpf_iter__task_file"),
		task: l.off("bpf_iter__task_file", "task"), fd: l.off("bpf_iter__task_file", "fd"), file: l.off("bpf_iter__task_file", "file"),
		tgid: l.off("task_struct", "tgid"), fop: l.off("file", "f_op"),
		private: l.off("file", "private_data"), show: l.off("file_operations", "show_fdinfo"),
		progAux: l.off("bpf_prog", "aux"), auxID: l.off("bpf_prog_aux", "id"), mapID: l.off("bpf_map", "id"),
		linkID: l.off("bpf_link", "id"), linkProg: l.off("bpf_link", "prog"), btfID: l.off("btf", "id"),
	}
	return f, l.err
}

// A record: u32 pid, fd, kind, id, program's id, 0. In the first walk u32 pid, fd, then u64
// show_fdinfo, u64 0.
const fileRecord = 24

// program writes a record for each BPF object's file. kinds is a map with the kinds' functions
// (fileKinds); while it has none, the program writes a record for each file of this process.
// r6 is the context, r7 the file, r8 the task, r9 the file's show_fdinfo, then its object.
func (f *fileLayout) program(kinds int) *assembly {
	a := newAssembly()
	a.add(isa.Mov(isa.R6, isa.R1), isa.Load(isa.SizeDW, isa.R7, isa.R6, int16(f.file)))
	a.jump(isa.JumpIfImm(isa.JmpJEQ, isa.R7, 0, 0), "out")
	a.add(isa.Load(isa.SizeDW, isa.R8, isa.R6, int16(f.task)))
	a.jump(isa.JumpIfImm(isa.JmpJEQ, isa.R8, 0, 0), "out")
	a.add(isa.Load(isa.SizeDW, isa.R9, isa.R7, int16(f.fop)))
	a.jump(isa.JumpIfImm(isa.JmpJEQ, isa.R9, 0, 0), "out")
	a.add(isa.Load(isa.SizeDW, isa.R9, isa.R9, int16(f.show)))
	a.jump(isa.JumpIfImm(isa.JmpJEQ, isa.R9, 0, 0), "out")

	a.add(isa.LoadPseudo(isa.R1, isa.PseudoMapValue, int64(uint32(kinds))))
	for k := range Kind(len(kindNames)) {
		a.add(isa.Load(isa.SizeDW, isa.R2, isa.R1, 8*int16(k)))
		a.jump(isa.JumpIf(isa.JmpJEQ, isa.R9, isa.R2, 0), kindNames[k][0])
	}
	a.add(isa.Load(isa.SizeDW, isa.R2, isa.R1, 8*int16(KindProg)))
	a.jump(isa.JumpIfImm(isa.JmpJNE, isa.R2, 0, 0), "out")
	a.add(isa.Load(isa.SizeW, isa.R1, isa.R8, int16(f.tgid)))
	a.jump(isa.JumpIfImm(isa.JmpJNE, isa.R1, int32(os.Getpid()), 0), "out")
	a.common(f, 0)
	const show, id, prog, tmp = -16, -12, -8, -32
	a.add(isa.Store(isa.SizeDW, isa.R10, show, isa.R9))
	a.jump(isa.Jump(0), "write")

	for k, off := range map[Kind]uint32{KindMap: f.mapID, KindBTF: f.btfID, KindLink: f.linkID} {
		a.label(kindNames[k][0])
		a.common(f, k)
		a.object(f)
		a.readKernel(id, 4, isa.R9, off)
		if k == KindLink {
			a.readKernel(tmp, 8, isa.R9, f.linkProg)
			a.progID(f, tmp, prog)
		}
		a.jump(isa.Jump(0), "write")
	}
	a.label(kindNames[KindProg][0])
	a.common(f, KindProg)
	a.object(f)
	a.add(isa.Store(isa.SizeDW, isa.R10, tmp, isa.R9))
	a.progID(f, tmp, id)
	a.label("write")
	a.seq(f.ctx, isa.R1)
	a.add(isa.MovImm(isa.R3, fileRecord))
	a.seqWrite(-fileRecord)
	a.label("out")
	a.add(isa.MovImm(isa.R0, 0), isa.Exit())
	return a
}

// common fills in a record's start.
func (a *assembly) common(f *fileLayout, k Kind) {
	a.add(isa.StoreImm(isa.SizeDW, isa.R10, -8, 0), isa.StoreImm(isa.SizeDW, isa.R10, -16, 0),
		isa.StoreImm(isa.SizeDW, isa.R10, -32, 0),
		isa.StoreImm(isa.SizeW, isa.R10, -16, int32(k)),
		isa.Load(isa.SizeW, isa.R1, isa.R8, int16(f.tgid)), isa.Store(isa.SizeW, isa.R10, -24, isa.R1),
		isa.Load(isa.SizeW, isa.R1, isa.R6, int16(f.fd)), isa.Store(isa.SizeW, isa.R10, -20, isa.R1))
}

// object loads the file's object.
func (a *assembly) object(f *fileLayout) {
	a.add(isa.Load(isa.SizeDW, isa.R9, isa.R7, int16(f.private)))
}

// progID reads the id of the program whose address is on the stack; tmp is spoilt.
func (a *assembly) progID(f *fileLayout, tmp, to int16) {
	a.add(isa.Load(isa.SizeDW, isa.R9, isa.R10, tmp))
	a.readKernel(tmp, 8, isa.R9, f.progAux)
	a.add(isa.Load(isa.SizeDW, isa.R9, isa.R10, tmp))
	a.readKernel(to, 4, isa.R9, f.auxID)
}

// fileKinds is the value of the map that tells the program the address of each kind's
// function.
type fileKinds [KindLink + 1]uint64

// fileWalk finds all descriptors of BPF objects in all processes. skep's own for this walk are
// left out. The caller closes it.
type fileWalk struct {
	it    *iterator
	kinds int // the map with fileKinds
}

// newFileWalk loads a walk's program.
func (r *Reader) newFileWalk() (*fileWalk, error) {
	f, err := r.fileLayout()
	if err != nil {
		return nil, err
	}
	kinds, err := r.newScratch(mapArray, uint32(unsafe.Sizeof(fileKinds{})))
	if err != nil {
		return nil, err
	}
	it, err := r.loadIterator("task_file", f.program(kinds), os.Getpid())
	if err != nil {
		return nil, errors.Join(err, sys.Close(kinds))
	}
	return &fileWalk{it, kinds}, nil
}

// iterateFiles finds all descriptors of BPF objects in all processes.
func (r *Reader) iterateFiles() (found []Holding, err error) {
	w, err := r.newFileWalk()
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, w.Close()) }()
	return w.run()
}

func (w *fileWalk) Close() error { return errors.Join(w.it.Close(), sys.Close(w.kinds)) }

// run walks once.
func (w *fileWalk) run() (found []Holding, err error) {
	shows, err := w.showFunctions()
	if err != nil {
		return nil, err
	}
	value, err := binary.Append(nil, binary.NativeEndian, shows)
	if err != nil {
		return nil, err
	}
	if err := sys.MapUpdate(w.kinds, make([]byte, 4), value); err != nil {
		return nil, fmt.Errorf("update map: %w", err)
	}
	// The first walk's link keeps to this process.
	if err := w.it.relink(); err != nil {
		return nil, err
	}
	own := map[int]bool{w.it.prog: true, w.it.link: true, w.kinds: true}
	pid := uint32(os.Getpid())
	err = w.each(func(rec []byte) {
		word := func(i int) uint32 { return binary.NativeEndian.Uint32(rec[4*i:]) }
		if word(0) != pid || !own[int(word(1))] {
			found = append(found, Holding{PID: int(word(0)), FD: int(word(1)), Kind: Kind(word(2)), ID: word(3), Prog: word(4)})
		}
	})
	return found, err
}

// each calls f with each record of a walk.
func (w *fileWalk) each(f func(rec []byte)) error {
	return w.it.run(func(data []byte) (taken int) {
		for ; len(data)-taken >= fileRecord; taken += fileRecord {
			f(data[taken : taken+fileRecord])
		}
		return taken
	})
}

// showFunctions finds the address of each kind's function by descriptors of its own, those
// of the walk and one of BTF.
func (w *fileWalk) showFunctions() (*fileKinds, error) {
	own := map[int]Kind{w.it.prog: KindProg, w.it.link: KindLink, w.kinds: KindMap}
	if id, err := sys.NextID(KindBTF, 0); err == nil {
		if fd, err := open(KindBTF, id); err == nil {
			defer sys.Close(fd)
			own[fd] = KindBTF
		}
	}
	shows := new(fileKinds)
	err := w.each(func(rec []byte) {
		if k, ok := own[int(binary.NativeEndian.Uint32(rec[4:]))]; ok {
			shows[k] = binary.NativeEndian.Uint64(rec[8:])
		}
	})
	if err == nil && shows[KindProg] == 0 {
		err = fmt.Errorf("find the functions that show BPF objects: %w", fs.ErrNotExist)
	}
	return shows, err
}
