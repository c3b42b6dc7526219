package sys

import (
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"
)

// ProgInfo is the start of struct bpf_prog_info.
type ProgInfo struct {
	Type, ID                 uint32
	Tag                      [8]byte
	JitedLen, XlatedLen      uint32
	Jited, Xlated            uint64
	LoadTime                 uint64
	UID, NrMapIDs            uint32
	MapIDs                   uint64
	Name                     [16]byte
	Ifindex, GPL             uint32
	NetnsDev, NetnsIno       uint64
	NrKsyms, NrFuncLens      uint32
	Ksyms, FuncLens          uint64
	BTFID, FuncInfoRecSize   uint32
	FuncInfo                 uint64
	NrFuncInfo, NrLineInfo   uint32
	LineInfo, JitedLineInfo  uint64
	NrJitedLineInfo          uint32
	LineInfoRecSize          uint32
	JitedLineInfoRecSize     uint32
	NrProgTags               uint32
	ProgTags                 uint64
	RunTimeNS, RunCnt        uint64
	RecursionMisses          uint64
	VerifiedInsns, AttachObj uint32
	AttachBTFID              uint32
	_                        uint32
}

// ProgInfoByFD describes a loaded program (BPF_OBJ_GET_INFO_BY_FD).
func ProgInfoByFD(fd int) (*ProgInfo, error) {
	var info ProgInfo
	return &info, info.Read(fd)
}

// Read is ProgInfoByFD into memory that is there.
func (info *ProgInfo) Read(fd int) error {
	*info = ProgInfo{} // lengths in it ask for arrays
	return objInfo(fd, unsafe.Pointer(info), uint32(unsafe.Sizeof(*info)))
}

func objInfo(fd int, info unsafe.Pointer, size uint32) error {
	a := struct {
		fd, len uint32
		info    unsafe.Pointer
	}{uint32(fd), size, info}
	_, err := quick(unix.BPF_OBJ_GET_INFO_BY_FD, unsafe.Pointer(&a), unsafe.Sizeof(a))
	return err
}

// ProgArrays are what a loaded program's information has besides numbers. A slice is
// filled up to its length; nil ones aren't asked for.
type ProgArrays struct {
	Maps          []uint32
	Jited, Xlated []byte
	Ksyms         []uint64 // addresses of the jited functions
	FuncLens      []uint32 // bytes of the jited functions
	FuncInfo      []byte   // FuncInfoRecSize each
	LineInfo      []byte   // LineInfoRecSize each
	JitedLineInfo []uint64 // addresses, as many as lines
}

// ProgInfoWith describes a loaded program and fills in a's slices. The lengths in the
// result are the kernel's: they may be more than there was room for, and 0 for what it
// hides from this user.
func ProgInfoWith(fd int, a *ProgArrays) (*ProgInfo, error) {
	var info ProgInfo
	var pin runtime.Pinner
	defer pin.Unpin()
	// The pinner keeps them in place: info holds their addresses as numbers.
	addr := func(p unsafe.Pointer, n int) uint64 {
		if n == 0 {
			return 0
		}
		pin.Pin(p)
		return uint64(uintptr(p))
	}
	at32 := func(s []uint32) uint64 { return addr(unsafe.Pointer(unsafe.SliceData(s)), len(s)) }
	at64 := func(s []uint64) uint64 { return addr(unsafe.Pointer(unsafe.SliceData(s)), len(s)) }
	at8 := func(s []byte) uint64 { return addr(slicePtr(s), len(s)) }
	info.NrMapIDs, info.MapIDs = uint32(len(a.Maps)), at32(a.Maps)
	info.JitedLen, info.Jited = uint32(len(a.Jited)), at8(a.Jited)
	info.XlatedLen, info.Xlated = uint32(len(a.Xlated)), at8(a.Xlated)
	info.NrKsyms, info.Ksyms = uint32(len(a.Ksyms)), at64(a.Ksyms)
	info.NrFuncLens, info.FuncLens = uint32(len(a.FuncLens)), at32(a.FuncLens)
	info.FuncInfoRecSize, info.FuncInfo, info.NrFuncInfo = funcInfoSize, at8(a.FuncInfo), uint32(len(a.FuncInfo)/funcInfoSize)
	info.LineInfoRecSize, info.LineInfo, info.NrLineInfo = lineInfoSize, at8(a.LineInfo), uint32(len(a.LineInfo)/lineInfoSize)
	info.JitedLineInfoRecSize, info.JitedLineInfo = 8, at64(a.JitedLineInfo)
	info.NrJitedLineInfo = uint32(len(a.JitedLineInfo))
	err := objInfo(fd, unsafe.Pointer(&info), uint32(unsafe.Sizeof(info)))
	return &info, err
}

// Bytes of struct bpf_func_info and struct bpf_line_info.
const (
	funcInfoSize = 8
	lineInfoSize = 16
)
