package sys

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// BTFInfo describes a BTF object.
type BTFInfo struct {
	ID, Size uint32
	Name     string // "vmlinux" or a module's; "" for others
	Kernel   bool   // the kernel's own or a module's (kernel 5.11)
}

// BTFInfoByFD describes a BTF object (BPF_OBJ_GET_INFO_BY_FD).
func BTFInfoByFD(fd int) (*BTFInfo, error) {
	name := make([]byte, 64)
	// struct bpf_btf_info
	info := struct {
		btf           unsafe.Pointer
		size, id      uint32
		name          unsafe.Pointer
		nameLen, kern uint32
	}{name: slicePtr(name), nameLen: uint32(len(name))}
	err := objInfo(fd, unsafe.Pointer(&info), uint32(unsafe.Sizeof(info)))
	if err == unix.E2BIG || err == unix.EINVAL {
		info.name, info.nameLen = nil, 0
		err = objInfo(fd, unsafe.Pointer(&info), 16) // before 5.11
	}
	return &BTFInfo{ID: info.id, Size: info.size, Name: unix.ByteSliceToString(name), Kernel: info.kern != 0}, err
}
