package sys

import (
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"
)

// LinkInfo is struct bpf_link_info: its start, and the words of the union of what depends
// on the type.
type LinkInfo struct {
	Type, ID, ProgID uint32
	_                uint32
	Words            [14]uint64
}

// U32 is the 32-bit member of the union at a byte offset.
func (l *LinkInfo) U32(off int) uint32 {
	return *(*uint32)(unsafe.Add(unsafe.Pointer(&l.Words), off))
}

// SetU32 sets it.
func (l *LinkInfo) SetU32(off int, v uint32) {
	*(*uint32)(unsafe.Add(unsafe.Pointer(&l.Words), off)) = v
}

// LinkBuffer is memory for an array that a link's information has: its address goes to a
// word of the union.
type LinkBuffer struct {
	Word int
	Data []byte
}

// LinkInfoByFD describes a link into info, and fills bufs in (BPF_OBJ_GET_INFO_BY_FD).
// The sizes of bufs must stand in info.
func LinkInfoByFD(fd int, info *LinkInfo, bufs ...LinkBuffer) error {
	var pin runtime.Pinner
	defer pin.Unpin()
	for _, b := range bufs {
		if len(b.Data) > 0 {
			// The pinner keeps it in place: info holds its address as a number.
			pin.Pin(&b.Data[0])
			info.Words[b.Word] = uint64(uintptr(slicePtr(b.Data)))
		}
	}
	return objInfo(fd, unsafe.Pointer(info), uint32(unsafe.Sizeof(*info)))
}

// LinkDetach takes a link's program off its hook; the link stays (BPF_LINK_DETACH, kernel 5.9).
func LinkDetach(fd int) error {
	a := struct{ fd uint32 }{uint32(fd)}
	_, err := bpf(unix.BPF_LINK_DETACH, unsafe.Pointer(&a), unsafe.Sizeof(a))
	return err
}
