package sys

import (
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Attribute structs below are the members of union bpf_attr (include/uapi/linux/bpf.h)
// that skep fills in, in the kernel's layout on 64-bit machines. Pointers are real Go
// pointers, so that the collector sees what the kernel is about to read.

// MapCreateAttr is BPF_MAP_CREATE's.
type MapCreateAttr struct {
	Type, KeySize, ValueSize, MaxEntries, Flags uint32
	InnerMapFD, NumaNode                        uint32
	Name                                        [16]byte
	Ifindex, BTFFD, BTFKey, BTFValue            uint32
	VmlinuxValue                                uint32 // of struct_ops
	extra                                       uint64
	ValueBTF, token                             int32 // ValueBTF: of struct_ops of a module (kernel 6.9)
}

// mapCreateMin is the size of the attributes that kernel 5.10 knows.
const mapCreateMin = unsafe.Offsetof(MapCreateAttr{}.extra)

// ProgLoadAttr is BPF_PROG_LOAD's. LogTrueSize is written by the kernel (6.4).
type ProgLoadAttr struct {
	Type, InsnCnt      uint32
	Insns, License     unsafe.Pointer
	LogLevel, LogSize  uint32
	LogBuf             unsafe.Pointer
	KernVersion, Flags uint32
	Name               [16]byte
	Ifindex            uint32
	ExpectedAttachType uint32
	BTFFD              uint32
	FuncInfoRecSize    uint32
	FuncInfo           unsafe.Pointer
	FuncInfoCnt        uint32
	LineInfoRecSize    uint32
	LineInfo           unsafe.Pointer
	LineInfoCnt        uint32
	AttachBTFID        uint32
	AttachBTFObjFD     uint32 // or attach_prog_fd
	CoreReloCnt        uint32
	FDArray            unsafe.Pointer
	CoreRelos          unsafe.Pointer
	CoreReloRecSize    uint32
	LogTrueSize        uint32
	token              int32
}

// progLoadMin is the size of the attributes that kernel 5.10 knows; the rest is passed
// only when it's used, although a kernel takes unknown zero bytes.
const progLoadMin = unsafe.Offsetof(ProgLoadAttr{}.FDArray)

// MapBatchAttr is that of the BPF_MAP_*_BATCH commands.
type MapBatchAttr struct {
	InBatch, OutBatch, Keys, Values unsafe.Pointer
	Count, MapFD                    uint32
	ElemFlags, Flags                uint64
}

// linkAttr is BPF_LINK_CREATE's. rest is the part that depends on the attach type.
type linkAttr struct {
	progFD, targetFD, attachType, flags uint32
	rest                                [2]uint64
}

func bpf(cmd int, attr unsafe.Pointer, size uintptr) (int, error) {
	for {
		r, _, errno := unix.Syscall(unix.SYS_BPF, uintptr(cmd), uintptr(attr), size)
		switch errno {
		case 0:
			return int(r), nil
		case unix.EINTR:
			continue
		}
		return -1, errno
	}
}

// quick is bpf for commands that neither wait nor work long: the scheduler isn't told,
// which for thousands of calls is most of their time.
func quick(cmd int, attr unsafe.Pointer, size uintptr) (int, error) {
	r, _, errno := unix.RawSyscall(unix.SYS_BPF, uintptr(cmd), uintptr(attr), size)
	if errno == unix.EINTR {
		return bpf(cmd, attr, size)
	}
	if errno != 0 {
		return -1, errno
	}
	return int(r), nil
}

// MapCreate makes a map. The caller closes the descriptor.
func MapCreate(a *MapCreateAttr) (int, error) {
	return withToken(func(token int32) (int, error) {
		if token == 0 && a.ValueBTF == 0 {
			return bpf(unix.BPF_MAP_CREATE, unsafe.Pointer(a), mapCreateMin)
		}
		if token == 0 {
			return bpf(unix.BPF_MAP_CREATE, unsafe.Pointer(a), unsafe.Sizeof(*a))
		}
		b := *a
		b.Flags, b.token = b.Flags|bpfTokenFD, token
		return bpf(unix.BPF_MAP_CREATE, unsafe.Pointer(&b), unsafe.Sizeof(b))
	})
}

type elemAttr struct {
	fd         uint32
	_          uint32
	key, value unsafe.Pointer
	flags      uint64
}

func elem(cmd, fd int, key, value []byte, flags uint64) error {
	a := elemAttr{fd: uint32(fd), key: slicePtr(key), value: slicePtr(value), flags: flags}
	_, err := bpf(cmd, unsafe.Pointer(&a), unsafe.Sizeof(a))
	return err
}

func slicePtr(b []byte) unsafe.Pointer { return unsafe.Pointer(unsafe.SliceData(b)) }

// MapLookup copies the element's value: all CPUs' for per-CPU kinds.
func MapLookup(fd int, key, value []byte) error {
	return elem(unix.BPF_MAP_LOOKUP_ELEM, fd, key, value, 0)
}

// MapUpdate sets an element, made when it isn't there.
func MapUpdate(fd int, key, value []byte) error {
	return elem(unix.BPF_MAP_UPDATE_ELEM, fd, key, value, 0)
}

// MapDelete deletes an element.
func MapDelete(fd int, key []byte) error { return elem(unix.BPF_MAP_DELETE_ELEM, fd, key, nil, 0) }

// MapNextKey writes the key after key (nil: the first) to next; ENOENT after the last,
// EOPNOTSUPP in a map that doesn't list its keys.
func MapNextKey(fd int, key, next []byte) error {
	err := elem(unix.BPF_MAP_GET_NEXT_KEY, fd, key, next, 0)
	if err == ENOTSUPP { // has no words
		return EOPNOTSUPP
	}
	return err
}

// MapFreeze makes a map unchangeable from user space.
func MapFreeze(fd int) error {
	a := elemAttr{fd: uint32(fd)}
	_, err := bpf(unix.BPF_MAP_FREEZE, unsafe.Pointer(&a), 4)
	return err
}

// MapLookupBatch reads up to a.Count elements and sets a.Count to their number. ENOENT
// comes with the last ones; ENOSPC: one bucket holds more than a.Count. With del the
// elements are deleted as they are read. Kernel 5.6.
func MapLookupBatch(a *MapBatchAttr, del bool) error {
	cmd := unix.BPF_MAP_LOOKUP_BATCH
	if del {
		cmd = unix.BPF_MAP_LOOKUP_AND_DELETE_BATCH
	}
	_, err := bpf(cmd, unsafe.Pointer(a), unsafe.Sizeof(*a))
	return err
}

// BTFLoad loads type information. The caller closes the descriptor.
func BTFLoad(data []byte) (int, error) {
	a := struct {
		btf, log                unsafe.Pointer
		size, logSize, logLevel uint32
		logTrueSize, flags      uint32
		token                   int32
	}{btf: slicePtr(data), size: uint32(len(data))}
	return withToken(func(token int32) (int, error) {
		if token == 0 {
			return bpf(unix.BPF_BTF_LOAD, unsafe.Pointer(&a), 28)
		}
		a.flags, a.token = bpfTokenFD, token
		return bpf(unix.BPF_BTF_LOAD, unsafe.Pointer(&a), unsafe.Sizeof(a))
	})
}

// progLoadRetries bounds the attempts of a load that signals interrupt (EAGAIN).
const progLoadRetries = 30

// ProgLoad verifies and loads a program. The caller closes the descriptor.
func ProgLoad(a *ProgLoadAttr) (int, error) {
	return withToken(func(token int32) (int, error) {
		size, flags := unsafe.Sizeof(*a), a.Flags
		switch {
		case token != 0:
			a.Flags, a.token = flags|bpfTokenFD, token
			defer func() { a.Flags, a.token = flags, 0 }()
		case a.FDArray == nil && a.LogLevel == 0:
			size = progLoadMin
		}
		for i := 0; ; i++ {
			fd, err := bpf(unix.BPF_PROG_LOAD, unsafe.Pointer(a), size)
			if err != unix.EAGAIN || i == progLoadRetries {
				return fd, err
			}
		}
	})
}

// ProgRun runs a program once with ctx as its context (BPF_PROG_TEST_RUN) and returns
// the program's result. Raw tracepoint programs: kernel 5.10.
func ProgRun(fd int, ctx []byte) (uint32, error) {
	a := struct {
		progFD, retval, dataInSize, dataOutSize uint32
		dataIn, dataOut                         unsafe.Pointer
		repeat, duration, ctxIn, ctxOut         uint32
		ctxInPtr, ctxOutPtr                     unsafe.Pointer
		flags, cpu, batch                       uint32
		_                                       uint32
	}{progFD: uint32(fd), ctxIn: uint32(len(ctx)), ctxInPtr: slicePtr(ctx)}
	_, err := bpf(unix.BPF_PROG_TEST_RUN, unsafe.Pointer(&a), 72)
	return a.retval, err
}

// RawTracepointOpen attaches a program to a raw tracepoint; name "" for programs that
// carry their BTF target. The program stays attached until the descriptor is closed.
func RawTracepointOpen(name string, prog int) (int, error) {
	a := struct {
		name   unsafe.Pointer
		progFD uint32
		_      uint32
		cookie uint64
	}{progFD: uint32(prog)}
	if name != "" {
		p, err := unix.BytePtrFromString(name)
		if err != nil {
			return -1, err
		}
		a.name = unsafe.Pointer(p)
	}
	return bpf(unix.BPF_RAW_TRACEPOINT_OPEN, unsafe.Pointer(&a), 16)
}

// LinkPerfEvent attaches a program to a perf event (kernel 5.15).
func LinkPerfEvent(prog, event int, attachType uint32, cookie uint64) (int, error) {
	return linkCreate(&linkAttr{progFD: uint32(prog), targetFD: uint32(event), attachType: attachType,
		rest: [2]uint64{cookie}})
}

// LinkTracing attaches a program with a BTF target and a cookie (kernel 5.19).
func LinkTracing(prog int, attachType uint32, cookie uint64) (int, error) {
	return linkCreate(&linkAttr{progFD: uint32(prog), attachType: attachType, rest: [2]uint64{0, cookie}})
}

// attachStructOps is BPF_STRUCT_OPS of enum bpf_attach_type.
const attachStructOps = 44

// LinkStructOps registers the struct of a struct_ops map that was made with BPF_F_LINK,
// until the link ends (kernel 6.4).
func LinkStructOps(m int) (int, error) {
	return linkCreate(&linkAttr{progFD: uint32(m), attachType: attachStructOps})
}

// KprobeMulti is what a kprobe_multi link attaches to: Syms or Addrs.
type KprobeMulti struct {
	Return  bool
	Syms    []string
	Addrs   []uint64
	Cookies []uint64 // as many, or none
}

// LinkKprobeMulti attaches a program to many kernel functions (kernel 5.18).
func LinkKprobeMulti(prog int, attachType uint32, m *KprobeMulti) (int, error) {
	a := struct {
		progFD, target, attachType, linkFlags uint32
		flags, cnt                            uint32
		syms, addrs, cookies                  unsafe.Pointer
	}{progFD: uint32(prog), attachType: attachType, cnt: uint32(max(len(m.Syms), len(m.Addrs)))}
	if m.Return {
		a.flags = 1 // BPF_F_KPROBE_MULTI_RETURN
	}
	ptrs := make([]*byte, len(m.Syms))
	for i, s := range m.Syms {
		p, err := unix.BytePtrFromString(s)
		if err != nil {
			return -1, err
		}
		ptrs[i] = p
	}
	if len(ptrs) > 0 {
		a.syms = unsafe.Pointer(unsafe.SliceData(ptrs))
	}
	if len(m.Addrs) > 0 {
		a.addrs = unsafe.Pointer(unsafe.SliceData(m.Addrs))
	}
	if len(m.Cookies) > 0 {
		a.cookies = unsafe.Pointer(unsafe.SliceData(m.Cookies))
	}
	fd, err := bpf(unix.BPF_LINK_CREATE, unsafe.Pointer(&a), unsafe.Sizeof(a))
	runtime.KeepAlive(ptrs)
	return fd, err
}

// UprobeMulti is what a uprobe_multi link attaches to: file offsets of Path.
type UprobeMulti struct {
	Path       string
	Offsets    []uint64
	Semaphores []uint64 // file offsets of reference counters: as many, or none
	Cookies    []uint64 // as many, or none
	Return     bool
	Pid        int // 0: all
}

// LinkUprobeMulti attaches a program to many places of a binary (kernel 6.6).
func LinkUprobeMulti(prog int, attachType uint32, m *UprobeMulti) (int, error) {
	path, err := unix.BytePtrFromString(m.Path)
	if err != nil {
		return -1, err
	}
	a := struct {
		progFD, target, attachType, linkFlags uint32
		path, offsets, refCtr, cookies        unsafe.Pointer
		cnt, flags, pid                       uint32
		_                                     uint32
	}{progFD: uint32(prog), attachType: attachType, path: unsafe.Pointer(path),
		offsets: unsafe.Pointer(unsafe.SliceData(m.Offsets)), cnt: uint32(len(m.Offsets)), pid: uint32(m.Pid)}
	if m.Return {
		a.flags = 1 // BPF_F_UPROBE_MULTI_RETURN
	}
	if len(m.Semaphores) > 0 {
		a.refCtr = unsafe.Pointer(unsafe.SliceData(m.Semaphores))
	}
	if len(m.Cookies) > 0 {
		a.cookies = unsafe.Pointer(unsafe.SliceData(m.Cookies))
	}
	return bpf(unix.BPF_LINK_CREATE, unsafe.Pointer(&a), unsafe.Sizeof(a)-4)
}

func linkCreate(a *linkAttr) (int, error) {
	return bpf(unix.BPF_LINK_CREATE, unsafe.Pointer(a), unsafe.Sizeof(*a))
}

// BTFByName opens the kernel's BTF object of that name: a module's, or "vmlinux".
// ENOENT when there is none. The caller closes the descriptor.
func BTFByName(name string) (int, error) {
	var id uint32
	for {
		var err error
		if id, err = NextID(KindBTF, id); err != nil {
			return -1, err
		}
		fd, err := ByID(KindBTF, id)
		if err == unix.ENOENT {
			continue // it went away meanwhile
		}
		if err != nil {
			return -1, err
		}
		got := make([]byte, 64)
		info := struct {
			btf           unsafe.Pointer
			size, id      uint32
			name          unsafe.Pointer
			nameLen, kern uint32
		}{name: slicePtr(got), nameLen: uint32(len(got))}
		if err := objInfo(fd, unsafe.Pointer(&info), uint32(unsafe.Sizeof(info))); err == nil &&
			info.kern != 0 && unix.ByteSliceToString(got) == name {
			return fd, nil
		}
		Close(fd)
	}
}

// ObjName is s as a kernel object's name: 15 bytes of letters, digits, '_' and '.',
// others replaced.
func ObjName(s string) (n [16]byte) {
	for i := 0; i < len(s) && i < len(n)-1; i++ {
		c := s[i]
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '_', c == '.':
		default:
			c = '_'
		}
		n[i] = c
	}
	return n
}
