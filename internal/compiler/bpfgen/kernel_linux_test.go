package bpfgen

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"unsafe"

	"github.com/skep-bpf/skep/internal/bpf/isa"
	"github.com/skep-bpf/skep/internal/bpf/object"
)

// The live kernel, reached by bpf(2) alone, so that what is loaded is what Generate made.

// bpf(2)'s commands and types (include/uapi/linux/bpf.h).
const (
	bpfMapCreate   = 0
	bpfMapLookup   = 1
	bpfMapUpdate   = 2
	bpfProgLoad    = 5
	bpfProgTestRun = 10
	bpfBTFLoad     = 18

	progRawTracepoint = 17
	mapArray          = 2
)

func bpfNumber() uintptr {
	if runtime.GOARCH == "arm64" {
		return 280
	}
	return 321
}

func bpf(cmd int, attr unsafe.Pointer, size uintptr) (int, error) {
	r, _, errno := syscall.Syscall(bpfNumber(), uintptr(cmd), uintptr(attr), size)
	for errno == syscall.EAGAIN { // a signal came while the verifier was at work
		r, _, errno = syscall.Syscall(bpfNumber(), uintptr(cmd), uintptr(attr), size)
	}
	runtime.KeepAlive(attr)
	if errno != 0 {
		return -1, errno
	}
	return int(r), nil
}

func ptr(b []byte) uint64 {
	if len(b) == 0 {
		return 0
	}
	return uint64(uintptr(unsafe.Pointer(&b[0])))
}

// needRoot skips where the kernel can't be reached.
func needRoot(t testing.TB) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root")
	}
}

// arrayMap is an array of one element.
type arrayMap struct {
	fd   int
	size int
}

func newArrayMap(t testing.TB, size int) *arrayMap {
	t.Helper()
	attr := struct{ typ, key, value, entries, flags uint32 }{mapArray, 4, uint32(size), 1, 0}
	fd, err := bpf(bpfMapCreate, unsafe.Pointer(&attr), unsafe.Sizeof(attr))
	if err != nil {
		t.Fatalf("create map: %v", err)
	}
	t.Cleanup(func() { syscall.Close(fd) })
	return &arrayMap{fd, (size + 7) &^ 7}
}

func (m *arrayMap) elem(t testing.TB, cmd int, data []byte) {
	t.Helper()
	key := make([]byte, 4)
	attr := struct {
		fd, _             uint32
		key, value, flags uint64
	}{fd: uint32(m.fd), key: ptr(key), value: ptr(data)}
	if _, err := bpf(cmd, unsafe.Pointer(&attr), unsafe.Sizeof(attr)); err != nil {
		t.Fatalf("access map: %v", err)
	}
	runtime.KeepAlive(key)
	runtime.KeepAlive(data)
}

func (m *arrayMap) read(t testing.TB) []byte {
	data := make([]byte, m.size)
	m.elem(t, bpfMapLookup, data)
	return data
}

func (m *arrayMap) write(t testing.TB, data []byte) { m.elem(t, bpfMapUpdate, data) }

// link resolves relocations: maps by their place in maps.
func link(t testing.TB, c *Code, maps []*arrayMap) []byte {
	t.Helper()
	insns := append([]isa.Insn(nil), c.Insns...)
	for _, r := range c.Relocs {
		in := &insns[r.Insn]
		switch r.Kind {
		case object.RelocMap:
			in.Imm = int64(maps[r.Index].fd)
		case object.RelocMapValue:
			in.Imm = int64(maps[r.Index].fd) | in.Imm<<32
		case object.RelocFunc:
		default:
			t.Fatalf("relocation of kind %d in a test", r.Kind)
		}
	}
	b, err := isa.Encode(insns, binary.NativeEndian)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// progLoadAttr is the head of union bpf_attr for BPF_PROG_LOAD.
type progLoadAttr struct {
	progType, insnCnt     uint32
	insns, license        uint64
	logLevel, logSize     uint32
	logBuf                uint64
	kernVersion, flags    uint32
	name                  [16]byte
	ifindex, attachType   uint32
	btfFD, funcInfoRec    uint32
	funcInfo              uint64
	funcInfoCnt, lineRec  uint32
	lineInfo              uint64
	lineInfoCnt, attachID uint32
}

// loadProg loads c as a raw tracepoint program; the error has the verifier's log, or is
// E2BIG for one with too many paths.
func loadProg(t testing.TB, c *Code, maps []*arrayMap) (int, error) {
	t.Helper()
	fd, _, err := loadProgLog(t, c, maps, 0)
	return fd, err
}

// loadProgLog is loadProg that also returns the verifier's log of a level.
func loadProgLog(t testing.TB, c *Code, maps []*arrayMap, level uint32) (fd int, text string, err error) {
	t.Helper()
	insns, license, log := link(t, c, maps), []byte("GPL\x00"), make([]byte, 1<<20)
	attr := progLoadAttr{
		progType: progRawTracepoint, insnCnt: uint32(len(insns) / isa.SlotSize),
		insns: ptr(insns), license: ptr(license),
	}
	var btf, info []byte
	if len(c.Funcs) > 1 {
		btf, info = funcBTF(c)
		attr.btfFD, attr.funcInfoRec = uint32(loadBTF(t, btf)), 8
		attr.funcInfo, attr.funcInfoCnt = ptr(info), uint32(len(c.Funcs))
	}
	if level > 0 {
		attr.logLevel, attr.logSize, attr.logBuf = level, uint32(len(log)), ptr(log)
	}
	fd, err = bpf(bpfProgLoad, unsafe.Pointer(&attr), unsafe.Sizeof(attr))
	if err != nil && !errors.Is(err, syscall.E2BIG) {
		attr.logLevel, attr.logSize, attr.logBuf = 1, uint32(len(log)), ptr(log)
		_, _ = bpf(bpfProgLoad, unsafe.Pointer(&attr), unsafe.Sizeof(attr))
		err = fmt.Errorf("load program: %w\n%s", err, cString(log))
	}
	runtime.KeepAlive([][]byte{insns, license, log, btf, info})
	return fd, cString(log), err
}

func cString(b []byte) string {
	for i, c := range b {
		if c == 0 {
			return string(b[:i])
		}
	}
	return string(b)
}

func loadBTF(t testing.TB, btf []byte) int {
	t.Helper()
	attr := struct {
		btf, log uint64
		size     uint32
		_        [3]uint32
	}{btf: ptr(btf), size: uint32(len(btf))}
	fd, err := bpf(bpfBTFLoad, unsafe.Pointer(&attr), unsafe.Sizeof(attr))
	if err != nil {
		t.Fatalf("load BTF: %v", err)
	}
	t.Cleanup(func() { syscall.Close(fd) })
	return fd
}

// funcBTF makes BTF with a function of 64-bit integers for each of c's, and the
// program's bpf_func_info records (include/uapi/linux/{btf,bpf}.h).
func funcBTF(c *Code) (blob, info []byte) {
	le := binary.NativeEndian
	var types []byte
	word := func(w ...uint32) {
		for _, x := range w {
			types = le.AppendUint32(types, x)
		}
	}
	const kindInt, kindFunc, kindProto = 1, 12, 13
	strs := []byte("\x00long\x00")
	word(1, kindInt<<24, 8, 1<<24|64) // type 1: a signed 64-bit integer
	offs := isa.SlotOffsets(c.Insns)
	for i, f := range c.Funcs {
		word(0, kindProto<<24|uint32(f.Args), 1)
		for a := range f.Args {
			word(uint32(len(strs)), 1)
			strs = append(strs, fmt.Sprintf("a%d\x00", a)...)
		}
		linkage := uint32(1)
		if f.Static {
			linkage = 0
		}
		word(uint32(len(strs)), kindFunc<<24|linkage, uint32(2+2*i))
		strs = append(append(strs, f.Name...), 0)
		info = le.AppendUint32(info, uint32(offs[f.Insn]))
		info = le.AppendUint32(info, uint32(3+2*i))
	}
	blob = le.AppendUint16(blob, 0xeb9f)
	blob = append(blob, 1, 0)
	for _, x := range []int{24, 0, len(types), len(types), len(strs)} {
		blob = le.AppendUint32(blob, uint32(x))
	}
	return append(append(blob, types...), strs...), info
}

// testRun runs a raw tracepoint program once with args as its context.
func testRun(t testing.TB, fd int, args []uint64) uint32 {
	t.Helper()
	ctx := make([]byte, 0, 96)
	for _, a := range args {
		ctx = binary.NativeEndian.AppendUint64(ctx, a)
	}
	attr := struct {
		fd, retval, dataIn, dataOut uint32
		in, out                     uint64
		repeat, duration            uint32
		ctxSizeIn, ctxSizeOut       uint32
		ctxIn, ctxOut               uint64
		flags, cpu                  uint32
		batch, _                    uint32
	}{fd: uint32(fd), ctxSizeIn: uint32(len(ctx)), ctxIn: ptr(ctx)}
	if _, err := bpf(bpfProgTestRun, unsafe.Pointer(&attr), unsafe.Sizeof(attr)); err != nil {
		t.Fatalf("run program: %v", err)
	}
	runtime.KeepAlive(ctx)
	return attr.retval
}

// kernelLevel is what the kernel at hand has of the instruction set.
type kernelLevel struct {
	cpu   CPU
	fetch bool // atomic operations that fetch: 5.12
}

func probeKernel(t testing.TB) kernelLevel {
	t.Helper()
	loads := func(text string) bool {
		insns, err := isa.Assemble(text)
		if err != nil {
			t.Fatal(err)
		}
		fd, err := loadProg(t, &Code{Insns: insns}, nil)
		if err == nil {
			syscall.Close(fd)
		}
		return err == nil
	}
	if !loads("r0 = 0\nexit") {
		t.Fatal("the simplest program doesn't load")
	}
	k := kernelLevel{cpu: V3, fetch: loads("r0 = 0\n*(u64 *)(r10 -8) = 0\nr0 = atomic64_fetch_add((u64 *)(r10 -8), r0)\nexit")}
	if loads("r0 = 1\nr0 = (s8)r0\nexit") {
		k.cpu = V4
	}
	return k
}

// hasHelper reports whether the kernel knows a helper: it then refuses a bare call for
// another reason.
func hasHelper(t testing.TB, id int32) bool {
	t.Helper()
	fd, err := loadProg(t, &Code{Insns: []isa.Insn{isa.Call(id), isa.Exit()}}, nil)
	if err == nil {
		syscall.Close(fd)
		return true
	}
	return !strings.Contains(err.Error(), "invalid func") && !strings.Contains(err.Error(), "unknown func")
}
