package sys

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// TaskFD is what BPF_TASK_FD_QUERY tells of a process's descriptor.
type TaskFD struct {
	ProgID uint32
	Type   uint32 // enum bpf_task_fd_type
	Name   string // the function, tracepoint or file
	Offset uint64
	Addr   uint64
}

// QueryTaskFD tells which program is attached to a process's perf event or raw
// tracepoint. ENOTSUPP, EINVAL or ENOENT: it's something else, or has none.
func QueryTaskFD(pid, fd int) (*TaskFD, error) {
	buf := make([]byte, 4096)
	a := struct {
		pid, fd, flags, bufLen uint32
		buf                    unsafe.Pointer
		progID, fdType         uint32
		offset, addr           uint64
	}{pid: uint32(pid), fd: uint32(fd), bufLen: uint32(len(buf)), buf: slicePtr(buf)}
	if _, err := bpf(unix.BPF_TASK_FD_QUERY, unsafe.Pointer(&a), unsafe.Sizeof(a)); err != nil {
		return nil, err
	}
	return &TaskFD{ProgID: a.progID, Type: a.fdType, Name: unix.ByteSliceToString(buf), Offset: a.offset, Addr: a.addr}, nil
}
