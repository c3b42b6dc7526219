package kernel

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"runtime"
	"slices"
	"strings"
	"unsafe"

	"github.com/skep-bpf/skep/internal/bpf/isa"
	"github.com/skep-bpf/skep/internal/bpf/object"
	"github.com/skep-bpf/skep/internal/host/kern"
	"github.com/skep-bpf/skep/internal/host/sys"
)

// program is a loaded program. The session closes fd.
type program struct {
	index      int
	obj        *object.Program
	fd         int
	attachType uint32 // expected_attach_type that it was loaded with
	iter       int    // descriptor of an iterator's walk, which the session closes; 0: none
}

// Program types (enum bpf_prog_type).
const (
	progKprobe        = 2
	progTracepoint    = 5
	progPerfEvent     = 7
	progRawTracepoint = 17
	progTracing       = 26
	progLSM           = 29
)

// Attach types (enum bpf_attach_type).
const (
	attachRawTP         = 23
	attachFentry        = 24
	attachFexit         = 25
	attachModRet        = 26
	attachLSM           = 27
	attachIter          = 28
	attachPerfEvent     = 41
	attachKprobeMulti   = 42
	attachKprobeSession = 56
	attachUprobeMulti   = 48
)

// progSleepable is BPF_F_SLEEPABLE.
const progSleepable = 1 << 4

// loadProgram loads p, expecting to be attached as attachType. The log is asked for only
// when the kernel has refused, since writing it costs more than the verification.
func (s *session) loadProgram(index int, p *object.Program, info *btfInfo, attachType uint32) (*program, error) {
	code, fds, err := s.link(p)
	if err != nil {
		return nil, fmt.Errorf("link program %s: %w", p.Name, err)
	}
	license, name := append([]byte(s.obj.License), 0), sys.ObjName(p.Name)
	attr := sys.ProgLoadAttr{
		Type: p.ProgType, InsnCnt: uint32(len(code) / isa.SlotSize),
		Insns: unsafe.Pointer(&code[0]), License: unsafe.Pointer(&license[0]),
		KernVersion: uint32(s.version), Name: name, ExpectedAttachType: attachType,
	}
	if p.Sleepable {
		attr.Flags |= progSleepable
	}
	if info != nil {
		attr.BTFFD = uint32(s.btf)
		f, l := info.progs[index].funcs, info.progs[index].lines
		attr.FuncInfoRecSize, attr.FuncInfoCnt, attr.FuncInfo = funcInfoSize, uint32(len(f)/funcInfoSize), unsafe.Pointer(unsafe.SliceData(f))
		attr.LineInfoRecSize, attr.LineInfoCnt, attr.LineInfo = lineInfoSize, uint32(len(l)/lineInfoSize), unsafe.Pointer(unsafe.SliceData(l))
	}
	if len(fds) > 0 {
		attr.FDArray = unsafe.Pointer(&fds[0])
	}
	if p.AttachTo != "" {
		id, fd, err := s.attachTarget(p)
		if err != nil {
			return nil, err
		}
		attr.AttachBTFID, attr.AttachBTFObjFD = id, uint32(fd)
	}
	if s.opt.Verbose >= 2 {
		attr.LogLevel = 1
	}
	fd, log, err := loadLogged(&attr)
	if err != nil && attr.LogLevel == 0 {
		attr.LogLevel = 1
		fd, log, err = loadLogged(&attr)
	}
	runtime.KeepAlive(code)
	if err != nil {
		return nil, s.refused(p, log, err)
	}
	if log != "" && s.opt.Verbose >= 2 {
		s.opt.Logf("verifier log of %s:\n%s", p.Name, log)
	}
	return &program{index: index, obj: p, fd: fd, attachType: attachType}, nil
}

// Sizes of the verifier's log: the first try and the kernel's limit of old.
const (
	logSize    = 1 << 18
	logSizeMax = 1<<24 - 1
)

// loadLogged loads with a log that grows until it holds everything.
func loadLogged(attr *sys.ProgLoadAttr) (fd int, log string, err error) {
	if attr.LogLevel == 0 {
		fd, err = sys.ProgLoad(attr)
		return fd, "", err
	}
	for size := uint32(logSize); ; size = min(max(size*4, attr.LogTrueSize), logSizeMax) {
		buf := make([]byte, size)
		attr.LogBuf, attr.LogSize = unsafe.Pointer(&buf[0]), size
		fd, err = sys.ProgLoad(attr)
		if errors.Is(err, sys.ENOSPC) && size < logSizeMax {
			continue
		}
		n := slices.Index(buf, 0)
		if n < 0 {
			n = len(buf)
		}
		return fd, string(buf[:n]), err
	}
}

// link resolves p's relocations and encodes it. fds are descriptors of BTF objects
// that its kernel function calls refer to by index; index 0 is vmlinux.
func (s *session) link(p *object.Program) (code []byte, fds []uint32, err error) {
	insns := slices.Clone(p.Insns)
	slots := slotsOf(insns)
	for _, r := range p.Relocs {
		in := &insns[r.Insn]
		switch r.Kind {
		case object.RelocMap:
			in.Src, in.Imm = isa.PseudoMapFD, int64(s.maps[r.Index].fd)
		case object.RelocMapValue:
			in.Src, in.Imm = isa.PseudoMapValue, in.Imm<<32|int64(s.maps[r.Index].fd)
		case object.RelocFunc:
			in.Imm = int64(slots[p.Funcs[r.Index].Insn] - slots[r.Insn] - 1)
			in.Src = isa.PseudoCall
			if in.Wide() {
				in.Src = isa.PseudoFunc
				in.Imm &= 1<<32 - 1
			}
		case object.RelocKfunc, object.RelocKsym:
			if fds, err = s.linkKernel(in, r, fds); err != nil {
				return nil, nil, err
			}
		default:
			panic(fmt.Sprintf("BUG: relocation kind %d", r.Kind))
		}
	}
	code, err = isa.Encode(insns, binary.NativeEndian)
	return code, fds, err
}

// linkKernel resolves a call of a kernel function or the address of a kernel variable.
// Name may be preceded by its module and a colon.
func (s *session) linkKernel(in *isa.Insn, r object.Reloc, fds []uint32) ([]uint32, error) {
	module, name, ok := strings.Cut(r.Name, ":")
	if !ok {
		module, name = "", r.Name
	}
	kind := kern.KindFunc
	if r.Kind == object.RelocKsym {
		kind = kern.KindVar
	}
	id, fd, err := s.findType(module, name, kind)
	if err != nil {
		return nil, err
	}
	if r.Kind == object.RelocKsym {
		in.Src, in.Imm = isa.PseudoBTFID, int64(fd)<<32|int64(id)
		return fds, nil
	}
	in.Src, in.Imm, in.Off = isa.PseudoKfuncCall, int64(id), 0
	if fd != 0 {
		if fds == nil {
			fds = []uint32{0}
		}
		at := slices.Index(fds, uint32(fd))
		if at < 0 {
			at, fds = len(fds), append(fds, uint32(fd))
		}
		in.Off = int16(at)
	}
	return fds, nil
}

// targetNames says how the type is called that a program's target has in the kernel's
// BTF, and its kind.
var targetNames = map[[2]uint32]struct {
	prefix string
	kind   kern.TypeKind
}{
	{progTracing, attachRawTP}:  {"btf_trace_", kern.KindTypedef},
	{progTracing, attachFentry}: {"", kern.KindFunc},
	{progTracing, attachFexit}:  {"", kern.KindFunc},
	{progTracing, attachModRet}: {"", kern.KindFunc},
	{progTracing, attachIter}:   {"bpf_iter_", kern.KindFunc},
	{progLSM, attachLSM}:        {"bpf_lsm_", kern.KindFunc},
}

// attachTarget is the BTF id of what p is to be attached to, and the descriptor of its
// module's BTF or of the BPF program that has it.
func (s *session) attachTarget(p *object.Program) (id uint32, fd int, err error) {
	t, ok := targetNames[[2]uint32{p.ProgType, p.AttachType}]
	if !ok {
		panic(fmt.Sprintf("BUG: program %s of type %d, attach type %d has a BTF target", p.Name, p.ProgType, p.AttachType))
	}
	if len(p.Points) > 0 && p.Points[0].BPFProg != 0 {
		id, fd, err = s.progTarget(p.Points[0].BPFProg, p.AttachTo)
	} else {
		id, fd, err = s.findType(p.AttachModule, t.prefix+p.AttachTo, t.kind)
	}
	if err == nil {
		return id, fd, nil
	}
	if errors.Is(err, fs.ErrNotExist) && len(p.Points) > 0 {
		return 0, 0, s.attachError(&p.Points[0], err)
	}
	return 0, 0, err
}
