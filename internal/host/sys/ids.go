package sys

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// Kind is a kind of BPF object that has ids.
type Kind uint8

// The kinds.
const (
	KindProg Kind = iota
	KindMap
	KindBTF
	KindLink
)

// idCommands are a kind's commands: the id after another, and a descriptor of an id.
var idCommands = [...]struct{ next, open int }{
	KindProg: {unix.BPF_PROG_GET_NEXT_ID, unix.BPF_PROG_GET_FD_BY_ID},
	KindMap:  {unix.BPF_MAP_GET_NEXT_ID, unix.BPF_MAP_GET_FD_BY_ID},
	KindBTF:  {unix.BPF_BTF_GET_NEXT_ID, unix.BPF_BTF_GET_FD_BY_ID},
	KindLink: {unix.BPF_LINK_GET_NEXT_ID, unix.BPF_LINK_GET_FD_BY_ID},
}

// idAttr is the member of union bpf_attr for both.
type idAttr struct{ id, next, flags uint32 }

// NextID is the id of the object after id (0: the first); ENOENT after the last. Links:
// kernel 5.8.
func NextID(k Kind, id uint32) (uint32, error) {
	a := idAttr{id: id}
	_, err := quick(idCommands[k].next, unsafe.Pointer(&a), unsafe.Sizeof(a))
	return a.next, err
}

// ByID opens the object with an id; ENOENT when it's gone, or not there yet. The caller closes the descriptor.
func ByID(k Kind, id uint32) (int, error) { return byID(idCommands[k].open, idAttr{id: id}) }

// MapByID opens a map for reading only, or for writing too.
func MapByID(id uint32, write bool) (int, error) {
	a := idAttr{id: id, flags: unix.BPF_F_RDONLY}
	if write {
		a.flags = 0
	}
	return byID(unix.BPF_MAP_GET_FD_BY_ID, a)
}

func byID(cmd int, a idAttr) (int, error) {
	fd, err := quick(cmd, unsafe.Pointer(&a), unsafe.Sizeof(a))
	// A link that's being made has its id before it can be opened (bpf_link_by_id,
	// kernel/bpf/syscall.c): it isn't there yet.
	if cmd == unix.BPF_LINK_GET_FD_BY_ID && err == unix.EAGAIN {
		err = unix.ENOENT
	}
	return fd, err
}

// ProgNextID is the id of the loaded program after id (0: the first); ENOENT after the last.
func ProgNextID(id uint32) (uint32, error) { return NextID(KindProg, id) }

// ProgByID opens a loaded program; ENOENT when it's gone. The caller closes the descriptor.
func ProgByID(id uint32) (int, error) { return ByID(KindProg, id) }

// ObjGet opens what is pinned at a path (BPF_OBJ_GET). The caller closes the descriptor.
func ObjGet(path string) (int, error) {
	p, err := unix.BytePtrFromString(path)
	if err != nil {
		return -1, err
	}
	a := struct {
		path      unsafe.Pointer
		fd, flags uint32
	}{path: unsafe.Pointer(p)}
	return bpf(unix.BPF_OBJ_GET, unsafe.Pointer(&a), unsafe.Sizeof(a))
}
