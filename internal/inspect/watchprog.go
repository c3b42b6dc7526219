package inspect

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"runtime"
	"sync/atomic"
	"unsafe"

	"github.com/skep-bpf/skep/internal/bpf/isa"
	"github.com/skep-bpf/skep/internal/host/kern"
	"github.com/skep-bpf/skep/internal/host/sys"
)

// Who makes BPF objects is seen at the end of the bpf system call, in the process that made
// it: a program on that tracepoint follows the descriptor that is about to be returned to the
// object, and writes down what it is. So nothing is missed that lives for a moment only.

// Commands of bpf(2) that are watched (enum bpf_cmd), and one of skep's own for an ioctl
// that attaches a program to a perf event.
const (
	cmdMapCreate  = 0
	cmdProgLoad   = 5
	cmdProgAttach = 8
	cmdProgDetach = 9
	cmdRawTPOpen  = 17
	cmdLinkCreate = 28
	cmdLinkUpdate = 29
	cmdLinkDetach = 34
	cmdSetBPF     = 1000

	ioctlSetBPF = 0x40042408 // PERF_EVENT_IOC_SET_BPF
)

// Offsets in a record of the call.
const (
	callNS     = 0
	callPID    = 8
	callUID    = 12
	callComm   = 16
	callCmd    = 32
	callArgs   = 40 // the first 16 bytes of the call's attributes; of an ioctl its descriptor
	callKind   = 56
	callID     = 60
	callType   = 64
	callProg   = 68 // of a link
	callTag    = 72
	callName   = 80
	callRecord = 96
)

// call is a record.
type call struct {
	ns       uint64 // since boot
	pid, uid uint32
	comm     string
	cmd      uint32
	args     [4]uint32
	kind     Kind
	id, typ  uint32
	prog     uint32
	tag      [8]byte
	name     string
}

func parseCall(b []byte) (c call) {
	w := func(off int) uint32 { return binary.NativeEndian.Uint32(b[off:]) }
	c = call{
		ns: binary.NativeEndian.Uint64(b), pid: w(callPID), uid: w(callUID), comm: cString(b[callComm : callComm+16]), cmd: w(callCmd),
		kind: Kind(w(callKind)), id: w(callID), typ: w(callType), prog: w(callProg), name: cString(b[callName : callName+16]),
	}
	for i := range c.args {
		c.args[i] = w(callArgs + 4*i)
	}
	copy(c.tag[:], b[callTag:])
	return c
}

// callLayout are the kernel's members that the program reads, and the system's call numbers.
type callLayout struct {
	number, arg0, arg1, arg2 uint32 // of struct pt_regs
	sysBPF, sysIoctl         int32

	files, fdt, fd, private    uint32
	progTag, progType, progAux uint32
	auxID, auxName             uint32
	mapID, mapType, mapName    uint32
	linkID, linkType, linkProg uint32
}

func (r *Reader) callLayout() (*callLayout, error) {
	btf, err := r.kernel.BTF()
	if err != nil {
		return nil, err
	}
	l := newLayout(btf)
	c := &callLayout{
		files: l.off("task_struct", "files"), fdt: l.off("files_struct", "fdt"), fd: l.off("fdtable", "fd"), private: l.off("file", "private_data"),
		progTag: l.off("bpf_prog", "tag"), progType: l.off("bpf_prog", "type"), progAux: l.off("bpf_prog", "aux"),
		auxID: l.off("bpf_prog_aux", "id"), auxName: l.off("bpf_prog_aux", "name"),
		mapID: l.off("bpf_map", "id"), mapType: l.off("bpf_map", "map_type"), mapName: l.off("bpf_map", "name"),
		linkID: l.off("bpf_link", "id"), linkType: l.off("bpf_link", "type"), linkProg: l.off("bpf_link", "prog"),
	}
	// The registers as the call has left them: its arguments are still there.
	switch runtime.GOARCH {
	case "amd64":
		c.number, c.arg0, c.arg1, c.arg2 = l.off("pt_regs", "orig_ax"), l.off("pt_regs", "di"), l.off("pt_regs", "si"), l.off("pt_regs", "dx")
		c.sysBPF, c.sysIoctl = 321, 16
	case "arm64":
		regs := l.off("pt_regs", "regs")
		c.number, c.arg0, c.arg1, c.arg2 = l.off("pt_regs", "syscallno"), l.off("pt_regs", "orig_x0"), regs+8, regs+16
		c.sysBPF, c.sysIoctl = 280, 29
	default:
		return nil, fmt.Errorf("watch the bpf system call: not on %s", runtime.GOARCH)
	}
	return c, l.err
}

// Helpers of the program (enum bpf_func_id).
const (
	helperMapLookup     = 1
	helperPidTgid       = 14
	helperUidGid        = 15
	helperComm          = 16
	helperCurrentTask   = 35
	helperProbeReadUser = 112
	helperBootNS        = 125
	helperRingbufOutput = 130
)

// program writes a record for each call that made, attached or detached something: to the
// ring buffer, or, without room, adds 1 to the only element of lost.
func (c *callLayout) program(ring, lost int) *assembly {
	const rec, tmp, key = -callRecord, -callRecord - 8, -callRecord - 16
	a := newAssembly()
	// r7 registers, r8 result, r9 descriptor.
	a.add(isa.Load(isa.SizeDW, isa.R7, isa.R1, 0), isa.Load(isa.SizeDW, isa.R8, isa.R1, 8))
	for off := int16(rec); off < 0; off += 8 {
		a.add(isa.StoreImm(isa.SizeDW, isa.R10, off, 0))
	}
	a.add(isa.Load(isa.SizeW, isa.R1, isa.R7, int16(c.number)))
	a.jump(isa.JumpIfImm(isa.JmpJEQ, isa.R1, c.sysBPF, 0), "bpf")
	a.jump(isa.JumpIfImm(isa.JmpJNE, isa.R1, c.sysIoctl, 0), "out")
	a.add(isa.Load(isa.SizeW, isa.R1, isa.R7, int16(c.arg1)))
	a.jump(isa.JumpIfImm(isa.JmpJNE, isa.R1, ioctlSetBPF, 0), "out")
	a.jump(isa.JumpIfImm(isa.JmpJNE, isa.R8, 0, 0), "out")
	a.add(isa.StoreImm(isa.SizeW, isa.R10, rec+callCmd, cmdSetBPF),
		isa.Load(isa.SizeW, isa.R1, isa.R7, int16(c.arg0)), isa.Store(isa.SizeW, isa.R10, rec+callArgs, isa.R1),
		isa.Load(isa.SizeW, isa.R9, isa.R7, int16(c.arg2)), isa.StoreImm(isa.SizeW, isa.R10, rec+callKind, int32(KindProg)))
	a.jump(isa.Jump(0), "file")

	a.label("bpf")
	a.jump(isa.JumpIfImm(isa.JmpJSLT, isa.R8, 0, 0), "out")
	a.add(isa.Load(isa.SizeW, isa.R6, isa.R7, int16(c.arg0)), isa.Store(isa.SizeW, isa.R10, rec+callCmd, isa.R6),
		isa.Load(isa.SizeDW, isa.R3, isa.R7, int16(c.arg1)), isa.MovImm(isa.R2, 16), isa.Mov(isa.R1, isa.R10),
		isa.ALUImm(isa.AluADD, isa.R1, rec+callArgs), isa.Call(helperProbeReadUser))
	for _, at := range []struct {
		label string
		cmds  []int32
	}{
		{"prog", []int32{cmdProgLoad}}, {"map", []int32{cmdMapCreate}}, {"link", []int32{cmdRawTPOpen, cmdLinkCreate}},
		{"prog1", []int32{cmdProgAttach, cmdProgDetach}}, {"link0", []int32{cmdLinkUpdate, cmdLinkDetach}},
	} {
		for _, cmd := range at.cmds {
			a.jump(isa.JumpIfImm(isa.JmpJEQ, isa.R6, cmd, 0), at.label)
		}
	}
	a.jump(isa.Jump(0), "out")
	// Where the descriptor of the object is: in the result, or in the attributes.
	for _, at := range []struct {
		label string
		kind  Kind
		load  isa.Insn
	}{
		{"prog", KindProg, isa.Mov(isa.R9, isa.R8)}, {"map", KindMap, isa.Mov(isa.R9, isa.R8)}, {"link", KindLink, isa.Mov(isa.R9, isa.R8)},
		{"prog1", KindProg, isa.Load(isa.SizeW, isa.R9, isa.R10, rec+callArgs+4)}, {"link0", KindLink, isa.Load(isa.SizeW, isa.R9, isa.R10, rec+callArgs)},
	} {
		a.label(at.label)
		a.add(at.load, isa.StoreImm(isa.SizeW, isa.R10, rec+callKind, int32(at.kind)))
		a.jump(isa.Jump(0), "file")
	}

	// r6 goes from the task to the object.
	a.label("file")
	follow := func(off uint32) {
		a.add(isa.StoreImm(isa.SizeDW, isa.R10, tmp, 0))
		a.readKernel(tmp, 8, isa.R6, off)
		a.add(isa.Load(isa.SizeDW, isa.R6, isa.R10, tmp))
	}
	a.add(isa.Call(helperCurrentTask), isa.Mov(isa.R6, isa.R0))
	follow(c.files)
	follow(c.fdt)
	follow(c.fd)
	a.add(isa.ALUImm(isa.AluLSH, isa.R9, 3), isa.ALU(isa.AluADD, isa.R6, isa.R9))
	follow(0)
	follow(c.private)
	a.add(isa.Load(isa.SizeW, isa.R1, isa.R10, rec+callKind))
	a.jump(isa.JumpIfImm(isa.JmpJEQ, isa.R1, int32(KindMap), 0), "readmap")
	a.jump(isa.JumpIfImm(isa.JmpJEQ, isa.R1, int32(KindLink), 0), "readlink")
	a.readKernel(rec+callTag, 8, isa.R6, c.progTag)
	a.readKernel(rec+callType, 4, isa.R6, c.progType)
	follow(c.progAux)
	a.readKernel(rec+callID, 4, isa.R6, c.auxID)
	a.readKernel(rec+callName, 16, isa.R6, c.auxName)
	a.jump(isa.Jump(0), "write")
	a.label("readmap")
	a.readKernel(rec+callID, 4, isa.R6, c.mapID)
	a.readKernel(rec+callType, 4, isa.R6, c.mapType)
	a.readKernel(rec+callName, 16, isa.R6, c.mapName)
	a.jump(isa.Jump(0), "write")
	a.label("readlink")
	a.readKernel(rec+callID, 4, isa.R6, c.linkID)
	a.readKernel(rec+callType, 4, isa.R6, c.linkType)
	follow(c.linkProg)
	follow(c.progAux)
	a.readKernel(rec+callProg, 4, isa.R6, c.auxID)

	a.label("write")
	a.add(isa.Call(helperBootNS), isa.Store(isa.SizeDW, isa.R10, rec+callNS, isa.R0),
		isa.Call(helperPidTgid), isa.ALUImm(isa.AluRSH, isa.R0, 32), isa.Store(isa.SizeW, isa.R10, rec+callPID, isa.R0),
		isa.Call(helperUidGid), isa.Store(isa.SizeW, isa.R10, rec+callUID, isa.R0),
		isa.Mov(isa.R1, isa.R10), isa.ALUImm(isa.AluADD, isa.R1, rec+callComm), isa.MovImm(isa.R2, 16), isa.Call(helperComm),
		isa.LoadPseudo(isa.R1, isa.PseudoMapFD, int64(ring)), isa.Mov(isa.R2, isa.R10), isa.ALUImm(isa.AluADD, isa.R2, rec),
		isa.MovImm(isa.R3, callRecord), isa.MovImm(isa.R4, 0), isa.Call(helperRingbufOutput))
	a.jump(isa.JumpIfImm(isa.JmpJEQ, isa.R0, 0, 0), "out")
	a.add(isa.StoreImm(isa.SizeW, isa.R10, key, 0), isa.LoadPseudo(isa.R1, isa.PseudoMapFD, int64(lost)),
		isa.Mov(isa.R2, isa.R10), isa.ALUImm(isa.AluADD, isa.R2, key), isa.Call(helperMapLookup))
	a.jump(isa.JumpIfImm(isa.JmpJEQ, isa.R0, 0, 0), "out")
	a.add(isa.MovImm(isa.R1, 1), isa.Atomic(isa.AtomicADD, isa.SizeDW, isa.R0, 0, isa.R1))
	a.label("out")
	a.add(isa.MovImm(isa.R0, 0), isa.Exit())
	return a
}

// callWatch is the loaded program with its maps.
type callWatch struct {
	fds      []int // what is closed in the end
	lostMap  int
	lost     uint64
	consumer []byte
	producer []byte // its position's page, then the data twice
	size     uint64
}

// callRing is the ring buffer's size: 10922 records.
const callRing = 1 << 20

// attachRawTP is BPF_TRACE_RAW_TP.
const attachRawTP = 23

// watchCalls begins to record calls (kernel 5.8). The caller closes the watch.
func (r *Reader) watchCalls() (w *callWatch, err error) {
	c, err := r.callLayout()
	if err != nil {
		return nil, err
	}
	btf, err := r.kernel.BTF()
	if err != nil {
		return nil, err
	}
	tp, ok := btf.Find("btf_trace_sys_exit", kern.KindTypedef)
	if !ok {
		return nil, fmt.Errorf("find tracepoint sys_exit in BTF: %w", fs.ErrNotExist)
	}
	w = &callWatch{size: callRing}
	defer func() {
		if err != nil {
			err = errors.Join(err, w.Close())
		}
	}()
	keep := func(what string, fd int, err error) (int, error) {
		if err != nil {
			return -1, fmt.Errorf("%s: %w", what, allowed(err))
		}
		w.fds = append(w.fds, fd)
		return fd, nil
	}
	fd, err := sys.MapCreate(&sys.MapCreateAttr{Type: mapRingbuf, MaxEntries: callRing, Name: sys.ObjName("skep_watch")})
	ring, err := keep("create ring buffer", fd, err)
	if err != nil {
		return w, err
	}
	fd, err = sys.MapCreate(&sys.MapCreateAttr{Type: mapArray, KeySize: 4, ValueSize: 8, MaxEntries: 1, Name: sys.ObjName("skep_lost")})
	if w.lostMap, err = keep("create map", fd, err); err != nil {
		return w, err
	}
	page := os.Getpagesize()
	if w.consumer, err = sys.MmapWrite(ring, 0, page); err != nil {
		return w, fmt.Errorf("map ring buffer: %w", err)
	}
	if w.producer, err = sys.MmapRead(ring, int64(page), page+2*callRing); err != nil {
		return w, fmt.Errorf("map ring buffer: %w", err)
	}
	code, err := c.program(ring, w.lostMap).encode()
	if err != nil {
		return w, err
	}
	license := []byte("GPL\x00")
	fd, err = sys.ProgLoad(&sys.ProgLoadAttr{
		Type: progTracing, InsnCnt: uint32(len(code) / isa.SlotSize), Insns: unsafe.Pointer(&code[0]), License: unsafe.Pointer(&license[0]),
		ExpectedAttachType: attachRawTP, AttachBTFID: uint32(tp.ID), Name: sys.ObjName("skep_watch"),
	})
	prog, err := keep("load the program that sees bpf system calls", fd, err)
	if err != nil {
		return w, err
	}
	fd, err = sys.RawTracepointOpen("", prog)
	_, err = keep("attach the program that sees bpf system calls", fd, err)
	return w, err
}

// ring is the ring buffer's descriptor.
func (w *callWatch) ring() int { return w.fds[0] }

// each calls f with each call since the last time, and returns how many were lost since.
func (w *callWatch) each(f func(call)) (lost uint64) {
	const busy, discard, header = 1 << 31, 1 << 30, 8
	consumer, producer := (*uint64)(unsafe.Pointer(&w.consumer[0])), (*uint64)(unsafe.Pointer(&w.producer[0]))
	data := w.producer[os.Getpagesize():]
	pos := atomic.LoadUint64(consumer)
	for pos < atomic.LoadUint64(producer) {
		at := pos & (w.size - 1)
		head := atomic.LoadUint32((*uint32)(unsafe.Pointer(&data[at])))
		if head&busy != 0 {
			break
		}
		n := uint64(head &^ discard)
		if head&discard == 0 && n >= callRecord {
			f(parseCall(bytes.Clone(data[at+header : at+header+n])))
		}
		pos += (header + n + 7) &^ 7
		atomic.StoreUint64(consumer, pos)
	}
	value := make([]byte, 8)
	if sys.MapLookup(w.lostMap, make([]byte, 4), value) == nil {
		all := binary.NativeEndian.Uint64(value)
		lost, w.lost = all-w.lost, all
	}
	return lost
}

// Close takes the program off and frees everything.
func (w *callWatch) Close() error {
	var errs []error
	for i := len(w.fds) - 1; i >= 0; i-- {
		errs = append(errs, sys.Close(w.fds[i]))
	}
	for _, mem := range [][]byte{w.consumer, w.producer} {
		if mem != nil {
			errs = append(errs, sys.Munmap(mem))
		}
	}
	w.fds, w.consumer, w.producer = nil, nil, nil
	return errors.Join(errs...)
}
