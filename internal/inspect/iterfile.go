package inspect

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"

	"github.com/skep-bpf/skep/internal/bpf/isa"
	"github.com/skep-bpf/skep/internal/host/sys"
)

// The iterator of tasks' files finds descriptors of BPF objects by what shows their fdinfo:
// a function for each kind. The kernel exports the functions' addresses to nobody, but
// skep has descriptors of each kind itself: a first walk looks at those.

// Offsets in struct bpf_iter__task_file (kernel/bpf/task_iter.c).
const (
	fileCtxTask = 8
	fileCtxFD   = 16
	fileCtxFile = 24
)

// fileLayout are the members that the programs read.
type fileLayout struct {
	seq, tgid, fop, private, show                  uint32
	progAux, auxID, mapID, linkID, linkProg, btfID uint32
}

func (r *Reader) fileLayout() (*fileLayout, error) {
	btf, err := r.kernel.BTF()
	if err != nil {
		return nil, err
	}
	l := &layout{btf: btf}
	f := &fileLayout{
		seq: l.off("bpf_iter_meta", "seq"), tgid: l.off("task_struct", "tgid"), fop: l.off("file", "f_op"),
		private: l.off("file", "private_data"), show: l.off("file_operations", "show_fdinfo"),
		progAux: l.off("bpf_prog", "aux"), auxID: l.off("bpf_prog_aux", "id"), mapID: l.off("bpf_map", "id"),
		linkID: l.off("bpf_link", "id"), linkProg: l.off("bpf_link", "prog"), btfID: l.off("btf", "id"),
	}
	return f, l.err
}

// begin is the start of both programs: r6 context, r7 file, r8 task, r9 the file's
// show_fdinfo; without a file it jumps to "out".
func (f *fileLayout) begin(a *assembly) {
	a.add(isa.Mov(isa.R6, isa.R1), isa.Load(isa.SizeDW, isa.R7, isa.R6, fileCtxFile))
	a.jump(isa.JumpIfImm(isa.JmpJEQ, isa.R7, 0, 0), "out")
	a.add(isa.Load(isa.SizeDW, isa.R8, isa.R6, fileCtxTask))
	a.jump(isa.JumpIfImm(isa.JmpJEQ, isa.R8, 0, 0), "out")
	a.add(isa.Load(isa.SizeDW, isa.R9, isa.R7, int16(f.fop)))
	a.jump(isa.JumpIfImm(isa.JmpJEQ, isa.R9, 0, 0), "out")
	a.add(isa.Load(isa.SizeDW, isa.R9, isa.R9, int16(f.show)))
}

func (f *fileLayout) end(a *assembly) {
	a.label("out")
	a.add(isa.MovImm(isa.R0, 0), isa.Exit())
}

// A record of the first walk: u64 show_fdinfo, u32 fd, u32 0. Of the second: u32 pid, fd,
// kind, id, program's id, 0.
const (
	probeRecord = 16
	fileRecord  = 24
)

// probeProgram writes a record for each file of this process.
func (f *fileLayout) probeProgram() *assembly {
	a := newAssembly()
	f.begin(a)
	a.add(isa.Load(isa.SizeW, isa.R1, isa.R8, int16(f.tgid)))
	a.jump(isa.JumpIfImm(isa.JmpJNE, isa.R1, int32(os.Getpid()), 0), "out")
	a.add(isa.Store(isa.SizeDW, isa.R10, -16, isa.R9), isa.Load(isa.SizeW, isa.R1, isa.R6, fileCtxFD),
		isa.Store(isa.SizeDW, isa.R10, -8, isa.R1))
	a.seqWrite(isa.R6, f.seq, -probeRecord, probeRecord)
	f.end(a)
	return a
}

// fileProgram writes a record for each BPF object's file; shows are the kinds' functions.
func (f *fileLayout) fileProgram(shows map[Kind]uint64) *assembly {
	a := newAssembly()
	f.begin(a)
	// r9 becomes the kind's object.
	for k := range Kind(len(kindNames)) {
		if shows[k] != 0 {
			a.add(isa.LoadImm64(isa.R2, int64(shows[k])))
			a.jump(isa.JumpIf(isa.JmpJEQ, isa.R9, isa.R2, 0), kindNames[k][0])
		}
	}
	a.jump(isa.Jump(0), "out")
	const id, prog, tmp = -12, -8, -32
	for k, off := range map[Kind]uint32{KindMap: f.mapID, KindBTF: f.btfID, KindLink: f.linkID} {
		a.label(kindNames[k][0])
		a.common(f, k)
		a.readKernel(id, 4, isa.R9, off)
		if k == KindLink {
			a.readKernel(tmp, 8, isa.R9, f.linkProg)
			a.progID(f, tmp, prog)
		}
		a.jump(isa.Jump(0), "write")
	}
	a.label(kindNames[KindProg][0])
	a.common(f, KindProg)
	a.add(isa.Store(isa.SizeDW, isa.R10, tmp, isa.R9))
	a.progID(f, tmp, id)
	a.label("write")
	a.seqWrite(isa.R6, f.seq, -fileRecord, fileRecord)
	f.end(a)
	return a
}

// common fills in a record's start and loads the file's object.
func (a *assembly) common(f *fileLayout, k Kind) {
	a.add(isa.StoreImm(isa.SizeDW, isa.R10, -8, 0), isa.StoreImm(isa.SizeDW, isa.R10, -16, 0),
		isa.StoreImm(isa.SizeDW, isa.R10, -32, 0),
		isa.StoreImm(isa.SizeW, isa.R10, -16, int32(k)),
		isa.Load(isa.SizeW, isa.R1, isa.R8, int16(f.tgid)), isa.Store(isa.SizeW, isa.R10, -24, isa.R1),
		isa.Load(isa.SizeW, isa.R1, isa.R6, fileCtxFD), isa.Store(isa.SizeW, isa.R10, -20, isa.R1),
		isa.Load(isa.SizeDW, isa.R9, isa.R7, int16(f.private)))
}

// progID reads the id of the program whose address is on the stack; tmp is spoilt.
func (a *assembly) progID(f *fileLayout, tmp, to int16) {
	a.add(isa.Load(isa.SizeDW, isa.R9, isa.R10, tmp))
	a.readKernel(tmp, 8, isa.R9, f.progAux)
	a.add(isa.Load(isa.SizeDW, isa.R9, isa.R10, tmp))
	a.readKernel(to, 4, isa.R9, f.auxID)
}

// iterateFiles finds all descriptors of BPF objects in all processes. skep's own for this
// walk are left out.
func (r *Reader) iterateFiles() (found []Holding, err error) {
	f, err := r.fileLayout()
	if err != nil {
		return nil, err
	}
	shows, own, err := r.showFunctions(f)
	if err != nil {
		return nil, err
	}
	it, err := r.loadIterator("task_file", f.fileProgram(shows), 0)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, it.Close()) }()
	own[it.prog], own[it.link] = true, true
	pid := uint32(os.Getpid())
	err = it.run(fileRecord, func(rec []byte) bool {
		w := func(i int) uint32 { return binary.NativeEndian.Uint32(rec[4*i:]) }
		if w(0) != pid || !own[int(w(1))] {
			found = append(found, Holding{PID: int(w(0)), FD: int(w(1)), Kind: Kind(w(2)), ID: w(3), Prog: w(4)})
		}
		return true
	})
	return found, err
}

// mapArraySize is the value of the map that is made to have one.
const mapArraySize = 8

// showFunctions finds the address of each kind's function by descriptors of its own, which
// are closed in the end; own are the numbers that they had.
func (r *Reader) showFunctions(f *fileLayout) (shows map[Kind]uint64, own map[int]bool, err error) {
	it, err := r.loadIterator("task_file", f.probeProgram(), os.Getpid())
	if err != nil {
		return nil, nil, err
	}
	defer func() { err = errors.Join(err, it.Close()) }()
	kinds := map[int]Kind{it.prog: KindProg, it.link: KindLink}
	m, err := sys.MapCreate(&sys.MapCreateAttr{Type: mapArray, KeySize: 4, ValueSize: mapArraySize, MaxEntries: 1})
	if err != nil {
		return nil, nil, fmt.Errorf("create map: %w", err)
	}
	defer sys.Close(m)
	kinds[m] = KindMap
	for id, err := range r.IDs(KindBTF) {
		if err != nil {
			return nil, nil, err
		}
		fd, err := open(KindBTF, id)
		if err != nil {
			continue
		}
		defer sys.Close(fd)
		kinds[fd] = KindBTF
		break
	}
	shows = map[Kind]uint64{}
	err = it.run(probeRecord, func(rec []byte) bool {
		if k, ok := kinds[int(binary.NativeEndian.Uint32(rec[8:]))]; ok {
			shows[k] = binary.NativeEndian.Uint64(rec)
		}
		return true
	})
	own = map[int]bool{}
	return shows, own, err
}
