package sys

import (
	"runtime"
	"unsafe"
)

// ProgFuncs are the ids, in the program's BTF, of its functions, the main one first; none
// when it was loaded without BTF.
func ProgFuncs(fd int, info *ProgInfo) ([]uint32, error) {
	if info.NrFuncInfo == 0 || info.FuncInfoRecSize < 8 {
		return nil, nil
	}
	// struct bpf_func_info: u32 insn_off, type_id.
	words := make([]uint32, info.NrFuncInfo*info.FuncInfoRecSize/4)
	// The pinner keeps them in place: info holds their address as a number.
	var pin runtime.Pinner
	pin.Pin(&words[0])
	defer pin.Unpin()
	ask := ProgInfo{NrFuncInfo: info.NrFuncInfo, FuncInfoRecSize: info.FuncInfoRecSize,
		FuncInfo: uint64(uintptr(unsafe.Pointer(&words[0])))}
	if err := objInfo(fd, unsafe.Pointer(&ask), uint32(unsafe.Sizeof(ask))); err != nil {
		return nil, err
	}
	var ids []uint32
	for i := uint32(0); i < min(ask.NrFuncInfo, info.NrFuncInfo); i++ {
		ids = append(ids, words[i*info.FuncInfoRecSize/4+1])
	}
	return ids, nil
}

// BTFData is the content of the BTF object with an id; ENOENT when it's gone.
func BTFData(id uint32) ([]byte, error) {
	fd, err := ByID(KindBTF, id)
	if err != nil {
		return nil, err
	}
	defer Close(fd)
	info := struct {
		btf           unsafe.Pointer
		size, id      uint32
		name          unsafe.Pointer
		nameLen, kern uint32
	}{}
	// Before 5.11 the kernel doesn't take the members after id.
	const size = 16
	if err := objInfo(fd, unsafe.Pointer(&info), size); err != nil {
		return nil, err
	}
	data := make([]byte, info.size)
	info.btf = slicePtr(data)
	err = objInfo(fd, unsafe.Pointer(&info), size)
	return data, err
}
