package sys

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// MapInfo is struct bpf_map_info.
type MapInfo struct {
	Type, ID               uint32
	KeySize, ValueSize     uint32
	MaxEntries, Flags      uint32
	Name                   [16]byte
	Ifindex, VmlinuxValue  uint32 // btf_vmlinux_value_type_id
	NetnsDev, NetnsIno     uint64
	BTFID, BTFKey          uint32
	BTFValue, BTFVmlinuxID uint32
	Extra                  uint64
}

// MapInfoByFD describes a map (BPF_OBJ_GET_INFO_BY_FD).
func MapInfoByFD(fd int) (*MapInfo, error) {
	var info MapInfo
	return &info, objInfo(fd, unsafe.Pointer(&info), uint32(unsafe.Sizeof(info)))
}

// MapInfoBytes reads struct bpf_map_info as far as info goes, members that MapInfo lacks too.
func MapInfoBytes(fd int, info []byte) error {
	return objInfo(fd, unsafe.Pointer(unsafe.SliceData(info)), uint32(len(info)))
}

// Flags of MapUpdateFlags: what the element's being there means.
const (
	MapAny     = unix.BPF_ANY
	MapNoExist = unix.BPF_NOEXIST
	MapExist   = unix.BPF_EXIST
)

// MapUpdateFlags sets an element under a condition. key is empty for queues and stacks.
func MapUpdateFlags(fd int, key, value []byte, flags uint64) error {
	return elem(unix.BPF_MAP_UPDATE_ELEM, fd, key, value, flags)
}

// MapLookupDelete takes an element out of a map: of a queue or stack, the next one.
func MapLookupDelete(fd int, key, value []byte) error {
	return elem(unix.BPF_MAP_LOOKUP_AND_DELETE_ELEM, fd, key, value, 0)
}
