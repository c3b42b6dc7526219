package sys

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// LinkIter makes an iterator of a program that has its target by BTF (kernel 5.8). pid is
// the process that iterators over tasks keep to (kernel 6.1); 0: all. The caller closes the
// descriptor.
func LinkIter(prog int, attachType uint32, pid int) (int, error) {
	// union bpf_iter_link_info: struct { u32 tid, pid, pid_fd; } task, padded.
	info := [4]uint32{1: uint32(pid)}
	a := struct {
		progFD, targetFD, attachType, flags uint32
		info                                unsafe.Pointer
		infoLen                             uint32
		_                                   uint32
	}{progFD: uint32(prog), attachType: attachType}
	if pid != 0 {
		a.info, a.infoLen = unsafe.Pointer(&info), uint32(unsafe.Sizeof(info))
	}
	return bpf(unix.BPF_LINK_CREATE, unsafe.Pointer(&a), unsafe.Sizeof(a))
}

// IterCreate begins a walk of an iterator's link. Reading the descriptor runs the program
// over the objects; its end is the end of the file. The caller closes the descriptor.
func IterCreate(link int) (int, error) {
	a := struct{ linkFD, flags uint32 }{linkFD: uint32(link)}
	return bpf(unix.BPF_ITER_CREATE, unsafe.Pointer(&a), unsafe.Sizeof(a))
}

// Pin puts a link, program or map into the BPF file system, where it outlives its
// descriptors (BPF_OBJ_PIN).
func Pin(fd int, path string) error {
	p, err := unix.BytePtrFromString(path)
	if err != nil {
		return err
	}
	a := struct {
		path      unsafe.Pointer
		fd, flags uint32
	}{path: unsafe.Pointer(p), fd: uint32(fd)}
	_, err = bpf(unix.BPF_OBJ_PIN, unsafe.Pointer(&a), unsafe.Sizeof(a))
	return err
}

// Read reads from a descriptor.
func Read(fd int, b []byte) (int, error) {
	for {
		n, err := unix.Read(fd, b)
		if err != unix.EINTR {
			return n, err
		}
	}
}
